"""Lesson 3.1, metrics: the formulas against scikit-learn and brute force, the lesson's numbers, its projects and picture."""

import base64
import io
import itertools
import statistics
import time
import warnings

import machine
import numpy as np
import pytest
import sklearn.metrics
from PIL import Image
from scipy.stats import binom, hmean, norm

from helpers import exercises
from helpers.exercises.course3_structuring.metrics import CURES, KNOBS, WRONG_CHOICES
from helpers.widgets import metrics

LESSON = exercises.load("metrics").exercises
KNOB, MATRIX, PRECISION, RECALL, SPECIFICITY, F1, PICK, SATISFICING, SIZE, WEIGHTED = (
    LESSON[name]
    for name in (
        "orthogonal_knob", "confusion_matrix", "precision", "recall", "specificity", "f1_score", "pick_classifier",
        "satisficing_choice", "dev_set_size", "weighted_error",
    )
)  # fmt: skip


def random_labels(seed, m=200, share=0.3):
    rng = np.random.default_rng(seed)
    y = (rng.random((1, m)) < share).astype(int)
    return y, np.where(rng.random((1, m)) < 0.8, y, 1 - y)


# --- the chain --------------------------------------------------------------------------------------------------------


def problem(errors, content=True):
    names = ("wanted error", "training error", "dev error", "test error", "real-world error")
    return {**dict(zip(names, errors, strict=True)), "users content": content}


@pytest.mark.parametrize("broken", itertools.product((False, True), repeat=5))
def test_the_first_broken_link_decides_in_all_32_situations(broken):
    errors = np.cumsum([0.03, *np.where(broken[:4], 0.05, 0.01)])
    turned = [knob for knob, turn in KNOB(problem(errors, not broken[4])).items() if turn]
    first = broken.index(True) if any(broken) else 5
    assert tuple(turned) == list(CURES.values())[first]


def test_the_gaps_add_up_to_the_real_world_error():
    """Equation (1.1) and its example by hand."""
    errors = np.array([0.03, 0.04, 0.11, 0.12, 0.19])
    np.testing.assert_allclose(np.diff(errors), [0.01, 0.07, 0.01, 0.07])
    assert errors[0] + np.diff(errors).sum() == pytest.approx(errors[-1])
    assert KNOB(problem(errors))["more training data"]
    assert not KNOB(problem(errors))["other dev set"]


def test_each_knob_of_the_picture_is_one_to_decide_on():
    assert [*(knob for knobs in metrics.CHAIN.values() for knob in knobs), metrics.NO_LINK] == list(KNOBS)
    assert CURES["users"] == (metrics.NO_LINK,)  # it hangs under no link, as in the table
    assert [knob for knobs in CURES.values() for knob in knobs] == list(KNOBS)


def test_each_wrong_choice_has_words_of_its_own():
    hints = [hint for of_a_link in WRONG_CHOICES.values() for hint in of_a_link.values()]
    assert len(hints) == len(set(hints)) == len(CURES) * len(KNOBS)


# --- counts and shares ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_counts_and_shares_match_scikit_learn(seed):
    y, y_hat = random_labels(seed)
    C = MATRIX(y, y_hat)
    np.testing.assert_array_equal(C, sklearn.metrics.confusion_matrix(y[0], y_hat[0]))
    P, R, f1, _ = sklearn.metrics.precision_recall_fscore_support(y[0], y_hat[0], average="binary")
    assert (PRECISION(C), RECALL(C), F1(P, R)) == pytest.approx((P, R, f1))
    assert SPECIFICITY(C) == pytest.approx(sklearn.metrics.recall_score(y[0], y_hat[0], pos_label=0))
    (_, FP), (FN, TP) = C
    assert f1 == pytest.approx(2 * TP / (2 * TP + FP + FN)), "(1.11)"
    assert 1 / f1 == pytest.approx((1 / P + 1 / R) / 2), "(1.10)"
    assert pytest.approx([1 + FP / TP, 1 + FN / TP]) == [1 / P, 1 / R], "(1.9)"


