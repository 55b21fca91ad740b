"""What the lessons share: checks of your answers, plots, interactive pictures and data."""

import functools
import importlib
import importlib.util
import sys

# Reading a notebook imports jsonschema, which imports this parser of international web addresses if it is installed.
# Building that takes longer than all else, and no notebook has such an address to be checked.
sys.modules.setdefault("rfc3987_syntax", None)


@functools.cache
def source_of_lessons():
    """Return the module that hands lessons to the checks: in the repository `helpers.source`, in an edition None."""
    there = importlib.util.find_spec("helpers.source") is not None
    return importlib.import_module("helpers.source") if there else None
