"""Random functions and procedures: judged by what many calls have in common, never by a stream of numbers.

A function that draws is called many times, each time with another generator where an argument is one. Facts about its
outputs are compared with those of the reference: the same generator gives the same output, another generator another
one, NumPy's global generator is left alone, no number occurs twice, and for each array the mean and the spread, of each
entry over the calls and of all entries together. What never varies in the reference (a zero bias) must be equal.

Two right answers differ by chance. A difference counts if it exceeds `RIGHT` standard errors of the reference. By the
normal distribution that happens to a right answer with a probability below 1.3e-15 per number; heavy tails and
estimated errors raise it, and it stays below 1e-9 for a whole check. It needs 300 calls or more, unless there are
bounds.

A procedure is judged by its outcome: a view turns its output into a few numbers, and the median of each over the calls
must lie within bounds.
"""

import functools

import numpy as np

from . import packs, plain
from .calls import call, copied, silent
from .compare import Difference, _is_array, _is_number, _leaves, difference, number, same

RIGHT, NAMED = 8.0, 5.0  # how many standard errors may lie between right answers, and between answers of one mistake
#: The reference is called so many times more often, so that its own chance hardly counts.
REFERENCE = 5


def draws(count, view=None, view_options=None, **bounds):
    """Return, as plain data, how an exercise is judged: for ``judge=`` in the catalogue.

    Parameters
    ----------
    count : int
        How many calls: 300 or more for statistics, an odd number such as 9 with bounds.
    view : str, optional
        The name of one of `VIEWS`, which turns an output into named numbers; they are judged in its place.
    view_options : dict, optional
    **bounds : (low, high)
        Between which the median over the calls must lie, by the name of an output; ``None`` for no bound. With any
        bounds, only the bounded numbers are judged.
    """
    return {"count": count, "view": view, "view_options": view_options or {}, "bounds": bounds}


def sample(function, arguments, judge, like=None, times=1, quiet=False):
    """Call a function as often as `judge` says and return ``(Outcome, exception or None)`` of all calls as one.

    The outcome's output is a dict: ``output`` of the first call, and ``facts`` about all, None if they have none.
    Each call gets other generators. ``like`` is the output of the reference, which says what the parts are; None for
    the reference itself. What the first call prints is shown, unless ``quiet``.

    Calls stop as soon as no later one can change the verdict: at the first exception, and at the first output of
    another structure than the reference's, which leaves no facts whatever follows.
    """
    count = judge["count"] * times
    given = _generators_replaced(arguments, count)
    before = np.random.get_state()
    np.random.seed(0)  # so that a function that uses it gives the same in each check
    untouched = np.random.get_state()
    try:
        first, error = call(function, given(0), quiet)
        again, outputs = None, []  # of the calls: what is judged of each, until one has another structure
        with silent(quiet=True):
            for i in range(count):
                if error is None:
                    try:
                        output = function(*copied(given(i)).values())
                    except Exception as raised:
                        error = raised
                if error is not None:
                    return packs.Outcome(None, raised=type(error).__name__), error
                again = output if i == 0 else again
                outputs.append(_judged(output, arguments, judge, like))
                if outputs[-1] is None:
                    break
        local = same(list(untouched), list(np.random.get_state()))
    finally:
        np.random.set_state(before)
    facts = _facts(outputs)
    if facts is not None:
        repeats = difference(again, first.output, "", nonfinite=True) is None
        facts |= {"count": count, "repeats": repeats, "local": local}
    return first._replace(output={"output": first.output, "facts": facts}), None


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
            output = VIEWS[judge["view"]](output, arguments, **judge["view_options"])
        except Exception:  # a wrong structure, which is reported as such
            return None
        like = output
    leaves = list(_leaves(output, output if like is None else like, ""))
    return None if any(isinstance(leaf, Difference) for leaf in leaves) else leaves


def _facts(per_call):
    """Return the facts about what was judged of each call, or None if not all have the same structure."""
    if per_call[-1] is None or len(set(map(len, per_call))) > 1:
        return None
    parts, varying = [], []
    for leaf_of_each_call in zip(*per_call, strict=True):
        values = [got for _, got, _ in leaf_of_each_call]
        if not all((_is_array(value) or _is_number(value)) for value in values):
            parts.append(None)
            continue
        if len({np.shape(value) for value in values}) > 1:
            return None
        stacked = np.array(values, dtype=float)
        parts.append(_statistics(stacked))
        if parts[-1]["varies"]:
            varying.append(stacked[0].ravel())
    entries = np.concatenate(varying) if varying else np.zeros(0)
    return {"parts": parts, "distinct": len(np.unique(entries)) == len(entries)}


