"""Call a learner's function with copies of its arguments, and note what it gave, raised and changed."""

import contextlib
import copy
import io
import warnings

import numpy as np

from . import packs, plain
from .compare import same
from .errors import failed


def copied(value):
    """Return a copy of plain data; generators are copied by their state. Anything else is copied by `copy.deepcopy`."""
    kind = type(value)
    if kind is np.ndarray and value.dtype != object:
        return value.copy(order="K")
    if kind in (int, float, bool, str, type(None), plain.Function):
        return value
    if kind is dict:
        return {key: copied(item) for key, item in value.items()}
    if kind in (list, tuple):
        return kind([copied(item) for item in value])
    if kind is np.random.Generator:
        return plain.generator(value.bit_generator.state)
    return copy.deepcopy(value)


@contextlib.contextmanager
def silent(quiet=False):
    """Silence NumPy's warnings, since the value is judged; with `quiet`, drop what is printed, too."""
    dropped = io.StringIO()
    with contextlib.ExitStack() as stack:
        stack.enter_context(np.errstate(all="ignore"))
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        if quiet:
            stack.enter_context(contextlib.redirect_stdout(dropped))
            stack.enter_context(contextlib.redirect_stderr(dropped))
        yield


def call(function, arguments, quiet=False):
    """Call `function` with copies of the arguments and return its `packs.Outcome` and its exception or None.

    Warnings of NumPy are silent: the value is judged. With `quiet`, what the function prints is dropped.
    """
    given = copied(arguments)
    try:
        with silent(quiet):
            output = function(*given.values())
    except Exception as error:
        return failed(error), error
    changed = tuple(name for name in arguments if not same(arguments[name], given[name]))
    found = packs.Outcome(output, changed=changed, moved=_moved(arguments, given), shared=tuple(shared(output, given)))
    return found, None


def shared(output, arguments):
    """Yield which arrays of an output are no new ones: ``(place, other)`` of each that shares memory with another one.

    A place is a tuple of keys and indices; ``other`` begins with ``"argument"`` and its name, or with ``"output"``.
    """
    seen = {}
    for place, array in [*arrays(arguments, ("argument",)), *arrays(output, ("output",))]:
        root = array
        while isinstance(root.base, np.ndarray):
            root = root.base
        others = seen.setdefault(id(root), [])
        if place[0] == "output":
            other = next((other for other, one in others if np.may_share_memory(one, array)), None)
            if other is not None:
                yield place[1:], other
        others.append((place, array))


def arrays(value, place=()):
    """Yield ``(place, array)`` for each array with entries in dicts, lists and tuples."""
    if isinstance(value, np.ndarray) and value.size:
        yield place, value
    elif isinstance(value, (dict, list, tuple)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from arrays(item, (*place, key))


def _moved(before, after):
    """Return the names of the generators that were drawn from."""
    return tuple(
        name
        for name, value in before.items()
        if isinstance(value, np.random.Generator) and value.bit_generator.state != after[name].bit_generator.state
    )
