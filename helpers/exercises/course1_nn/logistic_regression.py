"""Lesson 1.2, logistic regression: the catalogue of its nine exercises. Equations are those of the notebook."""

import math

import numpy as np
from scipy.special import expit, xlogy

from helpers.exercises import Lesson, case

lesson = Lesson("logistic_regression")

# --- predictions -----------------------------------------------------------------------------------------------------

lesson.predict(
    "lost_minus",
    "Take log(1 - ŷ) as the loss for y = 0, without the minus sign. Which of these predictions gets the lowest loss?",
    ("ŷ = 0.01", "ŷ = 0.5", "ŷ = 0.99"),
    "log(1 - ŷ) falls as ŷ rises, so without the minus sign the worst prediction for y = 0 looks best.",
)
lesson.predict(
    "chords",
    "Walk along the straight line from (w, b) = (-5, 2) to (1, 0). On which surface does the cost rise above the chord, "
    "the straight line between its two ends?",
    ("on neither", "on the squared error alone", "on the cross-entropy alone", "on both"),
    "At the start the squared error is on a plateau, so its curve stays high and falls late; section 8 proves that the "
    "cross-entropy can never do that.",
)
lesson.predict(
    "factor",
    "100 features, 1000 examples. How many times as fast as your loops are your vectors?",
    because="The loops run 200 000 products as single steps of Python; the vectors hand all of them to compiled code in "
    "one call.",
)
lesson.predict(
    "walks",
    "Two walks start at w = -4, b = 2 and take 40 steps with α = 1. Which one gets within 0.05 of the lowest point's cost?",
    ("neither", "the one on the squared error", "the one on the cross-entropy", "both"),
    "Where a prediction is sure and wrong, a (1 - a) is close to 0 and so is the slope of the squared error; the slope "
    "of the cross-entropy is a - y, close to 1.",
)
lesson.predict(
    "rates",
    "100 steps on the photographs from w = 0, b = 0. Which learning rate reaches the lowest cost, at whichever step?",
    ("0.0005", "0.01", "0.4"),
    "The largest rate jumps to and fro across the valley and touches low ground on its way, but it does not stay there: "
    "where it is when you stop is luck.",
)


#: Two features, three examples, to follow by hand: the scores are 0, 0 and 3.
SMALL = {
    "w": np.array([[1.0], [2.0]]),
    "b": -1.0,
    "X": np.array([[1.0, 3.0, 0.0], [0.0, -1.0, 2.0]]),
    "Y": np.array([[1, 0, 1]]),
}


# --- sigmoid ---------------------------------------------------------------------------------------------------------


def sigmoid_cases(rng):
    return [
        case(z=float(rng.uniform(0.5, 1.5))),
        case(z=rng.normal(size=(3, 5))),
        case(z=rng.normal(size=(1, 4)) * 3),
        case(z=np.array([[-1000.0, -30.0, 30.0, 1000.0]])),
        case("curve", z=np.linspace(-8, 8, 161)),
    ]


@lesson.exercise(
    points=1,
    topic=5,
    equation="(2.3)",
    cases=sigmoid_cases,
    ask="Let z be 1000. Which sign has the exponent in (2.3), and what is e to that power?",
    small={"z": np.array([[0.0, math.log(3)]])},
    why={
        "question": "Why is (2.3) written with e^(-z), and not as e^z / (1 + e^z)?",
        "where": "exp(-",
        "choices": {
            "for large z the second form is infinity / infinity, which is nan": "Yes. The two are equal on paper alone.",
            "the second form is another function": "No: multiply numerator and denominator of (2.3) by e^z.",
            "e^(-z) takes less time": "No: both need one exponential. Try z = 1000 in both.",
        },
    },
)
def sigmoid(z):
    """Return the logistic function of each entry.

    Parameters
    ----------
    z : float or ndarray of any shape
        The linear score.

    Returns
    -------
    a : float or ndarray, shape of z
        Between 0 and 1.
    """
    return 1 / (1 + np.exp(-z))  # (2.3)


@sigmoid.mistake("Your output falls as z grows. Look at the sign in the exponent.")
def sign_in_the_exponent(z):
    return 1 / (1 + np.exp(z))


@sigmoid.mistake("`1 / 1 + np.exp(-z)` is read as `(1 / 1) + np.exp(-z)`. Put the denominator in parentheses.")
def missing_parentheses(z):
    return 1 / 1 + np.exp(-z)


@sigmoid.mistake("For large z both e^z and 1 + e^z overflow, and inf / inf is nan. Use the form with e^(-z).")
def quotient_that_overflows(z):
    return np.exp(z) / (1 + np.exp(z))


@sigmoid.mistake("This is the derivative a (1 - a). Return a itself.")
def derivative_instead(z):
    a = 1 / (1 + np.exp(-z))
    return a * (1 - a)


@sigmoid.mistake("This is tanh, which runs from -1 to 1. The logistic function runs from 0 to 1.")
def tanh_instead(z):
    return np.tanh(z)


@sigmoid.mistake("`math.exp` takes one number and stops where e^x is too large. `np.exp` takes arrays of any shape.")
def exp_of_math(z):
    return 1 / (1 + math.exp(-z))


@sigmoid.mistake("The score is taken without its sign, so both sides rise from 1/2. Use e^(-z), not e^(-|z|).")
def of_the_size_of_the_score(z):
    return 1 / (1 + np.exp(-np.abs(z)))


@sigmoid.mistake("`float(...)` takes one number. Return what `1 / (1 + np.exp(-z))` gives, a number or an array.")
def float_of_an_array(z):
    return float(1 / (1 + np.exp(-z)))


@sigmoid.accept("The logistic function is tanh, pushed up by 1 and halved in both directions: no overflow, no warning.")
def through_tanh(z):
    return 0.5 * (1 + np.tanh(z / 2))


@sigmoid.accept
def through_scipy(z):
    return expit(z)


@sigmoid.accept("The exponent is never positive: each sign of z takes the form of (2.3) that cannot overflow.")
def stable_in_two_branches(z):
    small = np.exp(-np.abs(z))
    return np.where(np.asarray(z) >= 0, 1 / (1 + small), small / (1 + small))


@sigmoid.accept
def entry_by_entry(z):
    z = np.asarray(z)
    a = np.zeros(z.shape)
    for index in np.ndindex(z.shape):
        a[index] = 1 / (1 + np.exp(-z[index]))
    return a


# --- squared_cost ----------------------------------------------------------------------------------------------------


