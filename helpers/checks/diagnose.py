"""Find the likely cause of a wrong answer: a known mistake of the exercise, or else one of the usual slips.

Nothing is guessed. A cause is named only if it explains what the function did in *all* cases: the whole output, or else
the first wrong part that one cause explains.
"""

import functools
import re
from typing import NamedTuple

import numpy as np

from .compare import Difference, _is_array, _is_number, _leaves, agree, difference, differences
from .training import difference_of_judged


class Cause(NamedTuple):
    """What explains a wrong answer: the name of a known mistake or of a usual slip, and the sentence about it.

    ``mode`` is the value of an argument that the sentence names.
    """

    name: str
    sentence: str
    mode: str | bool | None = None


def explain(exercise, outcomes, wrong):
    """Return ``(Difference, Cause)`` of the first thing that has a cause, or of the first thing and None.

    Parameters
    ----------
    exercise : packs.Exercise
    outcomes : list of packs.Outcome
        What the learner's function did in each case.
    wrong : list of Difference
        What is wrong, in the order of the verdict.
    """
    if wrong[0].kind == "shared":  # all values are right
        return wrong[0], None
    for mistake in exercise.mistakes:
        if _all(exercise, outcomes, mistake.outcomes, functools.partial(_equal, partial=mistake.partial)):
            return wrong[0], Cause(mistake.name, mistake.hint)
    if wrong[0].kind == "exception":
        return wrong[0], _slip_that_raised(next(outcome for outcome in outcomes if outcome.raised))
    if wrong[0].form == "whole":
        return wrong[0], _slip("whole")
    if wrong[0].kind == "changed" or any(outcome.raised for outcome in outcomes):
        return wrong[0], None
    parts = {}
    for what in wrong:
        parts.setdefault(_whole(what.part), what)
    for part, what in parts.items():
        cause = _mistake_in(exercise, outcomes, part) or _slip_in(exercise, outcomes, part)
        if cause:
            return what, cause
    return wrong[0], _mistake_in_one_mode(exercise, outcomes)


def _all(exercise, outcomes, others, test):
    return all(
        test(exercise, case, mine, other) for case, mine, other in zip(exercise.cases, outcomes, others, strict=True)
    )


def _equal(exercise, case, mine, other, partial=False):
    """Tell whether two calls did the same: the same output, or the same error with the same words at the same place."""
    if mine.raised or other.raised:
        return _failure(mine) == _failure(other)
    if mine.changed != other.changed:
        return False
    if case.judge is not None:
        outputs = (_without_needless_draws(one.output, case.expected) for one in (mine, other))
        return difference_of_judged(*outputs, case.judge, "", **_short(exercise), named=True) is None
    if not agree(mine.output, other.output, **_short(exercise), nonfinite=True):
        return False
    return partial or _missing(other, case) == _missing(mine, case)  # what a dict has more did not count


def _without_needless_draws(output, right):
    """Return the sample of a judged answer; where the right one draws nothing, whether this one does tells nothing."""
    if not right.get("facts") or right["facts"]["moved"] or not output["facts"]:
        return output
    return output | {"facts": output["facts"] | {"moved": []}}


#: Products whose sizes do not fit, as `@` and as `np.dot` and the method `dot` say it; each by its two sizes.
_MATMUL = re.compile(r"^matmul: .* \(size (?P<right>\d+) is different from (?P<left>\d+)\)$")
_PRODUCTS = (
    ("BinOp MatMult", _MATMUL),
    ("Call matmul", _MATMUL),
    ("Call dot", re.compile(r"^shapes .* not aligned: (?P<left>\d+) \(dim \d\) != (?P<right>\d+) \(dim \d\)$")),
)


def _failure(outcome):
    """Return what an exception says: kind, words, place. A product says the same, whichever way it is written."""
    for place, words in _PRODUCTS:
        found = words.match(outcome.said) if outcome.place == place else None
        if found:
            return "product", found["left"], found["right"]
    return outcome.raised, outcome.said, outcome.place