@pytest.mark.parametrize("answer", [0, 1])
@pytest.mark.parametrize("label", [0, 1, None])
def test_zero_denominators_follow_scikit_learn(answer, label):
    """The convention of the lesson is what scikit-learn returns, which also warns."""
    y = random_labels(0)[0] if label is None else np.full((1, 20), label)
    y_hat = np.full_like(y, answer)
    C = MATRIX(y, y_hat)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sklearn.exceptions.UndefinedMetricWarning)
        expected = (
            sklearn.metrics.precision_score(y[0], y_hat[0]),
            sklearn.metrics.recall_score(y[0], y_hat[0]),
            sklearn.metrics.recall_score(y[0], y_hat[0], pos_label=0),
            sklearn.metrics.f1_score(y[0], y_hat[0]),
        )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        got = PRECISION(C), RECALL(C), SPECIFICITY(C), F1(PRECISION(C), RECALL(C))
    assert got == pytest.approx(expected)


def test_scikit_learn_warns_where_it_returns_0():
    with pytest.warns(sklearn.exceptions.UndefinedMetricWarning):
        assert sklearn.metrics.precision_score([0, 1], [0, 0]) == 0


def test_the_example_of_seven():
    C = MATRIX(np.array([[1, 1, 1, 0, 0, 0, 0]]), np.array([[1, 0, 1, 0, 1, 0, 0]]))
    assert C.tolist() == [[3, 1], [1, 2]]
    assert (PRECISION(C), RECALL(C), SPECIFICITY(C)) == (2 / 3, 2 / 3, 3 / 4)


# --- one number -------------------------------------------------------------------------------------------------------


def test_f1_of_two_classifiers():
    """92.4 % and 91.0 %."""
    assert [round(100 * F1(P, R), 1) for P, R in ((0.95, 0.90), (0.98, 0.85))] == [92.4, 91.0]
    assert (
        PICK([{"name": "A", "precision": 0.95, "recall": 0.90}, {"name": "B", "precision": 0.98, "recall": 0.85}])
        == "A"
    )


def test_f1_is_the_harmonic_mean_between_the_smaller_one_and_its_double():
    rng = np.random.default_rng(0)
    for P, R in rng.uniform(0.001, 1, size=(200, 2)):
        assert F1(P, R) == pytest.approx(hmean([P, R]))
        assert min(P, R) * (1 - 1e-12) <= F1(P, R) <= 2 * min(P, R), "(1.13)"
        assert F1(P, R) <= (P + R) / 2 + 1e-12
    assert F1(0.01, 1.0) == pytest.approx(0.0198, abs=5e-5)


def test_satisficing_by_trying_all():
    rng = np.random.default_rng(0)
    for _ in range(200):
        table = [
            {"name": str(i), "good": float(good), "slow": int(slow), "large": int(large)}
            for i, (good, slow, large) in enumerate(
                zip(rng.random(6), rng.integers(1, 9, 6), rng.integers(1, 9, 6), strict=True)
            )
        ]
        limits = {"slow": int(rng.integers(1, 9)), "large": int(rng.integers(1, 9))}
        best = None
        for row in sorted(table, key=lambda row: row["good"]):
            if row["slow"] <= limits["slow"] and row["large"] <= limits["large"]:
                best = row["name"]
        assert SATISFICING(table, "good", limits) == best


# --- sizes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("difference", "error"), [(0.03, 0.5), (0.03, 0.05), (0.007, 0.2), (0.11, 0.3)])
def test_size_is_the_smallest_that_fulfils_the_condition(difference, error):
    m = SIZE(difference, error)
    holds = [difference >= 2 * np.sqrt(2 * error * (1 - error) / size) for size in (m - 1, m)]
    assert holds == [False, True]


def test_sizes_of_the_lesson():
    assert (SIZE(0.03), SIZE(0.03, 0.05)) == (2223, 423)
    assert pytest.approx([2222.2, 422.2], abs=0.05) == [2 / 0.03**2, 8 * 0.05 * 0.95 / 0.03**2]
    assert (SIZE(0.01, 0.045), SIZE(0.01, 0.05), SIZE(0.001, 0.05)) == (3438, 3800, 380_000)
    assert SIZE(0.01) == 20_000
    seen = [np.sqrt(8 * 0.05 * 0.95 / m) for m in (200, 10, 10_000, 100_000)]
    np.testing.assert_allclose(seen, [0.0436, 0.1949, 0.0062, 0.0019], atol=5e-5)


