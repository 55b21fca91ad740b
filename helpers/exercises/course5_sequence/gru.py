"""Lesson 5.3, the GRU: the catalogue of its five exercises. Equations are those of the notebook."""

import numpy as np
from scipy.special import expit, softmax

from helpers.exercises import Lesson, case

lesson = Lesson("gru")
GATES = ("u", "r", "c")

lesson.predict(
    "careful",
    "One unit stores the number of dogs, and its gate is nearly closed at the six words behind it, also at dog. The state after "
    "dogs is changed by a little. How does the last state change?",
    ("by less than half as much", "by about as much, 0.9 to 1.1 times", "by more, above 1.1 times"),
    "At dog the gate is not quite closed. A larger state closes it more tightly and loses less: a second path, through Γ_u.",
)
lesson.predict(
    "twenty",
    "Your GRU and a plain network, 16 units each, learn to choose the verb over 20 words, five starts each. In how many of its "
    "starts is the plain network right more than 97 times of 100?",
    ("in none", "in some", "in all"),
    "Over 20 words the start decides whether enough of the gradient arrives. The GRU does not depend on that luck.",
)
lesson.predict(
    "lag",
    "Both networks have learned with 10 words between. The gradient of an answer goes back over 30 words. How much weaker does it "
    "get in the plain network than in the GRU? Take the ratio of what arrives, the middle of five starts.",
    ("less than 10 times", "10 to 1000 times", "more than 1000 times"),
    "The plain network multiplies by w (1 - a²) at each step; a GRU whose update gate is small copies a part. Starts differ, too.",
)

ONE = np.array([[1.0]])


def by_hand():
    """Return the parameters of the lesson's example by hand."""
    weights = {"Wu": [2.0, -1], "Wr": [-2.0, 1], "Wc": [4.0, -1]}
    parameters = {name: np.array([row]) for name, row in weights.items()} | {f"b{name}": 0 * ONE for name in GATES}
    return parameters | {"Wy": np.array([[0.0], [1]]), "by": np.zeros((2, 1))}


def parameters_for(rng, n_x, n_a, n_y):
    """Return random parameters of a GRU and its output."""
    parameters = {}
    for name in GATES:
        parameters[f"W{name}"] = 0.7 * rng.normal(size=(n_a, n_a + n_x))
        parameters[f"b{name}"] = 0.7 * rng.normal(size=(n_a, 1))
    return parameters | {"Wy": rng.normal(size=(n_y, n_a)), "by": rng.normal(size=(n_y, 1))}


# --- gru_cell_forward ------------------------------------------------------------------------------------------------


def cell_cases(rng):
    def one(n_x, n_a, n_y, m):
        return case(
            xt=rng.normal(size=(n_x, m)),
            c_prev=rng.normal(size=(n_a, m)),
            parameters=parameters_for(rng, n_x, n_a, n_y),
        )

    return [one(1, 2, 3, 4), one(3, 2, 4, 1), one(2, 2, 2, 2)]


@lesson.exercise(
    points=3,
    topic=55,
    equation="(3.8) to (3.12)",
    returns=("c_next", "yt_pred", "cache"),
    cases=cell_cases,
    ask="Two stacked columns are needed. Which of the three blocks gets the one in which the old state is weakened?",
    small={"xt": ONE, "c_prev": 0.5 * ONE, "parameters": by_hand()},
    why={
        "question": "Why does the old state have the factor 1 - Γ_u, and not a gate of its own?",
        "choices": {
            "old and new then have weights that add up to 1, so the state stays between -1 and 1": "Yes: a mean of two numbers "
            "lies between them.",
            "a gate of its own would not be between 0 and 1": "No: any sigmoid is. The LSTM of lesson 4 has such a gate.",
            "the gradient could not pass a second gate": "No: it passes gates of any kind. Lesson 4 does it.",
        },
    },
)
def gru_cell_forward(xt, c_prev, parameters):
    """Run one step of a gated recurrent unit on m examples.

    Parameters
    ----------
    xt : ndarray, shape (n_x, m)
        The inputs of this step.
    c_prev : ndarray, shape (n_a, m)
        The states after the step before.
    parameters : dict
        ``"Wu"``, ``"Wr"``, ``"Wc"``, each (n_a, n_a + n_x), for columns with the state above the input; ``"bu"``,
        ``"br"``, ``"bc"``, each (n_a, 1); ``"Wy"`` (n_y, n_a), ``"by"`` (n_y, 1).

    Returns
    -------
    c_next : ndarray, shape (n_a, m)
        The states after this step.
    yt_pred : ndarray, shape (n_y, m)
        Softmax over the rows: the entries of each column add up to 1.
    cache : tuple
        ``(c_next, c_prev, gamma_u, gamma_r, c_tilde, xt, parameters)``, which the backward pass needs.

    References
    ----------
    K. Cho et al., "Learning phrase representations using RNN encoder-decoder", 2014, arXiv:1406.1078.
    """
    stacked = np.concatenate([c_prev, xt])
    gamma_u = 1 / (1 + np.exp(-(parameters["Wu"] @ stacked + parameters["bu"])))  # (3.8)
    gamma_r = 1 / (1 + np.exp(-(parameters["Wr"] @ stacked + parameters["br"])))  # (3.9)
    c_tilde = np.tanh(parameters["Wc"] @ np.concatenate([gamma_r * c_prev, xt]) + parameters["bc"])  # (3.10)
    c_next = gamma_u * c_tilde + (1 - gamma_u) * c_prev  # (3.11)
    powers = np.exp(parameters["Wy"] @ c_next + parameters["by"])
    yt_pred = powers / powers.sum(axis=0, keepdims=True)  # (3.12)
    return c_next, yt_pred, (c_next, c_prev, gamma_u, gamma_r, c_tilde, xt, parameters)


def scores(name, state, xt, p):
    """Return the scores of one gate, its two blocks of weights apart."""
    n_a = len(state)
    return p[f"W{name}"][:, :n_a] @ state + p[f"W{name}"][:, n_a:] @ xt + p[f"b{name}"]


def kept_and_written(u, new, old):
    """Return the new state (3.11)."""
    return old + u * (new - old)


