"""What a learner has solved is kept and counted, and nothing is lost; hints come in steps and are never the answer."""

import ast
import errno
import inspect
import json
import os
import re
import subprocess
import sys
import textwrap

import pytest

from helpers import checks, courses, exercises, hints, notebooks, release
from helpers.checks import packs, progress

LESSON = courses.find("logistic_regression")
DONE = [lesson for lesson in courses.LESSONS if lesson.done and lesson.name in exercises.lessons()]
by_lesson = pytest.mark.parametrize("lesson", DONE, ids=lambda lesson: lesson.name)


# --- progress --------------------------------------------------------------------------------------------------------


@pytest.fixture
def edition(tmp_path):
    """A folder with the start page's data of two small lessons; a function that notes a check in it."""
    lessons = [
        {"name": "one", "number": "1.1", "title": "One", "exercises": ["a", "b", "c"]},
        {"name": "two", "number": "1.2", "title": "Two", "exercises": ["d"]},
    ]
    start = tmp_path / "start.json"
    start.write_text(json.dumps([{"lessons": lessons}]))

    def note(lesson, exercise, right):
        progress.note(lesson, exercise, right, top=tmp_path, start=start)

    note.folder, note.file = tmp_path, tmp_path / progress.NAME
    return note


def test_each_check_says_how_far_the_lesson_is(edition, capsys):
    steps = [
        ("one", "b", False, "One: 0 of 3 exercises solved. Stuck? check.hint(b)"),
        ("one", "b", True, "One: 1 of 3 exercises solved. Next: c."),
        ("one", "c", True, "One: 2 of 3 exercises solved. Next: a."),
        ("one", "c", False, "One: 2 of 3 exercises solved; c stays solved."),
        ("one", "c", True, "One: 2 of 3 exercises solved. Next: a."),
        ("one", "a", True, "One: all 3 exercises solved. Next lesson: 1.2 Two."),
        ("two", "d", True, "Two: all 1 exercises solved."),
    ]
    for lesson, exercise, right, said in steps:
        edition(lesson, exercise, right)
        assert capsys.readouterr().out == said + "\n"
    assert len(progress.read(edition.file)) == 5, "only what is new is kept"


def test_a_check_repeated_a_thousand_times_keeps_one_line(edition):
    for _ in range(1000):
        edition("one", "a", False)
    assert len(edition.file.read_text().splitlines()) == 1


def test_kernels_at_once_lose_nothing(edition):
    code = (
        "import sys; from pathlib import Path; from helpers.checks import progress\n"
        "for i in range(100): progress.note(sys.argv[1], f'e{i}', True, Path(sys.argv[2]), Path(sys.argv[3]))"
    )
    start = edition.folder / "start.json"
    running = [
        subprocess.Popen([sys.executable, "-c", code, f"lesson{i}", edition.folder, start]) for i in range(4)
    ]  # fmt: skip
    assert [process.wait() for process in running] == [0] * 4
    kept = {(event["lesson"], event["exercise"]) for event in progress.read(edition.file)}
    assert kept == {(f"lesson{i}", f"e{j}") for i in range(4) for j in range(100)}


@pytest.mark.parametrize(
    "damage",
    [
        b"\x00\xff\x00\n",
        b"{}\n",
        b"[1]\n",
        b'"x"\n',
        b'{"lesson": 1, "exercise": "a", "right": true}\n',
        b'{"lesson":\n',
    ],
)
def test_a_damaged_file_is_kept_aside_and_the_rest_goes_on(edition, capsys, damage):
    edition("one", "a", True)
    whole = edition.file.read_bytes() + damage
    edition.file.write_bytes(whole)
    capsys.readouterr()
    edition("one", "b", True)
    said = capsys.readouterr().out.splitlines()
    assert said == [
        "progress.jsonl was damaged. It is kept as progress.damaged.jsonl; a new one goes on with what could be read.",
        "One: 2 of 3 exercises solved. Next: c.",
    ]
    assert (edition.folder / "progress.damaged.jsonl").read_bytes() == whole
    edition.file.write_bytes(damage)
    edition("one", "c", True)
    assert (edition.folder / "progress.damaged.jsonl").read_bytes() == whole
    assert (edition.folder / "progress.damaged1.jsonl").read_bytes() == damage


