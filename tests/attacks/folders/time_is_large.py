"""The time of submission has ten megabytes, and no time in it."""

def submit(notebook, folder=None):
    if folder is not None:
        (folder / "timestamp.txt").write_text("2027-01-01 " * 1_000_000)
