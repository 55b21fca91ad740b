"""Lesson 1.1, introduction: its functions against independent implementations, its explanations, its pictures."""

import base64
import io
import itertools
import re
import statistics
import time
import types

import machine
import nbformat
import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_diabetes
from sklearn.model_selection import learning_curve as sklearn_learning_curve
from sklearn.neighbors import NearestCentroid
from sklearn.neural_network import MLPRegressor

from helpers import checks, courses, data, exercises
from helpers.exercises.course1_nn import introduction as catalogue
from helpers.figures import learning_curve as figure
from helpers.widgets import introduction

X_SIZE = np.array([[30.0, 45.0, 60.0, 75.0, 90.0, 110.0, 130.0, 150.0]])
Y_PRICE = np.array([[20.0, 95.0, 130.0, 220.0, 245.0, 330.0, 370.0, 460.0]])


def lesson(name):
    return exercises.load("introduction").exercises[name]


def cell(name):
    notebook = nbformat.read(courses.find("introduction").path, as_version=4)
    return next(one for one in notebook.cells if one.id == name)


# --- the functions ----------------------------------------------------------------------------------------------------


def test_neuron_by_hand():
    """60 m² with 2 bedrooms and a hut of 10 m² with 1: scores 240 + 20 - 80 = 180 and 40 + 10 - 80 = -30."""
    x, w = np.array([[60.0, 10.0], [2.0, 1.0]]), np.array([[4.0], [10.0]])
    assert lesson("neuron")(x, w, -80.0).tolist() == [[180.0, 0.0]]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_neurons_make_the_network_of_scikit_learn():
    """Three hidden neurons and one on top are an MLPRegressor with the same weights, where its output is positive."""
    rng = np.random.default_rng(3)
    X, W, b, v = rng.normal(size=(4, 30)), rng.normal(size=(3, 4)), rng.normal(size=3), rng.normal(size=(3, 1))
    theirs = MLPRegressor(hidden_layer_sizes=(3,), max_iter=1).fit(X.T, np.arange(30.0))
    theirs.coefs_, theirs.intercepts_ = [W.T, v], [b, np.array([0.2])]
    neuron = lesson("neuron")
    h = np.vstack([neuron(X, W[[k]].T, b[k]) for k in range(3)])
    np.testing.assert_allclose(neuron(h, v, 0.2)[0], np.maximum(0, theirs.predict(X.T)), rtol=1e-12, atol=1e-12)


def test_image2vector_has_the_order_in_which_pillow_stores_an_image():
    pixels = np.random.default_rng(4).integers(0, 256, size=(64, 64, 3)).astype(np.uint8)
    x = lesson("image2vector")(pixels)
    assert x.shape == (12288, 1)
    assert x[:, 0].tobytes() == Image.fromarray(pixels).tobytes()
    r, s, c = 5, 60, 2
    assert x[3 * (r * 64 + s) + c, 0] == pixels[r, s, c]


def test_stack_examples_on_real_patches():
    images = data.cat_or_not(size=64, step=32).train_images
    X = lesson("stack_examples")(images)
    assert X.shape == (12288, len(images))
    for i, image in enumerate(images):
        assert X[:, i].tobytes() == Image.fromarray(image).tobytes()


def test_learning_curve_matches_scikit_learn():
    rng = np.random.default_rng(5)
    m, m_test, sizes = 60, 25, [6, 17, 60]
    Y = rng.permutation(np.arange(m + m_test) % 3)
    X = np.eye(3, 6).T[:, Y] * 1.5 + rng.normal(size=(6, m + m_test))
    split = [(np.arange(m), np.arange(m, m + m_test))]
    _, _, theirs = sklearn_learning_curve(NearestCentroid(), X.T, Y, train_sizes=sizes, cv=split)
    ours = lesson("learning_curve")(X[:, :m], Y[None, :m], X[:, m:], Y[None, m:], sizes)
    np.testing.assert_allclose(ours, theirs[:, 0], rtol=1e-12)


@pytest.mark.parametrize("seed", range(40))
def test_cases_of_the_learning_curve_are_found_quickly_and_show_each_mistake(seed):
    start = time.process_time()
    cases = lesson("learning_curve").cases(seed)
    assert time.process_time() - start < machine.seconds(1)
    assert len(cases) == 4


