"""Lesson 5.9, attention: the catalogue of its nine exercises. Equations are those of the notebook."""

import numpy as np
from scipy.special import softmax

from helpers.exercises import Lesson, case

lesson = Lesson("attention")

# --- predictions -----------------------------------------------------------------------------------------------------

lesson.predict(
    "without_scale",
    "The query is (2, 0, 0, 0), the keys are (ln 3, 0, 0, 0) and 0, the values 4 and 8. With the scale the output is 5. "
    "What is it if you forget the scale?",
    because="Without the scale the scores are 2 ln 3 and 0. The weights are 9/10 and 1/10 instead of 3/4 and 1/4, so the "
    "output moves towards the value 4 of the better key.",
)
lesson.predict(
    "largest_weight",
    "Query and ten keys have 256 random entries of variance 1. The largest of the ten weights is taken, on average over "
    "many draws. What is it without the scale? (0 to 1)",
    because="The scores have the standard deviation 16. The gap between the best and the second best is then so large "
    "that the exponential leaves next to nothing to the others.",
)
lesson.predict(
    "mean_pooling",
    "In a book of six cards all weights are fixed at 1/6, and everything else is trained. What share of the digits asked "
    "for is right? (in per cent, 0 to 100)",
    because="The mean of the values knows which digits are in the book, but not which one belongs to the name. The best "
    "answer is the most frequent digit.",
)
lesson.predict(
    "longer_books",
    "A network has seen books of 6 cards alone. You ask it in books of 20 cards. What share of its answers is right?",
    ("about as many as in books of 6", "about 6 of 20", "about one half"),
    "Nothing in it counts the cards. The score of the card that fits is so far above the others that it wins against more "
    "of them, too.",
)
lesson.predict(
    "two_heads",
    "The network is asked whose digit is larger, a's or b's. Trained with two heads of half the width it is always right. "
    "How many answers are right with one head of the full width?",
    ("one half, as by chance", "about three quarters", "all"),
    "One head gives one row of weights. It reads the digit of one name, and from one digit alone a bit more than three "
    "quarters of the answers follow.",
)

# --- cases -----------------------------------------------------------------------------------------------------------

#: d_k, d_v, m, T_q, T_k: all different in a case, so that nothing fits by accident. The kind of mask.
SIZES = (
    ((4, 3, 2, 3, 5), "lengths"),
    ((2, 5, 1, 4, 3), "free"),
    ((6, 2, 3, 1, 4), "all"),
    ((3, 4, 2, 5, 7), "queries"),
)
LN3 = np.log(3.0)
#: The numbers by hand of the lesson: the query, two keys, two values; both may be looked at.
HAND_Q = np.array([[[2.0]], [[0.0]], [[0.0]], [[0.0]]])
HAND_K = np.array([[[LN3, 0.0]], [[0.0, 0.0]], [[0.0, 0.0]], [[0.0, 0.0]]])
HAND_V = np.array([[[4.0, 8.0]]])
HAND_A = np.array([[[0.75, 0.25]]])
BOTH = np.array([[[True, True]]])


def draw_mask(rng, kind, m, T_q, T_k):
    """Return a mask: of lengths (m, 1, T_k), free (m, T_q, T_k) with an empty row, all, or the same for all examples."""
    if kind == "lengths":
        return np.arange(T_k) < rng.permutation(np.arange(T_k - m, T_k))[:, None, None]
    if kind == "all":
        return np.ones((m, 1, T_k), dtype=bool)
    mask = rng.random((T_q, T_k) if kind == "queries" else (m, T_q, T_k)) < 0.6
    mask[..., 0] |= ~mask.any(axis=-1)  # no row is empty by chance
    mask[..., 0, :2] = True, False
    if kind == "free":
        mask[0, T_q - 1] = False
    return mask


def scores_of(Q, K):
    return np.einsum("dit,dis->its", Q, K)


# --- padding_mask ----------------------------------------------------------------------------------------------------


def padding_cases(rng):
    return [
        case(lengths=np.array([2, 4, 1]), T_k=5),
        case(lengths=rng.permutation(np.arange(1, 5)), T_k=6),
        case(lengths=np.array([int(rng.integers(1, 4))]), T_k=4),
        case(lengths=np.array([3, 0]), T_k=3),
    ]


@lesson.exercise(
    points=1,
    topic=75,
    equation="(9.9)",
    cases=padding_cases,
    ask="Compare the numbers of the steps, 0 to T_k - 1, with each length. Which axis of the result do the examples have, "
    "which one the steps?",
    small={"lengths": np.array([2, 3]), "T_k": 3},
)
def padding_mask(lengths, T_k):
    """Return where a query may look if example i has `lengths[i]` real steps: bool, (m, 1, T_k), True at real steps.

    Parameters
    ----------
    lengths : ndarray of int, shape (m,)
    T_k : int
        Number of steps with padding.
    """
    steps = np.arange(T_k)
    return steps[None, None, :] < np.asarray(lengths)[:, None, None]  # (9.9)


@padding_mask.mistake("One step too many is open: with the numbers from 0, step s is real where s < length.")
def one_step_too_many(lengths, T_k):
    return np.arange(T_k) <= np.asarray(lengths)[:, None, None]


@padding_mask.mistake("One real step is closed: with the numbers from 0, the last real step is length - 1.")
def one_step_too_few(lengths, T_k):
    return np.arange(T_k) < np.asarray(lengths)[:, None, None] - 1


@padding_mask.mistake("Your mask is True at padding. It says where a query may look: True at real steps.")
def true_at_padding(lengths, T_k):
    return np.arange(T_k) >= np.asarray(lengths)[:, None, None]


@padding_mask.mistake("The axis of the queries is missing: the mask is (m, 1, T_k), so that it fits every query.")
def axis_missing(lengths, T_k):
    return np.arange(T_k) < np.asarray(lengths)[:, None]


@padding_mask.mistake("This closes queries, not keys: the steps are the last axis, (m, 1, T_k).")
def on_the_queries(lengths, T_k):
    return np.arange(T_k)[None, :, None] < np.asarray(lengths)[:, None, None]


@padding_mask.mistake("The examples are the first axis of the mask, and the axis of length 1 is the second.")
def examples_second(lengths, T_k):
    return np.arange(T_k)[None, None, :] < np.asarray(lengths)[None, :, None]


@padding_mask.mistake("Padding stands at the end: the first steps are the real ones.")
def padding_at_the_start(lengths, T_k):
    return np.arange(T_k)[::-1] < np.asarray(lengths)[:, None, None]


@padding_mask.mistake("The mask has a row for each step. One row serves all queries: (m, 1, T_k).")
def a_row_for_each_step(lengths, T_k):
    return np.repeat(np.arange(T_k) < np.asarray(lengths)[:, None, None], T_k, axis=1)


@padding_mask.accept
def mask_with_loops(lengths, T_k):
    return [[[s < length for s in range(T_k)]] for length in lengths]


@padding_mask.accept("Zeros and ones do as well as False and True, here filled example by example.")
def mask_of_numbers(lengths, T_k):
    mask = np.zeros((len(lengths), 1, T_k))
    for i, length in enumerate(lengths):
        mask[i, :, :length] = 1
    return mask


# --- masked_softmax --------------------------------------------------------------------------------------------------


def softmax_cases(rng):
    cases = []
    for (_, _, m, T_q, T_k), kind in SIZES:
        cases.append(case(S=2 * rng.normal(size=(m, T_q, T_k)), mask=draw_mask(rng, kind, m, T_q, T_k)))
    # Rows far apart, and closed scores that are far above the open ones: one maximum does not fit all.
    S = rng.normal(size=(2, 3, 4)) + np.array([1000.0, -1000.0, 0.0])[:, None]
    mask = np.broadcast_to(np.array([[[True, False, True, True]], [[True, True, True, False]]]), S.shape)
    return [*cases, case(S=np.where(mask, S, S + 2000), mask=mask.copy())]


