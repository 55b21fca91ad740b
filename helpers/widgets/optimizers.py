"""The pictures of lesson 2.5: mini-batches of digits, averages, five walks through a valley, runs to diagnose."""

from typing import NamedTuple

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from scipy.special import expit

from helpers import data
from helpers.checks import sick
from helpers.plots import BLUE, GREEN, ORANGE, RED
from helpers.widgets import LiveFigure

PURPLE = "#CC79A7"

# --- the learner's functions, behind one kind of step -----------------------------------------------------------------


class Functions(NamedTuple):
    """The learner's functions; all walks and trainings of this module are made with them."""

    random_mini_batches: object = None
    update_parameters_with_gd: object = None
    initialize_velocity: object = None
    update_parameters_with_momentum: object = None
    update_parameters_with_rmsprop: object = None
    initialize_adam: object = None
    update_parameters_with_adam: object = None


#: The five methods: name, colour, and whether its learning rate is a length (of a step) instead of a factor.
METHODS = {
    "gradient descent": (BLUE, False),
    "mini-batches": ("#56B4E9", False),
    "momentum": (GREEN, False),
    "RMSprop": (ORANGE, True),
    "Adam": (RED, True),
}


def walker(functions, method, beta=0.9, beta_s=0.9, beta2=0.999, epsilon=1e-8, later=0):
    """Return ``start(parameters)``, the state, and ``step(parameters, grads, state, t, rate)``, both new.

    Parameters
    ----------
    functions : Functions
    method : str
        A key of `METHODS`.
    beta, beta_s, beta2, epsilon : float
        Of momentum and of Adam's v; of RMSprop; of Adam's s; of both.
    later : int
        Adam is told that step t is step t + later. With a million, nothing is left of its bias correction.
    """
    f = functions
    if method == "momentum":
        return (
            lambda p: (f.initialize_velocity(p),),
            lambda p, g, state, t, rate: _split(f.update_parameters_with_momentum(p, g, *state, beta, rate)),
        )
    if method == "RMSprop":
        return (
            lambda p: (f.initialize_velocity(p),),
            lambda p, g, state, t, rate: _split(f.update_parameters_with_rmsprop(p, g, *state, beta_s, rate, epsilon)),
        )
    if method == "Adam":
        return (
            lambda p: tuple(f.initialize_adam(p)),
            lambda p, g, state, t, rate: _split(
                f.update_parameters_with_adam(p, g, *state, t + later, rate, beta, beta2, epsilon)
            ),
        )
    return lambda p: (), lambda p, g, state, t, rate: (f.update_parameters_with_gd(p, g, rate), ())


def _split(output):
    return output[0], tuple(output[1:])


# --- digits, and a network with one hidden layer ----------------------------------------------------------------------


class Digits(NamedTuple):
    """Images as columns, (196, m), from 0 to 1, and labels, (1, m): 1 for the digits 5 to 9."""

    X_train: np.ndarray
    Y_train: np.ndarray
    X_test: np.ndarray
    Y_test: np.ndarray


def digits():
    """Return the 4000 and 1000 digits of `data.mnist`; each pixel is the mean of 2 by 2 pixels."""
    split = data.mnist()
    X_train, X_test = (
        images.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(len(images), 196).T / 255
        for images in (split.train_images, split.test_images)
    )
    Y_train, Y_test = ((labels >= 5) * 1.0 for labels in (split.train_labels, split.test_labels))
    return Digits(X_train, Y_train, X_test, Y_test)


def first_parameters(n_x=196, units=64, seed=0):
    """Return the parameters of a network before training, by He's rule (lesson 2)."""
    rng = np.random.default_rng(seed)
    sizes = (n_x, units, 1)
    shapes = zip(sizes[1:], sizes[:-1], strict=True)
    parameters = {}
    for l, (n, n_prev) in enumerate(shapes, start=1):
        parameters |= {f"W{l}": rng.standard_normal((n, n_prev)) * np.sqrt(2 / n_prev), f"b{l}": np.zeros((n, 1))}
    return parameters


def scores(parameters, X):
    """Return the scores of the output unit, (1, m), and the hidden activations."""
    hidden = np.maximum(0, parameters["W1"] @ X + parameters["b1"])
    return parameters["W2"] @ hidden + parameters["b2"], hidden


