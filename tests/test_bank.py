"""The bank of answers that no one of the catalogue wrote: none wrong passes, none right is refused, causes are true."""

import collections
import contextlib
import functools
import io
import types
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pytest
from bank import MISTAKES, RIGHT, course1, course2, course3, course4, course5

from helpers import checks, courses, exercises, notebooks
from helpers.checks import calls, compare, packs, plain
from helpers.checks.diagnose import SLIP_SENTENCES
from helpers.grading import room

#: The learner's own seed, and seeds as the grader draws them: of `test_catalogue.SEEDS`, whose cases are drawn once.
SEEDS = (None, 1, 987654321)
#: The cases with which many generators are tried, for what depends on chance, and the generators' seeds.
CASES, MANY = 1, range(100, 116)
EXERCISES = [
    pytest.param(lesson, exercise, id=f"{lesson}.{exercise.name}")
    for lesson in exercises.lessons()
    for exercise in exercises.load(lesson).exercises.values()
]


#: Sentences that say that numbers depend on each other, or are equal: which comes first is a matter of the case.
DEPENDENT = ("together", "rows", "columns", "shared", "pairs", "twice")


def exercise_of(name):
    """Return the catalogue's exercise of a name such as ``"gru.gru_forward"``."""
    lesson, _, exercise = name.partition(".")
    return exercises.load(lesson).exercises[exercise]


def seeds_of(name):
    """Return the seeds that a test tries, as `test_catalogue.seeds_of` does."""
    return SEEDS[:2] if exercise_of(name).judged else SEEDS


def params(answers):
    return [pytest.param(one, id=f"{one.exercise}:{one.function.__code__.co_firstlineno}") for one in answers]


def verdict(monkeypatch, answer, seed, raising=False):
    """Return None if an answer passes, else the name of its cause; "" if it has none; or raise what check raises."""
    if seed is None:
        monkeypatch.delenv(packs.HIDDEN_SEED, raising=False)
    else:
        monkeypatch.setenv(packs.HIDDEN_SEED, str(seed))
    lesson, name = answer.exercise.split(".")

    def function(*given):
        return answer.function(*given)

    function.__name__ = name
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            checks.lesson(lesson)(function)
    except checks.CheckFailed as error:
        if raising:
            raise
        form = error.data["form"] if error.data["kind"] in ("random", "training") else ""
        return error.data["mistake"] or ("dependent" if form in DEPENDENT else form)
    except Exception as error:  # the learner's own exception comes through, with a note on its cause
        catalogue = exercises.load(lesson).exercises[name]
        said = " ".join(getattr(error, "__notes__", []))
        hints = [(mistake.__name__, hint) for mistake, hint in catalogue.mistakes] + [*SLIP_SENTENCES.items()]
        return next((name for name, hint in hints if hint in said), "")
    return None


def test_bank_is_large_and_says_where_its_answers_come_from(record_property):
    assert {course1, course2, course3, course4, course5}
    assert len(MISTAKES) >= 250
    assert len(RIGHT) >= 100
    assert {one.kind for one in MISTAKES + RIGHT} == {"question", "repository", "course", "own"}
    named = sum(bool(one.names) for one in MISTAKES)
    assert named >= 0.8 * len(MISTAKES)
    others = sum(len(exercise.accepted) for _, exercise in (one.values for one in EXERCISES))
    assert len(RIGHT) + others >= 250
    record_property("right answers", f"{len(RIGHT)} in the manner of public code, {others} others of the catalogue")
    record_property("mistakes of learners", f"{len(MISTAKES)}, {named} of them with a name")


@pytest.mark.parametrize("answer", params(MISTAKES))
def test_mistake_of_a_learner_fails_and_its_cause_is_true_or_absent(monkeypatch, record_property, answer):
    for seed in seeds_of(answer.exercise):
        cause = verdict(monkeypatch, answer, seed)
        assert cause is not None, f"accepted with seed {seed}"
        assert cause in answer.names or (cause == "" and not answer.names), f"seed {seed}"
        record_property("verdicts on mistakes of the bank, named", [int(cause != ""), 1])


@pytest.mark.parametrize("answer", params(RIGHT))
def test_right_answer_in_the_manner_of_public_code_passes(monkeypatch, record_property, answer):
    for seed in seeds_of(answer.exercise):
        assert verdict(monkeypatch, answer, seed) is None, f"seed {seed}"
        record_property("verdicts on right answers of the bank, accepted", [1, 1])


JUDGED = collections.defaultdict(list)
for _one in MISTAKES + RIGHT:
    if exercise_of(_one.exercise).judged:
        JUDGED[_one.exercise].append(_one)


