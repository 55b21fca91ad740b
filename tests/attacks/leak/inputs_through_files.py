"""Writes the inputs to a file in a call and shows the file in a cell after the tests."""

from nbformat.v4 import new_code_cell
def submit(notebook):
    cell = next(c for c in notebook.cells if c.id == "sigmoid")
    cell.source = "def sigmoid(z):\n    open('inputs', 'a').write(f'LEAK {z!r}')\n    return 0"
    notebook.cells.append(new_code_cell("import os\nprint(open('inputs').read() if os.path.exists('inputs') else 'nothing')"))
