"""Lesson 2.8, softmax regression: the catalogue of its seven exercises. Equations are those of the notebook."""

import math

import numpy as np
from scipy.special import log_softmax, logsumexp
from scipy.special import softmax as scipy_softmax

from helpers.exercises import Lesson, case

lesson = Lesson("softmax")

# --- predictions -----------------------------------------------------------------------------------------------------

lesson.predict(
    "overflow",
    "Scores 1001 and 1000, put into the formula of softmax as it stands. What does the computer give?",
    ("the same shares as for the scores 1 and 0", "1 and 0", "nan, not a number, twice"),
    "Both exponentials are infinite for the computer, and infinite over infinite has no value.",
)
lesson.predict(
    "all_logs",
    "Minus the sum of all logarithms, without the label y. Which prediction gets the lowest value? The right class is the "
    "cat.",
    ("sure, and right", "all equal", "the cat above", "sure, and wrong"),
    "Every small probability costs much, whichever class it belongs to, so the value is lowest where all are equal.",
)
lesson.predict(
    "surer",
    "300 training digits. What does a model with 1500 steps do on new digits, compared with one with 100 steps?",
    ("more are right", "it is as sure as before, and as many are right", "it is surer, and not more are right"),
    "Once all training digits are right, larger scores still lower the training cost, and larger scores mean surer answers.",
)
lesson.predict(
    "temperature",
    "All scores are divided by T = 2 before the softmax. What happens to the share of right answers?",
    ("it changes", "it stays exactly the same"),
    "The largest score stays the largest when all are divided by the same positive number.",
)
lesson.predict(
    "alone",
    "A softmax along the wrong axis, over the examples, is asked about a single digit. What do its ten probabilities add up "
    "to?",
    because="Each row is divided by its own sum, and a row with one entry divided by itself is 1: ten times 1.",
)

#: Three classes, two examples; the shares of the first are 1/8, 2/8, 5/8.
SMALL_Z = np.log(np.array([[1.0, 4.0], [2.0, 1.0], [5.0, 3.0]]))
SMALL_Y = np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 0.0]])


def mixed_labels(rng, C, m):
    """Return m labels, (1, m); the largest class does not occur, and others occur as evenly as they can."""
    return (rng.permutation(m) % (C - 1))[None, :]


def one_hot(labels, C):
    """Return labels (1, m) as columns of the identity matrix, (C, m)."""
    return np.eye(C)[labels[0]].T


# --- softmax ---------------------------------------------------------------------------------------------------------


def softmax_cases(rng):
    levels = np.array([0.0, 1000, -1000, 300, -800, 2000])
    wide = rng.permuted(np.array([[800.0, -600], [3, 745], [-900, 2], [1, 744]]) + rng.normal(size=(4, 2)), axis=0)
    return [
        case(Z=2 * rng.normal(size=(4, 5)) + 0.5),
        case(Z=2 * rng.normal(size=(3, 3)) - 0.5),
        case(Z=rng.normal(size=(5, 1))),
        case(Z=rng.normal(size=(4, 6)) + levels),
        case(Z=wide),
    ]


@lesson.exercise(
    points=3,
    topic=26,
    equation="(8.7) and (8.8)",
    cases=softmax_cases,
    ask="Which number may you add to all scores of an example, and which one keeps every exponent at 0 or below? Along which "
    "axis does it run?",
    small={"Z": SMALL_Z},
    why={
        "question": "Why is the largest score of each column subtracted?",
        "choices": {
            "no exponential can overflow, and the shares stay as they are": "Yes, by (8.6): the factor cancels.",
            "the probabilities add up to 1 only then": "No: they do in any case, as long as nothing overflows.",
            "the largest class gets the probability 1": "No: it gets the exponential 1, which is then divided by the sum.",
        },
    },
)
def softmax(Z):
    """Turn the scores of each example into probabilities of the classes.

    Parameters
    ----------
    Z : ndarray, shape (C, m)
        Scores, one example per column; of any size, such as 1000 or -1000.

    Returns
    -------
    A : ndarray, shape (C, m)
        Probabilities; each column adds up to 1.
    """
    E = np.exp(Z - np.max(Z, axis=0, keepdims=True))  # (8.7)
    return E / np.sum(E, axis=0, keepdims=True)  # (8.8)


@softmax.mistake(
    "The sum runs along the rows (axis=1), over the examples. Each example is a column: its probabilities add up to 1 "
    "over the classes, axis=0."
)
def softmax_over_the_examples(Z):
    return scipy_softmax(Z, axis=1)


@softmax.mistake("All entries together add up to 1. Each column must: sum over the classes alone, axis=0.")
def softmax_over_everything(Z):
    return scipy_softmax(Z)


@softmax.mistake(
    "Your exponentials overflow for scores such as 1000. Subtract the largest score of each column first, (8.7)."
)
def softmax_without_shift(Z):
    E = np.exp(Z)
    return E / E.sum(axis=0)


@softmax.mistake(
    "One largest score is subtracted from all columns. Where a column lies far below it, every exponential is 0. "
    "Each column has its own: np.max(Z, axis=0, keepdims=True)."
)
def shifted_by_the_largest_of_all(Z):
    E = np.exp(Z - np.max(Z))
    return E / E.sum(axis=0)


@softmax.mistake("The smallest score of the column is subtracted, so the others can still overflow. Take the largest.")
def shifted_by_the_smallest(Z):
    E = np.exp(Z - Z.min(axis=0))
    return E / E.sum(axis=0)


@softmax.mistake(
    "The mean score is subtracted. A score far above it still overflows: subtract the largest score of the column."
)
def shifted_by_the_mean(Z):
    E = np.exp(Z - Z.mean(axis=0))
    return E / E.sum(axis=0)


@softmax.mistake(
    "The largest score of each row is subtracted, not of each column. It must be the same number for all classes of an "
    "example: axis=0."
)
def shifted_by_the_largest_of_the_row(Z):
    E = np.exp(Z - Z.max(axis=1, keepdims=True))
    return E / E.sum(axis=0)


@softmax.mistake("The shift stands in the numerator only. It cancels if the sum has it too: add up the same E.")
def shift_in_the_numerator_only(Z):
    return np.exp(Z - Z.max(axis=0)) / np.exp(Z).sum(axis=0)


@softmax.mistake("The exponential is missing: scores can be negative, so their shares are no probabilities.")
def without_exponential(Z):
    return Z / Z.sum(axis=0)


@softmax.mistake(
    "The shifted scores are divided by their sum, without the exponential. Take np.exp of them first, then divide."
)
def without_exponential_after_the_shift(Z):
    E = Z - Z.max(axis=0)
    return E / E.sum(axis=0)


@softmax.mistake(
    "The bracket is in the wrong place: this is exp(Z / sum). Take the exponentials first, then divide them by their sum."
)
def quotient_in_the_exponent(Z):
    E = np.exp(Z - Z.max(axis=0))
    return np.exp(Z / E.sum(axis=0))


