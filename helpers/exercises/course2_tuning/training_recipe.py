"""Lesson 2.9, a training recipe: the catalogue of its nine exercises. Equations are those of the notebook."""

import math

import numpy as np
from scipy.special import log_softmax, logsumexp
from scipy.special import softmax as scipy_softmax

from helpers.exercises import Lesson, case, draws
from helpers.exercises.course2_tuning.optimizers import like, network

lesson = Lesson("training_recipe")

# --- predictions -----------------------------------------------------------------------------------------------------

lesson.predict(
    "who_decays",
    "L2 is added to the gradient, λw, and Adam makes the steps. Two weights start alike; the gradients of one are ten "
    "times those of the other. Which one shrinks more?",
    ("the one with large gradients", "the one with small gradients", "both alike"),
    "The root of s divides all of the sum, λw too, and it is large where gradients are large.",
)
lesson.predict(
    "smoothed_zero",
    "Labels are smoothed with ε = 0.1 over ten classes, and the network may learn as long as it likes. How low can the "
    "mean loss get at best?",
    ("to 0", "to about 0.1", "to about 0.5", "to about 2.3"),
    "The least loss is the entropy of the smoothed target, and that is not 0.",
)
lesson.predict(
    "recipe_steps",
    "Five pieces are added to a training one after the other: a schedule, shifts, decay, smoothing, an average of the "
    "weights. How many of the five raise the accuracy, by more than twice the standard error over five starts?",
    because="A piece helps where it meets a trouble that the training has. These runs have little of some troubles.",
)
lesson.predict(
    "bfloat16_sum",
    "What is 1 + 0.003 in bfloat16, to the nearest number that it holds?",
    ("1", "1.003", "1.0078125"),
    "Between 1 and 2 its numbers are 1/128 apart, and 0.003 is less than half of that.",
)
lesson.predict(
    "small_loss",
    "The loss is multiplied by 0.0000001, and all that is computed is rounded to float16. Which share of dZ becomes 0?",
    ("less than a tenth", "about half", "about nine tenths"),
    "The smallest number of float16 above 0 is 0.00000006. What is below half of it becomes 0: of this dZ, all entries "
    "that were below 0.3 before.",
)

#: One weight and one bias, to follow by hand.
SMALL_NET = {"W1": np.array([[1.0]]), "b1": np.array([[1.0]])}


# --- update_parameters_with_adamw ------------------------------------------------------------------------------------


def adamw_cases(rng):
    settings = ((2, 0.3, 0.8, 0.6, 0.2, 0.4), (1, 0.07, 0.35, 0.7, 0.6, 1.3), (5, 0.6, 0.9, 0.95, 0.05, 0.15))
    found = []
    for sizes, (t, rate, beta1, beta2, epsilon, decay) in zip(((3, 4, 2), (2, 3), (2, 3, 4, 1)), settings, strict=True):
        parameters, grads = network(rng, *sizes)
        v, s = like(grads, rng.normal), {key: array**2 for key, array in like(grads, rng.normal).items()}
        numbers = {"t": t, "learning_rate": rate, "beta1": beta1, "beta2": beta2, "epsilon": epsilon}
        found.append(case(parameters=parameters, grads=grads, v=v, s=s, **numbers, weight_decay=decay))
    return found


@lesson.exercise(
    points=3,
    topic=94,
    equation="(9.5) and (9.6)",
    cases=adamw_cases,
    returns=("parameters", "v", "s"),
    ask="Which of the two terms of (9.6) is divided by the root of s? Which parameters have only one of them?",
    small={
        "parameters": SMALL_NET,
        "grads": {"dW1": np.array([[10.0]]), "db1": np.array([[0.1]])},
        "v": {"dW1": np.array([[0.0]]), "db1": np.array([[0.0]])},
        "s": {"dW1": np.array([[0.0]]), "db1": np.array([[0.0]])},
        "t": 1,
        "learning_rate": 0.1,
        "beta1": 0.9,
        "beta2": 0.999,
        "epsilon": 1e-8,
        "weight_decay": 0.5,
    },
    why={
        "question": "Why is the decay not added to the gradient?",
        "choices": {
            "the root of s would divide it, too": "Yes: weights with large gradients would decay least.",
            "it would be added twice": "No: it would be added once, and divided.",
            "gradients must not depend on weights": "No: those of L2 do, and for gradient descent that is fine.",
        },
    },
)
def update_parameters_with_adamw(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, weight_decay):
    """Take step number t of AdamW: Adam, and weights that decay beside it.

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
    epsilon : float
        Added to the root.
    weight_decay : float
        λ; the weights ``W{l}`` shrink by the share learning_rate · λ, the biases do not.

    Returns
    -------
    parameters, v, s : dict
        New arrays; those of the caller are as before.

    References
    ----------
    I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", 2017, arXiv:1711.05101.
    """
    v = {key: beta1 * v[key] + (1 - beta1) * grads[key] for key in v}  # (9.5)
    s = {key: beta2 * s[key] + (1 - beta2) * grads[key] ** 2 for key in s}  # (9.5)
    new = {}
    for name, array in parameters.items():
        v_corrected = v["d" + name] / (1 - beta1**t)
        s_corrected = s["d" + name] / (1 - beta2**t)
        step = v_corrected / (np.sqrt(s_corrected) + epsilon)
        if name[0] == "W":
            step = step + weight_decay * array
        new[name] = array - learning_rate * step  # (9.6)
    return new, v, s


def adamw_with(
    parameters, grads, v, s, t, rate, beta1, beta2, epsilon, decay,
    decays="W", correct=None, seen=None, change=None, extra=None, step=None,
):  # fmt: skip
    """Run AdamW with other parts: what decays, the corrections, the gradients that v and s see, the decay's step."""
    seen = seen or grads
    new_v = {key: beta1 * v[key] + (1 - beta1) * seen[key] for key in v}
    new_s = {key: beta2 * s[key] + (1 - beta2) * seen[key] ** 2 for key in s}
    first, second = correct or (1 - beta1**t, 1 - beta2**t)
    step = step or (lambda v, s: v / (np.sqrt(s) + epsilon))
    change = change or (lambda w, new: rate * decay * w)
    new = {}
    for name, w in parameters.items():
        new[name] = w - rate * step(new_v["d" + name] / first, new_s["d" + name] / second)
        if name[0] in decays:
            new[name] = new[name] - change(w, new[name])
    return new, new_v, new_s


def _with_l2(parameters, grads, decay, names="W", sign=1):
    return {key: g + sign * decay * parameters[key[1:]] if key[1] in names else g for key, g in grads.items()}


@update_parameters_with_adamw.mistake(
    "λw is in the gradient: this is L2 in Adam, where the root of s divides the decay. Leave the gradient alone, and "
    "subtract learning_rate · weight_decay · w from the weights."
)
def adamw_l2(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, weight_decay):
    seen = _with_l2(parameters, grads, weight_decay)
    return adamw_with(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, 0.0, seen=seen)


@update_parameters_with_adamw.mistake(
    "λ times the parameter is in the gradient, for the biases as well. Biases do not decay, and the decay of the weights "
    "stands beside Adam's step, not in the gradient."
)
def adamw_l2_everywhere(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, weight_decay):
    seen = _with_l2(parameters, grads, weight_decay, "Wb")
    return adamw_with(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, 0.0, seen=seen)


@update_parameters_with_adamw.mistake(
    "The decay happens twice: v and s have seen λw, and the weights shrink besides. v and s average the gradients alone."
)
def adamw_both(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, weight_decay):
    seen = _with_l2(parameters, grads, weight_decay)
    return adamw_with(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, weight_decay, seen=seen)


@update_parameters_with_adamw.mistake(
    "The decay is divided by the root of s: it stands in the numerator beside v. Only v is divided; λw comes after."
)
def adamw_decay_divided(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, weight_decay):
    new, new_v, new_s = adamw_with(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, 0.0)
    for name, w in parameters.items():
        if name[0] == "W":
            root = np.sqrt(new_s["d" + name] / (1 - beta2**t)) + epsilon
            new[name] = new[name] - learning_rate * weight_decay * w / root
    return new, new_v, new_s


@update_parameters_with_adamw.mistake(
    "The decay has no learning rate: weights shrink by the share λ. Here it is learning_rate · λ, so that a schedule "
    "slows both."
)
def adamw_decay_without_rate(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, weight_decay):
    change = lambda w, new: weight_decay * w  # noqa: E731
    return adamw_with(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, weight_decay, change=change)


@update_parameters_with_adamw.mistake("The decay has the learning rate twice. It is learning_rate · weight_decay · w.")
def adamw_decay_with_rate_twice(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, weight_decay):
    change = lambda w, new: learning_rate**2 * weight_decay * w  # noqa: E731
    return adamw_with(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, weight_decay, change=change)


@update_parameters_with_adamw.mistake(
    "The weights decay after Adam's step, by a share of what it left. Both terms of (9.6) use the old w."
)
def adamw_decay_of_the_new(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, weight_decay):
    change = lambda w, new: learning_rate * weight_decay * new  # noqa: E731
    return adamw_with(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, weight_decay, change=change)


@update_parameters_with_adamw.mistake("Your weights grow: the decay is subtracted, too.")
def adamw_decay_added(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, weight_decay):
    return adamw_with(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, -weight_decay)


