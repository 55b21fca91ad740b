"""Lesson 5.2, backpropagation through time: the gradients against autograd and differences, its numbers, its picture."""

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
from PIL import Image

from helpers import exercises
from helpers.widgets import backpropagation_through_time as pictures

LESSON = exercises.load("backpropagation_through_time").exercises
OUTPUT, CELL, BACK, CLIP, LAG, STRETCH, CHUNKS, NORM = (LESSON[name] for name in LESSON)
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


def test_stretches_match_jacobians_by_differences():
    x, a0, p, _, _ = drawn(*SIZES[1])
    found = STRETCH(FORWARD(x, a0, p)[2])
    states = np.concatenate([a0[:, :, None], FORWARD(x, a0, p)[0]], axis=2)
    for k in range(x.shape[2] + 1):
        start, columns = x.shape[2] - k, []
        for step in 1e-6 * np.eye(len(a0)):
            ends = []
            for sign in (1, -1):
                a = states[:, :, start] + sign * step[:, None]
                for t in range(start, x.shape[2]):
                    a = np.tanh(p["Waa"] @ a + p["Wax"] @ x[:, :, t] + p["ba"])
                ends.append(a[:, 0])
            columns.append((ends[0] - ends[1]) / 2e-6)
        assert found[k] == pytest.approx(np.linalg.svd(np.array(columns).T)[1].max(), rel=1e-6)


@pytest.mark.parametrize("k", [1, 2, 3, 5, 9])
def test_truncated_gradients_match_autograd_and_differences(k):
    """The truncated gradient is the derivative of the cost with the state at the start of each chunk held fixed."""
    x, a0, p, y, mask = drawn(*SIZES[0])
    a, y_pred, caches = FORWARD(x, a0, p)

    def held(x, a0, p):
        J = 0.0
        for t in range(0, x.shape[2], k):
            start = a0 if t == 0 else a[:, :, t - 1]
            J = J + cost(x[:, :, t : t + k], start, p, y[:, :, t : t + k], mask[:, t : t + k])
        return J

    ours = OUTPUT(y_pred, y, mask, a, p)
    ours |= CHUNKS(ours["da"], caches, k)
    dx, da0, dp = autograd.grad(lambda args: held(*args))((x, a0, p))
    for name, theirs in {"x": dx, "a0": da0, **dp}.items():
        np.testing.assert_allclose(ours["d" + name], theirs, rtol=1e-9, atol=1e-12, err_msg=name)
    assert relative_error(lambda V: held(x, a0, p | {"Waa": V}), p["Waa"], ours["dWaa"]) < 1e-6


def test_the_loss_with_the_slip_is_largest_inside():
    y_hat = np.linspace(0.001, 0.999, 999)
    slip = -(1 - y_hat) * np.log(1 - y_hat)
    assert y_hat[slip.argmax()] == pytest.approx(1 - np.exp(-1), abs=1e-3) == pytest.approx(0.63, abs=3e-3)
    assert 1 / (1 + np.exp(-2.0)) == pytest.approx(0.88, abs=2e-3), "where the lesson's descent begins"


def test_clipping_by_norm_keeps_the_direction():
    rng = np.random.default_rng(0)
    given = {"a": rng.normal(size=(3, 4)), "b": rng.normal(size=(2, 1))}
    whole = np.concatenate([dV.ravel() for dV in given.values()])
    found = np.concatenate([dV.ravel() for dV in NORM(given, 0.5).values()])
    assert np.linalg.norm(found) == pytest.approx(0.5)
    assert found @ whole == pytest.approx(0.5 * np.linalg.norm(whole))
    assert all(np.array_equal(NORM(given, 100)[name], given[name]) for name in given)


def test_numbers_by_hand():
    p = {"Wax": np.array([[1.0]]), "Waa": np.array([[0.5]])}
    found = CELL(np.ones((1, 1)), (np.tanh([[0.5]]), np.array([[0.6]]), np.array([[0.2]]), p))
    assert [round(found[name].item(), 4) for name in ("dba", "da_prev", "dWaa")] == [0.7864, 0.3932, 0.4719]
    assert np.tanh(0.5).round(4) == 0.4621
    assert CLIP({"g": np.array([10.0, 0.5])}, 1)["g"].tolist() == [1, 0.5]
    unit = p | {"Wya": np.zeros((2, 1)), "ba": np.zeros((1, 1)), "by": np.zeros((2, 1))}
    a, _, caches = pictures.run(np.array([[[1.0, 0, 0]]]), np.zeros((1, 1)), unit)
    found = BACK(np.array([[[1.0, 0, 1]]]), caches)
    assert a[0, 0].round(4).tolist() == [0.7616, 0.3634, 0.1797]
    assert found["dx"][0, 0].round(4).tolist() == [0.5082, 0.42, 0.9677]
    assert [round(found[name].item(), 4) for name in ("da0", "dWaa")] == [0.2541, 0.6715]
    assert NORM({"W": np.array([3.0]), "b": np.array([4.0])}, 2)["b"] == pytest.approx(1.6)


