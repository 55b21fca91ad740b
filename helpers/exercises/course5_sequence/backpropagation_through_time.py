"""Lesson 5.2, backpropagation through time: the catalogue of its eight exercises. Equations are those of the notebook."""

import numpy as np
from scipy.special import softmax

from helpers.exercises import Lesson, case
from helpers.exercises.course5_sequence import recurrent_networks as forward

lesson = Lesson("backpropagation_through_time")

lesson.predict(
    "slip",
    "The label is 0, the prediction begins at 0.88, and the loss has (1 - ŷ) where it should have (1 - y). Where does "
    "gradient descent take the prediction?",
    ("to 0", "to 1/2", "to 1"),
    "With the slip the loss falls again towards 1: from 0.88 downhill is upward, to the wrong label.",
)
lesson.predict(
    "with_inputs",
    "Waa is an orthogonal matrix times 1.2, and the inputs are random numbers of size 1. What has become of the gradient "
    "40 steps back?",
    (
        "it has grown more than a hundred times",
        "it is between a hundredth and a hundred times as long",
        "less than a hundredth is left",
    ),
    "Inputs push the states away from 0, where the slope 1 - a² is below 1. Here the slopes win against the factor 1.2.",
)
lesson.predict(
    "too_short",
    "A network must answer with the bit of 6 steps ago. Its state is carried on from chunk to chunk, but the gradient goes "
    "back through chunks of 3 steps. Which share of its answers is right after the training?",
    ("about a half: guessing", "about three quarters", "nearly all"),
    "A chunk of 3 steps never holds an answer and its bit together, so no gradient says that the bit must be kept.",
)
lesson.predict(
    "forwards_or_backwards",
    "Is a name written forwards or backwards? Which is right most often on names that were held out?",
    ("the last letter alone", "the first and the last letter", "counts of pairs of letters", "the recurrent network"),
    "Counts of pairs know the order, too, and on these names they are right more often than the network.",
)

#: A network of one unit for hints: Waa = 0.5, Wax = 1, and the three steps of (2.20).
UNIT = {"Wax": np.array([[1.0]]), "Waa": np.array([[0.5]])}
STATES = (0.0, np.tanh(1.0), np.tanh(0.5 * np.tanh(1.0)), np.tanh(0.5 * np.tanh(0.5 * np.tanh(1.0))))
STEPS = (
    [(*(np.array([[v]]) for v in (STATES[t + 1], STATES[t], x)), UNIT) for t, x in enumerate((1.0, 0.0, 0.0))],
    np.array([[[1.0, 0.0, 0.0]]]),
)


# --- rnn_output_backward ---------------------------------------------------------------------------------------------


def output_cases(rng):
    def one(n_a, n_y, T, *lengths):
        m = len(lengths)
        a, parameters = np.tanh(rng.normal(size=(n_a, m, T))), forward.parameters_for(rng, 2, n_a, n_y)
        scores = np.einsum("ya,amt->ymt", parameters["Wya"], a) + parameters["by"][:, :, None]
        return case(
            y_pred=softmax(scores, axis=0),
            y=np.moveaxis(np.eye(n_y)[rng.integers(0, n_y, (m, T))], 2, 0),
            mask=(np.arange(T) < np.array(lengths)[:, None]) * 1.0,
            a=a,
            parameters=parameters,
        )

    return [one(3, 2, 5, 5, 2, 4), one(2, 4, 3, 3, 3, 1, 2), one(4, 3, 2, 1), one(3, 3, 3, 2, 3, 3)]


@lesson.exercise(
    points=3,
    topic=52,
    equation="(2.5) to (2.8)",
    cases=output_cases,
    backward=True,
    ask="In dz, which examples and steps must be 0, and where does 1/m enter? Then: which letters of (2.7) run over "
    "examples, which over steps, and are both still there in dWya?",
    small={
        "y_pred": np.array([[[0.25, 0.5]], [[0.75, 0.5]]]),
        "y": np.array([[[0.0, 1.0]], [[1.0, 0.0]]]),
        "mask": np.array([[1.0, 0.0]]),
        "a": np.array([[[3.0, 4.0]]]),
        "parameters": {"Wya": np.array([[0.0], [2.0]]), "by": np.zeros((2, 1))},
    },
)
def rnn_output_backward(y_pred, y, mask, a, parameters):
    """Send the gradient back through the outputs of all steps. Each ``dV`` is the derivative of the cost J by V.

    Parameters
    ----------
    y_pred, y : ndarray, shape (n_y, m, T_x)
        Softmax outputs and one-hot labels; labels at padding mean nothing.
    mask : ndarray, shape (m, T_x)
        1 at real steps, 0 at padding.
    a : ndarray, shape (n_a, m, T_x)
        The states.
    parameters : dict
        Of the network; ``"Wya"`` (n_y, n_a) is used.

    Returns
    -------
    gradients : dict
        ``"da"`` (n_a, m, T_x), what each step's own output sends to its state; ``"dWya"`` (n_y, n_a), ``"dby"`` (n_y, 1).
    """
    dz = (y_pred - y) * mask / y.shape[1]  # (2.5)
    return {
        "da": np.einsum("ya,ymt->amt", parameters["Wya"], dz),  # (2.6)
        "dWya": np.einsum("ymt,amt->ya", dz, a),  # (2.7)
        "dby": dz.sum(axis=(1, 2))[:, None],  # (2.8)
    }


def output_from(dz, a, W):
    """Return the gradients that belong to these gradients of the scores."""
    return {
        "da": np.tensordot(W.T, dz, axes=1),
        "dWya": np.tensordot(dz, a, axes=((1, 2), (1, 2))),
        "dby": dz.sum(axis=2).sum(axis=1, keepdims=True),
    }


def scores_back(y_pred, y, mask):
    """Return the gradients of the scores."""
    return mask * (y_pred - y) / len(mask)


@rnn_output_backward.mistake("The factor 1/m is missing. Here it enters, once: dz = mask (y_pred - y) / m.")
def without_the_mean(y_pred, y, mask, a, parameters):
    return output_from(mask * (y_pred - y), a, parameters["Wya"])


@rnn_output_backward.mistake("Padding sends a gradient back. Its loss does not count: multiply dz by the mask.")
def padding_sends(y_pred, y, mask, a, parameters):
    return output_from((y_pred - y) / len(mask), a, parameters["Wya"])


@rnn_output_backward.mistake("The sign is wrong: dz = y_pred - y. A prediction that is too high must come down.")
def sign_of_dz(y_pred, y, mask, a, parameters):
    return output_from(-scores_back(y_pred, y, mask), a, parameters["Wya"])


@rnn_output_backward.mistake("You divide by all real steps. The losses are added up over time: divide by m only.")
def mean_over_steps(y_pred, y, mask, a, parameters):
    return output_from(mask * (y_pred - y) / mask.sum(), a, parameters["Wya"])


@rnn_output_backward.mistake("You divide by T_x, too. The losses are added up over time: divide by m only.")
def mean_over_time(y_pred, y, mask, a, parameters):
    return output_from(mask * (y_pred - y) / mask.size, a, parameters["Wya"])


@rnn_output_backward.mistake("You divide by T_x, not by m. The axes are (n_y, m, T_x): m is axis 1.")
def divided_by_the_wrong_axis(y_pred, y, mask, a, parameters):
    return output_from(mask * (y_pred - y) / mask.shape[1], a, parameters["Wya"])


@rnn_output_backward.mistake("A factor y_pred (1 - y_pred) is too much. In y_pred - y the softmax is already derived.")
def slope_twice(y_pred, y, mask, a, parameters):
    return output_from(scores_back(y_pred, y, mask) * y_pred * (1 - y_pred), a, parameters["Wya"])


@rnn_output_backward.mistake("This is -y / y_pred, the derivative by the prediction. Go on to the score: y_pred - y.")
def derivative_by_the_prediction(y_pred, y, mask, a, parameters):
    return output_from(-mask * y / y_pred / len(mask), a, parameters["Wya"])


