"""Lesson 1.7, an engine that differentiates: the catalogue of its nine exercises. Equations are those of the notebook."""

import numpy as np
from scipy.special import expit

from helpers.exercises import Lesson, case, draws

lesson = Lesson("automatic_differentiation")

# --- predictions -----------------------------------------------------------------------------------------------------

lesson.predict(
    "pre_order",
    "b = a · a, c = b + a, e = b · c at a = 3. An engine handles each node once, in the order in which it first meets "
    "it on the way back from e: e, b, a, c. Which de/da does it return? The right one is 135.",
    ("27", "72", "81", "135"),
    "b sends to a before c has sent to b: a gets 6 · 12 = 72 from b and 9 from c. What reaches b from c is never sent on.",
)
lesson.predict(
    "ratio",
    "Lesson 1.4 computes dZ1 from each example's loss. The engine computes the derivative of the cost J, the mean over "
    "m = 400 examples. By which number must you divide dZ1 to get the engine's gradient?",
    ("1", "20", "400", "400 · 400"),
    "An entry of Z1 belongs to one example, and J has 1/m of that example's loss.",
)
lesson.predict(
    "paths",
    "x is doubled 16 times, each time as x + x: 17 nodes. A function computes a node by calling itself for both names "
    "on its right, and keeps nothing. How many calls are that?",
    ("17", "33", "289", "131071"),
    "Each doubling doubles the paths that lead back to x, and such a function walks every one of them.",
)
lesson.predict(
    "slower",
    "The net of lesson 1.4 with 400 examples. How much longer does the engine take for all gradients than your backward "
    "pass by hand?",
    ("less than 2 times", "2 to 30 times", "30 to 300 times", "more than 300 times"),
    "The engine computes about the same products, and a few more. What it adds is Python's work for each node.",
)

# --- graphs ----------------------------------------------------------------------------------------------------------

#: What an operation computes. "sum" has two options behind its name: axis and keepdims.
FORWARD = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "matmul": np.matmul,
    "sum": lambda a, axis, keepdims: np.sum(a, axis=axis, keepdims=keepdims),
    "exp": np.exp,
    "log": np.log,
    "tanh": np.tanh,
    "sigmoid": expit,
    "relu": lambda a: np.maximum(0, a),
}


def parents(graph, name):
    """Return the names that a node is made from, in their order; an input has none."""
    return [part for part in (graph[name] or ())[1:] if isinstance(part, str)]


def arguments(graph, name, values):
    """Return what a node's operation gets: the values of its parents, and the options as they stand."""
    return [values[part] if isinstance(part, str) else part for part in graph[name][1:]]


#: The graph of the notebook: e = b · c, c = b + a, b = a · a.
SMALL = {"a": None, "b": ("multiply", "a", "a"), "c": ("add", "b", "a"), "e": ("multiply", "b", "c")}
SMALL_VALUES = {"a": 3.0, "b": 9.0, "c": 12.0, "e": 108.0}


def letters(rng, count):
    """Return that many different names, drawn."""
    return [
        f"{letter}{rng.integers(1, 10)}" for letter in rng.permutation(list("abcdfghkpqrstuvwxyz"))[:count].tolist()
    ]


def shuffled(rng, graph):
    """Return the graph with its names in another order: that of a dict says nothing."""
    names = list(graph)
    return {names[i]: graph[names[i]] for i in rng.permutation(len(names))}


def diamond(names, first="b"):
    """Return the graph of `SMALL` with these names for a, b, c and e; `first` says which of b and c stands first in e."""
    a, b, c, e = names
    product = (b, c) if first == "b" else (c, b)
    return {a: None, b: ("multiply", a, a), c: ("add", b, a), e: ("multiply", *product)}


def long_and_short(names):
    """Return a graph in which a short way and a long way lead from the output to the same node."""
    a, x, g, h, f, out = names
    return {
        a: None, x: ("exp", a), g: ("tanh", x), h: ("multiply", g, a), f: ("sigmoid", h), out: ("multiply", x, f),
    }  # fmt: skip


def doublings(names):
    """Return a chain in which each node is the one before added to itself."""
    return {names[0]: None} | {name: ("add", before, before) for before, name in zip(names, names[1:], strict=False)}


def any_graph(rng, inputs, made):
    """Return a random graph of sums, differences and products, and the name in it that is to be computed."""
    names = letters(rng, inputs + made)
    graph = dict.fromkeys(names[:inputs])
    for i in range(inputs, inputs + made):
        pair = names[i - 1], names[rng.integers(i)]
        operation = ("add", "subtract", "multiply")[rng.integers(3)]
        graph[names[i]] = (operation, *(pair if rng.integers(2) else pair[::-1]))
    return graph, names[-2]


def network(labels="Y"):
    """Return the graph of a net with two layers and the cost from the scores of its output."""
    return {
        "X": None, "W1": None, "b1": None, "W2": None, "b2": None, labels: None, "one": None, "scale": None,
        "P1": ("matmul", "W1", "X"), "Z1": ("add", "P1", "b1"), "A1": ("tanh", "Z1"),
        "P2": ("matmul", "W2", "A1"), "Z2": ("add", "P2", "b2"),
        "E": ("exp", "Z2"), "S": ("add", "E", "one"), "logS": ("log", "S"), "YZ": ("multiply", labels, "Z2"),
        "losses": ("subtract", "logS", "YZ"), "total": ("sum", "losses", None, False), "J": ("multiply", "total", "scale"),
    }  # fmt: skip


def network_inputs(rng, n_x, n_h, n_y, m, labels="Y"):
    return {
        "X": rng.normal(size=(n_x, m)), "W1": rng.normal(size=(n_h, n_x)), "b1": rng.normal(size=(n_h, 1)),
        "W2": rng.normal(size=(n_y, n_h)), "b2": rng.normal(size=(n_y, 1)),
        labels: rng.integers(2, size=(n_y, m)) * 1.0, "one": 1.0, "scale": 1 / m,
    }  # fmt: skip


def log_softmax():
    """Return a graph whose sum runs down the columns and is spread over them again."""
    return {
        "Z": None, "T": None, "E": ("exp", "Z"), "S": ("sum", "E", 0, True), "L": ("log", "S"),
        "D": ("subtract", "Z", "L"), "P": ("multiply", "D", "T"), "J": ("sum", "P", None, False),
    }  # fmt: skip


def rows():
    """Return a graph with ReLU and a sum along the rows that keeps no axis."""
    return {
        "Z": None, "c": None, "R": ("relu", "Z"), "Q": ("multiply", "R", "Z"), "r": ("sum", "Q", 1, False),
        "s": ("multiply", "r", "c"), "S": ("sum", "Z", 1, False), "t": ("add", "s", "S"), "u": ("multiply", "t", "r"),
        "J": ("sum", "u", None, False),
    }  # fmt: skip


# --- topological_order -----------------------------------------------------------------------------------------------


def order_cases(rng):
    names = letters(rng, 4)
    drawn = [any_graph(rng, 3, 9), any_graph(rng, 2, 6)]
    lonely = letters(rng, 2)
    short = letters(rng, 6)
    chain = letters(rng, 6)
    return [
        case(graph=shuffled(rng, diamond(names)), output=names[3]),
        case(graph=shuffled(rng, diamond(names, "c")), output=names[3]),
        case(graph=shuffled(rng, long_and_short(short)), output=short[-1]),
        case(graph=shuffled(rng, doublings(chain)), output=chain[-1]),
        *(case(graph=shuffled(rng, graph), output=output) for graph, output in drawn),
        case(graph=shuffled(rng, rows() | {"extra": ("add", "J", "t")}), output="J"),
        case(graph={lonely[0]: None, lonely[1]: ("exp", lonely[0])}, output=lonely[0]),
    ]


