"""Lesson 2.7, batch normalisation: the catalogue of its four exercises. Equations are those of the notebook."""

import numpy as np

from helpers.exercises import Lesson, case

lesson = Lesson("batch_normalization")

# --- predictions -----------------------------------------------------------------------------------------------------

lesson.predict(
    "shifted",
    "All weights of a layer are multiplied by 10, and 7 is added to every score. How does the output of batch "
    "normalisation change, with γ and β as before?",
    ("it is ten times as large", "it is larger by 7", "both", "hardly at all"),
    "The mean takes the 7 away and the standard deviation, ten times as large as well, divides the 10 out.",
)
lesson.predict(
    "constants",
    "The cost does not depend on the bias b at all. What does b do in 100 steps if the slope treats mean and spread as "
    "constants?",
    ("it settles where the cost is lowest", "it stays where it is", "it runs away, and the cost stays as it is"),
    "The wrong slope says that a larger b raises the output. But the mean takes every change of b away, so the slope "
    "never becomes 0.",
)
lesson.predict(
    "divided",
    "At rate 3 the plain network trains in none of five starts. Divide all its scores by the fixed number 2, so that its "
    "activations are lower. In how many of the five starts does it train now, at rate 3? (0 to 5)",
    because="A fixed divisor k makes the first weights k times as small and the rate of the hidden layers k² times as "
    "small: with k = 2, rate 3 acts like 0.75.",
)
lesson.predict(
    "noise",
    "500 training digits, so that the network over-fits. Mean and variance of groups of 10 instead of 100 put more noise "
    "into the hidden layers. What happens to the cost on the test digits?",
    ("it falls", "nothing that is more than chance", "it rises"),
    "The network cannot rely on details of single digits, as with dropout: the training cost rises and the test cost falls.",
)
lesson.predict(
    "sorted",
    "A trained network is judged with the statistics of batches of 50 in which all digits have the same label. How many "
    "test digits are right?",
    ("85 % or more", "70 to 85 %", "fewer than 70 %"),
    "In such a batch, what the digits have in common is their label, and normalising subtracts what they have in common.",
)

#: One unit, the batch of the lesson's table: all numbers come out even.
SMALL_CACHE = (
    np.array([[-1.0, -1.0, -1.0, 3.0]]),
    np.array([[2.0]]),
    np.array([[-0.5, -0.5, -0.5, 1.5]]),
    np.array([[2.0]]),
)
SMALL_BACK = {"dZ_tilde": np.array([[0.0, 0.0, 0.0, 4.0]]), "cache": SMALL_CACHE}


def mean(A):
    """Return the mean of each row, as a column."""
    return np.mean(A, axis=1, keepdims=True)


def column(rng, n, low, high):
    """Return n numbers of both signs, none near 0 and, for these bounds, none near 1."""
    return rng.uniform(low, high, size=(n, 1)) * rng.choice([-1, 1], size=(n, 1))


def layer_arguments(rng, n, m, mode, epsilon):
    """Return the arguments of `batchnorm_forward`: each unit has its own mean and spread."""
    return {
        "Z": column(rng, n, 1, 4) + rng.uniform(0.5, 2.5, size=(n, 1)) * rng.normal(size=(n, m)),
        "gamma": column(rng, n, 1.3, 2.5),
        "beta": column(rng, n, 0.4, 2),
        "running_mean": column(rng, n, 0.5, 2),
        "running_var": rng.uniform(1.5, 4, size=(n, 1)),
        "mode": mode,
        "epsilon": epsilon,
    }


# --- batchnorm_forward -----------------------------------------------------------------------------------------------

#: n, m, mode, epsilon. A large epsilon shows where it stands. One layer is square: there a wrong axis stops nothing.
LAYERS = [
    (3, 5, "train", 0.4),
    (4, 4, "train", 1e-5),
    (2, 7, "test", 0.3),
    (3, 1, "train", 0.2),
    (2, 1, "test", 1e-5),
    (4, 4, "test", 1e-3),
]


def forward_cases(rng):
    return [case(**layer_arguments(rng, *layer)) for layer in LAYERS]


