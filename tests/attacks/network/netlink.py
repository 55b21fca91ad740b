"""Asks the kernel for networks and audits through other families of sockets."""

import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
for family in (16, 17, 38, 40, 1, 2, 10):
    for kind in (1, 2, 3, 5):
        if libc.socket(family, kind, 0) >= 0:
            print("CONNECTED", family, kind)
