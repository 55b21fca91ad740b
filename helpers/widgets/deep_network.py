"""The pictures of lesson 1.5: a net, its blocks and caches stepped through, gradients layer by layer."""

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import FancyBboxPatch
from matplotlib.ticker import LogLocator, NullLocator

from helpers.checks.sick import Fault, Run
from helpers.plots import BLUE, GREEN, ORANGE, RED
from helpers.widgets import LiveFigure

FORWARD_Y, BACKWARD_Y, LAYER_WIDTH = 2.7, 0.7, 2.6
BOX_WIDTH, BOX_HEIGHT = 1.7, 1.0
LIGHT_BLUE, LIGHT_ORANGE = "#DCEBF5", "#FBEFD5"

#: The net that `step_through` computes: one neuron per layer, weights but the second, all biases.
CHAIN_WEIGHTS, CHAIN_BIAS = (1.0, 3.0, 0.5), -1.0


def _box(ax, x, y, color, **options):
    """Draw a box around the point (x, y) and return it."""
    corner = (x - BOX_WIDTH / 2, y - BOX_HEIGHT / 2)
    box = FancyBboxPatch(corner, BOX_WIDTH, BOX_HEIGHT, boxstyle="round,pad=0.02,rounding_size=0.1", **options)
    box.set(facecolor=color, edgecolor=options.get("edgecolor", "#555555"))
    return ax.add_patch(box)


def _arrow(ax, start, end, color, style="-"):
    ax.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": color, "linestyle": style, "linewidth": 1.3})


def draw_net(ax, layers_dims):
    """Draw a net as circles and lines; above each layer its number of units."""
    heights = [np.arange(n) - (n - 1) / 2 for n in layers_dims]
    for l, (before, after) in enumerate(zip(heights[:-1], heights[1:], strict=True)):
        for y in before:
            ax.plot([l, l + 1], [np.full(len(after), y), after], color="#bbbbbb", linewidth=0.7, zorder=1)
    for l, ys in enumerate(heights):
        color = "white" if l == 0 else LIGHT_BLUE
        ax.scatter([l] * len(ys), ys, s=230, facecolor=color, edgecolor="#555555", zorder=2)
        name = "input" if l == 0 else f"layer {l}"
        ax.text(l, max(layers_dims) / 2 + 0.2, f"{name}\n$n^{{[{l}]}} = {len(ys)}$", ha="center", va="bottom")
    ax.set(xlim=(-0.5, len(layers_dims) - 0.5), ylim=(-max(layers_dims) / 2, max(layers_dims) / 2 + 1.2))
    ax.set_axis_off()


def draw_blocks(ax, L):
    """Draw the empty blocks of a net with L layers: forward above, backward below, a dashed arrow for each cache.

    Returns
    -------
    x : list of float
        Where the layers stand; entry l belongs to layer l, entry 0 to the input, entry L + 1 to the loss.
    """
    x = [LAYER_WIDTH * l for l in range(L + 2)]
    ends = [x[0] + 0.5, *(x[l] for l in range(1, L + 1)), x[L + 1] - 0.35]
    for l in range(L + 1):
        half_left = 0 if l == 0 else BOX_WIDTH / 2
        half_right = 0 if l == L else BOX_WIDTH / 2
        left, right = ends[l] + half_left + 0.05, ends[l + 1] - half_right - 0.05
        _arrow(ax, (left, FORWARD_Y), (right, FORWARD_Y), BLUE)
        _arrow(ax, (right, BACKWARD_Y), (left, BACKWARD_Y), ORANGE)
    for l in range(1, L + 1):
        _box(ax, x[l], FORWARD_Y, LIGHT_BLUE)
        _box(ax, x[l], BACKWARD_Y, LIGHT_ORANGE)
        _arrow(ax, (x[l], FORWARD_Y - BOX_HEIGHT / 2), (x[l], BACKWARD_Y + BOX_HEIGHT / 2 + 0.05), "#555555", "--")
        ax.text(x[l], FORWARD_Y + BOX_HEIGHT / 2 + 0.1, f"layer {l}", ha="center", va="bottom", fontsize=9)
        _arrow(ax, (x[l], BACKWARD_Y - BOX_HEIGHT / 2), (x[l], BACKWARD_Y - BOX_HEIGHT / 2 - 0.45), ORANGE)
    ax.text(ends[-1] + 0.05, (FORWARD_Y + BACKWARD_Y) / 2, "loss", ha="center", va="center", fontsize=9)
    _arrow(ax, (ends[-1] + 0.05, FORWARD_Y - 0.1), (ends[-1] + 0.05, (FORWARD_Y + BACKWARD_Y) / 2 + 0.2), BLUE)
    _arrow(ax, (ends[-1] + 0.05, (FORWARD_Y + BACKWARD_Y) / 2 - 0.2), (ends[-1] + 0.05, BACKWARD_Y + 0.1), ORANGE)
    ax.set(xlim=(x[0] - 0.35, x[-1] + 0.15), ylim=(-0.8, FORWARD_Y + BOX_HEIGHT / 2 + 0.45))
    ax.set_axis_off()
    return x


