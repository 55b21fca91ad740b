"""A whole class: the same scores as nbgrader autograde, nothing lost however a run ends, nothing done twice."""

import contextlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import distributed
import nbformat
import pytest
from nbgrader.api import Gradebook
from test_grading import BROKEN, FOLDERS, LESSON, POINTS, SUBMISSIONS, cell, full, nbgrader, without_free_cells
from traitlets.config import Configurable

from helpers import exercises
from helpers.courses import TOP
from helpers.grading import LatePenalty, batch, record

ASSIGNMENT, COURSE = LESSON.folder, LESSON.course
#: Students of the tests here: a few of each kind, since the rooms themselves are tested in test_grading.
CLASS = ["full", "blank", "deleted", "copied", "changed", "other", "endless", "mistakes0", "mistakes3", "mistakes7"]


def new_course(top, **config):
    """Make a course in a folder of its own, with the assignment generated; return its folder."""
    (top / COURSE).mkdir(parents=True)
    shutil.copy(TOP / "nbgrader_config.py", top)
    lines = [f"c.{name.replace('__', '.')} = {value!r}\n" for name, value in config.items()]
    text = (TOP / COURSE / "nbgrader_config.py").read_text() + "c.Execute.limits = {'cell': 3.0}\n" + "".join(lines)
    (top / COURSE / "nbgrader_config.py").write_text(text)
    shutil.copytree(LESSON.path.parent, top / COURSE / ASSIGNMENT)
    done = nbgrader(top / COURSE, "generate_assignment", ASSIGNMENT)
    assert done.returncode == 0, done.stderr
    return top


def put(top, student, content):
    folder = top / "grading" / "submitted" / student / ASSIGNMENT
    folder.mkdir(parents=True, exist_ok=True)
    content = content if isinstance(content, bytes) else nbformat.writes(content).encode()
    (folder / LESSON.path.name).write_bytes(content)
    return folder


def run(top, **options):
    options.setdefault("workers", 1)
    db_url = options.pop("db_url", None)
    return batch.run(batch.Class(LESSON, db_url, top / COURSE), show=open(os.devnull, "w"), **options)  # noqa: SIM115


def book(top, url=None):
    """Everything about scores that the gradebook holds, by student."""
    with Gradebook(url or f"sqlite:///{top}/gradebook.db") as gradebook:
        return {
            submitted.student.id: (
                {grade.name: (grade.auto_score, grade.needs_manual_grade) for grade in notebook.grades},
                {comment.name: comment.auto_comment for comment in notebook.comments},
                notebook.late_submission_penalty,
            )
            for submitted in gradebook.assignment_submissions(ASSIGNMENT)
            for notebook in submitted.notebooks
        }


def records(top, url=None):
    """What grading found out, by student."""
    with Gradebook(url or f"sqlite:///{top}/gradebook.db") as gradebook:
        return record.entries(gradebook, ASSIGNMENT)


@pytest.fixture(scope="module")
def school(tmp_path_factory):
    """A class of every kind of submission, graded by nbgrader autograde, and its scores."""
    top = new_course(tmp_path_factory.mktemp("batch") / "class")
    for student in CLASS:
        put(top, student, SUBMISSIONS[student]())
    for student, content in BROKEN.items():
        put(top, student, content)
    for make in FOLDERS:
        folder = top / "grading" / "submitted" / make.__name__ / ASSIGNMENT
        folder.mkdir(parents=True)
        make(folder, folder / LESSON.path.name)
    untouched = top.with_name("untouched")
    shutil.copytree(top, untouched, symlinks=True)
    done = nbgrader(top / COURSE, "autograde", ASSIGNMENT)
    assert done.returncode == 0, done.stderr
    return untouched, book(top), top


@pytest.fixture(scope="module")
def ran(school):
    """The same class after a run of ours, not to be changed, and what the run returned."""
    top = school[0].with_name("ran")
    shutil.copytree(school[0], top, symlinks=True)
    return top, run(top, workers=2)


