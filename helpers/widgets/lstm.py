"""The pictures of lesson 5.4: the cell in five frames, gates over sentences, counting, runs to diagnose."""

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from scipy.special import softmax

from helpers.checks import sick
from helpers.plots import BLUE, GREEN, ORANGE, RED
from helpers.widgets import LiveFigure, fast_rnn
from helpers.widgets.gru import SENTENCE, VOCABULARY, draw_costs, number_and_noun, recall, streams

#: The position of the sliders at the start: the biases of the gates and what the state adds in Γ_u.
CAREFUL = {"b_f": 4.0, "b_u": -4.0, "state": -12.0, "b_o": 4.0}
KINDS = {"plain": fast_rnn.RNN, "GRU": fast_rnn.GRU, "LSTM": fast_rnn.LSTM}


def one_unit(b_f, b_u, state, b_o):
    """Return the parameters of an LSTM of one unit; a noun adds 8 in Γ_u, and its number is the candidate."""
    return {
        "Wf": np.zeros((1, 3)),
        "bf": np.array([[b_f]]),
        "Wu": np.array([[state, 0.0, 8.0]]),
        "bu": np.array([[b_u]]),
        "Wo": np.zeros((1, 3)),
        "bo": np.array([[b_o]]),
        "Wc": np.array([[0.0, 3.0, 0.0]]),
        "bc": np.zeros((1, 1)),
        "Wy": np.array([[0.0], [5.0]]),
        "by": np.zeros((2, 1)),
    }


def _followed(functions, values):
    """Return six rows over the sentence and the probability of "were": a, c, three gates, and the derivative."""
    run, back_one_step = functions
    a, y, c, (steps, _) = run(number_and_noun(SENTENCE), np.zeros((1, 1)), one_unit(**values))
    gates = [[float(np.squeeze(step[place])) for step in steps] for place in (4, 5, 6)]
    to_state, to_cell, back = np.zeros((1, 1)), np.ones((1, 1)), [1.0]
    for step, shown, cell in zip(steps[:0:-1], gates[2][-2::-1], c[0, 0, -2::-1], strict=True):
        sent = back_one_step(to_state, to_cell, step)
        to_state, to_cell = sent["da_prev"], sent["dc_prev"]
        back.append((to_cell + to_state * shown / np.cosh(cell) ** 2).item())
    return [a[0, 0], c[0, 0], *map(np.array, gates), np.array(back[::-1])], float(y[1, 0, -1])


def _prepare(axes, animated):
    """Prepare two axes and return ``show(rows)``."""
    top, bottom = axes
    place = np.arange(len(SENTENCE))
    styles = (
        ("o-", BLUE, "state a"),
        ("D-", "#555555", "cell c"),
        (":", RED, r"$\Gamma_f$"),
        ("s--", ORANGE, r"$\Gamma_u$"),
        ("-.", GREEN, r"$\Gamma_o$"),
    )
    lines = [
        top.plot(place, 0 * place, mark, color=color, label=name, animated=animated, linewidth=width)[0]
        for (mark, color, name), width in zip(styles, (1.5, 1.5, 4, 2.5, 1.5), strict=True)  # where they meet, all show
    ]
    top.axhline(0, color="#999999", linewidth=0.8)
    top.set(xlim=(-0.6, len(place) - 0.4), ylim=(-1.15, 1.15), xticks=place, xticklabels=[])
    top.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=8)
    bars = bottom.bar(place, np.ones(len(place)), color=RED, width=0.5, animated=animated)
    bottom.axhline(0, color="#999999", linewidth=0.8)
    bottom.set(xlim=(-0.6, len(place) - 0.4), ylim=(-0.5, 1.6), xticks=place)
    bottom.set_xticklabels(SENTENCE, fontsize=8)
    words = "derivative of\nthe last cell\nby this cell\n(cut at 1.6)"
    bottom.text(1.02, 0.5, words, transform=bottom.transAxes, fontsize=8, va="center")

    def show(rows):
        for line, values in zip(lines, rows, strict=False):
            line.set_ydata(values)
        for bar, value in zip(bars, rows[-1], strict=True):
            bar.set_height(np.clip(value, -0.5, 1.6))

    return show


def draw_one_unit(axes, lstm_forward, lstm_cell_backward, **values):
    """Draw the unit on two axes: both memories and the gates over the sentence, and the derivatives."""
    _prepare(axes, animated=False)(_followed((lstm_forward, lstm_cell_backward), CAREFUL | values)[0])


