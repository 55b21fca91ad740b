"""Lesson 2.7: a network with batch normalisation in groups, the picture of one unit's batch, runs with a fault."""

from typing import NamedTuple

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from scipy.special import expit

from helpers.checks import sick
from helpers.plots import BLUE, ORANGE
from helpers.widgets import LiveFigure
from helpers.widgets.activations import Digits
from helpers.widgets.initialization import scaled_digits

#: Units of the hidden layers.
UNITS = (32, 32, 32, 32)


class Functions(NamedTuple):
    """The learner's functions that a run uses: forward, either backward pass, and the update of the statistics."""

    forward: callable
    backward: callable
    update: callable


# --- the digits -------------------------------------------------------------------------------------------------------


def digits(m_train=2000):
    """Return `Digits`: 14 by 14 pixels, label 1 for 5 to 9; the training inputs have mean 0 and mean square 1."""
    return scaled_digits(m_train)


def part(digits, number, m):
    """Return `Digits` with part `number` of the training set, m digits, scaled anew; parts share no digit."""
    chosen = slice(number * m, (number + 1) * m)
    X = digits.X_train[:, chosen]
    size = np.sqrt(np.mean(X**2))
    return Digits(X / size, digits.Y_train[:, chosen], digits.X_test / size, digits.Y_test)


# --- the network ------------------------------------------------------------------------------------------------------


def new_layers(n_x, units, gamma, rng):
    """Return the hidden layers, one dict each: weights by He's rule, gamma, beta, running statistics 0 and 1."""
    layers = []
    for n in units:
        W = rng.standard_normal((n, n_x)) * np.sqrt(2 / n_x)
        column = np.zeros((n, 1))
        layers.append({"W": W, "gamma": column + gamma, "beta": column, "mean": column, "var": column + 1})
        n_x = n
    return layers


def split_groups(A, size):
    """Return A (n, m) with one row for each unit and group of `size` columns: shape (n m / size, size)."""
    return A.reshape(-1, size)


def join_groups(A, n):
    """Undo `split_groups`: return the shape (n, m)."""
    return A.reshape(n, -1)


class Settings(NamedTuple):
    """How the hidden layers of a run treat their scores; see `train`."""

    functions: Functions | None
    group: int
    momentum: float


def normalise(Z, layer, settings):
    """Return Z_tilde of a batch, in groups of examples, and the cache; update the running statistics of the layer."""
    n, times = len(Z), Z.shape[1] // settings.group
    gamma, beta = (np.repeat(layer[name], times, axis=0) for name in ("gamma", "beta"))
    rows = split_groups(Z, settings.group)
    unused = np.zeros((len(rows), 1))  # running statistics have no part in training
    Z_tilde, cache = settings.functions.forward(rows, gamma, beta, unused, unused, "train", 1e-5)
    old = (np.repeat(layer[name], times, axis=0) for name in ("mean", "var"))
    new = settings.functions.update(*old, rows, settings.momentum)
    layer["mean"], layer["var"] = (join_groups(part, n).mean(axis=1, keepdims=True) for part in new)
    return join_groups(Z_tilde, n), cache


def normalise_backward(dZ_tilde, cache, settings):
    """Return dZ, dgamma and dbeta for `normalise`."""
    n = len(dZ_tilde)
    dZ, dgamma, dbeta = settings.functions.backward(split_groups(dZ_tilde, settings.group), cache)
    return join_groups(dZ, n), *(join_groups(part, n).mean(axis=1, keepdims=True) for part in (dgamma, dbeta))


def layer_forward(layer, A_prev, settings):
    """Return the activations of a hidden layer, what goes into its ReLU, and what its way back needs."""
    Z = layer["W"] @ A_prev
    Z_tilde, cache = (Z + layer["beta"], None) if settings.functions is None else normalise(Z, layer, settings)
    return np.maximum(0, Z_tilde), Z_tilde, (A_prev, cache, Z_tilde > 0)


