"""A class on JupyterHub with separate users of the machine, as the instructor's guide sets it up: all over HTTP.

The test runs the guide's blocks for a hub: those of root in a shell, those of the teacher in a terminal of the teacher's
JupyterLab. It makes the users teacher, ann and ben on this machine and removes them, so it needs root. It takes minutes.
"""

import contextlib
import json
import os
import pwd
import re
import shlex
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import guide
import nbformat
import pytest
import requests
import websocket
from nbgrader.api import Gradebook
from test_grading import LESSON, POINTS
from test_guide import HINT, with_slip

USERS = ("teacher", "ann", "ben")
PASSWORD = "for a trial only"
NAME, COURSE, FILE = LESSON.folder, LESSON.course, f"{LESSON.course}/{LESSON.folder}/{LESSON.folder}.ipynb"
MARK = ".made-by-test-hub"


def python_for_all():
    """Return a Python that every user of the machine may run, or None."""
    for path in ("/usr/bin/python3", "/usr/local/bin/python3", os.path.realpath(sys.executable)):
        real = Path(os.path.realpath(path))
        if not real.exists() or not all(parent.stat().st_mode & stat.S_IXOTH for parent in real.parents):
            continue
        asked = [path, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
        if subprocess.run(asked, capture_output=True).returncode == 0:
            return path
    return None


def missing():
    """Return what this machine lacks for the test, in words, or None."""
    if not hasattr(os, "getuid") or os.getuid() != 0:
        return "the hub's test makes users of the machine: run it as root"
    for command in ("npm", "node", "useradd", "userdel", "git"):
        if shutil.which(command) is None:
            return f"the hub's test needs {command}: install it (Debian: apt-get install nodejs npm passwd git)"
    if python_for_all() is None:
        return "the hub's test needs a Python 3.11 or newer that all users may run, such as /usr/bin/python3"
    return None


pytestmark = pytest.mark.skipif(missing() is not None, reason=missing() or "")


# --- users -----------------------------------------------------------------------------------------------------------


def remove_users():
    """Remove the users that an earlier run left behind; fail if the machine has users of these names of its own."""
    for name in USERS:
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            assert (Path(entry.pw_dir) / MARK).exists(), (
                f"this machine has a user {name}, whom this test did not make: it would be removed. Run it elsewhere."
            )
            for signal_number in (signal.SIGTERM, signal.SIGKILL):
                for pid in processes_of(entry.pw_uid):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal_number)
                until = time.monotonic() + 5
                while processes_of(entry.pw_uid) and time.monotonic() < until:
                    time.sleep(0.1)
            subprocess.run(["userdel", "--remove", name], check=True, capture_output=True)


def processes_of(uid):
    found = []
    for one in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            if one.stat().st_uid == uid:
                found.append(int(one.name))
    return found


# --- over HTTP -------------------------------------------------------------------------------------------------------


class Person:
    """Someone who logs in at the hub's page and from then on uses a token of their own."""

    def __init__(self, hub, name):
        self.hub, self.name, self.terminals = hub, name, {}
        session = requests.Session()
        session.get(f"{hub}/hub/login", timeout=30)
        form = {"username": name, "password": PASSWORD, "_xsrf": xsrf(session)}
        answer = session.post(f"{hub}/hub/login?next=/hub/home", data=form, timeout=30)
        assert answer.ok, answer.text[-2000:]
        assert answer.url.endswith("/hub/home"), answer.url
        answer = session.post(
            f"{hub}/hub/api/users/{name}/tokens", json={"note": "test"}, timeout=30,
            headers={"X-XSRFToken": xsrf(session), "Referer": f"{hub}/hub/token"},
        )  # fmt: skip
        assert answer.ok, answer.text
        self.headers = {"Authorization": f"token {answer.json()['token']}"}

    def ask(self, method, path, status=(200, 201), **options):
        answer = requests.request(method, self.hub + path, headers=self.headers, timeout=120, **options)
        assert answer.status_code in status, f"{self.name}: {method} {path}: {answer.status_code} {answer.text[-2000:]}"
        return answer

    def start(self, owner=None):
        """Start a server and wait for it: one's own, or that of someone who shares it."""
        owner = owner or self.name
        answer = requests.post(f"{self.hub}/hub/api/users/{owner}/server", headers=self.headers, timeout=130)
        assert answer.status_code in (201, 202) or "already running" in answer.text, answer.text
        until = time.monotonic() + 120
        while time.monotonic() < until:
            with contextlib.suppress(AssertionError):
                return self.ask("GET", f"/user/{owner}/api/status")
            time.sleep(0.5)
        raise AssertionError(f"the server of {owner} did not start")

    def assignment(self, action):
        """Do in the Assignment List what its buttons do, and return the list."""
        data = {"course_id": COURSE, "assignment_id": NAME}
        answer = self.ask("POST", f"/user/{self.name}/assignments/{action}", data=data).json()
        assert answer["success"], answer["value"]
        return answer["value"]

    def terminal(self, owner=None):
        owner = owner or self.name
        if owner not in self.terminals:
            self.terminals[owner] = Terminal(self, owner)
        return self.terminals[owner]


