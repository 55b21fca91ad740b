"""The pictures of lesson 5.3: a gate over a sentence, streams of sentences, and a race with a plain network."""

import re
from collections import Counter

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import FancyBboxPatch

from helpers.plots import BLUE, GREEN, ORANGE, RED
from helpers.widgets import LiveFigure, fast_rnn

#: The sentence of the notes up to its verb. "hot" is followed by a word that the notes leave out.
SENTENCE = ["the", "dogs", "who", "ate", "a", "hot", "dog", "yesterday"]
SINGULAR, PLURAL = ["dog", "cat", "child", "bird"], ["dogs", "cats", "children", "birds"]
BETWEEN = ["who", "ate", "saw", "a", "hot", "yesterday", "quickly", "old", "near", "liked", "big"]
VOCABULARY = ["the", *SINGULAR, *PLURAL, *BETWEEN, "was", "were", "tired", "."]
#: The position of the sliders at the start: bu, what a noun adds to Γ_u, what the state adds, br.
CAREFUL = {"b_u": -4.0, "noun": 8.0, "state": -8.0, "b_r": 0.0}


# --- one unit on the sentence of the notes ----------------------------------------------------------------------------


def one_unit(b_u, noun, state, b_r):
    """Return the parameters of a GRU of one unit. Its input has two entries: +1, −1 or 0 for the number, 1 for a noun.

    Parameters
    ----------
    b_u, b_r : float
        The biases of the two gates.
    noun, state : float
        Weights of "this is a noun" and of the state in the update gate.
    """
    return {
        "Wu": np.array([[state, 0.0, noun]]),
        "bu": np.array([[b_u]]),
        "Wr": np.zeros((1, 3)),
        "br": np.array([[b_r]]),
        "Wc": np.array([[1.5, 3.0, 0.0]]),
        "bc": np.zeros((1, 1)),
        "Wy": np.array([[0.0], [5.0]]),
        "by": np.zeros((2, 1)),
    }


def number_and_noun(words):
    """Return the input of the unit, (2, 1, T_x): 1 for a plural noun, −1 for a singular one, 0 else; 1 for a noun."""
    number = [1.0 if word in PLURAL else -1.0 if word in SINGULAR else 0.0 for word in words]
    return np.array([number, np.abs(number)])[:, None, :]


def _followed(functions, values):
    """Return state, both gates and the derivative of the last state by each, over the sentence; from the functions."""
    gru_forward, gru_cell_backward = functions
    c, y_pred, (steps, _) = gru_forward(number_and_noun(SENTENCE), np.zeros((1, 1)), one_unit(**values))
    sent, back = np.ones((1, 1)), [1.0]
    for step in steps[:0:-1]:
        sent = gru_cell_backward(sent, step)["dc_prev"]
        back.append(float(np.squeeze(sent)))
    gates = [[float(np.squeeze(step[place])) for step in steps] for place in (2, 3)]
    return np.asarray(c, dtype=float)[0, 0], *map(np.array, gates), np.array(back[::-1]), float(y_pred[1, 0, -1])


def _prepare(axes, animated):
    """Prepare two axes and return ``show(c, u, r, back)``."""
    top, bottom = axes
    place = np.arange(len(SENTENCE))
    (state,) = top.plot(place, 0 * place, "o-", color=BLUE, label="state c", animated=animated)
    (update,) = top.plot(place, 0 * place, "s--", color=ORANGE, label=r"update gate $\Gamma_u$", animated=animated)
    (reset,) = top.plot(place, 0 * place, ":", color=GREEN, label=r"reset gate $\Gamma_r$", animated=animated)
    top.axhline(0, color="#999999", linewidth=0.8)
    top.set(xlim=(-0.6, len(place) - 0.4), ylim=(-1.15, 1.15), xticks=place, xticklabels=[])
    top.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=8)
    bars = bottom.bar(place, np.ones(len(place)), color=RED, width=0.5, animated=animated)
    bottom.axhline(0, color="#999999", linewidth=0.8)
    bottom.set(xlim=(-0.6, len(place) - 0.4), ylim=(-0.5, 1.6), xticks=place)
    bottom.set_xticklabels(SENTENCE, fontsize=8)
    bottom.text(
        1.02,
        0.5,
        "derivative of\nthe last state\nby this state\n(bars end at 1.6)",
        transform=bottom.transAxes,
        fontsize=8,
        va="center",
    )

    def show(c, u, r, back):
        for line, values in ((state, c), (update, u), (reset, r)):
            line.set_ydata(values)
        for bar, value in zip(bars, back, strict=True):
            bar.set_height(np.clip(value, -0.5, 1.6))

    return show


