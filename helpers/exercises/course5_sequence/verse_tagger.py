"""Lesson 5.13, a tagger of your own: the catalogue of its three exercises. Equations are the notebook's."""

import numpy as np
from scipy.special import expit

from helpers.exercises import Lesson, case, draws
from helpers.widgets import verse_tagger as verses

lesson = Lesson("verse_tagger")

# --- predictions -----------------------------------------------------------------------------------------------------

lesson.predict(
    "constant",
    "The lines have no spaces, and a label is 1 at the last letter of each word. What share of the labels is right if you "
    "answer 0 everywhere?",
    ("about 0.24", "about 0.5", "about 0.76"),
    "A word of these lines has about four letters, and only one of them is its last.",
)
lesson.predict(
    "one_way",
    "The layer that reads to the left is switched off, and the rest is trained as before. What does the share of right "
    "letters do, mean of five starts?",
    ("it falls by less than 0.02", "it falls by 0.02 to 0.1", "it falls by more than 0.1"),
    "Whether a word ends here is often decided by the letters that follow.",
)
lesson.predict(
    "rival",
    "600 lines to learn from, five starts. Which labels the most letters of new lines right on average?",
    ("a logistic regression of seven letters", "the likeliest words, by counts", "your network"),
    "Someone who knows that a line is made of words, and which ones, need not find that out from letters.",
)

# --- nets ------------------------------------------------------------------------------------------------------------


def net_of(rng, n_x, n_a, size=0.7):
    """Return a random net with biases."""
    net = {"Wya": size * rng.normal(size=(1, 2 * n_a)), "by": rng.normal(size=(1, 1))}
    for way in ("right", "left"):
        net[f"Waa_{way}"] = 0.7 * rng.normal(size=(n_a, n_a))
        net[f"Wax_{way}"] = 0.7 * rng.normal(size=(n_a, n_x))
        net[f"ba_{way}"] = 0.5 * rng.normal(size=(n_a, 1))
    return net


def labels_of(rng, m, T):
    """Return labels (m, T) with both kinds."""
    return rng.permutation(np.arange(m * T) % 3 == 0).reshape(m, T) * 1.0


#: Sizes n_x, n_a, m, T.
SIZES = ((3, 2, 4, 5), (2, 3, 1, 4), (4, 2, 3, 1), (3, 4, 2, 3))
_ONE = np.array([[1.0]])
SMALL_NET = {
    "Wya": np.array([[1.0, 1.0]]), "by": np.array([[0.0]]), "Waa_right": 0.5 * _ONE, "Wax_right": _ONE,
    "ba_right": 0 * _ONE, "Waa_left": 0.5 * _ONE, "Wax_left": _ONE, "ba_left": 0 * _ONE,
}  # fmt: skip
SMALL_X, SMALL_Y = np.array([[[0.0, 1.0]]]), np.array([[0.0, 1.0]])


def gradient_cases(rng):
    def one(n_x, n_a, m, T):
        return case(net=net_of(rng, n_x, n_a), X=rng.normal(size=(n_x, m, T)), Y=labels_of(rng, m, T))

    large = one(2, 2, 2, 3)
    large[1]["net"]["by"] = np.array([[-1500.0]])  # scores whose exponentials overflow
    high = one(2, 1, 2, 2)
    high[1]["net"]["by"] = np.array([[1500.0]])
    return [*(one(*sizes) for sizes in SIZES), large, high]


