"""Lesson 5.11, a tiny GPT: the catalogue of its nine exercises. Equations are those of the notebook."""

import numpy as np
from scipy.special import log_softmax, softmax

from helpers.exercises import Lesson, case
from helpers.widgets.fast_attention import (
    causal_mask,
    layer_norm_backward,
    layer_norm_forward,
    multi_head_attention,
    transformer_block_backward,
    transformer_block_forward,
)

lesson = Lesson("tiny_gpt")

# --- predictions -----------------------------------------------------------------------------------------------------

lesson.predict(
    "first_loss",
    "A GPT for names has 27 symbols and is not trained yet: its scores are all near 0. How many nats does a symbol cost, "
    "on average?",
    because="Scores that are all alike give each symbol the same share, one in V. Its cost is the logarithm of V.",
)
lesson.predict(
    "names_winner",
    "There are 1384 names to learn from. On names that were held out, which costs less by more than 0.1 nats a letter: a "
    "GPT with 14 907 weights, or counts of what follows two letters?",
    ("the GPT", "the counts", "neither"),
    "The list is short: counts see nearly all that it says about short stretches of letters, and a GPT has little to learn "
    "beyond them before it learns the names by heart.",
)
lesson.predict(
    "three_times",
    "The GPT trains three times as long on the same names. What happens to the cost of names that were held out?",
    ("it falls further", "it stays within 0.02", "it rises"),
    "The cost of the names it learns from keeps falling, since it learns them by heart. What it learns there does not "
    "hold for other names.",
)
lesson.predict(
    "bible_order",
    "A GPT with 28 706 weights reads about 1.5 million characters of the King James Bible. Which of these counts, made on "
    "about as many characters, does it beat? The longest that it beats:",
    ("pairs of characters", "three in a row", "four in a row", "five in a row"),
    "It looks back at up to 32 symbols, counts of four in a row at three. But what counts of four store as 28 051 numbers "
    "of their own, it must learn, in 3000 steps, with about as many weights.",
)
lesson.predict(
    "cache_speed",
    "A model writes 256 tokens, one at a time. How many times faster is its attention with a cache of keys and values "
    "than without?",
    ("less than 2 times", "2 to 5 times", "more than 5 times"),
    "Without the cache step t works out all t columns again, T(T + 1)/2 of them together; with it one column in each step.",
)

# --- shifted_batch ---------------------------------------------------------------------------------------------------

ALPHABETS = ("\nabcdefghijklmnopqrstuvwxyz", "ab\nlmnort", "tonm\nbra")


def numbered(alphabet):
    return {char: index for index, char in enumerate(alphabet)}


def batch_cases(rng):
    found = []
    for alphabet, lengths, T in zip(ALPHABETS, ((4, 1, 2), (3, 6, 4, 2), (2,)), (7, 5, 4), strict=True):
        letters = [char for char in alphabet if char != "\n"]
        texts = ["".join(letters[i] for i in rng.integers(len(letters), size=length)) for length in lengths]
        found.append(case(texts=texts, char_to_ix=numbered(alphabet), T=T))
    return found


@lesson.exercise(
    points=1,
    topic=85,
    equation="(11.1)",
    returns=("inputs", "targets", "mask"),
    cases=batch_cases,
    ask="What does the model read before the first letter of a text, and what must it say after the last one?",
    small={"texts": ["aba", "b"], "char_to_ix": {"\n": 0, "a": 1, "b": 2}, "T": 5},
)
def shifted_batch(texts, char_to_ix, T):
    """Turn texts into what is read, what comes next, and which places are real.

    Parameters
    ----------
    texts : list of str
    char_to_ix : dict
        The number of each symbol; a newline starts and ends a text.
    T : int
        Places; what does not fit is cut off at the end.

    Returns
    -------
    inputs : ndarray of int, shape (m, T)
        The newline, then the text; filled up with newlines.
    targets : ndarray of int, shape (m, T)
        The text, then the newline; filled up with newlines.
    mask : ndarray of bool, shape (m, T)
        True where the target is a letter of the text or its end.
    """
    inputs = np.full((len(texts), T), char_to_ix["\n"])
    targets = inputs.copy()
    mask = np.zeros((len(texts), T), dtype=bool)
    for i, text in enumerate(texts):
        symbols = [char_to_ix[char] for char in "\n" + text + "\n"]
        length = min(len(text) + 1, T)
        inputs[i, :length] = symbols[:length]  # (11.1)
        targets[i, :length] = symbols[1 : length + 1]
        mask[i, :length] = True
    return inputs, targets, mask


def batch_variant(texts, char_to_ix, T, reads=0, says=1, extra=1, fill=None, start="\n", end="\n"):
    """Return what `shifted_batch` returns, with other shifts, lengths and filling."""
    newline = char_to_ix["\n"]
    inputs = np.full((len(texts), T), newline if fill is None else fill(char_to_ix))
    targets, mask = inputs.copy(), np.zeros((len(texts), T), dtype=bool)
    for i, text in enumerate(texts):
        symbols = [char_to_ix[char] for char in start + text + end + "\n\n"]
        length = min(len(text) + extra, T)
        inputs[i, :length] = symbols[reads : reads + length]
        targets[i, :length] = symbols[says : says + length]
        mask[i, :length] = True
    return inputs, targets, mask


@shifted_batch.mistake(
    "The targets are not shifted: they are what is read. At each place the target is the next symbol."
)
def not_shifted(*given):
    return batch_variant(*given, says=0)


@shifted_batch.mistake("The targets are two places ahead of the inputs. They are the next symbol: one place.")
def shifted_by_two(*given):
    return batch_variant(*given, says=2)


@shifted_batch.mistake("The inputs are the text without the newline before it. The first letter has to be said, too.")
def without_the_start(*given):
    return batch_variant(*given, reads=1, says=1)


@shifted_batch.mistake(
    "Inputs and targets are both shifted. The inputs start with the newline, the targets with the first letter."
)
def both_shifted(*given):
    return batch_variant(*given, reads=1, says=2)


@shifted_batch.mistake("Inputs and targets are exchanged.")
def exchanged(*given):
    return batch_variant(*given, reads=1, says=0)


@shifted_batch.mistake(
    "The end is not real in your mask. The model has to say where a text ends: a text has len(text) + 1 targets."
)
def end_not_counted(*given):
    inputs, targets, _ = batch_variant(*given)
    return inputs, targets, batch_variant(*given, extra=0)[2]


@shifted_batch.mistake(
    "The last real place is False in your mask. It has len(text) + 1 real places, or T if the text is longer."
)
def last_not_counted(*given):
    inputs, targets, mask = batch_variant(*given)
    return inputs, targets, mask & (mask.cumsum(axis=1) < mask.sum(axis=1, keepdims=True))


@shifted_batch.mistake("All places are real in your mask. Behind the end of a text nothing counts.")
def all_counted(*given):
    inputs, targets, mask = batch_variant(*given)
    return inputs, targets, np.ones_like(mask)


@shifted_batch.mistake("One place too many is real in your mask: the newline is said once.")
def start_counted(*given):
    inputs, targets, _ = batch_variant(*given)
    return inputs, targets, batch_variant(*given, extra=2)[2]


@shifted_batch.mistake("The mask is True at padding. It is True at real places.")
def mask_inverted(*given):
    inputs, targets, mask = batch_variant(*given)
    return inputs, targets, ~mask


@shifted_batch.mistake('The padding is the number 0. It is the number of the newline, char_to_ix["\\n"].')
def filled_with_zero(*given):
    return batch_variant(*given, fill=lambda char_to_ix: 0)


@shifted_batch.mistake("A text that is too long is cut at its beginning. What does not fit is cut off at the end.")
def cut_in_front(texts, char_to_ix, T):
    inputs, targets, mask = batch_variant(texts, char_to_ix, max(T, max(map(len, texts)) + 1))
    for i, text in enumerate(texts):
        shift = max(0, len(text) + 1 - T)
        inputs[i], targets[i] = np.roll(inputs[i], -shift), np.roll(targets[i], -shift)
    return inputs[:, :T], targets[:, :T], mask[:, :T]


@shifted_batch.mistake(
    "A text that is too long ends with a newline in your targets. It is cut off: it has no end there."
)
def end_forced(texts, char_to_ix, T):
    return batch_variant([text[: T - 1] for text in texts], char_to_ix, T)


@shifted_batch.accept
def batch_by_padding(texts, char_to_ix, T):
    full = [("\n" + text).ljust(T, "\n")[:T] for text in texts]
    goal = [(text + "\n").ljust(T, "\n")[:T] for text in texts]
    numbers = lambda rows: np.array([[char_to_ix[char] for char in row] for row in rows])
    lengths = np.array([len(text) + 1 for text in texts])
    return numbers(full), numbers(goal), np.arange(T) < lengths[:, None]


