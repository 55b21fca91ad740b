"""The pictures of lesson 1.4: planar data, boundaries, and a boundary that forms while a network is trained."""

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap

from helpers.checks.sick import Fault, Run
from helpers.plots import BLUE, GREEN, ORANGE, RED
from helpers.widgets import LiveFigure, progress

_SIDES = ListedColormap([BLUE, ORANGE])
#: The steps whose parameters are kept for the interactive picture.
STEPS = tuple(range(0, 2001, 50))
SIZES, RATES = (1, 2, 3, 5, 20), (0.1, 1.2, 8.0)


# --- planar data ------------------------------------------------------------------------------------------------------


def flower(m, rng):
    """Return X (2, m) and Y (1, m): six petals around the centre, 1 and 0 in turn; the petals overlap a little."""
    petal = rng.integers(6, size=m)
    radius = 2 * np.sqrt(rng.uniform(0.04, 1, m))
    angle = 2 * np.pi * (petal + 0.34 * rng.standard_normal(m)) / 6
    return np.array([radius * np.cos(angle), radius * np.sin(angle)]), (petal % 2)[None, :]


def moons(m, rng):
    """Return X (2, m) and Y (1, m): two half circles that reach into each other."""
    Y = rng.integers(2, size=m)
    angle, side = np.pi * rng.random(m), 1 - 2 * Y
    X = np.array([side * np.cos(angle) + 0.5 * Y - 0.25, side * np.sin(angle) + 0.5 * Y - 0.25])
    return 1.3 * X + 0.2 * rng.standard_normal((2, m)), Y[None, :]


def spirals(m, rng):
    """Return X (2, m) and Y (1, m): two arms that wind once around the centre."""
    Y, turn = rng.integers(2, size=m), np.sqrt(rng.random(m))
    angle = 2 * np.pi * turn + np.pi * Y
    X = 0.2 + 1.8 * turn * np.array([np.cos(angle), np.sin(angle)])
    return X + 0.1 * rng.standard_normal((2, m)), Y[None, :]


def blobs(m, rng):
    """Return X (2, m) and Y (1, m): four clouds in the corners of a square, opposite ones alike."""
    corner = rng.integers(4, size=m)
    centre = np.array([[1.2, -1.2, -1.2, 1.2], [1.2, 1.2, -1.2, -1.2]])[:, corner]
    return centre + 0.5 * rng.standard_normal((2, m)), (corner % 2)[None, :]


PLANAR = {"flower": flower, "moons": moons, "spirals": spirals, "blobs": blobs}


# --- drawing ----------------------------------------------------------------------------------------------------------


