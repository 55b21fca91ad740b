"""Collect submissions, from an exchange on a machine with many users or from what a learning platform gives out.

The exchange is a folder into which every user may write. nbgrader warns of a submission that belongs to another user
than its name says, and collects it all the same; it follows links, with the rights of the instructor; it believes the
time that a submission says of itself. Here the owner of the files decides who handed in, links are left out, and what
counts is when the files were last written. A zip file of a platform is unpacked with limits, and the student is read
from the first part of a path, which the platform wrote, never from what the student called a file.

What is wrong with one student's files is said in the log and costs that student alone.
"""

import contextlib
import datetime
import os
import pwd
import re
import shutil
import stat
import zipfile
import zlib
from pathlib import Path

from nbgrader.exchange.default import ExchangeCollect
from nbgrader.plugins import ExtractorPlugin, FileNameCollectorPlugin
from nbgrader.utils import ignore_patterns, parse_utc
from traitlets import Float, Unicode

from . import text
from .folder import MAX_BYTES, MAX_DEPTH, MAX_FILES, time_of

_DAMAGED = (zipfile.BadZipFile, zlib.error, OSError, ValueError, RuntimeError, NotImplementedError, EOFError)
WHEN = "%Y-%m-%d %H:%M:%S.%f UTC"
MAX_ARCHIVE = 20_000  # files in a zip file of a platform


class Collect(ExchangeCollect):
    """Collect what its owner handed in, plain files alone; everything else is named in the log and left where it is.

    In nbgrader_config.py: ``c.ExchangeFactory.collect = Collect``.
    """

    tolerance = Float(
        600.0,
        help="Seconds by which the files of a submission may be newer than the time that it says; if they are newer "
        "than that, their time counts. A negative number: what it says counts",
    ).tag(config=True)

    def init_src(self):
        super().init_src()
        self.src_records = [record for record in self.src_records if record["username"]]

    def _path_to_record(self, path):
        filename = os.path.basename(path)
        record = {"username": "", "filename": filename, "timestamp": datetime.datetime.min}
        shown = text.line(path)
        try:
            username, _, claimed = filename.rsplit("+", 3)[:3]
            found = os.lstat(path)
            owner, claimed = _name(found.st_uid), parse_utc(claimed)
        except (ValueError, OverflowError, OSError):
            self.log.error("%s does not say by whom and when it was handed in: not collected.", shown)
            return record
        if not stat.S_ISDIR(found.st_mode):
            self.log.error("%s is no folder: not collected.", shown)
        elif self.check_owner and owner != username:
            self.log.error(
                "%s says that it is by %s, but belongs to %s: not collected. Ask %s about it.",
                shown, text.name(username), owner, owner,
            )  # fmt: skip
        else:
            record |= {"username": username, "timestamp": self._when(path, claimed)}
        return record

    def _when(self, path, claimed):
        """Return when a submission was handed in: as it says, or when its files were last changed if that is later."""
        written = _written(path)
        if 0 <= self.tolerance < (written - claimed).total_seconds():
            self.log.warning("%s says another time than its files, which were written at %s: this counts.",
                             text.line(path), written.strftime(WHEN))  # fmt: skip
            return written
        return claimed

    def copy_files(self):
        """Collect each student's submission; one that cannot be read costs nobody else anything."""
        self.log.info("Processing %d submissions of '%s'", len(self.src_records), self.coursedir.assignment_id)
        for record in self.src_records:
            source = os.path.join(self.inbound_path, record["filename"])
            student = record["username"]
            try:
                self._collect(source, student, record["timestamp"])
            except (OSError, shutil.Error, RecursionError, ValueError) as error:
                self.log.error("%s cannot be read (%s): not collected.", text.line(source), type(error).__name__)

    def _collect(self, source, student, when):
        assignment = self.coursedir.assignment_id
        target = Path(self.coursedir.format_path(self.coursedir.submitted_directory, student, assignment))
        if target.is_dir():
            there = time_of(target)
            newer = self.update and (there is None or when > there)
            if not newer and not (self.before_duedate and there != when):
                said = "No newer submission to collect" if self.update else "Submission already exists, use --update"
                self.log.info("%s: %s %s", said, student, assignment)
                return
        made = target.with_name(f".{target.name}.new")
        shutil.rmtree(made, ignore_errors=True)
        try:
            if self.do_copy(source, str(made)):
                (made / "timestamp.txt").write_text(when.strftime(WHEN))
                if target.exists():
                    shutil.rmtree(target)
                os.replace(made, target)
                self.log.info("Collected: %s %s", student, assignment)
        finally:
            shutil.rmtree(made, ignore_errors=True)

    def do_copy(self, src, dest, log=None):
        """Copy a submission, the plain files and folders of its owner, and return whether that was done.

        Every file is opened below its folder without following links and then asked whose it is, so that nothing can
        be put in its place between the question and the copy. One that is larger than nbgrader's ``max_dir_size`` is
        named in the log and not copied; nbgrader itself would collect nobody's then.
        """
        if self.get_size(src) > 1000 * self.coursedir.max_dir_size:
            self.log.error(
                "%s has more than %s kB, the option max_dir_size: not collected.",
                text.line(src), self.coursedir.max_dir_size,
            )  # fmt: skip
            return False
        left_out = ignore_patterns(
            exclude=self.coursedir.ignore, include=self.coursedir.include,
            max_file_size=self.coursedir.max_file_size, log=self.log,
        )  # fmt: skip
        owner, count = os.lstat(src).st_uid, 0
        for folder, folders, files, descriptor in os.fwalk(src, follow_symlinks=False):
            skipped = [*left_out(folder, folders + files), *(["timestamp.txt"] if folder == src else [])]
            below = os.path.relpath(folder, src)
            folders[:] = [name for name in folders if name not in skipped] if below.count(os.sep) < MAX_DEPTH else []
            target = os.path.join(dest, below)
            os.makedirs(target, exist_ok=True)
            links = [name for name in folders if os.path.islink(os.path.join(folder, name))]  # fwalk passes them over
            for name in sorted({*files, *links} - set(skipped)):
                count += 1
                if count > MAX_FILES or not _copy(name, descriptor, owner, os.path.join(target, name)):
                    self.log.warning(
                        "%s is no plain file of its owner: left out.", text.line(os.path.join(folder, name))
                    )
        return True