def step_with(
    xt, c_prev, parameters, p=None, u=None, r=None, squash=expit, g=np.tanh, mix=kept_and_written, reset=np.multiply
):
    """Return one step with other parameters, gates, activations, another sum or another place of the reset gate."""
    p = p or parameters
    u = squash(scores("u", c_prev, xt, p)) if u is None else u
    r = squash(scores("r", c_prev, xt, p)) if r is None else r
    new = g(scores("c", reset(r, c_prev), xt, p))
    c_next = mix(u, new, c_prev)
    return c_next, softmax(p["Wy"] @ c_next + p["by"], axis=0), (c_next, c_prev, u, r, new, xt, parameters)


@gru_cell_forward.mistake(
    "The candidate does not use Γ_r. The reset gate multiplies the old state inside the tanh: W_c [Γ_r ∗ c_prev; xt]."
)
def gamma_r_never_used(xt, c_prev, parameters):
    return step_with(xt, c_prev, parameters, reset=lambda r, c: c)


@gru_cell_forward.mistake(
    "Γ_u is on the wrong term. It says how much is written: Γ_u goes with the candidate, 1 - Γ_u with the old state."
)
def gamma_u_on_the_wrong_term(xt, c_prev, parameters):
    return step_with(xt, c_prev, parameters, mix=lambda u, new, old: u * old + (1 - u) * new)


@gru_cell_forward.mistake(
    "The gates have changed roles: Γ_r stands in the sum (3.11) and Γ_u in the candidate. Swap them."
)
def gates_swapped(xt, c_prev, parameters):
    u, r = (expit(scores(name, c_prev, xt, parameters)) for name in "ur")
    c_next, yt_pred, cache = step_with(xt, c_prev, parameters, u=r, r=u)
    return c_next, yt_pred, (*cache[:2], u, r, *cache[4:])


@gru_cell_forward.mistake("The part that is kept is missing. Add (1 - Γ_u) ∗ c_prev, else nothing is remembered.")
def nothing_kept(xt, c_prev, parameters):
    return step_with(xt, c_prev, parameters, mix=lambda u, new, old: u * new)


@gru_cell_forward.mistake("All of c_prev is kept. What is written takes its place: its factor is 1 - Γ_u.")
def all_kept(xt, c_prev, parameters):
    return step_with(xt, c_prev, parameters, mix=lambda u, new, old: u * new + old)


@gru_cell_forward.mistake("The new state is the candidate alone. The gate Γ_u mixes it with the old state (3.11).")
def candidate_alone(xt, c_prev, parameters):
    return step_with(xt, c_prev, parameters, mix=lambda u, new, old: new)


@gru_cell_forward.mistake(
    "The reset gate multiplies the input, too. It lets the old state pass or not; xt enters the candidate as it is."
)
def input_reset_too(xt, c_prev, parameters):
    n_a, r = len(c_prev), expit(scores("r", c_prev, xt, parameters))
    c, x = (parameters["Wc"][:, part] @ V for part, V in ((slice(n_a), c_prev), (slice(n_a, None), xt)))
    return step_with(xt, c_prev, parameters, r=r, g=lambda z: np.tanh(r * (c + x) + parameters["bc"]))


@gru_cell_forward.mistake(
    "The reset gate multiplies after W_c. In this course it multiplies the old state before: W_c [Γ_r ∗ c_prev; xt]. "
    "(Some libraries do it your way; it is another function.)"
)
def reset_after_the_product(xt, c_prev, parameters):
    n_a, r = len(c_prev), expit(scores("r", c_prev, xt, parameters))
    W = parameters["Wc"]
    z = r * (W[:, :n_a] @ c_prev) + W[:, n_a:] @ xt + parameters["bc"]
    return step_with(xt, c_prev, parameters, r=r, g=lambda _: np.tanh(z))


@gru_cell_forward.mistake("1 - Γ_r stands in the candidate. The old state passes where Γ_r is near 1: use Γ_r itself.")
def reset_the_other_way(xt, c_prev, parameters):
    return step_with(xt, c_prev, parameters, reset=lambda r, c: (1 - r) * c)


@gru_cell_forward.mistake("The gates are made with tanh. A gate lies between 0 and 1: use the sigmoid.")
def gates_with_tanh(xt, c_prev, parameters):
    return step_with(xt, c_prev, parameters, squash=np.tanh)


@gru_cell_forward.mistake("The sign in the exponent of your sigmoid is wrong: σ(z) = 1 / (1 + exp(-z)).")
def sigmoid_falls(xt, c_prev, parameters):
    return step_with(xt, c_prev, parameters, squash=lambda z: expit(-z))


@gru_cell_forward.mistake("The gates are plain sums. Their sigmoid is missing.")
def gates_without_sigmoid(xt, c_prev, parameters):
    return step_with(xt, c_prev, parameters, squash=lambda z: z)


@gru_cell_forward.mistake(
    "The candidate is made with a sigmoid. Its activation is tanh, so that states can be negative."
)
def candidate_with_sigmoid(xt, c_prev, parameters):
    return step_with(xt, c_prev, parameters, g=expit)


@gru_cell_forward.mistake("The candidate is a plain sum. Its tanh is missing.")
def candidate_without_tanh(xt, c_prev, parameters):
    return step_with(xt, c_prev, parameters, g=lambda z: z)


@gru_cell_forward.mistake(
    "The input stands above the state in your stacked column. The weights are for [c_prev; xt], state first."
)
def input_stacked_first(xt, c_prev, parameters):
    n_a = len(c_prev)

    def swapped(W):
        """Return the weights that give for [c; x] what W gives for [x; c]."""
        return np.hstack([W[:, len(xt) :], W[:, : len(xt)]])

    changed = {f"W{name}": swapped(parameters[f"W{name}"]) for name in GATES}
    assert changed["Wu"].shape[1] == n_a + len(xt)
    return step_with(xt, c_prev, parameters, p=parameters | changed)


@gru_cell_forward.mistake("The biases of the gates are missing: add bu, br and bc.")
def without_biases(xt, c_prev, parameters):
    return step_with(xt, c_prev, parameters, p=parameters | {f"b{name}": 0 for name in GATES})


@gru_cell_forward.mistake(
    "All three parts use Wu and bu. Each has its own: Wr, br for Γ_r and Wc, bc for the candidate."
)
def one_set_of_weights(xt, c_prev, parameters):
    p = parameters | {f"{V}{name}": parameters[f"{V}u"] for V in "Wb" for name in GATES}
    return step_with(xt, c_prev, parameters, p=p)


