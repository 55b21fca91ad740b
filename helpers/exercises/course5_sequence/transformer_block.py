"""Lesson 5.10, the transformer block: the catalogue of its nine exercises. Equations are those of the notebook."""

import numpy as np
from scipy.special import erf, expit, ndtr
from scipy.stats import norm

from helpers.exercises import Lesson, case
from helpers.widgets.fast_attention import multi_head_attention, multi_head_backward

lesson = Lesson("transformer_block")

# --- predictions -----------------------------------------------------------------------------------------------------

lesson.predict(
    "two_numbers",
    "A column has two numbers, 3 and 8, and ε is next to nothing. What is the derivative of the first number after layer "
    "normalisation by the first number before it, with γ = 1?",
    because="Of two numbers, the larger one always becomes 1 and the smaller one -1. A small change of either changes "
    "nothing.",
)
lesson.predict(
    "without_positions",
    "A block without positions is trained to write a list of ten symbols backwards. What share of the symbols is right? "
    "There are 8 symbols, so guessing gives 12 %.",
    ("about as many as by guessing", "about 30 %", "all"),
    "Without positions the block knows what is in the list, but not where. The most frequent symbol of the list is the "
    "best guess it has for a place, and it can add what the symbol at that place says.",
)
lesson.predict(
    "six_blocks",
    "Six blocks, one above the other, learn to write lists backwards in 120 steps. Without the residual connections, how "
    "many symbols are right?",
    ("all", "more than half", "fewer than 4 in 10"),
    "Without the sums each block sees only what the attention of the block before has mixed, and all columns become alike. "
    "With them the list itself reaches every block.",
)
lesson.predict(
    "leak",
    "A block predicts the next letter of names, and is trained without a causal mask, so each place may look at the next "
    "one. How many nats does a letter cost on names that it has not seen? (With the mask it is about 2.3, log 27 is 3.3.)",
    ("about 2.3, as with the mask", "about 1", "nearly 0"),
    "The answer stands in the input, one place to the right, and attention learns to copy it. A cost that is too good is "
    "the sign of a leak.",
)

# --- layer_norm_forward ----------------------------------------------------------------------------------------------

#: n, m, T, epsilon: all sizes different; a large epsilon shows where it stands. n is at least 3.
NORMS = ((4, 2, 3, 0.3), (3, 1, 5, 1e-5), (6, 3, 2, 0.2), (5, 4, 1, 1e-3))
HAND_X = np.array([[[1.0]], [[1.0]], [[5.0]], [[5.0]]])


def sides(rng, n, low=1.2, high=2.5):
    """Return n numbers of both signs as a column, none near 0 or 1."""
    return rng.uniform(low, high, size=(n, 1)) * rng.choice([-1, 1], size=(n, 1))


def norm_arguments(rng, n, m, T, epsilon):
    return {
        "x": rng.normal(size=(n, m, T)) * rng.uniform(0.5, 2, size=(1, m, T)) + rng.normal(size=(1, m, T)),
        "gamma": sides(rng, n),
        "beta": sides(rng, n, 0.4, 2),
        "epsilon": epsilon,
    }


def norm_cases(rng):
    return [case(**norm_arguments(rng, *sizes)) for sizes in NORMS]


@lesson.exercise(
    points=2,
    topic=78,
    equation="(10.1) to (10.4)",
    returns=("y", "cache"),
    cases=norm_cases,
    ask="Each column of numbers, one example at one step, has a mean and a spread of its own. Which axis of x do the two "
    "run over, and what shape must gamma have to fit?",
    small={"x": HAND_X, "gamma": np.full((4, 1), 2.0), "beta": np.full((4, 1), 10.0), "epsilon": 0.0},
    why={
        "question": "Why does layer normalisation need no running statistics for the test?",
        "choices": {
            "mean and variance are those of one column, which is there at the test, too": "Yes: no other example has a "
            "part in them.",
            "gamma and beta take their place": "No: they are learned in batch normalisation as well.",
            "a test has no batches": "No: it may have. The result would be the same.",
        },
    },
)
def layer_norm_forward(x, gamma, beta, epsilon):
    """Normalise the n numbers of each example and step, then scale and shift each row.

    Parameters
    ----------
    x : ndarray, shape (n, m, T)
    gamma, beta : ndarray, shape (n, 1)
    epsilon : float
        Added to the variance, under the root.

    Returns
    -------
    y : ndarray, shape (n, m, T)
    cache : tuple
        ``(x_hat, s, gamma)``: x_hat (n, m, T) are the normalised numbers, s (1, m, T) are the roots.
    """
    mu = np.mean(x, axis=0, keepdims=True)  # (10.1)
    var = np.mean((x - mu) ** 2, axis=0, keepdims=True)  # (10.2)
    s = np.sqrt(var + epsilon)  # (10.3)
    x_hat = (x - mu) / s  # (10.3)
    y = gamma[:, :, None] * x_hat + beta[:, :, None]  # (10.4)
    return y, (x_hat, s, gamma)


def norm_variant(x, gamma, beta, epsilon, axis=0, ddof=0, root=lambda var, epsilon: np.sqrt(var + epsilon), last=None):
    mu, var = np.mean(x, axis=axis, keepdims=True), np.var(x, axis=axis, ddof=ddof, keepdims=True)
    s = root(var, epsilon)
    x_hat, g, b = (x - mu) / s, gamma[:, :, None], beta[:, :, None]
    return (g * x_hat + b if last is None else last(x_hat, g, b)), (x_hat, s, gamma)


@layer_norm_forward.mistake(
    "Mean and variance run over the examples, as in batch normalisation. Here they run over the n numbers: axis 0."
)
def over_the_examples(*given):
    return norm_variant(*given, axis=1)


@layer_norm_forward.mistake("Mean and variance run over the steps. They run over the n numbers of a column: axis 0.")
def over_the_steps(*given):
    return norm_variant(*given, axis=2)


@layer_norm_forward.mistake("Mean and variance run over examples and steps. They run over the n numbers: axis 0 alone.")
def over_examples_and_steps(*given):
    return norm_variant(*given, axis=(1, 2))


@layer_norm_forward.mistake(
    "Mean and variance run over the steps of an example, too. Each step has its own: axis 0 alone."
)
def over_numbers_and_steps(*given):
    return norm_variant(*given, axis=(0, 2))


@layer_norm_forward.mistake(
    "There is one mean and one variance for everything. Each example and step has its own: axis 0."
)
def over_everything(*given):
    return norm_variant(*given, axis=(0, 1, 2))


@layer_norm_forward.mistake("The variance is divided by n - 1 (ddof=1). Here it is the mean square: by n.")
def unbiased(*given):
    return norm_variant(*given, ddof=1)


@layer_norm_forward.mistake(
    "Epsilon is added to the standard deviation. It stands under the root: sqrt(var + epsilon)."
)
def epsilon_after_the_root(*given):
    return norm_variant(*given, root=lambda var, epsilon: np.sqrt(var) + epsilon)


@layer_norm_forward.mistake("You divide by the variance plus epsilon. Divide by its root, s.")
def without_the_root(*given):
    return norm_variant(*given, root=lambda var, epsilon: var + epsilon)


