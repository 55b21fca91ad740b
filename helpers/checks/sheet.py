"""A sheet of questions about a learner's own functions, for courses that grade them: other numbers for each student.

Which functions are asked about, with which numbers, follows from the student's name alone, so that a notebook that is
the same for all shows each student questions of their own, and the grader finds the same ones again. What is right
follows from a traced run of the student's function: `question` runs where that function is.
"""

import hashlib
import math
import unicodedata

import numpy as np

from . import plain, questions
from .calls import silent
from .trace import Untraceable

#: How far a typed number may be from the right one: relative, and absolute.
RTOL, ATOL = 0.01, 1e-3


def same_name(name):
    """Return a student's name as it counts: whatever its upper case, spaces, apostrophes, ways to write an accent."""
    return " ".join(unicodedata.normalize("NFKC", name).replace("’", "'").casefold().split())


def drawn(lesson, cases, name, count):
    """Return what a student's questions are about: ``[(exercise, arguments, seed)]``.

    Parameters
    ----------
    lesson : str
    cases : dict
        ``{exercise: [arguments, encoded]}``, from `helpers.thinking.sheet`; `count` exercises at least.
    name : str
        The student's.
    count : int
    """
    digest = hashlib.sha256(f"{lesson}\0{same_name(name)}".encode("utf-8", "replace")).digest()
    rng = np.random.default_rng(list(digest))
    found = []
    for i in rng.permutation(len(cases))[:count]:
        exercise = list(cases)[i]
        arguments = cases[exercise][int(rng.integers(len(cases[exercise])))]
        found.append((exercise, plain.decode(arguments), int(rng.integers(1 << 31))))
    return found


def question(function, arguments, seed):
    """Return a question about a function as ``(text, right, result of the run)``; without one, why, None and None."""
    try:
        with silent(quiet=True):
            found = questions.draw(function, arguments, np.random.default_rng(seed))
    except Untraceable:
        return "it is not a plain function, written with def", None, None
    except NotImplementedError:
        return "it is not written yet", None, None
    except Exception as error:
        return f"it stops with {type(error).__name__}", None, None
    return tuple(found) if found else ("it has nothing to ask about, no number and no loop", None, None)


def is_right(given, right):
    """Return whether what was typed is right: a shape and a count exactly, a number to about three digits."""
    if isinstance(right, tuple):
        given = (given,) if type(given) is int else given
        return type(given) in (tuple, list) and all(type(one) is int for one in given) and tuple(given) == right
    if type(given) not in (int, float):
        return False
    try:
        given = float(given)
    except OverflowError:
        return False
    if isinstance(right, int):
        return given == right
    return math.isfinite(given) and abs(given - right) <= max(RTOL * abs(right), ATOL)


def said(right):
    """Return a right answer as one types it."""
    return f"{right:.4g}" if isinstance(right, float) else str(right)
