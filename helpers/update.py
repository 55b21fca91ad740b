"""Bring a new release into a folder in which a learner has worked, without loss: ``python -m helpers.update FILE.zip``.

A file that the learner did not change becomes the new one. A file that only the learner changed stays. Of a file that
both changed, the learner's is first copied to ``before/<date>/``; then a notebook becomes the new one with the
learner's answers and own cells in place, and any other file the new one. Each file is replaced in one step and the list
of the edition's files comes last: killed at any moment, nothing is lost, and a second run finishes.
"""

import argparse
import bz2
import contextlib
import copy
import datetime
import hashlib
import json
import logging
import os
import re
import sys
import tomllib
import warnings
import zipfile
import zlib
from pathlib import Path

import nbformat
from nbformat.v4 import new_markdown_cell

MANIFEST = ".edition.json"
#: Here lie copies of a learner's files; far from the lessons' folders, which nbgrader submits as a whole.
BEFORE = "before"
#: Tag of answers that have no place in the new release any more; they stand at the end of the notebook.
KEPT = "kept-answer"
_PART = ".edition.part"
_MAX_BYTES = 1_000_000_000


class ReleaseRefused(Exception):
    """Writing would destroy something, or there is nothing to write; the message says what to do. All is as it was."""


# --- the list of an edition's files ----------------------------------------------------------------------------------


def manifest(files, complete):
    """Return the content of an edition's list of files: their hashes, and those of the notebooks' free cells.

    Parameters
    ----------
    files : dict
        ``{path: bytes}``.
    complete : bool
        Whether the edition holds all lessons, so that what it lacks is gone from the course.

    Returns
    -------
    bytes
    """
    named = {path: files[path] for path in sorted(files) if path != MANIFEST}
    cells = {path: _free_cells(content) for path, content in named.items() if path.endswith(".ipynb")}
    return _manifest_bytes(complete, {path: _hash(content) for path, content in named.items()}, cells)


def _manifest_bytes(complete, hashes, cells):
    fields = {"complete": complete, "files": dict(sorted(hashes.items())), "cells": dict(sorted(cells.items()))}
    return (json.dumps(fields, indent=1) + "\n").encode()


def _read_manifest(content):
    """Return ``complete``, ``files`` and ``cells`` of a list of files; raise ValueError if it is none."""
    fields = json.loads(content)
    if isinstance(fields, dict) and not isinstance(fields.get("files"), dict):
        fields = {"files": fields}  # as releases wrote it that had no list of cells
    if not isinstance(fields, dict) or not all(isinstance(value, str) for value in fields["files"].values()):
        raise ValueError("no list of files")
    return bool(fields.get("complete")), fields["files"], fields.get("cells", {})


def _free_cells(content):
    """Return ``{id: hash of the source}`` of the cells that nbgrader does not know: text and demonstrations."""
    notebook = _read_notebook(content)
    cells = notebook.cells if notebook else []
    return {cell.id: _short_hash(cell.source) for cell in cells if "id" in cell and "nbgrader" not in cell.metadata}


def _hash(content):
    return hashlib.sha256(content).hexdigest()


def _short_hash(source):
    return _hash(source.encode("utf-8", "surrogatepass"))[:16]


# --- writing ---------------------------------------------------------------------------------------------------------


