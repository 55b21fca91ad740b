"""Attachments that are pages, and pictures that are other kinds than they say."""

from nbformat.v4 import new_markdown_cell

def submit(notebook):
    page = "PHNjcmlwdD53aW5kb3cuSEFDS0VEPTE8L3NjcmlwdD4="
    cell = new_markdown_cell("![a](attachment:a.svg) ![b](attachment:b.png) [c](attachment:c.html) ![d](attachment:../../../gradebook.db)")
    cell.attachments = {
        "a.svg": {"image/svg+xml": page}, "b.png": {'image/png" onerror="window.HACKED=1': page, "text/html": page},
        "c.html": {"text/html": "<script>window.HACKED=1</script>"},
        '"><script>window.HACKED=1</script>': {"image/png": '"><script>window.HACKED=1</script>'},
    }
    notebook.cells.insert(0, cell)
