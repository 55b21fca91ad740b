"""Lesson 5.12, translation: the catalogue of its eight exercises. Equations are those of the notebook."""

import heapq
from collections import Counter

import numpy as np
from scipy.special import log_softmax, softmax

from helpers.exercises import Function, Lesson, case
from helpers.widgets.fast_translation import (
    attention_backward,
    gru_backward,
    gru_forward,
    padding_mask,
    scaled_dot_product_attention,
)

lesson = Lesson("translation")

# --- predictions -----------------------------------------------------------------------------------------------------

lesson.predict(
    "without_attention",
    "Two models translate dates: one looks at all states of the encoder, the other gets its last state alone. After 300 "
    "steps the one that looks has more than 9 of 10 dates right, as a whole. How many has the other?",
    ("about as many", "about half of them", "next to none"),
    "One state of 32 numbers has to hold the whole date, and each later step can read it only through the decoder's "
    "state. It says most characters right, but a date counts only if all ten are.",
)
lesson.predict(
    "month_source",
    "The model writes the month of “monday, november 4, 1974”, 11. Which part of the text has the largest weight then?",
    ("monday", "november", "4", "1974"),
    "The query is made of the decoder's state, which knows that a month is to be written. The states in and behind the "
    "name of the month are where it can be read.",
)
lesson.predict(
    "greedy_tree",
    "After the start a has the probability .5, b .4, the end .1. After a: a .4, b .35, end .25. After b: a .05, b .05, end "
    ".9. Two steps are taken, and the likeliest token is taken each time. What is the probability of the result?",
    because="The likeliest first token, a with .5, leads to .4 at best. The path over b is worth .4 times .9.",
)
lesson.predict(
    "beam_gain",
    "The trained model writes dates with a beam of width 3. How many more of them are right than with the likeliest token "
    "each time?",
    ("more than 5 in 100", "at most 5 in 100 more or fewer", "more than 5 in 100 fewer"),
    "Where the model is sure of each symbol, the likeliest translation begins with the likeliest symbol, and the beam finds "
    "what greedy finds.",
)
lesson.predict(
    "two_readings",
    "3/5/98 is the fifth of March for some and the third of May for others, and both occur equally often in what the model "
    "learned from. Its likeliest and second likeliest translation:",
    ("the two readings", "one reading, and a date that is none", "two dates that are no readings"),
    "The second number of the text must be what the first one is not. After so few steps the model has not learned that "
    "well: it mixes the two readings.",
)

# --- models and texts ------------------------------------------------------------------------------------------------

#: n_a, V_x, V, T_y and the lengths: all different, so that nothing fits by accident. One text is as long as the array.
SIZES = ((3, 6, 4, 2, (5, 2)), (2, 5, 6, 4, (3,)), (4, 7, 5, 3, (2, 6)))


def sides(rng, *shape):
    """Return numbers of both signs, none near 0."""
    return rng.uniform(0.4, 1.2, size=shape) * rng.choice([-1, 1], size=shape)


def draw_gru(rng, n_a, n_x):
    found = {}
    for name in "urc":
        found |= {"W" + name: rng.normal(size=(n_a, n_a + n_x)), "b" + name: sides(rng, n_a, 1) / 2}
    return found


def draw_parameters(rng, n_a, V_x, V):
    return {
        "encoder": draw_gru(rng, n_a, V_x),
        "decoder": draw_gru(rng, n_a, V + 1),
        "Wi": rng.normal(size=(n_a, n_a)),
        "bi": sides(rng, n_a, 1),
        "WQ": 1.5 * rng.normal(size=(n_a, n_a)),
        "W": rng.normal(size=(V, 2 * n_a)),
        "b": sides(rng, V, 1),
    }


def draw_texts(rng, V_x, lengths, room=0):
    """Return x, with any numbers at padding, and lengths."""
    T_x = max(lengths) + room
    return {"x": rng.integers(V_x, size=(len(lengths), T_x)), "lengths": np.array(lengths)}


# --- encode ----------------------------------------------------------------------------------------------------------


def encode_cases(rng):
    found = []
    for n_a, V_x, _, _, lengths in SIZES:
        parameters = draw_parameters(rng, n_a, V_x, 3)
        used = {name: parameters[name] for name in ("encoder", "Wi", "bi")}
        found.append(case(**draw_texts(rng, V_x, lengths, room=len(lengths) % 2), parameters=used))
    return found


def small_encoder():
    rng = np.random.default_rng(0)
    parameters = {"encoder": draw_gru(rng, 2, 3), "Wi": np.array([[1.0, 0], [0, 2]]), "bi": np.zeros((2, 1))}
    return {"x": np.array([[0, 2, 1], [1, 0, 0]]), "lengths": np.array([3, 1]), "parameters": parameters}


@lesson.exercise(
    points=2,
    topic=89,
    equation="(12.3) to (12.5)",
    returns=("H", "s0", "cache"),
    cases=encode_cases,
    ask="Which column of H is the state after the last real step of example i, if steps are counted from 0? It is another "
    "one for each example.",
    small=small_encoder(),
    why={
        "question": "Why not `H[:, :, -1]`?",
        "choices": {
            "for a shorter text it is the state after its padding": "Yes: the GRU went on reading what is no text, and its "
            "state has changed.",
            "it has another shape": "No: it is (n_a, m) as well, so nothing warns you.",
            "it is slower": "No: it is faster. It is another state.",
        },
    },
)
def encode(x, lengths, parameters):
    """Read the texts, and make the first state of the decoder.

    Parameters
    ----------
    x : ndarray of int, shape (m, T_x)
        Symbols; those from `lengths[i]` on are padding.
    lengths : ndarray of int, shape (m,)
    parameters : dict
        ``encoder``, the parameters of a GRU, ``Wi`` (n_a, n_a), ``bi`` (n_a, 1).

    Returns
    -------
    H : ndarray, shape (n_a, m, T_x)
        The states of the encoder, those at padding among them.
    s0 : ndarray, shape (n_a, m)
    cache : tuple
        ``(kept, lengths, last, s0)``: the cache of the GRU, and the states after the last real steps, (n_a, m).
    """
    p, m = parameters, len(x)
    H, kept = gru_forward(x, np.zeros((len(p["bi"]), m)), p["encoder"])  # (12.3)
    last = H[:, np.arange(m), lengths - 1]  # (12.4)
    s0 = np.tanh(p["Wi"] @ last + p["bi"])  # (12.5)
    return H, s0, (kept, lengths, last, s0)


def encode_variant(x, lengths, p, last=None, s0=None, H=None, read=None):
    """Return what `encode` returns, with a step replaced."""
    H_right, kept = gru_forward(x if read is None else read(x), np.zeros((len(p["bi"]), len(x))), p["encoder"])
    last = (right_last if last is None else last)(H_right, lengths)
    s0 = np.tanh(p["Wi"] @ last + p["bi"]) if s0 is None else s0(last, p)
    return H_right if H is None else H(H_right, lengths), s0, (kept, lengths, last, s0)


def right_last(H, lengths):
    return H[:, np.arange(len(lengths)), lengths - 1]


@encode.mistake(
    "You take the state at the last step of the array. In a shorter text that is padding: take step lengths[i] - 1 of example i."
)
def state_at_padding(*given):
    return encode_variant(*given, last=lambda H, lengths: H[:, :, -1])


@encode.mistake("You take the step after the last real one. With numbers from 0, the last real step is lengths - 1.")
def one_step_late(x, lengths, p):
    return encode_variant(
        x, lengths, p, last=lambda H, lengths: H[:, np.arange(len(x)), np.minimum(lengths, x.shape[1] - 1)]
    )


@encode.mistake("You take the step before the last real one: with numbers from 0, the last is lengths - 1.")
def one_step_early(*given):
    return encode_variant(*given, last=lambda H, lengths: H[:, np.arange(len(lengths)), lengths - 2])


@encode.mistake("The decoder starts from the first state of the encoder. It starts from the last real one.")
def first_state(*given):
    return encode_variant(*given, last=lambda H, lengths: H[:, :, 0])


@encode.mistake(
    "All examples get the last step of the first one. Each has its own length: index examples and steps together."
)
def length_of_the_first(*given):
    return encode_variant(*given, last=lambda H, lengths: H[:, :, min(lengths[0], H.shape[2]) - 1])


@encode.mistake("The decoder starts from the mean of the states. It starts from the last real one.")
def mean_of_states(*given):
    real = lambda H, lengths: padding_mask(lengths, H.shape[2])[:, 0]
    return encode_variant(*given, last=lambda H, lengths: (H * real(H, lengths)).sum(axis=2) / lengths)


@encode.mistake("The tanh is missing in s0, (12.5).")
def without_tanh(*given):
    return encode_variant(*given, s0=lambda last, p: p["Wi"] @ last + p["bi"])


@encode.mistake("The matrix Wi is transposed: Wi @ last, not Wi.T @ last.")
def matrix_transposed(*given):
    return encode_variant(*given, s0=lambda last, p: np.tanh(p["Wi"].T @ last + p["bi"]))


@encode.mistake("The bias bi is missing in s0.")
def without_bias(*given):
    return encode_variant(*given, s0=lambda last, p: np.tanh(p["Wi"] @ last))


@encode.mistake("s0 is the last real state as it is. It goes through Wi, bi and tanh first, (12.5).")
def state_as_it_is(*given):
    return encode_variant(*given, s0=lambda last, p: last)


@encode.mistake("The texts are read from their end. Hand x to the GRU as it is.")
def read_backwards(*given):
    return encode_variant(*given, read=lambda x: x[:, ::-1])


@encode.mistake(
    "The states at padding are set to 0. H is what the GRU returns; attention closes padding with its mask."
)
def states_cleared(*given):
    return encode_variant(*given, H=lambda H, lengths: H * padding_mask(lengths, H.shape[2])[:, 0])