def draw_symbols(ax, L=3):
    """Draw the blocks of a net with the names of all arrays: what each block takes, gives, keeps and fills."""
    x = draw_blocks(ax, L)
    text = {"ha": "center", "va": "center", "fontsize": 9}
    for l in range(1, L + 1):
        g = "sigmoid" if l == L else "ReLU"
        ax.text(x[l], FORWARD_Y, f"$W^{{[{l}]}},\\ b^{{[{l}]}}$\nlinear, {g}", **text)
        ax.text(x[l], BACKWARD_Y, "$dZ = A - Y$,\nlinear back" if l == L else "ReLU back,\nlinear back", **text)
        middle = (FORWARD_Y + BACKWARD_Y) / 2
        cache = f"$A^{{[{l - 1}]}}, W^{{[{l}]}}, b^{{[{l}]}}, Z^{{[{l}]}}$"
        ax.text(
            x[l], middle, cache, **(text | {"fontsize": 8}), bbox={"facecolor": "white", "edgecolor": "none", "pad": 1}
        )
        ax.text(x[l], BACKWARD_Y - BOX_HEIGHT / 2 - 0.6, f"$dW^{{[{l}]}},\\ db^{{[{l}]}}$", **text)
    for l in range(L + 1):
        middle = (x[l] + x[l + 1]) / 2 - (0.1 if l == 0 else 0)
        ax.text(middle, FORWARD_Y + 0.22, f"$A^{{[{l}]}}$", **text, color=BLUE)
        last = f"$A^{{[{L}]}}, Y$"
        ax.text(middle, BACKWARD_Y - 0.25, last if l == L else f"$dA^{{[{l}]}}$", **text, color="#9A6A00")
    ax.text(x[0] + 0.25, FORWARD_Y, "$X$", **text)


def _short(value):
    """Return a number in few characters, with a real minus sign."""
    text = f"{value:.3g}" if abs(value) >= 5e-4 else "0"
    return text.replace("-", "−")


def chain(L_model_forward, L_model_backward, x, w2, y):
    """Return z, a, dw, db, da of the net with one neuron per layer; entry l belongs to layer l, a[0] is x.

    Parameters
    ----------
    L_model_forward, L_model_backward : callable
        The learner's functions.
    x, w2 : float
        Input, and weight of layer 2.
    y : int
        Label.
    """
    weights = (CHAIN_WEIGHTS[0], w2, CHAIN_WEIGHTS[2])
    parameters = {}
    for l, w in enumerate(weights, start=1):
        parameters |= {f"W{l}": np.array([[w]]), f"b{l}": np.array([[CHAIN_BIAS]])}
    AL, caches = L_model_forward(np.array([[float(x)]]), parameters)
    grads = L_model_backward(AL, np.array([[y]]), caches)
    L = len(weights)
    z = [None, *(cache[1].item() for cache in caches)]
    a = [*(cache[0][0].item() for cache in caches), AL.item()]
    dw, db = ([None, *(grads[f"{name}{l}"].item() for l in range(1, L + 1))] for name in ("dW", "db"))
    da = [grads[f"dA{l}"].item() for l in range(L)]
    return (None, *weights), z, a, dw, db, da


