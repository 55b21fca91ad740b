"""What the learner's `check` asks besides the exercises, as files of an edition: made from catalogue and notebook."""

import inspect
import json
import textwrap
import zlib
from binascii import b2a_base64

from helpers import courses, exercises, notebooks
from helpers.checks import plain


def make(lesson):
    """Return what `helpers.checks.think` needs of a lesson, as data that JSON keeps.

    Parameters
    ----------
    lesson : str

    Returns
    -------
    dict
        ``"predictions"`` by name; ``"exercises"`` by name.
    """
    catalogue = exercises.load(lesson)
    return {"predictions": {name: one._asdict() for name, one in catalogue.predictions.items()}}
