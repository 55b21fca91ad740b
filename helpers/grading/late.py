"""Penalties for late submissions, with extensions for single students; nbgrader assigns them."""

import csv
import functools
import math
import os
from typing import NamedTuple

from nbgrader.plugins import LateSubmissionPlugin
from traitlets import Float, Unicode


class LatePenalty(LateSubmissionPlugin):
    """A share of the score is lost for each day begun after the due date; some students may have more time.

    In nbgrader_config.py: ``c.LatePenalty.per_day = 0.1``. The due date is set in formgrader, or with
    ``nbgrader db assignment add NAME --duedate "2027-01-31 23:59 UTC"``.
    """

    per_day = Float(0.0, help="Share of the score that is lost for each day begun, 0.1 for a tenth").tag(config=True)
    grace = Float(10.0, help="Minutes after the due date that cost nothing").tag(config=True)
    extensions = Unicode(
        "", help="CSV file with the columns student, assignment, hours: who gets how many more hours"
    ).tag(config=True)

    def late_submission_penalty(self, student_id, score, total_seconds_late):
        """Return the points that a late submission loses; nbgrader calls this for late submissions only.

        Parameters
        ----------
        student_id : str
        score : float
            Points of the notebook, without penalty.
        total_seconds_late : float

        Returns
        -------
        float or None
            None for no penalty.

        Raises
        ------
        ValueError
            If the file of extensions cannot be read; the message names the line.
        """
        assignment = getattr(self.parent, "assignment_id", None)
        same = [one.hours for one in self.more_time() if one.is_for(student_id, assignment)]
        hours = max(same, default=0.0)
        late = total_seconds_late - 3600 * hours - 60 * self.grace
        if late <= 0 or self.per_day == 0:
            return None
        days = math.ceil((total_seconds_late - 3600 * hours) / 86400)
        return min(score, score * self.per_day * days)

    def more_time(self):
        """Return the list of `Extension` in the file; raise ValueError, which names the line, if it is none."""
        return _read(self.extensions, os.path.getmtime(self.extensions)) if self.extensions else []


class Extension(NamedTuple):
    """Who gets how many more hours for what: an assignment's folder or name, or ``*`` for all."""

    student: str
    assignment: str
    hours: float

    def is_for(self, student, assignment):
        """Return whether it counts for a student's submission; capital letters make no difference."""
        names = ("*", str(assignment).casefold(), str(assignment).casefold()[3:])
        return self.student.casefold() == student.casefold() and self.assignment.casefold() in names


@functools.lru_cache(maxsize=8)  # a class asks for each late submission
def _read(path, changed):
    wrong = "{}, line {}: the columns are student, assignment, hours (a number, such as 48)"
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            lines = file.read().splitlines()
    except UnicodeDecodeError:
        raise ValueError(f"{path} is no UTF-8: save it as CSV UTF-8") from None
    delimiter = ";" if ";" in (lines or [""])[0] else ","  # what Excel writes where the comma is in numbers
    rows, found = csv.DictReader(lines, delimiter=delimiter), []
    try:
        if lines and {"student", "assignment", "hours"} - {str(name).strip() for name in rows.fieldnames or ()}:
            raise ValueError
        for row in rows:
            row = {str(key).strip(): value for key, value in row.items()}
            student, hours = row["student"].strip(), float(row["hours"].replace(",", "."))
            if not (0 <= hours < math.inf) or not student or None in row.values() or "None" in row:
                raise ValueError
            found.append(Extension(student, row["assignment"].strip(), hours))
    except (AttributeError, TypeError, ValueError, csv.Error):
        raise ValueError(wrong.format(path, max(rows.line_num, 1))) from None
    return found
