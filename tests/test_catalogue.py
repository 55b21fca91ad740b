"""The catalogue: each mistake fails with its own words, each other right answer passes, gradients are right."""

import inspect
import warnings

import autograd
import autograd.numpy as anp
import mutants
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss as sklearn_log_loss

from helpers import checks, exercises
from helpers.checks import packs

EXERCISES = [
    pytest.param(lesson, exercise, id=f"{lesson}.{exercise.name}")
    for lesson in exercises.lessons()
    for exercise in exercises.load(lesson).exercises.values()
]
MISTAKES = [
    pytest.param(lesson, exercise, function, hint, id=f"{lesson}.{exercise.name}.{function.__name__}")
    for lesson, exercise in (param.values for param in EXERCISES)
    for function, hint in exercise.mistakes
]
ACCEPTED = [
    pytest.param(lesson, exercise, function, id=f"{lesson}.{exercise.name}.{function.__name__}")
    for lesson, exercise in (param.values for param in EXERCISES)
    for function in exercise.accepted
]
# Besides the learner's seed 0: seeds as the grader draws them. A mistake must fail whatever the cases are.
SEEDS = (None, 1, 2**63 - 25, 987654321)
#: Slips that no input can show, because the result is the same function.
EQUIVALENT_MUTANTS = {
    ("logistic_regression", "squared_cost"): {"Y - A"},  # its square is the same
}


def judge(monkeypatch, lesson, name, function, seed=None):
    """Return the message of the check, or None if the function passes; None as seed is the learner's own check."""
    if seed is None:
        monkeypatch.delenv(packs.HIDDEN_SEED, raising=False)
    else:
        monkeypatch.setenv(packs.HIDDEN_SEED, str(seed))

    def answer(*args):
        return function(*args)

    answer.__name__ = name
    try:
        checks.lesson(lesson)(answer)
    except checks.CheckFailed as error:
        return str(error)
    except Exception as error:
        return f"{error} {' '.join(getattr(error, '__notes__', []))}"
    return None


@pytest.mark.parametrize(("lesson", "exercise"), EXERCISES)
def test_exercise_is_complete(lesson, exercise):
    assert exercise.points >= 1
    assert 1 <= exercise.topic <= 68
    assert inspect.getdoc(exercise.reference), "a reference needs a docstring"
    assert len(exercise.mistakes) >= 3
    assert len(exercise.accepted) >= 2
    assert len({function.__name__ for function, _ in exercise.mistakes}) == len(exercise.mistakes)
    assert len({hint for _, hint in exercise.mistakes}) == len(exercise.mistakes)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("lesson", "exercise", "function", "hint"), MISTAKES)
def test_mistake_fails_with_its_own_words(monkeypatch, record_property, lesson, exercise, function, hint, seed):
    message = judge(monkeypatch, lesson, exercise.name, function, seed)
    assert message is not None, "this mistake passes"
    assert hint in message
    record_property("mistakes caught and named (each with 4 seeds)", [1, 1])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("lesson", "exercise", "function"), ACCEPTED)
def test_other_right_answer_passes(monkeypatch, record_property, lesson, exercise, function, seed):
    assert judge(monkeypatch, lesson, exercise.name, function, seed) is None
    record_property("other right answers accepted (each with 4 seeds)", [1, 1])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("lesson", "exercise"), EXERCISES)
def test_reference_passes(monkeypatch, lesson, exercise, seed):
    assert judge(monkeypatch, lesson, exercise.name, exercise.reference, seed) is None


@pytest.mark.parametrize(("lesson", "exercise"), EXERCISES)
def test_no_small_slip_passes(monkeypatch, record_property, lesson, exercise):
    """Mutants of the reference are the wrong answers that nobody thought of."""
    survivors, tried = [], 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for what, function in mutants.mutants(exercise.reference):
            tried += 1
            if judge(monkeypatch, lesson, exercise.name, function) is None:
                survivors.append(what)
    assert tried > 0
    assert set(survivors) <= EQUIVALENT_MUTANTS.get((lesson, exercise.name), set())
    record_property("mutants", [tried - len(survivors), tried])


# --- logistic regression, against independent implementations --------------------------------------------------------


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
