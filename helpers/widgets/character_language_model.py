"""The pictures of lesson 5.6, names as text, both passes through time for one name, and faster trainings."""

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np

from helpers.plots import BLUE, GREEN, ORANGE
from helpers.widgets import LiveFigure
from helpers.widgets.fast_rnn import RNN, ClippedAdam, Network, train

_GRAY = "#555555"
#: The symbols in order: the end of a name first, then the letters.
SYMBOLS = "\n" + "abcdefghijklmnopqrstuvwxyz"


# --- one name at a time: what the exercises build on ------------------------------------------------------------------


def next_scores(index, a_prev, parameters):
    """Take one step of the network of lesson 1, without its softmax.

    Parameters
    ----------
    index : int or None
        The symbol that is read; None for the zeros of the first step.
    a_prev : ndarray, shape (n_a, 1)
    parameters : dict
        ``Wax``, ``Waa``, ``Wya``, ``ba``, ``by``.

    Returns
    -------
    z : ndarray, shape (n_y, 1)
        The scores of the next symbol.
    a : ndarray, shape (n_a, 1)
        The new state.
    """
    total = parameters["ba"] + parameters["Waa"] @ a_prev
    if index is not None:
        total = total + parameters["Wax"][:, index : index + 1]
    a = np.tanh(total)
    return parameters["by"] + parameters["Wya"] @ a, a


def read_name(X, Y, a_prev, parameters):
    """Go forward through one name.

    Parameters
    ----------
    X : list of int or None
        What is read at each step; None stands for zeros.
    Y : list of int
        What comes next.
    a_prev : ndarray, shape (n_a, 1)
    parameters : dict

    Returns
    -------
    loss : float
        The sum of -log ŷ of the right symbols.
    a_last : ndarray, shape (n_a, 1)
    trace : tuple
        For `learn_from`.
    """
    states, scores = [a_prev], []
    for index in X:
        z, a = next_scores(index, states[-1], parameters)
        states.append(a)
        scores.append(z)
    Z, S = np.hstack(scores), np.hstack(states)
    logs = Z - Z.max(axis=0)
    logs -= np.log(np.exp(logs).sum(axis=0))
    loss = -float(logs[Y, np.arange(len(Y))].sum())
    return loss, states[-1], (X, Y, S, np.exp(logs))


def learn_from(trace, parameters):
    """Go backward through the name of a `trace`: return dWax, dWaa, dWya, dba and dby of its loss, not clipped."""
    X, Y, S, wrong = trace
    wrong = wrong.copy()
    wrong[Y, np.arange(len(Y))] -= 1
    from_scores = parameters["Wya"].T @ wrong
    slopes = 1 - S[:, 1:] ** 2
    totals = np.zeros(slopes.shape)
    later = np.zeros(len(S))
    for t in reversed(range(len(Y))):
        totals[:, t] = slopes[:, t] * (from_scores[:, t] + later)
        later = parameters["Waa"].T @ totals[:, t]
    dWax = np.zeros(parameters["Wax"].shape)
    for t, index in enumerate(X):
        if index is not None:
            dWax[:, index] += totals[:, t]
    return {
        "dWax": dWax,
        "dWaa": totals @ S[:, :-1].T,
        "dWya": wrong @ S[:, 1:].T,
        "dba": totals.sum(axis=1, keepdims=True),
        "dby": wrong.sum(axis=1, keepdims=True),
    }


def random_parameters(n_a, n_y, rng, scale=0.01):
    """Return small random weights and zero biases."""
    sizes = {"Wax": (n_a, n_y), "Waa": (n_a, n_a), "Wya": (n_y, n_a)}
    drawn = {name: scale * rng.standard_normal(size) for name, size in sizes.items()}
    return drawn | {"ba": np.zeros((n_a, 1)), "by": np.zeros((n_y, 1))}


# --- names, and a faster training -------------------------------------------------------------------------------------


def split_names(names, rng, held_out=200):
    """Return two lists: names to learn from and names held out, in small letters, each once, in random order."""
    found = sorted({name.lower() for part in names.values() for name in part})
    found = [found[i] for i in rng.permutation(len(found))]
    return found[held_out:], found[:held_out]


def as_arrays(names):
    """Return one-hot columns x (27, m, T) with zeros at the first step, answers y (m, T), and the mask (m, T)."""
    numbers = [[SYMBOLS.index(char) for char in name + "\n"] for name in names]
    T = max(map(len, numbers))
    y, mask = np.zeros((len(names), T), dtype=int), np.zeros((len(names), T))
    for i, row in enumerate(numbers):
        y[i, : len(row)], mask[i, : len(row)] = row, 1
    x = np.zeros((len(SYMBOLS), len(names), T))
    x[:, :, 1:] = np.moveaxis(np.eye(len(SYMBOLS))[y[:, :-1]], 2, 0)
    return x * mask, y, mask


