"""Lesson 5.8: the text, groups of words to judge vectors by, the cost of a step, pictures, a run to diagnose."""

import itertools
import re
import time
from collections import Counter
from typing import NamedTuple

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from scipy.special import expit, softmax

from helpers import data
from helpers.checks.sick import Fault, Run
from helpers.plots import BLUE, GREEN, ORANGE, RED
from helpers.widgets import LiveFigure
from helpers.widgets.word_embeddings import draw_groups

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


# --- neighbours -------------------------------------------------------------------------------------------------------

#: Words of nine groups; each occurs at least 50 times.
GROUPS = {
    "food": "bread wine oil flour wheat honey corn meat",
    "metals": "gold silver brass iron",
    "numbers": "two three four five six seven eight ten twelve twenty thirty forty fifty hundred thousand",
    "family": "father mother brother sister daughter son wife husband",
    "body": "hand foot eye ear mouth head heart tongue",
    "animals": "ox sheep lamb ram bullock horses camels asses",
    "time": "day night morning evening month year",
    "directions": "north south east west",
    "cloth": "blue scarlet linen garments",
}


def words_of_groups(words):
    """Return the numbers of the words of `GROUPS`, and the number of the group of each."""
    listed = [(words.index(word), k) for k, group in enumerate(GROUPS.values()) for word in group.split()]
    return tuple(np.array(listed).T)


def group_score(words, E):
    """Return the share of the words of `GROUPS` whose nearest word among them, by the cosine, is of the same group."""
    numbers, group = words_of_groups(words)
    unit = E[:, numbers] / np.linalg.norm(E[:, numbers], axis=0)
    similarity = unit.T @ unit
    np.fill_diagonal(similarity, -np.inf)
    return float(np.mean(group[np.argmax(similarity, axis=1)] == group))


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
    """Draw the sentence with a centre, its window, and an arrow to each place of `chosen`."""
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


def draw_words(ax, E, words, groups):
    """Draw the words of some of `GROUPS` in the plane in which they spread most, each with its name."""
    listed = {name: GROUPS[name].split() for name in groups}
    numbers = [words.index(word) for group in listed.values() for word in group]
    columns = E[:, numbers] / np.sqrt(np.sum(E[:, numbers] ** 2, axis=0))
    columns -= columns.mean(axis=1)[:, None]
    draw_groups(ax, *(np.linalg.eigh(columns @ columns.T)[1][:, :-3:-1].T @ columns), listed)


def draw_scores(ax, wanted, scores, K):
    """Draw the learned score of pairs against the one that (8.23) wants, a dashed line where both are equal."""
    ax.plot(wanted, scores, ".", color=BLUE, markersize=2, alpha=0.3, rasterized=True)
    ends = np.array([wanted.min(), wanted.max()])
    ax.plot(ends, ends, "--", color="#333333", linewidth=1)
    ax.axvline(-np.log(K), color=ORANGE, linewidth=1.2)
    ax.text(-np.log(K), ax.get_ylim()[1], " as often as by chance", color=ORANGE, fontsize=9, va="top")
    ax.set(xlabel="log N+ / N−", ylabel="learned score")


# --- a run to diagnose ------------------------------------------------------------------------------------------------

FAULTS = (
    Fault(
        "the learning rate is too large",
        "the loss rises in about half of the epochs and falls in the others, and the columns of E have grown long",
        "divide the learning rate by 10",
    ),
    Fault(
        "the learning rate is too small",
        "the loss is hardly below the 4.16 of guessing, all pairs are near 1/2, and the columns of E have hardly moved",
        "multiply the learning rate by 10",
    ),
    Fault(
        "E and Θ both start at 0",
        "the columns of E stay 0, so that each score is 0, and the loss never changes",
        "start E with small random numbers",
    ),
    Fault(
        "no negatives are drawn",
        "the loss falls towards 0 and σ is high for every pair, also for those that never stand side by side",
        "print the words that a step touches",
    ),
    Fault(
        "the steps go uphill, with the wrong sign",
        "the loss rises in nearly every epoch, above the 4.16 of guessing",
        "compare the sign of de with a measured slope",
    ),
)


def sick_run(rng, sparse_step, epochs=60, which=None):
    """Train on the sentence with one of `FAULTS` planted, and return the `sick.Run`.

    Parameters
    ----------
    rng : Generator
    sparse_step : callable
        The learner's.
    epochs : int
    which : int, optional
        The fault; by default `rng` chooses.
    """
    which = int(rng.integers(len(FAULTS))) if which is None else which
    n = len(SENTENCE)
    pairs = [(i, j) for i in range(n) for j in range(max(0, i - 2), min(n, i + 3)) if i != j]
    rate = (rng.uniform(0.44, 0.52), rng.uniform(0.002, 0.004), 0.1, 0.5, -rng.uniform(0.008, 0.012))[which]
    E, Theta = rng.normal(size=(8, n)) * (0 if which == 2 else 0.1), np.zeros((8, n))
    before, losses = np.linalg.norm(E, axis=0).mean(), []
    with np.errstate(all="ignore"):
        for _ in range(epochs):
            total = 0.0
            for c, t in pairs:
                drawn = rng.integers(0, n - 1, 0 if which == 3 else 5)
                drawn = drawn + (drawn >= t)
                loss, E[:, [c]], Theta[:, np.append(t, drawn)] = sparse_step(E[:, [c]], t, drawn, Theta, rate)
                total += float(loss)
            losses.append(total / len(pairs))
        chance = expit(E.T @ Theta)
    inside = np.zeros((n, n), bool)
    inside[tuple(np.array(pairs).T)] = True
    yes, others = chance[inside].mean(), chance[~inside & ~np.eye(n, dtype=bool)].mean()
    words = (
        f"The mean loss is {losses[0]:.3g} in the first epoch and {losses[-1]:.3g} in the last of {epochs}; it rose in "
        f"{np.sum(np.diff(losses) > 0)} of them. At the end σ is {yes:.2f} on average for pairs of the window and "
        f"{others:.2f} for other pairs. The columns of E had the mean length {before:.2g} at the start and have "
        f"{np.linalg.norm(E, axis=0).mean():.2g} at the end."
    )
    figure, (left, bars) = plt.subplots(1, 2, figsize=(7.2, 2.6))
    left.plot(losses, color=BLUE)
    left.axhline(6 * np.log(2), color="gray", linestyle="--", linewidth=1)
    left.set(xlabel="epoch", ylabel="mean loss", title="loss; dashed: all scores 0, 5 negatives")
    bars.bar([0, 1], [yes, others], color=[BLUE, ORANGE])
    bars.set(xticks=[0, 1], xticklabels=["in the window", "others"], ylim=(0, 1.05), title="σ of pairs at the end")
    plt.close(figure)
    return Run(figure, words, FAULTS, which)


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
        names = [str(v) if v in self.nodes else "" for v in range(begin.shape[1])] if tree else SENTENCE
        points, starts = np.hstack([Theta, e]), np.hstack([begin, self.e])
        names = [*(f"θ {name}" if name == "juice" else name for name in names), "e orange"]
        for k, (way, label) in enumerate(zip(self.ways, self.labels, strict=True)):
            there = k < len(names)
            way.set_data(([starts[0, k], points[0, k]], [starts[1, k], points[1, k]]) if there else ([], []))
            beside = (0.22, 0.06) if there and names[k] == "e orange" else (0.08, 0.06)
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