@shifted_batch.accept(
    "One array with a column more: its first T columns are the inputs, its last T columns the targets."
)
def batch_from_one_array(texts, char_to_ix, T):
    rows = np.full((len(texts), T + 1), char_to_ix["\n"])
    for row, text in zip(rows, texts, strict=True):
        letters = [char_to_ix[char] for char in text[:T]]
        row[1 : len(letters) + 1] = letters
    mask = np.array([[t <= len(text) for t in range(T)] for text in texts])
    return rows[:, :-1], rows[:, 1:], mask


# --- embed -----------------------------------------------------------------------------------------------------------

#: n, V, T_max, m, T: all different; where T_max > V, a table that is looked up by token shows.
TABLES = ((4, 5, 8, 2, 3), (3, 6, 9, 1, 5), (5, 4, 7, 3, 6))


def embed_cases(rng):
    found = []
    for n, V, T_max, m, T in TABLES:
        tokens = rng.integers(V, size=(m, T))
        tokens[0, :3] = [V - 1, 1, V - 1]  # a repeat, and the last token
        found.append(case(tokens=tokens, E=rng.normal(size=(n, V)), P=rng.normal(size=(n, T_max))))
    return found


@lesson.exercise(
    points=1,
    topic=83,
    equation="(11.3)",
    cases=embed_cases,
    ask="E has one column per symbol, P one per place. What picks a column of each?",
    small={
        "tokens": np.array([[1, 0, 1]]),
        "E": np.array([[1.0, 2], [3, 4]]),
        "P": np.array([[0.0, 10, 20, 30], [0, 1, 2, 3]]),
    },
)
def embed(tokens, E, P):
    """Add the vector of each token and the vector of its place.

    Parameters
    ----------
    tokens : ndarray of int, shape (m, T)
    E : ndarray, shape (n, V)
    P : ndarray, shape (n, T_max)
        T is at most T_max.

    Returns
    -------
    a : ndarray, shape (n, m, T)
    """
    T = tokens.shape[1]
    return E[:, tokens] + P[:, None, :T]  # (11.3)


@embed.mistake("The positions are missing: add the first T columns of P.")
def without_positions(tokens, E, P):
    return E[:, tokens]


@embed.mistake("The columns of P are looked up by token. They belong to places: column t to place t.")
def positions_by_token(tokens, E, P):
    return E[:, tokens] + P[:, tokens]


@embed.mistake("Positions are put below the embedding. They are added: the result has n rows.")
def positions_concatenated(tokens, E, P):
    places = np.broadcast_to(P[:, None, : tokens.shape[1]], (len(P), *tokens.shape))
    return np.concatenate([E[:, tokens], places])


@embed.mistake("Places are counted from 1. The first one is column 0 of P.")
def positions_from_one(tokens, E, P):
    return E[:, tokens] + P[:, None, 1 : tokens.shape[1] + 1]


@embed.mistake("The last columns of P are used. Place t is column t: take the first T.")
def last_positions(tokens, E, P):
    return E[:, tokens] + P[:, None, -tokens.shape[1] :]


@embed.mistake("All places get column 0 of P. Place t gets column t.")
def one_position(tokens, E, P):
    return E[:, tokens] + P[:, None, :1]


@embed.mistake("Embedding and position are multiplied. They are added.")
def multiplied(tokens, E, P):
    return E[:, tokens] * P[:, None, : tokens.shape[1]]


@embed.mistake("The embedding is multiplied by the root of n. Here it is used as it is.")
def scaled_by_root(tokens, E, P):
    return E[:, tokens] * np.sqrt(len(E)) + P[:, None, : tokens.shape[1]]


@embed.mistake("Your axes are (m, T, n). Rows of vectors come first here: (n, m, T).")
def features_last(tokens, E, P):
    return embed(tokens, E, P).transpose(1, 2, 0)


@embed.accept("A product with one-hot columns: the same numbers, but V times the work.")
def embed_by_product(tokens, E, P):
    one_hot = (np.arange(E.shape[1])[:, None, None] == tokens) * 1.0
    return np.tensordot(E, one_hot, axes=1) + P[:, : tokens.shape[1]].reshape(len(P), 1, -1)


@embed.accept
def embed_by_loop(tokens, E, P):
    a = np.zeros((len(E), *tokens.shape))
    for i, t in np.ndindex(*tokens.shape):
        a[:, i, t] = E[:, tokens[i, t]] + P[:, t]
    return a


# --- embed_backward --------------------------------------------------------------------------------------------------


def embed_back_cases(rng):
    found = []
    for n, V, T_max, m, T in TABLES:
        tokens = rng.integers(V - 1, size=(m, T))  # the last token does not occur
        tokens[0, :3] = [1, 0, 1]
        found.append(case(da=rng.normal(size=(n, m, T)) + 0.5, tokens=tokens, V=V, T_max=T_max))
    return found


@lesson.exercise(
    points=3,
    topic=83,
    equation="(11.5), (11.6)",
    returns=("dE", "dP"),
    backward=True,
    cases=embed_back_cases,
    ask="A token that occurs three times used its column three times. What happens to derivatives at something that is "
    "used several times, and how often is a column of P used?",
    small={"da": np.array([[[1.0, 10, 100]], [[2, 20, 200]]]), "tokens": np.array([[0, 1, 0]]), "V": 3, "T_max": 4},
    why={
        "question": "Why not `dE[:, tokens] += da`?",
        "choices": {
            "of several places with the same token it keeps one": "Yes: NumPy reads all old values first, adds, and writes; "
            "the last one written stays.",
            "it is slower than a loop": "No: it is fast. It gives another number.",
            "the shapes do not fit": "No: dE[:, tokens] has the shape of da, so nothing warns you.",
        },
    },
)
def embed_backward(da, tokens, V, T_max):
    """Send the derivative back through `embed`.

    Parameters
    ----------
    da : ndarray, shape (n, m, T)
        Derivative of J by the output of `embed`.
    tokens : ndarray of int, shape (m, T)
    V, T_max : int
        Columns of E and of P.

    Returns
    -------
    dE : ndarray, shape (n, V)
        Derivative of J; 0 for tokens that do not occur.
    dP : ndarray, shape (n, T_max)
        Derivative of J; 0 for places from T on.
    """
    n, m, T = da.shape
    dE, dP = np.zeros((n, V)), np.zeros((n, T_max))
    np.add.at(dE.T, tokens, da.transpose(1, 2, 0))  # (11.5)
    dP[:, :T] = np.sum(da, axis=1)  # (11.6)
    return dE, dP


def embed_back(da, tokens, V, T_max, dE=None, dP=None):
    right = embed_backward(da, tokens, V, T_max)
    return (right[0] if dE is None else dE(right[0]), right[1] if dP is None else dP(right[1]))


@embed_backward.mistake(
    "Of a token that occurs several times one derivative is kept: `dE[:, tokens] += da` does not add up repeats. Use np.add.at, "
    "a product with one-hot columns, or a loop."
)
def repeats_lost(da, tokens, V, T_max):
    dE = np.zeros((len(da), V))
    dE[:, tokens] += da
    return embed_back(da, tokens, V, T_max, dE=lambda _: dE)


@embed_backward.mistake("dE is the mean over the places of a token. It is the sum.")
def mean_of_repeats(da, tokens, V, T_max):
    times = np.maximum(1, np.bincount(tokens.ravel(), minlength=V))
    return embed_back(da, tokens, V, T_max, dE=lambda dE: dE / times)


@embed_backward.mistake("dP is not summed over the examples: each of them used the column.")
def dP_of_the_last_example(da, tokens, V, T_max):
    dP = np.zeros((len(da), T_max))
    dP[:, : da.shape[2]] = da[:, -1]
    return embed_back(da, tokens, V, T_max, dP=lambda _: dP)


@embed_backward.mistake("dP is the mean over the examples. It is the sum: the factor 1/m is in da already.")
def dP_is_a_mean(da, tokens, V, T_max):
    return embed_back(da, tokens, V, T_max, dP=lambda dP: dP / da.shape[1])


@embed_backward.mistake("dE and dP are divided by m. The factor is in da already.")
def divided_by_m(da, tokens, V, T_max):
    return embed_back(da, tokens, V, T_max, dE=lambda dE: dE / da.shape[1], dP=lambda dP: dP / da.shape[1])


@embed_backward.mistake("dP has T columns. It has the shape of P: T_max columns, 0 from T on.")
def dP_too_short(da, tokens, V, T_max):
    return embed_back(da, tokens, V, T_max, dP=lambda dP: dP[:, : da.shape[2]])


@embed_backward.mistake("dP stands in the last columns. Place t belongs to column t.")
def dP_at_the_end(da, tokens, V, T_max):
    return embed_back(da, tokens, V, T_max, dP=lambda dP: np.roll(dP, T_max - da.shape[2], axis=1))


@embed_backward.mistake("dP is collected by token. Column t of P collects what arrives at place t.")
def dP_by_token(da, tokens, V, T_max):
    dP = np.zeros((len(da), T_max))
    np.add.at(dP.T, tokens, da.transpose(1, 2, 0))
    return embed_back(da, tokens, V, T_max, dP=lambda _: dP)