@layer_norm_forward.mistake("Epsilon is missing: s is the root of var + epsilon.")
def without_epsilon(*given):
    return norm_variant(*given, root=lambda var, epsilon: np.sqrt(var))


@layer_norm_forward.mistake("gamma is missing: y = gamma * x_hat + beta.")
def without_gamma(*given):
    return norm_variant(*given, last=lambda x_hat, g, b: x_hat + b)


@layer_norm_forward.mistake("beta is missing: y = gamma * x_hat + beta.")
def without_beta(*given):
    return norm_variant(*given, last=lambda x_hat, g, b: g * x_hat)


@layer_norm_forward.mistake("You return the normalised numbers. Scale and shift them: gamma * x_hat + beta.")
def normalised_alone(*given):
    return norm_variant(*given, last=lambda x_hat, g, b: x_hat)


@layer_norm_forward.mistake("gamma and beta are swapped: gamma scales, beta shifts.")
def gamma_and_beta_swapped(*given):
    return norm_variant(*given, last=lambda x_hat, g, b: b * x_hat + g)


@layer_norm_forward.mistake("gamma scales beta, too. First scale, then shift: gamma * x_hat + beta.")
def shifted_before_scaled(*given):
    return norm_variant(*given, last=lambda x_hat, g, b: g * (x_hat + b))


@layer_norm_forward.mistake("The mean is not subtracted: x_hat is (x - mu) / s.")
def not_centred(x, gamma, beta, epsilon):
    s = layer_norm_forward(x, gamma, beta, epsilon)[1][1]
    return gamma[:, :, None] * x / s + beta[:, :, None], (x / s, s, gamma)


@layer_norm_forward.mistake("The variance is the mean of x². Subtract the mean before you square.")
def mean_square(x, gamma, beta, epsilon):
    s = np.sqrt(np.mean(x**2, axis=0, keepdims=True) + epsilon)
    x_hat = (x - x.mean(axis=0, keepdims=True)) / s
    return gamma[:, :, None] * x_hat + beta[:, :, None], (x_hat, s, gamma)


@layer_norm_forward.mistake("The s in your cache has lost its first axis. Keep it as (1, m, T): keepdims=True.")
def root_without_axis(*given):
    y, (x_hat, s, gamma) = layer_norm_forward(*given)
    return y, (x_hat, s[0], gamma)


@layer_norm_forward.accept
def norm_with_var(x, gamma, beta, epsilon):
    s = np.sqrt(x.var(axis=0, keepdims=True) + epsilon)
    x_hat = (x - x.mean(0)) / s
    return np.einsum("nk,nmt->nmt", gamma, x_hat) + beta[..., None], [x_hat, s, gamma]


@layer_norm_forward.accept(
    "The variance as the mean of the squares minus the square of the mean: one pass over x, but digits are lost where the "
    "mean is much larger than the spread."
)
def norm_with_mean_of_squares(x, gamma, beta, epsilon):
    mu = x.mean(axis=0, keepdims=True)
    s = np.sqrt((x * x).mean(axis=0, keepdims=True) - mu * mu + epsilon)
    x_hat = (x - mu) / s
    return x_hat * gamma.reshape(-1, 1, 1) + beta.reshape(-1, 1, 1), (x_hat, s, gamma)


@layer_norm_forward.accept
def norm_column_by_column(x, gamma, beta, epsilon):
    y, x_hat, s = np.zeros(x.shape), np.zeros(x.shape), np.zeros((1, *x.shape[1:]))
    for i, t in np.ndindex(x.shape[1:]):
        column = x[:, i, t]
        s[0, i, t] = (sum((column - sum(column) / len(column)) ** 2) / len(column) + epsilon) ** 0.5
        x_hat[:, i, t] = (column - sum(column) / len(column)) / s[0, i, t]
        y[:, i, t] = gamma[:, 0] * x_hat[:, i, t] + beta[:, 0]
    return y, (x_hat, s, gamma)


# --- layer_norm_backward ---------------------------------------------------------------------------------------------


def norm_back_cases(rng):
    cases = []
    for sizes in NORMS:
        y, cache = layer_norm_forward(**norm_arguments(rng, *sizes))
        cases.append(case(dy=rng.normal(size=y.shape) + sides(rng, len(y), 0.4, 1)[:, :, None], cache=cache))
    return cases


@lesson.exercise(
    points=4,
    topic=78,
    equation="(10.6) to (10.12)",
    returns=("dx", "dgamma", "dbeta"),
    backward=True,
    cases=norm_back_cases,
    ask="gamma and beta serve all examples and steps; mean and spread serve the n numbers of one column. Over which axes "
    "does each of the sums run?",
    small={
        "dy": np.array([[[4.0]], [[0.0]], [[0.0]], [[0.0]]]),
        "cache": (np.array([[[-1.0]], [[-1.0]], [[1.0]], [[1.0]]]), np.array([[[2.0]]]), np.ones((4, 1))),
    },
    why={
        "question": "Only one number of a column has a slope. Why do the others get one?",
        "choices": {
            "they share mean and spread with it": "Yes: moving one of them moves all normalised numbers of the column.",
            "they share gamma with it": "No: each row has a gamma of its own.",
            "epsilon is not 0": "No: with epsilon = 0 they get one as well.",
        },
    },
)
def layer_norm_backward(dy, cache):
    """Send the derivative back through `layer_norm_forward`.

    Parameters
    ----------
    dy : ndarray, shape (n, m, T)
        Derivative of J by y.
    cache : tuple
        ``(x_hat, s, gamma)`` from the forward pass.

    Returns
    -------
    dx : ndarray, shape (n, m, T)
    dgamma, dbeta : ndarray, shape (n, 1)
        Derivatives of J, all three.
    """
    x_hat, s, gamma = cache
    dbeta = np.sum(dy, axis=(1, 2))[:, None]  # (10.6)
    dgamma = np.sum(dy * x_hat, axis=(1, 2))[:, None]  # (10.6)
    dx_hat = dy * gamma[:, :, None]  # (10.7)
    shift = np.mean(dx_hat, axis=0, keepdims=True)
    stretch = np.mean(dx_hat * x_hat, axis=0, keepdims=True)
    dx = (dx_hat - shift - x_hat * stretch) / s  # (10.12)
    return dx, dgamma, dbeta


def norm_back(dy, cache, shift=1.0, stretch=1.0, scaled=True, axis=0, dx=None, dgamma=None, dbeta=None):
    """Return what `layer_norm_backward` returns, with terms multiplied, an axis or parts replaced."""
    x_hat, s, gamma = cache
    d = dy * gamma[:, :, None] if scaled else dy
    mean = lambda V: np.mean(V, axis=axis, keepdims=True)
    parts = (
        (d - shift * mean(d) - stretch * x_hat * mean(d * x_hat)) / s,
        np.sum(dy * x_hat, axis=(1, 2))[:, None],
        np.sum(dy, axis=(1, 2))[:, None],
    )
    return tuple(part if new is None else new(part) for part, new in zip(parts, (dx, dgamma, dbeta), strict=True))


@layer_norm_backward.mistake(
    "Mean and spread are taken as constants: dx has two more terms, since each number moves the mean and the spread."
)
def constants(*given):
    return norm_back(*given, shift=0, stretch=0)


