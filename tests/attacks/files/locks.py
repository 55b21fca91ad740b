"""Locks files that every room shares, so that others wait for them."""

import fcntl, os
import numpy
shared = [numpy.__file__, os.__file__]
held = []
for path in shared:
    for kind in (fcntl.LOCK_EX, fcntl.LOCK_SH):
        held.append(open(path))
        try:
            fcntl.flock(held[-1], kind | fcntl.LOCK_NB)
            print("CONNECTED")
        except OSError as error:
            print(error)
