"""What `check` says: the verdicts in their order, the causes, what passes, what is refused; and plain data."""

import json
import subprocess
import sys
import traceback

import numpy as np
import pytest

from helpers import checks
from helpers.checks import calls, chance, compare, diagnose, draws, packs, plain, show, views, words
from helpers.courses import TOP
from helpers.exercises import Lesson, case, load


def made_up(reference, *cases, mistakes=(), returns=(), **options):
    """Return the checks of a lesson with one exercise, through the same pack that learners get."""
    lesson = Lesson("made_up")
    exercise = lesson.exercise(
        points=1, topic=1, equation="(9.9)", returns=returns, cases=lambda rng: list(cases), **options
    )(reference)
    for hint, function in mistakes:
        exercise.mistake(hint)(function)
    return checks.Checks("made_up", packs.read(lesson.pack(0)))


def layer(dZ, A_prev):
    """Two outputs, to have parts to name."""
    return dZ @ A_prev.T / dZ.shape[1], np.mean(dZ, axis=1, keepdims=True)


rng = np.random.default_rng(1)
LAYER_CASES = [case(dZ=rng.normal(size=(n, m)), A_prev=rng.normal(size=(k, m))) for n, k, m in ((2, 3, 5), (4, 3, 7))]
CHECK = made_up(
    layer,
    *LAYER_CASES,
    returns=("dW", "db"),
    mistakes=[("You returned ones.", lambda dZ, A_prev: (np.ones((2, 2)), 1.0))],
)


def message(check, function, name="layer"):
    def answer(*args):
        return function(*args)

    answer.__name__ = name
    with pytest.raises(checks.CheckFailed) as caught:
        check(answer)
    return str(caught.value)


def right(dZ, A_prev):
    return layer(dZ, A_prev)


def unwritten():
    def layer(dZ, A_prev):
        raise NotImplementedError

    return layer