def draw_one_unit(axes, gru_forward, gru_cell_backward, **values):
    """Draw the unit on two axes: state and gates over the sentence, and how the last state depends on each."""
    _prepare(axes, animated=False)(*_followed((gru_forward, gru_cell_backward), CAREFUL | values)[:4])


def keep_or_write(gru_forward, gru_cell_backward):
    """Return the interactive picture of one unit that reads the sentence of the notes.

    Parameters
    ----------
    gru_forward, gru_cell_backward : callable
        The learner's functions; all numbers come from them.
    """
    figure, axes = plt.subplots(2, 1, figsize=(7.4, 3.6), layout="constrained")
    show = _prepare(axes, animated=True)

    def update(**values):
        c, u, r, back, plural = _followed((gru_forward, gru_cell_backward), values)
        show(c, u, r, back)
        verb = "were" if plural > 0.5 else "was"
        return (
            f'At "dogs" Γ_u is {u[1]:.2f}, at "dog" {u[6]:.2f}. After "yesterday" the state is {c[-1]:.2f}'.replace(
                "-", "−"
            )
            + f', so the verb is "{verb}" with probability {max(plural, 1 - plural):.2f}. Its derivative by the state '
            f'after "dogs" is {back[1]:.4f}.'.replace("-", "−")
        )

    def slider(name, low, high, description):
        return ipywidgets.FloatSlider(value=CAREFUL[name], min=low, max=high, step=0.5, description=description)

    return LiveFigure(
        figure,
        update,
        b_u=slider("b_u", -8, 8, "bias of Γ_u"),
        noun=slider("noun", 0, 12, "noun in Γ_u"),
        state=slider("state", -12, 0, "state in Γ_u"),
        b_r=slider("b_r", -8, 8, "bias of Γ_r"),
    )


# --- the cell ---------------------------------------------------------------------------------------------------------


