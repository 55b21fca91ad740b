"""The pictures and measured projects of lesson 3.1: a chain with knobs, a moving threshold, sizes of dev sets."""

from typing import NamedTuple

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Circle, FancyBboxPatch, Rectangle
from scipy.ndimage import maximum_filter
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from helpers import data
from helpers.checks.sick import Fault, Run
from helpers.plots import BLUE, GREEN, ORANGE, RED
from helpers.widgets import LiveFigure

#: The links of the chain with their knobs, in order.
CHAIN = {
    "fits the\ntraining set": ("bigger network", "better optimiser"),
    "fits the\ndev set": ("regularization", "more training data"),
    "fits the\ntest set": ("bigger dev set",),
    "does well in the\nreal world": ("other dev set",),
}
#: The knob that belongs to no link: all four hold, and the users are not content.
NO_LINK = "other metric"


def draw_chain(ax):
    """Draw the four links as boxes in a row, with their knobs below."""
    ax.set(xlim=(-0.05, 8.05), ylim=(-1.75, 1.1))
    ax.set_aspect("equal")
    ax.set_axis_off()
    for i, (link, knobs) in enumerate(CHAIN.items()):
        left = 2.08 * i
        box = FancyBboxPatch(
            (left + 0.08, 0.1), 1.5, 0.8, boxstyle="round,pad=0.06", facecolor="#e3eef6", edgecolor=BLUE
        )
        ax.add_patch(box)
        ax.text(left + 0.83, 0.5, f"{i + 1}  {link}", ha="center", va="center", fontsize=9)
        if i < 3:
            arrow = {"arrowstyle": "-|>", "color": "black", "linewidth": 1.2}
            ax.annotate("", (left + 2.1, 0.5), (left + 1.66, 0.5), arrowprops=arrow)
        for j, knob in enumerate(knobs):
            y = -0.45 - 0.62 * j
            ax.add_patch(Circle((left + 0.2, y), 0.17, facecolor="white", edgecolor=RED, linewidth=1.5))
            ax.plot([left + 0.2, left + 0.29], [y, y + 0.13], color=RED, linewidth=2)
            shown = "other dev and test set" if knob == "other dev set" else knob
            ax.text(left + 0.45, y, shown, va="center", fontsize=8.5)
    ax.add_patch(Circle((6.44, -1.5), 0.17, facecolor="white", edgecolor=RED, linewidth=1.5))
    ax.plot([6.44, 6.53], [-1.5, -1.37], color=RED, linewidth=2)
    ax.text(6.69, -1.5, NO_LINK, va="center", fontsize=8.5)
    ax.text(6.2, -1.5, "all links hold, and the users are not content:", va="center", ha="right", fontsize=8.5)


# --- digits: a network that is trained in a moment --------------------------------------------------------------------


def _shrink(images):
    """Return images of 28 by 28 as columns of 14 · 14 = 196 pixels from 0 to 1, shape (196, m)."""
    return images.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(len(images), -1).T / 255


def _with_shifts(images):
    """Return images and the same images moved by one pixel in four directions, shape (196, 5 m)."""
    moves = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1))
    return np.hstack([_shrink(np.roll(images, move, axis=(1, 2))) for move in moves])


def thick_pen(images):
    """Return digits as a thicker pen would have written them: each pixel takes the darkest of its 3 by 3 neighbours."""
    return maximum_filter(images, size=(1, 3, 3))


class _Network:
    """A network whose hidden units are drawn once and stay; the output weights come from one linear system.

    Such a network trains in a fraction of a second, and gives the same numbers each time.
    """

    def __init__(self, units, rng):
        self.W, self.b = 3 / 14 * rng.normal(size=(units, 196)), rng.normal(size=(units, 1))

    def hidden(self, X):
        return np.maximum(0, self.W @ (X - 0.13) + self.b)

    def see(self, X, Y):
        """Take a training set: only its sums of products are kept."""
        A, targets = self.hidden(X), 2.0 * (np.arange(10)[:, None] == Y) - 1
        self.products, self.aims = A @ A.T / Y.size, A @ targets.T / Y.size
        return self

    def train(self, l2, units=slice(None)):
        """Find the output weights of the chosen hidden units; `l2` is the weight decay."""
        products = self.products[units][:, units]
        self.units, self.V = units, np.linalg.solve(products + l2 * np.eye(len(products)), self.aims[units]).T
        return self

    def descend(self, steps):
        """Find the output weights by gradient descent from 0, stopped after so many steps."""
        self.units, self.V = slice(None), np.zeros(self.aims.T.shape)
        rate = 1 / np.linalg.eigvalsh(self.products)[-1]
        for _ in range(steps):
            self.V -= rate * (self.V @ self.products - self.aims.T)
        return self

    def wrong(self, A, Y):
        """Return for each example whether the answer is wrong, from the hidden activations, shape (1, m)."""
        return np.argmax(self.V @ A[self.units], axis=0)[None] != Y

    def error(self, X, Y):
        return float(self.wrong(self.hidden(X), Y).mean())


