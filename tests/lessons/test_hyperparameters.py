"""Lesson 1.6, hyperparameters: the training loop against independent gradients, the data parts, the control panel."""

import asyncio
import base64
import functools
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
from jupyter_client.manager import start_new_kernel
from PIL import Image
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import zero_one_loss

from helpers import courses, data, exercises, notebooks
from helpers.widgets import hyperparameters as pictures

ACTIVATIONS = ["tanh", "relu", "sigmoid"]


def exercise(name):
    return exercises.load("hyperparameters").exercises[name]


def examples(n_x=3, m=9):
    rng = np.random.default_rng(5)
    return rng.normal(size=(n_x, m)), (rng.random((1, m)) < 0.5).astype(float)


# --- the training loop --------------------------------------------------------------------------------------------------


def autograd_cost(parameters, X, Y, activation):
    """Return the cost, written anew with separate W and b."""
    g = {"tanh": anp.tanh, "relu": lambda z: anp.maximum(z, 0.0), "sigmoid": lambda z: 1 / (1 + anp.exp(-z))}[
        activation
    ]
    A = X
    for V in parameters[:-1]:
        A = g(anp.dot(V[:, :-1], A) + V[:, -1:])
    Z = anp.dot(parameters[-1][:, :-1], A) + parameters[-1][:, -1:]
    A = 1 / (1 + anp.exp(-Z))
    return -anp.mean(Y * anp.log(A) + (1 - Y) * anp.log(1 - A))


def first_step(layers_dims, activation, learning_rate=0.5):
    """Return the parameters at the start, the cost, and the gradients that the first step used."""
    X, Y = examples(layers_dims[0])
    run = pictures.steps(X, Y, layers_dims, activation, learning_rate, seed=3)
    (before, cost), (after, _) = itertools.islice(run, 2)
    return X, Y, before, cost, [(V - W) / learning_rate for V, W in zip(before, after, strict=True)]


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("layers_dims", [[3, 1], [3, 4, 1], [3, 5, 4, 2, 1]])
def test_steps_match_automatic_differentiation(layers_dims, activation):
    X, Y, parameters, cost, gradients = first_step(layers_dims, activation)
    assert cost == pytest.approx(autograd_cost(parameters, X, Y, activation), rel=1e-12)
    for mine, theirs in zip(gradients, autograd.grad(autograd_cost)(parameters, X, Y, activation), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_steps_match_numerical_gradient(activation):
    X, Y, parameters, _, gradients = first_step([3, 4, 2, 1], activation)
    g, h = pictures.ACTIVATIONS[activation][0], 1e-6

    def cost():
        return pictures.cost_of(pictures.forward(parameters, pictures.with_ones(X), g)[1], Y)

    slopes = []
    for V in parameters:
        slope = np.zeros_like(V)
        for index in np.ndindex(V.shape):
            kept = V[index]
            V[index] = kept + h
            up = cost()
            V[index] = kept - h
            slope[index] = (up - cost()) / (2 * h)
            V[index] = kept
        slopes.append(slope.ravel())
    mine, measured = np.concatenate([gradient.ravel() for gradient in gradients]), np.concatenate(slopes)
    assert np.linalg.norm(mine - measured) / np.linalg.norm(mine + measured) < 1e-6


def test_the_loop_that_the_notebook_shows_is_this_one():
    """It stands in the notebook as given code; the checks and the tests of this file use the one of the helpers."""
    names = {"np": np, "expit": expit, "pairwise": itertools.pairwise}
    cells = {cell.id: cell.source for cell in notebooks.read(courses.find("hyperparameters").path).cells}
    for name in ("passes", "one_step", "train"):
        exec(cells[name], names)
    X, Y = examples()
    for activation, rate in (("tanh", 0.5), ("relu", 0.5), ("sigmoid", 2.0), ("relu", 1e9)):
        settings = {"activation": activation, "learning_rate": rate, "num_iterations": 30, "seed": 4}
        (ours, costs), (theirs, others) = (f(X, Y, [3, 5, 4, 1], **settings) for f in (names["train"], pictures.train))
        np.testing.assert_allclose(costs, others, rtol=1e-9)
        np.testing.assert_array_equal(names["predict"](ours, X, activation), pictures.predict(theirs, X, activation))


def test_training_without_hidden_layer_finds_the_solution_of_scikit_learn():
    X = np.array([[-2.5, -1.5, -1.0, -0.5, 0.5, 1.0, 2.0, 2.5]])
    Y = np.array([[0, 0, 1, 0, 1, 0, 1, 1]])
    parameters, costs = pictures.train(X, Y, [1, 1], learning_rate=1.0, num_iterations=3000)
    theirs = LogisticRegression(C=1e12, tol=1e-10).fit(X.T, Y[0])
    assert parameters[0][0, 0] == pytest.approx(theirs.coef_.item(), rel=1e-4)
    assert parameters[0][0, 1] == pytest.approx(theirs.intercept_.item(), abs=1e-4)
    assert len(costs) == 3001
    assert np.all(np.diff(costs) <= 1e-15)
    np.testing.assert_array_equal(pictures.predict(parameters, X)[0], theirs.predict(X.T))


def test_training_is_the_same_each_time_and_another_with_another_seed():
    X, Y = examples()
    costs = [pictures.train(X, Y, [3, 4, 1], num_iterations=5, seed=seed)[1] for seed in (1, 1, 2)]
    assert costs[0] == costs[1] != costs[2]


def test_a_diverged_run_ends_quietly_with_a_cost_that_is_not_finite(recwarn):
    X, Y, *_ = pictures.three_parts()
    parameters, costs = pictures.train(X, Y, [192, 8, 1], "relu", learning_rate=1000, num_iterations=150)
    assert not np.isfinite(costs[-1])
    assert not pictures.predict(parameters, X, "relu").any(), "it answers 0 for every patch"
    assert not recwarn.list


# --- the exercises ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layers_dims", "count"),
    [([3, 5, 5, 3, 1], 20 + 30 + 18 + 4), ([3072, 1], 3073), ([3072, 16, 1], 49185), ([192, 8, 1], 1553)],
)
def test_count_parameters_matches_by_hand_and_the_matrices(layers_dims, count):
    assert exercise("count_parameters")(layers_dims) == count
    assert sum(V.size for V in pictures.start(layers_dims)) == count


