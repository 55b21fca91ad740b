"""The pictures of lesson 4.1: a filter that slides over an image, photographs, and what filters find in them."""

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.patches import Rectangle
from scipy.signal import correlate2d

from helpers.plots import RED
from helpers.widgets import LiveFigure

N = 6
LEFT_BRIGHT = np.repeat([[10.0, 10, 10, 0, 0, 0]], N, axis=0)
_square = np.zeros((N, N))
_square[1:4, 2:5] = 10
#: The images and filters that `stepper` offers.
IMAGES = {"left half bright": LEFT_BRIGHT, "left half dark": 10 - LEFT_BRIGHT, "bright square": _square}
_vertical = np.repeat([[1.0, 0, -1]], 3, axis=0)
FILTERS = {"vertical edges": _vertical, "horizontal edges": _vertical.T, "2 by 2": np.array([[1.0, 0], [0, -1]])}

# Cells of the drawing: the padded image at the left, then the filter, then the output.
_COLUMNS, _ROWS, _FILTER_AT, _OUTPUT_AT, _ROOM_FOR_OUTPUT = 20, 8, 9, 13, 7
_PIXELS = 12  # of a cell
_ZERO_FRAME, _NEGATIVE, _POSITIVE = (0.98, 0.87, 0.66), np.array([0.35, 0.6, 0.85]), np.array([0.93, 0.6, 0.45])


def short(value):
    """Return a number in few characters, with a real minus sign."""
    return f"{value:g}".replace("-", "−")


def factor(value):
    """Return a number as a factor of a product: negative ones in parentheses."""
    return f"({short(value)})" if value < 0 else short(value)


def _signed_color(values):
    """Return colours, shape (..., 3): nearly white at 0, orange above, blue below, full at 30."""
    share = np.clip(np.abs(values) / 30, 0, 1)[..., None]
    return 0.96 + share * (np.where(np.asarray(values)[..., None] < 0, _NEGATIVE, _POSITIVE) - 0.96)


def _stage(ax, animated):
    """Prepare an axes and return ``show(X_pad, pad, kernel, Z, stride, position)``, which draws one step on it."""
    ax.set(xlim=(-0.1, _COLUMNS + 0.1), ylim=(_ROWS + 0.1, -0.75))
    ax.set_aspect("equal")
    ax.set_axis_off()
    for x, name in ((0, "image"), (_FILTER_AT, "filter"), (_OUTPUT_AT, "output")):
        ax.text(x, -0.15, name, fontsize=9.5)
    empty = np.zeros((_ROWS * _PIXELS, _COLUMNS * _PIXELS, 4))
    cells = ax.imshow(empty, extent=(0, _COLUMNS, _ROWS, 0), interpolation="nearest", animated=animated)
    style = {"ha": "center", "va": "center", "fontsize": 8, "animated": animated}
    numbers = [[ax.text(x + 0.5, y + 0.52, "", **style) for x in range(_COLUMNS)] for y in range(_ROWS)]
    frames = [
        ax.add_patch(Rectangle((0, 0), 1, 1, fill=False, edgecolor=RED, linewidth=2.2, animated=animated))
        for _ in range(2)
    ]
    written = ax.text(_FILTER_AT, _ROWS + 0.05, "", va="bottom", fontsize=8.5, linespacing=1.35, animated=animated)

    def show(X_pad, pad, kernel, Z, stride, position):
        colors = np.zeros((_ROWS, _COLUMNS, 4))
        for row in numbers:
            for number in row:
                number.set_text("")

        def block(left, values, rgb):
            n_H, n_W = values.shape
            colors[:n_H, left : left + n_W] = np.concatenate([rgb, np.ones((n_H, n_W, 1))], axis=2)
            for y, x in np.ndindex(n_H, n_W):
                if np.isfinite(values[y, x]):
                    numbers[y][left + x].set_text(short(values[y, x]))

        gray = np.repeat(0.72 + 0.026 * X_pad[..., None], 3, axis=2)
        inside = np.zeros(X_pad.shape, dtype=bool)
        inside[pad : len(X_pad) - pad, pad : X_pad.shape[1] - pad] = True
        block(0, X_pad, np.where(inside[..., None], gray, _ZERO_FRAME))
        block(_FILTER_AT, kernel, _signed_color(15 * kernel))
        done = np.where(np.arange(Z.size).reshape(Z.shape) <= position, Z, np.nan)
        block(_OUTPUT_AT, done, np.where(np.isnan(done)[..., None], 0.89, _signed_color(np.nan_to_num(done))))
        cells.set_data(_with_gaps(colors))

        h, w = np.unravel_index(position, Z.shape)
        f = len(kernel)
        frames[0].set(xy=(w * stride, h * stride), width=f, height=f)
        frames[1].set(xy=(_OUTPUT_AT + w, h))
        window = X_pad[h * stride : h * stride + f, w * stride : w * stride + f]
        written.set_text(sum_written_out(window, kernel))
        return int(h), int(w), window

    return show


