"""Collect submissions from nbgrader's exchange on a machine with many users, and believe only who owns a file.

The exchange is a folder into which every user may write. nbgrader warns of a submission that belongs to another user
than its name says, and collects it all the same; and it follows links, with the rights of the instructor. So one
student could hand in for another, and could have a file of the instructor's copied into a submission and given back
with the feedback. Here such a submission is refused, and links are left out.
"""

import contextlib
import os
import pwd
import shutil
import stat

from nbgrader.exchange.default import ExchangeCollect
from nbgrader.utils import ignore_patterns


class Collect(ExchangeCollect):
    """Collect what its owner handed in, plain files alone; everything else is named in the log and left where it is.

    In nbgrader_config.py: ``c.ExchangeFactory.collect = Collect``.
    """

    def init_src(self):
        super().init_src()
        self.src_records = [record for record in self.src_records if record["username"]]

    def _path_to_record(self, path):
        record = super()._path_to_record(path)
        found = os.lstat(path)
        if not stat.S_ISDIR(found.st_mode):
            self.log.error("%s is no folder: not collected.", path)
            record["username"] = ""
        elif self.check_owner and _name(found.st_uid) != record["username"]:
            self.log.error(
                "%s says that it is by %s, but belongs to %s: not collected. Ask %s about it.",
                path, record["username"], _name(found.st_uid), _name(found.st_uid),
            )  # fmt: skip
            record["username"] = ""
        return record

    def do_copy(self, src, dest, log=None):
        """Copy a submission: the plain files and folders of its owner.

        Every file is opened below its folder without following links and then asked whose it is, so that nothing can
        be put in its place between the question and the copy. One that is larger than nbgrader's ``max_dir_size`` is
        named in the log and not copied; nbgrader itself would collect nobody's then.
        """
        if self.get_size(src) > 1000 * self.coursedir.max_dir_size:
            self.log.error(
                "%s has more than %s kB, the option max_dir_size: not collected.", src, self.coursedir.max_dir_size
            )
            return
        left_out = ignore_patterns(
            exclude=self.coursedir.ignore, include=self.coursedir.include,
            max_file_size=self.coursedir.max_file_size, log=self.log,
        )  # fmt: skip
        owner = os.lstat(src).st_uid
        for folder, folders, files, descriptor in os.fwalk(src, follow_symlinks=False):
            skipped = left_out(folder, folders + files)
            folders[:] = [name for name in folders if name not in skipped]
            target = os.path.join(dest, os.path.relpath(folder, src))
            os.makedirs(target, exist_ok=True)
            links = [name for name in folders if os.path.islink(os.path.join(folder, name))]  # fwalk passes them over
            for name in sorted({*files, *links} - set(skipped)):
                if not _copy(name, descriptor, owner, os.path.join(target, name)):
                    self.log.warning("%s is no plain file of its owner: left out.", os.path.join(folder, name))


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
