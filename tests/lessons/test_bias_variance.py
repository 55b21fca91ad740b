"""Lesson 2.1, splits, bias and variance: sizes, splits and formulas against independent computations; its picture."""

import base64
import functools
import io
import itertools
import statistics
import time
from fractions import Fraction

import machine
import numpy as np
import pytest
from PIL import Image
from scipy.stats import binom
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from helpers import exercises
from helpers.exercises.course2_tuning.bias_variance import REMEDIES
from helpers.widgets import bias_variance

LESSON = exercises.load("bias_variance").exercises


# --- the exercises ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("m", "sizes"),
    [
        (1, (1, 0, 0)), (4, (4, 0, 0)), (5, (3, 1, 1)), (100, (60, 20, 20)), (1003, (603, 200, 200)),
        (999_999, (600_001, 199_999, 199_999)), (1_000_000, (980_000, 10_000, 10_000)),
        (1_000_099, (980_099, 10_000, 10_000)),
    ],
)  # fmt: skip
def test_split_sizes_by_hand(m, sizes):
    assert LESSON["split_sizes"](m) == sizes


def test_split_sizes_lose_no_example():
    for m in (*range(1, 300), *range(999_900, 1_000_100)):
        sizes = LESSON["split_sizes"](m)
        share = 20 if m < 10**6 else 1
        assert sum(sizes) == m
        assert sizes[1] == sizes[2] == int(Fraction(share, 100) * m)


def test_split_keeps_pairs_and_columns_and_mixes_as_scikit_learn_does():
    """Labels sorted in the data reach the training set in their own shares, within chance."""
    m, sizes = 600, (360, 120, 120)
    X, Y = np.arange(m)[None, :] * np.ones((3, 1)), np.sort(np.arange(m) % 3)[None, :]
    parts = LESSON["train_dev_test_split"](X, Y, sizes, np.random.default_rng(0))
    columns = np.hstack(parts[::2])[0].astype(int)
    assert sorted(columns) == list(range(m))
    np.testing.assert_array_equal(np.hstack(parts[1::2])[0], Y[0, columns])
    theirs, _ = train_test_split(Y[0], train_size=360, random_state=0)
    std = np.sqrt(360 * 1 / 3 * 2 / 3)
    for labels in (parts[1][0], theirs):
        assert np.all(np.abs(np.bincount(labels) - 120) < 4 * std)


@pytest.mark.parametrize(
    ("errors", "diagnosis"),
    [
        ((0.02, 0.10, 0.01), ["high variance"]), ((0.12, 0.13, 0.01), ["high bias"]),
        ((0.12, 0.25, 0.01), ["high bias", "high variance"]), ((0.02, 0.03, 0.01), []), ((0.12, 0.13, 0.11), []),
        ((0.0, 0.13, 0.05), ["high variance"]),
    ],
)  # fmt: skip
def test_diagnose_by_hand(errors, diagnosis):
    assert LESSON["diagnose"](*errors) == diagnosis


def test_next_step_treats_bias_first_and_never_with_data():
    next_step = functools.partial(LESSON["next_step"], remedies=REMEDIES)
    assert next_step(["high bias"]) == next_step(["high bias", "high variance"])
    assert not next_step(["high bias"])["more data"]
    assert [remedy for remedy, right in next_step([]).items() if right] == ["measure test error"]
    assert next_step(["high variance"])["more data"]
    assert next_step(["high variance"])["regularization"]


# --- the formulas -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("e", "m"), [(0.1, 10), (0.1, 200), (0.1, 10_000), (0.37, 55)])
def test_standard_deviation_of_an_error_is_that_of_the_binomial_distribution(e, m):
    assert np.sqrt(e * (1 - e) / m) == pytest.approx(binom(m, e).std() / m, rel=1e-12)


POPULATION = [(x, x * x + noise) for x in (-1.0, 0.5, 2.0) for noise in (-0.4, 0.4)]  # noise 0.16, equally probable


def test_noise_bias_and_variance_add_up_over_all_training_sets():
    """(1.18), exactly: all 6 · 6 · 6 training sets of three examples, fitted by a line through the origin."""
    for x_new in (-1.0, 0.5, 2.0):
        fits = [
            x_new * sum(x * y for x, y in drawn) / sum(x * x for x, _ in drawn)
            for drawn in itertools.product(POPULATION, repeat=3)
        ]
        f = x_new**2
        expected = np.mean([(f + noise - g) ** 2 for g in fits for noise in (-0.4, 0.4)])
        assert expected == pytest.approx(0.16 + (f - np.mean(fits)) ** 2 + np.var(fits), rel=1e-12)


