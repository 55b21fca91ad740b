"""Lesson 5.13: verses without spaces, simple rivals, and figures."""

import re
from collections import Counter
from functools import lru_cache

import matplotlib.pyplot as plt
import numpy as np

from helpers import data
from helpers.checks import sick
from helpers.plots import BLUE, ORANGE

#: Letters of a line.
T = 30

# --- lines ------------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def beginnings():
    """Return a dict: the first 30 letters of each fourth verse, without spaces, and the words that they are from.

    Verses that begin with the same letters are there once.
    """
    found = {}
    for verse in data.kjv()[::4]:
        words = re.sub("[^a-z ]", "", verse[:80].lower().replace("-", " ")).split()[:-1]  # the last one may be cut
        letters = "".join(words)[:T]
        if len(letters) == T:
            found[letters] = words
    return found


def labels(letters):
    """Return the labels (30,) of a line: 1 at the last letter of each word."""
    y = np.zeros(T)
    ends = np.cumsum([len(word) for word in beginnings()[letters]]) - 1
    y[ends[ends < T]] = 1
    return y


def lines(numbers):
    """Return X (26, m, 30), one-hot letters, and Y (m, 30), 1 at the last letter of each word, of these beginnings."""
    all_letters = list(beginnings())
    chosen = [all_letters[number] for number in numbers]
    X = np.zeros((26, len(chosen), T))
    for i, letters in enumerate(chosen):
        X[[ord(letter) - ord("a") for letter in letters], i, np.arange(T)] = 1
    return X, np.array([labels(letters) for letters in chosen])


def letters_of(X):
    """Return the lines of X (26, m, T) as a list of str."""
    return ["".join(chr(ord("a") + c) for c in line) for line in X.argmax(axis=0)]


def with_spaces(letters, y):
    """Return a line as text, with a space behind each letter whose label is 1."""
    return "".join(letter + " " * int(label) for letter, label in zip(letters, y, strict=True)).strip()


def three_parts(seed=0):
    """Return ``X_train, Y_train, X_dev, Y_dev, X_new, Y_new``: 600, 200 and 400 lines, none of them twice."""
    order = np.random.default_rng(seed).permutation(len(beginnings()))
    return *lines(order[:600]), *lines(order[600:800]), *lines(order[800:1200])


# --- rivals -----------------------------------------------------------------------------------------------------------


def windows(X, reach=3):
    """Return for each letter the one-hot columns of the letters up to `reach` before and after it, one row each."""
    nothing = np.zeros((26, X.shape[1], reach))
    padded = np.concatenate([nothing, X, nothing], axis=2)
    stacked = np.concatenate([padded[:, :, k : k + X.shape[2]] for k in range(2 * reach + 1)])
    return stacked.reshape(len(stacked), -1).T


def words_of(letters, y):
    """Return the whole words of a line as a list of (start, end); letters behind the last end are no whole word."""
    ends = [0, *(np.flatnonzero(y) + 1).tolist()]
    return list(zip(ends[:-1], ends[1:], strict=True))


def counted(X, Y):
    """Return how often each word stands in lines, a `Counter`."""
    pairs = zip(letters_of(X), Y, strict=True)
    return Counter(letters[start:end] for letters, y in pairs for start, end in words_of(letters, y))


def known_words(X, Y, X_new, new_words=200):
    """Return the labels (k, T) that cut each line into the likeliest words.

    A word that was counted has its share of the text. Together all others have a share as if there were `new_words` of
    them, and each letter of such a word divides it by 12.
    """
    counts = counted(X, Y)
    total = sum(counts.values()) + new_words
    found = []
    for letters in letters_of(X_new):
        best, cut = [0.0], [0]
        for end in range(1, len(letters) + 1):
            scores = {}
            for start in range(max(0, end - 14), end):
                count = counts.get(letters[start:end]) or new_words / 12.0 ** (end - start)
                scores[start] = best[start] + np.log(count / total)
            cut.append(max(scores, key=scores.get))
            best.append(scores[cut[-1]])
        y, end = np.zeros(len(letters)), len(letters)
        while end:
            y[end - 1], end = 1, cut[end]
        found.append(y)
    return np.array(found)


def share_found(X_new, Y_new, answers, counts):
    """Return the shares of whole words found, both ends right and no cut inside: of counted words, and of others."""
    hits = {True: [], False: []}
    for letters, y, answer in zip(letters_of(X_new), Y_new, answers, strict=True):
        found = set(words_of(letters, answer))
        for start, end in words_of(letters, y):
            hits[letters[start:end] in counts].append((start, end) in found)
    return np.mean(hits[True]), np.mean(hits[False])


# --- figures ----------------------------------------------------------------------------------------------------------


def draw_line(ax, letters, y, probabilities):
    """Draw for each letter of a line how probable it is that a word ends there; true ends have a dark frame."""
    places = np.arange(len(letters))
    ax.bar(places, probabilities, color=[ORANGE if p > 0.5 else BLUE for p in probabilities], edgecolor="none")
    for place in places[np.asarray(y) > 0]:
        ax.bar(place, 1, facecolor="none", edgecolor="black", linewidth=1.0)
    ax.axhline(0.5, color="0.6", linestyle="--", linewidth=0.8)
    ax.set(xticks=places, xticklabels=list(letters), ylim=(0, 1.05), ylabel="ŷ, a word ends here")