@rnn_output_backward.mistake(
    "da has the slope of tanh, 1 - a². It belongs to the next exercise: da is the derivative by a."
)
def slope_of_tanh_too_early(y_pred, y, mask, a, parameters):
    gradients = output_from(scores_back(y_pred, y, mask), a, parameters["Wya"])
    return gradients | {"da": gradients["da"] * (1 - a**2)}


@rnn_output_backward.mistake(
    "dWya and dby are those of the last step alone. The weights serve every step: add up over time."
)
def last_step_overwrites(y_pred, y, mask, a, parameters):
    dz = scores_back(y_pred, y, mask)
    last = output_from(dz[:, :, -1:], a[:, :, -1:], parameters["Wya"])
    return last | {"da": output_from(dz, a, parameters["Wya"])["da"]}


@rnn_output_backward.mistake("dWya is transposed. It has the shape of Wya: (n_y, n_a).")
def dwya_transposed(y_pred, y, mask, a, parameters):
    gradients = output_from(scores_back(y_pred, y, mask), a, parameters["Wya"])
    return gradients | {"dWya": gradients["dWya"].T}


@rnn_output_backward.mistake("dby is a mean over the steps. Add up over examples and steps.")
def dby_as_a_mean(y_pred, y, mask, a, parameters):
    gradients = output_from(scores_back(y_pred, y, mask), a, parameters["Wya"])
    return gradients | {"dby": gradients["dby"] / mask.shape[1]}


@rnn_output_backward.mistake(
    "dWya is made with the states one step earlier. The output of step t came from the state of step t."
)
def states_one_step_early(y_pred, y, mask, a, parameters):
    dz = scores_back(y_pred, y, mask)
    early = np.concatenate([np.zeros_like(a[:, :, :1]), a[:, :, :-1]], axis=2)
    return output_from(dz, a, parameters["Wya"]) | {"dWya": output_from(dz, early, parameters["Wya"])["dWya"]}


@rnn_output_backward.accept
def output_step_by_step(y_pred, y, mask, a, parameters):
    dWya, dby, da = 0, 0, np.zeros_like(a)
    for t in range(a.shape[2]):
        dz = (y_pred[:, :, t] - y[:, :, t]) * mask[:, t] / a.shape[1]
        da[:, :, t] = parameters["Wya"].T @ dz
        dWya = dWya + dz @ a[:, :, t].T
        dby = dby + dz.sum(axis=1, keepdims=True)
    return {"da": da, "dWya": dWya, "dby": dby}


@rnn_output_backward.accept(
    "`np.tensordot` adds up over the axes that it is given, here examples and steps, in one product."
)
def output_with_tensordot(y_pred, y, mask, a, parameters):
    return output_from(scores_back(y_pred, y, mask), a, parameters["Wya"])


@rnn_output_backward.accept
def output_of_all_columns(y_pred, y, mask, a, parameters):
    dz = (mask / len(mask) * (y_pred - y)).reshape(len(y), -1)
    da = (parameters["Wya"].T @ dz).reshape(a.shape)
    return {"dby": dz @ np.ones((mask.size, 1)), "dWya": dz @ a.reshape(len(a), -1).T, "da": da}


# --- rnn_cell_backward -----------------------------------------------------------------------------------------------


def cell_cases(rng):
    def one(n_x, n_a, m):
        xt, a_prev = rng.normal(size=(n_x, m)), np.tanh(rng.normal(size=(n_a, m)))
        _, _, cache = forward.rnn_cell_forward(xt, a_prev, forward.parameters_for(rng, n_x, n_a, 2))
        return case(da_next=rng.normal(size=(n_a, m)), cache=cache)

    return [one(3, 5, 4), one(4, 2, 3), one(2, 3, 1), one(4, 4, 4)]


@lesson.exercise(
    points=3,
    topic=52,
    equation="(2.11) to (2.16)",
    cases=cell_cases,
    backward=True,
    ask="First dz, the gradient of the score: which of the two states in the cache did the tanh make? Then, for each "
    "weight: what was it multiplied by in this step?",
    small={"da_next": np.array([[1.0]]), "cache": (np.array([[0.4621]]), np.array([[0.6]]), np.array([[0.2]]), UNIT)},
    why={
        "question": "Why is the slope 1 - a_next² and not 1 - a_prev²?",
        "choices": {
            "this step's tanh made a_next; a_prev came in as it is": "Yes: a_prev's own tanh belongs to the step before.",
            "a_next is larger than a_prev": "No: either may be larger. The question is which one this tanh made.",
            "both are right, since the states are equal": "No: the state changes at each step.",
        },
    },
)
def rnn_cell_backward(da_next, cache):
    """Send the gradient back through one step. Each ``dV`` is the derivative of the cost J by V.

    Parameters
    ----------
    da_next : ndarray, shape (n_a, m)
        All that arrives at the state after this step.
    cache : tuple
        ``(a_next, a_prev, xt, parameters)``, from `rnn_cell_forward`.

    Returns
    -------
    gradients : dict
        ``"dxt"`` (n_x, m), ``"da_prev"`` (n_a, m), ``"dWax"`` (n_a, n_x), ``"dWaa"`` (n_a, n_a), ``"dba"`` (n_a, 1).
    """
    a_next, a_prev, xt, parameters = cache
    dz = da_next * (1 - a_next**2)  # (2.11)
    return {
        "dxt": parameters["Wax"].T @ dz,  # (2.13)
        "da_prev": parameters["Waa"].T @ dz,  # (2.12)
        "dWax": dz @ xt.T,  # (2.15)
        "dWaa": dz @ a_prev.T,  # (2.14)
        "dba": dz.sum(axis=1, keepdims=True),  # (2.16)
    }


def from_score(dz, cache):
    """Return the gradients that belong to this gradient of the score."""
    _, a_prev, xt, p = cache
    return {
        "dxt": np.dot(p["Wax"].T, dz),
        "da_prev": np.dot(p["Waa"].T, dz),
        "dWax": np.dot(dz, xt.T),
        "dWaa": np.dot(dz, a_prev.T),
        "dba": np.sum(dz, axis=1, keepdims=True),
    }


def score_back(da_next, cache):
    """Return the gradient of the score."""
    return da_next - da_next * np.square(cache[0])


@rnn_cell_backward.mistake("The slope of tanh is missing. First da_next ∗ (1 - a_next²), then the products.")
def without_the_slope(da_next, cache):
    return from_score(da_next, cache)


@rnn_cell_backward.mistake("The slope is taken of a_prev. The tanh made a_next: 1 - a_next².")
def slope_of_the_old_state(da_next, cache):
    return from_score(da_next * (1 - cache[1] ** 2), cache)


@rnn_cell_backward.mistake("The slope is taken of da_next. It is that of the state: 1 - a_next².")
def slope_of_the_gradient(da_next, cache):
    return from_score(da_next * (1 - da_next**2), cache)


@rnn_cell_backward.mistake("This is the slope of a sigmoid. That of tanh is 1 - a_next².")
def slope_of_a_sigmoid(da_next, cache):
    return from_score(da_next * cache[0] * (1 - cache[0]), cache)


@rnn_cell_backward.mistake("The slope is 1 - tanh(a_next)². a_next is already the tanh: 1 - a_next².")
def tanh_twice(da_next, cache):
    return from_score(da_next * (1 - np.tanh(cache[0]) ** 2), cache)


@rnn_cell_backward.mistake("The slope is 1 - a_next. The square is missing: 1 - a_next².")
def slope_without_the_square(da_next, cache):
    return from_score(da_next * (1 - cache[0]), cache)


@rnn_cell_backward.mistake("da_prev uses Waa as it stands. Going back means the transpose: Waaᵀ dz.")
def waa_not_transposed(da_next, cache):
    dz = score_back(da_next, cache)
    return from_score(dz, cache) | {"da_prev": cache[3]["Waa"] @ dz}


@rnn_cell_backward.mistake("dWaa is made with a_next. In this step Waa was multiplied by a_prev: dz a_prevᵀ.")
def dwaa_with_the_new_state(da_next, cache):
    dz = score_back(da_next, cache)
    return from_score(dz, cache) | {"dWaa": dz @ cache[0].T}


