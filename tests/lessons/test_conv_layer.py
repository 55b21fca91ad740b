"""Lesson 4.2, the convolutional layer: the formulas against SciPy, autograd and numbers; its claims and its picture."""

import base64
import io
import re
import statistics
import sys
import time
import types

import autograd
import autograd.numpy as anp
import autograd.scipy.signal
import machine
import numpy as np
import pytest
from PIL import Image
from scipy.signal import convolve2d, correlate2d

from helpers import data, exercises
from helpers.widgets import conv_layer, fast_cnn

LESSON = exercises.load("conv_layer").exercises
FORWARD, BACKWARD, IM2COL, COL2IM, FORWARD_FAST, BACKWARD_FAST = (
    LESSON[name].reference
    for name in ("conv_forward", "conv_backward", "im2col", "col2im", "conv_forward_fast", "conv_backward_fast")
)
PIXEL, PIXEL_BACK = (LESSON[name].reference for name in ("one_by_one_forward", "one_by_one_backward"))
BOTH = pytest.mark.parametrize(
    ("forward", "backward"), [(FORWARD, BACKWARD), (FORWARD_FAST, BACKWARD_FAST)], ids=["loops", "im2col"]
)
#: Windows that overlap, touch, and leave gaps; with and without padding; with rows left over.
SIZES = pytest.mark.parametrize(
    ("f", "stride", "pad"), [(3, 1, 0), (3, 1, 1), (3, 2, 0), (3, 2, 1), (2, 2, 0), (2, 3, 0), (2, 3, 2), (1, 2, 1)]
)


def layer(f, stride, pad, seed=0):
    rng = np.random.default_rng(seed)
    A_prev, W, b = rng.normal(size=(2, 6, 5, 2)), rng.normal(size=(f, f, 2, 3)), rng.normal(size=(1, 1, 1, 3))
    return A_prev, W, b, {"stride": stride, "pad": pad}


def relative_error(got, expected):
    return np.linalg.norm(got - expected) / (np.linalg.norm(got) + np.linalg.norm(expected))


def by_hand():
    A_prev, W = np.arange(1.0, 10).reshape(1, 3, 3, 1), np.array([[1.0, 2], [3, 4]]).reshape(2, 2, 1, 1)
    dZ = np.array([[1.0, 10], [100, 1000]]).reshape(1, 2, 2, 1)
    return A_prev, W, np.zeros((1, 1, 1, 1)), {"stride": 1, "pad": 0}, dZ


# --- forward ----------------------------------------------------------------------------------------------------------


