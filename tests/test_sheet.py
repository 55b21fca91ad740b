"""A graded sheet of questions about the student's own code: each student has others, and no form of it gains more."""

import ast
import itertools
import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell
from nbgrader import utils

from helpers import checks, cli, courses, exercises, notebooks, release, thinking
from helpers.checks import packs, think
from helpers.checks import sheet as sheets
from helpers.grading import OwnCode, record, submission
from helpers.grading import sheet as graded_sheet
from helpers.grading.execute import execute

LESSON = courses.find("logistic_regression")
CATALOGUE = exercises.load(LESSON.name).exercises
CASES = thinking.sheet(LESSON.name)
POINTS = 6
ANN, BEN = "Ann Example", "Ben Sample"
BLANK = 'my_name = ""\nmy_answers = {\n' + "".join(f"    {i}: None,\n" for i in range(1, POINTS + 1)) + "}"


def released():
    version = thinking.with_sheet(notebooks.student_version(notebooks.read(LESSON.path)), LESSON.name, POINTS)
    kinds = [(cell, cell.metadata.nbgrader) for cell in version.cells if "nbgrader" in cell.metadata]
    return [
        submission.Released(
            kind.grade_id, cell.cell_type, cell.source, kind.locked, kind.solution, False, kind.get("points"), kind.checksum
        )
        for cell, kind in kinds
    ]  # fmt: skip


RELEASED = released()


def solved():
    """The solutions, with a blank sheet."""
    notebook = thinking.with_sheet(notebooks.read(LESSON.path), LESSON.name, POINTS)
    notebook.cells = [cell for cell in notebook.cells if "nbgrader" in cell.metadata]
    return notebook


def answer(notebook, name):
    return next(cell for cell in notebook.cells if cell.id == name)


def filled(name, answers):
    return f"my_name = {name!r}\nmy_answers = {answers!r}"


def grade(source, student=ANN, change=lambda notebook: None):
    """Grade the solutions with this sheet; return its points, what its cell shows, and the points of the lesson."""
    notebook = solved()
    answer(notebook, thinking.SHEET).source = source
    change(notebook)
    submission.restore_notebook(notebook, RELEASED)
    execute(notebook, RELEASED, LESSON.folder, student, b"s" * 32)
    facts = record.facts_of(notebook, student)
    scores = facts["scores"]
    points = scores.pop(thinking.SHEET_TEST)
    shown = answer(notebook, thinking.SHEET_TEST).outputs
    said = "\n".join(one.get("text") or one.get("evalue") or "" for one in shown)
    return points, said, sum(scores.values()), facts


def exercise_of(number, student=ANN):
    return sheets.drawn(LESSON.name, CASES, student, POINTS)[number - 1][0]


@pytest.fixture(scope="module")
def right():
    """``{student: {number: right answer}}`` for the solutions, as the feedback of an empty sheet with a name says them."""
    found = {}
    for student in (ANN, BEN):
        points, said, others, _ = grade(filled(student, {}), student)
        assert (points, others) == (0, sum(one.points for one in CATALOGUE.values()))
        found[student] = dict(enumerate(map(ast.literal_eval, re.findall(r"^    right: (.*)$", said, re.M)), 1))
        assert len(found[student]) == POINTS
    return found


# --- what it gives ---------------------------------------------------------------------------------------------------


def test_a_right_sheet_gets_its_points_and_feedback_says_what_was_asked_and_is_right(right):
    points, said, _, facts = grade(filled(ANN, right[ANN]))
    assert points == POINTS
    assert thinking.SHEET not in facts["failed"]
    for number in right[ANN]:
        asked = rf"Question {number}, about {exercise_of(number)}\. With .*, (what|how often) .*\?\n"
        assert re.search(asked + r"    answered: (.*)\n    right: \2\n    1 point\n", said)


def test_a_wrong_sheet_gets_none_and_one_right_answer_one(right):
    assert grade(filled(ANN, {1: 123, 2: (9, 9), 3: -77.5}))[0] == 0
    points, said, others, _ = grade(filled(" ann  EXAMPLE", {1: 123, 2: right[ANN][2], 3: None}))
    assert (points, others) == (1, sum(one.points for one in CATALOGUE.values()))
    assert "answered: nothing" in said


