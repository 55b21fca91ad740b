"""Lesson 2.5, optimisers: the formulas against SciPy, HIPS autograd and brute force, the lesson's numbers, its picture."""

import base64
import html
import io
import itertools
import re
import statistics
import time

import autograd
import autograd.numpy as anp
import machine
import numpy as np
import pytest
from autograd.misc import optimizers as theirs
from PIL import Image
from scipy.signal import lfilter

from helpers import courses, exercises, notebooks
from helpers.widgets import optimizers as pictures

LESSON = exercises.load("optimizers").exercises
MINE = pictures.Functions(*(LESSON[name].reference for name in pictures.Functions._fields))
BATCHES, GD, VELOCITY, MOMENTUM, RMSPROP, ADAM_START, ADAM = MINE
AVERAGE, UPDATE_LR, SCHEDULE = (
    LESSON[name].reference for name in ("exponentially_weighted_average", "update_lr", "schedule_lr_decay")
)


@pytest.fixture(scope="module")
def digits():
    return pictures.digits()


@pytest.fixture(scope="module")
def loop(digits):
    """The notebook's own network and loops, with the references in place of the learner's functions."""
    cells = {cell.id: cell.source for cell in notebooks.read(courses.find("optimizers").path).cells}
    space = {"np": np, "time": time, "digits": digits} | {name: one.reference for name, one in LESSON.items()}
    for name in ("network", "judge", "noise_function", "until", "steps_function", "one_step", "train", "jitter"):
        exec(cells[name], space)
    return space


@pytest.fixture(scope="module")
def first(loop):
    return loop["first_parameters"](0)


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


