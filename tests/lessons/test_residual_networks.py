"""Lesson 4.5, residual networks: the formulas against autograd and numbers, the lesson's claims, and its picture."""

import base64
import io
import re
import statistics
import time

import autograd
import autograd.numpy as anp
import machine
import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from helpers import exercises
from helpers.widgets import residual_networks as pictures

LESSON = exercises.load("residual_networks").exercises
SHORTCUT, FORWARD, BACKWARD, STACK = (
    LESSON[name]
    for name in ("projection_shortcut", "residual_block_forward", "residual_block_backward", "stack_blocks")
)


def block(n_prev, n_hidden, n, projection, seed=0):
    rng = np.random.default_rng(seed)
    parameters = {
        "W1": rng.normal(size=(n_hidden, n_prev)), "b1": rng.normal(size=(n_hidden, 1)),
        "W2": rng.normal(size=(n, n_hidden)), "b2": rng.normal(size=(n, 1)),
    }  # fmt: skip
    return parameters | ({"Ws": rng.normal(size=(n, n_prev))} if projection else {})


def by_autograd(A, p):
    S = anp.dot(p["Ws"], A) if "Ws" in p else A
    A1 = anp.maximum(anp.dot(p["W1"], A) + p["b1"], 0)
    return anp.maximum(anp.dot(p["W2"], A1) + p["b2"] + S, 0)


SIZES = [(4, 3, 4, False), (3, 5, 2, True), (4, 6, 4, True), (1, 1, 1, False)]


# --- the formulas -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("m", [1, 6])
def test_block_matches_autograd(size, m):
    p, A_prev = block(*size), np.random.default_rng(1).normal(size=(size[0], m))
    A, cache = FORWARD(A_prev, p)
    np.testing.assert_allclose(A, by_autograd(A_prev, p), atol=1e-12)
    weights = np.random.default_rng(2).normal(size=A.shape)
    dA_prev, grads = BACKWARD(weights, cache)
    np.testing.assert_allclose(
        dA_prev, autograd.grad(lambda A: anp.sum(weights * by_autograd(A, p)))(A_prev), atol=1e-10
    )
    theirs = autograd.grad(lambda p: anp.sum(weights * by_autograd(A_prev, p)))(p)
    assert set(grads) == {f"d{name}" for name in p}
    for name in p:
        np.testing.assert_allclose(grads[f"d{name}"], theirs[name], atol=1e-10)


@pytest.mark.parametrize("size", SIZES)
def test_residual_block_backward_matches_numerical_gradient(size):
    p, A_prev, h = block(*size, seed=3), np.random.default_rng(4).normal(size=(size[0], 5)), 1e-6
    A, cache = FORWARD(A_prev, p)
    weights = np.random.default_rng(5).normal(size=A.shape)
    dA_prev, grads = BACKWARD(weights, cache)
    for name, array, ours in [("A_prev", A_prev, dA_prev), *((k, p[k], grads[f"d{k}"]) for k in p)]:
        numerical = np.zeros(array.shape)
        for index in np.ndindex(array.shape):
            sides = []
            for sign in (1, -1):
                other = array.copy()
                other[index] += sign * h
                args = (other, p) if name == "A_prev" else (A_prev, p | {name: other})
                sides.append(np.sum(weights * FORWARD(*args)[0]))
            numerical[index] = (sides[0] - sides[1]) / (2 * h)
        assert np.linalg.norm(ours - numerical) <= 1e-6 * max(np.linalg.norm(numerical), 1e-6), name


def test_the_numbers_by_hand():
    one = np.array([[1.0]])
    A, cache = FORWARD(2 * one, {"W1": 2 * one, "b1": -one, "W2": 3 * one, "b2": 0.5 * one})
    assert A.item() == 11.5
    dA_prev, grads = BACKWARD(one, cache)
    assert dA_prev.item() == 7
    assert {name: grad.item() for name, grad in grads.items()} == {"dW2": 3, "db2": 1, "dW1": 6, "db1": 3}
    assert SHORTCUT(np.array([[1.0], [-2]]), np.array([[1.0, 1], [0, 3], [2, 0]])).ravel().tolist() == [-1, -6, 2]


