"""Lesson 3.2, human-level performance: the exercises by hand, what the lesson measured, its pictures and widgets."""

import base64
import io
import itertools
import math
import re
import statistics
import time
from fractions import Fraction

import machine
import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter
from scipy.stats import beta, binom
from skimage.transform import resize
from sklearn.neighbors import KNeighborsClassifier

from helpers import data, exercises
from helpers.widgets import human_level_performance as pictures

LESSON = {name: one.reference for name, one in exercises.load("human_level_performance").exercises.items()}


# --- the exercises ----------------------------------------------------------------------------------------------------


def test_the_notes():
    """Team 0.5, one human 1, training 0.6, dev 0.8: the slip's bias of 0.5 does not add up, 0.1 does."""
    team, human, train, dev = (Fraction(n, 1000) for n in (5, 10, 6, 8))
    proxy = LESSON["bayes_proxy"]({"team of humans": team, "one human": human})
    bias, variance = LESSON["avoidable_bias"](train, proxy), LESSON["variance_gap"](train, dev)
    assert (proxy, bias, variance) == (Fraction(5, 1000), Fraction(1, 1000), Fraction(2, 1000))
    assert proxy + bias + variance == dev
    assert proxy + (human - team) + variance == Fraction(12, 1000)


@pytest.mark.parametrize(
    ("train", "bayes", "bias"),
    [(8, 2, 6), (8, 8, 0), (8, 9, "undetermined"), (8, None, "undetermined"), (0, 1, "undetermined"), (3, 0, 3)],
)
def test_avoidable_bias_by_hand(train, bayes, bias):
    assert LESSON["avoidable_bias"](train, bayes) == bias


def test_bayes_error_is_the_least_by_brute_force():
    """All 3 ** 4 classifiers of four drawings: none is below the mean of 1 - max P, (2.1) and (2.2)."""
    P = np.random.default_rng(0).dirichlet(np.ones(3), size=4)
    bayes = np.mean(1 - P.max(axis=1))
    errors = [
        np.mean([1 - P[x, c] for x, c in enumerate(answers)]) for answers in itertools.product(range(3), repeat=4)
    ]
    assert len(errors) == 81
    assert min(errors) == pytest.approx(bayes)


@pytest.mark.parametrize(("wrong", "answered"), [(0, 1), (0, 50), (3, 50), (21, 1797), (49, 50), (1, 2)])
def test_error_bound_solves_the_sum_and_is_the_limit_of_clopper_and_pearson(wrong, answered):
    e = LESSON["error_bound"](wrong, answered)
    total = sum(math.comb(answered, k) * e**k * (1 - e) ** (answered - k) for k in range(wrong + 1))
    assert total == pytest.approx(0.05, rel=1e-6)
    assert e == pytest.approx(beta.ppf(0.95, wrong + 1, answered - wrong), rel=1e-9)
    assert binom.cdf(wrong, answered, e) == pytest.approx(0.05)


def test_error_bound_where_every_error_fits():
    assert LESSON["error_bound"](4, 4) == LESSON["error_bound"](0, 0) == 1


def test_error_bounds_that_the_lesson_states():
    bound = LESSON["error_bound"]
    assert bound(0, 50) == pytest.approx(1 - 0.05 ** (1 / 50))
    assert bound(0, 50) == pytest.approx(0.058, abs=5e-4)
    assert binom.pmf(0, 50, 0.02) == pytest.approx(0.364, abs=5e-4)
    assert bound(21, 1797) == pytest.approx(0.017, abs=5e-4)
    assert bound(0, 300) < 0.01 < bound(0, 290)


def test_a_person_with_the_bound_as_error_is_that_lucky_once_in_twenty():
    wrong = np.random.default_rng(0).binomial(50, LESSON["error_bound"](2, 50), size=20000)
    assert np.mean(wrong <= 2) == pytest.approx(0.05, abs=0.006)


def test_recommend_never_depends_on_a_proxy_where_no_bias_can_reach_the_variance():
    """(2.10): the decision above any bias is the one of every proxy from 0 to the training error."""
    recommend, rng = LESSON["recommend"], np.random.default_rng(1)
    for train, dev in rng.random((200, 2)) * (0.1, 0.3):
        told = recommend(train, dev, None)
        decisions = [recommend(train, dev, bayes) for bayes in np.linspace(0, train, 7)]
        if told["more data"]:
            assert all(decision == told for decision in decisions)
        else:
            assert told == {remedy: remedy == "better proxy" for remedy in pictures.REMEDIES}
            assert decisions[0]["bigger network"], "with a Bayes error of 0 the bias would be the larger one"