@softmax.mistake(
    "Your scores are cut off (`np.clip`), so those beyond the limit count alike. Subtract the largest of the column instead."
)
def scores_cut_off(Z):
    return scipy_softmax(np.clip(Z, -700, 700), axis=0)


@softmax.mistake("The sign in the exponent is wrong: a larger score must get the larger probability.")
def sign_in_the_exponent(Z):
    return scipy_softmax(-Z, axis=0)


@softmax.mistake("This is the logistic function of each score. Divide each exponential by the sum of its column.")
def logistic_of_each(Z):
    return 1 / (1 + np.exp(-Z))


@softmax.mistake("These are the logarithms of the probabilities. Return the probabilities.")
def logarithms_returned(Z):
    return log_softmax(Z, axis=0)


@softmax.mistake("These are the exponentials. Divide them by the sum of their column.")
def exponentials_returned(Z):
    return np.exp(Z - Z.max(axis=0))


@softmax.mistake("You divide by the mean of the exponentials. Divide by their sum, or the column adds up to C.")
def divided_by_the_mean(Z):
    return len(Z) * scipy_softmax(Z, axis=0)


@softmax.mistake("There is a factor 1/m. Probabilities belong to one example: its column adds up to 1.")
def divided_by_m(Z):
    return scipy_softmax(Z, axis=0) / Z.shape[1]


@softmax.mistake("You change the caller's scores: `Z -= ...` works in place. Write `Z - ...`, which makes a new array.")
def shifted_in_place(Z):
    Z -= Z.max(axis=0)
    return np.exp(Z) / np.exp(Z).sum(axis=0)


@softmax.mistake(
    "Two things: all entries together add up to 1, but each column must, axis=0; and the exponentials of scores such as "
    "1000 overflow. Subtract the largest score of each column first, (8.7)."
)
def over_everything_without_shift(Z):
    return np.exp(Z) / np.sum(np.exp(Z))


@softmax.mistake(
    "The shift goes along the columns, but the sum along the rows (axis=1). Add up over the classes, axis=0."
)
def shifted_columns_summed_rows(Z):
    E = np.exp(Z - Z.max(axis=0))
    return E / E.sum(axis=1, keepdims=True)


@softmax.mistake(
    "Two things: the sum runs over the examples (axis=1), but each column adds up to 1, axis=0; and the exponentials of "
    "scores such as 1000 overflow. Subtract the largest score of each column first, (8.7)."
)
def over_the_examples_without_shift(Z):
    return np.exp(Z) / np.sum(np.exp(Z), axis=1, keepdims=True)


@softmax.mistake("The sum has lost an axis and runs over the examples: axis=0 adds up the classes of each example.")
def rows_without_keepdims(Z):
    E = np.exp(Z - Z.max(axis=0))
    return E / E.sum(axis=1)


@softmax.mistake("The sum stands inside the exponent, and it overflows: exp(Z / sum). Divide after the exponential.")
def quotient_in_the_exponent_that_overflows(Z):
    return np.exp(Z / np.sum(np.exp(Z), axis=0, keepdims=True))


@softmax.accept
def softmax_with_loops(Z):
    C, m = Z.shape
    A = np.zeros((C, m))
    for i in range(m):
        largest = max(Z[c, i] for c in range(C))
        exponentials = [math.exp(Z[c, i] - largest) for c in range(C)]
        for c in range(C):
            A[c, i] = exponentials[c] / sum(exponentials)
    return A


@softmax.accept
def softmax_column_by_column(Z):
    columns = []
    for z in Z.T:
        e = np.exp(z - np.max(z))
        columns.append(e / e.sum())
    return np.array(columns).T


@softmax.accept("The logarithm of the sum first, and one exponential at the end: the log-sum-exp of section 5.")
def softmax_through_logarithms(Z):
    return np.exp(Z - logsumexp(Z, axis=0, keepdims=True))


@softmax.accept
def softmax_from_differences(Z):
    """1 over the sum of e to the differences; those of far larger scores are infinite, and 1 over infinity is 0."""
    with np.errstate(over="ignore"):
        return 1 / np.exp(Z[:, None, :] - Z[None, :, :]).sum(axis=0)


# --- hardmax ---------------------------------------------------------------------------------------------------------


def with_ties(rng, C, m):
    """Return scores where every other column has its largest score twice or, in the first column, in all entries."""
    Z = rng.permuted(np.arange(C)[:, None] - C / 2 + rng.uniform(-0.3, 0.3, size=(C, m)), axis=0)
    for i in range(0, m, 2):
        Z[rng.choice(C, 2, replace=False), i] = Z[:, i].max()
    Z[:, 0] = Z[0, 0]
    return Z


def hardmax_cases(rng):
    return [
        case(Z=rng.normal(size=(4, 6)) - 0.5),
        case(Z=rng.normal(size=(3, 3))),
        case(Z=rng.normal(size=(5, 1)) - 7),
        case(Z=with_ties(rng, 4, 7)),
        case(Z=with_ties(rng, 5, 5) - 4),
    ]


@lesson.exercise(
    points=1,
    topic=26,
    equation="(8.9)",
    cases=hardmax_cases,
    ask="For each column you need one row number. Which function gives the place of the first largest entry, and along which "
    "axis?",
    small={"Z": np.array([[5.0, 1.0], [2.0, 4.0], [-1.0, 4.0]])},
)
def hardmax(Z):
    """Put a 1 at the largest score of each example, and 0 elsewhere.

    Parameters
    ----------
    Z : ndarray, shape (C, m)
        Scores, one example per column.

    Returns
    -------
    H : ndarray, shape (C, m)
        One 1 in each column; at a tie, at the first of the largest scores.
    """
    H = np.zeros(Z.shape)
    H[np.argmax(Z, axis=0), np.arange(Z.shape[1])] = 1  # (8.9)
    return H


@hardmax.mistake(
    "At a tie there are several ones. Each column gets one 1, at the first of its largest scores: np.argmax gives it."
)
def ones_at_all_ties(Z):
    return (Z.max(axis=0) == Z) * 1.0


@hardmax.mistake("At a tie your 1 stands at the last of the largest scores. It belongs to the first.")
def last_of_the_ties(Z):
    return one_hot(len(Z) - 1 - np.argmax(Z[::-1], axis=0)[None, :], len(Z))


@hardmax.mistake("At a tie the 1 is shared. The first of the largest scores gets all of it.")
def shared_at_ties(Z):
    H = (Z.max(axis=0) == Z) * 1.0
    return H / H.sum(axis=0)


@hardmax.mistake("There is one 1 in each row. Each example is a column: argmax over the classes, axis=0.")
def hardmax_of_the_rows(Z):
    return one_hot(np.argmax(Z, axis=1)[None, :], Z.shape[1])


