"""Folders in folders, until no path names the last one."""

import os

def submit(notebook, folder=None):
    if folder is not None:
        here = os.open(folder, os.O_RDONLY)
        for _ in range(60):
            os.mkdir("d" * 200, dir_fd=here)
            below = os.open("d" * 200, os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = below
        os.close(here)
