"""A graded sheet of questions about a student's own functions: off, unless ``c.OwnCode.points`` says so.

The questions follow from the name by which the grader knows the student, and what is right comes from a traced run of
the student's function. That run is made in the room in which no test runs and no hidden case exists: what it gives is
shown in feedback. It is the learner's room, so a submission can make its questions say anything. It gains these points
at most, and only for functions that pass their tests and give right results in that run. The answers are read from the
text of their cell, as plain numbers, and never run.
"""

import ast
import math
import warnings

from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Dict
from traitlets.config.loader import PyFileConfigLoader

from helpers import exercises, thinking
from helpers.checks import CheckFailed, plain
from helpers.checks import sheet as sheets
from helpers.checks.calls import call
from helpers.checks.compare import differences
from helpers.courses import TOP

from . import judge, rooms, text

MAX_SOURCE = 10_000
NOT_TYPED = object()  # an answer that is code


class OwnCode(NbGraderPreprocessor):
    """The step of ``nbgrader generate_assignment`` that puts the sheet behind the lessons that have one.

    In nbgrader_config.py: ``c.OwnCode.points = {"logistic_regression": 3}``, the number of questions, one point each.
    ``python -m helpers release`` reads the same line.
    """

    points = Dict(help="Questions about the student's own code, by lesson; each counts one point").tag(config=True)

    def preprocess(self, nb, resources):
        name = resources["nbgrader"]["assignment"].partition("_")[2]
        if name in self.points:
            thinking.with_sheet(nb, name, self.points[name])
        return nb, resources


def configured(lessons):
    """Return ``{lesson's name: points}`` of the sheets that the courses of these lessons have."""
    found = {}
    for course in sorted({lesson.course for lesson in lessons}):
        config = PyFileConfigLoader("nbgrader_config.py", path=str(TOP / course)).load_config()
        names = {lesson.name for lesson in lessons if lesson.course == course}
        found |= {name: points for name, points in OwnCode(config=config).points.items() if name in names}
    return found


def of(lesson, student, released):
    """Return the `Sheet` of a student, or None if the assignment was released without one."""
    points = next((cell.points for cell in released if cell.name == thinking.SHEET_TEST and cell.locked), None)
    if not points or lesson is None or lesson.name not in exercises.lessons():
        return None
    return Sheet(lesson.name, student, int(points))


class Sheet:
    """One student's questions: asked in the learner's room by `ask`, judged by `marked` once all tests have run."""

    def __init__(self, lesson, student, points):
        self.student = student
        self.catalogue = exercises.load(lesson).exercises
        self.drawn = sheets.drawn(lesson, thinking.sheet(lesson), student, points)
        # Of each question: its text, its right answer, whether the run gave what the reference gives.
        self.found = [("it was not asked", None, False)] * len(self.drawn)

    def ask(self, living):
        """Ask the questions in the room that ``living()`` returns, in which no hidden case has been."""
        self.found = [self._asked(living, *one) for one in self.drawn]

    def _asked(self, living, name, arguments, seed):
        exercise = self.catalogue[name]
        expected = call(exercise.reference, arguments, quiet=True)[0].output
        try:
            room = living()
            with judge.timed(room.limits["judge"]), plain.at_most(arguments, expected):
                encoded = {"arguments": room.encode(arguments), "seed": seed}
                said, right, result = room.decode(room.ask("question", room.limits["call"], name=name, **encoded))
                right = _answer(right)
                how = name, exercise.returns, exercise.rtol, exercise.atol
                return text.line(said, 1500), right, right is not None and not differences(result, expected, *how)
        except judge.TooLong:
            room.close("was closed")  # it was in the middle of whatever it did
        except rooms.Stopped as stopped:
            return f"it {stopped}", None, False
        except (Exception, rooms.wire.Refused):  # of what came, or of what was done with it
            pass
        return "its run cannot be judged", None, False

    def marked(self, source, failed):
        """Return ``(printed, points, error)`` of the sheet: for each question what was asked, answered, and is right.

        Parameters
        ----------
        source : str
            Of the cell with the answers.
        failed : container of str
            The exercises that did not pass their tests.
        """
        try:
            name, answers = read(source)
        except ValueError as error:
            return "", 0, CheckFailed({"kind": "sheet"}, str(error))
        if not name and all(answer is None for answer in answers.values()):
            return "", 0, CheckFailed({"kind": "unwritten"}, "The sheet of questions is not filled in.")
        if sheets.same_name(name) != sheets.same_name(self.student):
            said = "no name" if not name else f"the name {text.line(name, 80)}"
            mine = text.line(self.student, 80)
            reason = f"The sheet has {said}, and its questions are not yours: yours follow from the name {mine}."
            return "", 0, CheckFailed({"kind": "sheet"}, reason)
        lines, points = [], 0
        for number, ((exercise, *_), (asked, right, sound)) in enumerate(zip(self.drawn, self.found, strict=True), 1):
            given = answers.get(number)
            why = "" if sound else "with the numbers drawn for you it gives a wrong result"
            why = asked if right is None else why
            why = "it does not pass its test" if exercise in failed else why
            if why:
                lines += [f"Question {number} is about {exercise}. There is none, and no point: {why}.", ""]
                continue
            good = given is not NOT_TYPED and sheets.is_right(given, right)
            points += good
            lines += [
                f"Question {number}, about {exercise}. {asked}",
                f"    answered: {_said(given)}",
                f"    right: {sheets.said(right)}",
                f"    {'1 point' if good else '0 points'}",
                "",
            ]
        lines.append(f"{points} of {len(self.drawn)} points for the questions about your own code\n")
        return "\n".join(lines), points, None


def _answer(right):
    """Return a right answer that came out of a room, or None if it gave none; ValueError if it is of another kind."""
    if right is None or type(right) is int:
        return right
    if type(right) is float and math.isfinite(right):
        return right
    if type(right) is tuple and len(right) < 10 and all(type(one) is int for one in right):
        return right
    raise ValueError("no right answer")


def read(source):
    """Return the name and the answers, ``{number: plain data}``, that stand in the text of a sheet's cell.

    Nothing of it is run: an answer that is no number, text or list of them as it stands there is `NOT_TYPED`.

    Raises
    ------
    ValueError
        If the cell has another form; the message is for the student.
    """
    form = ValueError('The sheet has another form: my_name = "..." and my_answers = {1: ..., 2: ...}.')
    try:
        if len(source) > MAX_SOURCE:
            raise form
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            body = ast.parse(source).body
        found = {
            statement.targets[0].id: statement.value
            for statement in body
            if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)
        }
        name, answers = _literal(found["my_name"]), found["my_answers"]
        if not isinstance(name, str) or not isinstance(answers, ast.Dict):
            raise form
        keys = [_literal(key) for key in answers.keys]
    except (SyntaxError, ValueError, KeyError, RecursionError, MemoryError):
        raise form from None
    pairs = zip(keys, answers.values, strict=True)
    return name.strip(), {key: _literal(value) for key, value in pairs if type(key) is int}


def _literal(node):
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return NOT_TYPED


def _said(given):
    """Return an answer as it was typed."""
    if given is None:
        return "nothing"
    if given is NOT_TYPED:
        return "code, which is not read: type the number or the shape"
    try:
        return text.line(repr(given), 80)
    except (ValueError, RecursionError, MemoryError):  # of a number with thousands of digits
        return "more than can be shown"
