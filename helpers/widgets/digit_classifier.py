"""The layers, trainings and pictures of lesson 4.4: a network that reads digits, and why it is convolutional.

Examples are the first axis, in dense layers too. ``dV`` is the derivative of the cost by V for every V.
"""

from typing import NamedTuple

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np

from helpers import data
from helpers.checks import sick
from helpers.plots import BLUE, ORANGE
from helpers.widgets import LiveFigure, fast_cnn

# --- layers of earlier lessons, as functions of plain arrays ----------------------------------------------------------


def _layer(W, b, pad):
    layer = object.__new__(fast_cnn.Conv)
    layer.stride, layer.pad, layer.first = 1, pad, False
    layer.parameters, layer.gradients = {"W": W, "b": np.ravel(b)}, {}
    return layer


def conv(A_prev, W, b, pad):
    """Return the scores Z (m, n_H, n_W, n_C) of a convolutional layer with stride 1 (lesson 2).

    Parameters
    ----------
    A_prev : ndarray, shape (m, n_H_prev, n_W_prev, n_C_prev)
    W : ndarray, shape (f, f, n_C_prev, n_C)
    b : ndarray, shape (1, 1, 1, n_C)
    pad : int
    """
    return _layer(W, b, pad).forward(A_prev)


def conv_back(dZ, A_prev, W, b, pad):
    """Return dA_prev, dW and db of `conv`, each of the shape of its array (lesson 2)."""
    layer = _layer(W, b, pad)
    layer.forward(A_prev)
    dA_prev = layer.backward(dZ)
    return dA_prev, layer.gradients["W"], layer.gradients["b"].reshape(b.shape)


def pool(A_prev):
    """Return the largest entry of each 2 by 2 window (lesson 3), shape (m, n_H_prev // 2, n_W_prev // 2, n_C)."""
    return fast_cnn.MaxPool().forward(A_prev)


def pool_back(dA, A_prev):
    """Return dA_prev of `pool` (lesson 3)."""
    layer = fast_cnn.MaxPool()
    layer.forward(A_prev)
    return layer.backward(dA)


def loss(scores, labels):
    """Return the cost J of softmax and cross-entropy, and dJ/dscores (m, n_y); labels are (m,)."""
    return fast_cnn.softmax_cross_entropy(scores, labels)


