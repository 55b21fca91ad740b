"""Lesson 2.3, L2 and dropout: the catalogue of its five exercises. Equations are those of the notebook."""

import numpy as np
from scipy.special import expit as sigmoid
from scipy.special import xlogy

from helpers.exercises import Lesson, case, draws

lesson = Lesson("regularization")

# --- predictions -----------------------------------------------------------------------------------------------------

lesson.predict(
    "lowest",
    "500 steps on 100 digits, no regularisation. At which step is the cost on the dev digits lowest?",
    because="The training digits are fitted after a few dozen steps; from then on the network gets surer of all its "
    "answers, the wrong ones included.",
)
lesson.predict(
    "early",
    "Stop at the lowest dev cost instead of after 500 steps. Is the network then right on more of the test digits?",
    ("yes, on more", "the difference is within two standard errors", "no, on fewer"),
    "After the lowest cost the network still learns which digit is most likely. Its cost rises because it becomes too "
    "sure, and being sure does not change which output is the largest.",
)
lesson.predict(
    "ten",
    "At lambda = 10 some units have faded. How does its share of right test digits compare with lambda = 0?",
    ("it is lower", "the difference is within two standard errors", "it is higher"),
    "A faded unit gets no gradient from the data. The other weights have shrunk too, and the network as a whole is right more "
    "often.",
)
lesson.predict(
    "left_on",
    "keep_prob is 0.5 and dropout is left on in use. On how many of the test digits do two passes give different answers?",
    ("on less than 5 %", "on 5 to 20 %", "on more than 20 %"),
    "Each pass is another thinned network, with half of the units of each layer.",
)

# n_x, n_1, n_2, n_y, m: all different in each case, several outputs, one example.
SIZES = ((3, 6, 4, 1, 5), (2, 5, 7, 3, 4), (5, 4, 6, 2, 1))
SMALL = ((2, 4, 3, 1, 5), (3, 5, 4, 2, 1))


def generator(rng):
    return np.random.default_rng(int(rng.integers(2**32)))


def example_data(rng, sizes):
    """Return X (n_x, m) and Y (n_y, m), zeros and ones, both in each row where m > 1."""
    n_x, _, _, n_y, m = sizes
    ones = np.arange(m) < (m + 1) // 2
    return rng.normal(size=(n_x, m)), np.array([rng.permutation(ones) for _ in range(n_y)]).astype(int)


def example_parameters(rng, sizes):
    """Return parameters that hide nothing: of moderate size, biases not zero."""
    parameters = {}
    for l in (1, 2, 3):
        parameters[f"W{l}"] = rng.normal(size=(sizes[l], sizes[l - 1])) * 0.7
        parameters[f"b{l}"] = rng.uniform(0.2, 0.8, size=(sizes[l], 1))
    return parameters


def forward(X, parameters, masks=(1, 1)):
    """Return the cache of a forward pass; `masks` multiply the hidden activations."""
    cache, A = dict(parameters), X
    for l in (1, 2, 3):
        Z = parameters[f"W{l}"] @ A + parameters[f"b{l}"]
        A = sigmoid(Z) if l == 3 else np.maximum(0, Z) * masks[l - 1]
        cache |= {f"Z{l}": Z, f"A{l}": A}
    return cache


# --- compute_cost_with_regularization --------------------------------------------------------------------------------


def cost_cases(rng):
    cases = []
    for sizes, lambd in zip(SIZES, (0.7, 2.5, 0.3), strict=True):
        X, Y = example_data(rng, sizes)
        parameters = example_parameters(rng, sizes)
        cases.append(case(A3=forward(X, parameters)["A3"], Y=Y, parameters=parameters, lambd=lambd))
    return cases


@lesson.exercise(
    points=1,
    topic=18,
    equation="(3.3)",
    cases=cost_cases,
    ask="Two sums are added, over the losses and over the squared weights. Which of them is divided by m, which by 2 m, "
    "and which parameters are not in the second?",
    small={
        "A3": np.array([[0.5, 0.5]]),
        "Y": np.array([[1, 0]]),
        "parameters": {
            **{"W1": np.array([[1.0, 2.0]]), "W2": np.array([[-2.0]]), "W3": np.array([[4.0]])},
            **{f"b{l}": np.array([[9.0]]) for l in (1, 2, 3)},
        },
        "lambd": 0.4,
    },
)
def compute_cost_with_regularization(A3, Y, parameters, lambd):
    """Return the cross-entropy cost plus the L2 penalty.

    Parameters
    ----------
    A3 : ndarray, shape (n_y, m)
        Probabilities, strictly between 0 and 1.
    Y : ndarray, shape (n_y, m)
        Labels 0 or 1.
    parameters : dict
        ``"W1"``, ``"b1"``, ``"W2"``, ``"b2"``, ``"W3"``, ``"b3"``.
    lambd : float
        The factor of the penalty.

    Returns
    -------
    J : float
    """
    m = Y.shape[1]
    cross_entropy = -np.sum(xlogy(Y, A3) + xlogy(1 - Y, 1 - A3)) / m  # (3.1)
    squares = sum(np.sum(np.square(parameters[name])) for name in ("W1", "W2", "W3"))  # (3.2)
    return cross_entropy + lambd / (2 * m) * squares  # (3.3)


def cost_variant(A3, Y, parameters, penalty, names=("W1", "W2", "W3"), of=lambda W: np.sum(W**2)):
    return -np.sum(xlogy(Y, A3) + xlogy(1 - Y, 1 - A3)) / Y.shape[1] + penalty * sum(of(parameters[n]) for n in names)


@compute_cost_with_regularization.mistake("The factor of the penalty is lambd / (2 m). The 2 is missing.")
def cost_without_two(A3, Y, parameters, lambd):
    return cost_variant(A3, Y, parameters, lambd / Y.shape[1])


@compute_cost_with_regularization.mistake(
    "`lambd / 2 * m` divides by 2 and multiplies by m. Put the denominator in parentheses: `lambd / (2 * m)`."
)
def cost_precedence_of_the_factor(A3, Y, parameters, lambd):
    return cost_variant(A3, Y, parameters, lambd / 2 * Y.shape[1])


@compute_cost_with_regularization.mistake("The penalty is not divided by m: its factor is lambd / (2 m).")
def cost_penalty_without_m(A3, Y, parameters, lambd):
    return cost_variant(A3, Y, parameters, lambd / 2)


