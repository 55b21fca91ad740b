"""Holds memory that processes share."""

import mmap, time
held = []
try:
    for _ in range(10):
        held.append(mmap.mmap(-1, 100_000_000))
        held[-1].write(b"x" * 100_000_000)
    print("CONNECTED")
except OSError as error:
    print(error)
