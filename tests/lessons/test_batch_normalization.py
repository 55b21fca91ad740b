"""Lesson 2.7, batch normalisation: both ways back against other implementations, its runs and claims, its picture."""

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
from scipy.optimize import approx_fprime
from sklearn.preprocessing import StandardScaler

from helpers import courses, exercises, notebooks
from helpers.widgets import batch_normalization as pictures

LESSON = exercises.load("batch_normalization").exercises
FORWARD, BACKWARD, CLOSED, UPDATE = (
    LESSON[name].reference
    for name in ("batchnorm_forward", "batchnorm_backward", "batchnorm_backward_alt", "update_running_statistics")
)
FUNCTIONS = pictures.Functions(FORWARD, CLOSED, UPDATE)
BOTH = pytest.mark.parametrize("backward", [BACKWARD, CLOSED])
SHAPES = pytest.mark.parametrize(("n", "m", "epsilon"), [(3, 5, 0.4), (4, 4, 1e-5), (2, 9, 1e-3), (3, 1, 0.2)])
HAND = np.array([[3.0, 3.0, 3.0, 7.0]])


def column(*values):
    return np.array([[float(value)] for value in values])


def drawn(n, m, seed=0):
    rng = np.random.default_rng(seed)
    Z = rng.normal(2, 3, size=(n, m))
    return Z, rng.uniform(1, 2, size=(n, 1)), rng.normal(size=(n, 1)), rng.standard_normal((n, m))


def in_training(Z, gamma, beta, epsilon):
    return FORWARD(Z, gamma, beta, 0 * gamma, 0 * gamma + 1, "train", epsilon)


# --- forward and statistics -------------------------------------------------------------------------------------------


def test_forward_matches_scikit_learn():
    """StandardScaler normalises columns, with the variance over m; epsilon = 0 here."""
    Z, gamma, beta, _ = drawn(4, 9)
    scaler = StandardScaler().fit(Z.T)
    Z_tilde, (C, s, Z_norm, _) = in_training(Z, gamma, beta, 0.0)
    np.testing.assert_allclose(Z_norm, scaler.transform(Z.T).T, rtol=1e-12)
    np.testing.assert_allclose(s[:, 0], scaler.scale_, rtol=1e-12)
    np.testing.assert_allclose(C.T, Z.T - scaler.mean_, rtol=1e-12)
    new = np.random.default_rng(5).normal(size=(4, 3))
    at_test, _ = FORWARD(new, gamma, beta, scaler.mean_[:, None], scaler.var_[:, None], "test", 0.0)
    np.testing.assert_allclose(at_test, gamma * scaler.transform(new.T).T + beta, rtol=1e-12)


def test_numbers_by_hand():
    Z_tilde, cache = in_training(HAND, column(2), column(10), 1)
    assert Z_tilde.tolist() == [[9, 9, 9, 13]]
    for backward in (BACKWARD, CLOSED):
        dZ, dgamma, dbeta = backward(np.array([[0.0, 0, 0, 4]]), cache)
        np.testing.assert_allclose(dZ, [[-0.25, -0.25, -0.25, 0.75]], atol=1e-15)
        assert (dgamma.item(), dbeta.item()) == (1.5, 1)
    assert FORWARD(column(7), column(2), column(10), column(1), column(8), "test", 1)[0].item() == 14
    np.testing.assert_allclose(UPDATE(column(0), column(1), HAND, 0.9), [[[0.4]], [[1.2]]])


@SHAPES
def test_output_has_the_mean_and_spread_that_are_derived(n, m, epsilon):
    Z, gamma, beta, _ = drawn(n, m)
    Z_tilde, (_, _, Z_norm, _) = in_training(Z, gamma, beta, epsilon)
    variance = Z.var(axis=1, keepdims=True)
    np.testing.assert_allclose(Z_norm.mean(axis=1), 0, atol=1e-14)
    np.testing.assert_allclose(np.mean(Z_norm**2, axis=1, keepdims=True), variance / (variance + epsilon), rtol=1e-12)
    np.testing.assert_allclose(Z_tilde.mean(axis=1, keepdims=True), beta, rtol=1e-12)


