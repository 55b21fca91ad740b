"""Lesson 5.5, bidirectional and deep networks: the formulas against autograd and numbers, what it says, its picture."""

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
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score

from helpers import data, exercises
from helpers.widgets import bidirectional_and_deep as lesson
from helpers.widgets import fast_rnn

LESSON = exercises.load("bidirectional_and_deep").exercises
REVERSE, BOTH, BOTH_BACK, DEEP, DEEP_BACK, FIND, F1 = LESSON.values()
FUNCTIONS = tuple(exercise.reference for exercise in (BOTH, BOTH_BACK, DEEP, DEEP_BACK))
#: n_x, n_a, T_x and the lengths; sequences of length 1 and batches of one among them.
SIZES = [(3, 2, 5, (5, 3, 1, 4)), (2, 4, 6, (4,)), (4, 3, 1, (1, 1)), (1, 1, 1, (1,))]
#: n_x, the layers' n_a, m, T_x.
STACKS = [(3, (2, 4), 3, 5), (2, (3, 3, 2), 1, 4), (4, (5,), 2, 3), (1, (1, 1), 1, 1)]


def layer(rng, n_x, n_a):
    return {"Wax": rng.normal(size=(n_a, n_x)), "Waa": rng.normal(size=(n_a, n_a)), "ba": rng.normal(size=(n_a, 1))}


def both_inputs(n_x, n_a, T_x, lengths):
    rng = np.random.default_rng(1)
    mask = (np.arange(T_x) < np.array(lengths)[:, None]) * 1.0
    p = {"right": layer(rng, n_x, n_a), "left": layer(rng, n_x, n_a)}
    p |= {"Wya": rng.normal(size=(2, 2 * n_a)), "by": rng.normal(size=(2, 1))}
    return rng.normal(size=(n_x, len(lengths), T_x)) * mask, mask, p


def deep_inputs(n_x, sizes, m, T_x):
    rng = np.random.default_rng(2)
    layers = [layer(rng, n, n_a) for n, n_a in zip((n_x, *sizes), sizes, strict=False)]
    p = {"layers": layers, "Wya": rng.normal(size=(3, sizes[-1])), "by": rng.normal(size=(3, 1))}
    return rng.normal(size=(n_x, m, T_x)), p


# --- the formulas -----------------------------------------------------------------------------------------------------


def walk(columns, p):
    """Return the states of a layer over a list of columns (n_x, 1), in autograd's NumPy."""
    a, states = np.zeros((len(p["ba"]), 1)), []
    for x in columns:
        a = anp.tanh(anp.dot(p["Waa"], a) + anp.dot(p["Wax"], x) + p["ba"])
        states.append(a)
    return states


def both_states(x, mask, p):
    """Return the stacked states, one example at a time and without any padding: another way than the catalogue's."""
    examples = []
    for i in range(x.shape[1]):
        T = int(mask[i].sum())
        columns = [x[:, i, t : t + 1] for t in range(T)]
        right, left = walk(columns, p["right"]), walk(columns[::-1], p["left"])[::-1]
        steps = [anp.concatenate([r, w]) for r, w in zip(right, left, strict=True)]
        steps += [np.zeros(steps[0].shape)] * (x.shape[2] - T)
        examples.append(anp.concatenate(steps, axis=1))
    return anp.stack(examples, axis=1)


def deep_states(x, p):
    """Return the states of the top layer, all layers at one step and then the next step."""
    examples = []
    for i in range(x.shape[1]):
        columns = [x[:, i, t : t + 1] for t in range(x.shape[2])]
        for one in p["layers"]:
            columns = walk(columns, one)
        examples.append(anp.concatenate(columns, axis=1))
    return anp.stack(examples, axis=1)


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


@pytest.mark.parametrize("sizes", SIZES)
def test_reversing_twice_gives_back_and_the_last_word_comes_first(sizes):
    x, mask, _ = both_inputs(*sizes)
    turned = REVERSE(x, mask)
    np.testing.assert_array_equal(REVERSE(turned, mask), x)
    for i, T in enumerate(sizes[3]):
        np.testing.assert_array_equal(turned[:, i, 0], x[:, i, T - 1])
        assert np.all(turned[:, i, T:] == 0)


