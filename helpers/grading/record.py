"""The gradebook: scores, comments, and what grading found out about each submission, in one transaction.

nbgrader's tables hold scores and comments. A table of our own, `GradingRecord`, has one row per submission that was
graded: from which bytes, tests and code its scores came, what went wrong, and what a report counts. It goes with its
submission: when nbgrader removes a student or a submission, the row is gone.
"""

import contextlib
import glob
import json
import logging
import re
import time
import weakref
from pathlib import Path

from nbgrader import utils
from nbgrader.api import Base, Grade, Gradebook, InvalidEntry, MissingEntry, SubmittedAssignment, SubmittedNotebook
from nbgrader.preprocessors import NbGraderPreprocessor
from sqlalchemy import DDL, JSON, Column, Float, ForeignKey, String, event, select
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError, ProgrammingError, SQLAlchemyError
from sqlalchemy.orm.exc import FlushError, StaleDataError

from . import similar, text
from .folder import missing, time_of
from .submission import MARKED, NOTES, PROTOCOL, STOPPED, UNREADABLE

PATIENCE = 60  # seconds in which a database that another program holds must come free
_recorded = weakref.WeakSet()  # runs of nbgrader whose folders without a notebook are in the gradebook


class NotReady(Exception):
    """Grading cannot start, or cannot go on; the message says what to do. What was graded is kept."""


class GradingRecord(Base):
    """What grading found out about one submission; nbgrader creates the table with its own."""

    __tablename__ = "grading_record"

    submission_id = Column(String(32), ForeignKey("submitted_assignment.id", ondelete="CASCADE"), primary_key=True)
    digest = Column(String(64), nullable=False)  # of the submission, the tests and the grader; "" to grade it again
    box = Column(String(32), nullable=False)
    seconds = Column(Float(), nullable=False)
    facts = Column(JSON(), nullable=False)  # the entries of `FACTS`


#: Entries of a record's ``facts`` and their kinds.
FACTS = {
    "unreadable": str, "look": str, "notes": list, "stopped": list, "mistakes": dict, "failed": dict, "answers": dict,
}  # fmt: skip

# SQLite does not look at foreign keys unless each program asks it to; nbgrader does not.
event.listen(
    GradingRecord.__table__,
    "after_create",
    DDL(
        "CREATE TRIGGER grading_record_goes AFTER DELETE ON submitted_assignment "
        "BEGIN DELETE FROM grading_record WHERE submission_id = OLD.id; END"
    ).execute_if(dialect="sqlite"),
)


# --- what a graded notebook says -------------------------------------------------------------------------------------


def facts_of(nb, student, digest=""):
    """Return what is to be recorded of a graded notebook, as plain data without control characters.

    Parameters
    ----------
    nb : NotebookNode
        Restored and executed.
    student : str
    digest : str
        From which bytes, tests and code it was made; "" if that is not known.

    Returns
    -------
    dict
        ``student``, ``digest``, ``box``, ``seconds``, ``scores`` and ``comments`` by cell, ``unreadable`` (a reason for
        0 points or ""), ``look`` (a reason why a human should look, or ""), ``notes`` (what was mended), ``stopped``
        (which limits were exceeded), ``mistakes`` (by exercise, the name of the mistake in the catalogue or of a usual
        slip, or "other", or "not written"), ``failed`` (by exercise, kind, form, part and mistake as data), and
        ``answers`` (see `similar`).
    """
    unreadable = nb.metadata.get(UNREADABLE, "")
    graded = [cell for cell in nb.cells if utils.is_grade(cell)]
    scores = {cell.metadata.nbgrader.grade_id: utils.determine_grade(cell)[0] for cell in graded}
    answered = [cell for cell in nb.cells if utils.is_solution(cell) or utils.is_task(cell)]
    comments = {cell.metadata.nbgrader.grade_id: unreadable or _comment(cell) for cell in answered}
    written = {name for name, comment in comments.items() if comment is None}
    protocol = nb.metadata.get(PROTOCOL, {})
    failed = {name: dict(one) for name, one in protocol.get("failed", {}).items()}
    look = nb.metadata.get(MARKED, "")
    return {
        "student": student,
        "digest": digest,
        "box": protocol.get("box", ""),
        "seconds": protocol.get("seconds", 0.0),
        "scores": dict.fromkeys(scores, 0) if unreadable else scores,
        "comments": comments,
        "unreadable": text.line(unreadable),
        "look": text.line(look),
        "notes": [] if unreadable else [text.line(note) for note in nb.metadata.get(NOTES, [])],
        "stopped": sorted({sentence for cell in nb.cells for sentence in _stopped(cell)}),
        "mistakes": {} if unreadable else _mistakes(failed),
        "failed": {} if unreadable else failed,
        "answers": similar.answers(nb, written),
    }


def _comment(cell):
    """Return what nbgrader notes on an answer that was left as it was released."""
    untouched = cell.metadata.nbgrader.get("checksum") == utils.compute_checksum(cell)
    return "No response." if untouched and not utils.is_task(cell) else None