@rnn_cell_backward.mistake("dWax and dWaa use da_next. They come from the score: use dz, with the slope of tanh.")
def weights_without_the_slope(da_next, cache):
    plain, right = from_score(da_next, cache), from_score(score_back(da_next, cache), cache)
    return right | {"dWax": plain["dWax"], "dWaa": plain["dWaa"]}


@rnn_cell_backward.mistake("dba uses da_next. The bias is inside the tanh: add up dz.")
def bias_without_the_slope(da_next, cache):
    return from_score(score_back(da_next, cache), cache) | {"dba": da_next.sum(axis=1, keepdims=True)}


@rnn_cell_backward.mistake(
    "The gradients of weights and bias are divided by m. 1/m is already in what arrives: add up."
)
def divided_by_m(da_next, cache):
    gradients, m = from_score(score_back(da_next, cache), cache), da_next.shape[1]
    return {name: dV / m if name in ("dWax", "dWaa", "dba") else dV for name, dV in gradients.items()}


@rnn_cell_backward.mistake("dWaa is transposed. Its row i belongs to unit i of the new state: dz a_prevᵀ.")
def dwaa_transposed(da_next, cache):
    gradients = from_score(score_back(da_next, cache), cache)
    return gradients | {"dWaa": gradients["dWaa"].T}


@rnn_cell_backward.mistake("dba has lost an axis. It has the shape of ba, (n_a, 1): `keepdims=True`.")
def dba_without_an_axis(da_next, cache):
    gradients = from_score(score_back(da_next, cache), cache)
    return gradients | {"dba": gradients["dba"][:, 0]}


@rnn_cell_backward.mistake("dba adds up over the units. Add up over the examples: axis 1.")
def dba_over_the_units(da_next, cache):
    dz = score_back(da_next, cache)
    return from_score(dz, cache) | {"dba": dz.sum(axis=0, keepdims=True)}


@rnn_cell_backward.mistake("da_prev uses da_next. Go through the tanh first: Waaᵀ dz, with the slope of tanh.")
def da_prev_without_the_slope(da_next, cache):
    return from_score(score_back(da_next, cache), cache) | {"da_prev": cache[3]["Waa"].T @ da_next}


@rnn_cell_backward.mistake("dxt uses da_next. Go through the tanh first: Waxᵀ dz, with the slope of tanh.")
def dxt_without_the_slope(da_next, cache):
    return from_score(score_back(da_next, cache), cache) | {"dxt": cache[3]["Wax"].T @ da_next}


@rnn_cell_backward.mistake("dWax uses da_next. It comes from the score: dz xtᵀ, with the slope of tanh.")
def dwax_without_the_slope(da_next, cache):
    return from_score(score_back(da_next, cache), cache) | {"dWax": da_next @ cache[2].T}


@rnn_cell_backward.mistake("dWaa uses da_next. It comes from the score: dz a_prevᵀ, with the slope of tanh.")
def dwaa_without_the_slope(da_next, cache):
    return from_score(score_back(da_next, cache), cache) | {"dWaa": da_next @ cache[1].T}


@rnn_cell_backward.mistake("da_next is not used: dz is the slope of tanh alone. Multiply it by da_next.")
def slope_alone(da_next, cache):
    return rnn_cell_backward(np.ones(da_next.shape), cache)


@rnn_cell_backward.accept
def cell_with_dot(da_next, cache):
    return from_score(score_back(da_next, cache), cache)


@rnn_cell_backward.accept(
    "One product with the stacked weights gives both gradients backward, one with the stacked column both of the weights."
)
def cell_with_stacked_weights(da_next, cache):
    a, before, xt, p = cache
    n_a, dz = len(a), (1 - a) * (1 + a) * da_next
    back, dW = np.hstack([p["Waa"], p["Wax"]]).T @ dz, dz @ np.vstack([before, xt]).T
    names = ("dxt", "da_prev", "dWax", "dWaa", "dba")
    return dict(
        zip(names, (back[n_a:], back[:n_a], dW[:, n_a:], dW[:, :n_a], dz @ np.ones((len(xt.T), 1))), strict=True)
    )


@rnn_cell_backward.accept
def cell_example_by_example(da_next, cache):
    a, before, xt, p = cache
    total = {"dxt": np.zeros_like(xt), "da_prev": np.zeros_like(before), "dWax": 0, "dWaa": 0, "dba": 0}
    for i in range(a.shape[1]):
        dz = da_next[:, i] * (1 - a[:, i] ** 2)
        total["dxt"][:, i], total["da_prev"][:, i] = dz @ p["Wax"], dz @ p["Waa"]
        total["dWax"] = total["dWax"] + np.outer(dz, xt[:, i])
        total["dWaa"] = total["dWaa"] + np.outer(dz, before[:, i])
        total["dba"] = total["dba"] + dz[:, None]
    return total


# --- rnn_backward ----------------------------------------------------------------------------------------------------


def ran(rng, n_x, m, T_x, n_a):
    """Return the caches of a forward pass."""
    a0 = np.tanh(rng.normal(size=(n_a, m)))
    return forward.rnn_forward(rng.normal(size=(n_x, m, T_x)), a0, forward.parameters_for(rng, n_x, n_a, 2))[2]


def backward_cases(rng):
    def one(n_x, m, T_x, n_a):
        return case(da=rng.normal(size=(n_a, m, T_x)), caches=ran(rng, n_x, m, T_x, n_a))

    return [one(1, 4, 3, 2), one(2, 1, 3, 3), one(3, 2, 1, 1), one(2, 2, 3, 2)]


@lesson.exercise(
    points=4,
    topic=52,
    equation="(2.17) to (2.19)",
    cases=backward_cases,
    backward=True,
    ask="Two gradients arrive at a state. Where does each come from, and which step must be done before they can be added? "
    "Which of the results are added up over the steps, and which is kept step by step?",
    small={"da": np.array([[[1.0, 0.0, 1.0]]]), "caches": STEPS},
    why={
        "question": "Why are the gradients of the weights added up over the steps?",
        "choices": {
            "each step uses the same weights, so J depends on them in each step": "Yes: the chain rule adds all ways.",
            "each step has weights of its own": "No: they are the same arrays at each step.",
            "the mean would be 0": "No: a mean is the sum divided by T_x. The chain rule asks for the sum.",
        },
    },
)
def rnn_backward(da, caches):
    """Send the gradient back through time. Each ``dV`` is the derivative of the cost J by V.

    Parameters
    ----------
    da : ndarray, shape (n_a, m, T_x)
        What each step's own output sends to its state.
    caches : tuple
        The list of the caches of the steps, and x, from `rnn_forward`.

    Returns
    -------
    gradients : dict
        ``"dx"`` (n_x, m, T_x), ``"da0"`` (n_a, m), ``"dWax"`` (n_a, n_x), ``"dWaa"`` (n_a, n_a), ``"dba"`` (n_a, 1).
    """
    steps, x = caches
    from_later, inputs, sums = np.zeros(da.shape[:2]), [None] * x.shape[2], {"dWax": 0, "dWaa": 0, "dba": 0}
    for t in reversed(range(x.shape[2])):
        gradients = rnn_cell_backward(da[:, :, t] + from_later, steps[t])  # (2.17)
        from_later, inputs[t] = gradients["da_prev"], gradients["dxt"]
        sums = {name: total + gradients[name] for name, total in sums.items()}  # (2.19)
    return {"dx": np.stack(inputs, axis=2), "da0": from_later, **sums}  # (2.18)


def through_time(da, caches, later=1.0, order=None, add=True, early=False):
    """Return the gradients through time; options change the way."""
    steps, x = caches
    T = x.shape[2]
    from_later, dx, sums = np.zeros_like(da[:, :, 0]), np.zeros_like(x), {"dWax": 0, "dWaa": 0, "dba": 0}
    for t in order or range(T - 1, -1, -1):
        arrives = from_later if early and t < T - 1 else da[:, :, t] + later * from_later
        g = rnn_cell_backward(arrives, steps[t])
        from_later, dx[:, :, t] = g["da_prev"], g["dxt"]
        sums = {name: g[name] + (total if add else 0) for name, total in sums.items()}
    return {"dx": dx, "da0": from_later} | sums


