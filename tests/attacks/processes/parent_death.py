"""Forgets that it ends with the process that made it, and adopts nobody."""

import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
print(libc.prctl(1, 0), libc.prctl(36, 0), libc.prctl(4, 1), libc.prctl(0x59616d61, -1))