def test_identity_needs_each_of_its_conditions():
    """Topic 46, completed: W2 = 0 and b2 = 0, an input that is not negative, no projection."""
    A_prev = np.abs(np.random.default_rng(0).normal(size=(4, 5)))
    p = block(4, 4, 4, False) | {"W2": np.zeros((4, 4)), "b2": np.zeros((4, 1))}
    assert np.array_equal(FORWARD(A_prev, p)[0], A_prev)
    assert not np.array_equal(FORWARD(A_prev, p | {"b2": np.full((4, 1), 0.1)})[0], A_prev)
    assert not np.array_equal(FORWARD(A_prev - 1, p)[0], A_prev - 1)
    assert not np.array_equal(FORWARD(A_prev, p | {"Ws": block(4, 4, 4, True)["Ws"]})[0], A_prev)
    assert not np.array_equal(np.tanh(A_prev), A_prev)


def test_products_of_the_text():
    small, large = 0.5**20, 1.5**20
    assert small == pytest.approx(1e-6, rel=0.05)
    assert large == pytest.approx(3300, rel=0.01)


# --- the trainer ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["plain", "residual"])
def test_network_matches_autograd(kind):
    network = pictures.Network(2, kind, seed=0)
    network.arrays = [array.astype(float) for array in network.arrays]
    rng = np.random.default_rng(0)
    X, Y = rng.random((784, 6)), rng.integers(0, 10, 6)
    cost, gradients, norms = network.costs(X, Y)

    def loss(arrays):
        A = anp.maximum(anp.dot(arrays[0], X) + arrays[1], 0)
        for k in (2, 6):
            inner = anp.maximum(anp.dot(arrays[k], A) + arrays[k + 1], 0)
            Z = anp.dot(arrays[k + 2], inner) + arrays[k + 3]
            A = anp.maximum(Z + A if kind == "residual" else Z, 0)
        scores = anp.dot(arrays[-2], A) + arrays[-1]
        return -anp.mean((scores - anp.log(anp.sum(anp.exp(scores), axis=0)))[Y, np.arange(6)])

    assert cost == pytest.approx(loss(network.arrays))
    for ours, theirs in zip(gradients, autograd.grad(loss)(network.arrays), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-9)
    assert len(norms) == 3


def test_learners_stack_is_the_trainers_network():
    network = pictures.Network(3, "residual", seed=1)
    X = np.random.default_rng(0).random((784, 4)).astype(np.float32)
    flow, _ = network.activations(X)
    blocks = [dict(zip(("W1", "b1", "W2", "b2"), network.arrays[k : k + 4], strict=True)) for k in (2, 6, 10)]
    A, caches = STACK(flow[0], blocks)
    np.testing.assert_allclose(A, flow[-1], rtol=1e-5)
    assert len(caches) == 3


# --- what the lesson says ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def digits():
    return pictures.digits()


def test_gradients_at_the_start(digits):
    rng = np.random.default_rng(0)
    A = pictures.first_activations(digits.X[:, :100], rng)
    dA = rng.normal(size=A.shape)
    plain, ours = (pictures.plain_pair, pictures.plain_pair_back), (FORWARD.reference, BACKWARD.reference)
    growth, alike = {}, {}
    for name, functions, scale, last in (
        ("plain", plain, 1.0, 1.0), ("small", plain, 0.6, 1.0), ("residual", ours, 1.0, 1.0), ("zero", ours, 1.0, 0.0)
    ):  # fmt: skip
        blocks = pictures.draw_blocks(np.random.default_rng(3), 15, scale=scale, last=last)
        norms, alike[name] = pictures.gradient_norms(A, blocks, *functions, dA)
        growth[name] = (norms[0] / norms[-1]) ** (1 / 15)
        if name == "zero":
            np.testing.assert_allclose(norms[:-1], norms[0])
            assert norms[-1] > norms[0]
    assert 0.9 < growth["plain"] < 1.1
    assert growth["small"] == pytest.approx(0.36, abs=0.03)
    assert 1.3 < growth["residual"] < 1.55
    assert pictures.mean_cosine(A) == pytest.approx(alike["zero"])
    assert 0.4 < alike["zero"] < 0.6
    assert min(alike["plain"], alike["residual"]) > 0.85


