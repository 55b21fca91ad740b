"""Pictures of lesson 1.1: one neuron fitted by hand, a network of neurons, networks that learn digits, sick curves."""

import warnings

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from helpers import data
from helpers.checks.sick import Fault, Run
from helpers.plots import BLUE, GREEN, ORANGE, RED
from helpers.widgets import LiveFigure

#: Training of the networks of the learning curves: as many steps for each, whatever the number of examples.
STEPS, BATCH, RATE = 800, 100, 0.002
#: The three networks of the learning curves, by the number of their hidden neurons.
NETWORKS = {"small": 4, "medium": 16, "large": 128}
COLORS = {"nearest mean": "gray", "small": GREEN, "medium": ORANGE, "large": BLUE}


# --- one neuron -------------------------------------------------------------------------------------------------------


def one_neuron(neuron, X, Y):
    """Return the picture: sliders for w and b, the neuron's line over the houses, and its errors as vertical lines.

    Parameters
    ----------
    neuron : callable
        The learner's ``neuron(x, w, b)``.
    X, Y : ndarray, shape (1, m)
        Sizes in square metres and prices in thousand euros.
    """

    def predict(x, w, b):
        return np.ravel(neuron(np.atleast_2d(x), np.array([[w]]), b))

    sizes = np.linspace(0, 170, 341)
    figure, ax = plt.subplots(figsize=(6, 3.4))
    ax.plot(X[0], Y[0], "o", color=BLUE, label="houses")
    ax.set(xlim=(0, 170), ylim=(-15, 560), xlabel="x, size in m²", ylabel="price in thousand €")
    line = ax.plot(sizes, sizes, color="black", animated=True)[0]
    errors = ax.vlines(X[0], Y[0], Y[0], color=RED, linewidth=1.5, animated=True)
    ax.plot([], [], color="black", label="your neuron")
    ax.plot([], [], color=RED, linewidth=1.5, label="its errors")
    ax.legend(loc="upper left")
    ax.set_title("Drag w and b until the red lines are short")

    def update(w, b):
        line.set_ydata(predict(sizes, w, b))
        y_hat = predict(X[0], w, b)
        errors.set_segments([[(x, y), (x, p)] for x, y, p in zip(X[0], Y[0], y_hat, strict=True)])
        J = np.mean((y_hat - Y[0]) ** 2)
        silent = int(np.sum(y_hat == 0))
        sentence = f"w = {w:.1f}, b = {b:.0f}: cost J = {J:.0f}, typically {np.sqrt(J):.0f} thousand € off"
        return f"{sentence}; {silent} of the {len(y_hat)} houses get the price 0." if silent else f"{sentence}."

    return LiveFigure(
        figure,
        update,
        w=ipywidgets.FloatSlider(value=1.5, min=-2, max=8, step=0.1, description="weight w", readout_format=".1f"),
        b=ipywidgets.FloatSlider(value=50, min=-400, max=400, step=5, description="bias b", readout_format=".0f"),
    )


# --- a network of neurons ---------------------------------------------------------------------------------------------


def draw_house_network(ax, dense=False):
    """Draw the network of the house price: four features, three hidden neurons, one price.

    Parameters
    ----------
    ax : Axes
    dense : bool
        Whether every feature leads to every hidden neuron, or only those that a person would expect.
    """
    columns = [
        (0.0, ["size", "bedrooms", "postal code", "wealth"]),
        (1.0, ["family\nsize", "walk-\nability", "school\nquality"]),
        (2.0, ["price ŷ"]),
    ]
    if dense:
        columns[1] = (1.0, ["?", "?", "?"])
    expected = {(0, 0), (1, 0), (2, 1), (2, 2), (3, 2)}
    places = [[(x, (len(names) - 1) / 2 - k) for k in range(len(names))] for x, names in columns]
    for before, after in zip(places[:-1], places[1:], strict=True):
        for j, start in enumerate(before):
            for k, end in enumerate(after):
                if dense or before is places[1] or (j, k) in expected:
                    ax.plot(*zip(start, end, strict=True), color="gray", linewidth=1, zorder=1)
    for (x, names), column in zip(columns, places, strict=True):
        for name, place in zip(names, column, strict=True):
            if x == 0:
                box = {"boxstyle": "round", "facecolor": "white", "edgecolor": "gray"}
                ax.text(*place, name, ha="center", va="center", fontsize=9, bbox=box, zorder=2)
            else:
                ax.scatter(*place, s=1500, facecolor="white", edgecolor=BLUE if x == 1 else ORANGE, zorder=2)
                ax.text(*place, name, ha="center", va="center", fontsize=8, zorder=3)
    ax.set(xlim=(-0.45, 2.35), ylim=(-2, 2))
    ax.set_axis_off()


# --- learning curves --------------------------------------------------------------------------------------------------


def digit_columns():
    """Return X, Y, X_test, Y_test: the digits of `helpers.data.mnist` as columns of 784 numbers from 0 to 1."""
    digits = data.mnist()
    X, X_test = (images.reshape(len(images), -1).T / 255 for images in (digits.train_images, digits.test_images))
    return X, digits.train_labels, X_test, digits.test_labels


