"""Do trusted work in a process of its own, so that what a submission's values make it do is limited from outside.

The process is a fork, which takes milliseconds. The kernel limits its memory; a timer of the kernel interrupts each
test that takes too much computing; who started it waits so long and no longer, and ends it. It ends with its parent.
"""

import contextlib
import ctypes
import gc
import json
import os
import resource
import select
import signal
import time
import warnings

from . import box, rooms

MOST = 100 << 20  # bytes of an answer
_STOP = (box.NoBox, rooms.ReferenceFailed)  # what ends all grading here


class Ended(Exception):
    """The work was ended, or failed; the message says why."""


class TooLong(rooms.Stopped):
    """One part of the work took too much computing."""


def apart(work, seconds, memory):
    """Return what ``work()`` gives, an object that JSON can hold, done in a fork of this process.

    Parameters
    ----------
    work : callable
    seconds : float
        Of the clock, after which the process is ended.
    memory : int
        In bytes, that it may take besides what it has at its start.

    Raises
    ------
    Ended
        If it took longer, gave more than `MOST` bytes, or failed.
    box.NoBox, rooms.ReferenceFailed
        If the work raised that.
    """
    end, parent = time.monotonic() + seconds, os.getpid()
    answers, answer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads: the work uses none of them
        pid = os.fork()
    if pid == 0:
        try:
            os.close(answers)
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
            if os.getppid() == parent:
                gc.freeze()
                _limit_memory(memory)
                _write(answer, _done(work))
        finally:
            os._exit(0)
    os.close(answer)
    try:
        found = json.loads(_read(answers, end))
    except ValueError:
        raise Ended("Judging it took more memory or time than is allowed, and was stopped.") from None
    finally:
        os.close(answers)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    if "stop" in found:
        kind, sentence = found["stop"]
        raise {one.__name__: one for one in _STOP}[kind](sentence)
    if "failed" in found:
        raise Ended(found["failed"])
    return found["value"]


def _done(work):
    """Return what the work gives, or why it gives nothing, as a message."""
    try:
        return json.dumps({"value": work()}).encode()
    except _STOP as error:
        found = {"stop": [type(error).__name__, str(error)]}
    except BaseException as error:
        found = {"failed": f"Judging it failed ({type(error).__name__})."}  # its text could hold a hidden case
    return json.dumps(found).encode()


def _limit_memory(memory):
    with open("/proc/self/statm") as file:
        most = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE") + memory
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _write(pipe, content):
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(pipe, rest) :]


def _read(pipe, end):
    """Return what comes until the other end is closed, or as much as comes in time and is not too much."""
    waiting, content = select.poll(), bytearray()
    waiting.register(pipe, select.POLLIN)
    while len(content) < MOST and waiting.poll(1000 * max(0.0, end - time.monotonic())):
        part = os.read(pipe, 1 << 20)
        if not part:
            break
        content += part
    return bytes(content)


@contextlib.contextmanager
def timed(seconds):
    """Raise `TooLong` in what is done meanwhile, in the main thread, once it has taken so many seconds of computing."""

    def over(*_):
        raise TooLong(f"Judging this took more than {seconds:g} seconds of computing and was stopped.")

    before = signal.signal(signal.SIGPROF, over)
    signal.setitimer(signal.ITIMER_PROF, seconds, 1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
