"""Penalties for late submissions, with extensions for single students; nbgrader assigns them."""

import csv
import math
from pathlib import Path

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
        hours = self._extension(student_id, getattr(self.parent, "assignment_id", None))
        late = total_seconds_late - 3600 * hours - 60 * self.grace
        if late <= 0 or self.per_day == 0:
            return None
        days = math.ceil((total_seconds_late - 3600 * hours) / 86400)
        return min(score, score * self.per_day * days)

    def _extension(self, student, assignment):
        """Return the hours that a student has more for an assignment; an entry for ``*`` counts for all assignments."""
        if not self.extensions:
            return 0.0
        most = 0.0
        with open(Path(self.extensions), newline="", encoding="utf-8-sig") as file:
            for number, row in enumerate(csv.DictReader(file), start=2):
                try:
                    hours = float(row["hours"])
                    fits = row["student"].strip() == student and row["assignment"].strip() in (assignment, "*")
                except (KeyError, TypeError, ValueError, AttributeError):
                    raise ValueError(
                        f"{self.extensions}, line {number}: the columns are student, assignment, hours (a number)"
                    ) from None
                most = max(most, hours) if fits else most
        return most
