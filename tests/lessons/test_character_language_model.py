"""Lesson 5.6, a language model of characters: formulas against autograd and numbers, what the lesson says, its picture."""

import base64
import io
import statistics
import time

import autograd
import autograd.numpy as anp
import machine
import numpy as np
import pytest
from PIL import Image
from scipy.special import log_softmax, softmax
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.metrics import log_loss

from helpers import data, exercises
from helpers.widgets import character_language_model as pictures

LESSON = exercises.load("character_language_model").exercises
SHARP, SAMPLE, PERPLEXITY, MODEL, LEARN, OPTIMIZE, SHARES, PAIRS, WRITE = (
    LESSON[name].reference
    for name in (
        "temperature_softmax",
        "sample",
        "perplexity",
        "model",
        "learn_from",
        "optimize",
        "ngram_shares",
        "bigram_counts",
        "write_on",
    )
)
NUMBERS = {char: index for index, char in enumerate(pictures.SYMBOLS)}


def network(n_a=4, n_y=5, seed=0):
    rng = np.random.default_rng(seed)
    p = {name: rng.normal(0, 0.8, V.shape) for name, V in pictures.random_parameters(n_a, n_y, rng).items()}
    return p, rng.normal(size=(n_a, 1))


def loss_in_autograd(p, X, Y, a):
    """Return the loss with one-hot columns, in autograd's NumPy."""
    total = 0.0
    for index, answer in zip(X, Y, strict=True):
        x = np.zeros((p["Wax"].shape[1], 1))
        if index is not None:
            x[index] = 1
        a = anp.tanh(anp.dot(p["Waa"], a) + anp.dot(p["Wax"], x) + p["ba"])
        z = anp.dot(p["Wya"], a) + p["by"]
        total = total - z[answer, 0] + anp.log(anp.sum(anp.exp(z)))
    return total


@pytest.mark.parametrize("Y", [[2], [1, 1, 4, 0], [3, 2, 3, 1, 4, 0]])
def test_both_passes_match_autograd(Y):
    p, a = network()
    X = [None, *Y[:-1]]
    loss, _, trace = pictures.read_name(X, Y, a, p)
    assert loss == pytest.approx(loss_in_autograd(p, X, Y, a))
    ours = LEARN(trace, p)
    for name, V in autograd.grad(loss_in_autograd)(p, X, Y, a).items():
        np.testing.assert_allclose(ours[f"d{name}"], V, atol=1e-12)


def test_backward_pass_matches_numerical_gradient():
    p, a = network()
    X, Y, h = [None, 1, 1, 4], [1, 1, 4, 0], 1e-6
    ours = LEARN(pictures.read_name(X, Y, a, p)[2], p)
    for name, V in p.items():
        numerical = np.zeros(V.shape)
        for index in np.ndindex(V.shape):
            ends = []
            for step in (h, -h):
                moved = {**p, name: V.copy()}
                moved[name][index] += step
                ends.append(pictures.read_name(X, Y, a, moved)[0])
            numerical[index] = (ends[0] - ends[1]) / (2 * h)
        assert np.linalg.norm(ours[f"d{name}"] - numerical) < 1e-6 * np.linalg.norm(numerical), name


def test_temperature_has_its_limits():
    z = np.random.default_rng(0).normal(size=(6, 3))
    np.testing.assert_allclose(SHARP(z, 1.7), softmax(z / 1.7, axis=0))
    np.testing.assert_allclose(SHARP(z, 1e-4), z == z.max(axis=0), atol=1e-12)
    np.testing.assert_allclose(SHARP(z, 1e9), 1 / 6)
    z = np.log(np.array([[1.0], [3]]))
    assert [SHARP(z, T)[0, 0] for T in (0.5, 1, 2)] == pytest.approx([0.1, 0.25, 0.366], abs=5e-4)


def test_perplexity_by_hand():
    p = np.array([[[0.5, 0.125, 0.3]], [[0.5, 0.875, 0.7]]])
    assert PERPLEXITY(p, np.zeros((1, 3), dtype=int), np.array([[1.0, 1, 0]])) == pytest.approx(4)


def test_perplexity_matches_scikit_learn():
    rng = np.random.default_rng(4)
    p, y = softmax(rng.normal(size=(5, 3, 6)), axis=0), rng.integers(5, size=(3, 6))
    mask = (np.arange(6) < np.array([6, 2, 4])[:, None]) * 1.0
    expected = log_loss(y[mask > 0], p[:, mask > 0].T, labels=range(5))
    assert np.log(PERPLEXITY(p, y, mask)) == pytest.approx(expected)


