"""Lesson 1.2, logistic regression: gradients and losses against independent implementations, and its picture."""

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
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss as sklearn_log_loss

from helpers import data, exercises
from helpers.checks import sick
from helpers.widgets import logistic_regression

X = np.array([[-2.5, -1.5, -1.0, -0.5, 0.5, 1.0, 2.0, 2.5]])
Y = np.array([[0, 0, 1, 0, 1, 0, 1, 1]])


def logistic_example(m=9, n_x=4):
    rng = np.random.default_rng(5)
    return rng.normal(size=(n_x, 1)), 0.3, rng.normal(size=(n_x, m)), (rng.random((1, m)) < 0.5).astype(float)


@pytest.mark.parametrize("name", ["propagate", "propagate_loop"])
@pytest.mark.parametrize("m", [1, 9])
def test_propagate_matches_numerical_gradient(name, m):
    propagate = exercises.load("logistic_regression").exercises[name]
    w, b, X, Y = logistic_example(m)
    grads, _ = propagate(w, b, X, Y)
    h = 1e-6
    for j in range(len(w)):
        step = np.zeros_like(w)
        step[j] = h
        slope = (propagate(w + step, b, X, Y)[1] - propagate(w - step, b, X, Y)[1]) / (2 * h)
        assert grads["dw"][j, 0] == pytest.approx(slope, rel=1e-6, abs=1e-9)
    slope = (propagate(w, b + h, X, Y)[1] - propagate(w, b - h, X, Y)[1]) / (2 * h)
    assert grads["db"] == pytest.approx(slope, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("name", ["propagate", "propagate_loop"])
def test_propagate_matches_automatic_differentiation(name):
    propagate = exercises.load("logistic_regression").exercises[name]
    w, b, X, Y = logistic_example()

    def cost(w, b):
        z = anp.dot(w.T, X) + b
        return anp.mean(anp.logaddexp(0.0, z) - Y * z)

    grads, J = propagate(w, b, X, Y)
    assert cost(w, b) == pytest.approx(J, rel=1e-12)
    np.testing.assert_allclose(grads["dw"], autograd.grad(cost, 0)(w, b), rtol=1e-10)
    assert grads["db"] == pytest.approx(autograd.grad(cost, 1)(w, b), rel=1e-10)


def test_log_loss_matches_scikit_learn():
    log_loss = exercises.load("logistic_regression").exercises["log_loss"]
    rng = np.random.default_rng(6)
    y_hat, y = rng.uniform(0.01, 0.99, 50), rng.integers(0, 2, 50)
    assert np.mean(log_loss(y_hat, y)) == pytest.approx(sklearn_log_loss(y, y_hat), rel=1e-12)


def test_optimize_finds_the_maximum_likelihood_of_scikit_learn():
    optimize = exercises.load("logistic_regression").exercises["optimize"]
    X = np.array([[-2.5, -1.5, -1.0, -0.5, 0.5, 1.0, 2.0, 2.5]])
    Y = np.array([[0, 0, 1, 0, 1, 0, 1, 1]])
    params, _, costs = optimize(np.zeros((1, 1)), 0.0, X, Y, num_iterations=3000, learning_rate=1.0)
    theirs = LogisticRegression(C=1e12, tol=1e-10).fit(X.T, Y[0])
    assert params["w"].item() == pytest.approx(theirs.coef_.item(), rel=1e-4)
    assert params["b"] == pytest.approx(theirs.intercept_.item(), abs=1e-4)
    assert np.all(np.diff(costs) <= 1e-15), "on a convex cost with a small rate, no step goes uphill"


def test_numbers_that_the_text_says():
    assert 10 + X.min() == 7.5, "hours of practice of x = -2.5"
    wrong = np.abs(1 / (1 + np.exp(4 * X - 2)) - Y)  # at w = -4, b = 2
    assert np.sum(wrong > 0.5) == np.sum(wrong > 0.98) == 5
    assert 32 * 32 * 3 + 1 == 3073, "parameters of the classifier of photographs"
    assert 2 * 100 * 1000 == 200_000, "products of the loops with 100 features and 1000 examples"


def test_the_training_patches_can_be_separated():
    """With a row of ones they have full rank, so some weights give each patch any score: J has no lowest point."""
    images = data.cat_or_not().train_images
    pixels = images.reshape(len(images), -1) / 255 - 0.5
    assert np.linalg.matrix_rank(np.hstack([pixels, np.ones((len(pixels), 1))])) == 391


def test_the_example_of_the_gradient():
    """f = w² + 3wb at (1, 2): the gradient is (8, 3), its direction 21 degrees; the nudges add up to 0.14."""
    gradient = [autograd.grad(lambda w, b: w**2 + 3 * w * b, k)(1.0, 2.0) for k in (0, 1)]
    assert gradient == [8.0, 3.0]
    assert gradient[0] * 0.01 + gradient[1] * 0.02 == pytest.approx(0.14)


# --- the picture ------------------------------------------------------------------------------------------------------


@pytest.fixture
def walks():
    lesson = exercises.load("logistic_regression").exercises
    return logistic_regression.two_walks(lesson["squared_cost"], lesson["propagate"], X, Y)


def test_two_walks_answers_within_a_tenth_of_a_second(walks, record_property):
    seconds = []
    for w in np.linspace(-5, 5, 21):
        start = time.process_time()
        walks.controls["w"].value = w
        seconds.append(time.process_time() - start)
    record_property("picture of lesson 1.2, median time to answer", f"{1000 * statistics.median(seconds):.0f} ms")
    assert statistics.median(seconds) < machine.seconds(0.1)


def test_two_walks_follows_its_controls(walks):
    pictures = [walks._image.value]
    for name, value in (("learning_rate", 0.1), ("w", 2.0), ("b", -1.0)):
        walks.controls[name].value = value
        assert walks._image.value not in pictures
        pictures.append(walks._image.value)


def test_two_walks_says_what_it_shows(walks):
    """Starting where nearly everyone is predicted wrongly, only the walk on the cross-entropy arrives."""
    assert "squared error: J = 0.321 at w = -3.75" in walks._caption.value
    assert "cross-entropy: J = 0.506 at w = 0.92, b = -0.05" in walks._caption.value


def test_two_walks_says_where_the_cost_is_no_number(walks, recwarn):
    """With a long step from (3, -4) a prediction is rounded to 0 or 1; the picture says so, and nothing warns."""
    walks.controls["learning_rate"].value = 20.0
    walks.controls["w"].value, walks.controls["b"].value = 3.0, -4.0
    assert "J needs the logarithm of 0" in walks._caption.value
    assert "nan" not in walks._caption.value
    assert len(recwarn) == 0


def test_two_walks_has_a_static_twin(walks):
    data = walks._repr_mimebundle_()
    image = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
    assert image.size == (720, 340)
    assert "application/vnd.jupyter.widget-view+json" in data


def test_walk_goes_downhill_on_a_parabola():
    points = logistic_regression.walk(lambda w, b: np.array([2 * w, 2 * b]), (3.0, -2.0), 0.25, steps=3)
    np.testing.assert_allclose(points[:, 0], [3, 1.5, 0.75, 0.375])


# --- runs to diagnose -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "which", range(len(logistic_regression.FAULTS)), ids=["large", "small", "uphill", "units", "order"]
)
def test_a_run_looks_as_its_fault_says_and_as_no_other(which):
    """What `looks` says, in numbers, for forty runs with each fault; the others do not look so."""
    propagate = exercises.load("logistic_regression").exercises["propagate"]
    for seed in range(40):
        run = logistic_regression.sick_run(np.random.default_rng(seed), propagate, which=which)
        assert run.which == which
        found = re.search(
            r"cost is (.*) at the start and (.*) after 60 steps; it rose in (\d+) .* at the start: (.*); at the end: (.*)\. "
            r"Right: (\d+)% of the training examples",
            run.words,
        )
        start, end, rose, right = (float(found[i]) for i in (1, 2, 3, 6))
        first, last = (np.array([float(one) for one in found[i].split(", ")]) for i in (4, 5))
        looks = [
            5 < rose < 55,
            rose == 0 and start - end < 0.03 and last.max() > 0.9 * first.max() and right > 65,
            rose == 59,
            first.max() > 100 * np.median(first),
            rose == 0 and abs(end - np.log(2)) < 0.04 and last.max() < 1e-3 and right < 65,
        ]
        assert [i for i, there in enumerate(looks) if there] == [which], (seed, run.words)


def test_each_choice_of_a_diagnosis_is_explained(monkeypatch, capsys):
    propagate = exercises.load("logistic_regression").exercises["propagate"]
    for which, fault in enumerate(logistic_regression.FAULTS):
        replies = set()
        for letter in "abcde":
            run = logistic_regression.sick_run(np.random.default_rng(1), propagate, which=which)
            monkeypatch.setattr("builtins.input", lambda prompt, letter=letter: letter)
            right = sick.put(run, np.random.default_rng(2))
            said = " ".join(capsys.readouterr().out.split())
            found = re.findall(r"(?<=[a-z0-9] )(?:Yes:|No\.) .*?\.(?= What do| ?$)", said)
            assert len(found) == 2
            assert sum(one.startswith("Yes:") for one in found) == right
            assert all(fault.cause in one or fault.looks in one for one in found)
            replies |= set(found)
        assert len(replies) == 10, "no two choices get the same reply"
