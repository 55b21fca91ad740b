"""What the learner's `check` asks besides the exercises, as files of an edition: made from catalogue and notebook."""

import ast
import functools
import inspect
import json
import textwrap
import zlib
from binascii import b2a_base64

import numpy as np
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from helpers import courses, exercises, notebooks
from helpers.checks import plain
from helpers.checks import sheet as sheets

#: A graded sheet of questions: its cell with the answers, and the one that shows the questions and has the points.
SHEET, SHEET_TEST = "own_code", "test_own_code"
_DRAWS, _CASES = 12, 24  # seeds of which an exercise's cases are drawn for a sheet, and how many of them are kept


def make(lesson, released=None):
    """Return what `helpers.checks.think` needs of a lesson, as data that JSON keeps.

    Parameters
    ----------
    lesson : str
    released : NotebookNode, optional
        The learner's version of its notebook.

    Returns
    -------
    dict
        ``"predictions"`` by name; ``"exercises"`` by name, each with ``"small"``, the arguments of a small case, and
        ``"why"``, a question for a reason or None; with `released` also ``"stub"``, the released answer cell, and
        ``"review"``, the ids of the cells that make the exercise alone: ``"before"``, ``"text"``, ``"after"``.
    """
    catalogue = exercises.load(lesson)
    asked = {
        name: {"small": plain.encode(exercise.small_case()), "why": exercise.why}
        for name, exercise in catalogue.exercises.items()
    }
    if released is not None:
        source = notebooks.read(courses.find(lesson).path).cells
        place = {cell.id: i for i, cell in enumerate(source)}
        for name, one in asked.items():
            one["stub"] = released.cells[place[name]].source
            one["review"] = _alone(source, place[name], place[f"test_{name}"])
    return {"predictions": {name: one._asdict() for name, one in catalogue.predictions.items()}, "exercises": asked}


def _alone(cells, answer, test):
    """Return the ids of the cells that an exercise needs to run without its lesson; positions of answer and test."""
    after = [cell for cell in cells[answer + 1 : test + 1] if cell.cell_type == "code"]
    known = {i: _names(cell.source) for i, cell in enumerate(cells[: test + 1]) if cell.cell_type == "code"}
    needed, todo = set(), [(i, name) for i in range(answer, test + 1) for name in known.get(i, ((), ()))[1]]
    while todo:
        before, name = todo.pop()
        place = next((i for i in reversed(range(before)) if name in known.get(i, ((), ()))[0]), test)
        if place not in needed and place < answer:
            needed.add(place)
            todo += [(place, other) for other in known[place][1]]
    text = next(cell.id for cell in reversed(cells[:answer]) if cell.cell_type == "markdown")
    return {"before": [cells[i].id for i in sorted(needed)], "text": text, "after": [cell.id for cell in after]}


def _names(source):
    """Return the names that the top level of a cell defines, and those that the cell takes from before it."""
    defined, used = set(), set()
    for statement in ast.parse(source).body:
        stored, loaded, own = set(), set(), set()
        for node in ast.walk(statement):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                stored |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
            elif isinstance(node, ast.arg):
                own.add(node.arg)
            elif isinstance(node, ast.FunctionDef) and node is not statement:
                own.add(node.name)
            elif isinstance(node, ast.comprehension):
                own |= {name.id for name in ast.walk(node.target) if isinstance(name, ast.Name)}
            elif isinstance(node, ast.Name):
                (loaded if isinstance(node.ctx, ast.Load) else stored).add(node.id)
        if not isinstance(statement, (ast.Assign, ast.AugAssign, ast.Expr)):
            own |= stored  # of a loop or a function: given a value in it before it is used
        used |= loaded - own - defined
        defined |= {statement.name} if isinstance(statement, (ast.FunctionDef, ast.ClassDef)) else stored
    return defined, used


def ways(lesson):
    """Return right answers to show once an exercise is solved: the reference, then those with a sentence on them.

    Parameters
    ----------
    lesson : str

    Returns
    -------
    dict
        ``{exercise: [{"code", "differs"}]}``; the first has an empty ``"differs"``.
    """
    found = {}
    for name, exercise in exercises.load(lesson).exercises.items():
        functions = [(exercise.reference, ""), *exercise.ways[:2]]
        found[name] = [{"code": _code(function, name), "differs": differs} for function, differs in functions]
    return found