VERDICTS = {
    "missing": (unwritten(), "layer is not written yet."),
    "None": (lambda dZ, A: None, "layer: expected 2 values (dW, db), got None. Does the function return it? See"),
    "one more": (lambda dZ, A: (*layer(dZ, A), 0), "layer: wrong number of entries: expected 2, got 3."),
    "type before shape": (lambda dZ, A: (np.ones((9, 9)), None), "db: expected an array, got None. Does"),
    "type": (lambda dZ, A: (layer(dZ, A)[0], "a"), "db: expected an array, got a str."),
    "ragged list for array": (lambda dZ, A: ([[1.0], [1.0, 2.0]], layer(dZ, A)[1]), "dW: expected an array, got a list."),
    "complex": (lambda dZ, A: (layer(dZ, A)[0] + 0j, layer(dZ, A)[1]), "dW: expected an array, got an array of dtype complex"),
    "objects": (lambda dZ, A: (np.full((2, 3), None), layer(dZ, A)[1]), "dW: expected an array, got a list"),
    "shape before value": (lambda dZ, A: (layer(dZ, A)[0] * 7, np.ones((5, 1))), "db: wrong shape: expected shape (2, 1), got shape (5, 1)."),
    "finite before value": (
        lambda dZ, A: (layer(dZ, A)[0] * 7, np.where([[True], [False]] * (len(dZ) // 2), np.nan, layer(dZ, A)[1])),
        "db: contains nan (not a number) at index (0, 0) (1 of 2 entries).",
    ),
    "infinity": (lambda dZ, A: (layer(dZ, A)[0] / 0, layer(dZ, A)[1]), "dW: contains infinity"),
    "value": (lambda dZ, A: (layer(dZ, A)[0] + (np.arange(3) == 2), layer(dZ, A)[1]), "dW: wrong at index (0, 2): expected "),
}  # fmt: skip


@pytest.mark.parametrize("what", VERDICTS)
def test_verdict(what):
    function, words = VERDICTS[what]
    assert words in message(CHECK, function)


def test_a_failed_check_is_data_and_json():
    def turned(dZ, A):
        return layer(dZ, A)[0], -layer(dZ, A)[1]

    with pytest.raises(checks.CheckFailed) as caught:
        CHECK(rename(turned, "layer"))
    data = json.loads(caught.value.json())
    index = tuple(data["index"])
    expected = layer(**LAYER_CASES[data["case"] - 1][1])[1][index]
    assert (data.pop("expected"), data.pop("got")) == (pytest.approx(expected), pytest.approx(-expected))
    cause = diagnose.SLIP_SENTENCES.get("slip: sign")
    assert data == {
        "exercise": "layer", "part": "db", "kind": "value", "form": "value", "case": 1, "index": [*index],
        "mistake": "slip: sign", "cause": cause, "equation": "(9.9)",
    }  # fmt: skip
    with pytest.raises(checks.CheckFailed) as caught:
        CHECK(rename(lambda dZ, A: (np.ones((2, 9)), {"a": {1, 2}}), "layer"))
    data = json.loads(caught.value.json())
    assert (data["kind"], data["index"], data["mistake"]) == ("type", None, None)


def test_equation_is_named_last():
    assert message(CHECK, VERDICTS["value"][0]).endswith("See equation (9.9).")


def test_several_equations_are_named_as_several():
    said = "See equation (7.10).", "See equations (7.6) and (7.7).", "See equations (7.17) to (7.24)."
    assert said == tuple(words.see(one) for one in ("(7.10)", "(7.6) and (7.7)", "(7.17) to (7.24)"))


def test_all_equations_of_a_part_are_named():
    exercise = load("conv_layer").exercises["conv_forward"]
    assert exercise.equations["Z"] == "(2.1) and (2.2)"
    assert load("conv_layer").exercises["conv_backward"].equations["dW"] == "(2.10)"


def test_arguments_changed_is_said_before_everything_else():
    def in_place(dZ, A_prev):
        answer = layer(dZ, A_prev)
        dZ *= 2
        return answer

    assert message(CHECK, in_place).startswith("layer changed its argument dZ. Work on a copy.")
    assert message(CHECK, lambda dZ, A: (in_place(dZ, A)[0] + 1, np.ones((9, 1)))).startswith(
        "layer changed its argument"
    )


SLIPS = {
    "sum for mean": (lambda dZ, A: (dZ @ A.T, layer(dZ, A)[1]), "the number of columns of dZ. A sum where the mean"),
    "divided twice": (lambda dZ, A: (layer(dZ, A)[0] / dZ.shape[1], layer(dZ, A)[1]), "too small by a factor that is the number of columns of dZ"),
    "sign": (lambda dZ, A: (-layer(dZ, A)[0], layer(dZ, A)[1]), "wrong sign"),
    "transpose": (lambda dZ, A: (layer(dZ, A)[0].T, layer(dZ, A)[1]), "but transposed"),
    "keepdims": (lambda dZ, A: (layer(dZ, A)[0], np.mean(dZ, axis=1)), "a dimension is lost. `keepdims=True`"),
    "twice": (lambda dZ, A: (2 * layer(dZ, A)[0], layer(dZ, A)[1]), "exactly twice"),
    "half": (lambda dZ, A: (layer(dZ, A)[0] / 2, layer(dZ, A)[1]), "exactly half"),
    "complement": (lambda dZ, A: (1 - layer(dZ, A)[0], layer(dZ, A)[1]), "1 minus the right value"),
}  # fmt: skip


@pytest.mark.parametrize("slip", SLIPS)
def test_usual_slip_is_named(slip):
    function, words = SLIPS[slip]
    assert words in message(CHECK, function)


def test_no_cause_is_guessed():
    said = message(CHECK, lambda dZ, A: (np.sin(layer(dZ, A)[0]), layer(dZ, A)[1]))
    assert said.count(". ") == 1, f"a verdict and the equation, nothing between: {said}"


def test_no_cause_is_guessed_from_what_is_left_of_a_part_with_too_few_entries():
    given = [case(x=np.arange(4.0)), case(x=np.arange(6.0))]
    check = made_up(lambda x: (np.sum(x), (x, [x, 2 * x])), *given, returns=("sum", "cache"))
    said = message(check, lambda x: (np.sum(x), (x, [x])), "<lambda>")
    assert said == "cache[1]: wrong number of entries: expected 2, got 1. See equation (9.9)."


def test_number_in_an_array_is_named():
    check = made_up(lambda x: float(np.sum(x)), case(x=np.arange(4.0)), case(x=np.arange(6.0) - 0.5))
    check.exercises["layer"] = next(iter(check.exercises.values()))._replace(name="layer")
    said = message(check, lambda x: np.sum(x, keepdims=True))
    assert "expected a number, got an array of shape (1,)" in said
    assert "`float(...)`" in said


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (np.float64(2), 2.0), (np.array(2.0), 2.0), (2, 2.0), (True, 1), (np.True_, 1),
        ([1.0, 2.0], (1.0, 2.0)), ((1, 2), [1.0, 2.0]), (np.array([1.0, 2.0]), [1.0, 2.0]),
        (np.array([[True, False]]), np.array([[1, 0]])), (np.array([[1, 0]]), np.array([[1.0, 0.0]])),
        (np.array([1.0], dtype=np.float32), np.array([1.0])), ({"a": 1, "b": 2}, {"a": 1.0}),
        (np.array([[1e-12]]), np.array([[0.0]])), ("cat", "cat"), (None, None), (np.ones((2, 0)), np.ones((2, 0))),
    ],
)  # fmt: skip
def test_same_meaning_passes(got, expected):
    assert compare.difference(got, expected, "x") is None


@pytest.mark.parametrize(
    ("got", "expected", "kind"),
    [
        ("2", 2.0, "type"), (None, 0.0, "type"), (2j, 2.0, "type"), ({}, {"a": 1}, "type"), ([1], {"a": 1}, "type"), (1, "a", "type"),
        (1.0, np.ones((1, 1)), "type"), ([1.0], 1.0, "type"), (0, None, "type"),
        (np.ones(3), np.ones((3, 1)), "shape"), (np.ones((1, 1)), 1.0, "shape"), ([1.0], [1.0, 2.0], "shape"),
        (float("nan"), 1.0, "finite"), (np.array([np.inf]), np.ones(1), "finite"),
        (1.00001, 1.0, "value"), ("dog", "cat", "value"), (False, 1, "value"), (np.array([1, 2]), np.array([1, 3]), "value"),
    ],
)  # fmt: skip
def test_other_meaning_fails(got, expected, kind):
    assert compare.difference(got, expected, "x").kind == kind


def test_object_that_equals_everything_fails():
    class Equal(np.ndarray):
        def __eq__(self, other):
            return np.ones(self.shape, bool)

        def __sub__(self, other):
            return np.zeros(self.shape)

    got = np.full((2, 2), 5.0).view(Equal)
    assert compare.difference(got, np.ones((2, 2)), "x").kind == "value"


def test_own_exception_comes_through_with_its_own_traceback():
    def layer(dZ, A_prev):
        return undefined_name  # noqa: F821

    with pytest.raises(NameError) as caught:
        CHECK(layer)
    assert traceback.extract_tb(caught.tb)[-1].line.startswith("return undefined_name")
    assert "check called layer with dZ = an array of shape (2, 5)" in caught.value.__notes__[0]


def test_own_exception_is_shown_without_our_frames_in_ipython():
    code = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance(colors="nocolor")
shell.run_cell("from helpers import checks\\ncheck = checks.lesson('logistic_regression')")
shell.run_cell("def sigmoid(z):\\n    return 1 / undefined_name")
shell.run_cell("check(sigmoid)")
shell.run_cell("def sigmoid(z):\\n    return -z")
shell.run_cell("check(sigmoid)")
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "return 1 / undefined_name" in out
    assert "check called sigmoid with z = " in out
    assert "helpers/checks" not in out
    assert "sigmoid: wrong: expected 0." in out
    assert max(len(line) for line in out[out.index("sigmoid: wrong") :].splitlines()) <= 84, (
        "Validate cuts longer lines"
    )


@pytest.mark.parametrize(
    "product",
    [lambda W, A: W @ A, lambda W, A: np.dot(W, A), lambda W, A: np.matmul(W, A), lambda W, A: W.dot(A)],
    ids=["@", "np.dot", "np.matmul", "dot"],
)
def test_product_that_does_not_fit_is_one_mistake_however_it_is_written(product):
    def scores(W, A):
        return W.T @ A

    givens = [case(W=rng.normal(size=(n, k)), A=rng.normal(size=(n, 4))) for n, k in ((2, 3), (5, 2))]
    check = made_up(scores, *givens, mistakes=[("W is not transposed.", lambda W, A: W @ A)])
    for answer, named in ((product, True), (lambda W, A: product(A, W), False)):
        answer.__name__ = "scores"
        with pytest.raises(ValueError, match="mismatch|not aligned") as caught:
            check(answer)
        assert any("W is not transposed." in note for note in caught.value.__notes__) == named


RAISED = {
    "key": lambda x: {"a": 1}["b"] * x,
    "two unknown sizes": lambda x: x.reshape(-1, -1),
    "truth of an array": lambda x: x if x else 0 * x,
    "sizes not in one tuple": lambda x: np.zeros(len(x), 2),
    "float for a whole number": lambda x: [x for _ in range(len(x) / 1)],
    "list times a float": lambda x: [1, 2] * (len(x) / 1),
    "no end of a slice": lambda x: x[: len(x) / 1],
    "no index": lambda x: x[len(x) / 1],
    "index outside": lambda x: x[len(x)],
    "sizes of a product": lambda x: x @ x[1:],
    "sizes entry by entry": lambda x: x + x[1:],
    "sizes of a reshape": lambda x: x.reshape(len(x) + 1, 1),
}  # fmt: skip
OTHERS_RAISED = (
    lambda x: {1}.remove(len(x)), lambda x: np.array(x, 3), lambda x: int("a"), lambda x: np.random.randn((2, 3)),
    lambda x: (_ for _ in ()).throw(ValueError("unrelated")), lambda x: 1 if np.zeros(0) > 1 else x[:0].max(),
)  # fmt: skip


def raised_by(answer):
    check = made_up(lambda x: 2 * x, case(x=np.arange(3.0)), case(x=np.arange(5.0)))
    check.exercises["double"] = next(iter(check.exercises.values()))._replace(name="double")
    with pytest.raises(Exception) as caught:  # noqa: PT011
        check(rename(answer, "double"))
    return " ".join(caught.value.__notes__)


def test_exceptions_of_usual_slips_have_a_cause_by_words_and_place():
    assert set(RAISED) == {name for name, *_ in diagnose.RAISED}
    for name, answer in RAISED.items():
        assert diagnose.SLIP_SENTENCES[f"slip: {name}"] in raised_by(answer), name


@pytest.mark.parametrize("answer", OTHERS_RAISED)
def test_other_exceptions_have_none(answer):
    assert "Likely cause" not in raised_by(answer)


def test_key_of_other_cases_is_refused_and_a_key_of_ones_own_is_not():
    def parts(x, more):
        return x, {"a": 1.0} | ({"b": 2.0} if more else {})

    check = made_up(parts, case(x=1.0, more=True), case(x=2.0, more=False), returns=("x", "grads"))
    check.exercises["parts"] = next(iter(check.exercises.values()))._replace(name="parts")
    check(rename(lambda x, more: (x, {"a": 1, "c": 3, "b": 2} if more else {"a": 1, "c": x}), "parts"))
    said = message(check, lambda x, more: [x, {"a": 1, "b": 2 if more else None}], "parts")
    assert said.startswith("grads: it has a key that it must not have here: 'b'.")


def test_wrong_number_of_parameters_is_explained():
    with pytest.raises(TypeError, match="takes 1 positional argument but 2 were given"):
        CHECK(rename(lambda dZ: dZ, "layer"))


def rename(function, name):
    function.__name__ = name
    return function


def test_unknown_exercise_is_one_clear_line():
    with pytest.raises(
        packs.UnknownExercise, match=r"no exercise 'layr' here. Did you mean 'layer'\? There are: layer."
    ):
        CHECK(rename(lambda: 0, "layr"))
    with pytest.raises(
        packs.UnknownExercise, match="no lesson 'logistic_regresion' here. Did you mean 'logistic_regression'"
    ):
        checks.lesson("logistic_regresion")


def test_lambda_and_imported_function_are_found_by_the_name_they_are_bound_to(capsys):
    namespace = {"check": CHECK, "layer": lambda dZ, A_prev: right(dZ, A_prev)}
    exec("check(layer)", namespace)
    assert capsys.readouterr().out == "layer: all checks passed\n"


def test_prints_of_the_learner_are_shown(capsys):
    def layer(dZ, A_prev):
        print("debug", dZ.shape)
        return right(dZ, A_prev)

    CHECK(layer)
    assert "debug (2, 5)" in capsys.readouterr().out


def test_warnings_do_not_fail_a_right_answer(capfd):
    checks.lesson("logistic_regression")(rename(lambda z: 1 / (1 + np.exp(-z)), "sigmoid"))
    assert capfd.readouterr().err == ""


def test_reference_case():
    check = checks.lesson("logistic_regression")
    arguments, expected = check.reference("sigmoid", "curve")
    assert arguments["z"].shape == expected.shape == (161,)
    assert check.reference("sigmoid", 1)[1] == pytest.approx(1 / (1 + np.exp(-check.reference("sigmoid", 1)[0]["z"])))
    with pytest.raises(packs.UnknownExercise, match="case of sigmoid"):
        check.reference("sigmoid", 99)


def test_hidden_mode_shows_nothing_of_a_case(monkeypatch, capfd):
    monkeypatch.setenv(packs.HIDDEN_SEED, "12345")
    check = checks.lesson("logistic_regression")
    monkeypatch.setattr(check, "exercises", dict(check.exercises))
    seen = []

    def peek(z):
        seen.append(z)
        print("PEEK", z)
        return z

    said = message(check, peek, "sigmoid")
    assert not any(digit in said.replace("(2.3)", "") for digit in "0123456789"), said
    assert "PEEK" not in capfd.readouterr().out

    def leak(z):
        raise ValueError(f"the case is {z!r}")

    said = message(check, leak, "sigmoid")
    assert said.startswith("sigmoid stopped with ValueError. See")
    assert "the case is" not in said


def test_hidden_cases_differ_from_the_open_ones(monkeypatch):
    open_cases = checks.lesson("logistic_regression").exercises["propagate"].cases
    monkeypatch.setenv(packs.HIDDEN_SEED, "7")
    hidden = checks.lesson("logistic_regression").exercises["propagate"].cases
    assert len(open_cases) == len(hidden)
    assert not any(compare.same(a.arguments["X"], b.arguments["X"]) for a, b in zip(open_cases, hidden, strict=True))


# --- the card --------------------------------------------------------------------------------------------------------


def card_of(function):
    exercise = CHECK.exercises["layer"]
    outcomes = [calls.call(function, one.arguments)[0] for one in exercise.cases]
    wrong = checks.all_differences(exercise, outcomes)
    what, cause = diagnose.explain(exercise, outcomes, [what for _, what in wrong])
    return show.card_html(exercise, wrong[0][0], what, cause)


def test_card_shows_small_arrays_side_by_side_and_marks_wrong_entries():
    html = card_of(lambda dZ, A: (layer(dZ, A)[0] + (np.arange(3) == 2), layer(dZ, A)[1]))
    assert html.count("<table") == 2
    assert html.count(', wrong"') == 2
    assert "Case 1 of 2" in html
    assert "(9.9)" in html


def test_card_escapes_what_the_learner_returns():
    html = card_of(lambda dZ, A: {"<script>": 1})
    assert "<script>" not in html
    exercise = CHECK.exercises["layer"]
    what = compare.difference("<img onerror=x>", "cat", "label")
    assert "<img" not in show.card_html(exercise, 0, what, None)


# --- plain data ------------------------------------------------------------------------------------------------------

PLAIN = [
    None, True, 3, -1.5, float("inf"), "text", [1, [2.0]], (1, (2,)), {"a": {1: (2, None)}}, {}, [], np.float32(1.5), np.int64(3), np.bool_(True),
    np.arange(6).reshape(2, 3), np.zeros((0, 2)), np.array(2.5), np.array([True]), np.array(["a", "bc"]), np.asfortranarray(np.ones((2, 3))),
]  # fmt: skip


@pytest.mark.parametrize("value", PLAIN, ids=repr)
def test_plain_data_survives(value):
    back = plain.decode(json.loads(json.dumps(plain.encode(value))))
    assert compare.same(
        back, value if not isinstance(value, np.ndarray) else np.ascontiguousarray(value).reshape(value.shape)
    )


def test_generator_goes_on_where_it_was():
    generator = np.random.default_rng(3)
    generator.normal(size=5)
    back = plain.decode(json.loads(json.dumps(plain.encode(generator))))
    assert back.normal() == generator.normal()


@pytest.mark.parametrize("value", [object(), lambda: 0, np.array([object()]), {1, 2}, type])
def test_what_is_not_plain_is_refused(value):
    with pytest.raises(TypeError, match="not plain data"):
        plain.encode(value)


@pytest.mark.parametrize(
    "text",
    ['{"array":["|O8",[1],"AAAA"]}', '{"evil":1}', '{"array":[]}', "[1]", '{"a":1,"b":2}', '{"generator":{"dict":[]}}', '{"array":["<f8",[2],"AAAA"]}'],
)  # fmt: skip
def test_damaged_plain_data_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011
        plain.decode(json.loads(text))


# --- random functions and procedures ----------------------------------------------------------------------------------


def initialise(n_x, n_h, rng):
    """Weights with one standard deviation each, a bias of zero."""
    return {"W": rng.standard_normal((n_h, n_x)) * 0.01, "V": rng.standard_normal((1, n_h)), "b": np.zeros((n_h, 1))}


def initialise_in_another_order(n_x, n_h, rng):
    V = [[rng.normal() for _ in range(n_h)]]
    W = np.sqrt(0.0001) * rng.normal(size=(n_x, n_h)).T
    return {"b": np.zeros((n_h, 1), dtype=int), "V": np.array(V), "W": W, "more": "is fine"}


def without_factor(n_x, n_h, rng):
    return initialise(n_x, n_h, rng) | {"W": rng.normal(size=(n_h, n_x))}


def transposed(n_x, n_h, rng):
    return initialise(n_x, n_h, rng) | {"W": rng.normal(size=(n_x, n_h))}


INITIALISE = made_up(
    initialise,
    *(case(n_x=n_x, n_h=n_h, rng=np.random.default_rng(n_x)) for n_x, n_h in ((3, 4), (6, 2))),
    judge=draws.draws(300),
    mistakes=[("W lacks its factor.", without_factor), ("W is transposed.", transposed)],
)

UNLIKE = {
    "another factor": (lambda n, h, rng: {"W": rng.normal(size=(h, n)) * 0.012}, "W: wrong standard deviation of its entries: expected about 0.01, got about 0.012"),
    "another mean": (lambda n, h, rng: {"W": rng.normal(size=(h, n)) * 0.01 + 0.003}, "W: wrong mean of its entries"),
    "uniform": (lambda n, h, rng: {"W": rng.random((h, n)) * 0.01}, "W: wrong mean of its entries"),
    "squares beyond all numbers": (lambda n, h, rng: {"W": rng.normal(size=(h, n)) * 1e200}, "W: wrong mean of its entries"),
    "one row is larger": (lambda n, h, rng: {"W": rng.normal(size=(h, n)) * np.linspace(0.005, 0.013, h)[:, None]}, "W: wrong"),
    "a bias that varies": (lambda n, h, rng: {"b": rng.normal(size=(h, 1)) * 1e-4}, "b: wrong on average at index"),
    "a bias that is not zero": (lambda n, h, rng: {"b": np.full((h, 1), 1e-4)}, "b: wrong at index (0, 0): expected about 0, got about 0.0001"),
    "equal rows": (lambda n, h, rng: {"W": np.ones((h, 1)) * rng.normal(size=(1, n)) * 0.01}, "a number occurs twice"),
    "few values": (lambda n, h, rng: {"W": rng.choice([-0.01, 0.01], (h, n))}, "W: it holds only a few different values: 2 different"),
    "cut off": (lambda n, h, rng: {"W": np.clip(rng.normal(size=(h, n)), -2, 2) * 0.01}, "W: its smallest or largest number occurs again and again"),
    "W again in V": (lambda n, h, rng: (lambda Z: {"W": Z * 0.01, "V": Z[:, :1].T * 0.01 + 0 * Z[:, :1].T})(rng.normal(size=(h, n))), "V: wrong"),
    "a generator of its own": (lambda n, h, rng: {"W": np.random.default_rng(3).normal(size=(h, n)) * 0.01}, "W: the same in every call"),
    "a new generator each time": (lambda n, h, rng: {"W": np.random.default_rng().normal(size=(h, n)) * 0.01}, "called twice with equal arguments, it gives two outputs"),
    "the global generator": (lambda n, h, rng: {"W": np.random.randn(h, n) * 0.01}, "np.random is used"),
    "a seed for all": (lambda n, h, rng: np.random.seed(1) or {}, "np.random is used"),
    "shape": (lambda n, h, rng: {"W": rng.normal(size=(h, n + 1))}, "W: wrong shape"),
    "shape that varies": (lambda n, h, rng: {"W": np.ones((h, n)) if rng.random() < 0.5 else np.ones((n, 1))}, "W: wrong shape"),
    "nan": (lambda n, h, rng: {"W": np.full((h, n), np.nan)}, "W: contains nan"),
    "a known mistake": (lambda n, h, rng: (lambda more: {"W": more})(rng.normal(size=(n, h)).T), "W: wrong standard deviation of its entries: expected about 0.01, got about 1 (over 300 calls). W lacks its factor. See"),
    "another known mistake": (lambda n, h, rng: {"W": rng.standard_normal(n * h).reshape(n, h)}, "W is transposed. See"),
}  # fmt: skip


@pytest.mark.parametrize("what", UNLIKE)
def test_random_function_of_other_properties_fails(what):
    change, words = UNLIKE[what]
    said = message(INITIALISE, lambda n_x, n_h, rng: initialise(n_x, n_h, rng) | change(n_x, n_h, rng), "initialise")
    if what == "shape that varies":
        assert "W: " in said or "same structure" in said
    else:
        assert words in said


def test_random_function_with_another_stream_passes(capsys):
    for function in (initialise, initialise_in_another_order):
        INITIALISE(rename(lambda *given, function=function: function(*given), "initialise"))
    assert capsys.readouterr().out == "initialise: all checks passed\n" * 2


def test_right_answers_are_far_from_the_limit(monkeypatch):
    """With five standard errors, none of 40 right answers with streams of their own fails."""
    monkeypatch.setattr(chance, "RIGHT", 5)
    for stream in range(40):

        def another_stream(n_x, n_h, rng, stream=stream):
            rng.bit_generator.advance(1000 * (stream + 1))
            return initialise(n_x, n_h, rng)

        INITIALISE(rename(another_stream, "initialise"))


def dropout(A, keep_prob, rng):
    D = rng.random(A.shape) < keep_prob
    return A * D / keep_prob, D


def test_dropout_is_judged_entry_by_entry():
    A = np.arange(1.0, 7.0).reshape(2, 3)
    check = made_up(
        dropout, case(A=A, keep_prob=0.8, rng=np.random.default_rng(1)), returns=("A", "D"), judge=draws.draws(500)
    )

    def fails(function):
        return message(check, function, "dropout")

    assert "A: wrong mean of its entries" in fails(lambda A, k, rng: (A * (d := rng.random(A.shape) < k), d))
    assert "wrong mean" in fails(lambda A, k, rng: (A * (d := rng.random(A.shape) > k) / k, d))
    assert "A: the same in every call" in fails(lambda A, k, rng: (A, rng.random(A.shape) < k))
    assert "A: wrong on average at index (1, " in fails(lambda A, k, rng: dropout(A[:, ::-1], k, rng))
    check(rename(lambda A, k, rng: (A * (d := rng.binomial(1, k, A.shape)) / k, d), "dropout"))


def train(X, Y, learning_rate, num_iterations, rng, rate=None, start=0.01):
    """Gradient descent of a network without a hidden layer: one of the simplest procedures."""
    W, b, costs = rng.normal(size=(1, len(X))) * start, np.zeros((1, 1)), []
    for step in range(num_iterations):
        A = 1 / (1 + np.exp(-W @ X - b))
        costs.append(-np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A)))
        size = learning_rate if rate is None else rate(step)
        W, b = W - size * (A - Y) @ X.T / X.shape[1], b - size * (A - Y).mean(axis=1, keepdims=True)
    return {"W1": W, "b1": b}, costs