@lesson.exercise(
    points=5,
    topic=57,
    equation="(13.1) to (13.11)",
    returns=("J", "grads"),
    backward=True,
    cases=gradient_cases,
    ask="Which state does each layer need before it can make the one of step t? On the way back it is the other way round: in "
    "which order do the steps of each layer go?",
    small={"net": SMALL_NET, "X": SMALL_X, "Y": SMALL_Y},
    why={
        "question": "Why do the gradients of the layer that reads to the left go from the first letter to the last?",
        "choices": {
            "its state at step t is used for the one at step t - 1, so what step t sends back needs step t - 1 first": "Yes: "
            "the way back is the way forward in reverse.",
            "so that both layers can share a loop": "No: they cannot, one goes up and one goes down.",
            "because the letters are read from the left": "No: this layer reads from the right end.",
        },
    },
)
def cost_and_gradients(net, X, Y):
    """Go forward and back through a bidirectional network with one logistic output per step.

    Parameters
    ----------
    net : dict
        ``"Waa_right"`` (n_a, n_a), ``"Wax_right"`` (n_a, n_x), ``"ba_right"`` (n_a, 1), the same three with ``left``,
        ``"Wya"`` (1, 2 n_a), ``"by"`` (1, 1).
    X : ndarray, shape (n_x, m, T)
    Y : ndarray, shape (m, T)
        Zeros and ones.

    Returns
    -------
    J : float
    grads : dict
        A derivative of the cost J for each entry of `net`, ``"dWaa_right"`` and so on.
    """
    n_a, (_, m, T), x = len(net["ba_right"]), X.shape, np.moveaxis(X, 2, 0)
    right, left, dZ_right, dZ_left = np.zeros((4, T + 2, n_a, m))  # steps 0 and T + 1 stay 0
    from_letters = net["Wax_right"] @ x + net["ba_right"]
    for t in range(1, T + 1):
        right[t] = np.tanh(net["Waa_right"] @ right[t - 1] + from_letters[t - 1])  # (13.1)
    from_letters = net["Wax_left"] @ x + net["ba_left"]
    for t in range(T, 0, -1):
        left[t] = np.tanh(net["Waa_left"] @ left[t + 1] + from_letters[t - 1])  # (13.2)
    A = np.concatenate([right, left], axis=1)[1:-1]
    S = (net["Wya"] @ A)[:, 0].T + net["by"]  # (13.3)
    J = np.mean(np.logaddexp(0, S) - Y * S)  # (13.4)
    dS = (expit(S) - Y) / (m * T)  # (13.5)
    grads = {"dWya": np.tensordot(dS, A, ((0, 1), (2, 0)))[None]}  # (13.6)
    grads["dby"] = np.sum(dS).reshape(1, 1)  # (13.6)
    dA = net["Wya"].T @ dS.T[:, None]  # (13.7)
    for t in range(T, 0, -1):
        arrived = dA[t - 1, :n_a] + net["Waa_right"].T @ dZ_right[t + 1]
        dZ_right[t] = arrived * (1 - right[t] ** 2)  # (13.8)
    for t in range(1, T + 1):
        arrived = dA[t - 1, n_a:] + net["Waa_left"].T @ dZ_left[t - 1]
        dZ_left[t] = arrived * (1 - left[t] ** 2)  # (13.9)
    for way, dZ, other in (("right", dZ_right[1:-1], right[:-2]), ("left", dZ_left[1:-1], left[2:])):
        grads[f"dWaa_{way}"] = np.tensordot(dZ, other, ((0, 2), (0, 2)))  # (13.10)
        grads[f"dWax_{way}"] = np.tensordot(dZ, x, ((0, 2), (0, 2)))  # (13.11)
        grads[f"dba_{way}"] = np.sum(dZ, axis=(0, 2))[:, None]  # (13.11)
    return J, grads


def read(X, net, way):
    """Return the states (n_a, m, T) of one layer over X, in the order in which it reads."""
    a, made = np.zeros((len(net[f"ba_{way}"]), X.shape[1])), []
    for x in np.moveaxis(X, 2, 0):
        a = np.tanh(net[f"Waa_{way}"] @ a + net[f"Wax_{way}"] @ x + net[f"ba_{way}"])
        made.append(a)
    return np.stack(made, axis=2)


def back(dA, a, X, net, way, slope=True, later=1.0, shift=1, sums=np.sum, power=2,
         handed=lambda W, dz, arrives: W.T @ dz):  # fmt: skip
    """Return the gradients of one layer; all arrays are in the order in which it has read."""
    dZ, arrives = np.zeros(a.shape), 0.0
    for t in reversed(range(a.shape[2])):
        dZ[:, :, t] = (dA[:, :, t] + later * arrives) * (1 - a[:, :, t] ** power if slope else 1.0)
        arrives = handed(net[f"Waa_{way}"], dZ[:, :, t], arrives)
    before = np.concatenate([np.zeros_like(a[:, :, :1]), a[:, :, :-1]], axis=2) if shift else a
    return {
        f"dWaa_{way}": np.tensordot(dZ, before, ((1, 2), (1, 2))),
        f"dWax_{way}": np.tensordot(dZ, X, ((1, 2), (1, 2))),
        f"dba_{way}": sums(dZ, axis=(1, 2))[:, None],
    }


