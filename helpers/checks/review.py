"""Come back: a fresh notebook of solved exercises that are due, and one exercise put back as it was released.

An exercise is due 1, 3, 7 and 21 days after it was solved; `progress` keeps the days.
"""

import json
import sys
from pathlib import Path

from . import packs, progress

FOLDER = "review"
#: At most so many at once; of those that are due, and filled up from those that will be soon.
MOST, LEAST = 5, 3
TARGET = "course-start-again"


def chosen(events, day):
    """Return the exercises to repeat on a day, as pairs of lesson and exercise, those that wait longest first.

    Parameters
    ----------
    events : list of dict
        From `progress.read`.
    day : str
        Such as "2026-11-30".
    """
    waiting = sorted(((when, key) for key, (when, _) in progress.due(events).items()), key=lambda pair: pair[0])
    now = [key for when, key in waiting if when <= day]
    solved_today = {(event["lesson"], event.get("exercise")) for event in events if str(event.get("when"))[:10] == day}
    soon = [key for when, key in waiting if when > day and key not in solved_today]
    return now[:MOST] + soon[: max(0, LEAST - len(now))] if now else []


def make(top=progress.TOP, start=progress.START):
    """Write the notebook of what is due today, and return its path from the top; "" if nothing is due.

    If there is one of today in which something is still due, that one is returned. The learner's own answers to other
    exercises that are needed come from the lessons' notebooks.

    Parameters
    ----------
    top, start : path
        The edition's folder, and the start page's data in it.
    """
    import nbformat

    top, day = Path(top), progress.today()
    picked = chosen(progress.events(top, start), day)
    if not picked:
        return ""
    number = 1
    while (path := top / FOLDER / f"{day}{f'-{number}' if number > 1 else ''}.ipynb").exists():
        if _holds(path, picked[0]):
            return path.relative_to(top).as_posix()
        number += 1
    lessons = {one["name"]: one for one in progress.lessons_of(start)}
    cells = []
    for lesson, exercise in picked:
        cells += _exercise(top, lessons.get(lesson), exercise)
    if not cells:
        return ""
    intro = (
        f"# Due on {day}\n\nYou solved these before. Write each anew without looking it up: that makes it stay. "
        "Who solves it meets it again after a longer time, who does not, tomorrow. "
        "The folded cell above each brings what it needs from its lesson; run it first."
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(intro), *cells])
    notebook.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    path.parent.mkdir(exist_ok=True)
    nbformat.write(notebook, path)
    return path.relative_to(top).as_posix()


def _holds(path, exercise):
    """Return whether a notebook of today has this exercise."""
    try:
        return f'"{exercise[0]} {exercise[1]}"' in path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False


def _exercise(top, lesson, exercise):
    """Return the cells of one exercise; none where the lesson's notebook lacks one of them."""
    import nbformat
    from nbformat.v4 import new_code_cell, new_markdown_cell

    try:
        about = read(top, lesson["name"])["exercises"][exercise]
        there = {cell.get("id"): cell for cell in nbformat.read(top / lesson["path"], as_version=4).cells}
        parts = about["review"]
        text, after = there[parts["text"]].source, [there[name] for name in parts["after"]]
        before = [there[name].source for name in parts["before"]]
    except (OSError, KeyError, TypeError, ValueError, AttributeError):
        return []
    heading = f"## {lesson['number']} [{lesson['title']}](../{lesson['path']}): {exercise}\n\n"
    needed = "\n\n\n".join([*before, "from helpers.checks import progress as _progress\n\n_progress.review()"])
    return [
        new_markdown_cell(heading + text[max(0, text.find("\n### ")) :].lstrip()),
        new_code_cell(needed, metadata={"jupyter": {"source_hidden": True}}),
        new_code_cell(about["stub"], metadata={"tags": [f"{lesson['name']} {exercise}"]}),
        *(new_code_cell(cell.source) for cell in after),
    ]


def send_back(exercise, stub):
    """Ask JupyterLab, where the course's start page is, to put an exercise back; nothing happens elsewhere."""
    if "ipykernel" in sys.modules:
        from comm import create_comm

        create_comm(target_name=TARGET, data={"exercise": exercise, "stub": stub})


def read(top, lesson):
    """Return what a lesson asks besides its exercises, from the file of the edition in the folder `top`."""
    path = Path(top) / "helpers" / "checks" / "thinking" / f"{lesson}.json"
    if not path.exists():
        raise packs.unknown("lesson", lesson, sorted(path.stem for path in path.parent.glob("*.json")))
    return json.loads(path.read_text(encoding="utf-8"))
