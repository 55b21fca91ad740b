"""Interactive pictures: they answer within 0.1 s, say what they show, and have a static twin."""

import base64
import io
import statistics
import time

import numpy as np
import pytest
from PIL import Image

from helpers import exercises
from helpers.widgets import logistic_regression, progress

X = np.array([[-2.5, -1.5, -1.0, -0.5, 0.5, 1.0, 2.0, 2.5]])
Y = np.array([[0, 0, 1, 0, 1, 0, 1, 1]])


@pytest.fixture
def walks():
    lesson = exercises.load("logistic_regression").exercises
    return logistic_regression.two_walks(lesson["squared_cost"], lesson["propagate"], X, Y)


def test_two_walks_answers_within_a_tenth_of_a_second(walks, record_property):
    seconds = []
    for w in np.linspace(-5, 5, 21):
        start = time.perf_counter()
        walks.controls["w"].value = w
        seconds.append(time.perf_counter() - start)
    record_property("picture of lesson 1.2, median time to answer", f"{1000 * statistics.median(seconds):.0f} ms")
    assert statistics.median(seconds) < 0.1


def test_two_walks_follows_its_controls(walks):
    pictures = [walks._image.value]
    for name, value in (("learning_rate", 0.1), ("w", 2.0), ("b", -1.0)):
        walks.controls[name].value = value
        assert walks._image.value not in pictures
        pictures.append(walks._image.value)


def test_two_walks_says_what_it_shows(walks):
    """Starting where nearly everyone is predicted wrongly, only the walk on the cross-entropy arrives."""
    assert "squared error: J = 0.321 at w = -3.75" in walks._caption.value
    assert "cross-entropy: J = 0.506 at w = 0.92, b = -0.05" in walks._caption.value


def test_two_walks_has_a_static_twin(walks):
    data = walks._repr_mimebundle_()
    image = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
    assert image.size == (720, 340)
    assert "application/vnd.jupyter.widget-view+json" in data


def test_walk_goes_downhill_on_a_parabola():
    points = logistic_regression.walk(lambda w, b: np.array([2 * w, 2 * b]), (3.0, -2.0), 0.25, steps=3)
    np.testing.assert_allclose(points[:, 0], [3, 1.5, 0.75, 0.375])


def test_progress_passes_everything_on_and_stays_silent_when_quick(capfd):
    assert list(progress(range(5))) == [0, 1, 2, 3, 4]
    assert capfd.readouterr() == ("", "")
