"""The pictures and trainings of lesson 4.5: gradients in plain and residual networks of growing depth."""

from typing import NamedTuple

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from helpers import data
from helpers.checks import sick
from helpers.plots import BLUE, GREEN, ORANGE
from helpers.widgets import LiveFigure, progress

UNITS = 64
PLAIN, RESIDUAL = "plain", "residual"


# --- data and networks ------------------------------------------------------------------------------------------------


class Digits(NamedTuple):
    """Digits as columns, from 0 to 1: ``X`` (784, m), labels ``Y`` (m,), and the same for the test set."""

    X: np.ndarray
    Y: np.ndarray
    X_test: np.ndarray
    Y_test: np.ndarray


def digits():
    """Return 4000 digits of MNIST for training and 1000 for testing, in float32: trainings take half the time."""
    split = data.mnist()
    columns = (images.reshape(len(images), -1).T.astype(np.float32) / 255 for images in split[::2])
    X, X_test = columns
    return Digits(X, split.train_labels[0], X_test, split.test_labels[0])


def draw_blocks(rng, blocks, n=UNITS, scale=1.0, last=1.0, dtype=float):
    """Return parameters of `blocks` blocks of n units: He's weights times `scale`, W2 also times `last`, biases 0."""
    spread = scale * np.sqrt(2 / n)
    return [
        {
            "W1": (rng.standard_normal((n, n)) * spread).astype(dtype), "b1": np.zeros((n, 1), dtype),
            "W2": (rng.standard_normal((n, n)) * spread * last).astype(dtype), "b2": np.zeros((n, 1), dtype),
        }
        for _ in range(blocks)
    ]  # fmt: skip


def first_activations(X, rng, n=UNITS):
    """Return the activations of a first dense layer of n ReLU units with He's weights, shape (n, m)."""
    return np.clip(rng.standard_normal((n, len(X))) * np.sqrt(2 / len(X)) @ X, 0, None)


class Network:
    """A dense layer, blocks of two dense layers each, and a softmax layer; with or without shortcuts.

    All its parameters stand in one list, ``arrays``; `costs` gives the cost of a batch and the gradients in that order.
    """

    def __init__(self, blocks, kind, seed, last=1.0):
        rng = np.random.default_rng(seed)
        self.skip = float(kind == RESIDUAL)
        first = rng.standard_normal((UNITS, 784)).astype(np.float32) * np.float32(np.sqrt(2 / 784))
        middle = draw_blocks(rng, blocks, last=last, dtype=np.float32)
        end = rng.standard_normal((10, UNITS)).astype(np.float32) * np.float32(np.sqrt(2 / UNITS))
        self.arrays = [first, np.zeros((UNITS, 1), np.float32)]
        for block in middle:
            self.arrays += block.values()
        self.arrays += [end, np.zeros((10, 1), np.float32)]

    def activations(self, X):
        """Return the inputs of all layers after the first, and the scores."""
        U, u, *inner, E, e = self.arrays
        flow = [np.clip(U @ X + u, 0, None)]
        for k in range(0, len(inner), 4):
            entry = flow[-1]
            flow.append(np.clip(inner[k] @ entry + inner[k + 1], 0, None))
            flow.append(np.clip(inner[k + 2] @ flow[-1] + inner[k + 3] + self.skip * entry, 0, None))
        return flow, E @ flow[-1] + e

    def costs(self, X, Y):
        """Return the cost of a batch, the gradients in the order of ``arrays``, and the norms of dJ/dA by block."""
        flow, scores = self.activations(X)
        m = len(Y)
        p = np.exp(scores - scores.max(axis=0))
        p /= p.sum(axis=0)
        cost = -np.mean(np.log(p[Y, range(m)] + 1e-30))
        p[Y, range(m)] -= 1
        p /= m
        found, delta, norms = [p.sum(axis=1, keepdims=True), p @ flow[-1].T], self.arrays[-2].T @ p, []
        for k in range(len(self.arrays) - 6, 1, -4):
            norms.append(float(np.linalg.norm(delta)))
            after, between, before = flow.pop(), flow.pop(), flow[-1]
            delta = np.where(after > 0, delta, 0)
            inner = np.where(between > 0, self.arrays[k + 2].T @ delta, 0)
            found += [delta.sum(axis=1, keepdims=True), delta @ between.T]
            found += [inner.sum(axis=1, keepdims=True), inner @ before.T]
            delta = self.arrays[k].T @ inner + self.skip * delta
        norms.append(float(np.linalg.norm(delta)))
        delta = np.where(flow[-1] > 0, delta, 0)
        found += [delta.sum(axis=1, keepdims=True), delta @ X.T]
        return float(cost), found[::-1], norms[::-1]

    def accuracy(self, X, Y):
        return float(np.mean(self.activations(X)[1].argmax(axis=0) == Y))