@encode.accept(
    "A mask that is 1 at the last real step alone, and a sum over the steps: slower, but no index of two arrays."
)
def encode_with_a_mask(x, lengths, parameters):
    H, kept = gru_forward(x, np.zeros((len(parameters["bi"]), len(x))), parameters["encoder"])
    last = np.sum(H * (np.arange(x.shape[1]) == lengths[:, None] - 1), axis=2)
    s0 = np.tanh(parameters["Wi"] @ last + parameters["bi"])
    return H, s0, [kept, lengths, last, s0]


@encode.accept
def encode_with_a_loop(x, lengths, parameters):
    H, kept = gru_forward(x, np.zeros((len(parameters["bi"]), len(x))), parameters["encoder"])
    last = np.stack([H[:, i, length - 1] for i, length in enumerate(lengths)], axis=1)
    s0 = np.tanh(np.einsum("ij,jm->im", parameters["Wi"], last) + parameters["bi"])
    return H, s0, (kept, lengths, last, s0)


# --- decoder_inputs --------------------------------------------------------------------------------------------------


def inputs_cases(rng):
    found = []
    for m, T, V, start in ((2, 4, 6, 6), (1, 3, 4, 5), (3, 5, 7, 0)):
        targets = np.array([rng.permutation(V)[:T] for _ in range(m)])
        found.append(case(targets=targets, start=start))
    return [*found, case(targets=rng.integers(3, size=(2, 1)), start=3)]


@lesson.exercise(
    points=1,
    topic=91,
    equation="(12.6)",
    cases=inputs_cases,
    ask="What does the decoder read before it says the first symbol, and which target does it never read?",
    small={"targets": np.array([[2, 0, 1]]), "start": 4},
)
def decoder_inputs(targets, start):
    """Return what the decoder reads while it is taught: the start, then the targets but the last.

    Parameters
    ----------
    targets : ndarray of int, shape (m, T_y)
    start : int

    Returns
    -------
    ndarray of int, shape (m, T_y)
    """
    begin = np.full((len(targets), 1), start)
    return np.concatenate([begin, targets[:, :-1]], axis=1)  # (12.6)


@decoder_inputs.mistake(
    "The targets are not shifted: at each step the decoder reads the very symbol that it should say."
)
def not_shifted(targets, start):
    return targets.copy()


@decoder_inputs.mistake(
    "The targets are shifted the wrong way: each step reads the symbol after the one it should say."
)
def shifted_the_wrong_way(targets, start):
    return np.concatenate([targets[:, 1:], np.full((len(targets), 1), start)], axis=1)


@decoder_inputs.mistake("The start replaces the first target. It stands before it, and the last target drops out.")
def start_in_place_of_the_first(targets, start):
    return np.concatenate([np.full((len(targets), 1), start), targets[:, 1:]], axis=1)


@decoder_inputs.mistake("There is one column too many: the last target is never read, the result is (m, T_y).")
def one_column_more(targets, start):
    return np.concatenate([np.full((len(targets), 1), start), targets], axis=1)


@decoder_inputs.mistake("The first column holds the last target: np.roll brings it round. It holds the start.")
def rolled(targets, start):
    return np.roll(targets, 1, axis=1)


@decoder_inputs.mistake("The examples are shifted, not the steps. The steps are axis 1.")
def examples_shifted(targets, start):
    return np.concatenate([np.full((1, targets.shape[1]), start), targets[:-1]])


@decoder_inputs.mistake("The first column is 0. It holds the number of the start.")
def zero_for_the_start(targets, start):
    return np.concatenate([np.zeros((len(targets), 1), dtype=int), targets[:, :-1]], axis=1)


@decoder_inputs.mistake("The start is missing: the result is (m, T_y), with the start as its first column.")
def without_the_start(targets, start):
    return targets[:, :-1].copy()


@decoder_inputs.mistake("The targets are shifted by two steps. The start takes one place.")
def shifted_by_two(targets, start):
    begin = np.full((len(targets), 2), start)
    return np.concatenate([begin, targets], axis=1)[:, : targets.shape[1]]


@decoder_inputs.accept("A copy that is rolled round, and then its first column is overwritten.")
def inputs_by_rolling(targets, start):
    inputs = np.roll(targets, 1, axis=1)
    inputs[:, 0] = start
    return inputs


@decoder_inputs.accept
def inputs_by_loop(targets, start):
    return [[start, *row[:-1]] for row in targets]


# --- seq2seq_forward -------------------------------------------------------------------------------------------------


def draw_model(rng, n_a, V_x, V, T_y, lengths, room=0):
    """Return the arguments of `seq2seq_forward`. No two targets of a row, and no two rows, are alike."""
    targets = np.array([rng.permutation(V)[:T_y] for _ in lengths])
    return {
        **draw_texts(rng, V_x, lengths, room),
        "targets": targets,
        "parameters": draw_parameters(rng, n_a, V_x, V),
    }


def forward_cases(rng):
    return [case(**draw_model(rng, *sizes, room=len(sizes[-1]) % 2)) for sizes in SIZES]


@lesson.exercise(
    points=3,
    topic=90,
    equation="(12.7) to (12.10)",
    returns=("Z", "cache"),
    cases=forward_cases,
    ask="Who asks and who answers? The decoder's states make the queries. Whose states are the keys and the values, and "
    "which of them may be looked at?",
    small=draw_model(np.random.default_rng(0), 2, 3, 3, 2, (2, 3)),
    why={
        "question": "Why can all decoder states be computed before any attention?",
        "choices": {
            "a state depends on the token before and the state before alone": "Yes: the context goes to the scores, not back into "
            "the GRU. So attention comes once, for all steps.",
            "attention does not depend on the decoder": "No: its queries are made of the decoder's states.",
            "the targets are shifted": "No: without the shift they could be computed at once, too.",
        },
    },
)
def seq2seq_forward(x, lengths, targets, parameters):
    """Return the scores of each symbol of the translation, with the symbols before it given.

    Parameters
    ----------
    x : ndarray of int, shape (m, T_x)
    lengths : ndarray of int, shape (m,)
    targets : ndarray of int, shape (m, T_y)
    parameters : dict
        ``encoder``, ``decoder``, ``Wi``, ``bi``, ``WQ`` (n_a, n_a), ``W`` (V, 2 n_a), ``b`` (V, 1). The start has the
        number V.

    Returns
    -------
    Z : ndarray, shape (V, m, T_y)
    cache : tuple
        ``(parameters, encoded, decoded, attended, S, SC)``: caches of `encode`, of the decoder and of attention, the
        decoder's states, and states and contexts stacked, (2 n_a, m, T_y).
    """
    p = parameters
    H, s0, encoded = encode(x, lengths, p)
    S, decoded = gru_forward(decoder_inputs(targets, len(p["b"])), s0, p["decoder"])  # (12.7)
    Q = np.einsum("ij,jmt->imt", p["WQ"], S)  # (12.8)
    C, attended = scaled_dot_product_attention(Q, H, H, padding_mask(lengths, x.shape[1]))  # (12.9)
    SC = np.concatenate([S, C])
    Z = np.einsum("vn,nmt->vmt", p["W"], SC) + p["b"][:, :, None]  # (12.10)
    return Z, (p, encoded, decoded, attended, S, SC)


def forward_variant(
    x, lengths, targets, p, begin=lambda s0: s0, inputs=None, queries=None, mask=padding_mask, stacked=None, scores=None,
    keys=lambda H: H, values=lambda H: H,
):  # fmt: skip
    """Return what `seq2seq_forward` returns, with a step replaced."""
    H, s0, encoded = encode(x, lengths, p)
    read = decoder_inputs(targets, len(p["b"])) if inputs is None else inputs(targets, p)
    S, decoded = gru_forward(read, begin(s0), p["decoder"])
    Q = np.einsum("ij,jmt->imt", p["WQ"], S) if queries is None else queries(S, p)
    C, attended = scaled_dot_product_attention(Q, keys(H), values(H), mask(lengths, x.shape[1]))
    SC = np.concatenate([S, C]) if stacked is None else stacked(S, C)
    Z = np.tensordot(p["W"], SC, axes=1) + p["b"][:, :, None] if scores is None else scores(SC, p)
    return Z, (p, encoded, decoded, attended, S, SC)


@seq2seq_forward.mistake("The decoder starts at 0. It starts from s0, which `encode` returns.")
def decoder_from_zero(*given):
    return forward_variant(*given, begin=np.zeros_like)


@seq2seq_forward.mistake(
    "The decoder starts at the last state of the encoder. It starts from s0, (12.5), which `encode` returns."
)
def decoder_from_last(x, lengths, targets, p):
    return forward_variant(x, lengths, targets, p, begin=lambda s0: encode(x, lengths, p)[2][2])


@seq2seq_forward.mistake(
    "The queries are made of the states before the step. The GRU goes first: step t asks with s_t, (12.8)."
)
def queries_of_states_before(x, lengths, targets, p):
    s0 = encode(x, lengths, p)[1]
    before = lambda S: np.concatenate([s0[:, :, None], S[:, :, :-1]], axis=2)
    return forward_variant(x, lengths, targets, p, queries=lambda S, p: np.einsum("ij,jmt->imt", p["WQ"], before(S)))


@seq2seq_forward.mistake(
    "The root of n_a divides twice. `scaled_dot_product_attention` does it: hand it W_Q s_t as it is."
)
def queries_scaled_twice(*given):
    return forward_variant(*given, queries=lambda S, p: np.einsum("ij,jmt->imt", p["WQ"], S) / np.sqrt(len(S)))


@seq2seq_forward.mistake(
    "Padding is attended to. Hand padding_mask(lengths, T_x) to attention: states behind the text are closed."
)
def padding_attended(*given):
    return forward_variant(*given, mask=lambda lengths, T: np.ones((len(lengths), 1, T), dtype=bool))


