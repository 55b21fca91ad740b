"""Lesson 4.2: which outputs a pixel reaches and back, other ways to the same scores, and a layer that learns."""

import importlib.util
import time

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle
from scipy.signal import correlate, fftconvolve

from helpers import data
from helpers.checks.sick import Fault, Run
from helpers.plots import BLUE, ORANGE, RED
from helpers.widgets import LiveFigure
from helpers.widgets.convolution import draw_scores, factor, short
from helpers.widgets.fast_cnn import Chain, Dense, Layer, Momentum, ReLU, accuracy, softmax_cross_entropy, train

N = 5
#: The filters by their size, and what comes back to each entry of the output, row by row.
FILTERS = {2: np.array([[1.0, 2], [3, 4]]), 3: np.array([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]])}
_INCOMING = np.random.default_rng(4).integers(1, 10, size=(6, 6)).astype(float)

# Cells of the drawing: the gradient of the padded image at the left, then the filter, then that of the output.
_COLUMNS, _ROWS, _FILTER_AT, _OUTPUT_AT = 19, 7, 8, 12
_PLAIN, _FRAME, _MARK = np.array([0.91, 0.91, 0.91]), np.array([0.98, 0.87, 0.66]), np.array([0.62, 0.8, 0.93])
_PIXELS = 12  # of a cell

PIXEL, ENTRY = "a pixel of the image", "an entry of the output"


# --- the picture: forward and back ------------------------------------------------------------------------------------


class Reach:
    """What one pixel reaches on the way forward, and what comes back to it; all numbers from the functions given.

    Parameters
    ----------
    conv_forward, conv_backward : callable
    f, pad, stride : int
    """

    def __init__(self, conv_forward, conv_backward, f, pad, stride):
        self.kernel, self.pad, self.stride = FILTERS[f], pad, stride
        self.hparameters = {"stride": stride, "pad": pad}
        self.W, self.b = self.kernel[:, :, None, None], np.zeros((1, 1, 1, 1))
        self._forward, self._backward = conv_forward, conv_backward
        self.n = self.reached(0, 0).shape[0]
        self.dZ = _INCOMING[: self.n, : self.n]
        self.dA = np.zeros((N + 2 * pad, N + 2 * pad))
        self.dA[pad : pad + N, pad : pad + N] = self.back(self.dZ)

    def reached(self, row, column):
        """Return the scores (n, n) of an image that is 1 at one pixel: with what weight it reaches each of them."""
        image = np.zeros((1, N, N, 1))
        image[0, row, column] = 1
        Z, _ = self._forward(image, self.W, self.b, self.hparameters)
        return np.asarray(Z, dtype=float)[0, :, :, 0]

    def back(self, dZ):
        """Return dA_prev (N, N) for dZ (n, n)."""
        cache = (np.zeros((1, N, N, 1)), self.W, self.b, self.hparameters)
        dA_prev, _, _ = self._backward(dZ[None, :, :, None].copy(), cache)
        return np.asarray(dA_prev, dtype=float)[0, :, :, 0]


