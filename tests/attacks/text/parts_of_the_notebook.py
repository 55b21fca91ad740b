"""Markup in every part of a notebook that a page can take over: title, authors, widgets, names of languages, tags."""

def submit(notebook):
    evil = "</title></script><script>window.HACKED=1</script><img src=x onerror=window.HACKED=1>"
    notebook.metadata.update(
        title=evil, authors=[{"name": evil}], name=evil, toc={"base_numbering": evil},
        language_info={"name": evil, "file_extension": evil, "mimetype": evil, "pygments_lexer": evil, "codemirror_mode": evil},
        kernelspec={"name": "python3", "display_name": evil, "language": evil},
        widgets={"application/vnd.jupyter.widget-state+json": {"state": {evil: {"model_name": evil, "state": {}}}, "version_major": 2}},
    )
    for cell in notebook.cells:
        cell.metadata.update(tags=[evil, "hide-input"], name=evil, slideshow={"slide_type": evil}, jupyter={"source_hidden": evil})