def labelled_examples(rng, n_x, m):
    """Return w, b, X, Y of one case: scores are moderate, both labels occur where m > 1."""
    Y = np.zeros((1, m))
    Y[0, rng.permutation(m)[: (m + 1) // 2]] = 1
    return {
        "w": rng.normal(size=(n_x, 1)) * 0.6,
        "b": float(rng.uniform(0.2, 0.8)),
        "X": rng.normal(size=(n_x, m)),
        "Y": Y,
    }


def dataset_cases(rng):
    return [
        case(**labelled_examples(rng, n_x=2, m=3)),
        case(**labelled_examples(rng, n_x=4, m=7)),
        case(**labelled_examples(rng, n_x=5, m=1)),
    ]


@lesson.exercise(
    points=1,
    topic=6,
    equation="(2.7)",
    cases=dataset_cases,
    ask="w is (n_x, 1) and X is (n_x, m). Which product of the two has one number per example, and what does (2.7) do "
    "to each difference before it takes the mean?",
    small=SMALL,
)
def squared_cost(w, b, X, Y):
    """Return half the mean squared error of logistic regression.

    Parameters
    ----------
    w : ndarray, shape (n_x, 1)
    b : float
    X : ndarray, shape (n_x, m)
        One example per column.
    Y : ndarray, shape (1, m)
        Labels 0 or 1.

    Returns
    -------
    J : float
    """
    A = sigmoid(w.T @ X + b)  # (2.1), (2.2)
    return float(np.mean((A - Y) ** 2) / 2)  # (2.7)


@squared_cost.mistake("This is the sum over the examples. Divide by m.")
def squared_sum(w, b, X, Y):
    return np.sum((sigmoid(w.T @ X + b) - Y) ** 2) / 2


@squared_cost.mistake("The factor 1/2 is missing.")
def without_half(w, b, X, Y):
    return np.mean((sigmoid(w.T @ X + b) - Y) ** 2)


@squared_cost.mistake("Compare Y with A = sigmoid(Z), not with Z.")
def squared_without_sigmoid(w, b, X, Y):
    return np.mean((w.T @ X + b - Y) ** 2) / 2


@squared_cost.mistake("The differences are not squared.")
def absolute_differences(w, b, X, Y):
    return np.mean(np.abs(sigmoid(w.T @ X + b) - Y)) / 2


@squared_cost.mistake("b is not in your Z.")
def squared_without_b(w, b, X, Y):
    return np.mean((sigmoid(w.T @ X) - Y) ** 2) / 2


@squared_cost.mistake("One cost per example comes back. Take the mean over the examples.")
def squared_per_example(w, b, X, Y):
    return (sigmoid(w.T @ X + b) - Y) ** 2 / 2


@squared_cost.mistake("`/ 2 * m` divides by 2 and multiplies by m. Put the denominator in parentheses: `/ (2 * m)`.")
def squared_times_m(w, b, X, Y):
    return np.sum((sigmoid(w.T @ X + b) - Y) ** 2) / 2 * X.shape[1]


@squared_cost.mistake("Each square is divided by 2 m, but they are not added up: the cost is one number.")
def squares_divided_by_m(w, b, X, Y):
    return 0.5 * (sigmoid(w.T @ X + b) - Y) ** 2 / X.shape[1]


@squared_cost.mistake("The sum of the differences is squared. Square each difference first, then add up.")
def square_of_the_sum(w, b, X, Y):
    return np.sum(sigmoid(w.T @ X + b) - Y) ** 2 / (2 * X.shape[1])


@squared_cost.accept("The sums of (2.7) and (2.1) as loops: the same numbers, one product at a time.")
def squared_with_a_loop(w, b, X, Y):
    J = 0
    m = X.shape[1]
    for i in range(m):
        z = sum(w[j, 0] * X[j, i] for j in range(X.shape[0])) + b
        J += 0.5 * (1 / (1 + np.exp(-z)) - Y[0, i]) ** 2
    return J / m


@squared_cost.accept
def squared_with_einsum(w, b, X, Y):
    difference = sigmoid(np.einsum("ji,jm->im", w, X) + b) - Y
    return np.einsum("ij,ij->", difference, difference) / (2 * Y.shape[1])


@squared_cost.accept("A sum of squares is the square of a length: the norm of the row of differences.")
def squared_norm(w, b, X, Y):
    return np.array(np.linalg.norm(sigmoid(np.dot(w.T, X) + b) - Y) ** 2 / 2 / Y.size)


# --- log_loss --------------------------------------------------------------------------------------------------------


def log_loss_cases(rng):
    return [
        case(y_hat=float(rng.uniform(0.6, 0.9)), y=1),
        case(y_hat=float(rng.uniform(0.6, 0.9)), y=0),
        case(y_hat=rng.uniform(0.05, 0.95, size=(1, 5)), y=np.array([[1, 0, 0, 1, 0]])),
        case(y_hat=np.array([[1e-6, 1 - 1e-6]]), y=np.array([[1.0, 0.0]])),
    ]


@lesson.exercise(
    points=1,
    topic=6,
    equation="(2.12)",
    cases=log_loss_cases,
    ask="For y = 1 one of the two terms in (2.12) is 0. Which one is left, and which sign has a logarithm of a number "
    "below 1?",
    small={"y_hat": np.array([[0.8, 0.8]]), "y": np.array([[1, 0]])},
)
def log_loss(y_hat, y):
    """Return the cross-entropy loss of each example.

    Parameters
    ----------
    y_hat : float or ndarray, shape (1, m)
        Predicted probabilities of y = 1, strictly between 0 and 1.
    y : int or ndarray, shape of y_hat
        Labels 0 or 1.

    Returns
    -------
    loss : float or ndarray, shape of y_hat
    """
    return -(y * np.log(y_hat) + (1 - y) * np.log(1 - y_hat))  # (2.12)


@log_loss.mistake("The minus sign in front is missing: a loss is never negative.")
def without_minus(y_hat, y):
    return y * np.log(y_hat) + (1 - y) * np.log(1 - y_hat)


@log_loss.mistake("The minus sign must stand before both terms. For y = 0 the loss is -log(1 - y_hat).")
def minus_for_y_one_only(y_hat, y):
    return -y * np.log(y_hat) + (1 - y) * np.log(1 - y_hat)


@log_loss.mistake("The weight of the second term is 1 - y, with the label, not 1 - y_hat.")
def prediction_for_label(y_hat, y):
    return -(y * np.log(y_hat) + (1 - y_hat) * np.log(1 - y_hat))


@log_loss.mistake("The second term is missing: what does the loss say when y = 0?")
def first_term_only(y_hat, y):
    return -y * np.log(y_hat)


@log_loss.mistake("The losses are added up. Return one loss for each entry.")
def summed_loss(y_hat, y):
    return np.sum(-y * np.log(y_hat) - (1 - y) * np.log(1 - y_hat))


@log_loss.mistake("Return one loss per example. The mean comes later, in the cost.")
def mean_loss(y_hat, y):
    return np.mean(-(y * np.log(y_hat) + (1 - y) * np.log(1 - y_hat)))


@log_loss.mistake("This is the logarithm to base 10. The loss uses the natural logarithm, `np.log`.")
def base_ten(y_hat, y):
    return -(y * np.log10(y_hat) + (1 - y) * np.log10(1 - y_hat))


@log_loss.mistake("This is the squared error. The loss of this lesson is the cross-entropy.")
def squared_error(y_hat, y):
    return 0.5 * (y_hat - y) ** 2


@log_loss.mistake("y_hat and y are exchanged: the logarithms are those of the prediction, the weights are the label's.")
def label_and_prediction_exchanged(y_hat, y):
    return -(y_hat * np.log(y) + (1 - y_hat) * np.log(1 - np.asarray(y)))


@log_loss.mistake(
    "A small number such as 1e-8 is added inside the logarithms. It changes the loss where y_hat is near 0 or 1; here "
    "y_hat is never exactly 0 or 1, so leave it out."
)
def small_number_added(y_hat, y):
    return -(y * np.log(y_hat + 1e-8) + (1 - y) * np.log(1 - y_hat + 1e-8))


@log_loss.mistake("`if y == 1` decides once, for one label. The formula with y and 1 - y does it for each entry.")
def loss_with_if(y_hat, y):
    if y == 1:
        return -np.log(y_hat)
    return -np.log(1 - y_hat)


@log_loss.accept
def with_xlogy(y_hat, y):
    return -xlogy(y, y_hat) - xlogy(1 - y, 1 - y_hat)


@log_loss.accept
def with_clip(y_hat, y):
    y_hat = np.clip(y_hat, 1e-15, 1 - 1e-15)
    return -np.log(y_hat) * y - np.log(1 - y_hat) * (1 - y)


@log_loss.accept(
    "One logarithm instead of two: `np.where` picks the probability of the label that was observed, as (2.8) does."
)
def with_where(y_hat, y):
    return -np.log(np.where(np.asarray(y) == 1, y_hat, 1 - np.asarray(y_hat)))


@log_loss.accept(
    "From the score z instead of the probability: log(1 + e^z) - y z stays exact where ŷ is rounded to 0 or 1. "
    "Libraries compute the loss this way."
)
def through_the_score(y_hat, y):
    z = np.log(y_hat) - np.log1p(-np.asarray(y_hat))
    return np.logaddexp(0, z) - y * z


# --- initialize_with_zeros -------------------------------------------------------------------------------------------


def size_cases(rng):
    return [case(n_x=int(n)) for n in (rng.integers(2, 5), rng.integers(6, 12))] + [case(n_x=1)]


@lesson.exercise(
    points=1,
    topic=7,
    equation="(2.16)",
    returns=("w", "b"),
    cases=size_cases,
    ask="The score of all examples is w.T @ X + b, with X of shape (n_x, m). Which two sizes must w have, and what "
    "is added to each score?",
    small={"n_x": 3},
)
def initialize_with_zeros(n_x):
    """Return the starting point of gradient descent.

    Parameters
    ----------
    n_x : int
        Number of features.

    Returns
    -------
    w : ndarray, shape (n_x, 1)
    b : float
    """
    return np.zeros((n_x, 1)), 0.0  # (2.16)


@initialize_with_zeros.mistake("`np.zeros(n_x)` has one axis, shape (n_x,). A column is `np.zeros((n_x, 1))`.")
def one_axis(n_x):
    return np.zeros(n_x), 0.0


@initialize_with_zeros.mistake("w is a column, shape (n_x, 1). This is a row.")
def row(n_x):
    return np.zeros((1, n_x)), 0.0


@initialize_with_zeros.mistake("These are ones. The starting point is zero.")
def ones(n_x):
    return np.ones((n_x, 1)), 0.0


@initialize_with_zeros.mistake("b is one number, not a vector: it is the same for all features.")
def b_as_vector(n_x):
    return np.zeros((n_x, 1)), np.zeros((n_x, 1))


@initialize_with_zeros.mistake("Only w comes back. Return w and b: `return w, b`.")
def only_w(n_x):
    return np.zeros((n_x, 1))


@initialize_with_zeros.mistake("`np.zeros` takes the shape as one argument, a tuple: `np.zeros((n_x, 1))`.")
def shape_in_two_arguments(n_x):
    return np.zeros(n_x, 1), 0.0


@initialize_with_zeros.accept
def integer_zero(n_x):
    return np.zeros(shape=[n_x, 1]), 0


@initialize_with_zeros.accept(
    "`np.full` takes any value: with 0 it is `np.zeros`, except that these are whole numbers."
)
def numpy_scalar(n_x):
    return np.full((n_x, 1), 0), np.float64(0)


@initialize_with_zeros.accept
def in_a_list(n_x):
    return [np.array([[0.0]] * n_x), np.array(0.0)]


# --- propagate_loop and propagate ------------------------------------------------------------------------------------


@lesson.exercise(
    points=3,
    topic=8,
    equation="(2.13), (2.23) and (2.24)",
    returns=("grads", "cost"),
    backward=True,
    cases=dataset_cases,
    ask="Which of z, a, dz, J, dw, db start anew with each example, and which grow until the last one?",
    small=SMALL,
    why={
        "question": "Why does z start at b for each example, before the loop over the features?",
        "where": "z = b",
        "choices": {
            "each example has its own score, and b is part of each": "Yes. What is left of the example before must go.",
            "b is added once for all examples": "No: (2.1) has one b in the score of every example.",
            "so that z is not 0 when the weights are": "No: a score of 0 is fine. It would go on from the example before.",
        },
    },
)
def propagate_loop(w, b, X, Y):
    """Return the gradients and the cost, one example and one feature at a time.

    Parameters
    ----------
    w : ndarray, shape (n_x, 1)
    b : float
    X : ndarray, shape (n_x, m)
        One example per column.
    Y : ndarray, shape (1, m)
        Labels 0 or 1.

    Returns
    -------
    grads : dict
        ``"dw"``, ndarray of shape (n_x, 1), and ``"db"``, float: derivatives of the mean cost J.
    cost : float
        J, the mean cross-entropy.
    """
    n_x, m = X.shape
    cost, dw, db = 0.0, np.zeros((n_x, 1)), 0.0
    for i in range(m):
        z = b
        for j in range(n_x):
            z += w[j, 0] * X[j, i]  # (2.1)
        a = sigmoid(z)  # (2.2)
        cost += log_loss(a, Y[0, i])  # loss: (2.12)
        dz = a - Y[0, i]  # (2.20)
        for j in range(n_x):
            dw[j, 0] += X[j, i] * dz  # (2.21)
        db += dz  # (2.22)
    cost = cost / m  # (2.13)
    dw = dw / m  # (2.23)
    db = db / m  # (2.24)
    return {"dw": dw, "db": db}, cost


@lesson.exercise(
    points=3,
    topic=8,
    equation="(2.27) to (2.31)",
    returns=("grads", "cost"),
    backward=True,
    cases=dataset_cases,
    ask="dw has one number per feature. On which axis of X and of dZ are the examples, and which product sums over it?",
    small=SMALL,
    why={
        "question": "Why do dw and db need the factor 1/m?",
        "choices": {
            "J is a mean over the examples, and so is its derivative": "Yes: (2.23) and (2.24).",
            "without it the numbers overflow": "No: 391 losses add up to a moderate number. Look at (2.13).",
            "it makes the steps of gradient descent small": "No: that is what the learning rate is for. Look at (2.13).",
        },
    },
)
def propagate(w, b, X, Y):
    """Return the gradients and the cost of all examples at once; arguments and results as in `propagate_loop`."""
    m = X.shape[1]
    A = sigmoid(w.T @ X + b)  # (2.27)
    cost = float(np.mean(log_loss(A, Y)))  # (2.28) with (2.12)
    dZ = A - Y  # (2.29)
    dw = X @ dZ.T / m  # (2.30)
    db = float(np.mean(dZ))  # (2.31)
    return {"dw": dw, "db": db}, cost


def propagate_variant(w, b, X, Y, cost=None, dZ=None, dw=None, db=None):
    """Return what `propagate` returns, with some steps replaced; a mistake replaces one."""
    m = X.shape[1]
    A = sigmoid(w.T @ X + b)
    dZ = A - Y if dZ is None else dZ(A)
    grads = {
        "dw": X @ dZ.T / m if dw is None else dw(dZ),
        "db": np.mean(dZ) if db is None else db(dZ),
    }
    return grads, np.mean(log_loss(A, Y)) if cost is None else cost(A)


@propagate.mistake("dw lacks the factor 1/m: it is a sum over the examples, and J is a mean.")
@propagate_loop.mistake("dw lacks the factor 1/m: divide by m after the loop over the examples.")
def dw_without_mean(w, b, X, Y):
    return propagate_variant(w, b, X, Y, dw=lambda dZ: X @ dZ.T)


@propagate.mistake("db lacks the factor 1/m: it is a sum over the examples, and J is a mean.")
@propagate_loop.mistake("db lacks the factor 1/m: divide by m after the loop over the examples.")
def db_without_mean(w, b, X, Y):
    return propagate_variant(w, b, X, Y, db=np.sum)


@propagate.mistake("dw and db lack the factor 1/m: they are sums over the examples, and J is a mean.")
@propagate_loop.mistake("dw and db lack the factor 1/m: divide both by m after the loop over the examples.")
def gradients_without_mean(w, b, X, Y):
    return propagate_variant(w, b, X, Y, dw=lambda dZ: X @ dZ.T, db=np.sum)


@propagate.mistake("The cost lacks the factor 1/m.")
@propagate_loop.mistake("The cost lacks the factor 1/m: divide it by m after the loop.")
def cost_without_mean(w, b, X, Y):
    return propagate_variant(w, b, X, Y, cost=lambda A: np.sum(log_loss(A, Y)))


@propagate_loop.mistake("`J += m` adds m to the cost. The step after the loop is `J /= m`.")
def m_added_to_the_cost(w, b, X, Y):
    return propagate_variant(w, b, X, Y, cost=lambda A: np.sum(log_loss(A, Y)) + X.shape[1])


@propagate.mistake("m is the number of columns, X.shape[1]. X.shape[0] and `len(X)` count the features.")
@propagate_loop.mistake("m is the number of columns, X.shape[1]. X.shape[0] and `len(X)` count the features.")
def features_for_m(w, b, X, Y):
    n_x = X.shape[0]
    return propagate_variant(
        w, b, X, Y, cost=lambda A: np.sum(log_loss(A, Y)) / n_x, dw=lambda dZ: X @ dZ.T / n_x,
        db=lambda dZ: np.sum(dZ) / n_x,
    )  # fmt: skip


@propagate.mistake("The sign of the term for y = 0 is wrong: the minus stands before both terms of (2.12).")
@propagate_loop.mistake("The sign of the term for y = 0 is wrong: the minus stands before both terms of (2.12).")
def sign_of_the_second_term(w, b, X, Y):
    return propagate_variant(w, b, X, Y, cost=lambda A: -np.mean(Y * np.log(A) - (1 - Y) * np.log(1 - A)))


@propagate.mistake("b is subtracted. The exponent is -(w.T X + b): put the whole score in parentheses.")
@propagate_loop.mistake("b is subtracted. The exponent is -(w x + b): put the whole score in parentheses.")
def parentheses_of_the_score_missing(w, b, X, Y):
    return propagate_variant(w, -b, X, Y)


@propagate.mistake(
    "Your cost adds up a table of m by m numbers: `Y.T * np.log(A)`, or `np.dot(Y.T, np.log(A))`, pairs every label with "
    "every prediction. Multiply entry by entry, `Y * np.log(A)`, or take the product of row and column."
)
def cost_of_a_table(w, b, X, Y):
    return propagate_variant(
        w, b, X, Y, cost=lambda A: -np.sum(Y.T * np.log(A) + (1 - Y).T * np.log(1 - A)) / X.shape[1]
    )


@propagate.mistake("The cost is one number for each example. Add the losses up, then divide by m.")
def cost_not_summed(w, b, X, Y):
    return propagate_variant(w, b, X, Y, cost=lambda A: log_loss(A, Y) / X.shape[1])


@propagate.mistake("The cost is the loss of each example. Take the mean of the losses.")
def losses_returned(w, b, X, Y):
    return propagate_variant(w, b, X, Y, cost=lambda A: log_loss(A, Y))


@propagate.mistake(
    "A product does not fit: its inner sizes are 1 and n_x. The scores are `w.T @ X`, (1, n_x) times (n_x, m), and dw is "
    "`X @ dZ.T`."
)
@squared_cost.mistake(
    "Without `.T` the shapes of w and X do not fit: (n_x, 1) times (n_x, m). Turn w into a row: `w.T @ X`."
)
def w_not_transposed(w, b, X, Y):
    return w @ X + b


@propagate.mistake("dw is one number: the sum runs over the features, too. X @ dZ.T sums over the examples alone.")
def dw_one_number(w, b, X, Y):
    return propagate_variant(w, b, X, Y, dw=lambda dZ: np.sum(X * dZ) / X.shape[1])


@propagate_loop.mistake(
    "db is added once for each feature: `db += dz` stands in the inner loop. It belongs outside of it."
)
def db_in_the_inner_loop(w, b, X, Y):
    return propagate_variant(w, b, X, Y, db=lambda dZ: np.mean(dZ) * X.shape[0])


@propagate_loop.mistake(
    "You divide by m in each turn of the loop, so the first examples hardly count. Divide after it."
)
def divided_inside_the_loop(w, b, X, Y):
    m, A = X.shape[1], sigmoid(w.T @ X + b)
    cost, dw, db = 0.0, np.zeros(w.shape), 0.0
    for i in range(m):
        dz = A[0, i] - Y[0, i]
        cost = (cost + log_loss(A[0, i], Y[0, i])) / m
        dw, db = (dw + X[:, [i]] * dz) / m, (db + dz) / m
    return {"dw": dw, "db": db}, cost


@propagate.mistake("The cost lacks its minus sign.")
@propagate_loop.mistake("The cost lacks its minus sign.")
def cost_without_minus(w, b, X, Y):
    return propagate_variant(w, b, X, Y, cost=lambda A: -np.mean(log_loss(A, Y)))


@propagate.mistake("dZ is A - Y, not Y - A: your gradients point downhill.")
@propagate_loop.mistake("dz is a - y, not y - a: your gradients point downhill.")
def dz_with_wrong_sign(w, b, X, Y):
    return propagate_variant(w, b, X, Y, dZ=lambda A: Y - A)


@propagate.mistake(
    "This dZ belongs to the squared error. With the cross-entropy the factor A (1 - A) cancels: dZ = A - Y."
)
@propagate_loop.mistake(
    "This dz belongs to the squared error. With the cross-entropy the factor a (1 - a) cancels: dz = a - y."
)
def dz_of_squared_error(w, b, X, Y):
    return propagate_variant(w, b, X, Y, dZ=lambda A: (A - Y) * A * (1 - A))


@propagate.mistake("dw is transposed: it has the shape of w, (n_x, 1). Use X @ dZ.T, not dZ @ X.T.")
@propagate_loop.mistake("dw is a row. It has the shape of w, (n_x, 1).")
def dw_transposed(w, b, X, Y):
    return propagate_variant(w, b, X, Y, dw=lambda dZ: dZ @ X.T / X.shape[1])


@propagate.mistake("`*` multiplies entry by entry. X @ dZ.T sums over the examples.")
def entrywise_product(w, b, X, Y):
    return propagate_variant(w, b, X, Y, dw=lambda dZ: X * dZ / X.shape[1])


@propagate.mistake("b is not in your Z.")
@propagate_loop.mistake("b is not in your z.")
def z_without_b(w, b, X, Y):
    return propagate_variant(w, 0.0, X, Y)


@propagate_loop.mistake("Only the last example counts: use `+=` inside the loop, not `=`.")
def assigned_instead_of_added(w, b, X, Y):
    m = X.shape[1]
    last, cost = propagate_variant(w, b, X[:, -1:], Y[:, -1:])
    return {"dw": last["dw"] / m, "db": last["db"] / m}, cost / m


@propagate_loop.mistake("In dw only the last example counts: `dw[j, 0] += ...`, not `=`.")
def dw_assigned_instead_of_added(w, b, X, Y):
    return propagate_variant(w, b, X, Y, dw=lambda dZ: X[:, -1:] @ dZ[:, -1:].T / X.shape[1])


@propagate_loop.mistake("z goes on growing from one example to the next: start it anew (`z = b`) for each example.")
def z_not_reset(w, b, X, Y):
    m = X.shape[1]
    Z = np.cumsum(w.T @ X, axis=1) + b
    A = sigmoid(Z)
    return {"dw": X @ (A - Y).T / m, "db": np.mean(A - Y)}, np.mean(log_loss(A, Y))


@propagate_loop.mistake("The last example is missing: `range(m)` has the numbers 0 to m - 1.")
def last_example_missing(w, b, X, Y):
    grads, cost = propagate_variant(w, b, X[:, :-1], Y[:, :-1]) if X.shape[1] > 1 else ({"dw": 0 * w, "db": 0.0}, 0.0)
    share = (X.shape[1] - 1) / X.shape[1]
    return {name: share * value for name, value in grads.items()}, share * cost


@propagate_loop.mistake(
    "`return` stands inside the loop, so only the first example is added. It stands after the loop."
)
def returned_inside_the_loop(w, b, X, Y):
    grads, cost = propagate_variant(w, b, X[:, :1], Y[:, :1])
    return {name: value / X.shape[1] for name, value in grads.items()}, cost / X.shape[1]


@propagate.mistake("You divide by m - 1. The cost and its gradients are means over the m examples.")
@propagate_loop.mistake("You divide by m - 1. The cost and its gradients are means over the m examples.")
def divided_by_one_less(w, b, X, Y):
    grads, cost = propagate_variant(w, b, X, Y)
    factor = X.shape[1] / max(X.shape[1] - 1, 1)
    return {name: factor * value for name, value in grads.items()}, factor * cost


@propagate.accept
@propagate_loop.accept(
    "`zip` walks through columns and labels together, and the mean is taken on the way: each example adds its m-th part."
)
def with_plain_loops(w, b, X, Y):
    J, dw, db, m = 0, [0] * len(w), 0, X.shape[1]
    for x, y in zip(X.T, Y[0], strict=True):
        a = 1 / (1 + math.exp(-sum(wj * xj for wj, xj in zip(w[:, 0], x, strict=True)) - b))
        J -= math.log(a) if y == 1 else math.log(1 - a)
        db += (a - y) / m
        for j in range(len(x)):
            dw[j] += x[j] * (a - y) / m
    return {"dw": np.array(dw).reshape(-1, 1), "db": db, "more": "entries are fine"}, J / m


@propagate.accept(
    "`np.einsum` names the axes: the letter i, the examples, is in both factors and not in the result, so it is summed."
)
@propagate_loop.accept
def with_einsum(w, b, X, Y):
    Z = np.einsum("jk,ji->ki", w, X) + b
    dZ = (expit(Z) - Y) / X.shape[1]
    return [{"dw": np.einsum("ji,ki->jk", X, dZ), "db": np.array(dZ.sum())}, np.mean(np.logaddexp(0, Z) - Y * Z)]


@propagate.accept(
    "The cost as two products of matrices, (1, m) times (m, 1): each sums over the examples, so no mean is called."
)
@propagate_loop.accept
def with_dot_and_squeeze(w, b, X, Y):
    m = X.shape[1]
    A = sigmoid(np.dot(w.T, X) + b)
    cost = -1 / m * (np.dot(Y, np.log(A).T) + np.dot(1 - Y, np.log(1 - A).T))
    return {"dw": 1 / m * np.dot(X, (A - Y).T), "db": 1 / m * np.sum(A - Y)}, np.squeeze(cost)


# --- optimize --------------------------------------------------------------------------------------------------------


def optimize_cases(rng):
    return [
        case(**labelled_examples(rng, n_x=2, m=5), num_iterations=1, learning_rate=0.3),
        case(**labelled_examples(rng, n_x=3, m=7) | {"b": -0.4}, num_iterations=4, learning_rate=0.5),
        case(**labelled_examples(rng, n_x=4, m=6), num_iterations=9, learning_rate=0.05),
    ]


@lesson.exercise(
    points=2,
    topic=7,
    equation="(2.14) and (2.15)",
    returns=("params", "grads", "costs"),
    cases=optimize_cases,
    ask="Which values must be computed anew in each step before w and b change, because they belong to the old w and b?",
    small={**SMALL, "num_iterations": 2, "learning_rate": 0.3},
    why={
        "question": "Why `w = w - ...` and not `w -= ...`?",
        "where": "w = w -",
        "choices": {
            "`w -= ...` changes the array that the caller passed in": "Yes: its starting point would move with the walk.",
            "`w -= ...` is slower": "No: it even saves an array. It works on the caller's own one.",
            "`w -= ...` gives another number": "No: the number is the same. The question is whose array it lands in.",
        },
    },
)
def optimize(w, b, X, Y, num_iterations=100, learning_rate=0.009):
    """Walk downhill from (w, b) by gradient descent.

    Parameters
    ----------
    w, b, X, Y
        As in `propagate`; w and b are where the walk starts.
    num_iterations : int
        Number of steps.
    learning_rate : float
        Step size alpha.

    Returns
    -------
    params : dict
        ``"w"`` and ``"b"`` after the last step.
    grads : dict
        ``"dw"`` and ``"db"`` that the last step used.
    costs : list of float
        The cost before each step; ``num_iterations`` numbers.
    """
    costs = []
    for _ in range(num_iterations):
        grads, cost = propagate(w, b, X, Y)
        w = w - learning_rate * grads["dw"]  # (2.14)
        b = b - learning_rate * grads["db"]  # (2.15)
        costs.append(cost)
    return {"w": w, "b": b}, grads, costs


@optimize.mistake("Your steps go uphill: subtract learning_rate times the gradient.")
def uphill(w, b, X, Y, num_iterations, learning_rate):
    return optimize(w, b, X, Y, num_iterations, -learning_rate)


@optimize.mistake("b never changes. Each step updates w and b.")
def b_not_updated(w, b, X, Y, num_iterations, learning_rate):
    costs = []
    for _ in range(num_iterations):
        grads, cost = propagate(w, b, X, Y)
        w = w - learning_rate * grads["dw"]
        costs.append(cost)
    return {"w": w, "b": b}, grads, costs


@optimize.mistake("The learning rate is not used, or fixed inside the function. Use the argument learning_rate.")
def learning_rate_fixed(w, b, X, Y, num_iterations, learning_rate):
    return optimize(w, b, X, Y, num_iterations, 0.009)


@optimize.mistake("The learning rate is not used: multiply the gradient by learning_rate.")
def learning_rate_forgotten(w, b, X, Y, num_iterations, learning_rate):
    return optimize(w, b, X, Y, num_iterations, 1.0)


@optimize.mistake("The number of steps is fixed inside the function. Use the argument num_iterations.")
def iterations_fixed(w, b, X, Y, num_iterations, learning_rate):
    return optimize(w, b, X, Y, 100, learning_rate)


@optimize.mistake(
    "The gradient is computed once. After each step the gradient is another: call propagate inside the loop."
)
def gradient_computed_once(w, b, X, Y, num_iterations, learning_rate):
    grads, cost = propagate(w, b, X, Y)
    step = num_iterations * learning_rate
    return {"w": w - step * grads["dw"], "b": b - step * grads["db"]}, grads, [cost] * num_iterations


def walked(w, b, X, Y, num_iterations, learning_rate, step):
    """Return what `optimize` returns, where ``step(w, b)`` gives the next w and b, the gradients and the cost."""
    costs = []
    for _ in range(num_iterations):
        w, b, grads, cost = step(w, b)
        costs.append(cost)
    return {"w": w, "b": b}, grads, costs


@optimize.mistake(
    "b is updated with a gradient that was taken after w had moved. Compute both gradients first, then move both."
)
def b_after_w_has_moved(w, b, X, Y, num_iterations, learning_rate):
    def step(w, b):
        grads, cost = propagate(w, b, X, Y)
        w = w - learning_rate * grads["dw"]
        grads = grads | {"db": propagate(w, b, X, Y)[0]["db"]}
        return w, b - learning_rate * grads["db"], grads, cost

    return walked(w, b, X, Y, num_iterations, learning_rate, step)


@optimize.mistake(
    "b moves along a gradient that was taken at the new w, not along the one that you return. Move both with the same."
)
def b_along_another_gradient(w, b, X, Y, num_iterations, learning_rate):
    def step(w, b):
        grads, cost = propagate(w, b, X, Y)
        w = w - learning_rate * grads["dw"]
        return w, b - learning_rate * propagate(w, b, X, Y)[0]["db"], grads, cost

    return walked(w, b, X, Y, num_iterations, learning_rate, step)


@optimize.mistake("These costs are those after each step. Note the cost before the step: it comes with the gradients.")
def costs_after_each_step(w, b, X, Y, num_iterations, learning_rate):
    def step(w, b):
        grads, _ = propagate(w, b, X, Y)
        w, b = w - learning_rate * grads["dw"], b - learning_rate * grads["db"]
        return w, b, grads, propagate(w, b, X, Y)[1]

    return walked(w, b, X, Y, num_iterations, learning_rate, step)


@optimize.mistake("These are the gradients at the end of the walk. Return those that the last step used.")
def gradients_at_the_end(w, b, X, Y, num_iterations, learning_rate):
    params, _, costs = optimize(w, b, X, Y, num_iterations, learning_rate)
    return params, propagate(params["w"], params["b"], X, Y)[0], costs


@optimize.mistake("The walk stands still: the updated w and b are not stored. Write `w = w - ...` and `b = b - ...`.")
def updates_not_stored(w, b, X, Y, num_iterations, learning_rate):
    grads, cost = propagate(w, b, X, Y)
    return {"w": w, "b": b}, grads, [cost] * num_iterations


@optimize.mistake("There is one step too few. `range(num_iterations)` makes num_iterations steps.")
def one_step_too_few(w, b, X, Y, num_iterations, learning_rate):
    if num_iterations == 1:
        return {"w": w, "b": b}, {}, []
    return optimize(w, b, X, Y, num_iterations - 1, learning_rate)


@optimize.mistake("The parameters come back as they were before the walk. Return the updated w and b.")
def start_returned(w, b, X, Y, num_iterations, learning_rate):
    _, grads, costs = optimize(w, b, X, Y, num_iterations, learning_rate)
    return {"w": w, "b": b}, grads, costs


@optimize.mistake("`w -= ...` changes the caller's array. Write `w = w - ...`, which makes a new one.")
def w_changed_in_place(w, b, X, Y, num_iterations, learning_rate):
    costs = []
    for _ in range(num_iterations):
        grads, cost = propagate(w, b, X, Y)
        w -= learning_rate * grads["dw"]
        b -= learning_rate * grads["db"]
        costs.append(cost)
    return {"w": w, "b": b}, grads, costs


@optimize.mistake("Only every hundredth cost is kept. Append the cost of every step.")
def costs_of_every_hundredth_step(w, b, X, Y, num_iterations=100, learning_rate=0.009):
    params, grads, costs = optimize(w, b, X, Y, num_iterations, learning_rate)
    return params, grads, costs[::100]


@optimize.accept("On a copy, `-=` is allowed: it changes an array of its own and makes no new one in each step.")
def on_a_copy(w, b, X, Y, num_iterations=100, learning_rate=0.009):
    w = np.array(w, copy=True)
    costs = np.zeros(num_iterations)
    for step in range(num_iterations):
        grads, costs[step] = propagate(w, b, X, Y)
        w -= learning_rate * grads["dw"]
        b -= learning_rate * grads["db"]
    return {"b": np.float64(b), "w": w}, grads, costs


@optimize.accept(
    "The list of costs counts the steps; and w and b change in one line, so neither can use the other's new value."
)
def with_while(w, b, X, Y, num_iterations=100, learning_rate=0.009):
    costs = []
    while len(costs) < num_iterations:
        grads, cost = propagate_loop(w, b, X, Y)
        w, b = w - learning_rate * grads["dw"], b - learning_rate * grads["db"]
        costs += [cost]
    return {"w": w, "b": b}, grads, tuple(costs)


# --- predict ---------------------------------------------------------------------------------------------------------


def predict_cases(rng):
    def one(n_x, b, scores):
        """Return w, b, X with these scores in some order: none so near to 0 that rounding decides a label."""
        w = rng.normal(size=(n_x, 1))
        X = rng.normal(size=(n_x, len(scores)))
        X = X + w @ (rng.permutation(scores)[None, :] - b - w.T @ X) / np.sum(w * w)
        return case(w=w, b=b, X=X)

    return [
        one(2, 0.9, [-1.5, -0.3, 0.3, 2.0]),
        one(3, -0.9, [-2.0, -1.0, -0.3, 0.2, 0.4, 0.8, 1.6]),
        one(4, 0.6, [0.9]),
        one(3, 0.5, [-0.16, -0.05, -0.01, 0.01, 0.04, 0.15]),
        # A score of exactly 0, so a probability of exactly 1/2, which is not above 1/2.
        case(w=rng.normal(size=(2, 1)), b=0.0, X=rng.normal(size=(2, 3)) * [1, 0, 1]),
    ]


@lesson.exercise(
    points=1,
    topic=5,
    equation="(2.32)",
    cases=predict_cases,
    ask="What does NumPy give for an array that is compared with a number, and what does the exercise ask for?",
    small={name: SMALL[name] for name in ("w", "b", "X")},
)
def predict(w, b, X):
    """Return the predicted label of each example.

    Parameters
    ----------
    w : ndarray, shape (n_x, 1)
    b : float
    X : ndarray, shape (n_x, m)

    Returns
    -------
    Y_prediction : ndarray, shape (1, m)
        1 where the probability is above 1/2, else 0.
    """
    return (sigmoid(w.T @ X + b) > 0.5).astype(int)  # (2.32)


@predict.mistake("These are probabilities. Compare them with 1/2 and return 0 or 1.")
def probabilities(w, b, X):
    return sigmoid(w.T @ X + b)


@predict.mistake("A probability of exactly 1/2 is not above 1/2, so its label is 0: `>`, not `>=`.")
def half_taken_for_one(w, b, X):
    return (sigmoid(w.T @ X + b) >= 0.5).astype(int)


@predict.mistake("Your threshold is below 1/2: some labels are 1 where the probability is between it and 1/2.")
def threshold_too_low(w, b, X):
    return (sigmoid(w.T @ X + b) > 0.45).astype(int)


@predict.mistake("Your threshold is above 1/2: some labels are 0 where the probability is between 1/2 and it.")
def threshold_too_high(w, b, X):
    return (sigmoid(w.T @ X + b) > 0.55).astype(int)


@predict.mistake("A probability is always above 0. The threshold is 1/2.")
def threshold_zero(w, b, X):
    return (sigmoid(w.T @ X + b) > 0).astype(int)


@predict.mistake("The threshold 1/2 belongs to the probability a, not to the score z. Is sigmoid missing?")
def threshold_on_the_score(w, b, X):
    return (w.T @ X + b > 0.5).astype(int)


@predict.mistake("The labels are swapped: predict 1 where the probability is above 1/2.")
def labels_swapped(w, b, X):
    return (sigmoid(w.T @ X + b) <= 0.5).astype(int)


@predict.mistake("b is not in your z.")
def predict_without_b(w, b, X):
    return (sigmoid(w.T @ X) > 0.5).astype(int)


@predict.mistake("Your labels have one axis, shape (m,). Keep the row: shape (1, m).")
def one_axis_of_labels(w, b, X):
    return (sigmoid(w.T @ X + b) > 0.5).astype(int)[0]


@predict.mistake(
    "Without `.T` the shapes of w and X do not fit: (n_x, 1) times (n_x, m). Turn w into a row: `w.T @ X`."
)
def predict_with_w_not_transposed(w, b, X):
    return w @ X + b


@predict.accept
def booleans(w, b, X):
    return sigmoid(np.dot(w.T, X) + b) > 0.5


@predict.accept("σ(z) is above 1/2 exactly where z is above 0, so the exponential is not needed.")
def sign_of_the_score(w, b, X):
    return np.where(w.T @ X + b > 0, 1.0, 0.0)


@predict.accept("One example at a time: easier to read aloud, slower by the factor of section 9.")
def label_by_label(w, b, X):
    Y_prediction = np.zeros((1, X.shape[1]))
    for i in range(X.shape[1]):
        if 1 / (1 + np.exp(-(np.sum(w[:, 0] * X[:, i]) + b))) > 0.5:
            Y_prediction[0, i] = 1
    return Y_prediction


@predict.accept
def rounded(w, b, X):
    return np.round(sigmoid(w.T @ X + b))


# --- model -----------------------------------------------------------------------------------------------------------


def model_cases(rng):
    def one(n_x, m_train, m_test, num_iterations, learning_rate):
        """Return two overlapping clouds, so that no set is predicted without errors."""
        train, test = (labelled_examples(rng, n_x, m) for m in (m_train, m_test))
        for part in (train, test):
            part["X"] = part["X"] + 0.8 * (2 * part["Y"] - 1) + 0.3
        return case(
            X_train=train["X"], Y_train=train["Y"], X_test=test["X"], Y_test=test["Y"],
            num_iterations=num_iterations, learning_rate=learning_rate,
        )  # fmt: skip

    return [one(2, 9, 5, 3, 0.4), one(3, 12, 7, 20, 0.1)]


@lesson.exercise(
    points=2,
    topic=8,
    equation="(2.14) to (2.16) and (2.32)",
    cases=model_cases,
    ask="Which of your functions gives each entry of the dict, and which of the two sets may it see?",
    small={
        "X_train": SMALL["X"],
        "Y_train": SMALL["Y"],
        "X_test": np.array([[2.0, -1.0], [1.0, 0.0]]),
        "Y_test": np.array([[1, 1]]),
        "num_iterations": 2,
        "learning_rate": 0.3,
    },
)
def model(X_train, Y_train, X_test, Y_test, num_iterations=2000, learning_rate=0.005):
    """Train logistic regression from zeros and predict both sets.

    Parameters
    ----------
    X_train, X_test : ndarray, shape (n_x, m_train) and (n_x, m_test)
    Y_train, Y_test : ndarray, shape (1, m_train) and (1, m_test)
        Y_test is not used for training.
    num_iterations : int
    learning_rate : float

    Returns
    -------
    result : dict
        ``"w"`` and ``"b"`` after training, ``"costs"`` of `optimize`, ``"Y_prediction_train"`` and
        ``"Y_prediction_test"``.
    """
    w, b = initialize_with_zeros(X_train.shape[0])  # start: (2.16)
    params, _, costs = optimize(w, b, X_train, Y_train, num_iterations, learning_rate)  # steps: (2.14), (2.15)
    return {
        "w": params["w"],
        "b": params["b"],
        "costs": costs,
        "Y_prediction_train": predict(params["w"], params["b"], X_train),
        "Y_prediction_test": predict(params["w"], params["b"], X_test),
    }  # (2.32)


@model.mistake("The predictions come from the parameters before training. Take w and b out of params.")
def predicted_before_training(X_train, Y_train, X_test, Y_test, num_iterations, learning_rate):
    result = model(X_train, Y_train, X_test, Y_test, num_iterations, learning_rate)
    w, b = initialize_with_zeros(X_train.shape[0])
    return result | {"Y_prediction_train": predict(w, b, X_train), "Y_prediction_test": predict(w, b, X_test)}


@model.mistake("w and b are those of the start, which optimize leaves as they are. The trained ones stand in `params`.")
def trained_parameters_lost(X_train, Y_train, X_test, Y_test, num_iterations, learning_rate):
    result = model(X_train, Y_train, X_test, Y_test, num_iterations, learning_rate)
    w, b = initialize_with_zeros(X_train.shape[0])
    predictions = {"Y_prediction_train": predict(w, b, X_train), "Y_prediction_test": predict(w, b, X_test)}
    return result | {"w": w, "b": b} | predictions


@model.mistake("Your model trains on the test set. It may only be used for the last prediction.")
def trained_on_the_test_set(X_train, Y_train, X_test, Y_test, num_iterations, learning_rate):
    swapped = model(X_test, Y_test, X_train, Y_train, num_iterations, learning_rate)
    return swapped | {
        "Y_prediction_train": swapped["Y_prediction_test"],
        "Y_prediction_test": swapped["Y_prediction_train"],
    }


@model.mistake("Your model trains on both sets together. The test set may only be used for the last prediction.")
def trained_on_both_sets(X_train, Y_train, X_test, Y_test, num_iterations, learning_rate):
    X, Y = np.hstack([X_train, X_test]), np.hstack([Y_train, Y_test])
    result = model(X, Y, X, Y, num_iterations, learning_rate)
    w, b = result["w"], result["b"]
    return result | {"Y_prediction_train": predict(w, b, X_train), "Y_prediction_test": predict(w, b, X_test)}


@model.mistake("The predictions of the training set and the test set are swapped.")
def predictions_swapped(X_train, Y_train, X_test, Y_test, num_iterations, learning_rate):
    result = model(X_train, Y_train, X_test, Y_test, num_iterations, learning_rate)
    return result | {
        "Y_prediction_train": result["Y_prediction_test"],
        "Y_prediction_test": result["Y_prediction_train"],
    }


@model.mistake("num_iterations and learning_rate are not passed on to optimize: it used its own defaults.")
def defaults_of_optimize(X_train, Y_train, X_test, Y_test, num_iterations, learning_rate):
    return model(X_train, Y_train, X_test, Y_test, 100, 0.009)


@model.mistake("learning_rate is not passed on to optimize: it used its own default.")
def default_learning_rate(X_train, Y_train, X_test, Y_test, num_iterations, learning_rate):
    return model(X_train, Y_train, X_test, Y_test, num_iterations, 0.009)


@model.mistake(
    "The training examples are predicted with the w and b of the start. Use those in `params`, as for the new ones."
)
def train_predicted_before_training(X_train, Y_train, X_test, Y_test, num_iterations=2000, learning_rate=0.005):
    found = model(X_train, Y_train, X_test, Y_test, num_iterations, learning_rate)
    w, b = initialize_with_zeros(X_train.shape[0])
    return found | {"Y_prediction_train": predict(w, b, X_train)}


@model.mistake(
    "`optimize` returns three values, the parameters first. Unpack them: `params, grads, costs = optimize(...)`."
)
def results_not_unpacked(X_train, Y_train, X_test, Y_test, num_iterations=2000, learning_rate=0.005):
    w, b = initialize_with_zeros(X_train.shape[0])
    params = optimize(w, b, X_train, Y_train, num_iterations, learning_rate)
    return {"w": params["w"], "b": params["b"]}


@model.accept(
    "Everything in one loop, without the functions before it: shorter, but no part can be checked or used alone."
)
def in_one_function(X_train, Y_train, X_test, Y_test, num_iterations=2000, learning_rate=0.005):
    w, b, m, costs = np.zeros((len(X_train), 1)), 0, Y_train.size, []
    for _ in range(num_iterations):
        A = expit(w.T @ X_train + b)
        costs.append(-np.mean(np.log(np.where(Y_train == 1, A, 1 - A))))
        w = w - learning_rate / m * X_train @ (A - Y_train).T
        b = b - learning_rate / m * np.sum(A - Y_train)
    return {
        "costs": costs, "w": w, "b": b, "learning_rate": learning_rate,
        "Y_prediction_train": w.T @ X_train + b > 0, "Y_prediction_test": w.T @ X_test + b > 0,
    }  # fmt: skip


@model.accept
def with_keywords(X_train, Y_train, X_test, Y_test, num_iterations=2000, learning_rate=0.005):
    w, b = initialize_with_zeros(n_x=X_train.shape[0])
    params, grads, costs = optimize(
        w, b, X=X_train, Y=Y_train, learning_rate=learning_rate, num_iterations=num_iterations
    )
    w, b = params["w"], params["b"]
    predictions = {f"Y_prediction_{name}": predict(w, b, X) for name, X in (("train", X_train), ("test", X_test))}
    return {"w": w, "b": b, "costs": np.array(costs), "num_iterations": num_iterations, **predictions}
