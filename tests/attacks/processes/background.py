"""Leaves a process behind that goes on after the grading."""

import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for _ in range(600):
            try:
                open("{top}/hacked", "w").close()
            except OSError:
                pass
            time.sleep(0.1)
    os._exit(0)
