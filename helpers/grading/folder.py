"""The folder of a submission: which file was handed in, when, and what in it must not stay there."""

import contextlib
import io
import os
import re
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

from nbgrader.utils import parse_utc

from . import text

MAX_BYTES = 64_000_000
MAX_DEPTH, MAX_FILES = 8, 1000


class Unreadable(Exception):
    """A submitted file is no notebook; the message is one sentence for the learner."""


class Handed(NamedTuple):
    """What a folder holds: the notebook's bytes, or None and the reason; `notes` for the learner; other notebooks."""

    content: bytes | None
    reason: str = ""
    notes: tuple = ()
    others: tuple = ()


def handed_in(folder, name):
    """Return what was handed in: the file of the released name, else the one notebook there is. It never raises.

    Parameters
    ----------
    folder : path
        It may not exist.
    name : str
        Of the released file, ``NN_lesson.ipynb``.

    Returns
    -------
    Handed
    """
    folder = Path(folder)
    try:
        found = [file for file in _files(folder) if ".ipynb" in file.name.lower()]
        others = [text.name(file.relative_to(folder)) for file in found if file != folder / name]
        if os.path.lexists(folder / name):
            notes = (f"The folder holds other notebooks, too: {some(others)}. {name} was graded.",) if others else ()
            return Handed(content(folder / name), "", notes, tuple(others))
        if len(found) == 1:
            return Handed(content(found[0]), "", (f"The file is called {others[0]}. It was graded as {name}.",))
        archives = [file for file in _files(folder) if file.suffix.lower() == ".zip"]
        if not found and len(archives) == 1:
            inside, taken = content_in_zip(archives[0])
            where = f"{text.name(taken)} in {text.name(archives[0].name)}"
            return Handed(inside, "", (f"The file is {where}. It was graded as {name}.",))
        raise Unreadable(missing(name, folder))
    except Unreadable as error:
        return Handed(None, str(error))
    except OSError as error:
        return Handed(None, f"The folder cannot be read ({type(error).__name__}).")


def missing(name, folder=None):
    """Return the reason where a submission has no file of this name, or none that may be read."""
    names = [text.name(file.relative_to(folder)) for file in _files(Path(folder))] if folder else []
    names = [one for one in names if one not in ("timestamp.txt", text.name(name))]
    return f"There is no readable file {name}." + (f" The folder holds: {some(names)}." if names else "")


def some(names, most=5):
    """Return a list of names as text, cut where there are many."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _files(folder):
    """Return the plain files of a folder and of those in it, in order of their paths; hidden ones do not count."""
    found = []
    for parent, folders, files in os.walk(folder):
        depth = len(Path(parent).relative_to(folder).parts)
        kept = sorted(one for one in folders if one[0] != "." and one != "__MACOSX")
        folders[:] = kept if depth < MAX_DEPTH else []
        for one in sorted(files):
            path = Path(parent) / one
            if one[0] != "." and path.is_file() and not path.is_symlink():
                found.append(path)
        if len(found) > MAX_FILES:
            break
    return found[:MAX_FILES]


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


def content_in_zip(path):
    """Return the bytes and the name of the only notebook in a zip file; raise `Unreadable` if there is none."""
    try:
        with zipfile.ZipFile(io.BytesIO(content(path))) as archive:
            names = [one for one in archive.namelist()[:MAX_FILES] if is_notebook_in_zip(one)]
            if len(names) != 1:
                raise Unreadable(f"The file {text.name(Path(path).name)} holds {len(names)} notebooks.")
            with archive.open(names[0]) as file:
                inside = file.read(MAX_BYTES + 1)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError, OSError, ValueError):
        raise Unreadable(f"The file {text.name(Path(path).name)} is damaged or has a password.") from None
    if len(inside) > MAX_BYTES:
        raise Unreadable(f"The file has more than {MAX_BYTES // 1_000_000} MB. Clear its outputs and submit again.")
    return inside, names[0]


def is_notebook_in_zip(name):
    """Return whether a name in a zip file is that of a notebook, and no copy that a system or JupyterLab put there."""
    parts = Path(name).parts
    return name.lower().endswith(".ipynb") and not any(part[0] == "." or part == "__MACOSX" for part in parts)


def time_of(folder):
    """Return when a submission was handed in, from its timestamp.txt, in UTC; None if it says no time."""
    path = Path(folder) / "timestamp.txt"
    with contextlib.suppress(OSError, ValueError, OverflowError):
        if path.is_file() and not path.is_symlink() and path.stat().st_size < 1000:
            words = path.read_text().strip()
            # Only where the year comes first is no doubt which number is the day.
            if re.match(r"\d{4}-\d\d?-\d\d?\b|\d{8}T", words):
                return parse_utc(words)
    return None


def prepare(assignment, student, notebooks):
    """Make a submitted folder safe to walk through, before nbgrader does; its ``pre_convert_hook``.

    What is not a regular, readable file or folder (a link to the gradebook, a pipe), a ``timestamp.txt`` without a
    time, and a folder that is too deep or too full move to ``refused/`` beside ``submitted/``. Of the notebooks only
    the one that was released is read, or what `handed_in` finds in its place.

    Parameters
    ----------
    assignment, student : str
        As on nbgrader's command line.
    notebooks : list of str
        Paths of the notebooks that were found; changed in place.

    Returns
    -------
    list of str
        A note for each thing that moved.
    """
    folder = Path(notebooks[0]).parent
    notebooks[:] = [str(folder / f"{folder.name}.ipynb")]
    refused = folder.parent.parent.with_name("refused") / folder.parent.name / folder.name
    notes = []
    for name in sorted(os.listdir(folder)) if folder.is_dir() else ():
        for path in _refusable(folder / name):
            _move(path, refused / path.relative_to(folder))
            notes.append(f"{text.name(path.relative_to(folder))} was put aside: it cannot be read.")
    stamp = folder / "timestamp.txt"
    if os.path.lexists(stamp) and time_of(folder) is None and stamp.read_text(errors="replace").strip():
        _move(stamp, refused / stamp.name)
        notes.append("timestamp.txt was put aside: it holds no time such as 2027-01-31 23:59 UTC.")
    return notes


def _refusable(top):
    """Yield the paths at and below one entry of a folder that must not stay there; or the entry itself, as a whole."""
    strange, count = [], 0
    if _is_strange(top) or (top.name == "timestamp.txt" and not top.is_file()):
        yield top
        return
    if not top.is_dir():
        return
    for parent, folders, files in os.walk(top):
        count += len(folders) + len(files)
        depth = len(Path(parent).relative_to(top).parts)
        if count > MAX_FILES or depth >= MAX_DEPTH or len(os.fsencode(parent)) > 1500:
            yield top
            return
        strange += [Path(parent) / name for name in (*folders, *files) if _is_strange(Path(parent) / name)]
    yield from strange


def _is_strange(path):
    return path.is_symlink() or not (path.is_dir() or path.is_file()) or not os.access(path, os.R_OK)


def _move(path, target):
    """Move a path to another place, beside what lies there already; nothing that was handed in is lost."""
    target.parent.mkdir(parents=True, exist_ok=True)
    number, free = 1, target
    while os.path.lexists(free):
        number += 1
        free = target.with_name(f"{target.name[:200]}.{number}")
    os.replace(path, free)
