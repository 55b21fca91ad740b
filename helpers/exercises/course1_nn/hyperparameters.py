"""Lesson 1.6, parameters and hyperparameters: the catalogue of its exercises. Equations are those of the notebook."""

import copy
import functools
import math
from itertools import islice, pairwise

import numpy as np

from helpers.exercises import Lesson, case
from helpers.widgets.hyperparameters import predict, steps, train

lesson = Lesson("hyperparameters")

# --- predictions -----------------------------------------------------------------------------------------------------

lesson.predict(
    "longer",
    "Logistic regression on the photographs, α = 0.3. After how many steps is its dev error lowest?",
    ("10", "30", "100", "300 or 1000", "3000 or 10000"),
    "The cost falls in every step, but soon the steps fit what only the training patches have. The dev error turns "
    "early.",
)
lesson.predict(
    "luck",
    "Ten runs with equal settings and ten seeds. How far apart are their dev errors, lowest to highest, compared with "
    "those of 1, 2, 4 to 64 units?",
    ("much less far apart", "about as far apart, or farther"),
    "The first weights are drawn at random, and 97 patches are few: luck alone moves the dev error by several points.",
)
lesson.predict(
    "lottery",
    "The best run has ReLU, two hidden layers and α = 3. Its settings run with ten seeds. In how many of the ten runs is "
    "the dev error above 20 %?",
    because="Steps as long as these can throw ReLU units where no patch switches them on: then they are dead, and the "
    "network hardly learns.",
)
lesson.predict(
    "best_of",
    "All runs are equally good: each is wrong with probability 0.2. You measure 100 of them on 97 examples each and keep "
    "the lowest dev error. What is it on average?",
    ("0.20", "about 0.16", "about 0.11", "about 0.05"),
    "The lowest of many measurements is one with luck: by (6.11) each has a standard deviation of 0.04, and the best of "
    "100 is two to three of them below the truth.",
)


#: Four training and five dev examples with one feature: x < 0 is called 0, x > 0 is called 1.
SMALL_EXPERIMENT = {
    "settings": {"learning_rate": 1.0, "num_iterations": 3, "layers_dims": [1, 1], "activation": "tanh", "seed": 0},
    "X_train": np.array([[-2.0, -1.0, 1.0, 2.0]]),
    "Y_train": np.array([[0, 0, 1, 1]]),
    "X_dev": np.array([[-1.5, -0.5, 0.5, 1.5, 2.5]]),
    "Y_dev": np.array([[0, 1, 1, 1, 1]]),
}
#: Three records: two tie on the dev part, one has diverged.
SMALL_RUNS = {
    "runs": [
        {"settings": {"seed": 1}, "num_parameters": 90, "cost": 0.2, "train_error": 0.1, "dev_error": 0.2},
        {"settings": {"seed": 2}, "num_parameters": 40, "cost": 0.3, "train_error": 0.1, "dev_error": 0.2},
        {"settings": {"seed": 3}, "num_parameters": 30, "cost": math.nan, "train_error": 0.5, "dev_error": 0.1},
    ]
}


# --- count_parameters ------------------------------------------------------------------------------------------------


def layers_cases(rng):
    n_x, n1, n2, n3 = (int(n) for n in rng.permutation(np.arange(2, 12))[:4])
    return [
        case(layers_dims=[n_x, 1]),
        case(layers_dims=[3, 5, 5, 3, 1]),
        case(layers_dims=[n_x, n1, n2]),
        case(layers_dims=[n1, n3, n_x, n2, 4]),
        case(layers_dims=[12288, int(rng.integers(13, 40)), 7, 1]),
    ]


@lesson.exercise(
    points=1,
    topic=14,
    equation="(6.6)",
    cases=layers_cases,
    ask="How many numbers has a matrix W of layer l, how many its b, and over which layers do you add them up?",
    small={"layers_dims": [3, 2, 1]},
    why={
        "question": "Why does the sum begin at layer 1 and not at layer 0?",
        "choices": {
            "layer 0 is the input: it computes nothing and has no weights": "Yes. Its size still counts, as the number of inputs of layer 1.",
            "layer 0 has only biases": "No: a bias is added to a score, and the input has no scores.",
            "Python counts from 1": "No: Python counts from 0. Ask what layer 0 is.",
        },
    },
)
def count_parameters(layers_dims):
    """Return how many numbers training sets in a dense network.

    Parameters
    ----------
    layers_dims : list of int
        Units of each layer, from the input to the output: ``[n_x, n1, ..., n_y]``.

    Returns
    -------
    count : int
        All weights and all biases.
    """
    return sum(n * n_prev + n for n_prev, n in pairwise(layers_dims))  # (6.6)


@count_parameters.mistake("The biases are missing: each unit has one besides its weights.")
def weights_only(layers_dims):
    return sum(n * n_prev for n_prev, n in pairwise(layers_dims))


@count_parameters.mistake("You count one bias per layer. There is one per unit: n[l] in layer l.")
def one_bias_per_layer(layers_dims):
    return sum(n * n_prev + 1 for n_prev, n in pairwise(layers_dims))


