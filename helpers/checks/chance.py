"""Two samples of a random function's outputs: facts about each, and whether chance explains how they differ.

Facts are means over the calls with their standard errors, and a few counts. Two right answers differ by chance. A
difference counts if it exceeds `RIGHT` standard errors of the reference. By the normal distribution that happens to a
right answer with a probability below 1.3e-15 per number. Heavy tails and estimated errors raise it, most where
something happens in few calls: an event that the reference never had has the error 0, but for shares at single places.
Repeats and draws beyond an end are counted instead; single entries are not. It needs 300 calls or more, unless there
are bounds.

Dependence is looked for in ranks, so that neither the mean nor the spread of an entry matters: the ranks of each entry
over the calls, and how far from the middle they are. Entries that are independent have means over rows, columns and
wholes that vary as those of the reference do, and no entry follows from another one.
"""

import numpy as np

from .compare import Difference, _leaves, difference
from .views import VIEWS

RIGHT, NAMED = 8.0, 5.0  # how many standard errors may lie between right answers, and between answers of one mistake
#: Correlations from `NOTED` on are facts; one from `STRONG` on that the reference has not, by `FARTHER`, is no chance.
NOTED, STRONG, FARTHER = 0.3, 0.65, 0.3
_QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
_FEW = 12  # values: a part with no more is judged value by value
#: A right answer sees an end with so many expected draws; so many draws beyond an end, and so many calls in which a
#: value repeats where none of the reference's has it, are no chance: each 1e-10.
_SEEN, _BEYOND = 23, 13
_ALIKE = 0.06  # the numbers of `_together` are estimates: each entry's ranks come from the same calls
_ENTRIES = 64  # of a part, whose pairs are looked at


# --- facts -----------------------------------------------------------------------------------------------------------


def facts_of(parts, like=None):
    """Return the facts about outputs.

    Parameters
    ----------
    parts : list of ndarray or None
        For each part its values, axis 0 being the call; None for what is no number.
    like : dict or None
        The facts about the reference's outputs: where to count. None for the reference itself.
    """
    known = like["parts"] if like and len(like["parts"]) == len(parts) else [None] * len(parts)
    found = [None if values is None else _of_part(values, one) for values, one in zip(parts, known, strict=True)]
    return {"parts": found, "pairs": _pairs(parts, found)}


def _with_error(x):
    """Return the mean over the calls, and its standard error."""
    error = x.std(axis=0, ddof=1) / np.sqrt(len(x)) if len(x) > 1 else np.zeros(x.shape[1:])
    return [np.asarray(x.mean(axis=0)), np.asarray(error)]


def _of_part(values, like):
    with np.errstate(all="ignore"):
        flat = values.reshape(len(values), -1)
        flat = flat if flat.shape[1] else np.zeros((len(values), 1))
        facts = {
            "varies": bool(np.any(values != values[0])),
            "entries": _with_error(values),
            "squares": _with_error(values**2),
            "mean": _with_error(flat.mean(axis=1)),
            "square": _with_error((flat**2).mean(axis=1)),
        }
        if facts["varies"] and len(flat) > 1 and np.isfinite(flat).all():
            facts |= _of_values(flat, like)
            facts["together"] = _together(values)
    return facts


def _of_values(flat, like):
    """Return which values there are: how many, their ends, and the share of them below some edges."""
    rounded = _rounded(flat)
    values, counts = np.unique(rounded, return_counts=True)
    per_call, levels = _different(rounded, axis=1), _different(rounded[:200], axis=0)
    if like and "edges" in like:
        edges, ends = like["edges"], like["ends"]
    else:
        edges = values[:-1] if len(values) <= _FEW else np.quantile(flat, _QUANTILES)
        ends = np.array([values[0], values[-1]])
    room = 1e-6 * (ends[1] - ends[0])
    shares = np.stack([np.mean(flat <= edge + room, axis=1) for edge in edges], axis=1) if len(edges) else flat[:, :0]
    return {
        **({"places": _by_place(flat, edges, room)} if len(values) <= _FEW and len(edges) else {}),
        "repeating": int(np.sum(per_call < flat.shape[1])),
        "different": _with_error(per_call.astype(float)),
        "levels": int(np.median(levels)),
        "grid": len(values) / flat.size,
        "few": len(values),
        "edges": np.asarray(edges, dtype=np.float32),
        "below": np.array(_with_error(shares), dtype=np.float32),
        "ends": np.array([values[0], values[-1]], dtype=np.float32),
        "at ends": [int(counts[0]), int(counts[-1])],
        "beyond": [int(np.sum(flat < ends[0] - room)), int(np.sum(flat > ends[1] + room))],
        "size": flat.size,
    }


