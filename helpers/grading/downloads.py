"""Collect what learning platforms give out: zip files or folders of Moodle, Canvas, Blackboard, Brightspace, or plain.

Whose a file is, and when it came, is read from the part of its path that the platform wrote, never from what the
student called a file or put into one. Of a student's attempts the newest counts; the earlier ones are kept beside it,
in ``grading/earlier``. Of an attempt's notebooks the one that holds answers counts, under whatever name. What one
student handed in can cost that student alone: what cannot be read goes on to the grader as it is, which records the
reason.
"""

import contextlib
import datetime
import hashlib
import io
import json
import os
import re
import shutil
import stat
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from . import submission, text
from .folder import MAX_BYTES, MAX_DEPTH, MAX_FILES, Unreadable, is_notebook_in_zip, some, time_of
from .record import NotReady

#: Files in a download, and bytes and files of one student in it.
MAX_ENTRIES, MAX_STUDENT_BYTES, MAX_STUDENT_FILES = 20_000, 2 * MAX_BYTES, 100
WHEN = "%Y-%m-%d %H:%M:%S UTC"
_DAMAGED = (zipfile.BadZipFile, zlib.error, OSError, ValueError, RuntimeError, NotImplementedError, EOFError)

#: What each platform writes before a student's own name of a file, in the path inside the download. ``student`` is
#: the name it gives, ``number`` tells two of one name apart, ``time`` is that of an attempt, ``activity`` is one per
#: assignment. What is behind all of it is the student's.
PLATFORMS = {
    "Moodle": r"(?P<student>[^/]+?)_(?P<number>\d+)_assignsubmission_(?P<kind>file|onlinetext)_?/?",
    "Blackboard": r"(?P<student>[^/]+?_[^/]+?)_attempt_(?P<time>\d{4}(?:-\d\d){5})(?:_|(?=\.txt$))",
    "Brightspace": r"(?P<number>\d+)-(?P<activity>\d+) ?- (?P<student>[^/]+?) ?- "
    r"(?P<time>[A-Z][a-z]{2,8} \d{1,2}, \d{4} \d{3,4} [AP]M)(?:/| ?- )",
    "Canvas": r"[^/_]+_(?:LATE_)?(?P<student>\d+)_\d+_",
}
_TIMES = {"Blackboard": "%Y-%m-%d-%H-%M-%S", "Brightspace": "%b %d, %Y %I%M %p"}
#: Folders that may stand around the folders of the students, besides one that is called as the zip file.
_WRAPPERS = ("submitted", "submissions")


class Entry(NamedTuple):
    """One file of a download: its path inside, its size, the time that a zip file gives it, and ``read(limit)``."""

    path: str
    size: int
    when: datetime.datetime | None
    read: object


class Piece(NamedTuple):
    """One file of one student, with what the platform says of it; files handed in together have one `attempt`."""

    student: str
    number: str
    prefix: str
    attempt: tuple
    when: datetime.datetime | None
    name: str
    entry: Entry


class Taken(NamedTuple):
    """What became of one student: `what` is "taken", "newer", "as before" or "left out"; notes say why."""

    student: str
    what: str
    when: str
    notes: tuple


class Collected(NamedTuple):
    """A line per student in order, and a sentence for each file that says no student."""

    rows: list
    left_out: list


def collect(class_, paths, zone=None):
    """Put submissions where the grader looks for them.

    Parameters
    ----------
    class_ : batch.Class
    paths : list of path
        Downloads: zip files, or folders that hold what a zip file held.
    zone : str, optional
        The time zone in which the platform writes its times, such as "Europe/Berlin"; by default this machine's.

    Returns
    -------
    Collected

    Raises
    ------
    NotReady
        If a path is no download, or the downloads are of more than one activity; nothing is collected then.
    """
    with contextlib.ExitStack() as stack:
        gradebook = stack.enter_context(class_.gradebook())
        lesson = class_.lesson(gradebook)
        known = {one.lms_user_id: one.id for one in gradebook.students if one.lms_user_id}
        pieces, left_out, activities = [], [], {}
        for position, path in enumerate(map(Path, paths)):
            found, activity, out = _pieces(path, position, stack, _zone(zone), known)
            pieces += found
            left_out += out
            activities.setdefault(activity, []).append(text.line(path.name))
        if len(activities) > 1:
            names = "; ".join(f"{text.line(' '.join(key))}: {some(of)}" for key, of in sorted(activities.items()))
            raise NotReady(f"These downloads are of different activities, collect one at a time. ({names})")
        if not pieces:
            raise NotReady(
                f"No file in {some([text.line(path) for path in paths])} says whose it is. Give what the platform "
                "downloads, or a zip file or folder with one folder per student"
            )
        store = _Store(class_)
        attempts = _attempts(pieces, store)
        rows = [_take(class_, lesson, store, student, attempts[student]) for student in sorted(attempts)]
        store.save()
    return Collected(rows, left_out)


