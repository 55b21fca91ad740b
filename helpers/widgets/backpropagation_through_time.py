"""The pictures of lesson 5.2, its forward pass, and names of people as one-hot columns."""

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from scipy.special import softmax

from helpers.plots import BLUE, ORANGE, RED
from helpers.widgets import LiveFigure


def run(x, a0, parameters):
    """Return states, outputs and caches of a recurrent network, as ``rnn_forward`` of lesson 1 does."""
    p, befores = parameters, [a0]
    driven = np.einsum("ax,xmt->tam", p["Wax"], x) + p["ba"]
    for push in driven:
        befores.append(np.tanh(push + p["Waa"] @ befores[-1]))
    steps = [(befores[t + 1], befores[t], x[:, :, t], p) for t in range(len(driven))]
    a = np.stack(befores[1:], axis=2)
    scores = np.einsum("ya,amt->ymt", p["Wya"], a) + p["by"][:, :, None]
    return a, softmax(scores, axis=0), (steps, x)


def network(n_x, n_a, n_y, rng, scale=1.0):
    """Return parameters; Waa is a random orthogonal matrix times `scale`, so it keeps lengths if the scale is 1."""
    return {
        "Wax": 0.5 * rng.normal(size=(n_a, n_x)),
        "Waa": scale * np.linalg.qr(rng.normal(size=(n_a, n_a)))[0],
        "Wya": 0.2 * rng.normal(size=(n_y, n_a)),
        "ba": np.zeros((n_a, 1)),
        "by": np.zeros((n_y, 1)),
    }


def draw_arrows_back(ax, T=4):
    """Draw a network of T steps: gray arrows forward, red arrows of gradients back."""
    for t in range(T):
        x = 2.0 * t
        ax.text(x, 0, f"$a^{{\\langle {t + 1} \\rangle}}$", ha="center", va="center", bbox=_box(BLUE), fontsize=11)
        name = f"$\\mathcal{{L}}^{{\\langle {t + 1} \\rangle}}$"
        ax.text(x, 1.3, name, ha="center", va="center", bbox=_box(ORANGE), fontsize=11)
        _arrow(ax, (x - 0.12, 0.3), (x - 0.12, 1.0), "#777777")
        _arrow(ax, (x + 0.12, 1.0), (x + 0.12, 0.3), RED)
        if t:
            _arrow(ax, (x - 1.6, 0.1), (x - 0.4, 0.1), "#777777")
            _arrow(ax, (x - 0.4, -0.1), (x - 1.6, -0.1), RED)
            ax.text(x - 1, -0.42, "$W_{aa}^T dz$", ha="center", color=RED, fontsize=9)
        _arrow(ax, (x + 0.12, -0.3), (x + 0.12, -1.0), RED)
        ax.text(x, -1.25, "adds to $dW$", ha="center", color=RED, fontsize=9)
    ax.set(xlim=(-0.9, 2 * T - 1.1), ylim=(-1.5, 1.7))
    ax.set_axis_off()


def _box(color):
    return {"boxstyle": "round,pad=0.4", "facecolor": color + "22", "edgecolor": color}


def _arrow(ax, start, end, color):
    style = {"arrowstyle": "-|>", "color": color, "linewidth": 1.4, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", end, start, arrowprops=style)


def as_columns(names):
    """Return names of plain letters as one-hot columns (26, m, T_x), and a mask (m, T_x) of their last letters."""
    x = np.zeros((26, len(names), max(map(len, names))))
    last = np.zeros(x.shape[1:])
    for i, name in enumerate(names):
        x[[ord(letter) - ord("a") for letter in name], i, range(len(name))] = 1
        last[i, len(name) - 1] = 1
    return x, last


def lags(gradient_norm_by_lag, n_a=16, T=40):
    """Return the interactive picture: how a gradient fades or grows on its way back, for a choice of weights.

    ``gradient_norm_by_lag`` is the learner's function; each curve comes from it.
    """
    rng = np.random.default_rng(0)
    p, x = network(3, n_a, 2, rng), rng.normal(size=(3, 1, T))
    da_last = rng.normal(size=(n_a, 1))
    da_last /= np.linalg.norm(da_last)
    figure, ax = plt.subplots(figsize=(7, 3.4))
    ax.axhline(1, color="#777777", linewidth=0.8)
    ax.set(yscale="log", ylim=(1e-18, 1e8), xlim=(0, T), xlabel="lag k", ylabel="norm of the gradient")
    (line,) = ax.plot(range(T + 1), np.ones(T + 1), "o-", color=BLUE, markersize=3, animated=True)

    def update(scale, size):
        _, _, caches = run(size * x, np.zeros((n_a, 1)), p | {"Waa": scale * p["Waa"]})
        norms = np.asarray(gradient_norm_by_lag(da_last, caches))
        line.set_ydata(np.where(norms < 1e-18, np.nan, norms))
        word = "vanishes" if norms[-1] < 0.01 else "explodes" if norms[-1] > 100 else "neither vanishes nor explodes"
        return f"Waa stretches by {scale:.2f}, inputs times {size:.1f}: after {T} steps {norms[-1]:.1e}; it {word}."

    controls = {
        "scale": ipywidgets.FloatSlider(value=0.8, min=0.5, max=1.5, step=0.05, description="scale of Waa"),
        "size": ipywidgets.FloatSlider(value=0.0, min=0.0, max=2.0, step=0.1, description="size of inputs"),
    }
    return LiveFigure(figure, update, **controls)