@seq2seq_forward.mistake("The mask is turned round: attention sees padding alone. True says where a query may look.")
def mask_turned(*given):
    return forward_variant(*given, mask=lambda lengths, T: ~padding_mask(lengths, T))


@seq2seq_forward.mistake(
    "The decoder reads the targets as they are, and sees what it should say. It reads decoder_inputs(targets, V)."
)
def targets_read(*given):
    return forward_variant(*given, inputs=lambda targets, p: targets)


@seq2seq_forward.mistake("The start has the number V, one more than the last symbol that can be said. You use V - 1.")
def start_is_the_end(*given):
    return forward_variant(*given, inputs=lambda targets, p: decoder_inputs(targets, len(p["b"]) - 1))


@seq2seq_forward.mistake("The start has the number V. You use 0, which is a symbol.")
def start_is_zero(*given):
    return forward_variant(*given, inputs=lambda targets, p: decoder_inputs(targets, 0))


@seq2seq_forward.mistake(
    "The decoder is fed with its own guesses. While it is taught, it reads the right symbols, decoder_inputs(targets, V)."
)
def own_guesses_fed(x, lengths, targets, p):
    said = targets
    for _ in range(targets.shape[1]):
        read = lambda targets, p, said=said: decoder_inputs(said, len(p["b"]))
        found = forward_variant(x, lengths, targets, p, inputs=read)
        said = found[0].argmax(axis=0)
    return found


@seq2seq_forward.mistake("The queries are the decoder's states as they are. They are W_Q times them, (12.8).")
def queries_without_matrix(*given):
    return forward_variant(*given, queries=lambda S, p: S)


@seq2seq_forward.mistake("The matrix of the queries is transposed: WQ @ s, not WQ.T @ s.")
def query_matrix_transposed(*given):
    return forward_variant(*given, queries=lambda S, p: np.einsum("ji,jmt->imt", p["WQ"], S))


@seq2seq_forward.mistake(
    "State and context are stacked in the wrong order: the state of the decoder comes first, then the context."
)
def context_first(*given):
    return forward_variant(*given, stacked=lambda S, C: np.concatenate([C, S]))


@seq2seq_forward.mistake("The context is missing: the state stands there twice.")
def state_twice(*given):
    return forward_variant(*given, stacked=lambda S, C: np.concatenate([S, S]))


@seq2seq_forward.mistake("The queries are stacked below the state. The context is, what attention returns.")
def query_for_context(x, lengths, targets, p):
    stacked = lambda S, C: np.concatenate([S, np.einsum("ij,jmt->imt", p["WQ"], S)])
    return forward_variant(x, lengths, targets, p, stacked=stacked)


@seq2seq_forward.mistake("The bias b of the scores is missing.")
def scores_without_bias(*given):
    return forward_variant(*given, scores=lambda SC, p: np.tensordot(p["W"], SC, axes=1))


@seq2seq_forward.mistake("Z holds probabilities. Return the scores: the loss does the softmax.")
def probabilities(*given):
    return forward_variant(
        *given, scores=lambda SC, p: softmax(np.tensordot(p["W"], SC, axes=1) + p["b"][:, :, None], axis=0)
    )


@seq2seq_forward.mistake("Keys and values go through W_Q, too. They are the encoder's states as they are.")
def matrix_on_the_keys(x, lengths, targets, p):
    moved = lambda H: np.einsum("ij,jmt->imt", p["WQ"], H)
    return forward_variant(x, lengths, targets, p, keys=moved, values=moved)


@seq2seq_forward.accept("One product for all columns at once, (2n, m·T), instead of an einsum.")
def forward_with_matmul(x, lengths, targets, parameters):
    p = parameters
    H, s0, encoded = encode(x, lengths, p)
    V, (m, T) = len(p["b"]), targets.shape
    inputs = np.full((m, T), V)
    inputs[:, 1:] = targets[:, :-1]
    S, decoded = gru_forward(inputs, s0, p["decoder"])
    Q = (p["WQ"] @ S.reshape(len(S), -1)).reshape(S.shape)
    C, attended = scaled_dot_product_attention(Q, H, H, (np.arange(x.shape[1]) < lengths[:, None])[:, None])
    SC = np.concatenate([S, C])
    Z = (p["W"] @ SC.reshape(len(SC), -1) + p["b"]).reshape(V, m, T)
    return Z, [p, encoded, decoded, attended, S, SC]


@seq2seq_forward.accept
def forward_with_two_products(x, lengths, targets, parameters):
    n = len(parameters["bi"])

    def scores(SC, p):
        return np.tensordot(p["W"][:, :n], SC[:n], 1) + np.tensordot(p["W"][:, n:], SC[n:], 1) + p["b"][..., None]

    return forward_variant(x, lengths, targets, parameters, scores=scores)


# --- seq2seq_backward ------------------------------------------------------------------------------------------------


def backward_cases(rng):
    found = []
    for sizes in SIZES:
        Z, cache = seq2seq_forward(**draw_model(rng, *sizes, room=len(sizes[-1]) % 2))
        found.append(case(dZ=rng.normal(size=Z.shape) + 0.3, cache=cache))
    return found


def small_backward():
    Z, cache = seq2seq_forward(**draw_model(np.random.default_rng(0), 2, 3, 3, 2, (2, 3)))
    return {"dZ": np.round(np.random.default_rng(1).normal(size=Z.shape), 1), "cache": cache}


@lesson.exercise(
    points=4,
    topic=90,
    equation="(12.11) to (12.17)",
    backward=True,
    cases=backward_cases,
    ask="A state of the encoder was used as a key and as a value, and the last real one for the start of the decoder, too. "
    "How do three derivatives at one thing become one?",
    small=small_backward(),
    why={
        "question": "Why `dH[:, i, t] +=` and not `=` for the last real states?",
        "choices": {
            "they were keys and values as well": "Yes: what came back from attention must not be lost.",
            "an index of two arrays cannot be assigned to": "No: it can, and nothing warns you.",
            "several examples may have the same length": "No: each example has its own place in dH.",
        },
    },
)
def seq2seq_backward(dZ, cache):
    """Send the derivative back through `seq2seq_forward`.

    Parameters
    ----------
    dZ : ndarray, shape (V, m, T_y)
        Derivative of J by the scores.
    cache : tuple
        From `seq2seq_forward`.

    Returns
    -------
    dict
        ``dW``, ``db``, ``dWQ``, ``dWi``, ``dbi``, and the dicts of both GRUs, ``encoder`` and ``decoder``.
    """
    p, (kept, lengths, last, s0), decoded, attended, S, SC = cache
    n, m, gradients = len(S), len(lengths), {}
    gradients["dW"] = np.einsum("vmt,nmt->vn", dZ, SC)  # (12.11)
    gradients["db"] = np.sum(dZ, axis=(1, 2))[:, None]  # (12.11)
    dSC = np.einsum("vn,vmt->nmt", p["W"], dZ)  # (12.12)
    dQ, dK, dV = attention_backward(dSC[n:], attended)  # (12.13)
    gradients["dWQ"] = np.einsum("imt,jmt->ij", dQ, S)  # (12.14)
    dS = dSC[:n] + np.einsum("ij,imt->jmt", p["WQ"], dQ)  # (12.14)
    ds0, gradients["decoder"] = gru_backward(dS, decoded)  # (12.15)
    dz = ds0 * (1 - s0**2)
    gradients["dWi"] = dz @ last.T  # (12.16)
    gradients["dbi"] = np.sum(dz, axis=1, keepdims=True)  # (12.16)
    dH = dK + dV  # (12.17)
    dH[:, np.arange(m), lengths - 1] += p["Wi"].T @ dz
    gradients["encoder"] = gru_backward(dH, kept)[1]  # (12.17)
    return gradients


def back_variant(
    dZ, cache, halves=lambda dSC, n: (dSC[:n], dSC[n:]), into_S=None, dWQ=None, slope=lambda s0: 1 - s0**2,
    into_H=lambda dK, dV: dK + dV, start=None, change=None,
):  # fmt: skip
    """Return what `seq2seq_backward` returns, with a step replaced."""
    p, (kept, lengths, last, s0), decoded, attended, S, SC = cache
    n, gradients = len(S), {"dW": np.einsum("vmt,nmt->vn", dZ, SC), "db": np.sum(dZ, axis=(1, 2))[:, None]}
    dS, dC = halves(np.tensordot(p["W"].T, dZ, axes=1), n)
    dQ, dK, dV = attention_backward(dC, attended)
    gradients["dWQ"] = np.einsum("imt,jmt->ij", dQ, S) if dWQ is None else dWQ(dQ, S, attended)
    through = np.einsum("ij,imt->jmt", p["WQ"], dQ)
    ds0, gradients["decoder"] = gru_backward(dS + through if into_S is None else into_S(dS, through, dQ), decoded)
    dz = ds0 * slope(s0)
    gradients |= {"dWi": dz @ last.T, "dbi": np.sum(dz, axis=1, keepdims=True)}
    dH = np.array(into_H(dK, dV))
    if start is None:
        dH[:, np.arange(len(lengths)), lengths - 1] += p["Wi"].T @ dz
    else:
        start(dH, p["Wi"], dz, lengths)
    gradients["encoder"] = gru_backward(dH, kept)[1]
    return gradients if change is None else gradients | change(gradients, dZ, cache)


@seq2seq_backward.mistake(
    "dH is what comes back from the keys alone. The encoder's states are the values, too: add dV."
)
def from_keys_alone(*given):
    return back_variant(*given, into_H=lambda dK, dV: dK)


@seq2seq_backward.mistake(
    "dH is what comes back from the values alone. The encoder's states are the keys, too: add dK."
)
def from_values_alone(*given):
    return back_variant(*given, into_H=lambda dK, dV: dV)