def xsrf(session):
    return next(cookie.value for cookie in session.cookies if cookie.name == "_xsrf" and cookie.path == "/hub/")


class Terminal:
    """A terminal in someone's JupyterLab."""

    def __init__(self, person, owner):
        name = person.ask("POST", f"/user/{owner}/api/terminals").json()["name"]
        self.url = person.hub.replace("http://", "ws://") + f"/user/{owner}/terminals/websocket/{name}"
        self.headers, self.ready = person.headers, False

    def run(self, command, timeout=300):
        mark, start, output = f"end-{time.monotonic_ns()}", time.monotonic(), ""
        line = f"eval {shlex.quote(command)} </dev/null; printf '\\n%s %d\\n' {mark} $?\r"
        with contextlib.closing(
            websocket.create_connection(self.url, header=self.headers, timeout=timeout)
        ) as connection:
            while not self.ready:  # until the first prompt
                self.ready = json.loads(connection.recv())[0] == "stdout"
            connection.send(json.dumps(["stdin", line]))
            while not (match := re.search(rf"\n{mark} (\d+)\n", output)):
                kind, text = json.loads(connection.recv())
                output += text.replace("\r", "") if kind == "stdout" else ""
        return guide.Ran(command, int(match[1]), time.monotonic() - start, output[: match.start()])


# --- the hub ---------------------------------------------------------------------------------------------------------


def free_ports(number):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(contextlib.closing(socket.socket())) for _ in range(number)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


class Hub:
    """A hub as the guide sets it up, in a folder of its own; `ran` is what was run of the guide."""

    def __init__(self, top, copy, home):
        self.folder, self.ran = top / "deep-learning", []
        env = guide.environment(home, HUB=str(self.folder), PYTHON=python_for_all())
        self.shell = guide.Shell(copy, env)
        self.blocks = [block for block in guide.blocks() if guide.MARKERS[block.marker] == "hub"]

    def setup(self):
        while self.blocks[0].marker == "hub: root":
            block = self.blocks.pop(0)
            for command in block.commands:
                if "bin/jupyterhub" in command:
                    self._ports()
                self._done(self.shell.run(command, timeout=500), block)
                if "useradd" in command:
                    for name in USERS:
                        (Path(pwd.getpwnam(name).pw_dir) / MARK).touch()
        self.setup_seconds = round(sum(one.seconds for one in self.ran))
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with contextlib.suppress(requests.ConnectionError):
                if requests.get(f"{self.url}/hub/health", timeout=5).ok:
                    return
            time.sleep(0.2)
        raise AssertionError((self.folder / "hub" / "log").read_text()[-3000:])

    def _ports(self):
        ports = free_ports(3)
        self.url = f"http://127.0.0.1:{ports[0]}"
        with open(self.folder / "hub" / "local.py", "a") as file:
            file.write(f"c.JupyterHub.bind_url = {self.url!r}\n")
            file.write(f"c.JupyterHub.hub_bind_url = 'http://127.0.0.1:{ports[1]}'\n")
            file.write(f"c.ConfigurableHTTPProxy.api_url = 'http://127.0.0.1:{ports[2]}'\n")

    def next_block(self, section, run):
        """Run the next block of the guide, which must be of this section."""
        block = self.blocks.pop(0)
        assert section in block.section
        output = ""
        for command in block.commands:
            output += self._done(run(command), block).output
        return output

    def _done(self, one, block):
        self.ran.append(one)
        assert one.status == 0, f"line {block.line}: {one.command}\n{one.output[-3000:]}"
        return one

    def close(self):
        with contextlib.suppress(OSError, IndexError, ValueError):
            pid = int(self.shell.run("jobs -p").output.split()[-1])
            os.kill(pid, signal.SIGTERM)  # the hub stops the proxy and all servers
            self.shell.run(f"wait {pid}", timeout=60)
        self.shell.close()


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    remove_users()
    top = Path(tempfile.mkdtemp(prefix="hub-"))  # pytest's own folders are closed to other users
    top.chmod(0o755)
    home = tmp_path_factory.mktemp("root")
    hub = Hub(top, guide.fresh_copy(tmp_path_factory.mktemp("hub")), home)
    try:
        hub.setup()
        yield hub
    finally:
        hub.close()
        remove_users()
        shutil.rmtree(top)


