"""Lesson 5.10, the transformer block: its parts against autograd and SciPy, its trainings and rivals, its pictures."""

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
from autograd.scipy.special import erf
from PIL import Image
from scipy.special import ndtr
from scipy.stats import norm as normal

from helpers import exercises
from helpers.exercises.course5_sequence.transformer_block import feed_forward
from helpers.widgets import fast_attention, fast_rnn
from helpers.widgets import transformer_block as pictures

LESSON = exercises.load("transformer_block").exercises
NORM, NORM_BACK, GELU, SLOPE, POSITIONS, CAUSAL, FEED_BACK, BLOCK, BLOCK_BACK = (
    LESSON[name].reference
    for name in (
        "layer_norm_forward", "layer_norm_backward", "gelu", "gelu_derivative", "positional_encoding", "causal_mask",
        "feed_forward_backward", "transformer_block_forward", "transformer_block_backward",
    )
)  # fmt: skip
LEARNED = fast_attention.Functions(BLOCK, BLOCK_BACK, NORM, NORM_BACK, POSITIONS)
PIECES = pictures.Pieces(NORM, NORM_BACK, feed_forward, FEED_BACK, POSITIONS)
#: n, n_h, h, m, T
SIZES = [(4, 5, 2, 2, 3), (6, 3, 3, 1, 4), (3, 7, 1, 3, 1)]


def block(n, n_h, h, m, T, seed=0):
    rng = np.random.default_rng(seed)
    shapes = {"Q": (n, n), "K": (n, n), "V": (n, n), "O": (n, n), "1": (n_h, n), "2": (n, n_h)}
    p = {"W" + name: rng.normal(size=shape) for name, shape in shapes.items()}
    p |= {"b" + name: rng.normal(size=(shape[0], 1)) for name, shape in shapes.items()}
    for number in "12":
        p |= {"gamma" + number: rng.uniform(0.5, 2, size=(n, 1)), "beta" + number: rng.normal(size=(n, 1))}
    return rng.normal(size=(n, m, T)), p, h


def dense(W, b, X):
    return anp.tensordot(W, X, 1) + b[:, :, None]


def norm(x, gamma, beta, epsilon=1e-5):
    """Return layer normalisation written with E(x²) - μ²."""
    mu = anp.mean(x, axis=0)
    return gamma[:, :, None] * (x - mu) / anp.sqrt(anp.mean(x**2, axis=0) - mu**2 + epsilon) + beta[:, :, None]


def attention(X_q, X_kv, p, h, mask):
    """Return multi-head attention head by head in autograd's NumPy."""
    Q, K, V = (dense(p["W" + name], p["b" + name], X) for name, X in (("Q", X_q), ("K", X_kv), ("V", X_kv)))
    d, Y = Q.shape[0] // h, p["bO"][:, :, None]
    for r in range(h):
        rows = slice(r * d, (r + 1) * d)
        E = anp.exp(anp.einsum("dit,dis->its", Q[rows], K[rows]) / anp.sqrt(d)) * mask
        A = E / anp.sum(E, axis=2)[:, :, None]
        Y = Y + dense(p["WO"][:, rows], 0 * p["bO"], anp.einsum("its,vis->vit", A, V[rows]))
    return Y


def whole_block(x, p, h, mask):
    u = norm(x, p["gamma1"], p["beta1"])
    a = x + attention(u, u, p, h, mask)
    z = dense(p["W1"], p["b1"], norm(a, p["gamma2"], p["beta2"]))
    return a + dense(p["W2"], p["b2"], z * (1 + erf(z / anp.sqrt(2))) / 2)


# --- numbers by hand --------------------------------------------------------------------------------------------------


def test_numbers_by_hand():
    x = np.array([1.0, 1, 5, 5]).reshape(4, 1, 1)
    y, cache = NORM(x, np.full((4, 1), 2.0), np.full((4, 1), 10.0), 0.0)
    assert y.ravel().tolist() == [8, 8, 12, 12]
    assert cache[0].ravel().tolist() == [-1, -1, 1, 1]
    assert cache[1].item() == 2
    cache = (cache[0], cache[1], np.ones((4, 1)))
    dx, dgamma, dbeta = NORM_BACK(np.array([4.0, 0, 0, 0]).reshape(4, 1, 1), cache)
    assert dx.ravel().tolist() == [1, -1, 0, 0]
    assert dgamma.ravel().tolist() == [-4, 0, 0, 0]
    assert dbeta.ravel().tolist() == [4, 0, 0, 0]
    constant = LESSON["layer_norm_backward"].mistakes[0][0](np.array([4.0, 0, 0, 0]).reshape(4, 1, 1), cache)
    assert constant[0].ravel().tolist() == [2, 0, 0, 0]
    np.testing.assert_allclose(GELU(np.array([1.0, -1])), [0.8413, -0.1587], atol=5e-5)
    assert POSITIONS(4, 1).ravel().tolist() == [0, 1, 0, 1]
    np.testing.assert_allclose(POSITIONS(4, 6)[:, 5], [np.sin(5), np.cos(5), np.sin(0.05), np.cos(0.05)])
    assert CAUSAL(2).tolist() == [[True, False], [True, True]]


