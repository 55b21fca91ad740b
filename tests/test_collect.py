"""Collecting from an exchange into which everyone may write: only what its owner handed in, and only plain files."""

import logging
import os
import pwd
import shutil
import sys
import time
from pathlib import Path

import pytest
from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory
from test_batch import new_course
from test_grading import LESSON
from traitlets.config import Config

from helpers.grading import batch, record
from helpers.grading.collect import Collect, from_exchange

ME = pwd.getpwuid(os.getuid()).pw_name
WHEN = "2027-01-31 12:00:00.000000 UTC"


@pytest.fixture(scope="module")
def gradebook(tmp_path_factory):
    """An empty gradebook, which takes seconds to make."""
    path = tmp_path_factory.mktemp("gradebook") / "gradebook.db"
    with pytest.MonkeyPatch.context() as patch:
        # nbgrader calls alembic by name
        patch.setenv("PATH", os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"])
        Gradebook(f"sqlite:///{path}", "course").close()
    return path


@pytest.fixture
def exchange(tmp_path, gradebook):
    """An exchange with a submission of this user; the folder of the submissions."""
    shutil.copy(gradebook, tmp_path)
    inbound = tmp_path / "exchange" / "course" / "inbound"
    hand_in(inbound, ME)
    return inbound


def hand_in(inbound, student, when=WHEN, text="{}"):
    folder = inbound / f"{student}+lesson+{when}+random"
    (folder / "pictures").mkdir(parents=True)
    (folder / "lesson.ipynb").write_text(text)
    (folder / "pictures" / "a.png").write_bytes(b"png")
    (folder / "timestamp.txt").write_text(when)
    return folder


def collect(tmp_path, **options):
    config = Config()
    config.Exchange.root = str(tmp_path / "exchange")
    config.CourseDirectory.root = str(tmp_path)
    config.CourseDirectory.course_id, config.CourseDirectory.assignment_id = "course", "lesson"
    config.CourseDirectory.db_url = f"sqlite:///{tmp_path}/gradebook.db"
    for name, value in options.items():
        setattr(config.CourseDirectory, name, value)
    log = logging.getLogger("collect")
    Collect(coursedir=CourseDirectory(config=config), config=config, log=log).start()
    files = tmp_path / "submitted"
    return sorted(str(path.relative_to(files)) for path in files.rglob("*") if path.is_file())


def test_a_submission_is_collected_with_its_files_and_folders(exchange, tmp_path):
    assert collect(tmp_path) == [f"{ME}/lesson/{name}" for name in ("lesson.ipynb", "pictures/a.png", "timestamp.txt")]


def test_a_submission_in_the_name_of_another_is_refused(exchange, tmp_path, caplog):
    hand_in(exchange, "someone")
    assert {Path(name).parts[0] for name in collect(tmp_path)} == {ME}
    assert f"says that it is by someone, but belongs to {ME}: not collected" in caplog.text


def test_a_newer_forged_submission_does_not_hide_the_real_one(exchange, tmp_path):
    forged = hand_in(exchange, ME, "2028-01-31 12:00:00.000000 UTC", text="forged")
    if os.getuid() != 0:
        pytest.skip("only root can give a file to another user; test_hub.py does the same with real users")
    os.chown(forged, 65534, 65534)
    collect(tmp_path)
    assert (tmp_path / "submitted" / ME / "lesson" / "lesson.ipynb").read_text() == "{}"


def test_links_and_pipes_are_left_out_and_named(exchange, tmp_path, caplog):
    (secret := tmp_path / "secret").write_text("secret")
    (folder,) = exchange.iterdir()
    (folder / "link.html").symlink_to(secret)
    (folder / "folder").symlink_to(tmp_path)
    (folder / "pictures" / "loop").symlink_to(folder)
    os.mkfifo(folder / "pipe")
    names = collect(tmp_path)
    assert names == [f"{ME}/lesson/{name}" for name in ("lesson.ipynb", "pictures/a.png", "timestamp.txt")]
    for name in ("link.html", "folder", "loop", "pipe"):
        assert f"{name} is no plain file of its owner: left out" in caplog.text


def test_a_file_of_another_owner_is_left_out(exchange, tmp_path, caplog):
    """A hard link, where the kernel allows one, would be such a file."""
    if os.getuid() != 0:
        pytest.skip("only root can give a file to another user; test_hub.py does the same with real users")
    (folder,) = exchange.iterdir()
    (folder / "hard.html").write_text("of the teacher")
    os.chown(folder / "hard.html", 65534, 65534)
    assert f"{ME}/lesson/hard.html" not in collect(tmp_path)
    assert "hard.html is no plain file of its owner" in caplog.text


def test_a_link_in_place_of_a_submission_is_refused(exchange, tmp_path, caplog):
    elsewhere = hand_in(tmp_path / "elsewhere", ME)
    (exchange / f"{ME}+lesson+2028-01-31 12:00:00.000000 UTC+link").symlink_to(elsewhere)
    assert collect(tmp_path)
    assert "is no folder: not collected" in caplog.text


def test_a_file_that_is_too_large_is_left_out(exchange, tmp_path):
    (folder,) = exchange.iterdir()
    (folder / "large.bin").write_bytes(b"0" * 3000)
    assert f"{ME}/lesson/large.bin" not in collect(tmp_path, max_file_size=2)


def test_a_submission_that_is_too_large_does_not_stop_the_others(exchange, tmp_path, caplog):
    (folder,) = exchange.iterdir()
    (folder / "large.bin").write_bytes(b"0" * 5000)
    assert collect(tmp_path, max_dir_size=4) == []
    assert "has more than 4 kB, the option max_dir_size: not collected" in caplog.text


def test_a_forged_time_does_not_count(exchange, tmp_path, caplog):
    """A submission says that it came years before its files were written; stock nbgrader believes it."""
    shutil.rmtree(exchange)
    hand_in(exchange, ME, "2001-01-01 12:00:00.000000 UTC")
    collect(tmp_path)
    assert "says another time than its files" in caplog.text
    written = (tmp_path / "submitted" / ME / "lesson" / "timestamp.txt").read_text()
    assert written.startswith(time.strftime("%Y-%m-%d", time.gmtime()))


def test_what_is_wrong_with_one_submission_costs_one_student(exchange, tmp_path, caplog):
    """Times that are none, folders that are too deep, and a folder in place of the time: the others are collected."""
    for name in (
        f"{ME}+lesson+yesterday+x",
        f"{ME}+lesson+9999999999999-01-01+x",
        "a+lesson+",
        f"{ME}+lesson+\u202e+x",
    ):
        (exchange / name).mkdir(parents=True)
    (folder,) = (one for one in exchange.iterdir() if WHEN in one.name)
    (folder / "timestamp.txt").unlink()
    (folder / "timestamp.txt").mkdir()
    here = os.open(folder, os.O_RDONLY)
    for _ in range(60):  # deeper than a path may be long
        os.mkdir("d" * 200, dir_fd=here)
        below = os.open("d" * 200, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    assert f"{ME}/lesson/lesson.ipynb" in collect(tmp_path)
    assert caplog.text.count("does not say by whom and when") == 4
    assert "\u202e" not in caplog.text
    shutil.rmtree(folder, ignore_errors=True)


def test_an_update_that_fails_keeps_what_was_collected(exchange, tmp_path, monkeypatch):
    collect(tmp_path)
    hand_in(exchange, ME, "2027-02-01 12:00:00.000000 UTC", text="new")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("helpers.grading.collect._copy", full)
    monkeypatch.setattr(Collect, "update", True)
    collect(tmp_path)
    assert (tmp_path / "submitted" / ME / "lesson" / "lesson.ipynb").read_text() == "{}"


def test_the_verb_collects_from_the_exchange_and_says_what_it_left(tmp_path):
    """By nbgrader's own command, with the settings of the course."""
    top = new_course(tmp_path / "class", Exchange__root=str(tmp_path / "exchange"))
    inbound = tmp_path / "exchange" / LESSON.course / "inbound"
    for student in (ME, "someone"):
        (folder := inbound / f"{student}+{LESSON.folder}+{WHEN}+random").mkdir(parents=True)
        (folder / LESSON.path.name).write_text("{}")
    class_ = batch.Class(LESSON, root=top / LESSON.course)
    found = from_exchange(class_)
    assert [(row.student, row.what) for row in found.rows] == [(ME, "taken")]
    assert any("says that it is by someone" in sentence for sentence in found.left_out)
    assert [row.what for row in from_exchange(class_).rows] == ["as before"]
    shutil.rmtree(tmp_path / "exchange")
    with pytest.raises(record.NotReady, match="Nothing was collected from the exchange: .*exchange"):
        from_exchange(class_)
