"""The pictures of lesson 2.9: digits, trainings by a recipe, in few bits, who decays, and runs with a fault."""

from typing import NamedTuple

import numpy as np

from helpers import data
from helpers.widgets import progress

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
    dev_images: np.ndarray
    dev_Y: np.ndarray


def digits():
    """Return the 4000 and 1000 digits of `data.mnist`; each pixel is the mean of 2 by 2 pixels."""
    split = data.mnist()
    images, dev_images = (
        (part.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)) / 255).astype(np.float32)
        for part in (split.train_images, split.test_images)
    )
    Y, dev_Y = ((np.arange(10)[:, None] == part).astype(np.float32) for part in (split.train_labels, split.test_labels))
    return Digits(images, Y, dev_images, dev_Y)


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
    Z, _ = forward(parameters, columns(digits.dev_images))
    return float(np.mean(Z.argmax(axis=0) == digits.dev_Y.argmax(axis=0)))


def cost(parameters, images, Y):
    """Return the mean cross-entropy, without smoothing."""
    Z = forward(parameters, columns(images))[0].astype(float)
    Z -= Z.max(axis=0)
    return float(np.mean(np.log(np.exp(Z).sum(axis=0)) - np.sum(Y * Z, axis=0)))


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
    epochs: int = 20
    hidden: tuple = (256,)
    momentum: float | None = None
    glare: float = 0.0


class Trained(NamedTuple):
    """What a training leaves: parameters, their average (None without), cost of each mini-batch, norm of its gradient."""

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
    with np.errstate(all="ignore"):
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
                    grads |= {f"d{name}": grads[f"d{name}"] + r.l2 * W for name, W in parameters.items() if name[0] == "W"}
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


#: The recipes of the lesson, each with one piece more; the average is that of the last one.
RECIPES = {
    "Adam, constant rate": Recipe(),
    "warm-up, cosine": Recipe(peak=0.01, schedule=True, warmup_steps=60),
    "+ shifts": Recipe(peak=0.01, schedule=True, warmup_steps=60, max_shift=1),
    "+ decay 0.1": Recipe(peak=0.01, schedule=True, warmup_steps=60, max_shift=1, weight_decay=0.1),
    "+ smoothing 0.1": Recipe(peak=0.01, schedule=True, warmup_steps=60, max_shift=1, smoothing=0.1),
    "all": Recipe(peak=0.01, schedule=True, warmup_steps=60, max_shift=1, weight_decay=0.1, smoothing=0.1, ema=0.99),
}


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
    functions, digits, store, seed=0, rate=0.1, epochs=8, weight=1.0, scale=1.0, scaling=None, master=True, n_h=64
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
    with np.errstate(all="ignore"):
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
