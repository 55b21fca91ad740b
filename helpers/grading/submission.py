"""Read a submission, whatever it is, and restore it to the cells that were released."""

import json
import os
import re
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import nbformat
from nbconvert.exporters import NotebookExporter
from nbformat.v4 import new_notebook
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import parse_utc

MAX_BYTES = 64_000_000
#: Metadata of a restored notebook whose file could not be read: the reason.
UNREADABLE = "grading_unreadable"


class Unreadable(Exception):
    """A submitted file is no notebook; the message is one sentence for the learner."""


def missing(name):
    """Return the reason where a submission has no file of this name, or none that may be read."""
    return f"There is no readable file {name}."


def content(path):
    """Return the bytes of a submitted file; raise `Unreadable` if it is no regular file, or too large."""
    try:
        if os.path.islink(path) or not os.path.isfile(path):
            raise Unreadable(missing(os.path.basename(path)))
        if os.path.getsize(path) > MAX_BYTES:
            raise Unreadable(f"The file has more than {MAX_BYTES // 1_000_000} MB. Clear its outputs and submit again.")
        return Path(path).read_bytes()
    except OSError as error:
        raise Unreadable(f"The file cannot be read ({type(error).__name__}).") from None


def read(submitted):
    """Return a submitted notebook with sources alone: no outputs, no metadata but each cell's grade_id.

    Parameters
    ----------
    submitted : bytes
        What the file holds, from `content`.

    Raises
    ------
    Unreadable
        If it is no notebook of format 4.
    """
    try:
        found = json.loads(submitted.decode("utf-8-sig"))
        if found["nbformat"] != 4:
            raise Unreadable(f"The file has notebook format {found['nbformat']!r:.20}; this course needs format 4.")
        cells = [_plain_cell(cell) for cell in found["cells"]]
    except Unreadable:
        raise
    except UnicodeDecodeError as error:
        raise Unreadable(f"The file cannot be read ({type(error).__name__}).") from None
    except (ValueError, RecursionError):
        raise Unreadable("The file is not a notebook: it holds no valid JSON.") from None
    except (KeyError, TypeError, AttributeError):
        raise Unreadable("The file is not a notebook: cells are missing or have another form.") from None
    return new_notebook(cells=cells)


def read_or_reason(path):
    """Return the notebook at a path; of a file that is none, an empty one whose metadata say why."""
    try:
        return read(content(path))
    except Unreadable as error:
        return new_notebook(metadata={UNREADABLE: str(error)})


def _plain_cell(cell):
    source = cell["source"]
    source = source if isinstance(source, str) else "".join(source)
    metadata = cell.get("metadata")
    nbgrader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    grade_id = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
    # A lone half of a surrogate pair is valid in JSON, but no text that can be written.
    source = source.encode("utf-8", "replace").decode()
    metadata = {"nbgrader": {"grade_id": grade_id}} if isinstance(grade_id, str) else {}
    kind = {"code": "code", "markdown": "markdown", "raw": "raw"}[cell["cell_type"]]
    return _cell(kind, source, metadata)


def _cell(kind, source, metadata=(), id=None):
    """Return a cell. nbformat's own makers validate each one, which is a tenth of the time of grading."""
    code = {"execution_count": None, "outputs": []} if kind == "code" else {}
    return nbformat.from_dict(
        {"id": id or uuid4().hex[:8], "cell_type": kind, "metadata": dict(metadata), "source": source, **code}
    )


def prepare(assignment, student, notebooks):
    """Make a submitted folder safe to walk through, before nbgrader does; its ``pre_convert_hook``.

    What is not a regular, readable file or folder (a link to the gradebook, a pipe), and a ``timestamp.txt`` without a
    time, moves to ``refused/`` beside ``submitted/``. Of the notebooks only the one that was released stays; if it is
    missing, it is read as missing.

    Parameters
    ----------
    assignment, student : str
        As on nbgrader's command line.
    notebooks : list of str
        Paths of the notebooks that were found; changed in place.
    """
    folder = Path(notebooks[0]).parent
    refused = folder.parent.parent.with_name("refused") / folder.parent.name / folder.name
    for parent, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            path = Path(parent) / name
            strange = path.is_symlink() or not (path.is_dir() or path.is_file()) or not os.access(path, os.R_OK)
            if strange or (path == folder / "timestamp.txt" and not _holds_time(path)):
                target = refused / path.relative_to(folder)
                target.parent.mkdir(parents=True, exist_ok=True)
                os.replace(path, target)
    notebooks[:] = [str(folder / f"{folder.name}.ipynb")]


def _holds_time(path):
    try:
        parse_utc(path.read_text().strip() or "2000-01-01")  # nbgrader itself accepts an empty one
    except (ValueError, OverflowError):  # no text, no time
        return False
    return True


class Reader(NotebookExporter):
    """The exporter through which nbgrader reads a submission: a file that is no notebook does not stop the batch."""

    def from_filename(self, filename, resources=None, **kwargs):
        if self._is_restored(filename, resources):
            return super().from_filename(filename, resources, **kwargs)
        notebook = read_or_reason(filename)
        return self.from_notebook_node(notebook, resources=resources, **kwargs)

    def _is_restored(self, filename, resources):
        """Return whether this is the second time: nbgrader writes what `Restore` made to autograded/ and reads it."""
        directory, names = self.parent.coursedir, resources["nbgrader"]
        graded = directory.format_path(directory.autograded_directory, names["student"], names["assignment"])
        return os.path.abspath(os.path.dirname(filename)) == os.path.abspath(graded)