@lesson.exercise(
    points=3,
    topic=25,
    equation="(7.6) and (7.7)",
    returns=("Z_tilde", "cache"),
    cases=forward_cases,
    ask="Which two of the quantities in (7.6) come from another place in mode test? Write everything else once, for both modes.",
    small={
        "Z": np.array([[3.0, 3.0, 3.0, 7.0]]),
        "gamma": np.array([[2.0]]),
        "beta": np.array([[10.0]]),
        "running_mean": np.array([[1.0]]),
        "running_var": np.array([[8.0]]),
        "mode": "train",
        "epsilon": 1.0,
    },
    why={
        "question": "Why does ε stand under the root?",
        "choices": {
            "a unit whose scores are all equal has the variance 0, and s must not be 0": "Yes: a batch of one is enough for that.",
            "it makes the spread of the output exactly 1": "No: by (7.5) the spread is a little below 1 because of ε.",
            "it is a learned parameter, like γ": "No: it is fixed before training.",
        },
    },
)
def batchnorm_forward(Z, gamma, beta, running_mean, running_var, mode, epsilon=1e-5):
    """Normalise the scores of each unit, then give them the spread gamma and the mean beta.

    Parameters
    ----------
    Z : ndarray, shape (n, m)
        Scores of n units for the m examples of a mini-batch.
    gamma, beta : ndarray, shape (n, 1)
        Learned scale and shift.
    running_mean, running_var : ndarray, shape (n, 1)
        Statistics kept from training; used in mode ``"test"`` alone.
    mode : str
        ``"train"``: mean and variance are those of the columns of Z. ``"test"``: they are the running ones.
    epsilon : float
        Added to the variance, under the root.

    Returns
    -------
    Z_tilde : ndarray, shape (n, m)
    cache : tuple
        ``(C, s, Z_norm, gamma)`` for the backward pass: C (n, m) is Z minus the mean, s (n, 1) the root, Z_norm (n, m)
        is C / s.
    """
    train = mode == "train"
    mu = np.mean(Z, axis=1, keepdims=True) if train else running_mean  # (7.6) or (7.7)
    C = Z - mu
    var = np.mean(C**2, axis=1, keepdims=True) if train else running_var
    s = np.sqrt(var + epsilon)
    Z_norm = C / s
    Z_tilde = gamma * Z_norm + beta
    return Z_tilde, (C, s, Z_norm, gamma)


def forward_variant(
    Z, gamma, beta, running_mean, running_var, mode, epsilon,
    statistics=lambda Z: (mean(Z), mean((Z - mean(Z)) ** 2)),
    root=lambda var, epsilon: np.sqrt(var + epsilon),
    last=lambda Z_norm, gamma, beta: gamma * Z_norm + beta,
    train=("train",),
):  # fmt: skip
    """Return what `batchnorm_forward` returns, with a step replaced."""
    mu, var = statistics(Z) if mode in train else (running_mean, running_var)
    C, s = Z - mu, root(var, epsilon)
    return last(C / s, gamma, beta), (C, s, C / s, gamma)


@batchnorm_forward.mistake(
    "Mean and variance run over the units (axis=0). Each unit has its own, over the examples of the batch: axis=1."
)
def statistics_over_the_units(*layer):
    return forward_variant(*layer, statistics=lambda Z: (Z.mean(axis=0, keepdims=True), Z.var(axis=0, keepdims=True)))


@batchnorm_forward.mistake(
    "There is one mean and one variance for all units together. Each unit, a row of Z, has its own: axis=1."
)
def statistics_over_everything(*layer):
    return forward_variant(*layer, statistics=lambda Z: (np.mean(Z), np.var(Z)))


@batchnorm_forward.mistake(
    "Mean and variance have lost an axis. As columns, (n, 1), they fit under each other: keepdims=True."
)
def statistics_of_one_axis(*layer):
    return forward_variant(*layer, statistics=lambda Z: (Z.mean(axis=1), Z.var(axis=1)))


@batchnorm_forward.mistake("The mean runs over the units (axis=0). Each unit has its own, over the examples: axis=1.")
def mean_over_the_units(*layer):
    def statistics(Z):
        mu = Z.mean(axis=0, keepdims=True)
        return mu, mean((Z - mu) ** 2)

    return forward_variant(*layer, statistics=statistics)


@batchnorm_forward.mistake(
    "The mean has lost an axis. As a column, (n, 1), it is subtracted row by row: keepdims=True."
)
def mean_of_one_axis(*layer):
    def statistics(Z):
        mu = Z.mean(axis=1)
        return mu, mean((Z - mu) ** 2)

    return forward_variant(*layer, statistics=statistics)


@batchnorm_forward.mistake("The variance has lost an axis. As a column, (n, 1), it divides row by row: keepdims=True.")
def variance_of_one_axis(*layer):
    return forward_variant(*layer, statistics=lambda Z: (mean(Z), Z.var(axis=1)))


@batchnorm_forward.mistake("Epsilon is added after the root. It stands under it: sqrt(var + epsilon).")
def epsilon_after_the_root(*layer):
    return forward_variant(*layer, root=lambda var, epsilon: np.sqrt(var) + epsilon)


@batchnorm_forward.mistake("Epsilon is missing. Without it a batch of one, whose variance is 0, divides by 0.")
def without_epsilon(*layer):
    return forward_variant(*layer, root=lambda var, epsilon: np.sqrt(var))


@batchnorm_forward.mistake("You divide by the variance plus epsilon. Divide by its square root, s.")
def variance_without_the_root(*layer):
    return forward_variant(*layer, root=lambda var, epsilon: var + epsilon)


@batchnorm_forward.mistake(
    "In mode test you use the mean and variance of the batch. There, take running_mean and running_var."
)
def batch_statistics_at_test(*layer):
    return forward_variant(*layer, train=("train", "test"))


@batchnorm_forward.mistake(
    "In mode train you use the running statistics. There, take mean and variance of the columns of Z."
)
def running_statistics_in_training(*layer):
    return forward_variant(*layer, train=())


@batchnorm_forward.mistake("The two modes are swapped: the batch's own statistics belong to train.")
def modes_swapped(*layer):
    return forward_variant(*layer, train=("test",))