def step_through(L_model_forward, L_model_backward):
    """Return the picture: a slider steps forward and backward through a net with one neuron per layer.

    Parameters
    ----------
    L_model_forward, L_model_backward : callable
        The learner's functions; all numbers come from them.
    """
    L = len(CHAIN_WEIGHTS)
    figure, ax = plt.subplots(figsize=(7.2, 3.5))
    x_of = draw_blocks(ax, L)
    still = {"ha": "center", "va": "center", "fontsize": 8.5}
    text = still | {"animated": True}  # only what changes is drawn anew
    for l in range(1, L + 1):
        g = "σ" if l == L else "relu"
        if l != 2:
            ax.text(x_of[l], FORWARD_Y + 0.28, f"w = {_short(CHAIN_WEIGHTS[l - 1])},  b = −1", **still)
        ax.text(x_of[l], FORWARD_Y - 0.28, f"a = {g}(z)", **still)
        for side, words in ((-0.1, "cache:"), (0.1, "a, w, b, z")):
            place = still | {"ha": "right" if side < 0 else "left"}
            ax.text(x_of[l] + side, (FORWARD_Y + BACKWARD_Y) / 2, words, **place)
        ax.text(x_of[l], BACKWARD_Y + 0.2, "dz = a − y" if l == L else f"dz = da · {g}′(z)", **still)
        ax.text(x_of[l], BACKWARD_Y - BOX_HEIGHT / 2 - 0.85, "db = dz", **still)
    w2_text = ax.text(x_of[2], FORWARD_Y + 0.28, "", **text)
    z_text = [ax.text(x_of[l], FORWARD_Y, "", **text) for l in range(1, L + 1)]
    dz_text = [ax.text(x_of[l], BACKWARD_Y - 0.2, "", **text) for l in range(1, L + 1)]
    dw_text = [ax.text(x_of[l], BACKWARD_Y - BOX_HEIGHT / 2 - 0.6, "", **text) for l in range(1, L + 1)]
    between = [(x_of[l] + x_of[l + 1]) / 2 - (0.1 if l == 0 else 0) for l in range(L + 1)]
    a_text = [ax.text(between[l], FORWARD_Y + 0.22, "", **text, color=BLUE) for l in range(L + 1)]
    da_text = [ax.text(between[l], BACKWARD_Y - 0.25, "", **text, color="#9A6A00") for l in range(L)]
    frame = _box(ax, x_of[1], FORWARD_Y, "none", edgecolor=RED, linewidth=2.2, animated=True)

    def update(step, x, w2, y):
        w, z, a, dw, db, da = chain(L_model_forward, L_model_backward, x, w2, y)
        s = _short
        a_text[0].set_text(f"x = {s(a[0])}")
        w2_text.set_text(f"w = {s(w2)},  b = −1")
        for l in range(1, L + 1):
            done, back = step >= l, step >= 2 * L + 1 - l
            z_text[l - 1].set_text(f"z = {s(z[l])}" if done else "")
            a_text[l].set_text(s(a[l]) if done else "")
            dz_text[l - 1].set_text(f"dz = {s(db[l])}" if back else "")
            dw_text[l - 1].set_text(f"dw = {s(dw[l])}" if back else "")
            da_text[l - 1].set_text(s(da[l - 1]) if back else "")
        l = step if step <= L else 2 * L + 1 - step
        frame.set_x(x_of[l] - BOX_WIDTH / 2)
        frame.set_y((FORWARD_Y if step <= L else BACKWARD_Y) - BOX_HEIGHT / 2)
        if step <= L:
            score = f"z = {s(w[l])} · {s(a[l - 1])} + ({s(CHAIN_BIAS)}) = {s(z[l])}"
            kept_now = f"a of layer {l - 1} = {s(a[l - 1])}, w, b and z = {s(z[l])}"
            return f"Step {step}, forward through layer {l}: {score}, a = {s(a[l])}. The cache keeps {kept_now}."
        return (
            f"Step {step}, backward through layer {l}: dz = {s(db[l])}, dw = dz · {s(a[l - 1])} = {s(dw[l])}, "
            f"db = {s(db[l])}; to layer {l - 1} goes da = {s(w[l])} · dz = {s(da[l - 1])}."
        )

    return LiveFigure(
        figure,
        update,
        step=ipywidgets.IntSlider(value=2 * L, min=1, max=2 * L, description="step"),
        x=ipywidgets.FloatSlider(value=2.0, min=-1.0, max=4.0, step=0.25, description="input x"),
        w2=ipywidgets.FloatSlider(
            value=CHAIN_WEIGHTS[1], min=-3.0, max=4.0, step=0.25, description="weight w of layer 2"
        ),
        y=ipywidgets.ToggleButtons(value=1, options=[0, 1], description="label y"),
    )


