"""Lesson 5.1, recurrent networks: the formulas against independent code, the lesson's numbers, and its picture."""

import base64
import io
import re
import statistics
import time

import autograd.numpy as anp
import machine
import numpy as np
import pytest
from autograd import grad
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.preprocessing import OneHotEncoder

from helpers import data, exercises
from helpers.widgets import fast_rnn
from helpers.widgets import recurrent_networks as pictures

LESSON = exercises.load("recurrent_networks").exercises
ONE_HOT, PAD, CELL, STACK, FORWARD, LOSS, LAST, TYPE = (
    LESSON[name].reference
    for name in (
        "one_hot_sequence", "pad_sequences", "rnn_cell_forward", "stack_recurrent_weights", "rnn_forward",
        "sequence_loss", "last_outputs", "rnn_type",
    )
)  # fmt: skip


def some_parameters(n_x, n_a, n_y, seed=0):
    rng = np.random.default_rng(seed)
    shapes = {"Wax": (n_a, n_x), "Waa": (n_a, n_a), "Wya": (n_y, n_a), "ba": (n_a, 1), "by": (n_y, 1)}
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


# --- the formulas -----------------------------------------------------------------------------------------------------


def test_one_hot_matches_scikit_learn():
    vocabulary = ["<unk>", "a", "harry", "invented", "potter", "spell"]
    words = ["harry", "brewed", "a", "potter", "a"]
    known = [word if word in vocabulary else "<unk>" for word in words]
    encoder = OneHotEncoder(categories=[vocabulary], sparse_output=False)
    np.testing.assert_array_equal(ONE_HOT(words, vocabulary), encoder.fit_transform(np.array(known)[:, None]).T)


def test_numbers_of_the_notes_and_of_the_real_vocabulary():
    notes = [f"word {j}" for j in range(1, 10001)] + ["<unk>"]
    notes[3674], notes[6799] = "harry", "potter"
    x = ONE_HOT(["harry", "potter", "hagrid"], notes)
    assert (x.argmax(axis=0) + 1).tolist() == [3675, 6800, 10001]
    words = sorted(word for word in data.glove().words if word.isascii() and word.isalpha())
    x = ONE_HOT(["harry", "potter", "hagrid"], [*words, "<unk>"])
    assert x.shape == (9442, 3)
    assert (x.argmax(axis=0) + 1).tolist() == [3858, 6396, 9442]


def test_a_matrix_picks_the_column_of_a_word():
    W = np.random.default_rng(0).normal(size=(3, 5))
    for k in range(5):
        np.testing.assert_array_equal(W @ np.eye(5)[:, [k]], W[:, [k]])


def test_padded_sequences_come_back():
    rng = np.random.default_rng(1)
    sequences = [rng.normal(size=(3, T)) for T in (4, 1, 6, 2)]
    x, mask = PAD(sequences)
    assert x.shape == (3, 4, 6)
    for i, sequence in enumerate(sequences):
        np.testing.assert_array_equal(x[:, i, mask[i] == 1], sequence)
    assert np.all(x[:, mask == 0] == 0)


def test_the_steps_of_the_lesson_by_hand():
    """Equation (1.6)."""
    a = 0.0
    for x, expected in ((1, 0.7616), (0, 0.3634), (0, 0.1797)):
        a = np.tanh(0.5 * a + x)
        assert a == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize(("m", "T"), [(4, 6), (1, 5), (3, 1), (1, 1)])
def test_forward_entry_by_entry(m, T):
    """Equations (1.7), (1.9) and (1.12) as loops over units, examples and steps."""
    p, rng = some_parameters(3, 4, 2), np.random.default_rng(2)
    x, a0 = rng.normal(size=(3, m, T)), rng.normal(size=(4, m))
    a, y_pred, (caches, kept) = FORWARD(x, a0, p)
    assert kept is x
    for i in range(m):
        state = a0[:, i]
        for t in range(T):
            before = state
            state = np.array(
                [np.tanh(sum(p["Waa"][j] * before) + sum(p["Wax"][j] * x[:, i, t]) + p["ba"][j, 0]) for j in range(4)]
            )
            powers = np.exp([sum(p["Wya"][c] * state) + p["by"][c, 0] for c in range(2)])
            np.testing.assert_allclose(a[:, i, t], state)
            np.testing.assert_allclose(y_pred[:, i, t], powers / sum(powers))
            np.testing.assert_allclose(caches[t][1][:, i], before)
    np.testing.assert_allclose(y_pred.sum(axis=0), 1)


