"""Lesson 4.1, convolution: the formulas against SciPy and brute force, the lesson's numbers, and its picture."""

import base64
import io
import statistics
import time

import autograd.scipy.signal
import machine
import numpy as np
import pytest
from PIL import Image
from scipy.signal import convolve2d, correlate2d

from helpers import data, exercises
from helpers.widgets import convolution

LESSON = exercises.load("convolution").exercises
EDGE_DETECT, ZERO_PAD, SAME, SIZE, STEP, CONV2D = (
    LESSON[name]
    for name in ("edge_detect", "zero_pad", "same_padding", "conv_output_size", "conv_single_step", "conv2d")
)
DILATED = LESSON["dilated_conv"]
VERTICAL = np.array([[1.0, 0, -1]] * 3)
LEFT_BRIGHT = np.array([[10.0, 10, 10, 0, 0, 0]] * 6)


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


# --- the formulas -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("shape", "f"), [((9, 12), 3), ((12, 9), 4), ((7, 7), 1), ((5, 8), 5)])
def test_edge_detect_matches_scipy(shape, f):
    image, kernel = random(*shape), random(f, f, seed=1)
    np.testing.assert_allclose(EDGE_DETECT(image, kernel), correlate2d(image, kernel, mode="valid"), atol=1e-12)


def test_the_first_window_by_hand_gives_0():
    """Topic 37: 10·1 three times, 10·0 three times, 10·(-1) three times."""
    by_columns = [10 * weight for weight in (1, 1, 1, 0, 0, 0, -1, -1, -1)]
    assert sum(by_columns) == 0
    Z = EDGE_DETECT(LEFT_BRIGHT, VERTICAL)
    assert Z[0, 0] == 0
    np.testing.assert_array_equal(Z, [[0, 30, 30, 0]] * 4)
    assert STEP(np.full((3, 3, 1), 10.0), VERTICAL[:, :, None], np.zeros((1, 1, 1))) == 0


@pytest.mark.parametrize("dilation", [1, 2, 3])
def test_dilated_conv_matches_scipy_with_zeros_between_the_weights(dilation):
    image, kernel = random(9, 12), random(3, 3, seed=1)
    wide = np.kron(kernel, np.eye(1, dilation**2).reshape(dilation, dilation))  # zeros behind and below each weight
    wide = wide[: 2 * dilation + 1, : 2 * dilation + 1]
    np.testing.assert_allclose(DILATED(image, kernel, dilation), correlate2d(image, wide, mode="valid"), atol=1e-12)


def test_three_dilated_layers_see_fifteen_pixels():
    ones, seen = np.ones((3, 3)), 0
    for column in range(20):
        image = np.zeros((20, 20))
        image[:, column] = 1
        for dilation in (1, 2, 4):
            image = DILATED(image, ones, dilation)
        seen += image[0, 2] > 0
    assert seen == 15


def test_convolution_elsewhere_flips_the_filter():
    """Equation (1.4) as two loops, as SciPy's convolve2d, and as (1.2) with the flipped filter."""
    image, kernel = random(6, 8), random(3, 3, seed=1)
    by_loops = np.zeros((4, 6))
    for h, w, j, k in np.ndindex(4, 6, 3, 3):
        by_loops[h, w] += image[h + j, w + k] * kernel[2 - j, 2 - k]
    np.testing.assert_allclose(by_loops, convolve2d(image, kernel, mode="valid"), atol=1e-12)
    np.testing.assert_allclose(by_loops, EDGE_DETECT(image, kernel[::-1, ::-1]), atol=1e-12)
    np.testing.assert_array_equal(VERTICAL[::-1, ::-1], -VERTICAL)


def test_a_point_shows_the_filter_flipped():
    point, kernel = np.zeros((5, 5)), np.arange(1.0, 10).reshape(3, 3)
    point[2, 2] = 1
    np.testing.assert_array_equal(EDGE_DETECT(point, kernel), kernel[::-1, ::-1])
    np.testing.assert_array_equal(convolve2d(point, kernel, mode="valid"), kernel)


def test_zero_pad_by_its_equation():
    """Equation (1.6), entry by entry."""
    X, pad = random(2, 3, 5, 4), 2
    X_pad = ZERO_PAD(X, pad)
    assert X_pad.shape == (2, 7, 9, 4)
    for h, w in np.ndindex(7, 9):
        inside = 2 <= h < 5 and 2 <= w < 7
        np.testing.assert_array_equal(X_pad[:, h, w], X[:, h - pad, w - pad] if inside else 0)


@pytest.mark.parametrize("pad", [0, 1])
def test_how_many_windows_contain_a_pixel(pad):
    """Equation (1.5) and the figure: 1, 4 or 6, and 9 windows."""
    n, f = 6 + 2 * pad, 3
    by_formula = [min(q, n - f) - max(0, q - f + 1) + 1 for q in range(n)]
    counted = [sum(start <= q < start + f for start in range(n - f + 1)) for q in range(n)]
    assert by_formula == counted
    counts = np.outer(counted, counted)[pad : pad + 6, pad : pad + 6]
    assert (counts[0, 0], counts[2, 2]) == ((1, 9) if pad == 0 else (4, 9))