WANTED = 0.09


def run_project(progress, seed=0):
    """Return what happens in a project with real digits: six stages, each with what was changed and its five errors.

    In each stage the team trains 20 versions, each with hidden units of its own, and keeps the one that is best on its
    dev set. Of the 5000 digits of MNIST 300 or 2000 are for training, the next 40 or 1000 are the dev set, 1000 are the
    test set, and the last 1000 are the real world: digits as a thicker pen would have written them.

    Parameters
    ----------
    progress : callable
        Shows the progress of a loop.
    seed : int
        Which hidden units there are.

    Returns
    -------
    log : list of (str, dict)
        What was changed, and a problem for `orthogonal_knob`.
    versions : ndarray, shape (2, 20)
        The errors of the versions of stage 2, on 40 and on 1000 dev images.
    """
    digits, rng, log, on_versions = data.mnist(), np.random.default_rng(seed), [], None
    images, Y = np.concatenate([digits.train_images, digits.test_images]), np.hstack(digits[1::2])
    X, thick = _shrink(images), _shrink(thick_pen(images))
    train, dev, test, real = slice(2000), slice(2000, 3000), slice(3000, 4000), slice(4000, 5000)
    few, small_dev = slice(300), slice(2000, 2040)
    X_more, Y_more = _with_shifts(images[train]), np.tile(Y[:, train], 5)
    X_all, Y_all = np.hstack([X_more, _with_shifts(thick_pen(images[train]))]), np.tile(Y_more, 2)
    network = _Network(600, rng)
    of_15, of_400 = ([rng.permutation(600)[:units] for _ in range(20)] for units in (15, 400))
    stages = (
        ("15 hidden units, 300 training images, 40 dev images", X[:, few], Y[:, few], X, small_dev, of_15),
        ("400 hidden units", X[:, few], Y[:, few], X, small_dev, of_400),
        ("10 000 training images: 2000, each also moved by one pixel", X_more, Y_more, X, small_dev, of_400),
        ("1000 dev images", X_more, Y_more, X, dev, of_400),
        ("dev and test images from the users", X_more, Y_more, thick, dev, of_400),
        ("thick digits among the training images", X_all, Y_all, thick, dev, of_400),
    )
    for change, X_train, Y_train, source, part, versions in progress(stages):
        network.see(X_train, Y_train)
        A = network.hidden(source[:, dev])
        wrong = np.array([network.train(0.001, units).wrong(A, Y[:, dev])[0] for units in versions])
        seen = slice(None) if part == dev else slice(40)
        network.train(0.001, versions[int(np.argmin(wrong[:, seen].mean(axis=1)))])
        if change.startswith("10 000"):
            on_versions = np.array([wrong[:, :40].mean(axis=1), wrong.mean(axis=1)])
        places = ((source, part), (source, test), (thick, real))
        examples = ((pixels[:, where], Y[:, where]) for pixels, where in places)
        named = zip(("training", "dev", "test", "real-world"), ((X_train, Y_train), *examples), strict=True)
        errors = {f"{name} error": network.error(*pair) for name, pair in named}
        log.append((change, {"wanted error": WANTED, **errors, "users content": len(log) == 5}))
    return log, on_versions