def layer_backward(layer, dA, saved, settings):
    """Return dA of the layer before, and the gradients by name."""
    A_prev, cache, slope = saved
    dZ_tilde = dA * slope
    if settings.functions is not None:
        dZ, dgamma, dbeta = normalise_backward(dZ_tilde, cache, settings)
    else:
        dZ, dgamma, dbeta = dZ_tilde, 0.0, np.mean(dZ_tilde, axis=1, keepdims=True)
    return layer["W"].T @ dZ, {"W": dZ @ A_prev.T / dA.shape[1], "gamma": dgamma, "beta": dbeta}


class Net(NamedTuple):
    """A trained network: its hidden layers, W and b of the output, and the learner's functions, None without them."""

    layers: list
    W: np.ndarray
    b: np.ndarray
    functions: Functions | None

    def scores(self, X, mode="test"):
        """Return the scores of the output unit, (1, m); batch normalisation in this mode."""
        A = X
        for layer in self.layers:
            Z = layer["W"] @ A
            statistics = layer["mean"], layer["var"]
            if self.functions is None:
                Z_tilde = Z + layer["beta"]
            else:
                Z_tilde, _ = self.functions.forward(Z, layer["gamma"], layer["beta"], *statistics, mode, 1e-5)
            A = np.maximum(0, Z_tilde)
        return self.W @ A + self.b

    def judge(self, X, Y, mode="test", size=None):
        """Return the mean cross-entropy and the accuracy, in batches of `size` columns as they stand (all at once)."""
        starts = range(0, X.shape[1], size or X.shape[1])
        with np.errstate(all="ignore"):  # a net may have diverged
            S = np.hstack([self.scores(X[:, i : i + (size or X.shape[1])], mode) for i in starts])
            return float(np.mean(np.logaddexp(0, S) - Y * S)), float(np.mean((S > 0) == Y))


class Run(NamedTuple):
    """A training run.

    ``costs``: of each step's mini-batch. ``activations``: at each step, the mean of the last hidden layer's.
    ``scores``: at each step, mean and standard deviation of what goes into its first ReLU. ``net``: `Net`.
    """

    costs: np.ndarray
    activations: np.ndarray
    scores: np.ndarray
    net: Net

    def epoch_cost(self, epoch, epochs=5):
        """Return the mean cost of one epoch's mini-batches, 1 for the first, -1 for the last; inf if it diverged."""
        cost = np.mean(np.array_split(self.costs, epochs)[epoch - (epoch > 0)])
        return float(cost) if np.isfinite(cost) else np.inf


def train(
    digits, functions=None, learning_rate=0.3, seed=0, epochs=5, batch_size=50, group=None, gamma=1.0, momentum=0.9,
    units=UNITS,
):  # fmt: skip
    """Train a network with ReLU in its hidden layers by mini-batch gradient descent.

    Parameters
    ----------
    digits : Digits
    functions : Functions, optional
        With them the hidden layers have batch normalisation, without them a bias.
    learning_rate : float
    seed : int
        Of the first weights and of the order of the digits: equal for all kinds of layers.
    epochs, batch_size : int
    group : int, optional
        Mean and variance are those of groups of so many examples of the mini-batch; by default of all.
    gamma : float
        What gamma starts with.
    momentum : float
        Of the running statistics.
    units : tuple of int

    Returns
    -------
    Run
    """
    X, Y = digits.X_train, digits.Y_train
    rng = np.random.default_rng(seed)
    settings = Settings(functions, group or batch_size, momentum)
    layers = new_layers(X.shape[0], units, gamma, rng)
    net = Net(layers, rng.standard_normal((1, units[-1])) * np.sqrt(2 / units[-1]), np.zeros((1, 1)), functions)
    costs, activations, scores = [], [], []
    with np.errstate(all="ignore"):  # a run may diverge
        for _ in range(epochs):
            order = rng.permutation(X.shape[1])
            for start in range(0, len(order) - batch_size + 1, batch_size):
                chosen = order[start : start + batch_size]
                net, cost, Z_tilde = _step(net, X[:, chosen], Y[:, chosen], settings, learning_rate)
                costs.append(cost)
                activations.append(np.mean(np.maximum(0, Z_tilde)))
                scores.append((Z_tilde[0].mean(), Z_tilde[0].std()))
    return Run(np.array(costs), np.array(activations), np.array(scores), net)