def two_memories(lstm_forward, lstm_cell_backward):
    """Return the interactive picture of one unit that reads the sentence of the notes, by the learner's functions."""
    figure, axes = plt.subplots(2, 1, figsize=(7.4, 3.8), layout="constrained")
    show = _prepare(axes, animated=True)

    def update(**values):
        rows, plural = _followed((lstm_forward, lstm_cell_backward), values)
        show(rows)
        verb = "were" if plural > 0.5 else "was"
        return (
            f'After "yesterday" the cell is {rows[1][-1]:.2f} and the state {rows[0][-1]:.2f}, so the verb is "{verb}" '
            f'with probability {max(plural, 1 - plural):.2f}. At "dog" Γ_u is {rows[3][6]:.2f}. The derivative of the '
            f'last cell by that after "dogs" is {rows[5][1]:.2f}.'
        ).replace("-", "−")

    def slider(name, low, high, description):
        return ipywidgets.FloatSlider(value=CAREFUL[name], min=low, max=high, step=0.5, description=description)

    return LiveFigure(
        figure,
        update,
        b_f=slider("b_f", -8, 8, "bias of Γ_f"),
        b_u=slider("b_u", -8, 8, "bias of Γ_u"),
        state=slider("state", -16, 0, "state in Γ_u"),
        b_o=slider("b_o", -8, 8, "bias of Γ_o"),
    )


# --- the cell, and gates of many units --------------------------------------------------------------------------------

#: What each frame adds to the drawing of the cell.
FRAMES = ("1 the cell goes on", "2 forget: keep a part", "3 write: add a part", "4 show a part", "5 the state goes on")


def draw_cell(ax, frame):
    """Draw one step of an LSTM as far as this frame, from 1 to 5; what the frame adds is orange, the rest grey."""
    ax.set(xlim=(0, 10), ylim=(0, 6), aspect="equal")
    ax.set_axis_off()
    ax.set_title(FRAMES[frame - 1], loc="left", fontsize=9)

    def colour(first):
        return "#8A5A00" if first == frame else "#555555"

    def way(first, *points, last=True):
        if first > frame:
            return
        style = {"color": colour(first), "linewidth": 2.2 if first == frame else 1.2}
        for k, (start, end) in enumerate(zip(points[:-1], points[1:], strict=True)):
            if last and k == len(points) - 2:
                ax.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "shrinkA": 0, "shrinkB": 0, **style})
            else:
                ax.plot(*zip(start, end, strict=True), **style)

    def sign(first, x, y, text, square=False):
        if first <= frame:
            box = {"boxstyle": "square,pad=0.35" if square else "circle,pad=0.25", "fc": "white", "ec": colour(first)}
            ax.text(x, y, text, ha="center", va="center", fontsize=8.5, bbox=box, zorder=4)

    def label(first, x, y, text):
        if first <= frame:
            ax.text(x, y, text, ha="center", va="center", fontsize=9, color=colour(first))

    way(1, (0.9, 5.2), (9.0, 5.2))
    label(1, 0.4, 5.2, r"$c^{\langle t-1\rangle}$")
    label(1, 9.5, 5.2, r"$c^{\langle t\rangle}$")
    way(2, (0.9, 0.6), (1.9, 0.6), (1.9, 1.5))  # the stacked column goes into each block
    label(2, 0.35, 0.6, r"$[a;x]$")
    way(2, (1.9, 1.9), (1.9, 4.8))
    sign(2, 1.9, 1.9, r"$\Gamma_f$", square=True)
    sign(2, 1.9, 5.2, "∗")
    way(3, (1.9, 0.6), (3.3, 0.6), (3.3, 1.5))
    way(3, (3.3, 0.6), (4.9, 0.6), (4.9, 1.5))
    way(3, (3.3, 1.9), (3.3, 3.5), (4.5, 3.5))
    way(3, (4.9, 1.9), (4.9, 3.1))
    way(3, (4.9, 3.9), (4.9, 4.8))
    sign(3, 3.3, 1.9, r"$\Gamma_u$", square=True)
    sign(3, 4.9, 1.9, r"$\tilde c$", square=True)
    sign(3, 4.9, 3.5, "∗")
    sign(3, 4.9, 5.2, "+")
    way(4, (4.9, 0.6), (6.3, 0.6), (6.3, 1.5))
    way(4, (7.7, 5.2), (7.7, 4.6))
    way(4, (7.7, 3.8), (7.7, 2.9))
    way(4, (6.3, 1.9), (6.3, 2.5), (7.3, 2.5))
    sign(4, 6.3, 1.9, r"$\Gamma_o$", square=True)
    sign(4, 7.7, 4.2, "tanh", square=True)
    sign(4, 7.7, 2.5, "∗")
    way(5, (7.7, 2.1), (7.7, 0.6), (9.0, 0.6))
    way(5, (8.3, 0.6), (8.3, 1.9))
    label(5, 9.5, 0.6, r"$a^{\langle t\rangle}$")
    label(5, 8.8, 2.2, r"$\hat y^{\langle t\rangle}$")


