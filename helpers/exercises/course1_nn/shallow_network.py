"""Lesson 1.4, a network with one hidden layer: the catalogue of its eight exercises. Equations are the notebook's."""

import copy

import numpy as np
from scipy.special import expit as sigmoid
from scipy.special import xlogy

from helpers.exercises import Lesson, case, draws

lesson = Lesson("shallow_network")

# --- predictions -----------------------------------------------------------------------------------------------------

lesson.predict(
    "alike",
    "All weights of a network with four hidden units start at 0.5. After 1000 steps, how many different rows has W1?",
    ("one", "two", "three", "four"),
    "Units that start alike get equal gradients in each step, so they stay alike.",
)
lesson.predict(
    "petals",
    "The flower has six petals, orange and blue in turn. How many hidden units does the network need to be right for "
    "more than 80 % of new points?",
    because="Each unit has one straight line where its score is 0, and three lines through the centre cut the plane into "
    "six sectors.",
)
lesson.predict(
    "tumours",
    "Ten splits of the tumours into training and test set. In how many of them is the network with four hidden units "
    "right more often on the test set than the straight line?",
    because="The two agree on nearly all tumours; on the few others, luck decides as much as the bend of the boundary.",
)


#: A network 2-2-1 with two examples, to follow by hand: the hidden activations are 0, 1/2 and 1/2, -1/2.
SMALL_Z = np.log(3) / 2
SMALL = {
    "W1": np.array([[1.0, 0.0], [-2.0, 1.0]]),
    "b1": np.zeros((2, 1)),
    "W2": np.array([[2.0, 4.0]]),
    "b2": np.array([[-1.0]]),
}
SMALL_X, SMALL_Y = np.array([[0.0, SMALL_Z], [SMALL_Z, SMALL_Z]]), np.array([[1, 0]])
SMALL_CACHE = {
    "Z1": np.array([[0.0, SMALL_Z], [SMALL_Z, -SMALL_Z]]),
    "A1": np.array([[0.0, 0.5], [0.5, -0.5]]),
    "Z2": np.array([[1.0, -2.0]]),
    "A2": 1 / (1 + np.exp(np.array([[-1.0, 2.0]]))),
}
SMALL_GRADS = {
    "dW1": np.array([[-3.2]]),
    "db1": np.array([[-1.6]]),
    "dW2": np.array([[-0.3]]),
    "db2": np.array([[-0.5]]),
}


def example_data(rng, n_x, n_y, m):
    """Return X (n_x, m) and Y (n_y, m), zeros and ones, both in each row where m > 1."""
    ones = np.arange(m) < (m + 1) // 2
    return rng.normal(size=(n_x, m)), np.array([rng.permutation(ones) for _ in range(n_y)]).astype(int)


def example_parameters(rng, n_x, n_h, n_y):
    """Return parameters that hide nothing: of moderate size, biases not zero."""
    return {
        "W1": rng.normal(size=(n_h, n_x)) * 0.6,
        "b1": rng.normal(size=(n_h, 1)) * 0.6,
        "W2": rng.normal(size=(n_y, n_h)) * 0.7,
        "b2": rng.uniform(0.3, 0.8, size=(n_y, 1)),
    }


# n_x, n_h, n_y, m: all different in each case, several outputs, one example.
SIZES = ((2, 4, 1, 5), (3, 5, 2, 7), (4, 2, 3, 1))


# --- layer_sizes -----------------------------------------------------------------------------------------------------


def layer_sizes_cases(rng):
    """Return drawn sizes: those of another seed answer nothing."""
    cases = []
    for m in (1, 11, 13):
        n_x, n_y = (int(n) for n in rng.permutation(np.arange(2, 10))[:2])
        X, Y = example_data(rng, n_x, n_y, m)
        cases.append(case(X=X, Y=Y))
    return cases


@lesson.exercise(
    points=1,
    topic=9,
    equation="(4.7)",
    returns=("n_x", "n_h", "n_y"),
    cases=layer_sizes_cases,
    ask="Which axis of X and Y counts the examples? Which axis is left for the features and the outputs?",
    small={"X": np.ones((3, 5)), "Y": np.ones((1, 5))},
)
def layer_sizes(X, Y):
    """Return the number of units in each layer.

    Parameters
    ----------
    X : ndarray, shape (n_x, m)
    Y : ndarray, shape (n_y, m)

    Returns
    -------
    n_x : int
    n_h : int
        4, the size that the lesson begins with.
    n_y : int
    """
    return X.shape[0], 4, Y.shape[0]


@layer_sizes.mistake(
    "This is m, the number of examples, twice. The features are the rows of X, the outputs the rows of Y."
)
def columns_counted(X, Y):
    return X.shape[1], 4, Y.shape[1]


@layer_sizes.mistake("The order is n_x, n_h, n_y: input, hidden, output.")
def other_order(X, Y):
    return X.shape[0], Y.shape[0], 4


@layer_sizes.mistake("`X.size` counts all numbers of X. You want its rows, `X.shape[0]`.")
def all_entries(X, Y):
    return X.size, 4, Y.size


@layer_sizes.mistake("These are the shapes. Take the number of rows of each: entry 0 of the shape.")
def shapes_returned(X, Y):
    return X.shape, 4, Y.shape


@layer_sizes.mistake("Two sizes come back. Return the hidden size, too, between them: n_x, n_h, n_y.")
def without_hidden_size(X, Y):
    return X.shape[0], Y.shape[0]


@layer_sizes.mistake("n_y is fixed. Take it from Y: a network may have several outputs.")
def one_output(X, Y):
    return X.shape[0], 4, 1


@layer_sizes.accept
def lengths(X, Y):
    return [len(X), np.int64(4), len(Y)]


@layer_sizes.accept(
    "Both shapes are taken apart at once; the number of examples gets the name `_`, because nobody needs it."
)
def unpacked(X, Y):
    (n_x, _), (n_y, _) = np.shape(X), np.shape(Y)
    return n_x, 4, n_y


# --- initialize_parameters -------------------------------------------------------------------------------------------


def initialize_cases(rng):
    return [
        case(n_x=n_x, n_h=n_h, n_y=n_y, rng=np.random.default_rng(int(rng.integers(2**32))))
        for n_x, n_h, n_y in ((2, 4, 1), (3, 2, 5))
    ]


