"""Imports run one way: checks; catalogue; notebooks and hints; release; grading; command line."""

import ast
from pathlib import Path

import pytest

import helpers

TOP = Path(helpers.__file__).parent
#: Each layer may import itself and those before it. The first holds what stands on nothing but NumPy and its like.
LAYERS = (
    ("helpers", "helpers.courses", "helpers.data", "helpers.plots", "helpers.doctor", "helpers.update"),
    ("helpers.checks",),
    ("helpers.widgets",),
    ("helpers.exercises",),
    ("helpers.claims", "helpers.notebooks", "helpers.hints", "helpers.thinking", "helpers.source", "helpers.figures"),
    ("helpers.release", "helpers.site"),
    ("helpers.grading",),
    ("helpers.cli", "helpers.__main__"),
)


def layer_of(module):
    """Return the number of the layer that a module belongs to: that of the longest name that it begins with."""
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        for number, names in enumerate(LAYERS):
            if ".".join(parts[:length]) in names:
                return number
    raise LookupError(module)


def imported(path):
    """Yield the modules of helpers that a file imports, also those named in calls of `importlib`."""
    module = "helpers." + ".".join(path.relative_to(TOP).with_suffix("").parts)
    package = module.removesuffix(".__init__") if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package.split(".")[: len(package.split(".")) - node.level + 1]) if node.level else ""
            base = ".".join(filter(None, [base, node.module]))
            names = [f"{base}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("helpers."):
            names = [node.value] if node.value.replace(".", "").isidentifier() else []
        else:
            continue
        yield from (name for name in names if name.split(".")[0] == "helpers")


FILES = sorted(path for path in TOP.rglob("*.py") if "edition" not in path.parts)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(TOP)))
def test_imports_run_one_way(path):
    module = "helpers." + ".".join(path.relative_to(TOP).with_suffix("").parts)
    own = layer_of(module.removesuffix(".__init__"))
    if module == "helpers.__init__":
        return  # it names the source of lessons for the checks, which know none: `helpers.source_of_lessons`
    later = [name for name in imported(path) if layer_of(name) > own]
    assert not later, f"{module} imports what stands above it"


def test_the_checks_know_neither_catalogue_nor_notebooks_nor_hints():
    words = ("helpers.exercises", "helpers.notebooks", "helpers.hints", "helpers.grading", "helpers.release")
    for path in (TOP / "checks").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert not [word for word in words if word in text], path


def test_no_module_of_the_checks_is_imported_in_a_circle():
    graph = {}
    for path in (TOP / "checks").glob("*.py"):
        name = "helpers.checks" if path.stem == "__init__" else f"helpers.checks.{path.stem}"
        own = {f"helpers.checks.{other.stem}" for other in (TOP / "checks").glob("*.py")}
        graph[name] = {
            next(known for known in own if found == known or found.startswith(known + "."))
            for found in imported(path)
            if any(found == known or found.startswith(known + ".") for known in own)
        }
    graph.pop("helpers.checks")  # it gathers them
    done = set()
    while graph:
        free = [name for name, uses in graph.items() if uses <= done]
        assert free, f"in a circle: {sorted(graph)}"
        done.update(free)
        for name in free:
            del graph[name]


def test_no_module_of_the_grader_is_longer_than_one_can_review():
    assert not [path for path in (TOP / "grading").glob("*.py") if len(path.read_text("utf-8").splitlines()) > 500]
