"""Attaches to other processes as a debugger."""

import ctypes, os
libc = ctypes.CDLL(None)
print(libc.ptrace(16, os.getppid(), 0, 0), libc.ptrace(16, 1, 0, 0))
libc.process_vm_readv(os.getppid(), None, 0, None, 0, 0)