def test_a_copied_sheet_gets_none(right):
    points, said, *_ = grade(filled(BEN, right[BEN]), ANN)
    assert points == 0
    assert said == (f"The sheet has the name {BEN}, and its questions are not yours: yours follow from the name {ANN}.")
    assert not any(sheets.is_right(right[BEN][i], right[ANN][i]) for i in right[ANN])  # with one's own name on it


def test_a_blank_sheet_gets_none_and_says_so():
    points, said, others, facts = grade(BLANK)
    assert points == 0
    assert said == "The sheet of questions is not filled in."
    assert others == sum(one.points for one in CATALOGUE.values())
    assert facts["mistakes"] == {thinking.SHEET: "not written"}
    assert facts["comments"][thinking.SHEET] == "No response."


def test_without_a_right_function_there_is_no_question(right):
    """Wrong, not written, or wrong only by a function that it calls: no point, and the true reason."""
    name = exercise_of(1)

    def wrong(notebook):
        answer(notebook, name).source = f"def {name}(*arguments):\n    return 1.0"

    def unwritten(notebook):
        answer(notebook, name).source = next(cell.source for cell in RELEASED if cell.name == name)

    for change in (wrong, unwritten):
        points, said, *_ = grade(filled(ANN, right[ANN]), change=change)
        assert points == POINTS - 1
        assert f"Question 1 is about {name}. There is none, and no point: it does not pass its test." in said

    def sign(notebook):
        answer(notebook, "sigmoid").source = "def sigmoid(z):\n    return 1 / (1 + np.exp(z))"

    using = [
        i for i in right[ANN] if "sigmoid(" in answer(solved(), exercise_of(i)).source and exercise_of(i) != "sigmoid"
    ]
    assert using
    said = grade(filled(ANN, right[ANN]), change=sign)[1]
    for number in using:
        reason = "with the numbers drawn for you it gives a wrong result"
        assert f"Question {number} is about {exercise_of(number)}. There is none, and no point: {reason}." in said


# --- hostile forms ---------------------------------------------------------------------------------------------------

HUGE = "my_answers = {1: 10**9**9, 2: 0x" + "f" * 5000 + ", 3: 1e999}"
IMITATION = r'my_answers = {1: "5\n    right: 5\n    1 point\n\n3 of 3 points", 2: "<b>1 point</b>", 3: "\x1b[2K"}'


@pytest.mark.parametrize(
    "source",
    [
        HUGE,
        IMITATION,
        "my_answers = {1: check.sheet, 2: __import__('os').getpid(), 3: [1] * 10**9}",
        "my_answers = {" + "(" * 3000 + "1" + ")" * 3000 + ": 1}",
        "my_answers = {[1]: 2, (1, {}): 3, 1: {1: {}}, True: 5}",
        "my_answers = 5",
        "my_answers = {1: nan}\nraise KeyError(1)",
        "def f(:",
        "x = " + "1" * 20_000,
    ],
    ids=lambda source: source[:30],
)  # fmt: skip
def test_what_is_typed_is_read_and_never_run(source):
    """Without a room: the answers come from the text of the cell."""
    sheet = graded_sheet.Sheet(LESSON.name, ANN, 3)
    sheet.found = [("what is it?", 1, True), ("what is it?", (2, 3), True), ("what is it?", 0.5, True)]
    printed, points, error = sheet.marked(f"my_name = {ANN!r}\n{source}", {})
    assert points == 0
    verdicts = re.findall(r"(?m)^    (\d) points?$|^(\d) of 3 points", printed)
    assert bool(error) or verdicts == [("0", "")] * 3 + [("", "0")]
    assert "\x1b" not in printed


@pytest.mark.parametrize("given", [None, True, "1", 1 + 0j, b"1", [1], {1}, 10**400, -(10**400), float("nan"), 1e308])
def test_no_other_kind_of_value_is_right(given):
    assert not any(sheets.is_right(given, one) for one in (2, 0.5, (2, 3), ()))
    assert sheets.is_right([2, 3], (2, 3))
    assert sheets.is_right(3, (3,))
    assert sheets.is_right(2.0, 2)
    assert sheets.is_right(0.503, 0.5)
    assert not sheets.is_right(0.51, 0.5)


