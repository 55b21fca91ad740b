"""Where a class stands, on one screen, and the table of all points."""

import statistics

from nbgrader.api import MissingEntry

from helpers import courses

from . import batch, record, text
from .folder import some

SHOWN = 15  # names or sentences of a kind


def lines(class_):
    """Return what an instructor wants to know of a lesson: who handed in, what is graded, what waits, and why.

    Parameters
    ----------
    class_ : batch.Class

    Returns
    -------
    list of str

    Raises
    ------
    NotReady
        If the assignment was not generated.
    """
    with class_.gradebook() as gradebook:
        tests = batch.fingerprint(class_.lesson(gradebook))
        entries = record.entries(gradebook, class_.assignment)
        submitted = dict(record.submitted_folders(class_.directory, class_.assignment))
        book = {one["student"]: one for one in gradebook.submission_dicts(class_.assignment)}
        roster = {student.id for student in gradebook.students}
        late = _late(gradebook, class_.assignment)
        waiting = record.waiting(gradebook, class_.assignment)
        look = batch.to_look_at(gradebook, class_.assignment)
        most = gradebook.find_assignment(class_.assignment).max_score
    todo = [name for name in submitted if entries.get(name, {}).get("digest") != class_.task(name, tests).digest]
    failed = [name for name in todo if name in entries and not entries[name]["digest"]]
    scores = [book[name]["score"] or 0 for name in entries if name in book and name not in waiting]
    mean = f", mean {statistics.mean(scores):.1f} of {most:g} points" if scores else ""
    said = [f"{class_.assignment}: {len(submitted)} handed in, {len(submitted) - len(todo)} graded{mean}"]
    grade = f"python -m helpers grade {class_.info.name}"
    said += _kind("Not handed in", sorted(roster - set(submitted)))
    said += _kind("New or changed", [name for name in todo if name not in failed], f"run: {grade}")
    said += _kind("Could not be graded", failed, f"run: {grade}")
    said += _kind("Waits for points by hand", sorted(waiting), "in formgrader")
    said += _kind("Late", [f"{name} ({hours:.0f} h, {lost:g} points less)" for name, hours, lost in late])
    said += [f"To look at ({len(look)}):", *(f"  {sentence}" for sentence in look[:SHOWN])] if look else []
    return said + ([f"  and {len(look) - SHOWN} more: see the report"] if len(look) > SHOWN else [])


def _kind(what, names, more=""):
    more = f" ({more})" if more else ""
    return [f"{what} ({len(names)}): {some([text.line(name, 80) for name in names], SHOWN)}{more}"] if names else []


def _late(gradebook, assignment):
    """Return ``(student, hours, points lost)`` of the submissions that came after the due date."""
    found = []
    for one in gradebook.assignment_submissions(assignment):
        if one.total_seconds_late > 0:
            lost = sum(notebook.late_submission_penalty or 0 for notebook in one.notebooks)
            found.append((one.student.id, one.total_seconds_late / 3600, lost))
    return sorted(found)


def export(classes):
    """Return a table of points as lists: a line per student and a column per lesson, and the total of what is there.

    A lesson that a student did not hand in, or that waits for points by hand, is empty; nothing there is final.

    Parameters
    ----------
    classes : list of batch.Class
        Of lessons whose assignment was generated.

    Returns
    -------
    (list of lists, list of str)
        The table with its header, and a sentence per lesson with something missing.
    """
    columns, names, sentences = {}, {}, []
    for class_ in classes:
        with class_.gradebook() as gradebook:
            waiting = record.waiting(gradebook, class_.assignment)
            columns[class_.assignment] = {
                one["student"]: one["score"]
                for one in gradebook.submission_dicts(class_.assignment)
                if one["student"] not in waiting
            }
            for one in gradebook.students:
                names[one.id] = (one.last_name or "", one.first_name or "", one.email or "", one.lms_user_id or "")
        if waiting:
            sentences.append(f"{class_.assignment}: {len(waiting)} wait for points by hand, their cells are empty")
    table = [["student", "last name", "first name", "email", "platform's id", *columns, "total"]]
    for student in sorted(names):
        points = [column.get(student) for column in columns.values()]
        table.append([student, *names[student], *points, sum(filter(None, points))])
    return table, sentences


def generated(db_url=None):
    """Return the `batch.Class` of each lesson whose assignment the gradebook has."""
    found = []
    for lesson in courses.LESSONS:
        if lesson.done:
            class_ = batch.Class(lesson, db_url)
            with class_.gradebook() as gradebook:
                try:
                    gradebook.find_assignment(class_.assignment)
                except MissingEntry:
                    continue
            found.append(class_)
    return found
