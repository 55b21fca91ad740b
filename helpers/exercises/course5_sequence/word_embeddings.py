"""Lesson 5.7, word embeddings: the catalogue of its nine exercises. Equations are those of the notebook."""

import numpy as np
from scipy import sparse
from scipy.spatial.distance import cdist, cosine
from sklearn.decomposition import PCA

from helpers.exercises import Lesson, case

lesson = Lesson("word_embeddings")

# --- predictions -----------------------------------------------------------------------------------------------------

lesson.predict(
    "excluded",
    "All analogies of the list, without the exclusion. In how many of 100 is one of the three given words nearest to b - a + c?",
    because="The target lies as far from c as b lies from a. Where that is a short way, as from big to bigger, c itself is nearest.",
)
lesson.predict(
    "categories",
    "With the exclusion. Which kind of analogy does GloVe complete most often?",
    ("man is to woman as ...", "paris is to france as ...", "walk is to walked as ...", "big is to bigger as ..."),
    "Measured, it comes first, but its lead over capitals is only about one standard error. Opposites are far behind both.",
)
lesson.predict(
    "examples",
    "50 sentences to train with. Which word vectors give the most right answers on new sentences?",
    ("one-hot", "learned from a random start", "GloVe, frozen"),
    "Most words of the new sentences are in none of 50 sentences. Only vectors made before know what they are like.",
)
SYLLABLES = ["ba", "co", "di", "fu", "ge", "ho", "ka", "lu", "mi", "no", "pa", "ri", "so", "ta", "vu", "we"]


def draw_words(rng, n):
    """Return n words, all different, that exist in no language."""
    pairs = [first + second for first in SYLLABLES for second in SYLLABLES]
    return [str(word) for word in rng.choice(pairs, n, replace=False)]


def draw_vectors(rng, n_e, n):
    """Return random columns whose lengths differ much."""
    return rng.normal(size=(n_e, n)) * np.exp(0.7 * rng.normal(size=n))


def cosines(E, target):
    """Return the cosine of each column of E with the target, (n_e,)."""
    return 1 - cdist(E.T, target[None], "cosine")[:, 0]


# --- cosine_similarity -----------------------------------------------------------------------------------------------


def cosine_cases(rng):
    return [
        case(u=scale * rng.normal(size=(n_e, 1)), v=rng.normal(size=(n_e, 1)) / scale**2)
        for n_e, scale in ((3, 1.5), (5, 0.4), (2, 3.0), (8, 1.2))
    ]


@lesson.exercise(
    points=1,
    topic=63,
    equation="(7.7)",
    cases=cosine_cases,
    ask="Which number is the product of two columns, and by which two lengths is it divided?",
    small={"u": np.array([[3.0], [4.0]]), "v": np.array([[4.0], [3.0]])},
)
def cosine_similarity(u, v):
    """Return the cosine of the angle between two vectors.

    Parameters
    ----------
    u, v : ndarray, shape (n_e, 1)
        Not zero.

    Returns
    -------
    float
        From -1 to 1.
    """
    return np.sum(u * v) / (np.linalg.norm(u) * np.linalg.norm(v))  # (7.7)


@cosine_similarity.mistake("This is the product uᵀv alone. Divide it by both lengths.")
def cosine_without_lengths(u, v):
    return np.sum(u * v)


@cosine_similarity.mistake(
    "Only the length of u is divided out. A longer v must give the same cosine: divide by |v|, too."
)
def cosine_length_of_u_only(u, v):
    return np.sum(u * v) / np.linalg.norm(u)


@cosine_similarity.mistake(
    "Only the length of v is divided out. A longer u must give the same cosine: divide by |u|, too."
)
def cosine_length_of_v_only(u, v):
    return np.sum(u * v) / np.linalg.norm(v)


@cosine_similarity.mistake("The lengths are squared. |u| is the square root of the sum of squares.")
def cosine_squared_lengths(u, v):
    return np.sum(u * v) / (np.sum(u**2) * np.sum(v**2))


@cosine_similarity.mistake("The lengths are added. The denominator is their product.")
def cosine_lengths_added(u, v):
    return np.sum(u * v) / (np.linalg.norm(u) + np.linalg.norm(v))


@cosine_similarity.mistake(
    "One minus the cosine is the cosine distance. Here the similarity is asked: large means alike."
)
def cosine_distance(u, v):
    return cosine(u[:, 0], v[:, 0])


@cosine_similarity.mistake("This is the angle. Return its cosine: leave out `arccos`.")
def cosine_angle(u, v):
    return np.arccos(np.sum(u * v) / (np.linalg.norm(u) * np.linalg.norm(v)))


@cosine_similarity.mistake("The lengths are sums of absolute values. Take the root of the sum of squares.")
def cosine_absolute_lengths(u, v):
    return np.sum(u * v) / (np.sum(np.abs(u)) * np.sum(np.abs(v)))


@cosine_similarity.mistake(
    "The mean is taken off first: that is the correlation. The cosine leaves the entries as they are."
)
def cosine_of_centred(u, v):
    u, v = u - 3 * u.mean() / 2, v - 3 * v.mean() / 2
    return np.sum(u * v) / (np.linalg.norm(u) * np.linalg.norm(v))


@cosine_similarity.mistake("Only |u| divides, and |v| multiplies: the product of the lengths needs brackets.")
def cosine_without_brackets(u, v):
    return float(np.sum(u * v)) / np.linalg.norm(u) * np.linalg.norm(v)


@cosine_similarity.mistake("The length of u stands twice in the denominator. One of them is that of v.")
def cosine_length_of_u_twice(u, v):
    return np.sum(u * v) / np.sum(u * u)


@cosine_similarity.accept
def cosine_matrix_product(u, v):
    return (u.T @ v).item() / np.sqrt((u.T @ u).item() * (v.T @ v).item())


@cosine_similarity.accept("Both are brought to length 1 first: then the product is the cosine.")
def cosine_of_unit_vectors(u, v):
    return float(np.vdot(u / np.linalg.norm(u), v / np.linalg.norm(v)))


@cosine_similarity.accept
def cosine_loop(u, v):
    product = uu = vv = 0.0
    for a, b in zip(u[:, 0], v[:, 0], strict=True):
        product, uu, vv = product + a * b, uu + a * a, vv + b * b
    return product / (uu**0.5 * vv**0.5)


@cosine_similarity.accept
def cosine_with_scipy(u, v):
    return 1 - cosine(u[:, 0], v[:, 0])


# --- embedding_lookup ------------------------------------------------------------------------------------------------


def lookup_cases(rng):
    def one(n_e, n, shape):
        indices = rng.integers(1, n - 1, size=shape)
        indices.flat[-1] = indices.flat[0]  # a word that comes twice
        return case(E=rng.normal(size=(n_e, n)), indices=indices)

    return [one(3, 7, (4,)), one(4, 9, (2, 5)), one(6, 6, (6,)), one(2, 11, (3, 4))]


@lesson.exercise(
    points=1,
    topic=64,
    equation="(7.3)",
    cases=lookup_cases,
    ask="Which axis of E counts the words, and what stands at the other one? An array of numbers may stand as an index.",
    small={"E": np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), "indices": np.array([2, 0, 2])},
)
def embedding_lookup(E, indices):
    """Return the embeddings of words that are given by their numbers.

    Parameters
    ----------
    E : ndarray, shape (n_e, n)
        Column j is the embedding of word j.
    indices : ndarray of int, shape (T_x,) or (m, T_x)
        Numbers of words, from 0.

    Returns
    -------
    e : ndarray, shape (n_e, T_x) or (n_e, m, T_x)
        What `E` times the one-hot columns gives, without the product.
    """
    return np.take(E, indices, axis=1)  # (7.3)


@embedding_lookup.mistake("You take rows of E. The embeddings are its columns: the colon comes first.")
def lookup_rows(E, indices):
    return E[indices % len(E)]