def test_gamma_and_beta_can_undo_the_normalisation():
    Z, _, _, _ = drawn(3, 6)
    mu, s = Z.mean(axis=1, keepdims=True), np.sqrt(Z.var(axis=1, keepdims=True) + 0.3)
    np.testing.assert_allclose(in_training(Z, s, mu, 0.3)[0], Z, rtol=1e-13)


def test_bias_and_length_of_the_weights_have_no_effect():
    """Equations (7.8) and (7.9)."""
    Z, gamma, beta, _ = drawn(3, 6)
    plain, _ = in_training(Z, gamma, beta, 0.0)
    np.testing.assert_allclose(in_training(7 * Z + 5, gamma, beta, 0.0)[0], plain, rtol=1e-10)


def test_two_scores_become_plus_and_minus_one_and_one_score_becomes_beta():
    Z_tilde, _ = in_training(np.array([[3.0, 7.5]]), column(1), column(0), 0.0)
    assert Z_tilde.tolist() == [[-1, 1]]
    assert in_training(column(123), column(2), column(0.7), 1e-5)[0].item() == 0.7


def test_no_normalised_score_exceeds_the_root_of_m_minus_one():
    rng = np.random.default_rng(0)
    for m in (2, 3, 4, 8):
        _, (_, _, Z_norm, _) = in_training(rng.standard_cauchy((500, m)), np.ones((500, 1)), np.zeros((500, 1)), 1e-12)
        assert np.abs(Z_norm).max() <= np.sqrt(m - 1) + 1e-9
    _, (_, _, Z_norm, _) = in_training(np.array([[0.0, 0, 0, 1]]), column(1), column(0), 0.0)
    assert Z_norm.max() == pytest.approx(np.sqrt(3))


def test_running_statistics_forget_their_start_as_derived():
    """Equations (7.11) to (7.13), with equal batches; after 40 batches 0.99^40 = 67 % of the start are left."""
    running = column(0), column(1)
    for t in range(1, 41):
        running = UPDATE(*running, HAND, 0.99)
        left = 0.99**t
        np.testing.assert_allclose(running[0], (1 - left) * 4, rtol=1e-12)
        np.testing.assert_allclose((running[1] - left) / (1 - left), 3, rtol=1e-10)
    assert round(100 * 0.99**40) == 67


def test_batch_variance_is_too_small_by_the_factor_of_the_lesson():
    """Equation (7.14) by counting: all 2^m equally likely batches of +1 and -1, whose variance is 1."""
    for m in (2, 3, 8):
        batches = np.array(list(np.ndindex(*[2] * m))) * 2 - 1
        assert np.mean(batches.var(axis=1)) == pytest.approx((m - 1) / m)
        assert np.mean(batches.var(axis=1, ddof=1)) == pytest.approx(1)
    assert round(64 / 63 - 1, 3) == 0.016


def test_numbers_of_the_prose():
    """The mean of a batch's variance for m = 50, the cost of guessing, the largest output in a batch of 4."""
    assert pytest.approx(8.82) == 9 * 49 / 50
    assert np.log(2) == pytest.approx(0.69, abs=0.005)
    assert np.sqrt(4 - 1) == pytest.approx(1.73, abs=0.005)


# --- backward ---------------------------------------------------------------------------------------------------------


@BOTH
@SHAPES
def test_backward_matches_numerical_gradients(backward, n, m, epsilon):
    Z, gamma, beta, r = drawn(n, m, seed=1)
    Z_tilde, cache = in_training(Z, gamma, beta, epsilon)
    ours = backward(r * Z_tilde, cache)

    def sum_of_losses(Z, gamma, beta):
        return np.sum(r * in_training(Z, gamma, beta, epsilon)[0] ** 2) / 2

    h, arrays = 1e-6, (Z, gamma, beta)
    for place, factor in ((0, 1), (1, 1 / m), (2, 1 / m)):
        for index in np.ndindex(arrays[place].shape):
            values = []
            for step in (h, -h):
                nudged = [array.copy() for array in arrays]
                nudged[place][index] += step
                values.append(sum_of_losses(*nudged))
            numerical = factor * (values[0] - values[1]) / (2 * h)
            assert ours[place][index] == pytest.approx(numerical, rel=1e-6, abs=1e-7)


