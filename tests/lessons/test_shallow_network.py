"""Lesson 1.4, a network with one hidden layer: gradients, costs and training against others' work, and its picture."""

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
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
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


# --- what the lesson says, by hand and over several starts --------------------------------------------------------------


def test_the_network_by_hand_has_the_numbers_of_its_table():
    z0 = np.log(3) / 2
    parameters = {
        "W1": np.array([[1.0, 0.0], [-2.0, 1.0]]), "b1": np.zeros((2, 1)),
        "W2": np.array([[2.0, 4.0]]), "b2": np.array([[-1.0]]),
    }  # fmt: skip
    X, Y = np.array([[0.0, z0], [z0, z0]]), np.array([[1, 0]])
    A2, cache = LESSON["forward_propagation"](X, parameters)
    np.testing.assert_allclose(cache["A1"], [[0, 0.5], [0.5, -0.5]], atol=1e-12)
    np.testing.assert_allclose(cache["Z2"], [[1, -2]], atol=1e-12)
    assert z0 == pytest.approx(0.549, abs=5e-4)
    np.testing.assert_allclose(A2, [[0.731, 0.119]], atol=5e-4)
    np.testing.assert_allclose(A2 - Y, [[-0.269, 0.119]], atol=5e-4)
    dA1 = parameters["W2"].T @ (A2 - Y)
    np.testing.assert_allclose(dA1, [[-0.538, 0.238], [-1.076, 0.477]], atol=6e-4)
    np.testing.assert_allclose(dA1 * (1 - cache["A1"] ** 2), [[-0.538, 0.179], [-0.807, 0.358]], atol=6e-4)
    grads = LESSON["backward_propagation"](parameters, cache, X, Y)
    np.testing.assert_allclose(grads["dW2"], [[0.030, -0.097]], atol=5e-4)
    np.testing.assert_allclose(grads["db2"], [[-0.075]], atol=5e-4)
    np.testing.assert_allclose(grads["dW1"], [[0.049, -0.099], [0.098, -0.123]], atol=6e-4)
    np.testing.assert_allclose(grads["db1"], [[-0.180], [-0.225]], atol=6e-4)


@pytest.fixture(scope="module")
def flowers():
    return (*pictures.flower(400, np.random.default_rng(0)), *pictures.flower(1000, np.random.default_rng(1)))


def right(parameters, X, Y):
    return np.mean(LESSON["predict"](parameters, X) == Y)


def nearest_petal(X, Y):
    return np.mean(np.round(np.arctan2(X[1], X[0]) / (np.pi / 3)) % 6 % 2 == Y[0])


def test_three_units_find_the_petals_and_one_or_two_do_not(flowers):
    X, Y, X_new, Y_new = flowers
    shares, costs = {}, {}
    for n_h in (1, 2, 3, 5, 20):
        trained = [LESSON["nn_model"](X, Y, n_h, 2000, 1.2, np.random.default_rng(seed)) for seed in range(5)]
        shares[n_h] = np.array([(right(one, X, Y), right(one, X_new, Y_new)) for one in trained])
        costs[n_h] = np.array([cost_of(one, X, Y) for one in trained])
    assert max(shares[1].max(), shares[2].max()) < 0.7
    for n_h in (3, 5, 20):
        assert shares[n_h][:, 1].min() > 0.8
        assert abs(shares[n_h][:, 1].mean() - nearest_petal(X_new, Y_new)) < 0.03
        assert abs(shares[n_h].mean() - shares[3].mean()) < 0.02
    # With two units fewer points are right than with one, at a lower cost.
    assert shares[2][:, 0].mean() < shares[1][:, 0].mean()
    assert costs[2].max() < costs[1].min()


def test_the_nearest_petal_is_wrong_where_petals_overlap(flowers):
    assert nearest_petal(*flowers[:2]) == pytest.approx(0.8875)
    assert nearest_petal(*flowers[2:]) == pytest.approx(0.874)


