"""Hostile submissions, each a file in tests/attacks: none gains a point, sees a secret, or costs anyone else anything.

An attack is the source of a submission's first answer, or has a function ``submit(notebook)`` that changes the released
notebook, or ``submit(notebook, folder)`` that is called once more with the folder of the submission.
"""

import ast
import hashlib
import inspect
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

import nbformat
import pytest
from conftest import find_browser
from nbformat.v4 import new_code_cell
from nbgrader.api import Gradebook
from test_grading import (
    CATALOGUE,
    LESSON,
    POINTS,
    blank,
    cell,
    feedback,
    full,
    nbgrader,
    numbers,
    scores,
    without_free_cells,
)

from helpers.checks import packs
from helpers.courses import TOP
from helpers.grading import batch, box
from helpers.grading.warm import Warm

#: Fronts of test_hostile.py, which a class run grades: what a submission says, and what its files are.
ELSEWHERE = ("text", "records", "folders", "notebooks")
ATTACKS = sorted(
    path for path in (Path(__file__).parent / "attacks").glob("*/*.py") if path.parent.name not in ELSEWHERE
)
HONEST = ("aa_honest", "zz_honest")
CANARY = "CANARY-3141592653"
LIMITS = {
    "call": 2.0, "cell": 3.0, "notebook": 40.0, "resident": 600 << 20, "scratch": 50 << 20, "processes": 32,
    "cells": 200, "shown": 4 << 20, "judge": 3.0,
}  # fmt: skip


def student(path):
    return f"{path.parent.name}_{path.stem}"


def source_of(path, top):
    forged = (path.parent.parent / "forged.py").read_text()
    source = path.read_text().replace("from forged import answer\n", forged)
    return source.replace("{top}", str(top)).replace("{repository}", str(TOP))


def submit(path, top, folder):
    """Write one attack as a submission."""
    source = source_of(path, top)
    notebook = without_free_cells(blank())
    if "def submit(" in source:
        namespace = {}
        exec(compile(source, str(path), "exec"), namespace)
        namespace["submit"](notebook)
        if len(inspect.signature(namespace["submit"]).parameters) == 2:
            namespace["submit"](notebook, folder)
    else:
        if "globals()[name]" in source:  # it takes the place of all answers: no later one defines its own
            for other in notebook.cells:
                if other.get("metadata", {}).get("nbgrader", {}).get("solution"):
                    other.source = "pass"
        cell(notebook, "sigmoid").source = source
    (folder / LESSON.path.name).write_text(nbformat.v4.writes(notebook))


