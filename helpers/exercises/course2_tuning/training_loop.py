"""Lesson 2.10, a training loop of your own: the catalogue of its four exercises. Equations are those of the notebook."""

import functools
import itertools

import numpy as np

from helpers import data
from helpers.exercises import Lesson, case, draws

lesson = Lesson("training_loop")

# --- predictions -----------------------------------------------------------------------------------------------------

lesson.predict(
    "restarted",
    "Somebody calls train five times, for one epoch each, so that t, v and s begin anew in each epoch. By how much does "
    "that change the share of right dev digits, mean of five starts?",
    ("by less than 1 point", "by 1 to 5 points", "by more than 5 points"),
    "After a restart some steps have another size, and training goes on from the same weights. The network learns all the "
    "same, and accuracy hides the slip.",
)
lesson.predict(
    "never",
    "The network trains well, but the running averages stay at their start, mean 0 and variance 1. How many dev digits are "
    "right?",
    ("as many as before, within 2 points", "fewer, but at least half of them", "fewer than half of them"),
    "The layer of the classes has learned from normalised scores. With other averages it gets other scores than in training.",
)
lesson.predict(
    "rivals",
    "The same network, the same five starts and epochs. Each method has the best of its rates on the dev part: Adam, and "
    "plain gradient descent on the same mini-batches. Which has more right test digits?",
    ("Adam, by more than chance", "neither by more than two standard errors", "gradient descent, by more than chance"),
    "A tuned rate makes plain gradient descent a strong rival here. It says nothing of other networks, or of rates that "
    "nobody has tuned.",
)

# --- nets ------------------------------------------------------------------------------------------------------------

NAMES = ("W1", "gamma", "beta", "W2", "b2")


def mean(A):
    """Return the mean of each row, as a column."""
    return np.mean(A, axis=1, keepdims=True)


def net_of(rng, n_x, n_h, C, **replaced):
    """Return a random net as the lesson's text describes it, with some arrays replaced."""
    net = {
        "W1": rng.normal(size=(n_h, n_x)),
        "gamma": rng.uniform(1.2, 2, size=(n_h, 1)) * rng.choice([-1, 1], size=(n_h, 1)),
        "beta": rng.uniform(0.4, 1.2, size=(n_h, 1)) * rng.choice([-1, 1], size=(n_h, 1)),
        "W2": rng.normal(size=(C, n_h)),
        "b2": rng.normal(size=(C, 1)),
        "mean": rng.normal(size=(n_h, 1)),
        "var": rng.uniform(1.5, 3, size=(n_h, 1)),
    }
    return net | replaced


def one_hot(labels, C):
    """Return the one-hot columns (C, m) of a sequence of labels."""
    return np.eye(C)[:, list(labels)]


def labels_of(rng, C, m):
    """Return m labels, each class at least once where there is room."""
    return rng.permutation(np.arange(m) % C)


#: One pixel, one hidden unit, two classes: all numbers come out even, or nearly.
SMALL_NET = {
    "W1": np.array([[1.0]]),
    "gamma": np.array([[2.0]]),
    "beta": np.array([[1.0]]),
    "W2": np.array([[1.0], [-1.0]]),
    "b2": np.array([[0.0], [0.0]]),
    "mean": np.array([[1.0]]),
    "var": np.array([[4.0]]),
}
SMALL_X = np.array([[1.0, 5.0]])
SMALL_Y = np.array([[0.0, 1.0], [1.0, 0.0]])

# --- cost_and_gradients ----------------------------------------------------------------------------------------------


def gradient_cases(rng):
    found = []
    for n_x, n_h, C, m, scale in ((3, 4, 2, 6, 1.0), (2, 5, 3, 5, 0.004), (5, 3, 4, 3, 1.0), (4, 4, 4, 4, 1.5)):
        X = scale * (rng.normal(size=(n_x, m)) + 0.5)
        found.append(case(net=net_of(rng, n_x, n_h, C), X=X, Y=one_hot(labels_of(rng, C, m), C)))
    large = net_of(rng, 2, 3, 3)
    large["W2"] = 20000 * large["W2"]
    found.append(case(net=large, X=rng.normal(size=(2, 4)), Y=one_hot(labels_of(rng, 3, 4), 3)))
    found.append(case(net=net_of(rng, 3, 2, 2), X=rng.normal(size=(3, 1)), Y=one_hot([1], 2)))
    return found


@lesson.exercise(
    points=4,
    topic=25,
    equation="(10.11)",
    returns=("J", "grads", "mu", "var"),
    cases=gradient_cases,
    ask="Which line of the way forward does each line of the way back belong to? Walk from (10.5) up to (10.1), and ask at "
    "each step what shape the derivative has.",
    small={"net": SMALL_NET, "X": SMALL_X, "Y": SMALL_Y},
    why={
        "question": "Why do the running averages of the net not occur in this function?",
        "choices": {
            "in training, mean and variance are those of the mini-batch": "Yes: the net's own averages are for prediction.",
            "they are 0 at the start": "No: whatever they are, training does not use them.",
            "they cancel in (10.3)": "No: they are not in (10.3) at all.",
        },
    },
)
def cost_and_gradients(net, X, Y):
    """Go forward and back through the net on one mini-batch, in training mode.

    Parameters
    ----------
    net : dict
        ``"W1"`` (n_h, n_x), ``"gamma"``, ``"beta"`` (n_h, 1), ``"W2"`` (C, n_h), ``"b2"`` (C, 1), and the running
        ``"mean"`` and ``"var"``, (n_h, 1).
    X : ndarray, shape (n_x, m)
    Y : ndarray, shape (C, m)
        One-hot columns.

    Returns
    -------
    J : float
        The cost, mean over the m examples.
    grads : dict
        Derivatives of J by ``"W1"``, ``"gamma"``, ``"beta"``, ``"W2"``, ``"b2"``, under these names.
    mu, var : ndarray, shape (n_h, 1)
        Mean and variance of the scores in this mini-batch.
    """
    m = X.shape[1]
    Z = net["W1"] @ X
    mu = np.mean(Z, axis=1, keepdims=True)  # (10.2)
    C = Z - mu
    var = np.mean(C**2, axis=1, keepdims=True)  # (10.2)
    s = np.sqrt(var + 1e-5)
    Z_norm = C / s  # (10.3)
    Z_tilde = net["gamma"] * Z_norm + net["beta"]
    A = np.maximum(0, Z_tilde)
    S = net["W2"] @ A + net["b2"]
    S = S - np.max(S, axis=0)
    log_sum = np.log(np.sum(np.exp(S), axis=0))
    J = float(np.mean(log_sum - np.sum(Y * S, axis=0)))  # (10.6)
    dS = np.exp(S - log_sum) - Y
    dZ_tilde = (net["W2"].T @ dS) * (Z_tilde > 0)  # (10.8)
    dZ_norm = net["gamma"] * dZ_tilde
    inner = np.mean(dZ_norm * Z_norm, axis=1, keepdims=True)
    dZ = (dZ_norm - np.mean(dZ_norm, axis=1, keepdims=True) - Z_norm * inner) / s  # (10.10)
    grads = {
        "W1": dZ @ X.T / m,
        "gamma": np.mean(dZ_tilde * Z_norm, axis=1, keepdims=True),
        "beta": np.mean(dZ_tilde, axis=1, keepdims=True),
        "W2": dS @ A.T / m,
        "b2": np.mean(dS, axis=1, keepdims=True),
    }
    return J, grads, mu, var


