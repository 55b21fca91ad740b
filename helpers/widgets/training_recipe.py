"""The pictures of lesson 2.9: digits, trainings by a recipe, in few bits, who decays, and runs with a fault."""

from typing import NamedTuple

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from threadpoolctl import threadpool_limits

from helpers import data
from helpers.checks import sick
from helpers.plots import BLUE, GREEN, ORANGE
from helpers.widgets import LiveFigure

# --- digits, and a network --------------------------------------------------------------------------------------------


class Functions(NamedTuple):
    """The learner's functions; all trainings of this module are made with them."""

    update_parameters_with_adamw: object = None
    learning_rate_at: object = None
    clip_by_global_norm: object = None
    smooth_cross_entropy: object = None
    random_shift: object = None
    update_ema: object = None
    to_bfloat16: object = None
    loss_scaling_step: object = None


class Digits(NamedTuple):
    """Images, (m, 14, 14), from 0 to 1, and one-hot labels, (10, m): to learn from, and to judge; float32."""

    images: np.ndarray
    Y: np.ndarray
    images_dev: np.ndarray
    Y_dev: np.ndarray


def digits():
    """Return the 4000 and 1000 digits of `data.mnist`; each pixel is the mean of 2 by 2 pixels."""
    split = data.mnist()
    images, images_dev = (
        (part.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)) / 255).astype(np.float32)
        for part in (split.train_images, split.test_images)
    )
    Y, Y_dev = ((np.arange(10)[:, None] == part).astype(np.float32) for part in (split.train_labels, split.test_labels))
    return Digits(images, Y, images_dev, Y_dev)


def columns(images):
    """Return images (m, 14, 14) as columns, (196, m)."""
    return images.reshape(len(images), -1).T


def first_parameters(sizes, seed, dtype=np.float32):
    """Return the parameters of a network before training, by He's rule (lesson 2); ``sizes`` starts with the inputs."""
    rng, parameters = np.random.default_rng([seed, 0]), {}
    for l, (n_prev, n) in enumerate(zip(sizes[:-1], sizes[1:], strict=True), start=1):
        W = rng.standard_normal((n, n_prev)) * np.sqrt(2 / n_prev)
        parameters |= {f"W{l}": W.astype(dtype), f"b{l}": np.zeros((n, 1), dtype)}
    return parameters


def forward(parameters, X, store=lambda x: x):
    """Return the scores (n_y, m) and the activations of all layers before them; `store` rounds what is kept."""
    A, kept, L = X, [X], len(parameters) // 2
    for l in range(1, L + 1):
        Z = store(parameters[f"W{l}"] @ A + parameters[f"b{l}"])
        A = np.maximum(0, Z)
        kept.append(A)
    return Z, kept[:L]


def backward(dZ, kept, parameters, store=lambda x: x):
    """Return the gradients ``{"dW1": …}`` of the mean cost from dZ, the derivatives of each example's loss."""
    m, grads, sizes = dZ.shape[1], {}, []
    for l in range(len(kept), 0, -1):
        sizes.append(dZ)
        grads[f"dW{l}"] = store(dZ @ kept[l - 1].T / m)
        grads[f"db{l}"] = store(dZ.sum(axis=1, keepdims=True) / m)
        if l > 1:
            dZ = store((parameters[f"W{l}"].T @ dZ) * (kept[l - 1] > 0))
    return grads, sizes


def accuracy(parameters, digits):
    """Return the share of the judging digits that are read right."""
    Z, _ = forward(parameters, columns(digits.images_dev))
    return float(np.mean(Z.argmax(axis=0) == digits.Y_dev.argmax(axis=0)))


def cost(parameters, images, Y):
    """Return the mean cross-entropy, without smoothing."""
    Z = forward(parameters, columns(images))[0].astype(float)
    Z -= Z.max(axis=0)
    return float(np.mean(np.log(np.exp(Z).sum(axis=0)) - np.sum(Y * Z, axis=0)))


