"""Lesson 5.8, word2vec: the formulas against other implementations, what the lesson says, the trainer, the picture."""

import base64
import io
import itertools
import re
import statistics
import time

import autograd
import autograd.numpy as anp
import machine
import numpy as np
import pytest
import scipy.sparse.linalg
from autograd.scipy.special import logsumexp
from PIL import Image
from scipy.special import expit
from sklearn.metrics import mutual_info_score

from helpers import exercises
from helpers.checks.views import tree
from helpers.widgets import word2vec as pictures

LESSON = exercises.load("word2vec").exercises
PAIRS, CONTEXTS, SOFTMAX, UNIGRAM, NEGATIVES, SAMPLED, TREE, PATH, SKIPGRAM, CBOW, STEP, KEEP, PPMI = (
    LESSON[name].reference
    for name in (
        "skipgram_pairs", "cbow_pairs", "naive_softmax_loss_and_gradient", "unigram_distribution", "sample_negatives",
        "neg_sampling_loss_and_gradient", "build_huffman_tree", "hierarchical_softmax_loss_and_gradient",
        "train_skipgram", "train_cbow", "sparse_step", "keep_probability", "ppmi",
    )
)  # fmt: skip
SENTENCE = list(range(13))  # the sentence of the lesson, in which no word occurs twice


def log_one_plus(x):
    return anp.log(1 + anp.exp(x))


# --- pairs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("T", "r"), [(13, 2), (13, 6), (9, 9), (5, 1), (4, 3)])
def test_number_of_pairs_is_what_the_lesson_derives(T, r):
    assert len(PAIRS(list(range(T)), r)) == 2 * r * T - r * (r + 1)


def test_the_pairs_of_the_sentence():
    assert pictures.SENTENCE[5] == "orange"
    assert [pictures.SENTENCE[t] for c, t in PAIRS(SENTENCE, 2) if c == 5] == ["glass", "of", "juice", "to"]
    assert {(5, 6), (5, 3), (5, 11)} <= set(PAIRS(SENTENCE, 6))
    assert [pictures.SENTENCE[j] for j in (6, 3, 11)] == ["juice", "glass", "my"]
    assert len(PAIRS(SENTENCE, 2)) == 46


def test_contexts_and_pairs_of_skip_gram_hold_the_same_words():
    words = [3, 1, 1, 4, 3, 0, 2, 1]
    flat = sorted((t, word) for context, t in CONTEXTS(words, 3) for word in context)
    assert flat == sorted(PAIRS(words, 3))


# --- losses and gradients ---------------------------------------------------------------------------------------------


def softmax_loss(e, Theta, t):
    z = anp.dot(Theta.T, e)
    return logsumexp(z) - z[t, 0]


def sampled_loss(e, Theta, t, negatives):
    z = anp.dot(Theta.T, e)[:, 0]
    return log_one_plus(-z[t]) + sum(log_one_plus(z[word]) for word in negatives)


def path_loss(e, Theta, nodes, signs):
    z = anp.dot(Theta.T, e)[:, 0]
    return sum(log_one_plus(-sign * z[v]) for v, sign in zip(nodes, signs, strict=True))


