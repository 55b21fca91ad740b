"""What a learner has solved is kept and counted, and nothing is lost; hints come in steps and are never the answer."""

import ast
import builtins
import contextlib
import copy
import errno
import functools
import importlib
import inspect
import io
import json
import linecache
import os
import re
import subprocess
import sys
import textwrap

import nbformat
import numpy as np
import pytest

from helpers import checks, courses, exercises, hints, notebooks, release, thinking
from helpers.checks import packs, predict, progress, questions, review, think
from helpers.checks.trace import trace

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
    start.write_text(json.dumps({"courses": [{"lessons": lessons}]}))

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
    out = subprocess.run(
        [sys.executable, "-c", code, edition.folder, start], capture_output=True, text=True, check=True
    )
    failed, passed = out.stdout.split("NEXT CELL")
    assert "One: 0 of 3 exercises solved. Stuck? check.hint(a)" in failed
    assert passed.count("One: 1 of 3 exercises solved. Next: b.") == 1
    assert [event["right"] for event in progress.read(edition.file)] == [False, True]


# --- in an edition ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def files():
    return release.edition([LESSON])


def learn(folder, code, typed=""):
    code = f"import numpy as np\nfrom helpers import checks\ncheck = checks.lesson('logistic_regression')\n{code}"
    return subprocess.run(
        [sys.executable, "-c", code], input=typed,
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
        "for i in range(5):\n    print('CALL', i)\n    check.hint('sigmoid')\n"
        "def sigmoid(z): pass\ncheck.hint(sigmoid)\ncheck.hint('sigmod')",
    )
    calls = done.stdout.split("CALL")[1:]
    steps = ["1", "2", "3", "4"]
    assert [re.findall(r"\*\*Hint (\d) of 4", call) for call in calls[:4]] == [steps[: i + 1] for i in range(4)]
    assert "Let z be 1000. Which sign" in calls[0]
    assert "Next: the equations. Call `check.hint(sigmoid)` once more." in calls[0]
    assert r"\tag{2.3}" not in calls[0]
    assert r"\tag{2.3}" in calls[1]
    assert "| returned | (1, 2) | [[0.5, 0.75]] |" in calls[2]
    assert "    return ____ / (____ + np.exp(____))" in calls[3]
    assert "Next:" not in calls[3]
    assert done.stderr.splitlines()[-1].endswith("Did you mean 'sigmoid'? There are: " + ", ".join(NAMES) + ".")


def test_the_same_failure_for_the_third_time_brings_the_offer_of_the_next_hint(capsys):
    check = checks.lesson(LESSON.name)
    offers = []

    def run(text):
        names = {"np": __import__("numpy")}
        exec(f"def sigmoid(z):\n    return {text}", names)
        with contextlib.suppress(checks.CheckFailed):
            check(names["sigmoid"])
        offers.append("check.hint(sigmoid) shows" in capsys.readouterr().out)

    wrong, another, right = "1 / (1 + np.exp(z))", "np.tanh(z)", "1 / (1 + np.exp(-z))"
    for text in (wrong, wrong, another, wrong, wrong, wrong, wrong, right, wrong):
        run(text)
    assert offers == [False] * 5 + [True] * 2 + [False] * 2
    for _ in range(4):
        check.hint("sigmoid")
    offers.clear()
    for _ in range(4):
        run(wrong)
    assert offers == [False] * 4, "all steps are shown"


NAMES = list(exercises.load(LESSON.name).exercises)


def test_a_pack_without_hints_says_where_the_hint_is(monkeypatch, capsys):
    old = packs.read(exercises.load(LESSON.name).pack(seed=0))
    assert old["sigmoid"].hints == ()
    monkeypatch.setattr(packs, "hints", lambda lesson, exercise: old[exercise].hints)
    checks.Checks(LESSON.name, old).hint("sigmoid")
    assert capsys.readouterr().out == "There is no hint for sigmoid here.\n"


def test_a_hint_in_grading_shows_nothing(monkeypatch, capsys):
    check = checks.lesson(LESSON.name)
    monkeypatch.setenv(packs.HIDDEN_SEED, "1")
    check.hint("sigmoid")
    assert capsys.readouterr().out == ""