@gru_cell_forward.mistake("Γ_r is made with Wu and bu. It has its own weights: Wr and br.")
def reset_with_update_weights(xt, c_prev, parameters):
    return step_with(xt, c_prev, parameters, p=parameters | {"Wr": parameters["Wu"], "br": parameters["bu"]})


@gru_cell_forward.mistake("yt_pred holds the scores. The softmax (3.12) is missing.")
def scores_as_output(xt, c_prev, parameters):
    c_next, _, cache = step_with(xt, c_prev, parameters)
    return c_next, parameters["Wy"] @ c_next + parameters["by"], cache


@gru_cell_forward.mistake(
    "Your softmax adds up over all entries. Each example has its own softmax: sum over the rows, `axis=0`."
)
def softmax_over_everything(xt, c_prev, parameters):
    c_next, _, cache = step_with(xt, c_prev, parameters)
    return c_next, softmax(parameters["Wy"] @ c_next + parameters["by"]), cache


@gru_cell_forward.mistake(
    "Your softmax adds up over the examples. Each column is one example: sum over the rows, `axis=0`."
)
def softmax_over_the_examples(xt, c_prev, parameters):
    c_next, _, cache = step_with(xt, c_prev, parameters)
    return c_next, softmax(parameters["Wy"] @ c_next + parameters["by"], axis=1), cache


@gru_cell_forward.mistake("The output is made from the old state c_prev. It comes from the new one, c_next.")
def output_from_the_old_state(xt, c_prev, parameters):
    c_next, _, cache = step_with(xt, c_prev, parameters)
    return c_next, softmax(parameters["Wy"] @ c_prev + parameters["by"], axis=0), cache


@gru_cell_forward.mistake("The weights of the gates are exchanged: Wu and bu make Γ_u, Wr and br make Γ_r.")
def weights_of_gates_exchanged(xt, c_prev, parameters):
    p = parameters
    return step_with(xt, c_prev, p, p=p | {"Wu": p["Wr"], "bu": p["br"], "Wr": p["Wu"], "br": p["bu"]})


@gru_cell_forward.mistake("The matrices of the gates are exchanged: Wu makes Γ_u, Wr makes Γ_r. The biases are right.")
def matrices_of_gates_exchanged(xt, c_prev, parameters):
    return step_with(xt, c_prev, parameters, p=parameters | {"Wu": parameters["Wr"], "Wr": parameters["Wu"]})


def bias_left_out(name):
    def without_one_bias(xt, c_prev, parameters):
        return step_with(xt, c_prev, parameters, p=parameters | {f"b{name}": 0})

    without_one_bias.__name__ = f"bias_{name}_left_out"
    return without_one_bias


for _name, _part in (("u", "update gate"), ("r", "reset gate"), ("c", "candidate")):
    gru_cell_forward.mistake(f"The bias b{_name} of the {_part} is missing.")(bias_left_out(_name))


def one_gate_with(gate, squash):
    def one_gate(xt, c_prev, parameters):
        return step_with(xt, c_prev, parameters, **{gate: squash(scores(gate, c_prev, xt, parameters))})

    one_gate.__name__ = f"gate_{gate}_with_{squash.__name__}"
    return one_gate


for _gate, _part in (("u", "update"), ("r", "reset")):
    gru_cell_forward.mistake(f"The sigmoid of the {_part} gate is missing: Γ_{_gate} lies between 0 and 1.")(
        one_gate_with(_gate, np.positive)
    )
    gru_cell_forward.mistake(f"The {_part} gate Γ_{_gate} is made with tanh. A gate is made with the sigmoid.")(
        one_gate_with(_gate, np.tanh)
    )


@gru_cell_forward.mistake("The output is made from c_prev or from the candidate. It comes from the new state, c_next.")
def output_from_the_candidate(xt, c_prev, parameters):
    c_next, _, cache = step_with(xt, c_prev, parameters)
    return c_next, softmax(parameters["Wy"] @ cache[4] + parameters["by"], axis=0), cache


@gru_cell_forward.mistake(
    "Γ_u and Γ_r are swapped in the cache: its order is (c_next, c_prev, gamma_u, gamma_r, c_tilde, xt, parameters)."
)
def gates_swapped_in_cache(xt, c_prev, parameters):
    c_next, yt_pred, cache = step_with(xt, c_prev, parameters)
    return c_next, yt_pred, (*cache[:2], cache[3], cache[2], *cache[4:])


@gru_cell_forward.accept
def cell_with_blocks_apart(xt, c_prev, parameters):
    return step_with(xt, c_prev, parameters)


@gru_cell_forward.accept(
    "Both gates in one product, which is cut into two. The candidate has to wait for the reset gate."
)
def cell_with_all_gates_at_once(xt, c_prev, parameters):
    n_a = len(c_prev)
    W, b = (np.concatenate([parameters[f"{V}{name}"] for name in "ur"]) for V in "Wb")
    gates = 0.5 + 0.5 * np.tanh(0.5 * (W @ np.vstack([c_prev, xt]) + b))
    u, r = gates[:n_a], gates[n_a:]
    new = np.tanh(parameters["Wc"] @ np.vstack([r * c_prev, xt]) + parameters["bc"])
    c_next = c_prev - u * c_prev + u * new
    return c_next, softmax(parameters["Wy"] @ c_next + parameters["by"], axis=0), (
        c_next, c_prev, u, r, new, xt, parameters,
    )  # fmt: skip


@gru_cell_forward.accept
def cell_example_by_example(xt, c_prev, parameters):
    p, columns = parameters, []
    for i in range(xt.shape[1]):
        x, c = xt[:, i], c_prev[:, i]
        u, r = (expit(np.einsum("ij,j->i", p[f"W{name}"], np.r_[c, x]) + p[f"b{name}"][:, 0]) for name in "ur")
        new = np.tanh(np.einsum("ij,j->i", p["Wc"], np.r_[r * c, x]) + p["bc"][:, 0])
        after = np.where(True, u * new + (1 - u) * c, 0)
        e = np.exp(p["Wy"] @ after + p["by"][:, 0])
        columns.append((after, e / e.sum(), u, r, new))
    c_next, y, u, r, new = (np.stack(part, axis=1) for part in zip(*columns, strict=True))
    return c_next, y, (c_next, c_prev, u, r, new, xt, parameters)