@compute_cost_with_regularization.mistake("The biases are counted. The sum in (3.3) is over W1, W2 and W3 only.")
def cost_with_biases(A3, Y, parameters, lambd):
    return cost_variant(A3, Y, parameters, lambd / (2 * Y.shape[1]), tuple(parameters))


@compute_cost_with_regularization.mistake(
    "The norm is not squared. `np.linalg.norm` takes a root; (3.3) adds the squares themselves."
)
def cost_norm_not_squared(A3, Y, parameters, lambd):
    return cost_variant(A3, Y, parameters, lambd / (2 * Y.shape[1]), of=np.linalg.norm)


@compute_cost_with_regularization.mistake("You add the weights, not their squares. Square each entry first.")
def cost_weights_not_squared(A3, Y, parameters, lambd):
    return cost_variant(A3, Y, parameters, lambd / (2 * Y.shape[1]), of=np.sum)


@compute_cost_with_regularization.mistake("The penalty of the last layer is missing: add the squares of W3, too.")
def cost_without_last_layer(A3, Y, parameters, lambd):
    return cost_variant(A3, Y, parameters, lambd / (2 * Y.shape[1]), ("W1", "W2"))


@compute_cost_with_regularization.mistake("The penalty is subtracted. It puts a price on large weights: add it.")
def cost_penalty_subtracted(A3, Y, parameters, lambd):
    return cost_variant(A3, Y, parameters, -lambd / (2 * Y.shape[1]))


@compute_cost_with_regularization.mistake("The penalty is missing: this is the cost (3.1) alone.")
def cost_without_penalty(A3, Y, parameters, lambd):
    return cost_variant(A3, Y, parameters, 0)


@compute_cost_with_regularization.mistake(
    "The losses of the outputs are averaged. Add them up within an example; the mean in (3.1) is over the m examples."
)
def cost_mean_over_outputs(A3, Y, parameters, lambd):
    part = cost_variant(A3, Y, parameters, 0)
    return part / len(Y) + cost_variant(A3, Y, parameters, lambd / (2 * Y.shape[1])) - part


@compute_cost_with_regularization.mistake("The losses are not divided by m: (3.1) is their mean over the examples.")
def cost_losses_without_m(A3, Y, parameters, lambd):
    m = Y.shape[1]
    return cost_variant(A3, Y, parameters, lambd / (2 * m)) + (m - 1) * cost_variant(A3, Y, parameters, 0)


@compute_cost_with_regularization.mistake("The sign of the losses is missing: the logarithms are negative, see (3.1).")
def cost_sign_of_losses(A3, Y, parameters, lambd):
    return cost_variant(A3, Y, parameters, lambd / (2 * Y.shape[1])) - 2 * cost_variant(A3, Y, parameters, 0)


@compute_cost_with_regularization.mistake(
    "You take the mean of the squared weights of each layer. (3.2) adds them up, however many there are."
)
def cost_mean_of_squares(A3, Y, parameters, lambd):
    return cost_variant(A3, Y, parameters, lambd / (2 * Y.shape[1]), of=lambda W: np.mean(W**2))


@compute_cost_with_regularization.mistake(
    "The sizes of the weights are added, not their squares: that is the L1 penalty."
)
def cost_absolute_values(A3, Y, parameters, lambd):
    return cost_variant(A3, Y, parameters, lambd / (2 * Y.shape[1]), of=lambda W: np.sum(np.abs(W)))


@compute_cost_with_regularization.mistake("The sum of the weights is squared. Square each weight first, then add up.")
def cost_square_of_the_sum(A3, Y, parameters, lambd):
    return cost_variant(A3, Y, parameters, lambd / (2 * Y.shape[1]), of=lambda W: np.sum(W) ** 2)


@compute_cost_with_regularization.accept(
    "(3.1) and (3.2) as loops, one term at a time; the logarithm is chosen by the label."
)
def cost_with_loops(A3, Y, parameters, lambd):
    m, total = Y.shape[1], 0.0
    for j in range(len(Y)):
        for i in range(m):
            total -= np.log(A3[j, i]) if Y[j, i] else np.log(1 - A3[j, i])
    for l in (1, 2, 3):
        for row in parameters[f"W{l}"]:
            for w in row:
                total += lambd * w * w / 2
    return total / m


@compute_cost_with_regularization.accept(
    "`np.linalg.norm` takes the root of the sum of squares, so it is squared again."
)
def cost_with_norms(A3, Y, parameters, lambd):
    losses = -np.log(np.where(Y == 1, A3, 1 - A3)).sum(axis=0)
    norms = [np.linalg.norm(parameters[f"W{l}"], "fro") ** 2 for l in (1, 2, 3)]
    return np.array(np.mean(losses) + lambd / Y.shape[1] / 2 * sum(norms))


@compute_cost_with_regularization.accept
def cost_with_traces(A3, Y, parameters, lambd):
    m = Y.shape[1]
    squares = sum(np.trace(parameters[f"W{l}"] @ parameters[f"W{l}"].T) for l in (3, 1, 2))
    return (
        float(np.einsum("ji,ji->", Y - 1, np.log1p(-A3)) - np.einsum("ji,ji->", Y, np.log(A3)) + lambd * squares / 2)
        / m
    )


# --- backward passes -------------------------------------------------------------------------------------------------


def mean_columns(dZ):
    return np.mean(dZ, axis=1, keepdims=True)


def relu_slope(Z):
    return np.where(Z > 0, 1, 0)


def backward(X, Y, cache, sign=1, slope=relu_slope, after=lambda l, dA: dA, m=None, db=mean_columns):
    """Return all gradients, with some steps replaced; ``after(l, dA)`` changes dA of a hidden layer."""
    m = X.shape[1] if m is None else m
    A0, grads = {0: X, 1: cache["A1"], 2: cache["A2"]}, {}
    dZ = sign * (cache["A3"] - Y)
    for l in (3, 2, 1):
        grads |= {f"dW{l}": dZ @ A0[l - 1].T / m, f"db{l}": db(dZ)}
        if l > 1:
            dZ = after(l - 1, cache[f"W{l}"].T @ dZ) * slope(cache[f"Z{l - 1}"])
    return grads


def plus(grads, cache, factor, names="W", layers=(1, 2, 3)):
    """Return the gradients with ``factor`` times the parameters added."""
    return grads | {f"d{n}{l}": grads[f"d{n}{l}"] + factor * cache[f"{n}{l}"] for n in names for l in layers}


