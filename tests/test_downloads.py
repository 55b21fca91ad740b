"""Collecting what learning platforms give out: whose it is, which attempt counts, and that nobody costs anybody else."""

import csv
import datetime
import io
import re
import shutil
import zipfile

import nbformat
import pytest
from nbgrader.api import Gradebook
from test_batch import new_course
from test_grading import LESSON, blank, cell, full, without_free_cells

from helpers import cli, courses
from helpers.grading import batch, downloads, feedback, record

NAME = LESSON.path.name
MOODLE = "{}_{}_assignsubmission_file_"
DAY = (2027, 1, 1, 0, 0, 0)


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    return new_course(tmp_path_factory.mktemp("generated"))


@pytest.fixture
def class_(generated, tmp_path):
    """A class without submissions; its gradebook knows the assignment."""
    shutil.copytree(generated, tmp_path / "course")
    return batch.Class(LESSON, root=tmp_path / "course" / LESSON.course)


@pytest.fixture(scope="module")
def answered():
    """A notebook with one answer, one more for each number, as bytes; ``answered(0)`` is what was released."""

    def make(number, mark=""):
        notebook = without_free_cells(blank())
        right = full()
        for name in ("sigmoid", "predict", "logistic_loss")[:number]:
            if any(one.get("id") == name for one in notebook.cells):
                cell(notebook, name).source = cell(right, name).source + f"\n# {mark}"
        return nbformat.writes(notebook).encode()

    return make


