"""Lesson 2.2, initialisation: the catalogue of its five exercises. Equations are those of the notebook."""

from itertools import pairwise

import numpy as np
from scipy.special import expit

from helpers.exercises import Lesson, case, draws

lesson = Lesson("initialization")

# --- predictions -----------------------------------------------------------------------------------------------------

lesson.predict(
    "equal",
    "A network has hidden layers of 6 and 4 tanh units, and all its weights start at 0.1. After 300 steps, how many of the "
    "6 rows of W1 are different?",
    ("one: all rows are equal", "some, but not all six", "all six"),
    "Equal units get equal gradients, so they take the same step and are equal again, whatever the data.",
)
lesson.predict(
    "root_two",
    "20 hidden ReLU layers, 100 steps, guessing costs 0.69. Does the cost fall below 0.6 with Xavier's weights, in any of "
    "five draws?",
    ("yes", "no, in none of the five"),
    "Each layer halves the mean square, forwards and backwards: after 20 layers a thousandth of the gradient is left.",
)
lesson.predict(
    "depth",
    "20 hidden layers or one, ReLU, each from He starts and stopped on the dev digits. Which is right on more test digits?",
    ("the deep one", "the one hidden layer", "the difference is within two standard errors"),
    "A start of the right size makes a deep network trainable. For this question and 500 digits, depth has no use.",
)


def parameters_from(layers_dims, weight, bias=lambda n: np.zeros((n, 1))):
    """Return parameters whose arrays are ``weight(n, n_prev)`` and ``bias(n)``: what the mistakes differ in."""
    parameters = {}
    for l, (n_prev, n) in enumerate(pairwise(layers_dims), start=1):
        parameters |= {f"W{l}": weight(n, n_prev), f"b{l}": bias(n)}
    return parameters


def flat(n):
    return np.zeros(n)


def generator(rng):
    return np.random.default_rng(int(rng.integers(2**32)))


# --- initialize_parameters_zeros -------------------------------------------------------------------------------------


def zeros_cases(rng):
    """Return drawn sizes, all different within a net but the last: those of another seed answer nothing."""
    drawn = [[int(n) for n in 2 + rng.permutation(7)[:count]] for count in (2, 3, 4)]
    return [case(layers_dims=sizes) for sizes in (*drawn, [int(rng.integers(2, 9))] * 4)]


@lesson.exercise(
    points=1,
    topic=25,
    equation="(2.4)",
    cases=zeros_cases,
    ask="layers_dims has L + 1 numbers. How many matrices are there, and which two of the numbers give the shape of W1?",
    small={"layers_dims": [3, 2, 1]},
)
def initialize_parameters_zeros(layers_dims):
    """Return weights and biases that are all zero.

    Parameters
    ----------
    layers_dims : list of int
        Numbers of units n[0], n[1] to n[L].

    Returns
    -------
    parameters : dict
        ``"W1"``, zeros of shape (n[1], n[0]); ``"b1"``, zeros of shape (n[1], 1); and so on to layer L.
    """
    parameters = {}
    for l in range(1, len(layers_dims)):
        parameters[f"W{l}"] = np.zeros((layers_dims[l], layers_dims[l - 1]))  # (2.4)
        parameters[f"b{l}"] = np.zeros((layers_dims[l], 1))
    return parameters


def zero_weight(n, n_prev):
    return np.zeros((n, n_prev))


@initialize_parameters_zeros.mistake("W is transposed. A row belongs to a unit of its layer: W[l] is (n[l], n[l-1]).")
def zeros_transposed(layers_dims):
    return parameters_from(layers_dims, lambda n, n_prev: np.zeros((n_prev, n)))


@initialize_parameters_zeros.mistake("`np.zeros(n)` has one axis. A bias is a column: `np.zeros((n, 1))`.")
def zeros_with_flat_biases(layers_dims):
    return parameters_from(layers_dims, zero_weight, flat)


@initialize_parameters_zeros.mistake("There is a bias for each input. A bias belongs to a unit: b[l] is (n[l], 1).")
def zeros_with_a_bias_for_each_input(layers_dims):
    parameters = parameters_from(layers_dims, zero_weight)
    return parameters | {f"b{l}": np.zeros((n, 1)) for l, n in enumerate(layers_dims[:-1], start=1)}


@initialize_parameters_zeros.mistake("The last layer is missing. The layers run from 1 to L = len(layers_dims) - 1.")
def zeros_without_last_layer(layers_dims):
    return parameters_from(layers_dims[:-1], zero_weight)