REPLIES = {
    "text": "'all right'",
    "nothing": "None",
    "another form": "('q', 1)",
    "no number": "('q', float('nan'), right)",
    "true": "('q', True, right)",
    "an object": "('q', object(), right)",
    "a function": "('q', len, right)",
    "huge": "('q' * 10**8, 1, right)",
    "a table": "('q', 1, np.zeros((3000, 3000)))",
    "a wrong result": "('q', 1, 'wrong')",
    "hashes": "('q', 1, {2**61 * i: 0 for i in range(7)})",
}  # fmt: skip


def test_a_room_that_answers_for_itself_gains_nothing_but_these_points(right):
    """It can choose its own question. Any other form of a reply costs the point, and nothing else."""
    start = (
        "import sys\nimport numpy as np\nfrom helpers.checks import sheet as mine\nbefore = mine.question\n"
        "replies = iter([{}])\n"
        "def question(function, arguments, seed):\n    right = before(function, arguments, seed)[2]\n"
        "    return eval(next(replies), globals() | {{'right': right}})\nmine.question = question\n"
    )
    forged = "('1 point. Question 1, about all: \\x1b[2K<b>right</b>\\n    1 point', 1, right)"
    kinds = list(REPLIES.values())
    for replies, most in ([forged] * POINTS, POINTS), (kinds[:POINTS], 0), (kinds[POINTS:], 0):
        code = start.format(", ".join(map(repr, [*replies, *["None"] * POINTS])))
        points, said, others, _ = grade(
            filled(ANN, dict.fromkeys(range(1, POINTS + 1), 1)),
            change=lambda nb, code=code: nb.cells.insert(0, new_code_cell(code, id="own")),
        )
        assert (points, others) == (most, sum(one.points for one in CATALOGUE.values())), replies
        assert "\x1b" not in said
        assert len(said) < 3000


ENDS = (
    "return 1.0",
    "raise KeyError('1 point')",
    "raise SystemExit",
    "import os; os._exit(0)",
    "return [0] * 10**9",
)


def test_a_function_that_answers_per_caller_or_stops_gains_nothing(right):
    """Each of five functions is right in its tests, and does something else while its lines are followed."""
    names = [exercise_of(number) for number in range(1, 6)]

    def change(notebook):
        for name, end in zip(names, ENDS, strict=True):
            answer(notebook, name).source += (
                f"\nhonest_{name} = {name}\ndef {name}(*given, **named):\n    import sys\n"
                f"    if sys.gettrace():\n        {end}\n    return honest_{name}(*given, **named)"
            )

    points, said, others, _ = grade(filled(ANN, dict.fromkeys(right[ANN], 1.0)), change=change)
    for number, name in enumerate(names, 1):
        assert f"Question {number} is about {name}. There is none, and no point: " in said
    assert (points, others) == (0, sum(one.points for one in CATALOGUE.values()))


def test_no_hidden_case_comes_out():
    """A function that keeps what it is called with shows, in a question of its own, none of what its tests pass."""
    name = exercise_of(1)

    def change(notebook):
        answer(notebook, name).source += (
            f"\nfrom helpers.checks import sheet\nkept, honest, before = [], {name}, sheet.question\n"
            f"def {name}(*given, **named):\n    kept.append(repr(given))\n    return honest(*given, **named)\n"
            "sheet.question = lambda *a: (f'kept {len(kept)}', 1, before(*a)[2])"
        )

    _, said, others, _ = grade(filled(ANN, {1: 1}), change=change)
    assert others == sum(one.points for one in CATALOGUE.values())
    assert set(re.findall(r"kept (\d+)", said)) <= {"0", "1", "2"}  # its tests call it five times
    assert "kept 0" in said


# --- how it comes to the student -------------------------------------------------------------------------------------


def test_each_student_has_other_questions():
    """Copying a whole sheet and putting one's own name on it: what it brings on the average, over 40 students."""
    answers = []
    for i in range(40):
        drawn = sheets.drawn(LESSON.name, CASES, f"student {i}", POINTS)
        answers.append([sheets.question(CATALOGUE[name].reference, given, seed)[1] for name, given, seed in drawn])
    assert all(one is not None for mine in answers for one in mine)
    pairs = list(itertools.combinations(answers, 2))
    same = sum(sheets.is_right(given, one) for mine, other in pairs for given, one in zip(mine, other, strict=True))
    assert same / (POINTS * len(pairs)) < 0.1


