"""The pictures of lesson 5.2, its forward pass, and names of people as one-hot columns."""

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from scipy.special import softmax

from helpers.checks import sick
from helpers.plots import BLUE, GREEN, ORANGE, RED
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
    """Draw a network of T steps: gray arrows forward, red dashed arrows of gradients back."""
    ax.text(-2, 0, "$a^{\\langle 0 \\rangle}$", ha="center", va="center", bbox=_box("#777777"), fontsize=11)
    for t in range(T):
        x, time = 2.0 * t, f"\\langle {t + 1} \\rangle"
        ax.text(x, 0, f"$a^{{{time}}}$", ha="center", va="center", bbox=_box(BLUE), fontsize=11)
        ax.text(x, 1.3, f"$\\mathcal{{L}}^{{{time}}}$", ha="center", va="center", bbox=_box(ORANGE), fontsize=11)
        ax.text(x, -1.3, f"$x^{{{time}}}$", ha="center", va="center", bbox=_box("#777777"), fontsize=11)
        for low, high in ((0.3, 1.0), (-1.0, -0.3)):
            _arrow(ax, (x - 0.12, low), (x - 0.12, high), "#777777")
            _arrow(ax, (x + 0.12, high), (x + 0.12, low), RED, "--")
        _arrow(ax, (x - 1.6, 0.1), (x - 0.4, 0.1), "#777777")
        _arrow(ax, (x - 0.4, -0.1), (x - 1.6, -0.1), RED, "--")
        ax.text(x - 1, -0.4, f"$W_{{aa}}^T dZ^{{{time}}}$", ha="center", color=RED, fontsize=9)
        ax.text(x + 0.2, 0.6, f"$dA_{{out}}^{{{time}}}$", color=RED, fontsize=9, va="center")
        ax.text(x + 0.2, -0.72, f"$dX^{{{time}}}$", color=RED, fontsize=9, va="center")
        ax.text(x, -1.8, f"$dW^{{{time}}}$", ha="center", color=RED, fontsize=9)
    ax.text(-2, -1.8, "$dW$ = sum of", ha="center", color=RED, fontsize=9)
    ax.set(xlim=(-2.8, 2 * T - 1), ylim=(-2.0, 1.7))
    ax.set_axis_off()


def _box(color):
    return {"boxstyle": "round,pad=0.4", "facecolor": color + "22", "edgecolor": color}


def _arrow(ax, start, end, color, linestyle="-"):
    style = {"arrowstyle": "-|>", "color": color, "linewidth": 1.4, "shrinkA": 0, "shrinkB": 0, "linestyle": linestyle}
    ax.annotate("", end, start, arrowprops=style)


def as_columns(names):
    """Return names of plain letters as one-hot columns (26, m, T_x), and a mask (m, T_x) of their last letters."""
    x = np.zeros((26, len(names), max(map(len, names))))
    last = np.zeros(x.shape[1:])
    for i, name in enumerate(names):
        x[[ord(letter) - ord("a") for letter in name], i, range(len(name))] = 1
        last[i, len(name) - 1] = 1
    return x, last


#: Ways to count the parts of a name: the number of columns, and the columns that a name of letters 0 to 25 adds to.
COUNTS = {
    "bag of letters": (26, lambda word: word),
    "last letter": (26, lambda word: word[-1:]),
    "first and last": (52, lambda word: [word[0], 26 + word[-1]]),
    "pairs of letters": (27 * 27, lambda word: [27 * a + b for a, b in zip([26, *word], [*word, 26], strict=True)]),
}


def counts(names, kind):
    """Return counts (m, n) of one of the `COUNTS` for names of plain letters; 26 stands for the ends of a name."""
    size, columns = COUNTS[kind]
    found = np.zeros((len(names), size))
    for row, name in zip(found, names, strict=True):
        for column in columns([ord(letter) - ord("a") for letter in name]):
            row[column] += 1
    return found


def late_bits(rng, m, T, lag):
    """Return a stream of random bits as -1 and 1, (1, m, T), and labels (2, m, T): the bit of `lag` steps before."""
    bits = rng.integers(0, 2, (m, T + lag))
    return 2.0 * bits[None, :, lag:] - 1, np.moveaxis(np.eye(2)[bits[:, :T]], 2, 0)


SCALES, SIZES = (0.8, 1.0, 1.2, 1.5), (0.0, 0.5, 1.0)


def norms_of(gradient_norm_by_lag, scale, size, n_a=16, T=40, starts=5):
    """Return norms by lag, (starts, T + 1), of random networks with Waa of this scale and inputs of this size."""
    found = []
    for seed in range(starts):
        rng = np.random.default_rng(seed)
        p, x = network(3, n_a, 2, rng, scale), size * rng.normal(size=(3, 1, T))
        da = rng.normal(size=(n_a, 1))
        found.append(gradient_norm_by_lag(da / np.linalg.norm(da), run(x, np.zeros((n_a, 1)), p)[2]))
    return np.array(found)


