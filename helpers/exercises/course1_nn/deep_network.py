"""Lesson 1.5, deep networks: the catalogue of its eleven exercises. Equations are those of the notebook."""

import copy

import numpy as np
from scipy.special import expit, xlogy

from helpers.exercises import Lesson, case, draws

lesson = Lesson("deep_network")

# --- predictions -----------------------------------------------------------------------------------------------------

lesson.predict(
    "flat_db",
    "b has the shape (5, 1), and db has the shape (5,). Which shape has b - 0.1 * db?",
    ("(5, 1)", "(5,)", "(5, 5)"),
    "Broadcasting takes (5,) as one row, (1, 5), and subtracts it from the column: five biases become 25 numbers.",
)
lesson.predict(
    "clipped_slope",
    "z = 40, label 0. You clip a = σ(z) to at most 1 - 1e-15, compute da by (5.15), and multiply by a (1 - a), with the "
    "a that was not clipped. Which slope comes out?",
    ("1", "0", "nan"),
    "In floating point σ(40) is exactly 1, so the factor 1 - a is exactly 0. Clipping makes da finite, and a finite "
    "number times 0 is 0: an example that is sure and wrong would never be corrected.",
)
lesson.predict(
    "reach",
    "A net of 20 layers with c = 1. How large is dA at layer 0, compared with dA at layer 19?",
    ("about the same", "about a thirtieth", "about a thousandth", "about a millionth"),
    "Each of the 19 steps on the way back multiplies the size by about 1 / sqrt(2); together that is about a thousandth.",
)
lesson.predict(
    "depth",
    "On the 192 pixels, each run stopped on its dev part: which net is right more often on the test parts?",
    ("one hidden layer", "three hidden layers", "neither: they differ by less than two errors of the comparison"),
    "The difference is smaller than two of its errors. The lowest and the highest start of the same net differ by several "
    "points, which is much more.",
)


#: A net 2-2-1 with two examples, to follow by hand: the scores are -1, 2, 2, 3 and 0, 0.
SMALL = {
    "W1": np.array([[1.0, -1.0], [1.0, 1.0]]),
    "b1": np.array([[0.0], [-1.0]]),
    "W2": np.array([[-0.5, 1.0]]),
    "b2": np.array([[-2.0]]),
}
SMALL_X, SMALL_Y = np.array([[1.0, 3.0], [2.0, 1.0]]), np.array([[1.0, 0.0]])
SMALL_A1, SMALL_Z1 = np.array([[0.0, 2.0], [2.0, 3.0]]), np.array([[-1.0, 2.0], [2.0, 3.0]])
SMALL_CACHES = [
    ((SMALL_X, SMALL["W1"], SMALL["b1"]), SMALL_Z1),
    ((SMALL_A1, SMALL["W2"], SMALL["b2"]), np.zeros((1, 2))),
]
SMALL_GRADS = {
    "dW1": np.array([[-0.375, -0.125], [0.5, -0.25]]),
    "db1": np.array([[-0.125], [0.0]]),
    "dW2": np.array([[0.5, 0.25]]),
    "db2": np.array([[0.0]]),
}


def draw_parameters(rng, layers_dims):
    """Return the parameters of a net of these sizes; no entry is 0, scores stay moderate."""
    parameters = {}
    for l in range(1, len(layers_dims)):
        parameters[f"W{l}"] = rng.normal(size=(layers_dims[l], layers_dims[l - 1])) / np.sqrt(layers_dims[l - 1])
        parameters[f"b{l}"] = rng.normal(size=(layers_dims[l], 1)) * 0.3
    return parameters


