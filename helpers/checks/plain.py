"""Plain data: turn what exercises take and return into JSON and back, without pickle.

Plain are None, bool, int, float, str, list, tuple, dict, NumPy scalars, NumPy arrays of numbers or text, and random
generators (their state). Packs are stored in this form, so reading one can never run code.
"""

import binascii
import contextlib
import contextvars
import functools
import re

import numpy as np

_DTYPE = re.compile(r"[<>|=][biufcSU]\d{1,6}")
#: How many bytes, encoded, a value of a learner's function may have: `at_most` sets it for one call.
allowed = contextvars.ContextVar("allowed", default=4_000_000)
_ALWAYS, _TIMES = 1_000_000, 16
_BIT_GENERATORS = ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64")


@functools.lru_cache(maxsize=64)
def _is_plain(dtype):
    return _DTYPE.fullmatch(dtype.str) is not None


@contextlib.contextmanager
def at_most(*values, calls=1):
    """While this lasts, `allowed` is some times what these values take, and 1 MB at least, divided among the calls.

    That is ample for what is right but written another way, and for usual slips, such as a table in place of a vector.
    """
    before = allowed.set(max(_ALWAYS // calls, 50_000) + _TIMES * sum(map(_size, values)))
    try:
        yield
    finally:
        allowed.reset(before)


def _size(value):
    """Return about how many bytes the encoded value has."""
    if isinstance(value, (list, tuple)):
        return 10 + sum(map(_size, value))
    if isinstance(value, dict):
        return 10 + sum(_size(key) + _size(item) for key, item in value.items())
    return 40 + (
        4 * value.nbytes // 3 if isinstance(value, np.ndarray) else len(value) if isinstance(value, str) else 0
    )


def encode(value, other=None):
    """Return `value` as an object that `json.dumps` takes; raise TypeError if it is not plain data.

    Lists, dicts and everything JSON lacks become ``{kind: content}``; the floats keep every bit. ``other(value)``, if
    it is given, encodes what is not plain.
    """
    kind = type(value)
    if value is None or kind in (bool, int, str):
        return value
    if kind is float:
        return {"float": value.hex()}
    if kind in (list, tuple):
        return {kind.__name__: [encode(item, other) for item in value]}
    if kind is dict:
        return {"dict": [[encode(key, other), encode(item, other)] for key, item in value.items()]}
    if isinstance(value, (np.ndarray, np.generic)) and _is_plain(value.dtype):
        data = binascii.b2a_base64(value.tobytes(), newline=False).decode()
        if isinstance(value, np.generic):
            return {"scalar": [value.dtype.str, data]}
        return {"array": [value.dtype.str, list(value.shape), data]}
    if isinstance(value, np.random.Generator):
        return {"generator": encode(value.bit_generator.state)}
    if other is not None:
        return other(value)
    raise TypeError(f"{kind.__name__} is not plain data")


def decode(plain, other=None):
    """Return the value that `encode` was given; raise ValueError if `plain` did not come from it.

    ``other(kind, content)``, if it is given, decodes the kinds that `encode`'s ``other`` made.
    """
    if plain is None or isinstance(plain, (bool, str)):
        return plain
    if isinstance(plain, int):
        if not -(1 << 63) <= plain < 1 << 64:  # larger ones can be made to collide in a dict
            raise ValueError("an integer of more than 64 bits")
        return plain
    try:
        ((kind, content),) = plain.items()
        if kind == "float":
            return float.fromhex(content)
        if kind in ("list", "tuple"):
            items = [decode(item, other) for item in content]
            return items if kind == "list" else tuple(items)
        if kind == "dict":
            return {decode(key, other): decode(item, other) for key, item in content}
        if kind in ("array", "scalar"):
            dtype, *shape, data = content
            if not _DTYPE.fullmatch(dtype):
                raise ValueError(f"dtype {dtype}")
            flat = np.frombuffer(binascii.a2b_base64(data), dtype)
            return flat.reshape(shape[0]).copy() if kind == "array" else flat[0]
        if kind == "generator":
            state = _decode_state(content)
            if state["bit_generator"] not in _BIT_GENERATORS:
                raise ValueError("unknown bit generator")
            bit_generator = getattr(np.random, state["bit_generator"])()
            bit_generator.state = state
            return np.random.Generator(bit_generator)
        if other is not None:
            return other(kind, content)
    except (AttributeError, KeyError, TypeError, IndexError) as error:
        raise ValueError(f"not plain data: {error}") from None
    raise ValueError(f"not plain data: {kind}")


def _decode_state(content):
    """Return the state of a random generator: texts, arrays, integers of 128 bits."""
    if isinstance(content, dict) and "dict" in content:
        return {key: _decode_state(item) for key, item in content["dict"][:10] if isinstance(key, str)}
    if isinstance(content, int) and 0 <= content < 1 << 128:
        return content
    return decode(content)
