"""Lesson 1.8, a classifier of your own: steps against scikit-learn and autograd, the threshold, claims, pictures."""

import re

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from helpers import data, exercises
from helpers.checks.views import descent
from helpers.exercises.course1_nn import image_classifier as catalogue
from helpers.widgets import image_classifier as pictures

LESSON = exercises.load("image_classifier").exercises
TRAIN, PREDICT, READ = (LESSON[name].reference for name in ("train", "predict", "read_digits"))
TRAINING, WRONG, DEV, NEW, ENOUGH = 500, 200, 300, 600, 0.75  # what the text says of the hidden digits


# --- the exercises against independent code --------------------------------------------------------------------------


def test_steps_and_costs_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    start, X, Y = catalogue.network(rng, 6, 5, 4), rng.normal(size=(6, 30)), catalogue.labels(rng, 4, 30)
    places, costs = descent(start, X, Y, 0.2, 40, "relu")
    for steps in (1, 2, 40):
        parameters, found = TRAIN(start, X, Y, 0.2, steps)
        assert found == pytest.approx(costs[:steps])
        for name, value in parameters.items():
            assert np.allclose(value, places[steps][name], rtol=1e-9, atol=1e-11)


def test_a_step_is_the_gradient_of_autograd():
    rng = np.random.default_rng(1)
    start, X, Y = catalogue.network(rng, 3, 4, 5), rng.normal(size=(3, 7)), catalogue.labels(rng, 5, 7)

    def cost(p):
        Z = anp.dot(p["W2"], anp.maximum(anp.dot(p["W1"], X) + p["b1"], 0)) + p["b2"]
        return anp.mean(anp.sum(anp.logaddexp(0, Z) - Y * Z, axis=0))

    slopes = autograd.grad(cost)(start)
    after, _ = TRAIN(start, X, Y, 1.0, 1)
    assert all(np.allclose(start[name] - after[name], slopes[name]) for name in start)


def test_neighbours_are_those_of_scikit_learn():
    X_train, digits_train, X_dev, digits_dev, X_new, _ = pictures.three_parts(3)
    read = pictures.nearest_neighbours(X_train, digits_train, X_dev, digits_dev, X_new)
    rivals = [KNeighborsClassifier(k).fit(X_train.T, digits_train[0]) for k in (1, 3, 5, 9, 15, 25)]
    best = max(rivals, key=lambda one: one.score(X_dev.T, digits_dev[0]))
    assert np.mean(read[0] == best.predict(X_new.T)) > 0.99  # equal votes and equal distances aside


def test_parts_are_as_the_text_says():
    digits = data.small_digits()
    assert digits.labels.size == 1797
    assert "13 people wrote them" in data.small_digits.__doc__
    clean, careless = pictures.three_parts(5), pictures.three_parts(5, 0.4)
    assert [part.shape[1] for part in clean[::2]] == [TRAINING, DEV, 997]
    assert np.sum(clean[1] != careless[1]) == WRONG
    assert all(np.array_equal(a, b) for i, (a, b) in enumerate(zip(clean, careless, strict=True)) if i != 1)
    everything = np.hstack(clean[::2]) * 16
    assert sorted(map(bytes, everything.T.astype(np.uint8))) == sorted(map(bytes, digits.images.reshape(1797, -1)))


# --- the threshold of read_digits ------------------------------------------------------------------------------------


def hidden_case(seed):
    """Return parts as the check draws them, and the labels of the new digits."""
    *parts, X_new, digits_new = pictures.three_parts(seed, 0.4)
    return parts, X_new[:, :NEW], digits_new[:, :NEW]


@pytest.mark.parametrize("n_h", [32, 64])
@pytest.mark.parametrize("learning_rate", [0.1, 0.3, 0.5])
def test_every_stopped_run_reads_enough_with_a_margin(record_property, n_h, learning_rate):
    """The check counts 0, 0.25, 0.5 and 0.75: the last is enough."""
    assert catalogue.LEVELS == [0, 0.25, 0.5, ENOUGH]
    shares = []
    for seed in range(10):
        (X_train, digits_train, X_dev, digits_dev), X, digits = hidden_case(seed + 50)
        start = catalogue.first_parameters(64, np.random.default_rng(seed), n_h)
        Y = catalogue.targets(digits_train)
        best = catalogue.stopped(start, X_train, Y, X_dev, digits_dev, learning_rate)
        shares.append(np.mean(PREDICT(best, X) == digits))
    record_property(f"lowest share read, {n_h} units, rate {learning_rate}", round(float(min(shares)), 3))
    assert min(shares) > ENOUGH + 0.02


def test_a_run_that_never_looks_at_the_dev_part_can_read_as_many():
    """So no share that every stopped run reads tells whether an answer looked."""
    shares = []
    for seed in range(10):
        (X_train, digits_train, _, _), X, digits = hidden_case(seed + 50)
        start = catalogue.first_parameters(64, np.random.default_rng(seed))
        after, _ = TRAIN(start, X_train, catalogue.targets(digits_train), 0.3, 150)
        shares.append(np.mean(PREDICT(after, X) == digits))
    assert min(shares) > ENOUGH + 0.02


