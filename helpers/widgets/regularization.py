"""Lesson 2.3: training runs with a penalty or with dropout, and the picture of a border that both of them smooth."""

from typing import NamedTuple

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap
from scipy.special import expit

from helpers import data
from helpers.plots import BLUE, GREEN, ORANGE
from helpers.widgets import LiveFigure, progress
from helpers.widgets.initialization import pairs_of

__all__ = [
    "Run",
    "Setting",
    "accuracy",
    "border_picture",
    "borders",
    "cache_of",
    "choose",
    "compare",
    "draw_border",
    "draw_compared",
    "draw_costs",
    "he_start",
    "noisy_arcs",
    "scores",
    "ten_digits",
    "train",
]


class Digits(NamedTuple):
    """Digits as columns of X (196, m), and ten answers per digit, Y (10, m): 1 in the row of its label, else 0."""

    X_train: np.ndarray
    Y_train: np.ndarray
    X_dev: np.ndarray
    Y_dev: np.ndarray
    X_test: np.ndarray
    Y_test: np.ndarray


def ten_digits(seed=0, m_train=200, m_dev=1000):
    """Return `Digits` of MNIST, 14 by 14 pixels; the seed says which of 4000 are for training and which for dev.

    The test digits are the same 1000 for each seed. The mean image of the training digits is subtracted from all, and
    all are divided by one number, so that the training inputs have mean square 1.
    """
    digits = data.mnist()
    order = np.random.default_rng(seed).permutation(len(digits.train_images))
    X, Y = _columns(digits.train_images, digits.train_labels, order[: m_train + m_dev])
    X_test, Y_test = _columns(digits.test_images, digits.test_labels, slice(None))
    middle = X[:, :m_train].mean(axis=1, keepdims=True)
    size = np.sqrt(np.mean((X[:, :m_train] - middle) ** 2))
    X, X_test = (X - middle) / size, (X_test - middle) / size
    return Digits(X[:, :m_train], Y[:, :m_train], X[:, m_train:], Y[:, m_train:], X_test, Y_test)


def _columns(images, labels, chosen):
    small = images[chosen].reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)) / 255
    return small.reshape(len(small), -1).T, np.equal.outer(np.arange(10), labels[0, chosen]).astype(float)


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


def _pass(pairs, X, thin=None):
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


def scores(parameters, X):
    """Return the last scores of the whole net, without dropout, shape (n_y, m)."""
    return _pass(pairs_of(parameters), X)[2]


def accuracy(scores, Y):
    """Return the share of right answers: the sign of one output, or the largest of several.

    Parameters
    ----------
    scores : ndarray, shape (n_y, m)
        Scores; or probabilities where n_y > 1.
    Y : ndarray, shape (n_y, m)
    """
    if len(Y) == 1:
        return float(np.mean((scores > 0) == Y))
    return float(np.mean(np.argmax(scores, axis=0) == np.argmax(Y, axis=0)))


def _loss(score, Y):
    """Return the cross-entropy summed over outputs, mean over examples, from scores: no logarithm of 0 can occur."""
    return float(np.sum(np.logaddexp(0, score) - Y * score) / Y.shape[1])


def train(parameters, data, lambd=0.0, keep_prob=1.0, steps=500, learning_rate=0.1, seed=0, rescale=True, watch=None):
    """Train a ReLU net with logistic outputs by gradient descent on all training examples.

    Parameters
    ----------
    parameters : dict
        The start: ``"W1"``, ``"b1"`` to ``"WL"``, ``"bL"``; it is not changed.
    data : Digits or Points
        With ``X_train``, ``Y_train``, ``X_test`` and ``Y_test``.
    lambd, keep_prob : float
        0 and 1 switch weight decay and dropout off.
    steps : int
    learning_rate : float
    seed : int
        Of the masks.
    rescale : bool
        Whether dropout divides by keep_prob.
    watch : callable, optional
        Gets ``[(W1, b1), ...]`` before each step.

    Returns
    -------
    Run
        Its accuracies are those of the whole net, without dropout.
    """
    rng = np.random.default_rng(seed)
    X, Y = data.X_train, data.Y_train
    rate = learning_rate / X.shape[1]
    gain = 1 / keep_prob if rescale else 1
    thin = None if keep_prob == 1 else lambda shape: (rng.random(shape, dtype=np.float32) < keep_prob) * gain
    pairs, costs = [(W.copy(), b.copy()) for W, b in pairs_of(parameters)], []
    for _ in range(steps):
        if watch:
            watch(pairs)
        inputs, slopes, score = _pass(pairs, X, thin)
        costs.append(_loss(score, Y))
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
    right = [accuracy(scores(last, A), B) for A, B in ((X, Y), (data.X_test, data.Y_test))]
    return Run(costs, *right, last)


def cache_of(parameters, X):
    """Return a dict with ``"Z1"``, ``"A1"`` and so on of the whole net with three layers, and its parameters."""
    pairs = pairs_of(parameters)
    inputs, _, score = _pass(pairs, X)
    cache = dict(parameters) | {f"Z{l}": W @ A + b for l, ((W, b), A) in enumerate(zip(pairs, inputs, strict=True), 1)}
    return cache | {"A1": inputs[1], "A2": inputs[2], "A3": expit(score)}