def fingerprint(folder):
    """A hash of all files of a folder that git would notice."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(str(path).encode() + path.read_bytes())
    return digest.hexdigest()


def attack_class(top, paths, settings="", run=nbgrader, workers=None):
    """Grade a class of hostile submissions between two honest ones in the folder `top`, with nbgrader's own command.

    `run` runs the command that grades, maybe as another user. With `workers`, a class run grades in its place.
    """
    course = top / LESSON.course
    course.mkdir()
    shutil.copy(TOP / "nbgrader_config.py", top)
    config = (TOP / LESSON.course / "nbgrader_config.py").read_text()
    (course / "nbgrader_config.py").write_text(f"{config}c.Execute.limits = {LIMITS}\n{settings}\n")
    shutil.copytree(LESSON.path.parent, course / LESSON.folder)
    done = nbgrader(course, "generate_assignment", LESSON.folder)
    assert done.returncode == 0, done.stderr
    for name in [*HONEST, *map(student, paths)]:
        (top / "grading" / "submitted" / name / LESSON.folder).mkdir(parents=True)
    for name in HONEST:
        notebook = full()
        notebook.cells.append(new_code_cell(f"# {CANARY}"))
        (top / "grading" / "submitted" / name / LESSON.folder / LESSON.path.name).write_text(nbformat.writes(notebook))
    for path in paths:
        submit(path, top, top / "grading" / "submitted" / student(path) / LESSON.folder)
    (top / "grading" / "secret").write_text(CANARY)
    before = fingerprint(TOP / "helpers" / "grading")
    os.environ["CANARY"] = CANARY
    try:
        if workers:
            class_ = batch.Class(LESSON, root=course)
            done = batch.run(class_, workers=workers, show=open(os.devnull, "w"))  # noqa: SIM115
            assert (done["graded"], done["failed"]) == (len(paths) + len(HONEST), [])
        else:
            done = run(course, "autograde", LESSON.folder)
            assert done.returncode == 0, done.stderr
        done = nbgrader(course, "generate_feedback", LESSON.folder)
        assert done.returncode == 0, done.stderr
    finally:
        del os.environ["CANARY"]
    assert fingerprint(TOP / "helpers" / "grading") == before
    assert not (TOP / "helpers" / "sitecustomize.py").exists()
    return top


@pytest.fixture(scope="module")
def attacked(tmp_path_factory):
    """All attacks, graded in the strongest box by whoever runs the tests.

    Four workers, since most attacks wait for the end of their time. The tests of single boxes, below, grade by
    nbgrader's own command.
    """
    return attack_class(tmp_path_factory.mktemp("attacked"), ATTACKS, workers=4)


def pages(top, name):
    """The graded notebook and the feedback page of a submission, as texts."""
    graded = top / "grading" / "autograded" / name / LESSON.folder / LESSON.path.name
    page = top / "grading" / "feedback" / name / LESSON.folder / f"{LESSON.folder}.html"
    return graded.read_text(), page.read_text()


def test_there_are_enough_attacks_on_each_front():
    assert len(ATTACKS) >= 160
    fronts = {path.parent.name for path in ATTACKS}
    assert fronts == {
        "metadata", "ipython", "python", "wire", "files", "processes", "resources", "network", "html", "leak",
    }  # fmt: skip
    for path in ATTACKS:
        assert ast.get_docstring(ast.parse(path.read_text())), path


@pytest.mark.parametrize("path", ATTACKS, ids=student)
def test_attack_gains_nothing(attacked, record_property, path):
    assert scores(attacked, student(path)) == dict.fromkeys(POINTS, 0)
    record_property("attacks that gained nothing", [1, 1])


@pytest.mark.parametrize("path", ATTACKS, ids=student)
def test_attack_sees_no_secret_and_no_hidden_case(attacked, path):
    name = student(path)
    graded, page = pages(attacked, name)
    assert CANARY not in graded + page
    assert not any(re.search(r"(?m)^\s*CONNECTED", output.get("text", "")) for output in shown(graded))
    seed = int(nbformat.reads(graded, as_version=4).metadata.grading_protocol.seed)
    outputs = "".join(str(output) for output in shown(graded))
    assert "LEAK" not in outputs
    for exercise in packs.read(CATALOGUE.pack(seed)).values():
        for case in exercise.cases:
            for value in [case.expected, *case.arguments.values()]:
                for number in numbers(value):
                    assert number not in outputs, (exercise.name, number)


def shown(graded):
    notebook = nbformat.reads(graded, as_version=4)
    return [output for one in notebook.cells if one.cell_type == "code" for output in one.outputs]


@pytest.mark.parametrize("name", HONEST)
def test_honest_submission_beside_them_keeps_its_points(attacked, name):
    assert scores(attacked, name) == POINTS


def test_nothing_is_changed_outside(attacked):
    untouched(attacked)


def untouched(top):
    """Assert that no attack wrote outside of its box and that the gradebook is whole."""
    for place in (top, Path("/"), Path("/usr"), Path("/var/tmp"), Path("/dev/shm"), Path.home()):
        assert not (place / "hacked").exists(), place
    for name in ("secret", "everything", "data.txt", "pipe"):
        assert not list((top / "grading" / "autograded").rglob(name))
        assert not list((top / "grading" / "feedback").rglob(name))
    assert (top / "grading" / "secret").read_text() == CANARY
    with sqlite3.connect(top / "gradebook.db") as database:
        assert database.execute("pragma integrity_check").fetchone() == ("ok",)
        assert database.execute("select count(*) from grade where manual_score is not null").fetchone() == (0,)


def test_no_process_is_left(attacked):
    left = [pid for pid in os.listdir("/proc") if pid.isdigit() and owner(pid) >= box.FIRST_UID]
    for _ in range(600):  # rooms of a test that runs at the same time end by themselves
        left = [pid for pid in left if owner(pid) >= box.FIRST_UID]
        if not left:
            break
        time.sleep(0.1)
    assert left == []


def owner(pid):
    try:
        return os.stat(f"/proc/{pid}").st_uid
    except OSError:
        return -1


def test_feedback_pages_hold_no_script_of_a_submission(attacked):
    for path in ATTACKS:
        _, page = pages(attacked, student(path))
        for harmful in ("<script>window.HACKED", "<img src=x", "<svg onload", "<details ontoggle", 'href="javascript:'):
            assert harmful not in page, (path, harmful)


@pytest.mark.browser
def test_feedback_pages_execute_nothing_of_a_submission(attacked):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=find_browser(), args=options)
        page = browser.new_page()
        page.route("http*://**", lambda route: route.abort())
        for path in ATTACKS:
            if path.parent.name == "html":
                name = student(path)
                page.goto((attacked / "grading/feedback" / name / LESSON.folder / f"{LESSON.folder}.html").as_uri())
                page.wait_for_timeout(300)
                assert page.evaluate("typeof window.HACKED") == "undefined", name
        browser.close()


@pytest.mark.browser
def test_formgrader_grades_in_rooms_and_executes_nothing_of_a_submission(attacked, tmp_path):
    """Its button grades again, for every attack on pages, and its page of each submission shows it as text."""
    from playwright.sync_api import expect, sync_playwright
    from test_browser import server

    names = [student(path) for path in ATTACKS if path.parent.name == "html"]
    command = [sys.executable, "-m", "jupyterlab", "--allow-root"]
    with server(command, attacked / LESSON.course, tmp_path / "server.log") as url, sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=find_browser(), args=options)
        page = browser.new_page()
        page.goto(f"{url}/formgrader?token=test")
        for name in names:
            graded = attacked / "grading" / "autograded" / name / LESSON.folder / LESSON.path.name
            before = graded.stat().st_mtime_ns
            page.goto(f"{url}/formgrader/manage_submissions/{LESSON.folder}")
            page.locator("tr", has_text=name).locator(".autograde a").click()
            expect(page.locator(".modal.in, .modal.show")).to_contain_text("Success", timeout=120_000)
            assert graded.stat().st_mtime_ns > before
            with Gradebook(f"sqlite:///{attacked}/gradebook.db") as gradebook:
                (submitted,) = gradebook.find_submission(LESSON.folder, name).notebooks
                page.goto(f"{url}/formgrader/submissions/{submitted.id}")
            expect(page.locator("body")).to_contain_text("box: ")
            page.wait_for_timeout(300)
            assert page.evaluate("typeof window.HACKED") == "undefined", name
        for address in (
            "manage_students/%22;window.HACKED=1;%22",
            "gradebook/%3Cscript%3Ewindow.HACKED=1%3C%2Fscript%3E",
        ):
            assert page.goto(f"{url}/formgrader/{address}").status == 404
            assert page.evaluate("typeof window.HACKED") == "undefined", address
        browser.close()


# --- the box itself --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strength", box.STRENGTHS)
def test_a_room_of_each_strength_answers(strength):
    """Weaker boxes are for machines where the strongest cannot be made; each works, and says what it does not stop."""
    if strength == "bubblewrap" and (os.geteuid() == 0 or shutil.which("bwrap") is None):
        with pytest.raises(box.NoBox, match="ordinary users" if shutil.which("bwrap") else "not installed"):
            Warm(LESSON, strength)
        return
    if box.STRENGTHS.index(strength) < box.STRENGTHS.index(box.strongest()):
        pytest.skip(f"{strength} is not to be had on this machine")
    warm = Warm(LESSON, strength)
    room = warm.room()
    try:
        room.ask(
            "run",
            20,
            source="import numpy as np\ndef double(x):\n    return 2 * x\ntry:\n    import socket\n    socket.socket()\n    network = True\nexcept OSError:\n    network = False\ntry:\n    open('/etc/passwd')\n    files = True\nexcept OSError:\n    files = False",
        )
        assert room.get("double")[1](21) == 42
        assert room.get("network") == (True, strength == "limits")
        assert room.get("files") == (True, strength == "limits")
    finally:
        room.close()
        warm.close()


#: What a box must stop; the other fronts meet the same code in any box.
BOXED = [path for path in ATTACKS if path.parent.name in ("files", "network", "processes", "resources")]
BOXED += [path for path in ATTACKS if path.parent.name == "leak" and path.stem.startswith(("env", "open", "other"))]
#: Of these, some of each front; `make compare` tries all of them as every user in every box.
SOME = BOXED[::5]


def all_gained_nothing(top, paths):
    for path in paths:
        assert scores(top, student(path)) == dict.fromkeys(POINTS, 0), path
        assert CANARY not in "".join(pages(top, student(path))), path
    for name in HONEST:
        assert scores(top, name) == POINTS
    untouched(top)


@pytest.fixture
def open_folder():
    """A folder that every user may enter; pytest's own are closed."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