@rnn_backward.mistake(
    "What comes back from step t + 1 is not added. A state goes to its output and to the next state: add both."
)
def later_steps_forgotten(da, caches):
    return through_time(da, caches, later=0)


@rnn_backward.mistake(
    "Only the last step's own gradient is used. At each step add da[:, :, t] to what comes back from step t + 1."
)
def only_the_last_output(da, caches):
    return through_time(da, caches, early=True)


@rnn_backward.mistake("Gradients of the weights are overwritten at each step. The weights serve every step: add up.")
def overwritten(da, caches):
    return through_time(da, caches, add=False)


@rnn_backward.mistake("The loop runs forward in time. Gradients come from later steps: begin with the last one.")
def forward_in_time(da, caches):
    return through_time(da, caches, order=list(range(da.shape[2])))


@rnn_backward.mistake("The loop ends before step 0. `range(T - 1, -1, -1)` or `reversed(range(T))` reach it.")
def first_step_left_out(da, caches):
    return through_time(da, caches, order=list(range(da.shape[2] - 1, 0, -1)) or [0])


@rnn_backward.mistake("dx stands in reverse order. Put step t's dxt into dx[:, :, t].")
def dx_reversed(da, caches):
    gradients = through_time(da, caches)
    return gradients | {"dx": gradients["dx"][:, :, ::-1]}


@rnn_backward.mistake("da0 is what arrives at the first state. Go back one step more: it is the da_prev of step 0.")
def da0_one_step_short(da, caches):
    gradients, steps = through_time(da, caches), caches[0]
    later = 0
    for t in range(len(steps) - 1, 0, -1):
        later = rnn_cell_backward(da[:, :, t] + later, steps[t])["da_prev"]
    return gradients | {"da0": da[:, :, 0] + later}


@rnn_backward.mistake("da0 is zero. The first state was made from a0, so a gradient arrives there: da_prev of step 0.")
def da0_zero(da, caches):
    gradients = through_time(da, caches)
    return gradients | {"da0": np.zeros_like(gradients["da0"])}


@rnn_backward.mistake("The weights' gradients are divided by the number of steps. Add them up.")
def mean_over_the_steps(da, caches):
    T = da.shape[2]
    return {k: v / T if k.startswith(("dW", "db")) else v for k, v in through_time(da, caches).items()}


@rnn_backward.mistake("The weights' gradients are divided by m. 1/m is already in da: add up.")
def divided_by_m_again(da, caches):
    m = da.shape[1]
    return {k: v / m if k.startswith(("dW", "db")) else v for k, v in through_time(da, caches).items()}


@rnn_backward.mistake("Every step uses the cache of the last one. Use the cache of its own step, `steps[t]`.")
def one_cache_for_all(da, caches):
    return through_time(da, ([caches[0][-1]] * da.shape[2], caches[1]))


@rnn_backward.mistake("da0 is an array of three axes. It is one state for each example: (n_a, m).")
def da0_with_three_axes(da, caches):
    gradients = through_time(da, caches)
    return gradients | {"da0": gradients["da0"][:, :, None]}


@rnn_backward.mistake(
    "What comes back from all later steps is added up. Add only the da_prev of step t + 1: it holds the later ones."
)
def later_steps_piled_up(da, caches):
    steps, x = caches
    dx, later, sums = np.zeros_like(x), 0, {"dWax": 0, "dWaa": 0, "dba": 0}
    for t in reversed(range(x.shape[2])):
        g = rnn_cell_backward(da[:, :, t] + later, steps[t])
        later, dx[:, :, t] = later + g["da_prev"], g["dxt"]
        sums = {name: total + g[name] for name, total in sums.items()}
    return {"dx": dx, "da0": later, **sums}


@rnn_backward.mistake("da0 is what the first output sends, da[:, :, 0]. Take the da_prev of step 0.")
def da0_from_the_first_output(da, caches):
    return through_time(da, caches) | {"da0": da[:, :, 0]}


@rnn_backward.mistake("The caches are used in reverse: step t has the cache of another step. Use `steps[t]`.")
def caches_in_reverse(da, caches):
    return through_time(da, (caches[0][::-1], caches[1]))


@rnn_backward.mistake(
    "da0 lacks what comes from the later steps: it goes back from the first output alone. Hand on the gradient of each step."
)
def da0_without_later_steps(da, caches):
    found = rnn_backward(da, caches)
    return found | {"da0": rnn_cell_backward(da[:, :, 0], caches[0][0])["da_prev"]}


@rnn_backward.accept
def backward_with_arrays(da, caches):
    return through_time(da, caches)


@rnn_backward.accept(
    "Only dz needs the loop. All products come after it, for all steps at once: fewer and larger products are faster."
)
def backward_all_steps_at_once(da, caches):
    steps, x = caches
    p, dz = steps[0][3], np.zeros(da.shape)
    after, before = (np.stack([step[k] for step in steps], axis=2) for k in (0, 1))
    later = np.zeros(da.shape[:2])
    for t in range(x.shape[2])[::-1]:
        dz[:, :, t] = (da[:, :, t] + later) * (1 - after[:, :, t] ** 2)
        later = p["Waa"].T @ dz[:, :, t]
    return {
        "dx": np.tensordot(p["Wax"].T, dz, axes=1),
        "da0": later,
        "dWax": np.einsum("amt,xmt->ax", dz, x),
        "dWaa": np.einsum("amt,bmt->ab", dz, before),
        "dba": dz.sum(axis=(1, 2)).reshape(-1, 1),
    }


@rnn_backward.accept
def backward_by_recursion(da, caches):
    steps, x = caches

    def back(t):
        """Return the gradients of the part from step t on."""
        if t == len(steps):
            return {"dx": [], "da0": 0, "dWax": 0, "dWaa": 0, "dba": 0}
        later = back(t + 1)
        g = rnn_cell_backward(da[:, :, t] + later["da0"], steps[t])
        sums = {name: later[name] + g[name] for name in ("dWax", "dWaa", "dba")}
        return {"dx": [g["dxt"], *later["dx"]], "da0": g["da_prev"], **sums}

    found = back(0)
    return {**found, "dx": np.dstack(found["dx"])}


# --- clip ------------------------------------------------------------------------------------------------------------


def clip_cases(rng):
    def one(max_value, spread, **shapes):
        return case(gradients={name: spread * rng.normal(size=s) for name, s in shapes.items()}, max_value=max_value)

    known = one(2.5, 0.1, dWaa=(2, 2), dba=(2, 1))
    known[1]["gradients"]["dWaa"][:] = [[7.0, -0.5], [-3.0, 2.0]]
    all_small = one(4.0, 0.3, dWya=(2, 3), dby=(2, 1))
    return [
        known,
        one(5.0, 8.0, dWax=(3, 4), dWaa=(3, 3), dWya=(2, 3), dba=(3, 1), dby=(2, 1)),
        all_small,
        one(0.5, 1.0, dWax=(2, 5), dba=(2, 1)),
    ]


@lesson.exercise(
    points=1,
    topic=52,
    equation="(2.30)",
    cases=clip_cases,
    new=True,
    ask="What becomes of an entry above the limit, of one below minus the limit, and of one between the two?",
    small={"gradients": {"dWaa": np.array([[10.0, -3.0], [0.5, -0.5]])}, "max_value": 2.0},
)
def clip(gradients, max_value):
    """Limit each entry of each gradient to the range from -max_value to max_value.

    Parameters
    ----------
    gradients : dict
        From name to array; it stays as it is.
    max_value : float

    Returns
    -------
    clipped : dict
        New arrays under the same names.
    """
    return {name: np.clip(dV, -max_value, max_value) for name, dV in gradients.items()}  # (2.30)


@clip.mistake("The gradients given to you are changed. Return new arrays: `np.clip(dV, low, high)` without `out`.")
def clipped_in_place(gradients, max_value):
    for dV in gradients.values():
        np.clip(dV, -max_value, max_value, out=dV)
    return gradients


@clip.mistake("Only the upper limit is kept. Entries below -max_value explode as well.")
def only_from_above(gradients, max_value):
    return {name: np.minimum(dV, max_value) for name, dV in gradients.items()}