def _stage(ax, animated):
    """Prepare an axes and return ``show(reach, follow, row, column)``, which draws on it and returns a sentence."""
    ax.set(xlim=(-0.1, _COLUMNS + 0.1), ylim=(_ROWS + 1.15, -0.75))
    ax.set_aspect("equal")
    ax.set_axis_off()
    for x, name in ((0, "dA of the image"), (_FILTER_AT, "filter W"), (_OUTPUT_AT, "dZ of the output")):
        ax.text(x, -0.15, name, fontsize=9.5)
    empty = np.zeros((_ROWS * _PIXELS, _COLUMNS * _PIXELS, 4))
    cells = ax.imshow(empty, extent=(0, _COLUMNS, _ROWS, 0), interpolation="nearest", animated=animated)
    style = {"ha": "center", "va": "center", "fontsize": 8.5, "animated": animated}
    numbers = [[ax.text(x + 0.5, y + 0.52, "", **style) for x in range(_COLUMNS)] for y in range(_ROWS)]
    chosen = ax.add_patch(Rectangle((0, 0), 1, 1, fill=False, edgecolor=RED, linewidth=2.2, animated=animated))
    written = ax.text(0, _ROWS + 0.6, "", va="center", fontsize=9, animated=animated)

    def show(reach, follow, row, column):
        marks, sentence, sum_text = (_follow_pixel if follow == PIXEL else _follow_entry)(reach, row, column)
        colors = np.zeros((_ROWS, _COLUMNS, 4))
        for line in numbers:
            for number in line:
                number.set_text("")
        frame = np.ones(reach.dA.shape, dtype=bool)
        frame[reach.pad : reach.pad + N, reach.pad : reach.pad + N] = False
        blocks = ((0, reach.dA, frame), (_FILTER_AT, reach.kernel, None), (_OUTPUT_AT, reach.dZ, None))
        for (left, values, framed), marked in zip(blocks, marks, strict=True):
            background = np.where(marked[..., None], _MARK, _PLAIN)
            if framed is not None:
                background = np.where(framed[..., None], 0.5 * _FRAME + 0.5 * background, background)
            n_H, n_W = values.shape
            colors[:n_H, left : left + n_W] = np.concatenate([background, np.ones((n_H, n_W, 1))], axis=2)
            for y, x in np.ndindex(n_H, n_W):
                inside = framed is None or not framed[y, x]
                numbers[y][left + x].set_text(short(values[y, x]) if inside else "")
        cells.set_data(_with_gaps(colors))
        at_image = (column + reach.pad, row + reach.pad)
        chosen.set_xy(at_image if follow == PIXEL else (_OUTPUT_AT + column, row))
        written.set_text(sum_text)
        return sentence

    return show


def _with_gaps(colors):
    """Return the cells as a picture, each with a thin gap to the next."""
    picture = np.repeat(np.repeat(colors, _PIXELS, axis=0), _PIXELS, axis=1)
    picture[::_PIXELS, :, 3] = 0
    picture[:, ::_PIXELS, 3] = 0
    return picture


def _follow_pixel(reach, row, column):
    """Return what to mark in image, filter and output, a sentence, and the sum that comes back to the pixel."""
    weights = reach.reached(row, column)
    image = np.zeros(reach.dA.shape, dtype=bool)
    image[row + reach.pad, column + reach.pad] = True
    met = np.argwhere(weights != 0)
    terms = [f"{short(reach.dZ[h, w])}·{factor(weights[h, w])}" for h, w in met]
    value = short(reach.dA[row + reach.pad, column + reach.pad])
    outputs = {0: "no output", 1: "1 output"}.get(len(met), f"{len(met)} outputs")
    sentence = f"Pixel ({row}, {column}) reaches {outputs}. "
    if len(met):
        sentence += "Each sends its dZ back, times the weight with which the pixel entered. "
    sentence += f"Your conv_backward gives dA = {value}."
    total = short(np.sum(reach.dZ * weights))
    sum_text = f"dA({row}, {column}) = {' + '.join(terms)} = {total}" if terms else "no output, no term: the sum is 0"
    return (image, np.isin(reach.kernel, weights[weights != 0]), weights != 0), sentence, sum_text


def _follow_entry(reach, row, column):
    """Return what to mark for an entry of the output, a sentence, and what the entry sends back."""
    f, dz = len(reach.kernel), reach.dZ[row, column]
    image, output = np.zeros(reach.dA.shape, dtype=bool), np.zeros(reach.dZ.shape, dtype=bool)
    top, left = row * reach.stride, column * reach.stride
    image[top : top + f, left : left + f] = True
    output[row, column] = True
    in_frame = int(image.sum() - image[reach.pad : reach.pad + N, reach.pad : reach.pad + N].sum())
    sentence = (
        f"Entry ({row}, {column}) of the output reads {f * f} pixels of the padded image, from row {top} and column "
        f"{left} on. Back, each of them gets dZ = {short(dz)} times its weight"
    )
    sentence += f"; what {in_frame} of them get in the frame is cut off." if in_frame else "."
    shares = "; ".join("  ".join(short(dz * weight) for weight in line) for line in reach.kernel)
    sum_text = f"shares dZ·W, row by row:   {shares}"
    return (image, np.ones(reach.kernel.shape, dtype=bool), output), sentence, sum_text


