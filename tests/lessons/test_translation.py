"""Lesson 5.12: the model against other code, searches against all there is, BLEU by hand, dates, runs, the picture."""

import base64
import datetime
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
from PIL import Image

from helpers import exercises
from helpers.checks import plain
from helpers.widgets import fast_translation
from helpers.widgets import translation as pictures

LESSON = exercises.load("translation").exercises
ENCODE, INPUTS, FORWARD, BACKWARD, GREEDY, BEAM, PRECISION, BLEU = (
    LESSON[name]
    for name in (
        "encode", "decoder_inputs", "seq2seq_forward", "seq2seq_backward", "greedy_decode", "beam_search",
        "modified_precision", "corpus_bleu",
    )
)  # fmt: skip
TEXTS = [("4 may 1974", "1974-05-04"), ("3/5/98", "1998-05-03"), ("nov 27, 2001", "2001-11-27")]


def sigmoid(z):
    return 1 / (1 + anp.exp(-z))


def gru(tokens, state, p):
    """Return the states of one example, step by step, in autograd's NumPy: one-hot columns and all."""
    found, n_x = [], p["Wu"].shape[1] - len(state)
    for token in tokens:
        x = np.eye(n_x)[:, token]
        stacked = anp.concatenate([state, x])
        update, reset = (sigmoid(anp.dot(p["W" + k], stacked) + p["b" + k][:, 0]) for k in "ur")
        new = anp.tanh(anp.dot(p["Wc"], anp.concatenate([reset * state, x])) + p["bc"][:, 0])
        state = update * new + (1 - update) * state
        found.append(state)
    return found


def one_example(x, length, targets, p):
    """Return the scores (V, T_y) of one example; its padding is never read."""
    H = gru(x[:length], np.zeros(len(p["bi"])), p["encoder"])
    S = gru([len(p["b"]), *targets[:-1]], anp.tanh(anp.dot(p["Wi"], H[-1]) + p["bi"][:, 0]), p["decoder"])
    columns = []
    for s in S:
        query = anp.dot(p["WQ"], s)
        powers = [anp.exp(anp.dot(query, h) / anp.sqrt(1.0 * len(s))) for h in H]
        context = sum(power * h for power, h in zip(powers, H, strict=True)) / sum(powers)
        columns.append(anp.dot(p["W"], anp.concatenate([s, context])) + p["b"][:, 0])
    return anp.stack(columns, axis=1)


@pytest.fixture(scope="module")
def drawn():
    """Return arguments of `seq2seq_forward` whose biases are not 0."""
    rng, p = np.random.default_rng(5), pictures.first_parameters(3, n=3)
    for part in (p, p["encoder"], p["decoder"]):
        for name in part:
            if name[0] == "b":
                part[name] = rng.normal(size=part[name].shape)
    return (*pictures.numbers(TEXTS), p)


# --- the model --------------------------------------------------------------------------------------------------------


def test_scores_match_another_implementation(drawn):
    x, lengths, targets, p = drawn
    Z, _ = FORWARD(*drawn)
    for i in range(len(x)):
        np.testing.assert_allclose(Z[:, i], one_example(x[i], lengths[i], targets[i], p), rtol=1e-9, atol=1e-12)


def test_way_back_matches_automatic_gradients(drawn):
    x, lengths, targets, p = drawn
    short = targets[:, :3]
    Z, cache = FORWARD(x, lengths, short, p)
    dZ = np.random.default_rng(0).normal(size=Z.shape)

    def cost(p):
        return sum(anp.sum(dZ[:, i] * one_example(x[i], lengths[i], short[i], p)) for i in range(len(x)))

    theirs = autograd.grad(cost)(p)
    for name, array, ours in pictures.pairs_of(p, BACKWARD(dZ, cache)):
        kind = re.fullmatch(r"(\w+) of the (\w+)", name)
        found = theirs[kind[2]][kind[1]] if kind else theirs[name]
        np.testing.assert_allclose(ours, found, rtol=1e-7, atol=1e-11, err_msg=name)
        assert ours.shape == array.shape


def test_given_gru_is_that_of_lesson_3():
    rng, theirs = np.random.default_rng(0), exercises.load("gru").exercises
    p = {"W" + k: rng.normal(size=(3, 3 + 5)) for k in "urc"} | {"b" + k: rng.normal(size=(3, 1)) for k in "urc"}
    tokens, c0 = rng.integers(5, size=(2, 4)), rng.normal(size=(3, 2))
    c, cache = fast_translation.gru_forward(tokens, c0, p)
    one_hot = (np.arange(5)[:, None, None] == tokens) * 1.0
    right = theirs["gru_forward"](one_hot, c0, p | {"Wy": np.ones((1, 3)), "by": np.zeros((1, 1))})[0]
    np.testing.assert_allclose(c, right, rtol=1e-10)
    dc = rng.normal(size=c.shape)
    dc0, found = fast_translation.gru_backward(dc, cache)

    def cost(c0, p):
        return sum(anp.sum(dc[:, i] * anp.stack(gru(tokens[i], c0[:, i], p), axis=1)) for i in range(2))

    np.testing.assert_allclose(dc0, autograd.grad(cost)(c0, p), rtol=1e-8)
    for name, gradient in autograd.grad(cost, 1)(c0, p).items():
        np.testing.assert_allclose(found["d" + name], gradient, rtol=1e-8, atol=1e-12)


