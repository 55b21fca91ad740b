"""Lesson 2.8, softmax regression: its formulas against other implementations, its numbers and claims, its picture."""

import base64
import io
import re
import statistics
import time

import autograd
import autograd.numpy as anp
import autograd.scipy.special
import machine
import numpy as np
import pytest
import scipy.special
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix, log_loss
from sklearn.preprocessing import OneHotEncoder

from helpers import exercises
from helpers.widgets import softmax as pictures

LESSON = exercises.load("softmax").exercises
SOFTMAX, HARDMAX, ONE_HOT, JACOBIAN, CROSS_ENTROPY, MODEL, PREDICT = (
    LESSON[name].reference
    for name in (
        "softmax", "hardmax", "one_hot_matrix", "softmax_jacobian", "softmax_cross_entropy", "softmax_regression_model",
        "predict_classes",
    )
)  # fmt: skip
CAT = np.array([[0.0], [1.0], [0.0], [0.0]])
NOTES = np.log(np.array([[3.0], [2.0], [1.0], [4.0]]))
SHAPES = pytest.mark.parametrize(("C", "m"), [(3, 5), (4, 4), (2, 7), (6, 1)])


def drawn(C, m, seed=0):
    """Return scores (C, m), labels (1, m) and one-hot columns (C, m), with an independent encoder."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(C, size=(1, m))
    Y = OneHotEncoder(categories=[range(C)], sparse_output=False).fit_transform(labels.T).T
    return 2 * rng.normal(size=(C, m)), labels, Y


# --- the functions ----------------------------------------------------------------------------------------------------


@SHAPES
def test_softmax_matches_scipy_at_every_level(C, m):
    Z, _, _ = drawn(C, m)
    levels = np.linspace(-3000, 3000, m)
    np.testing.assert_allclose(SOFTMAX(Z), scipy.special.softmax(Z, axis=0), rtol=1e-13)
    np.testing.assert_allclose(SOFTMAX(Z + levels), SOFTMAX(Z), rtol=1e-11)
    np.testing.assert_allclose(SOFTMAX(1000 * Z).sum(axis=0), 1, rtol=1e-13)


def test_numbers_by_hand_in_section_2():
    assert SOFTMAX(np.log(np.array([[1.0], [2.0], [5.0]])))[:, 0] == pytest.approx([0.125, 0.25, 0.625])
    A = SOFTMAX(drawn(4, 6)[0])
    Z = drawn(4, 6)[0]
    np.testing.assert_allclose(A[0] / A[2], np.exp(Z[0] - Z[2]))


def test_where_the_exponential_overflows():
    """The prose: 709 still fits, 710 does not."""
    with np.errstate(over="ignore"):
        assert np.isfinite(np.exp(709.0))
        assert np.isinf(np.exp(710.0))
    assert np.exp(-2000.0) == 0
    assert 1.7e308 < np.finfo(float).max < 1.8e308


def test_hardmax_is_the_limit_of_softmax_and_names_the_first_at_ties():
    Z, _, _ = drawn(4, 9)
    np.testing.assert_allclose(HARDMAX(Z), SOFTMAX(1e4 * Z), atol=1e-9)
    np.testing.assert_array_equal(HARDMAX(np.array([[5.0], [2.0], [-1.0], [3.0]]))[:, 0], [1, 0, 0, 0])
    tie = np.array([[1.0], [4.0], [4.0], [0.0]])
    np.testing.assert_array_equal(HARDMAX(tie)[:, 0], [0, 1, 0, 0])
    np.testing.assert_allclose(SOFTMAX(1e4 * tie)[:, 0], [0, 0.5, 0.5, 0], atol=1e-12)


def test_the_middle_class_rises_before_it_falls():
    """What the picture of section 3 shows; at k = 0 all have a third."""
    A = SOFTMAX(np.array([[1.0], [0.6], [-0.5]]) * np.linspace(0, 12, 121))
    np.testing.assert_allclose(A[:, 0], 1 / 3)
    assert 0 < np.argmax(A[1]) < 20
    assert A[0, -1] > 0.99


@SHAPES
def test_one_hot_matches_scikit_learn(C, m):
    _, labels, Y = drawn(C, m)
    np.testing.assert_array_equal(ONE_HOT(labels, C), Y)


@pytest.mark.parametrize("C", [2, 3, 5])
def test_jacobian_matches_automatic_and_numerical_derivatives(C):
    z = drawn(C, 1, seed=C)[0]
    a = SOFTMAX(z)

    def plain(z):
        return anp.exp(z) / anp.sum(anp.exp(z))

    D, h = JACOBIAN(a), 1e-6
    np.testing.assert_allclose(D, autograd.jacobian(plain)(z[:, 0]), atol=1e-14)
    numerical = np.hstack([(SOFTMAX(z + h * e[:, None]) - SOFTMAX(z - h * e[:, None])) / (2 * h) for e in np.eye(C)])
    assert np.linalg.norm(numerical - D) < 1e-6 * np.linalg.norm(D)
    np.testing.assert_allclose(D, D.T)
    np.testing.assert_allclose(D.sum(axis=0), 0, atol=1e-15)


def test_jacobian_by_hand():
    np.testing.assert_allclose(
        64 * JACOBIAN(np.array([[1.0], [2.0], [5.0]]) / 8), [[7, -2, -5], [-2, 12, -10], [-5, -10, 15]]
    )


def test_loss_is_convex_because_the_jacobian_gives_variances():
    rng = np.random.default_rng(0)
    for C in (2, 3, 6):
        a, v = SOFTMAX(3 * rng.normal(size=(C, 1))), rng.normal(size=(C, 1))
        mean = np.sum(a * v)
        assert (v.T @ JACOBIAN(a) @ v).item() == pytest.approx(np.sum(a * (v - mean) ** 2))
        assert np.linalg.eigvalsh(JACOBIAN(a)).min() > -1e-12


# --- cost and gradient ------------------------------------------------------------------------------------------------


@SHAPES
def test_cost_matches_scikit_learn(C, m):
    Z, labels, Y = drawn(C, m)
    cost, _ = CROSS_ENTROPY(Z, Y)
    assert cost == pytest.approx(log_loss(labels[0], scipy.special.softmax(Z, axis=0).T, labels=range(C)), rel=1e-12)


@SHAPES
def test_cross_entropy_gradient_matches_numerical_and_automatic(C, m):
    """dZ belongs to each example's loss: it is the derivative of m J."""
    Z, _, Y = drawn(C, m)
    _, dZ = CROSS_ENTROPY(Z, Y)
    numerical, h = np.zeros_like(Z), 1e-6
    for place in np.ndindex(Z.shape):
        step = np.zeros_like(Z)
        step[place] = h
        numerical[place] = m * (CROSS_ENTROPY(Z + step, Y)[0] - CROSS_ENTROPY(Z - step, Y)[0]) / (2 * h)
    assert np.linalg.norm(numerical - dZ) < 1e-6 * np.linalg.norm(dZ)

    def losses(Z):
        return anp.sum(autograd.scipy.special.logsumexp(Z, axis=0) - anp.sum(Y * Z, axis=0))

    np.testing.assert_allclose(autograd.grad(losses)(Z), dZ, atol=1e-13)


