"""The learner's room: a boxed process that runs the learner's cells and answers calls of their functions.

Run as a script it is the warm process: it has imported what every lesson needs, and forks one room per submission,
which takes some milliseconds. It runs with the learner's edition of `helpers` alone. Everything in a room is at the
mercy of the learner's code, and nothing that comes out of it is believed; `rooms.py` is the other side.
"""

import array
import base64
import contextlib
import functools
import gc
import importlib
import importlib.util
import io
import json
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import traceback
from pathlib import Path

import numpy as np

from helpers.checks import calls, errors, plain, sheet

MISSING = object()


def load(name):
    """Import a neighbour of this file, which is no package here: the learner's `helpers` has no grading."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


cells = load("cells")


class Room:
    """Answers the requests of the trusted side, one after the other."""

    def __init__(self, channel, wire, shell):
        self.channel, self.wire, self.shell = channel, wire, shell
        self.kept = {}  # objects that cannot cross, by number
        self.names = self.shell.user_ns
        self.replaced = {}  # what stood where `do_bind` put something else

    def serve(self):
        with contextlib.suppress(self.wire.Gone):
            while True:
                self.reply(self.channel.receive())

    def reply(self, request):
        answer = self.answer(request)
        try:
            self.channel.send(answer, most=request["most"])
        except self.wire.Refused:
            self.channel.send({"id": request["id"], "too_large": True})

    def answer(self, request):
        try:
            return {"id": request["id"], "value": getattr(self, f"do_{request['do']}")(request)}
        except BaseException as error:
            return {"id": request["id"], "error": _described(error)}

    # What the trusted side can ask for.

    def do_run(self, request):
        """Run a cell and return its outputs."""
        outputs = cells.Outputs()
        self.shell.outputs = outputs
        with contextlib.redirect_stdout(outputs.stream("stdout")), contextlib.redirect_stderr(outputs.stream("stderr")):
            self.shell.run_cell(request["source"], store_history=True)
        return {"outputs": outputs.items}

    def do_rerun(self, request):
        """Run a cell once more, for what it defines: nothing is shown, no picture is drawn."""
        outputs = self.shell.outputs = cells.Outputs()
        try:
            source = self.shell.transform_cell(request["source"])
            code = compile(source, self.shell.compile.cache(source, raw_code=request["source"]), "exec")
        except SyntaxError:  # some of these, such as an `await` outside of functions, IPython can run
            self.do_run(request)
            return
        with (
            contextlib.redirect_stdout(outputs.stream("stdout")),
            contextlib.redirect_stderr(outputs.stream("stderr")),
            contextlib.suppress(BaseException),
        ):
            exec(code, self.names)
        if "matplotlib.pyplot" in sys.modules:
            sys.modules["matplotlib.pyplot"].close("all")

    def do_get(self, request):
        """Return the value of a name, or that it is missing."""
        name = request["name"]
        return {"there": name in self.names, "value": self._encode(self.names.get(name))}

    def do_bind(self, request):
        """Bind a name to a function of the trusted side, until `do_unbind`."""
        name = request["name"]
        self.replaced[name] = self.names.get(name, MISSING)
        self.names[name] = self._decode(request["value"])

    def do_unbind(self, request):
        for name, value in self.replaced.items():
            if value is MISSING:
                self.names.pop(name, None)
            else:
                self.names[name] = value
        self.replaced.clear()

    def do_call(self, request):
        arguments, named = self._decode(request["arguments"])
        before = request["arguments"]["list"][0]["list"]
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            result = self.kept[request["object"]](*arguments, **named)
        changed = {i: value for i, value in enumerate(arguments) if _changed(value, before[i])}
        shared = plain.encode([list(pair) for pair in calls.shared(result, arguments)], lambda key: None)
        return {"result": self._encode(result), "changed": self._encode(changed), "shared": shared}

    def do_question(self, request):
        """Return a question about a function of the learner's, what is right, and the result of its run."""
        function = self.names.get(request["name"])
        return self._encode(sheet.question(function, self._decode(request["arguments"]), request["seed"]))

    def do_attribute(self, request):
        return self._encode(getattr(self.kept[request["object"]], request["name"]))

    def do_set_attribute(self, request):
        setattr(self.kept[request["object"]], request["name"], self._decode(request["value"]))

    def do_item(self, request):
        return self._encode(self.kept[request["object"]][self._decode(request["key"])])

    def do_length(self, request):
        return len(self.kept[request["object"]])

    def do_next(self, request):
        """Return the next value of an iterator in a list, or an empty list at its end."""
        return [self._encode(value) for value in [*_first(self.kept[request["object"]])]]

    def do_iterator(self, request):
        return self._keep(iter(self.kept[request["object"]]))

    # Values that cross.

    def _encode(self, value):
        return plain.encode(value, self._keep)

    def _keep(self, value):
        """Encode what is not plain: as what it stands for by `plain.usual`, anything else by a number."""
        stands_for = plain.usual(value)
        if stands_for is not value:
            return self._encode(stands_for)
        self.kept[id(value)] = value
        return {"object": [id(value), callable(value)]}

    def _decode(self, encoded):
        return plain.decode(encoded, self._other)

    def _other(self, kind, content):
        if kind == "object":
            return self.kept[content[0]]
        if kind == "callback":
            return Callback(self, content)
        raise ValueError(f"unknown kind {kind}")


