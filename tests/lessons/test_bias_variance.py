"""Lesson 2.1, splits, bias and variance: sizes, splits and formulas against independent computations; its picture."""

import base64
import functools
import io
import itertools
import re
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

from helpers import courses, exercises, notebooks
from helpers.exercises.course2_tuning.bias_variance import REMEDIES
from helpers.widgets import bias_variance

LESSON = exercises.load("bias_variance").exercises


def shown(name):
    """The function that stands in the notebook's cell of its name."""
    cells = notebooks.read(courses.find("bias_variance").path).cells
    names = {"np": np}
    exec(next(cell.source for cell in cells if cell.id == name), names)
    return names[name]


@pytest.fixture(scope="module")
def train_network():
    """The function that the notebook trains with."""
    return shown("train_network")


@pytest.fixture(scope="module")
def fit_polynomial():
    """The function that the notebook fits with."""
    return shown("fit_polynomial")


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
    """(1.22), exactly: all 6 · 6 · 6 training sets of three examples, fitted by a line through the origin."""
    for x_new in (-1.0, 0.5, 2.0):
        fits = [
            x_new * sum(x * y for x, y in drawn) / sum(x * x for x, _ in drawn)
            for drawn in itertools.product(POPULATION, repeat=3)
        ]
        f = x_new**2
        expected = np.mean([(f + noise - g) ** 2 for g in fits for noise in (-0.4, 0.4)])
        assert expected == pytest.approx(0.16 + (f - np.mean(fits)) ** 2 + np.var(fits), rel=1e-12)


def test_errors_of_the_mean_over_all_training_sets():
    """(1.25) to (1.29), exactly: the mean of m = 4 labels, over all training sets."""
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
def test_polynomial_is_that_of_numpy(fit_polynomial, degree):
    X, Y = bias_variance.noisy_examples(30, np.random.default_rng(2))
    x = np.linspace(-1, 1, 50)
    theirs = np.polyval(np.polyfit(X[0], Y[0], degree), x)
    np.testing.assert_allclose(fit_polynomial(X, Y, degree)(x[None, :])[0], theirs, atol=1e-10)


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


# --- what the lesson says, over seeds -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def digit_errors(train_network):
    """Return ``errors(units, m, steps, penalty)``: training and dev error for five splits and starts, shape (5, 2)."""
    X, Y = bias_variance.small_digits()

    @functools.cache
    def errors(units, m, steps=2000, penalty=0.0):
        found = []
        for seed in range(5):
            parts = LESSON["train_dev_test_split"](X, Y, (3000, 1000, 1000), np.random.default_rng(seed))
            pairs = [(parts[0][:, :m], parts[1][:, :m]), parts[2:4]]
            predict = train_network(*pairs[0], units, steps, penalty, seed)
            found.append([np.mean(predict(inputs) != labels) for inputs, labels in pairs])
        return np.array(found)

    return errors


def standard_error(values):
    return np.std(values, ddof=1) / np.sqrt(len(values))


def test_the_best_coins_on_dev_are_coins():
    chosen = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        truth_dev, truth_test = rng.integers(0, 2, size=(2, 1, 100))
        dev, test = rng.integers(0, 2, size=(2, 200, 100))
        best = np.argsort(np.mean(dev != truth_dev, axis=1))[:10]
        chosen.append([np.mean(dev[best] != truth_dev), np.mean(test[best] != truth_test)])
    dev, test = np.array(chosen).T
    assert dev.max() < 0.42
    assert abs(test.mean() - 0.5) < 3 * standard_error(test)


