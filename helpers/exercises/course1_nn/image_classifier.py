"""The exercises of lesson 1.8, a classifier of your own. Equations are those of the notebook and of lesson 1.5."""

import numpy as np
from scipy.special import expit

from helpers import data
from helpers.exercises import Lesson, case, draws
from helpers.widgets.image_classifier import three_parts

lesson = Lesson("image_classifier")

# --- predictions -----------------------------------------------------------------------------------------------------

lesson.predict(
    "start",
    "Ten outputs, and before the first step every score is 0. What is the cost J?",
    ("0.69", "2.30", "6.93"),
    "A score of 0 is the probability 1/2, which costs ln 2 whatever the label is. The cost adds this up over the ten "
    "outputs.",
)
lesson.predict(
    "wrong_labels",
    "40 % of the training labels are wrong, those of the dev part are right. You train for 1500 steps. What does the "
    "error on the dev part do?",
    (
        "it stays above 40 % all the time",
        "it falls to the end",
        "it falls far below 40 %, and then it rises",
    ),
    "The wrong labels contradict each other, so the first steps follow what the right ones have in common. Later steps "
    "learn the wrong ones by heart.",
)
lesson.predict(
    "rival",
    "Right labels, 500 training digits, ten starts. Which of the four reads the most new digits on average?",
    ("nearest mean", "nearest neighbours", "logistic regression", "your network"),
    "With 64 pixels, a digit that looks nearly the same is often among the 500. To look it up is hard to beat here.",
)

# --- train -----------------------------------------------------------------------------------------------------------


def network(rng, n_x, n_h, n_y):
    """Return parameters whose biases are not 0."""
    return {
        "W1": rng.normal(size=(n_h, n_x)),
        "b1": rng.normal(size=(n_h, 1)),
        "W2": rng.normal(size=(n_y, n_h)),
        "b2": rng.normal(size=(n_y, 1)),
    }


def labels(rng, n_y, m):
    """Return Y (n_y, m) with a single 1 in each column."""
    return (np.arange(n_y)[:, None] == rng.integers(n_y, size=(1, m))) * 1.0


def train_case(rng, n_x, n_h, n_y, m, learning_rate, num_iterations, size=1.0):
    while True:
        parameters, X, Y = network(rng, n_x, n_h, n_y), rng.normal(size=(n_x, m)) + 0.3, labels(rng, n_y, m)
        parameters["W2"] *= size
        on = parameters["W1"] @ X + parameters["b1"] > 0
        scores = parameters["W2"] @ np.maximum(parameters["W1"] @ X + parameters["b1"], 0) + parameters["b2"]
        both = np.any(scores[Y == 1] < -40) and np.any(scores[Y == 1] > 40) and np.any(scores[Y == 0] > 800)
        if 0 < on.mean() < 1 and on.any(axis=0).all() and (size == 1 or both):
            return case(
                parameters=parameters, X=X, Y=Y, learning_rate=learning_rate, num_iterations=num_iterations
            )  # fmt: skip


def train_cases(rng):
    return [
        train_case(rng, n_x=3, n_h=5, n_y=4, m=7, learning_rate=0.3, num_iterations=1),
        train_case(rng, n_x=4, n_h=6, n_y=10, m=9, learning_rate=0.1, num_iterations=12),
        train_case(rng, n_x=5, n_h=3, n_y=2, m=1, learning_rate=0.2, num_iterations=3),
        train_case(rng, n_x=3, n_h=4, n_y=5, m=8, learning_rate=0.4, num_iterations=2, size=400),
    ]


#: One input, one hidden unit, one output, one example: the numbers of the notebook.
SMALL = {"W1": np.array([[1.0]]), "b1": np.array([[0.0]]), "W2": np.array([[2.0]]), "b2": np.array([[-2.0]])}
SMALL_X, SMALL_Y = np.array([[1.0]]), np.array([[1.0]])


