"""Trace one call of a function: which of its lines ran, how often, and what they gave their names."""

import ast
import copy
import inspect
import sys
import textwrap
from typing import Any, NamedTuple

_COMPOUND = (ast.For, ast.While, ast.If, ast.With, ast.Try)
_NO_STEP = (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Pass)


class Step(NamedTuple):
    """What a line gave a name: the line counted from ``def``, which is 1, the name, a copy of its value."""

    line: int
    name: str
    value: Any


class Trace(NamedTuple):
    """A call: its source lines, its steps in order, ``{line: how often it ran}``, its result."""

    source: list
    steps: list
    counts: dict
    result: Any


class Untraceable(Exception):
    """There is no source to go with the function, or it is not a plain one."""


def trace(function, arguments, most=4000):
    """Call a function once with copies of the arguments and return its `Trace`; its exceptions come through.

    Parameters
    ----------
    function : callable
        A function of Python whose source can be read: of a notebook, too.
    arguments : dict
        By name, in order.
    most : int
        Steps after this many are not kept.
    """
    try:
        source = textwrap.dedent(inspect.getsource(function))
        tree = next(node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef))
        code, top = function.__code__, function.__code__.co_firstlineno
    except (OSError, TypeError, SyntaxError, AttributeError, StopIteration, IndentationError) as error:
        raise Untraceable(f"the source of {getattr(function, '__name__', 'it')} cannot be read") from error
    shift = tree.lineno - 1  # lines of decorators, which co_firstlineno counts
    places = {}
    for statement in _statements(tree):
        last = statement.body[0].lineno - 1 if isinstance(statement, _COMPOUND) else statement.end_lineno
        for line in range(statement.lineno, max(last, statement.lineno) + 1):
            places[line] = statement
    steps, counts, calls = [], {}, []

    def on_call(frame, event, _):
        if frame.f_code is code and not calls:
            calls.append(frame)
            return on_line()
        return None

    def on_line():
        before = [None]

        def local(frame, event, _):
            now = places.get(frame.f_lineno - top + 1) if event == "line" else None
            done = before[0]
            if done is not None and now is not done and event != "exception" and len(steps) < most:
                inside = now is not None and done.lineno < now.lineno <= done.end_lineno
                names = [] if isinstance(done, ast.For) and not inside else _targets(done)  # the loop is over
                steps.extend(
                    Step(done.lineno - shift, name, copy.deepcopy(frame.f_locals[name]))
                    for name in names
                    if name in frame.f_locals
                )
            if now is not None and now is not done:
                counts[now.lineno - shift] = counts.get(now.lineno - shift, 0) + 1
            if event == "line":
                before[0] = now
            return local

        return local

    given, earlier = copy.deepcopy(arguments), sys.gettrace()
    sys.settrace(on_call)
    try:
        result = function(*given.values())
    finally:
        sys.settrace(earlier)
    return Trace(source.splitlines()[shift:], steps, counts, result)


def _statements(function):
    """Yield the statements of a function in order, those of its blocks, too, and of no function inside it."""
    todo = list(function.body)
    if ast.get_docstring(function) is not None:
        todo = todo[1:]
    while todo:
        statement = todo.pop(0)
        if isinstance(statement, _NO_STEP):
            continue
        yield statement
        inside = [getattr(statement, part, []) for part in ("body", "orelse", "finalbody")]
        todo = [*(one for block in inside for one in block), *todo]


def _targets(statement):
    """Return the names that a statement gives a value, each once."""
    if isinstance(statement, (ast.Assign, ast.For)):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    elif isinstance(statement, (ast.AugAssign, ast.AnnAssign)):
        targets = [statement.target]
    elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        function = statement.value.func  # costs.append(J) changes costs
        targets = [function.value] if isinstance(function, ast.Attribute) else []
    else:
        return []
    found = [_base(part) for target in targets for part in getattr(target, "elts", [target])]
    return [name for name in dict.fromkeys(found) if name and name != "_"]


def _base(target):
    while isinstance(target, (ast.Subscript, ast.Attribute, ast.Starred)):
        target = target.value
    return target.id if isinstance(target, ast.Name) else None


def statements(trace):
    """Return ``{line: node}`` of the statements of a traced function, lines counted as in its steps."""
    tree = next(node for node in ast.walk(ast.parse("\n".join(trace.source))) if isinstance(node, ast.FunctionDef))
    return {statement.lineno: statement for statement in _statements(tree)}
