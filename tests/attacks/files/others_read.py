"""Reads the submissions of others."""

import glob, os
for folder, _, files in os.walk("{top}"):
    for name in files:
        try:
            print(folder, name, open(os.path.join(folder, name), errors="replace").read())
        except OSError:
            pass
print(glob.glob("{top}/grading/submitted/*"))
