"""The interactive picture of lesson 1.2: gradient descent walks on both cost surfaces at once."""

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np

from helpers.plots import ORANGE, RED, draw_surface
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
            points = walk(slopes, (w, b), learning_rate)
            path.set_data(points.T)
            end.set_data(points[-1:].T)
            w_end, b_end = points[-1]
            J = float(np.squeeze(cost(np.array([[w_end]]), b_end, X, Y)))
            ends.append(f"{name}: J = {J:.3f} at w = {w_end:.2f}, b = {b_end:.2f}")
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
