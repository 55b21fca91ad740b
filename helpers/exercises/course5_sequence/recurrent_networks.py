"""Lesson 5.1, recurrent networks: the catalogue of its eight exercises. Equations are those of the notebook."""

import numpy as np
from scipy.special import log_softmax, softmax

from helpers.exercises import Lesson, case

lesson = Lesson("recurrent_networks")

lesson.predict(
    "remember",
    "One unit with w_aa = 2 gets the input 1 at the first step and 0 after it. Where is its state after 15 steps?",
    ("near 0", "near 0.5", "near 0.96", "it has grown to 2 or more"),
    "tanh keeps the state below 1, and 2a pushes it up as long as tanh(2a) is above a. It stops where tanh(2a) = a.",
)
lesson.predict(
    "bag",
    "A logistic regression gets the mean of the word vectors of a sentence. How often is it right on held-out words?",
    ("about half of the time", "about three quarters", "nearly always"),
    "A weighted sum of word vectors adds something for the word and something for “not”. It cannot turn one by the other.",
)
lesson.predict(
    "padding",
    "The trained network reads all sentences, and its answer is taken at the end of the array, padding included. Which share "
    "is right on held-out words?",
    ("0.95: padding is zeros and changes nothing", "about 0.8", "about 0.6"),
    "A column of zeros still makes a new state: tanh of the old state's part and the bias. After a few of them the answer "
    "has drifted.",
)
lesson.predict(
    "new_pattern",
    "“The movie was far from …” occurs in no training sentence. Five networks with other starts, all good at the old "
    "patterns, read it with held-out words. How often are they right?",
    (
        "all five nearly always",
        "all five less than half of the time",
        "one nearly always, another hardly ever",
        "all five about alike, in between",
    ),
    "Nothing in the training says what “far from” does to the state, so it is up to the weights at the start.",
)


# --- one_hot_sequence ------------------------------------------------------------------------------------------------


def words_cases(rng):
    known = ["a", "harry", "invented", "potter", "spell", "zulu"]

    def one(vocabulary, words):
        return case(words=words, vocabulary=vocabulary)

    order = [known[j] for j in rng.permutation(len(known))]
    place = int(rng.integers(1, 5))
    return [
        one([*known, "<unk>"], ["harry", "potter", "invented", "a", "spell"]),
        one([*order[:place], "<unk>", *order[place:]], ["harry", "brewed", "a", "potion", "a"]),
        one(["<unk>", *order], ["dumbledore"]),
        one([*order, "<unk>"], [order[5], order[0], "hagrid", order[0]]),
    ]


@lesson.exercise(
    points=1,
    topic=50,
    equation="(1.2)",
    cases=words_cases,
    ask="Which row gets the 1 for a word of the vocabulary, and which for any other word? Where do you look that row up?",
    small={"words": ["b", "z"], "vocabulary": ["<unk>", "a", "b"]},
)
def one_hot_sequence(words, vocabulary):
    """Write a sentence as a sequence of one-hot columns.

    Parameters
    ----------
    words : list of str
        The sentence, in lower case.
    vocabulary : list of str
        All words that have a row of their own; its entry ``"<unk>"``, at any place, stands for every other word.

    Returns
    -------
    x : ndarray, shape (n_x, T_x)
        One row for each entry of the vocabulary, one column for each word.
    """
    rows = {word: j for j, word in enumerate(vocabulary)}
    x = np.zeros((len(vocabulary), len(words)))
    for t, word in enumerate(words):
        x[rows.get(word, rows["<unk>"]), t] = 1  # (1.2)
    return x


def rows_of(words, vocabulary):
    """Return the row of each word."""
    return [vocabulary.index(word if word in vocabulary else "<unk>") for word in words]


def columns_from(rows, n_x):
    """Return one-hot columns with their ones in these rows."""
    return np.eye(n_x)[:, list(rows)]


@one_hot_sequence.mistake('A word outside the vocabulary gets a column of zeros. Its 1 belongs in the row of "<unk>".')
def unknown_as_zeros(words, vocabulary):
    x = np.zeros((len(vocabulary), len(words)))
    for t, word in enumerate(words):
        if word in vocabulary:
            x[vocabulary.index(word), t] = 1
    return x


@one_hot_sequence.mistake(
    "A word outside the vocabulary is left out, so the sentence gets shorter. It needs its column, too."
)
def unknown_left_out(words, vocabulary):
    return columns_from(rows_of([word for word in words if word in vocabulary], vocabulary), len(vocabulary))


@one_hot_sequence.mistake(
    'Unknown words go into the last row. "<unk>" may stand anywhere in the vocabulary: look up its row.'
)
def unknown_in_last_row(words, vocabulary):
    last = len(vocabulary) - 1
    return columns_from([vocabulary.index(word) if word in vocabulary else last for word in words], len(vocabulary))


@one_hot_sequence.mistake(
    'Unknown words go into the first row. "<unk>" may stand anywhere in the vocabulary: look up its row.'
)
def unknown_in_first_row(words, vocabulary):
    return columns_from([vocabulary.index(word) if word in vocabulary else 0 for word in words], len(vocabulary))


@one_hot_sequence.mistake(
    "Your rows are one too far down. The text counts the vocabulary from 1, Python counts rows from 0."
)
def rows_counted_from_one(words, vocabulary):
    n_x = len(vocabulary)
    return columns_from([(row + 1) % n_x for row in rows_of(words, vocabulary)], n_x)


@one_hot_sequence.mistake(
    "Each word is a row here. It must be a column: rows are entries of the vocabulary, columns are time."
)
def words_as_rows(words, vocabulary):
    return np.eye(len(vocabulary))[rows_of(words, vocabulary)]


@one_hot_sequence.mistake(
    "These are the numbers of the words, not one-hot columns. Each word needs a column with a single 1 in that row."
)
def numbers_of_words(words, vocabulary):
    return np.array(rows_of(words, vocabulary))


@one_hot_sequence.mistake(
    "All words are in one column: the order is lost. Give each word its own column, one for each time step."
)
def bag_of_words(words, vocabulary):
    return columns_from(rows_of(words, vocabulary), len(vocabulary)).sum(axis=1, keepdims=True)


@one_hot_sequence.mistake(
    "A column still holds the words before it. Each column has exactly one 1: start it from zeros."
)
def words_piled_up(words, vocabulary):
    return np.minimum(columns_from(rows_of(words, vocabulary), len(vocabulary)).cumsum(axis=1), 1)


@one_hot_sequence.mistake("The vocabulary is sorted first. Keep its order: row j belongs to vocabulary[j].")
def vocabulary_sorted(words, vocabulary):
    return columns_from(rows_of(words, sorted(vocabulary)), len(vocabulary))


@one_hot_sequence.mistake("The words stand in reverse order. Column t belongs to word t of the sentence.")
def words_reversed(words, vocabulary):
    return columns_from(rows_of(words[::-1], vocabulary), len(vocabulary))