@count_parameters.mistake("The biases belong to the layer that is computed: n[l], not n[l-1], of them.")
def biases_of_the_layer_before(layers_dims):
    return sum(n * n_prev + n_prev for n_prev, n in pairwise(layers_dims))


@count_parameters.mistake("The input layer has no biases: l runs from 1, not from 0.")
def biases_of_the_input(layers_dims):
    return weights_only(layers_dims) + sum(layers_dims)


@count_parameters.mistake("The last layer is missing: l runs up to L, which is len(layers_dims) - 1.")
def without_the_last_layer(layers_dims):
    return count_parameters(layers_dims[:-1])


@count_parameters.mistake("The first layer is missing: l starts at 1, and layer 1 takes the n_x inputs.")
def without_the_first_layer(layers_dims):
    return count_parameters(layers_dims[1:])


@count_parameters.mistake("Only two layers are counted. A network may have any number of them: use a loop.")
def two_layers_only(layers_dims):
    return count_parameters(layers_dims[:3])


@count_parameters.mistake("These are the units. Each connection between neighbouring layers is a parameter.")
def units_only(layers_dims):
    return sum(layers_dims)


@count_parameters.mistake(
    "All sizes are multiplied. Only neighbouring layers are connected: add one product per layer."
)
def product_of_all_sizes(layers_dims):
    return math.prod(layers_dims)


@count_parameters.mistake("Return one number, the sum over the layers, not one number per layer.")
def per_layer(layers_dims):
    return [n * n_prev + n for n_prev, n in pairwise(layers_dims)]


@count_parameters.mistake("`total = ...` in the loop keeps the last layer alone. Add to it: `total += ...`.")
def last_layer_alone(layers_dims):
    return count_parameters(layers_dims[-2:])


@count_parameters.accept("n (n_prev + 1): each unit has its inputs and one bias, as in (6.5) on the left.")
def units_times_inputs_and_one(layers_dims):
    total = 0
    for l in range(1, len(layers_dims)):
        total += layers_dims[l] * (layers_dims[l - 1] + 1)
    return total


@count_parameters.accept(
    "One product of rows: the sizes without the first, times the sizes without the last, added up by `@`."
)
def with_a_dot_product(layers_dims):
    n = np.array(layers_dims)
    return n[1:] @ n[:-1] + n[1:].sum()


@count_parameters.accept
def layer_after_layer(layers_dims):
    if len(layers_dims) == 1:
        return 0
    return layers_dims[1] * layers_dims[0] + layers_dims[1] + layer_after_layer(layers_dims[1:])


@count_parameters.accept
def sizes_of_arrays(layers_dims):
    total = 0
    for n_prev, n in zip(layers_dims[:-1], layers_dims[1:], strict=True):
        total += np.empty((n, n_prev)).size + np.empty((n, 1)).size
    return np.array(total)


# --- split_parameters_hyperparameters --------------------------------------------------------------------------------

#: What the learner needs who takes this hyperparameter for a parameter.
CHOSEN = {
    "learning_rate": "learning_rate is chosen before training: (6.1) uses it in each step and never changes it.",
    "num_iterations": "num_iterations says how often (6.1) is run. No step changes it, so it is a hyperparameter.",
    "num_layers": "num_layers decides which matrices there are. It is chosen before the first of them is drawn.",
    "layers_dims": "layers_dims decides the shapes of the parameters. It is not one of them: no gradient changes it.",
    "eta": "eta is another name of the learning rate: it is chosen before training, and no step changes it.",
    "activation": "activation is a choice between functions, made before training. There is no gradient by a name.",
    "mini_batch_size": "mini_batch_size says how many examples a step looks at. You choose it; no step changes it.",
    "beta": "beta of momentum is chosen. It is no bias: the biases are called b, b1, b2 and so on.",
    "beta1": "beta1 of Adam is chosen. It is no bias: the bias of layer 1 is called b1.",
    "beta2": "beta2 of Adam is chosen. It is no bias: the bias of layer 2 is called b2.",
    "epsilon": "epsilon of Adam is a small constant that you set. No step changes it.",
    "lambd": "lambd says how much large weights cost. It is chosen; a step that could change it would make it 0.",
    "keep_prob": "keep_prob says how many units dropout keeps. It is chosen before training.",
    "decay_rate": "decay_rate says how fast the learning rate falls. It is chosen before training.",
}
FIRST_COURSE = ("learning_rate", "num_iterations", "num_layers", "layers_dims", "activation")


def settings_cases(rng):
    def mixed(**settings):
        names = list(settings)
        return case(settings={names[i]: settings[names[i]] for i in rng.permutation(len(names))})

    def layer(l, n_prev, n):
        return {f"W{l}": rng.normal(size=(n, n_prev)), f"b{l}": rng.normal(size=(n, 1))}

    deep = {}
    for l in range(1, 12):
        deep |= layer(l, 2 + l % 3, 2 + (l + 1) % 3)
    return [
        mixed(w=rng.normal(size=(4, 1)), b=float(rng.normal()), learning_rate=0.01, num_iterations=2000, epsilon=1e-8),
        mixed(
            **layer(1, 3, 2), **layer(2, 2, 1), learning_rate=float(rng.uniform(0.1, 1)), num_iterations=500,
            num_layers=2, layers_dims=np.array([3, 2, 1]), activation="tanh", beta=0.9,
        ),
        mixed(
            **deep, learning_rate=0.1, num_layers=11, activation="relu", mini_batch_size=64, beta1=0.9, beta2=0.999,
            lambd=0.7, keep_prob=0.8, decay_rate=1,
        ),
        mixed(**layer(9, 2, 3), **layer(10, 3, 2), **layer(100, 2, 1), eta=0.03, num_iterations=70),
    ]  # fmt: skip


