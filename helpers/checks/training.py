"""Trainings: judged by replaying them. An independent library walks from the start that the function drew itself.

Called with a learning rate of 0, a training gives its start; that is judged as any random function is. Called with one,
two, three and all steps from the same generator, it must stand where gradient descent leads from there, in every
parameter, and report the cost before each step.
"""

import numpy as np

from .calls import call, copied, silent
from .chance import difference_of_samples
from .compare import Difference, difference
from .draws import sample
from .views import descent

_SHORT = (1, 2, 3)
#: How far a part may be from where it should be, as a share of the way that it should have moved: after few, after all.
_NEAR, _FAR = 1e-5, 1e-3
_WORDS = {1: "first", 2: "second", 3: "third", -1: "last"}


def sample_of_training(function, arguments, judge, like=None, times=1, quiet=False):
    """Return ``(Outcome, exception or None)`` of all calls as one, as `draws.sample` does.

    The outcome's output is a dict: ``output`` of the first call, ``walks``, the facts of two walks (`_walk`), None if
    their outputs have another structure, and ``start``, a sample of starts, or None if there is none.
    """
    first, error = call(function, arguments, quiet)
    if error is not None:
        return first, error
    walks = []
    for number in (0, 1):
        given = copied(arguments)
        for name, value in given.items():
            if isinstance(value, np.random.Generator):
                given[name] = np.random.default_rng([number, int(copied(value).integers(2**32))])
        try:
            with silent(quiet=True):
                walks.append(_walk(function, given, judge["replay"]))
        except Exception:  # another structure, or it stops when it has few steps to go
            walks.append(None)
    start = None
    if all(walk and not walk["idle"] for walk in walks):  # else each call may be a whole training
        still = arguments | {"learning_rate": 0.0, "num_iterations": 1}
        of_start, error = sample(function, still, judge | {"replay": None}, like and like["start"], times, quiet=True)
        if error is not None:
            return of_start, error
        start = of_start.output
    return first._replace(output={"output": first.output, "start": start, "walks": walks}), None


def _walk(function, arguments, hidden):
    """Return the facts of one walk.

    ``idle``: what moves although learning_rate or num_iterations is 0; ``draws``: whether steps draw random numbers;
    ``parts``: for each parameter, after one, two, three and all steps, how many times as far it went as it should, and
    how far it is from where it should be; ``costs``: index, expected and got of the first wrong cost, or None.
    """
    places, costs, states = {}, None, {}
    total = arguments["num_iterations"]
    for key, changed in (
        ("still", {"learning_rate": 0.0, "num_iterations": 1}), (0, {"num_iterations": 0}),
        *((steps, {"num_iterations": steps}) for steps in (*_SHORT, total)),
    ):  # fmt: skip
        given = copied(arguments) | changed
        seen = [value for value in given.values() if isinstance(value, np.random.Generator)]
        try:
            output = function(*given.values())
        except Exception:
            if key == 0:  # a right function may need one step
                continue
            raise
        places[key], costs = _parameters(output)
        states[key] = [one.bit_generator.state for one in seen]
    start = places.get(0, places["still"])
    path, losses = descent(start, arguments["X"], arguments["Y"], arguments["learning_rate"], total, hidden)
    parts = {}
    for name in start:
        parts[name] = [
            _way(places[steps][name] - start[name], path[steps][name] - start[name]) for steps in (*_SHORT, total)
        ]
    return {
        "idle": 0 in places and any(not np.allclose(places[0][one], places["still"][one]) for one in start),
        "draws": states[1] != states[3],
        "parts": parts,
        "costs": None if costs is None else _first_wrong(costs, losses),
    }


def _parameters(output):
    """Return the dict of parameters of an output, in plain arrays, and the costs or None."""
    parts = [output] if isinstance(output, dict) else list(output)
    (found,) = (part for part in parts if isinstance(part, dict))
    names = [f"{letter}{layer}" for layer in range(1, len(found) + 1) for letter in "Wb" if f"{letter}{layer}" in found]
    rest = [np.array(part, dtype=float).ravel() for part in parts if not isinstance(part, dict)]
    return {name: np.array(found[name], dtype=float) for name in names}, rest[0] if rest else None