def _zone(name):
    try:
        return ZoneInfo(name) if name else datetime.datetime.now().astimezone().tzinfo
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise NotReady(f"There is no time zone {text.line(name, 80)}. Write one such as Europe/Berlin or UTC") from None


# --- what is in a download -------------------------------------------------------------------------------------------


def _pieces(path, position, stack, zone, known):
    """Return the pieces of a download, the activity that it is of, and a sentence for each file that is left out.

    ``known`` is ``{number of Canvas: student}`` of the gradebook.
    """
    entries, left_out = _entries(path, stack, zone)
    platform, pattern = _platform(entries, path)
    found = [(entry, re.match(pattern, entry.path)) for entry in entries]
    left_out += [f"{text.line(entry.path)}: its path says no student" for entry, match in found if match is None]
    matches = [(entry, match) for entry, match in found if match and match.groupdict().get("kind") != "onlinetext"]
    activities = {match["activity"] for _, match in matches if "activity" in match.groupdict()}
    before = ""  # Blackboard writes the activity and the student's name with no sign between them that names lack
    if platform == "Blackboard":
        heads = sorted({match["student"] for _, match in matches})
        before = os.path.commonprefix(heads) if len(heads) > 1 else heads[0]
        before = before[: before.rfind("_") + 1]
        activities = {before} if before else set(heads)
    if len(activities) > 1:
        names = some([text.line(one) for one in sorted(activities)])
        raise NotReady(f"{text.line(path.name)} holds several activities, collect one at a time: {names}")
    pieces = []
    for entry, match in matches:
        groups, name = match.groupdict(), entry.path[match.end() :]
        if not name or (platform == "Blackboard" and name == ".txt"):  # the page that it writes of each attempt
            continue
        student = text.file_name(groups["student"].removeprefix(before))
        student = known.get(student, student) if platform == "Canvas" else student
        when = _time(platform, groups.get("time"), zone) or (entry.when if platform == "Moodle" else None)
        attempt = (position, groups.get("time") or "")
        pieces.append(Piece(student, groups.get("number") or "", match[0], attempt, when, name, entry))
    stem = re.sub(r"( ?\(\d+\))?(-\d+)?( ?\(\d+\))?$", "", path.stem) if platform == "Moodle" else ""
    return pieces, (platform, *filter(None, (stem, *activities))), left_out


def _entries(path, stack, zone):
    """Return the files of a zip file or folder, and a sentence for each that is left out."""
    if path.is_dir():
        return _in_folder(path)
    try:
        archive = stack.enter_context(zipfile.ZipFile(path))
        infos = archive.infolist()
    except _DAMAGED as error:
        said = "is not there" if isinstance(error, FileNotFoundError) else "is no zip file that can be read"
        raise NotReady(f"{text.line(path)} {said}. Download it again, nothing was collected") from None
    entries, left_out = [], []
    if len(infos) > MAX_ENTRIES:
        left_out.append(f"{text.line(path.name)} holds {len(infos)} files: those after the first {MAX_ENTRIES}")
    for info in infos[:MAX_ENTRIES]:
        parts = re.split(r"[/\\]", info.filename)
        if info.is_dir() or "__MACOSX" in parts or parts[-1].startswith("."):
            continue
        if ".." in parts or parts[0] == "" or ":" in parts[0]:
            parts = [part for part in parts if part not in ("", "..")] or ["_"]
            parts = [parts[0], parts[-1]]  # what is between them would lead elsewhere
        if len(parts) > MAX_DEPTH:
            parts = [*parts[: MAX_DEPTH - 1], parts[-1]]
        when = None
        with contextlib.suppress(ValueError, OverflowError):
            when = datetime.datetime(*info.date_time, tzinfo=zone).astimezone(datetime.UTC)
        entries.append(Entry("/".join(parts), info.file_size, when, _reader(archive, info)))
    return entries, left_out


