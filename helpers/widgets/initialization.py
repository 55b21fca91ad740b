"""Lesson 2.2: activations and gradients of deep nets, the picture of histograms, starts to diagnose."""

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np

from helpers.checks.sick import Fault, Run
from helpers.plots import BLUE, GREEN, ORANGE, RED
from helpers.widgets import LiveFigure
from helpers.widgets.activations import Digits, low_or_high_digits

#: Activation of the layers, g(Z), entry by entry.
ACTIVATIONS = {"relu": lambda Z: np.where(Z > 0, Z, 0.0), "tanh": np.tanh}

# --- a net, as pairs (W, b) -------------------------------------------------------------------------------------------


def pairs_of(parameters):
    """Return ``[(W1, b1), (W2, b2), ...]`` of a dict of parameters."""
    depth = sum(name.startswith("W") for name in parameters)
    return [(np.asarray(parameters[f"W{l + 1}"]), np.asarray(parameters[f"b{l + 1}"])) for l in range(depth)]


@np.errstate(all="ignore")  # activations may explode
def all_layers(pairs, X, g):
    """Return ``[X, A1, A2, ...]``, one array for each pair more, all with the activation g."""
    arrays = [X]
    for W, b in pairs:
        arrays.append(g(W @ arrays[-1] + b))
    return arrays


def activations(X, parameters, activation):
    """Return the activations of all layers, ``[X, A1, ..., AL]``; the last layer has the same activation."""
    return all_layers(pairs_of(parameters), X, ACTIVATIONS[activation])


# --- data -------------------------------------------------------------------------------------------------------------


def scaled_digits(m_train=500):
    """Return `Digits`: 14 by 14 pixels, label 1 for 5 to 9; the training inputs have mean 0 and mean square 1."""
    digits = low_or_high_digits(m_train)
    size = np.sqrt(np.mean(digits.X_train**2))
    return Digits(digits.X_train / size, digits.Y_train, digits.X_test / size, digits.Y_test)


# --- histograms -------------------------------------------------------------------------------------------------------

#: The outermost bars count everything beyond.
EDGES = np.linspace(-2.05, 2.05, 42)
PANELS, UNITS, MOST_LAYERS = 5, 50, 20
LOWEST, HIGHEST = 1e-5, 1e5


def shares(A):
    """Return the share of the entries of A in each bar, shape (41,); what lies beyond counts in the outermost bars."""
    inside = np.clip(np.nan_to_num(A), EDGES[0], EDGES[-1])
    return np.histogram(inside, EDGES)[0] / inside.size


def _histogram_axes(ax):
    ax.set_yscale("function", functions=(lambda y: np.sqrt(np.maximum(y, 0)), np.square))  # small bars stay visible
    ax.set(xlim=(EDGES[0], EDGES[-1]), ylim=(0, 1), xticks=(-2, -1, 0, 1, 2))
    ax.set_yticks((0, 0.05, 0.25, 0.5, 1), labels=("0", "5 %", "25 %", "50 %", "100 %"), fontsize=8)
    ax.tick_params(axis="x", labelsize=8)
    ax.tick_params(axis="y", labelleft=ax.get_subplotspec().is_first_col())


def draw_histograms(axes, arrays):
    """Draw one histogram per axes, of the activations in each array; the axes of a row share their scale."""
    for ax, A in zip(axes, arrays, strict=True):
        _histogram_axes(ax)
        ax.stairs(shares(A), EDGES, fill=True, color=BLUE)


def chosen_layers(depth):
    """Return five layers, evenly spread from 1 to `depth`."""
    return np.linspace(1, depth, PANELS).round().astype(int)


