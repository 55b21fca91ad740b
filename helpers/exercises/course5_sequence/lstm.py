"""Lesson 5.4, the LSTM: the catalogue of its four exercises. Equations are those of the notebook."""

import numpy as np
from scipy.special import expit, softmax

from helpers.exercises import Lesson, case

lesson = Lesson("lstm")
BLOCKS = ("f", "u", "o", "c")

lesson.predict(
    "left",
    "A cell holds 1. The weights are 0, and the bias of the forget gate is 1, so that it starts more open than half. How much of "
    "the 1 is left after 20 steps?",
    ("about 0.7", "about 0.002", "about 0.000001"),
    "Each step multiplies by σ(1) = 0.73, and 20 such factors make 0.002. With a bias of 0 they make a millionth.",
)
lesson.predict(
    "clauses",
    "An LSTM has learned to choose was or were in a stream of sentences. Where is the mean of its forget gates lowest?",
    ("inside a sentence, between subject and verb", "at the end of a sentence, and at the first word of the next one"),
    "What was stored for one verb must not reach the next one. So the cell is emptied between sentences and kept inside them.",
)
lesson.predict(
    "counters",
    "A plain network, a GRU and an LSTM, 4 units each, learn to continue n times a, n times b, for n up to 20. Five starts each. "
    "Which one is right up to the largest n, in the middle one of its starts?",
    ("the plain network", "the GRU", "the LSTM"),
    "A cell can go up by one step for each a without a bound. The states of the other two stay between -1 and 1.",
)

ONE = np.array([[1.0]])


def by_hand():
    """Return the parameters of the lesson's example by hand."""
    weights = {"f": [2.0, -1], "u": [-2.0, 1], "o": [4.0, -2], "c": [6.0, -3]}
    parameters = {f"W{name}": np.array([row]) for name, row in weights.items()}
    return (
        parameters | {f"b{name}": 0 * ONE for name in weights} | {"Wy": np.array([[0.0], [1]]), "by": np.zeros((2, 1))}
    )


def parameters_for(rng, n_x, n_a, n_y):
    """Return random parameters of an LSTM and its output."""
    parameters = {}
    for name in BLOCKS:
        parameters[f"W{name}"] = 0.7 * rng.normal(size=(n_a, n_a + n_x))
        parameters[f"b{name}"] = 0.7 * rng.normal(size=(n_a, 1))
    return parameters | {"Wy": rng.normal(size=(n_y, n_a)), "by": rng.normal(size=(n_y, 1))}


# --- lstm_cell_forward -----------------------------------------------------------------------------------------------


def cell_cases(rng):
    def one(n_x, n_a, n_y, m):
        return case(
            xt=rng.normal(size=(n_x, m)),
            a_prev=rng.normal(size=(n_a, m)),
            c_prev=2 * rng.normal(size=(n_a, m)),
            parameters=parameters_for(rng, n_x, n_a, n_y),
        )

    return [one(1, 2, 4, 3), one(3, 2, 4, 1), one(2, 2, 2, 2)]


@lesson.exercise(
    points=3,
    topic=56,
    equation="(4.6) to (4.12)",
    returns=("a_next", "c_next", "yt_pred", "cache"),
    cases=cell_cases,
    ask="Four blocks see the same column. Which of the four makes something that may be negative, and which gate multiplies it?",
    small={"xt": ONE, "a_prev": 0.5 * ONE, "c_prev": ONE, "parameters": by_hand()},
    why={
        "question": "Why does the state go through tanh once more, although the candidate already has one?",
        "choices": {
            "the cell is a sum over the steps and can leave the range from -1 to 1": "Yes: each candidate lies in that range, "
            "a sum of several need not.",
            "without it the state could not be negative": "No: the cell itself can be negative. It can also be large.",
            "the output gate needs values between 0 and 1": "No: tanh gives -1 to 1, and a gate multiplies anything.",
        },
    },
)
def lstm_cell_forward(xt, a_prev, c_prev, parameters):
    """Run one step of long short-term memory on m examples.

    Parameters
    ----------
    xt : ndarray, shape (n_x, m)
        The inputs of this step.
    a_prev : ndarray, shape (n_a, m)
        The states after the step before, which the gates look at.
    c_prev : ndarray, shape (n_a, m)
        The memory cells after the step before.
    parameters : dict
        ``"Wf"``, ``"Wu"``, ``"Wo"``, ``"Wc"``, each (n_a, n_a + n_x), for columns with the state above the input;
        ``"bf"``, ``"bu"``, ``"bo"``, ``"bc"``, each (n_a, 1); ``"Wy"`` (n_y, n_a), ``"by"`` (n_y, 1).

    Returns
    -------
    a_next : ndarray, shape (n_a, m)
        The states after this step.
    c_next : ndarray, shape (n_a, m)
        The memory cells after this step.
    yt_pred : ndarray, shape (n_y, m)
        Softmax over the rows: the entries of each column add up to 1.
    cache : tuple
        ``(a_next, c_next, a_prev, c_prev, gamma_f, gamma_u, gamma_o, c_tilde, xt, parameters)``.

    References
    ----------
    S. Hochreiter, J. Schmidhuber, "Long short-term memory", Neural Computation 9, 1997, doi:10.1162/neco.1997.9.8.1735.
    """
    stacked = np.concatenate([a_prev, xt])
    gamma_f = 1 / (1 + np.exp(-(parameters["Wf"] @ stacked + parameters["bf"])))  # (4.6)
    gamma_u = 1 / (1 + np.exp(-(parameters["Wu"] @ stacked + parameters["bu"])))  # (4.7)
    gamma_o = 1 / (1 + np.exp(-(parameters["Wo"] @ stacked + parameters["bo"])))  # (4.8)
    c_tilde = np.tanh(parameters["Wc"] @ stacked + parameters["bc"])  # (4.9)
    c_next = gamma_u * c_tilde + gamma_f * c_prev  # (4.10)
    a_next = gamma_o * np.tanh(c_next)  # (4.11)
    powers = np.exp(parameters["Wy"] @ a_next + parameters["by"])
    yt_pred = powers / powers.sum(axis=0, keepdims=True)  # (4.12)
    return a_next, c_next, yt_pred, (
        a_next, c_next, a_prev, c_prev, gamma_f, gamma_u, gamma_o, c_tilde, xt, parameters,
    )  # fmt: skip


def step_with(xt, a_prev, c_prev, parameters, **o):
    """Return one step; options replace the parameters, the state seen, activations, the sums or single gates."""
    p, seen = o.get("p", parameters), o.get("seen", a_prev)
    n_a = len(a_prev)
    z = {V: p[f"W{V}"][:, :n_a] @ seen + p[f"W{V}"][:, n_a:] @ xt + p[f"b{V}"] for V in BLOCKS}
    f, u, out = (o.get("squash", expit)(z[V]) for V in "fuo")
    new = o.get("g", np.tanh)(z["c"])
    if "gates" in o:
        f, u, out = o["gates"](f, u, out)
    c_next = o.get("mix", lambda f, u, new, old: u * new + f * old)(f, u, new, c_prev)
    a_next = o.get("out", lambda gate, c: gate * np.tanh(c))(out, c_next)
    scores = p["Wy"] @ a_next + p["by"]
    return a_next, c_next, softmax(scores, axis=0), (
        a_next, c_next, a_prev, c_prev, f, u, out, new, xt, parameters,
    )  # fmt: skip


