"""Grading for real: nbgrader's own commands on a class of submissions of every kind."""

import ast
import csv
import html
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory

from helpers import courses, exercises, notebooks
from helpers.checks import packs, show
from helpers.courses import TOP
from helpers.grading import record, submission
from helpers.grading.execute import hidden_seed, secret_of

LESSON = courses.find("logistic_regression")
CATALOGUE = exercises.load("logistic_regression")
POINTS = {name: exercise.points for name, exercise in CATALOGUE.exercises.items()}
ROUNDS = max(len(exercise.mistakes) for exercise in CATALOGUE.exercises.values())


def cell(notebook, cell_id):
    return next(cell for cell in notebook.cells if cell.id == cell_id)


def without_free_cells(notebook):
    """A learner may delete the cells that grade nothing; it makes grading quick."""
    notebook.cells = [cell for cell in notebook.cells if "nbgrader" in cell.metadata]
    return notebook


# --- submissions -----------------------------------------------------------------------------------------------------


def full():
    """The source notebook itself, with its solutions."""
    return notebooks.read(LESSON.path)


def blank():
    return notebooks.student_version(full())


def with_mistake(round_number):
    """Each exercise answered with its mistake of this number, or rightly where it has fewer.

    Every answer calls right versions of the others, so that each mistake stands alone.
    """
    module = inspect.getmodule(CATALOGUE.exercises["sigmoid"].reference)
    right = [ast.unparse(calling_right(node)) for node in ast.parse(inspect.getsource(module)).body if is_support(node)]
    right += [function_source(exercise.reference, f"right_{name}") for name, exercise in CATALOGUE.exercises.items()]
    notebook = without_free_cells(full())
    notebook.cells.insert(0, new_code_cell("\n".join(right), id="right"))
    for name, exercise in CATALOGUE.exercises.items():
        if round_number < len(exercise.mistakes):
            cell(notebook, name).source = function_source(exercise.mistakes[round_number][0], name)
        else:
            cell(notebook, name).source = function_source(exercise.reference, name)
    return notebook


def is_support(node):
    """Whether a statement of the catalogue's module is an import or a helper that answers call."""
    if isinstance(node, ast.ImportFrom) and node.module.startswith("helpers"):
        return False
    return isinstance(node, (ast.Import, ast.ImportFrom)) or (
        isinstance(node, ast.FunctionDef) and not node.decorator_list and not node.name.endswith("_cases")
    )


def function_source(function, name):
    """The source of a function under another name; calls of other exercises go to their right versions."""
    definition = ast.parse(inspect.getsource(function)).body[0]
    definition.decorator_list, definition.name = [], name
    return ast.unparse(calling_right(definition))


