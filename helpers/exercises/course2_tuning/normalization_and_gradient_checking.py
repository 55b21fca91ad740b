"""Lesson 2.4, normalising inputs and checking gradients: the catalogue. Equations are those of the notebook."""

import numpy as np

from helpers.exercises import Function, Lesson, case
from helpers.widgets.normalization_and_gradient_checking import network_cost, network_gradients

lesson = Lesson("normalization_and_gradient_checking")

# --- predictions -----------------------------------------------------------------------------------------------------

lesson.predict(
    "own_statistics",
    "A test set holds wines of one variety only. It is normalised with its own mean and standard deviation. How many of its "
    "wines get the right answer?",
    ("nearly all, as with the training statistics", "six to nine of ten", "fewer than six of ten"),
    "The mean of one variety is what tells it from the others. Its own statistics move that mean to 0.",
)
lesson.predict(
    "steps",
    "x1 from 1 to 100, x2 from 0 to 1, the best learning rate. How many steps until the cost is a millionth of its start?",
    because="The rate must suit the steep direction, and the flat one has a curvature more than twenty thousand times "
    "smaller: about 3.45 steps for each unit of that ratio.",
)
lesson.predict(
    "patience",
    "Raw features with 10 000 steps, or normalised ones with 20: which are right on more of the test wines, in five splits?",
    ("raw with 10 000 steps, in all five", "normalised with 20 steps, in all five", "it depends on the split"),
    "The condition number of the raw features is above a hundred million: 10 000 steps hardly move along the flat "
    "directions.",
)
lesson.predict(
    "tiny",
    "A slope from two sides, with the step 1e-11 in place of 1e-5. What becomes of its error?",
    ("it is more than 1000 times smaller", "it stays about the same", "it is more than 1000 times larger"),
    "Each cost is rounded in its 16th digit. Divided by so small a step, that rounding is far above the truncation error.",
)


def features(rng, n_x, m):
    """Return X (n_x, m) whose rows have different means and spreads, none of them 0 or 1."""
    return rng.normal(size=(n_x, m)) * rng.uniform(2, 9, size=(n_x, 1)) + rng.uniform(3, 40, size=(n_x, 1))


# --- fit_normalizer --------------------------------------------------------------------------------------------------


def rounded_constant(rng, n_x, m):
    """Return X with one row of equal numbers whose standard deviation, by rounding, does not come out as 0."""
    X, row = features(rng, n_x, m), int(rng.integers(n_x))
    while X[row].std() == 0 or np.ptp(X[row]) > 0 or not 0 < X.std(axis=1)[row] < 1e-12:
        X[row] = rng.uniform(0.1, 0.9)
    return X


def fit_cases(rng):
    constant = features(rng, 4, 8)
    constant[int(rng.integers(4))] = 2.5
    return [
        case(X=features(rng, 3, 7)),
        case(X=features(rng, 5, 4)),
        case(X=constant),
        case(X=rounded_constant(rng, 3, 11)),
        case(X=features(rng, 6, 1)),
        case(X=features(rng, 3, 6) * [[1], [1e-10], [1]]),  # tiny numbers, but they are not equal
    ]


@lesson.exercise(
    points=2,
    topic=19,
    equation="(4.1) and (4.2)",
    returns=("mu", "sigma"),
    cases=fit_cases,
    ask="One number per feature, as a column: over which axis are the means? And which test of a row is exact where its "
    "standard deviation is not?",
    small={"X": np.array([[1.0, 5.0], [7.0, 7.0]])},
    why={
        "question": "Why is a feature called constant by its highest minus its lowest value?",
        "where": "ptp",
        "choices": {
            "its standard deviation is rounded and may not be exactly 0": "Yes: seven times 0.7 gives a tiny sigma.",
            "it is faster than a standard deviation": "No: both read the row once or twice. What does rounding do?",
            "a standard deviation of 0 also occurs for other features": "No: only for equal values. But is it exactly 0?",
        },
    },
)
def fit_normalizer(X):
    """Return the mean and the standard deviation of each feature.

    Parameters
    ----------
    X : ndarray, shape (n_x, m)
        The training set.

    Returns
    -------
    mu : ndarray, shape (n_x, 1)
    sigma : ndarray, shape (n_x, 1)
        1 for a feature whose values are all equal.
    """
    mu = np.mean(X, axis=1, keepdims=True)  # (4.1)
    sigma = np.std(X, axis=1, keepdims=True)  # (4.2)
    constant = np.ptp(X, axis=1, keepdims=True) == 0
    return mu, np.where(constant, 1, sigma)


def spread(X, of=np.std, **options):
    """Return ``of(X)`` row by row, 1 for constant rows."""
    return np.where(np.ptp(X, axis=1, keepdims=True) == 0, 1, of(X, axis=1, keepdims=True, **options))


def means(X):
    return np.mean(X, axis=1, keepdims=True)


@fit_normalizer.mistake(
    "A feature whose values are all equal gets a sigma of 0, or nearly 0, and one divides by it. Return exactly 1 there."
)
def sigma_zero(X):
    return means(X), np.where(spread(X) == 1, 0, spread(X))


@fit_normalizer.mistake(
    "By rounding, the computed sigma of equal values is not always exactly 0. Look whether the values are equal: "
    "`np.ptp(X, axis=1, keepdims=True) == 0`."
)
def sigma_compared_with_zero(X):
    sigma = np.std(X, axis=1, keepdims=True)
    return means(X), np.where(sigma == 0, 1, sigma)