@BOTH
@SHAPES
def test_backward_matches_automatic_gradients(backward, n, m, epsilon):
    Z, gamma, beta, r = drawn(n, m, seed=2)

    def mean_cost(Z, gamma, beta):
        mu = anp.mean(Z, axis=1, keepdims=True)
        normalised = (Z - mu) / anp.sqrt(anp.mean((Z - mu) ** 2, axis=1, keepdims=True) + epsilon)
        return anp.sum(r * anp.tanh(gamma * normalised + beta)) / m

    Z_tilde, cache = in_training(Z, gamma, beta, epsilon)
    ours = backward(r * (1 - np.tanh(Z_tilde) ** 2), cache)
    for place, factor in ((0, m), (1, 1), (2, 1)):
        theirs = factor * autograd.grad(mean_cost, place)(Z, gamma, beta)
        np.testing.assert_allclose(ours[place], theirs, rtol=1e-9, atol=1e-12)


def test_both_ways_back_agree_to_the_last_digits():
    Z, gamma, beta, r = drawn(32, 50)
    _, cache = in_training(Z, gamma, beta, 1e-5)
    for graph, closed in zip(BACKWARD(r, cache), CLOSED(r, cache), strict=True):
        np.testing.assert_allclose(graph, closed, rtol=1e-10, atol=1e-13)


@SHAPES
def test_jacobian_of_the_second_derivation(n, m, epsilon):
    """Equation (7.28), entry by entry, against finite differences of the forward pass."""
    Z, _, _, _ = drawn(1, m, seed=3)
    _, (_, s, Z_norm, _) = in_training(Z, column(1), column(0), epsilon)
    derived = (np.eye(m) - 1 / m - np.outer(Z_norm, Z_norm) / m) / s

    def z_norm(z):
        return in_training(z[None, :], column(1), column(0), epsilon)[1][2][0]

    numerical = np.atleast_2d(approx_fprime(Z[0], z_norm, 1e-7)).reshape(m, m)
    np.testing.assert_allclose(derived, numerical, atol=1e-5)


@BOTH
def test_slope_loses_its_mean_and_its_part_along_the_scores(backward):
    """Equation (7.31), with the exact second sum."""
    Z, gamma, beta, r = drawn(5, 8)
    _, cache = in_training(Z, gamma, beta, 0.3)
    dZ, dgamma, _ = backward(r, cache)
    np.testing.assert_allclose(dZ.sum(axis=1), 0, atol=1e-13)
    variance = Z.var(axis=1, keepdims=True)
    second = gamma / cache[1] * 8 * dgamma * (1 - variance / (variance + 0.3))
    np.testing.assert_allclose(np.sum(dZ * cache[2], axis=1, keepdims=True), second, rtol=1e-10)


@BOTH
def test_batch_of_one_sends_nothing_back(backward):
    _, cache = in_training(column(3, -2), column(2, 1.5), column(0.5, 1), 1e-5)
    dZ, dgamma, dbeta = backward(column(5, -1), cache)
    np.testing.assert_allclose(dZ, 0, atol=1e-12)
    assert not np.any(dgamma)
    assert dbeta.tolist() == [[5], [-1]]


