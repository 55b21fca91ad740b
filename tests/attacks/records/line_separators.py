"""Splits a line of a file of records by separators that only some programs know."""

class Dead(Exception):
    pass
raise Dead("a\u20280\u2028b\u2029{}\x850\x0b0\x0c0\x1c0")