def regularized_cases(rng):
    """The last example of the first case is 0, and so are biases: there scores of both hidden layers are exactly 0."""
    cases = []
    for sizes, lambd in zip(SIZES, (0.7, 2.5, 0.3), strict=True):
        X, Y = example_data(rng, sizes)
        parameters = example_parameters(rng, sizes)
        if not cases:
            X[:, -1], parameters["b1"][:], parameters["b2"][:2] = 0, 0, 0
        cases.append(case(X=X, Y=Y, cache=forward(X, parameters), lambd=lambd))
    return cases


def chain(A=(1.0, 1.0), keep=None):
    """Return a cache of three layers of one unit each, with all weights 1, for a small case."""
    one = np.array([[1.0, 1.0]])
    cache = {f"{n}{l}": np.array([[1.0 if n == "W" else 0.0]]) for n in "Wb" for l in (1, 2, 3)}
    cache |= {"Z1": one, "A1": one * A[0], "Z2": one * A[0], "A2": one * A[1], "Z3": one * A[1]}
    return cache | {"A3": np.array([[0.5, 0.25]])} | ({"D1": one, "D2": one} if keep else {})


@lesson.exercise(
    points=3,
    topic=18,
    equation="(3.5) to (3.8)",
    backward=True,
    cases=regularized_cases,
    ask="Begin with dZ3. Which matrix brings it to layer 2, which slope stands beside it, and which of dW, db and dZ does "
    "the penalty change?",
    small={"X": np.array([[1.0, 2.0]]), "Y": np.array([[1, 0]]), "cache": chain(), "lambd": 0.4},
    why={
        "question": "Why does the penalty change dW but not dZ?",
        "where": "lambd",
        "choices": {
            "no score stands in the penalty, only the weights": "Yes: S depends on W directly, not through any score.",
            "dZ is divided by m already": "No: dZ belongs to each example's loss; the 1/m comes in dW. What does S hold?",
            "it would be counted twice in the biases": "No: the biases have no penalty at all. What does S hold?",
        },
    },
)
def backward_propagation_with_regularization(X, Y, cache, lambd):
    """Return the gradients of the cost with the L2 penalty.

    Parameters
    ----------
    X : ndarray, shape (n_x, m)
    Y : ndarray, shape (n_y, m)
    cache : dict
        ``"Z1"``, ``"A1"``, ``"W1"``, ``"b1"`` and so on to layer 3, from a forward pass.
    lambd : float

    Returns
    -------
    grads : dict
        ``"dW1"``, ``"db1"`` to ``"dW3"``, ``"db3"``: of the cost J, in the shapes of the parameters.
    """
    m = X.shape[1]
    grads, dZ = {}, cache["A3"] - Y  # (3.5)
    for l, A_prev in ((3, cache["A2"]), (2, cache["A1"]), (1, X)):
        if l != 3:
            dZ = cache[f"W{l + 1}"].T @ dZ * np.sign(cache[f"A{l}"])  # (3.6)
        grads[f"dW{l}"] = dZ @ A_prev.T / m + lambd / m * cache[f"W{l}"]  # (3.7)
        grads[f"db{l}"] = np.mean(dZ, axis=1, keepdims=True)  # (3.8)
    return grads


REG = backward_propagation_with_regularization


@REG.mistake("The penalty is missing in dW1. Each of the three dW has it, (3.7).")
def gradients_penalty_not_in_layer_1(X, Y, cache, lambd):
    return plus(backward(X, Y, cache), cache, lambd / X.shape[1], layers=(2, 3))


@REG.mistake("The penalty is missing in dW2. Each of the three dW has it, (3.7).")
def gradients_penalty_not_in_layer_2(X, Y, cache, lambd):
    return plus(backward(X, Y, cache), cache, lambd / X.shape[1], layers=(1, 3))


@REG.mistake("The slope is that of tanh, 1 - A². The hidden layers have ReLU: 1 where Z > 0, else 0.")
def gradients_with_slope_of_tanh(X, Y, cache, lambd):
    found = backward(X, Y, cache, slope=lambda Z: 1 - np.maximum(0, Z) ** 2)
    return plus(found, cache, lambd / X.shape[1])


@REG.mistake("The slope of ReLU is missing in dZ1. Each hidden layer has it, (3.6).")
def gradients_without_slope_in_layer_1(X, Y, cache, lambd):
    found = backward(X, Y, cache, slope=lambda Z: np.ones(Z.shape) if Z is cache["Z1"] else relu_slope(Z))
    return plus(found, cache, lambd / X.shape[1])


@REG.mistake("The slope of ReLU is missing in dZ2, and so in all that comes from it. Each hidden layer has it, (3.6).")
def gradients_without_slope_in_layer_2(X, Y, cache, lambd):
    found = backward(X, Y, cache, slope=lambda Z: np.ones(Z.shape) if Z is cache["Z2"] else relu_slope(Z))
    return plus(found, cache, lambd / X.shape[1])


@REG.mistake("Where a score is exactly 0, your slope of ReLU is 1. (3.6) gives 0 there: `Z > 0`, not `Z >= 0`.")
def gradients_with_slope_at_zero(X, Y, cache, lambd):
    return plus(backward(X, Y, cache, slope=lambda Z: np.where(Z >= 0, 1, 0)), cache, lambd / X.shape[1])


@REG.mistake("The penalty is missing in dW: these are the gradients of (3.1). Add lambd / m times W, see (3.7).")
def gradients_without_penalty(X, Y, cache, lambd):
    return backward(X, Y, cache)


@REG.mistake("The slope of w**2 / 2 is w: the 2 of lambd / (2 m) cancels. Add lambd / m times W.")
def gradients_with_half_penalty(X, Y, cache, lambd):
    return plus(backward(X, Y, cache), cache, lambd / (2 * X.shape[1]))


@REG.mistake("The penalty is not divided by m: add lambd / m times W, see (3.7).")
def gradients_penalty_without_m(X, Y, cache, lambd):
    return plus(backward(X, Y, cache), cache, lambd)


@REG.mistake("The biases are penalised. The cost (3.3) holds no bias in its penalty, so db stays as it was.")
def gradients_biases_penalised(X, Y, cache, lambd):
    return plus(backward(X, Y, cache), cache, lambd / X.shape[1], "Wb")