@lesson.exercise(
    points=4,
    topic=8,
    equation="(8.2)",
    returns=("parameters", "costs"),
    cases=train_cases,
    ask="Walk through one step with one example: which numbers does the way back need from the way forward, and which "
    "weights does it need, those before the step or those after it?",
    small={"parameters": SMALL, "X": SMALL_X, "Y": SMALL_Y, "learning_rate": 0.1, "num_iterations": 1},
    why={
        "question": "Why must the gradient of the first layer be computed before W2 takes its step?",
        "choices": {
            "all gradients of a step belong to the same parameters, those of the forward pass": "Yes. With the new W2, the step is no step of gradient descent: its parts belong to two networks.",
            "the new W2 has another shape": "No: a step changes no shape.",
            "the first layer must always move before the second": "No: the order of the updates is free, once all gradients are there.",
        },
    },
)
def train(parameters, X, Y, learning_rate, num_iterations):
    """Train a network with one hidden layer by gradient descent.

    Parameters
    ----------
    parameters : dict
        The start: ``"W1"`` (n_h, n_x), ``"b1"`` (n_h, 1), ``"W2"`` (n_y, n_h), ``"b2"`` (n_y, 1). It stays as it is.
    X : ndarray, shape (n_x, m)
    Y : ndarray, shape (n_y, m)
        Zeros and ones.
    learning_rate : float
    num_iterations : int

    Returns
    -------
    parameters : dict
        After the last step.
    costs : list of float
        The cost before each step.
    """
    W1, b1, W2, b2 = (parameters[name] for name in ("W1", "b1", "W2", "b2"))
    m, costs = X.shape[1], []
    for _ in range(num_iterations):
        Z1 = W1 @ X + b1  # (5.10)
        A1 = np.maximum(Z1, 0)  # (5.12)
        Z2 = W2 @ A1 + b2  # (5.10)
        costs.append(np.sum(np.logaddexp(0, Z2) - Y * Z2) / m)  # (8.2)
        dZ2 = expit(Z2) - Y  # (5.34)
        dZ1 = W2.T @ dZ2 * (Z1 > 0)  # (5.30)
        W1 = W1 - learning_rate * dZ1 @ X.T / m  # (5.35)
        b1 = b1 - learning_rate * np.sum(dZ1, axis=1, keepdims=True) / m  # (5.36)
        W2 = W2 - learning_rate * dZ2 @ A1.T / m  # (5.35)
        b2 = b2 - learning_rate * np.sum(dZ2, axis=1, keepdims=True) / m  # (5.36)
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}, costs


def steps(
    parameters, X, Y, learning_rate, num_iterations, hidden=(lambda Z: np.maximum(Z, 0), lambda Z: Z > 0),
    cost=lambda Z, Y: np.sum(np.logaddexp(0, Z) - Y * Z) / Y.shape[1], output=lambda Z, Y: expit(Z) - Y,
    change=lambda grads, m: grads,
):  # fmt: skip
    """Return what `train` returns, with one of its pieces exchanged."""
    p, m, costs = dict(parameters), X.shape[1], []
    with np.errstate(all="ignore"):
        for _ in range(num_iterations):
            Z1 = p["W1"] @ X + p["b1"]
            A1 = hidden[0](Z1)
            Z2 = p["W2"] @ A1 + p["b2"]
            costs.append(cost(Z2, Y))
            dZ2 = output(Z2, Y)
            dZ1 = p["W2"].T @ dZ2 * hidden[1](Z1)
            grads = {
                "W1": dZ1 @ X.T / m,
                "b1": np.mean(dZ1, axis=1, keepdims=True),
                "W2": dZ2 @ A1.T / m,
                "b2": np.mean(dZ2, axis=1, keepdims=True),
            }
            grads = change(grads, m)
            p = {name: p[name] - learning_rate * grads[name] for name in p}
    return p, costs


@train.mistake(
    "The cost is computed from rounded probabilities: where the score is large, log(0) makes it nan or infinite. "
    "Compute it from the scores, (8.2)."
)
def cost_from_probabilities(*given):
    return steps(*given, cost=lambda Z, Y: -np.sum(Y * np.log(expit(Z)) + (1 - Y) * np.log(1 - expit(Z))) / Y.shape[1])


