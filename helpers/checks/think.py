"""What a lesson asks besides its exercises: predictions, questions about your own code, runs to diagnose, other ways.

The texts lie in one small file per lesson, made at release from the catalogue (`helpers.thinking`); the other ways in a
file of their own, which only some editions have. In the repository both are made when they are asked for.
"""

import contextlib
import functools
import inspect
import io
import json
import os
import sys
import textwrap
import zlib
from binascii import a2b_base64
from pathlib import Path

import numpy as np

import helpers

from . import ask, packs, plain, predict, progress, questions, review, sheet, show, sick
from .trace import Untraceable

WAYS, SHEETS = Path(__file__).with_name("ways"), Path(__file__).with_name("sheets")


@functools.cache
def load(lesson):
    """Return what `helpers.thinking.make` made of a lesson; raise `packs.UnknownExercise` if there is none."""
    source = helpers.source_of_lessons()
    return review.read(progress.TOP, lesson) if source is None else source.thinking(lesson)


def ways(lesson):
    """Return ``{exercise: [{"title", "code", "differs"}]}``; empty in an edition without other ways."""
    source = helpers.source_of_lessons()
    if source is not None:
        return source.ways(lesson)
    path = WAYS / f"{lesson}.json"
    # Packed, so that a search through the folder does not give an answer away; it is no secret.
    return json.loads(zlib.decompress(a2b_base64(path.read_bytes()))) if path.exists() else {}


def sheet_cases(lesson):
    """Return the cases of a lesson's graded sheet, from `helpers.thinking.sheet`; empty in an edition without it."""
    source = helpers.source_of_lessons()
    if source is not None:
        return source.sheet(lesson)
    path = SHEETS / f"{lesson}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def decoded(value):
    """Return plain data of the file as it was."""
    return plain.decode(value)


