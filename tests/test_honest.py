"""Honest work keeps its points: one right notebook in the forms that programs and people give it, and single slips.

Each form is the right notebook as some program saves it, or as somebody who moved, merged or renamed its cells and files
hands it in. It gets full points, or the mark for a human with the true reason.
"""

import copy
import io
import json
import uuid
import zipfile

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell
from test_batch import new_course
from test_grading import CATALOGUE, LESSON, POINTS, blank, cell, full, without_free_cells

from helpers.courses import TOP
from helpers.grading import batch, folder, record

NAMES = list(CATALOGUE.exercises)
STUB = "    raise NotImplementedError()"


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    """What a worker needs to grade, from an assignment that nbgrader generated."""
    top = new_course(tmp_path_factory.mktemp("honest") / "class")
    class_ = batch.Class(LESSON, root=top / LESSON.course)
    with class_.gradebook() as gradebook:
        return class_.lesson(gradebook)


def right():
    """The right notebook with the cells that are graded; without markers, as a learner has it."""
    notebook = without_free_cells(full())
    for one in notebook.cells:
        lines = one.source.splitlines()
        one.source = "\n".join(line for line in lines if "### " not in line or "SOLUTION" not in line)
    return notebook


def grade(lesson, handed, student="ann"):
    handed = handed if isinstance(handed, folder.Handed) else folder.Handed(handed)
    return batch.grade(lesson, batch.Task(student, handed, "digest")).facts


def saved(notebook):
    return json.dumps(notebook).encode()


# --- forms that programs give a notebook -----------------------------------------------------------------------------


def as_plain(notebook):
    plain = json.loads(nbformat.writes(notebook))
    for one in plain["cells"]:
        one["source"] = "".join(one["source"])
    return plain


def edited(change):
    """A form that changes the notebook in place, or returns another one."""

    def form():
        notebook = as_plain(right())
        changed = change(notebook)
        return saved(notebook if changed is None else changed)

    form.__name__ = change.__name__
    return form


def each(notebook, change):
    for number, one in enumerate(notebook["cells"]):
        change(number, one)


FORMS = []


def form(function):
    FORMS.append(edited(function))
    return function


@form
def as_jupyterlab_saves_it(notebook):
    notebook["metadata"]["kernelspec"] = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "x"}


@form
def with_demonstrations_and_text(notebook):
    return as_plain(full())


@form
def as_colab_saves_it(notebook):
    notebook["metadata"] = {"colab": {"provenance": []}, "kernelspec": {"name": "python3", "display_name": "Python 3"}}
    notebook["nbformat_minor"] = 0

    def change(number, one):
        del one["id"]
        one["metadata"] |= {"id": uuid.UUID(int=number).hex[:12], "colab": {"base_uri": "https://localhost:8080/"}}
        if one["cell_type"] == "code":
            one["outputs"] = []

    each(notebook, change)
    notebook["cells"].insert(0, {"cell_type": "markdown", "source": ["<a href='x'>Open In Colab</a>"], "metadata": {}})


@form
def as_colab_saves_it_without_labels(notebook):
    as_colab_saves_it(notebook)
    each(notebook, lambda number, one: one["metadata"].pop("nbgrader", None))


@form
def as_vs_code_saves_it(notebook):
    notebook["metadata"] = {"language_info": {"name": "python"}, "orig_nbformat": 4}

    def change(number, one):
        one["id"] = uuid.UUID(int=number).hex[:8]
        one["metadata"]["vscode"] = {"languageId": "python"}

    each(notebook, change)
    notebook["cells"].append(
        {"cell_type": "raw", "metadata": {"vscode": {"languageId": "shellscript"}}, "source": "ls"}
    )


@form
def as_vs_code_saves_it_without_locked_cells(notebook):
    notebook["cells"] = [one for one in notebook["cells"] if not one["metadata"]["nbgrader"].get("locked")]


@form
def as_kaggle_saves_it(notebook):
    notebook["metadata"] = {"kaggle": {"accelerator": "none"}, "language_info": {"name": "python"}}
    notebook["nbformat_minor"] = 4

    def change(number, one):
        one.pop("id")
        one["metadata"] = {"execution": {"iopub.status.busy": "2027-01-01"}, "trusted": True}

    each(notebook, change)


