"""The pictures of lesson 5.4: one unit on a sentence, gates over time, and a race of three networks."""

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np

from helpers.plots import BLUE, GREEN, ORANGE, RED
from helpers.widgets import LiveFigure, fast_rnn
from helpers.widgets.gru import SENTENCE, VOCABULARY, number_and_noun, streams

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


def race(mean_between, n_a=16, m=500, num_epochs=15, starts=3):
    """Train all three on the same streams, each from several random starts.

    Returns
    -------
    dict
        By name ``(network, shares)``: the first start's network, and each start's share of right verbs on new streams.
    """
    rng, T = np.random.default_rng(0), max(30, 4 * mean_between)
    x, y, asked, _ = streams(m, T, mean_between, rng)
    x_test, y_test, asked_test, _ = streams(300, T, mean_between, rng)
    options = {"num_epochs": num_epochs, "batch_size": 25, "counted": asked}
    results = {}
    for name, kind in KINDS.items():
        networks, shares = [], []
        for start in range(starts):
            layer = kind(len(VOCABULARY), n_a, np.random.default_rng(10 * start + 1), first=True)
            networks.append(fast_rnn.Network([layer], 2, np.random.default_rng(10 * start + 2)))
            order = np.random.default_rng(10 * start + 3)
            fast_rnn.train(networks[-1], x, y, fast_rnn.ClippedAdam(0.01, 1.0), order, **options)
            shares.append(fast_rnn.accuracy(networks[-1], x_test, y_test, counted=asked_test))
        results[name] = networks[0], shares
    return results


def draw_race(ax, distances, results):
    """Draw the shares of right verbs over distance: each start a mark, a line through the medians.

    ``results`` is ``{name: a list of shares per distance}``.
    """
    for (name, values), color, style in zip(results.items(), (ORANGE, BLUE, GREEN), ("s--", "o-", "^:"), strict=True):
        ax.plot(distances, np.median(values, axis=1), style[1:], color=color)
        ax.plot(np.repeat(distances, np.shape(values)[1]), np.ravel(values), style[0], color=color, label=name)
    ax.axhline(0.5, color="#999999", linewidth=0.8, linestyle=":")
    ax.set(ylim=(0.4, 1.04), xlabel="words between subject and verb, on average", ylabel="share of right verbs")
    ax.legend(loc="lower left")


def as_parameters(network):
    """Return the parameters of a trained LSTM in the form of the lesson, in float64."""
    layer = network.layers[0]
    stacked = np.hstack([layer.parameters["Wa"], layer.parameters["Wx"]]).astype(float)
    parameters = {"Wy": network.parameters["W"].astype(float), "by": network.parameters["b"].astype(float)}
    for name, W, b in zip("fuoc", np.split(stacked, 4), np.split(layer.parameters["b"].astype(float), 4), strict=True):
        parameters[f"W{name}"], parameters[f"b{name}"] = W, b
    return parameters


def draw_gates(axes, words, gates, c, plural):
    """Draw three gates, (n_a, T_x) each, tanh of the cells and the probability of "were" over a text, on five axes."""
    names = (r"$\Gamma_f$", r"$\Gamma_u$", r"$\Gamma_o$", r"$\tanh c$")
    colours = ("Reds", "Oranges", "Greens", "RdBu")
    for ax, name, values, colour in zip(axes, names, [*gates, np.tanh(c)], colours, strict=False):
        low = -1 if colour == "RdBu" else 0
        picture = ax.imshow(values, cmap=colour, vmin=low, vmax=1, aspect="auto", interpolation="nearest")
        ax.set(yticks=[], xticks=[], ylabel=name)
        ax.figure.colorbar(picture, ax=ax, pad=0.01, ticks=[low, 1])
        ax.grid(False)
    axes[4].plot(plural, "o-", color=BLUE)
    axes[4].axhline(0.5, color="#999999", linewidth=0.8)
    axes[4].set(ylim=(-0.08, 1.08), xlim=(-0.5, len(words) - 0.5), ylabel='"were"', xticks=range(len(words)))
    axes[4].set_xticklabels(words, rotation=60, ha="right", fontsize=8)
