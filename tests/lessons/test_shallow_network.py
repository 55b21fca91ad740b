"""Lesson 1.4, a network with one hidden layer: gradients, costs and training against others' work, and its picture."""

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
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier

from helpers import exercises
from helpers.widgets import shallow_network as pictures

LESSON = exercises.load("shallow_network").exercises
FUNCTIONS = tuple(
    LESSON[name]
    for name in (
        "initialize_parameters",
        "forward_propagation",
        "compute_cost",
        "backward_propagation",
        "update_parameters",
    )
)
SIZES = [(2, 4, 1, 9), (3, 5, 2, 7), (4, 2, 3, 1)]
#: The smallest network of the notebook: every number of its table is worked out by hand there.
SMALLEST = {
    "W1": np.array([[np.log(2) / 2]]),
    "b1": np.zeros((1, 1)),
    "W2": np.array([[5.0]]),
    "b2": np.array([[-3.0]]),
}


def network(n_x, n_h, n_y, m, seed=5):
    rng = np.random.default_rng(seed)
    parameters = {
        "W1": rng.normal(size=(n_h, n_x)),
        "b1": rng.normal(size=(n_h, 1)),
        "W2": rng.normal(size=(n_y, n_h)),
        "b2": rng.normal(size=(n_y, 1)),
    }
    return parameters, rng.normal(size=(n_x, m)), rng.integers(0, 2, size=(n_y, m))


def cost_of(parameters, X, Y):
    return LESSON["compute_cost"](LESSON["forward_propagation"](X, parameters)[0], Y)


def gradients(parameters, X, Y):
    return LESSON["backward_propagation"](parameters, LESSON["forward_propagation"](X, parameters)[1], X, Y)


@pytest.mark.parametrize("sizes", SIZES)
def test_backward_propagation_matches_numerical_gradient(sizes):
    parameters, X, Y = network(*sizes)
    grads, h = gradients(parameters, X, Y), 1e-6
    for name, value in parameters.items():
        measured = np.zeros(value.shape)
        for index in np.ndindex(value.shape):
            step = np.zeros(value.shape)
            step[index] = h
            up, down = (cost_of(parameters | {name: value + sign * step}, X, Y) for sign in (1, -1))
            measured[index] = (up - down) / (2 * h)
        far = np.linalg.norm(measured - grads[f"d{name}"])
        assert far < 1e-6 * (np.linalg.norm(measured) + np.linalg.norm(grads[f"d{name}"]))


@pytest.mark.parametrize("sizes", SIZES)
def test_backward_propagation_matches_automatic_differentiation(sizes):
    parameters, X, Y = network(*sizes)

    def cost(parameters):
        A1 = anp.tanh(anp.dot(parameters["W1"], X) + parameters["b1"])
        Z2 = anp.dot(parameters["W2"], A1) + parameters["b2"]
        return anp.sum(anp.logaddexp(0.0, Z2) - Y * Z2) / X.shape[1]

    assert cost(parameters) == pytest.approx(cost_of(parameters, X, Y), rel=1e-12)
    theirs, ours = autograd.grad(cost)(parameters), gradients(parameters, X, Y)
    for name in parameters:
        np.testing.assert_allclose(ours[f"d{name}"], theirs[name], rtol=1e-10, atol=1e-15)


def test_known_values_of_the_smallest_network():
    X, Y = np.array([[2.0]]), np.array([[1]])
    A2, cache = LESSON["forward_propagation"](X, SMALLEST)
    assert cache["A1"].item() == pytest.approx(0.6)
    assert A2.item() == pytest.approx(0.5)
    grads = {name: value.item() for name, value in gradients(SMALLEST, X, Y).items()}
    assert grads == pytest.approx({"dW1": -3.2, "db1": -1.6, "dW2": -0.3, "db2": -0.5})
    step = LESSON["update_parameters"](SMALLEST, gradients(SMALLEST, X, Y), 0.1)
    assert step["W2"].item() == pytest.approx(5.03)
    assert step["b1"].item() == pytest.approx(0.16)


def test_compute_cost_matches_scikit_learn():
    parameters, X, Y = network(2, 4, 1, 50)
    A2, _ = LESSON["forward_propagation"](X, parameters)
    assert LESSON["compute_cost"](A2, Y) == pytest.approx(log_loss(Y[0], A2[0]), rel=1e-12)


