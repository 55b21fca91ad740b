"""Read a submission, whatever it is, and restore it to the cells that were released."""

import ast
import contextlib
import functools
import json
import os
import re
from typing import NamedTuple
from uuid import uuid4

import nbformat
from nbconvert.exporters import NotebookExporter
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor

from . import text
from .folder import Unreadable, handed_in, some

#: What a notebook may hold beside its texts: brackets, numbers, commas. Each takes far more memory than its one byte.
MAX_STRUCTURE = 8_000_000
MAX_SOURCE, MAX_CELLS = 1_000_000, 1000
#: Metadata of a restored notebook: why its file could not be read; why a human should look; what was mended; how it was
#: graded; and, of a cell, which limit it exceeded.
UNREADABLE, MARKED, NOTES = "grading_unreadable", "grading_marked", "grading_notes"
PROTOCOL, STOPPED = "grading_protocol", "grading_stopped"
_OTHERS = "grading_others"  # while a submission is read: names of other notebooks in its folder


def read(submitted):
    """Return a submitted notebook with sources alone: no outputs, no metadata but each cell's grade_id, and its ids.

    Parameters
    ----------
    submitted : bytes
        What the file holds, from `content`: a notebook of any format, in any encoding of Unicode or in Latin-1.

    Raises
    ------
    Unreadable
        If it is no notebook.
    """
    if len(submitted) > MAX_STRUCTURE:
        rest = re.sub(rb'"(?:[^"\\]|\\.)*"', b'""', submitted, flags=re.DOTALL)
        if len(rest) > MAX_STRUCTURE:
            raise Unreadable("The file holds more numbers and lists than is read. Clear its outputs and submit again.")
    try:
        found = json.loads(_decoded(submitted))
        given = found["cells"] if "cells" in found else [one for sheet in found["worksheets"] for one in sheet["cells"]]
        if not isinstance(given, list):
            raise TypeError
        if len(given) > MAX_CELLS:
            raise Unreadable(f"The file has more than {MAX_CELLS} cells.")
        cells = [cell for cell in map(_plain_cell, given) if cell is not None]
    except (ValueError, RecursionError, MemoryError):
        raise Unreadable("The file is not a notebook: it holds no valid JSON.") from None
    except (KeyError, TypeError, AttributeError):
        raise Unreadable("The file is not a notebook: cells are missing or have another form.") from None
    if not cells:
        raise Unreadable("The file is a notebook without cells.")
    if sum(len(cell.source) for cell in cells) > MAX_SOURCE:
        raise Unreadable(f"The file has more than {MAX_SOURCE // 1_000_000} MB of text in its cells.")
    return _notebook(cells)


def _notebook(cells, **metadata):
    """Return a notebook. nbformat's own maker validates it, and would say what is wrong with a learner's ids."""
    return nbformat.from_dict({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})


def _decoded(content):
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        encoding = json.detect_encoding(content)
        return content.decode("latin-1" if encoding.startswith("utf-8") else encoding)


def read_handed(handed):
    """Return the notebook that was handed in; of a file that is none, an empty one whose metadata say why."""
    try:
        if handed.content is None:
            raise Unreadable(handed.reason)
        notebook = read(handed.content)
        notebook.metadata.update({NOTES: list(handed.notes), _OTHERS: list(handed.others)})
        return notebook
    except Unreadable as error:
        return _notebook([], **{UNREADABLE: str(error)})


def _plain_cell(cell):
    """Return a cell of any notebook format, or None if it is none."""
    if not isinstance(cell, dict):
        return None
    source = cell.get("source", cell.get("input", ""))  # before format 4 code was called input
    source = "".join(part for part in source if isinstance(part, str)) if isinstance(source, list) else source
    if not isinstance(source, str):
        return None
    metadata = cell.get("metadata")
    nbgrader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    grade_id = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
    # A lone half of a surrogate pair is valid in JSON, but no text that can be written.
    source = source.encode("utf-8", "replace").decode().replace("\r\n", "\n")
    metadata = {"nbgrader": {"grade_id": grade_id}} if isinstance(grade_id, str) else {}
    kind = {"code": "code", "raw": "raw"}.get(cell.get("cell_type") if isinstance(cell.get("cell_type"), str) else "")
    given = cell.get("id")
    return _cell(kind or "markdown", source, metadata, given if isinstance(given, str) else None)


def _cell(kind, source, metadata=(), id=None):
    """Return a cell. nbformat's own makers validate each one, which is a tenth of the time of grading."""
    code = {"execution_count": None, "outputs": []} if kind == "code" else {}
    return nbformat.from_dict(
        {"id": id or uuid4().hex[:8], "cell_type": kind, "metadata": dict(metadata), "source": source, **code}
    )


class Reader(NotebookExporter):
    """The exporter through which nbgrader reads a submission: a file that is no notebook does not stop the batch."""

    def from_filename(self, filename, resources=None, **kwargs):
        if self._is_restored(filename, resources):
            return super().from_filename(filename, resources, **kwargs)
        notebook = read_handed(handed_in(*os.path.split(filename)))
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