@train.mistake(
    "The probabilities are clipped before the logarithm, so the cost of a large wrong score is too small. Compute the "
    "cost from the scores, (8.2)."
)
def cost_clipped(*given):
    def clipped(Z, Y):
        A = np.clip(expit(Z), 1e-15, 1 - 1e-15)
        return -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / Y.shape[1]

    return steps(*given, cost=clipped)


@train.mistake("The cost is a mean over the outputs, too. (8.2) adds the outputs up and divides by m alone.")
def cost_mean_of_outputs(*given):
    return steps(*given, cost=lambda Z, Y: np.mean(np.logaddexp(0, Z) - Y * Z))


@train.mistake("The cost lacks the factor 1/m: (8.2) is a mean over the examples.")
def cost_sum(*given):
    return steps(*given, cost=lambda Z, Y: np.sum(np.logaddexp(0, Z) - Y * Z))


@train.mistake("The gradients lack the factor 1/m: each step is m times too long. See (5.28) and (5.29).")
def gradients_without_m(*given):
    return steps(*given, change=lambda grads, m: {name: m * value for name, value in grads.items()})


for _name, _equation in (("W1", "(5.28)"), ("b1", "(5.29)"), ("W2", "(5.28)"), ("b2", "(5.29)")):

    def one_without_m(*given, name=_name):
        return steps(*given, change=lambda grads, m: grads | {name: m * grads[name]})

    one_without_m.__name__ = f"{_name}_without_m"
    train.mistake(f"The gradient of {_name} alone lacks the factor 1/m: {_equation} is a mean over the examples.")(
        one_without_m
    )


@train.mistake(
    "The gradients of the weights lack the factor 1/m: (5.28) is a mean over the examples. Those of the biases have it."
)
def weights_without_m(*given):
    return steps(*given, change=lambda grads, m: grads | {name: m * grads[name] for name in ("W1", "W2")})


@train.mistake(
    "The gradients of the biases are means over the units, too: `mean()` without axis. Each unit has its own: axis=1, "
    "keepdims=True."
)
def biases_over_everything(*given):
    return steps(*given, change=lambda grads, m: grads | {name: np.mean(grads[name]) for name in ("b1", "b2")})


for _name in ("b1", "b2"):

    def one_over_everything(*given, name=_name):
        return steps(*given, change=lambda grads, m: grads | {name: np.mean(grads[name])})

    one_over_everything.__name__ = f"{_name}_over_everything"
    train.mistake(
        f"The gradient of {_name} is a mean over the units, too: `mean()` without axis. Each unit has its own: axis=1."
    )(one_over_everything)


@train.mistake(
    "The gradients of the biases are sums over the units, too: `np.sum` without axis. Each unit has its own: axis=1, "
    "keepdims=True."
)
def biases_summed_over_the_units(*given):
    return steps(*given, change=lambda grads, m: grads | {name: np.sum(grads[name]) for name in ("b1", "b2")})


@train.mistake(
    "`np.log(1 + np.exp(Z2))` overflows where a score is large, and the cost is infinite. `np.logaddexp(0, Z2)` is the same "
    "without it."
)
def cost_overflows(*given):
    return steps(*given, cost=lambda Z, Y: np.sum(np.log(1 + np.exp(Z)) - Y * Z) / Y.shape[1])


@train.mistake("The gradients of the biases lack the factor 1/m: (5.29) is a mean over the examples.")
def biases_without_m(*given):
    return steps(*given, change=lambda grads, m: grads | {name: m * grads[name] for name in ("b1", "b2")})


@train.mistake(
    "The slope of ReLU is missing in dZ1: where a hidden unit is off, nothing goes back through it. Multiply by Z1 > 0."
)
def without_the_slope(*given):
    return steps(*given, hidden=(lambda Z: np.maximum(Z, 0), np.ones_like))


@train.mistake("The hidden layer has tanh. This network has ReLU there, max(0, z).")
def tanh_in_the_hidden_layer(*given):
    return steps(*given, hidden=(np.tanh, lambda Z: 1 - np.tanh(Z) ** 2))


@train.mistake("The hidden layer has no activation, so the two layers are no more than one. Apply ReLU to Z1.")
def without_activation(*given):
    return steps(*given, hidden=(lambda Z: Z, np.ones_like))


