"""Lesson 2.4: normalising and gradient checks against independent code, the bowl, the wines, and the picture."""

import base64
import io
import re
import statistics
import time

import autograd
import autograd.numpy as anp
import machine
import numpy as np
import pytest
from PIL import Image
from scipy.optimize import approx_fprime
from sklearn.datasets import load_wine
from sklearn.preprocessing import StandardScaler

from helpers import courses, data, exercises, notebooks
from helpers.widgets import normalization_and_gradient_checking as pictures

LESSON = exercises.load("normalization_and_gradient_checking").exercises
FIT, APPLY, CHECK, CHECK_N = (
    LESSON[name] for name in ("fit_normalizer", "apply_normalizer", "gradient_check", "gradient_check_n")
)


def generator(seed=0):
    return np.random.default_rng(seed)


def network(seed=0, sizes=(4, 5, 3, 2), m=7):
    """Parameters, X and Y of a small network."""
    rng = generator(seed)
    parameters = {}
    for l, (n_in, n_out) in enumerate(zip(sizes, sizes[1:], strict=False), start=1):
        parameters |= {f"W{l}": rng.normal(size=(n_out, n_in)), f"b{l}": rng.normal(size=(n_out, 1))}
    return parameters, rng.normal(size=(sizes[0], m)), rng.integers(0, 2, size=(sizes[-1], m)) * 1.0


# --- normalising ------------------------------------------------------------------------------------------------------


def test_normalising_agrees_with_scikit_learn():
    wines = data.wines()
    train, test = wines.X[:, ::2], wines.X[:, 1::2]
    scaler = StandardScaler().fit(train.T)
    mu, sigma = FIT(train)
    np.testing.assert_allclose(mu[:, 0], scaler.mean_, rtol=1e-12)
    np.testing.assert_allclose(sigma[:, 0], scaler.scale_, rtol=1e-12)
    np.testing.assert_allclose(APPLY(test, mu, sigma), scaler.transform(test.T).T, rtol=1e-9, atol=1e-12)


def test_wines_are_those_of_scikit_learn():
    theirs, ours = load_wine(), data.wines()
    assert np.array_equal(ours.X, theirs.data.T)
    assert np.array_equal(ours.Y[0], theirs.target)


# --- the bowl ---------------------------------------------------------------------------------------------------------


def test_condition_number_is_that_of_the_matrix():
    X = pictures.two_features(100)
    H = X @ X.T / X.shape[1]
    assert pictures.condition_number(X) == pytest.approx(np.linalg.cond(H))
    with_ones = np.vstack([X, np.ones((1, X.shape[1]))])
    assert pictures.condition_number(X, bias=True) == pytest.approx(np.linalg.cond(with_ones @ with_ones.T / 200))


def test_numbers_by_hand_for_x1_to_100():
    """Means of squares 3383.5 and 1/3, determinant 490.3, condition number 23350, 80700 steps."""
    squares = np.mean(np.arange(1, 101) ** 2)
    determinant = squares / 3 - 25.25**2
    high = (squares + 1 / 3) / 2 + np.sqrt(((squares + 1 / 3) / 2) ** 2 - determinant)
    kappa = high**2 / determinant
    assert (squares, round(determinant, 1), round(kappa, -1)) == (3383.5, 490.3, 23350)
    assert (round(squares + 1 / 3, 1), round(high, 1), round(determinant / high, 3)) == (3383.8, 3383.7, 0.145)
    rho = (kappa - 1) / (kappa + 1)
    assert round(np.log(1e-6) / (2 * np.log(rho)), -2) == 80700


@pytest.mark.parametrize(("highest", "rate"), [(4, 0.95), (10, 0.5), (30, 0.3)])
def test_steps_needed_are_those_of_gradient_descent(highest, rate):
    X = pictures.two_features(highest)
    learning_rate = rate * 2 / pictures.curvatures(X)[0][-1]
    needed = pictures.steps_needed(X, learning_rate, pictures.START)
    H = X @ X.T / X.shape[1]
    walk = pictures.path(X, learning_rate, needed)
    costs = np.sum(walk * (H @ walk), axis=0)
    assert costs[needed] <= 1e-6 * costs[0] < costs[needed - 1]
    assert pictures.steps_needed(X, 1.01 * learning_rate / rate, pictures.START) is None


@pytest.fixture(scope="module")
def lesson():
    """The functions `train_neurons` and `share_right` of the notebook."""
    names = {"np": np}
    cells = notebooks.read(courses.find("normalization_and_gradient_checking").path).cells
    exec(next(cell.source for cell in cells if cell.id == "train_neurons"), names)
    return names