def _reader(archive, info):
    def read(limit):
        with archive.open(info) as source:
            return source.read(limit)

    return read


def _in_folder(top):
    entries, left_out = [], []
    for folder, folders, files in os.walk(top):
        depth = len(Path(folder).relative_to(top).parts)
        folders[:] = sorted(one for one in folders if one[0] != "." and one != "__MACOSX") if depth < MAX_DEPTH else []
        for name in sorted(files):
            path = Path(folder) / name
            if name.startswith(".") or len(entries) >= MAX_ENTRIES:
                continue
            if path.is_symlink() or not stat.S_ISREG(path.lstat().st_mode):
                left_out.append(f"{text.line(path.relative_to(top))}: it is no plain file")
                continue
            entries.append(Entry(path.relative_to(top).as_posix(), path.stat().st_size, None, _opener(path)))
    return entries, left_out


def _opener(path):
    def read(limit):
        with open(path, "rb") as file:
            return file.read(limit)

    return read


def _bounded(entry, budget):
    """Return the bytes of a file, or None if it cannot be read or is too much for one student."""
    budget[1] -= 1
    if budget[1] < 0 or entry.size > min(MAX_BYTES, budget[0]):
        return None
    try:
        content = entry.read(MAX_BYTES + 1)
    except _DAMAGED:
        return None
    budget[0] -= len(content)
    return content if len(content) <= MAX_BYTES and budget[0] >= 0 else None


def _platform(entries, path):
    """Return the platform whose form most paths have, and its pattern; else the form is a folder per student."""
    for name, pattern in PLATFORMS.items():
        if 2 * sum(re.match(pattern, one.path) is not None for one in entries) >= len(entries) > 0:
            return name, pattern
    firsts = {one.path.split("/")[0] for one in entries if "/" in one.path}
    wrapped = len(firsts) == 1 and firsts <= {path.stem, *_WRAPPERS}
    return "plain", (re.escape(firsts.pop()) + "/" if wrapped else "") + r"(?P<student>[^/]+)/"


def _time(platform, words, zone):
    """Return the time that a platform wrote into a name, in UTC."""
    if not words:
        return None
    words = re.sub(r"^([A-Z][a-z]{2})[a-z]*", r"\1", words)
    words = re.sub(r" (\d{3}) ([AP]M)$", r" 0\1 \2", words)
    with contextlib.suppress(ValueError, OverflowError):
        return datetime.datetime.strptime(words, _TIMES[platform]).replace(tzinfo=zone).astimezone(datetime.UTC)
    return None


# --- whose it is -----------------------------------------------------------------------------------------------------


class _Store:
    """What earlier calls found: the name under which a student of the platform was collected, and the platform's part
    of the path, which it wants back with feedback. It lies in ``grading/collected/<assignment>.json``."""

    def __init__(self, class_):
        self.path = earlier(class_).parent / "collected" / f"{class_.assignment}.json"
        self.students, self.prefixes = {}, {}
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            found = json.loads(self.path.read_text(encoding="utf-8"))
            self.students, self.prefixes = dict(found["students"]), dict(found["prefixes"])

    def save(self):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        made = self.path.with_suffix(".new")
        content = {"students": self.students, "prefixes": self.prefixes}
        made.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")
        os.replace(made, self.path)


def earlier(class_):
    """Return the folder in which earlier attempts are kept."""
    return Path(class_.path("submitted", "student")).parents[1].with_name("earlier")


def prefixes(class_):
    """Return ``{student: the platform's part of the path}`` of all that were collected."""
    return _Store(class_).prefixes