@train.mistake(
    "dZ2 has the slope of the logistic function once too often. With the cross-entropy, dZ2 is A2 - Y, (5.34)."
)
def slope_of_the_output(*given):
    return steps(*given, output=lambda Z, Y: (expit(Z) - Y) * expit(Z) * (1 - expit(Z)))


@train.mistake("dZ2 is scores minus labels. Labels are compared with probabilities: dZ2 = σ(Z2) - Y, (5.34).")
def scores_minus_labels(*given):
    return steps(*given, output=lambda Z, Y: Z - Y)


@train.mistake("Your steps go uphill: subtract the gradients.")
def uphill(parameters, X, Y, learning_rate, num_iterations):
    return steps(parameters, X, Y, -learning_rate, num_iterations)


@train.mistake("The biases never move. A step changes W1, b1, W2 and b2.")
def biases_left(*given):
    return steps(*given, change=lambda grads, m: grads | {name: 0 * grads[name] for name in ("b1", "b2")})


@train.mistake("The first layer never moves. A step changes W1, b1, W2 and b2.")
def first_layer_left(*given):
    return steps(*given, change=lambda grads, m: grads | {name: 0 * grads[name] for name in ("W1", "b1")})


@train.mistake(
    "W2 takes its step before dZ1 is computed, so dZ1 goes back through the new W2. Compute all gradients first, then "
    "take all steps."
)
def new_weights_on_the_way_back(parameters, X, Y, learning_rate, num_iterations):
    W1, b1, W2, b2 = (parameters[name] for name in ("W1", "b1", "W2", "b2"))
    m, costs = X.shape[1], []
    for _ in range(num_iterations):
        Z1 = W1 @ X + b1
        A1 = np.maximum(Z1, 0)
        Z2 = W2 @ A1 + b2
        costs.append(np.sum(np.logaddexp(0, Z2) - Y * Z2) / m)
        dZ2 = expit(Z2) - Y
        W2 = W2 - learning_rate * dZ2 @ A1.T / m
        b2 = b2 - learning_rate * np.mean(dZ2, axis=1, keepdims=True)
        dZ1 = W2.T @ dZ2 * (Z1 > 0)
        W1 = W1 - learning_rate * dZ1 @ X.T / m
        b1 = b1 - learning_rate * np.mean(dZ1, axis=1, keepdims=True)
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}, costs


@train.mistake("The costs are those after the steps. Note the cost of the parameters with which a step begins.")
def costs_after_the_steps(parameters, X, Y, learning_rate, num_iterations):
    after, _ = steps(parameters, X, Y, learning_rate, num_iterations)
    _, costs = steps(parameters, X, Y, learning_rate, num_iterations + 1)
    return after, costs[1:]


@train.mistake("There is one cost too many. Note the cost before each step: num_iterations numbers.")
def one_cost_too_many(parameters, X, Y, learning_rate, num_iterations):
    after, _ = steps(parameters, X, Y, learning_rate, num_iterations)
    return after, steps(parameters, X, Y, learning_rate, num_iterations + 1)[1]


@train.mistake("costs holds one number. Append the cost in each step.")
def last_cost_alone(*given):
    after, costs = steps(*given)
    return after, costs[-1]


@train.mistake("Only the parameters come back. Return parameters and costs.")
def parameters_alone(*given):
    return steps(*given)[0]


@train.mistake("The parameters of the start come back. Return those after the last step.")
def start_returned(parameters, X, Y, learning_rate, num_iterations):
    return parameters, steps(parameters, X, Y, learning_rate, num_iterations)[1]


@train.mistake("The forward pass is made once, before the loop. Each step needs that of its own parameters.")
def forward_once(parameters, X, Y, learning_rate, num_iterations):
    (after, costs), p = steps(parameters, X, Y, learning_rate, 1), dict(parameters)
    return {name: p[name] + num_iterations * (after[name] - p[name]) for name in p}, costs * num_iterations