def test_a_shared_dev_set_looks_better_than_an_honest_one_and_the_other_breaks_are_worse():
    X, Y = bias_variance.small_digits()
    for seed in range(5):
        rng = np.random.default_rng(seed)
        X_train, Y_train, X_dev, Y_dev, _, _ = LESSON["train_dev_test_split"](X, Y, (3000, 1000, 1000), rng)
        again = rng.integers(5000, size=1000)
        predict = bias_variance.nearest_neighbour(X_train, Y_train)
        honest = np.mean(predict(X_dev) != Y_dev)
        assert np.mean(predict(X[:, again]) != Y[:, again]) < honest - 0.02
        apart = bias_variance.nearest_neighbour(X_train, rng.permutation(Y_train, axis=1))
        assert 0.86 < np.mean(apart(X_dev) != Y_dev) < 0.94
    in_order = bias_variance.nearest_neighbour(X[:, :3000], Y[:, :3000])
    assert np.all(in_order(X[:, 3000:4000]) != Y[:, 3000:4000])


def test_four_diagnoses_are_the_same_in_five_splits():
    X, Y = bias_variance.two_classes(12000, np.random.default_rng(3))
    for seed in range(5):
        parts = LESSON["train_dev_test_split"](X, Y, (3000, 8000, 1000), np.random.default_rng(seed))
        found = {}
        for name, predict in bias_variance.four_fits(*parts[:2]).items():
            train, dev = (np.mean(predict(inputs) != labels) for inputs, labels in (parts[:2], parts[2:4]))
            found[name] = LESSON["diagnose"](float(train), float(dev), 0.05)
        assert list(found.values()) == [["high bias"], ["high bias", "high variance"], [], ["high variance"]]


def test_more_data_do_not_cure_bias_and_a_bigger_network_does(digit_errors):
    small, more, bigger = digit_errors(4, 1000), digit_errors(4, 3000), digit_errors(32, 1000)
    rise = more[:, 0] - small[:, 0]
    assert small[:, 0].min() > 0.05
    assert rise.mean() > 0.01
    assert bigger[:, 0].max() < 0.01
    assert bigger[:, 1].max() < small[:, 1].min()


def test_a_penalty_closes_the_gap_and_does_not_lower_the_dev_error_here(digit_errors):
    none, some, much = digit_errors(32, 3000), digit_errors(32, 3000, penalty=4), digit_errors(32, 3000, penalty=100)
    assert np.all(some[:, 0] > none[:, 0])
    change = some[:, 1] - none[:, 1]  # paired: the same splits and starts
    assert change.mean() > -standard_error(change)
    assert abs(change.mean()) < 0.01
    assert much.min() > 0.1


def test_double_descent_of_polynomials(fit_polynomial):
    degrees = (1, 2, 3, 5, 12, 19, 40, 200)
    errors = np.zeros((20, len(degrees)))
    for seed in range(20):
        rng = np.random.default_rng(seed)
        X, Y = bias_variance.noisy_examples(20, rng)
        X_new, Y_new = bias_variance.noisy_examples(500, rng)
        for j, degree in enumerate(degrees):
            fit = fit_polynomial(X, Y, degree)
            errors[seed, j] = np.mean((fit(X_new) - Y_new) ** 2)
            if degree >= 19:
                assert np.mean((fit(X) - Y) ** 2) < 1e-6
    middle = dict(zip(degrees, np.median(errors, axis=0), strict=True))
    assert middle[19] > 1e6 > 1e3 > middle[40] > middle[200]
    assert middle[5] < middle[200] < middle[2] < middle[1]
    assert middle[200] == pytest.approx(middle[3], rel=0.35)


def test_the_generalisation_gap_is_the_variance_at_both_places(fit_polynomial):
    """(1.30), degree 6, where the bias is small; twice the variance at new places is too much."""
    rng, gaps, at_training, at_new = np.random.default_rng(3), [], [], []
    for _ in range(3000):
        X, Y = bias_variance.noisy_examples(60, rng)
        X_new, Y_new = bias_variance.noisy_examples(60, rng)
        fit = fit_polynomial(X, Y, 6)
        gaps.append(np.mean((fit(X_new) - Y_new) ** 2) - np.mean((fit(X) - Y) ** 2))
        alone = fit_polynomial(X, Y - bias_variance.curve(X), 6)
        at_training.append(np.mean(alone(X) ** 2))
        at_new.append(np.mean(alone(X_new) ** 2))
    both = np.mean(at_training) + np.mean(at_new)
    assert abs(np.mean(gaps) - both) < 3 * standard_error(gaps)
    assert np.mean(at_training) == pytest.approx(0.09 * 7 / 60, rel=0.05)
    assert 2 * np.mean(at_new) > both * 1.05


