"""The pack answers nothing: who looks the public cases up, exactly or by the nearest, passes no exercise.

The nearest case is the equal one where there is one, so that an exact look-up gains no more.
"""

import difflib

import numpy as np
import pytest

from helpers import checks, exercises
from helpers.checks import packs

EXERCISES = [
    pytest.param(lesson, name, id=f"{lesson}.{name}")
    for lesson in exercises.lessons()
    for name in exercises.load(lesson).exercises
]
HIDDEN = (1, 2, 3, 2**63 - 25, 987654321, 4242)


def flat(value, place=()):
    """Return ``{place: number, array, text or None}`` of an argument, the places being keys and indices."""
    if isinstance(value, dict):
        pairs = value.items()
    elif isinstance(value, (list, tuple)):
        pairs = enumerate(value)
    else:
        return {place: value}
    return {k: leaf for key, item in pairs for k, leaf in flat(item, (*place, key)).items()}


def apart(one, other):
    """Return how far two leaves are apart: 0 where equal, at most 1 where both are of one kind and shape, else 2."""
    if isinstance(one, np.random.Generator):
        return 0.0
    if isinstance(one, str) and isinstance(other, str):
        return 1 - difflib.SequenceMatcher(None, one, other, autojunk=False).ratio()
    if type(one) is not type(other) or np.shape(one) != np.shape(other):
        return 2.0
    if one is None:
        return 0.0
    if np.asarray(one).dtype.kind not in "biuf":
        return float(np.mean(np.asarray(one) != np.asarray(other)))
    a, b = (np.nan_to_num(np.asarray(x, dtype=float), posinf=1e9, neginf=-1e9) for x in (one, other))
    size = np.linalg.norm(a) + np.linalg.norm(b)
    return float(np.linalg.norm(a - b) / size) if size else 0.0


def by_place(one, other):
    """Return the mean distance of the leaves at equal places; what only one of the two has counts 2."""
    a, b = flat(one), flat(other)
    return sum(apart(a[k], b[k]) if k in a and k in b else 2.0 for k in a | b) / max(len(a | b), 1)


def by_content(one, other):
    """Return the share of leaves that only one of the two has, whatever their order in lists."""

    def content(arguments):
        return {
            (tuple(k for k in place if isinstance(k, str)), leaf.tobytes() if isinstance(leaf, np.ndarray) else leaf)
            for place, leaf in flat(arguments).items()
            if not isinstance(leaf, np.random.Generator)
        }

    a, b = content(one), content(other)
    return 1 - len(a & b) / max(len(a | b), 1)


def look_up(cases, distance):
    """Return an answer that gives the right output of the public case whose arguments are nearest."""
    names = list(cases[0].arguments)

    def answer(*given):
        distances = [distance(dict(zip(names, given, strict=False)), case.arguments) for case in cases]
        case = cases[int(np.argmin(distances))]
        return case.expected if case.judge is None else case.expected["output"]

    return answer


@pytest.mark.parametrize(("lesson", "name"), EXERCISES)
def test_looking_up_the_public_cases_passes_nothing(monkeypatch, record_property, lesson, name):
    public = packs.load(lesson)[name].cases
    found = []
    for seed in HIDDEN:
        monkeypatch.setenv(packs.HIDDEN_SEED, str(seed))
        # Without the mistakes: whether the answer passes is asked, not why.
        check = checks.Checks(lesson, {name: packs.load(lesson)[name]._replace(mistakes=())})
        for distance in (by_place, by_content):
            answer = look_up(public, distance)
            answer.__name__ = name
            try:
                check(answer)
            except Exception:  # CheckFailed, or whatever stops
                continue
            found.append((distance.__name__, seed))
    assert not found, "the public pack answers hidden cases"
    record_property("exercises that a look-up of the public cases does not pass (2 look-ups, 6 seeds)", [1, 1])