def test_gradient_is_at_right_angles_to_the_weights_and_shrinks_as_they_grow():
    """Equations (7.32) to (7.34), without epsilon."""
    rng = np.random.default_rng(0)
    W, X, r = rng.standard_normal((3, 6)), rng.standard_normal((6, 20)), rng.standard_normal((3, 20))

    def gradient(W):
        Z_tilde, cache = in_training(W @ X, np.ones((3, 1)), np.zeros((3, 1)), 0.0)
        return CLOSED(r * Z_tilde, cache)[0] @ X.T / 20

    np.testing.assert_allclose(np.sum(W * gradient(W), axis=1), 0, atol=1e-14)
    np.testing.assert_allclose(gradient(4 * W), gradient(W) / 4, rtol=1e-10)
    longer = np.sum((W - 0.7 * gradient(W)) ** 2, axis=1)
    np.testing.assert_allclose(longer, np.sum(W**2, axis=1) + 0.49 * np.sum(gradient(W) ** 2, axis=1), rtol=1e-12)


def test_a_bias_runs_away_if_the_statistics_are_taken_for_constants():
    x, b, costs = np.random.default_rng(0).standard_normal((1, 50)), 0.0, []
    for _ in range(100):
        Z_tilde, (_, s, _, _) = in_training(x + b, column(1), column(0), 1e-5)
        costs.append(np.mean((Z_tilde - 2) ** 2) / 2)
        b -= 0.1 * np.mean((Z_tilde - 2) / s)
    assert b > 20
    assert np.ptp(costs) < 1e-9


# --- the runs ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def digits():
    return pictures.digits(2000)


def cost_of(arrays, X, Y, kind):
    """Return the cost of a net with one hidden layer by autograd's NumPy; groups of 3 columns if `kind` says so."""
    W, gamma, beta, V, b = arrays
    Z = anp.dot(W, X)
    if kind != "plain":
        rows = anp.reshape(Z, (-1, 3)) if kind == "groups" else Z
        C = rows - anp.mean(rows, axis=1, keepdims=True)
        Z = anp.reshape(C / anp.sqrt(anp.mean(C**2, axis=1, keepdims=True) + 1e-5), Z.shape)
    S = anp.dot(V, anp.maximum(0, gamma * Z + beta)) + b
    return anp.mean(anp.logaddexp(0.0, S) - Y * S)


@pytest.mark.parametrize(("kind", "group"), [("plain", None), ("batch", None), ("groups", 3)])
def test_a_step_of_the_run_follows_the_automatic_gradient(kind, group):
    rng = np.random.default_rng(4)
    X, Y = rng.standard_normal((5, 6)), rng.integers(0, 2, size=(1, 6)).astype(float)
    functions = None if kind == "plain" else FUNCTIONS
    settings = pictures.Settings(functions, group or 6, 0.9)
    layer = pictures.new_layers(5, (4,), 1.0 if kind == "plain" else 1.3, rng)[0] | {"beta": rng.normal(size=(4, 1))}
    net = pictures.Net([layer], rng.standard_normal((1, 4)), np.zeros((1, 1)), functions)
    before = [layer[name] for name in ("W", "gamma", "beta")] + [net.W, net.b]
    theirs = autograd.grad(cost_of)(before, X, Y, kind)
    after, cost, _ = pictures._step(net, X, Y, settings, 0.5)
    assert cost == pytest.approx(cost_of(before, X, Y, kind), rel=1e-12)
    found = [layer[name] for name in ("W", "gamma", "beta")] + [after.W, after.b]
    for name, old, new, gradient in zip(("W", "gamma", "beta", "V", "b"), before, found, theirs, strict=True):
        if (kind, name) != ("plain", "gamma"):  # a plain network has no gamma to learn
            np.testing.assert_allclose(new, old - 0.5 * gradient, rtol=1e-7, atol=1e-10)


def test_parts_of_the_digits_share_none(digits):
    many = pictures.digits(4000)
    parts = [pictures.part(many, number, 500) for number in range(8)]
    assert all(part.X_train.shape == (196, 500) for part in parts)
    assert np.mean(parts[3].X_train ** 2) == pytest.approx(1)
    labels = np.hstack([part.Y_train for part in parts])
    np.testing.assert_array_equal(labels, many.Y_train)