@fit_normalizer.mistake(
    "A small number added to sigma does not cure equal values: sigma stays tiny, and a test value that differs a "
    "little becomes huge. Return 1 for them."
)
def sigma_plus_small(X):
    return means(X), np.std(X, axis=1, keepdims=True) + 1e-6


@fit_normalizer.mistake(
    "A limit such as 1e-8 takes small features for constant ones. Only where all values are equal is sigma 1: "
    "compare the largest with the smallest."
)
def small_taken_for_constant(X):
    sigma = np.std(X, axis=1, keepdims=True)
    return means(X), np.where(sigma < 1e-8, 1, sigma)


@fit_normalizer.mistake("The second output is the variance. Take its square root, see (4.2).")
def variance(X):
    return means(X), spread(X, np.var)


@fit_normalizer.mistake("You divide by m - 1. In (4.2) the squares are divided by m, as `np.std` does by itself.")
def divided_by_one_less(X):
    return means(X), spread(X, ddof=1) if X.shape[1] > 1 else np.ones((len(X), 1))


@fit_normalizer.mistake("Mean and spread are taken over the features. The examples are the columns: axis=1.")
def over_features(X):
    sigma = np.std(X, axis=0, keepdims=True)
    return np.mean(X, axis=0, keepdims=True), sigma


@fit_normalizer.mistake("mu and sigma have one axis, (n_x,). They are columns, (n_x, 1): `keepdims=True`.")
def flat_statistics(X):
    return means(X)[:, 0], spread(X)[:, 0]


@fit_normalizer.mistake(
    "There is one mean and one spread for all features together. Each feature needs its own: axis=1."
)
def one_for_all(X):
    return np.mean(X), np.std(X)


@fit_normalizer.mistake("The spread is taken as highest minus lowest. (4.2) is the root of the mean squared distance.")
def range_as_spread(X):
    return means(X), spread(X, np.ptp)


@fit_normalizer.mistake("The mean is not subtracted before squaring: sigma is the root of the mean of (x - mu)**2.")
def without_the_mean(X):
    return means(X), spread(X, lambda X, **how: np.sqrt(np.mean(X**2, **how)))


@fit_normalizer.mistake(
    "Two things: this is the variance, so take its square root, see (4.2); and a feature whose values are all equal gets "
    "exactly 1."
)
def variance_of_equal_values_too(X):
    return means(X), np.var(X, axis=1, keepdims=True)


@fit_normalizer.mistake(
    "This is the mean of x**2: subtract mu before squaring and take the root, see (4.2). A feature whose values are all "
    "equal gets exactly 1."
)
def mean_of_squares(X):
    return means(X), np.mean(X**2, axis=1, keepdims=True)


@fit_normalizer.mistake(
    "This is the mean of x**2, with 1 for equal values: subtract mu before squaring, and take the root, see (4.2)."
)
def mean_of_squares_but_of_equal_values(X):
    return means(X), spread(X, lambda X, **axes: np.mean(X**2, **axes))


@fit_normalizer.mistake("mu and sigma are swapped: return mu first.")
def statistics_swapped(X):
    return spread(X), means(X)


@fit_normalizer.accept
def statistics_with_loops(X):
    n_x, m = X.shape
    mu, sigma = np.zeros((n_x, 1)), np.ones((n_x, 1))
    for j in range(n_x):
        mu[j, 0] = sum(X[j]) / m
        if max(X[j]) > min(X[j]):
            sigma[j, 0] = (sum((x - mu[j, 0]) ** 2 for x in X[j]) / m) ** 0.5
    return mu, sigma


@fit_normalizer.accept
def statistics_with_a_relative_limit(X):
    mu = X.mean(axis=1).reshape(-1, 1)
    sigma = np.sqrt(((X - mu) ** 2).sum(axis=1, keepdims=True) / X.shape[1])
    sigma[sigma <= 1e-14 * np.abs(mu)] = 1.0
    return mu, sigma


@fit_normalizer.accept("Equal values are found by comparing each with the first one: exact, like highest minus lowest.")
def statistics_first_value(X):
    constant = (X[:, :1] == X).all(axis=1)
    return [np.average(X, axis=1)[:, None], np.where(constant, 1.0, np.std(X, axis=1))[:, None]]


# --- apply_normalizer ------------------------------------------------------------------------------------------------


def apply_cases(rng):
    def one(n_x, m):
        train = features(rng, n_x, 9)
        X = train[:, rng.integers(9, size=m)] + rng.normal(size=(n_x, m)) * 4 + 2
        return case(X=X, mu=means(train), sigma=spread(train))

    tiny = rng.normal(size=(2, 3)) * 1e-6
    return [
        one(3, 5), one(5, 4), one(4, 1),
        case(X=tiny, mu=tiny.mean(axis=1, keepdims=True), sigma=rng.uniform(1e-7, 1e-6, (2, 1))),
    ]  # fmt: skip


@lesson.exercise(
    points=1,
    topic=19,
    equation="(4.3)",
    cases=apply_cases,
    ask="X is (n_x, m), mu and sigma are (n_x, 1). Which of the two operations comes first, and what does NumPy do with a "
    "column beside a matrix?",
    small={"X": np.array([[7.0, 1.0]]), "mu": np.array([[3.0]]), "sigma": np.array([[2.0]])},
)
def apply_normalizer(X, mu, sigma):
    """Return the normalised features.

    Parameters
    ----------
    X : ndarray, shape (n_x, m)
        Any set: training, dev, test or one new example.
    mu, sigma : ndarray, shape (n_x, 1)
        From the training set.

    Returns
    -------
    X_norm : ndarray, shape (n_x, m)
    """
    return (X - mu) / sigma  # (4.3)


