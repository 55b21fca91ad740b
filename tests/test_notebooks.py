"""The notebook tool: canonical form, what `check` finds, the learner's version, and clear words for bad input."""

import json
import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from helpers import claims, courses, exercises, notebooks
from helpers.courses import TOP

SOURCES = notebooks.sources()


def save(path, *cells, **metadata):
    for number, cell in enumerate(cells):
        cell.id = cell.get("metadata", {}).get("nbgrader", {}).get("grade_id", f"c{number}")
    nbformat.write(new_notebook(cells=list(cells), metadata=metadata), path)
    return path


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_source_notebook_is_all_right(path):
    assert notebooks.check(path) == []


def test_running_twice_gives_the_same_bytes(tmp_path):
    source = "import matplotlib.pyplot as plt\nprint('a')\nprint('b')\nplt.plot([1, 2])\nplt.show()\n2 + 2"
    path = save(
        tmp_path / "n.ipynb", new_code_cell(source), new_markdown_cell("text"), new_code_cell("", execution_count=9)
    )
    notebooks.run(path)
    first = path.read_bytes()
    notebooks.run(path)
    assert path.read_bytes() == first
    notebook = nbformat.read(path, as_version=4)
    assert [cell.get("execution_count") for cell in notebook.cells] == [1, None, None]
    assert [output.output_type for output in notebook.cells[0].outputs] == ["stream", "display_data", "execute_result"]
    assert not [problem for problem in notebooks.check(path) if "canonical" in problem]


def test_a_cell_that_shows_times_keeps_what_it_shows(tmp_path):
    cell = new_code_cell("import time\nprint(time.time_ns())", metadata={"tags": ["timing"]})
    path = save(tmp_path / "n.ipynb", cell)
    notebooks.run(path)
    first = path.read_bytes()
    notebooks.run(path)
    assert path.read_bytes() == first


def test_a_failing_cell_leaves_the_file_as_it_was(tmp_path):
    path = save(tmp_path / "n.ipynb", new_code_cell("1 / 0"))
    before = path.read_bytes()
    with pytest.raises(notebooks.BadNotebook, match=r"cell c0 fails: ZeroDivisionError: division by zero$"):
        notebooks.run(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (new_code_cell("plt.plot(x);"), "ends in a semicolon"),
        (new_code_cell("\n" * 25 + "1"), "more than 25 lines"),
        (new_code_cell("1", outputs=[new_output("stream", name="stderr", text="a")]), "stderr in its outputs"),
        (new_code_cell("1", outputs=[new_output("error", ename="E", evalue="", traceback=[])]), "has an error"),
        (new_code_cell("1", outputs=[new_output("display_data", data={"image/svg+xml": "<svg/>"})]), "draw PNG"),
        (new_code_cell("1", execution_count=7), "not in canonical form: python -m helpers run"),
        (new_markdown_cell(r"$$a\tag{1.1}$$ $$b\tag{1.1}$$"), "two equations are tagged 1.1"),
        (new_markdown_cell("as (1.7) says"), r"(1.7) is referred to, but no equation has \tag{1.7}"),
        (new_markdown_cell("as (10.7) says"), r"(10.7) is referred to, but no equation has \tag{10.7}"),
        (new_code_cell("1", metadata={"nbgrader": {"grade_id": "test_f"}}), "nbgrader metadata lacks"),
    ],
)  # fmt: skip
def test_check_says_what_is_wrong(tmp_path, cell, words):
    assert any(words in problem for problem in notebooks.check(save(tmp_path / "n.ipynb", cell)))