# --- layer normalisation ----------------------------------------------------------------------------------------------


def test_columns_have_mean_zero_and_spread_one_whatever_their_shift_and_scale():
    x = np.random.default_rng(0).normal(size=(6, 3, 4))
    one, zero = np.ones((6, 1)), np.zeros((6, 1))
    y, _ = NORM(x, one, zero, 0.0)
    np.testing.assert_allclose(y.mean(axis=0), 0, atol=1e-15)
    np.testing.assert_allclose(y.std(axis=0), 1, rtol=1e-12)
    np.testing.assert_allclose(NORM(7 * x + 100, one, zero, 0.0)[0], y, rtol=1e-10)
    np.testing.assert_allclose(NORM(x[:, :1, :1], one, zero, 0.0)[0], y[:, :1, :1], rtol=1e-12)


@pytest.mark.parametrize(("n", "m", "T", "epsilon"), [(4, 2, 3, 0.3), (3, 1, 5, 1e-5), (7, 3, 1, 1e-3)])
def test_norm_back_matches_automatic_gradients(n, m, T, epsilon):
    rng = np.random.default_rng(1)
    given = rng.normal(size=(n, m, T)), rng.normal(size=(n, 1)), rng.normal(size=(n, 1))
    y, cache = NORM(*given, epsilon)
    np.testing.assert_allclose(y, norm(*given, epsilon), rtol=1e-8)
    dy = rng.normal(size=y.shape)
    for place, ours in enumerate(NORM_BACK(dy, cache)):

        def cost(changed, place=place):
            return anp.sum(dy * norm(*[changed if i == place else part for i, part in enumerate(given)], epsilon))

        np.testing.assert_allclose(ours, autograd.grad(cost)(given[place]), rtol=1e-7, atol=1e-12)


def test_two_numbers_send_nothing_back():
    _, cache = NORM(np.array([[[3.0]], [[8.0]]]), np.ones((2, 1)), np.zeros((2, 1)), 0.0)
    assert cache[0].ravel().tolist() == [-1, 1]
    np.testing.assert_allclose(NORM_BACK(np.array([[[5.0]], [[-2.0]]]), cache)[0], 0, atol=1e-15)


# --- GELU, positions, masks -------------------------------------------------------------------------------------------