@lesson.exercise(
    points=2,
    topic=75,
    equation="(9.10)",
    cases=softmax_cases,
    ask="Which number must stand at a closed score so that its exponential is 0? And what is the sum of a row of "
    "exponentials in which all are closed?",
    small={"S": np.array([[[LN3, 0.0, 5.0], [1.0, 1.0, 1.0]]]), "mask": np.array([[[True, True, False]]])},
    why={
        "question": "Why are the closed scores taken out before the softmax, not the weights after it?",
        "choices": {
            "the open weights must add up to 1": "Yes: what closed ones got would be missing in the row.",
            "it is faster": "No: the same number of exponentials is computed.",
            "weights after the softmax cannot be set to 0": "No: they can. But then the rest adds up to less than 1.",
        },
    },
)
def masked_softmax(S, mask):
    """Return the weights of each row of scores, over the entries that are open; a row without open ones is all 0.

    Parameters
    ----------
    S : ndarray, shape (m, T_q, T_k)
        Scores, a row for each query.
    mask : ndarray of bool
        True where a query may look; it broadcasts to the shape of S.

    Returns
    -------
    A : ndarray, shape (m, T_q, T_k)
    """
    S = np.where(mask, S, -1e9)
    E = np.exp(S - np.max(S, axis=-1, keepdims=True)) * mask  # an empty row becomes 0 here
    return E / np.maximum(1, np.sum(E, axis=-1, keepdims=True))  # (9.10)


def over(S, mask, axis):
    """Return the masked softmax over other axes."""
    S = np.where(mask, S, -np.inf)
    with np.errstate(all="ignore"):
        E = np.exp(S - np.max(np.where(np.isfinite(S), S, -1e9), axis=axis, keepdims=True))
        return np.nan_to_num(E / np.sum(E, axis=axis, keepdims=True))


@masked_softmax.mistake("The weights of a column add up to 1. Each query needs a row that does: axis -1.")
def over_the_queries(S, mask):
    return over(S, mask, -2)


@masked_softmax.mistake("The softmax runs over the examples, axis 0. Each row by itself adds up to 1: axis -1.")
def over_the_examples(S, mask):
    return over(S, mask, 0)


@masked_softmax.mistake("All weights of an example together add up to 1. Each row by itself does: axis -1 alone.")
def over_both_axes(S, mask):
    return over(S, mask, (-2, -1))


@masked_softmax.mistake("All entries of the array together add up to 1. Each row by itself does: axis -1.")
def over_everything(S, mask):
    return over(S, mask, None)


@masked_softmax.mistake(
    "You close entries after the softmax, so the open ones of a row add up to less than 1. Take the closed scores out "
    "before it."
)
def mask_after_the_softmax(S, mask):
    return softmax(S, axis=-1) * mask


@masked_softmax.mistake("A closed score is set to 0, and exp(0) = 1 is no small weight. Set it to minus infinity.")
def zero_for_minus_infinity(S, mask):
    return softmax(np.where(mask, S, 0), axis=-1)


@masked_softmax.mistake("The sign is wrong: closed scores are plus infinity, so they get all the weight.")
def plus_infinity(S, mask):
    return softmax(np.where(mask, S, 1e9), axis=-1)


@masked_softmax.mistake("The mask is turned round: True says where a query may look.")
def mask_inverted(S, mask):
    return masked_softmax(S, ~np.asarray(mask, dtype=bool))


@masked_softmax.mistake("The mask is not used. Closed entries get the weight 0.")
def mask_ignored(S, mask):
    return softmax(S, axis=-1)


@masked_softmax.mistake(
    "An index of bools, S[~mask], must have the shape of S; it is not stretched. np.where(mask, S, ...) stretches the mask."
)
def index_is_not_stretched(S, mask):
    S = S.copy()
    S[~mask] = -np.inf
    largest = np.max(S, axis=-1, keepdims=True)
    E = np.exp(S - np.where(np.isinf(largest), 0, largest))
    total = np.sum(E, axis=-1, keepdims=True)
    return E / np.where(total == 0, 1, total)


@masked_softmax.mistake(
    "A row without an open entry gives nan: minus infinity minus itself. Such a row is all 0; catch it before you divide."
)
def nan_in_an_empty_row(S, mask):
    S = np.where(mask, S, -np.inf)
    with np.errstate(all="ignore"):
        E = np.exp(S - np.max(S, axis=-1, keepdims=True))
        return E / np.sum(E, axis=-1, keepdims=True)


@masked_softmax.mistake(
    "A row without an open entry gets equal weights, since all its scores are equally low. Such a row is all 0."
)
def equal_weights_in_an_empty_row(S, mask):
    return softmax(np.where(mask, S, -1e9), axis=-1)


@masked_softmax.mistake(
    "The exponentials overflow where scores are large. Subtract the largest open score of each row."
)
def without_the_maximum(S, mask):
    with np.errstate(all="ignore"):
        E = np.exp(np.where(mask, S, -np.inf))
        total = E.sum(axis=-1, keepdims=True)
        return E / np.where(total == 0, 1, total)


@masked_softmax.mistake(
    "One maximum is subtracted from all rows. Where a row lies far below it, all its exponentials are 0: take each row's own."
)
def one_maximum_for_all(S, mask):
    S = np.where(mask, S, -1e9)
    E = np.exp(S - np.max(S)) * mask
    total = E.sum(axis=-1, keepdims=True)
    return E / np.where(total == 0, 1, total)


@masked_softmax.mistake(
    "The maximum is one of the closed scores, too. Where it is far above the open ones, all their exponentials are 0."
)
def maximum_of_closed_scores(S, mask):
    E = np.exp(S - np.max(S, axis=-1, keepdims=True)) * mask
    total = E.sum(axis=-1, keepdims=True)
    return E / np.where(total == 0, 1, total)


@masked_softmax.mistake("The exponentials are not divided by the sum of their row.")
def not_divided(S, mask):
    S = np.where(mask, S, -1e9)
    return np.exp(S - np.max(S, axis=-1, keepdims=True)) * mask


@masked_softmax.mistake("All the weight is on the best entry: this is the hard look-up. The softmax shares it out.")
def hard_look_up(S, mask):
    S = np.where(mask, S, -1e9)
    return (np.arange(S.shape[-1]) == np.argmax(S, axis=-1)[..., None]) * np.broadcast_to(mask, S.shape) * 1.0


@masked_softmax.accept(
    "Minus infinity itself: then the maximum of an empty row, minus infinity, is replaced, so that no infinities are "
    "subtracted from each other."
)
def with_minus_infinity(S, mask):
    S = np.where(mask, S, -np.inf)
    largest = np.max(S, axis=-1, keepdims=True)
    E = np.exp(S - np.where(np.isinf(largest), 0, largest))
    total = np.sum(E, axis=-1, keepdims=True)
    return E / np.where(total == 0, 1, total)


@masked_softmax.accept
def weights_masked_and_renormalised(S, mask):
    S = np.where(mask, S, np.min(S))
    A = softmax(S, axis=-1) * mask
    total = A.sum(axis=-1, keepdims=True)
    return np.divide(A, total, out=np.zeros_like(A), where=total > 0)


@masked_softmax.accept
def row_by_row(S, mask):
    A, mask = np.zeros(S.shape), np.broadcast_to(np.asarray(mask, dtype=bool), S.shape)
    for i, t in np.ndindex(S.shape[:2]):
        open_scores = S[i, t, mask[i, t]]
        if len(open_scores):
            powers = np.exp(open_scores - max(open_scores))
            A[i, t, mask[i, t]] = powers / sum(powers)
    return A


# --- scaled_dot_product_attention ------------------------------------------------------------------------------------


def draw_inputs(rng, sizes, kind):
    d_k, d_v, m, T_q, T_k = sizes
    return {
        "Q": 1.5 * rng.normal(size=(d_k, m, T_q)),
        "K": 1.5 * rng.normal(size=(d_k, m, T_k)),
        "V": rng.normal(size=(d_v, m, T_k)) + 0.5,
        "mask": draw_mask(rng, kind, m, T_q, T_k),
    }