def gradients_with(
    net, X, Y,
    statistics=lambda Z, net: (mean(Z), mean((Z - mean(Z)) ** 2)),
    mask=lambda Z_tilde: Z_tilde > 0,
    slope=lambda dN, N, s: (dN - mean(dN) - N * mean(dN * N)) / s,
    softmax=lambda S: np.exp(S - np.max(S, axis=0) - np.log(np.sum(np.exp(S - np.max(S, axis=0)), axis=0))),
    cost=None,
    root=lambda var: np.sqrt(var + 1e-5),
    change=lambda grads, m: grads,
):  # fmt: skip
    """Return what `cost_and_gradients` returns, with a step replaced."""
    m = X.shape[1]
    Z = net["W1"] @ X
    mu, var = statistics(Z, net)
    s = root(var)
    N = (Z - mu) / s
    Z_tilde = net["gamma"] * N + net["beta"]
    A = np.maximum(0, Z_tilde)
    S = net["W2"] @ A + net["b2"]
    P, top = softmax(S), np.max(S, axis=0)
    if cost is None:
        J = float(np.mean(top + np.log(np.sum(np.exp(S - top), axis=0)) - np.sum(Y * S, axis=0)))
    else:
        J = cost(P, Y)
    dS = P - Y
    dT = (net["W2"].T @ dS) * mask(Z_tilde)
    grads = {
        "W1": slope(net["gamma"] * dT, N, s) @ X.T / m,
        "gamma": mean(dT * N),
        "beta": mean(dT),
        "W2": dS @ A.T / m,
        "b2": mean(dS),
    }
    return J, change(grads, m), mu, var


_STATISTICS = gradients_with.__defaults__[0]


@cost_and_gradients.mistake(
    "The scores are normalised with the running averages of the net. In training, take mean and variance of the mini-batch: "
    "(10.2)."
)
def running_averages_in_training(net, X, Y):
    J, grads, _, _ = gradients_with(
        net, X, Y, statistics=lambda Z, net: (net["mean"], net["var"]), slope=lambda dN, N, s: dN / s
    )
    Z = net["W1"] @ X
    return J, grads, *_STATISTICS(Z, net)


@cost_and_gradients.mistake(
    "The way back takes mean and variance for constants. They depend on the scores, too: (10.10) has three terms."
)
def statistics_as_constants(net, X, Y):
    return gradients_with(net, X, Y, slope=lambda dN, N, s: dN / s)


@cost_and_gradients.mistake("dZ lacks the term of the variance, the one with the normalised scores in it: (10.10).")
def variance_as_constant(net, X, Y):
    return gradients_with(net, X, Y, slope=lambda dN, N, s: (dN - mean(dN)) / s)


@cost_and_gradients.mistake("dZ lacks the term of the mean: subtract the mean of each row of dZ_norm, (10.10).")
def mean_as_constant(net, X, Y):
    return gradients_with(net, X, Y, slope=lambda dN, N, s: (dN - N * mean(dN * N)) / s)


@cost_and_gradients.mistake("dZ is not divided by s, the root of the variance: (10.10).")
def slope_without_the_root(net, X, Y):
    return gradients_with(net, X, Y, slope=lambda dN, N, s: dN - mean(dN) - N * mean(dN * N))


@cost_and_gradients.mistake(
    "The way back goes through units that were silent. Multiply by 1 where Z_tilde is positive, else 0."
)
def without_the_mask(net, X, Y):
    return gradients_with(net, X, Y, mask=lambda Z_tilde: np.ones(Z_tilde.shape))


@cost_and_gradients.mistake("The gradients are sums over the examples. J is a mean: divide by m, once.")
def gradients_not_divided(net, X, Y):
    return gradients_with(net, X, Y, change=lambda grads, m: {name: m * g for name, g in grads.items()})


@cost_and_gradients.mistake("Only dW1 and dW2 are sums over the examples: divide them by m, too.")
def weights_not_divided(net, X, Y):
    return gradients_with(
        net, X, Y, change=lambda grads, m: {k: m * g if k in ("W1", "W2") else g for k, g in grads.items()}
    )


@cost_and_gradients.mistake("The gradients point the wrong way: dS is prediction minus label.")
def gradients_uphill(net, X, Y):
    return gradients_with(net, X, Y, change=lambda grads, m: {name: -g for name, g in grads.items()})


@cost_and_gradients.mistake(
    "For large scores the exponentials overflow, or those of a whole column are 0 if one largest score serves all columns. "
    "Subtract the largest score of each column first, and take the logarithm of the sum: (10.6)."
)
def softmax_as_it_stands(net, X, Y):
    def softmax(S):
        return np.exp(S) / np.sum(np.exp(S), axis=0)

    return gradients_with(net, X, Y, softmax=softmax, cost=lambda P, Y: -float(np.mean(np.sum(Y * np.log(P), axis=0))))


@cost_and_gradients.mistake(
    "The cost takes the logarithm of probabilities, and one that is rounded to 0 has none. Take it from the scores: (10.6)."
)
def logarithm_of_probabilities(net, X, Y):
    return gradients_with(net, X, Y, cost=lambda P, Y: -float(np.mean(np.sum(Y * np.log(P), axis=0))))


@cost_and_gradients.mistake(
    "J is a mean over all entries. Each example has one loss: add over the classes, mean over m."
)
def cost_over_all_entries(net, X, Y):
    J, *rest = gradients_with(net, X, Y)
    return J / Y.shape[0], *rest


@cost_and_gradients.mistake("J is a sum over the examples. It is their mean.")
def cost_not_divided(net, X, Y):
    J, *rest = gradients_with(net, X, Y)
    return J * X.shape[1], *rest