@lesson.exercise(
    points=1,
    topic=9,
    equation="(4.11)",
    cases=initialize_cases,
    judge=draws(700),
    ask="W of a layer has one row per unit. How many units and how many inputs has layer 1, and how many has layer 2?",
    small={"n_x": 2, "n_h": 3, "n_y": 1, "rng": np.random.default_rng(0)},
)
def initialize_parameters(n_x, n_h, n_y, rng):
    """Return small random weights and zero biases.

    Parameters
    ----------
    n_x, n_h, n_y : int
    rng : numpy.random.Generator
        Where the weights come from: first W1, then W2.

    Returns
    -------
    parameters : dict
        ``"W1"`` (n_h, n_x), ``"b1"`` (n_h, 1), ``"W2"`` (n_y, n_h), ``"b2"`` (n_y, 1).
    """
    W1 = rng.standard_normal((n_h, n_x)) * 0.01  # (4.11)
    W2 = rng.standard_normal((n_y, n_h)) * 0.01
    return {"W1": W1, "b1": np.zeros((n_h, 1)), "W2": W2, "b2": np.zeros((n_y, 1))}


def initialized(n_x, n_h, n_y, W1, W2, b1=None, b2=None):
    """Return the dict; a mistake passes other arrays."""
    return {
        "W1": W1,
        "b1": np.zeros((n_h, 1)) if b1 is None else b1,
        "W2": W2,
        "b2": np.zeros((n_y, 1)) if b2 is None else b2,
    }


@initialize_parameters.mistake(
    "All weights are zero. Then all hidden units are equal and stay equal: draw them from rng."
)
def zero_weights(n_x, n_h, n_y, rng):
    return initialized(n_x, n_h, n_y, np.zeros((n_h, n_x)), np.zeros((n_y, n_h)))


@initialize_parameters.mistake("The factor 0.01 is missing: large scores saturate tanh.")
def without_factor(n_x, n_h, n_y, rng):
    return initialized(n_x, n_h, n_y, rng.standard_normal((n_h, n_x)), rng.standard_normal((n_y, n_h)))


@initialize_parameters.mistake("W2 lacks the factor 0.01.")
def second_without_factor(n_x, n_h, n_y, rng):
    return initialized(n_x, n_h, n_y, rng.standard_normal((n_h, n_x)) * 0.01, rng.standard_normal((n_y, n_h)))


@initialize_parameters.mistake("W1 and W2 are transposed. A row of W belongs to a unit of its layer: W1 is (n_h, n_x).")
def weights_transposed(n_x, n_h, n_y, rng):
    W1, W2 = rng.standard_normal((n_x, n_h)) * 0.01, rng.standard_normal((n_h, n_y)) * 0.01
    return initialized(n_x, n_h, n_y, W1, W2)


@initialize_parameters.mistake(
    "The biases are random. They start at zero: the random weights already make the units differ."
)
def random_biases(n_x, n_h, n_y, rng):
    W1, W2 = rng.standard_normal((n_h, n_x)) * 0.01, rng.standard_normal((n_y, n_h)) * 0.01
    b1, b2 = rng.standard_normal((n_h, 1)) * 0.01, rng.standard_normal((n_y, 1)) * 0.01
    return initialized(n_x, n_h, n_y, W1, W2, b1, b2)


@initialize_parameters.mistake("`np.zeros(n_h)` has one axis. A bias is a column, `np.zeros((n_h, 1))`.")
def biases_with_one_axis(n_x, n_h, n_y, rng):
    W1, W2 = rng.standard_normal((n_h, n_x)) * 0.01, rng.standard_normal((n_y, n_h)) * 0.01
    return initialized(n_x, n_h, n_y, W1, W2, np.zeros(n_h), np.zeros(n_y))


@initialize_parameters.mistake(
    "`rng.random` draws between 0 and 1, so no weight is negative. Use `rng.standard_normal`."
)
def never_negative(n_x, n_h, n_y, rng):
    return initialized(n_x, n_h, n_y, rng.random((n_h, n_x)) * 0.01, rng.random((n_y, n_h)) * 0.01)


@initialize_parameters.mistake(
    "You make a generator of your own. Draw from the argument rng, so that the caller decides."
)
def generator_of_its_own(n_x, n_h, n_y, rng):
    rng = np.random.default_rng(3)
    return initialize_parameters(n_x, n_h, n_y, rng)


@initialize_parameters.mistake(
    "`np.random.randn` draws from a generator that all code shares. Use `rng.standard_normal((rows, columns))`."
)
def shared_generator(n_x, n_h, n_y, rng):
    return initialized(n_x, n_h, n_y, np.random.randn(n_h, n_x) * 0.01, np.random.randn(n_y, n_h) * 0.01)


@initialize_parameters.mistake("`np.random.seed` makes every network start the same. Leave it out and draw from rng.")
def seed_inside(n_x, n_h, n_y, rng):
    np.random.seed(2)
    return shared_generator(n_x, n_h, n_y, rng)


@initialize_parameters.mistake("All rows of W1 are equal, so all hidden units are. Draw n_h times n_x numbers.")
def equal_rows(n_x, n_h, n_y, rng):
    W1 = np.tile(rng.standard_normal((1, n_x)), (n_h, 1)) * 0.01
    return initialized(n_x, n_h, n_y, W1, rng.standard_normal((n_y, n_h)) * 0.01)


@initialize_parameters.mistake(
    "`rng.standard_normal` takes the shape as one argument, a tuple: `rng.standard_normal((n_h, n_x))`."
)
def shape_in_two_arguments(n_x, n_h, n_y, rng):
    return initialized(n_x, n_h, n_y, rng.standard_normal(n_h, n_x) * 0.01, rng.standard_normal(n_y, n_h) * 0.01)


@initialize_parameters.mistake("`np.zeros` takes the shape as one argument, a tuple: `np.zeros((n_h, 1))`.")
def shape_of_biases_in_two_arguments(n_x, n_h, n_y, rng):
    W1, W2 = rng.standard_normal((n_h, n_x)) * 0.01, rng.standard_normal((n_y, n_h)) * 0.01
    return initialized(n_x, n_h, n_y, W1, W2, np.zeros(n_h, 1), np.zeros(n_y, 1))


@initialize_parameters.mistake(
    "W1 is transposed, and W2 is not. A row of W belongs to a unit of its layer: W1 is (n_h, n_x)."
)
def first_weights_transposed(n_x, n_h, n_y, rng):
    return initialized(n_x, n_h, n_y, rng.standard_normal((n_x, n_h)) * 0.01, rng.standard_normal((n_y, n_h)) * 0.01)


@initialize_parameters.mistake(
    "W2 is transposed, and W1 is not. A row of W belongs to a unit of its layer: W2 is (n_y, n_h)."
)
def second_weights_transposed(n_x, n_h, n_y, rng):
    return initialized(n_x, n_h, n_y, rng.standard_normal((n_h, n_x)) * 0.01, rng.standard_normal((n_h, n_y)) * 0.01)


