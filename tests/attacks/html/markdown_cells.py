"""Writes scripts into Markdown cells, raw cells and their attachments."""

from nbformat.v4 import new_markdown_cell, new_raw_cell
def submit(notebook):
    script = "<script>window.HACKED = 1</script><img src=x onerror='window.HACKED = 1'><details ontoggle=window.HACKED=1 open>"
    notebook.cells.insert(0, new_markdown_cell(script + "[a](javascript:window.HACKED=1)"))
    notebook.cells.append(new_raw_cell(script, metadata={"raw_mimetype": "text/html", "format": "text/html"}))
    notebook.cells.append(new_markdown_cell("![a](attachment:a.svg)", attachments={"a.svg": {"image/svg+xml": script}}))
