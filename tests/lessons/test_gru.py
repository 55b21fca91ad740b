"""Lesson 5.3, GRU: the formulas against autograd, numbers and the fast layer, what the lesson says, and its picture."""

import base64
import io
import re
import statistics
import time

import autograd
import autograd.numpy as anp
import machine
import nbformat
import numpy as np
import pytest
from PIL import Image
from scipy.special import expit, softmax

from helpers import courses, data, exercises
from helpers.widgets import fast_rnn, gru

LESSON = exercises.load("gru").exercises
CELL, FORWARD, HOLD, CELL_BACK, BACK = (
    LESSON[name] for name in ("gru_cell_forward", "gru_forward", "hold_at_padding", "gru_cell_backward", "gru_backward")
)
NAMES = ("Wu", "bu", "Wr", "br", "Wc", "bc")
#: Sizes n_x, m, T_x, n_a, n_y; sequences of length 1 and batches of one among them.
SIZES = [(3, 4, 5, 2, 3), (2, 1, 6, 4, 2), (4, 3, 1, 3, 5), (1, 1, 1, 1, 2)]


def parameters(n_x, n_a, n_y, seed=0):
    rng = np.random.default_rng(seed)
    p = {"Wy": rng.normal(size=(n_y, n_a)), "by": rng.normal(size=(n_y, 1))}
    for name in "urc":
        p[f"W{name}"], p[f"b{name}"] = rng.normal(size=(n_a, n_a + n_x)), rng.normal(size=(n_a, 1))
    return p


def inputs(n_x, m, T_x, n_a, n_y):
    rng = np.random.default_rng(1)
    return rng.normal(size=(n_x, m, T_x)), rng.normal(size=(n_a, m)), parameters(n_x, n_a, n_y)


def by_hand():
    zero = np.zeros((1, 1))
    weights = {"Wu": np.array([[2.0, -1]]), "Wr": np.array([[-2.0, 1]]), "Wc": np.array([[4.0, -1]])}
    return weights | {"bu": zero, "br": zero, "bc": zero, "Wy": np.array([[0.0], [1]]), "by": np.zeros((2, 1))}


# --- the formulas -----------------------------------------------------------------------------------------------------


def states(x, c0, p, slip=False):
    """Return the states of a GRU written unit by unit in autograd's NumPy, another way than the catalogue's."""
    c, found, n_a = c0, [], c0.shape[0]

    def score(name, state, xt):
        return anp.dot(p["W" + name][:, :n_a], state) + anp.dot(p["W" + name][:, n_a:], xt) + p["b" + name]

    for t in range(x.shape[2]):
        xt = x[:, :, t]
        u, r = (0.5 * (1 + anp.tanh(score(name, c, xt) / 2)) for name in "ur")
        c = c + u * (anp.tanh(score("c", c if slip else r * c, xt)) - c)
        found.append(c)
    return anp.stack(found, axis=2)


@pytest.mark.parametrize("sizes", SIZES)
def test_forward_matches_another_implementation(sizes):
    x, c0, p = inputs(*sizes)
    c, y_pred, (steps, same) = FORWARD(x, c0, p)
    np.testing.assert_allclose(c, states(x, c0, p), atol=1e-12)
    np.testing.assert_allclose(y_pred.sum(axis=0), 1)
    assert y_pred.shape == (sizes[4], sizes[1], sizes[2])
    assert len(steps) == sizes[2]
    assert same is x


@pytest.mark.parametrize("sizes", SIZES)
def test_backward_matches_autograd(sizes):
    x, c0, p = inputs(*sizes)
    dc = np.random.default_rng(2).normal(size=(sizes[3], sizes[1], sizes[2]))
    theirs = autograd.grad(lambda args: anp.sum(dc * states(*args)))((x, c0, p))
    ours = BACK(dc, FORWARD(x, c0, p)[2])
    np.testing.assert_allclose(ours["dx"], theirs[0], atol=1e-11)
    np.testing.assert_allclose(ours["dc0"], theirs[1], atol=1e-11)
    for name in NAMES:
        np.testing.assert_allclose(ours[f"d{name}"], theirs[2][name], atol=1e-11)