def test_forward_matches_the_fast_layers():
    rng = np.random.default_rng(3)
    network = fast_rnn.Network([fast_rnn.RNN(3, 5, rng, dtype=float)], 2, rng)
    x = rng.normal(size=(3, 4, 7))
    _, y_pred, _ = FORWARD(x, np.zeros((5, 4)), pictures.as_parameters(network))
    scores = network.forward(x)
    np.testing.assert_allclose(y_pred[1], 1 / (1 + np.exp(scores[0] - scores[1])))  # (1.13), too


def test_the_last_real_state_does_not_see_the_padding():
    rng = np.random.default_rng(4)
    p, sequences = some_parameters(3, 4, 2), [rng.normal(size=(3, T)) for T in (5, 1, 3)]
    x, mask = PAD(sequences)
    together = LAST(FORWARD(x, np.zeros((4, 3)), p)[1], mask)
    for i, sequence in enumerate(sequences):
        alone = FORWARD(sequence[:, None], np.zeros((4, 1)), p)[1][:, 0, -1]
        np.testing.assert_allclose(together[:, i], alone)


def test_stacked_weights_equal_two_products_in_one_order_alone():
    p, rng = some_parameters(3, 4, 2), np.random.default_rng(5)
    a, x = rng.normal(size=(4, 5)), rng.normal(size=(3, 5))
    Wa, two = STACK(p["Waa"], p["Wax"]), p["Waa"] @ a + p["Wax"] @ x
    np.testing.assert_allclose(Wa @ np.vstack([a, x]), two)
    assert not np.allclose(Wa @ np.vstack([x, a]), two)


def test_loss_matches_scikit_learn():
    rng = np.random.default_rng(6)
    y_hat, y = rng.uniform(0.02, 0.98, (4, 6)), rng.integers(0, 2, (4, 6))
    mask = (np.arange(6) < np.array([[6], [1], [4], [3]])) * 1
    real = mask == 1
    expected = log_loss(y[real], y_hat[real], normalize=False) / 4
    assert LOSS(y_hat, y, mask) == pytest.approx(expected)


def test_derivative_of_the_loss_says_why_the_factor_is_the_label():
    """With (1 - y) the loss falls with a better answer everywhere; the slip of the notes has its lowest values at both ends."""

    def right(y_hat, y):
        return -y * anp.log(y_hat) - (1 - y) * anp.log(1 - y_hat)

    def notes(y_hat, y):
        return -y * anp.log(y_hat) - (1 - y_hat) * anp.log(1 - y_hat)

    answers = np.linspace(0.01, 0.99, 99)
    assert all(grad(right)(y_hat, 0.0) > 0 > grad(right)(y_hat, 1.0) for y_hat in answers)
    assert grad(notes)(0.9, 0.0) < 0 < grad(notes)(0.1, 0.0)
    table = [(round(float(notes(h, 0)), 3), round(float(right(h, 0)), 3)) for h in (0.001, 0.1, 0.5, 0.9, 0.999)]
    assert table == [(0.001, 0.001), (0.095, 0.105), (0.347, 0.693), (0.23, 2.303), (0.007, 6.908)]


def test_rnn_type_on_the_situations_of_the_lesson():
    assert TYPE([3, 1, 40], [1, 1, 1], False) == "many to one"
    assert TYPE([5, 1, 9], [5, 1, 9], True) == "many to many, T_x = T_y"
    assert TYPE([3, 8], [3, 6], False) == TYPE([3], [3], False) == "many to many"
    assert TYPE([1, 1], [30, 24], False) == "one to many"
    assert TYPE([1, 1], [1, 1], True) == "one to one"
    assert set(pictures.TYPES) == {
        "one to one",
        "one to many",
        "many to one",
        "many to many, T_x = T_y",
        "many to many",
    }


