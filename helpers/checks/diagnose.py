"""Find the likely cause of a wrong answer: a known mistake of the exercise, or else one of the usual slips.

Nothing is guessed: a cause is named only if it explains the outputs of *all* cases.
"""

import numpy as np

from .compare import _leaves, difference
from .draws import difference_of_samples


def known_mistake(exercise, outcomes):
    """Return the hint of the first mistake that does in every case exactly what the learner's function did, or None."""
    for mistake in exercise.mistakes:
        pairs = zip(exercise.cases, outcomes, mistake.outcomes, strict=True)
        if all(_equal(mine, other, case, exercise) for case, mine, other in pairs):
            return mistake.hint
    return None


def _equal(mine, other, case, exercise):
    if mine.raised or other.raised:
        return mine.raised == other.raised
    if mine.changed != other.changed:
        return False
    if case.judge is not None:
        options = {"rtol": exercise.rtol, "atol": exercise.atol, "named": True}
        return difference_of_samples(mine.output, other.output, case.judge, "", **options) is None
    return difference(mine.output, other.output, "", (), exercise.rtol, exercise.atol, nonfinite=True) is None


def usual_slip(exercise, outcomes, part):
    """Return a sentence about the output's `part` if one simple slip explains it in every case, else None.

    The slips: wrong sign, transposed, lost or added dimensions, a factor that is the number of rows or columns of an
    argument (sum for mean), twice or half, 1 minus the right value.
    """
    pairs = []
    for case, outcome in zip(exercise.cases, outcomes, strict=True):
        if outcome.raised or case.judge is not None:
            return None
        leaves = list(_leaves(outcome.output, case.expected, exercise.name, exercise.returns))
        pair = [leaf[1:] for leaf in leaves if isinstance(leaf, tuple) and len(leaf) == 3 and leaf[0] == part]
        if len(pair) != 1 or not all(_numeric(value) for value in pair[0]):
            return None
        pairs.append((np.array(pair[0][0], dtype=float), np.array(pair[0][1], dtype=float)))

    def fits(change):
        return all(
            np.shape(change(right)) == got.shape and np.allclose(got, change(right), exercise.rtol, exercise.atol)
            for got, right in pairs
        )

    with np.errstate(all="ignore"):
        if fits(np.transpose):
            return "These are the right numbers, but transposed."
        if all(got.size == right.size and np.allclose(got.ravel(), right.ravel()) for got, right in pairs):
            return _lost_dimensions(pairs)
        for change, sentence in (
            (np.negative, "It is the right value with the wrong sign."),
            (lambda right: 1 - right, "It is 1 minus the right value."),
            (lambda right: 2 * right, "It is exactly twice the right value."),
            (lambda right: right / 2, "It is exactly half the right value."),
        ):
            if fits(change):
                return sentence
        return _size_factor(exercise, pairs)


def _numeric(value):
    return isinstance(value, (bool, int, float, np.bool_, np.number)) or (
        isinstance(value, np.ndarray) and value.dtype.kind in "biuf"
    )


def _lost_dimensions(pairs):
    got, right = pairs[0]
    if right.ndim == 0:
        return "These are the right numbers. Take the number out of the array: `float(...)` or `.item()`."
    if got.ndim < right.ndim:
        return "These are the right numbers, but a dimension is lost. `keepdims=True` or `reshape` keeps it."
    return "These are the right numbers in another shape."


def _size_factor(exercise, pairs):
    """Explain a factor that equals one size of one argument in every case: a sum for a mean, or the other way round."""
    for name, first in exercise.cases[0].arguments.items():
        for axis in range(np.ndim(first) if isinstance(first, np.ndarray) else 0):
            sizes = [case.arguments[name].shape[axis] for case in exercise.cases]
            if max(sizes) == 1:
                continue
            what = (
                f"the number of {('rows', 'columns')[axis]} of {name}" if first.ndim == 2 else f"the length of {name}"
            )
            if first.ndim > 2:
                what = f"the size of axis {axis} of {name}"
            if _scaled(pairs, sizes):
                return f"It is too large by a factor that is {what}. A sum where the mean is wanted?"
            if _scaled(pairs, [1 / size for size in sizes]):
                return f"It is too small by a factor that is {what}. A mean where the sum is wanted, or divided twice?"
    return None


def _scaled(pairs, factors):
    return all(
        got.shape == right.shape and np.allclose(got, right * factor, rtol=1e-6, atol=1e-12)
        for (got, right), factor in zip(pairs, factors, strict=True)
    )
