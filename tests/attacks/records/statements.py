"""Names of cells, exceptions and functions that are statements of a database."""

from nbformat.v4 import new_code_cell

def submit(notebook):
    statement = "'); drop table grading_record; delete from grade; --"
    notebook.cells.append(new_code_cell("x = 1", metadata={"nbgrader": {"grade_id": statement, "solution": True}}))
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "sigmoid":
            cell.source = f"raise type({statement!r}, (Exception,), {{}})({statement!r})"
