"""Lesson 5.9: books to look up, networks that read them, the picture of a phone book, runs with a fault."""

from typing import NamedTuple

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np

from helpers import data
from helpers.checks import sick
from helpers.plots import BLUE, ORANGE
from helpers.widgets import LiveFigure, fast_rnn

#: Of the books: how many names and digits there are; of the networks: rows of Q, K, V.
NAMES, DIGITS, UNITS = 20, 10, 16
BATCH, RATE = 64, 0.01


class Functions(NamedTuple):
    """The learner's functions with which a network is trained."""

    forward: callable
    backward: callable
    padding_mask: callable


class Books(NamedTuple):
    """Books of cards, one for each example, and what is asked.

    ``X_q`` (n_q, m, 1) are the names asked for, one-hot, ``X_kv`` (30, m, T) the cards, 20 rows for the name and 10 for
    the digit, all 0 at padding. ``y`` (m, 1) are the right answers, ``digits`` (m, T) those on the cards, ``lengths``
    (m,) the numbers of cards.
    """

    X_q: np.ndarray
    X_kv: np.ndarray
    y: np.ndarray
    digits: np.ndarray
    lengths: np.ndarray


# --- books ------------------------------------------------------------------------------------------------------------


def books(rng, m=BATCH, T=6, lengths=None):
    """Return `Books` of T cards with different names, or of so many cards as `lengths` has, padded to the longest."""
    lengths = np.full(m, T) if lengths is None else np.asarray(lengths)
    m, T, i = len(lengths), lengths.max(), np.arange(len(lengths))
    names = np.argsort(rng.random((m, NAMES)), axis=1)[:, :T]
    digits = rng.integers(DIGITS, size=(m, T))
    asked = rng.integers(lengths)
    X_kv, X_q = np.zeros((NAMES + DIGITS, m, T)), np.zeros((NAMES, m, 1))
    for rows in (names, NAMES + digits):
        X_kv[rows, i[:, None], np.arange(T)] = np.arange(T) < lengths[:, None]
    X_q[names[i, asked], i, 0] = 1
    return Books(X_q, X_kv, digits[i, asked][:, None], digits, lengths)


def comparisons(rng, m=BATCH, T=6):
    """Return `Books` with two names asked for, (40, m, 1): is the digit of the first the larger one? y is 1 or 0.

    The two digits are never equal.
    """
    one, i = books(rng, 2 * m, T), np.arange(2 * m)
    places = np.argsort(rng.random((2 * m, T)), axis=1)[:, :2].T
    names = one.X_kv[:NAMES].argmax(axis=0)
    first, second = (one.digits[i, place] for place in places)
    kept = i[first != second][:m]
    X_q = np.zeros((2 * NAMES, 2 * m, 1))
    for number, place in enumerate(places):
        X_q[number * NAMES + names[i, place], i, 0] = 1
    y = (first > second)[kept, None].astype(int)
    return Books(X_q[:, kept], one.X_kv[:, kept], y, one.digits[kept], one.lengths[kept])


def most_frequent(many):
    """Return the share of right answers of whoever knows the digits of a book but not whose they are."""
    there = np.arange(many.digits.shape[1]) < many.lengths[:, None]
    counts = np.stack([np.sum((many.digits == digit) & there, axis=1) for digit in range(DIGITS)])
    return float(np.mean(counts.max(axis=0) / many.lengths))


# --- networks ---------------------------------------------------------------------------------------------------------


class Reader(fast_rnn.Layer):
    """A GRU that reads the cards one by one and answers after the last: the rival.

    With `reminded`, the name asked for stands beside each card. Without, it comes after the last card.
    """

    def __init__(self, rng, n_a=32, reminded=True):
        super().__init__()
        self.reminded = reminded
        n_x = 2 * NAMES + DIGITS
        self.network = fast_rnn.Network([fast_rnn.GRU(n_x, n_a, rng, first=True)], DIGITS, rng, last=True)

    def parts(self):
        return self.network.parts()

    def forward(self, X_q, X_kv, mask):
        _, m, T = X_kv.shape
        cards = np.concatenate([X_kv, np.repeat(X_q, T, axis=2)]) if self.reminded else np.zeros((50, m, T + 1))
        if not self.reminded:
            cards[: len(X_kv), :, :T], cards[len(X_kv) :, :, T:] = X_kv, X_q
        return self.network.forward(cards.astype(np.float32))

    def backward(self, dscores):
        self.network.backward(dscores)


class Pooling(fast_rnn.Attention):
    """Attention whose queries stay 0: all scores are 0, so all weights are 1/T. This is the mean of the values."""

    def __init__(self, *given, **options):
        super().__init__(*given, **options)
        self.parameters["WQ"] *= 0

    def backward(self, dY):
        back = super().backward(dY)
        self.gradients |= {name: 0 * self.gradients[name] for name in ("WQ", "bQ")}
        return back