@cost_and_gradients.mistake("Mean and variance run over the units. Each unit has its own, over the examples: axis=1.")
def statistics_over_the_units(net, X, Y):
    return gradients_with(
        net, X, Y, statistics=lambda Z, net: (Z.mean(axis=0, keepdims=True), Z.var(axis=0, keepdims=True))
    )


@cost_and_gradients.mistake("The variance is the unbiased one, over m - 1. Here it is the mean square, over m.")
def unbiased_variance(net, X, Y):
    return gradients_with(net, X, Y, statistics=lambda Z, net: (mean(Z), np.var(Z, axis=1, ddof=1, keepdims=True)))


@cost_and_gradients.mistake("The 0.00001 under the root is missing. A mini-batch of one divides by 0 without it.")
def without_epsilon(net, X, Y):
    return gradients_with(net, X, Y, root=np.sqrt)


@cost_and_gradients.mistake("The 0.00001 is added after the root. It stands under it: the root of var + 0.00001.")
def epsilon_after_the_root(net, X, Y):
    return gradients_with(net, X, Y, root=lambda var: np.sqrt(var) + 1e-5)


@cost_and_gradients.mistake(
    "gamma is missing, on the way forward and back: (10.3) multiplies the normalised scores by it."
)
def without_gamma(net, X, Y):
    return gradients_with(net | {"gamma": np.ones_like(net["gamma"])}, X, Y)


@cost_and_gradients.mistake("gamma is missing on the way back: dZ_norm is gamma times dZ_tilde.")
def without_gamma_on_the_way_back(net, X, Y):
    def slope(dN, N, s):
        dT = dN / net["gamma"]
        return (dT - mean(dT) - N * mean(dT * N)) / s

    return gradients_with(net, X, Y, slope=slope)


@cost_and_gradients.mistake("beta is missing: (10.3) adds it.")
def without_beta(net, X, Y):
    return gradients_with(net | {"beta": 0 * net["beta"]}, X, Y)


@cost_and_gradients.mistake("b2 is missing in the scores of the output.")
def without_b2(net, X, Y):
    return gradients_with(net | {"b2": 0 * net["b2"]}, X, Y)


@cost_and_gradients.mistake(
    "The gradient of gamma lacks the normalised scores: it is the mean of dZ_tilde times Z_norm."
)
def gamma_like_beta(net, X, Y):
    return gradients_with(net, X, Y, change=lambda grads, m: grads | {"gamma": grads["beta"]})


def shifted_by_the_largest(S):
    """Return a softmax that goes wrong where a column lies far below the largest score of all."""
    E = np.exp(S - np.max(S))
    return E / np.sum(E, axis=0)


@cost_and_gradients.mistake(
    "One largest score is subtracted from all columns. In a column far below it all exponentials are 0. Each column has its "
    "own: axis=0."
)
def shifted_by_the_largest_of_all(net, X, Y):
    def cost(P, Y):
        S = gradients_scores(net, X)
        return float(np.mean(np.log(np.sum(np.exp(S - np.max(S)), axis=0)) - np.sum(Y * (S - np.max(S)), axis=0)))

    return gradients_with(net, X, Y, softmax=shifted_by_the_largest, cost=cost)


def gradients_scores(net, X):
    Z = net["W1"] @ X
    N = (Z - mean(Z)) / np.sqrt(mean((Z - mean(Z)) ** 2) + 1e-5)
    return net["W2"] @ np.maximum(0, net["gamma"] * N + net["beta"]) + net["b2"]


@cost_and_gradients.mistake(
    "J is right, but in the gradients one largest score is subtracted from all columns. Each column has its own: axis=0."
)
def gradients_shifted_by_the_largest_of_all(net, X, Y):
    return gradients_with(net, X, Y, softmax=shifted_by_the_largest)


@cost_and_gradients.mistake("mu and var have lost an axis. Return them as columns, (n_h, 1).")
def flat_statistics(net, X, Y):
    J, grads, mu, var = gradients_with(net, X, Y)
    return J, grads, mu[:, 0], var[:, 0]


@cost_and_gradients.mistake(
    "Where the variance is asked for, you return the root s. The running average is one of variances."
)
def root_in_place_of_the_variance(net, X, Y):
    J, grads, mu, var = gradients_with(net, X, Y)
    return J, grads, mu, np.sqrt(var + 1e-5)


@cost_and_gradients.mistake('The names of the gradients are those of the arrays: "W1", not "dW1".')
def names_with_d(net, X, Y):
    J, grads, mu, var = gradients_with(net, X, Y)
    return J, {f"d{name}": g for name, g in grads.items()}, mu, var


@cost_and_gradients.accept(
    "The way back node by node, as in section 5 of lesson 7: longer, and every line has one reason."
)
def node_by_node(net, X, Y):
    m = X.shape[1]
    Z = net["W1"] @ X
    mu = Z.mean(axis=1, keepdims=True)
    C = Z - mu
    var = (C**2).mean(axis=1, keepdims=True)
    s = np.sqrt(var + 1e-5)
    N = C / s
    T = net["gamma"] * N + net["beta"]
    A = T * (T > 0)
    S = net["W2"] @ A + net["b2"]
    top = S.max(axis=0, keepdims=True)
    E = np.exp(S - top)
    J = np.mean(top + np.log(E.sum(axis=0, keepdims=True)) - np.sum(S * Y, axis=0, keepdims=True))
    dS = E / E.sum(axis=0, keepdims=True) - Y
    dT = np.where(T > 0, net["W2"].T @ dS, 0)
    dN = dT * net["gamma"]
    ds = -np.sum(dN * C, axis=1, keepdims=True) / s**2
    dC = dN / s + 2 * C / m * ds / (2 * s)
    dZ = dC - dC.sum(axis=1, keepdims=True) / m
    grads = {"W2": dS @ A.T / m, "b2": dS.sum(axis=1, keepdims=True) / m, "W1": dZ @ X.T / m}
    grads["beta"] = dT.sum(axis=1, keepdims=True) / m
    grads["gamma"] = (dT * N).sum(axis=1, keepdims=True) / m
    return J, grads, mu, var


@cost_and_gradients.accept("The 1/m enters once, at dS: each line after it gives a derivative of the mean cost.")
def divided_at_the_start(net, X, Y):
    one = np.ones((X.shape[1], 1))
    Z = net["W1"] @ X
    mu, var = np.mean(Z, 1, keepdims=True), np.var(Z, 1, keepdims=True)
    s = (var + 1e-5) ** 0.5
    N = (Z - mu) / s
    T = N * net["gamma"] + net["beta"]
    A = np.maximum(T, 0)
    S = net["W2"] @ A + net["b2"]
    top = S.max(axis=0)
    log_sum = top + np.log(np.exp(S - top).sum(axis=0))
    dS = (np.exp(S - log_sum) - Y) / len(one)
    dT = net["W2"].T @ dS * (A > 0)
    dN = net["gamma"] * dT
    dZ = (dN - mean(dN) - N * mean(dN * N)) / s
    grads = {"W1": dZ @ X.T, "gamma": (dT * N) @ one, "beta": dT @ one, "W2": dS @ A.T, "b2": dS @ one}
    return np.mean(log_sum - (Y * S).sum(axis=0)), grads, mu, var


