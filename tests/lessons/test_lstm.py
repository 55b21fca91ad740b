"""Lesson 5.4, LSTM: the formulas against autograd, numbers and the fast layer, what the lesson says, its picture."""

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
from scipy.special import softmax

from helpers import exercises
from helpers.widgets import fast_rnn, lstm

LESSON = exercises.load("lstm").exercises
CELL, FORWARD, CELL_BACK, BACK = (
    LESSON[name] for name in ("lstm_cell_forward", "lstm_forward", "lstm_cell_backward", "lstm_backward")
)
NAMES = tuple(kind + block for block in "fuoc" for kind in "Wb")
#: Sizes n_x, m, T_x, n_a, n_y; sequences of length 1 and batches of one among them.
SIZES = [(3, 4, 5, 2, 3), (2, 1, 6, 4, 2), (4, 3, 1, 3, 5), (1, 1, 1, 1, 2)]


def inputs(n_x, m, T_x, n_a, n_y):
    rng = np.random.default_rng(1)
    p = {"Wy": rng.normal(size=(n_y, n_a)), "by": rng.normal(size=(n_y, 1))}
    for block in "fuoc":
        p[f"W{block}"], p[f"b{block}"] = rng.normal(size=(n_a, n_a + n_x)), rng.normal(size=(n_a, 1))
    return rng.normal(size=(n_x, m, T_x)), rng.normal(size=(n_a, m)), p


def states(x, a0, p):
    """Return the states of an LSTM in autograd's NumPy, written in another way than the catalogue's."""
    a, c, found, n_a = a0, 0 * a0, [], a0.shape[0]
    for t in range(x.shape[2]):
        z = [anp.dot(p["W" + k][:, :n_a], a) + anp.dot(p["W" + k][:, n_a:], x[:, :, t]) + p["b" + k] for k in "fuoc"]
        f, u, o = (0.5 * (1 + anp.tanh(part / 2)) for part in z[:3])
        c = f * c + u * anp.tanh(z[3])
        a = o * anp.tanh(c)
        found.append(a)
    return anp.stack(found, axis=2)


@pytest.mark.parametrize("sizes", SIZES)
def test_forward_and_backward_match_autograd(sizes):
    x, a0, p = inputs(*sizes)
    a, y, c, caches = FORWARD(x, a0, p)
    np.testing.assert_allclose(a, states(x, a0, p), atol=1e-12)
    np.testing.assert_allclose(y.sum(axis=0), 1)
    assert c.shape == a.shape
    da = np.random.default_rng(2).normal(size=a.shape)
    theirs = autograd.grad(lambda args: anp.sum(da * states(*args)))((x, a0, p))
    ours = BACK(da, caches)
    np.testing.assert_allclose(ours["dx"], theirs[0], atol=1e-11)
    np.testing.assert_allclose(ours["da0"], theirs[1], atol=1e-11)
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
def test_lstm_cell_backward_matches_numerical_gradient(m):
    x, a_prev, p = inputs(3, m, 1, 5, 2)
    rng = np.random.default_rng(2)
    xt, c_prev, da, dc = x[:, :, 0].copy(), *(rng.normal(size=(5, m)) for _ in range(3))

    def cost():
        a_next, c_next, _, _ = CELL(xt, a_prev, c_prev, p)
        return np.sum(da * a_next + dc * c_next)

    ours = CELL_BACK(da, dc, CELL(xt, a_prev, c_prev, p)[3])
    for name, V in (("xt", xt), ("a_prev", a_prev), ("c_prev", c_prev), *((name, p[name]) for name in NAMES)):
        assert close(ours[f"d{name}"], central(cost, V)), name


@pytest.mark.parametrize("sizes", SIZES[:2])
def test_lstm_backward_matches_numerical_gradient(sizes):
    x, a0, p = inputs(*sizes)
    da = np.random.default_rng(2).normal(size=(sizes[3], sizes[1], sizes[2]))
    ours = BACK(da, FORWARD(x, a0, p)[3])
    for name, V in (("x", x), ("a0", a0), *((name, p[name]) for name in NAMES)):
        assert close(ours[f"d{name}"], central(lambda: np.sum(da * FORWARD(x, a0, p)[0]), V)), name