def network(functions, seed=0, kind=fast_rnn.Attention, num_heads=1, asked=1, n=DIGITS):
    """Return an untrained network for books with `asked` names asked for, with the learner's functions."""
    rng = np.random.default_rng(seed)
    return kind(functions[:2], asked * NAMES, NAMES + DIGITS, UNITS, n, rng, num_heads=num_heads)


def inputs(many, padding_mask):
    """Return what ``forward`` of a network needs for these books."""
    return many.X_q, many.X_kv, padding_mask(many.lengths, many.X_kv.shape[2])


def train(net, padding_mask, steps=150, seed=0, draw=books, learning_rate=RATE):
    """Train a network with Adam, on new books in each step; return the costs."""
    return race(net, padding_mask, None, steps, steps, seed, draw, learning_rate)[0]


def race(net, padding_mask, test, steps, every=50, seed=0, draw=books, learning_rate=RATE, enough=1.01):
    """Train a network and judge it now and then, at most until it is good enough.

    Parameters
    ----------
    net : Attention or Reader
    padding_mask : callable
    test : Books
        With which it is judged each `every` steps.
    steps, every, seed : int
        `seed` is that of the books.
    draw : callable
        ``draw(rng)`` returns the books of a step.
    learning_rate : float
    enough : float
        The share of right answers at which the training ends.

    Returns
    -------
    costs : ndarray
    shares : list of float
        Right answers after `every`, 2 · `every`, ... steps.
    """
    rng, optimizer = np.random.default_rng([seed, 1]), fast_rnn.Adam(learning_rate)
    costs, shares = [], []

    def fresh():
        many = draw(rng)
        return inputs(many, padding_mask), many.y

    while len(costs) < steps:
        costs.extend(fast_rnn.train_on_fresh(net, fresh, optimizer, every))
        if test is not None:
            shares.append(right(net, test, padding_mask))
            if shares[-1] >= enough:
                break
    return np.array(costs), shares


def right(net, many, padding_mask):
    """Return the share of right answers."""
    return float(np.mean(net.forward(*inputs(many, padding_mask)).argmax(axis=0) == many.y))


def count(net):
    """Return the number of trainable numbers of a network."""
    return sum(array.size for part in net.parts() for array in part.parameters.values())


# --- the learned alignment --------------------------------------------------------------------------------------------


def alignment(net, padding_mask, seed=5, T=6):
    """Return names, digits and weights (T, T) of one book whose names are all asked for, in the order of the cards."""
    one = books(np.random.default_rng(seed), 1, T)
    number = one.X_kv[:NAMES, 0].argmax(axis=0)
    X_q = np.zeros((NAMES, 1, T))
    X_q[number, 0, np.arange(T)] = 1
    net.forward(X_q, one.X_kv, padding_mask(one.lengths, T))
    return [first_names()[k] for k in number], one.digits[0], net.cache[6][0, 0]


def first_names():
    """Return 20 first names, each with another first letter."""
    found = {}
    for name in data.names()["first"]:
        if len(name) <= 5:
            found.setdefault(name[0], name)
    return list(found.values())[:NAMES]


def draw_alignment(ax, names, digits, weights, title):
    """Draw weights as a heat map: a row for each name asked for, a column for each card."""
    ax.imshow(weights, cmap="Blues", vmin=0, vmax=1)
    for t, s in np.ndindex(weights.shape):
        ax.text(
            s, t, f"{weights[t, s]:.2f}", ha="center", va="center", color="white" if weights[t, s] > 0.5 else "black"
        )
    ax.set_xticks(
        range(len(names)), [f"{name}\n{digit}" for name, digit in zip(names, digits, strict=True)], fontsize=8
    )
    ax.set_yticks(range(len(names)), names, fontsize=8)
    ax.set(title=title)
    ax.tick_params(length=0)
    ax.grid(visible=False)


# --- the picture: a phone book ----------------------------------------------------------------------------------------

#: Six cards. The first two entries of a key are the point that one sees; the others are drawn once.
PLACES = np.array([[1.4, 0.3], [0.5, 1.3], [-0.9, 1.0], [-1.4, -0.2], [-0.3, -1.3], [1.0, -1.0]])
CARDS = (4, 8, 1, 9, 6, 2)
SIZES = (2, 4, 16, 64, 256)
_OTHERS = np.random.default_rng(4).standard_normal((7, max(SIZES) - 2))