@train.mistake(
    "The caller's arrays are changed. Write `W1 = W1 - ...`, not `W1 -= ...`, and return a dict of your own."
)
def changed_in_place(parameters, X, Y, learning_rate, num_iterations):
    after, costs = steps(parameters, X, Y, learning_rate, num_iterations)
    for name, value in after.items():
        parameters[name][:] = value
    return parameters, costs


@train.mistake("The cost lacks the term of the labels 0: what does (8.2) say where y = 0?")
def cost_of_ones_only(*given):
    return steps(*given, cost=lambda Z, Y: np.sum(Y * np.logaddexp(0, -Z)) / Y.shape[1])


@train.accept("Weights and bias of a layer are one matrix, whose last column meets a row of ones below the inputs.")
def with_rows_of_ones(parameters, X, Y, learning_rate, num_iterations):
    V1, V2 = (np.hstack([parameters[f"W{l}"], parameters[f"b{l}"]]) for l in (1, 2))
    ones, costs = np.ones((1, X.shape[1])), []
    inputs = np.vstack([X, ones])
    for _ in range(num_iterations):
        hidden = np.vstack([(V1 @ inputs).clip(0), ones])
        Z = V2 @ hidden
        costs.append(float(np.sum(Y * np.logaddexp(0, -Z) + (1 - Y) * np.logaddexp(0, Z), axis=0).mean()))
        D = (expit(Z) - Y) / X.shape[1]
        back = (V2[:, :-1].T @ D) * np.sign(hidden[:-1])
        V1, V2 = V1 - learning_rate * back @ inputs.T, V2 - learning_rate * D @ hidden.T
    return {"W1": V1[:, :-1], "b1": V1[:, -1:], "W2": V2[:, :-1], "b2": V2[:, -1:]}, costs


@train.accept("The examples come one by one; their gradients are added up, and the mean takes the step.")
def example_by_example(parameters, X, Y, learning_rate, num_iterations):
    p, costs = {name: value.copy() for name, value in parameters.items()}, []
    for _ in range(num_iterations):
        grads, cost = {name: np.zeros_like(value) for name, value in p.items()}, 0.0
        for x, y in zip(X.T[:, :, None], Y.T[:, :, None], strict=True):
            z1 = p["W1"] @ x + p["b1"]
            a1 = np.where(z1 > 0, z1, 0)
            z2 = p["W2"] @ a1 + p["b2"]
            cost += np.sum(np.maximum(z2, 0) + np.log1p(np.exp(-np.abs(z2))) - y * z2)
            dz2 = expit(z2) - y
            dz1 = np.where(z1 > 0, p["W2"].T @ dz2, 0)
            for name, step in (("W1", dz1 @ x.T), ("b1", dz1), ("W2", dz2 @ a1.T), ("b2", dz2)):
                grads[name] += step
        costs.append(cost / X.shape[1])
        p = {name: p[name] - learning_rate * grads[name] / X.shape[1] for name in p}
    return p, np.array(costs)


@train.accept
def with_einsum(parameters, X, Y, learning_rate, num_iterations):
    p, costs = dict(parameters), []
    while len(costs) < num_iterations:
        Z1 = np.einsum("hx,xm->hm", p["W1"], X) + p["b1"]
        A1 = Z1 * (Z1 > 0)
        Z2 = np.einsum("yh,hm->ym", p["W2"], A1) + p["b2"]
        costs.append(np.mean(np.sum(np.logaddexp(0, np.where(Y == 1, -Z2, Z2)), axis=0)))
        dZ2 = expit(Z2) - Y
        dZ1 = np.einsum("yh,ym->hm", p["W2"], dZ2) * (A1 > 0)
        for name, dZ, A in (("1", dZ1, X), ("2", dZ2, A1)):
            p["W" + name] = p["W" + name] - learning_rate * np.einsum("im,jm->ij", dZ, A) / X.shape[1]
            p["b" + name] = p["b" + name] - learning_rate * dZ.mean(axis=1)[:, None]
    return p, costs


# --- predict ---------------------------------------------------------------------------------------------------------