def test_variance_of_one_and_of_the_difference_by_counting():
    """Equations (1.15) to (1.17), over all outcomes of the binomial distribution."""
    m, e = 30, 0.2
    assert binom.var(m, e) / m**2 == pytest.approx(e * (1 - e) / m)
    outcomes = np.arange(m + 1) / m
    weight = np.outer(binom.pmf(np.arange(m + 1), m, e), binom.pmf(np.arange(m + 1), m, e))
    difference = outcomes[:, None] - outcomes[None, :]
    assert np.sum(weight * difference**2) == pytest.approx(2 * e * (1 - e) / m)


def test_at_this_size_the_better_one_is_ahead_in_98_of_100():
    assert norm.cdf(2) == pytest.approx(0.977, abs=5e-4)
    m = SIZE(0.01, 0.045)
    shares = metrics.share_of_dev_sets((0.05, 0.04), [50, m], 20_000, np.random.default_rng(1))
    assert shares[1] == pytest.approx(norm.cdf(2), abs=0.005)
    assert 0.55 < shares[0] < 0.65
    k = np.arange(400)  # exactly, from two binomial distributions
    worse, better = binom.pmf(k, m, 0.05), binom.pmf(k, m, 0.04)
    exact = np.sum(worse * (np.cumsum(better) - better)) + 0.5 * np.sum(worse * better)
    assert shares[1] == pytest.approx(exact, abs=0.005)


# --- the weighted error -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_weighted_error_matches_scikit_learn(seed):
    y, y_hat = random_labels(seed)
    w = np.where(y == 1, 10.0, 1.0)
    assert WEIGHTED(y, y_hat, w) == pytest.approx(
        1 - sklearn.metrics.accuracy_score(y[0], y_hat[0], sample_weight=w[0])
    )
    assert WEIGHTED(y, y_hat, np.ones_like(w)) == pytest.approx(np.mean(y != y_hat))
    assert WEIGHTED(y, 1 - y, w) == pytest.approx(1)


def test_the_weight_of_10_turns_the_order_round():
    """The numbers of the lesson: A 3 % and 10.2 %, B 5 % and 4.2 %."""
    y, w = np.zeros((1, 1000)), np.where(np.arange(1000) < 20, 10, 1)[None, :]
    A, B = np.zeros((2, 1, 1000))
    A[:, 10:30] = A[:, 500:510] = 1
    B[:, 100:150] = 1
    assert (A.sum(), A[:, :20].sum()) == (30, 10)
    assert (WEIGHTED(y, A, w), WEIGHTED(y, B, w)) == pytest.approx((120 / 1180, 50 / 1180))
    assert np.mean(y != A) < np.mean(y != B)
    assert WEIGHTED(y, A, w) > WEIGHTED(y, B, w)


def test_best_threshold_for_true_probabilities():
    """Equation (1.22), for labels that have the probability of their score."""
    rng = np.random.default_rng(0)
    scores = rng.random((1, 200_000))
    y = (rng.random(scores.shape) < scores).astype(int)
    thresholds = np.arange(1, 100) / 100
    for weight in (1, 10):
        w = np.where(y == 1, weight, 1)
        errors = [WEIGHTED(y, scores >= threshold, w) for threshold in thresholds]
        assert thresholds[int(np.argmin(errors))] == pytest.approx(1 / (1 + weight), abs=0.03)


# --- the lesson's measurements ------------------------------------------------------------------------------------------


def test_the_project_follows_the_chain():
    """What the lesson says about its six stages; each stage's change is a knob that the one before names."""
    seen = []
    log, on_versions = metrics.run_project(lambda stages: seen.append(len(stages)) or stages)
    assert seen == [6]
    findings = [tuple(knob for knob, turn in KNOB(problem).items() if turn) for _, problem in log]
    assert findings == [CURES[link] for link in ("training", "dev", "test", "real world", "dev", "nothing")]
    errors = np.array([list(problem.values())[:5] for _, problem in log])
    assert np.all(errors[:, 0] == metrics.WANTED)
    assert errors[1, 1] == 0
    assert on_versions.shape == (2, 20)
    assert on_versions[0].mean() < 0.8 * on_versions[1].mean(), "the 40 images are easier by chance"
    assert errors[2, 2] == pytest.approx(on_versions[0].min())
    assert on_versions[0].min() < on_versions[0].mean(), "and the choice is lucky on top"
    assert errors[3, 2] == pytest.approx(on_versions[1].min())
    assert errors[2, 3] > 2 * errors[2, 2]
    assert errors[3, 4] == pytest.approx(errors[4, 4], abs=0.03), "other dev and test sets alone make nothing better"
    assert errors[3, 4] > 1.7 * errors[3, 3]
    assert errors[4, 3] == pytest.approx(errors[4, 4], abs=0.03), "the test set has moved together with dev"
    assert errors[5, 4] < 0.7 * errors[4, 4]