def write(files, folder, keep_work=False):
    """Write an edition into a folder, and never lose a learner's work.

    A file counts as work if it is not as the last release into this folder left it. Files of the last release that the
    new one lacks are removed if they were left alone; an update removes them only if the new release is complete and
    none of them is work.

    Parameters
    ----------
    files : dict
        ``{path: bytes}``, from `helpers.release.edition` or `read_edition`.
    folder : path
    keep_work : bool
        Whether to bring the new release into a folder with work, as this module says, instead of refusing.

    Returns
    -------
    changes : list of str
        What changed for the learner, one line each; empty for a first release and where nothing changed.

    Raises
    ------
    ReleaseRefused
        If the folder holds other things, or holds work and not `keep_work`.
    OSError
        If a file cannot be read or written. All work is still there then; run it again.
    """
    folder = Path(folder)
    known, changes = _manifest_of(folder, keep_work)
    if known is None and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ReleaseRefused(f"{folder} is not empty and holds no edition. Choose a new folder; nothing was written.")
    first = known is None
    before, cells_before = known or ({}, {})
    complete = _read_manifest(files.get(MANIFEST, b"{}"))[0]
    _, released, cells = _read_manifest(manifest(files, complete))
    work = [path for path in sorted({*released, *before}) if _is_work(folder / path, before.get(path), files.get(path))]
    if work and not keep_work:
        raise ReleaseRefused(
            f"{folder} holds work in {', '.join(work[:3])}{' and more' if len(work) > 3 else ''}. "
            "Add --update to bring the new release in and keep the work, or release into another folder; "
            "nothing was written."
        )
    today = datetime.date.today().isoformat()
    for path in sorted(released, key=lambda path: (not path.endswith(".ipynb"), path)):
        target, content = folder / path, files[path]
        if path in work:
            if before.get(path) == released[path]:
                continue  # only the learner changed it
            current, place, said = target.read_bytes(), "in place of yours", []
            if path.endswith(".ipynb"):
                packs = (_pack(folder, before, path), _pack(files, None, path))
                content, said = merge(current, content, cells_before.get(path), today, packs)
                place = "with your work in it"
                if said is None:
                    place, said = "in place of yours, which is damaged: no program can read it as a notebook", []
            if content == current:
                continue  # a run before this one did it
            kept = _keep(folder, path, current, today)
            _put(folder, path, content)
            changes.append(f"{path}: new release, {place}. Your file as it was: {kept}")
            changes += [f"  {line}" for line in said]
        elif not target.exists():
            _put(folder, path, content)
            if path.endswith(".ipynb") and not first:
                changes.append(f"{path}: {'put back' if path in before else 'new lesson'}")
        elif target.read_bytes() != content:
            _put(folder, path, content)
            if path.endswith(".ipynb"):
                changes.append(f"{path}: new release; you had not changed yours")
    changes += _remove(folder, before, released, work, complete, keep_work)
    left = {path: before[path] for path in set(before) - set(released) if (folder / path).exists()}
    cells |= {path: cells_before[path] for path in left if path in cells_before}
    listed = _manifest_bytes(complete, released | left, cells)
    if first or not (folder / MANIFEST).exists() or (folder / MANIFEST).read_bytes() != listed:
        _put(folder, MANIFEST, listed)
    return changes


def _manifest_of(folder, keep_work):
    """Return (hashes, cells) of the last release, or None where there was none; and what is to be said about it."""
    try:
        return _read_manifest((folder / MANIFEST).read_bytes())[1:], []
    except (FileNotFoundError, NotADirectoryError):
        return None, []
    except ValueError:
        if keep_work:
            return ({}, {}), [f"{MANIFEST} is damaged: each file that differs from the new release counts as yours"]
        raise ReleaseRefused(
            f"{folder / MANIFEST} is damaged. Add --update to bring the new release in and keep all work, "
            "or release into a new folder; nothing was written."
        ) from None


def _is_work(path, released_hash, new):
    if not path.exists():
        return False
    content = path.read_bytes()
    return _hash(content) != released_hash and content != new


def _remove(folder, before, released, work, complete, keep_work):
    """Remove what the new release lacks, where no lesson with work may still need it; return what is to be said."""
    gone = sorted(set(before) - set(released))
    if keep_work and (not complete or set(gone) & set(work)):
        lessons = [path for path in gone if path.endswith(".ipynb")] if complete else []
        return [f"{path}: no longer in the release; left as it is" for path in lessons if (folder / path).exists()]
    for path in gone:
        (folder / path).unlink(missing_ok=True)
    return [
        f"{path}: no longer in the release; removed, you had not changed it" for path in gone if path[-6:] == ".ipynb"
    ]


