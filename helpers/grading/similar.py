"""Answers that are alike: the same syntax tree once names, comments and layout are taken away."""

import ast
import collections
import functools
import hashlib
import inspect
import itertools
import textwrap

#: An answer counts from so many nodes of its tree on: shorter ones are alike by chance.
MIN_NODES = 40
#: An answer that more of the class gave than this share, and more than `MAX_GROUP` people, is the usual answer.
MAX_SHARE, MAX_GROUP = 0.05, 5
#: An answer that is longer is looked at by nobody here.
MAX_SOURCE = 100_000
#: A pair is shown from so many such answers in common on.
MIN_SHARED = 2


def answers(nb, names=None):
    """Return ``{grade_id: [fingerprint, nodes]}`` of the cells of these names, or of all cells that have a name."""
    found = {}
    for cell in nb.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if (name if names is None else name in names) and cell.cell_type == "code":
            facts = _facts(cell.source)
            if facts is not None:
                found[name] = list(facts)
    return found


@functools.lru_cache(maxsize=4096)  # in a class, many have left an answer empty or given the same
def _facts(source):
    try:
        tree = normalised(source) if len(source) < MAX_SOURCE else None
        return None if tree is None else (_fingerprint(tree), sum(1 for _ in ast.walk(tree)))
    except (RecursionError, MemoryError):  # Python can read deeper trees than it can write
        return None


def fingerprints_of(catalogue):
    """Return the fingerprints of the references and other right answers of exercises of the catalogue."""
    functions = [function for exercise in catalogue for function in [exercise.reference, *exercise.accepted]]
    return {_fingerprint(normalised(textwrap.dedent(inspect.getsource(function)))) for function in functions}


def _fingerprint(tree):
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()[:16]


def normalised(source):
    """Return the tree of a source without docstrings and decorators, with names numbered as they come.

    None if the source is no Python.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    numbers = {}

    def number(name):
        return f"name{numbers.setdefault(name, len(numbers))}"

    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            kept = [one for one in body if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))]
            node.body = kept or [ast.Pass()]
        if isinstance(node, ast.Name):
            node.id = number(node.id)
        elif isinstance(node, ast.arg):
            node.arg, node.annotation = number(node.arg), None
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            node.name, node.decorator_list = number(node.name), []
    return tree


def pairs(answers_by_student, known=()):
    """Return pairs of students whose answers are alike: ``[((student, student), [exercise, ...])]``, most first.

    An answer that many gave, or that is the reference or another right answer of the catalogue, says nothing. What is
    left is a reason to look at the two notebooks, and no verdict.

    Parameters
    ----------
    answers_by_student : dict
        From student to what `answers` gave.
    known : set of str
        Fingerprints of answers that say nothing.
    """
    groups = collections.defaultdict(list)
    for student, found in sorted(answers_by_student.items()):
        for name, (fingerprint, nodes) in found.items():
            if nodes >= MIN_NODES and fingerprint not in known:
                groups[name, fingerprint].append(student)
    most = max(MAX_GROUP, MAX_SHARE * len(answers_by_student))
    shared = collections.defaultdict(list)
    for (name, _), students in groups.items():
        if 2 <= len(students) <= most:
            for pair in itertools.combinations(students, 2):
                shared[pair].append(name)
    found = [(pair, sorted(names)) for pair, names in shared.items() if len(names) >= MIN_SHARED]
    return sorted(found, key=lambda item: (-len(item[1]), item[0]))