def predict_cases(rng):
    def one(n_x, n_h, n_y, m, size=1.0):
        while True:
            parameters, X = network(rng, n_x, n_h, n_y), rng.normal(size=(n_x, m))
            parameters["W2"] *= size
            scores = parameters["W2"] @ np.maximum(parameters["W1"] @ X + parameters["b1"], 0) + parameters["b2"]
            largest = np.sort(scores, axis=0)[-2:]
            apart = np.all(largest[1] - largest[0] > 1e-3)
            rounded = np.any((largest[0] > 50) & (np.argmax(expit(scores), axis=0) != np.argmax(scores, axis=0)))
            if apart and (m < 4 or len(np.unique(np.argmax(scores, axis=0))) > 2) and (size == 1 or rounded):
                return case(parameters=parameters, X=X)

    return [one(3, 5, 4, 8), one(6, 7, 10, 40), one(4, 3, 5, 1), one(5, 6, 7, 12, size=90)]


#: Two inputs, two hidden units, three outputs, two examples.
SMALL_PREDICT = {
    "parameters": {
        "W1": np.array([[1.0, 0.0], [0.0, 1.0]]),
        "b1": np.array([[0.0], [-1.0]]),
        "W2": np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]]),
        "b2": np.array([[0.0], [0.5], [3.0]]),
    },
    "X": np.array([[4.0, 1.0], [2.0, 6.0]]),
}


@lesson.exercise(
    points=1,
    topic=12,
    equation="(8.3)",
    cases=predict_cases,
    ask="Each column of the scores belongs to one image. Along which axis lie its ten scores, and do you want the "
    "largest score or its place?",
    small=SMALL_PREDICT,
)
def predict(parameters, X):
    """Return the digit that the network reads in each image.

    Parameters
    ----------
    parameters : dict
        ``"W1"``, ``"b1"``, ``"W2"``, ``"b2"``.
    X : ndarray, shape (n_x, m)

    Returns
    -------
    digits : ndarray, shape (1, m)
        For each image the number of the output with the largest score, counted from 0.
    """
    A1 = np.maximum(parameters["W1"] @ X + parameters["b1"], 0)  # (5.12)
    Z2 = parameters["W2"] @ A1 + parameters["b2"]  # (5.10)
    return np.argmax(Z2, axis=0)[None, :]  # (8.3)


def scores_of(parameters, X):
    return parameters["W2"] @ np.maximum(parameters["W1"] @ X + parameters["b1"], 0) + parameters["b2"]


@predict.mistake("The largest is looked for along the wrong axis: each image is a column, so take argmax along axis 0.")
def along_the_examples(parameters, X):
    return np.argmax(scores_of(parameters, X), axis=1)[None, :]


@predict.mistake("The digits have one axis. Return a row, shape (1, m), as the labels have.")
def digits_in_one_axis(parameters, X):
    return np.argmax(scores_of(parameters, X), axis=0)


@predict.mistake("These are the largest scores. Return their places: argmax, not max.")
def largest_scores(parameters, X):
    return np.max(scores_of(parameters, X), axis=0, keepdims=True)


@predict.mistake("The digits are counted from 1. The first output stands for 0.")
def counted_from_one(parameters, X):
    return np.argmax(scores_of(parameters, X), axis=0)[None, :] + 1


@predict.mistake("The output with the smallest score is chosen. The network reads the one with the largest.")
def smallest_score(parameters, X):
    return np.argmin(scores_of(parameters, X), axis=0)[None, :]


@predict.mistake(
    "Large scores all give the probability 1 after rounding, and argmax then takes the first. Compare the scores."
)
def through_rounded_probabilities(parameters, X):
    return np.argmax(expit(scores_of(parameters, X)), axis=0)[None, :]


@predict.mistake("These are ten answers per image, yes or no. Return one digit per image, (8.3).")
def compared_with_a_half(parameters, X):
    return (scores_of(parameters, X) > 0).astype(int)


@predict.mistake("The hidden layer lacks ReLU: A1 is max(0, Z1).")
def hidden_without_relu(parameters, X):
    Z2 = parameters["W2"] @ (parameters["W1"] @ X + parameters["b1"]) + parameters["b2"]
    return np.argmax(Z2, axis=0)[None, :]


