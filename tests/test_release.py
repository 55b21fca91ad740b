"""The learner's edition: the same bytes each time, nothing that answers an exercise, and never over a learner's work."""

import ast
import base64
import bz2
import contextlib
import functools
import hashlib
import io
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
import venv
import zipfile
import zlib

import nbformat
import pytest

from helpers import courses, exercises, hints, notebooks, release, thinking
from helpers.checks import packs

LESSON = courses.find("logistic_regression")
DONE = [lesson for lesson in courses.LESSONS if lesson.done]


@pytest.fixture(scope="module")
def edition():
    return release.edition()


@pytest.fixture(scope="module")
def folder(edition, tmp_path_factory):
    """The edition, written as a learner gets it."""
    folder = tmp_path_factory.mktemp("edition") / "learner"
    release.write(edition, folder)
    return folder


def python(folder, code, **environment):
    """Run code as the kernels of `make lab` run it: the edition comes first."""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(folder), **environment}, capture_output=True, text=True,
    )  # fmt: skip


def test_two_releases_are_byte_identical(edition, tmp_path, record_property):
    again = release.edition()
    assert again == edition
    assert list(again) == list(edition)
    assert release.zip_bytes(again, "x") == release.zip_bytes(edition, "x")
    record_property(
        "size of the learner's edition", f"{len(edition)} files, {sum(map(len, edition.values())) // 1000} kB"
    )


def test_fingerprint_changes_with_a_source_alone(tmp_path, monkeypatch):
    (tmp_path / "helpers").mkdir()
    (tmp_path / "helpers" / "a.py").write_text("1")
    monkeypatch.setattr(release, "TOP", tmp_path)
    before = release.fingerprint()
    (tmp_path / "mine.txt").write_text("no source")
    assert release.fingerprint() == before
    (tmp_path / "helpers" / "a.py").write_text("2")
    assert release.fingerprint() != before


def text_of(path, content):
    """The text of a file of the edition with all white space taken out; a notebook gives its sources."""
    if path.endswith(".png"):
        return ""
    text = (bz2.decompress(content) if path.endswith(packs.SUFFIX) else content).decode()
    if path.endswith(".ipynb"):
        text = "\n".join(cell.source for cell in nbformat.reads(text, as_version=4).cells)
    return "".join(text.split())


def solutions():
    """All code that answers an exercise: bodies of the catalogue's functions and of the notebooks' solution cells."""
    for name in exercises.lessons():
        for exercise in exercises.load(name).exercises.values():
            for function in [exercise.reference, *exercise.accepted]:
                yield from bodies(f"{name}.{exercise.name}", release_source(function))
    for path in notebooks.sources():
        for cell in notebooks.read(path).cells:
            if cell.metadata.get("nbgrader", {}).get("solution"):
                inside = cell.source.split("### BEGIN SOLUTION")[1].split("### END SOLUTION")[0]
                yield f"{path.stem}.{cell.id}", "".join(inside.split())
                yield from bodies(f"{path.stem}.{cell.id}", cell.source)


def release_source(function):
    import inspect

    return inspect.getsource(function)


def bodies(name, source):
    """The body of each function, as written and as Python would write it."""
    source = source[source.index("def ") :]
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            statements = node.body[1:] if ast.get_docstring(node) is not None else node.body
            as_written = "".join(ast.get_source_segment(source, statement) for statement in statements)
            yield name, "".join(as_written.split())
            yield name, "".join("\n".join(map(ast.unparse, statements)).split())


def test_no_file_of_the_edition_holds_a_solution(edition):
    texts = {path: text_of(path, content) for path, content in edition.items()}
    tried = set(solutions())
    assert len(tried) > 50
    # `return x` and the like are no answers, and occur everywhere.
    tried = {(name, body) for name, body in tried if len(body) > 20}
    found = [(name, path) for name, body in tried for path, text in texts.items() if body in text]
    assert found == []