def _stopped(cell):
    if STOPPED in cell.metadata:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "a cell of its own")
        yield text.line(f"{name}: {cell.metadata[STOPPED]}")


def _mistakes(failed):
    """Return ``{exercise: what went wrong}``: the name of a mistake or of a usual slip, where it has one."""
    unwritten = ("unwritten", "missing")
    return {
        exercise: one["mistake"] or ("not written" if one["kind"] in unwritten else "other")
        for exercise, one in failed.items()
    }


# --- the database ----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def opened(db_url, course_id):
    """Open a gradebook; what a database can do to stop us ends with `NotReady`, in one sentence."""
    log = logging.getLogger("tornado.application")  # where nbgrader writes each error's frames
    before = log.disabled
    log.disabled = True
    try:
        with patiently(lambda: Gradebook(db_url, course_id)) as gradebook:
            gradebook.db().expire_on_commit = False  # between the commits of one submission nobody else writes it
            yield gradebook
    except _FAILED as error:
        raise NotReady(_sentence(error)) from error
    finally:
        log.disabled = before


def _sentence(error):
    reason = text.line(getattr(error, "orig", None) or error, 150)
    known = next((cause for word, cause in _CAUSES.items() if word in reason), None)
    if known is None:
        lost = isinstance(error, OperationalError | InterfaceError) or getattr(error, "connection_invalidated", False)
        known = "it does not answer. Is its server running? Once it is" if lost else "it refuses what was asked"
    return f"The gradebook failed: {known}, run the same command again. What was graded is kept. ({reason})"


_FAILED = (SQLAlchemyError, InvalidEntry)  # nbgrader makes the second one of some of the first
_CAUSES = {
    "locked": f"another program has held it for {PATIENCE} s. Close formgrader and other runs, then",
    "full": "its disk is full. Make space, then",
    "No space": "its disk is full. Make space, then",
    "disk I/O": "its disk cannot be read or written. Look at the disk, then",
    "malformed": "it is damaged. Restore your last copy of it, then",
    "not a database": "it is damaged. Restore your last copy of it, then",
    "readonly": "it may not be written. Look at its owner and its rights, then",
    "unable to open": "it cannot be opened. Look at its folder, its owner and its rights, then",
    "no such": "it was made by another version. Run nbgrader db upgrade, then",
    "does not exist": "it is not there, or was made by another version. Make it, or run nbgrader db upgrade, then",
}


def patiently(action, undo=lambda: None):
    """Return what `action` gives; while another program holds the database, or was first, undo and try again."""
    until = time.monotonic() + PATIENCE
    attempts = 0
    while True:
        try:
            return action()
        except (IntegrityError, FlushError, StaleDataError, InvalidEntry, OperationalError, ProgrammingError) as error:
            undo()
            attempts += 1
            busy = re.search("locked|deadlock|already exists", str(error)) and time.monotonic() < until
            first = isinstance(error, IntegrityError | FlushError | StaleDataError | InvalidEntry) and attempts < 5
            if not busy and not first:
                raise
            time.sleep(0.05)


def save(gradebook, assignment, facts, timestamp):
    """Put scores, comments and the record of one submission into an open gradebook, in one transaction.

    Parameters
    ----------
    gradebook : Gradebook
    assignment : str
    facts : dict
        From `facts_of`.
    timestamp : datetime or None
        When it was handed in, if that is known.
    """

    def undo():
        gradebook.db.rollback()
        gradebook.db.expunge_all()

    patiently(lambda: _save(gradebook, assignment, facts, timestamp), undo)


def _save(gradebook, assignment, facts, timestamp):
    gradebook.update_or_create_student(facts["student"])
    submitted = gradebook.update_or_create_submission(assignment, facts["student"])
    submitted.timestamp = timestamp
    for notebook in submitted.notebooks:
        notebook.late_submission_penalty = None
        for one in notebook.grades:
            one.auto_score = facts["scores"].get(one.name, 0 if facts["unreadable"] else None)
            by_hand = one.manual_score is not None or one.auto_score is None
            one.needs_manual_grade = by_hand or bool(facts["unreadable"] or facts["look"])
        for comment in notebook.comments:
            comment.auto_comment = facts["comments"].get(comment.name, facts["unreadable"] or None)
    row = {name: facts[name] for name in ("digest", "box", "seconds")}
    gradebook.db.merge(GradingRecord(submission_id=submitted.id, facts={name: facts[name] for name in FACTS}, **row))
    gradebook.db.commit()


