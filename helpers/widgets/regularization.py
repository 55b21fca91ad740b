"""Lesson 2.3: training runs with a penalty or with dropout, and the picture of a border that lambda smooths."""

from typing import NamedTuple

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from scipy.special import expit

from helpers.plots import BLUE, ORANGE
from helpers.widgets import LiveFigure, progress
from helpers.widgets.initialization import pairs_of, scaled_digits

__all__ = ["Run", "borders", "he_start", "noisy_arcs", "predict", "scaled_digits", "smooth_border", "train"]


class Run(NamedTuple):
    """A training run: costs of the data before each step, both accuracies, the last parameters."""

    costs: list
    train_accuracy: float
    test_accuracy: float
    parameters: dict


def he_start(layers_dims, seed=0):
    """Return He weights and zero biases; lesson 2 of this course derives them."""
    rng = np.random.default_rng(seed)
    start = {}
    for l in range(1, len(layers_dims)):
        fan_in = layers_dims[l - 1]
        start[f"W{l}"] = rng.normal(0, np.sqrt(2 / fan_in), (layers_dims[l], fan_in))
        start[f"b{l}"] = np.zeros((layers_dims[l], 1))
    return start


def _scores(pairs, X, thin=None):
    """Return ``(inputs of each layer, slopes of the hidden layers, last score)``; `thin` gives a layer's gains."""
    inputs, slopes = [X], []
    for W, b in pairs[:-1]:
        score = W @ inputs[-1] + b
        slope = (score > 0).astype(float)
        if thin is not None:
            slope *= thin(score.shape)
        slopes.append(slope)
        inputs.append(score * slope)
    W, b = pairs[-1]
    return inputs, slopes, W @ inputs[-1] + b


def predict(parameters, X):
    """Return the labels 0 or 1 that the whole network predicts, shape (1, m)."""
    return (_scores(pairs_of(parameters), X)[2] > 0).astype(int)


def train(parameters, data, lambd=0.0, keep_prob=1.0, steps=300, learning_rate=0.3, seed=0):
    """Train a ReLU net with a logistic output by gradient descent on all training examples.

    Parameters
    ----------
    parameters : dict
        The start: ``"W1"``, ``"b1"`` to ``"WL"``, ``"bL"``; it is not changed.
    data : Digits
        With ``X_train``, ``Y_train``, ``X_test`` and ``Y_test``.
    lambd, keep_prob : float
        0 and 1 switch weight decay and dropout off.
    steps : int
    learning_rate : float
    seed : int
        Of the masks.

    Returns
    -------
    Run
        Its accuracies are those of the whole net, without dropout.
    """
    rng = np.random.default_rng(seed)
    X, Y = data.X_train, data.Y_train
    rate = learning_rate / X.shape[1]
    thin = None if keep_prob == 1 else lambda shape: (rng.random(shape, dtype=np.float32) < keep_prob) / keep_prob
    pairs, costs = [(W.copy(), b.copy()) for W, b in pairs_of(parameters)], []
    for _ in range(steps):
        inputs, slopes, score = _scores(pairs, X, thin)
        costs.append(float(np.mean(np.logaddexp(0, score) - Y * score)))
        signal = expit(score) - Y
        for l in reversed(range(len(pairs))):
            W, b = pairs[l]
            below = W.T @ signal * slopes[l - 1] if l else None
            b -= rate * signal.sum(axis=1, keepdims=True)
            W *= 1 - rate * lambd
            W -= rate * signal @ inputs[l].T
            signal = below
    names = [f"{letter}{l + 1}" for l in range(len(pairs)) for letter in "Wb"]
    last = dict(zip(names, [array for pair in pairs for array in pair], strict=True))
    right = [np.mean(predict(last, A) == B) for A, B in ((X, Y), (data.X_test, data.Y_test))]
    return Run(costs, float(right[0]), float(right[1]), last)


# --- the border of a net in the plane ---------------------------------------------------------------------------------


