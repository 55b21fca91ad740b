"""Write scores and comments to the gradebook."""

import glob
import re
import weakref
from pathlib import Path

from nbgrader import preprocessors as stock
from nbgrader.api import Gradebook

from .submission import UNREADABLE, missing

_recorded = weakref.WeakSet()  # runs of nbgrader whose folders without a notebook are in the gradebook


class Record(stock.SaveAutoGrades):
    """Save scores; a submission that could not be read gets 0, its reason, and the mark that a human should look."""

    def preprocess(self, nb, resources):
        self._unreadable = nb.metadata.get(UNREADABLE)
        run = self.parent.parent  # the exporter's parent is nbgrader's converter
        if run not in _recorded:
            _recorded.add(run)
            record_folders_without_notebook(run.coursedir, resources["nbgrader"]["assignment"])
        return super().preprocess(nb, resources)

    def _add_score(self, cell, resources):
        super()._add_score(cell, resources)
        if self._unreadable:
            mark(self._find(self.gradebook.find_grade, cell))
            self.gradebook.db.commit()

    def _add_comment(self, cell, resources):
        super()._add_comment(cell, resources)
        if self._unreadable:
            self._find(self.gradebook.find_comment, cell).auto_comment = self._unreadable
            self.gradebook.db.commit()

    def _find(self, find, cell):
        return find(cell.metadata.nbgrader["grade_id"], self.notebook_id, self.assignment_id, self.student_id)


def mark(grade):
    """Give a grade of the gradebook 0 points, and mark it for a human's eye."""
    grade.auto_score, grade.needs_manual_grade = 0, True


def submitted_folders(coursedir, assignment):
    """Yield ``(student, folder)`` of what nbgrader's options name, in order of the students."""

    def path(student, escape=False):
        return coursedir.format_path(coursedir.submitted_directory, student, assignment, escape=escape)

    excluded = (coursedir.student_id_exclude or "").split(",")
    for folder in sorted(glob.glob(path(coursedir.student_id))):
        student = re.match(path("(?P<student>.*)", escape=True), folder)["student"]
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
        with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
            gradebook.update_or_create_student(student)
            submission = gradebook.update_or_create_submission(
                assignment, student, timestamp=coursedir.get_existing_timestamp(str(folder))
            )
            for notebook in submission.notebooks:
                for grade in notebook.grades:
                    if grade.manual_score is None:
                        mark(grade)
                for comment in notebook.comments:
                    comment.auto_comment = missing(f"{notebook.name}.ipynb")
            gradebook.db.commit()