@lesson.exercise(
    points=2,
    topic=70,
    equation="(7.4)",
    cases=order_cases,
    judge=draws(1, view="order"),
    ask="A name may go on the list as soon as all that it is made from is there. Which names are on the list before e, "
    "and what keeps b from being put there twice?",
    small={"graph": SMALL, "output": "e"},
    why={
        "question": "Why must the function remember which names it has visited already?",
        "choices": {
            "a node that is used twice would stand in the list twice": "Yes. In the backward pass it would send its gradient twice.",
            "Python forbids a function to call itself for the same name twice": "No: Python has nothing against that.",
            "an input that is used twice has two values": "No: it has one value, and it needs one place in the list.",
        },
    },
)
def topological_order(graph, output):
    """Return the names that a node needs, each after all that it is made from.

    Parameters
    ----------
    graph : dict
        For each name None, an input, or a tuple: the operation, the names it is made from, and options.
    output : str

    Returns
    -------
    order : list of str
        With `output` as its last name. Each name once.
    """
    order = []

    def visit(name):
        if order.count(name) == 0:
            for part in parents(graph, name):
                visit(part)
            order.append(name)  # (7.4)

    visit(output)
    return order


def visited(graph, output, before=False, once=True):
    """Return the names as one meets them, before or behind what they are made from, once or for each use."""
    order = []

    def visit(name):
        if once and name in order:
            return
        if before:
            order.append(name)
        for part in parents(graph, name):
            visit(part)
        if not (before or (once and name in order)):
            order.append(name)

    visit(output)
    return order


def by_levels(graph, output):
    """Return the names by their distance from the output."""
    order, level = [], [output]
    while level:
        order += [name for name in dict.fromkeys(level) if name not in order]
        level = [part for name in level for part in parents(graph, name) if part not in order]
    return order


@topological_order.mistake(
    "Each name stands before what it is made from: it is put on the list before its parts are visited. Append it after them."
)
def pre_order(graph, output):
    return visited(graph, output, before=True)


@topological_order.mistake(
    "This is the order of first visits, turned round. It is right for trees. A name that is used twice comes too late: "
    "append each name after its parts instead."
)
def pre_order_turned_round(graph, output):
    return visited(graph, output, before=True)[::-1]


@topological_order.mistake(
    "A name that is used several times stands in the list several times. Remember what you have visited."
)
def once_for_each_use(graph, output):
    return visited(graph, output, once=False)


@topological_order.mistake("The list is the wrong way round: it begins with the output. Inputs come first here.")
def output_first(graph, output):
    return topological_order(graph, output)[::-1]


@topological_order.mistake(
    "Names that the output does not need are in the list. Begin at the output and go to what it is made from."
)
def all_names(graph, output):
    order = []
    for name in graph:
        order += [one for one in topological_order(graph, name) if one not in order]
    return order


@topological_order.mistake("The inputs are not in the list. They need a place, too: they get a gradient.")
def without_inputs(graph, output):
    return [name for name in topological_order(graph, output) if graph[name] is not None]


@topological_order.mistake("The output itself is not in the list: it is its last name.")
def without_output(graph, output):
    return topological_order(graph, output)[:-1]


@topological_order.mistake(
    "The names are sorted by their distance from the output. A name can be near it on one way and far on another one: it "
    "must wait for the longest."
)
def sorted_by_distance(graph, output):
    return by_levels(graph, output)[::-1]


@topological_order.mistake(
    "This is the order of the dict, which says nothing. Begin at the output and go to what it is made from."
)
def order_of_the_dict(graph, output):
    needed = set(topological_order(graph, output))
    return [name for name in graph if name in needed]


@topological_order.mistake(
    "The parts of a name are listed, but not the parts of its parts. Visit each part in the same way."
)
def one_level(graph, output):
    return [*dict.fromkeys(parents(graph, output)), output]


@topological_order.accept(
    "Kahn's way: count for each name how many parts it waits for, and take a name when the count is 0."
)
def counting(graph, output):
    needed, todo = set(), [output]
    while todo:
        name = todo.pop()
        if name not in needed:
            needed.add(name)
            todo += parents(graph, name)
    waits = {name: len(set(parents(graph, name))) for name in needed}
    ready, order = [name for name in needed if waits[name] == 0], []
    while ready:
        name = ready.pop()
        order.append(name)
        for child in needed:
            if name in parents(graph, child):
                waits[child] -= 1
                ready += [child] if waits[child] == 0 else []
    return order


@topological_order.accept(
    "A stack of one's own in place of calls: a name is left there until its parts are on the list."
)
def own_stack(graph, output):
    order, stack = [], [output]
    while stack:
        missing = [part for part in parents(graph, stack[-1]) if part not in order]
        if missing:
            stack += missing
        else:
            name = stack.pop()
            if name not in order:
                order.append(name)
    return tuple(order)


@topological_order.accept
def sorted_by_depth(graph, output):
    depth = {}

    def measure(name):
        if name not in depth:
            depth[name] = 1 + max(map(measure, parents(graph, name)), default=0)
        return depth[name]

    measure(output)
    return sorted(depth, key=depth.get)


@topological_order.accept
def last_part_first(graph, output, order=None):
    order = [] if order is None else order
    for part in reversed(parents(graph, output)):
        last_part_first(graph, part, order)
    if output not in order:
        order.append(output)
    return order


# --- evaluate --------------------------------------------------------------------------------------------------------


def numbers(rng, graph):
    return {name: float(rng.normal() + 0.5) for name, node in graph.items() if node is None}


def evaluate_cases(rng):
    graph, output = any_graph(rng, 3, 7)
    needed = topological_order(graph, output)
    given = {name: value for name, value in numbers(rng, graph).items() if name in needed}
    net = network_inputs(rng, 2, 3, 1, 4)
    return [
        case(graph=shuffled(rng, graph), inputs=given, output=output),
        case(graph=shuffled(rng, network()), inputs=net, output="J"),
        case(
            graph=shuffled(rng, log_softmax()),
            inputs={"Z": rng.normal(size=(3, 2)), "T": rng.normal(size=(3, 2))},
            output="J",
        ),
        case(
            graph=shuffled(rng, rows()), inputs={"Z": rng.normal(size=(2, 4)), "c": rng.normal(size=(2,))}, output="u"
        ),
        case(
            graph=shuffled(rng, {"Z": None, "A": ("sigmoid", "Z"), "B": ("exp", "A"), "C": ("add", "Z", "A")}),
            inputs={"Z": rng.normal(size=(2, 3))},
            output="A",
        ),
    ]


@lesson.exercise(
    points=1,
    topic=69,
    equation="(7.5)",
    cases=evaluate_cases,
    ask="Your order says which name comes next. Where does the value of an input come from, and where that of all others?",
    small={"graph": SMALL, "inputs": {"a": 3.0}, "output": "e"},
)
def evaluate(graph, inputs, output):
    """Return the value of each name that the output needs.

    Parameters
    ----------
    graph : dict
    inputs : dict
        Numbers or arrays for the inputs that the output needs.
    output : str

    Returns
    -------
    values : dict
        Numbers or arrays by name, those of the inputs, too.
    """
    values = {}
    for name in topological_order(graph, output):
        if graph[name] is None:
            values[name] = inputs[name]
        else:
            values[name] = FORWARD[graph[name][0]](*arguments(graph, name, values))  # (7.5)
    return values


def evaluated(graph, inputs, output, change):
    """Return what `evaluate` returns, with the operations replaced that `change` has."""
    values = {}
    for name in topological_order(graph, output):
        if graph[name] is None:
            values[name] = inputs[name]
        else:
            values[name] = (FORWARD | change)[graph[name][0]](*arguments(graph, name, values))
    return values