def _keep(folder, path, content, today):
    """Copy a learner's file below `BEFORE`, never over another copy, and return where it is; once if it is there."""
    number = 1
    while True:
        name = f"{BEFORE}/{today}{f'-{number}' if number > 1 else ''}/{path}"
        if not os.path.lexists(folder / name):
            _put(folder, name, content)
            return name
        if (folder / name).is_file() and (folder / name).read_bytes() == content:
            return name
        number += 1


def _put(folder, path, content):
    """Write a file in one step: whenever this is killed, there is the old file or the new one."""
    target, part = folder / path, folder / _PART
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(part, "wb") as file:
        file.write(content)
        if path.startswith(BEFORE):
            file.flush()
            os.fsync(file.fileno())  # on the disk before the file that it is a copy of is replaced
    os.replace(part, target)


def _pack(source, before, notebook):
    """Return ``{exercise: its entry}`` of the pack of a notebook's checks in a folder or in files; {} if unknown."""
    path = f"helpers/checks/packs/{Path(notebook).stem[3:]}.json"
    for suffix, opened in ((".bz2", bz2.decompress), ("", bytes)):  # older releases did not compress them
        with contextlib.suppress(OSError, KeyError, ValueError, TypeError):
            content = source[path + suffix] if isinstance(source, dict) else (source / (path + suffix)).read_bytes()
            if before is not None and _hash(content) != before.get(path + suffix):
                return {}
            return {dict(entry["dict"])["name"]: entry for entry in json.loads(opened(content))["list"]}
    return {}


# --- notebooks -------------------------------------------------------------------------------------------------------


def merge(mine, new, free=None, today="", packs=({}, {})):
    """Return a new release of a notebook with a learner's answers and own cells in place.

    Cells are matched by their grade_id, others by their id. An answer that the learner changed takes the place of the
    new one; locked cells are the release's; of a cell that was copied, the last copy counts, as in grading. Text and
    demonstrations are the release's, too, unless only the learner changed them; if both did, the learner's follows the
    new one. The learner's own cells stay behind the cell that they followed. Answers without a place come at the end.

    Parameters
    ----------
    mine, new : bytes
        The learner's file and the released one.
    free : dict, optional
        ``{id: hash}`` of the free cells of the release that the learner began with, from its list of files.
    today : str
        The date, for notes in the notebook.
    packs : pair of dict
        The exercises of the old and of the new pack of checks, by name, where both are known.

    Returns
    -------
    content : bytes
        Of the new file; `mine` itself if nothing is to be changed, and `new` if `mine` is no notebook.
    changes : list of str or None
        What changed, one line each; None if `mine` is no notebook.
    """
    old, fresh = _read_notebook(mine), _read_notebook(new)
    if old is None or fresh is None:
        return new, None
    cells, changes = _Merge(old, fresh, free or {}, today, packs).result()
    merged = copy.deepcopy(fresh)
    merged.metadata = nbformat.from_dict({**fresh.metadata, **old.metadata})
    merged.cells = cells
    if not _is_valid(merged):  # outputs and metadata that no notebook may have are left out; the copy has them
        merged.metadata = copy.deepcopy(fresh.metadata)
        for cell in cells:
            cell.pop("attachments", None)
            cell.metadata = nbformat.from_dict({k: v for k, v in cell.metadata.items() if k in ("nbgrader", "tags")})
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        if not _is_valid(merged):
            return new, None
    if (old.nbformat, old.nbformat_minor) == (4, 5) and merged == old:
        return mine, []
    return (nbformat.writes(merged) + "\n").encode("utf-8", "replace"), changes


