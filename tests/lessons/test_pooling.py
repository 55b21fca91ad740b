"""Lesson 4.3, pooling: the formulas against scikit-image, SciPy, autograd and numbers, and the lesson's picture."""

import base64
import io
import statistics
import time

import autograd
import autograd.numpy as anp
import machine
import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import maximum_filter, uniform_filter
from skimage.measure import block_reduce

from helpers import data, exercises
from helpers.widgets import fast_cnn, pooling

LESSON = exercises.load("pooling").exercises
FORWARD, MASK, SHARE, BACKWARD = (
    LESSON[name] for name in ("pool_forward", "create_mask_from_window", "distribute_value", "pool_backward")
)
FIELD, SIZE, GLOBAL, GLOBAL_BACK = (
    LESSON[name]
    for name in ("receptive_field", "pool_output_size", "global_average_pool", "global_average_pool_backward")
)
SETTINGS = [(2, 2), (3, 1), (3, 2), (2, 3), (1, 1), (4, 3)]


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


# --- the formulas -----------------------------------------------------------------------------------------------------


def test_the_numbers_by_hand():
    A, _ = FORWARD(pooling.FOUR[None, :, :, None], {"f": 2, "stride": 2}, "max")
    assert A[0, :, :, 0].tolist() == [[9, 2], [6, 3]]
    A, _ = FORWARD(pooling.FOUR[None, :, :, None], {"f": 2, "stride": 2}, "average")
    assert A[0, :, :, 0].tolist() == [[3.75, 1.25], [3.75, 2]]


@pytest.mark.parametrize(("mode", "function"), [("max", np.max), ("average", np.mean)])
def test_windows_that_tile_match_scikit_image(mode, function):
    X = random(2, 6, 9, 3)
    A, _ = FORWARD(X, {"f": 3, "stride": 3}, mode)
    np.testing.assert_allclose(A, block_reduce(X, (1, 3, 3, 1), function), atol=1e-14)