@pytest.mark.parametrize("sizes", SIZES)
def test_brnn_forward_matches_another_implementation(sizes):
    x, mask, p = both_inputs(*sizes)
    a, y_pred, _ = BOTH(x, mask, p)
    np.testing.assert_allclose(a, both_states(x, mask, p), atol=1e-12)
    scores = np.einsum("ya,amt->ymt", p["Wya"], a) + p["by"][:, :, None]
    np.testing.assert_allclose(y_pred, softmax(scores, axis=0))


@pytest.mark.parametrize("sizes", SIZES)
def test_brnn_backward_matches_autograd_and_numerical_gradient(sizes):
    x, mask, p = both_inputs(*sizes)
    a, _, caches = BOTH(x, mask, p)
    C = np.random.default_rng(3).normal(size=a.shape)  # at padding, too
    ours = BOTH_BACK(C, caches)
    theirs = autograd.grad(lambda args: anp.sum(C * both_states(args[0], mask, args[1])))((x, p))
    np.testing.assert_allclose(ours["dx"], theirs[0], atol=1e-11)

    def cost():
        return np.sum(C * BOTH(x, mask, p)[0])

    assert close(ours["dx"], central(cost, x))
    for way in ("right", "left"):
        for name in ("Wax", "Waa", "ba"):
            found = ours[way][f"d{name}"]
            np.testing.assert_allclose(found, theirs[1][way][name], atol=1e-11)
            if np.any(found):  # with T = 1, Waa is never used
                assert close(found, central(cost, p[way][name]))


@pytest.mark.parametrize("sizes", STACKS)
def test_deep_rnn_forward_matches_another_implementation(sizes):
    x, p = deep_inputs(*sizes)
    a, y_pred, caches = DEEP(x, p)
    np.testing.assert_allclose(a, deep_states(x, p), atol=1e-12)
    np.testing.assert_allclose(y_pred.sum(axis=0), 1)
    assert len(caches) == len(sizes[1])


@pytest.mark.parametrize("sizes", STACKS)
def test_deep_rnn_backward_matches_autograd_and_numerical_gradient(sizes):
    x, p = deep_inputs(*sizes)
    a, _, caches = DEEP(x, p)
    C = np.random.default_rng(3).normal(size=a.shape)
    ours = DEEP_BACK(C, caches)
    theirs = autograd.grad(lambda args: anp.sum(C * deep_states(*args)))((x, p))
    np.testing.assert_allclose(ours["dx"], theirs[0], atol=1e-11)

    def cost():
        return np.sum(C * DEEP(x, p)[0])

    assert close(ours["dx"], central(cost, x))
    for level in range(len(sizes[1])):
        for name in ("Wax", "Waa", "ba"):
            found = ours["layers"][level][f"d{name}"]
            np.testing.assert_allclose(found, theirs[1]["layers"][level][name], atol=1e-11)
            if np.any(found):
                assert close(found, central(cost, p["layers"][level][name]))


def test_padding_adds_nothing():
    """A padded batch gives the gradients of its sequences alone, in both kinds of network."""
    x, mask, p = both_inputs(3, 4, 6, (6, 2, 1))
    C = np.random.default_rng(4).normal(size=(8, 3, 6))
    together = BOTH_BACK(C, BOTH(x, mask, p)[2])
    apart = []
    for i, T in enumerate((6, 2, 1)):
        alone = BOTH(x[:, [i], :T], np.ones((1, T)), p)
        apart.append(BOTH_BACK(C[:, [i], :T], alone[2]))
        np.testing.assert_allclose(together["dx"][:, [i], :T], apart[-1]["dx"], atol=1e-12)
    for way in ("right", "left"):
        for name, dV in together[way].items():
            np.testing.assert_allclose(dV, sum(part[way][name] for part in apart), atol=1e-12)
    assert np.all(together["dx"] * (1 - mask) == 0)
    stack = {
        "layers": [p["right"], layer(np.random.default_rng(5), 4, 2)],
        "Wya": np.ones((2, 2)),
        "by": np.ones((2, 1)),
    }
    da = C[:2] * mask
    found = DEEP_BACK(da, DEEP(x, stack)[2])
    apart = [DEEP_BACK(da[:, [i], :T], DEEP(x[:, [i], :T], stack)[2]) for i, T in enumerate((6, 2, 1))]
    for level in range(2):
        for name, dV in found["layers"][level].items():
            np.testing.assert_allclose(dV, sum(part["layers"][level][name] for part in apart), atol=1e-12)