def variant(net, X, Y, turn=True, turn_back=True, swap=False, mean="all", sign=1.0, bias=1.0, back_turned=True,
            J_mean=None, sums=np.sum, **options):  # fmt: skip
    """Return what `cost_and_gradients` does with other parts."""
    m, T = Y.shape
    turned = X[:, :, ::-1] if turn else X
    own = {"right": read(X, net, "right"), "left": read(turned, net, "left")}
    halves = [own["right"], own["left"][:, :, ::-1] if turn and turn_back else own["left"]]
    A = np.vstack(halves[::-1] if swap else halves)
    S = np.einsum("a,amt->mt", net["Wya"][0], A) + bias * net["by"]
    factor = {"all": 1 / (m * T), "examples": 1 / m, "none": 1.0}
    J = np.sum(np.logaddexp(0, S) - Y * S) * factor[J_mean or mean]
    dS = sign * (expit(S) - Y) * factor[mean]
    dA = np.split(net["Wya"].T[:, :, None] * dS, 2)
    upper, lower = dA[::-1] if swap else dA
    lower = lower[:, :, ::-1] if turn and turn_back and back_turned else lower
    grads = back(upper, own["right"], X, net, "right", sums=sums, **options)
    grads |= back(lower, own["left"], turned, net, "left", sums=sums, **options)
    return J, grads | {"dWya": np.einsum("mt,amt->a", dS, A)[None], "dby": sums(dS).reshape(1, 1)}


@cost_and_gradients.mistake(
    "Both layers read from the first letter on. The left one begins at the last letter: its state at step t is made from "
    "the one at t + 1."
)
def both_read_to_the_right(net, X, Y):
    return variant(net, X, Y, turn=False)


@cost_and_gradients.mistake(
    "The states of the left layer stand in the order in which it read. Its first state belongs to the last letter: turn "
    "them before you stack."
)
def left_states_not_turned(net, X, Y):
    return variant(net, X, Y, turn_back=False)


@cost_and_gradients.mistake("The left states stand above the right ones. Wya has columns for [right; left].")
def left_on_top(net, X, Y):
    return variant(net, X, Y, swap=True)


@cost_and_gradients.mistake(
    "What arrives at the left layer stands in the order of the letters, and the layer goes back in its own order."
)
def arrives_in_the_wrong_order(net, X, Y):
    return variant(net, X, Y, back_turned=False)


@cost_and_gradients.mistake("The losses are added up over the letters. J is the mean over all m T letters.")
def mean_over_lines_only(net, X, Y):
    return variant(net, X, Y, mean="examples")


@cost_and_gradients.mistake("J is the sum of all losses. It is their mean, over all m T letters.")
def sum_of_losses(net, X, Y):
    return variant(net, X, Y, mean="none")


@cost_and_gradients.mistake("The factor 1/(m T) is missing in the gradients: J is a mean.")
def gradients_without_mean(net, X, Y):
    return variant(net, X, Y, mean="none", J_mean="all")


@cost_and_gradients.mistake("The gradients have only the factor 1/m. J is a mean over m T letters.")
def gradients_with_one_over_m(net, X, Y):
    return variant(net, X, Y, mean="examples", J_mean="all")


@cost_and_gradients.mistake("All gradients have the wrong sign: dS is probability minus label.")
def wrong_sign(net, X, Y):
    return variant(net, X, Y, sign=-1.0)


@cost_and_gradients.mistake("The slope of tanh is missing: multiply by 1 minus the square of the state.")
def without_slope(net, X, Y):
    return variant(net, X, Y, slope=False)


@cost_and_gradients.mistake("Nothing goes back through time: add what the state sends to the one it was made from.")
def no_way_through_time(net, X, Y):
    return variant(net, X, Y, later=0.0)


@cost_and_gradients.mistake(
    "The gradients by Waa are made with the states of the same step. Each state was made from the one before, in the order "
    "of reading."
)
def states_of_the_same_step(net, X, Y):
    return variant(net, X, Y, shift=0)


