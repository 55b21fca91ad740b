"""Lesson 1.7: graphs of networks, functions of earlier lessons, a picture of both ways through a graph, sick runs."""

import ast
import json
from pathlib import Path

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from scipy.special import expit

from helpers.checks.sick import Fault, Run
from helpers.plots import BLUE, GREEN, ORANGE
from helpers.widgets import LiveFigure

# --- graphs -----------------------------------------------------------------------------------------------------------


def network_graph(activations):
    """Return the graph of a network and its cost: a layer for each activation, the last one with the sigmoid function.

    Inputs are X, Y, W1, b1, W2, ..., and the numbers "one" and "scale", which is -1/m. The output is J.
    """
    graph = dict.fromkeys(["X", "Y", "one", "scale"])
    before = "X"
    for l, activation in enumerate(activations, start=1):
        graph |= {f"W{l}": None, f"b{l}": None, f"P{l}": ("matmul", f"W{l}", before)}
        graph |= {f"Z{l}": ("add", f"P{l}", f"b{l}"), f"A{l}": (activation, f"Z{l}")}
        before = f"A{l}"
    return graph | {
        "logA": ("log", before), "T1": ("multiply", "Y", "logA"),
        "notA": ("subtract", "one", before), "logN": ("log", "notA"), "notY": ("subtract", "one", "Y"),
        "T2": ("multiply", "notY", "logN"), "T": ("add", "T1", "T2"),
        "S": ("sum", "T", None, False), "J": ("multiply", "scale", "S"),
    }  # fmt: skip


def network_inputs(parameters, X, Y):
    """Return the inputs of `network_graph`."""
    return {"X": X, "Y": Y, "one": 1.0, "scale": -1 / X.shape[1]} | parameters


def start(sizes, rng):
    """Return random parameters "W1", "b1", ... of a network with these sizes; no bias is 0."""
    parameters = {}
    for l, (n_prev, n) in enumerate(zip(sizes, sizes[1:], strict=False), start=1):
        parameters[f"W{l}"] = rng.standard_normal((n, n_prev)) / np.sqrt(n_prev)
        parameters[f"b{l}"] = 0.3 * rng.standard_normal((n, 1))
    return parameters


def parents(graph, name):
    """Return the names that a node is made from, in their order."""
    return [part for part in (graph[name] or ())[1:] if isinstance(part, str)]


# --- functions of earlier lessons -------------------------------------------------------------------------------------


def _net_forward(X, parameters, hidden):
    kept, A, layers = [], X, len(parameters) // 2
    for l in range(1, layers + 1):
        Z = parameters[f"W{l}"] @ A + parameters[f"b{l}"]
        kept.append(((A, parameters[f"W{l}"], parameters[f"b{l}"]), Z))
        A = expit(Z) if l == layers else hidden(Z)
    return A, kept


def _net_backward(delta, kept, slope):
    """Return the gradients of a network, from the last layer's ``dZ``; ``slope(Z)`` is that of the hidden layers."""
    found, m = {}, delta.shape[1]
    for l in range(len(kept), 0, -1):
        (A, W, _), _ = kept[l - 1]
        found[f"dW{l}"], found[f"db{l}"] = delta.dot(A.T) / m, delta.mean(axis=1)[:, None]
        found[f"dA{l - 1}"] = W.T.dot(delta)
        delta = found[f"dA{l - 1}"] * slope(kept[l - 2][1]) if l > 1 else None
    return found


def _propagate(w, b, X, Y):
    A, kept = _net_forward(X, {"W1": w.T, "b1": np.full((1, 1), b)}, None)
    found = _net_backward(A - Y, kept, None)
    cost = -np.mean(np.where(Y == 1, np.log(A), np.log1p(-A)))
    return {"dw": found["dW1"].T, "db": float(found["db1"][0, 0])}, cost


def _forward_propagation(X, parameters):
    A2, kept = _net_forward(X, parameters, np.tanh)
    return A2, {"Z1": kept[0][1], "A1": kept[1][0][0], "Z2": kept[1][1], "A2": A2}


