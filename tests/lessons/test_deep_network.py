"""Lesson 1.5, deep networks: shapes, forward and backward passes against independent implementations, its pictures."""

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
from sklearn.metrics import log_loss as sklearn_log_loss
from sklearn.neural_network import MLPRegressor

from helpers import data, exercises
from helpers.widgets import deep_network as pictures
from helpers.widgets import hyperparameters

LESSON = exercises.load("deep_network").exercises
NET = (4, 6, 5, 3, 2)
H = 1e-6


def example(layers_dims=NET, m=7):
    """Return X, Y and parameters of a net; with this seed no score is so near to 0 that a nudge of H crosses it."""
    rng = np.random.default_rng(7)
    parameters = {}
    for l in range(1, len(layers_dims)):
        parameters[f"W{l}"] = rng.standard_normal((layers_dims[l], layers_dims[l - 1])) * 0.7
        parameters[f"b{l}"] = rng.standard_normal((layers_dims[l], 1)) * 0.4
    X = rng.standard_normal((layers_dims[0], m))
    Y = (rng.random((layers_dims[-1], m)) < 0.5).astype(float)
    scores = [cache[1] for cache in LESSON["L_model_forward"](X, parameters)[1]]
    assert min(np.abs(Z).min() for Z in scores) > 1e-4
    return X, Y, parameters


def numerical(function, array):
    """Return the derivative of a number by each entry of an array, by central differences."""
    slopes = np.zeros_like(array)
    for index in np.ndindex(array.shape):
        step = np.zeros_like(array)
        step[index] = H
        slopes[index] = (function(array + step) - function(array - step)) / (2 * H)
    return slopes


def assert_close(got, measured):
    assert np.linalg.norm(got - measured) <= 1e-6 * (np.linalg.norm(got) + np.linalg.norm(measured))


# --- by hand ----------------------------------------------------------------------------------------------------------


def test_shapes_of_the_net_of_section_1():
    shapes = LESSON["parameter_shapes"]([3, 5, 5, 3, 1])
    assert [shapes[f"W{l}"] for l in (1, 2, 3, 4)] == [(5, 3), (5, 5), (3, 5), (1, 3)]
    assert [shapes[f"b{l}"] for l in (1, 2, 3, 4)] == [(5, 1), (5, 1), (3, 1), (1, 1)]
    assert sum(np.prod(shape) for shape in shapes.values()) == 72


def test_chain_of_the_lesson_is_right_by_hand():
    """x = 2, weights 1, 3, 1/2, biases -1, y = 1: the table of section 6."""
    w, z, a, dw, db, da = pictures.chain(LESSON["L_model_forward"], LESSON["L_model_backward"], 2.0, 3.0, 1)
    assert (z[1:], a) == ([1, 2, 0], [2, 1, 2, 0.5])
    assert (dw[1:], db[1:], da) == ([-1.5, -0.25, -1], [-0.75, -0.25, -0.5], [-0.75, -0.75, -0.25])


def test_initial_scores_have_the_size_of_the_input():
    """(5.7) with c = 1: the mean square of z is that of the input, for 10 inputs as for 1000."""
    for n in (10, 1000):
        rng = np.random.default_rng(0)
        x = rng.uniform(-1, 2, (n, 1))
        W = LESSON["initialize_parameters_deep"]([n, 4000], rng)["W1"]
        assert np.mean((W @ x) ** 2) == pytest.approx(np.mean(x**2), rel=0.1)


# --- forward ----------------------------------------------------------------------------------------------------------


def test_forward_matches_scikit_learn():
    X, _, parameters = example()
    net = MLPRegressor(activation="relu")
    net.coefs_ = [parameters[f"W{l}"].T for l in range(1, len(NET))]
    net.intercepts_ = [parameters[f"b{l}"][:, 0] for l in range(1, len(NET))]
    net.n_layers_, net.out_activation_ = len(NET), "logistic"
    np.testing.assert_allclose(LESSON["L_model_forward"](X, parameters)[0], net.predict(X.T).T, rtol=1e-12)