@lesson.exercise(
    points=2,
    topic=14,
    equation="(6.1)",
    returns=("parameters", "hyperparameters"),
    cases=settings_cases,
    ask="`beta` begins with b and `b12` does, too. What must stand behind the first letter of a parameter, if anything?",
    small={"settings": {"b1": 0.0, "beta": 0.9, "W1": 2.0, "w": 1.0}},
)
def split_parameters_hyperparameters(settings):
    """Sort the names of what a training program holds.

    Parameters
    ----------
    settings : dict
        Values by name. Parameters are called ``w``, ``b`` or ``W1``, ``b1``, ``W2``, ...; all others are
        hyperparameters.

    Returns
    -------
    parameters, hyperparameters : list of str
        The names, each in one of the lists, in the order of ``settings``.
    """
    parameters = [name for name in settings if len(name.rstrip("0123456789")) == 1]  # one letter and a number
    return parameters, [name for name in settings if name not in parameters]


def is_parameter(name):
    return name[0] in "Wwb" and (len(name) == 1 or name[1:].isdigit())


def sorted_by(settings, rule):
    """Return the names for which ``rule(name)`` holds, and the others."""
    return [name for name in settings if rule(name)], [name for name in settings if not rule(name)]


def taken_for_a_parameter(wrong):
    """Return the mistake that takes this hyperparameter for a parameter."""

    def function(settings):
        return sorted_by(settings, lambda name: is_parameter(name) or name == wrong)

    function.__name__ = f"{wrong}_as_parameter"
    return function


for _name, _hint in CHOSEN.items():
    split_parameters_hyperparameters.mistake(_hint)(taken_for_a_parameter(_name))


@split_parameters_hyperparameters.mistake(
    "The two lists are swapped: parameters first. Training sets the parameters, you set the hyperparameters."
)
def lists_swapped(settings):
    return sorted_by(settings, lambda name: not is_parameter(name))


@split_parameters_hyperparameters.mistake("The biases b, b1, b2, ... are learned, too: (6.2) changes them.")
def biases_as_hyperparameters(settings):
    return sorted_by(settings, lambda name: is_parameter(name) and name[0] != "b")


@split_parameters_hyperparameters.mistake("The weights w, W1, W2, ... are what training learns: (6.1) changes them.")
def weights_as_hyperparameters(settings):
    return sorted_by(settings, lambda name: is_parameter(name) and name[0] == "b")


@split_parameters_hyperparameters.mistake(
    "A first letter b is not enough: beta, beta1 and beta2 begin with b, too, and are chosen."
)
def first_letter(settings):
    return sorted_by(settings, lambda name: name[0] in "Wwb")


@split_parameters_hyperparameters.mistake(
    "A first letter W or b is not enough: beta begins with b and is chosen, and w of a single neuron is learned."
)
def first_letter_without_a_single_neuron(settings):
    return sorted_by(settings, lambda name: name[0] in "Wb")


@split_parameters_hyperparameters.mistake(
    "A short name is no parameter for that: a hyperparameter such as `eta` is short, too, and W100 is long. Look at the letter "
    "and at the digits."
)
def short_names(settings):
    return sorted_by(settings, lambda name: len(name) <= 3)


@split_parameters_hyperparameters.mistake("A network may have ten layers and more: W10 and b10 are parameters, too.")
def one_digit(settings):
    return sorted_by(settings, lambda name: is_parameter(name) and len(name) <= 2)


@split_parameters_hyperparameters.mistake("w and b of a single neuron have no number, and they are parameters, too.")
def without_a_single_neuron(settings):
    return sorted_by(settings, lambda name: is_parameter(name) and len(name) > 1)


@split_parameters_hyperparameters.mistake("You count on two layers. A network may have any number: W3, b3 and so on.")
def two_layers(settings):
    return sorted_by(settings, lambda name: name in ("w", "b", "W1", "b1", "W2", "b2"))


@split_parameters_hyperparameters.mistake(
    "The shape of the network (num_layers, layers_dims, activation) is chosen before training. "
    "No step of gradient descent adds a unit."
)
def shape_as_parameters(settings):
    return sorted_by(settings, lambda name: is_parameter(name) or name in ("num_layers", "layers_dims", "activation"))


@split_parameters_hyperparameters.mistake(
    "learning_rate and num_iterations steer the training from outside. "
    "To be used in each step is not to be changed by it."
)
def training_as_parameters(settings):
    return sorted_by(settings, lambda name: is_parameter(name) or name in ("learning_rate", "num_iterations"))


@split_parameters_hyperparameters.mistake(
    "You know those of course 1, and take the names of later courses for parameters. They are chosen, too."
)
def first_course_only(settings):
    return sorted_by(settings, lambda name: name not in FIRST_COURSE)


