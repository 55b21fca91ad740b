"""Writes files to places outside its room."""

import os
for path in ("{top}/hacked", "/hacked", "/usr/hacked", os.path.expanduser("~root/hacked"), "/var/tmp/hacked", "/dev/shm/hacked"):
    try:
        open(path, "w").write("hacked")
    except OSError as error:
        print(error)