def _attempts(pieces, store):
    """Return ``{student: [pieces of an attempt, …]}``, the oldest first; two of one name get their numbers."""
    numbers, found = {}, {}
    for piece in pieces:
        numbers.setdefault(piece.student, set()).add(piece.number)
    for piece in pieces:
        key = f"{piece.student}_{piece.number}"
        if key not in store.students:
            same = len(numbers[piece.student]) > 1 or piece.student in store.students.values()
            store.students[key] = f"{piece.student} ({piece.number})" if same and piece.number else piece.student
        name = store.students[key]
        found.setdefault(name, {}).setdefault(piece.attempt, []).append(piece)
        store.prefixes[name] = piece.prefix
    return {name: sorted(attempts.values(), key=_age) for name, attempts in found.items()}


def _age(pieces):
    return max((one.when.timestamp() for one in pieces if one.when), default=0.0), pieces[0].attempt


# --- what is taken ---------------------------------------------------------------------------------------------------


class _Notebook(NamedTuple):
    """A notebook of an attempt: its bytes, how many answers it holds, the lesson that it says it is of."""

    name: str
    content: bytes
    answers: int
    lesson: str
    when: datetime.datetime | None
    inside: str


def _take(class_, lesson, store, student, attempts):
    """Put the newest attempt of a student in its place and the others aside, and return what became of it."""
    target = Path(class_.path("submitted", student))
    notes, chosen = [], None
    newest = attempts[-1]
    budget = [MAX_STUDENT_BYTES, MAX_STUDENT_FILES]
    files = [(piece, _bounded(piece.entry, budget)) for piece in newest]
    notebooks = [one for piece, content in files if content is not None for one in _notebooks(lesson, piece, content)]
    fitting = [one for one in notebooks if one.lesson in ("", class_.info.name)]
    for one in notebooks:
        if one not in fitting:
            notes.append(f"{one.name} is of the lesson {text.name(one.lesson)}.")
    if fitting:
        chosen = _best(fitting, f"{class_.assignment}.ipynb", notes)
    when = max((piece.when for piece in newest if piece.when), default=None)
    if chosen is not None and chosen.when is not None:
        when = chosen.when
    if chosen is None:
        unread = [text.name(piece.name) for piece, content in files if content is None]
        notes.append(
            f"{some(unread)}: damaged, locked, or too large." if unread else "There is no notebook of this lesson."
        )
    made = {f"{class_.assignment}.ipynb": chosen.content} if chosen else _as_they_are(files)
    what, said = _place(class_, target, made, when, student)
    kept = _keep(class_, student, attempts[:-1])
    if kept:
        notes.append(f"{kept} earlier attempt{'s' * (kept != 1)} kept.")
    if student != newest[0].student:
        notes.append(f"Several students are called {newest[0].student}.")
    return Taken(student, what, when.strftime("%Y-%m-%d %H:%M UTC") if when else "", (*said, *notes))


def _notebooks(lesson, piece, content):
    """Yield the notebooks of a file of an attempt: itself, or those in a zip file, one level deep."""
    name = piece.name.rsplit("/", 1)[-1]
    if ".ipynb" in name.lower():
        yield _notebook(lesson, text.name(name), content, piece.when, "")
    elif name.lower().endswith(".zip"):
        with contextlib.suppress(*_DAMAGED), zipfile.ZipFile(io.BytesIO(content)) as archive:
            left = MAX_BYTES
            for info in [one for one in archive.infolist()[:MAX_FILES] if is_notebook_in_zip(one.filename)][:20]:
                with archive.open(info) as source:
                    inside = source.read(left + 1)
                left -= len(inside)
                if left < 0:
                    return
                yield _notebook(
                    lesson, text.name(info.filename.rsplit("/", 1)[-1]), inside, piece.when, text.name(name)
                )


def _notebook(lesson, name, content, when, inside):
    """Return how many answers a notebook holds that differ from what was released, and which lesson it names."""
    try:
        nb = submission.read(content)
    except Unreadable:
        return _Notebook(name, content, -1, "", when, inside)
    sources = [cell.source for cell in nb.cells if cell.cell_type == "code"]
    of = next(filter(None, (re.search(r"checks\.lesson\([\"'](\w+)[\"']\)", one) for one in sources)), None)
    released = {cell.source.strip() for cell in lesson.released}
    wanted = {cell.name for cell in lesson.released if cell.solution}
    names = wanted.union(*(submission.defined(cell.source) for cell in lesson.released if cell.solution))
    answers = sum(
        one.strip() not in released and bool(submission.defined(one) & names) for one in dict.fromkeys(sources)
    )
    return _Notebook(name, content, answers, of[1] if of else "", when, inside)