def test_as_an_ordinary_user_the_strongest_box_holds(open_folder):
    """Started as root, the tests become `nobody` for this; as another user they have shown it already."""
    if os.geteuid() != 0:
        return
    top = open_folder / "class"
    top.mkdir()
    run = as_nobody(top, python_of_an_ordinary_user(open_folder))

    def one_is_closed(folder, *words):
        closed = top / "grading" / "submitted" / student(SOME[0]) / LESSON.folder / LESSON.path.name
        if closed.is_file():
            closed.chmod(0)
        return run(folder, *words, closed=closed)

    attack_class(top, SOME, run=one_is_closed)
    all_gained_nothing(top, SOME)
    graded, page = pages(top, HONEST[0])
    assert nbformat.reads(graded, as_version=4).metadata.grading_protocol.box == box.strongest()
    assert "There is no readable file" in feedback(top, student(SOME[0]))
    refused = top / "grading" / "refused" / student(SOME[0]) / LESSON.folder / LESSON.path.name
    assert refused.exists()  # the file that could not be read is not lost


#: A room takes seconds there: one that reads what is outside, one that takes too much, one that stays, one that talks.
IN_BUBBLEWRAP = ("secret_read", "inodes", "orphan_deaf", "connect")


def test_bubblewrap_holds(open_folder):
    """Where ordinary users may make no namespaces, but a program of the system makes them for them."""
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed (Debian: apt-get install bubblewrap)")
    user = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
    words = ["bwrap", "--unshare-all", "--ro-bind", "/", "/", "true"]
    if subprocess.run(words, capture_output=True, **user).returncode:
        pytest.skip("this system lets bubblewrap make no namespaces for ordinary users")
    chosen = [path for path in BOXED if path.stem in IN_BUBBLEWRAP]
    assert len(chosen) == len(IN_BUBBLEWRAP)
    top, run = open_folder / "class", nbgrader
    top.mkdir()
    if os.geteuid() == 0:
        run = as_nobody(top, python_of_an_ordinary_user(open_folder))
    # By the same choice as on a machine where nothing but this works.
    settings = 'from helpers.grading import box\nbox.STRENGTHS = ("bubblewrap", "limits")'
    attack_class(top, chosen, settings, run)
    all_gained_nothing(top, chosen)
    graded, page = pages(top, HONEST[0])
    assert nbformat.reads(graded, as_version=4).metadata.grading_protocol.box == "bubblewrap"
    assert "box: bubblewrap" in page
    assert "MB of files and was stopped" in feedback(top, "resources_inodes")