# --- gru_forward -----------------------------------------------------------------------------------------------------


def forward_cases(rng):
    def one(n_x, m, T_x, n_a, n_y):
        return case(
            x=rng.normal(size=(n_x, m, T_x)),
            c0=rng.normal(size=(n_a, m)),
            parameters=parameters_for(rng, n_x, n_a, n_y),
        )

    return [one(1, 4, 3, 2, 2), one(2, 1, 2, 3, 2), one(3, 2, 1, 1, 4), one(2, 1, 1, 1, 2)]


@lesson.exercise(
    points=2,
    topic=55,
    equation="(3.13)",
    returns=("c", "y_pred", "caches"),
    cases=forward_cases,
    ask="What does step 1 start from, and what does every later step start from?",
    small={"x": np.array([[[1.0, 0.0]]]), "c0": 0.5 * ONE, "parameters": by_hand()},
)
def gru_forward(x, c0, parameters):
    """Run a GRU over whole sequences.

    Parameters
    ----------
    x : ndarray, shape (n_x, m, T_x)
    c0 : ndarray, shape (n_a, m)
        The states before the first step.
    parameters : dict
        As for `gru_cell_forward`; the same for each step.

    Returns
    -------
    c : ndarray, shape (n_a, m, T_x)
        The states after each step.
    y_pred : ndarray, shape (n_y, m, T_x)
    caches : tuple
        The list of the caches of the steps, and x.
    """
    c_next, states, outputs, caches = c0, [], [], []
    for t in range(x.shape[2]):
        c_next, yt_pred, cache = gru_cell_forward(x[:, :, t], c_next, parameters)  # (3.13)
        states.append(c_next)
        outputs.append(yt_pred)
        caches.append(cache)
    return np.stack(states, axis=2), np.stack(outputs, axis=2), (caches, x)


def unrolled(inputs, before, parameters, x):
    """Return the results of steps: ``before(states)`` is the state that the next step starts from."""
    states, steps = [], []
    for xt in inputs:
        steps.append(gru_cell_forward(xt, before(states), parameters))
        states.append(steps[-1][0])
    return np.dstack(states), np.dstack([step[1] for step in steps]), ([step[2] for step in steps], x)


def in_order(x):
    """Return the inputs of the steps, each (n_x, m)."""
    return [x[..., t] for t in range(x.shape[2])]


def last_or(start):
    """Return the rule of a recurrent network: the state before, at first `start`."""
    return lambda states: states[-1] if states else start


@gru_forward.mistake("Each step starts from c0, so nothing is remembered. Pass on the state of the step before.")
def c0_at_every_step(x, c0, parameters):
    return unrolled(in_order(x), lambda states: c0, parameters, x)


@gru_forward.mistake(
    "Your first state does not depend on c0: you start from zeros. Start from the c0 that is passed in."
)
def zeros_for_c0(x, c0, parameters):
    return unrolled(in_order(x), last_or(np.zeros_like(c0)), parameters, x)


@gru_forward.mistake("Each step reads the first input. Step t reads `x[:, :, t]`.")
def first_input_at_every_step(x, c0, parameters):
    return unrolled([x[..., 0]] * x.shape[2], last_or(c0), parameters, x)


@gru_forward.mistake("The time order is wrong: you read from the end. Time runs from t = 0 to T_x - 1.")
def read_backwards(x, c0, parameters):
    return unrolled(in_order(x)[::-1], last_or(c0), parameters, x)


@gru_forward.mistake("Time is the first axis of your results. Stack them along the last one: (n_a, m, T_x).")
def time_first(x, c0, parameters):
    c, y_pred, caches = gru_forward(x, c0, parameters)
    return np.moveaxis(c, 2, 0), np.moveaxis(y_pred, 2, 0), caches


@gru_forward.mistake("Entry t of c is the state before step t. Store c_next, the state after it.")
def states_shifted(x, c0, parameters):
    c, y_pred, caches = gru_forward(x, c0, parameters)
    return np.concatenate([c0[:, :, None], c[:, :, :-1]], axis=2), y_pred, caches


@gru_forward.mistake("The array c begins with c0. It holds the states after each step: T_x of them.")
def c0_in_the_result(x, c0, parameters):
    c, y_pred, caches = gru_forward(x, c0, parameters)
    return np.dstack([c0, c]), y_pred, caches


@gru_forward.mistake("Only the last step is returned. Return the states and outputs of all steps.")
def only_the_last_step(x, c0, parameters):
    c, y_pred, caches = gru_forward(x, c0, parameters)
    return c[..., -1], y_pred[..., -1], caches


@gru_forward.mistake("The last step is missing: its entries stay 0. The loop is `for t in range(T_x)`.")
def last_step_missing(x, c0, parameters):
    c, y_pred, (caches, _) = gru_forward(x, c0, parameters)
    c[..., -1], y_pred[..., -1] = 0, 0
    return c, y_pred, (caches[:-1], x)


@gru_forward.mistake("Your list holds the cache of the last step alone. Append the cache of each step.")
def only_the_last_cache(x, c0, parameters):
    c, y_pred, (caches, _) = gru_forward(x, c0, parameters)
    return c, y_pred, ([caches[-1]] * (len(caches) > 1), x)


@gru_forward.mistake("caches is the list alone. Return the pair `(caches, x)`.")
def caches_without_x(x, c0, parameters):
    c, y_pred, (caches, _) = gru_forward(x, c0, parameters)
    return c, y_pred, caches


@gru_forward.accept
def forward_by_filling(x, c0, parameters):
    _, m, T_x = x.shape
    n_y, n_a = parameters["Wy"].shape
    c, y_pred, caches, c_next = np.zeros((n_a, m, T_x)), np.zeros((n_y, m, T_x)), [], c0
    for t in range(T_x):
        c_next, y_pred[:, :, t], cache = gru_cell_forward(x[:, :, t], c_next, parameters)
        c[:, :, t] = c_next
        caches.append(cache)
    return c, y_pred, (caches, x)


