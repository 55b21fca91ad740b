"""Grade classes with nbgrader as it comes and with the class run: submissions per minute, in one interleaved run.

Slow, so no test: ``make bench``. On each of three lessons, a class of mixed submissions is graded four ways, half of
stock's before ours and half after: stock `nbgrader autograde`, our class run with one worker and with all cores, and
the floor, which is the CPU time of the cells themselves, run one after the other in one process. Starting up counts.
Submissions hold no demonstrations, which stock would run and the class run skips. ``growth`` measures one large class,
``hostile`` one with attacks among it, ``waiting`` how long learners and contributors wait, beside an earlier commit with ``--before``.
"""

import argparse
import contextlib
import functools
import io
import itertools
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import nbformat
from test_grading import nbgrader, without_free_cells

from helpers import courses, notebooks
from helpers.courses import TOP

LESSONS = ("logistic_regression", "normalization_and_gradient_checking", "convolution")
STOCK = """
import os, sys
c = get_config()
TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
c.CourseDirectory.db_url = "sqlite:///" + os.path.join(TOP, "gradebook.db")
c.CourseDirectory.source_directory = "."
for step in ("release", "submitted", "autograded", "feedback"):
    setattr(c.CourseDirectory, f"{step}_directory", os.path.join(TOP, "grading", step))
os.environ["PATH"] = os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"]
"""
RUN = """
import sys
from helpers import courses
from helpers.grading import batch
if __name__ == "__main__":
    done = batch.run(batch.Class(courses.find(sys.argv[1]), root=sys.argv[2]), workers=int(sys.argv[3]))
    print(done["graded"], len(done["failed"]))
"""


def mixed(lesson, count):
    """Return a class: of each submission about two thirds of the answers are right, the others empty or with a slip."""
    source = without_free_cells(notebooks.read(lesson.path))
    empty = {cell.id: cell.source for cell in notebooks.student_version(source).cells}
    made = []
    for number in range(count):
        copy = nbformat.from_dict(source)
        for position, cell in enumerate(copy.cells):
            choice = (number * 7 + position * 5 + number * position) % 6
            if "### BEGIN SOLUTION" in cell.source and number:  # submission 0 is right throughout
                if choice == 0:
                    cell.source = empty[cell.id]
                elif choice == 1:
                    head, body = cell.source.split("### BEGIN SOLUTION", 1)
                    cell.source = head + "### BEGIN SOLUTION" + re.sub(r" [-+] ", " * ", body, count=1)
        made.append(nbformat.writes(copy))
    return made


def course(lesson, stock):
    folder = Path(tempfile.mkdtemp(prefix="bench-")) / lesson.course
    folder.mkdir()
    if stock:
        (folder / "nbgrader_config.py").write_text(STOCK)
    else:
        shutil.copy(TOP / "nbgrader_config.py", folder.parent)
        shutil.copy(TOP / lesson.course / "nbgrader_config.py", folder)
    shutil.copytree(lesson.path.parent, folder / lesson.folder)
    done = nbgrader(folder, "generate_assignment", lesson.folder)
    assert done.returncode == 0, done.stderr
    return folder


def put(folder, lesson, number, text):
    target = folder.parent / "grading" / "submitted" / f"s{number:05d}" / lesson.folder
    target.mkdir(parents=True, exist_ok=True)
    (target / lesson.path.name).write_text(text)


def stock(folder, lesson, texts, numbers):
    for number in numbers:
        put(folder, lesson, number, texts[number])
    start = time.monotonic()
    nbgrader_long(folder, "autograde", lesson.folder)
    return time.monotonic() - start


def nbgrader_long(folder, *words):
    environment = {**os.environ, "PYTHONPATH": str(TOP), "HOME": str(folder)}
    subprocess.run([sys.executable, "-m", "nbgrader", *words], cwd=folder, env=environment, capture_output=True)


def ours(folder, lesson, workers):
    """Return the seconds and the peak memory in MB of the writer, or of a worker if that is more."""
    script = folder.parent / "run.py"
    script.write_text(RUN)
    environment = {**os.environ, "PYTHONPATH": str(TOP), "OPENBLAS_NUM_THREADS": "1"}
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, str(script), lesson.name, str(folder), str(workers)],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000


