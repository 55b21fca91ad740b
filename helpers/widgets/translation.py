"""Lesson 5.12: dates in two forms, a model's first parameters and steps, rivals, pictures, runs with a fault."""

import datetime
import re

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import LineCollection
from scipy.sparse import csr_matrix

from helpers.checks import sick
from helpers.plots import BLUE, ORANGE
from helpers.widgets import LiveFigure, fast_cnn, fast_rnn
from helpers.widgets.fast_translation import gru_forward, padding_mask, scaled_dot_product_attention

_GRAY = "#bbbbbb"
#: What a written date is made of, and what its translation is. Behind those come the end and the start.
SOURCE = " ',-./0123456789abcdefghijklmnopqrstuvwxyz"
TARGET = "0123456789-"
END, START = len(TARGET), len(TARGET) + 1
#: Symbols to say: ten of a date and the end.
STEPS = 11

MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
FIRST, LAST = datetime.date(1950, 1, 1).toordinal(), datetime.date(2049, 12, 31).toordinal()


# --- dates ------------------------------------------------------------------------------------------------------------


def written(date):
    """Return the 13 ways in which a date is written here; the seventh and the eighth are told apart by nothing."""
    d, m, year, two = date.day, date.month, date.year, f"{date.year % 100:02d}"
    month, weekday = MONTHS[m - 1], DAYS[date.weekday()]
    nth = f"{d}{'th' if 10 < d < 20 else {1: 'st', 2: 'nd', 3: 'rd'}.get(d % 10, 'th')}"
    return (
        f"{month} {d}, {year}",
        f"{d} {month} {year}",
        f"{month[:3]} {d}, {year}",
        f"{d} {month[:3]} {year}",
        f"{weekday}, {month} {d}, {year}",
        f"{weekday[:3]}, {d} {month[:3]} {year}",
        f"{m}/{d}/{two}",
        f"{d}/{m}/{two}",
        f"{d:02d}.{m:02d}.{year}",
        f"{year}/{m:02d}/{d:02d}",
        f"{d}-{month[:3]}-{two}",
        f"the {nth} of {month}, {year}",
        f"{month} the {nth}, '{two}",
    )


def dates(learn=8000, test=600, seed=0):
    """Return pairs of texts, (written, iso), to learn from and to test: different days from 1950 to 2049."""
    rng = np.random.default_rng(seed)
    days = [datetime.date.fromordinal(int(day)) for day in FIRST + rng.permutation(LAST - FIRST + 1)[: learn + test]]
    pairs = [(written(day)[rng.integers(13)], day.isoformat()) for day in days]
    return pairs[:learn], pairs[learn:]


def readings(text):
    """Return the days that a text with a short year and two slashes can mean, as a set of iso dates."""
    found = re.fullmatch(r"(\d+)/(\d+)/(\d\d)", text)
    if not found:
        return set()
    one, two, year = map(int, found.groups())
    year += 1900 if year >= 50 else 2000
    possible = set()
    for m, d in ((one, two), (two, one)):
        try:
            possible.add(datetime.date(year, m, d).isoformat())
        except ValueError:  # no such day
            continue
    return possible


def numbers(pairs):
    """Return x (m, T_x), padded with 0, lengths (m,) and targets (m, 11) of pairs of texts."""
    lengths = np.array([len(text) for text, _ in pairs])
    x = np.zeros((len(pairs), lengths.max()), dtype=int)
    for row, (text, _) in zip(x, pairs, strict=True):
        row[: len(text)] = [SOURCE.index(char) for char in text]
    return x, lengths, np.array([[TARGET.index(char) for char in iso] + [END] for _, iso in pairs])


def as_text(tokens):
    """Return a translation as text."""
    return "".join(TARGET[int(token)] for token in tokens)


# --- parameters and steps ---------------------------------------------------------------------------------------------


