"""The learner's edition: lessons without solutions, the helpers they need, a start page; a folder or a zip file.

An edition is built in memory as ``{path: bytes}`` from a list of what may leave; nothing else can slip in. Building
it twice gives the same bytes.
"""

import hashlib
import io
import json
import re
import zipfile
from pathlib import Path

from helpers import courses, exercises, notebooks
from helpers.courses import COURSES, LESSONS, TOP

MANIFEST = ".edition.json"
#: Everything of the repository that a learner gets besides the lessons, as patterns from the top.
SHIPPED = (
    "NOTATION.md",
    "environment.yml",
    "pyproject.toml",
    "helpers/__init__.py",
    "helpers/data.py",
    "helpers/checks/*.py",
    "helpers/plots/*.py",
    "helpers/plots/*.mplstyle",
    "helpers/widgets/__init__.py",
)


class ReleaseRefused(Exception):
    """Writing would destroy something; the message says what, and what to do. Nothing was written."""


def edition(lessons=None):
    """Return the learner's edition as ``{path: bytes}``.

    Parameters
    ----------
    lessons : list of LessonInfo, optional
        The lessons to put in; by default all that are done.
    """
    lessons = [lesson for lesson in LESSONS if lesson.done] if lessons is None else lessons
    files = {}
    for pattern in SHIPPED:
        for path in TOP.glob(pattern):
            files[path.relative_to(TOP).as_posix()] = path.read_bytes()
    template = TOP / "helpers" / "edition"
    for path in template.rglob("*"):
        if path.is_file():
            files[path.relative_to(template).as_posix()] = path.read_bytes()
    files["README.md"] = files["README.md"].replace(b"{lessons}", start_page(lessons).encode())
    for lesson in lessons:
        folder = lesson.path.parent
        for path in folder.rglob("*"):
            hidden = any(part.startswith((".", "__")) for part in path.relative_to(folder).parts)
            if path.is_file() and path != lesson.path and not hidden:
                files[path.relative_to(TOP).as_posix()] = path.read_bytes()
        version = notebooks.student_version(notebooks.read(lesson.path))
        for path in _pictures("\n".join(cell.source for cell in version.cells)):
            files[path.relative_to(TOP).as_posix()] = path.read_bytes()
        files[lesson.link] = notebooks.text(version).encode()
        if lesson.name in exercises.lessons():
            files[f"helpers/checks/packs/{lesson.name}.json"] = exercises.load(lesson.name).pack(seed=0).encode()
    hashes = {path: _hash(files[path]) for path in sorted(files)}
    files[MANIFEST] = (json.dumps(hashes, indent=1) + "\n").encode()
    return dict(sorted(files.items()))


def fingerprint():
    """Return a text that changes when anything changes from which an edition is made; much quicker than making one."""
    digest = hashlib.sha256()
    for pattern in ("*.md", "*.toml", "*.yml", "*.lock", "helpers/**/*", "course*/**/*"):
        for path in sorted(TOP.glob(pattern)):
            if path.is_file() and not {"__pycache__", ".ipynb_checkpoints"} & set(path.parts):
                digest.update(f"{path.relative_to(TOP)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _pictures(source):
    """Return the files of helpers/widgets that a source imports, and those that these import."""
    paths = set()
    for module, names in re.findall(r"^from helpers\.widgets(?:\.(\w+))? import ([\w, ]+)", source, re.M):
        for name in [module] if module else re.findall(r"\w+(?= as |,|$)|^\w+", names):
            path = TOP / "helpers" / "widgets" / f"{name}.py"
            if path.exists():
                paths |= {path} | _pictures(path.read_text(encoding="utf-8"))
    return paths


def start_page(lessons):
    """Return the Markdown list of courses and lessons with links, for the edition's start page."""
    parts = []
    for course, title in COURSES.items():
        if any(lesson.course == course for lesson in lessons):
            parts.append(f"### {title}\n\n{courses.table(course, only=lessons)}")
    return "\n\n".join(parts)


def zip_bytes(files, top):
    """Return a zip file with `files` below the folder `top`; the same files give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path, content in files.items():
            info = zipfile.ZipInfo(f"{top}/{path}", date_time=(1980, 1, 1, 0, 0, 0))
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(info, content)
    return buffer.getvalue()


def write(files, folder, keep_work=False):
    """Write an edition into a folder, and never over a learner's work.

    A file counts as work if it is not as the last release into this folder left it. Files of the last release that the
    new one lacks are removed if they were left alone.

    Parameters
    ----------
    files : dict
        From `edition`.
    folder : path
    keep_work : bool
        Whether to leave changed files as they are and write the rest, instead of refusing.

    Returns
    -------
    kept : list of str
        The files left as they are because they hold work.

    Raises
    ------
    ReleaseRefused
        If the folder holds other things, or holds work and not `keep_work`.
    """
    folder = Path(folder)
    before = _manifest(folder)
    if before is None and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ReleaseRefused(f"{folder} is not empty and holds no edition. Choose a new folder; nothing was written.")
    before = before or {}
    work = [
        path
        for path in sorted({*files, *before} - {MANIFEST})
        if _is_work(folder / path, before.get(path), files.get(path))
    ]
    if work and not keep_work:
        raise ReleaseRefused(
            f"{folder} holds work in {', '.join(work[:3])}{' and more' if len(work) > 3 else ''}. "
            "Release into another folder, or move the work away; nothing was written."
        )
    for path in set(before) - set(files) - set(work):
        (folder / path).unlink(missing_ok=True)
    for path, content in files.items():
        target = folder / path
        if path == MANIFEST:
            released = json.loads(content) | {kept: before.get(kept, "") for kept in work}
            content = (json.dumps(dict(sorted(released.items())), indent=1) + "\n").encode()
        if path not in work and not (target.exists() and target.read_bytes() == content):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
    return work


def _manifest(folder):
    try:
        return json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        raise ReleaseRefused(
            f"{folder / MANIFEST} is damaged. Release into a new folder; nothing was written."
        ) from None


def _is_work(path, released_hash, new):
    if not path.exists():
        return False
    content = path.read_bytes()
    return _hash(content) != released_hash and content != new


def _hash(content):
    return hashlib.sha256(content).hexdigest()