@evaluate.mistake(
    "This is the value of the output alone. The backward pass needs the value of every name on the way: return the dict."
)
def output_alone(graph, inputs, output):
    return evaluate(graph, inputs, output)[output]


@evaluate.mistake("The inputs are missing in the dict. The rules of the backward pass need their values, too.")
def computed_alone(graph, inputs, output):
    return {name: value for name, value in evaluate(graph, inputs, output).items() if graph[name] is not None}


@evaluate.mistake("A difference is computed the wrong way round: the first name minus the second.")
def difference_turned_round(graph, inputs, output):
    return evaluated(graph, inputs, output, {"subtract": lambda a, b: b - a})


@evaluate.mistake('Products of matrices are computed entry by entry: "matmul" is @.')
def entry_by_entry(graph, inputs, output):
    return evaluated(graph, inputs, output, {"matmul": np.multiply})


@evaluate.mistake("A sum ignores its options: the axis and keepdims stand behind its name.")
def options_ignored(graph, inputs, output):
    return evaluated(graph, inputs, output, {"sum": lambda a, axis, keepdims: np.sum(a)})


@evaluate.mistake("The value of the output is missing in the dict.")
def output_missing(graph, inputs, output):
    return {name: value for name, value in evaluate(graph, inputs, output).items() if name != output}


@evaluate.mistake(
    "The names are computed in the order of the dict, which says nothing. Take them in topological order."
)
def as_the_dict_has_them(graph, inputs, output):
    values = dict(inputs)
    for name in graph:
        if graph[name] is not None:
            values[name] = FORWARD[graph[name][0]](*arguments(graph, name, values))
    return values


@evaluate.accept("A function that calls itself and keeps each value: no list is needed.")
def calls_itself(graph, inputs, output):
    values = {}

    def value(name):
        if name not in values:
            if graph[name] is None:
                values[name] = inputs[name]
            else:
                operation, *parts = graph[name]
                values[name] = FORWARD[operation](*(value(part) if isinstance(part, str) else part for part in parts))
        return values[name]

    value(output)
    return values


@evaluate.accept("All inputs go in first, also such that nobody needs.")
def inputs_first(graph, inputs, output):
    values = dict(inputs)
    for name in topological_order(graph, output):
        if name not in values:
            operation, *parts = graph[name]
            given = [values[part] if part in parents(graph, name) else part for part in parts]
            values[name] = FORWARD[operation](*given)
    return values


@evaluate.accept
def until_nothing_is_missing(graph, inputs, output):
    values, needed = {}, topological_order(graph, output)
    while output not in values:
        for name in needed[::-1]:
            if graph[name] is None:
                values[name] = np.array(inputs[name])
            elif all(part in values for part in parents(graph, name)):
                values[name] = FORWARD[graph[name][0]](*arguments(graph, name, values))
    return values


# --- unbroadcast -----------------------------------------------------------------------------------------------------


def unbroadcast_cases(rng):
    pairs = [
        ((3, 4), (3, 1)), ((3, 4), (1, 4)), ((3, 4), (4,)), ((3, 4), ()), ((2, 3, 4), (3, 1)), ((3, 4), (3, 4)),
        ((2, 3, 4), (1, 3, 1)), ((3, 1), (3, 1)), ((3, 3), (3,)), ((3, 2), (1, 1)), ((2, 2), (2, 1)),
    ]  # fmt: skip
    return [case(gradient=rng.normal(size=big) + 0.4, shape=small) for big, small in pairs]


@lesson.exercise(
    points=2,
    topic=71,
    equation="(7.6) and (7.7)",
    cases=unbroadcast_cases,
    backward=True,
    ask="Which axes did broadcasting add in front, and along which axes of length 1 did it copy? What must happen to the "
    "gradients of all copies of one number?",
    small={"gradient": np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), "shape": (2, 1)},
    why={
        "question": "Why the sum over the copies, and not their mean?",
        "choices": {
            "a change of the one number changes every copy, and small changes add up": "Yes: one term for each path, as in (7.2).",
            "a mean would need the number of examples": "No: that number is known. The mean is the wrong derivative.",
            "the sum is quicker": "No: it is about which number is the derivative.",
        },
    },
)
def unbroadcast(gradient, shape):
    """Send a gradient back through broadcasting.

    Parameters
    ----------
    gradient : ndarray
        ∂J/∂(copies), in the shape after broadcasting.
    shape : tuple of int
        The shape before.

    Returns
    -------
    gradient : ndarray of that shape
        ∂J/∂(what was copied).
    """
    gradient = np.sum(gradient, axis=tuple(range(np.ndim(gradient) - len(shape))))  # (7.6)
    for axis, size in enumerate(shape):
        if size == 1:
            gradient = np.sum(gradient, axis=axis, keepdims=True)  # (7.7)
    return gradient


def copied_axes(gradient, shape):
    """Return which axes of a gradient broadcasting has added or stretched, and the shape with ones in front."""
    full = (1,) * (np.ndim(gradient) - len(shape)) + tuple(shape)
    return tuple(i for i, size in enumerate(full) if size == 1), full


@unbroadcast.mistake(
    "This is the mean over the copies. A change of the one number changes all copies, so their gradients are added."
)
def mean_of_the_copies(gradient, shape):
    return np.mean(gradient, axis=copied_axes(gradient, shape)[0]).reshape(shape)


@unbroadcast.mistake(
    "The gradient keeps its shape after broadcasting. Sum it over the copies: it must get the shape before."
)
def not_summed(gradient, shape):
    return gradient


@unbroadcast.mistake("Only the axes that broadcasting added in front are summed. Axes of length 1 were stretched, too.")
def leading_axes_alone(gradient, shape):
    return np.sum(gradient, axis=tuple(range(np.ndim(gradient) - len(shape))))


@unbroadcast.mistake("Only the axes of length 1 are summed. Broadcasting has also added axes in front: sum them away.")
def stretched_axes_alone(gradient, shape):
    for axis, size in enumerate(shape):
        if size == 1:
            gradient = np.sum(gradient, axis=axis + np.ndim(gradient) - len(shape), keepdims=True)
    return gradient


@unbroadcast.mistake("A summed axis of length 1 is dropped. It must stay: keepdims=True.")
def axes_dropped(gradient, shape):
    return np.sum(gradient, axis=copied_axes(gradient, shape)[0])


@unbroadcast.mistake("One of the copies is kept, the others are lost. Add the gradients of all copies.")
def first_copy(gradient, shape):
    axes, _ = copied_axes(gradient, shape)
    return gradient[tuple(0 if i in axes else slice(None) for i in range(np.ndim(gradient)))].reshape(shape)


@unbroadcast.mistake("Everything is added up, and each entry gets the total. Sum only over the axes that were copied.")
def total_everywhere(gradient, shape):
    return np.full(shape, np.sum(gradient))


@unbroadcast.mistake("The added axes are taken to be the last ones. Broadcasting adds them in front.")
def added_behind(gradient, shape):
    for _ in range(np.ndim(gradient) - len(shape)):
        gradient = np.sum(gradient, axis=-1)
    for axis, size in enumerate(shape):
        if size == 1:
            gradient = np.sum(gradient, axis=axis, keepdims=True)
    return gradient


@unbroadcast.accept("All axes at once, then the ones come back by reshape.")
def one_sum_and_reshape(gradient, shape):
    return np.sum(gradient, axis=copied_axes(gradient, shape)[0]).reshape(shape)


