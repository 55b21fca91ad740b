"""Leaves a sign for other rooms in which pages of a shared file are in memory."""

import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
import numpy
shared = [numpy.__file__, os.__file__]
import mmap
with open(shared[0], "rb") as file:
    view = mmap.mmap(file.fileno(), 0, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE)
here = ctypes.addressof(ctypes.c_char.from_buffer(view))
pages = (ctypes.c_ubyte * 4)()
if libc.mincore(ctypes.c_void_p(here), ctypes.c_size_t(4096), pages) == 0:
    print("CONNECTED")
