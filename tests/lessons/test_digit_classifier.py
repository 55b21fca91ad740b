"""Lesson 4.4, a classifier of digits: the formulas against autograd, SciPy and numbers, what the lesson says, its picture."""

import base64
import io
import re
import statistics
import time

import autograd
import autograd.numpy as anp
import autograd.scipy.signal
import machine
import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image
from scipy.signal import correlate2d
from scipy.special import log_softmax

from helpers import exercises
from helpers.widgets import digit_classifier as layers

LESSON = exercises.load("digit_classifier").exercises
SHAPES, COUNT, MATRIX, CONV, CONV_BACK, POOL, POOL_BACK, SOFTMAX, FORWARD, BACKWARD, TRAIN, ADAM, SALIENCY = (
    LESSON[name]
    for name in (
        "layer_output_shapes",
        "count_conv_parameters",
        "as_dense_matrix",
        "conv",
        "conv_back",
        "pool",
        "pool_back",
        "softmax_loss",
        "cnn_forward",
        "cnn_backward",
        "train_cnn",
        "adam_step",
        "saliency",
    )
)
LENET = [
    {"kind": "conv", "f": 5, "n_C": 6, "pad": 2, "stride": 1}, {"kind": "pool", "f": 2, "stride": 2},
    {"kind": "conv", "f": 5, "n_C": 16, "pad": 0, "stride": 1}, {"kind": "pool", "f": 2, "stride": 2},
    {"kind": "flatten"}, {"kind": "dense", "n": 120}, {"kind": "dense", "n": 84}, {"kind": "dense", "n": 10},
]  # fmt: skip


def network(seed=0, **options):
    rng = np.random.default_rng(seed)
    parameters = layers.new_parameters(rng, **{"n": 10, "n_C": (2, 3, 4), "f": (3, 2), "n_y": 5, **options})
    for name in ("b1", "b2", "b3"):
        parameters[name] = rng.normal(size=parameters[name].shape)
    return parameters, rng


# --- shapes and counts ------------------------------------------------------------------------------------------------


def test_shapes_and_parameters_of_lenet():
    shapes = SHAPES((28, 28, 1), LENET)
    assert shapes == [(28, 28, 6), (14, 14, 6), (10, 10, 16), (5, 5, 16), (400,), (120,), (84,), (10,)]
    counts = [COUNT(5, 1, 6), COUNT(5, 6, 16), 401 * 120, 121 * 84, 85 * 10]
    assert counts[:2] == [156, 2416]
    assert sum(counts) == 61706
    assert sum(counts[:2]) == 2572
    assert sum(counts) / 2572 == pytest.approx(24, abs=0.1)
    dense = 785 * 28 * 28 * 6
    assert dense == pytest.approx(3.7e6, rel=0.01)


def test_shapes_and_parameters_are_those_of_the_network():
    ours = [{"kind": "conv", "f": 7, "n_C": 8, "pad": 3, "stride": 1}, LENET[1], LENET[2], LENET[3]]
    parameters = layers.new_parameters(np.random.default_rng(0))
    _, cache = FORWARD(np.zeros((2, 28, 28, 1)), parameters)
    assert [array.shape[1:] for array in cache[1:]] == SHAPES((28, 28, 1), ours)
    assert sum(array.size for array in parameters.values()) == 7626
    assert [COUNT(7, 1, 8), COUNT(5, 8, 16), 401 * 10] == [400, 3216, 4010]
    assert pytest.approx(4.9e6, rel=0.01) == 785 * 28 * 28 * 8


def test_lenet_of_1998_had_about_60_000_parameters():
    """LeCun, Bottou, Bengio and Haffner, 1998, section II.B: 60,000 trainable parameters, images of 32 by 32."""
    in_the_paper = 60000
    assert abs(61706 - in_the_paper) < 2000
    assert 5 + 2 * 2 + 5 + 2 * 2 < 32


@pytest.mark.parametrize(("f", "n_H", "n_W", "stride"), [(3, 8, 8, 1), (2, 5, 7, 1), (3, 7, 9, 2), (4, 4, 6, 3)])
def test_matrix_matches_scipy(f, n_H, n_W, stride):
    rng = np.random.default_rng(0)
    W, image = rng.normal(size=(f, f)), rng.normal(size=(n_H, n_W))
    theirs = correlate2d(image, W, mode="valid")[::stride, ::stride]
    M = MATRIX(W, n_H, n_W, stride)
    np.testing.assert_allclose(M @ image.ravel(), theirs.ravel(), atol=1e-12)
    assert np.sum(M != 0) == theirs.size * f * f
    assert len(np.unique(M[M != 0])) == f * f