@pytest.fixture(scope="module")
def loop(digits):
    """The training loop of section 7: its cells, with the reference functions."""
    cells = {cell.id: cell.source for cell in notebooks.read(courses.find("batch_normalization").path).cells}
    space = {"np": np, "digits": digits, **{name: one.reference for name, one in LESSON.items()}}
    for name in ("hidden_layer", "hidden_backward", "one_step", "new_layers", "train_loop", "judge"):
        exec(cells[name], space)
    return space


def last_costs(loop, divisor, rate, seeds=range(5), **options):
    """Return the cost of the last epoch in five starts, infinity where a run diverged."""
    runs = [loop["train"](rate, seed, divisor, **options)[1]["costs"][-40:] for seed in seeds]
    return np.nan_to_num([np.mean(costs) for costs in runs], nan=np.inf)


def test_the_loop_of_the_notebook_trains_as_the_one_with_groups(loop, digits):
    few = pictures.part(digits, 0, 500)
    for divisor, functions, group in ((1, None, None), (None, FUNCTIONS, None), (None, FUNCTIONS, 10)):
        layers, ours = loop["train"](0.3, 3, divisor, epochs=2, data=few, batch=100, group=group)
        theirs = pictures.train(few, functions, 0.3, 3, epochs=2, batch_size=100, group=group)
        np.testing.assert_allclose(ours["costs"], theirs.costs, rtol=1e-7)
        both = [loop["judge"](layers, few.X_test, few.Y_test)[0], theirs.net.judge(few.X_test, few.Y_test)[0]]
        assert both[0] == pytest.approx(both[1], rel=1e-7)


def test_rates_that_train(loop):
    """Section 7: plain up to 0.3, batch normalisation up to 5, in five starts of five; neither at 10."""
    assert np.all(last_costs(loop, 1, 0.3) < 0.5)
    assert np.sum(last_costs(loop, 1, 1.0) < 0.5) < 5
    assert not np.any(last_costs(loop, 1, 3.0) < 0.5)
    assert np.all(last_costs(loop, None, 5.0) < 0.5)
    assert not np.any(last_costs(loop, None, 10.0) < 0.5)
    assert np.median(last_costs(loop, 1, 0.3)) < min(
        np.median(last_costs(loop, None, rate)) for rate in (0.3, 1.0, 3.0)
    )


def test_first_epoch_is_cheapest_with_batch_normalisation(loop):
    def first(divisor, rate):
        return np.median([np.mean(loop["train"](rate, seed, divisor, epochs=1)[1]["costs"]) for seed in range(5)])

    assert first(None, 1.0) < min(first(1, rate) for rate in (0.1, 0.3)) - 0.05


def test_fixed_divisors_of_two_and_three_stand_rate_3_and_only_batch_normalisation_rate_5(loop):
    """Section 8, the table: activations that are low and controlled by nothing."""
    for divisor in (2, 3):
        assert np.all(last_costs(loop, divisor, 3.0) < 0.5)
        assert np.sum(last_costs(loop, divisor, 5.0) < 0.5) <= 1
    for divisor in (5, 10):
        for rate in (0.3, 3.0):
            assert not np.any(last_costs(loop, divisor, rate) < 0.5)
    X, sizes = loop["digits"].X_train[:, :500], {}
    for divisor in (2, 3, None):
        A = X
        for layer in loop["new_layers"](len(X), np.random.default_rng(0), divisor, 0.9)[:-1]:
            A, _ = loop["hidden_forward"](layer, A, "train")
            sizes.setdefault(divisor, []).append(A.mean())
    assert np.all(np.array(sizes[3]) < np.array(sizes[2]))
    assert np.all(np.array(sizes[2]) < np.array(sizes[None]))


