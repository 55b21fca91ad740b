"""Lesson 2.1: made-up and real examples, fits of small and large capacity, the picture with two knobs, sick runs."""

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from helpers import data
from helpers.checks.sick import Fault, Run
from helpers.plots import BLUE, GREEN, ORANGE, RED
from helpers.widgets import LiveFigure

# --- a made-up curve with noise, and polynomials ----------------------------------------------------------------------

NOISE = 0.3  # standard deviation of the noise; its variance is 0.09


def curve(X):
    """Return the true curve, sin(4 x + 0.8), entry by entry."""
    return np.sin(4 * X + 0.8)


def noisy_examples(m, rng):
    """Return X, uniform between -1 and 1, and Y, the curve plus noise, both of shape (1, m)."""
    X = rng.uniform(-1, 1, size=(1, m))
    return X, curve(X) + rng.normal(scale=NOISE, size=(1, m))


# --- a made-up plane with two classes, and four classifiers -----------------------------------------------------------

FLIPPED = 0.05  # share of the labels that are swapped, 0 for 1 and 1 for 0: no classifier can foresee them


def two_classes(m, rng):
    """Return points of a square, shape (2, m), and labels, shape (1, m): 1 above a wave, 0 below, 5 % swapped."""
    X = rng.uniform(-1, 1, size=(2, m))
    Y = X[1] > 0.6 * np.sin(4 * X[0])
    return X, (Y ^ (rng.random(m) < FLIPPED)).astype(int)[None, :]


def four_fits(X, Y):
    """Return ``{name: predict}`` of four classifiers that learned from X, shape (2, m), and Y, shape (1, m).

    Each ``predict(X)`` returns labels of shape (1, m).
    """
    models = {
        "straight line": (LogisticRegression(), [0, 1]),
        "3 neighbours, x₁ only": (KNeighborsClassifier(3), [0]),
        "15 neighbours": (KNeighborsClassifier(15), [0, 1]),
        "1 neighbour": (KNeighborsClassifier(1), [0, 1]),
    }

    def fitted(model, rows):
        model.fit(X[rows].T, Y[0])
        return lambda X: model.predict(X[rows].T)[None, :]

    return {name: fitted(*model) for name, model in models.items()}


def draw_regions(ax, predict, X, Y, points=161):
    """Draw where a classifier says 0 (blue) and 1 (orange), the true border, and examples as dots."""
    side = np.linspace(-1, 1, points)
    grid = np.array([axis.ravel() for axis in np.meshgrid(side, side)])
    labels = predict(grid).reshape(points, points)
    ax.contourf(side, side, labels, [-0.5, 0.5, 1.5], colors=[BLUE, ORANGE], alpha=0.3)
    ax.plot(side, 0.6 * np.sin(4 * side), "--", color="black", linewidth=1)
    for label, color in ((0, BLUE), (1, ORANGE)):
        ax.plot(*X[:, Y[0] == label], "o", color=color, markersize=2)
    ax.set(xlim=(-1, 1), ylim=(-1, 1), xticks=[-1, 0, 1], yticks=[-1, 0, 1], aspect="equal")


# --- real digits ----------------------------------------------------------------------------------------


def small_digits():
    """Return X, shape (196, 5000), and Y, shape (1, 5000): the MNIST digits of `data.mnist`, sorted by label.

    Each image of 28 by 28 pixels is shrunk to 14 by 14, the means of 2 by 2 blocks, from 0 to 1.
    """
    digits = data.mnist()
    images = np.concatenate([digits.train_images, digits.test_images])
    labels = np.concatenate([digits.train_labels, digits.test_labels], axis=1)
    order = np.argsort(labels[0], kind="stable")
    blocks = images.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4))
    return blocks.reshape(len(images), -1)[order].T / 255, labels[:, order]


def nearest_neighbour(X, Y):
    """Return the `predict` of the classifier that answers with the label of the nearest training example."""
    model = KNeighborsClassifier(1).fit(X.T, Y[0])
    return lambda X: model.predict(X.T)[None, :]