@predict.mistake("The biases of the output layer are missing in the scores.")
def without_b2(parameters, X):
    return np.argmax(scores_of(parameters | {"b2": 0}, X), axis=0)[None, :]


@predict.mistake("The biases of the hidden layer are missing in its scores.")
def without_b1(parameters, X):
    return np.argmax(scores_of(parameters | {"b1": 0}, X), axis=0)[None, :]


@predict.accept("The scores are sorted; the place of the last one, the largest, is the digit.")
def by_sorting(parameters, X):
    return np.argsort(scores_of(parameters, X), axis=0)[-1:]


@predict.accept("One image after the other, in a list.")
def one_by_one(parameters, X):
    found = []
    for i in range(X.shape[1]):
        z = scores_of(parameters, X[:, i : i + 1])[:, 0]
        found.append(max(range(len(z)), key=lambda j: z[j]))
    return np.array([found])


# --- read_digits -----------------------------------------------------------------------------------------------------

#: A share of new digits counts as one of these, rounded down; the last is enough. The lesson's test measures it.
LEVELS = [0.0, 0.25, 0.5, 0.75]
NEW = 600


def reading_cases(rng):
    cases = []
    for seed in rng.integers(2**32, size=2):
        *parts, X_new, _ = three_parts(int(seed), wrong=0.4)
        names = ("X_train", "digits_train", "X_dev", "digits_dev")
        given = dict(zip(names, parts, strict=True)) | {"X_new": X_new[:, :NEW]}
        cases.append(case(**given, rng=np.random.default_rng(int(rng.integers(2**32)))))
    return cases


def reading_judge(X_new, **_):
    """Return how the answer to a case is judged: by the labels that the new digits have in the data."""
    known = data.small_digits()
    label = {image.tobytes(): digit for image, digit in zip(known.images, known.labels[0], strict=True)}
    images = np.round(X_new.T * 16).astype(np.uint8)
    return draws(
        1, view="share", given={"labels": np.array([[label[one.tobytes()] for one in images]]), "levels": LEVELS}
    )


def first_parameters(n_x, rng, n_h=32):
    """Return the parameters before the first step: random weights whose size fits the number of inputs, biases 0."""
    return {
        "W1": rng.normal(size=(n_h, n_x)) * np.sqrt(2 / n_x),
        "b1": np.zeros((n_h, 1)),
        "W2": rng.normal(size=(10, n_h)) * np.sqrt(1 / n_h),
        "b2": np.zeros((10, 1)),
    }


def stopped(parameters, X, Y, X_dev, digits_dev, learning_rate=0.3, every=10, patience=10, most=1000):
    """Return the parameters with the lowest dev error; stop after so many looks without a lower one."""
    best, lowest, since = parameters, np.inf, 0
    for _ in range(0, most, every):
        parameters, _ = train.reference(parameters, X, Y, learning_rate, every)
        error = np.mean(predict.reference(parameters, X_dev) != digits_dev)
        since += 1
        if error < lowest:
            best, lowest, since = parameters, error, 0
        if since == patience:
            break
    return best


#: Images of two pixels. The left one is ink in a 0, the right one in a 1.
SMALL_READING = {
    "X_train": np.array([[1.0, 0.9, 0.1, 0.0], [0.0, 0.1, 1.0, 0.9]]),
    "digits_train": np.array([[0, 0, 1, 1]]),
    "X_dev": np.array([[0.8, 0.2], [0.1, 0.9]]),
    "digits_dev": np.array([[0, 1]]),
    "X_new": np.array([[1.0, 0.0], [0.1, 0.8]]),
    "rng": np.random.default_rng(0),
}