class Thinking:
    """The part of `Checks` that asks instead of checking; each method does nothing in grading."""

    def predict(self, name, again=False):
        """Ask what an experiment will show, before you run it; your guess is kept, and never graded.

        Parameters
        ----------
        name : str
            The prediction, as the lesson calls it.
        again : bool
            Whether to ask once more although you have guessed.
        """
        if not _graded():
            predict.predict(self.name, name, self._prediction(name), again)

    def compare(self, name, came_out):
        """Show your guess beside what came out, and why.

        Parameters
        ----------
        name : str
            The prediction.
        came_out : int or float
            What the experiment gave: the position of a choice, from 0, or the number.
        """
        if not _graded():
            predict.compare(self.name, name, self._prediction(name), came_out)

    def questions(self, function):
        """Ask two or three questions about your own function: what its lines give, how often they run, why.

        Parameters
        ----------
        function : callable
            Your function, once its check passes; until then this is its check.
        """
        if _graded():
            return
        name = self._named(function)
        with contextlib.redirect_stdout(io.StringIO()):
            self(function)
        about = load(self.name)["exercises"][name]
        self._asked[name] = self._asked.get(name, -1) + 1
        rng = np.random.default_rng([self._asked[name], *name.encode()])
        cases = [case.arguments for case in self.exercises[name].cases]
        try:
            made = questions.make(function, max(cases, key=_sizes), decoded(about["small"]), about["why"], rng)
        except Untraceable as error:
            print(f"There are no questions here: {error}.")
        else:
            if not made:
                print("There are no questions about what has neither arrays nor loops nor numbers.")
            else:
                questions.put(made)

    def sheet(self, name, answers, count):
        """Show the questions of your graded sheet, which are about your own functions, and the answers that you typed.

        Whether these are right is not said here: the grader says it.

        Parameters
        ----------
        name : str
            Yours, as your course knows you; the questions and their numbers follow from it.
        answers : dict
            ``{1: answer, 2: answer, ...}``.
        count : int
            How many questions there are.

        Returns
        -------
        int or None
            0 points where a cell with it is graded as a test; the grader itself gives the points.
        """
        if _graded():
            return 0
        if not isinstance(name, str) or not name.strip():
            print("Put your name into the cell above and run it: the questions and their numbers follow from it.")
            return None
        cases, functions = sheet_cases(self.name), sys._getframe(1).f_globals
        if not cases:
            print("This edition has no questions for this sheet. Take the one that your course hands out.")
            return None
        for number, (exercise, arguments, seed) in enumerate(sheet.drawn(self.name, cases, name, count), 1):
            text, right = "its check does not pass yet", None
            if self.passes(functions.get(exercise), exercise):
                text, right, _ = sheet.question(functions[exercise], arguments, seed)
            if right is None:
                print(f"Question {number} is about {exercise}. There is none: {text}.\n")
                continue
            given = answers.get(number) if isinstance(answers, dict) else None
            print(ask.wrapped(f"Question {number}, about {exercise}. {text}"))
            print("Not answered yet.\n" if given is None else f"Your answer: {given!r}\n")
        return None

    def diagnose(self, run, *functions):
        """Show a training run with a fault, another one each time; ask for its cause and for the first thing to try.

        Parameters
        ----------
        run : callable
            ``run(rng, *functions)`` returns a `sick.Run`; a lesson's pictures have it.
        functions : callable
            Yours, with which it trains.
        """
        if not _graded():
            # In the repository the same run each time: its notebooks keep what they show.
            rng = np.random.default_rng(None if progress.START.exists() else 0)
            sick.put(run(rng, *functions), rng)

    def ways(self, exercise):
        """Show other right answers beside yours, once you have solved the exercise, where the edition has them.

        Parameters
        ----------
        exercise : callable or str
            Your function, or its name.
        """
        if _graded():
            return
        name = self._named(exercise)
        found = ways(self.name).get(name, [])
        if not found:
            print("This edition has no other ways.")
        elif not progress.is_solved(self.name, name):
            print(f"Solve {name} first: then this shows other ways beside yours.")
        else:
            own = None if isinstance(exercise, str) else _source(exercise)
            show.ways(name, own, found)

    def reset(self, exercise):
        """Start an exercise again: its cell becomes as it was released, and your old answer stands below it.

        Parameters
        ----------
        exercise : callable or str
            Your function, or its name.
        """
        if _graded():
            return
        name = self._named(exercise)
        stub = load(self.name)["exercises"][name].get("stub")
        if stub is None:
            print("Only an edition for learners knows how an exercise was released.")
            return
        review.send_back(name, stub)
        print(
            f"In JupyterLab, {name} is as it was released, and your answer stands below it. Elsewhere, put this in:\n"
        )
        print(stub)

    def offer_hint(self, exercise, failure):
        """After a check: offer the next hint if it failed in the same way for the third time, and each time after that.

        Parameters
        ----------
        exercise : str
        failure : str or None
            What the check said; None if it passed.
        """
        last, times = self._failures.get(exercise, (None, 0))
        times = times + 1 if failure == last else 1
        self._failures[exercise] = failure, times
        step = self._hinted.get(exercise, 0)
        if failure and times >= 3 and step < len(show.STEPS):
            what = f"hint {step + 1} of {len(show.STEPS)}, {show.STEPS[step]}"
            print(f"The same for the {ask.ordinal(times)} time. check.hint({exercise}) shows {what}.")

    def _prediction(self, name):
        known = load(self.name)["predictions"]
        if name not in known:
            raise packs.unknown("prediction", name, list(known))
        return predict.Prediction(**known[name])

    def _named(self, exercise, depth=2):
        """Return the name of the exercise that a learner means by a function or a name."""
        if not isinstance(exercise, str):
            return self._exercise(exercise, sys._getframe(depth).f_globals).name
        if exercise not in self.exercises:
            raise packs.unknown("exercise", exercise, list(self.exercises))
        return exercise


def _source(function):
    try:
        return textwrap.dedent(inspect.getsource(function)).rstrip()
    except (OSError, TypeError):
        return None


def _sizes(arguments):
    """Return what makes a case fit for questions about sizes: many different ones, none too large to count."""
    shapes = [np.shape(value) for value in arguments.values() if isinstance(value, np.ndarray)]
    sizes = {size for shape in shapes for size in shape}
    return len(sizes - {1}), max(sizes, default=0) <= 12, max(sizes, default=0)


def _graded():
    return packs.HIDDEN_SEED in os.environ