@lstm_cell_forward.mistake("The tanh on c is missing. The state is Γ_o ∗ tanh(c_next), not Γ_o ∗ c_next.")
def no_tanh_on_c(xt, a_prev, c_prev, parameters):
    return step_with(xt, a_prev, c_prev, parameters, out=lambda gate, c: gate * c)


@lstm_cell_forward.mistake(
    "The old cell has the factor 1 - Γ_u. That is a GRU; here forgetting has a gate of its own: Γ_f ∗ c_prev."
)
def one_minus_update_for_forget(xt, a_prev, c_prev, parameters):
    return step_with(xt, a_prev, c_prev, parameters, mix=lambda f, u, new, old: u * new + (1 - u) * old)


@lstm_cell_forward.mistake(
    "The factor of the old cell is 1 - Γ_f. In spite of its name, an open forget gate keeps: Γ_f ∗ c_prev."
)
def forget_the_other_way(xt, a_prev, c_prev, parameters):
    return step_with(xt, a_prev, c_prev, parameters, mix=lambda f, u, new, old: u * new + (1 - f) * old)


@lstm_cell_forward.mistake("One bias works for all gates: bf. Each block adds its own: bf, bu, bo and bc.")
def forget_bias_for_all(xt, a_prev, c_prev, parameters):
    same = {f"b{V}": parameters["bf"] for V in BLOCKS}
    return step_with(xt, a_prev, c_prev, parameters, p=parameters | same)


@lstm_cell_forward.mistake("One bias works for all gates: bu. Each block adds its own: bf, bu, bo and bc.")
def update_bias_for_all(xt, a_prev, c_prev, parameters):
    same = {f"b{V}": parameters["bu"] for V in BLOCKS}
    return step_with(xt, a_prev, c_prev, parameters, p=parameters | same)


@lstm_cell_forward.mistake("The biases of the gates and of the candidate are missing: add bf, bu, bo and bc.")
def without_biases(xt, a_prev, c_prev, parameters):
    return step_with(xt, a_prev, c_prev, parameters, p=parameters | {f"b{V}": 0 for V in BLOCKS})


@lstm_cell_forward.mistake("All blocks use Wf and bf. Each has its own weights: Wf, Wu, Wo and Wc.")
def one_set_of_weights(xt, a_prev, c_prev, parameters):
    same = {f"{kind}{V}": parameters[f"{kind}f"] for kind in "Wb" for V in BLOCKS}
    return step_with(xt, a_prev, c_prev, parameters, p=parameters | same)


@lstm_cell_forward.mistake("The gates look at c_prev. Stack the state a_prev above the input: [a_prev; xt].")
def gates_see_the_cell(xt, a_prev, c_prev, parameters):
    return step_with(xt, a_prev, c_prev, parameters, seen=c_prev)


@lstm_cell_forward.mistake(
    "The input stands above the state in your stacked column. The weights are for [a_prev; xt], state first."
)
def input_stacked_first(xt, a_prev, c_prev, parameters):
    k = len(xt)
    turned = {f"W{V}": np.hstack([parameters[f"W{V}"][:, k:], parameters[f"W{V}"][:, :k]]) for V in BLOCKS}
    return step_with(xt, a_prev, c_prev, parameters, p=parameters | turned)


@lstm_cell_forward.mistake(
    "Γ_f and Γ_u have changed places. Γ_u goes with the candidate, Γ_f with the old cell (4.10)."
)
def forget_and_update_swapped(xt, a_prev, c_prev, parameters):
    return step_with(xt, a_prev, c_prev, parameters, mix=lambda f, u, new, old: f * new + u * old)


@lstm_cell_forward.mistake("The part that is kept is missing. Add Γ_f ∗ c_prev, else nothing is remembered.")
def nothing_kept(xt, a_prev, c_prev, parameters):
    return step_with(xt, a_prev, c_prev, parameters, mix=lambda f, u, new, old: u * new)


@lstm_cell_forward.mistake("All of c_prev is kept: its factor Γ_f is missing, so nothing is ever forgotten.")
def nothing_forgotten(xt, a_prev, c_prev, parameters):
    return step_with(xt, a_prev, c_prev, parameters, mix=lambda f, u, new, old: u * new + old)


@lstm_cell_forward.mistake("The candidate is written in full. Its factor Γ_u is missing.")
def everything_written(xt, a_prev, c_prev, parameters):
    return step_with(xt, a_prev, c_prev, parameters, mix=lambda f, u, new, old: new + f * old)


@lstm_cell_forward.mistake("The gates are made with tanh. A gate lies between 0 and 1: use the sigmoid.")
def gates_with_tanh(xt, a_prev, c_prev, parameters):
    return step_with(xt, a_prev, c_prev, parameters, squash=np.tanh)


@lstm_cell_forward.mistake("The gates are plain sums. Their sigmoid is missing.")
def gates_without_sigmoid(xt, a_prev, c_prev, parameters):
    return step_with(xt, a_prev, c_prev, parameters, squash=lambda z: z)


@lstm_cell_forward.mistake("The sign in the exponent of your sigmoid is wrong: σ(z) = 1 / (1 + exp(-z)).")
def sigmoid_falls(xt, a_prev, c_prev, parameters):
    return step_with(xt, a_prev, c_prev, parameters, squash=lambda z: expit(-z))


@lstm_cell_forward.mistake("The candidate is made with a sigmoid. Its activation is tanh, so that it can be negative.")
def candidate_with_sigmoid(xt, a_prev, c_prev, parameters):
    return step_with(xt, a_prev, c_prev, parameters, g=expit)


@lstm_cell_forward.mistake("The candidate is a plain sum. Its tanh is missing.")
def candidate_without_tanh(xt, a_prev, c_prev, parameters):
    return step_with(xt, a_prev, c_prev, parameters, g=lambda z: z)


@lstm_cell_forward.mistake("The output gate is missing in the state: a_next = Γ_o ∗ tanh(c_next).")
def output_gate_missing(xt, a_prev, c_prev, parameters):
    return step_with(xt, a_prev, c_prev, parameters, out=lambda gate, c: np.tanh(c))


@lstm_cell_forward.mistake("The output gate is inside the tanh. It multiplies afterwards: Γ_o ∗ tanh(c_next).")
def output_gate_inside(xt, a_prev, c_prev, parameters):
    return step_with(xt, a_prev, c_prev, parameters, out=lambda gate, c: np.tanh(gate * c))


@lstm_cell_forward.mistake("The state is made from c_prev. It shows the new cell: Γ_o ∗ tanh(c_next).")
def state_from_the_old_cell(xt, a_prev, c_prev, parameters):
    return step_with(xt, a_prev, c_prev, parameters, out=lambda gate, c: gate * np.tanh(c_prev))


@lstm_cell_forward.mistake("The output is made from the cell c_next. It sees the state only: W_y a_next + b_y.")
def output_from_the_cell(xt, a_prev, c_prev, parameters):
    a_next, c_next, _, cache = step_with(xt, a_prev, c_prev, parameters)
    return a_next, c_next, softmax(parameters["Wy"] @ c_next + parameters["by"], axis=0), cache


@lstm_cell_forward.mistake("yt_pred holds the scores. The softmax (4.12) is missing.")
def scores_as_output(xt, a_prev, c_prev, parameters):
    a_next, c_next, _, cache = step_with(xt, a_prev, c_prev, parameters)
    return a_next, c_next, parameters["Wy"] @ a_next + parameters["by"], cache