@SHAPES
def test_the_way_through_the_jacobian_is_the_same(C, m):
    """Equations (8.28) to (8.30)."""
    Z, _, Y = drawn(C, m)
    A, (_, dZ) = SOFTMAX(Z), CROSS_ENTROPY(Z, Y)
    long_way = np.hstack([JACOBIAN(A[:, [i]]).T @ (-Y / A)[:, [i]] for i in range(m)])
    np.testing.assert_allclose(long_way, dZ, atol=1e-13)
    np.testing.assert_allclose(dZ.sum(axis=0), 0, atol=1e-14)
    assert np.abs(dZ).max() <= 1


def test_the_number_of_the_notes():
    """Topic 27: -log 0.2 = 1.609, and dz = (0.3, -0.8, 0.1, 0.4); class 2 instead of 1 would give 2.303."""
    J, dZ = CROSS_ENTROPY(NOTES, CAT)
    assert round(J, 3) == round(-np.log(0.2), 3) == 1.609
    np.testing.assert_allclose(dZ[:, 0], [0.3, -0.8, 0.1, 0.4])
    np.testing.assert_allclose(SOFTMAX(NOTES)[:, 0], [0.3, 0.2, 0.1, 0.4])
    assert round(-np.log(0.1), 3) == round(np.log(10), 3) == 2.303
    assert round(np.log(4), 3) == 1.386