@initialize_parameters_zeros.mistake("The names count from 0. The first layer with weights is layer 1: W1 and b1.")
def zeros_named_from_zero(layers_dims):
    parameters = parameters_from(layers_dims, zero_weight)
    return {f"{name[0]}{int(name[1:]) - 1}": array for name, array in parameters.items()}


@initialize_parameters_zeros.mistake("These are ones. This start is all zeros: `np.zeros`.")
def ones_for_zeros(layers_dims):
    return parameters_from(layers_dims, lambda n, n_prev: np.ones((n, n_prev)), lambda n: np.ones((n, 1)))


@initialize_parameters_zeros.mistake("The biases are missing: each layer has W[l] and b[l].")
def zeros_without_biases(layers_dims):
    return {name: W for name, W in parameters_from(layers_dims, zero_weight).items() if name[0] == "W"}


@initialize_parameters_zeros.mistake("`np.zeros` takes the shape as one argument, a tuple: `np.zeros((n, n_prev))`.")
def zeros_with_a_shape_in_two_arguments(layers_dims):
    return parameters_from(layers_dims, lambda n, n_prev: np.zeros(n, n_prev))


@initialize_parameters_zeros.accept
def zeros_from_pairs(layers_dims):
    parameters = {"L": len(layers_dims) - 1}
    for l, (n_prev, n) in enumerate(pairwise(layers_dims), start=1):
        parameters.update({f"b{l}": np.full((n, 1), 0), f"W{l}": np.array([[0.0] * n_prev] * n)})
    return parameters


@initialize_parameters_zeros.accept(
    "First all matrices, then all biases: two dicts joined by `|`. The order does not matter."
)
def zeros_by_layer_numbers(layers_dims, rng=None):
    layers = range(1, len(layers_dims))
    W = {"W" + str(l): np.zeros(shape=(layers_dims[l], layers_dims[l - 1])) for l in layers}
    return W | {"b" + str(l): np.zeros(shape=(layers_dims[l], 1)) for l in layers}


# --- initialize_parameters_random ------------------------------------------------------------------------------------


def random_cases(rng):
    return [
        case(layers_dims=[3, 5, 2], rng=generator(rng), scale=0.01),
        case(layers_dims=[5, 4], rng=generator(rng), scale=round(float(rng.uniform(2, 4)), 2)),
    ]


@lesson.exercise(
    points=1,
    topic=25,
    equation="(2.7)",
    cases=random_cases,
    judge=draws(300, spread=False),
    ask="A draw of standard deviation 1 is multiplied by a number. Which standard deviation does the product have?",
    small={"layers_dims": [2, 3, 1], "rng": np.random.default_rng(0), "scale": 0.5},
)
def initialize_parameters_random(layers_dims, rng, scale):
    """Return random weights of one standard deviation for all layers, and zero biases.

    Parameters
    ----------
    layers_dims : list of int
        Numbers of units n[0], n[1] to n[L].
    rng : Generator
        All random numbers are drawn from it.
    scale : float
        Standard deviation of the weights.

    Returns
    -------
    parameters : dict
        ``"W1"``, ndarray of shape (n[1], n[0]), ``"b1"``, zeros of shape (n[1], 1), and so on to layer L.
    """
    parameters = {}
    for l in range(1, len(layers_dims)):
        n, n_prev = layers_dims[l], layers_dims[l - 1]
        parameters[f"W{l}"] = rng.standard_normal((n, n_prev)) * scale  # (2.7)
        parameters[f"b{l}"] = np.zeros((n, 1))
    return parameters


@initialize_parameters_random.mistake("The argument scale is not used: multiply the weights by it.")
def scale_not_used(layers_dims, rng, scale):
    return parameters_from(layers_dims, lambda n, n_prev: rng.standard_normal((n, n_prev)))


@initialize_parameters_random.mistake("The factor is 0.01 whatever the caller says. Multiply by the argument scale.")
def scale_fixed(layers_dims, rng, scale):
    return parameters_from(layers_dims, lambda n, n_prev: rng.standard_normal((n, n_prev)) * 0.01)


@initialize_parameters_random.mistake("scale is the standard deviation itself. Do not take its square root.")
def root_of_scale(layers_dims, rng, scale):
    return parameters_from(layers_dims, lambda n, n_prev: rng.standard_normal((n, n_prev)) * np.sqrt(scale))


@initialize_parameters_random.mistake("scale is the standard deviation, not its square: multiply by scale once.")
def square_of_scale(layers_dims, rng, scale):
    return parameters_from(layers_dims, lambda n, n_prev: rng.normal(0, scale**2, (n, n_prev)))