@pytest.fixture
def copy(ran, tmp_path):
    """The class after a run, for one test."""
    shutil.copytree(ran[0], tmp_path / "copy", symlinks=True)
    return tmp_path / "copy"


@pytest.fixture
def few(school, tmp_path):
    """Three quick submissions, graded, for one test that grades them again and again."""
    top = tmp_path / "few"
    shutil.copytree(school[0], top, symlinks=True)
    shutil.rmtree(top / "grading" / "submitted")
    for name in ("full", "blank", "mistakes0"):
        put(top, name, without_free_cells(SUBMISSIONS[name]()))
    assert run(top)["graded"] == 3
    return top


def test_scores_comments_and_files_are_those_of_nbgrader_autograde(school, ran, record_property):
    _, expected, autograded = school
    top, done = ran
    assert done["failed"] == []
    assert done["graded"] == len(expected) == len(CLASS) + len(BROKEN) + len(FOLDERS)
    got = book(top)
    for student, (scores, comments, _) in expected.items():
        assert got[student][0] == scores, student
        assert got[student][1] == comments, student
    assert [sum(score for score, _ in got[s][0].values()) for s in ("full", "blank")] == [sum(POINTS.values()), 0]
    for student in ("full", "endless", "mistakes3"):
        files = [
            sorted(path.name for path in (one / "grading" / "autograded" / student / ASSIGNMENT).iterdir())
            for one in (top, autograded)
        ]
        assert files[0] == files[1]
    record_property("scores of a class run equal to nbgrader autograde's", [len(expected), len(expected)])


def test_feedback_is_made_from_a_class_run(copy):
    done = nbgrader(copy / COURSE, "generate_feedback", ASSIGNMENT)
    assert done.returncode == 0, done.stderr
    page = copy / "grading" / "feedback" / "mistakes0" / ASSIGNMENT / f"{ASSIGNMENT}.html"
    assert "See equation" in page.read_text()


def test_problems_are_said_and_explained(ran):
    problems = dict(sentence.split(": ", 1) for sentence in ran[1]["problems"])
    assert "no valid JSON" in problems["broken_text"]
    assert "notebook without cells" in problems["broken_format"]
    assert "There is no readable file" in problems["no_notebook"]
    assert "took longer than 3 seconds" in problems["endless"]
    assert "The cell test_sigmoid was missing" in problems["deleted"]
    assert not {"full", "blank", "mistakes0"} & set(problems)


def test_mistakes_are_named_in_the_record(ran):
    facts = records(ran[0])
    catalogue = exercises.load(LESSON.name).exercises
    for number in (0, 3):
        expected = {name: exercise.mistakes[number][0].__name__ for name, exercise in catalogue.items()}
        assert facts[f"mistakes{number}"]["mistakes"] == expected
    assert set(facts["blank"]["mistakes"].values()) == {"not written"}
    assert facts["full"]["mistakes"] == {}


def test_nothing_changed_nothing_graded(ran, copy):
    first, before = ran[1], records(copy)
    again = run(copy)
    assert (again["graded"], again["kept"]) == (0, first["graded"])
    assert records(copy) == before
    assert again["problems"] == first["problems"], "what is to look at is said each time"


def test_what_changed_is_graded_again(few):
    put(few, "blank", without_free_cells(full()))
    put(few, "new", without_free_cells(full()))
    assert run(few)["graded"] == 2
    assert sum(score for score, _ in book(few)["blank"][0].values()) == sum(POINTS.values())
    shutil.rmtree(few / "grading" / "autograded" / "full")
    assert run(few)["graded"] == 1, "a graded notebook that is gone is made again"
    assert run(few, again=True)["graded"] == 4
    notebook = nbformat.read(few / COURSE / ASSIGNMENT / LESSON.path.name, as_version=4)
    cell(notebook, "test_sigmoid").source += "\nassert sigmoid(0) == 0.5"
    nbformat.write(notebook, few / COURSE / ASSIGNMENT / LESSON.path.name)
    done = nbgrader(few / COURSE, "generate_assignment", ASSIGNMENT, "--force")
    assert done.returncode == 0, done.stderr
    assert run(few)["graded"] == 4, "another test: all are graded again"


