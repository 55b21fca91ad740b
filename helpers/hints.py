"""Hints that climb: a question, the equations, a small case traced, the answer with gaps; no step is the answer.

They are made at release from the lesson's notebook and the catalogue, travel in the lesson's pack, and `check.hint`
shows them.
"""

import ast
import copy
import inspect
import re
import textwrap

import numpy as np

from helpers import courses, exercises, notebooks
from helpers.checks.trace import Untraceable, statements, trace

#: A pack of equations larger than this belongs to an exercise that puts earlier pieces together.
_MOST_EQUATIONS = 9
_MOST_ROWS = 14
_DISPLAYED = re.compile(r"\$\$.*?\$\$", re.S)
GAP = "____"


def make(lesson):
    """Return ``{exercise: [question, equations, traced, faded]}`` of a lesson, each step as Markdown.

    Parameters
    ----------
    lesson : str
        Its name; it has a catalogue and a notebook.

    Raises
    ------
    LookupError
        If there is no such lesson, or its notebook lacks one of the exercises.
    """
    cells = notebooks.read(courses.find(lesson).path).cells
    place = {cell.id: i for i, cell in enumerate(cells)}
    catalogue = exercises.load(lesson).exercises
    missing = [name for name in catalogue if name not in place]
    if missing:
        raise LookupError(f"The notebook of {lesson} has no cell {missing[0]!r}: python -m helpers check {lesson}")
    displayed = _DISPLAYED.findall("\n".join(cell.source for cell in cells if cell.cell_type == "markdown"))
    hints = {}
    for name, exercise in catalogue.items():
        answer = cells[place[name]].source
        returns = _returns(exercise, _answer_lines(answer, exercise))
        hints[name] = [
            exercise.ask or _question(exercise),
            _equations(exercise, displayed, returns),
            _traced(exercise),
            _faded(answer, catalogue),
        ]
    return hints


# --- the question ----------------------------------------------------------------------------------------------------


def _question(exercise):
    """Return a question where its author wrote none: for an order, for sizes, or for what letters stand for."""
    arguments = exercise.small_case()
    names = _code(arguments)
    if not exercise.equation:
        which = f"which of {names} does it speak of" if len(arguments) > 1 else f"what does it say about {names}"
        return f"Take the small case. Which sentence of the text above the exercise decides it, and {which}?"
    if len(_tags(exercise.equation)) > 1:
        needed = f"which of {names} does each need" if len(arguments) > 1 else f"what of {names} does each need"
        return f"Look at {exercise.equation}: in which order can you compute them, and {needed}?"
    sizes = _sizes_gone(exercise, arguments)
    if sizes:
        return f"{sizes} Which sizes are gone, which are new, and which step of {exercise.equation} does that?"
    if len(arguments) == 1:
        return f"What does {exercise.equation} do to {names} first, and what does it do with the result?"
    return f"Look at {exercise.equation}: which of {names} does each letter on the right side stand for?"


def _sizes_gone(exercise, arguments):
    """Return a sentence with the shapes of a small case where the result lacks a size of the arguments, else ""."""
    shapes = {name: value.shape for name, value in arguments.items() if isinstance(value, np.ndarray) and value.ndim}
    result = exercise.reference(*copy.deepcopy(arguments).values()) if shapes else None
    if not isinstance(result, (np.ndarray, np.number, float)):
        return ""
    sizes = {size for shape in shapes.values() for size in shape}
    if sizes <= {*np.shape(result), 1}:
        return ""
    given = ", ".join(f"`{name}` is {shape}" for name, shape in shapes.items())
    return f"In the small case {given}; the result is {np.shape(result) or 'a number'}."


def _answer_lines(answer, exercise):
    """Return the statements of all answers, squashed, but those that the learner is given."""
    given = _squash(re.sub(r"### BEGIN SOLUTION.*?### END SOLUTION", "", answer, flags=re.S))
    sources = [answer, *map(inspect.getsource, [exercise.reference, *exercise.accepted])]
    return {line for source in sources for line in _statements(source) if line not in given}


def _statements(source):
    """Yield each statement of the functions in `source` that computes something, as one line without spaces."""
    for node in ast.walk(ast.parse(source[source.index("def ") :])):
        if isinstance(node, ast.stmt) and not isinstance(node, (ast.FunctionDef, ast.Import, ast.ImportFrom)):
            value = getattr(node, "value", node)
            if value is not None and any(isinstance(part, _COMPUTES) for part in ast.walk(value)):
                yield _squash(ast.unparse(node).splitlines()[0])