@one_hot_sequence.mistake(
    'A word outside the vocabulary stops your function. Give it the row of "<unk>": `rows.get(word, rows["<unk>"])`.'
)
def unknown_stops_the_dict(words, vocabulary):
    rows = {word: j for j, word in enumerate(vocabulary)}
    return columns_from([rows[word] for word in words], len(vocabulary))


@one_hot_sequence.mistake(
    '`vocabulary.index` stops at a word that is not in the list. Give such a word the row of "<unk>".'
)
def unknown_stops_the_list(words, vocabulary):
    return columns_from([vocabulary.index(word) for word in words], len(vocabulary))


@one_hot_sequence.accept("The columns of the identity are all one-hot columns there are: choose one for each word.")
def one_hot_from_identity(words, vocabulary):
    return np.eye(len(vocabulary))[:, rows_of(words, vocabulary)]


@one_hot_sequence.accept
def one_hot_by_comparison(words, vocabulary):
    known = [word if word in vocabulary else "<unk>" for word in words]
    return np.array([[1.0 if word == entry else 0.0 for word in known] for entry in vocabulary])


@one_hot_sequence.accept
def one_hot_by_indexing(words, vocabulary):
    x = np.zeros((len(vocabulary), len(words)))
    x[rows_of(words, vocabulary), range(len(words))] = 1
    return x


# --- pad_sequences ---------------------------------------------------------------------------------------------------


def pad_cases(rng):
    def one(n_x, *lengths):
        return case(sequences=[rng.normal(size=(n_x, T)) for T in lengths])

    silent = one(2, 3, 4, 2)
    silent[1]["sequences"][0][:, 1] = 0  # a real step whose features are all 0
    silent[1]["sequences"][2][:, -1] = 0
    return [one(2, 3, 4, 1), one(1, 5, 1, 2, 3, 4), one(3, 2), silent]


@lesson.exercise(
    points=2,
    topic=50,
    equation="(1.4)",
    returns=("x", "mask"),
    cases=pad_cases,
    ask="How long is the longest sequence? Which places of x and of the mask belong to example i, and what stands at the others?",
    small={"sequences": [np.array([[1.0, 2.0, 3.0]]), np.array([[4.0]])]},
)
def pad_sequences(sequences):
    """Put sequences of different lengths into one array, with zeros after the shorter ones.

    Parameters
    ----------
    sequences : list of ndarray, shape (n_x, T_i)
        One array for each example.

    Returns
    -------
    x : ndarray, shape (n_x, m, T_x)
        T_x is the length of the longest sequence.
    mask : ndarray, shape (m, T_x)
        1 at real steps, 0 at padding.
    """
    n_x, m, T_x = len(sequences[0]), len(sequences), max(sequence.shape[1] for sequence in sequences)
    x, mask = np.zeros((n_x, m, T_x)), np.zeros((m, T_x))
    for i, sequence in enumerate(sequences):
        T = sequence.shape[1]
        x[:, i, :T] = sequence
        mask[i, :T] = 1  # (1.4)
    return x, mask


def lengths_of(sequences):
    """Return the lengths as a column."""
    return np.array([[sequence.shape[1]] for sequence in sequences])


@pad_sequences.mistake("The mask is the wrong way round: 1 marks the real steps, which count, and 0 the padding.")
def mask_inverted(sequences):
    x, mask = pad_sequences(sequences)
    return x, 1 - mask


@pad_sequences.mistake("Your mask is 1 everywhere. It must be 0 at the steps that are padding.")
def mask_of_ones(sequences):
    x, mask = pad_sequences(sequences)
    return x, np.ones_like(mask)


@pad_sequences.mistake(
    "The mask is made from x: a real step whose features are all 0 counts as padding. Use the lengths."
)
def mask_from_zeros(sequences):
    x, _ = pad_sequences(sequences)
    return x, np.any(x != 0, axis=0) * 1.0


@pad_sequences.mistake(
    "The mask goes one step too far. A sequence of length T has the real steps 0 to T - 1: `mask[i, :T]`."
)
def mask_one_too_long(sequences):
    x, mask = pad_sequences(sequences)
    return x, (np.arange(mask.shape[1]) <= lengths_of(sequences)) * 1.0


@pad_sequences.mistake("The mask ends one step too early. A sequence of length T has T real steps: `mask[i, :T]`.")
def mask_one_too_short(sequences):
    x, mask = pad_sequences(sequences)
    return x, (np.arange(mask.shape[1]) < lengths_of(sequences) - 1) * 1.0


@pad_sequences.mistake(
    "The mask is transposed. It has one row for each example and one column for each step: (m, T_x)."
)
def mask_transposed(sequences):
    x, mask = pad_sequences(sequences)
    return x, mask.T


@pad_sequences.mistake("The zeros stand before the sequences. Put them after: step 0 of the array is the first word.")
def padded_in_front(sequences):
    x, mask = pad_sequences(sequences)
    for i, sequence in enumerate(sequences):
        x[:, i] = 0
        x[:, i, x.shape[2] - sequence.shape[1] :] = sequence
    return x, mask[:, ::-1]


@pad_sequences.mistake(
    "The longer sequences are cut to the length of the shortest. Take the longest length; nothing is lost then."
)
def cut_to_the_shortest(sequences):
    T = int(lengths_of(sequences).min())
    return np.stack([sequence[:, :T] for sequence in sequences], axis=1), np.ones((len(sequences), T))


@pad_sequences.mistake("T_x is the length of the first sequence, and longer ones are cut. Take the longest length.")
def length_of_the_first(sequences):
    x, mask = pad_sequences(sequences)
    first = slice(sequences[0].shape[1])
    return x[:, :, first], mask[:, first]


@pad_sequences.mistake(
    "The axes of x are (m, n_x, T_x). In this course they are (n_x, m, T_x): features, examples, time."
)
def examples_first(sequences):
    x, mask = pad_sequences(sequences)
    return x.transpose(1, 0, 2), mask


@pad_sequences.mistake("The axes of x are (n_x, T_x, m). In this course they are (n_x, m, T_x): time is the last axis.")
def time_in_the_middle(sequences):
    x, mask = pad_sequences(sequences)
    return x.transpose(0, 2, 1), mask


@pad_sequences.mistake("The padding repeats the last word. It is made of zeros.")
def last_word_repeated(sequences):
    x, mask = pad_sequences(sequences)
    for i, sequence in enumerate(sequences):
        x[:, i, sequence.shape[1] :] = sequence[:, -1:]
    return x, mask


@pad_sequences.mistake("The padding is made of ones. It is made of zeros.")
def padded_by_ones(sequences):
    x, mask = pad_sequences(sequences)
    return np.where(mask, x, 1), mask


@pad_sequences.mistake(
    "The mask has one entry for each feature. Padding concerns a whole step: one entry for each example and step."
)
def mask_per_feature(sequences):
    x, mask = pad_sequences(sequences)
    return x, np.ones_like(x) * mask