@batchnorm_forward.mistake("gamma is missing: Z_tilde is gamma * Z_norm + beta.")
def without_gamma(*layer):
    return forward_variant(*layer, last=lambda Z_norm, gamma, beta: Z_norm + beta)


@batchnorm_forward.mistake("beta is missing: Z_tilde is gamma * Z_norm + beta.")
def without_beta(*layer):
    return forward_variant(*layer, last=lambda Z_norm, gamma, beta: gamma * Z_norm)


@batchnorm_forward.mistake("You return Z_norm. Scale and shift it: gamma * Z_norm + beta.")
def normalised_alone(*layer):
    return forward_variant(*layer, last=lambda Z_norm, gamma, beta: Z_norm)


@batchnorm_forward.mistake("gamma multiplies beta too. First scale, then shift: gamma * Z_norm + beta.")
def shifted_before_scaled(*layer):
    return forward_variant(*layer, last=lambda Z_norm, gamma, beta: gamma * (Z_norm + beta))


@batchnorm_forward.mistake("gamma and beta are swapped: gamma scales, beta shifts.")
def gamma_and_beta_swapped(*layer):
    return forward_variant(*layer, last=lambda Z_norm, gamma, beta: beta * Z_norm + gamma)


@batchnorm_forward.mistake(
    "In mode train the variance is the unbiased one, over m - 1 (ddof=1). Here it is the mean square: over m."
)
def unbiased_variance(*layer):
    return forward_variant(*layer, statistics=lambda Z: (mean(Z), Z.var(axis=1, ddof=1, keepdims=True)))


@batchnorm_forward.mistake("In mode train the variance is the mean of Z². Subtract the mean before you square.")
def mean_square_for_variance(*layer):
    return forward_variant(*layer, statistics=lambda Z: (mean(Z), mean(Z**2)))


@batchnorm_forward.mistake("In mode train the mean is not subtracted from Z: C = Z - mu.")
def scores_not_centred(*layer):
    Z_tilde, (C, s, _, gamma) = batchnorm_forward(*layer)
    if layer[5] == "train":
        C = layer[0]
        Z_tilde = gamma * (C / s) + layer[2]
    return Z_tilde, (C, s, C / s, gamma)


@batchnorm_forward.mistake(
    "The s in your cache is the variance plus epsilon. Keep its root there: the way back divides by s."
)
def variance_in_the_cache(*layer):
    Z_tilde, (C, s, Z_norm, gamma) = batchnorm_forward(*layer)
    return Z_tilde, (C, s**2, Z_norm, gamma)


@batchnorm_forward.mistake("The C in your cache is Z itself. Keep Z minus the mean there.")
def scores_in_the_cache(*layer):
    Z_tilde, (_, s, Z_norm, gamma) = batchnorm_forward(*layer)
    return Z_tilde, (layer[0].copy(), s, Z_norm, gamma)


@batchnorm_forward.mistake("In test the variance is that of the batch. There both statistics are the running ones.")
def batch_variance_at_test(Z, gamma, beta, running_mean, running_var, mode, epsilon=1e-5):
    C = Z - (np.mean(Z, axis=1, keepdims=True) if mode == "train" else running_mean)
    s = np.sqrt(np.mean(C**2, axis=1, keepdims=True) + epsilon)
    return gamma * C / s + beta, (C, s, C / s, gamma)


@batchnorm_forward.accept
def forward_with_loops(Z, gamma, beta, running_mean, running_var, mode, epsilon):
    n, m = Z.shape
    C, s = np.zeros((n, m)), np.zeros((n, 1))
    for j in range(n):
        mu, var = running_mean[j, 0], running_var[j, 0]
        if mode != "test":
            mu = sum(Z[j]) / m
            var = sum((z - mu) ** 2 for z in Z[j]) / m
        s[j, 0] = (var + epsilon) ** 0.5
        for i in range(m):
            C[j, i] = Z[j, i] - mu
    Z_norm = C / s
    return Z_norm * gamma + beta, [C, s, Z_norm, gamma]


@batchnorm_forward.accept
def forward_with_var(Z, gamma, beta, running_mean, running_var, mode, epsilon=1e-3):
    if mode == "train":
        mu, var = Z.mean(1, keepdims=True), np.var(Z, axis=1).reshape(-1, 1)
        C = np.subtract(Z, mu)
        inverse = 1 / np.sqrt(var + epsilon)
        return gamma * C * inverse + beta, (C, 1 / inverse, C * inverse, gamma.copy())
    s = np.sqrt(running_var + epsilon)
    Z_tilde = gamma / s * Z + (beta - gamma / s * running_mean)
    return Z_tilde, (Z - running_mean, s, (Z_tilde - beta) / gamma, gamma)


