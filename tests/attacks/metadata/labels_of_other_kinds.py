"""Labels that are no texts, no numbers, or too large, in the place of those of the tests."""

def submit(notebook):
    strange = ([], {}, 1e308, float("nan"), -1, "9" * 10_000, None, True, {"__class__": "float"})
    for number, cell in enumerate(notebook.cells):
        label = cell.metadata.get("nbgrader")
        if label is not None:
            kind = strange[number % len(strange)]
            label.update(points=kind, schema_version=kind, checksum=kind, cell_type=kind, task=kind, remove=kind)
            if number % 3 == 0:
                label["grade_id"] = kind
