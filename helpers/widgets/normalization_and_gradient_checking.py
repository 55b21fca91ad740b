"""Lesson 2.4: the wines, gradient descent in a bowl, a small network with its gradients, pictures, runs to diagnose."""

from typing import NamedTuple

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from scipy.special import expit

from helpers import data
from helpers.checks.sick import Fault, Run
from helpers.plots import BLUE, ORANGE, RED
from helpers.widgets import LiveFigure

# --- the wines --------------------------------------------------------------------------------------------------------


class Wines(NamedTuple):
    """X (13, m), Y (3, m) with a 1 in the row of the variety, for training and testing; names of the features."""

    X_train: np.ndarray
    Y_train: np.ndarray
    X_test: np.ndarray
    Y_test: np.ndarray
    names: list


def wines(seed=0, m_train=118):
    """Return `Wines` in a mixed order: the first `m_train` for training, the other 60 for testing."""
    X, labels, names = data.wines()
    order = np.random.default_rng(seed).permutation(X.shape[1])
    X, Y = X[:, order], np.eye(3)[:, labels[0, order]]
    return Wines(X[:, :m_train], Y[:, :m_train], X[:, m_train:], Y[:, m_train:], names)


def _cross_entropy(Z, Y):
    return float(np.sum(np.logaddexp(0, Z) - Y * Z)) / Z.shape[1]


# --- a network and its gradients --------------------------------------------------------------------------------------


def network_cost(parameters, X, Y):
    """Return the cost of a network: tanh in the hidden layers, logistic outputs, mean cross-entropy.

    Parameters
    ----------
    parameters : dict
        ``"W1"``, ``"b1"`` to ``"WL"``, ``"bL"``, of any depth.
    X, Y : ndarray, shape (n_x, m) and (n_y, m)

    Returns
    -------
    J : float
    """
    A, L = X, len(parameters) // 2
    for l in range(1, L + 1):
        Z = parameters[f"W{l}"] @ A + parameters[f"b{l}"]
        A = np.tanh(Z)
    return _cross_entropy(Z, Y)


def tanh_slope(A):
    """Return the derivative of tanh, written with A = tanh(Z)."""
    return 1 - A * A


def network_gradients(parameters, X, Y, slope=tanh_slope):
    """Return the gradients of `network_cost`, ``"dW1"``, ``"db1"`` and so on; `slope` is that of the hidden layers."""
    L, m = len(parameters) // 2, X.shape[1]
    inputs = [X]
    for l in range(1, L):
        inputs.append(np.tanh(parameters[f"W{l}"] @ inputs[-1] + parameters[f"b{l}"]))
    signal = expit(parameters[f"W{L}"] @ inputs[-1] + parameters[f"b{L}"]) - Y
    gradients = {}
    for l in reversed(range(1, L + 1)):
        gradients |= {f"dW{l}": signal @ inputs[l - 1].T / m, f"db{l}": signal.mean(axis=1, keepdims=True)}
        if l > 1:
            signal = parameters[f"W{l}"].T @ signal * slope(inputs[l - 1])
    return gradients


# --- the bowl ---------------------------------------------------------------------------------------------------------

#: How far from the minimum a path starts.
START = np.array([1.6, 1.2])
SHOWN_STEPS = 200
LOWER_BY = 1e-6


def two_features(highest):
    """Return made-up features, shape (2, 200): x1 evenly from 1 to `highest`, x2 from 0 to 1 in a mixed order."""
    return np.array([np.linspace(1, highest, 200), np.random.default_rng(0).permutation(np.linspace(0, 1, 200))])


def curvatures(X):
    """Return the eigenvalues, lowest first, and eigenvectors of ``X X^T / m``: the curvatures of the bowl."""
    return np.linalg.eigh(X @ X.T / X.shape[1])


def condition_number(X, bias=False):
    """Return the ratio of the largest to the smallest curvature; with `bias`, a row of ones stands for the bias."""
    values, _ = curvatures(np.vstack([X, np.ones((1, X.shape[1]))]) if bias else X)
    return float(values[-1] / values[0])


