"""The pictures of lesson 1.3: a function linked with its slope, digits to train on, and runs with a fault."""

from typing import NamedTuple

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from scipy.special import expit

from helpers import data
from helpers.checks.sick import Fault, Run
from helpers.plots import BLUE, GREEN, ORANGE, RED
from helpers.widgets import LiveFigure

Z_RANGE, MOST_LAYERS = (-10.0, 10.0), 20
#: The smallest gradient that the picture shows as it is; smaller ones are marked at the bottom.
FLOOR = 1e-30


def gradients_below(slope, layers):
    """Return what is left of a gradient 1 after 0, 1, ... `layers` layers that each multiply it by `slope`.

    Parameters
    ----------
    slope : float
    layers : int

    Returns
    -------
    gradients : ndarray, shape (layers + 1,)
    """
    return float(slope) ** np.arange(layers + 1)


def describe(name, value, slope, corner, z, layers):
    """Return the sentence of the picture: value and slope at z, and the gradient that is left after the layers."""
    sentence = f"{name} at z = {z:.1f}: the value is {value:.4g}, the slope is {slope:.3g}"
    if corner:
        sentence += " (a corner: the slope jumps here, this is what your function says)"
    left = gradients_below(slope, layers)[-1]
    ways = f"{layers} layer{'s' if layers > 1 else ''} with this slope"
    if left == 0:
        return f"{sentence}. Nothing of a gradient is left after {ways}."
    if left == 1:
        return f"{sentence}. A gradient of 1 is still 1 after {ways}."
    return f"{sentence}. Of a gradient of 1, {left:.2g} is left after {ways}."


def function_and_slope(functions):
    """Return the picture: a function with its tangent, its slope, and the gradient after layers that have this slope.

    Parameters
    ----------
    functions : dict
        ``{name: (function, derivative)}``, the learner's own, both of z.
    """
    z_grid = np.linspace(*Z_RANGE, 400)  # an even number: no point at the corner 0
    curves = {name: (np.array(g(z_grid)), np.array(slope(z_grid))) for name, (g, slope) in functions.items()}
    # Fixed margins: an animated axis is not seen when a layout is computed.
    figure, axes = plt.subplots(1, 3, figsize=(8.4, 3.2), layout="none")
    figure.subplots_adjust(left=0.06, right=0.985, bottom=0.16, top=0.9, wspace=0.28)
    for ax, title in zip(axes, ("a = g(z) and its tangent", "its slope g'(z)", "gradient left"), strict=True):
        ax.set(title=title, xlabel="z", xlim=Z_RANGE)
    axes[0].set(ylim=(-1.5, 11))
    axes[0].yaxis.set_animated(True)  # its numbers change with the function
    axes[1].set(ylim=(-0.06, 1.1))
    axes[2].set(xlabel="layers passed", xlim=(-0.7, MOST_LAYERS + 0.7), ylim=(FLOOR, 30), yscale="log")
    axes[2].set_xticks(range(0, MOST_LAYERS + 1, 5))
    at = {"ha": "right", "transform": axes[2].transAxes}
    note = axes[2].text(0.97, 0.84, "red: below 1e-29", color=RED, animated=True, **at)
    guides = [ax.axvline(0, color="gray", linewidth=0.8, linestyle="--", animated=True) for ax in axes[:2]]
    value_line = axes[0].plot([], [], color=BLUE, animated=True)[0]
    tangent = axes[0].plot([], [], color=ORANGE, linewidth=1.4, animated=True)[0]
    value_dot = axes[0].plot([], [], "o", color=ORANGE, animated=True)[0]
    slope_line = axes[1].plot([], [], color=GREEN, animated=True)[0]
    slope_dot = axes[1].plot([], [], "o", color=ORANGE, animated=True)[0]
    left_dots = axes[2].plot([], [], "o-", color=ORANGE, markersize=4, linewidth=1, animated=True)[0]
    below_floor = axes[2].plot([], [], "v", color=RED, markersize=5, animated=True)[0]

    def update(function, z, layers):
        z = round(z, 1)
        g, derivative = functions[function]
        value, slope = float(np.squeeze(g(z))), float(np.squeeze(derivative(z)))
        values, slopes = curves[function]
        room = 0.1 * np.ptp(values)
        axes[0].set_ylim(values.min() - room, values.max() + room)
        for guide in guides:
            guide.set_xdata([z, z])
        value_line.set_data(z_grid, values)
        tangent.set_data([z - 3, z + 3], [value - 3 * slope, value + 3 * slope])
        value_dot.set_data([z], [value])
        slope_line.set_data(z_grid, slopes)
        slope_dot.set_data([z], [slope])
        left = gradients_below(slope, layers)
        passed, seen = np.arange(layers + 1), left > 10 * FLOOR
        left_dots.set_data(passed[seen], left[seen])
        below_floor.set_data(passed[~seen], np.full(np.sum(~seen), 10 * FLOOR))
        note.set_visible(not np.all(seen))
        corner = abs(float(np.squeeze(derivative(z + 1e-6))) - float(np.squeeze(derivative(z - 1e-6)))) > 0.01
        return describe(function, value, slope, corner, z, layers)

    return LiveFigure(
        figure,
        update,
        function=ipywidgets.Dropdown(options=list(functions), description="function g"),
        z=ipywidgets.FloatSlider(
            value=2.0, min=Z_RANGE[0], max=Z_RANGE[1], step=0.1, description="score z", readout_format=".1f"
        ),
        layers=ipywidgets.IntSlider(value=5, min=1, max=MOST_LAYERS, description="layers passed"),
    )