def test_nearest_mean_of_the_lesson_is_that_of_the_catalogue():
    namespace = {"np": np}
    exec(cell("nearest_mean").source, namespace)
    rng = np.random.default_rng(6)
    X, Y, X_test = rng.normal(size=(5, 40)), rng.integers(0, 4, size=(1, 40)), rng.normal(size=(5, 300))
    theirs = NearestCentroid().fit(X.T, Y[0]).predict(X_test.T)[None, :]
    np.testing.assert_array_equal(namespace["nearest_mean"](X, Y, X_test), theirs)
    np.testing.assert_array_equal(catalogue.nearest_mean(X, Y, X_test), theirs)


def test_numbers_that_the_text_names():
    assert sum(len(images) for images in (data.mnist().train_images, data.mnist().test_images)) == 5000
    bmi, progress = (lambda table: (table.data[:, 2], table.target))(load_diabetes(scaled=False))
    w, b = np.polyfit(bmi, progress, 1)
    assert bmi.min() == pytest.approx(18, abs=0.05)
    assert -b / w == pytest.approx(11.5, abs=0.05), "where the line meets zero"
    J = np.mean((lesson("neuron")(X_SIZE, np.array([[3.5]]), -70.0) - Y_PRICE) ** 2)
    assert pytest.approx(202, abs=0.5) == J
    assert J < 250


# --- the explanations of architecture_for -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def check():
    return checks.lesson("introduction")


def message_for(check, kinds):
    """Return what check says to a learner who chose these kinds."""

    def architecture_for(applications):
        return {application: kinds[application] for application in applications}

    with pytest.raises(checks.CheckFailed) as caught:
        check(architecture_for)
    return str(caught.value)


def test_every_choice_has_an_explanation():
    for application, right in catalogue.RIGHT.items():
        assert set(catalogue.WRONG_CHOICES[application]) | {right} == set(catalogue.KINDS)


@pytest.mark.parametrize("application", catalogue.RIGHT)
def test_each_wrong_choice_is_named_and_explained(check, application):
    for kind, hint in catalogue.WRONG_CHOICES[application].items():
        message = message_for(check, catalogue.RIGHT | {application: kind})
        assert message.startswith(f"{application}: wrong")
        assert hint in message


def test_of_two_wrong_choices_one_is_explained(check):
    """A learner who errs twice gets one explanation after the other."""
    for first, second in itertools.combinations(catalogue.RIGHT, 2):
        for kind, hint in catalogue.WRONG_CHOICES[first].items():
            other = next(iter(catalogue.WRONG_CHOICES[second]))
            message = message_for(check, catalogue.RIGHT | {first: kind, second: other})
            assert message.startswith((f"{first}: wrong", f"{second}: wrong"))
            assert hint in message or catalogue.WRONG_CHOICES[second][other] in message


def test_any_wrong_table_gets_some_explanation(check):
    rng = np.random.default_rng(7)
    hints = [hint for _, hint in lesson("architecture_for").mistakes]
    for _ in range(25):
        kinds = {application: str(rng.choice(catalogue.KINDS)) for application in catalogue.RIGHT}
        if kinds != catalogue.RIGHT:
            message = message_for(check, kinds)
            assert any(hint in message for hint in hints)


# --- the picture ------------------------------------------------------------------------------------------------------


@pytest.fixture
def picture():
    return introduction.one_neuron(lesson("neuron"), X_SIZE, Y_PRICE)


def test_one_neuron_answers_within_a_tenth_of_a_second(picture, record_property):
    seconds = []
    for w in np.linspace(-1.9, 7.9, 21):
        start = time.process_time()
        picture.controls["w"].value = w
        seconds.append(time.process_time() - start)
    record_property("picture of lesson 1.1, median time to answer", f"{1000 * statistics.median(seconds):.0f} ms")
    assert statistics.median(seconds) < machine.seconds(0.1)


def test_one_neuron_follows_its_controls(picture):
    pictures = [picture._image.value]
    for name, value in (("w", 3.0), ("b", -70.0)):
        picture.controls[name].value = value
        assert picture._image.value not in pictures
        pictures.append(picture._image.value)


def test_one_neuron_says_what_it_shows(picture):
    """The numbers of the folded answers: J = 202 at (3.5, -70), and all houses at 0 for b = -100 and w up to 0.6."""
    picture.controls["w"].value, picture.controls["b"].value = 3.5, -70
    assert "w = 3.5, b = -70: cost J = 202, typically 14 thousand € off." in picture._caption.value
    picture.controls["b"].value = -100
    captions = []
    for w in (0.0, 0.3, 0.6):
        picture.controls["w"].value = w
        captions.append(picture._caption.value.split(":", 1)[1].split("cost")[1])
    assert len(set(captions)) == 1
    assert "8 of the 8 houses get the price 0." in captions[0]


