"""Lesson 1.3, activation functions: values and slopes against independent implementations, its picture and its run."""

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
from scipy.special import expit
from sklearn.neural_network._base import ACTIVATIONS, DERIVATIVES

from helpers import courses, exercises, notebooks
from helpers.widgets import activations

LESSON = exercises.load("activations").exercises
PAIRS = {
    "sigmoid": (expit, LESSON["sigmoid_derivative"]),
    "tanh": (LESSON["tanh"], LESSON["tanh_derivative"]),
    "ReLU": (LESSON["relu"], LESSON["relu_derivative"]),
    "leaky ReLU": (LESSON["leaky_relu"], LESSON["leaky_relu_derivative"]),
}
#: Moderate scores, none nearer to the corner 0 than the step of a central difference.
Z = np.random.default_rng(8).normal(size=(5, 7)) * 2
Z[np.abs(Z) < 1e-3] = 0.5


@pytest.mark.parametrize("name", PAIRS)
def test_derivative_matches_central_differences(name):
    g, derivative = PAIRS[name]
    h = 1e-6
    measured = (g(Z + h) - g(Z - h)) / (2 * h)
    np.testing.assert_allclose(derivative(Z), measured, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("slope", [0.01, 0.2])
def test_leaky_relu_derivative_matches_central_differences_with_other_slopes(slope):
    h = 1e-6
    measured = (LESSON["leaky_relu"](Z + h, slope) - LESSON["leaky_relu"](Z - h, slope)) / (2 * h)
    np.testing.assert_allclose(LESSON["leaky_relu_derivative"](Z, slope), measured, rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("sigmoid", lambda z: 1 / (1 + anp.exp(-z))),
        ("tanh", lambda z: (anp.exp(z) - anp.exp(-z)) / (anp.exp(z) + anp.exp(-z))),
        ("ReLU", lambda z: anp.where(z > 0, z, 0.0)),
        ("leaky ReLU", lambda z: anp.where(z > 0, z, 0.01 * z)),
    ],
)
def test_function_and_derivative_match_automatic_differentiation(name, function):
    g, derivative = PAIRS[name]
    np.testing.assert_allclose(g(Z), function(Z), rtol=1e-10)
    np.testing.assert_allclose(derivative(Z), autograd.elementwise_grad(function)(Z), rtol=1e-10)


@pytest.mark.parametrize(("name", "theirs"), [("sigmoid", "logistic"), ("tanh", "tanh"), ("ReLU", "relu")])
def test_function_and_derivative_match_scikit_learn(name, theirs):
    g, derivative = PAIRS[name]
    activation = Z.copy()
    ACTIVATIONS[theirs](activation)
    np.testing.assert_allclose(g(Z), activation, rtol=1e-12)
    slope = np.ones_like(Z)
    DERIVATIVES[theirs](activation, slope)  # works in place, from the activation
    np.testing.assert_allclose(derivative(Z), slope, rtol=1e-10)


def test_known_values():
    """By hand: e^(ln 2) = 2, so tanh(ln 2) = (2 - 1/2) / (2 + 1/2) = 0.6; sigmoid(ln 3) = 3/4; sigma'(±10) ≈ 4.5e-5."""
    assert LESSON["tanh"](np.log(2)) == pytest.approx(0.6, rel=1e-12)
    assert LESSON["tanh_derivative"](np.log(2)) == pytest.approx(0.64, rel=1e-12)
    assert LESSON["sigmoid_derivative"](np.log(3)) == pytest.approx(3 / 16, rel=1e-12)
    assert LESSON["sigmoid_derivative"](0.0) == 0.25
    assert LESSON["tanh_derivative"](0.0) == 1
    for z in (-10.0, 10.0):
        assert LESSON["sigmoid_derivative"](z) == pytest.approx(4.53958e-5, rel=1e-5)
        assert LESSON["tanh_derivative"](z) == pytest.approx(8.24461e-9, rel=1e-5)


def test_numbers_that_the_text_names():
    sigmoid_slope, tanh_slope = LESSON["sigmoid_derivative"], LESSON["tanh_derivative"]
    assert (expit(0.1) - expit(-0.1)) / 0.2 == pytest.approx(0.2498, abs=5e-5)
    assert np.log(np.finfo(float).max) == pytest.approx(709.8, abs=0.05)
    assert pytest.approx(0.00098, abs=5e-6) == 0.25**5
    assert (tanh_slope(1.0), sigmoid_slope(1.0)) == (pytest.approx(0.42, abs=0.005), pytest.approx(0.197, abs=5e-4))
    assert (sigmoid_slope(3.0), tanh_slope(3.0)) == (pytest.approx(0.0452, abs=5e-5), pytest.approx(0.00987, abs=5e-6))
    assert [sigmoid_slope(z) > tanh_slope(z) for z in (1.655, 1.665)] == [False, True], "they change near 1.66"


