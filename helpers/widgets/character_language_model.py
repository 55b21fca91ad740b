"""The pictures of lesson 5.6, names and a book as numbers, the way forward through one name, and faster trainings."""

from typing import NamedTuple

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np

from helpers import data
from helpers.checks import sick
from helpers.plots import BLUE, GREEN, ORANGE, RED
from helpers.widgets import LiveFigure
from helpers.widgets.fast_rnn import GRU, RNN, ClippedAdam, Network, train

_GRAY = "#555555"
#: The symbols in order: the end of a name first, then the letters.
SYMBOLS = "\n" + "abcdefghijklmnopqrstuvwxyz"


# --- one name at a time: what the exercises build on ------------------------------------------------------------------


def next_scores(index, a_prev, parameters):
    """Take one step of the network of lesson 1, or of a GRU, without the softmax.

    Parameters
    ----------
    index : int or None
        The symbol that is read; None for the zeros of the first step.
    a_prev : ndarray, shape (n_a, 1)
    parameters : dict
        ``Wax``, ``Waa``, ``Wya``, ``ba``, ``by``. A GRU has three times as many rows in the first two and in ``ba``:
        those of the update gate, of the reset gate, and of the candidate.

    Returns
    -------
    z : ndarray, shape (n_y, 1)
        The scores of the next symbol.
    a : ndarray, shape (n_a, 1)
        The new state.
    """
    read = parameters["ba"] if index is None else parameters["ba"] + parameters["Wax"][:, index : index + 1]
    Waa, n = parameters["Waa"], len(a_prev)
    if len(Waa) == n:
        a = np.tanh(read + Waa @ a_prev)
    else:
        gates = 0.5 + 0.5 * np.tanh(0.5 * (read[: 2 * n] + Waa[: 2 * n] @ a_prev))
        candidate = np.tanh(read[2 * n :] + Waa[2 * n :] @ (gates[n:] * a_prev))
        a = gates[:n] * candidate + (1 - gates[:n]) * a_prev
    return parameters["by"] + parameters["Wya"] @ a, a


def training_pair(word, char_to_ix):
    """Return what is read at each step, None and then the letters, and what comes next, the letters and the newline."""
    Y = [char_to_ix[char] for char in word + "\n"]
    return [None, *Y[:-1]], Y


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
        What the way back needs: X, Y, the states (n_a, T_y + 1) with the one before the first step in column 0, and
        the probabilities (n_y, T_y).
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
    return as_parameters(network)


def as_parameters(network):
    """Return the parameters of a network of one layer under the names of the lesson, as float64."""
    layer = network.layers[0].parameters
    found = {"Wax": layer["Wx"], "Waa": layer["Wa"], "Wya": network.parameters["W"]}
    found |= {"ba": layer["b"], "by": network.parameters["b"]}
    return {name: V.astype(float) for name, V in found.items()}


def shares_of(names, parameters):
    """Return the probabilities (n_y, m, T) for these names, the symbols that came (m, T), and the mask (m, T)."""
    _, y, mask = as_arrays(names)
    p = np.full((len(SYMBOLS), *y.shape), 1.0)
    for i, name in enumerate(names):
        X, Y = training_pair(name, {char: index for index, char in enumerate(SYMBOLS)})
        p[:, i, : len(Y)] = read_name(X, Y, np.zeros((len(parameters["Wya"].T), 1)), parameters)[2][3]
    return p, y, mask


def losses_of(names, parameters):
    """Return -log ŷ of each symbol of these names, newlines among them, shape (N,)."""
    p, y, mask = shares_of(names, parameters)
    return -np.log(np.take_along_axis(p, y[None], axis=0)[0][mask > 0])


def as_text(indices):
    """Return drawn symbols as text, without the end."""
    return "".join(SYMBOLS[i] for i in np.asarray(indices)).split("\n")[0]


# --- a book -----------------------------------------------------------------------------------------------------------


class Book(NamedTuple):
    """A text in small letters: its symbols in order, the text to learn from, and the text that is held out."""

    symbols: str
    read: str
    held_out: str


def book(size=20000):
    """Return the King James Bible as a `Book`; each fortieth block of 25 verses is held out, `size` letters of them."""
    verses = [verse.lower() for verse in data.kjv()]
    blocks = ["\n".join(verses[start : start + 25]) for start in range(0, len(verses), 25)]
    read = "\n".join(block for i, block in enumerate(blocks) if i % 40 != 39)
    held_out = "\n".join(blocks[39::40])[:size]
    return Book("".join(sorted({*read, *held_out})), read, held_out)


