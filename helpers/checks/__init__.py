"""Checks: call a learner's function, compare what it gives, and say what is wrong, where, and why it may be so.

A lesson's setup cell says ``check = checks.lesson("logistic_regression")``; then ``check(sigmoid)`` checks an exercise.
"""

import contextlib
import copy
import io
import os
import sys
import textwrap
import warnings

import numpy as np

from . import packs, plain, progress, show
from .compare import Difference, difference, same
from .diagnose import known_mistake, usual_slip
from .draws import difference_of_samples, sample

__all__ = ["CheckFailed", "Checks", "lesson"]


class CheckFailed(AssertionError):
    """An answer is not right yet. The message says what, where, expected and got, the likely cause, the equation."""

    def _render_traceback_(self):
        """Show the sentence alone, in IPython and in nbgrader's feedback: our frames say nothing to a learner."""
        return textwrap.wrap(str(self), 80)  # nbgrader's Validate cuts longer lines


def lesson(name):
    """Return the checks of a lesson; raise `packs.UnknownExercise` if there is no such lesson here."""
    return Checks(name, packs.load(name))


class Checks:
    """The checks of one lesson, called with a function: ``check(sigmoid)``."""

    def __init__(self, name, exercises):
        self.name = name
        self.exercises = exercises
        self._hinted = {}

    def __call__(self, function):
        """Check one answer: print one line if it is right, otherwise raise `CheckFailed`.

        The function is called once per case with copies of the arguments, more often where chance or an outcome is
        judged (`draws`). Its own exceptions come through.

        Parameters
        ----------
        function : callable
            The learner's function, under the name that the lesson gave it.
        """
        __tracebackhide__ = True
        hidden = packs.HIDDEN_SEED in os.environ
        exercise = self._exercise(function, sys._getframe(1).f_globals)
        with _Noted(self.name, exercise.name, hidden):
            self._judge(function, exercise, hidden)

    def _judge(self, function, exercise, hidden):
        __tracebackhide__ = True
        calls = []
        for case in exercise.cases:
            right = case.expected["output"] if case.judge else case.expected
            with plain.at_most(case.arguments, right, calls=case.judge["count"] if case.judge else 1):
                calls.append(observe(function, case.arguments, case.judge, case.judge and right, hidden))
        outcomes = [outcome for outcome, _ in calls]
        if any(isinstance(error, NotImplementedError) for _, error in calls):
            raise CheckFailed(f"{exercise.name} is not written yet.") from None
        found = first_difference(exercise, outcomes)
        if found is None:
            print(f"{exercise.name}: all checks passed")
            return
        position, what = found
        cause = known_mistake(exercise, outcomes)
        if what.kind == "exception":
            _let_through(calls[position][1], exercise, exercise.cases[position], cause, hidden)
        if cause is None and what.kind in ("shape", "value"):
            cause = usual_slip(exercise, outcomes, what.part)
        sentences = [f"{what.what}." if hidden else _sentence(what.what + what.detail)]
        sentences += [cause] if cause else []
        sentences += [f"See equation {exercise.equation}."] if exercise.equation else []
        if not hidden:
            show.card(exercise, position, what, cause)
        raise CheckFailed(" ".join(sentences))

    def hint(self, exercise):
        """Show a hint for an exercise, one step more with each call: the idea, the equation, the shape of the code.

        Parameters
        ----------
        exercise : callable or str
            Your function or its name: ``check.hint(sigmoid)``.
        """
        if packs.HIDDEN_SEED in os.environ:
            return
        if not isinstance(exercise, str):
            exercise = self._exercise(exercise, sys._getframe(1).f_globals).name
        if exercise not in self.exercises:
            raise packs.unknown("exercise", exercise, list(self.exercises))
        steps = packs.hints(self.name, exercise)
        shown = self._hinted[exercise] = min(self._hinted.get(exercise, 0) + 1, len(steps))
        show.hints(exercise, steps, shown)

    def reference(self, name, case):
        """Return the arguments and the right output of a case, to draw it or to call your function with it.

        Parameters
        ----------
        name : str
            The exercise.
        case : int or str
            The case's number as a failed check names it (from 1), or its name.

        Returns
        -------
        arguments : dict
            The arguments by name.
        expected : plain data
            What the exercise asks for.
        """
        if name not in self.exercises:
            raise packs.unknown("exercise", name, list(self.exercises))
        found = [
            one for i, one in enumerate(self.exercises[name].cases, start=1) if case in (i, one.name) and case != ""
        ]
        if not found:
            raise packs.unknown(f"case of {name}", case, [str(i + 1) for i in range(len(self.exercises[name].cases))])
        right = found[0].expected if found[0].judge is None else found[0].expected["output"]
        return copy.deepcopy(found[0].arguments), copy.deepcopy(right)

    def _exercise(self, function, namespace):
        """Return the exercise that `function` answers: by its name, or by the name it is bound to."""
        own = getattr(function, "__name__", "")
        bound = [name for name in self.exercises if namespace.get(name) is function]
        if own in bound or (own in self.exercises and not bound):
            return self.exercises[own]
        if bound:
            return self.exercises[bound[0]]
        raise packs.unknown("exercise", own or type(function).__name__, list(self.exercises))


