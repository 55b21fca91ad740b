"""A new release into a folder with work: answers move by grade_id, a copy stays, and what changed is said."""

import bz2
import copy
import io
import json
import random
import subprocess
import sys
import zipfile

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output
from nbgrader.utils import compute_checksum

from helpers import cli, courses, release, update

LESSON = courses.find("logistic_regression")
PATH = LESSON.link
PACK = "helpers/checks/packs/logistic_regression.json.bz2"
ANSWER = "def sigmoid(z):\n    # mine\n    return 1 / (1 + np.exp(-z))"


@pytest.fixture(scope="module")
def edition():
    """A real release of one lesson."""
    return release.edition([LESSON])


@pytest.fixture
def folder(edition, tmp_path):
    release.write(edition, tmp_path / "learner")
    return tmp_path / "learner"


def read(folder, path=PATH):
    return nbformat.read(folder / path, as_version=4)


def cell_of(notebook, name):
    return next(cell for cell in notebook.cells if cell.id == name)


def position(notebook, name):
    return [cell.id for cell in notebook.cells].index(name)


def change(folder, edit):
    """Edit the learner's notebook as JupyterLab would save it."""
    notebook = read(folder)
    edit(notebook)
    nbformat.write(notebook, folder / PATH)
    return notebook


def answer(notebook):
    cell_of(notebook, "sigmoid").source = ANSWER
    cell_of(notebook, "sigmoid").outputs = [new_output("stream", text="seen")]


def next_release(edition, edit=None, **others):
    """The same release with another notebook, or other files; checksums are nbgrader's."""
    files = dict(edition)
    if edit:
        notebook = nbformat.reads(files[PATH].decode(), as_version=4)
        edit(notebook)
        for cell in notebook.cells:
            if "nbgrader" in cell.metadata:
                cell.metadata.nbgrader.checksum = compute_checksum(cell)
        files[PATH] = (nbformat.writes(notebook) + "\n").encode()
    files.update(others)
    return {**files, release.MANIFEST: update.manifest(files, complete=False)}


def exercise(name, source):
    """A solution cell and its test cell."""
    solution = {"grade": False, "locked": False, "solution": True, "task": False, "schema_version": 3}
    test = {"grade": True, "locked": True, "solution": False, "task": False, "schema_version": 3, "points": 1}
    return [
        new_code_cell(source, id=name, metadata={"nbgrader": {**solution, "grade_id": name, "cell_type": "code"}}),
        new_code_cell(
            f"check({name})", id=f"test_{name}",
            metadata={"nbgrader": {**test, "grade_id": f"test_{name}", "cell_type": "code"}},
        ),
    ]  # fmt: skip


def copies(folder):
    return sorted(path for path in (folder / "before").rglob("*") if path.is_file())