def attention_cases(rng):
    return [case(**draw_inputs(rng, *sizes)) for sizes in SIZES]


@lesson.exercise(
    points=3,
    topic=73,
    equation="(9.13) to (9.15)",
    returns=("O", "cache"),
    cases=attention_cases,
    ask="Each score is a sum over one axis of Q and K, each output a sum over one axis of A and V. Which axes are these?",
    small={"Q": HAND_Q, "K": HAND_K, "V": HAND_V, "mask": BOTH},
    why={
        "question": "Why is each score divided by the root of d_k?",
        "choices": {
            "a sum of d_k products spreads by the root of d_k, and large scores make the softmax hard": "Yes: divided, the "
            "scores spread the same whatever d_k is.",
            "the weights of a row must add up to 1": "No: the softmax sees to that with any scores.",
            "it keeps the products from overflowing": "No: subtracting the maximum of the row does that.",
        },
    },
)
def scaled_dot_product_attention(Q, K, V, mask):
    """Return for each query the mean of the values, weighted by how well the keys fit.

    Parameters
    ----------
    Q : ndarray, shape (d_k, m, T_q)
        Queries.
    K, V : ndarray, shape (d_k, m, T_k) and (d_v, m, T_k)
        Keys and values.
    mask : ndarray of bool
        True where a query may look; it broadcasts to (m, T_q, T_k).

    Returns
    -------
    O : ndarray, shape (d_v, m, T_q)
    cache : tuple
        ``(Q, K, V, A)`` with the weights A, (m, T_q, T_k).
    """
    d_k = Q.shape[0]
    S = np.einsum("dit,dis->its", Q, K) / np.sqrt(d_k)  # (9.13)
    A = masked_softmax(S, mask)  # (9.14)
    O = np.einsum("its,vis->vit", A, V)  # (9.15)
    return O, (Q, K, V, A)


def attention_variant(
    Q, K, V, mask,
    scale=lambda Q, K, V: 1 / np.sqrt(len(Q)),
    weights=masked_softmax.reference,
    mix=lambda A, V: np.einsum("its,vis->vit", A, V),
):  # fmt: skip
    """Return what `scaled_dot_product_attention` returns, with a step replaced."""
    A = weights(scores_of(Q, K) * scale(Q, K, V), mask)
    return mix(A, V), (Q, K, V, A)


@scaled_dot_product_attention.mistake("The scale is missing: divide the scores by the root of d_k.")
def without_the_scale(*given):
    return attention_variant(*given, scale=lambda Q, K, V: 1)


@scaled_dot_product_attention.mistake("The scores are divided by d_k. Take its root.")
def divided_by_d_k(*given):
    return attention_variant(*given, scale=lambda Q, K, V: 1 / len(Q))


@scaled_dot_product_attention.mistake("The scores are multiplied by the root of d_k. Divide by it.")
def multiplied_by_the_root(*given):
    return attention_variant(*given, scale=lambda Q, K, V: np.sqrt(len(Q)))


@scaled_dot_product_attention.mistake(
    "You scale by the size of the values, d_v. The sum of a score has d_k terms: the rows of Q."
)
def scaled_by_d_v(*given):
    return attention_variant(*given, scale=lambda Q, K, V: 1 / np.sqrt(len(V)))


@scaled_dot_product_attention.mistake(
    "You scale by the number of keys, T_k. The sum of a score has d_k terms: the rows of Q."
)
def scaled_by_the_number_of_keys(*given):
    return attention_variant(*given, scale=lambda Q, K, V: 1 / np.sqrt(K.shape[2]))


@scaled_dot_product_attention.mistake(
    "You scale by the number of examples. The sum of a score has d_k terms: Q.shape[0]."
)
def scaled_by_the_examples(*given):
    return attention_variant(*given, scale=lambda Q, K, V: 1 / np.sqrt(Q.shape[1]))


@scaled_dot_product_attention.mistake(
    "You scale by the number of queries. The sum of a score has d_k terms: Q.shape[0]."
)
def scaled_by_the_queries(*given):
    return attention_variant(*given, scale=lambda Q, K, V: 1 / np.sqrt(Q.shape[-1]))


@scaled_dot_product_attention.mistake(
    "The weights are divided by the root of d_k. Divide the scores, before the softmax."
)
def scale_after_the_softmax(Q, K, V, mask):
    A = masked_softmax(scores_of(Q, K), mask) / np.sqrt(len(Q))
    return np.einsum("its,vis->vit", A, V), (Q, K, V, A)


@scaled_dot_product_attention.mistake("The mask has no effect. Hand it on to masked_softmax.")
def mask_not_handed_on(*given):
    return attention_variant(*given, weights=lambda S, mask: softmax(S, axis=-1))


@scaled_dot_product_attention.mistake("The softmax is missing: the values are weighted with the scores themselves.")
def scores_as_weights(*given):
    return attention_variant(*given, weights=lambda S, mask: np.where(mask, S, 0))


@scaled_dot_product_attention.mistake(
    "The output is made with the scores. The values are weighted with A, what the softmax gave."
)
def scores_for_the_output(Q, K, V, mask):
    S = scores_of(Q, K) / np.sqrt(len(Q))
    return np.einsum("its,vis->vit", S, V), (Q, K, V, masked_softmax(S, mask))


@scaled_dot_product_attention.mistake("All the weight is on the best key: this is the hard look-up. Take the softmax.")
def best_key_alone(*given):
    return attention_variant(*given, weights=hard_look_up)


@scaled_dot_product_attention.mistake(
    "The weighted values are divided by their number. The weights of a row add up to 1 already: take the sum."
)
def mean_of_weighted_values(*given):
    return attention_variant(*given, mix=lambda A, V: np.einsum("its,vis->vit", A, V) / V.shape[2])


@scaled_dot_product_attention.mistake(
    "Each query gets the plain sum of its weights times all values: sum over s, the keys."
)
def sums_apart(*given):
    return attention_variant(*given, mix=lambda A, V: A.sum(axis=2)[None] * V.sum(axis=2)[:, :, None])


@scaled_dot_product_attention.mistake(
    "The output has the examples first. It is (d_v, m, T_q), like all sequences here."
)
def output_with_examples_first(*given):
    return attention_variant(*given, mix=lambda A, V: np.einsum("its,vis->itv", A, V))


@scaled_dot_product_attention.mistake("The last part of your cache are the scores. Keep the weights A there.")
def scores_in_the_cache(Q, K, V, mask):
    O, cache = scaled_dot_product_attention(Q, K, V, mask)
    return O, (*cache[:3], scores_of(Q, K) / np.sqrt(len(Q)))


@scaled_dot_product_attention.accept(
    "A product of matrices for each example: with the examples first, `@` multiplies the last two axes of both arrays."
)
def with_matrix_products(Q, K, V, mask):
    Qm, Km, Vm = (part.transpose(1, 2, 0) for part in (Q, K, V))
    A = masked_softmax(Qm @ Km.transpose(0, 2, 1) / len(Q) ** 0.5, mask)
    return (A @ Vm).transpose(2, 0, 1), [Q, K, V, A]


@scaled_dot_product_attention.accept
def with_loops_over_examples(Q, K, V, mask):
    d_k, m, T_q = Q.shape
    O, A = np.zeros((len(V), m, T_q)), np.zeros((m, T_q, K.shape[2]))
    allowed = np.broadcast_to(mask, A.shape)
    for i in range(m):
        S = (Q[:, i] / np.sqrt(d_k)).T @ K[:, i]
        A[i] = masked_softmax(S[None], allowed[i][None])[0]
        O[:, i] = V[:, i] @ A[i].T
    return O, (Q, K, V, A)


# --- softmax_rows_backward -------------------------------------------------------------------------------------------