def first_parameters(n_x, n_a, n_y, rng, forget=1.0):
    """Return parameters to start with: orthogonal for the state, small for the input; the forget biases as given."""
    parameters = {"Wy": rng.normal(size=(n_y, n_a)) / np.sqrt(n_a), "by": np.zeros((n_y, 1))}
    for name in "fuoc":
        of_state = np.linalg.qr(rng.normal(size=(n_a, n_a)))[0]
        parameters[f"W{name}"] = np.hstack([of_state, rng.normal(size=(n_a, n_x)) / np.sqrt(n_x)])
        parameters[f"b{name}"] = np.full((n_a, 1), forget if name == "f" else 0.0)
    return parameters


def verbs(m, mean_between, rng):
    """Return the streams of lesson 5.3 as columns (n_x, m, T), the numbers of the subjects (2, m, T), what is asked."""
    rows, plural, asked, _ = streams(m, max(30, 4 * mean_between), mean_between, rng)
    return np.eye(len(VOCABULARY))[:, rows], np.eye(2)[:, plural], asked


def as_columns(words):
    """Return words as one-hot columns, (n_x, 1, T_x)."""
    return np.eye(len(VOCABULARY))[:, [VOCABULARY.index(word) for word in words]][:, None, :]


def draw_gates(axes, words, gates, c, speaks_for, plural):
    """Draw three gates and tanh of the cells, (n_a, T_x) each, and the probability of "were" over a text, on five axes.

    ``speaks_for`` (n_a,) is each state's weight for "were": units are sorted by its size, and the signs of their cells
    are turned so that blue speaks for "were". Ends of sentences are marked.
    """
    names = (r"$\Gamma_f$", r"$\Gamma_u$", r"$\Gamma_o$", r"$\tanh c$")
    order, turn = np.argsort(-np.abs(speaks_for)), np.sign(speaks_for)[:, None]
    rows = zip(axes, names, [*gates, np.tanh(c) * turn], ("Reds", "Oranges", "Greens", "RdBu"), strict=False)
    for ax, name, values, colour in rows:
        low = -1 if colour == "RdBu" else 0
        picture = ax.imshow(values[order], cmap=colour, vmin=low, vmax=1, aspect="auto", interpolation="nearest")
        ax.set(yticks=[], xticks=[], ylabel=name)
        ax.figure.colorbar(picture, ax=ax, pad=0.01, ticks=[low, 1])
        ax.grid(False)
    axes[4].plot(plural, "o-", color=BLUE)
    axes[4].axhline(0.5, color="#999999", linewidth=0.8)
    axes[4].set(ylim=(-0.08, 1.08), xlim=(-0.5, len(words) - 0.5), ylabel='"were"', xticks=range(len(words)))
    axes[4].set_xticklabels(words, rotation=60, ha="right", fontsize=8)
    asked = [t - 1 for t, word in enumerate(words) if word in ("was", "were")]
    axes[4].plot(asked, np.asarray(plural)[asked], "o", markersize=10, mfc="none", color=RED)
    for ax in axes:
        for t in np.flatnonzero(np.array(words) == "."):
            ax.axvline(t + 0.5, color="#333333", linewidth=1, linestyle="--")


def draw_counts(ax, results):
    """Draw how far each start of each network counts: ``results`` is ``{name: largest n, one for each start}``."""
    for k, values in enumerate(results.values()):
        color, mark = ((ORANGE, "s"), (BLUE, "o"), (GREEN, "^"))[k % 3]
        ax.plot(values, k + np.linspace(-0.2, 0.2, len(values)), mark, color=color)
    ax.axvline(20, color="#999999", linewidth=0.8, linestyle=":")
    ax.set(yticks=range(len(results)), yticklabels=results, xlim=(0, 42), ylim=(-0.6, len(results) - 0.4))
    ax.set(xlabel="right for all n up to (dotted: longest one in training)")