def _with_gaps(colors):
    """Return the cells as a picture, each with a thin gap to the next."""
    picture = np.kron(colors, np.ones((_PIXELS, _PIXELS, 1)))
    picture[::_PIXELS, :, 3] = 0
    picture[:, ::_PIXELS, 3] = 0
    return picture


def sum_written_out(window, kernel):
    """Return the sum of products of a window as text, one line per row of the window."""
    lines = [
        " + ".join(f"{factor(x)}·{factor(weight)}" for x, weight in zip(*rows, strict=True))
        for rows in zip(window, kernel, strict=True)
    ]
    return " +\n".join(lines) + f"  =  {short(np.sum(window * kernel) + 0.0)}"


def draw_step(ax, image, kernel, position):
    """Draw one step: the image with its window, the filter, the output so far, and the sum written out.

    Parameters
    ----------
    ax : Axes
    image : ndarray, shape (n_H, n_W)
        At most 8 by 8.
    kernel : ndarray, shape (f, f)
        At most 3 by 3.
    position : int
        Number of the window, from 0, row by row.
    """
    _stage(ax, animated=False)(image, 0, kernel, correlate2d(image, kernel, mode="valid"), 1, position)


def stepper(edge_detect, zero_pad, conv_output_size):
    """Return the picture: a filter slides over a small image, and the sum of each step is written out.

    Parameters
    ----------
    edge_detect, zero_pad, conv_output_size : callable
        The learner's functions; all numbers of the output come from them.
    """
    figure, ax = plt.subplots(figsize=(7.2, 3.3))
    show = _stage(ax, animated=True)
    step = ipywidgets.IntSlider(value=2, min=1, max=16, description="window")

    def update(step, image, kernel, pad, stride):
        X_pad = np.asarray(zero_pad(IMAGES[image][None, :, :, None], pad))[0, :, :, 0]
        W = FILTERS[kernel]
        Z = np.asarray(edge_detect(X_pad, W), dtype=float)[::stride, ::stride] + 0.0
        n = int(conv_output_size(N, len(W), pad, stride))
        controls["step"].max = n * n
        step = min(step, n * n)
        h, w, _ = show(X_pad, pad, W, Z, stride, step - 1)
        rest = N + 2 * pad - len(W) - (n - 1) * stride
        lines = "row and column" if rest == 1 else f"{rest} rows and columns"
        left_out = f" The last {lines} of the padded image lie in no window." if rest else ""
        return (
            f"Window {step} of {n * n}: it starts at row {h * stride} and column {w * stride} of the padded image, and "
            f"gives entry ({h}, {w}) of the output, {short(Z[h, w])}. "
            f"Size: ⌊({N} + 2·{pad} − {len(W)})/{stride}⌋ + 1 = {n}.{left_out}"
        )

    controls = {
        "step": step,
        "image": ipywidgets.Dropdown(options=list(IMAGES), description="image"),
        "kernel": ipywidgets.Dropdown(options=list(FILTERS), description="filter"),
        "pad": ipywidgets.IntSlider(value=0, min=0, max=1, description="padding p"),
        "stride": ipywidgets.IntSlider(value=1, min=1, max=3, description="stride s"),
    }
    return LiveFigure(figure, update, **controls)


# --- photographs ------------------------------------------------------------------------------------------------------


def shrink(photo, k):
    """Return a photograph of 1/k of the width and height, from 0 (black) to 1: each pixel is the mean of k by k."""
    n_H, n_W = photo.shape[0] // k, photo.shape[1] // k
    blocks = photo[: k * n_H, : k * n_W].reshape(n_H, k, n_W, k, *photo.shape[2:])
    return blocks.mean(axis=(1, 3)) / 255


def draw_photo(ax, photo, title=None):
    """Draw a photograph, gray or in colour, with values from 0 to 1."""
    ax.imshow(photo, vmin=0, vmax=1)
    ax.set_title(title, loc="center")
    ax.set_axis_off()


def draw_scores(ax, Z, title=None, limit=1.0):
    """Draw the output of a filter, shape (n_H, n_W): white at 0, red above, blue below, full at `limit`."""
    ax.imshow(Z, cmap="RdBu_r", vmin=-limit, vmax=limit)
    ax.set_title(title, loc="center")
    ax.set_axis_off()


def draw_scale(axes, limit=1.0):
    """Draw the scale of `draw_scores` beside one or several axes: which colour stands for which score."""
    colors = ScalarMappable(Normalize(-limit, limit), "RdBu_r")
    bar = np.ravel(axes)[0].figure.colorbar(colors, ax=axes, shrink=0.8, pad=0.01)
    bar.set_ticks([-limit, 0, limit], labels=[short(round(float(x), 2)) for x in (-limit, 0, limit)], fontsize=8)


def draw_counts(ax, counts, title=None):
    """Draw whole numbers, shape (n, n), as shaded cells; the darker, the larger."""
    ax.imshow(counts, cmap="Blues", vmin=0, vmax=2 * np.max(counts))
    for (y, x), count in np.ndenumerate(counts):
        ax.text(x, y, f"{count:g}", ha="center", va="center", fontsize=9)
    ax.set_title(title, loc="center")
    ax.set_axis_off()
