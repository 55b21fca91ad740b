"""Lesson 5.2, backpropagation through time: the gradients against autograd and differences, its numbers, its picture."""

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

from helpers import exercises
from helpers.widgets import backpropagation_through_time as pictures

LESSON = exercises.load("backpropagation_through_time").exercises
OUTPUT, CELL, BACK, CLIP, LAG = (
    LESSON[name]
    for name in ("rnn_output_backward", "rnn_cell_backward", "rnn_backward", "clip", "gradient_norm_by_lag")
)
FORWARD = exercises.load("recurrent_networks").exercises["rnn_forward"]
#: Sizes n_x, m, T_x, n_a, n_y; sequences of length 1 and batches of one among them.
SIZES = [(3, 4, 5, 2, 3), (2, 1, 6, 4, 2), (4, 3, 1, 3, 5), (1, 1, 1, 1, 2)]


def drawn(n_x, m, T_x, n_a, n_y):
    """Return x, a0, parameters, labels and a mask with padding."""
    rng = np.random.default_rng(1)
    p = pictures.network(n_x, n_a, n_y, rng) | {"ba": rng.normal(size=(n_a, 1)), "by": rng.normal(size=(n_y, 1))}
    y = np.moveaxis(np.eye(n_y)[rng.integers(0, n_y, (m, T_x))], 2, 0)
    mask = (np.arange(T_x) < rng.integers(1, T_x + 1, (m, 1))) * 1.0
    return rng.normal(size=(n_x, m, T_x)), rng.normal(size=(n_a, m)), p, y, mask


def cost(x, a0, p, y, mask):
    """Return J, written in autograd's NumPy, another way than the catalogue's."""
    a, J = a0, 0.0
    for t in range(x.shape[2]):
        a = anp.tanh(anp.dot(p["Waa"], a) + anp.dot(p["Wax"], x[:, :, t]) + p["ba"])
        z = anp.dot(p["Wya"], a) + p["by"]
        losses = anp.log(anp.sum(anp.exp(z), axis=0)) - anp.sum(y[:, :, t] * z, axis=0)
        J = J + anp.sum(mask[:, t] * losses) / x.shape[1]
    return J


def gradients_of(x, a0, p, y, mask):
    a, y_pred, caches = FORWARD(x, a0, p)
    output = OUTPUT(y_pred, y, mask, a, p)
    return output | BACK(output["da"], caches)


@pytest.mark.parametrize("sizes", SIZES)
def test_all_gradients_match_autograd(sizes):
    x, a0, p, y, mask = drawn(*sizes)
    ours = gradients_of(x, a0, p, y, mask)
    dx, da0, dp = autograd.grad(lambda args: cost(*args, y, mask))((x, a0, p))
    for name, theirs in {"x": dx, "a0": da0, **dp}.items():
        np.testing.assert_allclose(ours["d" + name], theirs, rtol=1e-9, atol=1e-12, err_msg=name)


def relative_error(f, V, dV, h=1e-5):
    """Return how far dV is from central differences of f at V."""
    numbers = np.zeros_like(V)
    for place in np.ndindex(V.shape):
        step = np.zeros_like(V)
        step[place] = h
        numbers[place] = (f(V + step) - f(V - step)) / (2 * h)
    return np.linalg.norm(numbers - dV) / (np.linalg.norm(numbers) + np.linalg.norm(dV))


@pytest.mark.parametrize("name", ["Wax", "Waa", "Wya", "ba", "by"])
def test_gradients_match_differences(name):
    x, a0, p, y, mask = drawn(*SIZES[0])
    dV = gradients_of(x, a0, p, y, mask)["d" + name]
    assert relative_error(lambda V: cost(x, a0, p | {name: V}, y, mask), p[name], dV) < 1e-6


def test_one_step_and_outputs_match_differences():
    x, a0, p, y, mask = drawn(*SIZES[0])
    da = np.random.default_rng(2).normal(size=a0.shape)
    found = CELL(da, FORWARD(x[:, :, :1], a0, p)[2][0][0])

    def after(xt, a, q):
        return np.sum(da * np.tanh(q["Wax"] @ xt + q["Waa"] @ a + q["ba"]))

    assert relative_error(lambda V: after(V, a0, p), x[:, :, 0], found["dxt"]) < 1e-6
    assert relative_error(lambda V: after(x[:, :, 0], V, p), a0, found["da_prev"]) < 1e-6
    for name in ("Wax", "Waa", "ba"):
        assert relative_error(lambda V, k=name: after(x[:, :, 0], a0, p | {k: V}), p[name], found["d" + name]) < 1e-6
    a, y_pred, _ = FORWARD(x, a0, p)

    def of_states(a):
        z = np.einsum("ya,amt->ymt", p["Wya"], a) + p["by"][:, :, None]
        return np.sum(mask * (np.log(np.exp(z).sum(axis=0)) - (y * z).sum(axis=0))) / y.shape[1]

    assert relative_error(of_states, a, OUTPUT(y_pred, y, mask, a, p)["da"]) < 1e-6