_COMPUTES = (ast.BinOp, ast.Call, ast.Compare, ast.Subscript, ast.Attribute, ast.BoolOp, ast.For, ast.While)


def _squash(code):
    return "".join(code.split()).replace('"', "'")


# --- the equations ---------------------------------------------------------------------------------------------------


def _equations(exercise, displayed, returns):
    """Return all equations that the exercise needs, as the lesson displays them, each with the names that it gives.

    They are those of its block and those in the comments of its reference; where it has none, what it returns.
    """
    parts = _parts(exercise)
    tags = list(dict.fromkeys([*parts, *_tags(exercise.equation)]))
    if not tags:
        return "There is no equation here: it is a decision, from the text above the exercise.\n\n" + returns
    if len(tags) > _MOST_EQUATIONS:
        return (
            f"{exercise.equation}: every one of them belongs to an exercise before this one. "
            "Here you put those functions together; no equation is new.\n\n" + returns
        )
    rows = []
    for block in displayed:
        for tag in tags:
            if f"\\tag{{{tag}}}" in block:
                names = _code(dict.fromkeys(parts.get(tag, ())))
                rows.append(f"For {names}:\n\n{block}" if names else block)
    return "\n\n".join(dict.fromkeys(rows))


def _parts(exercise):
    """Return ``{tag: names}``: which values the lines of the reference get that have an equation in their comment."""
    source = textwrap.dedent(inspect.getsource(exercise.reference))
    lines, found = source.splitlines(), {}
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, (ast.Assign, ast.AugAssign, ast.Return)):
            continue
        comment = lines[node.end_lineno - 1].partition("  # ")[2]
        targets = getattr(node, "targets", [getattr(node, "target", None)])
        targets = [one for target in targets if target for one in getattr(target, "elts", [target])]
        names = [next(name.id for name in ast.walk(target) if isinstance(name, ast.Name)) for target in targets]
        names = [name for name in names if name != "_"]
        for tag in _tags(comment):
            found.setdefault(tag, [])
            found[tag] += [name for name in names if name not in found[tag]]
    return dict(sorted(found.items(), key=lambda item: [int(part) for part in item[0].split(".")]))


def _tags(equation):
    """Return the numbers that a text such as "(2.3), (2.5) to (2.7)" means."""
    tags = []
    for lesson, first, last in re.findall(r"\((\d+)\.(\d+)\)(?: to \(\d+\.(\d+)\))?", equation):
        tags += [f"{lesson}.{number}" for number in range(int(first), int(last or first) + 1)]
    return tags


# --- a small case traced ---------------------------------------------------------------------------------------------


def _traced(exercise):
    """Return a table of what the reference computes on a small case: names, shapes and values, and no code."""
    arguments = exercise.small_case()
    rows = [(f"`{name}`, given", value) for name, value in arguments.items()]
    try:
        found = _steps(trace(exercise.reference, arguments))
        if len({name for name, _ in found}) < 3:
            found = _inner_values(exercise.reference, arguments)
        result = exercise.reference(*copy.deepcopy(arguments).values())
    except (Untraceable, NameError, TypeError, ValueError, SyntaxError):
        return "The small case below the exercise shows what goes in. " + _returns(exercise, set())
    found = [
        ("`{}`{}{}".format(*name.partition(",")) if name else "…", value) for name, value in found if name != "returned"
    ]
    kept = [row for i, row in enumerate(found) if i == 0 or _said(row[1]) != _said(found[i - 1][1]) or row[0] != "…"]
    more = len(kept) - _MOST_ROWS
    rows += kept[:_MOST_ROWS] + ([("and so on", None)] if more > 0 else [])
    rows += [(f"returned{part}", value) for part, value in _leaves(result)]
    table = ["| value | shape | numbers |", "|---|---|---|"]
    table += [
        f"| {name} |" + (" | |" if value is None else f" {_shape(value)} | {_said(value)} |") for name, value in rows
    ]
    start = "The right function on a small case, one result below the other. What leads from row to row?\n\n"
    return start + "\n".join(table)


def _steps(traced):
    """Return ``[(name, value)]`` of a run; of a loop, what counts it stands behind the names: "z, i = 0, j = 1"."""
    loops = {line: node for line, node in statements(traced).items() if isinstance(node, ast.For)}
    counts, found = {}, []
    for step in traced.steps:
        if step.line in loops and isinstance(step.value, (int, str, np.integer)):
            counts[step.name] = step.line, step.value
            continue
        inside = [
            f"{name} = {value}" for name, (line, value) in counts.items() if line < step.line <= loops[line].end_lineno
        ]
        found.append((", ".join([step.name, *inside]), step.value))
    return found