@seq2seq_backward.mistake("The encoder hears of attention nothing: dH needs dK + dV at all steps.")
def from_the_start_alone(*given):
    return back_variant(*given, into_H=lambda dK, dV: 0 * dK)


@seq2seq_backward.mistake(
    "The way through the start of the decoder is missing in dH: add Wi.T @ de at the last real steps, (12.17)."
)
def start_forgotten(*given):
    return back_variant(*given, start=lambda *parts: None)


@seq2seq_backward.mistake(
    "What goes back to the last real states has not passed the tanh. It is Wi.T @ de, not Wi.T @ ds0."
)
def start_without_slope(dZ, cache):
    def start(dH, Wi, dz, lengths):
        dH[:, np.arange(len(lengths)), lengths - 1] += Wi.T @ (dz / (1 - cache[1][3] ** 2))

    return back_variant(dZ, cache, start=start)


@seq2seq_backward.mistake("At the last real steps dH is overwritten. They were keys and values as well: use +=.")
def last_overwritten(*given):
    def start(dH, Wi, dz, lengths):
        dH[:, np.arange(len(lengths)), lengths - 1] = Wi.T @ dz

    return back_variant(*given, start=start)


@seq2seq_backward.mistake(
    "What comes back from the start of the decoder goes to the last step of the array. It belongs to step lengths[i] - 1."
)
def start_at_padding(*given):
    def start(dH, Wi, dz, lengths):
        dH[:, :, -1] += Wi.T @ dz

    return back_variant(*given, start=start)


@seq2seq_backward.mistake(
    "What comes back from the start is added at all steps. It belongs to the last real one alone."
)
def start_at_all_steps(*given):
    def start(dH, Wi, dz, lengths):
        dH += (Wi.T @ dz)[:, :, None]

    return back_variant(*given, start=start)


@seq2seq_backward.mistake("The matrix Wi is not transposed on its way back: Wi.T @ de.")
def start_matrix_not_transposed(*given):
    def start(dH, Wi, dz, lengths):
        dH[:, np.arange(len(lengths)), lengths - 1] += Wi @ dz

    return back_variant(*given, start=start)


@seq2seq_backward.mistake("The slope of tanh, 1 - s0², is missing behind the start of the decoder.")
def tanh_forgotten(*given):
    return back_variant(*given, slope=lambda s0: 1)


@seq2seq_backward.mistake("The slope of tanh is 1 - s0². You have 1 - s0.")
def slope_without_square(*given):
    return back_variant(*given, slope=lambda s0: 1 - s0)


@seq2seq_backward.mistake(
    "The decoder's states made the queries, too. Add what comes back through W_Q to their derivative."
)
def queries_forgotten(*given):
    return back_variant(*given, into_S=lambda dS, through, dQ: dS)


@seq2seq_backward.mistake("The decoder's states went into the scores as well: add the first rows of W.T @ dZ.")
def scores_forgotten(*given):
    return back_variant(*given, into_S=lambda dS, through, dQ: through)


@seq2seq_backward.mistake("dQ goes to the decoder's states as it is. It comes through W_Q: WQ.T @ dQ.")
def query_matrix_skipped(*given):
    return back_variant(*given, into_S=lambda dS, through, dQ: dS + dQ)


@seq2seq_backward.mistake("The matrix W_Q is not transposed on its way back: WQ.T @ dQ.")
def query_matrix_not_transposed(dZ, cache):
    return back_variant(dZ, cache, into_S=lambda dS, through, dQ: dS + np.einsum("ij,jmt->imt", cache[0]["WQ"], dQ))


@seq2seq_backward.mistake(
    "The halves are exchanged: the first n rows of W.T @ dZ belong to the state, the others to the context."
)
def halves_exchanged(*given):
    return back_variant(*given, halves=lambda dSC, n: (dSC[n:], dSC[:n]))


@seq2seq_backward.mistake("dWQ is transposed: rows belong to dQ, columns to the states.")
def dWQ_transposed(*given):
    return back_variant(*given, dWQ=lambda dQ, S, attended: np.einsum("imt,jmt->ji", dQ, S))


@seq2seq_backward.mistake(
    "dWQ is made with the queries. It takes what W_Q was multiplied with, the decoder's states S."
)
def dWQ_from_queries(*given):
    return back_variant(*given, dWQ=lambda dQ, S, attended: np.einsum("imt,jmt->ij", dQ, attended[0]))


@seq2seq_backward.mistake("dW is made with the states alone, and with 0 for the context. It takes both, stacked: SC.")
def dW_of_the_state(*given):
    def change(gradients, dZ, cache):
        n = len(cache[4])
        return {"dW": np.concatenate([gradients["dW"][:, :n], 0 * gradients["dW"][:, n:]], axis=1)}

    return back_variant(*given, change=change)


@seq2seq_backward.mistake("dWi is made with s0. It takes what Wi was multiplied with, the last real states.")
def dWi_from_the_start(*given):
    def change(gradients, dZ, cache):
        _, (_, _, last, s0), *_ = cache
        return {"dWi": (gradients["dWi"] @ np.linalg.pinv(last.T)) @ s0.T}

    return back_variant(*given, change=change)


@seq2seq_backward.mistake("The gradients are divided by m. The factor is in dZ already.")
def divided_by_m(dZ, cache):
    return back_variant(dZ / dZ.shape[1], cache)


@seq2seq_backward.mistake("The gradients of the two GRUs are exchanged.")
def networks_exchanged(*given):
    return back_variant(
        *given, change=lambda gradients, dZ, cache: {"encoder": gradients["decoder"], "decoder": gradients["encoder"]}
    )


@seq2seq_backward.accept(
    "A mask that is True at the last real step puts the part of the start into an array of its own."
)
def back_with_a_mask(dZ, cache):
    p, (kept, lengths, last, s0), decoded, attended, S, SC = cache
    dS, dC = np.split(np.tensordot(p["W"].T, dZ, axes=1), 2)
    dQ, dK, dV = attention_backward(dC, attended)
    ds0, of_decoder = gru_backward(dS + np.tensordot(p["WQ"].T, dQ, axes=1), decoded)
    dz = ds0 * (1 - s0) * (1 + s0)
    at_last = np.arange(dK.shape[2]) == lengths[:, None] - 1
    _, of_encoder = gru_backward(dK + dV + (p["Wi"].T @ dz)[:, :, None] * at_last, kept)
    return {
        "dW": np.tensordot(dZ, SC, axes=((1, 2), (1, 2))),
        "db": dZ.reshape(len(dZ), -1).sum(axis=1, keepdims=True),
        "dWQ": np.tensordot(dQ, S, axes=((1, 2), (1, 2))),
        "dWi": np.einsum("im,jm->ij", dz, last),
        "dbi": dz.sum(axis=1)[:, None],
        "encoder": of_encoder,
        "decoder": of_decoder,
    }


@seq2seq_backward.accept
def back_with_a_loop(dZ, cache):
    def start(dH, Wi, dz, lengths):
        for i, length in enumerate(lengths):
            dH[:, i, length - 1] += Wi.T @ dz[:, i]

    return back_variant(dZ, cache, start=start)


# --- greedy_decode ---------------------------------------------------------------------------------------------------


def draw_table(rng, rows, V):
    """Return log-probabilities (rows, V), some rows flat and some steep, no two of a row near each other."""
    gaps = rng.uniform(0.1, 1.2, size=(rows, V)) * rng.uniform(0.6, 1.6, size=(rows, 1))
    return log_softmax(np.stack([rng.permutation(row) for row in np.cumsum(gaps, axis=1)]), axis=1)


def draw_walk(rng, V, rows, max_length, start, ends, least=2):
    """Return arguments of `greedy_decode` that say the end at some step, or never in `max_length` steps."""
    while True:
        end = int(rng.integers(V))
        given = {"step": Function("table", V), "state": (int(rng.integers(rows)), draw_table(rng, rows, V))}
        given |= {"start": start, "end": end, "max_length": max_length}
        said = greedy_decode(**given)
        ended = len(said) < max_length
        more = greedy_decode(**{**given, "max_length": 30})
        if ended == ends and len(said) >= least and (ends or len(more) > max_length) and len(set(said)) > 1:
            return given


def greedy_cases(rng):
    return [
        case(**draw_walk(rng, 4, 11, 9, 4, True)),
        case(**draw_walk(rng, 5, 7, 6, 5, True, 3)),
        case(**draw_walk(rng, 6, 13, 4, 3, False)),
        case(**draw_walk(rng, 3, 8, 12, 3, True, 4)),
        case(**draw_walk(rng, 5, 9, 6, 5, False)),
    ]


#: a, b and the end; the rows are those after the start, after a, after b.
HAND = np.log([[0.5, 0.4, 0.1], [0.4, 0.35, 0.25], [0.05, 0.05, 0.9]])
HAND_ARGUMENTS = {"step": Function("table", 0), "state": (0, np.roll(HAND, -1, axis=0)), "start": 2, "end": 2}


@lesson.exercise(
    points=2,
    topic=92,
    equation="(12.18)",
    cases=greedy_cases,
    ask="What two things does each step need from the step before, and which two things can end the loop?",
    small=HAND_ARGUMENTS | {"max_length": 2},
    why={
        "question": "Why is there a max_length?",
        "choices": {
            "nothing makes a model say the end": "Yes: it may go round in a circle for ever.",
            "the arrays must have one length": "No: the result is a list.",
            "long translations are wrong": "No: some texts are long.",
        },
    },
)
def greedy_decode(step, state, start, end, max_length):
    """Say the likeliest token at each step.

    Parameters
    ----------
    step : callable
        ``step(token, state)`` returns the log-probabilities of the next token, (V,), and the next state.
    state : object
        Before the first step; whatever `step` takes.
    start, end : int
    max_length : int
        The largest number of steps.

    Returns
    -------
    list of int
        What was said, without start and end.
    """
    tokens, token = [], start
    for _ in range(max_length):
        log_probs, state = step(token, state)
        token = int(np.argmax(log_probs))  # (12.18)
        if token == end:
            break
        tokens.append(token)
    return tokens