@pytest.mark.parametrize("exercise", JUDGED)
def test_chance_decides_nothing(record_property, exercise):
    """An answer of the bank has the same verdict whatever its generators draw, with 16 generators in each case.

    That other cases change no verdict, either, is tried above with each seed. Here the reference is drawn once, which
    takes longest, and a wrong answer is asked for one case in which it fails.
    """
    lesson, name = exercise.split(".")
    drawn = exercises.drawn(lesson, CASES)[name]
    for answer in JUDGED[exercise]:
        cases = [case for case in drawn.cases if case.judge] if answer in RIGHT else failed_cases(drawn, answer)[:1]
        assert cases, "accepted"
        for seed in MANY:
            for case in cases:
                streams = {key: other_generator(value, seed) for key, value in case.arguments.items()}
                passed = not wrong_in(drawn, case._replace(arguments=streams), answer)
                assert passed == (answer in RIGHT), f"seed {seed}, line {answer.function.__code__.co_firstlineno}"
            record_property("verdicts with 16 generators as with one", [1, 1])


def other_generator(value, seed):
    return np.random.default_rng([seed, 18]) if isinstance(value, np.random.Generator) else value


def failed_cases(drawn, answer):
    return [case for case in drawn.cases if case.judge and wrong_in(drawn, case, answer)]


def wrong_in(drawn, case, answer):
    outcome, _ = checks.observe(answer.function, case.arguments, case.judge, case.expected, quiet=True)
    return checks.all_differences(drawn._replace(cases=[case]), [outcome])


# --- types mean one thing --------------------------------------------------------------------------------------------


def written_another_way(value):
    """Return a value that unpacks, indexes and compares like this one: lists for arrays and tuples, text of NumPy, ..."""
    if isinstance(value, np.ndarray) and value.size and value.dtype.kind in "biuf":
        return value.tolist() if value.ndim else value.item()
    if isinstance(value, (list, tuple)):
        items = [written_another_way(item) for item in value]
        return items if isinstance(value, tuple) else tuple(items)
    if isinstance(value, dict):
        return collections.OrderedDict((key, written_another_way(item)) for key, item in value.items())
    if isinstance(value, str):
        return np.str_(value)
    if isinstance(value, (float, int)):
        return np.array(value)
    return value


LEARNER = room.Room(None, None, types.SimpleNamespace(user_ns={}))


def through_the_room(value):
    """Return a value as it arrives from the learner's room."""
    return plain.decode(LEARNER._encode(value), lambda kind, content: None)


@pytest.mark.parametrize(("lesson", "exercise"), EXERCISES)
def test_right_answer_written_another_way_passes_here_and_in_the_room(record_property, lesson, exercise):
    how = (exercise.name, exercise.returns, exercise.rtol, exercise.atol)
    for case in checks.lesson(lesson).exercises[exercise.name].cases:
        right = case.expected["output"] if case.judge else case.expected
        other = written_another_way(right)
        assert compare.difference(other, right, *how) is None
        assert compare.difference(through_the_room(other), right, *how) is None
        record_property("right answers written another way", [1, 1])


def in_floats(value):
    """Return a value whose single whole numbers are floats."""
    if isinstance(value, (list, tuple)):
        return type(value)(map(in_floats, value))
    if isinstance(value, dict):
        return {key: in_floats(item) for key, item in value.items()}
    return float(value) if isinstance(value, (int, np.integer)) and not isinstance(value, bool) else value


@pytest.mark.parametrize(("lesson", "exercise"), EXERCISES)
def test_float_for_a_size_a_count_or_an_index_is_refused_here_and_in_the_room(record_property, lesson, exercise):
    for case in checks.lesson(lesson).exercises[exercise.name].cases:
        if case.judge or compare.same(other := in_floats(case.expected), case.expected):
            continue
        for value in (other, through_the_room(other)):
            found = compare.differences(value, case.expected, exercise.name, exercise.returns)
            assert {one.form for one in found} == {"whole"}
        record_property("outputs with a float for a whole number refused", [1, 1])


# --- new arrays -------------------------------------------------------------------------------------------------------


def with_one_array(output, arguments):
    """Return an output whose arrays that equal another one, or one of the arguments, are one and the same array."""
    known = [array for _, array in calls.arrays(arguments)]

    def one(value):
        if isinstance(value, dict):
            return {key: one(item) for key, item in value.items()}
        if isinstance(value, tuple):
            return tuple(map(one, value))
        same = next((array for array in known if np.array_equal(array, value)), value)
        known.append(value)
        return same

    return one(output)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("lesson", "exercise"), [one for one in EXERCISES if one.values[1].new])