@pad_sequences.accept
def padded_with_numpy(sequences):
    T_x = max(sequence.shape[1] for sequence in sequences)
    x = np.stack([np.pad(s, ((0, 0), (0, T_x - s.shape[1]))) for s in sequences], axis=1)
    return x, np.array([[1.0] * s.shape[1] + [0.0] * (T_x - s.shape[1]) for s in sequences])


@pad_sequences.accept(
    "The mask comes from one comparison of the step numbers with the lengths, and then says where the numbers go."
)
def padded_by_comparison(sequences):
    lengths = lengths_of(sequences)
    mask = np.arange(lengths.max()) < lengths  # True and False are as good as 1 and 0
    x = np.zeros((len(sequences[0]), *mask.shape))
    x[:, mask] = np.concatenate(sequences, axis=1)
    return x, mask


@pad_sequences.accept
def padded_entry_by_entry(sequences):
    T_x = max(len(sequence[0]) for sequence in sequences)
    x = np.zeros((len(sequences[0]), len(sequences), T_x))
    mask = np.zeros((len(sequences), T_x))
    for i, sequence in enumerate(sequences):
        for t in range(len(sequence[0])):
            mask[i, t] = 1
            for j in range(len(sequence)):
                x[j, i, t] = sequence[j, t]
    return x, mask


# --- rnn_cell_forward ------------------------------------------------------------------------------------------------


def parameters_for(rng, n_x, n_a, n_y):
    """Return random parameters of a recurrent layer and its output."""
    return {
        "Wax": 0.6 * rng.normal(size=(n_a, n_x)),
        "Waa": 0.6 * rng.normal(size=(n_a, n_a)),
        "Wya": rng.normal(size=(n_y, n_a)),
        "ba": rng.normal(size=(n_a, 1)),
        "by": rng.normal(size=(n_y, 1)),
    }


def cell_cases(rng):
    def one(n_x, n_a, n_y, m):
        return case(
            xt=rng.normal(size=(n_x, m)),
            a_prev=rng.normal(size=(n_a, m)),
            parameters=parameters_for(rng, n_x, n_a, n_y),
        )

    return [one(1, 3, 2, 4), one(3, 2, 4, 1), one(2, 1, 4, 3), one(2, 2, 2, 2)]


@lesson.exercise(
    points=2,
    topic=51,
    equation="(1.10) to (1.12)",
    returns=("a_next", "yt_pred", "cache"),
    cases=cell_cases,
    ask="Three equations in this order: new states, scores, shares. Which of the two states goes into the scores, and over "
    "which axis must the shares add up to 1?",
    small={
        "xt": np.array([[1.0]]),
        "a_prev": np.array([[0.0]]),
        "parameters": {
            "Wax": np.array([[1.0]]),
            "Waa": np.array([[0.5]]),
            "Wya": np.array([[2.0], [0.0]]),
            "ba": np.zeros((1, 1)),
            "by": np.zeros((2, 1)),
        },
    },
    why={
        "question": "Why do the shares add up over axis 0?",
        "choices": {
            "the rows are the classes, and each column is one example": "Yes: each example has shares of its own.",
            "axis 0 is the examples": "No: examples are columns, axis 1. Their shares must not mix.",
            "it does not matter": "No: over axis 1 the shares of one class would add up to 1 over all examples.",
        },
    },
)
def rnn_cell_forward(xt, a_prev, parameters):
    """Run one step of a recurrent network on m examples.

    Parameters
    ----------
    xt : ndarray, shape (n_x, m)
        The inputs of this step.
    a_prev : ndarray, shape (n_a, m)
        The states after the step before.
    parameters : dict
        ``"Wax"`` (n_a, n_x), ``"Waa"`` (n_a, n_a), ``"Wya"`` (n_y, n_a), ``"ba"`` (n_a, 1), ``"by"`` (n_y, 1).

    Returns
    -------
    a_next : ndarray, shape (n_a, m)
        The states after this step.
    yt_pred : ndarray, shape (n_y, m)
        Softmax over the rows: the entries of each column add up to 1.
    cache : tuple
        ``(a_next, a_prev, xt, parameters)``, which the backward pass needs.
    """
    a_next = np.tanh(parameters["Wax"] @ xt + parameters["Waa"] @ a_prev + parameters["ba"])  # (1.10)
    powers = np.exp(parameters["Wya"] @ a_next + parameters["by"])  # (1.11)
    yt_pred = powers / powers.sum(axis=0, keepdims=True)  # (1.12)
    return a_next, yt_pred, (a_next, a_prev, xt, parameters)


def output_of(a, parameters):
    """Return the softmax output for these states."""
    return softmax(parameters["Wya"] @ a + parameters["by"], axis=0)


def step_with(xt, a_prev, parameters, g=np.tanh, **changed):
    """Return one step with some parameters changed or with another activation."""
    p = parameters | changed
    a_next = g(p["Wax"] @ xt + p["Waa"] @ a_prev + p["ba"])
    return a_next, output_of(a_next, p), (a_next, a_prev, xt, parameters)


@rnn_cell_forward.mistake(
    "Your softmax adds up over all entries. Each example has its own softmax: sum over the rows, `axis=0`, with `keepdims=True`."
)
def softmax_over_everything(xt, a_prev, parameters):
    a_next, _, cache = step_with(xt, a_prev, parameters)
    return a_next, softmax(parameters["Wya"] @ a_next + parameters["by"]), cache


@rnn_cell_forward.mistake(
    "Your softmax runs over axis 1, across the examples. The classes of one example are a column: `axis=0`."
)
def softmax_over_examples(xt, a_prev, parameters):
    a_next, _, cache = step_with(xt, a_prev, parameters)
    return a_next, softmax(parameters["Wya"] @ a_next + parameters["by"], axis=1), cache


@rnn_cell_forward.mistake(
    "The output is a sigmoid of each score. Here g₂ is the softmax: the classes of an example add up to 1."
)
def sigmoid_output(xt, a_prev, parameters):
    a_next, _, cache = step_with(xt, a_prev, parameters)
    return a_next, 1 / (1 + np.exp(-(parameters["Wya"] @ a_next + parameters["by"]))), cache


@rnn_cell_forward.mistake("These are the scores. The softmax (1.12) is missing.")
def scores_as_output(xt, a_prev, parameters):
    a_next, _, cache = step_with(xt, a_prev, parameters)
    return a_next, parameters["Wya"] @ a_next + parameters["by"], cache


@rnn_cell_forward.mistake("The output is a tanh. The tanh belongs to the state; g₂ is the softmax (1.12).")
def one_g_for_all(xt, a_prev, parameters):
    a_next, _, cache = step_with(xt, a_prev, parameters)
    return a_next, np.tanh(parameters["Wya"] @ a_next + parameters["by"]), cache


@rnn_cell_forward.mistake("The state is made with a sigmoid. Here g₁ is tanh.")
def sigmoid_state(xt, a_prev, parameters):
    return step_with(xt, a_prev, parameters, lambda z: 1 / (1 + np.exp(-z)))