def calling_right(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in CATALOGUE.exercises:
            node.id = f"right_{node.id}"
    return tree


def deleted_test_cell():
    notebook = without_free_cells(full())
    notebook.cells.remove(cell(notebook, "test_sigmoid"))
    notebook.cells.remove(cell(notebook, "setup"))
    notebook.cells.insert(0, new_code_cell("import numpy as np", id="own"))
    return notebook


def copied_cells():
    """A solution and a test cell pasted once more, as JupyterLab copies them: with all metadata."""
    notebook = without_free_cells(full())
    for name in ("sigmoid", "test_sigmoid", "setup"):
        copy = nbformat.from_dict(cell(notebook, name))
        copy.id = f"copy-of-{name}"
        notebook.cells.append(copy)
    return notebook


def changed_test_cells():
    """Test cells that say nothing, are worth more, and are tagged not to run."""
    notebook = without_free_cells(blank())
    for one in notebook.cells:
        if one.metadata.nbgrader.grade:
            one.source = "pass"
            one.metadata.nbgrader.points = 1000
            one.metadata.tags = ["skip-execution"]
    return notebook


def endless_after_answers():
    """Answers that are right, in cells that go on for ever after them or end their process."""
    notebook = without_free_cells(full())
    cell(notebook, "sigmoid").source += "\nwhile True:\n    pass"
    cell(notebook, "predict").source += "\nimport os\nos._exit(1)"
    return notebook


def other_notebook():
    return new_notebook(cells=[new_code_cell("print('another lesson')", id="a")])


SUBMISSIONS = {
    "full": full, "blank": blank, "deleted": deleted_test_cell, "copied": copied_cells, "changed": changed_test_cells,
    "other": other_notebook, "endless": endless_after_answers,
    **{f"mistakes{i}": lambda i=i: with_mistake(i) for i in range(ROUNDS)},
}  # fmt: skip
BROKEN = {
    "broken_text": b"this is no notebook",
    "broken_empty": b"",
    "broken_format": json.dumps({"cells": [], "metadata": {}, "nbformat": 3, "nbformat_minor": 0}).encode(),
    "broken_cells": json.dumps({"cells": [1, 2], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode(),
}


def large(folder, path):
    """A notebook with 50 MB of output."""
    notebook = without_free_cells(full())
    notebook.cells[0].outputs = [new_output("stream", name="stdout", text="x" * 50_000_000)]
    path.write_text(nbformat.writes(notebook))


def too_large(folder, path):
    """A notebook with more output than is read."""
    notebook = without_free_cells(full())
    notebook.cells[0].outputs = [new_output("stream", name="stdout", text="x" * 70_000_000)]
    path.write_text(nbformat.writes(notebook))


def no_kernel(folder, path):
    notebook = without_free_cells(full())
    notebook.metadata = {}
    path.write_text(nbformat.writes(notebook))


def two_notebooks(folder, path):
    """The released notebook and a copy of it, as JupyterLab names copies."""
    path.write_text(nbformat.writes(without_free_cells(full())))
    (folder / f"{path.stem}-Copy1.ipynb").write_text(nbformat.writes(blank()))


def another_name(folder, path):
    """A notebook, but none of the released name."""
    (folder / "Untitled.ipynb").write_text(nbformat.writes(full()))


def strange_names(folder, path):
    """Files whose names are no UTF-8, or hold a line break, beside the notebook."""
    path.write_text(nbformat.writes(without_free_cells(full())))
    for name in (b"\xff\xfe.txt", b"two\nlines.txt", b"caf\xe9.ipynb"):
        Path(os.fsdecode(bytes(folder) + b"/" + name)).write_text("")


def linked(folder, path):
    """The notebook is a link to the source with the solutions."""
    path.symlink_to(LESSON.path)


def a_folder(folder, path):
    """A folder stands where the notebook should be."""
    path.mkdir()


def latin(folder, path):
    """The file was saved in another encoding than UTF-8."""
    path.write_bytes('{"cells": [], "metadata": {"é": 1}, "nbformat": 4, "nbformat_minor": 5}'.encode("latin-1"))


def no_notebook(folder, path):
    """A folder with a file, but without any notebook: nbgrader itself passes it over."""
    (folder / "answers.txt").write_text("see attachment")


def no_time(folder, path):
    """The time of submission is no time, which stops nbgrader."""
    path.write_text(nbformat.writes(without_free_cells(full())))
    (folder / "timestamp.txt").write_text("yesterday, I think")


#: Submissions that are more than one file, or no usual file; those that can be read score in full, the others 0.
FOLDERS = (
    large,
    too_large,
    no_kernel,
    two_notebooks,
    another_name,
    strange_names,
    linked,
    a_folder,
    latin,
    no_notebook,
)
COUNT_IN_FULL = (large, no_kernel, two_notebooks, another_name, strange_names, no_time)


def nbgrader(folder, *words):
    """Run one of nbgrader's commands in a course folder, as an instructor does."""
    environment = {**os.environ, "PYTHONPATH": str(TOP), "HOME": str(folder)}
    command = [sys.executable, "-m", "nbgrader", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600)


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """A course in a folder of its own, with a class of submissions, graded, with feedback; its folder."""
    top = tmp_path_factory.mktemp("class")
    course = top / LESSON.course
    course.mkdir()
    shutil.copy(TOP / "nbgrader_config.py", top)
    config = (TOP / LESSON.course / "nbgrader_config.py").read_text()
    (course / "nbgrader_config.py").write_text(f"{config}c.Execute.limits = {{'cell': 3.0}}\n")
    shutil.copytree(LESSON.path.parent, course / LESSON.folder)
    done = nbgrader(course, "generate_assignment", LESSON.folder)
    assert done.returncode == 0, done.stderr
    for student in [*SUBMISSIONS, *BROKEN]:
        folder = top / "grading" / "submitted" / student / LESSON.folder
        folder.mkdir(parents=True)
        content = BROKEN[student] if student in BROKEN else nbformat.writes(SUBMISSIONS[student]()).encode()
        (folder / LESSON.path.name).write_bytes(content)
    for make in FOLDERS:
        folder = top / "grading" / "submitted" / make.__name__ / LESSON.folder
        folder.mkdir(parents=True)
        make(folder, folder / LESSON.path.name)
    done = nbgrader(course, "autograde", LESSON.folder)
    assert done.returncode == 0, done.stderr
    done = nbgrader(course, "generate_feedback", LESSON.folder)
    assert done.returncode == 0, done.stderr
    return top


def scores(top, student):
    """Return ``{exercise: score}`` of a submission from the gradebook."""
    with Gradebook(f"sqlite:///{top}/gradebook.db") as gradebook:
        (notebook,) = gradebook.find_submission(LESSON.folder, student).notebooks
        return {grade.name.removeprefix("test_"): grade.score for grade in notebook.grades}


def feedback(top, student):
    """Return the text of a submission's feedback page, without markup."""
    page = (top / "grading" / "feedback" / student / LESSON.folder / f"{LESSON.folder}.html").read_text()
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", page)).split())


def test_release_is_what_students_get_from_us_too(graded):
    released = nbformat.read(graded / "grading" / "release" / LESSON.folder / LESSON.path.name, as_version=4)
    ours = notebooks.student_version(full())
    assert [(cell.id, cell.source, cell.metadata) for cell in released.cells] == [
        (cell.id, cell.source, cell.metadata) for cell in ours.cells
    ]


def test_solutions_score_full_marks(graded):
    assert scores(graded, "full") == POINTS


def test_blank_release_scores_zero_on_every_cell(graded):
    assert scores(graded, "blank") == dict.fromkeys(POINTS, 0)


@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_known_mistakes_score_zero_and_feedback_names_them(graded, record_property, round_number):
    student = f"mistakes{round_number}"
    got, text = scores(graded, student), feedback(graded, student)
    for name, exercise in CATALOGUE.exercises.items():
        if round_number < len(exercise.mistakes):
            function, hint = exercise.mistakes[round_number]
            assert got[name] == 0, f"{name} with {function.__name__} got points"
            assert " ".join(hint.split()) in text, f"{name} with {function.__name__}"
            record_property("mistakes named in nbgrader's feedback", [1, 1])
        else:
            assert got[name] == exercise.points


def test_feedback_shows_no_hidden_case_and_no_solution(graded):
    for round_number in range(ROUNDS):
        student = f"mistakes{round_number}"
        path = graded / "grading" / "autograded" / student / LESSON.folder / LESSON.path.name
        seed = int(nbformat.read(path, as_version=4).metadata.grading_protocol.seed)
        text = feedback(graded, student).replace(" ", "")
        for exercise in packs.read(CATALOGUE.pack(seed)).values():
            for case in exercise.cases:
                for value in [case.expected, *case.arguments.values()]:
                    for number in numbers(value):
                        assert number not in text, (exercise.name, number)
    text = feedback(graded, "blank").replace(" ", "")
    for solution in full().cells:
        if solution.metadata.get("nbgrader", {}).get("solution"):
            body = solution.source.split("### BEGIN SOLUTION")[1].split("### END SOLUTION")[0]
            assert "".join(body.split()) not in text


def numbers(value):
    """The numbers of a hidden value as a message would print them, where they are long enough to be told apart."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [number for one in value for number in numbers(one)]
    flat = getattr(value, "ravel", lambda: [value])()
    shown = [show.short(float(one)) for one in flat if not isinstance(one, (str, type(None)))]
    # Numbers such as 1.33333 stand in public text, too; seven digits that were drawn do not.
    return [one for one in shown if len(set(one.strip("-0."))) >= 6]


def test_deleted_cells_are_put_back(graded):
    assert scores(graded, "deleted") == POINTS
    assert "The cell test_sigmoid was missing. It was put back." in feedback(graded, "deleted")


def test_copied_cells_cost_nothing(graded):
    assert scores(graded, "copied") == POINTS


def test_answers_before_an_endless_loop_count(graded):
    assert scores(graded, "endless") == POINTS
    text = feedback(graded, "endless")
    assert "This cell took longer than 3 seconds and was stopped." in text
    assert "This cell ended its process." in text


def test_changed_test_cells_gain_nothing(graded):
    assert scores(graded, "changed") == dict.fromkeys(POINTS, 0)


@pytest.mark.parametrize("student", [*BROKEN, "other"])
def test_broken_submission_is_recorded_and_stops_nobody(graded, student):
    assert scores(graded, student) == dict.fromkeys(POINTS, 0)
    with Gradebook(f"sqlite:///{graded}/gradebook.db") as gradebook:
        (notebook,) = gradebook.find_submission(LESSON.folder, student).notebooks
        assert notebook.needs_manual_grade
    said = "The file" if student in BROKEN else "This notebook has none of the labels"
    assert said in feedback(graded, student)


@pytest.mark.parametrize("make", FOLDERS, ids=lambda make: make.__name__)
def test_a_folder_of_any_kind_is_graded(graded, make):
    """What can be read counts; what cannot is recorded with its reason and waits for a human's eye."""
    name = make.__name__
    assert scores(graded, name) == (POINTS if make in COUNT_IN_FULL else dict.fromkeys(POINTS, 0))
    with Gradebook(f"sqlite:///{graded}/gradebook.db") as gradebook:
        (notebook,) = gradebook.find_submission(LESSON.folder, name).notebooks
        assert notebook.needs_manual_grade == (make not in COUNT_IN_FULL)
    reasons = {
        "another_name": "The file is called Untitled.ipynb. It was graded as",
        "two_notebooks": "The folder holds other notebooks, too",
        "linked": "There is no readable file",
        "a_folder": "There is no readable file",
        "latin": "The file is a notebook without cells",
        "too_large": "The file has more than 64 MB",
    }
    if make is not no_notebook:  # without a graded notebook nbgrader makes no feedback page
        assert reasons.get(name, "") in feedback(graded, name)


def test_a_folder_without_a_notebook_says_so_in_the_gradebook(graded):
    """In the comment of each answer, as formgrader shows it; a grade that a human gave stays when it runs again."""
    url = f"sqlite:///{graded}/gradebook.db"
    with Gradebook(url) as gradebook:
        (notebook,) = gradebook.find_submission(LESSON.folder, "no_notebook").notebooks
        assert {comment.auto_comment for comment in notebook.comments} == {
            f"There is no readable file {LESSON.path.name}. The folder holds: answers.txt."
        }
        notebook.grades[0].manual_score, notebook.grades[0].needs_manual_grade = 1, False
        gradebook.db.commit()
    directory = CourseDirectory(root=str(graded / LESSON.course), db_url=url)
    directory.submitted_directory = str(graded / "grading" / "submitted")
    record.record_folders_without_notebook(directory, LESSON.folder)
    with Gradebook(url) as gradebook:
        (notebook,) = gradebook.find_submission(LESSON.folder, "no_notebook").notebooks
        assert notebook.grades[0].manual_score == 1
        assert not notebook.grades[0].needs_manual_grade
        assert all(grade.needs_manual_grade for grade in notebook.grades[1:])
        notebook.grades[0].manual_score, notebook.grades[0].needs_manual_grade = None, True
        gradebook.db.commit()


def test_nothing_that_was_handed_in_is_lost(graded):
    """What was moved aside lies beside the submissions."""
    refused = graded / "grading" / "refused" / "linked" / LESSON.folder
    assert (refused / LESSON.path.name).is_symlink()


def test_export_has_every_student(graded):
    done = nbgrader(graded / LESSON.course, "export", "--to", str(graded / "grades.csv"))
    assert done.returncode == 0, done.stderr
    with open(graded / "grades.csv", newline="") as file:
        rows = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    assert set(rows) == {*SUBMISSIONS, *BROKEN, *(make.__name__ for make in FOLDERS)}
    assert rows["full"] == sum(POINTS.values())
    assert rows["blank"] == rows["broken_text"] == 0


# --- restoring, without nbgrader around it ---------------------------------------------------------------------------


def released(*names):
    return [
        submission.Released(name, "code", f"source of {name}", name.startswith("test"), not name.startswith("test"), False,
                            1.0 if name.startswith("test") else None, "sum")
        for name in names
    ]  # fmt: skip


def submitted(*cells):
    return new_notebook(
        cells=[new_code_cell(text, metadata={"nbgrader": {"grade_id": name}} if name else {}) for name, text in cells]
    )


def restored(notebook, cells):
    made, notes, _ = submission.restore(notebook, cells)
    return [cell.source for cell in made], notes


def test_restore_keeps_answers_and_replaces_tests():
    notebook = submitted(("f", "answer"), (None, "free"), ("test_f", "pass"))
    assert restored(notebook, released("f", "test_f")) == (["answer", "free", "source of test_f"], [])


def test_restore_takes_the_last_copy():
    notebook = submitted(("f", "old"), ("test_f", "pass"), ("f", "new"))
    sources, notes = restored(notebook, released("f", "test_f"))
    assert sources == ["old", "new", "source of test_f"]
    assert notes == ["The cell test_f stood too far up. It was graded after the cells that come before it."]


def test_restore_puts_missing_cells_back_in_order():
    notebook = submitted((None, "free"), ("g", "answer"))
    sources, notes = restored(notebook, released("f", "test_f", "g", "test_g"))
    assert sources == ["source of f", "source of test_f", "free", "answer", "source of test_g"]
    assert len(notes) == 3


def test_restored_cells_have_released_metadata_and_unique_ids():
    notebook = submitted(("f", "answer"), ("f", "again"), ("unknown", "free"))
    notebook.cells[0].metadata.nbgrader.update(points=1000, grade=True)
    made, _, _ = submission.restore(notebook, released("f", "test_f"))
    assert len({cell.id for cell in made}) == len(made)
    f = next(cell for cell in made if cell.metadata.get("nbgrader", {}).get("grade_id") == "f")
    assert f.metadata.nbgrader.grade is False
    assert "points" not in f.metadata.nbgrader
    assert all(cell.metadata == {} for cell in made if cell.source in ("answer", "free"))


def test_seed_depends_on_secret_student_assignment_and_answers(tmp_path):
    cells = [new_code_cell("answer")]
    one = hidden_seed(secret_of(tmp_path / "a" / "secret"), "lesson", "student", cells)
    assert one == hidden_seed(secret_of(tmp_path / "a" / "secret"), "lesson", "student", cells)
    others = {
        hidden_seed(secret_of(tmp_path / "b" / "secret"), "lesson", "student", cells),
        hidden_seed(secret_of(tmp_path / "a" / "secret"), "lesson", "student2", cells),
        hidden_seed(secret_of(tmp_path / "a" / "secret"), "lesson2", "student", cells),
        hidden_seed(secret_of(tmp_path / "a" / "secret"), "lesson", "student", [new_code_cell("another")]),
    }
    assert len({one, *others}) == 5
    assert (tmp_path / "a" / "secret").stat().st_mode & 0o077 == 0