# --- the lesson's measurements ----------------------------------------------------------------------------------------


def test_how_long_one_unit_remembers():
    def states(waa):
        a, found = 0.0, []
        for t in range(15):
            a = np.tanh(waa * a + (t == 0))
            found.append(a)
        return found

    assert states(0.5)[6] < 0.02
    assert 0.25 < states(1.0)[-1] < 0.35
    assert states(2.0)[-1] == pytest.approx(0.9575, abs=1e-4)
    assert states(2.0)[4] > 0.95


def test_counts_of_parameters():
    assert [100 * T * 10000 + 100 for T in (5, 50)] == [5_000_100, 50_000_100]
    assert 100 * 100 + 100 * 10000 + 100 == 1_010_100
    layer = fast_rnn.RNN(30, 7, np.random.default_rng(0))
    assert sum(V.size for V in layer.parameters.values()) == 7 * 7 + 7 * 30 + 7


@pytest.mark.parametrize("name", pictures.TYPES)
@pytest.mark.parametrize("seed", [0, 1])
def test_five_small_networks_are_right_on_nine_of_ten(name, seed):
    trained = pictures.train_type(name, np.random.default_rng(seed))
    _, y_pred, _ = FORWARD(trained.x, np.zeros((32, 500)), trained.parameters)
    right = np.all((y_pred.argmax(axis=0) == trained.y) | (trained.counted == 0), axis=1)
    assert right.mean() > 0.9
    inputs = np.array(pictures.TYPES[name][0])
    assert np.all(trained.x.sum(axis=0) == inputs), "a step without an input is a column of zeros"
    for digits, y in zip(trained.digits.tolist(), trained.y.tolist(), strict=True):
        assert (
            y[-1]
            == {
                "one to one": (digits[0] + 1) % 6,
                "one to many": max(0, digits[0] - 5),
                "many to one": max(digits),
                "many to many, T_x = T_y": digits[-1] in digits[:-1],
                "many to many": digits[0],
            }[name]
        )


class Reviews:
    """The lesson's data and a trained network, with the references in place of the learner's functions."""

    def __init__(self):
        self.valences, (words, self.E) = data.sentiment_words(), data.glove(20000)
        self.column = {word: j for j, word in enumerate(words)}
        self.describing = pictures.describing_words(self.valences, words)
        order = np.random.default_rng(0).permutation(len(self.describing))
        cut = len(order) // 4
        self.held_out, self.known = ([self.describing[j] for j in part] for part in (order[:cut], order[cut:]))
        self.train = pictures.make_sentences(self.known, self.valences, np.random.default_rng(1))
        self.unseen = pictures.make_sentences(self.held_out, self.valences, np.random.default_rng(2))
        self.x, self.mask = self.arrays(self.train.sentences)
        self.x_unseen, self.mask_unseen = self.arrays(self.unseen.sentences)
        self.readers = [self.trained(seed) for seed in (3, 4, 5, 6, 7)]

    def trained(self, seed):
        return pictures.train_reader(self.x, self.mask, self.train.y, np.random.default_rng(seed))[0]

    def vectors(self, words):
        return np.stack([self.E[:, self.column[word]] for word in words], axis=1)

    def arrays(self, sentences):
        return PAD([self.vectors(sentence) for sentence in sentences])

    def run(self, x, reader):
        return FORWARD(x, np.zeros((16, x.shape[1])), reader)

    def polarity(self, words):
        return np.array([self.valences[word] > 0 for word in words])


@pytest.fixture(scope="module")
def reviews():
    return Reviews()


def test_words_are_clear_and_none_is_in_both_sets(reviews):
    assert (len(reviews.describing), len(reviews.known), len(reviews.held_out)) == (441, 331, 110)
    assert all(abs(reviews.valences[word]) >= 1.5 for word in reviews.describing)
    in_training = {word for sentence in reviews.train.sentences for word in sentence}
    assert not in_training & set(reviews.held_out)
    assert "abused" not in reviews.describing
    for word in (
        "excellent",
        "horrible",
        "beautiful",
        "brutal",
        "delicious",
        "problematic",
        "fascinating",
        "offensive",
    ):
        assert word in reviews.held_out


