"""Lesson 1.7, an engine that differentiates: rules and engine against autograd, by hand, earlier lessons, pictures."""

import itertools
import json
import time

import autograd
import autograd.numpy as anp
import machine
import nbformat
import numpy as np
import pytest

from helpers import courses, exercises, notebooks
from helpers.checks import views
from helpers.exercises.course1_nn import automatic_differentiation as catalogue
from helpers.widgets import automatic_differentiation as pictures

LESSON = exercises.load("automatic_differentiation").exercises
ENGINE = (LESSON["evaluate"], LESSON["topological_order"], catalogue.send_back)
#: What autograd computes for each operation.
THEIRS = {
    "add": anp.add, "subtract": anp.subtract, "multiply": anp.multiply, "matmul": anp.matmul, "exp": anp.exp,
    "sum": lambda a, axis, keepdims: anp.sum(a, axis=axis, keepdims=keepdims), "log": anp.log, "tanh": anp.tanh,
    "sigmoid": lambda a: 1 / (1 + anp.exp(-a)), "relu": lambda a: anp.maximum(a, 0),
}  # fmt: skip
SHAPES = [((2, 1), (1, 3)), ((3, 4), (3, 1)), ((3, 4), (4,)), ((), (3, 2)), ((2, 3), (2, 3)), ((2, 2, 3), (2, 1))]


def theirs_of(graph, output):
    """Return a function of the inputs, in autograd's words: each node computed by calling for its parts."""

    def value(name, inputs):
        if graph[name] is None:
            return inputs[name]
        operation, *parts = graph[name]
        return THEIRS[operation](*(value(part, inputs) if isinstance(part, str) else part for part in parts))

    return lambda inputs: value(output, inputs)


def numerical(function, inputs, name, h=1e-6):
    """Return the central differences of a function of a dict of arrays by one of them."""
    found = np.zeros(np.shape(inputs[name]))
    for index in np.ndindex(found.shape):
        step = np.zeros(found.shape)
        step[index] = h
        up, down = (function(inputs | {name: inputs[name] + side * step}) for side in (1, -1))
        found[index] = (up - down) / (2 * h)
    return found


def graphs(rng):
    """Return ``(graph, inputs, output)`` of graphs of all kinds."""
    X, Y = pictures.points(7, rng)
    deep = pictures.start((2, 4, 3, 1), rng)
    some, output = catalogue.any_graph(rng, 3, 9)
    return [
        (catalogue.SMALL, {"a": 3.0}, "e"),
        (some, catalogue.numbers(rng, some), output),
        (catalogue.long_and_short(["a", "x", "g", "h", "f", "o"]), {"a": 0.7}, "o"),
        (catalogue.network(), catalogue.network_inputs(rng, 3, 4, 2, 5), "J"),
        (catalogue.log_softmax(), {"Z": rng.normal(size=(3, 4)), "T": rng.normal(size=(3, 4))}, "J"),
        (catalogue.rows(), {"Z": rng.normal(size=(3, 4)), "c": rng.normal(size=(3,))}, "J"),
        (pictures.network_graph(["relu", "tanh", "sigmoid"]), pictures.network_inputs(deep, X, Y), "J"),
    ]


def agree(ours, theirs):
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-14)