@gru_forward.accept
def forward_by_the_rule(x, c0, parameters):
    return unrolled(in_order(x), last_or(c0), parameters, x)


@gru_forward.accept(
    "The products with the inputs do not depend on the states, so those of all steps are made at once, before the loop."
)
def forward_with_projected_inputs(x, c0, parameters):
    """The products with the inputs of all steps at once; only the states need a loop."""
    n_a, p = len(c0), parameters
    W, b = (np.concatenate([p[f"{V}{name}"] for name in GATES]) for V in "Wb")
    Z = np.einsum("ij,jmt->tim", W[:, n_a:], x) + b
    states, caches = [c0], []
    for t, z in enumerate(Z):
        c = states[-1]
        u, r = np.split(expit(z[: 2 * n_a] + W[: 2 * n_a, :n_a] @ c), 2)
        new = np.tanh(z[2 * n_a :] + W[2 * n_a :, :n_a] @ (r * c))
        states.append(u * new + (1 - u) * c)
        caches.append((states[-1], c, u, r, new, x[:, :, t], p))
    c = np.stack(states[1:], axis=2)
    return c, softmax(np.einsum("ij,jmt->imt", p["Wy"], c) + p["by"][:, :, None], axis=0), (caches, x)


# --- hold_at_padding -------------------------------------------------------------------------------------------------


def hold_cases(rng):
    def one(n_a, *mask):
        m = len(mask)
        return case(c_next=rng.normal(size=(n_a, m)), c_prev=rng.normal(size=(n_a, m)), mask_t=np.array(mask, float))

    return [one(2, 1, 0, 1), one(4, 0, 1, 1, 0, 0), one(3, 1, 0, 0), one(3, 0), one(2, 1)]


@lesson.exercise(
    points=1,
    topic=55,
    equation="(3.14)",
    cases=hold_cases,
    ask="What are the two factors where the mask is 1, and what are they where it is 0?",
    small={"c_next": np.array([[1.0, 2, 3]]), "c_prev": np.array([[10.0, 20, 30]]), "mask_t": np.array([1.0, 0, 1])},
)
def hold_at_padding(c_next, c_prev, mask_t):
    """Keep the old state where a step is padding.

    Parameters
    ----------
    c_next, c_prev : ndarray, shape (n_a, m)
        The states that the step has made, and those before it.
    mask_t : ndarray, shape (m,)
        1 where the step is real, 0 where it is padding.

    Returns
    -------
    c : ndarray, shape (n_a, m)
    """
    return mask_t * c_next + (1 - mask_t) * c_prev  # (3.14)


@hold_at_padding.mistake("The mask is the wrong way round: 1 marks a real step, whose new state counts.")
def mask_inverted(c_next, c_prev, mask_t):
    return np.where(mask_t == 0, c_next, c_prev)


@hold_at_padding.mistake("At padding your state is 0: all that was read is lost. Keep the old state there.")
def zeros_at_padding(c_next, c_prev, mask_t):
    return c_next * mask_t


@hold_at_padding.mistake("The old state is added everywhere. Add it at padding only: its factor is 1 - mask_t.")
def old_state_added(c_next, c_prev, mask_t):
    return c_next * mask_t + c_prev


@hold_at_padding.mistake("The mask is not used: at padding the state goes on changing.")
def mask_not_used(c_next, c_prev, mask_t):
    return c_next.copy()


@hold_at_padding.mistake("All examples follow the first entry of the mask. Each has its own entry.")
def first_entry_for_all(c_next, c_prev, mask_t):
    return (c_next if mask_t[0] else c_prev).copy()


@hold_at_padding.mistake("One example with padding stops all others. Each example has its own entry of the mask.")
def all_or_none(c_next, c_prev, mask_t):
    return (c_next if np.all(mask_t) else c_prev).copy()


@hold_at_padding.accept("The mask as a question, not as a factor: where it is 1 the new state, else the old one.")
def held_by_where(c_next, c_prev, mask_t):
    return np.where(mask_t == 1, c_next, c_prev)


@hold_at_padding.accept
def held_by_columns(c_next, c_prev, mask_t):
    c = np.array(c_prev)
    c[:, mask_t > 0.5] = c_next[:, mask_t > 0.5]
    return c


@hold_at_padding.accept
def held_as_a_gate(c_next, c_prev, mask_t):
    return c_prev + np.einsum("am,m->am", c_next - c_prev, mask_t)


# --- gru_cell_backward -----------------------------------------------------------------------------------------------


def cell_backward_cases(rng):
    def one(n_x, n_a, n_y, m):
        xt, c_prev = rng.normal(size=(n_x, m)), rng.normal(size=(n_a, m))
        _, _, cache = gru_cell_forward(xt, c_prev, parameters_for(rng, n_x, n_a, n_y))
        return case(dc_next=rng.normal(size=(n_a, m)), cache=cache)

    return [one(1, 2, 3, 4), one(3, 2, 4, 1), one(2, 2, 2, 2)]


