"""The pictures of lesson 5.3: a gate over a sentence, streams of sentences, and a real text."""

import re
from collections import Counter

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np

from helpers.checks import sick
from helpers.plots import BLUE, GREEN, ORANGE, RED
from helpers.widgets import LiveFigure, fast_rnn

#: The sentence of the lesson up to its verb.
SENTENCE = ["the", "dogs", "who", "ate", "a", "hot", "dog", "yesterday"]
SINGULAR, PLURAL = ["dog", "cat", "child", "bird"], ["dogs", "cats", "children", "birds"]
BETWEEN = ["who", "ate", "saw", "a", "hot", "yesterday", "quickly", "old", "near", "liked", "big"]
VOCABULARY = ["the", *SINGULAR, *PLURAL, *BETWEEN, "was", "were", "tired", "."]
#: The position of the sliders at the start: bu, what a noun adds to Γ_u, what the state adds, br.
CAREFUL = {"b_u": -4.0, "noun": 8.0, "state": -8.0, "b_r": 0.0}


# --- one unit on the sentence -----------------------------------------------------------------------------------------


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


def derivatives(gru_forward, gru_cell_backward, **values):
    """Return the derivatives of the last state by the state after each word, as the bars show them."""
    return _followed((gru_forward, gru_cell_backward), CAREFUL | values)[3]


def keep_or_write(gru_forward, gru_cell_backward):
    """Return the interactive picture of one unit that reads the sentence.

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
    """Draw one step of a GRU: the state runs along the top, the gates open and close the ways; no two ways cross."""
    ax.set(xlim=(0, 10), ylim=(0, 6.5))
    ax.set_axis_off()
    grey = "#444444"

    def way(*points, last=True):
        for k, (start, end) in enumerate(zip(points[:-1], points[1:], strict=True)):
            if last and k == len(points) - 2:
                style = {"arrowstyle": "-|>", "color": grey, "linewidth": 1.4, "shrinkA": 0, "shrinkB": 0}
                ax.annotate("", end, start, arrowprops=style)
            else:
                ax.plot(*zip(start, end, strict=True), color=grey, linewidth=1.4)

    def sign(x, y, text, color="white", square=False):
        box = {"boxstyle": "square,pad=0.4" if square else "circle,pad=0.25", "fc": color, "ec": grey}
        ax.text(x, y, text, ha="center", va="center", fontsize=9, bbox=box, zorder=4)

    def label(x, y, text):
        ax.text(x, y, text, ha="center", va="center", fontsize=10)

    label(0.4, 5.2, r"$c^{\langle t-1\rangle}$")
    label(9.6, 5.2, r"$c^{\langle t\rangle}$")
    label(0.4, 0.5, r"$[c^{\langle t-1\rangle};\, x^{\langle t\rangle}]$")
    label(9.6, 3.5, r"$c^{\langle t-1\rangle}$")
    label(4.4, 0.95, r"$x^{\langle t\rangle}$")
    label(8.5, 6.2, r"$\hat y^{\langle t\rangle}$")
    way((0.8, 5.2), (9.2, 5.2))
    way((1.2, 0.5), (2.0, 0.5), (2.0, 1.5))
    way((2.0, 0.5), (7.6, 0.5), (7.6, 1.5))
    way((2.0, 2.3), (2.0, 4.85))
    way((2.0, 3.5), (4.1, 3.5))
    way((4.4, 1.2), (4.4, 1.5))
    way((4.4, 2.3), (4.4, 3.15))
    way((4.4, 3.85), (4.4, 4.85))
    way((7.6, 2.3), (7.6, 3.15))
    way((9.1, 3.5), (7.9, 3.5))
    way((7.3, 3.5), (6.0, 3.5), (6.0, 1.9), (5.1, 1.9))
    way((8.5, 5.2), (8.5, 5.95))
    sign(2.0, 1.9, r"$\Gamma_u$: σ", "#fbe7bf", square=True)
    sign(7.6, 1.9, r"$\Gamma_r$: σ", "#d5efe6", square=True)
    sign(4.4, 1.9, r"$\tilde c$: tanh", "#cfe3f2", square=True)
    for x, y, text in ((2.0, 5.2, "∗"), (4.4, 3.5, "∗"), (4.4, 5.2, "+"), (7.6, 3.5, "∗")):
        sign(x, y, text)
    label(1.45, 4.4, r"$1-\Gamma_u$")
    label(3.0, 3.75, r"$\Gamma_u$")


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


def verbs(m, mean_between, rng):
    """Return `streams` as columns, (n_x, m, T), the numbers of the subjects as columns (2, m, T), and what is asked."""
    rows, plural, asked, _ = streams(m, max(30, 4 * mean_between), mean_between, rng)
    return np.eye(len(VOCABULARY))[:, rows], np.eye(2)[:, plural], asked


def first_parameters(kind, n_a, rng, n_x=None):
    """Return parameters of a "GRU" or a "plain" network to start with; those for the state are orthogonal."""
    n_x, parameters = n_x or len(VOCABULARY), {"Wy": rng.normal(size=(2, n_a)) / np.sqrt(n_a), "by": np.zeros((2, 1))}
    for name in "urc" if kind == "GRU" else "a":
        of_state = np.linalg.qr(rng.normal(size=(n_a, n_a)))[0]
        parameters[f"W{name}"] = np.hstack([of_state, rng.normal(size=(n_a, n_x)) / np.sqrt(n_x)])
        parameters[f"b{name}"] = np.zeros((n_a, 1))
    return parameters


def long_sentences(rng, longest=30, m=200):
    """Return m beginnings of sentences, (n_x, m, longest + 2), with `longest` words between subject and verb."""
    row = {word: j for j, word in enumerate(VOCABULARY)}
    x = rng.choice([row[word] for word in BETWEEN + SINGULAR + PLURAL], (m, longest + 2))
    x[:, 0], x[:, 1] = row["the"], rng.choice([row[word] for word in SINGULAR + PLURAL], m)
    return np.eye(len(VOCABULARY))[:, x]


def draw_shares(ax, results):
    """Draw every start's share of right verbs; ``results`` is ``{(name, words between): shares}``."""
    for (name, words), values in results.items():
        mark, color, shift = ("s", ORANGE, -0.4) if name == "plain" else ("o", BLUE, 0.4)
        label = name if words == min(word for _, word in results) else None
        place = words + shift + np.linspace(-0.25, 0.25, len(values))
        ax.plot(place, values, mark, color=color, markersize=5, label=label)
    ax.axhline(0.5, color="#999999", linewidth=0.8, linestyle=":")
    ax.set(ylim=(0.4, 1.04), xticks=sorted({words for _, words in results}), ylabel="share of right verbs")
    ax.set_xlabel("words between subject and verb, on average; each mark a start")
    ax.legend(loc="lower left")


