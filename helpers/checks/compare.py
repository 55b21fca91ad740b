"""Compare an output with the right one: which parts differ, where, expected and got. `words` makes sentences of it.

The order of a verdict is: type, shape, finite, value. What is written another way but means the same passes
(`plain.usual`): a Python float for a NumPy number, a list or an array for a tuple, rows in a list for an array, 0/1 for
False/True, int for float, entries of one's own in a dict, but for keys that belong to other cases alone. A float for a
single whole number does not.
"""

from typing import Any, NamedTuple

import numpy as np

from . import plain

#: What comes first in a verdict, part by part.
_ORDER = ("type", "shape", "finite", "value")


class Difference(NamedTuple):
    """One thing that differs, as data.

    ``kind`` is what is judged, ``form`` the key of its sentence in `words.SENTENCES`; ``part`` names the part of the
    output; ``index`` is where, in an array; ``expected`` and ``got`` are what is there; ``wrong`` marks the wrong
    entries of an array; ``more`` holds what else its sentence needs.
    """

    kind: str
    part: str
    form: str
    expected: Any = None
    got: Any = None
    index: tuple | None = None
    wrong: Any = None
    more: dict = {}  # noqa: RUF012, never changed


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
    found = differences(got, expected, part, returns, rtol, atol, nonfinite, values)
    return found[0] if found else None


def differences(got, expected, part, returns=(), rtol=1e-6, atol=1e-8, nonfinite=False, values=True):
    """Return the `Difference` of each part that differs, in the order of a verdict; the parameters of `difference`."""
    found = _each_difference(got, expected, part, returns, rtol, atol, nonfinite, values)
    return sorted(found, key=lambda one: _ORDER.index(one.kind))


def agree(got, expected, rtol=1e-6, atol=1e-8, nonfinite=False):
    """Tell whether two outputs agree, without a look at more than the first part that differs; see `difference`."""
    return next(_each_difference(got, expected, "", (), rtol, atol, nonfinite, True), None) is None


def _each_difference(got, expected, part, returns, rtol, atol, nonfinite, values):
    leaves = _leaves(got, expected, part, returns)
    for item in leaves:
        if isinstance(item, Difference):
            yield item
            return
    tests = [_type, _shape] + ([] if nonfinite else [_finite])
    if values:
        tests.append(lambda *leaf: _value(*leaf, rtol, atol))
        tests += [] if nonfinite else [_whole]
    for leaf in leaves:
        first = next(filter(None, (test(*leaf) for test in tests)), None)
        if first is not None:
            yield first


def _leaves(got, expected, part, returns=()):
    """Return ``(part, got, expected)`` of each number, array or text; a `Difference` where the structure differs."""
    found = []
    _add_leaves(found.append, got, expected, part, returns)
    return found


def _add_leaves(add, got, expected, part, returns=()):
    got, expected = plain.usual(got), plain.usual(expected)
    if isinstance(expected, np.ndarray) and expected.dtype.kind == "U":
        expected = expected.tolist()
    if isinstance(expected, dict):
        if not isinstance(got, dict):
            add(_wrong_type(part, "a dict", got, {"keys": f" with the keys {_names(expected)}"}))
            return
        missing = [key for key in expected if key not in got]
        if missing:
            more = {"missing": _names(missing), "has": f"it has {_names(got)}" if got else "it is empty"}
            add(Difference("type", part, "key", list(expected), list(got), more=more))
            return
        for key, item in expected.items():
            _add_leaves(add, got[key], item, key if isinstance(key, str) else f"{part}[{key!r}]")
    elif isinstance(expected, (list, tuple)):
        if isinstance(got, np.ndarray) and got.ndim > 0:
            got = list(got)
        if not isinstance(got, (list, tuple)):
            several = f"{len(expected)} values ({', '.join(returns)})" if returns else f"a {type(expected).__name__}"
            add(_wrong_type(part, several, got))
            return
        if len(got) != len(expected):
            add(Difference("shape", part, "count", len(expected), len(got)))
            return
        for i, (g, e) in enumerate(zip(got, expected, strict=True)):
            _add_leaves(add, g, e, returns[i] if returns else f"{part}[{i}]")
    else:
        if isinstance(expected, np.ndarray) and isinstance(got, (list, tuple)):
            got = _as_array(got, expected)
        add((part, got, expected))


def _as_array(rows, expected):
    """Return rows as the array that they are, or as they came if they are none; no rows can be rows of any length."""
    try:
        array = np.array([plain.usual(row) for row in rows])
    except ValueError:
        return rows
    if not len(rows) and expected.ndim and not len(expected):
        return np.zeros(expected.shape)
    return array if _is_array(array) else rows


def keys_of_other_cases(got, case, cases, part, returns=()):
    """Yield a `Difference` for each key of a dict in an output that is asked for in other cases, but not in this one.

    A key that is a text in some argument, such as a name that one asks for, may stand there more often than asked.
    """
    here, known = set(_keys(case.expected)), {found for other in cases for found in _keys(other.expected)}
    extra = [found for found in _keys(got) if found in known and found not in here]
    passed = {text for other in cases for text in _texts(other.arguments)} if extra else ()
    for place, key in extra:
        if key not in passed:
            name = (returns[place[0]] if returns else f"{part}[{place[0]!r}]") if place else part
            yield Difference("type", name, "extra key", more={"extra": repr(key)})


