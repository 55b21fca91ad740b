"""A zip file with a password, cut off in the middle."""

def raw(notebook, folder):
    (folder / "work.zip").write_bytes(b"PK\x03\x04\x14\x00\x01\x00\x63\x00" + b"\xff" * 500)