def test_cost_survives_scores_of_any_size():
    for far in (1e3, 1e5, 1e12):
        J, dZ = CROSS_ENTROPY(np.array([[far], [0.0]]), np.array([[0.0], [1.0]]))
        assert far == J
        np.testing.assert_array_equal(dZ[:, 0], [1, -1])


def test_all_logarithms_learn_nothing():
    """Equation (8.34), by automatic differentiation, and the table of section 5."""
    z = drawn(4, 1)[0][:, 0]

    def everything(z):
        return -anp.sum(z - autograd.scipy.special.logsumexp(z))

    np.testing.assert_allclose(autograd.grad(everything)(z), 4 * SOFTMAX(z[:, None])[:, 0] - 1, atol=1e-13)
    np.testing.assert_allclose(autograd.grad(everything)(np.zeros(4)), 0, atol=1e-15)
    sums = [-np.sum(np.log(p)) for p in ([0.01, 0.97, 0.01, 0.01], [0.25] * 4, [0.3, 0.2, 0.1, 0.4])]
    assert sums == pytest.approx([13.846, 5.545, 6.032], abs=5e-4)


# --- two classes ------------------------------------------------------------------------------------------------------


def logistic_regression(X, y, learning_rate, num_iterations):
    """Return w (1, n_x), b and the costs of gradient descent from zeros."""
    w, b, costs = np.zeros((1, len(X))), 0.0, []
    for _ in range(num_iterations):
        z = w @ X + b
        costs.append(np.mean(np.logaddexp(0, z) - y * z))
        dz = 1 / (1 + np.exp(-z)) - y
        w, b = w - learning_rate * dz @ X.T / X.shape[1], b - learning_rate * np.mean(dz)
    return w, b, costs


def test_two_classes_are_logistic_regression():
    Z, labels, Y = drawn(2, 50)
    p = scipy.special.expit(Z[1] - Z[0])
    cost, dZ = CROSS_ENTROPY(Z, Y)
    np.testing.assert_allclose(SOFTMAX(Z)[1], p, rtol=1e-12)
    assert cost == pytest.approx(log_loss(labels[0], p))
    np.testing.assert_allclose(dZ[1], p - labels[0], atol=1e-14)
    np.testing.assert_allclose(dZ[0], -dZ[1], atol=1e-14)


def test_two_classes_train_as_logistic_regression_with_twice_the_rate():
    wines = pictures.wines()
    two = wines.labels[0] < 2
    X, y = wines.X[:, two], wines.labels[:, two]
    parameters, costs = MODEL(X, ONE_HOT(y, 2), 0.5, 100)
    w, b, costs_logistic = logistic_regression(X, y, 1.0, 100)
    np.testing.assert_allclose(costs, costs_logistic, rtol=1e-12)
    np.testing.assert_allclose(parameters["W"][1] - parameters["W"][0], w[0], rtol=1e-10)
    assert (parameters["b"][1] - parameters["b"][0]).item() == pytest.approx(b)


def test_the_comparison_itself_ends_where_scikit_learn_does():
    wines = pictures.wines()
    two = wines.labels[0] < 2
    X, y = wines.X[:, two], wines.labels[:, two]
    w, b, _ = logistic_regression(X, y, 3.0, 5000)
    theirs = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(X.T, y[0])
    np.testing.assert_allclose(w, theirs.coef_, rtol=1e-3)
    assert b == pytest.approx(theirs.intercept_.item(), rel=1e-3)