@embedding_lookup.mistake("Your result is transposed: its first axis must have n_e entries, as in E o.")
def lookup_transposed(E, indices):
    return E.T[indices]


@embedding_lookup.mistake("Words are counted from 0, as Python does. Do not take 1 off.")
def lookup_counted_from_one(E, indices):
    return E[:, indices - 1]


@embedding_lookup.mistake("You count one too far: the word with number j is column j of E.")
def lookup_next(E, indices):
    return E[:, indices + 1]


@embedding_lookup.mistake("Each word comes once in your result. A word that stands twice is looked up twice.")
def lookup_unique(E, indices):
    return E[:, np.unique(indices)]


@embedding_lookup.mistake("The words are sorted first. The columns come in the order of `indices`.")
def lookup_sorted(E, indices):
    return E[:, np.sort(indices, axis=None).reshape(indices.shape)]


@embedding_lookup.mistake("These are the one-hot columns o. The embedding is E o.")
def lookup_one_hot(E, indices):
    return np.eye(E.shape[1])[:, indices]


@embedding_lookup.mistake("Only the first word is looked up. `indices` holds several.")
def lookup_first(E, indices):
    return E[:, indices.flat[0]]


@embedding_lookup.mistake(
    "`E[indices]` takes rows, and E has fewer of them than words. Words are columns: `E[:, indices]`."
)
def lookup_rows_as_they_are(E, indices):
    return E[indices]


@embedding_lookup.accept("The product with one-hot columns as in (7.3): right, and n times as much work.")
def lookup_product(E, indices):
    return np.tensordot(E, np.eye(E.shape[1])[:, indices], 1)


@embedding_lookup.accept
def lookup_columns(E, indices):
    return E[:, indices]


@embedding_lookup.accept
def lookup_loop(E, indices):
    e = np.zeros((len(E), *indices.shape))
    for place, j in np.ndenumerate(indices):
        e[(slice(None), *place)] = E[:, j]
    return e


# --- embedding_backward ----------------------------------------------------------------------------------------------


def backward_cases(rng):
    def one(n_e, n, shape):
        indices = rng.integers(0, n - 2, size=shape)
        indices.flat[1] = indices.flat[-1] = indices.flat[0]  # a word that comes three times
        return case(de=rng.normal(size=(n_e, *shape)), indices=indices, n=n)

    return [one(3, 8, (5,)), one(2, 7, (2, 4)), one(4, 9, (3, 3)), one(6, 6, (4,))]


@lesson.exercise(
    points=3,
    topic=64,
    equation="(7.5)",
    cases=backward_cases,
    backward=True,
    ask="A word stands at two places. Which two columns of de belong into its one column of dE, and what does `+=` do with "
    "an index that comes twice?",
    small={"de": np.array([[10.0, 20.0, 30.0]]), "indices": np.array([2, 0, 2]), "n": 3},
    why={
        "question": "Why not `dE[:, indices] += de`?",
        "choices": {
            "with an index that comes twice only one of the gradients arrives": "Yes: NumPy writes each column once.",
            "it is slower": "No: it is faster, and wrong where a word comes twice.",
            "`indices` may have two axes": "No: NumPy takes them as an index. What comes twice is the trouble.",
        },
    },
)
def embedding_backward(de, indices, n):
    """Send gradients back through `embedding_lookup`.

    Parameters
    ----------
    de : ndarray, shape (n_e, T_x) or (n_e, m, T_x)
        Derivative of the cost J by each embedding that was looked up.
    indices : ndarray of int, shape (T_x,) or (m, T_x)
        Which words were looked up.
    n : int
        Number of words in the vocabulary.

    Returns
    -------
    dE : ndarray, shape (n_e, n)
        Of the cost J; 0 in the columns of words that were not looked up.
    """
    dE = np.zeros((de.shape[0], n))
    np.add.at(dE, (slice(None), indices), de)  # (7.5)
    return dE


def flat(de, indices):
    """Return the gradients as (n_e, number of places) and the numbers of the words as (number of places,)."""
    return de.reshape(len(de), -1), indices.ravel()


@embedding_backward.mistake(
    "Of a word that comes several times only one gradient arrives. Add them up; `+=` with repeated indices writes only once."
)
def backward_last_wins(de, indices, n):
    dE = np.zeros((len(de), n))
    columns, words = flat(de, indices)
    for t, j in enumerate(words):
        dE[:, j] = columns[:, t]
    return dE


@embedding_backward.mistake("Of a word that comes several times only the first gradient counts. Add them all up.")
def backward_first_wins(de, indices, n):
    columns, words = flat(de, indices)
    return backward_last_wins(columns[:, ::-1], words[::-1], n)


@embedding_backward.mistake("The gradients of a repeated word are averaged. The chain rule adds them.")
def backward_mean(de, indices, n):
    columns, words = flat(de, indices)
    O = np.eye(n)[:, words]
    return columns @ O.T / np.maximum(O.sum(axis=1), 1)


@embedding_backward.mistake("dE is transposed. It has the shape of E: (n_e, n).")
def backward_transposed(de, indices, n):
    columns, words = flat(de, indices)
    return np.eye(n)[:, words] @ columns.T


@embedding_backward.mistake("The gradient is divided by the number of words. The factor 1/m is already in de.")
def backward_divided(de, indices, n):
    columns, words = flat(de, indices)
    return columns @ np.eye(n)[words] / len(words)


@embedding_backward.mistake("dE has too few columns. Words that were not looked up have a column, too: n in all.")
def backward_short(de, indices, n):
    columns, words = flat(de, indices)
    return columns @ np.eye(words.max() + 1)[words]


@embedding_backward.mistake("The minus sign of gradient descent is not part of the gradient.")
def backward_negative(de, indices, n):
    columns, words = flat(de, indices)
    return -columns @ np.eye(n)[words]


@embedding_backward.mistake("The gradient of word j stands in the wrong column. Words are counted from 0.")
def backward_shifted(de, indices, n):
    columns, words = flat(de, indices)
    return columns @ np.eye(n)[words + 1]


@embedding_backward.mistake("You return de in the order of the places. Put each gradient into the column of its word.")
def backward_not_sent(de, indices, n):
    return de


@embedding_backward.accept("The product with the transposed one-hot columns adds by itself what belongs to one word.")
def backward_product(de, indices, n):
    columns, words = flat(de, indices)
    return columns @ np.eye(n)[:, words].T


@embedding_backward.accept
def backward_loop(de, indices, n):
    dE = np.zeros((len(de), n))
    for place, j in np.ndenumerate(indices):
        dE[:, j] += de[(slice(None), *place)]
    return dE


@embedding_backward.accept
def backward_bincount(de, indices, n):
    columns, words = flat(de, indices)
    return np.stack([np.bincount(words, weights=row, minlength=n) for row in columns])


@embedding_backward.accept
def backward_sparse(de, indices, n):
    columns, words = flat(de, indices)
    one_hot = sparse.csr_array((np.ones(len(words)), (np.arange(len(words)), words)), shape=(len(words), n))
    return (one_hot.T @ columns.T).T


# --- nearest_words ---------------------------------------------------------------------------------------------------


def nearest_cases(rng):
    def one(n_e, n, k):
        words = draw_words(rng, n)
        return case(word=words[int(rng.integers(1, n))], words=words, E=draw_vectors(rng, n_e, n), k=k)

    parallel = one(4, 8, 2)  # another word points in the same direction, and stands before it
    j = parallel[1]["words"].index(parallel[1]["word"])
    parallel[1]["E"][:, 0] = 2 * parallel[1]["E"][:, j]
    alone = one(3, 7, 2)
    turn_away(alone[1]["E"], alone[1]["words"].index(alone[1]["word"]))
    return [one(3, 9, 3), one(5, 14, 4), one(4, 12, 1), one(6, 15, 5), parallel, alone]


