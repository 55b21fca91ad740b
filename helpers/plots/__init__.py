"""Figures that several lessons draw. Each function draws on an axes that is passed in; the caller shows it."""

import numpy as np

BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"


def draw_surface(ax, w, b, J, levels=14):
    """Draw a cost surface as contour lines, low values dark.

    Parameters
    ----------
    ax : Axes
    w, b : ndarray, shape (n_w,) and (n_b,)
        Where the cost was computed.
    J : ndarray, shape (n_b, n_w)
        Costs; row i belongs to ``b[i]``.
    levels : int
        Number of contour lines, dense where the cost is low.
    """
    low, high = J.min(), J.max()
    steps = low + (high - low) * np.linspace(0, 1, levels) ** 1.6
    ax.contourf(w, b, J, steps, cmap="Blues_r", alpha=0.85)
    ax.contour(w, b, J, steps, colors="#ffffff", linewidths=0.6)
    ax.set_xlabel("w")
    ax.set_ylabel("b")


def draw_surface_3d(ax, w, b, J, title):
    """Draw a cost surface in three dimensions; arguments as in `draw_surface`, `ax` with 3-D projection."""
    W, B = np.meshgrid(w, b)
    ax.plot_surface(W, B, J, cmap="Blues_r", linewidth=0.2, edgecolor="#ffffff40", rstride=2, cstride=2)
    ax.set(xlabel="w", ylabel="b", zlabel="J", title=title)
    ax.view_init(30, -62)


def draw_yours_and_reference(ax, x, yours, reference, name, mark="o"):
    """Draw your curve as dots on the reference's line: where they agree, the dots lie on the line.

    Parameters
    ----------
    ax : Axes
    x, yours, reference : ndarray, shape (n,)
    name : str
        What the curve is, for its label.
    mark : str
        Marker of your curve.
    """
    every = max(1, len(x) // 25)
    ax.plot(x, reference, color=BLUE, label=f"{name}, reference")
    ax.plot(x[::every], yours[::every], mark, color=ORANGE, markersize=5, label=f"{name}, yours")
    ax.legend()


def draw_images(axes, images, titles=None):
    """Draw one image per axes, without ticks; `images` is (m, n_H, n_W) or (m, n_H, n_W, 3)."""
    for i, (ax, image) in enumerate(zip(np.ravel(axes), images, strict=False)):
        ax.imshow(image)
        ax.set_axis_off()
        if titles is not None:
            ax.set_title(titles[i], fontsize=8, loc="center")