def draw_reach(ax, conv_forward, conv_backward, follow=PIXEL, row=2, column=2, f=3, pad=0, stride=1):
    """Draw which outputs a pixel reaches, or which pixels an entry of the output reads; return a sentence."""
    return _stage(ax, animated=False)(Reach(conv_forward, conv_backward, f, pad, stride), follow, row, column)


def reach(conv_forward, conv_backward):
    """Return the interactive picture: follow a pixel to the outputs and back, or an entry of the output.

    Parameters
    ----------
    conv_forward, conv_backward : callable
        The learner's functions; all numbers come from them.
    """
    figure, ax = plt.subplots(figsize=(7.2, 3.3))
    show = _stage(ax, animated=True)

    def update(follow, row, column, f, pad, stride):
        now = Reach(conv_forward, conv_backward, f, pad, stride)
        last = (N if follow == PIXEL else now.n) - 1
        for name in ("row", "column"):
            controls[name].max = last
        return show(now, follow, min(row, last), min(column, last))

    controls = {
        "follow": ipywidgets.Dropdown(options=[PIXEL, ENTRY], description="follow"),
        "row": ipywidgets.IntSlider(value=2, min=0, max=N - 1, description="row"),
        "column": ipywidgets.IntSlider(value=2, min=0, max=N - 1, description="column"),
        "f": ipywidgets.IntSlider(value=3, min=2, max=3, description="size of filter f"),
        "pad": ipywidgets.IntSlider(value=0, min=0, max=1, description="padding p"),
        "stride": ipywidgets.IntSlider(value=1, min=1, max=3, description="stride s"),
    }
    return LiveFigure(figure, update, **controls)


def draw_way(ax):
    """Draw the idea: forward, a window makes a score; back, two scores send shares to windows that overlap."""
    ax.set(xlim=(-0.2, 17), ylim=(5.2, -0.9))
    ax.set_aspect("equal")
    ax.set_axis_off()
    arrow = {"arrowstyle": "-|>", "lw": 2, "color": "#333333"}

    def block(left, top, n_H, n_W, color, alpha):
        for y, x in np.ndindex(n_H, n_W):
            ax.add_patch(Rectangle((left + x, top + y), 0.92, 0.92, facecolor=color, alpha=alpha, linewidth=0))

    for left, title in ((0, "forward: a window makes a score"), (9.5, "back: each score, to its window")):
        ax.text(left, -0.35, title, fontsize=10)
        block(left, 0, 5, 5, "#e8e8e8", 1)
    block(0, 1, 3, 3, BLUE, 0.55)
    block(6, 2, 1, 1, BLUE, 0.55)
    ax.annotate("", xy=(5.9, 2.46), xytext=(3.05, 2.46), arrowprops=arrow)
    for top, height in ((0, 1), (2, 3)):  # windows of two scores, two rows apart
        block(9.5, top, 3, 3, ORANGE, 0.5)
        block(15.5, height, 1, 1, ORANGE, 0.5)
        ax.annotate("", xy=(12.55, height + 0.46), xytext=(15.4, height + 0.46), arrowprops=arrow)


# --- numbers ----------------------------------------------------------------------------------------------------------


def slopes(J, V, h=1e-5):
    """Return the slope of the cost ``J()`` along each entry of V, by moving the entry up and down by h.

    V is changed in place, and is as before in the end.
    """
    flat, found = V.reshape(-1), np.zeros(V.size)  # flat is a view
    for place, value in enumerate(flat.tolist()):
        flat[place] = value + h
        above = J()
        flat[place] = value - h
        found[place] = (above - J()) / (2 * h)
        flat[place] = value
    return found.reshape(V.shape)


# --- other ways to the same scores ------------------------------------------------------------------------------------


