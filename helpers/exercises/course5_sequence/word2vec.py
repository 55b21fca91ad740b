"""Lesson 5.8, word2vec: the catalogue of its thirteen exercises. Equations are those of the notebook."""

import heapq

import numpy as np
from scipy.special import expit, log_expit, log_softmax, logsumexp, softmax

from helpers.exercises import Lesson, case, draws

lesson = Lesson("word2vec")

# --- predictions -----------------------------------------------------------------------------------------------------

lesson.predict(
    "without_yes",
    "A classifier sees the negatives alone, never the target. After training, what does it say about a pair that stands in "
    "the text, compared with other pairs?",
    ("much more often yes", "as seldom yes as for the others", "no for the pairs of the text, yes for the others"),
    "Every label is 0, so every score falls, whichever pair it belongs to.",
)
lesson.predict(
    "chance_score",
    "K = 5. A pair stands side by side exactly as often as chance would have it. Which score makes its loss smallest?",
    ("0", "below 0", "above 0"),
    "Each time that it is a target, K other draws make it a negative K times: the no is K times as frequent as the yes.",
)
lesson.predict(
    "touched",
    "E and Θ of 1221 words, 50 numbers per word and matrix. How many numbers does one step with 5 negatives change at most?",
    because="One column of E and six columns of Θ are touched: seven times 50.",
)
lesson.predict(
    "counting",
    "Own vectors from a million steps, against a table of counts and one singular value decomposition, on the same pairs. "
    "Whose nearest words are more often of the same group?",
    ("the trained ones, by more than 0.1", "they are within 0.1 of each other", "the counted ones, by more than 0.1"),
    "Both describe the same counts: the score that training looks for is a logarithm of them.",
)


# --- skipgram_pairs --------------------------------------------------------------------------------------------------


def text_of(rng, T, n):
    """Return a text of T numbered words in which a word stands twice side by side and its first word comes again."""
    words = [int(word) for word in rng.permutation(n)[:T]] + [int(word) for word in rng.integers(0, n, max(T - n, 0))]
    if T > 4:
        words[3], words[-1] = words[2], words[0]
    return words


def pair_cases(rng):
    return [
        case(words=text_of(rng, T, n), window=window)
        for T, n, window in ((9, 12, 2), (7, 9, 1), (8, 30, 3), (3, 8, 5), (6, 8, 4))
    ]


@lesson.exercise(
    points=2,
    topic=65,
    equation="(8.1)",
    cases=pair_cases,
    ask="Which places j belong to the centre at place i? Near the left end i - window is negative: which number do you begin "
    "with, and does `range` reach its last number?",
    small={"words": [7, 7, 4], "window": 1},
)
def skipgram_pairs(words, window):
    """List the pairs of a centre and a target.

    Parameters
    ----------
    words : list of int
        The text: the number of each word, in order.
    window : int
        How far a target may stand from its centre.

    Returns
    -------
    list of tuple
        ``(c, t)``: the centres from left to right, and for each its targets from left to right.

    References
    ----------
    T. Mikolov, K. Chen, G. Corrado, J. Dean, "Efficient estimation of word representations in vector space", 2013,
    arXiv:1301.3781.
    """
    pairs = []
    for i, c in enumerate(words):
        for j in range(max(0, i - window), min(len(words), i + window + 1)):
            if j != i:
                pairs.append((c, words[j]))  # (8.1)
    return pairs


def places(T, window, i, left=None, right=None):
    """Return the places around i, i itself left out; ``left`` and ``right`` replace the window on one side."""
    left, right = (window if side is None else side for side in (left, right))
    return [j for j in range(i - left, i + right + 1) if j != i and 0 <= j < T]


def around(words, window, i, **sides):
    return [words[j] for j in places(len(words), window, i, **sides)]


@skipgram_pairs.mistake("The centre is paired with its own place. Leave out j = i.")
def pairs_with_itself(words, window):
    every = [(i, j) for i in range(len(words)) for j in range(len(words)) if abs(i - j) <= window]
    return [(words[i], words[j]) for i, j in every]


@skipgram_pairs.mistake(
    "A target that is the same word as the centre is left out. Compare the places, not the words: a word may "
    "stand twice in a window."
)
def pairs_by_word(words, window):
    return [(c, t) for i, c in enumerate(words) for t in around(words, window, i) if t != c]


@skipgram_pairs.mistake("The last place of the window is missing. `range` stops before its end: i + window + 1.")
def pairs_without_last(words, window):
    return [(c, t) for i, c in enumerate(words) for t in around(words, window, i, right=window - 1)]


@skipgram_pairs.mistake("Target and centre are exchanged. A pair is (centre, target), the centres in order.")
def pairs_exchanged(words, window):
    return [(t, c) for i, c in enumerate(words) for t in around(words, window, i)]


@skipgram_pairs.mistake("Only targets on the right are taken. The window reaches to both sides.")
def pairs_to_the_right(words, window):
    return [(c, t) for i, c in enumerate(words) for t in around(words, window, i, left=0)]


@skipgram_pairs.mistake("Only targets on the left are taken. The window reaches to both sides.")
def pairs_to_the_left(words, window):
    return [(c, t) for i, c in enumerate(words) for t in around(words, window, i, right=0)]


@skipgram_pairs.mistake(
    "At the left edge your index is negative, and Python counts from the end. Begin at max(0, i - window)."
)
def pairs_around_the_corner(words, window):
    T = len(words)
    return [
        (words[i], words[j]) for i in range(T) for j in range(i - window, min(T, i + window + 1)) if j != i and j >= -T
    ]


@skipgram_pairs.mistake("Centres near the edges are left out. Their windows are cut off at the edge, not dropped.")
def pairs_of_full_windows(words, window):
    T = len(words)
    return [(words[i], t) for i in range(window, T - window) for t in around(words, window, i)]


@skipgram_pairs.mistake("These are places in the text. A pair holds the words at them: words[i], words[j].")
def pairs_of_places(words, window):
    return [(i, j) for i in range(len(words)) for j in places(len(words), window, i)]


@skipgram_pairs.mistake("Pairs that come again are dropped. A pair that occurs twice counts twice.")
def pairs_once(words, window):
    return list(dict.fromkeys((c, t) for i, c in enumerate(words) for t in around(words, window, i)))