@form
def as_deepnote_saves_it(notebook):
    notebook["metadata"] = {"deepnote_notebook_id": "a", "deepnote_execution_queue": []}

    def change(number, one):
        one["id"] = one["metadata"]["cell_id"] = uuid.UUID(int=number).hex
        one["metadata"] = {"cell_id": one["id"], "deepnote_cell_type": one["cell_type"]}

    each(notebook, change)


@form
def as_classic_notebook_saves_it(notebook):
    notebook["metadata"] |= {"toc": {"base_numbering": 1}, "varInspector": {"cols": {}}}
    notebook["nbformat_minor"] = 2
    each(notebook, lambda number, one: one.pop("id"))


@form
def as_nbformat_3_saves_it(notebook):
    cells = []
    for one in notebook["cells"]:
        code = {"input": one["source"], "language": "python", "prompt_number": 1, "collapsed": False, "outputs": []}
        rest = {"cell_type": one["cell_type"], "metadata": one["metadata"]}
        cells.append(rest | (code if one["cell_type"] == "code" else {"source": one["source"]}))
    cells.append({"cell_type": "heading", "level": 1, "metadata": {}, "source": ["End"]})
    return {"metadata": {"name": ""}, "nbformat": 3, "nbformat_minor": 0, "worksheets": [{"cells": cells}]}


@form
def as_nbformat_3_saves_it_without_labels(notebook):
    converted = as_nbformat_3_saves_it(notebook)
    for one in converted["worksheets"][0]["cells"]:
        one["metadata"] = {}
    return converted


for minor in (0, 1, 2, 3, 4, 5, 9):

    def of_a_minor_version(notebook, minor=minor):
        notebook["nbformat_minor"] = minor
        if minor < 5:
            each(notebook, lambda number, one: one.pop("id"))

    of_a_minor_version.__name__ = f"as_nbformat_4_{minor}_saves_it"
    FORMS.append(edited(of_a_minor_version))


@form
def without_the_version(notebook):
    del notebook["nbformat"], notebook["nbformat_minor"]


@form
def with_equal_ids(notebook):
    each(notebook, lambda number, one: one.update(id="same"))


@form
def without_outputs_metadata_and_ids(notebook):
    for one in notebook["cells"]:
        for key in ("outputs", "execution_count", "id"):
            one.pop(key, None)
    del notebook["metadata"]


@form
def sources_as_lists(notebook):
    each(notebook, lambda number, one: one.update(source=one["source"].splitlines(keepends=True)))


@form
def windows_line_ends_in_cells(notebook):
    each(notebook, lambda number, one: one.update(source=one["source"].replace("\n", "\r\n")))


@form
def labels_lost_ids_kept(notebook):
    each(notebook, lambda number, one: one.update(metadata={}))


@form
def labels_and_ids_lost(notebook):
    each(notebook, lambda number, one: (one.update(metadata={}), one.pop("id")))


@form
def labels_of_answers_lost(notebook):
    for one in notebook["cells"]:
        if one["metadata"]["nbgrader"]["solution"]:
            one["metadata"], one["id"] = {}, uuid.uuid4().hex[:8]


@form
def labels_of_tests_lost(notebook):
    for one in notebook["cells"]:
        if one["metadata"]["nbgrader"]["grade"]:
            one["metadata"], one["id"] = {}, uuid.uuid4().hex[:8]


@form
def labels_lost_and_tests_changed(notebook):
    def change(number, one):
        one["metadata"], one["id"] = {}, f"c{number}"
        if "check(" in one["source"]:
            one["source"] += "\nprint('passed')"

    each(notebook, change)


@form
def answers_relabelled(notebook):
    """Every answer carries the label of another one."""
    answers = [one for one in notebook["cells"] if one["metadata"]["nbgrader"]["solution"]]
    labels = [one["metadata"]["nbgrader"]["grade_id"] for one in answers]
    for one, label in zip(answers, labels[1:] + labels[:1], strict=True):
        one["metadata"]["nbgrader"]["grade_id"] = label


@form
def two_answers_relabelled_with_ids(notebook):
    one, other = (named(notebook, name) for name in ("sigmoid", "predict"))
    one["metadata"], other["metadata"] = other["metadata"], one["metadata"]
    one["id"], other["id"] = other["id"], one["id"]