# --- training ---------------------------------------------------------------------------------------------------------


def test_parameter_gradients_match_automatic_ones():
    """One step from zeros with rate 1 is minus the gradient of J, and the next one likewise."""
    rng = np.random.default_rng(0)
    X, (_, _, Y) = rng.normal(size=(5, 8)), drawn(3, 8)

    def cost(W, b):
        Z = anp.dot(W, X) + b
        return anp.mean(autograd.scipy.special.logsumexp(Z, axis=0) - anp.sum(Y * Z, axis=0))

    W, b = np.zeros((3, 5)), np.zeros((3, 1))
    for steps in (1, 2, 3):
        dW, db = autograd.grad(cost, 0)(W, b), autograd.grad(cost, 1)(W, b)
        W, b = W - dW, b - db
        parameters, costs = MODEL(X, Y, 1.0, steps)
        np.testing.assert_allclose(parameters["W"], W, atol=1e-14)
        np.testing.assert_allclose(parameters["b"], b, atol=1e-14)
    assert costs[0] == pytest.approx(np.log(3))
    np.testing.assert_allclose(parameters["W"].sum(axis=0), 0, atol=1e-14)


def test_training_on_wines_ends_where_scikit_learn_does():
    wines = pictures.wines()
    parameters, costs = MODEL(wines.X, ONE_HOT(wines.labels, 3), 3.0, 4000)
    theirs = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(wines.X.T, wines.labels[0])
    assert costs[-1] == pytest.approx(log_loss(wines.labels[0], theirs.predict_proba(wines.X.T)), rel=1e-4)
    np.testing.assert_array_equal(PREDICT(wines.X, parameters)[0], theirs.predict(wines.X.T))


def test_adding_a_row_to_all_weights_changes_nothing():
    """Equation (8.37)."""
    rng = np.random.default_rng(0)
    W, b, X, v = rng.normal(size=(4, 3)), rng.normal(size=(4, 1)), rng.normal(size=(3, 6)), rng.normal(size=(1, 3))
    np.testing.assert_allclose(SOFTMAX((W + v) @ X + b + 5), SOFTMAX(W @ X + b), rtol=1e-12)


