"""Packs: what a check knows of a lesson. They hold inputs and outputs, never the code of an answer.

The learner's edition ships them as files. Where there is a source of lessons, `helpers.source_of_lessons`, it hands
them over instead, and the hidden cases of a grader come from it.
"""

import bz2
import difflib
import fnmatch
import functools
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import helpers

from . import plain

FOLDER = Path(__file__).with_name("packs")
SUFFIX = ".json.bz2"
#: Set by the grader: cases are then drawn with this seed, and messages show nothing of them.
HIDDEN_SEED = "HELPERS_HIDDEN_SEED"


class Outcome(NamedTuple):
    """What one call did: its output, or its exception; which arguments it changed, which generators it moved on.

    Of an exception: the name of its kind, what it said, the kind of expression in which it arose, and the line.
    ``shared`` says which arrays of the output are no new ones, as `calls.shared` does.
    """

    output: Any
    raised: str | None = None
    changed: tuple = ()
    said: str = ""
    place: str = ""
    line: int | None = None
    moved: tuple = ()
    shared: tuple = ()

    def fields(self):
        """Return as a dict what a pack keeps: what is not the default, without the line."""
        names = [name for name in ("raised", "changed", "said", "place") if getattr(self, name)]
        return {"output": self.output} | {name: getattr(self, name) for name in names}


class Case(NamedTuple):
    """One call of an exercise: its arguments by name, in order, and the right output.

    With ``judge``, from `draws.draws`, it stands for many calls, and ``expected`` is the output of `draws.sample`.
    """

    name: str
    arguments: dict
    expected: Any
    judge: dict | None = None


class Mistake(NamedTuple):
    """One usual mistake: the sentence a learner needs, and what the mistake gives in each case, to be read once.

    A ``partial`` one gives dicts that say nothing of the keys that they lack.
    """

    name: str
    hint: str
    outcomes: Iterable
    partial: bool = False


class Exercise(NamedTuple):
    """One exercise as `check` sees it; ``returns`` names the parts of the output in messages.

    ``hints`` are the steps of `Checks.hint` as Markdown; only a pack has them. ``equations`` holds those of single
    parts, by a pattern for the part's name. ``new`` says whether the arrays of the output must be new ones.
    """

    name: str
    points: int
    equation: str
    returns: tuple
    rtol: float
    atol: float
    cases: list
    mistakes: Iterable
    hints: tuple = ()
    equations: dict = {}  # noqa: RUF012, never changed
    new: bool = False

    def equation_of(self, part):
        """Return the equation of a part of the output; the exercise's if it has none of its own."""
        return next((self.equations[one] for one in self.equations if fnmatch.fnmatchcase(part, one)), self.equation)


class UnknownExercise(LookupError):
    """There is no exercise or lesson of this name; the message says which there are."""


def write(fields):
    """Return the bytes of a pack from the list of its exercises' fields; the same wherever they are written."""
    text = json.dumps(plain.encode(fields), ensure_ascii=False, separators=(",", ":")) + "\n"
    return bz2.compress(text.encode())  # of this format there is one implementation, unlike gzip's


def read(content):
    """Return ``{name: Exercise}`` from the bytes of a pack."""
    exercises = {}
    for fields in plain.decode(json.loads(bz2.decompress(content))):
        mistakes = [
            Mistake(**{**mistake, "outcomes": [Outcome(**outcome) for outcome in mistake["outcomes"]]})
            for mistake in fields["mistakes"]
        ]
        exercises[fields["name"]] = exercise(fields, mistakes)
    return exercises


def exercise(fields, mistakes):
    """Return the `Exercise` of plain data."""
    return Exercise(**{**fields, "cases": [Case(**case) for case in fields["cases"]], "mistakes": mistakes})


def load(lesson):
    """Return ``{name: Exercise}`` of a lesson, from the source of lessons, else from the shipped pack."""
    seed = os.environ.get(HIDDEN_SEED)
    source = helpers.source_of_lessons()
    if source is not None:
        return source.load(lesson, 0 if seed is None else int(seed))
    path = FOLDER / f"{lesson}{SUFFIX}"
    if seed is not None or not path.exists():
        raise unknown("lesson", lesson, sorted(p.name.removesuffix(SUFFIX) for p in FOLDER.glob(f"*{SUFFIX}")))
    return _shipped(path)


def is_open(lesson, exercise, text):
    """Tell whether a text, such as the name of a part, stands in an open case of an exercise; for graders alone."""
    return text in helpers.source_of_lessons().texts(lesson, exercise)


def hints(lesson, exercise):
    """Return the steps of the hint for an exercise, from where `load` takes the lesson; empty if it has none."""
    source = helpers.source_of_lessons()
    return load(lesson)[exercise].hints if source is None else source.hints(lesson, exercise)


@functools.cache
def _shipped(path):
    return read(path.read_bytes())


def unknown(what, name, names):
    """Return an `UnknownExercise` with one clear line that lists what there is, the nearest name first."""
    near = difflib.get_close_matches(str(name), names, n=1)
    guess = f" Did you mean {near[0]!r}?" if near else ""
    return UnknownExercise(f"There is no {what} {name!r} here.{guess} There are: {', '.join(names)}.")