@batchnorm_forward.accept(
    "The variance as the mean of the squares minus the square of the mean: one pass over Z, but digits are lost where "
    "the mean is much larger than the spread."
)
def forward_with_mean_of_squares(Z, gamma, beta, running_mean, running_var, mode, epsilon):
    m = Z.shape[1]
    one = np.ones((m, 1)) / m
    mu, var = (Z @ one, Z**2 @ one - (Z @ one) ** 2) if mode == "train" else (running_mean, running_var)
    std = np.sqrt(np.maximum(var, 0) + epsilon)
    return np.einsum("jk,ji->ji", gamma / std, Z - mu) + beta, (Z - mu, std, (Z - mu) / std, gamma)


# --- batchnorm_backward and batchnorm_backward_alt -------------------------------------------------------------------


def backward_cases(rng):
    cases = []
    for n, m, epsilon in ((3, 5, 0.4), (4, 4, 1e-5), (2, 7, 0.3), (3, 1, 0.2)):
        Z_tilde, cache = batchnorm_forward(**layer_arguments(rng, n, m, "train", epsilon))
        cases.append(case(dZ_tilde=rng.normal(size=Z_tilde.shape) + column(rng, n, 0.4, 1), cache=cache))
    return cases


@lesson.exercise(
    points=4,
    topic=25,
    equation="(7.17) to (7.24)",
    returns=("dZ", "dgamma", "dbeta"),
    backward=True,
    cases=backward_cases,
    ask="Walk the graph of section 5 from right to left. Which nodes are used twice, so that two terms are added?",
    small=SMALL_BACK,
    why={
        "question": "Only the last example of a batch has a slope. Why do the others get one from batch normalisation?",
        "choices": {
            "they share mean and variance with it: moving one of them moves its output": "Yes: dμ and dσ² carry it to all.",
            "γ and β are learned": "No: with fixed γ and β they get one as well.",
            "ε is not 0": "No: with ε = 0 they get one as well.",
        },
    },
)
def batchnorm_backward(dZ_tilde, cache):
    """Send the gradient back through `batchnorm_forward` in mode train, node by node.

    A score reaches the loss of every example of its batch, through mean and variance. So column i of ``dZ`` is the
    derivative of the *sum* of the batch's losses, m J, by column i of Z. Where no batch normalisation follows, that is
    the derivative of the loss of example i alone, as in lesson 5 of course 1. The factor 1/m enters in dgamma and dbeta.

    Parameters
    ----------
    dZ_tilde : ndarray, shape (n, m)
        Derivative of m J by Z_tilde, one example per column.
    cache : tuple
        ``(C, s, Z_norm, gamma)`` from `batchnorm_forward`.

    Returns
    -------
    dZ : ndarray, shape (n, m)
        Of m J, like `dZ_tilde`.
    dgamma, dbeta : ndarray, shape (n, 1)
        Of the mean cost J.
    """
    C, s, Z_norm, gamma = cache
    m = C.shape[1]
    dbeta = np.sum(dZ_tilde, axis=1, keepdims=True) / m  # (7.17)
    dgamma = np.sum(dZ_tilde * Z_norm, axis=1, keepdims=True) / m  # (7.18)
    dZ_norm = gamma * dZ_tilde  # (7.19)
    ds = -np.sum(dZ_norm * C, axis=1, keepdims=True) / s**2  # (7.20)
    dvar = ds / (2 * s)  # (7.21)
    dC = dZ_norm / s + 2 * C * dvar / m  # (7.22)
    dmu = -np.sum(dC, axis=1, keepdims=True)  # (7.23)
    dZ = dC + dmu / m  # (7.24)
    return dZ, dgamma, dbeta


@lesson.exercise(
    points=3,
    topic=25,
    equation="(7.30)",
    returns=("dZ", "dgamma", "dbeta"),
    backward=True,
    cases=backward_cases,
    ask="Take your step 4, the derivative of the quotient, and sum over k what it gives with dz_tilde. Which of the three "
    "sums is dbeta times m, and which is dgamma times m?",
    small=SMALL_BACK,
)
def batchnorm_backward_alt(dZ_tilde, cache):
    """Send the gradient back through `batchnorm_forward` in mode train, in closed form.

    Parameters
    ----------
    dZ_tilde : ndarray, shape (n, m)
        Derivative of the sum of the batch's losses, m J, by Z_tilde, one example per column.
    cache : tuple
        ``(C, s, Z_norm, gamma)`` from `batchnorm_forward`.

    Returns
    -------
    dZ : ndarray, shape (n, m)
        Of m J, like `dZ_tilde`.
    dgamma, dbeta : ndarray, shape (n, 1)
        Of the mean cost J.
    """
    _, s, Z_norm, gamma = cache
    dbeta = np.mean(dZ_tilde, axis=1, keepdims=True)  # (7.17)
    dgamma = np.mean(dZ_tilde * Z_norm, axis=1, keepdims=True)  # (7.18)
    dZ = gamma / s * (dZ_tilde - dbeta - Z_norm * dgamma)  # (7.30)
    return dZ, dgamma, dbeta


def backward_variant(dZ_tilde, cache, dZ=None, dgamma=None, dbeta=None):
    """Return what both backward passes return, with some parts replaced; each is a function of the right part."""
    parts = batchnorm_backward(dZ_tilde, cache)
    return tuple(part if new is None else new(part) for part, new in zip(parts, (dZ, dgamma, dbeta), strict=True))