def cost_and_gradients(parameters, X, Y):
    """Return the mean cross-entropy and its gradients ``{"dW1": …}`` of the network, both passes in one."""
    S, hidden = scores(parameters, X)
    dS = (expit(S) - Y) / Y.size
    dH = (parameters["W2"].T @ dS) * (hidden > 0)
    gradients = (dH @ X.T, dH.sum(1, keepdims=True), dS @ hidden.T, dS.sum(1, keepdims=True))
    return float(np.mean(np.logaddexp(0, S) - Y * S)), dict(zip(("dW1", "db1", "dW2", "db2"), gradients, strict=True))


def judge(parameters, X, Y):
    """Return the mean cross-entropy and the share of wrong answers."""
    with np.errstate(all="ignore"):
        S, _ = scores(parameters, X)
        return float(np.mean(np.logaddexp(0, S) - Y * S)), float(np.mean((S > 0) != (Y > 0.5)))


def draw_trainings(ax, runs, title):
    """Draw the cost on all training digits after each epoch; ``runs`` is a list of (name, colour, costs)."""
    for name, color, costs in runs:
        ax.plot(costs, ".-", color=color, label=name)
    ax.set(yscale="log", xlabel="epoch", ylabel="cost, all training digits", title=title)
    ax.legend(fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5))


def draw_averages(ax, values, averages):
    """Draw numbers in the order of time as dots, and averages as lines: ``{name: (colour, style, numbers)}``."""
    t = np.arange(1, len(values) + 1)
    ax.plot(t, values, ".", color="#999999", markersize=4)
    for name, (color, style, numbers) in averages.items():
        ax.plot(t, np.asarray(numbers, dtype=float), style, color=color, label=name)
    ax.legend(fontsize=9)
    ax.set(xlabel="step t", ylabel="cost of the mini-batch")


# --- a valley ---------------------------------------------------------------------------------------------------------

#: Curvature of the cost along the valley and across it, and where the walks start, in the same two directions.
FLAT, STEEP = 0.04, 1.0
START = np.array([-4.0, 1.6])
COUNT = 64


def _examples():
    """Return x in the directions along and across, (2, COUNT), and y, (1, COUNT), which no x explains at all."""
    rng = np.random.default_rng(3)
    # Orthogonal rows: the curvatures are exactly FLAT and STEEP, and the minimum is exactly at 0.
    q, _ = np.linalg.qr(rng.standard_normal((COUNT, 3)))
    rows = q.T * np.sqrt(COUNT)
    return rows[:2] * np.sqrt([[FLAT], [STEEP]]), 0.3 * rows[2:]


class Valley:
    """The cost of a linear neuron without bias, y_hat = w1 x1 + w2 x2, on 64 examples: half the mean squared error.

    Parameters
    ----------
    turn : float
        Angle between the valley and the axis of w1, in degrees.
    """

    def __init__(self, turn=0.0):
        angle = np.deg2rad(turn)
        self.axes = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        x, self.Y = _examples()
        self.X = self.axes @ x
        self.start = self.axes @ START
        self.lowest = float(np.mean(self.Y**2)) / 2

    def above_minimum(self, path):
        """Return J - min J at the points of a path, (n, 2)."""
        along, across = self.axes.T @ path.T
        return (FLAT * along**2 + STEEP * across**2) / 2

    def ellipse(self, level, points=90):
        """Return the contour line at this height above the minimum, (points, 2)."""
        angle = np.linspace(0, 2 * np.pi, points)
        circle = np.array([np.cos(angle) / np.sqrt(FLAT), np.sin(angle) / np.sqrt(STEEP)])
        return (self.axes @ circle * np.sqrt(2 * level)).T

    def gradient(self, w, columns=slice(None)):
        """Return the gradient by w, (1, 2), of the mean over some examples."""
        X = self.X[:, columns]
        return ((w @ X - self.Y[:, columns]) @ X.T) / X.shape[1]

    def walk(self, functions, method, steps, rate, size=4, seed=1, noisy=False, **options):
        """Return the points that a method visits, (steps + 1, 2); the learner's functions make all steps.

        Mini-batches of `size` examples are used by the method of that name, and with `noisy` by all but gradient
        descent. The bias stays 0: its gradient is given as 0.
        """
        start, step = walker(functions, method, **options)
        parameters = {"W1": self.start[None, :].copy(), "b1": np.zeros((1, 1))}
        state, rng = start(parameters), np.random.default_rng(seed)
        batches, path, db = iter(()), [self.start], np.zeros((1, 1))
        numbers = np.arange(COUNT)[None, :]
        with np.errstate(all="ignore"):
            for t in range(1, steps + 1):
                columns = slice(None)
                if method == "mini-batches" or (noisy and method != "gradient descent"):
                    columns = next(batches, None)
                    if columns is None:
                        made = functions.random_mini_batches(numbers, numbers, size, rng)
                        batches = iter([np.asarray(X_batch)[0] for X_batch, _ in made])
                        columns = next(batches)
                grads = {"dW1": self.gradient(parameters["W1"], columns), "db1": db}
                parameters, state = step(parameters, grads, state, t, rate)
                path.append(np.asarray(parameters["W1"])[0])
        return np.nan_to_num(np.clip(np.array(path), -1e6, 1e6), nan=1e6)


