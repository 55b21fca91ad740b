"""Lesson 4.11: digits somewhere on a sheet, simple rivals, and figures."""

import matplotlib.pyplot as plt
import numpy as np

from helpers import data
from helpers.checks import sick
from helpers.plots import BLUE, ORANGE
from helpers.widgets import fast_cnn

SHEET = 12


def sheets(images, places):
    """Return sheets (m, 12, 12, 1): images (m, 8, 8), from 0 to 16, with their upper left pixels at `places` (m, 2)."""
    X = np.zeros((len(images), SHEET, SHEET, 1))
    for sheet, image, (row, column) in zip(X, images, places, strict=True):
        sheet[row : row + 8, column : column + 8, 0] = image / 16
    return X


def three_parts(seed=0):
    """Return ``X_train, labels_train, X_dev, labels_dev, X_new, labels_new``: small digits on sheets of 12 by 12.

    Each digit of 8 by 8 pixels lies at a random place of its sheet. X is (m, 12, 12, 1), from 0 (paper) to 1 (ink), and
    labels are (m,); m is 600, 300 and 500.
    """
    rng, digits = np.random.default_rng(seed), data.small_digits()
    order = rng.permutation(digits.labels.size)[:1400]
    X = sheets(digits.images[order], rng.integers(0, SHEET - 8 + 1, size=(len(order), 2)))
    labels = digits.labels[0, order]
    return X[:600], labels[:600], X[600:900], labels[600:900], X[900:], labels[900:]


def dense_units(X, labels, X_new, seed):
    """Return the digits that 64 dense units read in X_new after 40 epochs of Adam."""
    rng = np.random.default_rng(seed)
    layers = fast_cnn.Dense(SHEET**2, 64, rng), fast_cnn.ReLU(), fast_cnn.Dense(64, 10, rng)
    network = fast_cnn.Chain(*layers)
    fast_cnn.train(network, X.astype(np.float32), labels, fast_cnn.Adam(0.005), rng, num_epochs=40, batch_size=32)
    return network.predicts(X_new.astype(np.float32)).argmax(axis=1)


def nearest(X, labels, X_new, most=0):
    """Return for each new sheet the digit of the nearest known one, over all shifts by up to `most` pixels."""
    flat = X.reshape(len(X), -1)
    smallest = np.full((len(X_new), len(X)), np.inf)
    for right in range(-most, most + 1):
        for down in range(-most, most + 1):
            moved = np.roll(X_new, (down, right), axis=(1, 2)).reshape(len(X_new), -1)
            far = np.sum(moved**2, axis=1)[:, None] - 2 * moved @ flat.T + np.sum(flat**2, axis=1)
            smallest = np.minimum(smallest, far)
    return labels[smallest.argmin(axis=1)]


def draw_sheets(X, labels, columns=10):
    """Draw sheets with their labels and return the figure."""
    rows = -(-len(X) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(0.75 * columns, 0.95 * rows), squeeze=False)
    for ax, sheet, label in zip(axes.flat, X[..., 0], labels, strict=True):
        ax.imshow(sheet, cmap="gray_r", vmin=0, vmax=1)
        ax.set_title(str(label), loc="center", fontsize=9)
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set(visible=True, color="0.8")  # the edge of the sheet
    return figure


def draw_shares(ax, shares):
    """Draw shares read right, a row of dots for each name of the dict `shares`; a line marks each mean."""
    for row, (name, values) in enumerate(shares.items()):
        own = name == "your network"
        places = np.full(len(values), -row) + np.linspace(-0.15, 0.15, len(values))
        ax.plot(values, places, "s" if own else "o", color=ORANGE if own else BLUE, alpha=0.7)
        ax.plot([np.mean(values)] * 2, [-row - 0.3, -row + 0.3], color="black", linewidth=1.5)
    ax.set(yticks=range(0, -len(shares), -1), yticklabels=list(shares), ylim=(0.3 - len(shares), 0.6))
    ax.set(xlabel="share of the new sheets read right")