@embed_backward.mistake("dP is the sum over the places as well, the same in all columns. Sum over the examples alone.")
def dP_over_all(da, tokens, V, T_max):
    dP = np.zeros((len(da), T_max))
    dP[:, : da.shape[2]] = da.sum(axis=(1, 2))[:, None]
    return embed_back(da, tokens, V, T_max, dP=lambda _: dP)


@embed_backward.mistake("dE collects the first example alone. Add up all of them.")
def dE_of_the_first_example(da, tokens, V, T_max):
    return embed_back(da, tokens, V, T_max, dE=lambda _: embed_backward(da[:, :1], tokens[:1], V, T_max)[0])


@embed_backward.mistake("dE collects by place. Column k of E collects what arrives wherever token k stands.")
def dE_by_place(da, tokens, V, T_max):
    dE = np.zeros((len(da), V))
    for t in range(da.shape[2]):
        dE[:, t % V] += da[:, :, t].sum(axis=1)
    return embed_back(da, tokens, V, T_max, dE=lambda _: dE)


@embed_backward.accept("A product with one-hot columns, (11.5) word for word: no repeat is lost.")
def embed_back_by_product(da, tokens, V, T_max):
    one_hot = (np.arange(V)[:, None, None] == tokens) * 1.0
    places = np.eye(da.shape[2], T_max)
    return np.einsum("nmt,vmt->nv", da, one_hot), np.einsum("nmt,ts->ns", da, places)


@embed_backward.accept
def embed_back_by_loop(da, tokens, V, T_max):
    dE, dP = np.zeros((len(da), V)), np.zeros((len(da), T_max))
    for i, t in np.ndindex(*tokens.shape):
        dE[:, tokens[i, t]] += da[:, i, t]
        dP[:, t] += da[:, i, t]
    return dE, dP


# --- gpt_forward -----------------------------------------------------------------------------------------------------

#: n, n_h, h, L, V, T_max, m, T
MODELS = ((4, 2, 2, 2, 5, 6, 2, 3), (3, 2, 1, 1, 4, 7, 1, 4), (3, 2, 3, 2, 3, 5, 1, 3))


def sides(rng, *shape):
    """Return numbers of both signs, none near 0."""
    return rng.uniform(0.5, 1.5, size=shape) * rng.choice([-1, 1], size=shape)


def draw_model(rng, n, n_h, h, L, V, T_max, m, T):
    """Return the arguments of `gpt_forward`."""

    def block():
        shapes = dict.fromkeys("QKVO", (n, n)) | {"1": (n_h, n), "2": (n, n_h)}
        found = {}
        for name, shape in shapes.items():
            found |= {"W" + name: rng.normal(size=shape) / np.sqrt(n), "b" + name: sides(rng, shape[0], 1) / 2}
        for number in "12":
            found |= {"gamma" + number: sides(rng, n, 1), "beta" + number: sides(rng, n, 1)}
        return found

    parameters = {"E": rng.normal(size=(n, V)), "P": rng.normal(size=(n, T_max)), "blocks": [block() for _ in range(L)]}
    parameters |= {"gamma": sides(rng, n, 1), "beta": sides(rng, n, 1)}
    parameters |= {"W": rng.normal(size=(V, n)), "b": sides(rng, V, 1)}
    tokens = rng.integers(V, size=(m, T))
    tokens[0, :3] = rng.permutation(V)[[0, 1, 0]]  # a repeat
    return {"tokens": tokens, "parameters": parameters, "num_heads": h}


def gpt_cases(rng):
    return [case(**draw_model(rng, *sizes)) for sizes in MODELS]


def small_model():
    """Return a model without blocks, which one can follow by hand."""
    return draw_model(np.random.default_rng(0), 3, 2, 1, 0, 3, 4, 1, 3)


@lesson.exercise(
    points=2,
    topic=84,
    equation="(11.7) to (11.10)",
    returns=("Z", "cache"),
    cases=gpt_cases,
    ask="Which array goes into the next block, and what happens between the last block and the scores?",
    small=small_model(),
)
def gpt_forward(tokens, parameters, num_heads):
    """Return the scores of what comes after each place.

    Parameters
    ----------
    tokens : ndarray of int, shape (m, T)
    parameters : dict
        ``E`` (n, V), ``P`` (n, T_max), ``blocks``, a list with a dict for each block, ``gamma``, ``beta`` (n, 1) of the
        last norm, ``W`` (V, n), ``b`` (V, 1).
    num_heads : int

    Returns
    -------
    Z : ndarray, shape (V, m, T)
    cache : tuple
        ``(tokens, parameters, caches, norm, a)``: a list with the cache of each block, the cache of the last norm, and
        its output.
    """
    p = parameters
    a = embed(tokens, p["E"], p["P"])  # (11.7)
    mask = causal_mask(tokens.shape[1])
    caches = []
    for block in p["blocks"]:
        a, kept = transformer_block_forward(a, block, num_heads, mask)  # (11.8)
        caches.append(kept)
    a, norm = layer_norm_forward(a, p["gamma"], p["beta"], 1e-5)  # (11.9)
    Z = np.einsum("vn,nmt->vmt", p["W"], a) + p["b"][:, :, None]  # (11.10)
    return Z, (tokens, p, caches, norm, a)


def gpt_variant(
    tokens, p, h, start=None, mask=causal_mask, blocks=lambda blocks: blocks, into=lambda a, first: a,
    last=lambda a, p: layer_norm_forward(a, p["gamma"], p["beta"], 1e-5), scores=None,
):  # fmt: skip
    """Return what `gpt_forward` returns, with a step replaced."""
    first = a = embed(tokens, p["E"], p["P"]) if start is None else start(tokens, p)
    caches = []
    for block in blocks(p["blocks"]):
        a, kept = transformer_block_forward(into(a, first), block, h, mask(tokens.shape[1]))
        caches.append(kept)
    a, norm = last(a, p)
    Z = np.tensordot(p["W"], a, axes=1) + p["b"][:, :, None] if scores is None else scores(a, p)
    return Z, (tokens, p, caches, norm, a)


@gpt_forward.mistake("The last norm is missing: after the last block comes a layer norm with gamma and beta.")
def without_last_norm(*given):
    return gpt_variant(*given, last=lambda a, p: (a, layer_norm_forward(a, p["gamma"], p["beta"], 1e-5)[1]))


@gpt_forward.mistake(
    "Each place sees later ones: hand causal_mask(T) to each block. A cost that is too good is the sign of it."
)
def without_the_mask(*given):
    return gpt_variant(*given, mask=lambda T: np.ones((T, T), dtype=bool))


@gpt_forward.mistake("The mask is turned: each place sees itself and later ones. Use causal_mask(T) as it is.")
def mask_turned(*given):
    return gpt_variant(*given, mask=lambda T: causal_mask(T).T)


@gpt_forward.mistake("All blocks use the parameters of the first. Each has its own dict in parameters['blocks'].")
def first_block_again(*given):
    return gpt_variant(*given, blocks=lambda blocks: blocks[:1] * len(blocks))


@gpt_forward.mistake("The blocks are run in reverse. On the way forward the first one comes first.")
def blocks_in_reverse(*given):
    return gpt_variant(*given, blocks=lambda blocks: blocks[::-1])


@gpt_forward.mistake("Each block gets the embedding. It gets what the block before it returned.")
def embedding_into_each(*given):
    return gpt_variant(*given, into=lambda a, first: first)


@gpt_forward.mistake("One block is left out: loop over all of parameters['blocks'].")
def last_block_left_out(*given):
    return gpt_variant(*given, blocks=lambda blocks: blocks[:-1])


@gpt_forward.mistake("The positions are missing: the first array is embed(tokens, E, P).")
def gpt_without_positions(*given):
    return gpt_variant(*given, start=lambda tokens, p: p["E"][:, tokens])


@gpt_forward.mistake(
    "The scores use E, transposed. Here they have a matrix of their own, W: embedding and output are not tied."
)
def tied(*given):
    return gpt_variant(*given, scores=lambda a, p: np.tensordot(p["E"].T, a, axes=1) + p["b"][:, :, None])


@gpt_forward.mistake("The bias b of the scores is missing.")
def without_output_bias(*given):
    return gpt_variant(*given, scores=lambda a, p: np.tensordot(p["W"], a, axes=1))


@gpt_forward.mistake("Z holds probabilities. Return the scores: the loss does the softmax.")
def probabilities(*given):
    return gpt_variant(
        *given, scores=lambda a, p: softmax(np.tensordot(p["W"], a, axes=1) + p["b"][:, :, None], axis=0)
    )


@gpt_forward.mistake("The norm comes before the blocks. Here it comes after the last one.")
def norm_before_the_blocks(tokens, p, h):
    norms = []

    def start(tokens, p):
        a, norm = layer_norm_forward(embed(tokens, p["E"], p["P"]), p["gamma"], p["beta"], 1e-5)
        norms.append(norm)
        return a

    return gpt_variant(tokens, p, h, start=start, last=lambda a, p: (a, norms[0]))