def knob_effects(seeds=5):
    """Return the training error and the gap to the dev error before and after four knobs are turned, one at a time.

    Returns
    -------
    effects : dict
        ``{knob: ndarray (seeds, 2, 2)}``: for each draw of the hidden units, before and after, training error and gap.
    """
    digits = data.mnist()
    X, Y = _shrink(digits.train_images), digits.train_labels

    def measure(seed, units, m, l2=0.001, steps=None):
        X_train, Y_train = X[:, :m], Y[:, :m]
        network = _Network(units, np.random.default_rng(seed)).see(X_train, Y_train)
        network = network.train(l2) if steps is None else network.descend(steps)
        training = network.error(X_train, Y_train)
        return training, network.error(X[:, 3000:], Y[:, 3000:]) - training

    pairs = {
        "bigger network: 15 to 60 units": ((15, 3000), (60, 3000)),
        "more training data: 300 to 3000": ((600, 300), (600, 3000)),
        "regularization: 0.001 to 0.1": ((600, 300), (600, 300, 0.1)),
        "early stopping: after 1000 to after 30 steps": ((600, 300, 0, 1000), (600, 300, 0, 30)),
    }
    return {
        knob: np.array([[measure(seed, *one) for one in pair] for seed in range(seeds)]) for knob, pair in pairs.items()
    }


# --- projects to diagnose ---------------------------------------------------------------------------------------------

FAULTS = (
    Fault("the network is too small", "the training error is far above the wanted one", "take a bigger network"),
    Fault(
        "there are too few training images",
        "the training error is as low as wanted, and dev is far above it",
        "get more training images",
    ),
    Fault(
        "the dev set is too small for the choices made on it",
        "dev is as low as wanted, and the test error is far above it",
        "get a bigger dev set",
    ),
    Fault(
        "dev and test set hold other images than users send",
        "all errors up to the test error are as low as wanted, and the real world is far above them",
        "get a dev and a test set from the users",
    ),
)


def sick_project(rng, orthogonal_knob, which=None):
    """Return the `Run` of a project with one of `FAULTS`: a stage of `run_project`, with other hidden units.

    Parameters
    ----------
    rng : Generator
    orthogonal_knob : callable
        The learner's: a stage that breaks another link first is drawn again.
    which : int, optional
        The fault; by default `rng` chooses.
    """
    which = int(rng.integers(len(FAULTS))) if which is None else which
    knob = ("bigger network", "more training data", "bigger dev set", "other dev set")[which]
    while True:
        until = lambda stages: stages[: which + 1]  # what comes later is not asked for
        problem = run_project(until, int(rng.integers(1000)))[0][which][1]
        if orthogonal_knob(problem)[knob]:
            break
    names = ("wanted", "training", "dev", "test", "real world")
    errors = [value for name, value in problem.items() if name != "users content"]
    figure, ax = plt.subplots(figsize=(6, 2.6))
    ax.plot(range(5), errors, "o-", color=BLUE)
    ax.set(xticks=range(5), xticklabels=names, ylabel="error", ylim=(0, None))
    plt.close(figure)
    words = "Errors: " + ", ".join(f"{name} {error:.2f}" for name, error in zip(names, errors, strict=True)) + "."
    return Run(figure, words, FAULTS, which)


# --- is it a 5? -------------------------------------------------------------------------------------------------------


class Fives(NamedTuple):
    """2000 dev images of digits: labels ``y`` (1, 2000), 1 for a 5; ``scores`` (1, 2000), the probability of a 5.

    ``images`` is (2000, 28, 28); ``weighted_scores`` come from a training in which each 5 counts ten times.
    """

    images: np.ndarray
    y: np.ndarray
    scores: np.ndarray
    weighted_scores: np.ndarray


def _dev_and_train():
    """Return 2000 training images and 2000 dev images of MNIST and whether each is a 5."""
    digits = data.mnist()
    X, y = _shrink(digits.train_images).T, (digits.train_labels[0] == 5).astype(int)
    return digits.train_images[2000:], X[:2000], y[:2000], X[2000:], y[2000:]


def fives():
    """Return the dev set of "is it a 5?" with the scores of a logistic regression that was trained on 2000 others."""
    images, X, y, X_dev, y_dev = _dev_and_train()
    plain, weighted = (
        LogisticRegression(tol=1e-8, max_iter=5000).fit(X, y, sample_weight=weights).predict_proba(X_dev)[None, :, 1]
        for weights in (None, 1 + 9 * y)
    )
    return Fives(images, y_dev[None, :], plain, weighted)