@pytest.mark.parametrize(("k", "n"), [(1, 8), (2, 8), (4, 256)])
def test_count_parameters_follows_the_formula_for_equal_hidden_layers(k, n):
    assert exercise("count_parameters")([192, *[n] * k, 1]) == 194 * n + 1 + (k - 1) * (n * n + n)  # (6.8)


def test_run_experiment_matches_scikit_learn():
    X, Y = examples(4, 30)
    settings = {"learning_rate": 0.5, "num_iterations": 40, "layers_dims": [4, 3, 1], "activation": "relu", "seed": 2}
    record = exercise("run_experiment")(settings, X[:, :20], Y[:, :20], X[:, 20:], Y[:, 20:])
    parameters, _ = pictures.train(X[:, :20], Y[:, :20], **settings)
    A = autograd_cost(parameters, X[:, :20], Y[:, :20], "relu")
    assert record["cost"] == pytest.approx(A, rel=1e-12)
    predicted = pictures.predict(parameters, X, "relu")[0]
    assert record["train_error"] == pytest.approx(zero_one_loss(Y[0, :20], predicted[:20]))
    assert record["dev_error"] == pytest.approx(zero_one_loss(Y[0, 20:], predicted[20:]))


def test_measured_error_varies_as_the_lesson_derives():
    measured = np.random.default_rng(0).binomial(97, 0.2, size=200_000) / 97
    assert measured.std() == pytest.approx(np.sqrt(0.2 * 0.8 / 97), rel=0.01)  # (6.11)


def test_numbers_that_the_text_names():
    assert np.sqrt(0.16 / 97) == pytest.approx(0.041, abs=0.0005)
    assert len({wrong / 97 for wrong in range(98)}) == 98, "possible errors with 97 patches"
    X_train, Y_train, *_ = pictures.three_parts()
    _, costs = pictures.train(X_train, Y_train, [192, 8, 8, 8, 8, 1], "sigmoid", 0.1, 1000)
    assert costs[-1] == pytest.approx(0.693, abs=0.001), "four sigmoids in a row stay at ln 2"


# --- the data -----------------------------------------------------------------------------------------------------------