def network(hidden, seed=0):
    """Return a ``train_and_predict(X, Y, X_test)`` that trains a network with one hidden layer of ReLU neurons.

    scikit-learn trains it (Adam, the same number of steps for any number of examples).

    Parameters
    ----------
    hidden : int
        Number of hidden neurons.
    seed : int
        For the start and the order of the examples.
    """

    def train_and_predict(X, Y, X_test):
        m = X.shape[1]
        batch = min(BATCH, m)
        epochs = STEPS // -(-m // batch)
        model = MLPClassifier(
            (hidden,), alpha=0, batch_size=batch, learning_rate_init=RATE, max_iter=epochs, n_iter_no_change=epochs,
            random_state=seed,
        )  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # it stops after the steps, as it should
            model.fit(X.T, Y[0])
        return model.predict(X_test.T)[None, :]

    return train_and_predict


def draw_learning_curves(ax, sizes, curves, spreads=None):
    """Draw accuracy against the number of training examples, one line per learner, labelled at its end.

    Parameters
    ----------
    ax : Axes
    sizes : list of int
    curves : dict
        Accuracies by the learner's name, a key of `COLORS`.
    spreads : dict, optional
        Lowest and highest accuracy by name, as a band.
    """
    for name, accuracies in curves.items():
        hidden = f", {NETWORKS[name]} hidden" if name in NETWORKS else ""
        style = "-o" if hidden else "--s"  # gray and green look alike to some
        ax.plot(sizes, accuracies, style, markersize=4, color=COLORS[name], label=name + hidden)
        if spreads is not None:
            ax.fill_between(sizes, *spreads[name], color=COLORS[name], alpha=0.2, linewidth=0)
    ax.set_xscale("log")
    ax.set_xticks(sizes, [str(n) for n in sizes])
    ax.minorticks_off()
    ax.set(xlabel="training examples (logarithmic axis)", ylabel="accuracy on 1000 test digits")
    handles, labels = ax.get_legend_handles_labels()
    ax.legend(handles[::-1], labels[::-1], loc="lower right")


# --- curves to diagnose -----------------------------------------------------------------------------------------------

FAULTS = (
    Fault(
        "it is tested on the examples that it learned from",
        "the accuracy is highest with the fewest examples and falls with more of them",
        "test on examples that it has not seen",
    ),
    Fault(
        "labels and examples are not in the same order",
        "the accuracy is that of guessing among ten digits, about 10 %, with any number of examples",
        "look at some examples together with their labels",
    ),
    Fault(
        "it learns from the same few examples every time",
        "the accuracy is well above guessing and exactly the same for each size",
        "look at how many columns the learner gets",
    ),
    Fault(
        "only ten digits are in the test set",
        "each accuracy is a whole number of tenths",
        "test on more digits",
    ),
    Fault(
        "the training examples are sorted by their label",
        "the first examples have one label only, so the accuracy starts at that of guessing and rises late",
        "mix the training examples",
    ),
)


def sick_curve(rng, learning_curve, nearest_mean, which=None):
    """Measure a learning curve with one of `FAULTS` planted, and return the `Run`.

    Parameters
    ----------
    rng : Generator
    learning_curve : callable
        The learner's.
    nearest_mean : callable
        The learner of the curve, ``nearest_mean(X, Y, X_test)``; the lesson's.
    which : int, optional
        The fault; by default `rng` chooses.
    """
    which = int(rng.integers(len(FAULTS))) if which is None else which
    X, Y, X_test, Y_test = digit_columns()
    order = rng.permutation(Y.shape[1])
    if which == 4:
        order = order[np.argsort(Y[0, order], kind="stable")]
    X, Y, sizes = X[:, order], Y[:, order], [50, 200, 1000, 4000]
    if which == 3:
        few = rng.permutation(Y_test.shape[1])[:10]
        X_test, Y_test = X_test[:, few], Y_test[:, few]
    if which == 0:
        curve = [learning_curve(X, Y, X[:, :n], Y[:, :n], [n], nearest_mean)[0] for n in sizes]
    else:
        learned = rng.permutation(Y, axis=1) if which == 1 else Y
        curve = learning_curve(X, learned, X_test, Y_test, [50] * 4 if which == 2 else sizes, nearest_mean)
    listed = ", ".join(f"{float(one):.3f}" for one in curve)
    words = (
        f"With {', '.join(map(str, sizes))} examples the accuracy is {listed}. "
        f"Different labels among the first 50 examples: {len(np.unique(Y[0, :50]))}."
    )
    figure, ax = plt.subplots(figsize=(5, 2.8))
    ax.plot(sizes, curve, "--s", color=COLORS["nearest mean"])
    ax.axhline(0.1, color="gray", linewidth=1, linestyle=":")
    ax.set(xscale="log", xticks=sizes, xticklabels=sizes, ylim=(0, 1), xlabel="training examples", ylabel="accuracy")
    ax.set_title("nearest mean; dotted: guessing")
    ax.minorticks_off()
    plt.close(figure)
    return Run(figure, words, FAULTS, which)
