"""Compare an output with the right one, and say what differs, where, expected and got.

The order of a verdict is: type, shape, finite, value. What is written another way but means the same passes: a Python
float for a NumPy number, a list for a tuple, 0/1 for False/True, int for float, more entries in a dict than asked for.
"""

from typing import Any, NamedTuple

import numpy as np


class Difference(NamedTuple):
    """The first thing that differs.

    ``what`` is one clause without any number of the case (it is what graded feedback shows); ``detail`` completes it
    for the learner; ``part`` names the part of the output; ``wrong`` marks the wrong entries of an array.
    """

    kind: str
    part: str
    what: str
    detail: str
    expected: Any = None
    got: Any = None
    wrong: Any = None


def difference(got, expected, part, returns=(), rtol=1e-6, atol=1e-8, nonfinite=False, values=True):
    """Return the first `Difference` of `got` from `expected`, or None where they agree.

    Parameters
    ----------
    got, expected : plain data
        Outputs; arrays of any shape.
    part : str
        What to call the output in messages; ``returns`` names the entries of a tuple instead.
    rtol, atol : float
        Numbers agree where ``|got - expected| <= atol + rtol * |expected|``.
    nonfinite : bool
        Whether nan and infinity are compared as values (for the outputs of mistakes) instead of refused.
    values : bool
        Whether values are compared, not only types and shapes.
    """
    leaves = list(_leaves(got, expected, part, returns))
    for item in leaves:
        if isinstance(item, Difference):
            return item
    tests = [_type, _shape] + ([] if nonfinite else [_finite])
    if values:
        tests.append(lambda *leaf: _value(*leaf, rtol, atol))
    for test in tests:
        for leaf in leaves:
            found = test(*leaf)
            if found:
                return found
    return None


def _leaves(got, expected, part, returns=()):
    """Yield ``(part, got, expected)`` for each number, array or text; or a `Difference` where the structure differs."""
    if isinstance(expected, dict):
        if not isinstance(got, dict):
            yield _wrong_type(part, f"a dict with the keys {_names(expected)}", got)
            return
        missing = [key for key in expected if key not in got]
        if missing:
            has = f"it has {_names(got)}" if got else "it is empty"
            yield Difference("type", part, f"{part}: the key {_names(missing)} is missing", f"; {has}")
            return
        for key, item in expected.items():
            yield from _leaves(got[key], item, key if isinstance(key, str) else f"{part}[{key!r}]")
    elif isinstance(expected, (list, tuple)):
        if isinstance(got, np.ndarray) and got.ndim > 0 and isinstance(expected, list):
            got = list(got)
        if not isinstance(got, (list, tuple)):
            several = f"{len(expected)} values ({', '.join(returns)})" if returns else f"a {type(expected).__name__}"
            yield _wrong_type(part, several, got)
            return
        if len(got) != len(expected):
            yield Difference(
                "shape", part, f"{part}: wrong number of entries", f": expected {len(expected)}, got {len(got)}"
            )
            return
        for i, (g, e) in enumerate(zip(got, expected, strict=True)):
            yield from _leaves(g, e, returns[i] if returns else f"{part}[{i}]")
    else:
        yield part, got, expected


def _names(keys):
    return ", ".join(repr(key) for key in keys)


def _wrong_type(part, wanted, got):
    what = f"{part}: expected {wanted}, got {describe(got, shape=False)}"
    return Difference("type", part, what, ". Does the function return it?" if got is None else "")


def _is_number(value):
    return isinstance(value, (bool, int, float, np.bool_, np.number)) and not isinstance(
        value, (complex, np.complexfloating)
    )


def _is_array(value):
    return isinstance(value, np.ndarray) and value.dtype.kind in "biuf"


#: Of arrays that hold no numbers; without the sizes, which a learner's code could choose by a hidden case.
_KINDS = {"U": "str", "S": "bytes", "c": "complex"}


def describe(value, shape=True):
    """Return in a few words what a value is: ``"an array of shape (3, 1)"``, ``"a number"``, ``"None"``."""
    if value is None:
        return "None"
    if isinstance(value, np.ndarray):
        kind = "an array" if _is_array(value) else f"an array of dtype {_KINDS.get(value.dtype.kind, 'object')}"
        return f"{kind} of shape {value.shape}" if shape else kind
    if _is_number(value):
        return "a number"
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _type(part, got, expected):
    """Text and None must be the same kind; numbers and arrays of numbers are one kind, told apart by shape."""
    if expected is None or isinstance(expected, str):
        return None if type(got) is type(expected) else _wrong_type(part, describe(expected), got)
    if _is_array(got) or _is_number(got):
        if isinstance(expected, np.ndarray) and expected.ndim and _is_number(got):
            return _wrong_type(part, "an array", got)
        return None
    return _wrong_type(part, describe(expected, shape=False), got)


def _shape(part, got, expected):
    if np.shape(got) == np.shape(expected):
        return None
    wanted = f"shape {np.shape(expected)}" if np.ndim(expected) else "a number"
    detail = f": expected {wanted}, got {'shape ' if np.ndim(expected) else 'an array of shape '}{np.shape(got)}"
    return Difference("shape", part, f"{part}: wrong shape", detail, expected, got)


def _finite(part, got, expected):
    if not _is_number(expected) and not _is_array(expected):
        return None
    wrong = ~np.isfinite(got) & np.isfinite(expected)
    if not wrong.any():
        return None
    word = "nan (not a number)" if np.isnan(np.asarray(got)[wrong]).any() else "infinity"
    return Difference("finite", part, f"{part}: contains {word}", _where(wrong, ""), expected, got, wrong)


def _value(part, got, expected, rtol, atol):
    if isinstance(expected, str) or expected is None:
        if got == expected:
            return None
        return Difference("value", part, f"{part}: wrong", f": expected {expected!r}, got {got!r}", expected, got)
    # Plain float64 copies: what a subclass or a clever object says about itself does not count.
    got, expected = np.array(got, dtype=float), np.array(expected, dtype=float)
    with np.errstate(invalid="ignore"):
        wrong = ~np.isclose(got, expected, rtol=rtol, atol=atol, equal_nan=True)
    if not wrong.any():
        return None
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    numbers = f": expected {number(expected[first])}, got {number(got[first])}"
    return Difference("value", part, f"{part}: wrong", _where(wrong, numbers), expected, got, wrong)


def _where(wrong, numbers):
    """Return ``" at index (1, 2): expected 6, got 30 (4 of 6 entries are wrong)"``."""
    if wrong.ndim == 0:
        return numbers
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    index = first if len(first) > 1 else first[0]
    count = f" ({int(wrong.sum())} of {wrong.size} entries)" if wrong.size > 1 else ""
    return f" at index {index}{numbers}{count}"


def number(value):
    """Return a number as a short text: ``"6"``, ``"0.7311"``, ``"1.2e-05"``."""
    value = float(value)
    if not np.isfinite(value):
        return str(value)
    return f"{value:.0f}" if value == round(value) and abs(value) < 1e6 else f"{value:.6g}"


def same(one, other):
    """Tell whether two arguments are equal in type, shape and every bit of their values; nan equals nan."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, (np.ndarray, np.generic)):
        return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    if isinstance(one, np.random.Generator):
        return True  # a generator that was used has moved on; that is what it is for
    return one == other or one != one
