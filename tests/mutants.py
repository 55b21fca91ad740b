"""Mutants: a reference solution with one small slip each. A slip that no case notices is a case that is missing."""

import ast
import copy
import inspect
import textwrap

import numpy as np

_SWAPS = {
    ast.Add: [ast.Sub], ast.Sub: [ast.Add], ast.Mult: [ast.Div, ast.Add], ast.Div: [ast.Mult], ast.MatMult: [ast.Mult],
    ast.Pow: [ast.Mult], ast.Gt: [ast.Lt], ast.Lt: [ast.Gt], ast.Eq: [ast.NotEq], ast.GtE: [ast.Lt], ast.LtE: [ast.Gt],
}  # fmt: skip
_EQUALITY = {ast.Gt: [ast.GtE], ast.GtE: [ast.Gt], ast.Lt: [ast.LtE], ast.LtE: [ast.Lt]}
_DROPPED_CALLS = ("mean", "sum", "exp", "log", "tanh", "sigmoid", "log_loss")


def mutants(function):
    """Yield ``(what, function)`` for each single slip: swapped operators, dropped terms, other numbers, lost calls."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    definition = tree.body[0]
    definition.decorator_list = []
    places = [node for statement in definition.body for node in ast.walk(statement)]
    for position, place in enumerate(places):
        for slip in range(len(list(_slips(place)))):
            changed = copy.deepcopy(tree)
            node = [n for statement in changed.body[0].body for n in ast.walk(statement)][position]
            list(_slips(node))[slip]()
            what = ast.unparse(node)
            namespace = function.__globals__ | _REPLACED
            try:
                exec(compile(ast.fix_missing_locations(changed), "<mutant>", "exec"), namespace)
            except (SyntaxError, TypeError, ValueError):
                continue
            yield what, namespace[function.__name__]


def _last(first):
    """Return `numpy.argmax` or `numpy.argmin`, but where several are best, it gives the last."""

    def last(values, axis=None):
        values = np.asarray(values)
        if axis is None:
            return values.size - 1 - first(values.ravel()[::-1])
        return values.shape[axis] - 1 - first(np.flip(values, axis), axis=axis)

    return last


def _size(difference):
    """Return the size of a difference; whole numbers, which count, are left alone."""
    return difference if isinstance(difference, (int, np.integer)) else abs(difference)


_REPLACED = {"_last_argmax": _last(np.argmax), "_last_argmin": _last(np.argmin), "_size": _size}


def _slips(node):
    """Yield a function for each slip that this node can have: it makes the slip, in place."""
    if isinstance(node, (ast.BinOp, ast.AugAssign)):
        for operator in _SWAPS.get(type(node.op), []):
            yield lambda operator=operator: setattr(node, "op", operator())
    if isinstance(node, ast.BinOp):
        yield lambda: node.__dict__.update(op=ast.Add(), right=ast.Constant(0))  # the right term is dropped
        if isinstance(node.op, (ast.Sub, ast.Div, ast.MatMult)):
            yield lambda: node.__dict__.update(left=node.right, right=node.left)
    if isinstance(node, ast.Compare):
        for operator in _SWAPS.get(type(node.ops[0]), []):
            yield lambda operator=operator: setattr(node, "ops", [operator()])
        for operator in _EQUALITY.get(type(node.ops[0]), []):
            yield lambda operator=operator: setattr(node, "ops", [operator()])
        threshold = node.comparators[0]
        if isinstance(threshold, ast.Constant) and type(threshold.value) in (int, float):
            for shift in (0.1, -0.1):
                moved = threshold.value + shift * (abs(threshold.value) or 1)
                yield lambda moved=moved: setattr(node, "comparators", [ast.Constant(moved), *node.comparators[1:]])
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and not isinstance(node.left, ast.Constant):
        difference = ast.BinOp(node.left, node.op, node.right)
        size = ast.Call(ast.Name("_size", ast.Load()), [difference], [])
        yield lambda: node.__dict__.update(op=ast.Mult(), left=size, right=ast.Constant(1))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield lambda: setattr(node, "op", ast.UAdd())
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and type(node.value.value) in (int, float):
        yield lambda: setattr(node.value, "value", node.value.value - 1)  # another start of what runs
    if isinstance(node, ast.Attribute) and node.attr == "inf":
        yield lambda: node.__dict__.update(attr="zeros", value=ast.parse("type('', (), {'zeros': 0})").body[0].value)
    if isinstance(node, ast.Constant) and type(node.value) is float and abs(node.value) > 1e-10:
        for factor in (1.1, 0.9):
            yield lambda factor=factor: setattr(node, "value", node.value * factor)
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield lambda: setattr(node, "value", node.value + 1)
    if isinstance(node, ast.Attribute) and node.attr == "T":
        yield lambda: node.__dict__.update(attr="real")  # the transpose is dropped
    if isinstance(node, ast.Call) and len(node.args) == 1:
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name in _DROPPED_CALLS:
            yield lambda: setattr(node, "func", ast.Name("abs", ast.Load()))
    if isinstance(node, ast.Call) and node.keywords and getattr(node.func, "id", "") in ("max", "min", "sorted"):
        backwards = ast.parse(f"list({ast.unparse(node.args[0])})[::-1]").body[0].value
        yield lambda: setattr(node, "args", [backwards])  # of equals the last comes first
    if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("argmax", "argmin") and len(node.args) == 1:
        yield lambda: node.__dict__.update(func=ast.parse(f"_last_{node.func.attr}").body[0].value)
    if isinstance(node, ast.AugAssign):
        yield lambda: setattr(node, "op", ast.Mult())
    if isinstance(node, ast.keyword) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, bool):
        yield lambda: setattr(node, "value", ast.Constant(not node.value.value))


# --- answers that ignore an argument ---------------------------------------------------------------------------------

#: Numbers that an answer may hold in place of an argument.
_CONSTANTS = (0, 1, 2, 0.5, 0.01, 57)
#: Functions that an answer may call in place of the one it was given: by what it was given for.
_OWN_GENERATOR = np.random.default_rng(0)


def ignoring(exercise, cases):
    """Yield ``(what, function)``: the reference, blind for one argument or for one setting inside of one.

    In its place stands a constant, the value of one of the cases, a generator of its own, or the default. `cases` are
    those of `Exercise.cases`.
    """
    signature = inspect.signature(exercise.reference)
    for name in signature.parameters:
        values = [arguments[name] for _, arguments in cases if name in arguments]
        for what, change in _replacements(values, signature.parameters[name].default):
            yield f"{name}: {what}", _with_changed(exercise.reference, signature, name, change)
        for key in _settings(values):
            inner = [value[key] for value in values]
            for what, change in _replacements(inner):
                changed = lambda given, key=key, change=change: given | {key: change(given[key])}
                yield f"{name}[{key!r}]: {what}", _with_changed(exercise.reference, signature, name, changed)


def _with_changed(function, signature, name, change):
    def answer(*given, **named):
        bound = signature.bind(*given, **named)
        bound.apply_defaults()
        bound.arguments[name] = change(bound.arguments[name])
        return function(*bound.args, **bound.kwargs)

    return answer


def _settings(values):
    """Return the keys of dicts of settings that all have the same ones; a dict of arrays is one argument."""
    if not values or not all(isinstance(value, dict) and value.keys() == values[0].keys() for value in values):
        return []
    return [key for key in values[0] if all(np.ndim(value[key]) == 0 for value in values)]


def _replacements(values, default=inspect.Parameter.empty):
    """Yield ``(what, change)`` for the ways to ignore an argument that has these values in the cases."""
    if default is not inspect.Parameter.empty:
        yield "the default", lambda given: default
    if not values:
        return
    if isinstance(values[0], np.random.Generator):
        yield "a new generator with a seed", lambda given: np.random.default_rng(0)
        yield "a new generator", lambda given: np.random.default_rng()
        yield "a generator of the notebook", lambda given: _OWN_GENERATOR
        yield "np.random", lambda given: _Shared()
        return
    for number, value in enumerate(values, start=1):
        yield f"that of case {number}", lambda given, value=value: _like(given, value)
    if all(isinstance(value, np.ndarray) for value in values):
        for number in (0, 1):
            yield f"all entries {number}", lambda given, number=number: np.full_like(given, number)
    elif all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values):
        for number in _CONSTANTS:
            yield str(number), lambda given, number=number: type(given)(number)
        if all(isinstance(value, float) for value in values):
            yield "a tenth more", lambda given: 1.1 * given
            yield "a tenth less", lambda given: 0.9 * given
        else:
            yield "one more", lambda given: given + 1
            yield "one less", lambda given: given - 1
    elif all(isinstance(value, bool) for value in values):
        for number in (False, True):
            yield str(number), lambda given, number=number: number


def _like(given, value):
    """Return a value in the shape of the given one, as far as that goes."""
    if isinstance(given, np.ndarray) and isinstance(value, np.ndarray):
        return np.resize(value, given.shape).astype(given.dtype)
    if isinstance(given, dict) and isinstance(value, dict) and given.keys() == value.keys():
        return {key: _like(item, value[key]) for key, item in given.items()}
    if isinstance(given, (list, tuple)) and isinstance(value, (list, tuple)) and len(given) == len(value):
        return type(given)(map(_like, given, value))
    return copy.deepcopy(value)


class _Shared:
    """NumPy's global functions under the names that a generator has."""

    def __getattr__(self, name):
        return getattr(np.random, {"integers": "randint"}.get(name, name))
