"""The pictures of lesson 1.4: planar data, boundaries, and a boundary that forms while a network is trained."""

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap

from helpers.plots import BLUE, ORANGE, RED
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
