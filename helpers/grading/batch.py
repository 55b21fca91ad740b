"""Grade a whole class: many workers run submissions in their rooms, one writer puts the results where nbgrader does.

A submission travels as bytes, so workers may be processes here (`dask.distributed`'s LocalCluster) or machines of a
cluster. What comes back is written in this order: the gradebook, the graded notebook, one line in the journal. A line
says from which bytes, tests and code it came; a run does only what has no such line. So a run that was killed at any
moment is finished by the next one, and the scores are those of `nbgrader autograde`, which does the same steps.
"""

import contextlib
import hashlib
import itertools
import json
import multiprocessing
import os
import shutil
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import forkserver
from pathlib import Path
from typing import NamedTuple

import nbformat
from nbformat.v4 import new_notebook
from nbgrader import preprocessors as stock
from nbgrader import utils
from nbgrader.api import Gradebook, MissingEntry, SubmittedAssignment
from nbgrader.coursedir import CourseDirectory
from sqlalchemy.exc import SAWarning
from tqdm.auto import tqdm
from traitlets.config.loader import PyFileConfigLoader

from helpers import courses
from helpers.courses import TOP

from . import similar, submission
from .execute import PROTOCOL, Execute, execute, secret_of, strongest, warm_up
from .record import mark, submitted_folders

STOPPED = ("Stopped", "Overtime", "Dead")  # outputs of these kinds say which limit was exceeded
FORKSERVER = "forkserver" in multiprocessing.get_all_start_methods()
RETRIES = 2  # how often a submission is tried again whose worker died
PATIENCE = 60  # seconds in which a cluster's first worker must come


class NotReady(Exception):
    """Grading cannot start, or cannot go on; the message says what to do. What was graded is kept."""


class Task(NamedTuple):
    """One submission as it travels to a worker; ``content`` is None if there is no readable file."""

    student: str
    content: bytes | None
    reason: str
    digest: str


class Lesson(NamedTuple):
    """What is the same for all submissions of an assignment: everything a worker needs to grade one.

    ``shared`` is for workers on this machine, from `execute.warm_up`.
    """

    assignment: str
    released: list
    secret: bytes
    box: str
    limits: dict
    shared: tuple = ()


class Graded(NamedTuple):
    """One graded submission: the text of its notebook, and plain data about it, which also stand in the journal.

    ``facts`` has ``student``, ``digest``, ``scores`` and ``comments`` by cell, ``unreadable`` (a reason or ""),
    ``notes`` (what was mended), ``stopped`` (which limits were exceeded), ``mistakes`` (by exercise, the name of the
    mistake in the catalogue or of a usual slip, or "other", or "not written"), ``failed`` (by exercise, kind, form,
    part and mistake as data), ``box``, ``seconds``, and ``answers`` (see `similar`).
    """

    notebook: str
    facts: dict


# --- on a worker -----------------------------------------------------------------------------------------------------


def grade(lesson, task):
    """Grade one submission; the same task gives the same result, wherever and whenever it runs.

    Parameters
    ----------
    lesson : Lesson
    task : Task

    Returns
    -------
    Graded
    """
    nb = _notebook(task)
    unreadable = nb.metadata.get(submission.UNREADABLE, "")
    notes = submission.restore_notebook(nb, lesson.released)
    how = (lesson.secret, lesson.box, lesson.limits, lesson.shared)
    execute(nb, lesson.released, lesson.assignment, task.student, *how)
    stock.LimitOutput().preprocess(nb, {})
    graded = [cell for cell in nb.cells if utils.is_grade(cell)]
    scores = {cell.metadata.nbgrader.grade_id: utils.determine_grade(cell)[0] for cell in graded}
    answered = [cell for cell in nb.cells if utils.is_solution(cell) or utils.is_task(cell)]
    comments = {cell.metadata.nbgrader.grade_id: unreadable or _comment(cell) for cell in answered}
    facts = {
        "student": task.student,
        "digest": task.digest,
        "scores": dict.fromkeys(scores, 0) if unreadable else scores,
        "comments": comments,
        "unreadable": unreadable,
        "notes": [] if unreadable else notes,
        "stopped": sorted({text for cell in nb.cells for text in _stopped(cell)}),
        "mistakes": _mistakes(nb.metadata[PROTOCOL].failed),
        "failed": {name: dict(one) for name, one in nb.metadata[PROTOCOL].failed.items()},
        "box": nb.metadata[PROTOCOL].box,
        "seconds": nb.metadata[PROTOCOL].seconds,
        "answers": similar.answers(nb, {name for name, comment in comments.items() if comment is None}),
    }
    return Graded(nbformat.writes(nb), facts)