@pytest.mark.parametrize("sizes", SIZES)
def test_forward_of_the_pictures_is_that_of_lesson_1(sizes):
    x, a0, p, _, _ = drawn(*sizes)
    for ours, theirs in zip(pictures.run(x, a0, p)[:2], FORWARD(x, a0, p)[:2], strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-12)
    for ours, theirs in zip(pictures.run(x, a0, p)[2][0], FORWARD(x, a0, p)[2][0], strict=True):
        for k in range(3):
            np.testing.assert_allclose(ours[k], theirs[k], atol=1e-12)


def test_norms_by_lag_match_jacobians():
    x, a0, p, _, _ = drawn(*SIZES[1])
    caches, da = FORWARD(x, a0, p)[2], np.random.default_rng(3).normal(size=a0.shape)
    product, norms = np.eye(len(a0)), [np.linalg.norm(da)]
    for a_next, *_ in caches[0][::-1]:
        product = product @ (np.diag(1 - a_next[:, 0] ** 2) @ p["Waa"])
        norms.append(np.linalg.norm(da.T @ product))
    np.testing.assert_allclose(LAG(da, caches), norms)


@pytest.mark.parametrize(("scale", "left"), [(0.8, 0.00013), (1.0, 1.0), (1.2, 1470)])
def test_with_states_of_zero_each_step_multiplies_by_the_scale(scale, left):
    p = pictures.network(3, 5, 2, np.random.default_rng(0), scale)
    da = np.eye(5)[:, :1]
    norms = LAG(da, pictures.run(np.zeros((3, 1, 40)), np.zeros((5, 1)), p)[2])
    np.testing.assert_allclose(norms, scale ** np.arange(41))
    assert norms[-1] == pytest.approx(left, rel=0.03)


def test_numbers_by_hand():
    p = {"Wax": np.array([[1.0]]), "Waa": np.array([[0.5]])}
    found = CELL(np.ones((1, 1)), (np.tanh([[0.5]]), np.array([[0.6]]), np.array([[0.2]]), p))
    assert [round(found[name].item(), 4) for name in ("dba", "da_prev", "dWaa")] == [0.7864, 0.3932, 0.4719]
    assert CLIP({"g": np.array([10.0, 0.5])}, 1)["g"].tolist() == [1, 0.5]


@pytest.mark.parametrize(("limit", "low", "high"), [(np.inf, 0.99, 1.01), (0.001, 0.2, 0.4)])
def test_clipping_keeps_the_steep_unit(limit, low, high):
    unit = {"Wax": np.zeros((1, 1)), "Waa": np.array([[1.2]]), "Wya": np.zeros((2, 1)), "by": np.zeros((2, 1))}
    b, da = 0.001, np.zeros((1, 1, 40))
    for _ in range(200):
        a, _, caches = pictures.run(np.zeros((1, 1, 40)), np.zeros((1, 1)), unit | {"ba": np.array([[b]])})
        da[0, 0, -1] = a[0, 0, -1] - 0.3
        b -= 0.01 * CLIP({"b": BACK(da, caches)["dba"]}, limit)["b"].item()
    assert low < a[0, 0, -1] < high


def test_letters_as_columns():
    x, last = pictures.as_columns(["abz", "b"])
    assert x.shape == (26, 2, 3)
    assert x.argmax(axis=0)[0].tolist() == [0, 1, 25]
    assert x.sum(axis=(0, 2)).tolist() == [3, 1]
    assert last.tolist() == [[0, 0, 1], [1, 0, 0]]


def test_the_picture_follows_its_controls_quickly_and_has_a_twin():
    picture = pictures.lags(LAG)
    assert "vanishes" in picture._caption.value
    before, times = picture._image.value, []
    for scale in (1.0, 1.1, 1.2, 1.3, 1.2):
        start = time.process_time()
        picture.controls["scale"].value = scale
        times.append(time.process_time() - start)
    assert statistics.median(times) < machine.seconds(0.1)
    assert "explodes" in picture._caption.value
    assert picture._image.value != before
    picture.controls["size"].value = 2.0
    assert "it vanishes" in picture._caption.value
    twin = Image.open(io.BytesIO(base64.b64decode(picture._repr_mimebundle_()["image/png"])))
    assert twin.size == (700, 340)
