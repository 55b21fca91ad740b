"""A bank of answers that the catalogue's authors did not write for it: learners' mistakes, and right answers.

The mistakes were found in public questions and repositories and written anew; what a source was is noted by its kind:
"question" (forums and question-and-answer pages), "repository" (solutions of others and their issues), "course"
(misprints and slips of published notebooks). With each stand the names that explain it truly, of the catalogue or of
`helpers.checks.diagnose`; without a name it must fail, and nothing may be named.
"""

from typing import Any, NamedTuple


class Answer(NamedTuple):
    """An answer to ``lesson.exercise``, the kind of its source, and the causes that are true of it."""

    exercise: str
    kind: str
    function: Any
    names: tuple


MISTAKES, RIGHT = [], []


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