@lstm_cell_forward.mistake(
    "Your softmax adds up over all entries. Each example has its own softmax: sum over the rows, `axis=0`."
)
def softmax_over_everything(xt, a_prev, c_prev, parameters):
    a_next, c_next, _, cache = step_with(xt, a_prev, c_prev, parameters)
    return a_next, c_next, softmax(parameters["Wy"] @ a_next + parameters["by"]), cache


@lstm_cell_forward.mistake("a_next and c_next are swapped in what you return: first the state, then the cell.")
def state_and_cell_swapped(xt, a_prev, c_prev, parameters):
    a_next, c_next, yt_pred, cache = step_with(xt, a_prev, c_prev, parameters)
    return c_next, a_next, yt_pred, cache


@lstm_cell_forward.mistake(
    "Γ_f and Γ_u are swapped in the cache. After c_prev come gamma_f, gamma_u, gamma_o, c_tilde."
)
def gates_swapped_in_cache(xt, a_prev, c_prev, parameters):
    *results, cache = step_with(xt, a_prev, c_prev, parameters)
    return *results, (*cache[:4], cache[5], cache[4], *cache[6:])


@lstm_cell_forward.mistake("The bias bf of the forget gate is missing.")
def bias_of_forget_gate_missing(xt, a_prev, c_prev, parameters):
    return step_with(xt, a_prev, c_prev, parameters, p=parameters | {"bf": 0})


@lstm_cell_forward.mistake("The bias bu of the update gate is missing.")
def bias_of_update_gate_missing(xt, a_prev, c_prev, parameters):
    return step_with(xt, a_prev, c_prev, parameters, p=parameters | {"bu": 0})


@lstm_cell_forward.mistake("The bias bo of the output gate is missing.")
def bias_of_output_gate_missing(xt, a_prev, c_prev, parameters):
    return step_with(xt, a_prev, c_prev, parameters, p=parameters | {"bo": 0})


@lstm_cell_forward.mistake("The bias bc of the candidate is missing.")
def bias_of_candidate_missing(xt, a_prev, c_prev, parameters):
    return step_with(xt, a_prev, c_prev, parameters, p=parameters | {"bc": 0})


def bias_of_another(name, other):
    def another_bias(xt, a_prev, c_prev, parameters):
        return step_with(xt, a_prev, c_prev, parameters, p=parameters | {f"b{name}": parameters[f"b{other}"]})

    another_bias.__name__ = f"bias_of_{other}_in_{name}"
    return another_bias


for _name, _other, _part in (
    ("f", "u", "forget gate"), ("u", "f", "update gate"), ("o", "f", "output gate"), ("c", "u", "candidate"),
):  # fmt: skip
    lstm_cell_forward.mistake(f"The {_part} has the bias b{_other}. It has its own: b{_name}.")(
        bias_of_another(_name, _other)
    )


def one_gate_with(gate, squash):
    def one_gate(xt, a_prev, c_prev, parameters):
        z = parameters[f"W{gate}"] @ np.vstack([a_prev, xt]) + parameters[f"b{gate}"]
        return step_with(
            xt, a_prev, c_prev, parameters,
            gates=lambda *all_gates: [squash(z) if gate == V else g for V, g in zip("fuo", all_gates, strict=True)],
        )  # fmt: skip

    one_gate.__name__ = f"gate_{gate}_with_{squash.__name__}"
    return one_gate


for _name, _part in (("f", "forget"), ("u", "update"), ("o", "output")):
    lstm_cell_forward.mistake(f"The sigmoid of the {_part} gate is missing: Γ_{_name} lies between 0 and 1.")(
        one_gate_with(_name, np.positive)
    )
    lstm_cell_forward.mistake(f"The {_part} gate Γ_{_name} is made with tanh. A gate is made with the sigmoid.")(
        one_gate_with(_name, np.tanh)
    )


@lstm_cell_forward.mistake("What is kept is a_prev. The forget gate multiplies the memory cell: Γ_f ∗ c_prev.")
def old_state_kept(xt, a_prev, c_prev, parameters):
    *results, cache = step_with(xt, a_prev, a_prev, parameters)
    return *results, (*cache[:3], c_prev, *cache[4:])


@lstm_cell_forward.mistake(
    "Your softmax adds up over the examples. Each column is one example: sum over the rows, `axis=0`."
)
def softmax_over_the_examples(xt, a_prev, c_prev, parameters):
    a_next, c_next, _, cache = step_with(xt, a_prev, c_prev, parameters)
    return a_next, c_next, softmax(parameters["Wy"] @ a_next + parameters["by"], axis=1), cache


@lstm_cell_forward.accept
def cell_with_blocks_apart(xt, a_prev, c_prev, parameters):
    return step_with(xt, a_prev, c_prev, parameters)


@lstm_cell_forward.accept(
    "All four blocks in one product: the matrices stand above one another, and the result is cut into four. It is faster, "
    "since one large product costs less than four small ones."
)
def cell_with_all_blocks_at_once(xt, a_prev, c_prev, parameters):
    W, b = (np.vstack([parameters[kind + V] for V in BLOCKS]) for kind in "Wb")
    z = W @ np.vstack([a_prev, xt]) + b
    f, u, out, new = np.split(z, 4)
    f, u, out = (0.5 + 0.5 * np.tanh(0.5 * part) for part in (f, u, out))
    new = 2 * expit(2 * new) - 1
    c_next = f * c_prev + u * new
    a_next = np.multiply(out, 1 - 2 / (1 + np.exp(2 * c_next)))
    y = softmax(parameters["Wy"] @ a_next + parameters["by"], axis=0)
    return a_next, c_next, y, (a_next, c_next, a_prev, c_prev, f, u, out, new, xt, parameters)


@lstm_cell_forward.accept
def cell_example_by_example(xt, a_prev, c_prev, parameters):
    p, columns = parameters, []
    for x, a, c in zip(xt.T, a_prev.T, c_prev.T, strict=True):
        f, u, out, z = (np.einsum("ij,j->i", p[f"W{V}"], np.r_[a, x]) + p[f"b{V}"][:, 0] for V in BLOCKS)
        f, u, out, new = expit(f), expit(u), expit(out), np.tanh(z)
        c = u * new + f * c
        a = out * np.tanh(c)
        e = np.exp(p["Wy"] @ a + p["by"][:, 0])
        columns.append((a, c, e / e.sum(), f, u, out, new))
    a, c, y, *rest = (np.stack(part, axis=1) for part in zip(*columns, strict=True))
    return a, c, y, (a, c, a_prev, c_prev, *rest, xt, parameters)


# --- lstm_forward ----------------------------------------------------------------------------------------------------


def forward_cases(rng):
    def one(n_x, m, T_x, n_a, n_y):
        return case(
            x=rng.normal(size=(n_x, m, T_x)),
            a0=rng.normal(size=(n_a, m)),
            parameters=parameters_for(rng, n_x, n_a, n_y),
        )

    return [one(1, 2, 3, 2, 4), one(2, 1, 2, 3, 2), one(3, 2, 1, 1, 4), one(2, 1, 1, 1, 2)]