def test_normalised_wines_are_right_and_raw_ones_are_not_after_as_many_steps(lesson):
    """Five splits: 100 steps, and 10 000 raw ones against 20 normalised ones."""
    for seed in range(5):
        split = pictures.wines(seed)
        statistics = FIT(split.X_train)
        shares, kappas, rates, ends = [], [], [], []
        versions = [(split.X_train, split.X_test), [APPLY(X, *statistics) for X in (split.X_train, split.X_test)]]
        versions.insert(1, [X - statistics[0] for X in (split.X_train, split.X_test)])
        for X, X_test in versions:
            h = pictures.curvatures(np.vstack([X, np.ones((1, X.shape[1]))]))[0]
            W, b, costs = lesson["train_neurons"](X, split.Y_train, 4 / h[-1], 100)
            kappas.append(h[-1] / h[0])
            rates.append(4 / h[-1])
            ends.append(costs[-1] / costs[0])
            shares.append(lesson["share_right"](W, b, X_test, split.Y_test))
        assert shares[0] < shares[1] < shares[2]
        assert shares[0] < 0.6 < 0.92 < shares[2]
        assert kappas[0] > 1e8
        assert kappas[0] > 10 * kappas[1] > 1e5 * kappas[2]
        assert kappas[2] < 100
        assert ends[0] > 0.75
        W, b, patient = lesson["train_neurons"](split.X_train, split.Y_train, rates[0], 10_000)
        W_norm, b_norm, quick = lesson["train_neurons"](versions[2][0], split.Y_train, rates[2], 20)
        assert quick[-1] < patient[-1]
        right = lesson["share_right"](W_norm, b_norm, versions[2][1], split.Y_test)
        assert right > lesson["share_right"](W, b, split.X_test, split.Y_test)
        wild = lesson["train_neurons"](split.X_train, split.Y_train, rates[2], 1)[2]
        assert wild[1] > 50 * wild[0]


def test_solved_exactly_the_predictions_are_the_same_before_and_after():
    """What the lesson says of its limits: normalising makes gradient descent quick, and adds no knowledge."""
    split = pictures.wines()
    statistics, predictions = FIT(split.X_train), []
    for prepare in (lambda X, mu, sigma: X, APPLY.reference):
        train, test = (prepare(X, *statistics) for X in (split.X_train, split.X_test))
        weights = np.linalg.lstsq(np.vstack([train, np.ones(118)]).T, split.Y_train.T, rcond=None)[0]
        predictions.append(np.vstack([test, np.ones(60)]).T @ weights)
    np.testing.assert_allclose(predictions[0], predictions[1], atol=1e-10)


def test_sigma_of_equal_values_is_1_even_where_rounding_hides_it():
    feature = np.full((1, 7), 0.7)
    assert 0 < np.std(feature) < 1e-15, "the trap of the lesson"
    mu, sigma = FIT(np.vstack([feature, np.arange(7.0)]))
    assert sigma[:, 0].tolist() == [1, 2]
    assert abs(APPLY(np.array([[0.71], [3.0]]), mu, sigma)[0, 0]) < 0.02


def test_fewest_steps_of_normalised_features_are_needed_at_the_rate_of_the_formula():
    """Question 2 of the picture: the slider's best rate is 0.55, and kappa / (kappa + 1) = 0.549."""
    X = pictures.two_features(100)
    X = APPLY(X, *FIT(X))
    limit = 2 / pictures.curvatures(X)[0][-1]
    rates = np.arange(1, 20) * 0.05
    needed = [pictures.steps_needed(X, rate * limit, pictures.START) for rate in rates]
    kappa = pictures.condition_number(X)
    assert kappa / (kappa + 1) == pytest.approx(0.55, abs=0.005)
    assert rates[np.argmin(needed)] == pytest.approx(0.55)


def test_own_statistics_of_one_variety_mislead(lesson):
    shares = []
    for seed in range(5):
        split = pictures.wines(seed)
        statistics = FIT(split.X_train)
        W, b, _ = lesson["train_neurons"](APPLY(split.X_train, *statistics), split.Y_train, 0.8, 100)
        for variety in range(3):
            chosen = split.Y_test[variety] == 1
            X, Y = split.X_test[:, chosen], split.Y_test[:, chosen]
            assert lesson["share_right"](W, b, APPLY(X, *statistics), Y) > 0.8
            shares.append(lesson["share_right"](W, b, APPLY(X, *FIT(X)), Y))
    assert np.mean(shares) < 0.5
    assert max(shares) < 0.7


def test_eigenvectors_of_the_example():
    H = np.array([[2.0, 1.0], [1.0, 2.0]])
    np.testing.assert_array_equal(H @ [1, 1], [3, 3])
    np.testing.assert_array_equal(H @ [1, -1], [1, -1])
    np.testing.assert_allclose(np.linalg.eigvalsh(H), [1, 3])


@pytest.mark.parametrize("which", range(5), ids=["raw", "own", "order", "gradient", "small"])
def test_a_run_looks_as_its_fault_says_and_as_no_other(which):
    for seed in range(15):
        run = pictures.sick_run(generator(seed), FIT, APPLY, which=which)
        assert run.which == which
        numbers = [float(one) for one in re.findall(r"\d+(?:\.\d+)?(?:e[-+]\d+)?", run.words)]
        low, high, mean, share, first, last, _, rose, train, test, _, apart = numbers
        looks = [
            high > 100 * low and last > 0.7 * first,
            mean < 1e-6 and test < train - 20,
            train <= 75 and share > 0.3 and high < 100 * low and apart < 1e-6,
            apart > 1e-6,
            share < 0.01 and rose == 0 and last > 0.6 * first and high < 100 * low,
        ]
        assert [i for i, there in enumerate(looks) if there] == [which], (seed, run.words)


