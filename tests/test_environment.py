"""One set of versions everywhere, and they are installed; dev container, Binder and Colab as far as they can be run here."""

import contextlib
import importlib.metadata
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import tomllib
import urllib.request
from pathlib import Path

import nbformat
import pytest
import yaml
from copies import copy_of_repository

from helpers import release
from helpers.courses import LESSONS, TOP, find

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


# --- elsewhere ---------------------------------------------------------------------------------------------------------


def test_environment_yml_is_as_conda_reads_it():
    environment = yaml.safe_load((TOP / "environment.yml").read_text())
    assert set(environment) == {"name", "channels", "dependencies"}
    assert environment["name"] == PROJECT["project"]["name"]
    assert [entry for entry in environment["dependencies"] if isinstance(entry, dict)][0]["pip"][-1] == "--editable ."


def test_dev_container_calls_make_and_forwards_the_port_of_jupyterlab():
    container = json.loads((TOP / ".devcontainer/devcontainer.json").read_text())
    version = re.fullmatch(r"python:(\d+)\.(\d+)-\w+", container["image"])
    assert (int(version[1]), int(version[2])) >= (3, 11)
    assert container["forwardPorts"] == [8888]
    assert container["postCreateCommand"] == "make .venv/ready"
    assert container["postAttachCommand"] == "make lab"
    for command in (container["postCreateCommand"], container["postAttachCommand"]):
        done = subprocess.run([*command.split(), "--dry-run"], cwd=TOP, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def binder(tmp_path_factory):
    """What Binder has after its build: a copy of the repository, with few lessons, in which .binder/postBuild was run."""
    home = tmp_path_factory.mktemp("binder")
    copy_of_repository(home)
    for lesson in LESSONS:
        if lesson.course != "course1_nn":
            shutil.rmtree((home / lesson.link).parent, ignore_errors=True)
    (home / ".git").mkdir()
    (home / ".git" / "HEAD").write_text("ref: refs/heads/main")
    (home / ".conda").mkdir()  # not of the repository
    done = binder_runs(home, ".binder/postBuild")
    assert done.returncode == 0, done.stderr
    return home


def binder_runs(home, *command):
    return subprocess.run(command, cwd=home, env=binder_environment(), capture_output=True, text=True)


def binder_environment():
    # Without an index: pip may find that all is there, and install nothing here.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return {**kept, "PATH": path, "PIP_NO_INDEX": "1"}


def test_binder_serves_the_edition_and_nothing_with_solutions(binder):
    there = {path.relative_to(binder).as_posix() for path in binder.rglob("*") if path.is_file()}
    released = json.loads((binder / release.MANIFEST).read_text())
    assert there == set(released.get("files", released)) | {release.MANIFEST, ".binder/start"}
    assert not (binder / ".git").exists()
    assert (binder / ".conda").is_dir()
    for name in there:
        assert b"BEGIN SOLUTION" not in (binder / name).read_bytes()
    lessons = [name for name in there if name.endswith(".ipynb")]
    assert len(lessons) == sum(lesson.course == "course1_nn" for lesson in LESSONS)
    assert all(cell.get("outputs", []) == [] for name in lessons for cell in nbformat.read(binder / name, 4).cells)


def test_binder_finds_the_helpers_of_the_edition_without_the_catalogue(binder):
    done = binder_runs(binder, ".binder/start", "python", "-c", "import helpers.checks; print(helpers.__path__[0])")
    assert done.stdout.strip() == str(binder / "helpers"), done.stderr
    done = binder_runs(binder, ".binder/start", "python", "-c", "import helpers.exercises")
    assert "No module named 'helpers.exercises'" in done.stderr


@pytest.mark.parametrize("program", ["lab", "server"])
def test_binder_opens_jupyterlab_with_the_settings_of_the_edition(binder, tmp_path, program):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--no-browser", "--allow-root", f"--port={port}", "--IdentityProvider.token=test"]
    with open(tmp_path / "log", "w") as log:
        server = subprocess.Popen(
            [".binder/start", "jupyter", program, *options],
            cwd=binder, env=binder_environment(), stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        for _ in range(600):
            with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/?token=test") as page:
                address, text = page.geturl(), page.read().decode()
                break
            assert server.poll() is None, (tmp_path / "log").read_text()
            time.sleep(0.1)
    finally:
        server.terminate()
        server.wait(20)
    assert address.split("?")[0] == f"http://127.0.0.1:{port}/lab"
    for extension in (binder / ".labextensions").iterdir():
        assert json.loads((extension / "package.json").read_text())["name"] in text


def test_cell_for_colab_gets_an_edition_that_checks(tmp_path):
    (cell,) = re.findall(r"```python\n(import importlib.*?)```", (TOP / "README.md").read_text(), re.S)
    place = re.search(r'f"(https://github.com/{repository}/\S+)"', cell)[1]
    assert place.endswith(f"/{PROJECT['project']['name']}.zip")
    content = release.zip_bytes(release.edition([find("logistic_regression")]), PROJECT["project"]["name"])
    (tmp_path / "release.zip").write_bytes(content)
    cell = cell.replace(place, (tmp_path / "release.zip").as_uri())
    asked = (
        "\nimport helpers\nfrom helpers import checks\nassert missing == []\nprint(helpers.__path__[0])\n"
        "def sigmoid(z):\n    import numpy as np\n    return 1 / (1 + np.exp(-z))\n"
        "checks.lesson('logistic_regression')(sigmoid)"
    )
    done = subprocess.run([sys.executable, "-c", cell + asked], cwd=tmp_path, capture_output=True, text=True)
    assert str(tmp_path / "deep-learning-notebooks" / "helpers") in done.stdout, done.stderr
    assert "sigmoid: all checks passed" in done.stdout


def test_where_the_repository_is_stands_in_one_place(tmp_path):
    placeholder = "/".join(["OWNER", "REPOSITORY"])
    found = [path for path in copy_of_repository(tmp_path) if placeholder.encode() in (TOP / path).read_bytes()]
    assert [str(path) for path in found] == ["README.md"]
    text = (TOP / "README.md").read_text()
    assert text.count(placeholder) == 1
    assert f'repository = "{placeholder}"' in text