def test_the_numbers_by_hand():
    weights = {"f": [2.0, -1], "u": [-2.0, 1], "o": [4.0, -2], "c": [6.0, -3]}
    p = {f"W{k}": np.array([row]) for k, row in weights.items()} | {f"b{k}": np.zeros((1, 1)) for k in weights}
    p |= {"Wy": np.zeros((2, 1)), "by": np.zeros((2, 1))}
    one = np.ones((1, 1))
    a, c, _, cache = CELL(one, one / 2, one, p)
    assert [a.item(), c.item()] == pytest.approx([0.2311, 0.5], abs=5e-5)
    ours = CELL_BACK(one, 0 * one, cache)
    seen = [ours[name].item() for name in ("da_prev", "dc_prev", "dxt", "dbf", "dbu", "dbo", "dbc")]
    assert seen == pytest.approx([1.838, 0.1966, -0.919, 0.0983, 0, 0.1155, 0.1966], abs=5e-4)
    assert [np.tanh(0.5), 0.5 * (1 - np.tanh(0.5) ** 2)] == pytest.approx([0.4621, 0.3932], abs=5e-5)
    assert pytest.approx(0.89, abs=5e-3) == 0.98**6


def test_padding_adds_nothing():
    x, _, p = inputs(3, 3, 6, 4, 2)
    lengths = (6, 2, 1)
    mask = (np.arange(6) < np.array(lengths)[:, None]) * 1.0
    a, _, _, caches = FORWARD(x * mask, np.zeros((4, 3)), p)
    together, apart = BACK(a * mask, caches), []
    for i, T in enumerate(lengths):
        alone = FORWARD(x[:, [i], :T], np.zeros((4, 1)), p)
        apart.append(BACK(alone[0], alone[3]))
    for name in NAMES:
        np.testing.assert_allclose(together[f"d{name}"], sum(part[f"d{name}"] for part in apart), atol=1e-12)
    assert np.all(together["dx"] * (1 - mask) == 0)


def as_parameters(network):
    """Return the parameters of a fast network in the form of the lesson."""
    layer = network.layers[0].parameters
    found = {"Wy": network.parameters["W"], "by": network.parameters["b"]}
    for k, name in enumerate("fuoc"):
        rows = slice(5 * k, 5 * k + 5)
        found |= {f"W{name}": np.hstack([layer["Wa"], layer["Wx"]])[rows], f"b{name}": layer["b"][rows]}
    return found


def test_the_fast_layer_is_the_same_lstm():
    rng = np.random.default_rng(5)
    network = fast_rnn.Network([fast_rnn.LSTM(7, 5, rng, first=True, dtype=np.float64)], 2, rng)
    network.layers[0].parameters["b"] += rng.normal(size=(20, 1))
    words = rng.integers(0, 7, (3, 6))
    network.forward(words)
    a = FORWARD(np.eye(7)[:, words], np.zeros((5, 3)), as_parameters(network))[0]
    np.testing.assert_allclose(a, network.layers[0].states.transpose(2, 1, 0), atol=1e-12)


# --- counting, and several starts side by side ------------------------------------------------------------------------


def test_strings_to_count():
    x, y, counted = lstm.counting([3, 1])
    assert x.shape == y.shape == (3, 2, 7)
    assert x[:, 0].argmax(axis=0).tolist() == [2, 0, 0, 0, 1, 1, 1]
    assert y[:, 0].argmax(axis=0).tolist() == [0, 0, 0, 1, 1, 1, 2]
    assert counted.tolist() == [[0, 0, 0, 0, 1, 1, 1], [0, 0, 1, 0, 0, 0, 0]]
    assert x[:, 1, 3:].sum() == y[:, 1, 3:].sum() == 0