@pytest.mark.parametrize(
    ("errors", "remedies"),
    [
        ((0.09, 0.11, 0.012), "bigger network, longer training, better optimizer, architecture search"),
        ((0.06, 0.08, 0.10), "better proxy"),
        ((0.0, 0.09, 0.012), "architecture search, more data, regularization"),
        ((0.006, 0.008, 0.010), "better proxy"),
        ((0.006, 0.008, 0.005), "architecture search, more data, regularization"),
    ],
)
def test_recommend_by_hand(errors, remedies):
    assert ", ".join(remedy for remedy, right in LESSON["recommend"](*errors).items() if right) == remedies
    assert tuple(LESSON["recommend"](*errors)) == pictures.REMEDIES


def test_table_and_ceiling_by_hand():
    ticks = np.array([[1, 0], [1, 1], [0, 0], [1, 0]], dtype=bool)
    assert LESSON["error_analysis_table"](ticks, ["A", "B"]) == {"A": 0.75, "B": 0.25, "no category": 0.25}
    gains = [LESSON["ceiling_gain"](ticks, columns, 0.08) for columns in ([0], [1], [0, 1], [])]
    assert gains == pytest.approx([0.06, 0.02, 0.06, 0])


def test_ceiling_is_what_is_left_after_curing_all_ticked_examples():
    rng = np.random.default_rng(2)
    wrong = rng.random(400) < 0.15
    ticks = rng.random((wrong.sum(), 3)) < 0.3
    places = np.flatnonzero(wrong)
    for columns in ([1], [0, 2], [0, 1, 2]):
        cured = wrong.copy()
        for row, place in enumerate(places):
            if any(ticks[row, j] for j in columns):
                cured[place] = False
        assert LESSON["ceiling_gain"](ticks, columns, wrong.mean()) == pytest.approx(wrong.mean() - cured.mean())


# --- the lesson's measurements ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def digits():
    return pictures.small_digits()


def test_digits_are_all_there_once(digits):
    X, Y = np.hstack([digits.X_train, digits.X_dev]), np.hstack([digits.Y_train, digits.Y_dev])
    found = data.small_digits()
    mine = sorted((*(16 * column).astype(int), label) for column, label in zip(X.T, Y[0], strict=True))
    theirs = sorted(
        (*image.ravel().astype(int), label) for image, label in zip(found.images, found.labels[0], strict=True)
    )
    assert mine == theirs
    assert digits.X_dev.shape == (64, 600)


def test_nearest_neighbour_misses_21(digits):
    found, right = pictures.nearest_labels(digits)
    assert np.sum(found != right) == 21
    X, Y = np.hstack([digits.X_train, digits.X_dev]).T, np.hstack([digits.Y_train, digits.Y_dev])[0]
    for i in range(0, 1797, 60):
        others = np.arange(1797) != i
        assert KNeighborsClassifier(1).fit(X[others], Y[others]).predict(X[i : i + 1]) == found[0, i]


def test_remedies_of_the_small_network(digits):
    """Each remedy of the bias lowers the dev error by 0.01 or more; L2 and more data hardly change it."""
    tried = pictures.try_remedies(digits, "small network")
    train, dev, *_ = tried["start"]
    assert train == pytest.approx(0.13, abs=0.02)
    assert dev == pytest.approx(0.14, abs=0.02)
    assert LESSON["recommend"](train, dev, 0.012)["bigger network"]
    gains = {remedy: dev - errors[1] for remedy, errors in tried.items()}
    assert min(gains["bigger network"], gains["longer training"], gains["architecture search"]) > 0.07
    assert 0.005 < gains["better optimizer"] < 0.08
    assert max(gains["more data"], gains["regularization"]) < 0.03
    assert gains["regularization (moved copies)"] < -0.1


def test_more_data_help_where_digits_are_few(digits):
    def dev_error(m, passes):
        X, Y = digits.X_train[:, :m], digits.Y_train[:, :m]
        fits = [pictures.train(X, Y, units=50, passes=passes, seed=seed) for seed in range(3)]
        train_error = np.mean([fit(X) != Y for fit in fits])
        return train_error, np.mean([fit(digits.X_dev) != digits.Y_dev for fit in fits])

    (train_few, few), (_, many) = dev_error(100, 200), dev_error(300, 67)
    assert train_few < 0.002
    assert few == pytest.approx(0.09, abs=0.01)
    assert many / few == pytest.approx(0.65, abs=0.1)