# --- gradients layer by layer ----------------------------------------------------------------------------------------

WIDTH, EXAMPLES, MOST_LAYERS = 32, 50, 30


def sizes_by_layer(L_model_forward, L_model_backward, L, scale, seed=0):
    """Return the sizes (root mean squares) of A, dA and dW in a net with random weights.

    Parameters
    ----------
    L_model_forward, L_model_backward : callable
        The learner's functions.
    L : int
        Number of layers: L - 1 with 32 units and ReLU, one output.
    scale : float
        c: weights are drawn with standard deviation c / sqrt(units of the layer before); biases are 0.

    Returns
    -------
    A, dA : ndarray, shape (L,)
        Of layers 0 to L - 1.
    dW : ndarray, shape (L,)
        Of layers 1 to L.
    """
    rng = np.random.default_rng(seed)
    X, Y = rng.standard_normal((WIDTH, EXAMPLES)), rng.integers(0, 2, (1, EXAMPLES))
    parameters = {}
    for l in range(1, L + 1):
        n = 1 if l == L else WIDTH
        parameters[f"W{l}"] = rng.standard_normal((n, WIDTH)) * scale / np.sqrt(WIDTH)
        parameters[f"b{l}"] = np.zeros((n, 1))
    AL, caches = L_model_forward(X, parameters)
    grads = L_model_backward(AL, Y, caches)

    def size(array):
        return np.sqrt(np.mean(np.square(array)))

    A = np.array([size(cache[0][0]) for cache in caches])
    dA = np.array([size(grads[f"dA{l}"]) for l in range(L)])
    dW = np.array([size(grads[f"dW{l}"]) for l in range(1, L + 1)])
    return A, dA, dW


