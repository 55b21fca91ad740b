"""Raises errors whose text is HTML and whose colours are escape codes."""

class Script(Exception):
    pass
Script.__name__ = "<script>window.HACKED = 1</script>"
raise Script("\x1b[31m<script>window.HACKED = 1</script>\x1b]8;;javascript:window.HACKED=1\x07")
