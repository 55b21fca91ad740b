"""Lesson 2.10: gradients, prediction and steps against other implementations, the walks, the thresholds, the claims."""


import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer

from helpers import courses, exercises, notebooks
from helpers.checks.views import share, walks
from helpers.exercises.course2_tuning import training_loop as catalogue
from helpers.widgets import training_loop as pictures

LESSON = exercises.load("training_loop").exercises
GRADIENTS, PREDICT, TRAIN, READ = (
    LESSON[name].reference for name in ("cost_and_gradients", "predict", "train", "read_digits")
)
NAMES = ("W1", "gamma", "beta", "W2", "b2")


def drawn(seed, n_x=4, n_h=5, C=3, m=7):
    rng = np.random.default_rng(seed)
    return catalogue.net_of(rng, n_x, n_h, C), rng.normal(size=(n_x, m)), np.eye(C)[:, rng.integers(C, size=m)]


def cost_of(arrays, X, Y):
    """Return the cost by autograd's NumPy, written from the text."""
    W1, gamma, beta, W2, b2 = arrays
    Z = anp.dot(W1, X)
    C = Z - anp.mean(Z, axis=1, keepdims=True)
    hidden = anp.maximum(0, gamma * C / anp.sqrt(anp.mean(C**2, axis=1, keepdims=True) + 1e-5) + beta)
    S = anp.dot(W2, hidden) + b2
    return anp.mean(anp.log(anp.sum(anp.exp(S), axis=0)) - anp.sum(Y * S, axis=0))


def arrays_of(net):
    return [net[name] for name in NAMES]


@pytest.mark.parametrize("seed", range(5))
def test_gradients_match_automatic_ones(seed):
    net, X, Y = drawn(seed)
    J, grads, mu, var = GRADIENTS(net, X, Y)
    assert pytest.approx(cost_of(arrays_of(net), X, Y), rel=1e-12) == J
    for name, gradient in zip(NAMES, autograd.grad(cost_of)(arrays_of(net), X, Y), strict=True):
        np.testing.assert_allclose(grads[name], gradient, rtol=1e-8, atol=1e-11)
    np.testing.assert_allclose(mu[:, 0], (net["W1"] @ X).mean(axis=1))
    np.testing.assert_allclose(var[:, 0], (net["W1"] @ X).var(axis=1))


def test_prediction_matches_scikit_learn():
    """After training, normalisation is a scale and a shift: a plain network with these weights gives the same."""
    net, X, _ = drawn(0)
    scale = net["gamma"] / np.sqrt(net["var"] + 1e-5)
    plain = MLPClassifier(activation="relu")
    plain.n_layers_, plain.n_outputs_, plain.out_activation_ = 3, 3, "softmax"
    plain.coefs_ = [(scale * net["W1"]).T, net["W2"].T]
    plain.intercepts_ = [(net["beta"] - scale * net["mean"])[:, 0], net["b2"][:, 0]]
    np.testing.assert_allclose(PREDICT(net, X), plain._forward_pass_fast(X.T, check_input=False).T, rtol=1e-9)


@pytest.mark.parametrize(("m", "size"), [(7, 3), (6, 3), (5, 8)])
def test_training_follows_scikit_learns_adam_with_automatic_gradients(m, size):
    net, X, Y = drawn(1, m=m)
    end, costs = TRAIN(net, X, Y, 3, size, 0.05, np.random.default_rng(7))
    rng, arrays = np.random.default_rng(7), [array.copy() for array in arrays_of(net)]
    adam, averages, expected = AdamOptimizer(arrays, 0.05), [net["mean"], net["var"]], []
    for _ in range(3):
        order = rng.permutation(m)
        for columns in np.split(order, range(size, m, size)):
            expected.append(cost_of(arrays, X[:, columns], Y[:, columns]))
            Z = arrays[0] @ X[:, columns]
            averages = [
                0.9 * old + 0.1 * new(Z, axis=1, keepdims=True)
                for old, new in zip(averages, (np.mean, np.var), strict=True)
            ]
            adam.update_params(arrays, autograd.grad(cost_of)(arrays, X[:, columns], Y[:, columns]))
    np.testing.assert_allclose(costs, expected, rtol=1e-4)
    for array, name in zip([*arrays, *averages], (*NAMES, "mean", "var"), strict=True):
        np.testing.assert_allclose(end[name], array, rtol=1e-3, atol=1e-4)


