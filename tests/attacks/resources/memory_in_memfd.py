"""Holds memory in files without a name, which belong to no process."""

import os
held = []
try:
    for _ in range(20):
        held.append(os.memfd_create("held"))
        os.write(held[-1], b"x" * 60_000_000)
    print("CONNECTED")
except OSError as error:
    print(error)
