"""Lesson 5.8, word2vec: the formulas against other implementations, what the lesson says, the trainer, the picture."""

import base64
import io
import itertools
import statistics
import time

import autograd
import autograd.numpy as anp
import machine
import numpy as np
import pytest
from autograd.scipy.special import logsumexp
from PIL import Image

from helpers import exercises
from helpers.checks.views import tree
from helpers.widgets import word2vec as pictures

LESSON = exercises.load("word2vec").exercises
PAIRS, CONTEXTS, SOFTMAX, UNIGRAM, NEGATIVES, SAMPLED, TREE, PATH, SKIPGRAM, CBOW = (
    LESSON[name].reference
    for name in (
        "skipgram_pairs", "cbow_pairs", "naive_softmax_loss_and_gradient", "unigram_distribution", "sample_negatives",
        "neg_sampling_loss_and_gradient", "build_huffman_tree", "hierarchical_softmax_loss_and_gradient",
        "train_skipgram", "train_cbow",
    )
)  # fmt: skip
NOTES = list(range(13))  # the sentence of the notes, in which no word occurs twice


def log_one_plus(x):
    return anp.log(1 + anp.exp(x))


# --- pairs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("T", "r"), [(13, 2), (13, 6), (9, 9), (5, 1), (4, 3)])
def test_number_of_pairs_is_what_the_lesson_derives(T, r):
    assert len(PAIRS(list(range(T)), r)) == 2 * r * T - r * (r + 1)


def test_the_pairs_of_the_notes():
    assert pictures.SENTENCE[5] == "orange"
    assert [pictures.SENTENCE[t] for c, t in PAIRS(NOTES, 2) if c == 5] == ["glass", "of", "juice", "to"]
    assert {(5, 6), (5, 3), (5, 11)} <= set(PAIRS(NOTES, 6))
    assert [pictures.SENTENCE[j] for j in (6, 3, 11)] == ["juice", "glass", "my"]
    assert len(PAIRS(NOTES, 2)) == 46


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


@pytest.mark.parametrize("mode", ["skip-gram", "CBOW"])
def test_examples_of_the_trainer_are_the_pairs_of_the_lesson(mode):
    words = [2, 0, 1, 3, 0]
    small = pictures.Text(list("abcd"), np.bincount(words), [words, [1, 2]])
    inputs, targets = pictures._examples(small, mode, 1, 10.0, np.random.default_rng(0))  # nothing is thinned out
    rows = sorted((tuple(row), int(t)) for row, t in zip(inputs.toarray().tolist(), targets, strict=True))
    given = [([c], t) for c, t in PAIRS(words, 1) + PAIRS([1, 2], 1)]
    given = given if mode == "skip-gram" else CONTEXTS(words, 1) + CONTEXTS([1, 2], 1)
    wanted = [(tuple(np.bincount(context, minlength=4) / len(context)), t) for context, t in given]
    assert rows == sorted(wanted)


def test_first_step_of_the_trainer_has_the_loss_of_the_lesson():
    words = [0, 1, 2, 3] * 5
    small = pictures.Text(list("abcd"), np.bincount(words), [words])
    cost = pictures.fit(small, np.full(4, 0.25), epochs=1, K=5, n_e=4, thinning=10.0)[2][0]  # all in one batch
    assert cost == pytest.approx(6 * np.log(2))


def test_the_trained_vectors_do_what_the_lesson_says(text):
    E, _, costs = pictures.fit(text, UNIGRAM(text.counts), epochs=3)
    assert costs[0] > costs[1] > costs[2]
    unit, number = E / np.linalg.norm(E, axis=0), {word: j for j, word in enumerate(text.words)}
    for question, answer in (("he she his", "her"), ("he she him", "her"), ("son sons daughter", "daughters")):
        a, b, c = question.split()
        aim = unit[:, number[b]] - unit[:, number[a]] + unit[:, number[c]]
        assert pictures.nearest_to(text.words, E, aim, 1, {a, b, c}) == answer
    assert {"brass", "silver"} <= set(pictures.nearest(text.words, E, "gold", 5).split())
    assert "drink" in pictures.nearest(text.words, E, "bread", 5).split()
    kings = {"zedekiah", "nebuchadnezzar", "jehoshaphat", "hezekiah", "ahab", "amaziah"}
    assert len(kings & set(pictures.nearest(text.words, E, "king", 6).split())) >= 3


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
