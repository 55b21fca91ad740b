"""Grade the same submissions with nbgrader as it comes and as this course configures it: points gained, seconds.

Slow, so no test: ``make compare``. Stock nbgrader runs submissions without a box, so only attacks that leave the machine
alone are tried on it: those on metadata, IPython, Python, pages and hidden cases, and one on the gradebook.
"""

import argparse
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import nbformat
import test_attacks
from nbgrader.api import Gradebook
from test_grading import LESSON, POINTS, ROUNDS, blank, copied_cells, full, nbgrader, with_mistake

from helpers.courses import TOP

FRONTS = ("metadata", "ipython", "python", "html", "leak")
STOCK = """
import os
c = get_config()
TOP = os.path.dirname(os.path.abspath(__file__))
c.CourseDirectory.db_url = "sqlite:///" + os.path.join(TOP, "..", "gradebook.db")
c.CourseDirectory.course_id = "course1_nn"
c.CourseDirectory.source_directory = "."
for step in ("release", "submitted", "autograded", "feedback"):
    setattr(c.CourseDirectory, f"{step}_directory", os.path.join(TOP, "..", "grading", step))
c.Execute.timeout = 20
os.environ["PATH"] = os.path.dirname(__import__("sys").executable) + os.pathsep + os.environ["PATH"]
"""


def course(stock):
    """Make a course in a folder of its own and return the folder of its assignments."""
    folder = Path(tempfile.mkdtemp(prefix="compare-")) / LESSON.course
    folder.mkdir()
    if stock:
        (folder / "nbgrader_config.py").write_text(STOCK)
    else:
        shutil.copy(TOP / "nbgrader_config.py", folder.parent)
        shutil.copy(TOP / LESSON.course / "nbgrader_config.py", folder)
    shutil.copytree(LESSON.path.parent, folder / LESSON.folder)
    done = nbgrader(folder, "generate_assignment", LESSON.folder)
    assert done.returncode == 0, done.stderr
    return folder


def put(folder, student, notebook=None, attack=None):
    target = folder.parent / "grading" / "submitted" / student / LESSON.folder
    target.mkdir(parents=True)
    if attack is not None:
        test_attacks.submit(attack, folder.parent, target)
    else:
        (target / LESSON.path.name).write_text(nbformat.writes(notebook))


def grade(folder, student="*"):
    """Grade and return the seconds."""
    start = time.monotonic()
    nbgrader(folder, "autograde", LESSON.folder, "--student", student)
    return time.monotonic() - start


def points(folder, student):
    """Return the points of a submission, or None if it was lost."""
    try:
        with Gradebook(f"sqlite:///{folder.parent}/gradebook.db") as gradebook:
            return gradebook.find_submission(LESSON.folder, student).score
    except Exception:
        return None


def attacks():
    paths = [path for path in test_attacks.ATTACKS if path.parent.name in FRONTS]
    paths += [path for path in test_attacks.ATTACKS if path.stem == "gradebook_written"]
    folders = {"stock": course(True), "here": course(False)}
    print(f"| attack | stock, of {sum(POINTS.values())} | here |\n|---|--:|--:|")
    gained = dict.fromkeys(folders, 0)
    for folder in folders.values():
        for path in paths:
            put(folder, test_attacks.student(path), attack=path)
    grade(folders["here"])
    for path in paths:
        student = test_attacks.student(path)
        grade(folders["stock"], student)  # one by one: an attack may end the grading of those after it
        shown = []
        for name, folder in folders.items():
            got = points(folder, student)
            gained[name] += bool(got)
            shown.append("lost" if got is None else f"{got:g}")
        print(f"| {path.parent.name}: {path.stem} | {' | '.join(shown)} |", flush=True)
    print(f"{len(paths)} attacks; gained points: stock {gained['stock']}, here {gained['here']}")


def boxes():
    """Try what a box must stop as each user in each box; needs root, who has no bubblewrap."""
    print("| box | user | attacks | gained points | seconds |\n|---|---|--:|--:|--:|")
    pairs = [(box, user) for box in ("namespaces", "landlock") for user in ("root", "nobody")]
    for strength, user in [*pairs, ("bubblewrap", "nobody")]:
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            top = Path(folder) / "class"
            top.mkdir()
            run = nbgrader
            if user == "nobody":
                run = test_attacks.as_nobody(top, test_attacks.python_of_an_ordinary_user(Path(folder)))
            start, settings = time.monotonic(), f'c.Execute.box = "{strength}"'
            test_attacks.attack_class(top, test_attacks.BOXED, settings, run)
            seconds = time.monotonic() - start
            test_attacks.all_gained_nothing(top, test_attacks.BOXED)
            print(f"| {strength} | {user} | {len(test_attacks.BOXED)} | 0 | {seconds:.0f} |", flush=True)


def speed(count):
    """Grade a class of mixed submissions in three batches, the two configurations in turn."""
    made = [full, blank, copied_cells, *(lambda i=i: with_mistake(i) for i in range(ROUNDS))]
    folders = {"stock": course(True), "here": course(False)}
    seconds = {name: [] for name in folders}
    for batch in range(3):
        for name, folder in folders.items():
            students = range(batch, count, 3)
            for number in students:
                put(folder, f"batch{batch}_{number}", notebook=made[number % len(made)]())
            seconds[name].append(grade(folder, f"batch{batch}_*") / len(students))
    for name, values in seconds.items():
        print(f"{name}: {statistics.median(values):.2f} s per submission, median of {len(values)} batches")
    ratios = [stock / here for stock, here in zip(seconds["stock"], seconds["here"], strict=True)]
    print(f"stock takes {statistics.median(ratios):.1f} times as long ({count} submissions, batches interleaved)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["attacks", "boxes", "speed"])
    parser.add_argument("--count", type=int, default=30)
    options = parser.parse_args()
    {"attacks": attacks, "boxes": boxes}.get(options.what, lambda: speed(options.count))()
