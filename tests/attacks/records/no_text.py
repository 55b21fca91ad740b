"""Halves of characters and zero bytes in sources, names and errors."""

def submit(notebook):
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = "raise ValueError('\\ud800 \\x00')  # \x00"
    notebook.cells[0].metadata["nbgrader"] = {"grade_id": "\x00", "solution": True}