def test_far_scores_give_no_nan():
    far = np.array([[-1e4, -1000.0, 1000.0, 1e4]])
    for g, derivative in PAIRS.values():
        assert np.isfinite(g(far)).all()
        assert np.isfinite(derivative(far)).all()
    np.testing.assert_array_equal(LESSON["tanh"](far), [[-1, -1, 1, 1]])


def test_no_case_holds_the_corner():
    for exercise in LESSON.values():
        for seed in (0, 1, 2):
            assert all(np.all(np.asarray(arguments["z"]) != 0) for _, arguments in exercise.cases(seed))


# --- the picture ------------------------------------------------------------------------------------------------------


@pytest.fixture
def picture():
    return activations.function_and_slope(PAIRS)


def test_picture_answers_within_a_tenth_of_a_second(picture, record_property):
    seconds = []
    for step, z in enumerate(np.linspace(-9, 9, 24)):
        start = time.process_time()
        picture.controls["z"].value = z
        seconds.append(time.process_time() - start)
        start = time.process_time()
        picture.controls["function"].value = list(PAIRS)[(step + 1) % 4]
        seconds.append(time.process_time() - start)
    record_property("picture of lesson 1.3, median time to answer", f"{1000 * statistics.median(seconds):.0f} ms")
    assert statistics.median(seconds) < machine.seconds(0.1)


def test_picture_follows_its_controls(picture):
    pictures = [picture._image.value]
    for name, value in (("function", "tanh"), ("z", -3.0), ("layers", 9)):
        picture.controls[name].value = value
        assert picture._image.value not in pictures
        pictures.append(picture._image.value)


def test_picture_says_what_it_shows(picture):
    """sigma'(2) = 0.105, and 0.10499^5 = 1.28e-5; ReLU has slope 0 or 1; at its corner the picture says so."""
    assert "sigmoid at z = 2.0: the value is 0.8808, the slope is 0.105" in picture._caption.value
    assert "1.3e-05 is left after 5 layers" in picture._caption.value
    picture.controls["function"].value = "ReLU"
    assert "still 1 after 5 layers" in picture._caption.value
    picture.controls["z"].value = -3.0
    assert "Nothing of a gradient is left" in picture._caption.value
    assert "corner" not in picture._caption.value
    picture.controls["z"].value = 0.0
    assert "a corner" in picture._caption.value


def test_picture_has_a_static_twin(picture):
    data = picture._repr_mimebundle_()
    image = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
    assert image.size == (840, 320)
    assert "application/vnd.jupyter.widget-view+json" in data


def test_gradients_below_are_powers_of_the_slope():
    np.testing.assert_allclose(activations.gradients_below(0.25, 3), [1, 1 / 4, 1 / 16, 1 / 64])
    np.testing.assert_allclose(activations.gradients_below(0.0, 2), [1, 0, 0])


# --- the training run -------------------------------------------------------------------------------------------------


def test_low_or_high_digits_are_centred_columns():
    digits = activations.low_or_high_digits(300)
    assert digits.X_train.shape == (196, 300)
    assert digits.Y_train.shape == (1, 300)
    assert digits.X_test.shape == (196, 1000)
    np.testing.assert_allclose(digits.X_train.mean(axis=1), 0, atol=1e-12)
    assert set(np.unique(digits.Y_test)) == {0.0, 1.0}


@pytest.fixture(scope="module")
def train():
    """Return the training function of the notebook, as it stands there."""
    cells = {cell.id: cell.source for cell in notebooks.read(courses.find("activations").path).cells}
    names = {"np": np, "sigmoid": expit}
    exec(cells["train_loop"], names)  # the notebook of this repository
    return names["train"]


@pytest.fixture(scope="module")
def digits():
    return activations.low_or_high_digits(1000)


def test_train_takes_the_step_that_the_gradient_of_autograd_says(train):
    """One step with tanh from the same start: the cost after it is that of a step along autograd's gradient."""
    rng = np.random.default_rng(4)
    X, Y = rng.normal(size=(6, 20)), (rng.random((1, 20)) < 0.5).astype(float)
    small = activations.Digits(X, Y, X, Y)
    _, costs, _, _ = train(*PAIRS["tanh"], small, [0.3, -0.2], steps=2, learning_rate=0.7, seed=5)
    rng = np.random.default_rng(5)
    W_in = rng.standard_normal((8, 6))
    W_in /= np.std(W_in @ X)
    start = [W_in, np.tile([[0.3], [-0.2]], (4, 1)), rng.standard_normal((1, 8)) / np.sqrt(8), 0.0]

    def cost(W_in, b_in, W_out, b_out):
        score = anp.dot(W_out, anp.tanh(anp.dot(W_in, X) + b_in)) + b_out
        return anp.mean(anp.logaddexp(0.0, score) - Y * score)

    after = [value - 0.7 * autograd.grad(cost, i)(*start) for i, value in enumerate(start)]
    np.testing.assert_allclose(costs, [cost(*start), cost(*after)], rtol=1e-10)