def ways():
    """Return functions of other libraries by name: ``way(A, W)`` gives the scores at stride 1, without frame and bias.

    PyTorch is there only where it is installed; the course does not need it.
    """

    def summed(A, W):
        kernels = np.moveaxis(W, 3, 0)
        return np.stack([np.concatenate([correlate(a, k, "valid", "direct") for k in kernels], axis=-1) for a in A])

    def spectral(A, W):
        turned = W[::-1, ::-1, ::-1][None]
        maps = (fftconvolve(A, turned[..., c], "valid", axes=(1, 2, 3)) for c in range(W.shape[-1]))
        return np.concatenate(list(maps), axis=-1)

    def with_torch(A, W):
        import torch

        image = torch.from_numpy(np.ascontiguousarray(A.transpose(0, 3, 1, 2)))
        kernel = torch.from_numpy(np.ascontiguousarray(W.transpose(3, 2, 0, 1)))
        return torch.nn.functional.conv2d(image, kernel).numpy().transpose(0, 2, 3, 1)

    found = {"SciPy, sums": summed, "SciPy, FFT": spectral}
    return {**found, "PyTorch": with_torch} if importlib.util.find_spec("torch") else found


def seconds(function, *arguments, repeat=3):
    """Return the shortest of `repeat` times that a call takes, and what it returns."""
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        result = function(*arguments)
        times.append(time.perf_counter() - start)
    return min(times), result


# --- a layer that learns ----------------------------------------------------------------------------------------------


class YourLayer(Layer):
    """A convolutional layer for `fast_cnn` that calls the functions it is given.

    Parameters
    ----------
    forward, backward : callable
        Like ``conv_forward_fast`` and ``conv_backward_fast``.
    W : ndarray, shape (f, f, n_C_prev, n_C)
    stride : int
    learns : bool
        If not, W and b stay as they are.
    """

    def __init__(self, forward, backward, W, stride, learns=True):
        super().__init__()
        self.W, self.b = W, np.zeros((1, 1, 1, W.shape[3]))
        self.functions, self.hparameters = (forward, backward), {"stride": stride, "pad": 0}
        self.parameters = {"W": self.W, "b": self.b} if learns else {}

    def forward(self, images):
        scores, self.cache = self.functions[0](images, self.W, self.b, self.hparameters)
        return scores

    def backward(self, dZ):
        if self.parameters:
            _, *both = self.functions[1](dZ, self.cache)
            self.gradients = dict(zip(("W", "b"), both, strict=True))


def digits(split):
    """Return images (m, 28, 28, 1) from 0 to 1 and labels (m,), for training and for the test."""
    return tuple(
        (images[..., None] / 255, labels[0])
        for images, labels in ((split.train_images, split.train_labels), (split.test_images, split.test_labels))
    )


def network(kind, forward, backward, seed=0, f=5, n_C=8, stride=2):
    """Return a network for digits that ends in a softmax. Kinds: "pixels" alone, "fixed" filters, "learned" filters."""
    rng = np.random.default_rng(seed)
    if kind == "pixels":
        return Dense(28 * 28, 10, rng, np.float64)
    W = rng.standard_normal((f, f, 1, n_C)) * np.sqrt(2 / f**2)
    n = (28 - f) // stride + 1
    dense = Dense(n * n * n_C, 10, rng, np.float64)
    return Chain(YourLayer(forward, backward, W, stride, learns=kind == "learned"), ReLU(), dense)


def fit(model, train_set, test_set, num_epochs=8, seed=0):
    """Train `model` with momentum; return the history, and the accuracy on the training set and on the test set."""
    rng = np.random.default_rng(seed + 100)
    history = train(model, *train_set, Momentum(0.3), rng, num_epochs, batch_size=50, test=test_set)
    return history, accuracy(model, *train_set), history["test_accuracy"][-1]


def draw_filters(axes, W, title, limit):
    """Draw the filters W (f, f, 1, n_C), one per axes: red above 0, blue below, full at `limit`."""
    for c, ax in enumerate(axes):
        draw_scores(ax, W[:, :, 0, c], limit=limit)
    axes[0].text(-0.25, 0.5, title, transform=axes[0].transAxes, ha="right", va="center", fontsize=9)