@gpt_forward.mistake("The last norm is used after every block. It comes once, after the last one.")
def norm_after_every_block(tokens, p, h):
    into = lambda a, first: a if a is first else layer_norm_forward(a, p["gamma"], p["beta"], 1e-5)[0]
    return gpt_variant(tokens, p, h, into=into)


@gpt_forward.mistake("The number of heads is not handed on: the blocks have one head.")
def gpt_with_one_head(tokens, p, h):
    return gpt_variant(tokens, p, 1)


@gpt_forward.accept(
    "One product for all columns at once, (n, m·T), instead of an einsum, and a list that holds array and cache of each step."
)
def gpt_with_matmul(tokens, parameters, num_heads):
    T, p = tokens.shape[1], parameters
    steps = [(embed(tokens, p["E"], p["P"]), None)]
    for block in p["blocks"]:
        steps.append(transformer_block_forward(steps[-1][0], block, num_heads, np.tri(T) > 0))
    a, norm = layer_norm_forward(steps[-1][0], p["gamma"], p["beta"], 1e-5)
    Z = (p["W"] @ a.reshape(len(a), -1) + p["b"]).reshape(-1, *tokens.shape)
    return Z, [tokens, p, [kept for _, kept in steps[1:]], norm, a]


@gpt_forward.accept
def gpt_with_tensordot(tokens, parameters, num_heads):
    return gpt_variant(tokens, parameters, num_heads)


# --- language_model_loss ---------------------------------------------------------------------------------------------


def loss_cases(rng):
    found = []
    for V, lengths, T, size in ((5, (3, 1, 4), 4, 1.0), (3, (2,), 6, 2.0), (6, (5, 2), 5, 1.0), (4, (2, 1), 3, 900.0)):
        m = len(lengths)
        found.append(
            case(
                Z=size * rng.normal(size=(V, m, T)),
                targets=rng.integers(V, size=(m, T)),
                mask=np.arange(T) < np.array(lengths)[:, None],
            )
        )
    return found


@lesson.exercise(
    points=3,
    topic=85,
    equation="(11.13), (11.14)",
    returns=("J", "dZ"),
    backward=True,
    cases=loss_cases,
    ask="How many real places are there in the whole batch? And which axis of Z holds the scores that compete?",
    small={
        "Z": np.log(np.array([[[0.5, 0.2]], [[0.25, 0.4]], [[0.25, 0.4]]])),
        "targets": np.array([[0, 1]]),
        "mask": np.array([[True, False]]),
    },
    why={
        "question": "Why divide by the number of real places and not by m·T?",
        "choices": {
            "padding costs nothing, and the more of it there is, the better the model would look": "Yes: the number would "
            "depend on how the texts were packed.",
            "dZ would have another shape": "No: the shape is the same.",
            "the softmax would overflow": "No: that depends on the scores alone.",
        },
    },
)
def language_model_loss(Z, targets, mask):
    """Return the mean cost of a real place, and its derivative by the scores.

    Parameters
    ----------
    Z : ndarray, shape (V, m, T)
    targets : ndarray of int, shape (m, T)
    mask : ndarray of bool, shape (m, T)
        True at real places; at least one.

    Returns
    -------
    J : float
        In nats.
    dZ : ndarray, shape (V, m, T)
        Derivative of J by Z; 0 at padding.
    """
    shifted = Z - np.max(Z, axis=0)  # (11.11)
    logs = shifted - np.log(np.sum(np.exp(shifted), axis=0))
    Y = np.arange(len(Z))[:, None, None] == targets
    count = np.sum(mask)
    J = -np.sum(logs * Y * mask) / count  # (11.13)
    dZ = (np.exp(logs) - Y) * mask / count  # (11.14)
    return J, dZ


def loss_variant(
    Z, targets, mask, axis=0, weight=None, back=None, answer=True, cost=lambda J: J, softmaxed=log_softmax
):
    """Return what `language_model_loss` returns, with other weights of the places, forward and back."""
    logs = softmaxed(Z, axis=axis)
    Y = np.arange(len(Z))[:, None, None] == targets
    weight = mask / mask.sum() if weight is None else weight
    back = weight if back is None else back
    return cost(-np.sum(logs * Y * weight)), (np.exp(logs) - (Y if answer else 0)) * back


@language_model_loss.mistake("Padding is in the mean. Only real places count: multiply by the mask.")
def padding_counted(Z, targets, mask):
    return loss_variant(Z, targets, mask, weight=np.full(mask.shape, 1 / mask.size))


@language_model_loss.mistake("You divide by all places, m·T. Divide by the number of real ones, the sum of the mask.")
def divided_by_all_places(Z, targets, mask):
    return loss_variant(Z, targets, mask, weight=mask / mask.size)


@language_model_loss.mistake("You take the mean of each text, and then the mean of these. All real places count alike.")
def mean_of_means(Z, targets, mask):
    return loss_variant(Z, targets, mask, weight=mask / mask.sum(axis=1, keepdims=True) / len(mask))


@language_model_loss.mistake("You divide by m alone. Divide by the number of real places.")
def divided_by_examples(Z, targets, mask):
    return loss_variant(Z, targets, mask, weight=mask / len(mask))


@language_model_loss.mistake("The losses are added up. J is their mean over the real places.")
def not_divided(Z, targets, mask):
    return loss_variant(Z, targets, mask, weight=mask * 1.0)


@language_model_loss.mistake("dZ is not divided by the number of real places: J is a mean, and so is its derivative.")
def dZ_not_divided(Z, targets, mask):
    return loss_variant(Z, targets, mask, back=mask * 1.0)


@language_model_loss.mistake("dZ is divided by m alone. As J it is divided by the number of real places.")
def dZ_divided_by_examples(Z, targets, mask):
    return loss_variant(Z, targets, mask, back=mask / len(mask))


@language_model_loss.mistake("dZ is divided by all places, m·T. As J it is divided by the number of real ones.")
def dZ_divided_by_all_places(Z, targets, mask):
    return loss_variant(Z, targets, mask, back=mask / mask.size)


@language_model_loss.mistake("dZ is not 0 at padding. There J does not depend on the scores.")
def dZ_at_padding(Z, targets, mask):
    return loss_variant(Z, targets, mask, back=np.ones(mask.shape) / mask.sum())


@language_model_loss.mistake("dZ is the probabilities alone. Subtract 1 at the target.")
def dZ_without_target(Z, targets, mask):
    return loss_variant(Z, targets, mask, answer=False)


@language_model_loss.mistake("dZ has the wrong sign: probabilities minus targets.")
def dZ_negative(Z, targets, mask):
    return loss_variant(Z, targets, mask, back=-mask / mask.sum())


@language_model_loss.mistake("The softmax runs over the places. At each place the V symbols compete: axis 0.")
def softmax_over_places(Z, targets, mask):
    return loss_variant(Z, targets, mask, axis=2)


@language_model_loss.mistake("The softmax runs over everything. At each place the V symbols compete: axis 0.")
def softmax_over_everything(Z, targets, mask):
    return loss_variant(Z, targets, mask, axis=None)


@language_model_loss.mistake("J has the wrong sign: minus the logarithm of the target's probability.")
def J_negative(Z, targets, mask):
    return loss_variant(Z, targets, mask, cost=lambda J: -J)


@language_model_loss.mistake("J is in bits. Take the natural logarithm: nats.")
def in_bits(Z, targets, mask):
    return loss_variant(Z, targets, mask, cost=lambda J: J / np.log(2))


@language_model_loss.mistake("J is the perplexity. Return the mean cost, its logarithm.")
def perplexity(Z, targets, mask):
    with np.errstate(over="ignore"):
        return loss_variant(Z, targets, mask, cost=np.exp)


@language_model_loss.mistake(
    "Large scores overflow: the exponential is inf, and inf / inf is nan. Subtract the largest score of each place first."
)
def loss_overflow(Z, targets, mask):
    with np.errstate(all="ignore"):
        plain = lambda Z, axis: np.log(np.exp(Z) / np.sum(np.exp(Z), axis=axis))
        return loss_variant(Z, targets, mask, softmaxed=plain)


@language_model_loss.accept(
    "The softmax of SciPy, and the logarithm of the target's share looked up instead of multiplied by one-hot columns."
)
def loss_with_scipy(Z, targets, mask):
    logs = np.take_along_axis(log_softmax(Z, axis=0), targets[None], axis=0)[0]
    dZ = softmax(Z, axis=0)
    np.put_along_axis(dZ, targets[None], np.take_along_axis(dZ, targets[None], axis=0) - 1, axis=0)
    return -logs[mask].mean(), np.where(mask, dZ, 0) / np.count_nonzero(mask)