def central(cost, V, h=1e-6):
    """Return the numerical gradient of cost() by the entries of V, which is changed in place and put back."""
    numerical = np.zeros(V.shape)
    for index in np.ndindex(V.shape):
        old = V[index]
        V[index] = old + h
        plus = cost()
        V[index] = old - h
        numerical[index] = (plus - cost()) / (2 * h)
        V[index] = old
    return numerical


def close(ours, numerical):
    return np.linalg.norm(ours - numerical) < 1e-6 * np.linalg.norm(numerical)


@pytest.mark.parametrize("m", [1, 4])
def test_gru_cell_backward_matches_numerical_gradient(m):
    x, c_prev, p = inputs(3, m, 1, 5, 2)
    xt, dc_next = x[:, :, 0].copy(), np.random.default_rng(2).normal(size=(5, m))
    ours = CELL_BACK(dc_next, CELL(xt, c_prev, p)[2])
    for name, V in (("xt", xt), ("c_prev", c_prev), *((name, p[name]) for name in NAMES)):
        assert close(ours[f"d{name}"], central(lambda: np.sum(dc_next * CELL(xt, c_prev, p)[0]), V)), name


@pytest.mark.parametrize("sizes", SIZES[:3])
def test_gru_backward_matches_numerical_gradient(sizes):
    x, c0, p = inputs(*sizes)
    dc = np.random.default_rng(2).normal(size=(sizes[3], sizes[1], sizes[2]))
    ours = BACK(dc, FORWARD(x, c0, p)[2])
    for name, V in (("x", x), ("c0", c0), *((name, p[name]) for name in NAMES)):
        assert close(ours[f"d{name}"], central(lambda: np.sum(dc * FORWARD(x, c0, p)[0]), V)), name


def test_the_numbers_by_hand():
    c_next, _, cache = CELL(np.array([[1.0]]), np.array([[0.5]]), by_hand())
    assert [part.item() for part in (c_next, *cache[2:5])] == pytest.approx([0.25, 0.5, 0.5, 0])
    gradients = CELL_BACK(np.array([[1.0]]), cache)
    assert gradients["dc_prev"].item() == pytest.approx(0.75)
    assert gradients["dxt"].item() == pytest.approx(-0.125)
    assert gradients["dWu"].ravel() == pytest.approx([-0.0625, -0.125])
    assert gradients["dWr"].ravel() == pytest.approx([0.125, 0.25])
    assert gradients["dWc"].ravel() == pytest.approx([0.125, 0.5])
    factor = 0.9 * (1 - 0.5**2)
    assert [factor, factor**6, factor**30] == pytest.approx([0.675, 0.095, 7.6e-6], rel=0.01)


def test_with_the_reset_gate_unused_the_reset_gate_gets_no_gradient():
    x, c0, p = inputs(3, 4, 5, 2, 3)
    theirs = autograd.grad(lambda p: anp.sum(states(x, c0, p, slip=True) ** 2))(p)
    assert np.all(theirs["Wr"] == 0)
    assert np.all(theirs["br"] == 0)
    assert np.all(theirs["Wu"] != 0)
    assert 0.5 * np.tanh(4 * 0.5 - 1) + 0.25 == pytest.approx(0.6308, abs=5e-5)


def test_the_factor_of_one_step():
    rng = np.random.default_rng(3)
    p = {**by_hand(), **{f"b{name}": rng.normal(size=(1, 1)) for name in "urc"}}
    p["Wu"][0, 0] = p["Wr"][0, 0] = 0
    cache = CELL(np.array([[0.3]]), np.array([[-0.6]]), p)[2]
    u, r, new = (part.item() for part in cache[2:5])
    assert CELL_BACK(np.ones((1, 1)), cache)["dc_prev"].item() == pytest.approx(1 - u + u * (1 - new**2) * 4 * r)