def first_parameters(seed, n=32):
    """Return the parameters of an untrained model with states of n rows."""
    rng = np.random.default_rng(seed)

    def gru(n_x):
        found = {}
        for name in "urc":
            square, wide = np.linalg.qr(rng.standard_normal((n, n)))[0], rng.standard_normal((n, n_x)) / np.sqrt(n)
            found |= {"W" + name: np.concatenate([square, wide], axis=1), "b" + name: np.zeros((n, 1))}
        return found

    return {
        "encoder": gru(len(SOURCE)),
        "decoder": gru(START + 1),
        "Wi": rng.standard_normal((n, n)) / np.sqrt(n),
        "bi": np.zeros((n, 1)),
        "WQ": rng.standard_normal((n, n)) / np.sqrt(n),
        "W": rng.standard_normal((END + 1, 2 * n)) / np.sqrt(2 * n),
        "b": np.zeros((END + 1, 1)),
    }


def pairs_of(parameters, gradients):
    """Yield a name, an array of parameters and its gradient, for all arrays, those of both GRUs among them."""
    for name, array in parameters.items():
        if isinstance(array, dict):
            for inner, one in array.items():
                yield f"{inner} of the {name}", one, gradients[name]["d" + inner]
        else:
            yield name, array, gradients["d" + name]


def number_of_weights(parameters):
    """Return how many numbers are learned."""
    return sum(number_of_weights(one) if isinstance(one, dict) else one.size for one in parameters.values())


def copied(parameters):
    """Return a copy of the parameters."""
    return {name: copied(one) if isinstance(one, dict) else one.copy() for name, one in parameters.items()}


class Adam:
    """Adam with a rate that falls to 0 in some steps, and gradients whose common norm is at most 5."""

    def __init__(self, learning_rate, steps):
        self.rule, self.first, self.steps, self.taken = fast_cnn.Adam(learning_rate), learning_rate, steps, 0

    def step(self, parameters, gradients):
        """Change the parameters in place."""
        found = [(name, array, np.asarray(gradient)) for name, array, gradient in pairs_of(parameters, gradients)]
        norm = np.sqrt(sum(float(np.vdot(gradient, gradient)) for _, _, gradient in found))
        self.rule.learning_rate = self.first * max(0, 1 - self.taken / self.steps)
        self.taken += 1
        for name, array, gradient in found:
            array -= self.rule.change(name, gradient * min(1, 5 / norm))


def batch(data, rng, m=32):
    """Return x, lengths and targets of m examples, x as wide as the longest of them."""
    x, lengths, targets = data
    chosen = rng.integers(len(x), size=m)
    return x[chosen, : lengths[chosen].max()], lengths[chosen], targets[chosen]


def loss(Z, targets):
    """Return J, the mean of -log P(y | x) over the examples, and its derivative by the scores."""
    return fast_rnn.softmax_loss(Z, targets)


def forced(seq2seq_forward, data, parameters):
    """Return which tokens are the likeliest where the right ones before them are given, (m, 11) of bool."""
    return np.asarray(seq2seq_forward(*data, parameters)[0]).argmax(axis=0) == data[2]


def speaker(encode, text, parameters):
    """Return ``step`` and the first state of a model that has read a text, for greedy and beam search."""
    p, x = parameters, numbers([(text, "")])[0]
    H, s0, _ = encode(x, np.array([len(text)]), p)
    mask = padding_mask([len(text)], len(text))

    def step(token, s):
        S, _ = gru_forward(np.array([[token]]), s, p["decoder"])
        C, _ = scaled_dot_product_attention((p["WQ"] @ S[:, :, 0])[:, :, None], H, H, mask)
        z = p["W"] @ np.concatenate([S, C])[:, 0] + p["b"]
        z = z[:, 0] - z.max()
        return z - np.log(np.exp(z).sum()), S[:, :, 0]

    return step, np.asarray(s0)


