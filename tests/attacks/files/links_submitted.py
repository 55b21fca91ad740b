"""Submits links to the secret and to the gradebook, which a grader could copy or follow."""

import os
def submit(notebook, folder=None):
    if folder is not None:
        os.symlink("{top}/grading/secret", folder / "data.txt")
        os.symlink("{top}/grading", folder / "everything")
        os.mkfifo(folder / "pipe")