def draw_points(ax, X, Y, **options):
    """Draw the examples: class 0 as blue dots, class 1 as orange squares; return the two lines."""
    lines = []
    for label, color, mark in ((0, BLUE, "o"), (1, ORANGE, "s")):
        chosen = X[:, Y[0] == label]
        style = {"color": color, "markersize": 4, "markeredgecolor": "white", "markeredgewidth": 0.4} | options
        lines += ax.plot(chosen[0], chosen[1], mark, label=f"y = {label}", **style)
    ax.set(xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
    return lines


def grid(X, points=60, margin=0.3):
    """Return points that cover the plane around the examples, shape (2, points²), and the borders (l, r, b, t)."""
    low, high = X.min(axis=1) - margin, X.max(axis=1) + margin
    first, second = np.meshgrid(np.linspace(low[0], high[0], points), np.linspace(low[1], high[1], points))
    return np.array([first.ravel(), second.ravel()]), (low[0], high[0], low[1], high[1])


def draw_boundary(ax, predict, X, Y, points=120):
    """Colour the plane by what ``predict(X)`` says, shape (1, m), and draw the examples on it."""
    plane, extent = grid(X, points)
    sides = np.reshape(np.asarray(predict(plane), dtype=float), (points, points))
    ax.imshow(sides, extent=extent, origin="lower", cmap=_SIDES, vmin=0, vmax=1, alpha=0.3, interpolation="nearest")
    draw_points(ax, X, Y)


def draw_legend(figure):
    """Say below a figure which mark is which label, off the data."""
    marks = [
        plt.Line2D([], [], linestyle="", marker=mark, color=color, label=f"y = {label}; shaded: predicted")
        for label, color, mark in ((0, BLUE, "o"), (1, ORANGE, "s"))
    ]
    figure.legend(handles=marks, loc="outside lower center", ncols=2, fontsize=8)


def draw_network(ax, sizes=(2, 4, 1)):
    """Draw the units of a network in columns, each connected with all of the column before."""
    places = [[(2.2 * layer, k - (n - 1) / 2) for k in range(n)][::-1] for layer, n in enumerate(sizes)]
    for before, after in zip(places, places[1:], strict=False):
        for start in before:
            for end in after:
                ax.plot(*zip(start, end, strict=True), color="gray", linewidth=0.8, zorder=1)
    names = ("x_{}", "a^{{[1]}}_{}", r"a^{{[2]}}")
    for column, name, color in zip(places, names, ("white", "#CFE6F5", "#FBE3B5"), strict=True):
        for k, (x, y) in enumerate(column, start=1):
            ax.add_patch(plt.Circle((x, y), 0.42, facecolor=color, edgecolor="black", zorder=2))
            ax.text(x, y, f"${name.format(k)}$", ha="center", va="center", fontsize=8.5, zorder=3)
    for layer, words in enumerate(("input\n$n_x$ = 2", "hidden\n$n_h$ = 4, tanh", "output\n$n_y$ = 1, σ")):
        ax.text(2.2 * layer, 2.15, words, ha="center", va="bottom", fontsize=9)
    ax.set(xlim=(-0.8, 5.2), ylim=(-2.1, 3.1), aspect="equal")
    ax.set_axis_off()


# --- the interactive picture ------------------------------------------------------------------------------------------


def snapshots(functions, X, Y, n_h, learning_rate, seed=3):
    """Train one network and return ``[(parameters, cost)]`` at each of `STEPS`.

    Parameters
    ----------
    functions : tuple of callable
        The learner's `initialize_parameters`, `forward_propagation`, `compute_cost`, `backward_propagation` and
        `update_parameters`.
    X, Y : ndarray, shape (n_x, m) and (n_y, m)
    n_h : int
    learning_rate : float
    seed : int
        Of the generator that draws the first weights.
    """
    initialize, forward, cost, backward, update = functions
    parameters = initialize(len(X), n_h, len(Y), np.random.default_rng(seed))
    kept = []
    with np.errstate(all="ignore"):
        for step in range(STEPS[-1] + 1):
            A2, cache = forward(X, parameters)
            if step in STEPS:
                kept.append((parameters, float(cost(A2, Y))))
            parameters = update(parameters, backward(parameters, cache, X, Y), learning_rate)
    return kept


def boundary(functions, X, Y, sizes=SIZES, rates=RATES):
    """Return the picture: the boundary and the cost of a network, for a hidden size, a learning rate, and a step.

    All networks are trained here, before the picture shows; moving a control only looks up and draws.

    Parameters
    ----------
    functions : tuple of callable
        As in `snapshots`.
    X : ndarray, shape (2, m)
    Y : ndarray, shape (1, m)
    sizes, rates : tuple
        The hidden sizes and the learning rates to choose from.
    """
    forward = functions[1]
    choices = [(n_h, rate) for n_h in sizes for rate in rates]
    trained = {(n_h, rate): snapshots(functions, X, Y, n_h, rate) for n_h, rate in progress(choices, desc="training")}
    plane, extent = grid(X)
    side = round(plane.shape[1] ** 0.5)

    figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 3.4))
    look = {"cmap": _SIDES, "vmin": 0, "vmax": 1, "alpha": 0.35, "interpolation": "nearest", "animated": True}
    image = left.imshow(np.zeros((side, side)), extent=extent, origin="lower", **look)
    draw_points(left, X, Y, animated=True)
    left.set_title("what the network predicts")
    right.set(xlabel="step", ylabel="J", xlim=(-60, STEPS[-1] + 60), ylim=(0.2, 0.9), title="its cost so far")
    right.axhline(np.log(2), color="gray", linestyle="--", linewidth=1)
    right.annotate("guessing: ln 2", (STEPS[-1], np.log(2) + 0.015), color="gray", ha="right")
    curve = right.plot([], [], color="black", animated=True)[0]
    here = right.plot([], [], "s", color=RED, markersize=7, animated=True)[0]

    def update(n_h, learning_rate, step):
        kept = trained[n_h, learning_rate]
        place = STEPS.index(step)
        parameters, cost = kept[place]
        image.set_data((np.reshape(forward(plane, parameters)[0], (side, side)) > 0.5) * 1.0)
        costs = [J for _, J in kept[: place + 1]]
        curve.set_data(STEPS[: place + 1], costs)
        here.set_data([step], [min(cost, 0.9)])
        right_now = np.mean((forward(X, parameters)[0] > 0.5) == (Y == 1))
        return (
            f"{n_h} hidden unit{'s' if n_h > 1 else ''}, learning rate {learning_rate}, after {step} steps: "
            f"J = {cost:.3f}, {right_now:.1%} of the training points are right."
        )

    return LiveFigure(
        figure,
        update,
        n_h=ipywidgets.SelectionSlider(options=sizes, value=sizes[-1], description="hidden units"),
        learning_rate=ipywidgets.SelectionSlider(options=rates, value=rates[1], description="learning rate α"),
        step=ipywidgets.SelectionSlider(options=STEPS, value=STEPS[-1], description="step"),
    )