@lesson.exercise(
    points=5,
    topic=55,
    equation="(3.15) to (3.22)",
    cases=cell_backward_cases,
    backward=True,
    ask="In the equations of one step, how often does the old state occur? Each time is a path on which something comes back.",
    small={"dc_next": ONE, "cache": gru_cell_forward.reference(ONE, 0.5 * ONE, by_hand())[2]},
    why={
        "question": "Why does dΓ_u have the factor c_tilde - c_prev?",
        "choices": {
            "Γ_u multiplies the candidate, and -Γ_u multiplies the old state": "Yes: both terms of (3.11) depend on it.",
            "the gate wants the candidate to be like the old state": "No: it is the derivative of a sum, nothing is wanted.",
            "that is the slope of the sigmoid": "No: the slope is Γ_u (1 - Γ_u), the next factor.",
        },
    },
)
def gru_cell_backward(dc_next, cache):
    """Send the gradient back through one step of a GRU. Each ``dV`` is the derivative of the cost J by V.

    Parameters
    ----------
    dc_next : ndarray, shape (n_a, m)
        All that arrives at the state after this step.
    cache : tuple
        From `gru_cell_forward`.

    Returns
    -------
    gradients : dict
        ``"dxt"`` (n_x, m), ``"dc_prev"`` (n_a, m); ``"dWu"``, ``"dWr"``, ``"dWc"``, each (n_a, n_a + n_x);
        ``"dbu"``, ``"dbr"``, ``"dbc"``, each (n_a, 1). The output Wy, by lies outside.
    """
    _, c_prev, gamma_u, gamma_r, c_tilde, xt, parameters = cache
    n_a = len(c_prev)
    dz_c = dc_next * gamma_u * (1 - c_tilde**2)  # (3.15), (3.16)
    dz_u = dc_next * (c_tilde - c_prev) * gamma_u * (1 - gamma_u)
    ds = parameters["Wc"].T @ dz_c  # (3.17)
    dz_r = ds[:n_a] * c_prev * gamma_r * (1 - gamma_r)  # (3.18)
    dstacked = parameters["Wu"].T @ dz_u + parameters["Wr"].T @ dz_r
    gradients = {
        "dxt": dstacked[n_a:] + ds[n_a:],  # (3.20)
        "dc_prev": dc_next * (1 - gamma_u) + ds[:n_a] * gamma_r + dstacked[:n_a],  # (3.19)
    }
    stacked, reset = np.concatenate([c_prev, xt]), np.concatenate([gamma_r * c_prev, xt])
    for name, dz, column in (("u", dz_u, stacked), ("r", dz_r, stacked), ("c", dz_c, reset)):
        gradients[f"dW{name}"] = dz @ column.T  # (3.21)
        gradients[f"db{name}"] = dz.sum(axis=1, keepdims=True)  # (3.22)
    return gradients


def back_with(dc_next, cache, **o):
    """Return the gradients of one step; options leave out or change a part."""
    _, c, u, r, new, x, p = cache
    n, m = len(c), c.shape[1]

    def gate_slope(g):
        return o.get("slope", lambda g: g * (1 - g))(g)

    dz_c = dc_next * o.get("write", u) * o.get("tanh_slope", lambda a: 1 - a**2)(new)
    dz_u = dc_next * o.get("difference", new - c) * o.get("slope_u", gate_slope(u))
    if o.get("through") == "none":
        dz_u, dz_r = 0 * dz_u, 0 * dz_u
    W = {name: o.get("turn", lambda W: W)(p[f"W{name}"]) for name in GATES}
    ds = W["c"][:, :n].T @ dz_c
    dz_r = ds * o.get("reset_by", c) * o.get("slope_r", gate_slope(r)) * o.get("r_on", 1)
    to_c = {
        "direct": dc_next * o.get("keep", 1 - u),
        "candidate": ds * o.get("r_factor", r),
        "update": W["u"][:, :n].T @ dz_u,
        "reset": W["r"][:, :n].T @ dz_r,
    }
    to_x = {name: W[name][:, n:].T @ dz for name, dz in (("u", dz_u), ("r", dz_r), ("c", dz_c))}
    dc_prev = sum(part for name, part in to_c.items() if name not in o.get("without", ()))
    dxt = sum(part for name, part in to_x.items() if name not in o.get("x_without", ()))
    gradients = {"dxt": dxt, "dc_prev": dc_prev}
    plain, reset = np.vstack([c, x]), np.vstack([o.get("column", r * c), x])
    for name, dz, column in (("u", dz_u, plain), ("r", dz_r, plain), ("c", dz_c, reset)):
        gradients[f"dW{name}"] = dz @ column.T / (m if o.get("mean") else 1)
        gradients[f"db{name}"] = np.sum(dz, axis=1, keepdims=True) / (m if o.get("mean") else 1)
    return gradients


@gru_cell_backward.mistake(
    "dc_prev lacks the direct way, dc_next ∗ (1 - Γ_u). It is the way on which a gradient survives many steps."
)
def without_the_direct_way(dc_next, cache):
    return back_with(dc_next, cache, without=("direct",))


@gru_cell_backward.mistake(
    "dc_prev lacks the ways through the gates. c_prev made Γ_u and Γ_r, too: add Wuᵀ dz_u and Wrᵀ dz_r, upper rows."
)
def without_the_gates(dc_next, cache):
    return back_with(dc_next, cache, without=("update", "reset"))


@gru_cell_backward.mistake("dc_prev lacks the way through the update gate: add the upper rows of Wuᵀ dz_u.")
def without_the_update_gate(dc_next, cache):
    return back_with(dc_next, cache, without=("update",))


@gru_cell_backward.mistake("dc_prev lacks the way through the reset gate: add the upper rows of Wrᵀ dz_r.")
def without_the_reset_gate(dc_next, cache):
    return back_with(dc_next, cache, without=("reset",))


@gru_cell_backward.mistake("dc_prev lacks the way through the candidate: add ds ∗ Γ_r.")
def without_the_candidate(dc_next, cache):
    return back_with(dc_next, cache, without=("candidate",))


@gru_cell_backward.mistake(
    "On the way from the candidate to c_prev the factor Γ_r is missing: W_c has seen Γ_r ∗ c_prev, not c_prev."
)
def factor_gamma_r_missing(dc_next, cache):
    return back_with(dc_next, cache, r_factor=1)


@gru_cell_backward.mistake(
    "These are the gradients of a step where the candidate does not use Γ_r: dWr is 0, so Γ_r never learns."
)
def gradients_of_the_slip(dc_next, cache):
    return back_with(dc_next, cache, r_factor=1, r_on=0, column=cache[1])


@gru_cell_backward.mistake(
    "Γ_u is on the wrong term: the candidate gets dc_next ∗ Γ_u, the old state dc_next ∗ (1 - Γ_u)."
)
def gate_on_the_wrong_term(dc_next, cache):
    return back_with(dc_next, cache, write=1 - cache[2], keep=cache[2])


@gru_cell_backward.mistake("The sign of dΓ_u is wrong. In (3.11) Γ_u has the factor c_tilde - c_prev.")
def sign_of_the_update_gate(dc_next, cache):
    return back_with(dc_next, cache, difference=cache[1] - cache[4])


@gru_cell_backward.mistake(
    "Γ_u occurs twice in (3.11). Its derivative is c_tilde - c_prev; you have the first term only."
)
def only_the_candidate_in_the_gate(dc_next, cache):
    return back_with(dc_next, cache, difference=cache[4])


@gru_cell_backward.mistake("The derivative of the gates' sigmoid is missing: Γ (1 - Γ).")
def slope_of_gates_missing(dc_next, cache):
    return back_with(dc_next, cache, slope=lambda g: 1)