def windows_that_fit(n, f, pad, stride):
    return sum(start + f <= n + 2 * pad for start in range(0, n + 2 * pad, stride))


def test_output_size_counts_the_windows_that_fit():
    for n, f, pad, stride in np.ndindex(12, 6, 4, 5):
        n, f, stride = n + 3, f + 1, stride + 1
        if f <= n + 2 * pad:
            assert SIZE(n, f, pad, stride) == windows_that_fit(n, f, pad, stride)


def test_the_errata_of_topic_40():
    """Without the floor only the first of these is right."""
    rows = ((7, 3, 0, 2), (6, 3, 0, 2), (6, 3, 1, 2), (10, 3, 0, 4), (224, 7, 3, 2))
    assert [(n + 2 * p - f) / s + 1 for n, f, p, s in rows] == [3, 2.5, 3.5, 2.75, 112.5]
    assert [SIZE(*row) for row in rows] == [windows_that_fit(*row) for row in rows] == [3, 2, 3, 2, 112]


def test_same_padding_keeps_the_size_and_no_padding_does_for_an_even_filter():
    for f in range(1, 20):
        sizes = [SIZE(100, f, p, 1) for p in range(20)]
        assert (SAME(f) is None) == (100 not in sizes) == (f % 2 == 0)
        if f % 2:
            assert sizes[SAME(f)] == 100
            X = random(1, 25, 23, 1)
            assert CONV2D(X, random(f, f, 1, 1), np.zeros((1, 1, 1, 1)), SAME(f), 1).shape == X.shape
    assert [SIZE(100, 4, p, 1) for p in (1, 2)] == [99, 101]
    image, kernel = random(8, 9), random(5, 5, seed=1)
    Z = CONV2D(image[None, :, :, None], kernel[:, :, None, None], np.zeros((1, 1, 1, 1)), SAME(5), 1)
    np.testing.assert_allclose(Z[0, :, :, 0], correlate2d(image, kernel, mode="same"), atol=1e-12)


@pytest.mark.parametrize(("pad", "stride"), [(0, 1), (1, 2), (2, 3), (3, 1)])
def test_conv2d_matches_scipy(pad, stride):
    A_prev, W, b = random(2, 9, 6, 3), random(4, 4, 3, 5, seed=1), random(1, 1, 1, 5, seed=2)
    Z = CONV2D(A_prev, W, b, pad, stride)
    for i, c in np.ndindex(2, 5):
        padded = np.pad(A_prev[i], ((pad, pad), (pad, pad), (0, 0)))
        channels = [correlate2d(padded[:, :, d], W[:, :, d, c], mode="valid") for d in range(3)]
        np.testing.assert_allclose(Z[i, :, :, c], sum(channels)[::stride, ::stride] + b[0, 0, 0, c], atol=1e-12)


def test_conv2d_matches_autograd():
    """HIPS autograd flips, as mathematics does: flip the filters back."""
    A_prev, W, b = random(3, 7, 8, 2), random(3, 3, 2, 4, seed=1), random(1, 1, 1, 4, seed=2)
    theirs = autograd.scipy.signal.convolve(
        A_prev, W[::-1, ::-1], axes=([1, 2], [0, 1]), dot_axes=([3], [2]), mode="valid"
    )
    theirs = np.moveaxis(theirs, 1, -1)  # autograd puts the filters before height and width
    np.testing.assert_allclose(CONV2D(A_prev, W, b, 0, 1), theirs + b, atol=1e-12)


def test_a_bias_inside_the_sum_counts_once_per_product():
    window, W, b = random(3, 3, 4), random(3, 3, 4, seed=1), np.array([[[0.7]]])
    assert np.sum(window * W + b) - np.sum(window * W) == pytest.approx(3 * 3 * 4 * 0.7)
    assert STEP(window, W, b) - np.sum(window * W) == pytest.approx(0.7)


# --- the lesson's measurements ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def photos():
    return {name: convolution.shrink(photo, 1 if name == "page" else 2) for name, photo in data.photographs().items()}


def size(Z):
    return np.sqrt(np.mean(Z**2))


def test_sizes_of_scores_are_those_of_the_lesson(photos):
    vertical = {name: correlate2d(photo, VERTICAL, mode="valid") for name, photo in photos.items()}
    horizontal = {name: correlate2d(photo, VERTICAL.T, mode="valid") for name, photo in photos.items()}
    assert size(vertical["brick"]) / size(horizontal["brick"]) == pytest.approx(2.0, abs=0.1)
    camera = vertical["camera"]
    assert size(camera[:60, :60]) < 0.02 * size(camera)
    for Z, share in ((camera, 0.38), (horizontal["camera"], 0.63)):
        assert size(Z[170:, 210:]) / size(Z) == pytest.approx(share, abs=0.005)