def test_a_divisor_is_a_smaller_start_and_a_smaller_rate(loop, digits):
    """Equation (7.32): hidden weights divided by k, and their rate by k squared; the biases keep the rate."""
    k, rate, rng = 2, 0.5, np.random.default_rng(0)
    divided = loop["new_layers"](196, np.random.default_rng(0), k, 0.9)
    plain = loop["new_layers"](196, rng, 1, 0.9)
    for layer in plain[:-1]:
        layer["W"] = layer["W"] / k
    X, Y = digits.X_train[:, :50], digits.Y_train[:, :50]
    before = [layer["W"] for layer in plain]
    costs = [loop["step"](layers, X, Y, rate)[0] for layers in (divided, plain)]
    assert costs[0] == pytest.approx(costs[1], rel=1e-12)
    for one, other, old in zip(divided[:-1], plain[:-1], before[:-1], strict=True):
        np.testing.assert_allclose(one["W"] / k, old + (other["W"] - old) / k**2, rtol=1e-9, atol=1e-12)


def test_the_brake_is_not_all(loop):
    """Section 9: without growing weights batch normalisation still trains at rate 3, with a higher cost."""
    kept = last_costs(loop, None, 3.0, keep_lengths=True)
    assert np.all(kept < 0.5)
    assert np.median(kept) > np.median(last_costs(loop, None, 3.0))
    assert np.all(last_costs(loop, 1, 1.0, keep_lengths=True) < 0.5)
    assert not np.any(last_costs(loop, 1, 3.0, keep_lengths=True) < 0.5)
    kept, free = (loop["train"](3.0, 0, epochs=1, keep_lengths=one)[1]["lengths"] for one in (True, False))
    assert np.ptp(kept) < 1e-9
    assert free[-1] > free[0] + 0.05


def test_smaller_groups_cost_training_and_help_the_test(loop):
    """Section 10: groups of 10 against 100, and too much noise in groups of 4, on four sets of digits."""
    many, costs = pictures.digits(4000), {}
    for group in (100, 10, 4):
        for number in range(4):
            few = pictures.part(many, number, 500)
            layers, _ = loop["train"](0.3, number, epochs=40, data=few, batch=100, group=group)
            both = [loop["judge"](layers, *data)[0] for data in (few[:2], few[2:])]
            costs.setdefault(group, []).append(both)
    (train, test), (train_10, test_10), (train_4, _) = (np.array(costs[group]).T for group in (100, 10, 4))
    assert np.all(test_10 < test)
    assert np.all(train_10 > train)
    assert np.all(train_4 > 5 * train_10)


def test_noise_of_a_batch_follows_the_formula():
    """Equation (7.36) with normal scores; the standard deviation of 4000 values is known to about 1.1 %."""
    rng = np.random.default_rng(0)
    others = rng.normal(5, 3, size=20000)
    for m in (128, 512):
        found = pictures.landings(FORWARD, others.mean(), others, m, rng, batches=4000).std()
        assert found == pytest.approx(1 / np.sqrt(m), rel=0.06)


def test_batch_statistics_at_test_go_wrong_as_the_lesson_says(loop, digits):
    X, Y, judge = digits.X_test, digits.Y_test, loop["judge"]
    order = np.argsort(Y[0], kind="stable")
    for seed in range(5):
        layers, _ = loop["train"](1.0, seed)
        right = judge(layers, X, Y)[1]
        assert right > 0.92
        assert judge(layers, X[:, order], Y[:, order], "test", 50)[1] == right, "they do not ask for the company"
        assert judge(layers, X, Y, "train", 50)[1] > right - 0.03
        assert judge(layers, X, Y, "train", 5)[1] < right - 0.06
        assert judge(layers, X[:, order], Y[:, order], "train", 50)[1] < 0.7
        assert judge(layers, X, Y, "train", 1)[1] < 0.55


def test_the_start_of_the_running_statistics_costs_digits_unless_corrected(loop, digits):
    for momentum in (0.99, 0.999):
        left, found = momentum**40, []
        for seed in range(5):
            layers, _ = loop["train"](1.0, seed, epochs=1, momentum=momentum)
            found.append([loop["judge"](layers, digits.X_test, digits.Y_test)[1]])
            for layer in layers[:-1]:
                layer["mean"], layer["var"] = layer["mean"] / (1 - left), (layer["var"] - left) / (1 - left)
            found[-1].append(loop["judge"](layers, digits.X_test, digits.Y_test)[1])
        before, after = np.mean(found, axis=0)
        assert before < after - 0.03


