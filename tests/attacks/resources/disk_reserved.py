"""Reserves disk beyond the ends of files, which are empty as long as nobody looks at what is reserved."""

import ctypes
import os

libc, kept = ctypes.CDLL(None, use_errno=True), []
for number in range(12):
    kept.append(os.open(f"file{number}", os.O_RDWR | os.O_CREAT))
    libc.fallocate(kept[-1], 1, ctypes.c_long(0), ctypes.c_long(60 << 20))  # FALLOC_FL_KEEP_SIZE
import time
time.sleep(1)
