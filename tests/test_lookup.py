"""The pack answers nothing, and grading says nothing of its cases.

Who looks the public cases up, exactly or by the nearest, passes no exercise. The nearest case is the equal one where
there is one, so that an exact look-up gains no more. And what a wrong answer is told holds nothing that only a hidden
case has, whatever the answer does with it.
"""

import builtins
import difflib
import re
import string
from types import SimpleNamespace

import numpy as np
import pytest

import helpers
from helpers import checks, exercises
from helpers.checks import packs, plain, words
from helpers.checks.diagnose import SLIP_SENTENCES

EXERCISES = [
    pytest.param(lesson, name, id=f"{lesson}.{name}")
    for lesson in exercises.lessons()
    for name in exercises.load(lesson).exercises
]
#: Hidden seeds of `test_catalogue.SEEDS`, whose cases are drawn once.
HIDDEN = (1, 2**63 - 25, 987654321)


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
    for seed in HIDDEN[:1] if exercises.load(lesson).exercises[name].judged else HIDDEN:
        monkeypatch.setenv(packs.HIDDEN_SEED, str(seed))
        check = checks.lesson(lesson)
        for distance in (by_place, by_content):
            if check.passes(look_up(public, distance), name):
                found.append((distance.__name__, seed))
    assert not found, "the public pack answers hidden cases"
    record_property("exercises that a look-up of the public cases does not pass (2 look-ups)", [1, 1])


# --- what grading says of a hidden case ------------------------------------------------------------------------------

KINDS = (
    r"an? (?:array(?: of dtype (?:str|bytes|complex|object))?|number|dict|list|tuple|str|bool|Function|Generator)|None"
)
ERRORS = "|".join(
    name for name, kind in vars(builtins).items() if isinstance(kind, type) and issubclass(kind, Exception)
)


def told(exercise, open_texts):
    """Return the pattern of all clauses: each template, what stands in it being of the lesson and not of a case."""
    names = {exercise.name, *exercise.returns, *exercise.cases[0].arguments, *open_texts}
    for case in exercise.cases:
        names |= set(words.VIEWS[case.judge["view"]].said if case.judge and case.judge["view"] else ())
    name = "(?:" + "|".join(map(re.escape, sorted(names, key=len, reverse=True))) + ")"
    several = rf"{len(exercise.returns)} values \({re.escape(', '.join(exercise.returns))}\)"
    fields = {
        "exercise": re.escape(exercise.name), "part": rf"{name}(?:, {name})*", "other": name, "missing": f"'{name}'",
        "expected": f"(?:{KINDS}|{several})", "got": f"(?:{KINDS}|{ERRORS}|{name})", "word": "nan .not a number.|infinity",
        "nth": r"[a-z]+", "place": "", "keys": "",
    }  # fmt: skip
    clauses = []
    for template, _ in words.SENTENCES.values():
        pieces = string.Formatter().parse(template)
        clauses.append(
            "".join(re.escape(text) + (f"(?:{fields[field]})" if field else "") for text, field, *_ in pieces)
        )
    return re.compile(rf"(?:{'|'.join(clauses)})\.?")


def spoiled(right, given):
    """Yield wrong answers, as functions without arguments, that try to tell of the inputs or of the right output."""
    said = repr(given)[:2000]
    yield lambda: {said: 0, "right": repr(right)[:2000]}
    yield lambda: said
    yield lambda: list(range(3 + len(said) % 50))
    yield lambda: np.zeros((len(said) % 40, 2, 1))
    yield lambda: (_ for _ in ()).throw(KeyError(said))
    yield lambda: np.array([said])
    for change in (all_but_one, last_wrong, all_wrong, one_more):
        yield lambda change=change: change(right)


def all_but_one(value):
    """Drop keys and entries: which are missing could say something."""
    if isinstance(value, dict):
        return {key: all_but_one(item) for key, item in list(value.items())[1:]}
    return value[:-1] if isinstance(value, (list, tuple, str)) or (np.ndim(value) and len(value)) else None


def last_wrong(value):
    """Spoil the last number or text in a value."""
    if isinstance(value, dict) and value:
        *_, last = value
        return value | {last: last_wrong(value[last])}
    if isinstance(value, (list, tuple)) and value:
        return type(value)([*value[:-1], last_wrong(value[-1])])
    return np.nan if isinstance(value, (int, float)) else np.full(np.shape(value), np.inf)