def test_numbers_by_hand():
    one = {"Wax": np.ones((1, 1)), "Waa": np.full((1, 1), 0.5), "ba": np.zeros((1, 1))}
    x, output = np.array([[[0.0, 1]]]), {"Wya": np.ones((2, 2)), "by": np.zeros((2, 1))}
    a, _, caches = BOTH(x, np.ones((1, 2)), {"right": one, "left": one, **output})
    assert np.round(a[:, 0], 4).tolist() == [[0, 0.7616], [0.3634, 0.7616]]
    dx = BOTH_BACK(np.array([[[0.0, 0]], [[1, 0]]]), caches)["dx"]
    assert np.round(dx[0, 0], 4).tolist() == [0.8679, 0.1823]
    assert np.round([0.5 * (1 - a[1, 0, 0] ** 2), 1 - np.tanh(np.tanh(1)) ** 2], 4).tolist() == [
        0.434,
        0.5878,
    ]  # 0.4340
    deep = {"layers": [one, one], "Wya": np.ones((2, 1)), "by": np.zeros((2, 1))}
    assert np.round(DEEP(x, deep)[0][0, 0], 4).tolist() == [0, 0.642]
    found = DEEP_BACK(np.ones((1, 1, 1)), DEEP(np.ones((1, 1, 1)), deep)[2])
    assert found["dx"].item() == pytest.approx(0.2469, abs=5e-5)
    shifted = one | {"ba": np.full((1, 1), 0.5)}
    true = lesson.layer_forward(x[:, :, ::-1], shifted)[0][0, 0, ::-1]
    padded = np.concatenate([np.zeros((1, 1, 3)), x[:, :, ::-1]], axis=2)
    wrong = lesson.layer_forward(padded, shifted)[0][0, 0, :-3:-1]
    assert np.round([*true, *wrong], 4).tolist() == [0.7409, 0.9051, 0.751, 0.9503]


@pytest.mark.parametrize("q", [0.5, 0.2])
def test_the_best_answer_is_the_share_of_names(q):
    p = np.linspace(0.01, 0.99, 99)
    costs = -q * np.log(p) - (1 - q) * np.log(1 - p)
    assert p[np.argmin(costs)] == pytest.approx(q)
    assert q != 0.5 or round(costs.min(), 3) == 0.693


def test_the_equation_of_the_notes():
    x, p = deep_inputs(4, (3, 5), 1, 3)
    a2, _, caches = DEEP(x, p)
    Wa = np.hstack([p["layers"][1]["Waa"], p["layers"][1]["Wax"]])
    stacked = np.concatenate([a2[:, :, 1], caches[0][0][:, :, 2]])
    np.testing.assert_allclose(np.tanh(Wa @ stacked + p["layers"][1]["ba"]), a2[:, :, 2], atol=1e-14)


@pytest.mark.parametrize("kind", ["right", "deep", "both"])
def test_the_fast_layers_are_the_same_networks(kind):
    x, mask, _ = both_inputs(3, 2, 5, (5, 3, 1, 4))
    network = fast_rnn.Network(lesson.KINDS[kind](3, np.random.default_rng(0)), 2, np.random.default_rng(1))
    scores = network.forward(x, mask)
    p = lesson.as_parameters(network)
    y_pred = BOTH(x, mask, p)[1] if kind == "both" else DEEP(x, p)[1]
    np.testing.assert_allclose(y_pred[:, mask > 0], softmax(scores, axis=0)[:, mask > 0], atol=1e-5)


def test_bidirectional_layers_can_be_stacked():
    x, mask, _ = both_inputs(3, 2, 5, (5, 3, 1, 4))
    network = fast_rnn.Network(lesson.KINDS["deep, both"](3, np.random.default_rng(0)), 2, np.random.default_rng(1))
    scores, p = network.forward(x, mask), lesson.as_parameters(network)
    for one in p["layers"]:
        x, y_pred, _ = BOTH(x, mask, {**one, "Wya": p["Wya"], "by": p["by"]})
    np.testing.assert_allclose(y_pred[:, mask > 0], softmax(scores, axis=0)[:, mask > 0], atol=1e-5)


