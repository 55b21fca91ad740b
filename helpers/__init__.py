"""What the lessons share: checks of your answers, plots, interactive pictures and data."""

import functools
import importlib
import importlib.util


@functools.cache
def source_of_lessons():
    """Return the module that hands lessons to the checks: in the repository `helpers.source`, in an edition None."""
    there = importlib.util.find_spec("helpers.source") is not None
    return importlib.import_module("helpers.source") if there else None
