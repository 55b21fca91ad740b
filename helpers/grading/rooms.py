"""The trusted side of the learner's room: start it, ask it, stop it, and stand for the learner's functions in tests.

A test cell runs in this process. The learner's functions are `Remote`s in it: they look like functions, but each call
is a request to the room, and only plain data comes back.
"""

import builtins
import contextlib
import os
import re
import secrets
import select
import signal
import time

import numpy as np

from helpers.checks import plain

from . import box, wire

#: Limits of a room; seconds are those of the clock, except `cpu`. Of a submission, over all its rooms: `notebook` in
#: seconds, `cells` that run, `shown` in bytes. Of the process that judges it: `judge` in CPU seconds for one test,
#: `judge_memory` in bytes.
LIMITS = {
    "cpu": 600, "memory": 4 << 30, "file": 64 << 20, "scratch": 256 << 20, "processes": 64, "files": 256,
    "call": 10.0, "cell": 60.0, "notebook": 600.0, "resident": 2 << 30,
    "cells": 1000, "shown": 20 << 20, "judge": 30.0, "judge_memory": 2 << 30,
}  # fmt: skip
WATCH = 0.2  # seconds between two looks at what a room takes
#: Memory that the kernel keeps for an open file and shows in no process: what a socket holds that nobody reads.
_OF_A_FILE = 256 << 10
_PAIRS = 200  # of arrays that are one, which are looked at in one answer
_FEW_FILES = 64  # that need not count: Python's own


class ReferenceFailed(Exception):
    """The reference solutions do not run on this machine, so no exercise could be judged rightly."""


class Stopped(BaseException):
    """The learner's code went over a limit or ended its process. Not an `Exception`: no test may swallow it."""


class Overtime(Stopped):
    """It was interrupted, and the room goes on."""


class TooLarge(Stopped):
    """A value is much larger than it should be; it was not read, and the room goes on."""


class Dead(Stopped):
    """The room is closed."""


class NotPlain(TypeError):
    """A test passes to the learner's code what cannot cross."""


class NotStarted(box.NoBox):
    """A room ended from outside, or said nothing, before it was ready."""


class Room:
    """The learner's room, as the trusted side sees it.

    `process` is a descriptor of its first process, which stays that process's whatever becomes of its number; while
    `kept` is open, the room lives.
    """

    def __init__(self, sock, pid, process, kept, scratch, limits):
        self.channel, self.pid, self.scratch, self.limits = wire.Channel(sock), pid, scratch, limits
        self._process, self._kept = process, kept
        self.callbacks = []
        self.dead = None
        self.end = time.monotonic() + limits["notebook"]
        try:
            hello = self.channel.receive(time.monotonic() + 30)
        except (wire.Gone, wire.Late, wire.Refused):
            hello = {}
        if "ready" not in hello:
            self.close("did not start")
            raise box.NoBox(str(hello["no_box"])) if "no_box" in hello else NotStarted("the room did not start")
        self.channel.watch(self._watch, WATCH)

    def ask(self, do, seconds, **fields):
        """Return the answer to a request.

        Raises
        ------
        Stopped
            If a limit was exceeded or the room is closed; its sentence is for the learner.
        Exception
            What the learner's code raised, as a built-in exception of the same kind.
        """
        if self.dead:
            raise Dead(self.dead)
        number = secrets.randbits(62)
        deadline = min(time.monotonic() + seconds, self.end)
        most = wire.MAX_BYTES if do == "run" else plain.allowed.get()
        try:
            self.channel.send({"id": number, "do": do, "most": most, **fields}, deadline)
            while "callback" in (message := self._receive(deadline, seconds, most)):
                self._answer_callback(message, deadline)
            if message["id"] != number:
                raise wire.Refused("Its answer came out of turn.")
            error = _learner_error(message["error"]) if "error" in message else None
            if "too_large" in message:
                what = "gave a value that is many times as large as it should be"  # how large tells of a hidden case
                error = TooLarge("shows more than can be kept" if do == "run" else what)
            value = None if error else message["value"]
        except wire.Gone:
            raise self._died("ended its process") from None
        except wire.Late:
            raise self._died("sent no complete answer") from None
        except wire.Refused as refused:
            raise self._died(f"broke off: {str(refused).rstrip('.')}") from None
        except (LookupError, TypeError, ValueError, AttributeError):  # nothing that came was believed
            raise self._died("broke off: Its answer has another form") from None
        except MemoryError:
            raise self._died("gave more than can be judged here") from None
        if error:
            raise error
        return value

    def _receive(self, deadline, seconds, most):
        """Wait for a message; at the deadline interrupt what runs, and end the room if that does not help."""
        try:
            return self.channel.receive(deadline, most)
        except wire.Late:
            pass
        reason = f"took longer than {seconds:g} seconds and was stopped"
        if deadline >= self.end:
            reason = f"was stopped: the notebook took longer than {self.limits['notebook']:g} seconds"
        with contextlib.suppress(OSError):
            signal.pidfd_send_signal(self._process, signal.SIGINT)
        with contextlib.suppress(wire.Gone, wire.Late, wire.Refused):
            self.channel.receive(time.monotonic() + 2, most)
            raise Overtime(reason)
        raise self._died(reason)

    def _watch(self):
        """End a room that takes too much memory or disk, however it holds it, or has too many processes."""
        processes = _tree(self.pid)
        memory = sum(map(_memory, processes))
        too_full = max(_size(self.scratch), *map(_files, processes)) > self.limits["scratch"]
        if _ready(self._process):  # it has ended: these numbers may be another one's
            return
        if memory > self.limits["resident"]:
            raise self._died(f"took more than {self.limits['resident'] >> 20} MB of memory and was stopped")
        if len(processes) > self.limits["processes"] + 2:
            raise self._died("started too many processes and was stopped")
        if too_full:
            raise self._died(f"wrote more than {self.limits['scratch'] >> 20} MB of files and was stopped")

    def _died(self, reason):
        """Close the room and return the exception that says why."""
        self.close(reason)
        return Dead(reason)

    def close(self, reason="is closed"):
        """End the room; the process that forked it ends what it left and removes its files."""
        if self.dead:
            return
        self.dead = reason
        with contextlib.suppress(OSError):
            signal.pidfd_send_signal(self._process, signal.SIGKILL)
        self.channel.close()
        os.close(self._process)
        os.close(self._kept)

    def _answer_callback(self, message, deadline):
        """Call the trusted function that the learner's code called, and send back what it gives."""
        arguments, named = self.decode(message["arguments"])
        function = self.callbacks[message["callback"]]
        try:
            answer = {"value": self.encode(function(*arguments, **named))}
        except (Exception, Stopped) as error:
            answer = {"error": f"{type(error).__name__}: {error}"[:300]}
        self.channel.send(answer, deadline)

    # Values that cross.

    def encode(self, value):
        return plain.encode(value, self._encode_other)

    def _encode_other(self, value):
        if isinstance(value, Remote) and _of(value).room is self:
            return {"object": [_of(value).number]}
        if callable(value):
            if value not in self.callbacks:
                self.callbacks.append(value)
            return {"callback": self.callbacks.index(value)}
        raise NotPlain(f"a test can pass plain data and functions to the learner's code, and no {type(value).__name__}")

    def decode(self, encoded):
        return wire.value(encoded, self._decode_other)

    def _decode_other(self, kind, content):
        if kind != "object":
            raise ValueError(kind)
        number, is_callable = content
        if not isinstance(number, int):
            raise ValueError(kind)
        return Remote(self, number, bool(is_callable))

    def get(self, name):
        """Return ``(there, value)`` of a name of the learner's."""
        answer = self.ask("get", self.limits["call"], name=name)
        value = self.decode(answer["value"])
        if isinstance(value, Remote):
            _of(value).name = name
        return bool(answer["there"]), value


