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
    found = [_shape(sized, case, rng), _count(sized, case, rng), _value(by_hand, small, rng)]
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
    others = [shape[::-1], (int(np.prod(shape)),), *(np.shape(one) for one in case.values() if _numeric(one))]
    others += [(*shape[:1], 1), (1, *shape[-1:]), (), (1, 1)]
    words = [str(one) if one else "a number" for one in [shape, *others]]
    text = f"{_given(case)}what is the shape of {_what(traced, step)}?"
    return _chosen(text, words, f"{_what(traced, step)} has the shape {words[0]}.", rng)


def _count(traced, case, rng):
    """Ask how often a line inside a loop runs."""
    nodes = statements(traced)
    loops = {line: node for line, node in nodes.items() if type(node).__name__ in ("For", "While")}
    inside = {
        line: [loop for loop, node in loops.items() if loop < line <= node.end_lineno]
        for line in nodes
        if line not in loops and traced.counts.get(line, 0) > 1
    }
    inside = {line: around for line, around in inside.items() if around}
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


def _value(traced, small, rng):
    """Ask for the numbers that a line gives in the small case."""
    nodes = statements(traced)
    loops = {line for line, node in nodes.items() if type(node).__name__ == "For"}
    named = [step for step in traced.steps if step.name not in small and step.line not in loops]
    first = {}
    for step in named if named and len(nodes) > 2 else _steps(traced):
        first.setdefault((step.line, step.name), step)
    first = {
        key: step
        for key, step in first.items()
        if _numeric(step.value) and 0 < np.size(step.value) <= 6 and np.any(step.value)
    }
    if not first:
        return None
    step = list(first.values())[int(rng.integers(max(0, len(first) - 4), len(first)))]  # the first ones are given
    value = np.asarray(step.value, dtype=float)
    m = max([size for one in small.values() if _numeric(one) for size in np.shape(one)], default=2)
    others = [-value, value * m, value / m, 1 - value, 2 * value, value**2]
    others = [other for other in others if not np.allclose(other, value)]
    again = ", when it ran for the first time" if traced.counts.get(step.line, 1) > 1 else ""
    text = f"{_given(small, True)}what is {_what(traced, step)}{again}?"
    return _chosen(text, [_said(one) for one in [value, *others]], f"{_what(traced, step)} is {_said(value)}.", rng)


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
    if values:
        return f"With {', '.join(f'{name} = {_said(value)}' for name, value in arguments.items())}, "
    told = [
        f"{name} of shape {np.shape(value)}" if np.ndim(value) else f"{name} = {_said(value)}"
        for name, value in arguments.items()
        if _numeric(value) and (np.ndim(value) or isinstance(value, (int, np.integer)))
    ]
    return f"With {', '.join(told)}, " if told else ""


def _numbers(arguments):
    return [int(value) for value in arguments.values() if isinstance(value, (int, np.integer)) and value > 1]


def _numeric(value):
    return isinstance(value, (int, float, np.number)) or (
        isinstance(value, np.ndarray) and value.dtype.kind in "biuf" and value.size > 0
    )


def _said(value):
    if not _numeric(value):
        return "…"
    text = np.array2string(
        np.asarray(value, dtype=float), separator=", ", formatter={"all": lambda entry: f"{float(entry) + 0:.4g}"}
    )
    return " ".join(text.split())