def train_names(names, rng, n_a=64, num_epochs=10):
    """Train with mini-batches and Adam; return the parameters under the names of the lesson, as float64."""
    x, y, mask = as_arrays(names)
    network = Network([RNN(len(SYMBOLS), n_a, rng, first=True)], len(SYMBOLS), rng)
    train(network, x, y, ClippedAdam(0.005), rng, num_epochs=num_epochs, batch_size=32, mask=mask)
    layer = network.layers[0].parameters
    found = {"Wax": layer["Wx"], "Waa": layer["Wa"], "Wya": network.parameters["W"]}
    found |= {"ba": layer["b"], "by": network.parameters["b"]}
    return {name: V.astype(float) for name, V in found.items()}


def losses_of(names, parameters):
    """Return -log ŷ of each symbol of these names, newlines among them, shape (N,)."""
    start, found = np.zeros_like(parameters["ba"]), []
    for name in names:
        Y = [SYMBOLS.index(char) for char in name + "\n"]
        P = read_name([None, *Y[:-1]], Y, start, parameters)[2][3]
        found.append(-np.log(P[Y, np.arange(len(Y))]))
    return np.concatenate(found)


def as_text(indices):
    """Return drawn symbols as text, without the end."""
    return "".join(SYMBOLS[i] for i in np.asarray(indices)).split("\n")[0]


# --- pictures ---------------------------------------------------------------------------------------------------------


def draw_chain(ax, word):
    """Draw how a network writes: each letter it draws is what it reads next."""
    told = [*word, "end"]
    for t, symbol in enumerate(told):
        box = {"boxstyle": "round,pad=0.4", "facecolor": BLUE + "22", "edgecolor": BLUE}
        ax.text(t, 0, f"$a^{{\\langle {t + 1} \\rangle}}$", ha="center", va="center", bbox=box)
        ax.text(t, 1, symbol, ha="center", va="center", color=ORANGE, fontsize=12)
        ax.text(t, -1, told[t - 1] if t else "zeros", ha="center", va="center", color=GREEN, fontsize=12)
        arrow = {"arrowstyle": "-|>", "color": _GRAY, "shrinkA": 0, "shrinkB": 0}
        ax.annotate("", (t, 0.8), (t, 0.28), arrowprops=arrow)
        ax.annotate("", (t, -0.28), (t, -0.8), arrowprops=arrow)
        if t:
            ax.annotate("", (t - 0.24, 0), (t - 0.76, 0), arrowprops=arrow)
            ax.annotate("", (t - 0.1, -0.85), (t - 0.88, 0.88), arrowprops=arrow | {"linestyle": ":", "color": ORANGE})
    ax.text(-0.8, 1, "drawn", ha="right", va="center", color=ORANGE)
    ax.text(-0.8, -1, "read", ha="right", va="center", color=GREEN)
    ax.set(xlim=(-1.6, len(told) - 0.5), ylim=(-1.3, 1.3))
    ax.set_axis_off()


def scores_after(beginning, parameters):
    """Return the scores (27, 1) of the symbol after a beginning; what is no letter from a to z is left out."""
    z, a = next_scores(None, np.zeros_like(parameters["ba"]), parameters)
    for char in beginning.lower():
        if char in SYMBOLS[1:]:
            z, a = next_scores(SYMBOLS.index(char), a, parameters)
    return z


def draw_next(ax, p):
    """Draw the probabilities (27, 1) of the next symbol as bars and return them."""
    bars = ax.bar(np.arange(len(SYMBOLS)), np.asarray(p)[:, 0], color=[ORANGE] + [BLUE] * 26)
    ax.set_xticks(range(len(SYMBOLS)), ["end", *SYMBOLS[1:]])
    ax.set(ylim=(0, 1), ylabel="probability", xlabel="next symbol")
    return bars


def writer(temperature_softmax, sample, parameters):
    """Return the interactive picture: type a beginning, set the temperature, see what may come next.

    Parameters
    ----------
    temperature_softmax, sample : callable
        The learner's functions.
    parameters : dict
        Of a trained network.
    """
    figure, ax = plt.subplots(figsize=(7.2, 3.2), layout="constrained")
    bars = draw_next(ax, np.zeros((len(SYMBOLS), 1)))
    for bar in bars:
        bar.set_animated(True)
    char_to_ix = {char: index for index, char in enumerate(SYMBOLS)}

    def update(beginning, temperature, seed):
        p = np.asarray(temperature_softmax(scores_after(beginning, parameters), temperature))[:, 0]
        for bar, height in zip(bars, p, strict=True):
            bar.set_height(height)
        likeliest = ["the end", *SYMBOLS[1:]][int(p.argmax())]
        rng = np.random.default_rng(seed)
        names = ", ".join(as_text(sample(parameters, char_to_ix, rng, temperature, 15)) or "(empty)" for _ in range(4))
        return (
            f"After “{beginning}” at temperature {temperature:.2f}, the likeliest next symbol is {likeliest}, "
            f"with {p.max():.2f}. Four whole names at this temperature: {names}."
        )

    controls = {
        "beginning": ipywidgets.Text(value="mar", description="beginning", continuous_update=True),
        "temperature": ipywidgets.FloatLogSlider(value=1.0, min=-1, max=1, step=0.05, description="temperature"),
        "seed": ipywidgets.IntSlider(value=0, min=0, max=20, description="other names"),
    }
    return LiveFigure(figure, update, **controls)