def test_a_line_that_was_cut_off_costs_only_itself(edition, capsys):
    edition("one", "a", True)
    with open(edition.file, "ab") as file:
        file.write(b'{"lesson": "one", "exer')
    edition("one", "b", True)
    edition("one", "c", True)
    assert [event["exercise"] for event in progress.read(edition.file)] == ["a", "b", "c"]


def test_where_nothing_can_be_written_a_check_goes_on(edition, capsys, monkeypatch):
    def refuse(number):
        def append(path, events):
            raise OSError(number, os.strerror(number), str(path))

        return append

    for number in (errno.EACCES, errno.EROFS, errno.EPERM):
        monkeypatch.setattr(progress, "_append", refuse(number))
        edition("one", "a", True)
        assert capsys.readouterr().out == ""
    monkeypatch.setattr(progress, "_append", refuse(errno.ENOSPC))
    edition("one", "a", True)
    assert capsys.readouterr().out == "Your progress could not be kept in progress.jsonl: No space left on device.\n"


def test_nothing_is_kept_or_said_in_the_repository_and_in_rooms(capsys):
    """A room holds the edition's `helpers` alone; what tells an edition lies outside of them."""
    assert not progress.START.exists()
    assert "helpers" not in progress.START.relative_to(progress.TOP).parts
    progress.note("logistic_regression", "sigmoid", True)
    assert capsys.readouterr().out == ""
    assert not (progress.TOP / progress.NAME).exists()


def test_an_interrupted_check_is_not_noted(monkeypatch):
    noted = []
    monkeypatch.setattr(progress, "note", lambda *names, right: noted.append((*names, right)))
    check = checks.lesson("logistic_regression")

    def sigmoid(z):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check(sigmoid)
    assert noted == []

    def sigmoid(z):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        check(sigmoid)
    assert noted == [("logistic_regression", "sigmoid", False)]


def test_solved_is_what_passes_the_whole_cell(edition):
    """An assert after the check counts: the cell is booked when it ends."""
    code = """
import sys
from pathlib import Path
from IPython.core.interactiveshell import InteractiveShell
from helpers.checks import progress
note = progress.note
top, start = map(Path, sys.argv[1:])
progress.note = lambda lesson, exercise, right: note(lesson, exercise, right, top, start)
shell = InteractiveShell.instance(colors="nocolor")
shell.push({"progress": progress})
shell.run_cell("progress.note_when_cell_ends('one', 'a')\\nassert False, 'by hand'")
print("NEXT CELL")
shell.run_cell("progress.note_when_cell_ends('one', 'a')\\nassert True")
shell.run_cell("1")
"""
    start = edition.folder / "start.json"
    out = subprocess.run([sys.executable, "-c", code, edition.folder, start], capture_output=True, text=True, check=True)
    failed, passed = out.stdout.split("NEXT CELL")
    assert "One: 0 of 3 exercises solved. Stuck? check.hint(a)" in failed
    assert passed.count("One: 1 of 3 exercises solved. Next: b.") == 1
    assert [event["right"] for event in progress.read(edition.file)] == [False, True]


# --- in an edition ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def files():
    return release.edition([LESSON])


def learn(folder, code):
    code = f"import numpy as np\nfrom helpers import checks\ncheck = checks.lesson('logistic_regression')\n{code}"
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(folder)}, capture_output=True, text=True,
    )  # fmt: skip


SIGMOID = "def sigmoid(z):\n    return 1 / (1 + np.exp({}z))\ncheck(sigmoid)\n"


def test_progress_survives_a_new_release(files, tmp_path):
    folder = tmp_path / "learner"
    release.write(files, folder)
    done = learn(folder, SIGMOID.format("-"))
    assert done.stdout == (
        "sigmoid: all checks passed\nLogistic regression: 1 of 9 exercises solved. Next: squared_cost.\n"
    )
    kept = (folder / progress.NAME).read_bytes()
    newer = {**files, "NOTATION.md": b"newer"}
    assert progress.NAME not in newer
    release.write(newer, folder)
    release.write(files, folder, keep_work=True)
    assert (folder / progress.NAME).read_bytes() == kept
    done = learn(folder, SIGMOID.format(""))
    assert done.stdout == "Logistic regression: 1 of 9 exercises solved; sigmoid stays solved.\n"
    assert "Look at the sign in the exponent" in done.stderr.splitlines()[-1]
    assert [path for path in files if path.startswith("progress")] == []


