"""The learner's edition: lessons without solutions, the helpers they need, a start page; a folder or a zip file.

An edition is built in memory as ``{path: bytes}`` from a list of what may leave; nothing else can slip in. Building
it twice gives the same bytes.
"""

import ast
import base64
import concurrent.futures
import contextlib
import functools
import hashlib
import io
import json
import os
import re
import sys
import tomllib
import zipfile
import zlib
from pathlib import Path

import threadpoolctl

from helpers import courses, exercises, hints, launch, notebooks, thinking, update
from helpers.checks import packs, progress
from helpers.courses import COURSES, LESSONS, TOP
from helpers.update import MANIFEST, ReleaseRefused, write

__all__ = [
    "MANIFEST", "ReleaseRefused", "SHIPPED", "edition", "fingerprint", "start_page", "wheel_bytes", "write",
    "zip_bytes",
]  # fmt: skip

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

#: Where right answers lie; only some editions have them.
WAYS = "helpers/checks/ways/"


def edition(lessons=None, ways=False, tell=None, sheets=None):
    """Return the learner's edition as ``{path: bytes}``.

    What belongs to a lesson is kept in build/lessons/ and made anew only if something changed from which it is made;
    lessons are made on all cores.

    Parameters
    ----------
    lessons : list of LessonInfo, optional
        The lessons to put in; by default all that are done.
    ways : bool
        Whether it holds right answers, which `check.ways` shows once an exercise is solved: for those who learn alone,
        and for a class after its deadline.
    tell : callable, optional
        ``tell(done, all, lesson)`` is called before the first lesson is made, with None, and after each one.
    sheets : dict, optional
        ``{lesson's name: points}`` of the lessons that have a graded sheet of questions about the learner's own code.
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
    for part in _lessons_files(lessons, tell):
        files.update({path: content for path, content in part.items() if ways or not path.startswith(WAYS)})
    for lesson in lessons:
        if lesson.name in (sheets or {}):
            version = notebooks.student_version(notebooks.read(lesson.path))
            version = thinking.with_sheet(version, lesson.name, sheets[lesson.name])
            files[lesson.link] = notebooks.text(version).encode()
            cases = json.dumps(thinking.sheet(lesson.name), separators=(",", ":")) + "\n"
            files[f"helpers/checks/sheets/{lesson.name}.json"] = cases.encode()
    files[MANIFEST] = update.manifest(files, complete)
    return dict(sorted(files.items()))


def _lessons_files(lessons, tell):
    """Return the files of each lesson: those that are kept, and the others made on all cores, the slowest first."""
    kept = {lesson: _kept(lesson) for lesson in lessons}
    todo = sorted((lesson for lesson in lessons if kept[lesson] is None), key=_effort, reverse=True)
    if tell and todo:
        tell(0, len(todo), None)
    workers = min(len(todo), os.cpu_count() or 1)
    if workers > 1:
        with concurrent.futures.ProcessPoolExecutor(workers, initializer=_on_one_core) as pool:
            running = {pool.submit(_make, lesson): lesson for lesson in todo}
            for done, future in enumerate(concurrent.futures.as_completed(running), start=1):
                kept[running[future]] = future.result()
                if tell:
                    tell(done, len(todo), running[future])
    else:
        for lesson in todo:
            kept[lesson] = _make(lesson)
            if tell:
                tell(1, 1, lesson)
    return kept.values()


def _on_one_core():
    """Keep a worker's linear algebra to one thread: several fight over the cores, and may round otherwise."""
    threadpoolctl.threadpool_limits(1)


def _effort(lesson):
    """Return how long a lesson takes to make, roughly: answers that are called hundreds of times count most."""
    path = _catalogue(lesson)
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return text.count("judge=") * text.count(".mistake(")


def _make(lesson):
    """Make the files of a lesson, keep them in build/lessons/ where that can be written, and return them."""
    files = lesson_files(lesson)
    path = TOP / "build" / "lessons" / f"{lesson.name}.zip"
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}")
        part.write_bytes(zip_bytes({_KEY: decided_by(lesson).encode(), **files}, lesson.name))
        os.replace(part, path)
    return files


_KEY = "made from"  # the first entry of a kept lesson


def _kept(lesson):
    """Return the files of a lesson as they were made before, or None if they were made from something else."""
    try:
        with zipfile.ZipFile(TOP / "build" / "lessons" / f"{lesson.name}.zip") as archive:
            content = {name.split("/", 1)[1]: archive.read(name) for name in archive.namelist()}
    except (OSError, ValueError, IndexError, zipfile.BadZipFile, zlib.error):
        return None
    return content if content.pop(_KEY, b"").decode() == decided_by(lesson) else None


def lesson_files(lesson):
    """Return the notebook, pictures, pack and other files of a lesson, from nothing."""
    files = {}
    for path in _beside(lesson):
        if path != lesson.path:
            files[path.relative_to(TOP).as_posix()] = path.read_bytes()
    version = notebooks.student_version(notebooks.read(lesson.path))
    for path in _pictures("\n".join(cell.source for cell in version.cells)):
        files[path.relative_to(TOP).as_posix()] = path.read_bytes()
    files[lesson.link] = notebooks.text(version).encode()
    if lesson.name in exercises.lessons():
        pack = exercises.load(lesson.name).pack(seed=0, hints=hints.make(lesson.name))
        files[f"helpers/checks/packs/{lesson.name}{packs.SUFFIX}"] = pack
        asked = json.dumps(thinking.make(lesson.name, version), ensure_ascii=False, separators=(",", ":")) + "\n"
        files[f"helpers/checks/thinking/{lesson.name}.json"] = asked.encode()
        files[f"{WAYS}{lesson.name}.json"] = thinking.packed_ways(lesson.name)
    return files