@layer_norm_backward.mistake("The way through the mean is missing: subtract the mean of dx_hat over the column.")
def mean_is_constant(*given):
    return norm_back(*given, shift=0)


@layer_norm_backward.mistake("The way through the spread is missing: subtract x_hat times the mean of dx_hat * x_hat.")
def spread_is_constant(*given):
    return norm_back(*given, stretch=0)


@layer_norm_backward.mistake("The last term has the wrong sign: x_hat times the mean of dx_hat * x_hat is subtracted.")
def spread_added(*given):
    return norm_back(*given, stretch=-1)


@layer_norm_backward.mistake("The last term lacks its factor x_hat: x_hat times the mean of dx_hat * x_hat.")
def spread_without_x_hat(dy, cache):
    x_hat, s, gamma = cache
    d = dy * gamma[:, :, None]
    mean = lambda V: np.mean(V, axis=0, keepdims=True)
    return norm_back(dy, cache, dx=lambda _: (d - mean(d) - mean(d * x_hat)) / s)


@layer_norm_backward.mistake("The mean of dx_hat is added. Subtract it.")
def mean_added(*given):
    return norm_back(*given, shift=-1)


@layer_norm_backward.mistake("gamma is missing in dx: start from dx_hat = dy * gamma.")
def gamma_lost(*given):
    return norm_back(*given, scaled=False)


@layer_norm_backward.mistake(
    "gamma is applied at the end. It differs from row to row, so it must be inside the means: dx_hat = dy * gamma."
)
def gamma_at_the_end(dy, cache):
    return norm_back(dy, cache, scaled=False, dx=lambda dx: dx * cache[2][:, :, None])


@layer_norm_backward.mistake("The means of dx run over the examples. They run over the n numbers of a column: axis 0.")
def means_over_the_examples(*given):
    return norm_back(*given, axis=1)


@layer_norm_backward.mistake("The means of dx run over everything. They run over the n numbers of a column: axis 0.")
def means_over_everything(*given):
    return norm_back(*given, axis=None)


@layer_norm_backward.mistake("The two terms of dx are sums. They are means over the n numbers.")
def sums_for_means(dy, cache):
    return norm_back(dy, cache, shift=len(dy), stretch=len(dy))


@layer_norm_backward.mistake("dx is not divided by s.")
def not_divided(dy, cache):
    return norm_back(dy, cache, dx=lambda dx: dx * cache[1])


@layer_norm_backward.mistake("dx is divided by s². Once is enough.")
def divided_twice(dy, cache):
    return norm_back(dy, cache, dx=lambda dx: dx / cache[1])


@layer_norm_backward.mistake("dgamma lacks x_hat: it is the sum of dy * x_hat.")
def dgamma_without_x_hat(dy, cache):
    return norm_back(dy, cache, dgamma=lambda _: np.sum(dy, axis=(1, 2))[:, None])


@layer_norm_backward.mistake("dgamma and dbeta are exchanged: dx, dgamma, dbeta.")
def exchanged(dy, cache):
    dx, dgamma, dbeta = layer_norm_backward(dy, cache)
    return dx, dbeta, dgamma


@layer_norm_backward.mistake(
    "dgamma and dbeta are sums over the n numbers. Each row has its own; sum over examples and steps."
)
def sums_over_the_numbers(dy, cache):
    new = {"dgamma": lambda _: np.sum(dy * cache[0], axis=0), "dbeta": lambda _: np.sum(dy, axis=0)}
    return norm_back(dy, cache, **new)


@layer_norm_backward.mistake("dgamma and dbeta are not summed over the steps: one number for each row, (n, 1).")
def not_summed_over_steps(dy, cache):
    new = {"dgamma": lambda _: np.sum(dy * cache[0], axis=1), "dbeta": lambda _: np.sum(dy, axis=1)}
    return norm_back(dy, cache, **new)


@layer_norm_backward.mistake("dgamma and dbeta are means. Take sums: 1/m is in dy already.")
def means_for_sums(dy, cache):
    count = dy[0].size
    return norm_back(dy, cache, dgamma=lambda d: d / count, dbeta=lambda d: d / count)


@layer_norm_backward.mistake("dgamma and dbeta have lost an axis: (n, 1), like gamma.")
def axis_lost(dy, cache):
    return norm_back(dy, cache, dgamma=lambda d: d[:, 0], dbeta=lambda d: d[:, 0])


@layer_norm_backward.accept("Node by node, as in lesson 2.7: the derivative of s, then that of the mean.")
def through_the_graph(dy, cache):
    x_hat, s, gamma = cache
    n, c = len(dy), x_hat * s
    dx_hat = dy * gamma.reshape(-1, 1, 1)
    dvar = -(dx_hat * c).sum(axis=0, keepdims=True) / s**2 / (2 * s)
    dc = dx_hat / s + 2 / n * c * dvar
    dx = dc - dc.sum(axis=0, keepdims=True) / n
    return dx, np.einsum("nmt,nmt->n", dy, x_hat).reshape(-1, 1), np.einsum("nmt->n", dy).reshape(-1, 1)


@layer_norm_backward.accept
def with_the_jacobian_of_each_column(dy, cache):
    x_hat, s, gamma = cache
    n, dx = len(dy), np.zeros(dy.shape)
    for i, t in np.ndindex(dy.shape[1:]):
        column = x_hat[:, i, t]
        jacobian = (np.eye(n) - 1 / n - np.outer(column, column) / n) / s[0, i, t]
        dx[:, i, t] = jacobian.T @ (gamma[:, 0] * dy[:, i, t])
    flat = dy.reshape(n, -1)
    return dx, (flat * x_hat.reshape(n, -1)).sum(1, keepdims=True), flat.sum(1, keepdims=True)


# --- gelu and gelu_derivative ----------------------------------------------------------------------------------------


def gelu_cases(rng):
    grid = np.array([[-6.0, -2.7, -1.0, -0.3], [0.4, 1.2, 2.7, 8.0]])
    return [case(z=2 * rng.normal(size=(3, 5))), case(z=-1.3), case(z=grid), case(z=rng.normal(size=(2, 3, 4)))]


@lesson.exercise(
    points=1,
    topic=79,
    equation="(10.14)",
    cases=gelu_cases,
    ask="Φ(z) is the share of a standard normal distribution below z. Which function of SciPy gives it, and with which "
    "argument?",
    small={"z": np.array([1.0, -1.0])},
)
def gelu(z):
    """Return z Φ(z), entry by entry, with the distribution function Φ of the standard normal distribution.

    Parameters
    ----------
    z : ndarray or float
    """
    return z * 0.5 * (1 + erf(z / np.sqrt(2)))  # (10.14)


@gelu.mistake(
    "This is the form with tanh. It differs from GELU by up to 0.0005: a network trained with one is not the same with the other."
)
def with_tanh(z):
    z = np.asarray(z)
    return 0.5 * z * (1 + np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3)))


@gelu.mistake("This is z σ(1.702 z), another function: it differs from GELU by up to 0.02.")
def with_sigmoid(z):
    return z * expit(1.702 * np.asarray(z))


@gelu.mistake("This is z σ(z), called SiLU or swish. GELU has Φ in place of σ.")
def swish(z):
    return z * expit(z)