@language_model_loss.accept
def loss_place_by_place(Z, targets, mask):
    J, dZ, count = 0.0, np.zeros(Z.shape), mask.sum()
    for i, t in np.argwhere(mask):
        z = Z[:, i, t] - Z[:, i, t].max()
        total = np.exp(z).sum()
        J += (np.log(total) - z[targets[i, t]]) / count
        dZ[:, i, t] = np.exp(z) / total / count
        dZ[targets[i, t], i, t] -= 1 / count
    return J, dZ


# --- gpt_backward ----------------------------------------------------------------------------------------------------


def gpt_back_cases(rng):
    found = []
    for sizes in MODELS:
        Z, cache = gpt_forward(**draw_model(rng, *sizes))
        found.append(case(dZ=rng.normal(size=Z.shape) + 0.3, cache=cache))
    return found


def small_cache():
    Z, cache = gpt_forward(**small_model())
    return {"dZ": np.ones(Z.shape), "cache": cache}


@lesson.exercise(
    points=4,
    topic=84,
    equation="(11.15) to (11.18)",
    backward=True,
    cases=gpt_back_cases,
    ask="Walk the steps of the forward pass from its end. Which derivative does the last block get, and which one the "
    "block before it?",
    small=small_cache(),
)
def gpt_backward(dZ, cache):
    """Send the derivative back through `gpt_forward`.

    Parameters
    ----------
    dZ : ndarray, shape (V, m, T)
        Derivative of J by the scores.
    cache : tuple
        ``(tokens, parameters, caches, norm, a)``.

    Returns
    -------
    dict
        Derivatives of J: ``dE``, ``dP``, ``dgamma``, ``dbeta``, ``dW``, ``db``, and ``blocks``, a list with the dict of
        `transformer_block_backward` for each block, the first block first.
    """
    tokens, p, caches, norm, a = cache
    gradients = {"blocks": []}
    gradients["dW"] = np.einsum("vmt,nmt->vn", dZ, a)  # (11.15)
    gradients["db"] = np.sum(dZ, axis=(1, 2))[:, None]  # (11.15)
    da = np.einsum("vn,vmt->nmt", p["W"], dZ)  # (11.16)
    da, gradients["dgamma"], gradients["dbeta"] = layer_norm_backward(da, norm)  # (11.16)
    for kept in reversed(caches):
        da, found = transformer_block_backward(da, kept)  # (11.17)
        gradients["blocks"].insert(0, found)
    V, T_max = p["E"].shape[1], p["P"].shape[1]
    gradients["dE"], gradients["dP"] = embed_backward(da, tokens, V, T_max)  # (11.18)
    return gradients


def gpt_back(
    dZ, cache, W=lambda p: p["W"], norm=layer_norm_backward, into=lambda da, first, total: da,
    order=lambda caches: caches[::-1], last=lambda da, first, blocks: da, **parts
):  # fmt: skip
    """Return what `gpt_backward` returns, with a step or a part of the result replaced."""
    tokens, p, caches, kept, a = cache
    found = {"dW": np.tensordot(dZ, a, axes=((1, 2), (1, 2))), "db": dZ.sum(axis=(1, 2))[:, None]}
    da, found["dgamma"], found["dbeta"] = norm(np.tensordot(W(p).T, dZ, axes=1), kept)
    first, total, blocks = da, da, []
    for one in order(list(caches)):
        da, gradients = transformer_block_backward(into(da, first, total), one)
        total = total + da
        blocks.append(gradients)
    found["blocks"] = blocks[::-1]
    found["dE"], found["dP"] = embed_backward(last(da, first, blocks), tokens, p["E"].shape[1], p["P"].shape[1])
    return found | {name: change(found, cache) for name, change in parts.items()}


@gpt_backward.mistake(
    "The last norm is skipped on the way back: the derivative by its output goes through layer_norm_backward."
)
def norm_skipped(*given):
    return gpt_back(*given, norm=lambda da, kept: (da, *layer_norm_backward(da, kept)[1:]))


@gpt_backward.mistake(
    "Every block gets the derivative from the last norm. A block gets what the block above it returned: hand da on."
)
def stream_not_handed_on(*given):
    return gpt_back(*given, into=lambda da, first, total: first)


@gpt_backward.mistake(
    "What the block above returned is added to what it got. It is in there already: the block has its own sums."
)
def stream_added_twice(*given):
    return gpt_back(*given, into=lambda da, first, total: total)


@gpt_backward.mistake(
    "The blocks are gone through from the first to the last. On the way back the last one comes first."
)
def blocks_forward(*given):
    found = gpt_back(*given, order=lambda caches: caches)
    return found | {"blocks": found["blocks"][::-1]}


@gpt_backward.mistake("The list of blocks is in reverse. The first block's gradients come first.")
def list_in_reverse(*given):
    return gpt_back(*given, blocks=lambda found, cache: found["blocks"][::-1])


@gpt_backward.mistake("E and P get the derivative from the last norm. They get what the first block returned.")
def embedding_from_above(*given):
    return gpt_back(*given, last=lambda da, first, blocks: first)


@gpt_backward.mistake(
    "dW uses the input of the last norm. The scores were made from its output, the last entry of the cache."
)
def dW_without_gamma(*given):
    return gpt_back(*given, dW=lambda found, cache: np.tensordot(given[0], cache[3][0], axes=((1, 2), (1, 2))))


@gpt_backward.mistake("The derivative is sent back through E. Embedding and output are not tied: use W.")
def back_through_E(*given):
    return gpt_back(*given, W=lambda p: p["E"].T)


@gpt_backward.mistake("dE has what a tied output would add to it. Here W has its own gradient.")
def dE_with_output(*given):
    return gpt_back(*given, dE=lambda found, cache: found["dE"] + found["dW"].T)


@gpt_backward.mistake("dE keeps one of several places of a token. Use your embed_backward.")
def dE_without_repeats(*given):
    tokens = given[1][0]

    def kept(found, cache):
        da = []
        gpt_back(*given, last=lambda d, first, blocks: da.append(d) or d)
        dE = np.zeros(found["dE"].shape)
        dE[:, tokens] += da[0]
        return dE

    return gpt_back(*given, dE=kept)


@gpt_backward.mistake("dW is transposed. It has the shape of W: (V, n).")
def dW_transposed(*given):
    return gpt_back(*given, dW=lambda found, cache: found["dW"].T)


@gpt_backward.mistake("dW and db are divided by m. The factor is in dZ already.")
def scores_divided_by_m(*given):
    m = given[0].shape[1]
    return gpt_back(*given, dW=lambda found, cache: found["dW"] / m, db=lambda found, cache: found["db"] / m)


@gpt_backward.mistake("db has lost its second axis. It has the shape of b: (V, 1).")
def db_flat(*given):
    return gpt_back(*given, db=lambda found, cache: found["db"][:, 0])


@gpt_backward.mistake("dgamma and dbeta of the last norm are exchanged: layer_norm_backward returns dx, dgamma, dbeta.")
def norm_parts_exchanged(*given):
    return gpt_back(
        *given,
        dgamma=lambda found, cache: gpt_back(*given)["dbeta"],
        dbeta=lambda found, cache: gpt_back(*given)["dgamma"],
    )


@gpt_backward.mistake("dP is divided by m, or a mean. All examples add to it: use your embed_backward.")
def gpt_dP_mean(*given):
    return gpt_back(*given, dP=lambda found, cache: found["dP"] / given[0].shape[1])


@gpt_backward.accept("Sums over examples and places as one product of matrices: all columns side by side, (V, m·T).")
def gpt_back_by_matmul(dZ, cache):
    tokens, p, caches, norm, a = cache
    flat = dZ.reshape(len(dZ), -1)
    da = (p["W"].T @ flat).reshape(a.shape)
    da, dgamma, dbeta = layer_norm_backward(da, norm)
    blocks = [None] * len(caches)
    for l in reversed(range(len(caches))):
        da, blocks[l] = transformer_block_backward(da, caches[l])
    dE, dP = embed_backward(da, tokens, p["E"].shape[1], p["P"].shape[1])
    dW, db = flat @ a.reshape(len(a), -1).T, flat.sum(axis=1, keepdims=True)
    return {"dE": dE, "dP": dP, "blocks": blocks, "dgamma": dgamma, "dbeta": dbeta, "dW": dW, "db": db}


@gpt_backward.accept
def gpt_back_with_tensordot(dZ, cache):
    return gpt_back(dZ, cache)


# --- next_token_distribution -----------------------------------------------------------------------------------------


