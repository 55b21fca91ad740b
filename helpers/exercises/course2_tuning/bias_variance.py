"""Lesson 2.1, splits, bias and variance: the catalogue of its five exercises. Equations are those of the notebook."""

import numpy as np

from helpers.exercises import Lesson, case, draws

lesson = Lesson("bias_variance")

# --- predictions -----------------------------------------------------------------------------------------------------

lesson.predict(
    "luck",
    "200 coins, and the ten that are best on a dev set of 100 examples are wrong on about 0.4 of them. Which error do "
    "these ten have on a test set?",
    ("about 0.40", "about 0.45", "about 0.50"),
    "What made the ten best on the dev set was luck with those examples, and luck does not carry over to others.",
)
lesson.predict(
    "broken",
    "Which of these broken splits gives a dev error below the honest one?",
    ("not shuffled", "X and Y apart", "examples shared", "none of them"),
    "The nearest neighbour of a dev example that was also trained on is that example itself, so its answer is right.",
)
lesson.predict(
    "beyond",
    "Fit polynomials to 20 examples. What does the error on new examples do from degree 19 to degree 200?",
    ("it rises further", "it stays about as high", "it falls to less than a thousandth"),
    "With more weights than examples many fits go through all examples, and the one with the smallest weights does not "
    "swing as the only one of degree 19 must.",
)
lesson.predict(
    "more_data",
    "4 hidden units, and three times the data. What does the training error do, in the mean of five splits?",
    ("it falls by more than 0.01", "it changes by less than 0.01", "it rises by more than 0.01"),
    "The same four units have more examples to fit. What they cannot tell apart, they cannot tell apart in more of them.",
)


# --- split_sizes -----------------------------------------------------------------------------------------------------


def size_cases(rng):
    return [
        case(m=int(rng.integers(100, 200)) * 5 + 3),
        case(m=int(rng.integers(20, 40)) * 5 + 4),
        case(m=7),
        case(m=1),
        case(m=999_999),
        case(m=1_000_000),
        case(m=int(rng.integers(12_000, 90_000)) * 100 + 67),
    ]


@lesson.exercise(
    points=1,
    topic=15,
    equation="(1.8) to (1.10)",
    returns=("m_train", "m_dev", "m_test"),
    cases=size_cases,
    ask="m = 1003 gives 200.6 for a fifth. Which two sets get the 200, and which one gets all that is left?",
    small={"m": 1003},
)
def split_sizes(m):
    """Return how many of m examples train, develop and test.

    Parameters
    ----------
    m : int
        At least 1.

    Returns
    -------
    sizes : tuple of int
        ``(m_train, m_dev, m_test)``; their sum is m.
    """
    m_dev = m // 100 if m >= 1_000_000 else m // 5  # (1.8)
    m_test = m_dev  # (1.9)
    return m - m_dev - m_test, m_dev, m_test  # (1.10)


def shares(m):
    """Return the shares of training, dev and test set in percent."""
    return (98, 1, 1) if m >= 1_000_000 else (60, 20, 20)


@split_sizes.mistake("Set sizes are whole numbers: divide with `//`, which rounds down.")
def sizes_with_fractions(m):
    return tuple(m * share / 100 for share in shares(m))


