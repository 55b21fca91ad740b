"""Lesson 4.11: digits somewhere on a sheet, simple rivals, and figures."""

import matplotlib.pyplot as plt
import numpy as np

from helpers import data
from helpers.plots import BLUE, ORANGE
from helpers.widgets import fast_cnn

SHEET = 12


def three_parts(seed=0):
    """Return ``X_train, labels_train, X_dev, labels_dev, X_new, labels_new``: small digits on sheets of 12 by 12.

    Each digit of 8 by 8 pixels lies at a random place of its sheet. X is (m, 12, 12, 1), from 0 (paper) to 1 (ink), and
    labels are (m,); m is 600, 300 and 500.
    """
    rng, digits = np.random.default_rng(seed), data.small_digits()
    order = rng.permutation(digits.labels.size)[:1400]
    X = np.zeros((len(order), SHEET, SHEET, 1))
    for k, number in enumerate(order):
        row, column = rng.integers(0, SHEET - 8 + 1, size=2)
        X[k, row : row + 8, column : column + 8, 0] = digits.images[number] / 16
    labels = digits.labels[0, order]
    return X[:600], labels[:600], X[600:900], labels[600:900], X[900:], labels[900:]


def dense_units(X, labels, X_new, seed):
    """Return the digits that 64 dense units read in X_new after 40 epochs of Adam."""
    rng = np.random.default_rng(seed)
    layers = fast_cnn.Dense(SHEET**2, 64, rng), fast_cnn.ReLU(), fast_cnn.Dense(64, 10, rng)
    network = fast_cnn.Chain(*layers)
    fast_cnn.train(network, X.astype(np.float32), labels, fast_cnn.Adam(0.005), rng, num_epochs=40, batch_size=32)
    return network.predicts(X_new.astype(np.float32)).argmax(axis=1)


def nearest(X, labels, X_new, most=0):
    """Return for each new sheet the digit of the nearest known one, over all shifts by up to `most` pixels."""
    flat = X.reshape(len(X), -1)
    smallest = np.full((len(X_new), len(X)), np.inf)
    for right in range(-most, most + 1):
        for down in range(-most, most + 1):
            moved = np.roll(X_new, (down, right), axis=(1, 2)).reshape(len(X_new), -1)
            far = np.sum(moved**2, axis=1)[:, None] - 2 * moved @ flat.T + np.sum(flat**2, axis=1)
            smallest = np.minimum(smallest, far)
    return labels[smallest.argmin(axis=1)]


def draw_sheets(X, labels, columns=10):
    """Draw sheets with their labels and return the figure."""
    rows = -(-len(X) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(0.75 * columns, 0.95 * rows), squeeze=False)
    for ax, sheet, label in zip(axes.flat, X[..., 0], labels, strict=True):
        ax.imshow(sheet, cmap="gray_r", vmin=0, vmax=1)
        ax.set_title(str(label), loc="center", fontsize=9)
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set(visible=True, color="0.8")  # the edge of the sheet
    return figure


def draw_shares(ax, shares):
    """Draw shares read right, a row of dots for each name of the dict `shares`; a line marks each mean."""
    for row, (name, values) in enumerate(shares.items()):
        own = name == "your network"
        places = np.full(len(values), -row) + np.linspace(-0.15, 0.15, len(values))
        ax.plot(values, places, "s" if own else "o", color=ORANGE if own else BLUE, alpha=0.7)
        ax.plot([np.mean(values)] * 2, [-row - 0.3, -row + 0.3], color="black", linewidth=1.5)
    ax.set(yticks=range(0, -len(shares), -1), yticklabels=list(shares), ylim=(0.3 - len(shares), 0.6))
    ax.set(xlabel="share of the new sheets read right")


def draw_filters(figure, W):
    """Draw filters (f, f, 1, n_C) in one row; red is positive, blue negative."""
    limit = np.abs(W).max()
    for ax, c in zip(figure.subplots(2, W.shape[3] // 2).flat, range(W.shape[3]), strict=True):
        ax.imshow(W[:, :, 0, c], cmap="RdBu_r", vmin=-limit, vmax=limit)
        ax.set_axis_off()