def points(folder, lesson):
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{folder.parent}/gradebook.db") as gradebook:
        return {one.student.id: one.score for one in gradebook.assignment_submissions(lesson.folder)}


def floor(texts):
    """Return the CPU seconds of all cells of all submissions, in one process that has everything imported."""
    seconds = []
    for text in [texts[0], *texts]:  # the first one imports
        names, start = {"__name__": "__main__"}, time.process_time()
        for cell in nbformat.reads(text, as_version=4).cells:
            if cell.cell_type == "code":
                with contextlib.suppress(Exception), contextlib.redirect_stdout(io.StringIO()):
                    exec(compile(cell.source, "<cell>", "exec"), names)
        seconds.append(time.process_time() - start)
    return sum(seconds[1:])


def compare(count):
    cores = len(os.sched_getaffinity(0))
    print(
        f"| lesson, {count} submissions | stock | one worker | {cores} workers | floor (CPU) | ratio 1 | ratio {cores} |"
    )
    print("|---|--:|--:|--:|--:|--:|--:|")
    for name in LESSONS:
        lesson = courses.find(name)
        texts = mixed(lesson, count)
        first, one, all_ = course(lesson, True), course(lesson, False), course(lesson, False)
        for folder in (one, all_):
            for number, text in enumerate(texts):
                put(folder, lesson, number, text)
        seconds = stock(first, lesson, texts, range(count // 2))
        single, _ = ours(one, lesson, 1)
        parallel, _ = ours(all_, lesson, cores)
        seconds += stock(first, lesson, texts, range(count // 2, count))
        cells = floor(texts)
        per_minute = [f"{60 * count / value:.0f}" for value in (seconds, single, parallel, cells)]
        print(f"| {name} | {' | '.join(per_minute)} | {seconds / single:.1f} | {seconds / parallel:.1f} |", flush=True)
        assert points(one, lesson) == points(all_, lesson)
        theirs, got = points(first, lesson), points(one, lesson)
        differ = sum(theirs.get(student) != score for student, score in got.items())
        print(
            f"  {sum(got.values()):g} points here, {sum(filter(None, theirs.values())):g} by stock; {differ} submissions differ"
        )


def hostile(count, attacks):
    """Grade a class with and without hostile submissions among it: seconds, and what the others lost."""
    import test_attacks

    lesson, cores = courses.find(LESSONS[0]), len(os.sched_getaffinity(0))
    texts = mixed(lesson, count)
    fronts = {}
    for path in test_attacks.ATTACKS:
        fronts.setdefault(path.parent.name, []).append(path)
    rounds = itertools.chain.from_iterable(itertools.zip_longest(*fronts.values()))  # some of each front
    chosen = list(itertools.islice(filter(None, rounds), attacks))
    got = {}
    for there in ([], chosen):
        folder = course(lesson, False)
        (folder / "nbgrader_config.py").open("a").write(f"\nc.Execute.limits = {test_attacks.LIMITS}\n")
        for number, text in enumerate(texts):
            put(folder, lesson, number, text)
        for path in there:
            target = folder.parent / "grading" / "submitted" / test_attacks.student(path) / lesson.folder
            target.mkdir(parents=True)
            test_attacks.submit(path, folder.parent, target)
        seconds, _ = ours(folder, lesson, cores)
        got[len(there)] = points(folder, lesson)
        print(f"{count} mixed submissions and {len(there)} hostile ones: {seconds:.0f} s", flush=True)
    alone, beside = got.values()
    print(f"points of the {count}: {sum(alone.values()):g} alone, {sum(beside[name] for name in alone):g} beside them")
    differ = {name for name in alone if alone[name] != beside[name]}
    gained = {name: score for name, score in beside.items() if name not in alone and score}
    print(f"submissions that lost or won a point: {len(differ)}; hostile ones that gained a point: {len(gained)}")
    for path in chosen:
        print(f"  {path.parent.name}: {path.stem} {beside[test_attacks.student(path)]:g}")


def growth(sizes):
    """Grade classes of growing size: seconds and memory per submission should stay flat."""
    lesson, cores = courses.find(LESSONS[0]), len(os.sched_getaffinity(0))
    texts = mixed(lesson, 100)
    print("| submissions | seconds | per submission | peak memory of a process, MB | gradebook, kB each | again, s |")
    print("|--:|--:|--:|--:|--:|--:|")
    for size in sizes:
        folder = course(lesson, False)
        for number in range(size):
            put(folder, lesson, number, texts[number % 100])
        seconds, memory = ours(folder, lesson, cores)
        book = (folder.parent / "gradebook.db").stat().st_size / 1000 / size
        again, _ = ours(folder, lesson, cores)
        print(
            f"| {size} | {seconds:.0f} | {seconds / size:.3f} | {memory:.0f} | {book:.1f} | {again:.0f} |", flush=True
        )
        shutil.rmtree(folder.parent)


# --- waiting: the first start, the next ones, the edition, the tests of one lesson -----------------------------------


def start(folder):
    """Return the seconds from ``make lab`` until the server answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "BROWSER": "true", "JUPYTER_PORT": str(port)}
    began = time.monotonic()
    lab = subprocess.Popen(
        ["make", "lab"], cwd=folder, env=environment, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        while lab.poll() is None:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api", timeout=1)
                return time.monotonic() - began
            time.sleep(0.1)
        raise RuntimeError("make lab ended before its server answered")
    finally:
        os.killpg(lab.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            lab.wait(10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(lab.pid, signal.SIGKILL)


def waiting(before, lessons):
    """Print how long one waits in a clone of this commit, and in one of the commit `before` if there is one.

    The clones take turns, so that both meet the same machine.
    """
    with tempfile.TemporaryDirectory() as place:
        folders = {}
        for commit in filter(None, ("HEAD", before)):
            folders[commit] = Path(place) / commit
            subprocess.run(["git", "clone", "--quiet", "--no-checkout", TOP, folders[commit]], check=True)
            hash_ = subprocess.run(["git", "rev-parse", commit], cwd=TOP, capture_output=True, text=True, check=True)
            subprocess.run(["git", "checkout", "--quiet", hash_.stdout.strip()], cwd=folders[commit], check=True)
        print(f"| what one waits for, in seconds | {' | '.join(folders)} |\n|---|{'--:|' * len(folders)}", flush=True)

        def row(what, measure):
            print(f"| {what} | {' | '.join(f'{measure(folder):.1f}' for folder in folders.values())} |", flush=True)

        row("make lab, the first time", start)
        row("make lab, with nothing new", start)
        for folder in folders.values():
            notebook = folder / courses.find(LESSONS[0]).link
            notebook.write_text(notebook.read_text(encoding="utf-8").replace("prediction", "Prediction", 1), "utf-8")
        row("make lab, one lesson changed", start)
        row("size of the edition, MB", lambda folder: sum(
            path.stat().st_size for path in (folder / "learner").rglob("*") if path.is_file()
        ) / 1e6)  # fmt: skip
        row("setup of the tests", lambda folder: timed(["make", ".venv/ready"], folder))
        for commit, folder in list(folders.items()):
            if "$(LESSON)" not in (folder / "Makefile").read_text():
                print(f"{commit} cannot test one lesson alone: it is left out below", flush=True)
                del folders[commit]
        for lesson in lessons:
            command = ["make", "test", f"LESSON={lesson}"]
            row(" ".join(command), functools.partial(timed, command))


def timed(command, folder):
    """Return the seconds that a command takes; an older commit may not know it, or its tests may fail."""
    began = time.monotonic()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        print(f"  {' '.join(command)} ends with {done.returncode}: {(done.stdout + done.stderr)[-200:]!r}")
    return time.monotonic() - began


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["compare", "growth", "hostile", "waiting"])
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 1000, 5000])
    parser.add_argument("--before", help="a commit to compare with, for waiting")
    parser.add_argument("--lessons", nargs="+", default=["gru", "logistic_regression", "initialization"])
    options = parser.parse_args()
    if options.what == "waiting":
        waiting(options.before, options.lessons)
    elif options.what == "growth":
        growth(options.sizes)
    elif options.what == "hostile":
        hostile(48, 12)
    else:
        compare(options.count)
