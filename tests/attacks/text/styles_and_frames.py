"""Styles over the page, frames, refreshes, other bases, objects."""

from nbformat.v4 import new_markdown_cell

def submit(notebook):
    html = (
        "<style>body{display:none}</style><div style='position:fixed;inset:0'>x</div><link rel=stylesheet href=//127.0.0.1:9>"
        "<meta http-equiv=refresh content='0;url=javascript:window.HACKED=1'><base href=//127.0.0.1:9><iframe srcdoc='<script>"
        "parent.HACKED=1</script>'></iframe><object data=javascript:window.HACKED=1></object><embed src=javascript:window.HACKED=1>"
        "<svg><animate onbegin=window.HACKED=1 attributeName=x dur=1s></svg><video><source onerror=window.HACKED=1></video>"
    )
    notebook.cells.insert(0, new_markdown_cell(html))