def test_one_step_matches_scikit_learn():
    """From the same weights, scikit-learn's network goes to the same place in one step of gradient descent."""
    parameters, X, Y = network(2, 4, 1, 50)
    theirs = MLPClassifier(
        (4,), activation="tanh", solver="sgd", alpha=0, batch_size=50, learning_rate_init=0.3, momentum=0, max_iter=1
    )
    theirs.partial_fit(X.T, Y[0], classes=[0, 1])
    for k in (0, 1):  # its own first weights are random: put ours there
        theirs.coefs_[k][:] = parameters[f"W{k + 1}"].T
        theirs.intercepts_[k][:] = parameters[f"b{k + 1}"][:, 0]
    theirs.partial_fit(X.T, Y[0])
    ours = LESSON["update_parameters"](parameters, gradients(parameters, X, Y), 0.3)
    for k in (0, 1):
        np.testing.assert_allclose(theirs.coefs_[k].T, ours[f"W{k + 1}"], rtol=1e-9)
        np.testing.assert_allclose(theirs.intercepts_[k], ours[f"b{k + 1}"][:, 0], rtol=1e-9)


@pytest.mark.parametrize(("weights", "moves"), [(0.0, False), (0.5, True)])
def test_units_that_start_alike_stay_alike(weights, moves):
    X, Y = pictures.flower(100, np.random.default_rng(0))
    start = {
        "W1": np.full((4, 2), weights),
        "b1": np.zeros((4, 1)),
        "W2": np.full((1, 4), weights),
        "b2": np.zeros((1, 1)),
    }
    parameters = start
    for _ in range(100):
        parameters = LESSON["update_parameters"](parameters, gradients(parameters, X, Y), 1.2)
    assert np.all(parameters["W1"] == parameters["W1"][0])
    assert np.all(parameters["W1"] == start["W1"]) != moves


@pytest.mark.parametrize("name", pictures.PLANAR)
def test_planar_data_has_columns_of_both_labels(name):
    X, Y = pictures.PLANAR[name](200, np.random.default_rng(2))
    assert (X.shape, Y.shape) == ((2, 200), (1, 200))
    assert set(Y[0].tolist()) == {0, 1}
    assert 0.35 < Y.mean() < 0.65
    assert np.abs(X).max() < 4
    again, _ = pictures.PLANAR[name](200, np.random.default_rng(2))
    np.testing.assert_array_equal(X, again)


# --- the picture ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained_picture():
    X, Y = pictures.flower(400, np.random.default_rng(0))
    return pictures.boundary(FUNCTIONS, X, Y, sizes=(1, 3), rates=(0.1, 1.2))


@pytest.fixture
def boundary(trained_picture):
    for name, value in (("n_h", 3), ("learning_rate", 1.2), ("step", pictures.STEPS[-1])):
        trained_picture.controls[name].value = value
    return trained_picture


def test_boundary_answers_within_a_tenth_of_a_second(boundary, record_property):
    seconds = []
    for step in pictures.STEPS:
        start = time.process_time()
        boundary.controls["step"].value = step
        seconds.append(time.process_time() - start)
    record_property("picture of lesson 1.4, median time to answer", f"{1000 * statistics.median(seconds):.0f} ms")
    assert statistics.median(seconds) < machine.seconds(0.1)


def test_boundary_follows_its_controls(boundary):
    seen = [boundary._image.value]
    for name, value in (("step", 700), ("learning_rate", 0.1), ("n_h", 1)):
        boundary.controls[name].value = value
        assert boundary._image.value not in seen
        seen.append(boundary._image.value)


def test_boundary_says_what_it_shows(boundary):
    """Three units find the six petals; with a small rate the cost is still that of guessing after 2000 steps."""
    assert "3 hidden units, learning rate 1.2, after 2000 steps: J = 0.29" in boundary._caption.value
    assert "88.0% of the training points are right." in boundary._caption.value
    boundary.controls["learning_rate"].value = 0.1
    assert "after 2000 steps: J = 0.693, " in boundary._caption.value
    boundary.controls["n_h"].value = 1
    assert "1 hidden unit, learning rate 0.1" in boundary._caption.value


def test_boundary_has_a_static_twin(boundary):
    data = boundary._repr_mimebundle_()
    image = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
    assert image.size == (720, 340)
    assert "application/vnd.jupyter.widget-view+json" in data