@initialize_parameters_random.mistake("Here all layers have one standard deviation, scale: no root of n[l-1] yet.")
def scale_over_the_root(layers_dims, rng, scale):
    return parameters_from(layers_dims, lambda n, n_prev: rng.standard_normal((n, n_prev)) * scale / np.sqrt(n_prev))


@initialize_parameters_random.mistake(
    "scale is added. Multiply by it: adding moves the mean and leaves the spread at 1."
)
def scale_added(layers_dims, rng, scale):
    return parameters_from(layers_dims, lambda n, n_prev: rng.standard_normal((n, n_prev)) + scale)


@initialize_parameters_random.mistake(
    "`rng.uniform(-scale, scale)` has a standard deviation of scale / sqrt(3) only. Use `rng.standard_normal`."
)
def uniform_up_to_scale(layers_dims, rng, scale):
    return parameters_from(layers_dims, lambda n, n_prev: rng.uniform(-scale, scale, (n, n_prev)))


@initialize_parameters_random.mistake("Only the first layer is multiplied by scale. Do it in each turn of the loop.")
def first_layer_scaled(layers_dims, rng, scale):
    parameters = parameters_from(layers_dims, lambda n, n_prev: rng.standard_normal((n, n_prev)))
    return parameters | {"W1": parameters["W1"] * scale}


@initialize_parameters_random.mistake("The weights are multiplied by the number 10. The factor is the argument scale.")
def scale_fixed_at_ten(layers_dims, rng, scale):
    return initialize_parameters_random(layers_dims, rng, 10)


# --- initialize_parameters_he ----------------------------------------------------------------------------------------


def scaled_cases(rng):
    return [case(layers_dims=layers_dims, rng=generator(rng)) for layers_dims in ([3, 5, 2], [5, 4])]


@lesson.exercise(
    points=2,
    topic=25,
    equation="(2.21)",
    cases=scaled_cases,
    judge=draws(300, spread=False),
    ask="(2.21) names a variance and a standard deviation. With which of them is a standard normal draw multiplied, and is n the "
    "number of inputs of the layer or of its units?",
    small={"layers_dims": [2, 3, 1], "rng": np.random.default_rng(0)},
    why={
        "question": "Why does the number of inputs stand under the root, and not the number of units?",
        "where": "sqrt(2",
        "choices": {
            "a score adds up one product per input": "Yes: n products of variance Var(w) E[a²] each, by (2.14).",
            "there are always more inputs than units": "No: the formula holds for any sizes. What does one score add up?",
            "the rows of W belong to the inputs": "No: rows belong to units. A row has one weight per input.",
        },
    },
)
def initialize_parameters_he(layers_dims, rng):
    """Return random weights that keep the size of activations under ReLU, and zero biases.

    Parameters
    ----------
    layers_dims : list of int
        Numbers of units n[0], n[1] to n[L].
    rng : Generator
        All random numbers are drawn from it.

    Returns
    -------
    parameters : dict
        ``"W1"``, ndarray of shape (n[1], n[0]), with mean 0 and standard deviation sqrt(2 / n[0]); ``"b1"``, zeros of
        shape (n[1], 1); and so on to layer L.
    """
    parameters = {}
    for l in range(1, len(layers_dims)):
        n, n_prev = layers_dims[l], layers_dims[l - 1]
        parameters[f"W{l}"] = rng.standard_normal((n, n_prev)) * np.sqrt(2 / n_prev)  # (2.21)
        parameters[f"b{l}"] = np.zeros((n, 1))
    return parameters


@initialize_parameters_he.mistake(
    "The biases are random. Random weights are enough to tell the units apart: biases start at 0."
)
def he_random_biases(layers_dims, rng):
    parameters = initialize_parameters_he(layers_dims, rng)
    return {name: p if name[0] == "W" else 0.01 * rng.standard_normal(p.shape) for name, p in parameters.items()}


# --- initialize_parameters_xavier ------------------------------------------------------------------------------------


@lesson.exercise(
    points=2,
    topic=25,
    equation="(2.30)",
    cases=scaled_cases,
    judge=draws(300, spread=False),
    ask="Which two sizes does (2.30) add, and does the root cover the 2 as well?",
    small={"layers_dims": [2, 3, 1], "rng": np.random.default_rng(0)},
)
def initialize_parameters_xavier(layers_dims, rng):
    """Return random weights that are a compromise for both directions under tanh, and zero biases.

    Parameters
    ----------
    layers_dims : list of int
        Numbers of units n[0], n[1] to n[L].
    rng : Generator
        All random numbers are drawn from it.

    Returns
    -------
    parameters : dict
        ``"W1"``, ndarray of shape (n[1], n[0]), with mean 0 and standard deviation sqrt(2 / (n[0] + n[1])); ``"b1"``,
        zeros of shape (n[1], 1); and so on to layer L.
    """
    parameters = {}
    for l in range(1, len(layers_dims)):
        n, n_prev = layers_dims[l], layers_dims[l - 1]
        parameters[f"W{l}"] = rng.standard_normal((n, n_prev)) * np.sqrt(2 / (n_prev + n))  # (2.30)
        parameters[f"b{l}"] = np.zeros((n, 1))
    return parameters