def draw_zigzag(ax, rates=(1.9, 0.3), steps=20):
    """Draw gradient descent in the valley, by its closed form, for each of two learning rates."""
    valley, t = Valley(), np.arange(steps + 1)
    for level in LEVELS:
        ax.plot(*valley.ellipse(level).T, color="#aac4d8", linewidth=1)
    for rate, color in zip(rates, (RED, BLUE), strict=True):
        path = START * (1 - rate * np.array([FLAT, STEEP])) ** t[:, None]
        ax.plot(*path.T, ".-", color=color, markersize=5, linewidth=1.2, label=f"{steps} steps with $\\alpha = {rate}$")
        ax.plot(*path[-1], "o", color=color, markersize=8)
    ax.plot(0, 0, "+", color="black", markersize=12)
    ax.set(xlim=(-4.6, 1.5), ylim=(-1.8, 1.8), xlabel="$w_1$", ylabel="$w_2$", aspect="equal")
    ax.legend(loc="upper right", fontsize=9)


LEVELS = (0.02, 0.08, 0.2, 0.4, 0.7, 1.1, 1.6)
REACHED = 0.01  # height above the minimum that counts as arrived


class _Stage:
    """Two axes: the valley with five paths, and the five costs over the steps."""

    def __init__(self, axes, animated, most_steps=80):
        self.valley, self.costs = axes
        keys = {"animated": animated}
        (self.contour,) = self.valley.plot([], [], color="#aac4d8", linewidth=1, **keys)
        (self.start,) = self.valley.plot([], [], "o", color="black", markersize=4, **keys)
        self.valley.plot(0, 0, "+", color="black", markersize=11)
        self.paths, self.ends, self.lines = {}, {}, {}
        for method, (color, _) in METHODS.items():
            (self.paths[method],) = self.valley.plot([], [], ".-", color=color, markersize=3, linewidth=1.2, **keys)
            (self.ends[method],) = self.valley.plot([], [], "o", color=color, markersize=7, **keys)
            (self.lines[method],) = self.costs.plot([], [], color=color, linewidth=1.4, **keys)
        self.valley.set(xlim=(-5.2, 5.2), ylim=(-4.4, 4.4), xlabel="$w_1$", ylabel="$w_2$", aspect="equal")
        self.costs.set(xlim=(0, most_steps), ylim=(1e-12, 10), yscale="log", xlabel="step")
        self.costs.set_title("$J$ − lowest $J$")

    def show(self, functions, turn, steps, rates, size=4, noisy=False, beta=0.9):
        """Move everything; return the valley and the five paths by name. ``rates`` has a rate for each method."""
        valley = Valley(turn)
        lines = [np.vstack([valley.ellipse(level), [[np.nan, np.nan]]]) for level in LEVELS]
        self.contour.set_data(*np.vstack(lines).T)
        self.start.set_data(*valley.start[:, None])
        found = {}
        for method in METHODS:
            path = valley.walk(functions, method, steps, rates[method], size, noisy=noisy, beta=beta)
            found[method] = path
            self.paths[method].set_data(*path.T)
            self.ends[method].set_data(*path[-1:].T)
            self.lines[method].set_data(np.arange(len(path)), np.maximum(valley.above_minimum(path), 1e-12))
        return valley, found


class Tuned(NamedTuple):
    """What suits a method in the valley: its rate and options, and after how many steps it is `CLOSE` for good."""

    steps: int
    rate: float
    options: dict


CLOSE, MOST = 0.01, 120


def tuned(functions, turn, size=16):
    """Return `Tuned` by method: by the formulas for gradient descent and momentum, from 16 rates for the others."""
    valley, found = Valley(turn), {}
    root = np.sqrt(STEEP / FLAT)
    searched = {"mini-batches": np.logspace(-2, 0.4, 16), "RMSprop": np.logspace(-2.5, 0.5, 16)}
    for method in METHODS:
        options = {"beta": ((root - 1) / (root + 1)) ** 2} if method == "momentum" else {}
        rates = {"gradient descent": [2 / (FLAT + STEEP)], "momentum": [1 / np.sqrt(FLAT * STEEP)]}.get(method)
        tried = []
        for rate in searched.get(method, searched["RMSprop"]) if rates is None else rates:
            heights = valley.above_minimum(valley.walk(functions, method, MOST, rate, size, **options))
            steps = arrival(heights, CLOSE * heights[0])
            tried.append(Tuned(MOST + 1 if steps is None else steps, float(rate), options))
        found[method] = min(tried, key=lambda one: one.steps)
    return found