def _by_place(flat, edges, room):
    """Return the share of values up to each edge at each place alone, (edges, places), and its standard error.

    The error is that of a share which is a little nearer to the middle: what the reference never had may still occur.
    """
    few = [np.sum(flat[:, :_ENTRIES] <= edge + room, axis=0) for edge in edges]
    middle = (np.array(few) + RIGHT) / (len(flat) + 2 * RIGHT)
    return np.array([np.array(few) / len(flat), np.sqrt(middle * (1 - middle) / len(flat))], dtype=np.float32)


def _different(rounded, axis):
    """Return how many different values stand along an axis."""
    ordered = np.sort(rounded, axis=axis)
    return 1 + np.count_nonzero(np.diff(ordered, axis=axis), axis=axis)


def _rounded(flat):
    """Return the values with nine digits, so that another order of operations makes no other value."""
    with np.errstate(all="ignore"):
        scale = 10.0 ** (np.floor(np.log10(np.abs(flat))) - 8)
        return np.where(flat == 0, 0.0, np.round(flat / scale) * scale)


def _ranks(flat):
    """Return the ranks of each column, from -1 to 1, those of equal values averaged; and how far from the middle."""
    columns = []
    for column in flat.T:
        ordered = np.sort(column)
        columns.append(np.searchsorted(ordered, column, "left") + np.searchsorted(ordered, column, "right"))
    signed = np.stack(columns, axis=1) / len(flat) - 1
    size = np.abs(signed)
    return signed, size - size.mean(axis=0)


def _together(values):
    """Return mean and error of six numbers: for ranks and sizes, how means over all, rows and columns vary.

    They are about 1 where the entries are independent, and 0 where a count is fixed.
    """
    flat = values.reshape(len(values), -1)
    numbers = []
    signed, size = _ranks(flat)
    for ranks in (signed, size):
        shaped = ranks.reshape(len(ranks), -1, values.shape[-1] if values.ndim > 2 else 1)
        for axes in ((1, 2), 2, 1):
            means = shaped.mean(axis=axes).reshape(len(ranks), -1)
            alone = np.mean(ranks**2) * means.shape[1] / (ranks.size / len(ranks))  # of means of independent entries
            numbers.append((means**2).mean(axis=1) / max(alone, 1e-12))
    return np.array(_with_error(np.stack(numbers, axis=1)), dtype=np.float32)


