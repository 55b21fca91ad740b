"""What the learner's `check` asks besides the exercises, as files of an edition: made from catalogue and notebook."""

import ast
import inspect
import json
import textwrap
import zlib
from binascii import b2a_base64

from helpers import courses, exercises, notebooks
from helpers.checks import plain


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
