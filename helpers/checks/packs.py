"""Packs: what a check knows of a lesson. They hold inputs and outputs, never the code of an answer.

In the repository a pack is built from the catalogue (`helpers.exercises`); the learner's edition ships it as a file.
Both pass through `read`, so that learners and maintainers run the same code.
"""

import difflib
import importlib
import importlib.util
import json
import os
from pathlib import Path
from typing import Any, NamedTuple

from . import plain

FOLDER = Path(__file__).with_name("packs")
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
    """One usual mistake: the sentence a learner needs, and what the mistake gives in each case."""

    name: str
    hint: str
    outcomes: list


class Exercise(NamedTuple):
    """One exercise as `check` sees it; ``returns`` names the parts of the output in messages."""

    name: str
    points: int
    equation: str
    returns: tuple
    rtol: float
    atol: float
    cases: list
    mistakes: list


class UnknownExercise(LookupError):
    """There is no exercise or lesson of this name; the message says which there are."""


def read(text):
    """Return ``{name: Exercise}`` from the text of a pack."""
    exercises = {}
    for fields in plain.decode(json.loads(text)):
        fields["cases"] = [Case(**case) for case in fields["cases"]]
        fields["mistakes"] = [
            Mistake(mistake["name"], mistake["hint"], [Outcome(**outcome) for outcome in mistake["outcomes"]])
            for mistake in fields["mistakes"]
        ]
        exercises[fields["name"]] = Exercise(**fields)
    return exercises


def load(lesson):
    """Return ``{name: Exercise}`` of a lesson, from the catalogue if it is here, else from the shipped pack."""
    seed = os.environ.get(HIDDEN_SEED)
    if importlib.util.find_spec("helpers.exercises") is not None:
        catalogue = importlib.import_module("helpers.exercises")
        if lesson not in catalogue.lessons():
            raise unknown("lesson", lesson, catalogue.lessons())
        return read(catalogue.load(lesson).pack(seed=0 if seed is None else int(seed)))
    path = FOLDER / f"{lesson}.json"
    if seed is not None or not path.exists():
        raise unknown("lesson", lesson, sorted(p.stem for p in FOLDER.glob("*.json")))
    return read(path.read_text(encoding="utf-8"))


def unknown(what, name, names):
    """Return an `UnknownExercise` with one clear line that lists what there is, the nearest name first."""
    near = difflib.get_close_matches(str(name), names, n=1)
    guess = f" Did you mean {near[0]!r}?" if near else ""
    return UnknownExercise(f"There is no {what} {name!r} here.{guess} There are: {', '.join(names)}.")
