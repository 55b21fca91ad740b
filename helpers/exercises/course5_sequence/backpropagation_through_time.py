"""Lesson 5.2, backpropagation through time: the catalogue of its five exercises. Equations are those of the notebook."""

import numpy as np
from scipy.special import softmax

from helpers.exercises import Lesson, case
from helpers.exercises.course5_sequence import recurrent_networks as forward

lesson = Lesson("backpropagation_through_time")


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


@lesson.exercise(points=3, topic=52, equation="(2.5) to (2.8)", cases=output_cases, backward=True)
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


@rnn_output_backward.accept
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


@lesson.exercise(points=3, topic=52, equation="(2.11) to (2.16)", cases=cell_cases, backward=True)
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


@rnn_cell_backward.accept
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


@lesson.exercise(points=4, topic=52, equation="(2.17) to (2.19)", cases=backward_cases, backward=True)
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


@rnn_backward.accept
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


@lesson.exercise(points=1, topic=52, equation="(2.23)", cases=clip_cases, new=True)
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
    return {name: np.clip(dV, -max_value, max_value) for name, dV in gradients.items()}  # (2.23)


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


@clip.accept
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


@lesson.exercise(points=2, topic=52, equation="(2.22)", cases=lag_cases)
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
        arrives = rnn_cell_backward(arrives, cache)["da_prev"]  # (2.22)
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


@gradient_norm_by_lag.accept
def lag_with_rnn_backward(da_last, caches):
    steps, x = caches
    T = x.shape[2]
    da, norms = np.zeros((*da_last.shape, T)), [np.linalg.norm(da_last)]
    da[:, :, -1] = da_last
    for k in range(1, T + 1):
        norms.append(np.linalg.norm(rnn_backward(da[:, :, T - k :], (steps[T - k :], x[:, :, T - k :]))["da0"]))
    return np.array(norms)
