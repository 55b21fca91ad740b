"""Lesson 5.8: the text, a fused trainer of word vectors in batches, the cost of a step, and the pictures."""

import itertools
import re
import time
from collections import Counter
from typing import NamedTuple

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from scipy.sparse import csr_array
from scipy.special import expit, softmax

from helpers import data
from helpers.plots import BLUE, GREEN, ORANGE, RED
from helpers.widgets import LiveFigure, progress

#: The sentence of the notes, and for the pictures how often its words might occur in 10000 (made up).
SENTENCE = ["i", "want", "a", "glass", "of", "orange", "juice", "to", "go", "along", "with", "my", "cupcake"]
COUNTS = np.array([180, 60, 210, 18, 300, 13, 15, 260, 90, 25, 130, 110, 4])
MUTED = "#aaaaaa"


# --- the text ---------------------------------------------------------------------------------------------------------


class Text(NamedTuple):
    """A text in numbers: ``words`` and ``counts`` of the vocabulary, and its ``passages``, lists of word numbers."""

    words: list
    counts: np.ndarray
    passages: list


def bible(least=10, verses=None):
    """Return the King James Bible as a `Text`, one passage per verse, in lower case.

    Words that occur less than `least` times are dropped before the windows are made; with `verses` only that many are
    read, from the beginning.
    """
    lines = [re.findall("[a-z]+(?:'s)?", verse.lower()) for verse in data.kjv()[:verses]]
    frequent = [pair for pair in Counter(word for line in lines for word in line).most_common() if pair[1] >= least]
    number = {word: j for j, (word, _) in enumerate(frequent)}
    passages = [[number[word] for word in line if word in number] for line in lines]
    return Text(list(number), np.array([count for _, count in frequent]), passages)


# --- the trainer ------------------------------------------------------------------------------------------------------


def _examples(text, mode, window, thinning, rng):
    """Return the examples of one epoch in random order: sparse rows of inputs, (m, n), and their targets, (m,).

    A row of skip-gram has one 1, a row of CBOW the weights of a mean. Frequent words are thinned out, and each place
    has a window of its own size, from 1 to `window`.
    """
    place = np.concatenate(text.passages).astype(np.int32)
    verse = np.repeat(np.arange(len(text.passages), dtype=np.int32), [len(passage) for passage in text.passages])
    share = text.counts / text.counts.sum()
    kept = rng.random(len(place)) < np.sqrt(thinning / share)[place]
    place, verse = place[kept], verse[kept]
    width = rng.integers(1, window + 1, len(place))
    rows, columns = [], []
    for distance in range(1, window + 1):
        left = np.flatnonzero(verse[distance:] == verse[:-distance])
        for here, there in ((left, left + distance), (left + distance, left)):
            inside = width[here] >= distance
            rows.append(here[inside])
            columns.append(there[inside])
    rows, columns = np.concatenate(rows), np.concatenate(columns)
    n = len(text.words)
    if mode == "skip-gram":
        order = rng.permutation(len(rows))
        inputs, targets = place[rows[order]], place[columns[order]]
        ones = np.ones(len(order), np.float32)
        return csr_array((ones, inputs, np.arange(len(order) + 1)), shape=(len(order), n)), targets
    sizes = np.bincount(rows, minlength=len(place))
    weights = (1 / sizes[rows]).astype(np.float32)
    contexts = csr_array((weights, (rows, place[columns])), shape=(len(place), n))
    order = rng.permutation(np.flatnonzero(sizes))
    return contexts[order], place[order]