def describe(name, activation, stds, last):
    """Return the sentence of the picture: sizes in the first and last layer, and what the last activations are."""
    low, high = stds[1], stds[-1]
    depth = len(stds) - 1
    sentence = (
        f"{name}, {activation}, {depth} layers: the standard deviation is {low:.2g} in layer 1 and {high:.2g} in "
        f"layer {depth}. The histograms show the layers {', '.join(map(str, chosen_layers(depth)))}."
    )
    if not np.any(last):
        return f"{sentence} All activations of the last layer are 0."
    if activation == "tanh":
        return f"{sentence} {np.mean(np.abs(last) > 0.99):.0%} of the last activations are saturated, beyond ±0.99."
    return f"{sentence} {np.mean(last == 0):.0%} of the last activations are 0."


def histograms(starts, activation_scales, X):
    """Return the picture: choose a start, its scale, the activation and the depth; see the activations layer by layer.

    Parameters
    ----------
    starts : dict
        ``{name: start}`` with ``start(layers_dims, rng, scale)``, made of the learner's functions.
    activation_scales : callable
        The learner's function.
    X : ndarray, shape (n_x, m)
        The input.
    """
    # Fixed margins: a layout that is computed again would move the axes under what is drawn over them.
    figure = plt.figure(figsize=(7.2, 3.8), layout="none")
    grid = figure.add_gridspec(2, PANELS, left=0.09, right=0.985, bottom=0.125, top=0.93, hspace=0.5, wspace=0.12)
    bars, first = [], None
    for column, title in enumerate(("layer 1", "a quarter on", "halfway", "three quarters on", "last layer")):
        ax = figure.add_subplot(grid[0, column], sharey=first)
        first = first or ax
        _histogram_axes(ax)
        ax.set_xlabel("activation a", fontsize=8, labelpad=1)
        ax.set_title(title, fontsize=9, loc="center")  # a text that moves would take as long as all else
        bars.append(ax.stairs(np.zeros(len(EDGES) - 1), EDGES, fill=True, color=BLUE, animated=True))
    first.set_ylabel("share of the entries", fontsize=9)
    ax = figure.add_subplot(grid[1, :])
    ax.set(
        yscale="log",
        ylim=(LOWEST / 10, HIGHEST * 10),
        xlim=(-0.5, MOST_LAYERS + 0.5),
        xticks=range(0, MOST_LAYERS + 1, 5),
        xlabel="layer (0 is the input)",
    )
    ax.set(ylabel="size")
    ax.axhline(1, color="gray", linestyle=":", linewidth=1)
    roots = ax.plot([], [], "--", color=GREEN, linewidth=1.4, animated=True, label="root of the mean square")[0]
    dots = ax.plot([], [], "o-", color=ORANGE, markersize=4, linewidth=1, animated=True, label="standard deviation")[0]
    beyond = ax.plot([], [], "D", color=RED, markersize=4, animated=True, label="beyond the axis, or 0")[0]
    ax.legend(loc="upper left", ncols=3, fontsize=8)

    def update(start, scale, activation, layers):
        layers_dims = [len(X)] + [UNITS] * layers
        parameters = starts[start](layers_dims, np.random.default_rng(0), scale)
        arrays = activations(X, parameters, activation)
        with np.errstate(all="ignore"):
            stds, squares = (np.array(sizes, dtype=float) for sizes in activation_scales(X, parameters, activation))
        for bar, layer in zip(bars, chosen_layers(layers), strict=True):
            bar.set_data(shares(arrays[layer]))
        at = np.arange(layers + 1)
        seen = (stds > LOWEST) & (stds < HIGHEST)
        dots.set_data(at[seen], stds[seen])
        roots.set_data(at, np.sqrt(squares))
        beyond.set_data(at[~seen], np.where(stds[~seen] < 1, LOWEST / 3, HIGHEST * 0.3))
        name = f"{start}, scale {scale:.3g}" if start == "random" else start
        return describe(name, activation, stds, arrays[-1])

    return LiveFigure(
        figure,
        update,
        start=ipywidgets.Dropdown(options=list(starts), value="random", description="start"),
        scale=ipywidgets.FloatLogSlider(
            value=0.1, base=10, min=-3, max=0.5, step=0.05, description="scale of random", readout_format=".3f"
        ),
        activation=ipywidgets.Dropdown(options=["tanh", "relu"], description="activation"),
        layers=ipywidgets.IntSlider(value=10, min=5, max=MOST_LAYERS, description="layers"),
    )


