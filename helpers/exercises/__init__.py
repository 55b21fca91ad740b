"""The catalogue: one block per exercise, in one module per lesson. Instructors only; learners never get these files.

A block holds the reference solution, the cases it is tried on, the usual mistakes with the sentence a learner needs,
and other right answers::

    lesson = Lesson("logistic_regression")

    @lesson.exercise(points=1, topic=5, equation="(2.4)", cases=sigmoid_cases)
    def sigmoid(z): ...

    @sigmoid.mistake("Your output falls as z grows. Look at the sign in the exponent.")
    def sign_in_the_exponent(z): ...

    @sigmoid.accept
    def through_tanh(z): ...

From one block come the learner's pack, the grading, the feedback and the tests of all three.
"""

import functools
import importlib
import inspect
import json
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from helpers.checks import ask, observe, packs, plain
from helpers.checks.draws import REFERENCE, draws
from helpers.checks.plain import Function
from helpers.checks.predict import Prediction
from helpers.checks.training import difference_of_judged

__all__ = ["Exercise", "Function", "Lesson", "case", "draws", "drawn", "lessons", "load"]

_HERE = Path(__file__).parent


@functools.cache
def lessons():
    """Return the names of the lessons that have a catalogue, in the order of the courses' names."""
    return tuple(path.stem for path in sorted(_HERE.glob("course*/*.py")) if path.stem != "__init__")


@functools.cache
def load(lesson):
    """Return the `Lesson` of this name; raise `packs.UnknownExercise` if there is none."""
    for path in _HERE.glob(f"course*/{lesson}.py"):
        return importlib.import_module(f"{__name__}.{path.parent.name}.{lesson}").lesson
    raise packs.unknown("lesson", lesson, lessons())


def used_by(catalogue, name):
    """Return the names of the exercises that the reference of an exercise calls, directly or through others."""
    found, todo = [], [catalogue[name].reference.__code__]
    while todo:
        code = todo.pop()
        todo += [constant for constant in code.co_consts if inspect.iscode(constant)]
        for other in code.co_names:
            if other in catalogue and other != name and other not in found:
                found.append(other)
                todo.append(catalogue[other].reference.__code__)
    return found


def case(name="", **arguments):
    """Return one case for an exercise: its arguments by name, in any order; `name` if a lesson draws this case."""
    return name, arguments


class Lesson:
    """The exercises of one lesson, by name."""

    def __init__(self, name):
        self.name = name
        self.exercises = {}
        self.predictions = {}

    def predict(self, name, question, choices=(), because=""):
        """Make a question before an experiment, which ``check.predict(name)`` asks and ``check.compare`` answers.

        Parameters
        ----------
        name : str
            Unique in the lesson.
        question : str
            Plain text: it is typed and read out.
        choices : sequence of str
            Two to eight; without them the question asks for a number.
        because : str
            One sentence that says why it comes out as it does.
        """
        if name in self.predictions or len(choices) == 1 or len(choices) > len(ask.LETTERS) or not because:
            raise ValueError(f"the prediction {name} of {self.name} exists already, or lacks choices or its reason")
        self.predictions[name] = Prediction(question, tuple(choices), because)

    def exercise(
        self, points, topic, cases, equation="", returns=(), backward=False, rtol=1e-6, atol=1e-8, judge=None,
        ask="", small=None, why=None, new=False,
    ):  # fmt: skip
        """Make the decorated function an exercise, as its reference solution.

        Parameters
        ----------
        points : int
            At least 1; the notebook's test cell has the same number.
        topic : int
            The topic that it practises, a number of `courses.TOPICS`.
        cases : callable
            ``cases(rng)`` returns a list of `case`; it is called with a generator of the learner's or of a hidden seed.
        equation : str
            The equation that messages point to, such as ``"(2.4)"``.
        returns : tuple of str
            Names of the output's entries for messages, where it is a tuple.
        backward : bool
            Whether this is a backward pass: the tests then compare it with numerical gradients.
        rtol, atol : float
            The tolerance of its comparison.
        judge : dict or callable, optional
            For random functions and procedures: `draws`, or ``judge(**arguments)`` that returns `draws` for a case.
        ask : str
            The first step of the hint: a question that points where to look.
        small : dict, optional
            Arguments that one can follow by hand: the hint traces the reference on them. By default the smallest case.
        why : dict, optional
            A question of `check.questions` that asks for a reason: ``{"question": ..., "choices": {choice: reply}}``,
            the right choice first.
        new : bool
            Whether the arrays of the output must be new ones: none is an argument's, and none stands there twice.
        """

        def register(reference):
            made = Exercise(reference, points, topic, cases, equation, returns, backward, rtol, atol, judge)
            made.ask, made.small, made.why, made.new = ask, small, why, new
            if made.name in self.exercises:
                raise ValueError(f"{self.name} has two exercises named {made.name}")
            self.exercises[made.name] = made
            return made

        return register

    def pack(self, seed, hints=None):
        """Return the bytes of the lesson's pack: cases of this seed, right outputs, what each mistake gives.

        With `hints`, from `helpers.hints.make`, the steps of each exercise's hint, too.
        """
        fields = []
        for exercise in self.exercises.values():
            drawn = exercise.draw(seed)
            wrong = [
                {
                    "name": function.__name__,
                    "hint": hint,
                    "outcomes": [exercise.mistaken(function, case) for case in drawn["cases"]],
                    **({"partial": True} if function in exercise.partial else {}),
                }
                for function, hint in exercise.mistakes
            ]
            steps = {"hints": hints[exercise.name]} if hints else {}
            fields.append({**drawn, "mistakes": wrong, **steps})
        return packs.write(fields)


