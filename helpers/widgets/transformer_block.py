"""Lesson 5.10: lists to write backwards, names to predict, the pictures of a block and of GELU, runs with a fault."""

from typing import NamedTuple

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from scipy.special import softmax

from helpers import data
from helpers.checks import sick
from helpers.plots import BLUE, GREEN, ORANGE
from helpers.widgets import LiveFigure, fast_rnn
from helpers.widgets.fast_attention import Functions, Transformer, multi_head_attention, multi_head_backward

#: Of the lists.
SYMBOLS, LENGTH = 8, 10
BATCH, RATE = 32, 0.01
#: Of the names: letters and the end, number 0; letters and one place for the end.
LETTERS = "abcdefghijklmnopqrstuvwxyz"
LONGEST = 9


# --- lists to write backwards -----------------------------------------------------------------------------------------


def lists(rng, m=BATCH):
    """Return lists of symbols (m, 10) as inputs, and the same backwards as labels."""
    tokens = rng.integers(SYMBOLS, size=(m, LENGTH))
    return (tokens,), tokens[:, ::-1]


def per_step(scores, y):
    """Return the mean cost of a step, and its derivative by the scores."""
    J, dscores = fast_rnn.softmax_loss(scores, y)
    return J / y.shape[1], dscores / y.shape[1]


def right(net, tokens):
    """Return for each place the share of lists of which `net` writes the right symbol there, (10,)."""
    return np.mean(net.forward(tokens).argmax(axis=0) == tokens[:, ::-1], axis=0)


def most_frequent(tokens):
    """Return the share of right symbols of whoever knows what is in a list, but not where."""
    counts = np.stack([np.sum(tokens == symbol, axis=1) for symbol in range(SYMBOLS)])
    return float(np.mean(counts.max(axis=0)) / tokens.shape[1])


def reverser(functions, seed=0, **options):
    """Return an untrained network for the lists; `options` are those of `Transformer`."""
    return Transformer(functions, SYMBOLS, SYMBOLS, np.random.default_rng(seed), **options)


