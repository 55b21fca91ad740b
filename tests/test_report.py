"""The class report: numbers by hand, tables as platforms take them, a page without scripts that a browser shows."""

import csv
import html
import io
import re
import shutil
import urllib.parse
from pathlib import Path

import pytest
from nbgrader.api import Gradebook
from test_batch import new_course, put, run
from test_grading import LESSON, POINTS, SUBMISSIONS, cell, full, nbgrader, without_free_cells

from helpers import exercises
from helpers.courses import TOP
from helpers.grading import batch, report, similar
from helpers.grading.report import Report, Row

ASSIGNMENT = LESSON.folder
COPIED = '''def propagate_loop(w, b, X, Y):
    """My own words."""
    total, count = 0.0, X.shape[1]
    gradient = np.zeros(w.shape)
    slope = 0
    for number in range(count):
        column = X[:, number : number + 1]
        guess = sigmoid((w * column).sum() + b)
        total = total + log_loss(guess, Y[0, number]) / count
        gradient = gradient + column * (guess - Y[0, number]) / count
        slope = slope + (guess - Y[0, number]) / count
    return float(total), gradient, float(slope)
'''
RENAMED = "# quite another\n" + re.sub(r"\b(total|gradient|slope|number|guess|column)\b", r"my_\1", COPIED)
COPIED_TOO = """def model(X_train, Y_train, X_test, Y_test, num_iterations=2000, learning_rate=0.5):
    w0, b0 = initialize_with_zeros(len(X_train))
    answer = optimize(w0, b0, X_train, Y_train, num_iterations, learning_rate)
    w1, b1, history = answer[0], answer[1], answer[-1]
    guesses = {"train": predict(w1, b1, X_train), "test": predict(w1, b1, X_test)}
    return {"w": w1, "b": b1, "costs": list(history), **guesses}
"""


@pytest.fixture(scope="module")
def class_(tmp_path_factory):
    """A graded class in which two students handed in the same thing under other names."""
    top = new_course(tmp_path_factory.mktemp("report") / "class")
    students = {name: SUBMISSIONS[name]() for name in ("full", "blank", "mistakes0", "mistakes3", "endless")}
    for name, source in (("copy_a", COPIED), ("copy_b", RENAMED)):
        notebook = without_free_cells(full())
        cell(notebook, "propagate_loop").source = source
        cell(notebook, "model").source = COPIED_TOO
        students[name] = notebook
    for name, notebook in students.items():
        put(top, name, notebook)
    put(top, "<img src=x onerror=alert(1)>", b"no notebook")
    assert run(top)["failed"] == []
    return batch.Class(LESSON, root=top / LESSON.course)


@pytest.fixture(scope="module")
def made(class_):
    return report.collect(class_)


def test_numbers_of_the_page_are_those_of_the_gradebook(class_, made):
    with Gradebook(class_.directory.db_url) as gradebook:
        expected = {one.student.id: one.score for one in gradebook.assignment_submissions(ASSIGNMENT)}
    assert {row.student: row.total for row in made.rows} == expected
    assert sum(made.points.values()) == sum(POINTS.values())
    text = report.page(made)
    assert f"{len(expected)} submissions. Mean {sum(expected.values()) / (len(expected) - 1):.1f}" in text
    assert "1 could not be read and do not count in these numbers." in text


def test_pass_rates_and_discrimination_by_hand():
    rows = [Row(s, {"a": a, "b": b, "c": c}, 0.0) for s, a, b, c in
            [("1", 1, 2, 0), ("2", 1, 2, 1), ("3", 0, 0, 1), ("4", 0, 1, 0)]]  # fmt: skip
    facts = {s: {"student": s, "mistakes": {"a": "other"} if s in "34" else {}} for s in "1234"}
    first, second, third = report.items(Report("t", "t", {"a": 1, "b": 2, "c": 1}, rows, facts, {}, set()))
    assert (first.solved, second.solved, third.solved) == (0.5, 0.5, 0.5)
    # Points of a: 1 1 0 0; of the others: 2 3 1 1. Covariance 3/8, variances 1/4 and 11/16.
    assert first.discrimination == pytest.approx((3 / 8) / (1 / 4 * 11 / 16) ** 0.5)
    # Points of c: 0 1 1 0; of the others: 3 3 0 1. Covariance -1/8, variances 1/4 and 27/16.
    assert third.discrimination == pytest.approx((-1 / 8) / (1 / 4 * 27 / 16) ** 0.5)
    assert (first.low, third.low) == (False, True)
    assert first.mistakes == [("other", 2)]


def test_an_exercise_that_all_solve_has_no_discrimination():
    assert report.correlation([1, 1, 1], [1, 2, 3]) is None


def test_mistakes_are_named_with_counts(made):
    text = html.unescape(report.page(made))
    for name, exercise in exercises.load(LESSON.name).exercises.items():
        assert f"1 × {exercise.mistakes[0][1]}" in text, name
    assert "1 × not written" in text  # the blank one; the one that is no notebook has no answers


def test_copies_are_found_and_right_answers_of_the_catalogue_are_not(made):
    assert report.alike(made) == [(("copy_a", "copy_b"), ["model", "propagate_loop"])]
    assert "copy_a and copy_b: model, propagate_loop" in report.page(made)