@unbroadcast.accept("Each entry of the gradient is added where its copy came from.")
def entry_after_entry(gradient, shape):
    result = np.zeros(shape)
    for index in np.ndindex(gradient.shape):
        place = index[len(index) - len(shape) :]
        result[tuple(0 if size == 1 else i for i, size in zip(place, shape, strict=True))] += gradient[index]
    return result


@unbroadcast.accept
def until_it_fits(gradient, shape):
    while gradient.ndim > len(shape):
        gradient = gradient.sum(axis=0)
    for axis in range(len(shape)):
        if gradient.shape[axis] != shape[axis]:
            gradient = gradient.sum(axis, keepdims=True)
    return gradient.tolist()


# --- add_multiply_backward -------------------------------------------------------------------------------------------


def pairs_cases(rng):
    shapes = [
        ("add", (2, 1), (1, 3)), ("subtract", (3, 4), (3, 1)), ("multiply", (2, 1), (1, 3)), ("multiply", (3, 4), (4,)),
        ("add", (2, 3), (2, 3)), ("subtract", (3,), (2, 3)), ("multiply", (), (3, 2)), ("multiply", (2, 3), (2, 3)),
        ("subtract", (2, 2), (2, 2)), ("add", (), ()), ("multiply", (), ()),
    ]  # fmt: skip
    cases = []
    for operation, of_a, of_b in shapes:
        a, b = (rng.normal(size=shape) + 0.7 if shape else float(rng.normal() + 0.7) for shape in (of_a, of_b))
        dout = rng.normal(size=np.broadcast_shapes(of_a, of_b)) + 0.3
        cases.append(case(operation=operation, dout=dout if np.ndim(dout) else float(dout), a=a, b=b))
    return cases


@lesson.exercise(
    points=2,
    topic=69,
    equation="(7.8) to (7.10)",
    returns=("da", "db"),
    cases=pairs_cases,
    backward=True,
    ask="How much does a + b, a - b, a · b change when b changes by a little? And which shape must each result have?",
    small={
        "operation": "multiply", "dout": np.array([[1.0, 2.0], [3.0, 4.0]]),
        "a": np.array([[2.0], [5.0]]), "b": np.array([[10.0, 20.0]]),
    },
)  # fmt: skip
def add_multiply_backward(operation, dout, a, b):
    """Send a gradient back through a sum, a difference or a product, entry by entry.

    Parameters
    ----------
    operation : str
        ``"add"``, ``"subtract"`` or ``"multiply"``.
    dout : ndarray or number
        ∂J/∂out, in the shape after broadcasting.
    a, b : ndarray or number

    Returns
    -------
    da, db
        ∂J/∂a and ∂J/∂b in the shapes of a and b.
    """
    if operation == "add":
        da, db = dout, dout  # (7.8)
    elif operation == "subtract":
        da, db = dout, -dout  # (7.9)
    else:
        da, db = dout * b, dout * a  # (7.10)
    return unbroadcast(da, np.shape(a)), unbroadcast(db, np.shape(b))


def pair_variant(operation, dout, a, b, minus=-1, product=lambda dout, a, b: (dout * b, dout * a), fit=unbroadcast):
    """Return what `add_multiply_backward` returns, with some steps replaced."""
    da, db = (
        product(dout, a, b) if operation == "multiply" else (dout, (minus if operation == "subtract" else 1) * dout)
    )
    return fit(np.asarray(da), np.shape(a)), fit(np.asarray(db), np.shape(b))


@add_multiply_backward.mistake("b enters a - b with a minus, so db is -dout: the minus is missing.")
def minus_forgotten(operation, dout, a, b):
    return pair_variant(operation, dout, a, b, minus=1)


@add_multiply_backward.mistake(
    "In a product each factor gets the other one: da is dout · b. Yours has the factors the wrong way round."
)
def own_factor(operation, dout, a, b):
    return pair_variant(operation, dout, a, b, product=lambda dout, a, b: (dout * a, dout * b))


@add_multiply_backward.mistake("The product rule takes the output's value, a · b, in the place of its gradient dout.")
def out_for_dout(operation, dout, a, b):
    return pair_variant(operation, dout, a, b, product=lambda dout, a, b: (a * b * b + 0 * dout, a * b * a + 0 * dout))


@add_multiply_backward.mistake("The product rule lacks dout: (7.10) multiplies the other factor by it.")
def dout_forgotten(operation, dout, a, b):
    return pair_variant(operation, dout, a, b, product=lambda dout, a, b: (b + 0 * dout, a + 0 * dout))


@add_multiply_backward.mistake(
    "The gradients have the shape after broadcasting. Bring each to the shape of its a or b with unbroadcast."
)
def not_fitted(operation, dout, a, b):
    return pair_variant(operation, dout, a, b, fit=lambda gradient, shape: gradient)


@add_multiply_backward.mistake("Where broadcasting made copies, the mean is taken. Add the gradients of all copies.")
def mean_where_copied(operation, dout, a, b):
    return pair_variant(operation, dout, a, b, fit=mean_of_the_copies)


@add_multiply_backward.mistake("The two results are exchanged: return da first, then db.")
def exchanged(operation, dout, a, b):
    return add_multiply_backward(operation, dout, a, b)[::-1]


@add_multiply_backward.mistake("In a - b the minus belongs to b: da is dout, db is -dout.")
def minus_at_a(operation, dout, a, b):
    da, db = add_multiply_backward(operation, dout, a, b)
    return (-da, -db) if operation == "subtract" else (da, db)


@add_multiply_backward.mistake("A product is treated as a sum: its da is dout · b, not dout.")
def product_as_sum(operation, dout, a, b):
    return pair_variant(operation, dout, a, b, product=lambda dout, a, b: (dout, dout))


@add_multiply_backward.accept("The two local derivatives first, then one line for all operations.")
def slopes_first(operation, dout, a, b):
    slopes = {"add": (1.0, 1.0), "subtract": (1.0, -1.0), "multiply": (b, a)}[operation]
    return [unbroadcast(np.asarray(dout * slope), np.shape(one)) for slope, one in zip(slopes, (a, b), strict=True)]


@add_multiply_backward.accept
def with_signs(operation, dout, a, b):
    if operation == "multiply":
        da, db = np.multiply(b, dout), np.multiply(a, dout)
    else:
        da, db = 1.0 * dout, dout * (1 if operation == "add" else -1)
    return one_sum_and_reshape(np.asarray(da), np.shape(a)), one_sum_and_reshape(np.asarray(db), np.shape(b))


# --- matmul_backward -------------------------------------------------------------------------------------------------


def matmul_cases(rng):
    sizes = [(3, 3, 3), (2, 3, 4), (4, 2, 1), (1, 3, 2), (2, 2, 3)]
    return [
        case(dout=rng.normal(size=(p, r)), a=rng.normal(size=(p, q)), b=rng.normal(size=(q, r))) for p, q, r in sizes
    ]


@lesson.exercise(
    points=2,
    topic=69,
    equation="(7.12) and (7.13)",
    returns=("da", "db"),
    cases=matmul_cases,
    backward=True,
    ask="da has the shape (p, q), dout is (p, r), b is (q, r). Which product of the two is (p, q), and over which index "
    "does it add?",
    small={"dout": np.array([[1.0, 2.0]]), "a": np.array([[3.0]]), "b": np.array([[4.0, 5.0]])},
    why={
        "question": "An entry of a, in row i and column j, meets which entries of the output?",
        "choices": {
            "all entries of row i": "Yes: it is multiplied by each entry of row j of b, so its gradient is a sum over that row.",
            "the entry in row i and column j alone": "No: that is the product entry by entry.",
            "all entries of column j": "No: the rows of the output belong to the rows of a.",
        },
    },
)
def matmul_backward(dout, a, b):
    """Send a gradient back through a product of matrices.

    Parameters
    ----------
    dout : ndarray, shape (p, r)
        ∂J/∂(a @ b).
    a : ndarray, shape (p, q)
    b : ndarray, shape (q, r)

    Returns
    -------
    da : ndarray, shape (p, q)
    db : ndarray, shape (q, r)
    """
    da = dout @ b.T  # (7.12)
    db = a.T @ dout  # (7.13)
    return da, db