@gru_cell_backward.mistake("The gates have the derivative of tanh. They are sigmoids: Γ (1 - Γ).")
def tanh_slope_for_gates(dc_next, cache):
    return back_with(dc_next, cache, slope=lambda g: 1 - g**2)


@gru_cell_backward.mistake("The derivative of the sigmoid is missing at the update gate alone: Γ_u (1 - Γ_u).")
def slope_of_update_gate_missing(dc_next, cache):
    return back_with(dc_next, cache, slope_u=1)


@gru_cell_backward.mistake("The derivative of the sigmoid is missing at the reset gate alone: Γ_r (1 - Γ_r).")
def slope_of_reset_gate_missing(dc_next, cache):
    return back_with(dc_next, cache, slope_r=1)


@gru_cell_backward.mistake("The derivative of the candidate's tanh is missing: 1 - c_tilde².")
def slope_of_tanh_missing(dc_next, cache):
    return back_with(dc_next, cache, tanh_slope=lambda a: 1)


@gru_cell_backward.mistake("The candidate has the derivative of a sigmoid. It is a tanh: 1 - c_tilde².")
def sigmoid_slope_for_candidate(dc_next, cache):
    return back_with(dc_next, cache, tanh_slope=lambda a: a * (1 - a))


@gru_cell_backward.mistake(
    "In dWc the column is [c_prev; xt]. W_c was multiplied by [Γ_r ∗ c_prev; xt]: use that column."
)
def column_without_reset(dc_next, cache):
    return back_with(dc_next, cache, column=cache[1])


@gru_cell_backward.mistake("dxt has the candidate's part only. xt went into both gates, too: three parts.")
def input_through_candidate_only(dc_next, cache):
    return back_with(dc_next, cache, x_without=("u", "r"))


@gru_cell_backward.mistake("dxt lacks the part of the candidate: add the lower rows of Wcᵀ dz_c.")
def input_without_candidate(dc_next, cache):
    return back_with(dc_next, cache, x_without=("c",))


@gru_cell_backward.mistake("dΓ_r lacks the factor c_prev: the gate multiplies the old state.")
def reset_gate_without_state(dc_next, cache):
    return back_with(dc_next, cache, reset_by=1)


@gru_cell_backward.mistake(
    "The gradients of weights and biases are divided by m. From course 4 on, 1/m is already in what arrives: add up."
)
def divided_by_m(dc_next, cache):
    return back_with(dc_next, cache, mean=True)


@gru_cell_backward.accept
def back_with_blocks_apart(dc_next, cache):
    return back_with(dc_next, cache)


@gru_cell_backward.accept(
    "Both gates' dz above one another, so that one product sends both back and one makes both dW."
)
def back_with_all_gates_at_once(dc_next, cache):
    _, c, u, r, new, x, p = cache
    n = len(c)
    dz_c = (1 - np.square(new)) * u * dc_next
    ds = np.einsum("ij,im->jm", p["Wc"], dz_c)
    dz = np.concatenate([dc_next * (new - c) * (u - u**2), ds[:n] * c * (r - r**2)])
    both = np.concatenate([p["Wu"], p["Wr"]])
    back = np.einsum("ij,im->jm", both, dz) + ds * np.concatenate([r, np.ones(x.shape)])
    back[:n] += dc_next - u * dc_next
    dW = np.einsum("im,jm->ij", dz, np.concatenate([c, x]))
    dWc = np.einsum("im,jm->ij", dz_c, np.concatenate([r * c, x]))
    db = np.hstack([dz @ np.ones((c.shape[1], 1)), np.zeros((2 * n, 0))])
    return {
        "dc_prev": back[:n], "dxt": back[n:], "dWu": dW[:n], "dWr": dW[n:], "dWc": dWc,
        "dbu": db[:n], "dbr": db[n:], "dbc": dz_c @ np.ones((c.shape[1], 1)),
    }  # fmt: skip


@gru_cell_backward.accept
def back_example_by_example(dc_next, cache):
    """Add up the gradients of the weights over the examples, one column at a time."""
    *parts, p = cache
    total, columns = None, []
    for i in range(dc_next.shape[1]):
        gradients = back_with(dc_next[:, [i]], (*(part[:, [i]] for part in parts), p))
        columns.append((gradients.pop("dxt"), gradients.pop("dc_prev")))
        total = gradients if total is None else {name: total[name] + dV for name, dV in gradients.items()}
    dxt, dc_prev = (np.hstack(part) for part in zip(*columns, strict=True))
    return {"dxt": dxt, "dc_prev": dc_prev, **total}


# --- gru_backward ----------------------------------------------------------------------------------------------------


def backward_cases(rng):
    def one(n_x, n_a, n_y, lengths):
        m, T_x = len(lengths), max(lengths)
        mask = np.arange(T_x) < np.array(lengths)[:, None]
        x, c0 = rng.normal(size=(n_x, m, T_x)) * mask, rng.normal(size=(n_a, m))
        _, _, caches = gru_forward(x, c0, parameters_for(rng, n_x, n_a, n_y))
        return case(dc=rng.normal(size=(n_a, m, T_x)) * mask, caches=caches)

    return [one(1, 2, 3, [4, 4, 4]), one(3, 1, 2, [3]), one(2, 3, 1, [1, 1]), one(2, 1, 2, [4, 2, 1])]


@lesson.exercise(
    points=4,
    topic=55,
    equation="(3.23) and (3.24)",
    cases=backward_cases,
    backward=True,
    ask="Which two things arrive at the state of step t, and which of them is known only when step t + 1 is done?",
    small={
        "dc": np.array([[[1.0, 0.0]]]),
        "caches": gru_forward.reference(np.array([[[1.0, 0.0]]]), 0.5 * ONE, by_hand())[2],
    },
)
def gru_backward(dc, caches):
    """Send the gradients back through whole sequences. Each ``dV`` is the derivative of the cost J by V.

    Parameters
    ----------
    dc : ndarray, shape (n_a, m, T_x)
        What arrives at each state from its own output, without what later steps send; 0 at padding.
    caches : tuple
        From `gru_forward`.

    Returns
    -------
    gradients : dict
        ``"dx"`` (n_x, m, T_x), ``"dc0"`` (n_a, m), and the gradients of weights and biases as in `gru_cell_backward`.
    """
    steps, x = caches
    dx, dc_prev = np.zeros(x.shape), np.zeros(dc.shape[:2])
    total = {}
    for t in reversed(range(x.shape[2])):
        gradients = gru_cell_backward(dc[:, :, t] + dc_prev, steps[t])  # (3.23)
        dx[:, :, t], dc_prev = gradients.pop("dxt"), gradients.pop("dc_prev")
        for name, dV in gradients.items():
            total[name] = total.get(name, 0) + dV  # (3.24)
    return {"dx": dx, "dc0": dc_prev, **total}


