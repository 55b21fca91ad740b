"""Lesson 2.9, a training recipe: numbers by hand, derivations, independent code, faults and pictures."""

import base64
import io
import math
import re
import statistics
import time

import autograd
import autograd.numpy as anp
import machine
import numpy as np
import pytest
from autograd.scipy.special import logsumexp
from PIL import Image
from scipy.stats import entropy

from helpers import exercises
from helpers.widgets import training_recipe as pictures

LESSON = exercises.load("training_recipe").exercises
ADAMW, RATE, CLIP, SMOOTH, LOSS, SHIFT, EMA, BF16, SCALING = (
    LESSON[name].reference
    for name in (
        "update_parameters_with_adamw", "learning_rate_at", "clip_by_global_norm", "smooth_labels",
        "smooth_cross_entropy", "random_shift", "update_ema", "to_bfloat16", "loss_scaling_step",
    )
)  # fmt: skip
MINE = pictures.Functions(ADAMW, RATE, CLIP, LOSS, SHIFT, EMA, BF16, SCALING)


def one_step(w, g, decay, t=1, v=0.0, s=0.0, name="W1", rate=0.1):
    """Return w, v and s after a step for one number."""
    found = ADAMW({name: w}, {"d" + name: g}, {"d" + name: v}, {"d" + name: s}, t, rate, 0.9, 0.999, 1e-8, decay)
    return [float(next(iter(part.values()))) for part in found]


# --- numbers by hand --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("g", [10.0, 0.1])
def test_first_steps_by_hand(g):
    assert one_step(1.0, g, 0.5)[0] == pytest.approx(0.85)
    assert one_step(1.0, g, 0.5, name="b1")[0] == pytest.approx(0.9)
    for decay in (0.5, 0.01, 7.0):
        assert one_step(1.0, g + decay, 0.0)[0] == pytest.approx(0.9), "L2 in Adam, whatever λ is"


def test_numbers_by_hand():
    rates = [RATE(t, 12, 0.1, 4) for t in range(1, 13)]
    np.testing.assert_allclose(rates[:4], [0.025, 0.05, 0.075, 0.1])
    np.testing.assert_allclose([rates[7], rates[11]], [0.05, 0], atol=1e-15)
    clipped, norm = CLIP({"dW1": np.array([[3.0, 4.0]]), "db1": np.array([[12.0]])}, 6.5)
    assert norm == 13
    assert clipped["dW1"].tolist() == [[1.5, 2.0]]
    Y = np.array([[0.0], [1], [0], [0]])
    np.testing.assert_allclose(SMOOTH(Y, 0.2)[:, 0], [0.05, 0.85, 0.05, 0.05])
    Z = np.log(np.array([[0.1], [0.7], [0.1], [0.1]]))
    J, dZ = LOSS(Z, Y, 0.2)
    assert pytest.approx(0.649, abs=5e-4) == J
    assert LOSS(Z, Y, 0.0)[0] == pytest.approx(0.357, abs=5e-4)
    np.testing.assert_allclose(dZ[:, 0], [0.05, -0.15, 0.05, 0.05])
    assert EMA({"W1": 1.0}, {"W1": 3.0}, 0.75) == {"W1": 1.5}
    assert BF16(np.array([1.003, 1.004, 1 / 3], dtype=np.float32)).tolist() == [1, 1.0078125, 0.333984375]
    image = np.array([[[1.0, 2, 3]]])
    rows = {tuple(SHIFT(image, 1, np.random.default_rng(seed)).ravel()) for seed in range(60)}
    assert rows == {(1, 2, 3), (0, 1, 2), (2, 3, 0), (0, 0, 0)}


def test_scales_by_hand():
    grads = {"dW1": np.array([[512.0, -256.0]])}
    found, scale, count = SCALING(grads, 256.0, 1, 2)
    assert (found["dW1"].tolist(), scale, count) == ([[2, -1]], 512, 0)
    assert SCALING({"dW1": np.array([[np.inf, -256.0]])}, 256.0, 1, 2) == (None, 128, 0)


# --- derivations ------------------------------------------------------------------------------------------------------


def test_a_weight_without_gradient_moves_by_the_rate_whatever_the_decay_is():
    """Equation (9.4), L2 in Adam, and AdamW beside it."""
    for decay in (1e-4, 1e-1):
        w, v, s = 1.0, 0.0, 0.0
        for t in range(1, 51):
            w, v, s = one_step(w, decay * w, 0.0, t, v, s, rate=0.001)
        assert w == pytest.approx(1 - 50 * 0.001, abs=0.002)
    w, v, s = 1.0, 0.0, 0.0
    for t in range(1, 51):
        w, v, s = one_step(w, 0.0, 0.1, t, v, s, rate=0.001)
    assert w == pytest.approx((1 - 0.001 * 0.1) ** 50)
    steps = 6 * math.ceil(4000 / 64)  # of the lesson: six epochs
    assert steps == 378
    assert (1 - pictures.Recipe().peak * 0.3) ** steps == pytest.approx(0.71, abs=0.005)