def book():
    """Return the points of each student by exercise."""
    with Gradebook(f"sqlite:///{pwd.getpwnam('teacher').pw_dir}/deep-learning/gradebook.db") as gradebook:
        return {
            one.student.id: {grade.name.removeprefix("test_"): grade.score for grade in one.notebooks[0].grades}
            for one in gradebook.assignment_submissions(NAME)
        }


def answer(person):
    """Write answers into the fetched notebook in the person's JupyterLab: right ones, but for one usual slip."""
    path = f"/user/{person.name}/api/contents/{FILE}"
    notebook = nbformat.from_dict(person.ask("GET", path).json()["content"])
    answers = {cell.id: cell.source for cell in with_slip().cells if cell.metadata.nbgrader.solution}
    for cell in notebook.cells:
        cell.source = answers.get(cell.id, cell.source)
    person.ask("PUT", path, json={"type": "notebook", "content": notebook})


FORGE = f"""
set -e
cd ~
nbgrader submit {NAME} --course {COURSE} --student ann
forged="$HUB/exchange/{COURSE}/inbound/ben+{NAME}+2030-01-01 00:00:00.000000 UTC+forged"
cp -r {COURSE}/{NAME} "$forged"
echo "2030-01-01 00:00:00.000000 UTC" > "$forged/timestamp.txt"
echo forged > "$forged/submission_secret.txt"
ln -s ~teacher/deep-learning/grading/secret "$forged/link.html"
ln -s ~teacher/deep-learning "$forged/folder"
chmod -R a+rwX "$forged"
"""

#: What ben tries in a terminal of his own; none of it may work.
TRIES = (
    "cat ~teacher/deep-learning/gradebook.db",
    "cat ~teacher/deep-learning/grading/secret",
    "ls ~teacher ~ann",
    f"cat ~ann/{FILE}",
    f"ls $HUB/exchange/{COURSE}/inbound",
    f"cat $HUB/exchange/{COURSE}/inbound/ann*/*.ipynb",
    f"ls $HUB/exchange/{COURSE}/feedback",
    f"cat $HUB/exchange/{COURSE}/feedback/*.html",
    f"touch $HUB/exchange/{COURSE}/outbound/{NAME}/{NAME}.ipynb",
    f"mv $HUB/exchange/{COURSE} $HUB/exchange/mine",
    "cat $HUB/hub/jupyterhub.sqlite",
    "cat $HUB/hub/cookie_secret",
    "cat $HUB/hub/local.py",
    "touch $HUB/edition/helpers/checks/__init__.py $HUB/config/jupyterhub_config.py",
    "python -c 'import helpers.exercises'",
    "python -c 'import helpers.grading'",
)


