"""Lesson 2.3, L2 and dropout: gradients against differences and autograd, moments of the masks, runs, the picture."""

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
from sklearn.neural_network import MLPClassifier

from helpers import courses, exercises, notebooks
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


@pytest.mark.parametrize("lambd", [0.0, 5.0])
def test_train_takes_the_step_of_the_references_with_several_outputs(lesson, lambd):
    X, Y, start = example((3, 6, 4, 3, 12))
    grads = REG(X, Y, lesson["cache_of"](start, X), lambd)
    run = regularization.train(start, regularization.Points(X, Y, X, Y), lambd=lambd, steps=1, learning_rate=0.2)
    for name in NAMES:
        np.testing.assert_allclose(run.parameters[name], start[name] - 0.2 * grads["d" + name], atol=1e-12)
    assert run.costs[0] == pytest.approx(cost_of(start, X, Y))


def test_the_given_functions_are_those_of_the_lessons_before(lesson):
    X, Y, parameters = example((3, 6, 4, 3, 12))
    ours, (_, theirs) = lesson["cache_of"](parameters, X), FORWARD(X, parameters, 1.0, np.random.default_rng(0))
    for name in ("Z1", "A1", "Z2", "A2", "Z3", "A3"):
        np.testing.assert_allclose(ours[name], theirs[name])
    assert lesson["data_cost"](parameters, X, Y) == pytest.approx(cost_of(parameters, X, Y))
    he = exercises.load("initialization").exercises["initialize_parameters_he"]
    theirs = he([196, 64, 32, 10], np.random.default_rng(4))
    for name, array in lesson["he_start"](4).items():
        np.testing.assert_array_equal(array, theirs[name])


def test_weight_decay_is_gradient_descent_on_the_penalised_cost(lesson):
    """Equation (3.9), by the references alone."""
    X, Y, parameters = example((3, 6, 4, 2, 7))
    cache = lesson["cache_of"](parameters, X)
    with_penalty, without = REG(X, Y, cache, 3.0), REG(X, Y, cache, 0.0)
    for l in (1, 2, 3):
        step = parameters[f"W{l}"] - 0.1 * with_penalty[f"dW{l}"]
        decayed = (1 - 0.1 * 3.0 / 7) * parameters[f"W{l}"] - 0.1 * without[f"dW{l}"]
        np.testing.assert_allclose(step, decayed)
        np.testing.assert_array_equal(with_penalty[f"db{l}"], without[f"db{l}"])


@pytest.mark.parametrize("lambd", [0.3, 1.0, 3.0])
def test_minima_of_one_weight(lambd):
    """Equations (3.4) and (3.11) against a search."""
    for penalty, formula in ((lambda w: w * w / 2, 2.0 * 1.5 / (1.5 + lambd)), (abs, max(0.0, 2.0 - lambd / 1.5))):
        w = np.linspace(-1, 3, 400001)
        assert w[np.argmin(0.75 * (w - 2) ** 2 + lambd * penalty(w))] == pytest.approx(formula, abs=1e-5)


def test_variance_of_a_score_and_the_squared_loss_over_all_masks():
    """Equations (3.16) and (3.17), exactly: each of the 2**6 masks with its probability."""
    rng, p = np.random.default_rng(0), 0.7
    w, a, y = rng.normal(size=6), rng.normal(size=6), 0.4
    masks = np.array(np.meshgrid(*[[0, 1]] * 6)).reshape(6, -1)
    chance = np.prod(np.where(masks == 1, p, 1 - p), axis=0)
    z = w @ (a[:, None] * masks / p)
    variance = (1 - p) / p * np.sum(w**2 * a**2)
    assert chance @ z == pytest.approx(w @ a)
    assert chance @ (z - w @ a) ** 2 == pytest.approx(variance)
    assert chance @ (z - y) ** 2 == pytest.approx((w @ a - y) ** 2 + variance)


# --- the measurements that the lesson states --------------------------------------------------------------------------


def test_one_label_in_eight_is_wrong_so_nobody_is_right_on_more_than_the_rest():
    points = regularization.noisy_arcs(m_test=20_000)
    right = (points.X_test[1] > regularization.wave(points.X_test[0])) == points.Y_test[0]
    assert right.mean() == pytest.approx(0.875, abs=0.01)


def test_digits_share_nothing_between_their_parts():
    digits = regularization.ten_digits(3, m_train=100)
    assert [X.shape[1] for X in digits[::2]] == [100, 1000, 1000]
    assert np.mean(digits.X_train**2) == pytest.approx(1)
    np.testing.assert_allclose(digits.X_train.mean(axis=1), 0, atol=1e-12)
    assert all(np.all(Y.sum(axis=0) == 1) for Y in digits[1::2])
    columns = np.concatenate(digits[::2], axis=1).round(9).T
    assert len(np.unique(columns, axis=0)) == 2100