@REG.mistake("The penalty is subtracted from dW: that makes weights grow. Add it.")
def gradients_penalty_subtracted(X, Y, cache, lambd):
    return plus(backward(X, Y, cache), cache, -lambd / X.shape[1])


@REG.mistake("Only dW3 has the penalty. Each layer's weights stand in (3.3): dW1 and dW2 need it, too.")
def gradients_penalty_in_last_layer(X, Y, cache, lambd):
    return plus(backward(X, Y, cache), cache, lambd / X.shape[1], layers=(3,))


@REG.mistake("dZ3 is A3 - Y, not Y - A3: the part of the data points downhill.")
def gradients_with_wrong_sign(X, Y, cache, lambd):
    return plus(backward(X, Y, cache, sign=-1), cache, lambd / X.shape[1])


@REG.mistake("The slope of ReLU is missing: multiply by 1 where Z > 0 and by 0 elsewhere, see (3.6).")
def gradients_without_slope(X, Y, cache, lambd):
    return plus(backward(X, Y, cache, slope=np.ones_like), cache, lambd / X.shape[1])


@REG.mistake("The part of the data is not divided by m. Both parts of (3.7) have the factor 1 / m.")
def gradients_data_without_m(X, Y, cache, lambd):
    return plus(backward(X, Y, cache, m=1, db=lambda dZ: dZ.sum(axis=1, keepdims=True)), cache, lambd / X.shape[1])


@REG.mistake("db is a sum. It is the mean over the examples, (3.8), as J is.")
def gradients_db_is_a_sum(X, Y, cache, lambd):
    return plus(backward(X, Y, cache, db=lambda dZ: dZ.sum(axis=1, keepdims=True)), cache, lambd / X.shape[1])


@REG.mistake("Only dW1 and dW2 have the penalty. W3 stands in (3.3), too.")
def gradients_penalty_not_in_last_layer(X, Y, cache, lambd):
    return plus(backward(X, Y, cache), cache, lambd / X.shape[1], layers=(1, 2))


@REG.mistake("The slope of w**2 / 2 is w, not w**2: add lambd / m times W itself.")
def gradients_with_squared_weights(X, Y, cache, lambd):
    squares = {name: a**2 for name, a in cache.items() if name[0] == "W"}
    return plus(backward(X, Y, cache), squares, lambd / X.shape[1])


@REG.mistake(
    "Each dW gets one number, lambd / m times the sum of the weights. Add lambd / m times W itself, entry by entry."
)
def gradients_with_sum_of_weights(X, Y, cache, lambd):
    sums = {name: np.sum(a) for name, a in cache.items() if name[0] == "W"}
    return plus(backward(X, Y, cache), sums, lambd / X.shape[1])


@REG.mistake("This is the slope of the sizes of the weights, the L1 penalty. Add lambd / m times W itself.")
def gradients_with_signs(X, Y, cache, lambd):
    signs = {name: np.sign(a) for name, a in cache.items() if name[0] == "W"}
    return plus(backward(X, Y, cache), signs, lambd / X.shape[1])


@REG.accept("No loop: the chain rule written out, layer by layer, as in (3.5) to (3.8).")
def gradients_line_by_line(X, Y, cache, lambd):
    m = X.shape[1]
    dZ3 = cache["A3"] - Y
    dW3 = 1.0 / m * (np.dot(dZ3, cache["A2"].T) + lambd * cache["W3"])
    dZ2 = np.multiply(np.dot(cache["W3"].T, dZ3), np.int64(cache["A2"] > 0))
    dW2 = 1.0 / m * (np.dot(dZ2, cache["A1"].T) + lambd * cache["W2"])
    dZ1 = np.multiply(np.dot(cache["W2"].T, dZ2), cache["Z1"] > 0)
    dW1 = 1.0 / m * (np.dot(dZ1, X.T) + lambd * cache["W1"])
    db1, db2, db3 = (np.sum(dZ, axis=1, keepdims=True) / m for dZ in (dZ1, dZ2, dZ3))
    return {"dZ3": dZ3, "dW3": dW3, "db3": db3, "dW2": dW2, "db2": db2, "dW1": dW1, "db1": db1}


@REG.accept
def gradients_example_by_example(X, Y, cache, lambd):
    m = X.shape[1]
    ones = [
        backward(X[:, [i]], Y[:, [i]], {n: a if n[0] in "Wb" else a[:, [i]] for n, a in cache.items()})
        for i in range(m)
    ]
    return plus({name: sum(g[name] for g in ones) / m for name in ones[0]}, cache, lambd / m)


@REG.accept
def gradients_with_einsum(X, Y, cache, lambd):
    m, A, grads = X.shape[1], [X, cache["A1"], cache["A2"]], {}
    dZ = np.subtract(cache["A3"], Y)
    for l in (3, 2, 1):
        grads[f"dW{l}"] = (np.einsum("ji,ki->jk", dZ, A[l - 1]) + lambd * cache[f"W{l}"]) / m
        grads[f"db{l}"] = np.einsum("ji->j", dZ).reshape(-1, 1) / m
        dZ = np.where(A[l - 1] > 0, np.einsum("jk,ji->ki", cache[f"W{l}"], dZ), 0)
    return grads


# --- forward_propagation_with_dropout --------------------------------------------------------------------------------


def forward_cases(rng):
    cases = []
    for sizes, keep_prob in zip(SMALL, (0.8, 0.4), strict=True):
        X, _ = example_data(rng, sizes)
        cases.append(case(X=X, parameters=example_parameters(rng, sizes), keep_prob=keep_prob, rng=generator(rng)))
    return cases