def draw_lags(axes, gradient_norm_by_lag):
    """Draw medians of norms by lag, a panel for each size of inputs, a line for each scale; return the last ones."""
    last = {}
    for ax, size in zip(axes, SIZES, strict=True):
        for scale, color, style in zip(SCALES, (BLUE, GREEN, ORANGE, RED), ("-", "--", "-.", ":"), strict=True):
            norms = np.median(norms_of(gradient_norm_by_lag, scale, size), axis=0)
            ax.plot(norms, style, color=color, label=f"scale {scale:g}")
            last[scale, size] = norms[-1]
        ax.axhline(1, color="#777777", linewidth=0.8)
        ax.set(yscale="log", ylim=(1e-12, 1e8), xlim=(0, 40), xlabel="lag k", title=f"inputs times {size:g}")
    axes[0].set_ylabel("norm of the gradient")
    return last


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
    ax.set(yscale="log", ylim=(1e-12, 1e8), xlim=(0, T), xlabel="lag k", ylabel="norm of the gradient")
    (line,) = ax.plot(range(T + 1), np.ones(T + 1), "o-", color=BLUE, markersize=3, animated=True)

    def update(scale, size):
        _, _, caches = run(size * x, np.zeros((n_a, 1)), p | {"Waa": scale * p["Waa"]})
        norms = np.asarray(gradient_norm_by_lag(da_last, caches))
        line.set_ydata(np.where(norms < 1e-12, np.nan, norms))
        word = "vanishes" if norms[-1] < 0.01 else "explodes" if norms[-1] > 100 else "neither vanishes nor explodes"
        return f"Waa stretches by {scale:.2f}, inputs times {size:.1f}: after {T} steps {norms[-1]:.1e}; it {word}."

    controls = {
        "scale": ipywidgets.FloatSlider(value=0.8, min=0.5, max=1.5, step=0.05, description="scale of Waa"),
        "size": ipywidgets.FloatSlider(value=0.0, min=0.0, max=2.0, step=0.1, description="size of inputs"),
    }
    return LiveFigure(figure, update, **controls)


# --- runs to diagnose -------------------------------------------------------------------------------------------------

FAULTS = (
    sick.Fault(
        "the learning rate is too large",
        "the cost jumps above that of guessing, again and again",
        "divide the learning rate by 10 or more",
    ),
    sick.Fault(
        "the learning rate is too small",
        "the cost hardly changes, although a good part of the gradient arrives where the bit was read",
        "multiply the learning rate by 10 or more",
    ),
    sick.Fault(
        "the gradient is cut before it reaches the step that the answer depends on",
        "the gradient at the lag of the bit is exactly 0, and the cost falls little",
        "make the chunks longer than the lag of the bit",
    ),
    sick.Fault(
        "Waa starts so small that the gradient vanishes on its way",
        "the cost settles at that of guessing, and the gradient at the lag of the bit is not 0, but tiny",
        "start Waa as an orthogonal matrix",
    ),
    sick.Fault(
        "the steps go uphill, with the wrong sign",
        "the cost rises from the start and ends far above that of guessing",
        "compare the gradients with numerical ones",
    ),
)


def sick_run(rng, rnn_output_backward, rnn_backward, clip_by_norm, gradient_norm_by_lag, which=None):
    """Train on late bits for 150 steps with one of `FAULTS` planted, and return the `sick.Run`.

    Parameters
    ----------
    rng : Generator
    rnn_output_backward, rnn_backward, clip_by_norm, gradient_norm_by_lag : callable
        The learner's functions.
    which : int, optional
        The fault; by default `rng` chooses.
    """
    which = int(rng.integers(len(FAULTS))) if which is None else which
    lag, m, n_a, T = 3, 20, 8, 12
    chunk = 2 if which == 2 else T
    rate = {0: rng.uniform(20, 40), 1: rng.uniform(1e-4, 2e-4), 4: -rng.uniform(0.3, 0.5)}.get(
        which, rng.uniform(0.4, 0.6)
    )
    p, costs = network(1, n_a, 2, rng, rng.uniform(0.005, 0.01) if which == 3 else 0.5), []
    da = rng.normal(size=(n_a, 1))
    da /= np.linalg.norm(da)
    caches = run(late_bits(rng, 1, T, lag)[0], np.zeros((n_a, 1)), p)[2]
    norms = np.asarray(gradient_norm_by_lag(da, caches))[: lag + 1]
    norms[chunk:] = 0  # a gradient of lag k needs a chunk of k + 1 steps
    with np.errstate(all="ignore"):
        for _ in range(150):
            x, y = late_bits(rng, m, T, lag)
            state, total, cost = np.zeros((n_a, m)), dict.fromkeys(p, 0), 0.0
            for t in range(0, T, chunk):
                part, labels = slice(t, t + chunk), y[:, :, t : t + chunk]
                a, y_pred, caches = run(x[:, :, part], state, p)
                cost -= np.sum(labels * np.log(np.maximum(y_pred, 1e-300))) / m / T
                output = rnn_output_backward(y_pred, labels, np.ones((m, chunk)), a, p)
                found = output | rnn_backward(output["da"], caches)
                total = {name: total[name] + found[f"d{name}"] / T for name in p}
                state = a[:, :, -1]
            costs.append(float(cost))
            clipped = clip_by_norm(total, 1.0)
            p = {name: p[name] - rate * clipped[name] for name in p}
    left_over = ", ".join(f"{norm:.1g}" for norm in norms[1:])
    words = (
        f"The network answers with the bit of {lag} steps before; guessing costs 0.69. Mean cost of the first ten "
        f"steps {np.mean(costs[:10]):.2f}, of the last ten {np.mean(costs[-10:]):.2f}, highest {max(costs):.2f}. Of a "
        f"gradient of length 1, {left_over} is left after 1, 2 and {lag} steps back, at the start of the training."
    )
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 2.6))
    left.plot(costs, color=BLUE)
    left.axhline(np.log(2), color="gray", linestyle="--", linewidth=1)
    left.set(xlabel="step", ylabel="cost per answer", title="cost; dashed: guessing")
    right.bar(range(lag + 1), np.maximum(norms, 1e-9), color=ORANGE)
    right.set(
        yscale="log", ylim=(1e-9, 3), xticks=range(lag + 1), xlabel="lag k", title="norm of the gradient at the start"
    )
    plt.close(figure)
    return sick.Run(figure, words, FAULTS, which)