def fit(
    text, P, mode="skip-gram", n_e=50, window=5, K=5, epochs=3, rate=0.1, batch=2048, shared=64, thinning=1e-3, seed=0
):
    """Train word vectors with negative sampling on a whole text, quickly; return ``(E, Theta, costs)``.

    It differs from a plain loop in four ways. It takes many examples at once. All examples of a batch share the same
    `shared` negatives, weighted as if each example had K of its own. Frequent words are thinned out. And the step of
    each number is divided by the root of the sum of its squared gradients so far (Adagrad: J. Duchi, E. Hazan, Y.
    Singer, "Adaptive subgradient methods for online learning and stochastic optimization", JMLR 12, 2011).

    Parameters
    ----------
    text : Text
    P : ndarray, shape (n,)
        Probabilities of the negatives.
    mode : "skip-gram" or "CBOW"
    thinning : float
        A word whose share of the text is larger is kept with the probability root of (thinning / share).

    Returns
    -------
    E, Theta : ndarray, shape (n_e, n)
    costs : list of float
        The mean loss of each epoch.
    """
    rng = np.random.default_rng(seed)
    n = len(text.words)
    vectors = [((rng.random((n, n_e)) - 0.5) / n_e).astype(np.float32), np.zeros((n, n_e), np.float32)]
    squares = [np.full((n, n_e), 1e-3, np.float32) for _ in vectors]
    cumulative, costs = np.cumsum(P), []
    for epoch in range(epochs):
        inputs, targets = _examples(text, mode, window, thinning, rng)
        total, starts = 0.0, range(0, len(targets), batch)
        for start in progress(starts, desc=f"{mode}, epoch {epoch + 1} of {epochs}"):
            rows, t = inputs[start : start + batch], targets[start : start + batch]
            drawn = np.searchsorted(cumulative, rng.random(shared) * cumulative[-1], side="right")
            h, right, wrong = rows @ vectors[0], vectors[1][t], vectors[1][drawn]
            yes, no = np.sum(h * right, axis=1, keepdims=True), h @ wrong.T
            weight = (drawn != t[:, None]).astype(np.float32)
            weight *= K / np.maximum(weight.sum(axis=1, keepdims=True), 1)
            total += np.logaddexp(0, -yes).sum() + np.sum(weight * np.logaddexp(0, no))
            pull, push = expit(yes) - 1, expit(no) * weight
            places = csr_array((np.ones(len(t), np.float32), t, np.arange(len(t) + 1)), shape=(len(t), n))
            slopes = [rows.T @ (pull * right + push @ wrong), places.T @ (pull * h)]
            np.add.at(slopes[1], drawn, push.T @ h)
            for matrix, square, slope in zip(vectors, squares, slopes, strict=True):
                square += slope * slope
                matrix -= rate * slope / np.sqrt(square)
        costs.append(float(total / len(targets)))
    return vectors[0].T.astype(float), vectors[1].T.astype(float), costs


def nearest(words, E, word, k=6):
    """Return the k words with the largest cosine to a word, as one text."""
    return nearest_to(words, E, E[:, words.index(word)], k, {word})


def nearest_to(words, E, aim, k=6, without=()):
    """Return the k words nearest to a vector by the angle, as one text, some words left out."""
    scores = aim @ E / np.sqrt(np.einsum("ij,ij->j", E, E))
    ranked = (words[j] for j in np.argsort(-scores))
    return " ".join(itertools.islice((name for name in ranked if name not in without), k))


# --- what a step costs ------------------------------------------------------------------------------------------------


def depth_of_words(children, n):
    """Return how many decisions lead to each word of a tree of `build_huffman_tree`, (n,)."""
    depth = np.zeros(2 * n - 1, int)
    for v in reversed(range(len(children))):
        depth[np.asarray(children[v], int)] = depth[n + v] + 1
    return depth[:n]


def code_of(word, children):
    """Return the way from the root to a word of a tree of `build_huffman_tree`: inner nodes and signs, +1 for left."""
    children = np.asarray(children, int)
    n, below, nodes, signs = len(children) + 1, word, [], []
    while below != 2 * n - 2:
        ((v, side),) = np.argwhere(children == below)
        nodes.insert(0, int(v))
        signs.insert(0, 1 - 2 * int(side))
        below = n + v
    return np.array(nodes), np.array(signs)


