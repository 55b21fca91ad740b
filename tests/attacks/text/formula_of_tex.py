"""Links, classes and identifiers in formulas."""

from nbformat.v4 import new_markdown_cell

def submit(notebook):
    tex = r"$\href{javascript:window.HACKED=1}{x}$ $$\require{html}\class{score}{\cssId{submission_id}{y}}$$ $\style{background:url(//127.0.0.1:9)}{x}$"
    notebook.cells.insert(0, new_markdown_cell(tex))