def rows_cases(rng):
    cases = []
    for (_, _, m, T_q, T_k), kind in SIZES:
        A = masked_softmax(rng.normal(size=(m, T_q, T_k)), draw_mask(rng, kind, m, T_q, T_k))
        cases.append(case(dA=rng.normal(size=A.shape) + 0.7, A=A))
    return cases


@lesson.exercise(
    points=2,
    topic=76,
    equation="(9.19)",
    backward=True,
    cases=rows_cases,
    ask="A score changes all weights of its row. Which sum over the row is the same for all of its scores, so that you "
    "compute it once?",
    small={"dA": np.array([[[4.0, 8.0]]]), "A": HAND_A},
    why={
        "question": "Why do the entries of each row of dS add up to 0?",
        "choices": {
            "the same number added to all scores of a row changes no weight": "Yes: in that direction the slope is 0.",
            "the entries of each row of dA add up to 0": "No: dA comes from the values and can be anything.",
            "the mask sets them to 0": "No: without a mask they add up to 0 as well.",
        },
    },
)
def softmax_rows_backward(dA, A):
    """Send the derivative back through the softmax of each row.

    Parameters
    ----------
    dA : ndarray, shape (m, T_q, T_k)
        Derivative of J by the weights.
    A : ndarray, shape (m, T_q, T_k)
        The weights, 0 where a query may not look.

    Returns
    -------
    dS : ndarray, shape (m, T_q, T_k)
        Derivative of J by what went into the softmax.
    """
    shared = np.sum(A * dA, axis=-1, keepdims=True)
    return A * (dA - shared)  # (9.19)


@softmax_rows_backward.mistake(
    "This is A(1 - A), the slope of each weight by its own score. A score changes all weights of its row: subtract the sum."
)
def diagonal_alone(dA, A):
    return A * (1 - A) * dA


@softmax_rows_backward.mistake("The sum runs over the queries. A score changes the weights of its own row: axis -1.")
def sum_over_the_queries(dA, A):
    return A * (dA - np.sum(A * dA, axis=-2, keepdims=True))


@softmax_rows_backward.mistake("One sum is taken over everything. Each row has its own: axis -1.")
def sum_over_everything(dA, A):
    return A * (dA - np.sum(A * dA))


@softmax_rows_backward.mistake("One sum is taken over all rows of an example. Each row has its own: axis -1 alone.")
def sum_over_both_axes(dA, A):
    return A * (dA - np.sum(A * dA, axis=(-2, -1), keepdims=True))


@softmax_rows_backward.mistake("You subtract the mean of A * dA. It is the sum over the row.")
def mean_for_the_sum(dA, A):
    return A * (dA - np.mean(A * dA, axis=-1, keepdims=True))


@softmax_rows_backward.mistake("The sum of a row is that of A * dA, not of dA.")
def sum_without_the_weights(dA, A):
    return A * (dA - np.sum(dA, axis=-1, keepdims=True))


@softmax_rows_backward.mistake("The sum over the row is missing: A * dA is what each weight gets by itself.")
def without_the_sum(dA, A):
    return A * dA


@softmax_rows_backward.mistake("The first factor A is missing: it stands before the whole bracket.")
def without_the_factor(dA, A):
    return dA - np.sum(A * dA, axis=-1, keepdims=True)


@softmax_rows_backward.mistake("The sum over the row is added. Subtract it.")
def sum_added(dA, A):
    return A * (dA + np.sum(A * dA, axis=-1, keepdims=True))


@softmax_rows_backward.mistake("The factor A stands before dA alone. It multiplies the sum, too.")
def factor_before_one_term(dA, A):
    return A * dA - np.sum(A * dA, axis=-1, keepdims=True)


@softmax_rows_backward.mistake("A and dA are exchanged: A stands before the bracket, and dA is the first term in it.")
def A_and_dA_exchanged(dA, A):
    return dA * (A - np.sum(A * dA, axis=-1, keepdims=True))


@softmax_rows_backward.accept
def with_the_jacobian_of_each_row(dA, A):
    dS = np.zeros(A.shape)
    for i, t in np.ndindex(A.shape[:2]):
        a = A[i, t]
        dS[i, t] = (np.diag(a) - np.outer(a, a)) @ dA[i, t]
    return dS


@softmax_rows_backward.accept(
    "The product A * dA is needed twice: compute it once, then subtract the share of its sum."
)
def product_computed_once(dA, A):
    G = A * dA
    return G - A * np.einsum("its->it", G)[..., None]


# --- attention_backward ----------------------------------------------------------------------------------------------


def backward_cases(rng):
    cases = []
    for sizes in SIZES:
        O, cache = scaled_dot_product_attention(**draw_inputs(rng, *sizes))
        cases.append(case(dO=rng.normal(size=O.shape), cache=cache))
    return cases


@lesson.exercise(
    points=4,
    topic=76,
    equation="(9.20) to (9.24)",
    returns=("dQ", "dK", "dV"),
    backward=True,
    cases=backward_cases,
    ask="Go back through (9.15), (9.14), (9.13), one after the other. For each product: over which axis do you sum for "
    "the one factor, over which for the other?",
    small={"dO": np.array([[[1.0]]]), "cache": (HAND_Q, HAND_K, HAND_V, HAND_A)},
)
def attention_backward(dO, cache):
    """Send the derivative back through `scaled_dot_product_attention`.

    Parameters
    ----------
    dO : ndarray, shape (d_v, m, T_q)
        Derivative of J by the output.
    cache : tuple
        ``(Q, K, V, A)`` from the forward pass.

    Returns
    -------
    dQ, dK, dV : ndarray
        Derivatives of J, in the shapes of Q, K and V.
    """
    Q, K, V, A = cache
    dV = np.einsum("its,vit->vis", A, dO)  # (9.20)
    dA = np.einsum("vit,vis->its", dO, V)  # (9.21)
    dP = softmax_rows_backward(dA, A) / np.sqrt(Q.shape[0])  # (9.22)
    dQ = np.einsum("its,dis->dit", dP, K)  # (9.23)
    dK = np.einsum("its,dit->dis", dP, Q)  # (9.24)
    return dQ, dK, dV


def back_variant(dO, cache, rows=softmax_rows_backward.reference, scale=lambda Q, V: 1 / np.sqrt(len(Q)), by=None):
    """Return what `attention_backward` returns, with the way through the softmax or the scale replaced."""
    Q, K, V, A = cache
    dA = np.einsum("vit,vis->its", dO, V)
    dS = rows(dA, A) * scale(Q, V)
    return np.einsum("its,dis->dit", dS, K), np.einsum("its,dit->dis", dS, Q), np.einsum("its,vit->vis", A, dO)


def parts_changed(dO, cache, dQ=None, dK=None, dV=None):
    """Return what `attention_backward` returns, some parts put through a function."""
    parts = attention_backward(dO, cache)
    return tuple(part if new is None else new(part) for part, new in zip(parts, (dQ, dK, dV), strict=True))


def root(cache):
    return np.sqrt(len(cache[0]))


@attention_backward.mistake("The scale is lost on the way back: dQ and dK have the factor 1 / sqrt(d_k).")
def scale_lost(dO, cache):
    return back_variant(dO, cache, scale=lambda Q, V: 1)


@attention_backward.mistake("dQ has lost the scale: the factor 1 / sqrt(d_k), as in dK.")
def scale_lost_in_dQ(dO, cache):
    return parts_changed(dO, cache, dQ=lambda dQ: dQ * root(cache))


@attention_backward.mistake("dK has lost the scale: the factor 1 / sqrt(d_k), as in dQ.")
def scale_lost_in_dK(dO, cache):
    return parts_changed(dO, cache, dK=lambda dK: dK * root(cache))


@attention_backward.mistake("The scale is in twice: 1 / sqrt(d_k) once for dQ and once for dK.")
def scale_twice(dO, cache):
    return back_variant(dO, cache, scale=lambda Q, V: 1 / len(Q))


@attention_backward.mistake("The scale is that of d_v. The scores were divided by the root of d_k, the rows of Q.")
def scale_of_d_v(dO, cache):
    return back_variant(dO, cache, scale=lambda Q, V: 1 / np.sqrt(len(V)))


