"""Links in a circle, to the secret, and in place of folders; a pipe in place of a notebook."""

import os

def raw(notebook, folder):
    os.symlink(folder, folder / "loop")
    os.symlink("{top}/grading/secret", folder / "a.ipynb")
    os.symlink("/dev/zero", folder / "b.ipynb")
    os.mkfifo(folder / "c.ipynb")