@initialize_parameters.accept(
    "`rng.normal(scale=0.01)` gives the small spread at once. Layer 2 is drawn first: other numbers, equally good."
)
def second_layer_first(n_x, n_h, n_y, rng):
    W2 = rng.normal(scale=0.01, size=(n_y, n_h))
    return {"W2": W2, "W1": rng.normal(0, 0.01, (n_h, n_x)), "b2": np.array([[0]] * n_y), "b1": np.zeros((n_h, 1))}


@initialize_parameters.accept
def number_by_number(n_x, n_h, n_y, rng):
    W1 = np.array([[0.01 * rng.standard_normal() for _ in range(n_x)] for _ in range(n_h)])
    W2 = np.array([[rng.standard_normal() / 100 for _ in range(n_h)] for _ in range(n_y)])
    return {"W1": W1, "b1": np.zeros(shape=(n_h, 1)), "W2": W2, "b2": np.full((n_y, 1), 0.0)}


@initialize_parameters.accept("All numbers are drawn at once and cut into two matrices.")
def one_block_of_numbers(n_x, n_h, n_y, rng):
    numbers = rng.standard_normal(n_h * n_x + n_y * n_h) * 1e-2
    W1, W2 = numbers[: n_h * n_x].reshape(n_x, n_h).T, numbers[n_h * n_x :].reshape(n_y, n_h)
    return {"W1": W1, "b1": 0 * W1[:, :1], "W2": W2, "b2": np.zeros((n_y, 1), dtype=np.float32), "n_h": n_h}


# --- forward_propagation ---------------------------------------------------------------------------------------------


def forward_cases(rng):
    cases = []
    for n_x, n_h, n_y, m in SIZES:
        X, _ = example_data(rng, n_x, n_y, m)
        cases.append(case(X=X, parameters=example_parameters(rng, n_x, n_h, n_y)))
    return cases


@lesson.exercise(
    points=2,
    topic=9,
    equation="(4.7) to (4.10)",
    returns=("A2", "cache"),
    cases=forward_cases,
    ask="What is the input of layer 2: X, Z1 or A1? Which of the two activation functions belongs to which layer?",
    small={"X": SMALL_X, "parameters": SMALL},
)
def forward_propagation(X, parameters):
    """Return the output of the network for all examples.

    Parameters
    ----------
    X : ndarray, shape (n_x, m)
    parameters : dict
        ``"W1"``, ``"b1"``, ``"W2"``, ``"b2"``.

    Returns
    -------
    A2 : ndarray, shape (n_y, m)
        Probabilities.
    cache : dict
        ``"Z1"`` and ``"A1"``, shape (n_h, m); ``"Z2"`` and ``"A2"``, shape (n_y, m).
    """
    Z1 = parameters["W1"] @ X + parameters["b1"]  # (4.7)
    A1 = np.tanh(Z1)  # (4.8)
    Z2 = parameters["W2"] @ A1 + parameters["b2"]  # (4.9)
    A2 = sigmoid(Z2)  # (4.10)
    return A2, {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2}


def forward_variant(X, parameters, hidden=np.tanh, output=sigmoid, b1=1, b2=1, to_second="A1"):
    """Return what `forward_propagation` returns, with some steps replaced; a mistake replaces one."""
    cache = {"Z1": parameters["W1"] @ X + b1 * parameters["b1"]}
    cache["A1"] = hidden(cache["Z1"])
    cache["Z2"] = parameters["W2"] @ cache[to_second] + b2 * parameters["b2"]
    cache["A2"] = output(cache["Z2"])
    return cache["A2"], cache


@forward_propagation.mistake("The hidden layer has the activation tanh here, not the logistic function.")
def sigmoid_in_the_hidden_layer(X, parameters):
    return forward_variant(X, parameters, hidden=sigmoid)


@forward_propagation.mistake("The output layer has the logistic function, so that A2 is a probability. This is tanh.")
def tanh_at_the_output(X, parameters):
    return forward_variant(X, parameters, output=np.tanh)


@forward_propagation.mistake("The hidden layer has no activation: A1 is Z1. Then two layers are no more than one.")
def no_hidden_activation(X, parameters):
    return forward_variant(X, parameters, hidden=lambda Z: Z)


@forward_propagation.mistake(
    "A product does not fit. Rows of W meet columns: Z1 is `W1 @ X + b1`, without a transpose."
)
def W1_transposed(X, parameters):
    return forward_variant(X, parameters | {"W1": parameters["W1"].T})


@forward_propagation.mistake(
    "A product does not fit. Rows of W meet columns: Z2 is `W2 @ A1 + b2`, without a transpose."
)
def W2_transposed(X, parameters):
    return forward_variant(X, parameters | {"W2": parameters["W2"].T})


@forward_propagation.mistake("A2 is Z2: the logistic function is missing at the output.")
def no_output_activation(X, parameters):
    return forward_variant(X, parameters, output=lambda Z: Z)


@forward_propagation.mistake("The second layer takes A1, not Z1.")
def scores_to_the_second_layer(X, parameters):
    return forward_variant(X, parameters, to_second="Z1")


@forward_propagation.mistake("b1 is not in your Z1.")
def without_b1(X, parameters):
    return forward_variant(X, parameters, b1=0)


@forward_propagation.mistake("b2 is not in your Z2.")
def without_b2(X, parameters):
    return forward_variant(X, parameters, b2=0)


@forward_propagation.mistake("The hidden layer is ReLU. This lesson uses tanh.")
def relu_in_the_hidden_layer(X, parameters):
    return forward_variant(X, parameters, hidden=lambda Z: np.maximum(0, Z))


@forward_propagation.mistake("Only A2 comes back. The backward pass needs the cache: `return A2, cache`.")
def only_the_output(X, parameters):
    return forward_variant(X, parameters)[0]


@forward_propagation.accept("(4.1) and (4.2) as they stand, one unit and one example at a time.")
def unit_by_unit(X, parameters):
    W1, b1, W2, b2 = (parameters[name] for name in ("W1", "b1", "W2", "b2"))
    m = X.shape[1]
    Z1, Z2 = np.zeros((len(W1), m)), np.zeros((len(W2), m))
    for i in range(m):
        for k in range(len(W1)):
            Z1[k, i] = sum(W1[k, j] * X[j, i] for j in range(len(X))) + b1[k, 0]
        for k in range(len(W2)):
            Z2[k, i] = sum(W2[k, j] * np.tanh(Z1[j, i]) for j in range(len(W1))) + b2[k, 0]
    A2 = 1 / (1 + np.exp(-Z2))
    return A2, {"Z1": Z1, "A1": np.tanh(Z1), "Z2": Z2, "A2": A2}


@forward_propagation.accept
def with_dot_and_exponentials(X, parameters):
    Z1 = np.dot(parameters["W1"], X) + parameters["b1"]
    A1 = (np.exp(Z1) - np.exp(-Z1)) / (np.exp(Z1) + np.exp(-Z1))
    Z2 = np.dot(parameters["W2"], A1) + parameters["b2"]
    A2 = 0.5 * (1 + np.tanh(Z2 / 2))
    return [A2, {"A2": A2, "Z2": Z2, "A1": A1, "Z1": Z1, "X": X}]