def turn_away(E, *kept, target=None):
    """Turn all columns but some, in place, so that their cosine with the target, or with the one column, is negative."""
    target = E[:, kept[0]].copy() if target is None else target
    for j in range(E.shape[1]):
        along = E[:, j] @ target / (target @ target)
        if j not in kept and along > -0.05:
            E[:, j] -= (along + 0.1 + 0.07 * j) * target


@lesson.exercise(
    points=2,
    topic=63,
    equation="(7.8)",
    cases=nearest_cases,
    ask="The row E[:, j] @ E has one number per word. By which lengths must it be divided, and how do you leave out word j "
    "itself, not merely the first of the sorted words?",
    small={"word": "a", "words": ["a", "b", "c"], "E": np.array([[1.0, 0.0, 5.0], [0.0, 1.0, 1.0]]), "k": 1},
)
def nearest_words(word, words, E, k):
    """Return the k words whose embeddings have the largest cosine with that of a word.

    Parameters
    ----------
    word : str
        One of `words`; it is not in the result.
    words : list of str
    E : ndarray, shape (n_e, n)
        Column j is the embedding of ``words[j]``.
    k : int

    Returns
    -------
    list of str
        The most similar word first.
    """
    j = words.index(word)
    similarity = E[:, j] @ E / np.linalg.norm(E, axis=0)  # (7.7); the length of column j changes no order
    order = np.argsort(-similarity)
    return [words[i] for i in order if i != j][:k]  # (7.8)


def ranked(score, words, without=()):
    """Return the words in falling order of their scores."""
    return [words[i] for i in np.argsort(-score) if words[i] not in without]


def similarities(word, words, E):
    return cosines(E, E[:, words.index(word)])


@nearest_words.mistake("The word itself is in your list. Its cosine with itself is 1; leave it out.")
def nearest_with_itself(word, words, E, k):
    return ranked(similarities(word, words, E), words)[:k]


@nearest_words.mistake("You return the least similar words. Sort so that the largest cosine comes first.")
def nearest_farthest(word, words, E, k):
    return ranked(-similarities(word, words, E), words, [word])[:k]


@nearest_words.mistake("The lengths are not divided out, so long vectors win. Use the cosine.")
def nearest_by_product(word, words, E, k):
    return ranked(E.T @ E[:, words.index(word)], words, [word])[:k]


@nearest_words.mistake("Your list goes by the Euclidean distance. Use the cosine.")
def nearest_by_distance(word, words, E, k):
    return ranked(-np.linalg.norm(E - E[:, [words.index(word)]], axis=0), words, [word])[:k]


@nearest_words.mistake("One word is missing: take the word itself out first and then keep k.")
def nearest_one_missing(word, words, E, k):
    return ranked(similarities(word, words, E), words, [word])[: k - 1]


@nearest_words.mistake("There is one word too many: k words are asked.")
def nearest_one_too_many(word, words, E, k):
    return ranked(similarities(word, words, E), words, [word])[: k + 1]


@nearest_words.mistake("These are the numbers of the words. Return the words: `words[i]`.")
def nearest_indices(word, words, E, k):
    return [words.index(other) for other in ranked(similarities(word, words, E), words, [word])[:k]]


@nearest_words.mistake("The first of the others is left out. Take out the word itself, and no other.")
def nearest_second_on(word, words, E, k):
    return ranked(similarities(word, words, E), words, [word])[1 : k + 1]


@nearest_words.mistake("You compare absolute values of the cosine. An opposite direction is not near.")
def nearest_absolute(word, words, E, k):
    return ranked(np.abs(similarities(word, words, E)), words, [word])[:k]


@nearest_words.mistake(
    "You take the first of the sorted words for the word itself. Another word can point in the same direction: leave the "
    "word out by its number or its name."
)
def nearest_drops_the_first(word, words, E, k):
    return ranked(similarities(word, words, E), words)[1 : k + 1]


@nearest_words.mistake(
    "The word itself gets the similarity 0, and is first where all others are below 0. Give it `-np.inf`, or leave it out."
)
def nearest_itself_gets_zero(word, words, E, k):
    score = similarities(word, words, E)
    score[words.index(word)] = 0
    return ranked(score, words)[:k]


@nearest_words.accept
def nearest_sorted(word, words, E, k):
    similarity = dict(zip(words, similarities(word, words, E), strict=True))
    return sorted(set(words) - {word}, key=similarity.get, reverse=True)[:k]


@nearest_words.accept
def nearest_through_an_array(word, words, E, k):
    order = np.argsort(-similarities(word, words, E))
    return list(np.array(words)[order[order != words.index(word)][:k]])


@nearest_words.accept
def nearest_one_by_one(word, words, E, k):
    score = similarities(word, words, E)
    score[words.index(word)], found = -np.inf, []
    for _ in range(k):
        best = int(np.argmax(score))
        found.append(words[best])
        score[best] = -np.inf
    return found


@nearest_words.accept(
    "All columns at length 1, once: then each neighbour costs one product. For many questions this is the way."
)
def nearest_unit_columns(word, words, E, k):
    U = E / np.linalg.norm(E, axis=0)
    return [words[i] for i in np.argsort(U.T @ U[:, words.index(word)])[::-1] if words[i] != word][:k]


# --- complete_analogy ------------------------------------------------------------------------------------------------


def analogy_cases(rng):
    """Three kinds of triples: without the exclusion, c, b or a would be the answer."""

    def one(kind, n_e, n):
        words, E = draw_words(rng, n), draw_vectors(rng, n_e, n)
        a, b, c = (int(j) for j in rng.choice(n, 3, replace=False))
        near = 0.2 * rng.normal(size=n_e)
        if kind == "c":
            E[:, b] = E[:, a] + near * np.linalg.norm(E[:, c])
        elif kind == "b":
            E[:, c] = E[:, a] + near * np.linalg.norm(E[:, b])
        else:
            E[:, a] = (E[:, b] + E[:, c]) / 1.5
        return case(word_a=words[a], word_b=words[b], word_c=words[c], words=words, E=E)

    away = one("c", 4, 12)
    a, b, c = (away[1]["words"].index(away[1][f"word_{name}"]) for name in "abc")
    E = away[1]["E"]
    turn_away(E, a, b, c, target=E[:, b] - E[:, a] + E[:, c])
    return [*(one(kind, n_e, n) for n_e, n in ((3, 18), (4, 25), (5, 30), (4, 22)) for kind in "cba"), away]


@lesson.exercise(
    points=3,
    topic=62,
    equation="(7.9) and (7.10)",
    cases=analogy_cases,
    ask="Which sign has each of the three columns in the target? What do you put in place of the similarity of the three given "
    "words, so that they lose even where all others are negative?",
    small={
        "word_a": "a",
        "word_b": "b",
        "word_c": "c",
        "words": ["a", "b", "c", "d"],
        "E": np.array([[1.0, 1.0, 3.0, 3.0], [0.0, 2.0, 0.0, 1.5]]),
    },
)
def complete_analogy(word_a, word_b, word_c, words, E):
    """Return the word that is to c as b is to a.

    Parameters
    ----------
    word_a, word_b, word_c : str
        Three of `words`; none of them is the answer.
    words : list of str
    E : ndarray, shape (n_e, n)
        Column j is the embedding of ``words[j]``.

    Returns
    -------
    str
        The other word whose embedding has the largest cosine with b - a + c.
    """
    a, b, c = (words.index(word) for word in (word_a, word_b, word_c))
    target = E[:, b] - E[:, a] + E[:, c]  # (7.9)
    similarity = target @ E / np.linalg.norm(E, axis=0)  # the length of the target changes no order
    similarity[[a, b, c]] = -np.inf
    return words[np.argmax(similarity)]  # (7.10)


def columns_of(words, E, *chosen):
    return [E[:, words.index(word)] for word in chosen]


