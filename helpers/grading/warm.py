"""The processes that fork rooms: how they are started, shared by the workers of one machine, and asked for rooms."""

import array
import atexit
import contextlib
import functools
import gc
import json
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from helpers import notebooks, release
from helpers.courses import TOP

from . import box, rooms
from .readable import imports_of, readable

#: What the process that forks rooms gets of the grader's environment; all that a room reads of its memory may show it.
ENVIRONMENT = ("HOME", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "PATH", "PYTHONHOME", "TZ", "XDG_CACHE_HOME")
#: Modules that every learner's room starts with, and a cell that makes Matplotlib load what it loads at the first use.
_PRELOAD = (
    "IPython", "helpers.checks", "helpers.plots", "helpers.widgets", "ipywidgets", "matplotlib.pyplot",
    "matplotlib_inline.backend_inline", "PIL.Image", "scipy.special", "tqdm.auto",
)  # fmt: skip
_PICTURE = """
import io
import matplotlib.pyplot as plt
figure, ax = plt.subplots()
ax.plot([0, 1], label="$a^2$")
ax.legend()
figure.savefig(io.BytesIO(), format="png")
"""


def _sweep():
    """Remove what graders that were killed left in the folder for temporary files."""
    for path in Path(tempfile.gettempdir()).glob("rooms-*-*"):
        owner = path.name.split("-")[1]
        if owner.isdigit() and not os.path.exists(f"/proc/{owner}") and os.path.isdir("/proc/self"):
            shutil.rmtree(path, ignore_errors=True)


def _locked_cells(lesson):
    """Return the sources of a lesson's cells that no one changes and that grade nothing: imports and data."""
    kinds = ((cell, cell.metadata.get("nbgrader", {})) for cell in notebooks.read(lesson.path).cells)
    return [
        cell.source
        for cell, kind in kinds
        if cell.cell_type == "code" and kind.get("locked") and not kind.get("grade") and not kind.get("solution")
    ]


class NoWarm(Exception):
    """The process that forks rooms is not there any more, or does not start."""


class Shared:
    """Gives rooms that a `Warm` process forks which another process of this machine and user has started.

    Parameters
    ----------
    scratch : path
        The folder of the `Warm`.
    strength : str

    Raises
    ------
    OSError
        If it is not there.
    """

    def __init__(self, scratch, strength):
        if os.stat(scratch).st_uid != os.geteuid():
            raise PermissionError(f"{scratch} belongs to another user")
        self.scratch, self.strength = str(scratch), strength
        self.requests = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.requests.connect(f"{scratch}/requests")

    def room(self, limits=rooms.LIMITS):
        """Return a new `rooms.Room`; the first one waits until the process is warm. Raise `NoWarm` if there is none."""
        ours, theirs = socket.socketpair()
        life, kept = os.pipe()  # the room lives as long as this process keeps the other end open
        try:
            scratch = tempfile.mkdtemp(dir=self.scratch)
            os.chmod(scratch, 0o755)
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [theirs.fileno(), life]))]
            self.requests.sendmsg([json.dumps({"scratch": scratch, "limits": limits}).encode()], rights)
            pid, ancillary, _, _ = self.requests.recvmsg(100, socket.CMSG_SPACE(4))
            (process,) = array.array("i", ancillary[0][2])
        except (OSError, ValueError, IndexError) as error:
            ours.close()
            os.close(kept)
            raise NoWarm("The warm process of the grader does not start: is the environment complete?") from error
        finally:
            theirs.close()
            os.close(life)
        return rooms.Room(ours, int(pid), process, kept, scratch, limits)

    def alive(self):
        """Return whether the process that forks rooms is still there, as far as one sees without asking it."""
        waiting = select.poll()
        waiting.register(self.requests, 0)
        return not waiting.poll(0)