def test_f1_of_single_words_is_that_of_scikit_learn():
    """Where no two 1s are neighbours, names are words; then F1 must be the usual one."""
    rng = np.random.default_rng(6)
    y, y_hat = (np.zeros((30, 9), dtype=int) for _ in range(2))
    y[:, ::2], y_hat[:, ::2] = rng.integers(0, 2, (30, 5)), rng.integers(0, 2, (30, 5))
    mask = (np.arange(9) < rng.integers(1, 10, (30, 1))) * 1.0
    real = mask > 0
    assert F1(y, y_hat, mask) == pytest.approx(f1_score(y[real], y_hat[real]))


def test_f1_of_the_notes_sentence():
    y, mask = np.array([[1, 1, 0, 0, 0]]), np.ones((1, 5))
    assert FIND(y[0]) == [(0, 2)]
    half = np.array([[1, 0, 0, 0, 0]])
    assert accuracy_score(y[0], half[0]) == 0.8
    assert F1(y, half, mask) == 0
    assert F1(y, np.array([[1, 1, 0, 0, 1]]), mask) == pytest.approx(2 / 3)


# --- what the lesson says ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sentences():
    words = data.glove(60000)
    vectors = dict(zip(words.words, words.E.T, strict=True))
    names = lesson.split_names(data.names(), vectors, np.random.default_rng(0))
    rng = np.random.default_rng(1)
    learned = lesson.make_sentences(*names["train"], rng, 4000, "train")
    unseen = lesson.make_sentences(*names["test"], rng, 1000, "test")
    return vectors, names, learned, unseen


@pytest.fixture(scope="module")
def arrays(sentences):
    """x, y and mask of the sentences to learn from, and of the first 400 unseen ones."""
    vectors, _, learned, unseen = sentences
    few = lesson.Sentences(unseen.words[:400], unseen.labels[:400])
    return *lesson.as_arrays(learned, vectors), *lesson.as_arrays(few, vectors)


def test_held_out_names_are_in_no_training_sentence(sentences):
    vectors, names, learned, unseen = sentences
    seen = {word for words in learned.words for word in words}
    held_out = set(names["test"][0]) | set(names["test"][1]) | {"harry", "potter", "teddy", "roosevelt"}
    assert not seen & (held_out | set(lesson.TRADES["test"]))
    assert [len(part) for part in names["test"]] == [130, 204]
    assert [len(part) for part in names["train"]] == [506, 768]
    in_names = {w for words, labels in zip(*unseen, strict=True) for w, y in zip(words, labels, strict=True) if y}
    assert in_names <= held_out | set(lesson.TRADES["test"])
    assert all(word in vectors for words in (*learned.words, *unseen.words) for word in words)
    other = lesson.other_sentences()
    assert len(other.words) == 16
    assert sum(len(FIND(labels)) for labels in other.labels) == 10


@pytest.fixture(scope="module")
def taggers(sentences):
    vectors, _, learned, _ = sentences
    x, y, mask = lesson.as_arrays(learned, vectors)
    found = {
        kind: lesson.train_tagger(kind, x, y, mask, np.random.default_rng(0)) for kind in ("right", "deep", "both")
    }
    turned, y_turned = REVERSE(x, mask), REVERSE(y[None], mask)[0]
    found["left"] = lesson.train_tagger("right", turned, y_turned, mask, np.random.default_rng(0))
    return found


