"""Questions about a learner's own code: what its lines give, how often they run, and why one is needed.

They are made from a traced run of the function that the learner wrote, so they speak of its lines and names.
"""

from typing import NamedTuple

import numpy as np

from . import ask
from .trace import Step, statements, trace


class Question(NamedTuple):
    """A question with its choices, the position of the right one, and a reply to each."""

    text: str
    choices: tuple
    right: int
    replies: tuple


def make(function, case, small, why, rng):
    """Return two or three questions about a function that is right.

    Parameters
    ----------
    function : callable
        The learner's.
    case, small : dict
        Arguments by name: of a case whose sizes differ, and of one that can be followed by hand.
    why : dict or None
        A question of the lesson's author: ``{"question": ..., "choices": {choice: reply}}``, the right choice first;
        with ``"where"``, it is asked only of functions that hold this piece of code.
    rng : Generator

    Raises
    ------
    trace.Untraceable
        If the function cannot be traced.
    """
    sized, by_hand = trace(function, case), trace(function, small)
    value = _value(by_hand, small, rng) or _value(sized, case, rng)
    found = [_shape(sized, case, rng), _count(sized, case, rng), value]
    if sum(map(bool, found)) < 2:
        found.append(_branch(by_hand, small, rng))
    if why and why.get("where", "") in "\n".join(sized.source):
        order = list(rng.permutation(len(why["choices"])))
        choices, replies = zip(*why["choices"].items(), strict=True)
        asked = tuple(choices[i] for i in order), order.index(0), tuple(replies[i] for i in order)
        found.append(Question(why["question"], *asked))
    found = [one for one in found if one]
    return found if len(found) <= 3 else found[1:]  # the shape gives way to a loop, a value and a reason


def put(questions):
    """Ask the questions one after the other, and reply to each answer at once; the first without an answer is the last.

    Returns
    -------
    int
        How many answers were right.
    """
    right = 0
    for number, one in enumerate(questions, 1):
        print(f"Question {number} of {len(questions)}")
        ask.show(one.text, one.choices)
        given = ask.answer(one.choices)
        if given is None:
            print("No answer.")
            break
        right += given == one.right
        print(ask.wrapped(one.replies[given]) + "\n")
    else:
        print(f"{right} of {len(questions)} right.")
    return right


class Open(NamedTuple):
    """A question without choices: ``right`` is a shape, a count (int) or a number (float); ``result`` of the run."""

    text: str
    right: tuple | int | float
    result: object


def draw(function, case, rng):
    """Return an `Open` question about what a function does with a case, or None if there is nothing to ask.

    What goes in can be told in full, or else only shapes are asked for.

    Parameters
    ----------
    function : callable
        The learner's.
    case : dict
        Arguments by name.
    rng : Generator

    Raises
    ------
    trace.Untraceable
        If the function cannot be traced; its own exceptions come through.
    """
    traced = trace(function, case)
    told = _told(case)
    if all(_said(value) != _NOT_SAID for _, value in told) and sum(_size(value) for _, value in told) <= _MOST_NUMBERS:
        given, kinds = _given(case, True), [_open_shape, _open_count, _open_entry, _open_entry]
    elif all(_numeric(value) for _, value in told) and len(told) <= _MOST_TOLD:
        given, kinds = _given(case), [_open_shape]
    else:
        return None
    for i in rng.permutation(len(kinds)):
        found = kinds[i](traced, case, rng)
        if found:
            return Open(given + found[0], found[1], traced.result)
    return None


def _open_shape(traced, case, rng):
    steps = [step for step in _asked(traced, case) if np.ndim(step.value)]
    shapes = {}
    for step in steps:
        shapes.setdefault((step.line, step.name), set()).add(np.shape(step.value))
    steps = [step for step in steps if len(shapes[step.line, step.name]) == 1]
    if not steps:
        return None
    step = steps[int(rng.integers(len(steps)))]
    return f"what is the shape of {_what(traced, step)}?", tuple(map(int, np.shape(step.value)))