def test_a_frame_of_zeros_makes_edges(photos):
    for photo in photos.values():
        Z = np.abs(correlate2d(np.pad(photo, 1), VERTICAL, mode="valid"))
        assert 6 < Z[:, [0, -1]].mean() / Z[:, 1:-1].mean() < 15.2


def test_a_bright_disc_is_blue_at_the_left_and_red_at_the_right():
    """So are the coins: scores left of the middle are negative, right of it positive."""
    y, x = np.mgrid[:31, :31]
    Z = EDGE_DETECT((np.hypot(y - 15, x - 15) < 9) * 1.0, VERTICAL)
    assert Z[:, :14].min() < 0 == Z[:, :14].max()
    assert Z[:, 15:].max() > 0 == Z[:, 15:].min()


def test_filter_for_red_and_its_bias():
    """Positive exactly where red exceeds blue by more than 0.4 on average: on the saucer, not on the rim."""
    coffee = convolution.shrink(data.photographs("coffee")["coffee"], 4)
    assert coffee.shape == (100, 150, 3)
    W = np.zeros((3, 3, 3, 1))
    W[:, :, 0], W[:, :, 2] = 1 / 9, -1 / 9
    Z = CONV2D(coffee[None], W, np.full((1, 1, 1, 1), -0.4), 1, 1)[0, :, :, 0]
    window = coffee[59:62, 29:32]
    assert Z[60, 30] == pytest.approx(window[..., 0].mean() - window[..., 2].mean() - 0.4)
    assert Z[60, 30] > 0.05, "saucer"
    assert Z[35, 48] < -0.1, "rim of the cup"


def test_shrink_takes_means():
    photo = np.arange(24, dtype=np.uint8).reshape(4, 6) * 10
    np.testing.assert_allclose(convolution.shrink(photo, 2)[0, 0], np.mean([0, 10, 60, 70]) / 255)
    assert convolution.shrink(np.zeros((9, 10, 3), np.uint8), 4).shape == (2, 2, 3)


# --- the picture ------------------------------------------------------------------------------------------------------


@pytest.fixture
def picture():
    return convolution.stepper(EDGE_DETECT.reference, ZERO_PAD.reference, SIZE.reference)


def test_picture_answers_within_a_tenth_of_a_second(picture, record_property):
    seconds = []
    picture.controls["pad"].value = 1
    for step in range(2, 30, 3):
        for name, value in (("step", step), ("image", list(convolution.IMAGES)[step % 2])):
            start = time.process_time()
            picture.controls[name].value = value
            seconds.append(time.process_time() - start)
    record_property("picture of lesson 4.1, median time to answer", f"{1000 * statistics.median(seconds):.0f} ms")
    assert statistics.median(seconds) < machine.seconds(0.1)


def test_picture_follows_its_controls(picture):
    pictures = [picture._image.value]
    changes = (("step", 6), ("image", "bright square"), ("kernel", "horizontal edges"), ("pad", 1), ("stride", 2))
    for name, value in (*changes, ("kernel", "2 by 2")):
        picture.controls[name].value = value
        assert picture._image.value not in pictures
        pictures.append(picture._image.value)


def test_picture_says_what_it_shows(picture):
    picture.controls["step"].value = 3
    assert "Window 3 of 16: it starts at row 0 and column 2" in picture._caption.value
    assert "entry (0, 2) of the output, 30" in picture._caption.value
    picture.controls["stride"].value = 2
    assert "⌊(6 + 2·0 − 3)/2⌋ + 1 = 2" in picture._caption.value
    assert "The last row and column of the padded image lie in no window" in picture._caption.value
    for stride in (1, 3):
        picture.controls["stride"].value = stride
        assert "lie in no window" not in picture._caption.value


def test_picture_never_leaves_the_output(picture):
    picture.controls["pad"].value = 1
    picture.controls["step"].value = 36
    picture.controls["stride"].value = 3
    assert picture.controls["step"].max == picture.controls["step"].value == 4
    assert "Window 4 of 4: it starts at row 3 and column 3" in picture._caption.value
    picture.controls["kernel"].value = "2 by 2"
    picture.controls["stride"].value = 1
    assert picture.controls["step"].max == 49


def test_picture_shows_the_frame_as_the_answers_say(picture):
    picture.controls["pad"].value = 1
    found = []
    for step in range(1, 7):
        picture.controls["step"].value = step
        found.append(picture._caption.value.split("of the output, ")[1].split(".")[0])
    assert found == ["−20", "0", "20", "20", "0", "0"]


def test_sum_is_written_out():
    text = convolution.sum_written_out(LEFT_BRIGHT[:3, :3], VERTICAL)
    assert text == "10·1 + 10·0 + 10·(−1) +\n" * 2 + "10·1 + 10·0 + 10·(−1)  =  0"


def test_picture_has_a_static_twin(picture):
    bundle = picture._repr_mimebundle_()
    image = Image.open(io.BytesIO(base64.b64decode(bundle["image/png"])))
    assert image.size == (720, 330)
    assert "application/vnd.jupyter.widget-view+json" in bundle