def draw_error_tables(axes, units, sizes, train_errors, dev_errors):
    """Draw two tables side by side, a row per number of units and a column per number of examples; dark is high."""
    for ax, errors, name in ((axes[0], train_errors, "training error"), (axes[1], dev_errors, "dev error")):
        ax.imshow(errors, cmap="Blues", vmin=0, vmax=0.8, aspect="auto")
        for (row, column), value in np.ndenumerate(errors):
            ax.text(column, row, f"{value:.2f}", ha="center", va="center", color="white" if value > 0.45 else "black")
        ax.set(xticks=range(len(sizes)), xticklabels=sizes, yticks=range(len(units)), yticklabels=units)
        ax.set(xlabel="training examples m", title=name)
    axes[0].set_ylabel("hidden units")


# --- runs to diagnose -------------------------------------------------------------------------------------------------

FAULTS = (
    Fault(
        "the network is too small",
        "the training error is far above 0 and not far below the dev error, and 300 more steps change little",
        "a bigger network",
    ),
    Fault(
        "there are too few examples",
        "the training error is near 0, and the dev error is far above it but falls with every further example",
        "more data",
    ),
    Fault(
        "the training stopped too early",
        "the training error is well above 0, and 300 more steps lower it to a small part",
        "train longer",
    ),
    Fault(
        "labels and examples are not in the same order",
        "the dev error stays at that of guessing among ten digits, 0.9, however many examples there are",
        "look at some examples together with their labels",
    ),
    Fault(
        "the dev set shares its examples with the training set",
        "the dev error is as low as the training error, and the test error is far above both",
        "split anew, so that each example is in one set",
    ),
)
CURVE = (50, 200, 800)  # training examples of the learning curves
PARTS = (800, 600, 600)


def sick_run(rng, train_dev_test_split, train_network, which=None):
    """Train on digits with one of `FAULTS` planted, on more and more examples, and return the `Run`.

    Parameters
    ----------
    rng : Generator
    train_dev_test_split : callable
        The learner's.
    train_network : callable
        ``train_network(X, Y, units, steps)`` returns a ``predict``; the lesson's.
    which : int, optional
        The fault; by default `rng` chooses.
    """
    which = int(rng.integers(len(FAULTS))) if which is None else which
    X, Y = small_digits()
    some = rng.permutation(X.shape[1])[: sum(PARTS)]
    X, Y, X_dev, Y_dev, X_test, Y_test = train_dev_test_split(X[:, some], Y[:, some], PARTS, rng)
    units, steps = (3 if which == 0 else 24), (15 if which == 2 else 900)
    if which == 3:
        Y = rng.permutation(Y, axis=1)
    if which == 4:
        X_dev, Y_dev = X[:, : PARTS[1]], Y[:, : PARTS[1]]

    def errors(m, steps):
        predict = train_network(X[:, :m], Y[:, :m], units, steps)
        sets = ((X[:, :m], Y[:, :m]), (X_dev[:, :m], Y_dev[:, :m]) if which == 4 else (X_dev, Y_dev), (X_test, Y_test))
        return [float(np.mean(predict(inputs) != labels)) for inputs, labels in sets]

    train, dev, test = np.array([errors(m, steps) for m in CURVE]).T
    longer = errors(CURVE[-1], steps + 300)[0]
    words = (
        f"With {', '.join(map(str, CURVE))} examples the training error is {_listed(train)}, "
        f"the dev error {_listed(dev)}. "
        f"With the last number of examples, 300 more steps give a training error of {longer:.3f}. "
        f"The test error there, asked for this diagnosis only, is {test[-1]:.3f}."
    )
    figure, ax = plt.subplots(figsize=(5, 2.8))
    ax.plot(CURVE, train, "-o", color=GREEN, label="training error")
    ax.plot(CURVE, dev, "--s", color=RED, label="dev error")
    ax.plot(CURVE[-1:], test[-1:], "^", color="black", label="test error")
    ax.set(xscale="log", xticks=CURVE, xticklabels=CURVE, ylim=(-0.03, 1), xlabel="training examples", title="errors")
    ax.minorticks_off()
    ax.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    plt.close(figure)
    return Run(figure, words, FAULTS, which)


def _listed(errors):
    return ", ".join(f"{error:.3f}" for error in errors)


# --- the picture: capacity and data -----------------------------------------------------------------------------------

DEGREES = range(13)
SIZES = (15, 20, 30, 50, 100, 200, 500, 1000)
DEV, TEST = 400, 100
LOW, HIGH = 0.02, 20.0  # the range of errors that is drawn