def test_the_plateau_grows_by_the_factor_that_the_lesson_derives(flowers):
    X, Y, *_ = flowers
    v = X @ (Y.mean() - Y).T / Y.shape[1]
    factor = 1 + 1.2 * np.linalg.norm(v)
    for seed in range(5):
        parameters = LESSON["initialize_parameters"](2, 20, 1, np.random.default_rng(seed))
        difference, costs, norms = [], [], []
        for _ in range(1500):
            p = parameters["W1"] @ v[:, 0] / np.linalg.norm(v)
            difference.append(np.linalg.norm(p - parameters["W2"][0]))
            norms.append(np.linalg.norm(parameters["W1"]))
            costs.append(cost_of(parameters, X, Y))
            parameters = LESSON["update_parameters"](parameters, gradients(parameters, X, Y), 1.2)
        assert (difference[50] / difference[0]) ** (1 / 50) == pytest.approx(factor, abs=0.0015)
        assert 1.003 < (norms[100] / norms[0]) ** 0.01 < factor
        visible = int(np.argmax(np.array(costs) < 0.69))
        assert visible > 300, "hundreds of steps on the plateau"
        assert norms[visible] > 1.5 * norms[visible - 100], "the weights grow once more before the cost falls"


def test_with_a_small_rate_the_network_waits_on_the_plateau_and_with_a_large_one_it_jumps(flowers):
    X, Y, *_ = flowers
    for seed in range(3):
        small = pictures.snapshots(FUNCTIONS, X, Y, 20, 0.1, seed)
        assert abs(small[-1][1] - np.log(2)) < 1e-3
        large = [cost for _, cost in pictures.snapshots(FUNCTIONS, X, Y, 20, 8.0, seed)]
        assert np.sum(np.diff(large[-20:]) > 0.01) >= 2


def test_large_weights_make_tanh_flat():
    X, _ = pictures.flower(400, np.random.default_rng(0))
    for seed in range(10):
        parameters = LESSON["initialize_parameters"](2, 20, 1, np.random.default_rng(seed))
        slopes = []
        for size in (0.01, 10):
            A1 = LESSON["forward_propagation"](X, parameters | {"W1": parameters["W1"] * size / 0.01})[1]["A1"]
            slopes.append(np.mean(1 - A1**2))
        assert slopes[0] > 0.99
        assert slopes[1] < 0.2


def test_on_the_tumours_network_and_line_differ_by_less_than_two_paired_errors():
    table, ahead = load_breast_cancer(), []
    assert table.data.shape == (400 + 169, 30)
    for split in range(10):
        order = np.random.default_rng(split).permutation(569)
        X, Y = table.data[order, :2].T, (1 - table.target[order])[None, :]
        mean, std = X[:, :400].mean(axis=1, keepdims=True), X[:, :400].std(axis=1, keepdims=True)
        X = (X - mean) / std
        network = LESSON["nn_model"](X[:, :400], Y[:, :400], 4, 2000, 1.2, np.random.default_rng(split))
        line = LogisticRegression(C=1e9).fit(X[:, :400].T, Y[0, :400])
        ours = LESSON["predict"](network, X[:, 400:])[0] == Y[0, 400:]
        theirs = line.predict(X[:, 400:].T) == Y[0, 400:]
        ahead.append(int(ours.sum()) - int(theirs.sum()))
        assert abs(ahead[-1]) <= 2 * np.sqrt(np.sum(ours != theirs))
    assert min(ahead) < 0 < max(ahead)


# --- a run to diagnose -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", range(len(pictures.FAULTS)), ids=["fast", "alike", "large", "zero", "plateau"])
def test_a_run_looks_as_its_fault_says_and_as_no_other(which):
    own = [
        LESSON[name] for name in ("forward_propagation", "compute_cost", "backward_propagation", "update_parameters")
    ]
    for seed in range(25):
        run = pictures.sick_run(np.random.default_rng(seed), *own, which=which)
        assert run.which == which
        found = re.search(
            r"cost is (.*) at the start and (.*) after 200 steps; it rose in (\d+) .* start is (.*)\. The size of dW1 is "
            r"(.*) at the start and (.*) at the end\. Different rows of W1 at the end: (\d) of 6",
            run.words,
        )
        _, end, rose, slope, first, last, rows = map(float, found.groups())
        looks = [
            rose > 20 and slope > 0.3,
            rows == 1 and first > 0,
            slope < 0.2 and rose < 20,
            first == last == 0,
            abs(end - np.log(2)) < 0.02 and 0 < first < 1e-2 and rows == 6 and slope > 0.9,
        ]
        assert [i for i, there in enumerate(looks) if there] == [which], (seed, run.words)


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


def test_contributions_add_up_to_the_score(trained_picture):
    X, Y = pictures.flower(400, np.random.default_rng(0))
    picture = pictures.contributions(FUNCTIONS, X, Y)
    seen = picture._image.value
    assert "After 2000 steps: J = 0.29" in picture._caption.value
    picture.controls["step"].value = 0
    assert picture._image.value != seen
    assert "After 0 steps: J = 0.693" in picture._caption.value