def test_errors_of_the_mean_over_all_training_sets():
    """(1.20) to (1.24), exactly: the mean of m = 4 labels, over all training sets."""
    m = 4
    labels = np.array([y for _, y in POPULATION])
    drawn = np.array(list(itertools.product(labels, repeat=m)))
    means = drawn.mean(axis=1)
    s_squared, truth = np.var(labels), np.array([x * x for x, _ in POPULATION])
    train = np.mean((drawn - means[:, None]) ** 2)
    new = np.mean((labels[:, None] - means) ** 2)
    variance, bias_squared = np.var(means), np.mean((truth - labels.mean()) ** 2)
    assert variance == pytest.approx(s_squared / m, rel=1e-12)
    assert new == pytest.approx(s_squared * (1 + 1 / m), rel=1e-12)
    assert train == pytest.approx(s_squared * (1 - 1 / m), rel=1e-12)
    assert s_squared == pytest.approx(0.16 + bias_squared, rel=1e-12)
    assert new - train == pytest.approx(2 * variance, rel=1e-12)
    assert train - 0.16 == pytest.approx(bias_squared - variance, rel=1e-12)


# --- what the lesson draws with ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("degree", [0, 1, 5])
def test_polynomial_is_that_of_numpy(degree):
    X, Y = bias_variance.noisy_examples(30, np.random.default_rng(2))
    x = np.linspace(-1, 1, 50)
    theirs = np.polyval(np.polyfit(X[0], Y[0], degree), x)
    np.testing.assert_allclose(bias_variance.fit_polynomial(X, Y, degree)(x[None, :])[0], theirs, atol=1e-10)


def test_made_up_data_have_the_noise_that_the_lesson_says():
    rng = np.random.default_rng(4)
    X, Y = bias_variance.noisy_examples(100_000, rng)
    assert np.var(Y - bias_variance.curve(X)) == pytest.approx(0.09, rel=0.02)
    X, Y = bias_variance.two_classes(100_000, rng)
    assert np.mean((X[1] > 0.6 * np.sin(4 * X[0])) != Y[0]) == pytest.approx(0.05, abs=0.004)


def test_digits_are_sorted_and_complete():
    X, Y = bias_variance.small_digits()
    assert X.shape == (196, 5000)
    assert Y.tolist() == [sorted([*range(10)] * 500)]
    assert X.min() == 0
    assert X.max() == 1


def test_more_data_do_not_cure_bias_and_a_bigger_network_does():
    X, Y = bias_variance.small_digits()
    order = np.random.default_rng(5).permutation(5000)
    X, Y = X[:, order], Y[:, order]

    def training_error(units, m):
        return np.mean(bias_variance.train_network(X[:, :m], Y[:, :m], units)(X[:, :m]) != Y[:, :m])

    assert training_error(2, 1000) > 0.2
    assert training_error(2, 3000) > 0.2
    assert training_error(32, 1000) < 0.02


def test_without_hidden_units_scikit_learn_agrees_with_the_straight_line():
    X, Y = bias_variance.two_classes(400, np.random.default_rng(6))
    ours = bias_variance.four_fits(X, Y)["straight line"](X)
    np.testing.assert_array_equal(ours[0], LogisticRegression().fit(X.T, Y[0]).predict(X.T))


# --- the picture ------------------------------------------------------------------------------------------------------


@pytest.fixture
def picture():
    return bias_variance.capacity_and_data(LESSON["train_dev_test_split"], LESSON["diagnose"])


def test_capacity_and_data_answers_within_a_tenth_of_a_second(picture, record_property):
    seconds = []
    for name, values in (("degree", range(13)), ("m", (15, 50, 200, 1000)), ("number", range(2, 8))):
        for value in values:
            start = time.process_time()
            picture.controls[name].value = value
            seconds.append(time.process_time() - start)
    median = statistics.median(seconds)
    record_property("picture of lesson 2.1, median time to answer", f"{1000 * median:.0f} ms")
    assert median < machine.seconds(0.1)


def test_capacity_and_data_follows_its_controls(picture):
    seen = [picture._image.value]
    for name, value in (("degree", 7), ("m", 100), ("number", 2)):
        picture.controls[name].value = value
        assert picture._image.value not in seen
        seen.append(picture._image.value)


def test_capacity_and_data_says_what_it_shows(picture):
    """Few examples and a high degree show variance, a low degree and many examples bias, enough of both neither."""
    said = {}
    for degree, m in ((10, 20), (2, 1000), (6, 1000)):
        picture.controls["degree"].value, picture.controls["m"].value = degree, m
        said[degree, m] = picture._caption.value
    assert "Degree 10, 20 training examples" in said[10, 20]
    assert "finds high variance." in said[10, 20]
    assert "finds high bias." in said[2, 1000]
    assert "finds nothing." in said[6, 1000]


def test_capacity_and_data_measures_what_the_formulas_say(picture):
    """Degree 0 with 1000 examples: both errors are near noise plus bias²."""
    _, _, errors = picture.errors(1000, 3)
    X = np.linspace(-1, 1, 100_001)
    s_squared = 0.09 + np.var(bias_variance.curve(X))
    assert errors[0, 0] == pytest.approx(s_squared, rel=0.15)
    assert errors[1, 0] == pytest.approx(s_squared, rel=0.15)


def test_capacity_and_data_has_a_static_twin(picture):
    shown = picture._repr_mimebundle_()
    image = Image.open(io.BytesIO(base64.b64decode(shown["image/png"])))
    assert image.size == (720, 340)
    assert "application/vnd.jupyter.widget-view+json" in shown