def draw_tuned(axes, functions, settings, turn, steps=60, size=16):
    """Draw five walks with these settings, one panel each, and their costs in the last panel; axes of shape (2, 3)."""
    valley, panels = Valley(turn), list(np.ravel(axes))
    costs = panels[-1]
    for ax, (method, one) in zip(panels, settings.items(), strict=False):
        path = valley.walk(functions, method, steps, one.rate, size, **one.options)
        for level in LEVELS:
            ax.plot(*valley.ellipse(level).T, color="#aac4d8", linewidth=0.8)
        color = METHODS[method][0]
        ax.plot(*path.T, ".-", color=color, markersize=3, linewidth=1.2)
        ax.plot(*path[:1].T, "o", color="black", markersize=4)
        ax.plot(0, 0, "+", color="black", markersize=10)
        ax.set(xlim=(-5.2, 2.4), ylim=(-3.3, 3.3), aspect="equal")
        ax.set_title(f"{method}: {one.steps} steps", fontsize=9)
        costs.plot(np.maximum(valley.above_minimum(path), 1e-12), color=color, linewidth=1.3)
    costs.axhline(CLOSE * valley.above_minimum(valley.start[None, :])[0], color="gray", linestyle="--", linewidth=1)
    costs.set(yscale="log", ylim=(1e-8, 10), xlabel="step")
    costs.set_title("J − lowest J; dashed: 1/100 of the start", fontsize=9)


def draw_legend(figure, place="upper center"):
    """Write the names of the five methods, in their colours, in one line at this place of the figure."""
    handles = [plt.Line2D([], [], color=color, marker="o") for color, _ in METHODS.values()]
    figure.legend(handles, METHODS, loc=place, ncols=5, fontsize=9, columnspacing=1.2, handlelength=1.4)


def arrival(heights, goal=REACHED):
    """Return the first step from which on all heights are at most `goal`, or None."""
    above = np.flatnonzero(heights > goal)
    first = 0 if len(above) == 0 else int(above[-1]) + 1
    return first if first < len(heights) else None


def five_walks(functions):
    """Return the picture: five methods walk through one valley at once.

    Parameters
    ----------
    functions : Functions
        The learner's; they make every step.
    """
    figure, axes = plt.subplots(
        1, 2, figsize=(8.4, 3.9), layout="none", gridspec_kw={"width_ratios": (1.45, 1)}
    )  # fmt: skip
    figure.subplots_adjust(left=0.06, right=0.985, bottom=0.13, top=0.84, wspace=0.16)
    draw_legend(figure)
    stage = _Stage(axes, animated=True)

    def update(turn, steps, rate, momentum_rate, adam_rate, beta, size, noisy):
        rates = dict(zip(METHODS, (rate, rate, momentum_rate, adam_rate, adam_rate), strict=True))
        valley, paths = stage.show(functions, turn, steps, rates, size, noisy, beta)
        said = []
        for method, path in paths.items():
            heights = valley.above_minimum(path)
            first = arrival(heights)
            if heights[-1] > 10:
                said.append(f"{method} has left the picture")
            elif first is not None:
                said.append(f"{method} stays below {REACHED} from step {first} on")
            else:
                said.append(f"{method} is {heights[-1]:.2g} above the lowest cost")
        text = "; ".join(said)
        return f"After {steps} steps: {text}."

    slider = ipywidgets.FloatLogSlider
    return LiveFigure(
        figure,
        update,
        turn=ipywidgets.IntSlider(value=0, min=0, max=90, step=5, description="turn of the valley (°)"),
        steps=ipywidgets.IntSlider(value=60, min=1, max=80, description="steps"),
        rate=slider(value=10**0.25, min=-1.5, max=1.5, step=0.05, description="α of the first two"),
        momentum_rate=slider(value=10**0.7, min=-1.5, max=1.6, step=0.05, description="α of momentum"),
        adam_rate=slider(value=10**-0.8, min=-2.5, max=0.5, step=0.05, description="α of RMSprop, Adam"),
        beta=ipywidgets.FloatSlider(value=0.44, min=0, max=0.98, step=0.02, description="β, β₁"),
        size=ipywidgets.SelectionSlider(options=(1, 2, 4, 8, 16, 32, 64), value=16, description="size of mini-batches"),
        noisy=ipywidgets.ToggleButtons(
            options=[("that method alone", False), ("all but gradient descent", True)], description="mini-batches for"
        ),
    )