# --- predict ---------------------------------------------------------------------------------------------------------


def predict_cases(rng):
    found = []
    for n_x, n_h, C, m in ((3, 4, 2, 6), (4, 4, 4, 4), (2, 5, 3, 1)):
        found.append(case(net=net_of(rng, n_x, n_h, C), X=rng.normal(size=(n_x, m))))
    small = net_of(rng, 3, 4, 3, var=rng.uniform(1e-4, 3e-4, size=(4, 1)))
    small["mean"] = 0.01 * small["mean"]
    found.append(case(net=small, X=0.02 * rng.normal(size=(3, 5))))
    large = net_of(rng, 2, 3, 3)
    large["W2"] = 20000 * large["W2"]
    found.append(case(net=large, X=rng.normal(size=(2, 4))))
    return found


@lesson.exercise(
    points=2,
    topic=25,
    equation="(10.12)",
    cases=predict_cases,
    ask="A digit comes alone. Which mean and which variance can it be normalised with?",
    small={"net": SMALL_NET, "X": np.array([[1.0, 3.0]])},
    why={
        "question": "Why the running averages, and not mean and variance of the columns of X?",
        "choices": {
            "the answer for a digit must not depend on which others come with it": "Yes. And a digit alone has the variance 0.",
            "they are faster": "No: the difference is small, and not the reason.",
            "X has no labels": "No: mean and variance need no labels.",
        },
    },
)
def predict(net, X):
    """Return the probabilities of the classes, each column for itself, in prediction mode.

    Parameters
    ----------
    net : dict
        As in `cost_and_gradients`.
    X : ndarray, shape (n_x, m)

    Returns
    -------
    A : ndarray, shape (C, m)
        Each column adds up to 1.
    """
    Z_norm = (net["W1"] @ X - net["mean"]) / np.sqrt(net["var"] + 1e-5)  # (10.12)
    S = net["W2"] @ np.maximum(0, net["gamma"] * Z_norm + net["beta"]) + net["b2"]
    E = np.exp(S - np.max(S, axis=0))
    return E / np.sum(E, axis=0)


def predict_with(net, X, statistics=None, root=lambda var: np.sqrt(var + 1e-5), hidden=lambda T: np.maximum(0, T)):
    """Return what `predict` returns, with a step replaced."""
    Z = net["W1"] @ X
    mu, var = statistics(Z, net) if statistics else (net["mean"], net["var"])
    S = net["W2"] @ hidden(net["gamma"] * (Z - mu) / root(var) + net["beta"]) + net["b2"]
    E = np.exp(S - np.max(S, axis=0))
    return E / np.sum(E, axis=0)


@predict.mistake(
    "The scores are normalised with mean and variance of the columns of X. In prediction mode take the running averages: "
    "an answer must not depend on the other digits."
)
def statistics_of_the_batch(net, X):
    return predict_with(net, X, statistics=_STATISTICS)


@predict.mistake("The mean is that of the columns of X. Take the running one, as for the variance.")
def mean_of_the_batch(net, X):
    return predict_with(net, X, statistics=lambda Z, net: (mean(Z), net["var"]))


@predict.mistake("The variance is that of the columns of X. Take the running one, as for the mean.")
def variance_of_the_batch(net, X):
    return predict_with(net, X, statistics=lambda Z, net: (net["mean"], np.var(Z, axis=1, keepdims=True)))


@predict.mistake("The scores are not normalised. The net has learned with normalised ones: (10.12).")
def not_normalised(net, X):
    return predict_with(net, X, statistics=lambda Z, net: (0, 1 - 1e-5))


@predict.mistake("The scores are divided by the variance. Divide by its root.")
def divided_by_the_variance(net, X):
    return predict_with(net, X, root=lambda var: var + 1e-5)


@predict.mistake("The 0.00001 under the root is missing. It was there in training, so it is there in prediction.")
def prediction_without_epsilon(net, X):
    return predict_with(net, X, root=np.sqrt)


@predict.mistake("The 0.00001 is added after the root. It stands under it: the root of var + 0.00001.")
def prediction_with_epsilon_after_the_root(net, X):
    return predict_with(net, X, root=lambda var: np.sqrt(var) + 1e-5)


@predict.mistake("gamma is missing: the normalised scores are multiplied by it.")
def prediction_without_gamma(net, X):
    return predict_with(net | {"gamma": np.ones_like(net["gamma"])}, X)


@predict.mistake("beta is missing: it is added to the scaled scores.")
def prediction_without_beta(net, X):
    return predict_with(net | {"beta": 0 * net["beta"]}, X)


@predict.mistake("b2 is missing in the scores of the output.")
def prediction_without_b2(net, X):
    return predict_with(net | {"b2": 0 * net["b2"]}, X)


@predict.mistake("The ReLU of the hidden layer is missing.")
def prediction_without_relu(net, X):
    return predict_with(net, X, hidden=lambda T: T)


@predict.mistake("These are labels. Return the probabilities, (C, m); their largest gives the label later.")
def labels_in_place_of_probabilities(net, X):
    return np.argmax(predict_with(net, X), axis=0)[None, :]


@predict.mistake("These are the scores of the output. Take their softmax.")
def scores_in_place_of_probabilities(net, X):
    Z_norm = (net["W1"] @ X - net["mean"]) / np.sqrt(net["var"] + 1e-5)
    return net["W2"] @ np.maximum(0, net["gamma"] * Z_norm + net["beta"]) + net["b2"]


@predict.mistake("The probabilities of a row add up to 1. Each column is one digit: sum over axis=0.")
def softmax_over_the_digits(net, X):
    S = scores_in_place_of_probabilities(net, X)
    E = np.exp(S - np.max(S, axis=1, keepdims=True))
    return E / np.sum(E, axis=1, keepdims=True)


@predict.mistake("The exponentials overflow for large scores. Subtract the largest of each column first.")
def prediction_overflows(net, X):
    E = np.exp(scores_in_place_of_probabilities(net, X))
    return E / np.sum(E, axis=0)