def closed_form(dZ_tilde, cache, shift=1.0, stretch=1.0):
    """Return dZ with the path through the mean times `shift`, and that through the variance times `stretch`."""
    _, s, Z_norm, gamma = cache
    return gamma / s * (dZ_tilde - shift * mean(dZ_tilde) - stretch * Z_norm * mean(dZ_tilde * Z_norm))


def for_both(register):
    """Register a mistake or another right answer of both backward passes."""

    def decorate(function):
        for exercise in (batchnorm_backward, batchnorm_backward_alt):
            register(exercise)(function)
        return function

    return decorate


def mistake_of_both(hint):
    return for_both(lambda exercise: exercise.mistake(hint))


@mistake_of_both(
    "Mean and standard deviation are treated as constants: dZ = gamma * dZ_tilde / s. Both depend on Z, "
    "and each way through them adds a term to dZ."
)
def statistics_as_constants(dZ_tilde, cache):
    return backward_variant(dZ_tilde, cache, dZ=lambda _: closed_form(dZ_tilde, cache, 0, 0))


@mistake_of_both(
    "Only a score's own influence is in dZ: the diagonal of the Jacobian. Each score moves mean and variance, and through "
    "them all others of its row: (7.30) has two means over the batch."
)
def diagonal_of_the_jacobian(dZ_tilde, cache):
    _, s, Z_norm, gamma = cache
    m = dZ_tilde.shape[1]
    return backward_variant(dZ_tilde, cache, dZ=lambda _: gamma / s * dZ_tilde * (1 - 1 / m - Z_norm**2 / m))


@mistake_of_both("dZ lacks the way through the variance: s depends on Z too.")
def variance_as_constant(dZ_tilde, cache):
    return backward_variant(dZ_tilde, cache, dZ=lambda _: closed_form(dZ_tilde, cache, stretch=0))


@mistake_of_both("dZ lacks the way through the mean, which every score of the batch shares.")
def mean_as_constant(dZ_tilde, cache):
    return backward_variant(dZ_tilde, cache, dZ=lambda _: closed_form(dZ_tilde, cache, shift=0))


@mistake_of_both("In dZ, the factor gamma is missing: Z_tilde is gamma * Z_norm + beta.")
def gamma_forgotten(dZ_tilde, cache):
    return backward_variant(dZ_tilde, cache, dZ=lambda dZ: dZ / cache[3])


@mistake_of_both("dZ has a factor 1/m too many. It belongs to the sum of the losses; 1/m enters in dgamma and dbeta.")
def dZ_of_the_mean(dZ_tilde, cache):
    return backward_variant(dZ_tilde, cache, dZ=lambda dZ: dZ / dZ.shape[1])


@mistake_of_both("In dZ, the factor 1/m of the way through the mean is missing: mu is a mean.")
def sum_for_mean_in_shift(dZ_tilde, cache):
    return backward_variant(dZ_tilde, cache, dZ=lambda _: closed_form(dZ_tilde, cache, shift=dZ_tilde.shape[1]))


@mistake_of_both("In dZ, the factor 1/m of the way through the variance is missing: the variance is a mean.")
def sum_for_mean_in_stretch(dZ_tilde, cache):
    return backward_variant(dZ_tilde, cache, dZ=lambda _: closed_form(dZ_tilde, cache, stretch=dZ_tilde.shape[1]))


@mistake_of_both("In dZ, the ways through mean and variance both lack their factor 1/m.")
def sums_for_means(dZ_tilde, cache):
    m = dZ_tilde.shape[1]
    return backward_variant(dZ_tilde, cache, dZ=lambda _: closed_form(dZ_tilde, cache, m, m))


@mistake_of_both("In dZ, the sign of the way through the variance is wrong: a larger s makes Z_norm smaller.")
def sign_of_the_stretch(dZ_tilde, cache):
    return backward_variant(dZ_tilde, cache, dZ=lambda _: closed_form(dZ_tilde, cache, stretch=-1))


@mistake_of_both("In dZ, the sign of the way through the mean is wrong: C = Z - mu.")
def sign_of_the_shift(dZ_tilde, cache):
    return backward_variant(dZ_tilde, cache, dZ=lambda _: closed_form(dZ_tilde, cache, shift=-1))


@mistake_of_both("In dZ, the way through the variance counts twice. The derivative of the root is 1 / (2 s).")
def root_without_half(dZ_tilde, cache):
    return backward_variant(dZ_tilde, cache, dZ=lambda _: closed_form(dZ_tilde, cache, stretch=2))


@mistake_of_both("In dZ, the way through the variance counts half. The derivative of C² is 2 C.")
def square_without_two(dZ_tilde, cache):
    return backward_variant(dZ_tilde, cache, dZ=lambda _: closed_form(dZ_tilde, cache, stretch=0.5))


@mistake_of_both("dgamma and dbeta are not summed. All examples share gamma and beta: take means over the examples.")
def parameters_not_summed(dZ_tilde, cache):
    return backward_variant(dZ_tilde, cache, dgamma=lambda _: dZ_tilde * cache[2], dbeta=lambda _: dZ_tilde)