def next_cases(rng):
    """Besides drawn ones: shares that are exact, so that a sum equals top_p; scores that overflow; two at the top."""
    spread = lambda V: (rng.permutation(V)[:, None] * 0.6 + rng.uniform(0, 0.3, size=(V, 1))) * 1.0
    exact = -np.log([[1.0], [2], [4], [4]])[rng.permutation(4)]
    tied = np.array([[1.0], [3], [3], [2], [0]]) + rng.integers(-5, 5)
    settings = (
        (spread(7), 1.4, 7, 1.0), (spread(7), 0.6, 3, 1.0), (spread(6), 1.2, 6, 0.7), (spread(8), 1.7, 5, 0.75),
        (spread(5), 1.3, 4, 0.05), (exact, 1.0, 4, 0.5), (2 * exact, 2.0, 9, 0.75), (tied, 1.5, 2, 1.0),
        (tied, 0.8, 3, 0.9), (900 + spread(4), 1.2, 3, 0.95), (spread(6), 2.0, 1, 1.0),
        (np.array([[2.0], [0.5], [1.9], [1.8], [1.7], [0.1]])[rng.permutation(6)], 1.1, 3, 0.6),
    )  # fmt: skip
    return [case(z=z, temperature=T, top_k=k, top_p=p) for z, T, k, p in settings]


@lesson.exercise(
    points=3,
    topic=86,
    equation="(11.22) to (11.25)",
    cases=next_cases,
    ask="After each cut, do the shares still add up to 1? And how large is the sum before the symbol that you look at?",
    small={"z": np.log(np.array([[0.3], [0.5], [0.05], [0.15]])), "temperature": 1.0, "top_k": 3, "top_p": 0.6},
)
def next_token_distribution(z, temperature, top_k, top_p):
    """Return the shares from which the next token is drawn: temperature, then top-k, then top-p.

    Parameters
    ----------
    z : ndarray, shape (V, 1)
    temperature : float
        Above 0.
    top_k : int
        At least 1; V or more keeps all.
    top_p : float
        Above 0, at most 1; 1 keeps all.

    Returns
    -------
    ndarray, shape (V, 1)
        Adds up to 1; 0 for what is cut.
    """
    shares = np.exp((z - np.max(z)) / temperature)  # (11.22)
    order = np.argsort(-z[:, 0])
    shares[order[top_k:]] = 0  # (11.23)
    shares = shares / np.sum(shares)  # (11.23)
    ranked = shares[order, 0]
    before = np.cumsum(ranked) - ranked  # (11.24)
    shares[order[before >= top_p]] = 0
    return shares / np.sum(shares)  # (11.25)


def next_variant(
    z, temperature, top_k, top_p, shares=lambda z, T: softmax(z / T), k=lambda k: k, again=True, down=True,
    keep=lambda ranked, p: np.cumsum(ranked) - ranked < p, final=True,
):  # fmt: skip
    """Return what `next_token_distribution` returns, with a step replaced."""
    p = shares(z, temperature).copy()
    order = np.argsort(-z[:, 0], kind="stable")
    p[order[k(top_k) :]] = 0
    if again:
        p = p / p.sum()
    order = order if down else order[: max(1, min(top_k, len(z)))][::-1]
    kept = keep(p[order, 0], top_p)
    p[order[~kept]] = 0
    return p / p.sum() if final else p


@next_token_distribution.mistake(
    "The scores are multiplied by the temperature. Divide: a high temperature makes all more alike."
)
def temperature_multiplied(*given):
    with np.errstate(all="ignore"):
        return next_variant(*given, shares=lambda z, T: softmax(z * T))


@next_token_distribution.mistake(
    "The temperature has no effect. Divide the scores by it, before the exponential: probabilities that are divided by it are the same "
    "again once they add up to 1."
)
def temperature_on_probabilities(*given):
    return next_variant(*given, shares=lambda z, T: softmax(z) / T)


@next_token_distribution.mistake("Large scores overflow. Subtract the largest score first.")
def next_overflow(*given):
    with np.errstate(all="ignore"):
        return next_variant(*given, shares=lambda z, T: np.exp(z) ** (1 / T) / np.sum(np.exp(z) ** (1 / T)))


@next_token_distribution.mistake("One symbol too many is kept by top_k.")
def one_too_many(*given):
    return next_variant(*given, k=lambda k: k + 1)


@next_token_distribution.mistake("One symbol too few is kept by top_k: the k-th largest stays.")
def one_too_few(*given):
    return next_variant(*given, k=lambda k: max(1, k - 1))


@next_token_distribution.mistake(
    "Equal scores are lost: you keep what is above the k-th value, but the k-th itself and its equals count, too."
)
def ties_lost(z, temperature, top_k, top_p):
    limit = np.sort(z[:, 0])[::-1][min(top_k, len(z)) - 1]
    p = np.where(z > limit, softmax(z / temperature), 0)
    p = p if p.sum() else np.where(z == z.max(), 1.0, 0)
    return next_variant(z, temperature, len(z), top_p, shares=lambda z, T: p)


@next_token_distribution.mistake("top_k is ignored: only the k largest stay.")
def without_top_k(*given):
    return next_variant(*given, k=lambda k: 10**6)


@next_token_distribution.mistake("top_p is ignored.")
def without_top_p(*given):
    return next_variant(*given, keep=lambda ranked, p: np.ones(ranked.shape, dtype=bool))


@next_token_distribution.mistake("What is left is not divided by its sum: the result does not add up to 1.")
def not_renormalised(*given):
    return next_variant(*given, final=False)


@next_token_distribution.mistake(
    "After top_k the shares do not add up to 1 any more, and you compare their sums with top_p, as if top_p came first. Divide by the sum before."
)
def top_p_of_the_rest(*given):
    return next_variant(*given, again=False)


@next_token_distribution.mistake(
    "The symbol that crosses top_p is dropped. It stays: the set that is kept has at least the mass top_p."
)
def crossing_dropped(*given):
    def keep(ranked, p):
        kept = np.cumsum(ranked) <= p + 1e-12
        kept[0] = True
        return kept

    return next_variant(*given, keep=keep)


@next_token_distribution.mistake(
    "The symbol with which the sum reaches top_p is dropped. It stays: look at the sum before it, without itself."
)
def reaching_dropped(*given):
    def keep(ranked, p):
        kept = np.cumsum(ranked) < p - 1e-12
        kept[0] = True
        return kept if p < 1 else np.ones(ranked.shape, dtype=bool)

    return next_variant(*given, keep=keep)


@next_token_distribution.mistake(
    "Where a sum is exactly top_p, you keep one more. The smallest set whose mass is at least top_p is enough."
)
def one_more_at_equality(*given):
    return next_variant(*given, keep=lambda ranked, p: np.cumsum(ranked) - ranked <= p)


@next_token_distribution.mistake(
    "The symbol that crosses top_p is dropped, so for a small top_p nothing is left. The likeliest symbol always stays."
)
def empty_for_small_p(*given):
    with np.errstate(all="ignore"):
        return next_variant(*given, keep=lambda ranked, p: np.cumsum(ranked) <= p + 1e-12)


@next_token_distribution.mistake("The sum for top_p runs from the least likely symbol up. Begin with the likeliest.")
def sorted_upwards(*given):
    return next_variant(*given, down=False)


@next_token_distribution.mistake("The shares are returned in sorted order. Put each back to its symbol.")
def in_sorted_order(*given):
    return np.sort(next_token_distribution(*given), axis=0)[::-1]


@next_token_distribution.mistake(
    "All symbols with at least the share top_p are kept. top_p is about the sum of the likeliest ones."
)
def share_above_p(*given):
    def keep(ranked, p):
        kept = ranked >= p
        kept[0] = True
        return kept

    return next_variant(*given, keep=keep)


@next_token_distribution.mistake("The likeliest symbol gets everything. It is drawn from what is left.")
def all_for_the_best(z, temperature, top_k, top_p):
    return (np.arange(len(z)) == z[:, 0].argmax())[:, None] * 1.0


@next_token_distribution.accept(
    "A set that grows in a loop until it has enough: the definition of top-p word for word."
)
def next_by_loop(z, temperature, top_k, top_p):
    p = softmax(z[:, 0] / temperature)
    order = sorted(range(len(z)), key=lambda i: -z[i, 0])[:top_k]
    total, mass, kept = sum(p[i] for i in order), 0.0, []
    for i in order:
        kept.append(i)
        mass += p[i] / total
        if mass >= top_p:
            break
    answer = np.zeros(z.shape)
    answer[kept, 0] = p[kept] / p[kept].sum()
    return answer


@next_token_distribution.accept
def next_with_minus_infinity(z, temperature, top_k, top_p):
    z = z / temperature
    V = len(z)
    if top_k < V:
        z = np.where(np.isin(np.arange(V), np.argpartition(z[:, 0], V - top_k)[V - top_k :])[:, None], z, -np.inf)
    p = softmax(z, axis=0)
    order = np.argsort(p[:, 0])[::-1]
    size = 1 + np.searchsorted(np.cumsum(p[order, 0]), top_p)
    z[order[size:]] = -np.inf
    return softmax(z, axis=0)


# --- cached_attention_step -------------------------------------------------------------------------------------------

#: n, h, m, steps in the cache
STEPS = ((4, 2, 2, 3), (6, 3, 1, 4), (4, 1, 3, 0), (6, 2, 2, 1))