@complete_analogy.mistake("One of the three given words comes out. Exclude all three before you take the largest.")
def analogy_given_words(word_a, word_b, word_c, words, E):
    a, b, c = columns_of(words, E, word_a, word_b, word_c)
    return ranked(cosines(E, b - a + c), words)[0]


@complete_analogy.mistake(
    "The three given words get the similarity 0, and one of them is first where all others are below 0. Give them "
    "`-np.inf`."
)
def analogy_given_words_get_zero(word_a, word_b, word_c, words, E):
    a, b, c = columns_of(words, E, word_a, word_b, word_c)
    score = cosines(E, b - a + c)
    score[[words.index(word) for word in (word_a, word_b, word_c)]] = 0
    return words[int(np.argmax(score))]


@complete_analogy.mistake(
    "The three vectors are brought to length 1 before they are added. (7.9) takes them as they are: b - a + c."
)
def analogy_of_unit_vectors(word_a, word_b, word_c, words, E):
    a, b, c = columns_of(words, E / np.linalg.norm(E, axis=0), word_a, word_b, word_c)
    return ranked(cosines(E, b - a + c), words, [word_a, word_b, word_c])[0]


@complete_analogy.mistake(
    "You compare b - a with d - c. Here the answer is the word nearest to b - a + c (7.9), (7.10): another definition."
)
def analogy_of_differences(word_a, word_b, word_c, words, E):
    a, b, c = columns_of(words, E, word_a, word_b, word_c)
    differences = E - c[:, None]
    lengths = np.linalg.norm(differences, axis=0)
    score = (b - a) @ differences / np.where(lengths > 0, lengths, 1)
    return ranked(score, words, [word_a, word_b, word_c])[0]


@complete_analogy.mistake("Only word_c is excluded. word_a and word_b cannot be the answer either.")
def analogy_only_c_excluded(word_a, word_b, word_c, words, E):
    a, b, c = columns_of(words, E, word_a, word_b, word_c)
    return ranked(cosines(E, b - a + c), words, [word_c])[0]


@complete_analogy.mistake("word_a is not excluded. None of the three given words can be the answer.")
def analogy_a_not_excluded(word_a, word_b, word_c, words, E):
    a, b, c = columns_of(words, E, word_a, word_b, word_c)
    return ranked(cosines(E, b - a + c), words, [word_b, word_c])[0]


@complete_analogy.mistake("You return the largest cosine. The word at which it is reached is asked: argmax, not max.")
def analogy_max(word_a, word_b, word_c, words, E):
    a, b, c = columns_of(words, E, word_a, word_b, word_c)
    similarity = dict(zip(words, cosines(E, b - a + c), strict=True))
    return float(max(value for word, value in similarity.items() if word not in (word_a, word_b, word_c)))


@complete_analogy.mistake("You return the number of the word. Return the word itself: `words[...]`.")
def analogy_index(word_a, word_b, word_c, words, E):
    a, b, c = columns_of(words, E, word_a, word_b, word_c)
    return words.index(ranked(cosines(E, b - a + c), words, [word_a, word_b, word_c])[0])


@complete_analogy.mistake("The difference has the wrong sign: b − a leads from a to b, and it is added to c.")
def analogy_sign(word_a, word_b, word_c, words, E):
    a, b, c = columns_of(words, E, word_a, word_b, word_c)
    return ranked(cosines(E, a - b + c), words, [word_a, word_b, word_c])[0]


@complete_analogy.mistake("All three vectors are added. That of word_a is taken off.")
def analogy_sum(word_a, word_b, word_c, words, E):
    a, b, c = columns_of(words, E, word_a, word_b, word_c)
    return ranked(cosines(E, a + b + c), words, [word_a, word_b, word_c])[0]


@complete_analogy.mistake("word_c is taken off and word_a added. The target is b − a + c.")
def analogy_exchanged(word_a, word_b, word_c, words, E):
    a, b, c = columns_of(words, E, word_a, word_b, word_c)
    return ranked(cosines(E, b - c + a), words, [word_a, word_b, word_c])[0]


@complete_analogy.mistake("The lengths of the columns are not divided out, so long vectors win. Use the cosine.")
def analogy_by_product(word_a, word_b, word_c, words, E):
    a, b, c = columns_of(words, E, word_a, word_b, word_c)
    return ranked(E.T @ (b - a + c), words, [word_a, word_b, word_c])[0]


@complete_analogy.mistake("You take the word at the smallest Euclidean distance. Use the cosine.")
def analogy_by_distance(word_a, word_b, word_c, words, E):
    a, b, c = columns_of(words, E, word_a, word_b, word_c)
    return ranked(-np.linalg.norm(E.T - (b - a + c), axis=1), words, [word_a, word_b, word_c])[0]


@complete_analogy.mistake("You compare with b − a alone. Word c is forgotten.")
def analogy_without_c(word_a, word_b, word_c, words, E):
    a, b, c = columns_of(words, E, word_a, word_b, word_c)
    return ranked(cosines(E, b - a), words, [word_a, word_b, word_c])[0]


@complete_analogy.mistake("You return the least similar word. Take the largest cosine.")
def analogy_smallest(word_a, word_b, word_c, words, E):
    a, b, c = columns_of(words, E, word_a, word_b, word_c)
    return ranked(cosines(E, b - a + c), words, [word_a, word_b, word_c])[-1]


@complete_analogy.mistake(
    "Your search starts from 0, so a word with a similarity of 0 or below never wins. Start from -np.inf, or without a best."
)
def analogy_search_from_zero(word_a, word_b, word_c, words, E):
    a, b, c = (E[:, words.index(word)] for word in (word_a, word_b, word_c))
    best, found = 0, None
    for word, e in zip(words, E.T, strict=True):
        similarity = cosine_similarity.reference(b - a + c, e)
        if word not in (word_a, word_b, word_c) and similarity > best:
            best, found = similarity, word
    return found


@complete_analogy.accept
def analogy_loop(word_a, word_b, word_c, words, E):
    a, b, c = columns_of(words, E, word_a, word_b, word_c)
    best, best_word = -2.0, None
    for word, e in zip(words, E.T, strict=True):
        if word not in (word_a, word_b, word_c) and 1 - cosine(e, b - a + c) > best:
            best, best_word = 1 - cosine(e, b - a + c), word
    return best_word


@complete_analogy.accept("It sorts all words and takes the first that was not given.")
def analogy_ranked(word_a, word_b, word_c, words, E):
    a, b, c = columns_of(words, E, word_a, word_b, word_c)
    return ranked(cosines(E, b - a + c), words, [word_a, word_b, word_c])[0]


@complete_analogy.accept
def analogy_through_an_array(word_a, word_b, word_c, words, E):
    similarity = cosines(
        E, columns_of(words, E, word_b)[0] - columns_of(words, E, word_a)[0] + columns_of(words, E, word_c)[0]
    )
    similarity[[words.index(word) for word in (word_a, word_b, word_c)]] = -np.inf
    return np.array(words)[np.argmax(similarity)]


@complete_analogy.accept
def analogy_dictionary(word_a, word_b, word_c, words, E):
    vectors = dict(zip(words, (E / np.linalg.norm(E, axis=0)).T, strict=True))
    full = dict(zip(words, E.T, strict=True))
    target = full[word_b] + full[word_c] - full[word_a]
    return max(
        (word for word in words if word not in {word_a, word_b, word_c}), key=lambda word: vectors[word] @ target
    )


# --- project_2d ------------------------------------------------------------------------------------------------------


def project_cases(rng):
    def one(n_e, n, scale=1.0):
        turn = np.linalg.qr(rng.normal(size=(n_e, n_e)))[0]
        spread = scale * 3.0 / 1.6 ** np.arange(n_e)
        return case(vectors=turn @ (spread[:, None] * rng.normal(size=(n_e, n))) + 2 * rng.normal(size=(n_e, 1)))

    small = 0.008  # all coordinates are near 0
    return [one(4, 9), one(6, 5), one(3, 14), one(5, 6), one(3, 4, small), one(4, 5, small), one(3, 6, small)]


