"""Holds memory in large pipes, and pages lent to them."""

import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
import fcntl
held = []
try:
    for _ in range(60):
        pair = os.pipe()
        held.append(pair)
        os.set_blocking(pair[1], False)
        fcntl.fcntl(pair[1], 1031, 1 << 20)
        print("CONNECTED")
except OSError as error:
    print(error)
space = ctypes.create_string_buffer(4096)
part = (ctypes.c_void_p * 2)(ctypes.addressof(space), 4096)
if held and libc.vmsplice(held[0][1], part, 1, 0) > 0:
    print("CONNECTED")