@predict.mistake(
    "One largest score is subtracted from all columns. In a column far below it all exponentials are 0, and 0 / 0 is nan. Each "
    "column has its own: axis=0."
)
def prediction_shifted_by_the_largest_of_all(net, X):
    return shifted_by_the_largest(scores_in_place_of_probabilities(net, X))


@predict.mistake("All probabilities together add up to 1. Those of each column must: sum over axis=0.")
def prediction_over_everything(net, X):
    S = scores_in_place_of_probabilities(net, X)
    E = np.exp(S - np.max(S))
    return E / np.sum(E)


@predict.accept("One column after the other, as digits come in practice: no mean over X can slip in.")
def digit_by_digit(net, X):
    columns = []
    for x in X.T:
        n = (net["W1"] @ x[:, None] - net["mean"]) / (net["var"] + 1e-5) ** 0.5
        t = net["gamma"] * n + net["beta"]
        score = net["W2"] @ (t * (t > 0)) + net["b2"]
        e = np.exp(score - score.max())
        columns.append(e / e.sum())
    return np.hstack(columns)


@predict.accept(
    "After training, normalisation is a fixed scale and shift of the scores: it goes into one weight matrix and one bias."
)
def folded_into_the_weights(net, X):
    scale = net["gamma"] / np.sqrt(net["var"] + 1e-5)
    W, b = scale * net["W1"], net["beta"] - scale * net["mean"]
    S = net["W2"] @ np.maximum(W @ X + b, 0) + net["b2"]
    return np.exp(S - S.max(axis=0) - np.log(np.sum(np.exp(S - S.max(axis=0)), axis=0)))


# --- train -----------------------------------------------------------------------------------------------------------


def train_cases(rng):
    def one(n_x, n_h, C, m, epochs, size, rate):
        net = net_of(rng, n_x, n_h, C)
        Y = one_hot(labels_of(rng, C, m), C)
        X = rng.normal(size=(n_x, m)) + 0.5
        return case(
            net=net, X=X, Y=Y, num_epochs=epochs, mini_batch_size=size, learning_rate=rate,
            rng=np.random.default_rng(int(rng.integers(2**32))),
        )  # fmt: skip

    return [
        one(3, 4, 3, 4, 1, 4, 0.05),
        one(2, 3, 2, 6, 3, 8, 0.02),
        _sure(rng),
        _alike(rng),
        one(3, 2, 2, 4, 3, 3, 0.1),
    ]


def _sure(rng):
    """Return a case whose net is nearly certain of the right label: slopes so small that Adam's epsilon counts."""
    net = net_of(rng, 2, 3, 2, b2=np.array([[6.0], [-6.0]]))
    net["W2"] = 0.3 * net["W2"]
    X = rng.normal(size=(2, 5))
    return case(
        net=net, X=X, Y=one_hot([0] * 5, 2), num_epochs=4, mini_batch_size=9, learning_rate=0.03,
        rng=np.random.default_rng(int(rng.integers(2**32))),
    )  # fmt: skip


def _alike(rng):
    """Return a case whose examples are all the same: several mini-batches in an epoch, and no order matters."""
    return case(
        net=net_of(rng, 2, 3, 2), X=np.tile(rng.normal(size=(2, 1)), 3), Y=one_hot([1] * 3, 2), num_epochs=2,
        mini_batch_size=2, learning_rate=0.06, rng=np.random.default_rng(int(rng.integers(2**32))),
    )  # fmt: skip