@split_parameters_hyperparameters.mistake(
    "Whether a value is an array decides nothing: b of one neuron is a number, and layers_dims may be an array."
)
def arrays_as_parameters(settings):
    return sorted_by(settings, lambda name: isinstance(settings[name], np.ndarray))


@split_parameters_hyperparameters.mistake("The names stand in another order. Go through settings as it stands.")
def in_the_order_of_the_alphabet(settings):
    parameters, hyperparameters = sorted_by(settings, is_parameter)
    return sorted(parameters), sorted(hyperparameters)


@split_parameters_hyperparameters.mistake("These are dicts. Return two lists of names.")
def as_dicts(settings):
    return tuple({name: settings[name] for name in names} for names in sorted_by(settings, is_parameter))


@split_parameters_hyperparameters.mistake("Only the parameters come back. Return both lists.")
def parameters_alone(settings):
    return sorted_by(settings, is_parameter)[0]


@split_parameters_hyperparameters.accept(
    "The other way round: it knows the names of all hyperparameters. A new one has to be added to the list."
)
def by_list_of_hyperparameters(settings):
    parameters, hyperparameters = [], []
    for name in settings:
        (hyperparameters if name in CHOSEN else parameters).append(name)
    return parameters, hyperparameters


@split_parameters_hyperparameters.accept
def by_letter_and_digits(settings):
    parameters = tuple(filter(is_parameter, settings.keys()))
    return [parameters, [name for name in settings if not is_parameter(name)]]


@split_parameters_hyperparameters.accept(
    "Digits at the end are cut off with `rstrip`; what is left must be one of three letters."
)
def by_name_without_digits(settings):
    names = list(settings)
    kinds = [name.rstrip("0123456789") in {"W", "w", "b"} for name in names]
    return (
        [name for name, kind in zip(names, kinds, strict=True) if kind],
        [name for name, kind in zip(names, kinds, strict=True) if not kind],
    )


# --- run_experiment --------------------------------------------------------------------------------------------------


def experiment_cases(rng):
    return [
        experiment_case(rng, [2, 3, 1], "relu", learning_rate=0.4, num_iterations=30),
        experiment_case(rng, [4, 5, 3, 1], "sigmoid", learning_rate=2.5, num_iterations=60),
        experiment_case(rng, [3, 1], "tanh", learning_rate=0.7, num_iterations=12, m_dev=1),
        experiment_case(rng, [3, 4, 1], "relu", learning_rate=20.0, num_iterations=9, rises=True),
    ]


def experiment_case(rng, layers_dims, activation, learning_rate, num_iterations, m_train=19, m_dev=13, rises=False):
    """Return a case on which the usual mistakes show: it is drawn until all errors that matter differ.

    With `rises` the last cost is finite and not the lowest.
    """
    settings = {
        "learning_rate": learning_rate,
        "num_iterations": num_iterations,
        "layers_dims": layers_dims,
        "activation": activation,
        "seed": int(rng.integers(1, 1000)),
    }
    while True:
        X_train, Y_train, X_dev, Y_dev = (*cloud(rng, layers_dims[0], m_train), *cloud(rng, layers_dims[0], m_dev))
        parameters, costs = train(X_train, Y_train, **settings)
        if rises and not min(costs) + 0.1 < costs[-1] < 100:
            continue
        start, _ = train(X_train, Y_train, **settings | {"num_iterations": 0})
        training, dev, untrained, other = (
            error(parameters, X_train, Y_train, activation), error(parameters, X_dev, Y_dev, activation),
            error(start, X_dev, Y_dev, activation), error(parameters, X_dev, Y_dev, "tanh"),
        )  # fmt: skip
        told_apart = 0 < dev < 0.5 and len({training, dev, untrained}) == 3 and (activation == "tanh" or other != dev)
        if 0 < training < 0.5 and (m_dev == 1 or told_apart):
            break
    return case(settings=settings, X_train=X_train, Y_train=Y_train, X_dev=X_dev, Y_dev=Y_dev)