def test_a_class_that_was_not_generated_says_what_to_do(tmp_path):
    (tmp_path / COURSE).mkdir()
    shutil.copy(TOP / "nbgrader_config.py", tmp_path)
    shutil.copy(TOP / COURSE / "nbgrader_config.py", tmp_path / COURSE)
    with pytest.raises(batch.NotReady, match=f"nbgrader generate_assignment {ASSIGNMENT}"):
        run(tmp_path)


def test_a_score_that_a_human_gave_stays(few):
    with Gradebook(f"sqlite:///{few}/gradebook.db") as gradebook:
        (notebook,) = gradebook.find_submission(ASSIGNMENT, "full").notebooks
        notebook.grades[0].manual_score = 0.5
        gradebook.db.commit()
    run(few, again=True)
    with Gradebook(f"sqlite:///{few}/gradebook.db") as gradebook:
        (notebook,) = gradebook.find_submission(ASSIGNMENT, "full").notebooks
        assert notebook.grades[0].manual_score == 0.5
        assert notebook.grades[0].needs_manual_grade


# --- killed ----------------------------------------------------------------------------------------------------------

GRADE = """
import sys
from helpers import courses
from helpers.grading import LatePenalty, batch, record
if __name__ == "__main__":
    class_ = batch.Class(courses.find(sys.argv[1]), root=sys.argv[2])
    scheduler = sys.argv[4] if len(sys.argv) > 4 else None
    done = batch.run(class_, workers=int(sys.argv[3]), scheduler=scheduler)
    print(done["graded"], done["kept"], len(done["failed"]))
"""


def start(top, workers, *scheduler):
    """Start a run in a process group of its own."""
    script = top / "grade.py"
    script.write_text(GRADE)
    return subprocess.Popen(
        [sys.executable, str(script), LESSON.name, str(top / COURSE), str(workers), *scheduler],
        env={**os.environ, "PYTHONPATH": str(TOP), "OPENBLAS_NUM_THREADS": "1"}, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def graded(top):
    """How many submissions are recorded, without a lock that would disturb the run."""
    with contextlib.closing(sqlite3.connect(f"file:{top}/gradebook.db?mode=ro", uri=True)) as database:
        try:
            return database.execute("select count(*) from grading_record").fetchone()[0]
        except sqlite3.OperationalError:
            return 0


#: Submissions of the larger class.
MANY = 16


@pytest.fixture
def many(school, tmp_path):
    """A larger class of quick submissions, and what an undisturbed run gives."""
    top = tmp_path / "many"
    shutil.copytree(school[0], top, symlinks=True)
    shutil.rmtree(top / "grading" / "submitted")
    kinds = [without_free_cells(SUBMISSIONS[name]()) for name in ("full", "blank", "mistakes0", "mistakes3")]
    for number in range(MANY):
        put(top, f"s{number:02d}", kinds[number % 4])
    return top


def expected_of(school, number):
    return school[1][("full", "blank", "mistakes0", "mistakes3")[number % 4]][0]


def test_a_run_killed_again_and_again_loses_nothing(school, many, record_property):
    """kill -9 of the writer, at a random moment each time, until a run gets through."""
    rng, kills = random.Random(0), 0
    while kills < int(os.environ.get("KILLS", "3")):
        process = start(many, 1)
        before = graded(many)
        until = time.monotonic() + 60
        while graded(many) < before + 1 and process.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.5))
        if process.poll() is not None:
            break
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        kills += 1
    process = start(many, 1)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    _check_complete(school, many)
    record_property("runs killed with -9, submissions lost", f"{kills}, 0")


