"""A sum of thousands of terms, which Python can read but not compile."""

def submit(notebook):
    notebook.cells[2].source = "x = 1" + " + 1" * 3000
