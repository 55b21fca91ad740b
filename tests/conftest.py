"""What all tests share: the numbers printed at the end, and where a browser is found."""

import collections
import re
from pathlib import Path

import numpy as np
import pytest
from xdist.scheduler import LoadScopeScheduling

from helpers.courses import LESSONS
from helpers.doctor import find_browser

NAMES = [lesson.name for lesson in LESSONS]

#: What takes longest, longest first: it starts first, so that no core is idle at the end. See `group_of`.
LONG = (
    "test_attacks", "test_hostile", "test_guide", "test_rooms", "test_grading", "test_batch", "test_release", "test_hub",
    "test_browser", "test_honest", "test_fuzz", "test_browser_thinking", "test_site", "test_collect", "test_report",
)  # fmt: skip


def pytest_addoption(parser):
    parser.addoption("--lesson", help="only the tests of this lesson: catalogue, notebook, pictures, release")


def lesson_of(item):
    """Return the name of the lesson that a test is about, or None."""
    values = item.callspec.params if getattr(item, "callspec", None) else {}
    for value in (values.get("lesson"), values.get("path"), item.path):
        name = value.stem[3:] if isinstance(value, Path) else getattr(value, "name", value)
        if name in NAMES and (value is not item.path or item.path.suffix == ".ipynb"):
            return name
    return item.path.stem.removeprefix("test_") if item.path.parent.name == "lessons" else None


def group_of(nodeid):
    """Return which tests run in one process, since they share work: those of a file, of an exercise's cases and answers."""
    path, _, rest = nodeid.partition("::")
    answers = path.endswith(("test_bank.py", "test_catalogue.py", "test_lookup.py"))
    exercise = re.search(r"\[(\w+\.\w+)", rest) if answers else None
    return exercise[1] if exercise else Path(path).stem


class Groups(LoadScopeScheduling):
    """Gives each process one group of tests after the other."""

    def _split_scope(self, nodeid):
        return group_of(nodeid)


def pytest_xdist_make_scheduler(config, log):
    return Groups(config, log)


#: The lessons that train longest: there, cells whose outputs nobody compares train from two starts in tests, not five.
LONG_LESSONS = (
    "pooling", "digit_classifier", "residual_networks", "face_verification", "conv_classifier", "lstm",
    "character_language_model", "attention", "transformer_block", "tiny_gpt",
)  # fmt: skip
#: Long single runs, by their cell.
LESS = {
    "networks_run": ("seed in range(5)", "seed in range(2)"),
    "book_pairs": (":1000000", ":100000"),
    "bible_run": ("3000", "300"),
    "stages_run": ("2000", "700"),
}


def trained_less(item):
    """Let a cell of a notebook train less, if its outputs are not compared and `LONG_LESSONS` or `LESS` say so.

    That it runs is seen all the same. What it prints comes from ``helpers run``, which shortens nothing.
    """
    cell = getattr(item, "cell", None)
    if cell is None or "demo" not in cell.metadata.get("tags", []):
        return
    if cell.id in LESS:
        shorter = cell.source.replace(*LESS[cell.id])
    elif "nbval-ignore-output" in cell.metadata["tags"] and item.path.stem[3:] in LONG_LESSONS:
        shorter = re.sub(r"\brange\(5\)", "range(2)", cell.source)
    else:
        return
    if shorter != cell.source:
        cell.source = shorter
        item.user_properties.append(("cells of notebooks that train less in tests, their outputs not compared", [1, 1]))


def pytest_collection_modifyitems(config, items):
    for item in items:
        trained_less(item)
    lesson = config.getoption("--lesson")
    if lesson is not None:
        if lesson not in NAMES:
            raise pytest.UsageError(f"There is no lesson {lesson!r}. There are: {', '.join(NAMES)}.")
        config.hook.pytest_deselected(items=[item for item in items if lesson_of(item) != lesson])
        items[:] = [item for item in items if lesson_of(item) == lesson]
    groups = {}
    for item in items:
        groups.setdefault(group_of(item.nodeid), []).append(item)
    order = [*(name for name in LONG if name in groups), *(name for name in groups if name not in LONG)]
    items[:] = [item for name in order for item in groups[name]]
    if find_browser() is None:
        reason = "no Chromium found: install it (Debian: apt-get install chromium) or set CHROMIUM=/path/to/it"
        for item in items:
            if "browser" in item.keywords:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Give other processes plain numbers: NumPy's cannot be sent to them, and the whole run would end."""
    item.user_properties[:] = [
        (name, value.item() if isinstance(value, np.generic) else value) for name, value in item.user_properties
    ]
    return (yield)


def pytest_terminal_summary(terminalreporter):
    """Print what the tests counted and measured with `record_property`.

    [part, whole] is added up, text is listed, of numbers the largest is shown and what it belongs to.
    """
    totals, largest, lines = collections.Counter(), {}, []
    for report in terminalreporter.stats.get("passed", []):
        for name, value in report.user_properties:
            if isinstance(value, list):
                totals[name, 0] += value[0]
                totals[name, 1] += value[1]
            elif isinstance(value, float):
                largest[name] = max(largest.get(name, (0.0, "")), (value, report.nodeid.partition("[")[2].rstrip("]")))
            else:
                lines.append(f"{name}: {value}")
    lines = (
        [f"{name}: {totals[name, 0]:.5g} of {totals[name, 1]:.5g}" for name, part in totals if part == 0]
        + [f"{name}: {value:.2g} ({of})" for name, (value, of) in largest.items()]
        + lines
    )
    if lines:
        terminalreporter.section("measured")
        terminalreporter.write_line("\n".join(lines))