def draw_cell(ax):
    """Draw one step of a GRU: the state runs along the top, the gates open and close the ways."""
    ax.set(xlim=(0, 10), ylim=(0, 5))
    ax.set_axis_off()
    arrow = {"arrowstyle": "-|>", "color": "#444444", "linewidth": 1.4}

    def box(x, y, text, color):
        ax.add_patch(
            FancyBboxPatch(
                (x - 0.62, y - 0.33), 1.24, 0.66, boxstyle="round,pad=0.05", fc=color, ec="#444444", zorder=3
            )
        )
        ax.text(x, y, text, ha="center", va="center", fontsize=9, zorder=4)

    def way(*points, last=True):
        for k, (start, end) in enumerate(zip(points[:-1], points[1:], strict=True)):
            if last and k == len(points) - 2:
                ax.annotate("", end, start, arrowprops=arrow)
            else:
                ax.plot(*zip(start, end, strict=True), color="#444444", linewidth=1.4)

    def node(x, y, text):
        ax.plot(x, y, "o", ms=19, mfc="white", mec="#444444", zorder=3)
        ax.text(x, y, text, ha="center", va="center", fontsize=10, zorder=4)

    ax.text(0.1, 4.3, r"$c^{\langle t-1\rangle}$", fontsize=11, va="center")
    ax.text(9.15, 4.3, r"$c^{\langle t\rangle}$", fontsize=11, va="center")
    ax.text(0.1, 0.4, r"$x^{\langle t\rangle}$", fontsize=11, va="center")
    way((0.95, 4.3), (5.2, 4.3))
    way((5.6, 4.3), (7.7, 4.3))
    way((8.1, 4.3), (9.1, 4.3))
    way((0.95, 0.4), (7.9, 0.4), last=False)
    for x in (2.2, 4.4):  # both gates see the state and the input
        way((x - 0.3, 4.3), (x - 0.3, 1.95))
        way((x + 0.3, 0.4), (x + 0.3, 1.2))
    box(2.2, 1.6, r"$\Gamma_r$: σ", "#d5efe6")
    box(4.4, 1.6, r"$\Gamma_u$: σ", "#fbe7bf")
    box(7.9, 1.6, r"$\tilde c$: tanh", "#cfe3f2")
    way((7.9, 0.4), (7.9, 1.2))
    node(3.05, 3.1, "∗")
    way((3.05, 4.3), (3.05, 3.34))
    way((2.55, 2.0), (2.9, 2.85))
    way((3.3, 3.1), (6.9, 3.1), (6.9, 1.6), (7.2, 1.6))
    node(5.4, 4.3, "∗")
    way((4.9, 2.0), (5.35, 4.04))
    ax.text(5.38, 3.6, r"$1-\Gamma_u$", fontsize=8.5)
    node(7.9, 4.3, "+")
    node(7.9, 3.1, "∗")
    way((7.9, 2.0), (7.9, 2.85))
    way((7.9, 3.35), (7.9, 4.05))
    way((5.1, 1.75), (5.9, 1.75), (5.9, 2.6), (7.25, 2.6), (7.7, 2.95))
    ax.text(6.0, 2.3, r"$\Gamma_u$", fontsize=8.5)


# --- streams of sentences ---------------------------------------------------------------------------------------------


def streams(m, T, mean_between, rng):
    """Return m streams of sentences such as "the dogs who ate a hot dog yesterday were tired .", cut after T words.

    The subject follows "the". Then come 1 to 2·mean_between − 1 random words, also nouns of both numbers, and the verb.

    Returns
    -------
    x : ndarray of int, shape (m, T)
        Rows of `VOCABULARY`.
    y : ndarray of int, shape (m, T)
        1 where the subject is plural, 0 where it is singular.
    asked : ndarray, shape (m, T)
        1 at the last word before each verb, where the number is asked for.
    distance : ndarray of int, shape (m, T)
        There: how many words back the subject stands.
    """
    row = {word: j for j, word in enumerate(VOCABULARY)}
    words_between = [row[word] for word in BETWEEN + SINGULAR + PLURAL]
    length = T + 2 * mean_between + 5
    x, y, asked, distance = (np.zeros((m, length), dtype=int) for _ in range(4))
    for i in range(m):
        t = 0
        while t < T:
            n, plural = int(rng.integers(1, 2 * mean_between)), int(rng.integers(2))
            subject = row[(PLURAL if plural else SINGULAR)[rng.integers(4)]]
            verb = row["were" if plural else "was"]
            x[i, t : t + n + 5] = [row["the"], subject, *rng.choice(words_between, n), verb, row["tired"], row["."]]
            y[i, t : t + n + 5] = plural
            asked[i, t + n + 1], distance[i, t + n + 1] = 1, n
            t += n + 5
    return x[:, :T], y[:, :T], asked[:, :T] * 1.0, distance[:, :T]


def as_text(rows):
    """Return words for rows of the vocabulary."""
    return " ".join(VOCABULARY[j] for j in rows)