@rnn_cell_forward.mistake("The state is a ReLU of its score. Here g₁ is tanh.")
def relu_state(xt, a_prev, parameters):
    return step_with(xt, a_prev, parameters, lambda z: np.maximum(z, 0))


@rnn_cell_forward.mistake("The state is the plain sum. Its activation g₁ is missing: tanh.")
def no_activation(xt, a_prev, parameters):
    return step_with(xt, a_prev, parameters, lambda z: z)


@rnn_cell_forward.mistake("The state before, a_prev, has no influence. Add Waa a_prev: it is the memory.")
def without_memory(xt, a_prev, parameters):
    return step_with(xt, a_prev, parameters, Waa=np.zeros_like(parameters["Waa"]))


@rnn_cell_forward.mistake("The bias ba is missing in the state.")
def without_ba(xt, a_prev, parameters):
    return step_with(xt, a_prev, parameters, ba=0)


@rnn_cell_forward.mistake("The bias by is missing in the output.")
def without_by(xt, a_prev, parameters):
    return step_with(xt, a_prev, parameters, by=0)


@rnn_cell_forward.mistake("The output is made from the old state a_prev. It comes from the new one, a_next.")
def output_from_the_old_state(xt, a_prev, parameters):
    a_next, _, cache = step_with(xt, a_prev, parameters)
    return a_next, output_of(a_prev, parameters), cache


@rnn_cell_forward.mistake("Waa is transposed. Row j of Waa makes unit j of the new state: `Waa @ a_prev`.")
def waa_transposed(xt, a_prev, parameters):
    return step_with(xt, a_prev, parameters, Waa=parameters["Waa"].T)


@rnn_cell_forward.mistake("The tanh is taken of each product by itself. Add first, then take one tanh of the sum.")
def tanh_of_each_part(xt, a_prev, parameters):
    a_next = np.tanh(parameters["Wax"] @ xt) + np.tanh(parameters["Waa"] @ a_prev) + parameters["ba"]
    return a_next, output_of(a_next, parameters), (a_next, a_prev, xt, parameters)


@rnn_cell_forward.mistake("The cache begins with a_prev and a_next. Its order is (a_next, a_prev, xt, parameters).")
def states_swapped_in_cache(xt, a_prev, parameters):
    a_next, yt_pred, _ = step_with(xt, a_prev, parameters)
    return a_next, yt_pred, (a_prev, a_next, xt, parameters)


@rnn_cell_forward.mistake("The output comes first. Return the state first: a_next, yt_pred, cache.")
def results_swapped(xt, a_prev, parameters):
    a_next, yt_pred, cache = step_with(xt, a_prev, parameters)
    return yt_pred, a_next, cache


@rnn_cell_forward.accept("One product with the two matrices side by side does the work of two; section 6 says why.")
def cell_with_stacked_weights(xt, a_prev, parameters):
    W = np.hstack([parameters["Waa"], parameters["Wax"]])
    a_next = np.tanh(W @ np.vstack([a_prev, xt]) + parameters["ba"])
    return a_next, output_of(a_next, parameters), (a_next, a_prev, xt, parameters)


@rnn_cell_forward.accept
def cell_with_einsum(xt, a_prev, parameters):
    z = np.einsum("ij,jm->im", parameters["Wax"], xt) + np.einsum("ij,jm->im", parameters["Waa"], a_prev)
    a_next = np.tanh(z + parameters["ba"])
    scores = np.einsum("ij,jm->im", parameters["Wya"], a_next) + parameters["by"]
    return a_next, np.exp(log_softmax(scores, axis=0)), (a_next, a_prev, xt, parameters)


@rnn_cell_forward.accept
def cell_example_by_example(xt, a_prev, parameters):
    states, outputs = [], []
    for i in range(xt.shape[1]):
        a = np.tanh(parameters["Wax"] @ xt[:, [i]] + parameters["Waa"] @ a_prev[:, [i]] + parameters["ba"])
        scores = parameters["Wya"] @ a + parameters["by"]
        e = np.exp(scores - np.max(scores))
        states.append(a)
        outputs.append(e / np.sum(e))
    a_next = np.hstack(states)
    return a_next, np.hstack(outputs), (a_next, a_prev, xt, parameters)


# --- stack_recurrent_weights -----------------------------------------------------------------------------------------


def stack_cases(rng):
    return [
        case(Waa=rng.normal(size=(n_a, n_a)), Wax=rng.normal(size=(n_a, n_x)))
        for n_a, n_x in ((2, 3), (4, 2), (3, 3), (1, 5))
    ]


@lesson.exercise(
    points=1,
    topic=51,
    equation="(1.14)",
    cases=stack_cases,
    ask="Which of the two is above in the stacked column, and so which block must stand on the left?",
    small={"Waa": np.array([[1.0, 2.0], [3.0, 4.0]]), "Wax": np.array([[5.0], [6.0]])},
)
def stack_recurrent_weights(Waa, Wax):
    """Put the weights of the state and of the input side by side.

    Parameters
    ----------
    Waa : ndarray, shape (n_a, n_a)
    Wax : ndarray, shape (n_a, n_x)

    Returns
    -------
    Wa : ndarray, shape (n_a, n_a + n_x)
        For the stacked column ``[a_prev ; xt]``.
    """
    return np.concatenate([Waa, Wax], axis=1)  # (1.14)


@stack_recurrent_weights.mistake(
    "Wax comes first. The state stands above the input in [a ; x], so Waa is the left block."
)
def input_first(Waa, Wax):
    return np.hstack([Wax, Waa])


@stack_recurrent_weights.mistake(
    "The blocks stand one below the other. Put them side by side: they have the same rows."
)
def one_below_the_other(Waa, Wax):
    return np.vstack([Waa, Wax])


@stack_recurrent_weights.mistake("The result is transposed. It has n_a rows, one for each unit of the state.")
def stacked_transposed(Waa, Wax):
    return np.hstack([Waa, Wax]).T


@stack_recurrent_weights.mistake("Waa is transposed. Copy it as it is.")
def waa_block_transposed(Waa, Wax):
    return np.hstack([Waa.T, Wax])


@stack_recurrent_weights.mistake("The matrices are added. They keep their own columns: put them side by side.")
def added(Waa, Wax):
    return Waa + Wax


@stack_recurrent_weights.mistake(
    "This is the product of the matrices. Put them side by side, without computing anything."
)
def multiplied(Waa, Wax):
    return Waa @ Wax


@stack_recurrent_weights.mistake("This is a pair of matrices. Make one matrix of them: `np.concatenate`.")
def pair_of_matrices(Waa, Wax):
    return [Waa, Wax]


@stack_recurrent_weights.mistake("Wax appears twice, Waa not at all.")
def only_wax(Waa, Wax):
    return np.hstack([Wax, Wax])


@stack_recurrent_weights.accept
def stacked_with_hstack(Waa, Wax):
    return np.hstack((Waa, Wax))


@stack_recurrent_weights.accept("`np.block` takes the blocks as they stand on paper.")
def stacked_with_block(Waa, Wax):
    return np.block([[Waa, Wax]])


