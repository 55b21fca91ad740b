"""What all tests share: the numbers printed at the end, and where a browser is found."""

import collections

import pytest

from helpers.doctor import find_browser

CATALOGUE = ("test_catalogue.py", "test_lookup.py")
#: Files and lessons whose tests take longest, longest first: they start first, so that no core is idle at the end.
LONG = ()


def pytest_collection_modifyitems(items):
    """Group tests that share work: those of a file, and those of the catalogue that are of one lesson."""
    groups = {}
    for item in items:
        lesson = getattr(item, "callspec", None) and item.callspec.params.get("lesson")
        name = f"catalogue of {lesson}" if item.path.name in CATALOGUE and lesson else item.path.stem
        item.add_marker(pytest.mark.xdist_group(name))
        groups.setdefault(name, []).append(item)
    order = [*(name for name in LONG if name in groups), *(name for name in groups if name not in LONG)]
    items[:] = [item for name in order for item in groups[name]]
    if find_browser() is None:
        reason = "no Chromium found: install it (Debian: apt-get install chromium) or set CHROMIUM=/path/to/it"
        for item in items:
            if "browser" in item.keywords:
                item.add_marker(pytest.mark.skip(reason=reason))


def pytest_terminal_summary(terminalreporter):
    """Print what the tests counted and measured with `record_property`: [part, whole] is added up, text is listed."""
    totals, lines = collections.Counter(), []
    for report in terminalreporter.stats.get("passed", []):
        for name, value in report.user_properties:
            if isinstance(value, list):
                totals[name, 0] += value[0]
                totals[name, 1] += value[1]
            else:
                lines.append(f"{name}: {value}")
    lines = [f"{name}: {totals[name, 0]} of {totals[name, 1]}" for name, part in totals if part == 0] + lines
    if lines:
        terminalreporter.section("measured")
        terminalreporter.write_line("\n".join(lines))