def all_wrong(value):
    if isinstance(value, dict):
        return {key: all_wrong(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(all_wrong, value))
    return f"{value}." if isinstance(value, str) or value is None else np.asarray(value) * 3.0 + 7


def one_more(value):
    return [*value, *value] if isinstance(value, (list, tuple)) else {repr(value)[:100]: value}


def say_hidden(check, name, answer):
    """Return the message of a wrong answer; None if it is right."""
    answer.__name__ = name
    try:
        check(answer)
    except checks.CheckFailed as error:
        return str(error)
    return None


def assert_nothing_is_told(exercise, open_texts, message):
    pattern = told(exercise, open_texts)
    found = pattern.match(message)
    assert found, message
    rest = message[found.end() :]
    equations = [words.see(one) for one in (exercise.equation, *exercise.equations.values())]
    for sentence in [*equations, *SLIP_SENTENCES.values(), *(mistake.hint for mistake in exercise.mistakes)]:
        rest = rest.replace(sentence, "")
    for text in open_texts:
        rest = rest.replace(repr(text), "")
    assert not re.search(r"[\d'\"]", re.sub(r"axis \d", "", rest)), message


@pytest.mark.parametrize(("lesson", "name"), EXERCISES)
def test_no_wrong_answer_is_told_what_only_a_hidden_case_has(monkeypatch, record_property, lesson, name):
    open_texts = exercises.load(lesson).exercises[name].texts
    monkeypatch.setenv(packs.HIDDEN_SEED, str(HIDDEN[0]))
    exercise = packs.load(lesson)[name]._replace(mistakes=())
    if exercise.cases[0].judge:  # what is wrong is seen in one call; chance is judged elsewhere
        judge = exercise.cases[0].judge | {"count": 1}
        exercise = exercise._replace(cases=[case._replace(judge=judge) for case in exercise.cases])
    check = checks.Checks(lesson, {name: exercise})
    rights = [case.expected["output"] if case.judge else case.expected for case in exercise.cases]
    for number in range(len(list(spoiled(rights[0], ())))):

        def answer(*given, number=number, calls=[]):  # noqa: B006, counts
            calls.append(0)
            right = plain.decode(plain.encode(rights[(len(calls) - 1) % len(rights)]))
            return list(spoiled(right, given))[number]()

        message = say_hidden(check, name, answer)
        if message is not None:
            assert_nothing_is_told(exercise, open_texts, message)
            record_property("wrong answers told nothing of a hidden case", [1, 1])


def test_keys_texts_and_places_that_only_a_hidden_case_has_are_not_told(monkeypatch):
    """An exercise whose cases draw all that: what is told is the same for each hidden seed."""
    made = exercises.Lesson("made")

    def cases(rng):
        words = ["".join(rng.choice(list("bcdfg"), 6)) for _ in range(4)]
        mode = "".join(rng.choice(list("xyz"), 5))
        return [exercises.case(words=words, mode=mode), exercises.case(words=words[:2] + ["fixed"], mode="sum")]

    @made.exercise(points=1, topic=1, equation="(1.1)", cases=cases)
    def tally(words, mode):
        return {"rows": list(range(len(words))), **{word: float(len(mode) + i) for i, word in enumerate(words)}}

    @tally.mistake("The mode plays a part.")
    def without_mode(words, mode):
        return tally(words, "")

    source = SimpleNamespace(
        load=lambda lesson, seed: exercises.Drawn(made, seed), texts=lambda lesson, name: made.exercises[name].texts
    )
    monkeypatch.setattr(helpers, "source_of_lessons", lambda: source)
    open_texts = tally.texts
    assert "fixed" in open_texts
    answers = {
        "keys are missing": lambda words, mode: {"rows": [0] * len(words)},
        "no dict": lambda words, mode: list(words),
        "one is wrong": lambda words, mode: tally(words, mode) | {words[1]: 0.0},
        "one place is wrong": lambda words, mode: tally(words, mode) | {"rows": [*range(len(words) - 1), 99]},
        "wrong in one mode": lambda words, mode: tally(words, mode if mode == "sum" else ""),
        "a text for a number": lambda words, mode: tally(words, mode) | {words[0]: words[0]},
        "all but what is known": lambda words, mode: {word: 1.0 for word in words if word != "fixed"} | {"rows": []},
    }
    said = {what: set() for what in answers}
    for seed in (1, 2, 3):
        monkeypatch.setenv(packs.HIDDEN_SEED, str(seed))
        check = checks.lesson("made")
        for what, answer in answers.items():
            message = say_hidden(check, "tally", answer)
            assert_nothing_is_told(check.exercises["tally"], open_texts, message)
            said[what].add(message.removesuffix(" See equation (1.1)."))
    assert said == {
        "keys are missing": {"tally: a key is missing."}, "no dict": {"tally: expected a dict, got a list."},
        "one is wrong": {"tally: wrong."}, "one place is wrong": {"rows: wrong."},
        "wrong in one mode": {"tally: wrong."}, "a text for a number": {"tally: expected a number, got a str."},
        "all but what is known": {"rows: wrong number of entries."},
    }  # fmt: skip
