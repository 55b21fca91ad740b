"""Mutants: a reference solution with one small slip each. A slip that no case notices is a case that is missing."""

import ast
import copy
import inspect
import textwrap

_SWAPS = {
    ast.Add: [ast.Sub], ast.Sub: [ast.Add], ast.Mult: [ast.Div, ast.Add], ast.Div: [ast.Mult], ast.MatMult: [ast.Mult],
    ast.Pow: [ast.Mult], ast.Gt: [ast.Lt], ast.Lt: [ast.Gt], ast.Eq: [ast.NotEq], ast.GtE: [ast.Lt], ast.LtE: [ast.Gt],
}  # fmt: skip
_DROPPED_CALLS = ("mean", "sum", "exp", "log", "tanh", "sigmoid", "log_loss")


def mutants(function):
    """Yield ``(what, function)`` for each single slip: swapped operators, dropped terms, other numbers, lost calls."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    definition = tree.body[0]
    definition.decorator_list = []
    places = [node for statement in definition.body for node in ast.walk(statement)]
    for position in range(len(places)):
        for slip in range(8):
            changed = copy.deepcopy(tree)
            node = [n for statement in changed.body[0].body for n in ast.walk(statement)][position]
            if not _change(node, slip):
                break
            what = ast.unparse(node)
            namespace = dict(function.__globals__)
            try:
                exec(compile(ast.fix_missing_locations(changed), "<mutant>", "exec"), namespace)
            except (SyntaxError, TypeError, ValueError):
                continue
            yield what, namespace[function.__name__]


def _change(node, slip):
    """Make the slip number `slip` in this node, in place; return False if there is no such slip."""
    slips = list(_slips(node))
    if slip >= len(slips):
        return False
    slips[slip]()
    return True


def _slips(node):
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
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield lambda: setattr(node, "op", ast.UAdd())
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield lambda: setattr(node, "value", node.value + 1)
    if isinstance(node, ast.Attribute) and node.attr == "T":
        yield lambda: node.__dict__.update(attr="real")  # the transpose is dropped
    if isinstance(node, ast.Call) and len(node.args) == 1:
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name in _DROPPED_CALLS:
            yield lambda: setattr(node, "func", ast.Name("abs", ast.Load()))
    if isinstance(node, ast.AugAssign):
        yield lambda: setattr(node, "op", ast.Mult())
    if isinstance(node, ast.keyword) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, bool):
        yield lambda: setattr(node, "value", ast.Constant(not node.value.value))