@functools.lru_cache(maxsize=4096)  # in a class, most cells are the same
def defined(source):
    """Return the names that a cell's source binds outside of functions: functions, classes, variables."""
    lines = [line for line in source.splitlines() if not line.lstrip().startswith(("%", "!"))]
    with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):
        if len(source) < 100_000:
            return frozenset(_bound(ast.parse("\n".join(lines)).body))
    return frozenset(
        one or other for one, other in re.findall(r"(?m)^(?:def|class)[ ]+(\w+)|^(\w+)[ ]*=(?!=)", "\n".join(lines))
    )


def _bound(statements):
    for node in statements:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
            yield from (part.id for part in ast.walk(node) if isinstance(getattr(part, "ctx", None), ast.Store)
                        and isinstance(part, ast.Name))  # fmt: skip
        for inner in ("body", "orelse", "finalbody", "handlers") if not hasattr(node, "name") else ():
            yield from _bound(getattr(node, inner, []))
        if isinstance(node, ast.ExceptHandler):
            yield from _bound(node.body)


class _Places:
    """Where the released cells stand in a submission: found by label, by cell id, by text, by the function's name.

    ``at`` is ``{name: position}``; ``elsewhere`` are answers without a cell of their own whose functions another cell
    defines, with its position; ``unlabelled`` counts cells that were found without their label.
    """

    def __init__(self, cells, released):
        self.cells, self.released = cells, released
        self.at, self.elsewhere, self.unlabelled, self.notes = {}, {}, 0, []
        labels = [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in cells]
        copies = {}
        for position, label in enumerate(labels):
            copies.setdefault(label, []).append(position)
        for one in released:
            if one.name in copies:
                self.at[one.name] = copies[one.name][-1]
                self._note_copies(one, copies[one.name])
        self.labelled = len(self.at)
        self._exchange()
        lines = [_lines(cell.source) for cell in cells]
        for finds in (self._by_id, self._by_text, self._by_function, self._by_most_lines):
            for one in released:
                if one.name not in self.at:
                    position = finds(one, lines)
                    if position is not None:
                        self.at[one.name] = position
                        self.unlabelled += 1
        for one in released:
            if one.name not in self.at and not one.locked and self._wanted(one):
                found = [i for i, cell in enumerate(cells) if self._defines(cell, one)]
                if found:
                    self.elsewhere[one.name] = found[-1]

    def _wanted(self, one):
        return defined(one.source) if one.cell_type == "code" and not one.locked else frozenset()

    def _defines(self, cell, one):
        wanted = self._wanted(one)
        return bool(wanted) and cell.cell_type == "code" and wanted <= defined(cell.source)

    def _free(self):
        taken = set(self.at.values())
        return [position for position in range(len(self.cells) - 1, -1, -1) if position not in taken]

    def _exchange(self):
        """Give an answer whose labelled cell defines something else the cell that defines its function."""
        wrong = {
            one.name: one
            for one in self.released
            if one.name in self.at and self._wanted(one) and not self._defines(self.cells[self.at[one.name]], one)
        }
        candidates = [*self._free(), *(self.at[name] for name in wrong)]
        moved = {}
        for name, one in wrong.items():
            position = next((at for at in candidates if self._defines(self.cells[at], one)), None)
            if position is not None and position not in moved.values():
                moved[name] = position
        for name in moved:
            del self.at[name]
        for name in [name for name, position in self.at.items() if position in moved.values()]:
            del self.at[name]
        self.at |= moved
        self.notes += [f"The label {name} was on another cell. The cell that defines it was graded." for name in moved]

    def _by_id(self, one, lines):
        found = [position for position in self._free() if self.cells[position].get("id") == one.name]
        return found[0] if found else None

    def _by_text(self, one, lines):
        wanted = _lines(one.source)
        return next((position for position in self._free() if wanted and lines[position] == wanted), None)

    def _by_function(self, one, lines):
        return next((position for position in self._free() if self._defines(self.cells[position], one)), None)

    def _by_most_lines(self, one, lines):
        """Find a locked cell that was changed: most of its lines are there."""
        wanted = set(_lines(one.source))
        if not one.locked or len(wanted) < 2:
            return None
        shared, position = max(
            ((len(wanted.intersection(lines[position])), -position) for position in self._free()), default=(0, 0)
        )
        return -position if 2 * shared > len(wanted) else None

    def _note_copies(self, one, positions):
        """Say it where the last copy of an answer, which counts, is empty, and an earlier one is not."""
        empty = [_lines(self.cells[position].source) == _lines(one.source) for position in positions]
        if not one.locked and empty[-1] and not all(empty):
            self.notes.append(f"The cell {one.name} is there {len(positions)} times. The last one counts; it is empty.")


def _lines(source):
    return tuple(line.rstrip() for line in source.splitlines() if line.strip())