@skipgram_pairs.mistake("The window is half as wide as asked for: `window` is the distance to each side.")
def pairs_of_half_window(words, window):
    return [(c, t) for i, c in enumerate(words) for t in around(words, window // 2, i)]


@skipgram_pairs.mistake("Only the words at the distance `window` are taken. Take all distances from 1 to it.")
def pairs_at_the_edge(words, window):
    T = len(words)
    return [(words[i], words[j]) for i in range(T) for j in (i - window, i + window) if 0 <= j < T]


@skipgram_pairs.mistake(
    "At the left edge your places are negative, and words[-1] is the last word. Begin at max(0, i - window)."
)
def pairs_with_negative_places(words, window):
    T = len(words)
    return [(words[i], words[j]) for i in range(T) for j in range(i - window, min(T, i + window + 1)) if j != i]


@skipgram_pairs.accept
def pairs_from_slices(words, window):
    return [(c, t) for i, c in enumerate(words) for t in words[max(0, i - window) : i] + words[i + 1 : i + 1 + window]]


@skipgram_pairs.accept(
    "It asks of every two places whether they are near. That is easy to read, and slow for a long text."
)
def pairs_of_all_places(words, window):
    T = len(words)
    return [(words[i], words[j]) for i in range(T) for j in range(T) if 0 < abs(i - j) <= window]


@skipgram_pairs.accept
def pairs_as_lists(words, window):
    return [[c, t] for i, c in enumerate(words) for t in around(words, window, i)]


@skipgram_pairs.accept
def pairs_from_matrix(words, window):
    distance = np.abs(np.subtract.outer(np.arange(len(words)), np.arange(len(words))))
    return np.array(words)[np.argwhere((distance > 0) & (distance <= window))].tolist()


# --- cbow_pairs ------------------------------------------------------------------------------------------------------


def context_cases(rng):
    sizes = ((9, 12, 2), (7, 9, 1), (8, 30, 3), (3, 8, 5), (6, 8, 4), (1, 8, 2))
    return [case(words=text_of(rng, T, n), window=window) for T, n, window in sizes]


@lesson.exercise(
    points=2,
    topic=68,
    equation="(8.25)",
    cases=context_cases,
    ask="The context is what stands left of place i and what stands right of it. Where does each of the two slices begin and "
    "end, and what if both are empty?",
    small={"words": [7, 7, 4], "window": 1},
)
def cbow_pairs(words, window):
    """List the pairs of a context and the word in its middle.

    Parameters
    ----------
    words : list of int
    window : int

    Returns
    -------
    list of tuple
        ``(context, t)``: the targets from left to right, each with the list of the words around it, from left to
        right. A word with no other word around it gives no pair.

    References
    ----------
    T. Mikolov, K. Chen, G. Corrado, J. Dean, "Efficient estimation of word representations in vector space", 2013,
    arXiv:1301.3781.
    """
    pairs = []
    for i, t in enumerate(words):
        context = words[max(0, i - window) : i] + words[i + 1 : i + 1 + window]
        if context:
            pairs.append((context, t))  # (8.25)
    return pairs


def contexts(words, window, **sides):
    return [(around(words, window, i, **sides), t) for i, t in enumerate(words)]


@cbow_pairs.mistake("A word without neighbours has an empty context. There is nothing to predict from: leave it out.")
def contexts_with_empty(words, window):
    return contexts(words, window)


@cbow_pairs.mistake("The context holds the word that is to be predicted. Leave out the middle place.")
def contexts_with_target(words, window):
    return [(words[max(0, i - window) : i + 1 + window], t) for i, t in enumerate(words) if len(words) > 1]


@cbow_pairs.mistake("A neighbour that is the same word as the target is left out. Compare the places, not the words.")
def contexts_by_word(words, window):
    found = [([word for word in context if word != t], t) for context, t in contexts(words, window)]
    return [pair for pair in found if pair[0]]


@cbow_pairs.mistake("The last place of the window is missing. A slice stops before its end: i + 1 + window.")
def contexts_without_last(words, window):
    return [pair for pair in contexts(words, window, right=window - 1) if pair[0]]


@cbow_pairs.mistake("Only words on the left are in the context. It reaches to both sides.")
def contexts_to_the_left(words, window):
    return [pair for pair in contexts(words, window, right=0) if pair[0]]


@cbow_pairs.mistake("Only words on the right are in the context. It reaches to both sides.")
def contexts_to_the_right(words, window):
    return [pair for pair in contexts(words, window, left=0) if pair[0]]


@cbow_pairs.mistake(
    "At the left edge the slice begins at a negative index, and Python counts from the end. Begin at max(0, i - window)."
)
def contexts_around_the_corner(words, window):
    found = [(words[i - window : i] + words[i + 1 : i + 1 + window], t) for i, t in enumerate(words)]
    return [pair for pair in found if pair[0]]


@cbow_pairs.mistake("Targets near the edges are left out. Their contexts are shorter, not dropped.")
def contexts_of_full_windows(words, window):
    return contexts(words, window)[window : len(words) - window]


@cbow_pairs.mistake("A word that stands twice in the context is kept once. It counts twice: make a list, not a set.")
def contexts_without_repeats(words, window):
    return [(list(dict.fromkeys(context)), t) for context, t in contexts(words, window) if context]


@cbow_pairs.mistake("Each pair is exchanged. The context comes first, then the target.")
def contexts_exchanged(words, window):
    return [(t, context) for context, t in contexts(words, window) if context]


@cbow_pairs.mistake("These are the pairs of skip-gram. CBOW has one pair per target, with the whole context.")
def contexts_flat(words, window):
    return [(word, t) for context, t in contexts(words, window) for word in context]


@cbow_pairs.mistake("The context holds places in the text. It holds the words at them.")
def contexts_of_places(words, window):
    T = len(words)
    return [(places(T, window, i), t) for i, t in enumerate(words) if T > 1]


@cbow_pairs.accept("One loop with the condition of (8.25) in its words, in place of two slices.")
def contexts_loop(words, window):
    found = []
    for i in range(len(words)):
        context = []
        for j in range(i - window, i + window + 1):
            if j != i and 0 <= j < len(words):
                context.append(words[j])
        if len(context) > 0:
            found.append([context, words[i]])
    return found


@cbow_pairs.accept
def contexts_filtered(words, window):
    return [pair for pair in contexts(words, window) if pair[0]]


@cbow_pairs.accept
def contexts_as_arrays(words, window):
    numbers = np.array(words)
    at = np.arange(len(words))
    return [(numbers[(at != i) & (np.abs(at - i) <= window)], words[i]) for i in at if len(words) > 1]


# --- naive_softmax_loss_and_gradient ---------------------------------------------------------------------------------


def softmax_cases(rng):
    cases = []
    for n_e, n, scale in ((3, 5, 1.0), (4, 7, 0.7), (2, 6, 1.6), (3, 4, 40.0)):
        e_c, Theta = scale * rng.normal(size=(n_e, 1)), scale * rng.normal(size=(n_e, n))
        t = int(rng.integers(1, n - 1))
        if scale > 10:  # the target's score is about -1000 and another one about +1000
            z = (Theta.T @ e_c)[:, 0]
            wanted = np.linspace(1000, -900, n) + rng.normal(size=n)
            wanted[t] = -1000 + rng.normal()
            Theta = Theta + e_c @ (wanted - z)[None] / np.sum(e_c**2)
        cases.append(case(e_c=e_c, t=t, Theta=Theta))
    return cases


@lesson.exercise(
    points=3,
    topic=65,
    equation="(8.6) to (8.10)",
    returns=("loss", "de", "dTheta"),
    cases=softmax_cases,
    backward=True,
    ask="Keep the scores minus the largest one. Which entry of them, and which logarithm, make the loss (8.7), without the "
    "logarithm of a probability?",
    small={"e_c": np.array([[2.0]]), "t": 0, "Theta": np.array([[0.5, 0.0]])},
    why={
        "question": "Why is the largest score subtracted?",
        "choices": {
            "then no exponential overflows, and the loss stays the same": "Yes: by (8.7) the factor cancels.",
            "then the probabilities add up to 1": "No: they do in any case, as long as nothing overflows.",
            "then the target has the largest score": "No: the order of the scores stays.",
        },
    },
)
def naive_softmax_loss_and_gradient(e_c, t, Theta):
    """Return the loss of one pair under the softmax over all words, and its gradients.

    Parameters
    ----------
    e_c : ndarray, shape (n_e, 1)
        The vector of the centre.
    t : int
        The number of the target.
    Theta : ndarray, shape (n_e, n)
        The output vectors, one column per word.

    Returns
    -------
    loss : float
        Finite for scores of any size.
    de : ndarray, shape (n_e, 1)
        Derivative of the loss by ``e_c``.
    dTheta : ndarray, shape (n_e, n)
        Derivative of the loss by ``Theta``.
    """
    z = Theta.T @ e_c  # (8.4)
    shifted = z - np.max(z)
    total = np.sum(np.exp(shifted))
    loss = np.log(total) - shifted[t, 0]  # (8.7)
    dz = np.exp(shifted) / total
    dz[t] -= 1  # (8.8)
    return loss, Theta @ dz, e_c @ dz.T  # (8.9), (8.10)


def softmax_parts(e_c, t, Theta):
    """Return the loss, y_hat and y."""
    z = Theta.T @ e_c
    y = np.zeros(z.shape)
    y[t] = 1.0
    return float(-log_softmax(z)[t, 0]), softmax(z), y


@naive_softmax_loss_and_gradient.mistake(
    "exp(z) is too large for a score of 1000. Subtract the largest score from all of them first: (8.7)."
)
def softmax_unstable(e_c, t, Theta):
    z = Theta.T @ e_c
    y_hat = np.exp(z) / np.sum(np.exp(z))
    dz = y_hat - softmax_parts(e_c, t, Theta)[2]
    return -np.log(y_hat[t, 0]), Theta @ dz, e_c @ dz.T


@naive_softmax_loss_and_gradient.mistake(
    "The softmax is stable, but its logarithm is not: where ŷ is 0, log(ŷ) is minus infinity. Take the loss from the "
    "scores: (8.7)."
)
def softmax_log_of_zero(e_c, t, Theta):
    _, y_hat, y = softmax_parts(e_c, t, Theta)
    return -np.log(y_hat[t, 0]), Theta @ (y_hat - y), e_c @ (y_hat - y).T


@naive_softmax_loss_and_gradient.mistake(
    "A small number is added inside the logarithm. It changes the loss. Use (8.7)."
)
def softmax_with_epsilon(e_c, t, Theta):
    _, y_hat, y = softmax_parts(e_c, t, Theta)
    return -np.log(y_hat[t, 0] + 1e-8), Theta @ (y_hat - y), e_c @ (y_hat - y).T


@naive_softmax_loss_and_gradient.mistake("The derivative by the scores is ŷ - y. You have y - ŷ.")
def softmax_sign_of_dz(e_c, t, Theta):
    loss, y_hat, y = softmax_parts(e_c, t, Theta)
    return loss, Theta @ (y - y_hat), e_c @ (y - y_hat).T


@naive_softmax_loss_and_gradient.mistake("The target is not subtracted: the derivative by the scores is ŷ - y, not ŷ.")
def softmax_without_y(e_c, t, Theta):
    loss, y_hat, _ = softmax_parts(e_c, t, Theta)
    return loss, Theta @ y_hat, e_c @ y_hat.T


@naive_softmax_loss_and_gradient.mistake(
    "Only the target's output vector gets a gradient. The softmax has all scores in it: each column of Θ gets one."
)
def softmax_target_only(e_c, t, Theta):
    loss, y_hat, y = softmax_parts(e_c, t, Theta)
    return loss, Theta @ (y_hat - y), e_c @ ((y_hat - y) * y).T


@naive_softmax_loss_and_gradient.mistake(
    "de holds the part of the target alone. All columns of Θ act on the loss: de = Θ (ŷ - y)."
)
def softmax_de_of_target(e_c, t, Theta):
    loss, y_hat, y = softmax_parts(e_c, t, Theta)
    return loss, Theta @ ((y_hat - y) * y), e_c @ (y_hat - y).T


@naive_softmax_loss_and_gradient.mistake("The loss is the probability of the target. Take minus its logarithm.")
def softmax_probability(e_c, t, Theta):
    _, y_hat, y = softmax_parts(e_c, t, Theta)
    return y_hat[t, 0], Theta @ (y_hat - y), e_c @ (y_hat - y).T


@naive_softmax_loss_and_gradient.mistake("The loss has the wrong sign: it is minus log ŷ, never below 0.")
def softmax_sign_of_loss(e_c, t, Theta):
    loss, y_hat, y = softmax_parts(e_c, t, Theta)
    return -loss, Theta @ (y_hat - y), e_c @ (y_hat - y).T


@naive_softmax_loss_and_gradient.mistake(
    "The loss is log ŷ: its minus is missing. And where ŷ is 0, its logarithm is infinite. Take the loss from the scores: "
    "(8.7)."
)
def softmax_log_without_minus(e_c, t, Theta):
    _, y_hat, y = softmax_parts(e_c, t, Theta)
    return np.log(y_hat[t, 0]), Theta @ (y_hat - y), e_c @ (y_hat - y).T


@naive_softmax_loss_and_gradient.mistake(
    "dTheta is transposed. Words are columns: it is e_c times the row dzᵀ, (n_e, n)."
)
def softmax_transposed(e_c, t, Theta):
    loss, y_hat, y = softmax_parts(e_c, t, Theta)
    return loss, Theta @ (y_hat - y), (y_hat - y) @ e_c.T


@naive_softmax_loss_and_gradient.mistake(
    "The gradients are divided by the number of words. The loss of one pair is a sum."
)
def softmax_mean(e_c, t, Theta):
    loss, y_hat, y = softmax_parts(e_c, t, Theta)
    return loss, Theta @ (y_hat - y) / len(y), e_c @ (y_hat - y).T / len(y)


@naive_softmax_loss_and_gradient.mistake("The two gradients are exchanged. The order is loss, de, dTheta.")
def softmax_order(e_c, t, Theta):
    loss, y_hat, y = softmax_parts(e_c, t, Theta)
    return loss, e_c @ (y_hat - y).T, Theta @ (y_hat - y)


@naive_softmax_loss_and_gradient.mistake("1 is added at the target. The derivative is ŷ - y: take 1 off there.")
def softmax_one_added(e_c, t, Theta):
    loss, y_hat, y = softmax_parts(e_c, t, Theta)
    return loss, Theta @ (y_hat + y), e_c @ (y_hat + y).T


@naive_softmax_loss_and_gradient.mistake(
    "M is missing at the target's score in the loss: it is log of the sum, minus (z_t - M)."
)
def softmax_shift_forgotten(e_c, t, Theta):
    loss, y_hat, y = softmax_parts(e_c, t, Theta)
    return loss - np.max(Theta.T @ e_c), Theta @ (y_hat - y), e_c @ (y_hat - y).T


@naive_softmax_loss_and_gradient.accept
def softmax_with_scipy(e_c, t, Theta):
    loss, y_hat, y = softmax_parts(e_c, t, Theta)
    return loss, Theta @ (y_hat - y), e_c @ (y_hat - y).T


@naive_softmax_loss_and_gradient.accept
def softmax_loop(e_c, t, Theta):
    n_e, n = Theta.shape
    z = [sum(Theta[k, j] * e_c[k, 0] for k in range(n_e)) for j in range(n)]
    loss = logsumexp(z) - z[t]
    de, dTheta = np.zeros((n_e, 1)), np.zeros((n_e, n))
    for j in range(n):
        dz = np.exp(z[j] - logsumexp(z)) - (j == t)
        for k in range(n_e):
            de[k, 0] += dz * Theta[k, j]
            dTheta[k, j] = dz * e_c[k, 0]
    return loss, de, dTheta


@naive_softmax_loss_and_gradient.accept
def softmax_expected_vector(e_c, t, Theta):
    z = (Theta.T @ e_c)[:, 0]
    p = np.exp(z - logsumexp(z))
    dTheta = np.outer(e_c, p)
    dTheta[:, t] -= e_c[:, 0]
    return logsumexp(z) - z[t], (Theta @ p - Theta[:, t])[:, None], dTheta


@naive_softmax_loss_and_gradient.accept("`einsum` names the index that is summed away: j in de, o in dΘ.")
def softmax_einsum(e_c, t, Theta):
    loss, y_hat, y = softmax_parts(e_c, t, Theta)
    dz = y_hat - y
    return loss, np.einsum("kj,jo->ko", Theta, dz), np.einsum("ko,jo->kj", e_c, dz)


# --- unigram_distribution --------------------------------------------------------------------------------------------


def count_cases(rng):
    return [
        case(counts=np.sort(rng.integers(low, high, n))[::-1].copy())
        for n, low, high in ((4, 3, 90), (7, 2, 40), (3, 500, 9000), (12, 5, 300))
    ]


@lesson.exercise(
    points=1,
    topic=67,
    equation="(8.21)",
    cases=count_cases,
    ask="What is taken first, the power or the division by the sum? What does `counts**3/4` mean in Python?",
    small={"counts": np.array([81, 16, 1])},
)
def unigram_distribution(counts):
    """Return with what probability each word is drawn as a negative.

    Parameters
    ----------
    counts : ndarray of int, shape (n,)
        How often each word occurs.

    Returns
    -------
    ndarray, shape (n,)
        Proportional to the frequencies to the power 3/4; the sum is 1.

    References
    ----------
    T. Mikolov, I. Sutskever, K. Chen, G. Corrado, J. Dean, "Distributed representations of words and phrases and their
    compositionality", 2013, arXiv:1310.4546.
    """
    weights = counts**0.75
    return weights / np.sum(weights)  # (8.21)


@unigram_distribution.mistake("These are the frequencies themselves. Take the power 3/4 first, then divide by the sum.")
def power_one(counts):
    return counts / counts.sum()


@unigram_distribution.mistake("All words get the same probability. That is the power 0; (8.21) takes 3/4.")
def power_zero(counts):
    return np.full(len(counts), 1 / len(counts))


@unigram_distribution.mistake("The weights are not divided by their sum. Probabilities have the sum 1.")
def power_unnormalised(counts):
    return counts**0.75


@unigram_distribution.mistake(
    "The sum of the probabilities is not 1. Divide by the sum of the powers: not by the power of the sum, which is the same "
    "as to take the power of f / sum(f)."
)
def power_of_frequencies(counts):
    return (counts / counts.sum()) ** 0.75


@unigram_distribution.mistake(
    "The numerator has the power 3/4, but the denominator is the sum of the counts as they are."
)
def power_in_numerator(counts):
    return counts**0.75 / counts.sum()


@unigram_distribution.mistake("The counts are multiplied by 3/4. It is a power: `counts**0.75`.")
def power_as_factor(counts):
    return counts * 0.75 / counts.sum()


@unigram_distribution.mistake("The power is 4/3. It makes frequent words more frequent; 3/4 makes them rarer.")
def power_inverted(counts):
    return counts ** (4 / 3) / np.sum(counts ** (4 / 3))


@unigram_distribution.mistake("The power is -3/4: then the rarest word is drawn most.")
def power_negative(counts):
    return counts**-0.75 / np.sum(counts**-0.75)


@unigram_distribution.mistake("`counts**3/4` is (counts**3)/4 in Python. Write `counts ** (3 / 4)`.")
def power_three(counts):
    return counts**3 / np.sum(counts**3)


@unigram_distribution.mistake("The weights are divided by the largest one. Divide by their sum.")
def power_by_largest(counts):
    return counts**0.75 / np.max(counts**0.75)


@unigram_distribution.accept
def power_of_shares(counts):
    shares = (counts / counts.sum()) ** (3 / 4)
    return shares / shares.sum()


@unigram_distribution.accept("A softmax of 3/4 log f: a power is an exponential of a logarithm.")
def power_with_logarithms(counts):
    return softmax(0.75 * np.log(counts))


@unigram_distribution.accept
def power_by_roots(counts):
    weights = [np.sqrt(count) * np.sqrt(np.sqrt(count)) for count in counts]
    return np.array([weight / sum(weights) for weight in weights])


# --- sample_negatives ------------------------------------------------------------------------------------------------


def negative_cases(rng):
    """More negatives than other words, so that a word occurs twice in every right answer; then fewer."""
    cases = []
    for P, t, K in (
        ([0.57, 0.3, 0.02, 0.02, 0.03, 0.06], 1, 6),
        ([0.5, 0.2, 0.25, 0.05], 0, 4),
        ([0.3, 0.2, 0.5], 2, 5),
        ([0.4, 0.2, 0.15, 0.05, 0.05, 0.04, 0.04, 0.03, 0.02, 0.02], 3, 4),
    ):
        P = np.array(P) * rng.uniform(0.9, 1.1, len(P))
        cases.append(case(t=t, P=P / P.sum(), K=K, rng=np.random.default_rng(rng.integers(2**32))))
    return cases


@lesson.exercise(
    points=2,
    topic=67,
    equation="(8.22)",
    cases=negative_cases,
    judge=draws(500),
    ask="Which entry of a copy of P must be 0, and what must the others be divided by, so that they add up to 1? May a word "
    "come twice?",
    small={"t": 0, "P": np.array([0.5, 0.3, 0.2]), "K": 3, "rng": np.random.default_rng(0)},
)
def sample_negatives(t, P, K, rng):
    """Draw negatives for a target.

    Parameters
    ----------
    t : int
        The target, which is never drawn.
    P : ndarray, shape (n,)
        Probabilities of the words, from `unigram_distribution`.
    K : int
        How many. A word may be drawn more than once.
    rng : Generator

    Returns
    -------
    ndarray of int, shape (K,)
    """
    others = P.copy()
    others[t] = 0
    return rng.choice(len(P), size=K, p=others / np.sum(others))  # (8.22)


def without(t, P):
    others = np.where(np.arange(len(P)) == t, 0, P)
    return others / others.sum()


@sample_negatives.mistake("The target itself is drawn sometimes. It is no negative: give it the probability 0.")
def negatives_with_target(t, P, K, rng):
    return rng.choice(len(P), size=K, p=P)


@sample_negatives.mistake("All words are drawn with the same probability. Use P: `rng.choice(..., p=...)`.")
def negatives_uniform(t, P, K, rng):
    return rng.choice(np.delete(np.arange(len(P)), t), size=K)


@sample_negatives.mistake(
    "No word is drawn twice as long as there are enough others. Negatives are drawn with replacement, however many words "
    "there are."
)
def negatives_replaced_only_if_need_be(t, P, K, rng):
    others = without(t, P)
    return rng.choice(len(P), size=K, p=others, replace=bool(np.count_nonzero(others) < K))


@sample_negatives.mistake("No word is drawn twice. Negatives are drawn with replacement, each by itself.")
def negatives_without_replacement(t, P, K, rng):
    return rng.choice(len(P), size=K, p=without(t, P), replace=False)


@sample_negatives.mistake(
    "Where the target is drawn, the next word takes its place. Draw again, or give it the probability 0 before: only then "
    "do the others keep their proportions."
)
def negatives_moved_on(t, P, K, rng):
    drawn = rng.choice(len(P), size=K, p=P)
    return np.where(drawn == t, (drawn + 1) % len(P), drawn)


@sample_negatives.mistake(
    "The target's entry is deleted from P, so all later words move down by one number. Keep the numbers of the words."
)
def negatives_renumbered(t, P, K, rng):
    others = np.delete(P, t)
    return rng.choice(len(others), size=K, p=others / others.sum())


@sample_negatives.mistake("There are not K negatives in each call: a drawn target is dropped without a new draw.")
def negatives_dropped(t, P, K, rng):
    drawn = rng.choice(len(P), size=K, p=P)
    return drawn[drawn != t]


@sample_negatives.mistake("The target is in the result. Return the K negatives only.")
def negatives_and_target(t, P, K, rng):
    return np.append(t, rng.choice(len(P), size=K, p=without(t, P)))


@sample_negatives.mistake("The power 3/4 is taken a second time. P has it already.")
def negatives_power_again(t, P, K, rng):
    others = without(t, P) ** 0.75
    return rng.choice(len(P), size=K, p=others / others.sum())


@sample_negatives.mistake("The draws come from np.random, which all code shares. Draw from rng.")
def negatives_from_global(t, P, K, rng):
    return np.random.choice(len(P), size=K, p=without(t, P))


@sample_negatives.mistake(
    "A generator with a fixed seed is made in each call, so the negatives are always the same ones."
)
def negatives_fixed_seed(t, P, K, rng):
    return np.random.default_rng(0).choice(len(P), size=K, p=without(t, P))


@sample_negatives.mistake("One word is drawn and taken K times. Draw K times, each by itself.")
def negatives_one_draw(t, P, K, rng):
    return np.full(K, rng.choice(len(P), p=without(t, P)))


@sample_negatives.mistake("The most probable words are taken, nothing is drawn.")
def negatives_most_frequent(t, P, K, rng):
    return np.resize(np.argsort(-without(t, P))[:-1], K)


@sample_negatives.accept("It draws until the word is not the target. The others keep their proportions, as in (8.22).")
def negatives_rejected(t, P, K, rng):
    found = []
    while len(found) < K:
        word = int(rng.choice(len(P), p=P))
        if word != t:
            found.append(word)
    return np.array(found)


@sample_negatives.accept
def negatives_by_search(t, P, K, rng):
    sums = np.cumsum(without(t, P))
    return np.searchsorted(sums, rng.random(K) * sums[-1], side="right")


@sample_negatives.accept
def negatives_from_numbers(t, P, K, rng):
    others = np.delete(np.arange(len(P)), t)
    return rng.choice(others, size=K, p=P[others] / (1 - P[t]))


# --- neg_sampling_loss_and_gradient ----------------------------------------------------------------------------------


def sampling_cases(rng):
    cases = []
    for n_e, n, K, scale in (
        (3, 6, 4, 1.0),
        (4, 9, 5, 0.6),
        (2, 7, 3, 1.5),
        (3, 5, 1, 0.8),
        (3, 8, 6, -1),
        (2, 6, 4, 1),
    ):
        e_c, Theta = rng.normal(size=(n_e, 1)), abs(scale) * rng.normal(size=(n_e, n))
        order = [int(word) for word in rng.permutation(n)]
        t, negatives = order[0], np.array(order[1 : K + 1])
        if K > 1:
            negatives[-1] = negatives[0]  # a word that is drawn twice
        if K > 4:
            negatives[2] = negatives[0]
        if len(cases) > 3:  # scores of about +-1000; the target's is -1000, or that of a negative is 1000
            wanted = np.full(n, -1000.0) + rng.normal(size=n)
            wanted[negatives[1]] = 1000 * scale
            wanted[t] = 1000 * scale - 1
            Theta = Theta + e_c @ (wanted - (Theta.T @ e_c)[:, 0])[None] / np.sum(e_c**2)
        cases.append(case(e_c=e_c, t=t, negatives=negatives, Theta=Theta))
    return cases


@lesson.exercise(
    points=3,
    topic=67,
    equation="(8.17) to (8.20)",
    returns=("loss", "de", "dTheta"),
    cases=sampling_cases,
    backward=True,
    ask="Put the target in front of the negatives. Which label has each of these K + 1 words, and what happens to a column "
    "whose word stands there twice?",
    small={"e_c": np.array([[1.0]]), "t": 0, "negatives": np.array([2, 2]), "Theta": np.array([[0.2, 0.0, -0.3]])},
)
def neg_sampling_loss_and_gradient(e_c, t, negatives, Theta):
    """Return the loss of K + 1 binary classifiers, and its gradients.

    Parameters
    ----------
    e_c : ndarray, shape (n_e, 1)
        The vector of the centre.
    t : int
        The target.
    negatives : ndarray of int, shape (K,)
        The target is not among them; a word may be there more than once.
    Theta : ndarray, shape (n_e, n)

    Returns
    -------
    loss : float
        Finite for scores of any size.
    de : ndarray, shape (n_e, 1)
    dTheta : ndarray, shape (n_e, n)
        Zero in the columns of all other words.

    References
    ----------
    T. Mikolov, I. Sutskever, K. Chen, G. Corrado, J. Dean, "Distributed representations of words and phrases and their
    compositionality", 2013, arXiv:1310.4546.
    """
    drawn = np.concatenate([[t], negatives])
    y = np.zeros((len(drawn), 1))
    y[0] = 1
    z = Theta[:, drawn].T @ e_c
    loss = np.sum(np.logaddexp(0, (1 - 2 * y) * z))  # (8.17)
    dz = expit(z) - y  # (8.18)
    dTheta = np.zeros(Theta.shape)
    np.add.at(dTheta, (slice(None), drawn), e_c @ dz.T)  # (8.20)
    return loss, Theta[:, drawn] @ dz, dTheta  # (8.19)


def sampling_parts(e_c, t, negatives, Theta):
    """Return the words, their scores (K + 1,) and labels."""
    drawn = [t, *(int(word) for word in negatives)]
    z = np.array([float(Theta[:, word] @ e_c[:, 0]) for word in drawn])
    return drawn, z, np.array([1.0] + [0.0] * len(negatives))


def sampling_variant(e_c, t, negatives, Theta, change=lambda dz: dz, loss=None):
    """Return the answer with the derivatives by the scores changed."""
    drawn, z, y = sampling_parts(e_c, t, negatives, Theta)
    right = -np.sum(log_expit(np.where(y == 1, z, -z)))
    dz = change(expit(z) - y)
    de, dTheta = np.zeros(e_c.shape), np.zeros(Theta.shape)
    for word, d in zip(drawn, dz, strict=True):
        de[:, 0] += d * Theta[:, word]
        dTheta[:, word] += d * e_c[:, 0]
    return right if loss is None else loss(z, y), de, dTheta


@neg_sampling_loss_and_gradient.mistake(
    "The loss of the negatives has the wrong sign inside, though the gradients are right: it is -log σ(-z), "
    "`np.logaddexp(0, z)`."
)
def sampling_loss_of_negatives(e_c, t, negatives, Theta):
    return sampling_variant(e_c, t, negatives, Theta, loss=lambda z, y: -np.sum(log_expit(z)))


@neg_sampling_loss_and_gradient.mistake(
    "The gradients of the negatives have the wrong sign. Their label is 0: the derivative by the score is σ(z)."
)
def sampling_sign_of_negatives(e_c, t, negatives, Theta):
    return sampling_variant(e_c, t, negatives, Theta, change=lambda dz: np.append(dz[:1], -dz[1:]))


@neg_sampling_loss_and_gradient.mistake("In de the label is forgotten: the derivative by each score is σ(z) - y.")
def sampling_de_without_label(e_c, t, negatives, Theta):
    loss, de, dTheta = sampling_variant(e_c, t, negatives, Theta)
    return loss, de + Theta[:, [t]], dTheta


@neg_sampling_loss_and_gradient.mistake("In dTheta the label is forgotten: the derivative by each score is σ(z) - y.")
def sampling_theta_without_label(e_c, t, negatives, Theta):
    loss, de, dTheta = sampling_variant(e_c, t, negatives, Theta)
    dTheta[:, [t]] += e_c
    return loss, de, dTheta


@neg_sampling_loss_and_gradient.mistake(
    "A word that is drawn twice gets its gradient once: `dTheta[:, words] = ...` and `+=` write each column once. "
    "Use np.add.at, or a loop."
)
def sampling_overwritten(e_c, t, negatives, Theta):
    drawn, z, y = sampling_parts(e_c, t, negatives, Theta)
    loss, de, dTheta = sampling_variant(e_c, t, negatives, Theta)
    dTheta[:, drawn] = e_c * (expit(z) - y)
    return loss, de, dTheta


@neg_sampling_loss_and_gradient.mistake(
    "Each word is counted once. A negative that is drawn twice counts twice, in the loss too."
)
def sampling_unique(e_c, t, negatives, Theta):
    return sampling_variant(e_c, t, np.unique(negatives), Theta)


@neg_sampling_loss_and_gradient.mistake(
    "log(σ(z)) fails for large scores: σ(-1000) is 0 and log(0) is minus infinity. Use log σ(z) = -logaddexp(0, -z)."
)
def sampling_log_of_zero(e_c, t, negatives, Theta):
    return sampling_variant(e_c, t, negatives, Theta, loss=lambda z, y: -np.sum(np.log(expit(np.where(y == 1, z, -z)))))


@neg_sampling_loss_and_gradient.mistake(
    "log(1 - σ(z)) fails for large scores, where σ is 1. Write it as log σ(-z), and that as -logaddexp(0, z)."
)
def sampling_one_minus(e_c, t, negatives, Theta):
    def loss(z, y):
        return -log_expit(z[0]) - np.sum(np.log(1 - expit(z[1:])))

    return sampling_variant(e_c, t, negatives, Theta, loss=loss)


@neg_sampling_loss_and_gradient.mistake(
    "The minus inside σ is missing for the negatives: their classifiers shall say no. Their loss is -log σ(-z)."
)
def sampling_no_minus(e_c, t, negatives, Theta):
    drawn, z, y = sampling_parts(e_c, t, negatives, Theta)
    dz = expit(z) - 1
    de, dTheta = np.zeros(e_c.shape), np.zeros(Theta.shape)
    for word, d in zip(drawn, dz, strict=True):
        de[:, 0] += d * Theta[:, word]
        dTheta[:, word] += d * e_c[:, 0]
    return -np.sum(log_expit(z)), de, dTheta


@neg_sampling_loss_and_gradient.mistake("The gradients have the wrong sign: the derivative by a score is σ(z) - y.")
def sampling_sign(e_c, t, negatives, Theta):
    return sampling_variant(e_c, t, negatives, Theta, change=lambda dz: -dz)


@neg_sampling_loss_and_gradient.mistake(
    "The target is missing. There are K + 1 classifiers: one for the target and one for each negative."
)
def sampling_without_target(e_c, t, negatives, Theta):
    return sampling_variant(
        e_c, t, negatives, Theta, lambda dz: dz * (np.arange(len(dz)) > 0), lambda z, y: -np.sum(log_expit(-z[1:]))
    )


@neg_sampling_loss_and_gradient.mistake("The negatives are missing. Without them every score may grow without end.")
def sampling_without_negatives(e_c, t, negatives, Theta):
    return sampling_variant(
        e_c, t, negatives, Theta, lambda dz: dz * (np.arange(len(dz)) == 0), lambda z, y: -log_expit(z[0])
    )


@neg_sampling_loss_and_gradient.mistake(
    "The negatives are averaged. Their losses are added: the sum runs over k, without 1/K."
)
def sampling_mean(e_c, t, negatives, Theta):
    def share(dz):
        return dz / np.where(np.arange(len(dz)) == 0, 1, len(dz) - 1)

    def loss(z, y):
        return -log_expit(z[0]) - np.mean(log_expit(-z[1:]))

    return sampling_variant(e_c, t, negatives, Theta, share, loss)


@neg_sampling_loss_and_gradient.mistake("de holds the part of the target alone. The negatives push the centre, too.")
def sampling_de_of_target(e_c, t, negatives, Theta):
    loss, _, dTheta = sampling_variant(e_c, t, negatives, Theta)
    return loss, sampling_variant(e_c, t, negatives[:0], Theta)[1], dTheta


@neg_sampling_loss_and_gradient.mistake(
    "dTheta holds the drawn columns only. It has the shape of Theta, with zeros elsewhere."
)
def sampling_drawn_columns(e_c, t, negatives, Theta):
    _, z, y = sampling_parts(e_c, t, negatives, Theta)
    loss, de, _ = sampling_variant(e_c, t, negatives, Theta)
    return loss, de, e_c * (expit(z) - y)


@neg_sampling_loss_and_gradient.mistake(
    "The derivative of the logistic function is multiplied on. With the logarithm it cancels: the derivative is σ(z) - y."
)
def sampling_with_slope(e_c, t, negatives, Theta):
    _, z, _ = sampling_parts(e_c, t, negatives, Theta)
    return sampling_variant(e_c, t, negatives, Theta, lambda dz: dz * expit(z) * (1 - expit(z)))


@neg_sampling_loss_and_gradient.mistake("The loss has the wrong sign: it is minus the logarithms, never below 0.")
def sampling_sign_of_loss(e_c, t, negatives, Theta):
    return sampling_variant(e_c, t, negatives, Theta, loss=lambda z, y: np.sum(log_expit(np.where(y == 1, z, -z))))


@neg_sampling_loss_and_gradient.mistake("The target is among the negatives, too. It stands in the first term alone.")
def sampling_target_twice(e_c, t, negatives, Theta):
    return neg_sampling_loss_and_gradient(e_c, t, np.concatenate([[t], negatives]), Theta)


@neg_sampling_loss_and_gradient.accept
def sampling_loop(e_c, t, negatives, Theta):
    return sampling_variant(e_c, t, negatives, Theta)


@neg_sampling_loss_and_gradient.accept
def sampling_with_signs(e_c, t, negatives, Theta):
    drawn = np.r_[t, negatives].astype(int)
    s = np.where(np.arange(len(drawn)) == 0, 1.0, -1.0)[:, None]
    z = s * (Theta[:, drawn].T @ e_c)
    dz = -s * expit(-z)
    selected = np.eye(Theta.shape[1])[:, drawn]
    return -np.sum(log_expit(z)), Theta[:, drawn] @ dz, e_c @ (selected @ dz).T


@neg_sampling_loss_and_gradient.accept
def sampling_two_parts(e_c, t, negatives, Theta):
    z_t, z_k = (Theta[:, t] @ e_c).item(), Theta[:, negatives].T @ e_c
    dTheta = np.zeros(Theta.shape)
    dTheta[:, [t]] = -expit(-z_t) * e_c
    for word, z in zip(negatives, z_k[:, 0], strict=True):
        dTheta[:, [word]] += expit(z) * e_c
    de = -expit(-z_t) * Theta[:, [t]] + Theta[:, negatives] @ expit(z_k)
    return np.logaddexp(0, -z_t) + np.logaddexp(0, z_k).sum(), de, dTheta


@neg_sampling_loss_and_gradient.accept(
    "It counts how often each word is drawn and takes all n scores: short, and as dear as the full softmax."
)
def sampling_with_counts(e_c, t, negatives, Theta):
    counts = np.bincount(negatives, minlength=Theta.shape[1])[:, None]
    target = (np.arange(Theta.shape[1]) == t)[:, None]
    z = Theta.T @ e_c
    dz = counts * expit(z) - target * expit(-z)
    loss = np.sum(counts * np.logaddexp(0, z)) + np.logaddexp(0, -z[t, 0])
    return loss, Theta @ dz, e_c @ dz.T


# --- build_huffman_tree ----------------------------------------------------------------------------------------------


def tree_cases(rng):
    return [
        case(counts=rng.permutation([30, 18, 11, 9, 5]) + rng.integers(0, 3, 5)),
        case(counts=rng.permutation([1, 1, 2, 3, 5, 8, 13, 21, 34])),  # a comb
        case(counts=rng.permutation([4, 4, 4, 4, 4, 4, 4, 4])),  # all alike
        case(counts=rng.permutation([12, 5]) + rng.integers(0, 3, 2)),
        case(counts=np.sort(rng.integers(5, 90, 13))[::-1].copy()),
        case(counts=rng.permutation([3, 7, 7, 8, 11, 12, 12, 13, 36]) * rng.integers(1, 4)),
        case(counts=rng.permutation([6, 6, 12, 12, 3, 3])),  # ties: trees of different shapes are equally good
        case(counts=np.sort(rng.integers(40, 80, 11))),
    ]


@lesson.exercise(
    points=3,
    topic=66,
    equation="(8.16)",
    cases=tree_cases,
    judge=draws(1, view="tree"),
    ask="Each step takes two entries out of a list of (weight, number) and puts one in. Which two, with which weight and which "
    "number? `heapq` or a list that you sort anew will do.",
    small={"counts": np.array([5, 2, 1, 1])},
)
def build_huffman_tree(counts):
    """Build a Huffman tree: words that are frequent lie near the root.

    Parameters
    ----------
    counts : ndarray of int, shape (n,)
        How often each of the n >= 2 words occurs.

    Returns
    -------
    ndarray of int, shape (n - 1, 2)
        Row v holds the two children of inner node v: a number j < n is word j, n + u is inner node u, made earlier (u <
        v). The last row is the root. Left and right are free, and so is the choice among nodes of equal weight.

    References
    ----------
    D. A. Huffman, "A method for the construction of minimum-redundancy codes", 1952, doi:10.1109/JRPROC.1952.273898.
    """
    n = len(counts)
    heap = [(int(count), j) for j, count in enumerate(counts)]
    heapq.heapify(heap)
    children = np.zeros((n - 1, 2), dtype=int)
    for v in range(n - 1):
        (a, left), (b, right) = heapq.heappop(heap), heapq.heappop(heap)
        children[v] = left, right
        heapq.heappush(heap, (a + b, n + v))  # (8.16)
    return children


def merge(counts, choose, weight=lambda a, b: a + b):
    """Build a tree: ``choose`` returns the places of two entries of the list of (weight, number)."""
    n = len(counts)
    open_nodes, rows = [(int(count), j) for j, count in enumerate(counts)], []
    for v in range(n - 1):
        pair = choose(open_nodes)
        (a, left), (b, right) = (open_nodes[i] for i in pair)
        open_nodes = [node for i, node in enumerate(open_nodes) if i not in pair] + [(weight(a, b), n + v)]
        rows.append([left, right])
    return np.array(rows)


def lightest(nodes):
    return sorted(range(len(nodes)), key=lambda i: nodes[i])[:2]


@build_huffman_tree.mistake("The two heaviest nodes are merged. Merge the two lightest: they end up deepest.")
def tree_heaviest(counts):
    return merge(counts, lambda nodes: sorted(range(len(nodes)), key=lambda i: nodes[i])[-2:])


@build_huffman_tree.mistake(
    "The words are joined pair by pair without a look at their counts. Merge the two lightest nodes in each step."
)
def tree_balanced(counts):
    return merge(counts, lambda nodes: [0, 1])


@build_huffman_tree.mistake(
    "The new node is merged again at once, with the next word: a comb. It weighs as much as both children together, and "
    "with that weight it goes back among the others."
)
def tree_comb(counts):
    n, order = len(counts), np.argsort(counts)
    rows = [[order[0], order[1]]] + [[n + v - 1, order[v + 1]] for v in range(1, n - 1)]
    return np.array(rows)


@build_huffman_tree.mistake("A merged node weighs the product of its children's weights. It is their sum.")
def tree_product(counts):
    return merge(counts, lightest, lambda a, b: a * b)


@build_huffman_tree.mistake("A merged node weighs as much as the heavier of its children. It weighs their sum.")
def tree_maximum(counts):
    return merge(counts, lightest, max)


@build_huffman_tree.mistake(
    "The new node goes to the end of the list, whatever it weighs, and is not compared with the others. Take the two "
    "lightest of all open nodes at each step."
)
def tree_as_a_queue(counts):
    n = len(counts)
    waiting, rows = sorted((int(count), j) for j, count in enumerate(counts)), []
    while len(waiting) > 1:
        (a, left), (b, right), *rest = waiting
        waiting = [*rest, (a + b, n + len(rows))]
        rows.append((left, right))
    return np.array(rows)


@build_huffman_tree.mistake("The inner nodes are numbered from 0, as the words are. Inner node v has the number n + v.")
def tree_numbers(counts):
    tree, n = merge(counts, lightest), len(counts)
    return np.where(tree >= n, tree - n, tree)


@build_huffman_tree.mistake(
    "The inner nodes are numbered from n + 1. Inner node v has the number n + v, with v from 0."
)
def tree_numbers_from_one(counts):
    tree, n = merge(counts, lightest), len(counts)
    return np.where(tree >= n, tree + 1, tree)


@build_huffman_tree.mistake("Each node is merged with itself: the second one must be taken out as well.")
def tree_with_itself(counts):
    tree = merge(counts, lightest)
    return tree[:, [0, 0]]


@build_huffman_tree.mistake("The result is transposed. Each inner node is a row: (n - 1, 2).")
def tree_transposed(counts):
    return merge(counts, lightest).T


@build_huffman_tree.mistake("The root is missing. With n words there are n - 1 inner nodes.")
def tree_without_root(counts):
    return merge(counts, lightest)[:-1]


@build_huffman_tree.mistake(
    "The last row is not the root: the rows are in reverse order. The first merged node is row 0."
)
def tree_reversed(counts):
    return merge(counts, lightest)[::-1]


@build_huffman_tree.mistake(
    "Your tree is cut from the top into halves of about equal weight. That is close to the best tree, but not it. Build it "
    "from below: merge the two lightest."
)
def tree_from_the_top(counts):
    rows, n = [], len(counts)

    def build(order):
        if len(order) == 1:
            return order[0]
        sums = np.cumsum([counts[j] for j in order])
        cut = int(np.argmin(np.abs(2 * sums[:-1] - sums[-1]))) + 1
        pair = [build(order[:cut]), build(order[cut:])]
        rows.append(pair)
        return n + len(rows) - 1

    build([int(j) for j in np.argsort(-np.asarray(counts), kind="stable")])
    return np.array(rows)


@build_huffman_tree.accept
def tree_sorted_list(counts):
    return merge(counts, lightest)


@build_huffman_tree.accept
def tree_other_ties(counts):
    """Take the node that was made last among equals, and the heavier child as the left one."""
    return merge(counts, lambda nodes: sorted(range(len(nodes)), key=lambda i: (nodes[i][0], -nodes[i][1]))[1::-1])


@build_huffman_tree.accept(
    "New nodes come in rising order of their weight, so two queues do and nothing is sorted again."
)
def tree_two_queues(counts):
    n = len(counts)
    words = sorted((int(count), j) for j, count in enumerate(counts))
    made, rows = [], []
    for v in range(n - 1):
        pair = []
        for _ in range(2):
            source = words if words and (not made or words[0][0] <= made[0][0]) else made
            pair.append(source.pop(0))
        made.append((pair[0][0] + pair[1][0], n + v))
        rows.append((pair[0][1], pair[1][1]))
    return np.array(rows)


@build_huffman_tree.accept
def tree_as_in_the_program(counts):
    """Use an array of all weights and a mask of the open ones."""
    n = len(counts)
    weights = np.concatenate([counts, np.zeros(n - 1)]).astype(float)
    is_open = np.arange(2 * n - 1) < n
    children = np.zeros((n - 1, 2))
    for v in range(n - 1):
        for side in range(2):
            node = np.argmin(np.where(is_open, weights, np.inf))
            is_open[node] = False
            children[v, side] = node
        weights[n + v] = weights[children[v].astype(int)].sum()
        is_open[n + v] = True
    return children


# --- hierarchical_softmax_loss_and_gradient --------------------------------------------------------------------------


def path_cases(rng):
    cases = []
    for n_e, n, depth, scale in ((3, 7, 3, 1.0), (4, 9, 5, 0.7), (2, 6, 2, 1.4), (3, 5, 1, 0.9), (3, 8, 4, 1000.0)):
        e_c, Theta = rng.normal(size=(n_e, 1)), min(scale, 2.0) * rng.normal(size=(n_e, n - 1))
        nodes = np.append(n - 2, rng.permutation(n - 2)[: depth - 1])
        signs = rng.choice([-1, 1], depth)
        if depth > 1:
            signs[:2] = rng.permutation([-1, 1])
        if scale > 10:
            wanted = -signs * scale * np.array([1, -1, 0.9, -0.8]) + rng.normal(size=depth)
            z = (Theta[:, nodes].T @ e_c)[:, 0]
            Theta[:, nodes] += e_c @ (wanted - z)[None] / np.sum(e_c**2)
        cases.append(case(e_c=e_c, nodes=nodes, signs=signs, Theta=Theta))
    return cases


@lesson.exercise(
    points=3,
    topic=66,
    equation="(8.13) to (8.15)",
    returns=("loss", "de", "dTheta"),
    cases=path_cases,
    backward=True,
    ask="What is log(1 + exp(x)) in a form that never overflows (`np.logaddexp`)? Which columns of dTheta are not 0?",
    small={
        "e_c": np.array([[2.0]]),
        "nodes": np.array([1, 0]),
        "signs": np.array([1, -1]),
        "Theta": np.array([[0.5, -0.2]]),
    },
)
def hierarchical_softmax_loss_and_gradient(e_c, nodes, signs, Theta):
    """Return the loss of one pair under the hierarchical softmax, and its gradients.

    Parameters
    ----------
    e_c : ndarray, shape (n_e, 1)
        The vector of the centre.
    nodes : ndarray of int, shape (D,)
        The inner nodes on the way from the root to the target.
    signs : ndarray of int, shape (D,)
        +1 where the way goes left, -1 where it goes right.
    Theta : ndarray, shape (n_e, n - 1)
        One column per inner node.

    Returns
    -------
    loss : float
        Finite for scores of any size.
    de : ndarray, shape (n_e, 1)
    dTheta : ndarray, shape (n_e, n - 1)
        Zero in the columns of all other nodes.

    References
    ----------
    F. Morin, Y. Bengio, "Hierarchical probabilistic neural network language model", 2005, AISTATS.
    """
    s = signs[:, None]
    z = Theta[:, nodes].T @ e_c
    loss = np.sum(np.logaddexp(0, -s * z))  # (8.13)
    dz = -s * expit(-s * z)  # (8.14)
    dTheta = np.zeros(Theta.shape)
    dTheta[:, nodes] = e_c @ dz.T  # (8.15)
    return loss, Theta[:, nodes] @ dz, dTheta


def path_variant(e_c, nodes, signs, Theta, change=lambda dz, z: dz, loss=None):
    """Return the answer with the derivatives by the scores changed."""
    z = np.array([float(Theta[:, v] @ e_c[:, 0]) for v in nodes])
    dz = change(expit(z) - (signs > 0), z)
    dTheta = np.zeros(Theta.shape)
    for v, d in zip(nodes, dz, strict=True):
        dTheta[:, v] = d * e_c[:, 0]
    return -np.sum(log_expit(signs * z)) if loss is None else loss(z), Theta[:, nodes] @ dz[:, None], dTheta


@hierarchical_softmax_loss_and_gradient.mistake(
    "The signs are not used: every step goes left in your loss. At a step to the right the probability is σ(-z)."
)
def path_without_signs(e_c, nodes, signs, Theta):
    return path_variant(e_c, nodes, np.abs(signs), Theta)


@hierarchical_softmax_loss_and_gradient.mistake("Left and right are exchanged: +1 means left, with probability σ(z).")
def path_exchanged(e_c, nodes, signs, Theta):
    return path_variant(e_c, nodes, -signs, Theta)


@hierarchical_softmax_loss_and_gradient.mistake(
    "The loss knows the signs, the gradient does not: the label of a step to the right is 0, not 1."
)
def path_gradient_without_signs(e_c, nodes, signs, Theta):
    return path_variant(e_c, nodes, signs, Theta, lambda dz, z: expit(z) - 1)


@hierarchical_softmax_loss_and_gradient.mistake(
    "The sign itself stands for the label: σ(z) - s. A step to the right has s = -1, but the label 0."
)
def path_sign_as_label(e_c, nodes, signs, Theta):
    return path_variant(e_c, nodes, signs, Theta, lambda dz, z: expit(z) - signs)


@hierarchical_softmax_loss_and_gradient.mistake(
    "The factor s in front is lost in the gradient: the derivative of -log σ(s z) by z is -s σ(-s z)."
)
def path_outer_sign_lost(e_c, nodes, signs, Theta):
    return path_variant(e_c, nodes, signs, Theta, lambda dz, z: -expit(-signs * z))


@hierarchical_softmax_loss_and_gradient.mistake(
    "log(σ(z)) fails for large scores: σ(-1000) is 0 and log(0) is minus infinity. Use log σ(z) = -logaddexp(0, -z)."
)
def path_log_of_zero(e_c, nodes, signs, Theta):
    return path_variant(e_c, nodes, signs, Theta, loss=lambda z: -np.sum(np.log(expit(signs * z))))


@hierarchical_softmax_loss_and_gradient.mistake(
    "The gradients have the wrong sign: the derivative is σ(z) minus the label."
)
def path_sign(e_c, nodes, signs, Theta):
    return path_variant(e_c, nodes, signs, Theta, lambda dz, z: -dz)


@hierarchical_softmax_loss_and_gradient.mistake(
    "The losses of the nodes are averaged. The probability is a product, so they add up."
)
def path_mean(e_c, nodes, signs, Theta):
    return path_variant(e_c, nodes, signs, Theta, lambda dz, z: dz / len(dz), lambda z: -np.mean(log_expit(signs * z)))


@hierarchical_softmax_loss_and_gradient.mistake(
    "The last node of the way is left out. Each inner node on it is a decision."
)
def path_without_last(e_c, nodes, signs, Theta):
    if len(nodes) == 1:
        return 0.0, np.zeros(e_c.shape), np.zeros(Theta.shape)
    return path_variant(e_c, nodes[:-1], signs[:-1], Theta)


@hierarchical_softmax_loss_and_gradient.mistake("The root is left out. The first decision is taken there.")
def path_without_root(e_c, nodes, signs, Theta):
    if len(nodes) == 1:
        return 0.0, np.zeros(e_c.shape), np.zeros(Theta.shape)
    return path_variant(e_c, nodes[1:], signs[1:], Theta)


@hierarchical_softmax_loss_and_gradient.mistake(
    "The loss has the wrong sign: it is minus the logarithm of the probability, never below 0."
)
def path_sign_of_loss(e_c, nodes, signs, Theta):
    return path_variant(e_c, nodes, signs, Theta, loss=lambda z: np.sum(log_expit(signs * z)))


@hierarchical_softmax_loss_and_gradient.mistake("The loss is the probability of the target. Take minus its logarithm.")
def path_probability(e_c, nodes, signs, Theta):
    return path_variant(e_c, nodes, signs, Theta, loss=lambda z: np.prod(expit(signs * z)))


@hierarchical_softmax_loss_and_gradient.mistake(
    "dTheta holds the columns of the way only. It has the shape of Theta, with zeros elsewhere."
)
def path_columns(e_c, nodes, signs, Theta):
    loss, de, dTheta = path_variant(e_c, nodes, signs, Theta)
    return loss, de, dTheta[:, nodes]


@hierarchical_softmax_loss_and_gradient.mistake(
    "The labels are turned round in the gradient: a step to the left has the label 1, that is (1 + s)/2, not (1 - s)/2."
)
def path_labels_turned(e_c, nodes, signs, Theta):
    return path_variant(e_c, nodes, signs, Theta, change=lambda dz, z: expit(z) - (1 - signs) / 2)


@hierarchical_softmax_loss_and_gradient.mistake(
    "The signs are turned in the loss alone: log(1 + exp(-s z)), with the minus, is -log σ(s z)."
)
def path_signs_turned_in_loss(e_c, nodes, signs, Theta):
    return path_variant(e_c, nodes, signs, Theta, loss=lambda z: np.sum(np.logaddexp(0, signs * z)))


@hierarchical_softmax_loss_and_gradient.accept
def path_loop(e_c, nodes, signs, Theta):
    return path_variant(e_c, nodes, signs, Theta)


@hierarchical_softmax_loss_and_gradient.accept
def path_as_matrix(e_c, nodes, signs, Theta):
    S = np.zeros((Theta.shape[1], 1))
    S[nodes, 0] = signs
    dz = -S * expit(-S * (Theta.T @ e_c))
    return -np.sum(log_expit(S * (Theta.T @ e_c))[nodes]), Theta @ dz, e_c @ dz.T


@hierarchical_softmax_loss_and_gradient.accept(
    "It works with labels 1 and 0 in place of signs: σ(z) - y, as in course 1."
)
def path_with_labels(e_c, nodes, signs, Theta):
    y = (signs[:, None] + 1) / 2
    z = Theta[:, nodes].T @ e_c
    loss = np.sum(y * np.logaddexp(0, -z) + (1 - y) * np.logaddexp(0, z))
    dTheta = np.zeros_like(Theta)
    np.add.at(dTheta.T, nodes, (expit(z) - y) * e_c.T)
    return loss, Theta[:, nodes] @ (expit(z) - y), dTheta


# --- train_skipgram --------------------------------------------------------------------------------------------------


def two_word_distribution(n, a, b, share):
    """Return probabilities that allow two words only; where one of them is the target, all negatives are the other."""
    P = np.zeros(n)
    P[[a, b]] = share, 1 - share
    return P


def training_cases(rng):
    """Twice only one word is left to draw, so that all right answers agree; the third time the draws vary."""
    cases = []
    for n_e, n, m, K, rate, epochs in ((3, 6, 5, 2, 0.3, 2), (2, 7, 7, 3, 0.1, 3), (3, 5, 3, 2, 0.5, 1)):
        E, Theta = rng.normal(size=(n_e, n)), rng.normal(size=(n_e, n))
        a, b = (int(word) for word in rng.permutation(n)[:2])
        if m == 3:
            P = np.array([0.35, 0.25, 0.2, 0.15, 0.05])
            pairs = [(0, 3), (1, 0), (0, 1)]
        else:
            P = two_word_distribution(n, a, b, 0.6)
            pairs = [(b, a), (int(rng.integers(n)), b), (b, a)]  # the centre b is a negative of the first pair
            pairs += [(int(rng.integers(n)), int(rng.choice([a, b]))) for _ in range(m - 3)]
        generator = np.random.default_rng(rng.integers(2**32))
        cases.append(
            case(pairs=pairs, E=E, Theta=Theta, P=P, K=K, learning_rate=rate, num_epochs=epochs, rng=generator)
        )
    return cases


def training_judge(P, **_):
    """Return None, a comparison of values, where P leaves no choice."""
    return draws(300) if np.count_nonzero(P) > 2 else None


@lesson.exercise(
    points=3,
    topic=67,
    equation="(8.24)",
    returns=("E", "Theta", "costs"),
    cases=training_cases,
    judge=training_judge,
    ask="Which two gradients belong to one point, and which lines may change E and Theta only after both are known? Whose "
    "arrays must stay as they are?",
    small={
        "pairs": [(0, 1)],
        "E": np.array([[1.0, 2.0, 3.0]]),
        "Theta": np.array([[0.5, 0.0, -0.5]]),
        "P": np.array([0.0, 0.5, 0.5]),
        "K": 2,
        "learning_rate": 1.0,
        "num_epochs": 1,
        "rng": np.random.default_rng(0),
    },
)
def train_skipgram(pairs, E, Theta, P, K, learning_rate, num_epochs, rng):
    """Train skip-gram with negative sampling, one pair after another.

    Parameters
    ----------
    pairs : list of tuple
        ``(c, t)``, taken in this order in each epoch.
    E, Theta : ndarray, shape (n_e, n)
        Of the start; they stay as they are.
    P : ndarray, shape (n,)
        Probabilities of the negatives, which may be 0.
    K : int
        Number of negatives, drawn anew for each pair.
    learning_rate : float
    num_epochs : int
    rng : Generator

    Returns
    -------
    E, Theta : ndarray, shape (n_e, n)
        After the last step.
    costs : list of float
        The mean loss of each epoch, each loss taken before its own step.
    """
    E, Theta, costs = E.copy(), Theta.copy(), []
    for _ in range(num_epochs):
        total = 0
        for c, t in pairs:
            negatives = sample_negatives(t, P, K, rng)
            loss, de, dTheta = neg_sampling_loss_and_gradient(E[:, [c]], t, negatives, Theta)
            E[:, [c]] -= learning_rate * de  # (8.24)
            Theta -= learning_rate * dTheta
            total += loss
        costs.append(total / len(pairs))
    return E, Theta, costs


def skipgram_variant(
    pairs, E, Theta, P, K, learning_rate, num_epochs, rng, sign=1.0, update="both", draw=None, mean=True, centre=0,
    in_turn=False, fresh=True, keep_centre=True, per_epoch=False,
):  # fmt: skip
    """Train with one thing changed; with the defaults it is right."""
    E, Theta, costs, negatives = E.copy(), Theta.copy(), [], None
    for _ in range(num_epochs):
        total, dE_sum, dTheta_sum = 0, np.zeros(E.shape), np.zeros(Theta.shape)
        for pair in pairs:
            c, t = pair[centre], pair[1 - centre]
            if fresh or negatives is None:
                negatives = draw(t, P, K, rng) if draw else rng.choice(len(P), size=K, p=without(t, P))
            used = negatives if keep_centre else negatives[negatives != c]
            e = E[:, [c]].copy()
            loss, de, dTheta = sampling_variant(e, t, used, Theta)
            if update in ("both", "E"):
                dE_sum[:, [c]] += de
            if in_turn:
                E[:, [c]] -= sign * learning_rate * de
                dTheta = sampling_variant(E[:, [c]], t, used, Theta)[2]
                dE_sum[:] = 0
            if update in ("both", "Theta"):
                dTheta_sum += dTheta
            if not per_epoch:
                E -= sign * learning_rate * dE_sum
                Theta -= sign * learning_rate * dTheta_sum
                dE_sum[:], dTheta_sum[:] = 0, 0
            total += loss
        E, Theta = E - sign * learning_rate * dE_sum, Theta - sign * learning_rate * dTheta_sum
        costs.append(total / len(pairs) if mean else total)
    return E, Theta, costs


@train_skipgram.mistake("Both matrices go uphill: subtract the gradients.")
def skipgram_uphill(*arguments):
    return skipgram_variant(*arguments, sign=-1.0)


@train_skipgram.mistake("Only Θ learns. The centre's column of E has a gradient, too: de.")
def skipgram_theta_only(*arguments):
    return skipgram_variant(*arguments, update="Theta")


@train_skipgram.mistake("Only E learns. Subtract dTheta from Theta as well.")
def skipgram_E_only(*arguments):
    return skipgram_variant(*arguments, update="E")


@train_skipgram.mistake(
    "E is changed before the gradient of Θ is taken. Both gradients belong to the same point: compute both, then take the "
    "step."
)
def skipgram_in_turn(*arguments):
    return skipgram_variant(*arguments, in_turn=True)


@train_skipgram.mistake("The costs are sums over the pairs. Divide by their number.")
def skipgram_cost_sum(*arguments):
    return skipgram_variant(*arguments, mean=False)


@train_skipgram.mistake("Centre and target are exchanged. A pair is (c, t): c chooses the column of E.")
def skipgram_exchanged(*arguments):
    return skipgram_variant(*arguments, centre=1)


@train_skipgram.mistake("The learning rate is not used.")
def skipgram_without_rate(pairs, E, Theta, P, K, learning_rate, num_epochs, rng):
    return skipgram_variant(pairs, E, Theta, P, K, 1.0, num_epochs, rng)


@train_skipgram.mistake("Only one epoch is run, whatever num_epochs says.")
def skipgram_one_epoch(pairs, E, Theta, P, K, learning_rate, num_epochs, rng):
    E, Theta, costs = skipgram_variant(pairs, E, Theta, P, K, learning_rate, 1, rng)
    return E, Theta, costs * num_epochs


@train_skipgram.mistake("The negatives are drawn once, for the first pair. Draw new ones for each pair.")
def skipgram_negatives_once(*arguments):
    return skipgram_variant(*arguments, fresh=False)


@train_skipgram.mistake(
    "The target is drawn as its own negative sometimes. Draw with your sample_negatives, which leaves it out."
)
def skipgram_target_drawn(*arguments):
    return skipgram_variant(*arguments, draw=lambda t, P, K, rng: rng.choice(len(P), size=K, p=P))


@train_skipgram.mistake(
    "Negatives that are the centre itself are left out. Keep them: the centre has a column in E and another one in Θ."
)
def skipgram_centre_left_out(*arguments):
    return skipgram_variant(*arguments, keep_centre=False)


@train_skipgram.mistake("One step is taken per epoch, with the sum over all pairs. Take a step after each pair.")
def skipgram_step_per_epoch(*arguments):
    return skipgram_variant(*arguments, per_epoch=True)


@train_skipgram.mistake("One negative is drawn for each pair. Draw K of them.")
def skipgram_one_negative(pairs, E, Theta, P, K, learning_rate, num_epochs, rng):
    return skipgram_variant(pairs, E, Theta, P, 1, learning_rate, num_epochs, rng)


@train_skipgram.mistake("E and Theta are changed in place: the arguments of the caller change, too. Copy them first.")
def skipgram_in_place(pairs, E, Theta, P, K, learning_rate, num_epochs, rng):
    new_E, new_Theta, costs = skipgram_variant(pairs, E, Theta, P, K, learning_rate, num_epochs, rng)
    E[:], Theta[:] = new_E, new_Theta
    return E, Theta, costs


def skipgram_steps(pairs, E, Theta, P, K, learning_rate, num_epochs, rng, theta_first=False, after=False, mixed=False):
    """Train pair by pair; Θ before the centre, the cost after the step, or the pairs in any order."""
    E, Theta, costs = E.copy(), Theta.copy(), []
    for _ in range(num_epochs):
        total = 0
        for i in rng.permutation(len(pairs)) if mixed else range(len(pairs)):
            c, t = pairs[i]
            negatives = rng.choice(len(P), size=K, p=without(t, P))
            loss, de, dTheta = sampling_variant(E[:, [c]], t, negatives, Theta)
            Theta -= learning_rate * dTheta
            de = sampling_variant(E[:, [c]], t, negatives, Theta)[1] if theta_first else de
            E[:, [c]] -= learning_rate * de
            total += sampling_variant(E[:, [c]], t, negatives, Theta)[0] if after else loss
        costs.append(total / len(pairs))
    return E, Theta, costs


@train_skipgram.mistake(
    "Θ is changed before the gradient of E is taken. Both gradients belong to the same point: take de first."
)
def skipgram_theta_first(*arguments):
    return skipgram_steps(*arguments, theta_first=True)


@train_skipgram.mistake("The costs are taken after each step. Add up the losses as they were before their own step.")
def skipgram_costs_after(*arguments):
    return skipgram_steps(*arguments, after=True)


@train_skipgram.mistake("The pairs are shuffled in each epoch. Here they come in the order of the list.")
def skipgram_shuffled(*arguments):
    return skipgram_steps(*arguments, mixed=True)


@train_skipgram.mistake("Theta moves half as far as E. Both take steps of learning_rate times their gradient.")
def skipgram_theta_half(pairs, E, Theta, P, K, learning_rate, num_epochs, rng):
    E, Theta, costs = E.copy(), Theta.copy(), []
    for _ in range(num_epochs):
        total = 0
        for c, t in pairs:
            negatives = sample_negatives(t, P, K, rng)
            loss, de, dTheta = neg_sampling_loss_and_gradient(E[:, [c]], t, negatives, Theta)
            E[:, [c]] -= learning_rate * de
            Theta -= learning_rate / 2 * dTheta
            total += loss
        costs.append(total / len(pairs))
    return E, Theta, costs


@train_skipgram.accept
def skipgram_rejecting(*arguments):
    return skipgram_variant(*arguments, draw=negatives_rejected)


@train_skipgram.accept
def skipgram_searching(*arguments):
    return skipgram_variant(*arguments, draw=negatives_by_search)


@train_skipgram.accept("It writes into the columns of the drawn words alone: nearly the sparse step of section 9.")
def skipgram_column_by_column(pairs, E, Theta, P, K, learning_rate, num_epochs, rng):
    E, Theta, costs = np.array(E), np.array(Theta), np.zeros(num_epochs)
    for epoch in range(num_epochs):
        for c, t in pairs:
            drawn, z, y = sampling_parts(E[:, [c]], t, rng.choice(len(P), size=K, p=without(t, P)), Theta)
            costs[epoch] -= np.sum(log_expit(np.where(y == 1, z, -z))) / len(pairs)
            dz = learning_rate * (expit(z) - y)
            step = sum(d * Theta[:, word] for d, word in zip(dz, drawn, strict=True))
            for d, word in zip(dz, drawn, strict=True):
                Theta[:, word] -= d * E[:, c]
            E[:, c] -= step
    return E, Theta, costs


# --- train_cbow ------------------------------------------------------------------------------------------------------


def cbow_training_cases(rng):
    cases = []
    for n_e, n, m, K, rate, epochs in ((3, 6, 5, 2, 0.3, 2), (2, 7, 6, 3, 0.1, 3), (3, 5, 3, 2, 0.5, 1)):
        E, Theta = rng.normal(size=(n_e, n)), rng.normal(size=(n_e, n))
        a, b = (int(word) for word in rng.permutation(n)[:2])
        P = np.array([0.35, 0.25, 0.2, 0.15, 0.05]) if m == 3 else two_word_distribution(n, a, b, 0.6)
        pairs = []
        for i in range(m):
            context = [int(word) for word in rng.integers(0, n, (3, 2, 4, 1)[i % 4])]
            if i in (0, 2):
                context[-1] = context[0]  # a word that stands twice
            pairs.append((context, int(rng.integers(n)) if m == 3 else int(rng.choice([a, b]))))
        generator = np.random.default_rng(rng.integers(2**32))
        cases.append(
            case(pairs=pairs, E=E, Theta=Theta, P=P, K=K, learning_rate=rate, num_epochs=epochs, rng=generator)
        )
    return cases


@lesson.exercise(
    points=3,
    topic=68,
    equation="(8.26) to (8.28)",
    returns=("E", "Theta", "costs"),
    cases=cbow_training_cases,
    judge=training_judge,
    ask="h is a mean of C columns. Which share of dh does each place of the context get, and how often does a word that "
    "stands there twice?",
    small={
        "pairs": [([0, 0, 2], 1)],
        "E": np.array([[1.0, 2.0, 3.0]]),
        "Theta": np.array([[0.5, 0.0, -0.5]]),
        "P": np.array([0.0, 0.5, 0.5]),
        "K": 2,
        "learning_rate": 1.0,
        "num_epochs": 1,
        "rng": np.random.default_rng(0),
    },
)
def train_cbow(pairs, E, Theta, P, K, learning_rate, num_epochs, rng):
    """Train CBOW with negative sampling, one pair after another.

    Parameters
    ----------
    pairs : list of tuple
        ``(context, t)``, context being a list of words, taken in this order in each epoch.
    E, Theta : ndarray, shape (n_e, n)
        Of the start; they stay as they are.
    P : ndarray, shape (n,)
        Probabilities of the negatives, which may be 0.
    K : int
        Number of negatives, drawn anew for each pair.
    learning_rate : float
    num_epochs : int
    rng : Generator

    Returns
    -------
    E, Theta : ndarray, shape (n_e, n)
        After the last step.
    costs : list of float
        The mean loss of each epoch, each loss taken before its own step.
    """
    E, Theta, costs = E.copy(), Theta.copy(), []
    for _ in range(num_epochs):
        total = 0
        for context, t in pairs:
            h = np.mean(E[:, context], axis=1, keepdims=True)  # (8.26)
            negatives = sample_negatives(t, P, K, rng)
            loss, dh, dTheta = neg_sampling_loss_and_gradient(h, t, negatives, Theta)
            for word in context:
                E[:, [word]] -= learning_rate * dh / len(context)  # (8.27)
            Theta -= learning_rate * dTheta  # (8.28)
            total += loss
        costs.append(total / len(pairs))
    return E, Theta, costs


def cbow_variant(
    pairs, E, Theta, P, K, learning_rate, num_epochs, rng, sign=1.0, update="both", draw=None, mean_cost=True,
    factor=None, gather="mean", repeats=True, fresh=True, also_target=False, in_turn=False,
):  # fmt: skip
    """Train with one thing changed; with the defaults it is right."""
    E, Theta, costs, negatives = E.copy(), Theta.copy(), [], None
    for _ in range(num_epochs):
        total = 0
        for context, t in pairs:
            C = len(context)
            weights = np.bincount(context, minlength=E.shape[1]) / (C if gather == "mean" else 1)
            if gather == "first":
                weights = np.eye(E.shape[1])[context[0]]
            if gather == "set":
                weights = np.bincount(list(set(context)), minlength=E.shape[1]) / len(set(context))
            h = (E @ weights)[:, None]
            if fresh or negatives is None:
                negatives = draw(t, P, K, rng) if draw else rng.choice(len(P), size=K, p=without(t, P))
            loss, dh, dTheta = sampling_variant(h, t, negatives, Theta)
            back = weights if factor is None else np.bincount(context, minlength=E.shape[1]) * factor(C)
            if not repeats:
                back = (weights > 0) / C
            if also_target:
                back = back + np.eye(E.shape[1])[t] / C
            if update in ("both", "E"):
                E -= sign * learning_rate * dh * back
            if in_turn:
                dTheta = sampling_variant((E @ weights)[:, None], t, negatives, Theta)[2]
            if update in ("both", "Theta"):
                Theta -= sign * learning_rate * dTheta
            total += loss
        costs.append(total / len(pairs) if mean_cost else total)
    return E, Theta, costs


@train_cbow.mistake(
    "The context vectors are added up, and each gets the whole gradient. Here h is their mean: 1/C in both."
)
def cbow_sum(*arguments):
    return cbow_variant(*arguments, gather="sum")


@train_cbow.mistake("h is the mean, but its factor 1/C is missing on the way back: each context word gets dh / C.")
def cbow_back_without_C(*arguments):
    return cbow_variant(*arguments, factor=lambda C: 1.0)


@train_cbow.mistake("h is the sum of the context vectors. Take their mean, as your gradient already does.")
def cbow_sum_forward(*arguments):
    return cbow_variant(*arguments, gather="sum", factor=lambda C: 1 / C)


@train_cbow.mistake(
    "A word that stands twice in the context is changed once: `E[:, context] -= ...` writes each column once. Use a loop or "
    "np.subtract.at."
)
def cbow_overwritten(*arguments):
    return cbow_variant(*arguments, repeats=False)


@train_cbow.mistake("A word that stands twice in the context counts once in your mean. It counts twice.")
def cbow_set(*arguments):
    return cbow_variant(*arguments, gather="set")


@train_cbow.mistake("Only the first word of the context is used. CBOW takes the mean of all.")
def cbow_first(*arguments):
    return cbow_variant(*arguments, gather="first")


@train_cbow.mistake("Both matrices go uphill: subtract the gradients.")
def cbow_uphill(*arguments):
    return cbow_variant(*arguments, sign=-1.0)


@train_cbow.mistake("Only Θ learns. The columns of the context words have a gradient, too.")
def cbow_theta_only(*arguments):
    return cbow_variant(*arguments, update="Theta")


@train_cbow.mistake("Only E learns. Subtract dTheta from Theta as well.")
def cbow_E_only(*arguments):
    return cbow_variant(*arguments, update="E")


@train_cbow.mistake("The target's column of E is changed as well. The target acts through its column of Θ only.")
def cbow_also_target(*arguments):
    return cbow_variant(*arguments, also_target=True)


@train_cbow.mistake("E is changed before the gradient of Θ is taken. Compute both gradients, then take the step.")
def cbow_in_turn(*arguments):
    return cbow_variant(*arguments, in_turn=True)


@train_cbow.mistake("The negatives are drawn once, for the first pair. Draw new ones for each pair.")
def cbow_negatives_once(*arguments):
    return cbow_variant(*arguments, fresh=False)


@train_cbow.mistake("The costs are sums over the pairs. Divide by their number.")
def cbow_cost_sum(*arguments):
    return cbow_variant(*arguments, mean_cost=False)


@train_cbow.mistake("The learning rate is not used.")
def cbow_without_rate(pairs, E, Theta, P, K, learning_rate, num_epochs, rng):
    return cbow_variant(pairs, E, Theta, P, K, 1.0, num_epochs, rng)


@train_cbow.mistake(
    "Θ is changed before the gradient of h is taken. Both gradients belong to the same point: take dh first."
)
def cbow_theta_first(pairs, E, Theta, P, K, learning_rate, num_epochs, rng):
    E, Theta, costs = E.copy(), Theta.copy(), []
    for _ in range(num_epochs):
        total = 0
        for context, t in pairs:
            h = np.mean(E[:, context], axis=1, keepdims=True)
            negatives = rng.choice(len(P), size=K, p=without(t, P))
            loss, _, dTheta = sampling_variant(h, t, negatives, Theta)
            Theta -= learning_rate * dTheta
            dh = sampling_variant(h, t, negatives, Theta)[1]
            for word in context:
                E[:, [word]] -= learning_rate * dh / len(context)
            total += loss
        costs.append(total / len(pairs))
    return E, Theta, costs


@train_cbow.accept
def cbow_with_weights(*arguments):
    return cbow_variant(*arguments)


@train_cbow.accept
def cbow_rejecting(*arguments):
    return cbow_variant(*arguments, draw=negatives_rejected)


@train_cbow.accept("`np.subtract.at` takes a column off as often as it is named.")
def cbow_subtract_at(pairs, E, Theta, P, K, learning_rate, num_epochs, rng):
    E, Theta, costs = np.array(E), np.array(Theta), []
    for _ in range(num_epochs):
        losses = []
        for context, t in pairs:
            h = E[:, context].sum(axis=1, keepdims=True) / len(context)
            loss, dh, dTheta = sampling_variant(h, t, negatives_by_search(t, P, K, rng), Theta)
            np.subtract.at(E, (slice(None), context), learning_rate * dh / len(context))
            Theta = Theta - learning_rate * dTheta
            losses.append(loss)
        costs.append(np.mean(losses))
    return E, Theta, costs


# --- sparse_step -----------------------------------------------------------------------------------------------------


def step_cases(rng):
    cases = []
    for n_e, n, K, rate in ((3, 7, 4, 0.3), (4, 9, 6, 0.1), (2, 6, 1, 0.7), (5, 8, 3, 0.2)):
        order = [int(word) for word in rng.permutation(n)]
        t, negatives = order[0], np.array(order[1 : K + 1])
        if K > 2:
            negatives[-1] = negatives[0]  # a word that is drawn twice
        if K > 5:
            negatives[3] = negatives[0]
        vectors = {"e_c": rng.normal(size=(n_e, 1)), "Theta": rng.normal(size=(n_e, n))}
        cases.append(case(t=t, negatives=negatives, learning_rate=rate * rng.uniform(0.8, 1.2), **vectors))
    large = case(
        e_c=np.array([[40.0]]), t=1, negatives=np.array([0, 2, 0]), learning_rate=0.01 * rng.uniform(1, 2),
        Theta=np.array([[25.0, -20.0, 1.5, 3.0]]) + 0.1 * rng.random((1, 4)),
    )  # fmt: skip
    return [*cases, large]  # the last scores are about 1000, -800 and 60


@lesson.exercise(
    points=3,
    topic=67,
    equation="(8.29) to (8.32)",
    returns=("loss", "e_new", "columns"),
    cases=step_cases,
    ask="Which K + 1 columns of Theta do you need, and in which order come they back? Two of them belong to the same word: "
    "which sum must both hold?",
    small={
        "e_c": np.array([[1.0]]),
        "t": 0,
        "negatives": np.array([2, 2]),
        "Theta": np.array([[0.0, 0.5, 0.0]]),
        "learning_rate": 1.0,
    },
    why={
        "question": "A word is drawn twice. What must its two columns in your result hold?",
        "choices": {
            "both hold the same column, with both gradients taken off": "Yes: both are the new vector of one word (8.31).",
            "each holds the column with its own gradient taken off": "No: `Theta[:, words] = columns` would keep only one.",
            "the second one may hold anything": "No: it is written last, so it is the one that stays.",
        },
    },
)
def sparse_step(e_c, t, negatives, Theta, learning_rate):
    """Take one step of negative sampling without touching a column that does not move.

    Parameters
    ----------
    e_c : ndarray, shape (n_e, 1)
        The vector of the centre.
    t : int
        The target.
    negatives : ndarray of int, shape (K,)
        The target is not among them; a word may be there more than once.
    Theta : ndarray, shape (n_e, n)
        It stays as it is.
    learning_rate : float

    Returns
    -------
    loss : float
        Before the step; finite for scores of any size.
    e_new : ndarray, shape (n_e, 1)
        The vector of the centre after the step.
    columns : ndarray, shape (n_e, K + 1)
        The columns of the words t, w_1, ..., w_K after the step; a word that stands there twice has the same column twice.
    """
    words = np.append(t, negatives)
    y = (np.arange(len(words)) == 0)[:, None]
    old = Theta[:, words]
    z = old.T @ e_c  # (8.29)
    loss = np.sum(np.logaddexp(0, np.where(y, -z, z)))  # (8.17)
    dz = expit(z) - y  # (8.18)
    same = words[:, None] == words  # (8.30)
    columns = old - learning_rate * np.outer(e_c, same @ dz)  # (8.31)
    return loss, e_c - learning_rate * old @ dz, columns  # (8.32)


def step_variant(e_c, t, negatives, Theta, learning_rate, change=lambda dz: dz, loss=None, sign=1.0):
    """Take the step through the whole dΘ; with the defaults it is right."""
    right, de, dTheta = sampling_variant(e_c, t, negatives, Theta, change, loss)
    words = np.append(t, negatives)
    return right, e_c - sign * learning_rate * de, (Theta - sign * learning_rate * dTheta)[:, words]


@sparse_step.mistake(
    "A word that is drawn twice gets two different columns, each with one of its gradients. Both hold the new column, with "
    "both gradients: add up where the words are the same."
)
def step_each_its_own(e_c, t, negatives, Theta, learning_rate):
    _, z, y = sampling_parts(e_c, t, negatives, Theta)
    loss, e_new, _ = step_variant(e_c, t, negatives, Theta, learning_rate)
    return loss, e_new, Theta[:, np.append(t, negatives)] - learning_rate * e_c * (expit(z) - y)


@sparse_step.mistake("The step goes uphill: take the gradients off.")
def step_uphill(*arguments):
    return step_variant(*arguments, sign=-1.0)


@sparse_step.mistake(
    "The centre moves with the new columns of Θ. Both gradients belong to the same point: use the old columns for de."
)
def step_theta_first(e_c, t, negatives, Theta, learning_rate):
    loss, _, columns = step_variant(e_c, t, negatives, Theta, learning_rate)
    moved = Theta.copy()
    moved[:, np.append(t, negatives)] = columns
    return loss, step_variant(e_c, t, negatives, moved, learning_rate)[1], columns


@sparse_step.mistake(
    "The columns move by the new vector of the centre. Both gradients belong to the same point: use the old e_c."
)
def step_centre_first(e_c, t, negatives, Theta, learning_rate):
    loss, e_new, _ = step_variant(e_c, t, negatives, Theta, learning_rate)
    _, z, y = sampling_parts(e_c, t, negatives, Theta)
    words = np.append(t, negatives)
    same = words[:, None] == words
    return loss, e_new, Theta[:, words] - learning_rate * e_new * ((expit(z) - y) @ same)


@sparse_step.mistake("These are the gradients, not the new vectors. Take learning_rate times them off the old ones.")
def step_gradients(e_c, t, negatives, Theta, learning_rate):
    loss, de, dTheta = sampling_variant(e_c, t, negatives, Theta)
    return loss, de, dTheta[:, np.append(t, negatives)]


@sparse_step.mistake("The whole of Theta comes back. Return the K + 1 touched columns alone, the target's first.")
def step_whole_theta(e_c, t, negatives, Theta, learning_rate):
    loss, de, dTheta = sampling_variant(e_c, t, negatives, Theta)
    return loss, e_c - learning_rate * de, Theta - learning_rate * dTheta


@sparse_step.mistake("The target's column is missing. There are K + 1 columns, that of the target first.")
def step_without_target_column(*arguments):
    loss, e_new, columns = step_variant(*arguments)
    return loss, e_new, columns[:, 1:]


@sparse_step.mistake("The target's column stands last. The order is t, w_1, ..., w_K.")
def step_target_last(*arguments):
    loss, e_new, columns = step_variant(*arguments)
    return loss, e_new, np.roll(columns, -1, axis=1)


@sparse_step.mistake(
    "The columns are sorted by their word, each once. Return one for each of t, w_1, ..., w_K, in this order."
)
def step_unique_columns(e_c, t, negatives, Theta, learning_rate):
    loss, de, dTheta = sampling_variant(e_c, t, negatives, Theta)
    return loss, e_c - learning_rate * de, (Theta - learning_rate * dTheta)[:, np.unique(np.append(t, negatives))]


@sparse_step.mistake(
    "A negative that is drawn twice counts once, in the loss and in de too. It counts as often as it is drawn."
)
def step_each_word_once(e_c, t, negatives, Theta, learning_rate):
    loss, de, dTheta = sampling_variant(e_c, t, np.unique(negatives), Theta)
    return loss, e_c - learning_rate * de, (Theta - learning_rate * dTheta)[:, np.append(t, negatives)]


@sparse_step.mistake("All labels are 0. The target's label is 1: its derivative is σ(z) - 1.")
def step_without_label(e_c, t, negatives, Theta, learning_rate):
    return step_variant(
        e_c, t, negatives, Theta, learning_rate, lambda dz: dz + (np.arange(len(dz)) == 0),
        lambda z, y: -np.sum(log_expit(-z)),
    )  # fmt: skip


@sparse_step.mistake("The loss of the negatives has the wrong sign inside: it is -log σ(-z), `np.logaddexp(0, z)`.")
def step_loss_of_negatives(*arguments):
    return step_variant(*arguments, loss=lambda z, y: -np.sum(log_expit(z)))


@sparse_step.mistake("log(σ(z)) fails for large scores: log(0) is minus infinity. Use `np.logaddexp`.")
def step_log_of_zero(*arguments):
    return step_variant(*arguments, loss=lambda z, y: -np.sum(np.log(expit(np.where(y == 1, z, -z)))))


@sparse_step.mistake("The learning rate is not used.")
def step_without_rate(e_c, t, negatives, Theta, learning_rate):
    return step_variant(e_c, t, negatives, Theta, 1.0)


@sparse_step.mistake("The loss is that after the step. Take it before.")
def step_loss_after(e_c, t, negatives, Theta, learning_rate):
    _, e_new, columns = step_variant(e_c, t, negatives, Theta, learning_rate)
    moved = Theta.copy()
    moved[:, np.append(t, negatives)] = columns
    return sampling_variant(e_new, t, negatives, moved)[0], e_new, columns


@sparse_step.mistake("Theta itself is changed. Return the new columns; the loop that calls the function writes them.")
def step_in_place(e_c, t, negatives, Theta, learning_rate):
    loss, e_new, columns = step_variant(e_c, t, negatives, Theta, learning_rate)
    Theta[:, np.append(t, negatives)] = columns
    return loss, e_new, columns


@sparse_step.accept("It takes the whole dΘ and picks its columns: right, and as dear as the vocabulary is large.")
def step_through_the_whole(*arguments):
    return step_variant(*arguments)


@sparse_step.accept(
    "A dictionary holds the new column of each word, so a repeated word finds what it has lost already."
)
def step_with_dictionary(e_c, t, negatives, Theta, learning_rate):
    new, e_new, loss = {}, e_c.copy(), 0.0
    words = [int(t), *(int(word) for word in negatives)]
    for place, word in enumerate(words):
        z = (Theta[:, [word]].T @ e_c).item()
        loss += np.logaddexp(0, z if place else -z)
        d = learning_rate * (expit(z) - (place == 0))
        e_new = e_new - d * Theta[:, [word]]
        new[word] = new.get(word, Theta[:, [word]]) - d * e_c
    return loss, e_new, np.concatenate([new[word] for word in words], axis=1)


@sparse_step.accept
def step_with_unique(e_c, t, negatives, Theta, learning_rate):
    words = np.concatenate([[t], negatives]).astype(int)
    few, place = np.unique(words, return_inverse=True)
    part = Theta[:, few]  # a copy
    z = (e_c.T @ part)[0, place]
    dz = expit(z)
    dz[0] -= 1
    loss = -log_expit(z[0]) - np.sum(log_expit(-z[1:]))
    e_new = e_c - learning_rate * (part[:, place] @ dz)[:, None]
    np.subtract.at(part, (slice(None), place), learning_rate * e_c * dz)
    return loss, e_new, part[:, place]


# --- keep_probability ------------------------------------------------------------------------------------------------


def keep_cases(rng):
    return [
        case(counts=np.sort(rng.integers(low, high, n))[::-1].copy(), threshold=threshold * rng.uniform(0.8, 1.2))
        for n, low, high, threshold in ((5, 3, 900, 0.02), (8, 2, 90, 0.05), (4, 500, 9000, 0.1), (12, 5, 3000, 0.01))
    ]


@lesson.exercise(
    points=1,
    topic=67,
    equation="(8.33)",
    cases=keep_cases,
    ask="A share of the text is a count divided by which sum? Which words would get a number above 1, and what is it then?",
    small={"counts": np.array([900, 96, 4]), "threshold": 0.009},
)
def keep_probability(counts, threshold):
    """Return with what probability a place of the text is kept when frequent words are thinned out.

    Parameters
    ----------
    counts : ndarray of int, shape (n,)
        How often each word occurs.
    threshold : float
        Words with a smaller share of the text are always kept.

    Returns
    -------
    ndarray, shape (n,)

    References
    ----------
    T. Mikolov, I. Sutskever, K. Chen, G. Corrado, J. Dean, "Distributed representations of words and phrases and their
    compositionality", 2013, arXiv:1310.4546.
    """
    share = counts / np.sum(counts)
    return np.minimum(1, np.sqrt(threshold / share))  # (8.33)


@keep_probability.mistake("The root is missing: then all frequent words would become equally frequent.")
def keep_without_root(counts, threshold):
    return np.minimum(1, threshold * counts.sum() / counts)


@keep_probability.mistake("This is the probability to drop a place. Return the one to keep it.")
def keep_dropped(counts, threshold):
    return 1 - np.minimum(1, np.sqrt(threshold * counts.sum() / counts))


@keep_probability.mistake("Rare words get more than 1. A probability is at most 1: `np.minimum(1, ...)`.")
def keep_above_one(counts, threshold):
    return np.sqrt(threshold * counts.sum() / counts)


@keep_probability.mistake("The fraction is upside down: frequent words are to be kept more seldom.")
def keep_upside_down(counts, threshold):
    return np.minimum(1, np.sqrt(counts / counts.sum() / threshold))


@keep_probability.mistake("The counts stand where their shares of the text should be. Divide them by their sum.")
def keep_by_counts(counts, threshold):
    return np.minimum(1, np.sqrt(threshold / counts))


@keep_probability.mistake(
    "The counts are divided by the largest one. A share of the text is a count divided by the sum."
)
def keep_by_largest(counts, threshold):
    return np.minimum(1, np.sqrt(threshold * counts.max() / counts))


@keep_probability.mistake(
    "This is the share of the text that is left of each word. Divide it by the share that it had."
)
def keep_share_left(counts, threshold):
    share = counts / counts.sum()
    return share * np.minimum(1, np.sqrt(threshold / share))


@keep_probability.mistake("The larger of 1 and the root is taken: all are kept. Take the smaller one.")
def keep_maximum(counts, threshold):
    return np.maximum(1, np.sqrt(threshold * counts.sum() / counts))


@keep_probability.mistake("The rate is brought to a largest value of 1. Cut it at 1 instead: `np.minimum(1, ...)`.")
def keep_scaled(counts, threshold):
    root = np.sqrt(threshold * counts.sum() / counts)
    return root / root.max()


@keep_probability.mistake(
    "This is 1 minus the root, and below 0 for rare words. The root itself is the probability to keep."
)
def keep_one_minus_root(counts, threshold):
    return 1 - np.sqrt(threshold * counts.sum() / counts)


@keep_probability.mistake(
    "This is another formula, sqrt(τ/f) + τ/f, which a program for word2vec has. Write (8.33), the root alone."
)
def keep_by_the_program(counts, threshold):
    ratio = threshold * counts.sum() / counts
    return np.minimum(1, np.sqrt(ratio) + ratio)


@keep_probability.accept("Rare words first, by a condition: the two cases of (8.33) are visible.")
def keep_where(counts, threshold):
    share = counts / counts.sum()
    return np.where(share > threshold, np.sqrt(threshold / share), 1.0)


@keep_probability.accept
def keep_clip(counts, threshold):
    return np.clip((threshold * np.sum(counts) / counts) ** 0.5, 0, 1)


@keep_probability.accept
def keep_loop(counts, threshold):
    return np.array([min(1.0, (threshold / (count / sum(counts))) ** 0.5) for count in counts])


# --- ppmi ------------------------------------------------------------------------------------------------------------


def table_cases(rng):
    cases = []
    for n in (4, 6, 5):
        counts = rng.poisson(np.outer(np.exp(rng.normal(size=n)), np.exp(rng.normal(size=n))) * 3)
        counts[np.arange(n), rng.permutation(n)] += rng.integers(1, 9, n)  # no word without a pair
        counts[rng.integers(n), rng.integers(n)] = 0
        counts[np.arange(n), (np.arange(n) + 1) % n] += 1
        cases.append(case(counts=counts))
    return cases


@lesson.exercise(
    points=2,
    topic=67,
    equation="(8.36)",
    cases=table_cases,
    ask="How often would the pair stand there by chance: which sum over a row, which over a column, divided by what? And what "
    "is the logarithm of the larger of the ratio and 1?",
    small={"counts": np.array([[4, 0], [2, 6]])},
    why={
        "question": "Why is a negative value replaced by 0?",
        "choices": {
            "most pairs of a text never occur, and log 0 is minus infinity": "Yes: with 0 in its place the table stays finite.",
            "a PMI cannot be negative": "No: it is, where a pair is rarer than chance would have it.",
            "the singular value decomposition needs positive numbers": "No: it takes any real table.",
        },
    },
)
def ppmi(counts):
    """Return the positive pointwise mutual information of each pair.

    Parameters
    ----------
    counts : ndarray of int, shape (n, n)
        Row c, column t: how often t is the target of the centre c. No row and no column is all 0.

    Returns
    -------
    ndarray, shape (n, n)
        The logarithm of how many times more often a pair occurs than by chance, and 0 where that is negative.

    References
    ----------
    O. Levy, Y. Goldberg, "Neural word embedding as implicit matrix factorization", 2014, NeurIPS 27.
    """
    by_chance = np.outer(np.sum(counts, axis=1), np.sum(counts, axis=0)) / np.sum(counts)  # (8.35)
    return np.log(np.maximum(1, counts / by_chance))  # (8.36)


def pmi_ratio(counts):
    return counts * counts.sum() / np.outer(counts.sum(axis=1), counts.sum(axis=0))


@ppmi.mistake("Negative values stay, and log 0 is minus infinity. Take 0 in their place.")
def pmi_unclipped(counts):
    with np.errstate(divide="ignore"):
        return np.log(pmi_ratio(counts))


@ppmi.mistake("The logarithm is missing. The ratio of the two frequencies stands inside it.")
def pmi_ratio_only(counts):
    return pmi_ratio(counts)


@ppmi.mistake("Where the ratio is below 1 your result is 1. The logarithm of 1 is 0: take it last.")
def pmi_ratio_clipped(counts):
    return np.maximum(1, pmi_ratio(counts))


@ppmi.mistake("The logarithm has the base 2. `np.log` is the natural one.")
def pmi_base_two(counts):
    return np.log2(np.maximum(1, pmi_ratio(counts)))


@ppmi.mistake("The sum of all counts is forgotten: by chance a pair occurs row sum times column sum, divided by it.")
def pmi_without_total(counts):
    return np.log(np.maximum(1, counts / np.outer(counts.sum(axis=1), counts.sum(axis=0))))


@ppmi.mistake("The sums are exchanged: row c belongs to its row sum, axis=1, and column t to its column sum, axis=0.")
def pmi_sums_exchanged(counts):
    return np.log(np.maximum(1, counts * counts.sum() / np.outer(counts.sum(axis=0), counts.sum(axis=1))))


@ppmi.mistake("The row sums stand in both places. The target's frequency is the sum of its column.")
def pmi_rows_twice(counts):
    return np.log(np.maximum(1, counts * counts.sum() / np.outer(counts.sum(axis=1), counts.sum(axis=1))))


@ppmi.mistake(
    "Only the frequency of the centre is divided out: frequent targets win. Divide by that of the target, too."
)
def pmi_conditional(counts):
    return np.log(np.maximum(1, counts / counts.sum(axis=1, keepdims=True) * len(counts)))


@ppmi.mistake("This is 1 plus the count in the logarithm. It weakens large counts, but knows nothing of chance.")
def pmi_log_of_count(counts):
    return np.log1p(counts)


@ppmi.mistake("The values are weighted by the frequency of the pair. The table holds the logarithm alone.")
def pmi_weighted(counts):
    return counts / counts.sum() * np.log(np.maximum(1, pmi_ratio(counts)))


@ppmi.mistake(
    "1 is added to the ratio in the logarithm, so that even pairs rarer than by chance count. Take max(1, ratio)."
)
def pmi_one_added(counts):
    return np.log(1 + pmi_ratio(counts))


@ppmi.mistake("This is the logarithm of the counts. Divide each count by what chance would give first: (8.35).")
def pmi_counts_alone(counts):
    return np.log(np.maximum(1, counts))


@ppmi.accept("Three logarithms of probabilities, as PMI is written in most books.")
def pmi_of_probabilities(counts):
    P = counts / counts.sum()
    with np.errstate(divide="ignore"):
        value = np.log(P) - np.log(P.sum(axis=1, keepdims=True)) - np.log(P.sum(axis=0))
    return np.maximum(0, value)


@ppmi.accept
def pmi_loop(counts):
    found = np.zeros(counts.shape)
    for c, t in np.ndindex(counts.shape):
        ratio = counts[c, t] * counts.sum() / (counts[c].sum() * counts[:, t].sum())
        found[c, t] = np.log(ratio) if ratio > 1 else 0
    return found


@ppmi.accept
def pmi_einsum(counts):
    share = counts / np.einsum("ct->c", counts)[:, None]
    return np.log(np.clip(share / (np.einsum("ct->t", counts) / np.einsum("ct->", counts)), 1, None))