# --- runs to diagnose -------------------------------------------------------------------------------------------------

FAULTS = (
    sick.Fault(
        "the learning rate is too large",
        "the highest cost of the first ten batches is far above guessing, and the cost ends at guessing or above",
        "divide the learning rate by 10 or more",
    ),
    sick.Fault(
        "the learning rate is too small",
        "the cost hardly changes, and all steps are tiny from the first on",
        "multiply the learning rate by 10 or more",
    ),
    sick.Fault(
        "labels and examples are not in the same order",
        "the steps are as long as α and the cost falls a little, but half of the new digits are wrong",
        "look at some examples of a mini-batch together with their labels",
    ),
    sick.Fault(
        "the averages are not corrected at the start, and their memory is long",
        "the first step is 32 times as long as α and throws the cost up, and then it falls",
        "correct the average of the squares by its divisor, or take a shorter memory",
    ),
    sick.Fault(
        "the learning rate decays too early",
        "the cost falls in the first epoch and then stands still, since the steps of the last epoch are tiny",
        "divide the decay rate by 100 or more",
    ),
)


def sick_run(rng, functions, update_lr, which=None):
    """Train on 1000 digits with one of `FAULTS` planted, and return the `sick.Run`.

    Parameters
    ----------
    rng : Generator
    functions : Functions
    update_lr : callable
        The learner's.
    which : int, optional
        The fault; by default `rng` chooses.
    """
    which = int(rng.integers(len(FAULTS))) if which is None else which
    whole, number = digits(), int(rng.integers(4))
    X, Y = (part[:, 1000 * number : 1000 * number + 1000] for part in (whole.X_train, whole.Y_train))
    if which == 2:
        Y = rng.permutation(Y, axis=1)
    usual = rng.uniform(0.003, 0.006)
    alpha = (rng.uniform(20, 50), rng.uniform(1e-6, 3e-6), usual, 0.01, usual)[which]
    method, options = ("RMSprop", {"beta_s": 0.999}) if which == 3 else ("Adam", {})
    start, step = walker(functions, method, **options)
    parameters = first_parameters(units=32, seed=int(rng.integers(1000)))
    state, t, costs, lengths, batches = start(parameters), 0, [judge(parameters, X, Y)[0]], [], []
    order = np.random.default_rng(int(rng.integers(1000)))
    with np.errstate(all="ignore"):
        for epoch in range(6):
            rate = update_lr(alpha, epoch, 1e4 if which == 4 else 0.0)
            for X_batch, Y_batch in functions.random_mini_batches(X, Y, 50, order):
                t, before = t + 1, parameters
                cost, grads = cost_and_gradients(parameters, X_batch, Y_batch)
                parameters, state = step(parameters, grads, state, t, rate)
                batches.append(cost)
                lengths.append(np.max(np.abs(parameters["W1"] - before["W1"])))
            costs.append(judge(parameters, X, Y)[0])
    wrong = [judge(parameters, *sets)[1] for sets in ((X, Y), (whole.X_test, whole.Y_test))]
    words = (
        f"The cost before training and after each of six epochs is {', '.join(f'{cost:.3g}' for cost in costs)}; "
        f"guessing costs 0.693. The highest cost of the first ten mini-batches is {max(batches[:10]):.3g}. The "
        f"learning rate starts at {alpha:.1e}. The largest change of an entry of W1 is {lengths[0]:.1e} in the first "
        f"step and {np.mean(lengths[-20:]):.1e} on average in the last epoch. Wrong: {wrong[0]:.0%} of the training "
        f"digits, {wrong[1]:.0%} of new ones."
    )
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 2.6))
    left.plot(np.minimum(costs, 3), ".-", color=BLUE)
    left.axhline(np.log(2), color="gray", linestyle="--", linewidth=1)
    left.set(xlabel="epoch", ylabel="J (3: 3 or more)", ylim=(0, 3.1), title="cost; dashed: guessing")
    right.semilogy(np.maximum(lengths, 1e-12), color=ORANGE)
    right.set(xlabel="step", title="largest change of an entry of W1", ylim=(1e-9, 10))
    plt.close(figure)
    return sick.Run(figure, words, FAULTS, which)
