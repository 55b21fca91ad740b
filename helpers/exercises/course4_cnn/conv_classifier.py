"""Lesson 4.11, a convolutional network of your own: the catalogue of its four exercises. Equations are the notebook's."""

import numpy as np

from helpers import data
from helpers.exercises import Lesson, case, draws
from helpers.exercises.course4_cnn import conv_layer
from helpers.widgets import digit_classifier as layers

lesson = Lesson("conv_classifier")

# --- predictions -----------------------------------------------------------------------------------------------------

lesson.predict(
    "first_cost",
    "Before the first step all weights and biases of the dense layer are 0. What is the cost J?",
    ("0.69", "2.30", "6.93"),
    "All ten scores are 0, so each class has the probability 1/10, whatever the label is.",
)
lesson.predict(
    "anywhere",
    "600 digits of 8 by 8 pixels, each somewhere on a sheet of 12 by 12. A network with 64 dense units learns them. How many "
    "new sheets does it read, mean of five starts?",
    ("more than 90 %", "from 75 to 90 %", "fewer than 75 %"),
    "A dense unit knows places, not shapes: the same digit two pixels further is a new image to it.",
)
lesson.predict(
    "rival",
    "600 digits to learn from, five starts. Which reads the most new sheets on average?",
    ("64 dense units", "the nearest neighbour", "the nearest neighbour, over all shifts", "your network"),
    "Someone who knows that digits only move can write that into one line of code. The network had to find it out from 600 examples.",
)

# --- nets ------------------------------------------------------------------------------------------------------------