def train_judge(net, X, Y, num_epochs, mini_batch_size, learning_rate, rng):
    """Return how a case is judged: where the order matters, a training must stand at the end of one of many walks."""
    m = X.shape[1]
    if m <= mini_batch_size or np.all(X[:, :1] == X):
        return None
    ends, batch, kind = [], [], []
    right = [mini_batch_size] * (m // mini_batch_size) + [m % mini_batch_size] * (m % mini_batch_size > 0)
    even = [len(one) for one in np.array_split(range(m), len(right))]
    for number, sizes in enumerate((right, right[::-1], even), start=1):
        parts = [
            part
            for part in itertools.product(range(len(sizes)), repeat=m)
            if np.bincount(part, minlength=len(sizes)).tolist() == sizes
        ]
        for epochs in itertools.product(parts, repeat=num_epochs):
            orders = [np.argsort(part, kind="stable") for part in epochs]
            end, _ = train_with(
                net, X, Y, num_epochs, mini_batch_size, learning_rate, None, order=lambda e, o=orders: o[e],
                cut=lambda chosen, _, sizes=sizes: np.split(chosen, np.cumsum(sizes[:-1])),
            )  # fmt: skip
            ends.append(np.concatenate([end[name].ravel() for name in (*sorted(NAMES), "mean", "var")]))
            batch.append(epochs)
            kind.append(number)
    given = {"ends": np.array(ends, np.float32), "batch": np.array(batch, np.int8), "kind": np.array(kind, np.int8)}
    return draws(300, view="walks", given=given)


SMALL_RUN = {
    "net": SMALL_NET,
    "X": SMALL_X,
    "Y": SMALL_Y,
    "num_epochs": 1,
    "mini_batch_size": 2,
    "learning_rate": 0.1,
    "rng": np.random.default_rng(0),
}


@lesson.exercise(
    points=4,
    topic=22,
    equation="(10.13) to (10.18)",
    returns=("net", "costs"),
    cases=train_cases,
    judge=train_judge,
    ask="Five things outlive a step: the net, v, s, t and the list of costs. Where does each of them start, and which line "
    "changes it?",
    small=SMALL_RUN,
    why={
        "question": "Why is the order drawn inside of the loop over the epochs?",
        "choices": {
            "each epoch gets other mini-batches": "Yes: with one order, the same examples meet in every epoch.",
            "rng would give the same order otherwise": "No: outside of the loop there would be one order for all epochs.",
            "Adam needs it": "No: Adam works with any order.",
        },
    },
)
def train(net, X, Y, num_epochs, mini_batch_size, learning_rate, rng):
    """Train the net with Adam on mini-batches, and keep the running averages.

    Parameters
    ----------
    net : dict
        The start, as in `cost_and_gradients`. It is not changed.
    X : ndarray, shape (n_x, m)
    Y : ndarray, shape (C, m)
        One-hot columns.
    num_epochs, mini_batch_size : int
        The last mini-batch of an epoch may be smaller.
    learning_rate : float
    rng : Generator
        Draws a new order of the examples for each epoch.

    Returns
    -------
    net : dict
        After the last step.
    costs : list of float
        The cost of each mini-batch, before its step.
    """
    net, costs, t = dict(net), [], 0
    trained = [name for name in net if name not in ("mean", "var")]
    v = {name: np.zeros(net[name].shape) for name in trained}
    s = {name: np.zeros(net[name].shape) for name in trained}
    for _ in range(num_epochs):
        order = rng.permutation(X.shape[1])  # (10.13)
        for start in range(0, X.shape[1], mini_batch_size):
            columns = order[start : start + mini_batch_size]
            J, grads, mu, var = cost_and_gradients(net, X[:, columns], Y[:, columns])
            costs.append(J)
            t += 1
            for name in trained:
                v[name] = 0.9 * v[name] + 0.1 * grads[name]  # (10.14)
                s[name] = 0.999 * s[name] + 0.001 * grads[name] ** 2  # (10.15)
                step = v[name] / (1 - 0.9**t) / (np.sqrt(s[name] / (1 - 0.999**t)) + 1e-8)  # (10.16)
                net[name] = net[name] - learning_rate * step  # (10.17)
            net["mean"] = 0.9 * net["mean"] + 0.1 * mu  # (10.18)
            net["var"] = 0.9 * net["var"] + 0.1 * var
    return net, costs


def train_with(
    net, X, Y, num_epochs, mini_batch_size, learning_rate, rng,
    order=None,
    starts=lambda m, size: range(0, m, size),
    clock=lambda t, epoch, k: t,
    forget=lambda epoch, k: False,
    adam=lambda v, s, t: v / (1 - 0.9**t) / (np.sqrt(s / (1 - 0.999**t)) + 1e-8),
    averages=lambda old, new, last: 0.9 * old + 0.1 * new,
    labels=lambda columns, rng: columns,
    cut=None,
):  # fmt: skip
    """Return what `train` returns, with a step replaced."""
    net, costs, t, m = dict(net), [], 0, X.shape[1]
    order = order or (lambda epoch: rng.permutation(m))
    v, s = ({name: 0 * net[name] for name in NAMES} for _ in "vs")
    for epoch in range(num_epochs):
        chosen = order(epoch)
        batches = [chosen[start : start + mini_batch_size] for start in starts(m, mini_batch_size)]
        batches = batches if cut is None else cut(chosen, mini_batch_size)
        for k, columns in enumerate(batches):
            J, grads, mu, var = cost_and_gradients.reference(net, X[:, columns], Y[:, labels(columns, rng)])
            costs.append(J)
            t += 1
            if forget(epoch, k):
                v, s = ({name: 0 * net[name] for name in NAMES} for _ in "vs")
            for name in NAMES:
                v[name] = 0.9 * v[name] + 0.1 * grads[name]
                s[name] = 0.999 * s[name] + 0.001 * grads[name] ** 2
                net[name] = net[name] - learning_rate * adam(v[name], s[name], clock(t, epoch, k))
            for name, new in (("mean", mu), ("var", var)):
                net[name] = averages(net[name], new, k == len(batches) - 1)
    return net, costs


@train.mistake("t starts at 1 again in each epoch. It counts all steps of the training: set it to 0 before the loops.")
def t_restarted(*run):
    return train_with(*run, clock=lambda t, epoch, k: k + 1)


@train.mistake("t is the number of the epoch. It counts steps: add 1 for each mini-batch.")
def t_counts_epochs(*run):
    return train_with(*run, clock=lambda t, epoch, k: epoch + 1)


@train.mistake("t stays at 1. It counts the steps: add 1 for each mini-batch.")
def t_stays(*run):
    return train_with(*run, clock=lambda t, epoch, k: 1)


@train.mistake("t is 0 in the first step, so the corrections divide by 0. Add 1 before the step.")
def t_from_zero(*run):
    return train_with(*run, clock=lambda t, epoch, k: t - 1)


@train.mistake(
    "v and s start from zeros again in each epoch. They live as long as the training: make them before the loops."
)
def averages_of_slopes_restarted(*run):
    return train_with(*run, forget=lambda epoch, k: k == 0)


@train.mistake("v and s start from zeros in each epoch, and t at 1. All three live as long as the training.")
def adam_restarted(*run):
    return train_with(*run, forget=lambda epoch, k: k == 0, clock=lambda t, epoch, k: k + 1)


@train.mistake("v and s forget the steps before: they start from zeros in each step. Keep them from step to step.")
def slopes_forgotten(*run):
    return train_with(*run, forget=lambda epoch, k: True)


@train.mistake(
    "v and s start from zeros in each step, and t is 1: each step has the size of the learning rate. Keep all three."
)
def adam_of_one_step(*run):
    return train_with(*run, forget=lambda epoch, k: True, clock=lambda t, epoch, k: 1)


@train.mistake("The corrections of v and s are missing: divide by 1 - 0.9**t and by 1 - 0.999**t, (10.16).")
def without_correction(*run):
    return train_with(*run, adam=lambda v, s, t: v / (np.sqrt(s) + 1e-8))


@train.mistake("The 0.00000001 stands under the root. Add it after the root.")
def epsilon_under_the_root(*run):
    return train_with(*run, adam=lambda v, s, t: v / (1 - 0.9**t) / np.sqrt(s / (1 - 0.999**t) + 1e-8))


@train.mistake("Adam divides by s. Divide by its root.")
def without_the_root(*run):
    return train_with(*run, adam=lambda v, s, t: v / (1 - 0.9**t) / (s / (1 - 0.999**t) + 1e-8))


@train.mistake("This is gradient descent. Adam's step is (10.14) to (10.17).")
def plain_gradient_descent(net, X, Y, num_epochs, mini_batch_size, learning_rate, rng):
    net, costs = dict(net), []
    for _ in range(num_epochs):
        order = rng.permutation(X.shape[1])
        for start in range(0, X.shape[1], mini_batch_size):
            columns = order[start : start + mini_batch_size]
            J, grads, mu, var = cost_and_gradients.reference(net, X[:, columns], Y[:, columns])
            costs.append(J)
            net |= {name: net[name] - learning_rate * grads[name] for name in NAMES}
            net |= {"mean": 0.9 * net["mean"] + 0.1 * mu, "var": 0.9 * net["var"] + 0.1 * var}
    return net, costs


@train.mistake("The step goes uphill: subtract it.")
def steps_uphill(net, X, Y, num_epochs, mini_batch_size, learning_rate, rng):
    return train_with(net, X, Y, num_epochs, mini_batch_size, -learning_rate, rng)


@train.mistake("The order of the examples is drawn once, before the loops. Draw a new one in each epoch.")
def order_drawn_once(net, X, *run):
    order = run[-1].permutation(X.shape[1])
    return train_with(net, X, *run, order=lambda epoch: order)


@train.mistake("The examples come in the order in which they stand. Draw a random order in each epoch, from rng.")
def order_as_it_stands(net, X, *run):
    return train_with(net, X, *run, order=lambda epoch: np.arange(X.shape[1]))


@train.mistake(
    "Each mini-batch is drawn anew, so some examples occur twice and others never. Draw an order and cut it."
)
def with_replacement(net, X, *run):
    return train_with(net, X, *run, order=lambda epoch: run[-1].integers(X.shape[1], size=X.shape[1]))


@train.mistake("The labels no longer belong to their digits: choose the columns of Y as those of X.")
def labels_not_shuffled(net, X, Y, num_epochs, mini_batch_size, learning_rate, rng):
    def labels(columns, rng):
        place[0] = place[0] % X.shape[1] + len(columns)
        return np.arange(place[0] - len(columns), place[0])

    place = [0]
    return train_with(net, X, Y, num_epochs, mini_batch_size, learning_rate, rng, labels=labels)


@train.mistake("The last mini-batch is dropped where it is smaller. Its examples count, too.")
def last_batch_dropped(*run):
    return train_with(*run, starts=lambda m, size: range(0, m - size + 1, size))


@train.mistake(
    "The mini-batches have nearly equal sizes. Each has mini_batch_size examples; only the last one has what is left."
)
def even_mini_batches(net, X, Y, num_epochs, mini_batch_size, learning_rate, rng):
    m = X.shape[1]
    number = -(-m // mini_batch_size)
    return train_with(net, X, Y, num_epochs, -(-m // number), learning_rate, rng)


@train.mistake("The smaller mini-batch comes first. Cut from the start: the last one has what is left.")
def smaller_batch_first(*run):
    return train_with(*run, cut=lambda chosen, size: _cut_from_the_end(chosen, size))


def _cut_from_the_end(chosen, size):
    return np.split(chosen, range(len(chosen) % size or size, len(chosen), size))


@train.mistake("There is an empty mini-batch at the end where the size divides m: its mean is nan.")
def empty_batch(*run):
    return train_with(*run, starts=lambda m, size: range(0, (m // size + 1) * size, size))


@train.mistake("The running averages stay at their start. Move them in each step: (10.18).")
def averages_never_moved(*run):
    return train_with(*run, averages=lambda old, new, last: old)


@train.mistake("The running averages move once in an epoch. Move them in each step, with each mini-batch.")
def averages_once_an_epoch(*run):
    return train_with(*run, averages=lambda old, new, last: 0.9 * old + 0.1 * new if last else old)


@train.mistake("The weights of the running averages are swapped: 0.9 of the old, 0.1 of the new.")
def averages_swapped(*run):
    return train_with(*run, averages=lambda old, new, last: 0.1 * old + 0.9 * new)


@train.mistake("Mean and variance are those of the last mini-batch. Average them: 0.9 of the old, 0.1 of the new.")
def averages_of_the_last_batch(*run):
    return train_with(*run, averages=lambda old, new, last: new)


@train.mistake("Mean and variance are added up over the steps. Weigh them: 0.9 of the old, 0.1 of the new.")
def averages_added_up(*run):
    return train_with(*run, averages=lambda old, new, last: old + 0.1 * new)


@train.mistake("The net of the caller has changed. Work on a copy, such as dict(net), and make new arrays.")
def net_changed(net, *run):
    end, costs = train_with(net, *run)
    net |= end
    return net, costs


@train.mistake("One epoch is missing: for epoch in range(num_epochs) runs num_epochs times.")
def one_epoch_less(net, X, Y, num_epochs, *run):
    return train_with(net, X, Y, num_epochs - 1, *run)


@train.mistake("costs has one number for each epoch. Note the cost of each mini-batch, before its step.")
def costs_of_epochs(net, X, Y, num_epochs, mini_batch_size, *run):
    end, costs = train_with(net, X, Y, num_epochs, mini_batch_size, *run)
    return end, costs[:: -(-X.shape[1] // mini_batch_size)]


@train.accept("The mini-batches of an epoch are made first, as a list, and then walked through.")
def batches_first(net, X, Y, num_epochs, mini_batch_size, learning_rate, rng):
    net = {name: array.copy() for name, array in net.items()}
    v = {name: np.zeros_like(net[name]) for name in NAMES}
    s = {name: np.zeros_like(net[name]) for name in NAMES}
    m, t, costs = X.shape[1], 1, []
    for _ in range(num_epochs):
        order = rng.permutation(m)
        cuts = np.split(order, range(mini_batch_size, m, mini_batch_size))
        for X_batch, Y_batch in [(X[:, one], Y[:, one]) for one in cuts]:
            J, grads, mu, var = cost_and_gradients.reference(net, X_batch, Y_batch)
            for name in NAMES:
                v[name] += 0.1 * (grads[name] - v[name])
                s[name] += 0.001 * (grads[name] ** 2 - s[name])
                rate = learning_rate / (1 - 0.9**t)
                net[name] -= rate * v[name] / (np.sqrt(s[name] / (1 - 0.999**t)) + 1e-8)
            net["mean"] += 0.1 * (mu - net["mean"])
            net["var"] += 0.1 * (var - net["var"])
            costs.append(J)
            t += 1
    return net, costs


@train.accept("One step is a function of its own, and the loop only hands the state on: easy to test step by step.")
def step_apart(net, X, Y, num_epochs, mini_batch_size, learning_rate, rng):
    def step(state, X, Y):
        net, v, s, t = state
        J, grads, mu, var = cost_and_gradients.reference(net, X, Y)
        v = {k: 0.9 * v.get(k, 0) + 0.1 * g for k, g in grads.items()}
        s = {k: 0.999 * s.get(k, 0) + 0.001 * g * g for k, g in grads.items()}
        new = {
            k: net[k] - learning_rate * (v[k] / (1 - 0.9**t)) / (1e-8 + (s[k] / (1 - 0.999**t)) ** 0.5) for k in grads
        }
        return (new | {"mean": 0.9 * net["mean"] + 0.1 * mu, "var": 0.9 * net["var"] + 0.1 * var}, v, s, t + 1), J

    state, costs = (net, {}, {}, 1), []
    for _ in range(num_epochs):
        left = rng.permutation(X.shape[1])
        while len(left):
            state, J = step(state, X[:, left[:mini_batch_size]], Y[:, left[:mini_batch_size]])
            costs.append(J)
            left = left[mini_batch_size:]
    return state[0], costs


@train.accept
def examples_sorted_by_random_numbers(net, X, Y, num_epochs, mini_batch_size, learning_rate, rng):
    return train_with(
        net, X, Y, num_epochs, mini_batch_size, learning_rate, rng, order=lambda e: np.argsort(rng.random(X.shape[1]))
    )


# --- read_digits -----------------------------------------------------------------------------------------------------

#: How many digits there are to learn from; shares of new digits that are told apart, in mixed digits and in digits of
#: one label. The tests measure them: tests/lessons/test_training_loop.py.
LEARNED, MIXED, ALIKE = 600, (0.0, 0.3, 0.9), (0.0, 0.6)


@functools.cache
def _small_digits():
    """Return the small digits as columns (64, 1797) of numbers from 0 to 1, and their labels (1, 1797)."""
    digits = data.small_digits()
    return digits.images.reshape(-1, 64).T / 16, digits.labels


def digits_cases(rng):
    X, labels = _small_digits()
    found = []
    for kind in ("alike", "mixed"):
        order = rng.permutation(X.shape[1])
        known, new = order[:LEARNED], order[LEARNED:]
        if kind == "alike":
            new = new[labels[0, new] == rng.integers(10)]
        new = new[: 400 if kind == "mixed" else 40]
        found.append(
            case(
                X=X[:, known], labels=labels[:, known], X_new=X[:, new],
                rng=np.random.default_rng(int(rng.integers(2**32))),
            )
        )  # fmt: skip
    return found


def digits_judge(X, labels, X_new, rng):
    """Return how a case is judged: by the labels of its new digits, which are not among its arguments."""
    everything, known = _small_digits()
    rows = {column.tobytes(): label for column, label in zip(everything.T.copy(), known[0], strict=True)}
    right = np.array([[rows[column.tobytes()] for column in X_new.T.copy()]])
    levels = ALIKE if len(set(right[0].tolist())) == 1 else MIXED
    return draws(1, view="share", given={"labels": right, "levels": list(levels)})


@lesson.exercise(
    points=3,
    topic=24,
    cases=digits_cases,
    judge=digits_judge,
    ask="Which arrays does a net have, and what does each start with? Then three calls are left: train, predict, argmax.",
    small={
        "X": np.repeat(np.array([[0.0, 0.1, 0.9, 1.0], [1.0, 0.8, 0.2, 0.0]]), 32, axis=0),
        "labels": np.array([[3, 3, 7, 7]]),
        "X_new": np.repeat(np.array([[0.1, 0.8], [0.9, 0.1]]), 32, axis=0),
        "rng": np.random.default_rng(0),
    },
    why={
        "question": "Why do the first weights have to be random?",
        "choices": {
            "equal units get equal slopes, and stay equal": "Yes: 32 equal units are worth one.",
            "Adam divides by the weights": "No: it divides by the root of s, which comes from the slopes.",
            "random weights are nearer to the best ones": "No: they are as far as others. They differ from each other.",
        },
    },
)
def read_digits(X, labels, X_new, rng):
    """Learn from digits with labels, and say which digits the new ones are.

    Parameters
    ----------
    X : ndarray, shape (64, m)
        Pixels from 0 to 1, one digit per column.
    labels : ndarray, shape (1, m)
        From 0 to 9.
    X_new : ndarray, shape (64, k)
    rng : Generator
        For all that is random.

    Returns
    -------
    new_labels : ndarray, shape (1, k)
        Whole numbers from 0 to 9.
    """
    n_h, ones = 32, np.ones((32, 1))
    net = {
        "W1": rng.normal(size=(n_h, X.shape[0])) * np.sqrt(2 / X.shape[0]),
        "gamma": ones,
        "beta": 0 * ones,
        "W2": rng.normal(size=(10, n_h)) * np.sqrt(1 / n_h),
        "b2": np.zeros((10, 1)),
        "mean": 0 * ones,
        "var": ones,
    }
    Y = np.eye(10)[:, labels[0]]
    net, _ = train(net, X, Y, 15, 50, 0.01, rng)
    return np.argmax(predict(net, X_new), axis=0)[None, :]


def read_with(
    X, labels, X_new, rng, n_h=32, epochs=15, size=50, rate=0.01, spread=1.0,
    training=train.reference, reading=predict.reference,
):  # fmt: skip
    """Return labels (k,) of the new digits, read with these settings."""
    ones = np.ones((n_h, 1))
    net = {"W1": spread * rng.normal(size=(n_h, 64)) * np.sqrt(2 / 64), "gamma": ones, "beta": 0 * ones}
    net |= {"W2": spread * rng.normal(size=(10, n_h)) / np.sqrt(n_h), "b2": np.zeros((10, 1))}
    net, _ = training(net | {"mean": 0 * ones, "var": ones}, X, one_hot(labels[0], 10), epochs, size, rate, rng)
    return np.argmax(reading(net, X_new), axis=0)


@read_digits.mistake(
    "The answers are as good as guessing. Does each digit keep its own label, does the net change in training, and is it the "
    "trained one that reads?"
)
def labels_of_other_digits(X, labels, X_new, rng):
    return read_with(X, rng.permutation(labels, axis=1), X_new, rng)[None, :]


@read_digits.mistake(
    "Mixed digits are read well, digits of one label are not: they are normalised with their own mean and variance. Take the "
    "running averages, which `predict` does."
)
def read_in_training_mode(X, labels, X_new, rng):
    return read_with(X, labels, X_new, rng, reading=statistics_of_the_batch)[None, :]


@read_digits.mistake("The labels have lost an axis. Return them as a row, (1, k): `[None, :]`.")
def flat_labels(X, labels, X_new, rng):
    return read_with(X, labels, X_new, rng)


@read_digits.mistake("The labels are a column. Return them as a row, (1, k).")
def column_of_labels(X, labels, X_new, rng):
    return read_with(X, labels, X_new, rng)[:, None]


@read_digits.mistake("There are ten numbers for each digit. Return the place of the largest, one label for each digit.")
def probabilities_for_labels(X, labels, X_new, rng):
    return one_hot(read_with(X, labels, X_new, rng), 10)


@read_digits.accept("More units, smaller mini-batches, fewer epochs: other settings read as well.")
def wider(X, labels, X_new, rng):
    return read_with(X, labels, X_new, rng, n_h=64, epochs=8, size=32)[None, :]


@read_digits.accept
def narrower_and_longer(X, labels, X_new, rng):
    return read_with(X, labels, X_new, rng, n_h=16, epochs=30, size=100, rate=0.03)[None, :]


@read_digits.accept
def small_start(X, labels, X_new, rng):
    return read_with(X, labels, X_new, rng, spread=0.1)[None, :]


@read_digits.accept("Gradient descent with a tuned rate does as well as Adam here.")
def by_gradient_descent(X, labels, X_new, rng):
    return read_with(X, labels, X_new, rng, rate=0.5, training=plain_gradient_descent)[None, :]