def _missing(outcome, case):
    """Return the names of the keys that an output lacks, or None."""
    found = difference(outcome.output, case.expected, "", values=False)
    return found.more["missing"] if found is not None and found.form == "key" else None


def _options(exercise):
    return {"rtol": exercise.rtol, "atol": exercise.atol}


def _short(exercise):
    """Return how near an output must be to that of a mistake, which is kept in seven digits (`plain.short`)."""
    return {"rtol": max(exercise.rtol, 1e-6), "atol": exercise.atol}


# --- one part --------------------------------------------------------------------------------------------------------


def _whole(part):
    """Return the name of the part that an entry belongs to: ``"costs[2]"`` is one of ``"costs"``."""
    return part.partition("[")[0]


def _mistake_in(exercise, outcomes, part):
    """Return the `Cause` of a wrong part: a mistake that gives the same in this part, in every case.

    What else that mistake does must be wrong in the learner's output, too, so that its sentence is true. Of several,
    the one that says least about the other parts.
    """
    found = [case.expected for case in exercise.cases if part in _parts_of(exercise, case)]
    text = len(found) == 1 and isinstance(found[0], dict) and isinstance(found[0].get(part), str)
    if len(found) == 1 < len(exercise.cases) and not text:
        return None  # such as a count of what one case made up: equal numbers say nothing of the others
    best = None
    for mistake in exercise.mistakes:
        score = _score(exercise, outcomes, mistake.outcomes, part)
        if score is not None and (best is None or score < best[0]):
            best = score, Cause(mistake.name, mistake.hint)
    return best and best[1]


def _parts_of(exercise, case):
    leaves = _leaves(case.expected, case.expected, exercise.name, exercise.returns)
    return {_whole(leaf[0]) for leaf in leaves if not isinstance(leaf, Difference)}


def _score(exercise, outcomes, others, part):
    """Return in how many other parts a mistake is wrong in another way than the learner's function, over all cases.

    Return None if in this part they differ, or if the mistake is wrong where the learner is right.
    """
    score = 0
    for case, mine, other in zip(exercise.cases, outcomes, others, strict=True):
        if other.raised or other.changed:
            return None
        found = _parts_against(exercise, case, mine, other)
        if found is None or part in found["apart"]:
            return None
        if found["only theirs"]:
            return None
        score += len(found["apart"] & found["theirs"])
    return score


def _parts_against(exercise, case, mine, other):
    """Return the parts in which two outputs differ, in which the other is wrong, and in which it alone is, by name.

    Return None if they cannot be compared part by part.
    """
    if case.judge is not None:
        return None
    names = (exercise.name, exercise.returns)
    near, exact = (tuple(how.values()) for how in (_short(exercise), _options(exercise)))
    try:
        apart = set(_wrong_parts(mine.output, other.output, *names, *near, nonfinite=True))
        theirs = set(_wrong_parts(other.output, case.expected, *names, *near))
        wrong = set(_wrong_parts(mine.output, case.expected, *names, *exact))
    except (TypeError, ValueError):
        return None
    if exercise.name in apart and len(apart | theirs | wrong) > 1:
        return None  # the structure differs
    return {"apart": apart, "theirs": theirs, "only theirs": theirs - wrong}


def _wrong_parts(got, expected, part, returns, *how, **options):
    """Yield the names of the parts that differ, each compared alone: the structure of one says nothing of others."""
    if isinstance(expected, dict) and isinstance(got, dict):
        for key in expected:
            name = key if isinstance(key, str) else f"{part}[{key!r}]"
            if key in got:
                yield from _wrong_parts(got[key], expected[key], name, (), *how, **options)
            else:
                yield from (_whole(part), _whole(name))  # the structure differs, too
    elif returns and isinstance(got, (list, tuple)) and len(got) == len(expected) == len(returns):
        for name, mine, other in zip(returns, got, expected, strict=True):
            yield from _wrong_parts(mine, other, name, (), *how, **options)
    else:
        yield from (_whole(what.part) for what in differences(got, expected, part, returns, *how, **options))