def greedy_variant(
    step, state, start, end, max_length, best=np.argmax, first=(), keep=lambda new, old: new, fed=lambda token, start: token,
    stop=True, said=lambda tokens, token, end: tokens, read=lambda found: found[0],
):  # fmt: skip
    """Return what `greedy_decode` returns, with a step replaced."""
    tokens, token = list(first), start
    for _ in range(max_length):
        found = step(fed(token, start), state)
        log_probs, state = read(found), keep(found[1], state)
        token = int(best(log_probs))
        if token == end and stop:
            return said(tokens, token, end)
        if token != end or not stop:
            tokens.append(token)
    return tokens


@greedy_decode.mistake("The end is in the result. Stop before you append it.")
def end_kept(*given):
    return greedy_variant(*given, said=lambda tokens, token, end: [*tokens, end])


@greedy_decode.mistake("The start is in the result. It is read, not said.")
def start_kept(step, state, start, end, max_length):
    return greedy_variant(step, state, start, end, max_length, first=[start])


@greedy_decode.mistake("There is no limit: after max_length steps it is over, even if the end was not said.")
def without_limit(step, state, start, end, max_length):
    return greedy_variant(step, state, start, end, 40)


@greedy_decode.mistake("There is one step too many: at most max_length tokens are said, the end among them.")
def one_step_too_many(step, state, start, end, max_length):
    return greedy_variant(step, state, start, end, max_length + 1)


@greedy_decode.mistake("There is one step too few: max_length steps may be taken.")
def one_step_too_few(step, state, start, end, max_length):
    return greedy_variant(step, state, start, end, max_length - 1)


@greedy_decode.mistake(
    "The state is not passed on: each step gets the one with which all began. Keep what `step` returns."
)
def state_not_passed_on(*given):
    return greedy_variant(*given, keep=lambda new, old: old)


@greedy_decode.mistake("Each step reads the start. It reads the token that was said before.")
def start_fed_always(*given):
    return greedy_variant(*given, fed=lambda token, start: start)


@greedy_decode.mistake("The least likely token is said. Take the largest log-probability.")
def least_likely(*given):
    return greedy_variant(*given, best=np.argmin)


@greedy_decode.mistake("After the end you go on. Stop as soon as the end is the likeliest token.")
def goes_on_after_the_end(*given):
    return greedy_variant(*given, stop=False)


@greedy_decode.mistake("The end is left out, but you go on behind it. It ends the loop.")
def goes_on_without_the_end(*given):
    return [token for token in greedy_variant(*given, stop=False) if token != given[3]]


@greedy_decode.mistake("The end is passed over, and the next likeliest token is said. The end ends the loop.")
def end_never_said(step, state, start, end, max_length):
    never = lambda log_probs: np.argmax(np.where(np.arange(len(log_probs)) == end, -np.inf, log_probs))
    return greedy_variant(step, state, start, end, max_length, best=never)


@greedy_decode.mistake("The last token before the end is lost. Append each token that is not the end.")
def last_token_lost(*given):
    return greedy_variant(*given, said=lambda tokens, token, end: tokens[:-1])


@greedy_decode.mistake("You return two things. Return the list of tokens alone.")
def with_the_state(*given):
    return greedy_variant(*given), given[1]


@greedy_decode.accept("A function that calls itself: the first token, and then what follows it with one step less.")
def greedy_by_recursion(step, state, start, end, max_length):
    if max_length == 0:
        return []
    log_probs, state = step(start, state)
    token = int(np.argmax(log_probs))
    return [] if token == end else [token, *greedy_by_recursion(step, state, token, end, max_length - 1)]


@greedy_decode.accept
def greedy_with_while(step, state, start, end, max_length):
    tokens = [start]
    while tokens[-1] != end or len(tokens) == 1:
        if len(tokens) > max_length:
            return np.array(tokens[1:])
        log_probs, state = step(tokens[-1], state)
        tokens.append(max(range(len(log_probs)), key=lambda k: log_probs[k]))
    return np.array(tokens[1:-1])


# --- beam_search -----------------------------------------------------------------------------------------------------


def draw_beam(rng, V, rows, start, width, max_length, alpha, ended):
    """Return arguments of `beam_search` whose best is not the greedy one, and, with alpha 1, not the best of all."""
    while True:
        given = {"step": Function("table", V + 1), "state": (int(rng.integers(rows)), draw_table(rng, rows, V))}
        given |= {"start": start, "end": int(rng.integers(V))}
        full = beam_variant(**given, width=width, max_length=max_length, alpha=alpha, cut=False)
        scores = [score for score, _ in full]
        lengths = [len(tokens) for _, tokens in full]
        plain = greedy_decode(**given, max_length=max_length)
        if (
            sum(length < max_length for length in lengths) >= ended
            and max_length in lengths
            and list(full[0][1]) != plain
            and min(np.abs(np.diff(scores)), default=1) > 1e-4
        ):
            given |= {"max_length": max_length, "alpha": alpha}
            if alpha != 1 or beam_variant(**given, width=200)[0][0] > scores[0]:
                return given | {"width": width}


def beam_cases(rng):
    first = draw_beam(rng, 4, 17, 4, 2, 5, 1.0, 1)
    while beam_search.reference(**first) == best_of_each(**first):  # what is cut must matter
        first = draw_beam(rng, 4, 17, 4, 2, 5, 1.0, 1)
    return [
        case(**first),
        case(**draw_beam(rng, 3, 14, 3, 3, 6, 0.6, 3)),
        case(**draw_beam(rng, 5, 23, 2, 4, 4, 0.0, 2)),
        case(**draw_beam(rng, 3, 19, 3, 3, 5, 1.5, 2)),
        case(**draw_beam(rng, 4, 29, 4, 2, 7, 0.8, 2)),
    ]


@lesson.exercise(
    points=4,
    topic=92,
    equation="(12.20), (12.21)",
    cases=beam_cases,
    ask="What does a hypothesis need so that it can be continued? And what happens to one that has said the end?",
    small=HAND_ARGUMENTS | {"width": 2, "max_length": 2, "alpha": 1.0},
    why={
        "question": "Why are sums of logarithms divided by a power of the length?",
        "choices": {
            "each token makes the sum smaller": "Yes: a logarithm of a probability is below 0, so short ones would win.",
            "the probabilities of a step must add up to 1": "No: they do, whatever the length.",
            "long sums lose digits": "No: ten or twenty terms lose none that matters.",
        },
    },
)
def beam_search(step, state, start, end, width, max_length, alpha):
    """Keep the `width` likeliest beginnings at each step, and return the best translations found.

    Parameters
    ----------
    step : callable
        ``step(token, state)`` returns the log-probabilities of the next token, (V,), and the next state.
    state : object
        Before the first step.
    start, end : int
    width : int
    max_length : int
        The largest number of steps.
    alpha : float
        A sum of logarithms is divided by length to the power of alpha; the length counts the end, not the start.

    Returns
    -------
    list of tuple
        At most `width` pairs ``(score, tokens)``, the best first, tokens without start and end.
    """
    beam, finished = [(0.0, [], start, state)], []
    for length in range(1, max_length + 1):
        candidates = []
        for total, tokens, token, old in beam:
            log_probs, new = step(token, old)
            candidates += [(total + log_probs[k], tokens, k, new) for k in range(len(log_probs))]  # (12.20)
        candidates.sort(key=lambda one: one[0], reverse=True)
        beam = []
        for total, tokens, k, new in candidates[:width]:
            if k == end:
                finished.append((total / length**alpha, tokens))  # (12.21)
            else:
                beam.append((total, [*tokens, k], k, new))
    finished += [(total / max_length**alpha, tokens) for total, tokens, _, _ in beam]
    return sorted(finished, key=lambda one: one[0], reverse=True)[:width]


def beam_variant(
    step, state, start, end, width, max_length, alpha, copies=1, kind=lambda log_probs: log_probs, add=lambda total, log: total + log,
    choose=None, states=lambda new, place, old: new, score=lambda total, length, alpha: total / length**alpha, extra=(0, 0),
    unfinished=True, enough=0, cut=True, best=True, limit=0, shown=lambda tokens, end: tokens, begin=0.0, each=None,
    ended=None, grown=lambda tokens, k: [*tokens, k], aside=True,
):  # fmt: skip
    """Return what `beam_search` returns, with a step replaced."""
    beam, finished = [(begin, [], start, state)] * copies, []
    for length in range(1, max_length + limit + 1):
        candidates = []
        for place, (total, tokens, token, old) in enumerate(beam):
            log_probs, new = step(token, old)
            log_probs = kind(log_probs)
            candidates.append([(add(total, log_probs[k]), tokens, k, new, place) for k in range(len(log_probs))])
        sign = -1 if best else 1
        flat = sorted([one for row in candidates for one in row], key=lambda one: sign * one[0])
        chosen = flat[:width] if choose is None else choose(candidates, flat, width, length)
        news = [row[0][3] for row in candidates]
        beam = []
        for place, (total, tokens, k, new, _) in enumerate(chosen):
            total = total if each is None else each(total, length, alpha)
            if k == end:
                finished.append(((ended or score)(total, max(1, length + extra[0]), alpha), shown(tokens, end)))
            if k != end or not aside:
                beam.append((total, grown(tokens, int(k)), k, states(new, place, news)))
        if enough and len(finished) >= enough:
            break
    if unfinished:
        finished += [
            (score(total, max(1, max_length + limit + extra[1]), alpha), list(tokens)) for total, tokens, _, _ in beam
        ]
    found = sorted(finished, key=lambda one: -one[0])
    return found[:width] if cut else found