def gradients_by_layer(L_model_forward, L_model_backward):
    """Return the picture: sliders for the number of layers and the scale of the weights; sizes of A, dA and dW.

    Parameters
    ----------
    L_model_forward, L_model_backward : callable
        The learner's functions.
    """
    figure, ax = plt.subplots(figsize=(7.2, 3.5), layout="none")  # no layout to compute at each move
    figure.subplots_adjust(left=0.1, right=0.99, bottom=0.15, top=0.92)
    marks = (("A", BLUE, "o"), ("dA", ORANGE, "s"), ("dW", GREEN, "^"))
    lines = [
        ax.plot([], [], f"-{mark}", color=color, markersize=4, linewidth=1.2, label=name)[0]
        for name, color, mark in marks
    ]
    ax.axhline(1, color="gray", linewidth=0.8, linestyle="--")
    ax.set(
        yscale="log",
        xlim=(-0.5, MOST_LAYERS + 2),
        xlabel="layer l",
        ylabel="size (root mean square)",
        title="Forward from left to right, backward from right to left",
    )
    ax.yaxis.set_major_locator(LogLocator(numticks=7))
    ax.yaxis.set_minor_locator(NullLocator())
    names = [ax.text(0, 1, f" {name}", color=color, va="center") for name, color, _ in marks]

    def update(L, scale):
        A, dA, dW = sizes_by_layer(L_model_forward, L_model_backward, L, scale)
        layers = np.arange(L)
        for line, x, sizes in zip(lines, (layers, layers, layers + 1), (A, dA, dW), strict=True):
            line.set_data(x, np.maximum(sizes, 1e-300))
        low, high = (np.log10(np.maximum(f([A, dA, dW]), 1e-300)) for f in (np.min, np.max))
        low, high = (
            np.floor(min(low, -1)),
            np.ceil(max(high, 1)),
        )  # whole powers of ten, so that factors can be read off
        ax.set_ylim(10.0**low, 10.0**high)
        ends = np.log10(np.maximum([A[-1], dA[-1], dW[-1]], 1e-300))
        order, apart = np.argsort(ends), (high - low) / 16
        for below, above in zip(order[:-1], order[1:], strict=True):  # names do not overlap
            ends[above] = max(ends[above], ends[below] + apart)
        for name, line, height in zip(names, lines, ends, strict=True):
            name.set_position((line.get_xdata()[-1] + 0.3, 10**height))
        per_layer = (dA[0] / dA[-1]) ** (1 / (L - 1)) if dA[0] > 0 else 0.0
        return (
            f"{L} layers, c = {scale:.2f}: on the way back from layer {L - 1} to layer 0, the size of dA goes from "
            f"{dA[-1]:.1e} to {dA[0]:.1e}, a factor of {per_layer:.2f} per layer. "
            f"dW of layer 1 has the size {dW[0]:.1e}."
        )

    return LiveFigure(
        figure,
        update,
        L=ipywidgets.IntSlider(value=20, min=3, max=MOST_LAYERS, description="layers L"),
        scale=ipywidgets.FloatLogSlider(
            value=1.0, base=10, min=-0.6, max=0.6, step=0.025, description="scale c of weights", readout_format=".2f"
        ),
    )


# --- accuracy against steps ------------------------------------------------------------------------------------------


def draw_against_steps(ax, at, right, names):
    """Draw the mean accuracy of several starts against the steps, one line for each net, its name at its end.

    Parameters
    ----------
    ax : Axes
    at : ndarray, shape (T,)
        Numbers of steps.
    right : list of ndarray, shape (starts, T)
        Shares of right predictions, one array for each net; the band goes from the lowest to the highest start.
    names : list of str
    """
    ends = []
    for color, style, shares, name in zip((BLUE, ORANGE, GREEN), ("-", "--", "-."), right, names, strict=True):
        ax.fill_between(at, shares.min(axis=0), shares.max(axis=0), color=color, alpha=0.12, linewidth=0)
        ax.plot(at, shares.mean(axis=0), style, color=color)
        ends.append((shares[:, -1].mean(), name, color))
    ends.sort(key=lambda one: one[0])
    height = -1.0
    for share, name, color in ends:
        height = max(share, height + 0.045)
        ax.text(at[-1] * 1.02, height, name, color=color, va="center", fontsize=8)
    ax.set(xlabel="step", xlim=(0, at[-1] * 1.45), ylim=(0.45, 1))
    ax.set_xticks(np.linspace(0, at[-1], 4).round().astype(int))


# --- runs to diagnose ------------------------------------------------------------------------------------------------

