"""Asks Python and the loader for the arguments the program was started with."""

import sys
print(sys.orig_argv, sys.argv, sys.flags, sys._xoptions)
import os
for name in sorted(os.environ):
    print(name, os.environ[name])