def test_other_ways_are_in_an_edition_only_if_it_is_asked_for_them():
    """Not even packed: what differs is their files, and nothing else."""
    without, with_ways = release.edition([LESSON]), release.edition([LESSON], ways=True)
    ways = f"helpers/checks/ways/{LESSON.name}.json"
    assert set(with_ways) - set(without) == {ways}
    assert {path for path in without if with_ways[path] != without[path]} == {release.MANIFEST}
    assert [path for path in without if "/ways/" in path] == []
    packed = json.loads(zlib.decompress(base64.b64decode(with_ways[ways])))
    for name, found in packed.items():
        assert found[0]["code"].startswith(f"def {name}("), "what the test of solutions looks for is in there"
    known = {"helpers/checks/packs", "helpers/checks/thinking"}
    made = {path.rpartition("/")[0] for path in without if path.endswith((".json", packs.SUFFIX)) and path.startswith("helpers")}
    assert made == known, "a new folder of made files: does it hold answers?"


def test_no_file_of_the_catalogue_grader_or_tests_is_in_the_edition(edition):
    for path in edition:
        assert not path.startswith(("tests/", "helpers/exercises", "helpers/grading", "helpers/notebooks", "grading/"))
        assert "BEGIN SOLUTION" not in edition[path].decode(errors="replace")
        assert "HIDDEN" not in path


def test_notebooks_of_the_edition_hold_no_outputs(edition):
    for path, content in edition.items():
        if path.endswith(".ipynb"):
            for cell in nbformat.reads(content.decode(), as_version=4).cells:
                assert cell.get("outputs", []) == []
                assert cell.get("execution_count") is None


def test_the_catalogue_cannot_be_imported_in_the_edition(folder):
    done = python(folder, "import helpers.exercises")
    assert done.returncode == 1
    assert done.stderr.rstrip().endswith("ModuleNotFoundError: No module named 'helpers.exercises'")


def test_check_names_mistakes_in_the_edition_without_the_catalogue(folder):
    code = (
        "import numpy as np\nfrom helpers import checks\ncheck = checks.lesson('logistic_regression')\n"
        "def sigmoid(z):\n    return 1 / (1 + np.exp(z))\ncheck(sigmoid)"
    )
    assert "Your output falls as z grows. Look at the sign in the exponent." in python(folder, code).stderr
    done = python(folder, code.replace("exp(z)", "exp(-z)"))
    assert done.stdout.splitlines()[0] == "sigmoid: all checks passed"
    done = python(folder, code.replace("sigmoid(z)", "sigmoidd(z)").replace("check(sigmoid)", "check(sigmoidd)"))
    assert "There is no exercise 'sigmoidd' here. Did you mean 'sigmoid'?" in done.stderr


@pytest.mark.parametrize("lesson", DONE, ids=lambda lesson: lesson.name)
def test_a_lesson_made_from_nothing_has_the_bytes_that_are_kept(lesson, monkeypatch, record_property):
    """What is kept was made by one of many processes; this one starts anew, and measures what takes its time."""
    stages = {
        "right outputs": (exercises.Exercise, "draw"),
        "outputs of mistakes": (exercises.Exercise, "mistaken"),
        "packing": (packs, "write"),
        "hints": (hints, "make"),
        "questions and other ways": (thinking, "make"),
        "the released notebook": (notebooks, "student_version"),
    }
    seconds = dict.fromkeys(stages, 0.0)

    def timed(stage, function):
        @functools.wraps(function)
        def call(*args, **kwargs):
            began = time.process_time()
            try:
                return function(*args, **kwargs)
            finally:
                seconds[stage] += time.process_time() - began

        return call

    for stage, (owner, name) in stages.items():
        monkeypatch.setattr(owner, name, timed(stage, getattr(owner, name)))
    began = time.process_time()
    made = release.lesson_files(lesson)
    total = time.process_time() - began
    for stage in stages:
        record_property(f"seconds of making the edition, {stage}", [seconds[stage], total])
    assert {path for path in made if path.endswith((".ipynb", packs.SUFFIX))} == {
        lesson.link,
        f"helpers/checks/packs/{lesson.name}{packs.SUFFIX}",
    }
    assert len(made[f"helpers/checks/packs/{lesson.name}{packs.SUFFIX}"]) <= 700_000
    kept = release.edition([lesson])
    assert [path for path in made if made[path] != kept.get(path)] == [f"{release.WAYS}{lesson.name}.json"]
    notebook = made[lesson.link].decode()
    assert all(f"check({exercise})" in notebook for exercise in exercises.load(lesson.name).exercises)