@beam_search.mistake(
    "You begin with several copies of the start. They make the same hypotheses and stay alike: begin with one."
)
def all_begin_alike(step, state, start, end, width, max_length, alpha):
    return beam_variant(step, state, start, end, width, max_length, alpha, copies=width)


@beam_search.mistake(
    "After the first step each hypothesis keeps its own best continuation. The best `width` of all continuations are kept."
)
def one_of_each(*given):
    def choose(candidates, flat, width, length):
        return flat[:width] if length == 1 else [max(row, key=lambda one: one[0]) for row in candidates]

    return beam_variant(*given, choose=choose)


@beam_search.mistake(
    "Each hypothesis keeps its best `width` continuations, so the beam grows. Keep the best `width` of all of them."
)
def best_of_each(*given, **named):
    def choose(candidates, flat, width, length):
        return [one for row in candidates for one in sorted(row, key=lambda one: -one[0])[:width]][:300]

    return beam_variant(*given, **named, choose=choose)


@beam_search.mistake("Only the best continuation is kept at each step: this is greedy. Keep `width` of them.")
def greedy_alone(*given):
    return beam_variant(*given, choose=lambda candidates, flat, width, length: flat[:1])


@beam_search.mistake(
    "The states are not carried along with their hypotheses. Each one goes on from the state of the hypothesis it comes from."
)
def states_not_reordered(*given):
    return beam_variant(*given, states=lambda new, place, news: news[min(place, len(news) - 1)])


@beam_search.mistake(
    "A finished hypothesis is continued. One that has said the end is set aside, with the score it has then."
)
def finished_ones_extended(step, state, start, end, width, max_length, alpha):
    found = beam_variant(step, state, start, -1, width, max_length, alpha)
    return [(score, tokens[: tokens.index(end)] if end in tokens else tokens) for score, tokens in found]


@beam_search.mistake(
    "Finished hypotheses stay in the beam, where longer ones with larger sums push them out. Set them aside, so that none is lost."
)
def finished_ones_pushed_out(step, state, start, end, width, max_length, alpha):
    beam = [(0.0, [], start, state, 0)]
    for length in range(1, max_length + 1):
        candidates = []
        for one in beam:
            total, tokens, token, old, over = one
            if over:
                candidates.append(one)
                continue
            log_probs, new = step(token, old)
            for k, log_prob in enumerate(log_probs):
                said = tokens if k == end else [*tokens, k]
                candidates.append((total + log_prob, said, k, new, length if k == end else 0))
        beam = sorted(candidates, key=lambda one: -one[0])[:width]
    found = [(total / (over or max_length) ** alpha, tokens) for total, tokens, _, _, over in beam]
    return sorted(found, key=lambda one: -one[0])


@beam_search.mistake(
    "The search ends with the first finished hypothesis. Others may score better: go on until none is open, or max_length."
)
def ends_with_the_first(*given):
    return beam_variant(*given, enough=1, unfinished=False)


@beam_search.mistake(
    "The search ends with the first finished hypothesis, and what is open then is scored half said. Go on until none is open."
)
def ends_with_the_first_and_keeps_open_ones(*given):
    return beam_variant(*given, enough=1)


@beam_search.mistake(
    "The search ends as soon as `width` hypotheses are finished. Open ones may score better: go on until none is open."
)
def ends_with_width_finished(step, state, start, end, width, max_length, alpha):
    return beam_variant(step, state, start, end, width, max_length, alpha, enough=width)


@beam_search.mistake(
    "A hypothesis that says the end is finished and stays in the beam as well. Set it aside: it is not continued."
)
def finished_and_continued(*given):
    return beam_variant(*given, aside=False)


@beam_search.mistake("A hypothesis goes on from the state before the step. Keep the one that `step` returns.")
def states_not_moved(step, *given):
    return beam_variant(lambda token, old: (step(token, old)[0], old), *given)


@beam_search.mistake("Only the last logarithm counts. Add it to the total of the hypothesis that is continued.")
def total_forgotten(*given):
    return beam_variant(*given, add=lambda total, log: log)


@beam_search.mistake(
    "Hypotheses share one list of tokens: append changes it for all of them. Make a new one, tokens + [token]."
)
def one_list_for_all(*given):
    return beam_variant(*given, grown=lambda tokens, k: tokens.append(k) or tokens)


@beam_search.mistake("What has not said the end after max_length steps is lost. It is scored as it is.")
def unfinished_lost(*given):
    return beam_variant(*given, unfinished=False)


@beam_search.mistake(
    "What has not said the end after max_length steps has its plain sum. Divide it by its length, too."
)
def unfinished_not_divided(step, state, start, end, width, max_length, alpha):
    score = lambda total, length, alpha: total if length > max_length else total / length**alpha
    return beam_variant(step, state, start, end, width, max_length, alpha, score=score, extra=(0, 1))


@beam_search.mistake("Probabilities are added. Add their logarithms, as `step` returns them.")
def probabilities_added(*given):
    return beam_variant(*given, kind=np.exp)


@beam_search.mistake("Logarithms are multiplied. The logarithm of a product is the sum.")
def logarithms_multiplied(*given):
    return beam_variant(*given, add=lambda total, log: total * log, begin=1.0)


@beam_search.mistake("The sum is divided at each step, and added to again. Divide once, when a hypothesis is finished.")
def divided_at_each_step(*given):
    return beam_variant(
        *given, each=lambda total, length, alpha: total / length**alpha, score=lambda total, length, alpha: total
    )


@beam_search.mistake("The scores are the plain sums. Divide them by length to the power of alpha.")
def alpha_not_used(*given):
    return beam_variant(*given, score=lambda total, length, alpha: total)


@beam_search.mistake("Alpha is a factor of the length. It is its power: length**alpha.")
def alpha_times_length(*given):
    return beam_variant(*given, score=lambda total, length, alpha: total / (length * alpha or 1))


@beam_search.mistake("The power of the length is on the wrong side: divide the sum by it.")
def multiplied_by_length(*given):
    return beam_variant(*given, score=lambda total, length, alpha: total * length**alpha)


@beam_search.mistake("Alpha is a factor of the length of the finished ones. It is its power: length**alpha.")
def finished_alpha_times_length(*given):
    return beam_variant(*given, ended=lambda total, length, alpha: total / (length * alpha or 1))


@beam_search.mistake("The whole mean is raised to alpha, or the sum is. Only the length is: sum / length**alpha.")
def alpha_on_the_sum(*given):
    return beam_variant(*given, score=lambda total, length, alpha: -((-total / length) ** alpha))


@beam_search.mistake("The length counts the start, too. It counts what was said: tokens and end.")
def start_counted(*given):
    return beam_variant(*given, extra=(1, 1))


@beam_search.mistake("The length does not count the end. It was said, and its logarithm is in the sum: count it.")
def end_not_counted(*given):
    return beam_variant(*given, extra=(-1, 0))


@beam_search.mistake("There is one step too many: max_length is the largest number of steps.")
def beam_one_step_too_many(*given):
    return beam_variant(*given, limit=1)


@beam_search.mistake("There is one step too few: max_length steps may be taken.")
def beam_one_step_too_few(*given):
    return beam_variant(*given, limit=-1)


@beam_search.mistake("The tokens hold the end. Leave it out.")
def end_in_the_tokens(*given):
    return beam_variant(*given, shown=lambda tokens, end: [*tokens, end])


@beam_search.mistake("The worst comes first. Sort from the largest score down.")
def worst_first(*given):
    return beam_search(*given)[::-1]


@beam_search.mistake("The least likely continuations are kept. Keep the largest sums.")
def least_likely_kept(*given):
    return beam_variant(*given, best=False)


@beam_search.mistake("Score and tokens are exchanged: each entry is (score, tokens).")
def tokens_first(*given):
    return [(tokens, score) for score, tokens in beam_search(*given)]


@beam_search.mistake("All that was finished is returned. Return the best `width` of them.")
def more_than_width(*given):
    return beam_variant(*given, cut=False)


@beam_search.mistake("Only the best one is returned. Return a list of up to `width`.")
def best_alone(*given):
    return beam_search(*given)[:1]


@beam_search.accept("A heap gives the largest sums without sorting all, and the length is that of the list.")
def beam_with_a_heap(step, state, start, end, width, max_length, alpha):
    open_ones, done = [([start], 0.0, state)], []
    for _ in range(max_length):
        grown = []
        for said, total, old in open_ones:
            log_probs, new = step(said[-1], old)
            grown += [([*said, k], total + log_prob, new) for k, log_prob in enumerate(log_probs)]
        open_ones = heapq.nlargest(width, grown, key=lambda one: one[1])
        done += [one for one in open_ones if one[0][-1] == end]
        open_ones = [one for one in open_ones if one[0][-1] != end]
    scored = [(total / (len(said) - 1) ** alpha, said) for said, total, _ in done + open_ones]
    best = heapq.nlargest(width, scored, key=lambda one: one[0])
    return [(score, [k for k in said[1:] if k != end]) for score, said in best]


@beam_search.accept("All sums of a step in one table, and `np.argsort` on all its entries at once.")
def beam_with_a_table(step, state, start, end, width, max_length, alpha):
    sums, texts, states, found = np.zeros(1), [[]], [state], []
    for length in range(1, max_length + 1):
        if not texts:
            break
        steps = [step(text[-1] if text else start, old) for text, old in zip(texts, states, strict=True)]
        table = sums[:, None] + np.array([log_probs for log_probs, _ in steps])
        order = np.argsort(-table, axis=None)[:width]
        rows, tokens = np.unravel_index(order, table.shape)
        found += [(table[r, k] / length**alpha, texts[r]) for r, k in zip(rows, tokens, strict=True) if k == end]
        kept = [(r, k) for r, k in zip(rows, tokens, strict=True) if k != end]
        sums = np.array([table[r, k] for r, k in kept])
        texts, states = [[*texts[r], int(k)] for r, k in kept], [steps[r][1] for r, _ in kept]
    found += [(total / max_length**alpha, text) for total, text in zip(sums, texts, strict=True)]
    return sorted(found, key=lambda one: -one[0])[:width]


