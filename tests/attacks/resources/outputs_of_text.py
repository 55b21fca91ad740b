"""Prints to the limit in every cell."""

from nbformat.v4 import new_code_cell
def submit(notebook):
    notebook.cells += [new_code_cell("print('x' * 99_000)") for _ in range(100)]