def test_three_parts_are_as_the_lesson_says():
    X_train, Y_train, X_dev, Y_dev, X_test, Y_test = pictures.three_parts()
    assert [X.shape for X in (X_train, X_dev, X_test)] == [(192, 391), (192, 97), (192, 97)]
    assert [Y.shape for Y in (Y_train, Y_dev, Y_test)] == [(1, 391), (1, 97), (1, 97)]
    assert all(-0.5 <= X.min() < X.max() <= 0.5 for X in (X_train, X_dev, X_test))
    assert all(0.49 < Y.mean() < 0.51 for Y in (Y_train, Y_dev, Y_test))


def test_no_two_parts_share_a_pixel(monkeypatch):
    """Photographs whose pixels are numbered instead of coloured: no number occurs in two parts."""
    real = data._half

    def numbered(photo):
        n_H, n_W, _ = real(photo).shape
        return np.repeat(np.arange(n_H * n_W).reshape(n_H, n_W, 1), 3, axis=2)

    monkeypatch.setattr(data, "_half", numbered)
    for key in (data.CAT, *data.NOT_CAT):
        parts = [data._patches(key, "train", 32, 8), *(data._right_patches(key, half, 32, 8) for half in (0, 1))]
        for one, other in itertools.combinations([np.unique(part) for part in parts], 2):
            assert not np.intersect1d(one, other).size


def test_columns_are_the_mean_colours_of_blocks():
    patches = np.random.default_rng(1).integers(0, 256, size=(5, 32, 32, 3), dtype=np.uint8)
    X = pictures.columns(patches)
    assert X.shape == (192, 5)
    block = patches[2, 4:8, 28:32, 1].mean() / 255  # row 1, column 7, green
    assert pictures.as_images(X)[2, 1, 7, 1] == pytest.approx(block)


# --- what the lesson says of settings, over ten seeds --------------------------------------------------------------------

BASELINE = {"learning_rate": 0.1, "num_iterations": 500, "layers_dims": [192, 8, 1], "activation": "tanh"}


@pytest.fixture(scope="module")
def ten():
    """Return a function that gives dev errors, test errors, costs and dead units per layer of ten seeds."""
    X_train, Y_train, X_dev, Y_dev, X_test, Y_test = pictures.three_parts()

    @functools.cache
    def run(layers_dims=(192, 8, 1), activation="tanh", learning_rate=0.1):
        settings = {"layers_dims": list(layers_dims), "activation": activation, "learning_rate": learning_rate}
        dev, test, costs, dead = [], [], [], []
        for seed in range(10):
            parameters, cost = pictures.train(X_train, Y_train, **BASELINE | settings, seed=seed)
            wrong = [
                np.mean(pictures.predict(parameters, X, activation) != Y) for X, Y in ((X_dev, Y_dev), (X_test, Y_test))
            ]
            dev.append(wrong[0])
            test.append(wrong[1])
            costs.append(cost[-1])
            A = np.vstack([X_train, np.ones((1, 391))])
            off = []
            for V in parameters[:-1]:
                A = np.vstack([np.maximum(V @ A, 0), np.ones((1, 391))])
                off.append(int(np.sum(~A[:-1].any(axis=1))))
            dead.append(off)
        return np.array(dev), np.array(test), np.array(costs), np.array(dead)

    return run


def test_the_run_that_wins_with_seed_0_collapses_with_others_and_dead_units_are_the_cause(ten):
    dev, _, costs, dead = ten((192, 8, 8, 1), "relu", 3.0)
    assert dev[0] < 0.08
    failed = dev > 0.2
    assert failed.sum() == 2
    assert np.all(costs[failed] > 0.6)
    assert np.all(costs[~failed] < 0.1)
    assert np.all(dead[failed].max(axis=1) >= 3)


def test_the_runners_up_do_not_collapse_and_differ_by_less_than_their_ranges(ten):
    one, two = (ten(*settings)[0] for settings in (((192, 8, 1), "relu", 3.0), ((192, 8, 8, 1), "relu", 0.1)))
    winner = ten((192, 8, 8, 1), "relu", 3.0)[0]
    assert max(one.max(), two.max()) < 0.13
    assert abs(one.mean() - two.mean()) < min(np.ptp(one), np.ptp(two))
    assert winner.mean() > max(one.mean(), two.mean()) + 0.04


def test_the_chosen_setting_has_a_higher_test_error_than_dev_error(ten):
    dev, test, _, _ = ten((192, 8, 1), "relu", 3.0)
    assert test.mean() > dev.mean() + 0.02


