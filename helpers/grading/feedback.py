"""Feedback: nbgrader's pages, always of the newest grades, and the zip files in which platforms take them back."""

import hashlib
import re
import zipfile
from pathlib import Path

from nbgrader.converters import GenerateFeedback
from nbgrader.coursedir import CourseDirectory

from . import downloads, record, text

#: The platforms that take back a zip file of pages; each wants the part of the path that it wrote itself.
PLATFORMS = ("moodle", "canvas")


def write(class_):
    """Write the page of each graded submission whose grades or comments are newer than its page.

    Parameters
    ----------
    class_ : batch.Class

    Returns
    -------
    dict
        ``{student: path}`` of all pages, and the list of students whose page was written now.

    Raises
    ------
    NotReady
        If nothing is graded.
    """
    with class_.gradebook() as gradebook:
        states = {
            student: _state(class_, gradebook, student) for student in record.entries(gradebook, class_.assignment)
        }
    if not states:
        raise record.NotReady(f"Nothing is graded. Run: python -m helpers grade {class_.info.name}")
    pages, written = {}, []
    for student, state in sorted(states.items()):
        pages[student] = page = _page(class_, student)
        mark = page.with_name(".made")
        if not page.exists() or not mark.exists() or mark.read_text() != state:
            _write(class_, student)
            page.write_text(named(page.read_text(encoding="utf-8")), encoding="utf-8")
            mark.write_text(state)
            written.append(student)
    return pages, written


def _page(class_, student):
    directory = class_.directory
    folder = directory.format_path(directory.feedback_directory, student, class_.assignment)
    return Path(folder) / f"{class_.assignment}.html"


def _state(class_, gradebook, student):
    """Return a digest of all that a page shows: the graded notebook, points, comments, what being late cost."""
    digest = hashlib.sha256()
    graded = Path(class_.path("autograded", student)) / f"{class_.assignment}.ipynb"
    digest.update(graded.read_bytes() if graded.exists() else b"")
    for notebook in gradebook.find_submission(class_.assignment, student).notebooks:
        shown = [(grade.name, grade.score, grade.extra_credit) for grade in notebook.grades]
        shown += [(comment.name, comment.comment) for comment in notebook.comments]
        digest.update(repr((sorted(map(str, shown)), notebook.late_submission_penalty)).encode())
    gradebook.db.expunge_all()
    return digest.hexdigest()


def _write(class_, student):
    directory = CourseDirectory(config=class_.config, root=class_.directory.root)
    directory.db_url, directory.student_id = class_.directory.db_url, student
    directory.assignment_id = class_.assignment
    step = GenerateFeedback(coursedir=directory, config=class_.config)
    step.force, step.log.disabled = True, True
    step.start()


def named(page):
    """Return a page whose index names the exercises; nbgrader's says "Test cell" for each."""
    page = re.sub(r'(<li><a href="#test_(\w+)">)Test cell</a>', r"\1\2</a>", page)
    return re.sub(r'(<li><a href="#comment-(\w+)">)Comment</a>', r"\1\2: comment</a>", page)


def archive(class_, pages, platform, path):
    """Write the pages as the zip file that a platform takes back, and return a sentence per page that is not in it."""
    prefixes, left_out = downloads.prefixes(class_), []
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for student, page in pages.items():
            prefix = prefixes.get(student, "")
            if ("_assignsubmission_" in prefix) != (platform == "moodle") or not prefix:
                left_out.append(
                    f"{text.line(student, 80)} was not collected from {platform.capitalize()}: not in the zip file"
                )
                continue
            out.write(page, f"{prefix}{page.name}")
    return left_out