def _notebook(task):
    try:
        if task.content is None:
            raise submission.Unreadable(task.reason)
        return submission.read(task.content)
    except submission.Unreadable as error:
        return new_notebook(metadata={submission.UNREADABLE: str(error)})


def _comment(cell):
    """Return what nbgrader notes on an answer that was left as it was released."""
    untouched = cell.metadata.nbgrader.get("checksum") == utils.compute_checksum(cell)
    return "No response." if untouched and not utils.is_task(cell) else None


def _stopped(cell):
    for output in cell.get("outputs", ()):
        if output.output_type == "error" and output.ename in STOPPED:
            yield f"{cell.metadata.get('nbgrader', {}).get('grade_id', 'a cell of its own')}: {output.evalue}"


def _mistakes(failed):
    """Return ``{exercise: what went wrong}``: the name of a mistake or of a usual slip, where it has one."""
    unwritten = ("unwritten", "missing")
    return {
        exercise: one.mistake or ("not written" if one.kind in unwritten else "other")
        for exercise, one in failed.items()
    }


# --- the class -------------------------------------------------------------------------------------------------------


class Class:
    """The submissions of one assignment, its gradebook and its journal.

    Parameters
    ----------
    lesson : LessonInfo
    db_url : str, optional
        The gradebook; by default that of the course's nbgrader_config.py.
    root : path, optional
        The course folder, by default that of the repository.

    Raises
    ------
    NotReady
        If the assignment was not generated.
    """

    def __init__(self, lesson, db_url=None, root=None):
        root = Path(root or TOP / lesson.course)
        self.config = PyFileConfigLoader("nbgrader_config.py", path=str(root)).load_config()
        self.directory = CourseDirectory(config=self.config, root=str(root))
        if db_url:
            self.directory.db_url = self.config.CourseDirectory.db_url = db_url
        self.info, self.assignment = lesson, lesson.folder
        self.journal = Path(self.path("autograded", "student")).parents[2] / "graded" / f"{lesson.folder}.jsonl"

    def path(self, step, student):
        """Return the folder of a student's submission in a step: "submitted" or "autograded"."""
        steps = {"submitted": self.directory.submitted_directory, "autograded": self.directory.autograded_directory}
        return self.directory.format_path(steps[step], student, self.assignment)

    def lesson(self, gradebook):
        """Return the `Lesson` that workers get."""
        try:
            released = submission.released_in(gradebook, self.assignment, self.assignment)
        except MissingEntry:
            raise NotReady(
                f"The gradebook has no assignment {self.assignment}. In {self.info.course}/ run: "
                f"nbgrader generate_assignment {self.assignment}"
            ) from None
        step = Execute(config=self.config)
        return Lesson(self.assignment, released, secret_of(step.secret_file), step.box, dict(step.limits))

    def task(self, student, tests):
        """Return the `Task` of a student's submission as it lies there now; `tests` is from `fingerprint`."""
        path = Path(self.path("submitted", student)) / f"{self.assignment}.ipynb"
        submission.prepare(self.assignment, student, [str(path)])
        content, reason = None, ""
        try:
            content = submission.content(path)
        except submission.Unreadable as error:
            reason = str(error)
        timestamp = path.with_name("timestamp.txt")
        digest = hashlib.sha256(tests + b"\0" + (content or reason.encode()))
        if timestamp.exists():
            digest.update(b"\0" + timestamp.read_bytes())
        return Task(student, content, reason, digest.hexdigest())

    def entries(self):
        """Return the journal's facts by student; of a line that a killed run left half-written, nothing."""
        found = {}
        if self.journal.exists():
            for line in self.journal.read_text(encoding="utf-8").splitlines():
                with contextlib.suppress(ValueError):
                    facts = json.loads(line)
                    found[facts["student"]] = facts
        return found

    def write(self, gradebook, graded):
        """Put one result into the gradebook, into autograded/ and, last, into the journal."""
        facts, student = graded.facts, graded.facts["student"]
        source = Path(self.path("submitted", student))
        timestamp = self.directory.get_existing_timestamp(str(source))
        save(gradebook, self.assignment, facts, timestamp)
        self._penalty(gradebook, student)
        self._copy(graded, source, Path(self.path("autograded", student)))
        line = json.dumps(facts, ensure_ascii=False) + "\n"
        with open(self.journal, "ab+") as file:
            if file.tell() and not _ends_with_newline(file):  # a killed run left half a line
                line = "\n" + line
            file.write(line.encode())
        gradebook.db.expunge_all()  # so that memory does not grow with the class

    def _penalty(self, gradebook, student):
        """Let nbgrader assign the penalty for a late submission, by the plugin that the course names."""
        late = gradebook.find_submission(self.assignment, student).total_seconds_late > 0
        if late:
            names = {"notebook": self.assignment, "assignment": self.assignment, "student": student}
            step = stock.AssignLatePenalties(config=self.config)
            step.preprocess(new_notebook(), {"nbgrader": {**names, "db_url": self.directory.db_url}})

    def _copy(self, graded, source, target):
        """Write the graded notebook, with the files that nbgrader puts beside it, in place of an older one."""
        made = target.with_name(f".{target.name}.new")
        for folder in (made, target):
            if folder.exists():
                shutil.rmtree(folder)
        for folder in (source, Path(self.directory.root) / self.assignment):
            if folder.is_dir():
                shutil.copytree(folder, made, ignore=_left_out, dirs_exist_ok=True, copy_function=shutil.copyfile)
        made.mkdir(parents=True, exist_ok=True)
        (made / f"{self.assignment}.ipynb").write_text(graded.notebook, encoding="utf-8")
        os.replace(made, target)