def cloud(rng, n_x, m):
    """Return X (n_x, m) and Y (1, m): two clouds that overlap."""
    Y = np.zeros((1, m))
    Y[0, rng.permutation(m)[: (m + 1) // 2]] = 1
    return rng.normal(size=(n_x, m)) + 0.7 * (2 * Y - 1) + 0.4, Y


def error(parameters, X, Y, activation):
    return float(np.mean(predict(parameters, X, activation) != Y))


@lesson.exercise(
    points=3,
    topic=14,
    equation="(6.6) and (6.9)",
    cases=experiment_cases,
    ask="Which function trains, and on which part? Which of the numbers in the record need the dev part?",
    small=SMALL_EXPERIMENT,
)
def run_experiment(settings, X_train, Y_train, X_dev, Y_dev):
    """Train with these settings and write down what came out.

    Parameters
    ----------
    settings : dict
        ``"learning_rate"``, ``"num_iterations"``, ``"layers_dims"``, ``"activation"``, ``"seed"``: the arguments of
        `train` by name.
    X_train, X_dev : ndarray, shape (n_x, m_train) and (n_x, m_dev)
    Y_train, Y_dev : ndarray, shape (1, m_train) and (1, m_dev)
        Y_dev is not used for training.

    Returns
    -------
    record : dict
        ``"settings"``, ``"num_parameters"``, ``"cost"`` (after the last step), ``"train_error"`` and ``"dev_error"``.
    """
    activation = settings["activation"]
    parameters, costs = train(X_train, Y_train, **settings)
    return {
        "settings": settings,
        "num_parameters": count_parameters(settings["layers_dims"]),  # (6.6)
        "cost": costs[-1],
        "train_error": float(np.mean(predict(parameters, X_train, activation) != Y_train)),  # (6.9)
        "dev_error": float(np.mean(predict(parameters, X_dev, activation) != Y_dev)),
    }


@run_experiment.mistake("These are accuracies, the shares that are right. The error is the share that is wrong.")
def accuracies(settings, X_train, Y_train, X_dev, Y_dev):
    record = run_experiment(settings, X_train, Y_train, X_dev, Y_dev)
    return record | {"train_error": 1 - record["train_error"], "dev_error": 1 - record["dev_error"]}


@run_experiment.mistake("These are numbers of wrong examples. Divide by the number of examples: the mean of (6.9).")
def counts(settings, X_train, Y_train, X_dev, Y_dev):
    record = run_experiment(settings, X_train, Y_train, X_dev, Y_dev)
    m_train, m_dev = Y_train.shape[1], Y_dev.shape[1]
    return record | {"train_error": record["train_error"] * m_train, "dev_error": record["dev_error"] * m_dev}


@run_experiment.mistake("These are percent. An error is a share of 1, so 0.25 and not 25.")
def percents(settings, X_train, Y_train, X_dev, Y_dev):
    record = run_experiment(settings, X_train, Y_train, X_dev, Y_dev)
    return record | {"train_error": 100 * record["train_error"], "dev_error": 100 * record["dev_error"]}


@run_experiment.mistake("dev_error is computed on the training part. Predict X_dev and compare with Y_dev.")
def dev_error_of_the_training_part(settings, X_train, Y_train, X_dev, Y_dev):
    record = run_experiment(settings, X_train, Y_train, X_dev, Y_dev)
    return record | {"dev_error": record["train_error"]}


@run_experiment.mistake("train_error and dev_error are swapped.")
def errors_swapped(settings, X_train, Y_train, X_dev, Y_dev):
    record = run_experiment(settings, X_train, Y_train, X_dev, Y_dev)
    return record | {"dev_error": record["train_error"], "train_error": record["dev_error"]}


@run_experiment.mistake("You train on the dev part. It may only be predicted: train on X_train and Y_train.")
def trained_on_the_dev_part(settings, X_train, Y_train, X_dev, Y_dev):
    return errors_swapped(settings, X_dev, Y_dev, X_train, Y_train)


@run_experiment.mistake("You train on both parts together. A part that was trained on cannot judge: leave X_dev out.")
def trained_on_both_parts(settings, X_train, Y_train, X_dev, Y_dev):
    activation = settings["activation"]
    parameters, costs = train(np.hstack([X_train, X_dev]), np.hstack([Y_train, Y_dev]), **settings)
    return {
        "settings": settings,
        "num_parameters": count_parameters(settings["layers_dims"]),
        "cost": costs[-1],
        "train_error": error(parameters, X_train, Y_train, activation),
        "dev_error": error(parameters, X_dev, Y_dev, activation),
    }


@run_experiment.mistake("The cost is that of the start. costs[-1] is the one after the last step.")
def first_cost(settings, X_train, Y_train, X_dev, Y_dev):
    record = run_experiment(settings, X_train, Y_train, X_dev, Y_dev)
    return record | {"cost": train(X_train, Y_train, **settings)[1][0]}


@run_experiment.mistake(
    "The cost is the lowest of all. costs[-1] is the one after the last step, also where the cost has risen."
)
def lowest_cost(settings, X_train, Y_train, X_dev, Y_dev):
    record = run_experiment(settings, X_train, Y_train, X_dev, Y_dev)
    return record | {"cost": min(train(X_train, Y_train, **settings)[1])}


@run_experiment.mistake("cost is one number, the last entry of costs, not the whole list.")
def whole_list_of_costs(settings, X_train, Y_train, X_dev, Y_dev):
    record = run_experiment(settings, X_train, Y_train, X_dev, Y_dev)
    return record | {"cost": train(X_train, Y_train, **settings)[1]}


@run_experiment.mistake("The activation is not passed on to predict: it predicted with its own default, tanh.")
def predicted_with_tanh(settings, X_train, Y_train, X_dev, Y_dev):
    record = run_experiment(settings, X_train, Y_train, X_dev, Y_dev)
    parameters, _ = train(X_train, Y_train, **settings)
    return record | {
        "train_error": error(parameters, X_train, Y_train, "tanh"),
        "dev_error": error(parameters, X_dev, Y_dev, "tanh"),
    }


def with_defaults(settings, X_train, Y_train, X_dev, Y_dev, *names):
    """Return the record of a run in which `train` did not get the settings of these names."""
    passed = {name: value for name, value in settings.items() if name not in names}
    parameters, costs = train(X_train, Y_train, **passed)
    return {
        "settings": settings,
        "num_parameters": count_parameters(settings["layers_dims"]),
        "cost": costs[-1],
        "train_error": error(parameters, X_train, Y_train, settings["activation"]),
        "dev_error": error(parameters, X_dev, Y_dev, settings["activation"]),
    }


@run_experiment.mistake("Of the settings, only layers_dims reaches train. Pass all of them on: `**settings`.")
def only_layers_dims(settings, *parts):
    return with_defaults(settings, *parts, "learning_rate", "num_iterations", "activation", "seed")


@run_experiment.mistake("learning_rate is not passed on to train: it used its own default, 0.1.")
def without_learning_rate(settings, *parts):
    return with_defaults(settings, *parts, "learning_rate")


@run_experiment.mistake("num_iterations is not passed on to train: it used its own default, 500.")
def without_num_iterations(settings, *parts):
    return with_defaults(settings, *parts, "num_iterations")


@run_experiment.mistake("activation is not passed on to train: it used its own default, tanh.")
def without_activation(settings, *parts):
    return with_defaults(settings, *parts, "activation")


@run_experiment.mistake("activation reaches neither train nor predict: both used their own default, tanh.")
def activation_nowhere(settings, *parts):
    record = run_experiment(settings | {"activation": "tanh"}, *parts)
    return record | {"settings": settings}


@run_experiment.mistake("seed is not passed on to train: it drew the first weights with its own default, 0.")
def without_seed(settings, *parts):
    return with_defaults(settings, *parts, "seed")


@run_experiment.mistake("num_parameters lacks the biases. Mend count_parameters first.")
def parameters_without_biases(settings, *parts):
    return run_experiment(settings, *parts) | {"num_parameters": weights_only(settings["layers_dims"])}


@run_experiment.mistake("num_parameters is the number of layers. Count weights and biases with count_parameters.")
def number_of_layers(settings, *parts):
    return run_experiment(settings, *parts) | {"num_parameters": len(settings["layers_dims"]) - 1}


@run_experiment.mistake("num_parameters is the number of arrays. Count the numbers in them, with count_parameters.")
def number_of_arrays(settings, *parts):
    return run_experiment(settings, *parts) | {"num_parameters": 2 * (len(settings["layers_dims"]) - 1)}


@run_experiment.mistake("You write the results into settings, which belongs to the caller. Make a new dict.")
def results_written_into_settings(settings, *parts):
    record = run_experiment(dict(settings), *parts)
    del record["settings"]
    settings.update(record)
    return {"settings": settings} | record


@run_experiment.mistake("The record lacks the settings. Without them nobody can repeat the run.")
def record_without_settings(settings, *parts):
    record = run_experiment(settings, *parts)
    del record["settings"]
    return record


@run_experiment.mistake("The errors are rounded. Return the shares as they are; round only what you print.")
def errors_rounded(settings, X_train, Y_train, X_dev, Y_dev):
    record = run_experiment(settings, X_train, Y_train, X_dev, Y_dev)
    return record | {name: round(record[name], 1) for name in ("train_error", "dev_error")}


@run_experiment.accept(
    "Each argument of `train` is written out instead of `**settings`, and the parameters are counted from the matrices that come back."
)
def with_words_for_each_argument(settings, X_train, Y_train, X_dev, Y_dev):
    parameters, costs = train(
        X_train, Y_train, settings["layers_dims"], settings["activation"], settings["learning_rate"],
        settings["num_iterations"], settings["seed"],
    )  # fmt: skip
    errors = {}
    for name, X, Y in (("train_error", X_train, Y_train), ("dev_error", X_dev, Y_dev)):
        errors[name] = np.sum(predict(parameters, X, settings["activation"]) != Y) / Y.size
    count = sum(V.size for V in parameters)
    return {"settings": dict(settings), "num_parameters": count, "cost": np.array(costs[-1]), "notes": "", **errors}


@run_experiment.accept(
    "The steps come one by one from a generator, and the last one is kept; the errors are counted example by example."
)
def step_by_step(settings, X_train, Y_train, X_dev, Y_dev):
    settings = copy.deepcopy(settings)
    num_iterations = settings.pop("num_iterations")
    parameters, cost = list(islice(steps(X_train, Y_train, **settings), num_iterations + 1))[-1]

    def wrong(X, Y):
        predicted = predict(parameters, X, settings["activation"])
        return sum(int(p != y) for p, y in zip(predicted[0], Y[0], strict=True)) / len(Y[0])

    return {
        "dev_error": wrong(X_dev, Y_dev), "train_error": wrong(X_train, Y_train), "cost": cost,
        "num_parameters": count_parameters(settings["layers_dims"]),
        "settings": settings | {"num_iterations": num_iterations},
    }  # fmt: skip


@run_experiment.accept
def one_minus_the_accuracy(settings, X_train, Y_train, X_dev, Y_dev):
    parameters, costs = train(X=X_train, Y=Y_train, **settings)
    right = functools.partial(predict, parameters, activation=settings["activation"])
    return {
        "settings": settings,
        "num_parameters": np.int64(count_parameters(settings["layers_dims"])),
        "cost": costs[settings["num_iterations"]],
        "train_error": 1 - (right(X_train) == Y_train).mean(),
        "dev_error": np.mean(np.abs(right(X_dev) - Y_dev)),
    }


# --- best_run --------------------------------------------------------------------------------------------------------


def record(learning_rate, num_parameters, cost, train_error, dev_error):
    """Return a record as `run_experiment` makes it; the learning rate tells it from the others."""
    return {
        "settings": {"learning_rate": learning_rate, "layers_dims": [num_parameters - 1, 1], "activation": "tanh"},
        "num_parameters": num_parameters, "cost": cost, "train_error": train_error, "dev_error": dev_error,
    }  # fmt: skip


def runs_cases(rng):
    def mixed(before, best, after, *others):
        """Return the runs in a mixed order; the first three tie and stand in this order; both ends are plain runs."""
        runs = [before, best, after, *others, (47, 0.41, 0.21, 0.37), (49, 0.43, 0.22, 0.38)]
        rates = rng.permutation(np.arange(1, 1 + len(runs))) / 100  # they tell the runs apart
        runs = [record(float(rate), *run) for rate, run in zip(rates, runs, strict=True)]
        while True:
            order = [int(i) for i in rng.permutation(len(runs) - 2)]
            if order.index(0) < order.index(1) < order.index(2):
                return case(runs=[runs[-2], *(runs[i] for i in order), runs[-1]])

    low = int(rng.integers(18, 23)) / 100  # the dev error that wins
    some, many = int(rng.integers(80, 90)), int(rng.integers(90, 99))
    return [
        # parameters, cost, training error, dev error: three that tie, then what the usual mistakes take for the best
        mixed(
            (some, 0.24, 0.08, low), (41, 0.31, 0.11, low), (many, 0.28, 0.09, low),
            (57, 0.05, 0.0, 0.33), (77, 0.02, 0.01, 0.31), (5, 0.52, 0.27, 0.28), (15, 0.50, 0.25, 0.255),
            (19, 0.69, 0.46, 0.49),
        ),
        mixed(
            (many, 0.33, 0.09, low), (37, 0.29, 0.12, low), (some, 0.26, 0.1, low),
            (23, math.nan, 0.5, low - 0.07), (31, math.inf, 0.51, low - 0.04),
            (53, 0.04, 0.0, 0.35), (73, 0.01, 0.02, 0.30), (7, 0.61, 0.29, 0.295), (11, 0.68, 0.41, 0.47),
        ),
        mixed(
            (some, 0.22, 0.07, low), (43, 0.27, 0.1, low), (many, 0.25, 0.08, low), (17, math.inf, 0.48, low - 0.05),
            (61, 0.03, 0.0, 0.41), (67, 0.015, 0.03, 0.36), (6, 0.63, 0.3, 0.305), (13, 0.67, 0.39, 0.45),
        ),
        case(runs=[record(0.07, 29, 0.4, 0.15, float(rng.uniform(0.2, 0.3)))]),
        # The first run has diverged with the lowest dev error; of the others, the best has a few more parameters than
        # one whose dev error is a little higher.
        case(runs=[
            record(0.05, 21, math.nan, 0.49, low - 0.1), record(0.02, some, 0.33, 0.12, low + 0.004),
            record(0.04, many, 0.3, 0.11, low), record(0.03, 27, 0.35, 0.14, low + 0.003),
            record(0.01, 63, 0.2, 0.05, low + 0.0001), record(0.08, 33, 0.31, 0.13, low + 0.00002), record(0.06, 8, 0.62, 0.24, low + 0.1),
        ]),
    ]  # fmt: skip


@lesson.exercise(
    points=2,
    topic=14,
    equation="(6.14)",
    cases=runs_cases,
    ask="A run with cost nan has the lowest dev error of all. May it win? And which number decides between two runs with the same dev error?",
    small=SMALL_RUNS,
    why={
        "question": "Why are runs with an infinite or nan cost left out before the dev errors are compared?",
        "choices": {
            "such a network answers 0 for every example, and its dev error can be low by chance": "Yes: with few ones among the labels it would even win.",
            "nan cannot be compared with numbers": "It can: each comparison is False. But it is the dev error that is compared here, and that is a number.",
            "they took longer to train": "No: time plays no part here.",
        },
    },
)
def best_run(runs):
    """Return the run to go on with.

    Parameters
    ----------
    runs : list of dict
        Records of `run_experiment`; at least one has a finite cost. A cost of nan or infinity: the run diverged.

    Returns
    -------
    record : dict
        The one with the lowest ``"dev_error"`` among those that did not diverge; of several such, the one with the
        fewest parameters.
    """
    kept = [run for run in runs if run["cost"] < math.inf]  # False for nan, too
    lowest = min(run["dev_error"] for run in kept)
    return min((run for run in kept if run["dev_error"] == lowest), key=lambda run: run["num_parameters"])  # (6.14)


def finite(runs):
    return [run for run in runs if math.isfinite(run["cost"])]


@best_run.mistake("You choose by the training error. The largest network wins that way: choose by dev_error.")
def by_training_error(runs):
    return min(finite(runs), key=lambda run: (run["train_error"], run["num_parameters"]))


@best_run.mistake("You choose by the training cost. The longest training wins that way: choose by dev_error.")
def by_cost(runs):
    return min(finite(runs), key=lambda run: run["cost"])


@best_run.mistake("This is the last run. The best one may stand anywhere in the list.")
def last_run(runs):
    return runs[-1]


@best_run.mistake("This is the first run. Compare it with all others.")
def first_run(runs):
    return runs[0]


@best_run.mistake("This is the highest dev error. An error should be low.")
def highest_dev_error(runs):
    return max(finite(runs), key=lambda run: run["dev_error"])


@best_run.mistake("A run whose cost is nan or infinity has diverged. Leave such runs out before you compare.")
def diverged_run_wins(runs):
    return min(runs, key=lambda run: (run["dev_error"], run["num_parameters"]))


@best_run.mistake(
    "The first run is taken as the best so far without a look at its cost. If it has diverged, no other gets past it: leave "
    "out diverged runs first, or begin with none."
)
def diverged_first_run_stays(runs):
    best = runs[0]
    for run in runs[1:]:
        if math.isfinite(run["cost"]) and (run["dev_error"], run["num_parameters"]) < (
            best["dev_error"], best["num_parameters"],
        ):  # fmt: skip
            best = run
    return best


@best_run.mistake(
    "Dev errors that differ, however little, do not tie: the lowest wins. Only equal ones go on to the parameters."
)
def nearly_equal_taken_for_ties(runs):
    low = min(run["dev_error"] for run in finite(runs))
    return min((run for run in finite(runs) if run["dev_error"] - low < 0.01), key=lambda run: run["num_parameters"])


@best_run.mistake(
    "Dev error and number of parameters are added up, so many parameters outweigh a lower dev error. Compare one after the other."
)
def weighted_sum(runs):
    return min(finite(runs), key=lambda run: run["dev_error"] + 1e-6 * run["num_parameters"])


@best_run.mistake("A cost of nan is left out, a cost of infinity is not. `np.isfinite` is False for both.")
def infinite_cost_wins(runs):
    return min(
        (run for run in runs if not math.isnan(run["cost"])), key=lambda run: (run["dev_error"], run["num_parameters"])
    )


@best_run.mistake("Several runs have the lowest dev error. Of these, take the one with the fewest parameters.")
def first_of_those_that_tie(runs):
    return min(finite(runs), key=lambda run: run["dev_error"])


@best_run.mistake(
    "Two things are missing: leave out the runs whose cost is not finite, and of several equal dev errors "
    "take the run with the fewest parameters."
)
def plain_minimum(runs):
    return min(runs, key=lambda run: run["dev_error"])


@best_run.mistake("`<=` takes the last of several equal dev errors. Of these, the fewest parameters win.")
def last_of_those_that_tie(runs):
    return min(reversed(finite(runs)), key=lambda run: run["dev_error"])


@best_run.mistake("Of several runs with the lowest dev error, fewer parameters win, not more.")
def most_parameters_of_those_that_tie(runs):
    return min(finite(runs), key=lambda run: (run["dev_error"], -run["num_parameters"]))


@best_run.mistake("The dev error comes first. The number of parameters decides between equal dev errors only.")
def fewest_parameters(runs):
    return min(finite(runs), key=lambda run: (run["num_parameters"], run["dev_error"]))


@best_run.mistake("A small gap between the two errors is no merit: both may be large. Choose by dev_error alone.")
def smallest_gap(runs):
    return min(finite(runs), key=lambda run: abs(run["dev_error"] - run["train_error"]))


@best_run.mistake("This is the lowest dev error. Return the record that has it, with its settings.")
def dev_error_alone(runs):
    return best_run(runs)["dev_error"]


@best_run.mistake("This is the place of the record in the list. Return the record itself.")
def place_in_the_list(runs):
    return runs.index(best_run(runs))


@best_run.mistake("These are the settings. Return the whole record.")
def settings_alone(runs):
    return best_run(runs)["settings"]


@best_run.accept(
    "Python's sort keeps the order of equal entries: first by the number of parameters, then by the dev error."
)
def sorted_twice(runs):
    kept = [run for run in runs if np.isfinite(run["cost"])]
    kept.sort(key=lambda run: run["num_parameters"])
    return sorted(kept, key=lambda run: run["dev_error"])[0]


@best_run.accept
def in_a_loop(runs):
    best = None
    for run in runs:
        if np.isnan(run["cost"]) or np.isinf(run["cost"]):
            continue
        lower = best is None or run["dev_error"] < best["dev_error"]
        if lower or (run["dev_error"] == best["dev_error"] and run["num_parameters"] < best["num_parameters"]):
            best = run
    return best


@best_run.accept("`np.lexsort` sorts by several keys, the last one first; diverged runs get an infinite dev error.")
def with_arrays(runs):
    cost, dev_error, count = (np.array([run[key] for run in runs]) for key in ("cost", "dev_error", "num_parameters"))
    order = np.lexsort([count, np.where(np.isfinite(cost), dev_error, np.inf)])
    return dict(runs[order[0]], place=int(order[0]))