@apply_normalizer.mistake(
    "A small number is added to sigma. It changes features with a small spread; sigma is never 0, so leave it out."
)
def small_number_added(X, mu, sigma):
    return (X - mu) / (sigma + 1e-8)


@apply_normalizer.mistake(
    "You compute mean and spread anew, from the set that comes in. Use mu and sigma, which come from the training set."
)
def own_statistics(X, mu, sigma):
    return (X - means(X)) / np.std(X, axis=1, keepdims=True)


@apply_normalizer.mistake("You compute the mean anew, from the set that comes in. Subtract mu, of the training set.")
def own_mean(X, mu, sigma):
    return (X - means(X)) / sigma


@apply_normalizer.mistake(
    "You compute the spread anew, from the set that comes in. Divide by sigma, of the training set."
)
def own_spread(X, mu, sigma):
    return (X - mu) / np.std(X, axis=1, keepdims=True)


@apply_normalizer.mistake("The mean is subtracted, but nothing is divided by sigma.")
def only_centred(X, mu, sigma):
    return X - mu


@apply_normalizer.mistake("The features are divided by sigma, but the mean is not subtracted.")
def only_scaled(X, mu, sigma):
    return X / sigma


@apply_normalizer.mistake("Parentheses are missing: `X - mu / sigma` divides mu alone.")
def without_parentheses(X, mu, sigma):
    return X - mu / sigma


@apply_normalizer.mistake("You multiply by sigma. A feature with a large spread must shrink: divide.")
def multiplied(X, mu, sigma):
    return (X - mu) * sigma


@apply_normalizer.mistake("You divide by the variance. Divide by sigma itself.")
def divided_by_variance(X, mu, sigma):
    return (X - mu) / sigma**2


@apply_normalizer.mistake("The mean is added. Subtract it, so that 0 becomes the middle.")
def mean_added(X, mu, sigma):
    return (X + mu) / sigma


@apply_normalizer.mistake(
    "The result is right, but `X -= mu` and `X /= sigma` write into the caller's data. Make a new array."
)
def in_place(X, mu, sigma):
    X -= mu
    X /= sigma
    return X


@apply_normalizer.accept("Row by row and column by column: what NumPy does when it stretches the column mu over X.")
def applied_with_loops(X, mu, sigma):
    X_norm = np.zeros(X.shape)
    for j in range(X.shape[0]):
        for i in range(X.shape[1]):
            X_norm[j, i] = (X[j, i] - mu[j, 0]) / sigma[j, 0]
    return X_norm


@apply_normalizer.accept
def applied_in_other_order(X, mu, sigma):
    return X * (1 / sigma) - mu / sigma


@apply_normalizer.accept
def applied_with_copies(X, mu, sigma):
    X = np.array(X)
    X -= np.repeat(mu, X.shape[1], axis=1)
    return np.divide(X, sigma)


# --- gradient_check --------------------------------------------------------------------------------------------------


def cubes_and_square(theta):
    """Return the sum of the cubes plus the square of the sum: 3 theta**2 + 2 sum(theta) is its gradient."""
    return np.sum(theta**3) + np.sum(theta) ** 2


def check_cases(rng):
    def one(*shape, wrong=lambda g: g, epsilon=1e-4, factor=1.0):
        theta = rng.uniform(0.5, 1.8, size=shape) * rng.choice([-1, 1], size=shape) * factor
        gradient = wrong(3 * theta**2 + 2 * np.sum(theta))
        return case(theta=theta, gradient=gradient, epsilon=epsilon)

    def another_cost(*shape):
        """Return a case with a cost that is not the lesson's; its gradient is wrong by some per cent."""
        theta, cost = rng.normal(size=shape), Function("smooth", int(rng.integers(1, 100)))
        gradient = slopes(theta, 1e-3, cost) * rng.uniform(1.02, 1.2, size=shape)
        return case(theta=theta, gradient=gradient, epsilon=1e-3, cost=cost)

    def one_entry(g):
        g = g.copy()
        g[tuple(int(rng.integers(n)) if n > 2 else n - 1 for n in g.shape)] *= 1.05
        return g

    def last_entry(g):
        g = g.copy()
        g[-1, -1] += 0.01
        return g

    return [
        case(
            theta=np.array([[float(rng.uniform(2, 3))]]), gradient=np.array([[float(rng.uniform(5, 9))]]), epsilon=1e-4
        ),
        one(4, 1),
        one(5, 3, wrong=one_entry),
        one(3, 2, wrong=last_entry),
        one(3, 4, wrong=np.negative, epsilon=1e-3),
        one(2, 3, epsilon=0.3),
        one(3, 3, wrong=np.transpose, epsilon=0.02),
        one(6, 1, wrong=lambda g: g * 1.3, factor=20.0),
        # The step is lost by rounding: theta + epsilon is theta, and all slopes are 0.
        case(theta=rng.uniform(1000, 2000, size=(3, 1)), gradient=np.zeros((3, 1)), epsilon=1e-14),
        another_cost(3, 2),
    ]


