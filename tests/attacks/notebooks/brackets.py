"""Thousands of brackets, open and never closed."""

def submit(notebook):
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = "(" * 5000 + "[" * 5000 + "def sigmoid(" * 100
