"""Hints in three steps: the idea, the equations, the shape of the code; never a line of an answer.

They are made at release from the lesson's notebook and the catalogue, travel in the lesson's pack, and `check.hint`
shows them.
"""

import ast
import inspect
import re

from helpers import courses, exercises, notebooks

#: A pack of equations larger than this belongs to an exercise that puts earlier pieces together.
_MOST_EQUATIONS = 9
_DETAILS = re.compile(r"<details>\s*<summary>Hint[^<]*</summary>(.*?)</details>", re.S)
_DISPLAYED = re.compile(r"\$\$.*?\$\$", re.S)
_MODULES = ("np", "math", "rng", "scipy", "special", "stats", "itertools", "heapq")


def make(lesson):
    """Return ``{exercise: [idea, equation, shape]}`` of a lesson, each step as Markdown.

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
        text = next(cell.source for cell in reversed(cells[: place[name]]) if cell.cell_type == "markdown")
        lines = _answer_lines(answer, exercise)
        returns = _returns(exercise, lines)
        hints[name] = [
            _idea(text, exercise),
            _equations(exercise, displayed, returns),
            _shape(answer, catalogue) + "\n\n" + returns,
        ]
    return hints


# --- the idea --------------------------------------------------------------------------------------------------------


def _idea(text, exercise):
    """Return the notebook's own hint; without one, what the docstring says."""
    written = "\n\n".join(part.strip() for part in _DETAILS.findall(text))
    if not written:
        return inspect.getdoc(exercise.reference).split("\n\n")[0]
    return written


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
    """Return the exercise's equations as the lesson displays them; where it has none, what it returns."""
    tags = _tags(exercise.equation)
    if not tags:
        return "There is no equation here: it is a decision, from the text above the exercise.\n\n" + returns
    if len(tags) > _MOST_EQUATIONS:
        return (
            f"{exercise.equation}: every one of them belongs to an exercise before this one. "
            "Here you put those functions together; no equation is new."
        )
    found = [block for block in displayed if any(f"\\tag{{{tag}}}" in block for tag in tags)]
    return "\n\n".join(found)


def _tags(equation):
    """Return the numbers that a text such as "(2.3), (2.5) to (2.7)" means."""
    tags = []
    for lesson, first, last in re.findall(r"\((\d+)\.(\d+)\)(?: to \(\d+\.(\d+)\))?", equation):
        tags += [f"{lesson}.{number}" for number in range(int(first), int(last or first) + 1)]
    return tags


# --- the shape of the code -------------------------------------------------------------------------------------------


def _shape(answer, catalogue):
    """Return how long the answer is, its loops and decisions, what it calls and names."""
    lines = answer.splitlines()
    first, last = (next(i for i, line in enumerate(lines, 1) if f"### {word} SOLUTION" in line) for word in _MARKS)
    found = [(node, depth) for node, depth in _in_order(ast.parse(answer)) if first < getattr(node, "lineno", 0) < last]
    nodes = [node for node, _ in found]
    loops = [(_loop(node), depth) for node, depth in found if isinstance(node, _LOOPS)]
    statements = sum(isinstance(node, ast.stmt) for node in nodes)
    decisions = sum(isinstance(node, (ast.If, ast.IfExp)) for node in nodes)
    rows = [_count(statements, "statement").capitalize() + ", " + (_loops(loops) if loops else "no loop")]
    rows[0] += f"; {_count(decisions, 'decision')} (`if`)." if decisions else "."
    calls = list(dict.fromkeys(filter(None, map(_called, nodes))))
    own = [name for name in calls if name in catalogue]
    tools = [name for name in calls if name not in catalogue]
    rows += [f"It calls your own {_code(own)}."] if own else []
    rows += [f"It uses {_code(tools)}."] if tools else []
    named = [node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
    named = [name for name in dict.fromkeys(named) if name != "_"]
    rows += [f"Names that it gives to values: {_code(named)}."] if named else []
    return "\n".join(f"- {row}" for row in rows)


_MARKS = ("BEGIN", "END")
_LOOPS = (ast.For, ast.While, ast.comprehension)


def _in_order(node, depth=0):
    """Yield all nodes in the order of the source, each with the number of loops around it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.comprehension):
            child.lineno = child.target.lineno
        yield child, depth
        yield from _in_order(child, depth + isinstance(child, (ast.For, ast.While)))


def _loops(loops):
    """Return what the loops run over in words; each is ``(words, depth)``."""
    text = f"{_count(len(loops), 'loop')}: {loops[0][0]}"
    for (words, depth), (_, before) in zip(loops[1:], loops, strict=False):
        text += (", inside it " if depth > before else "; then ") + words
    return text


def _loop(node):
    """Return what a loop runs over, by names alone."""
    if isinstance(node, ast.While):
        return "`while` a condition holds"
    parts = [part for part, _ in _in_order(ast.Tuple([node.iter], ast.Load()))]
    called = [part.func.id for part in parts if isinstance(part, ast.Call) and isinstance(part.func, ast.Name)]
    names = [part.id for part in parts if isinstance(part, ast.Name) and part.id not in {*called, *_MODULES}]
    words = " of ".join(_code(dict.fromkeys(some)) for some in (called, names) if some) or "fixed values"
    return f"over {words}" + (" in a comprehension" if isinstance(node, ast.comprehension) else "")


def _called(node):
    """Return the name of what a node calls or applies, if it is worth a word: functions, methods, `@` and `.T`."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        return "@"
    if isinstance(node, ast.Attribute) and node.attr == "T":
        return ".T"
    if not isinstance(node, ast.Call):
        return None
    name = ast.unparse(node.func)
    if name == "range" or name.startswith("_"):
        return None
    if name.isidentifier() or (name.split(".")[0] in _MODULES and re.fullmatch(r"[\w.]+", name)):
        return name
    return f".{node.func.attr}" if isinstance(node.func, ast.Attribute) else None


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


def _count(number, word):
    return f"one {word}" if number == 1 else f"{number} {word}s"
