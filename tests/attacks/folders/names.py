"""Names of files that a terminal, a page or a table obeys."""

import os

def submit(notebook, folder=None):
    if folder is not None:
        for name in (
            "<img src=x onerror=window.HACKED=1>.ipynb", "=1+1.ipynb", "\x1b[2Ka.ipynb", "a\nb.ipynb", "\u202egpj.ipynb",
            "[a](javascript:x).ipynb", "{student_id}.ipynb", "*.ipynb", "..ipynb",
        ):
            (folder / name).write_text("x")
        (folder / os.fsdecode(b"\xff.ipynb")).write_text("x")