@cost_and_gradients.mistake("The gradients by the biases are means. A bias works at every letter: add up.")
def means_for_biases(net, X, Y):
    return variant(net, X, Y, sums=np.mean)


@cost_and_gradients.mistake("by is missing in the scores.")
def without_by(net, X, Y):
    return variant(net, X, Y, bias=0.0)


@cost_and_gradients.mistake(
    "The exponential of a large score overflows, and the cost is infinite. `np.logaddexp(0, S)` is log(1 + exp(S)) without."
)
def cost_that_overflows(net, X, Y):
    A = np.vstack([read(X, net, "right"), read(X[:, :, ::-1], net, "left")[:, :, ::-1]])
    with np.errstate(all="ignore"):
        S = np.einsum("a,amt->mt", net["Wya"][0], A) + net["by"]
        return np.mean(np.log(1 + np.exp(S)) - Y * S), variant(net, X, Y)[1]


@cost_and_gradients.mistake(
    "Large scores overflow: a probability is rounded to 0 or 1. Take the cost from the score, `np.logaddexp(0, S) - Y * S`."
)
def cost_of_probabilities(net, X, Y):
    A = np.vstack([read(X, net, "right"), read(X[:, :, ::-1], net, "left")[:, :, ::-1]])
    with np.errstate(all="ignore"):
        p = expit(np.einsum("a,amt->mt", net["Wya"][0], A) + net["by"])
        return -np.mean(Y * np.log(p) + (1 - Y) * np.log(1 - p)), variant(net, X, Y)[1]


@cost_and_gradients.mistake(
    "Waa is not transposed on the way back through time. The derivative goes through its transpose."
)
def waa_not_transposed(net, X, Y):
    return variant(net, X, Y, handed=lambda W, dz, arrives: W @ dz)


@cost_and_gradients.mistake("The slope of tanh is 1 minus the *square* of the state.")
def slope_not_squared(net, X, Y):
    return variant(net, X, Y, power=1)


@cost_and_gradients.mistake(
    "What arrives from other steps is added up over all of them. Only the state made next sends: replace it at each step."
)
def arrivals_added_up(net, X, Y):
    return variant(net, X, Y, handed=lambda W, dz, arrives: arrives + W.T @ dz)


@cost_and_gradients.accept("The left layer is the right layer's function, on letters in reverse: no second loop.")
def with_reversed_letters(net, X, Y):
    return variant(net, X, Y)


@cost_and_gradients.accept("One line at a time: cost and gradients are means over lines of the same length.")
def line_by_line(net, X, Y):
    parts = [variant(net, X[:, [i]], Y[[i]]) for i in range(len(Y))]
    J = np.mean([cost for cost, _ in parts])
    return J, {name: sum(grads[name] for _, grads in parts) / len(Y) for name in parts[0][1]}


# --- train -----------------------------------------------------------------------------------------------------------