FAULTS = (
    Fault(
        "the learning rate is too large",
        "the cost starts near ln 2 and then rises in many steps: the walk jumps",
        "divide the learning rate by 10",
    ),
    Fault(
        "the learning rate is too small",
        "the cost falls in every step, but by little, and dW is nearly as large at the end as at the start",
        "multiply the learning rate by 10",
    ),
    Fault(
        "the first weights are too small",
        "dW is tiny in every layer, though not 0, and the cost stays at that of guessing",
        "draw the weights with standard deviation 1 / sqrt(inputs), or sqrt(2 / inputs)",
    ),
    Fault(
        "the first weights are too large",
        "the cost at the start is many times that of guessing",
        "print the spread of each W before the first step, and draw them smaller",
    ),
    Fault(
        "all units of layer 2 are dead",
        "no unit of layer 2 is on for any example, so dW is exactly 0 in every layer",
        "look at the biases of layer 2, and start them at 0",
    ),
)


def sick_run(rng, L_model_forward, L_model_backward, update_parameters, compute_cost, steps=60, which=None):
    """Train a net of four layers on new data with one of `FAULTS` planted, and return the `Run`.

    Parameters
    ----------
    rng : Generator
    L_model_forward, L_model_backward, update_parameters, compute_cost : callable
        The learner's.
    steps : int
    which : int, optional
        The fault; by default `rng` chooses.
    """
    which = int(rng.integers(len(FAULTS))) if which is None else which
    X = rng.standard_normal((6, 200))
    Y = (X[:1] * X[1:2] + X[2:3] > 0).astype(int)
    rate = (rng.uniform(12, 18), rng.uniform(0.0008, 0.0015), 0.1, 0.001, 0.1)[which]
    scale = (1.4, 1.4, rng.uniform(0.05, 0.1), rng.uniform(6, 8), 1.4)[which]
    dims, parameters = [6, 16, 16, 16, 1], {}
    for l in range(1, len(dims)):
        parameters[f"W{l}"] = rng.standard_normal((dims[l], dims[l - 1])) * scale / np.sqrt(dims[l - 1])
        parameters[f"b{l}"] = np.zeros((dims[l], 1))
    if which < 2:
        parameters["W4"] *= 0.3  # so that the cost starts near ln 2
    if which == 4:
        parameters["b2"] -= rng.uniform(20, 30)
    costs, sizes = [], []
    with np.errstate(all="ignore"):
        for _ in range(steps):
            AL, caches = L_model_forward(X, parameters)
            costs.append(float(compute_cost(AL, Y)))
            grads = L_model_backward(AL, Y, caches)
            sizes.append([np.sqrt(np.mean(grads[f"dW{l}"] ** 2)) for l in range(1, len(dims))])
            parameters = update_parameters(parameters, grads, rate)
            if len(costs) == 1:
                on = [int(np.sum(np.any(cache[1] > 0, axis=1))) for cache in caches[:-1]]
    words = (
        f"The cost is {costs[0]:.3f} at the start and {costs[-1]:.3f} after {steps} steps; it rose in "
        f"{np.sum(np.diff(costs) > 1e-9)} of them. The sizes of dW in layers 1 to 4 at the start: {_listed(sizes[0])}; "
        f"at the end: {_listed(sizes[-1])}. Units of layers 1 to 3 that are on for at least one example at the start: "
        f"{', '.join(map(str, on))} of 16."
    )
    figure, (left, bars) = plt.subplots(1, 2, figsize=(7.2, 2.6))
    left.plot(costs, color=BLUE)
    left.axhline(np.log(2), color="gray", linestyle="--", linewidth=1)
    left.set(xlabel="step", ylabel="J", title="cost; dashed: guessing")
    layers = np.arange(1, len(dims))
    bars.bar(layers - 0.2, np.maximum(sizes[0], 1e-9), 0.4, color=ORANGE)
    bars.bar(layers + 0.2, np.maximum(sizes[-1], 1e-9), 0.4, color=BLUE, hatch="//")
    bars.set(yscale="log", ylim=(1e-9, None), xticks=layers, xlabel="layer", title="size of dW; hatched: last step")
    plt.close(figure)
    return Run(figure, words, FAULTS, which)


def _listed(sizes):
    return ", ".join(f"{size:.2g}" for size in sizes)
