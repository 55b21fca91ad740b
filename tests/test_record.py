"""The gradebook holds what grading found out: it is whole, it goes with the student, and no fault of a database loses it."""

import contextlib
import json
import shutil
import sqlite3
import subprocess
import threading
import time

import pytest
from nbgrader.api import Gradebook
from sqlalchemy import event, text
from sqlalchemy.engine import Engine
from sqlalchemy.orm import scoped_session
from test_batch import ASSIGNMENT, COURSE, GRADE, LESSON, book, new_course, put, records, run, start
from test_grading import BROKEN, full, without_free_cells

from helpers.grading import batch, record
from helpers.grading.execute import secret_of

STUDENTS = [f"s{number}" for number in range(8)]


@pytest.fixture(scope="module")
def school(tmp_path_factory):
    """A class whose files are no notebooks but one, which takes no time to grade; graded, and before."""
    top = new_course(tmp_path_factory.mktemp("record") / "class")
    for student in STUDENTS:
        put(top, student, list(BROKEN.values())[len(student) % 2])
    put(top, "s0", without_free_cells(full()))
    secret_of(top / "grading" / "secret")  # the same for all copies
    before = top.with_name("before")
    shutil.copytree(top, before)
    run(top)
    return before, top


@pytest.fixture
def fresh(school, tmp_path):
    shutil.copytree(school[0], tmp_path / "c")
    return tmp_path / "c"


@pytest.fixture
def graded(school, tmp_path):
    shutil.copytree(school[1], tmp_path / "c")
    return tmp_path / "c"


def rows(top):
    with contextlib.closing(sqlite3.connect(top / "gradebook.db")) as database:
        return database.execute("select count(*) from grading_record").fetchone()[0]


def same(top, school):
    """Whether the gradebook of a class holds what the undisturbed run gave."""
    plain = [
        {student: {key: one[key] for key in one if key != "seconds"} for student, one in records(folder).items()}
        for folder in (top, school[1])
    ]
    return plain[0] == plain[1] and book(top) == book(school[1])


def test_every_submission_has_a_record(graded):
    assert sorted(records(graded)) == STUDENTS
    assert not (graded / "grading" / "graded").exists(), "no file of lines beside the gradebook"


def test_a_removed_student_is_gone_at_once(graded):
    with Gradebook(f"sqlite:///{graded}/gradebook.db") as gradebook:
        gradebook.remove_student("s3")
    assert rows(graded) == len(STUDENTS) - 1
    assert "s3" not in records(graded)


def test_scores_and_record_come_together(fresh, school, monkeypatch):
    """Killed before the commit, neither is there: the next run does both."""

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(scoped_session, "merge", killed)
    with pytest.raises(KeyboardInterrupt):
        run(fresh)
    monkeypatch.undo()
    with contextlib.closing(sqlite3.connect(fresh / "gradebook.db")) as database:
        assert database.execute("select count(*) from grade where auto_score is not null").fetchone() == (0,)
    run(fresh)
    assert same(fresh, school)


# --- earlier versions ------------------------------------------------------------------------------------------------


def line(student, **more):
    facts = {"student": student, "digest": "d", "box": "landlock", "seconds": 1.0, "unreadable": "", "notes": ["n"],
             "stopped": [], "mistakes": {"sigmoid": "other"}, "answers": {"sigmoid": ["abc", 50]}, "scores": {}}  # fmt: skip
    return json.dumps(facts | more).encode()


def test_a_journal_is_taken_over_once(graded, school):
    with contextlib.closing(sqlite3.connect(graded / "gradebook.db")) as database:
        database.execute("delete from grading_record where submission_id in (select id from submitted_assignment "
                         "where student_id in ('s1', 's2', 's3', 's4'))")  # fmt: skip
        database.commit()
    hostile = [
        b"{}", b"0", b"null", b"[]", b'"a\xe2\x80\xa80"', b"\xff\xfe", b'{"student": "s3"}', b"[" * 100_000,
        line("s3", mistakes=[]), line("s3", seconds="x"), line("s3", facts=1, notes="text"), line(["s3"]), line("gone"),
        line("s0", notes=["forged"]),
    ]  # fmt: skip
    kept = [line("s1"), line("s2", notes=["a\u20280\u2028b\x1b[2K"], unreadable="x\x00y")]
    journal = graded / "grading" / "graded" / f"{ASSIGNMENT}.jsonl"
    journal.parent.mkdir()
    journal.write_bytes(b"\n".join([*hostile, *kept, line("s4")[:-9]]))
    class_ = batch.Class(LESSON, root=graded / COURSE)
    with class_.gradebook() as gradebook:
        found = record.entries(gradebook, ASSIGNMENT)
    assert not journal.exists()
    assert set(found) == {*STUDENTS} - {"s3", "s4"}
    assert found["s1"]["mistakes"] == {"sigmoid": "other"}
    assert found["s1"]["answers"] == {"sigmoid": ["abc", 50]}
    assert found["s2"]["notes"] == ["a 0 b [2K"]
    assert found["s2"]["unreadable"] == "xy"
    assert "forged" not in str(found["s0"])
    with class_.gradebook() as gradebook:
        assert record.entries(gradebook, ASSIGNMENT) == found