def walked(dc, caches, times=None, arriving=lambda own, later: own + later, collect=lambda parts: sum(parts)):
    """Return the gradients of a walk over these times; other rules of what arrives and of how parts are collected."""
    steps, x = caches
    times = list(times or range(x.shape[2] - 1, -1, -1))
    dx, later, parts = np.zeros(x.shape), np.zeros_like(dc[:, :, 0]), {}
    for t in times:
        gradients = gru_cell_backward(arriving(dc[:, :, t], later), steps[t])
        dx[:, :, t], later = gradients.pop("dxt"), gradients.pop("dc_prev")
        for name, dV in gradients.items():
            parts.setdefault(name, []).append(dV)
    return {"dx": dx, "dc0": later} | {name: collect(values) for name, values in parts.items()}


@gru_backward.mistake(
    "The gradient of step t + 1 is not added. At a state arrives dc[:, :, t] and the dc_prev that the later step sends."
)
def later_gradient_not_added(dc, caches):
    return walked(dc, caches, arriving=lambda own, later: own)


@gru_backward.mistake(
    "The gradients of weights are overwritten at each step. The same weights work at all steps: add up, `+=`."
)
def weight_gradients_overwritten(dc, caches):
    return walked(dc, caches, collect=lambda parts: parts[-1])


@gru_backward.mistake("Only the last step counts in the gradients of weights. Add those of all steps.")
def weight_gradients_of_the_last_step(dc, caches):
    return walked(dc, caches, collect=lambda parts: parts[0])


@gru_backward.mistake(
    "The gradients of all later steps pile up. dc_prev of step t + 1 holds those after it already: replace it at each "
    "step, `later = dc_prev`."
)
def later_gradients_piled_up(dc, caches):
    piled = [0]

    def arriving(own, later):
        piled[0] = piled[0] + later
        return own + piled[0]

    gradients = walked(dc, caches, arriving=arriving)
    return gradients | {"dc0": piled[0] + gradients["dc0"]}


@gru_backward.mistake("The time order is wrong: you walk from the first step to the last. Go back, from T_x - 1 to 0.")
def walked_forward(dc, caches):
    return walked(dc, caches, times=range(caches[1].shape[2]))


@gru_backward.mistake("Only the gradient of the later step is used. Add dc[:, :, t], which comes from the output at t.")
def own_gradient_not_added(dc, caches):
    last = dc[:, :, -1]
    return walked(dc, caches, arriving=lambda own, later: later if np.any(later) else last)


@gru_backward.mistake("The gradients of weights are divided by T_x. They are sums over the steps, not means.")
def mean_over_time(dc, caches):
    return walked(dc, caches, collect=lambda parts: sum(parts) / len(parts))


@gru_backward.mistake("Step 0 is left out: its part of dx stays 0. The loop is `for t in reversed(range(T_x))`.")
def first_step_left_out(dc, caches):
    steps, x = caches
    if x.shape[2] > 1:
        return walked(dc, caches, times=range(x.shape[2] - 1, 0, -1))
    return {name: 0 * dV for name, dV in gru_backward(dc, caches).items()}


@gru_backward.mistake("dx is in reverse order. Store the gradient of step t at `dx[:, :, t]`.")
def dx_in_reverse(dc, caches):
    gradients = gru_backward(dc, caches)
    return gradients | {"dx": gradients["dx"][:, :, ::-1]}


@gru_backward.mistake("dc0 is 0. It is the dc_prev of the first step, the last one you come to.")
def dc0_of_zeros(dc, caches):
    gradients = gru_backward(dc, caches)
    return gradients | {"dc0": np.zeros_like(gradients["dc0"])}


@gru_backward.mistake("dc0 is the dc_prev of the last step. It is that of the first step, t = 0.")
def dc0_of_the_last_step(dc, caches):
    gradients = gru_backward(dc, caches)
    return gradients | {"dc0": gru_cell_backward(dc[:, :, -1], caches[0][-1])["dc_prev"]}


@gru_backward.mistake("The later gradient is multiplied by 1 - Γ_u a second time. dc_prev already holds that factor.")
def gate_applied_twice(dc, caches):
    steps, x = caches
    gates = iter([step[2] for step in steps[::-1]])
    return walked(dc, caches, arriving=lambda own, later: own + later * (1 - next(gates)))


@gru_backward.accept
def back_by_the_rule(dc, caches):
    return walked(dc, caches)


@gru_backward.accept("No loop: a step first asks the earlier ones for what they make of its dc_prev.")
def back_by_recursion(dc, caches):
    def up_to(t, later):
        if t < 0:
            return [], later
        gradients = gru_cell_backward(dc[:, :, t] + later, caches[0][t])
        earlier, dc0 = up_to(t - 1, gradients["dc_prev"])
        return [*earlier, gradients], dc0

    steps, dc0 = up_to(len(caches[0]) - 1, np.zeros(dc.shape[:2]))
    weights = [f"d{V}{name}" for name in GATES for V in "Wb"]
    return {"dx": np.dstack([step["dxt"] for step in steps]), "dc0": dc0} | {
        name: np.sum([step[name] for step in steps], axis=0) for name in weights
    }


@gru_backward.accept
def back_each_output_by_itself(dc, caches):
    """Send the gradient of each step's output back alone, and add up what comes of it: J is a sum over time."""
    total = None
    for t in range(dc.shape[2]):
        alone = np.zeros_like(dc)
        alone[:, :, t] = dc[:, :, t]
        gradients = walked(alone, caches)
        total = gradients if total is None else {name: total[name] + dV for name, dV in gradients.items()}
    return total