@lesson.exercise(
    points=2,
    topic=20,
    equation="(3.13)",
    returns=("A3", "cache"),
    cases=forward_cases,
    judge=draws(300),
    ask="Which of the three layers have a mask, what is its shape, and does the next layer get the activation before or "
    "after the mask?",
    small={
        "X": np.array([[1.0, 1.0, 1.0]]),
        "parameters": {f"{n}{l}": np.array([[1.0 if n == "W" else 0.0]]) for n in "Wb" for l in (1, 2, 3)},
        "keep_prob": 0.5,
        "rng": np.random.default_rng(0),
    },
)
def forward_propagation_with_dropout(X, parameters, keep_prob, rng):
    """Return the output of a network with inverted dropout in both hidden layers.

    Parameters
    ----------
    X : ndarray, shape (n_x, m)
    parameters : dict
        ``"W1"``, ``"b1"``, ``"W2"``, ``"b2"``, ``"W3"``, ``"b3"``.
    keep_prob : float
        The probability that a hidden activation is kept, between 0 and 1.
    rng : Generator
        All random numbers are drawn from it.

    Returns
    -------
    A3 : ndarray, shape (n_y, m)
    cache : dict
        ``"Z1"``, ``"D1"``, ``"A1"``, ``"Z2"``, ``"D2"``, ``"A2"``, ``"Z3"``, ``"A3"`` and the parameters; A1 and A2 with
        the dropped entries 0 and the kept ones divided by keep_prob.
    """
    Z1 = parameters["W1"] @ X + parameters["b1"]
    D1 = rng.binomial(1, keep_prob, size=Z1.shape)  # (3.12)
    A1 = np.maximum(0, Z1) * D1 / keep_prob  # (3.13)
    Z2 = parameters["W2"] @ A1 + parameters["b2"]
    D2 = rng.binomial(1, keep_prob, size=Z2.shape)
    A2 = np.maximum(0, Z2) * D2 / keep_prob
    Z3 = parameters["W3"] @ A2 + parameters["b3"]
    A3 = sigmoid(Z3)
    return A3, {"Z1": Z1, "D1": D1, "A1": A1, "Z2": Z2, "D2": D2, "A2": A2, "Z3": Z3, "A3": A3, **parameters}


def dropped(X, parameters, mask, factor, layers=(1, 2)):
    """Return what the forward pass returns; ``mask(shape)`` draws, ``factor`` multiplies the kept activations."""
    masks = [mask((len(parameters[f"W{l}"]), X.shape[1])) if l in layers else None for l in (1, 2)]
    cache = forward(X, parameters, [1 if D is None else D * factor for D in masks])
    cache |= {f"D{l}": np.ones(cache[f"Z{l}"].shape) if D is None else D for l, D in enumerate(masks, start=1)}
    return cache["A3"], cache


def dropped_unevenly(X, parameters, mask, factors):
    """Return what the forward pass returns, with one factor for each hidden layer."""
    masks = [mask((len(parameters[f"W{l}"]), X.shape[1])) for l in (1, 2)]
    cache = forward(X, parameters, [D * factor for D, factor in zip(masks, factors, strict=True)])
    return cache["A3"], cache | {"D1": masks[0], "D2": masks[1]}


def kept(rng, keep_prob):
    return lambda shape: rng.random(shape) < keep_prob


FORWARD = forward_propagation_with_dropout


@FORWARD.mistake("The kept activations are not divided by keep_prob, so their mean falls. See (3.13).")
def forward_without_rescale(X, parameters, keep_prob, rng):
    return dropped(X, parameters, kept(rng, keep_prob), 1)


@FORWARD.mistake("Keep and drop are swapped: an entry is kept where the random number is below keep_prob.")
def forward_swapped(X, parameters, keep_prob, rng):
    return dropped(X, parameters, lambda shape: rng.random(shape) > keep_prob, 1 / keep_prob)


@FORWARD.mistake("You multiply by keep_prob. Divide by it, to make up for what is dropped.")
def forward_multiplied(X, parameters, keep_prob, rng):
    return dropped(X, parameters, kept(rng, keep_prob), keep_prob)


@FORWARD.mistake("You divide by 1 - keep_prob, the share that is dropped. Divide by the share that is kept.")
def forward_divided_by_drop(X, parameters, keep_prob, rng):
    return dropped(X, parameters, kept(rng, keep_prob), 1 / (1 - keep_prob))


@FORWARD.mistake("`rng.standard_normal` is not spread evenly between 0 and 1. Draw the mask with `rng.random`.")
def forward_mask_from_normal(X, parameters, keep_prob, rng):
    return dropped(X, parameters, lambda shape: rng.standard_normal(shape) < keep_prob, 1 / keep_prob)


@FORWARD.mistake("Only the first hidden layer has dropout. Layer 2 needs a mask of its own, D2.")
def forward_first_layer_only(X, parameters, keep_prob, rng):
    return dropped(X, parameters, kept(rng, keep_prob), 1 / keep_prob, (1,))


@FORWARD.mistake("Nothing is dropped. Multiply the hidden activations by a random mask, (3.13).")
def forward_nothing_dropped(X, parameters, keep_prob, rng):
    return dropped(X, parameters, None, 1, ())


@FORWARD.mistake("The output layer has dropout, too. A3 is the prediction: leave it whole.")
def forward_output_dropped(X, parameters, keep_prob, rng):
    _, cache = dropped(X, parameters, kept(rng, keep_prob), 1 / keep_prob)
    cache["A3"] = cache["A3"] * (rng.random(cache["A3"].shape) < keep_prob) / keep_prob
    return cache["A3"], cache


@FORWARD.mistake("You make a generator of your own. Draw from the argument rng, so that the caller decides.")
def forward_generator_of_its_own(X, parameters, keep_prob, rng):
    return dropped(X, parameters, kept(np.random.default_rng(3), keep_prob), 1 / keep_prob)


@FORWARD.mistake("The network goes on with the whole activations. Compute Z2 and Z3 from what dropout left.")
def forward_goes_on_with_the_whole(X, parameters, keep_prob, rng):
    whole = forward(X, parameters)
    for l in (1, 2):
        whole[f"D{l}"] = rng.random(whole[f"A{l}"].shape) < keep_prob
        whole[f"A{l}"] = whole[f"A{l}"] * whole[f"D{l}"] / keep_prob
    return whole["A3"], whole


@FORWARD.mistake("The input is thinned, too. Dropout is for the hidden layers 1 and 2 only.")
def forward_input_dropped(X, parameters, keep_prob, rng):
    thin = X * (rng.random(X.shape) < keep_prob) / keep_prob
    return dropped(thin, parameters, kept(rng, keep_prob), 1 / keep_prob)


@FORWARD.mistake(
    "All units of a layer share one draw per example. Each entry has its own: draw the mask in the shape of Z1, of Z2."
)
def forward_one_draw_for_all_units(X, parameters, keep_prob, rng):
    return dropped(X, parameters, lambda s: np.tile(rng.random((1, s[1])) < keep_prob, (s[0], 1)), 1 / keep_prob)