def test_hidden_cases_cannot_be_drawn_in_the_edition(folder):
    done = python(folder, "from helpers import checks; checks.lesson('logistic_regression')", HELPERS_HIDDEN_SEED="1")
    assert "There is no lesson 'logistic_regression' here" in done.stderr


def test_edition_has_a_start_page_with_all_finished_lessons(edition):
    text = edition["README.md"].decode()
    for lesson in courses.LESSONS:
        assert (f"]({lesson.link})" in text) == lesson.done
        assert (lesson.link in edition) == lesson.done


def test_one_lesson_alone():
    files = release.edition([LESSON])
    assert [path for path in files if path.endswith(".ipynb")] == [LESSON.link]
    assert [path for path in files if path.startswith("helpers/checks/packs/")] == [
        "helpers/checks/packs/logistic_regression.json.bz2"
    ]
    assert [path for path in files if path.startswith("helpers/widgets/")] == [
        "helpers/widgets/__init__.py", "helpers/widgets/logistic_regression.py"
    ]  # fmt: skip
    assert LESSON.title in files["README.md"].decode()


@pytest.mark.parametrize("lesson", DONE, ids=lambda lesson: lesson.name)
def test_a_lesson_alone_has_all_that_its_setup_imports(lesson, tmp_path):
    release.write(release.edition([lesson]), tmp_path / "e")
    cells = nbformat.read(tmp_path / "e" / lesson.link, as_version=4).cells
    setup = next(cell.source for cell in cells if cell.get("id") == "setup")
    done = python(tmp_path / "e", f"import helpers\nassert helpers.__file__.startswith({str(tmp_path)!r})\n{setup}")
    assert done.returncode == 0, done.stderr