def _written(path):
    """Return when anything of a folder was last changed, in UTC, by the clock of its file system."""
    newest, count = os.lstat(path).st_ctime, 0
    for parent, folders, files in os.walk(path):
        count += len(files)
        if count > MAX_FILES:
            break
        for name in (*folders, *files):
            with contextlib.suppress(OSError):
                newest = max(newest, os.lstat(os.path.join(parent, name)).st_ctime)
    return datetime.datetime.fromtimestamp(newest, datetime.UTC).replace(tzinfo=None)


def _copy(name, folder, owner, target):
    """Copy a file of an open folder if it is a plain one of this owner, and return whether it is."""
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError:
        return False
    with open(descriptor, "rb") as source:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != owner:
            return False
        with open(target, "wb") as copy:
            shutil.copyfileobj(source, copy)
    return True


def _name(uid):
    with contextlib.suppress(KeyError):
        return pwd.getpwuid(uid).pw_name
    return f"the unknown user {uid}"


# --- what a learning platform gives out ------------------------------------------------------------------------------


class Unpack(ExtractorPlugin):
    """Unpack the zip files of a learning platform: one folder per zip file, in it what students handed in.

    Each entry gets the name of the platform's own part of its path and the last part of the student's. A zip file that
    a student handed in stays as it is: the grader reads the notebook in it. In nbgrader_config.py:
    ``c.ZipCollectApp.extractor_plugin = Unpack``.
    """

    def extract(self, archive_path, extracted_path):
        for path in sorted(Path(archive_path).rglob("*")):
            if not path.is_file() or path.is_symlink():
                continue
            target = Path(extracted_path) / path.stem
            try:
                if path.suffix.lower() == ".zip":
                    self._unpack(path, target)
                else:
                    target.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(path, target / path.name)
            except _DAMAGED as error:
                self.log.error("%s cannot be unpacked (%s).", text.line(path), type(error).__name__)

    def _unpack(self, path, target):
        left = {}  # bytes and files that are left to each student
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist()[:MAX_ARCHIVE]:
                parts = [part for part in re.split(r"[/\\]", entry.filename) if part not in ("", ".", "..")]
                if entry.is_dir() or not parts or "__MACOSX" in parts:
                    continue
                first = _file_name(parts[0])
                place = target / first if len(parts) == 1 else target / first / _file_name(parts[-1])
                budget = left.setdefault(first, [2 * MAX_BYTES, 100])
                try:
                    self._write(archive, entry, place, budget)
                except _DAMAGED as error:
                    self.log.error("%s in %s cannot be unpacked (%s).",
                                   text.line(entry.filename), text.line(path), type(error).__name__)  # fmt: skip
                    if budget[1] > 0:  # an empty file, so that the student gets a record that says it
                        place.parent.mkdir(parents=True, exist_ok=True)
                        place.write_bytes(b"")

    def _write(self, archive, entry, place, budget):
        budget[1] -= 1
        with archive.open(entry) as source:
            content = source.read(min(MAX_BYTES, budget[0]) + 1)
        budget[0] -= len(content)
        if budget[0] < 0 or budget[1] < 0 or len(content) > MAX_BYTES:
            raise ValueError("too much")
        place.parent.mkdir(parents=True, exist_ok=True)
        while place.exists():
            place = place.with_name(f"{place.stem} again{place.suffix}")
        place.write_bytes(content)
        with contextlib.suppress(ValueError, OverflowError):
            when = datetime.datetime(*entry.date_time).timestamp()
            os.utime(place, (when, when))