def test_rates_have_no_jump_and_no_slope_at_both_ends():
    for warmup, final in ((0, 0.0), (300, 0.2)):
        rates = np.array([RATE(t, 1000, 1.0, warmup, final) for t in range(max(1, warmup), 1001)])
        assert abs(rates[0] - 1) < 1e-4
        assert rates[-1] == pytest.approx(final)
        assert np.all(np.diff(rates) < 0)
        slopes = np.abs(np.diff(rates))
        assert max(slopes[0], slopes[-1]) < 0.02 * slopes.max()
        middle = (1 - final) * np.pi / 2 / (1000 - warmup)
        assert slopes.max() == pytest.approx(middle, rel=1e-3), "the slope of (9.11) at x = 1/2"


def test_no_vector_of_the_ball_is_nearer_than_the_clipped_one():
    rng = np.random.default_rng(0)
    g = rng.normal(size=5)
    clipped, norm = CLIP({"dW1": g[:3], "db1": g[3:]}, 0.7)
    h = np.concatenate([clipped["dW1"], clipped["db1"]])
    assert np.linalg.norm(h) == pytest.approx(0.7)
    others = rng.normal(size=(4000, 5))
    others *= 0.7 * rng.uniform(0, 1, size=(4000, 1)) / np.linalg.norm(others, axis=1, keepdims=True)
    assert np.linalg.norm(g - others, axis=1).min() > np.linalg.norm(g - h)
    assert np.linalg.norm(g - h) == pytest.approx(norm - 0.7)


def test_loss_matches_automatic_gradients_and_its_least_value_is_the_entropy():
    rng = np.random.default_rng(0)
    Z, Y = 2 * rng.normal(size=(5, 4)), np.eye(5)[:, [1, 4, 1, 0]]

    def total(Z):
        return anp.sum(logsumexp(Z, axis=0) - anp.sum((0.8 * Y + 0.2 / 5) * Z, axis=0))

    J, dZ = LOSS(Z, Y, 0.2)
    assert pytest.approx(total(Z) / 4) == J
    np.testing.assert_allclose(dZ, autograd.grad(total)(Z), rtol=1e-10, atol=1e-14)
    target = SMOOTH(np.eye(10)[:, [3]], 0.1)
    J, dZ = LOSS(np.log(target), np.eye(10)[:, [3]], 0.1)
    assert pytest.approx(entropy(target[:, 0])) == J
    np.testing.assert_allclose(dZ, 0, atol=1e-12)
    assert np.log(target[3, 0] / target[0, 0]) == pytest.approx(np.log(0.9 * 10 / 0.1 + 1))


def test_the_average_is_the_sum_over_the_past():
    rng = np.random.default_rng(0)
    past, average = rng.normal(size=40), 2.0
    for w in past:
        average = EMA({"W1": average}, {"W1": w}, 0.9)["W1"]
    weights = 0.1 * 0.9 ** np.arange(40)
    assert average == pytest.approx(weights @ past[::-1] + 0.9**40 * 2.0)
    assert weights.sum() == pytest.approx(1 - 0.9**40)


def test_shifts_are_uniform_and_each_image_has_its_own():
    image = np.zeros((5, 5))
    image[2, 2] = 1
    moved = SHIFT(np.array([image] * 4500), 1, np.random.default_rng(0))
    counts = moved.sum(axis=0)
    assert counts.sum() == 4500
    assert np.all(np.abs(counts[1:4, 1:4] - 500) < 5 * np.sqrt(500))


# --- few bits ---------------------------------------------------------------------------------------------------------


def test_bfloat16_takes_the_nearest_of_all_numbers_that_it_holds():
    held = (np.arange(128, 32640, dtype=np.uint32) << 16).view(np.float32).astype(float)  # all normal ones above 0
    rng = np.random.default_rng(0)
    drawn = rng.normal(size=2000) * 10.0 ** rng.uniform(-30, 30, size=2000)
    middles = (held[1000:30000:97] + held[1001:30001:97]) / 2
    x = np.concatenate([drawn, middles, -middles]).astype(np.float32)
    above = np.searchsorted(held, np.abs(x).astype(float)).clip(1, len(held) - 1)
    down, up = np.abs(x) - held[above - 1], held[above] - np.abs(x)
    even = above % 2 == 0  # the first number held has the bits 128, which is even
    chosen = np.where((up < down) | ((up == down) & even), held[above], held[above - 1])
    np.testing.assert_array_equal(BF16(x), (np.sign(x) * chosen).astype(np.float32))