def test_relu_is_far_ahead_of_tanh_at_the_baseline_and_sigmoid_is_where_tanh_is(ten):
    tanh, relu, sigmoid = (ten(activation=activation)[0] for activation in ACTIVATIONS)
    assert relu.max() < tanh.min()
    assert abs(sigmoid.mean() - tanh.mean()) < np.ptp(tanh)


def test_dev_and_test_part_rank_the_rates_of_sigmoid_in_opposite_order(ten):
    slow, fast = (ten(activation="sigmoid", learning_rate=rate) for rate in (0.1, 1.0))
    assert fast[0].max() < slow[0].min()
    assert fast[1].mean() > slow[1].mean() + 0.02


def test_luck_moves_the_dev_error_as_much_as_the_units_do(ten):
    X_train, Y_train, X_dev, Y_dev, *_ = pictures.three_parts()
    units = []
    for n in (1, 2, 4, 8, 16, 32, 64):
        parameters, _ = pictures.train(X_train, Y_train, **BASELINE | {"layers_dims": [192, n, 1]}, seed=0)
        units.append(np.mean(pictures.predict(parameters, X_dev) != Y_dev))
    assert np.ptp(ten()[0]) >= 0.8 * np.ptp(units)


def test_three_hidden_layers_are_ahead_of_none_and_one_on_the_dev_part_by_more_than_luck(ten):
    none, one, three = (ten((192, *[8] * k, 1))[0] for k in (0, 1, 3))
    assert three.max() < min(none.min(), one.min())


def test_relu_networks_with_a_moderate_rate_train_in_all_ten_starts(ten):
    for layers_dims in ((192, 8, 1), (192, 8, 8, 1)):
        assert ten(layers_dims, "relu", 0.1)[0].max() < 0.15


def test_the_dev_error_of_logistic_regression_turns_early_whatever_the_start():
    X_train, Y_train, X_dev, Y_dev, *_ = pictures.three_parts()
    for seed in range(5):
        errors, costs = [], []
        for step, (parameters, cost) in enumerate(
            itertools.islice(pictures.steps(X_train, Y_train, [192, 1], "tanh", 0.3, seed), 3001)
        ):
            if step in (10, 30, 100, 300, 1000, 3000):
                errors.append(np.mean(pictures.predict(parameters, X_dev) != Y_dev))
                costs.append(cost)
        assert np.argmin(errors) <= 2
        assert errors[-1] > min(errors) + 0.08
        assert np.all(np.diff(costs) < 0)


def test_rates_above_100_diverge_and_100_does_not():
    X_train, Y_train, *_ = pictures.three_parts()
    for seed in range(5):
        for rate, finite in ((100, True), (1000, False)):
            _, costs = pictures.train(X_train, Y_train, [192, 8, 1], "relu", rate, 1000, seed)
            assert np.isfinite(costs[-1]) == finite


def test_the_paired_error_is_that_of_the_difference():
    rng = np.random.default_rng(0)
    m, both, one, other = 97, 0.1, 0.1, 0.06  # wrong in both, in the first alone, in the second alone
    kind = rng.choice(4, size=(20_000, m), p=[both, one, other, 1 - both - one - other])
    difference = np.mean(kind == 1, axis=1) - np.mean(kind == 2, axis=1)
    assert difference.std() == pytest.approx(np.sqrt((one + other) * m) / m, rel=0.02)  # (6.12)


def test_further_layers_hold_as_many_parameters_as_the_rest_from_194_and_64_units():
    for k, n in ((2, 194), (4, 64)):
        assert [(k - 1) * (u * u + u) >= 194 * u + 1 for u in (n - 1, n)] == [False, True]


# --- the control panel --------------------------------------------------------------------------------------------------

X_TRAIN, Y_TRAIN, X_DEV, Y_DEV, *_ = pictures.three_parts()


@pytest.fixture
def panel():
    count_parameters, best_run = exercise("count_parameters"), exercise("best_run")
    return pictures.control_panel(count_parameters, best_run, X_TRAIN, Y_TRAIN, X_DEV, Y_DEV)


def choose(panel, **values):
    for name, value in values.items():
        panel.controls[name].value = value