def _leaves(value):
    """Yield the parts of a result with what tells them apart."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield f" `{key}`", item
    elif isinstance(value, tuple):
        for i, item in enumerate(value, 1):
            place = _ORDER[min(i, len(_ORDER)) - 1]
            for part, leaf in _leaves(item):
                yield f"{part} of the {place}" if part.startswith(",") else part or f", {place}", leaf
    else:
        yield "", value


_ORDER = ("first", "second", "third", "fourth", "fifth", "further")


def _shape(value):
    if isinstance(value, np.ndarray) and value.ndim:
        return str(value.shape)
    return "number" if isinstance(value, (bool, int, float, np.generic, np.ndarray)) else type(value).__name__


def _said(value):
    """Return a value in the space of a table's entry; of a large one only the beginning."""
    if isinstance(value, np.random.Generator) or callable(value):
        return "…"
    if isinstance(value, (bool, np.bool_, str, type(None))):
        return f"`{value}`"
    if isinstance(value, (int, float, np.number)):
        return f"{float(value) + 0:.4g}"
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        if value.size > 12:
            return "…"
        if value.dtype.kind == "b":  # not as 0 and 1: that they are none yet is what one must see
            return " ".join(np.array2string(value, separator=", ").split())
        text = np.array2string(value, separator=", ", formatter={"all": lambda entry: f"{float(entry) + 0:.4g}"})
        return " ".join(text.split())
    if isinstance(value, (list, tuple)) and len(value) <= 6:
        return "[" + ", ".join(map(_said, value)) + "]"
    if isinstance(value, dict) and len(value) <= 4:
        return ", ".join(f"{key}: {_said(item)}" for key, item in value.items())
    return "…"


def _inner_values(function, arguments):
    """Return ``[(name, value)]`` of all parts of the expressions of a short function, in the order of their making."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    node = next(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    node.decorator_list = []
    node.body = [_Watch().visit(statement) for statement in node.body]
    seen = []

    def note(name, value):
        if isinstance(value, (np.ndarray, np.generic, bool, int, float, str, list, tuple, dict)):
            seen.append((name, copy.deepcopy(value)))
        return value

    names = {**function.__globals__, "_note": note}
    exec(compile(ast.fix_missing_locations(ast.Module([node], [])), "<traced>", "exec"), names)
    names[node.name](*copy.deepcopy(arguments).values())
    return seen


class _Watch(ast.NodeTransformer):
    """Puts each operation and call of a function into a call of ``_note``, with the name that gets it."""

    def visit_Assign(self, node):
        return self._outermost(node, getattr(node.targets[0], "id", ""))

    def visit_Return(self, node):
        return self._outermost(node, "returned") if node.value is not None else node

    def _outermost(self, node, name):
        value = self.visit(node.value)
        if isinstance(value, ast.Call) and getattr(value.func, "id", "") == "_note":
            value.args[0] = ast.Constant(name)
        node.value = value
        return node

    def visit_Call(self, node):
        node.args = [self.visit(argument) for argument in node.args]
        if isinstance(node.func, ast.Attribute):
            node.func.value = self.visit(node.func.value)
        silent = isinstance(node.func, ast.Name) and node.func.id in (
            "range",
            "len",
            "int",
            "float",
            "zip",
            "enumerate",
        )
        return node if silent else self._noted(node)

    def visit_operation(self, node):
        if isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant):
            return node
        return self._noted(self.generic_visit(node))

    visit_BinOp = visit_UnaryOp = visit_Compare = visit_operation  # noqa: N815 - names of ast

    @staticmethod
    def _noted(value):
        return ast.Call(ast.Name("_note", ast.Load()), [ast.Constant(""), value], [])


# --- the answer with gaps --------------------------------------------------------------------------------------------


def _faded(answer, catalogue):
    """Return the lines of the notebook's answer in their order, with gaps for the expressions that decide."""
    lines = answer.splitlines()
    first, last = (next(i for i, line in enumerate(lines, 1) if f"### {word} SOLUTION" in line) for word in _MARKS)
    tree = ast.parse(answer)
    hidden = [node for node in ast.walk(tree) if isinstance(node, ast.stmt) and first < node.lineno < last]
    inner = {id(child) for node in hidden for child in ast.walk(node) if child is not node}
    fade = _Fade({1: 3, 2: 2}.get(len(hidden), 1))
    shown = []
    for node in sorted(hidden, key=lambda node: node.lineno):
        if id(node) not in inner:
            code = ast.unparse(ast.fix_missing_locations(fade.visit(node)))
            shown.append(textwrap.indent(_BRACKETS.sub(_without_brackets, code), " " * node.col_offset))
    docstrings = {
        line
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(node) is not None
        for line in range(node.body[0].lineno, node.body[0].end_lineno + 1)
    }
    given = [line for number, line in enumerate(lines, 1) if number not in docstrings and not first <= number <= last]
    before = sum(number not in docstrings for number in range(1, first))
    text = "\n".join([*given[:before], *shown, *given[before:]])
    return (
        f"The lines of an answer in their order. Each gap `{GAP}` is yours; other answers are right, too."
        f"\n\n```python\n{text}\n```"
    )