def _open_count(traced, case, rng):
    lines = sorted(_in_loops(traced))
    if not lines:
        return None
    line = lines[int(rng.integers(len(lines)))]
    text = f"how often does line {line} of your function run, `{traced.source[line - 1].strip()}`?"
    return text, traced.counts[line]


def _open_entry(traced, case, rng):
    first = {}
    for step in _asked(traced, case):
        first.setdefault((step.line, step.name), step)
    entries = [
        (step, place)
        for step in first.values()
        for place in np.ndindex(np.shape(step.value))
        if _LEAST <= abs(np.asarray(step.value)[place]) <= _MOST
    ]
    if not entries:
        return None
    step, place = entries[int(rng.integers(len(entries)))]
    again = ", when it ran for the first time" if traced.counts.get(step.line, 1) > 1 else ""
    entry = f"the entry {list(place)} of " if place else ""
    return f"what is {entry}{_what(traced, step)}{again}?", float(np.asarray(step.value)[place])


def _asked(traced, case):
    """Return the steps whose values are numbers and did not come in; those of the result if there are no others."""
    steps = [step for step in traced.steps if step.name not in case] or _steps(traced)
    return [step for step in steps if _numeric(step.value) and np.asarray(step.value).dtype.kind != "b"]


def _shape(traced, case, rng):
    """Ask for the shape that a line gives."""
    own = [step for step in traced.steps if step.name not in case]
    for steps in (own, _steps(traced)):
        arrays = {(step.line, step.name): step for step in steps if _numeric(step.value) and np.ndim(step.value)}
        if arrays:
            break
    else:
        return None
    step = list(arrays.values())[int(rng.integers(len(arrays)))]
    shape = np.shape(step.value)
    others = [shape[::-1], (int(np.prod(shape)),), *(np.shape(one) for _, one in _told(case) if _numeric(one))]
    others += [(*shape[:1], 1), (1, *shape[-1:]), (), (1, 1)]
    words = [str(one) if one else "a number" for one in [shape, *others]]
    text = f"{_given(case)}what is the shape of {_what(traced, step)}?"
    return _chosen(text, words, f"{_what(traced, step)} has the shape {words[0]}.", rng)