@stack_recurrent_weights.accept
def stacked_by_filling(Waa, Wax):
    n_a, n_x = Wax.shape
    Wa = np.empty((n_a, n_a + n_x))
    Wa[:, :n_a], Wa[:, n_a:] = Waa, Wax
    return Wa


# --- rnn_forward -----------------------------------------------------------------------------------------------------


def forward_cases(rng):
    def one(n_x, m, T_x, n_a, n_y):
        return case(
            x=rng.normal(size=(n_x, m, T_x)),
            a0=rng.normal(size=(n_a, m)),
            parameters=parameters_for(rng, n_x, n_a, n_y),
        )

    return [one(3, 4, 3, 2, 3), one(2, 1, 2, 3, 4), one(1, 3, 1, 2, 4), one(1, 3, 4, 2, 2)]


@lesson.exercise(
    points=3,
    topic=51,
    equation="(1.15)",
    returns=("a", "y_pred", "caches"),
    cases=forward_cases,
    ask="Which state goes into step 0, and which into every step after it? What do you keep of each step?",
    small={
        "x": np.array([[[1.0, 0.0]]]),
        "a0": np.zeros((1, 1)),
        "parameters": {
            "Wax": np.array([[1.0]]),
            "Waa": np.array([[0.5]]),
            "Wya": np.array([[2.0], [0.0]]),
            "ba": np.zeros((1, 1)),
            "by": np.zeros((2, 1)),
        },
    },
    why={
        "question": "Why does the loop over time stay a loop, while the examples go through at once?",
        "choices": {
            "step t needs the state of step t - 1": "Yes: it is not known before. Examples do not need each other.",
            "NumPy has no products of three axes": "No: it has. The question is what a step must wait for.",
            "the weights change from step to step": "No: they are the same at each step.",
        },
    },
)
def rnn_forward(x, a0, parameters):
    """Run a recurrent network over whole sequences.

    Parameters
    ----------
    x : ndarray, shape (n_x, m, T_x)
    a0 : ndarray, shape (n_a, m)
        The states before the first step.
    parameters : dict
        As for `rnn_cell_forward`; the same for each step.

    Returns
    -------
    a : ndarray, shape (n_a, m, T_x)
        The states after each step.
    y_pred : ndarray, shape (n_y, m, T_x)
    caches : tuple
        The list of the caches of the steps, and x.
    """
    a_next, states, outputs, caches = a0, [], [], []
    for t in range(x.shape[2]):
        a_next, yt_pred, cache = rnn_cell_forward(x[:, :, t], a_next, parameters)  # (1.15)
        states.append(a_next)
        outputs.append(yt_pred)
        caches.append(cache)
    return np.stack(states, axis=2), np.stack(outputs, axis=2), (caches, x)


def unrolled(inputs, befores, parameters, x):
    """Return the results of steps: ``befores(states)`` says from which state the next one starts."""
    states, outputs, caches = [], [], []
    for xt in inputs:
        a_next, yt_pred, cache = rnn_cell_forward(xt, befores(states), parameters)
        states.append(a_next)
        outputs.append(yt_pred)
        caches.append(cache)
    return np.stack(states, axis=2), np.stack(outputs, axis=2), (caches, x)


def steps_of(x):
    """Return the inputs of all steps, each (n_x, m)."""
    return list(np.moveaxis(x, 2, 0))


@rnn_forward.mistake(
    "Each step starts from a0, so the network forgets all earlier words. Pass on the state of the step before."
)
def a0_at_every_step(x, a0, parameters):
    return unrolled(steps_of(x), lambda states: a0, parameters, x)


@rnn_forward.mistake(
    "Your first state does not depend on a0: you start from zeros. Start from the a0 that is passed in."
)
def zeros_for_a0(x, a0, parameters):
    return unrolled(steps_of(x), lambda states: states[-1] if states else 0 * a0, parameters, x)


@rnn_forward.mistake("Each step reads the first word. Step t reads `x[:, :, t]`.")
def first_word_at_every_step(x, a0, parameters):
    return unrolled([x[:, :, 0]] * x.shape[2], lambda states: states[-1] if states else a0, parameters, x)


@rnn_forward.mistake("The sequence is read from its end. Time runs from t = 0 to T_x - 1.")
def read_backwards(x, a0, parameters):
    return unrolled(steps_of(x)[::-1], lambda states: states[-1] if states else a0, parameters, x)


@rnn_forward.mistake("Your loop runs over the examples, axis 1 of x. Time is the last axis: `x[:, :, t]`, T_x steps.")
def loop_over_examples(x, a0, parameters):
    return unrolled(list(np.moveaxis(x, 1, 0)), lambda states: states[-1] if states else a0, parameters, x)


@rnn_forward.mistake("The array a begins with a0. It holds the states after each step: T_x of them.")
def a0_in_the_result(x, a0, parameters):
    a, y_pred, caches = rnn_forward(x, a0, parameters)
    return np.concatenate([a0[:, :, None], a], axis=2), y_pred, caches


@rnn_forward.mistake(
    "The states are shifted: entry t of a is the state before step t. Store a_next, the state after it."
)
def states_shifted(x, a0, parameters):
    a, y_pred, caches = rnn_forward(x, a0, parameters)
    return np.concatenate([a0[:, :, None], a[:, :, :-1]], axis=2), y_pred, caches


@rnn_forward.mistake("Only the last step is returned. Return the states and outputs of all steps.")
def only_the_last_step(x, a0, parameters):
    a, y_pred, caches = rnn_forward(x, a0, parameters)
    return a[:, :, -1], y_pred[:, :, -1], caches


@rnn_forward.mistake("The last step is missing: its entries stay 0. The loop is `for t in range(T_x)`.")
def last_step_missing(x, a0, parameters):
    a, y_pred, (caches, _) = rnn_forward(x, a0, parameters)
    a[:, :, -1], y_pred[:, :, -1] = 0, 0
    return a, y_pred, (caches[:-1], x)


@rnn_forward.mistake("Time is the first axis of your results. Stack them along the last one: (n_a, m, T_x).")
def time_first(x, a0, parameters):
    a, y_pred, caches = rnn_forward(x, a0, parameters)
    return np.moveaxis(a, 2, 0), np.moveaxis(y_pred, 2, 0), caches


@rnn_forward.mistake("caches is the list alone. The backward pass needs x, too: return `(caches, x)`.")
def caches_without_x(x, a0, parameters):
    a, y_pred, (caches, _) = rnn_forward(x, a0, parameters)
    return a, y_pred, caches


@rnn_forward.mistake("Your list holds the cache of the last step alone. Append the cache of each step.")
def only_the_last_cache(x, a0, parameters):
    a, y_pred, (caches, _) = rnn_forward(x, a0, parameters)
    return a, y_pred, (caches[-1:], x)


@rnn_forward.mistake("a and y_pred are swapped. Return a, y_pred, caches.")
def rnn_results_swapped(x, a0, parameters):
    a, y_pred, caches = rnn_forward(x, a0, parameters)
    return y_pred, a, caches


