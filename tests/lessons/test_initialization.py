"""Lesson 2.2, initialisation: starts and sizes against independent implementations, its run, and its picture."""

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
from scipy.stats import kstest
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from helpers import courses, exercises, notebooks
from helpers.widgets import initialization

LESSON = exercises.load("initialization").exercises
ZEROS, RANDOM, HE, XAVIER, SCALES = (
    LESSON[name]
    for name in (
        "initialize_parameters_zeros",
        "initialize_parameters_random",
        "initialize_parameters_he",
        "initialize_parameters_xavier",
        "activation_scales",
    )
)
X = np.random.default_rng(3).standard_normal((40, 60))
STARTS = {
    "zeros": lambda layers_dims, rng, scale: ZEROS(layers_dims),
    "random": RANDOM.reference,
    "He": lambda layers_dims, rng, scale: HE(layers_dims, rng),
    "Xavier": lambda layers_dims, rng, scale: XAVIER(layers_dims, rng),
}


def generator(seed=0):
    return np.random.default_rng(seed)


# --- the starts -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "spreads"),
    [
        # By hand: sqrt(2/800) = 1/20 and sqrt(2/200) = 1/10; sqrt(2/1000) and sqrt(2/250).
        (lambda rng: HE([800, 200, 50], rng), (0.05, 0.1)),
        (lambda rng: XAVIER([800, 200, 50], rng), (0.0447214, 0.0894427)),
        (lambda rng: RANDOM([800, 200, 50], rng, 0.3), (0.3, 0.3)),
    ],
)
def test_weights_are_normal_with_the_spread_of_the_formula(start, spreads):
    parameters = start(generator(1))
    for layer, spread in enumerate(spreads, start=1):
        assert kstest(parameters[f"W{layer}"].ravel(), "norm", args=(0, spread)).pvalue > 0.001
        assert not np.any(parameters[f"b{layer}"])


def test_xavier_has_the_spread_of_scikit_learn():
    """scikit-learn draws uniformly with the limit sqrt(6 / (n_in + n_out)) for tanh (Glorot and Bengio's form)."""
    net = MLPClassifier((30,), activation="tanh", max_iter=1, random_state=0, solver="sgd", learning_rate_init=1e-9)
    with pytest.warns(ConvergenceWarning):
        net.fit(np.random.default_rng(0).standard_normal((200, 300)), np.arange(200) % 2)
    theirs = net.coefs_[0].T
    ours = XAVIER([300, 30, 1], generator())["W1"]
    assert ours.shape == theirs.shape
    assert ours.std() == pytest.approx(theirs.std(), rel=0.03)


def test_variance_of_a_score_by_hand():
    """Equation (2.12) by counting: w = ±1, a = 2 or 4; the mean square of the four products is 10, Var(a) only 1."""
    products = [w * a for w in (-1, 1) for a in (2, 4)]
    assert np.var(products) == 10 == np.var([-1, 1]) * np.mean([2**2, 4**2])
    assert np.var([2, 4]) == 1


@pytest.mark.parametrize(("activation", "kept"), [("relu", 0.5), ("tanh", None)])
def test_one_layer_changes_the_mean_square_as_derived(activation, kept):
    """Equations (2.15), (2.18) and (2.23), over 400 draws of a layer with 40 inputs."""
    scale, rng, scores, sizes = 0.2, generator(4), [], []
    for _ in range(400):
        parameters = RANDOM([40, 25], rng, scale)
        scores.append(np.mean((parameters["W1"] @ X) ** 2))
        sizes.append(SCALES(X, parameters, activation)[1])
    predicted = 40 * scale**2 * np.mean(X**2)
    assert np.mean(scores) == pytest.approx(predicted, rel=0.03)
    before, after = np.mean(sizes, axis=0)
    assert before == pytest.approx(np.mean(X**2))
    if kept:
        assert after == pytest.approx(kept * predicted, rel=0.03)
    else:
        assert after < predicted