def test_mean_cosine_by_hand():
    assert pictures.mean_cosine(np.array([[1.0, 0, 3], [0, 2, 0]])) == pytest.approx(1 / 3)


def test_depth_harms_plain_networks_and_not_residual_ones(digits):
    """Training cost of the last epoch, 4 and 32 layers, in one of the five starts that the notebook prints."""
    plain = [pictures.train(digits, blocks, "plain").costs[-1] for blocks in (1, 15)]
    residual = [pictures.train(digits, blocks, "residual", last=0.0).costs[-1] for blocks in (1, 15)]
    assert plain[1] > 2 * plain[0]
    assert residual[1] < residual[0]


def test_start_of_dense_is_the_network(digits):
    first, *blocks, end = pictures.start_of_dense(3, 0.0, seed=1)
    network = pictures.Network(3, "residual", seed=1, last=0.0)
    A, _ = STACK(np.maximum(first["W"] @ digits.X[:, :4] + first["b"], 0), blocks)
    np.testing.assert_allclose(end["W"] @ A + end["b"], network.activations(digits.X[:, :4])[1], rtol=1e-5)


def test_thirty_blocks_as_the_answers_say(digits):
    """Question 1 of the picture: with He's weights the plain gradient stays near 1, the residual one explodes; question 2."""
    for seed in range(5):
        A = pictures.first_activations(digits.X[:, :50], np.random.default_rng(seed), 32).astype(float)
        dA, growth = np.random.default_rng(1).normal(size=A.shape), {}
        for scale in (1.0, 0.4):
            blocks = pictures.draw_blocks(np.random.default_rng(seed + 10), 30, 32, scale)
            for name, functions in (
                ("plain", (pictures.plain_pair, pictures.plain_pair_back)),
                ("residual", (FORWARD.reference, BACKWARD.reference)),
            ):
                norms, _ = pictures.gradient_norms(A, blocks, *functions, dA)
                growth[name, scale] = norms[0] / norms[-1], norms[-6] / norms[-1]
        assert 1e-3 < growth["plain", 1.0][0] < 10, "32 units: some draws lose two powers of ten, and none explodes"
        assert 1e4 < growth["residual", 1.0][0] < 1e6
        assert growth["plain", 0.4][1] < 1e-3, "after five blocks"
        assert 0.5 < growth["residual", 0.4][0] < 2


# --- the picture ------------------------------------------------------------------------------------------------------


@pytest.fixture
def picture(digits):
    return pictures.depth_explorer(FORWARD.reference, BACKWARD.reference, digits.X[:, :50])


def test_picture_answers_within_a_tenth_of_a_second(picture, record_property):
    seconds = []
    for step in range(8):
        for name, value in (("blocks", 3 + 3 * step), ("scale", 0.4 + 0.1 * step), ("last", 0.1 * step)):
            start = time.process_time()
            picture.controls[name].value = value
            seconds.append(time.process_time() - start)
    record_property("picture of lesson 4.5, median time to answer", f"{1000 * statistics.median(seconds):.0f} ms")
    assert statistics.median(seconds) < machine.seconds(0.1)


def test_picture_says_what_it_shows_and_answers_the_questions(picture):
    picture.controls["blocks"].value = 30
    words = picture._caption.value
    assert "60 layers, 30 blocks" in words
    assert "by the factor 0.63 in the plain network" in words, "the answers say this number"
    assert "in the residual one" in words
    before = picture._image.value
    picture.controls["last"].value = 0.0
    assert "by the factor 0 in the plain network" in picture._caption.value
    assert picture._image.value != before
    picture.controls["last"].value = 1.0
    picture.controls["scale"].value = 0.4
    assert "·10^−" in picture._caption.value.split("in the plain network")[0]


def test_picture_has_a_static_twin(picture):
    image = Image.open(io.BytesIO(base64.b64decode(picture._repr_mimebundle_()["image/png"])))
    assert image.size == (700, 330)


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.5, "0.5"), (12345, "1.2·10^4"), (3e-7, "3.0·10^−7"), (250, "250")]
)
def test_powers_are_readable(value, text):
    assert pictures._power(value) == text


# --- convolutions -----------------------------------------------------------------------------------------------------