@beam_search.accept
def beam_with_marks(step, state, start, end, width, max_length, alpha):
    return [[score, tuple(tokens)] for score, tokens in beam_variant(step, state, start, end, width, max_length, alpha)]


# --- modified_precision ----------------------------------------------------------------------------------------------

WORDS = ["the", "cat", "sat", "down", "on", "a", "mat"]


def sentence(rng, length, words=4):
    return [WORDS[i] for i in rng.integers(words, size=length)]


def precision_cases(rng):
    """Candidates that say a word more often than any reference, and references that differ."""
    found = []
    for n, length, lengths, words in ((1, 7, (4, 5), 3), (2, 8, (6, 5, 7), 3), (1, 6, (9,), 4), (3, 9, (8, 8), 2)):
        while True:
            given = sentence(rng, length, words), [sentence(rng, one, words) for one in lengths], n
            values = {precision_of(*given, how)[0] for how in ("clip", "sum", "none", "one", "first")}
            many = len(values) >= min(5, 1 + 2 * len(lengths)) or (len(lengths) == 1 and len(values) >= 2)
            if many and (n == 1 or precision_of(*given) != order_free(*given)):
                break
        found.append(case(candidate=given[0], references=given[1], n=n))
    return [*found, case(candidate=sentence(rng, 1), references=[sentence(rng, 5)], n=3)]


def order_free(candidate, references, n):
    """Return matches and total where the order inside an n-gram does not count."""
    count = lambda tokens: Counter(tuple(sorted(gram)) for gram in grams(tokens, n))
    counts, theirs = count(candidate), [count(one) for one in references]
    return sum(min(counts[gram], max(one[gram] for one in theirs)) for gram in counts), sum(counts.values())


def grams(tokens, n):
    return [tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]


def precision_of(candidate, references, n, how="clip"):
    """Return matches and total, where matches are clipped as `how` says."""
    counts, theirs = Counter(grams(candidate, n)), [Counter(grams(one, n)) for one in references]
    if how == "none":
        matches = sum(count for gram, count in counts.items() if any(gram in one for one in theirs))
    elif how == "one":
        matches = max(sum(min(count, one[gram]) for gram, count in counts.items()) for one in theirs)
    elif how == "sum":
        matches = sum(min(count, sum(one[gram] for one in theirs)) for gram, count in counts.items())
    elif how == "first":
        matches = sum(min(count, theirs[0][gram]) for gram, count in counts.items())
    elif how == "least":
        matches = sum(min(count, min(one[gram] for one in theirs)) for gram, count in counts.items())
    else:
        matches = sum(min(count, max(one[gram] for one in theirs)) for gram, count in counts.items())
    return matches, max(0, len(candidate) - n + 1)


@lesson.exercise(
    points=2,
    topic=93,
    equation="(12.22)",
    returns=("matches", "total"),
    cases=precision_cases,
    ask="A candidate says a word seven times, one reference says it twice, another once. How often does it count?",
    small={"candidate": ["the", "the", "the"], "references": [["the", "cat"], ["the", "mat", "the"]], "n": 1},
    why={
        "question": "Why are the counts clipped?",
        "choices": {
            "else a candidate that repeats one right word is perfect": "Yes: each of its words occurs in a reference.",
            "else the number could be above 1": "No: not more words are counted than the candidate has.",
            "else long references win": "No: the references are not in the total.",
        },
    },
)
def modified_precision(candidate, references, n):
    """Count how many n-grams of a candidate are in a reference, none more often than there.

    Parameters
    ----------
    candidate : list
        Tokens.
    references : list of list
        One or more right translations.
    n : int

    Returns
    -------
    matches, total : int
        Clipped matches, and how many n-grams the candidate has: 0 if it is too short.
    """
    count = lambda tokens: Counter(tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1))
    counts, theirs = count(candidate), [count(reference) for reference in references]
    matches = sum(min(counts[gram], max(one[gram] for one in theirs)) for gram in counts)  # (12.22)
    return matches, sum(counts.values())


@modified_precision.mistake("Counts are not clipped: an n-gram counts at most as often as it stands in one reference.")
def not_clipped(*given):
    return precision_of(*given, how="none")


@modified_precision.mistake("Counts are clipped by the sum over the references. Take the largest count in one of them.")
def clipped_by_the_sum(*given):
    return precision_of(*given, how="sum")


@modified_precision.mistake(
    "All n-grams are compared with one reference, the best. Each n-gram may take the reference that has it most often."
)
def one_best_reference(*given):
    return precision_of(*given, how="one")


@modified_precision.mistake("The first reference alone is used. All of them are right.")
def first_reference(*given):
    return precision_of(*given, how="first")


@modified_precision.mistake("Counts are clipped by the smallest count of the references. Take the largest.")
def clipped_by_the_smallest(*given):
    return precision_of(*given, how="least")


@modified_precision.mistake("Each n-gram counts once, however often the candidate has it. Count repeats, then clip.")
def repeats_lost(candidate, references, n):
    theirs = {gram for one in references for gram in grams(one, n)}
    mine = set(grams(candidate, n))
    return len(mine & theirs), len(mine)


@modified_precision.mistake("The total counts different n-grams. It counts all, repeats as well.")
def total_without_repeats(candidate, references, n):
    return precision_of(candidate, references, n)[0], len(set(grams(candidate, n)))


@modified_precision.mistake("Each n-gram matches once at most. It matches as often as both have it: the smaller count.")
def matches_without_repeats(candidate, references, n):
    theirs = {gram for one in references for gram in grams(one, n)}
    return len(set(grams(candidate, n)) & theirs), len(grams(candidate, n))


@modified_precision.mistake("With fewer than n tokens your total is below 0. There are no n-grams then: 0.")
def total_below_zero(candidate, references, n):
    return precision_of(candidate, references, n)[0], len(candidate) - n + 1


@modified_precision.mistake("The two numbers are exchanged: matches first, then the total.")
def total_first(*given):
    return precision_of(*given)[::-1]


@modified_precision.mistake("The total is that of the reference: this is recall. Count the n-grams of the candidate.")
def recall(candidate, references, n):
    return precision_of(candidate, references, n)[0], max(len(grams(one, n)) for one in references)


@modified_precision.mistake("The total is the number of tokens. It is that of n-grams: n - 1 fewer.")
def total_of_tokens(candidate, references, n):
    return precision_of(candidate, references, n)[0], len(candidate)


@modified_precision.mistake("The last n-gram is missing: there are length - n + 1 of them.")
def last_gram_missing(candidate, references, n):
    count = lambda tokens: Counter(grams(tokens, n)[:-1])
    counts, theirs = count(candidate), [count(one) for one in references]
    return sum(min(counts[gram], max(one[gram] for one in theirs)) for gram in counts), sum(counts.values())


@modified_precision.mistake("Single tokens are counted, whatever n is. An n-gram is n tokens in a row.")
def single_tokens(candidate, references, n):
    return precision_of(candidate, references, 1)


@modified_precision.mistake("The order inside an n-gram is lost: keep tuples, not sets or sorted lists.")
def order_lost(candidate, references, n):
    return order_free(candidate, references, n)


@modified_precision.mistake(
    "You return the quotient. Return both numbers: `corpus_bleu` adds them up over all sentences."
)
def quotient(*given):
    matches, total = precision_of(*given)
    return matches / total if total else 0.0


@modified_precision.accept("Counters know two operations that do it: | keeps the larger counts, & the smaller ones.")
def with_counters(candidate, references, n):
    best = Counter()
    for reference in references:
        best |= Counter(zip(*(reference[k:] for k in range(n)), strict=False))
    mine = Counter(zip(*(candidate[k:] for k in range(n)), strict=False))
    return (mine & best).total(), mine.total()


@modified_precision.accept
def with_lists(candidate, references, n):
    mine, matches = grams(candidate, n), 0
    for place, gram in enumerate(mine):
        before = mine[:place].count(gram)
        matches += any(grams(one, n).count(gram) > before for one in references)
    return [matches, len(mine)]


# --- corpus_bleu -----------------------------------------------------------------------------------------------------