class Run(NamedTuple):
    """A training: mean cost of each epoch, and accuracy on the test set."""

    costs: list
    accuracy: float


def train(digits, blocks, kind, last=1.0, seed=0, epochs=3, learning_rate=0.01, batch=100):
    """Train a network by gradient descent with momentum (0.9) and return its `Run`."""
    network = Network(blocks, kind, seed, last)
    rng = np.random.default_rng([seed, 1])
    velocity, costs = [np.zeros_like(array) for array in network.arrays], []
    with np.errstate(all="ignore"):  # a training that diverges is one of the results
        for _ in range(epochs):
            order, total = rng.permutation(len(digits.Y)), []
            for start in range(0, len(order), batch):
                part = order[start : start + batch]
                cost, gradients, _ = network.costs(digits.X[:, part], digits.Y[part])
                total.append(cost)
                for array, v, gradient in zip(network.arrays, velocity, gradients, strict=True):
                    v *= 0.9
                    v += gradient
                    array -= learning_rate * v
            costs.append(float(np.mean(total)))
    return Run(costs, network.accuracy(digits.X_test, digits.Y_test))


def start_of_dense(blocks, last, seed):
    """Return the parameters of a residual `Network` as a list of dicts: first layer, blocks, softmax layer."""
    first, zero, *inner, end, zeros = Network(blocks, RESIDUAL, seed, last).arrays
    names = ("W1", "b1", "W2", "b2")
    middle = [dict(zip(names, inner[k : k + 4], strict=True)) for k in range(0, len(inner), 4)]
    return [{"W": first, "b": zero}, *middle, {"W": end, "b": zeros}]


def train_all(digits, depths, kinds, seeds=(0, 1, 2, 3, 4)):
    """Return ``{(name, blocks): [Run, ...]}``, one run per seed; ``kinds`` is ``{name: (kind, last)}``."""
    jobs = [(name, blocks) for name in kinds for blocks in depths]
    return {
        (name, blocks): [train(digits, blocks, *kinds[name], seed=seed) for seed in seeds]
        for name, blocks in progress(jobs, desc="training")
    }


# --- what happens at the start ----------------------------------------------------------------------------------------


def plain_pair(A, parameters):
    """Return the output of two dense ReLU layers without a shortcut, and what `plain_pair_back` needs."""
    inner = np.clip(parameters["W1"] @ A + parameters["b1"], 0, None)
    outer = np.clip(parameters["W2"] @ inner + parameters["b2"], 0, None)
    return outer, (inner > 0, outer > 0, parameters)


def plain_pair_back(dA, kept):
    """Return the gradient before two dense ReLU layers without a shortcut."""
    inner, outer, parameters = kept
    return parameters["W1"].T @ (inner * (parameters["W2"].T @ (outer * dA)))


def gradient_norms(A, blocks, forward, backward, dA):
    """Return the norm of dJ/dA before each block and after the last, for the gradient `dA` at the end.

    Parameters
    ----------
    A : ndarray, shape (n, m)
    blocks : list of dict
    forward, backward : callable
        ``forward(A, parameters)`` returns ``(A, cache)``; ``backward(dA, cache)`` dA_prev, or a tuple with it first.
    dA : ndarray, shape (n, m)

    Returns
    -------
    norms : ndarray, shape (len(blocks) + 1,)
    alike : float
        Mean cosine between the activations of different examples after the last block.
    """
    caches = []
    for parameters in blocks:
        A, cache = forward(A, parameters)
        caches.append(cache)
    norms = [np.linalg.norm(dA)]
    for cache in reversed(caches):
        dA = backward(dA, cache)
        dA = dA[0] if isinstance(dA, tuple) else dA
        norms.append(np.linalg.norm(dA))
    return np.array(norms[::-1]), mean_cosine(A)


def mean_cosine(A):
    """Return the mean cosine between different columns; 1 if all point in the same direction."""
    unit = A / np.maximum(np.linalg.norm(A, axis=0), 1e-30)
    m = A.shape[1]
    return float((np.sum(unit.sum(axis=1) ** 2) - m) / (m * (m - 1)))


# --- pictures ---------------------------------------------------------------------------------------------------------