@lesson.exercise(
    points=3,
    topic=19,
    equation="(4.22) and (4.23)",
    cases=check_cases,
    rtol=1e-5,
    atol=1e-7,
    ask="How do you move one entry of theta and keep theta itself as it was? And what is (4.23) if both gradients are 0?",
    small={"theta": np.array([[1.0, 2.0]]), "gradient": np.array([[9.0, 0.0]])},
    why={
        "question": "Why is the slope divided by 2 epsilon and not by epsilon?",
        "where": "2 * epsilon",
        "choices": {
            "the two costs are 2 epsilon apart": "Yes: one step to the right and one to the left of theta.",
            "it makes the truncation error half as large": "No: another factor would make the slope itself wrong.",
            "two costs are rounded": "No: rounding has no say in it. How far apart are the two places?",
        },
    },
)
def gradient_check(theta, gradient, epsilon=1e-5, cost=cubes_and_square):
    """Return how far a gradient is from the slopes of the cost, measured on both sides.

    Parameters
    ----------
    theta : ndarray
        The parameters, of any shape.
    gradient : ndarray
        What a backward pass says is the gradient at `theta`; of the same shape.
    epsilon : float
        The step.
    cost : callable
        ``cost(theta)`` returns a number.

    Returns
    -------
    difference : float
        Relative, from 0 to 1; 0 where both gradients are 0.
    """
    numerical = np.zeros(theta.shape)
    for index in np.ndindex(theta.shape):
        step = np.zeros(theta.shape)
        step[index] = epsilon
        numerical[index] = (cost(theta + step) - cost(theta - step)) / (2 * epsilon)  # (4.22)
    size = np.linalg.norm(gradient) + np.linalg.norm(numerical)
    return np.linalg.norm(gradient - numerical) / size if size else 0.0  # (4.23)


def slopes(theta, epsilon, cost=cubes_and_square, low=1, width=2):
    """Return the measured slopes; ``low=0, width=1`` measures them on one side."""
    numerical = np.zeros(theta.shape)
    for index in np.ndindex(theta.shape):
        step = np.zeros(theta.shape)
        step[index] = epsilon
        numerical[index] = (cost(theta + step) - cost(theta - low * step)) / (width * epsilon)
    return numerical


def relative(gradient, numerical, norm=np.linalg.norm):
    size = norm(gradient) + norm(numerical)
    return float(norm(gradient - numerical) / size) if size else 0.0


@gradient_check.mistake("It is 0 whatever the gradient: this check passes everything. Compare with measured slopes.")
def always_passes(theta, gradient, epsilon, cost=cubes_and_square):
    return 0.0


@gradient_check.mistake("It is 1 whatever the gradient: this check flags everything. Compare with measured slopes.")
def always_flags(theta, gradient, epsilon, cost=cubes_and_square):
    return 1.0


@gradient_check.mistake(
    "The slope is measured on one side: from theta to theta + epsilon. Go epsilon to both sides and divide by 2 epsilon."
)
def one_sided(theta, gradient, epsilon, cost=cubes_and_square):
    return relative(gradient, slopes(theta, epsilon, cost, low=0, width=1))


@gradient_check.mistake(
    "The two costs lie 2 epsilon apart, and you divide by epsilon. The slopes come out twice too large."
)
def divided_by_epsilon(theta, gradient, epsilon, cost=cubes_and_square):
    return relative(gradient, slopes(theta, epsilon, cost, width=1))


@gradient_check.mistake("`/ 2 * epsilon` divides by 2 and multiplies by epsilon. Write `/ (2 * epsilon)`.")
def precedence_of_epsilon(theta, gradient, epsilon, cost=cubes_and_square):
    return relative(gradient, slopes(theta, epsilon, cost) * epsilon**2)


@gradient_check.mistake(
    "The denominator of (4.23) is missing. Without it, the size of the gradient decides what passes: divide by the sum "
    "of both norms."
)
def no_denominator(theta, gradient, epsilon, cost=cubes_and_square):
    return float(np.linalg.norm(gradient - slopes(theta, epsilon, cost)))


@gradient_check.mistake("You divide by the norm of the gradient alone. (4.23) divides by the sum of both norms.")
def one_norm_below(theta, gradient, epsilon, cost=cubes_and_square):
    numerical, size = slopes(theta, epsilon, cost), np.linalg.norm(gradient)
    return float(np.linalg.norm(gradient - numerical) / size) if size else float(np.any(numerical))


@gradient_check.mistake("You divide by the norm of the sum. (4.23) divides by the sum of the norms.")
def norm_of_the_sum(theta, gradient, epsilon, cost=cubes_and_square):
    numerical = slopes(theta, epsilon, cost)
    size = np.linalg.norm(gradient + numerical)
    return float(np.linalg.norm(gradient - numerical) / size) if size else 0.0


@gradient_check.mistake("The norms are squared. (4.23) has the norms themselves, which are roots.")
def squared_norms(theta, gradient, epsilon, cost=cubes_and_square):
    return relative(gradient, slopes(theta, epsilon, cost), lambda g: np.sum(g**2))


@gradient_check.mistake(
    "You compare the lengths of the two gradients. A wrong direction has the right length: take the norm of the "
    "difference, not the difference of the norms."
)
def difference_of_norms(theta, gradient, epsilon, cost=cubes_and_square):
    one, other = np.linalg.norm(gradient), np.linalg.norm(slopes(theta, epsilon, cost))
    return float(abs(one - other) / (one + other)) if one + other else 0.0


@gradient_check.mistake("All entries are nudged at once. Nudge one entry at a time, the others stay where they are.")
def all_at_once(theta, gradient, epsilon, cost=cubes_and_square):
    slope = (cost(theta + epsilon) - cost(theta - epsilon)) / (2 * epsilon)
    return relative(gradient, np.full(theta.shape, slope))


@gradient_check.mistake("Only the first entry is measured. A bug may sit in any: loop over all of them.")
def first_entry_only(theta, gradient, epsilon, cost=cubes_and_square):
    first = (0,) * theta.ndim
    return relative(gradient[first], slopes(theta, epsilon, cost)[first], abs)