# --- what each hidden unit does ---------------------------------------------------------------------------------------


def contributions(functions, X, Y, n_h=3, learning_rate=1.2, seed=3):
    """Return the picture: what each hidden unit adds to the score, and the score, at a step to choose.

    Parameters
    ----------
    functions : tuple of callable
        As in `snapshots`; the network is trained here, with the learner's functions.
    X : ndarray, shape (2, m)
    Y : ndarray, shape (1, m)
    n_h : int
    learning_rate : float
    seed : int
    """
    forward, kept = functions[1], snapshots(functions, X, Y, n_h, learning_rate, seed)
    plane, extent = grid(X, points=41)
    figure, axes = plt.subplots(1, n_h + 1, figsize=(7.2, 2.5), sharey=True, layout="constrained")
    look = {"cmap": "RdBu_r", "vmin": -6, "vmax": 6, "interpolation": "nearest", "animated": True}
    images = [ax.imshow(np.zeros((41, 41)), extent=extent, origin="lower", **look) for ax in axes]
    edge = {0: BLUE, 1: "#8A5A00"}
    for label, mark in ((0, "o"), (1, "s")):
        chosen = X[:, Y[0] == label][:, ::4]
        axes[-1].plot(*chosen, mark, color=edge[label], markersize=1.5, animated=True)
    for k, ax in enumerate(axes, start=1):
        ax.set_xlabel("$x_1$")
        ax.set_title(f"unit {k}" if k <= n_h else "sum and bias", fontsize=9)
    axes[0].set_ylabel("$x_2$")
    figure.colorbar(images[0], ax=axes, shrink=0.9, label="added to $z^{[2]}$")

    def update(step):
        parameters, cost = kept[STEPS.index(step)]
        cache = forward(plane, parameters)[1]
        for k in range(n_h):
            images[k].set_data(np.reshape(parameters["W2"][0, k] * cache["A1"][k], (41, 41)))
        images[-1].set_data(np.reshape(cache["Z2"], (41, 41)))
        weights = ", ".join(f"{w:+.2f}" for w in parameters["W2"][0])
        return f"After {step} steps: J = {cost:.3f}; the output weights of the units are {weights}."

    return LiveFigure(
        figure, update, step=ipywidgets.SelectionSlider(options=STEPS, value=STEPS[-1], description="step")
    )