def zipped(files, path=None):
    """A zip file; a content that is a pair has a time. Returns the bytes, or the path if it is to be written."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            content, when = content if isinstance(content, tuple) else (content, DAY)
            archive.writestr(zipfile.ZipInfo(name, when), content, zipfile.ZIP_DEFLATED)
    if path is None:
        return out.getvalue()
    path.write_bytes(out.getvalue())
    return path


def collected(class_, *paths, zone="UTC"):
    """Collect and return ``{student: (what, when, notes)}``."""
    found = downloads.collect(class_, paths, zone)
    return {row.student: (row.what, row.when, " ".join(row.notes)) for row in found.rows}


def files_of(class_, student):
    folder = courses.TOP / class_.path("submitted", student)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def kept(class_, student):
    return sorted(path.name for path in (downloads.earlier(class_) / student / class_.assignment).iterdir())


# --- the forms of the platforms --------------------------------------------------------------------------------------

FORMS = {
    "moodle": ("DL-Logistic-815.zip", {"Ann Example": MOODLE.format("Ann Example", 4711) + f"/{NAME}", "Cléo d'Été": MOODLE.format("Cléo d'Été", 4712) + f"/{NAME}"}, "2027-01-01 00:00 UTC"),
    "moodle flat": ("DL-Logistic-815.zip", {"Ann Example": MOODLE.format("Ann Example", 4711) + NAME, "Ben_B": MOODLE.format("Ben_B", 4712) + NAME}, "2027-01-01 00:00 UTC"),
    "canvas": ("submissions.zip", {"9001": f"marxkarl_9001_77001_{NAME}", "9002": "curiemarie_LATE_9002_77002_02_logistic_regression-1.ipynb"}, ""),
    "blackboard": ("gradebook_X.zip", {"ann1": f"HW_1_ann1_attempt_2027-01-31-12-30-00_{NAME}", "ben_b": f"HW_1_ben_b_attempt_2027-01-31-12-30-00_{NAME}"}, "2027-01-31 12:30 UTC"),
    "brightspace": ("HW 1 Download Feb 1, 2027 900 AM.zip", {"Ann Example": f"9001-55 - Ann Example - Jan 31, 2027 1230 PM/{NAME}", "Ben B": f"9002-55 - Ben B - January 31, 2027 1230 PM/{NAME}"}, "2027-01-31 12:30 UTC"),
    "folders": ("class.zip", {"ann": f"ann/{NAME}", "ben": f"ben/work/{NAME}"}, ""),
    "folders in one": ("class.zip", {"ann": f"class/ann/{NAME}", "ben": f"class/ben/{NAME}"}, ""),
    "nbgrader": ("all.zip", {"ann": f"submitted/ann/{LESSON.folder}/{NAME}", "ben": f"submitted/ben/{LESSON.folder}/{NAME}"}, ""),
}  # fmt: skip


@pytest.mark.parametrize("unpacked", [False, True], ids=["zip", "folder"])
@pytest.mark.parametrize("form", FORMS)
def test_each_platform_says_whose_it_is_and_when(class_, answered, tmp_path, form, unpacked):
    name, paths, when = FORMS[form]
    content = {path: answered(1, student) for student, path in paths.items()}
    content["index.html"] = b"<html>"  # what no student handed in
    path = zipped(content, tmp_path / name)
    if unpacked:
        with zipfile.ZipFile(path) as archive:
            archive.extractall(tmp_path / path.stem)
        path = tmp_path / path.stem
        when = "" if form.startswith("moodle") else when  # a folder has lost the times of the zip file
    found = collected(class_, path)
    assert {student: (what, time) for student, (what, time, _) in found.items()} == dict.fromkeys(
        paths, ("taken", when)
    )
    for student in paths:
        got = files_of(class_, student)
        assert got.pop(NAME) == answered(1, student)
        assert list(got) == (["timestamp.txt"] if when else [])
    again = collected(class_, path)
    assert {what for what, _, _ in again.values()} == {"as before"}


def test_times_are_in_the_zone_that_is_named(class_, answered, tmp_path):
    path = zipped({MOODLE.format("Ann", 1) + NAME: answered(1)}, tmp_path / "a.zip")
    assert collected(class_, path, zone="Europe/Berlin")["Ann"][1] == "2026-12-31 23:00 UTC"
    with pytest.raises(record.NotReady, match="There is no time zone Berlin"):
        collected(class_, path, zone="Berlin")


def test_a_number_of_canvas_becomes_the_student_of_the_gradebook(class_, answered, tmp_path):
    with Gradebook(class_.directory.db_url, class_.directory.course_id) as gradebook:
        gradebook.update_or_create_student("karl", lms_user_id="9001")
    path = zipped({f"marxkarl_9001_77001_{NAME}": answered(1)}, tmp_path / "submissions.zip")
    assert set(collected(class_, path)) == {"karl"}


# --- attempts --------------------------------------------------------------------------------------------------------


def test_the_newest_attempt_counts_and_the_others_are_kept(class_, answered, tmp_path):
    name = "HW_ann_attempt_2027-01-{:02}-12-00-00_" + NAME
    content = {name.format(day): answered(1, day) for day in (3, 9, 5)} | {
        f"HW_ben_attempt_2027-01-02-12-00-00_{NAME}": answered(1)
    }
    assert collected(class_, zipped(content, tmp_path / "a.zip"))["ann"] == ("taken", "2027-01-09 12:00 UTC", "2 earlier attempts kept.")  # fmt: skip
    assert files_of(class_, "ann")[NAME] == answered(1, 9)
    assert kept(class_, "ann") == ["2027-01-03 12.00.00 UTC", "2027-01-05 12.00.00 UTC"]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_two_downloads_the_newer_counts_in_any_order(class_, answered, tmp_path, order):
    name = MOODLE.format("Ann Example", 4711) + f"/{NAME}"
    paths = [zipped({name: (answered(1, day), (2027, 1, day, 0, 0, 0))}, tmp_path / f"DL-A-{day} ({day}).zip") for day in (1, 2)]  # fmt: skip
    for number in order:
        found = collected(class_, paths[number])
    assert found["Ann Example"][0] == ("newer" if order == (0, 1) else "left out")
    assert files_of(class_, "Ann Example")[NAME] == answered(1, 2)
    assert kept(class_, "Ann Example") == ["2027-01-01 00.00.00 UTC"]
    assert set(collected(class_, *paths)) == {"Ann Example"}
    assert files_of(class_, "Ann Example")[NAME] == answered(1, 2)


def test_a_newer_download_without_times_replaces_and_says_so(class_, answered, tmp_path):
    collected(class_, zipped({MOODLE.format("ann", 1) + NAME: answered(1)}, tmp_path / "a.zip"))
    (tmp_path / "b" / "ann").mkdir(parents=True)
    (tmp_path / "b" / "ann" / NAME).write_bytes(answered(1, "new"))
    what, when, notes = collected(class_, tmp_path / "b")["ann"]
    assert (what, when) == ("newer", "")
    assert "says no time" in notes
    assert kept(class_, "ann") == ["2027-01-01 00.00.00 UTC"]


def test_two_students_of_one_name_are_told_apart_in_each_call(class_, answered, tmp_path):
    one, two = (zipped({MOODLE.format("Ann", number) + NAME: answered(1, number)}, tmp_path / f"{number}.zip") for number in (1, 2))  # fmt: skip
    one, two = one.rename(tmp_path / "DL-A-1.zip"), two.rename(tmp_path / "DL-A-2.zip")
    assert set(collected(class_, one)) == {"Ann"}
    assert "Several students are called Ann" in collected(class_, two)["Ann (2)"][2]
    assert {student: what for student, (what, _, _) in collected(class_, one, two).items()} == {"Ann": "as before", "Ann (2)": "as before"}  # fmt: skip


def test_different_activities_are_refused_whole(class_, answered, tmp_path):
    name = MOODLE.format("Ann", 1) + NAME
    one, two = (zipped({name: answered(1)}, tmp_path / f"DL-{activity}-1.zip") for activity in ("A", "B"))
    three = zipped({f"marxkarl_9001_77001_{NAME}": answered(1)}, tmp_path / "submissions.zip")
    four = zipped({f"9001-{number} - Ann - Jan 31, 2027 1230 PM/{NAME}": b"" for number in (5, 6)}, tmp_path / "4.zip")
    five = zipped({f"{name}_ann_attempt_2027-01-01-00-00-00_{NAME}": b"" for name in "AB"}, tmp_path / "5.zip")
    for paths in ([one, two], [one, three], [four], [five]):
        with pytest.raises(record.NotReady, match="activities"):
            collected(class_, *paths)
    assert not (tmp_path / "course" / "grading" / "submitted").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "is not there"), (b"no zip", "is no zip file"), (zipped({"a": b"1"})[:-30], "is no zip file"),
     (zipped({"a": b"1", "b": b"2"}), "says whose it is")],
)  # fmt: skip
def test_what_is_no_download_is_refused_in_one_sentence(class_, tmp_path, content, words):
    if content is not None:
        (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(record.NotReady, match=words):
        collected(class_, tmp_path / "a.zip")


# --- which notebook --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "taken", "note"),
    [
        ({"homework (1).ipynb": 2}, 2, "Its notebook is called homework (1).ipynb."),
        ({NAME.replace(".ipynb", ".ipynb.txt"): 2}, 2, "Its notebook is called"),
        ({NAME.upper(): 2}, 2, "Its notebook is called"),
        ({f"deep/er/{NAME}": 2}, 2, ""),
        ({NAME: 0, "02_logistic_regression-Copy1.ipynb": 2}, 2, "-Copy1.ipynb holds the answers"),
        ({NAME: 2, "02_logistic_regression-Copy1.ipynb": 0}, 2, ""),
        ({NAME: 1, "other.ipynb": 2}, 1, "Other notebooks with answers were left: other.ipynb."),
        ({NAME: 0}, 0, ""),
        ({NAME: 2, "report.pdf": b"%PDF"}, 2, ""),
    ],
)
def test_the_notebook_with_the_answers_counts_under_whatever_name(class_, answered, tmp_path, files, taken, note):
    content = {
        MOODLE.format("Ann", 1) + f"/{name}": answered(n) if isinstance(n, int) else n for name, n in files.items()
    }
    _, _, notes = collected(class_, zipped(content, tmp_path / "a.zip"))["Ann"]
    assert note in notes
    assert bool(note) == bool(notes)
    assert files_of(class_, "Ann")[NAME] == answered(taken)


def test_a_notebook_in_a_zip_file_of_the_student_is_found(class_, answered, tmp_path):
    inner = zipped({f"x/{NAME}": answered(2), f"__MACOSX/._{NAME}": b"", f"x/.ipynb_checkpoints/{NAME}": answered(1)})
    path = zipped({MOODLE.format("Ann", 1) + "/work.zip": inner}, tmp_path / "a.zip")
    assert "in work.zip" in collected(class_, path)["Ann"][2]
    assert files_of(class_, "Ann")[NAME] == answered(2)


def test_the_notebook_of_another_lesson_is_named_and_not_taken(class_, answered, tmp_path):
    other = courses.find("activations").path.read_bytes()
    name = MOODLE.format("Ann", 1)
    _, _, notes = collected(class_, zipped({f"{name}/{NAME}": other}, tmp_path / "a.zip"))["Ann"]
    assert "is of the lesson activations" in notes
    assert "There is no notebook of this lesson" in notes
    both = zipped({f"{name}/{NAME}": other, f"{name}/b.ipynb": answered(1)}, tmp_path / "b.zip")
    both = both.rename(tmp_path / "a.zip")
    collected(class_, both)
    assert files_of(class_, "Ann")[NAME] == answered(1)


# --- hostile and broken ----------------------------------------------------------------------------------------------


def test_hostile_and_broken_files_cost_nobody_else_anything(class_, answered, tmp_path):
    ann, ben, cy, di, eve, fay, gus = (
        MOODLE.format(name, number)
        for number, name in enumerate(["Ann Example", "Ben Sample", "Cy", "Di", "Eve", "Fay <b>", "Gus"], start=11)
    )
    bomb = zipped({"a.ipynb": b"0" * 300_000_000})
    encrypted = bytearray(zipped({"x.ipynb": answered(1)}))
    encrypted[6] |= 1
    encrypted[encrypted.index(b"PK\x01\x02") + 8] |= 1
    nested = zipped({"b.zip": zipped({"a.ipynb": answered(1)})})
    path = zipped({
        f"{ann}/{NAME}": answered(2, "ann's"),
        f"{ben}/{ann}{NAME}": answered(1, "ben's in the name of ann"),
        f"{ben}/timestamp.txt": b"2001-01-01",
        f"{cy}/work.zip": b"PK no zip",
        f"{di}/../../{ann}/{NAME}": answered(1, "di's in the place of ann"),
        f"{eve}/bomb.zip": bomb,
        f"{eve}/large.ipynb": b"0" * 70_000_000,
        f"{fay}/secret.zip": bytes(encrypted),
        f"{fay}/nested.zip": nested,
        **{f"{gus}/{number}.txt": b"x" for number in range(300)},
        "no student": b"x",
    }, tmp_path / "a.zip")  # fmt: skip
    found = downloads.collect(class_, [path], "UTC")
    assert [row.student for row in found.rows] == ["Ann Example", "Ben Sample", "Cy", "Di", "Eve", "Fay _b_", "Gus"]
    assert found.left_out == ["no student: its path says no student"]
    assert files_of(class_, "Ann Example")[NAME] == answered(2, "ann's")
    assert files_of(class_, "Ben Sample")[NAME] == answered(1, "ben's in the name of ann")
    assert files_of(class_, "Ben Sample")["timestamp.txt"].startswith(b"2027"), "the time is the platform's"
    assert files_of(class_, "Di")[NAME] == answered(1, "di's in the place of ann")
    for student in ("Cy", "Eve", "Fay _b_", "Gus"):  # the grader says what is there
        assert NAME not in files_of(class_, student)
    assert files_of(class_, "Eve")["large.ipynb"] == b""
    assert len(files_of(class_, "Gus")) <= 1 + downloads.MAX_STUDENT_FILES
    assert list((tmp_path / "course" / "grading").glob("*")) != []
    assert not [
        path for path in tmp_path.rglob(NAME) if "Example" in str(path) and path.read_bytes() != answered(2, "ann's")
    ]


def test_links_in_a_folder_are_left_out(class_, answered, tmp_path):
    (folder := tmp_path / "class" / "ann").mkdir(parents=True)
    (folder / NAME).write_bytes(answered(1))
    (tmp_path / "secret.ipynb").write_text("secret")
    (folder / "link.ipynb").symlink_to(tmp_path / "secret.ipynb")
    (tmp_path / "class" / "ben").symlink_to(tmp_path)
    found = downloads.collect(class_, [tmp_path / "class"])
    assert [row.student for row in found.rows] == ["ann"]
    assert found.left_out == ["ann/link.ipynb: it is no plain file"]


def test_what_a_class_was_collected_from_is_what_is_graded(class_, answered, tmp_path):
    """The whole way, with an unreadable one: the grader names what it found."""
    path = zipped({MOODLE.format("Ann", 1) + "/x.ipynb": answered(2), MOODLE.format("Ben", 2) + "/essay.rar": b"Rar!"}, tmp_path / "a.zip")  # fmt: skip
    collected(class_, path)
    done = batch.run(class_, workers=1, show=io.StringIO())
    assert (done["graded"], done["failed"]) == (2, [])
    assert "essay.rar" in " ".join(done["problems"])


def test_status_and_export_say_what_is_missing(class_, answered, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(batch, "Class", lambda *_: class_)
    monkeypatch.setattr(courses, "LESSONS", [LESSON])
    with Gradebook(class_.directory.db_url, class_.directory.course_id) as gradebook:
        gradebook.update_or_create_student("Cy", last_name="=Cy", email="cy@example.org")
        gradebook.update_or_create_assignment(LESSON.folder, duedate="2026-12-31 12:00 UTC")
    name = MOODLE.format("Ann", 1) + NAME
    collected(class_, zipped({name: answered(2), MOODLE.format("Ben", 2) + "x.txt": b""}, tmp_path / "a.zip"))

    def said(*words):
        with pytest.raises(SystemExit) as end:
            cli.main([*words])
        assert end.value.code == 0
        return capsys.readouterr().out.splitlines()

    head, absent, new = said("status", LESSON.name)
    assert (head, absent) == (f"{LESSON.folder}: 2 handed in, 0 graded", "Not handed in (1): Cy")
    assert new.startswith("New or changed (2): Ann, Ben (run: python -m helpers grade logistic_regression")
    first = said("grade", LESSON.name, "--workers", "1")
    assert first[0] == "2 graded, 0 unchanged"
    assert re.fullmatch(rf"{LESSON.folder}: 2 handed in, 2 graded, mean \d\.\d of 15 points", first[1])
    assert "Late (2): Ann (12 h, 0 points less), Ben (12 h, 0 points less)" in first
    assert first[-2] == "To look at (1):"
    assert first[-1].startswith("  Ben: There is no readable file")
    again = said("grade", LESSON.name, "--workers", "1")
    assert again == ["0 graded, 2 unchanged", *first[1:]], "the same lines, whatever this run did"
    assert said("status", LESSON.name) == first[1:]
    (line,) = said("export", "--to", str(tmp_path / "all.csv"))
    assert line == f"{tmp_path}/all.csv: 3 students, 1 lessons"
    content = (tmp_path / "all.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf"), "Excel reads it as UTF-8"
    rows = {row["student"]: row for row in csv.DictReader(io.StringIO(content.decode("utf-8-sig")))}
    assert rows["Cy"][LESSON.folder] == "", "nothing handed in is no zero"
    assert rows["Cy"]["last name"] == "'=Cy"
    assert float(rows["Ann"][LESSON.folder]) > 0


@pytest.mark.parametrize("platform", ["moodle", "canvas"])
def test_feedback_is_of_the_newest_grades_and_goes_back_to_the_platform(class_, answered, tmp_path, platform):
    prefix = {"moodle": MOODLE.format("Ann [1]", 4711) + "/", "canvas": "marxkarl_9001_77001_"}[platform]
    collected(class_, zipped({prefix + NAME: answered(2)}, tmp_path / "a.zip"))
    batch.run(class_, workers=1, show=io.StringIO())
    student = {"moodle": "Ann _1_", "canvas": "9001"}[platform]
    pages, written = feedback.write(class_)
    assert (list(pages), written) == ([student], [student])
    page = pages[student].read_text()
    assert '<a href="#test_sigmoid">sigmoid</a>' in page
    assert ">Test cell<" not in page
    assert feedback.write(class_)[1] == [], "nothing is newer"
    with Gradebook(class_.directory.db_url, class_.directory.course_id) as gradebook:
        gradebook.find_grade("test_predict", NAME[:-6], LESSON.folder, student).manual_score = 0.5
        gradebook.db.commit()
    pages, written = feedback.write(class_)
    assert written == [student]
    assert "0.5 / " in pages[student].read_text()
    assert feedback.archive(class_, pages, platform, tmp_path / "f.zip") == []
    with zipfile.ZipFile(tmp_path / "f.zip") as archive:
        assert archive.namelist() == [f"{prefix}{LESSON.folder}.html"]
    other = {"moodle": "canvas", "canvas": "moodle"}[platform]
    (said,) = feedback.archive(class_, pages, other, tmp_path / "f.zip")
    assert f"was not collected from {other.capitalize()}" in said


def test_the_command_prints_a_line_per_student(class_, answered, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(batch, "Class", lambda *_: class_)
    path = zipped({MOODLE.format("Ann", 1) + NAME: answered(1), "b": b""}, tmp_path / "a.zip")
    with pytest.raises(SystemExit) as end:
        cli.main(["collect", LESSON.name, str(path), "--zone", "UTC"])
    assert end.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["Ann", "taken", "2027-01-01", "00:00", "UTC"]
    assert lines[2:] == ["Left out: b: its path says no student", "1 taken"]
    with pytest.raises(SystemExit) as end:
        cli.main(["collect", LESSON.name, str(tmp_path / "c.zip")])
    assert end.value.code == 2
    assert "c.zip is not there" in capsys.readouterr().err


def test_the_time_of_a_platform_is_read_in_each_form():
    zone = datetime.UTC
    for words in ("Jan 31, 2027 1230 PM", "January 31, 2027 1230 PM"):
        assert downloads._time("Brightspace", words, zone).strftime("%d %H:%M") == "31 12:30"
    assert downloads._time("Brightspace", "Feb 1, 2027 905 AM", zone).strftime("%d %H:%M") == "01 09:05"
    assert downloads._time("Brightspace", "Smarch 1, 2027 905 AM", zone) is None