@form
def labels_renamed(notebook):
    for one in notebook["cells"]:
        one["metadata"]["nbgrader"]["grade_id"] += "-copy"
        one["id"] += "-copy"


def named(notebook, name):
    return next(one for one in notebook["cells"] if one["metadata"].get("nbgrader", {}).get("grade_id") == name)


@form
def two_answers_merged(notebook):
    merge(notebook, "propagate_loop", "propagate")


def merge(notebook, first, *others):
    for name in others:
        named(notebook, first)["source"] += "\n\n" + named(notebook, name)["source"]
        notebook["cells"].remove(named(notebook, name))


@form
def all_answers_merged_into_the_first(notebook):
    merge(notebook, *NAMES)


@form
def answer_merged_with_its_test(notebook):
    one = named(notebook, "optimize")
    one["source"] += "\n\n" + named(notebook, "test_optimize")["source"]
    notebook["cells"].remove(named(notebook, "test_optimize"))


@form
def answer_deleted_code_in_an_own_cell_above(notebook):
    own_cell(notebook, "propagate", 1)


def own_cell(notebook, name, position):
    one = named(notebook, name)
    notebook["cells"].remove(one)
    code = {"cell_type": "code", "id": "own", "metadata": {}, "outputs": [], "execution_count": None}
    notebook["cells"].insert(position, code | {"source": one["source"]})


@form
def all_answers_deleted_code_in_one_own_cell(notebook):
    source = "\n\n".join(named(notebook, name)["source"] for name in NAMES)
    for name in NAMES:
        notebook["cells"].remove(named(notebook, name))
    own = {"cell_type": "code", "id": "own", "metadata": {}, "outputs": [], "execution_count": None, "source": source}
    notebook["cells"].insert(2, own)


@form
def answer_deleted_code_in_an_own_cell_at_the_end(notebook):
    own_cell(notebook, "predict", len(notebook["cells"]))


@form
def answer_split_in_two(notebook):
    """The first half has the label twice, as copied; a helper stands in it."""
    one = named(notebook, "sigmoid")
    helper = copy.deepcopy(one)
    helper["source"], helper["id"] = "import numpy as np\ndef power(z):\n    return np.exp(-z)", "half"
    one["source"] = "def sigmoid(z):\n    return 1 / (1 + power(z))"
    notebook["cells"].insert(notebook["cells"].index(one), helper)


@form
def answer_below_the_empty_cell(notebook):
    one = named(notebook, "sigmoid")
    below = {"cell_type": "code", "id": "b", "metadata": {}, "outputs": [], "execution_count": None}
    notebook["cells"].insert(notebook["cells"].index(one) + 1, below | {"source": one["source"]})
    one["source"] = cell(blank(), "sigmoid").source


@form
def cells_reversed(notebook):
    notebook["cells"].reverse()


@form
def answers_first(notebook):
    notebook["cells"].sort(key=lambda one: not one["metadata"]["nbgrader"]["solution"])


@form
def answer_as_markdown_beside_it(notebook):
    one = copy.deepcopy(named(notebook, "sigmoid"))
    one["cell_type"] = "markdown"
    notebook["cells"].insert(3, one)


@form
def released_tests_as_raw_cells(notebook):
    for one in notebook["cells"]:
        if one["metadata"]["nbgrader"]["grade"]:
            one["cell_type"] = "raw"


@form
def only_answers_left(notebook):
    notebook["cells"] = [one for one in notebook["cells"] if one["metadata"]["nbgrader"]["solution"]]


@form
def timed_with_a_magic(notebook):
    for name in NAMES:
        named(notebook, name)["source"] = "%%time\n" + named(notebook, name)["source"]


@form
def unknown_cell_types(notebook):
    notebook["cells"].append({"cell_type": "heading", "level": 1, "metadata": {}, "source": "End"})
    notebook["cells"].append({"cell_type": "sql", "metadata": {}, "source": "select 1"})


@form
def a_cell_that_is_none(notebook):
    notebook["cells"].append(None)


@form
def own_text_in_other_writing(notebook):
    notebook["cells"].insert(2, {"cell_type": "markdown", "metadata": {}, "source": "ملاحظاتي 中文 é 🙂"})
    named(notebook, "sigmoid")["source"] = "# ملاحظة 中文\n" + named(notebook, "sigmoid")["source"]


