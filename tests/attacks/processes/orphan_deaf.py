"""Leaves processes behind that are stopped or refuse every signal."""

import os, signal, time
for stop in (False, True):
    if os.fork() == 0:
        os.setsid()
        for number in range(1, 65):
            try:
                signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError):
                pass
        if stop:
            os.kill(os.getpid(), signal.SIGSTOP)
        while True:
            time.sleep(1)