@pytest.mark.parametrize("held", [True, False])
def test_padding_adds_nothing(held):
    """A padded batch gives the states and the gradients that its sequences give alone."""
    rng, p, lengths = np.random.default_rng(4), parameters(3, 4, 2), (6, 2, 1)
    mask = (np.arange(6) < np.array(lengths)[:, None]) * 1.0
    x = rng.normal(size=(3, 3, 6)) * mask
    c, _, caches = FORWARD(x, np.zeros((4, 3)), p)
    alone = [FORWARD(x[:, [i], :T], np.zeros((4, 1)), p) for i, T in enumerate(lengths)]
    if held:
        state = np.zeros((4, 3))
        for t in range(6):
            state = HOLD(CELL(x[:, :, t], state, p)[0], state, mask[:, t])
        for i, run in enumerate(alone):
            np.testing.assert_allclose(state[:, i], run[0][:, 0, -1], atol=1e-14)
        assert np.abs(c[:, 1:, -1] - state[:, 1:]).max() > 0.1
    else:
        together, apart = BACK(c * mask, caches), [BACK(run[0], run[2]) for run in alone]
        for name in NAMES:
            np.testing.assert_allclose(together[f"d{name}"], sum(part[f"d{name}"] for part in apart), atol=1e-12)
        assert np.all(together["dx"] * (1 - mask) == 0)


def test_the_fast_layer_is_the_same_gru():
    rng = np.random.default_rng(5)
    network = fast_rnn.Network([fast_rnn.GRU(7, 5, rng, first=True, dtype=np.float64)], 2, rng)
    network.layers[0].parameters["b"] += rng.normal(size=(15, 1))
    words = rng.integers(0, 7, (3, 6))
    c, y_pred, caches = FORWARD(np.eye(7)[:, words], np.zeros((5, 3)), as_parameters(network))
    scores = network.forward(words)
    np.testing.assert_allclose(c, network.layers[0].states.transpose(2, 1, 0), atol=1e-12)
    np.testing.assert_allclose(y_pred[1], expit(scores[1] - scores[0]), atol=1e-12)
    dscores = rng.normal(size=scores.shape)
    network.backward(dscores)
    ours = BACK(np.tensordot(network.parameters["W"].T, dscores, axes=1), caches)
    theirs = network.layers[0].gradients
    for k, name in enumerate("urc"):
        rows = slice(5 * k, 5 * k + 5)
        np.testing.assert_allclose(ours[f"dW{name}"], np.hstack([theirs["Wa"], theirs["Wx"]])[rows], atol=1e-12)
        np.testing.assert_allclose(ours[f"db{name}"], theirs["b"][rows], atol=1e-12)


def as_parameters(network):
    """Return the parameters of a fast network in the form of the lesson."""
    layer = network.layers[0].parameters
    found = {"Wy": network.parameters["W"], "by": network.parameters["b"]}
    for k, name in enumerate("urc"):
        rows = slice(5 * k, 5 * k + 5)
        found |= {f"W{name}": np.hstack([layer["Wa"], layer["Wx"]])[rows], f"b{name}": layer["b"][rows]}
    return found


# --- what the lesson says ---------------------------------------------------------------------------------------------


def test_streams_ask_for_the_subject():
    x, y, asked, distance = gru.streams(20, 60, 5, np.random.default_rng(0))
    assert x.shape == y.shape == asked.shape == distance.shape == (20, 60)
    for i, t in np.argwhere(asked):
        subject = gru.VOCABULARY[x[i, t - distance[i, t]]]
        assert gru.VOCABULARY[x[i, t - distance[i, t] - 1]] == "the"
        assert (subject in gru.PLURAL) == bool(y[i, t])
        if t + 1 < 60:
            assert gru.VOCABULARY[x[i, t + 1]] == ("were" if y[i, t] else "was")
    assert 1 <= distance[asked > 0].min() < distance.max() <= 9
    assert "hot" in gru.as_text(x[0]) or len(gru.as_text(x[0]).split()) == 60