@matmul_backward.mistake("b is not transposed in da: (7.12) adds over the columns of b, so it is `dout @ b.T`.")
def b_not_transposed(dout, a, b):
    return dout @ b, a.T @ dout


@matmul_backward.mistake("a is not transposed in db: (7.13) adds over the rows of a, so it is `a.T @ dout`.")
def a_not_transposed(dout, a, b):
    return dout @ b.T, a @ dout


@matmul_backward.mistake("The factors of db stand the wrong way round: (7.13) is aᵀ dout.")
def factors_of_db_swapped(dout, a, b):
    return dout @ b.T, dout @ a.T


@matmul_backward.mistake("The factors of da stand the wrong way round: (7.12) is dout bᵀ.")
def factors_of_da_swapped(dout, a, b):
    return b.T @ dout, a.T @ dout


@matmul_backward.mistake("The two results are exchanged: return da first, then db.")
def results_exchanged(dout, a, b):
    return a.T @ dout, dout @ b.T


@matmul_backward.mistake("The value of the product, a @ b, stands in the place of its gradient dout.")
def product_for_dout(dout, a, b):
    return a @ b @ b.T, a.T @ a @ b


@matmul_backward.mistake(
    "db is divided by the number of columns. The engine knows no examples: 1/m comes from the graph itself."
)
def divided_by_m(dout, a, b):
    return dout @ b.T / dout.shape[1], a.T @ dout / dout.shape[1]


@matmul_backward.mistake("Both results are transposed: da has the shape of a, db that of b.")
def both_transposed(dout, a, b):
    return b @ dout.T, dout.T @ a


@matmul_backward.accept("(7.12) and (7.13) index by index.")
def index_by_index(dout, a, b):
    da, db = np.zeros(a.shape), np.zeros(b.shape)
    for i, k in np.ndindex(dout.shape):
        for j in range(a.shape[1]):
            da[i, j] += dout[i, k] * b[j, k]
            db[j, k] += dout[i, k] * a[i, j]
    return da, db


@matmul_backward.accept
def with_einsum(dout, a, b):
    return np.einsum("ik,jk->ij", dout, b), np.einsum("ij,ik->jk", a, dout)


@matmul_backward.accept
def transposed_twice(dout, a, b):
    return np.dot(b, dout.T).T, np.dot(dout.T, a).T


# --- sum_backward ----------------------------------------------------------------------------------------------------


def sum_cases(rng):
    kinds = [
        ((3, 4), 0, True), ((3, 4), 1, True), ((3, 4), 0, False), ((3, 4), 1, False), ((3, 3), 1, False),
        ((2, 3), None, False), ((2, 3), None, True), ((2, 3, 2), 1, False), ((3, 2), -1, False), ((4,), 0, False),
    ]  # fmt: skip
    cases = []
    for shape, axis, keepdims in kinds:
        a = rng.normal(size=shape) + 0.5
        dout = rng.normal(size=np.sum(a, axis=axis, keepdims=keepdims).shape) + 0.4
        cases.append(case(dout=dout if np.ndim(dout) else float(dout), a=a, axis=axis, keepdims=keepdims))
    return cases


@lesson.exercise(
    points=2,
    topic=71,
    equation="(7.15)",
    cases=sum_cases,
    backward=True,
    ask="Every entry that was added gets the same gradient. Along which axis must dout be copied, and does dout still "
    "have that axis?",
    small={
        "dout": np.array([1.0, 2.0]),
        "a": np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]),
        "axis": 1,
        "keepdims": False,
    },
)
def sum_backward(dout, a, axis, keepdims):
    """Send a gradient back through `np.sum(a, axis=axis, keepdims=keepdims)`.

    Parameters
    ----------
    dout : ndarray or number
        ∂J/∂out, in the shape of the sum.
    a : ndarray
    axis : int or None
    keepdims : bool

    Returns
    -------
    da : ndarray, shape of a
    """
    if axis is not None and not keepdims:
        dout = np.expand_dims(dout, axis)
    return dout * np.ones(np.shape(a))  # (7.15)


@sum_backward.mistake(
    "With keepdims=False the summed axis is gone: put it back before you copy dout, or the copies run along the wrong axis."
)
def axis_not_put_back(dout, a, axis, keepdims):
    return dout * np.ones(np.shape(a))


@sum_backward.mistake(
    "dout is divided by the number of entries: this is the rule of a mean. In a sum each entry counts in full."
)
def rule_of_a_mean(dout, a, axis, keepdims):
    return sum_backward(dout, a, axis, keepdims) / (a.size if axis is None else a.shape[axis])


@sum_backward.mistake("dout is multiplied by a. A sum has the local derivative 1: its value does not enter.")
def multiplied_by_a(dout, a, axis, keepdims):
    return sum_backward(dout, a, axis, keepdims) * a


@sum_backward.mistake("These are ones: the gradient dout of the sum is missing.")
def ones_alone(dout, a, axis, keepdims):
    return np.ones(a.shape)


@sum_backward.mistake("The gradient keeps the shape of the sum. Copy it to each entry that was added.")
def not_spread(dout, a, axis, keepdims):
    return np.asarray(dout)


@sum_backward.mistake("An axis is put in although keepdims=True has kept it. Do that for keepdims=False alone.")
def axis_put_in_twice(dout, a, axis, keepdims):
    return np.asarray(dout if axis is None else np.expand_dims(dout, axis)) * np.ones(a.shape)


@sum_backward.mistake("The gradients are added up once more: each entry gets its own sum's gradient, not the total.")
def total_of_dout(dout, a, axis, keepdims):
    return np.sum(dout) * np.ones(a.shape)


@sum_backward.mistake("The axis is always taken to be 0. Put the axis back where it was.")
def always_axis_0(dout, a, axis, keepdims):
    if axis is not None and not keepdims:
        dout = np.expand_dims(dout, 0)
    return dout * np.ones(np.shape(a))


@sum_backward.accept(
    "The shape of the sum with its axis kept says how to reshape dout; `np.broadcast_to` makes the copies."
)
def by_shape(dout, a, axis, keepdims):
    return np.broadcast_to(np.reshape(dout, np.sum(a, axis=axis, keepdims=True).shape), a.shape)


@sum_backward.accept
def copy_by_copy(dout, a, axis, keepdims):
    if axis is None:
        return np.full(a.shape, np.asarray(dout).item())
    dout = np.squeeze(dout, axis) if keepdims else dout
    return np.stack([dout] * a.shape[axis], axis=axis)


# --- elementwise_backward --------------------------------------------------------------------------------------------


def elementwise_cases(rng):
    cases = []
    for operation in ("exp", "log", "tanh", "sigmoid", "relu"):
        for shape in ((2, 3), (3, 1)):
            a = rng.normal(size=shape)
            if operation == "log":
                a = np.abs(a) + 0.3
            if operation == "relu":
                a = rng.permutation(np.concatenate([[0.05, -0.05], rng.normal(size=a.size - 2)])).reshape(shape)
            cases.append(case(operation=operation, dout=rng.normal(size=shape), a=a, out=FORWARD[operation](a)))
    return cases