# --- hints: never the answer -----------------------------------------------------------------------------------------

#: Decisions: they follow from a table or a list of the lesson, not from an equation.
NO_EQUATION = {
    ("introduction", "architecture_for"),
    ("bias_variance", "next_step"),
    ("hyperparameter_search", "tuning_priority"),
    ("training_loop", "read_digits"),
    ("conv_classifier", "read_sheets"),
}
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
def test_every_exercise_has_all_four_steps(lesson):
    made = hints.make(lesson.name)
    folded = FOLDED.findall("\n".join(cell.source for cell in notebooks.read(lesson.path).cells))
    assert len(made) == len(exercises.load(lesson.name).exercises)
    for name, exercise in exercises.load(lesson.name).exercises.items():
        question, equation, traced, faded = made[name]
        assert question.count("?") >= 1, name
        assert not any(squash(question) in squash(text) or squash(text) in squash(question) for text in folded), name
        assert bool(exercise.equation) == ((lesson.name, name) not in NO_EQUATION), name
        tags = re.findall(r"\\tag\{([\d.]+)\}", equation)
        ends = re.findall(r"\d+\.\d+", exercise.equation)
        if exercise.equation and len(tags):
            assert set(ends) <= set(tags), name
        elif exercise.equation:
            assert equation.startswith(f"{exercise.equation}: every one of them belongs to an exercise before"), name
        for named in re.findall(r"^For (.*):$", equation, re.MULTILINE):
            assert len(set(named.split(", "))) == len(named.split(", ")), name
        assert traced.count("\n| ") >= 3, name
        assert f"def {name}(" in faded or f"class {name}" in faded, name


FOLDED = re.compile(r"<summary>Hint[^<]*</summary>(.*?)</details>", re.S)


@by_lesson
def test_no_step_of_a_hint_passes_where_nothing_is_filled_in(lesson):
    """Each piece of code in a hint, run as it stands in place of the answer, stops in every exercise."""
    catalogue = exercises.load(lesson.name).exercises
    pictures = importlib.import_module(f"helpers.widgets.{lesson.name}")
    for name, steps in hints.make(lesson.name).items():
        *others, faded = [re.findall(r"```python\n(.*?)\n```", step, re.S) for step in steps]
        assert not any(others), "code comes last"
        assert faded[0].count("____") >= 1, name
        names = {**catalogue[name].reference.__globals__, "pictures": pictures}
        exec(faded[0], names)
        stopped = []
        for _, arguments in catalogue[name].cases(seed=0):
            try:
                names[name](*copy.deepcopy(arguments).values())
            except Exception as error:
                stopped.append(type(error).__name__)
        assert "NameError" in stopped, name


def test_the_hint_traces_what_the_reference_computes():
    """By hand: scores 0, 0 and 3; σ(3) = 0.9526; dw = ((-0.5) + 3 · 0.5, -0.5 - 2 · 0.0474) / 3."""
    traced = hints.make(LESSON.name)["propagate"][2].splitlines()
    for row in (
        "| `X`, given | (2, 3) | [[1, 3, 0], [0, -1, 2]] |",
        "| `A` | (1, 3) | [[0.5, 0.5, 0.9526]] |",
        "| `dZ` | (1, 3) | [[-0.5, 0.5, -0.04743]] |",
        "| returned `dw` | (2, 1) | [[0.3333], [-0.1983]] |",
    ):
        assert row in traced


def test_the_hint_of_a_loop_follows_its_first_pass_to_the_end():
    """By hand: x = (1, 0), score 1 · 1 + 2 · 0 - 1 = 0, dz = σ(0) - 1 = -0.5, so dw = (-0.5, 0)."""
    rows = hints.make(LESSON.name)["propagate_loop"][2].splitlines()
    first = rows.index("| `z`, i = 0 | number | -1 |")
    assert [row.split(" | ")[0] for row in rows[first : first + 10]] == [
        "| `z`, i = 0", "| `z`, i = 0, j = 0", "| `z`, i = 0, j = 1", "| `a`, i = 0", "| `cost`, i = 0", "| `dz`, i = 0",
        "| `dw`, i = 0, j = 0", "| `dw`, i = 0, j = 1", "| `db`, i = 0", "| and so on",
    ]  # fmt: skip
    assert "| `dw`, i = 0, j = 1 | (2, 1) | [[-0.5], [0]] |" in rows