GRADIENTS = {
    "softmax": (softmax_loss, lambda e, Theta, t: SOFTMAX(e, t, Theta), (3,)),
    "sampled": (sampled_loss, lambda e, Theta, t, words: SAMPLED(e, t, words, Theta), (3, np.array([5, 0, 5, 5, 2]))),
    "path": (path_loss, lambda e, Theta, v, s: PATH(e, v, s, Theta), (np.array([6, 2, 5]), np.array([-1, 1, -1]))),
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_loss_and_gradients_match_autograd_and_numerical_gradient(name):
    independent, ours, rest = GRADIENTS[name]
    rng = np.random.default_rng(1)
    e, Theta = rng.normal(size=(4, 1)), rng.normal(size=(4, 7))
    loss, de, dTheta = ours(e, Theta, *rest)
    assert loss == pytest.approx(independent(e, Theta, *rest), rel=1e-12)
    for found, place in ((de, 0), (dTheta, 1)):
        np.testing.assert_allclose(found, autograd.grad(independent, place)(e, Theta, *rest), atol=1e-12)
        numerical, h = np.zeros(found.shape), 1e-6
        for index in np.ndindex(found.shape):
            at = [[e.copy(), Theta.copy()] for _ in range(2)]
            at[0][place][index] += h
            at[1][place][index] -= h
            numerical[index] = (ours(*at[0], *rest)[0] - ours(*at[1], *rest)[0]) / (2 * h)
        assert np.linalg.norm(found - numerical) < 1e-6 * np.linalg.norm(numerical)


@pytest.mark.parametrize("name", GRADIENTS)
def test_losses_stay_finite_at_large_scores(name):
    _, ours, rest = GRADIENTS[name]
    for factor in (1000, -1000):
        e, Theta = np.array([[1.0]]), factor * np.array([[1.0, -1, 1, -1, 1, -1, 1]])
        for part in ours(e, Theta, *rest):
            assert np.all(np.isfinite(part))
    assert SOFTMAX(np.ones((1, 1)), 1, np.array([[900.0, -900]]))[0] == 1800


def test_numbers_of_the_lesson_by_hand():
    loss, de, dTheta = SOFTMAX(np.array([[2.0]]), 0, np.array([[0.5, 0]]))
    assert [loss, de.item(), *dTheta[0]] == pytest.approx([0.313, -0.134, -0.538, 0.538], abs=5e-4)
    loss, de, dTheta = SAMPLED(np.array([[1.0]]), 0, np.array([2, 2]), np.zeros((1, 3)))
    assert loss == pytest.approx(3 * np.log(2))
    np.testing.assert_allclose(dTheta, [[-0.5, 0, 1]])
    np.testing.assert_allclose(UNIGRAM(np.array([81, 16, 1])), np.array([27, 8, 1]) / 36)


# --- the tree ---------------------------------------------------------------------------------------------------------


def best_mean_depth(weights):
    """Return the smallest weighted sum of depths over all binary trees, by trying all splits into two sets."""
    if len(weights) == 1:
        return 0
    first, *others = range(len(weights))
    best = np.inf
    for size in range(len(others)):
        for chosen in itertools.combinations(others, size):
            one = {first, *chosen}
            parts = [[weights[i] for i in range(len(weights)) if (i in one) == side] for side in (True, False)]
            best = min(best, sum(weights) + best_mean_depth(parts[0]) + best_mean_depth(parts[1]))
    return best


@pytest.mark.parametrize(
    "counts", [[5, 2, 1, 1], [2, 2, 1, 1], [3, 3, 3, 3, 3], [9, 4, 4, 2, 7, 1], [1, 1, 2, 3, 5, 8]]
)
def test_huffman_tree_is_best_of_all_trees(counts):
    counts = np.array(counts)
    facts = tree(TREE(counts), {"counts": counts})
    assert facts["mean length of a code"] * counts.sum() == pytest.approx(best_mean_depth(counts.tolist()))


def test_depths_and_codes_agree_and_no_code_begins_another():
    counts = np.random.default_rng(3).integers(1, 60, 40)
    children = TREE(counts)
    depth = pictures.depth_of_words(children, 40)
    codes = []
    for word in range(40):
        nodes, signs = pictures.code_of(word, children)
        assert nodes[0] == 38, "the root"
        assert len(nodes) == len(signs) == depth[word]
        codes.append("".join("L" if sign == 1 else "R" for sign in signs))
    assert not any(a != b and b.startswith(a) for a in codes for b in codes)
    assert len(set(codes)) == 40
    assert np.sum(0.5**depth) == 1
    assert tree(children, {"counts": counts})["mean length of a code"] == pytest.approx(np.sum(depth * counts) / counts.sum())


def test_trees_are_judged_whatever_their_shape():
    counts = np.array([2, 2, 1, 1])
    balanced, comb = np.array([[2, 3], [0, 1], [4, 5]]), np.array([[2, 3], [0, 4], [1, 5]])
    assert tree(balanced, {"counts": counts}) == tree(comb, {"counts": counts})
    for wrong in (
        [[2, 3], [0, 1], [4, 4]],
        [[2, 3], [0, 6], [1, 5]],
        [[4, 3], [0, 1], [2, 5]],
        [[2, 3], [0, 1], [-1, 5]],
    ):
        facts = tree(np.array(wrong), {"counts": counts})
        assert facts["mean length of a code"] == -1
        assert facts != tree(comb, {"counts": counts})


def test_words_of_the_tree_have_the_probability_one():
    rng = np.random.default_rng(0)
    e, Theta, children = rng.normal(size=(4, 1)), rng.normal(size=(4, 12)), TREE(pictures.COUNTS)
    losses = [PATH(e, *pictures.code_of(word, children), Theta)[0] for word in range(13)]
    assert np.sum(np.exp(-np.array(losses))) == pytest.approx(1)


# --- sampling and training --------------------------------------------------------------------------------------------


def test_negatives_follow_their_distribution():
    P = np.array([0.1, 0.4, 0.3, 0.2])
    drawn = NEGATIVES(1, P, 60000, np.random.default_rng(0))
    np.testing.assert_allclose(np.bincount(drawn, minlength=4) / 60000, np.array([1, 0, 3, 2]) / 6, atol=0.01)


def test_first_loss_of_the_training_is_that_of_six_sure_of_nothing():
    first = SKIPGRAM([(0, 1)], np.ones((2, 4)), np.zeros((2, 4)), np.full(4, 0.25), 5, 0.1, 1, np.random.default_rng(0))[2]
    assert first == pytest.approx([4.159], abs=5e-4)


def test_best_free_score_is_the_logarithm_of_the_ratio():
    yes, no = 6.0, 11.0
    z = np.linspace(-3, 3, 60001)
    loss = yes * np.logaddexp(0, -z) + no * np.logaddexp(0, z)
    assert z[np.argmin(loss)] == pytest.approx(np.log(yes / no), abs=1e-3)


def test_skip_gram_is_cbow_with_contexts_of_one_word():
    rng = np.random.default_rng(5)
    E, Theta, P, pairs = rng.normal(size=(3, 6)), rng.normal(size=(3, 6)), np.full(6, 1 / 6), PAIRS([0, 3, 2, 5, 2], 2)
    one = SKIPGRAM(pairs, E, Theta, P, 3, 0.2, 2, np.random.default_rng(1))
    other = CBOW([([c], t) for c, t in pairs], E, Theta, P, 3, 0.2, 2, np.random.default_rng(1))
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b)