def test_gelu_and_its_derivative_match_scipy_and_autograd():
    z = np.linspace(-8, 8, 401)
    np.testing.assert_allclose(GELU(z), z * ndtr(z), rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(SLOPE(z), ndtr(z) + z * normal.pdf(z), rtol=1e-9, atol=1e-15)
    slope = autograd.elementwise_grad(lambda z: z * (1 + erf(z / anp.sqrt(2))) / 2)(z)
    np.testing.assert_allclose(SLOPE(z), slope, rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(GELU(z) - GELU(-z), z, rtol=1e-12)
    fine = np.linspace(-4, 4, 80001)
    assert GELU(fine).min() == pytest.approx(-0.170, abs=5e-4)
    assert fine[GELU(fine).argmin()] == pytest.approx(-0.752, abs=5e-4)
    assert fine[np.flatnonzero(SLOPE(fine) > 1)[0]] == pytest.approx(0.75, abs=0.01)


def test_positions_turn_and_their_products_depend_on_the_distance():
    n, T = 10, 40
    P = POSITIONS(n, T)
    products = P.T @ P
    for k in range(T):
        expected = np.sum(np.cos(k / 10000 ** (2 * np.arange(n // 2) / n)))
        np.testing.assert_allclose(np.diag(products, k), expected, atol=1e-12)
    for j in range(n // 2):
        w = 10000 ** (-2 * j / n)
        turn = np.array([[np.cos(3 * w), np.sin(3 * w)], [-np.sin(3 * w), np.cos(3 * w)]])
        np.testing.assert_allclose(turn @ P[2 * j : 2 * j + 2, :-3], P[2 * j : 2 * j + 2, 3:], atol=1e-12)
    assert products.max() == pytest.approx(n / 2)


# --- the block --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", SIZES)
def test_feed_forward_back_matches_automatic_gradients(sizes):
    x, p, _ = block(*sizes)
    given = {"x": x} | {name: p[name] for name in ("W1", "b1", "W2", "b2")}
    y, cache = feed_forward(**given)
    dy = np.random.default_rng(1).normal(size=y.shape)

    def cost(g):
        z = dense(g["W1"], g["b1"], g["x"])
        return anp.sum(dy * dense(g["W2"], g["b2"], z * (1 + erf(z / anp.sqrt(2))) / 2))

    found = autograd.grad(cost)(given)
    for ours, name in zip(FEED_BACK(dy, cache), given, strict=True):
        np.testing.assert_allclose(ours, found[name], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("sizes", SIZES)
def test_block_back_matches_automatic_gradients(sizes, causal):
    """The gradient of bK is 0, so it is compared with an absolute limit alone."""
    x, p, h = block(*sizes, seed=2)
    mask = CAUSAL(x.shape[2]) if causal else np.arange(x.shape[2]) < np.arange(1, x.shape[1] + 1)[:, None, None]
    y, cache = BLOCK(x, p, h, mask)
    np.testing.assert_allclose(y, whole_block(x, p, h, mask), rtol=1e-8)
    dy = np.random.default_rng(3).normal(size=y.shape)
    dx, gradients = BLOCK_BACK(dy, cache)
    np.testing.assert_allclose(
        dx, autograd.grad(lambda x: anp.sum(dy * whole_block(x, p, h, mask)))(x), rtol=1e-7, atol=1e-10
    )
    found = autograd.grad(lambda p: anp.sum(dy * whole_block(x, p, h, mask)))(p)
    for name, gradient in found.items():
        np.testing.assert_allclose(gradients["d" + name], gradient, rtol=1e-7, atol=1e-10, err_msg=name)
    np.testing.assert_allclose(gradients["dbK"], 0, atol=1e-12)


def test_given_attention_is_that_of_lesson_9():
    lesson_9 = exercises.load("attention").exercises
    rng = np.random.default_rng(0)
    x, p, h = block(6, 5, 3, 2, 4)
    X_kv, mask = rng.normal(size=(6, 2, 5)), rng.random((2, 4, 5)) < 0.6
    Y, cache = fast_attention.multi_head_attention(x, X_kv, p, h, mask)
    other, other_cache = lesson_9["multi_head_attention"].reference(x, X_kv, p, h, mask)
    np.testing.assert_allclose(Y, other, rtol=1e-10)
    dY = rng.normal(size=Y.shape)
    ours, theirs = (
        fast_attention.multi_head_backward(dY, cache),
        lesson_9["multi_head_backward"].reference(dY, other_cache),
    )
    assert set(ours) == set(theirs)
    for name, gradient in theirs.items():
        np.testing.assert_allclose(ours[name], gradient, rtol=1e-9, atol=1e-12)


def test_no_step_sees_a_later_one_and_the_order_is_lost_without_positions():
    x, p, h = block(4, 5, 2, 2, 6)
    changed = x.copy()
    changed[:, :, 4:] += 1
    one, two = (BLOCK(a, p, h, CAUSAL(6))[0] for a in (x, changed))
    assert np.array_equal(one[:, :, :4], two[:, :, :4])
    assert np.all(np.any(one[:, :, 4:] != two[:, :, 4:], axis=0))
    order, everything = np.random.default_rng(0).permutation(6), np.ones((6, 6), bool)
    moved = BLOCK(x[:, :, order], p, h, everything)[0]
    np.testing.assert_allclose(moved, BLOCK(x, p, h, everything)[0][:, :, order], atol=1e-12)


@pytest.mark.parametrize("residual", [True, False])
def test_transformer_back_matches_numerical_gradients(residual):
    functions = LEARNED if residual else pictures.without_residuals(PIECES)
    net = fast_attention.Transformer(
        functions, 5, 3, np.random.default_rng(0), n=6, n_h=7, num_heads=2, blocks=2, causal=CAUSAL
    )
    tokens, y = np.random.default_rng(1).integers(5, size=(3, 4)), np.random.default_rng(2).integers(3, size=(3, 4))
    cost = lambda: fast_rnn.softmax_loss(net.forward(tokens), y)[0]
    net.backward(fast_rnn.softmax_loss(net.forward(tokens), y)[1])
    ours = [(array, part.gradients[name].copy()) for part in net.parts() for name, array in part.parameters.items()]
    for array, gradient in ours:
        for flat in np.random.default_rng(3).choice(array.size, size=min(3, array.size), replace=False):
            index, values = np.unravel_index(flat, array.shape), []
            for step in (1e-5, -1e-5):
                array[index] += step
                values.append(cost())
                array[index] -= step
            assert gradient[index] == pytest.approx((values[0] - values[1]) / 2e-5, rel=1e-5, abs=1e-8)


# --- trainings --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lists():
    return pictures.lists(np.random.default_rng(100), 300)[0][0]


def test_lists_are_written_backwards_with_positions_alone(lists):
    assert pictures.most_frequent(lists) == pytest.approx(0.30, abs=0.02)
    for seed in range(2):
        shares = []
        for positions in (True, False):
            net = pictures.reverser(LEARNED, seed, positions=positions)
            pictures.train(net, 150, seed)
            shares.append(pictures.right(net, lists).mean())
        assert shares[0] > 0.99
        assert shares[1] == pytest.approx(pictures.most_frequent(lists), abs=0.04)


def test_six_blocks_need_their_sums(lists):
    """One run of each kind; the lesson shows five. Its rates are the best of three."""
    net = pictures.reverser(LEARNED, 0, blocks=6)
    pictures.train(net, 120, 0, 0.01, every=120)
    assert pictures.right(net, lists).mean() > 0.95
    for rate in (0.001, 0.003, 0.01):
        net = pictures.reverser(pictures.without_residuals(PIECES), 0, blocks=6)
        net.forward(lists)
        products = np.einsum("nit,nis->its", net.last, net.last)
        assert products[:, ~np.eye(10, dtype=bool)].mean() / 32 > 0.95, "the columns are alike before the training"
        pictures.train(net, 80, 0, rate, every=80)
        assert pictures.right(net, lists).mean() < 0.35


def test_names_are_predicted_one_place_later():
    tokens = np.array([[1, 2, 0, 0], [3, 0, 0, 0]])
    assert pictures.before(tokens).tolist() == [[0, 1, 2, 0], [0, 3, 0, 0]]
    assert pictures.counted(tokens).tolist() == [[1, 1, 1, 0], [1, 1, 0, 0]]
    train, test = pictures.names()
    assert len(test) == 60
    assert not {row.tobytes() for row in test} & {row.tobytes() for row in train}
    assert np.all(train[:, -1] == 0)


def test_a_missing_mask_shows_in_a_cost_that_is_too_good():
    train, test = pictures.names()
    costs = []
    for causal in (CAUSAL, None):
        net = pictures.writer(LEARNED, causal)
        pictures.train_writer(net, train, 150)
        costs.append(pictures.per_letter(net.forward(pictures.before(test)), test)[0])
    assert costs[1] < 0.3 < 2 < costs[0] < np.log(27)


# --- runs to diagnose -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", range(len(pictures.FAULTS)), ids=["large", "small", "positions", "causal", "silent"])
def test_a_run_looks_as_its_fault_says_and_as_no_other(which):
    for seed in range(2):
        run = pictures.sick_run(np.random.default_rng(seed), *LEARNED, CAUSAL, which=which)
        assert run.which == which
        costs = [float(one) for one in re.search(r"steps are (.*); guessing", run.words)[1].split(", ")]
        first, second = (int(one) for one in re.findall(r"(\d+)% in the", run.words))
        spread = float(re.search(r"spread by ([\d.]+)\.", run.words)[1])
        looks = [
            costs[0] > 4,
            costs[0] < 4 and abs(costs[-1] - costs[0]) < 0.1 and costs[-1] > 2.15,
            costs[-1] < 2.0 and abs(first - second) < 10 and first < 50,
            second > 80 and first < 60,
            abs(costs[0] - 2.08) < 0.02 and spread == 0,
        ]
        looks[4] = looks[4] or (abs(costs[0] - 2.08) < 0.05 and spread < 0.2)
        assert [i for i, there in enumerate(looks) if there] == [which], (seed, run.words)


# --- the pictures -----------------------------------------------------------------------------------------------------


@pytest.fixture
def picture():
    return pictures.walk(NORM, GELU, POSITIONS)


def test_pictures_answer_within_a_tenth_of_a_second(picture, record_property):
    seconds, gelu = [], pictures.gelu_slider(GELU, SLOPE)
    for step in range(8):
        for one, name, value in (
            (picture, "t", (step + 1) % 6),
            (picture, "residual", bool(step % 2)),
            (gelu, "z", step / 4),
        ):
            start = time.process_time()
            one.controls[name].value = value
            seconds.append(time.process_time() - start)
    record_property("pictures of lesson 5.10, median time to answer", f"{1000 * statistics.median(seconds):.0f} ms")
    assert statistics.median(seconds) < machine.seconds(0.1)


def test_picture_says_what_it_shows(picture):
    assert "LN(x) 1.00" in picture._caption.value
    assert "with itself is 16.0" in picture._caption.value
    picture.controls["attended"].value = False
    said = re.search(r"column: x ([\d.]+), .*x \+ attention ([\d.]+),", picture._caption.value)
    assert said[1] == said[2], "nothing is added"
    gelu = pictures.gelu_slider(GELU, SLOPE)
    gelu.controls["z"].value = 1.0
    assert "GELU 0.8413, ReLU 1.00; the derivative of GELU is 1.0833" in gelu._caption.value


def test_pictures_have_static_twins(picture):
    data = picture._repr_mimebundle_()
    assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).size == (840, 460)
    assert len(pictures.draw_walk(NORM, GELU, POSITIONS, residual=False).axes) == 7
