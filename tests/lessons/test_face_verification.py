"""Lesson 4.6, face verification: the formulas against autograd, scikit-learn and numbers, what the lesson says, its pictures."""

import base64
import io
import statistics
import time

import autograd
import autograd.numpy as anp
import machine
import nbformat
import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score, roc_curve
from sklearn.metrics.pairwise import paired_euclidean_distances

from helpers import courses, exercises
from helpers.widgets import face_verification as pictures

LESSON = exercises.load("face_verification").exercises
DISTANCE, LOSS, BACKWARD, HARD, VERIFY, WHO = (
    LESSON[name]
    for name in ("embedding_distance", "triplet_loss", "triplet_loss_backward", "hard_triplets", "verify", "who_is_it")
)


def parts(m=6, n=4, seed=0, scale=0.4):
    rng = np.random.default_rng(seed)
    return [scale * rng.normal(size=(m, n)) for _ in range(3)]


# --- the formulas -----------------------------------------------------------------------------------------------------


def test_distance_matches_scikit_learn():
    A, P, _ = parts()
    np.testing.assert_allclose(DISTANCE(A, P)[:, 0], paired_euclidean_distances(A, P) ** 2, atol=1e-12)


def by_autograd(A, P, N, margin):
    d = anp.sum((A - P) ** 2, axis=1) - anp.sum((A - N) ** 2, axis=1)
    return anp.mean(anp.maximum(d + margin, 0))


@pytest.mark.parametrize("m", [1, 2, 9])
@pytest.mark.parametrize("margin", [0.05, 0.2, 1.0])
def test_triplet_loss_matches_autograd(m, margin):
    arrays = parts(m, 5, seed=m)
    assert LOSS(*arrays, margin) == pytest.approx(by_autograd(*arrays, margin))
    for number, ours in enumerate(BACKWARD(*arrays, margin)):
        np.testing.assert_allclose(ours, autograd.grad(by_autograd, number)(*arrays, margin), atol=1e-12)


def test_triplet_loss_backward_matches_numerical_gradient():
    arrays, h = parts(8, 3, seed=3), 1e-6
    gradients = BACKWARD(*arrays)
    active = np.any(gradients[1] != 0, axis=1)
    assert 0 < active.sum() < 8
    for number, ours in enumerate(gradients):
        numerical = np.zeros(ours.shape)
        for index in np.ndindex(ours.shape):
            sides = []
            for sign in (1, -1):
                other = [array.copy() for array in arrays]
                other[number][index] += sign * h
                sides.append(LOSS(*other))
            numerical[index] = (sides[0] - sides[1]) / (2 * h)
        assert np.linalg.norm(ours - numerical) < 1e-6 * np.linalg.norm(numerical)


def test_gradients_of_a_triplet_add_up_to_0():
    np.testing.assert_allclose(sum(BACKWARD(*parts(20))), 0, atol=1e-15)


def test_numbers_by_hand():
    A, P, N = np.zeros((2, 1)), np.sqrt([[0.5], [0.5]]), np.sqrt([[0.6], [0.9]])
    assert LOSS(A, P, N, 0.2) == pytest.approx(0.05)
    assert LOSS(A, A, A, 0.2) == pytest.approx(0.2)
    assert 30 * 10 * 9 * 290 == 783000
    assert HARD(np.array([[0.0], [1], [3], [10]]), np.array([7, 7, 8, 8])).tolist() == [
        [0, 1, 2], [1, 0, 2], [2, 3, 1], [3, 2, 1]
    ]  # fmt: skip


def test_hardest_negative_is_the_nearest_of_another_person():
    rng = np.random.default_rng(0)
    E, labels = rng.normal(size=(12, 3)), rng.permutation(np.repeat(np.arange(4), 3))
    found = HARD(E, labels)
    assert len(found) == 4 * 3 * 2
    assert [tuple(row[:2]) for row in found] == sorted(tuple(row[:2]) for row in found)
    for a, p, n in found:
        assert a != p
        assert labels[a] == labels[p] != labels[n]
        others = np.flatnonzero(labels != labels[a])
        assert ((E[a] - E[n]) ** 2).sum() == ((E[a] - E[others]) ** 2).sum(axis=1).min()


def test_semi_hard_and_easy_triplets():
    rng = np.random.default_rng(1)
    E, labels = rng.normal(size=(12, 3)), np.repeat(np.arange(4), 3)
    for a, p, n in pictures.semi_hard_triplets(E, labels):
        far = ((E[a] - E) ** 2).sum(axis=1)
        others = np.flatnonzero(labels != labels[a])
        beyond = others[far[others] > far[p]]
        assert far[n] == (far[beyond].min() if len(beyond) else far[others].max())
    for a, _, n in pictures.easy_triplets(E, labels):
        far = ((E[a] - E) ** 2).sum(axis=1)
        assert far[n] == far[labels != labels[a]].max()


def test_verification_and_recognition():
    database = {"Ada": np.array([[1.0, 0]]), "Ben": np.array([[0.0, 1]])}
    assert VERIFY(np.array([[0.8, 0.6]]), "Ada", database, 0.5)[0]
    assert not VERIFY(np.array([[0.8, 0.6]]), "Ben", database, 0.5)[0]
    assert WHO(np.array([[0.8, 0.6]]), database, 0.5)[0] == "Ada"
    assert WHO(np.array([[-1.0, 0]]), database, 0.5)[0] == "nobody we know"


def test_unit_length_layer_matches_autograd():
    layer, Z = pictures.UnitLength(), parts(5, 3)[0]
    E, weights = layer.forward(Z), parts(5, 3, seed=1)[0]
    np.testing.assert_allclose(np.linalg.norm(E, axis=1), 1)
    theirs = autograd.grad(lambda Z: anp.sum(weights * Z / anp.sqrt(anp.sum(Z**2, axis=1, keepdims=True))))(Z)
    np.testing.assert_allclose(layer.backward(weights), theirs, atol=1e-6)