def as_nobody(top, python):
    """Return a function that runs nbgrader as an ordinary user, who owns all in the folder `top` but a `closed` file."""

    def run(folder, *words, closed=None):
        for path in [top, *top.rglob("*")]:
            if path != closed:
                os.chown(path, 65534, 65534, follow_symlinks=False)
        environment = {**os.environ, "PYTHONPATH": str(TOP), "HOME": str(top), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(
            [python, "-m", "nbgrader", *words], cwd=folder, env=environment, capture_output=True, text=True,
            user=65534, group=65534, extra_groups=[], timeout=3600,
        )  # fmt: skip

    return run


def python_of_an_ordinary_user(folder):
    """Return a Python with this environment's packages that any user may run: root's own may lie in root's home."""
    system = Path(f"/usr/bin/python3.{sys.version_info.minor}")
    if not system.exists():
        pytest.skip(f"{system} is not installed: an ordinary user has no Python of this version here")
    subprocess.run([system, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    packages = next((folder / "venv" / "lib").glob("python3*/site-packages"))
    (packages / "shared.pth").write_text(sysconfig.get_path("platlib"))
    return folder / "venv" / "bin" / "python"


def test_landlock_alone_holds(tmp_path):
    """Where namespaces are forbidden, an instructor names the box ``landlock``."""
    if box.landlock_version() < box.WHOLE_LANDLOCK:
        pytest.skip("this kernel does not enforce all of it")
    top = attack_class(tmp_path, SOME, settings='c.Execute.box = "landlock"')
    all_gained_nothing(top, SOME)
    graded, page = pages(top, HONEST[0])
    assert nbformat.reads(graded, as_version=4).metadata.grading_protocol.box == "landlock"
    assert "box: landlock" in page


def test_limits_alone_stop_accidents(tmp_path):
    """On systems without any box, endless loops, memory and output are stopped; attacks are not."""
    names = ("endless_cell", "endless_call", "memory", "output", "recursion", "sleep", "many_cells")
    accidents = [path for path in ATTACKS if path.parent.name == "resources" and path.stem in names]
    top = attack_class(tmp_path, accidents, settings='c.Execute.box = "limits"')
    all_gained_nothing(top, accidents)
    assert "box: limits" in pages(top, HONEST[0])[1]


def test_a_box_that_cannot_be_made_stops_the_grading(monkeypatch):
    monkeypatch.setattr("helpers.grading.warm.readable", lambda *_: ["/does/not/exist"])  # nothing can be mounted there
    warm = Warm(LESSON, "namespaces")
    with pytest.raises(box.NoBox):
        warm.room()
    warm.close()


def test_the_box_that_was_used_is_recorded_and_shown(attacked):
    graded, page = pages(attacked, HONEST[0])
    assert nbformat.reads(graded, as_version=4).metadata.grading_protocol.box == box.strongest()
    assert f"box: {box.strongest()}" in page


def test_limits_that_were_exceeded_are_said(attacked):
    for name, words in (
        ("resources_endless_cell", "This cell took longer than 3 seconds and was stopped."),
        ("resources_endless_call", "sigmoid took longer than 2 seconds and was stopped."),
        ("resources_deaf_loop", "sigmoid took longer than 2 seconds and was stopped."),
        ("processes_exit_in_cell", "This cell ended its process."),
        ("processes_exit_in_call", "sigmoid ended its process."),
        ("wire_huge_value", "sigmoid"),
    ):
        assert words in feedback(attacked, name), name