def test_answers_that_differ_in_more_than_names_are_not_alike():
    sources = ("def f(x):\n    return x + 1", "def f(y):\n    # same\n    return y + 1", "def f(x):\n    return 1 + x")
    one, same, other = (similar._fingerprint(similar.normalised(source)) for source in sources)
    assert one == same != other
    assert similar.normalised("def f(:") is None


def test_an_answer_that_many_gave_is_no_copy():
    usual = {f"s{i}": {"f": ["x", 100], "g": ["y", 100]} for i in range(similar.MAX_GROUP + 1)}
    assert similar.pairs(usual) == []
    assert len(similar.pairs(dict(list(usual.items())[:2]))) == 1
    short = {f"s{i}": {"f": ["x", similar.MIN_NODES - 1], "g": ["y", 100]} for i in range(2)}
    assert similar.pairs(short) == []


def test_problems_stand_on_the_page(made):
    text = report.page(made)
    assert "endless: " in text
    assert "took longer than 3 seconds" in text
    assert "no valid JSON" in text


def test_page_has_no_script_and_nothing_from_elsewhere(made):
    text = report.page(made)
    assert "<script" not in text
    assert "&lt;img src=x onerror=alert(1)&gt;" in text
    assert not re.search(r"<[^>]*(?:src|href)\s*=|url\(|@import|://", text)


def test_the_page_says_who_made_which_mistake_and_links_to_their_feedback(class_, made, tmp_path):
    assert 'href="' not in report.page(made)
    student = next(name for name, facts in made.facts.items() if facts["mistakes"])
    directory = class_.directory
    page = Path(directory.format_path(directory.feedback_directory, student, class_.assignment))
    page.mkdir(parents=True)
    (page / f"{class_.assignment}.html").write_text("feedback")
    try:
        written, *_ = report.write(class_, tmp_path / "report")
    finally:
        shutil.rmtree(page)
    links = re.findall(r'<a href="([^"]+)">([^<]+)</a>', written.read_text())
    assert {name for _, name in links} == {student}
    assert len(links) == 1 + len(made.facts[student]["mistakes"]), "in the list, and below each mistake"
    for address, _ in links:
        assert "//" not in address
        assert (tmp_path / "report" / urllib.parse.unquote(address)).resolve() == page / f"{class_.assignment}.html"


def read(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_questions_csv_has_a_line_per_student(made):
    rows = {row["student"]: row for row in read(report.questions_csv(made))}
    assert len(rows) == 8
    assert {name: float(rows["full"][name]) for name in POINTS} == POINTS
    assert float(rows["full"]["total"]) == sum(POINTS.values())
    first = exercises.load(LESSON.name).exercises["sigmoid"].mistakes[0][0].__name__
    assert rows["mistakes0"]["sigmoid: mistake"] == first


def test_platforms_get_their_columns(class_, made):
    done = nbgrader(
        class_.directory.root, "db", "student", "add", "full", "--first-name", "Ada", "--last-name", "Lovelace",
        "--email", "ada@example.org", "--lms-user-id", "4711",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    made = report.collect(class_)
    moodle = {row["ID number"]: row for row in read(report.moodle_csv(made))}
    assert moodle["4711"] == {
        "ID number": "4711", "First name": "Ada", "Surname": "Lovelace", "Email address": "ada@example.org",
        ASSIGNMENT: f"{sum(POINTS.values()):g}",
    }  # fmt: skip
    canvas = read(report.canvas_csv(made))
    assert canvas[0]["Student"].strip() == "Points Possible"
    assert float(canvas[0][ASSIGNMENT]) == sum(POINTS.values())
    ada = next(row for row in canvas if row["SIS Login ID"] == "full")
    assert (ada["Student"], ada["ID"]) == ("Lovelace, Ada", "4711")


def test_anonymous_files_name_nobody(class_, tmp_path):
    paths = report.write(class_, tmp_path, anonymous=True)
    assert [path.name for path in paths] == ["report.html", "questions.csv"]
    for path in paths:
        for student in ("copy_a", "mistakes0", "endless", "Ada", "alert"):
            assert student not in path.read_text()
    again = {row["student"] for row in read(paths[1].read_text("utf-8-sig"))}
    assert again == {row.student for row in report.collect(class_, anonymous=True).rows}


def test_nothing_graded_says_what_to_run(tmp_path):
    top = new_course(tmp_path / "empty")
    with pytest.raises(batch.NotReady, match="python -m helpers grade logistic_regression"):
        report.collect(batch.Class(LESSON, root=top / LESSON.course))


def test_verbs_grade_and_report(tmp_path):
    """From the command line, with a configuration that names another place for everything."""
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-m", "helpers", "report", "no_such_lesson"], cwd=TOP, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "There is no lesson 'no_such_lesson'" in done.stderr
    done = subprocess.run(
        [sys.executable, "-m", "helpers", "grade", LESSON.name, "--db", f"sqlite:///{tmp_path}/empty.db"],
        cwd=TOP, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("helpers: The gradebook has no assignment 02_logistic_regression. In course1_nn/ run")
