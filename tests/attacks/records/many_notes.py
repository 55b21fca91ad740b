"""Takes care that each cell needs a note, in thousands."""

import copy

def submit(notebook):
    answers = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("solution")]
    notebook.cells = [copy.deepcopy(cell) for _ in range(100) for cell in reversed(answers)]
