"""Lesson 2.3, L2 and dropout: gradients against differences and autograd, moments of the masks, runs, the picture."""

import base64
import io
import statistics
import time

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from PIL import Image
from sklearn.neural_network import MLPClassifier

from helpers import exercises
from helpers.widgets import regularization

LESSON = exercises.load("regularization").exercises
COST, REG, FORWARD, DROP, MODE = (
    LESSON[name]
    for name in (
        "compute_cost_with_regularization",
        "backward_propagation_with_regularization",
        "forward_propagation_with_dropout",
        "backward_propagation_with_dropout",
        "dropout_forward",
    )
)
NAMES = ("W1", "b1", "W2", "b2", "W3", "b3")
SIZES = ((3, 6, 4, 1, 5), (2, 5, 7, 3, 4), (5, 4, 6, 2, 1))


def example(sizes, seed=0):
    rng = np.random.default_rng(seed)
    parameters = {}
    for l in (1, 2, 3):
        parameters[f"W{l}"] = rng.normal(size=(sizes[l], sizes[l - 1])) * 0.7
        parameters[f"b{l}"] = rng.uniform(0.5, 1.5, size=(sizes[l], 1))
    return rng.normal(size=(sizes[0], sizes[4])), (rng.random((sizes[3], sizes[4])) < 0.5).astype(int), parameters


def cost_of(parameters, X, Y, lambd=0, gains=(1, 1), np=np):
    """Return J, written another way than the references, also for autograd."""
    A = X
    for l in (1, 2):
        A = np.maximum(0, np.dot(parameters[f"W{l}"], A) + parameters[f"b{l}"]) * gains[l - 1]
    Z = np.dot(parameters["W3"], A) + parameters["b3"]
    losses = np.logaddexp(0, Z) - Y * Z
    return (np.sum(losses) + lambd / 2 * sum(np.sum(parameters[f"W{l}"] ** 2) for l in (1, 2, 3))) / X.shape[1]