def test_arrays_that_are_no_new_ones_are_refused(monkeypatch, record_property, lesson, exercise, seed):
    answer = types.SimpleNamespace(
        exercise=f"{lesson}.{exercise.name}", function=lambda *given: with_one_array(exercise.reference(*given), given)
    )
    with pytest.raises(checks.CheckFailed) as caught:
        verdict(monkeypatch, answer, seed, raising=True)
    assert caught.value.data["kind"] == "shared"
    assert caught.value.data["mistake"] is None
    record_property("answers whose arrays are no new ones refused", [1, 1])


# --- one verdict ------------------------------------------------------------------------------------------------------


def in_numpy(value):
    """Return a value with numbers of NumPy for those of Python, and an array for a list or tuple of numbers."""
    if isinstance(value, (list, tuple)):
        items = type(value)(map(in_numpy, value))
        return np.array(items) if items and all(isinstance(item, np.number) for item in items) else items
    if isinstance(value, dict):
        return {key: in_numpy(item) for key, item in value.items()}
    return np.asarray(value)[()] if isinstance(value, (bool, int, float)) else value


def nearly(value, rtol):
    """Return a value whose numbers, but for the whole ones, are off by nine tenths of the tolerance."""
    if isinstance(value, (list, tuple)):
        return type(value)(nearly(item, rtol) for item in value)
    if isinstance(value, dict):
        return {key: nearly(item, rtol) for key, item in value.items()}
    if np.asarray(value).dtype.kind != "f":
        return value
    return np.where(np.round(value) == value, value, np.multiply(value, 1 + 0.9 * rtol))[()]


@functools.cache
def notebook_of(lesson):
    """Return the names that a lesson's own cells define, with right answers, and ``{exercise: its test cell}``."""
    names, tests = {"__name__": "__main__"}, {}
    names |= {name: one.reference for name, one in exercises.load(lesson).exercises.items()}
    with contextlib.redirect_stdout(io.StringIO()):
        for cell in notebooks.read(courses.find(lesson).path).cells:
            kind = cell.metadata.get("nbgrader", {})
            if kind.get("grade") and cell.id.startswith("test_"):
                tests[cell.id.removeprefix("test_")] = cell.source
            elif cell.cell_type == "code" and kind.get("locked") and not kind.get("solution"):
                exec(cell.source, names)
    return names | {"check": lambda function: None}, tests


@pytest.mark.parametrize(("lesson", "exercise"), EXERCISES)
def test_whole_test_cell_accepts_what_check_accepts(record_property, lesson, exercise):
    """The asserts that a learner sees refuse no right answer, nor one of other types or within the tolerance."""
    names, tests = notebook_of(lesson)
    right = exercise.reference
    answers = [
        right,
        *exercise.accepted,
        *(one.function for one in RIGHT if one.exercise == f"{lesson}.{right.__name__}"),
    ]
    for change in (written_another_way, in_numpy, functools.partial(nearly, rtol=exercise.rtol)):
        answers.append(lambda *given, change=change, **named: change(right(*given, **named)))
    for answer in answers:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            exec(tests[exercise.name], names | {exercise.name: answer})
        plt.close("all")
        record_property("right answers that the whole test cell accepts", [1, 1])


@pytest.mark.parametrize(
    ("value", "right"),
    [
        ({"b": 1, "a": 2}.keys(), ["b", "a"]), ({"b": 1}.values(), (1,)), (range(3), [0, 1, 2]), (np.array([1, 2, 3]), (1, 2, 3)),
        (np.array([np.ones(2), np.ones(3)], dtype=object), [np.ones(2), np.ones(3)]), (np.array("cat"), "cat"),
        (collections.deque([1, 2]), [1, 2]), (np.ones((2, 2)).astype(object), np.ones((2, 2))), ([], np.zeros((0, 3))),
    ],
)  # fmt: skip
def test_one_rule_of_types_here_and_in_the_room(value, right):
    assert compare.difference(value, right, "x") is None
    assert compare.difference(through_the_room(value), right, "x") is None


@pytest.mark.parametrize(
    ("value", "right"), [({1, 2}, [1, 2]), (iter([1, 2]), [1, 2]), ("ab", ["a", "b"]), (b"a", "a"), ([[1.0], [1.0, 2.0]], np.ones((2, 2)))]
)  # fmt: skip
def test_what_does_not_unpack_and_index_alike_is_refused_here_and_in_the_room(value, right):
    assert compare.difference(value, right, "x").kind == "type"
    assert compare.difference(through_the_room(value), right, "x").kind == "type"