@pytest.fixture(scope="module")
def lesson():
    """The notebook's own functions, with the references in place of the learner's."""
    names = {"np": np} | {name: one.reference for name, one in LESSON.items()}
    cells = {cell.id: cell.source for cell in notebooks.read(courses.find("regularization").path).cells}
    for cell in ("given", "given_judges", "train", "train_thinned"):
        exec(cells[cell], names)
    return names


@pytest.fixture(scope="module")
def measured(lesson):
    """Return ``{setting: (5, 4)}``: right on training, dev and test digits, cost on test; and of stopping early."""
    found = {}
    for seed in range(5):
        digits = regularization.ten_digits(seed, m_train=100)
        start = regularization.he_start(regularization.LAYERS, seed)
        results = {f"lambda {lambd}": lesson["train"](start, digits, lambd)[-1] for lambd in (3, 10, 30)}
        results |= {f"keep {p}": lesson["train_thinned"](start, digits, p, seed)[0] for p in (0.8, 0.5)}
        visited = lesson["train"](start, digits)
        dev = [lesson["data_cost"](p, *digits[2:4]) for p in visited]
        results |= {"plain": visited[-1], "early": visited[int(np.argmin(dev))]}
        assert 20 <= 10 * int(np.argmin(dev)) <= 150, "the lowest dev cost comes early"
        assert dev[-1] > 1.1 * min(dev)
        for name, p in results.items():
            pairs = (digits[:2], digits[2:4], digits[4:])
            right = [lesson["share_right"](p, X, Y) for X, Y in pairs]
            found.setdefault(name, []).append([*right, lesson["data_cost"](p, *digits[4:])])
    return {name: np.array(rows) for name, rows in found.items()}


def gain(measured, name, column=2):
    """Return the mean difference to the plain runs, and its standard error."""
    change = measured[name][:, column] - measured["plain"][:, column]
    return change.mean(), change.std(ddof=1) / np.sqrt(len(change))


def test_no_weight_vanishes_and_the_helpful_lambda_keeps_all_units(lesson):
    digits, start = regularization.ten_digits(0, m_train=100), regularization.he_start(regularization.LAYERS)
    faded = {}
    for lambd in (0, 3, 30):
        p = lesson["train"](start, digits, lambd)[-1]
        assert all(np.all(p[f"W{l}"] != 0) for l in (1, 2, 3))
        sizes = [np.linalg.norm(p[f"W{l}"], axis=1) for l in (1, 2)]
        faded[lambd] = sum(np.sum(size < size.max() / 100) for size in sizes)
    assert faded[0] == faded[3] == 0 < faded[30]


def test_l2_gains_and_too_much_of_it_ruins(measured):
    mean, error = gain(measured, "lambda 3")
    assert 0.015 < mean < 0.04
    assert mean > 3 * error
    assert gain(measured, "lambda 10")[0] > 0
    assert gain(measured, "lambda 30")[0] < -0.1
    assert np.all(measured["plain"][:, 0] == 1)
    assert 0.70 < measured["plain"][:, 2].mean() < 0.78
    assert measured["lambda 3"][:, 3].mean() < 0.7 * measured["plain"][:, 3].mean()


def test_stopping_at_the_lowest_dev_cost_lowers_the_cost_and_the_share_of_right_answers(measured):
    share, error = gain(measured, "early")
    assert share < -2 * error
    assert np.all(measured["early"][:, 3] < measured["plain"][:, 3])


def test_dropout_gains_and_does_not_lower_the_cost_as_l2_does(measured):
    mean, error = gain(measured, "keep 0.8")
    assert 0 < mean < 0.03
    assert mean > error
    assert gain(measured, "keep 0.5")[0] < gain(measured, "lambda 3")[0]
    assert measured["keep 0.8"][:, 3].mean() > 0.95 * measured["plain"][:, 3].mean()


def test_twelve_seeds_settle_that_dropout_gains_and_that_l2_gains_more():
    """In percentage points of right test digits; with lambda 3, with keep_prob 0.8, and with both."""
    settings = {"plain": (0.0, 1.0), "L2": (3.0, 1.0), "dropout": (0.0, 0.8), "both": (3.0, 0.8)}
    right = {name: [] for name in settings}
    for seed in range(12):
        digits = regularization.ten_digits(seed, m_train=100)
        start = regularization.he_start(regularization.LAYERS, seed)
        for name, setting in settings.items():
            right[name].append(100 * regularization.train(start, digits, *setting, seed=seed).test_accuracy)

    def difference(name, other):
        change = np.subtract(right[name], right[other])
        return change.mean(), change.std(ddof=1) / np.sqrt(12)

    for name, gained in (("L2", 2.6), ("dropout", 1.7)):
        mean, error = difference(name, "plain")
        assert mean == pytest.approx(gained, abs=0.5)
        assert error == pytest.approx(0.3, abs=0.15)
    mean, error = difference("L2", "dropout")
    assert mean > 2 * error
    mean, error = difference("both", "L2")
    assert abs(mean) < 2 * error + 0.2


