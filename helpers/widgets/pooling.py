"""The pictures of lesson 4.3: windows that are summarised, gradients that come back, digits that move by a pixel."""

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle

from helpers.plots import RED
from helpers.widgets import LiveFigure

#: The 4 by 4 image of the notes, and a 6 by 6 one without ties.
NOTES = np.array([[1.0, 3, 2, 1], [2, 9, 1, 1], [1, 3, 2, 3], [5, 6, 1, 2]])
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
        ax.imshow(image, cmap="gray_r")
        ax.set_title(title, loc="center", fontsize=9)
        ax.set_xlabel(f"{image.shape[0]} × {image.shape[1]}", fontsize=8)
        ax.set(xticks=[], yticks=[])


def moved_right(images):
    """Return images (m, n_H, n_W) moved to the right by one pixel; the left column becomes 0."""
    moved = np.zeros(images.shape)
    moved[:, :, 1:] = images[:, :, :-1]
    return moved


def change(before, after):
    """Return how far volumes (m, ...) differ, relative to the first: the median over the examples."""
    axes = tuple(range(1, before.ndim))
    return float(np.median(np.sqrt(np.sum((after - before) ** 2, axes) / np.sum(before**2, axes))))