@lesson.exercise(
    points=2,
    topic=56,
    equation="(4.13)",
    returns=("a", "y", "c", "caches"),
    cases=forward_cases,
    ask="Two things go from one step to the next. With what does each of them start?",
    small={"x": np.array([[[1.0, 0.0]]]), "a0": 0.5 * ONE, "parameters": by_hand() | {"bc": ONE}},
)
def lstm_forward(x, a0, parameters):
    """Run an LSTM over whole sequences; the memory cells start at 0.

    Parameters
    ----------
    x : ndarray, shape (n_x, m, T_x)
    a0 : ndarray, shape (n_a, m)
        The states before the first step.
    parameters : dict
        As for `lstm_cell_forward`; the same for each step.

    Returns
    -------
    a : ndarray, shape (n_a, m, T_x)
        The states after each step.
    y : ndarray, shape (n_y, m, T_x)
    c : ndarray, shape (n_a, m, T_x)
        The memory cells after each step.
    caches : tuple
        The list of the caches of the steps, and x.
    """
    a_next, c_next, steps = a0, np.zeros(a0.shape), []
    for t in range(x.shape[2]):
        steps.append(lstm_cell_forward(x[:, :, t], a_next, c_next, parameters))  # (4.13)
        a_next, c_next = steps[-1][:2]
    a, c, y = (np.stack([step[k] for step in steps], axis=2) for k in range(3))
    return a, y, c, ([step[3] for step in steps], x)


def unrolled(inputs, parameters, x, start, before=lambda a, c: (a, c)):
    """Return the results of steps; ``before(a, c)`` is what the next step starts from, `start` what the first does."""
    a, c = start
    steps = []
    for xt in inputs:
        steps.append(lstm_cell_forward(xt, a, c, parameters))
        a, c = before(*steps[-1][:2])
    return (*(np.dstack([step[k] for step in steps]) for k in (0, 2, 1)), ([step[3] for step in steps], x))


def in_order(x):
    """Return the inputs of the steps, each (n_x, m)."""
    return list(np.moveaxis(x, 2, 0))


@lstm_forward.mistake("Each step starts from a0. Pass on the state of the step before, and the cell with it.")
def a0_at_every_step(x, a0, parameters):
    return unrolled(in_order(x), parameters, x, (a0, 0 * a0), lambda a, c: (a0, c))


@lstm_forward.mistake("The cell is 0 before each step, so nothing is kept in it. Pass on c_next of the step before.")
def cell_of_zeros_at_every_step(x, a0, parameters):
    return unrolled(in_order(x), parameters, x, (a0, 0 * a0), lambda a, c: (a, 0 * c))


@lstm_forward.mistake("Each step starts from a0 and zeros. Pass on both, a_next and c_next, of the step before.")
def start_at_every_step(x, a0, parameters):
    return unrolled(in_order(x), parameters, x, (a0, 0 * a0), lambda a, c: (a0, 0 * c))


@lstm_forward.mistake("The memory cell starts as a0. It starts as zeros; a0 is the state alone.")
def cell_starts_as_a0(x, a0, parameters):
    return unrolled(in_order(x), parameters, x, (a0, a0))


@lstm_forward.mistake("Your first state does not depend on a0: you start from zeros. Start from the a0 passed in.")
def zeros_for_a0(x, a0, parameters):
    return unrolled(in_order(x), parameters, x, (0 * a0, 0 * a0))


@lstm_forward.mistake("a_next is passed on as the cell, too. State and cell are two memories: pass on c_next.")
def state_as_cell(x, a0, parameters):
    return unrolled(in_order(x), parameters, x, (a0, 0 * a0), lambda a, c: (a, a))


@lstm_forward.mistake("c_next is passed on as the state, too. The next step's gates look at a_next.")
def cell_as_state(x, a0, parameters):
    return unrolled(in_order(x), parameters, x, (a0, 0 * a0), lambda a, c: (c, c))


@lstm_forward.mistake("State and cell change places between the steps. The order is xt, a_prev, c_prev.")
def passed_on_swapped(x, a0, parameters):
    return unrolled(in_order(x), parameters, x, (a0, 0 * a0), lambda a, c: (c, a))


@lstm_forward.mistake("Each step reads the first input. Step t reads `x[:, :, t]`.")
def first_input_at_every_step(x, a0, parameters):
    return unrolled([x[..., 0]] * x.shape[2], parameters, x, (a0, 0 * a0))


@lstm_forward.mistake("The time order is wrong: you walk from the last step to the first. Forward, t grows.")
def walked_from_the_end(x, a0, parameters):
    return unrolled(in_order(x)[::-1], parameters, x, (a0, 0 * a0))


@lstm_forward.mistake("a and c are swapped in what you return. The order is a, y, c, caches.")
def states_and_cells_swapped(x, a0, parameters):
    a, y, c, caches = lstm_forward(x, a0, parameters)
    return c, y, a, caches


@lstm_forward.mistake("y and c are swapped in what you return. The order is a, y, c, caches.")
def outputs_and_cells_swapped(x, a0, parameters):
    a, y, c, caches = lstm_forward(x, a0, parameters)
    return a, c, y, caches


@lstm_forward.mistake("Time is the first axis of your results. Stack them along the last one: (n_a, m, T_x).")
def time_first(x, a0, parameters):
    a, y, c, caches = lstm_forward(x, a0, parameters)
    return *(np.moveaxis(part, 2, 0) for part in (a, y, c)), caches


@lstm_forward.mistake("Entry t of a and c is what was there before step t. Store a_next and c_next.")
def states_shifted(x, a0, parameters):
    a, y, c, caches = lstm_forward(x, a0, parameters)
    return np.dstack([a0, a[..., :-1]]), y, np.dstack([0 * a0, c[..., :-1]]), caches


@lstm_forward.mistake("The arrays a and c begin with the start. They hold what is there after each step, T_x entries.")
def start_in_the_result(x, a0, parameters):
    a, y, c, caches = lstm_forward(x, a0, parameters)
    return np.dstack([a0, a]), y, np.dstack([0 * a0, c]), caches


@lstm_forward.mistake("Only the last step is returned. Return states, outputs and cells of all steps.")
def only_the_last_step(x, a0, parameters):
    a, y, c, caches = lstm_forward(x, a0, parameters)
    return a[..., -1], y[..., -1], c[..., -1], caches


@lstm_forward.mistake("The last step is missing: its entries stay 0. The loop is `for t in range(T_x)`.")
def last_step_missing(x, a0, parameters):
    a, y, c, (caches, _) = lstm_forward(x, a0, parameters)
    for part in (a, y, c):
        part[..., -1] = 0
    return a, y, c, (caches[:-1], x)


@lstm_forward.mistake("caches is the list alone. Return the pair `(caches, x)`.")
def caches_without_x(x, a0, parameters):
    *results, (caches, _) = lstm_forward(x, a0, parameters)
    return *results, caches


@lstm_forward.accept
def forward_by_unrolling(x, a0, parameters):
    return unrolled(in_order(x), parameters, x, (a0, 0 * a0))


@lstm_forward.accept
def forward_by_filling(x, a0, parameters):
    _, m, T_x = x.shape
    n_y, n_a = parameters["Wy"].shape
    a, y, c, caches = np.zeros((n_a, m, T_x)), np.zeros((n_y, m, T_x)), np.zeros((n_a, m, T_x)), []
    a_next, c_next = a0, np.zeros((n_a, m))
    for t in range(T_x):
        a_next, c_next, y[:, :, t], cache = lstm_cell_forward(x[:, :, t], a_next, c_next, parameters)
        a[:, :, t], c[:, :, t] = a_next, c_next
        caches.append(cache)
    return a, y, c, (caches, x)


