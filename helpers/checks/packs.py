"""Packs: what a check knows of a lesson. They hold inputs and outputs, never the code of an answer.

In the repository the exercises are drawn from the catalogue (`helpers.exercises`); the learner's edition ships them as
a file.
"""

import bz2
import difflib
import functools
import importlib
import importlib.util
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from . import plain

FOLDER = Path(__file__).with_name("packs")
SUFFIX = ".json.bz2"
#: Set by the grader: cases are then drawn with this seed, and messages show nothing of them.
HIDDEN_SEED = "HELPERS_HIDDEN_SEED"


class Outcome(NamedTuple):
    """What one call did: its output, or the name of the exception; and which arguments it changed."""

    output: Any
    raised: str | None = None
    changed: tuple = ()


class Case(NamedTuple):
    """One call of an exercise: its arguments by name, in order, and the right output.

    With ``judge``, from `draws.draws`, it stands for many calls, and ``expected`` is the output of `draws.sample`.
    """

    name: str
    arguments: dict
    expected: Any
    judge: dict | None = None


class Mistake(NamedTuple):
    """One usual mistake: the sentence a learner needs, and what the mistake gives in each case, to be read once."""

    name: str
    hint: str
    outcomes: Iterable


class Exercise(NamedTuple):
    """One exercise as `check` sees it; ``returns`` names the parts of the output in messages.

    ``hints`` are the steps of `Checks.hint` as Markdown; only a pack has them.
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
            Mistake(mistake["name"], mistake["hint"], [Outcome(**outcome) for outcome in mistake["outcomes"]])
            for mistake in fields["mistakes"]
        ]
        exercises[fields["name"]] = _exercise(fields, mistakes)
    return exercises


def _exercise(fields, mistakes):
    return Exercise(**{**fields, "cases": [Case(**case) for case in fields["cases"]], "mistakes": mistakes})


class Drawn(Mapping):
    """The exercises of a catalogue's lesson, each drawn when it is asked for.

    A grader needs fresh cases for each submission, but mistakes only of the exercises that fail. Everything takes the
    form that it has in a file, so that learners and graders compare the same.
    """

    def __init__(self, lesson, seed):
        self._lesson, self._seed, self._drawn = lesson, seed, {}

    def __getitem__(self, name):
        if name not in self._drawn:
            exercise = self._lesson.exercises[name]
            drawn = exercise.draw(self._seed)
            self._drawn[name] = _exercise(_as_in_a_file(drawn), _Mistakes(exercise, drawn["cases"]))
        return self._drawn[name]

    def __iter__(self):
        return iter(self._lesson.exercises)

    def __len__(self):
        return len(self._lesson.exercises)

    def __contains__(self, name):
        return name in self._lesson.exercises


class _Mistakes:
    """The mistakes of an exercise of the catalogue, computed once and as far as one reads them."""

    def __init__(self, exercise, cases):
        self._exercise, self._cases = exercise, cases
        self._outcome = functools.cache(self._compute)

    def __iter__(self):
        for function, hint in self._exercise.mistakes:
            outcomes = (self._outcome(function, i) for i in range(len(self._cases)))
            yield Mistake(function.__name__, hint, outcomes)

    def _compute(self, function, i):
        return Outcome(**_as_in_a_file(self._exercise.mistaken(function, self._cases[i])))


def _as_in_a_file(fields):
    return plain.decode(json.loads(json.dumps(plain.encode(fields))))


def load(lesson):
    """Return ``{name: Exercise}`` of a lesson, from the catalogue if it is here, else from the shipped pack."""
    seed = os.environ.get(HIDDEN_SEED)
    if importlib.util.find_spec("helpers.exercises") is not None:
        catalogue = importlib.import_module("helpers.exercises")
        if lesson not in catalogue.lessons():
            raise unknown("lesson", lesson, catalogue.lessons())
        return _drawn(catalogue.load(lesson), 0 if seed is None else int(seed))
    path = FOLDER / f"{lesson}{SUFFIX}"
    if seed is not None or not path.exists():
        raise unknown("lesson", lesson, sorted(p.name.removesuffix(SUFFIX) for p in FOLDER.glob(f"*{SUFFIX}")))
    return _shipped(path)


def hints(lesson, exercise):
    """Return the steps of the hint for an exercise, from where `load` takes the lesson; empty if it has none."""
    if importlib.util.find_spec("helpers.exercises") is not None:
        return importlib.import_module("helpers.hints").make(lesson)[exercise]
    return load(lesson)[exercise].hints


@functools.cache
def _shipped(path):
    return read(path.read_bytes())


@functools.lru_cache(maxsize=8)  # few: a grader meets thousands of seeds
def _drawn(lesson, seed):
    return Drawn(lesson, seed)


def unknown(what, name, names):
    """Return an `UnknownExercise` with one clear line that lists what there is, the nearest name first."""
    near = difflib.get_close_matches(str(name), names, n=1)
    guess = f" Did you mean {near[0]!r}?" if near else ""
    return UnknownExercise(f"There is no {what} {name!r} here.{guess} There are: {', '.join(names)}.")