def test_numbers_to_add():
    x, y = lstm.adding(200, 10, np.random.default_rng(0))
    assert x.shape == (2, 200, 10)
    assert np.all(x[1, :, :5].sum(axis=1) == 1)
    assert np.all(x[1, :, 5:].sum(axis=1) == 1)
    np.testing.assert_allclose(y, (x[0] * x[1]).sum(axis=1))
    assert np.mean((y - 1) ** 2) == pytest.approx(1 / 6, rel=0.2)


@pytest.mark.parametrize("name", ["plain", "GRU", "LSTM"])
def test_networks_side_by_side_are_the_same_as_each_by_itself(name):
    """Scores, and one step of Adam from a gradient that is cut to a norm of 1, against code of another kind."""
    x, y, counted = lstm.counting([3, 2])
    together = lstm.Starts(lstm.KINDS[name], 3, 4, 3, [0, 1])
    scores = together.scores(x)
    dscores = 50 * (softmax(scores, axis=1) - y) * counted
    together.step(dscores)
    after = together.scores(x)
    for k in (0, 1):
        rng = np.random.default_rng(k)
        layer = lstm.KINDS[name](3, 4, rng, first=True)
        network = fast_rnn.Network([layer], 3, rng)
        np.testing.assert_allclose(scores[k], network.forward(x.astype(np.float32)), atol=1e-5)
        network.backward(dscores[k].astype(np.float32))
        fast_rnn.ClippedAdam(0.01, 1.0).step(network)
        np.testing.assert_allclose(after[k], network.forward(x.astype(np.float32)), atol=1e-4)
    for part, inside in together.inside.items():
        assert np.all(together.layer.parameters[part][~inside] == 0)


def test_a_cell_that_counts_without_training():
    """A cell of 1 goes up by one step for each a and down for each b: no bound, and the end is where it is 0 again."""
    p = {f"W{k}": np.zeros((1, 4)) for k in "fuo"} | {f"b{k}": np.full((1, 1), 20.0) for k in "fuo"}
    p |= {"Wc": np.array([[0.0, 1, -1, 0]]), "bc": np.zeros((1, 1)), "Wy": np.zeros((3, 1)), "by": np.zeros((3, 1))}
    x = lstm.counting([30])[0]
    c = FORWARD(x, np.zeros((1, 1)), p)[2][0, 0]
    assert c[30] == pytest.approx(30 * np.tanh(1))
    assert abs(c[-1]) < 1e-5
    assert np.argmax(c) == 30


def test_a_coupled_cell_cannot_count():
    """With Γ_f = 1 - Γ_u the cell is a mean, so it stays between -1 and 1."""
    rng, c = np.random.default_rng(0), 0.0
    for _ in range(1000):
        gate = rng.random()
        c = gate * np.tanh(3 * rng.normal()) + (1 - gate) * c
        assert abs(c) < 1


def test_the_gradient_of_the_output_layer():
    """Equation (4.26), against autograd."""
    rng = np.random.default_rng(0)
    W, b, a = rng.normal(size=(3, 4)), rng.normal(size=(3, 1)), rng.normal(size=(4, 5, 6))
    y, counted = np.eye(3)[:, rng.integers(0, 3, (5, 6))], rng.integers(0, 2, (5, 6)) * 1.0

    def cost(args):
        z = anp.einsum("yn,nmt->ymt", args[0], args[2]) + args[1][:, :, None]
        return anp.sum((anp.log(anp.sum(anp.exp(z), axis=0)) - anp.sum(y * z, axis=0)) * counted) / 5

    dz = (softmax(np.tensordot(W, a, 1) + b[:, :, None], axis=0) - y) * counted / 5
    theirs = autograd.grad(cost)((W, b, a))
    np.testing.assert_allclose(theirs[0], np.tensordot(dz, a, ((1, 2), (1, 2))), atol=1e-12)
    np.testing.assert_allclose(theirs[1], dz.sum(axis=(1, 2))[:, None], atol=1e-12)
    np.testing.assert_allclose(theirs[2], np.tensordot(W.T, dz, 1), atol=1e-12)