@lstm_forward.accept(
    "No loop: the steps up to t are those up to t - 1 and one more. A stack of calls stands for the loop."
)
def forward_by_recursion(x, a0, parameters):
    def after(t):
        if t < 0:
            return [(a0, np.zeros_like(a0))]
        steps = after(t - 1)
        return [*steps, lstm_cell_forward(x[..., t], *steps[-1][:2], parameters)]

    steps = after(x.shape[2] - 1)[1:]
    a, c, y, caches = zip(*steps, strict=True)
    return np.dstack(a), np.dstack(y), np.dstack(c), (list(caches), x)


# --- lstm_cell_backward ----------------------------------------------------------------------------------------------


def cell_backward_cases(rng):
    def one(n_x, n_a, n_y, m):
        xt, a_prev, c_prev = rng.normal(size=(n_x, m)), rng.normal(size=(n_a, m)), 2 * rng.normal(size=(n_a, m))
        cache = lstm_cell_forward(xt, a_prev, c_prev, parameters_for(rng, n_x, n_a, n_y))[3]
        return case(da_next=rng.normal(size=(n_a, m)), dc_next=rng.normal(size=(n_a, m)), cache=cache)

    return [one(1, 2, 4, 3), one(3, 2, 4, 1), one(2, 2, 2, 2)]


@lesson.exercise(
    points=5,
    topic=56,
    equation="(4.14) to (4.22)",
    cases=cell_backward_cases,
    backward=True,
    ask="Along which two paths does something arrive at the new cell, and which of the four blocks does not get its gradient "
    "from the cell?",
    small={
        "da_next": ONE,
        "dc_next": 0 * ONE,
        "cache": lstm_cell_forward.reference(ONE, 0.5 * ONE, ONE, by_hand())[3],
    },
)
def lstm_cell_backward(da_next, dc_next, cache):
    """Send the gradients back through one step of an LSTM. Each ``dV`` is the derivative of the cost J by V.

    Parameters
    ----------
    da_next : ndarray, shape (n_a, m)
        All that arrives at the state after this step.
    dc_next : ndarray, shape (n_a, m)
        What the step after this one sends to the memory cell, without the way through the state.
    cache : tuple
        From `lstm_cell_forward`.

    Returns
    -------
    gradients : dict
        ``"dxt"`` (n_x, m), ``"da_prev"`` and ``"dc_prev"`` (n_a, m); ``"dWf"``, ``"dWu"``, ``"dWo"``, ``"dWc"``, each
        (n_a, n_a + n_x); ``"dbf"``, ``"dbu"``, ``"dbo"``, ``"dbc"``, each (n_a, 1). The output Wy, by lies outside.
    """
    _, c_next, a_prev, c_prev, gamma_f, gamma_u, gamma_o, c_tilde, xt, parameters = cache
    squashed, n_a = np.tanh(c_next), len(a_prev)
    dz_o = da_next * squashed * gamma_o * (1 - gamma_o)  # (4.14)
    dc = dc_next + da_next * gamma_o * (1 - squashed**2)  # (4.15)
    dz_f = dc * c_prev * gamma_f * (1 - gamma_f)  # (4.16)
    dz_u = dc * c_tilde * gamma_u * (1 - gamma_u)  # (4.17)
    dz_c = dc * gamma_u * (1 - c_tilde**2)  # (4.18)
    stacked = np.concatenate([a_prev, xt])
    dstacked, gradients = 0, {"dc_prev": dc * gamma_f}  # (4.19)
    for name, dz in (("f", dz_f), ("u", dz_u), ("o", dz_o), ("c", dz_c)):
        dstacked = dstacked + parameters[f"W{name}"].T @ dz  # (4.20)
        gradients[f"dW{name}"] = dz @ stacked.T  # (4.21)
        gradients[f"db{name}"] = dz.sum(axis=1, keepdims=True)  # (4.22)
    return gradients | {"da_prev": dstacked[:n_a], "dxt": dstacked[n_a:]}


def back_with(da_next, dc_next, cache, **o):
    """Return the gradients of one step; options leave out or change a part."""
    _, c_next, a, c, f, u, out, new, x, p = cache
    n, m = len(a), a.shape[1]

    def slope(g):
        return o.get("slope", lambda g: g - g**2)(g)

    shown = o.get("shown", np.tanh(c_next))
    dc = o.get("add", lambda own, later: own + later)(
        da_next * o.get("out", out) * o.get("steep", 1 - shown**2), dc_next
    )
    dz = {
        "f": dc * o.get("forget_by", c) * o.get("slope_f", slope(f)),
        "u": dc * o.get("update_by", new) * o.get("slope_u", slope(u)),
        "o": da_next * shown * o.get("slope_o", slope(out)),
        "c": dc * o.get("write", u) * o.get("tanh_slope", lambda g: 1 - g**2)(new),
    }
    if o.get("bracket_missing"):  # the slope of the candidate's tanh reaches one of the two terms only
        dz["c"] = u * (dc_next + (dc - dc_next) * (1 - new**2))
    to_a = {V: p[f"W{V}"][:, :n].T @ dz[V] for V in BLOCKS}
    to_x = {V: p[f"W{V}"][:, n:].T @ dz[V] for V in BLOCKS}
    gradients = {
        "dc_prev": o.get("cell_from", dc) * o.get("keep", f),
        "da_prev": sum(part for V, part in to_a.items() if V not in o.get("without", "")),
        "dxt": sum(part for V, part in to_x.items() if V not in o.get("x_without", "")),
    }
    column = np.vstack([x, a] if o.get("input_first") else [o.get("column", a), x])
    for V in BLOCKS:
        gradients[f"dW{V}"] = dz[V] @ column.T / (m if o.get("mean") else 1)
        gradients[f"db{V}"] = np.sum(dz[V], axis=1, keepdims=True) / (m if o.get("mean") else 1)
    return gradients


@lstm_cell_backward.mistake(
    "dc_next is not passed on. At the cell arrives what the later step sends, dc_next, and what comes through a_next: "
    "add both."
)
def dc_next_not_used(da_next, dc_next, cache):
    return back_with(da_next, dc_next, cache, add=lambda own, later: own)


@lstm_cell_backward.mistake(
    "The way from the state to the cell is missing. a_next was made from c_next: add da_next ∗ Γ_o ∗ (1 - tanh²(c_next))."
)
def way_through_the_state_missing(da_next, dc_next, cache):
    return back_with(da_next, dc_next, cache, add=lambda own, later: later)


@lstm_cell_backward.mistake(
    "These are the gradients of a = Γ_o ∗ c, without the tanh. With tanh(c) the gate gets tanh(c_next) and the cell the "
    "factor 1 - tanh²(c_next)."
)
def gradients_of_the_slip(da_next, dc_next, cache):
    return back_with(da_next, dc_next, cache, shown=cache[1], steep=1)


@lstm_cell_backward.mistake("On the way from the state to the cell the derivative 1 - tanh²(c_next) is missing.")
def slope_on_the_cell_missing(da_next, dc_next, cache):
    return back_with(da_next, dc_next, cache, steep=1)


@lstm_cell_backward.mistake("The derivative of tanh(c_next) is 1 - tanh²(c_next). You have 1 - c_next².")
def slope_from_the_cell_itself(da_next, dc_next, cache):
    return back_with(da_next, dc_next, cache, steep=1 - cache[1] ** 2)