class Exercise:
    """One exercise; calling it calls its reference solution."""

    def __init__(self, reference, points, topic, cases, equation, returns, backward, rtol, atol, judge):
        functools.update_wrapper(self, reference)
        self.name = reference.__name__
        self.reference = reference
        self.points, self.topic, self.equation, self.returns = points, topic, equation, tuple(returns)
        self.backward, self.rtol, self.atol = backward, rtol, atol
        self._cases, self._judge = cases, judge
        self.ask, self.small, self.why, self.new, self._small = "", None, None, False, None
        self.mistakes = []  # (function, hint)
        self.partial = []  # functions among them
        self.accepted = []
        self.ways = []  # (function, what is different in it): those that `check.ways` shows

    def __call__(self, *args, **kwargs):
        return self.reference(*args, **kwargs)

    def mistake(self, hint, partial=False):
        """Register the decorated function as a usual mistake; `hint` is the sentence a learner needs.

        A ``partial`` one returns a dict with the keys that it is about, in some cases none: it explains every answer
        that has these values, whatever the answer has for the other keys.
        """

        def register(function):
            self.mistakes.append((function, hint))
            self.partial += [function] if partial else []
            return function

        return register

    def accept(self, function):
        """Register the decorated function as another right answer.

        With a sentence that says what is different in it, ``@sigmoid.accept("One branch for each sign: ...")``, it is
        one of the ways that learners see once they have solved the exercise.
        """
        if isinstance(function, str):
            return lambda other: self.ways.append((other, function)) or self.accept(other)
        self.accepted.append(function)
        return function

    @property
    def judged(self):
        """Whether chance or an outcome is judged, over many calls (`draws`), instead of one output."""
        return self._judge is not None

    def small_case(self):
        """Return the arguments, by name and in order, on which the hint traces the reference; not to be changed."""
        if self._small is None:
            if self.small is not None:
                bound = inspect.signature(self.reference).bind(**self.small)
                bound.apply_defaults()  # but a function: it is no plain data, and stays the default
                given = bound.arguments.items()
                self._small = {name: value for name, value in given if name in self.small or not callable(value)}
            else:
                self._small = min((one for _, one in self.cases(seed=0)), key=lambda one: len(repr(one)))
        return self._small

    def cases(self, seed):
        """Return ``[(name, arguments)]`` for this seed; the arguments stand in the reference's order."""
        signature = inspect.signature(self.reference)
        # The name makes each exercise's stream its own, whatever stands before it in the lesson.
        rng = np.random.default_rng([seed, *self.name.encode()])
        return [(name, dict(signature.bind(**arguments).arguments)) for name, arguments in self._cases(rng)]

    def draw(self, seed):
        """Return what `packs.Exercise` has besides the mistakes, as plain data: the cases with their right outputs."""
        cases = []
        for name, arguments in self.cases(seed):
            judge = self._judge(**arguments) if callable(self._judge) else self._judge
            times = REFERENCE if judge and judge["count"] > 1 else 1
            outcome, error = observe(self.reference, arguments, judge, quiet=True, times=times)
            failed = error is not None or outcome.changed
            failed = failed or (judge and difference_of_judged(outcome.output, outcome.output, judge, self.name))
            if failed:
                raise ValueError(f"the reference of {self.name} fails on its own case {name or arguments}") from error
            expected = outcome.output
            if judge:
                expected |= {key: plain.short(value) for key, value in expected.items() if key != "output"}
            cases.append({"name": name, "arguments": arguments, "expected": expected, "judge": judge})
        return {
            "name": self.name,
            "points": self.points,
            "equation": self.equation,
            "returns": self.returns,
            "rtol": self.rtol,
            "atol": self.atol,
            "cases": cases,
            "equations": self.equations,
            "new": self.new,
        }

    def mistaken(self, function, case):
        """Return what one of the mistakes does in one of the cases of `draw`, as plain data in few digits."""
        like = case["judge"] and case["expected"]
        return plain.short(observe(function, case["arguments"], case["judge"], like, quiet=True)[0].fields())

    @functools.cached_property
    def texts(self):
        """The texts in the open cases, a set: in arguments and in what the reference gives for them, keys included."""
        found, todo = set(), []
        for _, arguments in self.cases(seed=0):
            todo += [arguments, observe(self.reference, arguments, quiet=True)[0].output]
        while todo:
            value = todo.pop()
            if isinstance(value, str):
                found.add(str(value))
            elif isinstance(value, dict):
                todo += [*value, *value.values()]
            elif isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.dtype.kind in "UO"):
                todo += list(value)
        return found

    @functools.cached_property
    def equations(self):
        """The equations of single parts of the output, by a pattern for the part's name.

        The reference says them, in lines such as ``grads[f"dW{l}"] = dZ @ A.T / m  # (3.7)`` and ``Z[h, w] = ...  # (1.2)``.
        """
        found = {}
        try:
            source = inspect.getsource(self.reference)
        except OSError:  # made by exec, from no file
            return {}
        for line in source.splitlines():
            tag, assigned = _TAGGED.search(line), _ASSIGNED.match(line)
            if tag and assigned:
                for name in assigned["names"].split(","):
                    part = re.sub(r"\{.*?\}", "*", assigned["key"] or name.strip())
                    found.setdefault(part, {})[tag[1]] = None
        return {part: " and ".join(", ".join(tags).rsplit(", ", 1)) for part, tags in found.items()}