def _mistake_in_one_mode(exercise, outcomes):
    """Return the `Cause` if a mistake explains all cases with one value of an argument that is text or yes or no.

    With every other value the learner's output must be right.
    """
    right = [_right(exercise, case, mine) for case, mine in zip(exercise.cases, outcomes, strict=True)]
    for name, values in _modes(exercise).items():
        there = {value for value, is_right in zip(values, right, strict=True) if not is_right}
        if len(there) != 1 or len(set(values)) < 2:
            continue
        (mode,) = there
        chosen = [i for i, value in enumerate(values) if value == mode]
        for mistake in exercise.mistakes:
            others = list(mistake.outcomes)
            if all(_equal(exercise, exercise.cases[i], outcomes[i], others[i]) for i in chosen):
                return Cause(mistake.name, f"With {name} = {mode!r}: {mistake.hint}", mode)
    return None


def _right(exercise, case, mine):
    if case.judge is not None:
        return difference_of_judged(mine.output, case.expected, case.judge, exercise.name, **_options(exercise)) is None
    return not differences(mine.output, case.expected, exercise.name, exercise.returns, exercise.rtol, exercise.atol)


def _modes(exercise):
    """Return ``{argument: its value in each case}`` of the arguments that are text, yes or no."""
    found = {}
    for name, first in exercise.cases[0].arguments.items():
        if isinstance(first, (str, bool)):
            found[name] = [case.arguments[name] for case in exercise.cases]
    return found


# --- usual slips -----------------------------------------------------------------------------------------------------


def _inverse(right):
    return 1 / right


#: (name, what it does to the right value, the sentence): only what is true by what it does.
SLIPS = (
    ("transposed", np.transpose, "These are the right numbers, but transposed."),
    ("sign", np.negative, "It is the right value with the wrong sign."),
    ("complement", lambda right: 1 - right, "It is 1 minus the right value."),
    ("twice", lambda right: 2 * right, "It is exactly twice the right value."),
    ("half", lambda right: right / 2, "It is exactly half the right value."),
    ("absolute", np.abs, "It is the right value without its sign."),
    ("squared", np.square, "It is the square of the right value."),
    ("root", np.sqrt, "It is the square root of the right value."),
    ("inverse", _inverse, "It is 1 divided by the right value."),
    ("one more", lambda right: right + 1, "It is the right value plus 1."),
    ("one less", lambda right: right - 1, "It is the right value minus 1."),
    ("logarithm", np.log, "It is the logarithm of the right value."),
    ("exponential", np.exp, "It is `exp` of the right value."),
    ("base 10", lambda right: right / np.log(10), "It is the right value divided by log(10). `np.log10` for `np.log`?"),
    ("base 2", lambda right: right / np.log(2), "It is the right value divided by log(2). `np.log2` for `np.log`?"),
    ("rounded", np.round, "It is the right value, rounded to a whole number."),
    ("cut", np.trunc, "It is the right value without what stands behind its point. Is a dtype int, or is `//` used?"),
    ("backwards", lambda right: right[::-1], "These are the right numbers, but from last to first."),
    ("rows only", lambda right: right[..., ::-1], "These are the right numbers, but each row from last to first."),
)  # fmt: skip