def restore(notebook, released):
    """Return a submission with each released cell exactly once, in the released order, and what was mended.

    Locked cells get their released source. Of a cell that was copied, the last copy takes its name, and the others are
    plain cells. A cell that was deleted is put back after the one before it; so is one that was moved in front of it.
    An answer that is put back has no code if another cell defines its function.

    Parameters
    ----------
    notebook : NotebookNode
        From `read`.
    released : list of Released

    Returns
    -------
    cells : list of NotebookNode
    notes : list of str
        Sentences for the learner about what was mended.
    lost : list of str
        Answers that were found nowhere, if the notebook has none of the labels.
    """
    places = _Places(notebook.cells, released)
    at, notes, absent = places.at, list(places.notes), []
    slots, here = {}, -1  # position in the submission -> the released cells that stand there
    for cell in released:
        position = at.get(cell.name, places.elsewhere.get(cell.name))
        if cell.name in places.elsewhere:
            notes.append(f"The cell {cell.name} was missing. Its answer was found in another cell.")
        elif position is None:
            absent.append(cell)
        elif position < here:
            notes.append(f"The cell {cell.name} stood too far up. It was graded after the cells that come before it.")
        here = max(here, -1 if position is None else position)
        slots.setdefault(here, []).append(cell)
    notes += [f"The cell {cell.name} was missing. It was put back." for cell in absent[:3]]
    notes += [f"{len(absent) - 3} more cells were missing. They were put back."] if len(absent) > 3 else []
    if places.unlabelled:
        which = f"{places.unlabelled} of its cells" if places.labelled else "its cells"
        notes.insert(0, f"This notebook has lost the labels of {which}. They were found by their ids, texts and names.")
    cells, standing = [], set(at.values())
    for position in range(-1, len(notebook.cells)):
        if position >= 0 and position not in standing:
            cells.append(_free_cell(notebook.cells[position]))
        for cell in slots.get(position, []):
            source = cell.source
            if not cell.locked and cell.name in at:
                source = notebook.cells[at[cell.name]].source
            elif cell.name in places.elsewhere:
                source = f"# {cell.name} is defined in another cell."
            cells.append(_released_cell(cell, source))
    for number, cell in enumerate(cells):
        cell.id = cell.metadata.get("nbgrader", {}).get("grade_id", f"cell-{number}")
    lost = [] if places.labelled else [cell.name for cell in absent if not cell.locked]
    return cells, notes, lost


def _free_cell(cell):
    return _cell("code" if cell.cell_type == "code" else "markdown", cell.source)


def _released_cell(cell, source):
    metadata = {
        "grade": cell.points is not None and not cell.task, "grade_id": cell.name, "locked": cell.locked,
        "schema_version": 3, "solution": cell.solution, "task": cell.task, "cell_type": cell.cell_type,
        "checksum": cell.checksum,
    }  # fmt: skip
    if cell.points is not None:
        metadata["points"] = cell.points
    return _cell("code" if cell.cell_type == "code" else "markdown", source, {"nbgrader": metadata})


def restore_notebook(nb, released):
    """Restore a submission in place, with a first cell that says what was mended, and return these notes.

    The notebook's metadata say it too, and why a human should look at it.
    """
    cells, notes, lost = restore(nb, released)
    notes = nb.metadata.get(NOTES, []) + notes
    metadata = {}
    if UNREADABLE in nb.metadata:
        notes, metadata[UNREADABLE] = [nb.metadata[UNREADABLE]], nb.metadata[UNREADABLE]
    elif lost:
        metadata[MARKED] = f"This notebook has none of the labels, and not found were the answers: {some(lost)}."
        notes = [metadata[MARKED]]  # not what was put back, which is all of it
    elif nb.metadata.get(_OTHERS) and not _is_answered(cells, released):
        metadata[MARKED] = f"It is as it was released. The answers may be in {some(nb.metadata[_OTHERS])}."
        notes.append(metadata[MARKED])
    notes = [text.line(note, 500) for note in notes]
    if notes:
        lines = "\n".join(f"- {text.markdown(note)}" for note in notes)
        cells.insert(0, _cell("markdown", f"**Notes of the grader**\n\n{lines}", id="notes-of-the-grader"))
    nb.cells = cells
    nb.nbformat, nb.nbformat_minor = 4, 5
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nb.metadata = nbformat.from_dict(
        {"kernelspec": kernel, "language_info": {"name": "python"}, NOTES: notes, **metadata}
    )
    return notes


def _is_answered(cells, released):
    answers = {cell.name: _lines(cell.source) for cell in released if not cell.locked}
    names = [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in cells]
    return any(_lines(cell.source) != answers[name] for cell, name in zip(cells, names, strict=True) if name in answers)


class Restore(NbGraderPreprocessor):
    """Restore a submission; this stands for nbgrader's DeduplicateIds, OverwriteCells and CheckCellMetadata."""

    def preprocess(self, nb, resources):
        restore_notebook(nb, released_cells(resources))
        return nb, resources