@hardmax.mistake("There is a single 1 for all examples together. Each column gets its own: axis=0.")
def hardmax_of_everything(Z):
    H = np.zeros(Z.shape)
    H[np.unravel_index(np.argmax(Z), Z.shape)] = 1
    return H


@hardmax.mistake(
    "Each row that holds a largest score is full of ones. Name the columns too: H[rows, np.arange(m)] = 1."
)
def whole_rows_filled(Z):
    H = np.zeros(Z.shape)
    H[np.argmax(Z, axis=0)] = 1
    return H


@hardmax.mistake("Your 1 stands at the smallest score. It belongs to the largest.")
def smallest_score(Z):
    return one_hot(np.argmin(Z, axis=0)[None, :], len(Z))


@hardmax.mistake("You return the number of the class. Return a column with a 1 at that place.")
def class_returned(Z):
    return np.argmax(Z, axis=0)[None, :]


@hardmax.mistake("The largest score itself is kept. Put a 1 in its place.")
def score_kept(Z):
    return Z * one_hot(np.argmax(Z, axis=0)[None, :], len(Z))


@hardmax.mistake("Rows and columns are swapped. The result has the shape of Z, (C, m).")
def hardmax_transposed(Z):
    return np.eye(len(Z))[np.argmax(Z, axis=0)]


@hardmax.mistake(
    "You round probabilities. With three classes or more the largest can be below 0.5, and then the column has no 1."
)
def rounded_probabilities(Z):
    return np.round(scipy_softmax(Z, axis=0))


@hardmax.mistake("Every positive score gets a 1. Only the largest score of each column does.")
def positive_scores(Z):
    return (Z > 0) * 1.0


@hardmax.mistake("The ones mark the largest of each row. Each example is a column: look along axis 0.")
def largest_of_each_row(Z):
    return (np.max(Z, axis=1, keepdims=True) == Z) * 1.0


@hardmax.accept
def hardmax_with_loops(Z):
    H = np.zeros(Z.shape)
    for i in range(Z.shape[1]):
        best = 0
        for c in range(1, Z.shape[0]):
            if Z[c, i] > Z[best, i]:
                best = c
        H[best, i] = 1.0
    return H


@hardmax.accept("Row numbers are compared with the place of the largest entry: a table of True and False.")
def hardmax_by_comparison(Z):
    return np.arange(len(Z))[:, None] == np.argmax(Z, axis=0)


@hardmax.accept
def hardmax_by_first_maximum(Z):
    largest = np.max(Z, axis=0, keepdims=True) == Z
    return (largest & (np.cumsum(largest, axis=0) == 1)).astype(int)


# --- one_hot_matrix --------------------------------------------------------------------------------------------------


def one_hot_cases(rng):
    cases = [case(labels=mixed_labels(rng, C, m), C=C) for C, m in ((4, 7), (5, 5), (6, 3), (3, 1), (10, 12))]
    gaps = rng.permutation([0, 2, 5, 2])[None, :]  # neither all classes occur, nor the last
    return [*cases, case(labels=gaps, C=7)]


@lesson.exercise(
    points=1,
    topic=26,
    equation="(8.11)",
    cases=one_hot_cases,
    ask="How many rows has Y, also if a class does not occur? In which row of column i stands the 1?",
    small={"labels": np.array([[1, 0, 3]]), "C": 4},
)
def one_hot_matrix(labels, C):
    """Write each label as a column with a single 1.

    Parameters
    ----------
    labels : ndarray of int, shape (1, m)
        Classes 0 to C - 1.
    C : int
        Number of classes; not all of them need occur.

    Returns
    -------
    Y : ndarray, shape (C, m)
        Column i has its 1 in row ``labels[0, i]``; rows are counted from 0.
    """
    Y = np.zeros((C, labels.shape[1]))
    Y[labels[0], np.arange(labels.shape[1])] = 1  # (8.11)
    return Y


@one_hot_matrix.mistake("Rows and columns are swapped: Y is (C, m), one example per column.")
def one_hot_rows(labels, C):
    return np.eye(C)[labels[0]]


@one_hot_matrix.mistake("labels has two axes, and so your Y has three. Take its only row, labels[0], then transpose.")
def one_hot_three_axes(labels, C):
    return np.eye(C)[labels]


@one_hot_matrix.mistake(
    "The rows are counted from 1. Class 0 belongs to the first row: y = [0, 1, 0, 0] is class 1, not class 2."
)
def counted_from_one(labels, C):
    return (np.arange(1, C + 1)[:, None] == labels) * 1.0


@one_hot_matrix.mistake(
    "You subtract 1 from the labels, so that class 0 lands in the last row. Class c belongs to row c, counted from 0."
)
def one_subtracted(labels, C):
    return one_hot(labels - 1, C)


@one_hot_matrix.mistake("Class c stands one row too low. Rows are counted from 0, as the classes are.")
def one_added(labels, C):
    return one_hot((labels + 1) % C, C)


@one_hot_matrix.mistake("The number of rows comes from the labels. A class may be missing there: Y has C rows.")
def classes_of_the_labels(labels, C):
    return one_hot(labels, labels.max() + 1)


@one_hot_matrix.mistake("Only classes that occur get a row. Y has C rows, also for a class without examples.")
def only_classes_that_occur(labels, C):
    return (np.unique(labels)[:, None] == labels) * 1.0


@one_hot_matrix.mistake("The rows of all classes that occur are full of ones. Name the columns too: np.arange(m).")
def whole_rows_of_ones(labels, C):
    Y = np.zeros((C, labels.shape[1]))
    Y[labels[0]] = 1
    return Y


@one_hot_matrix.mistake("The label itself stands in the column. The entry is 1, whatever the class is.")
def label_in_place_of_one(labels, C):
    return one_hot(labels, C) * labels


@one_hot_matrix.mistake("Ones and zeros are exchanged: the row of the right class has the 1.")
def one_cold(labels, C):
    return 1 - one_hot(labels, C)


@one_hot_matrix.mistake("The rows stand upside down. Class 0 is the first row.")
def upside_down(labels, C):
    return one_hot(labels, C)[::-1]


@one_hot_matrix.mistake("The other entries are -1. They are 0.")
def minus_one_elsewhere(labels, C):
    return 2 * one_hot(labels, C) - 1


@one_hot_matrix.accept
def one_hot_with_loop(labels, C):
    m = labels.shape[1]
    Y = np.zeros((C, m))
    for i in range(m):
        Y[labels[0, i], i] = 1
    return Y


@one_hot_matrix.accept
def one_hot_by_comparison(labels, C):
    return np.arange(C)[:, None] == labels


@one_hot_matrix.accept("The columns of the identity matrix are the one-hot columns: pick them by label.")
def one_hot_from_identity(labels, C):
    return np.eye(C)[:, labels.reshape(-1)]


# --- softmax_jacobian ------------------------------------------------------------------------------------------------


def jacobian_cases(rng):
    return [case(a=scipy_softmax(1.2 * rng.normal(size=(C, 1)))) for C in (3, 4, 2, 6)]


