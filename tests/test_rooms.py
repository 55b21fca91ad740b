"""The two rooms: what a test cell can do with a learner's code, what cannot cross, and that one slip costs once."""

import contextlib
import os
import re

import pytest
from nbformat.v4 import new_code_cell

from helpers import courses, notebooks
from helpers.checks import packs
from helpers.grading import box, execute, rooms, submission
from helpers.grading.execute import Grading

LOGISTIC = courses.find("logistic_regression")
STRENGTH = box.strongest()
LIMITS = rooms.LIMITS | {"call": 2.0, "cell": 5.0}


def grade(answer, *tests, stub=None, **limits):
    """Grade one answer cell and test cells of an assignment that is no lesson; return the outputs of the tests."""
    names = re.findall(r"^(?:def|class) (\w+)|^(\w+) =", stub or answer, re.M)
    stub = stub or "\n".join(f"{first or second} = None" for first, second in names)
    released = [submission.Released("answer", "code", stub, False, True, False, None, "")]
    released += [submission.Released(f"test{i}", "code", t, True, False, False, 1.0, "") for i, t in enumerate(tests)]
    cells = [new_code_cell(answer, metadata={"nbgrader": {"grade_id": "answer"}})]
    cells += [new_code_cell(t, metadata={"nbgrader": {"grade_id": f"test{i}"}}) for i, t in enumerate(tests)]
    Grading(cells, released, None, STRENGTH, LIMITS | limits).run()
    return [" ".join(o.get("evalue", "") or o.get("text", "") for o in cell.outputs).strip() for cell in cells[1:]]


PASSES = {
    "numbers and arrays": (
        "import numpy as np\ndef f(x):\n    return 2 * x",
        "import numpy as np\nassert f(3) == 6 and f(0.5) == 1.0 and (f(np.eye(2)) == 2 * np.eye(2)).all()",
    ),
    "named arguments and defaults": ("def f(a, b=3):\n    return a - b", "assert f(5) == 2 and f(a=5, b=1) == 4"),
    "nested plain data": (
        "def f(d):\n    return {'a': (1, [2.5, None]), 'b': d['x']}",
        "assert f({'x': 'text'}) == {'a': (1, [2.5, None]), 'b': 'text'}",
    ),
    "a variable": ("best = {'alpha': 0.1}", "assert best == {'alpha': 0.1}"),
    "a call-back": ("def apply(g, x):\n    return g(g(x))", "assert apply(lambda x: x + 1, 5) == 7"),
    "a function that comes back": (
        "def adder(n):\n    def add(x):\n        return x + n\n    return add",
        "assert adder(2)(40) == 42",
    ),
    "a class with methods and attributes": (
        "class Counter:\n    def __init__(self, n):\n        self.n = n\n    def up(self, by=1):\n        self.n += by\n        return self.n",
        "c = Counter(5)\nassert c.up() == 6 and c.up(by=4) == 10 and c.n == 10\nc.n = 0\nassert c.up() == 1",
    ),
    "an iterator": (
        "def squares(n):\n    for i in range(n):\n        yield i * i",
        "assert list(squares(4)) == [0, 1, 4, 9]",
    ),
    "items and length": (
        "class Row:\n    def __len__(self):\n        return 3\n    def __getitem__(self, i):\n        return 10 * i\ndef row():\n    return Row()",
        "assert len(row()) == 3 and row()[2] == 20",
    ),
    "arguments changed in place": (
        "def double(x, d, l):\n    x *= 2\n    d['k'] = 1\n    l.append(3)",
        "import numpy as np\nx, d, l = np.ones(3), {}, []\ndouble(x, d, l)\nassert (x == 2).all() and d == {'k': 1} and l == [3]",
    ),
    "an array inside a tuple changed in place": (
        "def change(cache):\n    cache[0][0] = 7",
        "import numpy as np\na = np.zeros(2)\nchange((a, 1))\nassert a[0] == 7",
    ),
    "the state of a generator": (
        "def draw(rng):\n    return rng.normal(size=2)",
        "import numpy as np\nrng = np.random.default_rng(1)\na, b = draw(rng), draw(rng)\n"
        "other = np.random.default_rng(1)\nassert (a == other.normal(size=2)).all() and (b == other.normal(size=2)).all()",
    ),
    "an exception that a test expects": (
        "def f(x):\n    raise ValueError('negative')",
        "try:\n    f(-1)\n    assert False\nexcept ValueError as error:\n    assert 'negative' in str(error)",
    ),
    "subclasses of plain types": (
        "from collections import OrderedDict, namedtuple\nP = namedtuple('P', 'x y')\ndef f():\n    return OrderedDict(a=P(1, 2))",
        "assert f() == {'a': (1, 2)}",
    ),
    "printing to stderr": ("import sys\ndef f():\n    print('warning', file=sys.stderr)\n    return 1", "assert f() == 1"),
    "printing to stderr in a cell": ("import sys\nprint('warning', file=sys.stderr)\nf = 1", "assert f == 1"),
}  # fmt: skip