class Callback:
    """A function of the trusted side, called from the room: a request the other way, while that side waits."""

    def __init__(self, room, number):
        self._room, self._number = room, number

    def __call__(self, *arguments, **named):
        room = self._room
        encoded = room._encode([list(arguments), named])
        room.channel.send({"callback": self._number, "arguments": encoded})
        while True:
            message = room.channel.receive()
            if "do" not in message:
                break
            room.reply(message)  # the trusted function calls back into the room
        if "error" in message:
            raise RuntimeError(message["error"])
        return room._decode(message["value"])


def _first(iterator):
    with contextlib.suppress(StopIteration):
        yield next(iterator)


def _changed(value, before):
    """Return whether a value is not any more what it was when it came, encoded, in a request."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return False
    try:
        return plain.encode(value) != before
    except TypeError:  # something that is not plain was put into it
        return True


def _described(error):
    """Return an exception as plain data: its kinds, its text, the learner's line where it arose, what failed there.

    ``function`` is the one that raised it.
    """
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith("<ipython")]
    try:
        text = str(error)[:500]
    except BaseException:
        text = ""
    kinds = [kind.__name__[:80] for kind in type(error).__mro__][:10]
    try:
        place = errors.place_of(error)
    except Exception:
        place = ""
    line, function = (frames[0].lineno, frames[-1].name[:80]) if frames else (None, None)
    return {"kinds": kinds, "text": text, "line": line, "place": place, "function": function}


# --- the warm process ------------------------------------------------------------------------------------------------


def main():
    """Fork a room for each request on the socket ``sys.argv[1]``, until it is closed; the first request is `Warm`'s.

    Other processes of the grader connect to the socket ``sys.argv[2]`` and ask for rooms, too. As a program that
    bubblewrap has started it is one room instead, on the socket ``sys.argv[1]``; ``sys.argv[2]`` says what is in it.
    """
    box, wire = load("box"), load("wire")
    if not sys.argv[2].isdigit():
        start = json.loads(sys.argv[2])
        box.seccomp_program = functools.partial(base64.b64decode, start["calls"])
        _become_room(start, box, wire, _warm_up(start), None, socket.socket(fileno=int(sys.argv[1])), start)
    requests, listener = (socket.socket(fileno=int(number)) for number in sys.argv[1:])
    start = json.loads(requests.recv(1 << 20))
    if start["strength"] == "landlock":
        _guarded(box)
    if start["strength"] != "limits":
        with contextlib.suppress(ImportError):  # each room says so
            box.seccomp_program()
    shell = None if start["strength"] == "bubblewrap" else _warm_up(start)
    root = None
    if start["strength"] == "namespaces":
        root = os.path.join(start["scratch"], "root")
        os.mkdir(root)
        try:
            box.furnish(start["readable"], root)
        except box.NoBox as error:  # each room says so
            root = error
    box.adopt_orphans()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.collect()
    gc.freeze()
    Warm(requests, listener, functools.partial(_become_room, start, box, wire, shell, root), start, box).serve()


def _warm_up(start):
    """Import what the rooms need and return their shell."""
    for module in start["preload"]:
        with contextlib.suppress(ImportError):  # a room that needs it says so
            importlib.import_module(module)
    shell = cells.shell()
    if start["cells"]:
        _rehearse(start["cells"])
    return shell


class Warm:
    """Forks a room for each order, ends it when who ordered it lets it go, and leaves nothing of it behind."""

    def __init__(self, requests, listener, become_room, start, box):
        self.requests, self.become_room, self.start, self.box = requests, become_room, start, box
        self.waiting, self.on, self.rooms = select.poll(), {}, set()  # what to do if a file is ready; numbers of rooms
        self.when(listener, functools.partial(self.accept, listener))
        self.when(requests, functools.partial(self.order, requests))

    def when(self, file, do, events=select.POLLIN):
        number = file if isinstance(file, int) else file.fileno()
        self.on[number] = file, do
        self.waiting.register(number, events)

    def forget(self, file):
        number = file if isinstance(file, int) else file.fileno()
        self.waiting.unregister(number)
        del self.on[number]
        _close(file)

    def serve(self):
        """Wait for orders and for the end of rooms, until the grader that started this process is gone."""
        while self.requests.fileno() in self.on:
            for number, _ in self.waiting.poll():
                if number in self.on:  # not forgotten meanwhile
                    self.on[number][1]()

    def accept(self, listener):
        client = listener.accept()[0]
        self.when(client, functools.partial(self.order, client))

    def order(self, client):
        """Fork the room that a client asks for, and send it the room's number and a descriptor of its process."""
        try:
            packet, ancillary, _, _ = client.recvmsg(1 << 20, socket.CMSG_SPACE(8))
            if not packet:
                raise ConnectionResetError
            sock, life = array.array("i", ancillary[0][2])
            order = json.loads(packet)
            if self.start["strength"] == "bubblewrap":
                pid = self.program(sock, life, order)
            else:
                pid = self.box.fork(self.start["strength"], functools.partial(self.child, sock, life, order))
            os.close(sock)
            process = os.pidfd_open(pid)
            self.rooms.add(pid)
            self.when(life, functools.partial(self.end, process, life), 0)  # its other end is closed
            self.when(process, functools.partial(self.clean, pid, process, order["scratch"]))
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [process]))]
            client.sendmsg([str(pid).encode()], rights)
        except ConnectionError:  # who asked has ended
            self.forget(client)

    def program(self, sock, life, order):
        """Start a room as a program in namespaces of bubblewrap, and return the number of its first process."""
        calls = base64.b64encode(self.box.seccomp_program()).decode()  # in the box libseccomp is not found
        start = self.start | order | {"cells": [], "calls": calls}
        python, here = os.path.realpath(sys.executable), Path(__file__)
        readable = [
            *start["readable"],
            python,
            *(str(here.with_name(f"{name}.py")) for name in ("room", "cells", "box", "wire")),
        ]
        words = [*self.box.bubblewrap(readable, order["limits"]), python, "-S", str(here), str(sock), json.dumps(start)]
        os.set_inheritable(life, False)
        os.set_inheritable(sock, True)
        null = [(os.POSIX_SPAWN_OPEN, stream, os.devnull, os.O_RDWR, 0) for stream in (0, 1, 2)]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(start["path"])}
        return os.posix_spawn(words[0], words, environment, file_actions=null, setsigdef=[signal.SIGINT])

    def child(self, sock, life, order):
        for file, _ in self.on.values():
            _close(file)
        os.close(life)
        self.become_room(socket.socket(fileno=sock), order)

    def end(self, process, life):
        with contextlib.suppress(OSError):
            signal.pidfd_send_signal(process, signal.SIGKILL)
        self.forget(life)

    def clean(self, pid, process, scratch):
        """After the end of a room's first process: end all that it left, and remove its files."""
        self.forget(process)
        os.waitpid(pid, 0)
        self.rooms.discard(pid)
        if self.start["strength"] not in ("namespaces", "bubblewrap"):  # there the kernel has done it
            if os.geteuid() == 0:
                _end_user(self.box.FIRST_UID + pid)
            _end_below(self.rooms)
        shutil.rmtree(scratch, onerror=_open_and_again)