def assert_gradients(grads, parameters, cost):
    for name in NAMES:
        numerical = np.zeros_like(parameters[name])
        for index in np.ndindex(numerical.shape):
            moved = []
            for h in (1e-6, -1e-6):
                p = {n: a.copy() for n, a in parameters.items()}
                p[name][index] += h
                moved.append(cost(p, np))
            numerical[index] = (moved[0] - moved[1]) / 2e-6
        ours = grads["d" + name]
        error = np.linalg.norm(ours - numerical) / (np.linalg.norm(ours) + np.linalg.norm(numerical) + 1e-12)
        assert error < 1e-6, name
        automatic = autograd.grad(lambda a, name=name: cost(parameters | {name: a}, anp))(parameters[name])
        np.testing.assert_allclose(ours, automatic, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("lambd", [0.0, 0.7, 30.0])
def test_regularized_gradients_match_central_differences_and_autograd(sizes, lambd):
    X, Y, parameters = example(sizes)
    _, cache = FORWARD(X, parameters, 1.0, np.random.default_rng(0))
    grads = REG(X, Y, cache, lambd)
    assert_gradients(grads, parameters, lambda p, np: cost_of(p, X, Y, lambd, np=np))


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("keep_prob", [0.5, 0.8])
def test_dropout_gradients_match_central_differences_and_autograd(sizes, keep_prob):
    X, Y, parameters = example(sizes)
    _, cache = FORWARD(X, parameters, keep_prob, np.random.default_rng(5))
    gains = (cache["D1"] / keep_prob, cache["D2"] / keep_prob)
    grads = DROP(X, Y, cache, keep_prob)
    assert_gradients(grads, parameters, lambda p, np: cost_of(p, X, Y, gains=gains, np=np))


@pytest.mark.parametrize("sizes", SIZES)
def test_cost_matches_another_formula(sizes):
    X, Y, parameters = example(sizes)
    A3, _ = FORWARD(X, parameters, 1.0, np.random.default_rng(0))
    assert COST(A3, Y, parameters, 0.7) == pytest.approx(cost_of(parameters, X, Y, 0.7), rel=1e-12)


def test_cost_and_gradients_match_scikit_learn():
    X, Y, parameters = example((3, 6, 4, 1, 40))
    model = MLPClassifier((6, 4), activation="relu", alpha=0.7, batch_size=40, max_iter=1, solver="sgd")
    with pytest.warns(match="Maximum iterations"):
        model.fit(X.T, Y[0])
    model.coefs_ = [parameters[f"W{l}"].T for l in (1, 2, 3)]
    model.intercepts_ = [parameters[f"b{l}"][:, 0] for l in (1, 2, 3)]
    A3, cache = FORWARD(X, parameters, 1.0, np.random.default_rng(0))
    np.testing.assert_allclose(A3[0], model.predict_proba(X.T)[:, 1])
    activations = [X.T, *[None] * 3]
    args = (X.T, Y.T, np.ones(40), activations, [None] * 3, [None] * 3, [None] * 3)
    try:
        loss, coefs, _ = model._backprop(*args)
    except TypeError:
        loss, coefs, _ = model._backprop(args[0], args[1], *args[3:])
    assert COST(A3, Y, parameters, 0.7) == pytest.approx(loss)
    grads = REG(X, Y, cache, 0.7)
    for l in (1, 2, 3):
        np.testing.assert_allclose(grads[f"dW{l}"], coefs[l - 1].T)


def test_cost_by_hand():
    parameters = {"W1": np.array([[1.0, 2.0]]), "W2": np.array([[-2.0]]), "W3": np.array([[4.0]])}
    parameters |= {f"b{l}": np.array([[9.0]]) for l in (1, 2, 3)}
    assert COST(np.array([[0.5, 0.5]]), np.array([[1, 0]]), parameters, 0.4) == pytest.approx(np.log(2) + 2.5)


@pytest.mark.parametrize("keep_prob", [0.2, 0.5, 0.8])
def test_mean_and_variance_of_inverted_dropout(keep_prob):
    out, mask = MODE(np.full((1000, 400), 3.0), keep_prob, "train", np.random.default_rng(0))
    assert set(np.unique(mask)) == {0, 1}
    assert out.mean() == pytest.approx(3, rel=0.01)
    assert out.var() == pytest.approx(9 * (1 - keep_prob) / keep_prob, rel=0.02)


def test_test_mode_changes_nothing_and_draws_nothing():
    rng, A = np.random.default_rng(0), np.random.default_rng(1).normal(size=(4, 3))
    out, mask = MODE(A, 0.5, "test", rng)
    np.testing.assert_array_equal(out, A)
    assert mask.min() == 1
    assert rng.random() == np.random.default_rng(0).random()


@pytest.mark.parametrize("lambd", [0.0, 5.0])
def test_train_takes_the_step_of_autograd(lambd):
    X, Y, _ = example((3, 6, 4, 1, 12))
    start = regularization.he_start([3, 6, 4, 1])
    run = regularization.train(start, regularization.Points(X, Y, X, Y), lambd=lambd, steps=1, learning_rate=0.2)
    slope = autograd.grad(lambda p: cost_of(p, X, Y, lambd, np=anp))(start)
    for name in NAMES:
        np.testing.assert_allclose(run.parameters[name], start[name] - 0.2 * slope[name], rtol=1e-9, atol=1e-12)


# --- the picture ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def picture():
    points = regularization.noisy_arcs()
    return regularization.smooth_border(COST.reference, points, regularization.borders(points))


def test_picture_answers_within_a_tenth_of_a_second(picture, record_property):
    slider, times = picture.controls["fit"], []
    for index in [1, 2, 3, 4, 5, 6, 7, 0] * 2:
        begin = time.perf_counter()
        slider.value = index
        times.append(time.perf_counter() - begin)
    assert statistics.median(times) < 0.1
    record_property("median seconds of an answer: borders", statistics.median(times))


def test_picture_follows_its_control_and_says_what_it_shows(picture):
    slider, seen = picture.controls["fit"], []
    for index, lambd in enumerate(regularization.LAMBDAS):
        slider.value = index
        seen.append(picture._image.value)
        assert f"lambda {lambd:g}: right on" in picture._caption.value
        assert "Sum of the squared weights" in picture._caption.value
    assert len(set(seen)) >= 6
    slider.value = 0


def test_picture_has_a_static_twin(picture):
    data = picture._repr_mimebundle_()
    assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).size == (540, 420)
    assert "application/vnd.jupyter.widget-view+json" in data