def draw_counter(ax, n, c):
    """Draw all cells, (n_a, T_x), over one string of n times a and n times b; the one that changes most is thick."""
    best = int(np.argmax(np.ptp(c, axis=1)))
    for j, values in enumerate(c):
        mark, color = ("o-", GREEN) if j == best else ("--", "#888888")
        ax.plot(values, mark, color=color, markersize=4, label=f"cell {j}")
    ax.axhline(0, color="#999999", linewidth=0.8)
    ax.set(xticks=range(2 * n + 1), xlabel="letter read", ylabel="cell")
    ax.set_xticklabels(["start"] + ["a"] * n + ["b"] * n, fontsize=8)
    ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=8)


# --- counting, and several starts side by side ------------------------------------------------------------------------


def counting(lengths):
    """Return the strings "start, n times a, n times b, end" as a task of saying the next letter.

    Parameters
    ----------
    lengths : sequence of int
        n for each string.

    Returns
    -------
    x, y : ndarray, shape (3, m, 2·largest n + 1)
        What is read and the letter after it, one-hot: a, b, and start or end.
    counted : ndarray, shape (m, T_x)
        1 where b is read: before that the next letter cannot be known.
    """
    m, T = len(lengths), 2 * max(lengths) + 1
    x, y, counted = np.zeros((3, m, T)), np.zeros((3, m, T)), np.zeros((m, T))
    for i, n in enumerate(lengths):
        text = [2, *[0] * n, *[1] * n, 2]
        x[text[:-1], i, np.arange(2 * n + 1)] = y[text[1:], i, np.arange(2 * n + 1)] = 1
        counted[i, n + 1 : 2 * n + 1] = 1
    return x, y, counted


