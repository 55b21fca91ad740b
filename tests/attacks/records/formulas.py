"""Exceptions, names and texts that a spreadsheet takes for formulas."""

class _E(Exception):
    pass
_E.__name__ = _E.__qualname__ = "=cmd|' /C calc'!A0"
raise _E("=HYPERLINK(\"http://127.0.0.1:9\", \"x\")")