# --- starts to diagnose -----------------------------------------------------------------------------------------------

FAULTS = (
    Fault(
        "all weights start at one number",
        "each hidden layer has one kind of unit: its matrix has one different row",
        "draw the weights at random",
    ),
    Fault(
        "the weights are far too small",
        "the mean square falls by more than a factor of 10 in every layer, and the cost stays at guessing",
        "multiply the weights: standard deviation sqrt(2 / n) for ReLU",
    ),
    Fault(
        "the weights are far too large for ReLU",
        "the mean square grows by more than a factor of 10 in every layer, and the cost starts far above guessing",
        "divide the weights: standard deviation sqrt(2 / n) for ReLU",
    ),
    Fault(
        "Xavier's weights are used under ReLU",
        "the mean square falls to about half in every layer, so a thousandth is left after ten",
        "take He's weights, which are larger by the root of 2",
    ),
    Fault(
        "the tanh units are saturated",
        "the mean square is close to 1 in every hidden layer, because most activations are near -1 or 1",
        "take Xavier's weights, and look at a histogram of the activations",
    ),
)


def sick_run(rng, activation_scales, train, X, steps=40, which=None):
    """Make a start with one of `FAULTS`, measure its layers, train a little, and return the `Run`.

    Parameters
    ----------
    rng : Generator
    activation_scales, train : callable
        The learner's, and the loop of the lesson: ``train(start, activation, steps)`` returns parameters and costs.
    X : ndarray, shape (n_x, m)
        The inputs on which it trains.
    steps : int
    which : int, optional
        The fault; by default `rng` chooses.
    """
    which = int(rng.integers(len(FAULTS))) if which is None else which
    units = int(rng.integers(60, 80))
    sizes = [len(X)] + [units] * 10 + [1]
    activation = "tanh" if which == 4 else "relu"
    draw = rng.standard_normal if which else (lambda shape: np.ones(shape))
    spreads = (
        lambda n, n_prev: rng.uniform(1, 1.5) / n_prev,
        lambda n, n_prev: rng.uniform(0.1, 0.3) / np.sqrt(n_prev),
        lambda n, n_prev: rng.uniform(6, 8) / np.sqrt(n_prev),
        lambda n, n_prev: np.sqrt(2 / (n + n_prev)),
        lambda n, n_prev: rng.uniform(1, 2),
    )
    parameters = {}
    for l in range(1, len(sizes)):
        n, n_prev = sizes[l], sizes[l - 1]
        parameters |= {f"W{l}": draw((n, n_prev)) * spreads[which](n, n_prev), f"b{l}": np.zeros((n, 1))}
    hidden = {name: p for name, p in parameters.items() if name not in ("W11", "b11")}
    with np.errstate(all="ignore"):
        squares = np.array(activation_scales(X, hidden, activation)[1], dtype=float)
    rows = len(np.unique(parameters["W5"].round(8), axis=0))
    _, costs = train(parameters, activation, steps)
    listed = ", ".join(f"{square:.2g}" for square in squares[[0, 1, 2, 5, 10]])
    words = (
        f"{activation}, 10 hidden layers of {units} units. Mean squares in the layers 0, 1, 2, 5, 10: {listed}. "
        f"W5 has {rows} different rows. "
        f"The cost is {costs[0]:.3g} at the start and {costs[-1]:.3g} after {steps} steps; guessing costs 0.69."
    )
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 2.6))
    left.semilogy(np.arange(11), np.maximum(squares, 1e-300), "o-", color=BLUE, markersize=4)
    left.set(xlabel="layer", title="mean square")
    right.plot(np.minimum(costs, 5), color=ORANGE)
    right.axhline(np.log(2), color="gray", linestyle="--", linewidth=1)
    right.set(xlabel="step", ylim=(0, 5), title="cost, cut at 5; dashed: guessing")
    plt.close(figure)
    return Run(figure, words, FAULTS, which)