def seconds_of_a_step(n, n_e=50, K=5, least=0.01):
    """Measure one step on one pair in place, touching only what it must; return seconds by the name of the objective.

    The depth in the tree is the whole number nearest to the logarithm of n to the base 2, as in a balanced tree.
    """
    rng = np.random.default_rng(0)
    Theta = 0.1 * rng.normal(size=(n, n_e))  # one row per word: what a step touches lies side by side
    e, depth = 0.1 * rng.normal(size=n_e), round(np.log2(n))
    few = {"hierarchical softmax": rng.integers(0, n, (50, depth)), f"{K} negatives": rng.integers(0, n, (50, K + 1))}

    def all_rows(_):
        a = softmax(Theta @ e)
        a[3] -= 1
        move = a @ Theta
        np.subtract(Theta, 0.01 * a[:, None] * e, out=Theta)
        return move

    def some_rows(touched):
        rows = Theta[touched]
        a = expit(rows @ e) - 0.5
        Theta[touched] = rows - 0.01 * a[:, None] * e
        return a @ rows

    found = {}
    for name, step, given in (("full softmax", all_rows, [None]), *((name, some_rows, few[name]) for name in few)):
        times, start = [], time.perf_counter()
        while time.perf_counter() - start < least or len(times) < 3:
            before = time.perf_counter()
            step(given[len(times) % len(given)])
            times.append(time.perf_counter() - before)
        found[name] = float(np.median(times))
    return found


# --- pictures ---------------------------------------------------------------------------------------------------------


def draw_window(ax, centre=5, window=2, chosen=()):
    """Draw the notes' sentence with a centre, its window, and an arrow to each place of `chosen`."""
    at = np.concatenate([[0], np.cumsum([len(word) + 1.6 for word in SENTENCE])])
    middle = at[:-1] + np.array([len(word) for word in SENTENCE]) / 2
    low, high = max(0, centre - window), min(len(SENTENCE) - 1, centre + window)
    ax.axvspan(at[low] - 0.7, at[high + 1] - 0.9, ymin=0.1, ymax=0.42, color="#eeeeee")
    for i, word in enumerate(SENTENCE):
        color = ORANGE if i == centre else BLUE if i in chosen else "#333333"
        ax.text(middle[i], 0.25, word, ha="center", va="center", fontsize=10, color=color, family="monospace")
    for i in chosen:
        bend = {"arrowstyle": "->", "color": BLUE, "connectionstyle": f"arc3,rad={0.35 if i < centre else -0.35}"}
        ax.annotate("", (middle[i], 0.42), (middle[centre], 0.42), arrowprops=bend)
        ax.text(middle[i], 0.02, f"{i - centre:+d}".replace("-", "−"), ha="center", color=BLUE, fontsize=9)
    ax.set(xlim=(-1, at[-1]), ylim=(-0.05, 1))
    ax.set_axis_off()


def draw_tree(ax, children, words, counts=None, target=None):
    """Draw a tree of `build_huffman_tree`; the way to the target is orange, with the sign of each step."""
    children = np.asarray(children, int)
    n = len(words)
    x, y = np.zeros(2 * n - 1), np.zeros(2 * n - 1)
    for v in reversed(range(n - 1)):
        y[children[v]] = y[n + v] - 1
    stack, leaf = [2 * n - 2], 0
    while stack:
        node = stack.pop()
        if node < n:
            x[node], leaf = leaf, leaf + 1
        else:
            stack += [children[node - n][1], children[node - n][0]]
    for v in range(n - 1):
        x[n + v] = x[children[v]].mean()
    way = dict(zip(*code_of(target, children), strict=True)) if target is not None else {}
    for v in range(n - 1):
        for side, child in enumerate(children[v]):
            on = way.get(v) == 1 - 2 * side
            ax.plot(
                x[[n + v, child]], y[[n + v, child]], color=ORANGE if on else MUTED, linewidth=2 if on else 1, zorder=1
            )
            if on:
                label = "+1" if side == 0 else "−1"
                ax.text(x[[n + v, child]].mean(), y[[n + v, child]].mean() + 0.12, label, color=ORANGE, fontsize=9,
                        ha="right" if side == 0 else "left")  # fmt: skip
    ax.plot(x[n:], y[n:], "D", color=GREEN, markersize=5)
    for j, word in enumerate(words):
        text = word if counts is None else f"{word}\n{counts[j]}"
        ax.text(x[j], y[j] - 0.12, text, ha="center", va="top", fontsize=8, color=ORANGE if j == target else "#333333")
    ax.set(xlim=(-0.7, n - 0.3), ylim=(y.min() - 0.9, 0.3))
    ax.set_axis_off()