def test_numbers_drawn_where_nothing_is_random_are_refused():
    def thinned(A, mode, rng):
        return A if mode == "test" else A * (rng.random(A.shape) < 0.5)

    def thinned_from_one_draw(A, mode, rng):
        mask = rng.random(A.shape) < 0.5
        return A if mode == "test" else A * mask

    givens = [case(A=np.ones((3, 4)), mode=mode, rng=np.random.default_rng(1)) for mode in ("train", "test")]
    check = made_up(thinned, *givens, judge=draws.draws(300))
    check(thinned)
    assert "numbers are drawn from rng where nothing is random" in message(check, thinned_from_one_draw, "thinned")


def test_training_is_replayed():
    X = np.random.default_rng(0).normal(size=(2, 40))
    Y = (X[:1] > 0) * 1
    check = made_up(
        train, case(X=X, Y=Y, learning_rate=0.5, num_iterations=30, rng=np.random.default_rng(1)),
        judge=draws.draws(300, replay="tanh"), returns=("parameters", "costs"),
        mistakes=[("It goes uphill.", lambda X, Y, rate, steps, rng: train(X, Y, -rate, steps, rng))],
    )  # fmt: skip

    def fails(function):
        return message(check, function, "train")

    check(rename(lambda X, Y, rate, steps, rng: train(X, Y, rate, steps, rng)[::1], "train"))
    assert "It goes uphill." in fails(lambda X, Y, rate, steps, rng: train(X, Y, -rate, steps, rng))
    assert "W1: wrong after the first step: it moved 0.5 times" in fails(
        lambda X, Y, r, n, rng: train(X, Y, r / 2, n, rng)
    )
    assert "W1 does not move in the first step" in fails(
        lambda X, Y, r, n, rng: (train(X, Y, r, n // 2, rng)[0], [0.0] * n)
    )
    falling = fails(lambda X, Y, r, n, rng: train(X, Y, r, n, rng, rate=lambda step: r / (1 + step)))
    assert "W1: wrong after the second step" in falling
    assert "although learning_rate or num_iterations is 0" in fails(lambda X, Y, r, n, rng: train(X, Y, 0.3, n, rng))
    assert "costs: wrong at index 0: expected 0.69" in fails(
        lambda X, Y, r, n, rng: (train(X, Y, r, n, rng)[0], [0.1] * n)
    )
    assert "W1: wrong standard deviation" in fails(lambda X, Y, r, n, rng: train(X, Y, r, n, rng, start=0.02))
    assert "W1: wrong shape" in fails(lambda X, Y, r, n, rng: ({"W1": X, "b1": X[:1, :1]}, [0.0] * n))
    assert check.reference("train", 1)[1][0]["W1"].shape == (1, 2), "a reference is an output, not its statistics"


def test_descent_of_the_library_matches_numpy():
    rng = np.random.default_rng(2)
    P = {"W1": rng.normal(size=(4, 3)), "b1": rng.normal(size=(4, 1)), "W2": rng.normal(size=(2, 4)), "b2": rng.normal(size=(2, 1))}  # fmt: skip
    X, Y = rng.normal(size=(3, 9)), rng.integers(0, 2, size=(2, 9))
    for hidden, g in (("tanh", np.tanh), ("relu", lambda z: z * (z > 0))):

        def cost(P, g=g):
            A = 1 / (1 + np.exp(-P["W2"] @ g(P["W1"] @ X + P["b1"]) - P["b2"]))
            return np.sum(-Y * np.log(A) - (1 - Y) * np.log(1 - A)) / 9

        places, costs = views.descent(P, X, Y, 0.1, 2, hidden)
        assert costs[0] == pytest.approx(cost(P), rel=1e-12)
        nudge = {name: np.zeros(value.shape) for name, value in P.items()}
        nudge["W1"][1, 2] = 1e-6
        slope = (cost({n: P[n] + nudge[n] for n in P}) - cost({n: P[n] - nudge[n] for n in P})) / 2e-6
        assert places[1]["W1"][1, 2] == pytest.approx(P["W1"][1, 2] - 0.1 * slope, rel=1e-8)


def split(X, Y, sizes, rng):
    parts = np.split(rng.permutation(X.shape[1]), np.cumsum(sizes)[:2])
    return tuple(array[:, part] for part in parts for array in (X, Y))


def test_partition_is_judged_by_pairs_and_columns():
    X, Y = np.random.default_rng(0).normal(size=(2, 9)), np.arange(9)[None, :] % 3
    given = case(X=X, Y=Y, sizes=(4, 3, 2), rng=np.random.default_rng(1))
    check = made_up(split, given, judge=draws.draws(300, view="partition"))

    def other_order(X, Y, sizes, rng):
        order = np.argsort(rng.random(9))[::-1]
        order[:4].sort()
        return [array[:, order[part]] for part in (slice(4), slice(4, 7), slice(7, 9)) for array in (X, Y)]

    def fails(function):
        return message(check, function, "split")

    check(rename(other_order, "split"))
    apart = fails(lambda X, Y, sizes, rng: split(X, rng.permutation(Y, axis=1), sizes, rng))
    assert "number of columns beside their own label: wrong on average: expected about 9, got about 3" in apart
    drawn_twice = fails(lambda X, Y, sizes, rng: (*split(X, Y, sizes, rng)[:4], *split(X, Y, sizes, rng)[4:]))
    assert "number of columns in no set: wrong on average: expected about 0, got about 1" in drawn_twice
    of_its_own = fails(lambda X, Y, sizes, rng: split(X, Y, sizes, np.random.default_rng(3)))
    assert "the same in every call" in of_its_own
    assert "wrong number of entries" in fails(lambda X, Y, sizes, rng: split(X, Y, sizes, rng)[:4])

    def rotated(X, Y, sizes, rng):
        order = np.roll(np.arange(9), rng.integers(9))
        return tuple(array[:, order[part]] for part in (slice(4), slice(4, 7), slice(7, 9)) for array in (X, Y))

    assert "the column before: wrong mean" in fails(rotated)
    assert "See equation" in fails(lambda X, Y, sizes, rng: split(2 * X, Y, sizes, rng)), "columns that X does not have"


def cut(X, Y, size, rng):
    order = rng.permutation(X.shape[1])
    return [(X[:, order[k : k + size]], Y[:, order[k : k + size]]) for k in range(0, X.shape[1], size)]


def test_batches_are_judged_by_how_they_hold_the_columns():
    rng = np.random.default_rng(0)
    given = case(X=rng.normal(size=(2, 9)), Y=rng.normal(size=(1, 9)), size=4, rng=np.random.default_rng(1))
    check = made_up(cut, given, judge=draws.draws(300, view="batches"))

    def by_sorting(X, Y, size, rng):
        order = np.argsort(rng.random(X.shape[1]))
        return [(X[:, order[k : k + size]], Y[:, order[k : k + size]]) for k in (0, 4, 8)]

    def fails(function):
        return message(check, function, "cut")

    check(rename(by_sorting, "cut"))
    assert "number of columns beside their own label: wrong on average: expected about 9, got about" in fails(
        lambda X, Y, size, rng: cut(X, rng.permutation(Y, axis=1), size, rng)
    )
    assert "how often each column occurs" in fails(
        lambda X, Y, size, rng: (lambda found: [found[0], found[0], found[2]])(cut(X, Y, size, rng))
    )
    assert "the same in every call" in fails(lambda X, Y, size, rng: cut(X, Y, size, np.random.default_rng(3)))
    assert "wrong number of entries" in fails(lambda X, Y, size, rng: cut(X, Y, size, rng)[:2])
    assert "See equation" in fails(lambda X, Y, size, rng: cut(2 * X, Y, size, rng)), "columns that X does not have"

    def rotated(X, Y, size, rng):
        order = np.roll(np.arange(9), rng.integers(9))
        return [(X[:, order[k : k + size]], Y[:, order[k : k + size]]) for k in (0, 4, 8)]

    assert "follow the one before: wrong" in fails(rotated)


def test_function_that_is_passed_is_called_as_often_as_the_text_says():
    def tried(rng, error):
        one = rng.normal()
        return one, error(one)

    given = case(rng=np.random.default_rng(3), error=plain.Function("smooth", 2))
    check = made_up(tried, given, judge=draws.draws(300, calls="error"))
    check.exercises["tried"] = next(iter(check.exercises.values()))._replace(name="tried")
    check(rename(lambda rng, error: tried(rng, error), "tried"))

    def twice(rng, error):
        one = rng.normal()
        return one, (error(one) + error(one)) / 2

    assert "it does not call error as often as asked: expected 1 calls, got 2." in message(check, twice, "tried")
    never = message(check, lambda rng, error: tried(rng, plain.Function("smooth", 2)), "tried")
    assert "expected 1 calls, got 0." in never


def test_texts_in_an_array_are_the_same_texts_in_each_call():
    def named(names, rng):
        return np.array(names)[np.argsort([*names])]

    one = {"names": ["b", "a", "c"], "rng": np.random.default_rng(1)}
    outcome, _ = draws.sample(named, one, draws.draws(300))
    assert outcome.output["facts"]["repeats"]
    assert compare.difference(np.array(["a", "b"]), np.array(["a", "c"]), "x").form == "text"


# --- which helpers ---------------------------------------------------------------------------------------------------


def test_a_notebook_with_another_copy_of_helpers_says_so(tmp_path, monkeypatch, capsys):
    """In the folder of an edition, with the helpers of the repository; in one without helpers, and in the repository."""
    lesson = tmp_path / "learner" / "course1_nn" / "02_logistic_regression"
    lesson.mkdir(parents=True)
    monkeypatch.chdir(lesson)
    checks.lesson("logistic_regression")
    assert capsys.readouterr().out == ""
    (tmp_path / "learner" / "helpers" / "checks").mkdir(parents=True)
    (tmp_path / "learner" / "helpers" / "checks" / "__init__.py").touch()
    checks.lesson("logistic_regression")
    said = capsys.readouterr().out
    assert f"This notebook lies in {tmp_path / 'learner'}, but its `helpers` come from {TOP}" in said
    monkeypatch.chdir(TOP / "course1_nn")
    checks.lesson("logistic_regression")
    assert capsys.readouterr().out == ""
