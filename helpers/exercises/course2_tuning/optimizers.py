"""Lesson 2.5, optimisers: the catalogue of its ten exercises. Equations are those of the notebook."""

import math

import numpy as np

from helpers.exercises import Lesson, case, draws

lesson = Lesson("optimizers")

# --- predictions -----------------------------------------------------------------------------------------------------

lesson.predict(
    "noise64",
    "Before training, the gradient of one digit misses the gradient of all 4000 digits by about 10.7 times the length of "
    "the latter. By how many times its length does the gradient of 64 digits miss it?",
    because="The noise falls with the root of the size: 64 digits have an eighth of it, 10.7 / 8, which is more than the "
    "gradient itself.",
)
lesson.predict(
    "kappa",
    "κ = 100: plain gradient descent with its best α needs 231 steps until the cost stays below a ten-thousandth. How many "
    "does momentum need, with its best α and β?",
    because="Its steps grow with the root of κ, 10 here: 10/2 · ln(100) = 23 by (5.21), and about twice as many because the "
    "two roots are equal at both ends.",
)
lesson.predict(
    "leap",
    "RMSprop with β = 0.999 and α = 0.01, from a start with the cost 0.7. How high is the cost of the next 30 mini-batches "
    "at most?",
    ("below 2", "from 2 to 10", "above 10"),
    "s starts at 0, so after one gradient its root is 32 times too small, and every entry moves by 32 α at once.",
)
lesson.predict(
    "epsilon",
    "A third of the entries of the gradient are below 0.0001. Adam with ε = 0.0001 in place of 0.00000001: what happens to "
    "the cost after one epoch?",
    ("it changes by less than a tenth", "it is clearly higher, but less than doubled", "it more than doubles"),
    "Entries with such small gradients carry little of the cost, and most entries have a root of s far above both values.",
)
lesson.predict(
    "turned",
    "Each method has its best α. The valley is turned by 45°. For which methods does the number of steps change?",
    ("for none", "for RMSprop and Adam alone", "for others, too"),
    "Gradients turn with the valley, and steps that are sums of gradients turn with them. RMSprop and Adam divide each "
    "coordinate by its own size, and the coordinates do not turn.",
)

#: One weight and one bias, to follow by hand.
SMALL_NET = {"W1": np.array([[1.0]]), "b1": np.array([[0.5]])}
SMALL_SLOPES = {"dW1": np.array([[2.0]]), "db1": np.array([[-1.0]])}
SMALL_AVERAGE = {"dW1": np.array([[4.0]]), "db1": np.array([[0.0]])}


def network(rng, *sizes):
    """Return random parameters of a network whose layers have these numbers of units, and equal dicts of gradients."""
    shapes = {}
    for l, (n_prev, n) in enumerate(zip(sizes[:-1], sizes[1:], strict=True), start=1):
        shapes |= {f"W{l}": (n, n_prev), f"b{l}": (n, 1)}
    parameters = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    grads = {f"d{name}": rng.normal(size=shape) for name, shape in shapes.items()}
    return parameters, grads


def like(grads, draw):
    """Return a dict with the keys and shapes of `grads`; ``draw(size=shape)`` makes each entry."""
    return {key: draw(size=array.shape) for key, array in grads.items()}


SIZES = ((3, 4, 2), (2, 3), (2, 3, 4, 1))


def drawn_sizes(rng):
    """Return the sizes of three nets, all different within a net: those of another seed answer nothing."""
    return [[int(n) for n in 2 + rng.permutation(5)[:count]] for count in (3, 2, 4)]


# --- random_mini_batches ---------------------------------------------------------------------------------------------


def batch_cases(rng):
    def one(n_x, n_y, m, size):
        X, Y = rng.normal(size=(n_x, m)), rng.normal(size=(n_y, m))
        return case(X=X, Y=Y, mini_batch_size=size, rng=np.random.default_rng(int(rng.integers(2**32))))

    return [one(3, 2, 7, 3), one(2, 1, 6, 2), one(4, 3, 3, 5), one(3, 1, 4, 1)]


@lesson.exercise(
    points=2,
    topic=21,
    equation="(5.4)",
    cases=batch_cases,
    judge=draws(300, view="batches"),
    ask="You have an order of the m columns. Which columns belong to the first batch, which to the second, and where does "
    "the last one end?",
    small={
        "X": np.array([[1.0, 2.0, 3.0, 4.0, 5.0]]),
        "Y": np.array([[10.0, 20.0, 30.0, 40.0, 50.0]]),
        "mini_batch_size": 2,
        "rng": np.random.default_rng(0),
    },
    why={
        "question": "Why is one random order used for X and for Y?",
        "choices": {
            "a label belongs to its example": "Yes: with two orders the network learns from labels of other digits.",
            "drawing is slow": "No: drawing twice would be fast as well, and wrong.",
            "the order does not matter": "No: it may be any order, but the same for both.",
        },
    },
)
def random_mini_batches(X, Y, mini_batch_size, rng):
    """Shuffle the examples and cut them into mini-batches.

    Parameters
    ----------
    X : ndarray, shape (n_x, m)
    Y : ndarray, shape (n_y, m)
    mini_batch_size : int
    rng : Generator
        Draws the order.

    Returns
    -------
    mini_batches : list of tuple
        Pairs ``(X_batch, Y_batch)``; the last one may have fewer columns.
    """
    m = X.shape[1]
    order = rng.permutation(m)
    chosen = [order[start : start + mini_batch_size] for start in range(0, m, mini_batch_size)]
    return [(X[:, columns], Y[:, columns]) for columns in chosen]  # (5.4)


def cut(X, Y, size):
    """Return the mini-batches of examples in the order in which they stand."""
    return [(X[:, k : k + size], Y[:, k : k + size]) for k in range(0, X.shape[1], size)]