def test_panel_starts_with_one_finished_run(panel):
    assert not panel.training
    assert "Finished (α = 0.1, 1000 steps, 192-8-1, tanh): after step 1000 the cost is 0.107" in panel._caption.value
    assert "training error 0.8%, the dev error 17.5%" in panel._caption.value
    assert panel.table.value.count("<tr") == 2


def test_panel_answers_within_a_tenth_of_a_second(panel, record_property):
    choose(panel, num_iterations=2000, units=32, layers=4)
    for _ in range(7):
        panel._curves.append(panel._curves[0])
    seconds = []
    for exponent in np.linspace(-3, 1, 17):
        start = time.process_time()
        panel.controls["learning_rate"].value = 10**exponent
        seconds.append(time.process_time() - start)
    record_property("control panel of lesson 1.6, median time to answer", f"{1000 * statistics.median(seconds):.0f} ms")
    assert statistics.median(seconds) < machine.seconds(0.1)


def test_panel_trains_in_short_chunks(panel, record_property):
    choose(panel, num_iterations=1000, units=32, layers=2)
    panel._begin()
    seconds, pictures_seen = [], set()
    while panel.training:
        start = time.perf_counter()
        panel.advance()
        seconds.append(time.perf_counter() - start)
        pictures_seen.add(panel._image.value)
    record_property("control panel of lesson 1.6, median chunk", f"{1000 * statistics.median(seconds):.0f} ms")
    assert statistics.median(seconds) < 0.2, "five pictures a second"
    assert len(pictures_seen) > 5
    assert len(panel.runs) == 2
    assert panel.runs[-1]["seconds"] > 0


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("learning_rate", 1.0, "α = 1, 1000 steps, 192-8-1, tanh"),
        ("num_iterations", 300, "α = 0.1, 300 steps, 192-8-1, tanh"),
        ("layers", 3, "α = 0.1, 1000 steps, 192-8-8-8-1, tanh"),
        ("layers", 0, "α = 0.1, 1000 steps, 192-1, tanh"),
        ("units", 5, "α = 0.1, 1000 steps, 192-5-1, tanh"),
        ("activation", "sigmoid", "α = 0.1, 1000 steps, 192-8-1, sigmoid"),
    ],
)
def test_panel_follows_each_control(panel, name, value, words):
    before = panel._image.value
    choose(panel, **{name: value})
    count = exercise("count_parameters")(
        panel._settings(**{k: c.value for k, c in panel.controls.items()})["layers_dims"]
    )
    assert f"Chosen: {words}, {count} parameters." in panel._caption.value
    panel.train_button.click()  # no event loop here: it trains to the end
    assert f"Finished ({words})" in panel._caption.value
    assert panel._image.value != before
    assert panel.table.value.count("<tr") == 3


def test_panel_records_what_run_experiment_measures(panel):
    choose(panel, learning_rate=1.0, num_iterations=300, layers=2, units=5, activation="relu")
    panel.train_button.click()
    run = panel.runs[-1]
    expected = exercise("run_experiment")(run["settings"], X_TRAIN, Y_TRAIN, X_DEV, Y_DEV)
    assert run["settings"]["layers_dims"] == [192, 5, 5, 1]
    for key, value in expected.items():
        assert run[key] == value


def test_panel_marks_the_best_run_and_passes_over_a_diverged_one(panel):
    choose(panel, activation="relu")
    panel.train_button.click()
    choose(panel, learning_rate=1000.0)
    panel.train_button.click()
    assert "diverged at step" in panel._caption.value
    first, second, third = panel.table.value.split("<tr")[2:]
    assert "best" not in first
    assert "font-weight:bold" in second
    assert ">best<" in second
    assert "diverged" in third
    assert "best" not in third


def test_panel_gives_up_a_run_that_is_stopped(panel):
    panel._begin()
    panel.advance(seconds=0.01)
    assert panel.training
    assert not panel.stop_button.disabled
    assert panel.train_button.description == "Restart"
    assert "Training (" in panel._caption.value
    panel.stop_button.click()
    assert "Stopped (" in panel._caption.value
    assert panel.stop_button.disabled
    assert not panel.advance()
    assert len(panel.runs) == 1


def test_panel_survives_an_error_of_best_run():
    count_parameters = exercise("count_parameters")
    panel = pictures.control_panel(count_parameters, lambda runs: runs[9], X_TRAIN, Y_TRAIN, X_DEV, Y_DEV)
    assert "best_run stopped with IndexError" in panel.table.value
    panel.train_button.click()
    assert len(panel.runs) == 2


