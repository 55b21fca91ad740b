"""Leaves a process without a parent behind, which answers in its place."""

import os, time
def sigmoid(z):
    if os.fork():
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
    for _ in range(600):
        try:
            open("{top}/hacked", "w").close()
        except OSError:
            pass
        time.sleep(0.1)