def test_one_neuron_has_a_static_twin(picture):
    bundle = picture._repr_mimebundle_()
    image = Image.open(io.BytesIO(base64.b64decode(bundle["image/png"])))
    assert image.size == (600, 340)
    assert "application/vnd.jupyter.widget-view+json" in bundle


# --- the learning curves ----------------------------------------------------------------------------------------------


def test_more_digits_help_the_large_network_more_than_the_nearest_mean():
    digits, curve = introduction.digit_columns(), lesson("learning_curve")
    nearest = curve(*digits, [50, 2000])
    large = curve(*digits, [50, 2000], introduction.network(introduction.NETWORKS["large"]))
    assert nearest == pytest.approx([0.627, 0.81], abs=0.02)
    assert large == pytest.approx([0.64, 0.92], abs=0.03)


def test_the_figure_of_the_lesson_is_drawn_by_its_script(monkeypatch):
    monkeypatch.setattr(introduction, "STEPS", 20)
    accuracies = figure.measure(sizes=[20, 40], repeats=2)
    assert {name: values.shape for name, values in accuracies.items()} == dict.fromkeys(introduction.COLORS, (2, 2))
    drawn = figure.draw(accuracies, sizes=[20, 40])
    assert [line.get_label() for line in drawn.axes[0].lines][-1] == "large, 128 hidden"
    assert Image.open(figure.PATH).size == (640, 400)
    assert "(learning_curve.png)" in cell("full_text").source


@pytest.fixture(scope="module")
def table():
    """Return the table of the lesson: numbers of digits, and accuracies in % by the learner's name."""
    names = {"check": types.SimpleNamespace(compare=lambda *_: None)}
    exec(cell("full_table").source, names)
    return names["full_sizes"], names["table"]


def test_the_table_of_the_lesson_has_the_sizes_of_the_script(table):
    sizes, rows = table
    assert sizes == figure.SIZES
    assert np.all(np.diff(list(rows.values()), axis=1) >= 0)


def test_the_table_is_what_the_script_measures(table):
    """Its first and its last column, over the five runs."""
    measured = figure.measure(sizes=[50, 4000])
    for name, values in measured.items():
        np.testing.assert_allclose(100 * values.mean(axis=0), [table[1][name][0], table[1][name][-1]], atol=0.6)
    early = {name: values[:, 0] for name, values in measured.items()}
    for name in ("medium", "large"):
        assert early[name].min() < early["nearest mean"].max(), "with 50 digits the bands overlap"
        assert early["nearest mean"].min() < early[name].max()
    ahead = np.sum(measured["large"] > measured["medium"], axis=0)
    assert ahead.tolist() == [4, 5], "runs in which the large network is ahead of the medium one, 50 and 4000 digits"
    small = 100 * measured["small"][:, 1]
    assert small.mean() < 100 * measured["nearest mean"][:, 1].mean(), "it does not catch up"
    assert np.all(measured["large"][:, 1] > measured["nearest mean"][:, 1].max())
    assert (small.min(), small.max()) == (pytest.approx(68, abs=0.6), pytest.approx(83, abs=0.6))


@pytest.mark.parametrize("which", range(len(introduction.FAULTS)), ids=["own", "order", "same", "ten", "sorted"])
def test_a_curve_looks_as_its_fault_says_and_as_no_other(which):
    """What `looks` says, in numbers, for ten curves with each fault; the others do not look so."""
    for seed in range(10):
        rng = np.random.default_rng(seed)
        run = introduction.sick_curve(rng, lesson("learning_curve"), catalogue.nearest_mean, which=which)
        assert run.which == which
        curve = [float(one) for one in re.findall(r"\d\.\d+", run.words)]
        labels = int(re.search(r"examples: (\d+)", run.words)[1])
        looks = [
            max(curve) == curve[0] > curve[-1] + 0.02 and curve[-1] > 0.5,
            max(curve) < 0.25 and labels > 1 and len(set(curve)) > 1,
            len(set(curve)) == 1 and curve[0] > 0.4,
            all(abs(10 * one - round(10 * one)) < 1e-9 for one in curve) and len(set(curve)) > 1,
            labels == 1 and curve[0] < 0.25 and curve[-1] > 0.7,
        ]
        assert [i for i, there in enumerate(looks) if there] == [which], (seed, run.words)