def test_2000_steps_without_a_stop_read_too_few():
    shares = []
    for seed in range(10):
        (X_train, digits_train, _, _), X, digits = hidden_case(seed + 50)
        start = catalogue.first_parameters(64, np.random.default_rng(seed))
        after, _ = TRAIN(start, X_train, catalogue.targets(digits_train), 0.5, 2000)
        shares.append(np.mean(PREDICT(after, X) == digits))
    assert max(shares) < ENOUGH - 0.02


def test_the_labels_that_judge_are_those_of_the_data():
    parts, X, digits = hidden_case(8)
    assert np.array_equal(catalogue.reading_judge(X_new=X)["given"]["labels"], digits)


# --- what the lesson says --------------------------------------------------------------------------------------------


def logistic_regression(X_train, digits_train, X_dev, digits_dev, X_new):
    W, b, Y, errors, seen = np.zeros((10, 64)), np.zeros((10, 1)), catalogue.targets(digits_train), [], []
    for _ in range(600):
        dZ = 1 / (1 + np.exp(-(W @ X_train + b))) - Y
        W, b = W - 0.5 * dZ @ X_train.T / TRAINING, b - 0.5 * dZ.mean(axis=1, keepdims=True)
        errors.append(np.mean(np.argmax(W @ X_dev + b, axis=0) != digits_dev))
        seen.append((W, b))
    W, b = seen[int(np.argmin(errors))]
    return np.argmax(W @ X_new + b, axis=0)[None, :]


@pytest.fixture(scope="module")
def shares():
    """Return shares read right by mean, neighbours, logistic regression, network: {share of wrong labels: (4, 10)}."""
    found = {}
    for wrong in (0.0, 0.4):
        rows = []
        for seed in range(10, 20):  # other starts than those of the notebook
            *parts, X_new, digits_new = pictures.three_parts(seed, wrong)
            read = (
                pictures.nearest_mean(*parts[:2], X_new),
                pictures.nearest_neighbours(*parts, X_new),
                logistic_regression(*parts, X_new),
                READ(*parts, X_new, np.random.default_rng(seed)),
            )
            rows.append([np.mean(digits == digits_new) for digits in read])
        found[wrong] = np.array(rows).T
    return found


def gain(row, other):
    return np.mean(row - other), np.std(row - other, ddof=1) / np.sqrt(10)


def test_with_right_labels_the_network_is_ahead_of_logistic_regression_and_of_the_mean(shares):
    mean, _, logistic, network = shares[0.0]
    for other in (mean, logistic):
        points, error = gain(network, other)
        assert points > 2 * error


def test_with_wrong_labels_the_network_is_ahead_of_neither(shares):
    mean, _, logistic, network = shares[0.4]
    for other in (mean, logistic):
        points, error = gain(network, other)
        assert points < 2 * error


def test_the_neighbours_win_both_times(shares):
    for rows in shares.values():
        for other in (0, 2, 3):
            points, error = gain(rows[1], rows[other])
            assert points > 2 * error


def test_with_wrong_labels_the_dev_error_falls_far_and_rises_again():
    for seed in range(5, 8):
        X_train, digits_train, X_dev, digits_dev, *_ = pictures.three_parts(seed, 0.4)
        parameters, errors = pictures.start(32, np.random.default_rng(seed)), []
        for _ in range(75):
            parameters, _ = TRAIN(parameters, X_train, catalogue.targets(digits_train), 0.5, 20)
            errors.append(np.mean(PREDICT(parameters, X_dev) != digits_dev))
        assert min(errors) < 0.2
        assert errors[-1] > min(errors) + 0.1


# --- a run to diagnose, and the picture ------------------------------------------------------------------------------


@pytest.mark.parametrize("which", range(5), ids=["fast", "slow", "zero", "labels", "order"])
def test_a_run_looks_as_its_fault_says_and_as_no_other(which):
    for seed in range(6):
        run = pictures.sick_run(np.random.default_rng(seed), TRAIN, which)
        assert run.which == which
        start, highest, _, _, train, _, low, dev = map(
            float,
            re.search(
                r"cost is (\S+) at the start, (\S+) at its highest and (\S+) after \d+ steps. Training error: (\d+)% at "
                r"the start, (\d+)% at the end. Dev error: (\d+)% at the start, (\d+)% at its lowest, after \d+ steps, "
                r"and (\d+)% at the end",
                run.words,
            ).groups(),
        )
        alike = "all alike" in run.words
        looks = [
            highest > 1.5 * start and train > 50 and dev > 50,
            highest == start and not alike and train > 30 and dev > 30,
            highest == start and alike and train > 80 and dev > 80,
            highest < 1.5 * start and low < 25 and dev > low + 8 and 5 < train < 45,
            highest < 1.5 * start and train < 5 and low > 80,
        ]
        assert [i for i, there in enumerate(looks) if there] == [which], (seed, run.words)


def test_the_picture_answers_to_its_control():
    parameters, X, digits = pictures.start(32, np.random.default_rng(0)), *pictures.three_parts()[2:4]
    picture = pictures.ten_outputs(parameters, X, digits)
    before = picture._repr_mimebundle_()["image/png"]
    picture.controls["number"].value = 7
    assert picture._repr_mimebundle_()["image/png"] != before
    assert f"Digit number 7 is labelled {digits[0, 7]} and read as" in picture.children[-1].value