# --- all three random starts: `spread` says what is right where ------------------------------------------------------


def spread_of_random(scale):
    return lambda n, n_prev: scale


def spread_of_he(n, n_prev):
    return np.sqrt(2 / n_prev)


def spread_of_xavier(n, n_prev):
    return np.sqrt(2 / (n + n_prev))


def normal(rng, spread):
    return lambda n, n_prev: rng.standard_normal((n, n_prev)) * spread(n, n_prev)


def each_random_start(register):
    """Call ``register(exercise, answer)`` for each; ``answer(make)`` adapts ``make(layers_dims, rng, spread)``."""
    for exercise, right in (
        (initialize_parameters_random, spread_of_random),
        (initialize_parameters_he, lambda: spread_of_he),
        (initialize_parameters_xavier, lambda: spread_of_xavier),
    ):

        def answer(make, right=right):
            def adapted(layers_dims, rng, *scale):
                return make(layers_dims, rng, right(*scale))

            adapted.__name__ = make.__name__
            return adapted

        register(exercise, answer)


def shared_mistake(hint):
    def decorate(make):
        each_random_start(lambda exercise, answer: exercise.mistake(hint)(answer(make)))
        return make

    return decorate


def shared_accept(make):
    each_random_start(lambda exercise, answer: exercise.accept(answer(make)))
    return make


@shared_mistake("All weights are 0. Then the units of a layer never become different: draw the weights from rng.")
def weights_of_zero(layers_dims, rng, spread):
    return parameters_from(layers_dims, zero_weight)


@shared_mistake("W is transposed. A row belongs to a unit of its layer: W[l] is (n[l], n[l-1]).")
def weights_transposed(layers_dims, rng, spread):
    return parameters_from(layers_dims, lambda n, n_prev: normal(rng, spread)(n, n_prev).T)


@shared_mistake("The biases are random. They start at 0: the random weights already make the units differ.")
def biases_random(layers_dims, rng, spread):
    return parameters_from(layers_dims, normal(rng, spread), lambda n: rng.standard_normal((n, 1)) * spread(n, n))


@shared_mistake("`rng.standard_normal` takes the shape as one argument, a tuple: `rng.standard_normal((n, n_prev))`.")
def shape_in_two_arguments(layers_dims, rng, spread):
    return parameters_from(layers_dims, lambda n, n_prev: rng.standard_normal(n, n_prev) * spread(n, n_prev))


@shared_mistake("`np.zeros` takes the shape as one argument, a tuple: `np.zeros((n, 1))`.")
def shape_of_biases_in_two_arguments(layers_dims, rng, spread):
    return parameters_from(layers_dims, normal(rng, spread), lambda n: np.zeros(n, 1))


@shared_mistake("`np.zeros(n)` has one axis. A bias is a column: `np.zeros((n, 1))`.")
def biases_flat(layers_dims, rng, spread):
    return parameters_from(layers_dims, normal(rng, spread), flat)


@shared_mistake("`rng.random` draws between 0 and 1, so no weight is negative. Use `rng.standard_normal`.")
def weights_never_negative(layers_dims, rng, spread):
    return parameters_from(layers_dims, lambda n, n_prev: rng.random((n, n_prev)) * spread(n, n_prev))


@shared_mistake("The last layer is missing. The layers run from 1 to L = len(layers_dims) - 1.")
def without_last_layer(layers_dims, rng, spread):
    return parameters_from(layers_dims[:-1], normal(rng, spread))


@shared_mistake("You make a generator of your own. Draw from the argument rng, so that the caller decides.")
def generator_of_its_own(layers_dims, rng, spread):
    return parameters_from(layers_dims, normal(np.random.default_rng(3), spread))


@shared_mistake("`np.random.randn` draws from a generator that all code shares. Use `rng.standard_normal`.")
def shared_generator(layers_dims, rng, spread):
    return parameters_from(layers_dims, lambda n, n_prev: np.random.randn(n, n_prev) * spread(n, n_prev))


