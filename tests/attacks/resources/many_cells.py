"""Is a notebook of a thousand cells."""

from nbformat.v4 import new_code_cell
def submit(notebook):
    notebook.cells += [new_code_cell(f"x = {number}") for number in range(1000)]
