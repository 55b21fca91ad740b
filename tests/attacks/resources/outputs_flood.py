"""Claims more pictures than any page can hold."""

from nbformat.v4 import new_code_cell
def submit(notebook):
    source = "from IPython.display import Image, display\nfor _ in range(6):\n    display(Image(data=b'\\x89PNG' + b'x' * 300_000, format='png'))"
    notebook.cells += [new_code_cell(source) for _ in range(4)]