def _end_user(uid):
    """End every process of a user that only one room had."""
    if (helper := os.fork()) == 0:
        with contextlib.suppress(BaseException):
            os.setresuid(uid, uid, uid)
            os.kill(-1, signal.SIGKILL)
        os._exit(0)
    os.waitpid(helper, 0)


def _guarded(box):
    """Go on in a fork of this process. This one waits for the fork's end, however it comes, and ends all that it left.

    Without namespaces nothing else would: what a room forks does not end with the process that forks rooms.
    """
    guard = os.getpid()
    box.adopt_orphans()
    if (pid := os.fork()) == 0:
        box.end_with_parent()
        if os.getppid() != guard:  # it has ended already
            os._exit(1)
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.closerange(3, 4096)
    os.waitpid(pid, 0)
    _end_below()
    os._exit(0)


def _end_below(kept=frozenset()):
    """End all that is below this process but some children: first they stop, so that no one can fork meanwhile."""
    stopped = set()
    for _ in range(1000):
        children = set(_children(os.getpid())) - kept
        left, todo = set(children), list(children)
        while todo:
            more = set(_children(todo.pop())) - left
            left |= more
            todo += more
        sign = signal.SIGSTOP if left - stopped else signal.SIGKILL
        for one in left - stopped or left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, sign)
        stopped |= left
        if not left:
            break
        for one in children:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(one, os.WNOHANG if sign == signal.SIGSTOP else 0)


