"""Is a notebook of thousands of cells."""

from nbformat.v4 import new_code_cell
def submit(notebook):
    notebook.cells += [new_code_cell(f"x = {number}") for number in range(3000)]
