"""Hides the colon of script addresses behind entities, which a renderer turns back."""

from nbformat.v4 import new_markdown_cell

def submit(notebook):
    ends = ("&#58;", "&#x3a;", "&colon;", "&amp;#58;", "&#0000058;", "&Tab;:", "%3a", "\\:", "&NewLine;:")
    links = [f"[click](javascript{end}window.HACKED=1) <a href='javascript{end}window.HACKED=1'>b</a>" for end in ends]
    notebook.cells.insert(0, new_markdown_cell("\n\n".join(links)))