def draw_lags(ax, results):
    """Draw gradient norms by lag; ``results`` is ``{name: norms of each start}``, the medians are thick."""
    for (name, starts), color, style in zip(results.items(), (ORANGE, BLUE), ("--", "-"), strict=True):
        for values in starts:
            ax.semilogy(values, style, color=color, linewidth=0.8)
        middle = np.median(starts, axis=0)
        ax.semilogy(middle, style, color=color, linewidth=2.2)
        ax.annotate(name, (len(middle) - 1, middle[-1]), (6, 0), textcoords="offset points", color=color, va="center")
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
    asked = [t - 1 for t, word in enumerate(words) if word in ("was", "were")]
    axes[3].plot(asked, np.asarray(plural)[asked], "o", markersize=10, mfc="none", color=RED)
    for ax in axes:
        for t in np.flatnonzero(np.array(words) == "."):
            ax.axvline(t + 0.5, color="#333333", linewidth=1, linestyle="--")


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


# --- runs to diagnose -------------------------------------------------------------------------------------------------

FAULTS = (
    sick.Fault(
        "the learning rate is too large",
        "the cost jumps to more than three times that of guessing on the way",
        "divide the learning rate by 30",
    ),
    sick.Fault(
        "the learning rate is too small",
        "the cost hardly changes, although the gradient is not small",
        "multiply the learning rate by 1000",
    ),
    sick.Fault(
        "the update gates start shut",
        "the mean update gate is near 0: nothing is ever written, and the states stay near 0",
        "start the biases of the update gates at 0",
    ),
    sick.Fault(
        "the answers belong to other sequences",
        "gates are open and the cost falls to that of guessing, but no further",
        "print one sequence together with its answer",
    ),
)