def test_he_keeps_the_mean_square_over_depth_and_xavier_halves_it_under_relu():
    he, xavier = (
        np.mean([SCALES(X, start([40] * 11, generator(seed)), "relu")[1] for seed in range(300)], axis=0)
        for start in (HE, XAVIER)
    )
    assert he[10] / he[0] == pytest.approx(1, rel=0.3)
    assert xavier[10] / xavier[0] == pytest.approx(2.0**-10, rel=0.3)


def test_activation_scales_match_scikit_learn():
    net = MLPClassifier((6, 4), activation="tanh", max_iter=1, random_state=0, solver="sgd")
    with pytest.warns(ConvergenceWarning):
        net.fit(X.T, (np.arange(60) % 2))
    net.n_layers_, net.out_activation_ = 4, "tanh"
    out = net._forward_pass_fast(X.T, check_input=False)
    parameters = {}
    for layer, (W, b) in enumerate(zip(net.coefs_, net.intercepts_, strict=True), start=1):
        parameters |= {f"W{layer}": W.T, f"b{layer}": b[:, None]}
    stds, mean_squares = SCALES(X, parameters, "tanh")
    assert stds[0] == pytest.approx(X.std())
    assert stds[3] == pytest.approx(out.std(), rel=1e-12)
    assert mean_squares[3] == pytest.approx(np.mean(out**2), rel=1e-12)


def test_activation_scales_by_hand():
    """A1 has rows (2, 0) and (0, 2): mean square 2, mean 1, so standard deviation 1."""
    pair = {"W1": np.array([[2.0], [-2.0]]), "b1": np.zeros((2, 1))}
    stds, mean_squares = SCALES(np.array([[1.0, -1.0]]), pair, "relu")
    np.testing.assert_allclose(stds, [1, 1])
    np.testing.assert_allclose(mean_squares, [1, 2])


# --- the run ----------------------------------------------------------------------------------------------------------


def small_net(activation, seed=2):
    parameters = HE([5, 4, 3, 1], generator(seed))
    rng = generator(seed + 1)
    for name in ("b1", "b2", "b3"):
        parameters[name] = rng.normal(size=parameters[name].shape) * 0.3
    X, Y = rng.standard_normal((5, 7)), rng.integers(0, 2, (1, 7)).astype(float)
    g = {"relu": lambda Z: anp.maximum(Z, 0), "tanh": anp.tanh}[activation]

    def cost(parameters):
        A = X
        for layer in (1, 2):
            A = g(anp.dot(parameters[f"W{layer}"], A) + parameters[f"b{layer}"])
        score = anp.dot(parameters["W3"], A) + parameters["b3"]
        return anp.mean(anp.logaddexp(0.0, score) - Y * score)

    return parameters, X, Y, cost


@pytest.fixture(scope="module")
def lesson():
    """The notebook's own passes and loop, on its digits."""
    digits = initialization.scaled_digits(500)
    names = {"np": np, "X_train": digits.X_train, "Y_train": digits.Y_train}
    names |= {"X_dev": digits.X_test[:, :500], "Y_dev": digits.Y_test[:, :500]}
    names |= {"X_test": digits.X_test[:, 500:], "Y_test": digits.Y_test[:, 500:]}
    cells = {cell.id: cell.source for cell in notebooks.read(courses.find("initialization").path).cells}
    for source in (cells["passes"], cells["train"], cells["gradient_sizes"], cells["rival"].split("\n\n\n")[0]):
        exec(source, names)
    return names


