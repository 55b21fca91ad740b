"""Submits modules of its own that hide numpy, helpers and the checks."""

def submit(notebook, folder=None):
    if folder is not None:
        (folder / "numpy.py").write_text("raise SystemExit")
        (folder / "sitecustomize.py").write_text("open('{top}/hacked', 'w')")
        (folder / "conftest.py").write_text("open('{top}/hacked', 'w')")
        (folder / "nbgrader_config.py").write_text("open('{top}/hacked', 'w')")
        (folder / "helpers").mkdir()
        (folder / "helpers" / "__init__.py").write_text("open('{top}/hacked', 'w')")