def _check_complete(school, top):
    scores = {student: row[0] for student, row in book(top).items()}
    assert scores == {f"s{number:02d}": expected_of(school, number) for number in range(MANY)}
    assert set(records(top)) == set(scores)
    for student in scores:
        path = top / "grading" / "autograded" / student / ASSIGNMENT / LESSON.path.name
        assert nbformat.read(path, as_version=4).metadata[batch.PROTOCOL].box
    assert run(top)["graded"] == 0


def test_killed_workers_lose_nothing(school, many):
    """Two of the workers are killed in the middle: Dask starts others, which grade what these had."""
    process = start(many, 2)
    killed, until = 0, time.monotonic() + 120
    while killed < 2 and process.poll() is None and time.monotonic() < until:
        if graded(many) > 3 * killed:
            for pid in _workers(process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    killed += 1
                    time.sleep(1)
                    break
        time.sleep(0.05)
    out, err = process.communicate(timeout=180)
    assert killed == 2
    assert out.split() == [str(MANY), "0", "0"], err
    _check_complete(school, many)


def test_killed_warm_processes_lose_nothing(school, many):
    """What forks the rooms for all workers is killed in the middle: each worker starts its own."""
    process = start(many, 2)
    until = time.monotonic() + 120
    while graded(many) < 4 and process.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    warm = _children(process.pid, b"room.py")
    for pid in warm:
        os.kill(pid, signal.SIGKILL)
    out, err = process.communicate(timeout=180)
    assert len(warm) == 2
    assert out.split() == [str(MANY), "0", "0"], err
    _check_complete(school, many)


def _workers(pid):
    """The processes of Dask's workers: forked from the one that a run starts for this."""
    (fork,) = _children(pid, b"multiprocessing.forkserver") or [0]
    return _children(fork, b"multiprocessing.forkserver")


def _children(pid, words):
    found = []
    for one in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError, IndexError):
            parent = int((one / "stat").read_text().rsplit(")", 1)[1].split()[1])
            if parent == pid and words in (one / "cmdline").read_bytes():
                found.append(int(one.name))
    return found


def test_a_scheduler_elsewhere_and_its_loss(school, many):
    """With --scheduler the workers of a cluster do it; without their scheduler the run ends in words, and resumes."""
    environment = {**os.environ, "PYTHONPATH": str(TOP), "OPENBLAS_NUM_THREADS": "1"}
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--port", "0", "--dashboard-address", ":0"]
    address_file = many / "scheduler.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": environment}
    processes = [subprocess.Popen([*dask, "--scheduler-file", str(address_file)], **quiet)]
    try:
        for _ in range(300):
            if address_file.exists() and address_file.read_text().strip().endswith("}"):
                break
            time.sleep(0.1)
        address = json.loads(address_file.read_text())["address"]
        worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-dashboard"]
        process = start(many, 1, address)
        time.sleep(5)  # the run waits for a worker that comes late
        processes.append(subprocess.Popen(worker, **quiet))
        until = time.monotonic() + 90
        while graded(many) < 4 and process.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
        processes[0].kill()
        out, err = process.communicate(timeout=120)
        assert process.returncode == 1
        assert "The scheduler was lost. What was graded is kept: run the same command again." in err
    finally:
        for one in processes:
            one.kill()
            one.wait()
    assert 4 <= graded(many) < MANY
    run(many)
    _check_complete(school, many)


def test_no_scheduler_is_one_clear_line(many):
    with pytest.raises(batch.NotReady, match="The scheduler tcp://127.0.0.1:9 does not answer"):
        run(many, scheduler="tcp://127.0.0.1:9")