@gradient_check.mistake(
    "theta is nudged in place and never put back, so the caller's parameters have changed. Nudge a copy."
)
def not_restored(theta, gradient, epsilon, cost=cubes_and_square):
    numerical = np.zeros(theta.shape)
    for index in np.ndindex(theta.shape):
        theta[index] += epsilon
        high = cost(theta)
        theta[index] -= 2 * epsilon
        numerical[index] = (high - cost(theta)) / (2 * epsilon)
    return relative(gradient, numerical)


@gradient_check.mistake(
    "You add epsilon, subtract 2 epsilon and add it again. By rounding, theta does not come back exactly. Nudge a copy, "
    "or keep the old value and write it back."
)
def restored_by_adding(theta, gradient, epsilon, cost=cubes_and_square):
    value = relative(gradient, slopes(theta, epsilon, cost))
    for index in np.ndindex(theta.shape):
        theta[index] += epsilon
        theta[index] -= 2 * epsilon
        theta[index] += epsilon
    return value


@gradient_check.mistake(
    "The nudges add up: each entry starts from the copy that the entry before has changed. Begin each turn with a fresh copy."
)
def nudges_add_up(theta, gradient, epsilon, cost=cubes_and_square):
    plus, minus, numerical = theta.copy(), theta.copy(), np.zeros(theta.shape)
    for index in np.ndindex(theta.shape):
        plus[index] += epsilon
        minus[index] -= epsilon
        numerical[index] = (cost(plus) - cost(minus)) / (2 * epsilon)
    return relative(gradient, numerical)


@gradient_check.mistake("epsilon is a fixed number in your function. Use the argument epsilon.")
def fixed_epsilon(theta, gradient, epsilon, cost=cubes_and_square):
    return relative(gradient, slopes(theta, 1e-5, cost))


@gradient_check.mistake("Where both gradients are 0, you divide 0 by 0. They agree there: return 0.")
def zero_by_zero(theta, gradient, epsilon, cost=cubes_and_square):
    numerical = slopes(theta, epsilon, cost)
    return float(
        np.linalg.norm(gradient - numerical) / np.float64(np.linalg.norm(gradient) + np.linalg.norm(numerical))
    )


def and_zero_by_zero(mistake, hint):
    """Register a mistake once more, in a function that also divides 0 by 0."""

    def function(theta, gradient, epsilon, cost=cubes_and_square):
        value = mistake(theta, gradient, epsilon, cost)
        both_zero = not np.any(gradient) and not np.any(slopes(theta, epsilon, cost))
        return float("nan") if both_zero else value

    function.__name__ = f"{mistake.__name__}_and_zero_by_zero"
    gradient_check.mistake(f"{hint} And where both gradients are 0, return 0: you divide 0 by 0.")(function)


and_zero_by_zero(one_sided, "You go from theta to theta + epsilon only. Go to both sides and divide by 2 epsilon.")
and_zero_by_zero(divided_by_epsilon, "You divide by epsilon, but the two costs lie 2 epsilon apart.")
and_zero_by_zero(not_restored, "You nudge theta in place and do not put it back. Nudge a copy.")
and_zero_by_zero(
    restored_by_adding,
    "You add epsilon, subtract 2 epsilon and add it again, which rounds. Nudge a copy, or write the old value back.",
)
and_zero_by_zero(nudges_add_up, "Nudges of earlier entries stay in your copy. Begin each turn with a fresh copy.")
and_zero_by_zero(first_entry_only, "You measure the first entry alone. Loop over all of them.")


and_zero_by_zero(precedence_of_epsilon, "`/ 2 * epsilon` multiplies by epsilon. Write `/ (2 * epsilon)`.")
and_zero_by_zero(one_norm_below, "You divide by one norm. (4.23) divides by the sum of both.")
and_zero_by_zero(difference_of_norms, "You take the difference of the norms. Take the norm of the difference.")


@gradient_check.mistake("You take the largest difference. The norm in (4.23) is the root of the sum of all squares.")
def largest_entry(theta, gradient, epsilon, cost=cubes_and_square):
    return relative(gradient, slopes(theta, epsilon, cost), lambda g: np.max(np.abs(g)))


@gradient_check.mistake(
    "You add the differences as they are, and those of different sign cancel. Use `np.linalg.norm`."
)
def differences_cancel(theta, gradient, epsilon, cost=cubes_and_square):
    return relative(gradient, slopes(theta, epsilon, cost), lambda g: abs(np.sum(g)))


@gradient_check.mistake(
    "The argument cost is not called: the cost of the lesson's example stands in its place. Measure the slopes of the "
    "function that the caller hands over."
)
def cost_of_the_example(theta, gradient, epsilon, cost=cubes_and_square):
    return relative(gradient, slopes(theta, epsilon))


@gradient_check.accept(
    "One entry is changed in place and put back as it was: no copies, but the old value must be kept."
)
def entry_written_back(theta, gradient, epsilon, cost=cubes_and_square):
    flat, numerical = theta.reshape(-1), []
    for j in range(flat.size):
        old, costs = flat[j], []
        for sign in (1, -1):
            flat[j] = old + sign * epsilon
            costs.append(cost(theta))
        flat[j] = old
        numerical.append((costs[0] - costs[1]) / 2 / epsilon)
    apart = np.sqrt(sum((a - b) ** 2 for a, b in zip(gradient.ravel(), numerical, strict=True)))
    size = np.sqrt(np.sum(gradient**2)) + np.sqrt(np.sum(np.square(numerical)))
    return 0 if size == 0 else apart / size