def test_scores_of_the_taggers(sentences, taggers):
    vectors, _, learned, unseen = sentences
    x, y, mask = lesson.as_arrays(unseen, vectors)
    assert y[mask > 0].mean() == pytest.approx(0.15, abs=0.01)
    assert F1(y, np.zeros_like(y), mask) == 0
    x_train, y_train, mask_train = lesson.as_arrays(learned, vectors)
    alone = LogisticRegression(max_iter=1000).fit(x_train[:, mask_train > 0].T, y_train[mask_train > 0])
    answers = alone.predict(x.reshape(50, -1).T).reshape(y.shape)
    assert F1(y, answers, mask) == pytest.approx(0.57, abs=0.05)
    assert (answers == y)[mask > 0].mean() == pytest.approx(0.93, abs=0.01)
    window, new = lesson.with_neighbours(x_train), lesson.with_neighbours(x)
    three = LogisticRegression(max_iter=1000).fit(window[:, mask_train > 0].T, y_train[mask_train > 0])
    three_words = F1(y, three.predict(new.reshape(len(new), -1).T).reshape(y.shape), mask)
    assert three_words == pytest.approx(0.92, abs=0.01)
    found = {kind: lesson.tag(taggers[kind], x, mask) for kind in ("right", "deep", "both")}
    found["left"] = REVERSE(lesson.tag(taggers["left"], REVERSE(x, mask), mask)[None], mask)[0]
    f1 = {kind: F1(y, answers, mask) for kind, answers in found.items()}
    assert 0.7 < f1["right"] < 0.9
    assert 0.7 < f1["deep"] < 0.9
    assert 0.8 < f1["left"] < 0.91
    assert f1["both"] > 0.98 > three_words > max(f1["right"], f1["deep"], f1["left"])
    for kind in ("right", "deep"):
        assert (found[kind] == y)[mask > 0].mean() == pytest.approx(0.97, abs=0.01)
    # Where the errors are: about nine of ten.
    for kind, group in (("right", 0), ("deep", 0), ("left", 1)):
        counts = [
            int(part.split(": ")[1]) for part in lesson.where_wrong(unseen, found[kind]).split(", ") if ": " in part
        ]
        assert sum(counts) == np.sum((found[kind] != y) * mask)
        assert counts[group] > 0.8 * sum(counts)


def test_both_directions_tell_the_teddys_apart(sentences, taggers):
    vectors = sentences[0]
    trained = {kind: lesson.as_parameters(taggers[kind]) for kind in ("right", "deep", "both")}
    bears, roosevelt, harry, the_potter, mr_potter = (sentence.split() for sentence in lesson.SENTENCES)
    for kind, p in trained.items():
        one, two = (lesson.seen(FUNCTIONS, p, vectors, words, 2) for words in (bears, roosevelt))
        if kind == "both":
            assert one[0][2] < 0.2
            assert two[0][2] > 0.8
            assert np.all(two[1] > 0)
        else:
            np.testing.assert_array_equal(one[0][:3], two[0][:3])
            assert np.all(two[1][3:] == 0)
            assert np.all(two[1][:3] > 0)
        assert lesson.seen(FUNCTIONS, p, vectors, the_potter, 1)[0][1] < 0.5
        assert lesson.seen(FUNCTIONS, p, vectors, mr_potter, 1)[0][1] > 0.5
    tags = lesson.seen(FUNCTIONS, trained["both"], vectors, harry, 0)[0] > 0.5
    assert tags.tolist() == [True, True, False, False, False]


def test_words_of_a_window():
    x, mask, _ = both_inputs(3, 2, 5, (5, 3, 1, 4))
    window = lesson.with_neighbours(x)
    assert window.shape == (9, 4, 5)
    for t in range(5):
        np.testing.assert_array_equal(window[:3, :, t], x[:, :, t - 1] if t else np.zeros((3, 4)))
        np.testing.assert_array_equal(window[3:6, :, t], x[:, :, t])
        np.testing.assert_array_equal(window[6:, :, t], x[:, :, t + 1] if t < 4 else np.zeros((3, 4)))


def test_each_array_is_paired_with_its_gradient():
    x, mask, p = both_inputs(3, 2, 5, (5, 3, 1, 4))
    a, _, caches = BOTH(x, mask, p)
    gradients = BOTH_BACK(np.ones(a.shape), caches) | {"dWya": p["Wya"] + 1, "dby": p["by"] + 1}
    pairs = lesson.pairs_of(p, gradients)
    assert len(pairs) == 8
    assert all(V.shape == dV.shape for V, dV in pairs)
    assert any(V is p["left"]["Waa"] and dV is gradients["left"]["dWaa"] for V, dV in pairs)
    assert (
        sum(V.size for V, _ in lesson.pairs_of(lesson.new_both(50, 16, np.random.default_rng(0)), _same_names(p)))
        == 2210
    )


