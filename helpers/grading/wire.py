"""Messages between the two rooms: a length and JSON of plain data, never pickle.

The other side may be hostile. Whatever it sends, `receive` and `value` give plain data or raise `Refused` or `Gone`.
"""

import json
import struct
import time

from helpers.checks import plain

MAX_BYTES = 16_000_000
_LENGTH = struct.Struct("<I")


class Refused(Exception):
    """A message breaks the rules; its sentence is for the learner."""


class Gone(Exception):
    """The other room is closed."""


class Late(Exception):
    """Nothing came in time."""


def send(sock, message, deadline=None):
    """Send a message, an object that JSON can hold, before the deadline (in seconds of `time.monotonic`)."""
    try:
        content = json.dumps(message, separators=(",", ":")).encode()
    except RecursionError:
        raise Refused("A value is nested too deeply.") from None
    if len(content) > MAX_BYTES:
        raise Refused(f"A value is too large: more than {MAX_BYTES // 1_000_000} MB.")
    try:
        sock.settimeout(_left(deadline))
        sock.sendall(_LENGTH.pack(len(content)) + content)
    except TimeoutError:
        raise Late from None
    except OSError:
        raise Gone from None


def receive(sock, deadline=None):
    """Return the next message; raise `Late` after the deadline."""
    (length,) = _LENGTH.unpack(_exactly(sock, _LENGTH.size, deadline))
    if length > MAX_BYTES:
        raise Refused(f"A value is too large: more than {MAX_BYTES // 1_000_000} MB.")
    content = _exactly(sock, length, deadline)
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise Refused("An answer of the learner's room is no message.") from None


def value(encoded, other=None):
    """Return the value of an encoded one (`plain.decode`); raise `Refused` if it is no plain data."""
    try:
        return plain.decode(encoded, other)
    except RecursionError:
        raise Refused("A value is nested too deeply.") from None
    except (ValueError, TypeError, OverflowError, MemoryError) as error:
        raise Refused(f"A value is not plain data ({type(error).__name__}).") from None


def _exactly(sock, size, deadline):
    parts = bytearray()
    while len(parts) < size:
        try:
            sock.settimeout(_left(deadline))
            part = sock.recv(min(size - len(parts), 1 << 20))
        except TimeoutError:
            raise Late from None
        except OSError:
            raise Gone from None
        if not part:
            raise Gone
        parts += part
    return bytes(parts)


def _left(deadline):
    if deadline is None:
        return None
    left = deadline - time.monotonic()
    if left <= 0:
        raise Late
    return left