def test_30_ones_cure_the_ones_and_break_others(digits):
    """The dev error falls by less than half of the ceiling, 14 wrong 1s of 600."""
    rest = np.arange(100, 1197)
    ones = rest[digits.Y_train[0, rest] == 1][:30]
    counts = []
    for chosen in (rest[:0], ones):
        X, Y = (np.hstack([A[:, :100], A[:, chosen]]) for A in (digits.X_train, digits.Y_train))
        missed = [
            pictures.train(X, Y, units=50, passes=20000 // X.shape[1], seed=seed)(digits.X_dev) != digits.Y_dev
            for seed in range(3)
        ]
        is_one = digits.Y_dev == 1
        counts.append([np.mean([np.sum(one[mask]) for one in missed]) for mask in (is_one, ~is_one)])
    (ones_before, others_before), (ones_after, others_after) = counts
    assert ones_before == pytest.approx(14, abs=2)
    assert ones_after < 4
    assert others_after > others_before + 5
    assert 0 <= (ones_before + others_before - ones_after - others_after) / 600 < 0.01


def test_moved_copies_keep_the_digit_in_the_middle():
    X = np.random.default_rng(0).random((64, 3))
    moved, Y = pictures._moved(X, np.array([[1, 2, 3]]))
    images = moved.T.reshape(5, 3, 8, 8)
    original = X.T.reshape(3, 8, 8)
    np.testing.assert_array_equal(images[0], original)
    np.testing.assert_array_equal(images[1][:, 1:], original[:, :-1])  # one pixel down
    np.testing.assert_array_equal(images[4][:, :, :-1], original[:, :, 1:])  # one pixel to the left
    np.testing.assert_array_equal(Y, [[1, 2, 3] * 5])


def test_rules_tick_what_they_say(digits):
    images = pictures.as_images(digits.X_dev)
    names, ticks = pictures.ticks_by_rule(images, digits.Y_dev, images)
    assert names == ["thick", "thin", "base line", "a 1"]
    assert ticks.mean(axis=0)[:3] == pytest.approx(0.1, abs=0.02)
    assert not np.any(ticks[:, 0] & ticks[:, 1])
    np.testing.assert_array_equal(ticks[:, 3], digits.Y_dev[0] == 1)


# --- faces ------------------------------------------------------------------------------------------------------------


def busy(images):
    """Mean absolute difference of neighbouring pixels, one image after the other."""
    return np.array([(np.mean(np.abs(x[1:] - x[:-1])) + np.mean(np.abs(x[:, 1:] - x[:, :-1]))) / 2 for x in images])


@pytest.fixture(scope="module")
def faces():
    return data.faces_or_not()


def test_one_number_agrees_with_197_of_200_labels(faces):
    threshold, share = pictures.best_threshold(busy(faces.images), faces.labels)
    assert share == 0.985
    assert threshold == pytest.approx(0.049, abs=1e-4)
    answers = busy(faces.images) > 0.049
    assert np.flatnonzero(answers != faces.labels[0]).tolist() == [20, 175, 186]
    corrected = faces.labels.copy()
    corrected[0, [125, 130]] = 1
    assert np.mean(answers != corrected[0]) == 0.025
    assert np.mean(corrected != faces.labels) == 0.01


def test_44_backgrounds_and_no_face_have_a_black_border(faces):
    def black_border(image):
        return any(np.all(line < 0.004) for line in (image[0], image[-1], image[:, 0], image[:, -1]))

    assert sum(map(black_border, faces.images[100:])) == 44
    assert not any(map(black_border, faces.images[:100]))


def test_other_pictures_tell_the_shortcut(faces):
    order = np.random.default_rng(0).permutation(200)
    train, test = order[:100], order[100:]
    threshold, _ = pictures.best_threshold(busy(faces.images[train]), faces.labels[:, train])
    network = pictures.PixelNetwork(faces.images[train], faces.labels[:, train])
    wrong = [np.mean(f(faces.images[test]) != faces.labels[0, test]) for f in (lambda x: busy(x) > threshold, network)]
    assert wrong[0] == 0.02
    assert wrong[1] == pytest.approx(0.03, abs=0.011)
    tests = pictures.other_pictures(faces.images[test][faces.labels[0, test] == 1])
    shares = {
        name: (np.mean(busy(images) > threshold), np.mean(network(images))) for name, (images, _) in tests.items()
    }
    assert [right for _, right in tests.values()] == [True, True, True, False, False]
    assert shares["the faces, slightly blurred"][0] < 0.05
    assert shares["the faces, slightly blurred"][1] > 0.9
    assert shares["the faces, pixels shuffled"][0] == 1
    assert shares["the faces, pixels shuffled"][1] < 0.1
    assert shares["patches of grass"][0] > 0.9
    assert shares["patches of grass"][1] < 0.15
    assert shares["the faces, upside down"][1] < 0.5
    assert shares["40 other people"][1] < 0.5


def test_other_pictures_are_what_they_are_called(faces):
    own = faces.images[:5]
    tests = {name: images for name, (images, _) in pictures.other_pictures(own).items()}
    for image, shuffled in zip(own, tests["the faces, pixels shuffled"], strict=True):
        np.testing.assert_array_equal(np.sort(image.ravel()), np.sort(shuffled.ravel()))
    np.testing.assert_allclose(tests["the faces, slightly blurred"][2], gaussian_filter(own[2], 1))
    assert tests["patches of grass"].shape == (100, 25, 25)
    theirs = resize(data.faces()[7, 0, 10:102] / 255, (25, 25), anti_aliasing=True)
    assert np.abs(tests["40 other people"][7] - theirs).mean() < 0.02


# --- the pictures -----------------------------------------------------------------------------------------------------


@pytest.fixture
def ladder():
    return pictures.ladder(*(LESSON[name] for name in ("bayes_proxy", "avoidable_bias", "variance_gap", "recommend")))


@pytest.fixture
def one_number(faces):
    return pictures.one_number(
        faces.images, faces.labels, {"neighbours": busy, "dark": lambda x: (x < 0.1).mean((1, 2))}
    )


def test_pictures_answer_within_a_tenth_of_a_second(ladder, one_number, record_property):
    for picture, name, values in ((ladder, "dev_error", range(12)), (one_number, "threshold", range(12))):
        seconds = []
        for value in values:
            start = time.process_time()
            picture.controls[name].value = value / 12
            seconds.append(time.process_time() - start)
        record_property(f"picture of lesson 3.2, {name}", f"{1000 * statistics.median(seconds):.0f} ms")
        assert statistics.median(seconds) < machine.seconds(0.1)


def test_pictures_follow_their_controls(ladder, one_number):
    changes = (
        (ladder, (("who", "one"), ("who", "nobody"), ("train_error", 0.3), ("dev_error", 2.0), ("who", "both"),
                  ("team", 0.2), ("human", 2.0))),
        (one_number, (("measure", "dark"), ("threshold", 0.7))),
    )  # fmt: skip
    for picture, moves in changes:
        seen = [picture._image.value]
        for name, value in moves:
            picture.controls[name].value = value
            assert picture._image.value not in seen
            seen.append(picture._image.value)


def test_ladder_says_what_it_shows(ladder):
    assert "Proxy 0.5 %, avoidable bias 0.1 %, generalisation gap 0.2 %" in ladder._caption.value
    assert "Next steps: architecture search, more data, regularization." in ladder._caption.value
    ladder.controls["who"].value = "one"
    assert (
        "Proxy 1.0 %, avoidable bias undetermined, generalisation gap 0.2 %. Next steps: better proxy." in ladder._caption.value
    )
    ladder.controls["who"].value = "nobody"
    ladder.controls["dev_error"].value = 0.4
    assert "No proxy, avoidable bias undetermined, generalisation gap −0.2 %" in ladder._caption.value


def test_first_question_to_the_ladder(ladder):
    """With one human: the gap is the answer for training errors below 0.4 %, at 0.4 % it is not."""
    ladder.controls["who"].value = "one"
    for tenths in range(8):
        ladder.controls["train_error"].value = tenths / 10
        assert ("more data" in ladder._caption.value) == (tenths < 4), tenths
        assert ("better proxy" in ladder._caption.value) == (tenths >= 4), tenths


def test_second_question_to_the_ladder(ladder):
    for name, value in (("train_error", 1.5), ("dev_error", 2.1), ("human", 1.0)):
        ladder.controls[name].value = value
    for tenths in (10, 8, 7, 6, 5):
        ladder.controls["team"].value = tenths / 10
        assert ("bigger network" in ladder._caption.value) == (tenths < 9), tenths


def test_one_number_says_how_many_answers_are_right(one_number):
    one_number.controls["threshold"].value = 0.43
    assert "197 of 200 answers agree with the labels (98.5 %), 99 of 100 faces" in one_number._caption.value
    one_number.controls["measure"].value = "dark"
    one_number.controls["threshold"].value = 0.3
    assert "said below 0.30 of dark" in one_number._caption.value


def test_labelling_keeps_what_was_clicked_and_nothing_else(digits):
    """The answers are those of a test that clicks; the notebook stores none."""
    labelling = pictures.Labelling(pictures.as_images(digits.X_dev[:, :4]))
    assert labelling.answers == [None] * 4
    assert labelling.back.disabled
    labelling.buttons[3].click()
    labelling.skip.click()
    labelling.buttons[0].click()
    assert labelling.answers == [3, None, 0, None]
    assert "Digit 4 of 4. Labelled so far: 2." in labelling.status.value
    labelling.back.click()
    labelling.buttons[8].click()
    labelling.buttons[1].click()
    assert labelling.answers == [3, None, 8, 1]
    assert "3 of 4 labelled" in labelling.status.value
    assert all(button.disabled for button in labelling.buttons)
    labelling.back.click()
    assert not labelling.buttons[0].disabled
    assert LESSON["count_wrong"](labelling.answers, digits.Y_dev[:, :4])[1] == 3


def test_labelling_shows_the_digit_that_is_answered(digits):
    images = pictures.as_images(digits.X_dev[:, :3])
    labelling = pictures.Labelling(images)
    for image in images:
        shown = np.asarray(Image.open(io.BytesIO(labelling.picture.value)))
        np.testing.assert_allclose(1 - shown[10::20, 10::20] / 255, image, atol=1 / 255)
        labelling.buttons[5].click()


def test_sheet_computes_with_the_learners_functions(digits):
    images, labels = pictures.as_images(digits.X_dev[:, :5]), digits.Y_dev[:, :5]
    functions = LESSON["error_analysis_table"], LESSON["ceiling_gain"]
    sheet = pictures.Sheet(images, labels, (labels + 1) % 10, ["thick", "thin"], *functions, 0.1)
    assert sheet.ticks.shape == (5, 2)
    assert not sheet.ticks.any()
    assert "no category: 100 % of 5 wrong digits" in sheet.summary.value
    sheet.boxes[1][0].value = True
    sheet.boxes[3][0].value = True
    assert sheet.ticks[:, 0].tolist() == [False, True, False, True, False]
    assert "<td>thick</td><td>40 %</td><td>4.0 %</td>" in sheet.summary.value
    assert "no category: 60 %" in sheet.summary.value


def test_all_have_a_static_twin(digits, ladder, one_number):
    images, labels = pictures.as_images(digits.X_dev[:, :9]), digits.Y_dev[:, :9]
    sheet = pictures.Sheet(images, labels, labels, ["a"], LESSON["error_analysis_table"], LESSON["ceiling_gain"], 0.1)
    sizes = []
    for widget in (ladder, one_number, pictures.Labelling(images), sheet):
        bundle = widget._repr_mimebundle_()
        assert "application/vnd.jupyter.widget-view+json" in bundle
        sizes.append(Image.open(io.BytesIO(base64.b64decode(bundle["image/png"]))).size)
    assert sizes == [(720, 360), (720, 320), (160, 160), (480, 120)]


def test_numbers_of_the_text(digits):
    assert digits.X_train.shape[1] + digits.X_dev.shape[1] - 1 == 1796
    assert 25 * 25 == data.faces_or_not().images[0].size == 625
    assert LESSON["avoidable_bias"](0.09, 0.012) == pytest.approx(0.078)  # 7.8 %
    assert pytest.approx(7.8) == 100 * 0.078


@pytest.mark.parametrize("which", range(4), ids=["small", "early", "few", "labels"])
def test_a_run_looks_as_its_fault_says_and_as_no_other(digits, which):
    gaps = LESSON["avoidable_bias"], LESSON["variance_gap"]
    for seed in range(5):
        run = pictures.sick_run(np.random.default_rng(seed), digits, *gaps, which)
        train, dev, before = map(float, re.findall(r"(?:train|dev|error was) (0\.\d\d)", run.words))
        looks = [
            train > 0.2 and abs(dev - train) < 0.15 and train > 0.6 * before,
            train > 0.05 and abs(dev - train) < 0.15 and train < 0.55 * before,
            train < 0.05 and dev > train + 0.1,
            train > dev + 0.15,
        ]
        assert [i for i, there in enumerate(looks) if there] == [run.which] == [which], (seed, run.words)