def test_a_scheduler_without_workers_is_one_clear_line(many, monkeypatch):
    monkeypatch.setattr(batch, "PATIENCE", 1)
    late = pytest.raises(batch.NotReady, match="had no worker for 1 s. Start one: dask worker")
    with distributed.LocalCluster(n_workers=0, processes=False, dashboard_address=None) as cluster, late:
        run(many, scheduler=cluster.scheduler_address)


# --- PostgreSQL ------------------------------------------------------------------------------------------------------


def find_postgres():
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")) if Path("/usr/lib/postgresql").exists() else []
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


@pytest.fixture
def postgres():
    """A PostgreSQL server of our own on a free port of this machine; the URL of its database."""
    binaries = find_postgres()
    if binaries is None:
        pytest.skip("no PostgreSQL found: install it (Debian: apt-get install postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))  # pytest closes its own folders to other users
    as_user = []
    if os.getuid() == 0:  # PostgreSQL refuses to run as root
        shutil.chown(folder, "postgres", "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]
    data, port = folder / "data", str(random.Random().randrange(20000, 50000))

    def call(*words):
        subprocess.run([*as_user, *words], check=True, stdout=subprocess.DEVNULL, cwd=folder)

    call(str(binaries / "initdb"), "-D", str(data), "-U", "grader", "--auth=trust", "--no-sync")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
    call(str(binaries / "pg_ctl"), "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        call(str(binaries / "createdb"), "-h", "127.0.0.1", "-p", port, "-U", "grader", "gradebook")
        yield f"postgresql+psycopg://grader@127.0.0.1:{port}/gradebook"
    finally:
        call(str(binaries / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(folder)


def test_postgresql_holds_the_same_scores(school, many, postgres, monkeypatch):
    monkeypatch.setenv("GRADEBOOK_URL", postgres)
    done = nbgrader(many / COURSE, "generate_assignment", ASSIGNMENT, "--force")
    assert done.returncode == 0, done.stderr
    done = run(many, workers=2)
    assert (done["graded"], done["failed"]) == (MANY, [])
    scores = {student: row[0] for student, row in book(many, postgres).items()}
    assert scores == {f"s{number:02d}": expected_of(school, number) for number in range(MANY)}
    assert run(many)["graded"] == 0
    done = nbgrader(many / COURSE, "export", "--to", str(many / "grades.csv"))
    assert done.returncode == 0, done.stderr
    assert len((many / "grades.csv").read_text().splitlines()) == MANY + 1


# --- late ------------------------------------------------------------------------------------------------------------


def test_late_submissions_lose_points_unless_they_have_an_extension(tmp_path):
    extensions = tmp_path / "more_time.csv"
    extensions.write_text(f"student,assignment,hours\nextended,{ASSIGNMENT},48\nelsewhere,another,48\nnobody,*,48\n")
    top = new_course(tmp_path / "late", LatePenalty__per_day=0.2, LatePenalty__extensions=str(extensions))
    done = nbgrader(top / COURSE, "db", "assignment", "add", ASSIGNMENT, "--duedate", "2027-01-31 12:00 UTC")
    assert done.returncode == 0, done.stderr
    times = {
        "early": "2027-01-31 11:00 UTC", "grace": "2027-01-31 12:05 UTC", "late": "2027-02-01 13:00 UTC",
        "extended": "2027-02-01 13:00 UTC", "elsewhere": "2027-01-31 13:00 UTC", "never": "2027-03-01 12:00 UTC",
    }  # fmt: skip
    for student, when in times.items():
        (put(top, student, without_free_cells(full())) / "timestamp.txt").write_text(when)
    problems = run(top)["problems"]
    assert "more_time.csv: elsewhere, another counts for nobody: the assignment is unknown." in problems
    assert "more_time.csv: nobody, * counts for nobody: the student is unknown." in problems
    total = sum(POINTS.values())
    lost = {
        "early": None,
        "grace": None,
        "late": 0.4 * total,
        "extended": None,
        "elsewhere": 0.2 * total,
        "never": total,
    }
    got = {student: row[2] for student, row in book(top).items()}
    assert got == {student: pytest.approx(points) if points else None for student, points in lost.items()}
    extensions.write_text(f"student,assignment,hours\nlate,{ASSIGNMENT},48\n")
    assert run(top)["graded"] == 0
    assert book(top)["late"][2] is None, "a new extension counts without grading anew"
    (top / "grading" / "submitted" / "elsewhere" / ASSIGNMENT / "timestamp.txt").unlink()
    run(top)
    assert book(top)["elsewhere"][2] is None, "a time that was deleted costs nothing"
    shutil.rmtree(top / "grading" / "autograded")
    done = nbgrader(top / COURSE, "autograde", ASSIGNMENT, "--student=never")
    assert book(top)["never"][2] == pytest.approx(total), "nbgrader's own command takes the same plugin"


def days_late(tmp_path, content, assignment="02_logistic_regression", student="Ben Sample"):
    """Return how many begun days cost something when a submission is 47.9 hours late; `content` says who has more."""
    path = tmp_path / "more_time.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    step = Configurable()
    step.assignment_id = assignment
    plugin = LatePenalty(per_day=0.1, extensions=str(path), parent=step)
    return round((plugin.late_submission_penalty(student, 10, 47.9 * 3600) or 0) / (0.1 * 10))


@pytest.mark.parametrize(
    ("content", "days"),
    [
        ("", 2), ("student,assignment,hours\n", 2),
        ("student,assignment,hours\nBen Sample,02_logistic_regression,48\n", 0),
        ("student,assignment,hours\r\nBen Sample,logistic_regression,24\r\n", 1),
        ("student,assignment,hours\nBEN sample,*,48\n", 0),
        ("\ufeffstudent; assignment; hours\nBen Sample;02_LOGISTIC_regression;47,9\n", 0),
        ('hours,student,assignment\n"48","Ben Sample","*"\n', 0),
        ("student,assignment,hours,why\nBen Sample,*,48,ill\n", 0),
        ("student,assignment,hours\nBen Sample,*,10\nBen Sample,*,48\nBen Sample,*,1\n", 0),
        ("student,assignment,hours\nBen,*,48\nBen Sample,gru,48\nBen Sample,02,48\n", 2),
    ],
)  # fmt: skip
def test_who_has_more_time_is_read_as_it_is_meant(tmp_path, content, days):
    assert days_late(tmp_path, content) == days


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("Ben Sample,02_logistic_regression,48\n", 1), ("name,assignment,hours\nBen Sample,*,48\n", 1),
        ("student,assignment,hours\nann,x,12\nbob,x,two days\n", 3), ("student,assignment,hours\nann,x,48 h\n", 2),
        ("student,assignment,hours\nann,x\n", 2), ("student,assignment,hours\nann,x,1,2\n", 2),
        ("student,assignment,hours\nann,x,48,5\n", 2), ("student,assignment,hours\n,x,48\n", 2),
        ("student,assignment,hours\nann,x,nan\n", 2), ("student,assignment,hours\nann,x,inf\n", 2),
        ("student,assignment,hours\nann,x,-48\n", 2), ("student;assignment;hours\nann,x,48\n", 2),
    ],
)  # fmt: skip
def test_a_bad_file_of_extensions_names_the_line(tmp_path, content, line):
    sentence = rf"more_time.csv, line {line}: the columns are student, assignment, hours \(a number, such as 48\)$"
    with pytest.raises(ValueError, match=sentence):
        days_late(tmp_path, content)


def test_a_file_of_extensions_in_an_old_encoding_says_what_to_do(tmp_path):
    with pytest.raises(ValueError, match=r"more_time.csv is no UTF-8: save it as CSV UTF-8$"):
        days_late(tmp_path, "student,assignment,hours\nCléo,*,48\n".encode("cp1252"))