@lstm_cell_backward.mistake("The derivative of tanh(c_next) is 1 - tanh²(c_next). You have 1 - a_next².")
def slope_from_the_state(da_next, dc_next, cache):
    return back_with(da_next, dc_next, cache, steep=1 - cache[0] ** 2)


@lstm_cell_backward.mistake("On the way from the state to the cell the factor Γ_o is missing.")
def output_gate_missing_on_the_way(da_next, dc_next, cache):
    return back_with(da_next, dc_next, cache, out=1)


@lstm_cell_backward.mistake("dΓ_o has the factor c_next. The gate multiplies tanh(c_next).")
def output_gate_by_the_cell(da_next, dc_next, cache):
    _, c_next, *_, out, _, _, _ = cache
    return back_with(da_next, dc_next, cache, shown=c_next, steep=1 - np.tanh(c_next) ** 2)


@lstm_cell_backward.mistake("dc_prev is made from dc_next alone. Take all that arrives at the cell (4.15), times Γ_f.")
def old_cell_from_dc_next_alone(da_next, dc_next, cache):
    return back_with(da_next, dc_next, cache, cell_from=dc_next)


@lstm_cell_backward.mistake("dc_prev lacks the factor Γ_f: c_prev was multiplied by it.")
def forget_gate_missing_on_the_way(da_next, dc_next, cache):
    return back_with(da_next, dc_next, cache, keep=1)


@lstm_cell_backward.mistake("dc_prev has the factor 1 - Γ_u, as in a GRU. Here the old cell's factor is Γ_f.")
def one_minus_update_on_the_way(da_next, dc_next, cache):
    return back_with(da_next, dc_next, cache, keep=1 - cache[5])


@lstm_cell_backward.mistake(
    "dΓ_f and dΓ_u have each other's factor. Γ_f multiplies c_prev, Γ_u multiplies c_tilde: dΓ_f = dc ∗ c_prev."
)
def factors_of_gates_swapped(da_next, dc_next, cache):
    return back_with(da_next, dc_next, cache, forget_by=cache[7], update_by=cache[3])


@lstm_cell_backward.mistake("dΓ_f has the factor a_prev. The forget gate multiplies the cell c_prev.")
def forget_gate_by_the_state(da_next, dc_next, cache):
    return back_with(da_next, dc_next, cache, forget_by=cache[2])


@lstm_cell_backward.mistake("The derivative of the gates' sigmoid is missing: Γ (1 - Γ).")
def slope_of_gates_missing(da_next, dc_next, cache):
    return back_with(da_next, dc_next, cache, slope=lambda g: 1)


@lstm_cell_backward.mistake("The gates have the derivative of tanh. They are sigmoids: Γ (1 - Γ).")
def tanh_slope_for_gates(da_next, dc_next, cache):
    return back_with(da_next, dc_next, cache, slope=lambda g: 1 - g**2)


@lstm_cell_backward.mistake("The derivative of the candidate's tanh is missing: 1 - c_tilde².")
def slope_of_candidate_missing(da_next, dc_next, cache):
    return back_with(da_next, dc_next, cache, tanh_slope=lambda g: 1)


@lstm_cell_backward.mistake("The candidate has the derivative of a sigmoid. It is a tanh: 1 - c_tilde².")
def sigmoid_slope_for_candidate(da_next, dc_next, cache):
    return back_with(da_next, dc_next, cache, tanh_slope=lambda g: g - g**2)


@lstm_cell_backward.mistake(
    "dc_next is counted twice, and the way through the state is missing: at the cell arrives dc_next plus "
    "da_next ∗ Γ_o ∗ (1 - tanh²(c_next))."
)
def dc_next_twice(da_next, dc_next, cache):
    return back_with(da_next, dc_next, cache, add=lambda own, later: 2 * later)


@lstm_cell_backward.mistake(
    "The halves of the stacked gradient are exchanged: its upper n_a rows are da_prev, its lower n_x rows dxt."
)
def halves_exchanged(da_next, dc_next, cache):
    gradients = back_with(da_next, dc_next, cache)
    both = np.vstack([gradients["da_prev"], gradients["dxt"]])
    return gradients | {"dxt": both[: len(gradients["dxt"])], "da_prev": both[len(gradients["dxt"]) :]}


def without_block(name):
    def one_product_missing(da_next, dc_next, cache):
        return back_with(da_next, dc_next, cache, without=name, x_without=name)

    one_product_missing.__name__ = f"product_of_{name}_missing"
    return one_product_missing


for _name, _part in (("f", "forget gate"), ("u", "update gate"), ("o", "output gate"), ("c", "candidate")):
    lstm_cell_backward.mistake(
        f"da_prev and dxt lack the part of the {_part}, W{_name}ᵀ dz_{_name}. All four blocks saw state and input."
    )(without_block(_name))


@lstm_cell_backward.mistake("The candidate's gradient lacks the factor Γ_u: so much of it was written.")
def update_gate_missing(da_next, dc_next, cache):
    return back_with(da_next, dc_next, cache, write=1)


@lstm_cell_backward.mistake("da_prev has the candidate's part only. a_prev made all three gates, too: four parts.")
def state_through_candidate_only(da_next, dc_next, cache):
    return back_with(da_next, dc_next, cache, without="fuo", x_without="fuo")


@lstm_cell_backward.mistake("da_prev lacks the part of the forget gate: add the upper rows of Wfᵀ dz_f.")
def state_without_forget_gate(da_next, dc_next, cache):
    return back_with(da_next, dc_next, cache, without="f")


@lstm_cell_backward.mistake("da_prev lacks the part of the output gate: add the upper rows of Woᵀ dz_o.")
def state_without_output_gate(da_next, dc_next, cache):
    return back_with(da_next, dc_next, cache, without="o")


@lstm_cell_backward.mistake("dxt lacks the parts of the gates. xt went into all four blocks: four parts.")
def input_through_candidate_only(da_next, dc_next, cache):
    return back_with(da_next, dc_next, cache, x_without="fuo")


@lstm_cell_backward.mistake("In the gradients of weights the column is [c_prev; xt]. The weights saw [a_prev; xt].")
def column_with_the_cell(da_next, dc_next, cache):
    return back_with(da_next, dc_next, cache, column=cache[3])


@lstm_cell_backward.mistake(
    "The gradients of weights and biases are divided by m. From course 4 on, 1/m is already in what arrives: add up."
)
def divided_by_m(da_next, dc_next, cache):
    return back_with(da_next, dc_next, cache, mean=True)


@lstm_cell_backward.mistake("da_prev and dc_prev are swapped. The state's gradient comes from the four matrices.")
def state_and_cell_gradients_swapped(da_next, dc_next, cache):
    gradients = back_with(da_next, dc_next, cache)
    return gradients | {"da_prev": gradients["dc_prev"], "dc_prev": gradients["da_prev"]}


@lstm_cell_backward.mistake("dΓ_f has the factor c_next. The forget gate multiplied the cell before the step, c_prev.")
def forget_gate_by_the_new_cell(da_next, dc_next, cache):
    return back_with(da_next, dc_next, cache, forget_by=cache[1])


@lstm_cell_backward.mistake("dΓ_f lacks the factor c_prev: the forget gate was multiplied by it.")
def factor_of_forget_gate_missing(da_next, dc_next, cache):
    return back_with(da_next, dc_next, cache, forget_by=1)