@FORWARD.mistake("A1 is not divided by keep_prob. Each of the two hidden layers has its own division, (3.13).")
def forward_first_layer_not_divided(X, parameters, keep_prob, rng):
    return dropped_unevenly(X, parameters, kept(rng, keep_prob), (1, 1 / keep_prob))


@FORWARD.mistake("A2 is not divided by keep_prob. Each of the two hidden layers has its own division, (3.13).")
def forward_second_layer_not_divided(X, parameters, keep_prob, rng):
    return dropped_unevenly(X, parameters, kept(rng, keep_prob), (1 / keep_prob, 1))


@FORWARD.mistake("You divide by keep_prob twice. Once makes up for what is dropped.")
def forward_divided_twice(X, parameters, keep_prob, rng):
    return dropped(X, parameters, kept(rng, keep_prob), 1 / keep_prob**2)


@FORWARD.accept
def forward_with_uniform_numbers(X, parameters, keep_prob, rng):
    return dropped(X, parameters, kept(rng, keep_prob), 1 / keep_prob)


@FORWARD.accept
def forward_with_choice(X, parameters, keep_prob, rng):
    return dropped(X, parameters, lambda s: rng.choice([0.0, 1.0], s, p=[1 - keep_prob, keep_prob]), 1 / keep_prob)


@FORWARD.accept(
    "`np.where` puts zeros where ReLU or the mask is 0, and the division happens only where something is left."
)
def forward_with_zeros_put_in(X, parameters, keep_prob, rng):
    cache, A = dict(parameters), X
    for l in (1, 2):
        Z = np.dot(parameters[f"W{l}"], A) + parameters[f"b{l}"]
        D = rng.uniform(size=Z.shape) >= 1 - keep_prob
        A = np.where(D & (Z > 0), Z / keep_prob, 0)
        cache |= {f"Z{l}": Z, f"D{l}": D, f"A{l}": A}
    cache["Z3"] = np.dot(parameters["W3"], A) + parameters["b3"]
    cache["A3"] = 1 / (1 + np.exp(-cache["Z3"]))
    return cache["A3"], cache


# --- backward_propagation_with_dropout -------------------------------------------------------------------------------


def mixed_mask(rng, shape, keep_prob):
    """Return a mask in which at least one entry is kept and one dropped."""
    mask = (rng.random(shape) < keep_prob).astype(int)
    mask.flat[0], mask.flat[-1] = 1, 0
    return mask


def dropout_cases(rng):
    cases = []
    for sizes, keep_prob in zip(SIZES, (0.8, 0.6, 0.7), strict=True):
        X, Y = example_data(rng, sizes)
        parameters = example_parameters(rng, sizes)
        # A unit that is kept, and one that is dropped, are active: else a wrong mask would not show.
        for l in (1, 2):
            parameters[f"b{l}"] = parameters[f"b{l}"] + 1
        D1, D2 = (mixed_mask(rng, (n, sizes[4]), keep_prob) for n in sizes[1:3])
        cache = forward(X, parameters, (D1 / keep_prob, D2 / keep_prob)) | {"D1": D1, "D2": D2}
        cases.append(case(X=X, Y=Y, cache=cache, keep_prob=keep_prob))
    return cases


@lesson.exercise(
    points=3,
    topic=20,
    equation="(3.18), (3.7) and (3.8)",
    backward=True,
    cases=dropout_cases,
    ask="Which three factors does dZ of a hidden layer have in (3.18), and where do the masks of this step stand?",
    small={
        "X": np.array([[1.0, 2.0]]),
        "Y": np.array([[1, 0]]),
        "cache": chain((2.0, 4.0), keep=True),
        "keep_prob": 0.5,
    },
)
def backward_propagation_with_dropout(X, Y, cache, keep_prob):
    """Return the gradients of the cost of the network that the masks in the cache left.

    Parameters
    ----------
    X : ndarray, shape (n_x, m)
    Y : ndarray, shape (n_y, m)
    cache : dict
        From `forward_propagation_with_dropout`.
    keep_prob : float

    Returns
    -------
    grads : dict
        ``"dW1"``, ``"db1"`` to ``"dW3"``, ``"db3"``: of the mean cost J, in the shapes of the parameters.
    """
    m = X.shape[1]
    grads, dZ = {}, cache["A3"] - Y  # (3.5)
    for l, A_prev in ((3, cache["A2"]), (2, cache["A1"]), (1, X)):
        if l != 3:
            # The activations in the cache are 0 where ReLU or the mask is: their sign is both.
            dZ = cache[f"W{l + 1}"].T @ dZ * np.sign(cache[f"A{l}"]) / keep_prob  # (3.18)
        grads[f"dW{l}"] = dZ @ A_prev.T / m  # (3.7) with lambda = 0
        grads[f"db{l}"] = np.mean(dZ, axis=1, keepdims=True)  # (3.8)
    return grads


DROP = backward_propagation_with_dropout


@DROP.mistake("The mask is missing: an entry that was dropped gets no gradient. Multiply dA1 by D1, dA2 by D2.")
def drop_without_mask(X, Y, cache, keep_prob):
    return backward(X, Y, cache, after=lambda l, dA: dA / keep_prob)


@DROP.mistake("The gradients are not divided by keep_prob. The forward pass divided, so the chain rule does, too.")
def drop_without_rescale(X, Y, cache, keep_prob):
    return backward(X, Y, cache, after=lambda l, dA: dA * cache[f"D{l}"])


@DROP.mistake("This is the backward pass without dropout: mask and keep_prob are both missing.")
def drop_ignored(X, Y, cache, keep_prob):
    return backward(X, Y, cache)


@DROP.mistake("You draw a fresh mask. The backward pass must use D1 and D2 of the cache: the same network.")
def drop_fresh_mask(X, Y, cache, keep_prob):
    rng = np.random.default_rng(0)
    return backward(X, Y, cache, after=lambda l, dA: dA * (rng.random(dA.shape) < keep_prob) / keep_prob)


@DROP.mistake("Keep and drop are swapped: you multiply by 1 - D, which keeps the dropped entries.")
def drop_swapped(X, Y, cache, keep_prob):
    return backward(X, Y, cache, after=lambda l, dA: dA * (1 - cache[f"D{l}"]) / keep_prob)