def test_labels_of_sentences_follow_word_and_pattern(reviews):
    plain = {pair[0].format(w="{w}", n=noun) for pair in pictures.PATTERNS for noun in pictures.NOUNS}
    for sentence, label, negated in zip(*reviews.train, strict=True):
        (word,) = [word for word in sentence if word in reviews.known]
        assert (" ".join(sentence).replace(word, "{w}") in plain) != negated
        assert label == ((reviews.valences[word] > 0) != negated)
    assert reviews.train.negated.mean() == 0.5
    assert reviews.train.y.mean() == 0.5


def test_yardsticks_of_the_lesson(reviews):
    bag = LogisticRegression(max_iter=5000)
    bag.fit((reviews.x.sum(axis=2) / reviews.mask.sum(axis=1)).T, reviews.train.y)
    means = (reviews.x_unseen.sum(axis=2) / reviews.mask_unseen.sum(axis=1)).T
    assert bag.score(means, reviews.unseen.y) == pytest.approx(0.53, abs=0.005)
    alone = LogisticRegression(C=0.1, max_iter=5000)
    alone.fit(reviews.vectors(reviews.known).T, reviews.polarity(reviews.known))
    score = alone.score(reviews.vectors(reviews.held_out).T, reviews.polarity(reviews.held_out))
    assert score == pytest.approx(0.95, abs=0.005)


