"""The learner's edition: lessons without solutions, the helpers they need, a start page; a folder or a zip file.

An edition is built in memory as ``{path: bytes}`` from a list of what may leave; nothing else can slip in. Building
it twice gives the same bytes.
"""

import hashlib
import io
import json
import re
import zipfile

from helpers import courses, exercises, hints, notebooks, thinking, update
from helpers.checks import progress
from helpers.courses import COURSES, LESSONS, TOP
from helpers.update import MANIFEST, ReleaseRefused, write

__all__ = ["MANIFEST", "ReleaseRefused", "SHIPPED", "edition", "fingerprint", "start_page", "write", "zip_bytes"]

#: Everything of the repository that a learner gets besides the lessons, as patterns from the top.
SHIPPED = (
    "LICENSE",
    "LICENSE-text.md",
    "NOTATION.md",
    "docs/data.md",
    "docs/notes.md",
    "environment.yml",
    "pyproject.toml",
    "helpers/__init__.py",
    "helpers/data.py",
    "helpers/doctor.py",
    "helpers/update.py",
    "helpers/checks/*.py",
    "helpers/plots/*.py",
    "helpers/plots/*.mplstyle",
    "helpers/widgets/__init__.py",
)


def edition(lessons=None, ways=False):
    """Return the learner's edition as ``{path: bytes}``.

    Parameters
    ----------
    lessons : list of LessonInfo, optional
        The lessons to put in; by default all that are done.
    ways : bool
        Whether it holds right answers, which `check.ways` shows once an exercise is solved: for those who learn alone,
        and for a class after its deadline.
    """
    complete = lessons is None
    lessons = [lesson for lesson in LESSONS if lesson.done] if complete else lessons
    files = {}
    for pattern in SHIPPED:
        for path in TOP.glob(pattern):
            files[path.relative_to(TOP).as_posix()] = path.read_bytes()
    template = TOP / "helpers" / "edition"
    for path in template.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            files[path.relative_to(template).as_posix()] = path.read_bytes()
    files[progress.START.relative_to(TOP).as_posix()] = start_data(lessons).encode()
    files["README.md"] = files["README.md"].replace(b"{lessons}", start_page(lessons).encode())
    files["docs/notes.md"] = courses.with_topics(files["docs/notes.md"].decode(), lessons).encode()
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
            pack = exercises.load(lesson.name).pack(seed=0, hints=hints.make(lesson.name))
            files[f"helpers/checks/packs/{lesson.name}.json"] = pack.encode()
            asked = json.dumps(thinking.make(lesson.name, version), ensure_ascii=False, separators=(",", ":")) + "\n"
            files[f"helpers/checks/thinking/{lesson.name}.json"] = asked.encode()
            if ways:
                files[f"helpers/checks/ways/{lesson.name}.json"] = thinking.packed_ways(lesson.name)
    files[MANIFEST] = update.manifest(files, complete)
    return dict(sorted(files.items()))


def fingerprint():
    """Return a text that changes when anything changes from which an edition is made; much quicker than making one."""
    digest = hashlib.sha256()
    for pattern in ("LICENSE", "*.md", "docs/*.md", "*.toml", "*.yml", "*.lock", "helpers/**/*", "course*/**/*"):
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


def start_data(lessons):
    """Return what JupyterLab's start page and the learner's progress know of the lessons, as JSON."""
    found = []
    for number, (course, title) in enumerate(COURSES.items(), start=1):
        rows = []
        for lesson in lessons:
            if lesson.course == course:
                notebook = notebooks.read(lesson.path)
                names = [cell.metadata.nbgrader.grade_id.removeprefix("test_") for cell in courses.test_cells(notebook)]
                rows.append(
                    {
                        "name": lesson.name,
                        "number": lesson.number,
                        "title": lesson.title,
                        "path": lesson.link,
                        "minutes": lesson.minutes,
                        "exercises": names,
                        "texts": [_text_before(notebook, name) for name in names],
                        "needs": [[_short(one) for one in choice] for choice in courses.needs(lesson)],
                        "knowledge": "" if courses.needs(lesson) else lesson.prerequisites,
                    }
                )
        if rows:
            found.append({"number": number, "title": title, "lessons": rows})
    return json.dumps(found, ensure_ascii=False, indent=1) + "\n"


def _text_before(notebook, name):
    """Return the id of the last cell of text before the answer's cell: where one goes on reading."""
    place = next((i for i, cell in enumerate(notebook.cells) if cell.id == name), 0)
    return next((cell.id for cell in reversed(notebook.cells[:place]) if cell.cell_type == "markdown"), "")


def _short(lesson):
    return {"name": lesson.name, "number": lesson.number, "title": lesson.title}


def zip_bytes(files, top):
    """Return a zip file with `files` below the folder `top`; the same files give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path, content in files.items():
            info = zipfile.ZipInfo(f"{top}/{path}", date_time=(1980, 1, 1, 0, 0, 0))
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(info, content)
    return buffer.getvalue()