@mistake_of_both("dgamma and dbeta lack the factor 1/m: they belong to the mean cost J.")
def parameters_without_mean(dZ_tilde, cache):
    m = dZ_tilde.shape[1]
    return backward_variant(dZ_tilde, cache, dgamma=lambda part: part * m, dbeta=lambda part: part * m)


@mistake_of_both("dgamma and dbeta have one axis, (n,). They have the shape of gamma and beta, (n, 1): keepdims=True.")
def parameters_of_one_axis(dZ_tilde, cache):
    return backward_variant(dZ_tilde, cache, dgamma=lambda part: part[:, 0], dbeta=lambda part: part[:, 0])


@mistake_of_both("dgamma and dbeta run over the units (axis=0). Take means over the examples: axis=1.")
def parameters_over_the_units(dZ_tilde, cache):
    return backward_variant(
        dZ_tilde,
        cache,
        dgamma=lambda _: np.mean(dZ_tilde * cache[2], axis=0, keepdims=True),
        dbeta=lambda _: np.mean(dZ_tilde, axis=0, keepdims=True),
    )


@mistake_of_both("dgamma uses C. In Z_tilde = gamma * Z_norm + beta the factor of gamma is Z_norm.")
def dgamma_of_centred(dZ_tilde, cache):
    return backward_variant(dZ_tilde, cache, dgamma=lambda _: mean(dZ_tilde * cache[0]))


@mistake_of_both("dbeta has a factor gamma too many. beta is added after the scaling: its factor is 1.")
def dbeta_with_gamma(dZ_tilde, cache):
    return backward_variant(dZ_tilde, cache, dbeta=lambda part: part * cache[3])


@mistake_of_both("dgamma and dbeta are swapped. Return dZ, dgamma, dbeta in this order.")
def results_in_another_order(dZ_tilde, cache):
    dZ, dgamma, dbeta = batchnorm_backward(dZ_tilde, cache)
    return dZ, dbeta, dgamma


@mistake_of_both("dbeta is not summed. All examples share beta: take the mean over the examples.")
def dbeta_not_summed(dZ_tilde, cache):
    return backward_variant(dZ_tilde, cache, dbeta=lambda _: dZ_tilde)


@mistake_of_both("dgamma is not summed. All examples share gamma: take the mean over the examples.")
def dgamma_not_summed(dZ_tilde, cache):
    return backward_variant(dZ_tilde, cache, dgamma=lambda _: dZ_tilde * cache[2])


@batchnorm_backward.mistake("ds is one number for all units. Each unit has its own s: sum with axis=1, keepdims=True.")
def ds_over_everything(dZ_tilde, cache):
    C, s, Z_norm, gamma = cache
    ds = -np.sum(gamma * dZ_tilde * C) / s**2
    dC = gamma * dZ_tilde / s + C * ds / s / C.shape[1]
    return backward_variant(dZ_tilde, cache, dZ=lambda _: dC - mean(dC))


@batchnorm_backward.mistake("`ds / 2 * s` divides by 2 and then multiplies by s. Write ds / (2 * s).")
def precedence_in_dvar(dZ_tilde, cache):
    return backward_variant(dZ_tilde, cache, dZ=lambda _: closed_form(dZ_tilde, cache, stretch=cache[1] ** 2))


@batchnorm_backward.mistake("ds has 1 / s where the derivative of 1 / s gives 1 / s².")
def ds_over_s(dZ_tilde, cache):
    s = cache[1]
    return backward_variant(dZ_tilde, cache, dZ=lambda _: closed_form(dZ_tilde, cache, stretch=s))


@batchnorm_backward.mistake("dC lacks its first way, through Z_norm = C / s: the term dZ_norm / s.")
def dC_without_its_first_way(dZ_tilde, cache):
    _, s, Z_norm, gamma = cache
    dZ = -gamma / s * Z_norm * mean(dZ_tilde * Z_norm)
    return backward_variant(dZ_tilde, cache, dZ=lambda _: dZ)


@batchnorm_backward_alt.mistake("In the bracket stands C. The closed form has Z_norm there.")
def centred_in_the_bracket(dZ_tilde, cache):
    C, s, Z_norm, gamma = cache
    dZ = gamma / s * (dZ_tilde - mean(dZ_tilde) - C * mean(dZ_tilde * Z_norm))
    return backward_variant(dZ_tilde, cache, dZ=lambda _: dZ)


@batchnorm_backward_alt.mistake("In dZ the factor is gamma. Divide by s, too: gamma / s.")
def without_division_by_s(dZ_tilde, cache):
    return backward_variant(dZ_tilde, cache, dZ=lambda dZ: dZ * cache[1])


@batchnorm_backward_alt.mistake("dgamma and dbeta lack the factor 1/m, and dZ, which uses them, is wrong with them.")
def sums_in_the_bracket(dZ_tilde, cache):
    m = dZ_tilde.shape[1]
    dZ = closed_form(dZ_tilde, cache, m, m)
    return backward_variant(dZ_tilde, cache, lambda _: dZ, lambda part: part * m, lambda part: part * m)