def labels(rng, n_y, m):
    """Return labels, zeros and ones of shape (n_y, m); both occur where m > 1."""
    Y = np.zeros((n_y, m))
    for row in Y:
        row[rng.permutation(m)[: (m + 1) // 2]] = 1
    return Y


#: Sizes of the nets that cases use, and m. In one of them layers have equal sizes: there a wrong index stops nothing.
NETS = [((4, 5, 3, 2), 6), ((3, 3, 3, 3, 1), 7), ((3, 1), 4), ((5, 4, 1), 1)]


# --- parameter_shapes ------------------------------------------------------------------------------------------------


def shapes_cases(rng):
    return [case(layers_dims=[int(n) for n in 2 + rng.permutation(9)[:count]]) for count in (4, 5, 2)]


@lesson.exercise(
    points=1,
    topic=13,
    equation="(5.5) and (5.6)",
    cases=shapes_cases,
    ask="W of layer l turns the activations of layer l - 1 into the scores of layer l. Which of the two numbers of units counts its rows, and which its columns? How many layers has a list of four numbers?",
    small={"layers_dims": [2, 3, 1]},
)
def parameter_shapes(layers_dims):
    """Return the shape of each parameter of a net.

    Parameters
    ----------
    layers_dims : list of int
        Numbers of units n[0], n[1] to n[L]; the first is the number of features.

    Returns
    -------
    shapes : dict
        ``"W1": (n[1], n[0])``, ``"b1": (n[1], 1)`` and so on to ``"bL"``.
    """
    shapes = {}
    for l in range(1, len(layers_dims)):
        shapes[f"W{l}"] = (layers_dims[l], layers_dims[l - 1])  # (5.5)
        shapes[f"b{l}"] = (layers_dims[l], 1)  # (5.6)
    return shapes


@parameter_shapes.mistake("W is transposed: it has one row for each unit of its own layer, (n[l], n[l-1]).")
def shapes_transposed(layers_dims):
    return {name: shape[::-1] if name[0] == "W" else shape for name, shape in parameter_shapes(layers_dims).items()}


@parameter_shapes.mistake("b has one axis, (n[l],). It is a column with two axes: (n[l], 1).")
def shapes_of_flat_b(layers_dims):
    return {name: shape if name[0] == "W" else shape[:1] for name, shape in parameter_shapes(layers_dims).items()}


@parameter_shapes.mistake("b is a row, (1, n[l]). It is a column: (n[l], 1).")
def shapes_of_row_b(layers_dims):
    return {name: shape if name[0] == "W" else shape[::-1] for name, shape in parameter_shapes(layers_dims).items()}


@parameter_shapes.mistake("b has one entry for each unit of its own layer, n[l], not of the layer before.")
def shapes_of_b_before(layers_dims):
    shapes = parameter_shapes(layers_dims)
    return shapes | {f"b{l}": (layers_dims[l - 1], 1) for l in range(1, len(layers_dims))}


@parameter_shapes.mistake(
    "The last layer is missing. layers_dims has L + 1 entries, and range(1, n) ends at n - 1: loop to len(layers_dims)."
)
def shapes_without_last_layer(layers_dims):
    return parameter_shapes(layers_dims[:-1])


@parameter_shapes.mistake(
    "The keys count from 0. Layer 0 is the input and has no parameters: the first ones are W1, b1."
)
def shapes_from_zero(layers_dims):
    return {f"{name[0]}{int(name[1:]) - 1}": shape for name, shape in parameter_shapes(layers_dims).items()}


@parameter_shapes.mistake(
    "An index goes past the end: layers_dims has L + 1 entries, so the last layer is len(layers_dims) - 1."
)
def shapes_past_the_end(layers_dims):
    return {f"W{l}": (layers_dims[l], layers_dims[l - 1]) for l in range(1, len(layers_dims) + 1)}


@parameter_shapes.accept("`zip` pairs each number of units with the one before it, so no index l - 1 is needed.")
def shapes_with_lists_and_zip(layers_dims):
    shapes = {}
    for l, (n_before, n) in enumerate(zip(layers_dims[:-1], layers_dims[1:], strict=True), start=1):
        shapes["b" + str(l)] = [n, 1]
        shapes["W" + str(l)] = [n, n_before]
    return shapes


@parameter_shapes.accept
def shapes_of_arrays(layers_dims):
    parameters = draw_parameters(np.random.default_rng(0), layers_dims)
    return {name: array.shape for name, array in parameters.items()}


@parameter_shapes.accept
def shapes_in_two_passes(layers_dims):
    L = len(layers_dims) - 1
    weights = {f"W{l + 1}": (np.int64(layers_dims[l + 1]), layers_dims[l]) for l in range(L)}
    return {**weights, **{f"b{l}": (layers_dims[l], 1) for l in range(1, L + 1)}}


# --- initialize_parameters_deep --------------------------------------------------------------------------------------


def generator(rng):
    return np.random.default_rng(int(rng.integers(2**32)))


def initialize_cases(rng):
    return [case(layers_dims=[3, 5, 2], rng=generator(rng)), case(layers_dims=[5, 4], rng=generator(rng))]


@lesson.exercise(
    points=1,
    topic=13,
    equation="(5.8) and (5.9)",
    cases=initialize_cases,
    judge=draws(300, spread=False),
    ask="The sum (5.1) over the inputs of a unit shall not grow with their number. Which number of units counts these inputs: that of the layer itself or that of the layer before?",
    small={"layers_dims": [2, 3, 1], "rng": np.random.default_rng(0)},
)
def initialize_parameters_deep(layers_dims, rng):
    """Return random weights and zero biases.

    Parameters
    ----------
    layers_dims : list of int
        Numbers of units n[0], n[1] to n[L].
    rng : Generator
        All random numbers are drawn from it.

    Returns
    -------
    parameters : dict
        ``"W1"``, ndarray of shape (n[1], n[0]), with mean 0 and standard deviation 1 / sqrt(n[0]); ``"b1"``, zeros of
        shape (n[1], 1); and so on to layer L.
    """
    parameters = {}
    for name, shape in parameter_shapes(layers_dims).items():
        if name.startswith("W"):
            parameters[name] = rng.standard_normal(shape) / np.sqrt(shape[1])  # (5.8)
        else:
            parameters[name] = np.zeros(shape)  # (5.9)
    return parameters


def initialize_variant(layers_dims, rng, weight=None, bias=np.zeros):
    """Return what `initialize_parameters_deep` returns, with other weights or biases: functions of their shape."""
    if weight is None:
        weight = lambda shape: rng.standard_normal(shape) / np.sqrt(shape[1])
    shapes = parameter_shapes(layers_dims)
    return {name: (weight if name[0] == "W" else bias)(shape) for name, shape in shapes.items()}


@initialize_parameters_deep.mistake(
    "All weights are 0. Then all units of a layer compute the same and learn the same: draw them from rng."
)
def weights_of_zero(layers_dims, rng):
    return initialize_variant(layers_dims, rng, weight=np.zeros)


@initialize_parameters_deep.mistake("The weights are not divided by the square root of n[l-1]: their spread is 1.")
def weights_not_scaled(layers_dims, rng):
    return initialize_variant(layers_dims, rng, weight=rng.standard_normal)


@initialize_parameters_deep.mistake("The weights are divided by n[l-1]. Divide by its square root.")
def weights_without_root(layers_dims, rng):
    return initialize_variant(layers_dims, rng, weight=lambda shape: rng.standard_normal(shape) / shape[1])


@initialize_parameters_deep.mistake(
    "The weights are multiplied by 0.01. In a deep net such small weights make the scores vanish: "
    "divide by the square root of n[l-1]."
)
def weights_of_a_hundredth(layers_dims, rng):
    return initialize_variant(layers_dims, rng, weight=lambda shape: rng.standard_normal(shape) * 0.01)


@initialize_parameters_deep.mistake(
    "The root is that of n[l], the layer's own units. Take n[l-1], the number of inputs."
)
def weights_by_own_units(layers_dims, rng):
    return initialize_variant(layers_dims, rng, weight=lambda shape: rng.standard_normal(shape) / np.sqrt(shape[0]))


@initialize_parameters_deep.mistake(
    "The weights lie between 0 and 1: `rng.random` gives no negative numbers. Use `rng.standard_normal`."
)
def weights_all_positive(layers_dims, rng):
    return initialize_variant(layers_dims, rng, weight=lambda shape: rng.random(shape) / np.sqrt(shape[1]))


@initialize_parameters_deep.mistake(
    "The factor is sqrt(2 / n[l-1]), which a later lesson derives. Here it is sqrt(1 / n[l-1])."
)
def weights_of_he(layers_dims, rng):
    return initialize_variant(layers_dims, rng, weight=lambda shape: rng.standard_normal(shape) * np.sqrt(2 / shape[1]))


@initialize_parameters_deep.mistake("The biases are random. They start at 0.")
def biases_random(layers_dims, rng):
    return initialize_variant(layers_dims, rng, bias=rng.standard_normal)


@initialize_parameters_deep.mistake("b has one axis, (n[l],). It is a column: np.zeros((n[l], 1)).")
def biases_flat(layers_dims, rng):
    return initialize_variant(layers_dims, rng, bias=lambda shape: np.zeros(shape[0]))


@initialize_parameters_deep.mistake("W is transposed: its shape is (n[l], n[l-1]).")
def weights_transposed(layers_dims, rng):
    return initialize_variant(layers_dims, rng, weight=lambda shape: rng.standard_normal(shape).T / np.sqrt(shape[1]))


@initialize_parameters_deep.mistake("The last layer is missing: loop to L = len(layers_dims) - 1 inclusive.")
def last_layer_without_parameters(layers_dims, rng):
    return initialize_variant(layers_dims[:-1], rng)


@initialize_parameters_deep.mistake("The same numbers for every rng: do not make a generator with a fixed seed inside.")
def weights_of_a_fixed_seed(layers_dims, rng):
    return initialize_variant(layers_dims, np.random.default_rng(3))


@initialize_parameters_deep.mistake(
    "`np.random.randn` draws from a generator that all code shares. Use rng.standard_normal."
)
def weights_of_global_generator(layers_dims, rng):
    return initialize_variant(layers_dims, rng, weight=lambda shape: np.random.randn(*shape) / np.sqrt(shape[1]))


@initialize_parameters_deep.mistake(
    "`rng.standard_normal` takes the shape as one argument, a tuple: `rng.standard_normal((n, n_prev))`."
)
def shape_in_two_arguments(layers_dims, rng):
    return initialize_variant(layers_dims, rng, weight=lambda shape: rng.standard_normal(shape[0], shape[1]))


@initialize_parameters_deep.mistake("`np.zeros` takes the shape as one argument, a tuple: `np.zeros((n, 1))`.")
def shape_of_biases_in_two_arguments(layers_dims, rng):
    return initialize_variant(layers_dims, rng, bias=lambda shape: np.zeros(shape[0], 1))


@initialize_parameters_deep.accept(
    "`rng.normal` takes the standard deviation as an argument, so nothing is divided afterwards."
)
def with_rng_normal(layers_dims, rng):
    parameters = {}
    L = len(layers_dims)
    for l in range(1, L):
        parameters["W" + str(l)] = rng.normal(0, (1 / layers_dims[l - 1]) ** 0.5, (layers_dims[l], layers_dims[l - 1]))
        parameters["b" + str(l)] = np.zeros((layers_dims[l], 1))
    return parameters


@initialize_parameters_deep.accept
def from_the_last_layer_on(layers_dims, rng):
    parameters = {"L": len(layers_dims) - 1}
    for l in range(len(layers_dims) - 1, 0, -1):
        n, n_before = layers_dims[l], layers_dims[l - 1]
        parameters[f"b{l}"] = np.zeros((n, 1), dtype=int)
        parameters[f"W{l}"] = (
            np.array([[rng.standard_normal() for _ in range(n_before)] for _ in range(n)]) * n_before**-0.5
        )
    return parameters


@initialize_parameters_deep.accept(
    "Not a bell curve: numbers between -s and s have the standard deviation s / sqrt(3), so s is sqrt(3 / inputs). (5.8) asks for mean and spread alone."
)
def uniform_of_the_same_spread(layers_dims, rng):
    return initialize_variant(layers_dims, rng, weight=lambda shape: rng.uniform(-1, 1, shape) * np.sqrt(3 / shape[1]))


# --- linear_forward --------------------------------------------------------------------------------------------------


def linear_cases(rng):
    return [
        case(A=rng.normal(size=(n_before, m)), W=rng.normal(size=(n, n_before)), b=rng.normal(size=(n, 1)))
        for n_before, n, m in ((3, 2, 5), (4, 4, 4), (5, 3, 1), (2, 1, 6))
    ]


@lesson.exercise(
    points=1,
    topic=12,
    equation="(5.10)",
    returns=("Z", "cache"),
    cases=linear_cases,
    ask="W is (n, n_prev) and A is (n_prev, m). In which order do they fit, and onto which axis of the product is the column b spread?",
    small={"A": SMALL_X, "W": SMALL["W1"], "b": SMALL["b1"]},
)
def linear_forward(A, W, b):
    """Return the scores of one layer.

    Parameters
    ----------
    A : ndarray, shape (n_prev, m)
        Activations of the layer before.
    W : ndarray, shape (n, n_prev)
    b : ndarray, shape (n, 1)

    Returns
    -------
    Z : ndarray, shape (n, m)
    cache : tuple
        ``(A, W, b)``, for the backward pass.
    """
    return W @ A + b, (A, W, b)  # (5.10)


@linear_forward.mistake("b is not in your Z.")
def scores_without_b(A, W, b):
    return W @ A, (A, W, b)


@linear_forward.mistake("Rows of W meet columns of A: Z = W @ A + b, in this order. `*` multiplies entry by entry.")
def scores_in_the_wrong_order(A, W, b):
    return A @ W + b, (A, W, b)


@linear_forward.mistake("W is not transposed here: its rows are the weights of the units already. Z = W @ A + b.")
def scores_with_transposed_weights(A, W, b):
    return W.T @ A + b, (A, W, b)


@linear_forward.mistake("b is not transposed: it is a column, (n, 1), and NumPy adds it to each column of W @ A.")
def b_as_a_row(A, W, b):
    return W @ A + b.T, (A, W, b)


@linear_forward.mistake("Only Z comes back. Return Z and the cache: `return Z, (A, W, b)`.")
def scores_alone(A, W, b):
    return W @ A + b


@linear_forward.mistake("The cache has another order. It is (A, W, b): what came in, as it came in.")
def cache_in_another_order(A, W, b):
    return W @ A + b, (W, A, b)


@linear_forward.mistake("The cache lacks b. It is (A, W, b).")
def cache_without_b(A, W, b):
    return W @ A + b, (A, W)


@linear_forward.mistake("The cache holds Z. The backward pass needs what came in: (A, W, b).")
def cache_of_scores(A, W, b):
    Z = W @ A + b
    return Z, (Z, W, b)


@linear_forward.mistake("An activation function is applied already. This step stops at Z.")
def activated_already(A, W, b):
    return np.maximum(0, W @ A + b), (A, W, b)


@linear_forward.accept("(5.1) as it stands: one score at a time, three loops. The same numbers, much slower.")
def scores_with_loops(A, W, b):
    Z = np.zeros((W.shape[0], A.shape[1]))
    for j in range(W.shape[0]):
        for i in range(A.shape[1]):
            Z[j, i] = b[j, 0]
            for k in range(W.shape[1]):
                Z[j, i] += W[j, k] * A[k, i]
    return Z, (A, W, b)


@linear_forward.accept
def scores_with_einsum(A, W, b):
    return np.einsum("jk,ki->ji", W, A) + b, [A.copy(), W, b]


@linear_forward.accept
def scores_with_dot(A, W, b):
    cache = (A, W, b)
    return np.add(np.dot(A.T, W.T), b[:, 0]).T, cache


# --- linear_activation_forward ---------------------------------------------------------------------------------------


def activation_cases(rng):
    def one(n_before, n, m, activation):
        """Return a layer whose scores have both signs, if it has more than one."""
        while True:
            A_prev, W, b = rng.normal(size=(n_before, m)), rng.normal(size=(n, n_before)), rng.normal(size=(n, 1))
            Z = W @ A_prev + b
            if Z.min() < -0.2 and Z.max() > 0.2:
                return case(A_prev=A_prev, W=W, b=b, activation=activation)

    return [
        one(3, 2, 5, "relu"),
        one(3, 2, 5, "sigmoid"),
        one(4, 3, 1, "relu"),
        one(2, 3, 1, "sigmoid"),
        one(5, 4, 7, "relu"),
    ]


@lesson.exercise(
    points=1,
    topic=12,
    equation="(5.10) and (5.11)",
    returns=("A", "cache"),
    cases=activation_cases,
    ask="Which function belongs to which word, and which array does the way back need: the scores before the function, or what comes after it?",
    small={"A_prev": SMALL_X, "W": SMALL["W1"], "b": SMALL["b1"], "activation": "relu"},
)
def linear_activation_forward(A_prev, W, b, activation):
    """Return the activations of one layer.

    Parameters
    ----------
    A_prev : ndarray, shape (n_prev, m)
    W : ndarray, shape (n, n_prev)
    b : ndarray, shape (n, 1)
    activation : str
        ``"relu"`` or ``"sigmoid"``.

    Returns
    -------
    A : ndarray, shape (n, m)
    cache : tuple
        ``(linear_cache, Z)``, where ``linear_cache`` is ``(A_prev, W, b)``.
    """
    Z, linear_cache = linear_forward(A_prev, W, b)
    A = expit(Z) if activation == "sigmoid" else np.maximum(0, Z)  # (5.11)
    return A, (linear_cache, Z)


@linear_activation_forward.mistake("The activation functions are swapped: see which word belongs to which.")
def activations_swapped(A_prev, W, b, activation):
    return linear_activation_forward(A_prev, W, b, {"relu": "sigmoid", "sigmoid": "relu"}[activation])


@linear_activation_forward.mistake("It is the logistic function in any case. Look at the argument activation.")
def always_sigmoid(A_prev, W, b, activation):
    return linear_activation_forward(A_prev, W, b, "sigmoid")


@linear_activation_forward.mistake("It is ReLU in any case. Look at the argument activation.")
def always_relu(A_prev, W, b, activation):
    return linear_activation_forward(A_prev, W, b, "relu")


@linear_activation_forward.mistake("No activation function is applied: Z comes back as A.")
def never_activated(A_prev, W, b, activation):
    Z, linear_cache = linear_forward(A_prev, W, b)
    return Z, (linear_cache, Z)


@linear_activation_forward.mistake("This is the leaky ReLU. ReLU gives exactly 0 where Z is negative.")
def leaky(A_prev, W, b, activation):
    A, (linear_cache, Z) = linear_activation_forward(A_prev, W, b, activation)
    return A if activation == "sigmoid" else np.maximum(0.01 * Z, Z), (linear_cache, Z)


@linear_activation_forward.mistake("The cache lacks Z: return the pair (linear_cache, Z).")
def cache_without_scores(A_prev, W, b, activation):
    A, (linear_cache, _) = linear_activation_forward(A_prev, W, b, activation)
    return A, linear_cache


@linear_activation_forward.mistake("The cache holds A. The second entry is the score Z, which the backward pass needs.")
def cache_of_activations(A_prev, W, b, activation):
    A, (linear_cache, _) = linear_activation_forward(A_prev, W, b, activation)
    return A, (linear_cache, A)


@linear_activation_forward.mistake(
    "`Z[Z < 0] = 0` changes Z itself, and the cache then holds the cut scores. Make a new array: `np.maximum(0, Z)`."
)
def scores_cut_in_place(A_prev, W, b, activation):
    A, (linear_cache, Z) = linear_activation_forward(A_prev, W, b, activation)
    return A, (linear_cache, Z if activation == "sigmoid" else A)


@linear_activation_forward.mistake("The cache is the other way round: first linear_cache, then Z.")
def cache_turned_round(A_prev, W, b, activation):
    A, (linear_cache, Z) = linear_activation_forward(A_prev, W, b, activation)
    return A, (Z, linear_cache)


@linear_activation_forward.mistake(
    "`np.max(Z, 0)` is the largest entry of each column. `np.maximum(0, Z)` compares each entry with 0."
)
def max_for_maximum(A_prev, W, b, activation):
    A, (linear_cache, Z) = linear_activation_forward(A_prev, W, b, activation)
    return A if activation == "sigmoid" else np.max(Z, 0), (linear_cache, Z)


@linear_activation_forward.accept
def with_two_ifs(A_prev, W, b, activation):
    Z, linear_cache = np.dot(W, A_prev) + b, (A_prev, W, b)
    if activation == "sigmoid":
        A = 1 / (1 + np.exp(-Z))
    elif activation == "relu":
        A = Z * (Z > 0)
    return A, (linear_cache, Z)


@linear_activation_forward.accept(
    "The functions stand in a dict by their names, so a third activation would be one more entry and no `if`."
)
def with_a_dict(A_prev, W, b, activation):
    Z = np.einsum("jk,ki->ji", W, A_prev) + b
    g = {"relu": lambda Z: np.where(Z > 0, Z, 0), "sigmoid": lambda Z: 0.5 * (1 + np.tanh(Z / 2))}[activation]
    return [g(Z), [[A_prev, W, b], Z]]


# --- L_model_forward -------------------------------------------------------------------------------------------------


def forward_cases(rng):
    return [case(X=rng.normal(size=(dims[0], m)), parameters=draw_parameters(rng, dims)) for dims, m in NETS]


@lesson.exercise(
    points=2,
    topic=12,
    equation="(5.10) to (5.12)",
    returns=("AL", "caches"),
    cases=forward_cases,
    ask="How many layers does a dict with six entries describe? Which of them has another activation than the others?",
    small={"X": SMALL_X, "parameters": SMALL},
)
def L_model_forward(X, parameters):
    """Return the predictions of a net: ReLU in layers 1 to L - 1, the logistic function in layer L.

    Parameters
    ----------
    X : ndarray, shape (n[0], m)
    parameters : dict
        ``"W1"``, ``"b1"`` to ``"WL"``, ``"bL"``.

    Returns
    -------
    AL : ndarray, shape (n[L], m)
    caches : list of tuple
        The caches of `linear_activation_forward`; that of layer l is ``caches[l - 1]``.
    """
    A, caches, L = X, [], len(parameters) // 2
    for l in range(1, L + 1):
        activation = "sigmoid" if l == L else "relu"
        A, cache = linear_activation_forward(A, parameters[f"W{l}"], parameters[f"b{l}"], activation)
        caches.append(cache)
    return A, caches


def forward_through(X, parameters, layers):
    """Return what `L_model_forward` returns, for these pairs (index of W and b, activation)."""
    A, caches = X, []
    for l, activation in layers:
        A, cache = linear_activation_forward(A, parameters[f"W{l}"], parameters[f"b{l}"], activation)
        caches.append(cache)
    return A, caches


@L_model_forward.mistake(
    "A key of parameters does not exist. Each layer has a W and a b, so L = len(parameters) // 2, "
    "and layers count from 1: range(1, L)."
)
def length_of_parameters_for_L(X, parameters):
    L = len(parameters)
    return forward_through(X, parameters, [(l, "relu") for l in range(1, L)] + [(L, "sigmoid")])


@L_model_forward.mistake("Only layers 1 and 2 are computed. Loop over all layers: L = len(parameters) // 2.")
def two_layers_only(X, parameters):
    return forward_through(X, parameters, [(1, "relu"), (2, "sigmoid")])


@L_model_forward.mistake(
    "Each layer gets X. The input of layer l is the activation of layer l - 1: update A in the loop."
)
def each_layer_gets_x(X, parameters):
    caches, L = [], len(parameters) // 2
    for l in range(1, L + 1):
        AL, cache = linear_activation_forward(
            X, parameters[f"W{l}"], parameters[f"b{l}"], "sigmoid" if l == L else "relu"
        )
        caches.append(cache)
    return AL, caches


@L_model_forward.mistake(
    "The output layer uses the parameters of another layer. After the loop, l is not L: take W and b with the index L."
)
def last_index_of_the_loop(X, parameters):
    L = len(parameters) // 2
    hidden = [(l, "relu") for l in range(1, L)]
    return forward_through(X, parameters, [*hidden, (hidden[-1][0], "sigmoid")])


@L_model_forward.mistake("A hidden layer is missing: range(1, L) ends at L - 1 already.")
def one_hidden_layer_too_few(X, parameters):
    L = len(parameters) // 2
    return forward_through(X, parameters, [*((l, "relu") for l in range(1, L - 1)), (L, "sigmoid")])


@L_model_forward.mistake("The output layer uses ReLU. Its activation is the logistic function: a probability.")
def relu_at_the_end(X, parameters):
    return forward_through(X, parameters, [(l, "relu") for l in range(1, len(parameters) // 2 + 1)])


@L_model_forward.mistake("The hidden layers use the logistic function. They use ReLU; only layer L uses sigmoid.")
def sigmoid_everywhere(X, parameters):
    return forward_through(X, parameters, [(l, "sigmoid") for l in range(1, len(parameters) // 2 + 1)])


@L_model_forward.mistake("The output layer is missing: after the hidden layers comes layer L, with sigmoid.")
def output_layer_missing(X, parameters):
    return forward_through(X, parameters, [(l, "relu") for l in range(1, len(parameters) // 2)])


@L_model_forward.mistake(
    "The caches stand from the last layer to the first. That of layer l is caches[l - 1]: append them in turn."
)
def caches_from_last_to_first(X, parameters):
    AL, caches = L_model_forward(X, parameters)
    return AL, caches[::-1]


@L_model_forward.mistake("The cache of the output layer is not in caches. There are L caches.")
def last_cache_missing(X, parameters):
    AL, caches = L_model_forward(X, parameters)
    return AL, caches[:-1]


@L_model_forward.mistake(
    "ReLU is applied in the output layer before sigmoid. There the score goes into sigmoid as it is."
)
def relu_before_sigmoid(X, parameters):
    A, caches = relu_at_the_end(X, parameters)
    return expit(A), caches


@L_model_forward.accept(
    "Hidden layers in the loop, the output layer after it: nothing inside the loop asks which layer it is."
)
def loop_and_last_layer(X, parameters):
    caches = []
    A = X
    L = len(parameters) // 2
    for l in range(1, L):
        A_prev = A
        A, cache = linear_activation_forward(
            A_prev, parameters["W" + str(l)], parameters["b" + str(l)], activation="relu"
        )
        caches.append(cache)
    AL, cache = linear_activation_forward(A, parameters["W" + str(L)], parameters["b" + str(L)], activation="sigmoid")
    caches.append(cache)
    return AL, caches


@L_model_forward.accept
def without_the_helpers(X, parameters):
    A, caches = X, ()
    weights = sorted((name for name in parameters if name.startswith("W")), key=lambda name: int(name[1:]))
    for name in weights:
        W, b = parameters[name], parameters["b" + name[1:]]
        Z = np.einsum("jk,ki->ji", W, A) + b
        caches = (*caches, ((A, W, b), Z))
        A = np.where(Z > 0, Z, 0) if name != weights[-1] else 1 / (1 + np.exp(-Z))
    return A, list(caches)


# --- compute_cost ----------------------------------------------------------------------------------------------------


def cost_cases(rng):
    sure = np.array([[1.0, 0.0, *rng.uniform(0.2, 0.8, size=3)]])
    return [
        case(AL=rng.uniform(0.05, 0.95, size=(1, 5)), Y=labels(rng, 1, 5)),
        case(AL=rng.uniform(0.05, 0.95, size=(2, 7)), Y=labels(rng, 2, 7)),
        case(AL=rng.uniform(0.1, 0.9, size=(1, 1)), Y=np.ones((1, 1))),
        case(AL=sure, Y=np.array([[1.0, 0.0, 1.0, 0.0, 0.0]])),
    ]


@lesson.exercise(
    points=1,
    topic=12,
    equation="(5.13)",
    cases=cost_cases,
    ask="In 0 · log 0, which of the two factors may you change a little without changing any other loss?",
    small={"AL": np.array([[0.5, 1.0]]), "Y": np.array([[1.0, 1.0]])},
)
def compute_cost(AL, Y):
    """Return the cross-entropy cost, and a finite number where a prediction is exactly 0 or 1.

    Parameters
    ----------
    AL : ndarray, shape (n_y, m)
        Predictions between 0 and 1.
    Y : ndarray, shape (n_y, m)
        Labels 0 or 1.

    Returns
    -------
    cost : float
        Losses summed over the outputs, mean over the m examples.
    """
    m = Y.shape[1]
    P = np.clip(AL, 1e-15, 1 - 1e-15)
    return float(-np.sum(Y * np.log(P) + (1 - Y) * np.log(1 - P)) / m)  # (5.13)


@compute_cost.mistake("A prediction of exactly 0 or 1 gives 0 · log 0 = nan. Clip AL first, or use `xlogy`.")
def cost_with_log_of_zero(AL, Y):
    return -np.sum(Y * np.log(AL) + (1 - Y) * np.log(1 - AL)) / Y.shape[1]


@compute_cost.mistake("The minus sign is missing: a cost is never negative.")
def cost_without_minus(AL, Y):
    return -compute_cost(AL, Y)


@compute_cost.mistake("The factor 1/m is missing: the cost is the mean over the examples.")
def cost_without_mean(AL, Y):
    return compute_cost(AL, Y) * Y.shape[1]


@compute_cost.mistake(
    "`np.mean` over all entries divides by the number of outputs as well. Sum everything and divide by m = Y.shape[1]."
)
def cost_with_mean_over_outputs(AL, Y):
    return compute_cost(AL, Y) / Y.shape[0]


@compute_cost.mistake(
    "Two things: a prediction of exactly 0 or 1 gives 0 · log 0 = nan, so clip AL first; "
    "and `np.mean` divides by the number of outputs as well."
)
def cost_with_mean_and_log_of_zero(AL, Y):
    return -np.mean(Y * np.log(AL) + (1 - Y) * np.log(1 - AL))


@compute_cost.mistake("m is the number of columns, Y.shape[1]. Y.shape[0] is the number of outputs.")
def cost_over_rows(AL, Y):
    return compute_cost(AL, Y) * Y.shape[1] / Y.shape[0]


@compute_cost.mistake("The second term is missing: what does the loss say where y = 0?")
def cost_of_ones_only(AL, Y):
    return -np.sum(xlogy(Y, AL)) / Y.shape[1]


@compute_cost.mistake("One loss per example comes back. Add them up and divide by m.")
def cost_per_example(AL, Y):
    return -(xlogy(Y, AL) + xlogy(1 - Y, 1 - AL))


@compute_cost.mistake(
    "Each loss is divided by m, but they are not added up: the cost is one number, `np.sum(...) / m`."
)
def cost_of_each_divided_by_m(AL, Y):
    return cost_per_example(AL, Y) / Y.shape[1]


@compute_cost.mistake("Each row has its own cost. Sum over the outputs too, so that one number comes back.")
def cost_per_output(AL, Y):
    return -np.mean(xlogy(Y, AL) + xlogy(1 - Y, 1 - AL), axis=1, keepdims=True)


@compute_cost.mistake("Clipping with 0.01 or more changes predictions that are in order. Use a bound such as 1e-15.")
def cost_clipped_too_hard(AL, Y):
    return compute_cost(np.clip(AL, 0.01, 0.99), Y)


@compute_cost.accept(
    "SciPy's `xlogy(y, a)` is y log a, and 0 where y is 0: nothing is clipped, and a prediction that is sure and wrong costs infinity."
)
def cost_with_xlogy(AL, Y):
    return np.sum(-xlogy(Y, AL) - xlogy(1 - Y, 1 - AL)) / AL.shape[1]


@compute_cost.accept
def cost_with_clip_and_dot(AL, Y):
    AL = np.clip(AL, 1e-12, 1 - 1e-12)
    m = Y.shape[1]
    cost = -(1 / m) * (np.trace(np.dot(Y, np.log(AL).T)) + np.trace(np.dot(1 - Y, np.log(1 - AL).T)))
    return np.squeeze(cost)


@compute_cost.accept("For labels 0 and 1 one logarithm is enough: that of the probability given to the label.")
def cost_with_where_and_loops(AL, Y):
    J = 0
    for a, y in zip(AL.T, Y.T, strict=True):
        for k in range(len(a)):
            J -= np.log(a[k] if y[k] == 1 else 1 - a[k])
    return J / AL.shape[1]


@compute_cost.accept
def cost_with_small_term(AL, Y):
    return -np.sum(Y * np.log(AL + 1e-12) + (1 - Y) * np.log(1 - AL + 1e-12)) / Y.shape[1]


# --- linear_backward -------------------------------------------------------------------------------------------------


def linear_backward_cases(rng):
    cases = []
    for n_before, n, m in ((3, 2, 5), (4, 4, 7), (5, 3, 1), (2, 1, 6)):
        _, cache = linear_forward(
            rng.normal(size=(n_before, m)), rng.normal(size=(n, n_before)), rng.normal(size=(n, 1))
        )
        cases.append(case(dZ=rng.normal(size=(n, m)), cache=cache))
    return cases


@lesson.exercise(
    points=3,
    topic=13,
    equation="(5.28) to (5.30)",
    returns=("dA_prev", "dW", "db"),
    backward=True,
    cases=linear_backward_cases,
    ask="dZ is (n, m) and A_prev is (n_prev, m). Which product of the two has the shape of W, and over which axis does it sum? Which of the three results is no mean?",
    small={"dZ": np.array([[0.0, -0.25], [-0.5, 0.5]]), "cache": (SMALL_X, SMALL["W1"], SMALL["b1"])},
    why={
        "question": "Why has dA_prev no factor 1/m, though dW and db have one?",
        "choices": {
            "its columns belong to single examples; the mean over the examples comes where they meet, in dW and db": "Yes. With 1/m in dA_prev, each layer below would be divided by m once more.",
            "the mean of dA_prev would be 0": "No: nothing makes the columns cancel. Ask what a column of dA_prev belongs to.",
            "W.T contains the mean already": "No: W does not know how many examples there are.",
        },
    },
)
def linear_backward(dZ, cache):
    """Send the gradient back through `linear_forward`.

    Parameters
    ----------
    dZ : ndarray, shape (n, m)
        Derivative of each example's loss, one example per column.
    cache : tuple
        ``(A_prev, W, b)`` from `linear_forward`.

    Returns
    -------
    dA_prev : ndarray, shape (n_prev, m)
        Per example, like `dZ`.
    dW : ndarray, shape (n, n_prev)
        Of the mean cost J.
    db : ndarray, shape (n, 1)
        Of the mean cost J.
    """
    A_prev, W, _ = cache
    m = A_prev.shape[1]
    dW = dZ @ A_prev.T / m  # (5.28)
    db = np.sum(dZ, axis=1, keepdims=True) / m  # (5.29)
    dA_prev = W.T @ dZ  # (5.30)
    return dA_prev, dW, db


def linear_backward_variant(dZ, cache, dA_prev=None, dW=None, db=None):
    """Return what `linear_backward` returns, with some parts replaced; each is a function of the right part."""
    parts = linear_backward(dZ, cache)
    return tuple(part if new is None else new(part) for part, new in zip(parts, (dA_prev, dW, db), strict=True))


@linear_backward.mistake("dW lacks the factor 1/m: it belongs to the mean cost J.")
def dW_without_mean(dZ, cache):
    return linear_backward_variant(dZ, cache, dW=lambda dW: dW * dZ.shape[1])


@linear_backward.mistake("db lacks the factor 1/m: it belongs to the mean cost J.")
def db_without_mean(dZ, cache):
    return linear_backward_variant(dZ, cache, db=lambda db: db * dZ.shape[1])


@linear_backward.mistake("dW and db lack the factor 1/m: they belong to the mean cost J.")
def both_without_mean(dZ, cache):
    m = dZ.shape[1]
    return linear_backward_variant(dZ, cache, dW=lambda dW: dW * m, db=lambda db: db * m)


@linear_backward.mistake(
    "dA_prev has a factor 1/m too many. It belongs to each example's loss; 1/m enters in dW and db alone."
)
def dA_with_mean(dZ, cache):
    return linear_backward_variant(dZ, cache, dA_prev=lambda dA: dA / dZ.shape[1])


@linear_backward.mistake("m is the number of columns, A_prev.shape[1], not the number of rows.")
def rows_for_m(dZ, cache):
    m, rows = cache[0].shape[1], cache[0].shape[0]
    return linear_backward_variant(dZ, cache, dW=lambda dW: dW * m / rows, db=lambda db: db * m / rows)


@linear_backward.mistake("m is the number of columns of dZ, dZ.shape[1]. dZ.shape[0] is the number of units.")
def units_for_m(dZ, cache):
    n, m = dZ.shape
    return linear_backward_variant(dZ, cache, dW=lambda dW: dW * m / n, db=lambda db: db * m / n)


@linear_backward.mistake(
    "db is made from dZ @ A_prev.T. The activations do not belong in it: sum dZ over the examples."
)
def db_with_activations(dZ, cache):
    return linear_backward_variant(dZ, cache, db=lambda _: np.sum(dZ @ cache[0].T, axis=1, keepdims=True) / dZ.shape[1])


@linear_backward.mistake("db has one axis, (n,). It has the shape of b, (n, 1): sum with keepdims=True.")
def db_of_rank_one(dZ, cache):
    return linear_backward_variant(dZ, cache, db=lambda db: db[:, 0])


@linear_backward.mistake("db is one number: the sum runs over the units too. Sum over the examples alone, axis=1.")
def db_without_axis(dZ, cache):
    return linear_backward_variant(dZ, cache, db=np.sum)


@linear_backward.mistake("db is summed over the units (axis=0). Sum over the examples, axis=1.")
def db_over_units(dZ, cache):
    return linear_backward_variant(dZ, cache, db=lambda _: np.sum(dZ, axis=0, keepdims=True) / dZ.shape[1])


@linear_backward.mistake("db is dZ itself. Take the mean over the examples.")
def db_not_summed(dZ, cache):
    return linear_backward_variant(dZ, cache, db=lambda _: dZ)


@linear_backward.mistake("dW is transposed: it has the shape of W, (n, n_prev). Use dZ @ A_prev.T.")
def dW_transposed(dZ, cache):
    return linear_backward_variant(dZ, cache, dW=np.transpose)


@linear_backward.mistake(
    "A product does not fit. dA_prev is `W.T @ dZ`, (n_prev, n) times (n, m), and dW is `dZ @ A_prev.T`."
)
def W_not_transposed(dZ, cache):
    A_prev, W, _ = cache
    return linear_backward_variant(dZ, cache, dA_prev=lambda _: W @ dZ)


@linear_backward.mistake("The order of the results is dA_prev, dW, db.")
def results_in_another_order(dZ, cache):
    dA_prev, dW, db = linear_backward(dZ, cache)
    return dW, db, dA_prev


@linear_backward.mistake(
    "db is computed with A_prev, as dW is. b is only added: its gradient is the mean of dZ over the examples."
)
def db_as_dW(dZ, cache):
    A_prev, W, _ = cache
    return W.T @ dZ, dZ @ A_prev.T / A_prev.shape[1], dZ @ A_prev.T / A_prev.shape[1]


@linear_backward.accept(
    "(5.22), (5.24) and (5.25) as they stand, one product at a time; the sums grow inside the loops."
)
def backward_with_loops(dZ, cache):
    A_prev, W, b = cache
    n, n_prev, m = W.shape[0], W.shape[1], A_prev.shape[1]
    dA_prev, dW, db = np.zeros((n_prev, m)), np.zeros((n, n_prev)), np.zeros((n, 1))
    for i in range(m):
        for j in range(n):
            db[j, 0] += dZ[j, i] / m
            for k in range(n_prev):
                dW[j, k] += dZ[j, i] * A_prev[k, i] / m
                dA_prev[k, i] += W[j, k] * dZ[j, i]
    return dA_prev, dW, db


@linear_backward.accept(
    "`np.einsum` names the axes: the letter that is missing in the result, i for dW, is summed over."
)
def backward_with_einsum(dZ, cache):
    A_prev, W, _ = cache
    dW = np.einsum("ji,ki->jk", dZ, A_prev) / dZ.shape[1]
    return [np.einsum("jk,ji->ki", W, dZ), dW, np.einsum("ji->j", dZ)[:, None] / dZ.shape[1]]


@linear_backward.accept
def backward_with_dot_and_mean(dZ, cache):
    A_prev, W, b = cache
    m = dZ.shape[1]
    return np.dot(W.T, dZ), 1.0 / m * np.dot(dZ, A_prev.T), np.mean(dZ, axis=1).reshape(b.shape)


# --- linear_activation_backward --------------------------------------------------------------------------------------


def activation_backward_cases(rng):
    cases = []
    for _, arguments in activation_cases(rng):
        A, cache = linear_activation_forward(**arguments)
        while True:  # a mask of dA and a mask of Z differ: in some entries the signs are opposite
            dA = rng.normal(size=A.shape)
            if np.any((dA > 0.1) & (cache[1] < -0.2)) and np.any((dA < -0.1) & (cache[1] > 0.2)):
                break
        cases.append(case(dA=dA, cache=cache, activation=arguments["activation"]))
    # Scores near 0: the slope of ReLU changes there and nowhere else.
    A_prev, W, b = rng.normal(size=(2, 6)), rng.normal(size=(2, 2)), rng.normal(size=(2, 1))
    W, b = W * 0.09 / np.abs(W @ A_prev).max(), np.zeros((2, 1))
    _, cache = linear_activation_forward(A_prev, W, b, "relu")
    return [*cases, case(dA=rng.normal(size=(2, 6)), cache=cache, activation="relu")]


@lesson.exercise(
    points=2,
    topic=13,
    equation="(5.31) to (5.33)",
    returns=("dA_prev", "dW", "db"),
    backward=True,
    cases=activation_backward_cases,
    ask="ReLU lets dA pass in some entries. Does the sign of dA decide in which, or the sign of something from the way forward?",
    small={"dA": np.array([[0.25, -0.25], [-0.5, 0.5]]), "cache": SMALL_CACHES[0], "activation": "relu"},
)
def linear_activation_backward(dA, cache, activation):
    """Send the gradient back through `linear_activation_forward`.

    Parameters
    ----------
    dA : ndarray, shape (n, m)
        Derivative of each example's loss, one example per column.
    cache : tuple
        ``(linear_cache, Z)`` from `linear_activation_forward`.
    activation : str
        ``"relu"`` or ``"sigmoid"``.

    Returns
    -------
    dA_prev, dW, db
        As from `linear_backward`.
    """
    linear_cache, Z = cache
    if activation == "sigmoid":
        A = expit(Z)
        dZ = dA * A * (1 - A)  # (5.31) with (5.32)
    else:
        dZ = dA * (Z > 0)  # (5.31) with (5.33)
    return linear_backward(dZ, linear_cache)


def slope(Z, activation):
    """Return the derivative of the activation function at Z."""
    return expit(Z) * (1 - expit(Z)) if activation == "sigmoid" else 1.0 * (Z > 0)


@linear_activation_backward.mistake(
    "The ReLU mask is taken from dA. It comes from the score: dZ is 0 where Z is negative."
)
def mask_on_dA(dA, cache, activation):
    mask = dA > 0 if activation == "relu" else slope(cache[1], activation)
    return linear_backward(dA * mask, cache[0])


@linear_activation_backward.mistake(
    "dA is multiplied by max(0, Z). The derivative of ReLU is 1 or 0: multiply by (Z > 0)."
)
def relu_for_its_derivative(dA, cache, activation):
    factor = np.maximum(0, cache[1]) if activation == "relu" else slope(cache[1], activation)
    return linear_backward(dA * factor, cache[0])


@linear_activation_backward.mistake("The ReLU mask is the wrong way round: dA passes where Z is positive.")
def mask_inverted(dA, cache, activation):
    mask = cache[1] <= 0 if activation == "relu" else slope(cache[1], activation)
    return linear_backward(dA * mask, cache[0])


@linear_activation_backward.mistake(
    "`dZ = dA` gives the same array a second name, so setting entries changes the caller's dA. "
    "Multiply by (Z > 0), or copy first."
)
def dA_changed_in_place(dA, cache, activation):
    dZ = dA
    if activation == "relu":
        dZ[cache[1] <= 0] = 0
    else:
        dZ = dA * slope(cache[1], activation)
    return linear_backward(dZ, cache[0])


@linear_activation_backward.mistake("dZ is dA itself. Multiply by the derivative of the activation function at Z.")
def derivative_missing(dA, cache, activation):
    return linear_backward(dA, cache[0])


@linear_activation_backward.mistake("dA is missing in dZ: the chain rule multiplies dA by the derivative.")
def dA_missing(dA, cache, activation):
    return linear_backward(slope(cache[1], activation), cache[0])


@linear_activation_backward.mistake("Z (1 - Z) is not the derivative. The formula is a (1 - a) with a = sigmoid(z).")
def derivative_at_the_score(dA, cache, activation):
    Z = cache[1]
    return linear_backward(dA * (Z * (1 - Z) if activation == "sigmoid" else slope(Z, activation)), cache[0])


@linear_activation_backward.mistake("dA is multiplied by sigmoid(Z) alone. The derivative is a (1 - a).")
def factor_missing(dA, cache, activation):
    Z = cache[1]
    return linear_backward(dA * (expit(Z) if activation == "sigmoid" else slope(Z, activation)), cache[0])


@linear_activation_backward.mistake("The derivatives are swapped: see which one belongs to which activation.")
def derivatives_swapped(dA, cache, activation):
    return linear_activation_backward(dA, cache, {"relu": "sigmoid", "sigmoid": "relu"}[activation])


@linear_activation_backward.mistake("It is the ReLU mask in any case. Look at the argument activation.")
def mask_in_any_case(dA, cache, activation):
    return linear_activation_backward(dA, cache, "relu")


@linear_activation_backward.mistake("It is the derivative of sigmoid in any case. Look at the argument activation.")
def sigmoid_in_any_case(dA, cache, activation):
    return linear_activation_backward(dA, cache, "sigmoid")


@linear_activation_backward.mistake("dZ comes back. Pass it on: `return linear_backward(dZ, linear_cache)`.")
def dZ_returned(dA, cache, activation):
    return dA * slope(cache[1], activation)


@linear_activation_backward.mistake(
    "ReLU passes the gradient where Z is above 0. You let it pass where Z is 1 or more."
)
def relu_from_one_on(dA, cache, activation):
    linear_cache, Z = cache
    if activation == "sigmoid":
        return linear_activation_backward(dA, cache, activation)
    return linear_backward(dA * (Z >= 1), linear_cache)


@linear_activation_backward.accept(
    "A copy of dA, in which entries are set to 0. Without the copy, the caller's array would change."
)
def copy_and_mask(dA, cache, activation):
    linear_cache, Z = cache
    if activation == "relu":
        dZ = np.array(dA, copy=True)
        dZ[Z <= 0] = 0
    elif activation == "sigmoid":
        s = 1 / (1 + np.exp(-Z))
        dZ = dA * s * (1 - s)
    dA_prev, dW, db = linear_backward(dZ, linear_cache)
    return dA_prev, dW, db


@linear_activation_backward.accept
def with_where_and_tanh(dA, cache, activation):
    (A_prev, W, b), Z = cache
    dZ = np.where(Z >= 0, dA, 0) if activation == "relu" else dA * (1 - np.tanh(Z / 2) ** 2) / 4
    m = A_prev.shape[1]
    return W.T.dot(dZ), dZ.dot(A_prev.T) / m, dZ.sum(axis=1, keepdims=True) / m


@linear_activation_backward.accept
def score_by_score(dA, cache, activation):
    linear_cache, Z = cache
    dZ = np.zeros(Z.shape)
    for index in np.ndindex(Z.shape):
        if activation == "sigmoid":
            dZ[index] = dA[index] * np.exp(-Z[index]) / (1 + np.exp(-Z[index])) ** 2
        elif Z[index] > 0:
            dZ[index] = dA[index]
    return linear_backward(dZ, linear_cache)


# --- L_model_backward ------------------------------------------------------------------------------------------------


def backward_cases(rng):
    cases = []
    for dims, m in NETS:
        AL, caches = L_model_forward(rng.normal(size=(dims[0], m)), draw_parameters(rng, dims))
        cases.append(case(AL=AL, Y=labels(rng, dims[-1], m), caches=caches))
    while True:  # two examples get exactly 1 as prediction, though not all units are on; one is right, one is wrong
        X, parameters = rng.normal(size=(4, 5)), draw_parameters(rng, (4, 3, 1))
        X[:, :2] *= 150
        AL, caches = L_model_forward(X, parameters)
        sure = AL[0] == 1
        if (
            sure.sum() == 2
            and np.all(np.abs(AL[0, 2:] - 0.5) < 0.45)
            and np.any(np.all(caches[0][1][:, sure] < 0, axis=1))
        ):
            break
    Y = np.array([[1.0, 0.0, 1.0, 0.0, 1.0]])
    return [*cases, case(AL=AL, Y=Y, caches=caches)]


@lesson.exercise(
    points=3,
    topic=13,
    equation="(5.28) to (5.34)",
    backward=True,
    cases=backward_cases,
    ask="Which dZ does the last layer start from, and which dA does layer l need before it can do its step? In which order must the layers come?",
    small={"AL": np.array([[0.5, 0.5]]), "Y": SMALL_Y, "caches": SMALL_CACHES},
    why={
        "question": "Why does the walk start with AL - Y, and not with dA of layer L times the slope of the logistic function?",
        "choices": {
            "where AL is rounded to 1, the two factors are infinity and 0, and their product is nan": "Yes. On paper the two are the same; in floating point only AL - Y is right everywhere.",
            "AL - Y is another gradient, which is steeper": "No: (5.16) shows that the two are equal on paper.",
            "it saves the labels": "No: both need Y. Try a prediction of exactly 1 with the label 0 in both.",
        },
    },
)
def L_model_backward(AL, Y, caches):
    """Send the gradient of the cross-entropy cost back through `L_model_forward`.

    Parameters
    ----------
    AL, Y : ndarray, shape (n[L], m)
    caches : list of tuple
        From `L_model_forward`.

    Returns
    -------
    grads : dict
        ``"dA0"`` to ``"dA{L-1}"``, of each example's loss; ``"dW1"``, ``"db1"`` to ``"dWL"``, ``"dbL"``, of the mean
        cost J.
    """
    grads, L = {}, len(caches)
    linear_cache, _ = caches[L - 1]
    grads[f"dA{L - 1}"], grads[f"dW{L}"], grads[f"db{L}"] = linear_backward(AL - Y, linear_cache)  # (5.34)
    for l in range(L - 1, 0, -1):
        grads[f"dA{l - 1}"], grads[f"dW{l}"], grads[f"db{l}"] = linear_activation_backward(
            grads[f"dA{l}"], caches[l - 1], "relu"
        )
    return grads


def backward_variant(AL, Y, caches, dZ=None, hidden="relu", layers=None, cache=None):
    """Return what `L_model_backward` returns, with some steps replaced."""
    grads, L = {}, len(caches)
    dZ = AL - Y if dZ is None else dZ
    dA, grads[f"dW{L}"], grads[f"db{L}"] = linear_backward(dZ, caches[L - 1][0])
    grads[f"dA{L - 1}"] = dA
    for l in range(L - 1, 0, -1) if layers is None else layers:
        used = caches[l - 1] if cache is None else caches[cache(l)]
        grads[f"dA{l - 1}"], grads[f"dW{l}"], grads[f"db{l}"] = linear_activation_backward(
            grads[f"dA{l}"], used, hidden
        )
    return grads


def through_the_loss(AL, Y, caches):
    """Return dAL and the score of the last layer."""
    return -(Y / AL) + (1 - Y) / (1 - AL), caches[-1][1]


@L_model_backward.mistake(
    "Where a prediction is exactly 1, dAL divides by 1 - AL = 0. Start with dZ = AL - Y instead (5.34)."
)
def division_by_zero(AL, Y, caches):
    dAL, Z = through_the_loss(AL, Y, caches)
    return backward_variant(AL, Y, caches, dZ=dAL * expit(Z) * (1 - expit(Z)))


@L_model_backward.mistake(
    "A prediction of exactly 1 makes dAL nan or infinite, because 1 - AL is 0 below its fraction. Start with dZ = AL - Y."
)
def division_by_zero_and_masks(AL, Y, caches):
    """Return what `division_by_zero` returns where masks set entries to 0 instead of multiplying nan by 0."""
    grads, L = {}, len(caches)
    dAL, Z = through_the_loss(AL, Y, caches)
    dZ = dAL * expit(Z) * (1 - expit(Z))
    for l in range(L, 0, -1):
        linear_cache = caches[l - 1][0]
        if l < L:
            dZ = np.where(caches[l - 1][1] > 0, grads[f"dA{l}"], 0)
        grads[f"dA{l - 1}"], grads[f"dW{l}"], grads[f"db{l}"] = linear_backward(dZ, linear_cache)
    return grads


@L_model_backward.mistake(
    "An example whose prediction is exactly 1 and wrong gets the gradient 0, so it would never be corrected: where AL is "
    "clipped, dAL is finite, and the slope of sigmoid is 0. Start with dZ = AL - Y (5.34)."
)
def through_dAL_with_clip(AL, Y, caches):
    dAL, Z = through_the_loss(np.clip(AL, 1e-15, 1 - 1e-15), Y, caches)
    return backward_variant(AL, Y, caches, dZ=dAL * expit(Z) * (1 - expit(Z)))


@L_model_backward.mistake("The sign is wrong: dZ of the last layer is AL - Y.")
def wrong_sign(AL, Y, caches):
    return backward_variant(AL, Y, caches, dZ=Y - AL)


@L_model_backward.mistake("1/m enters twice. It is in dW and db of linear_backward already: dZ = AL - Y has none.")
def divided_twice(AL, Y, caches):
    return backward_variant(AL, Y, caches, dZ=(AL - Y) / Y.shape[1])


@L_model_backward.mistake(
    "AL - Y is dZ of the last layer, not dA: the derivative of sigmoid is in it already. Do not multiply by it again."
)
def derivative_twice(AL, Y, caches):
    A = expit(caches[-1][1])
    return backward_variant(AL, Y, caches, dZ=(AL - Y) * A * (1 - A))


@L_model_backward.mistake("The output layer goes back through ReLU. Its activation function is sigmoid: dZ = AL - Y.")
def relu_at_the_output(AL, Y, caches):
    P = np.clip(AL, 1e-15, 1 - 1e-15)
    dAL, Z = through_the_loss(P, Y, caches)
    return backward_variant(AL, Y, caches, dZ=dAL * (Z > 0))


@L_model_backward.mistake("The hidden layers go back through sigmoid. They are ReLU layers.")
def sigmoid_in_hidden_layers(AL, Y, caches):
    return backward_variant(AL, Y, caches, hidden="sigmoid")


@L_model_backward.mistake("Only layers L and L - 1 are treated. Loop over all layers down to 1.")
def two_layers_back(AL, Y, caches):
    L = len(caches)
    return backward_variant(AL, Y, caches, layers=[L - 1][: L - 1])


@L_model_backward.mistake("Layer 1 is missing: the loop ends too early. range(L - 1, 0, -1) ends at 1.")
def first_layer_missing(AL, Y, caches):
    return backward_variant(AL, Y, caches, layers=range(len(caches) - 1, 1, -1))


@L_model_backward.mistake("The loop runs upwards. Layer l needs the dA that layer l + 1 made: go from L - 1 down to 1.")
def loop_upwards(AL, Y, caches):
    return backward_variant(AL, Y, caches, layers=range(1, len(caches)))


@L_model_backward.mistake("The cache is that of another layer. caches counts from 0, so layer l has caches[l - 1].")
def cache_of_the_next_layer(AL, Y, caches):
    return backward_variant(AL, Y, caches, cache=lambda l: l)


@L_model_backward.mistake(
    "Each hidden layer gets the same dA, that of the last one. Layer l gets grads[f'dA{l}'], which layer l + 1 made."
)
def dA_not_passed_on(AL, Y, caches):
    grads, L = {}, len(caches)
    dA, grads[f"dW{L}"], grads[f"db{L}"] = linear_backward(AL - Y, caches[L - 1][0])
    grads[f"dA{L - 1}"] = dA
    for l in range(L - 1, 0, -1):
        grads[f"dA{l - 1}"], grads[f"dW{l}"], grads[f"db{l}"] = linear_activation_backward(dA, caches[l - 1], "relu")
    return grads


@L_model_backward.mistake(
    "The dA are stored under a wrong index. What comes out of layer l belongs to layer l - 1: grads[f'dA{l - 1}']."
)
def dA_under_its_own_layer(AL, Y, caches):
    right = L_model_backward(AL, Y, caches)
    return {f"dA{int(name[2:]) + 1}" if name.startswith("dA") else name: value for name, value in right.items()}


@L_model_backward.mistake("dW and db are stored one layer too low. Layer l fills dW{l} and db{l}; there is no layer 0.")
def dW_one_layer_too_low(AL, Y, caches):
    right = L_model_backward(AL, Y, caches)
    return {name if name[1] == "A" else f"{name[:2]}{int(name[2:]) - 1}": value for name, value in right.items()}


@L_model_backward.mistake(
    "The first layer goes back through the slope of sigmoid. Only the last layer has sigmoid; all others have ReLU."
)
def sigmoid_in_the_first_layer(AL, Y, caches):
    grads = L_model_backward(AL, Y, caches)
    if len(caches) > 1:
        kept = linear_activation_backward(grads["dA1"], caches[0], "sigmoid")
        grads |= dict(zip(("dA0", "dW1", "db1"), kept, strict=True))
    return grads


@L_model_backward.accept
def backward_as_in_a_well_known_course(AL, Y, caches):
    grads = {}
    L = len(caches)
    Y = Y.reshape(AL.shape)
    grads["dA" + str(L - 1)], grads["dW" + str(L)], grads["db" + str(L)] = linear_backward(AL - Y, caches[L - 1][0])
    for l in reversed(range(L - 1)):
        dA_prev, dW, db = linear_activation_backward(grads["dA" + str(l + 1)], caches[l], "relu")
        grads["dA" + str(l)] = dA_prev
        grads["dW" + str(l + 1)] = dW
        grads["db" + str(l + 1)] = db
    return grads


@L_model_backward.accept(
    "One loop over all caches from the last to the first; the last layer differs only in where dZ comes from."
)
def in_one_loop_over_caches(AL, Y, caches):
    grads, dZ = {}, AL - Y
    for l, ((A_prev, W, _), _) in reversed(list(enumerate(caches, start=1))):
        if l < len(caches):
            dZ = np.where(caches[l - 1][1] > 0, grads[f"dA{l}"], 0)
        grads[f"dW{l}"] = np.einsum("ji,ki->jk", dZ, A_prev) / Y.shape[1]
        grads[f"db{l}"] = dZ.mean(axis=1, keepdims=True)
        grads[f"dA{l - 1}"] = W.T @ dZ
    return grads


@L_model_backward.accept
def from_the_last_score(AL, Y, caches):
    dA, grads = expit(caches[-1][1]) - Y, {}
    for l in range(len(caches), 0, -1):
        linear_cache, Z = caches[l - 1]
        dZ = dA * (Z > 0) if l < len(caches) else dA
        dA, grads[f"dW{l}"], grads[f"db{l}"] = linear_backward(dZ, linear_cache)
        grads[f"dA{l - 1}"] = dA
    return grads


# --- update_parameters -----------------------------------------------------------------------------------------------


def update_cases(rng):
    cases = []
    for (dims, m), learning_rate in zip(NETS, (0.3, 0.07, 0.6, 0.15), strict=True):
        parameters = draw_parameters(rng, dims)
        AL, caches = L_model_forward(rng.normal(size=(dims[0], m)), parameters)
        grads = L_model_backward(AL, labels(rng, dims[-1], m), caches)
        cases.append(case(parameters=parameters, grads=grads, learning_rate=learning_rate))
    return cases


@lesson.exercise(
    points=1,
    topic=13,
    equation="(5.35) and (5.36)",
    cases=update_cases,
    ask="Which two entries of grads belong to W2 and b2, and which entries are not needed at all?",
    small={"parameters": SMALL, "grads": SMALL_GRADS, "learning_rate": 0.1},
)
def update_parameters(parameters, grads, learning_rate):
    """Return the parameters after one step of gradient descent.

    Parameters
    ----------
    parameters : dict
        ``"W1"``, ``"b1"`` to ``"WL"``, ``"bL"``; it is not changed.
    grads : dict
        From `L_model_backward`.
    learning_rate : float

    Returns
    -------
    parameters : dict
        A new one, with new arrays.
    """
    new = {}
    for l in range(1, len(parameters) // 2 + 1):
        new[f"W{l}"] = parameters[f"W{l}"] - learning_rate * grads[f"dW{l}"]  # (5.35)
        new[f"b{l}"] = parameters[f"b{l}"] - learning_rate * grads[f"db{l}"]  # (5.36)
    return new


@update_parameters.mistake("The step goes uphill: subtract learning_rate times the gradient.")
def step_uphill(parameters, grads, learning_rate):
    return update_parameters(parameters, grads, -learning_rate)


@update_parameters.mistake("b never changes. Each step updates W and b.")
def only_weights_updated(parameters, grads, learning_rate):
    new = update_parameters(parameters, grads, learning_rate)
    return {name: new[name] if name[0] == "W" else value for name, value in parameters.items()}


@update_parameters.mistake("The last layer is not updated: range(1, L) ends at L - 1.")
def last_layer_kept(parameters, grads, learning_rate):
    L = len(parameters) // 2
    new = update_parameters(parameters, grads, learning_rate)
    return new | {f"W{L}": parameters[f"W{L}"], f"b{L}": parameters[f"b{L}"]}


@update_parameters.mistake("Only layer 1 and 2 are updated. Loop over all layers: L = len(parameters) // 2.")
def two_layers_updated(parameters, grads, learning_rate):
    new = update_parameters(parameters, grads, learning_rate)
    return {name: new[name] if name[1:] in ("1", "2") else value for name, value in parameters.items()}


@update_parameters.mistake(
    "A key does not exist. Each layer has a W and a b, so L = len(parameters) // 2, and layers count from 1."
)
def update_past_the_end(parameters, grads, learning_rate):
    return {f"W{l}": parameters[f"W{l}"] - learning_rate * grads[f"dW{l}"] for l in range(1, len(parameters) + 1)}


@update_parameters.mistake("The learning rate is not used: multiply the gradient by learning_rate.")
def step_without_rate(parameters, grads, learning_rate):
    return update_parameters(parameters, grads, 1.0)


@update_parameters.mistake('The gradients are named with a d: `grads["dW1"]`, not `grads["W1"]`.')
def gradients_named_like_parameters(parameters, grads, learning_rate):
    return {name: parameters[name] - learning_rate * grads[name] for name in parameters}


@update_parameters.mistake("The learning rate is fixed inside the function. Use the argument learning_rate.")
def step_with_fixed_rate(parameters, grads, learning_rate):
    return update_parameters(parameters, grads, 0.01)


@update_parameters.mistake(
    "The caller's parameters are changed. Fill a new dict, and write `W - ...`, not `-=`, which works in place."
)
def step_in_place(parameters, grads, learning_rate):
    for name in parameters:
        parameters[name] -= learning_rate * grads[f"d{name}"]
    return parameters


@update_parameters.mistake("The old parameters come back. Return the new ones.")
def old_parameters_returned(parameters, grads, learning_rate):
    return parameters


@update_parameters.mistake("The biases move along dW. Each parameter has its own gradient: b moves along db.")
def biases_along_dW(parameters, grads, learning_rate):
    new = update_parameters(parameters, grads, learning_rate)
    for l in range(1, len(parameters) // 2 + 1):
        new[f"b{l}"] = parameters[f"b{l}"] - learning_rate * np.sum(grads[f"dW{l}"], axis=1, keepdims=True)
    return new


@update_parameters.accept(
    'A loop over the names of the parameters: "W1" becomes "dW1", so the number of layers is not needed.'
)
def step_over_keys(parameters, grads, learning_rate):
    return {name: value - learning_rate * grads["d" + name] for name, value in parameters.items()}


@update_parameters.accept
def step_on_a_copy(parameters, grads, learning_rate):
    parameters = copy.deepcopy(parameters)
    L = len(parameters) // 2
    for l in range(L):
        parameters["W" + str(l + 1)] -= learning_rate * grads["dW" + str(l + 1)]
        parameters["b" + str(l + 1)] -= learning_rate * grads["db" + str(l + 1)]
    return parameters


@update_parameters.accept
def step_on_a_shallow_copy(parameters, grads, learning_rate):
    parameters = dict(parameters)
    for l in range(1, len(parameters) // 2 + 1):
        for name in ("W", "b"):
            parameters[f"{name}{l}"] = np.subtract(
                parameters[f"{name}{l}"], np.multiply(grads[f"d{name}{l}"], learning_rate)
            )
    return parameters


# --- L_layer_model ---------------------------------------------------------------------------------------------------


def deep_model_cases(rng):
    corners = np.array([[1, 1, -1, -1], [1, -1, 1, -1]])[:, rng.permutation(24) % 4]
    X = corners * rng.uniform(0.5, 1.5, size=(2, 24))  # four clouds; opposite ones have the same label
    hard = case(
        X=X, Y=(corners[:1] == corners[1:]) * 1.0, layers_dims=[2, 6, 4, 1], learning_rate=0.3, num_iterations=30,
        rng=generator(rng),
    )  # fmt: skip
    X = rng.normal(size=(3, 30))
    short = case(
        X=X, Y=(X[:1] + X[1:2] * X[2:] > 0) * 1.0, layers_dims=[3, 7, 1], learning_rate=0.05, num_iterations=12,
        rng=generator(rng),
    )  # fmt: skip
    return [hard, short]


@lesson.exercise(
    points=2,
    topic=13,
    equation="(5.35) and (5.36)",
    returns=("parameters", "costs"),
    cases=deep_model_cases,
    judge=draws(300, replay="relu", spread=False),
    ask="Which of the five calls belongs before the loop, and what must the last call in the loop give to the first call of the next turn?",
    small={
        "X": SMALL_X,
        "Y": SMALL_Y,
        "layers_dims": [2, 2, 1],
        "learning_rate": 0.1,
        "num_iterations": 2,
        "rng": np.random.default_rng(0),
    },
)
def L_layer_model(X, Y, layers_dims, learning_rate, num_iterations, rng):
    """Train a net by gradient descent.

    Parameters
    ----------
    X : ndarray, shape (n[0], m)
    Y : ndarray, shape (n[L], m)
    layers_dims : list of int
        Numbers of units n[0], n[1] to n[L].
    learning_rate : float
    num_iterations : int
    rng : Generator
        For the random start.

    Returns
    -------
    parameters : dict
        After the last step.
    costs : list of float
        The cost before each step; ``num_iterations`` numbers.
    """
    parameters = initialize_parameters_deep(layers_dims, rng)
    costs = []
    for _ in range(num_iterations):
        AL, caches = L_model_forward(X, parameters)
        costs += [compute_cost(AL, Y)]
        grads = L_model_backward(AL, Y, caches)
        parameters = update_parameters(parameters, grads, learning_rate)
    return parameters, costs


def train_from(parameters, X, Y, learning_rate, num_iterations):
    """Return what `L_layer_model` returns, from this start."""
    costs = []
    for _ in range(num_iterations):
        AL, caches = L_model_forward(X, parameters)
        costs.append(compute_cost(AL, Y))
        parameters = update_parameters(parameters, L_model_backward(AL, Y, caches), learning_rate)
    return parameters, costs


@L_layer_model.mistake("The walk starts at zero weights, where all units of a layer stay equal. Start at random ones.")
def started_at_zero(X, Y, layers_dims, learning_rate, num_iterations, rng):
    return train_from(initialize_variant(layers_dims, rng, weight=np.zeros), X, Y, learning_rate, num_iterations)


@L_layer_model.mistake("Your steps go uphill.")
def trained_uphill(X, Y, layers_dims, learning_rate, num_iterations, rng):
    return L_layer_model(X, Y, layers_dims, -learning_rate, num_iterations, rng)


@L_layer_model.mistake(
    "The parameters are those of the start. Initialise once, before the loop; in the loop, keep what comes back: "
    "`parameters = update_parameters(...)`."
)
def never_updated(X, Y, layers_dims, learning_rate, num_iterations, rng):
    parameters = initialize_parameters_deep(layers_dims, rng)
    return parameters, [compute_cost(L_model_forward(X, parameters)[0], Y)] * num_iterations


@L_layer_model.mistake("The learning rate is fixed inside the function, and too large. Use the argument learning_rate.")
def trained_with_a_fixed_rate(X, Y, layers_dims, learning_rate, num_iterations, rng):
    return L_layer_model(X, Y, layers_dims, 0.4, num_iterations, rng)


@L_layer_model.mistake("The number of steps is fixed inside the function. Use the argument num_iterations.")
def trained_for_fixed_steps(X, Y, layers_dims, learning_rate, num_iterations, rng):
    return L_layer_model(X, Y, layers_dims, learning_rate, 100, rng)


@L_layer_model.mistake("costs needs the cost of every step, num_iterations numbers.")
def every_tenth_cost(X, Y, layers_dims, learning_rate, num_iterations, rng):
    parameters, costs = L_layer_model(X, Y, layers_dims, learning_rate, num_iterations, rng)
    return parameters, costs[::10]


@L_layer_model.mistake("costs holds one number. Append the cost in each step.")
def last_cost_only(X, Y, layers_dims, learning_rate, num_iterations, rng):
    parameters, costs = L_layer_model(X, Y, layers_dims, learning_rate, num_iterations, rng)
    return parameters, costs[-1:]


@L_layer_model.mistake("Only the parameters come back. Return parameters and costs.")
def costs_not_returned(X, Y, layers_dims, learning_rate, num_iterations, rng):
    return L_layer_model(X, Y, layers_dims, learning_rate, num_iterations, rng)[0]


@L_layer_model.mistake("The results are the other way round: first parameters, then costs.")
def costs_first(X, Y, layers_dims, learning_rate, num_iterations, rng):
    return L_layer_model(X, Y, layers_dims, learning_rate, num_iterations, rng)[::-1]


@L_layer_model.mistake("Hidden layers are left out. Pass layers_dims on as it is.")
def hidden_layers_left_out(X, Y, layers_dims, learning_rate, num_iterations, rng):
    return L_layer_model(X, Y, [layers_dims[0], layers_dims[-1]], learning_rate, num_iterations, rng)


@L_layer_model.mistake(
    "The costs are those of the squares. The cost of this lesson is the cross-entropy, your `compute_cost`."
)
def costs_of_squares(X, Y, layers_dims, learning_rate, num_iterations, rng):
    parameters, costs = initialize_parameters_deep(layers_dims, rng), []
    for _ in range(num_iterations):
        AL, caches = L_model_forward(X, parameters)
        costs.append(float(np.mean((AL - Y) ** 2)))
        parameters = update_parameters(parameters, L_model_backward(AL, Y, caches), learning_rate)
    return parameters, costs


@L_layer_model.mistake("Each step begins with new random parameters. Draw them once, before the loop.")
def drawn_in_each_step(X, Y, layers_dims, learning_rate, num_iterations, rng):
    parameters, costs = initialize_parameters_deep(layers_dims, rng), []
    for step in range(num_iterations):
        parameters = initialize_parameters_deep(layers_dims, rng) if step else parameters
        AL, caches = L_model_forward(X, parameters)
        costs.append(compute_cost(AL, Y))
        parameters = update_parameters(parameters, L_model_backward(AL, Y, caches), learning_rate)
    return parameters, costs


@L_layer_model.mistake("The costs are those after the steps. Note the cost of the parameters with which a step begins.")
def costs_after_the_steps(X, Y, layers_dims, learning_rate, num_iterations, rng):
    parameters, costs = initialize_parameters_deep(layers_dims, rng), []
    for _ in range(num_iterations):
        AL, caches = L_model_forward(X, parameters)
        parameters = update_parameters(parameters, L_model_backward(AL, Y, caches), learning_rate)
        costs.append(compute_cost(L_model_forward(X, parameters)[0], Y))
    return parameters, costs


@L_layer_model.accept
def with_another_start(X, Y, layers_dims, learning_rate, num_iterations, rng):
    start = uniform_of_the_same_spread(layers_dims, rng)
    parameters, costs = train_from(start, X, Y, learning_rate, num_iterations)
    return [parameters | {"layers_dims": layers_dims}, np.array(costs)]


@L_layer_model.accept("`while` counts by the costs. Each step works on a deep copy, so no earlier parameters change.")
def with_while_and_copies(X, Y, layers_dims, learning_rate, num_iterations, rng):
    parameters, costs = initialize_parameters_deep(layers_dims, rng), []
    while len(costs) < num_iterations:
        AL, caches = L_model_forward(X, parameters)
        costs.append(np.squeeze(cost_with_xlogy(AL, Y)))
        grads = through_dAL_with_clip(AL, Y, caches)
        parameters = step_on_a_copy(parameters, grads, learning_rate)
    return parameters, costs