def _backward_propagation(parameters, cache, X, Y):
    kept = [((X, parameters["W1"], None), cache["Z1"]), ((cache["A1"], parameters["W2"], None), None)]
    found = _net_backward(cache["A2"] - Y, kept, lambda Z: 1 / np.cosh(Z) ** 2)
    return {name: found[name] for name in ("dW1", "db1", "dW2", "db2")}


#: By lesson: functions of this module, for who has not solved the lesson.
_SHIPPED = {
    "logistic_regression": {"propagate": _propagate},
    "activations": {
        "sigmoid_derivative": lambda z: expit(z) * expit(-z),
        "tanh_derivative": lambda z: 1 / np.cosh(z) ** 2,
        "relu_derivative": lambda z: np.heaviside(z, 0),
    },
    "shallow_network": {
        "forward_propagation": _forward_propagation,
        "backward_propagation": _backward_propagation,
    },
    "deep_network": {
        "L_model_forward": lambda X, parameters: _net_forward(X, parameters, lambda Z: Z.clip(0)),
        "L_model_backward": lambda AL, Y, caches: _net_backward(AL - Y, caches, lambda Z: np.heaviside(Z, 0)),
    },
}


#: By lesson: a small run of its functions, to see whether they run at all.
_TRIALS = {
    "logistic_regression": lambda f: f["propagate"](np.ones((2, 1)), 0.0, np.eye(2), np.array([[0, 1]])),
    "activations": lambda f: [one(np.array([-1.0, 1.0])) for one in f.values()],
    "shallow_network": lambda f: f["backward_propagation"](
        start((2, 3, 1), np.random.default_rng(0)),
        f["forward_propagation"](np.eye(2), start((2, 3, 1), np.random.default_rng(0)))[1],
        np.eye(2),
        np.array([[0, 1]]),
    ),
    "deep_network": lambda f: (lambda AL, caches: f["L_model_backward"](AL, np.array([[0, 1]]), caches))(
        *f["L_model_forward"](np.eye(2), start((2, 3, 1), np.random.default_rng(0)))
    ),
}


def earlier(lesson, folder="."):
    """Return the functions of an earlier lesson by name, and whose they are: "yours", or "the course's".

    They are yours if the lesson's notebook lies in the folder beside this one, and they run. Of the notebook only
    imports and definitions of functions are run, and only those of its answer cells.
    """
    for path in sorted(Path(folder).resolve().parent.glob(f"[0-9][0-9]_{lesson}/[0-9][0-9]_{lesson}.ipynb")):
        try:
            space = _defined_in(path)
            found = {name: space[name] for name in _SHIPPED[lesson]}
            _TRIALS[lesson](found)
        except Exception:  # not written yet, or broken: its own lesson says why
            continue
        return found, "yours"
    return dict(_SHIPPED[lesson]), "the course's"


def _defined_in(path):
    """Return the functions of a notebook's answer cells by name; they share one namespace."""
    kept = ast.FunctionDef, ast.Import, ast.ImportFrom
    space = {"np": np, "sigmoid": expit, "progress": lambda iterable, **_: iterable}
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("solution") and cell["cell_type"] == "code":
            tree = ast.parse("".join(cell["source"]))
            tree.body = [node for node in tree.body if isinstance(node, kept)]
            exec(compile(tree, str(path), "exec"), space)
    return space


# --- the way back, in three ways --------------------------------------------------------------------------------------

WAYS = ("reverse order", "pre-order", "overwriting")


def first_met(graph, output):
    """Return the names that an output needs in the order in which one first meets them on the way back."""
    order, stack = [], [output]
    while stack:
        name = stack.pop()
        if name not in order:
            order.append(name)
            stack += parents(graph, name)[::-1]
    return order


def walk(graph, values, output, topological_order, send_back, way=WAYS[0]):
    """Return what happens on the way back, node by node: ``(name, its sum, parts by edge, all sums after it)``.

    An edge is ``(name, place among its parents)``. `way` is one of `WAYS`; `topological_order` and `send_back` are the
    learner's.
    """
    order = topological_order(graph, output)
    sums = {name: np.zeros(np.shape(values[name])) for name in order} | {output: 1.0}
    steps = []
    for name in first_met(graph, output) if way == "pre-order" else order[::-1]:
        if graph[name] is not None:
            sent = sums[name]
            parts = send_back(graph, values, name, sent)
            for parent, part in zip(parents(graph, name), parts, strict=True):
                sums[parent] = part if way == "overwriting" else sums[parent] + part
            steps.append((name, sent, {(name, i): part for i, part in enumerate(parts)}, dict(sums)))
    return steps