def test_matrix_of_a_digit_is_as_large_as_the_text_says():
    assert 24 * 24 == 576
    assert 576 * 784 == 451584
    np.testing.assert_array_equal(
        MATRIX(np.array([[1.0, 2], [3, 4]]), 3, 3),
        [
            [1, 2, 0, 3, 4, 0, 0, 0, 0],
            [0, 1, 2, 0, 3, 4, 0, 0, 0],
            [0, 0, 0, 1, 2, 0, 3, 4, 0],
            [0, 0, 0, 0, 1, 2, 0, 3, 4],
        ],
    )


# --- forward and backward ---------------------------------------------------------------------------------------------


def by_autograd(X, p):
    def conv(A, W, b, pad):
        A = anp.pad(A, ((0, 0), (pad, pad), (pad, pad), (0, 0)), mode="constant")
        Z = autograd.scipy.signal.convolve(A, W[::-1, ::-1], axes=([1, 2], [0, 1]), dot_axes=([3], [2]), mode="valid")
        return anp.transpose(Z, (0, 2, 3, 1)) + b

    def pool(A):
        m, n_H, n_W, n_C = A.shape
        A = A[:, : n_H // 2 * 2, : n_W // 2 * 2]
        return anp.max(anp.reshape(A, (m, n_H // 2, 2, n_W // 2, 2, n_C)), axis=(2, 4))

    P1 = pool(anp.maximum(conv(X, p["W1"], p["b1"], p["W1"].shape[0] // 2), 0))
    P2 = pool(anp.maximum(conv(P1, p["W2"], p["b2"], 0), 0))
    return anp.dot(anp.reshape(P2, (X.shape[0], -1)), p["W3"]) + p["b3"]


@pytest.mark.parametrize("m", [1, 4])
def test_network_matches_autograd(m):
    parameters, rng = network()
    X = rng.normal(size=(m, 10, 10, 2))
    scores, cache = FORWARD(X, parameters)
    np.testing.assert_allclose(scores, by_autograd(X, parameters), atol=1e-12)
    weights = rng.normal(size=scores.shape)
    theirs = autograd.grad(lambda p: anp.sum(weights * by_autograd(X, p)))(parameters)
    ours = BACKWARD(weights, parameters, cache)
    assert set(ours) == {f"d{name}" for name in parameters}
    for name in parameters:
        np.testing.assert_allclose(ours[f"d{name}"], theirs[name], atol=1e-10)


def test_cnn_backward_matches_numerical_gradient():
    parameters, rng = network(seed=1)
    X, labels, h = rng.normal(size=(3, 10, 10, 2)), np.array([0, 4, 2]), 1e-6
    scores, cache = FORWARD(X, parameters)
    ours = BACKWARD(layers.loss(scores, labels)[1], parameters, cache)
    for name, array in parameters.items():
        numerical = np.zeros(array.shape)
        for index in np.ndindex(array.shape):
            sides = []
            for sign in (1, -1):
                other = array.copy()
                other[index] += sign * h
                sides.append(layers.loss(FORWARD(X, parameters | {name: other})[0], labels)[0])
            numerical[index] = (sides[0] - sides[1]) / (2 * h)
        assert np.linalg.norm(ours[f"d{name}"] - numerical) < 1e-6 * np.linalg.norm(numerical), name


def test_layers_are_those_of_earlier_lessons():
    """The fast layers of this lesson against the references of lessons 4.2 and 4.3, ties aside."""
    rng = np.random.default_rng(0)
    A, W, b = rng.normal(size=(2, 7, 6, 3)), rng.normal(size=(3, 3, 3, 4)), rng.normal(size=(1, 1, 1, 4))
    conv = exercises.load("conv_layer").exercises
    Z, cache = conv["conv_forward"](A, W, b, {"stride": 1, "pad": 1})
    for function in (layers.conv, CONV):
        np.testing.assert_allclose(function(A, W, b, 1), Z, atol=1e-12)
    dZ = rng.normal(size=Z.shape)
    for function in (layers.conv_back, CONV_BACK):
        for ours, theirs in zip(function(dZ, A, W, b, 1), conv["conv_backward"](dZ, cache), strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-12)
    pooling = exercises.load("pooling").exercises
    P, cache = pooling["pool_forward"](A, {"f": 2, "stride": 2}, "max")
    dP = rng.normal(size=P.shape)
    for function, back in ((layers.pool, layers.pool_back), (POOL, POOL_BACK)):
        np.testing.assert_allclose(function(A), P)
        np.testing.assert_allclose(back(dP, A), pooling["pool_backward"](dP, cache, "max"))


def test_training_step_by_hand():
    parameters, rng = network(n=8, f=(3, 3))
    X, labels = rng.normal(size=(4, 8, 8, 2)), np.array([0, 1, 2, 3])
    trained, costs = TRAIN(X, labels, parameters, 0.1, 1)
    scores, cache = FORWARD(X, parameters)
    cost, dscores = layers.loss(scores, labels)
    gradients = BACKWARD(dscores, parameters, cache)
    assert costs == [pytest.approx(cost)]
    for name in parameters:
        np.testing.assert_allclose(trained[name], parameters[name] - 0.1 * gradients[f"d{name}"])


# --- what the lesson says ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def digits():
    return layers.digits()


@pytest.fixture(scope="module")
def trained(digits):
    """The training of the notebook for 2000 digits and two epochs, with the references; one start."""
    rng = np.random.default_rng(0)
    parameters, costs = layers.new_parameters(rng, dtype=np.float32), []
    states = {name: (0, 0 * array, 0 * array) for name, array in parameters.items()}
    for _ in range(2):
        order = rng.permutation(2000)
        for k in range(0, 2000, 64):
            chosen = order[k : k + 64]
            scores, cache = FORWARD.reference(digits.X[chosen], parameters)
            cost, dscores = SOFTMAX.reference(scores, digits.Y[chosen])
            gradients = BACKWARD.reference(dscores, parameters, cache)
            for name, V in parameters.items():
                V, states[name] = ADAM.reference(V, gradients[f"d{name}"], states[name], 0.003, 3)
                parameters[name] = V.astype(np.float32)
            costs.append(cost)
    return parameters, costs


def test_training_reads_most_digits_and_makes_smoother_filters(digits, trained):
    parameters, costs = trained
    scores, _ = FORWARD.reference(digits.X_test[:500], parameters)
    assert np.mean(scores.argmax(axis=1) == digits.Y_test[:500]) > 0.85
    assert np.mean(costs[-10:]) < np.mean(costs[:5]) / 2
    start = layers.new_parameters(np.random.default_rng(0), dtype=np.float32)
    assert np.median(layers.edge_shares(parameters["W1"])) > np.median(layers.edge_shares(start["W1"]))


def test_edge_shares_of_edges_and_of_random_filters():
    edge = np.sign(np.arange(7) - 3.0)[:, None] * np.ones((7, 7))
    both = np.stack([edge, edge.T], axis=-1)[:, :, None]
    np.testing.assert_allclose(layers.edge_shares(3 * both + 1), 1)
    random = layers.edge_shares(np.random.default_rng(0).normal(size=(7, 7, 1, 500)))
    assert np.median(random) == pytest.approx(0.09, abs=0.005)
    assert np.quantile(random, 0.95) < 0.25


def test_digits_have_hardly_any_ink_at_the_right(digits):
    assert digits.X_test[:, :, -4:].sum() < 0.01 * digits.X_test.sum()


def test_adam_matches_values_by_hand_and_decay_is_decoupled():
    V, (t, v, s) = ADAM(np.array([1.0]), np.array([2.0]), (0, np.zeros(1), np.zeros(1)), 0.1, 1.0)
    np.testing.assert_allclose([V[0], t, v[0], s[0]], [0.8, 1, 0.2, 0.004])
    V, _ = ADAM(np.array([5.0]), np.array([0.0]), (3, np.zeros(1), np.ones(1)), 0.1, 0.5)
    np.testing.assert_allclose(V, 5 * 0.95)


@pytest.mark.parametrize("m", [1, 3])
def test_saliency_matches_autograd(m):
    parameters, rng = network()
    X, labels = rng.normal(size=(m, 10, 10, 2)), rng.integers(0, 5, m)
    score = lambda X: anp.sum(by_autograd(X, parameters)[np.arange(m), labels])
    np.testing.assert_allclose(SALIENCY(X, labels, parameters), autograd.grad(score)(X), atol=1e-10)


def test_softmax_loss_backward_matches_autograd_and_scipy():
    rng = np.random.default_rng(0)
    scores, labels = rng.normal(size=(5, 4)), rng.integers(0, 4, 5)
    J, dscores = SOFTMAX(scores, labels)
    assert pytest.approx(-np.mean(log_softmax(scores, axis=1)[np.arange(5), labels])) == J
    theirs = lambda s: -anp.mean((s - anp.log(anp.sum(anp.exp(s), axis=1, keepdims=True)))[np.arange(5), labels])
    np.testing.assert_allclose(dscores, autograd.grad(theirs)(scores), atol=1e-12)


def test_on_surfaces_sharing_beats_many_weights():
    images = layers.surfaces()
    assert images.X.shape == (2574, 24, 24, 1)
    assert images.X_test.shape == (900, 24, 24, 1)
    assert np.bincount(images.Y_test).tolist() == [300, 300, 300]
    np.testing.assert_allclose(images.X.mean(axis=(1, 2, 3)), 0, atol=1e-4)
    results, _ = layers.compare_on_surfaces(images)
    counts, train, test = zip(*results.values(), strict=True)
    assert counts == (1731, 37123, 1811)
    assert train[1] > 0.99
    assert test[0] < 0.45
    assert 0.5 < test[1] < 0.68
    assert test[2] > 0.94


# --- the picture ------------------------------------------------------------------------------------------------------


@pytest.fixture
def picture(digits, trained):
    return layers.follow(FORWARD.reference, trained[0], digits.X_test, digits.Y_test)


def test_picture_answers_within_a_tenth_of_a_second(picture, record_property):
    seconds = []
    for step in range(8):
        for name, value in (("number", 11 * step), ("right", step % 5 - 2), ("down", 1 - step % 3)):
            start = time.process_time()
            picture.controls[name].value = value
            seconds.append(time.process_time() - start)
    record_property("picture of lesson 4.4, median time to answer", f"{1000 * statistics.median(seconds):.0f} ms")
    assert statistics.median(seconds) < machine.seconds(0.1)


def test_picture_starts_with_a_seven_and_says_what_it_reads(picture, digits):
    assert digits.Y_test[picture.controls["number"].value] == 7
    assert "The network reads 7 with probability" in picture._caption.value
    assert picture._caption.value.count(": right.") == 1
    before = picture._image.value
    picture.controls["right"].value = 6
    assert "moved 6 to the right and 0 down" in picture._caption.value
    assert picture._image.value != before


def test_surest_is_a_digit_of_its_class(digits, trained):
    number = layers.surest(7, digits, trained[0], FORWARD.reference)
    assert digits.Y_test[number] == 7
    assert FORWARD(digits.X_test[number : number + 1], trained[0])[0].argmax() == 7


def test_picture_has_a_static_twin(picture):
    image = Image.open(io.BytesIO(base64.b64decode(picture._repr_mimebundle_()["image/png"])))
    assert image.size == (740, 320)


# --- runs to diagnose -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", range(len(layers.FAULTS)))
def test_a_sick_run_looks_as_its_fault_says(which):
    functions = (FORWARD.reference, BACKWARD.reference, SOFTMAX.reference, ADAM.reference)
    run = layers.sick_run(np.random.default_rng(which), *functions, which=which)
    plt.close(run.figure)
    number = r"(-?[\d.]+(?:e[-+]\d+)?)"
    first, highest, last = (
        float(x) for x in re.search(f"is {number}, the highest {number}, .*? eight {number};", run.words).groups()
    )
    largest = float(re.search(f"start and {number} at the end", run.words)[1])
    moved = float(re.search(f"change of a weight of W1 is {number}", run.words)[1])
    right = int(re.search(r"(\d+)% of the digits", run.words)[1])
    looks = (
        highest > 10 and largest > 1,
        0 < moved < 1e-3 and abs(last - first) < 0.5,
        moved > 0.01 and 1.9 < last < 3 and right < 40 and largest > 0.2 and highest < 10,
        largest < 0.2 and abs(last - 2.3) < 0.1,
        moved == 0 and last < first - 0.3,
    )
    assert [bool(look) for look in looks] == [number == which for number in range(5)], run.words