def near(rng, tokens, length):
    """Return a sentence of this length that shares some stretches with another one."""
    found = (list(tokens) * 2)[:length]
    for place in rng.integers(length, size=1 + length // 6):
        found[place] = WORDS[int(rng.integers(7))]
    return found


def bleu_cases(rng):
    found = []
    settings = (
        (2, ((6, (8,)), (5, (7,)), (7, (9,)))),  # too short
        (2, ((9, (5, 11)), (10, (6, 12)))),  # the nearest is the longer one
        (3, ((7, (9, 5)), (8, (10, 6)), (6, (9, 11)))),  # two references that are equally near
        (1, ((4, (6, 9)),)),
    )
    for max_n, sizes in settings:
        while True:
            candidates, references = [], []
            for length, lengths in sizes:
                text = sentence(rng, max(lengths), 7)
                candidates.append(near(rng, text, length) if max_n > 1 else sentence(rng, length, 7))
                references.append([near(rng, text, one) for one in lengths])
            parts = [
                np.sum(
                    [precision_of(one, theirs, n) for one, theirs in zip(candidates, references, strict=True)], axis=0
                )
                for n in range(1, max_n + 1)
            ]
            if all(0 < matches < total for matches, total in parts) and (max_n > 1 or parts[0][0] == 1):
                break
        found.append(case(candidates=candidates, references=references, max_n=max_n))
    while True:  # one whose longest n-grams match nowhere
        text = sentence(rng, 6, 7)
        candidate = text[:2] + sentence(rng, 4, 7)
        if precision_of(candidate, [text], 2)[0] and not precision_of(candidate, [text], 4)[0]:
            break
    found.append(case(candidates=[candidate], references=[[text]], max_n=4))
    return [*found, case(candidates=[text[:2]], references=[[text]], max_n=3)]  # it has no 3-grams


@lesson.exercise(
    points=2,
    topic=93,
    equation="(12.23) to (12.25)",
    cases=bleu_cases,
    ask="What is added up over all sentences before any quotient is formed? And which reference length belongs to a candidate?",
    small={"candidates": [["the", "cat", "sat"]], "references": [[["the", "cat", "sat", "down"]]], "max_n": 2},
    why={
        "question": "Why is there a brevity penalty?",
        "choices": {
            "precision alone rewards saying little": "Yes: a single sure word would have precision 1.",
            "short sentences are easier": "No: it compares lengths with those of the references.",
            "the geometric mean needs it": "No: the mean is defined without it.",
        },
    },
)
def corpus_bleu(candidates, references, max_n):
    """Return BLEU of a whole corpus, from 0 to 1.

    Parameters
    ----------
    candidates : list of list
        One translation for each sentence.
    references : list of list of list
        For each sentence one or more right translations.
    max_n : int
        Precisions of 1-grams to `max_n`-grams count.

    Returns
    -------
    float
        0 if some precision is 0.
    """
    logs = 0.0
    for n in range(1, max_n + 1):
        pairs = [modified_precision(one, theirs, n) for one, theirs in zip(candidates, references, strict=True)]
        matches, total = np.sum(pairs, axis=0)  # (12.23)
        if matches == 0:
            return 0.0
        logs += np.log(matches / total) / max_n
    c = sum(map(len, candidates))
    r = 0
    for one, theirs in zip(candidates, references, strict=True):
        r += min((abs(len(reference) - len(one)), len(reference)) for reference in theirs)[1]
    return float(np.exp(logs + min(0, 1 - r / c)))  # (12.24), (12.25)


def closest(length, lengths):
    return min(lengths, key=lambda one: (abs(one - length), one))


def bleu_variant(
    candidates, references, max_n, precisions=None, mean=lambda values: np.exp(np.mean(np.log(values))), chosen=closest,
    penalty=lambda c, r: np.exp(min(0, 1 - r / c)), zeros=lambda values: values if min(values) > 0 else None,
):  # fmt: skip
    """Return what `corpus_bleu` returns, with a step replaced."""

    def pooled(n):
        pairs = [precision_of(one, theirs, n) for one, theirs in zip(candidates, references, strict=True)]
        matches, total = np.sum(pairs, axis=0)
        return matches / total if total else 0.0

    values = zeros([(pooled if precisions is None else precisions)(n) for n in range(1, max_n + 1)])
    if not values:
        return 0.0
    c = sum(map(len, candidates))
    r = sum(chosen(len(one), list(map(len, theirs))) for one, theirs in zip(candidates, references, strict=True))
    return float(mean(values) * penalty(c, r))


@corpus_bleu.mistake("The brevity penalty is missing: multiply by exp(1 - r/c) where c is below r.")
def without_penalty(*given):
    return bleu_variant(*given, penalty=lambda c, r: 1.0)


@corpus_bleu.mistake("The brevity penalty is above 1 where the candidates are long. There it is 1.")
def penalty_above_one(*given):
    return bleu_variant(*given, penalty=lambda c, r: np.exp(1 - r / c))


@corpus_bleu.mistake("The penalty is exp(1 - c/r). It is exp(1 - r/c): r over c.")
def quotient_inverted(*given):
    return bleu_variant(*given, penalty=lambda c, r: np.exp(min(0, 1 - c / r)))


@corpus_bleu.mistake("The penalty is exp(1 - c/r), which is above 1 for short candidates. It is exp(1 - r/c).")
def quotient_inverted_below(*given):
    return bleu_variant(*given, penalty=lambda c, r: np.exp(1 - c / r) if c < r else 1.0)


@corpus_bleu.mistake(
    "The penalty is for long candidates. It is for short ones, c below r; precision punishes the long ones."
)
def penalty_for_long_ones(*given):
    return bleu_variant(*given, penalty=lambda c, r: np.exp(1 - r / c) if c > r else 1.0)


@corpus_bleu.mistake("The penalty is the quotient c/r. It is exp(1 - r/c).")
def penalty_without_exp(*given):
    return bleu_variant(*given, penalty=lambda c, r: min(1, c / r))


@corpus_bleu.mistake("r adds up the shortest references. It takes the one whose length is nearest to the candidate's.")
def shortest_reference(*given):
    return bleu_variant(*given, chosen=lambda length, lengths: min(lengths))


@corpus_bleu.mistake("r adds up the longest references. It takes the one whose length is nearest to the candidate's.")
def longest_reference(*given):
    return bleu_variant(*given, chosen=lambda length, lengths: max(lengths))


@corpus_bleu.mistake("r adds up the first references. It takes the one whose length is nearest to the candidate's.")
def first_reference_for_r(*given):
    return bleu_variant(*given, chosen=lambda length, lengths: lengths[0])


@corpus_bleu.mistake(
    "r adds up mean lengths of references. It takes the one whose length is nearest to the candidate's."
)
def mean_length(*given):
    return bleu_variant(*given, chosen=lambda length, lengths: np.mean(lengths))


@corpus_bleu.mistake(
    "r adds up all references of a sentence. It takes one of them, whose length is nearest to the candidate's."
)
def all_references(*given):
    return bleu_variant(*given, chosen=lambda length, lengths: sum(lengths))


@corpus_bleu.mistake("Where two references are equally near in length, you take the longer one. Take the shorter.")
def longer_of_equals(*given):
    return bleu_variant(*given, chosen=lambda length, lengths: min(lengths, key=lambda one: (abs(one - length), -one)))


@corpus_bleu.mistake("Precisions of 0 are left out. If one is 0, the result is 0.")
def zeros_left_out(*given):
    return bleu_variant(*given, zeros=lambda values: [one for one in values if one > 0])


@corpus_bleu.mistake("A precision of 0 is passed over, as if it were 1. If one is 0, the result is 0.")
def zeros_as_ones(*given):
    return bleu_variant(*given, zeros=lambda values: [one or 1.0 for one in values])


@corpus_bleu.mistake("The n-grams of length max_n are left out: range(1, max_n) ends before it.")
def longest_left_out(*given):
    return bleu_variant(
        *given,
        zeros=lambda values: None if 0 in values[:-1] else values,
        mean=lambda values: np.exp(np.sum(np.log(values[:-1])) / len(values)),
    )


@corpus_bleu.mistake("The sum of the logarithms is divided by the number of sentences. Divide it by max_n.")
def divided_by_sentences(candidates, references, max_n):
    mean = lambda values: np.exp(np.sum(np.log(values)) / len(candidates))
    return bleu_variant(candidates, references, max_n, mean=mean)


@corpus_bleu.mistake(
    "The precisions have their arithmetic mean. Take the geometric mean: the mean of their logarithms, then exp."
)
def arithmetic_mean(*given):
    return bleu_variant(*given, mean=np.mean)


@corpus_bleu.mistake("The precisions are multiplied, without the root. Divide the sum of the logarithms by max_n.")
def product_without_root(*given):
    return bleu_variant(*given, mean=np.prod)


@corpus_bleu.mistake("Only the longest n-grams count in your result. All from 1 to max_n do.")
def longest_alone(*given):
    return bleu_variant(*given, mean=lambda values: values[-1])


@corpus_bleu.mistake(
    "Each sentence gets a BLEU of its own, and you take the mean. Add up matches, totals and lengths first."
)
def mean_of_sentences(candidates, references, max_n):
    pairs = zip(candidates, references, strict=True)
    return float(np.mean([bleu_variant([one], [theirs], max_n) for one, theirs in pairs]))


@corpus_bleu.mistake(
    "Precisions are averaged over the sentences. Add up matches and totals over all of them, then divide."
)
def mean_of_precisions(candidates, references, max_n):
    def precisions(n):
        pairs = [precision_of(one, theirs, n) for one, theirs in zip(candidates, references, strict=True)]
        return np.mean([matches / total if total else 0 for matches, total in pairs])

    return bleu_variant(candidates, references, max_n, precisions=precisions)


@corpus_bleu.mistake("The result is in per cent. It is a number from 0 to 1.")
def in_per_cent(*given):
    return 100 * bleu_variant(*given)


@corpus_bleu.accept("A product of quotients and its root, without logarithms: for four factors nothing is lost.")
def bleu_by_product(candidates, references, max_n):
    product = 1.0
    for n in range(1, max_n + 1):
        matches = total = 0
        for one, theirs in zip(candidates, references, strict=True):
            found = modified_precision(one, theirs, n)
            matches, total = matches + found[0], total + found[1]
        product *= matches / max(total, 1)
    c = sum(len(one) for one in candidates)
    nearest = [sorted(map(len, theirs), key=lambda l, one=one: (abs(l - len(one)), l))[0]
               for one, theirs in zip(candidates, references, strict=True)]  # fmt: skip
    return product ** (1 / max_n) * (1 if c >= sum(nearest) else np.exp(1 - sum(nearest) / c))


@corpus_bleu.accept
def bleu_with_arrays(candidates, references, max_n):
    table = np.array([
        [modified_precision(one, theirs, n) for n in range(1, max_n + 1)]
        for one, theirs in zip(candidates, references, strict=True)
    ]).sum(axis=0)  # fmt: skip
    if not table[:, 0].all():
        return 0
    return bleu_variant(candidates, references, max_n, precisions=lambda n: table[n - 1, 0] / table[n - 1, 1])