# --- the picture ------------------------------------------------------------------------------------------------------

#: The smallest network of lesson 1.4, its loss from the score; a number in each box.
PICTURE = {
    "x": None, "w1": None, "b1": None, "w2": None, "b2": None, "y": None, "one": None,
    "p1": ("multiply", "w1", "x"), "z1": ("add", "p1", "b1"), "a1": ("tanh", "z1"),
    "p2": ("multiply", "w2", "a1"), "z2": ("add", "p2", "b2"),
    "e": ("exp", "z2"), "s": ("add", "e", "one"), "l": ("log", "s"), "t": ("multiply", "y", "z2"),
    "J": ("subtract", "l", "t"),
}  # fmt: skip
PICTURE_INPUTS = {"x": 2.0, "w1": float(np.log(2) / 2), "b1": 0.0, "w2": 5.0, "b2": -3.0, "y": 1.0, "one": 1.0}
_PLACES = {
    "x": (0, 0.2), "w1": (0, 1.8), "p1": (1.6, 1), "b1": (1.6, 2.6), "z1": (3.2, 1), "a1": (4.8, 1),
    "w2": (4.8, 2.6), "p2": (6.4, 1), "b2": (6.4, 2.6), "z2": (8.0, 1), "e": (9.6, 1.9), "one": (9.6, 3.4),
    "s": (11.2, 1.9), "l": (12.8, 1.9), "y": (9.6, -1.3), "t": (11.2, -0.2), "J": (14.4, 0.9),
}  # fmt: skip
_SIGNS = {"multiply": "·", "add": "+", "subtract": "−"}


class _Boxes:
    """The graph `PICTURE` on an axes: boxes with name, value and gradient, edges with the number that they send."""

    def __init__(self, ax, animated=False):
        ax.set(xlim=(-0.6, 15.0), ylim=(-2.0, 4.1))
        ax.set_axis_off()
        self.boxes, self.texts, self.sent = {}, {}, {}
        for name in PICTURE:
            for i, parent in enumerate(parents(PICTURE, name)):
                (x0, y0), (x1, y1) = _PLACES[parent], _PLACES[name]
                ax.plot([x0, x1], [y0, y1], color="gray", linewidth=0.9, zorder=1)
                self.sent[name, i] = ax.text(
                    (x0 + x1) / 2, (y0 + y1) / 2, "", fontsize=7, ha="center", va="center", color=BLUE, zorder=4,
                    animated=animated,
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
                )  # fmt: skip
        for name, (x, y) in _PLACES.items():
            self.boxes[name] = ax.add_patch(
                plt.Rectangle((x - 0.5, y - 0.55), 1.0, 1.1, zorder=2, edgecolor="black", animated=animated)
            )
            self.texts[name] = ax.text(x, y, "", fontsize=7, ha="center", va="center", zorder=3, animated=animated)

    def show(self, values, sums, sent, wrong, now=None):
        """Fill in values and sums by name, numbers by edge; mark the boxes that went wrong and the one at work."""
        for name, box in self.boxes.items():
            node = PICTURE[name]
            rule = "" if node is None else f" {_SIGNS.get(node[0], node[0])}"
            lines = [name + rule, f"{values[name]:.3g}" if name in values else ""]
            lines.append(f"d {sums[name]:.3g}" + (" !" if name in wrong else "") if name in sums else "")
            self.texts[name].set_text("\n".join(lines))
            box.set(facecolor=ORANGE if name in wrong else "#CFE6F5" if name in values else "white")
            box.set(linewidth=2.2 if name == now else 0.8, linestyle="--" if name in wrong else "-")
        for edge, text in self.sent.items():
            text.set_text(f"{sent[edge]:.3g}" if edge in sent else "")
            text.set_visible(edge in sent)


