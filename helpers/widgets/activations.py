"""The interactive picture of lesson 1.3, a function linked with its slope, and a training run that measures slopes."""

from typing import NamedTuple

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from scipy.special import expit

from helpers import data
from helpers.plots import BLUE, GREEN, ORANGE, RED
from helpers.widgets import LiveFigure, progress

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
    axes[2].text(
        0.97, 0.84, "red: smaller still, or 0", color="gray", fontsize=8, ha="right", transform=axes[2].transAxes
    )
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


# --- the training run -------------------------------------------------------------------------------------------------


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


class Run(NamedTuple):
    """What a training run measured: slope g'(Z) at the start, the costs, the accuracy on the test set."""

    slope_at_start: float
    costs: list
    accuracy: float


def train(g, derivative, digits, start_bias, n_h=8, steps=200, learning_rate=0.3, seed=0):
    """Train one hidden layer with g, and a sigmoid as output, by gradient descent.

    Parameters
    ----------
    g, derivative : callable
        The learner's activation function and its derivative, both of z.
    digits : Digits
    start_bias : sequence of float
        Where the biases of the hidden units start, used in turn: ``[0]``, or ``[10, -10]`` for every other unit.
    n_h, steps, learning_rate, seed
        Hidden units, steps, learning rate, and the seed of the first weights; the scores without bias start with
        standard deviation 1.

    Returns
    -------
    Run
    """
    X, Y = digits.X_train, digits.Y_train
    m, rng = X.shape[1], np.random.default_rng(seed)
    W_in = rng.standard_normal((n_h, X.shape[0]))
    W_in /= np.std(W_in @ X)
    b_in = np.resize(np.array(start_bias, dtype=float), (n_h, 1))
    W_out, b_out = rng.standard_normal((1, n_h)) / np.sqrt(n_h), 0.0
    slope_at_start, costs = float(np.mean(derivative(W_in @ X + b_in))), []
    for _ in progress(range(steps), desc="training"):
        Z = W_in @ X + b_in
        A = g(Z)
        score = W_out @ A + b_out
        costs.append(float(np.mean(np.logaddexp(0, score) - Y * score)))
        error = expit(score) - Y
        dZ = (W_out.T @ error) * derivative(Z)  # (3.4): the slope of g is a factor of all that the layer below learns
        W_out = W_out - learning_rate * error @ A.T / m
        b_out = b_out - learning_rate * np.mean(error)
        W_in = W_in - learning_rate * dZ @ X.T / m
        b_in = b_in - learning_rate * np.mean(dZ, axis=1, keepdims=True)
    predicted = W_out @ g(W_in @ digits.X_test + b_in) + b_out > 0
    return Run(slope_at_start, costs, float(np.mean(predicted == digits.Y_test)))