# --- comparisons on the digits ----------------------------------------------------------------------------------------

LAYERS = [196, 64, 32, 10]


def train_and_dev_costs(digits, **options):
    """Train once and return the costs of the whole net on the training and on the dev digits before each step."""
    seen = []

    def watch(pairs):
        seen.append([_loss(_pass(pairs, X)[2], Y) for X, Y in ((digits.X_train, digits.Y_train), digits[2:4])])

    run = train(he_start(LAYERS), digits, watch=watch, **options)
    return run, np.array(seen).T


def draw_costs(ax, costs):
    """Draw the two curves of `train_and_dev_costs`; costs is (2, steps)."""
    step = np.arange(costs.shape[1])
    for curve, name, color in zip(costs, ("training digits", "dev digits"), (BLUE, ORANGE), strict=True):
        ax.plot(step, curve, color=color)
        ax.text(step[-1] * 0.98, curve[-1] + 0.07, name, color=color, ha="right", va="bottom")
    ax.set(xlabel="step", ylabel="cost (3.1)", xlim=(0, step[-1]), ylim=(0, 3.5))


class Setting(NamedTuple):
    """What a run is made with: 0 and 1 are the plain run."""

    lambd: float = 0.0
    keep_prob: float = 1.0


class Compared(NamedTuple):
    """Results of all settings and seeds, each of shape (settings, seeds): accuracies, and the cost on the test set."""

    settings: list
    train: np.ndarray
    dev: np.ndarray
    test: np.ndarray
    test_cost: np.ndarray


def compare(settings, seeds=5, m_train=200, steps=500):
    """Train one net per setting and seed, and return `Compared`.

    The seed chooses the training digits, the dev digits, the start and the masks. All settings of a seed share them.
    """
    table = np.zeros((4, len(settings), seeds))
    for seed in progress(range(seeds), desc="training"):
        digits = ten_digits(seed, m_train)
        for row, setting in enumerate(settings):
            run = train(he_start(LAYERS, seed), digits, *setting, steps=steps, seed=seed)
            dev = accuracy(scores(run.parameters, digits.X_dev), digits.Y_dev)
            cost = _loss(scores(run.parameters, digits.X_test), digits.Y_test)
            table[:, row, seed] = run.train_accuracy, dev, run.test_accuracy, cost
    return Compared(list(settings), *table)


def choose(compared, rows):
    """Return, for each seed, the row with the best dev accuracy among `rows`; the first of them if there is a tie."""
    return np.asarray(rows)[np.argmax(compared.dev[list(rows)], axis=0)]


def gains(compared, rows):
    """Return, for each seed, by how many points the run of its row beats the plain run (row 0) on the test set."""
    seeds = np.arange(compared.test.shape[1])
    return 100 * (compared.test[rows, seeds] - compared.test[0])


def draw_compared(ax, compared, name):
    """Draw the gain of each setting over the plain run on the test set: a dot per seed, a bar for the mean.

    Parameters
    ----------
    ax : Axes
    compared : Compared
        Row 0 is the plain run.
    name : str
        ``"lambd"`` or ``"keep_prob"``, which labels the settings.
    """
    lowest = -6
    for row in range(1, len(compared.settings)):
        gain = gains(compared, np.full(compared.test.shape[1], row))
        sideways = row + np.linspace(-0.18, 0.18, len(gain))
        seen = gain > lowest
        ax.plot(sideways[seen], gain[seen], "o", color=BLUE, markersize=4)
        if seen.all():
            ax.plot([row - 0.3, row + 0.3], [gain.mean()] * 2, color=ORANGE, linewidth=2.5)
        else:
            ax.text(
                row, lowest + 0.3, f"mean {gain.mean():.0f},\nbelow the axis".replace("-", "−"), ha="center", fontsize=8
            )
    ax.axhline(0, color="gray", linewidth=1, linestyle=":")
    ax.set_xticks(range(1, len(compared.settings)), [f"{getattr(s, name):g}" for s in compared.settings[1:]])
    ax.set(xlim=(0.4, len(compared.settings) - 0.4), ylim=(lowest, 6))
    ax.set_xlabel("λ" if name == "lambd" else "keep_prob")


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


LAMBDAS = (0.0, 0.03, 0.1, 0.3, 1.0, 10.0)
KEEP_PROBS = (1.0, 0.8, 0.5)
SIDE = np.linspace(-1.5, 1.5, 61)
CELLS = np.array([a.ravel() for a in np.meshgrid(SIDE, SIDE)])  # (2, 3721)


class Fit(NamedTuple):
    """A net that was trained with one setting, and its probabilities on the grid."""

    setting: Setting
    run: Run
    grid: np.ndarray


def borders(points, lambdas=LAMBDAS, keep_probs=KEEP_PROBS, steps=2000):
    """Return ``{Setting: Fit}`` for each lambda with each keep_prob: the same start, the same points."""
    fits = {}
    for setting in progress(
        [Setting(*both) for both in np.stack(np.meshgrid(lambdas, keep_probs)).reshape(2, -1).T], desc="fitting"
    ):
        run = train(he_start([2, 30, 15, 1]), points, *setting, steps=steps, learning_rate=0.2)
        fits[setting] = Fit(setting, run, expit(scores(run.parameters, CELLS)).reshape(len(SIDE), -1))
    return fits


