"""Lesson 5.11, a tiny GPT: its functions against autograd and SciPy, its counts, trainings, faults and pictures."""

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
from autograd.scipy.special import erf, logsumexp
from PIL import Image
from scipy.special import log_softmax, softmax

from helpers import exercises
from helpers.widgets import fast_attention
from helpers.widgets import tiny_gpt as pictures

LESSON = exercises.load("tiny_gpt").exercises
BATCH, EMBED, EMBED_BACK, FORWARD, LOSS, BACK, NEXT, STEP, NGRAM = (
    LESSON[name].reference
    for name in (
        "shifted_batch", "embed", "embed_backward", "gpt_forward", "language_model_loss", "gpt_backward",
        "next_token_distribution", "cached_attention_step", "interpolated_ngram",
    )
)  # fmt: skip
NUMBERS = {"\n": 0, "a": 1, "b": 2}


def model(n=4, blocks=2, V=5, T_max=7, seed=0):
    """Return parameters none of which is 0 or 1."""
    rng = np.random.default_rng(seed)
    p = pictures.first_parameters(V, T_max, rng, n, blocks)
    for _, array, _ in pictures.pairs(p, gradients_like(p)):
        array += 0.3 * rng.normal(size=array.shape)
    p["W"] *= 3
    return p


def gradients_like(p):
    found = {"d" + name: V for name, V in p.items() if name != "blocks"}
    return found | {"blocks": [{"d" + name: V for name, V in block.items()} for block in p["blocks"]]}


def norm(x, gamma, beta):
    mu = anp.mean(x, axis=0)
    return gamma[:, :, None] * (x - mu) / anp.sqrt(anp.mean((x - mu) ** 2, axis=0) + 1e-5) + beta[:, :, None]


def dense(W, b, X):
    return anp.tensordot(W, X, 1) + b[:, :, None]


def scores(p, tokens, h):
    """Return the scores of a GPT in autograd's NumPy, its embedding by one-hot columns, head by head."""
    T = tokens.shape[1]
    one_hot = (np.arange(p["E"].shape[1])[:, None, None] == tokens) * 1.0
    a = anp.tensordot(p["E"], one_hot, 1) + p["P"][:, :T][:, None, :]
    for q in p["blocks"]:
        u = norm(a, q["gamma1"], q["beta1"])
        Q, K, V = (dense(q["W" + name], q["b" + name], u) for name in "QKV")
        d = len(Q) // h
        a = a + q["bO"][:, :, None]
        for r in range(h):
            rows = slice(r * d, (r + 1) * d)
            E = anp.exp(anp.einsum("dit,dis->its", Q[rows], K[rows]) / np.sqrt(d)) * np.tri(T)
            A = E / anp.sum(E, axis=2)[:, :, None]
            a = a + anp.tensordot(q["WO"][:, rows], anp.einsum("its,dis->dit", A, V[rows]), 1)
        z = dense(q["W1"], q["b1"], norm(a, q["gamma2"], q["beta2"]))
        a = a + dense(q["W2"], q["b2"], z * (1 + erf(z / np.sqrt(2))) / 2)
    return dense(p["W"], p["b"], norm(a, p["gamma"], p["beta"]))


def mean_cost(Z, targets, mask):
    m, T = np.nonzero(mask)
    return anp.mean(logsumexp(Z, axis=0)[m, T] - Z[targets[m, T], m, T])


# --- numbers by hand --------------------------------------------------------------------------------------------------