CONV_FORWARD, CONV_BACKWARD, PIXELS, PIXELS_BACK, CONV_BLOCK, CONV_BLOCK_BACK = (
    LESSON[name]
    for name in (
        "conv_forward_fast",
        "conv_backward_fast",
        "pixel_projection",
        "pixel_projection_backward",
        "conv_block_forward",
        "conv_block_backward",
    )
)


def conv_by_loops(A, W, b, stride, pad):
    """A convolution for autograd: one sum of shifted images for each weight of a filter."""
    f, n_H, n_W = W.shape[0], *((n + 2 * pad - W.shape[0]) // stride + 1 for n in A.shape[1:3])
    A = anp.concatenate([anp.zeros((len(A), pad, *A.shape[2:])), A, anp.zeros((len(A), pad, *A.shape[2:]))], axis=1)
    A = anp.concatenate(
        [anp.zeros((*A.shape[:2], pad, A.shape[3])), A, anp.zeros((*A.shape[:2], pad, A.shape[3]))], axis=2
    )
    return b + sum(
        anp.dot(A[:, j : j + stride * n_H : stride, k : k + stride * n_W : stride], W[j, k])
        for j in range(f)
        for k in range(f)
    )


def conv_block_by_autograd(A, p, stride):
    S = anp.dot(A[:, ::stride, ::stride], p["Ws"]) if "Ws" in p else A
    A1 = anp.maximum(conv_by_loops(A, p["W1"], p["b1"], stride, 1), 0)
    return anp.maximum(conv_by_loops(A1, p["W2"], p["b2"], 1, 1) + S, 0)


def conv_block(n_prev, n, projection, seed=0):
    rng = np.random.default_rng(seed)
    shapes = {"W1": (3, 3, n_prev, n), "b1": (1, 1, 1, n), "W2": (3, 3, n, n), "b2": (1, 1, 1, n)}
    shapes |= {"Ws": (n_prev, n)} if projection else {}
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


@pytest.mark.parametrize(("n_prev", "n", "stride", "projection"), [(2, 2, 1, False), (2, 3, 2, True), (3, 2, 1, True)])
def test_conv_block_backward_matches_autograd_and_numerical_gradient(n_prev, n, stride, projection):
    p, rng = conv_block(n_prev, n, projection), np.random.default_rng(1)
    A_prev = rng.normal(size=(2, 5, 4, n_prev))
    A, cache = CONV_BLOCK(A_prev, p, stride)
    np.testing.assert_allclose(A, conv_block_by_autograd(A_prev, p, stride), atol=1e-12)
    weights = rng.normal(size=A.shape)
    dA_prev, grads = CONV_BLOCK_BACK(weights, cache)
    J = lambda A_prev, p: anp.sum(weights * conv_block_by_autograd(A_prev, p, stride))
    np.testing.assert_allclose(dA_prev, autograd.grad(J, 0)(A_prev, p), atol=1e-10)
    theirs = autograd.grad(J, 1)(A_prev, p)
    assert set(grads) == {f"d{name}" for name in p}
    for name in p:
        np.testing.assert_allclose(grads[f"d{name}"], theirs[name], atol=1e-10)
        index = tuple(rng.integers(size) for size in p[name].shape)
        sides = []
        for sign in (1, -1):
            other = p[name].copy()
            other[index] += sign * 1e-6
            sides.append(np.sum(weights * CONV_BLOCK(A_prev, p | {name: other}, stride)[0]))
        assert grads[f"d{name}"][index] == pytest.approx((sides[0] - sides[1]) / 2e-6, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize(("stride", "pad"), [(1, 1), (2, 0), (2, 1)])
def test_conv_backward_fast_matches_autograd(stride, pad):
    rng = np.random.default_rng(0)
    A, W, b = rng.normal(size=(2, 5, 6, 2)), rng.normal(size=(3, 3, 2, 3)), rng.normal(size=(1, 1, 1, 3))
    Z, cache = CONV_FORWARD(A, W, b, {"stride": stride, "pad": pad})
    weights = rng.normal(size=Z.shape)
    for number, ours in enumerate(CONV_BACKWARD(weights, cache)):
        J = lambda *arrays: anp.sum(weights * conv_by_loops(*arrays, stride, pad))
        np.testing.assert_allclose(ours, autograd.grad(J, number)(A, W, b), atol=1e-10)


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_pixel_projection_backward_matches_autograd(stride):
    rng = np.random.default_rng(0)
    A, Ws = rng.normal(size=(2, 5, 4, 3)), rng.normal(size=(3, 2))
    S = PIXELS(A, Ws, stride)
    np.testing.assert_allclose(
        S, CONV_FORWARD(A, Ws[None, None], np.zeros((1, 1, 1, 2)), {"stride": stride, "pad": 0})[0]
    )
    weights = rng.normal(size=S.shape)
    J = lambda A, Ws: anp.sum(weights * anp.dot(A[:, ::stride, ::stride], Ws))
    for number, ours in enumerate(PIXELS_BACK(weights, A, Ws, stride)):
        np.testing.assert_allclose(ours, autograd.grad(J, number)(A, Ws), atol=1e-12)


def test_what_a_block_does_to_sizes(digits):
    """Cell of the growth: the ReLU keeps 0.80, 0.66 of the units are open, 2.2 to 2.4 forward, 2.0 to 2.3 back."""
    kept, opened, forward, back = [], [], [], []
    for seed in range(5):
        rng, caches = np.random.default_rng(seed), []
        first = A = pictures.first_activations(digits.X[:, :500], rng).astype(float)
        for parameters in pictures.draw_blocks(rng, 15):
            A, cache = FORWARD.reference(A, parameters)
            kept.append(np.mean(A**2) / np.mean(cache[3] ** 2))
            opened.append(np.mean(cache[3] > 0))
            caches.append(cache)
        end = dA = rng.normal(size=A.shape)
        for cache in reversed(caches):
            dA, _ = BACKWARD.reference(dA, cache)
        forward.append((np.mean(A**2) / np.mean(first**2)) ** (1 / 15))
        back.append((np.mean(dA**2) / np.mean(end**2)) ** (1 / 15))
    assert np.mean(kept) == pytest.approx(0.80, abs=0.01)
    assert np.mean(opened) == pytest.approx(0.66, abs=0.01)
    assert min(forward) > 2.1
    assert max(forward) < 2.5
    assert min(back) > 1.9
    assert max(back) < 2.4


def test_twins_have_the_layers_of_the_text():
    net = pictures.start_of_twin(np.random.default_rng(0), 12)
    layers = [name for part in net[:-1] for name in part if name in ("W", "W1", "W2")]
    assert len(layers) == 25
    assert [part["W1"].shape[2:] for part in net[1:-1]] == [(8, 8)] * 6 + [(8, 16)] + [(16, 16)] * 5
    assert sum("Ws" in part for part in net) == 1
    assert not any("Ws" in part for part in pictures.start_of_twin(np.random.default_rng(0), 12, shortcuts=False))
    X, Y, X_test, Y_test = pictures.small_digits(0)
    assert X.shape == (1400, 8, 8, 1)
    assert X_test.shape == (397, 8, 8, 1)
    assert len(Y) == 1400
    assert len(Y_test) == 397
    assert np.abs(X.mean(axis=0)).max() < 1e-5


# --- runs to diagnose -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("which", range(len(pictures.FAULTS)))
def test_a_sick_run_looks_as_its_fault_says(which, seed):
    run = pictures.sick_run(np.random.default_rng(seed), FORWARD.reference, BACKWARD.reference, which=which)
    plt.close(run.figure)
    number = r"(nan|-?[\d.]+(?:e[-+]\d+)?)"
    pattern = (
        f"norm {number} after the last block and {number} before the first. The cost is {number} at first, {number} at its "
        f"highest and {number} after .* of a block is {number}\\."
    )
    last, before, first, highest, end, moved = (float(x) for x in re.search(pattern, run.words).groups())
    looks = (
        before > 10 * last,
        before < 2 * last and highest > 10,
        before < 2 * last and highest < 4 and 0 < moved < 1e-6,
        before < 2 * last and highest < 4 and moved > 1e-5 and abs(end - 2.3) < 0.15,
        before < 2 * last and highest < 4 and moved == 0 and end < first,
    )
    assert [bool(look) for look in looks] == [number == which for number in range(5)], run.words