def edge_share(W):
    """Return for each filter of W (f, f, 1, n_C) the share of its variance that the best straight edge explains.

    An edge is one value on one side of a line and another on the other; 24 directions, 3 places each.
    """
    f, flat = len(W), W.reshape(-1, W.shape[-1])
    y, x = np.mgrid[:f, :f] - (f - 1) / 2
    angles, places = np.arange(24) * np.pi / 12, np.array([-1, 0, 1]) * f / 6
    sides = [x * np.cos(angle) + y * np.sin(angle) > place - 1e-9 for angle in angles for place in places]
    edges = np.array([side.ravel() - side.mean() for side in sides])
    edges /= np.linalg.norm(edges, axis=1, keepdims=True)
    flat = flat - flat.mean(axis=0)
    return np.max((edges @ flat) ** 2, axis=0) / np.sum(flat**2, axis=0)


# --- a run to diagnose ------------------------------------------------------------------------------------------------

FAULTS = (
    Fault(
        "the learning rate is too large",
        "the cost rises in many steps, and it ends above that of guessing, ln 10",
        "divide the learning rate by 10",
    ),
    Fault(
        "the learning rate is too small",
        "the cost falls in every step, but by little, and the filters have hardly moved",
        "multiply the learning rate by 10",
    ),
    Fault(
        "labels and images are not in the same order",
        "the cost falls, but new digits are read no better than by guessing, one in ten",
        "look at some images together with their labels",
    ),
    Fault(
        "the biases of the filters start at −10",
        "no activation is above 0, the filters have not moved at all, and the cost stays at ln 10 or near it",
        "start the biases at 0",
    ),
    Fault(
        "the filters are left out of the update",
        "the cost falls and many activations are above 0, but the filters have not moved at all",
        "look whether each parameter changes in a step",
    ),
)


def sick_run(rng, forward, backward, steps=40, which=None):
    """Train 8 filters and a softmax on 200 digits with one of `FAULTS` planted, and return the `Run`.

    Parameters
    ----------
    rng : Generator
    forward, backward : callable
        The learner's ``conv_forward_fast`` and ``conv_backward_fast``.
    steps : int
    which : int, optional
        The fault; by default `rng` chooses.
    """
    which = int(rng.integers(len(FAULTS))) if which is None else which
    split = data.mnist()
    chosen = rng.permutation(len(split.train_images))[:200]
    X, Y = split.train_images[chosen][..., None] / 255, split.train_labels[0, chosen]
    X_new, Y_new = split.test_images[:200][..., None] / 255, split.test_labels[0, :200]
    model = network("fixed" if which == 4 else "learned", forward, backward, seed=int(rng.integers(1000)), stride=4)
    layer = model.layers[0]
    rate = {0: rng.uniform(30, 40), 1: rng.uniform(0.0005, 0.001)}.get(which, rng.uniform(0.3, 0.4))
    if which == 2:
        Y = rng.permutation(Y)
    if which == 3:
        layer.b[...] = -10
    start, costs, alive = layer.W.copy(), [], np.mean(layer.forward(X) > 0)
    for _ in range(steps):
        J, dscores = softmax_cross_entropy(model.forward(X), Y)
        model.backward(dscores)
        for part in model.parts():
            for name, parameter in part.parameters.items():
                parameter -= rate * part.gradients[name]
        costs.append(J)
    moved = np.linalg.norm(layer.W - start) / np.linalg.norm(start)
    words = (
        f"The cost is {costs[0]:.2f} at the start and {costs[-1]:.2f} after {steps} steps; it rose in "
        f"{np.sum(np.diff(costs) > 0)} of them. Guessing costs ln 10 = 2.30. Right: {accuracy(model, X, Y):.0%} of the "
        f"training digits, {accuracy(model, X_new, Y_new):.0%} of new ones. At the start {alive:.0%} of the "
        f"activations were above 0. The filters moved by {moved:.4f} of their length."
    )
    figure, axes = plt.subplots(1, 9, figsize=(7.4, 2.2), width_ratios=[5, *[1] * 8])
    axes[0].plot(costs, color=BLUE)
    axes[0].axhline(np.log(10), color="gray", linestyle="--", linewidth=1)
    axes[0].set(xlabel="step", title="cost; dashed: guessing")
    for c, ax in enumerate(axes[1:]):
        draw_scores(ax, layer.W[:, :, 0, c], f"{c}", limit=np.abs(layer.W).max())
    plt.close(figure)
    return Run(figure, words, FAULTS, which)