class _Merge:
    """One merge: `take` goes through the learner's cells, `result` puts all together."""

    def __init__(self, old, fresh, free, today, packs):
        self.old, self.fresh, self.free, self.today = old, fresh, free, today
        self.places = {_grade_id(cell) or cell.id: cell for cell in fresh.cells}
        self.by_hash = {value: key for key, value in free.items()}
        self.by_hash |= {_short_hash(cell.source): cell.id for cell in fresh.cells if not _grade_id(cell)}
        self.ids = set(self.places) | {cell.id for cell in fresh.cells}
        self.seen = {cell.get("id") for cell in old.cells}
        self.filled = {}  # key -> the cell of the result
        self.notes = {}  # key -> a note above it
        self.behind = {}  # key, or None for the top -> the learner's own cells behind it
        self.end, self.changes = [], []
        self.new_texts = self.unknown = 0
        old_pack, new_pack = packs
        self.new_checks = {name for name in old_pack if name in new_pack and old_pack[name] != new_pack[name]}

    def result(self):
        last = {self.key(cell): position for position, cell in enumerate(self.old.cells)}
        tests = {_grade_id(cell): cell for cell in self.old.cells if _settings(cell).get("grade")}
        for key in self.places:
            test = tests.get(f"test_{key}")
            if test is not None and _checksum(test) != _checksum(self.places.get(f"test_{key}", test)):
                self.new_checks.add(key)
        here = None
        for position, cell in enumerate(self.old.cells):
            key = self.key(cell)
            if key in self.places and last[key] == position:
                if self.places[key].cell_type == cell.cell_type:
                    self.place(key, cell)
                    here = key
                    continue
            elif key in self.places:
                self.behind.setdefault(here, []).append(self.plain(cell))  # an earlier copy
                continue
            self.own(cell, key, here)
        names = {_grade_id(cell) for cell in self.old.cells}
        self.changes += [
            f"{key}: new exercise" for key, cell in self.places.items() if _is_answer(cell) and key not in names
        ]
        cells = list(self.behind.get(None, []))
        for key, cell in self.places.items():
            cells += [*self.notes.get(key, []), self.filled.get(key, cell), *self.behind.get(key, [])]
        count = sum(map(len, self.behind.values()))
        for number, sentence in (
            (self.new_texts, "{} with new text or demonstrations"),
            (count, "{} of your own, kept"),
            (self.unknown, "{} differ from yours; if you wrote there, it is in the file as it was"),
        ):
            if number:
                self.changes.append(sentence.format(f"{number} cell{'s' * (number > 1)}"))
        return [*cells, *self.end], self.changes

    def key(self, cell):
        """Return the name under which the release knows a cell, or None."""
        name = _grade_id(cell)
        if name:
            return name
        if cell.get("id") in self.ids or cell.get("id") in self.free:
            return cell.id
        name = self.by_hash.get(_short_hash(cell.source))  # some programs give all cells new ids
        return name if name not in self.seen else None

    def place(self, key, cell):
        """Fill the place of a released cell with the learner's or the released source."""
        new = self.places[key]
        source = new.source
        if _is_answer(new):
            if not _is_answer(cell) or _is_changed(cell):
                source = cell.source
            self.compare(key, cell, new, is_answered=source != new.source)
        elif _grade_id(new):
            if _grade_id(cell) and _is_changed(cell) and cell.source != new.source:
                self.changes.append(f"{key}: you had changed this locked cell; it is the release's again")
        elif cell.source != new.source:
            released = self.free.get(key)
            self.new_texts += released not in (None, _short_hash(new.source))
            if released is None:
                self.unknown += 1
            elif released == _short_hash(new.source):
                source = cell.source  # only the learner changed it
            elif released != _short_hash(cell.source):
                self.changes.append(f"{key}: you and the release changed this cell; yours follows the new one")
                self.behind.setdefault(key, []).append(self.plain(cell))
        filled = copy.deepcopy(cell if source == cell.source else new)
        filled.id = new.id
        filled.metadata = nbformat.from_dict({**_without_nbgrader(cell.metadata), **new.metadata})
        if filled.cell_type == "code" and key.startswith("test_") and key[5:] in self.new_checks:
            filled.outputs, filled.execution_count = [], None
        self.filled[key] = filled

    def compare(self, key, cell, new, is_answered):
        """Say whether an exercise changed; where what is given did, a note shows it above the answer."""
        reasons = []
        given = _settings(cell).get("checksum")
        if given and given != _settings(new).get("checksum"):
            reasons.append("what is given changed")
            if is_answered:
                fence = "`" * max(3, 1 + max(map(len, re.findall("`+", new.source)), default=0))
                text = (
                    f"**What is given for `{key}` changed on {self.today}.** Your answer stands below as you wrote it. "
                    f"Given now:\n\n{fence}{'python' * (new.cell_type == 'code')}\n{new.source}\n{fence}"
                )
                self.notes[key] = [self.note(f"given_{key}", text)]
        if key in self.new_checks:
            reasons.append("its checks changed")
        if reasons:
            state = "your answer is in place, check it again" if is_answered else "you had not begun it"
            self.changes.append(f"{key}: {' and '.join(reasons)}; {state}")

    def own(self, cell, key, here):
        """Keep a cell for which the release has no place, unless it is the last release's and was left alone."""
        name = _grade_id(cell)
        now = "a cell of another kind now" if key in self.places else "no longer an exercise"
        if name and not _is_changed(cell):
            if _is_answer(cell):
                self.changes.append(f"{name}: {now}; you had not begun it")
        elif name and _is_answer(cell):
            text = f"**Your answer to `{name}`, kept on {self.today}: the new release has no such cell.**"
            kept = self.plain(cell)
            kept.metadata["tags"] = [KEPT]
            self.end += [self.note(f"kept_{name}", text, [KEPT]), kept]
            self.changes.append(f"{name}: {now}; your answer stands at the end")
        elif KEPT in cell.metadata.get("tags", []):
            self.end.append(self.plain(cell))
        elif self.free.get(key) != _short_hash(cell.source) and (cell.source.strip() or cell.get("outputs")):
            self.behind.setdefault(here, []).append(self.plain(cell))

    def plain(self, cell):
        """Return a learner's cell that nbgrader does not know, with an id that no other cell has."""
        cell = copy.deepcopy(cell)
        cell.metadata = nbformat.from_dict(_without_nbgrader(cell.metadata))
        cell.id = self.new_id(str(cell.get("id") or f"own-{_short_hash(cell.source)}"))
        return cell

    def note(self, name, text, tags=()):
        return new_markdown_cell(text, id=self.new_id(name), metadata={"tags": list(tags)} if tags else {})

    def new_id(self, wanted):
        wanted = re.sub(r"[^a-zA-Z0-9_-]", "_", wanted)[:56] or "own"
        found = next(
            name
            for number in range(1, 10**6)
            if (name := f"{wanted}-{number}" if number > 1 else wanted) not in self.ids
        )
        self.ids.add(found)
        return found