@lesson.exercise(
    points=3,
    topic=60,
    equation="(7.11) to (7.14)",
    cases=project_cases,
    ask="What is taken off first, and along which axis? Which part of the singular value decomposition holds the directions, in "
    "columns, and which product gives coordinates?",
    small={"vectors": np.array([[3.0, 1.0, 2.5], [7.0, 7.0, 7.0], [0.5, 0.5, 2.0]])},
)
def project_2d(vectors):
    """Project columns onto the two directions in which they vary most.

    Parameters
    ----------
    vectors : ndarray, shape (n_e, n)

    Returns
    -------
    projected : ndarray, shape (2, n)
        Coordinates along the first and second principal direction, the mean being at 0; the signs are such that the
        first column has no negative entry.
    """
    centred = vectors - np.mean(vectors, axis=1, keepdims=True)  # (7.11)
    U = np.linalg.svd(centred)[0]  # (7.13)
    projected = U[:, :2].T @ centred  # (7.14)
    return projected * np.where(projected[:, :1] < 0, -1, 1)  # both signs are right


def turned(projected):
    """Return the rows with such signs that the first column is not negative."""
    return projected * np.where(projected[:, :1] < 0, -1, 1)


def principal(columns):
    """Return the principal directions of columns that need not be centred, the strongest first."""
    return np.linalg.eigh(columns @ columns.T)[1][:, ::-1]


def off_mean(vectors, axis=1):
    return vectors - vectors.mean(axis=axis, keepdims=True)


@project_2d.mistake("The mean is not taken off. Then the first direction points to the mean, not along the spread.")
def project_without_mean(vectors):
    return turned(principal(vectors)[:, :2].T @ vectors)


@project_2d.mistake("The directions are right, but the mean is still in what you project. Project the centred columns.")
def project_raw(vectors):
    return turned(principal(off_mean(vectors))[:, :2].T @ vectors)


@project_2d.mistake("The mean is taken over the entries of each word. Take it over the words: axis 1.")
def project_wrong_mean(vectors):
    centred = off_mean(vectors, axis=0)
    return turned(principal(centred)[:, :2].T @ centred)


@project_2d.mistake("These are the first two entries of the centred vectors. Project on the principal directions.")
def project_first_entries(vectors):
    return turned(off_mean(vectors)[:2])


@project_2d.mistake(
    "You use the directions of the smallest spread. `eigh` sorts upwards: the last columns are the strongest."
)
def project_smallest(vectors):
    centred = off_mean(vectors)
    return turned(principal(centred)[:, ::-1][:, :2].T @ centred)


@project_2d.mistake("The two directions are exchanged. The one with the largest spread comes first.")
def project_exchanged(vectors):
    centred = off_mean(vectors)
    return turned(principal(centred)[:, [1, 0]].T @ centred)


@project_2d.mistake("Both rows are divided by their singular value. Keep the lengths: project with Uᵀ.")
def project_whitened(vectors):
    return turned(np.linalg.svd(off_mean(vectors), full_matrices=False)[2][:2])


@project_2d.mistake("Rows of U are used. The principal directions are its columns: `U[:, :2]`.")
def project_rows_of_U(vectors):
    centred = off_mean(vectors)
    U = np.linalg.svd(centred)[0]
    U = U * np.sign((U.T @ centred)[:, 0])
    return turned(U[:2] @ centred)


@project_2d.mistake("Your result has one word per row. Words are columns: (2, n).")
def project_transposed(vectors):
    return turned(principal(off_mean(vectors))[:, :2].T @ off_mean(vectors)).T


@project_2d.mistake("The signs of both rows are opposite. Keep the last line, which turns them.")
def project_signs(vectors):
    return -turned(principal(off_mean(vectors))[:, :2].T @ off_mean(vectors))


@project_2d.mistake("All directions are kept. A picture needs the first two.")
def project_all(vectors):
    return turned(principal(off_mean(vectors)).T @ off_mean(vectors))


@project_2d.mistake("These are the directions, not the words. Multiply them with the centred columns.")
def project_directions(vectors):
    return turned(principal(off_mean(vectors))[:, :2].T)


@project_2d.mistake("One mean of all numbers is subtracted. Each row has its own mean: `axis=1, keepdims=True`.")
def project_one_mean(vectors):
    centred = vectors - np.mean(vectors)
    return turned(np.linalg.svd(centred)[0][:, :2].T @ centred)


@project_2d.mistake(
    "The directions come from columns without their mean taken off. Centre them first, then take the SVD."
)
def project_directions_before_centring(vectors):
    return turned(np.linalg.svd(vectors)[0][:, :2].T @ off_mean(vectors))


@project_2d.mistake(
    "Both rows are turned by the sign of the first. Each row has its own: `projected[:, :1] < 0` is a column."
)
def project_sign_of_the_first_row(vectors):
    centred = vectors - np.mean(vectors, axis=1, keepdims=True)
    projected = np.linalg.svd(centred)[0][:, :2].T @ centred
    projected = turned(projected) * np.array([[1], [-1]])  # whichever signs the directions came with
    return projected * (-1 if projected[0, 0] < 0 else 1)


@project_2d.mistake("You take rows of U. The directions are its columns: `U[:, :2]`.")
def project_rows_of_u(vectors):
    centred = off_mean(vectors)
    return turned(np.linalg.svd(centred)[0][:2] @ centred)


@project_2d.mistake("Each row is divided by its standard deviation. Take only the mean off.")
def project_standardised(vectors):
    centred = off_mean(vectors)
    centred = centred / np.std(centred, axis=1, keepdims=True)
    return turned(principal(centred)[:, :2].T @ centred)


@project_2d.accept("The eigenvectors of C Cᵀ are the same directions: (7.13) says why. `eigh` sorts upwards.")
def project_with_eigh(vectors):
    centred = off_mean(vectors)
    return turned(principal(centred)[:, :2].T @ centred)


@project_2d.accept
def project_with_singular_values(vectors):
    _, values, Vt = np.linalg.svd(off_mean(vectors), full_matrices=False)
    return turned(values[:2, None] * Vt[:2])


@project_2d.accept
def project_with_sklearn(vectors):
    return turned(PCA(2).fit_transform(vectors.T).T)


@project_2d.accept
def project_from_gram(vectors):
    centred = off_mean(vectors)
    values, V = np.linalg.eigh(centred.T @ centred)
    return turned((V[:, -2:] * np.sqrt(values[-2:]))[:, ::-1].T)


# --- neutralize ------------------------------------------------------------------------------------------------------


def neutralize_cases(rng):
    return [
        case(e=rng.normal(size=(n_e, 1)), g=length * (0.6 + rng.normal(size=(n_e, 1))))
        for n_e, length in ((3, 0.5), (5, 1.7), (8, 0.3), (2, 2.5))
    ]


@lesson.exercise(
    points=2,
    topic=60,
    equation="(7.15) and (7.16)",
    cases=neutralize_cases,
    ask="Which number s makes s g the part of e along g, whatever the length of g?",
    small={"e": np.array([[3.0], [4.0]]), "g": np.array([[2.0], [0.0]])},
)
def neutralize(e, g):
    """Take the part along a direction off a word vector.

    Parameters
    ----------
    e : ndarray, shape (n_e, 1)
    g : ndarray, shape (n_e, 1)
        The direction, of any length but 0.

    Returns
    -------
    ndarray, shape (n_e, 1)
        At right angles to g.

    References
    ----------
    T. Bolukbasi et al., "Man is to computer programmer as woman is to homemaker? Debiasing word embeddings", 2016,
    arXiv:1607.06520.
    """
    return e - np.sum(e * g) / np.sum(g * g) * g  # (7.15), (7.16)


