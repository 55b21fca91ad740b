"""The fast recurrent layers of lessons 5.1 to 5.6, against step-by-step formulas and HIPS autograd."""

import time

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad

from helpers.widgets import fast_rnn
from helpers.widgets.fast_rnn import GRU, LSTM, RNN, Bidirectional, ClippedAdam, Network, sigmoid_loss, softmax_loss

KINDS = (RNN, GRU, LSTM)


def logistic(z):
    return 1 / (1 + anp.exp(-z))


def by_the_formulas(kind, p, x, mask=None, start=None):
    """Return the states (a list of (n_a, m)), one step at a time, from the formulas of the notes."""
    n, m = p["Wa"].shape[1], x.shape[1]
    a, c = start or (np.zeros((n, m)), np.zeros((n, m)))
    W = anp.concatenate([p["Wa"], p["Wx"]], axis=1)
    blocks = [(W[k * n : (k + 1) * n], p["b"][k * n : (k + 1) * n]) for k in range(len(W) // n)]

    def affine(k, state, x_t):
        return blocks[k][0] @ anp.concatenate([state, x_t]) + blocks[k][1]

    states = []
    for t in range(x.shape[2]):
        x_t = x[:, :, t]
        new_c = c
        if kind is RNN:
            new_a = anp.tanh(affine(0, a, x_t))
        elif kind is GRU:
            update, reset = logistic(affine(0, a, x_t)), logistic(affine(1, a, x_t))
            new_a = update * anp.tanh(affine(2, reset * a, x_t)) + (1 - update) * a
        else:
            forget, update, output = (logistic(affine(k, a, x_t)) for k in range(3))
            new_c = update * anp.tanh(affine(3, a, x_t)) + forget * c
            new_a = output * anp.tanh(new_c)
        real = np.ones(m) if mask is None else mask[:, t]
        a, c = anp.where(real > 0, new_a, a), anp.where(real > 0, new_c, c)
        states.append(a)
    return states


def a_layer(kind, rng, n_x=3, n_a=4, **options):
    layer = kind(n_x, n_a, rng, dtype=np.float64, **options)
    for V in layer.parameters.values():
        V += 0.3 * rng.standard_normal(V.shape)
    return layer


def a_mask(rng, m, T):
    """Real steps first, padding after them; the first example is whole, the second has one step."""
    lengths = np.concatenate([[T, 1], rng.integers(1, T + 1, m)])[:m]
    return (np.arange(T) < lengths[:, None]) * 1.0


@pytest.mark.parametrize(("m", "T"), [(3, 5), (1, 4), (2, 1), (1, 1)])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_layers_match_formulas_and_autograd(kind, masked, m, T):
    rng = np.random.default_rng(0)
    layer, x = a_layer(kind, rng), rng.standard_normal((3, m, T))
    mask = a_mask(rng, m, T) if masked else None
    C = rng.standard_normal((4, m, T))

    def J(p, x, extra=None):
        states = by_the_formulas(kind, p, x, mask)
        return sum(anp.sum(C[:, :, t] * states[t]) for t in range(T))

    a = layer.forward(x, mask)
    np.testing.assert_allclose(a, np.stack(by_the_formulas(kind, layer.parameters, x, mask), axis=2), atol=1e-12)
    np.testing.assert_allclose(layer.backward(C), grad(J, 1)(layer.parameters, x), atol=1e-11)
    for name, expected in grad(J)(layer.parameters, x).items():
        np.testing.assert_allclose(layer.gradients[name], expected, atol=1e-11, err_msg=name)


@pytest.mark.parametrize("kind", KINDS)
def test_derivative_by_each_state_holds_what_comes_from_later_steps(kind):
    """A push of one state moves J by da, found by starting from that state."""
    rng = np.random.default_rng(1)
    layer, x, C = a_layer(kind, rng), rng.standard_normal((3, 2, 5)), rng.standard_normal((4, 2, 5))
    layer.forward(x[:, :, :3])
    start = layer.state if kind is LSTM else (layer.state, np.zeros((4, 2)))

    def later(a, c):
        states = by_the_formulas(kind, layer.parameters, x[:, :, 3:], start=(a, c))
        return anp.sum(C[:, :, 2] * a) + sum(anp.sum(C[:, :, 3 + t] * states[t]) for t in range(2))

    layer.forward(x)
    layer.backward(C)
    np.testing.assert_allclose(layer.da[:, :, 2], grad(later, 0)(*start), atol=1e-12)
    if kind is LSTM:
        by_c, output = grad(later, 1)(*start), layer.Z[2, :, 8:12].T
        own = layer.da[:, :, 2] * output * (1 - np.tanh(start[1]) ** 2)
        np.testing.assert_allclose(layer.dc[:, :, 2], by_c + own, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_padding_changes_nothing(kind):
    rng = np.random.default_rng(2)
    layer, x, C = a_layer(kind, rng), rng.standard_normal((3, 2, 6)), rng.standard_normal((4, 2, 6))
    mask = np.array([[1, 1, 1, 1, 0, 0]] * 2)
    C[:, :, 4:] = 0
    short = layer.forward(x[:, :, :4]), layer.backward(C[:, :, :4]), layer.gradients
    for filling in (x, np.zeros_like(x), 1e3 + x):
        long = np.concatenate([x[:, :, :4], filling[:, :, 4:]], axis=2)
        a = layer.forward(long, mask)
        np.testing.assert_allclose(a[:, :, :4], short[0])
        np.testing.assert_array_equal(a[:, :, 5], a[:, :, 3])
        dx = layer.backward(C)
        np.testing.assert_allclose(dx[:, :, :4], short[1])
        assert not np.any(dx[:, :, 4:])
        for name, gradient in layer.gradients.items():
            np.testing.assert_allclose(gradient, short[2][name])


@pytest.mark.parametrize("kind", KINDS)
def test_going_on_from_a_state_is_the_whole_sequence(kind):
    rng = np.random.default_rng(3)
    layer, x = a_layer(kind, rng), rng.standard_normal((3, 2, 7))
    whole = layer.forward(x)
    parts = [layer.forward(x[:, :, :4])]
    parts.append(layer.forward(x[:, :, 4:], state=layer.state))
    np.testing.assert_allclose(np.concatenate(parts, axis=2), whole)


@pytest.mark.parametrize("kind", KINDS)
def test_whole_numbers_are_one_hot_columns(kind):
    rng = np.random.default_rng(4)
    layer, x = a_layer(kind, rng), rng.integers(0, 3, (2, 6))
    C = rng.standard_normal((4, 2, 6))
    first = layer.forward(x), layer.backward(C), layer.gradients
    second = layer.forward(np.moveaxis(np.eye(3)[x], 2, 0)), layer.backward(C), layer.gradients
    for one, other in zip(first[:2], second[:2], strict=True):
        np.testing.assert_allclose(one, other)
    for name in first[2]:
        np.testing.assert_allclose(first[2][name], second[2][name])


@pytest.mark.parametrize("number", [-1, 3])
def test_a_number_that_is_no_symbol_ends_in_an_error(number):
    layer = a_layer(RNN, np.random.default_rng(0))
    with pytest.raises(IndexError):
        layer.forward(np.array([[0, number]]))


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_bidirectional_matches_formulas_and_autograd(kind, masked):
    rng = np.random.default_rng(5)
    layer, x = Bidirectional(kind, 3, 4, rng, dtype=np.float64), rng.standard_normal((3, 3, 5))
    mask = a_mask(rng, 3, 5) if masked else None
    C = rng.standard_normal((8, 3, 5))

    def states(p, q, x):
        there = by_the_formulas(kind, p, x, mask)
        back = by_the_formulas(kind, q, x[:, :, ::-1], None if mask is None else mask[:, ::-1])[::-1]
        return [anp.concatenate(pair) for pair in zip(there, back, strict=True)]

    def J(p, q, x):
        return sum(anp.sum(C[:, :, t] * a) for t, a in enumerate(states(p, q, x)))

    p, q = (way.parameters for way in layer.parts())
    np.testing.assert_allclose(layer.forward(x, mask), np.stack(states(p, q, x), axis=2), atol=1e-12)
    np.testing.assert_allclose(layer.backward(C), grad(J, 2)(p, q, x), atol=1e-11)
    for number, way in enumerate(layer.parts()):
        for name, expected in grad(J, number)(p, q, x).items():
            np.testing.assert_allclose(way.gradients[name], expected, atol=1e-11)


@pytest.mark.parametrize("last", [False, True])
def test_deep_network_matches_autograd(last):
    rng = np.random.default_rng(6)
    network = Network([a_layer(GRU, rng), a_layer(LSTM, rng, 4, 5)], 3, rng, last=last)
    network.parameters["b"] += rng.standard_normal((3, 1))
    x, mask = rng.standard_normal((3, 4, 6)), a_mask(rng, 4, 6)
    y = rng.integers(0, 3, (4, 1 if last else 6))

    def cost(p, q, head):
        lower = by_the_formulas(GRU, p, x, mask)
        top = by_the_formulas(LSTM, q, anp.stack(lower, axis=2), mask)
        J = 0
        for t, a in enumerate(top[-1:] if last else top):
            S = head["W"] @ a + head["b"]
            losses = anp.log(anp.sum(anp.exp(S), axis=0)) - S[y[:, t], np.arange(4)]
            J = J + anp.sum(losses * (1 if last else mask[:, t])) / 4
        return J

    J, dscores = softmax_loss(network.forward(x, mask), y, None if last else mask)
    network.backward(dscores)
    p, q, head = (part.parameters for part in network.parts())
    np.testing.assert_allclose(J, cost(p, q, head))
    for number, part in enumerate(network.parts()):
        for name, expected in grad(cost, number)(p, q, head).items():
            np.testing.assert_allclose(part.gradients[name], expected, atol=1e-12)


def test_sigmoid_loss_matches_autograd_and_stands_large_scores():
    rng = np.random.default_rng(7)
    scores, y, counted = rng.standard_normal((2, 3, 4)), rng.integers(0, 2, (2, 3, 4)), a_mask(rng, 3, 4)

    def cost(S):
        y_hat = logistic(S)
        return anp.sum(counted * (-y * anp.log(y_hat) - (1 - y) * anp.log(1 - y_hat))) / 3

    J, dscores = sigmoid_loss(scores, y, counted)
    np.testing.assert_allclose(J, cost(scores))
    np.testing.assert_allclose(dscores, grad(cost)(scores), atol=1e-12)
    assert sigmoid_loss(np.full((1, 1, 1), 2000.0), np.zeros((1, 1, 1)))[0] == 2000
    assert softmax_loss(np.array([[[2000.0]], [[0]]]), np.array([[1]]))[0] == 2000


def test_bidirectional_many_to_one_is_refused():
    rng = np.random.default_rng(8)
    with pytest.raises(ValueError, match="from the end"):
        Network([Bidirectional(RNN, 2, 3, rng)], 1, rng, last=True)


def test_clipping_keeps_the_direction():
    rng = np.random.default_rng(9)
    network = Network([a_layer(RNN, rng)], 2, rng)
    J, dscores = softmax_loss(100 * network.forward(rng.standard_normal((3, 2, 4))), rng.integers(0, 2, (2, 4)))
    network.backward(100 * dscores)
    before = np.concatenate([g.ravel() for part in network.parts() for g in part.gradients.values()])
    assert np.linalg.norm(before) > 0.5
    ClippedAdam(max_norm=0.5).step(network)
    after = np.concatenate([g.ravel() for part in network.parts() for g in part.gradients.values()])
    np.testing.assert_allclose(after, before * 0.5 / np.linalg.norm(before))


def first_letter_again(rng, m, T):
    """Sequences of different lengths; at the end the first of two symbols is asked for."""
    x, lengths = rng.integers(0, 2, (m, T)), rng.integers(2, T + 1, m)
    return x, (np.arange(T) < lengths[:, None]) * 1, x[:, :1]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", KINDS)
def test_training_remembers_the_first_symbol(kind, dtype, capfd):
    rng = np.random.default_rng(10)
    x, mask, y = first_letter_again(rng, 300, 8)
    layer = kind(2, 12, rng, first=True, dtype=dtype)
    network = Network([layer], 2, rng, last=True)
    test = {"x": x[200:], "y": y[200:], "mask": mask[200:]}
    history = fast_rnn.train(
        network, x[:200], y[:200], ClippedAdam(0.01), rng, num_epochs=25, batch_size=32, mask=mask[:200], test=test
    )
    assert history["cost"][-1] < 0.1 < history["cost"][0]
    assert history["test_accuracy"][-1] == 1
    assert len(history["batch_cost"]) == 25 * 7
    assert network.forward(x).dtype == dtype
    assert {V.dtype for part in network.parts() for V in part.parameters.values()} == {np.dtype(dtype)}
    assert capfd.readouterr().err == ""


def test_training_at_each_step_counts_real_steps_alone():
    """Tagging: is this symbol like the one before? Labels of padding are nonsense and must not matter."""
    rng = np.random.default_rng(11)
    x, mask, _ = first_letter_again(rng, 300, 9)
    y = np.concatenate([np.zeros((300, 1)), x[:, 1:] == x[:, :-1]], axis=1)[None]
    y = np.where(mask, y, rng.integers(0, 2, y.shape))
    network = Network([RNN(2, 12, rng, first=True)], 1, rng)
    history = fast_rnn.train(
        network, x, y, ClippedAdam(0.02), rng, loss=sigmoid_loss, num_epochs=40, batch_size=50, mask=mask,
        test={"x": x, "y": y, "mask": mask},
    )  # fmt: skip
    assert history["test_accuracy"][-1] == 1
    wrong = np.where(mask, y, 1 - y)
    assert fast_rnn.accuracy(network, x, wrong, mask) == 1


def test_scores_in_parts_are_the_same():
    rng = np.random.default_rng(12)
    network = Network([Bidirectional(LSTM, 5, 4, rng, dtype=np.float64)], 3, rng)
    x, mask = rng.standard_normal((5, 7, 6)), a_mask(rng, 7, 6)
    np.testing.assert_allclose(fast_rnn.scores_of(network, x, mask, size=3), network.forward(x, mask))


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_of_training_is_fast(kind, record_property):
    """64 sequences of 30 symbols, 64 units: a step of training, on one core."""
    rng = np.random.default_rng(13)
    network = Network([kind(30, 64, rng, first=True)], 30, rng)
    x = rng.integers(0, 30, (64, 30))
    optimizer, seconds = ClippedAdam(), []
    for _ in range(9):
        start = time.perf_counter()
        _, dscores = softmax_loss(network.forward(x), x)
        network.backward(dscores)
        optimizer.step(network)
        seconds.append(time.perf_counter() - start)
    record_property(f"a training step of {kind.__name__}", f"{1000 * np.median(seconds):.0f} ms")
    print(kind.__name__, round(1000 * np.median(seconds), 1), "ms")
    assert np.median(seconds) < 0.2