@DROP.mistake("You multiply by keep_prob. The forward pass divides by it, so the chain rule divides, too.")
def drop_multiplied(X, Y, cache, keep_prob):
    return backward(X, Y, cache, after=lambda l, dA: dA * cache[f"D{l}"] * keep_prob)


@DROP.mistake("Only dA2 is masked. Layer 1 has a mask, too: multiply dA1 by D1 and divide by keep_prob.")
def drop_second_layer_only(X, Y, cache, keep_prob):
    return backward(X, Y, cache, after=lambda l, dA: dA * cache["D2"] / keep_prob if l == 2 else dA)


@DROP.mistake("Only dA1 is masked. Layer 2 has a mask, too: multiply dA2 by D2 and divide by keep_prob.")
def drop_first_layer_only(X, Y, cache, keep_prob):
    return backward(X, Y, cache, after=lambda l, dA: dA * cache["D1"] / keep_prob if l == 1 else dA)


@DROP.mistake(
    "dA1 is not divided by keep_prob. The forward pass divided in both hidden layers, so the chain rule does, too."
)
def drop_layer_1_not_divided(X, Y, cache, keep_prob):
    return backward(X, Y, cache, after=lambda l, dA: dA * cache[f"D{l}"] / (keep_prob if l == 2 else 1))


@DROP.mistake(
    "dA2 is not divided by keep_prob. The forward pass divided in both hidden layers, so the chain rule does, too."
)
def drop_layer_2_not_divided(X, Y, cache, keep_prob):
    return backward(X, Y, cache, after=lambda l, dA: dA * cache[f"D{l}"] / (keep_prob if l == 1 else 1))


@DROP.mistake("You divide by 1 - keep_prob. The forward pass divides by keep_prob, so the chain rule does, too.")
def drop_divided_by_drop(X, Y, cache, keep_prob):
    return backward(X, Y, cache, after=lambda l, dA: dA * cache[f"D{l}"] / (1 - keep_prob))


@DROP.mistake("The slope of ReLU is missing: three factors stand in (3.18), the last is 1 where Z > 0 and else 0.")
def drop_without_slope(X, Y, cache, keep_prob):
    return backward(X, Y, cache, slope=np.ones_like, after=lambda l, dA: dA * cache[f"D{l}"] / keep_prob)


@DROP.mistake("dZ3 is A3 - Y, not Y - A3.")
def drop_with_wrong_sign(X, Y, cache, keep_prob):
    return backward(X, Y, cache, sign=-1, after=lambda l, dA: dA * cache[f"D{l}"] / keep_prob)


@DROP.mistake("The factor 1 / m is missing: dW and db belong to the mean of the losses.")
def drop_without_m(X, Y, cache, keep_prob):
    def scaled(l, dA):
        return dA * cache[f"D{l}"] / keep_prob

    return backward(X, Y, cache, m=1, db=lambda dZ: dZ.sum(axis=1, keepdims=True), after=scaled)


@DROP.mistake("The slope is that of tanh, 1 - A². The hidden layers have ReLU: 1 where A > 0, else 0.")
def drop_with_slope_of_tanh(X, Y, cache, keep_prob):
    return drop_variant_of_slope(X, Y, cache, keep_prob, lambda A: 1 - A**2)


@DROP.mistake("db is a sum over the units, too. Each unit has its own: the mean over the examples, axis=1.")
def drop_db_over_everything(X, Y, cache, keep_prob):
    grads = DROP.reference(X, Y, cache, keep_prob)
    return {name: np.full(g.shape, g.sum()) if name[1] == "b" else g for name, g in grads.items()}


def drop_variant_of_slope(X, Y, cache, keep_prob, slope):
    """Return the gradients with another slope of the hidden layers, as a function of the activation."""
    m, grads, dZ = X.shape[1], {}, cache["A3"] - Y
    for l, A_prev in ((3, cache["A2"]), (2, cache["A1"]), (1, X)):
        grads[f"dW{l}"], grads[f"db{l}"] = dZ @ A_prev.T / m, np.mean(dZ, axis=1, keepdims=True)
        if l > 1:
            dZ = cache[f"W{l}"].T @ dZ * cache[f"D{l - 1}"] / keep_prob * slope(A_prev)
    return grads


@DROP.accept(
    "ReLU's slope comes from the thinned activation: it is above 0 where the score is, in all entries that were kept."
)
def drop_line_by_line(X, Y, cache, keep_prob):
    m = X.shape[1]
    dZ3 = cache["A3"] - Y
    dA2 = np.dot(cache["W3"].T, dZ3) * cache["D2"] / keep_prob
    dZ2 = np.multiply(dA2, np.int64(cache["A2"] > 0))
    dA1 = np.dot(cache["W2"].T, dZ2) * cache["D1"] / keep_prob
    dZ1 = np.multiply(dA1, np.int64(cache["A1"] > 0))
    dW3, dW2, dW1 = (1.0 / m * np.dot(dZ, A.T) for dZ, A in ((dZ3, cache["A2"]), (dZ2, cache["A1"]), (dZ1, X)))
    db3, db2, db1 = (1.0 / m * np.sum(dZ, axis=1, keepdims=True) for dZ in (dZ3, dZ2, dZ1))
    return {"dA2": dA2, "dW3": dW3, "db3": db3, "dW2": dW2, "db2": db2, "dW1": dW1, "db1": db1}


@DROP.accept
def drop_with_scores(X, Y, cache, keep_prob):
    return backward(X, Y, cache, after=lambda l, dA: np.where(cache[f"D{l}"] == 1, dA, 0) / keep_prob)


@DROP.accept
def drop_example_by_example(X, Y, cache, keep_prob):
    m = X.shape[1]
    total = {f"d{n}{l}": np.zeros_like(cache[f"{n}{l}"]) for n in "Wb" for l in (1, 2, 3)}
    for i in range(m):
        dz = (cache["A3"] - Y)[:, [i]]
        for l in (3, 2, 1):
            a = X[:, [i]] if l == 1 else cache[f"A{l - 1}"][:, [i]]
            total[f"dW{l}"] += np.outer(dz, a) / m
            total[f"db{l}"] += dz / m
            dz = cache[f"W{l}"].T @ dz * (a > 0) / keep_prob
    return total


# --- dropout_forward -------------------------------------------------------------------------------------------------


def mode_cases(rng):
    return [
        case(A=rng.normal(size=shape), keep_prob=keep_prob, mode=mode, rng=generator(rng))
        for shape, keep_prob, mode in (((3, 4), 0.8, "train"), ((4, 2), 0.6, "test"), ((5, 1), 0.6, "train"))
    ]


