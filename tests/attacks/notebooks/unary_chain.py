"""Thousands of signs before one number."""

def submit(notebook):
    notebook.cells[2].source = "x = " + "-" * 5000 + "1"