@pytest.mark.parametrize(("limit", "low", "high"), [(np.inf, 0.99, 1.01), (0.001, 0.2, 0.4)])
def test_clipping_keeps_the_steep_unit(limit, low, high):
    unit = {"Wax": np.zeros((1, 1)), "Waa": np.array([[1.2]]), "Wya": np.zeros((2, 1)), "by": np.zeros((2, 1))}
    b, da = 0.001, np.zeros((1, 1, 40))
    for _ in range(200):
        a, _, caches = pictures.run(np.zeros((1, 1, 40)), np.zeros((1, 1)), unit | {"ba": np.array([[b]])})
        da[0, 0, -1] = a[0, 0, -1] - 0.3
        b -= 0.01 * CLIP({"b": BACK(da, caches)["dba"]}, limit)["b"].item()
    assert low < a[0, 0, -1] < high


@pytest.mark.parametrize(
    ("scale", "size", "low", "high"),
    [(0.8, 0, 1.2e-4, 1.4e-4), (1.2, 0, 1400, 1600), (1.2, 0.5, 1e-4, 1e-1), (1.2, 1, 0, 1e-3), (1.0, 1, 0, 1e-5)],
)
def test_what_the_static_picture_says_of_five_networks(scale, size, low, high):
    last = pictures.norms_of(LAG, scale, size)[:, -1]
    assert low < np.median(last) < high
    assert np.all(last < 1e-2) or size < 1


def test_bags_of_a_name_and_its_mirror_image_are_equal():
    names = ["anton", "mary"]
    for kind, equal in (("bag of letters", True), ("first and last", False), ("pairs of letters", False)):
        found = [pictures.counts(some, kind) for some in (names, [name[::-1] for name in names])]
        assert np.array_equal(*found) == equal
    assert pictures.counts(["ab"], "pairs of letters").nonzero()[1].tolist() == [1, 27 + 26, 27 * 26]
    assert pictures.counts(["ab"], "pairs of letters").shape == (1, 729)


def trained_on_bits(k, seed, lag=6, n_a=8, m=20, T=2400):
    """Return the share of right answers over the last 400 steps, with chunks of k steps."""
    rng = np.random.default_rng(seed)
    x, y = pictures.late_bits(rng, m, T, lag)
    p, means, a0, right = pictures.network(1, n_a, 2, rng), {}, np.zeros((n_a, m)), []
    for n, t in enumerate(range(0, T - k + 1, k), start=1):
        part = slice(t, t + k)
        a, y_pred, caches = pictures.run(x[:, :, part], a0, p)
        found = OUTPUT(y_pred, y[:, :, part], np.full((m, k), 1 / k), a, p)
        found |= BACK(found["da"], caches)
        for name, dV in NORM({name: found["d" + name] for name in p}, 1.0).items():
            v, s = means.get(name, (0, 0))
            means[name] = v, s = 0.9 * v + 0.1 * dV, 0.999 * s + 0.001 * dV**2
            p[name] = p[name] - 0.01 * v / (1 - 0.9**n) / (np.sqrt(s / (1 - 0.999**n)) + 1e-8)
        a0 = a[:, :, -1]
        right.append(np.mean(y_pred.argmax(axis=0) == y[:, :, part].argmax(axis=0)))
    return np.mean(right[-(400 // k) :])


def test_nothing_is_learned_from_further_back_than_the_chunk():
    assert max(trained_on_bits(3, seed) for seed in range(5)) < 0.7
    assert min(trained_on_bits(12, seed) for seed in range(5)) > 0.85


@pytest.mark.parametrize("which", range(len(pictures.FAULTS)))
@pytest.mark.parametrize("seed", range(2))
def test_a_sick_run_looks_as_its_fault_says(which, seed):
    run = pictures.sick_run(np.random.default_rng(seed), OUTPUT, BACK, NORM, LAG, which=which)
    number = r"(\d+\.\d+)"
    first, last, highest = map(
        float, re.search(f"steps {number}, of.*? ten {number}, highest {number}", run.words).groups()
    )
    norms = [float(one) for one in re.search(r"length 1, (.*) is left", run.words)[1].split(", ")]
    looks = (
        highest > 3 and last < 0.8 * highest,
        abs(last - first) < 0.05 and norms[-1] > 1e-3,
        norms[-1] == 0 and last > 0.35,
        0 < norms[-1] < 1e-5 and abs(last - np.log(2)) < 0.05,
        last > 3 and last > 0.8 * highest,
    )
    assert looks[which], run.words
    assert run.which == which


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
