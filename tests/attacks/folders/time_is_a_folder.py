"""The time of submission is a folder, with another one in it."""

def submit(notebook, folder=None):
    if folder is not None:
        (folder / "timestamp.txt" / "deep").mkdir(parents=True)