@clip.mistake("Only the lower limit is kept. Entries above max_value explode as well.")
def only_from_below(gradients, max_value):
    return {name: np.maximum(dV, -max_value) for name, dV in gradients.items()}


@clip.mistake("The range begins at 0: negative entries are lost. It is from -max_value to max_value.")
def from_zero(gradients, max_value):
    return {name: np.clip(dV, 0, max_value) for name, dV in gradients.items()}


@clip.mistake("Entries beyond the limit become 0. They become the limit itself, with their sign.")
def set_to_zero(gradients, max_value):
    return {name: np.where(np.abs(dV) > max_value, 0, dV) for name, dV in gradients.items()}


@clip.mistake("Entries beyond the limit lose their sign. Below -max_value they become -max_value.")
def sign_lost(gradients, max_value):
    return {name: np.where(np.abs(dV) > max_value, max_value, dV) for name, dV in gradients.items()}


@clip.mistake("This is clipping by the norm of each array. Here each entry is limited by itself.")
def by_the_norm_of_each(gradients, max_value):
    return {name: dV * min(1, max_value / np.linalg.norm(dV)) for name, dV in gradients.items()}


@clip.mistake("This is clipping by the norm of all gradients together. Here each entry is limited by itself.")
def by_the_common_norm(gradients, max_value):
    norm = np.sqrt(sum(np.sum(dV**2) for dV in gradients.values()))
    return {name: dV * min(1, max_value / norm) for name, dV in gradients.items()}


@clip.mistake("Each array is scaled until its largest entry fits. Leave the entries within the range as they are.")
def scaled_to_fit(gradients, max_value):
    return {name: dV * min(1, max_value / np.max(np.abs(dV))) for name, dV in gradients.items()}


@clip.mistake("Every entry becomes a limit. Entries within the range stay as they are.")
def only_signs(gradients, max_value):
    return {name: max_value * np.sign(dV) for name, dV in gradients.items()}


@clip.mistake("These are the gradients unchanged. Limit each entry.")
def not_clipped(gradients, max_value):
    return dict(gradients)


@clip.mistake("The range is from -1 to 1. Use max_value.")
def clipped_to_one(gradients, max_value):
    return {name: np.clip(dV, -1, 1) for name, dV in gradients.items()}


@clip.mistake("The limit is the number 5 in your function. Use the argument max_value.")
def limit_fixed(gradients, max_value):
    return {name: np.clip(gradient, -5, 5) for name, gradient in gradients.items()}


@clip.accept
def clip_with_minimum_and_maximum(gradients, max_value):
    return {name: np.minimum(np.maximum(dV, -max_value), max_value) for name, dV in gradients.items()}


@clip.accept(
    "`np.where` says the rule in words: beyond the limit the limit with the sign of the entry, else the entry."
)
def clip_with_where(gradients, max_value):
    clipped = {}
    for name in gradients:
        dV = gradients[name]
        clipped[name] = np.where(np.abs(dV) > max_value, np.sign(dV) * max_value, dV)
    return clipped


@clip.accept
def clip_copies(gradients, max_value):
    clipped = {name: dV.copy() for name, dV in gradients.items()}
    for dV in clipped.values():
        dV[dV > max_value] = max_value
        dV[dV < -max_value] = -max_value
    return clipped


# --- gradient_norm_by_lag --------------------------------------------------------------------------------------------


def lag_cases(rng):
    def one(n_x, m, T_x, n_a):
        return case(da_last=rng.normal(size=(n_a, m)), caches=ran(rng, n_x, m, T_x, n_a))

    return [one(3, 4, 5, 2), one(2, 1, 4, 3), one(3, 2, 1, 4), one(2, 3, 8, 3)]


@lesson.exercise(
    points=2,
    topic=52,
    equation="(2.25)",
    cases=lag_cases,
    ask="Which cache belongs to the first step back? What does rnn_cell_backward return that the next step back needs?",
    small={"da_last": np.array([[1.0]]), "caches": STEPS},
)
def gradient_norm_by_lag(da_last, caches):
    """Measure how much gradient is left k steps before the end, for a cost that uses the last state alone.

    Parameters
    ----------
    da_last : ndarray, shape (n_a, m)
        What arrives at the last state.
    caches : tuple
        The list of the caches of the steps, and x, from `rnn_forward`.

    Returns
    -------
    norms : ndarray, shape (T_x + 1,)
        Entry k is the norm (root of the sum of squares) of the derivative of J by the state k steps before the last;
        the last entry belongs to a0.
    """
    arrives, norms = da_last, [np.linalg.norm(da_last)]
    for cache in reversed(caches[0]):
        arrives = rnn_cell_backward(arrives, cache)["da_prev"]  # (2.24)
        norms.append(np.linalg.norm(arrives))
    return np.array(norms)


def by_lag(da_last, caches, size=np.linalg.norm, slope=lambda cache: 1 - cache[0] ** 2, turn=np.transpose, order=-1):
    """Return sizes by lag; options change the way."""
    sizes, arrives = [size(da_last)], da_last
    for cache in caches[0][::order]:
        arrives = turn(cache[3]["Waa"]) @ (slope(cache) * arrives)
        sizes.append(size(arrives))
    return np.array(sizes)


@gradient_norm_by_lag.mistake("The order is that of time. Entry 0 is lag 0, the last state; a0 comes last.")
def in_order_of_time(da_last, caches):
    return by_lag(da_last, caches)[::-1]


@gradient_norm_by_lag.mistake("The caches are used from the first on. Going back in time begins with the last one.")
def caches_forward(da_last, caches):
    return by_lag(da_last, caches, order=1)


@gradient_norm_by_lag.mistake("These are squares of norms. Take the root of the sum of squares: `np.linalg.norm`.")
def squared_norms(da_last, caches):
    return by_lag(da_last, caches) ** 2


@gradient_norm_by_lag.mistake("Lag 0 is missing. The first entry is the norm of da_last itself.")
def without_lag_zero(da_last, caches):
    return by_lag(da_last, caches)[1:]


@gradient_norm_by_lag.mistake("The last lag is missing. Go through all steps: the last entry belongs to a0.")
def without_a0(da_last, caches):
    return by_lag(da_last, caches)[:-1]


@gradient_norm_by_lag.mistake("The slope of tanh, 1 - a², is missing on the way. Use your rnn_cell_backward.")
def lag_without_the_slope(da_last, caches):
    return by_lag(da_last, caches, slope=lambda cache: 1)


@gradient_norm_by_lag.mistake("The slope is taken of a_prev. The tanh of a step made its a_next.")
def lag_with_the_old_slope(da_last, caches):
    return by_lag(da_last, caches, slope=lambda cache: 1 - cache[1] ** 2)


@gradient_norm_by_lag.mistake("Waa is used without the transpose. Going back means Waaᵀ.")
def lag_not_transposed(da_last, caches):
    return by_lag(da_last, caches, turn=np.asarray)


@gradient_norm_by_lag.mistake("This is the largest entry. The norm is the root of the sum of all squares.")
def largest_entry(da_last, caches):
    return by_lag(da_last, caches, size=lambda V: np.max(np.abs(V)))


@gradient_norm_by_lag.mistake("This is the sum of absolute values. The norm is the root of the sum of all squares.")
def sum_of_absolute_values(da_last, caches):
    return by_lag(da_last, caches, size=lambda V: np.sum(np.abs(V)))


@gradient_norm_by_lag.mistake("Your norms are divided by that of da_last. Return the norms themselves.")
def relative_norms(da_last, caches):
    return by_lag(da_last, caches) / np.linalg.norm(da_last)


@gradient_norm_by_lag.mistake("da_last is added at each step. The cost uses the last state alone: it arrives once.")
def arrives_at_each_step(da_last, caches):
    sizes, arrives = [np.linalg.norm(da_last)], da_last
    for cache in caches[0][::-1]:
        back = rnn_cell_backward(arrives, cache)["da_prev"]
        sizes.append(np.linalg.norm(back))
        arrives = back + da_last
    return np.array(sizes)