@random_mini_batches.mistake(
    "The last, smaller batch is missing: its examples would never be used. Keep it, however small it is."
)
def last_batch_dropped(X, Y, mini_batch_size, rng):
    batches = random_mini_batches(X, Y, mini_batch_size, rng)
    return batches[: X.shape[1] // mini_batch_size]


@random_mini_batches.mistake(
    "The last examples have gone into the batch before, which is too large now. They make a batch of their own."
)
def last_batch_merged(X, Y, mini_batch_size, rng):
    order = rng.permutation(X.shape[1])
    count = max(1, X.shape[1] // mini_batch_size)
    ends = [*range(mini_batch_size, count * mini_batch_size, mini_batch_size), X.shape[1]]
    return [(X[:, order[a:b]], Y[:, order[a:b]]) for a, b in zip([0, *ends[:-1]], ends, strict=True)]


@random_mini_batches.mistake(
    "There is an empty batch at the end where the size divides m. The mean of no examples is nan: leave it out."
)
def empty_batch(X, Y, mini_batch_size, rng):
    order, size = rng.permutation(X.shape[1]), mini_batch_size
    starts = range(0, (X.shape[1] // size + 1) * size, size)
    return [(X[:, order[k : k + size]], Y[:, order[k : k + size]]) for k in starts]


@random_mini_batches.mistake(
    "X and Y are shuffled apart, so an example has the label of another. Draw one order and use it for both."
)
def two_orders(X, Y, mini_batch_size, rng):
    return cut(X[:, rng.permutation(X.shape[1])], Y[:, rng.permutation(X.shape[1])], mini_batch_size)


@random_mini_batches.mistake("X is shuffled and Y is not: the labels no longer belong to their examples.")
def labels_not_shuffled(X, Y, mini_batch_size, rng):
    return cut(X[:, rng.permutation(X.shape[1])], Y, mini_batch_size)


@random_mini_batches.mistake("Y is shuffled and X is not: the labels no longer belong to their examples.")
def only_labels_shuffled(X, Y, mini_batch_size, rng):
    return cut(X, Y[:, rng.permutation(X.shape[1])], mini_batch_size)


@random_mini_batches.mistake("The examples are not shuffled. Draw a random order first, with rng.permutation(m).")
def not_shuffled(X, Y, mini_batch_size, rng):
    return cut(X, Y, mini_batch_size)


@random_mini_batches.mistake(
    "Each batch draws anew from all examples: some occur twice in an epoch, others never. Draw one order, then cut it."
)
def with_replacement(X, Y, mini_batch_size, rng):
    chosen = rng.integers(X.shape[1], size=X.shape[1])
    return cut(X[:, chosen], Y[:, chosen], mini_batch_size)


@random_mini_batches.mistake(
    "Your batches overlap: each starts one example after the one before. Go on by mini_batch_size."
)
def overlapping(X, Y, mini_batch_size, rng):
    order, size = rng.permutation(X.shape[1]), mini_batch_size
    starts = range(math.ceil(X.shape[1] / size))
    return [(X[:, order[k : k + size]], Y[:, order[k : k + size]]) for k in starts]


@random_mini_batches.mistake(
    "The batches are as equal as can be (`np.array_split`). Each has mini_batch_size examples; only the last may be smaller."
)
def equal_batches(X, Y, mini_batch_size, rng):
    m = X.shape[1]
    parts = np.array_split(rng.permutation(m), math.ceil(m / mini_batch_size))
    return [(X[:, part], Y[:, part]) for part in parts]


@random_mini_batches.mistake(
    "Batch number k starts at column k, not at k * mini_batch_size, so the batches grow and share examples."
)
def started_at_their_number(X, Y, mini_batch_size, rng):
    order, size = rng.permutation(X.shape[1]), mini_batch_size
    parts = [order[k : size * (k + 1)] for k in range(math.ceil(X.shape[1] / size))]
    return [(X[:, part], Y[:, part]) for part in parts]


@random_mini_batches.mistake(
    "Whole batches come in a random order, and inside of them the examples stay together. Shuffle the examples, then cut."
)
def batches_in_random_order(X, Y, mini_batch_size, rng):
    batches = cut(X, Y, mini_batch_size)
    return [batches[i] for i in rng.permutation(len(batches))]


@random_mini_batches.mistake(
    "The examples are only turned round by a random number of places, so neighbours stay together. "
    "`rng.permutation(m)` mixes them all."
)
def turned_round(X, Y, mini_batch_size, rng):
    shift = rng.integers(X.shape[1])
    return cut(np.roll(X, shift, axis=1), np.roll(Y, shift, axis=1), mini_batch_size)


@random_mini_batches.mistake("There are mini_batch_size batches. It is the number of examples in each batch.")
def size_taken_as_count(X, Y, mini_batch_size, rng):
    parts = np.array_split(rng.permutation(X.shape[1]), mini_batch_size)
    return [(X[:, part], Y[:, part]) for part in parts]


@random_mini_batches.mistake("The pairs are the wrong way round: X_batch first, Y_batch second.")
def pairs_swapped(X, Y, mini_batch_size, rng):
    return [(Y_batch, X_batch) for X_batch, Y_batch in random_mini_batches(X, Y, mini_batch_size, rng)]


@random_mini_batches.mistake(
    "The examples are rows in your batches. They stay columns: do not transpose X_batch and Y_batch."
)
def batches_transposed(X, Y, mini_batch_size, rng):
    return [(X_batch.T, Y_batch.T) for X_batch, Y_batch in random_mini_batches(X, Y, mini_batch_size, rng)]


@random_mini_batches.mistake(
    "Your last batch is missing where the size divides m. `range(0, m, mini_batch_size)` has all starts."
)
def last_full_batch_dropped(X, Y, mini_batch_size, rng):
    order, size = rng.permutation(X.shape[1]), mini_batch_size
    starts = range(0, max(1, X.shape[1] - size), size)
    return [(X[:, order[k : k + size]], Y[:, order[k : k + size]]) for k in starts]


@random_mini_batches.mistake("Batch k starts at column k, and the batches overlap. It starts at k * mini_batch_size.")
def batches_start_at_k(X, Y, mini_batch_size, rng):
    order = rng.permutation(X.shape[1])
    X, Y = X[:, order], Y[:, order]
    starts = range(X.shape[1] // mini_batch_size)
    return [(X[:, k : k + mini_batch_size], Y[:, k : k + mini_batch_size]) for k in starts]


@random_mini_batches.mistake(
    "`rng.permutation(X)` shuffles the rows, which are features. Draw an order of the columns: `X[:, rng.permutation(m)]`."
)
def rows_permuted(X, Y, mini_batch_size, rng):
    return cut(rng.permutation(X), Y, mini_batch_size)


@random_mini_batches.mistake(
    "The last, smaller batch is filled up with examples that were used already. It stays smaller: each example counts once."
)
def last_batch_filled_up(X, Y, mini_batch_size, rng):
    order = rng.permutation(X.shape[1])
    count = -(-X.shape[1] // mini_batch_size)
    order = np.resize(order, count * mini_batch_size)
    return cut(X[:, order], Y[:, order], mini_batch_size)


@random_mini_batches.mistake(
    "The smaller batch comes first. Cut from the start: the last batch is the one that has what is left."
)
def smaller_batch_first(X, Y, mini_batch_size, rng):
    order, m = rng.permutation(X.shape[1]), X.shape[1]
    starts = [0, *range(m % mini_batch_size or mini_batch_size, m, mini_batch_size)]
    return [(X[:, order[a:b]], Y[:, order[a:b]]) for a, b in zip(starts, [*starts[1:], m], strict=True)]


@random_mini_batches.accept("Random numbers are drawn and sorted: the places that they come from are a random order.")
def order_by_sorting(X, Y, mini_batch_size, rng):
    order = np.argsort(rng.random(X.shape[1]))
    return cut(X[:, order], Y[:, order], mini_batch_size)


@random_mini_batches.accept
def order_by_choice(X, Y, mini_batch_size, rng):
    order = rng.choice(X.shape[1], size=X.shape[1], replace=False)
    return cut(X[:, order], Y[:, order], mini_batch_size)


@random_mini_batches.accept
def batches_as_in_dls(X, Y, mini_batch_size, rng):
    m = X.shape[1]
    order = list(rng.permutation(m))
    shuffled_X, shuffled_Y = X[:, order], Y[:, order].reshape((Y.shape[0], m))
    mini_batches = []
    complete = math.floor(m / mini_batch_size)
    for k in range(complete):
        part = slice(k * mini_batch_size, (k + 1) * mini_batch_size)
        mini_batches.append((shuffled_X[:, part], shuffled_Y[:, part]))
    if m % mini_batch_size != 0:
        mini_batches.append((shuffled_X[:, complete * mini_batch_size :], shuffled_Y[:, complete * mini_batch_size :]))
    return mini_batches


@random_mini_batches.accept(
    "The order is cut at the starts of the batches: np.split leaves the shorter piece at the end."
)
def batches_with_split(X, Y, mini_batch_size, rng):
    order = rng.permutation(X.shape[1])
    parts = np.split(order, range(mini_batch_size, len(order), mini_batch_size))
    return [(X[:, part], Y[:, part]) for part in parts]


@random_mini_batches.accept
def batches_with_shuffle(X, Y, mini_batch_size, rng):
    order = np.arange(X.shape[1])
    rng.shuffle(order)
    found = []
    while len(order) > 0:
        found.append((X[:, order[:mini_batch_size]], Y[:, order[:mini_batch_size]]))
        order = order[mini_batch_size:]
    return found


@random_mini_batches.accept
def batches_stacked(X, Y, mini_batch_size, rng):
    both = np.vstack([X, Y])[:, rng.permutation(X.shape[1])]
    n_x = X.shape[0]
    return [(both[:n_x, k : k + mini_batch_size], both[n_x:, k : k + mini_batch_size])
            for k in range(0, X.shape[1], mini_batch_size)]  # fmt: skip


# --- update_parameters_with_gd ---------------------------------------------------------------------------------------


def gd_cases(rng):
    found = []
    for sizes, rate in zip(SIZES, (0.3, 0.07, 2.5), strict=True):
        parameters, grads = network(rng, *sizes)
        found.append(case(parameters=parameters, grads=grads, learning_rate=rate))
    return found


@lesson.exercise(
    points=1,
    topic=21,
    equation="(5.5)",
    cases=gd_cases,
    ask='The parameter "W1" has its gradient under another name. How do you get from the one name to the other?',
    small={"parameters": SMALL_NET, "grads": SMALL_SLOPES, "learning_rate": 0.1},
    why={
        "question": "Why a new dict, and not `parameters[name] -= ...`?",
        "where": "new[name] =",
        "choices": {
            "`-=` writes into the caller's arrays": "Yes: who compares two methods from one start needs that start again.",
            "`-=` is slower": "No: it even saves an array.",
            "`-=` gives another number": "No: the number is the same. The question is whose array it lands in.",
        },
    },
)
def update_parameters_with_gd(parameters, grads, learning_rate):
    """Take one step of gradient descent.

    Parameters
    ----------
    parameters : dict
        ``"W1"``, ``"b1"``, ``"W2"``, …, each an ndarray.
    grads : dict
        ``"dW1"``, ``"db1"``, …, of the same shapes.
    learning_rate : float

    Returns
    -------
    parameters : dict
        New arrays; those of the caller are as before.
    """
    return {name: parameters[name] - learning_rate * grads["d" + name] for name in parameters}  # (5.5)


@update_parameters_with_gd.mistake("Your step goes uphill: subtract learning_rate times the gradient.")
def gd_uphill(parameters, grads, learning_rate):
    return update_parameters_with_gd(parameters, grads, -learning_rate)


@update_parameters_with_gd.mistake('The gradients are named with a d: `grads["dW1"]`, not `grads["W1"]`.')
def gd_gradients_named_like_parameters(parameters, grads, learning_rate):
    return {name: parameters[name] - learning_rate * grads[name] for name in parameters}


@update_parameters_with_gd.mistake("The learning rate is the number 0.01 in your step. Use the argument learning_rate.")
def gd_rate_fixed(parameters, grads, learning_rate):
    return update_parameters_with_gd(parameters, grads, 0.01)


@update_parameters_with_gd.mistake("The learning rate is the number 1.2 in your step. Use the argument learning_rate.")
def gd_rate_of_1_2(parameters, grads, learning_rate):
    return update_parameters_with_gd(parameters, grads, 1.2)


@update_parameters_with_gd.mistake("The learning rate is not in your step. Multiply each gradient by it.")
def gd_without_rate(parameters, grads, learning_rate):
    return update_parameters_with_gd(parameters, grads, 1.0)


@update_parameters_with_gd.mistake("The gradient is divided by the learning rate. Multiply.")
def gd_divided(parameters, grads, learning_rate):
    return update_parameters_with_gd(parameters, grads, 1 / learning_rate)


@update_parameters_with_gd.mistake("The biases stay as they were. They take the same step as the weights.")
def gd_weights_only(parameters, grads, learning_rate):
    stepped = update_parameters_with_gd(parameters, grads, learning_rate)
    return stepped | {name: parameters[name] for name in parameters if name[0] == "b"}


@update_parameters_with_gd.mistake(
    "The last layer stays as it was. Layers count from 1 to L: `range(1, L + 1)`, or loop over the names."
)
def gd_last_layer_missing(parameters, grads, learning_rate):
    stepped, L = update_parameters_with_gd(parameters, grads, learning_rate), len(parameters) // 2
    return stepped | {f"W{L}": parameters[f"W{L}"], f"b{L}": parameters[f"b{L}"]}


@update_parameters_with_gd.mistake("This is the step alone. Subtract it from the parameters.")
def gd_step_alone(parameters, grads, learning_rate):
    return {name: learning_rate * grads["d" + name] for name in parameters}


@update_parameters_with_gd.mistake("The learning rate multiplies the parameters too. It belongs to the gradient alone.")
def gd_rate_outside(parameters, grads, learning_rate):
    return {name: learning_rate * (parameters[name] - grads["d" + name]) for name in parameters}


@update_parameters_with_gd.mistake("The result has the names of the gradients. Its keys are those of the parameters.")
def gd_named_like_gradients(parameters, grads, learning_rate):
    return {"d" + name: array for name, array in update_parameters_with_gd(parameters, grads, learning_rate).items()}


@update_parameters_with_gd.mistake(
    "The result is right, but the caller's parameters have changed too. Make a new dict and new arrays: no `-=`."
)
def gd_in_place(parameters, grads, learning_rate):
    for name in parameters:
        parameters[name] -= learning_rate * grads["d" + name]
    return parameters


@update_parameters_with_gd.accept(
    "The layers are counted, and W and b have a line each: longer, but one sees the network in it."
)
def gd_by_layers(parameters, grads, learning_rate):
    new = {}
    for l in range(1, len(parameters) // 2 + 1):
        new[f"W{l}"] = parameters[f"W{l}"] - learning_rate * grads[f"dW{l}"]
        new[f"b{l}"] = parameters[f"b{l}"] - learning_rate * grads[f"db{l}"]
    return new


@update_parameters_with_gd.accept
def gd_on_copies(parameters, grads, learning_rate):
    new = {name: array.copy() for name, array in parameters.items()}
    for name in new:
        new[name] -= learning_rate * grads["d" + name]
    return new


@update_parameters_with_gd.accept
def gd_over_gradients(parameters, grads, learning_rate):
    new = dict(parameters)
    for key, gradient in grads.items():
        new[key[1:]] = new[key[1:]] + (-learning_rate) * gradient
    return new


# --- exponentially_weighted_average ----------------------------------------------------------------------------------


def average_cases(rng):
    return [
        case(values=rng.normal(3, 1, size=6), beta=0.8),
        case(values=rng.normal(3, 1, size=9), beta=0.7, bias_correction=True),
        case(values=rng.normal(3, 1, size=5), beta=0.9, bias_correction=False),
        case(values=rng.normal(-5, 1, size=4), beta=0.35, bias_correction=True),
        case(values=rng.normal(3, 1, size=1), beta=0.6, bias_correction=True),
    ]


@lesson.exercise(
    points=2,
    topic=22,
    equation="(5.8) and (5.13)",
    cases=average_cases,
    ask="Two numbers are in play after each value: the average that goes on, and the one that goes into the list. Are they "
    "the same?",
    small={"values": np.array([10.0, 20.0, 30.0]), "beta": 0.5, "bias_correction": True},
)
def exponentially_weighted_average(values, beta, bias_correction=False):
    """Average each value with those before it; the older a value is, the less it counts.

    Parameters
    ----------
    values : ndarray, shape (T,)
        Numbers in the order of time.
    beta : float
        From 0 to 1; the memory is about 1 / (1 - beta) values.
    bias_correction : bool
        Whether entry t, counted from 1, is divided by 1 - beta**t.

    Returns
    -------
    averages : list of T floats
        Entry t uses the values up to t.
    """
    v, averages = 0.0, []
    for t, value in enumerate(values, start=1):
        v = beta * v + (1 - beta) * value  # (5.8)
        averages.append(v / (1 - beta**t) if bias_correction else v)  # (5.13)
    return averages


def average_with(values, beta, correct, keep=None, add=None, start=0.0):
    """Run v = keep v + add value from `start`; ``correct(t)`` is what entry t is divided by."""
    v, found = start, []
    for t, value in enumerate(values, start=1):
        v = (beta if keep is None else keep) * v + (1 - beta if add is None else add) * value
        found.append(v / correct(t))
    return found


def correction(beta, wanted):
    """Return the right divisor of entry t."""
    return (lambda t: 1 - beta**t) if wanted else (lambda t: 1.0)


@exponentially_weighted_average.mistake(
    "beta and 1 - beta are swapped: the average so far has the weight beta, the new value has 1 - beta."
)
def average_swapped(values, beta, bias_correction=False):
    return average_with(values, beta, correction(beta, bias_correction), keep=1 - beta, add=beta)


@exponentially_weighted_average.mistake(
    "The average so far is not used: each entry is (1 - beta) times one value. Add beta times the last v."
)
def average_without_past(values, beta, bias_correction=False):
    return average_with(values, beta, correction(beta, bias_correction), keep=0.0)


@exponentially_weighted_average.mistake(
    "The new value lacks its weight 1 - beta: the weights of all values must not add up to more than 1."
)
def average_without_weight(values, beta, bias_correction=False):
    return average_with(values, beta, correction(beta, bias_correction), add=1.0)


@exponentially_weighted_average.mistake(
    "Your average starts at the first value. It starts at v = 0; the correction repairs what that does."
)
def average_from_first_value(values, beta, bias_correction=False):
    return average_with(values, beta, correction(beta, bias_correction), start=values[0])


@exponentially_weighted_average.mistake("bias_correction is not used. Where it is True, divide entry t by 1 - beta**t.")
def average_never_corrected(values, beta, bias_correction=False):
    return average_with(values, beta, correction(beta, False))


@exponentially_weighted_average.mistake("The correction is made always. Make it only where bias_correction is True.")
def average_always_corrected(values, beta, bias_correction=False):
    return average_with(values, beta, correction(beta, True))


@exponentially_weighted_average.mistake("It is the wrong way round: correct where bias_correction is True.")
def average_corrected_contrariwise(values, beta, bias_correction=False):
    return average_with(values, beta, correction(beta, not bias_correction))


@exponentially_weighted_average.mistake(
    "The corrected average goes into the next step. Keep v as it is, and divide only what you put into the list."
)
def average_correction_stored(values, beta, bias_correction=False):
    v, found = 0.0, []
    for t, value in enumerate(values, start=1):
        v = beta * v + (1 - beta) * value
        if bias_correction:
            v = v / (1 - beta**t)
        found.append(v)
    return found


@exponentially_weighted_average.mistake(
    "Your t counts from 0, so the first divisor, 1 - beta**0, is 0. The first value has t = 1: `enumerate(values, start=1)`."
)
def average_t_from_zero(values, beta, bias_correction=False):
    return average_with(values, beta, lambda t: np.float64(1 - beta ** (t - 1)) if bias_correction else 1.0)


@exponentially_weighted_average.mistake(
    "You multiply by the correction. The average is too small at first, so it is divided by 1 - beta**t."
)
def average_multiplied(values, beta, bias_correction=False):
    return average_with(values, beta, lambda t: 1 / (1 - beta**t) if bias_correction else 1.0)


@exponentially_weighted_average.mistake(
    "Your t is one too large in the correction. The first value has t = 1: divide it by 1 - beta."
)
def average_t_too_large(values, beta, bias_correction=False):
    return average_with(values, beta, lambda t: 1 - beta ** (t + 1) if bias_correction else 1.0)


@exponentially_weighted_average.mistake(
    "All entries are divided by the last 1 - beta**T. Entry t has its own divisor, 1 - beta**t."
)
def average_one_divisor(values, beta, bias_correction=False):
    return average_with(values, beta, lambda t: 1 - beta ** len(values) if bias_correction else 1.0)


@exponentially_weighted_average.mistake("Each entry is divided by 1 - beta. The divisor grows with t: 1 - beta**t.")
def average_first_divisor(values, beta, bias_correction=False):
    return average_with(values, beta, lambda t: 1 - beta if bias_correction else 1.0)


@exponentially_weighted_average.mistake("Your divisor is (1 - beta)**t. The power belongs to beta alone: 1 - beta**t.")
def average_power_of_difference(values, beta, bias_correction=False):
    return average_with(values, beta, lambda t: (1 - beta) ** t if bias_correction else 1.0)


@exponentially_weighted_average.mistake("The last average alone is returned. Return the average after each value.")
def average_last_only(values, beta, bias_correction=False):
    return average_with(values, beta, correction(beta, bias_correction))[-1]


@exponentially_weighted_average.mistake("The start v = 0 is in your list. The first entry belongs to the first value.")
def average_with_the_start(values, beta, bias_correction=False):
    return [0.0, *average_with(values, beta, correction(beta, bias_correction))]


@exponentially_weighted_average.mistake(
    "The result is right, but your function has written it into the caller's values. Put it into a new list or array."
)
def average_in_place(values, beta, bias_correction=False):
    values[:] = average_with(values, beta, correction(beta, bias_correction))
    return list(values)


@exponentially_weighted_average.accept(
    "The weights of (5.9) as a matrix, one row for each average: no loop, but the matrix grows with the square of the length."
)
def average_unrolled(values, beta, bias_correction=False):
    T = len(values)
    weights = np.tril((1 - beta) * beta ** np.abs(np.subtract.outer(np.arange(T), np.arange(T))))
    averages = weights @ values
    return averages / weights.sum(axis=1) if bias_correction else averages


@exponentially_weighted_average.accept
def average_into_an_array(values, beta, bias_correction=False):
    averages = np.zeros(len(values))
    for t in range(len(values)):
        averages[t] = beta * averages[t - 1] + (1 - beta) * values[t] if t else (1 - beta) * values[t]
    return averages / (1 - beta ** np.arange(1, len(values) + 1)) if bias_correction else averages


@exponentially_weighted_average.accept(
    "v moves towards the new number by the share 1 - beta of the distance: the same formula, in another order."
)
def average_by_steps_towards(values, beta, bias_correction=False):
    v, weight, averages = 0.0, 0.0, []
    for value in values:
        v += (1 - beta) * (value - v)
        weight += (1 - beta) * (1 - weight)
        averages.append(v / weight if bias_correction else v)
    return averages


# --- initialize_velocity ---------------------------------------------------------------------------------------------


def velocity_cases(rng):
    """Return drawn sizes, and layers of equal size: each of their averages is an array of its own."""
    equal = [int(rng.integers(2, 5))] * 4
    return [case(parameters=network(rng, *sizes)[0]) for sizes in (*drawn_sizes(rng), equal)]


@lesson.exercise(
    points=1,
    topic=22,
    equation="(5.15)",
    cases=velocity_cases,
    new=True,
    ask="v averages gradients. Which names have the gradients of W1 and b1, and which value has an average before the first "
    "gradient?",
    small={"parameters": {"W1": np.array([[1.0, 2.0]]), "b1": np.array([[0.5]])}},
)
def initialize_velocity(parameters):
    """Return averages that start at zero, one for each gradient.

    Parameters
    ----------
    parameters : dict
        ``"W1"``, ``"b1"``, ``"W2"``, …, each an ndarray.

    Returns
    -------
    v : dict
        ``"dW1"``, ``"db1"``, …: zeros of the same shapes.
    """
    return {"d" + name: np.zeros(array.shape) for name, array in parameters.items()}


@initialize_velocity.mistake('The keys are those of the parameters. v belongs to the gradients: "dW1", "db1", …')
def velocity_named_like_parameters(parameters):
    return {name: np.zeros(array.shape) for name, array in parameters.items()}


@initialize_velocity.mistake('The keys begin with "v". Use the names of the gradients: "dW1", "db1", …')
def velocity_named_v(parameters):
    return {"v" + name: np.zeros(array.shape) for name, array in parameters.items()}


@initialize_velocity.mistake("v starts with ones. An average without any value yet is zero.")
def velocity_ones(parameters):
    return {"d" + name: np.ones(array.shape) for name, array in parameters.items()}


@initialize_velocity.mistake("v starts with copies of the parameters. It averages gradients, so it starts with zeros.")
def velocity_copies(parameters):
    return {"d" + name: array.copy() for name, array in parameters.items()}


@initialize_velocity.mistake("The shapes are transposed. Each array of v is as its parameter.")
def velocity_transposed(parameters):
    return {"d" + name: np.zeros(array.T.shape) for name, array in parameters.items()}


@initialize_velocity.mistake("Each average is the number 0. Make an array of zeros as large as the parameter.")
def velocity_numbers(parameters):
    return {"d" + name: 0.0 for name in parameters}


@initialize_velocity.mistake("The averages of the biases have one axis, (n,). A bias is a column, (n, 1).")
def velocity_flat_biases(parameters):
    return {"d" + name: np.zeros(len(array) if name[0] == "b" else array.shape) for name, array in parameters.items()}


@initialize_velocity.mistake(
    "The averages of the weights are right, those of the biases are not. Each bias has one, too: a column of zeros."
)
def velocity_weights_only(parameters):
    return {"d" + name: np.zeros(array.shape) for name, array in parameters.items() if name[0] == "W"}


@initialize_velocity.mistake(
    "All layers but the last are right. Layers count from 1 to L: `range(1, L + 1)`, or loop over the names."
)
def velocity_last_layer_missing(parameters):
    L = len(parameters) // 2
    return {"d" + name: np.zeros(array.shape) for name, array in parameters.items() if not name.endswith(str(L))}


@initialize_velocity.mistake(
    "The zeros are right, but the caller's parameters have become zero, too. Make new arrays, with np.zeros."
)
def velocity_in_place(parameters):
    for array in parameters.values():
        array *= 0
    return {"d" + name: array for name, array in parameters.items()}


@initialize_velocity.accept
def velocity_by_layers(parameters):
    v = {}
    for l in range(1, len(parameters) // 2 + 1):
        v[f"dW{l}"] = np.zeros_like(parameters[f"W{l}"])
        v[f"db{l}"] = np.zeros((parameters[f"b{l}"].shape[0], 1))
    return v


@initialize_velocity.accept("Zero times the parameters: right, unless one of them is infinite or nan.")
def velocity_times_zero(parameters):
    return {f"d{name}": 0 * array for name, array in parameters.items()}


@initialize_velocity.accept
def velocity_whole_numbers(parameters):
    return dict(zip(["d" + name for name in parameters], [np.zeros(np.shape(parameters[n]), int) for n in parameters]))  # noqa: B905


# --- update_parameters_with_momentum ---------------------------------------------------------------------------------


def momentum_cases(rng):
    found = []
    for sizes, beta, rate in zip(SIZES, (0.8, 0.35, 0.95), (0.3, 0.07, 2.5), strict=True):
        parameters, grads = network(rng, *sizes)
        v = like(grads, rng.normal)
        found.append(case(parameters=parameters, grads=grads, v=v, beta=beta, learning_rate=rate))
    return found


@lesson.exercise(
    points=2,
    topic=22,
    equation="(5.15)",
    cases=momentum_cases,
    returns=("parameters", "v"),
    ask="(5.15) has two steps. Which v stands in the second one, that from before the first step or that from after it?",
    small={"parameters": SMALL_NET, "grads": SMALL_SLOPES, "v": SMALL_AVERAGE, "beta": 0.9, "learning_rate": 0.1},
)
def update_parameters_with_momentum(parameters, grads, v, beta, learning_rate):
    """Take one step of gradient descent with momentum.

    Parameters
    ----------
    parameters : dict
        ``"W1"``, ``"b1"``, ``"W2"``, …, each an ndarray.
    grads, v : dict
        Gradients and their averages so far: ``"dW1"``, ``"db1"``, …, of the same shapes.
    beta : float
        Weight of the average so far; 0 for plain gradient descent.
    learning_rate : float

    Returns
    -------
    parameters, v : dict
        New arrays; those of the caller are as before.
    """
    v = {key: beta * v[key] + (1 - beta) * grads[key] for key in v}
    return {name: parameters[name] - learning_rate * v["d" + name] for name in parameters}, v  # (5.15)


def momentum_with(parameters, grads, v, keep, add, rate, step=None):
    """Run v = keep v + add g; the step is `rate` times v, or times ``step(key, new v)``."""
    new = {key: keep * v[key] + add * grads[key] for key in v}
    step = step or (lambda key, new: new)
    return {name: parameters[name] - rate * step("d" + name, new["d" + name]) for name in parameters}, new


@update_parameters_with_momentum.mistake(
    "beta v is forgotten: your v is (1 - beta) times the gradient and remembers nothing. Add beta times the old v."
)
def momentum_without_past(parameters, grads, v, beta, learning_rate):
    return momentum_with(parameters, grads, v, 0.0, 1 - beta, learning_rate)


@update_parameters_with_momentum.mistake(
    "beta and 1 - beta are swapped: the old v has the weight beta, the gradient has 1 - beta."
)
def momentum_swapped(parameters, grads, v, beta, learning_rate):
    return momentum_with(parameters, grads, v, 1 - beta, beta, learning_rate)


@update_parameters_with_momentum.mistake(
    "The gradient lacks its weight 1 - beta. Some libraries leave it out, with other learning rates; here v is an average."
)
def momentum_without_weight(parameters, grads, v, beta, learning_rate):
    return momentum_with(parameters, grads, v, beta, 1.0, learning_rate)


@update_parameters_with_momentum.mistake("The old v lacks its weight beta: nothing is ever forgotten.")
def momentum_nothing_forgotten(parameters, grads, v, beta, learning_rate):
    return momentum_with(parameters, grads, v, 1.0, 1 - beta, learning_rate)


@update_parameters_with_momentum.mistake(
    "v is right, but the step uses the gradient. Subtract learning_rate times v: that is what v is for."
)
def momentum_step_with_gradient(parameters, grads, v, beta, learning_rate):
    return momentum_with(parameters, grads, v, beta, 1 - beta, learning_rate, lambda key, new: grads[key])


@update_parameters_with_momentum.mistake(
    "The step uses v from before this gradient. Compute the new v first, then take the step with it."
)
def momentum_step_with_old(parameters, grads, v, beta, learning_rate):
    return momentum_with(parameters, grads, v, beta, 1 - beta, learning_rate, lambda key, new: v[key])


@update_parameters_with_momentum.mistake(
    "The parameters are right, but the v that you return is the old one: the next step would forget this gradient."
)
def momentum_old_returned(parameters, grads, v, beta, learning_rate):
    return update_parameters_with_momentum(parameters, grads, v, beta, learning_rate)[0], v


@update_parameters_with_momentum.mistake(
    "This is another form of momentum, v = beta v - alpha g and W + v: its v holds the learning rate. Here v is an average "
    "of gradients (5.14), and the learning rate comes in with the step."
)
def momentum_classical(parameters, grads, v, beta, learning_rate):
    new = {key: beta * v[key] - learning_rate * grads[key] for key in v}
    return {name: parameters[name] + new["d" + name] for name in parameters}, new


@update_parameters_with_momentum.mistake("Your step goes uphill: subtract learning_rate times v.")
def momentum_uphill(parameters, grads, v, beta, learning_rate):
    return momentum_with(parameters, grads, v, beta, 1 - beta, -learning_rate)


@update_parameters_with_momentum.mistake(
    'Gradients and v are named with a d: `grads["dW1"]` and `v["dW1"]`, not `"W1"`.'
)
def momentum_named_like_parameters(parameters, grads, v, beta, learning_rate):
    new = {name: beta * v[name] + (1 - beta) * grads[name] for name in parameters}
    return {name: parameters[name] - learning_rate * new[name] for name in parameters}, new


@update_parameters_with_momentum.mistake("The learning rate is not in your step. Multiply v by it.")
def momentum_without_rate(parameters, grads, v, beta, learning_rate):
    return momentum_with(parameters, grads, v, beta, 1 - beta, 1.0)


@update_parameters_with_momentum.mistake(
    "The learning rate is inside your v. v averages gradients; the learning rate belongs to the step."
)
def momentum_rate_inside(parameters, grads, v, beta, learning_rate):
    return momentum_with(parameters, grads, v, beta, (1 - beta) * learning_rate, 1.0)


@update_parameters_with_momentum.mistake("The biases take a plain step, without momentum. They use their v, too.")
def momentum_weights_only(parameters, grads, v, beta, learning_rate):
    new, averages = update_parameters_with_momentum(parameters, grads, v, beta, learning_rate)
    plain = {name: parameters[name] - learning_rate * grads["d" + name] for name in parameters if name[0] == "b"}
    return new | plain, averages


@update_parameters_with_momentum.mistake(
    "v is divided by 1 - beta. Momentum makes no bias correction; that comes with Adam."
)
def momentum_corrected(parameters, grads, v, beta, learning_rate):
    return momentum_with(parameters, grads, v, beta, 1 - beta, learning_rate, lambda key, new: new / (1 - beta))


@update_parameters_with_momentum.mistake(
    "The result is right, but the caller's v has changed. Put the new averages into a new dict."
)
def momentum_v_in_place(parameters, grads, v, beta, learning_rate):
    new, averages = update_parameters_with_momentum(parameters, grads, v, beta, learning_rate)
    v |= averages
    return new, v


@update_parameters_with_momentum.mistake(
    "The result is right, but the caller's parameters have changed. Put the new ones into a new dict, without `-=`."
)
def momentum_parameters_in_place(parameters, grads, v, beta, learning_rate):
    new, averages = update_parameters_with_momentum(parameters, grads, v, beta, learning_rate)
    parameters |= new
    return parameters, averages


@update_parameters_with_momentum.mistake(
    "The result is right, but the caller's parameters and v have changed. Put what is new into two new dicts."
)
def momentum_both_in_place(parameters, grads, v, beta, learning_rate):
    for name in parameters:
        v["d" + name] *= beta
        v["d" + name] += (1 - beta) * grads["d" + name]
        parameters[name] -= learning_rate * v["d" + name]
    return parameters, v


@update_parameters_with_momentum.accept
def momentum_by_layers(parameters, grads, v, beta, learning_rate):
    new, averages = {}, {}
    for l in range(1, len(parameters) // 2 + 1):
        for kind in ("W", "b"):
            key = f"d{kind}{l}"
            averages[key] = beta * v[key] + (1 - beta) * grads[key]
            new[f"{kind}{l}"] = parameters[f"{kind}{l}"] - learning_rate * averages[key]
    return new, averages


@update_parameters_with_momentum.accept(
    "v moves towards the gradient by the share 1 - beta of the distance: the same formula."
)
def momentum_towards_the_gradient(parameters, grads, v, beta, learning_rate):
    new, averages = dict(parameters), dict(v)
    for name in new:
        averages["d" + name] = v["d" + name] + (1 - beta) * (grads["d" + name] - v["d" + name])
        new[name] = new[name] - learning_rate * averages["d" + name]
    return new, averages


@update_parameters_with_momentum.accept
def momentum_on_copies(parameters, grads, v, beta, learning_rate):
    parameters, v = ({key: array.copy() for key, array in part.items()} for part in (parameters, v))
    for name in parameters:
        v["d" + name] *= beta
        v["d" + name] += (1 - beta) * grads["d" + name]
        parameters[name] -= learning_rate * v["d" + name]
    return parameters, v


# --- update_parameters_with_rmsprop ----------------------------------------------------------------------------------


def rmsprop_cases(rng):
    found = []
    for sizes, beta, rate, epsilon in zip(SIZES, (0.8, 0.35, 0.95), (0.3, 0.07, 2.5), (0.2, 0.6, 0.05), strict=True):
        parameters, grads = network(rng, *sizes)
        s = {key: array**2 for key, array in like(grads, rng.normal).items()}
        more = {"beta": beta, "learning_rate": rate, "epsilon": epsilon}
        found.append(case(parameters=parameters, grads=grads, s=s, **more))
    return found


@lesson.exercise(
    points=2,
    topic=22,
    equation="(5.24)",
    cases=rmsprop_cases,
    returns=("parameters", "s"),
    ask="What is averaged in (5.24), and what is divided by the root of the average? Is epsilon under the root?",
    small={
        "parameters": SMALL_NET,
        "grads": {"dW1": np.array([[3.0]]), "db1": np.array([[0.0]])},
        "s": {"dW1": np.array([[23.0]]), "db1": np.array([[0.0]])},
        "beta": 0.5,
        "learning_rate": 0.5,
        "epsilon": 1.0,
    },
)
def update_parameters_with_rmsprop(parameters, grads, s, beta, learning_rate, epsilon):
    """Take one step of RMSprop: each entry of the gradient is divided by its root mean square.

    Parameters
    ----------
    parameters : dict
        ``"W1"``, ``"b1"``, ``"W2"``, …, each an ndarray.
    grads, s : dict
        Gradients, and the averages of their squares so far: ``"dW1"``, ``"db1"``, …, of the same shapes.
    beta : float
        Weight of the average so far.
    learning_rate : float
    epsilon : float
        Added to the root, so that nothing is divided by 0.

    Returns
    -------
    parameters, s : dict
        New arrays; those of the caller are as before.
    """
    s = {key: beta * s[key] + (1 - beta) * grads[key] ** 2 for key in s}
    steps = {key: grads[key] / (np.sqrt(s[key]) + epsilon) for key in s}
    return {name: parameters[name] - learning_rate * steps["d" + name] for name in parameters}, s  # (5.24)


def rmsprop_with(parameters, grads, s, keep, add, rate, step):
    """Run s = keep s + add g²; the step is `rate` times ``step(g, new s, old s)``."""
    new = {key: keep * s[key] + add * grads[key] ** 2 for key in s}
    steps = {key: step(grads[key], new[key], s[key]) for key in s}
    return {name: parameters[name] - rate * steps["d" + name] for name in parameters}, new


def over_root(epsilon):
    """Return the right direction of a step of RMSprop."""
    return lambda g, new, old: g / (np.sqrt(new) + epsilon)


@update_parameters_with_rmsprop.mistake(
    "beta s is forgotten: your s is (1 - beta) times the square of one gradient. Add beta times the old s."
)
def rmsprop_without_past(parameters, grads, s, beta, learning_rate, epsilon):
    return rmsprop_with(parameters, grads, s, 0.0, 1 - beta, learning_rate, over_root(epsilon))


@update_parameters_with_rmsprop.mistake(
    "beta and 1 - beta are swapped: the old s has the weight beta, the square of the gradient has 1 - beta."
)
def rmsprop_swapped(parameters, grads, s, beta, learning_rate, epsilon):
    return rmsprop_with(parameters, grads, s, 1 - beta, beta, learning_rate, over_root(epsilon))


@update_parameters_with_rmsprop.mistake(
    "epsilon is under the root. It stands outside: first the root of s, then plus epsilon."
)
def rmsprop_epsilon_under_root(parameters, grads, s, beta, learning_rate, epsilon):
    step = lambda g, new, old: g / np.sqrt(new + epsilon)  # noqa: E731
    return rmsprop_with(parameters, grads, s, beta, 1 - beta, learning_rate, step)


@update_parameters_with_rmsprop.mistake(
    "epsilon is not in your denominator. Without it, an entry that never had a gradient gives 0 / 0."
)
def rmsprop_without_epsilon(parameters, grads, s, beta, learning_rate, epsilon):
    return rmsprop_with(parameters, grads, s, beta, 1 - beta, learning_rate, over_root(0.0))


@update_parameters_with_rmsprop.mistake(
    "epsilon is added to the quotient. Put parentheses around the denominator: root of s, plus epsilon."
)
def rmsprop_epsilon_outside(parameters, grads, s, beta, learning_rate, epsilon):
    step = lambda g, new, old: g / np.sqrt(new) + epsilon  # noqa: E731
    return rmsprop_with(parameters, grads, s, beta, 1 - beta, learning_rate, step)


@update_parameters_with_rmsprop.mistake(
    "epsilon is added to the step, behind the fraction and without the learning rate. It belongs into the denominator."
)
def rmsprop_epsilon_behind_the_fraction(parameters, grads, s, beta, learning_rate, epsilon):
    step = lambda g, new, old: g / np.sqrt(new) + epsilon / learning_rate  # noqa: E731
    return rmsprop_with(parameters, grads, s, beta, 1 - beta, learning_rate, step)


@update_parameters_with_rmsprop.mistake(
    "epsilon is added to the parameters: `W - alpha * g / root + epsilon`. Put parentheses around the denominator."
)
def rmsprop_epsilon_added_to_the_parameters(parameters, grads, s, beta, learning_rate, epsilon):
    step = lambda g, new, old: g / np.sqrt(new) - epsilon / learning_rate  # noqa: E731
    return rmsprop_with(parameters, grads, s, beta, 1 - beta, learning_rate, step)


@update_parameters_with_rmsprop.mistake(
    "The gradient is divided by s. Divide by the root of s, which is as large as the gradient, not as its square."
)
def rmsprop_without_root(parameters, grads, s, beta, learning_rate, epsilon):
    step = lambda g, new, old: g / (new + epsilon)  # noqa: E731
    return rmsprop_with(parameters, grads, s, beta, 1 - beta, learning_rate, step)


@update_parameters_with_rmsprop.mistake(
    "The gradient is not squared in s. s averages squares, so that signs do not cancel."
)
def rmsprop_not_squared(parameters, grads, s, beta, learning_rate, epsilon):
    new = {key: beta * s[key] + (1 - beta) * grads[key] for key in s}
    return {
        name: parameters[name] - learning_rate * grads["d" + name] / (np.sqrt(new["d" + name]) + epsilon)
        for name in parameters
    }, new


@update_parameters_with_rmsprop.mistake(
    "s averages the gradient without its sign. It averages its square: the root of s then has the size of a gradient."
)
def rmsprop_size_averaged(parameters, grads, s, beta, learning_rate, epsilon):
    new = {key: beta * s[key] + (1 - beta) * np.abs(grads[key]) for key in s}
    return {
        name: parameters[name] - learning_rate * grads["d" + name] / (np.sqrt(new["d" + name]) + epsilon)
        for name in parameters
    }, new


@update_parameters_with_rmsprop.mistake(
    "The step uses s from before this gradient. Compute the new s first, then divide by its root."
)
def rmsprop_step_with_old(parameters, grads, s, beta, learning_rate, epsilon):
    step = lambda g, new, old: g / (np.sqrt(old) + epsilon)  # noqa: E731
    return rmsprop_with(parameters, grads, s, beta, 1 - beta, learning_rate, step)


@update_parameters_with_rmsprop.mistake("Your s has the weight 1 instead of 1 - beta for the square of the gradient.")
def rmsprop_without_weight(parameters, grads, s, beta, learning_rate, epsilon):
    return rmsprop_with(parameters, grads, s, beta, 1.0, learning_rate, over_root(epsilon))


@update_parameters_with_rmsprop.mistake(
    "The parameters are right, but the s that you return is the old one: the next step would forget this gradient."
)
def rmsprop_old_returned(parameters, grads, s, beta, learning_rate, epsilon):
    return update_parameters_with_rmsprop(parameters, grads, s, beta, learning_rate, epsilon)[0], s


@update_parameters_with_rmsprop.mistake("Your step goes uphill: subtract it from the parameters.")
def rmsprop_uphill(parameters, grads, s, beta, learning_rate, epsilon):
    return rmsprop_with(parameters, grads, s, beta, 1 - beta, -learning_rate, over_root(epsilon))


@update_parameters_with_rmsprop.mistake(
    'Gradients and s are named with a d: `grads["dW1"]` and `s["dW1"]`, not `"W1"`.'
)
def rmsprop_named_like_parameters(parameters, grads, s, beta, learning_rate, epsilon):
    return rmsprop_with({name: parameters[name] for name in s}, grads, s, beta, 1 - beta, learning_rate, None)


@update_parameters_with_rmsprop.mistake("The gradient is multiplied by the root of s. Divide by it.")
def rmsprop_multiplied(parameters, grads, s, beta, learning_rate, epsilon):
    step = lambda g, new, old: g * (np.sqrt(new) + epsilon)  # noqa: E731
    return rmsprop_with(parameters, grads, s, beta, 1 - beta, learning_rate, step)


@update_parameters_with_rmsprop.mistake("This is the plain step: the gradient is not divided by the root of s.")
def rmsprop_plain_step(parameters, grads, s, beta, learning_rate, epsilon):
    return rmsprop_with(parameters, grads, s, beta, 1 - beta, learning_rate, lambda g, new, old: g)


@update_parameters_with_rmsprop.mistake(
    "The numerator of your step is s. It is the gradient; s stands only below the fraction line."
)
def rmsprop_s_in_the_numerator(parameters, grads, s, beta, learning_rate, epsilon):
    step = lambda g, new, old: new / (np.sqrt(new) + epsilon)  # noqa: E731
    return rmsprop_with(parameters, grads, s, beta, 1 - beta, learning_rate, step)


@update_parameters_with_rmsprop.mistake(
    "All entries of an array share one s, the mean of the squares. Each entry has its own: leave out the mean."
)
def rmsprop_one_for_all(parameters, grads, s, beta, learning_rate, epsilon):
    new = {key: beta * s[key] + (1 - beta) * np.mean(grads[key] ** 2) for key in s}
    return {
        name: parameters[name] - learning_rate * grads["d" + name] / (np.sqrt(new["d" + name]) + epsilon)
        for name in parameters
    }, new


@update_parameters_with_rmsprop.mistake(
    "The result is right, but the caller's s has changed. Put the new averages into a new dict."
)
def rmsprop_s_in_place(parameters, grads, s, beta, learning_rate, epsilon):
    new, averages = update_parameters_with_rmsprop(parameters, grads, s, beta, learning_rate, epsilon)
    s |= averages
    return new, s


@update_parameters_with_rmsprop.mistake(
    "The result is right, but the caller's parameters have changed. Put the new ones into a new dict, without `-=`."
)
def rmsprop_parameters_in_place(parameters, grads, s, beta, learning_rate, epsilon):
    new, averages = update_parameters_with_rmsprop(parameters, grads, s, beta, learning_rate, epsilon)
    parameters |= new
    return parameters, averages


@update_parameters_with_rmsprop.mistake(
    "The result is right, but the caller's parameters and s have changed. Put what is new into two new dicts."
)
def rmsprop_both_in_place(parameters, grads, s, beta, learning_rate, epsilon):
    new, averages = update_parameters_with_rmsprop(parameters, grads, s, beta, learning_rate, epsilon)
    parameters |= new
    s |= averages
    return parameters, s


@update_parameters_with_rmsprop.accept
def rmsprop_by_layers(parameters, grads, s, beta, learning_rate, epsilon):
    new, averages = {}, {}
    for l in range(1, len(parameters) // 2 + 1):
        for kind in ("W", "b"):
            key = f"d{kind}{l}"
            averages[key] = beta * s[key] + (1 - beta) * np.square(grads[key])
            new[f"{kind}{l}"] = parameters[f"{kind}{l}"] - learning_rate * grads[key] / (averages[key] ** 0.5 + epsilon)
    return new, averages


@update_parameters_with_rmsprop.accept(
    "The denominator makes a learning rate for each entry, which then multiplies the gradient."
)
def rmsprop_with_its_own_rates(parameters, grads, s, beta, learning_rate, epsilon):
    new, averages = dict(parameters), {}
    for key in grads:
        averages[key] = s[key] + (1 - beta) * (grads[key] * grads[key] - s[key])
        rates = learning_rate / (epsilon + np.sqrt(averages[key]))
        new[key[1:]] = new[key[1:]] - rates * grads[key]
    return new, averages


@update_parameters_with_rmsprop.accept
def rmsprop_on_copies(parameters, grads, s, beta, learning_rate, epsilon):
    parameters, s = ({key: array.copy() for key, array in part.items()} for part in (parameters, s))
    for name, array in parameters.items():
        s["d" + name] *= beta
        s["d" + name] += (1 - beta) * grads["d" + name] ** 2
        array -= learning_rate * np.divide(grads["d" + name], np.sqrt(s["d" + name]) + epsilon)
    return parameters, s


# --- initialize_adam -------------------------------------------------------------------------------------------------


@lesson.exercise(
    points=1,
    topic=22,
    equation="(5.27)",
    cases=velocity_cases,
    new=True,
    returns=("v", "s"),
    ask="Adam keeps two averages for each parameter. What are they before the first gradient?",
    small={"parameters": {"W1": np.array([[1.0, 2.0]]), "b1": np.array([[0.5]])}},
)
def initialize_adam(parameters):
    """Return both averages of Adam at their start.

    Parameters
    ----------
    parameters : dict
        ``"W1"``, ``"b1"``, ``"W2"``, …, each an ndarray.

    Returns
    -------
    v, s : dict
        Both ``"dW1"``, ``"db1"``, …: zeros of the same shapes.
    """
    zeros = [{"d" + name: np.zeros(array.shape) for name, array in parameters.items()} for _ in range(2)]
    return tuple(zeros)


@initialize_adam.mistake("One dict is returned. Adam keeps two averages: return v, s.")
def adam_one_dict(parameters):
    return initialize_velocity(parameters)


@initialize_adam.mistake("s starts with ones. Both averages start with zeros; the correction relies on it.")
def adam_s_ones(parameters):
    return initialize_velocity(parameters), velocity_ones(parameters)


@initialize_adam.mistake("Both start with ones. Averages without any value yet are zero.")
def adam_both_ones(parameters):
    return velocity_ones(parameters), velocity_ones(parameters)


@initialize_adam.mistake(
    'The keys are those of the parameters. Both dicts have those of the gradients: "dW1", "db1", …'
)
def adam_named_like_parameters(parameters):
    return velocity_named_like_parameters(parameters), velocity_named_like_parameters(parameters)


@initialize_adam.mistake(
    "The averages of the weights are right, those of the biases are not. Each bias has both, too: columns of zeros."
)
def adam_weights_only(parameters):
    return velocity_weights_only(parameters), velocity_weights_only(parameters)


@initialize_adam.mistake(
    "All layers but the last are right. Layers count from 1 to L: `range(1, L + 1)`, or loop over the names."
)
def adam_last_layer_missing(parameters):
    return velocity_last_layer_missing(parameters), velocity_last_layer_missing(parameters)


@initialize_adam.mistake("v and s start with the parameters. They average gradients and squares: start with zeros.")
def adam_copies(parameters):
    return velocity_copies(parameters), velocity_copies(parameters)


@initialize_adam.mistake("The shapes are transposed. Each array of v and of s is as its parameter.")
def adam_transposed(parameters):
    return velocity_transposed(parameters), velocity_transposed(parameters)


@initialize_adam.mistake("The averages are the number 0. Make arrays of zeros as large as the parameters.")
def adam_numbers(parameters):
    return velocity_numbers(parameters), velocity_numbers(parameters)


@initialize_adam.accept
def adam_start_by_layers(parameters):
    v, s = {}, {}
    for l in range(1, len(parameters) // 2 + 1):
        for name in (f"W{l}", f"b{l}"):
            v["d" + name] = np.zeros(parameters[name].shape)
            s["d" + name] = np.zeros(parameters[name].shape)
    return v, s


@initialize_adam.accept("initialize_velocity makes each of the two dicts.")
def adam_start_from_velocity(parameters):
    return initialize_velocity(parameters), initialize_velocity(parameters)


@initialize_adam.accept
def adam_start_times_zero(parameters):
    return [{f"d{name}": array * factor for name, array in parameters.items()} for factor in (0.0, 0)]


# --- update_parameters_with_adam -------------------------------------------------------------------------------------


def adam_cases(rng):
    settings = ((2, 0.3, 0.8, 0.6, 0.2), (1, 0.07, 0.35, 0.7, 0.6), (5, 2.5, 0.9, 0.95, 0.05))
    found = []
    for sizes, (t, rate, beta1, beta2, epsilon) in zip(SIZES, settings, strict=True):
        parameters, grads = network(rng, *sizes)
        v, s = like(grads, rng.normal), {key: array**2 for key, array in like(grads, rng.normal).items()}
        more = {"t": t, "learning_rate": rate, "beta1": beta1, "beta2": beta2, "epsilon": epsilon}
        found.append(case(parameters=parameters, grads=grads, v=v, s=s, **more))
    return found


@lesson.exercise(
    points=3,
    topic=22,
    equation="(5.27) to (5.29)",
    cases=adam_cases,
    returns=("parameters", "v", "s"),
    ask="Which v and s go into the step, and which are returned for the next one? (5.28) makes new ones; are they kept?",
    small={
        "parameters": SMALL_NET,
        "grads": {"dW1": np.array([[3.0]]), "db1": np.array([[0.0]])},
        "v": {"dW1": np.array([[0.0]]), "db1": np.array([[0.0]])},
        "s": {"dW1": np.array([[0.0]]), "db1": np.array([[0.0]])},
        "t": 1,
        "learning_rate": 0.4,
        "epsilon": 1.0,
    },
    why={
        "question": "Why are the corrected averages not stored?",
        "choices": {
            "the next step would correct again what has been corrected": "Yes: by (5.32) that gives 5.3 g for an average of g and g.",
            "they take up memory": "No: they would take the place of v and s.",
            "they are the same as v and s": "No: in the first step they differ by the factors 10 and 1000.",
        },
    },
)
def update_parameters_with_adam(
    parameters, grads, v, s, t, learning_rate=0.01, beta1=0.9, beta2=0.999, epsilon=1e-8
):  # fmt: skip
    """Take step number t of Adam.

    Parameters
    ----------
    parameters : dict
        ``"W1"``, ``"b1"``, ``"W2"``, …, each an ndarray.
    grads, v, s : dict
        Gradients, the averages of them and of their squares so far: ``"dW1"``, ``"db1"``, …, of the same shapes.
    t : int
        Number of this step; the first is 1.
    learning_rate : float
    beta1, beta2 : float
        Weights of the averages v and s so far.
    epsilon : float
        Added to the root, so that nothing is divided by 0.

    Returns
    -------
    parameters, v, s : dict
        New arrays; those of the caller are as before. v and s are the averages without correction.

    References
    ----------
    D. P. Kingma, J. Ba, "Adam: a method for stochastic optimization", 2014, arXiv:1412.6980.
    """
    v = {key: beta1 * v[key] + (1 - beta1) * grads[key] for key in v}  # (5.27)
    s = {key: beta2 * s[key] + (1 - beta2) * grads[key] ** 2 for key in s}
    v_corrected = {key: v[key] / (1 - beta1**t) for key in v}  # (5.28)
    s_corrected = {key: s[key] / (1 - beta2**t) for key in s}
    steps = {key: v_corrected[key] / (np.sqrt(s_corrected[key]) + epsilon) for key in v}
    return {name: parameters[name] - learning_rate * steps["d" + name] for name in parameters}, v, s  # (5.29)


def adam_with(
    parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon,
    keep_v=None, keep_s=None, add_v=None, add_s=None, correct=None, step=None, store=False,
):  # fmt: skip
    """Run Adam with other weights, corrections ``correct(beta, t)`` or ``(first, second)``, and another step."""
    keep_v, keep_s = (old if new is None else new for old, new in ((beta1, keep_v), (beta2, keep_s)))
    add_v, add_s = (1 - old if new is None else new for old, new in ((beta1, add_v), (beta2, add_s)))
    new_v = {key: keep_v * v[key] + add_v * grads[key] for key in v}
    new_s = {key: keep_s * s[key] + add_s * grads[key] ** 2 for key in s}
    correct = correct or (1 - beta1**t, 1 - beta2**t)
    step = step or (lambda v, s: v / (np.sqrt(s) + epsilon))
    c_v = {key: new_v[key] / correct[0] for key in v}
    c_s = {key: new_s[key] / correct[1] for key in s}
    new = {name: parameters[name] - learning_rate * step(c_v["d" + name], c_s["d" + name]) for name in parameters}
    return (new, c_v, c_s) if store else (new, new_v, new_s)


@update_parameters_with_adam.mistake(
    "The corrected averages are stored back into v and s. Use them for this step only, and return v and s without them."
)
def adam_correction_stored(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon):
    return adam_with(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, store=True)


@update_parameters_with_adam.mistake(
    "There is no bias correction. Divide v by 1 - beta1**t and s by 1 - beta2**t before the step."
)
def adam_uncorrected(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon):
    return adam_with(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, correct=(1, 1))


@update_parameters_with_adam.mistake("v is corrected and s is not. Divide s by 1 - beta2**t as well.")
def adam_s_uncorrected(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon):
    return adam_with(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, correct=(1 - beta1**t, 1))


@update_parameters_with_adam.mistake("s is corrected and v is not. Divide v by 1 - beta1**t as well.")
def adam_v_uncorrected(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon):
    return adam_with(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, correct=(1, 1 - beta2**t))


@update_parameters_with_adam.mistake("beta1 and beta2 have changed places: beta1 belongs to v, beta2 to s.")
def adam_betas_swapped(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon):
    return adam_with(parameters, grads, v, s, t, learning_rate, beta2, beta1, epsilon)


@update_parameters_with_adam.mistake("The corrections use each other's beta: v has 1 - beta1**t, s has 1 - beta2**t.")
def adam_corrections_swapped(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon):
    crossed = (1 - beta2**t, 1 - beta1**t)
    return adam_with(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, correct=crossed)


@update_parameters_with_adam.mistake("Both corrections use beta1. That of s has beta2: 1 - beta2**t.")
def adam_beta1_in_both_corrections(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon):
    first = (1 - beta1**t, 1 - beta1**t)
    return adam_with(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, correct=first)


@update_parameters_with_adam.mistake(
    "You multiply by the corrections. The averages are too small at first: divide by 1 - beta**t."
)
def adam_multiplied_by_the_corrections(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon):
    inverse = (1 / (1 - beta1**t), 1 / (1 - beta2**t))
    return adam_with(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, correct=inverse)


@update_parameters_with_adam.mistake("The gradient is not squared in s. s averages squares: `grads[key] ** 2`.")
def adam_not_squared(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon):
    new_v = {key: beta1 * v[key] + (1 - beta1) * grads[key] for key in v}
    new_s = {key: beta2 * s[key] + (1 - beta2) * grads[key] for key in s}
    steps = {key: new_v[key] / (1 - beta1**t) / (np.sqrt(new_s[key] / (1 - beta2**t)) + epsilon) for key in v}
    return {name: parameters[name] - learning_rate * steps["d" + name] for name in parameters}, new_v, new_s


@update_parameters_with_adam.mistake(
    "s averages the gradient without its sign. It averages its square: the root of s then has the size of a gradient."
)
def adam_size_averaged(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon):
    new_v = {key: beta1 * v[key] + (1 - beta1) * grads[key] for key in v}
    new_s = {key: beta2 * s[key] + (1 - beta2) * np.abs(grads[key]) for key in s}
    steps = {key: new_v[key] / (1 - beta1**t) / (np.sqrt(new_s[key] / (1 - beta2**t)) + epsilon) for key in v}
    return {name: parameters[name] - learning_rate * steps["d" + name] for name in parameters}, new_v, new_s


@update_parameters_with_adam.mistake("Both averages use beta1. The average of the squares, s, has beta2.")
def adam_beta1_for_both(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon):
    return adam_with(parameters, grads, v, s, t, learning_rate, beta1, beta1, epsilon)


@update_parameters_with_adam.mistake(
    "beta and 1 - beta are swapped in both averages: the average so far has the weight beta, what is new has 1 - beta."
)
def adam_weights_swapped(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon):
    swapped = {"keep_v": 1 - beta1, "add_v": beta1, "keep_s": 1 - beta2, "add_s": beta2}
    return adam_with(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, **swapped)


@update_parameters_with_adam.mistake(
    "beta1 v and beta2 s are forgotten: your averages hold one gradient. Add what they were before."
)
def adam_without_past(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon):
    return adam_with(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, keep_v=0, keep_s=0)


@update_parameters_with_adam.mistake("beta1 v is forgotten: your v holds one gradient. Add beta1 times the old v.")
def adam_v_without_past(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon):
    return adam_with(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, keep_v=0)


@update_parameters_with_adam.mistake(
    "epsilon is under the root. It stands outside: first the root of the corrected s, then plus epsilon."
)
def adam_epsilon_under_root(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon):
    step = lambda v, s: v / np.sqrt(s + epsilon)  # noqa: E731
    return adam_with(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, step=step)


@update_parameters_with_adam.mistake(
    "epsilon is not in your denominator. Without it, an entry that never had a gradient gives 0 / 0."
)
def adam_without_epsilon(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon):
    return adam_with(parameters, grads, v, s, t, learning_rate, beta1, beta2, 0.0)


@update_parameters_with_adam.mistake(
    "epsilon is added to the root of s before the correction, so it is enlarged with it. Correct s first."
)
def adam_epsilon_corrected_too(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon):
    enlarged = epsilon / np.sqrt(1 - beta2**t)
    return adam_with(parameters, grads, v, s, t, learning_rate, beta1, beta2, enlarged)


@update_parameters_with_adam.mistake(
    "epsilon is added to the quotient. It belongs to the denominator: put parentheses around the root of s plus epsilon."
)
def adam_epsilon_outside(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon):
    step = lambda v, s: v / np.sqrt(s) + epsilon  # noqa: E731
    return adam_with(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, step=step)


@update_parameters_with_adam.mistake(
    'Gradients, v and s are named with a d: `grads["dW1"]`, `v["dW1"]`, `s["dW1"]`, not `"W1"`.'
)
def adam_all_named_like_parameters(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon):
    new_v = {name: beta1 * v[name] + (1 - beta1) * grads[name] for name in parameters}
    return parameters, new_v, s


@update_parameters_with_adam.mistake("Divide by the root of the corrected s, not by s itself.")
def adam_without_root(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon):
    step = lambda v, s: v / (s + epsilon)  # noqa: E731
    return adam_with(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, step=step)


@update_parameters_with_adam.mistake(
    "Your corrections use t + 1. The first step has t = 1: the t that you get is right."
)
def adam_t_too_large(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon):
    later = (1 - beta1 ** (t + 1), 1 - beta2 ** (t + 1))
    return adam_with(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, correct=later)


@update_parameters_with_adam.mistake(
    "t is not in your corrections: they divide by 1 - beta at every step. The power is what makes them fade."
)
def adam_t_forgotten(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon):
    return adam_with(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, correct=(1 - beta1, 1 - beta2))


@update_parameters_with_adam.mistake("Your divisors are (1 - beta)**t. The power belongs to beta alone: 1 - beta**t.")
def adam_power_of_difference(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon):
    wrong = ((1 - beta1) ** t, (1 - beta2) ** t)
    return adam_with(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, correct=wrong)


@update_parameters_with_adam.mistake(
    "The step uses the gradient in place of the corrected v: that is RMSprop with a correction, not Adam."
)
def adam_step_with_gradient(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon):
    new, new_v, new_s = adam_with(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon)
    roots = {key: np.sqrt(new_s[key] / (1 - beta2**t)) + epsilon for key in s}
    return (
        {name: parameters[name] - learning_rate * grads["d" + name] / roots["d" + name] for name in new}, new_v, new_s
    )  # fmt: skip


@update_parameters_with_adam.mistake(
    "The square in s is that of v. s averages the squares of the gradient: `grads[key] ** 2`."
)
def adam_squares_of_v(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon):
    new_v = {key: beta1 * v[key] + (1 - beta1) * grads[key] for key in v}
    new_s = {key: beta2 * s[key] + (1 - beta2) * new_v[key] ** 2 for key in s}
    steps = {key: new_v[key] / (1 - beta1**t) / (np.sqrt(new_s[key] / (1 - beta2**t)) + epsilon) for key in v}
    return {name: parameters[name] - learning_rate * steps["d" + name] for name in parameters}, new_v, new_s


@update_parameters_with_adam.mistake("Your step goes uphill: subtract it from the parameters.")
def adam_uphill(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon):
    return adam_with(parameters, grads, v, s, t, -learning_rate, beta1, beta2, epsilon)


@update_parameters_with_adam.mistake("v and s are returned in the wrong order: parameters, v, s.")
def adam_returned_in_another_order(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon):
    new, new_v, new_s = adam_with(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon)
    return new, new_s, new_v


@update_parameters_with_adam.mistake(
    "The v and s that you return are the old ones: the next step would forget this one."
)
def adam_old_returned(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon):
    return adam_with(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon)[0], v, s


@update_parameters_with_adam.mistake(
    "The result is right, but the caller's v and s have changed. Put the new averages into new dicts."
)
def adam_averages_in_place(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon):
    new, new_v, new_s = adam_with(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon)
    v |= new_v
    s |= new_s
    return new, v, s


@update_parameters_with_adam.mistake(
    "The result is right, but the caller's parameters have changed. Put the new ones into a new dict, without `-=`."
)
def adam_parameters_in_place(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon):
    new, new_v, new_s = adam_with(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon)
    parameters |= new
    return parameters, new_v, new_s


@update_parameters_with_adam.mistake(
    "The result is right, but the caller's parameters, v and s have changed. Put what is new into three new dicts."
)
def adam_all_in_place(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon):
    new, new_v, new_s = adam_with(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon)
    parameters |= new
    v |= new_v
    s |= new_s
    return parameters, v, s


@update_parameters_with_adam.mistake("The exponent is the number 2. The corrections are 1 - beta1**t and 1 - beta2**t.")
def adam_power_of_two(
    parameters, grads, v, s, t, learning_rate=0.01, beta1=0.9, beta2=0.999, epsilon=1e-8
):  # fmt: skip
    return update_parameters_with_adam(parameters, grads, v, s, 2, learning_rate, beta1, beta2, epsilon)


@update_parameters_with_adam.accept
def adam_by_layers(parameters, grads, v, s, t, learning_rate, beta1=0.9, beta2=0.999, epsilon=1e-8):
    new, new_v, new_s = {}, {}, {}
    for l in range(1, len(parameters) // 2 + 1):
        for kind in ("W", "b"):
            key = f"d{kind}{l}"
            new_v[key] = beta1 * v[key] + (1 - beta1) * grads[key]
            new_s[key] = beta2 * s[key] + (1 - beta2) * np.power(grads[key], 2)
            v_corrected = new_v[key] / (1 - np.power(beta1, t))
            s_corrected = new_s[key] / (1 - np.power(beta2, t))
            new[f"{kind}{l}"] = parameters[f"{kind}{l}"] - learning_rate * v_corrected / (
                np.sqrt(s_corrected) + epsilon
            )
    return new, new_v, new_s


@update_parameters_with_adam.accept(
    "Both corrections go into one factor of the learning rate, as in the paper: one root for all entries."
)
def adam_with_one_rate(parameters, grads, v, s, t, learning_rate, beta1=0.9, beta2=0.999, epsilon=1e-8):
    """The corrections go into the learning rate and into epsilon: the same step with fewer divisions."""
    root = np.sqrt(1 - beta2**t)
    rate = learning_rate * root / (1 - beta1**t)
    new, new_v, new_s = dict(parameters), {}, {}
    for key, g in grads.items():
        new_v[key] = v[key] + (1 - beta1) * (g - v[key])
        new_s[key] = s[key] + (1 - beta2) * (g * g - s[key])
        new[key[1:]] = new[key[1:]] - rate * new_v[key] / (np.sqrt(new_s[key]) + root * epsilon)
    return new, new_v, new_s


@update_parameters_with_adam.accept
def adam_on_copies(parameters, grads, v, s, t, learning_rate, beta1=0.9, beta2=0.999, epsilon=1e-8):
    parameters, v, s = ({key: array.copy() for key, array in part.items()} for part in (parameters, v, s))
    for name in parameters:
        key = "d" + name
        v[key] *= beta1
        v[key] += (1 - beta1) * grads[key]
        s[key] *= beta2
        s[key] += (1 - beta2) * grads[key] ** 2
        parameters[name] -= learning_rate * (v[key] / (1 - beta1**t)) / (epsilon + (s[key] / (1 - beta2**t)) ** 0.5)
    return parameters, v, s


# --- update_lr -------------------------------------------------------------------------------------------------------


def lr_cases(rng):
    numbers = [(0.2, 1, 1.0), (0.2, 2, 1.0), (0.5, 0, 0.7), (0.03, 7, 0.25), (1.7, 40, 0.013)]
    numbers.append((float(rng.uniform(0.1, 0.9)), int(rng.integers(3, 30)), float(rng.uniform(0.2, 0.8))))
    return [case(learning_rate0=rate, epoch_num=epoch, decay_rate=decay) for rate, epoch, decay in numbers]


@lesson.exercise(
    points=1,
    topic=23,
    equation="(5.36)",
    cases=lr_cases,
    ask="What stands below the fraction line, all of it? In which order does Python compute / and +?",
    small={"learning_rate0": 0.2, "epoch_num": 2, "decay_rate": 1.0},
)
def update_lr(learning_rate0, epoch_num, decay_rate):
    """Return the learning rate of an epoch.

    Parameters
    ----------
    learning_rate0 : float
        The learning rate of epoch 0.
    epoch_num : int
    decay_rate : float

    Returns
    -------
    learning_rate : float
    """
    return learning_rate0 / (1 + decay_rate * epoch_num)  # (5.36)


@update_lr.mistake(
    "Only the 1 is below the fraction line: `/` comes before `+`. Put parentheses around the whole denominator."
)
def lr_without_parentheses(learning_rate0, epoch_num, decay_rate):
    return learning_rate0 / 1 + decay_rate * epoch_num


@update_lr.mistake("You add before you multiply: (1 + decay_rate) times epoch_num. The 1 is added to the product.")
def lr_parentheses_misplaced(learning_rate0, epoch_num, decay_rate):
    return learning_rate0 / ((1 + decay_rate) * epoch_num)


@update_lr.mistake(
    "The learning rate grows: you multiply by 1 + decay_rate · epoch_num. Divide by it, with parentheses around it."
)
def lr_multiplied(learning_rate0, epoch_num, decay_rate):
    return learning_rate0 * (1 + decay_rate * epoch_num)


@update_lr.mistake("learning_rate0 is missing: this is the factor alone. Multiply learning_rate0 by it.")
def lr_factor_alone(learning_rate0, epoch_num, decay_rate):
    return 1 / (1 + decay_rate * epoch_num)


@update_lr.mistake("The 1 is missing in the denominator. Without it, epoch 0 divides by 0.")
def lr_without_one(learning_rate0, epoch_num, decay_rate):
    return np.divide(learning_rate0, decay_rate * epoch_num)


@update_lr.mistake("epoch_num is missing: your learning rate is the same in all epochs.")
def lr_without_epoch(learning_rate0, epoch_num, decay_rate):
    return learning_rate0 / (1 + decay_rate)


@update_lr.mistake("decay_rate is missing. Multiply epoch_num by it.")
def lr_without_decay(learning_rate0, epoch_num, decay_rate):
    return learning_rate0 / (1 + epoch_num)


@update_lr.mistake("decay_rate and epoch_num are added. Multiply them.")
def lr_sum(learning_rate0, epoch_num, decay_rate):
    return learning_rate0 / (1 + decay_rate + epoch_num)


@update_lr.mistake(
    "The denominator has a power. That is a decay, too, but not (5.36): multiply decay_rate by epoch_num."
)
def lr_power(learning_rate0, epoch_num, decay_rate):
    return learning_rate0 / (1 + decay_rate) ** epoch_num


@update_lr.mistake("This is exponential decay. Here the learning rate is divided by 1 + decay_rate · epoch_num.")
def lr_exponential(learning_rate0, epoch_num, decay_rate):
    return learning_rate0 * math.exp(-decay_rate * epoch_num)


@update_lr.mistake("Your epochs are one ahead. Epoch 0 has learning_rate0: use epoch_num as it comes.")
def lr_one_ahead(learning_rate0, epoch_num, decay_rate):
    return learning_rate0 / (1 + decay_rate * (epoch_num + 1))


@update_lr.mistake(
    "Your loop divides what is already divided. Each epoch starts from learning_rate0 again: no loop is needed."
)
def lr_divided_again(learning_rate0, epoch_num, decay_rate):
    for epoch in range(1, epoch_num + 1):
        learning_rate0 = learning_rate0 / (1 + decay_rate * epoch)
    return learning_rate0


@update_lr.mistake(
    "`1 / 1 + ...` divides by 1 alone, and learning_rate0 multiplies the last term only. Use parentheses."
)
def lr_parentheses_of_both_missing(learning_rate0, epoch_num, decay_rate):
    return 1 / 1 + decay_rate * epoch_num * learning_rate0


@update_lr.mistake(
    "Parentheses are missing: the quotient is multiplied by epoch_num. Divide by (1 + decay_rate * epoch_num)."
)
def lr_times_the_epoch(learning_rate0, epoch_num, decay_rate):
    return learning_rate0 / (1 + decay_rate) * epoch_num


@update_lr.accept
def lr_factor_first(learning_rate0, epoch_num, decay_rate):
    return 1 / (1 + decay_rate * epoch_num) * learning_rate0


@update_lr.accept("The denominator has a line of its own, so no parentheses can be forgotten.")
def lr_in_two_steps(learning_rate0, epoch_num, decay_rate):
    denominator = 1 + epoch_num * decay_rate
    return np.float64(learning_rate0) * denominator**-1


@update_lr.accept
def lr_by_inverse(learning_rate0, epoch_num, decay_rate):
    inverse = 1 / learning_rate0
    for _ in range(epoch_num):
        inverse += decay_rate / learning_rate0
    return 1 / inverse


# --- schedule_lr_decay -----------------------------------------------------------------------------------------------


def schedule_cases(rng):
    numbers = [(0.5, 0, 0.3, 10), (0.5, 9, 0.3, 10), (0.5, 10, 0.3, 10), (0.2, 25, 1.0, 10), (1.7, 19, 0.45, 7)]
    numbers += [(0.06, 1000, 0.25, 300), (0.3, 8, 0.6, 16), (0.4, int(rng.integers(41, 49)), 0.35, 10)]
    numbers.append((float(rng.uniform(0.1, 0.9)), int(rng.integers(32, 35)), float(rng.uniform(0.2, 0.8)), 5))
    return [
        case(learning_rate0=rate, epoch_num=epoch, decay_rate=decay, time_interval=interval)
        for rate, epoch, decay, interval in numbers
    ]


@lesson.exercise(
    points=1,
    topic=23,
    equation="(5.38)",
    cases=schedule_cases,
    ask="How many whole intervals have passed at epoch_num? Round down before you multiply.",
    small={"learning_rate0": 0.2, "epoch_num": 25, "decay_rate": 1.0, "time_interval": 10},
)
def schedule_lr_decay(learning_rate0, epoch_num, decay_rate, time_interval=1000):
    """Return the learning rate of an epoch, which changes only after every so many epochs.

    Parameters
    ----------
    learning_rate0 : float
        The learning rate of the first `time_interval` epochs.
    epoch_num : int
        Counted from 0.
    decay_rate : float
    time_interval : int
        Epochs from one change to the next.

    Returns
    -------
    learning_rate : float
    """
    return learning_rate0 / (1 + decay_rate * (epoch_num // time_interval))  # (5.38)


@schedule_lr_decay.mistake(
    "The learning rate changes in every epoch: the quotient is not rounded down. Use `//`, or np.floor."
)
def schedule_without_floor(learning_rate0, epoch_num, decay_rate, time_interval=1000):
    return learning_rate0 / (1 + decay_rate * (epoch_num / time_interval))


@schedule_lr_decay.mistake(
    "You multiply by decay_rate before you round down: `*` and `//` go from left to right. Put parentheses around the "
    "quotient."
)
def schedule_product_rounded(learning_rate0, epoch_num, decay_rate, time_interval=1000):
    return learning_rate0 / (1 + decay_rate * epoch_num // time_interval)


@schedule_lr_decay.mistake("You round to the nearest whole number. Round down: the step comes after a full interval.")
def schedule_rounded(learning_rate0, epoch_num, decay_rate, time_interval=1000):
    return learning_rate0 / (1 + decay_rate * round(epoch_num / time_interval))


@schedule_lr_decay.mistake("You round up, so the learning rate falls too early. Round down.")
def schedule_rounded_up(learning_rate0, epoch_num, decay_rate, time_interval=1000):
    return learning_rate0 / (1 + decay_rate * math.ceil(epoch_num / time_interval))


@schedule_lr_decay.mistake("`%` is the remainder. You need the whole number of intervals that have passed: `//`.")
def schedule_remainder(learning_rate0, epoch_num, decay_rate, time_interval=1000):
    return learning_rate0 / (1 + decay_rate * (epoch_num % time_interval))


@schedule_lr_decay.mistake(
    "time_interval is not used: this decays in every epoch. Divide epoch_num by it, rounded down."
)
def schedule_without_interval(learning_rate0, epoch_num, decay_rate, time_interval=1000):
    return learning_rate0 / (1 + decay_rate * epoch_num)


@schedule_lr_decay.mistake(
    "Only the 1 is below the fraction line: `/` comes before `+`. Put parentheses around the whole denominator."
)
def schedule_without_parentheses(learning_rate0, epoch_num, decay_rate, time_interval=1000):
    return learning_rate0 / 1 + decay_rate * (epoch_num // time_interval)


@schedule_lr_decay.mistake("The learning rate grows: you multiply by the denominator. Divide by it.")
def schedule_multiplied(learning_rate0, epoch_num, decay_rate, time_interval=1000):
    return learning_rate0 * (1 + decay_rate * (epoch_num // time_interval))


@schedule_lr_decay.mistake("Your quotient is multiplied by time_interval again. Count the intervals, not their epochs.")
def schedule_epochs_of_intervals(learning_rate0, epoch_num, decay_rate, time_interval=1000):
    return learning_rate0 / (1 + decay_rate * (epoch_num // time_interval * time_interval))


@schedule_lr_decay.mistake("You add 1 to the number of intervals. In the first interval, no full one has passed: 0.")
def schedule_one_ahead(learning_rate0, epoch_num, decay_rate, time_interval=1000):
    return learning_rate0 / (1 + decay_rate * (epoch_num // time_interval + 1))


@schedule_lr_decay.mistake("The interval is fixed inside your function. Use the argument time_interval.")
def schedule_interval_fixed(learning_rate0, epoch_num, decay_rate, time_interval=1000):
    return learning_rate0 / (1 + decay_rate * (epoch_num // 1000))


@schedule_lr_decay.mistake("learning_rate0 is missing: this is the factor alone. Multiply learning_rate0 by it.")
def schedule_factor_alone(learning_rate0, epoch_num, decay_rate, time_interval=1000):
    return 1 / (1 + decay_rate * (epoch_num // time_interval))


@schedule_lr_decay.accept
def schedule_with_floor(learning_rate0, epoch_num, decay_rate, time_interval=1000):
    return 1 / (1 + decay_rate * np.floor(epoch_num / time_interval)) * learning_rate0


@schedule_lr_decay.accept
def schedule_with_int(learning_rate0, epoch_num, decay_rate, time_interval=1000):
    return learning_rate0 / (1 + int(epoch_num / time_interval) * decay_rate)


@schedule_lr_decay.accept("The schedule is the decay of exercise 9 with intervals in place of epochs.")
def schedule_through_update_lr(learning_rate0, epoch_num, decay_rate, time_interval=1000):
    return update_lr(learning_rate0, (epoch_num - epoch_num % time_interval) / time_interval, decay_rate)