def _read_notebook(content):
    """Return a notebook from the bytes of its file, as lenient as can be; None if they are none."""
    logger = logging.getLogger("traitlets")
    level = logger.level
    logger.setLevel(logging.CRITICAL)  # nbformat complains there about what is mended here
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            notebook = nbformat.reads(content.decode("utf-8"), as_version=4)
    except Exception:  # whatever a damaged file makes of the reader
        return None
    finally:
        logger.setLevel(level)
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list) or not isinstance(notebook.get("metadata"), dict):
        return None
    for cell in cells:
        if not isinstance(cell, dict) or not isinstance(cell.get("source"), str):
            return None
        if cell.get("cell_type") not in ("code", "markdown", "raw"):
            return None
        if not isinstance(cell.get("metadata"), dict):
            cell.metadata = nbformat.from_dict({})
        if not isinstance(cell.metadata.get("nbgrader", {}), dict):
            del cell.metadata["nbgrader"]
        if not isinstance(cell.metadata.get("tags", []), list):
            del cell.metadata["tags"]
    return notebook


def _is_valid(notebook):
    try:
        nbformat.validate(notebook)
    except nbformat.ValidationError:
        return False
    return True


def _settings(cell):
    return cell.metadata.get("nbgrader", {})


def _without_nbgrader(metadata):
    return {key: value for key, value in metadata.items() if key != "nbgrader"}


def _grade_id(cell):
    name = _settings(cell).get("grade_id")
    return name if isinstance(name, str) else None


def _is_answer(cell):
    return bool(_settings(cell).get("solution") or _settings(cell).get("task"))


