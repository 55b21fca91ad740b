"""One set of versions: pyproject.toml, environment.yml and requirements.lock say the same, and they are installed."""

import importlib.metadata
import re
import tomllib

import pytest

from helpers.courses import TOP

PROJECT = tomllib.loads((TOP / "pyproject.toml").read_text())
LEARNER = dict(line.split("==") for line in PROJECT["project"]["dependencies"])
GROUPS = [line for group in PROJECT["dependency-groups"].values() for line in group]
TEST = dict(line.split("==") for line in GROUPS)


def test_all_dependencies_are_pinned():
    for line in PROJECT["project"]["dependencies"] + GROUPS:
        assert re.fullmatch(r"[a-z0-9-]+==[\d.]+", line), line


def test_environment_yml_has_the_versions_of_pyproject():
    lines = re.findall(r"^ +- ([a-z0-9-]+)==?([\d.]+)$", (TOP / "environment.yml").read_text(), re.M)
    assert dict(lines) == LEARNER


def test_lock_has_the_versions_of_pyproject_and_names_no_host():
    text = (TOP / "requirements.lock").read_text()
    locked = dict(re.findall(r"^([a-z0-9-]+)==([\d.]+)", text, re.M))
    assert {name: locked.get(name) for name in LEARNER | TEST} == LEARNER | TEST
    assert "://" not in text
    entries = re.split(r"^(?=[a-z0-9-]+==)", text, flags=re.M)[1:]
    assert all("--hash=sha256:" in entry for entry in entries)


@pytest.mark.parametrize("name", sorted(LEARNER | TEST))
def test_installed_version_is_the_pinned_one(name):
    assert importlib.metadata.version(name) == (LEARNER | TEST)[name]


def test_python_version_is_said_once():
    assert PROJECT["project"]["requires-python"] == ">=3.11"
    assert "python>=3.11" in (TOP / "environment.yml").read_text()
    assert "(3, 11)" in (TOP / "Makefile").read_text()