def draw_small(ax):
    """Draw the graph of e = b · c, c = b + a, b = a · a on an axes."""
    ax.set(xlim=(-0.6, 7), ylim=(-1.4, 1.4))
    ax.set_axis_off()
    look = {"ha": "center", "va": "center", "bbox": {"facecolor": "#CFE6F5", "edgecolor": "black", "pad": 6}}
    places = {"a": (0, 0), "b = a · a": (2, 0.9), "c = b + a": (4, -0.9), "e = b · c": (6, 0)}
    a, b, c, e = (ax.text(*place, name, **look) for name, place in places.items())
    ax.figure.canvas.draw()  # the boxes of the texts are known from here on
    for one, other, bend in ((a, b, 0.25), (a, b, -0.25), (b, c, 0), (a, c, 0), (b, e, 0), (c, e, 0)):
        arrow = {"arrowstyle": "->", "connectionstyle": f"arc3,rad={bend}"}
        patches = {"patchA": one.get_bbox_patch(), "patchB": other.get_bbox_patch(), "shrinkA": 0, "shrinkB": 0}
        ax.annotate("", other.get_position(), one.get_position(), arrowprops=arrow | patches)


def _states(evaluate, topological_order, send_back, way):
    """Return all states of the picture: arguments of `_Boxes.show`, and a sentence."""
    values = evaluate(PICTURE, PICTURE_INPUTS, "J")
    right = walk(PICTURE, values, "J", topological_order, send_back)[-1][3]
    known = dict(PICTURE_INPUTS)
    states = [(dict(known), {}, {}, (), None, "The inputs are known. Move the slider: first forward, then backward.")]
    for name in topological_order(PICTURE, "J"):
        if PICTURE[name] is not None:
            known[name] = float(values[name])
            rule = f"{PICTURE[name][0]} of {' and '.join(parents(PICTURE, name))}"
            states.append((dict(known), {}, {}, (), name, f"Forward: {name} is the {rule}, {known[name]:.3g}."))
    states.append((known, {"J": 1.0}, {}, (), "J", "The way back begins: the derivative of J by itself is 1."))
    wrong, sent = [], {}
    steps = walk(PICTURE, values, "J", topological_order, send_back, way)
    for number, (name, given, parts, sums) in enumerate(steps, start=1):
        sent = sent | {edge: float(part) for edge, part in parts.items()}
        wrong = wrong + ([name] if not np.isclose(given, right[name]) else [])
        if number == len(steps):
            wrong = wrong + [one for one in sums if one not in wrong and not np.isclose(sums[one], right[one])]
        reached = {one: float(value) for one, value in sums.items() if one == "J" or value != 0 or number == len(steps)}
        told = " and ".join(
            f"{part:.3g} to {parent}" for part, parent in zip(parts.values(), parents(PICTURE, name), strict=True)
        )
        said = f"Backward, {way}: {name} has {float(given):.3g} and sends {told}."
        said += f" Wrong: {', '.join(wrong)}." if wrong else ""
        states.append((known, reached, sent, tuple(wrong), name, said))
    return states


def draw(ax, evaluate, topological_order, send_back, way=WAYS[0]):
    """Draw the finished graph on an axes and return the names of the boxes that are wrong."""
    *shown, _, _ = _states(evaluate, topological_order, send_back, way)[-1]
    _Boxes(ax).show(*shown)
    return shown[3]


def there_and_back(evaluate, topological_order, send_back):
    """Return the picture: a graph, step by step forward and backward, in one of three ways.

    Parameters
    ----------
    evaluate, topological_order : callable
        The learner's.
    send_back : callable
        ``send_back(graph, values, name, dout)``, which uses the learner's rules.
    """
    states = {way: _states(evaluate, topological_order, send_back, way) for way in WAYS}
    figure, ax = plt.subplots(figsize=(9.2, 3.6), layout="none")
    figure.subplots_adjust(0, 0, 1, 1)
    boxes = _Boxes(ax, animated=True)
    last = len(states[WAYS[0]]) - 1

    def update(way, step):
        *shown, said = states[way][step]
        boxes.show(*shown)
        return f"Step {step} of {last}. {said}"

    return LiveFigure(
        figure,
        update,
        way=ipywidgets.Dropdown(options=WAYS, value=WAYS[0], description="way back"),
        step=ipywidgets.IntSlider(value=last, min=0, max=last, description="step"),
    )