def test_cost_matches_scikit_learn():
    X, Y, parameters = example((4, 6, 1))
    AL, _ = LESSON["L_model_forward"](X, parameters)
    assert LESSON["compute_cost"](AL, Y) == pytest.approx(sklearn_log_loss(Y[0], AL[0]), rel=1e-12)


def test_cost_is_finite_where_predictions_are_0_or_1():
    AL = np.array([[1.0, 0.0, 1.0]])
    assert LESSON["compute_cost"](AL, np.array([[1, 0, 1]])) == pytest.approx(0, abs=1e-12)
    assert 0 < LESSON["compute_cost"](AL, np.array([[0, 0, 1]])) < np.inf


# --- backward ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("m", [1, 7])
def test_linear_backward_matches_numerical_gradient(m):
    """With the mean over the examples of sum(dZ * Z) as cost, dZ is the derivative of each example's loss by Z."""
    rng = np.random.default_rng(3)
    A, W, b, dZ = (rng.standard_normal(shape) for shape in ((4, m), (3, 4), (3, 1), (3, m)))

    def J(A, W, b):
        return np.sum(dZ * LESSON["linear_forward"](A, W, b)[0]) / m

    dA, dW, db = LESSON["linear_backward"](dZ, (A, W, b))
    assert_close(dW, numerical(lambda W: J(A, W, b), W))
    assert_close(db, numerical(lambda b: J(A, W, b), b))
    assert_close(dA, m * numerical(lambda A: J(A, W, b), A))