@lstm_cell_backward.mistake("dΓ_u lacks the factor c_tilde: the update gate was multiplied by it.")
def factor_of_update_gate_missing(da_next, dc_next, cache):
    return back_with(da_next, dc_next, cache, update_by=1)


@lstm_cell_backward.mistake("The derivative of the sigmoid is missing at the forget gate alone: Γ_f (1 - Γ_f).")
def slope_of_forget_gate_missing(da_next, dc_next, cache):
    return back_with(da_next, dc_next, cache, slope_f=1)


@lstm_cell_backward.mistake("The derivative of the sigmoid is missing at the update gate alone: Γ_u (1 - Γ_u).")
def slope_of_update_gate_missing(da_next, dc_next, cache):
    return back_with(da_next, dc_next, cache, slope_u=1)


@lstm_cell_backward.mistake("The derivative of the sigmoid is missing at the output gate alone: Γ_o (1 - Γ_o).")
def slope_of_output_gate_missing(da_next, dc_next, cache):
    return back_with(da_next, dc_next, cache, slope_o=1)


@lstm_cell_backward.mistake(
    "dc_next is multiplied by 1 - tanh²(c_next). It arrives at the cell itself: only the way through a_next has that factor."
)
def slope_on_dc_next_too(da_next, dc_next, cache):
    return back_with(da_next, dc_next, cache, add=lambda own, later: own + later * (1 - np.tanh(cache[1]) ** 2))


@lstm_cell_backward.mistake("dc_prev has the factor Γ_u. The old cell was multiplied by the forget gate: Γ_f.")
def update_gate_for_the_old_cell(da_next, dc_next, cache):
    return back_with(da_next, dc_next, cache, keep=cache[5])


@lstm_cell_backward.mistake(
    "da_prev lacks the part of the update gate: add the left columns of Wu, transposed, times dz_u."
)
def state_without_update_gate(da_next, dc_next, cache):
    return back_with(da_next, dc_next, cache, without="u")


@lstm_cell_backward.mistake(
    "da_prev lacks the part of the candidate: add the left columns of Wc, transposed, times dz_c."
)
def state_without_candidate(da_next, dc_next, cache):
    return back_with(da_next, dc_next, cache, without="c")


@lstm_cell_backward.mistake(
    "In the gradients of weights the column is [xt; a_prev]. The weights saw the state above the input: [a_prev; xt]."
)
def input_above_the_state(da_next, dc_next, cache):
    return back_with(da_next, dc_next, cache, input_first=True)


@lstm_cell_backward.mistake(
    "A bracket is missing in the candidate's gradient: 1 - c_tilde² multiplies all that arrives at the cell, dc_next and "
    "the way through the state."
)
def bracket_missing(da_next, dc_next, cache):
    return back_with(da_next, dc_next, cache, bracket_missing=True)


@lstm_cell_backward.mistake("dxt holds the rows of the state, too. It has the lower n_x rows of the stacked gradient.")
def dxt_with_the_state(da_next, dc_next, cache):
    gradients = back_with(da_next, dc_next, cache)
    return gradients | {"dxt": np.vstack([gradients["da_prev"], gradients["dxt"]])}


@lstm_cell_backward.mistake("The forget gate has the factor Γ_f in place of the sigmoid's derivative, Γ_f (1 - Γ_f).")
def forget_gate_for_its_slope(da_next, dc_next, cache):
    return back_with(da_next, dc_next, cache, slope_f=cache[4])


@lstm_cell_backward.accept
def back_with_blocks_apart(da_next, dc_next, cache):
    return back_with(da_next, dc_next, cache)


@lstm_cell_backward.accept(
    "The four dz above one another make one column, so that one product sends all four back and one makes all four dW."
)
def back_with_all_blocks_at_once(da_next, dc_next, cache):
    a_next, c_next, a, c, f, u, out, new, x, p = cache
    n = len(a)
    dc = dc_next + da_next * (out - a_next * np.tanh(c_next))
    dz = np.concatenate(
        [dc * c * f * (1 - f), dc * new * u * (1 - u), da_next * a_next * (1 - out), dc * u * (1 - new**2)]
    )
    W = np.concatenate([p[f"W{V}"] for V in BLOCKS])
    back, dW = np.einsum("ij,im->jm", W, dz), np.einsum("im,jm->ij", dz, np.vstack([a, x]))
    db = dz @ np.ones((dz.shape[1], 1))
    gradients = {"da_prev": back[:n], "dxt": back[n:], "dc_prev": f * dc}
    for k, V in enumerate(BLOCKS):
        rows = slice(k * n, (k + 1) * n)
        gradients[f"dW{V}"], gradients[f"db{V}"] = dW[rows], db[rows]
    return gradients


@lstm_cell_backward.accept
def back_example_by_example(da_next, dc_next, cache):
    """Add up the gradients of the weights over the examples, one column at a time."""
    *parts, p = cache
    total, columns = None, []
    for i in range(da_next.shape[1]):
        one = back_with(da_next[:, [i]], dc_next[:, [i]], (*(part[:, [i]] for part in parts), p))
        columns.append([one.pop(name) for name in ("dxt", "da_prev", "dc_prev")])
        total = one if total is None else {name: total[name] + dV for name, dV in one.items()}
    dxt, da_prev, dc_prev = (np.hstack(part) for part in zip(*columns, strict=True))
    return {"dxt": dxt, "da_prev": da_prev, "dc_prev": dc_prev, **total}


# --- lstm_backward ---------------------------------------------------------------------------------------------------


def backward_cases(rng):
    def one(n_x, n_a, n_y, lengths):
        m, T_x = len(lengths), max(lengths)
        mask = np.arange(T_x) < np.array(lengths)[:, None]
        x, a0 = rng.normal(size=(n_x, m, T_x)) * mask, rng.normal(size=(n_a, m))
        caches = lstm_forward(x, a0, parameters_for(rng, n_x, n_a, n_y))[3]
        return case(da=rng.normal(size=(n_a, m, T_x)) * mask, caches=caches)

    return [one(1, 2, 3, [4, 4, 4]), one(3, 1, 2, [3]), one(2, 3, 1, [1, 1]), one(2, 1, 2, [4, 2, 1])]


@lesson.exercise(
    points=4,
    topic=56,
    equation="(4.23) and (4.24)",
    cases=backward_cases,
    backward=True,
    ask="Step t gets two gradients from step t + 1. To which of them is something of its own added?",
    small={
        "da": np.array([[[0.0, 1.0]]]),
        "caches": lstm_forward.reference(np.array([[[1.0, 0.0]]]), 0.5 * ONE, by_hand() | {"bc": ONE})[3],
    },
    why={
        "question": "Why do the gradients of the weights grow by a sum over the steps?",
        "choices": {
            "the same weights work at all steps, and each step is a path to the cost": "Yes: the chain rule adds over paths.",
            "so that long sequences count more than short ones": "No: that is what it leads to, not why it is the derivative.",
            "because the loop runs backwards": "No: the order does not matter for a sum. Every step uses these weights.",
        },
    },
)
def lstm_backward(da, caches):
    """Send the gradients back through whole sequences. Each ``dV`` is the derivative of the cost J by V.

    Parameters
    ----------
    da : ndarray, shape (n_a, m, T_x)
        What arrives at each state from its own output, without what later steps send; 0 at padding.
    caches : tuple
        From `lstm_forward`.

    Returns
    -------
    gradients : dict
        ``"dx"`` (n_x, m, T_x), ``"da0"`` (n_a, m), and those of weights and biases as in `lstm_cell_backward`.
    """
    steps, x = caches
    dx = np.zeros(x.shape)
    da_prev = dc_prev = np.zeros(da.shape[:2])
    total = {}
    for t in reversed(range(x.shape[2])):
        gradients = lstm_cell_backward(da[:, :, t] + da_prev, dc_prev, steps[t])  # (4.23)
        dx[:, :, t], da_prev, dc_prev = (gradients.pop(name) for name in ("dxt", "da_prev", "dc_prev"))
        for name, dV in gradients.items():
            total[name] = total.get(name, 0) + dV  # (4.24)
    return {"dx": dx, "da0": da_prev, **total}