def run_freely(seq2seq_forward, x, lengths, parameters):
    """Return what a model says, (m, 11), each token the likeliest after those it has said itself."""
    said = np.zeros((len(x), STEPS), dtype=int)
    for t in range(STEPS):
        said[:, t] = np.asarray(seq2seq_forward(x, lengths, said[:, : t + 1], parameters)[0])[:, :, t].argmax(axis=0)
    return said


# --- rivals -----------------------------------------------------------------------------------------------------------


def most_frequent(learn):
    """Return the iso text with the most frequent character at each place."""
    columns = zip(*(iso for _, iso in learn), strict=True)
    return "".join(max(sorted(set(column)), key=column.count) for column in map(list, columns))


def nearest_dates(learn, test):
    """Return, for each text of `test`, the translation of the text that shares the most pairs of characters."""
    pairs = {}

    def counts(texts):
        rows, columns = [], []
        for row, (text, _) in enumerate(texts):
            for place in range(len(text) + 1):
                rows.append(row)
                columns.append(pairs.setdefault(f" {text} "[place : place + 2], len(pairs)))
        table = csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(texts), 1800))
        return table.multiply(1 / np.sqrt(table.multiply(table).sum(axis=1))).tocsr()

    known = counts(learn)
    return [learn[place][1] for place in np.asarray((counts(test) @ known.T).argmax(axis=1)).ravel()]


# --- the pictures: alignment ------------------------------------------------------------------------------------------


def weights_of(seq2seq_forward, pair, parameters):
    """Return the attention weights of one pair of texts, one row for each symbol of the translation, (11, T_x)."""
    _, cache = seq2seq_forward(*numbers([pair]), parameters)
    return np.asarray(cache[3][3])[0]


def weight_on(weights, text, part, steps):
    """Return the weight that lies on a part of the text and the character behind it, mean over some steps."""
    begin = text.index(part)
    return float(weights[list(steps), begin : begin + len(part) + 1].sum(axis=1).mean())