def test_from_biases_0_all_four_learn_and_the_sigmoid_is_the_slowest(train, digits):
    for seed in range(5):
        last = {name: train(*pair, digits, [0], seed=seed)[1][-1] for name, pair in PAIRS.items()}
        assert max(last.values()) == last["sigmoid"] < 0.6
        assert last["leaky ReLU"] == pytest.approx(last["ReLU"], abs=0.01), "one line in the figure"


def test_saturated_units_do_not_learn_and_relu_at_10_jumps_at_first(train, digits):
    for seed in range(5):
        for name, largest in (("sigmoid", 1e-4), ("tanh", 1e-7)):
            slope, costs, accuracy, _ = train(*PAIRS[name], digits, [10, -10], seed=seed)
            assert slope < largest
            assert costs[-1] > 0.69
            assert accuracy == 0.5
        slope, costs, accuracy, _ = train(*PAIRS["ReLU"], digits, [10, -10], seed=seed)
        assert slope == pytest.approx(0.5, abs=0.01)
        assert max(costs[:50]) > 5
        assert accuracy > 0.7


def test_far_on_the_left_leaky_relu_alone_moves(train, digits):
    for seed in range(3):
        for name in ("sigmoid", "tanh", "ReLU"):
            _, costs, _, _ = train(*PAIRS[name], digits, [-10], 900, 0.6, seed)
            assert costs[300] - costs[-1] < 1e-5
        _, costs, _, Z = train(*PAIRS["leaky ReLU"], digits, [-10], 900, 0.6, seed)
        assert costs[300] - costs[-1] > 1e-3
        assert np.all(Z < 0), "off for every digit, and yet they move"


def test_a_larger_rate_frees_no_saturated_sigmoid(train, digits):
    for seed in range(3):
        for rate, low, high in ((1.2, 0.69, 0.70), (4.8, 1, 5)):
            _, costs, accuracy, _ = train(*PAIRS["sigmoid"], digits, [10, -10], learning_rate=rate, seed=seed)
            assert low < costs[-1] < high
            assert accuracy == 0.5


def test_the_sigmoid_is_slower_by_the_factor_of_its_slope_and_not_worse(train, digits):
    last, right = {}, {}
    for rate in (0.3, 1.2, 4.8):
        for name in ("sigmoid", "tanh"):
            found = [train(*PAIRS[name], digits, [0], learning_rate=rate, seed=seed) for seed in range(5)]
            last[name, rate] = np.array([costs[-1] for _, costs, _, _ in found])
            right[name, rate] = np.mean([accuracy for _, _, accuracy, _ in found])
        assert last["tanh", rate].max() < last["sigmoid", rate].min()
    for rate in (0.3, 1.2):
        assert 0.7 < last["sigmoid", 4 * rate].mean() / last["tanh", rate].mean() < 1.1
    best = {name: max(right[name, rate] for rate in (0.3, 1.2, 4.8)) for name in ("sigmoid", "tanh")}
    assert best["sigmoid"] > best["tanh"] - 0.01


# --- a run to diagnose -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", range(len(activations.FAULTS)), ids=["units", "dead", "slip", "fast", "slow"])
def test_a_run_looks_as_its_fault_says_and_as_no_other(which):
    for seed in range(25):
        run = activations.sick_run(np.random.default_rng(seed), PAIRS, which=which)
        assert run.which == which
        found = re.search(
            r"cost is (.*) at the start and (.*) after 100 steps; it rose in (\d+) .* units is (.*), the size of dW is "
            r"(.*), and the largest entry of dW is (.*), where a measured slope is (.*)\.$",
            run.words,
        )
        start, end, rose, slope, size, entry, measured = map(float, found.groups())
        agree = abs(entry - measured) < 0.02 * abs(measured) + 1e-9
        looks = [
            0 < slope < 0.02,
            slope == size == 0,
            slope > 0.05 and not agree,
            slope > 0.05 and agree and rose > 10,
            slope > 0.05 and agree and rose == 0 and start - end < 0.05,
        ]
        assert [i for i, there in enumerate(looks) if there] == [which], (seed, run.words)