def test_knobs_move_mostly_one_gap_and_early_stopping_two():
    effects = metrics.knob_effects()
    changes = [runs[:, 1] - runs[:, 0] for runs in effects.values()]
    assert all(len(one) == 5 for one in changes)
    (bigger, data, decay, early) = (one.mean(axis=0) for one in changes)
    assert changes[0][:, 0].max() < -0.25
    assert abs(bigger[1]) < 0.03
    assert changes[1][:, 1].max() < -0.15
    assert 0 < data[0] < 0.05
    assert changes[2][:, 1].max() < -0.02
    assert 0 <= decay[0] < 0.03
    assert changes[3][:, 0].min() > 0.15
    assert changes[3][:, 1].max() < -0.08
    assert changes[3].sum(axis=1).min() > 0.05, "the dev error is worse in the end"
    assert abs(early[0]) > abs(early[1])


@pytest.mark.parametrize("which", range(4))
def test_a_project_to_diagnose_breaks_the_link_of_its_fault(which):
    run = metrics.sick_project(np.random.default_rng(which), KNOB.reference, which)
    errors = [float(word.strip(",.")) for word in run.words.split() if word[0].isdigit()]
    assert run.which == which
    assert next(i for i, gap in enumerate(np.diff(errors)) if gap > 0.015) == which  # errors are shown with two digits


@pytest.fixture(scope="module")
def fives():
    return metrics.fives()


def scores_of(fives, threshold, scores=None):
    C = MATRIX(fives.y, ((fives.scores if scores is None else scores) >= threshold).astype(int))
    return C, PRECISION(C), RECALL(C)


def test_numbers_of_the_real_classifier(fives):
    assert fives.images.shape == (2000, 28, 28)
    assert (fives.y.size, fives.y.sum()) == (2000, 195)
    C, P, R = scores_of(fives, 0.5)
    assert (P, R, SPECIFICITY(C)) == pytest.approx((0.87, 0.71, 0.99), abs=0.01)
    assert np.trace(C) / 2000 == pytest.approx(0.96, abs=0.005)
    assert np.mean(fives.y == 0) == pytest.approx(0.90, abs=0.005)
    assert C[1, 0] == 56
    at_10, _, recall_at_10 = scores_of(fives, 0.1)
    assert (recall_at_10, SPECIFICITY(at_10)) == pytest.approx((0.949, 0.906), abs=5e-4)
    by_f1 = [F1(*scores_of(fives, threshold)[1:]) for threshold in np.arange(1, 100) / 100]
    assert max(by_f1) == pytest.approx(0.81, abs=0.01)
    assert 0.25 < (np.argmax(by_f1) + 1) / 100 < 0.42


def test_all_thresholds_match_scikit_learn(fives):
    P, R, thresholds = sklearn.metrics.precision_recall_curve(fives.y[0], fives.scores[0])
    for i in range(0, len(thresholds), 97):
        assert scores_of(fives, thresholds[i])[1:] == pytest.approx((P[i], R[i]))


def test_weights_move_the_threshold_and_so_does_training_with_them(fives):
    w = np.where(fives.y == 1, 10, 1)
    assert w.sum() == 3755
    errors = [WEIGHTED(fives.y, fives.scores >= threshold, w) for threshold in np.arange(1, 100) / 100]
    assert 0.08 < (np.argmin(errors) + 1) / 100 < 0.18
    assert errors[49] > 2 * min(errors)
    assert errors[8] - min(errors) == pytest.approx(0.012, abs=0.005)
    trained = WEIGHTED(fives.y, fives.weighted_scores >= 0.5, w)
    assert trained < 0.55 * errors[49]
    for threshold, scores in ((0.13, fives.scores), (0.5, fives.weighted_scores)):
        C, P, R = scores_of(fives, threshold, scores)
        assert R > 0.9
        assert F1(P, R) < F1(*scores_of(fives, 0.5)[1:])