def cross_entropy(Z, Y, epsilon=0.0):
    """Return the mean cross-entropy without smoothing, and dZ, as lesson 8 does; ``epsilon`` is not used."""
    shifted = Z - Z.max(axis=0)
    logs = shifted - np.log(np.exp(shifted).sum(axis=0))
    return -np.sum(Y * logs) / Z.shape[1], np.exp(logs) - Y


def kinds_of_pixels(digits):
    """Return which pixels, (196,) bool, are inked in no training image, in less than 2 %, in more than 30 %."""
    share = np.mean(columns(digits.images) > 0, axis=1)
    return {"always white": share == 0, "seldom inked": (share > 0) & (share < 0.02), "often inked": share > 0.3}


def rms(weights):
    """Return the root mean square of some weights."""
    return float(np.sqrt(np.mean(np.square(weights))))


# --- a training by a recipe -------------------------------------------------------------------------------------------


class Recipe(NamedTuple):
    """What a training is made of; as it stands: Adam with a constant learning rate.

    ``l2`` is added to the gradient, λw. ``glare`` is the share of mini-batches that are a hundred times too bright;
    ``momentum`` makes it a training with momentum in place of Adam.
    """

    peak: float = 0.003
    schedule: bool = False
    warmup_steps: int = 0
    max_shift: int = 0
    weight_decay: float = 0.0
    smoothing: float = 0.0
    ema: float | None = None
    max_norm: float | None = None
    l2: float = 0.0
    epochs: int = 16
    hidden: tuple = (128,)
    momentum: float | None = None
    glare: float = 0.0


class Trained(NamedTuple):
    """What a training leaves: parameters, their average or None, cost and norm of the gradient of each mini-batch."""

    parameters: dict
    ema: dict | None
    costs: np.ndarray
    norms: np.ndarray


def _float32(arrays):
    return {name: np.asarray(array).astype(np.float32, copy=False) for name, array in arrays.items()}


