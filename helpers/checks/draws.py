"""Random functions and procedures: judged by what many calls have in common, never by a stream of numbers.

A function that draws is called many times, each time with another generator where an argument is one. Facts about its
outputs (`chance`) are compared with those of the reference: the same generator gives the same output, another generator
another one; it is drawn from, and NumPy's global generator is left alone; means, spreads and shares are those of the
reference, and entries, rows, columns and parts depend on each other as the reference's do.

A view turns an output into a few numbers that are judged in its place; a training is replayed (`training`).
"""

import functools

import numpy as np

from .calls import call, copied, silent
from .chance import difference_of_samples, facts_of
from .compare import Difference, _is_array, _is_number, _leaves, difference, same
from .errors import failed
from .views import VIEWS

__all__ = ["REFERENCE", "difference_of_samples", "draws", "sample"]

#: The reference is called so many times more often, so that its own chance hardly counts.
REFERENCE = 5


def draws(count, view=None, replay=None, spread=True, given=None, calls=None):
    """Return, as plain data, how an exercise is judged: for ``judge=`` in the catalogue.

    Parameters
    ----------
    count : int
        How many calls: 300 or more for statistics; 1 where no chance is left in what the view gives.
    view : str, optional
        The name of one of `views.VIEWS`, which turns an output into named numbers; they are judged in its place.
    replay : str, optional
        For a training with the arguments X, Y, learning_rate, num_iterations and a generator for the start: the
        activation of its hidden layers, ``"tanh"`` or ``"relu"``. It is replayed (`training`).
    spread : bool
        Whether the whole distribution matters. False: only its mean and its standard deviation do.
    given : dict, optional
        Plain data of the case that the view gets besides, by name, such as the labels that are asked for.
    calls : str, optional
        The name of an argument, a function, that must be called as often as the reference calls it.
    """
    judge = {"count": count, "view": view, "replay": replay, "spread": spread}
    more = {"given": given, "calls": calls}
    return judge | {name: value for name, value in more.items() if value}


def sample(function, arguments, judge, like=None, times=1, quiet=False):
    """Call a function as often as `judge` says and return ``(Outcome, exception or None)`` of all calls as one.

    The outcome's output is a dict: ``output`` of the first call, and ``facts`` about all, None if they have none.
    Each call gets other generators. ``like`` is what this returned for the reference, which says what the parts are;
    None for the reference itself. What the first call prints is shown, unless ``quiet``.

    Calls stop as soon as no later one can change the verdict: at the first exception, and at the first output of
    another structure than the reference's, which leaves no facts whatever follows.
    """
    count = judge["count"] * times
    given = _generators_replaced(arguments, count)
    before = np.random.get_state()
    np.random.seed(0)  # so that a function that uses it gives the same in each check
    untouched = np.random.get_state()
    counted, called = judge.get("calls"), []
    once = {counted: _counting(arguments[counted], called)} if counted in arguments else {}
    try:
        first, error = call(function, given(0) | once, quiet)
        outputs, again = [], None  # of the calls: what is judged of each, until one has another structure
        with silent(quiet=True):
            for i in range(count):
                if error is None:
                    try:
                        output = function(*copied(given(i)).values())
                    except Exception as raised:
                        error = raised
                if error is not None:
                    return failed(error), error
                again = output if i == 0 else again
                outputs.append(_judged(output, arguments, judge, like and like["output"]))
                if outputs[-1] is None:
                    break
        local = same(list(untouched), list(np.random.get_state()))
    finally:
        np.random.set_state(before)
    facts = _facts(outputs, like and like["facts"])
    if facts is not None:
        repeats = difference(again, first.output, "", nonfinite=True) is None
        facts |= {"count": count, "repeats": repeats, "local": local, "moved": list(first.moved)}
        facts |= {"called": len(called)} if once else {}
    return first._replace(output={"output": first.output, "facts": facts}), None


def _counting(function, called):
    """Return a function that does the same and puts something into a list each time it is called."""

    def counting(*given, **named):
        called.append(True)
        return function(*given, **named)

    return counting


def _generators_replaced(arguments, count):
    """Return a function that gives the arguments of a call: each Generator is replaced by one of this call."""
    replaced = {
        name: _generators(tuple(copied(value).integers(2**32, size=4).tolist()), count)
        for name, value in arguments.items()
        if isinstance(value, np.random.Generator)
    }
    return lambda call: arguments | {name: generators[call] for name, generators in replaced.items()}


@functools.lru_cache(maxsize=16)  # the same for the reference and all mistakes of an exercise
def _generators(seed, count):
    """Return the generators of all calls. They are never drawn from: each call gets copies."""
    return [np.random.default_rng([call, *seed]) for call in range(count)]


def _judged(output, arguments, judge, like):
    """Return ``[(part, value, like)]`` of what is judged of one output, or None if it has another structure."""
    if judge["view"]:
        try:
            output = VIEWS[judge["view"]](output, arguments, **judge.get("given", {}))
        except Exception:  # a wrong structure, which is reported as such
            return None
        like = output
    leaves = _leaves(output, output if like is None else like, "")
    return None if any(isinstance(leaf, Difference) for leaf in leaves) else leaves


def _facts(per_call, like):
    """Return the facts about what was judged of each call, or None if not all have the same structure."""
    if per_call[-1] is None or len(set(map(len, per_call))) > 1:
        return None
    parts = []
    for leaf_of_each_call in zip(*per_call, strict=True):
        values = [got for _, got, _ in leaf_of_each_call]
        if not all((_is_array(value) or _is_number(value)) for value in values):
            parts.append(None)
        elif len({np.shape(value) for value in values}) > 1:
            return None
        else:
            parts.append(np.array(values, dtype=float))
    return facts_of(parts, like)