def candidates():
    """Return the answers of seven real classifiers of "is it a 5?", with what each of them costs.

    Returns
    -------
    found : list of dict
        Keys "name", "answers" (1, 2000), "multiplications" per image, and "numbers" to store.
    """
    _, X, y, X_dev, _ = _dev_and_train()
    n_x, found = X.shape[1], []

    def add(name, answers, multiplications, numbers):
        answers = np.asarray(answers).astype(int).reshape(1, -1)
        found.append({"name": name, "answers": answers, "multiplications": multiplications, "numbers": numbers})

    add("always no", np.zeros(len(X_dev)), 0, 0)
    tree = DecisionTreeClassifier(max_depth=6, random_state=0).fit(X, y)
    add("decision tree", tree.predict(X_dev), 0, 2 * tree.tree_.node_count)
    logistic = LogisticRegression(tol=1e-8, max_iter=5000).fit(X, y)
    add("logistic regression", logistic.predict(X_dev), n_x, n_x + 1)
    for units in (60, 400):
        network = _Network(units, np.random.default_rng(0)).see(X.T, y[None, :]).train(0.001)
        A = network.hidden(X_dev.T)
        add(f"network, {units} units", (network.V @ A)[1] > (network.V @ A)[0], (n_x + 2) * units, (n_x + 3) * units)
    for stored in (400, 2000):
        nearest = KNeighborsClassifier(1).fit(X[:stored], y[:stored])
        add(f"nearest of {stored}", nearest.predict(X_dev), n_x * stored, (n_x + 1) * stored)
    return found


def draw_matrix(ax, matrix, title=None):
    """Draw a confusion matrix [[TN, FP], [FN, TP]] as four cells with counts: right answers green, wrong ones red."""
    ax.set(xlim=(-0.02, 2.02), ylim=(2.02, -0.02), xticks=(0.5, 1.5), yticks=(0.5, 1.5))
    ax.set(xticklabels=("0", "1"), yticklabels=("0", "1"), xlabel="answer", ylabel="label")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set_title(title)
    return [[_cell(ax, row, column, matrix[row][column], animated=False) for column in range(2)] for row in range(2)]


def _cell(ax, row, column, count, animated):
    color = "#cfe9df" if row == column else "#f8dccb"
    ax.add_patch(Rectangle((column + 0.02, row + 0.02), 0.96, 0.96, facecolor=color))
    name = ("TN", "FP", "FN", "TP")[2 * row + column]
    ax.text(column + 0.5, row + 0.3, name, ha="center", va="center", fontsize=9, color="#555555")
    text = "" if count is None else f"{int(count)}"
    return ax.text(column + 0.5, row + 0.62, text, ha="center", va="center", fontsize=12, animated=animated)


#: The sets of `threshold_picture`, with how often each five is in them.
SHARES = {"the dev set: 10 % fives": 1, "each five nine times: 49 % fives": 9}
_THRESHOLDS = np.arange(1, 100) / 100