def draw_shares(ax, shares):
    """Draw shares of right letters, a row of dots for each name of the dict `shares`; a line marks each mean."""
    for row, (name, values) in enumerate(shares.items()):
        own = name == "your network"
        places = np.full(len(values), -row) + np.linspace(-0.15, 0.15, len(values))
        ax.plot(values, places, "s" if own else "o", color=ORANGE if own else BLUE, alpha=0.7)
        ax.plot([np.mean(values)] * 2, [-row - 0.3, -row + 0.3], color="black", linewidth=1.5)
    ax.set(yticks=range(0, -len(shares), -1), yticklabels=list(shares), ylim=(0.3 - len(shares), 0.6))
    ax.set(xlabel="share of the letters of new lines labelled right")


# --- a run to diagnose ------------------------------------------------------------------------------------------------

FAULTS = (
    sick.Fault(
        "the learning rate is too large",
        "the cost jumps far above that of a constant answer, and the weights have moved by much more than their size",
        "divide the learning rate by 10 or more",
    ),
    sick.Fault(
        "the learning rate is too small",
        "the cost hardly falls, and the weights have moved, but hardly",
        "multiply the learning rate by 10 or more",
    ),
    sick.Fault(
        "lines and labels are not in the same order",
        "the weights move as they should, and the cost stays near that of a constant answer",
        "print some lines with spaces where their labels say so",
    ),
    sick.Fault(
        "the new lines are read from right to left",
        "the cost falls as it should, and new lines are labelled worse than by a constant answer",
        "look at some new lines as they go into the network",
    ),
)


def sick_run(rng, train, scores, which=None):
    """Train on 200 lines for 60 steps with one of `FAULTS` planted, and return the `sick.Run`.

    Parameters
    ----------
    rng : Generator
    train : callable
        The learner's function.
    scores : callable
        ``scores(net, X)`` returns the scores (m, T).
    which : int, optional
        The fault; by default `rng` chooses.
    """
    which = int(rng.integers(len(FAULTS))) if which is None else which
    order = rng.permutation(len(beginnings()))
    (X, Y), (X_new, Y_new) = lines(order[:200]), lines(order[200:400])
    known = Y[rng.permutation(len(Y))] if which == 2 else Y
    X_new = X_new[:, :, ::-1] if which == 3 else X_new
    rate = (rng.uniform(3, 6), rng.uniform(2e-6, 6e-6), 0.03, 0.03)[which]
    net = first_net(12, rng)
    orders = np.array([rng.permutation(200) for _ in range(6)])
    with np.errstate(all="ignore"):
        after, costs = train(net, X, known, orders, 20, rate)
        right = np.mean((np.asarray(scores(after, X_new)) > 0) == Y_new)
    costs, moved = np.asarray(costs, dtype=float), float(np.max(np.abs(after["Waa_right"] - net["Waa_right"])))
    q = Y.mean()
    constant = -q * np.log(q) - (1 - q) * np.log(1 - q)
    words = (
        f"The cost of the first mini-batch is {costs[0]:.3g}, the highest {costs.max():.3g}, the mean of the last ten "
        f"{costs[-10:].mean():.3g}; the best constant answer costs {constant:.3g}. The largest change of a weight "
        f"between states is {moved:.1e}. Of the letters of 200 new lines {right:.0%} are right; the constant answer 0 "
        f"has {1 - Y_new.mean():.0%}."
    )
    figure, ax = plt.subplots(figsize=(5, 2.6))
    ax.plot(np.minimum(costs, 2), "o-", color=BLUE, markersize=3)
    ax.axhline(constant, color="0.6", linestyle="--", linewidth=0.8)
    ax.set(
        xlabel="step (dashed: constant answer)", ylabel="cost (2: 2 or more)", ylim=(0, 2.1), title="A run on 200 lines"
    )
    plt.close(figure)
    return sick.Run(figure, words, FAULTS, which)


def first_net(n_a, rng):
    """Return a random net: orthogonal weights between states times 0.7, biases 0, and -1 for the output."""
    net = {"Wya": rng.normal(size=(1, 2 * n_a)) / np.sqrt(2 * n_a), "by": np.full((1, 1), -1.0)}
    for way in ("right", "left"):
        net[f"Waa_{way}"] = 0.7 * np.linalg.qr(rng.normal(size=(n_a, n_a)))[0]
        net[f"Wax_{way}"] = 0.5 * rng.normal(size=(n_a, 26))
        net[f"ba_{way}"] = np.zeros((n_a, 1))
    return net


def scores_of(net, X):
    """Return the scores (m, T) of a net, of all letters."""
    (_, m, T), n_a = X.shape, len(net["ba_right"])
    right = left = np.zeros((n_a, m))
    S = np.zeros((m, T)) + net["by"]
    for t in range(T):
        right = np.tanh(net["Waa_right"] @ right + net["Wax_right"] @ X[:, :, t] + net["ba_right"])
        left = np.tanh(net["Waa_left"] @ left + net["Wax_left"] @ X[:, :, T - 1 - t] + net["ba_left"])
        S[:, t] += (net["Wya"][:, :n_a] @ right)[0]
        S[:, T - 1 - t] += (net["Wya"][:, n_a:] @ left)[0]
    return S
