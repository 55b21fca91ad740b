"""Lesson 2.8: wines and digits, pictures of regions, weights and confusions, and three scores to move."""

from typing import NamedTuple

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import to_rgb

from helpers import data
from helpers.checks import sick
from helpers.plots import BLUE, GREEN, ORANGE, RED
from helpers.widgets import LiveFigure

#: One colour per class; class 0 is blue and class 1 orange, as everywhere.
COLORS = (BLUE, ORANGE, GREEN)


# --- data -------------------------------------------------------------------------------------------------------------


class Digits(NamedTuple):
    """Digits as columns of 784 pixels from 0 (paper) to 1 (ink), and their labels as rows."""

    X_train: np.ndarray
    labels_train: np.ndarray
    X_test: np.ndarray
    labels_test: np.ndarray


def digits():
    """Return `Digits`: 4000 for training and 1000 for the test."""
    split = data.mnist()
    columns = [images.reshape(len(images), -1).T / 255 for images in (split.train_images, split.test_images)]
    return Digits(columns[0], split.train_labels, columns[1], split.test_labels)


class TwoMeasurements(NamedTuple):
    """Two measurements of 178 wines: ``X`` (2, 178) with mean 0 and spread 1, ``labels`` (1, 178), their ``names``."""

    X: np.ndarray
    labels: np.ndarray
    names: tuple


def wines(names=("alcohol", "flavanoids")):
    """Return two of the thirteen measurements of `data.wines`, as `TwoMeasurements`."""
    everything = data.wines()
    X = everything.X[[everything.names.index(name) for name in names]]
    centred = X - X.mean(axis=1, keepdims=True)
    return TwoMeasurements(centred / X.std(axis=1, keepdims=True), everything.Y, names)


# --- pictures ---------------------------------------------------------------------------------------------------------


def draw_columns(ax, columns, names, limits, values=True):
    """Draw the entries of several columns as bars side by side, one group per row; `columns` is {name: values}."""
    width = 0.8 / len(columns)
    for i, (name, entries) in enumerate(columns.items()):
        places = np.arange(len(entries)) + (i - (len(columns) - 1) / 2) * width
        ax.bar(places, entries, 0.9 * width, label=name, color=(BLUE, ORANGE, GREEN)[i])
        for x, entry in zip(places, entries, strict=True):
            if values:
                side = "bottom" if entry >= 0 else "top"
                ax.text(x, entry, f"{entry:.2f}", ha="center", va=side, fontsize=8)
    ax.set_xticks(range(len(names)), names)
    ax.set_ylim(*limits)
    ax.axhline(0, color="black", linewidth=0.8)


def draw_regions(ax, wines, probabilities, title):
    """Draw three classes: a point for each wine, and at each place the mixture of the colours of the classes.

    Parameters
    ----------
    ax : Axes
    wines : TwoMeasurements
    probabilities : callable
        ``probabilities(X)`` returns the probabilities, (3, m), of m points, (2, m).
    title : str
    """
    x, y = np.linspace(-3, 3, 91), np.linspace(-2.4, 3.2, 85)
    grid = np.array(np.meshgrid(x, y))
    A = np.asarray(probabilities(grid.reshape(2, -1)))
    colors = np.array([to_rgb(color) for color in COLORS])
    ax.imshow(
        (1 - 0.55 * (1 - A.T @ colors)).reshape(len(y), len(x), 3),
        extent=(x[0], x[-1], y[0], y[-1]), origin="lower", aspect="auto", interpolation="bilinear",
    )  # fmt: skip
    log_A = np.log(np.maximum(A, 1e-300)).reshape(3, len(y), len(x))
    for c in range(3):
        lead = log_A[c] - np.max(np.delete(log_A, c, axis=0), axis=0)  # over the best of the others
        if lead.min() < 0 < lead.max():
            ax.contour(x, y, lead, [0], colors="white", linewidths=1.2)
    for c, (color, mark) in enumerate(zip(COLORS, "os^", strict=True)):
        own = wines.X[:, wines.labels[0] == c]
        ax.plot(*own, mark, color=color, markersize=3.6, markeredgecolor="white", markeredgewidth=0.5)
    ax.set_title(title, loc="center")


def draw_weights(axes, W, limit=None):
    """Draw the weights of each class, row by row of W (10, 784), as an image: red above 0, blue below, white at 0."""
    limit = np.max(np.abs(W)) if limit is None else limit
    for c, (ax, row) in enumerate(zip(np.ravel(axes), W, strict=True)):
        ax.imshow(row.reshape(28, 28), cmap="RdBu_r", vmin=-limit, vmax=limit)
        ax.set_title(str(c), loc="center", pad=2)
        ax.set_axis_off()