def test_wines_are_mostly_right_and_scaled():
    wines = pictures.wines()
    np.testing.assert_allclose(wines.X.mean(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(wines.X.std(axis=1), 1)
    for steps, share in ((1, 0.916), (10, 0.927), (300, 0.927)):
        parameters, _ = MODEL(wines.X, ONE_HOT(wines.labels, 3), 1.0, steps)
        assert np.mean(PREDICT(wines.X, parameters) == wines.labels) == pytest.approx(share, abs=5e-4)


def test_weights_grow_and_colours_become_clear():
    wines = pictures.wines()
    sure = []
    for steps in (1, 10, 300):
        p, _ = MODEL(wines.X, ONE_HOT(wines.labels, 3), 1.0, steps)
        sure.append(SOFTMAX(p["W"] @ wines.X + p["b"]).max(axis=0).mean())
    assert sure[0] < 0.6 < sure[1] < 0.9 < sure[2]


def test_numbers_of_the_prose():
    assert pictures.wines().X.shape == (2, 178)
    assert 5000 // 10 == 500
    assert 10 * (784 + 1) == 7850


# --- ten digits -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def digits():
    return pictures.digits()


@pytest.fixture(scope="module")
def trained(digits):
    return MODEL(digits.X_train, ONE_HOT(digits.labels_train, 10), 1.0, 300)


def judge(parameters, X, labels):
    """Return cost, share of right answers and mean of the largest probability."""
    A = scipy.special.softmax(parameters["W"] @ X + parameters["b"], axis=0)
    return log_loss(labels[0], A.T), np.mean(np.argmax(A, axis=0) == labels[0]), A.max(axis=0).mean()


def test_digits_are_columns_of_ink(digits):
    assert digits.X_train.shape == (784, 4000)
    assert digits.X_test.shape == (784, 1000)
    assert (digits.X_train.min(), digits.X_train.max()) == (0, 1)
    assert (np.bincount(digits.labels_test[0]) == 100).all()


def test_digits_train_as_the_lesson_says(digits, trained):
    parameters, costs = trained
    assert costs[0] == pytest.approx(np.log(10))
    assert max(np.diff(costs[:20])) > 0.1, "the bumps"
    assert max(np.diff(costs[20:])) < 0
    cost, right, said = judge(parameters, digits.X_test, digits.labels_test)
    assert cost == pytest.approx(0.30, abs=0.005)
    assert right == pytest.approx(0.914, abs=0.004)
    assert said == pytest.approx(0.89, abs=0.01)
    assert judge(parameters, digits.X_train, digits.labels_train)[1] == pytest.approx(0.95, abs=0.005)


def test_weights_of_dry_pixels_stay_zero_and_columns_add_up_to_zero(digits, trained):
    W = trained[0]["W"]
    dry = digits.X_train.max(axis=1) == 0
    assert dry.sum() == 125
    assert np.all(W[:, dry] == 0)
    assert np.abs(W.sum(axis=0)).max() < 1e-10
    assert np.abs(W).max() == pytest.approx(0.63, abs=0.01)


def test_weights_of_zero_are_a_ring_with_a_hole(digits):
    W = MODEL(digits.X_train, ONE_HOT(digits.labels_train, 10), 1.0, 10)[0]["W"][0].reshape(28, 28)
    assert W[13:16, 13:16].max() < 0
    assert W[5:9, 12:17].mean() > 0
    assert np.max(np.abs(np.subtract(np.unravel_index(W.argmin(), W.shape), 14))) <= 3, "the middle speaks most clearly"


def test_confusions_are_those_of_the_prose(digits, trained):
    predicted = PREDICT(digits.X_test, trained[0])
    counts = confusion_matrix(digits.labels_test[0], predicted[0])
    errors = counts - np.diag(counts.diagonal())
    assert np.unravel_index(errors.argmax(), errors.shape) == (5, 3)
    assert counts.diagonal().argmin() == 5
    assert counts[5, 5] == pytest.approx(85, abs=1)
    assert set(np.argsort(counts.diagonal())[-2:]) == {0, 1}


def calibration_error(A, labels):
    right, top = A.argmax(axis=0) == labels[0], A.max(axis=0)
    edges = (0.0, 0.5, 0.7, 0.9, 0.99, 1.001)
    inside = [(top >= low) & (top < high) for low, high in zip(edges, edges[1:], strict=False)]
    return sum(one.sum() * abs(top[one].mean() - right[one].mean()) for one in inside if one.any()) / len(top)


@pytest.fixture(scope="module")
def five_sets(digits):
    """Models of five sets of 300 digits, after 100 and after 1500 steps."""
    Y, found = ONE_HOT(digits.labels_train, 10), {}
    for steps in (100, 1500):
        parts = [slice(300 * number, 300 * number + 300) for number in range(5)]
        found[steps] = [MODEL(digits.X_train[:, part], Y[:, part], 1.0, steps)[0] for part in parts]
    return found


def test_few_digits_and_many_steps_make_surer_but_not_better(digits, five_sets):
    """Section 12, five sets."""
    early, late = (
        np.array([judge(p, digits.X_test, digits.labels_test) for p in five_sets[steps]]) for steps in (100, 1500)
    )
    assert np.mean(late[:, 1] - early[:, 1]) < 0.01, "not more are right"
    assert np.all(late[:, 2] > early[:, 2] + 0.03), "surer"
    assert np.all(late[:, 2] > late[:, 1] + 0.03), "surer than right"
    assert np.all(np.abs(early[:, 2] - early[:, 1]) < 0.06)


def test_a_temperature_repairs_the_probabilities_and_no_answer(digits, five_sets):
    X, labels = digits.X_train[:, 3000:], digits.labels_train[:, 3000:]
    temperatures = np.linspace(0.5, 5, 46)
    for p in five_sets[1500]:
        costs = [log_loss(labels[0], scipy.special.softmax((p["W"] @ X + p["b"]) / T, axis=0).T) for T in temperatures]
        T = temperatures[int(np.argmin(costs))]
        assert 1.1 < T < 3.5
        Z = p["W"] @ digits.X_test + p["b"]
        before, after = SOFTMAX(Z), SOFTMAX(Z / T)
        np.testing.assert_array_equal(before.argmax(axis=0), after.argmax(axis=0))
        wrong = before.argmax(axis=0) != digits.labels_test[0]
        assert np.sum(wrong & (after.max(axis=0) > 0.9)) < 0.6 * np.sum(wrong & (before.max(axis=0) > 0.9))
        assert calibration_error(after, digits.labels_test) < 0.75 * calibration_error(before, digits.labels_test)


def test_stopping_earlier_does_as_well_as_a_temperature(digits, five_sets):
    """Section 12, five sets, paired: the models of 100 steps against those of 1500 with their temperature."""
    X, labels, rows = digits.X_train[:, 3000:], digits.labels_train[0, 3000:], []
    for early, late in zip(five_sets[100], five_sets[1500], strict=True):
        Z_dev, Z = late["W"] @ X + late["b"], late["W"] @ digits.X_test + late["b"]
        temperatures = np.linspace(0.5, 5, 91)
        T = min(temperatures, key=lambda T: log_loss(labels, scipy.special.softmax(Z_dev / T, axis=0).T))
        found = [SOFTMAX(early["W"] @ digits.X_test + early["b"]), SOFTMAX(Z / T)]
        rows.append([(log_loss(digits.labels_test[0], A.T), calibration_error(A, digits.labels_test)) for A in found])
    cost, error = np.mean(rows, axis=0).T
    assert cost[0] < cost[1]
    assert error[0] < error[1]


def test_calibration_error_of_true_probabilities(digits, five_sets):
    """Section 12: after 100 steps not far above what chance does, after 1500 steps far above."""
    rng, errors = np.random.default_rng(0), {}
    for steps, models in five_sets.items():
        errors[steps] = [
            calibration_error(SOFTMAX(p["W"] @ digits.X_test + p["b"]), digits.labels_test) for p in models
        ]
    A = SOFTMAX(five_sets[100][0]["W"] @ digits.X_test + five_sets[100][0]["b"])
    by_chance = []
    for _ in range(200):
        right = rng.random(A.shape[1]) < A.max(axis=0)
        labels = np.where(right, A.argmax(axis=0), (A.argmax(axis=0) + 1) % 10)[None, :]
        by_chance.append(calibration_error(A, labels))
    assert np.mean(errors[100]) < 2 * np.mean(by_chance)
    assert min(errors[1500]) > 2 * np.quantile(by_chance, 0.95)


@pytest.mark.parametrize("which", range(len(pictures.FAULTS)), ids=["heart", "shifted", "labels", "scores", "missing"])
def test_a_classifier_looks_as_its_fault_says_and_as_no_other(which):
    for seed in range(5):
        run = pictures.sick_classifier(np.random.default_rng(seed), MODEL, SOFTMAX, which=which)
        assert run.which == which
        found = re.search(r"says (\d+)%.* and (\d+)% are right by.*says (\d+)%, and (\d+)% are right\.", run.words)
        said, right, said_new, right_new = (int(one) for one in found.groups())
        classes = [int(one) for one in re.search(r"right: (.*)\.$", run.words)[1].replace("%", "").split(", ")]
        looks = [
            right == 100 and said_new > right_new + 3,
            85 < right < 100 and right_new < 50 and np.median(classes) < 60 and said_new < said - 15,
            right < 70 and right_new > said_new + 10,
            right < 100 and said > right + 2 and said > 95,
            sorted(classes)[0] == 0 and sorted(classes)[1] > 40,
        ]
        assert [i for i, there in enumerate(looks) if there] == [which], (seed, run.words)


def test_slips_do_what_the_lesson_says(digits, trained):
    _, costs = MODEL(digits.X_train, ONE_HOT(digits.labels_train, 10), 4000.0, 20)
    assert min(costs[1:]) > 100
    assert max(costs) > 1000
    assert np.all(np.isfinite(costs))
    Z = trained[0]["W"] @ digits.X_test[:, :1] + trained[0]["b"]
    np.testing.assert_array_equal(scipy.special.softmax(Z, axis=1), 1)


# --- the picture ------------------------------------------------------------------------------------------------------


@pytest.fixture
def picture():
    return pictures.three_scores(SOFTMAX, CROSS_ENTROPY)


def test_picture_answers_within_a_tenth_of_a_second(picture, record_property):
    seconds = []
    for step in range(12):
        for name, value in (("z0", step / 4), ("label", step % 3), ("steps", 50 - step)):
            start = time.process_time()
            picture.controls[name].value = value
            seconds.append(time.process_time() - start)
    record_property("picture of lesson 2.8, median time to answer", f"{1000 * statistics.median(seconds):.0f} ms")
    assert statistics.median(seconds) < machine.seconds(0.1)


def test_picture_follows_its_controls(picture):
    shown = [picture._image.value]
    for name, value in (("z0", -3), ("z1", 4), ("z2", 5), ("label", 2), ("steps", 1), ("steps", 50)):
        picture.controls[name].value = value
        assert picture._image.value not in shown
        shown.append(picture._image.value)


def test_picture_says_what_it_shows(picture):
    p = np.exp([2, 1, -1]) / np.exp([2, 1, -1]).sum()
    caption = picture._caption.value
    assert "The scores 2.00, 1.00, -1.00 give the probabilities 0.71, 0.26, 0.04" in caption
    assert f"The right class is 1: its probability is {p[1]:.3f}, the loss {-np.log(p[1]):.3f}" in caption
    assert f"{p[0]:.2f}, {p[1] - 1:.2f}, {p[2]:.2f}; it adds up to 0.00" in caption
    picture.controls["steps"].value = 1
    assert f"After 1 step the scores {2 - p[0]:.2f}, {2 - p[1]:.2f}, {-1 - p[2]:.2f} give" in picture._caption.value


def test_picture_answers_its_two_questions(picture):
    for level in (0.0, 2.0):
        for name in ("z0", "z1", "z2"):
            picture.controls[name].value = level
        caption = picture._caption.value
        assert "the loss 1.099. Derivative by the scores: 0.33, -0.67, 0.33" in caption
    picture.controls["z0"].value, picture.controls["z1"].value, picture.controls["z2"].value = 5, -5, 0
    assert "the loss 10.0" in picture._caption.value
    assert "Derivative by the scores: 0.99, -1.00, 0.01" in picture._caption.value
    start = np.array([5.0, -5.0, 0.0])
    moved = [pictures._walk(SOFTMAX, CROSS_ENTROPY, start, 1, steps)[0][1] for steps in range(51)]
    steps = np.diff(moved)
    assert np.all((steps > 0) & (steps <= 1))
    assert steps[0] > 0.99
    assert steps[-1] < 0.05


def test_picture_draws_the_values_as_heights():
    _, axes = pictures.plt.subplots(1, 4)
    pictures.draw_three_scores(axes, SOFTMAX, CROSS_ENTROPY, (2, 1, -1), 1)
    heights = [[patch.get_height() for patch in axes[i].patches] for i in (0, 1, 3)]
    a = scipy.special.softmax([2, 1, -1])
    np.testing.assert_allclose(heights, [[2, 1, -1], a, a - [0, 1, 0]])
    pictures.plt.close()


def test_picture_has_a_static_twin(picture):
    data = picture._repr_mimebundle_()
    image = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
    assert image.size == (840, 280)
    assert "application/vnd.jupyter.widget-view+json" in data