def test_the_gradient_of_the_output_layer():
    """Equation (3.26), against autograd."""
    rng = np.random.default_rng(0)
    W, b, c = rng.normal(size=(3, 4)), rng.normal(size=(3, 1)), rng.normal(size=(4, 5, 6))
    y, counted = np.eye(3)[:, rng.integers(0, 3, (5, 6))], rng.integers(0, 2, (5, 6)) * 1.0

    def cost(args):
        z = anp.einsum("yn,nmt->ymt", args[0], args[2]) + args[1][:, :, None]
        return anp.sum((anp.log(anp.sum(anp.exp(z), axis=0)) - anp.sum(y * z, axis=0)) * counted) / 5

    dz = (softmax(np.tensordot(W, c, 1) + b[:, :, None], axis=0) - y) * counted / 5
    theirs = autograd.grad(cost)((W, b, c))
    np.testing.assert_allclose(theirs[0], np.tensordot(dz, c, ((1, 2), (1, 2))), atol=1e-12)
    np.testing.assert_allclose(theirs[1], dz.sum(axis=(1, 2))[:, None], atol=1e-12)
    np.testing.assert_allclose(theirs[2], np.tensordot(W.T, dz, 1), atol=1e-12)


def cells(name):
    """Return the functions that a cell of the notebook defines."""
    path = next(lesson.path for lesson in courses.LESSONS if lesson.name == "gru")
    source = next(cell.source for cell in nbformat.read(path, 4).cells if cell.id == name)
    made = {"np": np}
    exec(source, made)
    return made


def test_the_plain_network_beside_it_matches_autograd():
    made, rng = cells("plain"), np.random.default_rng(0)
    p = gru.first_parameters("plain", 4, rng, n_x=3)
    x, a0, da = rng.normal(size=(3, 2, 5)), rng.normal(size=(4, 2)), rng.normal(size=(4, 2, 5))

    def cost(args):
        a, total = a0, 0
        for t in range(5):
            a = anp.tanh(anp.dot(args[0][:, :4], a) + anp.dot(args[0][:, 4:], x[:, :, t]) + args[1])
            total = total + anp.sum(da[:, :, t] * a)
        return total

    theirs = autograd.grad(cost)((p["Wa"], p["ba"]))
    ours = made["plain_backward"](da, made["plain_forward"](x, a0, p)[2])
    np.testing.assert_allclose(ours["dWa"], theirs[0], atol=1e-12)
    np.testing.assert_allclose(ours["dba"], theirs[1], atol=1e-12)


def test_long_sentences_have_their_subject_at_the_second_place():
    words = gru.long_sentences(np.random.default_rng(0), longest=6, m=30).argmax(axis=0)
    assert words.shape == (30, 8)
    assert np.all(words[:, 0] == 0)
    assert all(gru.VOCABULARY[j] in gru.SINGULAR + gru.PLURAL for j in words[:, 1])


# --- runs to diagnose -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", range(len(gru.FAULTS)), ids=["large", "small", "shut", "answers"])
def test_a_run_looks_as_its_fault_says_and_as_no_other(which):
    for seed in range(6):
        run = gru.sick_run(np.random.default_rng(seed), FORWARD.reference, BACK.reference, which=which)
        assert run.which == which
        start, end, highest, norm, opened = (
            float(re.search(pattern + r" ([-+\de.]*\d)", run.words)[1])
            for pattern in ("cost is", "at the start,", "at most", "gradient is", "update gate is")
        )
        right = int(re.search(r"Right: (\d+)%", run.words)[1])
        looks = [
            highest > 3 * np.log(2),
            "e-06" in run.words and abs(end - start) < 0.1 and norm > 0.03 and opened > 0.2,
            opened < 0.001 and highest < 1,
            opened > 0.2 and 0.68 < end < 0.72 and right < 75 and "2.0e-02" in run.words,
        ]
        assert [i for i, there in enumerate(looks) if there] == [which], (seed, run.words)


def test_without_a_fault_the_task_is_learned():
    for seed in range(3):
        rng = np.random.default_rng(seed)
        p = gru.first_parameters("GRU", 6, rng, n_x=2)
        assert gru.recall(rng, FORWARD.reference, BACK.reference, p, 0.02, False, 150)[2] > 0.95


# --- the real text ----------------------------------------------------------------------------------------------------


def test_verses_are_balanced_and_padded():
    train, test = gru.was_or_were(data.kjv(), np.random.default_rng(0))
    assert len(test["words"]) == 600
    assert len(train["words"]) > 3000
    for part in (train, test):
        assert 0.45 < part["y"].mean() < 0.55
        lengths = [len(words) for words in part["words"]]
        assert part["mask"].sum(axis=1).tolist() == lengths
        assert min(lengths) == 2
        assert max(lengths) == 20
        assert np.all(part["x"][part["mask"] == 0] == 0)
    assert not any(word in ("was", "were") for words in test["words"] for word in words)