def test_check_knows_what_an_exercise_needs(tmp_path):
    folder = tmp_path / "02_logistic_regression"
    folder.mkdir()
    path = folder / "02_logistic_regression.ipynb"
    notebook = notebooks.read(courses.find("logistic_regression").path)
    cells = {cell.id: cell for cell in notebook.cells}
    cells["sigmoid"].source = "def sigmoid(z):\n    return 1"
    cells["test_log_loss"].metadata.nbgrader.points = 7
    cells["test_predict"].source = "assert True"
    notebook.cells.remove(cells["test_model"])
    nbformat.write(notebook, path)
    problems = "\n".join(notebooks.check(path))
    assert "cell sigmoid: not a solution cell with ### BEGIN SOLUTION" in problems
    assert "cell test_log_loss: its points are not the catalogue's 1" in problems
    assert "cell test_predict: not a locked, graded cell that begins with check(predict)" in problems
    assert "exercise model needs a solution cell 'model' and a test cell 'test_model'" in problems


@pytest.mark.parametrize(
    ("cell", "old", "new", "words"),
    [
        ("predict_walks", "walks", "walk", "prediction walk is not in helpers/exercises: add lesson.predict('walk', ...)"),
        ("predict_walks", "walks", "walk", 'prediction walks: check.predict("walks") before its experiment'),
        ("compare_walks", "check.compare", "print", 'check.compare("walks", ...) after'),
        ("errata_mean", "(The notes have this slip.)", "The notes write it.", "cell errata_mean: a box stands on its own"),
    ],
)  # fmt: skip
def test_check_knows_what_is_asked_besides_the_exercises(tmp_path, cell, old, new, words):
    (tmp_path / "02_logistic_regression").mkdir()
    path = tmp_path / "02_logistic_regression" / "02_logistic_regression.ipynb"
    notebook = notebooks.read(courses.find("logistic_regression").path)
    changed = next(one for one in notebook.cells if one.id == cell)
    assert old in changed.source
    changed.source = changed.source.replace(old, new)
    nbformat.write(notebook, path)
    assert words in "\n".join(notebooks.check(path))


def test_a_second_edition_needs_all_that_makes_one_think(tmp_path, monkeypatch):
    path, catalogue = courses.find("metrics").path, exercises.load("metrics")
    assert notebooks.check(path) == []
    monkeypatch.setattr(catalogue, "predictions", {})
    for one in catalogue.exercises.values():
        for name, nothing in (("ask", ""), ("small", None), ("ways", []), ("why", None)):
            monkeypatch.setattr(one, name, nothing)
    problems = "\n".join(notebooks.check(path))
    for words in (
        "at least 3 predictions",
        "a cell check.questions(...)",
        "exercise precision lacks ask, small, a sentence",
    ):
        assert words in problems


@pytest.mark.parametrize(
    ("prose", "missing"),
    [
        ("It is right for 81.2 % of them, about 81 % or 0.81.", []),
        ("It is right for 82 % of them.", ["82 %"]),
        ("About 81 of 100 are right, 64 of 100 are not.", ["64 of 100"]),
        ("It costs 0.693, about 0.7, and $J = 0.69$; not 0.70, $J = 0.68$.", ["0.70", "0.68"]),
        ("About 20 000 steps, nearly 19 995, at rate $\\alpha = 0.05$ or 0.25.", ["19 995", "0.25"]),
        ("## 7 Seven\n\n7. See (1.7), lesson 1.7, sections 17 and 27, `x[77]`, $$x = 707$$ (Kim, 1977), 7 of 9.", ["9"]),
        ("In 1957 and since 2012: 1957 dots.", ["1957"]),
        ("Shapes: $(17, 1)$ and $x_{17} = 2 \\cdot 17$. The 2 of them. [Here](https://a.org/17)", []),
        ("A test holds 4.25, rounded 4.3, and the paper 15.3; the docstring holds 16.3.", ["16.3"]),
        ("| a | b |\n|---|---|\n| 0.693 | 0.694 |\n\n## References\n\n17–18, arXiv:1717.01717", ["0.694"]),
        ("| a | lessons |\n|---|---|\n| 10 | 2.10, 1.8 |\n\nSee (10.3).", ["10"]),
        ("The cell said what it typed: 123.4.", ["123.4"]),
    ],
)  # fmt: skip
def test_numbers_in_prose_need_something_that_supports_them(tmp_path, monkeypatch, prose, missing):
    monkeypatch.setattr(claims, "TOP", tmp_path)
    test = tmp_path / "tests" / "lessons" / "test_seven.py"
    test.parent.mkdir(parents=True)
    test.write_text('"""Holds 16.3."""\nassert x == approx(4.2501)\nCITED = "15.3 of Ng (2000)"\n')
    guess = exercises.Lesson("seven")
    guess.predict("far", "How far?", (), "It is 123.4 steps away from it, as it must be.")
    monkeypatch.setattr(exercises, "lessons", lambda: ("seven",))
    monkeypatch.setattr(exercises, "load", lambda name: guess)
    output = new_output(
        "stream", text="right: 81.2%  J = 0.6931\n20000 steps\nIt is 123.4 steps away\nfrom it, as it must be."
    )
    cells = [new_code_cell("train(0.05, 7)  # not 0.25", outputs=[output]), new_markdown_cell(prose)]
    found = claims.unsupported(new_notebook(cells=cells), "seven")
    assert [number for place, number, _ in found if place != "prediction far"] == missing
    assert [number for place, number, _ in found if place == "prediction far"] == ["123.4"]