@form
def shell_commands_and_help(notebook):
    own = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    notebook["cells"].insert(0, own | {"source": "!pip install numpy", "id": "p"})
    notebook["cells"].append(own | {"source": "sigmoid?", "id": "q"})


BYTES = {
    "byte_order_mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "utf_16": lambda text: text.encode("utf-16"),
    "utf_32": lambda text: text.encode("utf-32"),
    "latin_1": lambda text: (
        json.dumps(json.loads(text), ensure_ascii=False).replace("–", "-").encode("latin-1", "ignore")
    ),
    "indented_by_tabs": lambda text: json.dumps(json.loads(text), indent="\t").encode(),
    "crlf": lambda text: json.dumps(json.loads(text), indent=1).replace("\n", "\r\n").encode(),
}


@pytest.mark.parametrize("make", FORMS, ids=lambda make: make.__name__)
def test_form_of_a_right_notebook_keeps_its_points(lesson, make, record_property):
    facts = grade(lesson, make())
    assert {name.removeprefix("test_"): points for name, points in facts["scores"].items()} == POINTS, facts
    assert not facts["unreadable"] + facts["look"]
    record_property("forms of a right notebook with full points", [1, 1])


@pytest.mark.parametrize("name", BYTES)
def test_bytes_of_a_right_notebook_keep_their_points(lesson, name, record_property):
    notebook = right()
    notebook.cells.insert(0, new_markdown_cell("Größe"))
    assert total(grade(lesson, BYTES[name](nbformat.writes(notebook)))) == sum(POINTS.values())
    record_property("forms of a right notebook with full points", [1, 1])


def total(facts):
    return sum(facts["scores"].values())


def test_there_are_enough_forms():
    assert len(FORMS) + len(BYTES) + len(FILES) >= 60


def test_labels_that_were_lost_are_said(lesson):
    facts = grade(lesson, edited(labels_and_ids_lost)())
    assert facts["notes"][0].startswith("This notebook has lost the labels of its cells.")


def test_a_notebook_of_something_else_is_marked_with_the_reason(lesson):
    facts = grade(lesson, saved(nbformat.v4.new_notebook(cells=[new_code_cell("print(1)", id="a")])))
    assert total(facts) == 0
    assert "none of the labels" in facts["look"]


def test_an_untouched_cell_that_is_put_back_replaces_nothing(lesson):
    """The put-back cell has no code of its own where the learner defined the function elsewhere."""
    notebook = as_plain(right())
    merge(notebook, "predict", "model")
    facts = grade(lesson, saved(notebook))
    assert facts["notes"] == ["The cell model was missing. Its answer was found in another cell."]
    assert facts["comments"]["model"] is None


# --- files -----------------------------------------------------------------------------------------------------------

FILE = LESSON.path.name
FILES = {
    "numbered": f"{LESSON.folder} (1).ipynb", "copy": f"{LESSON.folder}-Copy1.ipynb", "copy_of": f"Copy of {FILE}",
    "of_ann": f"{LESSON.folder}_Ann.ipynb", "text": f"{FILE}.txt", "json": f"{FILE}.json", "case": FILE.upper(),
    "folder": f"work/{FILE}", "deep": f"a/b/c/{FILE}", "other": "Untitled.ipynb", "space": f" {FILE}",
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_the_only_notebook_of_a_folder_counts_whatever_its_name(tmp_path, name):
    path = tmp_path / FILES[name]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"content")
    (tmp_path / ".ipynb_checkpoints").mkdir()
    (tmp_path / ".ipynb_checkpoints" / "x.ipynb").write_bytes(b"old")
    handed = folder.handed_in(tmp_path, FILE)
    assert handed.content == b"content"
    assert len(handed.notes) == 1


