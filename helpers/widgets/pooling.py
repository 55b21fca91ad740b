"""The pictures of lesson 4.3: windows that are summarised, gradients that come back, digits that move by a pixel."""

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle

from helpers.plots import BLUE, GREEN, ORANGE, RED
from helpers.widgets import LiveFigure
from helpers.widgets.fast_cnn import Layer

#: A 4 by 4 image, and a 6 by 6 one without ties.
FOUR = np.array([[1.0, 3, 2, 1], [2, 9, 1, 1], [1, 3, 2, 3], [5, 6, 1, 2]])
SIX = np.array(
    [[3.0, 8, 1, 14, 6, 2], [11, 5, 9, 0, 17, 4], [7, 20, 13, 10, -1, 12], [-3, 6.5, 2.5, 19, 8.5, 5.5],
     [15, 1.5, 22, 4.5, 16, 9.5], [0.5, 18, 7.5, 3.5, 11.5, 21]]
)  # fmt: skip
_PLACES = {"image": 0, "output": 7.4, "gradient": 14.8}
_TITLES = {"image": "image", "output": "output A", "gradient": "gradient sent back, if dA is 1 everywhere"}


def short(value):
    """Return a number in three digits, below 1 in two, with a real minus sign."""
    return f"{float(value):.{2 if abs(value) < 1 else 3}g}".replace("-", "−")


def _stage(ax, animated):
    """Prepare an axes and return ``show(arrays, window)``; ``arrays`` by the names of `_PLACES`, at most 6 by 6."""
    ax.set(xlim=(-0.2, 21), ylim=(6.2, -0.9))
    ax.set_aspect("equal")
    ax.set_axis_off()
    for name, left in _PLACES.items():
        ax.text(left, -0.25, _TITLES[name], fontsize=8.5)
    style = {"ha": "center", "va": "center", "fontsize": 8.5, "animated": animated}
    pictures, numbers = {}, {}
    for name, left in _PLACES.items():
        pictures[name] = ax.imshow(
            np.zeros((6, 6, 4)), extent=(left, left + 6, 6, 0), interpolation="nearest", animated=animated
        )
        numbers[name] = [[ax.text(left + x + 0.5, y + 0.53, "", **style) for x in range(6)] for y in range(6)]
    ax.set(xlim=(-0.2, 21), ylim=(6.2, -0.9))
    frames = {
        name: ax.add_patch(Rectangle((0, 0), 1, 1, fill=False, edgecolor=RED, linewidth=2.2, animated=animated))
        for name in ("image", "output")
    }

    def show(arrays, window):
        for name, array in arrays.items():
            colors = np.zeros((6, 6, 4))
            n_H, n_W = array.shape
            limit = max(np.max(np.abs(array)), 1e-9)
            share = np.clip(np.abs(array) / limit, 0, 1)[..., None] * 0.75
            tint = np.array([0.0, 0.45, 0.7]) if name != "gradient" else np.array([0.9, 0.62, 0.0])
            colors[:n_H, :n_W, :3] = 1 - share * (1 - tint)
            colors[:n_H, :n_W, 3] = 1
            pictures[name].set_data(colors)
            for y, x in np.ndindex(6, 6):
                inside = y < n_H and x < n_W
                numbers[name][y][x].set_text(short(array[y, x]) if inside else "")
        h, w, f, stride = window
        frames["image"].set(xy=(w * stride, h * stride), width=f, height=f)
        frames["output"].set(xy=(_PLACES["output"] + w, h))

    return show


def pool_and_send_back(pool_forward, pool_backward):
    """Return the picture: an image, its pooled version, and where a gradient of ones goes on its way back.

    Parameters
    ----------
    pool_forward, pool_backward : callable
        The learner's functions; all numbers of the output and of the gradient come from them.
    """
    figure, ax = plt.subplots(figsize=(7.4, 2.7))
    show = _stage(ax, animated=True)

    def update(f, stride, mode, window):
        A, cache = pool_forward(SIX[None, :, :, None], {"f": f, "stride": stride}, mode)
        A = np.asarray(A, dtype=float)
        back = np.asarray(pool_backward(np.ones(A.shape), cache, mode), dtype=float)[0, :, :, 0]
        n_H, n_W = A.shape[1:3]
        controls["window"].max = n_H * n_W
        window = min(window, n_H * n_W)
        h, w = divmod(window - 1, n_W)
        show({"image": SIX, "output": A[0, :, :, 0], "gradient": back}, (h, w, f, stride))
        what = "largest entry" if mode == "max" else "mean"
        none = int(np.sum(back == 0))
        return (
            f"Window {window} of {n_H * n_W}: rows {h * stride} to {h * stride + f - 1}, columns {w * stride} to "
            f"{w * stride + f - 1}; its {what} is {short(A[0, h, w, 0])}. {none} of the 36 pixels get no gradient; "
            f"the largest share is {short(back.max())}, and all shares add up to {short(back.sum())}."
        )

    controls = {
        "f": ipywidgets.IntSlider(value=2, min=1, max=4, description="window f"),
        "stride": ipywidgets.IntSlider(value=2, min=1, max=3, description="stride s"),
        "mode": ipywidgets.Dropdown(options=["max", "average"], description="mode"),
        "window": ipywidgets.IntSlider(value=1, min=1, max=9, description="window number"),
    }
    return LiveFigure(figure, update, **controls)