def _texts(value):
    """Yield each text in dicts, lists and tuples."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list, tuple)):
        for item in (*value, *value.values()) if isinstance(value, dict) else value:
            yield from _texts(item)


def _keys(value, place=()):
    """Yield ``(place, key)`` for each key that is text, of dicts in dicts, lists and tuples."""
    if isinstance(value, dict):
        for key, item in value.items():
            if isinstance(key, str):
                yield place, key
            yield from _keys(item, (*place, key))
    elif isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            yield from _keys(item, (*place, i))


def not_new(shared, case, exercise):
    """Yield a `Difference` for each part of a right output that is no new array, from what `calls.shared` gave."""
    right = case.expected["output"] if case.judge else case.expected
    parts = dict(_places(right, exercise.name, exercise.returns))
    for place, (kind, *other) in shared:
        if place in parts and (kind == "argument" or tuple(other) in parts):
            form, name = ("passed in", other[0]) if kind == "argument" else ("one array", parts[tuple(other)])
            if name == parts[place] and exercise.returns:
                name += f" of {exercise.returns[other[0]]}"
            yield Difference("shared", parts[place], form, more={"other": name})


def _places(right, part, returns=(), place=()):
    """Yield ``(place, part)`` for each array of a right output: its keys and indices, and its name in messages."""
    if isinstance(right, dict):
        for key, item in right.items():
            yield from _places(item, key if isinstance(key, str) else f"{part}[{key!r}]", (), (*place, key))
    elif isinstance(right, (list, tuple)):
        for i, item in enumerate(right):
            yield from _places(item, returns[i] if returns else f"{part}[{i}]", (), (*place, i))
    else:
        yield place, part


def _names(keys):
    return ", ".join(repr(key) for key in keys)


def _wrong_type(part, wanted, got, more={}):  # noqa: B006, never changed
    found = describe(got, shape=False)
    return Difference("type", part, "nothing" if got is None else "type", wanted, found, more=more)


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
    name = getattr(type(value), "kind_of", lambda value: type(value).__name__)(value)
    return f"{'an' if name[:1] in 'aeiou' else 'a'} {name}"


def _type(part, got, expected):
    """Text and None must be the same kind; numbers and arrays of numbers are one kind, told apart by shape."""
    if expected is None or isinstance(expected, str):
        same_kind = got is None if expected is None else isinstance(got, str)
        return None if same_kind else _wrong_type(part, describe(expected), got)
    if _is_array(got) or _is_number(got):
        if isinstance(expected, np.ndarray) and expected.ndim and _is_number(got):
            return _wrong_type(part, "an array", got)
        return None
    return _wrong_type(part, describe(expected, shape=False), got)


def _shape(part, got, expected):
    if np.shape(got) == np.shape(expected):
        return None
    form = "shape" if np.ndim(expected) else "number"
    return Difference("shape", part, form, expected, got)


def _finite(part, got, expected):
    if not _is_number(expected) and not _is_array(expected):
        return None
    wrong = ~np.isfinite(got) & np.isfinite(expected)
    if not wrong.any():
        return None
    word = "nan (not a number)" if np.isnan(np.asarray(got)[wrong]).any() else "infinity"
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    return Difference("finite", part, "finite", expected, got, first, wrong, {"word": word})


def _value(part, got, expected, rtol, atol):
    if isinstance(expected, str) or expected is None:
        return None if got == expected else Difference("value", part, "text", expected, got)
    if isinstance(expected, (bool, np.bool_)):  # a decision: said as True or False, not as 1 or 0
        got = float(np.array(got, dtype=float))
        if got == expected:
            return None
        return Difference("value", part, "text", bool(expected), bool(got) if got in (0, 1) else got)
    # Plain float64 copies: what a subclass or a clever object says about itself does not count.
    got, expected = np.array(got, dtype=float), np.array(expected, dtype=float)
    with np.errstate(invalid="ignore"):
        apart = np.abs(got - expected)
        near = (apart <= atol + rtol * np.abs(expected)) & np.isfinite(expected)
        if near.all():
            return None
        wrong = ~(near | (got == expected) | (np.isnan(got) & np.isnan(expected)))  # as np.isclose, in half its time
        if not wrong.any():
            return None
        apart = np.where(wrong, np.nan_to_num(apart, nan=np.inf), -1)
    index = tuple(int(i) for i in np.unravel_index(np.argmax(apart), apart.shape))
    return Difference("value", part, "value", expected, got, index, wrong)


def _whole(part, got, expected):
    """A size, a count or an index is a whole number: a float, though equal, is no size of an array and no index."""
    counts = isinstance(expected, (int, np.integer)) and not isinstance(expected, bool)
    if counts and not isinstance(got, bool) and np.asarray(got).dtype.kind == "f":
        return Difference("type", part, "whole", expected, float(got))
    return None


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