@neutralize.mistake("The projection is not divided by |g|². Your result depends on how long g is.")
def neutralize_not_divided(e, g):
    return e - np.sum(e * g) * g


@neutralize.mistake("The projection is divided by |g|. g occurs twice in it, so divide by |g|².")
def neutralize_by_length(e, g):
    return e - np.sum(e * g) / np.linalg.norm(g) * g


@neutralize.mistake("You return the part along g. That is what has to be taken off.")
def neutralize_projection(e, g):
    return np.sum(e * g) / np.sum(g * g) * g


@neutralize.mistake("The part along g is added. Take it off.")
def neutralize_added(e, g):
    return e + np.sum(e * g) / np.sum(g * g) * g


@neutralize.mistake("This mirrors e: the part along g is taken off twice. Once is enough.")
def neutralize_mirrored(e, g):
    return e - 2 * np.sum(e * g) / np.sum(g * g) * g


@neutralize.mistake("You divide by |e|². The projection on g is divided by |g|².")
def neutralize_wrong_length(e, g):
    return e - np.sum(e * g) / np.sum(e * e) * g


@neutralize.mistake("The whole of g is taken off. Take off the part of e along g only.")
def neutralize_whole_g(e, g):
    return e - g


@neutralize.mistake("You project g on e and take that off. Exchange them: e is projected on g.")
def neutralize_exchanged(e, g):
    return g - np.sum(e * g) / np.sum(e * e) * e


@neutralize.mistake("The cosine stands where the projection should be. Its denominator is |g|², not |e| |g|.")
def neutralize_cosine(e, g):
    return e - np.sum(e * g) / (np.linalg.norm(e) * np.linalg.norm(g)) * g


@neutralize.mistake("Your e·g is a product entry by entry. Sum it up: the projection needs one number.")
def neutralize_entrywise(e, g):
    return e - e * g / np.sum(g * g) * g


@neutralize.mistake("A number is taken off. What is taken off is a column: the number s times g.")
def neutralize_number_off(e, g):
    return e - np.sum(e * g) / np.sum(g * g)


@neutralize.mistake("The result is brought to length 1. Leave its length as it is.")
def neutralize_to_length_one(e, g):
    left = e - np.sum(e * g) / np.sum(g * g) * g
    return left / np.linalg.norm(left)


@neutralize.accept("With g at length 1 the division disappears.")
def neutralize_unit_g(e, g):
    unit = g / np.linalg.norm(g)
    return e - (unit.T @ e) * unit


@neutralize.accept
def neutralize_matrix(e, g):
    return (np.eye(len(e)) - g @ g.T / (g.T @ g)) @ e


@neutralize.accept
def neutralize_least_squares(e, g):
    return e - g @ np.linalg.lstsq(g, e, rcond=None)[0]


# --- equalize --------------------------------------------------------------------------------------------------------


def equalize_cases(rng):
    """Pairs on opposite sides of 0 along g, with e_1 above or below e_2, and pairs on the same side."""

    def unit(v):
        return v / np.linalg.norm(v)

    def one(n_e, length, same_side=False):
        e_1 = unit(0.4 + rng.normal(size=(n_e, 1)))
        if same_side:
            e_2 = unit(e_1 + 0.9 * unit(rng.normal(size=(n_e, 1))))
            g = 0.6 * (e_1 + e_2) + 0.4 * (e_2 - e_1)
        else:
            e_2 = unit(0.4 + rng.normal(size=(n_e, 1)))
            g = unit(rng.normal(size=(n_e, 1))) + 1.5 * unit(e_1 - e_2)
        return case(e_1=e_1, e_2=e_2, g=length * unit(g))

    return [one(3, 2.2), one(5, -0.4), one(4, 1.5, True), one(8, -0.7, True), one(6, -1.8)]


@lesson.exercise(
    points=3,
    topic=60,
    equation="(7.17) and (7.18)",
    returns=("e_1", "e_2"),
    cases=equalize_cases,
    ask="What do both words share, and which length along g brings each of them to length 1? Which sign decides who gets plus?",
    small={"e_1": np.array([[1.0], [0.0]]), "e_2": np.array([[0.0], [1.0]]), "g": np.array([[2.0], [0.0]])},
)
def equalize(e_1, e_2, g):
    """Make two word vectors differ along a direction only.

    Parameters
    ----------
    e_1, e_2 : ndarray, shape (n_e, 1)
        Of length 1.
    g : ndarray, shape (n_e, 1)
        The direction, of any length but 0.

    Returns
    -------
    e_1, e_2 : ndarray, shape (n_e, 1)
        Of length 1, equal but for opposite parts along g. Each lies on that side of the other on which it was.

    References
    ----------
    T. Bolukbasi et al., "Man is to computer programmer as woman is to homemaker? Debiasing word embeddings", 2016,
    arXiv:1607.06520, step "equalize".
    """
    nu = neutralize((e_1 + e_2) / 2, g)  # (7.17)
    side = np.sign(np.sum((e_1 - e_2) * g))
    along = np.sqrt(1 - np.sum(nu**2)) * side * g / np.linalg.norm(g)  # (7.18)
    return nu + along, nu - along


def parts(e_1, e_2, g):
    """Return the common part, the part along g of the first result, and g with length 1."""
    unit = g / np.linalg.norm(g)
    mean = (e_1 + e_2) / 2
    common = mean - unit * (unit.T @ mean)
    difference = unit * (unit.T @ (e_1 - e_2))
    return common, np.sqrt(1 - np.sum(common**2)) * difference / np.linalg.norm(difference), unit


@equalize.mistake("Both results have the same part along g. They must lie on opposite sides.")
def equalize_same_side(e_1, e_2, g):
    common, along, _ = parts(e_1, e_2, g)
    return common + along, common + along


@equalize.mistake("The two results are exchanged: each word stays on the side on which it was.")
def equalize_exchanged(e_1, e_2, g):
    common, along, _ = parts(e_1, e_2, g)
    return common - along, common + along


@equalize.mistake("The root is missing in the length along g. By Pythagoras it is √(1 − |ν|²).")
def equalize_no_root(e_1, e_2, g):
    common, along, _ = parts(e_1, e_2, g)
    along = along * np.linalg.norm(along)
    return common + along, common - along


@equalize.mistake("The part along g has length 1. Its length is √(1 − |ν|²), so that the whole vector has length 1.")
def equalize_length_one(e_1, e_2, g):
    common, along, _ = parts(e_1, e_2, g)
    along = along / np.linalg.norm(along)
    return common + along, common - along


@equalize.mistake("√(1 − |ν|²) is multiplied with g itself. Give g length 1 first.")
def equalize_g_not_unit(e_1, e_2, g):
    common, along, _ = parts(e_1, e_2, g)
    along = along * np.linalg.norm(g)
    return common + along, common - along


@equalize.mistake("The part along g is still in the mean. Neutralise the mean first: that is ν.")
def equalize_mean_kept(e_1, e_2, g):
    common, along, unit = parts(e_1, e_2, g)
    mean = (e_1 + e_2) / 2
    return mean + along, mean - along


@equalize.mistake("Each word keeps its own part at right angles to g. Both take that of their mean, ν.")
def equalize_own_parts(e_1, e_2, g):
    _, along, unit = parts(e_1, e_2, g)
    return e_1 - unit * (unit.T @ e_1) + along, e_2 - unit * (unit.T @ e_2) - along


@equalize.mistake("These are two neutralised words. A pair keeps opposite parts along g.")
def equalize_neutralised(e_1, e_2, g):
    unit = parts(e_1, e_2, g)[2]
    return e_1 - unit * (unit.T @ e_1), e_2 - unit * (unit.T @ e_2)


@equalize.mistake("Nothing is added along g. Both results are the common part ν.")
def equalize_common_only(e_1, e_2, g):
    common = parts(e_1, e_2, g)[0]
    return common, common.copy()