def test_facts_on_formats():
    f16 = np.finfo(np.float16)
    assert (float(f16.max), float(f16.eps), f16.nmant, f16.nexp) == (65504, 2.0**-10, 10, 5)
    assert float(f16.smallest_subnormal) == pytest.approx(6e-8, rel=0.01)
    assert float(np.float16(2.9e-8)) == 0
    assert float(np.float16(3.1e-8)) > 0
    assert np.float16(2048) + np.float16(1) == 2048
    assert np.finfo(np.float32).nmant == 23
    held = (np.array([1, 32639], dtype=np.uint32) << 16).view(np.float32)
    assert held[0] == pytest.approx(1e-40, rel=0.1)
    assert held[1] == pytest.approx(3.4e38, rel=0.01)
    assert BF16(np.array([1, 1 + 2.0**-7], dtype=np.float32)).tolist() == [1, 1 + 2.0**-7]


def test_scaling_by_powers_of_two_changes_nothing_where_nothing_is_rounded(digits):
    few = digits._replace(images=digits.images[:640], Y=digits.Y[:, :640])
    plain, scaled, dynamic = (
        pictures.train_rounded(MINE, few, np.asarray, epochs=1, **more)
        for more in ({}, {"scale": 2.0**9}, {"scale": 2.0**9, "scaling": "dynamic"})
    )
    assert plain.accuracy == scaled.accuracy == dynamic.accuracy
    assert plain.lost == scaled.lost
    assert dynamic.skipped == 0


# --- trainings --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def digits():
    return pictures.digits()


def test_gradients_of_the_network(digits):
    p = pictures.first_parameters((196, 5, 4, 10), 0, float)
    X, Y = pictures.columns(digits.images[:7]).astype(float), digits.Y[:, :7].astype(float)

    def cost(p):
        A = X
        for l in (1, 2, 3):
            Z = anp.dot(p[f"W{l}"], A) + p[f"b{l}"]
            A = anp.maximum(0, Z)
        return anp.mean(logsumexp(Z, axis=0) - anp.sum((0.9 * Y + 0.01) * Z, axis=0))

    Z, kept = pictures.forward(p, X)
    J, dZ = LOSS(Z, Y, 0.1)
    assert pytest.approx(cost(p)) == J
    theirs = autograd.grad(cost)(p)
    for name, ours in pictures.backward(dZ, kept, p)[0].items():
        np.testing.assert_allclose(ours, theirs[name[1:]], rtol=1e-9, atol=1e-13)


def test_digits_are_four_thousand_and_one_thousand(digits):
    assert digits.images.shape == (4000, 14, 14)
    assert digits.Y_dev.shape == (10, 1000)
    assert digits.images.dtype == np.float32
    assert np.array_equal(digits.Y.sum(axis=0), np.ones(4000))


def test_a_short_training_uses_all_pieces(digits):
    """One run; the lesson shows five of each kind."""
    part = digits._replace(images=digits.images[::4], Y=digits.Y[:, ::4])
    recipe = pictures.RECIPES["all"]._replace(hidden=(32,), epochs=5, ema=0.9, warmup_steps=10, max_norm=1.0)
    called = set()

    def counted(name):
        def function(*given):
            called.add(name)
            return getattr(MINE, name)(*given)

        return function

    run = pictures.train(pictures.Functions(*(counted(name) for name in MINE._fields)), part, recipe)
    assert called == set(MINE._fields) - {"to_bfloat16", "loss_scaling_step"}
    assert all(array.dtype == np.float32 for array in (*run.parameters.values(), *run.ema.values()))
    assert len(run.costs) == len(run.norms) == 5 * 16
    assert pictures.accuracy(run.ema, digits) > 0.75


def runs(digits, **settings):
    """Return the trainings from five starts by a recipe."""
    return [pictures.train(MINE, digits, pictures.Recipe(**settings), seed) for seed in range(5)]