# --- the rules -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", ["add", "subtract", "multiply"])
@pytest.mark.parametrize("shapes", SHAPES)
def test_pairs_match_automatic_and_numerical_gradients(operation, shapes):
    rng = np.random.default_rng(1)
    a, b = (rng.normal(size=shape) for shape in shapes)
    dout = rng.normal(size=np.broadcast_shapes(*shapes))
    total = lambda given: anp.sum(THEIRS[operation](given["a"], given["b"]) * dout)
    ours = LESSON["add_multiply_backward"](operation, dout, a, b)
    theirs = autograd.grad(total)({"a": a, "b": b})
    for one, name, value in zip(ours, "ab", (a, b), strict=True):
        assert np.shape(one) == np.shape(value)
        agree(one, theirs[name])
        np.testing.assert_allclose(one, numerical(total, {"a": a, "b": b}, name), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("shapes", SHAPES)
def test_unbroadcast_is_the_gradient_of_broadcasting(shapes):
    rng = np.random.default_rng(2)
    for shape in shapes:
        value, gradient = rng.normal(size=shape), rng.normal(size=np.broadcast_shapes(*shapes))
        total = lambda given, gradient=gradient: anp.sum(given["a"] * gradient)
        agree(LESSON["unbroadcast"](gradient, shape), autograd.grad(total)({"a": value})["a"])
        np.testing.assert_allclose(
            LESSON["unbroadcast"](gradient, shape), numerical(total, {"a": value}, "a"), rtol=1e-6, atol=1e-7
        )


def test_products_match_automatic_and_numerical_gradients():
    rng = np.random.default_rng(3)
    for p, q, r in ((2, 3, 4), (1, 3, 2), (3, 3, 3), (4, 1, 1)):
        given, dout = {"a": rng.normal(size=(p, q)), "b": rng.normal(size=(q, r))}, rng.normal(size=(p, r))
        total = lambda one, dout=dout: anp.sum((one["a"] @ one["b"]) * dout)
        ours, theirs = LESSON["matmul_backward"](dout, **given), autograd.grad(total)(given)
        for one, name in zip(ours, "ab", strict=True):
            agree(one, theirs[name])
            np.testing.assert_allclose(one, numerical(total, given, name), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("axis", [0, 1, 2, -1, None])
@pytest.mark.parametrize("keepdims", [True, False])
def test_sums_match_automatic_and_numerical_gradients(axis, keepdims):
    rng = np.random.default_rng(4)
    a = rng.normal(size=(3, 3, 2))
    dout = rng.normal(size=np.sum(a, axis=axis, keepdims=keepdims).shape)
    total = lambda given: anp.sum(anp.sum(given["a"], axis=axis, keepdims=keepdims) * dout)
    ours = LESSON["sum_backward"](dout, a, axis, keepdims)
    agree(ours, autograd.grad(total)({"a": a})["a"])
    np.testing.assert_allclose(ours, numerical(total, {"a": a}, "a"), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("operation", ["exp", "log", "tanh", "sigmoid", "relu"])
def test_functions_match_automatic_and_numerical_gradients(operation):
    rng = np.random.default_rng(5)
    a, dout = rng.normal(size=(4, 5)), rng.normal(size=(4, 5))
    a = np.abs(a) + 0.2 if operation == "log" else a
    total = lambda given: anp.sum(THEIRS[operation](given["a"]) * dout)
    ours = LESSON["elementwise_backward"](operation, dout, a, catalogue.FORWARD[operation](a))
    agree(ours, autograd.grad(total)({"a": a})["a"])
    np.testing.assert_allclose(ours, numerical(total, {"a": a}, "a"), rtol=1e-5, atol=1e-7)


# --- the engine ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("which", range(7))
def test_engine_matches_automatic_and_numerical_gradients(which, seed):
    graph, inputs, output = graphs(np.random.default_rng(seed))[which]
    needed = LESSON["topological_order"](graph, output)
    inputs = {name: np.asarray(value, dtype=float) for name, value in inputs.items() if name in needed}
    values = LESSON["evaluate"](graph, inputs, output)
    cost = theirs_of(graph, output)
    assert values[output] == pytest.approx(cost(inputs), rel=1e-12)
    ours, theirs = LESSON["backward"](graph, values, output), autograd.grad(cost)(inputs)
    assert set(ours) == set(needed)
    for name, value in inputs.items():
        assert np.shape(ours[name]) == np.shape(value)
        agree(ours[name], theirs[name])
    for name in list(inputs)[:3]:
        far = np.linalg.norm(ours[name] - numerical(cost, inputs, name))
        assert far <= 1e-6 * (1 + np.linalg.norm(ours[name]))


@pytest.mark.parametrize("seed", range(3))
def test_gradients_of_nodes_on_the_way_are_those_of_inputs_in_their_place(seed):
    graph, inputs, output = graphs(np.random.default_rng(seed))[3]
    values = LESSON["evaluate"](graph, inputs, output)
    ours = LESSON["backward"](graph, values, output)
    for name in LESSON["topological_order"](graph, output)[:-1]:
        cut = theirs_of(graph | {name: None}, output)
        agree(ours[name], autograd.grad(lambda one, name=name, cut=cut: cut(values | {name: one}))(values[name]))


def test_numbers_by_hand():
    values = LESSON["evaluate"](catalogue.SMALL, {"a": 3.0}, "e")
    assert values == {"a": 3, "b": 9, "c": 12, "e": 108}
    gradients = LESSON["backward"](catalogue.SMALL, values, "e")
    assert {name: float(one) for name, one in gradients.items()} == {"a": 135, "b": 21, "c": 9, "e": 1}
    assert 4 * 3**3 + 3 * 3**2 == 135
    da, db = LESSON["add_multiply_backward"]("add", np.ones((2, 3)), np.zeros((2, 1)), np.zeros((1, 3)))
    assert da.tolist() == [[3], [3]]
    assert db.tolist() == [[2, 2, 2]]


def test_pre_order_is_wrong_or_right_by_the_order_of_the_factors():
    for first, found in (("b", 81), ("c", 135)):
        graph = catalogue.diamond("abce", first)
        values = LESSON["evaluate"](graph, {"a": 3.0}, "e")
        steps = pictures.walk(graph, values, "e", LESSON["topological_order"], catalogue.send_back, "pre-order")
        assert steps[-1][3]["a"] == found
        assert catalogue.in_pre_order(graph, values, "e")["a"] == found


def test_the_slips_of_the_box_do_not_show_in_a_tree():
    """Each name is used once: overwriting, sending for each use, first visits and distance all give the same."""
    graph = dict.fromkeys("abcd") | {"s": ("add", "a", "b"), "t": ("exp", "c"), "u": ("multiply", "t", "d")}
    graph["o"] = ("multiply", "s", "u")
    values = LESSON["evaluate"](graph, {"a": 0.3, "b": 1.2, "c": -0.4, "d": 2.0}, "o")
    right = LESSON["backward"](graph, values, "o")
    shared = LESSON["evaluate"](catalogue.SMALL, {"a": 3.0}, "e")
    slips = ("overwritten", "sent_for_each_use", "in_pre_order", "by_distance")
    for slip in (getattr(catalogue, name) for name in slips):
        assert {name: float(one) for name, one in slip(graph, values, "o").items()} == pytest.approx(right)
    for slip in (getattr(catalogue, name) for name in slips):
        assert slip(catalogue.SMALL, shared, "e")["a"] != 135


def test_the_view_of_an_order_counts_what_is_wrong():
    view = lambda names: views.order(names, {"graph": catalogue.SMALL})
    for names, times, late in (
        ("abce", [1, 1, 1, 1], [0, 0, 0, 0]), ("ebac", [1, 1, 1, 1], [0, 1, 0, 2]), ("abbc", [1, 2, 1, 0], [0, 0, 0, 0]),
    ):  # fmt: skip
        found = view(list(names))
        assert found["times"].tolist() == times
        assert found["late"].tolist() == late
    assert view(["a", "z"])["unknown"] == 1


def test_the_class_of_the_notebook_gives_the_gradients_of_autograd():
    cells = {cell.id: cell.source for cell in notebooks.read(courses.find("automatic_differentiation").path).cells}
    space = {"itertools": itertools, "FORWARD": catalogue.FORWARD, "backward": LESSON["backward"]}
    for name in ("tensor_class", "tensor_operators"):
        exec(cells[name], space)
    rng = np.random.default_rng(6)
    X, Y = pictures.points(9, rng)
    net = pictures.start((2, 3, 1), rng)

    def cost(given, new):
        A1 = new.tanh(given["W1"] @ X + given["b1"])
        Z2 = given["W2"] @ A1 + given["b2"]
        return new.sum(new.log(new.exp(Z2) + 1.0) - Z2 * Y)

    given = {name: space["Tensor"](value) for name, value in net.items()}
    A1 = (given["W1"] @ X + given["b1"]).tanh()
    Z2 = given["W2"] @ A1 + given["b2"]
    total = ((Z2.exp() + 1.0).log() - Z2 * Y).sum()
    assert total.value == pytest.approx(cost(net, np))
    gradient, theirs = total.backward(), autograd.grad(lambda one: cost(one, anp))(net)
    for name, tensor in given.items():
        agree(gradient(tensor), theirs[name])


# --- earlier lessons -------------------------------------------------------------------------------------------------


def test_gradients_by_hand_and_of_the_engine_agree(tmp_path):
    """The course's functions and the references of lessons 2 to 5 give what the engine gives, over five seeds."""
    largest = 0.0
    for seed in range(5):
        rng = np.random.default_rng(seed)
        X, Y = pictures.points(400, rng)
        net = pictures.start((2, 4, 1), rng)
        graph = pictures.network_graph(["tanh", "sigmoid"])
        assert len(graph) == 23
        values = LESSON["evaluate"](graph, pictures.network_inputs(net, X, Y), "J")
        engine = LESSON["backward"](graph, values, "J")
        for functions in (
            exercises.load("shallow_network").exercises,
            pictures.earlier("shallow_network", tmp_path / "none")[0],
        ):
            A2, cache = functions["forward_propagation"](X, net)
            hand = functions["backward_propagation"](net, cache, X, Y)
            hand["dZ1"] = net["W2"].T @ (A2 - Y) * (1 - cache["A1"] ** 2)
            largest = max(largest, *(np.abs(hand[f"d{name}"] - engine[name]).max() for name in net))
            assert max(LESSON["compare_gradients"](hand, engine, 400).values()) < 1e-12
            np.testing.assert_allclose(hand["dZ1"] / engine["Z1"], 400, rtol=1e-9)
    assert largest < 1e-15


def test_the_course_s_functions_are_those_of_the_references(tmp_path):
    rng = np.random.default_rng(0)
    X, Y = pictures.points(20, rng)
    load = lambda lesson: (pictures.earlier(lesson, tmp_path / "none")[0], exercises.load(lesson).exercises)
    w, b = rng.normal(size=(2, 1)), 0.3
    (mine, mine_J), (theirs, theirs_J) = (one["propagate"](w, b, X, Y) for one in load("logistic_regression"))
    agree(mine["dw"], theirs["dw"])
    agree([mine["db"], mine_J], [theirs["db"], theirs_J])
    for name in ("sigmoid_derivative", "tanh_derivative", "relu_derivative"):
        agree(*(one[name](X) for one in load("activations")))
    net = pictures.start((2, 4, 3, 1), rng)
    mine, theirs = (
        one["L_model_backward"](AL, Y, caches)
        for one in load("deep_network")
        for AL, caches in [one["L_model_forward"](X, net)]
    )
    for name in theirs:
        agree(mine[name], theirs[name])


def test_earlier_takes_what_a_learner_has_written_and_what_runs(tmp_path):
    """A solved notebook is used, an open one and a broken one are not; nothing but definitions of it is run."""
    source = nbformat.read(courses.find("shallow_network").path, as_version=4)
    here, there = tmp_path / "07_automatic_differentiation", tmp_path / "04_shallow_network"
    here.mkdir()
    there.mkdir()

    def whose(change):
        notebook = json.loads(nbformat.writes(source))
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                cell["source"] = change(cell["id"], "".join(cell["source"]))
        (there / "04_shallow_network.ipynb").write_text(json.dumps(notebook))
        return pictures.earlier("shallow_network", here)

    functions, found = whose(lambda name, text: text + f"\nopen({str(tmp_path / 'ran')!r}, 'w')")
    assert found == "yours"
    assert not (tmp_path / "ran").exists()
    assert functions["forward_propagation"].__code__.co_filename.endswith("04_shallow_network.ipynb")
    stub = "def forward_propagation(X, parameters):\n    raise NotImplementedError()"
    for text in (stub, stub.replace("raise NotImplementedError()", "return unknown"), "def forward_propagation("):
        found = whose(lambda name, old, text=text: text if name == "forward_propagation" else old)[1]
        assert found == "the course's"
    assert pictures.earlier("shallow_network", tmp_path / "none" / "none")[1] == "the course's"


# --- pictures and runs -----------------------------------------------------------------------------------------------


def test_the_picture_answers_to_its_controls_in_time():
    picture = pictures.there_and_back(*ENGINE)
    way, step = picture.controls["way"], picture.controls["step"]
    said = lambda: picture.children[-1].value
    assert "p1 has -1.6 and sends -3.2 to w1" in said()
    assert "Wrong" not in said()
    way.value = "pre-order"
    assert "Wrong: z2, p2, a1, z1, p1, w2, w1, x, b1, b2." in said()
    step.value = 0
    assert "The inputs are known" in said()
    step.value = 6
    assert "Forward:" in said()
    images, begin = set(), time.process_time()
    for value in range(step.max + 1):
        step.value = value
        images.add(picture._image.value)
    assert len(images) == step.max + 1
    assert (time.process_time() - begin) / (step.max + 1) < machine.seconds(0.1)


def test_the_numbers_of_the_picture_are_those_of_lesson_4():
    values = LESSON["evaluate"](pictures.PICTURE, pictures.PICTURE_INPUTS, "J")
    found = LESSON["backward"](pictures.PICTURE, values, "J")
    by_hand = {"w1": -3.2, "b1": -1.6, "w2": -0.3, "b2": -0.5, "z2": -0.5}
    assert {name: float(found[name]) for name in by_hand} == pytest.approx(by_hand)
    steps = pictures.walk(
        pictures.PICTURE, values, "J", LESSON["topological_order"], catalogue.send_back, "overwriting"
    )
    assert float(steps[-1][3]["z2"]) in (pytest.approx(0.5), pytest.approx(-1.0))


@pytest.mark.parametrize("which", range(len(pictures.FAULTS)))
def test_runs_look_as_their_faults_say(which):
    """Over five seeds, from the ratios that the run tells."""
    for seed in range(5):
        run = pictures.sick_run(np.random.default_rng(seed), *ENGINE, which=which)
        costs, first, last = told(run.words)
        assert run.which == which
        ones = lambda row: all(abs(one - 1) < 0.005 for one in row)
        if which == 0:
            assert ones(first)
            assert max(abs(one - 1) for one in last) > 0.5
        elif which == 1:
            assert max(abs(one - 1) for one in first) > 0.2
            assert np.ptp(first) > 0.2
        elif which == 2:
            for row in (first, last):
                assert ones([row[0], row[2]])
                assert [row[1], row[3]] == pytest.approx([1 / 60] * 2, rel=0.05)
        elif which == 3:
            for row, cost in ((first, costs[0]), (last, costs[1])):
                assert row == pytest.approx([cost] * 4, rel=0.02)
        else:
            assert ones(first)
            assert ones(last)
            assert int(run.words.split("rose in ")[1].split()[0]) >= 8


def told(words):
    """Return the costs at the start and the end, and the ratios of the first and the last step, from a run's words."""
    numbers = lambda text: [float(one.split()[1]) for one in text.rstrip(".").split("; ")]
    head, first, last = words.replace(" At the last step: ", "|").replace("at the first step: ", "|").split("|")
    costs = float(head.split("cost is ")[1].split()[0]), float(head.split(" and ")[1].split()[0])
    return costs, numbers(first), numbers(last)
