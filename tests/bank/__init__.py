"""A bank of answers that the catalogue's authors did not write for it: learners' mistakes, and right answers.

The mistakes were found in public questions and repositories and written anew; what a source was is noted by its kind:
"question" (forums and question-and-answer pages), "repository" (solutions of others and their issues), "course"
(misprints and slips of published notebooks), "own" (none: thought up, of the kinds that were found, for exercises where
they were not looked for). With each stand the names that explain it truly, of the catalogue or of
`helpers.checks.diagnose`; without a name it must fail, and nothing may be named.
"""

import types
from typing import Any, NamedTuple

from helpers import exercises


class Answer(NamedTuple):
    """An answer to ``lesson.exercise``, the kind of its source, and the causes that are true of it."""

    exercise: str
    kind: str
    function: Any
    names: tuple


MISTAKES, RIGHT = [], []


def solved(lesson):
    """Return the right answers of a lesson under their names: what a learner has written before."""
    found = exercises.load(lesson).exercises
    return types.SimpleNamespace(**{name: one.reference for name, one in found.items()})


def posted(exercise, kind, *names):
    """Register a mistake."""

    def register(function):
        MISTAKES.append(Answer(exercise, kind, function, names))
        return function

    return register


def right(exercise, kind="repository"):
    """Register a right answer."""

    def register(function):
        RIGHT.append(Answer(exercise, kind, function, ()))
        return function

    return register