def train(net, steps, seed=0, learning_rate=RATE, test=None, every=50):
    """Train on new lists in each step; return the costs and, with `test`, the share right after each `every` steps."""
    rng, optimizer = np.random.default_rng([seed, 1]), fast_rnn.Adam(learning_rate)
    costs, shares = [], []
    for _ in range(steps // every):
        costs.extend(fast_rnn.train_on_fresh(net, lambda: lists(rng), optimizer, every, per_step))
        if test is not None:
            shares.append(float(right(net, test).mean()))
    return np.array(costs), shares


# --- names ------------------------------------------------------------------------------------------------------------


def names(held_out=60, seed=0):
    """Return first names as whole numbers (m, 10), the end is 0: those to train with, and others for the test."""
    kept = [
        name.lower() for name in data.names()["first"] if len(name) <= LONGEST and name.isalpha() and name.isascii()
    ]
    tokens = np.zeros((len(kept), LONGEST + 1), dtype=int)
    for row, name in zip(tokens, kept, strict=True):
        row[: len(name)] = [1 + LETTERS.index(letter) for letter in name]
    order = np.random.default_rng(seed).permutation(len(tokens))
    return tokens[order[held_out:]], tokens[order[:held_out]]


def counted(tokens):
    """Return 1 for each letter and for the end behind the last one, 0 for what follows; (m, T)."""
    ends = np.argmin(tokens, axis=1)
    return (np.arange(tokens.shape[1]) <= ends[:, None]).astype(float)


def before(tokens):
    """Return what the network reads where it predicts `tokens`: the same, one place later, after an end."""
    return np.concatenate([np.zeros((len(tokens), 1), dtype=int), tokens[:, :-1]], axis=1)


def per_letter(scores, y):
    """Return the mean cost of a letter or end, in nats, and its derivative by the scores."""
    weight = counted(y)
    factor = len(y) / weight.sum()
    J, dscores = fast_rnn.softmax_loss(scores, y, weight)
    return J * factor, dscores * factor


def writer(functions, causal, seed=0):
    """Return an untrained network that predicts letters; `causal` is the learner's mask, or None."""
    return Transformer(functions, 27, 27, np.random.default_rng(seed), causal=causal)


def train_writer(net, tokens, steps=300, seed=0, learning_rate=RATE):
    """Train on random batches of 64 names; return the costs."""
    rng = np.random.default_rng([seed, 2])

    def draw():
        some = tokens[rng.integers(len(tokens), size=64)]
        return (before(some),), some

    return fast_rnn.train_on_fresh(net, draw, fast_rnn.Adam(learning_rate), steps, per_letter)


def pairs_of_letters(tokens, test):
    """Return the cost of a letter of `test` for who counts, in `tokens`, which letter follows which, plus one each."""
    counts = np.ones((27, 27))
    np.add.at(counts, (before(tokens), tokens), counted(tokens))
    shares = counts / counts.sum(axis=1, keepdims=True)
    weight = counted(test)
    return float(-np.sum(weight * np.log(shares[before(test), test])) / weight.sum())


def write(net, rng, count=6):
    """Return names that the network draws letter by letter, up to an end."""
    written = []
    for _ in range(count):
        tokens = [0]
        while len(tokens) <= LONGEST and (len(tokens) == 1 or tokens[-1]):
            shares = softmax(net.forward(np.array([tokens]))[:, 0, -1])
            tokens.append(int(rng.choice(27, p=shares)))
        written.append("".join(LETTERS[k - 1] for k in tokens[1:] if k))
    return written


# --- blocks with something left out -----------------------------------------------------------------------------------


class Pieces(NamedTuple):
    """The learner's functions of which a block is made."""

    norm_forward: callable
    norm_backward: callable
    feed_forward: callable
    feed_backward: callable
    positions: callable


def without_residuals(pieces):
    """Return the `Functions` of a block a = MHA(LN(x)), y = FF(LN(a)): nothing is added."""

    def forward(x, p, num_heads, mask):
        u, norm1 = pieces.norm_forward(x, p["gamma1"], p["beta1"], 1e-5)
        a, attention = multi_head_attention(u, u, p, num_heads, mask)
        v, norm2 = pieces.norm_forward(a, p["gamma2"], p["beta2"], 1e-5)
        y, feed = pieces.feed_forward(v, p["W1"], p["b1"], p["W2"], p["b2"])
        return y, (norm1, attention, norm2, feed)

    def backward(dy, cache):
        norm1, attention, norm2, feed = cache
        found = {}
        dv, found["dW1"], found["db1"], found["dW2"], found["db2"] = pieces.feed_backward(dy, feed)
        da, found["dgamma2"], found["dbeta2"] = pieces.norm_backward(dv, norm2)
        found |= multi_head_backward(da, attention)
        dx, found["dgamma1"], found["dbeta1"] = pieces.norm_backward(found["dX_q"] + found["dX_kv"], norm1)
        return dx, found

    return Functions(forward, backward, pieces.norm_forward, pieces.norm_backward, pieces.positions)


# --- the picture: one column walks through a block --------------------------------------------------------------------

_N, _T, _HEADS = 8, 6, 2
STATIONS = ("x", "LN(x)", "x + attention", "LN", "y")


def _block_of_the_picture():
    """Return x (8, 1, 6) and parameters that were drawn once."""
    rng = np.random.default_rng(7)
    x = rng.normal(size=(_N, 1, _T)) * rng.uniform(0.5, 2.5, size=(1, 1, _T)) + rng.normal(size=(1, 1, _T))
    p = {}
    for name, shape in (dict.fromkeys("QKVO", (_N, _N)) | {"1": (16, _N), "2": (_N, 16)}).items():
        p |= {"W" + name: rng.normal(size=shape) / np.sqrt(shape[1]), "b" + name: np.zeros((shape[0], 1))}
    return x, p


def stations(norm_forward, gelu, x, p, t, normed=True, residual=True, attended=True):
    """Return the five columns (8,) of step t on its way through a block, from the learner's functions."""
    one, zero = np.ones((_N, 1)), np.zeros((_N, 1))
    norm = (lambda a: norm_forward(a, one, zero, 1e-5)[0]) if normed else (lambda a: a)
    u = norm(x)
    h = multi_head_attention(u, u, p, _HEADS, np.ones((_T, _T), dtype=bool))[0] if attended else 0 * x
    a = residual * x + h
    v = norm(a)
    z = np.tensordot(p["W1"], v, axes=1) + p["b1"][:, :, None]
    y = residual * a + np.tensordot(p["W2"], gelu(z), axes=1) + p["b2"][:, :, None]
    return [part[:, 0, t] for part in (x, u, a, v, y)]


def draw_positions(ax, positional_encoding, n=32, T=30):
    """Draw the map of the products of all pairs of positions."""
    P = positional_encoding(n, T)
    image = ax.imshow(P.T @ P, cmap="Blues", origin="lower")
    ax.set(xlabel="step s", ylabel="step t", title="products of positions")
    ax.grid(visible=False)
    return image


def _walk(animated, positional_encoding):
    """Return a figure with five bar charts, a map and a curve, and ``show(columns, t)``."""
    figure, axes = plt.subplot_mosaic(
        [[*"abcde"], [*"mmccc".replace("c", "r")]], figsize=(8.4, 4.6), layout="none", height_ratios=(1, 1.15)
    )
    figure.subplots_adjust(left=0.06, right=0.985, bottom=0.12, top=0.93, wspace=0.3, hspace=0.42)
    bars = []
    for name, title in zip("abcde", STATIONS, strict=True):
        axes[name].set(ylim=(-6, 6), xticks=[], title=title)
        axes[name].axhline(0, color="gray", linewidth=0.8)
        color = {"a": BLUE, "b": GREEN, "c": BLUE, "d": GREEN, "e": BLUE}[name]
        bars.append(axes[name].bar(range(_N), np.ones(_N), color=color, animated=animated))
        if name != "a":
            axes[name].set_yticklabels([])
    draw_positions(axes["m"], positional_encoding)
    P = positional_encoding(32, 30)
    axes["r"].set(xlim=(0, 29), ylim=(0, 17), xlabel="step s", title="product of position t with each position s")
    (curve,) = axes["r"].plot(range(30), np.zeros(30), "o-", color=ORANGE, markersize=3, animated=animated)
    (line,) = axes["m"].plot([-0.5, 29.5], [0, 0], color=ORANGE, animated=animated)

    def show(columns, position):
        for chart, column in zip(bars, columns, strict=True):
            for bar, height in zip(chart, np.clip(column, -6, 6), strict=True):
                bar.set_height(height)
        curve.set_ydata(P[:, position] @ P)
        line.set_ydata([position, position])

    return figure, show, P


def draw_walk(norm_forward, gelu, positional_encoding, t=2, position=10, **switches):
    """Return the figure of one state of `walk`, without controls."""
    figure, show, _ = _walk(False, positional_encoding)
    show(stations(norm_forward, gelu, *_block_of_the_picture(), t, **switches), position)
    return figure


def walk(norm_forward, gelu, positional_encoding):
    """Return the picture: the numbers of one step before and after each part of a block; below, positions.

    Parameters
    ----------
    norm_forward, gelu, positional_encoding : callable
        The learner's functions.
    """
    figure, show, P = _walk(True, positional_encoding)
    x, p = _block_of_the_picture()

    def update(t, normed, residual, attended, position):
        columns = stations(norm_forward, gelu, x, p, t, normed, residual, attended)
        show(columns, position)
        spreads = ", ".join(f"{name} {column.std():.2f}" for name, column in zip(STATIONS, columns, strict=True))
        products = P[:, position] @ P
        near = products[position - 1 if position else 1]
        switches = {"norm": normed, "residual": residual, "attention": attended}
        said = ", ".join(f"{'with' if on else 'without'} {name}" for name, on in switches.items())
        return (
            f"Step {t}, {said}. Standard deviations of the column: {spreads}. The product of "
            f"position {position} with itself is {products[position]:.1f}, with its neighbour {near:.1f}."
        )

    return LiveFigure(
        figure,
        update,
        t=ipywidgets.IntSlider(value=2, min=0, max=_T - 1, description="step of the column"),
        normed=ipywidgets.Checkbox(value=True, description="norm"),
        residual=ipywidgets.Checkbox(value=True, description="residual"),
        attended=ipywidgets.Checkbox(value=True, description="attention"),
        position=ipywidgets.IntSlider(value=10, min=0, max=29, description="position t of the map"),
    )


# --- the picture of GELU ----------------------------------------------------------------------------------------------

_Z = np.linspace(-4, 4, 161)


def draw_gelu(axes, gelu, gelu_derivative, animated=False):
    """Draw GELU and ReLU, and their derivatives, on two axes; return the moving points."""
    points = []
    for ax, ours, other, title in (
        (axes[0], gelu, lambda z: np.maximum(0, z), "function"),
        (axes[1], gelu_derivative, lambda z: (z > 0) * 1.0, "derivative"),
    ):
        ax.plot(_Z, other(_Z), "--", color="gray", label="ReLU")
        ax.plot(_Z, ours(_Z), color=BLUE, label="GELU")
        ax.set(xlabel="z", title=title)
        points += ax.plot([0], [ours(np.array(0.0))], "D", color=ORANGE, animated=animated)
    axes[0].legend()
    return points


def gelu_slider(gelu, gelu_derivative):
    """Return the picture of GELU and its derivative with a slider for z."""
    figure, axes = plt.subplots(1, 2, figsize=(7, 3))
    points = draw_gelu(axes, gelu, gelu_derivative, animated=True)

    def update(z):
        values = [float(function(np.array(z))) for function in (gelu, gelu_derivative)]
        for point, value in zip(points, values, strict=True):
            point.set_data([z], [value])
        return (
            f"z = {z:.2f}: GELU {values[0]:.4f}, ReLU {max(0, z):.2f}; the derivative of GELU is {values[1]:.4f}, "
            f"that of ReLU {float(z > 0):.0f}."
        )

    return LiveFigure(figure, update, z=ipywidgets.FloatSlider(value=-0.75, min=-4, max=4, step=0.05, description="z"))


# --- runs to diagnose -------------------------------------------------------------------------------------------------

FAULTS = (
    sick.Fault(
        "the learning rate is too large",
        "the cost leaps far above guessing in the first steps, and comes down slowly or not at all",
        "divide the learning rate by 10 or more",
    ),
    sick.Fault(
        "the learning rate is too small",
        "the cost hardly moves from its start, which is above guessing, and all places are as bad",
        "multiply the learning rate by 10 or more",
    ),
    sick.Fault(
        "the positions are not added",
        "the cost falls below guessing and stays there, and all places have about the same share of right symbols",
        "exchange two symbols of a list: if the outputs are exchanged as well, the network does not know the order",
    ),
    sick.Fault(
        "a causal mask hides what the answer needs",
        "the places of the second half become right, and those of the first half do not",
        "ask which steps each answer needs, and whether the mask lets it look there",
    ),
    sick.Fault(
        "gamma of the last norm starts at 0 and is not trained",
        "the cost is that of guessing from the first step on, and all places of all lists get the same scores",
        "look at what the parameters start with, and which of them the optimiser changes",
    ),
)


class _Silent(Transformer):
    """A network whose last gamma is 0 and stays so."""

    def backward(self, dscores):
        back = super().backward(dscores)
        self.gradients["gamma"] = 0 * self.gradients["gamma"]
        return back


def sick_run(rng, block_forward, block_backward, norm_forward, norm_backward, positions, causal_mask, which=None):
    """Train for 150 steps on lists with one of `FAULTS` planted, and return the `sick.Run`.

    Parameters
    ----------
    rng : Generator
    block_forward, block_backward, norm_forward, norm_backward, positions, causal_mask : callable
        The learner's functions.
    which : int, optional
        The fault; by default `rng` chooses.
    """
    which = int(rng.integers(len(FAULTS))) if which is None else which
    seed = int(rng.integers(1000))
    functions = Functions(block_forward, block_backward, norm_forward, norm_backward, positions)
    rate = (rng.uniform(0.5, 1), rng.uniform(1e-6, 5e-6), RATE, RATE, RATE)[which]
    options = {"positions": which != 2, "causal": causal_mask if which == 3 else None}
    kind = _Silent if which == 4 else Transformer
    net = kind(functions, SYMBOLS, SYMBOLS, np.random.default_rng(seed), **options)
    if which == 4:
        net.parameters["gamma"] = 0 * net.parameters["gamma"]
    costs, _ = train(net, 150, seed, rate)
    test, _ = lists(np.random.default_rng(seed), 200)
    shares = right(net, *test)
    spread = np.std(net.forward(*test), axis=0).mean()
    means = ", ".join(f"{one:.3g}" for one in costs.reshape(5, 30).mean(axis=1))
    words = (
        f"The mean costs of five times 30 steps are {means}; guessing costs 2.08. Right symbols: "
        f"{shares[:5].mean():.0%} in the first half of the lists, {shares[5:].mean():.0%} in the second half. The "
        f"scores of a place spread by {spread:.2f}."
    )
    figure, (left, bars) = plt.subplots(1, 2, figsize=(7.2, 2.6))
    left.plot(np.minimum(costs, 6), color=BLUE)
    left.axhline(np.log(SYMBOLS), color="gray", linestyle="--", linewidth=1)
    left.set(xlabel="step", ylabel="J (6: 6 or more)", ylim=(0, 6.1), title="cost; dashed: guessing")
    bars.bar(range(1, 11), shares, color=ORANGE)
    bars.axhline(1 / SYMBOLS, color="gray", linestyle="--", linewidth=1)
    bars.set(xlabel="place in the output", ylim=(0, 1.05), title="share of right symbols", xticks=range(1, 11))
    plt.close(figure)
    return sick.Run(figure, words, FAULTS, which)