def test_zip_unpacks_and_works_with_its_own_environment(tmp_path):
    """What its README says, with uv for pip because that is quicker."""
    content = release.zip_bytes(release.edition([LESSON]), "lesson")
    zipfile.ZipFile(io.BytesIO(content)).extractall(tmp_path)
    folder = tmp_path / "lesson"
    assert {"README.md", "environment.yml", "pyproject.toml", "jupyter_lab_config.py"} <= set(os.listdir(folder))
    assert "python3 -m venv .venv\n.venv/bin/pip install --editable ." in (folder / "README.md").read_text()
    venv.create(folder / ".venv")
    own = folder / ".venv" / "bin" / "python"
    install = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", own, "--editable", folder]
    done = subprocess.run(install, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    code = "import helpers, helpers.checks as c; print(helpers.__path__[0]); c.lesson('logistic_regression')"
    done = subprocess.run([own, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.strip() == str(folder / "helpers"), done.stderr
    assert subprocess.run([own, "-m", "jupyterlab", "--version"], capture_output=True).returncode == 0


def test_a_wheel_unpacks_the_course_and_starts_it_without_make(tmp_path, record_property):
    """What ``uvx deep-learning-notebooks`` does, from the wheel, in a path with spaces; a second start keeps the work."""
    name, content = release.wheel_bytes(release.edition([LESSON]))
    assert (name, content) == release.wheel_bytes(release.edition([LESSON])), "the same bytes"
    (wheel := tmp_path / name).write_bytes(content)
    (place := tmp_path / "my own folder").mkdir()
    command = [sys.executable, "-m", "uv", "tool", "run", "--quiet", "--from", str(wheel), "deep-learning-notebooks"]
    start = time.monotonic()
    done = subprocess.run([*command, "--unpack"], cwd=place, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    record_property("seconds of the wheel's command from nothing to an unpacked course", round(time.monotonic() - start))
    folder = place / "deep-learning-notebooks"
    assert done.stdout == f"Unpacking the course into {folder} ...\n"
    (folder / LESSON.link).write_text("my work")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--no-browser", f"--ServerApp.port={port}", "--IdentityProvider.token=test"]
    lab = subprocess.Popen([*command, *options], cwd=place, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        page = ""
        while lab.poll() is None and time.monotonic() < start + 120 and not page:
            with contextlib.suppress(OSError):
                url = f"http://127.0.0.1:{port}/api/contents/{LESSON.link}?token=test&content=0"
                page = urllib.request.urlopen(url, timeout=5).read().decode()
            time.sleep(0.1)
        assert LESSON.path.name in page
    finally:
        lab.terminate()
        out = lab.communicate(timeout=30)[0].decode()
    assert out.startswith("Starting JupyterLab ...\n"), "nothing was unpacked again"
    assert (folder / LESSON.link).read_text() == "my work"
    (place / "other").mkdir()
    (place / "other" / "thesis.txt").write_text("mine")
    done = subprocess.run([*command, "other", "--unpack"], cwd=place, capture_output=True, text=True)
    assert done.returncode == 2
    assert "is not empty and holds no edition" in done.stderr
    assert len(done.stderr.splitlines()) == 1


# --- never over a learner's work -------------------------------------------------------------------------------------

SMALL = {"a.txt": b"released", "b/c.txt": b"released too"}


def with_manifest(files):
    hashes = {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}
    return {**files, release.MANIFEST: json.dumps(hashes).encode()}


def test_releasing_again_updates_what_was_left_alone(tmp_path):
    release.write(with_manifest(SMALL), tmp_path / "e")
    release.write(with_manifest({"a.txt": b"newer"}), tmp_path / "e")
    assert (tmp_path / "e" / "a.txt").read_bytes() == b"newer"
    assert not (tmp_path / "e" / "b" / "c.txt").exists()


def test_releasing_over_work_is_refused_and_changes_nothing(tmp_path):
    release.write(with_manifest(SMALL), tmp_path / "e")
    (tmp_path / "e" / "b" / "c.txt").write_bytes(b"my answers")
    with pytest.raises(release.ReleaseRefused, match=r"holds work in b/c.txt\. Add --update to bring"):
        release.write(with_manifest({"a.txt": b"newer", "b/c.txt": b"newer"}), tmp_path / "e")
    assert (tmp_path / "e" / "a.txt").read_bytes() == b"released"
    assert (tmp_path / "e" / "b" / "c.txt").read_bytes() == b"my answers"


def test_lab_keeps_work_and_updates_the_rest(tmp_path):
    release.write(with_manifest(SMALL), tmp_path / "e")
    (tmp_path / "e" / "b" / "c.txt").write_bytes(b"my answers")
    newer = with_manifest({"a.txt": b"newer", "b/c.txt": SMALL["b/c.txt"]})
    for _ in range(2):
        assert release.write(newer, tmp_path / "e", keep_work=True) == []
        assert (tmp_path / "e" / "a.txt").read_bytes() == b"newer"
        assert (tmp_path / "e" / "b" / "c.txt").read_bytes() == b"my answers"


def test_a_folder_with_other_files_is_refused(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(release.ReleaseRefused, match="is not empty and holds no edition. Choose a new folder"):
        release.write(with_manifest(SMALL), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_damaged_manifest_is_refused(tmp_path):
    release.write(with_manifest(SMALL), tmp_path / "e")
    (tmp_path / "e" / release.MANIFEST).write_text("{")
    with pytest.raises(release.ReleaseRefused, match="is damaged"):
        release.write(with_manifest(SMALL), tmp_path / "e")


def test_a_lesson_without_its_data_package_says_what_to_do(folder, tmp_path):
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    (blocked / "sitecustomize.py").write_text(
        "import importlib.metadata as m\nold = m.distribution\n"
        "def distribution(name):\n"
        "    if name == 'scikit-image': raise m.PackageNotFoundError(name)\n    return old(name)\n"
        "m.distribution = distribution\n"
    )
    done = python(folder, "from helpers import data; data.cat_or_not()", PYTHONPATH=f"{folder}:{blocked}")
    assert "Install it: pip install scikit-image==0.26.0" in done.stderr.splitlines()[-1]


def test_unknown_lesson_of_the_checks_is_one_line():
    with pytest.raises(packs.UnknownExercise, match="There is no lesson 'nothing' here"):
        packs.load("nothing")