def _best(notebooks, name, notes):
    """Return the notebook that counts, and say why if it is not the one of the released name."""
    written = [one for one in notebooks if one.answers > 0]
    named = [one for one in notebooks if one.name == name and not one.inside]
    newest = max(notebooks, key=lambda one: (one.answers >= 0, bool(one.when), one.when or 0, one.answers))
    if named and (named[-1] in written or not written):
        chosen = max(named, key=lambda one: (one.answers > 0, one.when is not None, one.when or 0))
    else:
        chosen = max(written, key=lambda one: (bool(one.when), one.when or 0, one.answers)) if written else newest
        where = f"{chosen.name} in {chosen.inside}" if chosen.inside else chosen.name
        notes.append(
            f"{where} holds the answers, {name} beside it holds none." if named else f"Its notebook is called {where}."
        )
    others = [one.name for one in notebooks if one is not chosen and one not in named and one.answers > 0]
    if others:
        notes.append(f"Other notebooks with answers were left: {some(others)}.")
    return chosen


def _as_they_are(files):
    """Return the files of an attempt without a notebook, for the grader to name; one that cannot be read is empty."""
    made = {}
    for piece, content in files[:MAX_STUDENT_FILES]:
        name = text.file_name(piece.name.rsplit("/", 1)[-1])
        if name.lower() != "timestamp.txt" and not name.startswith("."):
            made[name] = content or b""
    return made


def _place(class_, target, files, when, student):
    """Write a submission in place of an older one, which is kept; return what became of it, and notes."""
    digest = _digest(files)
    there, before = target.is_dir(), time_of(target)
    now = when.replace(tzinfo=None) if when else None
    if there:
        own = _files_in(target)
        if _digest(own) == digest:
            if now and before != now:
                _stamp(target, when)
            return "as before", ()
        if before and now and now < before:
            _set_aside(earlier(class_) / student / class_.assignment, files, when)
            return "left out", ("It is older than what is there.",)
    made = target.with_name(f".{target.name}.new")
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    for name, content in files.items():
        (made / name).write_bytes(content)
    if when:
        _stamp(made, when)
    if there:
        stamp = before.replace(tzinfo=datetime.UTC) if before else None
        _set_aside(earlier(class_) / student / class_.assignment, own, stamp)
        shutil.rmtree(target)
    os.replace(made, target)
    lost = there and before and not when
    return ("newer" if there else "taken"), (("The download says no time: write its timestamp.txt.",) if lost else ())


def _files_in(folder):
    paths = [path for path in sorted(folder.iterdir()) if path.is_file() and not path.is_symlink()]
    return {path.name: path.read_bytes() for path in paths if path.name != "timestamp.txt"}


def _digest(files):
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.digest()


def _stamp(folder, when):
    (folder / "timestamp.txt").write_text(when.strftime(WHEN))


def _keep(class_, student, attempts):
    """Keep earlier attempts and return how many there are."""
    for pieces in attempts:
        budget = [MAX_STUDENT_BYTES, MAX_STUDENT_FILES]
        files = {text.file_name(one.name.rsplit("/", 1)[-1]): _bounded(one.entry, budget) or b"" for one in pieces}
        _set_aside(earlier(class_) / student / class_.assignment, files, pieces[0].when)
    return len(attempts)


def _set_aside(place, files, when):
    """Write files into a new folder of a place, unless it holds the same ones already."""
    digest = _digest(files)
    if any(one.is_dir() and _digest(_files_in(one)) == digest for one in (place.iterdir() if place.is_dir() else ())):
        return
    number = 1 + sum(1 for _ in place.iterdir()) if place.is_dir() else 1
    folder = place / (when.strftime("%Y-%m-%d %H.%M.%S UTC") if when else f"attempt {number}")
    while folder.exists():
        number += 1
        folder = place / f"{folder.name.split(' #')[0]} #{number}"
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
