"""Thousands of files and folders beside the notebook."""

def submit(notebook, folder=None):
    if folder is not None:
        for number in range(60):
            (folder / "m" / str(number)).mkdir(parents=True)
            for name in range(40):
                (folder / "m" / str(number) / f"{name}.ipynb").touch()