@pytest.mark.parametrize(("f", "stride"), SETTINGS)
@pytest.mark.parametrize(("mode", "filter_"), [("max", maximum_filter), ("average", uniform_filter)])
def test_any_window_matches_scipy(mode, filter_, f, stride):
    X = random(2, 9, 8, 3)
    A, _ = FORWARD(X, {"f": f, "stride": stride}, mode)
    # SciPy centres its windows: entry (h, w) of a valid one stands at (h + f // 2, w + f // 2).
    everywhere = filter_(X, size=(1, f, f, 1))[:, f // 2 :, f // 2 :]
    theirs = everywhere[:, : 9 - f + 1 : stride, : 8 - f + 1 : stride]
    np.testing.assert_allclose(A, theirs, atol=1e-12)


@pytest.mark.parametrize(("f", "stride"), SETTINGS)
@pytest.mark.parametrize("mode", ["max", "average"])
def test_pool_backward_matches_numerical_gradient(mode, f, stride):
    X, weights, h = random(2, 5, 6, 2), None, 1e-6
    A, cache = FORWARD(X, {"f": f, "stride": stride}, mode)
    weights = random(*A.shape, seed=1)
    numerical = np.zeros(X.shape)
    for index in np.ndindex(X.shape):
        step = np.zeros(X.shape)
        step[index] = h
        plus, minus = (np.sum(weights * FORWARD(X + sign * step, cache[1], mode)[0]) for sign in (1, -1))
        numerical[index] = (plus - minus) / (2 * h)
    ours = BACKWARD(weights, cache, mode)
    assert np.linalg.norm(ours - numerical) < 1e-6 * np.linalg.norm(numerical)


@pytest.mark.parametrize(("f", "stride"), SETTINGS)
@pytest.mark.parametrize("mode", ["max", "average"])
def test_pool_backward_matches_autograd(mode, f, stride):
    X = random(3, 7, 6, 2)
    A, cache = FORWARD(X, {"f": f, "stride": stride}, mode)
    weights = random(*A.shape, seed=1)

    def cost(X):
        total = 0.0
        for h, w in np.ndindex(A.shape[1:3]):
            window = X[:, h * stride : h * stride + f, w * stride : w * stride + f]
            summary = anp.max(window, axis=(1, 2)) if mode == "max" else anp.mean(window, axis=(1, 2))
            total = total + anp.sum(weights[:, h, w] * summary)
        return total

    np.testing.assert_allclose(BACKWARD(weights, cache, mode), autograd.grad(cost)(X), atol=1e-12)


def test_shares_add_up_to_what_arrives():
    for mode in ("max", "average"):
        A, cache = FORWARD(random(2, 7, 7, 3), {"f": 3, "stride": 2}, mode)
        dA = random(*A.shape, seed=1)
        assert BACKWARD(dA, cache, mode).sum() == pytest.approx(dA.sum())
    assert SHARE(12.0, (2, 3)).sum() == pytest.approx(12)


def test_the_example_by_hand():
    image = np.array([[2.0, 5, 3], [1, 4, 0]]).reshape(1, 2, 3, 1)
    dA = np.array([10.0, 1]).reshape(1, 1, 2, 1)
    cache = (image, {"f": 2, "stride": 1})
    assert BACKWARD(dA, cache, "max")[0, :, :, 0].tolist() == [[0, 11, 0], [0, 0, 0]]
    assert BACKWARD(dA, cache, "average")[0, :, :, 0].tolist() == [[2.5, 2.75, 0.25]] * 2


def test_a_tie_marks_all_and_sends_back_too_much():
    assert MASK(np.zeros((2, 2))).sum() == 4
    cache = (np.zeros((1, 2, 2, 1)), {"f": 2, "stride": 2})
    assert BACKWARD(np.ones((1, 1, 1, 1)), cache, "max").sum() == 4


STACKS = [[(5, 1), (2, 2), (5, 1), (2, 2)], [(3, 2), (3, 1), (2, 2)], [(1, 2), (4, 1)], [(2, 1), (3, 3), (2, 1), (2, 1)]]


@pytest.mark.parametrize("stack", STACKS)
def test_receptive_field_is_where_a_change_is_seen(stack):
    """Change one pixel of a row at a time: an entry of layers that add up changes where the pixel is in its field."""

    def up(row, depth):
        for f, s in stack[:depth]:
            row = np.array([row[start : start + f].sum() for start in range(0, len(row) - f + 1, s)])
        return row

    layers = [{"f": f, "stride": s} for f, s in stack]
    seen = []
    for depth in range(1, len(stack) + 1):
        middle = len(up(np.zeros(60), depth)) // 2
        pixels = np.flatnonzero([up(row, depth)[middle] != 0 for row in np.eye(60)])
        seen.append(pixels[-1] - pixels[0] + 1)  # a stride larger than f leaves gaps
    assert FIELD(layers) == seen
    assert FIELD([]) == []


def test_ceil_mode_counts_the_windows_that_start_inside():
    for n in range(1, 30):
        for f in range(1, n + 1):
            for stride in range(1, 8):
                whole = sum(start + f <= n for start in range(0, n, stride))
                assert SIZE(n, f, stride, False) == whole
                uncovered = (whole - 1) * stride + f < n and whole * stride < n
                assert SIZE(n, f, stride, True) == whole + uncovered


@pytest.mark.parametrize("shape", [(2, 3, 5, 4), (1, 4, 2, 3)])
def test_global_average_pool_backward_matches_numerical_and_automatic_gradients(shape):
    X, C, h = random(*shape), random(shape[0], shape[3], seed=1), 1e-6
    A, cache = GLOBAL(X)
    np.testing.assert_allclose(A, [[X[i, :, :, c].mean() for c in range(shape[3])] for i in range(shape[0])])
    ours, numerical = GLOBAL_BACK(C, cache), np.zeros(shape)
    for index in np.ndindex(shape):
        step = np.zeros(shape)
        step[index] = h
        numerical[index] = np.sum(C * (GLOBAL(X + step)[0] - GLOBAL(X - step)[0])) / (2 * h)
    assert np.linalg.norm(ours - numerical) < 1e-6 * np.linalg.norm(numerical)
    automatic = autograd.grad(lambda X: anp.sum(C * anp.mean(X, axis=(1, 2))))(X)
    np.testing.assert_allclose(ours, automatic, atol=1e-14)


# --- what the lesson says ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def digits():
    return data.mnist().test_images[:200] / 255


def test_pooling_lowers_the_change_by_a_shift_and_dropping_pixels_hardly(digits):
    before, after = digits[..., None], pooling.moved_right(digits)[..., None]
    raw = pooling.change(before, after)
    dropped = pooling.change(before[:, ::2, ::2], after[:, ::2, ::2])
    assert 0.5 < raw < 0.65
    assert abs(dropped - raw) < 0.03
    for mode in ("max", "average"):
        small, large = (
            pooling.change(*(FORWARD(X, {"f": f, "stride": f}, mode)[0] for X in (before, after))) for f in (2, 4)
        )
        assert 0.75 < small / raw < 0.85
        assert 0.05 < large < small
        # Mixing at every place does as much: it is not that pixels are dropped.
        kept = pooling.change(*(FORWARD(X[:60], {"f": 2, "stride": 1}, mode)[0] for X in (before, after)))
        assert 0.75 < kept / raw < 0.85


@pytest.mark.parametrize("mode", ["max", "average"])
def test_pooling_moves_along_for_shifts_by_the_stride_only(mode):
    X = np.zeros((3, 8, 16, 2))
    X[:, :, 5:9] = random(3, 8, 4, 2)
    for s in (2, 3):
        before, _ = FORWARD(X, {"f": 2, "stride": s}, mode)
        for t in range(1, 6):
            after, _ = FORWARD(np.roll(X, t, axis=2), {"f": 2, "stride": s}, mode)
            far = [np.abs(after - np.roll(before, u, axis=2)).max() for u in range(4)]
            assert (min(far) < 1e-12) == (t % s == 0)
            if t % s == 0:
                assert np.argmin(far) == t // s


def test_a_stride_is_every_second_score():
    one, two = (fast_cnn.Conv(5, 1, 6, np.random.default_rng(0), stride=s, pad=2) for s in (1, 2))
    X = random(3, 28, 28, 1).astype(np.float32)
    np.testing.assert_allclose(two.forward(X), one.forward(X)[:, ::2, ::2], atol=1e-5)


def test_average_layer_of_the_networks_is_that_of_the_lesson():
    X, layer = random(2, 6, 8, 3), pooling.AveragePool()
    A, cache = FORWARD(X, {"f": 2, "stride": 2}, "average")
    np.testing.assert_allclose(layer.forward(X), A)
    np.testing.assert_allclose(layer.backward(A), BACKWARD(A, cache, "average"))


def test_ties_are_frequent_on_paper(digits):
    windows = digits.reshape(200, 14, 2, 14, 2).transpose(0, 1, 3, 2, 4).reshape(-1, 4)
    tied = (windows == windows.max(axis=1, keepdims=True)).sum(axis=1) > 1
    assert tied.mean() == pytest.approx(0.82, abs=0.01)
    assert (windows[tied] == 0).all(axis=1).mean() == pytest.approx(0.90, abs=0.01)


def test_answers_to_the_questions():
    A, cache = FORWARD(pooling.SIX[None, :, :, None], {"f": 3, "stride": 1}, "max")
    back = BACKWARD(np.ones(A.shape), cache, "max")[0, :, :, 0]
    assert back.max() == back[pooling.SIX == 22].item() == 6
    equal = []
    for f in range(1, 5):
        for stride in range(1, 4):
            A, cache = FORWARD(pooling.SIX[None, :, :, None], {"f": f, "stride": stride}, "average")
            if np.ptp(BACKWARD(np.ones(A.shape), cache, "average")) < 1e-12:
                equal.append((f, stride))
    assert equal == [(1, 1), (2, 2), (3, 3)]


# --- the picture ------------------------------------------------------------------------------------------------------


@pytest.fixture
def picture():
    return pooling.pool_and_send_back(FORWARD.reference, BACKWARD.reference)


def test_picture_answers_within_a_tenth_of_a_second(picture, record_property):
    seconds = []
    for step in range(12):
        for name, value in (("f", 1 + step % 4), ("stride", 1 + step % 3), ("window", 1 + step % 5)):
            start = time.process_time()
            picture.controls[name].value = value
            seconds.append(time.process_time() - start)
    record_property("picture of lesson 4.3, median time to answer", f"{1000 * statistics.median(seconds):.0f} ms")
    assert statistics.median(seconds) < machine.seconds(0.1)


def test_picture_follows_its_controls(picture):
    seen = [picture._image.value]
    for name, value in (("window", 5), ("mode", "average"), ("f", 3), ("stride", 1)):
        picture.controls[name].value = value
        assert picture._image.value not in seen
        seen.append(picture._image.value)


def test_picture_says_what_it_shows(picture):
    picture.controls["window"].value = 4
    assert "Window 4 of 9: rows 2 to 3, columns 0 to 1; its largest entry is 20." in picture._caption.value
    assert (
        "27 of the 36 pixels get no gradient; the largest share is 1, and all shares add up to 9."
        in picture._caption.value
    )
    picture.controls["mode"].value = "average"
    assert "its mean is 7.62. 0 of the 36 pixels" in picture._caption.value


def test_picture_never_leaves_the_output(picture):
    picture.controls["stride"].value = 1
    picture.controls["window"].value = 25
    picture.controls["f"].value = 4
    assert picture.controls["window"].max == picture.controls["window"].value == 9
    assert "Window 9 of 9" in picture._caption.value


def test_picture_has_a_static_twin(picture):
    image = Image.open(io.BytesIO(base64.b64decode(picture._repr_mimebundle_()["image/png"])))
    assert image.size == (740, 270)