# --- gradients --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [(4, 1), (4, 5, 2), (3, 4, 5, 2)])
def test_network_gradients_agree_with_autograd(sizes):
    parameters, X, Y = network(sizes=sizes)

    def cost(parameters):
        A = X
        for l in range(1, len(sizes)):
            Z = anp.dot(parameters[f"W{l}"], A) + parameters[f"b{l}"]
            A = anp.tanh(Z)
        return anp.sum(anp.logaddexp(0, Z) - Y * Z) / X.shape[1]

    shown = {"np": np}  # the notebook shows the network; the checks use the one of the helpers
    cells = {
        cell.id: cell.source for cell in notebooks.read(courses.find("normalization_and_gradient_checking").path).cells
    }
    exec(cells["network_passes"], shown)
    for passes in (vars(pictures), shown):
        assert passes["network_cost"](parameters, X, Y) == pytest.approx(cost(parameters), rel=1e-12)
        for name, expected in autograd.grad(cost)(parameters).items():
            np.testing.assert_allclose(passes["network_gradients"](parameters, X, Y)[f"d{name}"], expected, atol=1e-12)


def test_slopes_agree_with_scipy_and_the_difference_with_its_formula():
    rng = generator(1)
    theta, gradient = rng.normal(size=6), rng.normal(size=6)
    cost = lambda v: float(np.sum(np.exp(0.3 * v)) + v[0] * v[1])
    numerical = approx_fprime(theta, cost, 1e-7)
    expected = np.linalg.norm(gradient - numerical) / (np.linalg.norm(gradient) + np.linalg.norm(numerical))
    assert CHECK(theta, gradient, 1e-5, cost) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_right_gradients_pass_and_one_wrong_entry_is_flagged(seed):
    parameters, X, Y = network(seed)
    right = pictures.network_gradients(parameters, X, Y)
    assert CHECK_N(parameters, right, X, Y) == []
    rng = generator(seed)
    for name in parameters:
        wrong = right[f"d{name}"].copy()
        wrong[tuple(rng.integers(wrong.shape))] += 0.01 * np.abs(wrong).max()
        assert CHECK_N(parameters, right | {f"d{name}": wrong}, X, Y) == [name]


@pytest.mark.parametrize("slope", [lambda A: 1 - A, lambda A: 1 - 2 * A * A, lambda A: np.ones_like(A)])
def test_wrong_backward_pass_is_flagged_below_the_last_layer(slope):
    parameters, X, Y = network()
    wrong = pictures.network_gradients(parameters, X, Y, slope=slope)
    assert CHECK_N(parameters, wrong, X, Y) == ["W1", "b1", "W2", "b2"]


def test_a_check_leaves_the_parameters_alone():
    parameters, X, Y = network()
    before = {name: array.copy() for name, array in parameters.items()}
    CHECK_N(parameters, pictures.network_gradients(parameters, X, Y), X, Y)
    assert all(np.array_equal(parameters[name], before[name]) for name in before)


def test_errors_fall_with_slopes_1_and_2():
    """Truncation: ten times smaller epsilon, ten times (one side) or a hundred times (two sides) smaller error."""
    one, two = (
        [abs((np.exp(1 + e) - np.exp(1 - back * e)) / ((1 + back) * e) / np.e - 1) for e in (1e-2, 1e-3)]
        for back in (0, 1)
    )
    assert one[0] / one[1] == pytest.approx(10, rel=0.01)
    assert two[0] / two[1] == pytest.approx(100, rel=0.01)


# --- the picture ------------------------------------------------------------------------------------------------------


@pytest.fixture
def picture():
    return pictures.contours(FIT.reference, APPLY.reference)


def test_picture_answers_within_a_tenth_of_a_second(picture, record_property):
    seconds = []
    for step, highest in enumerate(np.geomspace(3, 100, 12)):
        for name, value in (("highest", highest), ("features", ("raw", "normalised")[step % 2])):
            start = time.process_time()
            picture.controls[name].value = value
            seconds.append(time.process_time() - start)
    record_property("picture of lesson 2.4, median time to answer", f"{1000 * statistics.median(seconds):.0f} ms")
    assert statistics.median(seconds) < machine.seconds(0.1)


def test_picture_says_what_it_shows(picture):
    X = pictures.two_features(100)
    assert f"condition number {pictures.condition_number(X):.4g}" in picture._caption.value
    shown = picture._image.value
    picture.controls["features"].value = "normalised"
    assert "condition number 1.2" in picture._caption.value
    assert picture._image.value != shown
    picture.controls["rate"].value = 1.05
    assert "no number of steps is enough" in picture._caption.value


def test_picture_has_a_static_twin(picture):
    content = picture._repr_mimebundle_()
    image = Image.open(io.BytesIO(base64.b64decode(content["image/png"])))
    assert image.size == (460, 440)
    assert "application/vnd.jupyter.widget-view+json" in content