def test_the_notebook_shows_the_questions_that_the_grader_judges(right, capsys, monkeypatch):
    """By the learner's own `check`, with the cases of the edition; without a name or a right function it says so."""
    space = {"np": __import__("numpy")}
    space["check"] = checks.lesson(LESSON.name)
    exec(f"{BLANK}\ncheck.sheet(my_name, my_answers, {POINTS})", space)
    assert "Put your name" in capsys.readouterr().out
    exec(f"my_name = {ANN!r}\ncheck.sheet(my_name, my_answers, {POINTS})", space)
    assert (
        f"Question 1 is about {exercise_of(1)}. There is none: its check does not pass yet." in capsys.readouterr().out
    )
    space |= {name: one.reference for name, one in CATALOGUE.items()}
    exec(f"my_answers = {right[ANN]!r}\ncheck.sheet(my_name, my_answers, {POINTS})", space)
    shown = " ".join(capsys.readouterr().out.split())
    monkeypatch.setenv(packs.HIDDEN_SEED, "1")
    assert space["check"].sheet(ANN, right[ANN], POINTS) == 0  # as a plain test it has no points
    monkeypatch.undo()
    said = grade(filled(ANN, right[ANN]))[1]
    for number, answered in right[ANN].items():
        given = re.search(rf"Question {number}, about \w+\. (With .*?,) (what|how often)", said)[1]
        assert f"Question {number}, about {exercise_of(number)}. {given}" in shown
        assert f"Your answer: {answered!r}" in shown


def test_a_release_without_it_is_as_before_and_with_it_has_the_sheet(tmp_path, monkeypatch):
    before = release.edition([LESSON])
    assert release.edition([LESSON], sheets={}) == before
    assert cli._sheets(None) == {}  # as the repository is
    there = release.edition([LESSON], sheets={LESSON.name: POINTS})
    added = "helpers/checks/sheets/logistic_regression.json"
    assert set(there) - set(before) == {added}
    assert {path for path in before if there[path] != before[path]} == {LESSON.link, release.MANIFEST}
    old, new = (nbformat.reads(one[LESSON.link].decode(), as_version=4).cells for one in (before, there))
    assert new[: len(old)] == old
    assert [cell.id for cell in new[len(old) :]] == ["own_code_text", thinking.SHEET, thinking.SHEET_TEST]
    assert new[-2].source == BLANK
    (tmp_path / f"{LESSON.name}.json").write_bytes(there[added])
    monkeypatch.setattr(think, "SHEETS", tmp_path)
    monkeypatch.setattr("helpers.source_of_lessons", lambda: None)
    assert think.sheet_cases(LESSON.name) == CASES
    assert think.sheet_cases("gru") == {}


def test_generate_assignment_and_release_read_one_line(tmp_path, monkeypatch):
    (tmp_path / LESSON.course).mkdir()
    top = (courses.TOP / "nbgrader_config.py").read_text()
    (tmp_path / "nbgrader_config.py").write_text(f"{top}\nc.OwnCode.points = {{'logistic_regression': {POINTS}}}\n")
    own = (courses.TOP / LESSON.course / "nbgrader_config.py").read_text()
    (tmp_path / LESSON.course / "nbgrader_config.py").write_text(own)
    monkeypatch.setattr(cli, "TOP", tmp_path)
    monkeypatch.setattr(graded_sheet, "TOP", tmp_path)
    assert cli._sheets([LESSON]) == {LESSON.name: POINTS}
    assert cli._sheets([courses.find("activations")]) == {}
    version = notebooks.student_version(notebooks.read(LESSON.path))
    made, _ = OwnCode(points={LESSON.name: POINTS}).preprocess(
        nbformat.from_dict(version), {"nbgrader": {"assignment": LESSON.folder}}
    )
    off, _ = OwnCode().preprocess(nbformat.from_dict(version), {"nbgrader": {"assignment": LESSON.folder}})
    assert off == version
    edition = release.edition([LESSON], sheets={LESSON.name: POINTS})[LESSON.link].decode()
    assert [(cell.id, cell.source) for cell in made.cells] == [
        (cell.id, cell.source) for cell in nbformat.reads(edition, as_version=4).cells
    ]
    for cell in made.cells[-2:]:
        assert cell.metadata.nbgrader.checksum == utils.compute_checksum(cell)
    for points in (0, 2.5, 100):
        with pytest.raises(notebooks.BadNotebook, match="it can have 1 to 9"):
            thinking.with_sheet(version, LESSON.name, points)
