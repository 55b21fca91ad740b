"""Finds processes by asking for their limits."""

import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
pair = (ctypes.c_ulong * 2)()
for pid in range(2, 3000):
    if pid != os.getpid() and libc.prlimit(pid, 7, None, pair) == 0:
        print("CONNECTED", pid)
