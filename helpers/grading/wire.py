"""Messages between the two rooms: a length and JSON of plain data, never pickle.

The other side may be hostile. Whatever it sends, `Channel.receive` and `value` give plain data or raise `Refused` or
`Gone`.
"""

import json
import select
import struct
import time

from helpers.checks import plain

MAX_BYTES = 16_000_000
_LENGTH = struct.Struct("<I")
_JSON = json.JSONEncoder(separators=(",", ":"))
_TOO_LARGE = "A value is too large."  # the limit follows from the size of a hidden case


class Refused(Exception):
    """A message breaks the rules; its sentence is for the learner."""


class Gone(Exception):
    """The other room is closed."""


class Late(Exception):
    """Nothing came in time."""


class Channel:
    """One end of a connected pair of sockets; deadlines are in seconds of `time.monotonic`.

    One that is `patient` has no deadlines, which takes fewer system calls.
    """

    def __init__(self, sock, patient=False):
        self._sock, self._buffer = sock, bytearray()
        self._idle, self._every, self._next = None, 0, 0
        self._sock.setblocking(patient)
        self._readable, self._writable = select.poll(), select.poll()
        self._readable.register(sock, select.POLLIN)
        self._writable.register(sock, select.POLLOUT)

    def send(self, message, deadline=None, most=MAX_BYTES):
        """Send a message, an object that JSON can hold, of at most `most` bytes, before the deadline."""
        try:
            content = _JSON.encode(message).encode()
        except RecursionError:
            raise Refused("A value is nested too deeply.") from None
        if len(content) > most:
            raise Refused(_TOO_LARGE)
        rest = memoryview(_LENGTH.pack(len(content)) + content)
        while rest:
            try:
                rest = rest[self._sock.send(rest) :]
            except BlockingIOError:
                _wait(self._writable, deadline)
            except OSError:
                raise Gone from None

    def watch(self, idle, every):
        """From now on call ``idle()`` every so many seconds while a message is not complete."""
        self._idle, self._every = idle, every

    def receive(self, deadline=None, most=MAX_BYTES):
        """Return the next message of at most `most` bytes; raise `Late` after the deadline."""
        self._next = time.monotonic() + self._every
        (length,) = _LENGTH.unpack(self._exactly(_LENGTH.size, deadline))
        if length > most:
            raise Refused(_TOO_LARGE)
        content = self._exactly(length, deadline)
        try:
            return json.loads(content.decode())
        except (ValueError, RecursionError):
            raise Refused("An answer of the learner's room is no message.") from None

    def close(self):
        self._sock.close()

    def _exactly(self, size, deadline):
        buffer = self._buffer
        while len(buffer) < size:
            if self._idle is not None and time.monotonic() >= self._next:
                self._idle()
                self._next = time.monotonic() + self._every
            try:
                part = self._sock.recv(min(max(size - len(buffer), 1 << 16), 1 << 20))
            except BlockingIOError:
                _wait(self._readable, deadline, self._idle and self._next)
                continue
            except OSError:
                raise Gone from None
            if not part:
                raise Gone
            buffer += part
        content = bytes(buffer[:size])
        del buffer[:size]
        return content


def _wait(poll, deadline, until=None):
    """Wait until the socket of `poll` is ready, or until a time; raise `Late` after the deadline."""
    if deadline is None:
        poll.poll()
        return
    now = time.monotonic()
    if now >= deadline:
        raise Late
    poll.poll(1000 * max(0.0, min(deadline, until or deadline) - now))


def value(encoded, other=None):
    """Return the value of an encoded one (`plain.decode`); raise `Refused` if it is no plain data."""
    try:
        return plain.decode(encoded, other)
    except RecursionError:
        raise Refused("A value is nested too deeply.") from None
    except (ValueError, TypeError, OverflowError, MemoryError) as error:
        raise Refused(f"A value is not plain data ({type(error).__name__}).") from None