def zipped(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def test_a_notebook_in_a_zip_file_counts(tmp_path):
    (tmp_path / "work.zip").write_bytes(zipped({"a/n.ipynb": b"content", "__MACOSX/._n.ipynb": b"x", "a/b.png": b"x"}))
    assert folder.handed_in(tmp_path, FILE).content == b"content"


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"a.ipynb": b"1", "b.ipynb": b"2"}, "The folder holds: a.ipynb, b.ipynb."),
        ({"answers.pdf": b"1"}, "The folder holds: answers.pdf."),
        ({"<img src=x>.pdf": b"1"}, "The folder holds: ·img src·x·.pdf."),
        ({"a.zip": b"no zip"}, "a.zip is damaged or has a password."),
        ({"a.zip": zipped({"x.pdf": b""})}, "a.zip holds 0 notebooks."),
        ({}, f"There is no readable file {FILE}."),
    ],
    ids=["two", "pdf", "html", "no_zip", "empty_zip", "nothing"],
)
def test_what_is_there_instead_is_named(tmp_path, files, reason):
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    handed = folder.handed_in(tmp_path, FILE)
    assert handed.content is None
    assert handed.reason.endswith(reason)


def test_a_released_notebook_beside_a_solved_copy_is_marked(lesson, tmp_path):
    (tmp_path / FILE).write_text(nbformat.writes(without_free_cells(blank())))
    (tmp_path / f"{LESSON.folder}-Copy1.ipynb").write_text(nbformat.writes(right()))
    facts = grade(lesson, folder.handed_in(tmp_path, FILE))
    assert facts["look"] == f"It is as it was released. The answers may be in {LESSON.folder}-Copy1.ipynb."


# --- one slip costs once ---------------------------------------------------------------------------------------------


def with_slip(slips):
    notebook = right()
    for name, change in slips.items():
        cell(notebook, name).source = change(cell(notebook, name).source)
    return nbformat.writes(notebook).encode()


def released_stub(name):
    return lambda source: cell(blank(), name).source


SLIPS = {
    "left_as_released": lambda name: released_stub(name),
    "emptied": lambda name: lambda source: "",
    "error_left_at_the_end": lambda name: lambda source: source.replace("\n    return", f"\n{STUB}\n    return"),
    "wrong": lambda name: lambda source: source + f"\n_right = {name}\ndef {name}(*a, **k):\n    return None",
    "raises": lambda name: lambda source: f"def {name}(*a, **k):\n    raise ValueError('not yet')",
    "no_python": lambda name: lambda source: source + "\n)",
}


@pytest.mark.parametrize("slip", SLIPS)
@pytest.mark.parametrize("name", NAMES)
def test_one_slip_costs_once(lesson, name, slip, record_property):
    """Whichever exercise is blank, unfinished or wrong, the right ones that use it keep their points."""
    facts = grade(lesson, with_slip({name: SLIPS[slip](name)}))
    got = {test.removeprefix("test_"): points for test, points in facts["scores"].items()}
    assert got == POINTS | {name: 0}
    assert set(facts["mistakes"]) == {name}
    record_property("slips that cost once", [1, 1])


def test_not_written_is_said_only_of_what_is_not_written(lesson):
    """A function that calls an unwritten one fails, but nobody says that it is not written itself."""
    source = "def model(*a, **k):\n    return optimize(*a, **k)"  # wrong, and calls what is not written
    task = batch.Task(
        "ann", folder.Handed(with_slip({"optimize": released_stub("optimize"), "model": lambda _: source})), ""
    )
    made = batch.grade(lesson, task)
    assert made.facts["mistakes"] == {"optimize": "not written", "model": "other"}
    texts = {one.id: [output.get("evalue", "") for output in one.get("outputs", ())]
             for one in nbformat.reads(made.notebook, as_version=4).cells}  # fmt: skip
    assert texts["test_optimize"] == ["optimize is not written yet."]
    assert "model is not written" not in texts["test_model"][0]


def test_grading_stops_where_the_reference_does_not_run(lesson, monkeypatch):
    """A re-judging that cannot be done is no reason to take points."""
    from helpers.grading import execute, warm

    real = warm.new_room

    def broken(info, strength, limits, reference=False):
        room = real(info, strength, limits, reference)
        if reference:
            room.close("was closed")
        return room

    monkeypatch.setattr(warm, "new_room", broken)
    with pytest.raises(execute.ReferenceFailed, match="does not run in its room"):
        grade(lesson, with_slip({"sigmoid": released_stub("sigmoid")}))


def test_the_guide_says_what_its_table_says():
    """Reasons that the guide explains are those that are given."""
    guide = (TOP / "docs" / "instructors.md").read_text()
    for words in ("There is no readable file", "The file is not a notebook", "This notebook has none of the labels"):
        assert words in guide
    assert record.FACTS["look"] is str