def everything(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def new_title(notebook):
    cell_of(notebook, "title").source += "\n\nA new sentence."


def test_checksum_is_that_of_nbgrader(edition):
    cells = nbformat.reads(edition[PATH].decode(), as_version=4).cells
    graded = [cell for cell in cells if "nbgrader" in cell.metadata]
    assert len(graded) > 15
    for cell in graded:
        assert update._checksum(cell) == compute_checksum(cell) == cell.metadata.nbgrader.checksum
        cell.source += " "
        assert update._checksum(cell) == compute_checksum(cell)


def test_answer_moves_into_the_new_text_and_a_copy_stays(folder, edition):
    mine = change(folder, answer)
    before = (folder / PATH).read_bytes()
    said = release.write(next_release(edition, new_title), folder, keep_work=True)
    now = read(folder)
    assert cell_of(now, "sigmoid").source == ANSWER
    assert cell_of(now, "sigmoid").outputs == cell_of(mine, "sigmoid").outputs
    assert "A new sentence." in cell_of(now, "title").source
    assert [path.read_bytes() for path in copies(folder)] == [before]
    kept = copies(folder)[0].relative_to(folder).as_posix()
    assert said == [
        f"{PATH}: new release, with your work in it. Your file as it was: {kept}",
        "  1 cell with new text or demonstrations",
    ]
    assert kept.startswith("before/20")
    nbformat.validate(now)


def test_the_same_update_twice_changes_nothing(folder, edition):
    change(folder, answer)
    newer = next_release(edition, new_title)
    release.write(newer, folder, keep_work=True)
    before = everything(folder)
    assert release.write(newer, folder, keep_work=True) == []
    assert everything(folder) == before


def test_what_only_the_learner_changed_is_untouched(folder, edition):
    change(folder, answer)
    before = everything(folder)
    assert release.write(edition, folder, keep_work=True) == []
    assert everything(folder) == before


def test_what_only_the_release_changed_is_new_without_a_copy(folder, edition):
    said = release.write(next_release(edition, new_title), folder, keep_work=True)
    assert said == [f"{PATH}: new release; you had not changed yours"]
    assert copies(folder) == []


def test_new_exercise_and_removed_exercise_are_said(folder, edition):
    def mine(notebook):
        cell_of(notebook, "log_loss").source = "def log_loss(y_hat, y):\n    return 'my loss'"

    def theirs(notebook):
        names = ("log_loss", "test_log_loss", "squared_cost", "test_squared_cost", "try_squared_cost")
        notebook.cells = [cell for cell in notebook.cells if cell.id not in names]
        notebook.cells[3:3] = exercise("huber_loss", "def huber_loss(y):\n    raise NotImplementedError()")

    change(folder, mine)
    said = release.write(next_release(edition, theirs), folder, keep_work=True)
    assert "  huber_loss: new exercise" in said
    assert "  log_loss: no longer an exercise; your answer stands at the end" in said
    assert "  squared_cost: no longer an exercise; you had not begun it" in said
    now = read(folder)
    note, kept = now.cells[-2:]
    assert note.cell_type == "markdown"
    assert "Your answer to `log_loss`" in note.source
    assert "my loss" in kept.source
    assert "nbgrader" not in kept.metadata
    assert kept.metadata.tags == note.metadata.tags == [update.KEPT]
    assert not {"squared_cost", "test_squared_cost", "try_squared_cost"} & {cell.id for cell in now.cells}


def test_an_exercise_that_comes_back_gets_its_answer_back(folder, edition):
    def without(notebook):
        notebook.cells = [cell for cell in notebook.cells if cell.id not in ("sigmoid", "test_sigmoid")]

    change(folder, answer)
    release.write(next_release(edition, without), folder, keep_work=True)
    release.write(next_release(edition, new_title), folder, keep_work=True)
    cell = cell_of(read(folder), "sigmoid")
    assert cell.source == ANSWER
    assert cell.metadata.nbgrader.solution


def test_kept_answers_stay_at_the_end_when_the_lesson_grows(folder, edition):
    def without(notebook):
        notebook.cells = [cell for cell in notebook.cells if cell.id not in ("sigmoid", "test_sigmoid")]

    def grown(notebook):
        without(notebook)
        notebook.cells.append(new_markdown_cell("The last word.", id="last_word"))

    change(folder, answer)
    release.write(next_release(edition, without), folder, keep_work=True)
    release.write(next_release(edition, grown), folder, keep_work=True)
    now = read(folder)
    assert [cell.source for cell in now.cells[-3::2]] == ["The last word.", ANSWER]


def test_changed_header_is_shown_above_the_answer(folder, edition):
    def theirs(notebook):
        cell = cell_of(notebook, "sigmoid")
        cell.source = cell.source.replace("def sigmoid(z)", "def sigmoid(scores)")

    change(folder, answer)
    said = release.write(next_release(edition, theirs), folder, keep_work=True)
    assert "  sigmoid: what is given changed; your answer is in place, check it again" in said
    now = read(folder)
    assert cell_of(now, "sigmoid").source == ANSWER
    note = now.cells[position(now, "sigmoid") - 1]
    assert "```python\ndef sigmoid(scores)" in note.source
    assert note.cell_type == "markdown"
    # Once is enough: the next release says nothing about it, and the note stays where it is.
    said = release.write(next_release(edition, lambda nb: [theirs(nb), new_title(nb)]), folder, keep_work=True)
    assert not any("given" in line for line in said)
    now = read(folder)
    assert [cell.source for cell in now.cells].count(note.source) == 1
    assert now.cells[position(now, "sigmoid") - 1].source == note.source


def test_changed_header_of_an_exercise_not_begun_is_the_new_one(folder, edition):
    def theirs(notebook):
        cell_of(notebook, "log_loss").source += "\n# new"

    change(folder, answer)
    said = release.write(next_release(edition, theirs), folder, keep_work=True)
    assert "  log_loss: what is given changed; you had not begun it" in said
    assert cell_of(read(folder), "log_loss").source.endswith("# new")


def test_changed_tests_ask_for_another_check_and_lose_their_old_output(folder, edition):
    def mine(notebook):
        answer(notebook)
        for name in ("test_sigmoid", "test_log_loss"):
            cell_of(notebook, name).outputs = [new_output("stream", text="all checks passed")]

    def theirs(notebook):
        cell_of(notebook, "test_sigmoid").source += "\nassert sigmoid(1) < 1"

    change(folder, mine)
    said = release.write(next_release(edition, theirs), folder, keep_work=True)
    assert "  sigmoid: its checks changed; your answer is in place, check it again" in said
    now = read(folder)
    assert cell_of(now, "test_sigmoid").source.endswith("assert sigmoid(1) < 1")
    assert cell_of(now, "test_sigmoid").outputs == []
    assert cell_of(now, "test_log_loss").outputs[0].text == "all checks passed"


def test_changed_cases_of_the_pack_ask_for_another_check(folder, edition):
    def mine(notebook):
        answer(notebook)
        cell_of(notebook, "test_sigmoid").outputs = [new_output("stream", text="all checks passed")]

    pack = json.loads(bz2.decompress(edition[PACK]))
    entry = next(entry["dict"] for entry in pack["list"] if dict(entry["dict"])["name"] == "sigmoid")
    next(pair for pair in entry if pair[0] == "cases")[1]["list"].pop()
    newer = next_release(edition, new_title, **{PACK: bz2.compress(json.dumps(pack).encode())})
    change(folder, mine)
    said = release.write(newer, folder, keep_work=True)
    assert [line for line in said if "checks changed" in line] == [
        "  sigmoid: its checks changed; your answer is in place, check it again"
    ]
    assert cell_of(read(folder), "test_sigmoid").outputs == []


def test_own_cells_stay_behind_the_cell_they_followed_when_cells_move(folder, edition):
    def mine(notebook):
        at = position(notebook, "try_sigmoid")
        notebook.cells[at + 1 : at + 1] = [
            new_code_cell("my_first = 1", id="aaaa1111"), new_markdown_cell("my note", id="bbbb2222"),
        ]  # fmt: skip
        notebook.cells.insert(0, new_markdown_cell("my heading", id="cccc3333"))

    def theirs(notebook):
        moved = [notebook.cells.pop(position(notebook, name)) for name in ("sigmoid", "try_sigmoid", "test_sigmoid")]
        notebook.cells += moved

    change(folder, mine)
    said = release.write(next_release(edition, theirs), folder, keep_work=True)
    assert "  3 cells of your own, kept" in said
    sources = [cell.source for cell in read(folder).cells]
    assert sources[0] == "my heading"
    assert sources[-3:-1] == ["my_first = 1", "my note"]
    assert sources[-1].startswith("check(sigmoid)")


def test_text_that_only_the_learner_changed_stays_and_text_of_both_is_there_twice(folder, edition):
    def mine(notebook):
        cell_of(notebook, "see_sigmoid").source += "\n\nI saw a line."
        cell_of(notebook, "title").source += "\n\nMy own remark."
        cell_of(notebook, "try_sigmoid").source = "print(sigmoid(3))"

    change(folder, mine)
    said = release.write(next_release(edition, new_title), folder, keep_work=True)
    now = read(folder)
    assert cell_of(now, "see_sigmoid").source.endswith("I saw a line.")
    assert cell_of(now, "try_sigmoid").source == "print(sigmoid(3))"
    assert cell_of(now, "title").source.endswith("A new sentence.")
    assert now.cells[1].source.endswith("My own remark.")
    assert "  title: you and the release changed this cell; yours follows the new one" in said


def test_locked_cells_are_the_releases(folder, edition):
    def mine(notebook):
        answer(notebook)
        cell_of(notebook, "test_sigmoid").source = "pass"

    change(folder, mine)
    said = release.write(next_release(edition, new_title), folder, keep_work=True)
    assert cell_of(read(folder), "test_sigmoid").source.startswith("check(sigmoid)")
    assert "  test_sigmoid: you had changed this locked cell; it is the release's again" in said


def test_of_a_copied_answer_the_last_one_counts_as_in_grading(folder, edition):
    def mine(notebook):
        second = copy.deepcopy(cell_of(notebook, "sigmoid"))
        cell_of(notebook, "sigmoid").source = "first = 1"
        second.source, second.id = ANSWER, "dddd4444"
        notebook.cells.insert(position(notebook, "sigmoid") + 1, second)

    change(folder, mine)
    release.write(next_release(edition, new_title), folder, keep_work=True)
    now = read(folder)
    assert cell_of(now, "sigmoid").source == ANSWER
    assert now.cells[position(now, "sigmoid") - 1].source == "first = 1"
    named = [cell.metadata.nbgrader.grade_id for cell in now.cells if "nbgrader" in cell.metadata]
    assert len(named) == len(set(named))


def test_manually_graded_answers_and_tasks_keep_the_learners_text(tmp_path):
    settings = {"locked": False, "schema_version": 3, "points": 2, "cell_type": "markdown"}
    why = {**settings, "grade": True, "solution": True, "task": False, "grade_id": "why"}
    draw = {**settings, "grade": False, "solution": False, "task": True, "grade_id": "draw"}

    def lesson(text):
        cells = [new_markdown_cell(text, id="text")]
        cells += [
            new_markdown_cell("YOUR ANSWER HERE", id=one["grade_id"], metadata={"nbgrader": one}) for one in (why, draw)
        ]
        return next_release(
            {PATH: nbformat.writes(nbformat.v4.new_notebook(cells=cells)).encode()}, lambda notebook: None
        )

    def mine(notebook):
        cell_of(notebook, "why").source = "Because it falls."
        cell_of(notebook, "draw").source = "My drawing."

    release.write(lesson("old"), tmp_path / "learner")
    change(tmp_path / "learner", mine)
    release.write(lesson("new"), tmp_path / "learner", keep_work=True)
    assert [cell.source for cell in read(tmp_path / "learner").cells] == ["new", "Because it falls.", "My drawing."]


def test_cells_without_ids_are_still_known(folder, edition):
    """Notebooks of format 4.4 have no ids."""

    def mine(notebook):
        answer(notebook)
        notebook.nbformat_minor = 4
        for cell in notebook.cells:
            del cell["id"]

    change(folder, mine)
    release.write(next_release(edition, new_title), folder, keep_work=True)
    now, released = read(folder), nbformat.reads(edition[PATH].decode(), as_version=4)
    assert [cell.id for cell in now.cells] == [cell.id for cell in released.cells]
    assert cell_of(now, "sigmoid").source == ANSWER


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b'{"cells": 1}',
        b'{"cells": [{}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
    ],
)
def test_a_damaged_notebook_is_kept_as_a_copy(folder, edition, damage):
    (folder / PATH).write_bytes(damage)
    newer = next_release(edition, new_title)
    said = release.write(newer, folder, keep_work=True)
    assert (folder / PATH).read_bytes() == newer[PATH]
    assert [path.read_bytes() for path in copies(folder)] == [damage]
    assert "in place of yours, which is damaged" in said[0]