class Released(NamedTuple):
    """A cell as it was released, from the gradebook; `points` is None if it is not graded."""

    name: str
    cell_type: str
    source: str
    locked: bool
    solution: bool
    task: bool
    points: float | None
    checksum: str


def released_cells(resources):
    """Return the nbgrader cells of the assignment in their order, as the gradebook has them."""
    names = resources["nbgrader"]
    with Gradebook(names["db_url"]) as gradebook:
        return released_in(gradebook, names["notebook"], names["assignment"])


def released_in(gradebook, notebook, assignment):
    """Return the nbgrader cells of a notebook in their order, as an open gradebook has them."""
    notebook = gradebook.find_notebook(notebook, assignment)
    points = {cell.name: cell.max_score for cell in [*notebook.grade_cells, *notebook.task_cells]}
    solutions = {cell.name for cell in notebook.solution_cells}
    tasks = {cell.name for cell in notebook.task_cells}
    return [
        Released(
            cell.name, cell.cell_type, cell.source, cell.locked, cell.name in solutions, cell.name in tasks,
            points.get(cell.name), cell.checksum,
        )
        for cell in notebook.source_cells
    ]  # fmt: skip


def restore(notebook, released):
    """Return a submission with each released cell exactly once, in the released order, and what was mended.

    Locked cells get their released source. Of a cell that was copied, the last copy takes its name, and the others are
    plain cells. A cell that was deleted is put back after the one before it; so is one that was moved in front of it.

    Parameters
    ----------
    notebook : NotebookNode
        From `read`.
    released : list of Released

    Returns
    -------
    cells : list of NotebookNode
    notes : list of str
        One sentence for the learner per cell that was mended.
    """
    named = {cell.name for cell in released}
    last = {}
    for position, cell in enumerate(notebook.cells):
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name in named:
            last[name] = position
    slots = {}  # position in the submission -> the released cells that stand there
    notes, here = [], -1
    for cell in released:
        position = last.get(cell.name)
        if position is None:
            notes.append(f"The cell {cell.name} was missing. It was put back.")
        elif position < here:
            notes.append(f"The cell {cell.name} stood too far up. It was graded after the cells that come before it.")
        here = max(here, -1 if position is None else position)
        slots.setdefault(here, []).append(cell)
    cells = []
    for position in range(-1, len(notebook.cells)):
        standing_here = slots.get(position, [])
        own = notebook.cells[position] if position >= 0 else None
        name = own.metadata.get("nbgrader", {}).get("grade_id") if own is not None else None
        if own is not None and last.get(name) != position:
            cells.append(_free_cell(own))
        for cell in standing_here:
            at = last.get(cell.name)
            answer = notebook.cells[at].source if at is not None and not cell.locked else cell.source
            cells.append(_released_cell(cell, answer))
    for number, cell in enumerate(cells):
        cell.id = cell.metadata.get("nbgrader", {}).get("grade_id", f"cell-{number}")
    return cells, notes


def _free_cell(cell):
    kind = "code" if cell.cell_type == "code" else "markdown"
    return _cell(kind, cell.source if kind == "code" else harmless(cell.source))


#: HTML that the lessons' own text uses. It carries no attributes, so no page executes anything in it.
_HARMLESS = r"/?(?:details|summary|b|i|em|strong|sub|sup|br|kbd|code)>"


def harmless(markdown):
    """Return Markdown without what a page could execute: feedback and formgrader show what students send.

    HTML tags and entities become text, script and data addresses lose their colon, attachments are left out.
    """
    markdown = re.sub(r"&(?=#?\w+;)", "&amp;", markdown)
    markdown = re.sub(rf"<(?!{_HARMLESS})", "&lt;", markdown)
    markdown = re.sub(r"(?i)(script|data)[\\\s]*:", r"\1 -", markdown)
    return markdown.replace("attachment:", "picture-left-out-")


def _released_cell(cell, source):
    metadata = {
        "grade": cell.points is not None and not cell.task, "grade_id": cell.name, "locked": cell.locked,
        "schema_version": 3, "solution": cell.solution, "task": cell.task, "cell_type": cell.cell_type,
        "checksum": cell.checksum,
    }  # fmt: skip
    if cell.points is not None:
        metadata["points"] = cell.points
    if cell.cell_type != "code" and not cell.locked:
        source = harmless(source)
    return _cell("code" if cell.cell_type == "code" else "markdown", source, {"nbgrader": metadata})


def restore_notebook(nb, released):
    """Restore a submission in place, with a first cell that says what was mended, and return these notes."""
    cells, notes = restore(nb, released)
    if UNREADABLE in nb.metadata:
        notes = [nb.metadata[UNREADABLE]]
    if notes:
        text = "\n".join(f"- {note}" for note in notes)
        cells.insert(0, _cell("markdown", f"**Notes of the grader**\n\n{text}", id="notes-of-the-grader"))
    nb.cells = cells
    nb.nbformat, nb.nbformat_minor = 4, 5
    nb.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            **{key: nb.metadata[key] for key in (UNREADABLE,) if key in nb.metadata},
        }
    )
    return notes


class Restore(NbGraderPreprocessor):
    """Restore a submission; this stands for nbgrader's DeduplicateIds, OverwriteCells and CheckCellMetadata."""

    def preprocess(self, nb, resources):
        restore_notebook(nb, released_cells(resources))
        return nb, resources