@gelu.mistake("This is Φ(z) alone. Multiply it by z.")
def phi_alone(z):
    return ndtr(z)


@gelu.mistake("The root of 2 is missing: Φ(z) = (1 + erf(z / sqrt(2))) / 2.")
def erf_without_the_root(z):
    return z * 0.5 * (1 + erf(z))


@gelu.mistake("The factor 1/2 is missing: Φ(z) = (1 + erf(z / sqrt(2))) / 2.")
def without_the_half(z):
    return z * (1 + erf(np.asarray(z) / np.sqrt(2)))


@gelu.mistake("The 1 is missing: Φ(z) = (1 + erf(z / sqrt(2))) / 2.")
def without_the_one(z):
    return 0.5 * np.asarray(z) * erf(np.asarray(z) / np.sqrt(2))


@gelu.mistake("The density φ stands where the distribution function Φ belongs.")
def density_for_distribution(z):
    return z * norm.pdf(z)


@gelu.mistake("This is ReLU, z where z is positive and 0 elsewhere. GELU weighs z with Φ(z).")
def relu(z):
    return np.maximum(0, z)


@gelu.accept("`ndtr` is Φ itself, in one call.")
def with_ndtr(z):
    return z * ndtr(z)


@gelu.accept
def with_norm_cdf(z):
    return np.asarray(z) * norm.cdf(z)


@lesson.exercise(
    points=2,
    topic=79,
    equation="(10.15)",
    backward=True,
    cases=gelu_cases,
    ask="z Φ(z) is a product. Which two terms does the product rule give, and what is the derivative of Φ?",
    small={"z": np.array([1.0, -1.0])},
)
def gelu_derivative(z):
    """Return the derivative of `gelu` by z, entry by entry.

    Parameters
    ----------
    z : ndarray or float
    """
    z = np.asarray(z)
    distribution = 0.5 * (1 + erf(z / np.sqrt(2)))
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    return distribution + z * density  # (10.15)


@gelu_derivative.mistake("This is Φ(z) alone. The product rule has a second term: z times the density.")
def distribution_alone(z):
    return ndtr(z)


@gelu_derivative.mistake("The first term is missing: Φ(z) + z φ(z).")
def second_term_alone(z):
    return z * norm.pdf(z)


@gelu_derivative.mistake("The factor z before the density is missing: Φ(z) + z φ(z).")
def density_without_z(z):
    return ndtr(z) + norm.pdf(z)


@gelu_derivative.mistake("The second term is subtracted. Add it.")
def subtracted(z):
    return ndtr(z) - z * norm.pdf(z)


@gelu_derivative.mistake("This is the density φ, the derivative of Φ. GELU is z Φ(z): use the product rule.")
def density_alone(z):
    return norm.pdf(z)


@gelu_derivative.mistake("The density lacks its factor 1 / sqrt(2π).")
def density_not_normalised(z):
    z = np.asarray(z)
    return ndtr(z) + z * np.exp(-(z**2) / 2)


@gelu_derivative.mistake("The density is divided by 2π. It is divided by the root of 2π.")
def density_without_the_root(z):
    z = np.asarray(z)
    return ndtr(z) + z * np.exp(-(z**2) / 2) / (2 * np.pi)


@gelu_derivative.mistake(
    "The density is divided by 2 and multiplied by π: Python goes from left to right. Put brackets round 2 * np.pi, and take its root."
)
def density_times_pi(z):
    z = np.asarray(z)
    return ndtr(z) + z * np.exp(-(z**2) / 2) / 2 * np.pi


@gelu_derivative.mistake("The first term is GELU itself. The derivative of z is 1, so it is Φ(z) without the factor z.")
def value_for_distribution(z):
    return np.asarray(z) * ndtr(z) + z * norm.pdf(z)


@gelu_derivative.mistake("The exponent of the density is -z². It is -z²/2.")
def exponent_without_the_half(z):
    z = np.asarray(z)
    return ndtr(z) + z * np.exp(-(z**2)) / np.sqrt(2 * np.pi)


@gelu_derivative.mistake("This is the value of GELU. Return its derivative.")
def value_instead(z):
    return z * ndtr(z)


@gelu_derivative.mistake("This is the derivative of ReLU.")
def slope_of_relu(z):
    return (np.asarray(z) > 0) * 1.0


@gelu_derivative.accept("Both functions by their names in SciPy.")
def with_scipy(z):
    return ndtr(z) + z * norm.pdf(z)


@gelu_derivative.accept
def with_cdf(z):
    return norm.cdf(z) + np.asarray(z) * np.exp(-0.5 * np.square(z) - 0.5 * np.log(2 * np.pi))


# --- positional_encoding ---------------------------------------------------------------------------------------------


def position_cases(rng):
    """Return two small cases and two of drawn sizes, which no table of known answers holds."""
    drawn = [case(n=2 * int(rng.integers(3, 12)), T=int(rng.integers(4, 16))) for _ in range(2)]
    return [case(n=4, T=3), case(n=2, T=5), *drawn]


