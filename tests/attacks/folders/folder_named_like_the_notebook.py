"""A folder has the name of the notebook, and a notebook in it."""

def raw(notebook, folder):
    (folder / "02_logistic_regression.ipynb" / "x.ipynb").mkdir(parents=True)
