"""Replaces its process by another program."""

import os, sys
for program in (sys.executable, "/bin/sh", "/usr/bin/python3"):
    try:
        os.execv(program, [program, "-c", "print(15)"])
    except OSError as error:
        print(error)