_MARKS = ("BEGIN", "END")
_BRACKETS = re.compile(r"(?m)^(\s*return|.* =) \((.*)\)$")


def _without_brackets(line):
    """Write a tuple without the brackets that `ast.unparse` puts around it."""
    try:
        is_tuple = isinstance(ast.parse(line[2], mode="eval").body, ast.Tuple)
    except SyntaxError:
        return line[0]
    return f"{line[1]} {line[2]}" if is_tuple else line[0]


class _Fade(ast.NodeTransformer):
    """Blanks what stands deeper than some levels in the expressions of a statement."""

    def __init__(self, depth):
        self.depth = depth

    def visit(self, node):
        for part in ("value", "test", "iter", "exc", "msg", "context_expr"):
            child = getattr(node, part, None)
            if isinstance(child, ast.expr):
                setattr(node, part, self.faded(child, self.depth))
        for target in [*getattr(node, "targets", []), getattr(node, "target", None)]:
            for piece in ast.walk(target) if target is not None else ():
                if isinstance(piece, ast.Subscript):
                    piece.slice = _gap()
        for block in ("body", "orelse", "finalbody", "handlers", "items"):
            for child in getattr(node, block, []):
                self.visit(child)
        return node

    def faded(self, node, depth):
        """Return an expression as far as it is shown."""
        if isinstance(node, (ast.Dict, ast.Tuple, ast.List)):
            for name in ("values", "elts"):
                if hasattr(node, name):
                    setattr(node, name, [self.faded(one, depth) for one in getattr(node, name)])
            return node
        if depth == 0:
            return _gap()
        if isinstance(node, ast.UnaryOp):
            sign = isinstance(node.op, (ast.USub, ast.UAdd))  # -x is shown as ____ * x: whoever fills in sees a sign
            operand = self.faded(node.operand, depth)
            return ast.BinOp(_gap(), ast.Mult(), operand) if sign else ast.UnaryOp(node.op, operand)
        if isinstance(node, ast.BinOp):
            return ast.BinOp(self.faded(node.left, depth - 1), node.op, self.faded(node.right, depth - 1))
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            return ast.Compare(self.faded(node.left, depth - 1), node.ops, [self.faded(node.comparators[0], depth - 1)])
        if isinstance(node, ast.Call):
            function = node.func
            if isinstance(function, ast.Attribute) and not isinstance(function.value, ast.Name):
                function = ast.Attribute(self.faded(function.value, depth - 1), function.attr, ast.Load())
            return ast.Call(function, [self.faded(one, depth - 1) for one in node.args], [])
        return _gap()


def _gap():
    return ast.Name(GAP, ast.Load())


def _returns(exercise, lines):
    """Return the section "Returns" of the docstring as a list: names, types, shapes; else its first sentence.

    A sentence that holds a line of an answer is left out.
    """
    text = inspect.getdoc(exercise.reference)
    section = re.search(r"^Returns\n-+\n(.*?)(?=\n\n\w+\n-+\n|\Z)", text, re.M | re.S)
    if section is None:
        return text.split("\n\n")[0]
    entries = re.findall(r"^(\S[^\n]*)((?:\n(?: +[^\n]*)?)*)", section[1].rstrip(), re.M)
    rows = []
    for head, body in entries:
        name, _, kind = head.partition(" : ")
        said = " ".join(body.split())
        said = "" if any(line in _squash(said) for line in lines) else said
        rows.append(f"- `{name}`" + (f": {kind}" if kind else "") + (f". {said}" if said else ""))
    return "It returns\n\n" + "\n".join(rows)


def _code(names):
    return ", ".join(f"`{name}`" for name in names)