class Students(FileNameCollectorPlugin):
    """Say whose a file of a learning platform is: by the platform's part of its path alone.

    ``named_regexp`` is matched with the path from the folder or file that the platform named, and names ``student_id``,
    ``number`` if the platform gives one, and ``file_id``. Of a file that one student handed in twice the newest counts;
    where two students have one name, each gets a number behind it. In nbgrader_config.py:
    ``c.ZipCollectApp.collector_plugin = Students``.
    """

    named_regexp = Unicode(
        r"(?P<student_id>[^/]+?)_(?P<number>\d+)_assignsubmission_file_?/?(?P<file_id>.+)",
        help="The pattern of a path; the default is Moodle's",
    ).tag(config=True)

    def collect(self, submitted_file):
        return self._taken().get(submitted_file)

    def _taken(self):
        """Return what is collected of each file, decided for all files at once."""
        if not hasattr(self, "_found"):
            root = Path(self.parent._format_collect_path(self.parent.extracted_directory))
            newest, numbers = {}, {}
            for path in sorted(root.rglob("*")):
                parts = path.relative_to(root).parts[1:]  # the first one is the zip file
                if not path.is_file() or parts[-1].lower() == "timestamp.txt":  # the time is nothing that students say
                    continue
                match = re.match(self.named_regexp.removeprefix(".*/"), "/".join(parts))
                if match is None:
                    self.log.error("%s says no student: not collected.", text.line(path))
                    continue
                groups = match.groupdict()
                student, number = _file_name(groups["student_id"]), groups.get("number", "")
                numbers.setdefault(student, set()).add(number)
                key = (student, number, groups["file_id"].rsplit("/", 1)[-1])
                before = newest.get(key)
                if before is None or path.stat().st_mtime >= before.stat().st_mtime:
                    newest[key] = path
            self._found = {}
            for (student, number, name), path in newest.items():
                same = len(numbers[student]) > 1
                if same:
                    self.log.warning("Several students are called %s: %s (%s).", student, student, number)
                self._found[str(path)] = {
                    "student_id": f"{student} ({number})" if same else student,
                    "file_id": name,
                }
        return self._found


def _file_name(name):
    """Return a part of a path that a file may have, without what would mean something on a page or in a terminal."""
    name = re.sub(r"[<>\"\\&`|/*?]", "_", text.line(name)).strip(". ") or "_"
    while len(name.encode()) > 200:
        stem, dot, ending = name.rpartition(".")
        name = f"{stem[:-1]}{dot}{ending}" if stem and len(ending) < 12 else name[:-1]
    return name