def test_a_hint_shows_what_decides():
    """Before `predict` gives whole numbers there is True and False; a sign is a gap, too; all equations are there."""
    made = hints.make(LESSON.name)
    assert "| … | (1, 3) | [[False, False, True]] |" in made["predict"][2]
    assert "return ____ * (____ * np.log(____) + (____ - ____) * np.log(____))" in made["log_loss"][3]
    for name, needed in {"squared_cost": "1 2 7", "propagate_loop": "1 2 12 13 20 21 22 23 24"}.items():
        assert re.findall(r"\\tag\{2\.(\d+)\}", made[name][1]) == needed.split()


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
        earlier = [one for choice in numbered for one in choice]
        assert all(courses.LESSONS.index(one) < courses.LESSONS.index(lesson) for one in earlier), lesson


def test_start_data_has_every_lesson_with_its_exercises_in_order():
    data = json.loads(release.start_data(DONE))
    assert data["days"] == list(progress.INTERVALS) == [1, 3, 7, 21]
    rows = [row for course in data["courses"] for row in course["lessons"]]
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


# --- predictions, questions, other ways ------------------------------------------------------------------------------


@pytest.fixture
def typed(monkeypatch):
    """A function that puts texts into the learner's keyboard; after them nobody is there."""

    def put(*texts):
        left = list(texts)

        def answer(prompt):
            if not left:
                raise EOFError
            print(prompt + left[0])
            return left.pop(0)

        monkeypatch.setattr("builtins.input", answer)

    put()
    return put