def test_outputs_that_no_notebook_may_have_do_not_cost_the_answers(folder, edition):
    notebook = json.loads((folder / PATH).read_text())
    cell = next(cell for cell in notebook["cells"] if cell["id"] == "sigmoid")
    cell["source"], cell["outputs"] = ANSWER, [{"output_type": "nonsense"}]
    (folder / PATH).write_text(json.dumps(notebook))
    release.write(next_release(edition, new_title), folder, keep_work=True)
    now = read(folder)
    nbformat.validate(now)
    assert cell_of(now, "sigmoid").source == ANSWER


def test_other_files_the_learner_changed_are_copied_and_replaced(folder, edition):
    (folder / "helpers" / "data.py").write_text("mine")
    (folder / "NOTATION.md").write_text("my notation")
    (folder / "progress.json").write_text("{}")
    (folder / PATH).with_name("mine.ipynb").write_text("my own notebook")
    said = release.write(next_release(edition, **{"helpers/data.py": b"newer"}), folder, keep_work=True)
    assert (folder / "helpers" / "data.py").read_bytes() == b"newer"
    assert [path.read_text() for path in copies(folder)] == ["mine"]
    assert said[0].startswith("helpers/data.py: new release, in place of yours. Your file as it was: before/")
    assert (folder / "NOTATION.md").read_text() == "my notation"
    assert (folder / "progress.json").read_text() == "{}"
    assert (folder / PATH).with_name("mine.ipynb").read_text() == "my own notebook"