def decided_by(lesson):
    """Return a text that changes when anything changes from which a lesson's files are made.

    That is its folder, the sources of this tool, of its catalogue and its pictures with all that these import, and the
    versions of Python and of the libraries.
    """
    digest = hashlib.sha256(f"{sys.version}\0{lesson}\0".encode())
    source = "".join(cell.source + "\n" for cell in notebooks.read(lesson.path).cells)
    start = [Path(__file__), _catalogue(lesson), *_pictures(source), TOP / "requirements.lock", TOP / "pyproject.toml"]
    for path in [*_beside(lesson), *sorted(_imported(start))]:
        digest.update(f"{path.relative_to(TOP)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _beside(lesson):
    """Return the files of a lesson's folder, without hidden ones."""
    folder = lesson.path.parent
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part.startswith((".", "__")) for part in path.relative_to(folder).parts)
    ]


def _catalogue(lesson):
    return TOP / "helpers" / "exercises" / lesson.course / f"{lesson.name}.py"


def _imported(start):
    """Return the files of `start` that exist, and all of `helpers` that they import, directly or through others."""
    found, todo = set(), list(start)
    while todo:
        path = todo.pop()
        if path in found or not path.is_file():
            continue
        found.add(path)
        if path.suffix == ".py":
            todo += _imports(path, path.read_text(encoding="utf-8"))
    return found


@functools.lru_cache(maxsize=512)
def _imports(path, source):
    """Return the files of `helpers` that a source may import; more than it does is no harm."""
    files = []
    for node in ast.walk(ast.parse(source)):
        names = [alias.name for alias in node.names] if isinstance(node, (ast.Import, ast.ImportFrom)) else []
        if isinstance(node, ast.ImportFrom):
            parts = [*path.relative_to(TOP).parts[: -node.level]] if node.level else []
            base = ".".join(parts + ([node.module] if node.module else []))
            names = [base] + [f"{base}.{name}" for name in names]
        for name in names:
            if name.split(".")[0] == "helpers":
                place = TOP.joinpath(*name.split("."))
                files += [place.with_suffix(".py"), place / "__init__.py"]
    return files


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
    """Return what JupyterLab's start page and the learner's progress know, as JSON: lessons by course, and days.

    ``"days"`` are those after which a solved exercise is due: the page and `helpers.checks.progress` read one rule.
    """
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
    return json.dumps({"days": progress.INTERVALS, "courses": found}, ensure_ascii=False, indent=1) + "\n"


def _text_before(notebook, name):
    """Return the id of the last cell of text before the answer's cell: where one goes on reading."""
    place = next((i for i, cell in enumerate(notebook.cells) if cell.id == name), 0)
    return next((cell.id for cell in reversed(notebook.cells[:place]) if cell.cell_type == "markdown"), "")


def _short(lesson):
    return {"name": lesson.name, "number": lesson.number, "title": lesson.title}


def zip_bytes(files, top):
    """Return a zip file with `files` below the folder `top`, or below none; the same files give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path, content in files.items():
            info = zipfile.ZipInfo(f"{top}/{path}".lstrip("/"), date_time=(1980, 1, 1, 0, 0, 0))
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(info, content)
    return buffer.getvalue()


def wheel_bytes(files):
    """Return the name and the content of a wheel that holds an edition and a command that starts it.

    ``uvx deep-learning-notebooks`` or ``pipx run deep-learning-notebooks`` run the command (`helpers.launch`) in an
    environment with what the lessons need. The form is that of the wheel specification, 1.0.
    """
    project = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    name, package, version = launch.NAME, launch.NAME.replace("-", "_"), project["version"]
    head = {
        "Metadata-Version": "2.1", "Name": name, "Version": version, "Summary": project["description"],
        "Requires-Python": project["requires-python"], "License": project["license"],
        "Description-Content-Type": "text/markdown",
    }  # fmt: skip
    metadata = [f"{key}: {value}" for key, value in head.items()]
    metadata += [f"Requires-Dist: {one}" for one in project["dependencies"]]
    info = f"{package}-{version}.dist-info"
    content = {
        f"{package}/__init__.py": Path(launch.__file__).read_bytes(),
        f"{package}/edition.zip": zip_bytes(files, name),
        f"{info}/METADATA": "\n".join([*metadata, "", files["README.md"].decode()]).encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: helpers\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{name} = {package}:main\n".encode(),
    }
    lines = []
    for path, one in content.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(one).digest()).decode().rstrip("=")
        lines.append(f"{path},sha256={digest},{len(one)}")
    content[f"{info}/RECORD"] = "\n".join([*lines, f"{info}/RECORD,,", ""]).encode()
    return f"{package}-{version}-py3-none-any.whl", zip_bytes(content, "")