@gradient_check.accept
def with_fresh_copies(theta, gradient, epsilon, cost=cubes_and_square):
    numerical = np.zeros_like(gradient)
    for index, _ in np.ndenumerate(theta):
        plus, minus = theta.copy(), theta.copy()
        plus[index] += epsilon
        minus[index] -= epsilon
        numerical[index] = 0.5 * (cost(plus) - cost(minus)) / epsilon
    size = np.linalg.norm(numerical.ravel()) + np.linalg.norm(gradient.ravel())
    return np.array(np.linalg.norm((numerical - gradient).ravel()) / max(size, 1e-300))


@gradient_check.accept
def with_a_small_number_below(theta, gradient, epsilon, cost=cubes_and_square):
    directions = np.eye(theta.size).reshape(-1, *theta.shape) * epsilon
    numerical = np.array([(cost(theta + d) - cost(theta - d)) / (2 * epsilon) for d in directions]).reshape(theta.shape)
    return np.linalg.norm(gradient - numerical) / (np.linalg.norm(gradient) + np.linalg.norm(numerical) + 1e-12)


# --- gradient_check_n ------------------------------------------------------------------------------------------------


def network(rng, sizes, m, scale=1.0):
    """Return parameters, X, Y of a net of these sizes, with X times `scale` and W1 over it; no score is large."""
    parameters = {}
    for l in range(1, len(sizes)):
        parameters[f"W{l}"] = rng.uniform(0.3, 1.2, (sizes[l], sizes[l - 1])) * rng.choice(
            [-1, 1], (sizes[l], sizes[l - 1])
        )
        parameters[f"W{l}"] /= np.sqrt(sizes[l - 1])
        parameters[f"b{l}"] = rng.uniform(0.2, 0.8, (sizes[l], 1))
    parameters["W1"] /= max(scale, 1)
    Y = np.array([rng.permutation(np.arange(m) < (m + 1) // 2) for _ in range(sizes[-1])]).astype(float)
    return parameters, rng.normal(size=(sizes[0], m)) * scale, Y


def planted(rng, sizes, m, *bugs, scale=1.0, start=lambda parameters: None, extra=(), between=(0, 1e9), **options):
    """Return a case: the gradients of a net with these bugs; each is ``bug(gradients)``, which changes them.

    It is drawn until no verdict is close: relative differences of right gradients from measured slopes are below 1e-7,
    those of wrong ones from right ones above 1e-5; and the largest difference that is not relative lies `between` two
    numbers.
    """
    while True:
        parameters, X, Y = network(rng, sizes, m, scale)
        start(parameters)
        right, gradients = network_gradients(parameters, X, Y), network_gradients(parameters, X, Y, **options)
        for bug in bugs:
            bug(gradients)
        far, largest = True, 0.0
        for name, array in parameters.items():
            g, s = gradients[f"d{name}"], right[f"d{name}"]
            if np.array_equal(g, s):
                cost = lambda array, name=name, parameters=parameters: network_cost(parameters | {name: array}, X, Y)  # noqa: B023
                s = slopes(array, 1e-5, cost)
                far = far and relative(g, s) < 1e-7
            else:
                far = far and relative(g, s) > 1e-5
            largest = max(largest, np.linalg.norm(g - s))
        if far and between[0] < largest < between[1]:
            return case(parameters=parameters, gradients=gradients | dict(extra), X=X, Y=Y)


def times(name, factor, index=...):
    """Return a bug: the gradient of this name, or its entry at `index`, is multiplied by `factor`."""

    def bug(gradients):
        gradients[name][index] *= factor

    return bug


def transposed(name):
    def bug(gradients):
        gradients[name] = gradients[name].T.copy()

    return bug


def rows_swapped(name):
    def bug(gradients):
        gradients[name] = gradients[name][::-1].copy()

    return bug


def sums_for_means(m):
    def bug(gradients):
        for array in gradients.values():
            array *= m

    return bug


def set_to_zero(name):
    def change(parameters):
        parameters[name][...] = 0.0

    return change


def network_cases(rng):
    """Return nets with and without bugs, in a drawn order; where a bug sits is drawn, so that no seed answers another."""

    def layer(first, last):
        return int(rng.integers(first, last + 1))

    def several():
        """Return bugs in three of the eight gradients of a net with four layers."""
        names = rng.choice([f"d{kind}{l}" for l in (1, 2, 3, 4) for kind in "Wb"], 3, replace=False)
        return [times(str(name), float(rng.uniform(1.01, 1.5))) for name in names]

    drawn = [
        planted(rng, (3, 4, 3, 2), 6),  # right
        # Single entries. With small inputs dW1 is right measured on one side, and wrong measured with a tiny step.
        planted(rng, (4, 3, 2), 5, times("dW2", -1, (1, 2)), times("db1", 0.9, (2, 0)), scale=0.01),
        planted(rng, (2, 3, 2, 3, 1), 3, times(f"dW{layer(3, 4)}", 1.003, (0, 1))),  # a small slip in one number
        planted(rng, (2, 3, 3, 3, 2), 5, transposed(f"dW{layer(2, 3)}")),  # a square matrix: right shape, right norm
        planted(rng, (2, 3, 2), 1),  # right, one example
        planted(rng, (3, 2, 3), 5, sums_for_means(5)),  # everything is wrong by one factor
        planted(rng, (2, 4, 2), 6, slope=lambda A: 1 - A),  # the square in the slope of tanh forgotten
        planted(rng, (8, 3, 1), 2, scale=40.0, between=(2e-6, 1)),  # right; large inputs, so large gradients
        planted(
            rng, (4, 3, 1), 5, times("dW1", 1.001, (1, 3)), scale=0.01, between=(0, 5e-7)
        ),  # small inputs, a small slip
        planted(rng, (3, 3, 2), 6, start=set_to_zero("W2")),  # right; dW1 and db1 are 0
        planted(rng, (3, 2, 3, 2), 4, rows_swapped(f"db{layer(1, 3)}"), extra={"dA0": rng.normal(size=(3, 4))}),
        *(planted(rng, (2, 3, 2, 3, 2), 4, *several()) for _ in range(2)),
    ]
    return [drawn[i] for i in rng.permutation(len(drawn))] + [another_network_cost(rng), large_step(rng)]


def another_network_cost(rng):
    """Return a case with a cost that is not the lesson's, where the gradients of one W and one b are wrong."""
    parameters, X, Y = network(rng, (2, 3, 2), 3)
    cost = Function("smooth", int(rng.integers(1, 100)))
    gradients = {}
    for name, array in parameters.items():
        gradients[f"d{name}"] = slopes(array, 1e-3, lambda array, name=name: cost(parameters | {name: array}, X, Y))
    for kind in "Wb":
        times(f"d{kind}{rng.integers(1, 3)}", 1.1)(gradients)
    return case(parameters=parameters, gradients=gradients, X=X, Y=Y, epsilon=1e-4, cost=cost)


def large_step(rng):
    """Return right gradients with a step so large that the slopes of all are far off: the step is an argument."""
    while True:
        parameters, X, Y = network(rng, (2, 3, 2), 3)
        right = network_gradients(parameters, X, Y)
        far = True
        for name, array in parameters.items():
            cost = lambda array, name=name, parameters=parameters: network_cost(parameters | {name: array}, X, Y)  # noqa: B023
            far = far and relative(right[f"d{name}"], slopes(array, 0.3, cost)) > 1e-4
        if far:
            return case(parameters=parameters, gradients=right, X=X, Y=Y, epsilon=0.3)


LIMIT = 1e-6


@lesson.exercise(
    points=3,
    topic=19,
    equation="(4.24)",
    cases=network_cases,
    ask="gradient_check wants a cost of one array. How do you make one from cost(parameters, X, Y), with all other arrays "
    "held as they are?",
    small={
        "parameters": {"W1": np.array([[0.0]]), "b1": np.array([[0.0]])},
        "gradients": {"dW1": np.array([[-1.0]]), "db1": np.array([[0.5]])},
        "X": np.array([[2.0]]),
        "Y": np.array([[1]]),
    },
)
def gradient_check_n(parameters, gradients, X, Y, epsilon=1e-5, cost=network_cost):
    """Return the names of the parameters whose gradients are wrong.

    Parameters
    ----------
    parameters : dict
        ``"W1"``, ``"b1"`` to ``"WL"``, ``"bL"``.
    gradients : dict
        ``"dW1"``, ``"db1"`` to ``"dWL"``, ``"dbL"``, as a backward pass gives them; it may hold more.
    X, Y : ndarray, shape (n_x, m) and (n_y, m)
    epsilon : float
        The step.
    cost : callable
        ``cost(parameters, X, Y)`` returns a number.

    Returns
    -------
    wrong : list of str
        In the order of `parameters`; empty if all gradients are right.
    """
    wrong = []
    for name in parameters:
        cost_of_one = lambda array, name=name: cost(parameters | {name: array}, X, Y)
        difference = gradient_check(parameters[name], gradients[f"d{name}"], epsilon, cost_of_one)
        if difference > LIMIT:  # (4.24)
            wrong.append(name)
    return wrong


def flagged(parameters, gradients, given, wrong=lambda g, s: relative(g, s) > LIMIT, names=None, **options):
    """Return the names for which ``wrong(gradient, slopes)`` holds, of all or of `names`.

    `given` are the other arguments of `gradient_check_n`, in their order; what is missing has its default.
    """
    X, Y, epsilon, cost = (*given, *(1e-5, network_cost)[len(given) - 2 :])
    found = []
    for name in parameters if names is None else [name for name in parameters if name in names]:
        of_one = lambda array, name=name: cost(parameters | {name: array}, X, Y)
        measured = slopes(parameters[name], **{"epsilon": epsilon, **options}, cost=of_one)
        if wrong(gradients[f"d{name}"], measured):
            found.append(name)
    return found


@gradient_check_n.mistake(
    "It passes everything: the list is empty even for wrong gradients. Compare with measured slopes."
)
def passes_all(parameters, gradients, *given):
    return []


@gradient_check_n.mistake("It flags everything: right gradients are listed as wrong, too.")
def flags_all(parameters, gradients, *given):
    return list(parameters)


@gradient_check_n.mistake(
    "The list holds the names that pass. Return those that are wrong: a difference above the limit."
)
def passing_names(parameters, gradients, *given):
    wrong = flagged(parameters, gradients, given)
    return [name for name in parameters if name not in wrong]


@gradient_check_n.mistake(
    "Measured on one side, the slope is off by about epsilon. That is above the limit, so right gradients are flagged."
)
def n_one_sided(parameters, gradients, *given):
    return flagged(parameters, gradients, given, low=0, width=1)


@gradient_check_n.mistake(
    "The difference is not relative: large right gradients are flagged, or small wrong ones pass. Divide by both norms."
)
def n_no_denominator(parameters, gradients, *given):
    return flagged(parameters, gradients, given, lambda g, s: np.linalg.norm(g - s) > LIMIT)


@gradient_check_n.mistake("The limit is too loose: a slip in one entry passes. Flag a difference above 1e-6.")
def loose_limit(parameters, gradients, *given):
    return flagged(parameters, gradients, given, lambda g, s: relative(g, s) > 0.01)


@gradient_check_n.mistake(
    "The step is so small that rounding drowns the slope: right gradients are flagged. Use epsilon."
)
def tiny_step(parameters, gradients, *given):
    return flagged(parameters, gradients, given, epsilon=1e-13)


@gradient_check_n.mistake(
    "Right gradients that are all 0 are flagged: 0 divided by 0 is nan, and no comparison with nan holds. They agree."
)
def nan_is_flagged(parameters, gradients, *given):
    return flagged(parameters, gradients, given, lambda g, s: not np.any(g) and not np.any(s) or relative(g, s) > LIMIT)


@gradient_check_n.mistake(
    "One wrong array flags all of them. Compare each array on its own, so that you see where to look."
)
def all_or_nothing(parameters, gradients, *given):
    return list(parameters) if flagged(parameters, gradients, given) else []


@gradient_check_n.mistake("Only the weights are checked. The biases have gradients, too: loop over all parameters.")
def weights_only(parameters, gradients, *given):
    return flagged(parameters, gradients, given, names=[name for name in parameters if name[0] == "W"])


@gradient_check_n.mistake("Only the first two layers are checked. Loop over all names in parameters.")
def two_layers_only(parameters, gradients, *given):
    return flagged(parameters, gradients, given, names=("W1", "b1", "W2", "b2"))


@gradient_check_n.mistake("Only the first entry of each array is looked at. A sparse bug sits elsewhere.")
def first_entries_only(parameters, gradients, *given):
    return flagged(parameters, gradients, given, lambda g, s: relative(g[0, 0], s[0, 0], abs) > LIMIT)


@gradient_check_n.mistake(
    "Only the lengths of the gradients are compared, so a swapped, transposed or turned one can pass. Take the norm of "
    "the difference."
)
def lengths_only(parameters, gradients, *given):
    def wrong(g, s):
        one, other = np.linalg.norm(g), np.linalg.norm(s)
        return abs(one - other) > LIMIT * (one + other)

    return flagged(parameters, gradients, given, wrong)


@gradient_check_n.mistake(
    "Only the directions are compared. A gradient that is m times too large points the right way."
)
def directions_only(parameters, gradients, *given):
    def wrong(g, s):
        one, other = np.linalg.norm(g), np.linalg.norm(s)
        return np.linalg.norm(g * other - s * one) > LIMIT * one * other

    return flagged(parameters, gradients, given, wrong)


@gradient_check_n.mistake("The gradients are called dW1, db1 and so on. Return the names of the parameters, W1, b1.")
def names_of_gradients(parameters, gradients, *given):
    return [f"d{name}" for name in flagged(parameters, gradients, given)]


@gradient_check_n.mistake("Return a list of names, not one word for the whole network.")
def one_verdict(parameters, gradients, *given):
    return not flagged(parameters, gradients, given)


@gradient_check_n.mistake(
    "The names may be right, but the parameters are left nudged after the check. Put each entry back, or nudge copies."
)
def left_nudged(parameters, gradients, *given):
    wrong = flagged(parameters, gradients, given)
    for array in parameters.values():
        array -= 1e-5
    return wrong


@gradient_check_n.mistake(
    "The loop runs over gradients, which may hold more than the gradients of parameters. Loop over parameters."
)
def loop_over_gradients(parameters, gradients, *given):
    return flagged({name[1:]: parameters[name[1:]] for name in gradients}, gradients, given)


@gradient_check_n.mistake(
    "The argument cost is not called: the cost of the lesson's network stands in its place. Measure the function that the "
    "caller hands over."
)
def n_cost_of_the_network(parameters, gradients, X, Y, epsilon=1e-5, cost=network_cost):
    return flagged(parameters, gradients, (X, Y, epsilon, network_cost))


@gradient_check_n.mistake("epsilon is a fixed number in your function, or not passed on. Use the argument epsilon.")
def n_fixed_epsilon(parameters, gradients, X, Y, epsilon=1e-5, cost=network_cost):
    return flagged(parameters, gradients, (X, Y, 1e-5, cost))


@gradient_check_n.accept
def entry_by_entry(parameters, gradients, X, Y, epsilon=1e-5, cost=network_cost):
    wrong = []
    for name, array in parameters.items():
        apart = total = 0.0
        for index in np.ndindex(array.shape):
            old = array[index]
            array[index] = old + epsilon
            high = cost(parameters, X, Y)
            array[index] = old - epsilon
            low = cost(parameters, X, Y)
            array[index] = old
            slope, entry = (high - low) / (2 * epsilon), gradients["d" + name][index]
            apart, total = max(apart, abs(slope - entry)), max(total, abs(slope), abs(entry))
        if apart > 1e-6 * total:
            wrong.append(name)
    return wrong


@gradient_check_n.accept("The squares are compared, so no root is taken; the limit is squared with them.")
def with_deep_copies(parameters, gradients, X, Y, epsilon=1e-5, cost=network_cost):
    given = X, Y, epsilon, cost
    return flagged(
        {name: array.copy() for name, array in parameters.items()}, gradients, given,
        lambda g, s: np.sum((g - s) ** 2) > 1e-12 * (np.sum(g**2) + np.sum(s**2)),
    )  # fmt: skip


@gradient_check_n.accept
def with_a_small_number(parameters, gradients, X, Y, epsilon=1e-5, cost=network_cost):
    def wrong(g, s):
        return np.linalg.norm(g - s) / (np.linalg.norm(g) + np.linalg.norm(s) + 1e-12) > 3e-6

    return tuple(flagged(parameters, gradients, (X, Y, epsilon, cost), wrong))
