"""An empty folder."""

def raw(notebook, folder):
    pass