# --- runs to diagnose -------------------------------------------------------------------------------------------------

FAULTS = (
    Fault(
        "gradients are left over from the step before",
        "the ratios are 1 at the first step and far from it at the last",
        "begin each call with zeros, in a new dict",
    ),
    Fault(
        "a node that is used twice keeps one gradient alone",
        "all ratios are off at the first step already, each array by another amount or with a large spread",
        "add what arrives: write + where = stands",
    ),
    Fault(
        "the gradients of copied numbers are averaged",
        "the ratios of b1 and b2 are 1/m at every step, those of W1 and W2 are 1",
        "sum over the axes that broadcasting has stretched",
    ),
    Fault(
        "the output begins with its value",
        "all ratios are one and the same number, the cost of that step",
        "begin with the gradient 1 at the output",
    ),
    Fault(
        "the learning rate is too large",
        "all ratios are 1 at every step, and the cost jumps",
        "divide the learning rate by 10",
    ),
)


def points(m, rng):
    """Return X (2, m) and Y (1, m): a ring of points with label 1 around points with label 0."""
    Y = rng.integers(2, size=(1, m))
    radius, angle = 0.7 + 1.1 * Y[0] + 0.25 * rng.standard_normal(m), rng.uniform(0, 2 * np.pi, m)
    return np.array([radius * np.cos(angle), radius * np.sin(angle)]), Y


def sick_run(rng, evaluate, topological_order, send_back, steps=60, which=None):
    """Train a network with an engine in which one of `FAULTS` is planted, and return the `Run`.

    Parameters
    ----------
    rng : Generator
    evaluate, topological_order, send_back : callable
        The learner's engine.
    steps : int
    which : int, optional
        The fault; by default `rng` chooses.
    """
    which = int(rng.integers(len(FAULTS))) if which is None else which
    X, Y = points(60, rng)
    graph, parameters = network_graph(["tanh", "sigmoid"]), start((2, 4, 1), rng)
    names, left, costs, ratios = list(parameters), {}, [], []
    rate = rng.uniform(6, 10) if which == 4 else 0.3
    with np.errstate(all="ignore"):
        for _ in range(steps):
            values = evaluate(graph, network_inputs(parameters, X, Y), "J")
            costs.append(float(values["J"]))
            right = walk(graph, values, "J", topological_order, send_back)[-1][3]
            found = walk(graph, values, "J", topological_order, send_back, WAYS[2 if which == 1 else 0])[-1][3]
            grads = {name: found[name] for name in names}
            if which == 0:
                grads = left = {name: grads[name] + left.get(name, 0) for name in names}
            if which == 2:
                grads |= {name: grads[name] / X.shape[1] for name in ("b1", "b2")}
            if which == 3:
                grads = {name: costs[-1] * grads[name] for name in names}
            ratios.append([float(np.sum(grads[name] * right[name]) / np.sum(right[name] ** 2)) for name in names])
            parameters = {name: parameters[name] - rate * grads[name] for name in names}
    said = [
        "; ".join(f"{name} {one:.2g}" for name, one in zip(names, row, strict=True)) for row in (ratios[0], ratios[-1])
    ]
    words = (
        f"The cost is {costs[0]:.3f} at the start and {costs[-1]:.3f} after {steps - 1} steps, m = {X.shape[1]}; it "
        f"rose in {np.sum(np.diff(costs) > 1e-9)} of them. The run's gradient over the right one, at the first step: "
        f"{said[0]}. At the last step: {said[1]}."
    )
    figure, (left_side, right_side) = plt.subplots(1, 2, figsize=(7.2, 2.6))
    left_side.plot(costs, color=BLUE)
    left_side.set(xlabel="step", ylabel="J", title="cost")
    for i, (name, style) in enumerate(zip(names, ("-", "--", "-.", ":"), strict=True)):
        right_side.plot([row[i] for row in ratios], style, color=(BLUE, ORANGE, GREEN, "black")[i], label=name)
    right_side.set(xlabel="step", title="gradient of the run over the right one")
    right_side.legend(fontsize=8)
    plt.close(figure)
    return Run(figure, words, FAULTS, which)