# --- mini-batches -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("m", "size"), [(10, 4), (12, 3), (7, 9), (5, 1), (4, 4)])
def test_each_example_is_in_one_batch_with_its_label(m, size):
    X = np.arange(2.0 * m).reshape(2, m)
    batches = BATCHES(X, X[:1] + 0.5, size, np.random.default_rng(1))
    assert len(batches) == -(-m // size)
    assert [X_k.shape[1] for X_k, _ in batches] == [size] * (m // size) + ([m % size] if m % size else [])
    assert all(np.all(Y_k == X_k[:1] + 0.5) and np.all(X_k[1] == X_k[0] + m) for X_k, Y_k in batches)
    assert sorted(np.concatenate([X_k[0] for X_k, _ in batches])) == list(range(m))


def test_a_mini_batch_is_right_on_average_and_its_noise_follows_the_formula():
    """Equations (5.3) and (5.7), over all mini-batches that there are."""
    g, m = random(7), 7
    for B in range(1, m + 1):
        means = [np.mean(g[list(chosen)]) for chosen in itertools.combinations(range(m), B)]
        assert np.mean(means) == pytest.approx(g.mean())
        assert np.var(means) == pytest.approx(np.var(g) / B * (m - B) / (m - 1), abs=1e-12)


def test_batch_costs_add_up_with_their_sizes(loop, digits, first):
    """Equation (5.6) with a smaller last batch; the plain mean is another number."""
    X, Y = digits.X_train[:, :90], digits.Y_train[:, :90]
    batches = BATCHES(X, Y, 64, np.random.default_rng(0))
    costs = [loop["cost_and_gradients"](first, *batch)[0] for batch in batches]
    whole = loop["cost_and_gradients"](first, X, Y)[0]
    assert (64 * costs[0] + 26 * costs[1]) / 90 == pytest.approx(whole)
    assert abs(np.mean(costs) - whole) > 1e-4


def test_noise_of_digits_is_that_of_the_lesson(loop, first):
    noise = loop["gradient_noise"](first, (1, 64, 1024))
    assert noise[1] == pytest.approx(10.7, abs=0.05)
    others = [loop["gradient_noise"](loop["first_parameters"](seed), (1, 64)) for seed in range(1, 5)]
    assert all(3 < found[1] < 11 for found in others)
    assert sum(found[64] > 1 for found in (noise, *others)) == 3, "longer than the gradient in three of five starts"
    for B in (64, 1024):
        assert noise[B] == pytest.approx(noise[1] * np.sqrt((4000 - B) / 3999 / B), rel=0.1)


def test_sizes_in_the_race(loop):
    """Steps to a cost of 0.25: the whole set needs few steps, but many more examples."""
    needed = {size: loop["until"](size, rate, 0) for size, rate in ((1, 0.1), (64, 1.0), (4000, 1.5))}
    assert needed[1][1] < 4000
    assert 60 <= needed[4000][0] <= 75 <= needed[64][0] <= 110
    assert needed[4000][1] > 30 * needed[64][1]
    assert needed[1][2] / needed[1][1] > 5 * needed[4000][2] / needed[4000][1], "seconds per example"


@pytest.mark.parametrize("m", [2000, 200])
def test_mini_batches_need_fewer_epochs_on_small_sets_too(loop, m):
    small, whole = (loop["until"](size, rate, 0, m) for size, rate in ((64, 1.0), (m, 1.5)))
    assert small[1] < 0.6 * whole[1]


# --- averages ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("beta", [0.0, 0.5, 0.9, 0.98])
def test_average_matches_scipy_and_its_unrolled_sum(beta):
    """Equations (5.8), (5.9), (5.10) and (5.13)."""
    x = random(30)
    np.testing.assert_allclose(AVERAGE(x, beta), lfilter([1 - beta], [1, -beta], x), atol=1e-12)
    weights = (1 - beta) * beta ** np.arange(30.0)
    assert AVERAGE(x, beta)[-1] == pytest.approx(np.sum(weights * x[::-1]))
    assert weights.sum() == pytest.approx(1 - beta**30)
    np.testing.assert_allclose(AVERAGE(np.full(9, 7.0), beta, True), 7)
    assert AVERAGE(x, beta, True)[-1] == pytest.approx(np.average(x[::-1], weights=weights))


def test_averages_by_hand():
    x = np.array([10.0, 20, 30])
    assert AVERAGE(x, 0.5) == [5, 12.5, 21.25]
    np.testing.assert_allclose(AVERAGE(x, 0.5, True), [10, 16.7, 24.3], atol=0.05)


def test_memory_and_noise_of_an_average():
    """Equations (5.11) and (5.12)."""
    for beta in (0.9, 0.98, 0.999):
        assert beta ** (1 / (1 - beta)) == pytest.approx(0.37, abs=0.025)
    v = AVERAGE(random(200_000), 0.9)[1000:]
    assert np.var(v) == pytest.approx(1 / 19, rel=0.03)


def test_numbers_of_the_prose():
    """Batches of an epoch, sizes that are usual, the weight of the memory, the limit of the tuned beta."""
    assert -(-4000 // 64) == 63
    assert [2**k for k in (6, 7, 8, 9)] == [64, 128, 256, 512]
    assert 1 - np.exp(-1) == pytest.approx(0.63, abs=0.005), "63 %"
    assert pytest.approx(5.1, abs=0.05) == 2 * 1.44 / 0.56
    assert -(-3000 // 64) * 10 == 470


# --- one step, and many -----------------------------------------------------------------------------------------------


def pair(w, b=0.0):
    return {"W1": np.array([[float(w)]]), "b1": np.array([[float(b)]])}


def pair_d(w, b=0.0):
    return {"dW1": np.array([[float(w)]]), "db1": np.array([[float(b)]])}


def test_steps_by_hand():
    assert GD(pair(1, 0.5), pair_d(3, 2), 0.1) == {"W1": pytest.approx(0.7), "b1": pytest.approx(0.3)}
    new, v = MOMENTUM(pair(1), pair_d(2), pair_d(4), 0.9, 0.1)
    assert (v["dW1"].item(), new["W1"].item()) == (pytest.approx(3.8), pytest.approx(0.62))
    new, s = RMSPROP(pair(1), pair_d(3), pair_d(23), 0.5, 0.5, 1.0)
    assert (s["dW1"].item(), new["W1"].item(), new["b1"].item()) == (pytest.approx(16), pytest.approx(0.7), 0)
    new, (v, s) = pair(1), ADAM_START(pair(1))
    for t, w, average in ((1, 0.7, 0.3), (2, 0.4, 0.57)):
        new, v, s = ADAM(new, pair_d(3), v, s, t, 0.4, 0.9, 0.999, 1.0)
        assert (new["W1"].item(), v["dW1"].item()) == (pytest.approx(w), pytest.approx(average))


def rosenbrock(x, _=0):
    return (1 - x[0]) ** 2 + 3 * (x[1] - x[0] ** 2) ** 2 + 0.3 * anp.sin(5 * x[2])


SLOPE = autograd.grad(rosenbrock)
START = np.array([-0.7, 0.9, 0.4])


def many_steps(start, step, count=60):
    """Return the point after many steps of a function of this lesson, for `rosenbrock`."""
    parameters = {"W1": START[None, :2].copy(), "b1": START[None, 2:].copy()}
    state = start(parameters)
    for t in range(1, count + 1):
        g = SLOPE(np.hstack([parameters["W1"], parameters["b1"]])[0])
        parameters, state = step(parameters, {"dW1": g[None, :2], "db1": g[None, 2:]}, state, t)
    return np.hstack([parameters["W1"], parameters["b1"]])[0]


def test_momentum_matches_autograd():
    mine = many_steps(VELOCITY, lambda p, g, v, t: MOMENTUM(p, g, v, 0.8, 0.02))
    np.testing.assert_allclose(mine, theirs.sgd(SLOPE, START, num_iters=60, step_size=0.02, mass=0.8), rtol=1e-9)


def test_rmsprop_matches_autograd():
    """There, s starts with ones."""
    ones = lambda p: {"d" + name: np.ones_like(array) for name, array in p.items()}  # noqa: E731
    mine = many_steps(ones, lambda p, g, s, t: RMSPROP(p, g, s, 0.8, 0.02, 0.01))
    expected = theirs.rmsprop(SLOPE, START, num_iters=60, step_size=0.02, gamma=0.8, eps=0.01)
    np.testing.assert_allclose(mine, expected, rtol=1e-9)


def test_adam_matches_autograd():
    def step(p, g, state, t):
        p, *state = ADAM(p, g, *state, t, 0.02, 0.8, 0.95, 0.01)
        return p, state

    mine = many_steps(ADAM_START, step)
    expected = theirs.adam(SLOPE, START, num_iters=60, step_size=0.02, b1=0.8, b2=0.95, eps=0.01)
    np.testing.assert_allclose(mine, expected, rtol=1e-9)


def test_momentum_and_alternating_gradients():
    """Equation (5.16): 1/19 of a gradient that alternates is left, all of one that stays."""
    v, same = pair_d(0), pair_d(0)
    for t in range(200):
        _, v = MOMENTUM(pair(0), pair_d((-1) ** t * 5), v, 0.9, 0.1)
        _, same = MOMENTUM(pair(0), pair_d(5), same, 0.9, 0.1)
    assert abs(v["dW1"].item()) == pytest.approx(5 / 19)
    assert same["dW1"].item() == pytest.approx(5)


@pytest.mark.parametrize("beta", [0.0, 0.5, 0.8, 0.9])
@pytest.mark.parametrize("curvature", [0.04, 1.0, 7.0])
def test_largest_learning_rate_of_momentum(beta, curvature):
    """Equation (5.18), by the largest eigenvalue of one step (w, v)."""

    def growth(rate):
        row = np.array([(1 - beta) * curvature, beta])
        return np.max(np.abs(np.linalg.eigvals([np.array([1, 0]) - rate * row, row])))

    limit = 2 / curvature * (1 + beta) / (1 - beta)
    assert growth(0.999 * limit) < 1 < growth(1.001 * limit)
    assert all(growth(share * limit) < 1 for share in np.linspace(0.01, 0.99, 50))


def test_limits_in_the_valley_are_those_of_the_lesson():
    valley = pictures.Valley()
    for rate, arrives in ((1.9, (True, True)), (2.1, (False, True)), (37, (False, True)), (39, (False, False))):
        for method, good in zip(("gradient descent", "momentum"), arrives, strict=True):
            height = valley.above_minimum(valley.walk(MINE, method, 1000, rate))[-1]
            assert height < 1e-6 if good else height > 10


@pytest.mark.parametrize(("beta", "length"), [(0.9, 3.16), (0.99, 10.0), (0.999, 31.6)])
def test_first_step_of_rmsprop(beta, length):
    for g in (0.001, 1, -1000):
        new, _ = RMSPROP(pair(0), pair_d(g), pair_d(0), beta, 0.01, 1e-8)
        assert new["W1"].item() == pytest.approx(-np.sign(g) * 0.01 / np.sqrt(1 - beta), rel=1e-3)
        assert abs(new["W1"].item()) / 0.01 == pytest.approx(length, abs=0.05)


def test_first_step_of_adam_has_the_length_of_the_learning_rate():
    for g in (0.001, 1, -1000):
        new, v, s = ADAM(pair(0), pair_d(g), *ADAM_START(pair(0)), 1, 0.01)
        assert new["W1"].item() == pytest.approx(-np.sign(g) * 0.01, rel=1e-4)
        uncorrected = 0.01 * v["dW1"].item() / np.sqrt(s["dW1"].item())
        assert abs(uncorrected) == pytest.approx(0.01 * 0.1 / np.sqrt(0.001))


def test_stored_correction_grows():
    """Equation (5.32)."""
    stored = (0.1 * 3) / (1 - 0.9)
    assert (0.9 * stored + 0.1 * 3) / (1 - 0.9**2) == pytest.approx(5.3 * 3, rel=0.01)


def test_large_epsilon_makes_adam_momentum():
    """With an epsilon far above the root of s, the step is alpha / epsilon times the corrected v."""
    grads, (v, s) = pair_d(0.3), ADAM_START(pair(0))
    new, v, s = ADAM(pair(0), grads, v, s, 1, 0.01, epsilon=1e4)
    assert new["W1"].item() == pytest.approx(-0.01 / 1e4 * 0.3, rel=1e-3)


# --- decay ------------------------------------------------------------------------------------------------------------


def test_decay_table_of_the_notes():
    """Topic 23: 0.1, 0.0667, 0.05; the notes have 0.1, 0.67, 0.5."""
    assert [round(UPDATE_LR(0.2, epoch, 1), 4) for epoch in (1, 2, 3)] == [0.1, 0.0667, 0.05]
    assert UPDATE_LR(0.2, 5, 0.2) == pytest.approx(0.1), "(5.37): half after 1 / d epochs"
    assert [UPDATE_LR(0.2, e, 0.2) for e in (10, 15)] == pytest.approx([0.2 / 3, 0.05])
    assert 0.67 > 0.2, "no decayed learning rate is above the first"


def test_schedule_is_stairs():
    rates = [SCHEDULE(0.2, epoch, 1, 10) for epoch in range(30)]
    assert rates == [0.2] * 10 + [0.1] * 10 + [0.2 / 3] * 10
    assert [SCHEDULE(0.3, e, 0.7, 1) for e in range(9)] == [UPDATE_LR(0.3, e, 0.7) for e in range(9)]


@pytest.mark.parametrize("rate", [1.0, 0.5, 0.1])
def test_width_of_the_cloud(loop, rate):
    assert loop["jitter"](rate) == pytest.approx(np.sqrt(rate / (2 - rate)), rel=0.02)


# --- trainings on digits ----------------------------------------------------------------------------------------------


def test_gradients_of_the_network(loop, digits):
    """Against automatic and numerical derivatives; the start is that of lesson 2."""
    parameters = loop["first_parameters"](2)
    he = exercises.load("initialization").exercises["initialize_parameters_he"]
    for name, array in he([196, 64, 1], np.random.default_rng(2)).items():
        np.testing.assert_array_equal(parameters[name], array)
    X, Y = digits.X_train[:, :40], digits.Y_train[:, :40]

    def cost(p):
        S = anp.dot(p["W2"], anp.maximum(0, anp.dot(p["W1"], X) + p["b1"])) + p["b2"]
        return anp.mean(anp.log(1 + anp.exp(S)) - Y * S)

    J, grads = loop["cost_and_gradients"](parameters, X, Y)
    assert pytest.approx(cost(parameters)) == J
    expected = autograd.grad(cost)(parameters)
    for name, array in parameters.items():
        np.testing.assert_allclose(grads["d" + name], expected[name], atol=1e-12)
        direction, h = random(*array.shape, seed=3), 1e-6
        high, low = (cost(parameters | {name: array + sign * h * direction}) for sign in (1, -1))
        assert (high - low) / (2 * h) == pytest.approx(np.sum(grads["d" + name] * direction), rel=1e-6, abs=1e-10)


def test_small_gradients_of_the_digits(loop, digits, first):
    sizes = np.abs(loop["cost_and_gradients"](first, digits.X_train, digits.Y_train)[1]["dW1"])
    assert np.mean(sizes == 0) == pytest.approx(0.14, abs=0.02)
    assert np.mean((sizes > 0) & (sizes < 1e-4)) == pytest.approx(0.34, abs=0.03)
    assert np.sum(np.all(digits.X_train == 0, axis=1)) == 19


def test_first_steps_on_digits(loop):
    """Five starts: RMSprop with a long memory leaps, Adam without correction stumbles, Adam does neither."""

    def highest(method, **options):
        return np.array([max(loop["train"](method, 0.01, seed, 1, most=30, **options)[2]) for seed in range(5)])

    assert np.all(highest("RMSprop", memory=0.999) > 10)
    assert np.all(highest("Adam", later=10**6) > highest("Adam") + 0.05)


def test_epsilon_on_digits(loop):
    costs = {
        epsilon: loop["train"]("Adam", 0.01, 0, epochs=1, epsilon=epsilon)[1][-1] for epsilon in (1e-8, 1e-4, 1.0, 0.0)
    }
    assert costs[1e-4] == pytest.approx(costs[1e-8], abs=0.03)
    assert costs[1.0] > 2 * costs[1e-8]
    assert np.isnan(costs[0.0])


def test_methods_on_digits(loop, digits):
    """Section 10, five starts, with the learning rates that the lesson's dev part chooses."""
    costs, wrong = {}, {}
    rates = {"gradient descent": 1.0, "mini-batches": 1.0, "momentum": 1.0, "RMSprop": 0.03, "Adam": 0.01}
    for method, rate in rates.items():
        runs = [loop["train"](method, rate, seed, epochs=10, m=3000) for seed in range(5)]
        costs[method] = np.array([run[1][-1] for run in runs])
        wrong[method] = np.array([loop["judge"](run[0], digits.X_test, digits.Y_test)[1] for run in runs])
    assert np.all(wrong["gradient descent"] > wrong["mini-batches"] + 0.05)
    for method in ("mini-batches", "momentum", "RMSprop"):
        assert np.mean(costs["Adam"]) < np.mean(costs[method])
        gap = wrong[method] - wrong["Adam"]
        assert abs(np.mean(gap)) < 0.01
        assert abs(np.mean(gap)) < 2.5 * np.std(gap, ddof=1) / 5**0.5


def test_decay_ends_lower_than_constant_rates(loop):
    """Section 9, five starts: on average below the training cost of the best constant rate, and less spread."""
    rules = {"decay": lambda epoch: UPDATE_LR(1.0, epoch, 0.2), "1": 1.0, "0.7": 0.7, "0.3": 0.3, "0.1": 0.1}
    ends = {
        name: np.array([loop["train"]("mini-batches", rate, seed, 12, m=2000, size=8)[1][-1] for seed in range(5)])
        for name, rate in rules.items()
    }
    assert min(rules, key=lambda name: np.mean(ends[name])) == "decay"
    assert min(("1", "0.7", "0.3", "0.1"), key=lambda name: np.mean(ends[name])) == "0.7"
    assert np.any(ends["0.7"] < ends["decay"]), "not in each start"
    assert np.ptp(ends["0.7"]) > 2 * np.ptp(ends["decay"])


def test_longer_first_steps_are_faster_with_a_small_rate(loop):
    """Section 7, five starts."""
    corrected, longer = (
        np.array([loop["train"]("Adam", 0.003, seed, 1, later=later)[1][-1] for seed in range(5)])
        for later in (0, 10**6)
    )
    assert np.all(longer < corrected - 0.03)


# --- the number of steps ----------------------------------------------------------------------------------------------


def test_tuned_momentum_needs_the_root_of_kappa(loop):
    """Section 5: the table, and the slopes of its lines."""
    rows = {4: (10, 6), 9: (21, 11), 25: (58, 20), 100: (231, 44), 400: (922, 95), 1600: (3685, 206)}
    for kappa, (plain, tuned) in rows.items():
        curvatures, root = np.array([[1.0, kappa]]), np.sqrt(kappa)
        assert loop["steps_needed"](curvatures, 2 / (1 + kappa), 0.0, 4 * kappa + 20) == plain
        beta = ((root - 1) / (root + 1)) ** 2
        assert loop["steps_needed"](curvatures, 1 / root, beta, int(12 * root) + 40) == tuned
    slopes = np.log([rows[1600][k] / rows[100][k] for k in (0, 1)]) / np.log(16)
    assert slopes == pytest.approx([1, 0.5], abs=0.07)
    assert rows[100][1] == pytest.approx(2 * 5 * np.log(100), rel=0.1), "twice what (5.21) says"


@pytest.mark.parametrize("r", [0.8, -0.8])
def test_walk_at_a_double_root(r):
    """Section 5: w_t = r^t (1 + t (1 - r)) solves (5.17) with q = (1 - r)^2, from rest."""
    w = [1.0, 1 - (1 - r) ** 2]
    for _ in range(30):
        w.append((1 + r**2 - (1 - r) ** 2) * w[-1] - r**2 * w[-2])
    t = np.arange(32)
    np.testing.assert_allclose(w, r**t * (1 + t * (1 - r)), atol=1e-9)


def test_no_other_settings_beat_the_formula_by_much():
    """Equation (5.20): the largest root of a step, over a grid of both numbers."""

    def growth(alpha, beta):
        q = alpha * (1 - beta) * np.array([1.0, 25.0])
        return max(np.max(np.abs(np.roots([1, -(1 + beta - one), beta]))) for one in q)

    assert growth(1 / 5, (4 / 6) ** 2) == pytest.approx(4 / 6, rel=1e-6)
    others = [growth(alpha, beta) for alpha in np.logspace(-2, 0.5, 60) for beta in np.linspace(0, 0.95, 60)]
    assert min(others) > 4 / 6 - 1e-6


# --- runs to diagnose -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", range(len(pictures.FAULTS)), ids=["large", "small", "order", "leap", "decay"])
def test_a_run_looks_as_its_fault_says_and_as_no_other(which):
    for seed in range(8):
        run = pictures.sick_run(np.random.default_rng(seed), MINE, UPDATE_LR, which=which)
        assert run.which == which
        costs = [float(one) for one in re.search(r"epochs is (.*); guessing", run.words)[1].split(", ")]
        highest, alpha, first, last = (
            float(re.search(pattern + r" ([-+\de.]*\d)", run.words)[1])
            for pattern in ("mini-batches is", "starts at", "entry of W1 is", "first step and")
        )
        looks = [
            highest > 1000 and costs[-1] > 0.68,
            np.ptp(costs) < 0.05 and max(first, last) < 1e-4,
            costs[-1] > 0.55 and first > 1e-3 and last > 1e-4 and highest < 5,
            first > 20 * alpha and 2 < highest < 1000 and costs[-1] < 0.6,
            costs[1] < 0.6 and abs(costs[-1] - costs[1]) < 0.02 and last < 1e-3 * first,
        ]
        assert [i for i, there in enumerate(looks) if there] == [which], (seed, run.words)


# --- the valley and the picture ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("turn", [0, 30, 90])
def test_valley_is_what_it_says(turn):
    """Minimum at 0, curvatures FLAT and STEEP, gradient by central differences, contour lines on their height."""
    valley = pictures.Valley(turn)

    def cost(w):
        return float(np.mean((w @ valley.X - valley.Y) ** 2)) / 2

    assert cost(np.zeros((1, 2))) == pytest.approx(valley.lowest)
    np.testing.assert_allclose(valley.gradient(np.zeros((1, 2))), 0, atol=1e-12)
    np.testing.assert_allclose(np.linalg.eigvalsh(valley.X @ valley.X.T / pictures.COUNT), [0.04, 1.0])
    w = random(1, 2, seed=4)
    numerical = [(cost(w + h) - cost(w - h)) / 2e-6 for h in 1e-6 * np.eye(2)]
    np.testing.assert_allclose(valley.gradient(w)[0], numerical, rtol=1e-6)
    assert valley.above_minimum(w)[0] == pytest.approx(cost(w) - valley.lowest)
    np.testing.assert_allclose(valley.above_minimum(valley.ellipse(0.7)), 0.7)


def test_tuned_walks_in_the_valley():
    """Section 8: momentum needs half the steps of gradient descent; only RMSprop and Adam change with the turn."""
    straight, turned = (pictures.tuned(MINE, turn) for turn in (0, 45))
    assert (straight["gradient descent"].steps, straight["momentum"].steps) == (29, 14)
    assert all(straight["momentum"].steps < one.steps for name, one in straight.items() if name != "momentum")
    assert straight["momentum"].rate == pytest.approx(5)
    assert straight["momentum"].options["beta"] == pytest.approx(4 / 9)
    changed = [name for name in pictures.METHODS if straight[name].steps != turned[name].steps]
    assert changed == ["RMSprop", "Adam"]
    for method in ("gradient descent", "momentum", "mini-batches"):
        walks = [
            pictures.Valley(turn).above_minimum(
                pictures.Valley(turn).walk(MINE, method, 60, straight[method].rate, 16, **straight[method].options)
            )
            for turn in (0, 45)
        ]
        np.testing.assert_allclose(*walks, atol=1e-9)


def test_rmsprop_gets_near_sooner_with_a_larger_rate_and_leaves_again():
    """Section 8: "for good" is a part of the rule."""
    heights = {
        rate: pictures.Valley().above_minimum(pictures.Valley().walk(MINE, "RMSprop", 120, rate))
        for rate in (0.08, 0.13, 0.2)
    }
    first = {rate: int(np.argmax(height <= 0.01 * height[0])) for rate, height in heights.items()}
    stays = {rate: bool(np.all(heights[rate][first[rate] :] <= 0.01 * heights[rate][0])) for rate in heights}
    assert first[0.2] < first[0.13] < first[0.08]
    assert stays == {0.08: True, 0.13: False, 0.2: False}


def test_momentum_of_long_memory_is_slower_here():
    """The answer to question 3, on the values of the slider."""
    valley = pictures.Valley()

    def arrival(method, rate, beta=0.9):
        return pictures.arrival(valley.above_minimum(valley.walk(MINE, method, 80, rate, beta=beta))) or 81

    plain = arrival("gradient descent", 1.8)
    assert all(arrival("momentum", 10 ** (k / 20)) > plain for k in range(-30, 33))
    assert arrival("momentum", 5.0, 4 / 9) < plain


@pytest.fixture
def picture():
    return pictures.five_walks(MINE)


def caption(picture):
    return html.unescape(picture._caption.value)


def test_picture_answers_within_a_tenth_of_a_second(picture, record_property):
    seconds = []
    picture.controls["steps"].value = 80
    for turn in range(5, 60, 5):
        for name, value in (("turn", turn), ("rate", 10 ** (turn / 60))):
            start = time.process_time()
            picture.controls[name].value = value
            seconds.append(time.process_time() - start)
    record_property("picture of lesson 2.5, median time to answer", f"{1000 * statistics.median(seconds):.0f} ms")
    assert statistics.median(seconds) < machine.seconds(0.1)


def test_picture_follows_its_controls(picture):
    seen = [picture._image.value]
    changes = {
        "turn": 45,
        "steps": 30,
        "rate": 1.0,
        "momentum_rate": 1.0,
        "adam_rate": 0.1,
        "beta": 0.5,
        "size": 4,
        "noisy": True,
    }
    assert changes.keys() == picture.controls.keys()
    for name, value in changes.items():
        picture.controls[name].value = value
        assert picture._image.value not in seen
        seen.append(picture._image.value)


def test_picture_says_who_leaves_as_the_answers_do(picture):
    """The answer to question 2: momentum leaves one notch above its tuned rate, and a larger beta brings it back."""
    assert "momentum stays below 0.01" in caption(picture)
    picture.controls["momentum_rate"].value = 10**0.75
    assert "momentum has left" in caption(picture)
    picture.controls["beta"].value = 0.6
    assert "momentum stays below 0.01" in caption(picture)
    assert "gradient descent has left" not in caption(picture)
    picture.controls["rate"].value = 10**0.35
    assert "gradient descent has left" in caption(picture)


def test_rmsprop_leaves_the_minimum_again_as_the_answers_say(picture):
    """The answer to question 4."""

    def below_from():
        return int(re.search(r"RMSprop stays below 0.01 from step (\d+)", caption(picture))[1])

    assert below_from() < 30
    picture.controls["steps"].value = 80
    assert 65 < below_from() < 80


def test_picture_uses_the_learners_functions():
    """A momentum that forgets beta v walks elsewhere."""

    def forgetful(parameters, grads, v, beta, learning_rate):
        return MOMENTUM(parameters, grads, VELOCITY(parameters), beta, learning_rate)

    right, wrong = (
        pictures.five_walks(MINE._replace(update_parameters_with_momentum=function))
        for function in (MOMENTUM, forgetful)
    )
    assert right._image.value != wrong._image.value


def test_picture_has_a_static_twin(picture):
    bundle = picture._repr_mimebundle_()
    assert Image.open(io.BytesIO(base64.b64decode(bundle["image/png"]))).size == (840, 390)
    assert "application/vnd.jupyter.widget-view+json" in bundle
