"""The two rooms: what a test cell can do with a learner's code, what cannot cross, and that one slip costs once."""

import contextlib
import copy
import io
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell

from helpers import courses, exercises, notebooks
from helpers.checks import packs, plain
from helpers.grading import box, judge, rooms, submission
from helpers.grading import warm as forking
from helpers.grading.execute import Grading
from helpers.grading.readable import imports_of
from helpers.grading.warm import Shared, Warm

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
    "arrays that are one and the same": (
        "import numpy as np\ndef f(d):\n    z = np.zeros((2, 1))\n    return {'a': (z, z, np.zeros((2, 1))), 'b': d['x'][:]}",
        "import numpy as np\nd = {'x': np.ones(3)}\nr = f(d)\nassert np.shares_memory(r['b'], d['x'])\n"
        "assert np.shares_memory(*r['a'][:2]) and not np.shares_memory(*r['a'][1:])",
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
        ("def f():\n    raise KeyError('a')", "f()", "The test stopped with KeyError."),
        ("def f():\n    while True:\n        pass", "f()", "f took longer than 2 seconds and was stopped."),
        ("def f():\n    import os\n    os._exit(0)", "f()", "f ended its process."),
        ("def f():\n    return ' ' * 20_000_000", "f()", "many times as large as it should be"),
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


#: Lessons whose demonstrations run in a room, too: processes of their own, photographs, faces, words, a script.
WHOLE = ("introduction", "hyperparameter_search", "convolution", "face_verification", "word_embeddings")


@pytest.mark.parametrize(
    "lesson", [lesson for lesson in courses.LESSONS if lesson.done], ids=lambda lesson: lesson.name
)
def test_solutions_of_a_lesson_get_full_marks_and_its_release_none(monkeypatch, lesson):
    """All cells run with nbval, so of most lessons those that grade nothing, the trainings, do not run here again."""
    monkeypatch.setenv(packs.HIDDEN_SEED, "20240229")
    solved = notebooks.read(lesson.path)
    if lesson.name not in WHOLE:
        solved.cells = [cell for cell in solved.cells if "nbgrader" in cell.metadata]
    verdicts, errors = judged(lesson, solved)
    assert errors == []
    assert verdicts
    assert set(verdicts.values()) == {None}
    released = notebooks.student_version(solved)
    released.cells = [
        cell for cell in released.cells if "nbgrader" in cell.metadata
    ]  # what grades nothing has run above
    verdicts, _ = judged(lesson, released)
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
    forking.strongest.cache_clear()
    with pytest.raises(box.NoBox, match=r'c\.Execute\.box = "limits"'):
        forking.strongest()
    forking.strongest.cache_clear()


def test_open_files_of_the_grader_do_not_weaken_the_box():
    with contextlib.ExitStack() as stack:
        for _ in range(300):
            stack.enter_context(open(os.devnull))
        assert box.strongest() == STRENGTH


@pytest.fixture
def warm():
    made = Warm(LOGISTIC, STRENGTH)
    yield made
    made.close()


def test_a_room_inherits_no_socket_by_which_rooms_are_ordered(warm):
    warm.room().close()
    other = Shared(warm.scratch, STRENGTH)
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
    monkeypatch.setattr(forking, "started", {})
    forking.start(*key[:2], shared=[warm.scratch])
    assert type(forking.started[key]) is Shared
    for _ in range(2):
        room = forking.new_room(*key[:2], LIMITS)
        assert room.ask("run", 20, source="print(6 * 7)")["outputs"][0]["text"] == "42\n"
        room.close()
    warm.process.kill()
    warm.process.wait()
    room = forking.new_room(*key[:2], LIMITS)  # of an own process, which starts now
    assert type(forking.started[key]) is Warm
    assert room.ask("run", 20, source="print(6 * 7)")["outputs"][0]["text"] == "42\n"
    room.close()
    for one in forking.started.values():
        if isinstance(one, Warm):
            one.close()


def test_a_folder_of_another_user_is_not_asked_for_rooms(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(PermissionError):
        Shared(tmp_path, STRENGTH)


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
    monkeypatch.setattr(forking, "_locked_cells", lambda lesson: [drawn])
    warm = Warm(courses.find("logistic_regression"), STRENGTH)
    room = warm.room()
    source = "import matplotlib.pyplot as plt\nprint('secret' in globals(), plt.get_fignums(), plt.rcParams['lines.linewidth'])"
    (shown,) = room.ask("run", 60, source=source)["outputs"]
    assert shown["text"] == "False [] 1.5\n"
    room.close()
    warm.close()


# --- what is in a room, and what is left of it -------------------------------------------------------------------------


def memory_of(pid):
    """Yield the content of each part of a process's memory that can be read."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            start, end = (int(number, 16) for number in line.split()[0].split("-"))
            if line.split()[1].startswith("r"):
                with contextlib.suppress(OSError, OverflowError, ValueError):  # the kernel's own pages
                    memory.seek(start)
                    yield memory.read(end - start)


def test_nothing_secret_is_in_a_rooms_memory_or_files(monkeypatch, tmp_path):
    """Canaries stand in all that the grader knows; a room that it starts then holds none of them."""
    canaries = {name: secrets.token_hex(16) for name in ("environment", "seed", "secret", "file", "submission")}
    monkeypatch.setenv("GRADEBOOK_URL", canaries["environment"])
    monkeypatch.setenv(packs.HIDDEN_SEED, canaries["seed"])
    kept = bytearray(canaries["secret"].encode())
    (tmp_path / "open").write_text(canaries["file"])
    with open(tmp_path / "open") as file, contextlib.closing(Warm(LOGISTIC, STRENGTH)) as warm:
        os.set_inheritable(file.fileno(), True)
        other = warm.room()
        other.ask("run", 20, source=f"text = {canaries['submission']!r}\nopen('left', 'w').write(text)")
        room = warm.room()
        told = secrets.token_hex(16)
        room.ask("run", 20, source=f"told = {told!r}")
        try:
            found = {name for part in memory_of(room.pid) for name, text in canaries.items() if text.encode() in part}
            assert any(told.encode() in part for part in memory_of(room.pid))  # one that is there is found
            warm_too = {
                n for part in memory_of(warm.process.pid) for n, text in canaries.items() if text.encode() in part
            }
        except PermissionError:
            pytest.skip("this user may not read a room's memory from outside")
        assert found == warm_too == set()
        backwards = {name: text[::-1] for name, text in canaries.items()}
        search = (
            f"import os\nneedles = {{name: text[::-1].encode() for name, text in {backwards!r}.items()}}\nfound, files = set(), 0\n"
            "for folder, _, names in os.walk('/'):\n    for name in names:\n        try:\n"
            "            with open(os.path.join(folder, name), 'rb') as file:\n"
            "                content = file.read() if os.path.isfile(file.fileno()) else b''\n        except OSError:\n"
            "            continue\n        files += 1\n        found |= {n for n, text in needles.items() if text in content}\n"
        )
        room.ask("run", 60, source=search)
        assert room.get("found")[1] == 0 or list(room.get("found")[1]) == []
        assert room.get("files")[1] > 1000
        assert kept
        other.close()
        room.close()


@pytest.mark.parametrize("lost", [2, 3])
def test_a_room_that_does_not_start_is_tried_again(warm, monkeypatch, lost):
    class Faulty:
        tried = 0

        def room(self, limits):
            self.tried += 1
            if self.tried <= lost:
                raise rooms.NotStarted("the room did not start")
            return warm.room(limits)

    monkeypatch.setattr(forking, "started", {(LOGISTIC, STRENGTH, False): Faulty()})
    if lost == 3:
        with pytest.raises(box.NoBox, match="the room did not start"):
            forking.new_room(LOGISTIC, STRENGTH, LIMITS)
        return
    room = forking.new_room(LOGISTIC, STRENGTH, LIMITS)
    assert room.ask("run", 20, source="print(6 * 7)")["outputs"][0]["text"] == "42\n"
    room.close()


def waited_for(condition):
    for _ in range(400):
        if condition():
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("strength", ["namespaces", "landlock"])
def test_no_process_and_no_file_outlives_a_room(strength):
    """Orphans that forget their parents, refuse signals and hop from process to process end with their room."""
    source = (
        "import os, signal, time\nopen('file', 'w').close()\nos.makedirs('a/b')\nos.chmod('a/b', 0)\nos.chmod('a', 0)\n"
        "def orphan(work):\n    if os.fork() == 0:\n        os.setsid()\n        if os.fork() == 0:\n            work()\n        os._exit(0)\n"
        "def deaf():\n    for number in range(1, 65):\n        try:\n            signal.signal(number, signal.SIG_IGN)\n"
        "        except (OSError, ValueError):\n            pass\n    time.sleep(100)\n"
        "def hops():\n    while True:\n        if os.fork():\n            os._exit(0)\n"
        "orphan(deaf)\norphan(hops)\nprint(os.getpid())"
    )
    with contextlib.closing(Warm(LOGISTIC, strength)) as warm:
        room = warm.room()
        forking = forking_of(warm)
        before = set(rooms._tree(warm.process.pid)) - {warm.process.pid}
        room.ask("run", 20, source=source)
        assert len(set(rooms._tree(warm.process.pid)) - before) > 1
        again = warm.room()
        room.close()
        assert waited_for(lambda: set(rooms._tree(warm.process.pid)) <= {*forking, again.pid})
        assert waited_for(lambda: not os.path.exists(room.scratch))
        assert again.ask("run", 20, source="print(1)")["outputs"]


def forking_of(warm):
    """Return the numbers of the process that was started and of the one that forks rooms: its only child, or itself."""
    started = warm.process.pid
    children = Path(f"/proc/{started}/task/{started}/children").read_text().split()
    return [started, *(map(int, children) if warm.strength == "landlock" else ())]


def named(name):
    """Return the numbers of the processes that have given themselves a name; their children inherit it."""
    found = []
    for path in Path("/proc").glob("[0-9]*/comm"):
        with contextlib.suppress(OSError):
            found += [int(path.parent.name)] if path.read_text().strip() == name else []
    return found


@pytest.mark.parametrize("strength", ["namespaces", "landlock"])
def test_no_process_outlives_the_one_that_forks_rooms(strength):
    """It is killed from outside while a room forks without end."""
    name = f"hops{os.getpid()}"
    source = (
        f"import ctypes, os\nctypes.CDLL(None).prctl(15, b'{name}')\n"
        "def hops():\n    while True:\n        if os.fork():\n            os._exit(0)\n"
        "for _ in range(5):\n    if os.fork() == 0:\n        os.setsid()\n        hops()"
    )
    warm = Warm(LOGISTIC, strength)
    room = warm.room()
    forking = forking_of(warm)[-1]
    room.ask("run", 20, source=source)
    assert waited_for(lambda: len(named(name)) > 1)
    os.kill(forking, signal.SIGKILL)
    assert waited_for(lambda: not os.path.exists(f"/proc/{room.pid}"))
    warm.process.wait(20)
    for _ in range(20):  # one that forks may be between two numbers
        assert named(name) == []
    room.close()
    warm.close()


def test_a_room_ends_with_the_process_that_ordered_it(warm):
    number, tell = os.pipe()
    if (pid := os.fork()) == 0:
        with contextlib.suppress(BaseException):
            room = Shared(warm.scratch, STRENGTH).room()
            os.write(tell, str(room.pid).encode())
            room.ask("run", 100, source="while True:\n    pass")
        os._exit(0)
    room = int(os.read(number, 100))
    assert os.path.exists(f"/proc/{room}")
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    assert waited_for(lambda: not os.path.exists(f"/proc/{room}"))


def test_landlock_is_offered_only_where_the_kernel_enforces_all_of_it(monkeypatch):
    monkeypatch.setattr(box, "STRENGTHS", ("landlock", "limits"))
    assert box.strongest() == ("landlock" if box.landlock_version() >= box.WHOLE_LANDLOCK else "limits")
    for version in (-1, 1, 4, 5):
        monkeypatch.setattr(box, "landlock_version", lambda version=version: version)
        assert box.strongest() == "limits"


def test_imports_are_read_without_a_tree(monkeypatch):
    """Trees that two threads build at once can end a thread with a SystemError; a class is prepared in a thread."""
    monkeypatch.setattr("ast.parse", None)
    source = "import a.b, c\nfrom d import e\nfrom .f import g\nfrom . import h\ndef k():\n    import m as n\nawait k()"
    assert sorted(imports_of(source)) == ["a.b", "c", "d", "f", "m"]
    assert list(imports_of("%matplotlib inline")) == []


def test_only_system_calls_on_the_list_are_possible(warm):
    """Numbers that no kernel has yet are refused, too."""
    source = (
        "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\nrefused = []\n"
        "for number in (101, 250, 298, 310, 319, 321, 323, 425, 434, 447, 500, 600, 900):\n"
        "    refused.append(libc.syscall(number, 0, 0, 0, 0, 0) == -1 and ctypes.get_errno() == 38)"
    )
    room = warm.room()
    room.ask("run", 20, source=source)
    if os.uname().machine == "x86_64":
        assert room.get("refused")[1] == [True] * 13
    room.close()


def test_python_behind_symbolic_links_works(tmp_path):
    """Its real path is not the one by which it was imported; modules that are imported later must be there, too."""
    link = tmp_path / "link"
    link.symlink_to(courses.TOP)
    script = (
        "from helpers import courses\nfrom helpers.grading import box\nfrom helpers.grading.warm import Warm\n"
        "warm = Warm(courses.find('logistic_regression'), box.strongest())\nroom = warm.room()\n"
        "source = 'import IPython.core.logger, pygments.formatters, numpy.polynomial, json.tool, IPython\\nprint(IPython.__file__)'\n"
        "print(room.ask('run', 20, source=source)['outputs'])\nroom.close()\nwarm.close()"
    )
    python = link / Path(sys.executable).relative_to(courses.TOP)
    done = subprocess.run([python, "-c", script], capture_output=True, text=True, timeout=100, cwd=link)
    assert f"'text': '{link}" in done.stdout, done.stdout + done.stderr


def test_what_feedback_says_does_not_depend_on_hidden_cases():
    """Attacks put an input into words, lines, names, types and sizes; with other inputs the feedback is the same."""
    released = released_cells(LOGISTIC)
    differ = []
    for path in sorted((Path(__file__).parent / "attacks" / "leak").glob("*.py")):
        if "def tell(" not in path.read_text():
            continue
        said = []
        for seed in ("1", "20240229"):
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv(packs.HIDDEN_SEED, seed)
                cells, *_ = submission.restore(notebooks.student_version(notebooks.read(LOGISTIC.path)), released)
                cells = [cell for cell in cells if cell.metadata.get("nbgrader")]
                next(cell for cell in cells if cell.metadata.nbgrader.grade_id == "sigmoid").source = path.read_text()
                Grading(cells, released, LOGISTIC, STRENGTH, LIMITS).run()
                said.append(
                    [output.evalue for cell in cells for output in cell.get("outputs", []) if "evalue" in output]
                )
        assert said[0], path
        if said[0] != said[1]:
            differ.append((path.stem, [pair for pair in zip(*said, strict=True) if pair[0] != pair[1]]))
    assert differ == []


# --- what judging may cost ---------------------------------------------------------------------------------------------


def test_judging_is_ended_from_outside():
    """Too long, too much memory, too long an answer, a failure, an end: each gives a sentence, and soon."""
    start = time.monotonic()
    assert judge.apart(lambda: {"a": [1, "b"]}, 20, 1 << 30) == {"a": [1, "b"]}
    for work, words in (
        (lambda: time.sleep(100), "more memory or time"),
        (lambda: len(bytearray(1 << 31)), "MemoryError"),
        (lambda: "x" * (judge.MOST + 1), "more memory or time"),
        (lambda: 1 / 0, "ZeroDivisionError"),
        (lambda: os._exit(3), "more memory or time"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "more memory or time"),
        (lambda: object(), "failed"),
    ):
        with pytest.raises(judge.Ended, match=words):
            judge.apart(work, 2, 1 << 30)
    assert time.monotonic() - start < 30
    with pytest.raises(box.NoBox, match="none here"):
        judge.apart(lambda: raise_(box.NoBox("none here")), 20, 1 << 30)


def raise_(error):
    raise error


def test_a_test_that_takes_too_much_computing_costs_itself_alone():
    slow = "f(1)\nwhile True:\n    pass"
    said = grade("def f(x):\n    return x", slow, "assert f(2) == 2", judge=0.5)
    assert said == ["Judging this took more than 0.5 seconds of computing and was stopped.", ""]


def test_after_the_end_of_its_time_nothing_of_a_submission_starts(monkeypatch):
    made = []
    real = forking.new_room
    monkeypatch.setattr(forking, "new_room", lambda *words: made.append(1) or real(*words))
    cells = [new_code_cell("while True:\n    pass") for _ in range(200)]
    cells += [new_code_cell("1", metadata={"nbgrader": {"grade_id": f"t{i}"}}) for i in range(3)]
    released = [submission.Released(f"t{i}", "code", "1", True, False, False, 1.0, "") for i in range(3)]
    start = time.monotonic()
    Grading(cells, released, None, STRENGTH, LIMITS | {"cell": 0.2, "notebook": 4.0}).run()
    assert time.monotonic() - start < 20
    assert len(made) < 60
    said = [output.evalue for cell in cells for output in cell.outputs]
    assert said[-3:] == ["This test was not run: the notebook took longer than 4 seconds."] * 3
    assert len(said) < 60


def test_cells_and_what_they_show_have_a_sum():
    cells = [new_code_cell("print('x' * 50_000)") for _ in range(60)]
    Grading(cells, [], None, STRENGTH, LIMITS | {"cells": 40, "shown": 1 << 20}).run()
    assert sum(len(str(cell.outputs)) for cell in cells) < 1_200_000
    said = [output.evalue for cell in cells for output in cell.outputs if output.output_type == "error"]
    assert said[0] == "What this cell shows is left out: the notebook shows more than 1 MB."
    assert said[-1] == "This cell and those below were not run: there are more than 40 cells."


def test_values_far_larger_than_asked_for_are_not_read(warm):
    room = warm.room()
    room.ask("run", 20, source="import numpy as np\ndef f(n):\n    return np.zeros(n)")
    f = room.get("f")[1]
    with plain.at_most([1.0], 2.0):
        assert f(1000).shape == (1000,)
        with pytest.raises(rooms.TooLarge, match="f gave a value that is many times as large as it should be."):
            f(200_000)
        assert f(10).shape == (10,)  # the room goes on
    assert f(200_000).shape == (200_000,)
    room.close()


@pytest.mark.parametrize("keys", ["i * (2**61 - 1)", "(i, 2**70)", "10**4000 + i"])
def test_integers_that_can_be_made_to_collide_are_refused(keys):
    with pytest.raises(ValueError, match="64 bits"):
        plain.decode(plain.encode(dict.fromkeys([eval(keys, {"i": i}) for i in range(5, 20)], 0)))


def test_no_usual_mistake_and_no_right_answer_is_too_large():
    """What the catalogue's mistakes give can be sent, so that their sentences can be said."""
    for lesson in exercises.lessons():
        for exercise in exercises.load(lesson).exercises.values():
            drawn = exercise.draw(3)
            for case in drawn["cases"]:
                right = case["expected"]["output"] if case.get("judge") else case["expected"]
                with plain.at_most(case["arguments"], right, calls=case["judge"]["count"] if case.get("judge") else 1):
                    for function, _ in exercise.mistakes:
                        with contextlib.suppress(Exception):
                            given = copy.deepcopy(list(case["arguments"].values()))
                            with contextlib.redirect_stdout(io.StringIO()):
                                got = function(*given)
                            assert len(json.dumps(plain.encode(got))) <= plain.allowed.get(), (exercise, function)


def test_a_judge_that_is_ended_leaves_the_next_one_its_rooms(monkeypatch):
    """It is ended while the process that forks rooms answers it; the next submission does not get that answer."""
    monkeypatch.setattr(forking, "started", {})
    made = forking.start(LOGISTIC, STRENGTH)
    released = released_cells(LOGISTIC)
    warm = forking.started[LOGISTIC, STRENGTH, False]

    def graded(ends):
        cells, *_ = submission.restore(notebooks.student_version(notebooks.read(LOGISTIC.path)), released)
        grading = Grading(cells, released, LOGISTIC, STRENGTH, LIMITS)
        real = rooms.Room
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(rooms, "Room", lambda *words: os._exit(0) if ends else real(*words))
            return judge.apart(lambda: grading.report(1), 60, 1 << 30)

    with pytest.raises(judge.Ended):
        graded(ends=True)
    for _ in range(2):
        outputs = [output for shown, _ in graded(ends=False)["cells"] for output in shown]
        assert any(output["output_type"] == "error" for output in outputs)
    assert warm.alive()
    assert len(made) == 2
    for one in forking.started.values():
        one.close()