def _is_changed(cell):
    """Return whether a cell of a release is not as it was released, as nbgrader's checksum in it tells."""
    return _settings(cell).get("checksum") != _checksum(cell)


def _checksum(cell):
    """Return what nbgrader.utils.compute_checksum gives; importing nbgrader takes seconds."""
    settings = _settings(cell)
    grade, solution = settings.get("grade", False), settings.get("solution", False)
    locked = False if solution else True if grade else settings.get("locked", False)
    parts = [cell.source, cell.cell_type, str(grade), str(solution), str(locked), str(settings.get("grade_id"))]
    if grade:
        try:
            parts.append(str(float(settings.get("points"))))
        except (TypeError, ValueError):
            return None
    return hashlib.md5("".join(parts).encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


# --- the zip of a release --------------------------------------------------------------------------------------------


def read_edition(path):
    """Return an edition as ``{path: bytes}`` from its zip file, or from the folder that unpacking it gave.

    Raises
    ------
    ReleaseRefused
        If it is no edition, or not as it was released, or a path in it leaves its folder.
    """
    path = Path(path)
    try:
        if path.is_dir():
            return _checked_files(path, lambda name: (path / name).read_bytes())
        with zipfile.ZipFile(path) as archive:
            if sum(info.file_size for info in archive.infolist()) > _MAX_BYTES:
                raise ReleaseRefused(f"{path} is too large for an edition; nothing was written.")
            tops = [
                name[: -len(MANIFEST)] for name in archive.namelist() if re.fullmatch(rf"([^/]+/)?{MANIFEST}", name)
            ]
            return _checked_files(path, lambda name: archive.read(tops[0] + name))
    except FileNotFoundError:
        if not path.exists():
            raise ReleaseRefused(f"There is no file {path}; nothing was written.") from None
        raise _no_edition(path) from None
    except (zipfile.BadZipFile, zlib.error, ValueError, IndexError, KeyError, EOFError, RuntimeError, OSError):
        raise _no_edition(path) from None


def _no_edition(path):
    return ReleaseRefused(
        f"{path} is no release of this course, or was damaged on its way. Download it again; nothing was written."
    )


def _checked_files(path, read):
    listed = read(MANIFEST)
    hashes = _read_manifest(listed)[1]
    if not hashes:
        raise _no_edition(path)
    for name in hashes:
        parts = name.split("/")
        if {"", ".", ".."} & set(parts) or re.search(r"[\\:\0]", name) or parts[0] in (BEFORE, _PART, MANIFEST):
            raise ReleaseRefused(f"{path} is no release: it holds the path {name!r}; nothing was written.")
    files = {name: read(name) for name in hashes}
    if any(_hash(content) != hashes[name] for name, content in files.items()):
        raise _no_edition(path)
    return {**files, MANIFEST: listed}


def main(arguments=None):
    """Bring a release into this folder, or another one; one line per thing that changed, exit status 2 if refused."""
    here = Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(
        prog="python -m helpers.update",
        description="Bring a new release into a folder in which you have worked. Your answers are kept.",
    )
    parser.add_argument("release", help="the zip file of the release")
    parser.add_argument("--to", metavar="FOLDER", type=Path, default=here, help="your folder (default: this one)")
    options = parser.parse_args(arguments)
    try:
        files = read_edition(options.release)
        if not (options.to / MANIFEST).exists():
            raise ReleaseRefused(
                f"{options.to} holds no edition. Say where yours is: --to FOLDER; nothing was written."
            )
        packages = _packages(options.to)
        changes = write(files, options.to, keep_work=True)
    except ReleaseRefused as error:
        print(f"update: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        print(f"update: {error}. Your work is all there. Close JupyterLab and run this again.", file=sys.stderr)
        sys.exit(2)
    print("\n".join(changes) or "Nothing in the lessons changed.")
    if _packages(options.to) != packages:
        print("The new release needs other packages. Install them: .venv/bin/pip install --editable .")


def _packages(folder):
    try:
        return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    except (OSError, ValueError, KeyError):
        return None


if __name__ == "__main__":
    main()