def draw_costs(ax, sizes, seconds):
    """Draw the seconds of a step against the size of the vocabulary; `seconds` is a list of dicts, one per size."""
    for name, color in zip(seconds[0], (RED, GREEN, BLUE), strict=True):
        values = [1e6 * one[name] for one in seconds]
        ax.loglog(sizes, values, "o-", color=color, markersize=4)
        side = {GREEN: "bottom", BLUE: "top"}.get(color, "center")  # the last two lie close to each other
        ax.text(sizes[-1] * 1.15, values[-1], name, color=color, va=side, fontsize=9)
    ax.set(xlabel="words in the vocabulary n", ylabel="one step (µs)", xlim=(sizes[0] / 1.3, sizes[-1] * 12))


def draw_words(ax, E, text, groups):
    """Draw words of several groups in the plane in which they spread most, with names where there is room."""
    numbers = [text.words.index(word) for group in groups for word in group.split()]
    columns = E[:, numbers] / np.sqrt(np.sum(E[:, numbers] ** 2, axis=0))
    columns -= columns.mean(axis=1)[:, None]
    plane = np.linalg.eigh(columns @ columns.T)[1][:, :-3:-1].T @ columns
    colors = [c for c, group in zip((BLUE, ORANGE, GREEN, RED, "#CC79A7"), groups, strict=False) for _ in group.split()]
    named = []
    for point, j, color in zip(plane.T, numbers, colors, strict=True):
        ax.plot(*point, "o", color=color, markersize=3)
        if all(abs(point[0] - x) > 0.13 or abs(point[1] - y) > 0.035 for x, y in named):
            ax.annotate(text.words[j], point, (3, 2), textcoords="offset points", fontsize=8, color=color)
            named.append(point)
    ax.set(xlabel="first direction", ylabel="second direction")
    ax.margins(x=0.12, y=0.08)


# --- play: what a step moves ------------------------------------------------------------------------------------------

OBJECTIVES = ("full softmax", "hierarchical softmax", "negative sampling")
TARGET, RATE = SENTENCE.index("juice"), 0.2