@update_parameters_with_adamw.mistake("The biases decay as well. Only the weights, `W1`, `W2`, …, do.")
def adamw_biases_decay(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, weight_decay):
    return adamw_with(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, weight_decay, decays="Wb")


@update_parameters_with_adamw.mistake("The biases decay and the weights do not. It is the other way round.")
def adamw_only_biases_decay(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, weight_decay):
    return adamw_with(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, weight_decay, decays="b")


@update_parameters_with_adamw.mistake(
    "Nothing decays: this is Adam. Subtract learning_rate · weight_decay · w as well."
)
def adamw_without_decay(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, weight_decay):
    return adamw_with(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, 0.0)


@update_parameters_with_adamw.mistake("Only the first layer decays. All weights do: `W1`, `W2`, …")
def adamw_first_layer_decays(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, weight_decay):
    new, new_v, new_s = adamw_with(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, 0.0)
    return new | {"W1": new["W1"] - learning_rate * weight_decay * parameters["W1"]}, new_v, new_s


@update_parameters_with_adamw.mistake("There is no bias correction. Divide v by 1 - beta1**t and s by 1 - beta2**t.")
def adamw_uncorrected(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, weight_decay):
    return adamw_with(
        parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, weight_decay, correct=(1, 1)
    )  # fmt: skip


@update_parameters_with_adamw.mistake(
    "Your corrections use t - 1. Steps are counted from 1: with t = 0 they would divide by 0."
)
def adamw_t_too_small(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, weight_decay):
    with np.errstate(all="ignore"):
        earlier = (np.float64(1 - beta1 ** (t - 1)), np.float64(1 - beta2 ** (t - 1)))
        return adamw_with(
            parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, weight_decay, correct=earlier
        )  # fmt: skip


@update_parameters_with_adamw.mistake(
    "Your corrections use t + 1. The first step has t = 1: the t that you get is right."
)
def adamw_t_too_large(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, weight_decay):
    later = (1 - beta1 ** (t + 1), 1 - beta2 ** (t + 1))
    return adamw_with(
        parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, weight_decay, correct=later
    )  # fmt: skip


@update_parameters_with_adamw.mistake("The corrected averages are returned. v and s stay as (9.5) makes them.")
def adamw_correction_stored(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, weight_decay):
    new, new_v, new_s = update_parameters_with_adamw(
        parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, weight_decay
    )
    new_v = {key: array / (1 - beta1**t) for key, array in new_v.items()}
    return new, new_v, {key: array / (1 - beta2**t) for key, array in new_s.items()}


@update_parameters_with_adamw.mistake("beta1 and beta2 have changed places: beta1 belongs to v, beta2 to s.")
def adamw_betas_swapped(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, weight_decay):
    return adamw_with(parameters, grads, v, s, t, learning_rate, beta2, beta1, epsilon, weight_decay)


@update_parameters_with_adamw.mistake(
    "epsilon is under the root. First the root of the corrected s, then plus epsilon."
)
def adamw_epsilon_under_root(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, weight_decay):
    step = lambda v, s: v / np.sqrt(s + epsilon)  # noqa: E731
    return adamw_with(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, weight_decay, step=step)


@update_parameters_with_adamw.mistake("Your step goes uphill: subtract it.")
def adamw_uphill(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, weight_decay):
    change = lambda w, new: learning_rate * weight_decay * w  # noqa: E731
    return adamw_with(parameters, grads, v, s, t, -learning_rate, beta1, beta2, epsilon, weight_decay, change=change)


@update_parameters_with_adamw.mistake(
    "The v and s that you return are the old ones: the next step would forget this one."
)
def adamw_old_returned(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, weight_decay):
    new, _, _ = update_parameters_with_adamw(
        parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, weight_decay
    )
    return new, v, s


@update_parameters_with_adamw.mistake(
    "The result is right, but the caller's parameters have changed. Put the new ones into a new dict, without `-=`."
)
def adamw_parameters_in_place(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, weight_decay):
    new, new_v, new_s = update_parameters_with_adamw(
        parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, weight_decay
    )
    parameters |= new
    return parameters, new_v, new_s


@update_parameters_with_adamw.mistake(
    "The result is right, but the caller's parameters, v and s have changed. Put what is new into three new dicts."
)
def adamw_all_in_place(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, weight_decay):
    new, new_v, new_s = update_parameters_with_adamw(
        parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, weight_decay
    )
    parameters |= new
    v |= new_v
    s |= new_s
    return parameters, v, s


@update_parameters_with_adamw.accept("The weights shrink first, by a factor, and Adam's step follows: the same sum.")
def adamw_shrunk_first(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, weight_decay):
    new, new_v, new_s = {}, {}, {}
    for name, w in parameters.items():
        key = f"d{name}"
        new_v[key] = v[key] + (1 - beta1) * (grads[key] - v[key])
        new_s[key] = beta2 * s[key] + (1 - beta2) * np.square(grads[key])
        keep = 1 - learning_rate * weight_decay if name.startswith("W") else 1
        root = np.sqrt(new_s[key] / (1 - beta2**t)) + epsilon
        new[name] = w * keep - learning_rate * new_v[key] / ((1 - beta1**t) * root)
    return new, new_v, new_s