def test_numbers_by_hand():
    small = LESSON["train"].small
    J, _, mu, var = GRADIENTS(small["net"], small["X"], small["Y"])
    assert (mu.item(), var.item()) == (3, 4)
    assert pytest.approx((np.log(2) + np.log1p(np.exp(-6))) / 2, abs=1e-5) == J
    end, costs = TRAIN(*small.values())
    assert len(costs) == 1
    np.testing.assert_allclose(end["b2"], [[-0.1], [0.1]], rtol=1e-5)
    np.testing.assert_allclose((end["mean"].item(), end["var"].item()), (1.2, 4))


# --- the walks ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1, 987654321])
def test_every_walk_ends_at_a_place_of_its_own_and_is_found(seed):
    (arguments,) = (one for _, one in LESSON["train"].cases(seed) if catalogue.train_judge(**one))
    given = catalogue.train_judge(**arguments)["given"]
    ends = given["ends"]
    # One of four examples is left for the second mini-batch, or stands in the first, or there are two and two.
    assert np.bincount(given["kind"]).tolist() == [0, 4**3, 4**3, 6**3]
    apart = np.max(np.abs(ends[:, None] - ends[given["kind"] == 1]), axis=2)
    assert np.all(apart[: 4**3] + np.eye(4**3) > 1e-4)
    assert np.all(apart[4**3 :] > 1e-4)
    for _ in range(20):
        found = walks(TRAIN(*arguments.values()), arguments, **given)
        assert (found["weights"], found["averages"]) == (1, 1)
        assert np.sort(found["batch"]).tolist() == [[0, 0, 0, 1]] * 3
    for kind, mistake in ((2, catalogue.smaller_batch_first), (3, catalogue.even_mini_batches)):
        assert walks(mistake(*arguments.values()), arguments, **given)["weights"] == kind


def test_a_share_is_rounded_down_to_its_level():
    labels = np.array([[1, 2, 3, 4]])
    for wrong, level in ((0, 0.9), (1, 0.3), (2, 0.3), (3, 0)):
        given = labels + (np.arange(4) < wrong)
        assert share(given, {}, labels=labels, levels=[0, 0.3, 0.9]) == {"right": level}
    with pytest.raises(ValueError, match="shape"):
        share(labels[0], {}, labels=labels, levels=[0, 0.9])


# --- the thresholds ----------------------------------------------------------------------------------------------------


def shares(read, seed):
    """Return the shares of right digits: of one label, and mixed."""
    found = []
    for _, arguments in LESSON["read_digits"].cases(seed):
        labels = catalogue.digits_judge(**arguments)["given"]["labels"]
        given = arguments | {"rng": np.random.default_rng(seed)}
        found.append(np.mean(np.reshape(read(*given.values()), (-1,)) == labels[0]))
    return found


RIGHT_WAYS = {
    "reference": {},
    "64 units": {"n_h": 64, "epochs": 8, "size": 32},
    "16 units": {"n_h": 16, "epochs": 30, "size": 100, "rate": 0.03},
    "small start": {"spread": 0.1},
    "gradient descent": {"rate": 0.5, "training": catalogue.plain_gradient_descent},
}


@pytest.mark.parametrize("way", RIGHT_WAYS)
def test_right_ways_of_reading_stay_clear_of_the_threshold(way):
    """Ten starts and splits each: the threshold lies four standard deviations below their mean, or more."""
    found = np.array([shares(lambda *a: catalogue.read_with(*a, **RIGHT_WAYS[way]), seed) for seed in range(10)])
    for values, threshold in zip(found.T, (catalogue.ALIKE[-1], catalogue.MIXED[-1]), strict=True):
        assert values.min() > threshold + 0.02
        assert values.mean() - 4 * values.std(ddof=1) > threshold