_FLOAT = r"(numpy\.)?float\d*"
#: (name, words of the exception, where it arose, the sentence): only what is true wherever these words come.
RAISED = (
    ("key", r"KeyError: .*", "Subscript|Call pop",
     "A dict is asked for a key that it does not have: the error names the key. Look at those it has, "
     "`list(...)` of it."),
    ("two unknown sizes", r"ValueError: can only specify one unknown dimension", "",
     "Only one size of a reshape may be -1: it follows from the others. Write the other sizes."),
    ("truth of an array", r"ValueError: The truth value of an array with more than one element is ambiguous.*", "",
     "A whole array is asked for one yes or no, as by `if`, `and`, `or`, `not`, `max` or `min`. Say what is "
     "meant: `is None`, `.all()`, `.any()`; or go entry by entry, with `np.where`, `&`, `|`, `np.maximum`."),
    ("sizes not in one tuple", r"TypeError: Cannot interpret '\d+' as a data type", "Call (zeros|ones|empty)",
     "All sizes of an array are one argument, a tuple: `np.zeros((rows, columns))`, with brackets of their own."
     " What stands behind it is the dtype."),
    ("float for a whole number",
     rf"TypeError: ('{_FLOAT}' object cannot be interpreted as an integer"
     r"|expected a sequence of integers or a single integer, got '-?\d*\.\d*'"
     rf"|(list|tuple|string) indices must be integers or slices, not {_FLOAT})", "",
     "A float stands where a whole number is needed, as a size, a count or an end. `/` gives a float, even "
     "where nothing is left over; `//` gives a whole number."),
    ("list times a float", rf"TypeError: can't multiply sequence by non-int of type '{_FLOAT}'", "",
     "A list is multiplied by a float. A list times a whole number is the list several times over; to multiply "
     "each entry, make an array of it first."),
    ("no end of a slice", r"TypeError: slice indices must be integers or None or have an __index__ method", "",
     "The ends of a slice must be whole numbers. `/` gives a float, even where nothing is left over; `//` gives"
     " a whole number."),
    ("no index", r"IndexError: only integers, slices .* are valid indices", "",
     "An array is indexed with what is no index: that is a whole number, a slice, or an array of whole numbers "
     "or of True and False. `/` gives floats, `//` whole numbers; text is a key of a dict."),
    ("index outside",
     r"IndexError: (index -?\d+ is out of bounds .*"
     r"|(list|tuple|list assignment) index out of range)", "",
     "An index lies outside. Indices begin at 0, so the last one is the number of entries minus 1."),
    ("sizes of a product",
     r"ValueError: (matmul: .* \(size \d+ is different from \d+\)"
     r"|shapes .* not aligned: .*)", "",
     "The sizes of a product of matrices do not fit: the first factor needs as many columns as the second has "
     "rows. Print both shapes. Is one of them to be transposed, or the order to be changed?"),
    ("sizes entry by entry", r"ValueError: operands could not be broadcast together with shapes .*", "",
     "Two arrays of these shapes cannot be taken entry by entry: counted from the last axis, two sizes must be "
     "equal, or one of them 1. Print both shapes."),
    ("sizes of a reshape", r"ValueError: cannot reshape array of size \d+ into shape .*", "",
     "A reshape keeps all numbers: the new sizes, multiplied, must give as many as there are. Print the shape "
     "before it."),
)  # fmt: skip


def _slip_that_raised(outcome):
    """Return the `Cause` of an exception if its words and its place say what it is, else None."""
    for name, words, place, sentence in RAISED:
        said = re.fullmatch(words, f"{outcome.raised}: {outcome.said}", re.DOTALL)
        if said and re.fullmatch(place or ".*", outcome.place):
            return Cause(f"slip: {name}", sentence)
    return None


#: What the report of a class says about them, by name.
SLIP_SENTENCES = {f"slip: {name}": sentence for name, *_, sentence in (*SLIPS, *RAISED)} | {
    "slip: whole": "A float is no index and no size. `//` or `int(...)` gives a whole number.",
    "slip: shape": "These are the right numbers in another shape.",
    "slip: float32": "It is computed in float32, which holds seven digits. Compute in float64, as NumPy does.",
    "slip: nearly": "These are nearly the right numbers. Is something rounded, a small number added, or a slope "
    "measured with a small step?",
    "slip: sum": "It is too large by a factor that is a size. A sum where the mean is wanted?",
    "slip: mean": "It is too small by a factor that is a size. A mean where the sum is wanted, or divided twice?",
}


