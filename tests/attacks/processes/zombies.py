"""Starts processes that end at once and that nobody waits for, as children and as orphans."""

import os, time

started = 0
end = time.monotonic() + 2
while time.monotonic() < end:
    try:
        if os.fork() == 0:
            if started % 2:
                os.fork()
            os._exit(0)
        started += 1
    except OSError:
        time.sleep(0.01)