def net_of(rng, n_H, n_W, n_C_prev, f, n_C, n_y, zero=()):
    """Return a random net for images of n_H by n_W pixels with n_C_prev channels, with biases."""
    n = ((n_H - f + 1) // 2) * ((n_W - f + 1) // 2) * n_C
    net = {
        "W1": rng.normal(size=(f, f, n_C_prev, n_C)),
        "b1": 0.5 * rng.normal(size=(1, 1, 1, n_C)),
        "W2": rng.normal(size=(n, n_y)) / np.sqrt(n),
        "b2": rng.normal(size=(1, n_y)),
    }
    return net | {name: 0 * net[name] for name in zero}


#: Examples, height, width, channels, size of the filters, filters, classes.
SIZES = (
    (3, 6, 7, 1, 3, 2, 3),
    (1, 5, 6, 2, 2, 3, 4),
    (4, 4, 5, 2, 2, 1, 2),
    (2, 7, 5, 1, 2, 2, 3),
    (2, 2, 2, 1, 1, 2, 3),
)
ONE = np.array([[1.0]])
SMALL_NET = {
    "W1": np.ones((1, 1, 1, 1)),
    "b1": np.full((1, 1, 1, 1), -1.0),
    "W2": np.array([[1.0, -1.0]]),
    "b2": np.array([[-2.0, 2.0]]),
}
SMALL_X = np.array([[0.0, 1.0], [2.0, 3.0]]).reshape(1, 2, 2, 1)


def images_of(rng, m, n_H, n_W, n_C_prev):
    return rng.normal(size=(m, n_H, n_W, n_C_prev))


def gradient_cases(rng):
    found = []
    for m, n_H, n_W, n_C_prev, f, n_C, n_y in SIZES:
        net = net_of(rng, n_H, n_W, n_C_prev, f, n_C, n_y)
        X = images_of(rng, m, n_H, n_W, n_C_prev)
        found.append(case(net=net, X=X, labels=rng.permutation(np.arange(m) % n_y)))
    large = net_of(rng, 4, 4, 1, 2, 2, 3)
    large["b2"] = large["b2"] + 2000.0  # scores whose exponentials overflow
    found.append(case(net=large, X=images_of(rng, 2, 4, 4, 1), labels=np.array([2, 0])))
    silent = net_of(rng, 5, 5, 1, 2, 2, 3)  # filters whose scores all lie a little below and a little above 0
    silent["W1"] *= 0.001
    silent["b1"][0, 0, 0] = -0.05, 0.05
    return [*found, case(net=silent, X=images_of(rng, 2, 5, 5, 1), labels=np.array([1, 2]))]


@lesson.exercise(
    points=5,
    topic=44,
    equation="(11.1) to (11.9)",
    returns=("J", "grads"),
    backward=True,
    cases=gradient_cases,
    ask="Write down the shape of each array on the way forward. The array of its derivative has the same one: which step back "
    "leads from shape to shape?",
    small={"net": SMALL_NET, "X": SMALL_X, "labels": np.array([0])},
    why={
        "question": "Why does an entry that is not the largest of its window get no gradient?",
        "choices": {
            "a small change of it changes nothing behind the pooling": "Yes: so its derivative is 0.",
            "it is negative": "No: it may be positive. It only is not the largest.",
            "its filter learns from other places": "It does, but that is no reason: here its derivative is 0.",
        },
    },
)
def cost_and_gradients(net, X, labels):
    """Go forward and back through the network.

    Parameters
    ----------
    net : dict
        ``"W1"`` (f, f, n_C_prev, n_C), ``"b1"`` (1, 1, 1, n_C), ``"W2"`` (n, n_y), ``"b2"`` (1, n_y).
    X : ndarray, shape (m, n_H, n_W, n_C_prev)
    labels : ndarray of int, shape (m,)

    Returns
    -------
    J : float
    grads : dict
        ``"dW1"``, ``"db1"``, ``"dW2"``, ``"db2"``: of the cost J.
    """
    m, f, n_C = len(X), len(net["W1"]), net["W1"].shape[3]
    columns = conv_layer.im2col(X, f, 0, 1)
    Z = columns @ net["W1"].reshape(columns.shape[1], n_C)
    Z = Z.reshape(m, X.shape[1] - f + 1, X.shape[2] - f + 1, n_C) + net["b1"]  # (11.1)
    n_H, n_W = Z.shape[1] // 2, Z.shape[2] // 2
    inside = np.s_[:, : n_H * 2, : n_W * 2]
    entries = np.maximum(Z, 0)[inside].reshape(m, n_H, 2, n_W, 2, n_C)
    P = np.max(entries, axis=(2, 4), keepdims=True)  # (11.2)
    flat = P.reshape(m, n_H * n_W * n_C)
    S = flat @ net["W2"] + net["b2"]  # (11.3)
    S = S - np.max(S, axis=1, keepdims=True)
    log_p = S - np.log(np.sum(np.exp(S), axis=1, keepdims=True))
    J = -np.mean(log_p[np.arange(m), labels])  # (11.4)
    dS = (np.exp(log_p) - (np.arange(S.shape[1]) == labels[:, None])) / m  # (11.5)
    grads = {"dW2": flat.T @ dS, "db2": np.sum(dS, axis=0, keepdims=True)}  # (11.6)
    dP = (dS @ net["W2"].T).reshape(P.shape)  # (11.7)
    dZ = np.zeros(Z.shape)
    dZ[inside] = (dP * (entries == P)).reshape(Z[inside].shape) * (Z[inside] > 0)  # (11.8)
    grads["dW1"] = (columns.T @ dZ.reshape(len(columns), n_C)).reshape(net["W1"].shape)  # (11.9)
    grads["db1"] = np.sum(dZ, axis=(0, 1, 2), keepdims=True)  # (11.9)
    return J, grads


def variant(net, X, labels, slope=True, relu=True, pool=layers.pool, pool_back=layers.pool_back, order=None, mean=True,
            sums=np.sum, flip=False, bias=1.0, sign=1.0):  # fmt: skip
    """Return what `cost_and_gradients` does with other parts."""
    m, W1 = len(X), net["W1"][::-1, ::-1] if flip else net["W1"]
    Z = layers.conv(X, W1, bias * net["b1"], 0)
    A = np.maximum(Z, 0) if relu else Z
    P = pool(A)
    flat = P.reshape(m, -1) if order is None else P.transpose(0, *order).reshape(m, -1)
    J, dS = layers.loss(flat @ net["W2"] + net["b2"], labels)
    dS = sign * dS * (1 if mean else m)
    dflat = dS @ net["W2"].T
    if order is None:
        dP = dflat.reshape(P.shape)
    else:
        dP = dflat.reshape(m, *(P.shape[axis] for axis in order)).transpose(0, *(1 + np.argsort(order)))
    dZ = pool_back(dP, A) * ((Z > 0) if slope else 1.0)
    _, dW1, _ = layers.conv_back(dZ, X, W1, net["b1"], 0)
    grads = {"dW1": dW1[::-1, ::-1] if flip else dW1, "db1": sums(dZ, axis=(0, 1, 2), keepdims=True)}
    return J, grads | {"dW2": flat.T @ dS, "db2": sums(dS, axis=0, keepdims=True)}


def mean_of_windows(A):
    m, n_H, n_W, n_C = A.shape
    return A[:, : n_H // 2 * 2, : n_W // 2 * 2].reshape(m, n_H // 2, 2, n_W // 2, 2, n_C).mean(axis=(2, 4))


def to_all(dP, A):
    found = np.zeros(A.shape)
    wide = np.repeat(np.repeat(dP, 2, axis=1), 2, axis=2)
    found[:, : wide.shape[1], : wide.shape[2]] = wide
    return found


@cost_and_gradients.mistake("The slope of the ReLU is missing: nothing comes back where Z is negative.")
def without_slope(net, X, labels):
    return variant(net, X, labels, slope=False)


@cost_and_gradients.mistake("There is no ReLU. It stands between the convolution and the pooling.")
def without_relu(net, X, labels):
    return variant(net, X, labels, relu=False, slope=False)


@cost_and_gradients.mistake("Windows are averaged. Max pooling takes the largest entry.")
def with_mean_pooling(net, X, labels):
    return variant(net, X, labels, pool=mean_of_windows, pool_back=lambda dP, A: to_all(dP, A) / 4)


@cost_and_gradients.mistake("All entries of a window get the gradient. Only the largest made the output.")
def gradient_to_all(net, X, labels):
    return variant(net, X, labels, pool_back=to_all)


@cost_and_gradients.mistake("The factor 1/m is missing in the gradients: J is a mean over the examples.")
def without_mean(net, X, labels):
    return variant(net, X, labels, mean=False)


@cost_and_gradients.mistake("The gradients by the biases are means. A bias works in every place: add up.")
def mean_for_biases(net, X, labels):
    return variant(net, X, labels, sums=np.mean)


@cost_and_gradients.mistake("The filters are flipped. Weight (j, k) meets pixel (j, k) of the window.")
def flipped(net, X, labels):
    return variant(net, X, labels, flip=True)


@cost_and_gradients.mistake(
    "The volume is flattened channel by channel. The order is row, column, channel: `reshape(m, -1)`."
)
def channels_first(net, X, labels):
    return variant(net, X, labels, order=(3, 1, 2))


@cost_and_gradients.mistake("b1 is missing in the scores of the filters.")
def without_b1(net, X, labels):
    return variant(net, X, labels, bias=0.0)


@cost_and_gradients.mistake("All gradients have the wrong sign: dS is probability minus label.")
def wrong_sign(net, X, labels):
    return variant(net, X, labels, sign=-1.0)


@cost_and_gradients.mistake("Large scores overflow in the exponential. Subtract the largest score of each row first.")
def overflow(net, X, labels):
    J, grads = variant(net, X, labels)
    P = layers.pool(np.maximum(layers.conv(X, net["W1"], net["b1"], 0), 0))
    with np.errstate(all="ignore"):
        e = np.exp(P.reshape(len(X), -1) @ net["W2"] + net["b2"])
        p = e / e.sum(axis=1, keepdims=True)
        J = -np.mean(np.log(p[np.arange(len(p)), labels]))
    return J, grads


@cost_and_gradients.accept("From the layers of lesson 4, one after the other: each has its backward function.")
def from_layers(net, X, labels):
    return variant(net, X, labels)


@cost_and_gradients.accept("One example at a time: costs and gradients are means over the examples.")
def example_by_example(net, X, labels):
    parts = [variant(net, X[i : i + 1], labels[i : i + 1]) for i in range(len(X))]
    J = np.mean([cost for cost, _ in parts])
    return J, {name: sum(grads[name] for _, grads in parts) / len(X) for name in parts[0][1]}


# --- train -----------------------------------------------------------------------------------------------------------


def train_cases(rng):
    found = []
    for (m, n_H, n_W, n_C_prev, f, n_C, n_y), epochs, size, rate in (
        ((5, 6, 5, 1, 3, 2, 3), 2, 2, 0.05), ((4, 5, 5, 2, 2, 1, 2), 1, 3, 0.2), ((3, 4, 4, 1, 2, 2, 4), 3, 3, 0.01)
    ):  # fmt: skip
        orders = np.array([rng.permutation(m) for _ in range(epochs)])
        arrays = {"X": images_of(rng, m, n_H, n_W, n_C_prev), "labels": rng.permutation(np.arange(m) % n_y)}
        net = net_of(rng, n_H, n_W, n_C_prev, f, n_C, n_y)
        found.append(case(net=net, **arrays, orders=orders, size=size, learning_rate=rate))
    return found


@lesson.exercise(
    points=4,
    topic=22,
    equation="(11.10) and (11.11)",
    returns=("net", "costs"),
    cases=train_cases,
    rtol=1e-5,
    ask="What has to live on from one mini-batch to the next, and from one epoch to the next?",
    small={
        "net": SMALL_NET,
        "X": SMALL_X,
        "labels": np.array([0]),
        "orders": np.array([[0], [0]]),
        "size": 1,
        "learning_rate": 0.1,
    },
)
def train(net, X, labels, orders, size, learning_rate):
    """Train by Adam on mini-batches.

    Parameters
    ----------
    net : dict
        The start; it stays as it is.
    X, labels : ndarray
        The training part.
    orders : ndarray of int, shape (num_epochs, m)
        Row e is the order of the examples in epoch e.
    size : int
        Examples in a mini-batch; the last one of an epoch may be smaller.
    learning_rate : float

    Returns
    -------
    net : dict
    costs : list of float
        Of each mini-batch, before its step.
    """
    net, costs, t = dict(net), [], 0
    v, s = ({name: np.zeros(array.shape) for name, array in net.items()} for _ in range(2))
    for order in orders:
        for first in range(0, len(order), size):
            chosen = order[first : first + size]
            J, grads = cost_and_gradients(net, X[chosen], labels[chosen])
            costs.append(J)
            t = t + 1
            for name, array in net.items():
                v[name] = 0.9 * v[name] + 0.1 * grads["d" + name]  # (11.10)
                s[name] = 0.999 * s[name] + 0.001 * grads["d" + name] ** 2  # (11.10)
                corrected = v[name] / (1 - 0.9**t), s[name] / (1 - 0.999**t)
                net[name] = array - learning_rate * corrected[0] / (np.sqrt(corrected[1]) + 1e-8)  # (11.11)
    return net, costs


def train_variant(net, X, labels, orders, size, learning_rate, correct=True, restart=False, drop=False, same_order=False,
                  only=None, after=False, adam=True):  # fmt: skip
    net, costs, t = dict(net), [], 0
    v, s = ({name: 0.0 * array for name, array in net.items()} for _ in range(2))
    for order in orders:
        order = np.arange(len(order)) if same_order else order
        if restart:
            t, v, s = 0, {name: 0 * array for name, array in v.items()}, {name: 0 * array for name, array in s.items()}
        for first in range(0, len(order), size):
            chosen = order[first : first + size]
            if drop and len(chosen) < size:
                continue
            J, grads = cost_and_gradients.reference(net, X[chosen], labels[chosen])
            t += 1
            for name in only or list(net):
                g = grads["d" + name]
                v[name], s[name] = 0.9 * v[name] + 0.1 * g, 0.999 * s[name] + 0.001 * g**2
                a, b = (1 - 0.9**t, 1 - 0.999**t) if correct else (1, 1)
                step = v[name] / a / (np.sqrt(s[name] / b) + 1e-8) if adam else g
                net[name] = net[name] - learning_rate * step
            costs.append(cost_and_gradients.reference(net, X[chosen], labels[chosen])[0] if after else J)
    return net, costs


@train.mistake("The averages are not corrected: divide by 1 - 0.9^t and by 1 - 0.999^t.")
def not_corrected(*arguments):
    return train_variant(*arguments, correct=False)


@train.mistake("t and the averages start anew in each epoch. They live on from the first mini-batch to the last.")
def restarted(*arguments):
    return train_variant(*arguments, restart=True)


@train.mistake("The last, smaller mini-batch of an epoch is left out. Every example counts in every epoch.")
def last_left_out(*arguments):
    return train_variant(*arguments, drop=True)


@train.mistake("The given orders are not used: row e of `orders` is the order of epoch e.")
def own_order(*arguments):
    return train_variant(*arguments, same_order=True)


@train.mistake("Only the dense layer learns. Change W1 and b1, too.")
def dense_only(*arguments):
    return train_variant(*arguments, only=("W2", "b2"))


@train.mistake("The costs are those after each step. Keep the cost before it.")
def costs_after(*arguments):
    return train_variant(*arguments, after=True)


@train.mistake("This is plain gradient descent. The step of Adam is (11.11).")
def plain_descent(*arguments):
    return train_variant(*arguments, adam=False)


@train.mistake("The start is changed in place. Make new arrays: without `-=`.")
def in_place(net, *arguments):
    found, costs = train_variant(net, *arguments)
    for name, array in net.items():
        array[...] = found[name]
    return net, costs


@train.mistake("Only the first epoch is trained. Each row of `orders` is an epoch.")
def first_epoch_only(net, X, labels, orders, size, learning_rate):
    return train.reference(net, X, labels, orders[:1], size, learning_rate)


@train.accept("One state for each parameter, and a function for the step, as in lesson 4.")
def with_a_step(net, X, labels, orders, size, learning_rate):
    def step(V, dV, state):
        t, v, s = state[0] + 1, 0.9 * state[1] + 0.1 * dV, 0.999 * state[2] + 0.001 * dV * dV
        return V - learning_rate * v / (1 - 0.9**t) / (np.sqrt(s / (1 - 0.999**t)) + 1e-8), (t, v, s)

    states, costs = {name: (0, 0 * array, 0 * array) for name, array in net.items()}, []
    for order in orders:
        for chosen in np.split(order, range(size, len(order), size)):
            J, grads = cost_and_gradients.reference(net, X[chosen], labels[chosen])
            costs += [J]
            both = {name: step(V, grads[f"d{name}"], states[name]) for name, V in net.items()}
            net, states = ({name: pair[k] for name, pair in both.items()} for k in (0, 1))
    return net, costs


@train.accept
def with_flat_loop(*arguments):
    return train_variant(*arguments)


# --- predict ---------------------------------------------------------------------------------------------------------


def predict_cases(rng):
    found = []
    for m, n_H, n_W, n_C_prev, f, n_C, n_y in ((30, 6, 7, 1, 3, 2, 4), (25, 5, 6, 2, 2, 3, 3), (20, 4, 5, 1, 2, 2, 3)):
        net = net_of(rng, n_H, n_W, n_C_prev, f, n_C, n_y)
        net["b1"] = net["b1"] - 1.5
        net["b2"] = 0.7 * net["b2"]
        found.append(case(net=net, X=images_of(rng, m, n_H, n_W, n_C_prev)))
    return found


@lesson.exercise(
    points=1,
    topic=44,
    equation="(11.12)",
    cases=predict_cases,
    ask="Which part of cost_and_gradients do you need, and over which axis is the largest score?",
    small={"net": SMALL_NET, "X": SMALL_X},
)
def predict(net, X):
    """Return the class with the largest score for each image.

    Parameters
    ----------
    net : dict
    X : ndarray, shape (m, n_H, n_W, n_C_prev)

    Returns
    -------
    labels : ndarray of int, shape (m,)
    """
    Z = layers.conv(X, net["W1"], net["b1"], 0)
    P = layers.pool(np.maximum(Z, 0))
    return np.argmax(P.reshape(len(X), P[0].size) @ net["W2"] + net["b2"], axis=1)  # (11.12)


def scores_of(net, X, relu=True, summary=layers.pool, bias=1.0):
    Z = layers.conv(X, net["W1"], net["b1"], 0)
    P = summary(np.maximum(Z, 0) if relu else Z)
    return P.reshape(len(X), -1) @ net["W2"] + bias * net["b2"]


@predict.mistake("These are scores. Return the place of the largest, one number for each image.")
def predict_scores(net, X):
    return scores_of(net, X)


@predict.mistake("The largest score is searched over the images. Each row is an image: axis 1.")
def predict_over_images(net, X):
    return scores_of(net, X).argmax(axis=0)


@predict.mistake("The smallest score wins here. The largest does.")
def predict_smallest(net, X):
    return scores_of(net, X).argmin(axis=1)


@predict.mistake("The ReLU is missing.")
def predict_without_relu(net, X):
    return scores_of(net, X, relu=False).argmax(axis=1)


@predict.mistake("Classes are counted from 0.")
def predict_from_one(net, X):
    return scores_of(net, X).argmax(axis=1) + 1


@predict.mistake("b2 is missing: the scores are P @ W2 + b2.")
def predict_without_b2(net, X):
    return predict.reference(net | {"b2": np.zeros(net["b2"].shape)}, X)


@predict.accept("Image by image, with nothing but the scores of one.")
def predict_image_by_image(net, X):
    return np.array([int(np.argmax(scores_of(net, X[i : i + 1])[0])) for i in range(len(X))])


@predict.accept
def predict_by_sorting(net, X):
    return np.argsort(scores_of(net, X), axis=1)[:, -1]


# --- read_sheets -----------------------------------------------------------------------------------------------------

#: How many sheets there are to learn from and to read; shares of new sheets that are told apart. The tests measure them.
LEARNED, NEW, LEVELS = 400, 250, (0.0, 0.2, 0.62)
SHEET = 12


def sheets(chosen, rng):
    """Return the small digits of these numbers, each somewhere on a sheet: (k, 12, 12, 1), from 0 to 1."""
    digits = data.small_digits().images / 16
    X = np.zeros((len(chosen), SHEET, SHEET, 1))
    for k, number in enumerate(chosen):
        row, column = rng.integers(0, SHEET - 8 + 1, size=2)
        X[k, row : row + 8, column : column + 8, 0] = digits[number]
    return X


def sheet_cases(rng):
    labels, found = data.small_digits().labels[0], []
    for _ in range(2):
        order = rng.permutation(len(labels))
        known, new = order[:LEARNED], order[LEARNED : LEARNED + NEW]
        own = np.random.default_rng(int(rng.integers(2**32)))
        found.append(case(X=sheets(known, rng), labels=labels[known], X_new=sheets(new, rng), rng=own))
    return found


def labels_of_sheets(X):
    """Return the labels of sheets, by the digit that is on them."""
    digits = data.small_digits()
    known = {(image / 16).tobytes(): label for image, label in zip(digits.images, digits.labels[0], strict=True)}
    found = []
    for sheet in X[..., 0]:
        places = np.ndindex(SHEET - 7, SHEET - 7)
        inside = (np.ascontiguousarray(sheet[row : row + 8, column : column + 8]) for row, column in places)
        whole = sheet.sum()
        found.append(next(known[w.tobytes()] for w in inside if w.tobytes() in known and np.isclose(w.sum(), whole)))
    return np.array(found)


def sheet_judge(X, labels, X_new, rng):
    """Return how a case is judged: by the labels of its new sheets, which are not among its arguments."""
    return draws(1, view="share", given={"labels": labels_of_sheets(X_new), "levels": list(LEVELS)})


@lesson.exercise(
    points=3,
    topic=44,
    cases=sheet_cases,
    judge=sheet_judge,
    ask="Which arrays does the net have, of which shapes, and what does each start with? Then two calls are left.",
    small={
        "X": np.kron(np.array([[[0.0, 1], [1, 0]], [[1.0, 0], [0, 1]]]), np.ones((6, 6)))[..., None],
        "labels": np.array([3, 7]),
        "X_new": np.kron(np.array([[[0.0, 0.9], [0.9, 0]]]), np.ones((6, 6)))[..., None],
        "rng": np.random.default_rng(0),
    },
)
def read_sheets(X, labels, X_new, rng):
    """Learn from sheets with labels, and read new ones.

    Parameters
    ----------
    X : ndarray, shape (m, 12, 12, 1)
        From 0 (paper) to 1 (ink).
    labels : ndarray of int, shape (m,)
        From 0 to 9.
    X_new : ndarray, shape (k, 12, 12, 1)
    rng : Generator
        For all that is random.

    Returns
    -------
    new_labels : ndarray of int, shape (k,)
    """
    net = {
        "W1": rng.normal(size=(5, 5, 1, 16)) * np.sqrt(2 / 25),
        "b1": np.zeros((1, 1, 1, 16)),
        "W2": rng.normal(size=(256, 10)) * np.sqrt(1 / 256),
        "b2": np.zeros((1, 10)),
    }
    orders = np.array([rng.permutation(len(X)) for _ in range(15)])
    net, _ = train(net, X, labels, orders, 32, 0.015)
    return predict(net, X_new)


def read_with(X, labels, X_new, rng, f=5, filters=16, epochs=20, size=32, rate=0.015):
    n = ((SHEET - f + 1) // 2) ** 2 * filters
    net = {"W1": rng.normal(size=(f, f, 1, filters)) * np.sqrt(2) / f, "b1": np.zeros((1, 1, 1, filters))}
    net |= {"W2": rng.normal(size=(n, 10)) / np.sqrt(n), "b2": np.zeros((1, 10))}
    states = {name: (0, 0 * array, 0 * array) for name, array in net.items()}
    for _ in range(epochs):
        order = rng.permutation(len(X))
        for first in range(0, len(X), size):
            chosen = order[first : first + size]
            _, grads = variant(net, X[chosen], labels[chosen])
            for name, V in net.items():
                t, v, s = states[name]
                t, v, s = t + 1, 0.9 * v + 0.1 * grads[f"d{name}"], 0.999 * s + 0.001 * grads[f"d{name}"] ** 2
                states[name] = t, v, s
                net[name] = V - rate * v / (1 - 0.9**t) / (np.sqrt(s / (1 - 0.999**t)) + 1e-8)
    return predict.reference(net, X_new)


@read_sheets.mistake(
    "The answers are as good as guessing. Does each sheet keep its own label, does the net change, and is it the trained one "
    "that reads?"
)
def labels_of_other_sheets(X, labels, X_new, rng):
    return read_with(X, rng.permutation(labels), X_new, rng, epochs=3)


@read_sheets.mistake("The labels are a row. Return them with one axis, (k,).")
def row_of_labels(X, labels, X_new, rng):
    return read_with(X, labels, X_new, rng, epochs=8)[None, :]


@read_sheets.mistake("There are ten numbers for each sheet. Return the place of the largest, one label for each.")
def scores_for_labels(X, labels, X_new, rng):
    return np.eye(10)[read_with(X, labels, X_new, rng, epochs=8)]


@read_sheets.mistake(
    "More is read than by guessing, and less than a convolutional network can. Train longer, or with a larger learning rate."
)
def too_short(X, labels, X_new, rng):
    return read_with(X, labels, X_new, rng, epochs=12, rate=0.001)


@read_sheets.accept("Smaller filters, and more of them.")
def smaller_filters(X, labels, X_new, rng):
    return read_with(X, labels, X_new, rng, f=4, filters=20)


@read_sheets.accept
def other_batches(X, labels, X_new, rng):
    return read_with(X, labels, X_new, rng, epochs=25, size=50, rate=0.02)