def _children(pid):
    """Return the numbers of the processes that a process is the parent of."""
    found = []
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as file:
                found += map(int, file.read().split())
    return found


def _close(file):
    os.close(file) if isinstance(file, int) else file.close()


def _open_and_again(remove, path, _):
    """Remove what the learner's code has closed to its owner."""
    with contextlib.suppress(OSError):
        os.chmod(os.path.dirname(path), 0o700)
        os.chmod(path, 0o700, follow_symlinks=False) if os.path.islink(path) else os.chmod(path, 0o700)
        shutil.rmtree(path, ignore_errors=True) if os.path.isdir(path) else os.unlink(path)


def _become_room(start, box, wire, shell, root, sock, order):
    status = 1
    try:
        with contextlib.suppress(PermissionError):  # bubblewrap has made it
            os.setsid()
        channel = wire.Channel(sock, patient=True)
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        os.close(null)
        try:
            if isinstance(root, Exception):
                raise root
            box.enter(start["strength"], start["readable"], order["scratch"], order["limits"], start["path"], root)
            _clean_environment(os.getcwd())
            sys.path[:] = start["path"]
            tempfile.tempdir = os.environ["TMPDIR"]  # it would try to remove a file, which one of the boxes refuses
            np.random.seed()
            room = Room(channel, wire, shell)
        except Exception as error:
            channel.send({"no_box": f"{type(error).__name__}: {error}"})
            raise
        channel.send({"ready": True})
        room.serve()
        status = 0
    finally:
        os._exit(status)


def _clean_environment(home):
    """Keep what numerical code needs; the grader's secrets and paths stay outside."""
    kept = {name: os.environ[name] for name in ("LANG", "MPLBACKEND", "OPENBLAS_NUM_THREADS") if name in os.environ}
    os.environ.clear()
    os.environ.update(kept, HOME=home, TMPDIR=home, IPYTHONDIR=f"{home}/.ipython", MPLCONFIGDIR=f"{home}/.matplotlib")


def _rehearse(cells):
    """Run a lesson's own cells once and forget what they defined: data that they load stays in memory for the rooms."""
    import matplotlib
    import matplotlib.pyplot as plt

    names, settings = {"__name__": "__main__"}, matplotlib.rcParams.copy()
    for source in cells:
        unseen = io.StringIO()
        with (
            contextlib.redirect_stdout(unseen),
            contextlib.redirect_stderr(unseen),
            contextlib.suppress(Exception),  # a cell that needs the learner's functions fails, and that is all
        ):
            exec(compile(source, "<cell>", "exec"), names)
    plt.close("all")  # the first cell of a room would show what is left open
    matplotlib.rcParams.update(settings)


if __name__ == "__main__":
    main()