@pytest.fixture(scope="module")
def text():
    return pictures.bible(least=10)


def test_the_book_and_its_tree_are_as_the_lesson_says(text):
    assert text.counts.sum() == pytest.approx(765000, rel=2e-3)
    assert len(text.words) == 3570
    assert text.counts[text.words.index("queen")] == 54
    share, depth = text.counts / text.counts.sum(), pictures.depth_of_words(TREE(text.counts), len(text.words))
    assert np.sum(share * depth) == pytest.approx(8.36, abs=5e-3)
    assert -np.sum(share * np.log2(share)) == pytest.approx(8.32, abs=5e-3)
    assert 5 + 1 < np.sum(share * depth) < 15 + 1


# --- the sparse step, thinning, counts -------------------------------------------------------------------------------


def test_sparse_step_moves_by_the_gradients_of_autograd_and_agrees_with_the_dense_training():
    rng = np.random.default_rng(2)
    e, Theta, drawn, rate = rng.normal(size=(4, 1)), rng.normal(size=(4, 9)), np.array([5, 0, 5, 5, 2]), 0.3
    loss, e_new, columns = STEP(e, 3, drawn, Theta, rate)
    assert loss == pytest.approx(sampled_loss(e, Theta, 3, drawn))
    de, dTheta = (autograd.grad(sampled_loss, place)(e, Theta, 3, drawn) for place in (0, 1))
    np.testing.assert_allclose(e_new, e - rate * de)
    words = np.append(3, drawn)
    np.testing.assert_allclose(columns, Theta[:, words] - rate * dTheta[:, words])
    moved = Theta.copy()
    moved[:, words] = columns
    np.testing.assert_allclose(moved, Theta - rate * dTheta)

    P, E = np.array([0.5, 0, 0, 0.5]), rng.normal(size=(4, 4))  # one word is left to draw
    dense = SKIPGRAM([(1, 0)], E, Theta[:, :4], P, 3, rate, 1, rng)
    loss, e_new, columns = STEP(E[:, [1]], 0, np.array([3, 3, 3]), Theta[:, :4], rate)
    np.testing.assert_allclose(dense[0][:, [1]], e_new)
    np.testing.assert_allclose(dense[1][:, [0, 3]], columns[:, :2])