@gradient_norm_by_lag.mistake("Each step starts from da_last again. Go on with what the step after has sent back.")
def always_from_the_end(da_last, caches):
    steps = caches[0][::-1]
    return np.array(
        [np.linalg.norm(da_last)] + [np.linalg.norm(rnn_cell_backward(da_last, c)["da_prev"]) for c in steps]
    )


@gradient_norm_by_lag.accept
def lag_with_products(da_last, caches):
    return by_lag(da_last, caches)


@gradient_norm_by_lag.accept
def lag_from_squares(da_last, caches):
    return by_lag(da_last, caches, size=lambda V: np.sqrt(np.vdot(V, V)))


@gradient_norm_by_lag.accept(
    "`rnn_backward` on the last k steps has the gradient of lag k as its `da0`. It takes T² steps in place of T."
)
def lag_with_rnn_backward(da_last, caches):
    steps, x = caches
    T = x.shape[2]
    da, norms = np.zeros((*da_last.shape, T)), [np.linalg.norm(da_last)]
    da[:, :, -1] = da_last
    for k in range(1, T + 1):
        norms.append(np.linalg.norm(rnn_backward(da[:, :, T - k :], (steps[T - k :], x[:, :, T - k :]))["da0"]))
    return np.array(norms)


# --- stretch_by_lag --------------------------------------------------------------------------------------------------


def stretch_cases(rng):
    return [case(caches=ran(rng, n_x, 1, T_x, n_a)) for n_x, T_x, n_a in ((3, 5, 2), (2, 4, 3), (3, 1, 4), (2, 7, 3))]


@lesson.exercise(
    points=2,
    topic=52,
    equation="(2.26) to (2.28)",
    cases=stretch_cases,
    ask="Which row of Waa does the slope of unit j multiply? When one step more is taken back, on which side of the product "
    "does its matrix stand?",
    small={"caches": STEPS},
    why={
        "question": "Why does one step more stand on the right of the product, and not on the left?",
        "choices": {
            "it acts first: on a change of the earlier state": "Yes: in (2.27) the matrix on the right meets the change first.",
            "the product of matrices does not depend on the order": "No: for two or more units it does.",
            "it keeps the numbers small": "No: the sizes have nothing to do with the order.",
        },
    },
)
def stretch_by_lag(caches):
    """Measure by how much k steps can stretch a change of the state, for one example.

    Parameters
    ----------
    caches : tuple
        The list of the caches of the steps, and x (n_x, 1, T_x), from `rnn_forward`.

    Returns
    -------
    stretches : ndarray, shape (T_x + 1,)
        Entry k is the largest singular value of the derivative of the last state by the state k steps before it; entry 0
        is 1.
    """
    product = np.eye(len(caches[0][0][3]["Waa"]))
    stretches = [1.0]
    for a_next, _, _, parameters in reversed(caches[0]):
        product = product @ ((1 - a_next**2) * parameters["Waa"])  # (2.26), (2.27)
        stretches.append(np.linalg.norm(product, 2))  # (2.28)
    return np.array(stretches)


def stretches_of(caches, size=lambda J: np.linalg.norm(J, 2), one=lambda a, before, W: (1 - a**2) * W, order=-1):
    """Return sizes of the products; options change the way."""
    product = np.eye(len(caches[0][0][0]))
    sizes = [1.0]
    for a, before, _, p in caches[0][::order]:
        product = product @ one(a, before, p["Waa"])
        sizes.append(size(product))
    return np.array(sizes)


@stretch_by_lag.mistake(
    "The matrices stand in the wrong order. One step further back stands on the right: product @ step."
)
def product_in_the_wrong_order(caches):
    product, sizes = np.eye(len(caches[0][0][0])), [1.0]
    for a, _, _, p in caches[0][::-1]:
        product = ((1 - a**2) * p["Waa"]) @ product
        sizes.append(np.linalg.norm(product, 2))
    return np.array(sizes)


@stretch_by_lag.mistake("The slopes multiply the columns of Waa. The slope of unit j belongs to row j, its score.")
def slopes_on_the_columns(caches):
    return stretches_of(caches, one=lambda a, before, W: W * (1 - a**2).T)


@stretch_by_lag.mistake("The slope is taken of a_prev. The tanh of a step made its a_next.")
def stretch_with_the_old_slope(caches):
    return stretches_of(caches, one=lambda a, before, W: (1 - before**2) * W)


@stretch_by_lag.mistake("The slope of tanh, 1 - a², is missing. Row j of Waa is multiplied by the slope of unit j.")
def stretch_without_the_slope(caches):
    return stretches_of(caches, one=lambda a, before, W: W)


@stretch_by_lag.mistake("Waa is transposed. This is the way forward: how a later state follows from an earlier one.")
def stretch_transposed(caches):
    return stretches_of(caches, one=lambda a, before, W: (1 - a**2) * W.T)


@stretch_by_lag.mistake(
    "This is the root of the sum of squares of all entries. The largest singular value is `np.linalg.norm(J, 2)`."
)
def root_of_all_squares(caches):
    return stretches_of(caches, size=np.linalg.norm)


@stretch_by_lag.mistake("This is the smallest singular value. Take the largest: the strongest stretch.")
def smallest_stretch(caches):
    return stretches_of(caches, size=lambda J: np.linalg.norm(J, -2))


@stretch_by_lag.mistake(
    "This is the size of the largest eigenvalue. The strongest stretch is the largest singular value."
)
def largest_eigenvalue(caches):
    return stretches_of(caches, size=lambda J: np.max(np.abs(np.linalg.eigvals(J))))


@stretch_by_lag.mistake(
    "The singular values of the single steps are multiplied. That is only a bound: multiply the matrices first."
)
def product_of_the_stretches(caches):
    steps = [np.linalg.norm((1 - a**2) * p["Waa"], 2) for a, _, _, p in caches[0][::-1]]
    return np.cumprod([1.0, *steps])


@stretch_by_lag.mistake("Each entry is the stretch of one step alone. Multiply the matrices of all steps so far.")
def one_step_alone(caches):
    steps = [np.linalg.norm((1 - a**2) * p["Waa"], 2) for a, _, _, p in caches[0][::-1]]
    return np.array([1.0, *steps])


@stretch_by_lag.mistake("Lag 0 is missing. The first entry is 1: no step, no stretch.")
def stretch_without_lag_zero(caches):
    return stretches_of(caches)[1:]


@stretch_by_lag.mistake("The last lag is missing. Go through all steps: the last entry belongs to a0.")
def stretch_without_a0(caches):
    return stretches_of(caches)[:-1]


@stretch_by_lag.mistake("The caches are used from the first on. Lag 1 is the last step: begin with the last cache.")
def stretch_from_the_first_step(caches):
    return stretches_of(caches, order=1)


@stretch_by_lag.mistake("The order is that of time. Entry 0 is lag 0; a0 comes last.")
def stretches_in_order_of_time(caches):
    return stretches_of(caches)[::-1]


@stretch_by_lag.mistake(
    "These are squares. The eigenvalues of JᵀJ are the squares of the singular values: take the root."
)
def squared_stretches(caches):
    return stretches_of(caches) ** 2


@stretch_by_lag.accept
def stretch_from_the_svd(caches):
    return stretches_of(
        caches,
        size=lambda J: np.linalg.svd(J, compute_uv=False)[0],
        one=lambda a, before, W: np.diag(1 - a[:, 0] ** 2) @ W,
    )


@stretch_by_lag.accept("The largest eigenvalue of JᵀJ is the square of the largest singular value of J.")
def stretch_from_eigenvalues(caches):
    return stretches_of(caches, size=lambda J: np.sqrt(np.linalg.eigvalsh(J.T @ J)[-1]))


@stretch_by_lag.accept("Sends the columns of the identity back, all at once, as if they were examples.")
def stretch_by_sending_back(caches):
    arrives, sizes = np.eye(len(caches[0][0][0])), [1.0]
    for a, _, _, p in caches[0][::-1]:
        arrives = p["Waa"].T @ ((1 - a**2) * arrives)
        sizes.append(np.linalg.svd(arrives)[1].max())
    return np.array(sizes)


# --- truncated_backward ----------------------------------------------------------------------------------------------


