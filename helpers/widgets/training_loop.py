"""Lesson 2.10: digits in three parts, curves of runs, wrong answers, and sick runs of the learner's loop."""

from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np

from helpers import data
from helpers.checks import sick
from helpers.plots import BLUE, ORANGE


class Digits(NamedTuple):
    """Digits of 14 by 14 pixels as columns of 196 numbers from 0 to 1, and their labels as rows, in three parts."""

    X_train: np.ndarray
    labels_train: np.ndarray
    X_dev: np.ndarray
    labels_dev: np.ndarray
    X_test: np.ndarray
    labels_test: np.ndarray


def digits():
    """Return `Digits`: 3000 for training, 1000 for the choices, 1000 for the test; each pixel is a mean of four."""
    split = data.mnist()
    columns = [
        images.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(-1, 196).T / 255
        for images in (split.train_images, split.test_images)
    ]
    X, labels = columns[0], split.train_labels
    return Digits(X[:, :3000], labels[:, :3000], X[:, 3000:], labels[:, 3000:], columns[1], split.test_labels)


def new_net(n_x, n_h, C, rng):
    """Return a net before training: random weights, gamma 1, the rest 0, running mean 0 and variance 1."""
    zeros = np.zeros((n_h, 1))
    return {
        "W1": rng.standard_normal((n_h, n_x)) * np.sqrt(2 / n_x),
        "gamma": zeros + 1,
        "beta": zeros,
        "W2": rng.standard_normal((C, n_h)) * np.sqrt(1 / n_h),
        "b2": np.zeros((C, 1)),
        "mean": zeros,
        "var": zeros + 1,
    }


def draw_costs(ax, runs, per_epoch):
    """Draw the costs of runs by name, each a list per start: thin lines are starts, means over an epoch's mini-batches.

    Parameters
    ----------
    ax : Axes
    runs : dict
        ``{name: [costs of a start, ...]}``, two names.
    per_epoch : int
        Mini-batches in an epoch.
    """
    for (name, starts), color, marker in zip(runs.items(), (BLUE, ORANGE), ("o", "s"), strict=True):
        means = np.array([np.reshape(costs, (-1, per_epoch)).mean(axis=1) for costs in starts])
        epochs = np.arange(1, means.shape[1] + 1)
        ax.plot(epochs, means.T, color=color, linewidth=0.8, alpha=0.5)
        ax.plot(epochs, means.mean(axis=0), marker, color=color, linestyle="-", label=name)
    ax.set(xlabel="epoch", ylabel="mean cost of its mini-batches", xticks=epochs, ylim=(0, None))
    ax.legend()


# --- runs to diagnose -------------------------------------------------------------------------------------------------

FAULTS = (
    sick.Fault(
        "the labels belong to other digits",
        "the cost falls slowly below guessing, since some digits can be learned by heart, and new digits are right "
        "about as often as by guessing",
        "draw ten digits of a mini-batch with their labels",
    ),
    sick.Fault(
        "the learning rate is too large",
        "the weights have become many times as large, and the cost is above guessing to the end",
        "divide the learning rate by 10 or more",
    ),
    sick.Fault(
        "the learning rate is too small",
        "the cost falls very slowly, and the weights have hardly moved",
        "multiply the learning rate by 10 or more",
    ),
    sick.Fault(
        "the running averages are never moved",
        "the cost of training falls well and many new digits are wrong: the running variance is still 1, its start",
        "print the running averages after some steps: they must move towards those of the mini-batches",
    ),
    sick.Fault(
        "all weights start at 0",
        "the cost stays at guessing and the weights of the first layer are 0 to the end: no slope reaches them",
        "look at what the weights start with",
    ),
)


def sick_run(rng, train, predict, which=None):
    """Train on 1000 digits with one of `FAULTS` planted, and return the `sick.Run`.

    Parameters
    ----------
    rng : Generator
    train, predict : callable
        The learner's.
    which : int, optional
        The fault; by default `rng` chooses.
    """
    which = int(rng.integers(len(FAULTS))) if which is None else which
    part = digits()
    first = 1000 * int(rng.integers(3))
    X, labels = part.X_train[:, first : first + 1000], part.labels_train[:, first : first + 1000]
    start = new_net(len(X), 32, 10, rng)
    if which == 4:
        start |= {"W1": 0 * start["W1"], "W2": 0 * start["W2"]}
    shown = rng.permutation(labels, axis=1) if which == 0 else labels
    rate = (0.01, rng.uniform(2, 4), rng.uniform(1e-5, 3e-5), 0.01, 0.01)[which]
    net, costs = train(start, X, np.eye(10)[:, shown[0]], 6, 50, rate, rng)
    if which == 3:
        net = net | {"mean": start["mean"], "var": start["var"]}
    right = [np.mean(np.argmax(predict(net, some), axis=0) == known[0]) for some, known in ((X, shown), part[2:4])]
    epochs = np.reshape(costs, (6, -1)).mean(axis=1)
    sizes = [float(np.sqrt(np.mean(one["W1"] ** 2))) for one in (start, net)]
    words = (
        f"The mean costs of the six epochs are {', '.join(f'{cost:.3g}' for cost in epochs)}; guessing costs 2.303. "
        f"The root mean square of the first weights is {sizes[0]:.3f} at the start and {sizes[1]:.3f} at the end. The "
        f"running variance is {np.mean(net['var']):.2f} on average, its start is 1. Right of the training digits, by "
        f"the labels in training: {right[0]:.0%}, of new digits: {right[1]:.0%}, both with the running averages."
    )
    figure, (left, bars) = plt.subplots(1, 2, figsize=(7.2, 2.6))
    left.plot(np.minimum(costs, 4), color=BLUE)
    left.axhline(np.log(10), color="gray", linestyle="--", linewidth=1)
    left.set(xlabel="step", ylabel="cost (4: 4 or more)", ylim=(0, 4.1), title="cost; dashed: guessing")
    bars.bar(range(2), right, color=[BLUE, ORANGE])
    bars.set(ylim=(0, 1), title="share of right digits", xticks=range(2))
    bars.set_xticklabels(["training", "new"])
    plt.close(figure)
    return sick.Run(figure, words, FAULTS, which)
