"""Grade a whole class: many workers run submissions in their rooms, one writer puts the results where nbgrader does.

A submission travels as bytes, so workers may be processes here (`dask.distributed`'s LocalCluster) or machines of a
cluster. What comes back is written in this order: the graded notebook, then scores and record in one transaction. A
record says from which bytes, tests and code it came; a run does only what has none. So a run that was killed at any
moment is finished by the next one, and the scores are those of `nbgrader autograde`, which does the same steps.
"""

import contextlib
import hashlib
import itertools
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
from nbgrader.api import MissingEntry
from nbgrader.coursedir import CourseDirectory
from sqlalchemy.exc import SAWarning
from tqdm.auto import tqdm
from traitlets.config.loader import PyFileConfigLoader

from helpers import courses
from helpers.courses import TOP

from . import box, folder, record, rooms, submission, text, warm
from .execute import NOT_RUN, Execute, ReferenceFailed, execute, secret_of
from .late import LatePenalty
from .record import NotReady, submitted_folders
from .submission import PROTOCOL

FORKSERVER = "forkserver" in multiprocessing.get_all_start_methods()
RETRIES = 2  # how often a submission is tried again whose worker died
PATIENCE = 60  # seconds in which a cluster's first worker must come


class Task(NamedTuple):
    """One submission as it travels to a worker."""

    student: str
    handed: folder.Handed
    digest: str


class Lesson(NamedTuple):
    """What is the same for all submissions of an assignment: everything a worker needs to grade one.

    ``shared`` is for workers on this machine, from `warm.start`.
    """

    assignment: str
    released: list
    secret: bytes
    box: str
    limits: dict
    shared: tuple = ()