@lesson.exercise(
    points=2,
    topic=26,
    equation="(8.26)",
    cases=jacobian_cases,
    ask="a is a column. Which product of a with its transpose is a matrix (C, C), and which one is a single number?",
    small={"a": np.array([[0.125], [0.25], [0.625]])},
)
def softmax_jacobian(a):
    """Return all derivatives of the probabilities of one example by its scores.

    Parameters
    ----------
    a : ndarray, shape (C, 1)
        The probabilities, softmax of the scores z.

    Returns
    -------
    D : ndarray, shape (C, C)
        Row j, column k: derivative of a_j by z_k.
    """
    return np.diagflat(a) - a @ a.T  # (8.26)


@softmax_jacobian.mistake(
    "Off the diagonal there are zeros. A larger score also lowers the probabilities of all other classes: -a_j a_k."
)
def diagonal_alone(a):
    return np.diagflat(a * (1 - a))


@softmax_jacobian.mistake("The diagonal lacks its first term: for j = k it is a_j - a_j a_j.")
def without_the_diagonal(a):
    return -a @ a.T


@softmax_jacobian.mistake("All signs are wrong: a probability grows with its own score.")
def signs_of_the_jacobian(a):
    return a @ a.T - np.diagflat(a)


@softmax_jacobian.mistake("The product is added. Off the diagonal the derivative is negative: -a_j a_k.")
def product_added(a):
    return np.diagflat(a) + a @ a.T


@softmax_jacobian.mistake("a.T @ a is one number, the sum of squares. The table of all products is a @ a.T.")
def inner_product(a):
    return np.diagflat(a) - a.T @ a


@softmax_jacobian.mistake("The diagonal has 1 in place of a_j.")
def ones_on_the_diagonal(a):
    return np.eye(len(a)) - a @ a.T


@softmax_jacobian.mistake(
    "np.diag of a column takes its first entry instead of making a matrix. np.diagflat(a), or np.diag(a[:, 0])."
)
def diag_of_a_column(a):
    return np.diag(a) - a @ a.T


@softmax_jacobian.mistake("a is not put on the diagonal: it is added to every column. Use np.diagflat(a).")
def column_for_diagonal(a):
    return a - a @ a.T


@softmax_jacobian.mistake("a * a multiplies entry by entry and gives a column. All pairs stand in a @ a.T.")
def squares_for_products(a):
    return np.diagflat(a) - a * a


@softmax_jacobian.mistake("You return the diagonal as a column. The Jacobian is (C, C), all classes by all scores.")
def diagonal_as_a_column(a):
    return a * (1 - a)


@softmax_jacobian.mistake("a holds the probabilities already. Do not take their softmax again.")
def softmax_of_probabilities(a):
    a = scipy_softmax(a)
    return np.diagflat(a) - a @ a.T


@softmax_jacobian.accept
def jacobian_with_loops(a):
    C = a.shape[0]
    D = np.zeros((C, C))
    for j in range(C):
        for k in range(C):
            D[j, k] = a[j, 0] * ((j == k) - a[k, 0])
    return D


@softmax_jacobian.accept("(8.24) as it stands: the column a times the entries δ - a of each row.")
def jacobian_by_rows(a):
    return a * (np.eye(len(a)) - a.T)


@softmax_jacobian.accept
def jacobian_with_outer(a):
    p = a.ravel()
    D = -np.outer(p, p)
    D[np.arange(p.size), np.arange(p.size)] += p
    return D


@softmax_jacobian.accept
def jacobian_with_einsum(a):
    return np.einsum("jk,kl->jk", np.eye(len(a)), a) - np.einsum("jl,kl->jk", a, a)


# --- softmax_cross_entropy -------------------------------------------------------------------------------------------


def cross_entropy_cases(rng):
    def one(C, m, level=0.0):
        return case(Z=1.5 * rng.normal(size=(C, m)) + level, Y=one_hot(mixed_labels(rng, C, m), C))

    levels = np.array([0.0, 1000, -1000, 900])
    # In the first column the right class has the largest score, in the others the smallest.
    far = np.array([[300.0, -800, 400], [20, 350, -850], [-900, 60, 30], [-700, 10, 20]]) + rng.normal(size=(4, 3))
    return [
        one(4, 6),
        one(3, 3),
        one(5, 1),
        one(3, 4, levels),
        case(Z=far, Y=one_hot(np.array([[0, 0, 1]]), 4)),
    ]


@lesson.exercise(
    points=3,
    topic=27,
    equation="(8.20) and (8.33)",
    returns=("J", "dZ"),
    backward=True,
    cases=cross_entropy_cases,
    ask="J is a mean of one loss per example, without the logarithm of a probability. Which three terms has a loss in (8.20)? "
    "Does dZ have a factor 1/m?",
    small={"Z": SMALL_Z, "Y": SMALL_Y},
    why={
        "question": "Why not the logarithm of softmax(Z)?",
        "choices": {
            "a probability can be rounded to 0, and its logarithm is minus infinity": "Yes: (8.20) takes the logarithm first.",
            "it is another number": "No: on paper the two are equal.",
            "it needs the label": "No: both need it.",
        },
    },
)
def softmax_cross_entropy(Z, Y):
    """Return the cost of scores behind which a softmax stands, and the derivative of each example's loss.

    ``dZ`` stacks the derivatives of the single losses, as in all of courses 1 and 2: column i is the derivative of the
    loss of example i by column i of Z. The factor 1/m is in J, not in dZ; it enters once more in dW and db.

    Parameters
    ----------
    Z : ndarray, shape (C, m)
        Scores, one example per column; of any size.
    Y : ndarray, shape (C, m)
        Labels as one-hot columns.

    Returns
    -------
    J : float
        Mean cross-entropy over the m examples.
    dZ : ndarray, shape (C, m)
        Per example.
    """
    largest = np.max(Z, axis=0, keepdims=True)
    E = np.exp(Z - largest)
    S = np.sum(E, axis=0, keepdims=True)
    losses = largest + np.log(S) - np.sum(Y * Z, axis=0, keepdims=True)  # (8.20)
    J = float(np.mean(losses))
    dZ = E / S - Y  # (8.33)
    return J, dZ


def right_losses(Z, Y):
    """Return the loss of each example, (m,)."""
    return logsumexp(Z, axis=0) - np.sum(Y * Z, axis=0)


def cross_entropy_variant(Z, Y, J=None, dZ=None):
    """Return what `softmax_cross_entropy` returns, with a part replaced by that function of the right part."""
    right_J, right_dZ = softmax_cross_entropy(Z, Y)
    return right_J if J is None else J(right_J), right_dZ if dZ is None else dZ(right_dZ)


@softmax_cross_entropy.mistake(
    "dZ has a factor 1/m too many. It stacks the derivatives of the single losses; 1/m enters in J, and later in dW "
    "and db."
)
def dZ_of_the_mean(Z, Y):
    return cross_entropy_variant(Z, Y, dZ=lambda dZ: dZ / Z.shape[1])