def test_a_long_memory_helps_the_gru_a_little_and_not_the_plain_network():
    mean = {}
    for longest in (1, 3, 20):
        train, test = gru.was_or_were(data.kjv(), np.random.default_rng(0), longest)
        for kind in ("plain", "GRU"):
            shares = [gru.read_verses(kind, train, test, seed) for seed in range(2)]  # the notebook shows five
            assert np.ptp(shares) < 0.06
            mean[kind, longest] = np.mean(shares)
    assert all(mean[kind, 1] == pytest.approx(0.75, abs=0.03) for kind in ("plain", "GRU"))
    assert all(mean[kind, 3] == pytest.approx(0.81, abs=0.03) for kind in ("plain", "GRU"))
    assert mean["plain", 20] < mean["plain", 3] < 0.5 * (mean["GRU", 3] + mean["GRU", 20])
    assert mean["GRU", 3] < mean["GRU", 20] < 0.88


# --- the picture ------------------------------------------------------------------------------------------------------


@pytest.fixture
def picture():
    return gru.keep_or_write(FORWARD.reference, CELL_BACK.reference)


def moved(picture, **values):
    for name, value in values.items():
        picture.controls[name].value = value
    functions = FORWARD.reference, CELL_BACK.reference
    return gru._followed(functions, {name: control.value for name, control in picture.controls.items()})


def test_picture_answers_within_a_tenth_of_a_second(picture, record_property):
    seconds = []
    for step in range(8):
        for name, value in (("b_u", step - 4), ("noun", step), ("state", -step - 1), ("b_r", 4 - step)):
            start = time.process_time()
            picture.controls[name].value = value
            seconds.append(time.process_time() - start)
    record_property("picture of lesson 5.3, median time to answer", f"{1000 * statistics.median(seconds):.0f} ms")
    assert statistics.median(seconds) < machine.seconds(0.1)


def test_picture_follows_its_controls(picture):
    seen = [picture._image.value]
    for name, value in (("b_u", 1), ("noun", 3), ("state", -2), ("b_r", 5)):
        picture.controls[name].value = value
        assert picture._image.value not in seen
        seen.append(picture._image.value)


def test_picture_says_what_it_shows(picture):
    assert "the verb is &quot;were&quot; with probability 0.99" in picture._caption.value
    assert "At &quot;dogs&quot; Γ_u is 0.98, at &quot;dog&quot; 0.02." in picture._caption.value
    picture.controls["state"].value = 0
    assert "the verb is &quot;was&quot;" in picture._caption.value


def test_answers_to_the_questions(picture):
    c, u, _, back, plural = moved(picture)
    assert back[1] == pytest.approx(1.3, abs=0.05)
    assert plural > 0.5
    c, u, _, back, plural = moved(picture, state=0)
    assert u[6] > 0.9
    assert plural < 0.5
    c, u, _, back, plural = moved(picture, noun=0, b_u=8, b_r=8)
    assert abs(back[1]) < 0.001
    assert c[5] == pytest.approx(0.86, abs=0.01)
    assert c[6] < 0
    c, u, _, back, plural = moved(picture, b_r=-8)
    assert np.abs(c[2:6]).max() < 0.01
    assert c[6] < -0.9


def test_picture_derivatives_match_numerical_ones(picture):
    """The bars: the last state by the state after each word."""
    values = gru.CAREFUL | {"b_u": -1.0, "state": -2.0}
    back = gru._followed((FORWARD.reference, CELL_BACK.reference), values)[3]
    x, p = gru.number_and_noun(gru.SENTENCE), gru.one_unit(**values)
    c = FORWARD(x, np.zeros((1, 1)), p)[0]
    for t in range(7):
        ends = [FORWARD(x[:, :, t + 1 :], c[:, :, t] + h, p)[0][0, 0, -1] for h in (1e-6, -1e-6)]
        assert back[t] == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-6)


def test_picture_has_a_static_twin(picture):
    image = Image.open(io.BytesIO(base64.b64decode(picture._repr_mimebundle_()["image/png"])))
    assert image.size == (740, 360)