def test_panel_leaves_room_for_other_work_while_it_trains(panel):
    """On an event loop, as in a kernel, another task keeps running while the panel trains."""
    choose(panel, num_iterations=1000, units=32, layers=2)
    captions, gaps = set(), []

    async def look():
        panel.train_button.click()
        assert panel.training
        while panel.training:
            start = time.perf_counter()
            await asyncio.sleep(0)
            gaps.append(time.perf_counter() - start)
            captions.add(panel._caption.value)

    asyncio.run(look())
    assert len(panel.runs) == 2
    assert len(captions) > 5
    assert statistics.median(gaps) < 0.2


def test_panel_restarts_with_new_settings_on_an_event_loop(panel):
    async def restart():
        panel.train_button.click()
        await asyncio.sleep(0.02)
        choose(panel, num_iterations=100, units=2)
        panel.train_button.click()
        while panel.training:
            await asyncio.sleep(0.01)

    asyncio.run(restart())
    assert [run["settings"]["layers_dims"] for run in panel.runs] == [[192, 8, 1], [192, 2, 1]]


def test_panel_has_a_static_twin_that_is_the_same_each_time(panel):
    bundle = panel._repr_mimebundle_()
    image = Image.open(io.BytesIO(base64.b64decode(bundle["image/png"])))
    assert image.size == (720, 320)
    assert "application/vnd.jupyter.widget-view+json" in bundle
    again = pictures.control_panel(panel._count, panel._best_run, X_TRAIN, Y_TRAIN, X_DEV, Y_DEV)
    assert again._repr_mimebundle_()["image/png"] == bundle["image/png"]


KERNEL_CELLS = [
    "import asyncio, time\n"
    "from helpers.widgets import hyperparameters as pictures\n"
    "parts = pictures.three_parts()[:4]\n"
    "panel = pictures.control_panel(lambda dims: 1, lambda runs: runs[0], *parts)\n"
    "panel.controls['num_iterations'].value, panel.controls['units'].value = 1500, 32",
    "panel.train_button.click(); training_at_once = panel.training",
    "between = (panel.training, len(panel.runs), len(panel._run['costs']))",
    "deadline = time.time() + 60\nwhile panel.training and time.time() < deadline: await asyncio.sleep(0.05)",
    "print(training_at_once, between[0], between[1], len(panel.runs))",
]


def test_kernel_answers_while_the_panel_trains():
    """In a real kernel, a cell that is sent after the click runs before the training is over."""
    manager, client = start_new_kernel(kernel_name="python3")
    printed, errors = [], []

    def hear(message):
        if message["msg_type"] == "stream":
            printed.append(message["content"]["text"])
        elif message["msg_type"] == "error":
            errors.append(message["content"]["evalue"])

    try:
        for code in KERNEL_CELLS:
            client.execute_interactive(code, timeout=90, output_hook=hear)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert not errors
    assert "".join(printed).split() == ["True", "True", "1", "2"]


# --- a run to diagnose --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", range(len(pictures.FAULTS)), ids=["fast", "slow", "small", "few", "order"])
def test_a_run_looks_as_its_fault_says_and_as_no_other(which):
    for seed in range(12):
        run = pictures.sick_run(np.random.default_rng(seed), which=which)
        assert run.which == which
        found = re.search(
            r"cost is (.*) at the start, (.*) after 300 steps and (.*) after 600; it rose in (\d+) of them. Training error: "
            r"(.*)% at the start, (.*)% at the end. Dev error: (.*)% at the start, (.*)% at its lowest, after .* steps, "
            r"and (.*)% at the end",
            run.words,
        )
        start, middle, end, rose, _, train, dev_first, dev_low, dev = map(float, found.groups())
        falls = rose == 0
        looks = [
            rose > 50,
            falls and 0.002 < start - end < 0.1 and middle - end > 0.4 * (start - middle) and train > 30,
            falls and middle - end < 0.002 and train > 25,
            falls and train < 2 and 12 < dev < 40,
            falls and train < 2 and min(dev_first, dev_low, dev) > 40,
        ]
        assert [i for i, there in enumerate(looks) if there] == [which], (seed, run.words)