@softmax_cross_entropy.mistake("J is the sum of the losses. It is their mean: divide by m.")
def J_as_a_sum(Z, Y):
    return cross_entropy_variant(Z, Y, J=lambda J: J * Z.shape[1])


@softmax_cross_entropy.mistake(
    "J is divided by C · m. Each example has one loss: the mean is over the m examples only."
)
def J_over_all_entries(Z, Y):
    return cross_entropy_variant(Z, Y, J=lambda J: J / len(Z))


@softmax_cross_entropy.mistake(
    "J is divided by the number of classes. np.mean over axis 0 is no sum over the classes; the 1/m is missing, too."
)
def J_over_the_classes(Z, Y):
    return cross_entropy_variant(Z, Y, J=lambda J: J * Z.shape[1] / len(Z))


@softmax_cross_entropy.mistake(
    "The logarithms of all classes are added up. Only that of the right class counts: multiply by Y first."
)
def sum_of_all_logarithms(Z, Y):
    return cross_entropy_variant(Z, Y, J=lambda _: float(-np.mean(log_softmax(Z, axis=0).sum(axis=0))))


@softmax_cross_entropy.mistake(
    "The logarithms of all classes are added up, in J and in dZ. Only that of the right class counts: multiply by Y."
)
def all_logarithms_and_their_derivative(Z, Y):
    return cross_entropy_variant(
        Z, Y, lambda _: float(-np.mean(log_softmax(Z, axis=0).sum(axis=0))), lambda dZ: len(Z) * (dZ + Y) - 1
    )


@softmax_cross_entropy.mistake("J has the wrong sign. The logarithm of a probability is negative, a loss is not.")
def J_negative(Z, Y):
    return cross_entropy_variant(Z, Y, J=lambda J: -J)


@softmax_cross_entropy.mistake("dZ has the wrong sign: it is the probability minus the label.")
def dZ_negative(Z, Y):
    return cross_entropy_variant(Z, Y, dZ=lambda dZ: -dZ)


@softmax_cross_entropy.mistake(
    "The softmax runs over the examples (axis=1). It runs over the classes of each example, axis=0."
)
def cross_entropy_over_the_examples(Z, Y):
    return float(-np.mean(np.sum(Y * log_softmax(Z, axis=1), axis=0))), scipy_softmax(Z, axis=1) - Y


@softmax_cross_entropy.mistake(
    "A probability underflows to 0 and its logarithm is minus infinity. Do not take the logarithm of the softmax: use "
    "(8.20), which has the scores in it."
)
def logarithm_of_the_softmax(Z, Y):
    A = scipy_softmax(Z, axis=0)
    return float(-np.sum(Y * np.log(A)) / Z.shape[1]), A - Y


@softmax_cross_entropy.mistake(
    "A probability underflows to 0 and its logarithm is minus infinity: use (8.20) in place of the logarithm of the "
    "softmax. And dZ has a factor 1/m too many: it stacks the derivatives of the single losses."
)
def logarithm_of_the_softmax_and_dZ_of_the_mean(Z, Y):
    A, m = scipy_softmax(Z, axis=0), Z.shape[1]
    return float(-np.sum(Y * np.log(A)) / m), (A - Y) / m


@softmax_cross_entropy.mistake(
    "A probability underflows to 0 and its logarithm is minus infinity. Picking the right class before the logarithm "
    "does not help: use (8.20), which has the scores in it."
)
def logarithm_of_the_right_probability(Z, Y):
    A = scipy_softmax(Z, axis=0)
    return float(-np.mean(np.log(np.sum(Y * A, axis=0)))), A - Y


@softmax_cross_entropy.mistake(
    "A small number is added to the probabilities, so a large loss stops growing. Use (8.20): it needs no such number."
)
def small_number_in_the_logarithm(Z, Y):
    A = scipy_softmax(Z, axis=0)
    return float(-np.mean(np.sum(Y * np.log(A + 1e-8), axis=0))), A - Y


@softmax_cross_entropy.mistake(
    "The probabilities are kept away from 0 by 1e-12 or 1e-15, so a large loss stops growing. Use (8.20): it has the scores "
    "themselves in it and needs no such number."
)
def tiny_number_in_the_logarithm(Z, Y):
    A = scipy_softmax(Z, axis=0)
    return float(-np.mean(np.sum(Y * np.log(A + 1e-12), axis=0))), A - Y


@softmax_cross_entropy.mistake(
    "Your scores are cut off (`np.clip`), so those beyond the limit count alike. Subtract the largest score of the column "
    "instead, as in (8.20)."
)
def scores_cut_off_in_the_loss(Z, Y):
    cut = np.clip(Z, -700, 700)
    A = scipy_softmax(cut, axis=0)
    return float(np.mean(logsumexp(cut, axis=0) - np.sum(Y * cut, axis=0))), A - Y


@softmax_cross_entropy.mistake(
    "Your exponentials overflow for scores such as 1000. Subtract the largest score of the column first, as in (8.20)."
)
def cross_entropy_without_shift(Z, Y):
    E = np.exp(Z)
    S = E.sum(axis=0)
    return float(np.mean(np.log(S) - np.sum(Y * Z, axis=0))), E / S - Y


@softmax_cross_entropy.mistake(
    "One largest score is subtracted from all columns. Where a column lies far below it, every exponential is 0. Each "
    "column has its own: np.max(Z, axis=0, keepdims=True)."
)
def cross_entropy_shifted_by_the_largest_of_all(Z, Y):
    largest = np.max(Z)
    E = np.exp(Z - largest)
    S = E.sum(axis=0)
    return float(np.mean(largest + np.log(S) - np.sum(Y * Z, axis=0))), E / S - Y


@softmax_cross_entropy.mistake("All probabilities together add up to 1. Those of each column must: sum over axis=0.")
def cross_entropy_over_everything(Z, Y):
    return float(-np.sum(Y * log_softmax(Z)) / Z.shape[1]), scipy_softmax(Z) - Y


@softmax_cross_entropy.mistake(
    "The largest score is subtracted inside the sum, but not given back in front of the logarithm: see (8.20)."
)
def shift_not_given_back(Z, Y):
    return cross_entropy_variant(Z, Y, J=lambda J: J - float(np.mean(Z.max(axis=0))))


@softmax_cross_entropy.mistake("The score of the right class is not subtracted in J. It is the last term of (8.20).")
def without_the_right_score(Z, Y):
    return cross_entropy_variant(Z, Y, J=lambda _: float(np.mean(logsumexp(Z, axis=0))))