def test_counts_match_scikit_learn_and_a_plain_loop():
    words = ["anna", "ab", "banana", "b"]
    numbers = {char: index for index, char in enumerate("\nabn")}
    vectorizer = CountVectorizer(analyzer="char", ngram_range=(2, 2), lowercase=False)
    pairs = {}
    found = vectorizer.fit_transform([f"~{word}~" for word in words]).toarray().sum(axis=0)
    for pair, index in vectorizer.vocabulary_.items():
        pairs[pair.replace("~", "\n")] = found[index]
    counts = PAIRS(words, numbers)
    assert counts.sum() == sum(pairs.values())
    for (before, after), number in pairs.items():
        assert counts[numbers[before], numbers[after]] == number
    tables = pictures.histories([f"\n{word}\n" for word in words], 3, numbers)
    brute = {}
    for word in words:
        text = f"\n{word}\n"
        for t in range(1, len(text)):
            for k in range(min(3, t) + 1):
                brute.setdefault(text[t - k : t], np.zeros(4))[numbers[text[t]]] += 1
    assert tables.keys() == brute.keys()
    assert all(np.array_equal(tables[history], brute[history]) for history in brute)
    np.testing.assert_array_equal([tables[char] for char in "\nabn"], counts)


def test_shares_of_counts_by_hand():
    tables = {"": np.array([1.0, 2.0]), "a": np.array([0.0, 1.0])}
    assert SHARES("a", tables, 1.0, 2) == pytest.approx([0.1875, 0.8125])
    assert SHARES("aa", tables, 1.0, 2) == pytest.approx([0.1875, 0.8125])
    assert SHARES("", tables, 1.0, 2) == pytest.approx([0.375, 0.625])
    assert SHARES("bab", tables, 0.3, 2).sum() == pytest.approx(1)

def test_samples_have_the_probabilities_of_the_network():
    p, _ = network(n_y=3)
    rng, drawn = np.random.default_rng(1), []
    for _ in range(4000):
        drawn.append(SAMPLE(p, {"\n": 0, "a": 1, "b": 2}, rng, 1.0, 2))
    drawn = np.array(drawn)
    assert np.all(drawn[drawn[:, 0] == 0, 1] == 0)
    for first in (1, 2):
        for second in range(3):
            expected = np.exp(-pictures.read_name([None, first], [first, second], np.zeros((4, 1)), p)[0])
            share = np.mean((drawn[:, 0] == first) & (drawn[:, 1] == second))
            assert share == pytest.approx(expected, abs=0.04)


@pytest.fixture(scope="module")
def names():
    return pictures.split_names(data.names(), np.random.default_rng(0))


@pytest.fixture(scope="module")
def trained(names):
    return pictures.train_names(names[0], np.random.default_rng(1))


def test_frequencies_and_network_on_held_out_names(names, trained):
    learned, held_out = names
    assert (len(learned), len(held_out)) == (1384, 200)
    assert not set(learned) & set(held_out)
    counts = np.bincount([NUMBERS[char] for name in learned for char in name + "\n"], minlength=27)
    mean = np.mean([-np.log(counts[NUMBERS[char]] / counts.sum()) for name in held_out for char in name + "\n"])
    assert [mean, np.exp(mean)] == pytest.approx([2.91, 18.4], abs=0.06)
    found = pictures.losses_of(held_out, trained).mean()
    assert 2.15 < found < 2.35
    assert pictures.losses_of(learned, trained).mean() < found - 0.1


def test_losses_of_names_are_those_of_the_steps(trained):
    z = [pictures.scores_after("al"[:t], trained) for t in range(3)]
    expected = [-log_softmax(one[:, 0])[NUMBERS[char]] for one, char in zip(z, "al\n", strict=True)]
    np.testing.assert_allclose(pictures.losses_of(["al"], trained), expected)


def test_one_name_at_a_time_beats_the_frequencies(names):
    p = pictures.random_parameters(64, 27, np.random.default_rng(1))
    p, losses = MODEL(names[0], NUMBERS, p, 3000, 0.02, 5.0)
    assert len(losses) == 3000
    assert pictures.losses_of(names[1], p).mean() < 2.6