def adding(m, T, rng):
    """Return sequences of numbers from 0 to 1 of which one in each half is marked, (2, m, T), and the sums (m,)."""
    x, rows = np.zeros((2, m, T)), np.arange(m)
    x[0] = rng.random((m, T))
    marked = rng.integers(0, T // 2, m), rng.integers(T // 2, T, m)
    for places in marked:
        x[1, rows, places] = 1
    return x, sum(x[0, rows, places] for places in marked)


class Starts:
    """Networks of one kind that differ in their start alone, side by side in one fast layer: five for the time of one.

    Between the units of different networks all weights are 0 and stay 0.

    Parameters
    ----------
    kind : type
        A layer of `fast_rnn`.
    n_x, n_a, n_y : int
    seeds : sequence of int
        One network for each.
    options
        For the layer, such as ``forget``.
    """

    def __init__(self, kind, n_x, n_a, n_y, seeds, **options):
        self.n_a, self.n_y, self.count = n_a, n_y, len(seeds)
        self.layer = kind(n_x, n_a * self.count, np.random.default_rng(0), first=True, **options)
        blocks = self.layer.blocks
        rows = np.tile(np.repeat(np.arange(self.count), n_a), blocks)
        last = np.repeat(np.arange(self.count), n_y)
        self.owner = {"Wx": rows, "Wa": rows, "b": rows, "W": last, "by": last}
        columns = np.arange(n_a * self.count) // n_a
        self.inside = {"Wa": rows[:, None] == columns, "W": last[:, None] == columns}
        p = self.layer.parameters
        p["Wa"][...] = 0
        p["W"], p["by"] = np.zeros(self.inside["W"].shape, p["b"].dtype), np.zeros((len(last), 1), p["b"].dtype)
        for s, seed in enumerate(seeds):
            rng = np.random.default_rng(seed)
            one = kind(n_x, n_a, rng, first=True, **options).parameters
            for name in ("Wx", "b"):
                p[name][rows == s] = one[name]
            p["Wa"][(rows[:, None] == s) & (columns == s)] = one["Wa"].ravel()
            p["W"][(last[:, None] == s) & (columns == s)] = rng.standard_normal(n_y * n_a) / np.sqrt(n_a)
        self.adam = fast_rnn.Adam(0.01)

    def scores(self, x):
        """Return the scores of each network, (starts, n_y, m, T_x)."""
        p = self.layer.parameters
        self.states = self.layer.forward(x.astype(np.float32))
        scores = np.tensordot(p["W"], self.states, axes=1) + p["by"][:, :, None]
        return scores.reshape(self.count, self.n_y, *scores.shape[1:])

    def step(self, dscores):
        """Go one step of Adam from the derivatives by the scores, each network's gradient cut to a norm of 1."""
        p, dscores = self.layer.parameters, dscores.reshape(-1, *dscores.shape[2:]).astype(np.float32)
        self.layer.backward(np.tensordot(p["W"].T, dscores, axes=1))
        gradients = self.layer.gradients | {
            "W": np.tensordot(dscores, self.states, axes=((1, 2), (1, 2))),
            "by": dscores.sum(axis=(1, 2))[:, None],
        }
        squares = np.zeros(self.count)
        for name, dV in gradients.items():
            gradients[name] = dV = dV * self.inside.get(name, 1)
            squares += np.bincount(self.owner[name], (dV**2).sum(axis=1), self.count)
        factor = np.minimum(1, 1 / np.sqrt(np.maximum(squares, 1e-12))).astype(np.float32)
        for name, dV in gradients.items():
            p[name] -= self.adam.change(name, dV * factor[self.owner[name], None])


def learn_to_count(kind, seeds, updates=1500, n_a=4, longest=40, **options):
    """Train on n from 1 to 20 and return, for each start and each n from 1 to `longest`, whether all of it is right."""
    networks, rng = Starts(KINDS[kind], 3, n_a, 3, seeds, **options), np.random.default_rng(1000)
    for _ in range(updates):
        x, y, counted = counting(rng.integers(1, 21, 32))
        networks.step((softmax(networks.scores(x), axis=1) - y) * counted / counted.sum())
    right = []
    for n in range(1, longest + 1):
        x, y, counted = counting([n])
        said = networks.scores(x).argmax(axis=1)
        right.append(np.all((said == y.argmax(axis=0)) | (counted == 0), axis=(1, 2)))
    return np.array(right).T


def learn_to_add(kind, seeds, updates=500, n_a=16, T=60, **options):
    """Train on the sums and return for each start its error on 1000 new ones, and its errors while it learned."""
    networks, rng = Starts(KINDS[kind], 2, n_a, 1, seeds, **options), np.random.default_rng(1000)
    errors = []
    for _ in range(updates):
        x, y = adding(50, T, rng)
        scores = networks.scores(x)
        far = scores[:, 0, :, -1] - y
        dscores = np.zeros_like(scores)
        dscores[:, 0, :, -1] = 2 * far / 50
        networks.step(dscores)
        errors.append(np.mean(far**2, axis=1))
    x, y = adding(1000, T, np.random.default_rng(2000))
    return np.mean((networks.scores(x)[:, 0, :, -1] - y) ** 2, axis=1), np.array(errors).T


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
        "the forget gates start shut",
        "the mean forget gate is near 0: the cells hold nothing from one step to the next",
        "start the biases of the forget gates at 1",
    ),
    sick.Fault(
        "the answers belong to other sequences",
        "gates are open and the cost falls a little, but new sequences are answered no better than by guessing",
        "print one sequence together with its answer",
    ),
)


def sick_run(rng, lstm_forward, lstm_backward, updates=150, which=None):
    """Train on sequences of 8 signs, whose first one is asked for at the end, with one of `FAULTS` planted.

    Parameters
    ----------
    rng : Generator
    lstm_forward, lstm_backward : callable
        The learner's.
    updates : int
    which : int, optional
        The fault; by default `rng` chooses.

    Returns
    -------
    sick.Run
    """
    which = int(rng.integers(len(FAULTS))) if which is None else which
    rate = (rng.uniform(0.8, 1.5), rng.uniform(1e-6, 3e-6), 0.02, 0.02)[which]
    p = first_parameters(2, 6, 2, rng, forget=-12.0 if which == 2 else 1.0)
    if which == 2:
        p["Wf"] = 0.1 * p["Wf"]
    costs, norm, right, steps = recall(rng, lstm_forward, lstm_backward, p, rate, which == 3, updates)
    kept = np.mean([step[4] for step in steps])
    words = (
        f"The network sees 8 signs and is asked for the first. Guessing costs 0.693. The cost is {costs[0]:.3f} at the "
        f"start, {np.mean(costs[-20:]):.3f} on average over the last 20 of {updates} updates, and at most "
        f"{max(costs):.3g}. The norm of the gradient is {norm:.1e} at the start. The learning rate of Adam is "
        f"{rate:.1e}. The mean forget gate is {kept:.2g} at the end. Right: {right:.0%} of new sequences."
    )
    return sick.Run(draw_costs(costs), words, FAULTS, which)