def race(mean_between, rng, n_a=16, m=500, num_epochs=15):
    """Train a plain network and a GRU on the same streams and return ``{name: (network, accuracy on new streams)}``."""
    T = max(30, 4 * mean_between)
    x, y, asked, _ = streams(m, T, mean_between, rng)
    x_test, y_test, asked_test, _ = streams(300, T, mean_between, rng)
    results = {}
    for name, kind in (("plain", fast_rnn.RNN), ("GRU", fast_rnn.GRU)):
        network = fast_rnn.Network([kind(len(VOCABULARY), n_a, rng, first=True)], 2, rng)
        optimizer = fast_rnn.ClippedAdam(0.01, 1.0)
        fast_rnn.train(network, x, y, optimizer, rng, num_epochs=num_epochs, batch_size=25, counted=asked)
        results[name] = network, fast_rnn.accuracy(network, x_test, y_test, counted=asked_test)
    return results


def accuracy_by_distance(network, rng, edges, m=400, T=120, mean_between=20):
    """Return the share of right answers on new streams for distances from each edge up to below the next one."""
    x, y, asked, distance = streams(m, T, mean_between, rng)
    right = fast_rnn.scores_of(network, x).argmax(axis=0) == y
    return [
        right[(asked > 0) & (distance >= a) & (distance < b)].mean() for a, b in zip(edges, edges[1:], strict=False)
    ]


def as_parameters(network):
    """Return the parameters of a trained GRU in the form of the lesson: Wu, bu, Wr, br, Wc, bc, Wy, by, in float64."""
    layer = network.layers[0]
    stacked = np.hstack([layer.parameters["Wa"], layer.parameters["Wx"]]).astype(float)
    parameters = {"Wy": network.parameters["W"].astype(float), "by": network.parameters["b"].astype(float)}
    for k, name in enumerate("urc"):
        rows = slice(k * layer.n_a, (k + 1) * layer.n_a)
        parameters[f"W{name}"] = stacked[rows]
        parameters[f"b{name}"] = layer.parameters["b"][rows].astype(float)
    return parameters


def gradient_by_lag(network, rng, longest=30, m=200):
    """Return how much of the last answer's gradient arrives at the states before: norms by lag, 1 at lag 0.

    The sentences have `longest` words between subject and verb, so that nothing needs to be written meanwhile.
    """
    row = {word: j for j, word in enumerate(VOCABULARY)}
    x = rng.choice([row[word] for word in BETWEEN + SINGULAR + PLURAL], (m, longest + 2))
    y = rng.integers(0, 2, (m, longest + 2))
    x[:, 0] = row["the"]
    x[:, 1] = [row[(PLURAL if plural else SINGULAR)[rng.integers(4)]] for plural in y[:, -1]]
    dscores = np.zeros((2, m, longest + 2), dtype=np.float32)
    network.forward(x)
    dscores[0, :, -1], dscores[1, :, -1] = -1, 1
    network.backward(dscores)
    norms = np.linalg.norm(network.layers[0].da.astype(float), axis=0)  # (m, T)
    return np.median(norms / norms[:, -1:], axis=0)[::-1][: longest + 1]


def draw_race(ax, distances, results):
    """Draw accuracies over distance; ``results`` is ``{name: accuracies}``."""
    for (name, values), color, mark in zip(results.items(), (ORANGE, BLUE), ("s--", "o-"), strict=True):
        ax.plot(distances, values, mark, color=color)
        ax.annotate(name, (distances[-1], values[-1]), (8, 0), textcoords="offset points", color=color, va="center")
    ax.axhline(0.5, color="#999999", linewidth=0.8, linestyle=":")
    ax.set(ylim=(0.4, 1.04), ylabel="share of right verbs")


def draw_lags(ax, results):
    """Draw gradient norms by lag on a logarithmic axis; ``results`` is ``{name: norms}``."""
    for (name, values), color in zip(results.items(), (ORANGE, BLUE), strict=True):
        ax.semilogy(values, color=color)
        ax.annotate(name, (len(values) - 1, values[-1]), (6, 0), textcoords="offset points", color=color, va="center")
    ax.set(xlabel="steps back from the verb", ylabel="gradient, 1 at the verb")