def as_numbers(text, symbols):
    """Return the number of each symbol of a text, shape (N,)."""
    codes = np.zeros(128, dtype=int)
    codes[[ord(char) for char in symbols]] = np.arange(len(symbols))
    return codes[np.frombuffer(text.encode("ascii"), dtype=np.uint8)]


def histories(texts, order, char_to_ix):
    """Return ``{history: counts (n_y,)}``: how often each symbol came after each history of 0 to `order` symbols.

    The first symbol of a text is read and never asked for.
    """
    n_y, symbols = len(char_to_ix), "".join(sorted(char_to_ix, key=char_to_ix.get))
    texts = [text for text in texts if len(text) > 1]
    numbers = as_numbers("".join(texts), symbols)
    place = np.concatenate([np.arange(len(text)) for text in texts])
    tables = {}
    for k in range(order + 1):
        ends = np.flatnonzero(place >= max(1, k))  # where a symbol follows a history of k symbols of its own text
        codes = np.zeros(len(ends), dtype=np.int64)
        for back in range(k, 0, -1):
            codes = codes * n_y + numbers[ends - back]
        found, first, row = np.unique(codes, return_index=True, return_inverse=True)
        counts = np.bincount(row * n_y + numbers[ends], minlength=len(found) * n_y).reshape(-1, n_y).astype(float)
        for one, at in zip(counts, ends[first], strict=True):
            tables["".join(symbols[i] for i in numbers[at - k : at])] = one
    return tables


def gated(n_y, n_a, rng):
    """Return a fast network of one GRU layer that reads whole numbers and scores the next one."""
    return Network([GRU(n_y, n_a, rng, first=True)], n_y, rng)


def scores_on(network, numbers, state=None):
    """Return the scores (n_y, m, T) of a network that reads `numbers` (m, T) from this state on, and the last state."""
    layer = network.layers[0]
    network.used = layer.forward(numbers, state=state)
    network.shape = network.used.shape
    scores = np.tensordot(network.parameters["W"], network.used, axes=1) + network.parameters["b"][:, :, None]
    return scores, layer.state


def book_loss(network, numbers, pieces=8):
    """Return the mean loss in nats of a text (N,) that is cut into pieces, each read from a state of zeros."""
    return float(_losses_on(network, *_in_pieces(pieces, numbers, numbers)).mean())


def loss_after_true(network, disturbed, asked, wrong, pieces=8):
    """Return two mean losses of the text `asked` (N,): reading a disturbed one, and reading itself.

    They are taken over the same places: those where the symbol just before, which has been read, is not `wrong`.
    """
    disturbed, asked, wrong = _in_pieces(pieces, disturbed, asked, wrong)
    counted = ~wrong[:, :-1]
    return tuple(float(_losses_on(network, read, asked)[counted].mean()) for read in (disturbed, asked))