def new_parameters(rng, n=28, n_C=(1, 8, 16), f=(7, 5), n_y=10, dtype=float):
    """Return parameters of the network of the lesson, He's weights and zero biases, for images of n by n pixels."""
    side = (n // 2 - f[1] + 1) // 2
    shapes = {"W1": (f[0], f[0], *n_C[:2]), "W2": (f[1], f[1], *n_C[1:]), "W3": (side * side * n_C[2], n_y)}
    parameters = {}
    for number, (name, shape) in enumerate(shapes.items(), start=1):
        spread = np.sqrt(2 / np.prod(shape[:-1]))
        parameters[name] = (rng.standard_normal(shape) * spread).astype(dtype)
        bias = (1, 1, 1, shape[-1]) if number < 3 else (1, shape[-1])
        parameters[f"b{number}"] = np.zeros(bias, dtype)
    return parameters


# --- data -------------------------------------------------------------------------------------------------------------


class Images(NamedTuple):
    """Images (m, n_H, n_W, 1) in float32 with labels (m,), for training and for testing."""

    X: np.ndarray
    Y: np.ndarray
    X_test: np.ndarray
    Y_test: np.ndarray


def digits():
    """Return 4000 digits of MNIST for training and 1000 for testing, from 0 (paper) to 1 (ink)."""
    split = data.mnist()
    X, X_test = (images[..., None].astype(np.float32) / 255 for images in split[::2])
    return Images(X, split.train_labels[0], X_test, split.test_labels[0])


SURFACES = ("brick", "grass", "gravel")
PATCH = 24


def surfaces():
    """Return patches of 24 by 24 pixels of photographs of a wall (0), grass (1) and gravel (2).

    The photographs are shrunk to half their size. Patches for training come from their left 150 columns, patches for
    testing from the right 98: they share no pixel. Each patch has mean 0 and variance 1, so brightness says nothing.
    """
    parts = {"train": ([], []), "test": ([], [])}
    for label, photo in enumerate(data.photographs(*SURFACES).values()):
        small = photo.reshape(256, 2, 256, 2).mean(axis=(1, 3))
        for name, area, step in (("train", small[:, :150], 6), ("test", small[:, 158:], 8)):
            tops, lefts = (range(0, n - PATCH + 1, step) for n in area.shape)
            for top in tops:
                for left in lefts:
                    patch = area[top : top + PATCH, left : left + PATCH]
                    parts[name][0].append((patch - patch.mean()) / (patch.std() + 1e-6))
                    parts[name][1].append(label)
    arrays = [np.array(values) for part in parts.values() for values in part]
    return Images(
        arrays[0][..., None].astype(np.float32), arrays[1], arrays[2][..., None].astype(np.float32), arrays[3]
    )


# --- trainings --------------------------------------------------------------------------------------------------------


def rivals(images, seed, num_epochs=3):
    """Train 64 dense units, and the network of the lesson with strides for pooling; return ``{name: function}``.

    Each function returns the scores of images.
    """
    makers = {
        "64 dense units": lambda rng: [fast_cnn.Dense(784, 64, rng), fast_cnn.ReLU(), fast_cnn.Dense(64, 10, rng)],
        "strides": lambda rng: [
            fast_cnn.Conv(7, 1, 8, rng, stride=2, pad=3, first=True), fast_cnn.ReLU(),
            fast_cnn.Conv(5, 8, 16, rng, stride=2), fast_cnn.ReLU(), fast_cnn.Dense(400, 10, rng),
        ],
    }  # fmt: skip
    found = {}
    for name, make in makers.items():
        rng = np.random.default_rng(seed)
        network = fast_cnn.Chain(*make(rng))
        fast_cnn.train(network, images.X, images.Y, fast_cnn.Adam(0.003), rng, num_epochs=num_epochs)
        found[name] = network.predicts
    return found


def edge_shares(W):
    """Return for each filter (f, f, 1, n_C) the share of its variance that the best straight step edge explains.

    The edges have 24 directions and three places of the line: through the middle, and a quarter of the size off it.
    """
    f = len(W)
    rows, columns = np.mgrid[:f, :f] - (f - 1) / 2
    filters = W[:, :, 0].reshape(f * f, -1).astype(float)
    filters = filters - filters.mean(axis=0)
    best = np.zeros(filters.shape[1])
    for angle in np.arange(24) * np.pi / 24:
        for place in (-f / 4, 0.0, f / 4):
            edge = np.sign(np.round(np.cos(angle) * columns + np.sin(angle) * rows - place, 9)).ravel()
            edge -= edge.mean()
            share = (edge @ filters) ** 2 / (edge @ edge) / np.sum(filters**2, axis=0)
            best = np.maximum(best, share)
    return best


def surest(digit, images, parameters, forward):
    """Return the number of the test image of this digit to which the network gives the highest probability."""
    numbers = np.flatnonzero(images.Y_test == digit)
    scores = forward(images.X_test[numbers], parameters)[0]
    rest = scores - scores.max(axis=1, keepdims=True)
    shares = np.exp(rest) / np.exp(rest).sum(axis=1, keepdims=True)
    return int(numbers[shares[:, digit].argmax()])


def compare_on_surfaces(images, num_epochs=8):
    """Train three networks on the patches; return ``{name: (parameters, accuracies)}`` and the last network."""
    makers = {
        "softmax regression": lambda rng: [fast_cnn.Dense(PATCH**2, 3, rng)],
        "64 dense units": lambda rng: [fast_cnn.Dense(PATCH**2, 64, rng), fast_cnn.ReLU(), fast_cnn.Dense(64, 3, rng)],
        "convolutional": lambda rng: [
            fast_cnn.Conv(5, 1, 8, rng, first=True), fast_cnn.ReLU(), fast_cnn.MaxPool(4, 4),
            fast_cnn.Conv(3, 8, 16, rng), fast_cnn.ReLU(), fast_cnn.Dense(144, 3, rng),
        ],
    }  # fmt: skip
    found = {}
    for name, make in makers.items():
        rng = np.random.default_rng(0)
        network = fast_cnn.Chain(*make(rng))
        fast_cnn.train(network, images.X, images.Y, fast_cnn.Adam(0.002), rng, num_epochs=num_epochs)
        count = sum(array.size for part in network.parts() for array in part.parameters.values())
        found[name] = (
            count, fast_cnn.accuracy(network, images.X, images.Y),
            fast_cnn.accuracy(network, images.X_test, images.Y_test),
        )  # fmt: skip
    return found, network


# --- pictures ---------------------------------------------------------------------------------------------------------


def draw_network(ax, shapes, names):
    """Draw volumes as boxes, one after the other; ``shapes`` are (n_H, n_W, n_C) or (n,)."""
    x = 0.0
    for shape, name in zip(shapes, names, strict=True):
        if len(shape) == 3:
            side, depth = 0.55 + 2.2 * shape[0] / 28, 0.12 * min(shape[2], 8) + 0.05
            for k in range(min(shape[2], 8), 0, -1):
                shift = 0.12 * (k - 1)
                ax.add_patch(plt.Rectangle((x + shift, shift - side / 2), side, side, fc="#e3eef7", ec=BLUE, lw=0.8))
            width = side + depth
            label = " × ".join(map(str, shape))
        else:
            tall = 0.5 + 2.2 * np.log10(shape[0]) / 2.6
            ax.add_patch(plt.Rectangle((x, -tall / 2), 0.22, tall, fc="#fbeacb", ec=ORANGE, lw=0.9))
            width, label = 0.22, str(shape[0])
        ax.text(x + width / 2, -1.75, label, ha="center", fontsize=8)
        ax.text(x + width / 2, -2.2, name, ha="center", fontsize=8, color="0.35")
        x += width + (0.85 if len(shape) == 3 else 1.35)
    ax.set(xlim=(-0.3, x - 0.4), ylim=(-2.5, 2.2))
    ax.set_aspect("equal")
    ax.set_axis_off()


def draw_maps(figure, image, maps, title, columns):
    """Draw an image and feature maps (n_H, n_W, n_C) behind it, `columns` in a row."""
    count = maps.shape[2]
    axes = figure.subplots(-(-(count + 1) // columns), columns, squeeze=False)
    for ax in axes.flat:
        ax.set_axis_off()
    axes.flat[0].imshow(image, cmap="gray_r")
    axes.flat[0].set_title("digit", loc="center", fontsize=8)
    for c in range(count):
        axes.flat[c + 1].imshow(maps[:, :, c], cmap="magma", vmin=0, vmax=max(float(maps.max()), 1e-9))
        axes.flat[c + 1].set_title(f"{c}", loc="center", fontsize=8)
    figure.suptitle(title, fontsize=9.5)


def draw_matrix(ax, M, title):
    """Draw a matrix with white zeros; equal weights have equal colours."""
    limit = np.abs(M).max()
    ax.imshow(np.where(M == 0, np.nan, M), cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
    ax.set(xlabel="pixel of the image", ylabel="entry of the output", title=title)


def draw_surface_patches(axes, images):
    """Draw two test patches of each surface."""
    for ax, (label, number) in zip(axes, [(c, k) for c in range(3) for k in (40, 200)], strict=True):
        ax.imshow(images.X_test[images.Y_test == label][number][:, :, 0], cmap="gray")
        ax.set_title(SURFACES[label], loc="center", fontsize=9)
        ax.set_axis_off()


def draw_filter_rows(figure, rows):
    """Draw rows of filters, ``{name: W (f, f, 1, n_C)}``, each with the share that the best edge explains."""
    most = max(W.shape[3] for W in rows.values())
    axes = figure.subplots(len(rows), most, squeeze=False)
    for ax in axes.flat:
        ax.set_axis_off()
    for line, (name, W) in zip(axes, rows.items(), strict=True):
        limit = np.abs(W).max()
        for c, share in enumerate(edge_shares(W)):
            line[c].imshow(W[:, :, 0, c], cmap="RdBu_r", vmin=-limit, vmax=limit)
            line[c].set_title(f"{share:.2f}", loc="center", fontsize=8)
        line[0].text(-0.35, 0.5, name, transform=line[0].transAxes, rotation=90, va="center", ha="center", fontsize=9)


def draw_saliency(figure, images, sizes):
    """Draw images (m, n_H, n_W), and below each the sizes of the derivative by its pixels; dark is large."""
    axes = figure.subplots(2, len(images))
    for column, (image, size) in enumerate(zip(images, sizes, strict=True)):
        axes[0, column].imshow(image, cmap="gray_r", vmin=0, vmax=1)
        axes[1, column].imshow(size, cmap="gray_r", vmin=0)
    for ax in axes.flat:
        ax.set_axis_off()


def draw_costs(ax, costs, epochs):
    """Draw the cost of each batch, and where an epoch ends."""
    ax.plot(costs, color=BLUE, linewidth=1)
    for number in range(1, epochs):
        ax.axvline(number * len(costs) / epochs, color="0.8", linewidth=0.8)
    ax.set(xlabel="batch (lines: end of an epoch)", ylabel="cost of the batch", title="Your network on 4000 digits")


def follow(cnn_forward, parameters, X, Y):
    """Return the picture: a digit, moved and turned on its way through the network, with its maps and scores.

    Parameters
    ----------
    cnn_forward : callable
        The learner's function.
    parameters : dict
        Of the trained network.
    X, Y : ndarray
        Test digits and labels.
    """
    figure = plt.figure(figsize=(7.4, 3.2))
    grid = figure.add_gridspec(3, 8, width_ratios=[2.2, 1, 1, 1, 1, 1, 1, 2.6])
    digit = figure.add_subplot(grid[:, 0]).imshow(np.zeros((28, 28)), cmap="gray_r", vmin=0, vmax=1, animated=True)
    maps = [
        figure.add_subplot(grid[row, 1 + column]).imshow(np.zeros((2, 2)), cmap="magma", vmin=0, vmax=1, animated=True)
        for row in range(3)
        for column in range(6)
    ]
    for picture in [digit, *maps]:
        picture.axes.set_axis_off()
    titles = ("layer 1", "", "", "", "", "")
    for picture, title in zip(maps[:6], titles, strict=True):
        picture.axes.set_title(title, fontsize=8, loc="left")
    maps[6].axes.set_title("layer 2", fontsize=8, loc="left")
    ax = figure.add_subplot(grid[:, 7])
    bars = ax.barh(range(10), np.zeros(10), color=BLUE, animated=True)
    ax.set(xlim=(0, 1), yticks=range(10), xlabel="probability")
    ax.invert_yaxis()

    def update(number, right, down):
        image = np.roll(X[number], (down, right), axis=(0, 1))
        scores, cache = cnn_forward(image[None], parameters)
        digit.set_data(image[:, :, 0])
        P1, P2 = (np.asarray(array)[0] for array in (cache[2], cache[4]))
        for k, picture in enumerate(maps):
            volume, c = (P1, k) if k < 6 else (P2, k - 6)
            picture.set_data(volume[:, :, c])
            picture.set_clim(0, max(float(volume.max()), 1e-9))
        shifted = np.exp(scores[0] - np.max(scores[0]))
        shares = shifted / shifted.sum()
        for bar, share in zip(bars, shares, strict=True):
            bar.set_width(share)
        best = int(np.argmax(shares))
        word = "right" if best == Y[number] else f"wrong, it is a {Y[number]}"
        return (
            f"Digit number {number}, moved {right} to the right and {down} down. The network reads {best} with "
            f"probability {shares[best]:.2f}: {word}."
        )

    sevens = np.flatnonzero(Y == 7)
    right = sevens[cnn_forward(X[sevens], parameters)[0].argmax(axis=1) == 7] if len(sevens) else sevens
    first = int(right[0]) if len(right) else 0
    controls = {
        "number": ipywidgets.IntSlider(value=first, min=0, max=len(Y) - 1, description="digit"),
        "right": ipywidgets.IntSlider(value=0, min=-6, max=6, description="to the right"),
        "down": ipywidgets.IntSlider(value=0, min=-6, max=6, description="down"),
    }
    return LiveFigure(figure, update, **controls)


# --- runs to diagnose -------------------------------------------------------------------------------------------------

FAULTS = (
    sick.Fault(
        "the learning rate is too large",
        "the cost jumps far above guessing, and the weights of W1 get large",
        "divide the learning rate by 10 or more",
    ),
    sick.Fault(
        "the learning rate is too small",
        "the cost hardly changes, and all weights move, but hardly",
        "multiply the learning rate by 10 or more",
    ),
    sick.Fault(
        "labels and images are not in the same order",
        "the weights move as they should, and the cost stays near guessing",
        "look at some images of a mini-batch together with their labels",
    ),
    sick.Fault(
        "the weight decay is far too strong",
        "all weights shrink to almost nothing, and the cost is that of guessing",
        "divide the decay by 10 or more",
    ),
    sick.Fault(
        "the first layer gets no gradient",
        "the cost falls, but the filters W1 are those of the start, to the last digit",
        "compare the gradient dW1 with numerical ones",
    ),
)


def sick_run(rng, cnn_forward, cnn_backward, softmax_loss, adam_step, which=None):
    """Train on 512 digits for 24 steps with one of `FAULTS` planted, and return the `sick.Run`.

    Parameters
    ----------
    rng : Generator
    cnn_forward, cnn_backward, softmax_loss, adam_step : callable
        The learner's functions.
    which : int, optional
        The fault; by default `rng` chooses.
    """
    which = int(rng.integers(len(FAULTS))) if which is None else which
    whole = digits()
    chosen = rng.permutation(len(whole.Y))[:512]
    X, Y = whole.X[chosen], whole.Y[chosen]
    Y = rng.permutation(Y) if which == 2 else Y
    rate = (rng.uniform(0.3, 0.6), rng.uniform(1e-6, 3e-6))[which] if which < 2 else rng.uniform(0.004, 0.006)
    decay = rng.uniform(100, 150) if which == 3 else 0.0
    first = parameters = new_parameters(rng, dtype=np.float32)
    states, costs = {name: (0, 0 * array, 0 * array) for name, array in parameters.items()}, []
    with np.errstate(all="ignore"):
        for step in range(24):
            batch = slice(64 * (step % 8), 64 * (step % 8) + 64)
            scores, cache = cnn_forward(X[batch], parameters)
            cost, dscores = softmax_loss(scores, Y[batch])
            costs.append(float(cost))
            gradients, changed = cnn_backward(dscores.astype(np.float32), parameters, cache), {}
            for name, V in parameters.items():
                keep = which == 4 and name in ("W1", "b1")
                found, states[name] = (
                    (V, states[name]) if keep else adam_step(V, gradients[f"d{name}"], states[name], rate, decay)
                )
                changed[name] = np.asarray(found, dtype=np.float32)
            parameters = changed
        right = np.mean(cnn_forward(X, parameters)[0].argmax(axis=1) == Y)
    largest = [float(np.max(np.abs(net["W1"]))) for net in (first, parameters)]
    moved = float(np.max(np.abs(parameters["W1"] - first["W1"])))
    words = (
        f"The cost of the first mini-batch is {costs[0]:.3g}, the highest {max(costs):.3g}, the mean of the last eight "
        f"{np.mean(costs[-8:]):.3g}; guessing costs 2.30. The largest weight of W1 has the size {largest[0]:.2g} at "
        f"the start and {largest[1]:.2g} at the end; the largest change of a weight of W1 is {moved:.1e}. Right at the "
        f"end: {right:.0%} of the digits of the training."
    )
    figure, ax = plt.subplots(figsize=(5, 2.6))
    ax.plot(costs, "o-", color=BLUE, markersize=3)
    ax.axhline(2.3, color="0.6", linestyle="--", linewidth=0.8)
    ax.set(xlabel="step (dashed: guessing)", ylabel="cost of the mini-batch", title="A run on 512 digits")
    plt.close(figure)
    return sick.Run(figure, words, FAULTS, which)