@shared_mistake("All units of a layer have the same row of weights. Draw each entry: shape (n[l], n[l-1]).")
def equal_rows(layers_dims, rng, spread):
    return parameters_from(layers_dims, lambda n, n_prev: np.repeat(normal(rng, spread)(1, n_prev), n, axis=0) * 1.0)


@shared_accept
def with_rng_normal(layers_dims, rng, spread):
    parameters = {}
    for l in range(1, len(layers_dims)):
        shape = (layers_dims[l], layers_dims[l - 1])
        parameters["W" + str(l)] = rng.normal(0, spread(*shape), shape)
        parameters["b" + str(l)] = np.zeros((layers_dims[l], 1))
    return parameters


@shared_accept
def uniform_of_the_same_spread(layers_dims, rng, spread):
    def weight(n, n_prev):
        limit = 3**0.5 * spread(n, n_prev)
        return rng.uniform(-limit, limit, size=(n, n_prev))

    return parameters_from(layers_dims, weight, lambda n: np.zeros((n, 1), dtype=int))


@shared_accept
def entry_by_entry_from_the_last_layer(layers_dims, rng, spread):
    parameters = {}
    for l in range(len(layers_dims) - 1, 0, -1):
        n, n_prev = layers_dims[l], layers_dims[l - 1]
        W = np.empty((n, n_prev))
        for j in range(n):
            for k in range(n_prev):
                W[j, k] = spread(n, n_prev) * rng.standard_normal()
        parameters |= {f"W{l}": W, f"b{l}": np.array([[0.0]] * n)}
    return parameters


def other_spread(exercise, hint, name, spread):
    """Register the mistake that draws with another standard deviation, ``spread(n, n_prev)``."""

    def make(layers_dims, rng):
        return parameters_from(layers_dims, normal(rng, spread))

    make.__name__ = name
    exercise.mistake(hint)(make)


other_spread(
    initialize_parameters_he,
    "This divides by n[l], the units of the layer itself (fan-out). Take n[l-1], the number of inputs (fan-in).",
    "he_with_fan_out",
    lambda n, n_prev: np.sqrt(2 / n),
)
other_spread(
    initialize_parameters_he,
    "2 / n[l-1] is the variance. Multiply by the standard deviation, its square root.",
    "he_without_root",
    lambda n, n_prev: 2 / n_prev,
)
other_spread(
    initialize_parameters_he,
    "The root is taken of the 2 alone. n[l-1] stands under the root, too: np.sqrt(2 / n_prev).",
    "he_root_of_two_alone",
    lambda n, n_prev: np.sqrt(2) / n_prev,
)
other_spread(
    initialize_parameters_he,
    "The 2 stands outside the root. It belongs under it: np.sqrt(2 / n_prev).",
    "he_two_outside_the_root",
    lambda n, n_prev: 2 / np.sqrt(n_prev),
)
other_spread(
    initialize_parameters_he,
    "The factor 2 is missing. ReLU keeps half of the mean square, and the 2 makes up for it.",
    "he_without_two",
    lambda n, n_prev: np.sqrt(1 / n_prev),
)
other_spread(
    initialize_parameters_he,
    "This is the compromise for tanh, with n[l-1] + n[l]. For ReLU take 2 / n[l-1] under the root.",
    "xavier_for_he",
    spread_of_xavier,
)
other_spread(
    initialize_parameters_he,
    "The weights are not scaled: their standard deviation is 1.",
    "he_not_scaled",
    lambda n, n_prev: 1.0,
)
other_spread(
    initialize_parameters_he,
    "The weights are multiplied by 0.01, whatever the number of inputs. Multiply by sqrt(2 / n[l-1]).",
    "a_hundredth_for_he",
    lambda n, n_prev: 0.01,
)
other_spread(
    initialize_parameters_xavier,
    "This is 1 / n[l-1] under the root: right for the forward direction alone. The compromise is 2 / (n[l-1] + n[l]).",
    "xavier_forward_only",
    lambda n, n_prev: np.sqrt(1 / n_prev),
)
other_spread(
    initialize_parameters_xavier,
    "This is 1 / n[l] under the root: right for the backward direction alone. The compromise is 2 / (n[l-1] + n[l]).",
    "xavier_with_fan_out",
    lambda n, n_prev: np.sqrt(1 / n),
)
other_spread(
    initialize_parameters_xavier,
    "2 / (n[l-1] + n[l]) is the variance. Multiply by the standard deviation, its square root.",
    "xavier_without_root",
    lambda n, n_prev: 2 / (n + n_prev),
)
other_spread(
    initialize_parameters_xavier,
    "The 2 is missing: 1 / (n[l-1] + n[l]) is half of what it should be. The mean of two sizes is their sum over 2.",
    "xavier_without_two",
    lambda n, n_prev: np.sqrt(1 / (n + n_prev)),
)
other_spread(
    initialize_parameters_xavier,
    "sqrt(6 / (n[l-1] + n[l])) is the *limit* of a uniform distribution. The standard deviation has a 2 in its place.",
    "xavier_limit_for_spread",
    lambda n, n_prev: np.sqrt(6 / (n + n_prev)),
)
other_spread(
    initialize_parameters_xavier,
    "This is sqrt(2 / n[l-1]), the start for ReLU. For tanh take both sizes: 2 / (n[l-1] + n[l]) under the root.",
    "he_for_xavier",
    spread_of_he,
)
other_spread(
    initialize_parameters_xavier,
    "The parentheses are missing: 2 / n_prev + n adds n to the fraction. Write 2 / (n_prev + n).",
    "xavier_without_parentheses",
    lambda n, n_prev: np.sqrt(2 / n_prev + n),
)
other_spread(
    initialize_parameters_xavier,
    "The 2 stands outside the root. It belongs under it: np.sqrt(2 / (n_prev + n)).",
    "xavier_two_outside_the_root",
    lambda n, n_prev: 2 / np.sqrt(n + n_prev),
)
other_spread(
    initialize_parameters_xavier,
    "The weights are not scaled: their standard deviation is 1.",
    "xavier_not_scaled",
    lambda n, n_prev: 1.0,
)