def _tree(pid):
    """Return the numbers of a process and all that descend from it."""
    found, todo = [], [pid]
    while todo:
        one = todo.pop()
        found.append(one)
        with contextlib.suppress(OSError, ValueError):
            for task in os.listdir(f"/proc/{one}/task"):
                with open(f"/proc/{one}/task/{task}/children") as file:
                    todo += map(int, file.read().split())
    return found


def _ready(descriptor):
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN)
    return bool(waiting.poll(0))


def _memory(pid):
    """Return the bytes that a process holds: its own pages, shared and swapped ones, and what its open files may."""
    pages = files = 0
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/status") as file:
            pages = sum(map(int, re.findall(r"^(?:RssAnon|RssShmem|VmSwap):\s+(\d+)", file.read(), re.MULTILINE)))
        files = len(os.listdir(f"/proc/{pid}/fd"))
    return 1024 * pages + _OF_A_FILE * max(0, files - _FEW_FILES)


def _files(pid):
    """Return the bytes that the files of a process's own /tmp count as, 4 kB each; 0 if it has the /tmp of all."""
    with contextlib.suppress(OSError):
        if os.stat(f"/proc/{pid}/root").st_dev != os.stat("/").st_dev:
            found = os.statvfs(f"/proc/{pid}/root/tmp")
            return 4096 * (found.f_files - found.f_ffree)
    return 0


def _size(folder):
    """Return the bytes on disk below a folder: each file counts as 4 kB at least, a closed folder without end."""
    size, todo = 0, [folder]
    try:
        while todo:
            with contextlib.suppress(FileNotFoundError), os.scandir(todo.pop()) as entries:
                for entry in entries:
                    size += max(4096, 512 * entry.stat(follow_symlinks=False).st_blocks)
                    if entry.is_dir(follow_symlinks=False):
                        todo.append(entry.path)
    except OSError:
        return float("inf")
    return size