@lesson.exercise(
    points=3,
    topic=14,
    equation="(8.1) and (8.4)",
    cases=reading_cases,
    judge=reading_judge,
    ask="What must exist before the first step, what do you measure after every few steps, and which parameters must you "
    "still have when the loop is over?",
    small=SMALL_READING,
)
def read_digits(X_train, digits_train, X_dev, digits_dev, X_new, rng):
    """Train a network, stop where the dev error is lowest, and read new digits.

    Parameters
    ----------
    X_train, X_dev, X_new : ndarray, shape (64, m_train), (64, m_dev) and (64, m_new)
        Images, one per column; 0 is paper and 1 is ink.
    digits_train, digits_dev : ndarray, shape (1, m_train) and (1, m_dev)
        Whole numbers 0 to 9. Many of digits_train are wrong. The dev part sets no parameter.
    rng : numpy.random.Generator
        Where the first weights come from.

    Returns
    -------
    digits : ndarray, shape (1, m_new)
        The digits read in X_new, whole numbers 0 to 9.
    """
    Y = (np.arange(10)[:, None] == digits_train).astype(float)  # (8.1)
    parameters = first_parameters(len(X_train), rng)
    best = stopped(parameters, X_train, Y, X_dev, digits_dev)  # (8.4)
    return predict(best, X_new)


def targets(digits):
    return (np.arange(10)[:, None] == digits) * 1.0


@read_digits.mistake(
    "The network has learned the wrong labels by heart, as after far too many steps. Stop where the error on the dev part "
    "is lowest, and read with the parameters from there."
)
def trained_to_the_end(X_train, digits_train, X_dev, digits_dev, X_new, rng):
    parameters = first_parameters(len(X_train), rng)
    return predict(train(parameters, X_train, targets(digits_train), 0.5, 1500)[0], X_new)


@read_digits.mistake(
    "The network reads hardly better than one who guesses. Are the first weights random, does row j of Y stand for "
    "digit j, and do the trained parameters arrive in predict?"
)
def not_trained(X_train, digits_train, X_dev, digits_dev, X_new, rng):
    return predict(first_parameters(len(X_train), rng), X_new)


@read_digits.mistake("These are the digits of the dev part. Read X_new.")
def dev_part_read(X_train, digits_train, X_dev, digits_dev, X_new, rng):
    return read_digits(X_train, digits_train, X_dev, digits_dev, X_dev, rng)


@read_digits.mistake("These are the digits of the training part. Read X_new.")
def training_part_read(X_train, digits_train, X_dev, digits_dev, X_new, rng):
    return read_digits(X_train, digits_train, X_dev, digits_dev, X_train, rng)


@read_digits.mistake("The parameters come back. Return the digits that they read in X_new.")
def parameters_returned(X_train, digits_train, X_dev, digits_dev, X_new, rng):
    return stopped(first_parameters(len(X_train), rng), X_train, targets(digits_train), X_dev, digits_dev)


@read_digits.mistake("These are ten rows. Return one row of digits, as predict does.")
def ten_rows(X_train, digits_train, X_dev, digits_dev, X_new, rng):
    return targets(read_digits(X_train, digits_train, X_dev, digits_dev, X_new, rng))


@read_digits.mistake("The result has one axis. Return a row, shape (1, m_new), as predict does.")
def row_flattened(X_train, digits_train, X_dev, digits_dev, X_new, rng):
    return read_digits(X_train, digits_train, X_dev, digits_dev, X_new, rng)[0]


@read_digits.accept("No patience: it walks 500 steps in any case, and keeps the best parameters on the way.")
def all_steps_then_the_best(X_train, digits_train, X_dev, digits_dev, X_new, rng):
    parameters, Y, seen = first_parameters(X_train.shape[0], rng, n_h=40), targets(digits_train), []
    for _ in range(25):
        parameters, _ = train(parameters, X_train, Y, 0.3, 20)
        seen.append((np.mean(predict(parameters, X_dev) != digits_dev), parameters))
    return predict(min(seen, key=lambda one: one[0])[1], X_new)


@read_digits.accept(
    "Another network, 64 units with α = 0.5, and uniform first weights; it looks after every fifth step."
)
def wider_and_faster(X_train, digits_train, X_dev, digits_dev, X_new, rng):
    start = {
        "W1": rng.uniform(-0.25, 0.25, size=(64, len(X_train))),
        "b1": np.zeros((64, 1)),
        "W2": rng.uniform(-0.2, 0.2, size=(10, 64)),
        "b2": np.zeros((10, 1)),
    }
    best = stopped(start, X_train, targets(digits_train), X_dev, digits_dev, learning_rate=0.5, every=5, patience=20)
    return predict(best, X_new)