def _slip(name):
    return Cause(f"slip: {name}", SLIP_SENTENCES[f"slip: {name}"])


def _slip_in(exercise, outcomes, part):
    """Return the `Cause` of a wrong part if one simple slip explains it in every case, else None."""
    pairs, single = [], False
    for case, outcome in zip(exercise.cases, outcomes, strict=True):
        if outcome.raised or case.judge is not None:
            return None
        leaves = list(_leaves(outcome.output, case.expected, exercise.name, exercise.returns))
        if any(isinstance(leaf, Difference) and _whole(leaf.part) == part for leaf in leaves):
            return None  # a list with too few entries, say: those that are left may be right
        pair = [leaf[1:] for leaf in leaves if not isinstance(leaf, Difference) and _whole(leaf[0]) == part]
        if not pair or not all(_is_array(value) or _is_number(value) for two in pair for value in two):
            return None
        single = single or any(getattr(got, "dtype", None) in (np.float32, np.float16) for got, _ in pair)
        pairs += [(case, np.array(got, dtype=float), np.array(right, dtype=float)) for got, right in pair]

    def fits(change, rtol=exercise.rtol, atol=exercise.atol):
        for case, got, right in pairs:
            try:
                changed = np.asarray(change(case, right))
            except (ValueError, IndexError, TypeError):
                return False
            if changed.shape != got.shape or not np.allclose(got, changed, rtol, atol, equal_nan=True):
                return False
        return True

    with np.errstate(all="ignore"):
        for name, change, sentence in SLIPS:
            if fits(lambda case, right, change=change: change(right)):
                return Cause(f"slip: {name}", sentence)
        if any(got.shape != right.shape for _, got, right in pairs):
            how = (exercise.rtol, exercise.atol)
            flat = [(got.ravel(), right.ravel()) for _, got, right in pairs]
            if all(got.size == right.size and np.allclose(got, right, *how) for got, right in flat):
                return Cause("slip: shape", _lost_dimensions(*pairs[0][1:]))
            return None
        if single and fits(lambda case, right: right, 1e-2, 1e-5):
            return _slip("float32")
        return _size_factor(exercise, fits) or _nearly(fits)


def _lost_dimensions(got, right):
    if right.ndim == 0:
        return "These are the right numbers. Take the number out of the array: `float(...)` or `.item()`."
    if got.ndim < right.ndim:
        return "These are the right numbers, but a dimension is lost. `keepdims=True` or `reshape` keeps it."
    return "These are the right numbers in another shape."


def _nearly(fits):
    return _slip("nearly") if fits(lambda case, right: right, 1e-3, 1e-6) else None


def _size_factor(exercise, fits):
    """Explain a factor that equals one size of one argument in every case: a sum for a mean, or the other way round."""
    for name, first in exercise.cases[0].arguments.items():
        for axis in range(np.ndim(first) if isinstance(first, np.ndarray) else 0):
            sizes = [np.shape(case.arguments[name])[axis:] for case in exercise.cases]
            if not all(sizes) or max(size[0] for size in sizes) == 1:
                continue
            what = (
                f"the number of {('rows', 'columns')[axis]} of {name}" if first.ndim == 2 else f"the length of {name}"
            )
            if first.ndim > 2:
                what = f"the size of axis {axis} of {name}"
            if fits(lambda case, right, name=name, axis=axis: right * case.arguments[name].shape[axis]):
                return Cause(
                    "slip: sum", f"It is too large by a factor that is {what}. A sum where the mean is wanted?"
                )
            if fits(lambda case, right, name=name, axis=axis: right / case.arguments[name].shape[axis]):
                return Cause(
                    "slip: mean",
                    f"It is too small by a factor that is {what}. A mean where the sum is wanted, or divided twice?",
                )
    return None