@initialize_parameters_he.mistake("n[0] is used in all layers. Each layer has its own number of inputs, n[l-1].")
def he_with_the_features(layers_dims, rng):
    return parameters_from(layers_dims, normal(rng, lambda n, n_prev: np.sqrt(2 / layers_dims[0])))


@initialize_parameters_he.mistake(
    "Numbers from -s to s have the standard deviation s / sqrt(3). Use `rng.standard_normal`, or s = sqrt(6 / n[l-1])."
)
def he_uniform_up_to_spread(layers_dims, rng):
    return parameters_from(layers_dims, lambda n, n_prev: rng.uniform(-1, 1, (n, n_prev)) * np.sqrt(2 / n_prev))


@initialize_parameters_xavier.mistake(
    "Numbers from -s to s have the standard deviation s / sqrt(3). Use `rng.standard_normal`, or "
    "s = sqrt(6 / (n[l-1] + n[l]))."
)
def xavier_uniform_up_to_spread(layers_dims, rng):
    return parameters_from(layers_dims, lambda n, n_prev: rng.uniform(-1, 1, (n, n_prev)) * spread_of_xavier(n, n_prev))


@initialize_parameters_random.accept(
    "`rng.normal` takes mean, standard deviation and shape: nothing is left to multiply."
)
def random_with_mean_and_spread(layers_dims, rng, scale):
    parameters = {}
    for l in range(1, len(layers_dims)):
        parameters[f"W{l}"] = rng.normal(0, scale, (layers_dims[l], layers_dims[l - 1]))
        parameters[f"b{l}"] = np.zeros((layers_dims[l], 1))
    return parameters


@initialize_parameters_he.accept(
    "A uniform distribution from -u to u has the variance u² / 3; u = sqrt(6 / n_prev) gives (2.21)."
)
def he_uniform(layers_dims, rng):
    parameters = {}
    for l in range(1, len(layers_dims)):
        n, n_prev = layers_dims[l], layers_dims[l - 1]
        u = np.sqrt(6 / n_prev)
        parameters[f"W{l}"] = rng.uniform(-u, u, (n, n_prev))
        parameters[f"b{l}"] = np.zeros((n, 1))
    return parameters


@initialize_parameters_xavier.accept(
    "The uniform form of Glorot and Bengio, which libraries use: limit sqrt(6 / (n_prev + n))."
)
def xavier_uniform(layers_dims, rng):
    parameters = {}
    for l in range(1, len(layers_dims)):
        n, n_prev = layers_dims[l], layers_dims[l - 1]
        limit = np.sqrt(6 / (n_prev + n))
        parameters[f"W{l}"] = rng.uniform(-limit, limit, (n, n_prev))
        parameters[f"b{l}"] = np.zeros((n, 1))
    return parameters