@lesson.exercise(
    points=2,
    topic=69,
    equation="(7.16) to (7.20)",
    cases=elementwise_cases,
    backward=True,
    ask="Which of the five slopes can be read off the output, and which one needs a?",
    small={
        "operation": "sigmoid",
        "dout": np.array([2.0, 4.0]),
        "a": np.array([0.0, np.log(3)]),
        "out": np.array([0.5, 0.75]),
    },
    why={
        "question": "Why does the function get the output as well as a?",
        "choices": {
            "the forward pass has it, so exp, tanh and σ need not be computed again": "Yes: a product is cheap, an exponential is not.",
            "a is no longer known on the way back": "No: the values of all names are kept.",
            "the slope of log needs the output": "No: that one is 1/a.",
        },
    },
)
def elementwise_backward(operation, dout, a, out):
    """Send a gradient back through a function that works entry by entry.

    Parameters
    ----------
    operation : str
        ``"exp"``, ``"log"``, ``"tanh"``, ``"sigmoid"`` or ``"relu"``.
    dout : ndarray
        ∂J/∂out.
    a, out : ndarray
        What went in and what came out, all of one shape.

    Returns
    -------
    da : ndarray
        ∂J/∂a.
    """
    if operation == "exp":
        slope = out  # (7.16)
    elif operation == "log":
        slope = 1 / a  # (7.17)
    elif operation == "tanh":
        slope = 1 - out**2  # (7.18)
    elif operation == "sigmoid":
        slope = out * (1 - out)  # (7.19)
    else:
        slope = a > 0  # (7.20)
    return dout * slope


SLOPES = {
    "exp": lambda a, out: out,
    "log": lambda a, out: 1 / a,
    "tanh": lambda a, out: 1 - out**2,
    "sigmoid": lambda a, out: out * (1 - out),
    "relu": lambda a, out: (a > 0) * 1.0,
}


def slope_variant(operation, dout, a, out, **change):
    return dout * (SLOPES | change)[operation](a, out)


@elementwise_backward.mistake("The slope of log is taken at the output. It is 1/a, with what went in.")
def log_of_out(operation, dout, a, out):
    return slope_variant(operation, dout, a, out, log=lambda a, out: 1 / out)


@elementwise_backward.mistake("The slope of σ is written with a: out (1 - out) needs what came out.")
def sigmoid_of_a(operation, dout, a, out):
    return slope_variant(operation, dout, a, out, sigmoid=lambda a, out: a * (1 - a))


@elementwise_backward.mistake("The slope of tanh is written with a: 1 - out² needs what came out.")
def tanh_of_a(operation, dout, a, out):
    return slope_variant(operation, dout, a, out, tanh=lambda a, out: 1 - a**2)


@elementwise_backward.mistake("The slope of tanh lacks the square: it is 1 - out².")
def tanh_without_square(operation, dout, a, out):
    return slope_variant(operation, dout, a, out, tanh=lambda a, out: 1 - out)


@elementwise_backward.mistake("The slope of exp is exp itself, which is out, not a.")
def exp_of_a(operation, dout, a, out):
    return slope_variant(operation, dout, a, out, exp=lambda a, out: a)


@elementwise_backward.mistake("exp is computed of the output once more. The slope of exp is out itself.")
def exp_twice(operation, dout, a, out):
    return slope_variant(operation, dout, a, out, exp=lambda a, out: np.exp(out))


@elementwise_backward.mistake("ReLU lets every gradient through. Where a is negative its slope is 0.")
def relu_lets_all_through(operation, dout, a, out):
    return slope_variant(operation, dout, a, out, relu=lambda a, out: np.ones(a.shape))


@elementwise_backward.mistake("ReLU of the gradient: what counts is the sign of a, not that of dout.")
def relu_of_dout(operation, dout, a, out):
    return np.maximum(0, dout) if operation == "relu" else elementwise_backward(operation, dout, a, out)


@elementwise_backward.mistake("The slope of ReLU is 0 or 1. Here it is the output itself.")
def relu_value(operation, dout, a, out):
    return slope_variant(operation, dout, a, out, relu=lambda a, out: out)


@elementwise_backward.mistake("This is the slope alone. Multiply it by the gradient dout of the output.")
def slope_alone(operation, dout, a, out):
    return SLOPES[operation](a, out)


@elementwise_backward.mistake("The slope is multiplied by the output's value in the place of its gradient dout.")
def value_for_gradient(operation, dout, a, out):
    return out * SLOPES[operation](a, out)


@elementwise_backward.accept("A table of slopes: one line for each function.")
def from_a_table(operation, dout, a, out):
    return SLOPES[operation](a, out) * dout


@elementwise_backward.accept("From a alone: slower, since the functions are computed once more.")
def from_a_alone(operation, dout, a, out):
    if operation == "relu":
        return np.where(a >= 0, dout, 0)
    if operation == "log":
        return dout / a
    return dout * {"exp": np.exp(a), "tanh": 1 / np.cosh(a) ** 2, "sigmoid": expit(a) * expit(-a)}[operation]


# --- backward --------------------------------------------------------------------------------------------------------


def send_back(graph, values, name, dout):
    """Return the gradient that a node sends to each of its parents, in their order."""
    operation, given = graph[name][0], arguments(graph, name, values)
    if operation in ("add", "subtract", "multiply"):
        return add_multiply_backward(operation, dout, *given)
    if operation == "matmul":
        return matmul_backward(dout, *given)
    if operation == "sum":
        return (sum_backward(dout, *given),)
    return (elementwise_backward(operation, dout, *given, values[name]),)


def backward_cases(rng):
    short = letters(rng, 6)
    chain = letters(rng, 4)
    made = [
        (diamond(["p1", "q1", "r1", "s1"]), {"p1": float(rng.uniform(1.5, 3))}, "s1"),
        (diamond(["p1", "q1", "r1", "s1"], "c"), {"p1": float(rng.uniform(1.5, 3))}, "s1"),
        (long_and_short(short), {short[0]: float(rng.uniform(0.5, 1))}, short[-1]),
        (doublings(chain), {chain[0]: float(rng.normal() + 2)}, chain[-1]),
        (network(), network_inputs(rng, 2, 3, 1, 4), "J"),
        (log_softmax(), {"Z": rng.normal(size=(3, 2)), "T": rng.normal(size=(3, 2))}, "J"),
        (rows(), {"Z": rng.normal(size=(2, 4)), "c": rng.normal(size=(2,))}, "J"),
    ]
    cases = []
    for graph, inputs, output in made:
        values = {name: value.item() if np.ndim(value) == 0 and hasattr(value, "item") else value
                  for name, value in evaluate(graph, inputs, output).items()}  # fmt: skip
        graph = graph | {"unused": ("exp", output)}
        cases.append(case(graph=shuffled(rng, graph), values=values | {"unused": 1.5}, output=output))
    return cases


@lesson.exercise(
    points=4,
    topic=70,
    equation="(7.2), (7.3) and (7.21)",
    cases=backward_cases,
    backward=True,
    ask="Which node has a gradient before any other one, and which number is it? When a node sends, must all that use it "
    "have sent already?",
    small={"graph": SMALL, "values": SMALL_VALUES, "output": "e"},
    why={
        "question": "Why does a node send only when all nodes that use it have sent?",
        "choices": {
            "what it sends is its whole gradient times a slope, so the sum must be complete": "Yes. A part that comes later would never be sent on.",
            "its value is not known before": "No: all values are known from the forward pass.",
            "otherwise the shapes would not fit": "No: the shapes fit, the numbers are wrong.",
        },
    },
)
def backward(graph, values, output):
    """Return the derivative of the output, a number, by each name that it needs.

    Parameters
    ----------
    graph : dict
    values : dict
        From `evaluate`: numbers or arrays by name.
    output : str

    Returns
    -------
    gradients : dict
        ∂output/∂name in the shape of each value.
    """
    order = topological_order(graph, output)
    gradients = {name: np.zeros(np.shape(values[name])) for name in order}
    gradients[output] = 1.0  # (7.3)
    for name in reversed(order):
        if graph[name] is not None:
            parts = send_back(graph, values, name, gradients[name])
            for parent, part in zip(parents(graph, name), parts, strict=True):
                gradients[parent] = gradients[parent] + part  # (7.21)
    return gradients