def _left_out(folder, names):
    return [name for name in names if name.endswith(".ipynb") or name == ".ipynb_checkpoints"]


def _ends_with_newline(file):
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"


def save(gradebook, assignment, facts, timestamp):
    """Put the scores and comments of one submission into an open gradebook, as nbgrader's steps do."""
    gradebook.update_or_create_student(facts["student"])
    when = {"timestamp": timestamp} if timestamp else {}
    submitted = gradebook.update_or_create_submission(assignment, facts["student"], **when)
    for notebook in submitted.notebooks:
        notebook.late_submission_penalty = None
        for one in notebook.grades:
            one.auto_score = facts["scores"].get(one.name)
            one.needs_manual_grade = one.manual_score is not None or one.auto_score is None
            if facts["unreadable"]:
                mark(one)
        for comment in notebook.comments:
            comment.auto_comment = facts["comments"].get(comment.name)
    gradebook.db.commit()


def fingerprint(lesson):
    """Return bytes that change when anything changes that decides about scores: tests, catalogue, grader, limits."""
    digest = hashlib.sha256(repr((lesson.released, lesson.box, sorted(lesson.limits.items()))).encode() + lesson.secret)
    parts = [TOP / "helpers" / "data.py", *(TOP / "helpers" / "exercises").glob(f"*/{lesson.assignment[3:]}.py")]
    for folder in ("checks", "grading", "widgets"):
        parts += (TOP / "helpers" / folder).glob("*.py")
    for path in sorted(parts):
        digest.update(path.read_bytes())
    return digest.digest()


def run(class_, workers=None, scheduler=None, again=False, show=sys.stderr):
    """Grade all submissions of a class that are new or changed.

    Parameters
    ----------
    class_ : Class
    workers : int, optional
        Processes on this machine, by default one per core; 1 works without Dask.
    scheduler : str, optional
        The address of a Dask scheduler, such as ``tcp://host:8786``, in place of processes here.
    again : bool
        Grade the others, too.
    show : file
        Where the progress bar goes.

    Returns
    -------
    dict
        ``graded`` and ``kept`` (numbers), ``problems`` (a sentence per submission that a human should look at) and
        ``failed`` (a sentence per submission that could not be graded; the next run tries them again).

    Raises
    ------
    NotReady
        If the assignment was not generated, or the scheduler cannot be reached or is lost.
    """
    class_.journal.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore", SAWarning)  # nbgrader's gradebook causes some for each submission
        warnings.filterwarnings("ignore", "Sending large graph")  # a notebook with large outputs
        gradebook = stack.enter_context(Gradebook(class_.directory.db_url, class_.directory.course_id))
        gradebook.db().expire_on_commit = False  # between the commits of one submission nobody else writes it
        lesson = class_.lesson(gradebook)
        tests, before = fingerprint(lesson), class_.entries()
        assignment = gradebook.find_assignment(class_.assignment)
        query = gradebook.db.query(SubmittedAssignment.student_id)
        recorded = {student for (student,) in query.filter(SubmittedAssignment.assignment == assignment)}
        penalties = assignment.duedate is not None
        todo, kept = [], 0
        for student, _ in submitted_folders(class_.directory, class_.assignment):
            task = class_.task(student, tests)
            done = before.get(student, {}).get("digest") == task.digest and student in recorded
            if not again and done and os.path.isdir(class_.path("autograded", student)):
                if penalties:  # the rules for late submissions may have changed
                    class_._penalty(gradebook, student)
                kept += 1
            else:
                todo.append(student)
        tasks = (class_.task(student, tests) for student in todo)  # one after the other: files can be large
        problems, failed, number = [], [], 0
        with tqdm(total=len(todo), desc=class_.assignment, unit="submission", file=show, disable=None) as bar:
            for student, result in _results(lesson, tasks, workers, scheduler):
                if isinstance(result, BaseException):
                    failed.append(f"{student}: could not be graded ({type(result).__name__}: {str(result)[:200]})")
                else:
                    class_.write(gradebook, result)
                    number += 1
                    problems += problem(result.facts)
                bar.set_postfix(failed=len(failed), problems=len(problems), refresh=False)
                bar.update()
        if number + len(failed) != len(todo):
            raise NotReady(f"{len(todo) - number - len(failed)} submissions got no result: run the same command again.")
    return {"graded": number, "kept": kept, "problems": problems, "failed": failed}