# --- runs to diagnose -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", range(len(pictures.FAULTS)), ids=["large", "small", "stale", "gamma", "pairs"])
def test_a_run_looks_as_its_fault_says_and_as_no_other(which):
    for seed in range(8):
        run = pictures.sick_run(np.random.default_rng(seed), FORWARD, CLOSED, UPDATE, which=which)
        assert run.which == which
        costs = [float(one) for one in re.search(r"epochs are (.*); guessing", run.words)[1].split(", ")]
        before, after, running, given = (
            float(re.search(pattern + r" ([\d.]*\d)", run.words)[1])
            for pattern in ("units, is", "start and", "running variance is", "hidden layer gives")
        )
        looks = [
            costs[0] > 1.2 and after > 100 * before,
            costs[-1] > 0.55 and np.ptp(costs) < 0.15 and abs(after / before - 1) < 0.1 and given > 0.1,
            costs[-1] < 0.4 and running == 1,
            np.ptp(costs) < 0.02 and given == 0,
            costs[0] < 1.2 and costs[-1] > 0.5 and after > 3 * before and given > 0.1,
        ]
        assert [i for i, there in enumerate(looks) if there] == [which], (seed, run.words)


# --- the picture ------------------------------------------------------------------------------------------------------


@pytest.fixture
def picture():
    return pictures.one_unit(FORWARD)


def test_picture_answers_within_a_tenth_of_a_second(picture, record_property):
    seconds = []
    for step in range(12):
        for name, value in (("m", pictures.SIZES[-1 - step % 3]), ("number", step + 2), ("scale", 0.3 + 0.2 * step)):
            start = time.process_time()
            picture.controls[name].value = value
            seconds.append(time.process_time() - start)
    record_property("picture of lesson 2.7, median time to answer", f"{1000 * statistics.median(seconds):.0f} ms")
    assert statistics.median(seconds) < machine.seconds(0.1)


def test_picture_follows_its_controls(picture):
    shown = [picture._image.value]
    for name, value in (("m", 64), ("number", 7), ("gamma", 1.8), ("beta", -1.5), ("shift", -2.0), ("m", 1)):
        picture.controls[name].value = value
        assert picture._image.value not in shown
        shown.append(picture._image.value)


def test_picture_says_what_it_shows(picture):
    scores = 2 * pictures.batch_of(8, 1)[0] + 3
    assert scores[0] == pytest.approx(2 * 0.8 + 3)
    caption = picture._caption.value
    assert f"Batch of 8: mean {scores.mean():.2f}, standard deviation {scores.std():.2f}" in caption
    assert "After: mean 0.00, standard deviation 1.00" in caption
    assert f"from 4.60 to {(4.6 - scores.mean()) / scores.std():.2f}" in caption
    picture.controls["gamma"].value, picture.controls["beta"].value = 1.5, -1.0
    assert "After: mean -1.00, standard deviation 1.50" in picture._caption.value


def test_picture_answers_its_two_questions(picture):
    before = picture._caption.value.split("After:")[1].split("The marked")[0]
    picture.controls["scale"].value, picture.controls["shift"].value = 0.5, -4.0
    assert picture._caption.value.split("After:")[1].split("The marked")[0] == before
    picture.controls["m"].value = 1
    picture.controls["beta"].value = 0.7
    assert "lands at 0.70 on average, with a standard deviation of 0.00" in picture._caption.value
    picture.controls["m"].value = 2
    many = pictures.landings(FORWARD, 0.8, pictures.OTHERS, 2, np.random.default_rng(0))
    assert np.abs(np.abs(many) - 1).max() < 0.2, "but for epsilon, where both scores are nearly equal"
    assert np.median(np.abs(many)) == pytest.approx(1, abs=1e-4)


def test_picture_has_a_static_twin(picture):
    data = picture._repr_mimebundle_()
    image = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
    assert image.size == (840, 290)
    assert "application/vnd.jupyter.widget-view+json" in data