def _way(moved, wanted):
    """Return how many times as far as wanted it moved, in the wanted direction, and the share by which it missed."""
    length = np.sum(wanted**2)
    if length < 1e-24:
        return [1.0, 0.0 if np.abs(moved).max(initial=0) < 1e-9 else 1.0]
    return [float(np.sum(moved * wanted) / length), float(np.sqrt(np.sum((moved - wanted) ** 2) / length))]


def _first_wrong(costs, losses):
    if len(costs) != len(losses):
        return [-1, float(len(losses)), float(len(costs))]
    wrong = ~np.isclose(costs, losses, rtol=1e-6, atol=1e-8)
    if not wrong.any():
        return None
    first = int(np.argmax(wrong))
    return [first, float(losses[first]), float(costs[first])]


def difference_of_trainings(got, expected, judge, part, returns=(), rtol=1e-6, atol=1e-8, named=False):
    """Return the first `Difference` of what `sample_of_training` gave from what it gave for another function, or None.

    The parameters are those of `chance.difference_of_samples`.
    """
    found = difference(
        got["output"], expected["output"], part, returns, rtol, atol, nonfinite=named, values=False
    )  # type, shape, finite
    if found is not None:
        return found
    if named:
        if not all(map(_same_walk, got["walks"], expected["walks"])):
            return Difference("random", part, "other properties")
    else:
        for walk in got["walks"]:
            found = _wrong_walk(walk, part, returns)
            if found is not None:
                return found
    if got["start"] is None or expected["start"] is None:
        return None if got["start"] is expected["start"] else Difference("random", part, "other properties")
    return difference_of_samples(got["start"], expected["start"], judge, part, returns, rtol, atol, named)


def _wrong_walk(walk, exercise, returns):
    """Return the `Difference` of a walk from gradient descent, or None."""
    if walk is None:
        return Difference("training", exercise, "few steps")
    if walk["idle"]:
        return Difference("training", exercise, "idle")
    for place, steps in enumerate((*_SHORT, -1)):
        for name, ways in walk["parts"].items():
            ratio, miss = ways[place]
            if miss > (_FAR if steps == -1 else _NEAR):
                form = (
                    "stuck"
                    if abs(ratio) + abs(miss - 1) < 1e-9
                    else "step"
                    if abs(miss - abs(ratio - 1)) < 1e-6
                    else "off"
                )
                return Difference("training", name, form, 1.0, ratio, more={"nth": _WORDS[steps]})
    if walk["costs"] is not None:
        index, expected, got = walk["costs"]
        return Difference("training", returns[-1] if returns else exercise, "costs", expected, got, (index,))
    return None


def _same_walk(mine, theirs):
    """Tell whether two walks go wrong in the same way: what differs by the start alone does not count."""
    if mine is None or theirs is None:
        return mine is theirs
    if any(mine[fact] != theirs[fact] for fact in ("idle", "draws")) or mine["parts"].keys() != theirs["parts"].keys():
        return False
    for name, ways in mine["parts"].items():
        for (ratio, miss), (other, other_miss) in zip(ways, theirs["parts"][name], strict=True):
            straight = abs(miss - abs(ratio - 1)) < 1e-6
            if straight != (abs(other_miss - abs(other - 1)) < 1e-6) or (straight and abs(ratio - other) > 1e-6):
                return False
    if (mine["costs"] is None) != (theirs["costs"] is None):
        return False
    return mine["costs"] is None or np.allclose(mine["costs"], theirs["costs"], rtol=1e-6)


def difference_of_judged(got, expected, judge, *how, **options):
    """Return the first `Difference` of what a judged exercise gave from what another function gave, or None."""
    compare = difference_of_trainings if judge["replay"] else difference_of_samples
    return compare(got, expected, judge, *how, **options)