def draw_block(ax):
    """Draw a residual block: two layers, and the shortcut that joins before the last ReLU."""
    ax.set(xlim=(0, 10), ylim=(0, 3))
    ax.set_axis_off()
    boxes = ((1.6, "W1, b1"), (3.1, "ReLU"), (4.6, "W2, b2"), (6.3, "+"), (7.5, "ReLU"))
    for x, name in boxes:
        style = "circle,pad=0.18" if name == "+" else "round,pad=0.12"
        ax.text(
            x, 1, name, ha="center", va="center", fontsize=10, bbox={"boxstyle": style, "fc": "#e8f1f8", "ec": BLUE}
        )
    ax.text(0.3, 1, "$A_{prev}$", ha="center", va="center", fontsize=11)
    ax.text(9.1, 1, "$A$", ha="center", va="center", fontsize=11)
    arrow = {"arrowstyle": "-|>", "mutation_scale": 12, "linewidth": 1.3}
    for start, end in ((0.7, 1.0), (2.2, 2.55), (3.6, 4.0), (5.2, 6.0), (6.6, 6.95), (8.05, 8.8)):
        ax.add_patch(FancyArrowPatch((start, 1), (end, 1), color="0.35", **arrow))
    path = FancyArrowPatch((0.5, 1.3), (6.25, 1.4), connectionstyle="arc3,rad=-0.32", color=ORANGE, **arrow)
    ax.add_patch(path)
    ax.text(3.3, 2.55, "shortcut: the identity, or $W_s$", ha="center", fontsize=9.5, color="#8a5a00")
    ax.text(2.75, 0.35, "$Z_1 \\to A_1$", ha="center", fontsize=9)
    ax.text(6.9, 0.35, "$Z$", ha="center", fontsize=9)
    ax.add_patch(FancyBboxPatch((1.0, 0.1), 7.05, 2.0, boxstyle="round,pad=0.05", fc="none", ec="0.8", linestyle="--"))


def draw_norms(ax, curves, title):
    """Draw gradient norms by block, on a logarithmic axis; ``curves`` is ``{label: (norms, colour, line style)}``."""
    for number, (label, (norms, color, line)) in enumerate(curves.items()):
        ax.plot(range(len(norms)), norms, line, color=color, markersize=3)
        middle = len(norms) // 2
        above = number % 2 == 0
        ax.annotate(
            label,
            (middle, norms[middle]),
            xytext=(0, 7 if above else -7),
            textcoords="offset points",
            color=color,
            ha="center" if above else "left",
            va="bottom" if above else "top",
            fontsize=9,
        )
    ax.set(yscale="log", xlabel="block (0: before the first)", ylabel="norm of dJ/dA", title=title)


def draw_final_costs(ax, runs, depths, colors):
    """Draw the training cost of the last epoch against the number of layers: a line per kind, a dot per run."""
    for name, color in colors.items():
        costs = [
            [min(run.costs[-1], 2.5) if np.isfinite(run.costs[-1]) else 2.5 for run in runs[name, b]] for b in depths
        ]
        layers = [2 * blocks + 2 for blocks in depths]
        ax.plot(layers, np.median(costs, axis=1), color=color, label=name)
        for x, dots in zip(layers, costs, strict=True):
            ax.plot([x] * len(dots), dots, "o-", color=color, markersize=4, linewidth=0.8, alpha=0.6)
    ax.set(xlabel="layers", ylabel="training cost, last epoch", ylim=(0, 2.6))
    ax.legend()


def draw_curves(ax, runs, blocks, colors):
    """Draw the median training cost of each epoch for one depth."""
    for name, color in colors.items():
        costs = np.median([run.costs for run in runs[name, blocks]], axis=0)
        ax.plot(range(1, len(costs) + 1), np.clip(np.nan_to_num(costs, nan=2.5), 0, 2.5), "o-", color=color, label=name)
    ax.set(xlabel="epoch", ylabel="training cost", title=f"{2 * blocks + 2} layers", ylim=(0, 2.6))