@initialize_parameters_he.mistake("All weights are 0: `2 // n_prev` rounds the quotient down to 0. Write `2 / n_prev`.")
def he_with_whole_division(layers_dims, rng):
    return parameters_from(layers_dims, normal(rng, lambda n, n_prev: np.sqrt(2 // n_prev)))


# --- activation_scales -----------------------------------------------------------------------------------------------


def scales_cases(rng):
    def one(layers_dims, m, activation, size=0.8):
        parameters = parameters_from(
            layers_dims,
            lambda n, n_prev: rng.normal(size=(n, n_prev)) * size,
            lambda n: rng.normal(size=(n, 1)) * 0.5 + 0.2,
        )
        return case(X=rng.normal(size=(layers_dims[0], m)) + 0.3, parameters=parameters, activation=activation)

    return [
        one([3, 6], 5, "tanh"),
        one([4, 7, 5], 6, "relu"),
        one([2, 6, 5, 8], 3, "tanh"),
        one([5, 9, 6, 7, 8], 4, "relu"),
        one([4, 5, 6], 1, "relu"),
        one([3, 7, 4], 2, "tanh", size=1000.0),
    ]


def forward(X, parameters, activation):
    """Yield the scores and the activations of each layer."""
    A = X
    for l in range(1, len(parameters) // 2 + 1):
        Z = parameters[f"W{l}"] @ A + parameters[f"b{l}"]
        A = np.tanh(Z) if activation == "tanh" else np.maximum(0, Z)
        yield Z, A


@lesson.exercise(
    points=2,
    topic=25,
    equation="(2.8) to (2.10)",
    returns=("stds", "mean_squares"),
    cases=scales_cases,
    ask="Layer 0 is the input itself. What do you measure before the first matrix is used, and what is the input of layer 2?",
    small={
        "X": np.array([[1.0, -1.0]]),
        "parameters": {"W1": np.array([[2.0], [-2.0]]), "b1": np.zeros((2, 1))},
        "activation": "relu",
    },
)
def activation_scales(X, parameters, activation):
    """Measure how large the activations of each layer are.

    Parameters
    ----------
    X : ndarray, shape (n[0], m)
        One example per column.
    parameters : dict
        ``"W1"``, ``"b1"`` to ``"WL"``, ``"bL"``.
    activation : str
        ``"relu"`` or ``"tanh"``, for all layers, the last one too.

    Returns
    -------
    stds : list of float
        Standard deviation of all entries of A[0] = X, A[1] to A[L]; L + 1 numbers.
    mean_squares : list of float
        Mean of the squares of the same entries.
    """
    A = X
    stds, mean_squares = [np.std(A)], [np.mean(A**2)]
    for l in range(1, len(parameters) // 2 + 1):
        Z = parameters[f"W{l}"] @ A + parameters[f"b{l}"]  # (2.8)
        A = np.tanh(Z) if activation == "tanh" else np.maximum(0, Z)
        stds.append(np.std(A))  # (2.10)
        mean_squares.append(np.mean(A**2))  # (2.9)
    return stds, mean_squares


def scales_of(arrays, std=np.std, mean_square=lambda A: np.mean(A**2)):
    """Return both lists of arrays; mistakes measure something else, or other arrays."""
    arrays = list(arrays)
    return [std(A) for A in arrays], [mean_square(A) for A in arrays]


def all_activations(X, parameters, activation):
    return [X, *(A for _, A in forward(X, parameters, activation))]


@activation_scales.mistake("These are the sizes of the scores Z. Measure the activations A = g(Z).")
def scales_of_scores(X, parameters, activation):
    return scales_of([X, *(Z for Z, _ in forward(X, parameters, activation))])


@activation_scales.mistake("Layer 0 is missing: the lists begin with the sizes of the input, A[0] = X.")
def scales_without_the_input(X, parameters, activation):
    return scales_of(all_activations(X, parameters, activation)[1:])


@activation_scales.mistake("The last layer is missing. The layers run from 1 to L = len(parameters) // 2.")
def scales_without_the_last_layer(X, parameters, activation):
    return scales_of(all_activations(X, parameters, activation)[:-1])


@activation_scales.mistake("b is not in your Z.")
def scales_without_bias(X, parameters, activation):
    return scales_of(all_activations(X, {name: p * (name[0] == "W") for name, p in parameters.items()}, activation))


@activation_scales.mistake("All layers use ReLU, whatever the argument activation says.")
def always_relu(X, parameters, activation):
    return scales_of(all_activations(X, parameters, "relu"))


@activation_scales.mistake("All layers use tanh, whatever the argument activation says.")
def always_tanh(X, parameters, activation):
    return scales_of(all_activations(X, parameters, "tanh"))


@activation_scales.mistake("The next layer gets Z instead of A = g(Z).")
def scores_passed_on(X, parameters, activation):
    A, arrays = X, [X]
    for l in range(1, len(parameters) // 2 + 1):
        A = parameters[f"W{l}"] @ A + parameters[f"b{l}"]
        arrays.append(np.tanh(A) if activation == "tanh" else np.maximum(0, A))
    return scales_of(arrays)


@activation_scales.mistake(
    "The last layer has the sigmoid. Here all layers have the same activation, the last one too."
)
def sigmoid_in_the_last_layer(X, parameters, activation):
    layers = list(forward(X, parameters, activation))
    return scales_of([X, *(A for _, A in layers[:-1]), expit(layers[-1][0])])


@activation_scales.mistake("stds holds variances. Take the square root, or use `np.std`.")
def variance_for_std(X, parameters, activation):
    return scales_of(all_activations(X, parameters, activation), std=np.var)


@activation_scales.mistake(
    "stds holds the roots of the mean squares. A standard deviation is measured from the mean, and that is not 0."
)
def root_of_mean_square(X, parameters, activation):
    return scales_of(all_activations(X, parameters, activation), std=lambda A: np.sqrt(np.mean(A**2)))


@activation_scales.mistake("mean_squares holds variances: the mean is subtracted. Take the mean of A ** 2.")
def variance_for_mean_square(X, parameters, activation):
    return scales_of(all_activations(X, parameters, activation), mean_square=np.var)


@activation_scales.mistake("This is the square of the mean. Square first, then take the mean: np.mean(A ** 2).")
def square_of_mean(X, parameters, activation):
    return scales_of(all_activations(X, parameters, activation), mean_square=lambda A: np.mean(A) ** 2)


@activation_scales.mistake("mean_squares holds sums. Divide by the number of entries: np.mean.")
def sum_of_squares(X, parameters, activation):
    return scales_of(all_activations(X, parameters, activation), mean_square=lambda A: np.sum(A**2))


@activation_scales.mistake("ddof=1 divides by one entry less. Use np.std as it is.")
def std_with_ddof(X, parameters, activation):
    return scales_of(all_activations(X, parameters, activation), std=lambda A: np.std(A, ddof=1))


@activation_scales.mistake(
    "There is one standard deviation for each unit. Take one over all entries: np.std(A), no axis."
)
def std_of_each_unit(X, parameters, activation):
    return scales_of(all_activations(X, parameters, activation), std=lambda A: np.std(A, axis=1))


@activation_scales.mistake("The two lists are swapped: return stds first, then mean_squares.")
def scales_swapped(X, parameters, activation):
    return scales_of(all_activations(X, parameters, activation))[::-1]


@activation_scales.accept(
    "The results stand in arrays made beforehand, and a dict of functions takes the place of the `if`."
)
def scales_in_arrays(X, parameters, activation):
    L = len([name for name in parameters if name.startswith("W")])
    stds, mean_squares = np.zeros(L + 1), np.zeros(L + 1)
    A = X
    for l in range(L + 1):
        if l > 0:
            Z = np.dot(parameters["W" + str(l)], A) + parameters["b" + str(l)]
            A = {"tanh": np.tanh, "relu": lambda Z: Z * (Z > 0)}[activation](Z)
        stds[l], mean_squares[l] = A.std(), (A * A).mean()
    return stds, mean_squares


@activation_scales.accept
def scales_by_recursion(X, parameters, activation):
    def layers(A, l):
        yield A
        if f"W{l}" in parameters:
            Z = np.einsum("jk,ki->ji", parameters[f"W{l}"], A) + parameters[f"b{l}"]
            yield from layers(2 * expit(2 * Z) - 1 if activation == "tanh" else np.where(Z > 0, Z, 0), l + 1)

    arrays = list(layers(X, 1))
    mean_squares = tuple(np.linalg.norm(A) ** 2 / A.size for A in arrays)
    return tuple(np.sqrt(np.mean((A - np.mean(A)) ** 2)) for A in arrays), mean_squares


@activation_scales.accept
def scales_unit_by_unit(X, parameters, activation):
    A = [list(row) for row in X]
    stds, mean_squares = [], []
    for l in range(len(parameters) // 2 + 1):
        if l:
            W, b = parameters[f"W{l}"], parameters[f"b{l}"]
            Z = [[sum(w * a for w, a in zip(row, column, strict=True)) + c[0] for column in zip(*A, strict=True)]
                 for row, c in zip(W, b, strict=True)]  # fmt: skip
            A = [[max(z, 0) if activation == "relu" else float(np.tanh(z)) for z in row] for row in Z]
        entries = [a for row in A for a in row]
        mean_squares.append(sum(a * a for a in entries) / len(entries))
        mean = sum(entries) / len(entries)
        stds.append((sum((a - mean) ** 2 for a in entries) / len(entries)) ** 0.5)
    return [stds, mean_squares]