class Points(NamedTuple):
    """Points in the plane, made up: columns of X (2, m), labels Y (1, m)."""

    X_train: np.ndarray
    Y_train: np.ndarray
    X_test: np.ndarray
    Y_test: np.ndarray


def noisy_arcs(m_train=40, m_test=1000, seed=1):
    """Return made-up `Points`: label 1 above a wave, label 0 below, one label in eight turned round."""
    rng = np.random.default_rng(seed)
    parts = []
    for m in (m_train, m_test):
        X = rng.uniform(-1.5, 1.5, (2, m))
        Y = (X[1:] > 0.5 * np.sin(2 * X[:1])) ^ (rng.random((1, m)) < 1 / 8)
        parts += [X, Y.astype(float)]
    return Points(*parts)


LAMBDAS = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
SIDE = np.linspace(-1.5, 1.5, 61)


class Fit(NamedTuple):
    """A net that was trained with one lambda, and its probabilities on the grid."""

    lambd: float
    run: Run
    grid: np.ndarray


def borders(points, lambdas=LAMBDAS, steps=2500):
    """Return a `Fit` for each lambda: the same start, the same points."""
    cells = np.array([a.ravel() for a in np.meshgrid(SIDE, SIDE)])
    fits = []
    for lambd in progress(lambdas, desc="fitting"):
        run = train(he_start([2, 30, 15, 1]), points, lambd=lambd, steps=steps, learning_rate=0.5)
        grid = expit(_scores(pairs_of(run.parameters), cells)[2]).reshape(len(SIDE), -1)
        fits.append(Fit(lambd, run, grid))
    return fits


def smooth_border(cost, points, fits):
    """Return the picture: a slider over lambda, the border of that fit, and what the learner's cost says of it.

    Parameters
    ----------
    cost : callable
        The learner's ``compute_cost_with_regularization(A3, Y, parameters, lambd)``.
    points : Points
    fits : list of Fit
        From `borders`; nothing is trained while the slider moves.
    """
    figure, ax = plt.subplots(figsize=(5.4, 4.2), layout="none")
    figure.subplots_adjust(left=0.12, right=0.97, bottom=0.13, top=0.95)
    image = ax.imshow(
        fits[0].grid < 0.5,
        cmap=plt.matplotlib.colors.ListedColormap([ORANGE, BLUE]),
        vmin=0,
        vmax=1,
        alpha=0.35,
        extent=(-1.5, 1.5, -1.5, 1.5),
        origin="lower",
        aspect="auto",
        animated=True,
    )
    ax.set(xlabel="$x_1$", ylabel="$x_2$")
    for label, color, mark in ((0, BLUE, "o"), (1, ORANGE, "^")):
        X = points.X_train[:, points.Y_train[0] == label]
        ax.plot(*X, mark, color=color, markeredgecolor="black", label=f"class {label}", animated=True)

    def update(fit):
        lambd, run, grid = fits[fit]
        image.set_data(grid < 0.5)
        A3 = np.clip(expit(_scores(pairs_of(run.parameters), points.X_train)[2]), 1e-12, 1 - 1e-12)
        squares = sum(np.sum(run.parameters[f"W{l}"] ** 2) for l in (1, 2, 3))
        total = float(cost(A3, points.Y_train, run.parameters, lambd))
        alone = float(cost(A3, points.Y_train, run.parameters, 0.0))
        return (
            f"lambda {lambd:g}: right on {run.train_accuracy:.1%} of the training points and {run.test_accuracy:.1%} "
            f"of the test points. Sum of the squared weights {squares:.1f}. Your cost: {total:.3f}, of which the data "
            f"{alone:.3f}. The blue area is predicted class 0, the orange one class 1."
        )

    options = [(f"{fit.lambd:g}", index) for index, fit in enumerate(fits)]
    return LiveFigure(figure, update, fit=ipywidgets.SelectionSlider(options=options, description="lambda"))
