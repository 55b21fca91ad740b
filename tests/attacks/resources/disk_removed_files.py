"""Fills the disk with files that are removed and still open."""

import os, time
held = []
try:
    for number in range(12):
        held.append(open(f"file{number}", "wb", buffering=0))
        os.remove(f"file{number}")
        held[-1].write(b"x" * 10_000_000)
except OSError as error:
    print(error)
time.sleep(0.3)