def truncated_cases(rng):
    def one(n_x, m, T_x, n_a, k):
        return case(da=rng.normal(size=(n_a, m, T_x)), caches=ran(rng, n_x, m, T_x, n_a), k=k)

    return [one(1, 3, 5, 2, 2), one(2, 1, 4, 3, 1), one(3, 2, 3, 2, 5), one(2, 2, 7, 3, 3), one(1, 2, 6, 2, 3)]


@lesson.exercise(
    points=3,
    topic=52,
    equation="(2.29)",
    cases=truncated_cases,
    backward=True,
    ask="For which t does nothing come back from step t + 1? And which results of a chunk are added to those of the other "
    "chunks, which stand beside them?",
    small={"da": np.array([[[1.0, 0.0, 1.0]]]), "caches": STEPS, "k": 2},
    why={
        "question": "In which way does an early step still act on a late answer?",
        "choices": {
            "forward, through the state, which is carried on": "Yes: only the gradient stops at the border of a chunk.",
            "not at all: each chunk starts from zeros": "No: the states come from one forward pass over all steps.",
            "through da0": "No: da0 is the gradient of the first state, and it comes from the first chunk alone.",
        },
    },
)
def truncated_backward(da, caches, k):
    """Send the gradient back through chunks of k steps; it does not cross from a chunk into the one before.

    Parameters
    ----------
    da : ndarray, shape (n_a, m, T_x)
        What each step's own output sends to its state.
    caches : tuple
        The list of the caches of the steps, and x, from `rnn_forward`.
    k : int
        Length of a chunk: steps 0 to k - 1, k to 2k - 1, and so on; the last chunk may be shorter.

    Returns
    -------
    gradients : dict
        As of `rnn_backward`; ``"da0"`` is what the first chunk sends to the first state.
    """
    steps, x = caches
    later, inputs, sums = np.zeros(da.shape[:2]), [], {"dWax": 0, "dWaa": 0, "dba": 0}
    for t in reversed(range(x.shape[2])):
        if (t + 1) % k == 0:
            later = np.zeros(da.shape[:2])  # (2.29): nothing from the next chunk
        gradients = rnn_cell_backward(da[:, :, t] + later, steps[t])
        later = gradients["da_prev"]
        inputs = [gradients["dxt"], *inputs]
        sums = {name: total + gradients[name] for name, total in sums.items()}
    return {"dx": np.stack(inputs, axis=2), "da0": later, **sums}


def in_chunks(da, caches, starts, ends):
    """Return what `rnn_backward` gives for each chunk, from the first to the last."""
    steps, x = caches
    return [rnn_backward(da[:, :, a:b], (steps[a:b], x[:, :, a:b])) for a, b in zip(starts, ends, strict=True) if a < b]


def joined(parts, da0=0):
    """Return one dict from those of the chunks."""
    sums = {name: sum(part[name] for part in parts) for name in ("dWax", "dWaa", "dba")}
    return {"dx": np.concatenate([part["dx"] for part in parts], axis=2), "da0": parts[da0]["da0"], **sums}


def cut(da, caches, k):
    """Return the chunks' gradients."""
    T = da.shape[2]
    starts = range(0, T, k)
    return in_chunks(da, caches, starts, [min(a + k, T) for a in starts])


@truncated_backward.mistake(
    "The gradient goes back over the borders of the chunks. At the end of a chunk nothing arrives."
)
def not_truncated(da, caches, k):
    return rnn_backward(da, caches)


@truncated_backward.mistake(
    "The chunks are counted from the end. The first one begins with step 0; the last may be short."
)
def chunks_from_the_end(da, caches, k):
    T = da.shape[2]
    ends = list(range(T, 0, -k))[::-1]
    return joined(in_chunks(da, caches, [max(0, b - k) for b in ends], ends))


@truncated_backward.mistake("The last chunk is left out if it is shorter than k. Its steps have gradients, too.")
def short_chunk_left_out(da, caches, k):
    T = da.shape[2]
    starts = range(0, T - T % k, k) or [0]
    found = joined(in_chunks(da, caches, starts, [min(a + k, T) for a in starts]))
    return found | {
        "dx": np.concatenate([found["dx"], np.zeros(caches[1][:, :, found["dx"].shape[2] :].shape)], axis=2)
    }


@truncated_backward.mistake("Only the last k steps send a gradient. All chunks do: add up over them.")
def only_the_last_steps(da, caches, k):
    T = da.shape[2]
    found = joined(in_chunks(da, caches, [max(0, T - k)], [T]))
    return found | {"dx": np.concatenate([np.zeros(caches[1][:, :, : max(0, T - k)].shape), found["dx"]], axis=2)}


@truncated_backward.mistake("The weights' gradients are those of the last chunk alone. Add up over the chunks.")
def last_chunk_overwrites(da, caches, k):
    parts = cut(da, caches, k)
    return joined(parts) | {name: parts[-1][name] for name in ("dWax", "dWaa", "dba")}


@truncated_backward.mistake("The weights' gradients are those of the first chunk alone. Add up over the chunks.")
def first_chunk_alone(da, caches, k):
    parts = cut(da, caches, k)
    return joined(parts) | {name: parts[0][name] for name in ("dWax", "dWaa", "dba")}


@truncated_backward.mistake("The weights' gradients are a mean over the chunks. Add them up.")
def mean_over_the_chunks(da, caches, k):
    parts = cut(da, caches, k)
    found = joined(parts)
    return found | {name: found[name] / len(parts) for name in ("dWax", "dWaa", "dba")}


@truncated_backward.mistake("da0 is that of the last chunk. The first state belongs to the first chunk.")
def da0_of_the_last_chunk(da, caches, k):
    return joined(cut(da, caches, k), da0=-1)


@truncated_backward.mistake("da0 is added up over the chunks. Only the first chunk starts from the first state.")
def da0_added_up(da, caches, k):
    parts = cut(da, caches, k)
    return joined(parts) | {"da0": sum(part["da0"] for part in parts)}


@truncated_backward.mistake("da0 is zero. The first chunk starts from the first state and sends it a gradient.")
def truncated_da0_zero(da, caches, k):
    parts = cut(da, caches, k)
    return joined(parts) | {"da0": np.zeros(parts[0]["da0"].shape)}


@truncated_backward.mistake("dx has the chunks in reverse order. Put the dxt of step t into dx[:, :, t].")
def chunks_of_dx_in_reverse(da, caches, k):
    parts = cut(da, caches, k)
    return joined(parts) | {"dx": np.concatenate([part["dx"] for part in parts[::-1]], axis=2)}


@truncated_backward.mistake("Your chunks have one step too many. A chunk has k steps: 0 to k - 1, then k to 2k - 1.")
def one_step_too_many(da, caches, k):
    return joined(cut(da, caches, k + 1))


@truncated_backward.mistake("The border is one step off. Step k belongs to the second chunk: it begins the chunk.")
def border_one_step_off(da, caches, k):
    T = da.shape[2]
    borders = [0, *range(k - 1, T, k)]
    return joined(in_chunks(da, caches, borders, [*borders[1:], T]))