def test_the_variance_of_degree_2_comes_mostly_from_what_it_cannot_follow(fit_polynomial):
    """With the curve subtracted, less than half of it is left, and less than degree 4 has."""
    rng, places = np.random.default_rng(2), np.linspace(-1, 1, 200)[None, :]
    fits = np.zeros((2, 2, 500, 200))  # (with the curve or noise alone, degree, fit, place)
    for r in range(500):
        X, Y = bias_variance.noisy_examples(60, rng)
        for i, labels in enumerate((Y, Y - bias_variance.curve(X))):
            for j, degree in enumerate((2, 4)):
                fits[i, j, r] = fit_polynomial(X, labels, degree)(places)[0]
    with_curve, noise_alone = fits.var(axis=2).mean(axis=2)
    assert with_curve[0] > 1.3 * with_curve[1]
    assert noise_alone[0] < 0.5 * with_curve[0]
    assert noise_alone[0] < noise_alone[1]


@pytest.mark.parametrize("which", range(5), ids=["small", "few", "stopped", "apart", "shared"])
def test_a_run_looks_as_its_fault_says_and_as_no_other(train_network, which):
    for seed in range(5):
        split = LESSON["train_dev_test_split"]
        run = bias_variance.sick_run(np.random.default_rng(seed), split, train_network, which=which)
        assert run.which == which
        numbers = [float(one) for one in re.findall(r"\d\.\d+", run.words)]
        train, dev, longer, test = numbers[2], numbers[3:6], numbers[6], numbers[7]
        guessing = min(dev) > 0.8
        looks = [
            not guessing and train > 0.2 and dev[2] - train < 0.2 and longer > 0.6 * train,
            train < 0.03 and dev[0] > dev[1] > dev[2] > train + 0.05,
            not guessing and train > 0.2 and longer < 0.3 * train,
            guessing,
            dev[2] < 0.03 and test > dev[2] + 0.05,
        ]
        assert [i for i, there in enumerate(looks) if there] == [which], (seed, run.words)


def test_without_hidden_units_scikit_learn_agrees_with_the_straight_line():
    X, Y = bias_variance.two_classes(400, np.random.default_rng(6))
    ours = bias_variance.four_fits(X, Y)["straight line"](X)
    np.testing.assert_array_equal(ours[0], LogisticRegression().fit(X.T, Y[0]).predict(X.T))


# --- the picture ------------------------------------------------------------------------------------------------------


@pytest.fixture
def picture(fit_polynomial):
    return bias_variance.capacity_and_data(fit_polynomial, LESSON["train_dev_test_split"], LESSON["diagnose"])


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


def test_answers_to_the_questions_of_the_picture(picture):
    """Degree 2 meets near 0.36 with 1000 examples; degree 10 with 20 examples differs by factors, with 1000 it does not."""
    degree_2 = np.array([picture.errors(1000, number)[2][:, 2] for number in range(1, 11)])
    np.testing.assert_allclose(degree_2.mean(axis=0), 0.36, atol=0.03)
    few, many = ([picture.errors(m, number)[2][1, 10] for number in range(1, 11)] for m in (20, 1000))
    assert max(few) > 100 * min(few)
    assert max(many) < 1.5 * 0.09


def test_capacity_and_data_has_a_static_twin(picture):
    shown = picture._repr_mimebundle_()
    image = Image.open(io.BytesIO(base64.b64decode(shown["image/png"])))
    assert image.size == (720, 340)
    assert "application/vnd.jupyter.widget-view+json" in shown