@pytest.mark.parametrize("case", PASSES)
def test_works_across_the_wall(case):
    answer, test = PASSES[case]
    assert grade(answer, test) == [""]


@pytest.mark.parametrize(
    ("answer", "test", "words"),
    [
        ("def f():\n    return 2", "assert f() == 3, 'one and two are three'", "one and two are three"),
        ("def f():\n    return 2", "assert f() == 3", "A test of this cell fails."),
        ("def f():\n    return 2", "assert g() == 3", "name 'g' is not defined"),
        ("def f():\n    return {1, 2}", "assert f() == {1, 2}", "A test of this cell fails."),
        ("def f():\n    return object()", "assert f() + 1 == 2", "TypeError"),
        ("def f(x):\n    return x", "f(object())", "a test can pass plain data and functions to the learner's code"),
        ("def f():\n    raise KeyError('a')", "f()", "The test stopped with KeyError: \"'a'\""),
        ("def f():\n    while True:\n        pass", "f()", "f took longer than 2 seconds and was stopped."),
        ("def f():\n    import os\n    os._exit(0)", "f()", "f ended its process."),
        ("def f():\n    return ' ' * 20_000_000", "f()", "too large"),
        ("def f(:", "f()", "name 'f' is not defined"),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_said(answer, test, words):
    assert words in grade(answer, test, stub="def f():\n    pass")[0]


def test_a_stuck_or_dead_test_costs_itself_alone():
    answer = (
        "import os, signal\ncalls = []\ndef stuck():\n    signal.signal(signal.SIGINT, signal.SIG_IGN)\n    while True:\n        pass\n"
        "def dies():\n    os._exit(3)\ndef fine():\n    calls.append(1)\n    return len(calls)"
    )
    said = grade(answer, "stuck()", "dies()", "assert fine() == 1", "assert fine() == 2")
    assert said[0] == "stuck took longer than 2 seconds and was stopped."
    assert said[1] == "dies ended its process."
    assert said[2:] == ["", ""]  # what ran before runs again; tests see what earlier ones left behind, as in a kernel


def test_memory_is_limited_and_said():
    answer = "import numpy as np\ndef f():\n    hoard = []\n    while True:\n        hoard.append(np.ones(3_000_000))"
    said = grade(answer, "f()", "assert True", resident=300 << 20)
    assert said[0] == "f took more than 300 MB of memory and was stopped."
    assert said[1] == ""


def test_a_number_is_the_score_as_in_nbgrader():
    cells = [new_code_cell("0.5", metadata={"nbgrader": {"grade_id": "t"}})]
    Grading(cells, [submission.Released("t", "code", "0.5", True, False, False, 2.0, "")], None, STRENGTH, LIMITS).run()
    assert cells[0].outputs[0].data["text/plain"] == "0.5"


# --- lessons ---------------------------------------------------------------------------------------------------------


def released_cells(lesson):
    return [
        submission.Released(
            cell.metadata.nbgrader.grade_id, cell.cell_type, cell.source, cell.metadata.nbgrader.locked,
            cell.metadata.nbgrader.solution, False, cell.metadata.nbgrader.get("points"), "",
        )
        for cell in notebooks.student_version(notebooks.read(lesson.path)).cells
        if "nbgrader" in cell.metadata
    ]  # fmt: skip


def judged(lesson, notebook):
    """Return ``{exercise: what its test said, or None if it passed}`` and the errors of the learner's cells."""
    released = released_cells(lesson)
    cells, _, _ = submission.restore(notebook, released)
    Grading(cells, released, lesson, STRENGTH, rooms.LIMITS).run()
    verdicts, errors = {}, []
    for cell in cells:
        found = [output.evalue for output in cell.get("outputs", []) if output.output_type == "error"]
        if cell.metadata.get("nbgrader", {}).get("grade"):
            verdicts[cell.metadata.nbgrader.grade_id.removeprefix("test_")] = found[0] if found else None
        else:
            errors += found
    return verdicts, errors


@pytest.mark.parametrize(
    "lesson", [lesson for lesson in courses.LESSONS if lesson.done], ids=lambda lesson: lesson.name
)
def test_solutions_of_a_lesson_get_full_marks_and_its_release_none(monkeypatch, lesson):
    monkeypatch.setenv(packs.HIDDEN_SEED, "20240229")
    solved = notebooks.read(lesson.path)
    verdicts, errors = judged(lesson, solved)
    assert errors == []
    assert verdicts
    assert set(verdicts.values()) == {None}
    verdicts, _ = judged(lesson, notebooks.student_version(solved))
    for name, said in verdicts.items():  # what is given of an answer may call another one first
        assert re.fullmatch(rf"{name} (calls \w+, which )?is not written yet\.", said)


def test_one_slip_costs_once(monkeypatch):
    """A wrong sigmoid makes five later exercises wrong; they are judged with the right one in its place."""
    monkeypatch.setenv(packs.HIDDEN_SEED, "5")
    lesson = courses.find("logistic_regression")
    notebook = notebooks.read(lesson.path)
    for cell in notebook.cells:
        if cell.id == "sigmoid":
            cell.source = "def sigmoid(z):\n    return 1 / (1 + np.exp(z))"
    verdicts, _ = judged(lesson, notebook)
    assert verdicts.pop("sigmoid").endswith(
        "Your output falls as z grows. Look at the sign in the exponent. See equation (2.3)."
    )
    assert set(verdicts.values()) == {None}


def test_two_slips_cost_two(monkeypatch):
    monkeypatch.setenv(packs.HIDDEN_SEED, "5")
    lesson = courses.find("logistic_regression")
    notebook = notebooks.read(lesson.path)
    for cell in notebook.cells:
        if cell.id == "sigmoid":
            cell.source = "def sigmoid(z):\n    return 1 / (1 + np.exp(z))"
        if cell.id == "predict":
            cell.source = "def predict(w, b, X):\n    return sigmoid(w.T @ X + b)"
    verdicts, _ = judged(lesson, notebook)
    assert {name for name, said in verdicts.items() if said} == {"sigmoid", "predict"}


def test_limits_alone_are_taken_only_by_name(monkeypatch):
    monkeypatch.setattr(box, "strongest", lambda: "limits")
    execute.strongest.cache_clear()
    with pytest.raises(box.NoBox, match=r'c\.Execute\.box = "limits"'):
        execute.strongest()
    execute.strongest.cache_clear()


def test_open_files_of_the_grader_do_not_weaken_the_box():
    with contextlib.ExitStack() as stack:
        for _ in range(300):
            stack.enter_context(open(os.devnull))
        assert box.strongest() == STRENGTH


@pytest.fixture
def warm():
    made = rooms.Warm(LOGISTIC, STRENGTH)
    yield made
    made.close()


def test_a_room_inherits_no_socket_by_which_rooms_are_ordered(warm):
    warm.room().close()
    other = rooms.Shared(warm.scratch, STRENGTH)
    room = other.room()
    source = (
        "import os, stat\nsockets = []\nfor number in range(256):\n    try:\n"
        "        sockets += [number] if stat.S_ISSOCK(os.fstat(number).st_mode) else []\n    except OSError:\n        pass\n"
        f"there = os.path.exists({warm.scratch + '/requests'!r})"
    )
    room.ask("run", 20, source=source)
    assert len(room.get("sockets")[1]) == 1  # its own socket
    assert room.get("there") == (True, False)
    room.close()


def test_processes_share_what_forks_their_rooms_and_go_on_without_it(warm, monkeypatch):
    key = LOGISTIC, STRENGTH, False
    monkeypatch.setattr(execute, "_warm", {})
    execute.warm_up(*key[:2], shared=[warm.scratch])
    assert type(execute._warm[key]) is rooms.Shared
    for _ in range(2):
        room = execute._room(*key[:2], LIMITS)
        assert room.ask("run", 20, source="print(6 * 7)")["outputs"][0]["text"] == "42\n"
        room.close()
    warm.process.kill()
    warm.process.wait()
    room = execute._room(*key[:2], LIMITS)  # of an own process, which starts now
    assert type(execute._warm[key]) is rooms.Warm
    assert room.ask("run", 20, source="print(6 * 7)")["outputs"][0]["text"] == "42\n"
    room.close()
    for one in execute._warm.values():
        if isinstance(one, rooms.Warm):
            one.close()


def test_a_folder_of_another_user_is_not_asked_for_rooms(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(PermissionError):
        rooms.Shared(tmp_path, STRENGTH)


def test_a_cell_defines_the_same_when_it_runs_once_more(warm):
    """What runs for the tests shows nothing; magics, an await outside of functions and errors are as in a kernel."""
    room = warm.room()
    cell = (
        "%precision 3\nimport asyncio\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])\nprint('shown')\nbefore = 1\n"
        "raise ValueError\nafter = 2"
    )
    assert room.ask("rerun", 20, source=cell) is None
    assert room.get("before") == (True, 1)
    assert room.get("after")[0] is False
    assert room.ask("run", 20, source="plt.get_fignums()")["outputs"][0]["data"]["text/plain"] == "[]"
    room.ask("rerun", 20, source="await asyncio.sleep(0)\nawaited = 3")
    assert room.get("awaited") == (True, 3)
    assert room.ask("rerun", 20, source="def f(:") is None
    room.close()


def test_what_the_warm_process_rehearsed_is_forgotten(monkeypatch):
    """Cells of the lesson run once before rooms are made: no name, no figure, no setting of theirs is left."""
    drawn = "import matplotlib.pyplot as plt\nsecret = 1\nplt.figure()\nplt.rcParams['lines.linewidth'] = 7\nraise ValueError"
    monkeypatch.setattr(rooms, "_locked_cells", lambda lesson: [drawn])
    warm = rooms.Warm(courses.find("logistic_regression"), STRENGTH)
    room = warm.room()
    source = "import matplotlib.pyplot as plt\nprint('secret' in globals(), plt.get_fignums(), plt.rcParams['lines.linewidth'])"
    (shown,) = room.ask("run", 60, source=source)["outputs"]
    assert shown["text"] == "False [] 1.5\n"
    room.close()
    warm.close()