# --- measures ---------------------------------------------------------------------------------------------------------


def test_area_and_rates_match_scikit_learn():
    rng = np.random.default_rng(0)
    same = rng.random(300) < 0.3
    distances = rng.random(300) + 0.4 * ~same
    assert pictures.area(distances, same) == pytest.approx(roc_auc_score(same, -distances))
    wrong, right, thresholds = roc_curve(same, -distances, drop_intermediate=False)
    for k in (10, 100, 200):
        assert pictures.rates(distances, same, -thresholds[k]) == pytest.approx((right[k], wrong[k]))


# --- what the lesson says ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def faces():
    return pictures.faces()


@pytest.fixture(scope="module")
def judged(faces):
    """Areas and last shares of active triplets by the choice of negatives."""
    rng = np.random.default_rng(5)
    choices = {
        "easiest": pictures.easy_triplets, "hardest": HARD.reference, "semi-hard": pictures.semi_hard_triplets,
        "random": lambda E, labels: pictures.random_triplets(E, labels, rng),
    }  # fmt: skip
    found = {}
    for name, choose in choices.items():
        run = pictures.train(faces.train, choose, BACKWARD.reference, LOSS.reference)
        found[name] = run, pictures.pairs(pictures.embed(run.network, faces.test))
    return found


def test_nobody_is_in_both_parts(faces):
    assert faces.train.shape == (30, 10, 28, 23)
    assert faces.test.shape == (10, 10, 28, 23)


def test_training_beats_pixels_on_unseen_people(faces, judged):
    pixels = pictures.area(*pictures.pairs(pictures.standard(faces.test).reshape(10, 10, -1)))
    assert pixels == pytest.approx(0.766, abs=0.005)
    for name in ("semi-hard", "random"):
        assert pictures.area(*judged[name][1]) > pixels + 0.08
    for name in ("easiest", "hardest"):
        assert pictures.area(*judged[name][1]) < pictures.area(*judged["semi-hard"][1]) - 0.04


def test_the_hardest_negatives_collapse_and_the_easiest_are_wasted(judged):
    run, (distances, _) = judged["hardest"]
    assert np.mean(run.active[-30:]) > 0.98
    assert np.median(distances) < 0.1
    assert np.mean(run.costs[-30:]) == pytest.approx(0.2, abs=0.02)
    assert np.mean(judged["easiest"][0].active[:30]) < 0.1
    assert np.mean(judged["random"][0].active[-30:]) < 0.2


def test_a_phone_turns_its_owner_away(judged):
    distances, same = judged["semi-hard"][1]
    threshold = np.quantile(distances[~same], 0.01)
    assert 0.25 < pictures.rates(distances, same, threshold)[0] < 0.5


def test_the_notebook_stores_no_face():
    """Faces belong to real people: they are shown in a widget, whose picture is not stored."""
    notebook = nbformat.read(courses.find("face_verification").path, as_version=4)
    cell = next(cell for cell in notebook.cells if cell.id == "show_faces")
    assert all("image/png" not in output.get("data", {}) for output in cell.outputs)
    assert "CREDIT" in dir(pictures)


# --- the pictures -----------------------------------------------------------------------------------------------------


@pytest.fixture
def triangle():
    return pictures.triangle_picture(LOSS.reference, BACKWARD.reference)


@pytest.fixture
def threshold(judged):
    return pictures.threshold_picture(*judged["semi-hard"][1])


def test_pictures_answer_within_a_tenth_of_a_second(triangle, threshold, record_property):
    seconds = []
    for step in range(10):
        for picture, name, value in (
            (triangle, "far", 0.2 + 0.1 * step), (triangle, "direction", 20 * step), (threshold, "threshold", 0.2 * step)
        ):  # fmt: skip
            start = time.process_time()
            picture.controls[name].value = value
            seconds.append(time.process_time() - start)
    record_property("pictures of lesson 4.6, median time to answer", f"{1000 * statistics.median(seconds):.0f} ms")
    assert statistics.median(seconds) < machine.seconds(0.1)


def test_triangle_says_whether_the_triplet_is_active(triangle):
    assert "The triplet is active" in triangle._caption.value
    before = triangle._image.value
    triangle.controls["far"].value = 1.5
    assert "not active: nothing moves" in triangle._caption.value
    assert triangle._image.value != before
    triangle.controls["near"].value = 0.0
    triangle.controls["far"].value = 0.5
    assert "not active" in triangle._caption.value, "outside the ring of radius sqrt(0.2) = 0.45"


def test_threshold_says_both_rates(threshold, judged):
    distances, same = judged["semi-hard"][1]
    threshold.controls["threshold"].value = 1.0
    right, wrong = pictures.rates(distances, same, 1.0)
    assert f"of 100 pairs of one person {100 * right:.0f} are accepted" in threshold._caption.value
    assert f"of 100 pairs of two people {100 * wrong:.0f}." in threshold._caption.value


def test_pictures_have_static_twins(triangle, threshold):
    for picture, size in ((triangle, (640, 360)), (threshold, (740, 320))):
        image = Image.open(io.BytesIO(base64.b64decode(picture._repr_mimebundle_()["image/png"])))
        assert image.size == size


def test_gallery_shows_rows_with_words_and_credit(faces):
    box = pictures.gallery([faces.train[0, :3]], ["one person"], "A row of faces.")
    _, label, image, words = box.children
    assert label.value == "one person"
    assert Image.open(io.BytesIO(image.value)).size == (3 * 25 * 3, 30 * 3)
    assert "AT&T Laboratories Cambridge" in words.value