def steps_needed(X, learning_rate, offset, share=LOWER_BY):
    """Return after how many steps the cost above its minimum is below `share` of its start; None for never.

    Parameters
    ----------
    X : ndarray, shape (n_x, m)
        The features of a linear neuron without a bias, half the mean squared error.
    learning_rate : float
    offset : ndarray, shape (n_x,)
        The start minus the minimum.
    """
    values, vectors = curvatures(X)
    heights = values * (vectors.T @ offset) ** 2
    factors = (1 - learning_rate * values) ** 2

    def enough(steps):
        return heights @ factors**steps <= share * heights.sum()

    if factors.max() >= 1:
        return None
    high = 1
    while not enough(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def path(X, learning_rate, steps, offset=START):
    """Return the positions of gradient descent, counted from the minimum: shape (2, steps + 1)."""
    H, positions = X @ X.T / X.shape[1], [offset]
    for _ in range(steps):
        if np.abs(positions[-1]).max() > 1e6:
            break
        positions.append(positions[-1] - learning_rate * H @ positions[-1])
    return np.array(positions).T


def level_lines(X, count=6):
    """Return `count` lines of equal cost, each of shape (2, 181), the outermost one through the start of a path."""
    values, vectors = curvatures(X)
    angle = np.linspace(0, 2 * np.pi, 181)
    height = values @ (vectors.T @ START) ** 2
    ellipse = vectors @ (np.sqrt(height / values)[:, None] * np.array([np.cos(angle), np.sin(angle)]))
    return [ellipse * (k + 1) / count for k in range(count)]


def _axes(ax):
    ax.set(xlim=(-2.3, 2.3), ylim=(-2.3, 2.3), aspect="equal")
    ax.set(xlabel="$w_1$, from the minimum", ylabel="$w_2$, from the minimum")
    ax.plot(0, 0, "+", color="black", markersize=9)


def draw_bowl(ax, X, learning_rate, steps=SHOWN_STEPS):
    """Draw lines of equal cost of a linear neuron on features X (2, m), and a path; return its end, shape (2,)."""
    _axes(ax)
    for i, line in enumerate(level_lines(X)):
        ax.plot(*line, color=BLUE, linewidth=0.9, label="lines of equal cost" if i == 0 else None)
    positions = path(X, learning_rate, steps)
    ax.plot(*positions, color=ORANGE, linewidth=0.8, label=f"{steps} steps of gradient descent")
    ax.plot(*positions[:, :8], "o", color=ORANGE, markersize=3)
    ax.plot(*positions[:, -1], "s", color=RED, markersize=6, label="where they end")
    return positions[:, -1]


def contours(fit_normalizer, apply_normalizer):
    """Return the picture: the contours and a path, by the range of x1, the normalisation and the learning rate.

    Parameters
    ----------
    fit_normalizer, apply_normalizer : callable
        The learner's functions.
    """
    figure, ax = plt.subplots(figsize=(4.6, 4.4), layout="none")
    figure.subplots_adjust(left=0.15, right=0.97, bottom=0.13, top=0.97)
    _axes(ax)
    lines = [ax.plot([], [], color=BLUE, linewidth=0.9, animated=True)[0] for _ in range(6)]
    trail = ax.plot([], [], "o-", color=ORANGE, markersize=3.5, linewidth=1, animated=True)[0]

    def prepared(features, highest):
        X = two_features(highest)
        if features == "raw":
            return X
        mu, sigma = fit_normalizer(X)
        return apply_normalizer(X, mu, sigma if features == "normalised" else np.ones_like(sigma))

    def update(highest, features, rate):
        X = prepared(features, highest)
        learning_rate = rate * 2 / curvatures(X)[0][-1]
        for line, points in zip(lines, level_lines(X), strict=True):
            line.set_data(*points)
        trail.set_data(*path(X, learning_rate, SHOWN_STEPS))
        needed = steps_needed(X, learning_rate, START)
        after = f"it needs {needed} steps" if needed else "no number of steps is enough: the rate is above the limit"
        return (
            f"x1 from 1 to {highest:.0f}, x2 from 0 to 1, {features}: condition number {condition_number(X):.4g}. "
            f"Learning rate {learning_rate:.3g}. To bring the cost to a millionth, {after}. "
            f"The path shows the first {SHOWN_STEPS} steps."
        )

    return LiveFigure(
        figure,
        update,
        highest=ipywidgets.FloatLogSlider(
            value=100, base=10, min=0.4, max=2, step=0.1, description="highest x1", readout_format=".0f"
        ),
        features=ipywidgets.Dropdown(options=["raw", "centred", "normalised"], description="features"),
        rate=ipywidgets.FloatSlider(
            value=0.95, min=0.05, max=1.05, step=0.05, description="rate, of the limit", readout_format=".2f"
        ),
    )


# --- runs to diagnose -------------------------------------------------------------------------------------------------

FAULTS = (
    Fault(
        "the features are not normalised",
        "the spreads of the training features differ by a factor of more than a hundred, and the cost falls by little",
        "normalise them with the statistics of the training set",
    ),
    Fault(
        "the test set is normalised with its own statistics",
        "the test features have exactly mean 0, and the test wines get wrong answers though the training wines do not",
        "use mu and sigma of the training set for the test set",
    ),
    Fault(
        "labels and wines are not in the same order",
        "rate, spreads and gradient are as they should be, and still a quarter or more of the training wines are wrong",
        "look at some wines together with their labels",
    ),
    Fault(
        "the gradient is wrong in one row",
        "the gradient check gives a difference far above one in a million",
        "look at the row of dW whose slopes do not agree",
    ),
    Fault(
        "the learning rate is too small",
        "the rate is below a hundredth of the limit, and the cost falls in every step, but by little",
        "multiply the rate by 10",
    ),
)


def sick_run(rng, fit_normalizer, apply_normalizer, steps=60, which=None):
    """Train three neurons on the wines with one of `FAULTS` planted, and return the `Run`.

    Parameters
    ----------
    rng : Generator
    fit_normalizer, apply_normalizer : callable
        The learner's.
    steps : int
    which : int, optional
        The fault; by default `rng` chooses.
    """
    which = int(rng.integers(len(FAULTS))) if which is None else which
    split = wines(int(rng.integers(1000)))
    X, X_test, Y_test = split.X_train, split.X_test, split.Y_test
    if which == 1:
        chosen = Y_test[rng.integers(3)] == 1
        X_test, Y_test = X_test[:, chosen], Y_test[:, chosen]
    statistics = fit_normalizer(X)
    if which:
        X_test = apply_normalizer(X_test, *(fit_normalizer(X_test) if which == 1 else statistics))
        X = apply_normalizer(X, *statistics)
    limit = 8 / curvatures(np.vstack([X, np.ones((1, X.shape[1]))]))[0][-1]
    share = rng.uniform(0.002, 0.004) if which == 4 else rng.uniform(0.4, 0.6)
    Y = rng.permutation(split.Y_train, axis=1) if which == 2 else split.Y_train
    W, b, costs = np.zeros((3, len(X))), np.zeros((3, 1)), []
    row = int(rng.integers(3))
    for step in range(steps):
        Z = W @ X + b
        costs.append(_cross_entropy(Z, Y))
        dZ = expit(Z) - Y
        dW, db = dZ @ X.T / X.shape[1], dZ.mean(axis=1, keepdims=True)
        if which == 3:
            dW[row] = -dW[row]
        if step == 0:
            measured = _slopes(lambda W, b=b: _cross_entropy(W @ X + b, Y), W, limit)
            apart = np.linalg.norm(dW - measured) / (np.linalg.norm(dW) + np.linalg.norm(measured))
        W, b = W - share * limit * dW, b - share * limit * db
    right = [
        float(np.mean(np.argmax(W @ inputs + b, axis=0) == np.argmax(labels, axis=0)))
        for inputs, labels in ((X, Y), (X_test, Y_test))
    ]
    spreads = X.std(axis=1)
    words = (
        f"Spreads of the training features: from {spreads.min():.2g} to {spreads.max():.2g}; "
        f"largest mean of a test feature: {np.abs(X_test.mean(axis=1)).max():.2g}. "
        f"The rate is {share:.2g} times the limit. The cost is {costs[0]:.3g} at the start and {costs[-1]:.3g} "
        f"after {steps} steps; it rose in {np.sum(np.diff(costs) > 0)} of them. "
        f"Right: {right[0]:.0%} of the training wines, {right[1]:.0%} of the {X_test.shape[1]} test wines. "
        f"Gradient check of dW at the start: {apart:.0e}."
    )
    figure, (left, bars) = plt.subplots(1, 2, figsize=(7.2, 2.6))
    left.plot(costs, color=BLUE)
    left.set(xlabel="step", ylabel="J", title="cost on the training wines")
    bars.bar(["training", "test"], right, color=[BLUE, ORANGE])
    bars.set(ylim=(0, 1), title="share of right answers")
    plt.close(figure)
    return Run(figure, words, FAULTS, which)


def _slopes(cost, W, limit):
    """Return the two-sided slopes of a cost by each entry of W, with a step that suits the features' units."""
    epsilon, found = 1e-5 * np.sqrt(limit), np.zeros(W.shape)
    for index in np.ndindex(W.shape):
        step = np.zeros(W.shape)
        step[index] = epsilon
        found[index] = (cost(W + step) - cost(W - step)) / (2 * epsilon)
    return found