def draw_step(rng, n, h, m, past):
    p = {}
    for name in "QKVO":
        p |= {"W" + name: rng.normal(size=(n, n)), "b" + name: sides(rng, n, 1)}
    return {
        "x_new": rng.normal(size=(n, m, 1)),
        "kv_cache": (rng.normal(size=(n, m, past)), rng.normal(size=(n, m, past))),
        "parameters": p,
        "num_heads": h,
    }


def step_cases(rng):
    large = draw_step(rng, 2, 1, 1, 2)  # scores whose exponential is inf
    large["x_new"] = 900 * sides(rng, 2, 1, 1)
    large["kv_cache"] = tuple(9 * sides(rng, 2, 1, 2) for _ in "KV")
    return [*(case(**draw_step(rng, *sizes)) for sizes in STEPS), case(**large)]


@lesson.exercise(
    points=2,
    topic=87,
    equation="(11.26) to (11.28)",
    returns=("y", "cache"),
    cases=step_cases,
    ask="Which of query, key and value does a later step need again? And does the new step look at itself?",
    small=draw_step(np.random.default_rng(0), 2, 1, 1, 2),
)
def cached_attention_step(x_new, kv_cache, parameters, num_heads):
    """Return the attention of one new step to all steps so far, itself included.

    Parameters
    ----------
    x_new : ndarray, shape (n, m, 1)
    kv_cache : tuple
        Keys and values of the steps before, ``(K, V)``, each (n, m, t), all heads stacked; t may be 0. Not changed.
    parameters : dict
        ``WQ``, ``bQ``, ``WK``, ``bK``, ``WV``, ``bV``, ``WO``, ``bO``.
    num_heads : int

    Returns
    -------
    y : ndarray, shape (n, m, 1)
    cache : tuple
        ``(K, V)``, each (n, m, t + 1): the new step is the last one.
    """
    p = parameters
    q, k, v = (np.einsum("ij,jmt->imt", p["W" + name], x_new) + p["b" + name][:, :, None] for name in "QKV")
    K = np.concatenate([kv_cache[0], k], axis=2)  # (11.26)
    V = np.concatenate([kv_cache[1], v], axis=2)  # (11.26)
    split = lambda X: X.reshape(num_heads, -1, *X.shape[1:])
    Q_h, K_h, V_h = split(q), split(K), split(V)
    S = np.einsum("hdmq,hdmk->mhqk", Q_h, K_h) / np.sqrt(Q_h.shape[1])  # (11.27)
    E = np.exp(S - np.max(S, axis=-1, keepdims=True))
    A = E / np.sum(E, axis=-1, keepdims=True)
    H = np.einsum("mhqk,hdmk->hdmq", A, V_h).reshape(x_new.shape)  # (11.28)
    y = np.einsum("ij,jmt->imt", p["WO"], H) + p["bO"][:, :, None]
    return y, (K, V)


def step_variant(
    x_new, kv_cache, p, h, join=None, attended=lambda K: K, scale=lambda d, n: np.sqrt(d), out=None, axis=-1, stored=None,
    heads=None, made=None,
):  # fmt: skip
    """Return what `cached_attention_step` returns, with a step replaced."""
    q, k, v = (np.tensordot(p["W" + name], x_new, axes=1) + p["b" + name][:, :, None] for name in "QKV")
    if made is not None:
        k, v = made(k, v, x_new)
    join = join or (lambda old, new, kind: np.concatenate([old, new], axis=2))
    K, V = join(kv_cache[0], k, "K"), join(kv_cache[1], v, "V")
    split = lambda X: X.reshape(heads or h, -1, *X.shape[1:])
    Q_h, K_h, V_h = split(q), split(attended(K)), split(attended(V))
    A = softmax(np.einsum("hdmq,hdmk->mhqk", Q_h, K_h) / scale(Q_h.shape[1], len(q)), axis=axis)
    H = np.einsum("mhqk,hdmk->hdmq", A, V_h).reshape(x_new.shape)
    y = np.tensordot(p["WO"], H, axes=1) + p["bO"][:, :, None] if out is None else H
    return y, ((K, V) if stored is None else stored(kv_cache, K, V))


@cached_attention_step.mistake(
    "The new step sees the first key alone: a causal mask of one row was taken from its corner. The last step sees all keys, so it needs no mask."
)
def mask_from_the_corner(*given):
    return step_variant(*given, attended=lambda K: K[:, :, :1])


@cached_attention_step.mistake("The new step does not see itself. Append its key and value before the attention.")
def without_itself(x_new, kv_cache, p, h):
    past = kv_cache[0].shape[2]
    return step_variant(x_new, kv_cache, p, h, attended=lambda K: K[:, :, :past] if past else K)


@cached_attention_step.mistake("The new step sees itself alone. It looks at the keys of the cache, too.")
def itself_alone(*given):
    return step_variant(*given, attended=lambda K: K[:, :, -1:])


@cached_attention_step.mistake("The new key and value stand in front. The new step is the last one.")
def put_in_front(*given):
    return step_variant(*given, join=lambda old, new, kind: np.concatenate([new, old], axis=2))


@cached_attention_step.mistake(
    "The new key stands in front and the value at the end, so keys and values do not belong together. Both go to the end."
)
def keys_in_front(*given):
    join = lambda old, new, kind: np.concatenate([new, old] if kind == "K" else [old, new], axis=2)
    return step_variant(*given, join=join)


@cached_attention_step.mistake("The new value is not stored: the cache that you return has the old values.")
def values_not_stored(*given):
    return step_variant(*given, stored=lambda old, K, V: (K, old[1]))


@cached_attention_step.mistake("The new key is not stored: the cache that you return has the old keys.")
def keys_not_stored(*given):
    return step_variant(*given, stored=lambda old, K, V: (old[0], V))


@cached_attention_step.mistake(
    "The cache that you return is the old one. Return it with the new key and value at the end."
)
def nothing_stored(*given):
    return step_variant(*given, stored=lambda old, K, V: old)


@cached_attention_step.mistake("The cache that you return has the new step alone. Keep the older ones.")
def old_ones_lost(*given):
    return step_variant(*given, stored=lambda old, K, V: (K[:, :, -1:], V[:, :, -1:]))


@cached_attention_step.mistake("Keys and values are exchanged in the cache that you return: (K, V).")
def stored_exchanged(*given):
    return step_variant(*given, stored=lambda old, K, V: (V, K))


@cached_attention_step.mistake("The cache holds the inputs. Store the key and the value that W_K and W_V make of them.")
def inputs_stored(*given):
    return step_variant(*given, made=lambda k, v, x: (x, x))


@cached_attention_step.mistake(
    "The last step of the cache is overwritten. Append the new one; the cache that came in stays as it is."
)
def last_one_overwritten(*given):
    return step_variant(*given, join=lambda old, new, kind: np.concatenate([old[:, :, :-1], new], axis=2))


@cached_attention_step.mistake("All examples use the cache of the first. Each has keys and values of its own.")
def cache_shared(*given):
    def join(old, new, kind):
        return np.concatenate([np.repeat(old[:, :1], old.shape[1], axis=1), new], axis=2)

    return step_variant(*given, join=join)


@cached_attention_step.mistake("The scores are not divided by the root of d_k.")
def without_scale(*given):
    return step_variant(*given, scale=lambda d, n: 1)


@cached_attention_step.mistake("The scores are divided by the root of n. Each head has d_k = n / num_heads rows.")
def scale_of_all_rows(*given):
    return step_variant(*given, scale=lambda d, n: np.sqrt(n))


@cached_attention_step.mistake("The heads are not split: there is one softmax for all rows. Each head has its own.")
def step_with_one_head(x_new, kv_cache, p, h):
    return step_variant(x_new, kv_cache, p, h, heads=1)


@cached_attention_step.mistake(
    "The heads take every h-th row. Head r has rows r d_k to (r + 1) d_k: reshape to (h, d_k, m, t)."
)
def step_interleaved(x_new, kv_cache, p, h):
    rows = np.arange(len(x_new)).reshape(-1, h).T.ravel()
    q, k, v = (np.tensordot(p["W" + name], x_new, axes=1) + p["b" + name][:, :, None] for name in "QKV")
    K, V = np.concatenate([kv_cache[0], k], axis=2), np.concatenate([kv_cache[1], v], axis=2)
    Q_h, K_h, V_h = (X[rows].reshape(h, -1, *X.shape[1:]) for X in (q, K, V))
    A = softmax(np.einsum("hdmq,hdmk->mhqk", Q_h, K_h) / np.sqrt(Q_h.shape[1]), axis=-1)
    H = np.einsum("mhqk,hdmk->hdmq", A, V_h)
    H = H.swapaxes(0, 1).reshape(x_new.shape)  # merged as it was split
    return np.tensordot(p["WO"], H, axes=1) + p["bO"][:, :, None], (K, V)


@cached_attention_step.mistake("The softmax runs over the heads. For each query and head it runs over the keys.")
def softmax_over_heads(*given):
    return step_variant(*given, axis=1)


