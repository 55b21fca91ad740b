"""Checks: call a learner's function, compare what it gives, and say what is wrong, where, and why it may be so.

A lesson's setup cell says ``check = checks.lesson("logistic_regression")``; then ``check(sigmoid)`` checks an exercise.
"""

import json
import os
import sys
import textwrap
import traceback

import numpy as np

from . import ask, origin, packs, plain, progress, show, words
from .calls import call, copied
from .compare import Difference, differences, keys_of_other_cases, not_new
from .diagnose import explain
from .draws import sample
from .think import Thinking
from .training import difference_of_judged, sample_of_training

__all__ = ["CheckFailed", "Checks", "lesson"]


class CheckFailed(AssertionError):
    """An answer is not right yet. The message says what, where, expected and got, the likely cause, the equation.

    Attributes
    ----------
    data : dict
        The same as data: ``exercise``, ``part`` (of the output), ``kind`` (unwritten, calls unwritten, exception,
        changed, type, shape, finite, value, random, training or shared), ``form`` (of its sentence in
        `words.SENTENCES`), ``case`` (from 1), ``index``, ``expected`` and ``got`` (numbers or texts), ``mistake`` (its
        name in the catalogue, a usual slip as
        ``"slip: sign"``, or None), ``cause`` (its sentence, or None), ``equation``. In grading, what would tell of a
        hidden case is None: case, index, expected, got.
    """

    def __init__(self, data, text):
        super().__init__(text)
        self.data = data

    def json(self):
        """Return the data as JSON."""
        return json.dumps(self.data, default=_plainly, ensure_ascii=False)

    def _render_traceback_(self):
        """Show the sentence alone, in IPython and in nbgrader's feedback: our frames say nothing to a learner."""
        return textwrap.wrap(str(self), 80)  # nbgrader's Validate cuts longer lines


def _plainly(value):
    """Return what JSON lacks as what it has."""
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else str(value)


def lesson(name):
    """Return the checks of a lesson; raise `packs.UnknownExercise` if there is no such lesson here."""
    origin.say()
    ask.watch()
    return Checks(name, packs.load(name))


