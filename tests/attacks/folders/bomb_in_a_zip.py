"""A zip file that holds a notebook of 200 MB."""

import zipfile

def raw(notebook, folder):
    with zipfile.ZipFile(folder / "work.zip", "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.ipynb", "w") as file:
        for _ in range(200):
            file.write(b"0" * 1_000_000)