def _learner_error(described):
    """Return the exception that stands for the learner's: of the first of its kinds that is built in."""
    try:
        kinds, text, line = described["kinds"], str(described["text"])[:500], described["line"]
        found = [getattr(builtins, str(kind), None) for kind in kinds[:10]]
        found = [kind for kind in found if isinstance(kind, type) and issubclass(kind, Exception)]
        error = RuntimeError(text)
        for kind in found:
            with contextlib.suppress(TypeError):  # some, such as UnicodeDecodeError, need other arguments
                error = kind(text)
                break
        error.learner_line = line if isinstance(line, int) else None
        error.learner_said, error.learner_place = text, str(described.get("place", ""))[:80]
        error.learner_function = str(described.get("function"))  # compared with names of exercises, and never shown
        return error
    except (KeyError, TypeError):
        raise wire.Refused("Its answer has another form.") from None


class _Facts:
    def __init__(self, room, number, is_callable):
        self.room, self.number, self.is_callable, self.name = room, number, is_callable, "The object"


def _of(remote):
    return object.__getattribute__(remote, "_facts")


class Remote:
    """Something in the learner's room: a function, a class, an object, an iterator. Only plain data comes out of it."""

    __slots__ = ("_facts",)

    def __init__(self, room, number, is_callable):
        object.__setattr__(self, "_facts", _Facts(room, number, is_callable))

    def __call__(self, *arguments, **named):
        facts = _of(self)
        room = facts.room
        encoded = room.encode([list(arguments), named])
        try:
            answer = room.ask("call", room.limits["call"], object=facts.number, arguments=encoded)
            changed = room.decode(answer["changed"])
            result = room.decode(answer["result"])
            shared = wire.value(answer["shared"])  # plain: no object that gives values without end
            if not isinstance(changed, dict) or not isinstance(shared, list):
                raise wire.Refused("Its answer has another form.")
        except Stopped as stopped:
            raise type(stopped)(f"{facts.name} {stopped}.") from None
        except (wire.Refused, KeyError, TypeError) as error:
            if hasattr(error, "learner_line"):  # it is the learner's own
                raise
            raise Dead(f"{facts.name} gave what cannot be judged: {str(error).rstrip('.')}.") from None
        for position, value in changed.items():
            if isinstance(position, int) and 0 <= position < len(arguments):
                _change(arguments[position], value)
        return _as_shared(result, arguments, shared)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return _ask(self, "attribute", name=name)

    def __setattr__(self, name, value):
        _ask(self, "set_attribute", name=name, value=_of(self).room.encode(value))

    def __getitem__(self, key):
        return _ask(self, "item", key=_of(self).room.encode(key))

    def __len__(self):
        return int(_ask(self, "length"))

    def __iter__(self):
        iterator = _ask(self, "iterator")
        while True:
            following = _of(iterator).room.ask("next", _of(iterator).room.limits["call"], object=_of(iterator).number)
            if not isinstance(following, list) or not following:
                return
            yield _of(iterator).room.decode(following[0])

    @staticmethod
    def kind_of(remote):
        """Return what it is, for messages: not the name of its type, which a learner chooses."""
        return "function" if _of(remote).is_callable else "object of another kind"

    def __repr__(self):
        return "<an object of the learner>"


def _ask(remote, do, **fields):
    facts = _of(remote)
    return facts.room.decode(facts.room.ask(do, facts.room.limits["call"], object=facts.number, **fields))


def _as_shared(result, arguments, shared):
    """Return a result whose equal arrays are one where those of the learner's code shared memory (`calls.shared`)."""
    for pair in shared[:_PAIRS]:
        with contextlib.suppress(KeyError, IndexError, TypeError, ValueError):
            place, (kind, *other) = pair
            array, one = _at(arguments if kind == "argument" else result, other), _at(result, place)
            if array.size == one.size and np.array_equal(array.reshape(one.shape), one, equal_nan=True):
                result = _with(result, place, array.reshape(one.shape))
    return result


def _at(value, place):
    """Return the array at a place in dicts, lists and tuples; raise TypeError if there is none."""
    for key in place:
        value = value[key] if isinstance(value, (dict, list, tuple)) else None
    if not isinstance(value, np.ndarray):
        raise TypeError("no array")
    return value


def _with(value, place, item):
    """Return a value with another item at a place."""
    if not place:
        return item
    if isinstance(value, dict):
        return value | {place[0]: _with(value[place[0]], place[1:], item)}
    return type(value)(_with(one, place[1:], item) if i == place[0] else one for i, one in enumerate(value))


def _change(argument, value):
    """Change an argument in place as the learner's code changed its copy of it."""
    if isinstance(argument, np.ndarray) and isinstance(value, np.ndarray) and argument.shape == value.shape:
        with contextlib.suppress(TypeError, ValueError):
            argument[...] = value
    elif isinstance(argument, np.random.Generator) and isinstance(value, np.random.Generator):
        with contextlib.suppress(ValueError, TypeError):
            argument.bit_generator.state = value.bit_generator.state
    elif type(argument) is type(value) is list:
        argument[:] = value
    elif type(argument) is type(value) is dict:
        argument.clear()
        argument.update(value)
    elif type(argument) is type(value) is tuple:
        for one, other in zip(argument, value, strict=False):
            _change(one, other)
