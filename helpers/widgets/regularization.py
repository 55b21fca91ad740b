"""Lesson 2.3: digits, the picture of a border that a penalty and dropout smooth, runs to diagnose."""

from typing import NamedTuple

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap
from scipy.special import expit

from helpers import data
from helpers.checks.sick import Fault
from helpers.checks.sick import Run as SickRun
from helpers.plots import BLUE, GREEN, ORANGE
from helpers.widgets import LiveFigure, progress
from helpers.widgets.initialization import pairs_of

__all__ = [
    "Run",
    "Setting",
    "accuracy",
    "border_picture",
    "borders",
    "data_cost",
    "draw_border",
    "draw_costs",
    "draw_gains",
    "he_start",
    "noisy_arcs",
    "scores",
    "sick_run",
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


def data_cost(parameters, X, Y):
    """Return the cost (3.1) of the whole net on X (n_x, m) and Y (n_y, m), from its scores."""
    return _loss(scores(parameters, X), Y)


def train(parameters, data, lambd=0.0, keep_prob=1.0, steps=500, learning_rate=0.1, seed=0):
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


# --- figures of the measurements --------------------------------------------------------------------------------------

LAYERS = [196, 64, 32, 10]


def draw_costs(ax, costs, every=1):
    """Draw the costs on the training and on the dev digits, costs of shape (2, n), one for each `every` steps."""
    step = every * np.arange(costs.shape[1])
    for curve, name, color in zip(costs, ("training digits", "dev digits"), (BLUE, ORANGE), strict=True):
        ax.plot(step, curve, color=color)
        ax.text(step[-1] * 0.98, curve[-1] + 0.07, name, color=color, ha="right", va="bottom")
    ax.set(xlabel="step", ylabel="cost (3.1)", xlim=(0, step[-1]), ylim=(0, 3.5))


class Setting(NamedTuple):
    """What a run is made with: 0 and 1 are the plain run."""

    lambd: float = 0.0
    keep_prob: float = 1.0


def draw_gains(ax, gain, values, lowest=-6):
    """Draw the gain of each setting over the first one: a thin line per seed, an orange bar for the mean.

    Parameters
    ----------
    ax : Axes
    gain : ndarray, shape (settings, seeds)
        Row 0 is 0.
    values : sequence
        What the settings are called.
    lowest : float
        Where the axis ends; settings below are named in words.
    """
    seen = [row for row in range(len(gain)) if gain[row].min() > lowest]
    ax.plot(seen, gain[seen], "o-", color=BLUE, markersize=4, linewidth=0.6)
    for row in range(1, len(gain)):
        if row in seen:
            ax.plot([row - 0.25, row + 0.25], [gain[row].mean()] * 2, color=ORANGE, linewidth=2.5)
        else:
            text = f"mean {gain[row].mean():.0f},\nbelow the axis".replace("-", "−")
            ax.text(row, lowest + 0.3, text, ha="center", fontsize=8)
    ax.axhline(0, color="gray", linewidth=1, linestyle=":")
    ax.set_xticks(range(len(gain)), [f"{value:g}" for value in values])
    ax.set(xlim=(-0.4, len(gain) - 0.6), ylim=(lowest, 6))


# --- the border of a net in the plane ---------------------------------------------------------------------------------


class Points(NamedTuple):
    """Points in the plane, made up: columns of X (2, m), labels Y (1, m); one label in eight is wrong."""

    X_train: np.ndarray
    Y_train: np.ndarray
    X_test: np.ndarray
    Y_test: np.ndarray


def wave(x1):
    """Return the height of the true border at x1."""
    return 0.5 * np.sin(2 * x1)


def noisy_arcs(m_train=40, m_test=1000, seed=1):
    """Return made-up `Points`: label 1 above a wave, label 0 below, one label in eight swapped."""
    rng = np.random.default_rng(seed)
    parts = []
    for m in (m_train, m_test):
        X = rng.uniform(-1.5, 1.5, (2, m))
        Y = (X[1:] > wave(X[:1])) ^ (rng.random((1, m)) < 1 / 8)
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

    @property
    def train_accuracy(self):
        return self.run.train_accuracy

    @property
    def test_accuracy(self):
        return self.run.test_accuracy


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
    X, Y = points.X_train, points.Y_train[0]
    for label, color, mark in ((0, BLUE, "o"), (1, ORANGE, "^")):
        ax.plot(
            *X[:, label == Y], mark, color=color, markeredgecolor="black", markersize=5, label=f"y = {label}", **options
        )
    wrong = (X[1] > wave(X[0])) != Y
    ax.plot(*X[:, wrong], "o", color="black", fillstyle="none", markersize=11, label="wrong label", **options)
    ax.plot(SIDE, wave(SIDE), "--", color="black", linewidth=1.2, label="true border", **options)


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


# --- runs to diagnose -------------------------------------------------------------------------------------------------

FAULTS = (
    Fault(
        "the price on the weights is far too high",
        "the sum of squares falls to almost 0, and the network is wrong on most of its own training digits",
        "divide lambda by 10",
    ),
    Fault(
        "the penalty is subtracted from the gradient",
        "the sum of squares grows to more than three times its start",
        "compare your dW with the rise of the cost, as in section 3",
    ),
    Fault(
        "nothing regularises, and the training goes on too long",
        "all training digits are right, and the last dev cost is far above the lowest one",
        "add a penalty or dropout, or keep the step that is best on dev",
    ),
    Fault(
        "keep_prob is far too small",
        "the training cost jumps about and stays high, while the sum of squares hardly changes",
        "drop fewer units: keep_prob 0.8",
    ),
    Fault(
        "dropout is left on in use",
        "two passes on the same dev digits disagree on many of them",
        "drop units in training only: mode test for all other digits",
    ),
)


def sick_run(rng, backward, forward_thinned, backward_thinned, which=None):
    """Train the learner's functions on 100 digits with one of `FAULTS` planted, and return the `Run`.

    Parameters
    ----------
    rng : Generator
    backward : callable
        ``backward(X, Y, cache, lambd)``, of the cost with the penalty.
    forward_thinned, backward_thinned : callable
        ``forward_thinned(X, parameters, keep_prob, rng)`` and ``backward_thinned(X, Y, cache, keep_prob)``.
    which : int, optional
        The fault; by default `rng` chooses.
    """
    which = int(rng.integers(len(FAULTS))) if which is None else which
    digits, parameters = ten_digits(int(rng.integers(100, 200)), 100), he_start(LAYERS, int(rng.integers(1000)))
    X, Y, dev = digits.X_train, digits.Y_train, digits[2:4]
    lambd = (rng.uniform(80, 120), -rng.uniform(6, 8), 0.0, 0.0, 0.0)[which]
    keep_prob = {3: rng.uniform(0.08, 0.12), 4: rng.uniform(0.5, 0.6)}.get(which, 1.0)
    in_use = keep_prob if which == 4 else 1.0
    squares, costs, dev_costs = [], [], []
    for step in range(300):
        _, cache = forward_thinned(X, parameters, keep_prob, rng)
        thinned = keep_prob < 1
        grads = backward_thinned(X, Y, cache, keep_prob) if thinned else backward(X, Y, cache, lambd)
        costs.append(_loss(cache["Z3"], Y))
        squares.append(sum(float(np.sum(parameters[f"W{l}"] ** 2)) for l in (1, 2, 3)))
        if step % 10 == 0:
            dev_costs.append(data_cost(parameters, *dev))
        parameters = {name: p - 0.1 * grads[f"d{name}"] for name, p in parameters.items()}
    passes = [forward_thinned(dev[0], parameters, in_use, rng)[0].argmax(axis=0) for _ in range(2)]
    right = accuracy(scores(parameters, X), Y)
    words = (
        f"Sum of squared weights: {squares[0]:.0f} at the start, {squares[-1]:.3g} after 300 steps. "
        f"Training cost, mean of the last 50 steps: {np.mean(costs[-50:]):.2f}; "
        f"the whole network is right on {right:.0%} of the training digits. "
        f"Dev cost: lowest {min(dev_costs):.2f}, last {dev_costs[-1]:.2f}. "
        f"In use, two passes on the same dev digits disagree on {np.mean(passes[0] != passes[1]):.0%}."
    )
    figure, (left, middle) = plt.subplots(1, 2, figsize=(7.2, 2.6))
    left.plot(np.minimum(costs, 8), color=BLUE)
    left.plot(10 * np.arange(30), np.minimum(dev_costs, 8), "--", color=ORANGE)
    left.set(xlabel="step", ylim=(0, 8), title="cost: training; dashed: dev")
    middle.semilogy(squares, color=GREEN)
    middle.set(xlabel="step", title="sum of squared weights", ylim=(min(10, *squares), max(2000, *squares)))
    plt.close(figure)
    return SickRun(figure, words, FAULTS, which)
