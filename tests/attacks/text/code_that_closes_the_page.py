"""Code and outputs that close what they stand in."""

from nbformat.v4 import new_code_cell

def submit(notebook):
    markup = "</pre></div></textarea></script><script>window.HACKED=1</script><img src=x onerror=window.HACKED=1>"
    notebook.cells.insert(0, new_code_cell(f"# {markup}\nprint({markup!r})\n{markup!r}"))
    notebook.cells.insert(0, new_code_cell(f"%%html\n{markup}"))
    notebook.cells.insert(0, new_code_cell(f"%%javascript\nwindow.HACKED=1\n//{markup}"))
