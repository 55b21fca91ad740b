"""Markdown that takes a renderer hours: unpaired environments, brackets, stars, quotes, fences."""

from nbformat.v4 import new_markdown_cell

def submit(notebook):
    for text in (
        "\\begin{a}" * 5000, "[" * 40000, "![" * 20000, "*a _b " * 8000, "> " * 20000, "`" * 3 + "a\n" * 10000,
        "$$ a " * 9000, "<a " * 12000, "\\\\[" * 9000, "- " * 20000,
    ):
        notebook.cells.insert(0, new_markdown_cell(text))
