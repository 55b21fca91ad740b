"""The time of submission is no text, or beyond all calendars."""

def submit(notebook, folder=None):
    if folder is not None:
        (folder / "timestamp.txt").write_bytes(b"\xff\xfe\x00 99999-99-99 \x1b[2K")