def test_sparse_step_stays_finite_at_large_scores():
    for factor in (1000, -1000):
        step = STEP(np.ones((1, 1)), 0, np.array([1, 2]), factor * np.array([[1.0, -1, 1]]), 0.1)
        assert all(np.all(np.isfinite(part)) for part in step)


def test_thinning_makes_the_shares_grow_as_the_root():
    counts = np.array([900, 96, 4])
    np.testing.assert_allclose(counts / counts.sum(), [0.9, 0.096, 0.004])
    np.testing.assert_allclose(KEEP(counts, 0.009), [0.1, 0.306, 1], atol=5e-4)
    left = counts * KEEP(counts, 0.009)
    assert left[0] / left[2] == pytest.approx(22.5)
    assert counts[0] / counts[2] == 225
    assert left[0] / left[1] == pytest.approx(np.sqrt(counts[0] / counts[1]))


def test_positive_pmi_gives_the_mutual_information_of_scikit_learn():
    np.testing.assert_allclose(PPMI(np.array([[4, 0], [2, 6]])), [[0.693, 0], [0, 0.405]], atol=5e-4)
    counts = np.zeros((7, 7))
    rng = np.random.default_rng(4)
    for part in (slice(0, 3), slice(3, 7)):  # in blocks of rank one every pair that occurs is above chance
        rows = np.arange(7)[part]
        counts[part, part] = np.outer(rng.integers(1, 9, len(rows)), rng.integers(1, 9, len(rows)))
    assert np.sum(counts / counts.sum() * PPMI(counts)) == pytest.approx(mutual_info_score(None, None, contingency=counts))


@pytest.mark.parametrize("seed", range(5))
def test_free_scores_end_at_pmi_minus_log_K(seed):
    """Negatives drawn by frequency, one free score for each pair: gradient descent on the expected loss."""
    rng = np.random.default_rng(seed)
    counts, K = rng.integers(5, 60, (4, 4)), 5
    by_chance = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum()
    z = np.zeros(counts.shape)
    for _ in range(400):
        z -= 0.01 * (counts * (expit(z) - 1) + K * by_chance * expit(z))
    np.testing.assert_allclose(z, np.log(counts / by_chance) - np.log(K), atol=1e-6)


@pytest.fixture(scope="module")
def book():
    """The book of the lesson, and the vectors by counting the pairs of one thinned copy."""
    book = pictures.bible(least=50)
    n, rng, keep = len(book.words), np.random.default_rng(0), KEEP(book.counts, 1e-3)
    pairs = np.array([
        pair
        for verse in book.passages
        for pair in PAIRS([word for word in verse if rng.random() < keep[word]], 4)
    ])  # fmt: skip
    counts = np.bincount(pairs @ [n, 1], minlength=n * n).reshape(n, n)
    U, s, _ = scipy.sparse.linalg.svds(PPMI(counts), 50, rng=0)
    return book, counts, (U * np.sqrt(s)).T


def test_counted_vectors_find_the_groups(book):
    book, counts, E = book
    assert len(book.words) == 1221
    assert np.all(counts.sum(axis=0) > 0)
    assert pictures.group_score(book.words, E) > 0.85
    numbers, group = pictures.words_of_groups(book.words)
    assert np.sum((np.bincount(group) / len(group)) ** 2) < 0.2
    assert pictures.group_score(book.words, np.random.default_rng(0).normal(size=E.shape)) < 0.4
    assert {"silver", "brass"} <= set(pictures.nearest(book.words, E, "gold", 6).split())