def test_l2_in_adam_shortens_by_the_gradients_and_adamw_does_not(digits):
    kinds, kept = pictures.kinds_of_pixels(digits).values(), {}
    for name, settings in {"none": {}, "l2": {"l2": 0.001}, "adamw": {"weight_decay": 0.3}}.items():
        found = [run.parameters["W1"] for run in runs(digits, hidden=(64,), epochs=6, **settings)]
        kept[name] = np.array([[pictures.rms(W1[:, chosen]) for chosen in kinds] for W1 in found])
    white, seldom, often = (kept["l2"] / kept["none"]).T
    assert white.max() < 0.01
    assert seldom.max() < 0.25
    assert often.min() > 0.8
    white, seldom, often = (kept["adamw"] / kept["none"]).T
    np.testing.assert_allclose(white, (1 - 0.003 * 0.3) ** 378, rtol=1e-3)
    assert min(seldom.min(), often.min()) > 0.75


def test_a_warm_up_helps_a_rate_that_is_too_high(digits):
    without, with_it = (
        [
            pictures.accuracy(run.parameters, digits)
            for run in runs(digits, peak=0.03, schedule=True, warmup_steps=steps, hidden=(64,) * 5, epochs=5)
        ]
        for steps in (0, 60)
    )
    assert min(with_it) > max(without)


def test_a_limit_takes_the_harm_of_bright_batches_away(digits):
    settings = {"peak": 0.05, "momentum": 0.9, "epochs": 5, "hidden": (64,)}
    bright, clipped, none = (
        [pictures.accuracy(run.parameters, digits) for run in runs(digits, **settings, **more)]
        for more in ({"glare": 0.02}, {"glare": 0.02, "max_norm": 1.0}, {})
    )
    assert np.mean(bright) < 0.6
    assert max(bright) < min(clipped)
    assert abs(np.mean(clipped) - np.mean(none)) < 0.005


# --- runs to diagnose -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "which", range(len(pictures.FAULTS)), ids=["epochs", "smoothing", "shifts", "average", "decay"]
)
def test_a_run_looks_as_its_fault_says_and_as_no_other(which):
    for seed in range(3):
        run = pictures.sick_run(np.random.default_rng(seed), ADAMW, RATE, LOSS, SHIFT, EMA, which=which)
        assert run.which == which
        costs = [float(one) for one in re.search(r"epochs are (.*); equal", run.words)[1].split(", ")]
        highest = float(re.search(r"rate is ([\d.]+) of", run.words)[1])
        ink, last, average = (int(one) for one in re.findall(r"(\d+)%", run.words))
        before, after = (float(one) for one in re.search(r"from ([\d.]+) to ([\d.]+)\.", run.words).groups())
        looks = [
            highest < 0.005,
            min(costs) > 2.1 and last > 70,
            ink < 75,
            average < last - 15,
            after < 0.5 * before,
        ]
        assert [i for i, there in enumerate(looks) if there] == [which], (seed, run.words)


# --- the pictures -----------------------------------------------------------------------------------------------------


def test_pictures_answer_within_a_tenth_of_a_second(record_property):
    picture, seconds = pictures.who_decays(ADAMW), []
    for step in range(5):
        for name, value in (("weight_decay", 0.1 * step), ("ratio", 2.0 + step)):
            start = time.process_time()
            picture.controls[name].value = value
            seconds.append(time.process_time() - start)
    record_property("picture of lesson 2.9, median time to answer", f"{1000 * statistics.median(seconds):.0f} ms")
    assert statistics.median(seconds) < machine.seconds(0.1)


def test_pictures_say_what_they_show():
    picture = pictures.who_decays(ADAMW)
    assert "AdamW takes them from 1 to 0.21 and 0.21" in picture._caption.value
    picture.controls["rules"].value = "L2 in Adam"
    assert "AdamW" not in picture._caption.value
    large, small = (float(one) for one in re.search(r"to ([\d.]+) and ([\d.]+)\.", picture._caption.value).groups())
    assert large > small + 0.3
    data = picture._repr_mimebundle_()
    assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).size == (520, 400)
    rates = pictures.schedule(RATE)
    assert "step 1 has 0.050, the highest is 1.00 at step 20" in rates._caption.value
    rates.controls["final"].value = 0.3
    assert "the last 0.30" in rates._caption.value


def test_pictures_have_static_twins():
    figure, ends = pictures.draw_decay(ADAMW, 0.5, 10.0)
    for line in figure.axes[0].lines:
        if line.get_label() in ends:
            np.testing.assert_allclose(np.transpose(line.get_data())[-1], ends[line.get_label()])
    assert ends["AdamW"] == pytest.approx([(1 - 0.02 * 0.5) ** 150] * 2, abs=0.02)
    alike = pictures.walk(ADAMW, "L2 in Adam", 1.0, 1.0)[-1]
    assert alike[0] == pytest.approx(alike[1])