def recall(rng, forward, backward, p, rate, shuffled, updates):
    """Train on sequences of 8 signs, whose first one is asked for at the end; the parameters p change.

    Returns
    -------
    costs : list of float
    norm : float
        Of the first gradient.
    right : float
        Share of new sequences that are answered right.
    steps : list
        The caches of the last run.
    """
    averages, costs, norms, zeros = dict.fromkeys(p, (0, 0)), [], [], np.zeros((len(p["Wc"]), 40))

    def run(shuffled):
        signs = rng.integers(0, 2, (40, 8))
        asked = rng.permutation(signs[:, 0]) if shuffled else signs[:, 0]
        a, y_hat, *_, caches = forward(np.eye(2)[:, signs], zeros, p)
        return a, y_hat[:, :, -1], np.eye(2)[:, asked], caches

    with np.errstate(all="ignore"):
        for t in range(1, updates + 1):
            a, y_hat, y, caches = run(shuffled)
            costs.append(float(-np.mean(np.log(np.sum(y * y_hat, axis=0) + 1e-30))))
            dscores, da = (y_hat - y) / 40, np.zeros_like(a)
            da[:, :, -1] = p["Wy"].T @ dscores
            gradients = backward(da, caches)
            gradients |= {"dWy": dscores @ a[:, :, -1].T, "dby": dscores.sum(axis=1, keepdims=True)}
            norms.append(np.sqrt(sum(np.sum(gradients[f"d{name}"] ** 2) for name in p)))
            for name in p:
                v, s = averages[name]
                dV = gradients[f"d{name}"]
                averages[name] = v, s = 0.9 * v + 0.1 * dV, 0.999 * s + 0.001 * dV**2
                p[name] = p[name] - rate * v / (1 - 0.9**t) / (np.sqrt(s / (1 - 0.999**t)) + 1e-8)
        _, y_hat, y, (steps, _) = run(shuffled=False)
    return costs, norms[0], float(np.mean(y_hat.argmax(axis=0) == y.argmax(axis=0))), steps


def draw_costs(costs):
    """Return a figure of the costs of such a run."""
    figure, ax = plt.subplots(figsize=(6, 2.6))
    ax.plot(np.minimum(costs, 3), color=BLUE)
    ax.axhline(np.log(2), color="gray", linestyle="--", linewidth=1)
    ax.set(xlabel="update", ylabel="J (3: 3 or more)", ylim=(0, 3.1), title="cost; dashed: guessing")
    plt.close(figure)
    return figure


def sick_run(rng, gru_forward, gru_backward, updates=150, which=None):
    """Train on `recall` with one of `FAULTS` planted, and return the `sick.Run`.

    Parameters
    ----------
    rng : Generator
    gru_forward, gru_backward : callable
        The learner's.
    updates : int
    which : int, optional
        The fault; by default `rng` chooses.
    """
    which = int(rng.integers(len(FAULTS))) if which is None else which
    rate = (rng.uniform(0.8, 1.5), rng.uniform(1e-6, 3e-6), 0.02, 0.02)[which]
    p = first_parameters("GRU", 6, rng, n_x=2)
    if which == 2:
        p["bu"], p["Wu"] = p["bu"] - 20.0, 0.1 * p["Wu"]
    costs, norm, right, steps = recall(rng, gru_forward, gru_backward, p, rate, which == 3, updates)
    words = (
        f"The network sees 8 signs and is asked for the first. Guessing costs 0.693. The cost is {costs[0]:.3f} at the "
        f"start, {np.mean(costs[-20:]):.3f} on average over the last 20 of {updates} updates, and at most "
        f"{max(costs):.3g}. The norm of the gradient is {norm:.1e} at the start. The learning rate of Adam is "
        f"{rate:.1e}. The mean update gate is {np.mean([step[2] for step in steps]):.2g} at the end. Right: "
        f"{right:.0%} of new sequences."
    )
    return sick.Run(draw_costs(costs), words, FAULTS, which)