def _step(net, X, Y, settings, learning_rate):
    """Take one step on a mini-batch, the hidden layers in place; return the net, the cost, the last Z_tilde."""
    A, everything = X, []
    for layer in net.layers:
        A, Z_tilde, saved = layer_forward(layer, A, settings)
        everything.append(saved)
    S = net.W @ A + net.b
    dS = expit(S) - Y
    dA = net.W.T @ dS
    W = net.W - learning_rate * dS @ A.T / X.shape[1]
    b = net.b - learning_rate * dS.mean(axis=1, keepdims=True)
    for layer, saved in zip(net.layers[::-1], everything[::-1], strict=True):
        dA, gradients = layer_backward(layer, dA, saved, settings)
        layer |= {name: layer[name] - learning_rate * gradient for name, gradient in gradients.items()}
    return net._replace(W=W, b=b), float(np.mean(np.logaddexp(0, S) - Y * S)), Z_tilde


# --- the noise of a batch ---------------------------------------------------------------------------------------------


def landings(forward, z, others, m, rng, batches=300, gamma=1.0, beta=0.0):
    """Return Z_tilde of one score z in many batches, each with m - 1 random others: shape (batches,).

    Each batch is a row of one call of the learner's forward pass.
    """
    Z = np.hstack([np.full((batches, 1), z), rng.choice(others, size=(batches, m - 1))])
    column = np.ones((batches, 1))
    Z_tilde, _ = forward(Z, gamma * column, beta * column, 0 * column, column, "train", 1e-5)
    return Z_tilde[:, 0]


# --- the graph --------------------------------------------------------------------------------------------------------

_NODES = {
    "$z$": (0.0, 0.0),
    r"$\mu$": (1.0, 0.9),
    "$c$": (2.0, 0.0),
    r"$\sigma^2$": (3.0, 0.9),
    "$s$": (4.0, 0.9),
    r"$\hat z$": (5.0, 0.0),
    r"$\tilde z$": (6.4, 0.0),
    r"$\gamma$": (5.7, 0.9),
    r"$\beta$": (6.4, 0.9),
}
_EDGES = (
    ("$z$", r"$\mu$"), ("$z$", "$c$"), (r"$\mu$", "$c$"), ("$c$", r"$\sigma^2$"), ("$c$", r"$\hat z$"),
    (r"$\sigma^2$", "$s$"), ("$s$", r"$\hat z$"), (r"$\hat z$", r"$\tilde z$"), (r"$\gamma$", r"$\tilde z$"),
    (r"$\beta$", r"$\tilde z$"),
)  # fmt: skip


def draw_graph(ax):
    """Draw the nodes of batch normalisation: arrows go the way forward; blue: a number per example, orange: shared."""
    per_example = {"$z$", "$c$", r"$\hat z$", r"$\tilde z$"}
    for start, end in _EDGES:
        arrow = {"arrowstyle": "-|>", "color": "gray", "shrinkA": 15, "shrinkB": 15}
        ax.annotate("", _NODES[end], _NODES[start], arrowprops=arrow)
    for name, (x, y) in _NODES.items():
        color = BLUE if name in per_example else ORANGE
        ax.plot(x, y, "o", markersize=27, color="white", markeredgecolor=color, markeredgewidth=1.8)
        ax.text(x, y, name, ha="center", va="center", fontsize=13)
    ax.set(xlim=(-0.5, 6.9), ylim=(-0.45, 1.35))
    ax.set_axis_off()


# --- the picture ------------------------------------------------------------------------------------------------------

#: The marked example, and 400 others; scores are scale · x + shift.
MARKED = 0.8
OTHERS = np.random.default_rng(1).standard_normal(400)
SIZES = (1, 2, 3, 4, 8, 16, 32, 64, 128, 256)
EDGES = np.linspace(-6, 6, 61)
_HEIGHTS = np.random.default_rng(2).uniform(0.15, 0.85, max(SIZES))


def batch_of(m, number):
    """Return the values of batch `number`: the marked one and m - 1 others, shape (1, m)."""
    rng = np.random.default_rng(number)
    return np.hstack([[MARKED], rng.choice(OTHERS, size=m - 1)])[None, :]


