"""Holds memory in many processes, a little in each."""

import os, time
for _ in range(20):
    if os.fork() == 0:
        held = bytearray(b"x" * 50_000_000)
        time.sleep(30)
        os._exit(0)
time.sleep(20)