@cached_attention_step.mistake("W_O and b_O are missing at the end.")
def without_output(*given):
    return step_variant(*given, out=False)


@cached_attention_step.accept("A list as the cache, and the heads one after the other: more lines, the same numbers.")
def step_head_by_head(x_new, kv_cache, parameters, num_heads):
    p, n = parameters, len(x_new)
    q, k, v = (p["W" + name] @ x_new[:, :, 0] + p["b" + name] for name in "QKV")
    K, V = np.append(kv_cache[0], k[:, :, None], axis=2), np.append(kv_cache[1], v[:, :, None], axis=2)
    H, d = np.zeros((n, x_new.shape[1])), n // num_heads
    for r in range(num_heads):
        rows = slice(r * d, (r + 1) * d)
        A = softmax((q[rows, :, None] * K[rows]).sum(axis=0) / d**0.5, axis=1)
        H[rows] = (V[rows] * A).sum(axis=2)
    return (p["WO"] @ H + p["bO"])[:, :, None], [K, V]


@cached_attention_step.accept
def step_with_one_array(x_new, kv_cache, parameters, num_heads):
    y, (K, V) = step_variant(x_new, kv_cache, parameters, num_heads)
    return y, np.stack([K, V])


@cached_attention_step.accept
def step_with_given_attention(x_new, kv_cache, parameters, num_heads):
    p = parameters
    k, v = (np.tensordot(p["W" + name], x_new, axes=1) + p["b" + name][:, :, None] for name in "KV")
    K, V = np.dstack([kv_cache[0], k]), np.dstack([kv_cache[1], v])
    # keys and values are there already: matrices that pass on the one or the other half of a stack of both
    n = len(K)
    both = p | {
        "WK": np.eye(n, 2 * n), "bK": np.zeros((n, 1)), "WV": np.eye(n, 2 * n, n), "bV": np.zeros((n, 1)),
    }  # fmt: skip
    everything = np.ones((1, K.shape[2]), dtype=bool)
    return multi_head_attention(x_new, np.concatenate([K, V]), both, num_heads, everything)[0], (K, V)


# --- interpolated_ngram ----------------------------------------------------------------------------------------------


def draw_counts(rng, V, contexts):
    """Return counts of what follows: for each context an array (V,) with zeros in it."""
    found = {}
    for context in contexts:
        row = rng.integers(2, 9, size=V)
        row[rng.permutation(V)[: V // 2]] = 0
        found[context] = row
    return found


def ngram_cases(rng):
    settings = (
        ("ab", ("", "a", "b", "ab", "ba"), 5), ("b", ("", "a", "b", "ab"), 4), ("", ("", "a"), 7),
        ("ca", ("", "a", "c", "ba"), 6), ("xy", ("", "a", "b", "ab"), 3), ("abc", ("", "c", "b", "bc", "abc", "ab", "a", "cb"), 5),
        ("tha", ("", "a", "tha", "th", "t"), 4),
    )  # fmt: skip
    return [case(counts=draw_counts(rng, V, contexts), context=context, V=V) for context, contexts, V in settings]


@lesson.exercise(
    points=2,
    topic=88,
    equation="(11.19), (11.20)",
    cases=ngram_cases,
    ask="Where does the recursion begin, before anything is counted? And which end of the context is kept when it is cut?",
    small={"counts": {"": np.array([3, 1, 0]), "a": np.array([0, 2, 0])}, "context": "ba", "V": 3},
)
def interpolated_ngram(counts, context, V):
    """Return the shares of the next symbol after a context, by counts with the interpolation of Witten and Bell.

    Parameters
    ----------
    counts : dict
        ``counts[text]`` are whole numbers (V,): how often each symbol followed this text. ``counts[""]`` are those of the
        symbols themselves. A text that never occurred has no entry.
    context : str
        What stands before, the newest symbol last; may be empty.
    V : int

    Returns
    -------
    ndarray, shape (V,)
        Adds up to 1.
    """
    p = np.full(V, 1 / V)  # (11.19)
    for k in range(len(context) + 1):
        text = context[len(context) - k :]
        if text in counts:
            c = counts[text]
            u = np.count_nonzero(c)
            p = (c + u * p) / (np.sum(c) + u)  # (11.20)
    return p


def ngram_variant(
    counts, context, V, start=None, kinds=lambda c: np.count_nonzero(c), cut=lambda context, k: context[len(context) - k :],
    orders=lambda length: range(length + 1), unseen=lambda p, V: p, mix=lambda c, u, p: (c + u * p) / (c.sum() + u),
):  # fmt: skip
    """Return what `interpolated_ngram` returns, with a step replaced."""
    p = np.full(V, 1 / V) if start is None else start(V)
    for k in orders(len(context)):
        text = cut(context, k)
        if text not in counts:
            p = unseen(p, V)
            continue
        p = mix(counts[text], kinds(counts[text]), p)
    return p


@interpolated_ngram.mistake(
    "The recursion begins with zeros, so what was never seen gets 0 and costs infinitely much. Begin with 1/V."
)
def begins_with_zero(*given):
    return ngram_variant(*given, start=np.zeros)


@interpolated_ngram.mistake("u is V. It is the number of different symbols that were seen after this text.")
def kinds_is_V(*given):
    return ngram_variant(*given, kinds=len)


@interpolated_ngram.mistake(
    "u is the number of all counts, so both shares weigh the same. It is the number of different symbols that were seen."
)
def kinds_is_sum(*given):
    return ngram_variant(*given, kinds=np.sum)


@interpolated_ngram.mistake("u is 1. It is the number of different symbols that were seen after this text.")
def kinds_is_one(*given):
    return ngram_variant(*given, kinds=lambda c: 1)


@interpolated_ngram.mistake("u is the number of symbols that were not seen. It is the number of those that were.")
def kinds_unseen(*given):
    return ngram_variant(*given, kinds=lambda c: np.sum(c == 0))


@interpolated_ngram.mistake("The context is cut at its end. The newest symbols count: keep the last k.")
def cut_at_the_end(*given):
    return ngram_variant(*given, cut=lambda context, k: context[:k])


@interpolated_ngram.mistake(
    "context[-0:] is the whole context. For k = 0 the text is empty: context[len(context) - k:]."
)
def whole_for_none(*given):
    return ngram_variant(*given, cut=lambda context, k: context[-k:])


@interpolated_ngram.mistake("The counts of the symbols themselves are left out: begin with k = 0, the empty text.")
def begins_with_one(*given):
    return ngram_variant(*given, orders=lambda length: range(1, length + 1))


@interpolated_ngram.mistake("The whole context is left out: k runs up to len(context).")
def longest_left_out(*given):
    return ngram_variant(*given, orders=lambda length: range(max(1, length)))


@interpolated_ngram.mistake(
    "The orders are in reverse: the shortest text comes first, so that the longest has the last word."
)
def longest_first(*given):
    return ngram_variant(*given, orders=lambda length: range(length, -1, -1))


@interpolated_ngram.mistake(
    "A text without counts must leave the shares of the shorter one as they are. You start again with 1/V."
)
def unseen_is_uniform(*given):
    return ngram_variant(*given, unseen=lambda p, V: np.full(V, 1 / V))


@interpolated_ngram.mistake("The longest text that was seen decides alone. Mix it with the shares of the shorter one.")
def back_off(*given):
    return ngram_variant(*given, mix=lambda c, u, p: c / c.sum())


@interpolated_ngram.mistake("The result does not add up to 1: divide by the sum of the counts plus u.")
def without_u_below(*given):
    return ngram_variant(*given, mix=lambda c, u, p: (c + u * p) / c.sum())


@interpolated_ngram.mistake("u is spread evenly. It is spread as the shorter text says: u times p.")
def spread_evenly(*given):
    return ngram_variant(*given, mix=lambda c, u, p: (c + u / len(c)) / (c.sum() + u))


@interpolated_ngram.mistake("One is added to each count. Here u symbols are added, spread as the shorter text says.")
def add_one(counts, context, V):
    seen = [context[k:] for k in range(len(context) + 1) if context[k:] in counts]
    c = counts[seen[0]] + 1
    return c / c.sum()


@interpolated_ngram.accept(
    "The formula calls itself: the shares of a text need those of the text without its first symbol."
)
def ngram_by_recursion(counts, context, V):
    p = ngram_by_recursion(counts, context[1:], V) if context else [1 / V] * V
    if context not in counts:
        return p
    c = np.asarray(counts[context], dtype=float)
    weight = c.sum() / (c.sum() + np.sum(c > 0))
    return weight * c / c.sum() + (1 - weight) * np.asarray(p)


@interpolated_ngram.accept
def ngram_symbol_by_symbol(counts, context, V):
    p = [1 / V] * V
    for begin in range(len(context), -1, -1):
        c = counts.get(context[begin:])
        if c is not None:
            u, total = len(set(np.flatnonzero(c))), sum(c)
            p = [(c[i] + u * p[i]) / (total + u) for i in range(V)]
    return p