def test_the_table_of_real_classifiers(fives):
    table = []
    for one in metrics.candidates():
        C = MATRIX(fives.y, one["answers"])
        table.append({**one, "f1": F1(PRECISION(C), RECALL(C)), "precision": PRECISION(C), "recall": RECALL(C)})
    scores = {row["name"]: row["f1"] for row in table}
    assert scores["always no"] == 0
    assert scores["network, 60 units"] < 0.5
    (row,) = [row for row in table if row["name"] == "network, 60 units"]
    assert np.mean(row["answers"] == fives.y) == pytest.approx(0.93, abs=0.006)
    assert row["recall"] == pytest.approx(0.29, abs=0.02)
    assert PICK(table) == SATISFICING(table, "f1", {}) == "nearest of 2000"
    assert SATISFICING(table, "f1", {"multiplications": 100_000}) == "network, 400 units"
    assert SATISFICING(table, "f1", {"multiplications": 100_000, "numbers": 10_000}) == "logistic regression"
    assert SATISFICING(table, "f1", {"numbers": 50}) == "always no"
    wrong = {row["name"]: row["answers"] != fives.y for row in table}
    A, B = wrong["logistic regression"], wrong["network, 400 units"]
    e, q = (A.mean() + B.mean()) / 2, np.mean(A != B)
    assert q < 0.6 * 2 * e * (1 - e), "real classifiers share their mistakes"
    assert np.var(A.astype(float) - B) == pytest.approx(q - (A.mean() - B.mean()) ** 2)


def test_a_thicker_pen_only_adds_ink():
    images = np.random.default_rng(0).integers(0, 256, size=(2, 28, 28)).astype(np.uint8)
    thick = metrics.thick_pen(images)
    assert np.all(thick >= images)
    assert thick[1, 5, 7] == images[1, 4:7, 6:9].max()


# --- the picture --------------------------------------------------------------------------------------------------------


@pytest.fixture
def picture(fives):
    names = ("confusion_matrix", "precision", "recall", "specificity", "f1_score")
    return metrics.threshold_picture(fives, *(LESSON[name].reference for name in names))


def test_picture_answers_within_a_tenth_of_a_second(picture, record_property):
    seconds = []
    for step in range(20):
        for name, value in (("threshold", 0.05 + 0.04 * step), ("share", list(metrics.SHARES)[step % 2])):
            start = time.process_time()
            picture.controls[name].value = value
            seconds.append(time.process_time() - start)
    record_property("picture of lesson 3.1, median time to answer", f"{1000 * statistics.median(seconds):.0f} ms")
    assert statistics.median(seconds) < machine.seconds(0.1)


def test_picture_follows_its_controls(picture):
    pictures = [picture._image.value]
    for name, value in (("threshold", 0.1), ("share", list(metrics.SHARES)[1]), ("threshold", 0.8)):
        picture.controls[name].value = value
        assert picture._image.value not in pictures
        pictures.append(picture._image.value)


def test_picture_says_what_it_shows(picture, fives):
    for threshold in (0.01, 0.5, 0.99):
        picture.controls["threshold"].value = threshold
        C, P, R = scores_of(fives, threshold)
        assert f"Threshold {threshold:.2f}: {C[:, 1].sum()} of 2000 images are called a 5" in picture._caption.value
        assert f"Precision {P:.3f}, recall {R:.3f}" in picture._caption.value
        assert f"F1 {F1(P, R):.3f}; accuracy {np.trace(C) / 2000:.3f}" in picture._caption.value


def test_more_fives_change_precision_alone_as_the_answer_says(picture):
    picture.controls["threshold"].value = 0.1
    before = picture._caption.value
    picture.controls["share"].value = list(metrics.SHARES)[1]
    after = picture._caption.value

    def number(text, name):
        return float(text.split(f"{name} ")[1][:5])

    for name in ("recall", "specificity"):
        assert number(before, name) == number(after, name)
    assert number(before, "Precision") == pytest.approx(0.52, abs=0.01)
    assert number(after, "Precision") == pytest.approx(0.91, abs=0.01)
    assert number(before, "recall") == pytest.approx(0.95, abs=0.01)
    assert number(before, "F1") < number(after, "F1")


def test_picture_has_a_static_twin(picture):
    bundle = picture._repr_mimebundle_()
    image = Image.open(io.BytesIO(base64.b64decode(bundle["image/png"])))
    assert image.size == (840, 320)
    assert "application/vnd.jupyter.widget-view+json" in bundle