def _in_pieces(pieces, *arrays):
    return [array[: len(array) // pieces * pieces].reshape(pieces, -1) for array in arrays]


def _losses_on(network, read, asked):
    """Return -log ŷ of each symbol but the first of each piece, shape (pieces, T - 1)."""
    scores, _ = scores_on(network, read[:, :-1])
    logs = scores - np.logaddexp.reduce(scores, axis=0)
    return -np.take_along_axis(logs, asked[None, :, 1:], axis=0)[0]


def unit_correlations(network, numbers, symbols):
    """Return ``{what: largest |correlation| of a unit's state with it}`` over one stretch of text."""
    scores_on(network, numbers[None])
    states = np.asarray(network.used[:, 0])
    text = np.array(list(symbols))[numbers]
    place = np.arange(len(text))
    since = {}
    for name, marks in (("the last space", " \n"), ("the last newline", "\n")):
        since[name] = place - np.maximum.accumulate(np.where(np.isin(text, list(marks)), place, 0))
    found = {
        "inside a word": ~np.isin(text, list(" \n.,:;?!()'-")) * 1.0,
        "a vowel": np.isin(text, list("aeiou")) * 1.0,
        "log of the letters since the last space": np.log1p(since["the last space"]),
        "letters since the last newline": since["the last newline"],
    }
    return {what: float(np.nanmax(np.abs([_correlation(unit, V) for unit in states]))) for what, V in found.items()}


def _correlation(one, other):
    return np.corrcoef(one, other)[0, 1] if one.std() > 0 else 0.0


# --- pictures ---------------------------------------------------------------------------------------------------------


def draw_pairs(ax, counts):
    """Draw the shares of pairs, each row of counts (27, 27) divided by its sum, as a map with letters at its sides."""
    counts = np.asarray(counts, dtype=float)
    image = ax.imshow(counts / counts.sum(axis=1, keepdims=True), cmap="Blues", vmin=0, vmax=0.5)
    named = ["end", *SYMBOLS[1:]]
    ax.set_xticks(range(27), named, fontsize=8)
    ax.set_yticks(range(27), ["start", *SYMBOLS[1:]], fontsize=8)
    ax.set(xlabel="symbol that follows", ylabel="symbol before")
    ax.figure.colorbar(image, ax=ax, shrink=0.7, label="share of the row, from 0.5 on dark")


def draw_book(ax, gru, table):
    """Draw the held-out losses of networks, gru (starts,), beside those of counts, table (starts, orders from 1)."""
    for place, values in enumerate([*np.asarray(table).T, gru]):
        last = place == len(table[0])
        mark, color = ("s", ORANGE) if last else ("o", BLUE)
        ax.plot(values, [place] * len(values), mark, color=color, alpha=0.7)
    names = [f"counts, history of {k + 1}" for k in range(len(table[0]))] + ["GRU"]
    ax.set(yticks=range(len(names)), yticklabels=names, ylim=(-0.5, len(names) - 0.5))
    ax.set_xlabel("nats per held-out symbol, five starts each")
    ax.grid(axis="x", alpha=0.4)


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


# --- a run to diagnose ------------------------------------------------------------------------------------------------

FAULTS = (
    sick.Fault(
        "the network reads the letter that it should predict",
        "the loss falls to nearly 0, far below that of counting, and the names drawn are no names",
        "print X and Y of one name side by side: X begins with None and is one step behind",
    ),
    sick.Fault(
        "the learning rate is too large",
        "the loss stays above guessing or jumps about, and the weights have become large",
        "divide the learning rate by 10 or more",
    ),
    sick.Fault(
        "the learning rate is too small",
        "the loss hardly falls below guessing, and all symbols are drawn about equally often",
        "multiply the learning rate by 10 or more",
    ),
    sick.Fault(
        "the names have no newline at their end",
        "the loss falls as it should, and none of the names drawn ends before its last place",
        "print the last answer of a name: it is the newline",
    ),
)


def sick_run(rng, optimize, sample, which=None):
    """Train on 1200 names with one of `FAULTS` planted, and return the `sick.Run`.

    Parameters
    ----------
    rng : Generator
    optimize, sample : callable
        The learner's.
    which : int, optional
        The fault; by default `rng` chooses.
    """
    which = int(rng.integers(len(FAULTS))) if which is None else which
    names, _ = split_names(data.names(), rng)
    numbers = {char: index for index, char in enumerate(SYMBOLS)}
    p = random_parameters(32, len(SYMBOLS), rng)
    rate = (0.03, rng.uniform(3, 6), rng.uniform(1e-6, 3e-6), 0.03)[which]
    losses = []
    for name in names[:1200]:
        X, Y = training_pair(name, numbers)
        if which == 0:
            X = Y
        if which == 3:
            X, Y = X[:-1], Y[:-1]
        loss, _, _, p = optimize(X, Y, np.zeros((32, 1)), p, rate, 5.0)
        losses.append(loss / len(Y))
    drawn = [as_text(sample(p, numbers, rng, 1.0, 12)) for _ in range(6)]
    parts = np.reshape(losses, (6, -1)).mean(axis=1)
    size = float(np.sqrt(np.mean(p["Waa"] ** 2)))
    words = (
        f"The mean losses per symbol of six parts of the training are {', '.join(f'{part:.3g}' for part in parts)}; "
        f"guessing costs {np.log(27):.2f}. The root mean square of Waa is {size:.3g}, its start is 0.01. "
        f"Names drawn at the end, 12 letters at most: {', '.join(name or '(empty)' for name in drawn)}."
    )
    figure, ax = plt.subplots(figsize=(7.2, 2.4), layout="constrained")
    ax.plot(np.minimum(losses, 6), color=BLUE, linewidth=0.5)
    ax.plot(np.arange(100, 1200, 200), np.minimum(parts, 6), "o-", color=ORANGE)
    ax.axhline(np.log(27), color=RED, linestyle="--", linewidth=1)
    ax.set(xlabel="names read", ylabel="loss per symbol", ylim=(0, 6.1), title="dots: means of 200; dashed: guessing")
    plt.close(figure)
    return sick.Run(figure, words, FAULTS, which)
