"""Lesson 3.4, a project of your own: the report against scikit-learn, drawn projects, decisions and thresholds."""

import numpy as np
import pytest
import sklearn.metrics
from sklearn.neighbors import KNeighborsClassifier

from helpers import data, exercises
from helpers.exercises.course3_structuring import own_project as catalogue
from helpers.widgets import own_project as pictures

LESSON = exercises.load("own_project").exercises
REPORT, FIND, READ = (LESSON[name].reference for name in ("project_report", "find_trouble", "read_new"))
SEEDS = range(40)


@pytest.fixture(scope="module")
def projects():
    return [pictures.draw_project(seed) for seed in SEEDS]


def known(project):
    return project[:4]


def test_errors_are_those_of_scikit_learn_and_gaps_add_up():
    for seed in range(5):
        (_, arguments) = LESSON["project_report"].cases(seed)[0]
        report = REPORT(**arguments)
        for name, (y, y_hat) in arguments["answers"].items():
            weights = arguments["costs"][y[0]]
            assert report[name] == pytest.approx(sklearn.metrics.zero_one_loss(y[0], y_hat[0], sample_weight=weights))
        total = arguments["proxy"] + sum(report[gap] for gap in catalogue.GAPS)
        assert total == pytest.approx(report["blackbox"])


def test_example_by_hand():
    right, costs = (np.array([[7, 1]]), np.array([[7, 1]])), np.where(np.arange(10) == 7, 3.0, 1.0)
    answers = dict.fromkeys(catalogue.SETS, right) | {"dev": (right[0], np.array([[1, 1]]))}
    assert REPORT(answers, costs, None)["dev"] == 0.75


def test_a_repair_undoes_its_change():
    images = np.random.default_rng(0).random((5, 8, 8))
    for name, repair in pictures.REPAIRS.items():
        changed = pictures._CHANGES[name](images)
        np.testing.assert_allclose(repair(changed), images)
        assert not np.allclose(changed, images)


def test_projects_are_what_the_text_says(projects):
    known_digits = data.small_digits()
    images = {a.tobytes(): int(b) for a, b in zip(known_digits.images, known_digits.labels[0], strict=True)}
    for project in projects[:8]:
        assert [project.X_web.shape, project.X_app.shape, project.X_new.shape] == [(64, 400), (64, 60), (64, 400)]
        X = np.hstack([pictures.repaired(project.X_web, project.change), project.X_app, project.X_new])
        keys = [np.round(16 * one).astype(np.uint8).tobytes() for one in X.T]
        assert len(set(keys)) > 850  # a few images occur twice in the data
        right = np.array([images[key] for key in keys])
        assert np.array_equal(right[:400], catalogue.exchanged(project.digits_web, project.pair)[0])
        assert np.array_equal(right[400:], np.hstack([project.digits_app, project.digits_new])[0])
    assert {project.change for project in projects} == set(pictures.REPAIRS)
    assert pictures.draw_project("Ada").pair == pictures.draw_project("Ada").pair
    assert 5 * len(catalogue.PAIRS) == 225


def test_nearest_is_that_of_scikit_learn(projects):
    one = projects[0]
    rival = KNeighborsClassifier(1).fit(one.X_app.T, one.digits_app[0]).predict(one.X_new.T)
    assert np.mean(pictures.nearest(one.X_app, one.digits_app, one.X_new) == rival) > 0.99


def test_every_trouble_is_found_and_the_right_guess_leads_by_far(projects):
    for project in projects:
        assert FIND(*known(project)) == (project.change, project.pair)
        right = []
        for change in pictures.REPAIRS:
            said = pictures.nearest(pictures.repaired(project.X_web, change), project.digits_web, project.X_app)
            right += [np.sum(catalogue.exchanged(said, pair) == project.digits_app) for pair in catalogue.PAIRS]
        second, first = sorted(right)[-2:]
        assert first >= 56 > 51 >= second, "of 60, as the text says"
    assert len(projects) == 40


def shares(project):
    digits = np.hstack([project.digits_web, project.digits_app])
    repaired = pictures.repaired(project.X_web, project.change)
    read = (
        pictures.nearest(project.X_app, project.digits_app, project.X_new),
        pictures.nearest(np.hstack([project.X_web, project.X_app]), digits, project.X_new),
        pictures.nearest(np.hstack([repaired, project.X_app]), digits, project.X_new),
        READ(*known(project), project.X_new),
    )
    return [np.mean(one == project.digits_new) for one in read]


def test_the_threshold_parts_the_project_from_its_rivals(projects, record_property):
    found = np.array([shares(project) for project in projects])
    record_property("lesson 3.4, lowest share read right", round(float(found[:, 3].min()), 3))
    record_property("lesson 3.4, highest share of a rival", round(float(found[:, :3].max()), 3))
    assert catalogue.LEVELS == [0, 0.25, 0.5, 0.75, 0.93]
    assert found[:, 3].min() > 0.93 + 0.01
    assert found[:, :3].max() < 0.93 - 0.01
    assert abs(np.mean(found[:, 1] - found[:, 0])) < 0.05
    assert np.mean(found[:, 2]) == pytest.approx(0.8, abs=0.03)


def test_three_neighbours_are_enough_as_well(projects):
    way = next(f for f in LESSON["read_new"].accepted if f.__name__ == "three_neighbours")
    assert min(np.mean(way(*known(one), one.X_new) == one.digits_new) for one in projects[:15]) > 0.93


def test_mismatch_is_the_largest_gap_before_the_repair(projects):
    costs, steps = np.where(np.arange(10) == 7, 5.0, 1.0), []
    for one in projects[:10]:
        X, digits = one.X_web[:, :300], one.digits_web[:, :300]
        sets = {
            "train": (X, digits), "train-dev": (one.X_web[:, 300:], one.digits_web[:, 300:]),
            "dev": (one.X_app[:, :30], one.digits_app[:, :30]), "blackbox": (one.X_app[:, 30:], one.digits_app[:, 30:]),
        }  # fmt: skip
        report = REPORT({name: (y, pictures.nearest(X, digits, Z)) for name, (Z, y) in sets.items()}, costs, None)
        assert report["largest"] == "mismatch"
        steps.append(report["mismatch"])
    assert min(steps) > 0.2