def test_check_lists_the_numbers_of_any_lesson_and_demands_them_of_a_second_edition(tmp_path):
    (tmp_path / "02_logistic_regression").mkdir()
    path = tmp_path / "02_logistic_regression" / "02_logistic_regression.ipynb"
    notebook = notebooks.read(courses.find("logistic_regression").path)
    assert claims.unsupported(notebook, "logistic_regression") == []
    changed = next(one for one in notebook.cells if one.id == "traps_list")
    changed.source += "\n\nOn other cats 43.21 % are right."
    nbformat.write(notebook, path)
    assert "cell traps_list: print 43.21 % or let the lesson's test hold it:" in "\n".join(notebooks.check(path))
    listed = helpers("check", "--numbers", path)
    assert listed.returncode == 0
    assert listed.stdout.splitlines() == [
        f"{path.stem}, cell traps_list: 43.21 %, in: Course 2 is about this. On other cats 43.21 % are right."
    ]


# --- bad input: one line that says what to do, exit status 2, nothing changed ----------------------------------------


def helpers(*words, **options):
    return subprocess.run(
        [sys.executable, "-m", "helpers", *map(str, words)], cwd=TOP, capture_output=True, text=True, **options
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "there is no such file"),
        (b"text", "is not a notebook"),
        (b'{"cells": 3}', "is not a notebook"),
        (b'{"cells": [], "metadata": {}, "nbformat": 3, "nbformat_minor": 0}', ""),
    ],
)
@pytest.mark.parametrize("verb", ["run", "check"])
def test_a_file_that_is_no_notebook_gets_one_line(tmp_path, verb, content, words):
    path = tmp_path / "n.ipynb"
    if content is not None:
        path.write_bytes(content)
    done = helpers(verb, path)
    said = done.stderr + done.stdout
    assert done.returncode == {"run": 2, "check": 1}[verb]
    assert len(said.splitlines()) == 1
    assert str(path) in said
    assert words in said
    assert content is None or path.read_bytes() == content


def test_two_cells_of_one_id_get_one_line(tmp_path):
    notebook = new_notebook(cells=[new_code_cell("1", id="a"), new_code_cell("2", id="b")])
    (tmp_path / "n.ipynb").write_text(json.dumps(notebook).replace('"b"', '"a"'))
    done = helpers("run", tmp_path / "n.ipynb")
    assert done.returncode == 2
    assert "two cells have the id a. Give one of them another" in done.stderr


@pytest.mark.parametrize("verb", ["run", "check", "release"])
def test_an_unknown_lesson_gets_one_line_with_the_finished_ones(verb):
    done = helpers(verb, "logistic_regresion")
    assert done.returncode == 2
    assert "There is no lesson 'logistic_regresion'. Finished lessons:" in done.stderr
    assert len(done.stderr.splitlines()) == 1
