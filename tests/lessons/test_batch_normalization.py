"""Lesson 2.7, batch normalisation: both ways back against other implementations, its runs and claims, its picture."""

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
from scipy.optimize import approx_fprime
from sklearn.preprocessing import StandardScaler

from helpers import exercises
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
    settings = pictures.Settings(functions, group or 6, 0.9, None, 0.0, False)
    layer = pictures.new_layers(5, (4,), 1.3, rng)[0] | {"beta": rng.normal(size=(4, 1))}
    net = pictures.Net([layer], rng.standard_normal((1, 4)), np.zeros((1, 1)), functions)
    before = [layer[name] for name in ("W", "gamma", "beta")] + [net.W, net.b]
    theirs = autograd.grad(cost_of)(before, X, Y, kind)
    after, cost, _, _ = pictures._step(net, X, Y, settings, 0.5, rng, True)
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


def last_costs(digits, rate, seeds=range(5), **options):
    return np.array([pictures.train(digits, learning_rate=rate, seed=seed, **options).epoch_cost(-1) for seed in seeds])


def test_batch_normalisation_trains_at_rates_that_break_the_plain_network(digits):
    """The claims of section 7, with the border at a cost of 0.4."""
    assert np.all(last_costs(digits, 0.3) < 0.4)
    assert np.sum(last_costs(digits, 1.0) < 0.4) <= 3
    assert not np.any(last_costs(digits, 3.0) < 0.4)
    assert np.all(last_costs(digits, 3.0, functions=FUNCTIONS) < 0.3)
    assert not np.any(last_costs(digits, 10.0, functions=FUNCTIONS) < 0.4)
    # At equal small rates the plain network has the lower training cost.
    assert np.all(last_costs(digits, 0.1) < last_costs(digits, 0.1, functions=FUNCTIONS))


def test_batch_normalisation_is_ahead_after_the_first_epoch(digits):
    ours = [pictures.train(digits, FUNCTIONS, 1.0, seed, epochs=1).epoch_cost(1, 1) for seed in range(5)]
    for rate in (0.03, 0.1, 0.3):
        plain = [pictures.train(digits, None, rate, seed, epochs=1).epoch_cost(1, 1) for seed in range(5)]
        assert statistics.median(ours) < statistics.median(plain) - 0.05


def test_low_activations_are_not_the_reason(digits):
    """The erratum: low values learn nothing, frozen statistics break like the plain network, high values train."""
    for rate in (0.3, 3.0):
        assert np.all(last_costs(digits, rate, fixed=10) > 0.65)
    assert np.all(last_costs(digits, 0.3, fixed="first batch") < 0.4)
    assert not np.any(last_costs(digits, 3.0, fixed="first batch") < 0.4)
    assert np.all(last_costs(digits, 3.0, functions=FUNCTIONS, gamma=3.0) < 0.4)
    sizes = {
        name: pictures.train(digits, epochs=1, **options).sizes
        for name, options in (
            ("frozen", {"fixed": "first batch"}),
            ("batch", {"functions": FUNCTIONS}),
            ("high", {"functions": FUNCTIONS, "gamma": 3.0}),
        )
    }
    np.testing.assert_allclose(sizes["frozen"], sizes["batch"], rtol=1e-3)
    np.testing.assert_allclose(np.array(sizes["high"]), 3 * np.array(sizes["batch"]), rtol=1e-3)


def test_neither_the_brake_nor_a_steady_distribution_is_the_reason(digits):
    """Section 9: at rate 3 all starts train without growing weights, and with jitter."""
    kept = last_costs(digits, 3.0, functions=FUNCTIONS, keep_lengths=True)
    assert np.all(kept < 0.4)
    assert np.median(kept) > np.median(last_costs(digits, 3.0, functions=FUNCTIONS))
    assert np.all(last_costs(digits, 3.0, functions=FUNCTIONS, jitter=0.3) < 0.4)
    assert np.all(last_costs(digits, 1.0, keep_lengths=True) < 0.4)
    assert not np.any(last_costs(digits, 3.0, keep_lengths=True) < 0.4)


def test_kept_lengths_do_not_change_and_free_ones_grow(digits):
    kept = pictures.train(digits, FUNCTIONS, 3.0, epochs=1, keep_lengths=True).lengths
    assert np.ptp(kept) < 1e-9
    free = pictures.train(digits, FUNCTIONS, 3.0, epochs=1).lengths
    assert np.all(np.diff(free) > -1e-9)
    assert free[-1] > free[0] + 0.05


def test_smaller_groups_cost_training_and_help_the_test():
    """Section 10: groups of 10 against 100, and too much noise in groups of 4, on four sets of digits."""
    many, costs = pictures.digits(4000), {}
    for group in (100, 10, 4):
        for number in range(4):
            few = pictures.part(many, number, 500)
            net = pictures.train(few, FUNCTIONS, 0.3, number, epochs=40, batch_size=100, group=group).net
            both = net.judge(few.X_train, few.Y_train)[0], net.judge(few.X_test, few.Y_test)[0]
            costs.setdefault(group, []).append(both)
    (train, test), (train_10, test_10), (train_4, _) = (np.array(costs[group]).T for group in (100, 10, 4))
    assert np.all(test_10 < test)
    assert np.all(train_10 > train)
    assert np.all(train_4 > 5 * train_10)


@pytest.mark.parametrize("level", [0.0, 2.0])
def test_noise_of_a_batch_follows_the_formula(level):
    """Equation (7.35) with normal scores; the standard deviation of 4000 values is known to about 1.1 %."""
    rng = np.random.default_rng(0)
    others = rng.normal(5, 3, size=20000)
    z = others.mean() + level * others.std()
    for m in (128, 512):
        found = pictures.landings(FORWARD, z, others, m, rng, batches=4000).std()
        assert found == pytest.approx(np.sqrt((1 + level**2 / 2) / m), rel=0.06)


def test_batch_statistics_at_test_go_wrong_as_the_lesson_says(digits):
    net, X, Y = pictures.train(digits, FUNCTIONS, 1.0).net, digits.X_test, digits.Y_test
    order = np.argsort(Y[0], kind="stable")
    right = net.judge(X, Y)[1]
    assert right > 0.92
    assert net.judge(X[:, order], Y[:, order], "test", 50)[1] == right, "running statistics do not ask for the company"
    assert net.judge(X, Y, "train", 5)[1] < right - 0.08
    assert net.judge(X[:, order], Y[:, order], "train", 50)[1] < 0.7
    assert len(np.unique(np.hstack([net.scores(X[:, [i]], "train") for i in range(20)]).round(12))) == 1


def test_the_start_of_the_running_statistics_costs_digits_unless_corrected(digits):
    for momentum in (0.99, 0.999):
        net, left = pictures.train(digits, FUNCTIONS, 1.0, epochs=1, momentum=momentum).net, momentum**40
        layers = [
            layer | {"mean": layer["mean"] / (1 - left), "var": (layer["var"] - left) / (1 - left)}
            for layer in net.layers
        ]
        accuracies = [one.judge(digits.X_test, digits.Y_test)[1] for one in (net, net._replace(layers=layers))]
        assert accuracies[0] < accuracies[1] - 0.05


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