def test_copies_are_never_overwritten(folder, edition):
    texts = []
    for number in range(3):
        change(folder, lambda notebook, number=number: setattr(cell_of(notebook, "sigmoid"), "source", f"x = {number}"))
        texts.append((folder / PATH).read_bytes())
        newer = next_release(
            edition, lambda notebook, number=number: setattr(notebook.cells[0], "source", f"# {number}")
        )
        release.write(newer, folder, keep_work=True)
    assert sorted(path.read_bytes() for path in copies(folder)) == sorted(texts)


def test_a_part_of_the_course_removes_no_lesson(folder, edition):
    one = release.edition([courses.find("activations")])
    release.write(one, folder, keep_work=True)
    assert (folder / PATH).exists()
    assert (folder / courses.find("activations").link).exists()
    # It is still known as a released file, so the whole course can remove it again.
    whole = {path: content for path, content in one.items() if path != release.MANIFEST}
    said = release.write({**whole, release.MANIFEST: update.manifest(whole, complete=True)}, folder, keep_work=True)
    assert f"{PATH}: no longer in the release; removed, you had not changed it" in said
    assert not (folder / PATH).exists()


def test_a_lesson_that_leaves_the_course_stays_with_all_it_needs_if_it_was_begun(folder, edition):
    change(folder, answer)
    whole = {path: content for path, content in edition.items() if "logistic" not in path and path != release.MANIFEST}
    newer = {**whole, release.MANIFEST: update.manifest(whole, complete=True)}
    for _ in range(2):
        said = release.write(newer, folder, keep_work=True)
        assert said == [f"{PATH}: no longer in the release; left as it is"]
        assert cell_of(read(folder), "sigmoid").source == ANSWER
        assert (folder / PACK).exists()


