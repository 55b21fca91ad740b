"""Plain data: turn what exercises take and return into JSON and back, without pickle.

Plain are None, bool, int, float, str, list, tuple, dict, NumPy scalars, NumPy arrays of numbers or text, random
generators (their state), and a few made-up functions (their names). Packs are stored in this form, so reading one can
never run code of others.
"""

import binascii
import collections
import collections.abc
import contextlib
import contextvars
import dataclasses
import functools
import re

import numpy as np

_DTYPE = re.compile(r"[<>|=][biufcSU]\d{1,6}")
#: How many bytes, encoded, a value of a learner's function may have: `at_most` sets it for one call.
allowed = contextvars.ContextVar("allowed", default=4_000_000)
_ALWAYS, _TIMES = 1_000_000, 16
_BIT_GENERATORS = ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64")


def usual(value):
    """Return the plain value that a value stands for, one level deep: what unpacks, indexes and compares like it.

    A subclass counts as what it is a subclass of; the keys of a dict, a range or an array of objects as a list; any
    other mapping as a dict; text in an array without axes as text. All else comes back as it is. Notebook and grader
    go by this one rule.
    """
    if type(value) in _PLAIN or (type(value) is np.ndarray and value.dtype.kind in "biuf"):  # nearly all there is
        return value
    if isinstance(value, np.ndarray):
        value = np.asarray(value)
        if value.dtype == object or (value.ndim == 0 and value.dtype.kind in "US"):
            return list(value) if value.ndim else usual(value.item())
        return value
    if isinstance(value, str):
        return str(value)
    if value is None or isinstance(value, (np.generic, np.random.Generator)):
        return value
    for kind in (bool, int, float, tuple, list, dict):
        if isinstance(value, kind):
            return value if type(value) is kind else kind(value)
    if isinstance(value, _LISTS):
        return list(value)
    if isinstance(value, collections.abc.Mapping):
        return dict(value.items())
    return value


_PLAIN = frozenset({bool, int, float, str, tuple, list, dict, type(None)})
_LISTS = (range, collections.abc.KeysView, collections.abc.ValuesView, collections.deque)


@dataclasses.dataclass(frozen=True)
class Function:
    """A made-up function for an exercise that takes one: plain data, which `helpers.checks` can call anywhere.

    Parameters
    ----------
    name : str
        ``"smooth"`` gives one number that depends smoothly on every number in its arguments, in whatever order and
        nesting they come; ``"nearest"``, called with X (n, m), Y (1, m) and X_new (n, k), gives labels (1, k): those of
        the column of X that is nearest, or second nearest and so on; ``"table"``, called with a token and a state
        ``(row, table)``, moves on to another row, and gives it and the state with the new row.
    option : int
        Which one: it changes the numbers of "smooth", the neighbour that "nearest" asks, and where "table" moves to.
    """

    name: str
    option: int = 1

    def __call__(self, *arguments):
        if self.name == "nearest":
            X, Y, X_new = map(np.asarray, arguments)
            distances = np.sum((X[:, :, None] - X_new[:, None, :]) ** 2, axis=0)
            return Y[:, np.argsort(distances, axis=0, kind="stable")[min(self.option, len(distances)) - 1]]
        if self.name == "table":
            token, (row, table) = arguments
            row = (self.option * int(row) + int(token)) % len(table)
            return np.array(table[row]), (row, table)
        numbers = np.fromiter(_numbers(arguments), float)
        weights = np.sin(self.option + np.arange(1, len(numbers) + 1))
        return float(np.sum(weights * numbers + 0.25 * np.cos(weights) * numbers**2))


def _numbers(value):
    """Yield every number in a value, those of a dict in the order of its keys' names."""
    if isinstance(value, dict):
        value = [value[key] for key in sorted(value, key=str)]
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _numbers(item)
    elif value is not None and not isinstance(value, str):
        yield from np.ravel(value)


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
    if isinstance(value, np.ndarray):
        return 40 + 4 * value.nbytes // 3
    return 40 + (len(value) if isinstance(value, str) else 0)


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
    if kind is Function:
        return {"function": [value.name, value.option]}
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
            return generator(state)
        if kind == "function":
            name, option = content
            if name not in ("smooth", "nearest", "table") or type(option) is not int:
                raise ValueError("unknown function")
            return Function(name, option)
        if other is not None:
            return other(kind, content)
    except (AttributeError, KeyError, TypeError, IndexError) as error:
        raise ValueError(f"not plain data: {error}") from None
    raise ValueError(f"not plain data: {kind}")


def short(value):
    """Return plain data with its arrays of float64 as float32, seven digits, where no number leaves that range.

    For what is compared with a tolerance above 1e-7 and never computed with.
    """
    if isinstance(value, dict):
        return {key: short(item) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(short(item) for item in value)
    if not isinstance(value, np.ndarray) or value.dtype != np.float64:
        return value
    with np.errstate(all="ignore"):
        rounded = value.astype(np.float32)
    fits = (np.abs(rounded) >= np.finfo(np.float32).tiny) & np.isfinite(rounded)
    return rounded if np.all(fits | (value == 0) | ~np.isfinite(value)) else value


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


def _decode_state(content):
    """Return the state of a random generator: texts, arrays, integers of 128 bits."""
    if isinstance(content, dict) and "dict" in content:
        return {key: _decode_state(item) for key, item in content["dict"][:10] if isinstance(key, str)}
    if isinstance(content, int) and 0 <= content < 1 << 128:
        return content
    return decode(content)