class _Steps:
    """The output vectors before and after some steps, on one axes; all gradients are the learner's."""

    def __init__(self, ax, functions, animated):
        self.softmax, self.tree_loss, self.sampled, self.draw_negatives, build = functions
        n = len(SENTENCE)
        rng = np.random.default_rng(4)
        angle = 2 * np.pi * (np.arange(n) * 5 % n) / n
        self.Theta = (0.9 + 0.5 * rng.random(n)) * np.array([np.cos(angle), np.sin(angle)])
        self.e = np.array([[0.9], [0.5]])
        self.P = COUNTS**0.75 / np.sum(COUNTS**0.75)
        self.nodes, self.signs = code_of(TARGET, build(COUNTS))
        ax.axhline(0, color="#eeeeee", zorder=0)
        ax.axvline(0, color="#eeeeee", zorder=0)
        self.ways = [ax.plot([], [], "-", color=MUTED, linewidth=1.2, animated=animated)[0] for _ in range(n + 1)]
        (self.still,) = ax.plot([], [], "o", color=MUTED, markersize=5, animated=animated)
        (self.moved,) = ax.plot([], [], "o", color=BLUE, markersize=6, animated=animated)
        (self.target,) = ax.plot([], [], "o", color=ORANGE, markersize=8, animated=animated)
        (self.centre,) = ax.plot([], [], "*", color=RED, markersize=12, animated=animated)
        self.labels = [ax.text(0, 0, "", fontsize=8, animated=animated, clip_on=True) for _ in range(n + 1)]
        ax.set(xlim=(-3.2, 3.2), ylim=(-2.2, 3.9), xlabel="first entry", ylabel="second entry")

    def one(self, objective, e, Theta, K, step):
        """Return the loss and the gradients of one step, and how many columns it touches."""
        if objective == OBJECTIVES[0]:
            return *self.softmax(e, TARGET, Theta), Theta.shape[1]
        if objective == OBJECTIVES[1]:
            return *self.tree_loss(e, self.nodes, self.signs, Theta), len(self.nodes)
        negatives = np.asarray(self.draw_negatives(TARGET, self.P, K, np.random.default_rng([7, step])))
        return *self.sampled(e, TARGET, negatives, Theta), 1 + len(set(negatives.tolist()))

    def show(self, objective, steps, K):
        """Show the vectors after some steps on the pair orange, juice, and return the sentence."""
        tree = objective == OBJECTIVES[1]
        begin = self.Theta[:, :-1] if tree else self.Theta
        e, Theta, losses, touched = self.e.copy(), begin.copy(), [], 0
        for step in range(steps + 1):
            loss, de, dTheta, touched = self.one(objective, e, Theta, K, step)
            losses.append(float(loss))
            if step < steps:
                e, Theta = e - RATE * de, Theta - RATE * dTheta
        moved = np.any(begin != Theta, axis=0)
        special = np.arange(begin.shape[1]) == TARGET if not tree else np.zeros(begin.shape[1], bool)
        self.still.set_data(Theta[:, ~moved & ~special])
        self.moved.set_data(Theta[:, moved & ~special])
        self.target.set_data(Theta[:, special])
        self.centre.set_data(e)
        names = [f"node {v}" for v in range(begin.shape[1])] if tree else SENTENCE
        points, starts = np.hstack([Theta, e]), np.hstack([begin, self.e])
        names = [*(f"θ {name}" if name == "juice" else name for name in names), "e orange"]
        for k, (way, label) in enumerate(zip(self.ways, self.labels, strict=True)):
            there = k < len(names)
            way.set_data(([starts[0, k], points[0, k]], [starts[1, k], points[1, k]]) if there else ([], []))
            beside = (0.1, -0.3) if there and names[k] == "e orange" else (0.08, 0.06)  # the star's stands below it
            label.set(position=points[:, k] + beside if there else (0, 0), text=names[k] if there else "")
        what = "inner nodes" if tree else "output vectors"
        return (
            f"{objective}, {steps} step{'s' * (steps != 1)}: {moved.sum()} of {begin.shape[1]} {what} have moved; "
            f"the next step touches {touched}. The loss was {losses[0]:.2f} before the first step; before the next it "
            f"is {losses[-1]:.2f}."
        )


def draw_steps(ax, functions, objective, steps=1, K=3):
    """Draw the picture of `play` on an axes and return the sentence that says what it shows."""
    return _Steps(ax, functions, animated=False).show(objective, steps, K)


def play(functions):
    """Return the interactive picture of steps on the pair (orange, juice) with two entries per vector.

    Parameters
    ----------
    functions : tuple of callable
        The learner's naive_softmax_loss_and_gradient, hierarchical_softmax_loss_and_gradient,
        neg_sampling_loss_and_gradient, sample_negatives and build_huffman_tree.
    """
    figure, ax = plt.subplots(figsize=(7, 3.8), layout="constrained")
    picture = _Steps(ax, functions, animated=True)
    return LiveFigure(
        figure,
        picture.show,
        objective=ipywidgets.Dropdown(options=OBJECTIVES, value=OBJECTIVES[2], description="objective"),
        steps=ipywidgets.IntSlider(value=1, min=0, max=30, description="steps"),
        K=ipywidgets.IntSlider(value=3, min=1, max=10, description="K (negatives)"),
    )