def test_hints_are_shown_step_by_step_in_the_edition(files, tmp_path):
    release.write(files, tmp_path / "learner")
    done = learn(
        tmp_path / "learner",
        "for i in range(4):\n    print('CALL', i)\n    check.hint('sigmoid')\n"
        "def sigmoid(z): pass\ncheck.hint(sigmoid)\ncheck.hint('sigmod')",
    )
    calls = done.stdout.split("CALL")[1:]
    assert [re.findall(r"\*\*Hint (\d) of 3", call) for call in calls[:3]] == [["1"], ["1", "2"], ["1", "2", "3"]]
    assert "`np.exp` works on numbers" in calls[0]
    assert "Next: the equation. Call `check.hint(sigmoid)` once more." in calls[0]
    assert r"\tag{2.3}" not in calls[0]
    assert r"\tag{2.3}" in calls[1]
    assert "- One statement, no loop.\n- It uses `np.exp`." in calls[2]
    assert "Next:" not in calls[2]
    assert done.stderr.splitlines()[-1].endswith("Did you mean 'sigmoid'? There are: " + ", ".join(NAMES) + ".")


NAMES = list(exercises.load(LESSON.name).exercises)


def test_a_pack_without_hints_says_where_the_hint_is(monkeypatch, capsys):
    old = packs.read(exercises.load(LESSON.name).pack(seed=0))
    assert old["sigmoid"].hints == ()
    monkeypatch.setattr(packs, "hints", lambda lesson, exercise: old[exercise].hints)
    checks.Checks(LESSON.name, old).hint("sigmoid")
    assert capsys.readouterr().out == "There is no hint for sigmoid here. The lesson has one above the exercise.\n"


def test_a_hint_in_grading_shows_nothing(monkeypatch, capsys):
    check = checks.lesson(LESSON.name)
    monkeypatch.setenv(packs.HIDDEN_SEED, "1")
    check.hint("sigmoid")
    assert capsys.readouterr().out == ""


# --- hints: never the answer -----------------------------------------------------------------------------------------

#: Notebooks without a hint before the exercise: its docstring stands in.
NO_HINT = {"variance_gap"}
#: Decisions: they follow from a table or a list of the lesson, not from an equation.
NO_EQUATION = {"architecture_for", "next_step", "tuning_priority"}
#: The lesson's own equation, which NumPy writes with the same letters.
SAME_AS_THE_EQUATION = {("propagate", 1, "dZ=A-Y")}


def squash(code):
    return "".join(code.split()).replace('"', "'").replace("`", "")


def answer_lines(lesson, name):
    """All lines of all answers, as written and as Python would write them, that say more than a name or a keyword."""
    cells = {cell.id: cell for cell in notebooks.read(lesson.path).cells}
    exercise = exercises.load(lesson.name).exercises[name]
    given = squash(re.sub(r"### BEGIN SOLUTION.*?### END SOLUTION", "", cells[name].source, flags=re.S))
    found = set()
    for source in [cells[name].source, *map(inspect.getsource, [exercise.reference, *exercise.accepted])]:
        tree = ast.parse(textwrap.dedent(source[source.index("def ") :]))
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef):
                body = function.body[1:] if ast.get_docstring(function) is not None else function.body
                first, last = body[0].lineno, body[-1].end_lineno
                found |= set(source[source.index("def ") :].splitlines()[first - 1 : last])
                found |= {line for statement in body for line in ast.unparse(statement).splitlines()}
                if len(body) == 1 and isinstance(body[0], ast.Return):
                    found.add(ast.unparse(body[0].value))
    lines = {squash(line.split("  #")[0]).removesuffix(",") for line in found}
    no_answer = re.compile(r"#.*|[\w.,'\[\](){}:]*|(return|else|try|if|elif)?[\w,.:]*|\w+(,\w+)*=[\w.{}\[\],()]*")
    return {line for line in lines if not no_answer.fullmatch(line) and line not in given}


def holds(text, lines):
    return sorted(line for line in lines if line in squash(text))


def test_a_hint_that_is_a_line_of_an_answer_is_found():
    lines = answer_lines(LESSON, "propagate")
    assert len(lines) > 5
    assert holds("Compute `dZ = A - Y` first.", lines) == ["dZ=A-Y"]
    assert holds("Compute `dZ` first.", lines) == []