def test_dropout_left_on_is_worse_than_the_whole_network(lesson):
    for seed in range(5):
        digits = regularization.ten_digits(seed, m_train=100)
        start = regularization.he_start(regularization.LAYERS, seed)
        net = lesson["train_thinned"](start, digits, 0.5, seed, 300)[0]
        rng = np.random.default_rng(0)
        passes = np.array([FORWARD(digits.X_test, net, 0.5, rng)[0] for _ in range(30)])
        whole = lesson["share_right"](net, digits.X_test, digits.Y_test)
        assert np.mean([lesson["right_of"](A3, digits.Y_test) for A3 in passes]) < whole - 0.07
        assert abs(lesson["right_of"](passes.mean(axis=0), digits.Y_test) - whole) < 0.04
        assert np.mean(passes[0].argmax(axis=0) != passes[1].argmax(axis=0)) > 0.25


@pytest.mark.parametrize("which", range(5), ids=["price", "sign", "long", "small", "use"])
def test_a_run_looks_as_its_fault_says_and_as_no_other(which):
    for seed in range(5):
        run = regularization.sick_run(np.random.default_rng(seed), REG, FORWARD, DROP, which=which)
        assert run.which == which
        numbers = [float(one) for one in re.findall(r"\d+(?:\.\d+)?(?:e[-+]\d+)?", run.words)]
        first, last, _, _, cost, right, lowest, last_dev, disagree = numbers
        looks = [
            last < 0.1 * first and right < 50,
            last > 3 * first,
            right == 100 and last_dev > 1.1 * lowest and 0.5 * first < last < 3 * first and disagree == 0,
            cost > 1.5 and 0.5 * first < last < 3 * first,
            disagree > 15,
        ]
        assert [i for i, there in enumerate(looks) if there] == [which], (seed, run.words)


# --- the picture ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def picture():
    points = regularization.noisy_arcs()
    fits = regularization.borders(points)
    return regularization.border_picture(COST.reference, FORWARD.reference, points, fits)


def start_again(picture):
    for name, value in (("lambd", 0.0), ("keep_prob", 1.0), ("network", "whole"), ("draw", 0)):
        picture.controls[name].value = value


def test_picture_answers_within_a_tenth_of_a_second(picture, record_property):
    times = []
    for network in ("whole", "thinned"):
        for keep_prob in (1.0, 0.5):
            for lambd in regularization.LAMBDAS:
                for name, value in (("network", network), ("keep_prob", keep_prob), ("lambd", lambd)):
                    before, begin = picture._image.value, time.process_time()
                    picture.controls[name].value = value
                    if picture._image.value != before:
                        times.append(time.process_time() - begin)
    assert len(times) > 20
    assert statistics.median(times) < machine.seconds(0.1)
    record_property("median seconds of an answer: borders", statistics.median(times))
    start_again(picture)


def test_picture_follows_its_controls_and_says_what_it_shows(picture):
    start_again(picture)
    seen = []
    for lambd in regularization.LAMBDAS:
        for keep_prob in regularization.KEEP_PROBS:
            picture.controls["lambd"].value, picture.controls["keep_prob"].value = lambd, keep_prob
            seen.append(picture._image.value)
            says = picture._caption.value
            assert f"lambda {lambd:g}, keep_prob {keep_prob:g}: the whole network is right on" in says
            assert "exactly 0 0" in says
    assert len(set(seen)) > 15
    picture.controls["lambd"].value, picture.controls["keep_prob"].value = 0.0, 0.5
    whole, says = picture._image.value, picture._caption.value
    assert "new mask" not in says
    picture.controls["network"].value = "thinned"
    assert picture._image.value != whole
    thinned = picture._image.value
    assert "With a new mask for each point, by your function" in picture._caption.value
    picture.controls["draw"].value = 1
    assert picture._image.value != thinned
    start_again(picture)


def test_picture_shows_the_numbers_of_the_lesson(picture):
    """A smoother border is right more often on the test points: by L2, and by dropout."""
    start_again(picture)
    plain = picture._caption.value
    assert "right on 100.0% of the 40 training points and on 76.6%" in plain
    picture.controls["lambd"].value = 0.3
    assert "right on 92.5% of the 40 training points and on 79.6%" in picture._caption.value
    picture.controls["lambd"].value = 10.0
    assert "below 0.001 525 of 525" in picture._caption.value
    picture.controls["lambd"].value, picture.controls["keep_prob"].value = 0.0, 0.5
    assert "on 81" in picture._caption.value
    start_again(picture)


def test_picture_has_a_static_twin(picture):
    data = picture._repr_mimebundle_()
    assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).size == (720, 350)
    assert "application/vnd.jupyter.widget-view+json" in data