def test_writing_on_reads_the_beginning_first():
    p, a = network(n_y=3)
    numbers, rng = {"\n": 0, "a": 1, "b": 2}, np.random.default_rng(2)
    drawn = np.array([WRITE("ab", a, p, numbers, rng, 1.0, 2) for _ in range(4000)])
    for first in range(3):
        for second in range(3):
            whole = pictures.read_name([1, 2, first], [2, first, second], a, p)[0]
            expected = np.exp(pictures.read_name([1], [2], a, p)[0] - whole)
            assert np.mean((drawn == [first, second]).all(axis=1)) == pytest.approx(expected, abs=0.04)


def test_one_step_of_the_gated_network_is_the_fast_layer():
    fast = pictures.gated(5, 6, np.random.default_rng(0))
    numbers = np.array([[3, 1, 4, 1]])
    scores, state = pictures.scores_on(fast, numbers)
    p, a = pictures.as_parameters(fast), np.zeros((6, 1))
    for t in range(4):
        z, a = pictures.next_scores(numbers[0, t], a, p)
        np.testing.assert_allclose(z[:, 0], scores[:, 0, t], atol=1e-5)
    np.testing.assert_allclose(a, state, atol=1e-5)


@pytest.fixture(scope="module")
def book():
    return pictures.book()


def test_the_book_and_its_held_out_part(book):
    assert len(book.symbols) == 38
    assert len(book.held_out) == 20000
    assert book.held_out[:200] not in book.read
    numbers = pictures.as_numbers("in the", book.symbols)
    assert "".join(book.symbols[i] for i in numbers) == "in the"


def test_losses_of_a_network_on_a_text(book):
    fast = pictures.gated(38, 4, np.random.default_rng(1))
    numbers = pictures.as_numbers(book.held_out[:60], book.symbols)
    p = pictures.as_parameters(fast)
    losses = []
    for part in (numbers[:30], numbers[30:]):
        a = np.zeros((4, 1))
        for t in range(29):
            z, a = pictures.next_scores(part[t], a, p)
            losses.append(-log_softmax(z[:, 0])[part[t + 1]])
    assert pictures.book_loss(fast, numbers, pieces=2) == pytest.approx(np.mean(losses), abs=1e-5)
    nothing = np.zeros(60, dtype=bool)
    both = pictures.loss_after_true(fast, numbers, numbers, nothing, pieces=2)
    assert both == pytest.approx([np.mean(losses)] * 2, abs=1e-5)
    found = pictures.unit_correlations(fast, numbers, book.symbols)
    assert all(0 <= one <= 1 for one in found.values())


@pytest.mark.parametrize("which", range(4))
def test_a_planted_fault_looks_as_it_is_said(which):
    run = pictures.sick_run(np.random.default_rng(which), OPTIMIZE, SAMPLE, which)
    parts = [float(part) for part in run.words.split("training are ")[1].split(";")[0].split(", ")]
    names = run.words.split("at most: ")[1].rstrip(".").split(", ")
    if which == 0:
        assert parts[-1] < 1
    elif which == 1:
        assert np.mean(parts) > np.log(27)
    elif which == 2:
        assert 3.2 < parts[-1] < parts[0] + 0.05
    else:
        assert 1.5 < parts[-1] < 2.9
        assert all(len(name) == 12 for name in names)


@pytest.fixture
def picture(trained):
    return pictures.writer(SHARP, SAMPLE, trained)


def test_picture_answers_within_a_tenth_of_a_second(picture):
    seconds = []
    for step in range(8):
        for name, value in (("temperature", 0.3 + step), ("beginning", "marianne"[: step + 1]), ("seed", step + 1)):
            start = time.process_time()
            picture.controls[name].value = value
            seconds.append(time.process_time() - start)
    assert statistics.median(seconds) < machine.seconds(0.1)


def test_picture_follows_its_controls_and_says_so(picture):
    seen = [picture._image.value]
    for name, value in (("beginning", "tho"), ("temperature", 3.0)):
        picture.controls[name].value = value
        assert picture._image.value not in seen
        seen.append(picture._image.value)
    before = picture._caption.value
    assert "After “tho” at temperature 3.00" in before
    picture.controls["seed"].value = 9
    assert picture._caption.value != before
    picture.controls["beginning"].value = "O'Neil 7"
    assert "After “O&#x27;Neil 7”" in picture._caption.value


def test_picture_shows_the_limits(picture, trained):
    assert SHARP(pictures.scores_after("mar", trained), 10.0).max() < 0.1
    assert SHARP(pictures.scores_after("", trained), 0.1).max() > 0.5


def test_picture_has_a_static_twin(picture):
    image = Image.open(io.BytesIO(base64.b64decode(picture._repr_mimebundle_()["image/png"])))
    assert image.size == (720, 320)