@equalize.mistake("The part along g keeps the length it had. Make it √(1 − |ν|²), so that each vector has length 1.")
def equalize_length_kept(e_1, e_2, g):
    common, _, unit = parts(e_1, e_2, g)
    along = unit * (unit.T @ (e_1 - e_2)) / 2
    return common + along, common - along


@equalize.mistake("The mean of the two vectors is half their sum. You work with the sum, or with something as long.")
def equalize_sum(e_1, e_2, g):
    common, along, unit = parts(e_1, e_2, g)
    along = along / np.linalg.norm(along) * np.sqrt(np.abs(1 - 4 * np.sum(common**2)))
    return 2 * common + along, 2 * common - along


@equalize.mistake(
    "The sign is left out: e_1 always gets +g. Each word stays on its side: the sign of (e_1 - e_2)ᵀ g decides."
)
def equalize_sign_left_out(e_1, e_2, g):
    common, along, unit = parts(e_1, e_2, g)
    along = unit * np.linalg.norm(along)
    return common + along, common - along


@equalize.mistake("The length along g is √(1 − |ν|). By Pythagoras the lengths are squared: √(1 − |ν|²).")
def equalize_length_not_squared(e_1, e_2, g):
    common, along, _ = parts(e_1, e_2, g)
    along = along / np.linalg.norm(along) * np.sqrt(1 - np.linalg.norm(common))
    return common + along, common - along


@equalize.mistake("√(1 − |ν|²) is multiplied with g / |g|². That has length 1 / |g|: take g / |g|.")
def equalize_g_over_its_square(e_1, e_2, g):
    common, along, _ = parts(e_1, e_2, g)
    along = along / np.linalg.norm(g)
    return common + along, common - along


@equalize.mistake(
    "The side is the sign of e_1ᵀ g. Both words can lie on one side of 0: the sign of (e_1 - e_2)ᵀ g decides."
)
def equalize_sign_of_the_first(e_1, e_2, g):
    common, along, unit = parts(e_1, e_2, g)
    along = unit * np.sign(unit.T @ e_1) * np.linalg.norm(along)
    return common + along, common - along


@equalize.mistake(
    "You divide by the norm of the whole vector without its mean. The part along g alone is brought to the length "
    "√(1 − |ν|²): divide it by its own norm (7.18)."
)
def equalize_other_norm(e_1, e_2, g):
    def along_g(v):
        return np.sum(v * g) / np.sum(g * g) * g

    mean = (e_1 + e_2) / 2
    common = mean - along_g(mean)
    length = np.sqrt(np.abs(1 - np.sum(common**2)))
    return tuple(
        common + length * (along_g(e) - along_g(mean)) / np.linalg.norm(e - common - along_g(mean)) for e in (e_1, e_2)
    )


@equalize.accept("The formula as the paper writes it: the part along g of each word, minus that of their mean.")
def equalize_as_in_the_paper(e_1, e_2, g):
    def on_g(v):
        return np.sum(v * g) / np.sum(g**2) * g

    mu = (e_1 + e_2) / 2
    mu_B = on_g(mu)
    nu = mu - mu_B
    found = []
    for e in (e_1, e_2):
        away = on_g(e) - mu_B
        found.append(nu + np.sqrt(np.abs(1 - np.linalg.norm(nu) ** 2)) * away / np.linalg.norm(away))
    return tuple(found)


@equalize.accept
def equalize_from_parts(e_1, e_2, g):
    common, along, _ = parts(e_1, e_2, g)
    return common + along, common - along


@equalize.accept
def equalize_by_projection_matrix(e_1, e_2, g):
    P = g @ g.T / np.sum(g * g)
    nu = (np.eye(len(g)) - P) @ (e_1 + e_2) / 2
    d = P @ (e_1 - e_2)
    d *= np.sqrt((1 - nu.T @ nu) / (d.T @ d))
    return nu + d, nu - d


# --- glove_loss_and_gradients ----------------------------------------------------------------------------------------


def glove_cases(rng):
    cases = []
    for n_e, n, x_max in ((3, 5, 9.0), (2, 4, 30.0), (4, 6, 3.0)):
        X = rng.poisson(rng.gamma(1.0, 6.0, (n, n))).astype(float)
        X[np.arange(n), rng.permutation(n)] = 0.0
        X[rng.permutation(n)[0]] += 2.0
        X[0, 1:3] = 0.0, 2.5 * x_max  # a pair that never occurs, and one with the weight 1
        vectors = {"E": rng.normal(size=(n_e, n)), "Theta": rng.normal(size=(n_e, n))}
        biases = {"b": rng.normal(size=(n, 1)), "b_tilde": rng.normal(size=(1, n))}
        cases.append(case(X=X, x_max=x_max * rng.uniform(0.9, 1.1), **vectors, **biases))
    return cases


@lesson.exercise(
    points=4,
    topic=64,
    equation="(7.21) to (7.25)",
    returns=("J", "dE", "dTheta", "db", "db_tilde"),
    cases=glove_cases,
    backward=True,
    ask="The residuals of all pairs are one table (n, n). Which sizes have b and b_tilde, so that the sum has it too? Along "
    "which axis is each of the two gradients of the biases summed up?",
    small={
        "E": np.array([[1.0, 0.0]]),
        "Theta": np.array([[2.0, 1.0]]),
        "b": np.array([[0.0], [1.0]]),
        "b_tilde": np.array([[0.0, -1.0]]),
        "X": np.array([[1.0, 0.0], [1.0, 16.0]]),
        "x_max": 16.0,
    },
    why={
        "question": "A pair never occurs. Why must its logarithm not be taken as it is, though its weight is 0?",
        "choices": {
            "0 times minus infinity is not a number, and J is lost": "Yes: put any finite number in place of log 0.",
            "the weight is not 0": "No: f(0) is 0.",
            "it would count too much": "No: with the weight 0 it would count nothing, if it were finite.",
        },
    },
)
def glove_loss_and_gradients(E, Theta, b, b_tilde, X, x_max):
    """Return the objective of GloVe and its gradients.

    Parameters
    ----------
    E, Theta : ndarray, shape (n_e, n)
        Vectors of the words as centres and as neighbours.
    b : ndarray, shape (n, 1)
    b_tilde : ndarray, shape (1, n)
        Biases of the words as centres and as neighbours.
    X : ndarray, shape (n, n)
        Row i, column j: how often word j stands near word i. Pairs that never occur have 0.
    x_max : float
        From this count on the weight of a pair is 1.

    Returns
    -------
    J : float
    dE, dTheta : ndarray, shape (n_e, n)
    db : ndarray, shape (n, 1)
    db_tilde : ndarray, shape (1, n)

    References
    ----------
    J. Pennington, R. Socher, C. D. Manning, "GloVe: global vectors for word representation", 2014,
    doi:10.3115/v1/D14-1162.
    """
    weight = np.minimum(1, (X / x_max) ** 0.75)  # (7.21)
    residual = E.T @ Theta + b + b_tilde - np.log(X + (X == 0))  # (7.22)
    J = np.sum(weight * residual**2)  # (7.23)
    G = 2 * weight * residual  # (7.24)
    return J, Theta @ G.T, E @ G, np.sum(G, axis=1, keepdims=True), np.sum(G, axis=0, keepdims=True)  # (7.25)


def glove_variant(E, Theta, b, b_tilde, X, x_max, weight=None, log=None, change=lambda G: G, score=None):
    """Return the answer with one thing changed; with the defaults it is right."""
    f = np.where(x_max > X, (X / x_max) ** 0.75, 1.0) if weight is None else weight
    logarithm = np.log(np.maximum(X, 1e-300)) * (X > 0) if log is None else log
    r = (E.T @ Theta if score is None else score) + b + b_tilde - logarithm
    G = change(2 * f * r)
    return np.sum(f * r * r), (G @ Theta.T).T, E @ G, G.sum(axis=1, keepdims=True), G.sum(axis=0, keepdims=True)


