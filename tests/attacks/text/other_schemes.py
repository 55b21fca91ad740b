"""Addresses of other kinds: data, vbscript, blob, with blanks, controls and capitals."""

from nbformat.v4 import new_markdown_cell

def submit(notebook):
    names = (
        "data:text/html,<script>window.HACKED=1</script>", "vbscript:x", "JaVaScRiPt:window.HACKED=1", " javascript:window.HACKED=1",
        "\x01javascript:window.HACKED=1", "java\nscript:window.HACKED=1", "view-source:x", "blob:x", "file:///etc/passwd",
    )
    links = [f"[x](<{name}>) <{name}> [y]: {name} '[z]' <a href=\"{name}\">q</a>" for name in names]
    notebook.cells.insert(0, new_markdown_cell("\n\n".join(links)))
