"""Holds memory in a file that is mapped, closed and removed."""

import mmap, os
held = []
try:
    for number in range(20):
        with open(f"held{number}", "w+b") as file:
            file.truncate(30_000_000)
            held.append(mmap.mmap(file.fileno(), 0))
            held[-1].write(b"x" * 30_000_000)
        os.remove(f"held{number}")
    print("CONNECTED")
except OSError as error:
    print(error)