def test_run_all_waits_for_no_answer():
    """Cells that run one right after the other ask and go on; a cell that is run by hand waits for its answer."""
    code = """
import builtins, time
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
builtins.input = lambda prompt: print("ASKED") or "b"
ask = "check.predict('lost_minus', again=True)"
for cell in ("from helpers import checks\\ncheck = checks.lesson('logistic_regression')", ask, ask):
    shell.run_cell(cell)
print("BY HAND")
time.sleep(0.3)
shell.run_cell(ask)
shell.run_cell("check = checks.lesson('logistic_regression')")
shell.run_cell(ask)
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    at_once, by_hand = out.split("BY HAND")
    assert at_once.count("Which of these predictions") == at_once.count("No guess yet") == 2
    assert "ASKED" not in at_once
    assert by_hand.count("ASKED") == by_hand.count("Your guess stands: b") == 1


@pytest.fixture
def guesses(monkeypatch, tmp_path):
    """Progress kept in a folder of its own, and no guess of this session."""
    start = tmp_path / "start.json"
    start.write_text('{"courses": []}')
    monkeypatch.setattr(predict, "_guesses", {})
    for name in ("events", "keep", "is_solved"):
        monkeypatch.setattr(progress, name, functools.partial(getattr(progress, name), top=tmp_path, start=start))
    return tmp_path / progress.NAME


def test_a_guess_stands_beside_what_came_out(typed, guesses, capsys):
    check = checks.lesson(LESSON.name)
    typed("x", " B) ")
    check.predict("lost_minus")
    said = capsys.readouterr().out
    assert "  a  ŷ = 0.01\n  b  ŷ = 0.5\n  c  ŷ = 0.99\n" in said
    assert "Please type a letter from a to c." in said
    assert said.endswith("Your guess stands: b  ŷ = 0.5\n")
    check.compare("lost_minus", 2)
    assert capsys.readouterr().out.splitlines()[:2] == ["You guessed:  b  ŷ = 0.5", "It came out:  c  ŷ = 0.99"]
    kept = [json.loads(line) for line in guesses.read_text().splitlines()]
    assert [(one["lesson"], one["predict"], one["guess"]) for one in kept] == [(LESSON.name, "lost_minus", 1)]

    predict._guesses.clear()  # another day
    typed("a")
    check.predict("lost_minus")
    assert capsys.readouterr().out.endswith("Your guess stands: b  ŷ = 0.5\n"), "asked once"
    check.predict("lost_minus", again=True)
    assert capsys.readouterr().out.endswith("Your guess stands: a  ŷ = 0.01\n")


def test_a_number_is_guessed_in_any_way_of_writing_it(typed, guesses, capsys):
    check = checks.lesson(LESSON.name)
    for text, read in (("100", "100"), ("1e2", "100"), ("12,5", "12.5"), ("−3", "-3"), ("40 %", "40")):
        typed(text)
        check.predict("factor", again=True)
        assert capsys.readouterr().out.endswith(f"Your guess stands: {read}\n")


def test_without_a_guess_an_experiment_goes_on(typed, guesses, capsys):
    check = checks.lesson(LESSON.name)
    for keys in ((), ("",), ("x", "y", "z")):
        typed(*keys)
        check.predict("walks")
        assert "No guess yet." in capsys.readouterr().out
    check.compare("walks", 2)
    assert capsys.readouterr().out.startswith("You guessed:  nothing\nIt came out:  c  the one on the cross-entropy\n")
    assert not guesses.exists()
    with pytest.raises(packs.UnknownExercise, match="There is no prediction 'walk' here. Did you mean 'walks'?"):
        check.predict("walk")


def test_a_guess_that_is_none_of_the_choices_does_not_count(typed, guesses, capsys):
    check = checks.lesson(LESSON.name)
    for guess in (7, -1, 1.5, "b", True, None, [1]):
        guesses.write_text(json.dumps({"lesson": LESSON.name, "predict": "walks", "guess": guess}) + "\n")
        check.compare("walks", 0)
        assert capsys.readouterr().out.startswith("You guessed:  nothing\n")


def test_guesses_count_as_nothing_solved(edition, capsys):
    progress.keep(top=edition.folder, start=edition.folder / "start.json", lesson="one", predict="p", guess=1)
    edition("one", "b", True)
    assert capsys.readouterr().out == "One: 1 of 3 exercises solved. Next: c.\n"


def test_nothing_is_asked_or_shown_in_grading(monkeypatch, capsys, typed):
    check = checks.lesson(LESSON.name)
    monkeypatch.setenv(packs.HIDDEN_SEED, "1")
    typed("a", "a", "a")
    check.predict("walks")
    check.compare("walks", 1)
    for method in (check.questions, check.ways, check.reset):
        method(named("sigmoid", exercises.load(LESSON.name).exercises["sigmoid"].reference))
    assert capsys.readouterr().out == ""


def named(name, function):
    function = copy.copy(function)
    function.__name__ = name
    return function


def test_trace_tells_what_each_line_gave_and_how_often_it_ran():
    def loops(n, m):
        total = 0
        for i in range(n):
            for _ in range(m):
                total += i
        values = [
            total,
            n,
        ]
        values.append(m)
        return values

    found = trace(loops, {"n": 3, "m": 2})
    assert found.result == [6, 3, 2]
    assert {line: found.counts[line] for line in (2, 5, 6, 10)} == {2: 1, 5: 6, 6: 1, 10: 1}
    assert [step.value for step in found.steps if step.name == "total"] == [0, 0, 0, 1, 2, 4, 6]
    assert [step.value for step in found.steps if step.name == "i"] == [0, 1, 2]
    assert [(step.line, step.value) for step in found.steps if step.name == "values"] == [(6, [6, 3]), (10, [6, 3, 2])]


RIGHT = [
    pytest.param(exercise, function, id=f"{exercise.name}.{function.__name__}")
    for exercise in exercises.load(LESSON.name).exercises.values()
    for function in [exercise.reference, *exercise.accepted]
]


@pytest.mark.parametrize(("exercise", "function"), RIGHT)
def test_questions_about_any_right_answer_have_one_right_choice(exercise, function):
    """Each is made from that function: a shape or a count that its own run shows, a value, a reason."""
    case = max((arguments for _, arguments in exercise.cases(0)), key=think._sizes)
    texts = set()
    for seed in range(5):
        made = questions.make(function, case, exercise.small_case(), exercise.why, np.random.default_rng(seed))
        assert 1 <= len(made) <= 3
        for one in made:
            texts.add(one.text)
            assert len(set(one.choices)) == len(one.choices) == len(one.replies) >= 2
            assert re.match("Right|Yes", one.replies[one.right])
            assert all(reply.startswith("No") for i, reply in enumerate(one.replies) if i != one.right)
    source = "".join(inspect.getsource(function).split())
    for line in re.findall(r"line \d+ of your function(?: run)?, `(.*?)`(?:\?|, when)", "\n".join(texts)):
        assert "".join(line.split()) in source


#: Neither an array nor a loop on its way, and a small case that cannot be told in a few words.
NO_QUESTIONS = {
    "run_experiment", "compute_cost_with_regularization", "ceiling_gain", "conv_single_step", "training_pair"
}  # fmt: skip


@by_lesson
def test_questions_can_be_made_about_each_exercise(lesson):
    for name, exercise in exercises.load(lesson.name).exercises.items():
        case = max((arguments for _, arguments in exercise.cases(0)), key=think._sizes)
        small = exercise.small_case()
        made = questions.make(exercise.reference, case, small, exercise.why, np.random.default_rng(0))
        assert made or name in NO_QUESTIONS, name
        for one in made:
            assert 2 <= len(set(one.choices)) == len(one.choices), name
            assert one.text[0].isupper(), name


def test_questions_can_be_answered_from_what_they_say():
    """Of values only where all that goes in is told; what is no array has other right and wrong values, or lines."""

    def knob(problem):
        answer = {}
        if problem == "bias":
            answer = {"bigger": True, "more data": False}
        elif problem == "variance":
            answer = {"bigger": False, "more data": True}
        return answer

    def scores(X, parameters):
        n = X.shape[1]
        Z = parameters["W"] @ X
        return (Z > 0) * n

    def lucky(rng, w):
        z = w + rng.normal()
        return -z

    rng = np.random.default_rng
    case = {"problem": "bias"}
    value, line = questions.make(knob, case, case, None, rng(0))
    assert value.text.startswith("With problem = 'bias', what is `answer` after line 4 of your function")
    assert value.choices[value.right] == "{'bigger': True, 'more data': False}"
    assert "{'bigger': False, 'more data': True}" in value.choices
    assert line.text == "With problem = 'bias', which of these lines of your function runs?"
    assert line.choices[line.right].startswith("`answer = {") or line.choices[line.right] == "`return answer`"
    case = {"X": np.array([[1.0, -2.0, 0.5]]), "parameters": {"W": np.array([[2.0], [3.0]])}}
    shape, value = questions.make(scores, case, case, None, rng(0))
    assert shape.text.startswith("With X of shape (1, 3), parameters['W'] of shape (2, 1), what is the shape of")
    assert value.text.startswith("With X = [[1, -2, 0.5]], parameters['W'] = [[2], [3]], what is `Z` after line 3")
    assert value.choices[value.right] == "[[2, -4, 1], [3, -6, 1.5]]"
    assert questions.make(lucky, *[{"rng": rng(0), "w": 2.0}] * 2, None, rng(0)) == []


def test_questions_ask_about_the_learners_own_lines_after_a_pass(typed, capsys):
    check = checks.lesson(LESSON.name)
    names = {"np": np, "sigmoid": exercises.load(LESSON.name).exercises["sigmoid"].reference}
    source = (
        "def squared_cost(w, b, X, Y):\n    total = 0\n    for i in range(X.shape[1]):\n"
        "        a = sigmoid(w[:, 0] @ X[:, i] + b)\n        total += (a - Y[0, i]) ** 2 / 2\n    return total / len(Y[0])\n"
    )
    linecache.cache["<learner>"] = len(source), None, source.splitlines(keepends=True), "<learner>"
    exec(compile(source, "<learner>", "exec"), names)
    typed("a", "a", "a")
    check.questions(names["squared_cost"])
    said = capsys.readouterr().out
    asked = re.search(r"X of shape \(4, 7\).* how often does\s+line 4 of your\s+function run, `a = sigmoid", said, re.S)
    assert asked, said
    assert re.search(r"\d of 2 right\.$", said)
    assert "it stands in a loop and ran 7 times." in said
    names["squared_cost"] = named("squared_cost", lambda w, b, X, Y: 0.0)
    with pytest.raises(checks.CheckFailed):
        check.questions(names["squared_cost"])


def test_other_ways_are_right_answers_with_a_sentence():
    catalogue = exercises.load(LESSON.name).exercises
    for name, ways in thinking.ways(LESSON.name).items():
        assert ways[0]["differs"] == ""
        assert 2 <= len(ways) <= 3, name
        assert all(len(way["differs"]) > 30 for way in ways[1:])
        for way in ways:
            names = dict(catalogue[name].reference.__globals__)
            exec(way["code"], names)
            with contextlib.redirect_stdout(io.StringIO()):
                checks.lesson(LESSON.name)(names[name])


def test_other_ways_come_after_the_exercise_is_solved_and_only_where_the_edition_has_them(files, tmp_path):
    code = "def sigmoid(z):\n    return 1 / (1 + np.exp(-z))\ncheck.ways(sigmoid)\n"
    release.write(files, tmp_path / "class")
    assert learn(tmp_path / "class", code).stdout == "This edition has no other ways.\n"
    release.write(release.edition([LESSON], ways=True), tmp_path / "alone")
    assert learn(tmp_path / "alone", code).stdout == "Solve sigmoid first: then this shows other ways beside yours.\n"
    done = learn(tmp_path / "alone", SIGMOID.format("-") + "check.ways(sigmoid)").stdout
    assert "The reference.\ndef sigmoid(z):\n    return 1 / (1 + np.exp(-z))" in done
    assert "Another way (1). The logistic function is tanh" in done


# --- start again, come back ------------------------------------------------------------------------------------------


@pytest.fixture
def calendar(monkeypatch):
    """A function that sets the day."""

    def set_day(day):
        monkeypatch.setattr(progress, "today", lambda: day)
        monkeypatch.setattr(progress, "_now", lambda: f"{day}T12:00:00+00:00")

    monkeypatch.setattr(progress, "_reviewing", [False])
    set_day("2026-01-01")
    return set_day


def test_a_solved_exercise_is_due_after_1_3_7_and_21_days(edition, calendar, capsys):
    edition("one", "a", True)
    due = lambda: progress.due(progress.read(edition.file)).get(("one", "a"))  # noqa: E731
    assert due() == ("2026-01-02", 0)
    edition("one", "b", True)
    calendar("2026-01-02")
    edition("one", "a", True)
    assert due() == ("2026-01-02", 0), "a check of the old answer repeats nothing"
    progress.review()
    for day, then in (("2026-01-02", "2026-01-05"), ("2026-01-07", "2026-01-14"), ("2026-01-14", "2026-02-04")):
        calendar(day)
        edition("one", "a", True)
        edition("one", "a", True)
        assert due()[0] == then, "once a day"
    calendar("2026-02-04")
    edition("one", "a", None)
    assert due()[0] == "2026-02-04", "not written yet is no result"
    edition("one", "a", False)
    assert due() == ("2026-02-05", 0), "who cannot do it any more begins again"
    for day in ("2026-02-05", "2026-02-08", "2026-02-15", "2026-03-08"):
        calendar(day)
        edition("one", "a", True)
    assert due() is None, "after the last time it does not come again"
    assert "It will not come again." in capsys.readouterr().out


def test_what_is_due_is_chosen_by_how_long_it_waits(calendar):
    def solved(exercise, day):
        return {"lesson": "one", "exercise": exercise, "right": True, "when": f"{day}T09:00:00+00:00"}

    events = [solved(name, f"2026-01-{day:02d}") for day, name in enumerate("abcdefgh", 1)]
    assert review.chosen(events, "2026-01-01") == []
    assert [name for _, name in review.chosen(events, "2026-01-09")] == list("abcde")
    later = [{**event, "due": "2026-01-20", "step": 2} for event in events[1:]]
    assert [name for _, name in review.chosen([events[0], *later], "2026-01-09")] == list("abc"), "filled up to three"
    assert [name for _, name in review.chosen(events[:2], "2026-01-02")] == ["a"], "but not with those of the same day"
    for damage in ({"due": 5}, {"due": None}, {"due": "2026-01-03", "step": "x"}, {"when": 3}):
        assert isinstance(review.chosen([*events, {**events[0], **damage}], "2026-01-09"), list)


def test_what_is_due_becomes_a_notebook_that_runs(files, tmp_path):
    """Solved in the lesson, forgotten, written anew a day later: the answers of the lesson stay as they are."""
    folder = tmp_path / "learner"
    release.write(files, folder)
    solved = {cell.id: cell.source for cell in notebooks.read(LESSON.path).cells}
    path = folder / LESSON.link
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.id in NAMES:
            cell.source = solved[cell.id]
    nbformat.write(notebook, path)
    before = path.read_bytes()
    lines = [{"lesson": LESSON.name, "exercise": name, "right": True, "when": "2026-01-01"} for name in NAMES]
    kept = folder / progress.NAME
    again = "from helpers.checks import review\nprint(review.make())"
    for some in (NAMES[:5], NAMES[5:]):
        kept.write_text("".join(json.dumps(line) + "\n" for line in lines if line["exercise"] in some))
        place = learn(folder, again).stdout.strip()
        assert learn(folder, again).stdout.strip() == place, "one a day"
        fresh = nbformat.read(folder / place, as_version=4)
        answers = [cell for cell in fresh.cells if cell.cell_type == "code" and cell.source.startswith("def ")]
        assert len(answers) == len(some)
        assert all("raise NotImplementedError" in cell.source for cell in answers)
        for cell, name in zip(answers, some, strict=True):
            cell.source = solved[name]
        code = "\n".join(cell.source for cell in fresh.cells if cell.cell_type == "code")
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=(folder / place).parent,
            env={**os.environ, "PYTHONPATH": str(folder), "MPLBACKEND": "agg"}, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("Due again on ") == len(some)
        assert learn(folder, again).stdout.strip() == "", "nothing is due any more"
    assert path.read_bytes() == before
    newer = {**files, "NOTATION.md": b"newer"}
    release.write(newer, folder, keep_work=True)
    assert (folder / place).exists(), "an update leaves it alone"


def test_all_that_asks_works_as_text_without_widgets(files, tmp_path):
    """In a plain Python, without IPython and widgets: questions are text, and answers are typed."""
    release.write(files, tmp_path)
    (tmp_path / "own.py").write_text("import numpy as np\n\n\ndef sigmoid(z):\n    return 1 / (1 + np.exp(-z))\n")
    code = """