def test_numbers_by_hand():
    inputs, targets, mask = BATCH(["aba", "b"], NUMBERS, 5)
    assert inputs.tolist() == [[0, 1, 2, 1, 0], [0, 2, 0, 0, 0]]
    assert targets.tolist() == [[1, 2, 1, 0, 0], [2, 0, 0, 0, 0]]
    assert mask.tolist() == [[True] * 4 + [False], [True] * 2 + [False] * 3]
    assert BATCH(["aba"], NUMBERS, 3)[1].tolist() == [[1, 2, 1]]
    dE, dP = EMBED_BACK(np.array([[[1.0, 10, 100]]]), np.array([[1, 2, 1]]), 3, 4)
    assert dE.tolist() == [[0, 101, 10]]
    assert dP.tolist() == [[1, 10, 100, 0]]
    J, dZ = LOSS(np.log([[[0.5, 0.2]], [[0.25, 0.4]], [[0.25, 0.4]]]), np.array([[0, 1]]), np.array([[True, False]]))
    assert pytest.approx(0.693, abs=5e-4) == J
    np.testing.assert_allclose(dZ[:, 0], [[-0.5, 0], [0.25, 0], [0.25, 0]], atol=1e-12)
    z = np.log(np.array([[0.5], [0.3], [0.15], [0.05]]))
    np.testing.assert_allclose(NEXT(z, 1, 2, 1)[:, 0], [5 / 8, 3 / 8, 0, 0])
    np.testing.assert_allclose(NEXT(z, 1, 4, 0.6)[:, 0], [5 / 8, 3 / 8, 0, 0])
    np.testing.assert_allclose(NEXT(z, 0.5, 4, 1)[:, 0], [0.685, 0.247, 0.062, 0.007], atol=5e-4)
    assert NEXT(z, 1, 4, 1e-6)[:, 0].tolist() == [1, 0, 0, 0]
    counts = {"": np.array([3, 1, 0]), "a": np.array([0, 2, 0])}
    np.testing.assert_allclose(NGRAM(counts, "", 3), [0.611, 0.278, 0.111], atol=5e-4)
    np.testing.assert_allclose(NGRAM(counts, "ba", 3), [0.204, 0.759, 0.037], atol=5e-4)


def test_number_of_weights():
    for n, L, V, T, weights in ((32, 1, 27, 12, 14907), (32, 2, 34, 32, 28706)):
        assert pictures.number_of_weights(pictures.first_parameters(V, T, np.random.default_rng(0), n, L)) == weights
        assert 2 * V * n + T * n + L * (12 * n**2 + 13 * n) + 2 * n + V == weights


# --- gradients --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "V", "T_max", "m", "T"), [(4, 5, 7, 2, 6), (3, 6, 4, 1, 4)])
def test_embed_back_matches_automatic_gradients(n, V, T_max, m, T):
    rng = np.random.default_rng(0)
    tokens, E, P = rng.integers(V, size=(m, T)), rng.normal(size=(n, V)), rng.normal(size=(n, T_max))
    da = rng.normal(size=(n, m, T))
    one_hot = (np.arange(V)[:, None, None] == tokens) * 1.0
    output = lambda E, P: anp.tensordot(E, one_hot, 1) + P[:, :T][:, None, :]
    np.testing.assert_allclose(EMBED(tokens, E, P), output(E, P))
    for place, ours in enumerate(EMBED_BACK(da, tokens, V, T_max)):
        theirs = autograd.grad(lambda E, P: anp.sum(da * output(E, P)), place)(E, P)
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-13)


def test_loss_matches_scipy_and_automatic_gradients():
    rng = np.random.default_rng(0)
    Z, targets = 2 * rng.normal(size=(5, 3, 4)), rng.integers(5, size=(3, 4))
    mask = np.arange(4) < np.array([[2], [4], [1]])
    J, dZ = LOSS(Z, targets, mask)
    logs = np.take_along_axis(log_softmax(Z, axis=0), targets[None], axis=0)[0]
    assert pytest.approx(-logs[mask].mean()) == J
    np.testing.assert_allclose(dZ, autograd.grad(mean_cost)(Z, targets, mask), rtol=1e-10, atol=1e-14)
    assert np.isfinite(LOSS(1000 * Z, targets, mask)[0])