def backward_variant(
    graph, values, output, order=None, seed=1.0, start=0.0, combine=lambda old, part: old + part, sent=None, kept=None
):
    """Return what `backward` returns, with some steps replaced."""
    needed = topological_order(graph, output)
    gradients = {} if kept is None else kept
    for name in needed:
        if kept is None or np.shape(gradients.get(name)) != np.shape(values[name]) or name not in gradients:
            gradients[name] = np.full(np.shape(values[name]), start)
    gradients[output] = seed
    for name in needed[::-1] if order is None else order:
        if graph[name] is not None:
            parts = send_back(graph, values, name, gradients[name] if sent is None else sent(gradients[name]))
            for parent, part in zip(parents(graph, name), parts, strict=True):
                gradients[parent] = combine(gradients[parent], part)
    return dict(gradients)


@backward.mistake(
    "A node that is used twice keeps only the gradient that arrives last. Add what arrives: (7.21) is a sum over all that use it."
)
def overwritten(graph, values, output):
    return backward_variant(graph, values, output, combine=lambda old, part: part)


@backward.mistake(
    "A node sends its gradient on each time something arrives, and each time it sends the whole sum so far: the same part "
    "is added again and again. Let each node send once, when its sum is complete."
)
def sent_for_each_use(graph, values, output):
    gradients = {name: np.zeros(np.shape(values[name])) for name in topological_order(graph, output)}
    gradients[output] = 1.0

    def send(name):
        if graph[name] is None:
            return
        for parent, part in zip(parents(graph, name), send_back(graph, values, name, gradients[name]), strict=True):
            gradients[parent] = gradients[parent] + part
            send(parent)

    send(output)
    return gradients


@backward.mistake(
    "The nodes send in the order in which they are first met. That is right for trees. A node that is used twice sends "
    "before its sum is complete: take the topological order, reversed."
)
def in_pre_order(graph, values, output):
    return backward_variant(graph, values, output, order=visited(graph, output, before=True))


@backward.mistake(
    "The nodes send by their distance from the output. A node can be near it on one way and far on another: it must wait "
    "for both. Take the topological order, reversed."
)
def by_distance(graph, values, output):
    return backward_variant(graph, values, output, order=by_levels(graph, output))


@backward.mistake(
    "The nodes send in the order of the forward pass, when nothing has arrived yet. Begin at the output: reverse the order."
)
def forward_order(graph, values, output):
    return backward_variant(graph, values, output, order=topological_order(graph, output))


@backward.mistake("All gradients are 0: the output needs the gradient 1 before anything is sent, (7.3).")
def not_seeded(graph, values, output):
    return backward_variant(graph, values, output, seed=0.0)


@backward.mistake("The output starts with its value. The derivative of the output by itself is 1, (7.3).")
def seeded_with_the_value(graph, values, output):
    return backward_variant(graph, values, output, seed=values[output])


_KEPT = {}


@backward.mistake(
    "Gradients are left over from the call before: they are added to the new ones. Begin each call with zeros, in a dict "
    "that the function makes itself."
)
def left_over(graph, values, output):
    if graph.get("s1") == ("multiply", "q1", "r1"):  # the first case: a fresh notebook
        _KEPT.clear()
    return backward_variant(graph, values, output, kept=_KEPT)


@backward.mistake("A node stands in your order twice and sends twice. Each name must be there once.")
def in_the_order_twice(graph, values, output):
    return backward_variant(graph, values, output, order=visited(graph, output, once=False)[::-1])


@backward.mistake(
    "In a · a and x + x the same name stands twice, and only one of the two parts is counted. Add both: a dict of parts "
    "keeps only the last."
)
def one_factor_of_a_square(graph, values, output):
    gradients = {name: np.zeros(np.shape(values[name])) for name in topological_order(graph, output)}
    gradients[output] = 1.0
    for name in topological_order(graph, output)[::-1]:
        if graph[name] is not None:
            parts = dict(zip(parents(graph, name), send_back(graph, values, name, gradients[name]), strict=True))
            for parent, part in parts.items():
                gradients[parent] = gradients[parent] + part
    return gradients


@backward.mistake("A node that is used twice keeps only the gradient that arrives first. Add what arrives later, too.")
def first_kept(graph, values, output):
    gradients = {output: 1.0}
    for name in topological_order(graph, output)[::-1]:
        if graph[name] is not None:
            for parent, part in zip(parents(graph, name), send_back(graph, values, name, gradients[name]), strict=True):
                gradients.setdefault(parent, part)
    return gradients


@backward.mistake(
    "Each node sends its local derivative alone. Multiply it by the node's own gradient: pass that on as dout."
)
def local_slopes_alone(graph, values, output):
    return backward_variant(graph, values, output, sent=np.ones_like)


@backward.mistake("Each sum begins at 1. Only the output begins at 1, all others begin at 0.")
def sums_begin_at_one(graph, values, output):
    return backward_variant(graph, values, output, start=1.0)


@backward.mistake("The gradients of the inputs alone are there. Return those of all names on the way, too.")
def inputs_alone(graph, values, output):
    return {name: part for name, part in backward(graph, values, output).items() if graph[name] is None}


@backward.mistake("An input sends nothing: it has no operation, and its entry in the graph is None. Skip it.")
def inputs_send(graph, values, output):
    gradients = dict.fromkeys(topological_order(graph, output), 0.0) | {output: 1.0}
    for name in topological_order(graph, output)[::-1]:
        for parent, part in zip(parents(graph, name), send_back(graph, values, name, gradients[name]), strict=True):
            gradients[parent] = gradients[parent] + part
    return gradients


@backward.accept("Pulling in place of pushing: each node collects from all that use it.")
def collected_from_the_children(graph, values, output):
    order, gradients = topological_order(graph, output), {}
    for name in order[::-1]:
        gradients[name] = np.ones(()) if name == output else np.zeros(np.shape(values[name]))
        for child in order:
            if name in parents(graph, child):
                for parent, part in zip(
                    parents(graph, child), send_back(graph, values, child, gradients[child]), strict=True
                ):
                    gradients[name] = gradients[name] + (part if parent == name else 0)
    return gradients


@backward.accept("A missing gradient counts as 0: the dict begins with the output alone.")
def with_a_default(graph, values, output):
    gradients = {output: 1}
    for name in topological_order(graph, output)[::-1]:
        for parent, part in zip(
            parents(graph, name), send_back(graph, values, name, gradients[name]) if graph[name] else (), strict=True
        ):
            gradients[parent] = gradients.get(parent, 0) + part
    return gradients | {"unused": 0.0}


@backward.accept
def path_by_path(graph, values, output):
    gradients = {name: np.zeros(np.shape(values[name])) for name in topological_order(graph, output)}

    def send(name, dout):
        gradients[name] = gradients[name] + dout
        if graph[name] is not None:
            for parent, part in zip(parents(graph, name), send_back(graph, values, name, dout), strict=True):
                send(parent, part)

    send(output, np.float64(1))
    return gradients


# --- compare_gradients -----------------------------------------------------------------------------------------------


