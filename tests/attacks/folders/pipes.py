"""Pipes in the place of the notebook and of the time: who opens one waits for ever."""

import os

def raw(notebook, folder):
    for name in ("02_logistic_regression.ipynb", "timestamp.txt", "other.ipynb"):
        os.mkfifo(folder / name)