@pytest.mark.parametrize(("h", "m", "T"), [(2, 2, 5), (1, 1, 3)])
def test_model_back_matches_automatic_gradients(h, m, T):
    rng, p = np.random.default_rng(1), model()
    tokens, targets, mask = rng.integers(5, size=(m, T)), rng.integers(5, size=(m, T)), rng.random((m, T)) < 0.7
    mask[0, 0] = True
    Z, cache = FORWARD(tokens, p, h)
    np.testing.assert_allclose(Z, scores(p, tokens, h), rtol=1e-8, atol=1e-10)
    found = autograd.grad(lambda p: mean_cost(scores(p, tokens, h), targets, mask))(p)
    ours = BACK(LOSS(Z, targets, mask)[1], cache)
    for name, theirs, gradient in pictures.pairs(found, ours):
        np.testing.assert_allclose(gradient, theirs, rtol=1e-6, atol=1e-10, err_msg=name)


def test_given_blocks_are_those_of_lesson_10():
    lesson_10 = exercises.load("transformer_block").exercises
    rng, block = np.random.default_rng(0), model()["blocks"][0]
    x, mask = rng.normal(size=(4, 2, 3)), fast_attention.causal_mask(3)
    assert np.array_equal(mask, lesson_10["causal_mask"].reference(3))
    y, cache = fast_attention.transformer_block_forward(x, block, 2, mask)
    theirs, their_cache = lesson_10["transformer_block_forward"].reference(x, block, 2, mask)
    np.testing.assert_allclose(y, theirs, rtol=1e-10)
    dy = rng.normal(size=y.shape)
    dx, ours = fast_attention.transformer_block_backward(dy, cache)
    their_dx, found = lesson_10["transformer_block_backward"].reference(dy, their_cache)
    np.testing.assert_allclose(dx, their_dx, rtol=1e-9)
    for name, gradient in ours.items():
        np.testing.assert_allclose(gradient, found[name], rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize(("dtype", "apart"), [(np.float32, 1e-4), (float, 1e-12)])
def test_fast_network_agrees_with_the_exercises(dtype, apart):
    rng, p = np.random.default_rng(2), model(T_max=32)
    tokens, targets = rng.integers(5, size=(2, 3, 6))
    net = pictures.fast(p, 2, dtype)
    Z, cache = FORWARD(tokens, p, 2)
    fast = net.forward(tokens)
    assert fast.dtype == dtype
    np.testing.assert_allclose(fast, Z, rtol=apart, atol=apart)
    J, dZ = pictures.per_symbol(fast, targets)
    net.backward(dZ)
    assert pytest.approx(LOSS(Z, targets, np.ones((3, 6), bool))[0], rel=1e-5) == J
    ours = BACK(LOSS(Z, targets, np.ones((3, 6), bool))[1], cache)
    found = {"d" + name: V for name, V in net.gradients.items()}
    found["blocks"] = [{"d" + name: V for name, V in block.gradients.items()} for block in net.blocks]
    theirs = {name[1:]: V for name, V in ours.items() if name != "blocks"}
    theirs["blocks"] = [{name[1:]: V for name, V in block.items()} for block in ours["blocks"]]
    for name, right, gradient in pictures.pairs(theirs, found):
        assert gradient.dtype == dtype
        np.testing.assert_allclose(gradient, right, rtol=apart, atol=apart, err_msg=name)


# --- writing ----------------------------------------------------------------------------------------------------------


def test_top_p_keeps_the_smallest_set_that_is_enough():
    rng = np.random.default_rng(0)
    for _ in range(200):
        z, temperature, k = rng.normal(size=(6, 1)), rng.uniform(0.3, 3), int(rng.integers(1, 8))
        top_p = rng.uniform(0.05, 1)
        found = NEXT(z, temperature, k, top_p)[:, 0]
        q = softmax(z[:, 0] / temperature)
        q[np.argsort(q)[: max(0, 6 - k)]] = 0
        q /= q.sum()
        kept = found > 0
        assert found.sum() == pytest.approx(1)
        assert q[kept].sum() >= top_p - 1e-12
        assert q[kept].sum() - q[kept].min() < top_p
        np.testing.assert_allclose(found[kept], q[kept] / q[kept].sum())
    exact = -np.log(np.array([[1.0], [2], [4], [4]]))
    assert NEXT(exact, 1.0, 4, 0.5)[:, 0].tolist() == [1, 0, 0, 0]


def test_cache_gives_the_same_scores_as_the_whole_text():
    p, tokens = model(T_max=9), np.random.default_rng(3).integers(5, size=9)
    whole, caches = FORWARD(tokens[None], p, 2)[0][:, 0], pictures.no_caches(p)
    for place, token in enumerate(tokens):
        z, caches = pictures.step_with_caches(STEP, token, place, caches, p, 2)
        np.testing.assert_allclose(z[:, 0], whole[:, place], rtol=1e-10)
    assert caches[0][0].shape == (4, 1, 9)


def test_words_are_known_or_not():
    words = pictures.words_of(np.array([0, 1, 2, 1, 1, 3, 2]), "a b,")
    assert words == {"a", "b"}
    assert pictures.share_known(["xx and the qu, th"], {"and", "the"}, 3) == pytest.approx(2 / 3)


def test_cache_saves_time():
    without, cached, apart = pictures.time_attention(STEP, 256, repeats=1)
    assert apart < 1e-12
    assert without > 4 * cached


# --- counts -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def names():
    return pictures.names()


def test_counts_are_interpolated_as_witten_and_bell_do(names):
    train, test, numbers = names
    assert (len(train), len(test), max(map(len, train + test))) == (1384, 200, 11)
    costs = []
    for k in range(4):
        counts = pictures.count_names(train, numbers, k)
        assert NGRAM(counts, "mar"[:k], 27).sum() == pytest.approx(1)
        costs.append(pictures.cost_of_counts_on_names(NGRAM, counts, test, numbers, k))
    assert counts["mar"][numbers["i"]] == sum(name.count("mari") for name in train)
    np.testing.assert_allclose(costs, [2.91, 2.48, 2.30, 2.29], atol=0.006)


def test_counts_of_a_text_are_those_one_makes_by_hand():
    tokens = np.array([0, 1, 0, 1, 1, 0])
    counts, stored = pictures.count_text(tokens, tokens, "ab", 2)
    assert {context: row.tolist() for context, row in counts.items()} == {
        "": [3, 3], "a": [0, 2], "b": [2, 1], "ab": [1, 1], "ba": [0, 1], "bb": [1, 0],
    }  # fmt: skip
    assert stored == [2, 3, 4]
    by_hand = -np.mean([np.log(NGRAM(counts, "ab"[a], 2)[b]) for a, b in zip(tokens, tokens[1:], strict=False)])
    assert pictures.cost_of_counts(NGRAM, counts, tokens, "ab", 1) == pytest.approx(by_hand)


# --- trainings --------------------------------------------------------------------------------------------------------


def test_first_cost_is_the_logarithm_of_the_symbols(names):
    inputs, targets, mask = BATCH(names[1], names[2], 12)
    Z, _ = FORWARD(inputs, pictures.first_parameters(27, 12, np.random.default_rng(0)), 4)
    assert LOSS(Z, targets, mask)[0] == pytest.approx(np.log(27), abs=0.02)


def test_names_are_learned_by_the_exercises(names):
    """One short run; the lesson shows five long ones."""
    train, test, numbers = names
    p, optimizer, rng = (
        pictures.first_parameters(27, 12, np.random.default_rng(0)),
        pictures.Adam(0.005),
        np.random.default_rng(1),
    )
    for _ in range(100):
        inputs, targets, mask = BATCH([train[i] for i in rng.integers(len(train), size=32)], numbers, 12)
        Z, cache = FORWARD(inputs, p, 4)
        optimizer.step(p, BACK(LOSS(Z, targets, mask)[1], cache))
    inputs, targets, mask = BATCH(test, numbers, 12)
    assert LOSS(FORWARD(inputs, p, 4)[0], targets, mask)[0] < 2.5


def test_the_text_is_read_and_the_cost_falls():
    tokens, held_out, symbols = pictures.bible()
    assert (len(held_out), len(symbols)) == (100_000, 34)
    assert len(pictures.half(tokens)) == 1_863_545
    (inputs,), targets = pictures.windows(tokens, np.random.default_rng(0))
    assert np.array_equal(inputs[:, 1:], targets[:, :-1])
    net = pictures.fast(pictures.first_parameters(34, 32, np.random.default_rng(0), blocks=2))
    costs = pictures.read_bible(net, tokens, 60)
    assert costs[0] == pytest.approx(np.log(34), abs=0.05)
    assert pictures.cost_on_text(net, held_out[:5000]) < 2.8


# --- runs to diagnose -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", range(len(pictures.FAULTS)), ids=["large", "small", "shift", "few", "padding"])
def test_a_run_looks_as_its_fault_says_and_as_no_other(which):
    for seed in range(2):
        run = pictures.sick_run(np.random.default_rng(seed), BATCH, FORWARD, LOSS, BACK, which=which)
        assert run.which == which
        costs = [float(one) for one in re.search(r"steps are (.*); guessing", run.words)[1].split(", ")]
        held_out = float(re.search(r"held out cost ([\d.e+]+) at", run.words)[1])
        share = int(re.search(r"(\d+)% count", run.words)[1])
        looks = [
            costs[0] > 3.6 and costs[-1] > 2.9,
            all(3.2 < cost < 3.4 for cost in (*costs, held_out)),
            held_out < 0.3,
            costs[-1] < 1.2 and held_out > 3.4,
            share == 100,
        ]
        assert [i for i, there in enumerate(looks) if there] == [which], (seed, run.words)


# --- the pictures -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bible_model():
    return pictures.first_parameters(34, 32, np.random.default_rng(0), blocks=2), " !',.:;?abcdefghijklmnopqrstuvwxyz"


def test_picture_answers_within_a_tenth_of_a_second_and_says_what_it_shows(bible_model, record_property):
    picture, seconds = pictures.next_letters(FORWARD, NEXT, *bible_model), []
    for step in range(6):
        for name, value in (("temperature", 1 + step / 4), ("top_k", 30 - step), ("text", "and god said"[: 3 + step])):
            start = time.process_time()
            picture.controls[name].value = value
            seconds.append(time.process_time() - start)
    record_property("picture of lesson 5.11, median time to answer", f"{1000 * statistics.median(seconds):.0f} ms")
    assert statistics.median(seconds) < machine.seconds(0.1)
    picture.controls["top_k"].value = 3
    assert "k = 3, p = 1.00: 3 of 34 symbols are left" in picture._caption.value
    picture.controls["top_p"].value = 0.05
    assert "1 of 34 symbols are left" in picture._caption.value
    data = picture._repr_mimebundle_()
    assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).size == (800, 320)


def test_pictures_have_static_twins(bible_model):
    parameters, symbols = bible_model
    z = pictures.scores_after(FORWARD, "AND god", parameters, symbols)
    assert np.array_equal(z, pictures.scores_after(FORWARD, "and god", parameters, symbols))
    figure = pictures.draw_next(NEXT, z, symbols, 1.0, 5, 1.0)
    heights = [bar.get_height() for bar in figure.axes[0].containers[1]]
    assert np.count_nonzero(heights) == 5
    weights = pictures.weights_of("and god", parameters, symbols)
    assert [part.shape for part in weights] == [(4, 7, 7)] * 2
    np.testing.assert_allclose(np.sum(weights, axis=-1), 1)
    assert len(pictures.draw_heads("and god", parameters, symbols).axes) == 8