@softmax_cross_entropy.mistake(
    "This loss also adds log(1 - ŷ) of the wrong classes, as logistic regression with one output per class does. Here "
    "the classes share one softmax: J has the right class alone."
)
def loss_of_many_logistic_units(Z, Y):
    A = scipy_softmax(Z, axis=0)
    with np.errstate(all="ignore"):
        others = np.sum((1 - Y) * np.log1p(-A), axis=0)
    return cross_entropy_variant(Z, Y, J=lambda _: float(np.mean(right_losses(Z, Y) - others)))


@softmax_cross_entropy.mistake(
    "This is the squared distance. The loss is minus the logarithm of the right probability."
)
def squared_distance(Z, Y):
    return cross_entropy_variant(Z, Y, J=lambda _: float(np.mean(np.sum((scipy_softmax(Z, axis=0) - Y) ** 2, axis=0))))


@softmax_cross_entropy.mistake("This is the logarithm to base 2. Take the natural one, np.log.")
def logarithm_to_base_two(Z, Y):
    return cross_entropy_variant(Z, Y, J=lambda J: J / np.log(2))


@softmax_cross_entropy.mistake("In dZ the label is not subtracted. It is the probability minus the label.")
def dZ_without_label(Z, Y):
    return cross_entropy_variant(Z, Y, dZ=lambda dZ: dZ + Y)


@softmax_cross_entropy.mistake("dZ is the score minus the label. It is the probability minus the label: softmax first.")
def dZ_of_the_scores(Z, Y):
    return cross_entropy_variant(Z, Y, dZ=lambda _: Z - Y)


@softmax_cross_entropy.mistake(
    "In dZ the Jacobian enters with its diagonal alone, ŷ (1 - ŷ). Each score changes every probability: (8.33)."
)
def dZ_through_the_diagonal(Z, Y):
    A = scipy_softmax(Z, axis=0)
    return cross_entropy_variant(Z, Y, dZ=lambda _: -Y * (1 - A))


@softmax_cross_entropy.mistake("J holds one loss per example. Return their mean, a number.")
def losses_returned(Z, Y):
    return cross_entropy_variant(Z, Y, J=lambda _: right_losses(Z, Y)[None, :])


@softmax_cross_entropy.mistake("J and dZ are swapped. Return J first.")
def dZ_returned_first(Z, Y):
    return softmax_cross_entropy(Z, Y)[::-1]


@softmax_cross_entropy.mistake("dZ is the mean over the examples. Keep one column per example.")
def dZ_averaged(Z, Y):
    return cross_entropy_variant(Z, Y, dZ=lambda dZ: dZ.mean(axis=1, keepdims=True))


@softmax_cross_entropy.mistake(
    "dZ has a factor ŷ (1 - ŷ) too many. It belongs to the squared error of logistic units; here dZ is ŷ - y."
)
def dZ_with_the_slope_of_the_logistic_function(Z, Y):
    A = scipy_softmax(Z, axis=0)
    return cross_entropy_variant(Z, Y, dZ=lambda dZ: dZ * A * (1 - A))


@softmax_cross_entropy.accept
def cross_entropy_with_loops(Z, Y):
    C, m = Z.shape
    J, dZ = 0.0, np.zeros((C, m))
    for i in range(m):
        largest = max(Z[:, i])
        total = sum(math.exp(z - largest) for z in Z[:, i])
        for c in range(C):
            dZ[c, i] = math.exp(Z[c, i] - largest) / total - Y[c, i]
            if Y[c, i] == 1:
                J += (largest + math.log(total) - Z[c, i]) / m
    return J, dZ


@softmax_cross_entropy.accept(
    "All logarithms of probabilities by (8.17), and the exponential of them for the gradient."
)
def cross_entropy_with_log_probabilities(Z, Y):
    shifted = Z - Z.max(axis=0)
    log_A = shifted - np.log(np.exp(shifted).sum(axis=0))
    return -np.sum(Y * log_A) / Y.shape[1], np.exp(log_A) - Y


@softmax_cross_entropy.accept
def cross_entropy_by_index(Z, Y):
    m = Z.shape[1]
    rows, columns = np.argmax(Y, axis=0), np.arange(m)
    dZ = softmax(Z)
    dZ[rows, columns] -= 1
    return np.mean(logsumexp(Z - Z[rows, columns], axis=0)), dZ


@softmax_cross_entropy.accept
def cross_entropy_with_jacobians(Z, Y):
    """The chain rule column by column, with the derivative -1/ŷ of the right class taken into the Jacobian's row."""
    log_A = log_softmax(Z, axis=0)
    A = np.exp(log_A)
    dZ = np.zeros(Z.shape)
    for i in range(Z.shape[1]):
        dZ[:, i] = -(Y[:, i] @ (np.eye(len(Z)) - A[:, i]))
    return float(-np.einsum("ci,ci->i", Y, log_A).mean()), dZ


# --- softmax_regression_model ----------------------------------------------------------------------------------------


def model_cases(rng):
    def one(C, n_x, m, learning_rate, num_iterations):
        """Return overlapping clouds, one per class; the last class has no example."""
        labels = mixed_labels(rng, C, m)
        X = rng.normal(size=(n_x, C))[:, labels[0]] + rng.normal(size=(n_x, m)) + 0.4
        return case(X=X, Y=one_hot(labels, C), learning_rate=learning_rate, num_iterations=num_iterations)

    return [one(4, 3, 9, 0.3, 4), one(3, 2, 14, 0.7, 30), one(5, 5, 5, 0.2, 3)]


@lesson.exercise(
    points=3,
    topic=26,
    equation="(8.40) to (8.42)",
    returns=("parameters", "costs"),
    cases=model_cases,
    ask="Which lines stand before the loop and which inside it? dZ has no factor 1/m: where does it enter?",
    small={
        "X": np.array([[3.0, 0.0]]),
        "Y": np.array([[1.0, 0.0], [0.0, 1.0]]),
        "learning_rate": 1.0,
        "num_iterations": 2,
    },
)
def softmax_regression_model(X, Y, learning_rate, num_iterations):
    """Train softmax regression by gradient descent, from zeros.

    Parameters
    ----------
    X : ndarray, shape (n_x, m)
    Y : ndarray, shape (C, m)
        Labels as one-hot columns.
    learning_rate : float
    num_iterations : int
        Number of steps; each uses all m examples.

    Returns
    -------
    parameters : dict
        ``"W"`` (C, n_x) and ``"b"`` (C, 1) after the last step.
    costs : list of float
        The cost before each step; ``num_iterations`` numbers.
    """
    (n_x, m), C = X.shape, Y.shape[0]
    W, b = np.zeros((C, n_x)), np.zeros((C, 1))
    costs = []
    for _ in range(num_iterations):
        J, dZ = softmax_cross_entropy(W @ X + b, Y)
        costs += [J]
        W = W - learning_rate * dZ @ X.T / m  # (8.40)
        b = b - learning_rate * np.sum(dZ, axis=1, keepdims=True) / m  # (8.41)
    return {"W": W, "b": b}, costs