def _same_names(p):
    """Return a dict with an entry for the gradient of each array of a dict of parameters."""
    return {
        name if isinstance(V, dict) else f"d{name}": _same_names(V) if isinstance(V, dict) else V
        for name, V in p.items()
    }


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("which", range(len(lesson.FAULTS)))
def test_a_sick_run_looks_as_its_fault_says(arrays, which, seed):
    functions = tuple(exercise.reference for exercise in (BOTH, BOTH_BACK, F1))
    run = lesson.sick_run(np.random.default_rng(seed), functions, arrays, which=which)
    plt.close(run.figure)
    number = r"([\d.]+(?:e[-+]\d+)?)"
    pattern = f"training are (.*); one .* costs {number}\\. .* F1 is {number} and {number} of .* moved by {number}, .* by {number}\\."
    costs, *others = re.search(pattern, run.words).groups()
    costs = [float(cost) for cost in costs.split(", ")]
    constant, f1, share, right, left = (float(other) for other in others)
    looks = (
        max(costs) > constant and min(right, left) > 50,
        min(costs) > constant and max(right, left) < 0.2,
        costs[-1] < 0.2 and f1 < 0.3 and share > 0.5 and left > 0.5,
        costs[-1] < 0.2 and left == 0 < right and 0.6 < f1 < 0.97,
    )
    assert [bool(look) for look in looks] == [number == which for number in range(4)], run.words


# --- the picture ------------------------------------------------------------------------------------------------------


@pytest.fixture
def networks(sentences, taggers):
    return {kind: lesson.as_parameters(taggers[kind]) for kind in ("right", "deep", "both")}


@pytest.fixture
def picture(sentences, networks):
    return lesson.who_sees_what(FUNCTIONS, networks, sentences[0])


def test_picture_answers_within_a_tenth_of_a_second(picture, record_property):
    seconds = []
    for network in ("both", "right", "deep"):
        for sentence in lesson.SENTENCES[::-1]:
            for name, value in (("network", network), ("sentence", sentence), ("word", len(seconds) % 4 + 1)):
                start = time.process_time()
                picture.controls[name].value = value
                seconds.append(time.process_time() - start)
    record_property("picture of lesson 5.5, median time to answer", f"{1000 * statistics.median(seconds):.0f} ms")
    assert statistics.median(seconds) < machine.seconds(0.1)


def test_picture_follows_its_controls(picture):
    seen = [picture._image.value]
    for name, value in (("word", 4), ("network", "both"), ("sentence", lesson.SENTENCES[1]), ("word", 8)):
        picture.controls[name].value = value
        assert picture._image.value not in seen
        seen.append(picture._image.value)


def test_picture_says_what_it_shows(picture):
    assert "Network “right”: “teddy” is a name with probability" in picture._caption.value
    assert "It cannot see “bears are on sale”." in picture._caption.value
    picture.controls["network"].value = "deep"
    assert "It cannot see “bears are on sale”." in picture._caption.value
    picture.controls["network"].value = "both"
    assert "It depends on every word of the sentence." in picture._caption.value
    picture.controls["word"].value = 8  # behind the end: the last word is taken
    assert "“sale” is a name" in picture._caption.value


def test_picture_derivatives_match_numerical_ones(sentences, networks):
    vectors, words = sentences[0], lesson.SENTENCES[2].split()
    for kind, p in networks.items():
        sizes = lesson.seen(FUNCTIONS, p, vectors, words, 1)[1]
        x = np.stack([vectors[word] for word in words], axis=1)[:, None, :]

        def cost(x=x, p=p, kind=kind):
            return (BOTH(x, np.ones((1, 5)), p) if kind == "both" else DEEP(x, p))[1][1, 0, 1]

        numerical = np.linalg.norm(central(cost, x)[:, 0], axis=0)
        np.testing.assert_allclose(sizes, numerical, rtol=1e-4, atol=1e-9)


def test_picture_has_a_static_twin(picture):
    image = Image.open(io.BytesIO(base64.b64decode(picture._repr_mimebundle_()["image/png"])))
    assert image.size == (720, 340)