def draw_gates(axes, words, gamma_u, gamma_r, c, plural):
    """Draw update gates, reset gates and states of all units over a text, and the probability of "were".

    Parameters
    ----------
    axes : list of four Axes
    words : list of str
    gamma_u, gamma_r, c : ndarray, shape (n_a, T_x)
    plural : ndarray, shape (T_x,)
    """
    shown = ((r"$\Gamma_u$", gamma_u, "Oranges", 0), (r"$\Gamma_r$", gamma_r, "Greens", 0), (r"$c$", c, "RdBu", -1))
    for ax, (name, values, colors, low) in zip(axes, shown, strict=False):
        picture = ax.imshow(values, cmap=colors, vmin=low, vmax=1, aspect="auto", interpolation="nearest")
        ax.set(yticks=[], xticks=[], ylabel=name)
        ax.figure.colorbar(picture, ax=ax, pad=0.01, ticks=[low, 1] if low == 0 else [-1, 0, 1])
        ax.grid(False)
    axes[3].plot(plural, "o-", color=BLUE)
    axes[3].axhline(0.5, color="#999999", linewidth=0.8)
    axes[3].set(ylim=(-0.08, 1.08), xlim=(-0.5, len(words) - 0.5), ylabel='"were"', xticks=range(len(words)))
    axes[3].set_xticklabels(words, rotation=60, ha="right", fontsize=8)


# --- was or were in a real text ---------------------------------------------------------------------------------------


def was_or_were(verses, rng, longest=20, size=800, held_out=600):
    """Return the words before the first "was" or "were" of each verse, as many verses for each verb, in two sets.

    Parameters
    ----------
    verses : list of str
    rng : Generator
        Draws which verses are taken and which are held out.
    longest : int
        At most so many words before the verb are kept.
    size : int
        Number of words that have a row of their own; row 0 is for all others.
    held_out : int
        Number of test verses.

    Returns
    -------
    train, test : dict
        ``"x"`` (m, longest), rows; ``"y"`` (m, 1), 1 for "were"; ``"mask"`` (m, longest); ``"words"``, lists of words.
    """
    found = []
    for verse in verses:
        words = re.findall(r"[a-z]+", verse.lower())
        places = [t for t, word in enumerate(words) if word in ("was", "were")]
        if places and places[0] >= 2:
            found.append((words[max(0, places[0] - longest) : places[0]], int(words[places[0]] == "were")))
    groups = [[text for text, verb in found if verb == k] for k in (0, 1)]
    m = min(map(len, groups))
    taken = [(groups[k][i], k) for k in (0, 1) for i in rng.permutation(len(groups[k]))[:m]]
    taken = [taken[i] for i in rng.permutation(2 * m)]
    counts = Counter(word for words, _ in taken[held_out:] for word in words)
    row = {word: j for j, (word, _) in enumerate(counts.most_common(size), start=1)}
    sets = []
    for part in (taken[held_out:], taken[:held_out]):
        x, mask = np.zeros((len(part), longest), dtype=int), np.zeros((len(part), longest))
        for i, (words, _) in enumerate(part):
            x[i, : len(words)], mask[i, : len(words)] = [row.get(word, 0) for word in words], 1
        y = np.array([[verb] for _, verb in part])
        sets.append({"x": x, "y": y, "mask": mask, "words": [words for words, _ in part]})
    return tuple(sets)


def read_verses(kind, train, test, seed, n_a=24, num_epochs=4):
    """Train a network on verses and return its share of right verbs on the test verses; `kind` is "plain" or "GRU"."""
    rng = np.random.default_rng(seed)
    layer = {"plain": fast_rnn.RNN, "GRU": fast_rnn.GRU}[kind](801, n_a, rng, first=True)
    network = fast_rnn.Network([layer], 2, rng, last=True)
    optimizer = fast_rnn.ClippedAdam(0.003, 1.0)
    x, y, mask = (train[name] for name in ("x", "y", "mask"))
    fast_rnn.train(network, x, y, optimizer, rng, num_epochs=num_epochs, batch_size=50, mask=mask)
    return fast_rnn.accuracy(network, test["x"], test["y"], test["mask"])