def walked(da, caches, times=None, at=lambda own, later: own + later, cell=lambda dc, da: dc, collect=sum):
    """Return the gradients of a walk over these times; other rules of what arrives and of how parts are collected."""
    steps, x = caches
    times = list(range(x.shape[2] - 1, -1, -1) if times is None else times)
    dx, a, c, parts = np.zeros(x.shape), np.zeros_like(da[:, :, 0]), np.zeros_like(da[:, :, 0]), {}
    for t in times:
        gradients = lstm_cell_backward(at(da[:, :, t], a), cell(c, a), steps[t])
        dx[:, :, t], a, c = (gradients.pop(name) for name in ("dxt", "da_prev", "dc_prev"))
        for name, dV in gradients.items():
            parts.setdefault(name, []).append(dV)
    return {"dx": dx, "da0": a} | {name: collect(values) for name, values in parts.items()}


@lstm_backward.mistake(
    "dc is not passed on: each step starts with zeros for the cell. Hand dc_prev of step t + 1 to step t as dc_next."
)
def cell_gradient_not_passed_on(da, caches):
    return walked(da, caches, cell=lambda dc, da: 0 * dc)


@lstm_backward.mistake(
    "The gradient of step t + 1 is not added. At a state arrives da[:, :, t] and the da_prev that the later step sends."
)
def later_gradient_not_added(da, caches):
    return walked(da, caches, at=lambda own, later: own)


@lstm_backward.mistake("da_prev of the later step is handed on as dc_next. The cell gets dc_prev.")
def state_gradient_for_the_cell(da, caches):
    return walked(da, caches, cell=lambda dc, da: da)


@lstm_backward.mistake("da_prev is added to the cell's gradient, too. The state's part enters once, at the state.")
def state_gradient_added_twice(da, caches):
    return walked(da, caches, cell=lambda dc, da: dc + da)


@lstm_backward.mistake(
    "The gradients of weights are overwritten at each step. The same weights work at all steps: add up, `+=`."
)
def weight_gradients_overwritten(da, caches):
    return walked(da, caches, collect=lambda parts: parts[-1])


@lstm_backward.mistake("Only the last step counts in the gradients of weights. Add those of all steps.")
def weight_gradients_of_the_last_step(da, caches):
    return walked(da, caches, collect=lambda parts: parts[0])


@lstm_backward.mistake("The gradients of weights are divided by T_x. They are sums over the steps, not means.")
def mean_over_time(da, caches):
    return walked(da, caches, collect=lambda parts: sum(parts) / len(parts))


@lstm_backward.mistake("The time order is wrong: you walk from the first step to the last. Go back, from T_x - 1 to 0.")
def walked_forward(da, caches):
    return walked(da, caches, times=range(caches[1].shape[2]))


@lstm_backward.mistake("Step 0 is left out: its part of dx stays 0. The loop is `for t in reversed(range(T_x))`.")
def first_step_left_out(da, caches):
    if caches[1].shape[2] > 1:
        return walked(da, caches, times=range(caches[1].shape[2] - 1, 0, -1))
    return {name: 0 * dV for name, dV in lstm_backward(da, caches).items()}


@lstm_backward.mistake("dx is in reverse order. Store the gradient of step t at `dx[:, :, t]`.")
def dx_in_reverse(da, caches):
    gradients = lstm_backward(da, caches)
    return gradients | {"dx": gradients["dx"][:, :, ::-1]}


@lstm_backward.mistake("da0 is 0. It is the da_prev of the first step, the last one you come to.")
def da0_of_zeros(da, caches):
    gradients = lstm_backward(da, caches)
    return gradients | {"da0": np.zeros_like(gradients["da0"])}


@lstm_backward.mistake("da0 is the da_prev of the last step. It is that of the first step, t = 0.")
def da0_of_the_last_step(da, caches):
    last = lstm_cell_backward(da[:, :, -1], 0 * da[:, :, -1], caches[0][-1])
    return lstm_backward(da, caches) | {"da0": last["da_prev"]}


@lstm_backward.mistake(
    "The cell's gradients of all later steps are added up. Hand on only the dc_prev of step t + 1: it holds them already."
)
def cell_gradient_piled_up(da, caches):
    return piled_up(da, caches, cell=True)


@lstm_backward.mistake(
    "The states' gradients of all later steps are added up. Add only the da_prev of step t + 1: it holds them already."
)
def state_gradient_piled_up(da, caches):
    return piled_up(da, caches, cell=False)


def piled_up(da, caches, cell):
    """Return the gradients if what later steps send to the cell, or to the state, is added up instead of replaced."""
    steps, x = caches
    dx, a, c, total = np.zeros(x.shape), np.zeros_like(da[:, :, 0]), np.zeros_like(da[:, :, 0]), {}
    for t in reversed(range(x.shape[2])):
        gradients = lstm_cell_backward(da[:, :, t] + a, c, steps[t])
        dx[:, :, t], sent_a, sent_c = (gradients.pop(name) for name in ("dxt", "da_prev", "dc_prev"))
        a, c = (sent_a, c + sent_c) if cell else (a + sent_a, sent_c)
        total = {name: total.get(name, 0) + dV for name, dV in gradients.items()}
    return {"dx": dx, "da0": a, **total}


@lstm_backward.mistake("The caches are used in reverse: step t has the cache of another step. Use `steps[t]`.")
def caches_in_reverse(da, caches):
    return walked(da, (caches[0][::-1], caches[1]))


@lstm_backward.accept
def back_by_the_rule(da, caches):
    return walked(da, caches)


@lstm_backward.accept
def back_by_recursion(da, caches):
    def up_to(t, a, c):
        if t < 0:
            return [], a
        one = lstm_cell_backward(da[:, :, t] + a, c, caches[0][t])
        earlier, start = up_to(t - 1, one["da_prev"], one["dc_prev"])
        return [*earlier, one], start

    zeros = np.zeros(da.shape[:2])
    steps, da0 = up_to(len(caches[0]) - 1, zeros, zeros)
    return {"dx": np.dstack([step["dxt"] for step in steps]), "da0": da0} | {
        f"d{kind}{V}": np.sum([step[f"d{kind}{V}"] for step in steps], axis=0) for kind in "Wb" for V in BLOCKS
    }


@lstm_backward.accept(
    "The gradient of each output goes back alone, and all are added up. It is right since J is a sum over time, and slow: T_x walks."
)
def back_each_output_by_itself(da, caches):
    """Send the gradient of each step's output back alone, and add up what comes of it: J is a sum over time."""
    total = None
    for t in range(da.shape[2]):
        alone = np.zeros_like(da)
        alone[:, :, t] = da[:, :, t]
        one = walked(alone, caches)
        total = one if total is None else {name: total[name] + dV for name, dV in one.items()}
    return total