import sys
sys.modules["ipywidgets"] = None
from own import sigmoid
check(sigmoid)
check.predict("lost_minus")
check.compare("lost_minus", 2)
for _ in range(4):
    check.hint(sigmoid)
check.questions(sigmoid)
assert "IPython" not in sys.modules
"""
    done = learn(tmp_path, code, typed="a\nb\nb\nb\n")
    assert done.returncode == 0, done.stderr
    assert "Your guess stands: a  ŷ = 0.01" in done.stdout
    assert "You guessed:  a  ŷ = 0.01\nIt came out:  c  ŷ = 0.99" in done.stdout
    assert done.stdout.index("Hint 1 of 4") < done.stdout.index("Hint 4 of 4, the answer with gaps")
    assert re.search(r"[0-3] of 3 right\.", done.stdout)


def test_reset_says_how_the_exercise_was_released(files, tmp_path, capsys):
    release.write(files, tmp_path / "learner")
    done = learn(tmp_path / "learner", "check.reset('sigmoid')").stdout
    released = nbformat.reads(files[LESSON.link].decode(), as_version=4)
    stub = next(cell.source for cell in released.cells if cell.id == "sigmoid")
    assert done.endswith(f"{stub}\n")
    checks.lesson(LESSON.name).reset("sigmoid")
    assert capsys.readouterr().out == "Only an edition for learners knows how an exercise was released.\n"


@by_lesson
def test_each_exercise_finds_what_it_needs_to_stand_alone(lesson):
    """Every name that its cells use is there: from the cells before it, from themselves, from Python."""
    cells = notebooks.read(lesson.path).cells
    source = {cell.id: cell.source for cell in cells}
    place = {cell.id: i for i, cell in enumerate(cells)}
    for name in exercises.load(lesson.name).exercises:
        parts = thinking._alone(cells, place[name], place[f"test_{name}"])
        there = set(dir(builtins))
        for one in [*parts["before"], name, *parts["after"]]:
            defined, used = thinking._names(source[one])
            assert used <= there | defined, (name, one)
            there |= defined