@glove_loss_and_gradients.mistake("The factor 2 of the square is missing in the gradients.")
def glove_without_two(*arguments):
    return glove_variant(*arguments, change=lambda G: G / 2)


@glove_loss_and_gradients.mistake("The gradients have the wrong sign.")
def glove_sign(*arguments):
    return glove_variant(*arguments, change=lambda G: -G)


@glove_loss_and_gradients.mistake("The weights are missing: each pair counts the same, also one that never occurs.")
def glove_without_weight(*arguments):
    return glove_variant(*arguments, weight=1.0)


@glove_loss_and_gradients.mistake("Each pair that occurs has the weight 1. Rare pairs weigh less: (7.21).")
def glove_weight_of_pairs(E, Theta, b, b_tilde, X, x_max):
    return glove_variant(E, Theta, b, b_tilde, X, x_max, weight=(X > 0) * 1.0)


@glove_loss_and_gradients.mistake("Frequent pairs have weights above 1. From x_max on the weight is 1.")
def glove_weight_not_cut(E, Theta, b, b_tilde, X, x_max):
    return glove_variant(E, Theta, b, b_tilde, X, x_max, weight=(X / x_max) ** 0.75)


@glove_loss_and_gradients.mistake("The power 3/4 of the weight is missing.")
def glove_weight_without_power(E, Theta, b, b_tilde, X, x_max):
    return glove_variant(E, Theta, b, b_tilde, X, x_max, weight=np.minimum(1, X / x_max))


@glove_loss_and_gradients.mistake(
    "The gradients have no weights. The weight stands before the square, so before its derivative."
)
def glove_gradient_without_weight(E, Theta, b, b_tilde, X, x_max):
    right = glove_variant(E, Theta, b, b_tilde, X, x_max)
    return right[0], *glove_variant(E, Theta, b, b_tilde, X, x_max, weight=1.0)[1:]


@glove_loss_and_gradients.mistake(
    "0 times the logarithm of 0 is not a number. Put a finite number in its place before."
)
def glove_log_of_zero(E, Theta, b, b_tilde, X, x_max):
    with np.errstate(all="ignore"):
        return glove_variant(E, Theta, b, b_tilde, X, x_max, log=np.log(X))


@glove_loss_and_gradients.mistake("The logarithm is that of 1 + X. (7.22) has log X where the pair occurs.")
def glove_log_of_one_more(E, Theta, b, b_tilde, X, x_max):
    return glove_variant(E, Theta, b, b_tilde, X, x_max, log=np.log1p(X))


@glove_loss_and_gradients.mistake("The count itself stands where its logarithm should be.")
def glove_count(E, Theta, b, b_tilde, X, x_max):
    return glove_variant(E, Theta, b, b_tilde, X, x_max, log=X)


@glove_loss_and_gradients.mistake("The biases are left out of the score.")
def glove_without_biases(E, Theta, b, b_tilde, X, x_max):
    return glove_variant(E, Theta, 0 * b, 0 * b_tilde, X, x_max)


@glove_loss_and_gradients.mistake(
    "Rows and columns are exchanged: row i belongs to the centre, so the score is EᵀΘ, not ΘᵀE."
)
def glove_exchanged(E, Theta, b, b_tilde, X, x_max):
    return glove_variant(E, Theta, b, b_tilde, X, x_max, score=Theta.T @ E)


@glove_loss_and_gradients.mistake(
    "G stands where its transpose should, or the other way round: dE is Θ Gᵀ, and dΘ is E G."
)
def glove_transposed(E, Theta, b, b_tilde, X, x_max):
    J, _, _, db, db_tilde = glove_variant(E, Theta, b, b_tilde, X, x_max)
    G = 2 * np.minimum(1, (X / x_max) ** 0.75) * (E.T @ Theta + b + b_tilde - np.log(np.where(X > 0, X, 1)))
    return J, Theta @ G, E @ G.T, db, db_tilde


@glove_loss_and_gradients.mistake("The objective is a mean here. (7.23) is a sum over all pairs.")
def glove_mean(E, Theta, b, b_tilde, X, x_max):
    return tuple(part / X.size for part in glove_variant(E, Theta, b, b_tilde, X, x_max))


@glove_loss_and_gradients.mistake("Half of the sum is taken. (7.23) has no factor 1/2.")
def glove_half(*arguments):
    return tuple(part / 2 for part in glove_variant(*arguments))


@glove_loss_and_gradients.mistake(
    "The two matrices are exchanged in the gradients: dE is made of Theta, and dTheta of E."
)
def glove_matrices_exchanged(E, Theta, *others):
    J, dE, dTheta, db, db_tilde = glove_variant(E, Theta, *others)
    return J, dTheta, dE, db, db_tilde


@glove_loss_and_gradients.mistake(
    "The logarithm is added. The residual is what the product and the biases are above log X."
)
def glove_logarithm_added(E, Theta, b, b_tilde, X, x_max):
    return glove_variant(E, Theta, b, b_tilde, X, x_max, log=-np.log(X + (X == 0)))


@glove_loss_and_gradients.mistake(
    "The larger of 1 and the power is the weight. It is the smaller one: no weight is above 1."
)
def glove_weight_maximum(E, Theta, b, b_tilde, X, x_max):
    return glove_variant(E, Theta, b, b_tilde, X, x_max, weight=np.maximum(1, (X / x_max) ** 0.75))


@glove_loss_and_gradients.mistake("x_max stands outside the power. The ratio X / x_max as a whole has the power 3/4.")
def glove_power_of_the_count(E, Theta, b, b_tilde, X, x_max):
    return glove_variant(E, Theta, b, b_tilde, X, x_max, weight=np.minimum(1, X**0.75 / x_max))


@glove_loss_and_gradients.mistake("The weights are squared along with the residuals in J. Square the residual alone.")
def glove_weight_squared(E, Theta, b, b_tilde, X, x_max):
    weight = np.minimum(1, (X / x_max) ** 0.75)
    _, *gradients = glove_variant(E, Theta, b, b_tilde, X, x_max)
    return glove_variant(E, Theta, b, b_tilde, X, x_max, weight=weight**2)[0], *gradients


@glove_loss_and_gradients.accept("Two loops over the pairs that occur: slow, and word for word (7.21) to (7.25).")
def glove_loop(E, Theta, b, b_tilde, X, x_max):
    J, dE, dTheta, db, db_tilde = 0.0, *(np.zeros(part.shape) for part in (E, Theta, b, b_tilde))
    for i, j in np.argwhere(X > 0):
        f = min(1.0, (X[i, j] / x_max) ** 0.75)
        r = E[:, i] @ Theta[:, j] + b[i, 0] + b_tilde[0, j] - np.log(X[i, j])
        J += f * r**2
        dE[:, i] += 2 * f * r * Theta[:, j]
        dTheta[:, j] += 2 * f * r * E[:, i]
        db[i] += 2 * f * r
        db_tilde[0, j] += 2 * f * r
    return J, dE, dTheta, db, db_tilde


@glove_loss_and_gradients.accept
def glove_with_where(*arguments):
    return glove_variant(*arguments)


@glove_loss_and_gradients.accept
def glove_stacked(E, Theta, b, b_tilde, X, x_max):
    one = np.ones((1, E.shape[1]))
    left, right = np.vstack([E, b.T, one]), np.vstack([Theta, one, b_tilde])
    f = np.clip(X / x_max, 0, 1) ** 0.75
    r = left.T @ right - np.log(X, out=np.zeros(X.shape), where=X > 0)
    d_left, d_right = right @ (2 * f * r).T, left @ (2 * f * r)
    k = len(E)
    return np.einsum("ij,ij,ij->", f, r, r), d_left[:k], d_right[:k], d_left[[k]].T, d_right[[k + 1]]