def draw_alignment(ax, weights, pair):
    """Draw weights: rows are symbols of the translation, columns characters of the text."""
    text, iso = pair
    ax.imshow(weights, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    ax.set_xticks(range(len(text)), list(text.replace(" ", "␣")), fontsize=7)
    ax.set_yticks(range(STEPS), [*iso, "end"], fontsize=7)
    ax.set(xlabel="looked at", ylabel="written")
    ax.grid(visible=False)


def draw_rates(ax, steps, rows, labels):
    """Draw shares of right dates, one thin line per seed, for models with other marks."""
    for kind, color, style, label in zip(rows, (BLUE, ORANGE), ("o-", "s--"), labels, strict=True):
        for i, row in enumerate(kind):
            ax.plot(steps, row, style, color=color, markersize=3, linewidth=1, label=None if i else label)
    ax.set(xlabel="steps", ylabel="dates right, as a whole", ylim=(-0.02, 1.02))
    ax.legend()


# --- the picture: a beam as a tree ------------------------------------------------------------------------------------

#: Shares of a, b and the end: after the start, after a, after b.
SHARES = np.array([[0.5, 0.4, 0.1], [0.4, 0.35, 0.25], [0.05, 0.05, 0.9]])
NAMES, TREE_END, TREE_START = ("a", "b", "end"), 2, 3
_MOST = 40


def tree_step(token, state):
    """Return the log-probabilities of a, b and the end, and the state: what was read, as a tuple."""
    path = (*state, int(token)) if token != TREE_START else state
    return np.log(SHARES[0 if token == TREE_START else int(token) + 1]), path


def _branches(beam_search, width, max_length, alpha):
    """Return what a search returns, and the branches it saw: dicts with path, share, whether kept, whether returned."""
    asked = []

    def step(token, state):
        log_probs, path = tree_step(token, state)
        asked.append(path)
        return log_probs, path

    found = beam_search(step, (), TREE_START, TREE_END, width, max_length, alpha)
    results, opened, branches = {tuple(map(int, tokens)) for _, tokens in found}, set(asked), []
    for path in dict.fromkeys(asked):
        for k in range(3):
            child = (*path, k)
            done = path in results if k == TREE_END else child in results and len(child) == max_length
            share = SHARES[path[-1] + 1 if path else 0][k]
            branches.append({"path": child, "share": share, "kept": child in opened or done, "done": done})
    return found, branches


def _tree_figure(animated):
    figure, ax = plt.subplots(figsize=(7.4, 3.6), layout="constrained")
    ax.set(xlim=(-0.2, 4.4), ylim=(-0.04, 1.04), xlabel="steps", yticks=[])
    ax.set_xticks(range(5))
    ax.grid(visible=False)
    cut = LineCollection([], colors=_GRAY, linestyles=":", animated=animated)
    kept = LineCollection([], colors=BLUE, animated=animated)
    framed = ax.scatter([], [], s=70, facecolors="white", edgecolors=ORANGE, linewidths=2, zorder=2, animated=animated)
    for lines in (cut, kept):
        ax.add_collection(lines)
    white = {"facecolor": "white", "edgecolor": "none", "pad": 1}
    said = [ax.text(0, 0, "", va="center", fontsize=8, bbox=white, animated=animated) for _ in range(_MOST)]
    return figure, (cut, kept, framed, said)


def _show_tree(parts, beam_search, width, max_length, alpha):
    """Put a search into the artists, and return the sentence about it."""
    cut, kept, framed, said = parts
    found, branches = _branches(beam_search, width, max_length, alpha)
    places, lines, widths = {(): (0, 0.5)}, ([], []), ([], [])
    for depth in range(1, max_length + 1):
        level = sorted((one for one in branches if len(one["path"]) == depth), key=lambda one: one["path"])
        for row, one in enumerate(level):
            places[one["path"]] = depth, 1 - (row + 0.5) / len(level)
    for one in branches:
        lines[one["kept"]].append([places[one["path"][:-1]], places[one["path"]]])
        widths[one["kept"]].append(0.5 + 5 * one["share"])
    for collection, ends, size in zip((cut, kept), lines, widths, strict=True):
        collection.set(segments=ends, linewidths=size or [1])
    framed.set_offsets([places[one["path"]] for one in branches if one["done"]] or np.zeros((0, 2)))
    for text, one in zip(said, [*branches, *[None] * _MOST], strict=False):
        text.set_text("" if one is None else f"{NAMES[one['path'][-1]]} {one['share']:.2f}")
        text.set_color("black" if one and one["kept"] else "#777777")
        depth, height = places[one["path"]] if one else (0, 0)
        text.set_position((depth + 0.08, height))
    listed = "; ".join(f"{_said(tokens, max_length)} {score:.2f}" for score, tokens in found)
    return f"Width {width}, {max_length} step(s), α = {alpha:.1f}. Best first, with scores: {listed}."


def _said(tokens, max_length):
    open_ = len(tokens) == max_length
    return f"“{''.join(NAMES[int(k)] for k in tokens)}”" + (" (not ended)" if open_ else "")


def draw_tree(beam_search, width, max_length, alpha):
    """Return the figure of one state of `tree`, without controls."""
    figure, parts = _tree_figure(False)
    _show_tree(parts, beam_search, width, max_length, alpha)
    return figure


def tree(beam_search):
    """Return the picture: a search on the small tree, step by step, with sliders for its width and for alpha."""
    figure, parts = _tree_figure(True)

    def update(max_length, width, alpha):
        return _show_tree(parts, beam_search, width, max_length, alpha)

    return LiveFigure(
        figure,
        update,
        max_length=ipywidgets.IntSlider(value=2, min=1, max=4, description="steps"),
        width=ipywidgets.IntSlider(value=2, min=1, max=3, description="width"),
        alpha=ipywidgets.FloatSlider(value=1, min=0, max=2, step=0.1, description="α"),
    )


# --- runs to diagnose -------------------------------------------------------------------------------------------------

FAULTS = (
    sick.Fault(
        "the learning rate is too large",
        "the cost leaps far above guessing and stays above it",
        "divide the learning rate by 10 or more",
    ),
    sick.Fault(
        "the learning rate is too small",
        "the cost hardly moves from its first value, on both kinds of dates",
        "multiply the learning rate by 10 or more",
    ),
    sick.Fault(
        "the decoder reads the symbol that it should say",
        "with the right symbols given nearly all tokens are right, and far fewer when the model reads its own",
        "print one row of inputs above its targets: at each step the input is the target before it",
    ),
    sick.Fault(
        "there are far too few dates to learn from",
        "the cost of the dates it learns from falls far below that of the others",
        "compare with a training on more dates",
    ),
    sick.Fault(
        "texts and translations are not those of the same dates",
        "the cost falls to what is known without the text, for both kinds of dates, and stays there",
        "print three rows of a batch as text, each beside its translation",
    ),
)


def sick_run(rng, seq2seq_forward, seq2seq_backward, which=None):
    """Train for 120 steps on dates in four forms with one of `FAULTS` planted, and return the `sick.Run`.

    Parameters
    ----------
    rng : Generator
    seq2seq_forward, seq2seq_backward : callable
        The learner's functions.
    which : int, optional
        The fault; by default `rng` chooses.
    """
    which = int(rng.integers(len(FAULTS))) if which is None else which
    learn, test = (
        numbers([(written(datetime.date.fromisoformat(iso))[(9, 8)[i % 2]], iso) for i, (_, iso) in enumerate(part)])
        for part in dates(1000, 100, int(rng.integers(1000)))
    )
    if which == 3:
        learn = tuple(part[:12] for part in learn)
    if which == 4:
        learn = (*learn[:2], learn[2][rng.permutation(len(learn[2]))])
    leak = lambda targets: np.concatenate([targets[:, 1:], targets[:, -1:]], axis=1) if which == 2 else targets
    p = first_parameters(int(rng.integers(1000)), 24)
    optimizer = Adam((rng.uniform(2, 4), rng.uniform(1e-6, 3e-6), 0.03, 0.03, 0.03)[which], 120)
    costs = []
    for _ in range(120):
        x, lengths, targets = batch(learn, rng, 32)
        Z, cache = seq2seq_forward(x, lengths, leak(targets), p)
        J, dZ = loss(np.asarray(Z), targets)
        optimizer.step(p, seq2seq_backward(dZ, cache))
        costs.append(J)
    Z, _ = seq2seq_forward(*test[:2], leak(test[2]), p)
    held_out, given = loss(np.asarray(Z), test[2])[0], np.mean(np.asarray(Z).argmax(axis=0) == test[2])
    said = np.zeros_like(test[2])
    for t in range(STEPS):  # what it reads is what the fault makes of its own words
        read = leak(said)
        said[:, t] = np.asarray(seq2seq_forward(*test[:2], read, p)[0])[:, :, t].argmax(axis=0)
    freely = np.mean(said == test[2])
    means = ", ".join(f"{one:.3g}" for one in np.reshape(costs, (4, 30)).mean(axis=1))
    words = (
        f"The mean costs of four times 30 steps are {means}; guessing costs {STEPS * np.log(END + 1):.1f}. Dates that "
        f"are held out cost {held_out:.3g} at the end. Of their tokens {given:.0%} are right with the symbols of "
        f"training given, and {freely:.0%} when the model reads its own."
    )
    figure, ax = plt.subplots(figsize=(6, 2.6))
    ax.plot(np.minimum(costs, 60), color=BLUE, label="learned from")
    ax.axhline(min(held_out, 60), color=ORANGE, label="held out, at the end")
    ax.axhline(STEPS * np.log(END + 1), color="gray", linestyle="--", linewidth=1, label="guessing")
    ax.set(xlabel="step", ylabel="J (60: 60 or more)", title="cost of a date")
    ax.legend()
    plt.close(figure)
    return sick.Run(figure, words, FAULTS, which)