@BOTH
@SIZES
def test_scores_match_scipy(forward, backward, f, stride, pad):
    A_prev, W, b, hparameters = layer(f, stride, pad)
    Z, _ = forward(A_prev, W, b, hparameters)
    padded = np.pad(A_prev, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    for i, c in np.ndindex(2, 3):
        flat = sum(correlate2d(padded[i, :, :, d], W[:, :, d, c], mode="valid") for d in range(2))
        np.testing.assert_allclose(Z[i, :, :, c], flat[::stride, ::stride] + b[0, 0, 0, c], atol=1e-12)


@BOTH
def test_the_four_scores_by_hand(forward, backward):
    Z, cache = forward(*by_hand()[:4])
    assert Z[0, :, :, 0].tolist() == [[37, 47], [67, 77]]
    assert len(cache) == 4


def test_lessons_1_and_2_agree():
    A_prev, W, b, hparameters = layer(3, 2, 1)
    conv2d = exercises.load("convolution").exercises["conv2d"].reference
    np.testing.assert_allclose(FORWARD(A_prev, W, b, hparameters)[0], conv2d(A_prev, W, b, 1, 2), atol=1e-12)


def test_table_entry_by_entry():
    """Equation (2.15), with its formulas for the row and the column."""
    A_prev, f, pad, stride = np.random.default_rng(1).normal(size=(3, 5, 7, 2)), 3, 1, 2
    A_pad = np.pad(A_prev, ((0, 0), (1, 1), (1, 1), (0, 0)))
    n_H, n_W = 3, 4
    X = IM2COL(A_prev, f, pad, stride)
    assert X.shape == (3 * n_H * n_W, f * f * 2)
    for i, h, w, j, k, d in np.ndindex(3, n_H, n_W, f, f, 2):
        entry = X[(i * n_H + h) * n_W + w, (j * f + k) * 2 + d]
        assert entry == A_pad[i, stride * h + j, stride * w + k, d]


def test_counts_of_parameters():
    """(2.4): ten filters of 3 by 3 on a colour image, and the dense layers of the demonstration."""
    for f, n_C_prev, n_C, number in ((3, 3, 10, 280), (5, 1, 8, 208)):
        assert (f * f * n_C_prev + 1) * n_C == number
        assert np.zeros((f, f, n_C_prev, n_C)).size + np.zeros((1, 1, 1, n_C)).size == number
    assert (28 * 28 + 1) * (24 * 24 * 8) == 3_617_280
    assert (224 * 224 + 1) * (220 * 220 * 8) == 19_428_534_400
    model = conv_layer.network("learned", FORWARD_FAST, BACKWARD_FAST)
    assert sum(V.size for part in model.parts() for V in part.parameters.values()) == 11738


# --- backward ---------------------------------------------------------------------------------------------------------


@BOTH
@SIZES
def test_backward_matches_numerical_gradient(forward, backward, f, stride, pad):
    A_prev, W, b, hparameters = layer(f, stride, pad)
    Z, cache = forward(A_prev, W, b, hparameters)
    C = np.random.default_rng(1).normal(size=Z.shape)
    for V, dV in zip((A_prev, W, b), backward(C, cache), strict=True):
        numerical = np.empty_like(V)
        for index in np.ndindex(V.shape):
            costs = []
            for step in (1e-6, -2e-6):
                V[index] += step
                costs.append(np.sum(C * forward(A_prev, W, b, hparameters)[0]))
            V[index] += 1e-6
            numerical[index] = (costs[0] - costs[1]) / 2e-6
        assert dV.shape == V.shape
        assert relative_error(dV, numerical) < 1e-6


@BOTH
@pytest.mark.parametrize("pad", [0, 2])
def test_backward_matches_autograd(forward, backward, pad):
    """HIPS autograd flips, as mathematics does: flip the filters."""
    A_prev, W, b, hparameters = layer(3, 1, pad)
    Z, cache = forward(A_prev, W, b, hparameters)
    C = np.random.default_rng(2).normal(size=Z.shape)

    def cost(A_prev, W, b):
        padded = anp.pad(A_prev, ((0, 0), (pad, pad), (pad, pad), (0, 0)), mode="constant")
        Z = autograd.scipy.signal.convolve(
            padded, W[::-1, ::-1], axes=([1, 2], [0, 1]), dot_axes=([3], [2]), mode="valid"
        )
        return anp.sum((anp.transpose(Z, (0, 2, 3, 1)) + b) * C)

    for dV, theirs in zip(backward(C, cache), autograd.grad(cost, (0, 1, 2))(A_prev, W, b), strict=True):
        np.testing.assert_allclose(dV, theirs, atol=1e-10)


@SIZES
def test_pixels_by_gathering(f, stride, pad):
    """Equation (2.12) as it stands, with (2.13): for each pixel all windows that see it."""
    A_prev, W, b, hparameters = layer(f, stride, pad)
    Z, cache = FORWARD(A_prev, W, b, hparameters)
    dZ = np.random.default_rng(3).normal(size=Z.shape)
    gathered = np.zeros_like(A_prev)
    for q, r, h, w in np.ndindex(6, 5, *Z.shape[1:3]):
        j, k = q + pad - stride * h, r + pad - stride * w
        if 0 <= j < f and 0 <= k < f:
            gathered[:, q, r] += dZ[:, h, w] @ W[j, k].T
    np.testing.assert_allclose(BACKWARD(dZ, cache)[0], gathered, atol=1e-12)


@BOTH
def test_backward_by_hand(forward, backward):
    *arguments, dZ = by_hand()
    dA, dW, db = backward(dZ, forward(*arguments)[1])
    assert dA[0, :, :, 0].tolist() == [[1, 12, 20], [103, 1234, 2040], [300, 3400, 4000]]
    assert dW[:, :, 0, 0].tolist() == [[5421, 6532], [8754, 9865]]
    assert db.tolist() == [[[[1111]]]]


def test_the_row_of_three_pixels():
    """Equation (2.7), as an image with one row: the second row of the filter is 0 and lies in the frame or beyond."""
    a, w, dz = (2.0, 3.0, 5.0), (7.0, 11.0), (13.0, 17.0)
    A_prev = np.array([a, (0, 0, 0)]).reshape(1, 2, 3, 1)
    W = np.array([w, (0, 0)]).reshape(2, 2, 1, 1)
    cache = (A_prev, W, np.zeros((1, 1, 1, 1)), {"stride": 1, "pad": 0})
    dA, dW, db = BACKWARD(np.array(dz).reshape(1, 1, 2, 1), cache)
    assert dA[0, 0, :, 0].tolist() == [dz[0] * w[0], dz[0] * w[1] + dz[1] * w[0], dz[1] * w[1]]
    assert dW[0, :, 0, 0].tolist() == [dz[0] * a[0] + dz[1] * a[1], dz[0] * a[1] + dz[1] * a[2]]
    assert db.item() == sum(dz)


def test_the_way_back_is_two_convolutions():
    rng = np.random.default_rng(4)
    A, W = rng.normal(size=(1, 8, 9, 1)), rng.normal(size=(3, 3, 1, 1))
    Z, cache = FORWARD(A, W, np.zeros((1, 1, 1, 1)), {"stride": 1, "pad": 0})
    dZ = rng.normal(size=Z.shape)
    dA, dW, _ = BACKWARD(dZ, cache)
    np.testing.assert_allclose(dA[0, :, :, 0], convolve2d(dZ[0, :, :, 0], W[:, :, 0, 0], mode="full"), atol=1e-12)
    np.testing.assert_allclose(dW[:, :, 0, 0], correlate2d(A[0, :, :, 0], dZ[0, :, :, 0], mode="valid"), atol=1e-12)


@SIZES
def test_col2im_is_the_adjoint_of_im2col(f, stride, pad):
    """Equation (2.20), and the matrix M itself."""
    A = np.random.default_rng(5).normal(size=(2, 4, 5, 2))
    columns = IM2COL(A, f, pad, stride)
    C = np.random.default_rng(6).normal(size=columns.shape)
    back = COL2IM(C, A.shape, f, pad, stride)
    assert np.sum(columns * C) == pytest.approx(np.sum(A * back))
    units = np.eye(A.size).reshape(A.size, *A.shape)
    M = np.stack([IM2COL(unit, f, pad, stride).ravel() for unit in units], axis=1)
    assert set(np.unique(M)) <= {0, 1}
    np.testing.assert_allclose(M.T @ C.ravel(), back.ravel(), atol=1e-12)


def test_col2im_is_not_the_inverse():
    A = by_hand()[0]
    back = COL2IM(IM2COL(A, 2, 0, 1), A.shape, 2, 0, 1)
    assert back[0, :, :, 0].tolist() == [[1, 4, 3], [8, 20, 12], [7, 16, 9]]


@pytest.mark.parametrize(("f", "stride", "counts"), [(3, 1, {1, 2, 3, 4, 6, 9}), (3, 2, {1, 2, 4}), (2, 3, {0, 1})])
def test_counts_of_windows_in_the_figure(f, stride, counts):
    n = (7 - f) // stride + 1
    cache = (np.zeros((1, 7, 7, 1)), np.ones((f, f, 1, 1)), np.zeros((1, 1, 1, 1)), {"stride": stride, "pad": 0})
    dA, _, _ = BACKWARD(np.ones((1, n, n, 1)), cache)
    assert set(dA.ravel()) == counts
    seen = [sum(stride * h <= q < stride * h + f for h in range(n)) for q in range(7)]
    np.testing.assert_array_equal(dA[0, :, :, 0], np.outer(seen, seen))


def test_a_negative_slice_is_empty_without_padding():
    assert np.zeros((1, 4, 4, 1))[:, 0:-0, 0:-0].size == 0


def test_slopes_are_derivatives_and_leave_no_trace():
    V = np.array([[1.0, 2], [3, 4]])
    before = V.copy()
    np.testing.assert_allclose(conv_layer.slopes(lambda: np.sum(V**2), V), 2 * before, rtol=1e-8)
    np.testing.assert_array_equal(V, before)


# --- the lesson's measurements ----------------------------------------------------------------------------------------


def test_relu_splits_scores_between_a_filter_and_its_opposite():
    mnist = data.mnist()
    seven = mnist.train_images[np.flatnonzero(mnist.train_labels[0] == 7)[0]][None, :, :, None] / 255
    vertical = np.array([[1.0, 0, -1]] * 3)
    W = np.stack([vertical, -vertical], axis=-1)[:, :, None, :]
    Z, _ = FORWARD(seven, W, np.zeros((1, 1, 1, 2)), {"stride": 1, "pad": 1})
    assert Z.shape == (1, 28, 28, 2)
    A = np.maximum(0, Z)
    np.testing.assert_allclose(A[..., 0] - A[..., 1], Z[..., 0], atol=1e-12)
    assert A[..., 0].max() > 1 < A[..., 1].max()


def test_other_ways_give_the_same_scores():
    rng = np.random.default_rng(7)
    A, W = rng.normal(size=(3, 8, 9, 4)), rng.normal(size=(3, 3, 4, 5))
    Z, _ = FORWARD_FAST(A, W, np.zeros((1, 1, 1, 5)), {"stride": 1, "pad": 0})
    ways = conv_layer.ways()
    assert {"SciPy, sums", "SciPy, FFT"} <= set(ways) <= {"SciPy, sums", "SciPy, FFT", "PyTorch"}
    for way in ways.values():
        np.testing.assert_allclose(way(A, W), Z, atol=1e-10)


def test_pytorch_is_called_as_it_wants(monkeypatch):
    """Channels before height and width, filters first; a stand-in, since PyTorch is not needed here."""

    class Tensor:
        def __init__(self, array):
            self.array = array

        def numpy(self):
            return self.array

    def conv2d(images, kernels):
        windows = np.lib.stride_tricks.sliding_window_view(images.array, kernels.array.shape[2:], axis=(2, 3))
        return Tensor(np.einsum("idhwjk,cdjk->ichw", windows, kernels.array))

    functional = types.SimpleNamespace(conv2d=conv2d)
    torch = types.SimpleNamespace(
        from_numpy=Tensor, nn=types.SimpleNamespace(functional=functional), __spec__=types.SimpleNamespace()
    )
    monkeypatch.setitem(sys.modules, "torch", torch)
    rng = np.random.default_rng(8)
    A, W = rng.normal(size=(2, 7, 6, 3)), rng.normal(size=(3, 3, 3, 4))
    Z, _ = FORWARD_FAST(A, W, np.zeros((1, 1, 1, 4)), {"stride": 1, "pad": 0})
    np.testing.assert_allclose(conv_layer.ways()["PyTorch"](A, W), Z, atol=1e-12)


def test_the_product_is_much_faster_than_the_loops(record_property):
    rng = np.random.default_rng(9)
    A, W, b = rng.random((10, 28, 28, 1)), rng.normal(size=(5, 5, 1, 8)), np.zeros((1, 1, 1, 8))
    loops, (Z, cache) = conv_layer.seconds(FORWARD, A, W, b, {"stride": 1, "pad": 0}, repeat=1)
    fast, (_, cache_fast) = conv_layer.seconds(FORWARD_FAST, A, W, b, {"stride": 1, "pad": 0})
    assert loops > 20 * fast
    record_property("lesson 4.2, forward: im2col against loops", f"{loops / fast:.0f} times as fast")
    assert cache_fast[0].size / A.size == pytest.approx(24 * 24 * 25 / 28**2)


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_one_by_one_matches_the_layer_numbers_and_autograd(stride):
    rng = np.random.default_rng(stride)
    A, W, b = rng.normal(size=(2, 5, 4, 3)), rng.normal(size=(1, 1, 3, 2)), rng.normal(size=(1, 1, 1, 2))
    Z, cache = PIXEL(A, W, b, stride)
    np.testing.assert_allclose(Z, FORWARD(A, W, b, {"stride": stride, "pad": 0})[0], atol=1e-12)
    C = rng.normal(size=Z.shape)
    found = PIXEL_BACK(C, cache)

    def cost(A, W, b):
        return anp.sum(C * (anp.einsum("ihwd,dc->ihwc", A[:, ::stride, ::stride], W[0, 0]) + b))

    for i, (dV, V) in enumerate(zip(found, (A, W, b), strict=True)):
        np.testing.assert_allclose(dV, autograd.grad(cost, i)(A, W, b), atol=1e-12)
        numerical = conv_layer.slopes(lambda: np.sum(C * PIXEL(A, W, b, stride)[0]), V)
        assert relative_error(dV, numerical) < 1e-7


def test_a_perfect_edge_is_explained_and_a_flat_one_by_its_line():
    y, x = np.mgrid[:5, :5] - 2.0
    W = np.stack([x > 0, x + y > 0, x**2 + y**2 < 3], axis=-1)[:, :, None] * 1.0
    shares = conv_layer.edge_share(W)
    np.testing.assert_allclose(shares[:2], 1)
    assert shares[2] < 0.3
    assert conv_layer.edge_share(3 * W - 7)[0] == pytest.approx(1)


@pytest.mark.parametrize("which", range(len(conv_layer.FAULTS)), ids=["large", "small", "order", "dead", "left out"])
def test_a_run_looks_as_its_fault_says_and_as_no_other(which):
    for seed in range(3):
        run = conv_layer.sick_run(np.random.default_rng(seed), FORWARD_FAST, BACKWARD_FAST, which=which)
        found = re.search(
            r"cost is (.*) at the start and (.*) after 40 steps; it rose in (\d+) .* digits, (\d+)% of new ones\. "
            r"At the start (\d+)% .* moved by (.*) of",
            run.words,
        )
        start, end, rose, new, alive, moved = map(float, found.groups())
        looks = [
            rose > 10 and end > np.log(10),
            rose == 0 and start - end < 0.1 and 0 < moved < 0.01,
            end < start - 0.5 and new < 25,
            alive == 0 and moved == 0 and end > 2.2,
            end < start - 0.5 and alive > 10 and moved == 0,
        ]
        assert [i for i, there in enumerate(looks) if there] == [which], (seed, run.words)


def test_large_filters_favour_the_fft():
    A = np.random.default_rng(10).normal(size=(2, 96, 96, 1))
    taken = {}
    for f in (3, 31):
        W = np.ones((f, f, 1, 4))
        own, _ = conv_layer.seconds(FORWARD_FAST, A, W, np.zeros((1, 1, 1, 4)), {"stride": 1, "pad": 0})
        fft, _ = conv_layer.seconds(conv_layer.ways()["SciPy, FFT"], A, W)
        taken[f] = own / fft
    assert taken[31] > 3 * taken[3]
    assert taken[31] > 2


def test_learned_filters_beat_fixed_ones_and_pixels():
    """The run of the notebook."""
    train, test = conv_layer.digits(data.mnist())
    right = {}
    for kind in ("pixels", "fixed", "learned"):
        model = conv_layer.network(kind, FORWARD_FAST, BACKWARD_FAST)
        if kind != "pixels":
            start = model.layers[0].W.copy()
        _, train_accuracy, right[kind] = conv_layer.fit(model, train, test)
        if kind == "fixed":
            np.testing.assert_array_equal(model.layers[0].W, start)
    assert np.median(conv_layer.edge_share(start)) < 0.25 < 0.4 < np.median(conv_layer.edge_share(model.layers[0].W))
    assert right["pixels"] == pytest.approx(0.91, abs=0.01)
    assert right["fixed"] == pytest.approx(0.93, abs=0.01)
    assert right["learned"] == pytest.approx(0.945, abs=0.011)
    assert right["pixels"] < right["fixed"] < right["learned"]
    assert train_accuracy > 0.98
    moved = np.sqrt(np.sum((model.layers[0].W - start) ** 2, (0, 1, 2)) / np.sum(start**2, (0, 1, 2)))
    assert 0.2 < moved.min() < moved.max() < 2


def test_the_layer_of_the_training_passes_the_functions_on():
    rng = np.random.default_rng(11)
    images, W = rng.normal(size=(2, 7, 7, 1)), rng.normal(size=(3, 3, 1, 2))
    yours = conv_layer.YourLayer(FORWARD_FAST, BACKWARD_FAST, W, 2)
    theirs = fast_cnn.Conv(3, 1, 2, rng, stride=2, first=True, dtype=np.float64)
    theirs.parameters["W"][...] = W
    Z = yours.forward(images)
    np.testing.assert_allclose(Z, theirs.forward(images), atol=1e-12)
    yours.backward(Z)
    theirs.backward(Z)
    for name in ("W", "b"):
        np.testing.assert_allclose(yours.gradients[name].ravel(), theirs.gradients[name].ravel(), atol=1e-12)


# --- the picture ------------------------------------------------------------------------------------------------------


@pytest.fixture
def picture():
    return conv_layer.reach(FORWARD, BACKWARD)


def test_picture_answers_within_a_tenth_of_a_second(picture, record_property):
    seconds = []
    picture.controls["pad"].value = 1
    for step in range(12):
        for name, value in (("row", step % 5), ("column", (step + 3) % 4), ("stride", 1 + step % 2)):
            start = time.process_time()
            picture.controls[name].value = value
            seconds.append(time.process_time() - start)
    record_property("picture of lesson 4.2, median time to answer", f"{1000 * statistics.median(seconds):.0f} ms")
    assert statistics.median(seconds) < machine.seconds(0.1)


def test_picture_follows_its_controls(picture):
    pictures = [picture._image.value]
    changes = (("row", 1), ("column", 3), ("pad", 1), ("stride", 2), ("f", 2), ("follow", conv_layer.ENTRY))
    for name, value in changes:
        picture.controls[name].value = value
        assert picture._image.value not in pictures
        pictures.append(picture._image.value)


def test_picture_says_what_the_answers_say(picture):
    def says(**values):
        for name, value in values.items():
            picture.controls[name].value = value
        return picture._caption.value

    assert "Pixel (0, 0) reaches 1 output." in says(row=0, column=0)
    assert "Pixel (2, 2) reaches 9 outputs." in says(row=2, column=2)
    assert "Pixel (2, 2) reaches 9 outputs." in says(pad=1)
    assert "Pixel (0, 0) reaches 4 outputs." in says(row=0, column=0)
    for row, column in np.ndindex(5, 5):
        nothing = "reaches no output. Your conv_backward gives dA = 0." in says(
            f=2, stride=3, pad=0, row=row, column=column
        )
        assert nothing == (row == 2 or column == 2)


def test_picture_sums_what_comes_back():
    reach = conv_layer.Reach(FORWARD, BACKWARD, 3, 1, 2)
    for row, column in np.ndindex(5, 5):
        assert np.sum(reach.reached(row, column) * reach.dZ) == reach.dA[row + 1, column + 1]
        _, sentence, text = conv_layer._follow_pixel(reach, row, column)
        left, right = text.split(" = ")[1:]
        assert sum(np.prod([float(x) for x in term.split("·")]) for term in left.split(" + ")) == float(right)
        assert f"dA = {right}." in sentence


def test_picture_never_leaves_the_output(picture):
    picture.controls["follow"].value = conv_layer.ENTRY
    picture.controls["pad"].value = 1
    picture.controls["row"].value = 4
    picture.controls["stride"].value = 3
    assert picture.controls["row"].max == picture.controls["row"].value == 1
    assert "from row 3" in picture._caption.value
    assert "Entry (1, " in picture._caption.value


def test_picture_shows_what_the_functions_do():
    """A backward pass with `=` for `+=` is seen at once."""

    def overwriting(dZ, cache):
        A_prev, W, b, _ = cache
        dA = np.zeros_like(A_prev)
        for h, w in np.ndindex(dZ.shape[1:3]):
            dA[:, h : h + 3, w : w + 3] = W[..., 0] * dZ[0, h, w, 0]
        return dA, W, b

    right, wrong = (conv_layer.Reach(FORWARD, backward, 3, 0, 1) for backward in (BACKWARD, overwriting))
    assert right.dA[2, 2] == 310
    assert wrong.dA[2, 2] == 6


def test_picture_has_a_static_twin(picture):
    bundle = picture._repr_mimebundle_()
    image = Image.open(io.BytesIO(base64.b64decode(bundle["image/png"])))
    assert image.size == (720, 330)
    assert "application/vnd.jupyter.widget-view+json" in bundle
