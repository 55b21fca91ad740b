"""Stops itself and what it started, for good: what is stopped hears no signal but one."""

import os, signal

for _ in range(5):
    if os.fork() == 0:
        os.setsid()
        os.kill(os.getpid(), signal.SIGSTOP)
        os._exit(0)
def sigmoid(z):
    os.kill(os.getpid(), signal.SIGSTOP)
    return 1