@rnn_forward.mistake(
    "The array for a holds whole numbers, so the states are cut off. Make it with `np.zeros`, without dtype=int."
)
def states_as_whole_numbers(x, a0, parameters):
    a, y_pred, caches = rnn_forward(x, a0, parameters)
    return a.astype(int), y_pred, caches


@rnn_forward.accept
def forward_by_filling(x, a0, parameters):
    _, m, T_x = x.shape
    n_y, n_a = parameters["Wya"].shape
    a, y_pred, caches, a_next = np.zeros((n_a, m, T_x)), np.zeros((n_y, m, T_x)), [], a0
    for t in range(T_x):
        a_next, yt_pred, cache = rnn_cell_forward(x[:, :, t], a_next, parameters)
        a[:, :, t], y_pred[:, :, t] = a_next, yt_pred
        caches.append(cache)
    return a, y_pred, (caches, x)


@rnn_forward.accept(
    "Inputs and outputs need no loop: one product each for all steps. Only the states must wait for each other."
)
def forward_with_projected_inputs(x, a0, parameters):
    """All inputs and all outputs in one product each; only the states need a loop."""
    projected = np.tensordot(parameters["Wax"], x, axes=1) + parameters["ba"][:, :, None]
    states = [a0]
    for t in range(x.shape[2]):
        states.append(np.tanh(projected[:, :, t] + parameters["Waa"] @ states[-1]))
    a = np.stack(states[1:], axis=2)
    y_pred = softmax(np.tensordot(parameters["Wya"], a, axes=1) + parameters["by"][:, :, None], axis=0)
    return a, y_pred, ([(states[t + 1], states[t], x[:, :, t], parameters) for t in range(x.shape[2])], x)


@rnn_forward.accept
def forward_by_recursion(x, a0, parameters):
    def rest(t, a_prev):
        if t == x.shape[2]:
            return []
        step = rnn_cell_forward(x[:, :, t], a_prev, parameters)
        return [step, *rest(t + 1, step[0])]

    states, outputs, caches = zip(*rest(0, a0), strict=True)
    return np.dstack(states), np.dstack(outputs), (list(caches), x)


# --- sequence_loss ---------------------------------------------------------------------------------------------------


def loss_cases(rng):
    def one(m, T, *lengths):
        mask = (np.arange(T) < np.array(lengths)[:, None]) * 1.0
        y = rng.integers(0, 2, (m, T)) * 1.0
        y[0, 0], y[-1, lengths[-1] - 1] = 1, 0
        return case(y_hat=rng.uniform(0.05, 0.95, (m, T)), y=y, mask=mask)

    sure = one(2, 3, 3, 2)
    sure[1]["y_hat"][:, :2] = np.where(sure[1]["y"][:, :2] == 1, 1 - 1e-5, 1e-5)
    sure[1]["y_hat"][0, 1] = rng.uniform(1e-7, 1e-6)
    return [one(3, 5, 5, 2, 4), one(4, 6, 1, 6, 3, 2), one(1, 4, 3), sure]


@lesson.exercise(
    points=2,
    topic=51,
    equation="(1.16) to (1.18)",
    cases=loss_cases,
    ask="Which losses must not count, and by what do you divide: the number of steps, of real steps, or of examples?",
    small={
        "y_hat": np.array([[0.5, 0.5], [0.8, 0.5]]),
        "y": np.array([[1.0, 0.0], [1.0, 0.0]]),
        "mask": np.array([[1.0, 1.0], [1.0, 0.0]]),
    },
)
def sequence_loss(y_hat, y, mask):
    """Return the cost of binary answers at each step: losses added up over time, mean over the examples.

    Parameters
    ----------
    y_hat : ndarray, shape (m, T_y)
        Predicted probabilities of label 1.
    y : ndarray, shape (m, T_y)
        Labels, 0 or 1; what stands at padding means nothing.
    mask : ndarray, shape (m, T_y)
        1 at real steps, 0 at padding.

    Returns
    -------
    J : float
    """
    losses = -y * np.log(y_hat) - (1 - y) * np.log(1 - y_hat)  # (1.16)
    return np.sum(losses * mask) / len(y)  # (1.17), (1.18)


def losses_of(y_hat, y):
    """Return the binary cross-entropy of each entry."""
    return -np.where(y == 1, np.log(y_hat), np.log(1 - y_hat))


@sequence_loss.mistake("Padding is counted. Multiply each loss by the mask before you add them up.")
def padding_counted(y_hat, y, mask):
    return np.sum(losses_of(y_hat, y)) / len(y)


@sequence_loss.mistake("The second term is (1 - y_hat) log(1 - y_hat). The factor is the label's: (1 - y).")
def prediction_as_the_factor(y_hat, y, mask):
    return np.sum(mask * (-y * np.log(y_hat) - (1 - y_hat) * np.log(1 - y_hat))) / len(y)


@sequence_loss.mistake(
    "This is the mean over all real steps. (1.17) adds up over time: divide by the number of examples only."
)
def mean_over_real_steps(y_hat, y, mask):
    return np.sum(mask * losses_of(y_hat, y)) / np.sum(mask)


@sequence_loss.mistake("Each example's losses are divided by its length. (1.17) adds up over time, without dividing.")
def mean_over_time_of_each_example(y_hat, y, mask):
    return np.mean(np.sum(mask * losses_of(y_hat, y), axis=1) / np.sum(mask, axis=1))


@sequence_loss.mistake("You divide by m times T_y. Add up over time; divide by the number of examples only.")
def mean_over_everything(y_hat, y, mask):
    return np.mean(mask * losses_of(y_hat, y))


@sequence_loss.mistake("The examples are added up. J is their mean: divide by m.")
def sum_over_examples(y_hat, y, mask):
    return np.sum(mask * losses_of(y_hat, y))


@sequence_loss.mistake("The sign is wrong. Logarithms of probabilities are negative; the loss has a minus before each.")
def loss_without_minus(y_hat, y, mask):
    return -np.sum(mask * losses_of(y_hat, y)) / len(y)


@sequence_loss.mistake(
    "Only the second term has the wrong sign. Both have a minus: -y log(y_hat) - (1 - y) log(1 - y_hat)."
)
def second_minus_missing(y_hat, y, mask):
    return np.sum(mask * (-y * np.log(y_hat) + (1 - y) * np.log(1 - y_hat))) / len(y)


@sequence_loss.mistake("The term for label 0 is missing: -(1 - y) log(1 - y_hat).")
def only_the_term_of_label_1(y_hat, y, mask):
    return np.sum(mask * -y * np.log(y_hat)) / len(y)


@sequence_loss.mistake(
    "y and y_hat have changed places: the logarithm is taken of the prediction, the factor is the label."
)
def roles_of_labels_swapped(y_hat, y, mask):
    return np.sum(mask * -np.where(y == 1, np.log(1 - y_hat), np.log(y_hat))) / len(y)


