"""The pictures of lesson 1.2: gradient descent walks on both cost surfaces at once, and runs with a fault."""

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np

from helpers.checks.sick import Fault, Run
from helpers.plots import BLUE, ORANGE, RED, draw_surface
from helpers.widgets import LiveFigure

W_RANGE, B_RANGE, STEPS = (-6.0, 6.0), (-4.0, 4.0), 40


def surface(cost, X, Y, points=49):
    """Return w, b and the costs on the grid, shapes (points,), (points,) and (points, points).

    Parameters
    ----------
    cost : callable
        ``cost(w, b, X, Y)`` with w of shape (1, 1).
    X, Y : ndarray, shape (1, m)
    """
    w, b = np.linspace(*W_RANGE, points), np.linspace(*B_RANGE, points)
    return w, b, np.array([[cost(np.array([[wi]]), bi, X, Y) for wi in w] for bi in b], dtype=float)


def slopes_of_cost(cost, X, Y, h=1e-5):
    """Return a function that gives the derivatives of a cost by w and b at a point (w, b), by central differences."""

    def slopes(w, b):
        def J(w, b):
            return float(np.squeeze(cost(np.array([[w]]), b, X, Y)))

        return np.array([J(w + h, b) - J(w - h, b), J(w, b + h) - J(w, b - h)]) / (2 * h)

    return slopes


def slopes_of_propagate(propagate, X, Y):
    """Return a function that gives the derivatives by w and b at a point (w, b), from a learner's `propagate`."""

    def slopes(w, b):
        grads, _ = propagate(np.array([[w]]), b, X, Y)
        return np.array([float(np.squeeze(grads["dw"])), float(np.squeeze(grads["db"]))])

    return slopes


def walk(slopes, start, learning_rate, steps=STEPS):
    """Return the points that gradient descent visits, shape (steps + 1, 2); ``slopes(w, b)`` has shape (2,)."""
    points = [np.array(start)]
    for _ in range(steps):
        points.append(points[-1] - learning_rate * slopes(*points[-1]))
    return np.array(points)


def two_walks(squared_cost, propagate, X, Y):
    """Return the picture: sliders for the learning rate and the starting point, one walk on each surface.

    Parameters
    ----------
    squared_cost, propagate : callable
        The learner's functions; the second panel walks with the gradients of `propagate`.
    X, Y : ndarray, shape (1, m)
        Examples with one feature.
    """
    panels = [
        ("squared error", squared_cost, slopes_of_cost(squared_cost, X, Y)),
        ("cross-entropy", lambda w, b, X, Y: propagate(w, b, X, Y)[1], slopes_of_propagate(propagate, X, Y)),
    ]
    figure, axes = plt.subplots(1, 2, figsize=(7.2, 3.4), sharey=True)
    lines = []
    for ax, (name, cost, _) in zip(axes, panels, strict=True):
        draw_surface(ax, *surface(cost, X, Y))
        ax.set(xlim=W_RANGE, ylim=B_RANGE, title=name)
        path = ax.plot([], [], "-o", color=ORANGE, markersize=3, linewidth=1.2, animated=True)[0]
        lines.append((path, ax.plot([], [], "s", color=RED, markersize=7, animated=True)[0]))
    axes[1].set_ylabel("")

    def update(learning_rate, w, b):
        ends = []
        for (path, end), (name, cost, slopes) in zip(lines, panels, strict=True):
            with np.errstate(all="ignore"):  # far out a prediction is rounded to 0 or 1, and log(0) is infinite
                points = walk(slopes, (w, b), learning_rate)
                w_end, b_end = points[-1]
                J = float(np.squeeze(cost(np.array([[w_end]]), b_end, X, Y)))
            path.set_data(points.T)
            end.set_data(points[-1:].T)
            height = f"J = {J:.3f}" if np.isfinite(J) else "J needs the logarithm of 0, as a prediction is rounded,"
            ends.append(f"{name}: {height} at w = {w_end:.2f}, b = {b_end:.2f}")
        return f"After {STEPS} steps (red square). {'; '.join(ends)}."

    return LiveFigure(
        figure,
        update,
        learning_rate=ipywidgets.FloatLogSlider(
            value=1.0, base=10, min=-2, max=1.5, step=0.05, description="learning rate α", readout_format=".2f"
        ),
        w=ipywidgets.FloatSlider(value=-4.0, min=W_RANGE[0], max=W_RANGE[1], step=0.1, description="start at w"),
        b=ipywidgets.FloatSlider(value=2.0, min=B_RANGE[0], max=B_RANGE[1], step=0.1, description="start at b"),
    )