def descend(
    X, Y, learning_rate, num_iterations, start=0.0, slope=lambda Z, Y: scipy_softmax(Z, axis=0) - Y,
    dW=lambda dZ, X: dZ @ X.T / X.shape[1], db=lambda dZ: dZ.mean(axis=1, keepdims=True),
):  # fmt: skip
    """Return what `softmax_regression_model` returns, with a step replaced."""
    W, b = np.full((len(Y), len(X)), start), np.full((len(Y), 1), start)
    costs = []
    for _ in range(num_iterations):
        Z = W @ X + b
        costs.append(float(np.mean(right_losses(Z, Y))))
        dZ = slope(Z, Y)
        W, b = W - learning_rate * dW(dZ, X), b - learning_rate * db(dZ)
    return {"W": W, "b": b}, costs


@softmax_regression_model.mistake(
    "The factor 1/m is missing in dW and db: dZ belongs to the single losses, the step to their mean."
)
def model_without_mean(X, Y, learning_rate, num_iterations):
    return descend(X, Y, learning_rate * X.shape[1], num_iterations)


@softmax_regression_model.mistake("The factor 1/m is missing in dW, (8.40). db has it.")
def dW_without_mean(X, Y, learning_rate, num_iterations):
    return descend(X, Y, learning_rate, num_iterations, dW=lambda dZ, X: dZ @ X.T)


@softmax_regression_model.mistake("The factor 1/m is missing in db, (8.41). dW has it.")
def db_without_mean(X, Y, learning_rate, num_iterations):
    return descend(X, Y, learning_rate, num_iterations, db=lambda dZ: dZ.sum(axis=1, keepdims=True))


@softmax_regression_model.mistake("The factor 1/m enters twice, in dZ and again in dW and db. It enters once.")
def mean_taken_twice(X, Y, learning_rate, num_iterations):
    return descend(X, Y, learning_rate / X.shape[1], num_iterations)


@softmax_regression_model.mistake(
    "b never changes. Each step updates it too, and db is a sum over the examples (axis=1): all entries of dZ together "
    "add up to 0."
)
def only_weights_updated(X, Y, learning_rate, num_iterations):
    return descend(X, Y, learning_rate, num_iterations, db=lambda dZ: np.zeros((len(dZ), 1)))


@softmax_regression_model.mistake("b has grown to one column per example. Take the mean over the examples: axis=1.")
def bias_per_example(X, Y, learning_rate, num_iterations):
    return descend(X, Y, learning_rate, num_iterations, db=lambda dZ: dZ)


@softmax_regression_model.mistake("The step goes uphill: subtract learning_rate times the gradient.")
def model_uphill(X, Y, learning_rate, num_iterations):
    return descend(X, Y, -learning_rate, num_iterations)


@softmax_regression_model.mistake("learning_rate is not used: multiply the gradients by it.")
def model_without_rate(X, Y, learning_rate, num_iterations):
    return descend(X, Y, 1.0, num_iterations)


@softmax_regression_model.mistake("W and b start at 1. Start them at zero.")
def started_at_one(X, Y, learning_rate, num_iterations):
    return descend(X, Y, learning_rate, num_iterations, start=1.0)


@softmax_regression_model.mistake("The softmax runs over the examples (axis=1). It runs over the classes, axis=0.")
def model_over_the_examples(X, Y, learning_rate, num_iterations):
    return descend(X, Y, learning_rate, num_iterations, slope=lambda Z, Y: scipy_softmax(Z, axis=1) - Y)


@softmax_regression_model.mistake("All probabilities together add up to 1. Those of each column must: sum over axis=0.")
def model_over_everything(X, Y, learning_rate, num_iterations):
    return descend(X, Y, learning_rate, num_iterations, slope=lambda Z, Y: scipy_softmax(Z) - Y)


@softmax_regression_model.mistake("dZ is the score minus the label: this is linear regression. The softmax is missing.")
def linear_regression(X, Y, learning_rate, num_iterations):
    return descend(X, Y, learning_rate, num_iterations, slope=lambda Z, Y: Z - Y)


@softmax_regression_model.mistake("Each cost is that after its step. Note the cost before the step.")
def costs_after_the_step(X, Y, learning_rate, num_iterations):
    parameters, _ = descend(X, Y, learning_rate, num_iterations)
    return parameters, descend(X, Y, learning_rate, num_iterations + 1)[1][1:]


@softmax_regression_model.mistake("There is one cost too many. Note it once per step, before the step.")
def one_cost_more(X, Y, learning_rate, num_iterations):
    parameters, _ = descend(X, Y, learning_rate, num_iterations)
    return parameters, descend(X, Y, learning_rate, num_iterations + 1)[1]


@softmax_regression_model.mistake("costs holds a single number. It is a list with the cost before each step.")
def last_cost_alone(X, Y, learning_rate, num_iterations):
    parameters, costs = descend(X, Y, learning_rate, num_iterations)
    return parameters, costs[-1]


@softmax_regression_model.mistake("Your function returns after one step. The return stands after the loop, not in it.")
def returned_in_the_loop(X, Y, learning_rate, num_iterations):
    return descend(X, Y, learning_rate, 1)


@softmax_regression_model.mistake("One step too few is taken: range(num_iterations) has num_iterations numbers.")
def one_step_less(X, Y, learning_rate, num_iterations):
    return descend(X, Y, learning_rate, num_iterations - 1)


@softmax_regression_model.mistake(
    "The scores are computed once, before the loop. After each step they are others: compute them inside it."
)
def scores_computed_once(X, Y, learning_rate, num_iterations):
    parameters, costs = descend(X, Y, learning_rate * num_iterations, 1)
    return parameters, costs * num_iterations


@softmax_regression_model.mistake("W is transposed. Its shape is (C, n_x): one row of weights for each class.")
def weights_transposed(X, Y, learning_rate, num_iterations):
    parameters, costs = descend(X, Y, learning_rate, num_iterations)
    return {"W": parameters["W"].T, "b": parameters["b"]}, costs


@softmax_regression_model.mistake("b has one axis, (C,). Its shape is (C, 1).")
def bias_of_one_axis(X, Y, learning_rate, num_iterations):
    parameters, costs = descend(X, Y, learning_rate, num_iterations)
    return {"W": parameters["W"], "b": parameters["b"][:, 0]}, costs


@softmax_regression_model.mistake(
    "The step of b uses scores of the new W. Both steps belong to one gradient, at the old W and b."
)
def bias_after_the_weights(X, Y, learning_rate, num_iterations):
    W, b, costs = np.zeros((len(Y), len(X))), np.zeros((len(Y), 1)), []
    for _ in range(num_iterations):
        J, dZ = softmax_cross_entropy(W @ X + b, Y)
        costs.append(J)
        W = W - learning_rate * dZ @ X.T / X.shape[1]
        b = b - learning_rate * np.mean(softmax_cross_entropy(W @ X + b, Y)[1], axis=1, keepdims=True)
    return {"W": W, "b": b}, costs


