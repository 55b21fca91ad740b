"""Lesson 1.8: digits in three parts, simple rivals, figures, and runs to diagnose."""

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from scipy.special import expit

from helpers import data, plots
from helpers.checks.sick import Fault, Run
from helpers.plots import BLUE, GREEN, ORANGE, RED
from helpers.widgets import LiveFigure

# --- data -------------------------------------------------------------------------------------------------------------


def three_parts(seed=0, wrong=0.0):
    """Return ``X_train, digits_train, X_dev, digits_dev, X_new, digits_new`` of `data.small_digits`, order mixed.

    Parameters
    ----------
    seed : int
        Which digits are in which part.
    wrong : float
        The share of the training digits whose label is replaced by another one, drawn at random.

    Returns
    -------
    X_train, X_dev, X_new : ndarray, shape (64, 500), (64, 300) and (64, 997)
        One image per column; 0 is paper and 1 is ink.
    digits_train, digits_dev, digits_new : ndarray, shape (1, 500), (1, 300) and (1, 997)
        Whole numbers 0 to 9.
    """
    rng, digits = np.random.default_rng(seed), data.small_digits()
    order = rng.permutation(digits.labels.size)
    X, labels = digits.images[order].reshape(len(order), -1).T / 16, digits.labels[:, order]
    X_train, X_dev, X_new = np.split(X, (500, 800), axis=1)
    digits_train, digits_dev, digits_new = np.split(labels, (500, 800), axis=1)
    mistyped = rng.permutation(500)[: round(500 * wrong)]
    digits_train[0, mistyped] = (digits_train[0, mistyped] + rng.integers(1, 10, len(mistyped))) % 10
    return X_train, digits_train, X_dev, digits_dev, X_new, digits_new


def start(n_h, rng):
    """Return first parameters for 64 inputs, n_h hidden units and ten outputs: random weights, biases 0."""
    return {
        "W1": rng.standard_normal((n_h, 64)) * np.sqrt(2 / 64),
        "b1": np.zeros((n_h, 1)),
        "W2": rng.standard_normal((10, n_h)) / np.sqrt(n_h),
        "b2": np.zeros((10, 1)),
    }


# --- rivals -----------------------------------------------------------------------------------------------------------


def nearest_mean(X_train, digits_train, X_new):
    """Return for each column of X_new the digit whose mean training image is nearest, shape (1, m_new)."""
    means = np.stack([X_train[:, digits_train[0] == digit].mean(axis=1) for digit in range(10)], axis=1)
    return np.argmin(_distances(means, X_new), axis=0)[None, :]


def nearest_neighbours(X_train, digits_train, X_dev, digits_dev, X_new):
    """Return the digit that most of the k nearest training images have, shape (1, m_new); X_dev chooses k.

    k is the one of 1, 3, 5, 9, 15 and 25 with the lowest dev error, the smallest of equals.
    """
    counts, votes = (1, 3, 5, 9, 15, 25), []
    for X in (X_dev, X_new):
        nearest = digits_train[0][np.argsort(_distances(X_train, X), axis=0, kind="stable")]  # (m_train, m)
        votes.append([[np.sum(nearest[:k] == digit, axis=0) for digit in range(10)] for k in counts])
    on_dev, on_new = np.argmax(votes[0], axis=1), np.argmax(votes[1], axis=1)
    return on_new[np.argmin(np.mean(on_dev != digits_dev, axis=1))][None, :]


def _distances(A, B):
    """Return the squared distances of the columns of A from those of B, shape (m_A, m_B)."""
    return np.sum(A * A, axis=0)[:, None] - 2 * A.T @ B + np.sum(B * B, axis=0)


# --- figures ----------------------------------------------------------------------------------------------------------