def entries(gradebook, assignment):
    """Return ``{student: facts}`` of all recorded submissions of an assignment; scores are in nbgrader's own tables."""
    columns = [SubmittedAssignment.student_id, GradingRecord.digest, GradingRecord.box, GradingRecord.seconds]
    query = (
        select(*columns, GradingRecord.facts)
        .join(SubmittedAssignment, SubmittedAssignment.id == GradingRecord.submission_id)
        .where(SubmittedAssignment.assignment_id == gradebook.find_assignment(assignment).id)
    )
    return {
        student: {**facts, "student": student, "digest": digest, "box": box, "seconds": seconds}
        for student, digest, box, seconds, facts in gradebook.db.execute(query)
    }


def waiting(gradebook, assignment):
    """Return the students whose submissions have a cell that only a human can grade, and no points for it yet."""
    query = (
        select(SubmittedAssignment.student_id)
        .join(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        .join(Grade, Grade.notebook_id == SubmittedNotebook.id)
        .where(SubmittedAssignment.assignment_id == gradebook.find_assignment(assignment).id)
        .where(Grade.auto_score.is_(None), Grade.manual_score.is_(None))
    )
    return set(gradebook.db.scalars(query))


def take_over(gradebook, assignment, journal):
    """Bring the journal of an earlier version, one JSON object per line, into the gradebook, and remove it.

    A line that is none of ours, or whose student has no submission in the gradebook, counts for nothing; so does one
    whose submission has a record already.
    """
    if not journal.is_file():
        return
    known = entries(gradebook, assignment)
    for line in journal.read_bytes().split(b"\n"):
        try:
            facts = json.loads(line)
            student, kept = facts["student"], {name: facts.get(name, kind()) for name, kind in FACTS.items()}
            row = {"digest": str(facts["digest"])[:64], "box": str(facts["box"])[:32]}
            if not all(isinstance(kept[name], kind) for name, kind in FACTS.items()) or student in known:
                continue
            row["seconds"] = float(facts["seconds"])
            submitted = gradebook.find_submission(assignment, student)
        except (ValueError, TypeError, KeyError, RecursionError, MissingEntry):
            continue
        for name in ("unreadable", "look"):
            kept[name] = text.line(kept[name])
        for name in ("notes", "stopped"):
            kept[name] = [text.line(one) for one in kept[name]]
        kept["failed"] = {}  # of no earlier version
        kept["mistakes"] = {text.line(key): text.line(value) for key, value in kept["mistakes"].items()}
        kept["answers"] = {
            text.line(key): [text.line(value[0]), value[1]]
            for key, value in kept["answers"].items()
            if isinstance(value, list) and len(value) == 2 and isinstance(value[1], int)
        }
        gradebook.db.merge(GradingRecord(submission_id=submitted.id, facts=kept, **row))
    gradebook.db.commit()
    journal.unlink(missing_ok=True)


# --- nbgrader's own autograde ----------------------------------------------------------------------------------------


class Record(NbGraderPreprocessor):
    """The last step of ``nbgrader autograde``: it saves what the class run saves, in the same way."""

    def preprocess(self, nb, resources):
        names = resources["nbgrader"]
        run = self.parent.parent  # the exporter's parent is nbgrader's converter
        if run not in _recorded:
            _recorded.add(run)
            record_folders_without_notebook(run.coursedir, names["assignment"])
        folder = run.coursedir.format_path(run.coursedir.submitted_directory, names["student"], names["assignment"])
        with opened(names["db_url"], run.coursedir.course_id) as gradebook:
            facts = facts_of(nb, names["student"])
            save(gradebook, names["assignment"], facts, time_of(folder))
        return nb, resources


def submitted_folders(coursedir, assignment):
    """Yield ``(student, folder)`` of what nbgrader's options name, in order of the students."""

    def path(student, escape=False):
        return coursedir.format_path(coursedir.submitted_directory, student, assignment, escape=escape)

    excluded = (coursedir.student_id_exclude or "").split(",")
    for folder in sorted(glob.glob(path(coursedir.student_id))):
        student = re.match(path("(?P<student>(?s:.*))", escape=True), folder)["student"]
        if student not in excluded:
            yield student, Path(folder)


def record_folders_without_notebook(coursedir, assignment):
    """Record submitted folders that hold no notebook at all: 0, the reason, and the mark for a human's eye.

    nbgrader passes such a folder over with a warning, before it calls any plug-in. So the first submission of a run
    that has a notebook records them. A score that a human gave stays.

    Parameters
    ----------
    coursedir : nbgrader.coursedir.CourseDirectory
        Its ``student_id`` says whose folders are looked at.
    assignment : str
    """
    for student, folder in submitted_folders(coursedir, assignment):
        if any(folder.glob("*.ipynb")):
            continue
        facts = {name: kind() for name, kind in FACTS.items()} | {"student": student, "scores": {}, "comments": {}}
        facts |= {"digest": "", "box": "", "seconds": 0.0, "unreadable": missing(f"{assignment}.ipynb", folder)}
        with opened(coursedir.db_url, coursedir.course_id) as gradebook:
            if entries(gradebook, assignment).get(student, {}).get("unreadable") != facts["unreadable"]:
                save(gradebook, assignment, facts, time_of(folder))