def draw_batch(axes, forward, m=8, number=1, scale=2.0, shift=3.0, gamma=1.0, beta=0.0):
    """Draw the static twin of `one_unit` on two axes, before and after; return the artists."""
    scores, outputs = axes
    artists = []
    for ax, name, limits in ((scores, "score $z$", (-12, 12)), (outputs, r"output $\tilde z$", (-6, 6))):
        ax.set(xlim=limits, ylim=(0, 1), yticks=[], xticks=range(limits[0], limits[1] + 1, limits[1] // 3), xlabel=name)
        ax.spines["left"].set_visible(False)
        artists += ax.plot([], [], "o", color=BLUE, markersize=4, alpha=0.7, animated=True)
        artists += ax.plot([], [], "D", color=ORANGE, markersize=8, animated=True)
    before, after = _values(forward, m, number, scale, shift, gamma, beta)
    _place(artists, before, after)
    return artists


def _values(forward, m, number, scale, shift, gamma, beta):
    Z = scale * batch_of(m, number) + shift
    one = np.ones((1, 1))
    Z_tilde, _ = forward(Z, gamma * one, beta * one, 0 * one, one, "train", 1e-5)
    return Z[0], Z_tilde[0]


def _place(artists, before, after):
    for (dots, marked), values in ((artists[:2], before), (artists[2:], after)):
        dots.set_data(values[1:], _HEIGHTS[1 : len(values)])
        marked.set_data(values[:1], [0.5])


def number_text(x):
    """Return x with two digits, 0.00 without a sign."""
    return f"{round(float(x), 2) + 0.0:.2f}"


def one_unit(forward):
    """Return the picture: the scores of one unit before and after, and where a marked example lands in many batches.

    Parameters
    ----------
    forward : callable
        The learner's `batchnorm_forward`.
    """
    figure, axes = plt.subplots(1, 3, figsize=(8.4, 2.9), layout="none")
    figure.subplots_adjust(left=0.025, right=0.985, bottom=0.2, top=0.9, wspace=0.12)
    artists = draw_batch(axes[:2], forward)
    axes[0].set_title("one batch, before")
    axes[1].set_title("the same batch, after")
    axes[2].set(xlim=(EDGES[0], EDGES[-1]), ylim=(0, 1), yticks=[], xticks=range(-6, 7, 2))
    axes[2].set_xlabel(r"output $\tilde z$ of the diamond")
    axes[2].set_title("the diamond in 300 batches")
    axes[2].spines["left"].set_visible(False)
    bars = axes[2].stairs(np.zeros(len(EDGES) - 1), EDGES, fill=True, color=ORANGE, animated=True)

    def update(m, number, scale, shift, gamma, beta):
        before, after = _values(forward, m, number, scale, shift, gamma, beta)
        _place(artists, before, after)
        rng = np.random.default_rng(0)
        many = landings(forward, scale * MARKED + shift, scale * OTHERS + shift, m, rng, 300, gamma, beta)
        counts = np.histogram(np.clip(many, EDGES[0], EDGES[-1]), EDGES)[0]
        bars.set_data(counts / counts.max())
        return (
            f"Batch of {m}: mean {number_text(before.mean())}, standard deviation {number_text(before.std())}. After: "
            f"mean {number_text(after.mean())}, standard deviation {number_text(after.std())}. The marked example goes "
            f"from {number_text(before[0])} to {number_text(after[0])}. In 300 batches of this size it lands at "
            f"{number_text(many.mean())} on average, with a standard deviation of {number_text(many.std())}."
        )

    return LiveFigure(
        figure,
        update,
        m=ipywidgets.SelectionSlider(options=SIZES, value=8, description="batch size m"),
        number=ipywidgets.IntSlider(value=1, min=1, max=40, description="batch number"),
        scale=ipywidgets.FloatSlider(value=2.0, min=0.1, max=2.5, step=0.1, description="scale of the scores"),
        shift=ipywidgets.FloatSlider(value=3.0, min=-4, max=4, step=0.1, description="shift of the scores"),
        gamma=ipywidgets.FloatSlider(value=1.0, min=0, max=2, step=0.1, description="gamma"),
        beta=ipywidgets.FloatSlider(value=0.0, min=-2, max=2, step=0.1, description="beta"),
    )


# --- runs to diagnose -------------------------------------------------------------------------------------------------

FAULTS = (
    sick.Fault(
        "the learning rate is too large",
        "the cost of the first epoch is far above guessing, and the scores of the first layer spread without bound",
        "divide the learning rate by 10 or more",
    ),
    sick.Fault(
        "the learning rate is too small",
        "the cost hardly changes from epoch to epoch, and the scores of the first layer spread as at the start",
        "multiply the learning rate by 10 or more",
    ),
    sick.Fault(
        "the running statistics are never updated",
        "the cost of training falls well, but the running variance is still 1, its start",
        "print the running statistics after each step: they must move towards those of the batch",
    ),
    sick.Fault(
        "gamma starts at 0",
        "the cost stays at guessing and the last hidden layer gives only zeros, so no slope passes it",
        "look at what the parameters start with: gamma is 1, beta is 0",
    ),
    sick.Fault(
        "mean and variance are those of two examples",
        "the cost stays near guessing although the weights grow: the scores of the first layer spread more and more, "
        "and yet each is normalised to 1 or -1",
        "look at how many examples share a mean: take larger batches",
    ),
)


def sick_run(rng, forward, backward, update, which=None):
    """Train on 500 digits with one of `FAULTS` planted, and return the `sick.Run`.

    Parameters
    ----------
    rng : Generator
    forward, backward, update : callable
        The learner's, as in `Functions`.
    which : int, optional
        The fault; by default `rng` chooses.
    """
    which = int(rng.integers(len(FAULTS))) if which is None else which
    few, seed = part(digits(2000), int(rng.integers(4)), 500), int(rng.integers(1000))
    options = (
        {"learning_rate": rng.uniform(50, 100)},
        {"learning_rate": rng.uniform(0.0005, 0.001)},
        {},
        {"gamma": 0.0},
        {"group": 2},
    )[which]
    functions = Functions(forward, backward, (lambda mean, var, Z, momentum: (mean, var)) if which == 2 else update)
    run = train(few, functions, **{"learning_rate": 0.5, "seed": seed, "epochs": 6, "units": (16, 16)} | options)
    start = new_layers(few.X_train.shape[0], (16,), 1.0, np.random.default_rng(seed))[0]
    first = run.net.layers[0]
    before, after = (np.mean(np.var(layer["W"] @ few.X_train, axis=1)) for layer in (start, first))
    costs = [min(run.epoch_cost(epoch, 6), 1e9) for epoch in range(1, 7)]
    right = [run.net.judge(few.X_test, few.Y_test, *how)[1] for how in (("test",), ("train", 50))]
    words = (
        f"The mean costs of the six epochs are {', '.join(f'{cost:.3g}' for cost in costs)}; guessing costs 0.693. "
        f"The variance of the first layer's scores, mean over its units, is {before:.2f} at the start and {after:.2f} "
        f"at the end; the running variance is {np.mean(first['var']):.2f}. The last hidden layer gives "
        f"{run.activations[-1]:.2f} on average. Right of new digits: {right[0]:.0%} with the running statistics, "
        f"{right[1]:.0%} with those of batches of 50."
    )
    figure, (left, bars) = plt.subplots(1, 2, figsize=(7.2, 2.6))
    left.plot(np.minimum(run.costs, 2), color=BLUE)
    left.axhline(np.log(2), color="gray", linestyle="--", linewidth=1)
    left.set(xlabel="step", ylabel="J (2: 2 or more)", ylim=(0, 2.05), title="cost; dashed: guessing")
    bars.bar(range(3), [before, after, np.mean(first["var"])], color=[BLUE, BLUE, ORANGE])
    bars.set(yscale="log", title="variance of the first layer's scores", xticks=range(3))
    bars.set_xticklabels(["at the start", "at the end", "running"])
    plt.close(figure)
    return sick.Run(figure, words, FAULTS, which)