class Warm(Shared):
    """A process that has imported what lessons need and forks rooms; one per lesson and grading process.

    It starts while this process goes on: only the first `room` waits for it. It ends with this process.

    Parameters
    ----------
    lesson : LessonInfo or None
        The lesson whose `helpers` the rooms get; without one they get those that all lessons share.
    strength : str
        Of the box, one of `box.STRENGTHS`.
    reference : bool
        Whether these rooms run the reference solutions instead: they may read the catalogue.

    Raises
    ------
    box.NoBox
        If bubblewrap is asked for and cannot be had. Of other boxes, the first room says it.
    """

    def __init__(self, lesson, strength, reference=False):
        if strength == "bubblewrap":
            box.bubblewrap([], rooms.LIMITS)
        self.strength, self.owner = strength, os.getpid()
        _sweep()
        self.scratch = tempfile.mkdtemp(prefix=f"rooms-{os.getpid()}-")
        os.chmod(self.scratch, 0o711)
        if reference:
            folder, imports = TOP, ["scipy", "sklearn"]
            preload, cells = ["IPython", f"helpers.exercises.{lesson.course}.{lesson.name}"], []
            self.readable = readable(TOP / "helpers", imports)
        else:
            folder = Path(self.scratch) / "edition"
            files = release.edition([lesson] if lesson else [])
            helpers = {path: content for path, content in files.items() if path.startswith("helpers/")}
            release.write({**helpers, release.MANIFEST: b"{}\n"}, folder)
            shared = ("helpers/widgets/", "helpers/data.py")
            sources = [content.decode() for path, content in helpers.items() if path.startswith(shared)]
            cells = [_PICTURE, *(_locked_cells(lesson) if lesson else ())]
            preload = sorted({*_PRELOAD, *(name for source in sources + cells for name in imports_of(source))})
            self.readable = readable(folder, preload)
        installed = [path for path in sys.path if path.startswith(sys.base_prefix) or "-packages" in path]
        path = [str(folder), *map(os.path.realpath, installed)]
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with contextlib.suppress(OSError):  # a path that is too long for a socket: then nobody shares this process
            listener.bind(f"{self.scratch}/requests")
            os.chmod(f"{self.scratch}/requests", 0o600)
            listener.listen()
        environment = {
            **{name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
            "PYTHONPATH": str(folder), "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1",
            "MPLBACKEND": "module://matplotlib_inline.backend_inline", "PYTHONSAFEPATH": "1",
        }  # fmt: skip
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("room.py")), str(theirs.fileno()), str(listener.fileno())],
            pass_fds=[theirs.fileno(), listener.fileno()], env=environment, stdin=subprocess.DEVNULL, cwd=self.scratch,
        )  # fmt: skip
        theirs.close()
        listener.close()
        self.requests = ours
        start = {"preload": preload, "cells": cells, "strength": strength, "readable": self.readable, "path": path}
        ours.send(json.dumps({**start, "scratch": self.scratch}).encode())
        atexit.register(self.close)

    def close(self):
        if os.getpid() != self.owner:  # a fork of the grading process is not the owner
            return
        self.requests.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(5)
        self.process.kill()
        shutil.rmtree(self.scratch, ignore_errors=True)


# --- what this process has started -----------------------------------------------------------------------------------

started = {}  # what gives this process its rooms: by lesson, strength of the box, and whether for the reference


def start(lesson, strength, shared=()):
    """Start the processes that fork the learner's and the reference's rooms, if that is not done, and do not wait.

    Parameters
    ----------
    lesson : LessonInfo or None
    strength : str
        "strongest", or the name of a box.
    shared : list of path
        What this function returned to another process of this machine: its processes are asked, as long as they live.

    Returns
    -------
    list of path
    """
    strength = strongest() if strength == "strongest" else strength
    kinds = (False, True) if lesson is not None else (False,)
    for reference, scratch in zip(kinds, [*shared, None, None], strict=False):
        key = lesson, strength, reference
        if key in started and not started[key].alive():
            del started[key]
        if key not in started:
            gc.freeze()  # what is imported stays: no collection needs to look at it
            if scratch is not None:
                with contextlib.suppress(OSError):
                    started[key] = Shared(scratch, strength)
        if key not in started:
            started[key] = Warm(*key)
    return [started[lesson, strength, reference].scratch for reference in kinds]


def new_room(lesson, strength, limits, reference=False):
    """Return a new room; if what gave the last one was ended from outside, from a process of our own.

    A room that does not start is tried again: something outside may have ended it. Raise `box.NoBox` after three.
    """
    key, lost = (lesson, strength, reference), None
    for _ in range(3):
        try:
            return started[key].room(limits)
        except (KeyError, NoWarm):
            started[key] = Warm(*key)
        except rooms.NotStarted as error:
            lost = error
    raise box.NoBox(str(lost)) if lost else NoWarm("The warm process of the grader ends again and again.")


def connect_anew(lesson, strength):
    """Let this process, a fork, ask for rooms by connections of its own: what it asks, no one else gets the answer."""
    for key in ((lesson, strength, reference) for reference in (False, True)):
        if key in started:
            with contextlib.suppress(OSError):
                started[key] = Shared(started[key].scratch, strength)


def all_alive(lesson, strength):
    """Return whether nothing that gives rooms of this kind was ended since it was started or asked for."""
    return all(one.alive() for key, one in started.items() if key[:2] == (lesson, strength))


@functools.cache
def strongest():
    """Return the strongest box that works here; raise `box.NoBox` if it is ``limits``, which is taken only by name."""
    found = box.strongest()
    if found == "limits":
        raise box.NoBox(
            "neither namespaces nor Landlock work on this machine, and limits alone stop no attack. Grade on another "
            'machine, or name the weaker box in nbgrader_config.py: c.Execute.box = "limits"'
        )
    return found