# --- runs to diagnose -------------------------------------------------------------------------------------------------

FAULTS = (
    Fault(
        "the learning rate is too large",
        "the cost rises in many steps and ends above that of guessing, or jumps",
        "divide the learning rate by 10",
    ),
    Fault(
        "all hidden units start alike",
        "at the end all rows of W1 are still equal, though dW1 is not 0",
        "draw the first weights at random",
    ),
    Fault(
        "the first weights are too large",
        "at the start tanh is flat: its mean slope is far below 1",
        "draw the first weights smaller",
    ),
    Fault(
        "all first weights are 0",
        "dW1 is exactly 0 from the first step to the last",
        "print dW1 and dW2 after one step, and start at random weights",
    ),
    Fault(
        "the walk is still on the plateau of its start",
        "the cost has hardly moved from that of guessing, dW1 is tiny but not 0, and the rows of W1 differ",
        "take more steps",
    ),
)


def sick_run(rng, forward_propagation, compute_cost, backward_propagation, update_parameters, steps=200, which=None):
    """Train on a new flower with one of `FAULTS` planted, and return the `Run`.

    Parameters
    ----------
    rng : Generator
    forward_propagation, compute_cost, backward_propagation, update_parameters : callable
        The learner's.
    steps : int
    which : int, optional
        The fault; by default `rng` chooses.
    """
    which = int(rng.integers(len(FAULTS))) if which is None else which
    X, Y = flower(300, rng)
    size = (0.7, 0.0, rng.uniform(15, 25), 0.0, 0.01)[which]
    W1, W2 = size * rng.standard_normal((6, 2)), min(size, 0.7) * rng.standard_normal((1, 6))
    if which == 1:
        W1, W2 = np.tile(rng.uniform(0.3, 0.6, (1, 2)), (6, 1)), np.full((1, 6), 0.5)
    rate = (rng.uniform(60, 90), 1.0, 1.0, 1.0, 0.15)[which]
    parameters = {"W1": W1, "b1": np.zeros((6, 1)), "W2": W2, "b2": np.zeros((1, 1))}
    costs, sizes = [], []
    with np.errstate(all="ignore"):
        for step in range(steps):
            A2, cache = forward_propagation(X, parameters)
            costs.append(float(compute_cost(np.clip(A2, 1e-12, 1 - 1e-12), Y)))
            grads = backward_propagation(parameters, cache, X, Y)
            sizes.append(float(np.sqrt(np.mean(grads["dW1"] ** 2))))
            if step == 0:
                slope = float(np.mean(1 - cache["A1"] ** 2))
            parameters = update_parameters(parameters, grads, rate)
    rows = len(np.unique(np.round(parameters["W1"], 9), axis=0))
    words = (
        f"The cost is {costs[0]:.4f} at the start and {costs[-1]:.4f} after {steps} steps; it rose in "
        f"{np.sum(np.diff(costs) > 1e-9)} of them. The mean slope of tanh at the start is {slope:.2f}. The size of dW1 "
        f"is {sizes[0]:.2g} at the start and {sizes[-1]:.2g} at the end. Different rows of W1 at the end: {rows} of 6."
    )
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 2.6))
    left.plot(costs, color=BLUE)
    left.axhline(np.log(2), color="gray", linestyle="--", linewidth=1)
    left.set(xlabel="step", ylabel="J", title="cost; dashed: guessing")
    if np.ptp(costs) < 0.01:
        left.set_ylim(0.6, 0.8)
    right.plot(*W1.T, "o", color=ORANGE, label="start", fillstyle="none")
    right.plot(*parameters["W1"].T, "s", color=GREEN, markersize=4, label="end")
    right.set(xlabel="first weight", ylabel="second weight", title="rows of W1; circles: start, squares: end")
    plt.close(figure)
    return Run(figure, words, FAULTS, which)
