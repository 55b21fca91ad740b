"""Makes queues, semaphores and memory with a name."""

import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
try:
    rt = ctypes.CDLL("librt.so.1")
except OSError:
    rt = libc
for make in (lambda: rt.mq_open(b"/held", 0o102, 0o666, None), lambda: rt.shm_open(b"/hacked", 0o102, 0o666)):
    if make() >= 0:
        print("CONNECTED")
