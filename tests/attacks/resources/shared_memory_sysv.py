"""Makes System V memory, semaphores and queues that outlive it."""

import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
for got in (libc.shmget(4711, 300_000_000, 0o1666), libc.semget(4711, 100, 0o1666), libc.msgget(4711, 0o1666)):
    if got >= 0:
        print("CONNECTED", got)