@sequence_loss.mistake("The mask is used the wrong way round: you add up the padding. 1 marks what counts.")
def mask_the_wrong_way(y_hat, y, mask):
    return np.sum((1 - mask) * losses_of(y_hat, y)) / len(y)


@sequence_loss.mistake("Only the labels are masked. At padding the term for label 0 still counts: mask the whole loss.")
def labels_masked(y_hat, y, mask):
    return np.sum(losses_of(y_hat, y * mask)) / len(y)


@sequence_loss.mistake("This is the logarithm to base 2. Use the natural one, `np.log`.")
def base_two(y_hat, y, mask):
    return np.sum(mask * losses_of(y_hat, y)) / len(y) / np.log(2)


@sequence_loss.mistake("This is half the squared distance. The loss is the cross-entropy (1.16).")
def squared(y_hat, y, mask):
    return np.sum(mask * (y_hat - y) ** 2) / 2 / len(y)


@sequence_loss.mistake(
    "The predictions are cut off near 0 and 1, so sure answers count less than they are wrong or right."
)
def predictions_cut_off(y_hat, y, mask):
    return sequence_loss(np.clip(y_hat, 1e-3, 1 - 1e-3), y, mask)


@sequence_loss.mistake("You divide by the number of steps. (1.18) is a mean over the examples: divide by m.")
def mean_over_the_steps_of_the_array(y_hat, y, mask):
    return sequence_loss(y_hat, y, mask) * len(y) / y.shape[1]


@sequence_loss.accept
def loss_by_loops(y_hat, y, mask):
    m, T = y.shape
    J = 0.0
    for i in range(m):
        for t in range(T):
            if mask[i, t]:
                J -= np.log(y_hat[i, t]) if y[i, t] == 1 else np.log(1 - y_hat[i, t])
    return J / m


@sequence_loss.accept(
    "For labels 0 and 1, |1 - y - ŷ| is the probability of the right label: one logarithm for both terms."
)
def loss_of_real_entries(y_hat, y, mask):
    real = mask == 1
    return -np.log(np.abs(1 - y - y_hat))[real].sum() / y.shape[0]


@sequence_loss.accept
def loss_as_products(y_hat, y, mask):
    return -(np.vdot(mask * y, np.log(y_hat)) + np.vdot(mask * (1 - y), np.log1p(-y_hat))) / len(mask)


# --- last_outputs ----------------------------------------------------------------------------------------------------


def last_cases(rng):
    def one(n_y, T, *lengths):
        mask = (np.arange(T) < np.array(lengths)[:, None]) * 1.0
        return case(y_pred=softmax(rng.normal(size=(n_y, len(lengths), T)), axis=0), mask=mask)

    return [one(2, 5, 3, 5, 1, 4), one(3, 4, 2, 3), one(2, 3, 2), one(4, 1, 1, 1, 1)]


@lesson.exercise(
    points=1,
    topic=53,
    equation="(1.20)",
    cases=last_cases,
    ask="How many real steps has example i, and which number has the last of them in code?",
    small={
        "y_pred": np.array([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]),
        "mask": np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0]]),
    },
)
def last_outputs(y_pred, mask):
    """Return the output of each example at its last real step, for many-to-one.

    Parameters
    ----------
    y_pred : ndarray, shape (n_y, m, T_x)
    mask : ndarray, shape (m, T_x)
        1 at real steps, which come first, 0 at padding.

    Returns
    -------
    y_last : ndarray, shape (n_y, m)
    """
    steps = mask.sum(axis=1).astype(int) - 1  # (1.20)
    return y_pred[:, np.arange(len(mask)), steps]


@last_outputs.mistake(
    "The last step of the array is padding for shorter sequences. Take each example's own last real step."
)
def last_step_of_the_array(y_pred, mask):
    return y_pred[:, :, -1]


@last_outputs.mistake("You take the step after the last real one. T real steps have the numbers 0 to T - 1.")
def one_step_too_late(y_pred, mask):
    T = mask.sum(axis=1).astype(int)
    return y_pred[:, np.arange(len(mask)), np.minimum(T, mask.shape[1] - 1)]


@last_outputs.mistake("You take a step before the last real one. T real steps have the numbers 0 to T - 1.")
def one_step_too_early(y_pred, mask):
    T = mask.sum(axis=1).astype(int)
    return y_pred[:, np.arange(len(mask)), np.maximum(T - 2, 0)]


@last_outputs.mistake("The first step is taken. It has read one word only; take the last real step.")
def first_step(y_pred, mask):
    return y_pred[:, :, 0]


@last_outputs.mistake("This is the mean over all real steps. Many-to-one uses the last one, which has read everything.")
def mean_over_steps(y_pred, mask):
    return (y_pred * mask).sum(axis=2) / mask.sum(axis=1)


@last_outputs.mistake("All examples use the length of the first one. Each has its own last step.")
def length_of_the_first_example(y_pred, mask):
    return y_pred[:, :, int(mask[0].sum()) - 1]


@last_outputs.mistake("At padding your outputs are 0, and you take them there. Find the last step where the mask is 1.")
def masked_last_step(y_pred, mask):
    return (y_pred * mask)[:, :, -1]


@last_outputs.mistake(
    "The outputs of all pairs of examples are taken. Use pairs of index arrays: `y_pred[:, np.arange(m), steps]`."
)
def all_pairs(y_pred, mask):
    return y_pred[:, :, mask.sum(axis=1).astype(int) - 1]


@last_outputs.mistake("The result is transposed. Examples are columns: (n_y, m).")
def examples_as_rows(y_pred, mask):
    return last_outputs(y_pred, mask).T


@last_outputs.accept
def last_by_a_loop(y_pred, mask):
    return np.stack([y_pred[:, i, int(mask[i].sum()) - 1] for i in range(len(mask))], axis=1)


@last_outputs.accept
def last_by_difference(y_pred, mask):
    ends = mask - np.pad(mask, ((0, 0), (0, 1)))[:, 1:]  # 1 at the last real step alone
    return np.einsum("ymt,mt->ym", y_pred, ends)


@last_outputs.accept(
    "Goes through the steps and replaces the answer of each example as long as its mask is 1: no index is computed."
)
def last_by_going_on(y_pred, mask):
    last = y_pred[:, :, 0].copy()
    for t in range(1, mask.shape[1]):
        last = np.where(mask[:, t] == 1, y_pred[:, :, t], last)
    return last


# --- rnn_type --------------------------------------------------------------------------------------------------------

ONE_ONE, ONE_MANY, MANY_ONE = "one to one", "one to many", "many to one"
ALIGNED, MANY_MANY = "many to many, T_x = T_y", "many to many"


