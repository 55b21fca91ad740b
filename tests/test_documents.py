"""What the documents show works: the exercise of CONTRIBUTING, links, the tables."""

import base64
import re

import nbformat
import pytest

from helpers import checks, cli, courses, exercises
from helpers.checks import packs
from helpers.courses import COURSES, LESSONS, TOP

DOCUMENTS = [TOP / name for name in ("README.md", "CONTRIBUTING.md", "NOTATION.md")] + sorted(
    TOP.glob("course*/README.md")
)


def test_exercise_of_contributing_works(capsys):
    blocks = re.findall(r"```python\n(.*?)```", (TOP / "CONTRIBUTING.md").read_text(), re.S)
    lesson = exercises.Lesson("activations")
    namespace = {"lesson": lesson}
    exec("import numpy as np\nfrom helpers.exercises import case\n" + blocks[0], namespace)
    relu = lesson.exercises["relu"]
    assert len(relu.mistakes) >= 3
    assert len(relu.accepted) >= 2
    check = checks.Checks("activations", packs.read(lesson.pack(0)))
    for function, hint in relu.mistakes:
        with pytest.raises(checks.CheckFailed) as caught:
            check.__call__(named("relu", function))
        assert hint in str(caught.value)
    for function in [relu.reference, *relu.accepted]:
        check(named("relu", function))
    cells = {"np": namespace["np"], "check": check}
    exec(blocks[1] + blocks[2], cells)
    assert capsys.readouterr().out.count("relu: all checks passed") == 1 + 1 + len(relu.accepted)


def test_picture_of_the_readme_is_what_the_lesson_draws():
    notebook = nbformat.read(courses.find("logistic_regression").path, as_version=4)
    (output,) = next(cell.outputs for cell in notebook.cells if cell.id == "play_walks")
    picture = TOP / re.search(r"!\[[^]]+\]\(([^)]+)\)", (TOP / "README.md").read_text())[1]
    assert base64.b64decode(output.data["image/png"]) == picture.read_bytes()


def test_message_of_the_readme_is_what_check_says():
    exercise = exercises.load("logistic_regression").exercises["propagate"]
    function = {mistake.__name__: mistake for mistake, _ in exercise.mistakes}["dw_without_mean"]
    with pytest.raises(checks.CheckFailed) as caught:
        checks.lesson("logistic_regression")(named("propagate", function))
    shown = re.search(r"```text\n(.*?)```", (TOP / "README.md").read_text(), re.S)[1]
    assert shown.split() == str(caught.value).split()


def test_tables_of_the_readmes_are_what_the_notebooks_say():
    assert [path for path, _ in cli._old_tables()] == []


def named(name, function):
    def answer(*args):
        return function(*args)

    answer.__name__ = name
    return answer


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(TOP)))
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)#\s]+\.\w+)\)", path.read_text()):
        if "://" not in target:
            assert (path.parent / target).exists(), target


def test_lesson_names_are_unique_across_the_courses():
    assert len({lesson.name for lesson in LESSONS}) == len(LESSONS) == 31
    assert len({lesson.folder for lesson in LESSONS}) == 31
    assert {lesson.course for lesson in LESSONS} == set(COURSES)


def test_readme_lists_all_courses_and_lessons():
    text = (TOP / "README.md").read_text()
    for lesson in LESSONS:
        assert lesson.title in text
