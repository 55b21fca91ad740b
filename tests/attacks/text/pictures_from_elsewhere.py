"""Pictures and links that tell another machine who reads the page, or ask the teacher's own server."""

from nbformat.v4 import new_markdown_cell

def submit(notebook):
    text = "![x](http://127.0.0.1:9/seen.png) ![y](/user/teacher/api/terminals) <img src=//127.0.0.1:9/b> [l](/hub/logout) [x](../../../secret)"
    notebook.cells.insert(0, new_markdown_cell(text))
