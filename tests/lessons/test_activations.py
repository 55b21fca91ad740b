"""Lesson 1.3, activation functions: values and slopes against independent implementations, its picture and its run."""

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
from scipy.special import expit
from sklearn.neural_network._base import ACTIVATIONS, DERIVATIVES

from helpers import exercises
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
    """By hand: e^(ln 2) = 2, so tanh(ln 2) = (2 - 1/2) / (2 + 1/2) = 0.6; sigmoid(ln 3) = 3/4; the notes' sigma'(±10)."""
    assert LESSON["tanh"](np.log(2)) == pytest.approx(0.6, rel=1e-12)
    assert LESSON["tanh_derivative"](np.log(2)) == pytest.approx(0.64, rel=1e-12)
    assert LESSON["sigmoid_derivative"](np.log(3)) == pytest.approx(3 / 16, rel=1e-12)
    assert LESSON["sigmoid_derivative"](0.0) == 0.25
    assert LESSON["tanh_derivative"](0.0) == 1
    for z in (-10.0, 10.0):
        assert LESSON["sigmoid_derivative"](z) == pytest.approx(4.53958e-5, rel=1e-5)
        assert LESSON["tanh_derivative"](z) == pytest.approx(8.24461e-9, rel=1e-5)


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


def test_train_takes_the_step_that_the_gradient_of_autograd_says():
    """One step with tanh from the same start: the cost after it is that of a step along autograd's gradient."""
    rng = np.random.default_rng(4)
    X, Y = rng.normal(size=(6, 20)), (rng.random((1, 20)) < 0.5).astype(float)
    digits = activations.Digits(X, Y, X, Y)
    run = activations.train(*PAIRS["tanh"], digits, [0.3, -0.2], n_h=3, steps=2, learning_rate=0.7, seed=5)
    rng = np.random.default_rng(5)
    W_in = rng.standard_normal((3, 6))
    W_in /= np.std(W_in @ X)
    start = [W_in, np.array([[0.3], [-0.2], [0.3]]), rng.standard_normal((1, 3)) / np.sqrt(3), 0.0]

    def cost(W_in, b_in, W_out, b_out):
        score = anp.dot(W_out, anp.tanh(anp.dot(W_in, X) + b_in)) + b_out
        return anp.mean(anp.logaddexp(0.0, score) - Y * score)

    after = [value - 0.7 * autograd.grad(cost, i)(*start) for i, value in enumerate(start)]
    np.testing.assert_allclose(run.costs, [cost(*start), cost(*after)], rtol=1e-10)


def test_saturated_units_do_not_learn():
    digits = activations.low_or_high_digits(500)
    fresh = {name: activations.train(*PAIRS[name], digits, [0], steps=60) for name in ("sigmoid", "tanh", "ReLU")}
    assert fresh["sigmoid"].costs[-1] > fresh["tanh"].costs[-1] > 0.3
    for name in ("sigmoid", "tanh"):
        stuck = activations.train(*PAIRS[name], digits, [10, -10], steps=60)
        assert stuck.slope_at_start < 1e-4
        assert stuck.costs[-1] > 0.69
    dead = activations.train(*PAIRS["ReLU"], digits, [-10], steps=60)
    assert dead.slope_at_start == 0