def draw_confusion(ax, counts, title):
    """Draw how often each class (row) was taken for each (column), shape (C, C): right ones blue, errors orange."""
    C = len(counts)
    errors = np.where(np.eye(C, dtype=bool), 0, counts)
    ax.imshow(errors, cmap="Oranges", vmin=0, vmax=1.6 * errors.max())
    ax.imshow(np.where(np.eye(C, dtype=bool), 0.35, np.nan), cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            weight = "bold" if row == column else "normal"
            ax.text(column, row, f"{count:g}", ha="center", va="center", fontsize=8, fontweight=weight)
    ax.set_xticks(range(C), range(C))
    ax.set_yticks(range(C), range(C))
    ax.spines[["left", "bottom"]].set_visible(False)
    ax.tick_params(length=0)
    ax.set(xlabel="predicted class", ylabel="true class", title=title)


# --- three scores to move ---------------------------------------------------------------------------------------------


class _Panels:
    """Four panels for one example with three classes: scores, probabilities, loss, derivative."""

    def __init__(self, axes):
        titles = ("scores $z$", r"probabilities $\hat y$", "loss", r"derivative $\hat y - y$")
        for ax, title, limits in zip(axes, titles, ((-7, 8.5), (0, 1.15), (0, 11), (-1.2, 1.2)), strict=True):
            ax.set_title(title, loc="center")
            ax.set_ylim(*limits)
            if title != "loss":
                ax.set_xticks(range(3), range(3))
                ax.set(xlabel="class", xlim=(-0.6, 2.6))
                ax.axhline(0, color="black", linewidth=0.8)
        p = np.linspace(1e-4, 1, 400)
        axes[2].plot(p, -np.log(p), color="gray", linewidth=1.2)
        axes[2].set(xlabel=r"$\hat y$ of the right class", xlim=(0, 1.04), xticks=(0, 0.5, 1))
        self.bars = [ax.bar(range(3), [0, 0, 0], 0.7, color=COLORS, animated=True) for ax in (*axes[:2], axes[3])]
        self.texts = [
            [ax.text(c, 0, "", ha="center", fontsize=8, animated=True) for c in range(3)] for ax in (*axes[:2], axes[3])
        ]
        (self.before,) = axes[0].plot([], [], "_", color="black", markersize=18, animated=True)
        (self.dot,) = axes[2].plot([], [], "o", color=RED, markersize=8, clip_on=False, animated=True)
        self.right = axes[0].text(0, 8.4, "right", ha="center", va="top", fontsize=8, animated=True)
        self.axes = axes

    def show(self, start, z, a, loss, dz, label):
        for bars, texts, values in zip(self.bars, self.texts, (z, a, dz), strict=True):
            low, high = texts[0].axes.get_ylim()
            room = 0.1 * (high - low)  # for the number above or below a bar
            for bar, text, value in zip(bars, texts, values, strict=True):
                end = np.clip(value, min(0, low + room), high - room)
                bar.set_height(end)
                text.set_text(f"{value + 0.0:.2f}".replace("-0.00", "0.00").replace("-", "−"))
                text.set_y(end + (1 if value >= 0 else -1) * 0.12 * room)
                text.set_va("bottom" if value >= 0 else "top")
        self.before.set_data(range(3), start)
        self.dot.set_data([a[label]], [min(loss, 10.9)])
        self.right.set_x(label)

    def artists(self):
        """Return everything that moves."""
        texts = [text for row in self.texts for text in row]
        return [bar for bars in self.bars for bar in bars] + texts + [self.before, self.dot, self.right]


def _walk(softmax, softmax_cross_entropy, start, label, steps):
    """Return scores, probabilities, loss and derivative after so many steps on the scores, with learning rate 1."""
    z, y = np.array(start, dtype=float)[:, None], np.eye(3)[:, [label]]
    for _ in range(steps):
        z = z - np.asarray(softmax_cross_entropy(z, y)[1])
    loss, dz = softmax_cross_entropy(z, y)
    return z[:, 0], np.asarray(softmax(z))[:, 0], float(loss), np.asarray(dz)[:, 0]


def draw_three_scores(axes, softmax, softmax_cross_entropy, scores=(2.0, 1.0, -1.0), label=1, steps=0):
    """Draw the static twin of `three_scores` on four axes; return the artists.

    Parameters
    ----------
    axes : sequence of Axes
    softmax, softmax_cross_entropy : callable
        The learner's functions.
    scores : sequence of float
        Where the three scores start.
    label : int
        The right class.
    steps : int
        So many steps of gradient descent are taken on the scores, with learning rate 1.
    """
    panels = _Panels(axes)
    panels.show(scores, *_walk(softmax, softmax_cross_entropy, scores, label, steps), label)
    for artist in panels.artists():
        artist.set_animated(False)
    return panels.artists()


def three_scores(softmax, softmax_cross_entropy):
    """Return the picture: three scores to move, what softmax makes of them, the loss, and which way it pushes.

    Parameters
    ----------
    softmax, softmax_cross_entropy : callable
        The learner's functions; all numbers come from them.
    """
    figure, axes = plt.subplots(1, 4, figsize=(8.4, 2.8), layout="none")
    figure.subplots_adjust(left=0.045, right=0.99, bottom=0.2, top=0.89, wspace=0.27)
    panels = _Panels(axes)

    def update(z0, z1, z2, label, steps):
        start = (z0, z1, z2)
        z, a, loss, dz = _walk(softmax, softmax_cross_entropy, start, label, steps)
        panels.show(start, z, a, loss, dz, label)
        after = f"After {steps} step{'s' if steps > 1 else ''} the" if steps else "The"
        return (
            f"{after} scores {_list(z)} give the probabilities {_list(a)}. The right class is {label}: its probability "
            f"is {a[label]:.3f}, the loss {loss:.3f}. Derivative by the scores: {_list(dz)}; it adds up to "
            f"{abs(dz.sum()):.2f}."
        )

    return LiveFigure(
        figure,
        update,
        z0=ipywidgets.FloatSlider(value=2, min=-5, max=5, step=0.1, description="score of class 0"),
        z1=ipywidgets.FloatSlider(value=1, min=-5, max=5, step=0.1, description="score of class 1"),
        z2=ipywidgets.FloatSlider(value=-1, min=-5, max=5, step=0.1, description="score of class 2"),
        label=ipywidgets.Dropdown(options=(0, 1, 2), value=1, description="right class"),
        steps=ipywidgets.IntSlider(value=0, min=0, max=50, description="gradient steps"),
    )


def _list(values):
    return ", ".join(f"{round(float(value), 2) + 0.0:.2f}" for value in values)


# --- confident errors to diagnose -------------------------------------------------------------------------------------

FAULTS = (
    sick.Fault(
        "few digits and many steps: it has learned the training digits by heart",
        "all training digits are right, and on new ones it says more than is right",
        "take more digits, fewer steps, or a temperature chosen on a dev part",
    ),
    sick.Fault(
        "the new digits are shifted to the side",
        "most training digits are right, and few of the new ones, in nearly all classes, and it is less sure of them",
        "look at some of the new digits beside training digits",
    ),
    sick.Fault(
        "many training labels are wrong",
        "few training digits are right by their labels, and of the new digits more are right than it says",
        "look at training digits together with their labels",
    ),
    sick.Fault(
        "the scores are multiplied by 10 before the softmax",
        "already on the training digits it says nearly 100 % and fewer are right",
        "compare the scores that go into the softmax with W x + b",
    ),
    sick.Fault(
        "one class is missing in the training set",
        "of one class no new digit is right, of all others most are",
        "count the training digits of each class",
    ),
)


def sick_classifier(rng, softmax_regression_model, softmax, which=None):
    """Train on digits with one of `FAULTS` planted, and return the `sick.Run`.

    Parameters
    ----------
    rng : Generator
    softmax_regression_model, softmax : callable
        The learner's.
    which : int, optional
        The fault; by default `rng` chooses.
    """
    which = int(rng.integers(len(FAULTS))) if which is None else which
    whole, count, steps = digits(), 150 if which == 0 else 1000, 1200 if which == 0 else 60
    first = int(rng.integers(4)) * 1000
    X, labels = whole.X_train[:, first : first + count], whole.labels_train[:, first : first + count].copy()
    X_new, labels_new, factor = whole.X_test, whole.labels_test, 10.0 if which == 3 else 1.0
    if which == 1:
        X_new = np.roll(X_new.reshape(28, 28, -1), 4 * int(rng.choice([-1, 1])), axis=1).reshape(784, -1)
    if which == 2:
        chosen = rng.random(labels.shape) < 0.5
        labels[chosen] = rng.integers(10, size=chosen.sum())
    if which == 4:
        kept = labels[0] != rng.integers(10)
        X, labels = X[:, kept], labels[:, kept]
    p, _ = softmax_regression_model(X, np.eye(10)[:, labels[0]], 0.5, steps)
    said, right = [], []
    for images, truth in ((X, labels), (X_new, labels_new)):
        A = softmax(factor * (p["W"] @ images + p["b"]))
        said.append(np.max(A, axis=0).mean())
        right.append(np.argmax(A, axis=0) == truth[0])
    by_class = np.array([right[1][labels_new[0] == c].mean() for c in range(10)])
    words = (
        f"On the training digits it says {said[0]:.0%} on average, and {right[0].mean():.0%} are right by their "
        f"labels. On new digits it says {said[1]:.0%}, and {right[1].mean():.0%} are right. Of the new digits, class "
        f"by class, right: {', '.join(f'{share:.0%}' for share in by_class)}."
    )
    figure, (left, bars) = plt.subplots(1, 2, figsize=(7.2, 2.6))
    draw_columns(left, {"says": said, "right": [one.mean() for one in right]}, ("training", "new"), (0, 1.3))
    left.legend(loc="upper left", ncols=2, fontsize=8)
    bars.bar(range(10), by_class, color=ORANGE)
    bars.set(xticks=range(10), ylim=(0, 1.05), xlabel="class", title="new digits: share right")
    plt.close(figure)
    return sick.Run(figure, words, FAULTS, which)