def short(facts):
    """Return facts in as many digits as they need: few where the standard error is large against a mean."""
    if isinstance(facts, dict):
        return {key: short(value) for key, value in facts.items()}
    if isinstance(facts, list) and len(facts) == 2 and all(isinstance(value, np.ndarray) for value in facts):
        mean, error = facts
        coarse = np.all(np.abs(mean) < 20 * error)  # half a digit of float16 is then below a hundredth of the error
        return [plain.short(mean, np.float16 if coarse else np.float32), plain.short(error, np.float16)]
    return [short(value) for value in facts] if isinstance(facts, list) else facts


def _statistics(values):
    """Return the facts about one part; axis 0 of `values` is the call. Each mean stands with its standard error."""

    def with_error(x):
        error = x.std(axis=0, ddof=1) / np.sqrt(len(x)) if len(x) > 1 else np.zeros(x.shape[1:])
        return [np.asarray(x.mean(axis=0)), np.asarray(error)]

    with np.errstate(all="ignore"):
        flat = values.reshape(len(values), -1)
        flat = flat if flat.shape[1] else np.zeros((len(values), 1))
        return {
            "varies": bool(np.any(values != values[0])),
            "entries": with_error(values),
            "squares": with_error(values**2),
            "mean": with_error(flat.mean(axis=1)),
            "square": with_error((flat**2).mean(axis=1)),
            "together": with_error(flat.mean(axis=1) ** 2),  # larger if the entries of one call go together
            "median": float(np.median(flat.mean(axis=1))),
        }


def difference_of_samples(got, expected, judge, part, returns=(), rtol=1e-6, atol=1e-8, named=False):
    """Return the first `Difference` of one sample's output from another's, or None where chance explains them.

    Parameters
    ----------
    got, expected : dict
        Outputs of `sample`.
    judge : dict
        From `draws`.
    named : bool
        Whether `expected` is that of a usual mistake: then bounds do not count, and the two must be nearer.
    """
    found = difference(
        got["output"], expected["output"], part, returns, rtol, atol, nonfinite=named, values=False
    )  # type, shape, finite
    mine, theirs = got["facts"], expected["facts"]
    if found is not None or theirs is None:
        return found or (mine and Difference("value", part, f"{part}: wrong", ""))
    if mine is None:
        return Difference("shape", part, f"{part}: not every call gives an output of the same structure", "")
    if theirs["repeats"] and not mine["repeats"]:
        why = "called twice with equal arguments, it gives two outputs. Is each random number drawn from rng?"
        return Difference("random", part, f"{part}: {why}", "")
    if theirs["local"] and not mine["local"]:
        return Difference("random", part, f"{part}: np.random is used, which all code shares. Draw from rng", "")
    names = _names(expected["output"], part, returns, judge)
    if judge["bounds"] and not named:
        medians = {name: a["median"] for name, a in zip(names, mine["parts"], strict=True) if a}
        outside = (_outside(name, medians[name], *bound, mine["count"]) for name, bound in judge["bounds"].items())
        return next(filter(None, outside), None)
    parts = [(name, a, b) for name, a, b in zip(names, mine["parts"], theirs["parts"], strict=True) if a and b]
    for name, a, b in parts:
        if b["varies"] and not a["varies"]:
            return Difference("random", name, f"{name}: the same for every generator. Draw it from rng", "")
    near = _near(mine["count"], theirs["count"], NAMED if named else RIGHT, rtol, atol)
    found = next(filter(None, (_unlike(name, a, b, near, mine["count"]) for name, a, b in parts)), None)
    if found is not None:
        return found
    if theirs["distinct"] and not mine["distinct"]:
        return Difference("random", part, f"{part}: a number occurs twice. Each entry needs a draw of its own", "")
    for name, a, b in parts:
        if b["varies"] and not near(a["together"], b["together"]):
            why = "its entries depend on each other. Each one needs a draw of its own"
            return Difference("random", name, f"{name}: {why}", "")
    if named and (mine["repeats"], mine["local"], mine["distinct"]) != tuple(
        theirs[key] for key in ("repeats", "local", "distinct")
    ):
        return Difference("random", part, f"{part}: other properties", "")
    return None