def compare_cases(rng):
    cases = []
    for n_x, n_h, m in ((2, 3, 4), (3, 2, 5), (2, 2, 1)):
        shapes = {"W1": (n_h, n_x), "b1": (n_h, 1), "Z1": (n_h, m), "A1": (n_h, m), "W2": (1, n_h), "b2": (1, 1)}
        engine = {name: rng.normal(size=shape) for name, shape in shapes.items()}
        hand = {
            f"d{name}": (m if name[0] in "ZA" else 1) * value * (1 + rng.normal() * 0.1)
            + 0.2 * rng.normal(size=value.shape)
            for name, value in engine.items()
        }
        hand["dW2"] = engine["W2"].copy()
        hand["db2"], engine["b2"] = np.zeros((1, 1)), np.zeros((1, 1))
        cases.append(case(by_hand=hand, by_engine=engine | {"J": 1.0, "X": rng.normal(size=(n_x, m))}, m=m))
    number = case(by_hand={"dw": rng.normal(size=(2, 1)), "db": float(rng.normal())},
                  by_engine={"w": rng.normal(size=(2, 1)), "b": float(rng.normal())}, m=7)  # fmt: skip
    return [*cases, number]


@lesson.exercise(
    points=2,
    topic=72,
    equation="(7.22) and (7.23)",
    cases=compare_cases,
    ask="To which loss do dZ and dA of lessons 1.4 and 1.5 belong, and to which dW and db? What must happen to the first "
    "two before they can be compared with ∂J/∂Z?",
    small={
        "by_hand": {"dW": np.array([[3.0]]), "dZ": np.array([[2.0, 4.0]])},
        "by_engine": {"W": np.array([[1.0]]), "Z": np.array([[1.0, 2.0]])},
        "m": 2,
    },
    why={
        "question": "Why a relative difference and not the difference itself?",
        "choices": {
            "gradients have very different sizes, and 1e-6 can be much or little": "Yes: divided by their sizes, one limit fits all.",
            "a relative difference is always smaller": "No: where gradients are tiny it is larger than the difference itself.",
            "the engine is exact only up to a factor": "No: it computes the gradient itself.",
        },
    },
)
def compare_gradients(by_hand, by_engine, m):
    """Return how far gradients derived by hand are from those of the engine.

    Parameters
    ----------
    by_hand : dict
        Gradients as in lessons 1.2 to 1.5: ``"dW1"``, ``"db1"``, ... of the cost J; those whose names begin with
        ``"dZ"`` or ``"dA"`` are of each example's loss.
    by_engine : dict
        ∂J/∂name: ``"W1"``, ``"Z1"``, ...
    m : int
        Number of examples.

    Returns
    -------
    differences : dict
        For each name of `by_hand` the relative difference, a number; 0 where both gradients are 0.
    """
    differences = {}
    for name, hand in by_hand.items():
        engine = by_engine[name[1:]]
        if name.startswith(("dZ", "dA")):
            hand = hand / m  # (7.22)
        size = np.linalg.norm(hand) + np.linalg.norm(engine)
        differences[name] = 0.0 if size == 0 else np.linalg.norm(hand - engine) / size  # (7.23)
    return differences


def compare_variant(by_hand, by_engine, m, scaled=("dZ", "dA"), factor=None, measure=None):
    """Return what `compare_gradients` returns, with some steps replaced."""
    factor = 1 / m if factor is None else factor

    def relative(hand, engine):
        size = np.linalg.norm(hand) + np.linalg.norm(engine)
        return np.linalg.norm(hand - engine) / size if size else 0.0

    measure = relative if measure is None else measure
    return {
        name: measure(hand * (factor if name.startswith(scaled) else 1), by_engine[name[1:]])
        for name, hand in by_hand.items()
    }


@compare_gradients.mistake(
    "dZ and dA are compared as they are. They belong to each example's loss: divide them by m first, (7.22)."
)
def m_forgotten(by_hand, by_engine, m):
    return compare_variant(by_hand, by_engine, m, factor=1)


@compare_gradients.mistake("dA is not divided by m. It belongs to each example's loss, as dZ does.")
def dZ_alone(by_hand, by_engine, m):
    return compare_variant(by_hand, by_engine, m, scaled=("dZ",))


@compare_gradients.mistake("dZ is not divided by m. It belongs to each example's loss, as dA does.")
def dA_alone(by_hand, by_engine, m):
    return compare_variant(by_hand, by_engine, m, scaled=("dA",))


@compare_gradients.mistake("dZ and dA are multiplied by m. J is a mean: the engine's gradients are smaller, so divide.")
def multiplied_by_m(by_hand, by_engine, m):
    return compare_variant(by_hand, by_engine, m, factor=m)


@compare_gradients.mistake("All gradients are divided by m. dW and db have their 1/m already.")
def all_divided(by_hand, by_engine, m):
    return compare_variant(by_hand, by_engine, m, scaled=("d",))


@compare_gradients.mistake("These are absolute differences. Divide by the sum of the two sizes, (7.23).")
def absolute_differences(by_hand, by_engine, m):
    return compare_variant(by_hand, by_engine, m, measure=lambda hand, engine: np.linalg.norm(hand - engine))


@compare_gradients.mistake(
    "The difference is divided by the size of one gradient. (7.23) divides by the sum of both sizes."
)
def one_size(by_hand, by_engine, m):
    return compare_variant(
        by_hand,
        by_engine,
        m,
        measure=lambda hand, engine: np.linalg.norm(hand - engine) / (np.linalg.norm(hand) or 1),
    )


@compare_gradients.mistake("The sizes are squared: a norm is the root of the sum of squares.")
def without_roots(by_hand, by_engine, m):
    return compare_variant(
        by_hand,
        by_engine,
        m,
        measure=lambda hand, engine: (
            np.sum((hand - engine) ** 2) / ((np.sum(hand**2) + np.sum(np.square(engine))) or 1)
        ),
    )


@compare_gradients.mistake("Where both gradients are 0 you get nan, 0 divided by 0. They agree: return 0 there.")
def zero_by_zero(by_hand, by_engine, m):
    return compare_variant(
        by_hand,
        by_engine,
        m,
        measure=lambda hand, engine: np.linalg.norm(hand - engine) / (np.linalg.norm(hand) + np.linalg.norm(engine)),
    )


@compare_gradients.mistake("These are relative differences entry by entry. (7.23) gives one number for each name.")
def entries(by_hand, by_engine, m):
    return compare_variant(
        by_hand,
        by_engine,
        m,
        measure=lambda hand, engine: np.abs(hand - engine) / (np.abs(hand) + np.abs(engine) + 1e-300),
    )


@compare_gradients.accept(
    "The engine's gradients times m, in place of those by hand divided by it: the ratio is the same."
)
def engine_times_m(by_hand, by_engine, m):
    found = {}
    for name in by_hand:
        hand = np.asarray(by_hand[name])
        engine = np.asarray(by_engine[name[1:]]) * (m if name[1] in "ZA" else 1)
        size = np.sqrt(np.sum(hand**2)) + np.sqrt(np.sum(engine**2))
        found[name] = 0 if size == 0 else np.sqrt(np.sum((engine - hand) ** 2)) / size
    return found


@compare_gradients.accept
def with_a_tiny_number(by_hand, by_engine, m):
    norm = lambda array: float(np.sqrt(np.vdot(array, array)))
    scaled = {name: np.asarray(one) / (m if name[:2] in ("dZ", "dA") else 1) for name, one in by_hand.items()}
    return {
        name: norm(one - by_engine[name[1:]]) / max(norm(one) + norm(np.asarray(by_engine[name[1:]])), 1e-300)
        for name, one in scaled.items()
    }