@attention_backward.mistake("dS is multiplied by the root of d_k. The way back divides by it, like the way forward.")
def root_multiplied(dO, cache):
    return back_variant(dO, cache, scale=lambda Q, V: np.sqrt(len(Q)))


@attention_backward.mistake(
    "dV has the factor 1 / sqrt(d_k). The scale belongs to the scores, which are not on the way to V."
)
def scale_in_dV(dO, cache):
    return parts_changed(dO, cache, dV=lambda dV: dV / root(cache))


@attention_backward.mistake("The softmax is skipped on the way back: dA is not dS. Use softmax_rows_backward.")
def softmax_skipped(dO, cache):
    return back_variant(dO, cache, rows=lambda dA, A: dA)


@attention_backward.mistake("The way through the softmax takes A(1 - A) alone. Use softmax_rows_backward.")
def diagonal_of_the_jacobian(dO, cache):
    return back_variant(dO, cache, rows=diagonal_alone)


@attention_backward.mistake("The arguments of softmax_rows_backward are exchanged: dA comes first, then A.")
def rows_arguments_exchanged(dO, cache):
    return back_variant(dO, cache, rows=lambda dA, A: softmax_rows_backward(A, dA))


@attention_backward.mistake("dQ and dK are exchanged: dQ is made with K and has its shape from Q; return dQ, dK, dV.")
def dQ_and_dK_exchanged(dO, cache):
    dQ, dK, dV = attention_backward(dO, cache)
    return dK, dQ, dV


@attention_backward.mistake("Return dQ, dK, dV in this order: dV comes last.")
def dV_first(dO, cache):
    dQ, dK, dV = attention_backward(dO, cache)
    return dV, dQ, dK


@attention_backward.mistake(
    "dV lacks the weights: each value got the share A of the output, so it gets that share of dO."
)
def dV_without_weights(dO, cache):
    A = cache[3]
    return parts_changed(dO, cache, dV=lambda dV: np.einsum("s,vit->vis", np.ones(A.shape[2]), dO))


@attention_backward.mistake("dV is made with dS. The values are weighted with A.")
def dV_with_dS(dO, cache):
    Q, _, V, A = cache
    dS = softmax_rows_backward(np.einsum("vit,vis->its", dO, V), A) / root(cache)
    return parts_changed(dO, cache, dV=lambda dV: np.einsum("its,vit->vis", dS, dO))


@attention_backward.mistake(
    "For dV the weights are not transposed: for one example dV is dO times A. The transpose belongs to the way forward."
)
def weights_transposed_in_dV(dO, cache):
    Q, K, V, A = cache
    dQ, dK, dV = np.zeros(Q.shape), np.zeros(K.shape), np.zeros(V.shape)
    for i in range(dO.shape[1]):
        dV[:, i] = dO[:, i] @ A[i].T
    return dQ, dK, dV


@attention_backward.mistake("The derivatives are divided by the number of examples. 1/m is in dO already.")
def divided_by_the_examples(dO, cache):
    return tuple(part / dO.shape[1] for part in attention_backward(dO, cache))


@attention_backward.accept("Example by example the equations are products of matrices: no axis needs a letter.")
def back_with_matrix_products(dO, cache):
    dQ, dK, dV = (np.zeros(part.shape) for part in cache[:3])
    for i in range(dO.shape[1]):
        Q, K, V = (part[:, i] for part in cache[:3])
        A, dA = cache[3][i], dO[:, i].T @ V
        dS = A * (dA - (A * dA).sum(axis=1, keepdims=True)) / len(Q) ** 0.5
        dQ[:, i], dK[:, i], dV[:, i] = K @ dS.T, Q @ dS, dO[:, i] @ A
    return dQ, dK, dV


@attention_backward.accept
def scale_at_the_end(dO, cache):
    Q, K, V, A = cache
    O = np.einsum("its,vis->vit", A, V)
    # The sum of A * dA over a row is the product of the output with its derivative.
    dS = A * (np.einsum("vit,vis->its", dO, V) - (dO * O).sum(axis=0)[:, :, None])
    dQ, dK = np.einsum("its,dis->dit", dS, K), np.einsum("its,dit->dis", dS, Q)
    return [dQ / root(cache), dK / root(cache), np.einsum("its,vit->vis", A, dO)]


# --- split_heads and merge_heads -------------------------------------------------------------------------------------


def split_cases(rng):
    return [
        case(X=rng.normal(size=(6, 3, 4)), num_heads=2),
        case(X=rng.normal(size=(12, 1, 2)), num_heads=3),
        case(X=rng.normal(size=(10, 4, 3)), num_heads=5),
        case(X=rng.normal(size=(3, 2, 5)), num_heads=1),
    ]