@split_sizes.mistake(
    "All three sizes are rounded down, so up to two examples are lost. "
    "Round down for dev and test; the training set gets all that is left."
)
def examples_lost_by_rounding(m):
    return tuple(m * share // 100 for share in shares(m))


@split_sizes.mistake(
    "Each size is rounded by itself, so the three need not add up to m. "
    "Round down for dev and test; the training set gets all that is left."
)
def each_rounded(m):
    return tuple(round(m * share / 100) for share in shares(m))


@split_sizes.mistake(
    "What is left over by rounding goes to your test set. By (1.9) it is as large as the dev set, "
    "and the rest trains (1.10)."
)
def rest_to_the_test_set(m):
    train, dev, _ = examples_lost_by_rounding(m)
    return train, dev, m - train - dev


@split_sizes.mistake("A million itself belongs to the large sets: `m >= 1_000_000`, not `>`.")
def million_taken_for_small(m):
    return split_sizes(m) if m != 1_000_000 else (600_000, 200_000, 200_000)


@split_sizes.mistake("You use 60/20/20 for every m. From a million examples on, dev and test get 1 % each.")
def always_60_20_20(m):
    return m - 2 * (m // 5), m // 5, m // 5


@split_sizes.mistake(
    "You use 98/1/1 for every m. Below a million examples 1 % is too few to "
    "measure an error: dev and test get 20 % each."
)
def always_98_1_1(m):
    return m - 2 * (m // 100), m // 100, m // 100


@split_sizes.mistake("The two rules are swapped: 1 % each is for large sets, 20 % each for small ones.")
def rules_swapped(m):
    return (always_60_20_20 if m >= 1_000_000 else always_98_1_1)(m)


@split_sizes.mistake("The order is training, dev, test. The largest set comes first: it trains.")
def order_reversed(m):
    return split_sizes(m)[::-1]


@split_sizes.mistake("Return numbers of examples, not percent.")
def percent_returned(m):
    return shares(m)


@split_sizes.mistake("Return numbers of examples, not shares: multiply by m and round down for dev and test.")
def shares_returned(m):
    return tuple(share / 100 for share in shares(m))


@split_sizes.mistake("There are three sets. Yours has no dev set: with two, you choose and judge on the same examples.")
def train_and_test_only(m):
    return m - m * 3 // 10, m * 3 // 10


@split_sizes.mistake("Dev and test are rounded up. Round them down (1.8): `//` does.")
def rounded_up(m):
    dev = -(-m * shares(m)[1] // 100)
    return m - 2 * dev, dev, dev


@split_sizes.mistake("Dev and test are rounded to the nearest whole number. Round them down (1.8): `//` does.")
def rounded_to_nearest(m):
    dev = round(m * shares(m)[1] / 100)
    return m - 2 * dev, dev, dev


@split_sizes.accept
def with_int_of_floats(m):
    dev = int(0.2 * m) if m < 1_000_000 else int(0.01 * m)
    return [m - 2 * dev, dev, dev]


@split_sizes.accept
def in_an_array(m):
    dev = m * (1 if m >= 1e6 else 20) // 100
    return np.array([m - 2 * dev, dev, dev])


@split_sizes.accept
def with_floor(m):
    share = np.where(m < 10**6, 20, 1)
    dev = np.floor(m * share / 100).astype(int)
    return tuple(np.array([m - dev - dev, dev, dev]))


@split_sizes.accept("It counts every fifth (or every hundredth) example instead of dividing: `len` of a range.")
def counted_one_by_one(m):
    out_of, sizes = (5, [0, 0, 0]) if m < 1_000_000 else (100, [0, 0, 0])
    sizes[1] = sizes[2] = len(range(out_of, m + 1, out_of))
    sizes[0] = m - sum(sizes)
    return tuple(sizes)


@split_sizes.accept("`divmod` gives quotient and remainder at once; the quotient is rounded down as with `//`.")
def with_divmod(m):
    dev, _ = divmod(m, 5 if m <= 999_999 else 100)
    return (m - dev * 2, dev, dev)


# --- train_dev_test_split --------------------------------------------------------------------------------------------

PARTS = ("X_train", "Y_train", "X_dev", "Y_dev", "X_test", "Y_test")


def examples_cases(rng):
    def one(n_x, n_y, sizes):
        """No two columns are alike: so each can be followed."""
        m = sum(sizes)
        Y = rng.normal(size=(n_y, m)) if n_y > 1 else rng.permutation(np.arange(m) % 3)[None, :]
        return case(X=rng.normal(size=(n_x, m)), Y=Y, sizes=sizes, rng=np.random.default_rng(int(rng.integers(2**32))))

    return [one(3, 1, (4, 3, 2)), one(2, 4, (4, 1, 2))]


@lesson.exercise(
    points=3,
    topic=15,
    equation="(1.11) and (1.12)",
    returns=PARTS,
    cases=examples_cases,
    judge=draws(300, view="partition"),
    ask="Number the columns from 0 to m - 1. Where does each of the three sets begin and end once the columns are in a "
    "drawn order, and what must the order of Y have in common with that of X?",
    small={
        "X": np.arange(1.0, 7.0)[None, :],
        "Y": 10 * np.arange(1.0, 7.0)[None, :],
        "sizes": (3, 2, 1),
        "rng": np.random.default_rng(0),
    },
    why={
        "question": "Why is one order drawn, and used for X and for Y?",
        "where": "order",
        "choices": {
            "two orders would put labels beside other examples": "Yes: then nothing can be learned from the pairs.",
            "drawing twice would take too long": "No: a second permutation takes microseconds. Which label stands where?",
            "the generator can be used only once": "No: it gives a new order each time, and that is the trouble here.",
        },
    },
)
def train_dev_test_split(X, Y, sizes, rng):
    """Return the training, dev and test set: the examples in a random order, cut in three.

    Parameters
    ----------
    X : ndarray, shape (n_x, m)
        One example per column.
    Y : ndarray, shape (n_y, m)
        Column i belongs to column i of X.
    sizes : tuple of int
        ``(m_train, m_dev, m_test)``; their sum is m.
    rng : Generator

    Returns
    -------
    X_train, Y_train : ndarray, shape (n_x, m_train) and (n_y, m_train)
    X_dev, Y_dev : ndarray, shape (n_x, m_dev) and (n_y, m_dev)
    X_test, Y_test : ndarray, shape (n_x, m_test) and (n_y, m_test)
    """
    m_train, m_dev, m_test = sizes
    order = rng.permutation(m_train + m_dev + m_test)
    X, Y = X[:, order], Y[:, order]  # (1.11)
    end = m_train + m_dev
    return X[:, :m_train], Y[:, :m_train], X[:, m_train:end], Y[:, m_train:end], X[:, end:], Y[:, end:]  # (1.12)


def cut(X, Y, *index):
    """Return the six parts whose columns are given by three arrays or slices."""
    return tuple(array[:, columns] for columns in index for array in (X, Y))


def thirds(sizes):
    """Return the three slices of a cut into these sizes."""
    train, dev, test = sizes
    return slice(train), slice(train, train + dev), slice(train + dev, train + dev + test)


@train_dev_test_split.mistake(
    "Labels stand beside examples of others: X and Y are shuffled apart, or only X is shuffled. "
    "Draw one order and use the same one for both: `X[:, order]` and `Y[:, order]`."
)
def shuffled_apart(X, Y, sizes, rng):
    m = X.shape[1]
    return cut(X[:, rng.permutation(m)], Y[:, rng.permutation(m)], *thirds(sizes))


@train_dev_test_split.mistake("Y is shuffled and X is not. Use the same order for both: `X[:, order]`, too.")
def only_y_shuffled(X, Y, sizes, rng):
    return cut(X, Y[:, rng.permutation(X.shape[1])], *thirds(sizes))


@train_dev_test_split.mistake(
    "The examples are not shuffled: the sets are the first, the next and the last columns. "
    "If the data are sorted, the dev set holds other kinds of examples than "
    "the training set. Draw an order from rng first."
)
def not_shuffled(X, Y, sizes, rng):
    return cut(X, Y, *thirds(sizes))


@train_dev_test_split.mistake(
    "Each set is drawn anew from all examples, so some are in two sets and some in none. "
    "Draw one order of all examples and cut it in three."
)
def each_set_drawn_from_all(X, Y, sizes, rng):
    return cut(X, Y, *(rng.permutation(X.shape[1])[:size] for size in sizes))


@train_dev_test_split.mistake(
    "Columns are drawn with repetition (`rng.integers`, or `rng.choice` without `replace=False`): some come twice, "
    "others are lost. `rng.permutation(m)` holds each number once."
)
def drawn_with_repetition(X, Y, sizes, rng):
    order = rng.integers(X.shape[1], size=X.shape[1])
    return cut(X[:, order], Y[:, order], *thirds(sizes))


@train_dev_test_split.mistake(
    "Your dev and test sets are cut from the same columns, so they share examples. "
    "The test set begins where the dev set ends, at m_train + m_dev."
)
def dev_and_test_share(X, Y, sizes, rng):
    order = rng.permutation(X.shape[1])
    train, dev, test = sizes
    return cut(X, Y, order[:train], order[train : train + dev], order[train : train + test])


@train_dev_test_split.mistake(
    "Training and dev set overlap by one column, and one is lost. A slice ends *before* its second number, "
    "so the dev set begins at m_train."
)
def dev_begins_too_early(X, Y, sizes, rng):
    order = rng.permutation(X.shape[1])
    train, dev, _ = sizes
    return cut(X, Y, order[:train], order[train - 1 : train + dev - 1], order[train + dev :])


@train_dev_test_split.mistake(
    "One column is lost between two sets. A slice ends *before* its second "
    "number, so the next one begins with that number: "
    "`[:, :m_train]`, then `[:, m_train:...]`."
)
def one_column_lost(X, Y, sizes, rng):
    order = rng.permutation(X.shape[1])
    train, dev, _ = sizes
    return cut(X, Y, order[:train], order[train + 1 : train + dev], order[train + dev + 1 :])


@train_dev_test_split.mistake(
    "Your dev set ends at the column m_dev. Counted from the first column, it ends at m_train + m_dev."
)
def dev_ends_at_its_size(X, Y, sizes, rng):
    order = rng.permutation(X.shape[1])
    train, dev, _ = sizes
    return cut(X, Y, order[:train], order[train:dev], order[train + dev :])


@train_dev_test_split.mistake(
    "You cut at the sizes themselves. The cuts are counted from the first column: at m_train and at m_train + m_dev."
)
def cut_at_the_sizes(X, Y, sizes, rng):
    order = rng.permutation(X.shape[1])
    train, dev, _ = sizes
    return cut(X, Y, order[:train], order[train:dev], order[dev:])


@train_dev_test_split.mistake(
    "The dev set runs to the last column, so it holds the test set. It ends at m_train + m_dev."
)
def dev_runs_to_the_end(X, Y, sizes, rng):
    order = rng.permutation(X.shape[1])
    train, dev, _ = sizes
    return cut(X, Y, order[:train], order[train:], order[train + dev :])


@train_dev_test_split.mistake(
    "The number of examples is the number of *columns*, `X.shape[1]`. `X.shape[0]` and `len(X)` count features."
)
def as_many_as_features(X, Y, sizes, rng):
    order = rng.permutation(X.shape[0])
    return cut(X[:, order], Y[:, order], *thirds(sizes))


@train_dev_test_split.mistake(
    "You make a generator of your own with a fixed seed: every split is the "
    "same one. Draw the order from the argument rng."
)
def generator_of_its_own(X, Y, sizes, rng):
    return train_dev_test_split(X, Y, sizes, np.random.default_rng(0))


@train_dev_test_split.mistake(
    "You draw from `np.random`, which all code shares, so nobody can repeat your split. Write `rng.permutation(...)`."
)
def global_generator(X, Y, sizes, rng):
    order = np.random.permutation(X.shape[1])
    return cut(X[:, order], Y[:, order], *thirds(sizes))


@train_dev_test_split.mistake(
    "`rng.shuffle` changes the caller's arrays, and called twice it draws two orders, so X and Y are shuffled apart. "
    "Draw one order with `rng.permutation(m)` and index both with it."
)
def shuffled_in_place(X, Y, sizes, rng):
    rng.shuffle(X, axis=1)
    rng.shuffle(Y, axis=1)
    return cut(X, Y, *thirds(sizes))


@train_dev_test_split.mistake(
    "The parts come in another order: first the three X, then the three Y. Return X and Y of each set side by side."
)
def all_x_then_all_y(X, Y, sizes, rng):
    parts = train_dev_test_split(X, Y, sizes, rng)
    return parts[::2] + parts[1::2]


@train_dev_test_split.mistake(
    "Rows and columns are mixed up: `X[order]` shuffles rows, which are features. Examples are columns: `X[:, order]`."
)
def rows_shuffled(X, Y, sizes, rng):
    order = rng.permutation(X.shape[1])
    return cut(X[order], Y[order], *thirds(sizes))


@train_dev_test_split.mistake(
    "`rng.permutation(X)` mixes the rows, which are features, and each column is torn apart. Draw an order of the columns, "
    "`rng.permutation(m)`, and index with it: `X[:, order]`."
)
def permutation_of_the_array(X, Y, sizes, rng):
    return cut(rng.permutation(X), rng.permutation(Y), *thirds(sizes))


@train_dev_test_split.mistake(
    "The examples are only turned round by a random number of places, so neighbours stay together. "
    "`rng.permutation(m)` mixes them all."
)
def rotated(X, Y, sizes, rng):
    shift = rng.integers(X.shape[1])
    return cut(np.roll(X, shift, axis=1), np.roll(Y, shift, axis=1), *thirds(sizes))


@train_dev_test_split.mistake(
    "Only dev and test are shuffled: the training set is always the first columns. Shuffle all columns, then cut."
)
def first_columns_to_train(X, Y, sizes, rng):
    m_train, m_dev, _ = sizes
    order = np.concatenate([np.arange(m_train), m_train + rng.permutation(X.shape[1] - m_train)])
    parts = np.split(order, [m_train, m_train + m_dev])
    return tuple(array[:, part] for part in parts for array in (X, Y))


@train_dev_test_split.mistake(
    "The labels of one set belong to other columns: they have an order of their own. Cut X and Y by the same order."
)
def test_labels_by_another_order(X, Y, sizes, rng):
    m_train, m_dev, _ = sizes
    order, other = rng.permutation(X.shape[1]), rng.permutation(X.shape[1])
    parts = np.split(order, [m_train, m_train + m_dev])
    found = [array[:, part] for part in parts for array in (X, Y)]
    return (*found[:5], Y[:, other[m_train + m_dev :]])


@train_dev_test_split.mistake(
    "`rng.permutation(X)` shuffles the rows, which are features. Draw an order of the columns: `X[:, rng.permutation(m)]`."
)
def rows_permuted(X, Y, sizes, rng):
    X = rng.permutation(X)
    a, b = sizes[0], sizes[0] + sizes[1]
    return X[:, :a], Y[:, :a], X[:, a:b], Y[:, a:b], X[:, b:], Y[:, b:]


@train_dev_test_split.accept
def with_split_of_numpy(X, Y, sizes, rng):
    m = X.shape[1]
    parts = np.split(rng.permutation(m), np.cumsum(sizes)[:2])
    return [array[:, part] for part in parts for array in (X, Y)]


@train_dev_test_split.accept
def sorted_inside_each_set(X, Y, sizes, rng):
    """Which set an example is in is random; the order inside a set does not matter."""
    left, parts = np.arange(X.shape[1]), []
    for size in sizes:
        part = np.sort(rng.choice(left, size, replace=False))
        left = np.setdiff1d(left, part)
        parts += [X[:, part], Y[:, part]]
    return tuple(parts)


@train_dev_test_split.accept("X and Y become one array, so one shuffle moves each example with its label.")
def stacked_and_shuffled(X, Y, sizes, rng):
    both = rng.permutation(np.vstack([X, Y]), axis=1)
    X, Y = both[: len(X)], both[len(X) :]
    a, b, c = sizes
    return X[:, :a], Y[:, :a], X[:, a : a + b], Y[:, a : a + b], X[:, a + b : a + b + c], Y[:, a + b : a + b + c]


@train_dev_test_split.accept("Sorting random numbers gives a random order: each of the m! orders is equally likely.")
def sorted_by_random_numbers(X, Y, sizes, rng):
    order = np.argsort(rng.random(X.shape[1]))
    m_train, m_dev, m_test = sizes
    test, dev, train = order[:m_test], order[m_test : m_test + m_dev], order[m_test + m_dev :]
    return X[:, train], Y[:, train], X[:, dev], Y[:, dev], X[:, test], Y[:, test]


@train_dev_test_split.accept
def column_after_column(X, Y, sizes, rng):
    columns = list(range(X.shape[1]))
    rng.shuffle(columns)
    parts = []
    for size in sizes:
        taken = [columns.pop() for _ in range(size)]
        parts.append(np.array([[row[i] for i in taken] for row in X]))
        parts.append(np.array([[row[i] for i in taken] for row in Y]))
    return tuple(parts)


# --- error_parts -----------------------------------------------------------------------------------------------------


def fits_cases(rng):
    def one(R, n):
        f = rng.normal(size=(1, n))
        bias = rng.uniform(0.5, 1.5, size=n) * rng.choice([-1, 1], size=n)
        return case(G=f + bias + rng.normal(size=(R, n)) * rng.uniform(0.5, 1.5, size=n), f=f)

    return [one(3, 5), one(6, 4), one(1, 3)]


@lesson.exercise(
    points=2,
    topic=16,
    equation="(1.24)",
    returns=("bias_squared", "variance"),
    cases=fits_cases,
    ask="Each row of G is one fit. Over which axis do you average to get the average fit, and what is its shape?",
    small={"G": np.array([[1.0, 3.0], [3.0, 5.0]]), "f": np.array([[1.0, 2.0]])},
    why={
        "question": "Why is the average fit taken over the rows (axis 0)?",
        "where": "axis=0",
        "choices": {
            "the mean of (1.24) is over training sets, and each row is one": "Yes: it is another mean at each place.",
            "there are more rows than columns": "No: it would be right for two rows, too. What is one row?",
            "axis=0 is what NumPy takes by default": "No: without an axis NumPy averages all entries to one number.",
        },
    },
)
def error_parts(G, f):
    """Return bias² and variance of many fits.

    Parameters
    ----------
    G : ndarray, shape (R, n)
        Row r holds the predictions of the fit to training set r, at n places.
    f : ndarray, shape (1, n)
        The true values there.

    Returns
    -------
    bias_squared : float
    variance : float
    """
    g_bar = G.mean(axis=0)  # (1.24)
    bias_squared = np.mean((f - g_bar) ** 2)  # (1.24)
    variance = np.mean((G - g_bar) ** 2)  # (1.24)
    return bias_squared, variance


@error_parts.mistake("Your bias is not squared, so places above and below the true values cancel.")
def bias_not_squared(G, f):
    return np.mean(f - G.mean(axis=0)), np.mean(G.var(axis=0))


@error_parts.mistake("The bias is squared after the mean over the places. Square at each place, then take the mean.")
def bias_squared_too_late(G, f):
    return np.mean(f - G.mean(axis=0)) ** 2, np.mean(G.var(axis=0))


@error_parts.mistake(
    "You average over the places (axis 1). The average fit is the mean over the training sets, the rows."
)
def averaged_over_places(G, f):
    g_bar = G.mean(axis=1, keepdims=True)
    return np.mean((f - g_bar) ** 2), np.mean((G - g_bar) ** 2)


@error_parts.mistake("One number is the average of the whole of G. The average fit has one number per place.")
def one_average_for_all(G, f):
    return np.mean((f - G.mean()) ** 2), np.mean((G - G.mean()) ** 2)


@error_parts.mistake(
    "Your bias² is the mean of (f - g)² over all fits. That is bias² and variance together; take the average fit first."
)
def both_together(G, f):
    return np.mean((f - G) ** 2), np.mean(G.var(axis=0))


@error_parts.mistake("Your variance is measured from the true values. It is measured from the average fit.")
def variance_from_the_truth(G, f):
    return np.mean((f - G.mean(axis=0)) ** 2), np.mean((f - G) ** 2)


@error_parts.mistake("This is the standard deviation. The variance is its square.")
def deviation_for_variance(G, f):
    return np.mean((f - G.mean(axis=0)) ** 2), np.mean(G.std(axis=0))


@error_parts.mistake("Your variance divides by R - 1 (`ddof=1`). (1.24) takes the mean over the R rows: divide by R.")
def variance_of_a_sample(G, f):
    return np.mean((f - G.mean(axis=0)) ** 2), np.mean(G.var(axis=0, ddof=1))


@error_parts.mistake("The sums over the places are not divided by n.")
def sums_over_places(G, f):
    return np.sum((f - G.mean(axis=0)) ** 2), np.sum(G.var(axis=0))


@error_parts.mistake("One number per place comes back. Take the mean over the places, too.")
def one_per_place(G, f):
    return ((f - G.mean(axis=0)) ** 2)[0], G.var(axis=0)


@error_parts.mistake("The two come in the wrong order: bias² first, then variance.")
def parts_exchanged(G, f):
    return np.mean(G.var(axis=0)), np.mean((f - G.mean(axis=0)) ** 2)


@error_parts.mistake(
    "The variance is that of all numbers of G together: `np.var(G)` without axis. It is measured from the average fit of each "
    "place."
)
def variance_over_everything(G, f):
    return np.mean((G.mean(axis=0) - f) ** 2), np.var(G)


@error_parts.accept("`var(axis=0)` is the mean squared distance from the column's mean: the inner sum of (1.24).")
def with_var(G, f):
    return float(np.mean((G.mean(axis=0) - f[0]) ** 2)), float(G.var(axis=0).mean())


@error_parts.accept("The two add up to the mean of (f - g)², so the variance is what is left of it after the bias².")
def variance_as_what_is_left(G, f):
    bias_squared = np.mean((f - np.mean(G, axis=0, keepdims=True)) ** 2)
    return bias_squared, np.mean((f - G) ** 2) - bias_squared


@error_parts.accept
def place_after_place(G, f):
    bias_squared, variance = 0, 0
    R, n = G.shape
    for i in range(n):
        average = sum(G[r, i] for r in range(R)) / R
        bias_squared += (f[0, i] - average) ** 2 / n
        variance += sum((G[r, i] - average) ** 2 for r in range(R)) / R / n
    return bias_squared, variance


# --- diagnose --------------------------------------------------------------------------------------------------------


def error_cases(rng):
    """Return gaps below and above the limit in all combinations, from all Bayes errors, in a drawn order.

    They are drawn so near to the limit that the nearest case of another seed often lies on the other side. Where a gap
    is exactly 0.02, subtracting the floats gives exactly 0.02, too.
    """

    def below():
        return rng.uniform(0.0182, 0.0195)

    def above():
        return rng.uniform(0.0205, 0.0218)

    def one(bias, variance):
        bayes = rng.uniform(0.03, 0.3)
        return tuple(float(error) for error in (bayes + bias, bayes + bias + variance, bayes))

    drawn = [one(bias(), variance()) for bias in (below, above) for variance in (below, above) for _ in range(3)]
    drawn += [
        one(rng.uniform(0.06, 0.1), rng.uniform(0.001, 0.009)),  # high bias
        one(rng.uniform(0.001, 0.009), rng.uniform(0.08, 0.2)),  # high variance
        one(-rng.uniform(0.021, 0.025), rng.uniform(0.03, 0.06)),  # training error below the Bayes error
        one(rng.uniform(0.03, 0.06), -rng.uniform(0.021, 0.03)),  # the dev set happens to be easier
        one(-rng.uniform(0.021, 0.025), -rng.uniform(0.001, 0.004)),
        one(rng.uniform(0.011, 0.014), rng.uniform(0.011, 0.014)),  # none, though dev - bayes is above the limit
        (0.02, 0.02 + above(), 0.0),  # a bias at the limit is not above it
        (above(),) * 2 + (0.0,),
        (0.02, 0.04, 0.0),  # both at the limit
    ]
    keys = ("train_error", "dev_error", "bayes_error")
    return [case(**dict(zip(keys, drawn[i], strict=True))) for i in rng.permutation(len(drawn))]


@lesson.exercise(
    points=2,
    topic=16,
    equation="(1.16) to (1.18)",
    cases=error_cases,
    ask="Which two differences do you need, and can both of them be above 0.02 at once?",
    small={"train_error": 0.12, "dev_error": 0.25, "bayes_error": 0.01},
    why={
        "question": "Why two separate `if`, and not `if` and `elif`?",
        "where": "if ",
        "choices": {
            "both can be true, and `elif` would skip the second": "Yes: the third row of the table has both.",
            "`elif` is not allowed inside a function": "No: it is. It runs only where the `if` before it was false.",
            "with `elif` the order of the list would change": "No: the order stays; what is missing is the second word.",
        },
    },
)
def diagnose(train_error, dev_error, bayes_error):
    """Return what is wrong with a classifier, from three errors.

    Parameters
    ----------
    train_error, dev_error, bayes_error : float
        Between 0 and 1.

    Returns
    -------
    diagnosis : list of str
        Any of ``"high bias"`` and ``"high variance"``, in this order; empty if both gaps are small.
    """
    diagnosis = []
    if train_error - bayes_error > 0.02:  # (1.16)
        diagnosis.append("high bias")
    if dev_error - train_error > 0.02:  # (1.17)
        diagnosis.append("high variance")
    return diagnosis


def diagnosis_from(bias, variance):
    """Return the words for two gaps."""
    return ["high bias"] * (bias > 0.02) + ["high variance"] * (variance > 0.02)


@diagnose.mistake(
    "Your names are swapped: dev − train, the generalisation gap, is the sign of variance. "
    "Bias is what is wrong on the training set already: train − Bayes."
)
def bias_from_dev_minus_train(train_error, dev_error, bayes_error):
    return diagnosis_from(dev_error - train_error, train_error - bayes_error)


@diagnose.mistake(
    "Your bias is dev − train. That is the generalisation gap. Bias is what is wrong on the training set already: train − Bayes."
)
def both_from_dev_minus_train(train_error, dev_error, bayes_error):
    return diagnosis_from(dev_error - train_error, dev_error - train_error)


@diagnose.mistake("Your bias is the whole training error. Nobody can avoid the Bayes error: subtract it (1.16).")
def bias_without_bayes(train_error, dev_error, bayes_error):
    return diagnosis_from(train_error, dev_error - train_error)


@diagnose.mistake(
    "You take dev − Bayes for the variance; it holds the bias, too. Its sign is what is added from the training set "
    "to the dev set: dev − train (1.17)."
)
def variance_from_bayes(train_error, dev_error, bayes_error):
    return diagnosis_from(train_error - bayes_error, dev_error - bayes_error)


@diagnose.mistake(
    "Your bias is dev − Bayes, which holds the generalisation gap, too. Bias is what is "
    "wrong on the training set: train − Bayes (1.16)."
)
def bias_from_dev_minus_bayes(train_error, dev_error, bayes_error):
    return diagnosis_from(dev_error - bayes_error, dev_error - train_error)


@diagnose.mistake("You compare the whole dev error with 0.02. Subtract the training error (1.17).")
def variance_is_dev_error(train_error, dev_error, bayes_error):
    return diagnosis_from(train_error - bayes_error, dev_error)


@diagnose.mistake(
    "You stop after the first finding (`elif`, or a `return` too early). A "
    "classifier can have both: ask twice with `if`."
)
def first_finding_only(train_error, dev_error, bayes_error):
    return diagnosis_from(train_error - bayes_error, dev_error - train_error)[:1]


@diagnose.mistake(
    "A negative gap is not high. Compare the gap itself with 0.02, without `abs`: "
    "a training error below the Bayes error shows no bias."
)
def absolute_gaps(train_error, dev_error, bayes_error):
    return diagnosis_from(abs(train_error - bayes_error), abs(dev_error - train_error))


@diagnose.mistake("The errors are shares from 0 to 1, so two percentage points are 0.02, not 2.")
def threshold_in_percent(train_error, dev_error, bayes_error):
    return diagnosis_from((train_error - bayes_error) / 100, (dev_error - train_error) / 100)


@diagnose.mistake("Your threshold is 0. A gap is high if it is above 0.02 (1.18): smaller ones may be chance.")
def threshold_zero(train_error, dev_error, bayes_error):
    return diagnosis_from(train_error - bayes_error + 0.02, dev_error - train_error + 0.02)


@diagnose.mistake("A gap of exactly 0.02 is not above 0.02, so it is not high (1.18): `>`, not `>=`.")
def limit_taken_for_high(train_error, dev_error, bayes_error):
    return ["high bias"] * (train_error - bayes_error >= 0.02) + ["high variance"] * (dev_error - train_error >= 0.02)


@diagnose.mistake("Your differences have the wrong sign: train − Bayes and dev − train, the larger one first.")
def signs_turned(train_error, dev_error, bayes_error):
    return diagnosis_from(bayes_error - train_error, train_error - dev_error)


@diagnose.mistake(
    "The findings are right. Put bias first in the list, then variance: that is the order to treat them in."
)
def variance_first(train_error, dev_error, bayes_error):
    return diagnosis_from(train_error - bayes_error, dev_error - train_error)[::-1]


@diagnose.mistake("Return a list, also for one finding or none: `[]`, `['high bias']`, ... A text alone is no list.")
def text_instead_of_list(train_error, dev_error, bayes_error):
    return " and ".join(diagnosis_from(train_error - bayes_error, dev_error - train_error))


@diagnose.accept("The names and their differences stand in a dict; one comprehension keeps those above the limit.")
def filtered(train_error, dev_error, bayes_error):
    gaps = {"high bias": train_error - bayes_error, "high variance": dev_error - train_error}
    return [name for name, gap in gaps.items() if gap > 0.02]


@diagnose.accept
def four_branches(train_error, dev_error, bayes_error):
    bias, variance = train_error - bayes_error > 0.02, dev_error - train_error > 0.02
    if bias and variance:
        return ("high bias", "high variance")
    if bias:
        return ("high bias",)
    if variance:
        return ("high variance",)
    return ()


@diagnose.accept
def in_points_of_percent(train_error, dev_error, bayes_error):
    bayes, train, dev = (100 * error for error in (bayes_error, train_error, dev_error))
    return ["high bias"] * int(train - bayes > 2) + ["high variance"] * int(dev - train > 2)


# --- next_step -------------------------------------------------------------------------------------------------------

BIAS, VARIANCE = "high bias", "high variance"
NONE, BOTH = "nothing", "both"
DIAGNOSES = {NONE: [], BIAS: [BIAS], VARIANCE: [VARIANCE], BOTH: [BIAS, VARIANCE]}
REMEDIES = (
    "bigger network",
    "longer training",
    "other architecture",
    "more data",
    "regularization",
    "measure test error",
)


def diagnosis_cases(rng):
    """Return each diagnosis three times with some of the remedies, drawn so that each remedy occurs with each."""

    def some():
        while True:
            drawn = [[str(name) for name in rng.choice(REMEDIES, 3, replace=False)] for _ in range(3)]
            if {name for names in drawn for name in names} == set(REMEDIES):
                return drawn

    pairs = [(diagnosis, names) for diagnosis in DIAGNOSES.values() for names in some()]
    return [case(diagnosis=pairs[i][0], remedies=pairs[i][1]) for i in rng.permutation(len(pairs))]


@lesson.exercise(
    points=2,
    topic=17,
    cases=diagnosis_cases,
    ask="Take one remedy of the table. For which of the four diagnoses (neither, bias, variance, both) is it a next step? "
    "Then take the next remedy.",
    small={"diagnosis": ["high bias", "high variance"], "remedies": ["more data", "bigger network"]},
)
def next_step(diagnosis, remedies):
    """Return for each remedy whether it is a next step for this diagnosis.

    Parameters
    ----------
    diagnosis : list of str
        From `diagnose`.
    remedies : list of str
        Some of the six of the lesson's table, in any order.

    Returns
    -------
    steps : dict
        True or False for each of `remedies`.
    """
    bias, variance = "high bias" in diagnosis, "high variance" in diagnosis
    table = {
        "bigger network": bias,
        "longer training": bias,
        "other architecture": bias or variance,
        "more data": variance and not bias,
        "regularization": variance and not bias,
        "measure test error": len(diagnosis) == 0,
    }
    return {remedy: table[remedy] for remedy in remedies}


def chosen(remedies, *right):
    """Return the dict in which those of `remedies` that are `right` are True."""
    return {remedy: remedy in right for remedy in remedies}


# Whole answers come first, since each also holds single wrong choices.


@next_step.mistake(
    "The remedies of bias and variance are swapped. A bigger network lowers "
    "the training error, which is a cure for bias; "
    "more data and regularization close the gap from train to dev, which is variance."
)
def remedies_swapped(diagnosis, remedies):
    swapped = [{BIAS: VARIANCE, VARIANCE: BIAS}[word] for word in diagnosis]
    return next_step(swapped if len(swapped) == 1 else diagnosis, remedies)


@next_step.mistake(
    "You take a bigger training set for high bias. "
    "Section 8 ran it: with more data the training error "
    "does not fall. More data are for variance."
)
def more_data_for_bias_too(diagnosis, remedies):
    return {name: right or (name == "more data" and BIAS in diagnosis)
            for name, right in next_step(diagnosis, remedies).items()}  # fmt: skip


@next_step.mistake(
    "With both, you apply the cures of both at once. Bias comes first: a "
    "network that cannot fit the data does not profit "
    "from more of them, and regularization makes it fit even less. Then measure again."
)
def everything_at_once(diagnosis, remedies):
    each_alone = [next_step([word], remedies) for word in diagnosis] or [next_step([], remedies)]
    return {name: any(steps[name] for steps in each_alone) for name in remedies}


@next_step.mistake("With both, you treat the variance first. Bias comes first.")
def variance_treated_first(diagnosis, remedies):
    return next_step([VARIANCE] if VARIANCE in diagnosis else diagnosis, remedies)


@next_step.mistake("With neither, nothing is left to mend: then measure the test error, and do nothing else.")
def nothing_at_the_end(diagnosis, remedies):
    return next_step(diagnosis, remedies) if diagnosis else chosen(remedies)


@next_step.mistake(
    "Return a dict with True or False for each of the remedies, not a list of the right ones: each remedy is a key."
)
def list_of_remedies(diagnosis, remedies):
    return [remedy for remedy, right in next_step(diagnosis, remedies).items() if right]


@next_step.mistake("One remedy alone is not the answer: return a dict with True or False for each of them.")
def one_remedy_as_text(diagnosis, remedies):
    return next((remedy for remedy, right in next_step(diagnosis, remedies).items() if right), "none")


#: What is wrong with each single wrong choice, by diagnosis and remedy.
WRONG_CHOICES = {
    BIAS: {
        "bigger network": (
            "High bias: the network cannot even fit its training set. A bigger one can: this is the first remedy."
        ),
        "longer training": (
            "High bias: a training that stopped too early has not reached what "
            "the network can do. Longer training helps."
        ),
        "other architecture": (
            "High bias: another architecture may fit what this one cannot. It belongs to the remedies."
        ),
        "more data": (
            "High bias: more data do not lower the training error: the same network has more to fit. "
            "Section 8 measures it."
        ),
        "regularization": (
            "High bias: regularization holds the weights back, so the network fits even less. It makes bias worse."
        ),
        "measure test error": (
            "High bias: you are not done. Keep the test set for the end, while you still change the network."
        ),
    },
    VARIANCE: {
        "bigger network": (
            "High variance: the training set is fitted already. A bigger network has nothing left to gain there."
        ),
        "longer training": (
            "High variance: the training error is near the Bayes error. Longer training fits the noise more closely."
        ),
        "other architecture": (
            "High variance: an architecture that suits the data needs fewer parameters, so it can help here, too."
        ),
        "more data": (
            "High variance: with more examples there is less chance in what is learned. More data are the first remedy."
        ),
        "regularization": (
            "High variance: regularization keeps the network from following every example. It is a remedy here."
        ),
        "measure test error": (
            "High variance: you are not done. Keep the test set for the end, while you still change something."
        ),
    },
    BOTH: {
        "bigger network": "Both: bias comes first, and a bigger network is its first remedy.",
        "longer training": "Both: bias comes first, and longer training is one of its remedies.",
        "other architecture": "Both: another architecture may lower either. It belongs to the remedies.",
        "more data": "Both: bias comes first. What more data would bring shows only when the network can fit them.",
        "regularization": (
            "Both: bias comes first, and regularization makes it worse. It may follow when the bias is cured."
        ),
        "measure test error": "Both: you are not done. Keep the test set for the end.",
    },
    NONE: {
        "bigger network": (
            "No finding: the training error is near the Bayes error. A bigger network has nothing left to gain."
        ),
        "longer training": (
            "No finding: the training error is near the Bayes error. Longer training has nothing left to gain."
        ),
        "other architecture": "No finding: both gaps are small. There is nothing for another architecture to cure.",
        "more data": (
            "No finding: the dev error is near the training error. There is no variance for more data to cure."
        ),
        "regularization": "No finding: the dev error is near the training error. There is no variance to cure.",
        "measure test error": "No finding: both gaps are small. Now the test set gives its one answer.",
    },
}


def choose_wrongly(name, remedy):
    """Return the mistake that decides this remedy wrongly for this diagnosis, and says nothing about the others."""

    def wrong_choice(diagnosis, remedies):
        asked = diagnosis == DIAGNOSES[name] and remedy in remedies
        return {remedy: not next_step(diagnosis, remedies)[remedy]} if asked else {}

    wrong_choice.__name__ = f"{remedy}_for_{name}".replace(" ", "_")
    return wrong_choice


for _name, _hints in WRONG_CHOICES.items():
    for _remedy, _hint in _hints.items():
        next_step.mistake(_hint, partial=True)(choose_wrongly(_name, _remedy))


@next_step.accept("The table is turned round: for each diagnosis the list of its remedies, looked up.")
def looked_up(diagnosis, remedies):
    cures = {
        (): ["measure test error"],
        (BIAS,): ["bigger network", "longer training", "other architecture"],
        (VARIANCE,): ["other architecture", "more data", "regularization"],
    }
    cures[BIAS, VARIANCE] = cures[BIAS,]
    return chosen(remedies, *cures[tuple(diagnosis)])


@next_step.accept
def first_problem_decides(diagnosis, remedies):
    problem = diagnosis[0] if diagnosis else "none"
    steps = dict.fromkeys(sorted(remedies), 0)
    for remedy in steps:
        if remedy in ("bigger network", "longer training"):
            steps[remedy] = int(problem == BIAS)
        elif remedy in ("more data", "regularization"):
            steps[remedy] = int(problem == VARIANCE)
        elif remedy == "other architecture":
            steps[remedy] = int(problem != "none")
        else:
            steps[remedy] = int(problem == "none")
    return steps


@next_step.accept
def all_six_whatever_is_asked(diagnosis, remedies):
    if "high bias" in diagnosis:
        return chosen(REMEDIES, "bigger network", "longer training", "other architecture")
    if "high variance" in diagnosis:
        return chosen(REMEDIES, "more data", "regularization", "other architecture")
    return chosen(REMEDIES, "measure test error") | {"a key of my own": None}