@lesson.exercise(
    points=2,
    topic=20,
    equation="(3.19)",
    returns=("A", "mask"),
    cases=mode_cases,
    judge=draws(300),
    ask="In which of the two modes is something drawn, and by which number is what is kept divided in the other mode?",
    small={"A": np.array([[3.0, 4.0, 5.0]]), "keep_prob": 0.5, "mode": "train", "rng": np.random.default_rng(0)},
)
def dropout_forward(A, keep_prob, mode, rng):
    """Return activations after inverted dropout in training, and as they are in test.

    Parameters
    ----------
    A : ndarray, shape (n, m)
    keep_prob : float
        The probability that an entry is kept.
    mode : str
        ``"train"`` or ``"test"``.
    rng : Generator
        All random numbers are drawn from it.

    Returns
    -------
    A : ndarray, shape (n, m)
    mask : ndarray, shape (n, m)
        1 where an entry is kept and 0 where it is dropped; all ones in test.
    """
    if mode == "test":
        return A, np.ones(A.shape)
    mask = rng.binomial(1, keep_prob, size=A.shape)
    return A * mask / keep_prob, mask  # (3.19)


def mode_variant(A, mode, mask, factor):
    if mode == "test":
        return A, np.ones(A.shape)
    D = mask(A.shape)
    return A * D * factor, D


@dropout_forward.mistake('Dropout is active in test. With mode "test" return A as it is, and a mask of ones.')
def mode_ignored(A, keep_prob, mode, rng):
    return mode_variant(A, "train", kept(rng, keep_prob), 1 / keep_prob)


@dropout_forward.mistake("The kept entries are not divided by keep_prob, so their mean falls in training.")
def mode_without_rescale(A, keep_prob, mode, rng):
    return mode_variant(A, mode, kept(rng, keep_prob), 1)


@dropout_forward.mistake("Keep and drop are swapped: keep where the random number is below keep_prob.")
def mode_swapped_mask(A, keep_prob, mode, rng):
    return mode_variant(A, mode, lambda shape: rng.random(shape) > keep_prob, 1 / keep_prob)


@dropout_forward.mistake("Test divides by keep_prob. Without dropped entries there is nothing to make up for.")
def mode_test_divided(A, keep_prob, mode, rng):
    out, mask = mode_variant(A, mode, kept(rng, keep_prob), 1 / keep_prob)
    return (out / keep_prob if mode == "test" else out), mask


@dropout_forward.mistake(
    "Training is right, and in test you multiply by keep_prob as well. The division in training has made up for the "
    "dropped entries already: in test, return A as it is."
)
def mode_scaled_in_both(A, keep_prob, mode, rng):
    out, mask = mode_variant(A, mode, kept(rng, keep_prob), 1 / keep_prob)
    return (out * keep_prob if mode == "test" else out), mask


@dropout_forward.mistake("The modes are swapped: drop in training, and leave A as it is in test.")
def modes_swapped(A, keep_prob, mode, rng):
    return mode_variant(A, {"train": "test", "test": "train"}[mode], kept(rng, keep_prob), 1 / keep_prob)


@dropout_forward.mistake("You multiply by keep_prob. Divide by it, to make up for what is dropped.")
def mode_multiplied(A, keep_prob, mode, rng):
    return mode_variant(A, mode, kept(rng, keep_prob), keep_prob)


@dropout_forward.mistake("You divide by 1 - keep_prob, the share that is dropped. Divide by the share that is kept.")
def mode_divided_by_drop(A, keep_prob, mode, rng):
    return mode_variant(A, mode, kept(rng, keep_prob), 1 / (1 - keep_prob))


@dropout_forward.mistake(
    "The mask you return is divided by keep_prob. It is 1 where an entry is kept, and 0 elsewhere."
)
def mode_mask_scaled(A, keep_prob, mode, rng):
    out, mask = mode_variant(A, mode, kept(rng, keep_prob), 1 / keep_prob)
    return out, (mask / keep_prob if mode == "train" else mask)


@dropout_forward.mistake("In test nothing is dropped, so the mask is all ones, not zeros.")
def mode_zeros_in_test(A, keep_prob, mode, rng):
    out, mask = mode_variant(A, mode, kept(rng, keep_prob), 1 / keep_prob)
    return out, (np.zeros(A.shape) if mode == "test" else mask)


@dropout_forward.mistake("You make a generator of your own. Draw from the argument rng, so that the caller decides.")
def mode_generator_of_its_own(A, keep_prob, mode, rng):
    return mode_variant(A, mode, kept(np.random.default_rng(0), keep_prob), 1 / keep_prob)


@dropout_forward.mistake(
    "This is dropout without the division: kept entries stay as they are, and test multiplies by keep_prob. Here training "
    "divides, and test does nothing."
)
def mode_not_inverted(A, keep_prob, mode, rng):
    if mode == "test":
        return A * keep_prob, np.ones(A.shape)
    mask = rng.random(A.shape) < keep_prob
    return A * mask, mask * 1


@dropout_forward.mistake(
    "In test you draw a mask and do not use it. Draw in training only: what is drawn later with this rng comes out "
    "differently by it."
)
def mode_drawn_in_test(A, keep_prob, mode, rng):
    D = rng.random(A.shape) < keep_prob
    return (A, np.ones(A.shape)) if mode == "test" else (A * D / keep_prob, D)


@dropout_forward.accept
def mode_with_uniform_numbers(A, keep_prob, mode, rng):
    return mode_variant(A, mode, kept(rng, keep_prob), 1 / keep_prob)


@dropout_forward.accept
def mode_entry_by_entry(A, keep_prob, mode, rng):
    mask = np.array([[mode == "test" or rng.random() < keep_prob for _ in row] for row in A])
    return np.where(mask, A if mode == "test" else A / keep_prob, 0), mask


@dropout_forward.accept(
    "One formula for both modes: in test the share that is kept is 1, so nothing is dropped or divided."
)
def mode_with_choice(A, keep_prob, mode, rng):
    share = 1 if mode == "test" else keep_prob
    mask = np.ones(A.shape) if share == 1 else rng.choice([1, 0], size=A.shape, p=[keep_prob, 1 - keep_prob])
    return np.multiply(A, mask) / share, mask