def test_vectors_know_less_of_all_words(reviews):
    """Word alone reaches about 88 % with all words of the lexicon that have a vector here."""
    words = [word for word in reviews.valences if word in reviews.column and reviews.valences[word] != 0]
    scores = []
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(len(words))
        parts = [[words[j] for j in part] for part in (order[: len(order) // 4], order[len(order) // 4 :])]
        (X_test, y_test), (X, y) = ((reviews.vectors(part).T, reviews.polarity(part)) for part in parts)
        scores.append(LogisticRegression(C=0.1, max_iter=5000).fit(X, y).score(X_test, y_test))
    assert np.mean(scores) == pytest.approx(0.88, abs=0.01)


def test_network_reads_new_words_but_not_at_the_padding(reviews):
    for reader in reviews.readers:
        _, y_pred, _ = reviews.run(reviews.x_unseen, reader)
        right = LAST(y_pred, reviews.mask_unseen).argmax(axis=0) == reviews.unseen.y
        negated = reviews.unseen.negated
        assert min(right.mean(), right[negated].mean(), right[~negated].mean()) > 0.9
        at_the_end = np.mean(y_pred[:, :, -1].argmax(axis=0) == reviews.unseen.y)
        assert 0.25 < 1 - at_the_end / right.mean() < 0.45, "about a third of the right answers is lost"


def test_new_patterns_are_a_matter_of_chance(reviews):
    shares = np.empty((5, len(pictures.NEW_PATTERNS)))
    for row, reader in zip(shares, reviews.readers, strict=True):
        for k, (pattern, turned) in enumerate(pictures.NEW_PATTERNS):
            x, mask = reviews.arrays([pattern.format(w=word, n="movie").split() for word in reviews.held_out])
            answers = LAST(reviews.run(x, reader)[1], mask).argmax(axis=0)
            row[k] = np.mean(answers == (reviews.polarity(reviews.held_out) != turned))
    assert shares.max() > 0.85
    assert shares.min() < 0.15
    assert np.ptp(shares, axis=0).max() > 0.5, "the same pattern, another start"


def test_not_changes_the_state_and_turns_the_answer(reviews):
    for reader in reviews.readers:
        first, second = (
            reviews.run(reviews.arrays([s.split()])[0], reader)[0] for s in ("the movie was", "the movie was not")
        )
        np.testing.assert_allclose(first[:, 0], second[:, 0, :3])
        assert np.sum(np.abs(second[:, 0, 3] - first[:, 0, 2]) > 0.5) >= 4
        answers = []
        for start in (["the", "movie", "was"], ["the", "movie", "was", "not"]):
            x, _ = reviews.arrays([[*start, word] for word in reviews.held_out])
            answers.append(reviews.run(x, reader)[1][:, :, -1].argmax(axis=0))
        assert np.mean(answers[0] != answers[1]) > 0.88


# --- the picture ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", range(len(pictures.FAULTS)))
def test_a_sick_run_looks_as_its_fault_says(reviews, which):
    for seed, reader in enumerate(reviews.readers):
        data_of_run = (reader, reviews.x_unseen, reviews.mask_unseen, reviews.unseen.y)
        run = pictures.sick_run(np.random.default_rng(seed), FORWARD, LAST, *data_of_run, which=which)
        every, longest, others, same = (int(share) / 100 for share in re.findall(r"(\d+)%", run.words))
        looks = (
            same == 1,
            longest > 0.85 and others < 0.75 and same < 1,
            max(longest, others) < 0.2,
            0.3 < every < 0.7 and longest < 0.8 and same < 0.9,
        )
        assert [bool(look) for look in looks] == [number == which for number in range(4)], run.words


def test_word_and_any_not_is_between_the_bag_and_the_network(reviews):
    """The simple rule of the page, 0.82, and the networks over five starts, each at least 0.05 better."""
    alone = LogisticRegression(C=0.1, max_iter=5000)
    alone.fit(reviews.vectors(reviews.known).T, reviews.polarity(reviews.known))
    says = dict(zip(reviews.held_out, alone.predict(reviews.vectors(reviews.held_out).T), strict=True))
    rule = []
    for sentence in reviews.unseen.sentences:
        (word,) = [word for word in sentence if word in says]
        rule.append(says[word] != bool({"not", "never", "nobody"} & set(sentence)))
    right = np.mean(np.array(rule) == reviews.unseen.y)
    assert right == pytest.approx(0.82, abs=0.005)
    for reader in reviews.readers:
        _, y_pred, _ = reviews.run(reviews.x_unseen, reader)
        assert np.mean(LAST(y_pred, reviews.mask_unseen).argmax(axis=0) == reviews.unseen.y) > right + 0.05


@pytest.fixture
def picture(reviews):
    vectors = {word: reviews.E[:, [j]] for word, j in reviews.column.items()}
    return pictures.reader(FORWARD, reviews.readers[0], vectors, ["excellent", "horrible", "beautiful"])


def test_picture_answers_within_a_tenth_of_a_second(picture, record_property):
    seconds = []
    for _, pattern in picture.controls["pattern"].options[::2]:
        for name, value in (("pattern", pattern), ("word", "horrible"), ("word", "excellent")):
            start = time.process_time()
            picture.controls[name].value = value
            seconds.append(time.process_time() - start)
    record_property("picture of lesson 5.1, median time to answer", f"{1000 * statistics.median(seconds):.0f} ms")
    assert statistics.median(seconds) < machine.seconds(0.1)


def test_picture_follows_its_controls(picture):
    seen = [picture._image.value]
    for name, value in (("word", "horrible"), ("pattern", "the {n} was {w}"), ("start", "at every step")):
        picture.controls[name].value = value
        assert picture._image.value not in seen
        seen.append(picture._image.value)


def test_picture_says_what_it_shows(picture):
    assert "“the movie was not excellent”: negative" in picture._caption.value
    picture.controls["pattern"].value = "the {n} was {w}"
    assert "“the movie was excellent”: positive" in picture._caption.value
    picture.controls["word"].value = "horrible"
    assert "“the movie was horrible”: negative" in picture._caption.value
    assert "The largest change comes with “" in picture._caption.value


def test_picture_forgets_when_each_step_starts_anew(picture):
    picture.controls["start"].value = "at every step"
    found = []
    for pattern in ("the {n} was {w}", "the {n} was not {w}"):
        picture.controls["pattern"].value = pattern
        found.append(picture._caption.value.split(": ")[1].split(" after the last word")[0])
    assert found[0] == found[1]


def test_picture_has_a_static_twin(picture):
    bundle = picture._repr_mimebundle_()
    image = Image.open(io.BytesIO(base64.b64decode(bundle["image/png"])))
    assert image.size == (720, 360)
    assert "application/vnd.jupyter.widget-view+json" in bundle