# --- databases that fail ---------------------------------------------------------------------------------------------


def test_a_database_that_is_locked_for_a_while_costs_nothing(fresh, school):
    started = threading.Event()

    def hold():
        with contextlib.closing(sqlite3.connect(fresh / "gradebook.db")) as database:
            database.execute("begin exclusive")
            started.set()
            time.sleep(8)  # longer than SQLite itself waits

    thread = threading.Thread(target=hold)
    thread.start()
    started.wait()
    run(fresh)
    thread.join()
    assert same(fresh, school)


def said(top, words):
    """Assert that a run ends in one sentence with these words, and without a word of Python."""
    with pytest.raises(batch.NotReady, match=words) as caught:
        run(top)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert len(sentence) < 400
    assert "run the same command again" in sentence


def test_a_database_that_stays_locked_is_one_sentence(fresh, school, monkeypatch):
    monkeypatch.setattr(record, "PATIENCE", 1)
    with contextlib.closing(sqlite3.connect(fresh / "gradebook.db")) as database:
        database.execute("begin exclusive")
        said(fresh, "another program has held it")
    run(fresh)
    assert same(fresh, school)


def test_a_full_disk_is_one_sentence_and_keeps_what_was_graded(fresh, school):
    def limit(connection, _):
        pages = connection.execute("pragma page_count").fetchone()[0]
        connection.execute(f"pragma max_page_count = {max(pages, 1) + (0 if pages < 60 else 1)}")

    event.listen(Engine, "connect", limit)
    try:
        said(fresh, "its disk is full")
    finally:
        event.remove(Engine, "connect", limit)
    run(fresh)
    assert same(fresh, school)


def test_a_full_disk_under_the_notebooks_is_one_sentence(fresh, school, monkeypatch):
    def full_disk(self, *_):
        raise OSError(28, "No space left on device", "somewhere")

    monkeypatch.setattr(batch.Class, "_copy", full_disk)
    said(fresh, "cannot be written: No space left on device")
    monkeypatch.undo()
    run(fresh)
    assert same(fresh, school)


def test_a_damaged_database_is_one_sentence(graded):
    path = graded / "gradebook.db"
    content = bytearray(path.read_bytes())
    content[4096:-4096] = b"\xff" * (len(content) - 8192)
    path.write_bytes(content)
    said(graded, "it is damaged")
    path.write_bytes(b"no database at all" * 100)
    said(graded, "it is damaged")


def test_a_database_that_does_not_answer_is_one_sentence(fresh):
    with pytest.raises(batch.NotReady, match="The gradebook failed: it does not answer. Is its server running"):
        run(fresh, db_url="postgresql+psycopg://nobody@127.0.0.1:9/none")
    with pytest.raises(batch.NotReady, match="it cannot be opened"):
        run(fresh, db_url=f"sqlite:///{fresh}/no/such/folder/gradebook.db")


def test_two_runs_at_once_end_well(fresh, school):
    """Each grades what it finds; what both wrote is there once."""
    processes = [start(fresh, 1) for _ in range(2)]
    for process in processes:
        out, err = process.communicate(timeout=240)
        assert process.returncode == 0, err
        assert out.split()[2] == "0"
    assert same(fresh, school)


def test_every_verb_says_it_in_one_line(fresh, tmp_path):
    for verb in ("grade", "report"):
        done = subprocess.run(
            [batch.sys.executable, "-m", "helpers", verb, LESSON.name, "--db", f"sqlite:///{tmp_path}/no/folder/x.db"],
            cwd=batch.TOP, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 2
        assert done.stderr.startswith("helpers: The gradebook failed: it cannot be opened")
        assert done.stderr.count("\n") == 1
    assert GRADE


def test_a_broken_foreign_row_is_not_read(graded):
    """A record whose submission is gone counts for nobody, even where a database did not remove it."""
    with Gradebook(f"sqlite:///{graded}/gradebook.db") as gradebook:
        gradebook.db.execute(text("drop trigger grading_record_goes"))
        gradebook.db.commit()
        gradebook.remove_student("s3")
    assert rows(graded) == len(STUDENTS)
    assert "s3" not in records(graded)