def _pairs(parts, facts):
    """Return ``[[i, j, strongest correlation]]`` of the parts i <= j of which an entry goes with another one's."""
    chosen, owners = [], []
    for i, (values, one) in enumerate(zip(parts, facts, strict=True)):
        if one and "together" in one:
            flat = values.reshape(len(values), -1)
            if flat.shape[1] > _ENTRIES:
                flat = np.hstack([flat[:, : _ENTRIES // 2], flat[:, -_ENTRIES // 2 :]])
            chosen.append(flat)
            owners += [i] * flat.shape[1]
    if not chosen:
        return []
    signed, size = _ranks(np.hstack(chosen))
    strongest = np.maximum(_correlations(signed), _correlations(size))
    np.fill_diagonal(strongest, 0)
    owners, found = np.array(owners), []
    for i in np.unique(owners):
        for j in np.unique(owners[owners >= i]):
            most = float(strongest[np.ix_(owners == i, owners == j)].max())
            if most >= NOTED:
                found.append([int(i), int(j), round(most, 2)])
    return found


def _correlations(columns):
    spread = columns.std(axis=0)
    scaled = (columns - columns.mean(axis=0)) / np.where(spread > 1e-9, spread, np.inf)
    return np.abs(scaled.T @ scaled) / len(scaled)


# --- verdict ---------------------------------------------------------------------------------------------------------


@np.errstate(over="ignore", invalid="ignore")  # an answer's numbers may be so large that their squares are infinite
def difference_of_samples(got, expected, judge, part, returns=(), rtol=1e-6, atol=1e-8, named=False):
    """Return the first `Difference` of one sample's output from another's, or None where chance explains them.

    Parameters
    ----------
    got, expected : dict
        Outputs of `draws.sample`.
    judge : dict
        From `draws.draws`.
    named : bool
        Whether `expected` is that of a usual mistake: then the two must be nearer.
    """
    found = difference(
        got["output"], expected["output"], part, returns, rtol, atol, nonfinite=named, values=False
    )  # type, shape, finite
    mine, theirs = got["facts"], expected["facts"]
    if found is not None or theirs is None:
        return found or (mine and Difference("random", part, "unlike"))
    if mine is None:
        return Difference("random", part, "other structure")
    for fact, form in (("local", "global"), ("repeats", "repeats")):
        if theirs[fact] and not mine[fact]:
            return Difference("random", part, form)
    if named and any(theirs[fact] != mine[fact] for fact in ("repeats", "local", "moved")):
        return Difference("random", part, "other properties")
    names = _names(expected["output"], part, returns, judge)
    parts = [(name, a, b) for name, a, b in zip(names, mine["parts"], theirs["parts"], strict=True) if a and b]
    near = _near(mine["count"], theirs["count"], NAMED if named else RIGHT, rtol, atol)
    calls = mine["count"]
    for name, a, b in parts:
        if b["varies"] and not a["varies"]:
            return Difference("random", name, "constant")
        found = None if a["varies"] or b["varies"] else _unlike(name, a, b, near, calls, True)
        if found is not None:  # wrong in every call; what varies may hang on it
            return found
    if theirs["moved"] != mine["moved"]:
        return Difference("random", part, "not moved" if theirs["moved"] else "moved")
    pairs = _other_pairs(mine["pairs"], theirs["pairs"], names)
    for test in (_unlike, _repeated, _dependent, lambda *_: pairs, _unlike_values):
        for name, a, b in parts:
            found = test(name, a, b, near, calls, named or judge["spread"])
            if found is not None:
                return found
    if pairs is None and mine.get("called") != theirs.get("called"):
        return Difference("random", part, "called", theirs["called"], mine["called"], more={"other": judge["calls"]})
    return pairs


def _names(output, part, returns, judge):
    """Return how the parts that are judged are called: those of the view, or of the output."""
    if judge["view"]:
        return VIEWS[judge["view"]].said
    return [leaf[0] for leaf in _leaves(output, output, part, returns)]


def _near(count, other_count, errors, rtol, atol):
    """Return a function that tells where two means are as near as two right answers are."""

    def near(mine, theirs):
        (a, _), (b, error) = mine, theirs
        with np.errstate(invalid="ignore"):
            allowed = atol + rtol * np.abs(b) + errors * error * np.sqrt(1 + other_count / count)
            return (np.abs(a - b) <= allowed) | (a == b) | (np.isnan(a) & np.isnan(b))

    return near


def _unlike(name, mine, theirs, near, calls, spread):
    """Return the `Difference` of two parts: all entries together first, which is the best sentence, then each entry."""

    def say(form, expected, got, index=None):
        return Difference("value", name, form, float(expected), float(got), index, more={"calls": calls})

    def deviation(part):
        return np.sqrt(max(part["square"][0] - part["mean"][0] ** 2, 0))

    if theirs["varies"]:
        mean = "mean", theirs["mean"][0], mine["mean"][0]
        if not near(mine["mean"], [theirs["mean"][0], max(theirs["mean"][1], mine["mean"][1])]):
            return say(*mean)
        if not near(mine["square"], theirs["square"]):
            both = deviation(theirs), deviation(mine)
            return say("deviation", *both) if np.isfinite(both).all() else say(*mean)
        if not near(mine["mean"], theirs["mean"]):
            return say(*mean)
    for key, form in (("entries", "average"), ("squares", "mean square")):
        wrong = ~near(mine[key], theirs[key])
        if np.any(wrong):
            apart = np.where(wrong, np.nan_to_num(np.abs(mine[key][0] - theirs[key][0]), nan=np.inf), -1)
            index = tuple(int(i) for i in np.unravel_index(np.argmax(apart), apart.shape))
            form = "fixed" if not theirs["varies"] and not mine["varies"] else form
            return say(form, theirs[key][0][index], mine[key][0][index], index)
    return None


def _repeated(name, mine, theirs, near, calls, spread):
    """Return the `Difference` if numbers repeat that must not, in a call or from a grid, or if there are too many."""
    if "edges" not in theirs or "edges" not in mine:
        return None if ("edges" in theirs) == ("edges" in mine) else Difference("random", name, "unlike")
    new = theirs["grid"] > 0.99  # each number of the reference comes once
    grid = Difference("random", name, "grid", None, mine["few"], more={"total": mine["size"]})
    if new and 2 * mine["levels"] < theirs["levels"]:  # an entry comes back over the calls
        return grid
    if mine["repeating"] > _BEYOND + 5 * mine["size"] * theirs["repeating"] / theirs["size"]:
        cut = new and mine["grid"] > 0.5 and max(mine["at ends"]) > _BEYOND  # the others come once
        return Difference("random", name, "cut" if cut else "twice")
    if new and mine["grid"] < 0.9:
        return grid
    if theirs["levels"] <= 8 and mine["levels"] > 2 * theirs["levels"]:
        return Difference("random", name, "other values")
    return None


def _unlike_values(name, mine, theirs, near, calls, spread):
    """Return the `Difference` if other shares of the values lie here and there, or if they have other ends."""
    if not spread or "edges" not in theirs:
        return None
    for key in ("below", "places"):  # of all entries together, and of single ones
        if key not in theirs or np.shape(theirs[key]) != np.shape(mine.get(key)):
            continue
        wrong = ~near(mine[key], theirs[key])
        if np.any(wrong):
            apart = np.where(wrong, np.abs(mine[key][0] - theirs[key][0]), -1)
            edge, *place = (int(i) for i in np.unravel_index(np.argmax(apart), apart.shape))
            more = {"limit": f"{float(theirs['edges'][edge]):.3g}", "calls": calls}
            shares = float(theirs[key][0][edge, *place]), float(mine[key][0][edge, *place])
            return Difference("value", name, "shares", *shares, more=more)
    ends = f"{theirs['ends'][0]:.6g} to {theirs['ends'][1]:.6g}", f"{mine['ends'][0]:.6g} to {mine['ends'][1]:.6g}"
    room = 1e-6 * (theirs["ends"][1] - theirs["ends"][0])
    for side, sign in ((0, 1), (1, -1)):
        inside = sign * (mine["ends"][side] - theirs["ends"][side]) > room
        if inside and mine["size"] * theirs["at ends"][side] / theirs["size"] > _SEEN:
            return Difference("value", name, "ends", *ends)
        if mine["beyond"][side] > _BEYOND + 5 * mine["size"] * theirs["beyond"][side] / theirs["size"]:
            return Difference("value", name, "beyond", *ends)
    rarely = theirs["repeating"] * mine["size"] / theirs["size"] < _BEYOND  # then `_repeated` has judged it
    if rarely or near(mine["different"], theirs["different"]):
        return None
    numbers = float(theirs["different"][0]), float(mine["different"][0])
    return Difference("value", name, "different", *numbers, more={"calls": calls})


def _dependent(name, mine, theirs, near, calls, spread):
    """Return the `Difference` if the entries of a call go together in another way than those of the reference."""
    if "together" not in theirs or "together" not in mine:
        return None
    fine = near(mine["together"], theirs["together"]) | (np.abs(mine["together"][0] - theirs["together"][0]) < _ALIKE)
    both = theirs["grid"] > 0.99  # of few values, ranks are known too roughly to say how far from the middle they are
    for form, place in (("together", 0), ("rows", 1), ("columns", 2)):
        if not (fine[place] and (fine[place + 3] or not both)):
            return Difference("random", name, form)
    return None


def _other_pairs(mine, theirs, names):
    """Return the `Difference` if entries follow from others as those of the reference do not, or not as they do."""
    mine, theirs = ({(i, j): strength for i, j, strength in pairs} for pairs in (mine, theirs))
    for i, j in sorted({*mine, *theirs}):
        a, b = mine.get((i, j), NOTED), theirs.get((i, j), NOTED)
        if a >= STRONG and a - b >= FARTHER:
            more = {"other": names[i]}
            return Difference("random", names[j], "pairs" if i == j else "shared", more=more)
        if b >= STRONG and b - a >= FARTHER and i != j:
            return Difference("random", names[j], "apart", more={"other": names[i]})
    return None
