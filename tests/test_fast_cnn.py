"""The fast layers of lessons 4.2 to 4.6, against SciPy, brute force and central differences."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from scipy.signal import correlate

from helpers.widgets import fast_cnn
from helpers.widgets.fast_cnn import Adam, Chain, Conv, Dense, MaxPool, Momentum, ReLU, softmax_cross_entropy, train


def relative_error(got, expected):
    return np.linalg.norm(got - expected) / (np.linalg.norm(got) + np.linalg.norm(expected))


def numerical(J, V, h=1e-6):
    result = np.empty_like(V)
    for index in np.ndindex(V.shape):
        kept = V[index]
        V[index] = kept + h
        above = J()
        V[index] = kept - h
        result[index] = (above - J()) / (2 * h)
        V[index] = kept
    return result


def assert_right_gradients(layer, A_prev, rng):
    """Compare the backward pass of a layer, for a cost J = sum(C * output), with central differences."""
    C = rng.standard_normal(layer.forward(A_prev).shape)
    dA_prev = layer.backward(C)
    gradients = [(part.parameters[name], part.gradients[name]) for part in layer.parts() for name in part.parameters]
    for V, dV in [(A_prev, dA_prev), *gradients]:
        assert relative_error(dV, numerical(lambda: np.sum(C * layer.forward(A_prev)), V)) < 1e-6


def a_conv(rng, f, n_C_prev, n_C, **options):
    layer = Conv(f, n_C_prev, n_C, rng, dtype=np.float64, **options)
    layer.parameters["b"] += rng.standard_normal(n_C)
    return layer


@pytest.mark.parametrize(("stride", "pad"), [(1, 0), (1, 2), (2, 0), (2, 1), (3, 1)])
def test_conv_is_the_correlation_of_scipy(stride, pad):
    rng = np.random.default_rng(0)
    A_prev = rng.standard_normal((2, 8, 7, 3))
    layer = a_conv(rng, 3, 3, 4, stride=stride, pad=pad)
    Z = layer.forward(A_prev)
    A_pad = np.pad(A_prev, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    for i, c in np.ndindex(2, 4):
        full = correlate(A_pad[i], layer.parameters["W"][..., c], mode="valid")[:, :, 0]
        np.testing.assert_allclose(Z[i, :, :, c], full[::stride, ::stride] + layer.parameters["b"][c])


@pytest.mark.parametrize(("f", "stride", "pad"), [(3, 1, 0), (3, 2, 1), (2, 3, 0), (1, 1, 0), (3, 1, 2)])
def test_conv_backward_matches_numerical_gradient(f, stride, pad):
    rng = np.random.default_rng(1)
    assert_right_gradients(a_conv(rng, f, 2, 3, stride=stride, pad=pad), rng.standard_normal((2, 6, 5, 2)), rng)


@pytest.mark.parametrize(("f", "stride"), [(2, 2), (3, 2), (3, 1), (2, 3)])
def test_max_pool_against_brute_force_and_numerical_gradient(f, stride):
    rng = np.random.default_rng(2)
    A_prev = rng.permutation(2 * 7 * 6 * 3).reshape(2, 7, 6, 3) / 10
    A = MaxPool(f, stride).forward(A_prev)
    for i, h, w, c in np.ndindex(A.shape):
        assert A[i, h, w, c] == A_prev[i, h * stride : h * stride + f, w * stride : w * stride + f, c].max()
    assert A.shape == (2, (7 - f) // stride + 1, (6 - f) // stride + 1, 3)
    assert_right_gradients(MaxPool(f, stride), A_prev, rng)


def test_max_pool_sends_the_gradient_of_equal_values_to_the_first_alone():
    layer = MaxPool()
    layer.forward(np.array([[3.0, 5], [5, 5]])[None, :, :, None])
    np.testing.assert_array_equal(layer.backward(np.full((1, 1, 1, 1), 7.0))[0, :, :, 0], [[0, 7], [0, 0]])


def test_chain_of_all_layers_matches_numerical_gradient():
    rng = np.random.default_rng(3)
    head = Chain(Dense(12, 4, rng, np.float64), ReLU(), Dense(4, 3, rng, np.float64))
    network = Chain(a_conv(rng, 3, 2, 3, pad=1), ReLU(), MaxPool(), head)
    assert_right_gradients(network, rng.standard_normal((3, 4, 5, 2)), rng)
    assert len(network.parts()) == 6


def test_first_layer_computes_no_derivative_by_the_images():
    rng = np.random.default_rng(4)
    layer = a_conv(rng, 3, 1, 2, first=True)
    assert layer.backward(layer.forward(rng.standard_normal((2, 5, 5, 1)))) is None
    assert set(layer.gradients) == {"W", "b"}


def test_softmax_cross_entropy_matches_autograd_and_stands_large_scores():
    rng = np.random.default_rng(5)
    scores, labels = 3 * rng.standard_normal((6, 4)), rng.integers(0, 4, 6)

    def cost(S):
        return -anp.mean(S[np.arange(6), labels] - anp.log(anp.sum(anp.exp(S), axis=1)))

    J, dscores = softmax_cross_entropy(scores, labels)
    np.testing.assert_allclose(J, cost(scores))
    np.testing.assert_allclose(dscores, grad(cost)(scores), atol=1e-12)
    assert softmax_cross_entropy(np.array([[2000.0, 0]]), np.array([1]))[0] == 2000


def test_optimizers_follow_their_formulas():
    gradients = [2.0, -1.0, 0.5]
    v = s = 0
    slow, fast = Momentum(0.3, beta=0.8), Adam(0.3, 0.8, 0.9)
    for t, g in enumerate(gradients, start=1):
        v, s = 0.8 * v + 0.2 * g, 0.9 * s + 0.1 * g**2
        assert slow.change("W", np.float64(g)) == pytest.approx(0.3 * v)
        expected = 0.3 * (v / (1 - 0.8**t)) / (np.sqrt(s / (1 - 0.9**t)) + 1e-8)
        assert fast.change("W", np.float64(g)) == pytest.approx(expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("optimizer", "learning_rate"), [(Adam, 0.01), (Momentum, 0.3)])
def test_training_learns_bars_and_keeps_the_type(optimizer, learning_rate, dtype, capfd):
    rng = np.random.default_rng(6)
    labels = rng.integers(0, 2, 205)
    images = 0.1 * rng.standard_normal((205, 8, 8, 1))
    images[labels == 0, rng.integers(0, 8)] += 1
    images[labels == 1, :, rng.integers(0, 8)] += 1
    images = images.astype(dtype)
    network = Chain(Conv(3, 1, 4, rng, first=True, dtype=dtype), ReLU(), MaxPool(), Dense(36, 2, rng, dtype))
    test = (images[200:], labels[200:])
    history = train(network, images[:200], labels[:200], optimizer(learning_rate), rng, 6, batch_size=32, test=test)
    assert history["cost"][-1] < 0.1 < history["cost"][0]
    assert history["test_accuracy"][-1] == 1
    assert len(history["batch_cost"]) == 6 * 7
    assert len(history["cost"]) == len(history["test_accuracy"]) == 6
    assert {parameter.dtype for part in network.parts() for parameter in part.parameters.values()} == {np.dtype(dtype)}
    assert network.forward(images).dtype == dtype
    assert capfd.readouterr().err == ""


def test_prediction_in_parts_is_the_same():
    rng = np.random.default_rng(7)
    network = fast_cnn.lenet(12, 16, 2, 5, rng, dtype=np.float64)
    images = rng.standard_normal((7, 12, 16, 2))
    np.testing.assert_allclose(network.predicts(images, size=3), network.forward(images))
    assert network.forward(images).shape == (7, 5)


def test_lenet_on_28_by_28_has_61706_parameters():
    # (5·5·1 + 1)·6 + (5·5·6 + 1)·16 + (400 + 1)·120 + (120 + 1)·84 + (84 + 1)·10
    network = fast_cnn.lenet(28, 28, 1, 10, np.random.default_rng(8))
    assert sum(V.size for part in network.parts() for V in part.parameters.values()) == 61706


def test_weights_are_drawn_by_the_rule_of_he():
    W = Conv(5, 8, 64, np.random.default_rng(9)).parameters["W"]
    assert W.std() == pytest.approx(np.sqrt(2 / 200), rel=0.03)