def packed_ways(lesson):
    """Return the content of the file that an edition with other ways has."""
    return b2a_base64(zlib.compress(json.dumps(ways(lesson), ensure_ascii=False).encode(), 9), newline=False)


def _code(function, name):
    """Return the source of a function under the exercise's name, without decorators and docstring."""
    source = textwrap.dedent(inspect.getsource(function))
    node = next(node for node in ast.walk(ast.parse(source)) if isinstance(node, (ast.FunctionDef, ast.ClassDef)))
    lines = source.splitlines()
    dropped = range(0)
    if ast.get_docstring(node) is not None:
        dropped = range(node.body[0].lineno, node.body[0].end_lineno + 1)
    kept = [line for i, line in enumerate(lines, 1) if node.lineno <= i <= node.end_lineno and i not in dropped]
    return "\n".join(kept).replace(f"{node.name}(", f"{name}(", 1)


# --- a graded sheet of questions -------------------------------------------------------------------------------------


@functools.cache
def sheet(lesson):
    """Return the cases from which a lesson's graded sheet draws, encoded: ``{exercise: [arguments]}``.

    Numbers have three digits, so that what a question tells is all there is. Left out is what no question can be made
    of: functions of chance or of training, classes, cases that cannot be told.
    """
    found = {}
    for name, exercise in exercises.load(lesson).exercises.items():
        if exercise._judge or not inspect.isfunction(exercise.reference):
            continue
        cases = {}
        for seed in range(1, _DRAWS + 1):
            for _, arguments in exercise.cases(seed):
                if len(cases) < _CASES and _fits(exercise.reference, arguments):
                    rounded = _rounded(arguments)
                    cases[json.dumps(plain.encode(rounded))] = plain.encode(rounded)
        if cases:
            found[name] = list(cases.values())
    return found


def _fits(reference, arguments):
    """Return whether a question can be made of a right answer's run with these arguments."""
    try:
        size = len(json.dumps(plain.encode(arguments)))
    except TypeError:
        return False
    return size < 10_000 and sheets.question(reference, _rounded(arguments), 0)[1] is not None


def _rounded(value):
    """Return plain data with three digits in each number that is none of the integers."""
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map(_rounded, value))
    if isinstance(value, float):
        return type(value)(f"{value:.3g}")
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return np.array([float(f"{one:.3g}") for one in value.flat], value.dtype).reshape(value.shape)
    return value


def with_sheet(notebook, lesson, points):
    """Return the learner's version of a lesson with a sheet of questions at its end, one point each.

    Raises
    ------
    notebooks.BadNotebook
        If the lesson has not so many exercises that can be asked about.
    """
    most = len(sheet(lesson)) if lesson in exercises.lessons() else 0
    if not isinstance(points, int) or not 1 <= points <= most:
        can = f"it can have 1 to {most}" if most else "it can have none"
        raise notebooks.BadNotebook(
            f"c.OwnCode.points gives {lesson} {points} questions about the student's own code: {can}"
        )
    from nbgrader import preprocessors as steps

    blanks = "\n".join(f"    {number}: None," for number in range(1, points + 1))
    kind = {"grade_id": SHEET, "grade": False, "locked": False, "solution": True, "task": False, "schema_version": 3}
    graded = kind | {"grade_id": SHEET_TEST, "grade": True, "locked": True, "solution": False, "points": points}
    cells = [
        new_markdown_cell(_SHEET_TEXT, id=f"{SHEET}_text"),
        new_code_cell(f'my_name = ""\nmy_answers = {{\n{blanks}\n}}', id=SHEET, metadata={"nbgrader": kind}),
        new_code_cell(f"check.sheet(my_name, my_answers, {points})", id=SHEET_TEST, metadata={"nbgrader": graded}),
    ]
    made = new_notebook(cells=cells)
    for step in (steps.LockCells, steps.ComputeChecksums):
        made, _ = step().preprocess(made, {})
    notebook.cells += made.cells
    return notebook


_SHEET_TEXT = """## Questions about your own code

These questions are about functions that you wrote above. Each student has other ones, with other numbers: put your name
into the next cell, as your course knows you, and run the next two cells. The questions stand below the second one.

Type each answer as a number, such as `12` or `0.25`, or as a shape, such as `(2, 3)`. Three digits are enough. Type no
code: the grader reads what stands there. A question counts one point, and it needs a function that passes its test."""
