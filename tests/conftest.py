"""What all tests share: the numbers printed at the end, and where a browser is found."""

import collections

import pytest

from helpers.doctor import find_browser


def pytest_collection_modifyitems(items):
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