def one_query(attention, q1, q2, d_k, scaled=True, closed=0):
    """Return the weights (6,) of the six cards and the output, from the learner's attention.

    Without the scale the query is longer by √d_k, which undoes it. `closed` is the number of cards that are closed.
    """
    vectors = np.hstack([np.vstack([[q1, q2], PLACES]), _OTHERS[:, : d_k - 2]])
    Q = vectors[:1].T[:, None] * (1 if scaled else np.sqrt(d_k))
    mask = (np.arange(6) < 6 - closed)[None, None]
    O, cache = attention(Q, vectors[1:].T[:, None], np.array(CARDS, dtype=float)[None, None], mask)
    return np.asarray(cache[3])[0, 0], float(np.squeeze(O))


def _book(animated):
    """Return a figure with two axes and ``show(q, weights, output)``."""
    figure, (plane, cards) = plt.subplots(1, 2, figsize=(7.4, 3.2), layout="none", width_ratios=(1, 1.25))
    figure.subplots_adjust(left=0.08, right=0.985, bottom=0.15, top=0.9, wspace=0.1)
    names = first_names()[:6]
    plane.set(xlim=(-2.2, 2.2), ylim=(-2.2, 2.2), xlabel="first entry", ylabel="second entry", title="query and keys")
    plane.plot(*PLACES.T, "s", color=BLUE)
    for name, (x, y) in zip(names, PLACES, strict=True):
        plane.annotate(name, (x, y), (0, 6), textcoords="offset points", ha="center", fontsize=8)
    (line,) = plane.plot([], [], color=ORANGE, linewidth=2, animated=animated)
    (tip,) = plane.plot([], [], "D", color=ORANGE, markersize=7, animated=animated)
    cards.set(xlim=(0, 10), ylim=(-0.6, 5.6), title="weights of the cards")
    cards.invert_yaxis()
    cards.set_axis_off()
    ropes, texts = [], []
    for j, (name, digit) in enumerate(zip(names, CARDS, strict=True)):
        cards.text(5.3, j, f"{name}: {digit}", va="center", fontsize=9, bbox={"boxstyle": "square", "fc": "#eef4fb"})
        ropes += cards.plot([1.6, 5.0], [2.5, j], color=BLUE, solid_capstyle="round", animated=animated)
        texts.append(cards.text(9.7, j, "", va="center", ha="right", fontsize=9, animated=animated))
    answer = cards.text(1.1, 2.5, "", ha="right", va="center", color="black", fontsize=11, animated=animated)

    def show(q, weights, output):
        line.set_data([0, q[0]], [0, q[1]])
        tip.set_data([q[0]], [q[1]])
        for rope, text, weight in zip(ropes, texts, weights, strict=True):
            rope.set_linewidth(0.4 + 14 * weight)
            rope.set_alpha(0.25 + 0.6 * weight)
            text.set_text(f"{weight:.2f}")
        answer.set_text(f"{output:.2f}")

    return figure, show


def draw_book(attention, q1=1.2, q2=0.9, d_k=2, scaled=True, closed=0):
    """Return the figure of one state of `phone_book`, without controls."""
    figure, show = _book(animated=False)
    show((q1, q2), *one_query(attention, q1, q2, d_k, scaled, closed))
    return figure


def phone_book(attention):
    """Return the picture: six cards and one query; the ropes are as thick as the weights.

    Parameters
    ----------
    attention : callable
        The learner's `scaled_dot_product_attention`.
    """
    figure, show = _book(animated=True)
    names = first_names()[:6]

    def update(q1, q2, d_k, scaled, closed):
        weights, output = one_query(attention, q1, q2, d_k, scaled, closed)
        show((q1, q2), weights, output)
        best = int(np.argmax(weights))
        return (
            f"The query ({q1:.1f}, {q2:.1f}) with d_k = {d_k}, {'with' if scaled else 'without'} the scale, "
            f"{closed} of 6 cards closed: the largest weight is {weights[best]:.2f}, for {names[best]}; the output is "
            f"{output:.2f}. The weights add up to {weights.sum():.2f}."
        )

    return LiveFigure(
        figure,
        update,
        q1=ipywidgets.FloatSlider(value=1.2, min=-2, max=2, step=0.1, description="query, first entry"),
        q2=ipywidgets.FloatSlider(value=0.9, min=-2, max=2, step=0.1, description="second entry"),
        d_k=ipywidgets.SelectionSlider(options=SIZES, value=2, description="size d_k"),
        scaled=ipywidgets.Checkbox(value=True, description="divide by the root of d_k"),
        closed=ipywidgets.IntSlider(value=0, min=0, max=6, description="closed cards, from below"),
    )


# --- runs to diagnose -------------------------------------------------------------------------------------------------