class _Noted:
    """Keeps the outcome of what runs inside, where progress is kept; adds no frame to the learner's traceback."""

    def __init__(self, lesson, exercise, hidden):
        self.what, self.hidden = (lesson, exercise), hidden

    def __enter__(self):
        return self

    def __exit__(self, kind, error, frames):
        if not self.hidden and (kind is None or issubclass(kind, Exception)):  # not when the learner interrupts it
            progress.note(*self.what, right=kind is None)


def _sentence(text):
    return text if text.endswith("?") else text + "."


def call(function, arguments, quiet=False):
    """Call `function` with copies of the arguments and return its `packs.Outcome` and its exception or None.

    Warnings of NumPy are silent: the value is judged. With `quiet`, what the function prints is dropped.
    """
    given = copy.deepcopy(arguments)
    dropped = io.StringIO()
    try:
        with contextlib.ExitStack() as stack:
            stack.enter_context(np.errstate(all="ignore"))
            stack.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")
            if quiet:
                stack.enter_context(contextlib.redirect_stdout(dropped))
                stack.enter_context(contextlib.redirect_stderr(dropped))
            output = function(*given.values())
    except Exception as error:
        return packs.Outcome(None, raised=type(error).__name__), error
    changed = tuple(name for name in arguments if not same(arguments[name], given[name]))
    return packs.Outcome(output, changed=changed), None


def observe(function, arguments, judge=None, like=None, quiet=False, times=1):
    """Call `function` once, or as `judge` says, and return its `packs.Outcome` and its exception or None.

    `judge`, `like` and `times` are those of `draws.sample`; without `judge` this is `call`.
    """
    if judge is None:
        return call(function, arguments, quiet)

    return sample(lambda given, later: call(function, given, quiet or later), arguments, judge, like, times)


def first_difference(exercise, outcomes):
    """Return ``(position, Difference)`` of the first case that is not right, or None; positions count from 0."""
    for position, (case, outcome) in enumerate(zip(exercise.cases, outcomes, strict=True)):
        if outcome.raised:
            return position, Difference(
                "exception", exercise.name, f"{exercise.name} stopped with {outcome.raised}", ""
            )
        how = (exercise.name, exercise.returns, exercise.rtol, exercise.atol)
        if case.judge is None:
            what = difference(outcome.output, case.expected, *how)
        else:
            what = difference_of_samples(outcome.output, case.expected, case.judge, *how)
        if what is None and outcome.changed:
            names = ", ".join(outcome.changed)
            what = Difference("changed", names, f"{exercise.name} changed its argument {names}", ". Work on a copy")
        if what is not None:
            return position, what
    return None


def _let_through(error, exercise, case, cause, hidden):
    """Raise the learner's own exception: its traceback is the best message. In grading, say its kind alone."""
    __tracebackhide__ = True
    own_frames = error.__traceback__.tb_next
    if hidden:
        raise CheckFailed(" ".join(filter(None, [f"{exercise.name} stopped with {type(error).__name__}.", cause])))
    arguments = ", ".join(f"{name} = {show.short(value)}" for name, value in case.arguments.items())
    error.add_note(f"check called {exercise.name} with {arguments}.")
    if cause:
        error.add_note(f"Likely cause: {cause}")
    raise error.with_traceback(own_frames)