def test_given_attention_is_that_of_lesson_9():
    rng, theirs = np.random.default_rng(0), exercises.load("attention").exercises
    Q, K, V = (rng.normal(size=shape) for shape in ((4, 2, 3), (4, 2, 5), (6, 2, 5)))
    mask = fast_translation.padding_mask([3, 5], 5)
    assert np.array_equal(mask, theirs["padding_mask"]([3, 5], 5))
    ours, right = (
        fast_translation.scaled_dot_product_attention(Q, K, V, mask),
        theirs["scaled_dot_product_attention"](Q, K, V, mask),
    )
    np.testing.assert_allclose(ours[0], right[0], rtol=1e-10)
    dO = rng.normal(size=ours[0].shape)
    for one, other in zip(
        fast_translation.attention_backward(dO, ours[1]), theirs["attention_backward"](dO, right[1]), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-13)


def test_taught_and_written_greedily_are_equal(drawn):
    """Equation (12.19): for each date, all right if and only if all right, whatever the model."""
    x, lengths, _, p = drawn
    said = pictures.run_freely(FORWARD, x, lengths, p)
    assert pictures.forced(FORWARD, (x, lengths, said), p).all(), "what it says itself is the likeliest when given"
    for row, (text, _) in zip(said, TEXTS, strict=True):
        step, state = pictures.speaker(ENCODE, text, p)
        assert GREEDY(step, state, pictures.START, -1, pictures.STEPS) == row.tolist()
        tokens = BEAM(step, state, pictures.START, -1, 1, pictures.STEPS, 0.0)[0][1]
        assert list(tokens) == row.tolist()


def test_steps_give_the_probability_of_the_model(drawn):
    """Equation (12.2): the logarithms of the steps add up to that of the translation."""
    x, lengths, targets, p = drawn
    J, _ = pictures.loss(FORWARD(x[:1], lengths[:1], targets[:1], p)[0], targets[:1])
    step, state = pictures.speaker(ENCODE, TEXTS[0][0], p)
    total, token = 0, pictures.START
    for following in targets[0]:
        log_probs, state = step(token, state)
        np.testing.assert_allclose(np.exp(log_probs).sum(), 1)
        total, token = total + log_probs[following], following
    np.testing.assert_allclose(J, -total)


# --- searches ---------------------------------------------------------------------------------------------------------


def all_there_is(step, state, start, end, V, max_length, alpha):
    """Return all translations with their scores, the best first."""
    found = []
    for length in range(1, max_length + 1):
        for said in itertools.product(range(V), repeat=length):
            if end in said[:-1] or (length < max_length and said[-1] != end):
                continue
            total, token, now = 0, start, state
            for following in said:
                log_probs, now = step(token, now)
                total, token = total + log_probs[following], following
            found.append((total / length**alpha, [k for k in said if k != end]))
    return sorted(found, key=lambda one: -one[0])


def tree(seed, V=3, rows=13):
    logits = np.random.default_rng(seed).normal(size=(rows, V))
    return plain.Function("table", V + 1), (0, logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)))


@pytest.mark.parametrize("alpha", [0.0, 0.7, 1.0])
def test_a_wide_beam_finds_what_trying_all_finds(alpha):
    for seed in range(3):
        step, state = tree(seed)
        right = all_there_is(step, state, 3, 1, 3, 4, alpha)
        ours = BEAM(step, state, 3, 1, 500, 4, alpha)
        assert len(ours) == len(right)
        for (score, tokens), (theirs, said) in zip(ours, right, strict=True):
            assert score == pytest.approx(theirs)
            assert list(tokens) == said


def test_a_table_moves_from_row_to_row_and_crosses_as_plain_data():
    step, (_, table) = tree(0)
    assert plain.decode(plain.encode(step)) == step
    log_probs, (new, kept) = step(2, (5, table))
    assert new == (4 * 5 + 2) % 13
    assert np.array_equal(log_probs, table[new])
    assert kept is table


def test_width_1_is_greedy():
    for seed in range(20):
        step, state = tree(seed)
        assert BEAM(step, state, 3, 1, 1, 6, 1.0)[0][1] == GREEDY(step, state, 3, 1, 6)


def test_numbers_of_the_tree_by_hand():
    step = pictures.tree_step
    assert GREEDY(step, (), 3, 2, 2) == [0, 0]
    np.testing.assert_allclose(np.exp(BEAM(step, (), 3, 2, 1, 2, 0.0)[0][0]), 0.5 * 0.4)
    score, tokens = BEAM(step, (), 3, 2, 2, 2, 0.0)[0]
    assert tokens == [1]
    np.testing.assert_allclose(np.exp(score), 0.36)
    np.testing.assert_allclose([np.log(0.2), 4 * np.log(0.6), np.log(0.6)], [-1.61, -2.04, -0.51], atol=0.005)