def depth_explorer(residual_block_forward, residual_block_backward, X):
    """Return the picture: gradient norms by block in a plain and in a residual network, for any depth and scale.

    Parameters
    ----------
    residual_block_forward, residual_block_backward : callable
        The learner's functions.
    X : ndarray, shape (784, m)
        Some digits.
    """
    figure, ax = plt.subplots(figsize=(7, 3.3))
    n, most = 32, 30
    A = first_activations(X, np.random.default_rng(0), n).astype(float)
    dA = np.random.default_rng(1).standard_normal(A.shape) / A.shape[1]
    lines = {
        kind: ax.plot([], [], mark, color=color, markersize=3, animated=True)[0]
        for kind, color, mark in ((PLAIN, BLUE, "o-"), (RESIDUAL, ORANGE, "s-"))
    }
    ax.axhline(1, color="0.6", linewidth=0.8, linestyle="--")
    ax.set(yscale="log", xlim=(-0.5, most + 0.5), ylim=(1e-9, 1e9), xlabel="block (0: before the first)")
    ax.set(ylabel="norm of dJ/dA, last one 1", title="Blue: plain. Orange: with shortcuts")

    def update(blocks, scale, last):
        made = draw_blocks(np.random.default_rng(2), blocks, n, scale, last)
        plain, alike = gradient_norms(A, made, plain_pair, plain_pair_back, dA)
        residual, alike_too = gradient_norms(A, made, residual_block_forward, residual_block_backward, dA)
        for kind, norms in ((PLAIN, plain), (RESIDUAL, residual)):
            lines[kind].set_data(range(blocks + 1), np.clip(norms / norms[-1], 1e-9, 1e9))
        return (
            f"{2 * blocks} layers, {blocks} blocks. From the last block to the first the gradient grows by the factor "
            f"{_power(plain[0] / plain[-1])} in the plain network and "
            f"{_power(residual[0] / residual[-1])} in the residual one. "
            f"Mean cosine between different digits at the end: {alike:.2f} and {alike_too:.2f}."
        )

    controls = {
        "blocks": ipywidgets.IntSlider(value=10, min=1, max=most, description="blocks"),
        "scale": ipywidgets.FloatSlider(value=1.0, min=0.4, max=1.4, step=0.1, description="scale of W1, W2"),
        "last": ipywidgets.FloatSlider(value=1.0, min=0.0, max=1.0, step=0.1, description="times, on W2"),
    }
    return LiveFigure(figure, update, **controls)


def _power(value):
    if value == 0:
        return "0"
    if 0.01 <= value < 1000:
        return f"{value:.2g}" if value < 100 else f"{value:.0f}"
    exponent = int(np.floor(np.log10(value)))
    return f"{value / 10**exponent:.1f}·10^{exponent}".replace("^-", "^−")


COLORS = {"plain": BLUE, "residual, W2 = 0": ORANGE, "residual, He": GREEN}


# --- twins of convolutions --------------------------------------------------------------------------------------------


def small_digits(seed, train=1400):
    """Return images (m, 8, 8, 1) and labels (m,) for training, and 397 others for testing: small digits in mixed order.

    Each pixel has mean 0 over the training images, and a variance of at most 1.
    """
    whole, order = data.small_digits(), np.random.default_rng(seed).permutation(1797)
    images, labels = whole.images[order].astype(np.float32)[..., None], whole.labels[0, order]
    first = images[:train]
    images = (images - first.mean(axis=0)) / (first.std(axis=0) + 0.1)
    return images[:train], labels[:train], images[1400:], labels[1400:]


def start_of_twin(rng, blocks, last=1.0, shortcuts=True, channels=(8, 16)):
    """Return the parameters of a network of convolutions as a list of dicts: stem, blocks, scores.

    All weights are He's, those of W2 times `last`; a projection has the variance 1/n. The first half of the blocks has
    channels[0] channels, the second half channels[1]; the first block of it has stride 2.
    """

    def he(*shape, scale=1.0):
        return (scale * rng.standard_normal(shape) * np.sqrt(2 / np.prod(shape[:-1]))).astype(np.float32)

    def zeros(n):
        return np.zeros((1, 1, 1, n), np.float32)

    low, high = channels
    net, before = [{"W": he(3, 3, 1, low), "b": zeros(low)}], low
    for number in range(blocks):
        n = low if number < blocks // 2 else high
        block = {"W1": he(3, 3, before, n), "b1": zeros(n), "W2": he(3, 3, n, n, scale=last), "b2": zeros(n)}
        if n != before and shortcuts:
            block["Ws"] = he(before, n, scale=np.sqrt(0.5))
        net.append(block)
        before = n
    return [*net, {"W": he(high, 10), "b": np.zeros((1, 10), np.float32)}]


def draw_twins(ax, accuracies, colors):
    """Draw test accuracies, a row of dots for each kind of network; a line marks each mean."""
    for row, (name, values) in enumerate(accuracies.items()):
        ax.plot(values, np.full(len(values), -row) + np.linspace(-0.15, 0.15, len(values)), "o", color=colors[name])
        ax.plot([np.mean(values)] * 2, [-row - 0.3, -row + 0.3], color="black", linewidth=1.5)
    ax.axvline(0.1, color="0.6", linestyle="--", linewidth=0.8)
    ax.text(0.11, 0.55, "guessing", fontsize=8.5, color="0.35")
    ax.set(yticks=range(0, -len(accuracies), -1), yticklabels=list(accuracies))
    ax.set(xlim=(0, 1), ylim=(0.2 - len(accuracies), 0.8))
    ax.set(xlabel="share of the test digits read right")