def problem(facts):
    """Return a list with one sentence if a human should look at a submission, otherwise an empty one."""
    parts = [facts["unreadable"]] if facts["unreadable"] else [*facts["stopped"], *facts["notes"]]
    points = sum(score or 0 for score in facts["scores"].values())
    return [f"{facts['student']}: {' '.join(parts[:3])} ({points:g} points)"] if parts else []


def _results(lesson, tasks, workers, scheduler):
    """Yield ``(student, Graded or exception)`` as submissions are finished, in any order."""
    workers = workers or len(
        os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else [0] * (os.cpu_count() or 1)
    )
    if scheduler is None and workers == 1:
        for task in tasks:
            try:
                yield task.student, grade(lesson, task)
            except Exception as error:
                yield task.student, error
        return
    first = next(tasks, None)
    if first is None:  # nothing to do is no reason to start a cluster
        return
    with ThreadPoolExecutor(1) as thread, contextlib.ExitStack() as stack:
        if scheduler is None:  # what this machine needs starts at the same time
            info, strength = courses.find(lesson.assignment), strongest() if lesson.box == "strongest" else lesson.box
            _import_in_forkserver(info)
            shared = thread.submit(warm_up, info, strength)
        client = stack.enter_context(_client(workers, scheduler))
        if scheduler is None:
            lesson = lesson._replace(shared=shared.result())
        yield from _in_parallel(client, lesson, first, tasks)


def _in_parallel(client, lesson, first, tasks):
    """Keep each worker supplied with two tasks, no more: what waits takes memory.

    The lesson travels with each task. Sent to the workers once, it would be lost with them.
    """
    from distributed import CancelledError, as_completed
    from distributed.comm import CommClosedError

    try:  # a cluster's workers may come after its scheduler
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError:
        raise NotReady(f"The scheduler had no worker for {PATIENCE} s. Start one: dask worker") from None
    cores = sum(client.ncores().values())
    futures, flow = {}, as_completed([], raise_errors=False)

    def submit(task):
        key = (lesson.assignment, f"{task.digest}-{task.student}")  # one kind of task: Dask keeps statistics of each
        future = client.submit(grade, lesson, task, key=key, pure=False, retries=RETRIES)
        futures[future.key] = task.student
        flow.add(future)

    for task in [first, *itertools.islice(tasks, 2 * cores - 1)]:
        submit(task)
    for future in flow:
        student = futures.pop(future.key)
        try:
            result = future.result()
        except (CancelledError, CommClosedError):
            raise NotReady("The scheduler was lost. What was graded is kept: run the same command again.") from None
        except Exception as error:
            result = error
        future.release()
        yield student, result
        for task in itertools.islice(tasks, 1):
            submit(task)


def _import_in_forkserver(lesson):
    """Start the process from which Dask forks its workers, and do not wait until it has imported what they need."""
    if FORKSERVER:
        catalogue = f"helpers.exercises.{lesson.course}.{lesson.name}"
        forkserver.set_forkserver_preload(["distributed.nanny", __name__, catalogue])
        forkserver.ensure_running()


@contextlib.contextmanager
def _client(workers, scheduler):
    """Connect to a scheduler, or start workers here, and close all that was started."""
    import dask
    from distributed import Client, LocalCluster

    # A room's own limits stop a submission; a worker is never ended for the memory of its own process.
    quiet = {"distributed.worker.memory.terminate": False, "distributed.worker.memory.pause": False}
    with contextlib.ExitStack() as stack:
        stack.enter_context(dask.config.set({"distributed.admin.log-format": "%(message)s", **quiet}))
        if scheduler is None:
            if FORKSERVER:
                stack.enter_context(dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"}))
            cluster = LocalCluster(
                n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
            )
            scheduler = stack.enter_context(cluster)
        try:
            yield stack.enter_context(Client(scheduler, timeout=8))
        except OSError as error:
            raise NotReady(f"The scheduler {scheduler} does not answer ({error}). Is it running?") from None
