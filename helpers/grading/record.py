"""Write scores and comments to the gradebook."""

from nbgrader import preprocessors as stock

from .submission import UNREADABLE


class Record(stock.SaveAutoGrades):
    """Save scores; a submission that could not be read gets 0, its reason, and the mark that a human should look."""

    def preprocess(self, nb, resources):
        self._unreadable = nb.metadata.get(UNREADABLE)
        return super().preprocess(nb, resources)

    def _add_score(self, cell, resources):
        super()._add_score(cell, resources)
        if self._unreadable:
            grade = self._find(self.gradebook.find_grade, cell)
            grade.auto_score, grade.needs_manual_grade = 0, True
            self.gradebook.db.commit()

    def _add_comment(self, cell, resources):
        super()._add_comment(cell, resources)
        if self._unreadable:
            self._find(self.gradebook.find_comment, cell).auto_comment = self._unreadable
            self.gradebook.db.commit()

    def _find(self, find, cell):
        return find(cell.metadata.nbgrader["grade_id"], self.notebook_id, self.assignment_id, self.student_id)