def train_cases(rng):
    found = []
    for (n_x, n_a, m, T), epochs, size, rate, weights in (
        ((3, 2, 5, 3), 2, 2, 0.05, 4.0), ((2, 2, 4, 2), 2, 1, 0.2, 0.2), ((3, 1, 3, 4), 3, 3, 0.01, 6.0)
    ):  # fmt: skip
        orders = np.array([rng.permutation(m) for _ in range(epochs)])
        arrays = {"X": rng.normal(size=(n_x, m, T)), "Y": labels_of(rng, m, T)}
        found.append(case(net=net_of(rng, n_x, n_a, weights), **arrays, orders=orders, size=size, learning_rate=rate))
    # Steps of one line each, whose norms lie on both sides of 1/2: labels that surprise the net, and labels that do not.
    found[1][1]["net"]["by"] = rng.uniform(-1.3, -1.1, size=(1, 1))
    found[1][1]["Y"] = rng.permutation(np.array([[1.0, 1.0], [0.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))
    return found


@lesson.exercise(
    points=4,
    topic=22,
    equation="(13.12) to (13.14)",
    returns=("net", "costs"),
    cases=train_cases,
    rtol=1e-5,
    ask="What has to live on from one mini-batch to the next? And over how many arrays does the one norm go?",
    small={
        "net": SMALL_NET, "X": SMALL_X, "Y": SMALL_Y, "orders": np.array([[0], [0]]), "size": 1, "learning_rate": 0.1,
    },
)  # fmt: skip
def train(net, X, Y, orders, size, learning_rate):
    """Train by Adam on mini-batches, with all gradients cut to a common norm of 1/2.

    Parameters
    ----------
    net : dict
        The start; it stays as it is.
    X : ndarray, shape (n_x, m, T)
    Y : ndarray, shape (m, T)
    orders : ndarray of int, shape (num_epochs, m)
        Row e is the order of the lines in epoch e.
    size : int
        Lines in a mini-batch; the last one of an epoch may be smaller.
    learning_rate : float

    Returns
    -------
    net : dict
    costs : list of float
        Of each mini-batch, before its step.
    """
    net, costs, t = dict(net), [], 0
    v, s = ({name: np.zeros(V.shape) for name, V in net.items()} for _ in range(2))
    for order in orders:
        for first in range(0, len(order), size):
            chosen = order[first : first + size]
            J, grads = cost_and_gradients(net, X[:, chosen], Y[chosen])
            costs.append(J)
            norm = np.sqrt(sum(np.sum(grads["d" + name] ** 2) for name in net))
            t = t + 1
            for name, V in net.items():
                dV = grads["d" + name] * min(1, 0.5 / norm)  # (13.12)
                v[name] = 0.9 * v[name] + 0.1 * dV  # (13.13)
                s[name] = 0.999 * s[name] + 0.001 * dV**2  # (13.13)
                net[name] = V - learning_rate * v[name] / (1 - 0.9**t) / (
                    np.sqrt(s[name] / (1 - 0.999**t)) + 1e-8
                )  # (13.14)
    return net, costs


def train_variant(net, X, Y, orders, size, learning_rate, correct=True, restart=False, drop=False, same_order=False,
                  clip="common", only=None, after=False, adam=True, new=(0.1, 0.001), old=(0.9, 0.999), first_t=False):  # fmt: skip
    net, costs, t = dict(net), [], 0
    v, s = ({name: 0.0 * V for name, V in net.items()} for _ in range(2))
    for order in orders:
        order = np.arange(len(order)) if same_order else order
        if restart:
            t, v, s = 0, {name: 0 * V for name, V in v.items()}, {name: 0 * V for name, V in s.items()}
        for first in range(0, len(order), size):
            chosen = order[first : first + size]
            if drop and len(chosen) < size:
                continue
            J, grads = cost_and_gradients.reference(net, X[:, chosen], Y[chosen])
            norm = np.sqrt(sum(np.sum(g**2) for g in grads.values()))
            t = 1 if first_t else t + 1
            for name in only or list(net):
                g = grads["d" + name]
                if clip == "common":
                    g = g * min(1, 0.5 / norm)
                elif clip == "own":
                    g = g * min(1, 0.5 / np.linalg.norm(g))
                elif clip == "entries":
                    g = np.clip(g, -0.5, 0.5)
                elif clip == "always":
                    g = g * 0.5 / norm
                elif clip == "one":
                    g = g * min(1, 1 / norm)
                elif clip == "sum":
                    g = g * min(1, 0.5 / sum(np.linalg.norm(dV) for dV in grads.values()))
                elif clip == "square":
                    g = g * min(1, 0.5 / norm**2)
                v[name], s[name] = old[0] * v[name] + new[0] * g, old[1] * s[name] + new[1] * g**2
                a, b = (1 - 0.9**t, 1 - 0.999**t) if correct else (1, 1)
                step = v[name] / a / (np.sqrt(s[name] / b) + 1e-8) if adam else g
                net[name] = net[name] - learning_rate * step
            costs.append(variant(net, X[:, chosen], Y[chosen])[0] if after else J)
    return net, costs


@train.mistake("The gradients are not clipped. Multiply each by min(1, 0.5 / norm), the norm over all arrays.")
def not_clipped(*arguments):
    return train_variant(*arguments, clip="never")


@train.mistake("Each array is clipped by its own norm. There is one norm, over all entries of all gradients.")
def clipped_one_by_one(*arguments):
    return train_variant(*arguments, clip="own")


@train.mistake("Single entries are clipped. Cut the common norm, which keeps the direction.")
def entries_clipped(*arguments):
    return train_variant(*arguments, clip="entries")


@train.mistake(
    "Small gradients are made larger: they are scaled to the norm 0.5 always. Only cut: `min(1, 0.5 / norm)`."
)
def always_scaled(*arguments):
    return train_variant(*arguments, clip="always")


@train.mistake("The gradients are cut to a norm of 1. Here the limit is 0.5.")
def limit_of_one(*arguments):
    return train_variant(*arguments, clip="one")


@train.mistake("The averages are not corrected: divide by 1 - 0.9^t and by 1 - 0.999^t.")
def not_corrected(*arguments):
    return train_variant(*arguments, correct=False)


@train.mistake("t and the averages start anew in each epoch. They live on from the first mini-batch to the last.")
def restarted(*arguments):
    return train_variant(*arguments, restart=True)


@train.mistake("The last, smaller mini-batch of an epoch is left out. Every line counts in every epoch.")
def last_left_out(*arguments):
    return train_variant(*arguments, drop=True)


@train.mistake("The given orders are not used: row e of `orders` is the order of epoch e.")
def own_order(*arguments):
    return train_variant(*arguments, same_order=True)


@train.mistake("Only the output layer learns. Change all entries of the net.")
def output_only(*arguments):
    return train_variant(*arguments, only=("Wya", "by"))


@train.mistake("The costs are those after each step. Keep the cost before it.")
def costs_after(*arguments):
    return train_variant(*arguments, after=True)


@train.mistake("This is plain gradient descent. The step of Adam is (13.14).")
def plain_descent(*arguments):
    return train_variant(*arguments, adam=False)


@train.mistake("The start is changed in place. Make new arrays: without `-=`.")
def in_place(net, *arguments):
    found, costs = train_variant(net, *arguments)
    for name, V in net.items():
        V[...] = found[name]
    return net, costs


@train.mistake("Only the first epoch is trained. Each row of `orders` is an epoch.")
def first_epoch_only(net, X, Y, orders, size, learning_rate):
    return train_variant(net, X, Y, orders[:1], size, learning_rate)


@train.mistake("The new gradient has its full weight in v. Its weight is 0.1, beside 0.9 for the old average.")
def new_gradient_whole(*arguments):
    return train_variant(*arguments, new=(1.0, 0.001))


@train.mistake("Both averages have the weight 0.9. The one of the squares has 0.999.")
def same_weight_for_squares(*arguments):
    return train_variant(*arguments, new=(0.1, 0.1), old=(0.9, 0.9))


@train.mistake("t is always 1. It counts the mini-batches.")
def always_the_first_step(*arguments):
    return train_variant(*arguments, first_t=True)


@train.mistake("The norms of the arrays are added up. The common norm is the root of the sum of all squares.")
def norms_added(*arguments):
    return train_variant(*arguments, clip="sum")


@train.mistake("The root is missing in the norm: it is the root of the sum of the squares.")
def norm_without_root(*arguments):
    return train_variant(*arguments, clip="square")


@train.accept("One function makes a step for one array and keeps its state: the loop is left with the order.")
def with_a_step(net, X, Y, orders, size, learning_rate):
    def step(V, dV, state):
        t, v, s = state[0] + 1, 0.9 * state[1] + 0.1 * dV, 0.999 * state[2] + 0.001 * dV * dV
        return V - learning_rate * v / (1 - 0.9**t) / (np.sqrt(s / (1 - 0.999**t)) + 1e-8), (t, v, s)

    states, costs = {name: (0, 0 * V, 0 * V) for name, V in net.items()}, []
    for order in orders:
        for chosen in np.split(order, range(size, len(order), size)):
            J, grads = cost_and_gradients.reference(net, X[:, chosen], Y[chosen])
            costs += [J]
            factor = 0.5 / max(0.5, np.linalg.norm(np.concatenate([g.ravel() for g in grads.values()])))
            both = {name: step(V, factor * grads[f"d{name}"], states[name]) for name, V in net.items()}
            net, states = ({name: pair[k] for name, pair in both.items()} for k in (0, 1))
    return net, costs


@train.accept
def with_flat_loop(*arguments):
    return train_variant(*arguments)


# --- tag -------------------------------------------------------------------------------------------------------------

#: How many lines there are to learn from and to label; shares of right labels that are told apart. The tests measure them.
LEARNED, NEW, LEVELS = 200, 200, (0.0, 0.7, 0.79, 0.85)


def tag_cases(rng):
    found = []
    for _ in range(2):
        order = rng.permutation(len(verses.beginnings()))[: LEARNED + NEW]
        (X, Y), (X_new, _) = verses.lines(order[:LEARNED]), verses.lines(order[LEARNED:])
        found.append(case(X=X, Y=Y, X_new=X_new, rng=np.random.default_rng(int(rng.integers(2**32)))))
    return found


def tag_judge(X, Y, X_new, rng):
    """Return how a case is judged: by the labels of its new lines, which are not among its arguments."""
    labels = np.array([verses.labels(letters) for letters in verses.letters_of(X_new)])
    return draws(1, view="share", given={"labels": labels, "levels": list(LEVELS)})


@lesson.exercise(
    points=3,
    topic=53,
    equation="(13.15)",
    cases=tag_cases,
    judge=tag_judge,
    ask="Which arrays does the net have, of which shapes, and what does each start with? Then one call of train is left, and "
    "the way forward for the new lines.",
    small={
        "X": np.eye(26)[:, [[0, 1, 2, 0]]], "Y": np.array([[0.0, 0, 1, 1]]), "X_new": np.eye(26)[:, [[0, 1, 2]]],
        "rng": np.random.default_rng(0),
    },
)  # fmt: skip
def tag(X, Y, X_new, rng):
    """Learn from lines with labels, and label new ones.

    Parameters
    ----------
    X : ndarray, shape (26, m, T)
        One-hot letters.
    Y : ndarray, shape (m, T)
        1 at the last letter of each word, else 0.
    X_new : ndarray, shape (26, k, T)
    rng : Generator
        For all that is random.

    Returns
    -------
    labels : ndarray, shape (k, T)
        Zeros and ones.
    """
    net = verses.first_net(16, rng)
    orders = np.array([rng.permutation(len(Y)) for _ in range(6)])
    net, _ = train(net, X, Y, orders, 20, 0.03)
    return (verses.scores_of(net, X_new) > 0) * 1.0  # (13.15)


def tagged(X, Y, X_new, rng, n_a=16, epochs=6, size=20, rate=0.03, one_way=False):
    """Return the scores of new lines after a training; with `one_way` the left layer sends nothing."""
    net = verses.first_net(n_a, rng)
    learn = [name for name in net if not (one_way and "left" in name)]
    if one_way:
        net |= {name: 0 * V for name, V in net.items() if "left" in name}
    orders = [rng.permutation(len(Y)) for _ in range(epochs)]
    return verses.scores_of(train_variant(net, X, Y, orders, size, rate, only=learn)[0], X_new)


@tag.mistake("These are probabilities. Return a label for each letter: 1 where the score is above 0, else 0.")
def probabilities(X, Y, X_new, rng):
    return expit(tagged(X, Y, X_new, rng, epochs=1))


@tag.mistake("There is an axis for each line, (k, 1, T) or the like. Return labels of shape (k, T).")
def one_more_axis(X, Y, X_new, rng):
    return (tagged(X, Y, X_new, rng, epochs=1) > 0)[:, None] * 1.0


@tag.mistake("Lines and letters are exchanged. Return one row of labels for each line, (k, T).")
def letters_first(X, Y, X_new, rng):
    return (tagged(X, Y, X_new, rng, epochs=1) > 0).T * 1.0


@tag.mistake(
    "The labels are as good as answering 0 everywhere. Does each line keep its own labels, does the net change, and is it "
    "the trained one that answers?"
)
def zeros_everywhere(X, Y, X_new, rng):
    return np.zeros(X_new.shape[1:])


@tag.mistake(
    "The labels are better than answering 0 everywhere, and worse than both directions can. Train longer, or with a larger "
    "learning rate, and let the answer use both layers."
)
def one_direction(X, Y, X_new, rng):
    return (tagged(X, Y, X_new, rng, one_way=True) > 0) * 1.0


@tag.accept("Fewer units, more epochs.")
def fewer_units(X, Y, X_new, rng):
    return (tagged(X, Y, X_new, rng, n_a=12, epochs=9) > 0) * 1.0


@tag.accept
def other_batches(X, Y, X_new, rng):
    return (tagged(X, Y, X_new, rng, epochs=8, size=25) > 0).astype(int)