@lesson.exercise(
    points=2,
    topic=80,
    equation="(10.16)",
    cases=position_cases,
    ask="Rows 2j and 2j + 1 are a pair: sine and cosine of the same angle. How many pairs are there, and what is the angle of "
    "pair j at step t?",
    small={"n": 4, "T": 3},
    why={
        "question": "Why is there a cosine beside each sine?",
        "choices": {
            "with both, a shift by k steps turns the pair by a fixed angle": "Yes: so the product of two positions depends on "
            "their distance alone.",
            "the sine alone is 0 at step 0": "No: that would do no harm.",
            "the sum of their squares is 1, which layer normalisation needs": "No: it takes any numbers.",
        },
    },
)
def positional_encoding(n, T):
    """Return the positions 0 to T - 1 as columns: (n, T), rows sine, cosine, sine, cosine, ...

    Parameters
    ----------
    n : int
        Even.
    T : int
    """
    P = np.zeros((n, T))
    j = np.arange(n // 2)[:, None]
    angle = np.arange(T)[None, :] / 10000 ** (2 * j / n)
    P[0::2] = np.sin(angle)  # (10.16)
    P[1::2] = np.cos(angle)  # (10.16)
    return P


def position_variant(n, T, exponent=lambda row, n: 2 * (row // 2) / n, base=10000.0, start=0, even=np.sin, odd=np.cos):
    row, t = np.arange(n)[:, None], np.arange(start, start + T)[None]
    angle = t / base ** exponent(row, n)
    return np.where(row % 2 == 0, even(angle), odd(angle))


@positional_encoding.mistake(
    "Each row has a frequency of its own: the exponent has the row's number i. Rows 2j and 2j + 1 share 2j."
)
def row_for_pair(n, T):
    return position_variant(n, T, exponent=lambda row, n: row / n)


@positional_encoding.mistake("The exponent is twice the row's number. It is 2j / n for pair j, rows 2j and 2j + 1.")
def twice_the_row(n, T):
    return position_variant(n, T, exponent=lambda row, n: 2 * row / n)


@positional_encoding.mistake("The exponent is j / n. It is 2j / n.")
def half_the_exponent(n, T):
    return position_variant(n, T, exponent=lambda row, n: (row // 2) / n)


@positional_encoding.mistake("All sines stand above all cosines. They alternate: rows sine, cosine, sine, cosine.")
def halves(n, T):
    P = position_variant(n, T)
    return np.concatenate([P[0::2], P[1::2]])


@positional_encoding.mistake("Sine and cosine are swapped: the even rows, from row 0, are sines.")
def swapped(n, T):
    return position_variant(n, T, even=np.cos, odd=np.sin)


@positional_encoding.mistake("The base is 1000. It is 10000.")
def base_1000(n, T):
    return position_variant(n, T, base=1000.0)


@positional_encoding.mistake("The positions start at 1. The first step has t = 0.")
def from_one(n, T):
    return position_variant(n, T, start=1)


@positional_encoding.mistake("The exponent is divided without remainder, so it is 0 for every pair: / and not //.")
def integer_division(n, T):
    return position_variant(n, T, exponent=lambda row, n: 2 * (row // 2) // n)


@positional_encoding.mistake("The result is (T, n). The rows are the n entries, the columns the steps: (n, T).")
def transposed(n, T):
    return position_variant(n, T).T


@positional_encoding.mistake("You multiply by the power of 10000. The angle is t divided by it.")
def multiplied(n, T):
    return position_variant(n, T, exponent=lambda row, n: -2 * (row // 2) / n)


@positional_encoding.mistake("Both rows of each pair are sines. The odd rows are cosines.")
def sines_alone(n, T):
    return position_variant(n, T, odd=np.sin)


@positional_encoding.accept("The frequencies through logarithms: the power of 10000 as an exponential.")
def through_logarithms(n, T):
    rate = np.exp(-np.log(10000.0) * np.arange(0, n, 2) / n)
    angle = np.outer(rate, np.arange(T))
    return np.stack([np.sin(angle), np.cos(angle)], axis=1).reshape(n, T)


@positional_encoding.accept
def position_with_loops(n, T):
    P = np.zeros((n, T))
    for t in range(T):
        for i in range(n):
            angle = t / 10000 ** (2 * (i // 2) / n)
            P[i, t] = np.cos(angle) if i % 2 else np.sin(angle)
    return P


# --- causal_mask -----------------------------------------------------------------------------------------------------


def causal_cases(rng):
    return [case(T=4), case(T=1), case(T=int(rng.integers(5, 16)))]


@lesson.exercise(
    points=1,
    topic=82,
    equation="(10.20)",
    cases=causal_cases,
    ask="Row t is a query, column s a key. May step 0 look at step 3? May step 3 look at step 3?",
    small={"T": 3},
)
def causal_mask(T):
    """Return where a step may look if it must not see later ones: bool, (T, T), a row for each query.

    Parameters
    ----------
    T : int
    """
    return np.arange(T)[None, :] <= np.arange(T)[:, None]  # (10.20)


@causal_mask.mistake("The mask is strict: a step may look at itself, too. Without that, the first row is empty.")
def strict(T):
    return np.tril(np.ones((T, T), dtype=bool), -1)


@causal_mask.mistake("This is the upper triangle: each step sees later ones and not earlier ones.")
def upper(T):
    return np.triu(np.ones((T, T), dtype=bool))


@causal_mask.mistake("The mask is turned round: True says where a step may look, at itself and at earlier ones.")
def inverted(T):
    return ~np.tril(np.ones((T, T), dtype=bool))


@causal_mask.mistake("Each step sees the next one, too: that is the answer it must predict.")
def one_too_far(T):
    return np.tril(np.ones((T, T), dtype=bool), 1)


@causal_mask.mistake("All is open. A step must not see later ones.")
def all_open(T):
    return np.ones((T, T), dtype=bool)


@causal_mask.mistake("Each step sees itself alone. Earlier ones are open, too.")
def diagonal(T):
    return np.eye(T, dtype=bool)


@causal_mask.accept("The lower triangle with its diagonal.")
def with_tril(T):
    return np.tril(np.ones((T, T), dtype=bool))


@causal_mask.accept
def with_numbers(T):
    mask = np.zeros((T, T))
    for t in range(T):
        mask[t, : t + 1] = 1
    return mask


# --- feed_forward_backward -------------------------------------------------------------------------------------------

#: n, n_h, h, m, T and whether the mask is causal.
BLOCKS = ((4, 3, 2, 2, 2, True), (3, 5, 3, 1, 2, False), (3, 2, 1, 1, 3, True))


def dense(W, b, X):
    return np.tensordot(W, X, axes=1) + b[:, :, None]


def feed_forward(x, W1, b1, W2, b2):
    """Return the output of two dense layers with GELU between them, and the cache (x, z, a, W1, W2)."""
    z = dense(W1, b1, x)
    a = gelu(z)
    return dense(W2, b2, a), (x, z, a, W1, W2)


def feed_cases(rng):
    cases = []
    for n, n_h, _, m, T, _ in BLOCKS:
        W1, W2 = rng.normal(size=(n_h, n)), rng.normal(size=(n, n_h))
        given = rng.normal(size=(n, m, T)), W1, rng.normal(size=(n_h, 1)), W2, rng.normal(size=(n, 1))
        y, cache = feed_forward(*given)
        cases.append(case(dy=rng.normal(size=y.shape) + 0.3, cache=cache))
    return cases


@lesson.exercise(
    points=2,
    topic=81,
    equation="(10.22) to (10.24)",
    returns=("dx", "dW1", "db1", "dW2", "db2"),
    backward=True,
    cases=feed_cases,
    ask="Two dense layers with GELU between them, as in lesson 1.5. Which of x, z and a does each of the gradients need?",
    small={
        "dy": np.array([[[1.0]]]),
        "cache": (*(np.array([[[v]]]) for v in (0.5, 1.0, 0.8413)), np.array([[2.0]]), np.array([[3.0]])),
    },
)
def feed_forward_backward(dy, cache):
    """Send the derivative back through the feed-forward layer.

    Parameters
    ----------
    dy : ndarray, shape (n, m, T)
        Derivative of J by y.
    cache : tuple
        ``(x, z, a, W1, W2)``: x (n, m, T), z and a (n_h, m, T), W1 (n_h, n), W2 (n, n_h).

    Returns
    -------
    dx, dW1, db1, dW2, db2 : ndarray
        Derivatives of J, in the shapes of what they belong to.
    """
    x, z, a, W1, W2 = cache
    dW2 = np.einsum("nmt,jmt->nj", dy, a)  # (10.22)
    db2 = np.sum(dy, axis=(1, 2))[:, None]  # (10.22)
    dz = np.einsum("nj,nmt->jmt", W2, dy) * gelu_derivative(z)  # (10.23)
    dW1 = np.einsum("jmt,nmt->jn", dz, x)  # (10.24)
    db1 = np.sum(dz, axis=(1, 2))[:, None]  # (10.24)
    dx = np.einsum("jn,jmt->nmt", W1, dz)  # (10.24)
    return dx, dW1, db1, dW2, db2


def feed_variant(
    dy, cache, slope=gelu_derivative.reference, second=None, bias=lambda d: np.sum(d, axis=(1, 2))[:, None]
):
    x, z, a, W1, W2 = cache
    dz = np.tensordot(W2.T, dy, axes=1) * slope(z)
    sums = lambda d, X: np.tensordot(d, X, axes=((1, 2), (1, 2)))
    return np.tensordot(W1.T, dz, axes=1), sums(dz, x), bias(dz), sums(dy, a if second is None else second(z)), bias(dy)


@feed_forward_backward.mistake("The derivative of GELU is missing: dz is W2ᵀ dy times gelu_derivative(z).")
def slope_missing(dy, cache):
    return feed_variant(dy, cache, slope=lambda z: 1.0)


@feed_forward_backward.mistake("The derivative of GELU is taken at a. Take it at z, what went into GELU.")
def slope_at_a(dy, cache):
    return feed_variant(dy, cache, slope=lambda z: gelu_derivative(cache[2]))


@feed_forward_backward.mistake("You multiply by gelu(z). Multiply by its derivative.")
def value_for_slope(dy, cache):
    return feed_variant(dy, cache, slope=gelu.reference)


@feed_forward_backward.mistake("The slope is that of ReLU. Between the layers stands GELU.")
def relu_slope(dy, cache):
    return feed_variant(dy, cache, slope=lambda z: z > 0)


@feed_forward_backward.mistake("dW2 is made with z. The second layer saw a.")
def dW2_with_z(dy, cache):
    return feed_variant(dy, cache, second=lambda z: z)


@feed_forward_backward.mistake("The gradients of the biases are means. Take sums: 1/m is in dy already.")
def bias_means(dy, cache):
    return feed_variant(dy, cache, bias=lambda d: np.mean(d, axis=(1, 2))[:, None])


@feed_forward_backward.mistake("The gradients of the biases have lost an axis: (n_h, 1) and (n, 1).")
def bias_axis_lost(dy, cache):
    return feed_variant(dy, cache, bias=lambda d: np.sum(d, axis=(1, 2)))


@feed_forward_backward.mistake("The derivative is divided by the number of examples. 1/m is in dy already.")
def feed_divided_by_m(dy, cache):
    return tuple(part / dy.shape[1] for part in feed_forward_backward(dy, cache))


@feed_forward_backward.mistake("This skips the first layer: dx is W1ᵀ dz, but here dx is dy itself.")
def dx_is_dy(dy, cache):
    return (dy.copy(), *feed_forward_backward(dy, cache)[1:])


@feed_forward_backward.mistake("The order is dx, dW1, db1, dW2, db2: the first layer comes first.")
def second_layer_first(dy, cache):
    dx, dW1, db1, dW2, db2 = feed_forward_backward(dy, cache)
    return dx, dW2, db2, dW1, db1


@feed_forward_backward.accept(
    "Examples and steps as one axis: then it is two layers of lesson 1.5, products of matrices."
)
def feed_flat(dy, cache):
    x, z, a, W1, W2 = cache
    flat = lambda V: V.reshape(len(V), -1)
    dZ = (W2.T @ flat(dy)) * gelu_derivative(flat(z))
    dx = (W1.T @ dZ).reshape(x.shape)
    return dx, dZ @ flat(x).T, dZ.sum(1, keepdims=True), flat(dy) @ flat(a).T, flat(dy).sum(1, keepdims=True)


@feed_forward_backward.accept
def feed_step_by_step(dy, cache):
    x, z, a, W1, W2 = cache
    dx, dW1, db1, dW2, db2 = (np.zeros(s) for s in (x.shape, W1.shape, (len(W1), 1), W2.shape, (len(W2), 1)))
    for t in range(dy.shape[2]):
        dz = W2.T @ dy[:, :, t] * gelu_derivative(z[:, :, t])
        dx[:, :, t] = W1.T @ dz
        dW1, db1 = dW1 + dz @ x[:, :, t].T, db1 + dz.sum(axis=1, keepdims=True)
        dW2, db2 = dW2 + dy[:, :, t] @ a[:, :, t].T, db2 + dy[:, :, t].sum(axis=1, keepdims=True)
    return [dx, dW1, db1, dW2, db2]


# --- transformer_block_forward ---------------------------------------------------------------------------------------

EPSILON = 1e-5


def draw_block(rng, n, n_h, h, m, T, causal):
    """Return the arguments of `transformer_block_forward`."""
    parameters = {}
    shapes = {"Q": (n, n), "K": (n, n), "V": (n, n), "O": (n, n), "1": (n_h, n), "2": (n, n_h)}
    for name, shape in shapes.items():
        parameters |= {"W" + name: 0.8 * rng.normal(size=shape), "b" + name: rng.normal(size=(shape[0], 1))}
    for number in "12":
        parameters |= {"gamma" + number: sides(rng, n), "beta" + number: sides(rng, n, 0.4, 1.5)}
    mask = causal_mask(T) if causal else np.arange(T) < rng.integers(1, T + 1, size=m)[:, None, None]
    return {"x": 1.5 * rng.normal(size=(n, m, T)) + 0.7, "parameters": parameters, "num_heads": h, "mask": mask}


def block_cases(rng):
    return [case(**draw_block(rng, *sizes)) for sizes in BLOCKS]


def small_block():
    return draw_block(np.random.default_rng(3), 4, 2, 2, 1, 2, True)


@lesson.exercise(
    points=3,
    topic=81,
    equation="(10.25) and (10.26)",
    returns=("y", "cache"),
    cases=block_cases,
    ask="There are two sums. Which array is the first term of each, before any normalisation, and what is normalised for "
    "the second?",
    small=small_block(),
    why={
        "question": "Why is x added to what the attention gives?",
        "choices": {
            "the block hands on its input and only adds to it, on the way back the gradient passes the sum unchanged": "Yes: "
            "both ways stay open through many blocks.",
            "the attention would be too small without it": "No: layer normalisation would take care of a size.",
            "it adds the positions": "No: they are added once, before the first block.",
        },
    },
)
def transformer_block_forward(x, parameters, num_heads, mask):
    """Return a transformer block with its norms before the layers: self-attention, then a feed-forward layer.

    Parameters
    ----------
    x : ndarray, shape (n, m, T)
    parameters : dict
        Those of `multi_head_attention`, ``W1``, ``b1``, ``W2``, ``b2``, and ``gamma1``, ``beta1``, ``gamma2``, ``beta2``.
    num_heads : int
    mask : ndarray of bool
        True where a step may look; it broadcasts to (m, T, T).

    Returns
    -------
    y : ndarray, shape (n, m, T)
    cache : tuple
        The caches of the first norm, the attention, the second norm, and the feed-forward layer.
    """
    p = parameters
    u, norm1 = layer_norm_forward(x, p["gamma1"], p["beta1"], 1e-5)
    h, attention = multi_head_attention(u, u, p, num_heads, mask)
    a = x + h  # (10.25)
    v, norm2 = layer_norm_forward(a, p["gamma2"], p["beta2"], 1e-5)
    f, feed = feed_forward(v, p["W1"], p["b1"], p["W2"], p["b2"])
    y = a + f  # (10.26)
    return y, (norm1, attention, norm2, feed)


def first_norm(x, p, number="1"):
    return layer_norm_forward(x, p["gamma" + number], p["beta" + number], EPSILON)


def fed(v, p):
    return feed_forward(v, *(p[name] for name in ("W1", "b1", "W2", "b2")))


def block_variant(
    x, p, h, mask,
    before=lambda x, p: first_norm(x, p), between=lambda a, p: first_norm(a, p, "2"),
    sum1=lambda x, u, y: x + y, sum2=lambda x, a, v, y: a + y, heads=None, attended=None,
):  # fmt: skip
    """Return what `transformer_block_forward` returns, with a step replaced."""
    u, norm1 = before(x, p)
    out, attention = multi_head_attention(u, u if attended is None else attended(x, u), p, heads or h, mask)
    a = sum1(x, u, out)
    v, norm2 = between(a, p)
    f, feed = fed(v, p)
    return sum2(x, a, v, f), (norm1, attention, norm2, feed)


@transformer_block_forward.mistake(
    "The norms come after the sums (post-norm). Here they come before the attention and before the feed-forward layer."
)
def post_norm(x, p, h, mask):
    out, attention = multi_head_attention(x, x, p, h, mask)
    a, norm1 = first_norm(x + out, p)
    f, feed = fed(a, p)
    y, norm2 = first_norm(a + f, p, "2")
    return y, (norm1, attention, norm2, feed)


@transformer_block_forward.mistake("The first sum adds the normalised input. It adds x itself, as it came.")
def normalised_in_the_first_sum(*given):
    return block_variant(*given, sum1=lambda x, u, y: u + y)


@transformer_block_forward.mistake("The second sum adds what the norm gave. It adds the first sum itself.")
def normalised_in_the_second_sum(*given):
    return block_variant(*given, sum2=lambda x, a, v, y: v + y)


@transformer_block_forward.mistake("Both sums add what the norm gave. They add what went into the norm.")
def normalised_in_both_sums(*given):
    return block_variant(*given, sum1=lambda x, u, y: u + y, sum2=lambda x, a, v, y: v + y)


@transformer_block_forward.mistake("The second sum adds x. It adds the result of the first sum.")
def second_sum_from_x(*given):
    return block_variant(*given, sum2=lambda x, a, v, y: x + y)


@transformer_block_forward.mistake("The first residual is missing: add x to the output of the attention.")
def without_the_first_residual(*given):
    return block_variant(*given, sum1=lambda x, u, y: y)


@transformer_block_forward.mistake(
    "The second residual is missing: add the first sum to the output of the feed-forward layer."
)
def without_the_second_residual(*given):
    return block_variant(*given, sum2=lambda x, a, v, y: y)


@transformer_block_forward.mistake("Both residuals are missing.")
def without_residuals(*given):
    return block_variant(*given, sum1=lambda x, u, y: y, sum2=lambda x, a, v, y: y)


@transformer_block_forward.mistake("The first norm is used twice. The second one has gamma2 and beta2.")
def first_norm_twice(*given):
    return block_variant(*given, between=first_norm)


@transformer_block_forward.mistake("The two norms are exchanged: gamma1 and beta1 come before the attention.")
def norms_exchanged(*given):
    return block_variant(*given, before=lambda x, p: first_norm(x, p, "2"), between=first_norm)


@transformer_block_forward.mistake("The first norm is missing: the attention sees the normalised x.")
def without_the_first_norm(*given):
    return block_variant(*given, before=lambda x, p: (x, first_norm(x, p)[1]))


@transformer_block_forward.mistake("The second norm is missing: the feed-forward layer sees the normalised sum.")
def without_the_second_norm(*given):
    return block_variant(*given, between=lambda a, p: (a, first_norm(a, p, "2")[1]))


@transformer_block_forward.mistake("The second norm sees the normalised input of the attention. It sees the first sum.")
def second_norm_of_the_first(x, p, h, mask):
    u = first_norm(x, p)[0]
    return block_variant(x, p, h, mask, between=lambda a, p: first_norm(u, p, "2"))


@transformer_block_forward.mistake(
    "Keys and values come from x before the norm. In self-attention all three see the same array."
)
def keys_before_the_norm(*given):
    return block_variant(*given, attended=lambda x, u: x)


@transformer_block_forward.mistake(
    "Queries come from x before the norm. In self-attention all three see the same array."
)
def queries_before_the_norm(x, p, h, mask):
    u, norm1 = first_norm(x, p)
    out, attention = multi_head_attention(x, u, p, h, mask)
    v, norm2 = first_norm(x + out, p, "2")
    f, feed = fed(v, p)
    return x + out + f, (norm1, attention, norm2, feed)


@transformer_block_forward.mistake("The mask is not handed on to the attention.")
def block_without_mask(x, p, h, mask):
    return block_variant(x, p, h, np.ones((x.shape[2],) * 2, dtype=bool))


@transformer_block_forward.mistake("The number of heads is not handed on: the attention has one head.")
def block_with_one_head(x, p, h, mask):
    return block_variant(x, p, 1, mask)


@transformer_block_forward.mistake(
    "The feed-forward layer comes first. First the attention, then the feed-forward layer."
)
def feed_forward_first(x, p, h, mask):
    u, norm1 = first_norm(x, p, "2")
    f, feed = fed(u, p)
    v, norm2 = first_norm(x + f, p)
    out, attention = multi_head_attention(v, v, p, h, mask)
    return x + f + out, (norm2, attention, norm1, feed)


@transformer_block_forward.accept(
    "One array is added to in place of new names; it is a copy, so that x stays as it was."
)
def added_in_place(x, parameters, num_heads, mask):
    y, p = x.copy(), parameters
    u, norm1 = layer_norm_forward(y, p["gamma1"], p["beta1"], 1e-5)
    out, attention = multi_head_attention(u, u, p, num_heads, mask)
    y += out
    v, norm2 = layer_norm_forward(y, p["gamma2"], p["beta2"], 1e-5)
    out, feed = feed_forward(v, p["W1"], p["b1"], p["W2"], p["b2"])
    y += out
    return y, (norm1, attention, norm2, feed)


@transformer_block_forward.accept
def in_one_sum(x, parameters, num_heads, mask):
    u, *caches = first_norm(x, parameters)
    out, attention = multi_head_attention(u, u, parameters, num_heads, mask)
    v, norm2 = first_norm(x + out, parameters, "2")
    f, feed = fed(v, parameters)
    return sum((x, out, f)), [*caches, attention, norm2, feed]


# --- transformer_block_backward --------------------------------------------------------------------------------------


def block_back_cases(rng):
    cases = []
    for sizes in BLOCKS:
        y, cache = transformer_block_forward(**draw_block(rng, *sizes))
        cases.append(case(dy=rng.normal(size=y.shape) + 0.3, cache=cache))
    return cases


@lesson.exercise(
    points=4,
    topic=81,
    equation="(10.27) to (10.30)",
    returns=("dx", "gradients"),
    backward=True,
    cases=block_back_cases,
    ask="At each sum the derivative goes both ways. Which arrays get two derivatives, and where does u get three?",
    small={"dy": np.ones((4, 1, 2)), "cache": transformer_block_forward(**small_block())[1]},
)
def transformer_block_backward(dy, cache):
    """Send the derivative back through `transformer_block_forward`.

    Parameters
    ----------
    dy : ndarray, shape (n, m, T)
        Derivative of J by y.
    cache : tuple
        The four caches of the forward pass.

    Returns
    -------
    dx : ndarray, shape (n, m, T)
    gradients : dict
        ``dWQ``, ``dbQ``, ... ``dbO``, ``dW1``, ``db1``, ``dW2``, ``db2``, ``dgamma1``, ``dbeta1``, ``dgamma2``, ``dbeta2``.
    """
    norm1, attention, norm2, feed = cache
    gradients = {}
    dv, gradients["dW1"], gradients["db1"], gradients["dW2"], gradients["db2"] = feed_forward_backward(dy, feed)
    through, gradients["dgamma2"], gradients["dbeta2"] = layer_norm_backward(dv, norm2)  # (10.27)
    da = dy + through  # (10.28)
    parts = multi_head_backward(da, attention)
    du = parts.pop("dX_q") + parts.pop("dX_kv")  # (10.29)
    through, gradients["dgamma1"], gradients["dbeta1"] = layer_norm_backward(du, norm1)
    dx = da + through  # (10.30)
    return dx, gradients | parts


def block_back_variant(
    dy, cache,
    sum2=lambda dy, way: dy + way, sum1=lambda dy, da, way: da + way, inputs=lambda q, kv: q + kv,
    into=lambda dy, da: da, norm2_at=None, norm1_at=None,
):  # fmt: skip
    """Return what `transformer_block_backward` returns, with a step replaced."""
    norm1, attention, norm2, feed = cache
    dv, *firsts = feed_forward_backward(dy, feed)
    gradients = dict(zip(("dW1", "db1", "dW2", "db2"), firsts, strict=True))
    way, gradients["dgamma2"], gradients["dbeta2"] = layer_norm_backward(dv, norm2_at or norm2)
    da = sum2(dy, dv if norm2_at == () else way)
    parts = multi_head_backward(into(dy, da), attention)
    du = inputs(parts.pop("dX_q"), parts.pop("dX_kv"))
    way, gradients["dgamma1"], gradients["dbeta1"] = layer_norm_backward(du, norm1_at or norm1)
    return sum1(dy, da, du if norm1_at == () else way), gradients | parts


@transformer_block_backward.mistake(
    "The skip of the second sum is lost: da is dy plus what comes through the second norm."
)
def second_skip_lost(*given):
    return block_back_variant(*given, sum2=lambda dy, way: way)


@transformer_block_backward.mistake(
    "The skip of the first sum is lost: dx is da plus what comes through the first norm."
)
def first_skip_lost(*given):
    return block_back_variant(*given, sum1=lambda dy, da, way: way)


@transformer_block_backward.mistake("Both skips are lost. At each sum the derivative goes both ways.")
def both_skips_lost(*given):
    return block_back_variant(*given, sum2=lambda dy, way: way, sum1=lambda dy, da, way: way)


@transformer_block_backward.mistake("The skip of the second sum is counted twice: dy enters da once.")
def second_skip_twice(*given):
    return block_back_variant(*given, sum2=lambda dy, way: 2 * dy + way)


@transformer_block_backward.mistake("dy is added once more at the first sum. da has it already.")
def first_skip_with_dy(*given):
    return block_back_variant(*given, sum1=lambda dy, da, way: dy + da + way)


@transformer_block_backward.mistake(
    "The skip of the first sum takes dy. It takes da, with what came through the second norm."
)
def first_skip_of_dy(*given):
    return block_back_variant(*given, sum1=lambda dy, da, way: dy + way)


@transformer_block_backward.mistake(
    "The attention gets dy. It gets da: the first sum feeds the feed-forward layer, too."
)
def attention_gets_dy(*given):
    return block_back_variant(*given, into=lambda dy, da: dy)


@transformer_block_backward.mistake(
    "The way of keys and values is lost: u feeds queries, keys and values, so dX_q and dX_kv are added."
)
def queries_alone(*given):
    return block_back_variant(*given, inputs=lambda q, kv: q)


@transformer_block_backward.mistake(
    "The way of the queries is lost: u feeds queries, keys and values, so dX_q and dX_kv are added."
)
def keys_and_values_alone(*given):
    return block_back_variant(*given, inputs=lambda q, kv: kv)


@transformer_block_backward.mistake("dX_q and dX_kv are averaged. Add them.")
def inputs_averaged(*given):
    return block_back_variant(*given, inputs=lambda q, kv: (q + kv) / 2)


@transformer_block_backward.mistake(
    "dx is what the attention part alone gives: da is missing the way through the feed-forward layer."
)
def feed_forward_way_lost(*given):
    return block_back_variant(*given, sum2=lambda dy, way: dy)


@transformer_block_backward.mistake("dx lacks the way through attention and first norm: dx is more than da.")
def attention_way_lost(*given):
    return block_back_variant(*given, sum1=lambda dy, da, way: da)


@transformer_block_backward.mistake(
    "The second norm is skipped on the way back: dv goes through layer_norm_backward first."
)
def second_norm_skipped(dy, cache):
    norm1, attention, norm2, feed = cache
    dv, *_ = feed_forward_backward(dy, feed)
    return block_back_variant(dy, cache, sum2=lambda dy, way: dy + dv)


@transformer_block_backward.mistake(
    "The first norm is skipped on the way back: du goes through layer_norm_backward first."
)
def first_norm_skipped(dy, cache):
    du = []

    def inputs(q, kv):
        du.append(q + kv)
        return du[0]

    return block_back_variant(dy, cache, inputs=inputs, sum1=lambda dy, da, way: da + du[0])


@transformer_block_backward.mistake(
    "The caches of the two norms are exchanged: the first one was made before the attention."
)
def norm_caches_exchanged(dy, cache):
    return block_back_variant(dy, cache, norm2_at=cache[0], norm1_at=cache[2])


@transformer_block_backward.accept("All derivatives that arrive at one array are collected in one name, with +=.")
def collected(dy, cache):
    norm1, attention, norm2, feed = cache
    total, found = dy.copy(), {}
    dv, found["dW1"], found["db1"], found["dW2"], found["db2"] = feed_forward_backward(dy, feed)
    way, found["dgamma2"], found["dbeta2"] = layer_norm_backward(dv, norm2)
    total += way
    found |= multi_head_backward(total, attention)
    way, found["dgamma1"], found["dbeta1"] = layer_norm_backward(found["dX_q"] + found["dX_kv"], norm1)
    total += way
    return total, found


@transformer_block_backward.accept
def norm_of_each_way(dy, cache):
    norm1, attention, norm2, feed = cache
    dv, dW1, db1, dW2, db2 = feed_forward_backward(dy, feed)
    da, dgamma2, dbeta2 = layer_norm_backward(dv, norm2)
    da = da + dy
    parts = multi_head_backward(da, attention)
    ways = [layer_norm_backward(parts[name], norm1) for name in ("dX_q", "dX_kv")]
    dx, dgamma1, dbeta1 = (first + second for first, second in zip(*ways, strict=True))
    own = {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2, "dgamma1": dgamma1, "dbeta1": dbeta1}
    return [dx + da, parts | own | {"dgamma2": dgamma2, "dbeta2": dbeta2}]