class Graded(NamedTuple):
    """One graded submission: the text of its notebook, and plain data about it, from `record.facts_of`."""

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
        Also where something went wrong that nobody thought of: then with 0 points, the reason, and no digest, so that
        the next run tries it again.

    Raises
    ------
    box.NoBox, execute.ReferenceFailed
        If nothing can be graded on this machine.
    """
    try:
        nb = submission.read_handed(task.handed)
        submission.restore_notebook(nb, lesson.released)
        how = (lesson.secret, lesson.box, lesson.limits, lesson.shared)
        execute(nb, lesson.released, lesson.assignment, task.student, *how)
        stock.LimitOutput().preprocess(nb, {})
        return Graded(nbformat.writes(nb), record.facts_of(nb, task.student, task.digest))
    except (box.NoBox, ReferenceFailed):
        raise
    except (Exception, rooms.Stopped, SystemExit) as error:
        return failed(lesson, task, error)


def failed(lesson, task, error):
    """Return what is recorded of a submission that could not be graded."""
    reason = f"It could not be graded ({type(error).__name__}: {text.line(error, 100)})."
    nb = new_notebook(metadata={submission.UNREADABLE: reason})
    submission.restore_notebook(nb, lesson.released)
    nb.metadata[PROTOCOL] = nbformat.from_dict(NOT_RUN)
    return Graded(nbformat.writes(nb), record.facts_of(nb, task.student))


# --- the class -------------------------------------------------------------------------------------------------------


class Class:
    """The submissions of one assignment, and its gradebook.

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
        #: Earlier versions kept here what is in the gradebook now; it is taken over.
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

    @contextlib.contextmanager
    def gradebook(self):
        """Open the gradebook, with what an earlier version wrote elsewhere; `NotReady` says what is wrong with it."""
        with record.opened(self.directory.db_url, self.directory.course_id) as gradebook:
            with contextlib.suppress(MissingEntry):
                record.take_over(gradebook, self.assignment, self.journal)
            yield gradebook

    def task(self, student, tests):
        """Return the `Task` of a student's submission as it lies there now; `tests` is from `fingerprint`."""
        place = Path(self.path("submitted", student))
        path = place / f"{self.assignment}.ipynb"
        notes = []
        try:
            notes = folder.prepare(self.assignment, student, [str(path)])
        except OSError as error:
            notes = [f"The folder cannot be put in order ({type(error).__name__})."]
        handed = folder.handed_in(place, path.name)
        handed = handed._replace(notes=(*notes, *handed.notes))
        digest = hashlib.sha256(tests + b"\0" + (handed.content or b"") + repr(handed[1:]).encode())
        digest.update(b"\0" + str(folder.time_of(place)).encode())
        return Task(student, handed, digest.hexdigest())

    def write(self, gradebook, graded):
        """Put one result into autograded/ and then, with its record, into the gradebook."""
        facts, student = graded.facts, graded.facts["student"]
        try:
            self._copy(graded, Path(self.path("autograded", student)), Path(self.path("submitted", student)))
        except OSError as error:
            raise NotReady(
                f"A graded notebook cannot be written: {error.strerror}. What was graded is kept; then run the same "
                f"command again. ({text.line(error.filename or self.path('autograded', student))})"
            ) from error
        record.save(gradebook, self.assignment, facts, folder.time_of(self.path("submitted", student)))
        self._penalty(gradebook, student)
        gradebook.db.expunge_all()  # so that memory does not grow with the class

    def unknown_extensions(self, gradebook):
        """Return a sentence per entry of the file of extensions that counts for nobody; `NotReady` if it is none."""
        try:
            entries = LatePenalty(config=self.config).more_time()
        except (ValueError, OSError) as error:
            raise NotReady(text.line(error)) from None
        students = {student.id.casefold() for student in gradebook.students} if entries else set()
        students |= {student.casefold() for student, _ in submitted_folders(self.directory, self.assignment)}
        names = {"*", *(one.folder for one in courses.LESSONS), *(one.name for one in courses.LESSONS)}
        found = []
        for one in entries:
            known = one.student.casefold() in students, one.assignment.casefold() in names
            if not all(known):
                what = "assignment" if known[0] else "student"
                shown = f"{text.line(one.student, 80)}, {text.line(one.assignment, 80)}"
                found.append(f"more_time.csv: {shown} counts for nobody: the {what} is unknown.")
        return found

    def _penalty(self, gradebook, student):
        """Let nbgrader assign the penalty for a late submission, by the plugin that the course names."""
        submitted = gradebook.find_submission(self.assignment, student)
        if submitted.total_seconds_late > 0:
            names = {"notebook": self.assignment, "assignment": self.assignment, "student": student}
            step = stock.AssignLatePenalties(config=self.config)
            try:
                step.preprocess(new_notebook(), {"nbgrader": {**names, "db_url": self.directory.db_url}})
            except ValueError as error:  # the file of extensions
                raise NotReady(text.line(error)) from None
        elif any(notebook.late_submission_penalty for notebook in submitted.notebooks):
            for notebook in submitted.notebooks:
                notebook.late_submission_penalty = None
            gradebook.db.commit()

    def _copy(self, graded, target, submitted):
        """Write the graded notebook, with the lesson's own files beside it, in place of an older one.

        What a student handed in beside the notebook stays in submitted/: no cell of it is run or shown. What
        nbgrader's collecting put there goes along, since it knows by that to which submission feedback belongs.
        """
        made = target.with_name(f".{target.name}.new")
        for old in (made, target):
            if old.exists():
                shutil.rmtree(old)
        source = Path(self.directory.root) / self.assignment
        if source.is_dir():
            shutil.copytree(source, made, ignore=_left_out, dirs_exist_ok=True, copy_function=shutil.copyfile)
        made.mkdir(parents=True, exist_ok=True)
        (made / f"{self.assignment}.ipynb").write_text(graded.notebook, encoding="utf-8")
        for name in ("timestamp.txt", "submission_secret.txt"):
            path = submitted / name
            if path.is_file() and not path.is_symlink() and path.stat().st_size < 1000:
                shutil.copyfile(path, made / name)
        os.replace(made, target)


def _left_out(folder, names):
    return [name for name in names if name.endswith(".ipynb") or name == ".ipynb_checkpoints"]