def test_round_trip_of_a_class_with_separate_users(hub, capsys, record_property):
    start = time.monotonic()
    ida, ann, ben = (Person(hub.url, name) for name in ("ida", "ann", "ben"))
    teacher = ida  # an instructor without account on the machine, in the server of the account teacher
    teacher.start("teacher")
    terminal = teacher.terminal("teacher")
    hub.next_block("Release a lesson", terminal.run)

    for person in (ann, ben):
        person.start()
        listed = person.ask("GET", f"/user/{person.name}/assignments", params={"course_id": COURSE}).json()["value"]
        assert [one["assignment_id"] for one in listed] == [NAME]
        person.assignment("fetch")
    answer(ann)
    validated = ann.ask("POST", "/user/ann/assignments/validate", data={"path": FILE}).json()
    failed = {one["source"].split("\n")[0]: " ".join(one["error"].split()) for one in validated["value"]["failed"]}
    assert HINT in failed["check(propagate)"], "the learner's kernel has the checks of the edition"
    assert "check(predict)" not in failed
    ann.assignment("submit")
    ben.assignment("submit")
    ben.ask("PUT", "/user/ben/api/contents/forge.sh", json={"type": "file", "format": "text", "content": FORGE})
    forged = ben.terminal().run("bash ~/forge.sh")
    assert forged.status == 0, forged.output

    said = hub.next_block("Collect and grade", terminal.run)
    assert "says that it is by ann, but belongs to ben: not collected" in said
    assert "link.html is no plain file of its owner: left out" in said
    submitted = Path(pwd.getpwnam("teacher").pw_dir) / "deep-learning" / "grading" / "submitted"
    assert sorted(folder.name for folder in submitted.iterdir()) == ["ann", "ben"]
    names = {path.name for path in (submitted / "ben" / NAME).iterdir()}
    assert {f"{NAME}.ipynb", "timestamp.txt"} <= names
    assert not {"link.html", "folder"} & names
    scores = {"ann": POINTS | {"propagate": 0}, "ben": dict.fromkeys(POINTS, 0)}
    assert book() == scores
    hub.next_block("Give feedback", terminal.run)
    listed = ann.assignment("fetch_feedback")
    folder = next(one["submissions"] for one in listed if one["status"] == "submitted")[0]["local_feedback_path"]
    page = ann.ask("GET", f"/user/ann/api/contents/{folder}/{NAME}.html", params={"content": 1}).json()["content"]
    assert HINT in guide.plain(page)
    record_property("round trip on JupyterHub with separate users, seconds", round(time.monotonic() - start))

    done = terminal.run(f"nbgrader autograde {NAME} --force")
    assert done.status == 0, done.output[-3000:]
    assert book() == scores, "nbgrader autograde gives the same"

    for command in TRIES:
        tried = ben.terminal().run(command)
        assert tried.status != 0, f"ben could: {command}\n{tried.output}"
    record_property("what a student of the hub may not read or change", [len(TRIES), len(TRIES)])
    for path in ("/user/ann/api/contents", "/user/teacher/api/contents", "/hub/api/users/ann"):
        answered = requests.get(hub.url + path, headers=ben.headers, timeout=30)
        assert answered.status_code in (403, 404), path
    assert requests.get(f"{hub.url}/user/ann/api/contents", timeout=30, allow_redirects=False).status_code in (302, 403)
    ann.ask("GET", "/user/ann/formgrader", status=(404,))
    page = teacher.ask("GET", f"/user/teacher/formgrader?path=deep-learning/{COURSE}")
    assert page.headers["Content-Security-Policy"] == "frame-ancestors 'self'"
    query = {"path": f"deep-learning/{COURSE}"}
    (assignment,) = (
        one
        for one in teacher.ask("GET", "/user/teacher/formgrader/api/assignments", params=query).json()
        if one["name"] == NAME
    )
    assert assignment["num_submissions"] == 2
    symbols = ann.ask("GET", "/user/ann/api/contents/NOTATION.md").json()["content"]
    assert symbols == (guide.TOP / "NOTATION.md").read_text()

    hub.next_block("Update", hub.shell.run)
    assert not hub.blocks, "blocks of the guide that no one ran"
    record_property("commands of the guide run for a hub, all with status 0", [len(hub.ran), len(hub.ran)])
    record_property("seconds for setting up the hub", hub.setup_seconds)
    with capsys.disabled():
        print("\n" + guide.table(hub.ran))