class CapacityAndData(LiveFigure):
    """A polynomial fit and both error curves, for a degree and a number of examples; see `capacity_and_data`."""

    def __init__(self, fit_polynomial, train_dev_test_split, diagnose):
        self._fit_polynomial, self._split, self._diagnose = fit_polynomial, train_dev_test_split, diagnose
        figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 3.4), layout="none")
        figure.subplots_adjust(left=0.07, right=0.98, bottom=0.15, top=0.9, wspace=0.2)
        self._x = np.linspace(-1, 1, 201)[None, :]
        left.plot(self._x[0], curve(self._x)[0], "--", color="gray", linewidth=1.2, label="true curve")
        self._dots = left.plot([], [], "o", color=BLUE, markersize=3, animated=True, label="training examples")[0]
        self._fit = left.plot([], [], color="black", animated=True, label="fit")[0]
        left.set(xlim=(-1.03, 1.03), ylim=(-2.4, 3.1), xlabel="x", title="y")
        left.legend(loc="upper left", ncols=3, fontsize=8, columnspacing=1, handlelength=1.5)
        right.axhline(NOISE**2, color="gray", linestyle="--", linewidth=1)
        right.text(-0.35, NOISE**2 * 1.07, "noise", color="gray", fontsize=8)
        self._train = right.plot([], [], "-o", color=GREEN, markersize=3, animated=True, label="training error")[0]
        self._dev = right.plot([], [], "--s", color=RED, markersize=3, animated=True, label="dev error")[0]
        self._here = right.plot([], [], color="black", linewidth=1, animated=True)[0]
        right.set(xlim=(-0.5, 12.5), ylim=(LOW, HIGH), yscale="log", xlabel="degree", title="squared error")
        right.legend(loc="upper left", fontsize=8)
        super().__init__(
            figure,
            self._show,
            degree=ipywidgets.IntSlider(value=3, min=0, max=12, description="degree"),
            m=ipywidgets.SelectionSlider(value=20, options=SIZES, description="training examples"),
            number=ipywidgets.IntSlider(value=1, min=1, max=20, description="training set no."),
        )

    def errors(self, m, number):
        """Return the split, the fits of all degrees, and training and dev error of each, shape (2, 13)."""
        rng = np.random.default_rng(number)
        X, Y = noisy_examples(m + DEV + TEST, rng)
        parts = self._split(X, Y, (m, DEV, TEST), rng)
        X_train, Y_train, X_dev, Y_dev = parts[:4]
        fits = [self._fit_polynomial(X_train, Y_train, degree) for degree in DEGREES]
        pairs = ((X_train, Y_train), (X_dev, Y_dev))
        return parts, fits, np.array([[np.mean((fit(X) - Y) ** 2) for fit in fits] for X, Y in pairs])

    def _show(self, degree, m, number):
        (X_train, Y_train, *_), fits, (train, dev) = self.errors(m, number)
        self._dots.set_data(X_train[0], Y_train[0])
        self._fit.set_data(self._x[0], fits[degree](self._x)[0])
        self._train.set_data(DEGREES, train)
        self._dev.set_data(DEGREES, np.minimum(dev, HIGH))  # beyond the picture: at its upper edge
        self._here.set_data([degree, degree], [LOW, HIGH])
        high = f"{dev[degree]:.3f}" if dev[degree] < HIGH else f"{dev[degree]:.0f}"
        found = " and ".join(self._diagnose(float(train[degree]), float(dev[degree]), NOISE**2)) or "nothing"
        return (
            f"Degree {degree}, {m} training examples: training error {train[degree]:.3f}, dev error {high}, "
            f"noise {NOISE**2:.3f}. Your diagnose finds {found}."
        )


def capacity_and_data(fit_polynomial, train_dev_test_split, diagnose):
    """Return the picture: sliders for the degree, the number of training examples, and which training set.

    Parameters
    ----------
    fit_polynomial : callable
        That of the notebook.
    train_dev_test_split, diagnose : callable
        The learner's functions: the first makes the sets, the second says what the two errors mean.
    """
    return CapacityAndData(fit_polynomial, train_dev_test_split, diagnose)