# --- a run to diagnose ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", range(len(pictures.FAULTS)))
def test_each_fault_looks_as_it_is_said_to_look(which):
    for seed in range(3):
        run = pictures.sick_run(np.random.default_rng(seed), STEP, which=which)
        found = re.search(
            r"is (\S+) in the first epoch and (\S+) in the last of 60; it rose in (\d+) .*σ is (\S+) on.* and (\S+) for "
            r"other pairs\. .*length (\S+) at the start and have (\S+) at",
            run.words,
        )
        first, last, rose, yes, others, before, after = map(float, found.groups())
        looks = [
            10 <= rose <= 45 and 2 < last < 4 and after > 3 * before,
            4.05 < last < 4.16 and abs(yes - 0.5) < 0.02 and abs(others - 0.5) < 0.02 and before > 0 and after < 1.5 * before,
            before == after == 0 and rose == 0 and first == last == 4.16,
            last < 0.01 and rose == 0 and min(yes, others) > 0.8,
            rose > 45 and last > 4.16,
        ]
        assert run.which == which
        assert [i for i, there in enumerate(looks) if there] == [which], (seed, run.words)


def test_only_the_full_softmax_grows_with_the_vocabulary():
    few, many = (pictures.seconds_of_a_step(n) for n in (1000, 30000))
    assert many["full softmax"] > 8 * few["full softmax"]
    assert many["hierarchical softmax"] < many["full softmax"] / 20
    assert many["5 negatives"] < many["full softmax"] / 20


# --- the picture ------------------------------------------------------------------------------------------------------

FUNCTIONS = (SOFTMAX, PATH, SAMPLED, NEGATIVES, TREE)


@pytest.fixture
def picture():
    return pictures.play(FUNCTIONS)


def test_picture_answers_within_a_tenth_of_a_second(picture):
    seconds = []  # of the processor, so that other programs do not count
    for steps in (30, 25, 20, 15, 10, 29, 28):
        start = time.process_time()
        picture.controls["steps"].value = steps
        seconds.append(time.process_time() - start)
    assert statistics.median(seconds) < machine.seconds(0.1)


def test_picture_follows_its_controls_and_says_what_it_shows(picture):
    assert "negative sampling, 1 step: 4 of 13 output vectors have moved" in picture._caption.value
    seen = [picture._image.value]
    for name, value in (("K", 10), ("steps", 30), ("objective", "full softmax"), ("objective", "hierarchical softmax")):
        picture.controls[name].value = value
        assert picture._image.value not in seen
        seen.append(picture._image.value)
    assert "6 of 12 inner nodes have moved; the next step touches 6" in picture._caption.value


def test_answers_to_the_questions_hold():
    def after(objective, steps, K):
        _, ax = pictures.plt.subplots()
        shown = pictures._Steps(ax, FUNCTIONS, animated=False)
        sentence = shown.show(objective, steps, K)
        pictures.plt.close(ax.figure)
        return sentence, np.ravel(shown.centre.get_data()), np.ravel(shown.target.get_data())

    for objective, moved in (
        ("full softmax", "13 of 13"),
        ("hierarchical softmax", "6 of 12"),
        ("negative sampling", "4 of 13"),
    ):
        assert f"1 step: {moved}" in after(objective, 1, 3)[0]
    for K, moved in ((1, "10 of 13"), (10, "13 of 13")):
        sentence, star, juice = after("negative sampling", 30, K)
        assert f"30 steps: {moved}" in sentence
        assert star @ juice > 0.9 * np.linalg.norm(star) * np.linalg.norm(juice)
        assert (np.linalg.norm(star) > np.linalg.norm(juice)) == (K == 10)


def test_picture_has_a_static_twin(picture):
    image = Image.open(io.BytesIO(base64.b64decode(picture._repr_mimebundle_()["image/png"])))
    assert image.size == (700, 380)