def _draw_points(ax, points, **options):
    for label, color, mark in ((0, BLUE, "o"), (1, ORANGE, "^")):
        X = points.X_train[:, points.Y_train[0] == label]
        ax.plot(*X, mark, color=color, markeredgecolor="black", markersize=5, label=f"class {label}", **options)


def _draw_areas(ax, grid, **options):
    colors, extent = ListedColormap([ORANGE, BLUE]), (-1.5, 1.5, -1.5, 1.5)
    ax.set(xlabel="$x_1$", ylabel="$x_2$", xlim=(-1.5, 1.5), ylim=(-1.5, 1.5))
    look = {"cmap": colors, "vmin": 0, "vmax": 1, "alpha": 0.35, "extent": extent, "origin": "lower", "aspect": "auto"}
    return ax.imshow(grid < 0.5, interpolation="nearest", **look, **options)


def draw_border(ax, points, fit, title):
    """Draw the training points, and the areas that a `Fit` gives to class 0 (blue) and class 1 (orange)."""
    _draw_areas(ax, fit.grid)
    _draw_points(ax, points)
    ax.set_title(title)


def border_picture(cost, forward, points, fits):
    """Return the picture: choose lambda and keep_prob, see the border and the sizes of all weights.

    Parameters
    ----------
    cost : callable
        The learner's ``compute_cost_with_regularization(A3, Y, parameters, lambd)``.
    forward : callable
        The learner's ``forward_propagation_with_dropout(X, parameters, keep_prob, rng)``.
    points : Points
    fits : dict of Fit
        From `borders`; nothing is trained while a slider moves.
    """
    figure, (ax, weights) = plt.subplots(1, 2, figsize=(7.2, 3.5), layout="none", width_ratios=(1.15, 1))
    figure.subplots_adjust(left=0.1, right=0.985, bottom=0.14, top=0.91, wspace=0.28)
    image = _draw_areas(ax, next(iter(fits.values())).grid, animated=True)
    _draw_points(ax, points, animated=True)
    ax.set_title("border and training points", fontsize=10)
    weights.set(yscale="log", ylim=(1e-6, 10), xlim=(0, 525), xlabel="the 525 weights, the largest first")
    weights.set_title("size of each weight", fontsize=10)
    plain = np.sort(_all_weights(next(iter(fits.values())).run.parameters))[::-1]
    weights.plot(plain, color="gray", linestyle=":")
    curve = weights.plot([], [], color=GREEN, animated=True)[0]

    def update(lambd, keep_prob, network, draw):
        _, run, grid = fits[Setting(lambd, keep_prob)]
        A3 = np.clip(expit(scores(run.parameters, points.X_train)), 1e-12, 1 - 1e-12)
        thinned = ""
        if network == "thinned":
            rng = np.random.default_rng(draw)
            grid = np.reshape(forward(CELLS, run.parameters, keep_prob, rng)[0], (len(SIDE), -1))
            A3_test, _ = forward(points.X_test, run.parameters, keep_prob, rng)
            right = np.mean((A3_test > 0.5) == points.Y_test)
            thinned = f" With a new mask for each point, by your function: right on {right:.1%} of the test points."
        image.set_data(grid < 0.5)
        sizes = np.sort(_all_weights(run.parameters))[::-1]
        curve.set_data(np.arange(len(sizes)), np.maximum(sizes, 1e-7))
        total = float(cost(A3, points.Y_train, run.parameters, lambd))
        alone = float(cost(A3, points.Y_train, run.parameters, 0.0))
        return (
            f"lambda {lambd:g}, keep_prob {keep_prob:g}: the whole network is right on {run.train_accuracy:.1%} of the "
            f"40 training points and on {run.test_accuracy:.1%} of the 1000 test points.{thinned} "
            f"Your cost is {total:.3f}, of which the data "
            f"{alone:.3f}. Weights: largest {sizes[0]:.2g}, below 0.001 {np.sum(sizes < 1e-3)} of {len(sizes)}, "
            f"exactly 0 {np.sum(sizes == 0)}. Dotted: the weights without penalty and dropout."
        )

    lambdas, keep_probs = (sorted({setting[i] for setting in fits}) for i in (0, 1))
    return LiveFigure(
        figure,
        update,
        lambd=ipywidgets.SelectionSlider(options=[(f"{v:g}", v) for v in lambdas], description="lambda"),
        keep_prob=ipywidgets.SelectionSlider(
            options=[(f"{v:g}", v) for v in keep_probs[::-1]], description="keep_prob"
        ),
        network=ipywidgets.Dropdown(options=["whole", "thinned"], description="network in use"),
        draw=ipywidgets.IntSlider(min=0, max=20, description="draw of the masks"),
    )


def _all_weights(parameters):
    return np.concatenate([np.abs(parameters[f"W{l}"]).ravel() for l in (1, 2, 3)])