FAULTS = (
    sick.Fault(
        "the learning rate is too large",
        "the cost leaps far above guessing, and the largest weight is near 1 whatever card is asked for",
        "divide the learning rate by 10 or more",
    ),
    sick.Fault(
        "the learning rate is too small",
        "the cost stays near guessing, and all weights are nearly as at the start",
        "multiply the learning rate by 10 or more",
    ),
    sick.Fault(
        "WQ and WK start at 0",
        "the cost falls to that of the bag of digits and stays there, and all weights of a book are exactly equal",
        "look at what the matrices start with: dQ is made with K, dK with Q, and both are 0",
    ),
    sick.Fault(
        "the mask is turned round",
        "the cost stays near guessing although the learning rate is right, and the real cards get no weight at all",
        "print a row of weights and its mask: closed entries must be 0",
    ),
    sick.Fault(
        "the cards of the books are shuffled among the books of a batch",
        "the cost stays near guessing, the real cards get all the weight, and the weights have moved since the start",
        "look at single examples: does the card asked for stand in its book?",
    ),
)


def sick_run(rng, forward, backward, padding_mask, which=None):
    """Train for 150 steps on books of 3 to 8 cards with one of `FAULTS` planted, and return the `sick.Run`.

    Parameters
    ----------
    rng : Generator
    forward, backward, padding_mask : callable
        The learner's, as in `Functions`.
    which : int, optional
        The fault; by default `rng` chooses.
    """
    which = int(rng.integers(len(FAULTS))) if which is None else which
    seed = int(rng.integers(1000))
    net = network(Functions(forward, backward, padding_mask), seed)
    rate = (rng.uniform(2, 4), rng.uniform(1e-5, 3e-5), RATE, RATE, RATE)[which]

    def turned(lengths, T_k):
        return ~np.asarray(padding_mask(lengths, T_k), dtype=bool)

    def draw(rng):
        many = books(rng, lengths=np.append(rng.integers(3, 8, size=BATCH - 1), 8))
        return many._replace(X_kv=np.roll(many.X_kv, 1, axis=1)) if which == 4 else many

    if which == 2:
        net.parameters |= {name: 0 * net.parameters[name] for name in ("WQ", "WK")}
    mask = turned if which == 3 else padding_mask
    judged = books(np.random.default_rng(seed), lengths=np.append(np.tile(np.arange(3, 8), 60), 8))
    before = _weights(net, judged, mask)
    costs = train(net, mask, seed=seed, draw=draw, learning_rate=rate)
    after = _weights(net, judged, mask)
    real = np.arange(8) < judged.lengths[:, None]
    means = ", ".join(f"{one:.3g}" for one in costs.reshape(5, 30).mean(axis=1))
    largest = [weights.max(axis=1).mean() for weights in (before, after)]
    spread = [np.mean(_spread(weights, real)) for weights in (before, after)]
    words = (
        f"The mean costs of five times 30 steps are {means}; guessing costs 2.3, the bag of digits about 1.5. The "
        f"largest weight of a book is {largest[0]:.3f} at the start and {largest[1]:.3f} at the end, on average; the "
        f"largest minus the smallest of its real cards is {spread[0]:.3f} and then {spread[1]:.3f}. Real cards get "
        f"{np.mean(np.sum(after * real, axis=1)):.0%} of the weight. Right answers: {right(net, judged, mask):.0%}."
    )
    figure, (left, bars) = plt.subplots(1, 2, figsize=(7.2, 2.6))
    left.plot(np.minimum(costs, 5), color=BLUE)
    left.axhline(np.log(10), color="gray", linestyle="--", linewidth=1)
    left.set(xlabel="step", ylabel="J (5: 5 or more)", ylim=(0, 5.1), title="cost; dashed: guessing")
    place = np.arange(8)
    bars.bar(place - 0.2, np.sort(before, axis=1)[:, ::-1].mean(axis=0), 0.4, color=BLUE, label="at the start")
    bars.bar(
        place + 0.2, np.sort(after, axis=1)[:, ::-1].mean(axis=0), 0.4, color=ORANGE, hatch="//", label="at the end"
    )
    bars.set(xlabel="weights of a book, largest first", ylim=(0, 1), title="mean weights")
    bars.legend()
    plt.close(figure)
    return sick.Run(figure, words, FAULTS, which)


def _weights(net, many, padding_mask):
    """Return the weights of the only head, (m, T)."""
    net.forward(*inputs(many, padding_mask))
    return np.asarray(net.cache[6])[:, 0, 0]


def _spread(weights, real):
    """Return for each book the largest minus the smallest weight of its real cards."""
    return np.where(real, weights, -np.inf).max(axis=1) - np.where(real, weights, np.inf).min(axis=1)