@update_parameters_with_adamw.accept
def adamw_by_layers(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, weight_decay):
    parameters, v, s = ({key: array.copy() for key, array in part.items()} for part in (parameters, v, s))
    for l in range(1, len(parameters) // 2 + 1):
        parameters[f"W{l}"] *= 1 - learning_rate * weight_decay
        for name in (f"W{l}", f"b{l}"):
            v["d" + name] = beta1 * v["d" + name] + (1 - beta1) * grads["d" + name]
            s["d" + name] = beta2 * s["d" + name] + (1 - beta2) * grads["d" + name] ** 2
            step = v["d" + name] / (1 - beta1**t) / (np.sqrt(s["d" + name] / (1 - beta2**t)) + epsilon)
            parameters[name] -= learning_rate * step
    return parameters, v, s


@update_parameters_with_adamw.accept
def adamw_decay_last(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, weight_decay):
    v = {key: beta1 * v[key] + (1 - beta1) * g for key, g in grads.items()}
    s = {key: beta2 * s[key] + (1 - beta2) * g * g for key, g in grads.items()}
    new = {}
    for name in parameters:
        step = (v["d" + name] / (1 - beta1**t)) / (epsilon + (s["d" + name] / (1 - beta2**t)) ** 0.5)
        new[name] = parameters[name] - learning_rate * step
        if "W" in name:
            new[name] = new[name] - learning_rate * weight_decay * parameters[name]
    return new, v, s


# --- learning_rate_at ------------------------------------------------------------------------------------------------


def rate_cases(rng):
    found = []
    for num_steps, warmup_steps, final in ((12, 4, 0.0), (37, 0, 0.0), (50, 9, 0.013), (21, 5, 0.4)):
        peak = float(rng.uniform(0.5, 1.5))
        last = num_steps - warmup_steps
        steps = {1, warmup_steps, warmup_steps + 1, warmup_steps + last // 3, num_steps - 2, num_steps}
        for t in sorted(steps - {0}):
            found.append(case(t=t, num_steps=num_steps, peak=peak, warmup_steps=warmup_steps, final=final))
    return found


@lesson.exercise(
    points=2,
    topic=95,
    equation="(9.8) and (9.10)",
    cases=rate_cases,
    ask="Which share of the way from the end of the warm-up to the last step is done at t? It is 0 at one end and 1 at the "
    "other.",
    small={"t": 8, "num_steps": 12, "peak": 0.1, "warmup_steps": 4, "final": 0.0},
    why={
        "question": "Why does step t get peak · t / warmup_steps, and not peak · (t - 1) / warmup_steps?",
        "choices": {
            "the first step would have the rate 0": "Yes: steps count from 1, and a step with the rate 0 changes nothing.",
            "the rate would be too large": "No: it would be smaller.",
            "the warm-up would be shorter": "No: it would be a step longer.",
        },
    },
)
def learning_rate_at(t, num_steps, peak, warmup_steps, final=0.0):
    """Return the learning rate of step t: it rises in a line, then falls along half a wave of the cosine.

    Parameters
    ----------
    t : int
        Number of the step, from 1 to num_steps.
    num_steps : int
    peak : float
        The highest rate, at t = warmup_steps.
    warmup_steps : int
        0 for none.
    final : float
        The rate of the last step.

    Returns
    -------
    learning_rate : float
    """
    if t <= warmup_steps:
        return peak * t / warmup_steps  # (9.8)
    share = (t - warmup_steps) / (num_steps - warmup_steps)
    return final + (peak - final) * (1 + math.cos(math.pi * share)) / 2  # (9.10)


def rate_with(t, num_steps, peak, warmup_steps, final=0.0, rise=None, share=None, fall=None, blend=None):
    """Return a learning rate with another rise, share of the way, shape of the fall, or blend of both ends."""
    if t <= warmup_steps:
        return rise(t, peak, warmup_steps, final) if rise else peak * t / warmup_steps
    x = share(t, num_steps, warmup_steps) if share else (t - warmup_steps) / (num_steps - warmup_steps)
    shape = fall(x) if fall else (1 + math.cos(math.pi * x)) / 2
    return blend(shape, peak, final) if blend else final + (peak - final) * shape


@learning_rate_at.mistake(
    "The warm-up is one step late: step 1 gets the rate 0, and does nothing. Steps count from 1: peak · t / warmup_steps."
)
def rate_from_zero(*given):
    return rate_with(*given, rise=lambda t, peak, w, final: peak * (t - 1) / w)


@learning_rate_at.mistake("The warm-up divides by warmup_steps + 1, so it does not reach the peak.")
def rate_below_the_peak(*given):
    return rate_with(*given, rise=lambda t, peak, w, final: peak * t / (w + 1))


@learning_rate_at.mistake(
    "The cosine runs over all num_steps, as if there were no warm-up: the rate jumps where the warm-up ends. Count the "
    "steps since the warm-up, and divide by num_steps - warmup_steps."
)
def rate_over_all_steps(*given):
    return rate_with(*given, share=lambda t, n, w: t / n)


@learning_rate_at.mistake(
    "The fall starts at the right place, but is spread over num_steps: the last rate is not `final`. Divide by "
    "num_steps - warmup_steps."
)
def rate_too_slow(*given):
    return rate_with(*given, share=lambda t, n, w: (t - w) / n)


@learning_rate_at.mistake(
    "The numerator counts all steps, so the rate jumps where the warm-up ends. Count those since: t - warmup_steps."
)
def rate_jumps(*given):
    return rate_with(*given, share=lambda t, n, w: t / (n - w))


@learning_rate_at.mistake("The fall is one step late: it has not arrived at num_steps. The share is 1 there.")
def rate_one_late(*given):
    return rate_with(*given, share=lambda t, n, w: (t - w - 1) / (n - w))


@learning_rate_at.mistake("The cosine runs through a whole wave, 2π, and rises again. Half a wave, π, is enough.")
def rate_whole_wave(*given):
    return rate_with(*given, fall=lambda x: (1 + math.cos(2 * math.pi * x)) / 2)


@learning_rate_at.mistake("The factor ½ is missing: 1 + cos runs from 2 to 0.")
def rate_without_half(*given):
    return rate_with(*given, fall=lambda x: 1 + math.cos(math.pi * x))


@learning_rate_at.mistake("The 1 is missing: the cosine alone runs from 1 to -1. Use (1 + cos) / 2.")
def rate_without_one(*given):
    return rate_with(*given, fall=lambda x: math.cos(math.pi * x))


@learning_rate_at.mistake("π is missing in the cosine: half a wave is π long.")
def rate_without_pi(*given):
    return rate_with(*given, fall=lambda x: (1 + math.cos(x)) / 2)


@learning_rate_at.mistake("The rate falls along a quarter of a wave, cos(π/2 · share). It is (1 + cos(π · share)) / 2.")
def rate_quarter_wave(*given):
    return rate_with(*given, fall=lambda x: math.cos(math.pi * x / 2))


@learning_rate_at.mistake("The rate falls in a line. Between both ends it follows half a wave of the cosine.")
def rate_linear(*given):
    return rate_with(*given, fall=lambda x: 1 - x)


@learning_rate_at.mistake(
    "The fall goes the wrong way: it starts at `final` and ends at the peak. Look at the sign before cos."
)
def rate_upside_down(*given):
    return rate_with(*given, fall=lambda x: (1 - math.cos(math.pi * x)) / 2)


@learning_rate_at.mistake(
    "`final` is added to a fall from the peak to 0: the rate starts above the peak. The fall is as high as peak - final."
)
def rate_final_added(*given):
    return rate_with(*given, blend=lambda shape, peak, final: final + peak * shape)


@learning_rate_at.mistake("The rate falls to 0. It ends at `final`.")
def rate_without_final(*given):
    return rate_with(*given, blend=lambda shape, peak, final: peak * shape)


@learning_rate_at.mistake("`final` is a floor that cuts the wave off. The wave itself runs from peak to final.")
def rate_floor(*given):
    return rate_with(*given, blend=lambda shape, peak, final: max(final, peak * shape))


@learning_rate_at.mistake("The warm-up starts at `final`. It rises from 0: peak · t / warmup_steps.")
def rate_warm_up_from_final(*given):
    return rate_with(*given, rise=lambda t, peak, w, final: final + (peak - final) * t / w)


@learning_rate_at.mistake("There is no warm-up: the rate starts at the peak and stays there until the fall begins.")
def rate_without_rise(*given):
    return rate_with(*given, rise=lambda t, peak, w, final: peak)


@learning_rate_at.mistake("Your rates lack the factor peak.")
def rate_without_peak(t, num_steps, peak, warmup_steps, final=0.0):
    return rate_with(t, num_steps, 1.0, warmup_steps, final)


@learning_rate_at.accept
def rate_with_numpy(t, num_steps, peak, warmup_steps, final=0.0):
    if t < warmup_steps:
        return t / warmup_steps * peak
    angle = np.pi * (t - warmup_steps) / (num_steps - warmup_steps)
    return 0.5 * (peak + final) + 0.5 * (peak - final) * np.cos(angle)


@learning_rate_at.accept("The square of a cosine: (1 + cos 2x) / 2 is cos² x.")
def rate_with_a_square(t, num_steps, peak, warmup_steps, final=0.0):
    if t <= warmup_steps:
        return peak / warmup_steps * t
    left = math.cos(math.pi / 2 * (t - warmup_steps) / (num_steps - warmup_steps)) ** 2
    return peak * left + final * (1 - left)


@learning_rate_at.accept
def rate_from_the_end(t, num_steps, peak, warmup_steps, final=0.0):
    if warmup_steps and t <= warmup_steps:
        return peak * (t / warmup_steps)
    share = (num_steps - t) / (num_steps - warmup_steps)
    return final + (peak - final) * math.sin(math.pi / 2 * share) ** 2


# --- clip_by_global_norm ---------------------------------------------------------------------------------------------


def norm_of(grads):
    return float(np.sqrt(sum(np.sum(g**2) for g in grads.values())))


def clip_cases(rng):
    found = []
    for sizes, share in (((3, 4, 2), 0.3), ((2, 3), 0.8), ((2, 3, 4, 1), 1.7), ((4, 2), 0.05)):
        grads = network(rng, *sizes)[1]
        found.append(case(grads=grads, max_norm=share * norm_of(grads)))
    one = {"dW1": rng.normal(size=(2, 3)) / 20, "db1": 3 + rng.normal(size=(2, 1))}  # one array is far longer
    found.append(case(grads=one, max_norm=0.4 * norm_of(one)))
    found.append(case(grads={"dW1": np.zeros((2, 3)), "db1": np.zeros((2, 1))}, max_norm=0.7))
    return found


@lesson.exercise(
    points=2,
    topic=96,
    equation="(9.13)",
    cases=clip_cases,
    returns=("grads", "norm"),
    ask="How many norms are there, one for each array or one for all of them? What happens to gradients that are short enough?",
    small={"grads": {"dW1": np.array([[3.0, 4.0]]), "db1": np.array([[12.0]])}, "max_norm": 6.5},
    why={
        "question": "Why one norm for all arrays?",
        "choices": {
            "one factor for all keeps the direction": "Yes: arrays that shrink by different factors point elsewhere.",
            "it is faster": "No: all entries are squared and added up in both ways.",
            "arrays have different shapes": "No: each array has a norm of its own, whatever its shape is.",
        },
    },
)
def clip_by_global_norm(grads, max_norm):
    """Shorten gradients that are longer than `max_norm`, all together.

    Parameters
    ----------
    grads : dict
        ``"dW1"``, ``"db1"``, …, ndarrays of any shapes.
    max_norm : float

    Returns
    -------
    grads : dict
        Those of the caller are as before.
    norm : float
        Of all entries of all arrays, before clipping.
    """
    norm = np.sqrt(sum(np.sum(g**2) for g in grads.values()))  # (9.12)
    factor = max_norm / norm if norm > max_norm else 1.0
    return {key: factor * g for key, g in grads.items()}, norm  # (9.13)


@clip_by_global_norm.mistake(
    "Each array is clipped by its own norm, so the direction changes. Add up the squares of all arrays, and use one factor."
)
def clip_per_array(grads, max_norm):
    norms = {key: float(np.linalg.norm(g)) for key, g in grads.items()}
    return {key: g * min(1, max_norm / max(norms[key], 1e-300)) for key, g in grads.items()}, norm_of(grads)


@clip_by_global_norm.mistake(
    "The norm is the sum of the norms of the arrays. It is the root of the sum of all squares."
)
def clip_sum_of_norms(grads, max_norm):
    norm = sum(float(np.linalg.norm(g)) for g in grads.values())
    return {key: g * (max_norm / norm if norm > max_norm else 1) for key, g in grads.items()}, norm


@clip_by_global_norm.mistake("The root is missing: the norm is the root of the sum of squares.")
def clip_without_root(grads, max_norm):
    norm = norm_of(grads) ** 2
    return {key: g * (max_norm / norm if norm > max_norm else 1) for key, g in grads.items()}, norm


@clip_by_global_norm.mistake("The norm adds up the sizes of the entries. Square them, add up, take the root.")
def clip_sum_of_sizes(grads, max_norm):
    norm = float(sum(np.sum(np.abs(g)) for g in grads.values()))
    return {key: g * (max_norm / norm if norm > max_norm else 1) for key, g in grads.items()}, norm


@clip_by_global_norm.mistake("The norm is the largest entry. It is the root of the sum of all squares.")
def clip_largest_entry(grads, max_norm):
    norm = float(max(np.abs(g).max() for g in grads.values()))
    return {key: g * (max_norm / norm if norm > max_norm else 1) for key, g in grads.items()}, norm


@clip_by_global_norm.mistake(
    "Short gradients are made longer: all get the length max_norm. Those within the limit stay as they are."
)
def clip_scales_up(grads, max_norm):
    norm = norm_of(grads)
    return {key: g * (max_norm / norm if norm else 1) for key, g in grads.items()}, norm


@clip_by_global_norm.mistake(
    "0 / 0: gradients that are all zeros have the norm 0. Divide only where the norm is above the limit."
)
def clip_divides_by_zero(grads, max_norm):
    norm = norm_of(grads)
    with np.errstate(all="ignore"):
        return {key: g / np.float64(norm) * min(norm, max_norm) for key, g in grads.items()}, norm


@clip_by_global_norm.mistake("The entries are cut off one by one, so the direction changes. All share one factor.")
def clip_entries(grads, max_norm):
    return {key: np.clip(g, -max_norm, max_norm) for key, g in grads.items()}, norm_of(grads)


@clip_by_global_norm.mistake("The gradients that are too long become longer still. The factor is max_norm / norm.")
def clip_upside_down(grads, max_norm):
    norm = norm_of(grads)
    return {key: g * (norm / max_norm if norm > max_norm else 1) for key, g in grads.items()}, norm


@clip_by_global_norm.mistake(
    "Gradients that are too long are divided by their norm: they get the length 1, not max_norm."
)
def clip_to_one(grads, max_norm):
    norm = norm_of(grads)
    return {key: g / (norm if norm > max_norm else 1) for key, g in grads.items()}, norm


@clip_by_global_norm.mistake("The norm that you return is that after clipping. Return the one before.")
def clip_norm_after(grads, max_norm):
    clipped, _ = clip_by_global_norm(grads, max_norm)
    return clipped, norm_of(clipped)


@clip_by_global_norm.mistake("You return the factor. Return the norm before clipping.")
def clip_factor_returned(grads, max_norm):
    norm = norm_of(grads)
    return clip_by_global_norm(grads, max_norm)[0], (max_norm / norm if norm > max_norm else 1.0)


@clip_by_global_norm.mistake(
    "The test is the wrong way round: short gradients are made longer, and long ones come back as they were."
)
def clip_the_short_ones(grads, max_norm):
    norm = norm_of(grads)
    return {key: g * (max_norm / norm if 0 < norm < max_norm else 1) for key, g in grads.items()}, norm


@clip_by_global_norm.mistake("Nothing is clipped: the gradients come back as they were.")
def clip_not_at_all(grads, max_norm):
    return grads, norm_of(grads)


@clip_by_global_norm.mistake("The biases are left out of the norm. It runs over all entries of all arrays.")
def clip_without_biases(grads, max_norm):
    norm = norm_of({key: g for key, g in grads.items() if key[1] == "W"})
    return {key: g * (max_norm / norm if norm > max_norm else 1) for key, g in grads.items()}, norm


@clip_by_global_norm.mistake(
    "The result is right, but the caller's gradients have changed. Make new arrays: `factor * g`, not `g *= factor`."
)
def clip_in_place(grads, max_norm):
    norm = norm_of(grads)
    for g in grads.values():
        g *= max_norm / norm if norm > max_norm else 1.0
    return grads, norm


@clip_by_global_norm.accept("One long column of all entries has the same norm.")
def clip_joined(grads, max_norm):
    norm = np.linalg.norm(np.concatenate([g.ravel() for g in grads.values()]))
    if norm <= max_norm:
        return dict(grads), norm
    return {key: g * max_norm / norm for key, g in grads.items()}, norm


@clip_by_global_norm.accept
def clip_with_hypot(grads, max_norm):
    norm = math.hypot(*[float(np.linalg.norm(g)) for g in grads.values()])
    return {key: g / max(1.0, norm / max_norm) for key, g in grads.items()}, norm


@clip_by_global_norm.accept
def clip_with_min(grads, max_norm):
    norm = 0.0
    for g in grads.values():
        for entry in g.ravel():
            norm += entry * entry
    norm = norm**0.5
    factor = min(1.0, max_norm / norm) if norm else 1.0
    return {key: g * factor for key, g in grads.items()}, norm


# --- smooth_labels ---------------------------------------------------------------------------------------------------


def one_hot(labels, n_y):
    return (np.arange(n_y)[:, None] == labels) * 1.0


def drawn_labels(rng, n_y, m):
    return one_hot(rng.integers(n_y, size=m), n_y)


def smooth_cases(rng):
    return [
        case(Y=drawn_labels(rng, n_y, m), epsilon=epsilon)
        for n_y, m, epsilon in ((4, 3, 0.2), (3, 5, 0.1), (5, 1, 0.35), (6, 2, 0.07))
    ]


@lesson.exercise(
    points=1,
    topic=97,
    equation="(9.14)",
    cases=smooth_cases,
    ask="What does the label keep, and what does each class get, the right one as well?",
    small={"Y": np.array([[0.0], [1.0], [0.0], [0.0]]), "epsilon": 0.2},
)
def smooth_labels(Y, epsilon):
    """Give a share of each label to all classes alike.

    Parameters
    ----------
    Y : ndarray, shape (n_y, m)
        One-hot columns.
    epsilon : float
        The share, from 0 to below 1.

    Returns
    -------
    Y_smooth : ndarray, shape (n_y, m)
        Columns that add up to 1.
    """
    return (1 - epsilon) * Y + epsilon / len(Y)  # (9.14)


def smoothed(Y, epsilon, keep=None, add=None, others=None):
    """Return smoothed labels with other shares: of the label, of each class, of the wrong classes alone."""
    keep = 1 - epsilon if keep is None else keep
    if others is not None:
        return keep * Y + others * (1 - Y)
    return keep * Y + (epsilon / len(Y) if add is None else add)


@smooth_labels.mistake(
    "The share goes to the n_y - 1 other classes alone. It goes to all n_y, the right one as well: ε / n_y each."
)
def smooth_others_only(Y, epsilon):
    return smoothed(Y, epsilon, others=epsilon / (len(Y) - 1))


@smooth_labels.mistake("The label's own ε / n_y is missing: columns do not add up to 1. It gets (1 - ε) + ε / n_y.")
def smooth_label_without_share(Y, epsilon):
    return smoothed(Y, epsilon, others=epsilon / len(Y))


@smooth_labels.mistake("Each class gets ε. The share ε is split: ε / n_y for each class.")
def smooth_not_split(Y, epsilon):
    return smoothed(Y, epsilon, add=epsilon)


@smooth_labels.mistake("Each class gets 1 / n_y. It is ε / n_y: the columns add up to 1.")
def smooth_without_epsilon(Y, epsilon):
    return smoothed(Y, epsilon, add=1 / len(Y))


@smooth_labels.mistake(
    "The share is divided by the number of examples, m. It is split among the n_y classes, which are rows."
)
def smooth_by_examples(Y, epsilon):
    return smoothed(Y, epsilon, add=epsilon / Y.shape[1])


@smooth_labels.mistake("The label keeps all of its 1. Take ε of it away: (1 - ε) Y.")
def smooth_label_kept(Y, epsilon):
    return smoothed(Y, epsilon, keep=1)


@smooth_labels.mistake("ε and 1 - ε have changed places: the label keeps 1 - ε.")
def smooth_swapped(Y, epsilon):
    return smoothed(Y, epsilon, keep=epsilon, add=(1 - epsilon) / len(Y))


@smooth_labels.mistake("The other classes get nothing: the label is only made smaller. Add ε / n_y to each class.")
def smooth_only_smaller(Y, epsilon):
    return smoothed(Y, epsilon, add=0.0)


@smooth_labels.mistake("The share is divided by n_y - 1 and given to all n_y classes. Divide by n_y.")
def smooth_one_too_few(Y, epsilon):
    return smoothed(Y, epsilon, add=epsilon / (len(Y) - 1))


@smooth_labels.mistake("The labels come back as they were.")
def smooth_not_at_all(Y, epsilon):
    return Y


@smooth_labels.mistake("The caller's Y has changed: `*=` and `+=` work in place. Make a new array.")
def smooth_in_place(Y, epsilon):
    Y *= 1 - epsilon
    Y += epsilon / len(Y)
    return Y


@smooth_labels.accept("Both shares are said outright: of the right class, and of each other one.")
def smooth_with_where(Y, epsilon):
    n_y = Y.shape[0]
    return np.where(Y == 1, 1 - epsilon + epsilon / n_y, epsilon / n_y)


@smooth_labels.accept
def smooth_with_mean(Y, epsilon):
    return Y + epsilon * (np.mean(Y, axis=0) - Y)


@smooth_labels.accept
def smooth_with_matrix(Y, epsilon):
    n_y = len(Y)
    return ((1 - epsilon) * np.eye(n_y) + np.full((n_y, n_y), epsilon / n_y)) @ Y


# --- smooth_cross_entropy --------------------------------------------------------------------------------------------


def loss_cases(rng):
    def one(n_y, m, epsilon, level=0.0):
        return case(Z=1.5 * rng.normal(size=(n_y, m)) + level, Y=drawn_labels(rng, n_y, m), epsilon=epsilon)

    far = np.array([[300.0, -800], [20, 350], [-900, 60]]) + rng.normal(size=(3, 2))
    return [
        one(4, 6, 0.2), one(3, 5, 0.1), one(5, 1, 0.35), one(6, 3, 0.0), one(3, 4, 0.3, np.array([0, 1000, -1000, 900.0])),
        case(Z=far, Y=drawn_labels(rng, 3, 2), epsilon=0.15),
    ]  # fmt: skip


@lesson.exercise(
    points=3,
    topic=97,
    equation="(9.15) and (9.16)",
    returns=("J", "dZ"),
    backward=True,
    cases=loss_cases,
    ask="Which target is multiplied by the logarithms, and which one is subtracted from ŷ? Does dZ have a factor 1/m?",
    small={
        "Z": np.log(np.array([[0.1], [0.7], [0.1], [0.1]])),
        "Y": np.array([[0.0], [1.0], [0.0], [0.0]]),
        "epsilon": 0.2,
    },
    why={
        "question": "Why can J not reach 0?",
        "choices": {
            "the target is no one-hot column": "Yes: the least cross-entropy is the entropy of the target, by (9.17).",
            "logarithms are rounded": "No: rounding changes it by far less.",
            "the mean is over m examples": "No: the mean of numbers that reach 0 would reach 0, too.",
        },
    },
)
def smooth_cross_entropy(Z, Y, epsilon):
    """Return the cost of scores with smoothed labels, and the derivative of each example's loss.

    ``dZ`` stacks the derivatives of the single losses, as in all of courses 1 and 2: the factor 1/m is in J, not in dZ.

    Parameters
    ----------
    Z : ndarray, shape (n_y, m)
        Scores, one example per column; of any size.
    Y : ndarray, shape (n_y, m)
        Labels as one-hot columns, not smoothed yet.
    epsilon : float

    Returns
    -------
    J : float
        Mean cross-entropy with the smoothed labels over the m examples.
    dZ : ndarray, shape (n_y, m)
        Per example.

    References
    ----------
    C. Szegedy and others, "Rethinking the Inception architecture for computer vision", 2015, arXiv:1512.00567.
    """
    Y_smooth = smooth_labels(Y, epsilon)  # (9.14)
    shifted = Z - np.max(Z, axis=0)
    logs = shifted - np.log(np.sum(np.exp(shifted), axis=0))
    J = -np.sum(Y_smooth * logs) / Z.shape[1]  # (9.15)
    dZ = np.exp(logs) - Y_smooth  # (9.16)
    return J, dZ


def loss_with(Z, Y, epsilon, target=None, for_dZ=None):
    """Return J and dZ with one target for the loss and perhaps another one for the derivative."""
    target = smooth_labels(Y, epsilon) if target is None else target
    logs = log_softmax(Z, axis=0)
    return -np.sum(target * logs) / Z.shape[1], np.exp(logs) - (target if for_dZ is None else for_dZ)


@smooth_cross_entropy.mistake(
    "dZ is ŷ - Y, that of labels that are not smoothed. The target in dZ is the one in the loss: ŷ minus the smoothed one."
)
def loss_hard_derivative(Z, Y, epsilon):
    return loss_with(Z, Y, epsilon, for_dZ=Y)


@smooth_cross_entropy.mistake("The loss takes Y as it is, and dZ the smoothed one. Both take the smoothed target.")
def loss_hard_loss(Z, Y, epsilon):
    return loss_with(Z, Y, epsilon, Y, smooth_labels(Y, epsilon))


@smooth_cross_entropy.mistake("Nothing is smoothed: epsilon is not used. Replace Y by (1 - ε) Y + ε / n_y.")
def loss_not_smoothed(Z, Y, epsilon):
    return loss_with(Z, Y, epsilon, Y)


@smooth_cross_entropy.mistake(
    "The factor 1/m is in dZ. Each column is the derivative of its own example's loss; 1/m comes with dW and db."
)
def loss_dZ_by_m(Z, Y, epsilon):
    J, dZ = loss_with(Z, Y, epsilon)
    return J, dZ / Z.shape[1]


@smooth_cross_entropy.mistake("J is a sum over the examples. Divide by m.")
def loss_sum(Z, Y, epsilon):
    J, dZ = loss_with(Z, Y, epsilon)
    return J * Z.shape[1], dZ


@smooth_cross_entropy.mistake("J is a mean over all entries. Add up over the classes, and divide by m alone.")
def loss_mean_of_entries(Z, Y, epsilon):
    J, dZ = loss_with(Z, Y, epsilon)
    return J / Z.shape[0], dZ


@smooth_cross_entropy.mistake("J has the wrong sign: a cross-entropy is not negative.")
def loss_sign(Z, Y, epsilon):
    J, dZ = loss_with(Z, Y, epsilon)
    return -J, dZ


@smooth_cross_entropy.mistake("dZ has the wrong sign: it is ŷ minus the target.")
def loss_dZ_sign(Z, Y, epsilon):
    J, dZ = loss_with(Z, Y, epsilon)
    return J, -dZ


@smooth_cross_entropy.mistake(
    "The target gives ε / (n_y - 1) to the other classes alone. Use your smooth_labels: ε / n_y to all."
)
def loss_others_only(Z, Y, epsilon):
    return loss_with(Z, Y, epsilon, smooth_others_only(Y, epsilon))


@smooth_cross_entropy.mistake(
    "The uniform part lacks ε: it is (1 - ε) times the loss of the label plus ε times the mean of all -log ŷ."
)
def loss_uniform_without_epsilon(Z, Y, epsilon):
    return loss_with(Z, Y, epsilon, smooth_without_epsilon(Y, epsilon))


@smooth_cross_entropy.mistake("The softmax runs over the examples (axis=1). Classes are rows: axis=0.")
def loss_other_axis(Z, Y, epsilon):
    logs, target = log_softmax(Z, axis=1), smooth_labels(Y, epsilon)
    return -np.sum(target * logs) / Z.shape[1], np.exp(logs) - target


@smooth_cross_entropy.mistake(
    "Large scores overflow. Subtract the largest score of each column before the exponential."
)
def loss_overflows(Z, Y, epsilon):
    with np.errstate(all="ignore"):
        A, target = np.exp(Z) / np.exp(Z).sum(axis=0), smooth_labels(Y, epsilon)
        return -np.sum(target * np.log(A)) / Z.shape[1], A - target


@smooth_cross_entropy.mistake(
    "The logarithm of a probability that was rounded to 0 is infinite. Take the logarithm first: z - max z - log of the sum."
)
def loss_log_of_zero(Z, Y, epsilon):
    with np.errstate(all="ignore"):
        A, target = scipy_softmax(Z, axis=0), smooth_labels(Y, epsilon)
        return -np.sum(target * np.log(A)) / Z.shape[1], A - target


@smooth_cross_entropy.mistake("The labels are smoothed twice. Y comes as one-hot columns: smooth it once.")
def loss_smoothed_twice(Z, Y, epsilon):
    return loss_with(Z, Y, epsilon, smooth_labels(smooth_labels(Y, epsilon), epsilon))


@smooth_cross_entropy.mistake(
    "dZ has the factor (1 - ε): all of the target counts, its uniform part, too. dZ is ŷ - target."
)
def loss_label_part_only(Z, Y, epsilon):
    logs = log_softmax(Z, axis=0)
    return loss_with(Z, Y, epsilon)[0], (1 - epsilon) * (np.exp(logs) - Y)


@smooth_cross_entropy.mistake(
    "The derivative goes by ŷ, not by the scores: behind a softmax, dZ is ŷ minus the target."
)
def loss_by_probabilities(Z, Y, epsilon):
    logs, target = log_softmax(Z, axis=0), smooth_labels(Y, epsilon)
    with np.errstate(all="ignore"):
        return loss_with(Z, Y, epsilon)[0], -target / np.exp(logs)


@smooth_cross_entropy.accept(
    "Two cross-entropies: that of the label, and that of equal shares, weighted by 1 - ε and ε."
)
def loss_of_two_parts(Z, Y, epsilon):
    logs, m = log_softmax(Z, axis=0), Z.shape[1]
    J = -(1 - epsilon) * np.sum(Y * logs) / m - epsilon * np.mean(logs)
    A = np.exp(logs)
    return J, (1 - epsilon) * (A - Y) + epsilon * (A - 1 / len(Z))


@smooth_cross_entropy.accept
def loss_by_logsumexp(Z, Y, epsilon):
    target = Y - epsilon * (Y - 1 / Y.shape[0])
    losses = logsumexp(Z, axis=0) - (target * Z).sum(axis=0)
    return np.mean(losses), scipy_softmax(Z, axis=0) - target


@smooth_cross_entropy.accept
def loss_column_by_column(Z, Y, epsilon):
    n_y, m = Z.shape
    J, dZ = 0.0, np.zeros((n_y, m))
    for i in range(m):
        z = Z[:, i] - Z[:, i].max()
        total = np.exp(z).sum()
        target = (1 - epsilon) * Y[:, i] + epsilon / n_y
        J += (target * (np.log(total) - z)).sum() / m
        dZ[:, i] = np.exp(z) / total - target
    return J, dZ


# --- random_shift ----------------------------------------------------------------------------------------------------


def shift_cases(rng):
    def one(images, max_shift):
        generator = np.random.default_rng(int(rng.integers(2**32)))
        return case(images=images, max_shift=max_shift, rng=generator)

    copies = np.repeat(rng.uniform(0.2, 1, size=(1, 3, 4)), 6, axis=0)  # one image six times: they should part
    return [
        one(copies, 1), one(rng.uniform(0.2, 1, size=(2, 5, 4)), 2), one(rng.uniform(0.2, 1, size=(1, 4, 6)), 1),
    ]  # fmt: skip


@lesson.exercise(
    points=2,
    topic=98,
    equation="(9.19)",
    cases=shift_cases,
    judge=draws(400),
    ask="An image in a frame of zeros that is max_shift wide: where can a window of the image's size begin, down and right?",
    small={"images": np.arange(1.0, 7).reshape(1, 2, 3), "max_shift": 1, "rng": np.random.default_rng(1)},
    why={
        "question": "Why a frame of zeros, and not `np.roll`?",
        "choices": {
            "np.roll brings ink back on the other side": "Yes: a digit that leaves at the right would come in at the left.",
            "np.roll cannot move to the left": "No: it takes negative numbers.",
            "np.roll changes the caller's images": "No: it makes a new array.",
        },
    },
)
def random_shift(images, max_shift, rng):
    """Move each image by a few pixels, down or up, right or left; zeros come in.

    Parameters
    ----------
    images : ndarray, shape (m, n_H, n_W)
    max_shift : int
        The largest number of pixels, k; all (2k + 1)² shifts are equally likely.
    rng : Generator
        Draws the shifts, for each image its own.

    Returns
    -------
    moved : ndarray, shape (m, n_H, n_W)
    """
    m, n_H, n_W = images.shape
    framed = np.pad(images, ((0, 0), (max_shift, max_shift), (max_shift, max_shift)))
    begins = rng.integers(2 * max_shift + 1, size=(m, 2))
    return np.array([framed[i, h : h + n_H, w : w + n_W] for i, (h, w) in enumerate(begins)])  # (9.19)


def shifted_by(images, begins, k):
    """Return the windows of framed images that begin at these rows and columns."""
    _, n_H, n_W = images.shape
    framed = np.pad(images, ((0, 0), (k, k), (k, k)))
    return np.array([framed[i, h : h + n_H, w : w + n_W] for i, (h, w) in enumerate(begins)])


@random_shift.mistake("All images of a batch move alike. Draw a shift for each image.")
def shift_one_for_all(images, max_shift, rng):
    return shifted_by(images, [rng.integers(2 * max_shift + 1, size=2)] * len(images), max_shift)


@random_shift.mistake("What leaves on one side comes in on the other: that is `np.roll`. Zeros come in.")
def shift_rolled(images, max_shift, rng):
    moves = rng.integers(-max_shift, max_shift + 1, size=(len(images), 2))
    return np.array([np.roll(image, move, axis=(0, 1)) for image, move in zip(images, moves, strict=True)])


@random_shift.mistake("Rows and columns move by the same number: images move along a diagonal only. Draw two numbers.")
def shift_diagonal(images, max_shift, rng):
    moves = rng.integers(2 * max_shift + 1, size=len(images))
    return shifted_by(images, [(move, move) for move in moves], max_shift)


@random_shift.mistake(
    "The shift +max_shift never occurs: the upper end of `rng.integers` is not included. Use max_shift + 1."
)
def shift_without_the_end(images, max_shift, rng):
    return shifted_by(images, rng.integers(2 * max_shift, size=(len(images), 2)) + 1, max_shift)


@random_shift.mistake(
    "The shift -max_shift never occurs, or the end is missing on the other side: begins run from 0 to 2 max_shift, both."
)
def shift_without_the_other_end(images, max_shift, rng):
    return shifted_by(images, rng.integers(2 * max_shift, size=(len(images), 2)), max_shift)


@random_shift.mistake("Images move to one side only. Shifts run from -max_shift to +max_shift.")
def shift_one_side(images, max_shift, rng):
    return shifted_by(images, rng.integers(max_shift + 1, size=(len(images), 2)), max_shift)


@random_shift.mistake("Images move to the other side only, down and right. Shifts run from -max_shift to +max_shift.")
def shift_other_side(images, max_shift, rng):
    return shifted_by(images, max_shift + rng.integers(max_shift + 1, size=(len(images), 2)), max_shift)


@random_shift.mistake("Images move up and down only. They move right and left as well.")
def shift_rows_only(images, max_shift, rng):
    return shifted_by(images, [(h, max_shift) for h in rng.integers(2 * max_shift + 1, size=len(images))], max_shift)


@random_shift.mistake("Images move right and left only. They move up and down as well.")
def shift_columns_only(images, max_shift, rng):
    return shifted_by(images, [(max_shift, w) for w in rng.integers(2 * max_shift + 1, size=len(images))], max_shift)


@random_shift.mistake("Nothing comes in but copies of the border. Zeros come in.")
def shift_border_repeated(images, max_shift, rng):
    k, (_, n_H, n_W) = max_shift, images.shape
    framed = np.pad(images, ((0, 0), (k, k), (k, k)), mode="edge")
    begins = rng.integers(2 * k + 1, size=(len(images), 2))
    return np.array([framed[i, h : h + n_H, w : w + n_W] for i, (h, w) in enumerate(begins)])


@random_shift.mistake("The images do not move.")
def shift_not_at_all(images, max_shift, rng):
    return images * 1.0


@random_shift.mistake(
    "Every image moves by exactly max_shift both ways. All whole numbers from -max_shift to max_shift are equally likely."
)
def shift_ends_only(images, max_shift, rng):
    return shifted_by(images, 2 * max_shift * rng.integers(2, size=(len(images), 2)), max_shift)


@random_shift.mistake("The shift comes from NumPy's own generator or a new one. Draw with the `rng` that is passed in.")
def shift_own_generator(images, max_shift, rng):
    return shifted_by(images, np.random.randint(2 * max_shift + 1, size=(len(images), 2)), max_shift)


@random_shift.mistake("The images come back in their frame. Cut out a window of n_H by n_W.")
def shift_with_frame(images, max_shift, rng):
    k = max_shift
    return np.pad(random_shift(images, k, rng), ((0, 0), (k, k), (k, k)))


@random_shift.accept("No frame: what stays in the image is copied from one slice to another, and the rest is 0.")
def shift_with_slices(images, max_shift, rng):
    m, n_H, n_W = images.shape
    moved = np.zeros((m, n_H, n_W))
    for i in range(m):
        dh, dw = rng.integers(-max_shift, max_shift + 1, size=2)
        moved[i, max(0, dh) : n_H + min(0, dh), max(0, dw) : n_W + min(0, dw)] = images[
            i, max(0, -dh) : n_H - max(0, dh), max(0, -dw) : n_W - max(0, dw)
        ]
    return moved


@random_shift.accept
def shift_with_indices(images, max_shift, rng):
    m, n_H, n_W = images.shape
    framed = np.pad(images, ((0, 0), (max_shift,) * 2, (max_shift,) * 2))
    h = rng.integers(0, 2 * max_shift, endpoint=True, size=(m, 1, 1)) + np.arange(n_H)[:, None]
    w = rng.integers(0, 2 * max_shift, endpoint=True, size=(m, 1, 1)) + np.arange(n_W)
    return framed[np.arange(m)[:, None, None], h, w]


@random_shift.accept
def shift_by_one_of_all(images, max_shift, rng):
    k, moved = max_shift, []
    ways = [(h, w) for h in range(2 * k + 1) for w in range(2 * k + 1)]
    for image in images:
        h, w = ways[rng.choice(len(ways))]
        moved.append(np.pad(image, k)[h : h + image.shape[0], w : w + image.shape[1]])
    return np.stack(moved)


# --- update_ema ------------------------------------------------------------------------------------------------------


def ema_cases(rng):
    found = []
    for sizes, decay in (((3, 4, 2), 0.9), ((2, 3), 0.75), ((4, 1), 0.99)):
        parameters, _ = network(rng, *sizes)
        found.append(case(ema=like(parameters, rng.normal), parameters=parameters, decay=decay))
    return found


@lesson.exercise(
    points=1,
    topic=99,
    equation="(9.20)",
    cases=ema_cases,
    ask="Which of the two has the weight decay, what was so far or what is new?",
    small={"ema": SMALL_NET, "parameters": {"W1": np.array([[3.0]]), "b1": np.array([[0.0]])}, "decay": 0.75},
)
def update_ema(ema, parameters, decay):
    """Move an average of the parameters towards the newest ones.

    Parameters
    ----------
    ema, parameters : dict
        ``"W1"``, ``"b1"``, …, of the same shapes.
    decay : float
        The weight of the average so far.

    Returns
    -------
    ema : dict
        New arrays; neither of the two dicts of the caller changes.
    """
    return {name: decay * ema[name] + (1 - decay) * parameters[name] for name in ema}  # (9.20)


@update_ema.mistake("decay and 1 - decay have changed places: the average so far has the weight decay.")
def ema_swapped(ema, parameters, decay):
    return update_ema(parameters, ema, decay)


@update_ema.mistake("What is new has no weight: it is added as it is. Multiply it by 1 - decay.")
def ema_new_unweighted(ema, parameters, decay):
    return {name: decay * ema[name] + parameters[name] for name in ema}


@update_ema.mistake("The average so far has no weight: it is kept whole. Multiply it by decay.")
def ema_old_unweighted(ema, parameters, decay):
    return {name: ema[name] + (1 - decay) * parameters[name] for name in ema}


@update_ema.mistake("This is the mean of both. They have the weights decay and 1 - decay.")
def ema_mean(ema, parameters, decay):
    return {name: (ema[name] + parameters[name]) / 2 for name in ema}


@update_ema.mistake("The average does not move.")
def ema_unchanged(ema, parameters, decay):
    return ema


@update_ema.mistake("The average is the newest parameters: what was so far is forgotten.")
def ema_forgets(ema, parameters, decay):
    return {name: array.copy() for name, array in parameters.items()}


@update_ema.mistake("Only the weights are averaged. The biases are averaged as well.")
def ema_weights_only(ema, parameters, decay):
    return ema | {name: array for name, array in update_ema(ema, parameters, decay).items() if name[0] == "W"}


@update_ema.mistake("Both terms have the weight decay. What is new has 1 - decay.")
def ema_decay_twice(ema, parameters, decay):
    return {name: decay * ema[name] + decay * parameters[name] for name in ema}


@update_ema.mistake(
    "The step goes away from the new parameters. Move towards them: plus (1 - decay) (parameters - ema)."
)
def ema_away(ema, parameters, decay):
    return {name: ema[name] - (1 - decay) * (parameters[name] - ema[name]) for name in ema}


@update_ema.mistake(
    "The average is stored in the caller's parameters, and the training goes on from it. The average watches; it does "
    "not steer."
)
def ema_stored_in_parameters(ema, parameters, decay):
    parameters |= update_ema(ema, parameters, decay)
    return parameters


@update_ema.mistake("The result is right, but the caller's average has changed. Make a new dict.")
def ema_in_place(ema, parameters, decay):
    ema |= update_ema(ema, parameters, decay)
    return ema


@update_ema.accept("A step of the share 1 - decay from the average towards what is new.")
def ema_by_a_step(ema, parameters, decay):
    return {name: array + (1 - decay) * (parameters[name] - array) for name, array in ema.items()}


@update_ema.accept
def ema_in_a_loop(ema, parameters, decay):
    new = {}
    for name in parameters:
        new[name] = ema[name].copy()
        new[name] *= decay
        new[name] += (1 - decay) * parameters[name]
    return new


# --- to_bfloat16 -----------------------------------------------------------------------------------------------------


def bfloat16_cases(rng):
    def tie(mantissa, exponent):
        """Return numbers halfway between two that bfloat16 holds; the lower one has this mantissa, from 0 to 127."""
        return (1 + (mantissa + 0.5) / 128) * 2.0**exponent

    odd = 2 * rng.integers(1, 60, size=3) + 1
    even = 2 * rng.integers(1, 60, size=3)
    signs = rng.choice([-1.0, 1.0], size=6)
    ties = signs * np.concatenate([tie(odd, rng.integers(-9, 9, size=3)), tie(even, rng.integers(-9, 9, size=3))])
    near = ties * (1 + 1e-5 * rng.choice([-1, 1], size=6))  # beside a tie
    found = [
        rng.normal(size=(3, 4)),
        rng.normal(size=5) * 10.0 ** rng.uniform(-25, 25, size=5),
        ties.reshape(2, 3),
        near,
        np.array([[tie(127, 3), -tie(127, -4)], [0.0, 1.003]]),  # the fraction is full: the exponent grows
        np.array([1.004]),
    ]
    return [case(x=x.astype(np.float32)) for x in found]


@lesson.exercise(
    points=2,
    topic=100,
    equation="(9.24)",
    cases=bfloat16_cases,
    rtol=1e-7,
    atol=0,
    ask="How far are the two numbers around x from each other? At the middle between them, which one is taken?",
    small={"x": np.array([1.003, 1.004, 1 / 3], dtype=np.float32)},
)
def to_bfloat16(x):
    """Round numbers to the nearest ones that bfloat16 holds: 1 sign, 8 bits of exponent, 7 bits behind the leading 1.

    Parameters
    ----------
    x : ndarray of float32, any shape
        Finite, and each entry 0 or a normal number of float32, below 3e38.

    Returns
    -------
    rounded : ndarray, shape of x
        At a tie, the number whose last bit is 0.
    """
    bits = x.view(np.uint32)
    last = (bits >> 16) & 1
    rounded = bits + last + np.uint32(32767)
    return ((rounded >> 16) << 16).view(np.float32)  # (9.24)


def in_steps(x, pick, bits=7):
    """Return x in steps of its own size: ``pick`` makes whole numbers of x / step."""
    x = np.asarray(x, dtype=np.float64)
    mantissa, exponent = np.frexp(x)
    return np.ldexp(pick(np.ldexp(mantissa, bits + 1)), exponent - bits - 1)


@to_bfloat16.mistake(
    "The last 16 bits are cut off: every number is rounded towards 0. Round to the nearest: add half of the last place "
    "before you cut, with room for the carry."
)
def bfloat16_cut(x):
    return in_steps(x, np.trunc)


@to_bfloat16.mistake(
    "At a tie you round up, away from 0. Of two numbers that are equally near, take the one whose last bit is 0."
)
def bfloat16_ties_up(x):
    return in_steps(x, lambda n: np.sign(n) * np.floor(np.abs(n) + 0.5))


@to_bfloat16.mistake(
    "At a tie you round towards 0. Of two numbers that are equally near, take the one whose last bit is 0."
)
def bfloat16_ties_down(x):
    return in_steps(x, lambda n: np.sign(n) * np.ceil(np.abs(n) - 0.5))


@to_bfloat16.mistake("At a tie you take the number whose last bit is 1. Take the one whose last bit is 0.")
def bfloat16_ties_to_odd(x):
    def pick(n):
        down = np.floor(n)
        tie = n - down == 0.5
        return np.where(tie, down + (down % 2 == 0), np.rint(n))

    return in_steps(x, pick)


@to_bfloat16.mistake("Every number is rounded up, away from 0. Round to the nearest.")
def bfloat16_up(x):
    return in_steps(x, lambda n: np.sign(n) * np.ceil(np.abs(n)))


@to_bfloat16.mistake("Numbers are rounded down, to the left. Round to the nearest, on both sides of 0.")
def bfloat16_floor(x):
    return in_steps(x, np.floor)


@to_bfloat16.mistake("8 bits are kept behind the leading 1. bfloat16 has 7: the leading 1 is not stored.")
def bfloat16_one_bit_more(x):
    return in_steps(x, np.rint, 8)


@to_bfloat16.mistake("6 bits are kept behind the leading 1. bfloat16 has 7, and the leading 1 is not stored.")
def bfloat16_one_bit_less(x):
    return in_steps(x, np.rint, 6)


@to_bfloat16.mistake(
    "This is float16: 10 bits and a small range of exponents. bfloat16 has 7 bits and the range of float32."
)
def bfloat16_as_float16(x):
    with np.errstate(over="ignore"):
        return x.astype(np.float16).astype(np.float32)


@to_bfloat16.mistake("The steps are 1/128 everywhere. They grow with the number: 2^-7 of the power of 2 below it.")
def bfloat16_fixed_steps(x):
    return np.rint(np.asarray(x, dtype=np.float64) * 128) / 128


@to_bfloat16.mistake("The numbers come back as they were. Round them.")
def bfloat16_not_at_all(x):
    return x.copy()


@to_bfloat16.mistake("The sign is lost.")
def bfloat16_without_sign(x):
    return np.abs(in_steps(x, np.rint))


@to_bfloat16.mistake("These are the bits as a whole number. Look at them as float32 again: `.view(np.float32)`.")
def bfloat16_bits_returned(x):
    return in_steps(x, np.rint).astype(np.float32).view(np.uint32)


@to_bfloat16.accept("Mantissa and exponent apart: round the mantissa to a whole number of 2^-8, and put them together.")
def bfloat16_with_frexp(x):
    mantissa, exponent = np.frexp(x)
    return np.ldexp(np.rint(mantissa * 256) / 256, exponent).astype(np.float32)


@to_bfloat16.accept
def bfloat16_in_float64(x):
    x = np.asarray(x, dtype=np.float64)
    step = 2.0 ** (np.floor(np.log2(np.where(x == 0, 1, np.abs(x)))) - 7)
    return np.round(x / step) * step


@to_bfloat16.accept
def bfloat16_by_remainder(x):
    bits = x.view(np.uint32).astype(np.int64)
    upper, lower = bits // 65536, bits % 65536
    upper = upper + ((lower > 32768) | ((lower == 32768) & (upper % 2 == 1)))
    return (upper * 65536).astype(np.uint32).view(np.float32)


# --- loss_scaling_step -----------------------------------------------------------------------------------------------


def scaling_cases(rng):
    def one(sizes, scale, good, interval, bad=()):
        grads = network(rng, *sizes)[1]
        for key, value in bad:
            grads[key][-1, -1] = value
        return case(grads=grads, scale=scale, good_steps=good, growth_interval=interval)

    return [
        one((3, 4, 2), 64.0, 2, 5), one((2, 3), 256.0, 4, 5), one((2, 3), 1024.0, 0, 3),
        one((3, 2), 512.0, 2, 4, [("dW1", np.inf)]), one((2, 3, 4, 1), 128.0, 1, 4, [("db2", np.nan)]),
        one((3, 4, 2), 32.0, 3, 4, [("db1", -np.inf)]), one((2, 4), 16.0, 6, 7),
    ]  # fmt: skip


@lesson.exercise(
    points=2,
    topic=100,
    equation="(9.26) and (9.27)",
    cases=scaling_cases,
    returns=("grads", "scale", "good_steps"),
    ask="By which scale were these gradients made, the old one or the new one? After which two events does the count start "
    "again at 0?",
    small={
        "grads": {"dW1": np.array([[512.0, -256.0]]), "db1": np.array([[128.0]])},
        "scale": 256.0,
        "good_steps": 1,
        "growth_interval": 2,
    },
    why={
        "question": "Why is a step with an infinite gradient left out?",
        "choices": {
            "a weight minus infinity is lost for good": "Yes: no later step brings it back.",
            "it would be too slow": "No: a step takes the same time.",
            "the scale is too small": "No: it is too large; it is halved.",
        },
    },
)
def loss_scaling_step(grads, scale, good_steps, growth_interval):
    """Undo the scale of gradients, or leave the step out, and say what the next scale is.

    Parameters
    ----------
    grads : dict
        ``"dW1"``, ``"db1"``, …: gradients of a loss that was multiplied by `scale`; entries may be infinite or nan.
    scale : float
    good_steps : int
        How many steps in a row have been finite since the scale changed.
    growth_interval : int
        After so many the scale is doubled.

    Returns
    -------
    grads : dict or None
        Divided by the old scale; None if an entry is not finite.
    scale : float
    good_steps : int

    References
    ----------
    P. Micikevicius and others, "Mixed precision training", 2017, arXiv:1710.03740.
    """
    if not all(np.isfinite(g).all() for g in grads.values()):
        return None, scale / 2, 0  # (9.27)
    grads = {key: g / scale for key, g in grads.items()}  # (9.26)
    good_steps = good_steps + 1
    if good_steps == growth_interval:
        return grads, scale * 2, 0  # (9.27)
    return grads, scale, good_steps


def scaling_with(
    grads, scale, good, interval, finite=None, shrink=0.5, grow=2.0, after_bad=0, after_growth=0, due=None, unscale=None
):
    """Run a step with other rules."""
    finite = finite or (lambda g: np.isfinite(g).all())
    if not all(finite(g) for g in grads.values()):
        return None, scale * shrink, after_bad(good) if callable(after_bad) else after_bad
    now = (good + 1 == interval) if due is None else due(good, interval)
    by = scale if unscale is None else unscale(scale, now)
    with np.errstate(all="ignore"):
        new = {key: g / by for key, g in grads.items()}
    if now:
        return new, scale * grow, after_growth(good) if callable(after_growth) else after_growth
    return new, scale, good + 1


def _never(g):
    return True


@loss_scaling_step.mistake(
    "The scale is halved, but the step is taken all the same: infinite gradients come back. Return None for them."
)
def scaling_step_taken(grads, scale, good_steps, growth_interval):
    right = loss_scaling_step(grads, scale, good_steps, growth_interval)
    return {key: g / scale for key, g in grads.items()}, *right[1:]


@loss_scaling_step.mistake(
    "Entries that are not finite are not noticed at all. Look at all entries with `np.isfinite`."
)
def scaling_not_noticed(*given):
    return scaling_with(*given, finite=_never)


@loss_scaling_step.mistake(
    "nan is not noticed: `np.isinf` and a comparison with the largest entry miss it. Use `np.isfinite`."
)
def scaling_misses_nan(*given):
    return scaling_with(*given, finite=lambda g: not np.isinf(g).any())


@loss_scaling_step.mistake("Infinity is not noticed: `np.isnan` does not see it. Use `np.isfinite`.")
def scaling_misses_infinity(*given):
    return scaling_with(*given, finite=lambda g: not np.isnan(g).any())


@loss_scaling_step.mistake("Minus infinity is not noticed. Look at the size of the entries, or use `np.isfinite`.")
def scaling_misses_minus_infinity(*given):
    return scaling_with(*given, finite=lambda g: not (np.isnan(g).any() or np.any(g == np.inf)))


@loss_scaling_step.mistake(
    "Only some arrays are looked at. One bad entry in any array, biases as well, spoils the step."
)
def scaling_weights_only(grads, scale, good_steps, growth_interval):
    bad = any(not np.isfinite(g).all() for key, g in grads.items() if key[1] == "W")
    return scaling_with(grads, scale, good_steps, growth_interval, finite=lambda g: not bad)


@loss_scaling_step.mistake("After a step that was left out the count goes on. It starts again at 0.")
def scaling_count_kept(*given):
    return scaling_with(*given, after_bad=lambda good: good)


@loss_scaling_step.mistake("A step that was left out is counted as a good one. The count starts again at 0.")
def scaling_bad_counted(*given):
    return scaling_with(*given, after_bad=lambda good: good + 1)


@loss_scaling_step.mistake(
    "After the scale has grown the count goes on, so it would grow no more. It starts again at 0."
)
def scaling_count_not_reset(*given):
    return scaling_with(*given, after_growth=lambda good: good + 1)


@loss_scaling_step.mistake("The count starts again at 1. It counts steps with the new scale: 0 so far.")
def scaling_count_from_one(*given):
    return scaling_with(*given, after_growth=1)


@loss_scaling_step.mistake("The scale is doubled after each good step. It waits for growth_interval of them in a row.")
def scaling_grows_each_step(*given):
    return scaling_with(*given, due=lambda good, interval: True, after_growth=lambda good: 0)


@loss_scaling_step.mistake(
    "The scale does not grow. After growth_interval good steps in a row, this one included, it is doubled: compare "
    "good_steps + 1."
)
def scaling_grows_late(*given):
    return scaling_with(*given, due=lambda good, interval: good == interval)


@loss_scaling_step.mistake("The gradients are divided by the new scale. They were made with the old one.")
def scaling_by_the_new(*given):
    return scaling_with(*given, unscale=lambda scale, now: 2 * scale if now else scale)


@loss_scaling_step.mistake("The gradients still hold the scale: divide them by it.")
def scaling_not_undone(*given):
    return scaling_with(*given, unscale=lambda scale, now: 1.0)


@loss_scaling_step.mistake("The gradients are multiplied by the scale again. Divide them by it.")
def scaling_twice(*given):
    return scaling_with(*given, unscale=lambda scale, now: 1 / scale)


@loss_scaling_step.mistake("After an overflow the scale is doubled. It was too large: halve it.")
def scaling_wrong_way(*given):
    return scaling_with(*given, shrink=2.0)


@loss_scaling_step.mistake("After an overflow the scale stays. Halve it.")
def scaling_not_halved(*given):
    return scaling_with(*given, shrink=1.0)


@loss_scaling_step.mistake("After good steps the scale is halved. It is doubled, so that small gradients survive.")
def scaling_shrinks_when_good(*given):
    return scaling_with(*given, grow=0.5)


@loss_scaling_step.mistake("The bad entries are set to 0 and the step is taken. Leave the whole step out: return None.")
def scaling_zeros(grads, scale, good_steps, growth_interval):
    right = loss_scaling_step(grads, scale, good_steps, growth_interval)
    return {key: np.where(np.isfinite(g), g, 0) / scale for key, g in grads.items()}, *right[1:]


@loss_scaling_step.mistake(
    "The result is right, but the caller's gradients have changed. Make new arrays: `g / scale`."
)
def scaling_in_place(grads, scale, good_steps, growth_interval):
    right = loss_scaling_step(grads, scale, good_steps, growth_interval)
    if right[0] is not None:
        for g in grads.values():
            g /= scale
    return right


@loss_scaling_step.accept("A sum of sizes is finite only if each entry is: infinity and nan survive every addition.")
def scaling_by_a_sum(grads, scale, good_steps, growth_interval):
    total = sum(np.abs(g).sum() for g in grads.values())
    if not total < np.inf:
        return None, 0.5 * scale, 0
    grown = good_steps + 1 >= growth_interval
    new = {key: g * (1 / scale) for key, g in grads.items()}
    return new, 2 * scale if grown else scale, 0 if grown else good_steps + 1


@loss_scaling_step.accept
def scaling_in_a_loop(grads, scale, good_steps, growth_interval):
    new = {}
    for key, g in grads.items():
        if np.isnan(g).any() or np.isinf(g).any():
            return None, scale / 2, 0
        new[key] = g / scale
    if good_steps < growth_interval - 1:
        return new, scale, good_steps + 1
    return new, scale * 2, 0