@lesson.exercise(
    points=1,
    topic=77,
    equation="(9.25)",
    cases=split_cases,
    ask="Which rows of X belong to head 0? reshape cuts an axis in two: which of the two new ones runs slower?",
    small={"X": np.array([[[1.0]], [[2.0]], [[3.0]], [[4.0]]]), "num_heads": 2},
)
def split_heads(X, num_heads):
    """Return X, (h d_k, m, T), as (h, d_k, m, T): head r has rows r d_k to (r + 1) d_k.

    Parameters
    ----------
    X : ndarray, shape (num_heads * d_k, m, T)
    num_heads : int
    """
    n, m, T = X.shape
    return X.reshape(num_heads, n // num_heads, m, T)  # (9.25)


@split_heads.mistake(
    "The heads are interleaved: rows 0, h, 2h ... land in one head. Head 0 has the first d_k rows: reshape to (h, d_k, m, T)."
)
def interleaved(X, num_heads):
    return X.reshape(-1, num_heads, *X.shape[1:]).swapaxes(0, 1)


@split_heads.mistake("The axes are (d_k, h). The heads come first: (h, d_k, m, T).")
def heads_second(X, num_heads):
    return X.reshape(-1, num_heads, *X.shape[1:])


@split_heads.mistake("The heads are right, but their axis is the second. It comes first: (h, d_k, m, T).")
def heads_moved(X, num_heads):
    return X.reshape(num_heads, -1, *X.shape[1:]).swapaxes(0, 1)


@split_heads.mistake("The heads are the last axis. They come first: (h, d_k, m, T).")
def heads_last(X, num_heads):
    return np.moveaxis(X.reshape(num_heads, -1, *X.shape[1:]), 0, -1)


@split_heads.mistake("Each head has all rows. It gets d_k of them: head r has rows r d_k to (r + 1) d_k.")
def all_rows_in_each(X, num_heads):
    return np.stack([X] * num_heads)


@split_heads.mistake("The order of the heads is turned round: head 0 has the first rows.")
def last_head_first(X, num_heads):
    return X.reshape(num_heads, -1, *X.shape[1:])[::-1]


@split_heads.accept("Slices, as the sentence has it: head r is rows r d_k to (r + 1) d_k.")
def with_slices(X, num_heads):
    d_k = len(X) // num_heads
    return np.stack([X[r * d_k : (r + 1) * d_k] for r in range(num_heads)])


@split_heads.accept
def with_np_split(X, num_heads):
    return list(np.split(X, num_heads))


def merge_cases(rng):
    shapes = ((2, 3, 4, 5), (3, 4, 1, 2), (5, 2, 3, 4), (1, 3, 2, 4))
    return [case(X=rng.normal(size=shape)) for shape in shapes]


@lesson.exercise(
    points=1,
    topic=77,
    equation="(9.25)",
    cases=merge_cases,
    ask="It undoes split_heads. Which two axes of X become one?",
    small={"X": np.array([[[[1.0]], [[2.0]]], [[[3.0]], [[4.0]]]])},
)
def merge_heads(X):
    """Return heads (h, d_k, m, T) stacked as (h d_k, m, T): it undoes `split_heads`.

    Parameters
    ----------
    X : ndarray, shape (h, d_k, m, T)
    """
    h, d_k, m, T = X.shape
    return X.reshape(h * d_k, m, T)  # (9.25)


@merge_heads.mistake("The rows of the heads are interleaved. First come all rows of head 0, then all of head 1.")
def merged_interleaved(X):
    return X.swapaxes(0, 1).reshape(-1, *X.shape[2:])


@merge_heads.mistake("The heads are averaged. Stack them: the rows of head 1 come below those of head 0.")
def heads_averaged(X):
    return X.mean(axis=0)


@merge_heads.mistake("The heads are added up. Stack them: the rows of head 1 come below those of head 0.")
def heads_added(X):
    return X.sum(axis=0)


@merge_heads.mistake("Only the first head is kept. Stack all of them.")
def first_head_alone(X):
    return X[0]


@merge_heads.mistake("The heads are stacked along the examples. Stack their rows: (h d_k, m, T).")
def stacked_as_examples(X):
    return np.concatenate(list(X), axis=1)


@merge_heads.mistake("The heads are stacked in the wrong order: head 0 comes first.")
def merged_backwards(X):
    return np.concatenate(list(X[::-1]))


@merge_heads.accept("The heads one below the other, which is what the reshape does without copying.")
def with_concatenate(X):
    return np.concatenate(list(X), axis=0)


@merge_heads.accept
def with_vstack(X):
    return np.vstack([X[r] for r in range(len(X))])


# --- multi_head_attention --------------------------------------------------------------------------------------------

#: n_q, n_kv, h, d_k, d_v, n, m, T_q, T_k, and the mask.
HEADS = (
    ((3, 4, 2, 2, 1, 5, 2, 2, 3), "lengths"),
    ((2, 3, 3, 1, 2, 4, 1, 3, 2), "free"),
    ((4, 3, 1, 3, 2, 2, 2, 1, 3), "queries"),
)
HAND_ONE = np.array([[1.0]])
#: Two heads of one row each; numbers that one can follow.
HAND_PARAMETERS = {
    "WQ": np.array([[1.0], [0.0]]),
    "bQ": np.zeros((2, 1)),
    "WK": np.array([[LN3], [1.0]]),
    "bK": np.zeros((2, 1)),
    "WV": np.array([[4.0], [2.0]]),
    "bV": np.zeros((2, 1)),
    "WO": np.array([[1.0, 10.0]]),
    "bO": np.array([[0.5]]),
}
HAND_X = np.array([[[1.0, 0.0]]])


def draw_layer(rng, sizes, kind):
    """Return the arguments of `multi_head_attention`."""
    n_q, n_kv, h, d_k, d_v, n, m, T_q, T_k = sizes
    shapes = {"Q": (h * d_k, n_q), "K": (h * d_k, n_kv), "V": (h * d_v, n_kv), "O": (n, h * d_v)}
    parameters = {}
    for name, shape in shapes.items():
        parameters[f"W{name}"] = rng.normal(size=shape)
        parameters[f"b{name}"] = rng.normal(size=(shape[0], 1))
    return {
        "X_q": rng.normal(size=(n_q, m, T_q)),
        "X_kv": rng.normal(size=(n_kv, m, T_k)),
        "parameters": parameters,
        "num_heads": h,
        "mask": draw_mask(rng, kind, m, T_q, T_k),
    }


def heads_cases(rng):
    return [case(**draw_layer(rng, *sizes)) for sizes in HEADS]


def dense(W, b, X):
    """Return W x + b for every example and step."""
    return np.tensordot(W, X, axes=1) + b[:, :, None]


@lesson.exercise(
    points=2,
    topic=77,
    equation="(9.26) to (9.29)",
    returns=("Y", "cache"),
    cases=heads_cases,
    ask="Four dense layers and, between the third and the fourth, your attention once for each head. Which of the four "
    "read X_q, which X_kv?",
    small={
        "X_q": np.array([[[1.0]]]),
        "X_kv": HAND_X,
        "parameters": HAND_PARAMETERS,
        "num_heads": 2,
        "mask": BOTH,
    },
    why={
        "question": "Why are there several heads, and not one with all rows?",
        "choices": {
            "one row of weights can fetch one mixture of values only; each head has a row of its own": "Yes: two heads can "
            "look at two places at once.",
            "the heads need fewer parameters": "No: with the same number of rows in all, the matrices are the same.",
            "the scale would be too large with all rows": "No: the scale fits whatever d_k is.",
        },
    },
)
def multi_head_attention(X_q, X_kv, parameters, num_heads, mask):
    """Return attention with several heads, mixed by WO.

    Parameters
    ----------
    X_q : ndarray, shape (n_q, m, T_q)
        From which the queries are made.
    X_kv : ndarray, shape (n_kv, m, T_k)
        From which keys and values are made; in self-attention the same array as X_q.
    parameters : dict
        ``WQ`` (h d_k, n_q), ``WK`` (h d_k, n_kv), ``WV`` (h d_v, n_kv), ``WO`` (n, h d_v), and ``bQ`` to ``bO``, columns.
    num_heads : int
    mask : ndarray of bool
        As in `scaled_dot_product_attention`; the same for all heads.

    Returns
    -------
    Y : ndarray, shape (n, m, T_q)
    cache : tuple
        ``(X_q, X_kv, parameters, Q, K, V, A, H)``: Q, K, V are those of the heads, (h, ., m, .), A is (m, h, T_q, T_k),
        H (h d_v, m, T_q) are the outputs of the heads, merged.
    """

    def dense(name, X):
        return np.einsum("jk,kmt->jmt", parameters["W" + name], X) + parameters["b" + name][:, :, None]

    Q = split_heads(dense("Q", X_q), num_heads)  # (9.26)
    K = split_heads(dense("K", X_kv), num_heads)  # (9.26)
    V = split_heads(dense("V", X_kv), num_heads)  # (9.26)
    heads = [scaled_dot_product_attention(Q[r], K[r], V[r], mask) for r in range(num_heads)]  # (9.27)
    H = merge_heads(np.stack([O for O, _ in heads]))  # (9.28)
    A = np.stack([cache[3] for _, cache in heads], axis=1)
    Y = dense("O", H)  # (9.29)
    return Y, (X_q, X_kv, parameters, Q, K, V, A, H)


def heads_variant(
    X_q, X_kv, parameters, num_heads, mask,
    split=split_heads.reference, merge=merge_heads.reference,
    one=scaled_dot_product_attention.reference, without=(), head=lambda r: r,
    last=lambda parameters, H: dense(parameters["WO"], parameters["bO"], H),
):  # fmt: skip
    """Return what `multi_head_attention` returns, with a step replaced; the biases `without` are left out."""
    used = {name: 0 * V if name in without else V for name, V in parameters.items()}
    Q, K, V = (
        split(dense(used[f"W{name}"], used[f"b{name}"], X), num_heads)
        for name, X in (("Q", X_q), ("K", X_kv), ("V", X_kv))
    )
    heads = [one(Q[head(r)], K[head(r)], V[head(r)], mask) for r in range(num_heads)]
    H, A = merge(np.stack([O for O, _ in heads])), np.stack([cache[3] for _, cache in heads], axis=1)
    return last(used, H), (X_q, X_kv, parameters, Q, K, V, A, H)


@multi_head_attention.mistake(
    "Each head is scaled by the root of all rows, h d_k. A head's scores are sums of d_k terms."
)
def scaled_by_all_rows(X_q, X_kv, parameters, num_heads, mask):
    def one(Q, K, V, mask):
        return scaled_dot_product_attention(Q / np.sqrt(num_heads), K, V, mask)

    Y, cache = heads_variant(X_q, X_kv, parameters, num_heads, mask, one=one)
    return Y, cache


@multi_head_attention.mistake("The heads take every h-th row. Head r has rows r d_k to (r + 1) d_k: use split_heads.")
def heads_interleaved(*given):
    return heads_variant(*given, split=interleaved)


@multi_head_attention.mistake("The heads are split right but merged interleaved: use merge_heads.")
def interleaved_when_merged(*given):
    return heads_variant(*given, merge=merged_interleaved)


@multi_head_attention.mistake(
    "The heads are averaged, and each stands there as this mean. Stack them: each has its own columns of WO."
)
def averaged_heads(*given):
    return heads_variant(*given, merge=lambda X: merge_heads(np.stack([X.mean(axis=0)] * len(X))))


@multi_head_attention.mistake("All heads are the first one: in the loop take Q[r], K[r], V[r].")
def first_head_for_all(*given):
    return heads_variant(*given, head=lambda r: 0)


@multi_head_attention.mistake("There is one head over all rows: split Q, K, V, and attend in each head by itself.")
def one_head_of_all_rows(X_q, X_kv, parameters, num_heads, mask):
    Y, cache = heads_variant(X_q, X_kv, parameters, 1, mask)
    return Y, cache


@multi_head_attention.mistake("WO is missing: the stacked heads are mixed by (9.29).")
def without_WO(*given):
    return heads_variant(*given, last=lambda parameters, H: H)


@multi_head_attention.mistake("The bias bO is missing in (9.29).")
def without_bO(*given):
    return heads_variant(*given, without=("bO",))


@multi_head_attention.mistake("The bias bQ of the queries is missing.")
def without_bQ(*given):
    return heads_variant(*given, without=("bQ",))


@multi_head_attention.mistake(
    "The bias bK of the keys is missing in the K of your cache. It changes no weight, but (9.26) has it."
)
def without_bK(*given):
    return heads_variant(*given, without=("bK",))


@multi_head_attention.mistake("The bias bV of the values is missing.")
def without_bV(*given):
    return heads_variant(*given, without=("bV",))


@multi_head_attention.mistake("All biases are missing: each of the four layers has one.")
def without_biases(*given):
    return heads_variant(*given, without=("bQ", "bK", "bV", "bO"))


@multi_head_attention.mistake("The mask is not handed on to the heads.")
def heads_without_mask(X_q, X_kv, parameters, num_heads, mask):
    return heads_variant(X_q, X_kv, parameters, num_heads, np.ones((1, 1, X_kv.shape[2]), dtype=bool))


@multi_head_attention.mistake("In your cache A is (h, m, T_q, T_k). The examples come first: (m, h, T_q, T_k).")
def heads_first_in_A(*given):
    Y, cache = multi_head_attention(*given)
    return Y, (*cache[:6], cache[6].swapaxes(0, 1), cache[7])


@multi_head_attention.mistake("Your cache holds Q, K and V before they are split. Keep them as (h, ., m, .).")
def cache_before_the_split(*given):
    Y, (X_q, X_kv, parameters, Q, K, V, A, H) = multi_head_attention(*given)
    return Y, (X_q, X_kv, parameters, *map(merge_heads, (Q, K, V)), A, H)


@multi_head_attention.accept
def heads_with_letters(X_q, X_kv, parameters, num_heads, mask):
    p, h = parameters, num_heads
    Q, K, V = (
        (np.tensordot(p[f"W{name}"], X, 1) + p[f"b{name}"].reshape(-1, 1, 1)).reshape(h, -1, *X.shape[1:])
        for name, X in (("Q", X_q), ("K", X_kv), ("V", X_kv))
    )
    A = np.stack([masked_softmax(scores_of(Q[r], K[r]) / Q.shape[1] ** 0.5, mask) for r in range(h)], axis=1)
    H = np.einsum("mhts,hvms->hvmt", A, V).reshape(-1, *X_q.shape[1:])
    return np.tensordot(p["WO"], H, 1) + p["bO"].reshape(-1, 1, 1), (X_q, X_kv, p, Q, K, V, A, H)


@multi_head_attention.accept(
    "WO cut into columns: each head has its own piece, and the outputs of the heads are added up. The same numbers, without "
    "a merge before WO."
)
def pieces_of_WO(X_q, X_kv, parameters, num_heads, mask):
    _, (*cache, H) = multi_head_attention(X_q, X_kv, parameters, num_heads, mask)
    Y, O = np.zeros((len(parameters["WO"]), *X_q.shape[1:])), split_heads(H, num_heads)
    for piece, head in zip(np.split(parameters["WO"], num_heads, axis=1), O, strict=True):
        Y += np.einsum("nv,vit->nit", piece, head)
    return Y + parameters["bO"][..., None], (*cache, H)


# --- multi_head_backward ---------------------------------------------------------------------------------------------


def multi_cases(rng):
    cases = []
    for sizes in HEADS:
        Y, cache = multi_head_attention(**draw_layer(rng, *sizes))
        cases.append(case(dY=rng.normal(size=Y.shape) + 0.3, cache=cache))
    return cases


@lesson.exercise(
    points=4,
    topic=77,
    equation="(9.30) to (9.35)",
    backward=True,
    cases=multi_cases,
    ask="Go back through (9.29), (9.28), (9.27), (9.26). Which arrays are used twice on the way forward, so that two terms "
    "are added?",
    small={
        "dY": np.array([[[1.0]]]),
        "cache": multi_head_attention(np.array([[[1.0]]]), HAND_X, HAND_PARAMETERS, 2, BOTH)[1],
    },
)
def multi_head_backward(dY, cache):
    """Send the derivative back through `multi_head_attention`.

    Parameters
    ----------
    dY : ndarray, shape (n, m, T_q)
        Derivative of J by the output.
    cache : tuple
        From the forward pass.

    Returns
    -------
    gradients : dict
        ``dX_q``, ``dX_kv`` and ``dWQ``, ``dbQ``, ``dWK``, ``dbK``, ``dWV``, ``dbV``, ``dWO``, ``dbO``: derivatives of J in
        the shapes of what they belong to.
    """
    X_q, X_kv, parameters, Q, K, V, A, H = cache
    num_heads, gradients = len(Q), {}
    gradients["dWO"] = np.einsum("nmt,jmt->nj", dY, H)  # (9.30)
    gradients["dbO"] = np.sum(dY, axis=(1, 2))[:, None]  # (9.30)
    dH = np.einsum("nj,nmt->jmt", parameters["WO"], dY)  # (9.31)
    dO = split_heads(dH, num_heads)
    parts = [attention_backward(dO[r], (Q[r], K[r], V[r], A[:, r])) for r in range(num_heads)]  # (9.32)
    dQ, dK, dV = (merge_heads(np.stack([part[k] for part in parts])) for k in range(3))
    for name, dP, X in (("Q", dQ, X_q), ("K", dK, X_kv), ("V", dV, X_kv)):
        gradients["dW" + name] = np.einsum("jmt,kmt->jk", dP, X)  # (9.33)
        gradients["db" + name] = np.sum(dP, axis=(1, 2))[:, None]  # (9.33)
    gradients["dX_q"] = np.einsum("jk,jmt->kmt", parameters["WQ"], dQ)  # (9.34)
    gradients["dX_kv"] = np.einsum("jk,jmt->kmt", parameters["WK"], dK) + np.einsum(
        "jk,jmt->kmt", parameters["WV"], dV
    )  # (9.35)
    return gradients


def multi_variant(dY, cache, back=attention_backward.reference, split=split_heads.reference, merge=None, **changed):
    """Return what `multi_head_backward` returns, with a step replaced; `changed` are functions of single gradients."""
    X_q, X_kv, parameters, Q, K, V, A, H = cache
    gradients = {"dWO": np.einsum("nmt,jmt->nj", dY, H), "dbO": dY.sum(axis=(1, 2))[:, None]}
    dO = split(np.tensordot(parameters["WO"].T, dY, axes=1), len(Q))
    parts = [back(dO[r], (Q[r], K[r], V[r], A[:, r])) for r in range(len(Q))]
    flat = [(merge or merge_heads.reference)(np.stack(part)) for part in zip(*parts, strict=True)]
    for name, dP, X in zip("QKV", flat, (X_q, X_kv, X_kv), strict=True):
        gradients["dW" + name] = np.tensordot(dP, X, axes=((1, 2), (1, 2)))
        gradients["db" + name] = dP.sum(axis=(1, 2))[:, None]
    ways = [np.tensordot(parameters["W" + name].T, dP, axes=1) for name, dP in zip("QKV", flat, strict=True)]
    gradients |= {"dX_q": ways[0], "dX_kv": ways[1] + ways[2]}
    return gradients | {name: new(gradients[name], ways) for name, new in changed.items()}


@multi_head_backward.mistake(
    "dX_kv lacks the way through the values: X_kv feeds keys and values, and both terms are added."
)
def values_lost_in_dX_kv(dY, cache):
    return multi_variant(dY, cache, dX_kv=lambda old, ways: ways[1])


@multi_head_backward.mistake(
    "dX_kv lacks the way through the keys: X_kv feeds keys and values, and both terms are added."
)
def keys_lost_in_dX_kv(dY, cache):
    return multi_variant(dY, cache, dX_kv=lambda old, ways: ways[2])


@multi_head_backward.mistake("The two terms of dX_kv are subtracted. Both ways lead from X_kv to the cost: add them.")
def terms_subtracted(dY, cache):
    return multi_variant(dY, cache, dX_kv=lambda old, ways: ways[1] - ways[2])


@multi_head_backward.mistake("The two terms of dX_kv are averaged. Add them.")
def terms_averaged(dY, cache):
    return multi_variant(dY, cache, dX_kv=lambda old, ways: old / 2)


@multi_head_backward.mistake("The gradients are divided by the number of examples. 1/m is in dY already.")
def gradients_divided_by_m(dY, cache):
    return {name: part / dY.shape[1] for name, part in multi_head_backward(dY, cache).items()}


@multi_head_backward.mistake(
    "The gradients of the biases are means over examples and steps. Take sums: 1/m is in dY already."
)
def means_for_biases(dY, cache):
    gradients = multi_head_backward(dY, cache)
    steps = {"Q": cache[0], "K": cache[1], "V": cache[1], "O": dY}
    return gradients | {f"db{name}": gradients[f"db{name}"] / X[0].size for name, X in steps.items()}


@multi_head_backward.mistake("The gradients of the biases have lost an axis. A bias is a column, (., 1).")
def biases_without_axis(dY, cache):
    return {name: part[:, 0] if name[1] == "b" else part for name, part in multi_head_backward(dY, cache).items()}


@multi_head_backward.mistake(
    "dWO is made with the derivative alone. Its second factor is H, the merged heads of the cache."
)
def dWO_without_H(dY, cache):
    H = cache[7]
    return multi_variant(dY, cache, dWO=lambda old, ways: np.einsum("nmt,j->nj", dY, np.ones(len(H))))


@multi_head_backward.mistake(
    "Each head's way back has the scale of all rows, h d_k. Hand each head its own Q[r] to attention_backward."
)
def back_with_all_rows(dY, cache):
    h = len(cache[3])

    def back(dO, cache):
        dQ, dK, dV = attention_backward(dO, cache)
        return dQ / np.sqrt(h), dK / np.sqrt(h), dV

    return multi_variant(dY, cache, back=back)


@multi_head_backward.mistake("dH is split interleaved. Use split_heads, as on the way forward.")
def split_interleaved(dY, cache):
    return multi_variant(dY, cache, split=interleaved)


@multi_head_backward.mistake("dQ, dK and dV of the heads are merged interleaved. Use merge_heads.")
def merge_interleaved(dY, cache):
    return multi_variant(dY, cache, merge=merged_interleaved)


@multi_head_backward.mistake("All heads go back with the weights of the first one: take A[:, r].")
def weights_of_the_first_head(dY, cache):
    A = cache[6]
    return multi_variant(dY, (*cache[:6], np.stack([A[:, 0]] * A.shape[1], axis=1), cache[7]))


@multi_head_backward.mistake("dQ and dK are exchanged on their way to the weights.")
def dQ_and_dK_exchanged_in_the_heads(dY, cache):
    Q, K = cache[3:5]
    gradients, X_q, X_kv = multi_head_backward(dY, cache), cache[0], cache[1]
    dO = split_heads(np.tensordot(cache[2]["WO"].T, dY, axes=1), len(Q))
    parts = [attention_backward(dO[r], (Q[r], K[r], cache[5][r], cache[6][:, r])) for r in range(len(Q))]
    dQ, dK, _ = (merge_heads(np.stack(part)) for part in zip(*parts, strict=True))
    dbK, dbQ = (dP.sum(axis=(1, 2))[:, None] for dP in (dQ, dK))
    T = min(X_q.shape[2], X_kv.shape[2])
    dWQ, dWK = (np.einsum("jmt,kmt->jk", dP[..., :T], X[..., :T]) for dP, X in ((dK, X_q), (dQ, X_kv)))
    return gradients | {"dWQ": dWQ, "dWK": dWK, "dbQ": dbQ, "dbK": dbK}


@multi_head_backward.mistake(
    "The way through WO is missing: dH is WO transposed times dY, not the mean of dY for every row."
)
def WO_skipped(dY, cache):
    X_q, X_kv, parameters, *rest = cache
    flat = parameters | {"WO": np.full_like(parameters["WO"], 1 / len(dY))}
    return multi_variant(dY, (X_q, X_kv, flat, *rest))


@multi_head_backward.accept("All heads at once: with the letter h in each sum no loop is left.")
def all_heads_at_once(dY, cache):
    X_q, X_kv, p, Q, K, V, A, H = cache
    dO = np.tensordot(p["WO"].T, dY, 1).reshape(len(V), -1, *dY.shape[1:])
    dA = np.einsum("hvmt,hvms->mhts", dO, V)
    dS = A * (dA - (A * dA).sum(axis=-1, keepdims=True)) / np.sqrt(Q.shape[1])
    dV = np.einsum("mhts,hvmt->hvms", A, dO).reshape(-1, *X_kv.shape[1:])
    dQ = np.einsum("mhts,hdms->hdmt", dS, K).reshape(-1, *X_q.shape[1:])
    dK = np.einsum("mhts,hdmt->hdms", dS, Q).reshape(-1, *X_kv.shape[1:])
    found = {"dX_q": np.tensordot(p["WQ"].T, dQ, 1)}
    found["dX_kv"] = np.tensordot(np.hstack([p["WK"].T, p["WV"].T]), np.vstack([dK, dV]), 1)
    for name, dP, X in (("Q", dQ, X_q), ("K", dK, X_kv), ("V", dV, X_kv), ("O", dY, H)):
        found["dW" + name] = np.tensordot(dP, X, ((1, 2), (1, 2)))
        found["db" + name] = dP.sum(axis=(1, 2)).reshape(-1, 1)
    return found


@multi_head_backward.accept
def example_by_example(dY, cache):
    X_q, X_kv, p, Q, K, V, A, H = cache
    total = {f"d{name}": np.zeros(value.shape) for name, value in (p | {"X_q": X_q, "X_kv": X_kv}).items()}
    for i in range(dY.shape[1]):
        dH = p["WO"].T @ dY[:, i]
        total["dWO"] += dY[:, i] @ H[:, i].T
        total["dbO"] += dY[:, i].sum(axis=1, keepdims=True)
        one = slice(i, i + 1)
        parts = [
            attention_backward(dO[:, None], (Q[r][:, one], K[r][:, one], V[r][:, one], A[one, r]))
            for r, dO in enumerate(np.split(dH, len(Q)))
        ]
        for place, name, X in ((0, "Q", X_q), (1, "K", X_kv), (2, "V", X_kv)):
            dP = np.vstack([part[place][:, 0] for part in parts])
            total["dW" + name] += dP @ X[:, i].T
            total["db" + name] += dP.sum(axis=1, keepdims=True)
            total["dX_q" if name == "Q" else "dX_kv"][:, i] += p["W" + name].T @ dP
    return total
