"""Holds memory in huge pages, which count nowhere."""

import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_long
for flags in (0x40022, 0x40021, 0x78040022):
    if libc.mmap(None, ctypes.c_size_t(1 << 21), 3, flags, -1, ctypes.c_long(0)) > 0:
        print("CONNECTED")