def threshold_picture(fives, confusion_matrix, precision, recall, specificity, f1_score):
    """Return the picture: a threshold moves over the scores of a real classifier; counts, shares and F1 follow.

    Parameters
    ----------
    fives : Fives
    confusion_matrix, precision, recall, specificity, f1_score : callable
        The learner's functions; all numbers of the picture come from them.
    """
    figure, axes = plt.subplots(1, 3, figsize=(8.4, 3.2), width_ratios=(1.25, 0.85, 1), layout="constrained")
    bins = np.linspace(0, 1, 26)
    middles = (bins[:-1] + bins[1:]) / 2
    axes[0].set(xlim=(0, 1), ylim=(0.7, 2500), yscale="log", xlabel="score", ylabel="images", title="Scores")
    bars = [axes[0].step(middles, np.ones(25), where="mid", color=color, animated=True)[0] for color in (BLUE, ORANGE)]
    axes[0].text(0.12, 1000, "other digits", color=BLUE)
    axes[0].text(0.66, 250, "fives", color=ORANGE)
    cut = axes[0].axvline(0.5, color=RED, linewidth=2, animated=True)
    draw_matrix(axes[1], [[None] * 2] * 2, "Counts")
    counts = [_cell(axes[1], i, j, 0, animated=True) for i in range(2) for j in range(2)]
    axes[2].set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel="recall", ylabel="precision", title="All thresholds")
    for f1 in (0.2, 0.4, 0.6):
        R = np.linspace(f1 / 2 + 0.004, 1, 100)
        axes[2].plot(R, f1 * R / (2 * R - f1), color="#bbbbbb", linewidth=0.7)
        axes[2].text(f1, f1, f"F1 {f1}", fontsize=7, color="#777777", ha="center", va="center", backgroundcolor="white")
    curve = axes[2].plot([], [], color=GREEN, animated=True)[0]
    point = axes[2].plot([], [], "o", color=RED, markersize=9, animated=True)[0]

    def rates(y, scores, threshold):
        matrix = np.asarray(confusion_matrix(y, (scores >= threshold).astype(int)))
        return matrix, float(precision(matrix)), float(recall(matrix))

    sets = {}
    for name, times in SHARES.items():
        kept = np.repeat(np.arange(fives.y.size), np.where(fives.y[0] == 1, times, 1))
        y, scores = fives.y[:, kept], fives.scores[:, kept]
        lines = [np.histogram(scores[y == label], bins)[0] for label in (0, 1)]
        sets[name] = y, scores, lines, [rates(y, scores, threshold)[1:] for threshold in _THRESHOLDS]

    def update(threshold, share):
        y, scores, lines, pairs = sets[share]
        for bar, line in zip(bars, lines, strict=True):
            bar.set_ydata(np.maximum(line, 0.5))
        cut.set_xdata([threshold] * 2)
        matrix, P, R = rates(y, scores, threshold)
        for text, count in zip(counts, matrix.ravel(), strict=True):
            text.set_text(f"{int(count)}")
        curve.set_data([pair[1] for pair in pairs], [pair[0] for pair in pairs])
        point.set_data([R], [P])
        right = (matrix[0, 0] + matrix[1, 1]) / matrix.sum()
        return (
            f"Threshold {threshold:.2f}: {int(matrix[:, 1].sum())} of {y.size} images are called a 5. "
            f"Precision {P:.3f}, recall {R:.3f}, specificity {float(specificity(matrix)):.3f}, "
            f"F1 {float(f1_score(P, R)):.3f}; accuracy {right:.3f}."
        )

    controls = {
        "threshold": ipywidgets.FloatSlider(value=0.5, min=0.01, max=0.99, step=0.01, description="threshold"),
        "share": ipywidgets.Dropdown(options=list(SHARES), description="images"),
    }
    return LiveFigure(figure, update, **controls)


# --- means, sizes and splits ------------------------------------------------------------------------------------------


def draw_mean(ax, mean, title):
    """Draw contour lines of a mean over precision and recall; `mean` takes two numbers."""
    grid = np.linspace(0, 1, 51)
    values = np.array([[mean(float(P), float(R)) for R in grid] for P in grid])
    lines = ax.contour(grid, grid, values, np.arange(1, 10) / 10, cmap="viridis")
    ax.clabel(lines, levels=(0.2, 0.4, 0.5, 0.6, 0.8), fontsize=8)
    ax.set(xlabel="recall", title=title)
    ax.set_aspect("equal")


def draw_splits(ax):
    """Draw the old and the new way of splitting as bars."""
    ways = {"70 / 30": (70, 0, 30), "60 / 20 / 20": (60, 20, 20), "98 / 1 / 1": (98, 1, 1)}
    for y, (name, shares) in enumerate(ways.items()):
        left = 0
        for share, color, label in zip(shares, (BLUE, ORANGE, GREEN), ("training", "dev", "test"), strict=True):
            ax.barh(y, share, left=left, color=color, height=0.6)
            if share >= 20:
                ax.text(left + share / 2, y, label, ha="center", va="center", color="white", fontsize=9)
            left += share
        ax.text(-1.5, y, name, ha="right", va="center", fontsize=9)
    ax.annotate(
        "dev and test", (99, 2.32), (86, 2.85), fontsize=8.5, arrowprops={"arrowstyle": "-"}, va="center", ha="right"
    )
    ax.set(xlim=(0, 100), ylim=(3.1, -0.5), yticks=(), xlabel="per cent of all examples")
    ax.spines["left"].set_visible(False)


def share_of_dev_sets(errors, sizes, repeats, rng):
    """Return for each size the share of simulated dev sets on which the better of two classifiers is ahead.

    Parameters
    ----------
    errors : tuple of float
        Of the worse and of the better classifier; their mistakes are independent.
    sizes : sequence of int
    repeats : int
        Number of dev sets per size.
    rng : Generator

    Returns
    -------
    shares : ndarray, shape (len(sizes),)
        A dev set on which both have the same error counts one half.
    """
    worse, better = (rng.binomial(np.array(sizes)[:, None], error, (len(sizes), repeats)) for error in errors)
    return np.mean((better < worse) + 0.5 * (better == worse), axis=1)