def type_cases(rng):
    def lengths(low, high):
        return [int(T) for T in rng.integers(low, high, 4)]

    frames = lengths(20, 90)
    names = [1, *lengths(2, 12)]
    return [
        case("a photograph: cat or not", T_x=[1] * 5, T_y=[1] * 5, aligned=True),
        case("a photograph: a sentence about it", T_x=[1] * 4, T_y=lengths(3, 15), aligned=False),
        case("a review: how many stars", T_x=[1, *lengths(2, 80)], T_y=[1] * 5, aligned=False),
        case("a sentence: is each word part of a name", T_x=names, T_y=list(names), aligned=True),
        case("a film: what happens in each picture", T_x=frames, T_y=list(frames), aligned=True),
        case("English to Portuguese", T_x=[3, 7, 5, 4], T_y=[3, 6, 6, 4], aligned=False),
        case("short phrases, translated", T_x=[3, 3, 2], T_y=[3, 3, 2], aligned=False),
        case("speech: the words", T_x=lengths(200, 900), T_y=[*lengths(2, 12)[:3], 1], aligned=False),
        case("a genre: a melody", T_x=[1] * 4, T_y=[1, *lengths(20, 60)][:4], aligned=False),
        *(case(**almost_one(rng, one_in, one_out)) for _ in range(2) for one_in in (0, 1) for one_out in (0, 1)),
    ]


def almost_one(rng, one_in, one_out):
    """Return lengths that are all 1 on a side that is "one", and all but one of them on the other."""
    m = int(rng.integers(3, 7))

    def side(one):
        lengths = [1] * m
        if not one:
            lengths[int(rng.integers(m))] = int(rng.integers(2, 9))
        return lengths

    T_x, T_y = side(one_in), side(one_out)
    aligned = bool(rng.integers(2)) and one_in == one_out
    return {"T_x": T_x, "T_y": list(T_x) if aligned else T_y, "aligned": aligned}


@lesson.exercise(
    points=2,
    topic=53,
    equation="(1.19)",
    cases=type_cases,
    ask="Which questions of (1.19) look at all examples, and in which order are they asked?",
    small={"T_x": [1, 12], "T_y": [1, 1], "aligned": False},
)
def rnn_type(T_x, T_y, aligned):
    """Return which of the five types of recurrent network a situation calls for.

    Parameters
    ----------
    T_x, T_y : list of int
        Lengths of the input and output sequences of some examples.
    aligned : bool
        Whether answer t is the answer to input t.

    Returns
    -------
    name : str
        ``"one to one"``, ``"one to many"``, ``"many to one"``, ``"many to many, T_x = T_y"`` or ``"many to many"``.
    """
    one_in, one_out = max(T_x) == 1, max(T_y) == 1  # (1.19)
    if one_in:
        return "one to one" if one_out else "one to many"
    if one_out:
        return "many to one"
    return "many to many, T_x = T_y" if aligned else "many to many"


def chosen(one_in, one_out, aligned):
    """Return the type from three answers."""
    if one_in:
        return ONE_ONE if one_out else ONE_MANY
    if one_out:
        return MANY_ONE
    return ALIGNED if aligned else MANY_MANY


@rnn_type.mistake(
    'Equal lengths decide in your function. "How are you?" and "Como você está?" have three words each, yet the first '
    "answer may depend on the last word: what counts is whether answer t belongs to input t."
)
def equal_lengths_decide(T_x, T_y, aligned):
    return chosen(max(T_x) == 1, max(T_y) == 1, T_x == T_y)


@rnn_type.mistake(
    "Only the first example decides. A review of one word is a sequence, too: look whether all lengths are 1."
)
def first_example_decides(T_x, T_y, aligned):
    return chosen(T_x[0] == 1, T_y[0] == 1, aligned)


@rnn_type.mistake('A single length of 1 makes your side "one". It is "one" only if all lengths are 1.')
def any_one_decides(T_x, T_y, aligned):
    return chosen(min(T_x) == 1, min(T_y) == 1, aligned)


@rnn_type.mistake(
    '"one to many" and "many to one" are swapped. The input is named first: many words, one answer is "many to one".'
)
def output_named_first(T_x, T_y, aligned):
    return chosen(max(T_y) == 1, max(T_x) == 1, aligned)


@rnn_type.mistake(
    'You never choose "many to many, T_x = T_y". Where answer t belongs to input t, it can be given at once, without waiting '
    "for the end of the input."
)
def never_aligned(T_x, T_y, aligned):
    return chosen(max(T_x) == 1, max(T_y) == 1, False)


@rnn_type.mistake(
    'You choose "many to many, T_x = T_y" for all sequences. Where the answers are not aligned, the network first reads the '
    "whole input, then writes."
)
def always_aligned(T_x, T_y, aligned):
    return chosen(max(T_x) == 1, max(T_y) == 1, True)


@rnn_type.mistake('"aligned" is used the wrong way round: aligned answers are those of "many to many, T_x = T_y".')
def aligned_inverted(T_x, T_y, aligned):
    return chosen(max(T_x) == 1, max(T_y) == 1, not aligned)


@rnn_type.mistake('Aligned answers do not make a sequence: with one input and one output the type is "one to one".')
def aligned_first(T_x, T_y, aligned):
    return ALIGNED if aligned else chosen(max(T_x) == 1, max(T_y) == 1, False)


@rnn_type.mistake(
    'An output of several steps is always "many to many" in your function. If the input has one step, it is "one to many".'
)
def one_to_many_forgotten(T_x, T_y, aligned):
    return chosen(max(T_x) == 1 and max(T_y) == 1, max(T_y) == 1, aligned)


@rnn_type.mistake(
    'An input of several steps is always "many to many" in your function. If there is one answer, it is "many to one".'
)
def many_to_one_forgotten(T_x, T_y, aligned):
    return chosen(max(T_x) == 1, max(T_x) == 1 and max(T_y) == 1, aligned)


@rnn_type.mistake('"one to one" is never chosen. With one input and one answer there is no sequence at all.')
def one_to_one_forgotten(T_x, T_y, aligned):
    name = chosen(max(T_x) == 1, max(T_y) == 1, aligned)
    return MANY_ONE if name == ONE_ONE else name


@rnn_type.mistake("The names differ from those asked for. Copy them from the text, with spaces and small letters.")
def names_with_hyphens(T_x, T_y, aligned):
    return chosen(max(T_x) == 1, max(T_y) == 1, aligned).replace(" to ", "-to-")


@rnn_type.accept("Two of the words are chosen one by one, and only many to many needs the third question.")
def type_from_sets(T_x, T_y, aligned):
    one_in, one_out = set(T_x) == {1}, set(T_y) == {1}
    if not one_in and not one_out:
        return ALIGNED if aligned else MANY_MANY
    return f"{'one' if one_in else 'many'} to {'one' if one_out else 'many'}"


@rnn_type.accept
def type_with_all(T_x, T_y, aligned):
    return chosen(all(T == 1 for T in T_x), all(T == 1 for T in T_y), aligned)


@rnn_type.accept
def type_from_a_table(T_x, T_y, aligned):
    table = {(True, True): ONE_ONE, (True, False): ONE_MANY, (False, True): MANY_ONE}
    return table.get((sum(T_x) == len(T_x), sum(T_y) == len(T_y)), ALIGNED if aligned else MANY_MANY)
