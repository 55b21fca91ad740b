"""Collect submissions from an exchange on a machine with many users; `downloads` takes what platforms give out.

The exchange is a folder into which every user may write. nbgrader warns of a submission that belongs to another user
than its name says, and collects it all the same; it follows links, with the rights of the instructor; it believes the
time that a submission says of itself. Here the owner of the files decides who handed in, links are left out, and what
counts is when the files were last written.

What is wrong with one student's files is said in the log and costs that student alone.
"""

import contextlib
import datetime
import os
import pwd
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

from nbgrader.exchange.default import ExchangeCollect
from nbgrader.utils import ignore_patterns, parse_utc
from traitlets import Float

from helpers.courses import TOP

from . import text
from .downloads import Collected, Taken
from .folder import MAX_DEPTH, MAX_FILES, time_of
from .record import NotReady, submitted_folders

WHEN = "%Y-%m-%d %H:%M:%S.%f UTC"


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


def from_exchange(class_):
    """Collect what is new in the exchange, by nbgrader's own command, which knows the settings of a hub.

    Returns
    -------
    downloads.Collected

    Raises
    ------
    NotReady
        If there is no exchange; the message is nbgrader's.
    """

    def there():
        return {student: time_of(place) for student, place in submitted_folders(class_.directory, class_.assignment)}

    before = there()
    path = os.pathsep.join(filter(None, (str(TOP), os.environ.get("PYTHONPATH"))))
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", "collect", class_.assignment, "--update"], cwd=class_.directory.root,
        env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True,
    )  # fmt: skip
    said = re.findall(r"\| (?:WARNING|ERROR|CRITICAL)\]\S* ?(.*)", text.block(done.stderr))
    said = [text.line(one) for one in said if one != "nbgrader collect failed"]
    if done.returncode:
        why = said[-1] if said else text.line(done.stderr[-300:])
        raise NotReady(f"Nothing was collected from the exchange: {why}")
    now, rows = there(), []
    for student in sorted(now):
        what = "taken" if student not in before else "as before" if before[student] == now[student] else "newer"
        rows.append(Taken(student, what, f"{now[student]:%Y-%m-%d %H:%M UTC}" if now[student] else "", ()))
    return Collected(rows, said)