def test_usual_wrong_ways_of_reading_stay_below():
    batch = {"reading": catalogue.statistics_of_the_batch}
    for seed in range(10):
        assert shares(lambda *a: catalogue.read_with(*a, **batch), seed)[0] < catalogue.ALIKE[-1]  # noqa: B023
        others = shares(lambda X, labels, *a: catalogue.labels_of_other_digits(X, labels, *a), seed)
        assert others[0] < catalogue.ALIKE[-1]
        assert others[1] < catalogue.MIXED[1]  # as good as guessing
        slow = shares(lambda *a: catalogue.read_with(*a, rate=1e-4), seed)
        assert slow[1] < catalogue.MIXED[-1]


# --- the lesson's runs -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lesson():
    """The cells of sections 4 and 5, with the reference functions."""
    cells = {cell.id: cell.source for cell in notebooks.read(courses.find("training_loop").path).cells}

    class Check:
        def __init__(self):
            self.came_out = {}

        def compare(self, name, value):
            self.came_out[name] = int(value)

    space = {"np": np, "pictures": pictures, "progress": lambda items, **_: items, "check": Check()}
    space |= {name: one.reference for name, one in LESSON.items()}
    names = ["load_digits", "restarted_run", "never_run", "softmax_run", "descend", "rivals_run", "rivals_reading"]
    for name in names:
        exec(cells[name], space)
    return space


def test_claims_of_the_lesson(lesson):
    """Restarting Adam changes little, stale averages cost much, and each trained network beats softmax regression."""
    assert lesson["check"].came_out["restarted"] == 0
    assert lesson["check"].came_out["never"] == 1
    assert lesson["check"].came_out["rivals"] == 1
    for found in lesson["test"].values():
        assert np.all(found > lesson["softmax_test"])
    assert lesson["lower"] == 5  # Adam's training cost, in five starts of five
    assert len(lesson["seeds"]) == 5


def test_numbers_of_the_exercise():
    """About 600 digits to learn from, 400 mixed ones and 40 of one label to read; 90 % and 60 % must be right."""
    sizes = [(one["X"].shape[1], one["X_new"].shape[1]) for _, one in LESSON["read_digits"].cases(0)]
    assert sizes == [(600, 40), (600, 400)]
    assert (100 * catalogue.MIXED[-1], 100 * catalogue.ALIKE[-1]) == (90, 60)


def test_softmax_regression_would_pass():
    found = []
    for seed in range(10):
        _, arguments = LESSON["read_digits"].cases(seed)[1]
        labels = catalogue.digits_judge(**arguments)["given"]["labels"]
        fitted = LogisticRegression(C=0.3).fit(arguments["X"].T, arguments["labels"][0])
        found.append(np.mean(fitted.predict(arguments["X_new"].T) == labels[0]))
    assert np.mean(found) > catalogue.MIXED[-1] + 0.02


def test_parts_of_the_digits_share_none():
    digits = pictures.digits()
    assert [digits[place].shape for place in (0, 2, 4)] == [(196, 3000), (196, 1000), (196, 1000)]
    columns = np.hstack([digits.X_train, digits.X_dev, digits.X_test]).T
    assert len(np.unique(columns, axis=0)) == 5000
    assert 0 <= columns.min() < columns.max() <= 1


@pytest.mark.parametrize("which", range(len(pictures.FAULTS)))
def test_each_fault_looks_as_it_is_said_to(which):
    for seed in range(2):
        run = pictures.sick_run(np.random.default_rng(seed), TRAIN, PREDICT, which)
        costs = [float(one) for one in run.words.split("are ")[1].split(";")[0].split(", ")]
        sizes = [float(run.words.split("first weights is ")[1].split(" ")[0])]
        sizes.append(float(run.words.split("start and ")[1].split(" ")[0]))
        new = int(run.words.split("of new digits: ")[1].split("%")[0])
        assert run.which == which
        if which == 0:
            assert costs[-1] < 2.15
            assert new < 25
        elif which == 1:
            assert costs[-1] > np.log(10)
            assert sizes[1] > 20 * sizes[0]
        elif which == 2:
            assert costs[0] - costs[-1] < 0.3
            assert abs(sizes[1] / sizes[0] - 1) < 0.05
        elif which == 3:
            assert costs[-1] < 0.3
            assert new < 90
            assert "running variance is 1.00" in run.words
        else:
            assert sizes == [0, 0]
            assert abs(costs[-1] - np.log(10)) < 0.02