def passes(lesson, parameters, X, Y, activation):
    A, Z = lesson["forward"](parameters, X, activation)
    return lesson["cost"](Z, Y), lesson["backward"](parameters, A, 1 / (1 + np.exp(-Z)) - Y, activation)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_gradients_of_the_run_match_automatic_differentiation(lesson, activation):
    parameters, X, Y, cost = small_net(activation)
    found, gradients = passes(lesson, parameters, X, Y, activation)
    theirs = autograd.grad(cost)(parameters)
    assert found == pytest.approx(cost(parameters), rel=1e-12)
    assert sorted(gradients) == sorted(f"d{name}" for name in parameters)
    for name, gradient in theirs.items():
        np.testing.assert_allclose(gradients[f"d{name}"], gradient, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_gradients_of_the_run_match_central_differences(lesson, activation):
    parameters, X, Y, cost = small_net(activation)
    h, (_, gradients) = 1e-6, passes(lesson, parameters, X, Y, activation)
    for name, array in parameters.items():
        for index in np.ndindex(array.shape):
            step = np.zeros_like(array)
            step[index] = h
            up, down = (cost(parameters | {name: array + way * step}) for way in (1, -1))
            assert gradients[f"d{name}"][index] == pytest.approx((up - down) / (2 * h), rel=1e-6, abs=1e-9)


def test_digits_are_scaled_by_the_training_set():
    digits = initialization.scaled_digits(200)
    assert digits.X_train.shape == (196, 200)
    assert digits.X_train.mean() == pytest.approx(0, abs=1e-12)
    assert np.mean(digits.X_train**2) == pytest.approx(1)
    assert np.mean(digits.X_test**2) != pytest.approx(1, abs=1e-6)


# --- what the lesson says, over seeds -----------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_from_zeros_only_the_last_bias_learns(lesson, activation):
    """The proof of section 2, and the cost (2.6): it is that of guessing the share of the ones."""
    start = ZEROS([196, 6, 4, 1])
    visited, costs = lesson["train"](start, activation, 400, 0.5)
    for name, array in visited[-1].items():
        assert np.any(array) == (name == "b3")
    share = lesson["Y_train"].mean()
    assert visited[-1]["b3"].item() == pytest.approx(np.log(share / (1 - share)), abs=1e-6)
    assert costs[-1] == pytest.approx(-share * np.log(share) - (1 - share) * np.log(1 - share), rel=1e-9)
    assert not any(map(np.any, start.values())), "the start is not changed"


def test_equal_units_stay_equal_and_random_ones_do_not(lesson):
    equal = {name: p + 0.1 * (name[0] == "W") for name, p in ZEROS([196, 6, 4, 1]).items()}
    visited, costs = lesson["train"](equal, "tanh", 50)
    assert len(costs) == 51
    assert len(visited) == 11
    assert np.ptp(visited[-1]["W1"], axis=0).max() < 1e-12
    assert np.any(np.abs(visited[-1]["W1"] - 0.1) > 1e-3), "they did learn"
    for seed in range(5):
        visited, _ = lesson["train"](HE([196, 6, 4, 1], generator(seed)), "tanh", 50)
        assert np.ptp(visited[-1]["W1"], axis=0).min() > 1e-3


def test_the_root_of_two_decides_under_relu_with_twenty_layers(lesson):
    for seed in range(5):
        deep = [196] + [32] * 20 + [1]
        _, costs = lesson["train"](XAVIER(deep, generator(seed)), "relu", 100)
        assert 0.6 < costs[-1] < 0.7
        visited, costs = lesson["train"](HE(deep, generator(seed)), "relu", 100)
        assert costs[-1] < 0.2
        _, of_deep = lesson["stopped_on_dev"](visited, "relu")
        visited, costs = lesson["train"](HE([196, 32, 1], generator(seed)), "relu", 100)
        assert lesson["stopped_on_dev"](visited, "relu")[1] > of_deep


def test_with_scale_one_no_draw_learns(lesson):
    """ReLU: numbers too large after a few steps; tanh: about the cost of guessing."""
    deep = [196] + [32] * 20 + [1]
    for seed in range(5):
        assert np.isnan(lesson["train"](RANDOM(deep, generator(seed), 1.0), "relu", 8)[1][-1])
        assert lesson["train"](RANDOM(deep, generator(seed), 1.0), "tanh", 25)[1][-1] > 0.6


def test_with_tanh_both_fit_and_xavier_is_ahead_on_new_digits(lesson):
    gains, deep = [], [196] + [32] * 20 + [1]
    for seed in range(5):
        runs = [lesson["train"](start(deep, generator(seed)), "tanh", 50) for start in (XAVIER, HE)]
        assert runs[1][1][-1] < runs[0][1][-1] < 0.2, "He's larger weights are faster"
        stops = [lesson["stopped_on_dev"](visited, "tanh") for visited, _ in runs]
        assert all(step < 50 for step, _ in stops), "the dev cost turns before the end"
        right = [share for _, share in stops]
        gains.append(right[0] - right[1])
    assert np.mean(gains) > 2 * np.std(gains, ddof=1) / np.sqrt(5)


def test_sizes_that_the_text_names_hold_in_ten_draws(lesson):
    """Sections 4, 5 and 6: one score, the three variants of He, Xavier under ReLU, tanh with scale 1."""
    X = lesson["X_train"]
    narrowing = [196, 100, 100, 50, 50, 25, 25, 10]
    ratios, slopes, gaps = [], [], []
    for seed in range(10):
        he = HE(narrowing, generator(seed))
        fan_out = {n: p * np.sqrt(p.shape[1] / p.shape[0]) if n[0] == "W" else p for n, p in he.items()}
        no_root = {n: p * np.sqrt(2 / p.shape[1]) if n[0] == "W" else p for n, p in he.items()}
        assert 0.1 < SCALES(X, he, "relu")[1][-1] < 10
        assert SCALES(X, fan_out, "relu")[1][-1] > 2 * SCALES(X, he, "relu")[1][-1]
        assert SCALES(X, no_root, "relu")[1][3] < 1e-4
        deep = [196] + [50] * 20 + [1]
        sizes = lesson["gradient_sizes"](RANDOM(deep, generator(seed), 1.0), "tanh")
        ratios.append(sizes[0] / sizes[18])
        A = np.array(initialization.activations(X, RANDOM(deep, generator(seed), 1.0), "tanh")[2:20])
        slopes.append(np.mean((1 - A**2) ** 2))
        he, xavier = (np.array(lesson["gradient_sizes"](f(deep, generator(seed)), "relu")[:20]) for f in (HE, XAVIER))
        gaps.append(np.log10(he / xavier).mean())
    assert 1.8 < np.sqrt(50 * np.mean(slopes)) < 2.3
    assert 1e4 < np.exp(np.mean(np.log(ratios))) < 1e7
    assert np.mean(gaps) == pytest.approx(3, abs=0.4)


def test_answers_to_the_play_questions(lesson):
    X = lesson["X_train"][:, :100]
    twenty = [196] + [50] * 20
    assert np.tanh(0.1) == pytest.approx(0.0997, abs=5e-5)
    assert 1 / np.sqrt(50) == pytest.approx(0.141, abs=5e-4)
    assert np.sqrt(2.0**19) == pytest.approx(724, abs=0.5)
    for scale in (0.14, 0.16, 0.18):
        last = initialization.activations(X, RANDOM(twenty, generator(), scale), "tanh")[-1]
        assert 0.02 < np.std(last) < 0.6
        assert np.mean(np.abs(last) > 0.99) < 0.05
    assert SCALES(X, RANDOM(twenty, generator(), 0.1), "tanh")[0][-1] < 0.001
    last = initialization.activations(X, RANDOM(twenty, generator(), 0.5), "tanh")[-1]
    assert np.mean(np.abs(last) > 0.99) > 1 / 3
    sizes = np.sqrt(SCALES(X, XAVIER(twenty, generator()), "relu")[1])
    assert sizes[1] / sizes[-1] == pytest.approx(2 * np.sqrt(2.0**19), rel=0.15)
    sizes = np.sqrt(SCALES(X, HE(twenty, generator()), "relu")[1])
    assert sizes[-1] / sizes[1] == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("which", range(5), ids=["equal", "small", "large", "xavier", "saturated"])
def test_a_start_looks_as_its_fault_says_and_as_no_other(lesson, which):
    for seed in range(5):
        run = initialization.sick_run(generator(seed), SCALES, lesson["train"], lesson["X_train"], 2, which)
        assert run.which == which
        found = re.search(r"5, 10: (.*)\. W5 has (\d+) .* is (\S+) at the start", run.words)
        squares, rows, start = [float(one) for one in found[1].split(", ")], int(found[2]), float(found[3])
        factors = np.array(squares[2:]) / np.array(squares[1:-1])
        per_layer = factors ** (1 / np.array([1, 3, 5]))
        looks = [
            rows == 1,
            rows > 1 and np.all(per_layer < 0.1),
            rows > 1 and np.all(per_layer > 10) and start > 5,
            rows > 1 and np.all((per_layer > 0.3) & (per_layer < 0.75)),
            rows > 1 and min(squares[1:]) > 0.8 and max(squares[1:]) <= 1,
        ]
        assert [i for i, there in enumerate(looks) if there] == [which], (seed, run.words)


# --- the picture ------------------------------------------------------------------------------------------------------


@pytest.fixture
def picture():
    return initialization.histograms(STARTS, SCALES.reference, X)


def test_picture_answers_within_a_tenth_of_a_second(picture, record_property):
    picture.controls["layers"].value = 20
    seconds = []
    for step, exponent in enumerate(np.linspace(-2.9, 0.4, 16)):
        for name, value in (("scale", 10**exponent), ("activation", ("relu", "tanh")[step % 2])):
            start = time.process_time()
            picture.controls[name].value = value
            seconds.append(time.process_time() - start)
    record_property("picture of lesson 2.2, median time to answer", f"{1000 * statistics.median(seconds):.0f} ms")
    assert statistics.median(seconds) < machine.seconds(0.1)


def test_picture_follows_its_controls(picture):
    pictures = [picture._image.value]
    for name, value in (("scale", 0.5), ("activation", "relu"), ("layers", 17), ("start", "He"), ("start", "zeros")):
        picture.controls[name].value = value
        assert picture._image.value not in pictures
        pictures.append(picture._image.value)


def test_picture_says_what_it_shows(picture):
    stds, _ = SCALES(X, RANDOM([40] + [initialization.UNITS] * 10, generator(), 0.1), "tanh")
    assert f"standard deviation is {stds[1]:.2g} in layer 1 and {stds[10]:.2g} in layer 10" in picture._caption.value
    assert "layers 1, 3, 6, 8, 10" in picture._caption.value
    picture.controls["scale"].value = 3.0
    assert "random, scale 3, tanh" in picture._caption.value
    start = RANDOM([40] + [initialization.UNITS] * 10, generator(), 3.0)
    saturated = np.mean(np.abs(initialization.activations(X, start, "tanh")[-1]) > 0.99)
    assert saturated > 0.8
    assert f"{saturated:.0%} of the last activations are saturated" in picture._caption.value
    picture.controls["activation"].value = "relu"
    assert "of the last activations are 0" in picture._caption.value
    picture.controls["start"].value = "zeros"
    assert "All activations of the last layer are 0" in picture._caption.value


def test_picture_has_a_static_twin(picture):
    data = picture._repr_mimebundle_()
    image = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
    assert image.size == (720, 380)
    assert "application/vnd.jupyter.widget-view+json" in data


def test_shares_count_what_lies_beyond_in_the_outermost_bars():
    shares = initialization.shares(np.array([[-50.0, 0.0, 0.0, np.inf]]))
    assert shares.sum() == 1
    assert (shares[0], shares[20], shares[-1]) == (0.25, 0.5, 0.25)
