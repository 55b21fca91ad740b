"""Plain data: turn what exercises take and return into JSON and back, without pickle.

Plain are None, bool, int, float, str, list, tuple, dict, NumPy scalars, NumPy arrays of numbers or text, and random
generators (their state). Packs are stored in this form, so reading one can never run code.
"""

import binascii
import functools
import re

import numpy as np

_DTYPE = re.compile(r"[<>|=][biufcSU]\d+")
_BIT_GENERATORS = ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64")


@functools.lru_cache(maxsize=64)
def _is_plain(dtype):
    return _DTYPE.fullmatch(dtype.str) is not None


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
    if plain is None or isinstance(plain, (bool, int, str)):
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
            state = decode(content)
            if state["bit_generator"] not in _BIT_GENERATORS:
                raise ValueError("unknown bit generator")
            return generator(state)
        if other is not None:
            return other(kind, content)
    except (AttributeError, KeyError, TypeError, IndexError) as error:
        raise ValueError(f"not plain data: {error}") from None
    raise ValueError(f"not plain data: {kind}")


def short(value, dtype=np.float32):
    """Return plain data with its arrays of float64 in a shorter type, where all their numbers fit into it.

    A number fits if no digit is lost but those beyond the type's: seven for float32, three for float16.
    """
    if isinstance(value, dict):
        return {key: short(item, dtype) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(short(item, dtype) for item in value)
    if not isinstance(value, np.ndarray) or value.dtype != np.float64:
        return value
    with np.errstate(all="ignore"):
        rounded = value.astype(dtype)
    fits = (np.abs(rounded) >= np.finfo(dtype).tiny) & np.isfinite(rounded)
    if np.all(fits | (value == 0) | ~np.isfinite(value)):
        return rounded
    return value if dtype == np.float32 else short(value)


def generator(state):
    """Return the `numpy.random.Generator` that has this state of a bit generator.

    What `spawn` gives follows from the state, too, so that it is the same wherever the state went.
    """
    bit_generator = getattr(np.random, state["bit_generator"])(_Seed(state))
    bit_generator.state = state
    return np.random.Generator(bit_generator)


class _Seed(np.random.bit_generator.ISpawnableSeedSequence):
    """The seed of a generator whose state is known: nothing is computed before somebody spawns from it."""

    def __init__(self, state):
        self._state, self._sequence = state, None

    def generate_state(self, n_words, dtype=np.uint32):
        return np.zeros(n_words, dtype)  # the state replaces it

    def spawn(self, n_children):
        if self._sequence is None:
            self._sequence = np.random.SeedSequence(list(repr(self._state).encode()))
        return self._sequence.spawn(n_children)