@truncated_backward.mistake("You make k chunks. k is the length of a chunk, not their number.")
def number_of_chunks(da, caches, k):
    return joined(cut(da, caches, -(-da.shape[2] // k)))


@truncated_backward.mistake(
    "Every answer sends its gradient k steps back, wherever the chunks begin. Here it stops where its own chunk begins."
)
def window_of_each_answer(da, caches, k):
    steps, x = caches
    T, parts = da.shape[2], []
    for t in range(T):
        alone = np.zeros_like(da)
        alone[:, :, t] = da[:, :, t]
        start = max(0, t - k + 1)
        one = joined(in_chunks(alone, caches, [start], [t + 1]))
        wide = np.zeros_like(x)
        wide[:, :, start : t + 1] = one["dx"]
        parts.append(one | {"dx": wide, "da0": one["da0"] * (start == 0)})
    return {name: sum(part[name] for part in parts) for name in parts[0]}


@truncated_backward.mistake("Only the last step of a chunk sends a gradient. Each step adds its own da[:, :, t].")
def only_the_ends_of_chunks(da, caches, k):
    T = da.shape[2]
    ends = [(t + 1) % k == 0 or t == T - 1 for t in range(T)]
    return joined(cut(da * ends, caches, k))


@truncated_backward.accept(
    "Calls `rnn_backward` for each chunk: a chunk is a short sequence with its own part of the caches."
)
def truncated_by_chunks(da, caches, k):
    return joined(cut(da, caches, k))


@truncated_backward.accept
def truncated_by_a_factor(da, caches, k):
    steps, x = caches
    dx, later, total = np.zeros(x.shape), 0, {"dWax": 0, "dWaa": 0, "dba": 0}
    for t in range(len(steps) - 1, -1, -1):
        inside = (t + 1) % k > 0  # whether step t + 1 is in the same chunk
        g = rnn_cell_backward(da[:, :, t] + inside * later, steps[t])
        later, dx[:, :, t] = g["da_prev"], g["dxt"]
        for name in total:
            total[name] = total[name] + g[name]
    return {"dx": dx, "da0": later, **total}


@truncated_backward.accept
def truncated_by_recursion(da, caches, k):
    steps, x = caches
    first = rnn_backward(da[:, :, :k], (steps[:k], x[:, :, :k]))
    if len(steps) <= k:
        return first
    rest = truncated_by_recursion(da[:, :, k:], (steps[k:], x[:, :, k:]), k)
    found = {name: first[name] + rest[name] for name in ("dWax", "dWaa", "dba")}
    return found | {"da0": first["da0"], "dx": np.dstack([first["dx"], rest["dx"]])}


# --- clip_by_norm ----------------------------------------------------------------------------------------------------


def norm_cases(rng):
    def one(max_norm, spread, **shapes):
        return case(gradients={name: spread * rng.normal(size=s) for name, s in shapes.items()}, max_norm=max_norm)

    return [
        one(9.0, 1.0, dWya=(2, 3), dby=(2, 1)),
        one(2.5, 3.0, dWaa=(2, 2), dba=(2, 1)),
        one(5.0, 8.0, dWax=(3, 4), dWaa=(3, 3), dWya=(2, 3), dba=(3, 1), dby=(2, 1)),
        one(0.5, 0.6, dWax=(2, 5), dba=(2, 1)),
    ]


@lesson.exercise(
    points=2,
    topic=52,
    equation="(2.31)",
    cases=norm_cases,
    new=True,
    ask="Of how many arrays is the norm taken, and how many factors are there? What happens to gradients whose norm is "
    "below the limit?",
    small={"gradients": {"dWaa": np.array([[3.0]]), "dba": np.array([[4.0]])}, "max_norm": 2.0},
    why={
        "question": "Why one factor for all gradients, and not one for each array?",
        "choices": {
            "the step keeps its direction": "Yes: all numbers shrink by the same factor, so only the length changes.",
            "it is faster": "No: the time is about the same. The question is what several factors would change.",
            "each array has the same norm": "No: their norms differ, often by much.",
        },
    },
)
def clip_by_norm(gradients, max_norm):
    """Limit the norm of all gradients together; their direction stays.

    Parameters
    ----------
    gradients : dict
        From name to array; it stays as it is.
    max_norm : float
        The limit, above 0.

    Returns
    -------
    clipped : dict
        New arrays under the same names.
    """
    norm = np.sqrt(sum(np.sum(dV**2) for dV in gradients.values()))
    factor = max_norm / max(norm, max_norm)
    return {name: factor * dV for name, dV in gradients.items()}  # (2.31)


def norm_of(gradients):
    """Return the norm of all gradients together."""
    return np.linalg.norm(np.concatenate([np.ravel(dV) for dV in gradients.values()]))


def times(gradients, factor):
    """Return all gradients times a factor."""
    return {name: factor * dV for name, dV in gradients.items()}


@clip_by_norm.mistake("Each array is limited by its own norm. Take one norm of all arrays together, and one factor.")
def norm_of_each(gradients, max_norm):
    return {name: dV * min(1, max_norm / np.linalg.norm(dV)) for name, dV in gradients.items()}


@clip_by_norm.mistake("Each entry is limited by itself: that is (2.30), and it changes the direction.")
def entry_by_entry(gradients, max_norm):
    return {name: np.clip(dV, -max_norm, max_norm) for name, dV in gradients.items()}


@clip_by_norm.mistake("All gradients are brought to the limit, small ones too. Below the limit they stay as they are.")
def always_scaled(gradients, max_norm):
    return times(gradients, max_norm / norm_of(gradients))


@clip_by_norm.mistake("The root is missing: the norm is the root of the sum of all squares.")
def norm_without_the_root(gradients, max_norm):
    return times(gradients, min(1, max_norm / norm_of(gradients) ** 2))


@clip_by_norm.mistake("The norms of the arrays are added up. Add up the squares of all entries, then take the root.")
def sum_of_norms(gradients, max_norm):
    return times(gradients, min(1, max_norm / sum(np.linalg.norm(dV) for dV in gradients.values())))


@clip_by_norm.mistake("The largest entry decides. The norm is the root of the sum of all squares.")
def largest_entry_decides(gradients, max_norm):
    return times(gradients, min(1, max_norm / max(np.abs(dV).max() for dV in gradients.values())))


@clip_by_norm.mistake("Above the limit the gradients get the norm 1. Multiply by limit / norm, not by 1 / norm.")
def brought_to_one(gradients, max_norm):
    norm = norm_of(gradients)
    return times(gradients, 1 / norm if norm > max_norm else 1.0)


@clip_by_norm.mistake("Gradients above the limit are set to 0. They keep their direction and get the norm max_norm.")
def dropped(gradients, max_norm):
    return times(gradients, float(norm_of(gradients) <= max_norm))


@clip_by_norm.mistake("The factor is the wrong way up: norm / limit makes large gradients larger.")
def factor_upside_down(gradients, max_norm):
    norm = norm_of(gradients)
    return times(gradients, norm / max_norm if norm > max_norm else 1.0)


@clip_by_norm.mistake("The norm is that of the first array alone. Take all arrays together.")
def norm_of_the_first(gradients, max_norm):
    return times(gradients, min(1, max_norm / np.linalg.norm(next(iter(gradients.values())))))


@clip_by_norm.mistake("The norm is a root of a mean. Add up the squares; do not divide by their number.")
def root_of_the_mean(gradients, max_norm):
    number = sum(dV.size for dV in gradients.values())
    return times(gradients, min(1, max_norm * np.sqrt(number) / norm_of(gradients)))


@clip_by_norm.mistake("The gradients given to you are changed. Return new arrays: `factor * dV`, not `dV *= factor`.")
def scaled_in_place(gradients, max_norm):
    factor = min(1, max_norm / norm_of(gradients))
    for dV in gradients.values():
        dV *= factor
    return gradients


@clip_by_norm.mistake("The limit is the number 1 in your function. Use the argument max_norm.")
def limit_of_one(gradients, max_norm):
    return times(gradients, min(1, 1 / norm_of(gradients)))


@clip_by_norm.mistake("The limit is the number 5 in your function. Use the argument max_norm.")
def limit_of_five(gradients, max_norm):
    return times(gradients, min(1, 5 / norm_of(gradients)))


@clip_by_norm.mistake("These are the gradients unchanged. Above the limit, multiply all of them by limit / norm.")
def norm_not_clipped(gradients, max_norm):
    return times(gradients, 1.0)


@clip_by_norm.accept
def norm_of_one_long_vector(gradients, max_norm):
    return times(gradients, min(1, max_norm / norm_of(gradients)))


@clip_by_norm.accept(
    "`max(norm, max_norm)` is the limit where the norm is below it: then the factor is 1, without an `if`."
)
def norm_with_a_maximum(gradients, max_norm):
    norm = np.sqrt(np.sum([np.vdot(dV, dV) for dV in gradients.values()]))
    return times(gradients, max_norm / max(norm, max_norm))


@clip_by_norm.accept
def norm_with_an_early_return(gradients, max_norm):
    squares = 0.0
    for dV in gradients.values():
        squares += (dV**2).sum()
    if squares <= max_norm**2:
        return {name: dV.copy() for name, dV in gradients.items()}
    return {name: dV * max_norm / np.sqrt(squares) for name, dV in gradients.items()}