def train(functions, digits, recipe, seed=0, size=64):
    """Train a network on the digits by a `Recipe` with the learner's functions, and return what is `Trained`."""
    f, r = functions, recipe
    m = len(digits.images)
    parameters = first_parameters((196, *r.hidden, 10), seed)
    rng, t, costs, norms = np.random.default_rng([seed, 1]), 0, [], []
    v = {"d" + name: np.zeros_like(array) for name, array in parameters.items()}
    s, ema = v, parameters if r.ema is not None else None
    num_steps = r.epochs * -(-m // size)
    with threadpool_limits(1), np.errstate(all="ignore"):  # small matrices: one thread is faster
        for _ in range(r.epochs):
            order = rng.permutation(m)
            for start in range(0, m, size):
                chosen, t = order[start : start + size], t + 1
                images = digits.images[chosen]
                if r.max_shift:
                    images = f.random_shift(images, r.max_shift, rng)
                if r.glare and rng.random() < r.glare:
                    images = images * np.float32(100)
                Z, kept = forward(parameters, columns(np.asarray(images, dtype=np.float32)))
                J, dZ = f.smooth_cross_entropy(Z, digits.Y[:, chosen], r.smoothing)
                grads, _ = backward(np.asarray(dZ, dtype=np.float32), kept, parameters)
                costs.append(float(J))
                if r.l2:
                    grads |= {
                        f"d{name}": grads[f"d{name}"] + r.l2 * W for name, W in parameters.items() if name[0] == "W"
                    }
                if r.max_norm is not None:
                    grads, norm = f.clip_by_global_norm(grads, r.max_norm)
                    grads = _float32(grads)
                    norms.append(float(norm))
                rate = float(f.learning_rate_at(t, num_steps, r.peak, r.warmup_steps)) if r.schedule else r.peak
                if r.momentum is not None:
                    v = {name: r.momentum * v[name] + (1 - r.momentum) * grads[name] for name in v}
                    parameters = {name: array - rate * v["d" + name] for name, array in parameters.items()}
                else:
                    parameters, v, s = f.update_parameters_with_adamw(
                        parameters, grads, v, s, t, rate, 0.9, 0.999, 1e-8, r.weight_decay
                    )
                    parameters = _float32(parameters)
                if ema is not None:
                    ema = _float32(f.update_ema(ema, parameters, r.ema))
    return Trained(parameters, ema, np.array(costs), np.array(norms))


_PLAN = {"peak": 0.01, "schedule": True, "warmup_steps": 60}
#: The recipes of the lesson, each with one piece more than an earlier one.
RECIPES = {
    "Adam, rate 0.001": Recipe(peak=0.001),
    "Adam, rate 0.003": Recipe(),
    "Adam, rate 0.01": Recipe(peak=0.01),
    "warm-up and cosine": Recipe(**_PLAN),
    "+ shifts": Recipe(**_PLAN, max_shift=1),
    "+ shifts, decay": Recipe(**_PLAN, max_shift=1, weight_decay=0.1),
    "+ shifts, smoothing": Recipe(**_PLAN, max_shift=1, smoothing=0.1),
    "all": Recipe(**_PLAN, max_shift=1, weight_decay=0.1, smoothing=0.1, ema=0.99),
}
#: For each piece two recipes, without it and with it; "the average of it" has the averaged weights of "all". The
#: schedule is compared with the best of the constant rates, which the lesson finds out.
PIECES = {
    "shifts": ("warm-up and cosine", "+ shifts"),
    "decay": ("+ shifts", "+ shifts, decay"),
    "smoothing": ("+ shifts", "+ shifts, smoothing"),
    "average": ("all", "the average of it"),
}


def every_second(digits):
    """Return the digits with every second one to learn from."""
    return digits._replace(images=digits.images[::2], Y=digits.Y[:, ::2])


# --- few bits ---------------------------------------------------------------------------------------------------------


def to_float16(x):
    """Return the nearest float16, kept as float32."""
    with np.errstate(over="ignore"):
        return np.asarray(x, dtype=np.float32).astype(np.float16).astype(np.float32)


class Rounded(NamedTuple):
    """A training in few bits: its accuracy, the share of dZ that became 0, how many steps were left out."""

    accuracy: float
    lost: float
    skipped: int


def train_rounded(
    functions, digits, store, seed=0, rate=0.1, epochs=5, weight=1.0, scale=1.0, scaling=None, master=True, n_h=32
):
    """Train by gradient descent on mini-batches, where what is computed is rounded by `store`.

    Parameters
    ----------
    functions : Functions
    digits : Digits
    store : callable
        Rounds each score, activation, derivative and gradient, and the copy of the weights that computes them.
    seed, rate, epochs : number
    weight : float
        Factor of the loss; the learning rate is divided by it, so that nothing but the rounding changes.
    scale : float
        The loss is multiplied by it, and the gradients are divided by it.
    scaling : str or None
        ``"dynamic"`` uses `loss_scaling_step` as it is, ``"static"`` keeps the scale.
    master : bool
        Whether the weights that are updated are float32; if not, they are rounded after each step.
    n_h : int
    """
    parameters = first_parameters((196, n_h, 10), seed)
    rng, skipped, lost, good, m = np.random.default_rng([seed, 1]), 0, [], 0, len(digits.images)
    with threadpool_limits(1), np.errstate(all="ignore"):  # small matrices: one thread is faster
        for _ in range(epochs):
            order = rng.permutation(m)
            for start in range(0, m, 64):
                chosen = order[start : start + 64]
                low = {name: store(array) for name, array in parameters.items()}
                Z, kept = forward(low, columns(digits.images[chosen]), store)
                _, dZ = functions.smooth_cross_entropy(Z, digits.Y[:, chosen], 0.0)
                factor = weight * scale
                exact = np.asarray(dZ, dtype=np.float32)
                rounded = store(exact * np.float32(factor))
                grads, stages = backward(rounded, kept, low, store)
                lost.append(np.mean(rounded[exact != 0] == 0))
                if scaling:
                    found, new_scale, good = functions.loss_scaling_step(grads, scale, good, 200)
                    scale = float(new_scale) if scaling == "dynamic" else scale
                else:
                    found = {name: array / np.float32(scale) for name, array in grads.items()}
                if found is None:
                    skipped += 1
                    continue
                change = np.float32(rate / weight)
                parameters = {name: array - change * found["d" + name] for name, array in parameters.items()}
                if not master:
                    parameters = {name: store(array) for name, array in parameters.items()}
    return Rounded(accuracy(parameters, digits), float(np.mean(lost)), skipped)


# --- the picture: who decays ------------------------------------------------------------------------------------------

#: Steps and learning rate of the walks; both weights start at 1.
STEPS, RATE = 150, 0.02
RULES = {"L2 in Adam": (ORANGE, "s--"), "AdamW": (BLUE, "o-")}


def walk(update_parameters_with_adamw, rule, weight_decay, ratio, steps=STEPS):
    """Return the places (steps + 1, 2) of two weights whose gradients change sign at each step, so that they cancel.

    Parameters
    ----------
    update_parameters_with_adamw : callable
        The learner's; it makes all steps.
    rule : str
        A key of `RULES`. In L2 in Adam the gradient holds λw, and the step decays nothing.
    weight_decay : float
    ratio : float
        How many times as large the gradients of the first weight are; those of the second are 1 and -1.
    steps : int
    """
    parameters = {"W1": np.ones((1, 2)), "b1": np.zeros((1, 1))}
    v = {"dW1": np.zeros((1, 2)), "db1": np.zeros((1, 1))}
    s, path, sizes = v, [np.ones(2)], np.array([[ratio, 1.0]])
    for t in range(1, steps + 1):
        grads = {"dW1": sizes if t % 2 else -sizes, "db1": np.zeros((1, 1))}
        decay = weight_decay
        if rule == "L2 in Adam":
            grads["dW1"], decay = grads["dW1"] + weight_decay * parameters["W1"], 0.0
        parameters, v, s = update_parameters_with_adamw(
            parameters, grads, v, s, t, RATE, 0.9, 0.999, 1e-8, decay
        )  # fmt: skip
        path.append(np.asarray(parameters["W1"])[0])
    return np.array(path)


def _plane(animated):
    figure, ax = plt.subplots(figsize=(5.2, 4), layout="constrained")
    ax.set(xlim=(-0.05, 1.15), ylim=(-0.05, 1.15), xlabel="weight with large gradients", ylabel="with small gradients")
    ax.plot([0, 1], [0, 1], color="#bbbbbb", linewidth=1)
    ax.plot(1, 1, "k*", markersize=11)
    ax.annotate("start", (1, 1), (1.02, 1.05))
    lines = {
        rule: ax.plot([], [], style, color=color, markersize=5, markevery=15, label=rule, animated=animated)[0]
        for rule, (color, style) in RULES.items()
    }
    ax.legend(loc="lower right")
    return figure, lines


def draw_decay(update_parameters_with_adamw, weight_decay=0.5, ratio=10.0):
    """Return the figure of one state of `who_decays`, without controls, and where both weights end by rule."""
    figure, lines = _plane(False)
    ends = {}
    for rule, line in lines.items():
        path = walk(update_parameters_with_adamw, rule, weight_decay, ratio)
        line.set_data(*path.T)
        ends[rule] = path[-1]
    figure.axes[0].set_title(f"λ = {weight_decay:g}, gradients {ratio:g} to 1")
    return figure, ends


def who_decays(update_parameters_with_adamw):
    """Return the picture: move λ and the ratio of the gradients, choose a rule, and see which weight decays."""
    figure, lines = _plane(True)

    def update(weight_decay, ratio, rules):
        said = []
        for rule, line in lines.items():
            shown = rules in (rule, "both")
            line.set_visible(shown)
            if shown:
                path = walk(update_parameters_with_adamw, rule, weight_decay, ratio)
                line.set_data(*path.T)
                said.append(f"{rule} takes them from 1 to {path[-1, 0]:.2f} and {path[-1, 1]:.2f}")
        return f"λ = {weight_decay:.2f}, gradients {ratio:.0f} to 1, {STEPS} steps: {'; '.join(said)}."

    return LiveFigure(
        figure,
        update,
        weight_decay=ipywidgets.FloatSlider(value=0.5, min=0, max=1, step=0.05, description="λ"),
        ratio=ipywidgets.FloatSlider(value=10, min=1, max=30, step=1, description="ratio of gradients"),
        rules=ipywidgets.Dropdown(options=["both", *RULES], value="both", description="rule"),
    )


# --- the picture: learning rates --------------------------------------------------------------------------------------


def rates(learning_rate_at, num_steps, peak, warmup_steps, final):
    """Return the learning rates of steps 1 to num_steps."""
    return np.array([float(learning_rate_at(t, num_steps, peak, warmup_steps, final)) for t in range(1, num_steps + 1)])


def draw_rates(ax, learning_rate_at, num_steps=120, peak=1.0, settings=((0, 0.0), (20, 0.0), (20, 0.3))):
    """Draw schedules, each by its number of steps to warm up and its last rate."""
    for (warmup_steps, final), color, style in zip(settings, (GREEN, BLUE, ORANGE), (":", "-", "--"), strict=True):
        y = rates(learning_rate_at, num_steps, peak, warmup_steps, final)
        ax.plot(np.arange(1, num_steps + 1), y, style, color=color, label=f"warm-up {warmup_steps}, final {final:g}")
    ax.set(xlabel="step t", ylabel="learning rate / peak", ylim=(0, 1.05))
    ax.legend()


def schedule(learning_rate_at, num_steps=120):
    """Return the picture: sliders for the warm-up and for the last rate, and the learner's learning rates."""
    figure, ax = plt.subplots(figsize=(6, 3), layout="constrained")
    ax.set(xlim=(0, num_steps), ylim=(0, 1.05), xlabel="step t", ylabel="learning rate / peak")
    t = np.arange(1, num_steps + 1)
    line = ax.plot(t, np.zeros(num_steps), color=BLUE, animated=True)[0]

    def update(warmup_steps, final):
        y = rates(learning_rate_at, num_steps, 1.0, warmup_steps, final)
        line.set_ydata(y)
        return (
            f"Warm-up {warmup_steps} of {num_steps} steps, final {final:.2f}: step 1 has {y[0]:.3f}, the highest is "
            f"{y.max():.2f} at step {int(np.argmax(y)) + 1}, the mean {y.mean():.2f}, the last {y[-1]:.2f}."
        )

    return LiveFigure(
        figure,
        update,
        warmup_steps=ipywidgets.IntSlider(value=20, min=0, max=100, step=5, description="warm-up"),
        final=ipywidgets.FloatSlider(value=0, min=0, max=1, step=0.05, description="final"),
    )


# --- figures ----------------------------------------------------------------------------------------------------------


def draw_shifts(random_shift, images, max_shift, rng, times=5):
    """Return a figure: each image as it is, and a few shifts of it."""
    figure, axes = plt.subplots(len(images), times + 1, figsize=(times + 1, len(images)), layout="constrained")
    moved = [images, *[np.asarray(random_shift(images, max_shift, rng)) for _ in range(times)]]
    for row, axes_of_row in enumerate(np.reshape(axes, (len(images), times + 1))):
        for column, ax in enumerate(axes_of_row):
            ax.imshow(moved[column][row], cmap="gray_r", vmin=0, vmax=1)
            ax.set(xticks=[], yticks=[])
    axes.flat[0].set_title("as it is", fontsize=9)
    return figure


def draw_accuracies(ax, found):
    """Draw accuracies by recipe, one dot per start and a line for their mean."""
    for row, values in enumerate(found.values()):
        ax.plot(values, np.full(len(values), row), "o", color=BLUE, markersize=5, alpha=0.7)
        ax.plot([np.mean(values)] * 2, [row - 0.3, row + 0.3], color=ORANGE, linewidth=2)
    ax.set_yticks(range(len(found)), list(found))
    ax.invert_yaxis()
    ax.set(xlabel="share of 1000 digits read right")


# --- runs to diagnose -------------------------------------------------------------------------------------------------

FAULTS = (
    sick.Fault(
        "the schedule counts epochs, not steps",
        "the highest learning rate of the whole run is a small part of the peak",
        "print the learning rates of a run, and count its steps",
    ),
    sick.Fault(
        "the labels are smoothed far too much",
        "the cost stays near that of equal shares although most digits are read right",
        "make ε a tenth or less",
    ),
    sick.Fault(
        "the images are shifted too far",
        "a good part of the ink is missing in the batches",
        "look at a batch, and shift by one or two pixels",
    ),
    sick.Fault(
        "the average reaches too far back",
        "the averaged weights read far fewer digits than the last ones do",
        "choose a decay whose reach 1/(1 - decay) is a small part of the steps",
    ),
    sick.Fault(
        "the weights decay far too much",
        "the length of the weights falls to a small part of the start's",
        "make the decay a hundredth or less",
    ),
)


def sick_run(
    rng, update_parameters_with_adamw, learning_rate_at, smooth_cross_entropy, random_shift, update_ema, which=None
):  # fmt: skip
    """Train for four epochs on 2000 digits with one of `FAULTS` planted, and return the `sick.Run`.

    Parameters
    ----------
    rng : Generator
    update_parameters_with_adamw, learning_rate_at, smooth_cross_entropy, random_shift, update_ema : callable
        The learner's functions.
    which : int, optional
        The fault; by default `rng` chooses.
    """
    which = int(rng.integers(len(FAULTS))) if which is None else which
    whole, seed, used = digits(), int(rng.integers(1000)), []
    part = every_second(whole)

    def rate(t, num_steps, *rest):
        t = 1 + (t - 1) // 32 if which == 0 else t
        used.append(float(learning_rate_at(t, num_steps, *rest)))
        return used[-1]

    ink = []

    def shift(images, max_shift, rng):
        moved = np.asarray(random_shift(images, max_shift, rng))
        ink.append(moved.sum() / images.sum())
        return moved

    recipe = Recipe(
        peak=0.01, schedule=True, warmup_steps=20, hidden=(64,), epochs=4,
        smoothing=float(rng.uniform(0.85, 0.92)) if which == 1 else 0.1,
        max_shift=int(rng.integers(7, 9)) if which == 2 else 1,
        ema=0.9995 if which == 3 else 0.9,
        weight_decay=float(rng.uniform(15, 25)) if which == 4 else 0.1,
    )  # fmt: skip
    functions = Functions(
        update_parameters_with_adamw, rate, None, smooth_cross_entropy, shift, update_ema
    )  # fmt: skip
    run = train(functions, part, recipe, seed)
    before = np.linalg.norm(first_parameters((196, 64, 10), seed)["W1"])
    costs = [float(one.mean()) for one in np.array_split(run.costs, 4)]
    words = (
        f"The mean costs of four epochs are {', '.join(f'{one:.2f}' for one in costs)}; equal shares cost "
        f"{np.log(10):.2f}. The highest learning rate is {max(used):.4f} of a peak of {recipe.peak:g}, the last one "
        f"{used[-1]:.4f}. The batches hold {np.mean(ink):.0%} of the ink. The length of W1 goes from {before:.1f} to "
        f"{np.linalg.norm(run.parameters['W1']):.1f}. Of 1000 other digits the last weights read "
        f"{accuracy(run.parameters, whole):.0%}, their average {accuracy(run.ema, whole):.0%}."
    )
    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 2.6), layout="constrained")
    left.plot(run.costs, color=BLUE)
    left.axhline(np.log(10), color="gray", linestyle="--", linewidth=1)
    left.set(xlabel="step", ylabel="J of the mini-batch", ylim=(0, 3))
    right.plot(used, color=ORANGE)
    right.set(xlabel="step", ylabel="learning rate", ylim=(0, 1.05 * recipe.peak))
    plt.close(figure)
    return sick.Run(figure, words, FAULTS, which)