def draw_digits(X, titles, rows=2):
    """Draw the columns of X as images of ink, with a title each, and return the figure."""
    columns = -(-X.shape[1] // rows)
    figure, axes = plt.subplots(rows, columns, figsize=(0.8 * columns, 1.1 * rows))
    plots.draw_images(axes, 1 - X.T.reshape(-1, 8, 8), titles=titles)
    for ax in np.ravel(axes):
        for image in ax.images:
            image.set(cmap="gray", clim=(0, 1))
        ax.set_axis_off()
    return figure


def draw_errors(ax, steps, train_error, dev_error):
    """Draw the errors on the training part and on the dev part against the steps, and mark the lowest dev error."""
    ax.plot(steps, train_error, color=GREEN, label="training part, its own labels")
    ax.plot(steps, dev_error, "--", color=RED, label="dev part, right labels")
    best = int(np.argmin(dev_error))
    ax.plot(steps[best], dev_error[best], "o", color=RED, markersize=8, fillstyle="none", label="lowest dev error")
    ax.set(xlabel="step", ylim=(-0.02, 0.75))


def draw_shares(ax, shares):
    """Draw shares read right, a row of dots for each name of the dict `shares`; a line marks each mean."""
    for row, (name, values) in enumerate(shares.items()):
        color = ORANGE if name == "your network" else BLUE
        ax.plot(values, np.full(len(values), -row) + np.linspace(-0.18, 0.18, len(values)), "o", color=color, alpha=0.6)
        ax.plot([np.mean(values)] * 2, [-row - 0.3, -row + 0.3], color="black", linewidth=1.5)
    ax.set(yticks=range(0, -len(shares), -1), yticklabels=list(shares), xlabel="share of the new digits read right")


def ten_outputs(parameters, X, digits):
    """Return the picture: a slider for a digit, its image, and the ten probabilities of a trained network for it.

    Parameters
    ----------
    parameters : dict
        ``"W1"``, ``"b1"``, ``"W2"``, ``"b2"``: a hidden layer of ReLU and ten logistic outputs.
    X, digits : ndarray, shape (64, m) and (1, m)
    """
    scores = parameters["W2"] @ np.maximum(parameters["W1"] @ X + parameters["b1"], 0) + parameters["b2"]
    figure, (left, right) = plt.subplots(1, 2, figsize=(6, 2.6), width_ratios=(1, 2.2))
    image = left.imshow(np.zeros((8, 8)), cmap="gray_r", vmin=0, vmax=1, animated=True)
    left.set_axis_off()
    bars = right.bar(range(10), np.zeros(10), color=BLUE, animated=True)
    right.set(xticks=range(10), ylim=(0, 1), xlabel="output", title="probability of each digit")

    def update(number):
        a = expit(scores[:, number])
        image.set_data(X[:, number].reshape(8, 8))
        for bar, height in zip(bars, a, strict=True):
            bar.set_height(height)
        first, second = np.argsort(scores[:, number])[:-3:-1]
        return (
            f"Digit number {number} is labelled {digits[0, number]} and read as {first}, with probability "
            f"{a[first]:.2f}; next comes {second} with {a[second]:.2f}. The ten probabilities add up to {a.sum():.2f}."
        )

    slider = ipywidgets.IntSlider(value=0, min=0, max=X.shape[1] - 1, description="number")
    return LiveFigure(figure, update, number=slider)


# --- runs to diagnose -------------------------------------------------------------------------------------------------

FAULTS = (
    Fault(
        "the learning rate is too large",
        "the cost leaps far above its start within the first steps, and both errors end near those of guessing",
        "divide the learning rate by 10",
    ),
    Fault(
        "the learning rate is too small",
        "the cost falls in every step, but slowly, and both errors are still high at the end",
        "multiply the learning rate by 10",
    ),
    Fault(
        "all weights are 0 at the start",
        "the hidden units are all alike, and both errors stay where guessing is",
        "draw the first weights at random",
    ),
    Fault(
        "many training labels are wrong",
        "the dev error, on right labels, is far below the training error, and rises again while that one falls",
        "look at training digits together with their labels, and stop where the dev error is lowest",
    ),
    Fault(
        "the dev digits are in another order than their labels",
        "the training error falls to near 0, and the dev error stays where guessing is",
        "look at dev digits together with their labels",
    ),
)


def sick_run(rng, train, which=None):
    """Train on digits with one of `FAULTS` planted, and return the `Run`.

    Parameters
    ----------
    rng : Generator
    train : callable
        The learner's.
    which : int, optional
        The fault; by default `rng` chooses.
    """
    which = int(rng.integers(len(FAULTS))) if which is None else which
    X_train, digits_train, X_dev, digits_dev, *_ = three_parts(int(rng.integers(1000)), 0.4 if which == 3 else 0.0)
    if which == 4:
        digits_dev = rng.permutation(digits_dev, axis=1)
    rate = (rng.uniform(2.7, 3.5), rng.uniform(0.0005, 0.001), 0.3, 0.5, 0.3)[which]
    steps, every = (1200 if which == 3 else 300), 30
    parameters = start(32, rng)
    if which == 2:
        parameters = {name: 0 * value for name, value in parameters.items()}
    Y, costs, errors = (np.arange(10)[:, None] == digits_train) * 1.0, [], []
    with np.errstate(all="ignore"):
        for step in range(0, steps + 1, every):
            errors.append([_error(parameters, X_train, digits_train), _error(parameters, X_dev, digits_dev)])
            if step < steps:
                parameters, some = train(parameters, X_train, Y, rate, every)
                costs += list(some)
    errors, at = np.array(errors), np.arange(0, steps + 1, every)
    lowest = int(np.argmin(errors[:, 1]))
    alike = np.allclose(parameters["W1"], parameters["W1"][:1])
    words = (
        f"The cost is {costs[0]:.2f} at the start, {max(costs):.2f} at its highest and {costs[-1]:.2f} after {steps} "
        f"steps. Training error: {errors[0, 0]:.0%} at the start, "
        f"{errors[-1, 0]:.0%} at the end. Dev error: {errors[0, 1]:.0%} at the start, {errors[lowest, 1]:.0%} at its "
        f"lowest, after {at[lowest]} steps, and {errors[-1, 1]:.0%} at the end. The 32 hidden units are "
        f"{'all alike' if alike else 'different'}."
    )
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 2.6))
    left.plot(costs, color=BLUE)
    left.axhline(10 * np.log(2), color="gray", linestyle="--", linewidth=1)
    left.set(xlabel="step", ylabel="J", ylim=(0, min(20.0, 1.1 * max(*costs, 7))), title="cost; dashed: all scores 0")
    right.plot(at, errors[:, 0], color=GREEN)
    right.plot(at, errors[:, 1], "--", color=RED)
    right.set(xlabel="step", ylim=(-0.02, 1), title="error; dashed: dev part")
    plt.close(figure)
    return Run(figure, words, FAULTS, which)


def _error(parameters, X, digits):
    hidden = np.maximum(parameters["W1"] @ X + parameters["b1"], 0)
    return np.mean(np.argmax(parameters["W2"] @ hidden + parameters["b2"], axis=0) != digits[0])