_TAGGED = re.compile(r"#\s*(\(\d+\.\d+\))")
_ASSIGNED = re.compile(r"\s*(?P<names>\w+(?:,\s*\w+)*)(?:\[f?[\"'](?P<key>[^\"']+)[\"']\]|\[[^\]\"']*\])?\s*[-+*/]?=\s")


# --- what the checks are handed --------------------------------------------------------------------------------------


class Drawn(Mapping):
    """The exercises of a lesson as `helpers.checks` sees them, each drawn when it is asked for.

    A grader needs fresh cases for each submission, but mistakes only of the exercises that fail. Everything takes the
    form that it has in a file, so that learners and graders compare the same.
    """

    def __init__(self, lesson, seed):
        self._lesson, self._seed, self._drawn = lesson, seed, {}

    def __getitem__(self, name):
        if name not in self._drawn:
            exercise = self._lesson.exercises[name]
            fields = exercise.draw(self._seed)
            self._drawn[name] = packs.exercise(_as_in_a_file(fields), _Mistakes(exercise, fields["cases"]))
        return self._drawn[name]

    def __iter__(self):
        return iter(self._lesson.exercises)

    def __len__(self):
        return len(self._lesson.exercises)

    def __contains__(self, name):
        return name in self._lesson.exercises


class _Mistakes:
    """The mistakes of an exercise, computed once and as far as one reads them."""

    def __init__(self, exercise, cases):
        self._exercise, self._cases, self.functions = exercise, cases, exercise.mistakes
        self.outcome = functools.cache(self._compute)  # of a mistake's function in a case, by its position

    def __iter__(self):
        for function, hint in self.functions:
            outcomes = (self.outcome(function, i) for i in range(len(self._cases)))
            yield packs.Mistake(function.__name__, hint, outcomes, function in self._exercise.partial)

    def _compute(self, function, i):
        return packs.Outcome(**_as_in_a_file(self._exercise.mistaken(function, self._cases[i])))


def _as_in_a_file(fields):
    return plain.decode(json.loads(json.dumps(plain.encode(fields))))


@functools.lru_cache(maxsize=8)  # few: a grader meets thousands of seeds
def drawn(lesson, seed):
    """Return the exercises of a lesson with the cases of a seed, as `helpers.checks` sees them: ``{name: Exercise}``."""
    return Drawn(load(lesson), seed)