def test_a_damaged_list_of_files_loses_nothing(folder, edition):
    change(folder, answer)
    (folder / release.MANIFEST).write_text("{")
    said = release.write(next_release(edition, new_title), folder, keep_work=True)
    assert said[0].startswith(".edition.json is damaged")
    assert cell_of(read(folder), "sigmoid").source == ANSWER


def test_release_asks_for_update_where_there_is_work(folder, edition, monkeypatch, capsys):
    change(folder, answer)
    newer = next_release(edition, new_title)
    monkeypatch.setattr(release, "edition", lambda *given, **named: newer)
    with pytest.raises(SystemExit) as stop:
        cli.main(["release", "logistic_regression", "--to", str(folder)])
    assert stop.value.code == 2
    assert "Add --update to bring the new release in and keep the work" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stop:
        cli.main(["release", "logistic_regression", "--to", str(folder), "--update"])
    assert not stop.value.code
    assert f"{PATH}: new release, with your work in it." in capsys.readouterr().out
    assert cell_of(read(folder), "sigmoid").source == ANSWER


# --- killed in the middle, random edits ------------------------------------------------------------------------------


def test_killed_at_any_write_nothing_is_lost_and_a_second_run_finishes(edition, tmp_path, monkeypatch):
    def mine(notebook):
        answer(notebook)
        cell_of(notebook, "log_loss").source = "my loss = 1"
        cell_of(notebook, "title").source += "\n\nMy own remark."
        notebook.cells.insert(5, new_code_cell("my_first = 1", id="aaaa1111"))

    def theirs(notebook):
        new_title(notebook)
        cell_of(notebook, "sigmoid").source += "\n# new"
        notebook.cells = [cell for cell in notebook.cells if cell.id not in ("log_loss", "test_log_loss")]

    newer = next_release(edition, theirs, **{"helpers/data.py": b"newer", PACK: b'{"list": []}'})
    real, left = update.os.replace, []

    def replace(source, target):
        if not left:
            raise KeyboardInterrupt
        left.pop()
        real(source, target)

    def learner(name):
        folder = tmp_path / name
        release.write(edition, folder)
        change(folder, mine)
        (folder / "helpers" / "data.py").write_text("mine")
        return folder

    whole = learner("whole")
    at_once = {PATH: (whole / PATH).read_bytes(), "helpers/data.py": b"mine"}
    release.write(newer, whole, keep_work=True)
    finished = everything(whole)
    for number in range(100):
        folder = learner(str(number))
        left[:] = [None] * number
        monkeypatch.setattr(update.os, "replace", replace)
        try:
            release.write(newer, folder, keep_work=True)
        except KeyboardInterrupt:
            killed = True
        else:
            killed = False
        monkeypatch.setattr(update.os, "replace", real)
        there = {path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        assert set(at_once.values()) <= there
        release.write(newer, folder, keep_work=True)
        assert everything(folder) == finished
        if not killed:
            break
    assert 5 < number < 99


def random_work(notebook, rng, number):
    """Edit a notebook as a learner might; each line that is written begins with "mine"."""
    for step in range(rng.randint(1, 8)):
        line = f"mine_{number}_{step} = {rng.random()}"
        cell = rng.choice(notebook.cells)
        kind = rng.choice(["answer", "edit", "insert", "insert", "delete", "move", "copy", "run", "strip"])
        at = notebook.cells.index(cell)
        if kind == "answer":
            cell = rng.choice([cell for cell in notebook.cells if update._is_answer(cell)] or notebook.cells)
        if kind in ("answer", "edit"):
            cell.source = f"{cell.source}\n{line}" if rng.random() < 0.5 else line
        elif kind == "insert":
            made = rng.choice([new_code_cell, new_markdown_cell])
            notebook.cells.insert(at, made(line, id=f"own{number}x{step}"))
        elif kind == "delete":
            notebook.cells.remove(cell)
        elif kind == "move":
            notebook.cells.insert(rng.randrange(len(notebook.cells)), notebook.cells.pop(at))
        elif kind == "copy":
            twin = copy.deepcopy(cell)
            twin.id = f"twin{number}x{step}"
            notebook.cells.insert(at, twin)
        elif kind == "run" and cell.cell_type == "code":
            cell.outputs = [new_output("stream", text=line)]
        elif kind == "strip":
            cell.metadata.pop("nbgrader", None)


def lines_of(*notebooks):
    return {line for notebook in notebooks for cell in notebook.cells for line in cell.source.splitlines()}


def random_release(notebook, rng, number):
    for step in range(rng.randint(1, 8)):
        cell = rng.choice(notebook.cells)
        at = notebook.cells.index(cell)
        kind = rng.choice(["edit", "edit", "insert", "exercise", "delete", "move"])
        if kind == "edit":
            cell.source += f"\n# released {number}.{step}"
        elif kind == "insert":
            notebook.cells.insert(at, new_markdown_cell(f"released {number}.{step}", id=f"text{number}x{step}"))
        elif kind == "exercise":
            notebook.cells[at:at] = exercise(f"task{number}x{step}", "raise NotImplementedError()")
        elif kind == "delete" and len(notebook.cells) > 10:
            notebook.cells.remove(cell)
        elif kind == "move":
            notebook.cells.insert(rng.randrange(len(notebook.cells)), notebook.cells.pop(at))


@pytest.mark.parametrize("seed", range(8))
def test_no_line_is_ever_lost_in_random_work_and_random_releases(edition, tmp_path, seed):
    rng, folder = random.Random(seed), tmp_path / "learner"
    release.write(edition, folder)
    current, written = edition, set()
    for number in range(5):
        if rng.random() < 0.8:
            change(folder, lambda nb, number=number: random_work(nb, rng, number))
        before = read(folder)
        written |= {line for line in lines_of(before) if line.startswith("mine")}
        answers = {
            cell.metadata.nbgrader.grade_id: cell.source
            for cell in before.cells
            if update._is_answer(cell) and update._is_changed(cell)
        }
        current = next_release(current, lambda nb, number=number: random_release(nb, rng, number))
        release.write(current, folder, keep_work=True)
        now = read(folder)
        nbformat.validate(now)
        assert written <= lines_of(now, *(nbformat.read(path, as_version=4) for path in copies(folder)))
        # Answers are in the new notebook itself: in their place, or at the end.
        assert set(answers.values()) <= {cell.source for cell in now.cells}
        # All cells of the release are there once and in order, locked ones as released.
        released = nbformat.reads(current[PATH].decode(), as_version=4).cells
        ids = [cell.id for cell in now.cells]
        assert [name for name in ids if name in {cell.id for cell in released}] == [cell.id for cell in released]
        assert len(ids) == len(set(ids))
        for cell in released:
            if cell.metadata.get("nbgrader", {}).get("locked"):
                assert cell_of(now, cell.id).source == cell.source
        before = everything(folder)
        assert release.write(current, folder, keep_work=True) == []
        assert everything(folder) == before
        # The merge itself does not go on either when it is asked again.
        content = (folder / PATH).read_bytes()
        assert update.merge(content, current[PATH], update._free_cells(current[PATH])) == (content, [])


# --- learners at home ------------------------------------------------------------------------------------------------


@pytest.fixture
def zipped(edition, tmp_path):
    """The file of a new release."""
    path = tmp_path / "deep-learning-notebooks.zip"
    path.write_bytes(release.zip_bytes(next_release(edition, new_title), "deep-learning-notebooks"))
    return path


def at_home(folder, *arguments):
    """What the README of the edition says, in the edition's own folder with the edition's own code."""
    command = [
        sys.executable,
        "-P",
        "-c",
        "import sys; sys.path.insert(0, '.'); from helpers import update; update.main()",
    ]
    return subprocess.run([*command, *map(str, arguments)], cwd=folder, capture_output=True, text=True)


def test_at_home_one_command_takes_a_new_zip(folder, zipped):
    change(folder, answer)
    done = subprocess.run(
        [sys.executable, "-m", "helpers.update", str(zipped)], cwd=folder, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{PATH}: new release, with your work in it." in done.stdout
    assert cell_of(read(folder), "sigmoid").source == ANSWER
    again = at_home(folder, zipped)
    assert again.stdout == "Nothing in the lessons changed.\n"


def test_at_home_an_unpacked_zip_will_do(folder, zipped, tmp_path):
    zipfile.ZipFile(zipped).extractall(tmp_path / "unpacked")
    change(folder, answer)
    done = at_home(folder, tmp_path / "unpacked" / "deep-learning-notebooks")
    assert "with your work in it" in done.stdout


def test_at_home_an_older_edition_is_updated_from_the_new_one(folder, zipped, tmp_path):
    """Editions that have no helpers/update.py yet, and no list of cells."""
    change(folder, answer)
    (folder / "helpers" / "update.py").unlink()
    hashes = json.loads((folder / release.MANIFEST).read_text())["files"]
    del hashes["helpers/update.py"]
    (folder / release.MANIFEST).write_text(json.dumps(hashes))
    zipfile.ZipFile(zipped).extractall(tmp_path)
    done = at_home(tmp_path / "deep-learning-notebooks", zipped, "--to", folder)
    assert "with your work in it" in done.stdout, done.stderr
    assert cell_of(read(folder), "sigmoid").source == ANSWER


def test_at_home_other_packages_are_said(folder, edition, tmp_path):
    project = edition["pyproject.toml"].replace(b"numpy==", b"numpy==9.")
    path = tmp_path / "new.zip"
    path.write_bytes(release.zip_bytes(next_release(edition, **{"pyproject.toml": project}), "new"))
    assert "Install them: .venv/bin/pip install --editable ." in at_home(folder, path).stdout


def a_zip(path, files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)


def evil(name):
    return {f"x/{name}": b"evil", "x/.edition.json": json.dumps({name: update._hash(b"evil")})}


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (None, "There is no file"),
        (b"no zip", "is no release of this course"),
        ({"readme.txt": b"hello"}, "is no release of this course"),
        ({"x/.edition.json": b"{}"}, "is no release of this course"),
        ({"x/.edition.json": b"[1]"}, "is no release of this course"),
        ({"x/.edition.json": b'{"a": "0"}'}, "is no release of this course"),
        ({"x/.edition.json": b'{"a": "0"}', "x/a": b"changed"}, "is no release of this course"),
        (evil("../outside.txt"), "holds the path '../outside.txt'"),
        (evil("/outside.txt"), "holds the path '/outside.txt'"),
        (evil("a/../../outside.txt"), "holds the path"),
        (evil("..\\outside.txt"), "holds the path"),
        (evil("C:outside.txt"), "holds the path"),
        (evil("before/2026-01-01/a"), "holds the path"),
    ],
)  # fmt: skip
def test_what_is_no_release_is_refused_and_changes_nothing(folder, tmp_path, files, words):
    path = tmp_path / "some.zip"
    if isinstance(files, bytes):
        path.write_bytes(files)
    elif files:
        a_zip(path, files)
    before = everything(tmp_path)
    with pytest.raises(release.ReleaseRefused, match="nothing was written") as caught:
        release.write(update.read_edition(path), folder, keep_work=True)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert everything(tmp_path) == before


def test_half_a_download_is_refused_in_one_line(folder, zipped):
    zipped.write_bytes(zipped.read_bytes()[:-2000])
    done = at_home(folder, zipped)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "Download it again; nothing was written." in done.stderr


def test_a_damaged_byte_is_refused(folder, zipped):
    content = bytearray(zipped.read_bytes())
    content[3000] ^= 255
    zipped.write_bytes(content)
    assert "Download it again; nothing was written." in at_home(folder, zipped).stderr


def test_a_folder_without_an_edition_is_refused(folder, zipped, tmp_path):
    (tmp_path / "mine").mkdir()
    done = at_home(folder, zipped, "--to", tmp_path / "mine")
    assert done.returncode == 2
    assert "holds no edition. Say where yours is: --to FOLDER" in done.stderr


def test_the_zip_of_a_release_is_an_edition(edition, tmp_path):
    path = tmp_path / "lesson.zip"
    path.write_bytes(release.zip_bytes(edition, "lesson"))
    assert update.read_edition(path) == edition
    assert io.BytesIO(path.read_bytes()).read(2) == b"PK"
