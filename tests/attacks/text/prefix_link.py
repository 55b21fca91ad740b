"""Uses that nbconvert takes `files/` from addresses after everything else."""

from nbformat.v4 import new_markdown_cell

def submit(notebook):
    text = "[a](files/javascript:window.HACKED=1) <a href='/files/javascript:window.HACKED=1'>b</a> <img src=files/x onerror=window.HACKED=1>"
    notebook.cells.insert(0, new_markdown_cell(text))