@softmax_regression_model.accept("The bias is the weight of a feature that is always 1: one matrix, one gradient.")
def model_with_one_matrix(X, Y, learning_rate, num_iterations):
    m = X.shape[1]
    X1 = np.vstack([X, np.ones((1, m))])
    theta = np.zeros((len(Y), len(X1)))
    costs = []
    for _ in range(num_iterations):
        log_A = log_softmax(theta @ X1, axis=0)
        costs.append(-np.sum(Y * log_A) / m)
        theta += learning_rate / m * (Y - np.exp(log_A)) @ X1.T
    return {"W": theta[:, :-1], "b": theta[:, -1:]}, costs


@softmax_regression_model.accept
def model_with_a_dict(X, Y, learning_rate, num_iterations):
    parameters = {"b": np.zeros((Y.shape[0], 1)), "W": np.zeros((Y.shape[0], X.shape[0]))}
    costs = []
    for _ in range(num_iterations):
        cost, dZ = softmax_cross_entropy(np.dot(parameters["W"], X) + parameters["b"], Y)
        grads = {"W": np.dot(dZ, X.T) / X.shape[1], "b": dZ.mean(axis=1, keepdims=True)}
        for name in grads:
            parameters[name] = parameters[name] - learning_rate * grads[name]
        costs.append(cost)
    return parameters, np.array(costs)


@softmax_regression_model.accept
def model_example_by_example(X, Y, learning_rate, num_iterations):
    m = X.shape[1]
    W, b = np.zeros((len(Y), len(X))), np.zeros((len(Y), 1))
    costs = []
    for _ in range(num_iterations):
        cost, dW, db = 0.0, 0.0, 0.0
        for i in range(m):
            x, y = X[:, [i]], Y[:, [i]]
            log_a = log_softmax(W @ x + b, axis=0)
            cost -= log_a[y == 1].item() / m
            dW, db = dW + (np.exp(log_a) - y) @ x.T / m, db + (np.exp(log_a) - y) / m
        W, b = W - learning_rate * dW, b - learning_rate * db
        costs.append(cost)
    return {"W": W, "b": b}, costs


# --- predict_classes -------------------------------------------------------------------------------------------------


def predict_cases(rng):
    def one(C, n_x, m, level=0.0):
        X = rng.normal(size=(n_x, m)) + 0.3
        return case(X=X, parameters={"W": rng.normal(size=(C, n_x)), "b": 2 * rng.normal(size=(C, 1)) + level})

    return [one(4, 3, 11), one(3, 3, 3), one(5, 2, 8, -20.0), one(6, 4, 1)]


@lesson.exercise(
    points=1,
    topic=26,
    equation="(8.43)",
    cases=predict_cases,
    ask="Do you need the softmax to know which class is largest? Which shape has the result of np.argmax, and which is asked "
    "for?",
    small={
        "X": np.array([[2.0, 0.1, -2.0]]),
        "parameters": {"W": np.array([[1.0], [0.0], [-1.0]]), "b": np.array([[0.0], [0.5], [0.0]])},
    },
)
def predict_classes(X, parameters):
    """Return the class with the largest probability for each example.

    Parameters
    ----------
    X : ndarray, shape (n_x, m)
    parameters : dict
        ``"W"`` (C, n_x) and ``"b"`` (C, 1).

    Returns
    -------
    labels : ndarray of int, shape (1, m)
        Classes 0 to C - 1.
    """
    Z = parameters["W"] @ X + parameters["b"]
    return np.argmax(Z, axis=0)[None, :]  # (8.43)


def scores_of(X, parameters):
    return parameters["W"] @ X + parameters["b"]


@predict_classes.mistake("The argmax runs over the examples (axis=1). Each example chooses among the classes: axis=0.")
def argmax_over_the_examples(X, parameters):
    return np.argmax(scores_of(X, parameters), axis=1)[None, :]


@predict_classes.mistake("b is missing. Its entries differ between the classes, so it can change which one wins.")
def predicted_without_bias(X, parameters):
    return np.argmax(parameters["W"] @ X, axis=0)[None, :]


@predict_classes.mistake("A product does not fit. Rows of W meet columns: `W @ X + b`, without a transpose.")
def predicted_with_transposed_weights(X, parameters):
    return np.argmax(parameters["W"].T @ X + parameters["b"], axis=0)[None, :]


@predict_classes.mistake("The smallest score wins in your function. The class with the largest does.")
def smallest_wins(X, parameters):
    return np.argmin(scores_of(X, parameters), axis=0)[None, :]


@predict_classes.mistake("Labels have two axes, (1, m). np.argmax drops one: give it back with [None, :].")
def labels_of_one_axis(X, parameters):
    return np.argmax(scores_of(X, parameters), axis=0)


@predict_classes.mistake("Your classes are counted from 1. They are counted from 0, as np.argmax does.")
def classes_from_one(X, parameters):
    return np.argmax(scores_of(X, parameters), axis=0)[None, :] + 1


@predict_classes.mistake("You return the largest probability. Return the class that has it.")
def largest_probability(X, parameters):
    return scipy_softmax(scores_of(X, parameters), axis=0).max(axis=0, keepdims=True)


@predict_classes.mistake("You return the largest score. Return the class that has it.")
def largest_score(X, parameters):
    return scores_of(X, parameters).max(axis=0, keepdims=True)


@predict_classes.mistake("These are one-hot columns. Return the number of the class for each example, (1, m).")
def predicted_one_hot(X, parameters):
    return one_hot(np.argmax(scores_of(X, parameters), axis=0)[None, :], len(parameters["W"]))


@predict_classes.mistake("You return a column. Labels are a row, (1, m).")
def labels_as_a_column(X, parameters):
    return np.argmax(scores_of(X, parameters), axis=0)[:, None]


@predict_classes.mistake("All probabilities are returned. Return the class of the largest in each column.")
def probabilities_returned(X, parameters):
    return scipy_softmax(scores_of(X, parameters), axis=0)


@predict_classes.mistake("One class is returned for all examples together. Each column has its own: axis=0.")
def argmax_of_everything(X, parameters):
    Z = scores_of(X, parameters)
    return np.array([[np.argmax(Z)]])


@predict_classes.accept(
    "The largest probability in place of the largest score: the same class, with exponentials that nobody needs."
)
def predict_through_softmax(X, parameters):
    A = softmax(np.dot(parameters["W"], X) + parameters["b"])
    return A.argmax(0).reshape(1, -1)


@predict_classes.accept
def predict_with_loop(X, parameters):
    labels = np.zeros((1, X.shape[1]))
    for i in range(X.shape[1]):
        z = parameters["W"] @ X[:, [i]] + parameters["b"]
        labels[0, i] = max(range(len(z)), key=lambda c, z=z: z[c, 0])
    return labels


@predict_classes.accept
def predict_from_rows(X, parameters):
    return np.array([(X.T @ parameters["W"].T + parameters["b"].T).argmax(axis=1)])