def _names(output, part, returns, judge):
    """Return the names of the parts that are judged: those of the view, or of the output."""
    if judge["view"]:
        return VIEWS[judge["view"]].names
    return [leaf[0] for leaf in _leaves(output, output, part, returns)]


def _near(count, other_count, errors, rtol, atol):
    """Return a function that tells where two means are as near as two right answers are."""

    def near(mine, theirs):
        (a, _), (b, error) = mine, theirs
        with np.errstate(invalid="ignore"):
            allowed = atol + rtol * np.abs(b) + errors * error * np.sqrt(1 + other_count / count)
            return (np.abs(a - b) <= allowed) | (a == b) | (np.isnan(a) & np.isnan(b))

    return near


def _outside(name, median, low, high, count):
    over = f", got {number(median)} (median of {count} calls)"
    if low is not None and not median >= low:
        return Difference("value", name, f"{name}: too low", f": expected at least {number(low)}{over}")
    if high is not None and not median <= high:
        return Difference("value", name, f"{name}: too high", f": expected at most {number(high)}{over}")
    return None


def _unlike(name, mine, theirs, near, count):
    """Return the `Difference` of two parts: all entries together first, which is the best sentence, then each entry."""

    def say(what, expected, got, where=""):
        over = f" (over {count} calls)" if count > 1 else ""
        numbers = f": expected about {float(expected):.2g}, got about {float(got):.2g}{over}"
        return Difference("value", name, f"{name}: {what}", where + numbers)

    def spread(part):
        return np.sqrt(max(part["square"][0] - part["mean"][0] ** 2, 0))

    if theirs["varies"]:
        mean = "wrong mean of its entries", theirs["mean"][0], mine["mean"][0]
        if not near(mine["mean"], [theirs["mean"][0], max(theirs["mean"][1], mine["mean"][1])]):
            return say(*mean)
        if not near(mine["square"], theirs["square"]):
            return say("wrong standard deviation of its entries", spread(theirs), spread(mine))
        if not near(mine["mean"], theirs["mean"]):
            return say(*mean)
    for key, what in (("entries", "wrong on average"), ("squares", "wrong mean square")):
        wrong = ~near(mine[key], theirs[key])
        if np.any(wrong):
            first = tuple(int(i) for i in np.argwhere(wrong)[0])
            what = "wrong" if not theirs["varies"] and not mine["varies"] else what
            return say(what, theirs[key][0][first], mine[key][0][first], f" at index {first}" if first else "")
    return None


# --- views: what an outcome is judged by ------------------------------------------------------------------------------


def network(output, arguments, hidden="tanh"):
    """Return the accuracy and the cost that a network with the parameters W1, b1, W2, ... has on X and Y.

    The layers before the last have the activation `hidden` (scikit-learn's word: ``"tanh"``, ``"relu"``, ...), the last
    the logistic function. An independent library evaluates it; nothing of an answer is here.
    """
    from sklearn.metrics import log_loss
    from sklearn.neural_network import MLPRegressor

    parameters = next(part for part in ([output] if isinstance(output, dict) else output) if isinstance(part, dict))
    depth = sum(f"W{layer}" in parameters for layer in range(1, len(parameters) + 1))
    judge = MLPRegressor(activation=hidden)
    judge.coefs_ = [np.array(parameters[f"W{layer}"], dtype=float).T for layer in range(1, depth + 1)]
    judge.intercepts_ = [np.array(parameters[f"b{layer}"], dtype=float)[:, 0] for layer in range(1, depth + 1)]
    judge.n_layers_, judge.out_activation_ = depth + 1, "logistic"
    Y = np.atleast_2d(arguments["Y"])
    A = np.reshape(judge.predict(arguments["X"].T), Y.T.shape).T
    accuracy = np.mean((A > 0.5) == (Y > 0.5))
    return {"accuracy": float(accuracy), "cost": len(Y) * float(log_loss(Y.ravel(), A.ravel(), labels=[0, 1]))}


network.names = ("accuracy", "cost")


