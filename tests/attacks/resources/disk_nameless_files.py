"""Fills the disk with files that never had a name."""

import os, tempfile, time
held = []
try:
    for number in range(12):
        held.append(os.open(".", os.O_TMPFILE | os.O_RDWR, 0o600))
        os.write(held[-1], b"x" * 10_000_000)
except OSError as error:
    print(error)
time.sleep(0.3)