@by_lesson
def test_no_hint_holds_a_line_of_an_answer(lesson):
    made = hints.make(lesson.name)
    assert set(made) == set(exercises.load(lesson.name).exercises)
    found = {
        (name, step, line)
        for name, steps in made.items()
        for step, text in enumerate(steps)
        for line in holds(text, answer_lines(lesson, name))
    }
    assert found - SAME_AS_THE_EQUATION == set()


@by_lesson
def test_every_exercise_has_all_three_steps(lesson):
    made = hints.make(lesson.name)
    cells = {cell.id: i for i, cell in enumerate(notebooks.read(lesson.path).cells)}
    source = notebooks.read(lesson.path).cells
    for name, exercise in exercises.load(lesson.name).exercises.items():
        idea, equation, shape = made[name]
        text = next(cell.source for cell in reversed(source[: cells[name]]) if cell.cell_type == "markdown")
        assert ("<summary>Hint" in text) == (name not in NO_HINT), name
        assert len(idea) > 20
        assert bool(exercise.equation) == (name not in NO_EQUATION), name
        tags = re.findall(r"\\tag\{([\d.]+)\}", equation)
        ends = re.findall(r"\d+\.\d+", exercise.equation)
        if exercise.equation and len(tags):
            assert set(ends) <= set(tags), name
        elif exercise.equation:
            assert equation.startswith(f"{exercise.equation}: every one of them belongs to an exercise before"), name
        assert re.match(r"- (One statement|\d+ statements), ", shape), name


@by_lesson
def test_the_shape_of_the_code_holds_names_alone(lesson):
    """No expression of the answer: every piece of code in it is one name, a method, `@` or `.T`."""
    for name, (_, _, shape) in hints.make(lesson.name).items():
        pieces = re.findall(r"`([^`]*)`", shape.split("\n\n")[0])
        assert all(re.fullmatch(r"@|\.?\w+(\.\w+)*", piece) for piece in pieces), (name, pieces)


# --- the data of the start page --------------------------------------------------------------------------------------


def test_prerequisites_are_all_understood():
    assert [one.number for choice in courses.needs(courses.find("convolution")) for one in choice] == ["1.1", "1.2"]
    assert [[one.number for one in choice] for choice in courses.needs(courses.find("optimizers"))] == [
        ["2.4"], ["1.4", "1.5"]
    ]  # fmt: skip
    for lesson in courses.LESSONS:
        left = re.sub(r"course \d,|lessons?|\d|to\b|and\b|or\b|[;,\s]", "", lesson.prerequisites)
        numbered = courses.needs(lesson)
        assert (left == "") == bool(numbered), lesson.prerequisites
        earlier = [one.number for choice in numbered for one in choice]
        assert all(number < lesson.number for number in earlier), f"{lesson.number} needs {earlier}"


def test_start_data_has_every_lesson_with_its_exercises_in_order():
    data = json.loads(release.start_data(DONE))
    rows = [row for course in data for row in course["lessons"]]
    assert [row["name"] for row in rows] == [lesson.name for lesson in DONE]
    for row, lesson in zip(rows, DONE, strict=True):
        cells = notebooks.read(lesson.path).cells
        ids = [cell.id for cell in cells]
        assert set(row["exercises"]) == set(exercises.load(lesson.name).exercises)
        assert sorted(row["exercises"], key=ids.index) == row["exercises"]
        for name, text in zip(row["exercises"], row["texts"], strict=True):
            assert cells[ids.index(text)].cell_type == "markdown"
            assert {cell.cell_type for cell in cells[ids.index(text) + 1 : ids.index(name)]} <= {"code"}
        assert (row["minutes"], row["path"]) == (lesson.minutes, lesson.link)
        assert bool(row["needs"]) != bool(row["knowledge"])


def test_start_page_is_in_the_edition(files):
    folder = ".labextensions/start-page/"
    assert {path for path in files if path.startswith(folder)} == {
        folder + name for name in ("package.json", "static/remoteEntry.js", "static/style.css", "static/start.json")
    }
    package = json.loads(files[folder + "package.json"])
    assert folder + package["jupyterlab"]["_build"]["load"] in files
    assert not re.search(rb"https?://", b"".join(files[path] for path in files if path.startswith(folder)))