# --- BLEU -------------------------------------------------------------------------------------------------------------


def test_bleu_by_hand():
    """ "the" seven times: Papineni and others, 2002, section 2.1."""
    assert PRECISION(
        ["the"] * 7, [["the", "cat", "is", "on", "the", "mat"], ["there", "is", "a", "cat", "on", "the", "mat"]], 1
    ) == (2, 7)
    short, full = ["the", "cat", "sat"], ["the", "cat", "sat", "down"]
    assert round(BLEU([short], [[full]], 2), 3) == 0.717 == round(np.exp(1 - 4 / 3), 3)
    assert BLEU([full], [[full]], 4) == 1
    assert BLEU([short], [[full]], 4) == 0
    assert BLEU([short, full], [[short], [full]], 3) == 1


def test_bleu_of_text_is_that_of_its_characters():
    assert BLEU(["1974-11-04"], [["1974-11-05"]], 4) == BLEU([list("1974-11-04")], [[list("1974-11-05")]], 4)


# --- dates ------------------------------------------------------------------------------------------------------------


def test_dates_are_different_days_and_say_what_they_mean():
    learn, test = pictures.dates()
    days = [iso for _, iso in learn + test]
    assert len(set(days)) == len(days) == 8600
    assert {day[:2] for day in days} == {"19", "20"}
    assert min(days) >= "1950-01-01"
    assert max(days) <= "2049-12-31"
    for text, iso in test:
        assert text in pictures.written(datetime.date.fromisoformat(iso))
        assert not pictures.readings(text) or iso in pictures.readings(text)
    day = datetime.date(1974, 11, 4)
    assert len(set(pictures.written(day))) == 13
    assert "monday, november 4, 1974" in pictures.written(day)
    assert pictures.readings("3/5/98") == {"1998-03-05", "1998-05-03"}
    assert pictures.readings("13/5/49") == {"2049-05-13"}
    x, lengths, targets = pictures.numbers(test)
    assert x.shape == (600, 28)
    assert lengths.max() == 28
    assert np.all(targets[:, -1] == pictures.END)


def test_weight_on_a_part_is_the_sum_over_its_characters():
    weights = np.arange(12.0).reshape(2, 6) / 100
    assert pictures.weight_on(weights, "ab cde", "ab", [0, 1]) == pytest.approx(np.mean([0.03, 0.21]))


# --- runs to diagnose -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", range(len(pictures.FAULTS)), ids=["large", "small", "leak", "few", "shuffled"])
def test_a_run_looks_as_its_fault_says_and_as_no_other(which):
    run = pictures.sick_run(np.random.default_rng(0), FORWARD, BACKWARD, which=which)
    assert run.which == which
    costs = [float(one) for one in re.search(r"steps are (.*); guessing", run.words)[1].split(", ")]
    held_out = float(re.search(r"held out cost ([\d.e+]+) ", run.words)[1])
    given, freely = (int(one) for one in re.findall(r"(\d+)%", run.words))
    looks = [
        min(costs) > 35,
        max(costs) - min(costs) < 0.5 and 20 < costs[-1] < 35,
        given > 80 and freely < given - 20,
        held_out > 3 * costs[-1] and costs[-1] < 8,
        costs[-1] > 10 and costs[0] > costs[-1] + 1 and held_out < 1.5 * costs[-1] and costs[-1] < 19,
    ]
    assert [i for i, there in enumerate(looks) if there] == [which], run.words


# --- the picture ------------------------------------------------------------------------------------------------------


def test_picture_answers_within_a_tenth_of_a_second_and_its_questions(record_property):
    picture, seconds = pictures.tree(BEAM), []
    for name, value in [("max_length", 4), ("width", 3), ("alpha", 0.5), ("width", 1), ("width", 3)] * 2:
        start = time.process_time()
        picture.controls[name].value = value
        seconds.append(time.process_time() - start)
    record_property("picture of lesson 5.12, median time to answer", f"{1000 * statistics.median(seconds):.0f} ms")
    assert statistics.median(seconds) < machine.seconds(0.1)
    for alpha, first in ((0, "b"), (1.4, "b"), (1.5, "aab"), (2, "aab")):
        picture.controls["alpha"].value = alpha
        assert f"scores: “{first}”" in picture._caption.value


def test_picture_has_a_static_twin():
    data = pictures.tree(BEAM)._repr_mimebundle_()
    assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).size == (740, 360)
    figure = pictures.draw_tree(BEAM, 2, 2, 1.0)
    assert "b 0.40" in {text.get_text() for text in figure.axes[0].texts}


def test_a_token_that_is_none_ends_in_an_error_on_the_way_back():
    """A learner's slip must not write into memory that is not there."""
    rng = np.random.default_rng(0)
    p = {f"W{k}": rng.normal(size=(2, 5)) for k in "urc"} | {f"b{k}": np.zeros((2, 1)) for k in "urc"}
    c, (tokens, *rest) = fast_translation.gru_forward(np.array([[0, 2]]), np.zeros((2, 1)), p)
    with pytest.raises(IndexError):
        fast_translation.gru_backward(np.ones_like(c), (tokens + 3, *rest))