def fingerprint(lesson):
    """Return bytes that change when anything changes that decides about scores: tests, catalogue, grader, limits."""
    digest = hashlib.sha256(repr((lesson.released, lesson.box, sorted(lesson.limits.items()))).encode() + lesson.secret)
    parts = [*(TOP / "helpers" / "exercises").glob(f"*/{lesson.assignment[3:]}.py")]
    parts += [TOP / "helpers" / name for name in ("data.py", "thinking.py")]
    for name in ("checks", "grading", "widgets"):
        parts += (TOP / "helpers" / name).glob("*.py")
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
        ``graded`` and ``kept`` (numbers), ``problems`` (a sentence per submission that a human should look at, behind
        those of ``unknown``, a sentence per line of the extensions that counts for nobody) and ``failed`` (a sentence
        per submission that could not be graded; the next run tries them again).

    Raises
    ------
    NotReady
        If the assignment was not generated, or the scheduler cannot be reached or is lost.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore", SAWarning)  # nbgrader's gradebook causes some for each submission
        warnings.filterwarnings("ignore", "Sending large graph")  # a notebook with large outputs
        gradebook = stack.enter_context(class_.gradebook())
        lesson = class_.lesson(gradebook)
        tests, before = fingerprint(lesson), record.entries(gradebook, class_.assignment)
        penalties = gradebook.find_assignment(class_.assignment).duedate is not None
        todo, kept, failures = [], 0, []
        unknown = class_.unknown_extensions(gradebook)
        for student, place in submitted_folders(class_.directory, class_.assignment):
            if not _is_name(student):
                failures.append(f"{text.line(place)}: its name is none of a student. Rename the folder")
                continue
            done = before.get(student, {}).get("digest") == class_.task(student, tests).digest
            if not again and done and os.path.isdir(class_.path("autograded", student)):
                if penalties:  # the rules for late submissions may have changed
                    class_._penalty(gradebook, student)
                kept += 1
            else:
                todo.append(student)
        tasks = (class_.task(student, tests) for student in todo)  # one after the other: files can be large
        number = 0
        with tqdm(total=len(todo), desc=class_.assignment, unit="submission", file=show, disable=None) as bar:
            for student, result in _results(lesson, tasks, workers, scheduler):
                if isinstance(result, (box.NoBox, ReferenceFailed)):
                    raise NotReady(str(result))
                if isinstance(result, BaseException):  # its worker ended again and again
                    result = failed(lesson, Task(student, None, ""), result)
                class_.write(gradebook, result)
                number += 1
                if not result.facts["digest"]:
                    failures.append(f"{text.line(student)}: {result.facts['unreadable']}")
                bar.set_postfix(failed=len(failures), refresh=False)
                bar.update()
        if number != len(todo):
            raise NotReady(f"{len(todo) - number} submissions got no result: run the same command again.")
        problems = to_look_at(gradebook, class_.assignment)
    return {"graded": number, "kept": kept, "problems": unknown + problems, "unknown": unknown, "failed": failures}


def _is_name(student):
    """Return whether the gradebook can hold this name of a student."""
    return student == text.block(student).strip() != "" and "\n" not in student and len(student) <= 128


def to_look_at(gradebook, assignment, name=str):
    """Return a sentence for each submission of an assignment that a human should look at, in order of the students.

    `name` gives the name under which a student is shown.
    """
    points = {one["student"]: one["score"] for one in gradebook.submission_dicts(assignment)}
    waiting, found = record.waiting(gradebook, assignment), []
    for student, facts in sorted(record.entries(gradebook, assignment).items()):
        parts = [facts["unreadable"]] if facts["unreadable"] else [facts["look"], *facts["stopped"], *facts["notes"]]
        parts += ["It waits for points by hand."] if student in waiting else []
        parts = list(dict.fromkeys(filter(None, parts)))
        if parts:
            more = f" And {len(parts) - 3} more." if len(parts) > 3 else ""
            shown = f"{text.line(name(student), 80)}: {' '.join(parts[:3])}{more} ({points.get(student) or 0:g} points)"
            found.append(shown)
    return found


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
            info = courses.find(lesson.assignment)
            strength = warm.strongest() if lesson.box == "strongest" else lesson.box
            _import_in_forkserver(info)
            shared = thread.submit(warm.start, info, strength)
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