@forward_propagation.accept
def forward_with_einsum(X, parameters):
    Z1 = np.einsum("hx,xm->hm", parameters["W1"], X) + parameters["b1"]
    A1 = 2 * sigmoid(2 * Z1) - 1
    Z2 = np.einsum("yh,hm->ym", parameters["W2"], A1) + parameters["b2"]
    return sigmoid(Z2), {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": sigmoid(Z2)}


# --- compute_cost ----------------------------------------------------------------------------------------------------


def cost_cases(rng):
    cases = []
    for n_x, n_h, n_y, m in SIZES:
        X, Y = example_data(rng, n_x, n_y, m)
        cases.append(case(A2=forward_propagation(X, example_parameters(rng, n_x, n_h, n_y))[0], Y=Y))
    return cases


@lesson.exercise(
    points=1,
    topic=9,
    equation="(4.13)",
    cases=cost_cases,
    ask="The losses of all outputs and examples are added up. By which number is the sum divided: by the number of entries or by the number of examples?",
    small={"A2": np.array([[0.8, 0.8]]), "Y": np.array([[1, 0]])},
)
def compute_cost(A2, Y):
    """Return the cross-entropy cost.

    Parameters
    ----------
    A2 : ndarray, shape (n_y, m)
        Probabilities, strictly between 0 and 1.
    Y : ndarray, shape (n_y, m)
        Labels 0 or 1.

    Returns
    -------
    J : float
        Mean over the examples of each example's loss, which adds up its outputs.
    """
    losses = -(Y * np.log(A2) + (1 - Y) * np.log(1 - A2))  # (4.12)
    return np.sum(losses) / Y.shape[1]  # (4.13)


@compute_cost.mistake("Only the term with y = 1 is there. What does the loss say when y = 0?")
def first_term_only(A2, Y):
    return -np.sum(Y * np.log(A2)) / Y.shape[1]


@compute_cost.mistake("The cost lacks the factor 1/m: it is a mean over the examples.")
def sum_of_losses(A2, Y):
    return Y.shape[1] * compute_cost(A2, Y)


@compute_cost.mistake("The mean over all entries divides by n_y, too. Add up the outputs and divide by m alone.")
def mean_over_all_entries(A2, Y):
    return compute_cost(A2, Y) / Y.shape[0]


@compute_cost.mistake("The minus sign is missing: a cost of probabilities is never negative.")
def without_minus(A2, Y):
    return -compute_cost(A2, Y)


@compute_cost.mistake("One loss per entry comes back. Add them up and divide by m.")
def losses_returned(A2, Y):
    return -(Y * np.log(A2) + (1 - Y) * np.log(1 - A2))


@compute_cost.mistake(
    "Each loss is divided by m, but they are not added up: the cost is one number, `np.sum(...) / m`."
)
def losses_divided_by_m(A2, Y):
    return losses_returned(A2, Y) / Y.shape[1]


@compute_cost.mistake("The weight of the second term is 1 - Y, with the labels, not 1 - A2.")
def prediction_for_label(A2, Y):
    return -np.sum(Y * np.log(A2) + (1 - A2) * np.log(1 - A2)) / Y.shape[1]


@compute_cost.mistake("This is the squared error. The cost of this lesson is the cross-entropy.")
def squared_error(A2, Y):
    return np.sum((A2 - Y) ** 2) / (2 * Y.shape[1])


@compute_cost.mistake(
    "A table of m by m numbers is summed: `np.dot(Y.T, ...)` pairs every label with every prediction. Multiply entry by entry."
)
def cost_of_a_table(A2, Y):
    return -np.sum(Y.T @ np.log(A2) + (1 - Y).T @ np.log(1 - A2)) / Y.shape[1]


@compute_cost.accept("One logarithm per label: that of the probability given to it.")
def cost_example_by_example(A2, Y):
    J, (n_y, m) = 0, Y.shape
    for i in range(m):
        for k in range(n_y):
            J -= np.log(A2[k, i]) if Y[k, i] == 1 else np.log(1 - A2[k, i])
    return J / m


@compute_cost.accept(
    "SciPy's `xlogy(y, a)` is y log a, and 0 where y is 0; the sum runs over the outputs, the mean over the examples."
)
def cost_with_xlogy(A2, Y):
    return np.mean(np.sum(-xlogy(Y, A2) - xlogy(1 - Y, 1 - A2), axis=0))


@compute_cost.accept
def cost_with_products(A2, Y):
    return np.array(-np.trace(Y @ np.log(A2).T + (1 - Y) @ np.log(1 - A2).T) / A2.shape[1])


# --- backward_propagation --------------------------------------------------------------------------------------------


def backward_cases(rng):
    cases = []
    for n_x, n_h, n_y, m in SIZES:
        X, Y = example_data(rng, n_x, n_y, m)
        parameters = example_parameters(rng, n_x, n_h, n_y)
        cases.append(case(parameters=parameters, cache=forward_propagation(X, parameters)[1], X=X, Y=Y))
    return cases


@lesson.exercise(
    points=3,
    topic=9,
    equation="(4.30) to (4.35)",
    backward=True,
    cases=backward_cases,
    ask="Which of the six arrays belong to single examples, and which to the mean? Where does the slope of tanh enter, and of which array is it made?",
    small={"parameters": SMALL, "cache": SMALL_CACHE, "X": SMALL_X, "Y": SMALL_Y},
    why={
        "question": "Why does the slope of tanh, 1 - A1², stand in dZ1 and not in dW2?",
        "choices": {
            "W2 acts behind tanh: on the way from the loss to W2 no tanh is passed": "Yes. The way to W1 and b1 goes through tanh, so its slope is a factor there.",
            "A1² is too small to matter in dW2": "No: it is not a matter of size. Follow the way from the loss to W2.",
            "tanh is used in layer 1 only to start": "No: it is used in each forward pass. Follow the way from the loss to W2.",
        },
    },
)
def backward_propagation(parameters, cache, X, Y):
    """Return the gradients of the cost.

    Parameters
    ----------
    parameters : dict
        ``"W1"``, ``"b1"``, ``"W2"``, ``"b2"``.
    cache : dict
        From `forward_propagation`.
    X : ndarray, shape (n_x, m)
    Y : ndarray, shape (n_y, m)

    Returns
    -------
    grads : dict
        ``"dW1"``, ``"db1"``, ``"dW2"``, ``"db2"``: of the mean cost J, in the shapes of the parameters.
    """
    m = X.shape[1]
    dZ2 = cache["A2"] - Y  # (4.30)
    dW2 = dZ2 @ cache["A1"].T / m  # (4.31)
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m  # (4.32)
    dZ1 = parameters["W2"].T @ dZ2 * (1 - cache["A1"] ** 2)  # (4.33)
    dW1 = dZ1 @ X.T / m  # (4.34)
    db1 = np.sum(dZ1, axis=1, keepdims=True) / m  # (4.35)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


def mean_columns(dZ):
    return np.mean(dZ, axis=1, keepdims=True)


def backward_variant(parameters, cache, X, Y, dZ2=None, slope=None, dA1=None, db=mean_columns, m=None, A0=None):
    """Return what `backward_propagation` returns, with some steps replaced; a mistake replaces one."""
    A1, A2, W2 = cache["A1"], cache["A2"], parameters["W2"]
    m = X.shape[1] if m is None else m
    dZ2 = A2 - Y if dZ2 is None else dZ2(A2)
    dA1 = W2.T @ dZ2 if dA1 is None else dA1(W2, dZ2)
    dZ1 = dA1 * (1 - A1**2 if slope is None else slope(A1))
    return {"dW1": dZ1 @ (X if A0 is None else A0).T / m, "db1": db(dZ1), "dW2": dZ2 @ A1.T / m, "db2": db(dZ2)}


@backward_propagation.mistake("The slope of tanh is 1 - A1**2. You square the bracket: (1 - A1)**2.")
def bracket_squared(parameters, cache, X, Y):
    return backward_variant(parameters, cache, X, Y, slope=lambda A1: (1 - A1) ** 2)


@backward_propagation.mistake(
    "A1 * (1 - A1) is the slope of the logistic function. The hidden layer is tanh: 1 - A1**2."
)
def slope_of_the_logistic_function(parameters, cache, X, Y):
    return backward_variant(parameters, cache, X, Y, slope=lambda A1: A1 * (1 - A1))


@backward_propagation.mistake("The square is missing in the slope of tanh: 1 - A1**2.")
def slope_without_square(parameters, cache, X, Y):
    return backward_variant(parameters, cache, X, Y, slope=lambda A1: 1 - A1)


@backward_propagation.mistake("dZ1 lacks the slope of tanh, 1 - A1**2: W2.T @ dZ2 is dA1.")
def without_slope(parameters, cache, X, Y):
    return backward_variant(parameters, cache, X, Y, slope=lambda A1: 1)


@backward_propagation.mistake("The slope of tanh in terms of its value is 1 - A1**2. You square Z1.")
def slope_of_the_score(parameters, cache, X, Y):
    return backward_variant(parameters, cache, X, Y, slope=lambda A1: 1 - cache["Z1"] ** 2)


@backward_propagation.mistake("dZ2 is A2 - Y, not Y - A2: your gradients point downhill.")
def dz_with_wrong_sign(parameters, cache, X, Y):
    return backward_variant(parameters, cache, X, Y, dZ2=lambda A2: Y - A2)


@backward_propagation.mistake(
    "This dZ2 belongs to the squared error. With the cross-entropy the factor A2 (1 - A2) cancels: dZ2 = A2 - Y."
)
def dz_of_squared_error(parameters, cache, X, Y):
    return backward_variant(parameters, cache, X, Y, dZ2=lambda A2: (A2 - Y) * A2 * (1 - A2))


@backward_propagation.mistake(
    "The factor 1/m enters twice, in dZ2 and again in the gradients. dZ2 is A2 - Y, without it."
)
def divided_twice(parameters, cache, X, Y):
    return backward_variant(parameters, cache, X, Y, dZ2=lambda A2: (A2 - Y) / X.shape[1])


@backward_propagation.mistake("The factor 1/m is missing in all four gradients: the cost is a mean over the examples.")
def without_mean(parameters, cache, X, Y):
    return backward_variant(parameters, cache, X, Y, m=1, db=lambda dZ: np.sum(dZ, axis=1, keepdims=True))


@backward_propagation.mistake("db1 and db2 lack the factor 1/m.")
def biases_without_mean(parameters, cache, X, Y):
    return backward_variant(parameters, cache, X, Y, db=lambda dZ: np.sum(dZ, axis=1, keepdims=True))


@backward_propagation.mistake(
    "db is summed over everything. Each unit has its own bias: sum over the examples, `axis=1, keepdims=True`."
)
def biases_without_axis(parameters, cache, X, Y):
    return backward_variant(parameters, cache, X, Y, db=lambda dZ: np.sum(dZ) / X.shape[1])


@backward_propagation.mistake("db has one axis only. Keep the column: `np.sum(dZ, axis=1, keepdims=True)`.")
def biases_without_keepdims(parameters, cache, X, Y):
    return backward_variant(parameters, cache, X, Y, db=lambda dZ: np.sum(dZ, axis=1) / X.shape[1])


@backward_propagation.mistake(
    "The slope of tanh is 1 - A1². You take the tanh of A1 once more: A1 holds tanh(Z1) already."
)
def tanh_of_the_activation(parameters, cache, X, Y):
    return backward_variant(parameters, cache, X, Y, slope=lambda A1: 1 - np.tanh(A1) ** 2)


@backward_propagation.mistake("db1 is four times too large: its factor is 1/m, like that of the others.")
def db1_times_four(parameters, cache, X, Y):
    grads = backward_variant(parameters, cache, X, Y)
    return grads | {"db1": 4 * grads["db1"]}


@backward_propagation.mistake("db sums over the units, axis 0. Sum over the examples, axis 1.")
def biases_over_the_units(parameters, cache, X, Y):
    return backward_variant(parameters, cache, X, Y, db=lambda dZ: np.sum(dZ, axis=0, keepdims=True) / X.shape[1])


@backward_propagation.mistake("A product does not fit. dZ1 is made with `W2.T @ dZ2`, and dW2 is `dZ2 @ A1.T`.")
def W2_not_transposed(parameters, cache, X, Y):
    return backward_variant(parameters, cache, X, Y, dA1=lambda W2, dZ2: W2 @ dZ2)


@backward_propagation.mistake(
    "`W2.T * dZ2` is right for one output only, by luck. W2.T @ dZ2 adds up the paths over all outputs."
)
def entrywise_product(parameters, cache, X, Y):
    return backward_variant(parameters, cache, X, Y, dA1=lambda W2, dZ2: W2.T * dZ2)


@backward_propagation.mistake("dW1 takes the input of the first layer, X, not A1.")
def hidden_activations_for_input(parameters, cache, X, Y):
    return backward_variant(parameters, cache, X, Y, A0=cache["A1"])


@backward_propagation.mistake("dW1 and dW2 are transposed. They have the shapes of W1 and W2: dZ @ A.T.")
def weights_gradient_transposed(parameters, cache, X, Y):
    grads = backward_variant(parameters, cache, X, Y)
    return grads | {"dW1": grads["dW1"].T, "dW2": grads["dW2"].T}


@backward_propagation.mistake(
    "The slope of the hidden layer is taken from A2. tanh gave A1, so its slope is 1 - A1**2."
)
def slope_from_the_output(parameters, cache, X, Y):
    m, dZ2 = X.shape[1], cache["A2"] - Y
    dZ1 = parameters["W2"].T @ dZ2 * (1 - cache["A2"] ** 2)
    grads = backward_propagation(parameters, cache, X, Y)
    return grads | {"dW1": dZ1 @ X.T / m, "db1": np.sum(dZ1, axis=1, keepdims=True) / m}


@backward_propagation.mistake(
    "The gradients of the biases are added over the units, too. Each unit has its own: sum over the examples, axis=1."
)
def bias_gradients_over_all(parameters, cache, X, Y):
    m, dZ2 = X.shape[1], cache["A2"] - Y
    dZ1 = parameters["W2"].T @ dZ2 * (1 - cache["A1"] ** 2)
    sums = {"db1": np.full((len(dZ1), 1), np.sum(dZ1) / m), "db2": np.full((len(dZ2), 1), np.sum(dZ2) / m)}
    return backward_propagation(parameters, cache, X, Y) | sums


@backward_propagation.accept(
    "The slope is computed anew from the scores Z1 instead of from A1: the same numbers, one more tanh."
)
def slope_from_the_score(parameters, cache, X, Y):
    return backward_variant(parameters, cache, X, Y, slope=lambda A1: 1 - np.tanh(cache["Z1"]) ** 2)


@backward_propagation.accept
def through_the_output(parameters, cache, X, Y):
    A1, A2 = cache["A1"], cache["A2"]
    dA2 = -(Y / A2 - (1 - Y) / (1 - A2)) / X.shape[1]
    dZ2 = dA2 * A2 * (1 - A2)
    dZ1 = np.multiply(np.dot(parameters["W2"].T, dZ2), 1 - np.power(A1, 2))
    ones = np.ones((X.shape[1], 1))
    return {"dW2": np.dot(dZ2, A1.T), "db2": dZ2 @ ones, "dW1": np.dot(dZ1, X.T), "db1": dZ1 @ ones, "dZ1": dZ1}


@backward_propagation.accept("The gradients of one example after the other, added up and divided by m at the end.")
def backward_example_by_example(parameters, cache, X, Y):
    grads = {f"d{name}": np.zeros(np.shape(value)) for name, value in parameters.items()}
    m = X.shape[1]
    for i in range(m):
        x, a1 = X[:, i : i + 1], cache["A1"][:, i : i + 1]
        dz2 = cache["A2"][:, i : i + 1] - Y[:, i : i + 1]
        dz1 = parameters["W2"].T.dot(dz2) / np.cosh(cache["Z1"][:, i : i + 1]) ** 2
        for name, step in (("dW1", dz1 @ x.T), ("db1", dz1), ("dW2", dz2 @ a1.T), ("db2", dz2)):
            grads[name] += step / m
    return grads


@backward_propagation.accept
def backward_with_einsum(parameters, cache, X, Y):
    dZ2 = (sigmoid(cache["Z2"]) - Y) / len(X.T)
    dZ1 = np.einsum("yh,ym,hm->hm", parameters["W2"], dZ2, (1 - cache["A1"]) * (1 + cache["A1"]))
    return {
        "dW1": np.einsum("hm,xm->hx", dZ1, X),
        "db1": np.einsum("hm->h", dZ1)[:, None],
        "dW2": np.einsum("ym,hm->yh", dZ2, cache["A1"]),
        "db2": np.einsum("ym->y", dZ2).reshape(-1, 1),
    }


# --- update_parameters -----------------------------------------------------------------------------------------------


def update_cases(rng):
    cases = []
    for (n_x, n_h, n_y, m), rate in zip(SIZES, (0.7, 2.3, 0.04), strict=True):
        X, Y = example_data(rng, n_x, n_y, m)
        parameters = example_parameters(rng, n_x, n_h, n_y)
        grads = backward_propagation(parameters, forward_propagation(X, parameters)[1], X, Y)
        cases.append(case(parameters=parameters, grads=grads, learning_rate=rate))
    return cases


@lesson.exercise(
    points=1,
    topic=9,
    equation="(4.36) and (4.37)",
    cases=update_cases,
    ask="Each parameter has a gradient with a d in front of its name. Uphill or downhill: plus or minus?",
    small={
        "parameters": {
            "W1": np.array([[0.5]]),
            "b1": np.zeros((1, 1)),
            "W2": np.array([[5.0]]),
            "b2": np.array([[-3.0]]),
        },
        "grads": SMALL_GRADS,
        "learning_rate": 0.1,
    },
)
def update_parameters(parameters, grads, learning_rate):
    """Return the parameters after one step of gradient descent.

    Parameters
    ----------
    parameters : dict
        ``"W1"``, ``"b1"``, ``"W2"``, ``"b2"``.
    grads : dict
        ``"dW1"``, ``"db1"``, ``"dW2"``, ``"db2"``.
    learning_rate : float

    Returns
    -------
    parameters : dict
        New arrays; those of the caller are as before.
    """
    return {name: parameters[name] - learning_rate * grads["d" + name] for name in parameters}  # (4.36) and (4.37)


@update_parameters.mistake("Your step goes uphill: subtract learning_rate times the gradient.")
def uphill(parameters, grads, learning_rate):
    return update_parameters(parameters, grads, -learning_rate)


@update_parameters.mistake("learning_rate is not used: multiply each gradient by it.")
def rate_forgotten(parameters, grads, learning_rate):
    return update_parameters(parameters, grads, 1.0)


@update_parameters.mistake('The gradients are named with a d: `grads["dW1"]`, not `grads["W1"]`.')
def gradients_named_like_parameters(parameters, grads, learning_rate):
    return {name: parameters[name] - learning_rate * grads[name] for name in parameters}


@update_parameters.mistake("The learning rate is fixed at 1.2 inside the function. Use the argument.")
def rate_fixed(parameters, grads, learning_rate):
    return update_parameters(parameters, grads, 1.2)


@update_parameters.mistake("The biases never change. All four parameters take a step.")
def biases_left(parameters, grads, learning_rate):
    new = update_parameters(parameters, grads, learning_rate)
    return {"W1": new["W1"], "b1": parameters["b1"], "W2": new["W2"], "b2": parameters["b2"]}


@update_parameters.mistake("Only the second layer changes. All four parameters take a step.")
def first_layer_left(parameters, grads, learning_rate):
    new = update_parameters(parameters, grads, learning_rate)
    return {"W1": parameters["W1"], "b1": parameters["b1"], "W2": new["W2"], "b2": new["b2"]}


@update_parameters.mistake("The steps come back, not the parameters: return W1 - learning_rate * dW1, and so on.")
def steps_returned(parameters, grads, learning_rate):
    return {name: learning_rate * grads["d" + name] for name in parameters}


@update_parameters.mistake(
    "You change what the caller passed in. Make new arrays, `W1 = W1 - ...`, and put them into a dict of your own."
)
def changed_in_place(parameters, grads, learning_rate):
    for name in parameters:
        parameters[name] -= learning_rate * grads["d" + name]
    return parameters


@update_parameters.accept
def one_by_one(parameters, grads, learning_rate):
    W1 = parameters["W1"] - learning_rate * grads["dW1"]
    b1 = parameters["b1"] - learning_rate * grads["db1"]
    W2 = parameters["W2"] - learning_rate * grads["dW2"]
    b2 = parameters["b2"] - learning_rate * grads["db2"]
    return {"b2": b2, "W2": W2, "b1": b1, "W1": W1}


@update_parameters.accept("A deep copy first; then `-=` changes the copy's arrays and not the caller's.")
def on_a_copy(parameters, grads, learning_rate):
    parameters = copy.deepcopy(parameters)
    for layer in range(1, len(parameters) // 2 + 1):
        parameters[f"W{layer}"] -= learning_rate * grads[f"dW{layer}"]
        parameters[f"b{layer}"] -= learning_rate * grads[f"db{layer}"]
    return parameters


# --- nn_model --------------------------------------------------------------------------------------------------------


def stripe(rng, m):
    """Return X (2, m) and Y (1, m): label 1 in a stripe, label 0 beyond a gap on both sides: no line separates them.

    Three quarters of label 0 lie on one side, so that gradient descent leaves its slow start soon.
    """
    inside = rng.permutation(np.arange(m) < 0.4 * m)
    side = np.where(rng.permutation(np.arange(m)) % 4 == 0, -1, 1)
    along = rng.uniform(-2, 2, m)
    across = np.where(inside, rng.uniform(-0.6, 0.6, m), side * rng.uniform(1.2, 2, m))
    angle = rng.uniform(0, np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return turn @ np.array([along, across]), inside[None, :].astype(int)


def model_cases(rng):
    cases = []
    for m, n_h, num_iterations, learning_rate in ((48, 6, 30, 3.0), (40, 3, 20, 0.05), (44, 5, 6, 2.0)):
        X, Y = stripe(rng, m)
        generator = np.random.default_rng(int(rng.integers(2**32)))
        cases.append(case(X=X, Y=Y, n_h=n_h, num_iterations=num_iterations, learning_rate=learning_rate, rng=generator))
    return cases


@lesson.exercise(
    points=2,
    topic=9,
    equation="(4.36) and (4.37)",
    cases=model_cases,
    judge=draws(300, replay="tanh"),
    ask="Which call happens once, and which three happen in every step? What must be kept from the last of the three?",
    small={
        "X": SMALL_X,
        "Y": SMALL_Y,
        "n_h": 2,
        "num_iterations": 2,
        "learning_rate": 0.5,
        "rng": np.random.default_rng(0),
    },
)
def nn_model(X, Y, n_h, num_iterations, learning_rate, rng):
    """Train a network with one hidden layer.

    Parameters
    ----------
    X : ndarray, shape (n_x, m)
    Y : ndarray, shape (n_y, m)
    n_h : int
        Number of hidden units.
    num_iterations : int
        Number of steps.
    learning_rate : float
    rng : numpy.random.Generator
        Where the first weights come from.

    Returns
    -------
    parameters : dict
        ``"W1"``, ``"b1"``, ``"W2"``, ``"b2"`` after the last step.
    """
    parameters = initialize_parameters(X.shape[0], n_h, Y.shape[0], rng)
    for _ in range(num_iterations):
        _, cache = forward_propagation(X, parameters)
        grads = backward_propagation(parameters, cache, X, Y)
        parameters = {name: parameters[name] - learning_rate * grads["d" + name] for name in parameters}
    return parameters


@nn_model.mistake("All weights start at zero, so only b2 can learn. Call initialize_parameters.")
def zeros_at_the_start(X, Y, n_h, num_iterations, learning_rate, rng):
    start = {name: 0 * value for name, value in initialize_parameters(len(X), n_h, len(Y), rng).items()}
    return trained(X, Y, start, num_iterations, learning_rate)


def trained(X, Y, parameters, num_iterations, learning_rate):
    """Return the parameters after gradient descent from given ones."""
    for _ in range(num_iterations):
        grads = backward_propagation(parameters, forward_propagation(X, parameters)[1], X, Y)
        parameters = update_parameters(parameters, grads, learning_rate)
    return parameters


@nn_model.mistake("The first parameters come back. Does the loop keep what update_parameters returns?")
def never_updated(X, Y, n_h, num_iterations, learning_rate, rng):
    return initialize_parameters(len(X), n_h, len(Y), rng)


@nn_model.mistake("The cost rises: the steps go uphill.")
def model_uphill(X, Y, n_h, num_iterations, learning_rate, rng):
    start = initialize_parameters(len(X), n_h, len(Y), rng)
    return trained(X, Y, start, num_iterations, -learning_rate)


@nn_model.mistake("The number of steps is fixed. Use the argument num_iterations.")
def steps_fixed(X, Y, n_h, num_iterations, learning_rate, rng):
    return nn_model(X, Y, n_h, 500, learning_rate, rng)


@nn_model.mistake("The learning rate is fixed. Use the argument learning_rate.")
def model_rate_fixed(X, Y, n_h, num_iterations, learning_rate, rng):
    return nn_model(X, Y, n_h, num_iterations, 1.2, rng)


@nn_model.mistake("The hidden size is fixed at 4. Use the argument n_h, not the one from layer_sizes.")
def hidden_size_fixed(X, Y, n_h, num_iterations, learning_rate, rng):
    return nn_model(X, Y, 4, num_iterations, learning_rate, rng)


@nn_model.mistake("The weights are drawn anew in each step. Call initialize_parameters once, before the loop.")
def started_again_in_each_step(X, Y, n_h, num_iterations, learning_rate, rng):
    for _ in range(num_iterations):
        parameters = nn_model(X, Y, n_h, 1, learning_rate, rng)
    return parameters


@nn_model.mistake("A pair comes back. Return the dict of parameters alone.")
def costs_returned(X, Y, n_h, num_iterations, learning_rate, rng):
    return nn_model(X, Y, n_h, num_iterations, learning_rate, rng), []


@nn_model.mistake("The loop makes one step too few. `range(num_iterations)` makes num_iterations steps.")
def one_step_too_few(X, Y, n_h, num_iterations, learning_rate, rng):
    return nn_model(X, Y, n_h, max(num_iterations - 1, 0), learning_rate, rng)


@nn_model.mistake(
    "The forward pass is made once, before the loop. Each step needs the activations of its own parameters."
)
def forward_once(X, Y, n_h, num_iterations, learning_rate, rng):
    parameters = initialize_parameters(X.shape[0], n_h, Y.shape[0], rng)
    _, cache = forward_propagation(X, parameters)
    for _ in range(num_iterations):
        grads = backward_propagation(parameters, cache, X, Y)
        parameters = {name: parameters[name] - learning_rate * grads["d" + name] for name in parameters}
    return parameters


@nn_model.mistake("The biases never move. A step changes W1, b1, W2 and b2.")
def weights_alone_trained(X, Y, n_h, num_iterations, learning_rate, rng):
    parameters = initialize_parameters(X.shape[0], n_h, Y.shape[0], rng)
    for _ in range(num_iterations):
        grads = backward_propagation(parameters, forward_propagation(X, parameters)[1], X, Y)
        parameters |= {name: parameters[name] - learning_rate * grads["d" + name] for name in ("W1", "W2")}
    return parameters


@nn_model.accept
def from_other_weights(X, Y, n_h, num_iterations, learning_rate, rng):
    start = second_layer_first(len(X), n_h, len(Y), rng)
    return trained(X, Y, start, num_iterations, learning_rate)


@nn_model.accept("`while` counts by the costs that are noted on the way; the costs themselves are not returned.")
def with_while(X, Y, n_h, num_iterations, learning_rate, rng):
    P = number_by_number(len(X), n_h, len(Y), rng)
    costs = []
    while len(costs) < num_iterations:
        A2, cache = forward_with_einsum(X, P)
        costs.append(compute_cost(A2, Y))
        grads = backward_with_einsum(P, cache, X, Y)
        P = {"W1": P["W1"] - learning_rate * grads["dW1"], "b1": P["b1"] - learning_rate * grads["db1"],
             "W2": P["W2"] - learning_rate * grads["dW2"], "b2": P["b2"] - learning_rate * grads["db2"]}  # fmt: skip
    return P


# --- predict ---------------------------------------------------------------------------------------------------------


def predict_cases(rng):
    """Return cases in which no score is so near to 0 that rounding decides a label; all outputs have both labels."""
    cases = []
    for n_x, n_h, n_y, m in SIZES:
        parameters, X = example_parameters(rng, n_x, n_h, n_y), rng.normal(size=(n_x, max(m, 4)))
        scores = forward_propagation(X, parameters)[1]["Z2"] - parameters["b2"]
        ordered = np.sort(scores, axis=1)
        middle = np.argmax(np.diff(ordered, axis=1), axis=1)[:, None]  # the widest gap between neighbours
        gap = np.take_along_axis(ordered, np.hstack([middle, middle + 1]), axis=1)
        cases.append(case(parameters=parameters | {"b2": -gap.mean(axis=1, keepdims=True)}, X=X))
    # All scores near 0; those of the second output are exactly 0, and 1/2 is not above 1/2.
    parameters = example_parameters(rng, 2, 3, 2)
    W2 = parameters["W2"] / np.sum(np.abs(parameters["W2"]), axis=1, keepdims=True) * [[0.1], [0]]
    X = np.stack([np.linspace(-3, 3, 8), rng.normal(size=8)])
    scores = W2 @ np.tanh(parameters["W1"] @ X + parameters["b1"])
    ordered = np.sort(scores[0])
    b2 = np.array([[-ordered[3:5].mean()], [0.0]])
    return [*cases, case(parameters=parameters | {"W2": W2, "b2": b2}, X=X)]


@lesson.exercise(
    points=1,
    topic=9,
    equation="(4.38)",
    cases=predict_cases,
    ask="Which part of what `forward_propagation` returns is the probability, and with which number is it compared?",
    small={"parameters": SMALL, "X": SMALL_X},
)
def predict(parameters, X):
    """Return the predicted labels.

    Parameters
    ----------
    parameters : dict
        ``"W1"``, ``"b1"``, ``"W2"``, ``"b2"``.
    X : ndarray, shape (n_x, m)

    Returns
    -------
    predictions : ndarray, shape (n_y, m)
        1 where the probability is above 1/2, else 0.
    """
    A2, _ = forward_propagation(X, parameters)
    return (A2 > 0.5).astype(int)  # (4.38)


@predict.mistake("These are probabilities. Compare them with 1/2 and return 0 or 1.")
def probabilities(parameters, X):
    return forward_propagation(X, parameters)[0]


@predict.mistake("A probability is always above 0. The threshold is 1/2.")
def threshold_zero(parameters, X):
    return (forward_propagation(X, parameters)[0] > 0).astype(int)


@predict.mistake("1 stands for a probability above 1/2. You have it the other way round.")
def labels_swapped(parameters, X):
    return (forward_propagation(X, parameters)[0] < 0.5).astype(int)


@predict.mistake("The predictions have one axis only. Keep the shape of A2, (n_y, m).")
def predictions_in_one_axis(parameters, X):
    return (forward_propagation(X, parameters)[0] > 0.5).astype(int).ravel()


@predict.mistake(
    "forward_propagation returns two values, A2 and the cache. Unpack them: `A2, _ = forward_propagation(...)`."
)
def pair_not_unpacked(parameters, X):
    return forward_propagation(X, parameters) > 0.5


@predict.mistake("A probability of exactly 1/2 is not above 1/2, so its label is 0: `>`, not `>=`.")
def half_taken_for_one(parameters, X):
    return (forward_propagation(X, parameters)[0] >= 0.5).astype(int)


@predict.mistake("Your threshold is below 1/2: some labels are 1 where the probability is between it and 1/2.")
def threshold_too_low(parameters, X):
    return (forward_propagation(X, parameters)[0] > 0.45).astype(int)


@predict.mistake("Your threshold is above 1/2: some labels are 0 where the probability is between 1/2 and it.")
def threshold_too_high(parameters, X):
    return (forward_propagation(X, parameters)[0] > 0.55).astype(int)


@predict.mistake("`int` takes one number. `.astype(int)` converts an array.")
def int_of_an_array(parameters, X):
    return int(forward_propagation(X, parameters)[0] > 0.5)


@predict.accept
def truth_values(parameters, X):
    return forward_propagation(X, parameters)[0] > 0.5


@predict.accept
def rounded(parameters, X):
    return np.round(forward_with_einsum(X, parameters)[0])


@predict.accept("σ(z) is above 1/2 exactly where z is above 0, so the scores are enough.")
def from_the_scores(parameters, X):
    return np.where(unit_by_unit(X, parameters)[1]["Z2"] > 0, 1, 0)