def partition(output, arguments):
    """Return how X and Y of three sets, six arrays side by side, hold the columns of the arguments X and Y.

    ``paired`` counts the columns that stand beside their own label, ``lost`` the columns of X that are in no set,
    ``repeated`` those that occur twice or more, ``neighbours`` those whose next one is in the same set; ``train``,
    ``dev`` and ``test`` say how often each column is in that set. The columns of X must differ. The order inside a set
    does not count.
    """
    X, Y = arguments["X"], arguments["Y"]
    same_x, same_y = (
        [np.all(np.asarray(part)[:, :, None] == whole[:, None, :], axis=0) for part in output[first::2]]
        for first, whole in ((0, X), (1, Y))
    )
    paired = sum(np.sum(x & y) for x, y in zip(same_x, same_y, strict=True))
    train, dev, test = sets = [np.sum(x, axis=0) for x in same_x]
    neighbours = sum(np.sum(one[1:] * one[:-1]) for one in sets)
    lost, repeated = np.sum(train + dev + test == 0), np.sum(train + dev + test > 1)
    return {
        "paired": paired, "lost": lost, "repeated": repeated, "train": train, "dev": dev, "test": test,
        "neighbours": neighbours,
    }  # fmt: skip


partition.names = ("paired", "lost", "repeated", "train", "dev", "test", "neighbours")


def batches(output, arguments):
    """Return how a list of pairs, batches of X and of Y, holds the columns of the arguments X and Y.

    ``paired`` counts the columns that stand beside their own label; ``times`` says how often each column of X occurs,
    ``place`` and ``label_place`` in which batch it and its label stand first, ``neighbours`` how many columns stand
    right before the next one. The first rows of X and Y must hold no number twice.
    """
    X, Y = arguments["X"], arguments["Y"]
    chosen, homes = [], []
    for side, whole in ((0, X), (1, Y)):
        parts = [np.asarray(pair[side]) for pair in output]
        found = np.concatenate(parts, axis=1)
        order = np.argsort(whole[0])
        columns = order[np.searchsorted(whole[0][order], found[0]).clip(max=whole.shape[1] - 1)]
        columns = np.where(np.all(whole[:, columns] == found, axis=0), columns, -1)
        home = np.repeat(np.arange(len(parts)), [part.shape[1] for part in parts])
        first = np.full(whole.shape[1] + 1, -1)
        first[columns[::-1]] = home[::-1]
        chosen.append(columns)
        homes.append(first[:-1])
    x, y = chosen
    return {
        "paired": np.sum((x == y) & (x >= 0)) if len(x) == len(y) else -1,
        "times": np.bincount(x[x >= 0], minlength=X.shape[1]), "place": homes[0], "label_place": homes[1],
        "neighbours": np.sum((x[1:] == x[:-1] + 1) & (x[:-1] >= 0)),
    }  # fmt: skip


batches.names = ("paired", "times", "place", "label_place", "neighbours")


def tree(output, arguments):
    """Return what a binary tree over the words of the argument counts is good for, whatever its shape.

    The output has one row per inner node, ``(n - 1, 2)``: its children, j < n being word j and n + u inner node u.
    The first number counts the nodes that are the child of exactly one node, the second the rows whose children were
    all made earlier. Where both are full it is one tree with the words as its leaves, so no code is the beginning of
    another one. The third is the mean depth of the words, weighted by the counts; -1 if it is no such tree.
    """
    counts, children = np.asarray(arguments["counts"]), np.asarray(output)
    n = len(counts)
    times = np.bincount(children[(children >= 0) & (children < 2 * n - 2)].astype(int), minlength=2 * n - 2)
    parents, order = np.sum(times == 1), np.sum(np.all(children < n + np.arange(n - 1)[:, None], axis=1))
    length = -1.0
    if parents == 2 * n - 2 and order == n - 1:
        depth = np.zeros(2 * n - 1)
        for v in range(n - 2, -1, -1):
            depth[children[v].astype(int)] = depth[n + v] + 1
        length = np.sum(depth[:n] * counts) / np.sum(counts)
    return dict(zip(tree.names, (parents, order, length), strict=True))


tree.names = ("nodes with one parent", "rows below which all was made earlier", "mean depth")
#: By name: ``view(output, arguments, **options)`` returns a dict with the keys ``view.names``.
VIEWS = {"network": network, "partition": partition, "batches": batches, "tree": tree}