def draw_pooling(ax, image, f, stride, A, gradient, window=(0, 0)):
    """Draw an image, its pooled version and a gradient side by side, with one window marked.

    Parameters
    ----------
    ax : Axes
    image, A, gradient : ndarray, shape at most (6, 6)
    f, stride : int
    window : tuple of two int
        Row and column of the output whose window is marked.
    """
    _stage(ax, animated=False)({"image": image, "output": A, "gradient": gradient}, (*window, f, stride))


def draw_volumes(axes, images, titles):
    """Draw gray images side by side, each with the number of its pixels below."""
    for ax, image, title in zip(axes, images, titles, strict=True):
        ax.imshow(image, cmap="gray_r", vmin=0, vmax=1)
        ax.spines[:].set_visible(False)
        ax.set_title(title, loc="center", fontsize=9)
        ax.set_xlabel(f"{image.shape[0]} × {image.shape[1]}", fontsize=8)
        ax.set(xticks=[], yticks=[])


def moved_right(images, t=1):
    """Return images (m, n_H, n_W) moved to the right by t pixels; the first t columns become 0."""
    moved = np.zeros(images.shape)
    moved[:, :, t:] = images[:, :, : images.shape[2] - t]
    return moved


def change(before, after):
    """Return how far volumes (m, ...) differ, relative to the first: the median over the examples."""
    axes = tuple(range(1, before.ndim))
    return float(np.median(np.sqrt(np.sum((after - before) ** 2, axes) / np.sum(before**2, axes))))


class AveragePool(Layer):
    """Average pooling with windows of 2 by 2 and stride 2, for trainings; height and width are even."""

    def forward(self, A_prev):
        m, n_H, n_W, n_C = self.shape = A_prev.shape
        return A_prev.reshape(m, n_H // 2, 2, n_W // 2, 2, n_C).mean(axis=(2, 4))

    def backward(self, dA):
        return np.repeat(np.repeat(dA / 4, 2, axis=1), 2, axis=2)


def draw_shifts(ax, right):
    """Draw how accuracies fall as the test digits move.

    Parameters
    ----------
    ax : Axes
    right : dict
        For each network, shares of 1, shape (starts, shifts); shifts count from 0 pixels.
    """
    styles = zip((RED, GREEN, ORANGE, BLUE), ("o-", "s--", "^-.", "D:"), strict=True)
    for (kind, shares), (color, style) in zip(right.items(), styles, strict=True):
        percent = 100 * np.asarray(shares)
        mean, t = percent.mean(axis=0), np.arange(percent.shape[1])
        bars = [mean - percent.min(axis=0), percent.max(axis=0) - mean]
        ax.errorbar(t, mean, bars, fmt=style, color=color, capsize=3, label=kind)
    ax.set(xlabel="pixels moved to the right", ylabel="right on the test digits (%)", xticks=t, ylim=(0, 100))
    ax.legend(loc="lower left")


def draw_field(ax, reached, r):
    """Draw in how many images each pixel reached the output, with the square of the receptive field.

    Parameters
    ----------
    ax : Axes
    reached : ndarray of bool, shape (m, n, n)
    r : int
        Side of the receptive field.
    """
    share = reached.mean(axis=0)
    ax.imshow(share, cmap="Blues", vmin=0)
    rows, columns = (np.flatnonzero(share.any(axis=axis)) for axis in (1, 0))
    ax.add_patch(Rectangle((columns[0] - 0.5, rows[0] - 0.5), r, r, fill=False, edgecolor=RED, linewidth=1.5))
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    ax.set_title(f"field {r}", loc="center", fontsize=9)