@batchnorm_backward_alt.mistake(
    "dgamma and dbeta are not summed, and dZ, which uses them, is wrong with them: take means."
)
def products_in_the_bracket(dZ_tilde, cache):
    _, s, Z_norm, gamma = cache
    dgamma = dZ_tilde * Z_norm
    return -gamma / s * Z_norm * dgamma, dgamma, dZ_tilde.copy()


@for_both(
    lambda exercise: exercise.accept(
        "The derivatives (7.28) of one unit as a matrix, m by m: slow, but it hides nothing."
    )
)
def backward_with_jacobian(dZ_tilde, cache):
    C, s, Z_norm, gamma = cache
    n, m = C.shape
    dZ = np.zeros((n, m))
    for j in range(n):
        jacobian = (np.eye(m) - 1 / m - np.outer(Z_norm[j], Z_norm[j]) / m) / s[j, 0]
        dZ[j] = gamma[j, 0] * dZ_tilde[j] @ jacobian
    dgamma = np.array([[np.dot(dZ_tilde[j], Z_norm[j]) / m] for j in range(n)])
    return dZ, dgamma, np.average(dZ_tilde, axis=1)[:, None]


@for_both(lambda exercise: exercise.accept)
def backward_with_einsum(dZ_tilde, cache):
    _, s, Z_norm, gamma = cache
    m = dZ_tilde.shape[1]
    dbeta = np.einsum("ji->j", dZ_tilde).reshape(-1, 1) / m
    dgamma = np.einsum("ji,ji->j", dZ_tilde, Z_norm).reshape(-1, 1) / m
    dZ = 1.0 / m * gamma / s * (m * dZ_tilde - m * dbeta - Z_norm * m * dgamma)
    return [dZ, dgamma, dbeta]


@for_both(lambda exercise: exercise.accept)
def backward_where_the_mean_has_one_way(dZ_tilde, cache):
    """The way from the mean through the variance adds 0, because the rows of C have the mean 0."""
    C, s, Z_norm, gamma = cache
    m = C.shape[1]
    dZ_norm = dZ_tilde * gamma
    dvar = np.sum(dZ_norm * C * -0.5 * s**-3, axis=1, keepdims=True)
    dmu = np.sum(-dZ_norm / s, axis=1, keepdims=True)
    dZ = dZ_norm / s + dvar * 2 * C / m + dmu / m
    return dZ, np.mean(dZ_tilde * Z_norm, axis=1, keepdims=True), np.mean(dZ_tilde, axis=1, keepdims=True)


# --- update_running_statistics ---------------------------------------------------------------------------------------


def update_cases(rng):
    cases = []
    for n, m, momentum in ((3, 5, 0.9), (4, 4, 0.7), (2, 6, 0.99), (3, 1, 0.8)):
        arguments = layer_arguments(rng, n, m, "train", 0.0)
        chosen = {name: arguments[name] for name in ("running_mean", "running_var", "Z")}
        cases.append(case(**chosen, momentum=momentum))
    return cases


@lesson.exercise(
    points=2,
    topic=25,
    equation="(7.10)",
    returns=("running_mean", "running_var"),
    cases=update_cases,
    ask="Both lines of (7.10) mix an old number and one of the batch. Which share has the old one, and do the two shares add up to 1?",
    small={
        "running_mean": np.array([[0.0]]),
        "running_var": np.array([[1.0]]),
        "Z": np.array([[3.0, 3.0, 3.0, 7.0]]),
        "momentum": 0.9,
    },
    why={
        "question": "Why `running_mean = ...` and not `running_mean *= momentum` first?",
        "where": "running_mean =",
        "choices": {
            "`*=` changes the array that the caller passed in": "Yes: the caller may still need it as it was.",
            "`*=` gives another number": "No: the number is the same. The question is whose array it lands in.",
            "`*=` is slower": "No: it even saves an array.",
        },
    },
)
def update_running_statistics(running_mean, running_var, Z, momentum=0.9):
    """Return the running statistics after one more mini-batch.

    Parameters
    ----------
    running_mean, running_var : ndarray, shape (n, 1)
        Before the batch.
    Z : ndarray, shape (n, m)
        Scores of the batch.
    momentum : float
        Share of the old statistics, from 0 to 1. (Some libraries call the share of the batch so.)

    Returns
    -------
    running_mean, running_var : ndarray, shape (n, 1)
        New arrays. The batch's variance is the mean square of Z minus its mean, over m.
    """
    mu = np.mean(Z, axis=1, keepdims=True)  # (7.6)
    var = np.var(Z, axis=1, keepdims=True)  # over m, not m - 1
    running_mean = momentum * running_mean + (1 - momentum) * mu  # (7.10)
    running_var = momentum * running_var + (1 - momentum) * var
    return running_mean, running_var


def update_variant(running_mean, running_var, Z, momentum, statistics, new=None):
    """Return updated statistics, from other statistics of the batch or by another formula, new(old, batch, share)."""
    new = new or (lambda old, batch, share: share * old + (1 - share) * batch)
    mu, var = statistics(Z)
    return new(running_mean, mu, momentum), new(running_var, var, momentum)