# --- runs to diagnose -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", range(len(lstm.FAULTS)), ids=["large", "small", "shut", "answers"])
def test_a_run_looks_as_its_fault_says_and_as_no_other(which):
    for seed in range(6):
        run = lstm.sick_run(np.random.default_rng(seed), FORWARD.reference, BACK.reference, which=which)
        assert run.which == which
        start, end, highest, norm, kept = (
            float(re.search(pattern + r" ([-+\de.]*\d)", run.words)[1])
            for pattern in ("cost is", "at the start,", "at most", "gradient is", "forget gate is")
        )
        right = int(re.search(r"Right: (\d+)%", run.words)[1])
        looks = [
            highest > 3 * np.log(2),
            "e-06" in run.words and abs(end - start) < 0.1 and norm > 0.05 and kept > 0.1,
            kept < 0.001 and highest < 1,
            kept > 0.4 and 0.68 < end < 0.72 and right < 75 and "2.0e-02" in run.words,
        ]
        assert [i for i, there in enumerate(looks) if there] == [which], (seed, run.words)


def test_without_a_fault_the_task_is_learned():
    """The same run with a healthy rate, gates that start open and the right answers: the network can do it."""
    for seed in range(3):
        rng = np.random.default_rng(seed)
        p = lstm.first_parameters(2, 6, 2, rng)
        assert lstm.recall(rng, FORWARD.reference, BACK.reference, p, 0.02, False, 150)[2] > 0.95


# --- the pictures -----------------------------------------------------------------------------------------------------


def test_each_frame_of_the_cell_adds_something():
    shown = []
    for frame in range(1, 6):
        figure, ax = plt.subplots()
        lstm.draw_cell(ax, frame)
        shown.append(len(ax.lines) + len(ax.texts) + len(ax.patches))
        plt.close(figure)
    assert shown == sorted(set(shown))


@pytest.fixture
def picture():
    return lstm.two_memories(FORWARD.reference, CELL_BACK.reference)


def followed(**values):
    return lstm._followed((FORWARD.reference, CELL_BACK.reference), lstm.CAREFUL | values)


def test_answers_to_the_questions():
    (a, c, *_), plural = followed()
    assert min(a[1:]) > 0.5
    assert plural > 0.9
    assert abs(followed(state=0.0)[0][1][-1]) < 0.15
    (a, c, *_), plural = followed(b_o=-8.0)
    assert c[5] > 0.85
    assert np.abs(a).max() < 0.001
    assert abs(c[6]) < 0.15
    assert plural == pytest.approx(0.5, abs=0.01)


def test_picture_derivatives_match_numerical_ones():
    values = lstm.CAREFUL | {"b_u": -1.0, "state": -2.0}
    back = followed(b_u=-1.0, state=-2.0)[0][-1]
    x, p = lstm.number_and_noun(lstm.SENTENCE), lstm.one_unit(**values)
    _, _, c, (steps, _) = FORWARD(x, np.zeros((1, 1)), p)
    for t in range(7):
        ends = []
        for h in (1e-6, -1e-6):
            cell = c[:, :, t] + h
            state = steps[t][6] * np.tanh(cell)
            for later in range(t + 1, 8):
                state, cell, _, _ = CELL(x[:, :, later], state, cell, p)
            ends.append(cell.item())
        assert back[t] == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-6)


def test_picture_follows_its_controls_within_a_tenth_of_a_second(picture):
    seen, seconds = [picture._image.value], []
    for name, value in (("b_f", 1), ("b_u", 2), ("state", -2), ("b_o", 0), ("b_f", -1), ("b_o", 2)):
        start = time.process_time()
        picture.controls[name].value = value
        seconds.append(time.process_time() - start)
        assert picture._image.value not in seen
        seen.append(picture._image.value)
    assert statistics.median(seconds) < machine.seconds(0.1)


def test_picture_says_what_it_shows_and_has_a_static_twin(picture):
    assert "the verb is &quot;were&quot; with probability 0.9" in picture._caption.value
    image = Image.open(io.BytesIO(base64.b64decode(picture._repr_mimebundle_()["image/png"])))
    assert image.size == (740, 380)