def draw_filters(figure, W):
    """Draw filters (f, f, 1, n_C) in one row; red is positive, blue negative."""
    limit = np.abs(W).max()
    for ax, c in zip(figure.subplots(2, W.shape[3] // 2).flat, range(W.shape[3]), strict=True):
        ax.imshow(W[:, :, 0, c], cmap="RdBu_r", vmin=-limit, vmax=limit)
        ax.set_axis_off()


# --- a run to diagnose ------------------------------------------------------------------------------------------------

FAULTS = (
    sick.Fault(
        "the learning rate is too large",
        "the cost jumps far above guessing, and the filters move by much more than their size at the start",
        "divide the learning rate by 10 or more",
    ),
    sick.Fault(
        "the learning rate is too small",
        "the cost stays near guessing, and the filters move, but hardly",
        "multiply the learning rate by 10 or more",
    ),
    sick.Fault(
        "labels and images are not in the same order",
        "the filters move as they should, but the training is learned in part only, and new sheets are guessed",
        "look at some images of a mini-batch together with their labels",
    ),
    sick.Fault(
        "all filters start at 0",
        "no score is positive, so the filters get no gradient and stay where they are",
        "draw the filters at random",
    ),
    sick.Fault(
        "the digits to learn from all lie in the upper left corner of their sheets",
        "the training is read almost without errors, and of new sheets, on which the digits lie anywhere, few are read",
        "look at some images of the training beside some new ones",
    ),
)


def sick_run(rng, train, predict, which=None):
    """Train on 256 sheets for 80 steps with one of `FAULTS` planted, and return the `sick.Run`.

    Parameters
    ----------
    rng : Generator
    train, predict : callable
        The learner's functions.
    which : int, optional
        The fault; by default `rng` chooses.
    """
    which = int(rng.integers(len(FAULTS))) if which is None else which
    digits = data.small_digits()
    order, places = rng.permutation(digits.labels.size)[:456], rng.integers(0, SHEET - 8 + 1, size=(456, 2))
    places[:256] *= which != 4
    X, labels = sheets(digits.images[order], places), digits.labels[0, order]
    known = rng.permutation(labels[:256]) if which == 2 else labels[:256]
    rate = (rng.uniform(0.5, 1.0), rng.uniform(1e-6, 3e-6))[which] if which < 2 else rng.uniform(0.008, 0.012)
    net = {"W1": rng.normal(size=(5, 5, 1, 8)) * np.sqrt(2) / 5, "b1": np.zeros((1, 1, 1, 8))}
    net |= {"W2": np.zeros((128, 10)), "b2": np.zeros((1, 10))}
    if which == 3:
        net["W1"] = 0 * net["W1"]
    with np.errstate(all="ignore"):
        orders = np.array([rng.permutation(256) for _ in range(10)])
        after, costs = train(net, X[:256], known, orders, 32, rate)
        right = np.mean(predict(after, X[:256]) == known), np.mean(predict(after, X[256:]) == labels[256:])
    costs, moved = np.asarray(costs, dtype=float), float(np.max(np.abs(after["W1"] - net["W1"])))
    words = (
        f"The cost of the first mini-batch is {costs[0]:.3g}, the highest {costs.max():.3g}, the mean of the last "
        f"eight {costs[-8:].mean():.3g}; guessing costs 2.30. The largest change of a weight of W1 is {moved:.1e}. "
        f"Right at the end: {right[0]:.0%} of the sheets of the training, {right[1]:.0%} of 200 new ones."
    )
    figure, ax = plt.subplots(figsize=(5, 2.6))
    ax.plot(np.minimum(costs, 6), "o-", color=BLUE, markersize=3)
    ax.axhline(2.3, color="0.6", linestyle="--", linewidth=0.8)
    ax.set(xlabel="step (dashed: guessing)", ylabel="cost (6: 6 or more)", ylim=(0, 6.2), title="A run on 256 sheets")
    plt.close(figure)
    return sick.Run(figure, words, FAULTS, which)