class Checks(Thinking):
    """The checks of one lesson, called with a function: ``check(sigmoid)``."""

    def __init__(self, name, exercises):
        self.name = name
        self.exercises = exercises
        self._hinted = {}
        self._failures, self._asked = {}, {}

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
        with _Noted(self, exercise.name, hidden):
            self._judge(function, exercise, hidden)

    def _judge(self, function, exercise, hidden):
        __tracebackhide__ = True
        calls = []
        for case in exercise.cases:
            with plain.at_most(case.arguments, case.expected, calls=case.judge["count"] if case.judge else 1):
                calls.append(observe(function, case.arguments, case.judge, case.judge and case.expected, hidden))
        outcomes = [outcome for outcome, _ in calls]
        for _, error in calls:
            if isinstance(error, NotImplementedError):
                self._say_unwritten(error, function, exercise, hidden)
        wrong = all_differences(exercise, outcomes)
        if not wrong:
            print(f"{exercise.name}: all checks passed")
            return
        what, cause = explain(exercise, outcomes, [what for _, what in wrong])
        position = next(position for position, one in wrong if one is what)
        if what.kind == "exception" and not hidden:
            _let_through(calls[position][1], exercise, exercise.cases[position], cause)
        if not hidden:
            show.card(exercise, position, what, cause and cause.sentence)
        self._fail(exercise, position, what, cause, hidden)

    def passes(self, function, name):
        """Return whether a function would pass the check of an exercise; nothing is shown or kept.

        After the first case in which it is wrong, it is not called again.
        """
        if not callable(function):
            return False
        exercise = self.exercises[name]
        for case in exercise.cases:
            outcome, _ = observe(function, case.arguments, case.judge, case.judge and case.expected, quiet=True)
            if any(_differences_in(exercise, case, outcome)):
                return False
        return True

    def _fail(self, exercise, position, what, cause, hidden):
        """Raise the `CheckFailed` of a difference: its data first, then the sentences."""
        __tracebackhide__ = True
        if hidden:
            what = words.unseen(what, exercise, lambda text: packs.is_open(self.name, exercise.name, text))
            if cause and isinstance(cause.mode, str) and not packs.is_open(self.name, exercise.name, cause.mode):
                cause = None
        equation = "" if "unwritten" in what.kind else exercise.equation_of(what.part)
        expected, got = words.at(what)
        data = {
            "exercise": exercise.name, "part": what.part, "kind": what.kind, "form": what.form,
            "case": None if hidden or position is None else position + 1, "index": None if hidden else what.index,
            "expected": None if hidden else expected, "got": None if hidden else got,
            "mistake": cause and cause.name, "cause": cause and cause.sentence, "equation": equation,
        }  # fmt: skip
        clause = words.clause(what, exercise.name)
        detail = "" if hidden else words.detail(what, exercise.name)
        raise CheckFailed(data, words.message(clause, detail, data["cause"], equation)) from None

    def _say_unwritten(self, error, function, exercise, hidden):
        """Say which exercise is not written: this one, or one that its function calls; otherwise say nothing."""
        frames = [frame.f_code.co_name for frame, _ in traceback.walk_tb(error.__traceback__)]
        named = [name for name in frames if not name.startswith("<")]  # of a lambda or a comprehension: what holds it
        raised_in = getattr(error, "learner_function", named[-1])
        if raised_in in (exercise.name, getattr(function, "__name__", exercise.name)):
            self._fail(exercise, None, Difference("unwritten", exercise.name, "unwritten"), None, hidden)
        if raised_in in self.exercises:
            called = Difference("calls unwritten", exercise.name, "calls unwritten", got=raised_in)
            self._fail(exercise, None, called, None, hidden)

    def hint(self, exercise):
        """Show a hint for an exercise, one step more with each call: a question, the equations, a small case, gaps.

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
        return copied(found[0].arguments), copied(right)

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

    def __init__(self, check, exercise, hidden):
        self.check, self.exercise, self.hidden = check, exercise, hidden

    def __enter__(self):
        return self

    def __exit__(self, kind, error, frames):
        if self.hidden:
            return
        if kind is None:
            progress.note_when_cell_ends(self.check.name, self.exercise)
        elif issubclass(kind, Exception):  # not when the learner interrupts it
            unwritten = isinstance(error, CheckFailed) and error.data["kind"] == "unwritten"
            progress.note(self.check.name, self.exercise, right=None if unwritten else False)
        else:
            return
        self.check.offer_hint(self.exercise, error and f"{kind.__name__}: {error}")


def observe(function, arguments, judge=None, like=None, quiet=False, times=1):
    """Call `function` once, or as `judge` says, and return its `packs.Outcome` and its exception or None.

    `judge`, `like` and `times` are those of `draws.sample`; without `judge` this is `calls.call`.
    """
    if judge is None:
        return call(function, arguments, quiet)
    one = sample_of_training if judge["replay"] else sample
    return one(function, arguments, judge, like, times, quiet)


def all_differences(exercise, outcomes):
    """Return ``[(position, Difference)]`` of what is wrong, in the order in which it is said; positions count from 0.

    An argument that was changed comes first: other values may be wrong by it alone. Then come the cases in their order,
    and last what is right, but no new array.
    """
    found = [
        [(position, what) for what in part]
        for position, (case, outcome) in enumerate(zip(exercise.cases, outcomes, strict=True))
        for part in _differences_in(exercise, case, outcome)
    ]
    return sum(found[0::3] + found[1::3] + found[2::3], [])


def _differences_in(exercise, case, outcome):
    """Return the lists of `Difference` of one case: what was changed, what is wrong, what is right but no new array."""
    changed = [Difference("changed", ", ".join(outcome.changed), "changed")] if outcome.changed else []
    if outcome.raised:
        place = {"place": f" in its line {outcome.line}" if outcome.line else ""}
        return changed, [Difference("exception", exercise.name, "exception", "", outcome.raised, more=place)], []
    how = (exercise.name, exercise.returns, exercise.rtol, exercise.atol)
    if case.judge is None:
        wrong = differences(outcome.output, case.expected, *how)
        if not wrong:
            wrong = list(keys_of_other_cases(outcome.output, case, exercise.cases, *how[:2]))
    else:
        one = difference_of_judged(outcome.output, case.expected, case.judge, *how)
        wrong = [one] if one else []
    return changed, wrong, list(not_new(outcome.shared, case, exercise)) if exercise.new and not wrong else []


def _let_through(error, exercise, case, cause):
    """Raise the learner's own exception: its traceback is the best message."""
    __tracebackhide__ = True
    own_frames = error.__traceback__.tb_next
    arguments = ", ".join(f"{name} = {show.short(value)}" for name, value in case.arguments.items())
    error.add_note(f"check called {exercise.name} with {arguments}.")
    if cause:
        error.add_note(f"Likely cause: {cause.sentence}")
    raise error.with_traceback(own_frames)