def of_batch(Z):
    return mean(Z), mean((Z - mean(Z)) ** 2)


@update_running_statistics.mistake(
    "momentum is the share of the old statistics. The batch gets the rest, 1 - momentum."
)
def momentum_swapped(*given):
    return update_variant(*given, of_batch, lambda old, batch, share: (1 - share) * old + share * batch)


@update_running_statistics.mistake(
    "The batch's variance is the unbiased one, over m - 1 (ddof=1). Here it is over m, as in the forward pass."
)
def unbiased_running_variance(*given):
    return update_variant(*given, lambda Z: (mean(Z), Z.var(axis=1, ddof=1, keepdims=True)))


@update_running_statistics.mistake("You average standard deviations. The running number is the variance.")
def standard_deviation_for_variance(*given):
    return update_variant(*given, lambda Z: (mean(Z), Z.std(axis=1, keepdims=True)))


@update_running_statistics.mistake(
    "The batch's variance is the mean of Z². Subtract the batch's mean before you square."
)
def running_mean_square(*given):
    return update_variant(*given, lambda Z: (mean(Z), mean(Z**2)))


@update_running_statistics.mistake(
    "The batch's variance is measured from the running mean. Measure it from the mean of this batch."
)
def variance_about_the_old_mean(running_mean, running_var, Z, momentum):
    return update_variant(running_mean, running_var, Z, momentum, lambda Z: (mean(Z), mean((Z - running_mean) ** 2)))


@update_running_statistics.mistake(
    "The batch's variance is measured from the new running mean. Measure it from the mean of this batch."
)
def variance_about_the_new_mean(running_mean, running_var, Z, momentum):
    new = momentum * running_mean + (1 - momentum) * mean(Z)
    return new, momentum * running_var + (1 - momentum) * mean((Z - new) ** 2)


@update_running_statistics.mistake(
    "The statistics of this batch replace the old ones. Keep the share momentum of the old."
)
def batch_replaces_the_old(*given):
    return update_variant(*given, of_batch, lambda old, batch, share: batch)


@update_running_statistics.mistake(
    "The batch is added in full. Multiply it by 1 - momentum, so that the two shares add up to 1."
)
def batch_added_in_full(*given):
    return update_variant(*given, of_batch, lambda old, batch, share: share * old + batch)


@update_running_statistics.mistake("running_var stays as it was. Update it like running_mean.")
def variance_not_updated(running_mean, running_var, Z, momentum):
    return momentum * running_mean + (1 - momentum) * mean(Z), running_var


@update_running_statistics.mistake("The mean runs over the units (axis=0). Each unit has its own statistics: axis=1.")
def update_over_the_units(*given):
    return update_variant(*given, lambda Z: (Z.mean(axis=0, keepdims=True), Z.var(axis=0, keepdims=True)))


@update_running_statistics.mistake(
    "The batch has one mean and one variance for all units together. Each unit has its own: axis=1."
)
def update_over_everything(*given):
    return update_variant(*given, lambda Z: (np.mean(Z), np.var(Z)))


@update_running_statistics.mistake(
    "The batch's statistics have lost an axis, and the sum becomes a matrix: keepdims=True."
)
def update_of_one_axis(*given):
    return update_variant(*given, lambda Z: (Z.mean(axis=1), Z.var(axis=1)))


@update_running_statistics.mistake("The results are swapped: first running_mean, then running_var.")
def statistics_swapped(*given):
    return update_running_statistics(*given)[::-1]


@update_running_statistics.mistake(
    "`+=` and `*=` change the arrays of the caller. Make new ones: running_mean = momentum * running_mean + ..."
)
def update_in_place(running_mean, running_var, Z, momentum):
    for old, batch in zip((running_mean, running_var), of_batch(Z), strict=True):
        old *= momentum
        old += (1 - momentum) * batch
    return running_mean, running_var


@update_running_statistics.accept(
    "The running number moves towards that of the batch by the share 1 - momentum: the same formula."
)
def update_by_a_step(running_mean, running_var, Z, momentum):
    step = 1 - momentum
    mu, var = Z.mean(axis=1)[:, None], Z.std(axis=1)[:, None] ** 2
    return running_mean + step * (mu - running_mean), running_var - step * (running_var - var)


@update_running_statistics.accept
def update_with_loops(running_mean, running_var, Z, momentum=0.99):
    n, m = Z.shape
    new_mean, new_var = np.empty((n, 1)), np.empty((n, 1))
    for j in range(n):
        mu = sum(Z[j]) / m
        var = sum((z - mu) ** 2 for z in Z[j]) / m
        new_mean[j] = momentum * running_mean[j] + (1 - momentum) * mu
        new_var[j] = momentum * running_var[j] + (1 - momentum) * var
    return [new_mean, new_var]


@update_running_statistics.accept
def update_with_average(running_mean, running_var, Z, momentum):
    pairs = ((running_mean, Z.mean(1, keepdims=True)), (running_var, np.var(Z, 1, keepdims=True)))
    return tuple(np.average(pair, axis=0, weights=[momentum, 1 - momentum]) for pair in pairs)
