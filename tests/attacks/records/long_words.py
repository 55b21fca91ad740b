"""Words of a megabyte where a sentence is expected."""

class Dead(Exception):
    pass
raise Dead("x" * 1_000_000 + " \ufdfd" * 100_000)