def _count(traced, case, rng):
    """Ask how often a line inside a loop runs."""
    inside = _in_loops(traced)
    if not inside:
        return None
    deepest = max(map(len, inside.values()))
    line = [line for line, around in inside.items() if len(around) == deepest][0]
    times = traced.counts[line]
    sizes = sorted({size for one in case.values() if _numeric(one) for size in np.shape(one)} | set(_numbers(case)))
    others = [size for size in sizes if size > 1] + [sum(sizes[-2:]), times + 1, times // 2, 1]
    text = f"{_given(case)}how often does line {line} of your function run, `{traced.source[line - 1].strip()}`?"
    reply = f"it stands in {'a loop' if deepest == 1 else f'{deepest} loops'} and ran {times} times."
    return _chosen(text, [str(one) for one in [times, *others]], reply, rng)


def _in_loops(traced):
    """Return ``{line: the lines of the loops around it}`` of the lines in loops that ran more than once."""
    nodes = statements(traced)
    loops = {line: node for line, node in nodes.items() if type(node).__name__ in ("For", "While")}
    inside = {
        line: [loop for loop, node in loops.items() if loop < line <= node.end_lineno]
        for line in nodes
        if line not in loops and traced.counts.get(line, 0) > 1
    }
    return {line: around for line, around in inside.items() if around}


def _value(traced, small, rng):
    """Ask for what a line gives, where all that goes in can be told in a few words."""
    told = _told(small)
    if any(_said(value) == _NOT_SAID for _, value in told) or sum(_size(value) for _, value in told) > _MOST_NUMBERS:
        return None
    nodes = statements(traced)
    loops = {line for line, node in nodes.items() if type(node).__name__ == "For"}
    named = [step for step in traced.steps if step.name not in small and step.line not in loops]
    first = {}
    for step in named if named and len(nodes) > 2 else _steps(traced):
        first.setdefault((step.line, step.name), step)
    sizes = {size for _, value in told if _numeric(value) for size in np.shape(value)}
    steps = [step for step in first.values() if _said(step.value) != _NOT_SAID and len(_said(step.value)) <= 80]
    steps = [step for step in steps if not _numeric(step.value) or np.any(step.value)]
    # What is only a size or came in as it is needs no thought; and the first lines often are given.
    steps = [step for step in steps if not (isinstance(step.value, int) and step.value in sizes)] or steps
    if not steps:
        return None
    step = steps[int(rng.integers(max(0, len(steps) - 4), len(steps)))]
    around = [one.value for one in [*traced.steps, *_steps(traced)] if _alike(one.value, step.value)]
    others = [_said(other) for other in [*around[:2], *_slips(step.value, told), *around[2:]]]
    right = _said(step.value)
    others = [other for other in others if other not in (right, _NOT_SAID)]
    if not others:
        return None
    again = ", when it ran for the first time" if traced.counts.get(step.line, 1) > 1 else ""
    text = f"{_given(small, True)}what is {_what(traced, step)}{again}?"
    return _chosen(text, [right, *others], f"{_what(traced, step)} is {right}.", rng)


def _alike(value, other):
    """Return whether two values could be taken for each other: arrays of one shape, or what is of one type."""
    if _numeric(value) and _numeric(other):
        return np.shape(value) == np.shape(other)
    return type(value) is type(other)


def _slips(value, told):
    """Return what usual slips make of a value: another sign, a forgotten mean, another order, another choice."""
    if isinstance(value, (bool, np.bool_)):
        return [not value]
    if isinstance(value, np.ndarray) and value.dtype.kind == "b":
        return [~value, value[..., ::-1]]
    if isinstance(value, np.ndarray) and value.dtype.kind in "iu":
        return [1 - value, value[..., ::-1], value + 1, -value]
    if _numeric(value):
        value = np.asarray(value, dtype=float)
        m = max([size for _, one in told if _numeric(one) for size in np.shape(one)], default=2)
        return [value * m, value / m, -value, 1 - value, 2 * value, value**2]
    if isinstance(value, str):
        return [one for _, one in told if isinstance(one, str)]
    if isinstance(value, dict):
        turned = dict(zip(value, [*value.values()][1:] + [*value.values()][:1], strict=True))
        return [turned, {key: not one if isinstance(one, (bool, np.bool_)) else one for key, one in value.items()}]
    return [value[::-1], value[1:], value[:-1]] if isinstance(value, (list, tuple)) else []


def _size(value):
    """Return how many entries a value has, for an eye."""
    return np.size(value) if _numeric(value) else len(value) if isinstance(value, (list, tuple, dict)) else 1


def _branch(traced, small, rng):
    """Ask which line runs, of those that an `if` keeps apart."""
    if any(_said(value) == _NOT_SAID for _, value in _told(small)):
        return None
    nodes = statements(traced)
    lines = {line: traced.source[line - 1].strip() for line, node in nodes.items() if not hasattr(node, "body")}
    choices = [line for line, node in nodes.items() if type(node).__name__ == "If"]
    apart = [line for line in lines if choices and line > choices[0]]
    ran = [line for line in apart if traced.counts.get(line) and lines[line].strip()]
    others = [lines[line] for line in apart if not traced.counts.get(line)]
    if not ran or not set(others) - {lines[line] for line in ran}:
        return None
    right = ran[int(rng.integers(len(ran)))]
    others = [code for code in others if code not in {lines[line] for line in ran}]
    text = f"{_given(small, True)}which of these lines of your function runs?"
    return _chosen(text, [f"`{lines[right]}`", *(f"`{code}`" for code in others)], f"it is line {right}.", rng)


def _steps(traced):
    """Return the steps of a run and, as steps of the last line, the parts of its result."""
    last = max(traced.counts, default=1)
    parts = [("", traced.result)]
    if isinstance(traced.result, (tuple, list)) and len(traced.result) < 6:
        parts = [(f" {i}", one) for i, one in enumerate(traced.result, 1)]
    leaves = []
    for name, value in parts:
        inner = value.items() if isinstance(value, dict) else [(None, value)]
        leaves += [Step(last, f"returned{name}" if key is None else f"returned[{key!r}]", one) for key, one in inner]
    return [*traced.steps, *leaves]


def _what(traced, step):
    if step.name.startswith("returned["):
        return f"{step.name[9:-1]} in the result of your function"
    if step.name.startswith("returned"):
        place = step.name.removeprefix("returned")
        return f"result{place} of your function" if place else "the result of your function"
    return f"`{step.name}` after line {step.line} of your function, `{traced.source[step.line - 1].strip()}`"


def _chosen(text, words, reply, rng):
    """Return the question with the right answer, which is the first word, among up to three others."""
    words = list(dict.fromkeys(words))[:4]
    order = list(rng.permutation(len(words)))
    right = order.index(0)
    replies = [f"No: {reply}"] * len(words)
    replies[right] = f"Right: {reply}"
    return Question(text[0].upper() + text[1:], tuple(words[i] for i in order), right, tuple(replies))


def _given(arguments, values=False):
    """Return the arguments in a sentence: by their values, or by what decides the sizes."""
    told = _told(arguments)
    if values:
        return f"With {', '.join(f'{name} = {_said(value)}' for name, value in told)}, "
    shapes = [
        f"{name} of shape {np.shape(value)}" if np.ndim(value) else f"{name} = {_said(value)}"
        for name, value in told
        if _numeric(value) and (np.ndim(value) or isinstance(value, (int, np.integer)))
    ]
    return f"With {', '.join(shapes[:_MOST_TOLD])}, " if shapes else ""


def _told(arguments):
    """Return ``[(name, value)]`` of all arguments; of dicts and tuples of arrays, each entry: ``parameters["W1"]``."""
    found = []
    for name, value in arguments.items():
        entries = []
        if isinstance(value, dict):
            entries = [(f"{name}[{key!r}]", one) for key, one in value.items()]
        elif isinstance(value, (list, tuple)):
            entries = [(f"{name}[{i}]", one) for i, one in enumerate(value)]
        if any(isinstance(one, (np.ndarray, dict, tuple)) for _, one in entries):
            found += _told(dict(entries))
        else:
            found.append((name, value))
    return found


def _numbers(arguments):
    return [int(value) for value in arguments.values() if isinstance(value, (int, np.integer)) and value > 1]


def _numeric(value):
    return isinstance(value, (int, float, np.number)) or (
        isinstance(value, np.ndarray) and value.dtype.kind in "biuf" and value.size > 0
    )


def _said(value):
    """Return a value as one reads it; what cannot be told in a few words is "…"."""
    if isinstance(value, (bool, np.bool_, str, type(None))):
        return repr(value if not isinstance(value, np.bool_) else bool(value))
    if isinstance(value, np.ndarray) and value.dtype.kind == "b":
        return " ".join(np.array2string(value, separator=", ").split())
    if _numeric(value):
        text = np.array2string(
            np.asarray(value, dtype=float), separator=", ", formatter={"all": lambda entry: f"{float(entry) + 0:.4g}"}
        )
        return " ".join(text.split())
    if isinstance(value, dict) and 0 < len(value) <= _MOST_ENTRIES:
        parts = [f"{key!r}: {_said(one)}" for key, one in value.items()]
        return _NOT_SAID if any(part.endswith(_NOT_SAID) for part in parts) else f"{{{', '.join(parts)}}}"
    if isinstance(value, (list, tuple)) and len(value) <= _MOST_ENTRIES:
        parts = [_said(one) for one in value]
        return _NOT_SAID if _NOT_SAID in parts else f"[{', '.join(parts)}]"
    return _NOT_SAID


_NOT_SAID = "…"
_MOST_ENTRIES, _MOST_TOLD, _MOST_NUMBERS = 8, 8, 40
_LEAST, _MOST = 0.01, 9999  # sizes of a number that is asked for without choices
