"""Lesson 3.4: projects with hidden trouble, drawn from a name, and their figures."""

import zlib
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np

from helpers import data
from helpers.plots import BLUE, ORANGE

SIZES = (400, 60, 400)  # images of the web, labelled ones of the app, new ones of the app

#: What undoes each change that the web's images may have; images (m, 8, 8).
REPAIRS = {
    "negative": lambda images: 1 - images,
    "mirrored": lambda images: images[:, :, ::-1],
    "upside down": lambda images: images[:, ::-1, ::-1],
    "on its side": lambda images: images.transpose(0, 2, 1)[:, ::-1, :],
    "transposed": lambda images: images.transpose(0, 2, 1),
}
_CHANGES = REPAIRS | {"on its side": lambda images: images[:, ::-1, :].transpose(0, 2, 1)}


def repaired(X, name):
    """Return columns X (64, m) of the web without the change called `name`, one of `REPAIRS`."""
    return _columns(REPAIRS[name](X.T.reshape(-1, 8, 8)))


def _columns(images):
    return np.ascontiguousarray(images.reshape(len(images), 64).T)


class Project(NamedTuple):
    """What a team has, and what it will find out: columns X (64, m), digits (1, m).

    ``change`` is the change of the web's images, ``pair`` are the two digits whose labels are exchanged in the web.
    """

    X_web: np.ndarray
    digits_web: np.ndarray
    X_app: np.ndarray
    digits_app: np.ndarray
    X_new: np.ndarray
    digits_new: np.ndarray
    change: str
    pair: tuple


def draw_project(name):
    """Return the `Project` of a name, or of a whole number: equal names give equal projects."""
    rng = np.random.default_rng(zlib.crc32(name.encode()) if isinstance(name, str) else name)
    digits = data.small_digits()
    order = rng.permutation(digits.labels.size)
    images, labels = digits.images[order] / 16, digits.labels[:, order]
    web, app = SIZES[0], SIZES[0] + SIZES[1]
    change = list(REPAIRS)[int(rng.integers(len(REPAIRS)))]
    a, b = sorted(int(digit) for digit in rng.permutation(10)[:2])
    digits_web = labels[:, :web].copy()
    digits_web[labels[:, :web] == a], digits_web[labels[:, :web] == b] = b, a
    parts = images[web:app], images[app : app + SIZES[2]]
    known = _columns(_CHANGES[change](images[:web])), digits_web, _columns(parts[0]), labels[:, web:app]
    return Project(*known, _columns(parts[1]), labels[:, app : app + SIZES[2]], change, (a, b))


def nearest(X, digits, X_new):
    """Return for each column of X_new the label of the column of X that is most like it, shape (1, m_new)."""
    distances = np.sum(X**2, axis=0)[:, None] - 2 * X.T @ X_new
    return digits[:, np.argmin(distances, axis=0)]


def open_new(project, digits):
    """Print what the digits read in X_new are worth, and what the trouble was. To be called once."""
    right = np.mean(np.asarray(digits) == project.digits_new)
    print(f"read right: {right:.1%} of {project.digits_new.size} new digits, which no choice has used")
    a, b = project.pair
    print(f"the change of the web's images: {project.change}; the digits exchanged in its labels: {a} and {b}")


def draw_sources(project):
    """Draw the first ten images of both sources with their labels and return the figure."""
    figure, axes = plt.subplots(2, 10, figsize=(7.6, 2.1))
    rows = (("web", project.X_web, project.digits_web), ("app", project.X_app, project.digits_app))
    for row, (name, X, digits) in zip(axes, rows, strict=True):
        for ax, image, digit in zip(row, X.T.reshape(-1, 8, 8), digits[0], strict=False):
            ax.imshow(image, cmap="gray_r", vmin=0, vmax=1)
            ax.set(xticks=[], yticks=[])
            ax.set_title(str(digit), fontsize=9)
        row[0].set_ylabel(name, rotation=0, ha="right", va="center")
    return figure


def draw_shares(ax, shares):
    """Draw shares read right, a row of dots for each name of the dict `shares`; a line marks each mean."""
    for row, (name, values) in enumerate(shares.items()):
        ax.plot(values, np.full(len(values), -row), "o", color=ORANGE if name == "your project" else BLUE, alpha=0.6)
        ax.plot([np.mean(values)] * 2, [-row - 0.3, -row + 0.3], color="black", linewidth=1.5)
    ax.set(yticks=range(0, -len(shares), -1), yticklabels=list(shares), xlabel="share of the new digits read right")
