"""Lesson 4.11: the network against autograd, the hidden sheets, rivals, and what the lesson says."""

import re

import autograd
import autograd.numpy as anp
import autograd.scipy.signal
import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from helpers import exercises
from helpers.exercises.course4_cnn import conv_classifier as catalogue
from helpers.widgets import conv_classifier as pictures

LESSON = exercises.load("conv_classifier").exercises
GRADIENTS, TRAIN, PREDICT, READ = (LESSON[name] for name in ("cost_and_gradients", "train", "predict", "read_sheets"))


def by_autograd(net, X, labels):
    Z = autograd.scipy.signal.convolve(
        X, net["W1"][::-1, ::-1], axes=([1, 2], [0, 1]), dot_axes=([3], [2]), mode="valid"
    )
    A = anp.maximum(anp.transpose(Z, (0, 2, 3, 1)) + net["b1"], 0)
    m, n_H, n_W, n_C = A.shape
    A = A[:, : n_H // 2 * 2, : n_W // 2 * 2]
    P = anp.max(anp.reshape(A, (m, n_H // 2, 2, n_W // 2, 2, n_C)), axis=(2, 4))
    S = anp.dot(anp.reshape(P, (m, -1)), net["W2"]) + net["b2"]
    return -anp.mean((S - anp.log(anp.sum(anp.exp(S), axis=1, keepdims=True)))[np.arange(m), labels])


@pytest.mark.parametrize(("m", "n_H", "n_W", "n_C_prev", "f"), [(1, 6, 6, 1, 3), (4, 7, 6, 2, 2), (3, 5, 8, 1, 1)])
def test_cost_and_gradients_backward_matches_autograd_and_numerical_gradient(m, n_H, n_W, n_C_prev, f):
    rng = np.random.default_rng(0)
    net, X = catalogue.net_of(rng, n_H, n_W, n_C_prev, f, 3, 4), rng.normal(size=(m, n_H, n_W, n_C_prev))
    labels = rng.integers(0, 4, m)
    J, grads = GRADIENTS(net, X, labels)
    assert pytest.approx(by_autograd(net, X, labels)) == J
    theirs = autograd.grad(by_autograd)(net, X, labels)
    for name, array in net.items():
        np.testing.assert_allclose(grads[f"d{name}"], theirs[name], atol=1e-10)
        index = tuple(rng.integers(size) for size in array.shape)
        sides = []
        for sign in (1, -1):
            other = array.copy()
            other[index] += sign * 1e-6
            sides.append(GRADIENTS(net | {name: other}, X, labels)[0])
        assert grads[f"d{name}"][index] == pytest.approx((sides[0] - sides[1]) / 2e-6, rel=1e-4, abs=1e-8)


def test_numbers_by_hand():
    J, grads = GRADIENTS(catalogue.SMALL_NET, catalogue.SMALL_X, np.array([0]))
    assert round(J, 3) == 0.693
    assert {name: np.ravel(grad).tolist() for name, grad in grads.items()} == {
        "dW2": [-1, 1], "db2": [-0.5, 0.5], "dW1": [-3], "db1": [-1]
    }  # fmt: skip
    after, _ = TRAIN(catalogue.SMALL_NET, catalogue.SMALL_X, np.array([0]), np.array([[0]]), 1, 0.1)
    np.testing.assert_allclose(after["b2"], [[-1.9, 1.9]])


def test_parts_share_no_digit_and_have_the_sizes_of_the_text():
    X, labels, X_dev, labels_dev, X_new, labels_new = pictures.three_parts(0)
    assert (len(X), len(X_dev), len(X_new)) == (600, 300, 500)
    assert all(
        np.array_equal(catalogue.labels_of_sheets(part), given)
        for part, given in ((X, labels), (X_dev, labels_dev), (X_new, labels_new))
    )
    assert (12 - 8 + 1) ** 2 == 25
    assert (2 * 4 + 1) ** 2 == 81


@pytest.mark.parametrize("seed", range(5))
def test_levels_part_convolutions_from_dense_units(seed):
    """62 % is read by the reference and not by 64 dense units, in each of five draws of the cases."""
    _, case = READ.cases(seed)[0]
    right = catalogue.labels_of_sheets(case["X_new"])
    read = READ.reference(**case | {"rng": np.random.default_rng(seed)})
    assert np.mean(read == right) > catalogue.LEVELS[-1] + 0.02
    assert catalogue.LEVELS[-1] == 0.62
    assert catalogue.LEARNED == 400
    dense = pictures.dense_units(case["X"], case["labels"], case["X_new"], seed)
    assert np.mean(dense == right) < catalogue.LEVELS[-1]


def test_nearest_neighbour_matches_scikit_learn_and_shifts_help():
    X, labels, X_dev, labels_dev, _, _ = pictures.three_parts(1)
    X_dev, labels_dev = X_dev[:100], labels_dev[:100]
    theirs = KNeighborsClassifier(1).fit(X.reshape(600, -1), labels).predict(X_dev.reshape(100, -1))
    assert np.mean(pictures.nearest(X, labels, X_dev) == theirs) > 0.98
    assert np.mean(pictures.nearest(X, labels, X_dev, most=4) == labels_dev) > 0.93


def test_figures_show_what_they_are_given():
    X, labels, *_ = pictures.three_parts(0)
    figure = pictures.draw_sheets(X[:6], labels[:6], columns=3)
    assert [ax.get_title() for ax in figure.axes] == [str(label) for label in labels[:6]]
    _, ax = plt.subplots()
    pictures.draw_shares(ax, {"a": [0.1, 0.3], "your network": [0.8, 0.9]})
    assert [text.get_text() for text in ax.get_yticklabels()] == ["a", "your network"]
    plt.close("all")


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("which", range(len(pictures.FAULTS)))
def test_a_sick_run_looks_as_its_fault_says(which, seed):
    run = pictures.sick_run(np.random.default_rng(seed), TRAIN.reference, PREDICT.reference, which=which)
    plt.close(run.figure)
    number = r"(-?[\d.]+(?:e[-+]\d+)?)"
    pattern = (
        f"is {number}, the highest {number}, the mean of the last eight {number}; .* weight of W1 is {number}\\. "
        r".* (\d+)% of the sheets of the training, (\d+)% of 200"
    )
    first, highest, last, moved, known, new = (float(x) for x in re.search(pattern, run.words).groups())
    looks = (
        highest > 10 and moved > 2,
        highest < 4 and 0 < moved < 1e-3 and abs(last - first) < 0.1,
        highest < 4 and moved > 0.05 and 30 < known < 70 and new < 25,
        highest < 4 and moved == 0 and abs(last - first) < 0.1,
        highest < 4 and moved > 0.05 and known > 90 and new < 35,
    )
    assert [bool(look) for look in looks] == [number == which for number in range(5)], run.words