# --- runs to diagnose -------------------------------------------------------------------------------------------------

FAULTS = (
    sick.Fault(
        "W2 starts with He's weights in a deep network",
        "the gradient before the first block is many times as long as that after the last, before any training",
        "start with W2 = 0",
    ),
    sick.Fault(
        "the learning rate is too large",
        "the gradient is as long before the first block as it should be, and the cost jumps far above guessing",
        "divide the learning rate by 10 or more",
    ),
    sick.Fault(
        "the learning rate is too small",
        "gradients are as they should be, the cost hardly changes, and the weights move by next to nothing",
        "multiply the learning rate by 10 or more",
    ),
    sick.Fault(
        "labels and images are not in the same order",
        "gradients are as they should be and the weights move, and the cost stays near guessing",
        "look at some images together with their labels",
    ),
    sick.Fault(
        "W1 and W2 both start at 0",
        "the cost falls a little, but no weight inside of a block has moved: each has a factor 0 in its gradient",
        "start W1 with He's weights",
    ),
)


def sick_run(rng, residual_block_forward, residual_block_backward, which=None, blocks=12, n=32):
    """Train a dense residual network on 500 digits for 60 steps with one of `FAULTS` planted; return the `sick.Run`.

    Parameters
    ----------
    rng : Generator
    residual_block_forward, residual_block_backward : callable
        The learner's functions.
    which : int, optional
        The fault; by default `rng` chooses.
    blocks, n : int
        How many blocks, and units in each layer.
    """
    which = int(rng.integers(len(FAULTS))) if which is None else which
    whole = digits()
    chosen = rng.permutation(whole.X.shape[1])[:500]
    X, Y = whole.X[:, chosen].astype(float), whole.Y[chosen]
    Y = rng.permutation(Y) if which == 3 else Y
    rate = rng.uniform(0.03, 0.05) * {1: 500.0, 2: 1e-5}.get(which, 1.0)
    A_first = first_activations(X, rng, n)
    net = draw_blocks(rng, blocks, n, scale=0.0 if which == 4 else 1.0, last=1.0 if which == 0 else 0.0)
    end = rng.standard_normal((10, n)) * np.sqrt(1 / n)
    costs, norms = [], None
    before = [block["W1"].copy() for block in net]
    with np.errstate(all="ignore"):
        for _ in range(60):
            A, caches = A_first, []
            for block in net:
                A, cache = residual_block_forward(A, block)
                caches.append(cache)
            scores = end @ A
            p = np.exp(scores - scores.max(axis=0))
            p /= p.sum(axis=0)
            costs.append(float(-np.mean(np.log(p[Y, range(len(Y))] + 1e-30))))
            p[Y, range(len(Y))] -= 1
            dscores, dA, found = p / len(Y), end.T @ p / len(Y), []
            last = float(np.linalg.norm(dA))
            for cache in reversed(caches):
                dA, grads = residual_block_backward(dA, cache)
                found.append(grads)
            norms = norms or (float(np.linalg.norm(dA)), last)
            end = end - rate * dscores @ A.T
            pairs = zip(net, reversed(found), strict=True)
            net = [{name: V - rate * grads[f"d{name}"] for name, V in block.items()} for block, grads in pairs]
    moved = max(float(np.max(np.abs(block["W1"] - old))) for block, old in zip(net, before, strict=True))
    words = (
        f"{blocks} blocks. Before training, the gradient has the norm {norms[1]:.2g} after the last block and "
        f"{norms[0]:.2g} before the first. The cost is {costs[0]:.3g} at first, {np.nanmax(costs):.3g} at its "
        f"highest and {costs[-1]:.3g} after 60 steps; guessing costs 2.30. The largest change of a weight in W1 of a "
        f"block is {moved:.1e}."
    )
    figure, ax = plt.subplots(figsize=(5, 2.6))
    ax.plot(np.minimum(np.nan_to_num(costs, nan=6.0), 6), color=BLUE)
    ax.axhline(np.log(10), color="0.6", linestyle="--", linewidth=0.8)
    ax.set(xlabel="step", ylabel="cost (6: 6 or more)", ylim=(0, 6.2), title="A run; dashed: guessing")
    plt.close(figure)
    return sick.Run(figure, words, FAULTS, which)