# --- the digits -------------------------------------------------------------------------------------------------------


class Digits(NamedTuple):
    """Small digits as columns, and whether each is 5 or more: X (196, m) and Y (1, m), for training and for testing."""

    X_train: np.ndarray
    Y_train: np.ndarray
    X_test: np.ndarray
    Y_test: np.ndarray


def low_or_high_digits(m_train=2000):
    """Return `Digits`: MNIST shrunk to 14 by 14 pixels, the training set's mean image subtracted from all."""
    digits = data.mnist()
    parts = []
    for images, labels, m in (
        (digits.train_images, digits.train_labels, m_train),
        (digits.test_images, digits.test_labels, None),
    ):
        small = images[:m].reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)) / 255
        parts += [small.reshape(len(small), -1).T, (labels[:, :m] >= 5).astype(float)]
    X_train, Y_train, X_test, Y_test = parts
    mean = X_train.mean(axis=1, keepdims=True)
    return Digits(X_train - mean, Y_train, X_test - mean, Y_test)


# --- runs to diagnose -------------------------------------------------------------------------------------------------

FAULTS = (
    Fault(
        "the inputs are in too large units, and the units are saturated",
        "at the start the mean slope of the hidden units is close to 0, though not 0",
        "shift and scale the inputs to mean 0 and standard deviation 1",
    ),
    Fault(
        "all hidden units are dead",
        "the mean slope and dW are exactly 0, and the cost stays where it is",
        "look at the scores Z, and start the biases at 0",
    ),
    Fault(
        "the slope is taken at a in the place of z",
        "the entries of dW are not the measured slopes, though the mean slope of the units is moderate",
        "compare one entry of dW with a measured slope, then look at what the derivative is called with",
    ),
    Fault(
        "the learning rate is too large",
        "the cost rises in many steps",
        "divide the learning rate by 10",
    ),
    Fault(
        "the learning rate is too small",
        "the cost falls in every step, but by very little, while the slopes are moderate and dW is as measured",
        "multiply the learning rate by 10",
    ),
)


def sick_run(rng, functions, steps=100, which=None):
    """Train one hidden layer on new data with one of `FAULTS` planted, and return the `Run`.

    Parameters
    ----------
    rng : Generator
    functions : dict
        ``{name: (function, derivative)}``, the learner's own: "sigmoid", "tanh" and "ReLU" are used.
    steps : int
    which : int, optional
        The fault; by default `rng` chooses.
    """
    which = int(rng.integers(len(FAULTS))) if which is None else which
    name = ("", "ReLU", "tanh", "", "")[which] or ("tanh", "sigmoid")[int(rng.integers(2))]
    g, derivative = functions[name]
    X = rng.standard_normal((5, 200))
    Y = (X[:1] + X[1:2] * X[2:3] > 0) * 1.0
    if which == 0:
        X = X * rng.uniform(100, 300)
    W_in, b_in = rng.standard_normal((8, 5)), np.full((8, 1), -rng.uniform(20, 40) if which == 1 else 0.0)
    W_out, b_out, h = rng.standard_normal((1, 8)) / np.sqrt(8), 0.0, 1e-5
    rate = (0.3, 0.3, 0.3, rng.uniform(40, 60), rng.uniform(0.0005, 0.001))[which]

    def cost(W_in):
        score = W_out @ g(W_in @ X + b_in) + b_out
        return float(np.mean(np.logaddexp(0, score) - Y * score))

    costs, sizes = [], []
    with np.errstate(all="ignore"):
        for step in range(steps):
            Z = W_in @ X + b_in
            A = g(Z)
            error = expit(W_out @ A + b_out) - Y
            slopes = derivative(A if which == 2 else Z)
            dW = (W_out.T @ error * slopes) @ X.T / X.shape[1]
            costs.append(cost(W_in))
            sizes.append(float(np.sqrt(np.mean(dW**2))))
            if step == 0:
                mean_slope, nudge = float(np.mean(derivative(Z))), np.zeros(W_in.shape)
                largest = np.unravel_index(np.argmax(np.abs(dW)), dW.shape)
                nudge[largest] = h
                entry, measured = dW[largest], (cost(W_in + nudge) - cost(W_in - nudge)) / (2 * h)
            W_out = W_out - rate * error @ A.T / X.shape[1]
            b_out = b_out - rate * np.mean(error)
            W_in = W_in - rate * dW
    words = (
        f"The hidden units are {name}. The cost is {costs[0]:.3f} at the start and {costs[-1]:.3f} after {steps} "
        f"steps; it rose in {np.sum(np.diff(costs) > 1e-9)} of them. At the start the mean slope of the units is "
        f"{mean_slope:.2g}, the size of dW is {sizes[0]:.2g}, and the largest entry of dW is {entry:.3g}, where a "
        f"measured slope is {measured:.3g}."
    )
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 2.6))
    left.plot(costs, color=BLUE)
    left.axhline(np.log(2), color="gray", linestyle="--", linewidth=1)
    left.set(xlabel="step", ylabel="J", title="cost; dashed: guessing")
    right.semilogy(np.maximum(sizes, 1e-12), color=ORANGE)
    right.set(xlabel="step", title="size of dW", ylim=(1e-12, 10 * max(1, *sizes)))
    plt.close(figure)
    return Run(figure, words, FAULTS, which)