@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
@pytest.mark.parametrize("m", [1, 7])
def test_linear_activation_backward_matches_numerical_gradient_and_autograd(activation, m):
    rng = np.random.default_rng(5)
    A_prev, W, b, dA = (rng.standard_normal(shape) for shape in ((4, m), (3, 4), (3, 1), (3, m)))
    forward = LESSON["linear_activation_forward"]
    _, cache = forward(A_prev, W, b, activation)
    assert np.abs(cache[1]).min() > 1e-4
    got = LESSON["linear_activation_backward"](dA, cache, activation)

    def J(A_prev, W, b):
        return np.sum(dA * forward(A_prev, W, b, activation)[0]) / m

    def by_autograd(A_prev, W, b):
        Z = anp.dot(W, A_prev) + b
        return anp.sum(dA * (anp.maximum(Z, 0.0) if activation == "relu" else 1 / (1 + anp.exp(-Z)))) / m

    arguments = (A_prev, W, b)
    for i, factor in enumerate((m, 1, 1)):  # dA_prev is that of each example's loss

        def cost_of(value, i=i):
            return J(*arguments[:i], value, *arguments[i + 1 :])

        assert_close(got[i], factor * numerical(cost_of, arguments[i]))
        np.testing.assert_allclose(got[i], factor * autograd.grad(by_autograd, i)(*arguments), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize(("layers_dims", "m"), [(NET, 7), ((4, 6, 1), 1), ((4, 1), 5)])
def test_L_model_backward_matches_numerical_gradient(layers_dims, m):
    X, Y, parameters = example(layers_dims, m)

    def J(parameters, X=X):
        return LESSON["compute_cost"](LESSON["L_model_forward"](X, parameters)[0], Y)

    AL, caches = LESSON["L_model_forward"](X, parameters)
    grads = LESSON["L_model_backward"](AL, Y, caches)
    for name in parameters:
        assert_close(
            grads[f"d{name}"], numerical(lambda value, name=name: J(parameters | {name: value}), parameters[name])
        )
    assert_close(grads["dA0"], m * numerical(lambda X: J(parameters, X), X))


@pytest.mark.parametrize(("layers_dims", "m"), [(NET, 7), ((4, 6, 1), 1), ((4, 1), 5)])
def test_L_model_backward_matches_automatic_differentiation(layers_dims, m):
    X, Y, parameters = example(layers_dims, m)
    L = len(layers_dims) - 1

    def J(parameters, A):
        for l in range(1, L):
            A = anp.maximum(anp.dot(parameters[f"W{l}"], A) + parameters[f"b{l}"], 0.0)
        Z = anp.dot(parameters[f"W{L}"], A) + parameters[f"b{L}"]
        return anp.sum(anp.logaddexp(0.0, Z) - Y * Z) / m

    AL, caches = LESSON["L_model_forward"](X, parameters)
    grads = LESSON["L_model_backward"](AL, Y, caches)
    theirs = autograd.grad(J, 0)(parameters, X)
    for name, gradient in theirs.items():
        np.testing.assert_allclose(grads[f"d{name}"], gradient, rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(grads["dA0"], m * autograd.grad(J, 1)(parameters, X), rtol=1e-9, atol=1e-14)


def test_a_sure_and_wrong_prediction_has_the_slope_one():
    caches = [((np.array([[1.0]]), np.array([[40.0]]), np.array([[0.0]])), np.array([[40.0]]))]
    grads = LESSON["L_model_backward"](np.array([[1.0]]), np.array([[0.0]]), caches)
    assert (grads["dW1"].item(), grads["db1"].item(), grads["dA0"].item()) == (1, 1, 40)


# --- training ---------------------------------------------------------------------------------------------------------


def test_one_layer_is_the_logistic_regression_of_lesson_2():
    rng = np.random.default_rng(2)
    X, Y = rng.standard_normal((3, 20)), (rng.random((1, 20)) < 0.5).astype(float)
    parameters, costs = LESSON["L_layer_model"](X, Y, [3, 1], 0.5, 3000, rng)
    optimize = exercises.load("logistic_regression").exercises["optimize"]
    theirs, _, _ = optimize(np.zeros((3, 1)), 0.0, X, Y, num_iterations=3000, learning_rate=0.5)
    np.testing.assert_allclose(parameters["W1"], theirs["w"].T, atol=1e-6)
    assert parameters["b1"].item() == pytest.approx(theirs["b"], abs=1e-6)
    assert np.all(np.diff(costs) < 1e-12)


@pytest.fixture(scope="module")
def judged():
    """Return what section 11 measures, by its own code: ``{(inputs, hidden layers): (at the stop, after 300 steps)}``.

    Both are shares of ten starts that are right, one number for each of 194 patches, shape (10, 194).
    """
    train_images, Y_train, dev_images, Y_dev, test_images, Y_test = data.cat_in_three_parts()
    Y_halves, inputs = np.hstack([Y_dev, Y_test]), {"pixels": [], "colours": []}
    for images in (train_images, dev_images, test_images):
        inputs["pixels"].append(hyperparameters.columns(images))
        pixels = images.reshape(len(images), -1, 3) / 255
        inputs["colours"].append(np.concatenate([pixels.mean(axis=1), pixels.std(axis=1)], axis=1).T)
    mean, std = (f(inputs["colours"][0], axis=1, keepdims=True) for f in (np.mean, np.std))
    inputs["colours"] = [(X - mean) / std for X in inputs["colours"]]
    found = {}
    for name, (X_train, *X_halves) in inputs.items():
        X_halves = np.hstack(X_halves)
        for hidden in ([], [8], [8, 8, 8]):
            stopped, ended = np.zeros((10, 194)), np.zeros((10, 194))
            for seed in range(10):
                parameters = LESSON["initialize_parameters_deep"](
                    [len(X_train), *hidden, 1], np.random.default_rng(seed)
                )
                right = []
                for step in range(301):
                    if step % 10 == 0:
                        right.append(((LESSON["L_model_forward"](X_halves, parameters)[0] > 0.5) == Y_halves)[0])
                    AL, caches = LESSON["L_model_forward"](X_train, parameters)
                    grads = LESSON["L_model_backward"](AL, Y_train, caches)
                    parameters = LESSON["update_parameters"](parameters, grads, 0.1)
                right, ended[seed] = np.array(right), right[-1]
                for dev, test in ((slice(97), slice(97, None)), (slice(97, None), slice(97))):
                    stopped[seed, test] = right[np.argmax(right[:, dev].mean(axis=1)), test]
            found[name, len(hidden)] = stopped, ended
    return found


def gain(judged, row, other, which=0):
    """Return by how much more one row is right than another, and the paired error, in points."""
    difference = 100 * (judged[row][which].mean(axis=0) - judged[other][which].mean(axis=0))
    return difference.mean(), difference.std(ddof=1) / np.sqrt(len(difference))


def test_depth_gains_nothing_that_the_patches_show(judged):
    """Section 11: one layer against logistic regression below two errors, three against one, too."""
    for row, other in ((1, 0), (3, 1)):
        points, error = gain(judged, ("pixels", row), ("pixels", other))
        assert abs(points) < 2 * error
    points, error = gain(judged, ("colours", 1), ("colours", 0))
    assert points > 2 * error


def test_six_colours_beat_the_pixels_in_each_row(judged):
    for layers in (0, 1, 3):
        points, error = gain(judged, ("colours", layers), ("pixels", layers))
        assert points > 2 * error


def test_the_halves_differ_more_than_the_nets(judged):
    halves = judged["pixels", 0][0][:, 97:].mean() - judged["pixels", 0][0][:, :97].mean()
    nets = [judged["pixels", layers][0].mean() for layers in (0, 1, 3)]
    assert halves > 0.1 > max(nets) - min(nets)


def test_on_the_pixels_no_stop_would_have_been_better_for_hidden_layers(judged):
    for layers in (1, 3):
        stopped, ended = judged["pixels", layers]
        assert ended.mean() > stopped.mean() + 0.01


def test_starts_differ_by_some_points(judged):
    for layers in (1, 3):
        starts = judged["pixels", layers][0].mean(axis=1)
        assert starts.max() - starts.min() > 0.05


def test_the_net_by_hand_has_the_numbers_of_section_8():
    parameters = {
        "W1": np.array([[1.0, -1.0], [1.0, 1.0]]), "b1": np.array([[0.0], [-1.0]]),
        "W2": np.array([[-0.5, 1.0]]), "b2": np.array([[-2.0]]),
    }  # fmt: skip
    X, Y = np.array([[1.0, 3.0], [2.0, 1.0]]), np.array([[1, 0]])
    AL, caches = LESSON["L_model_forward"](X, parameters)
    assert [cache[1].tolist() for cache in caches] == [[[-1, 2], [2, 3]], [[0, 0]]]
    grads = LESSON["L_model_backward"](AL, Y, caches)
    assert grads["dA1"].tolist() == [[0.25, -0.25], [-0.5, 0.5]]
    assert (grads["dW2"].tolist(), grads["db2"].tolist()) == ([[0.5, 0.25]], [[0]])
    assert (grads["dW1"].tolist(), grads["db1"].tolist()) == ([[-3 / 8, -1 / 8], [0.5, -0.25]], [[-1 / 8], [0]])
    assert grads["dA0"][0, 1] == 0.25


def test_loss_from_the_score_is_that_of_the_clipped_cost_where_nothing_is_clipped():
    z, y = np.random.default_rng(0).normal(size=(1, 50)) * 5, np.random.default_rng(1).integers(0, 2, (1, 50))
    loss = np.logaddexp(0, z) - y * z  # (5.14)
    assert LESSON["compute_cost"](1 / (1 + np.exp(-z)), y) == pytest.approx(loss.mean(), rel=1e-9)
    assert LESSON["compute_cost"](np.array([[1.0]]), np.array([[0]])) == pytest.approx(34.5, abs=0.05)


def test_numbers_that_the_text_names():
    assert [float(1 / (1 + np.exp(-z))) == 1 for z in (36.0, 37.0)] == [False, True]
    assert 2 * 72 == 144, "runs forward for 72 parameters, two for each"
    assert np.sqrt(2) == pytest.approx(1.41, abs=0.005)
    assert 3 / np.sqrt(2) == pytest.approx(2.1, abs=0.05), "the factor per layer for c = 3"


# --- a run to diagnose -------------------------------------------------------------------------------------------------

OWN = [LESSON[name] for name in ("L_model_forward", "L_model_backward", "update_parameters", "compute_cost")]


@pytest.mark.parametrize("which", range(len(pictures.FAULTS)), ids=["fast", "slow", "small", "large", "dead"])
def test_a_run_looks_as_its_fault_says_and_as_no_other(which):
    for seed in range(30):
        run = pictures.sick_run(np.random.default_rng(seed), *OWN, which=which)
        assert run.which == which
        found = re.search(
            r"cost is (.*) at the start and (.*) after 60 steps; it rose in (\d+) .* at the start: (.*); "
            r"at the end: (.*)\. Units .* at the start: (.*) of 16",
            run.words,
        )
        start, end, rose = (float(found[i]) for i in (1, 2, 3))
        first, last, on = (np.array([float(one) for one in found[i].split(", ")]) for i in (4, 5, 6))
        guessing = start < 1 and on.min() > 0
        looks = [
            guessing and rose > 5 and first.max() > 1e-2,
            guessing and rose == 0 and 0 < start - end < 0.2 and np.all(last > 0.5 * first) and first.min() > 1e-3,
            guessing and first.max() < 1e-2 and first.min() > 0 and abs(end - np.log(2)) < 0.05,
            start > 4,
            on[1] == 0 and not first.any() and not last.any(),
        ]
        assert [i for i, there in enumerate(looks) if there] == [which], (seed, run.words)


# --- the pictures -----------------------------------------------------------------------------------------------------


@pytest.fixture
def chain():
    return pictures.step_through(LESSON["L_model_forward"], LESSON["L_model_backward"])


@pytest.fixture
def reach():
    return pictures.gradients_by_layer(LESSON["L_model_forward"], LESSON["L_model_backward"])


@pytest.mark.parametrize(
    ("name", "control", "values"),
    [("chain", "x", np.linspace(-1, 4, 21)), ("reach", "scale", np.logspace(-0.5, 0.5, 21))],
)
def test_pictures_answer_within_a_tenth_of_a_second(request, record_property, name, control, values):
    picture = request.getfixturevalue(name)
    if name == "reach":
        picture.controls["L"].value = pictures.MOST_LAYERS
    seconds = []
    for value in values:
        start = time.process_time()
        picture.controls[control].value = value
        seconds.append(time.process_time() - start)
    record_property(
        f"picture of lesson 1.5 ({name}), median time to answer", f"{1000 * statistics.median(seconds):.0f} ms"
    )
    assert statistics.median(seconds) < machine.seconds(0.1)


@pytest.mark.parametrize(
    ("name", "moves"),
    [
        ("chain", (("step", 2), ("step", 6), ("x", 0.5), ("x", 3.0), ("w2", -2.0), ("y", 0))),
        ("reach", (("L", 5), ("L", 30), ("scale", 2.0))),
    ],
)
def test_pictures_follow_their_controls(request, name, moves):
    picture = request.getfixturevalue(name)
    seen = [picture._image.value]
    for control, value in moves:
        picture.controls[control].value = value
        if (control, value) != ("step", 6):  # where it starts
            assert picture._image.value not in seen
        seen.append(picture._image.value)


def test_chain_says_what_it_shows(chain):
    chain.controls["step"].value = 2
    assert "Step 2, forward through layer 2: z = 3 · 1 + (−1) = 2, a = 2." in chain._caption.value
    chain.controls["step"].value = 5
    assert "Step 5, backward through layer 2: dz = −0.25, dw = dz · 1 = −0.25" in chain._caption.value
    chain.controls["y"].value = 0
    assert "Step 5, backward through layer 2: dz = 0.25, dw = dz · 1 = 0.25" in chain._caption.value


def test_reach_shows_the_factor_that_the_lesson_derives(reach):
    """c / sqrt(2) per layer, within a tenth, forward and backward."""
    for scale in (0.5, 1.0, np.sqrt(2), 2.0, 3.0):
        A, dA, _ = pictures.sizes_by_layer(LESSON["L_model_forward"], LESSON["L_model_backward"], 20, scale)
        assert (A[-1] / A[0]) ** (1 / 19) == pytest.approx(scale / np.sqrt(2), rel=0.1)
        assert (dA[0] / dA[-1]) ** (1 / 19) == pytest.approx(scale / np.sqrt(2), rel=0.1)
    assert "20 layers, c = 1.00" in reach._caption.value
    assert "a factor of 0.71 per layer" in reach._caption.value


@pytest.mark.parametrize("name", ["chain", "reach"])
def test_pictures_have_a_static_twin(request, name):
    found = request.getfixturevalue(name)._repr_mimebundle_()
    assert Image.open(io.BytesIO(base64.b64decode(found["image/png"]))).size == (720, 350)
    assert "application/vnd.jupyter.widget-view+json" in found