FAULTS = (
    Fault(
        "the learning rate is too large",
        "the cost rises in some steps and falls in others: the walk jumps across the valley",
        "divide the learning rate by 10",
    ),
    Fault(
        "the learning rate is too small",
        "the cost falls in every step, but by little, and dw is nearly as large at the end as at the start",
        "multiply the learning rate by 10",
    ),
    Fault(
        "the steps go uphill, with the wrong sign",
        "the cost rises in every step",
        "compare the sign of dz with a measured slope",
    ),
    Fault(
        "one feature is in much larger units than the others",
        "in the first step one entry of dw is a hundred times as large as the others: no rate suits all weights",
        "bring all features to the same spread",
    ),
    Fault(
        "labels and examples are not in the same order",
        "the cost settles close to that of guessing, ln 2: dw is almost 0, and hardly more than half are right",
        "look at some examples together with their labels",
    ),
)


def sick_run(rng, propagate, steps=60, which=None):
    """Train on new data with one of `FAULTS` planted, and return the `Run`.

    Parameters
    ----------
    rng : Generator
    propagate : callable
        The learner's.
    steps : int
    which : int, optional
        The fault; by default `rng` chooses.
    """
    which = int(rng.integers(len(FAULTS))) if which is None else which
    w_true = rng.choice([-1, 1], size=(3, 1)) * rng.uniform(1, 2, size=(3, 1))
    sets = []
    for m in (400, 400):
        X = rng.normal(size=(3, m))
        sets.append((X, (rng.random((1, m)) < 1 / (1 + np.exp(-(w_true.T @ X)))).astype(int)))
    (X, Y), (X_new, Y_new) = sets
    rate = (rng.uniform(20, 30), rng.uniform(0.001, 0.002), -rng.uniform(0.02, 0.05), 1e-6, rng.uniform(0.5, 1))[which]
    if which == 3:
        unit = np.ones((3, 1))
        unit[rng.integers(3)] = rng.uniform(1000, 2000)
        X, X_new = unit * X, unit * X_new
    if which == 4:
        Y = rng.permutation(Y, axis=1)
    w, b, costs, slopes = np.zeros((3, 1)), 0.0, [], []
    with np.errstate(all="ignore"):
        for _ in range(steps):
            grads, J = propagate(w, b, X, Y)
            costs.append(float(J))
            slopes.append(np.abs(np.ravel(grads["dw"])))
            w, b = w - rate * grads["dw"], b - rate * grads["db"]
    first, last = slopes[0], slopes[-1]
    right = [float(np.mean((w.T @ one + b > 0) == label)) for one, label in ((X, Y), (X_new, Y_new))]
    words = (
        f"The cost is {costs[0]:.3f} at the start and {costs[-1]:.3f} after {steps} steps; it rose in "
        f"{np.sum(np.diff(costs) > 0)} of them. The sizes of the entries of dw at the start: "
        f"{_listed(first)}; at the end: {_listed(last)}. Right: {right[0]:.0%} of the training examples, "
        f"{right[1]:.0%} of new ones."
    )
    figure, (left, bars) = plt.subplots(1, 2, figsize=(7.2, 2.6))
    left.plot(costs, color=BLUE)
    left.axhline(np.log(2), color="gray", linestyle="--", linewidth=1)
    left.set(xlabel="step", ylabel="J", title="cost; dashed: guessing")
    bars.bar(np.arange(3) - 0.2, first, 0.4, color=ORANGE)
    bars.bar(np.arange(3) + 0.2, last, 0.4, color=BLUE, hatch="//")
    bars.set(
        yscale="log",
        title="sizes in dw: first step, hatched: last",
        xticks=range(3),
        xticklabels=["dw[0]", "dw[1]", "dw[2]"],
    )
    plt.close(figure)
    return Run(figure, words, FAULTS, which)


def _listed(slopes):
    return ", ".join(f"{slope:.2g}" for slope in slopes)
