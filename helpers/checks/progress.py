"""What a learner has solved: kept in the learner's edition alone, in one file at its top, and sent nowhere.

``progress.jsonl`` has one line per change, only ever appended to, so that two kernels at once lose nothing. No release
holds a file of that name. Solved stays solved: who tries another way later keeps the count.
"""

import errno
import json
import os
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
#: The start page's data, made at release; where it is missing, nothing is kept or said: the repository, grading.
START = TOP / ".labextensions" / "start-page" / "static" / "start.json"
NAME = "progress.jsonl"
#: Days until a solved exercise is due once more; each time it is solved again, the next number counts.
INTERVALS = (1, 3, 7, 21)
_reviewing = [False]  # whether this kernel belongs to a notebook of exercises that are due


def note_when_cell_ends(lesson, exercise):
    """Keep that a check passed once the whole cell has: as solved only if no assert after the check fails.

    Outside of IPython there are no cells: it is kept at once.
    """
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is None:
        note(lesson, exercise, True)
        return

    def ended(result):
        shell.events.unregister("post_run_cell", ended)
        note(lesson, exercise, bool(result.success))

    shell.events.register("post_run_cell", ended)


def note(lesson, exercise, right, top=TOP, start=START):
    """Keep the outcome of a test cell, and print one line: how far the lesson is, and what comes next.

    Parameters
    ----------
    lesson, exercise : str
        Their names.
    right : bool or None
        Whether it passed; None if nothing is written yet.
    top, start : path
        The edition's folder, and the start page's data in it. Without that file, or where the folder cannot be written,
        this does nothing.
    """
    try:
        lessons = lessons_of(start)
        solved = _keep(Path(top) / NAME, lesson, exercise, right)
    except FileNotFoundError:
        return
    except OSError as error:
        _say(error)
        return
    for here in lessons:
        if here["name"] == lesson:
            print(_line(here, lessons, solved, exercise, right))


def lessons_of(start=START):
    """Return the lessons of an edition in their order, from the start page's data."""
    courses = json.loads(Path(start).read_text(encoding="utf-8"))["courses"]
    return [one for course in courses for one in course["lessons"]]


def events(top=TOP, start=START):
    """Return all lines that are kept, oldest first; none where nothing is kept or nothing can be read."""
    try:
        return read(Path(top) / NAME) if Path(start).exists() else []
    except OSError:
        return []


def is_solved(lesson, exercise, top=TOP, start=START):
    """Return whether an exercise once passed; outside an edition, where nothing is kept, every one counts as solved."""
    if not Path(start).exists():
        return True
    return any(
        (event["lesson"], event.get("exercise")) == (lesson, exercise) and event["right"]
        for event in events(top, start)
    )


def keep(top=TOP, start=START, **fields):
    """Keep a line that is no outcome of a check, such as a guess, where progress is kept; it has a ``lesson``."""
    if not Path(start).exists():
        return
    try:
        _append(Path(top) / NAME, [{**fields, "when": _now()}])
    except OSError as error:
        _say(error)


def _now():
    return datetime.now(UTC).isoformat(timespec="seconds")


def _say(error):
    if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
        print(f"Your progress could not be kept in {NAME}: {error.strerror}.")


def review():
    """From here on, what is checked in this kernel repeats exercises: it moves the day on which they are due again."""
    _reviewing[0] = True


def due(events):
    """Return ``{(lesson, exercise): (day, step)}`` of the solved exercises that will come again.

    Parameters
    ----------
    events : list of dict
        From `read`.

    Returns
    -------
    dict
        The day is a text such as "2026-11-30"; the step counts from 0 in `INTERVALS`.
    """
    found = {}
    for event in events:
        key = event["lesson"], event.get("exercise")
        if "due" in event:
            found[key] = event["due"], event.get("step", 0)
        elif event.get("right") and key not in found:  # a line of an earlier release
            found[key] = _days_later(0, str(event.get("when"))[:10]), 0
    return {key: value for key, value in found.items() if isinstance(value[0], str) and isinstance(value[1], int)}


def today():
    return date.today().isoformat()


def _days_later(step, day=None):
    """Return the day on which an exercise is due after a step, or None after the last."""
    try:
        start = date.fromisoformat(day or today())
    except ValueError:
        start = date.today()
    return (start + timedelta(days=INTERVALS[step])).isoformat() if step < len(INTERVALS) else None


def _keep(path, lesson, exercise, right):
    """Append a line if it says something new, and return the solved exercises as pairs of names."""
    events = [event for event in read(path) if "exercise" in event]
    solved = {(event["lesson"], event["exercise"]) for event in events if event["right"]}
    last = events[-1] if events else {}
    first = bool(right) and (lesson, exercise) not in solved
    line = {"lesson": lesson, "exercise": exercise, "right": bool(right), "when": _now()}
    day, step = due(events).get((lesson, exercise), (None, 0))
    if _reviewing[0] and right is not None and day is not None and day <= today():
        step = step + 1 if right else 0
        _append(path, [{**line, "due": _days_later(step), "step": step}])
        print(f"Due again on {_days_later(step)}." if step < len(INTERVALS) else "It will not come again.")
    elif first:
        _append(path, [{**line, "due": _days_later(0), "step": 0}])
    elif (last.get("lesson"), last.get("exercise")) != (lesson, exercise):
        _append(path, [line])
    return solved | ({(lesson, exercise)} if right else set())


def read(path):
    """Return the lines of the file, oldest first; a damaged file is kept aside, and what can be read of it goes on."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    events, damaged = _parse(content)
    if damaged:
        aside = next(
            name for name in (path.with_name(f"progress.damaged{i or ''}.jsonl") for i in range(10**6))
            if not name.exists()
        )  # fmt: skip
        os.rename(path, aside)
        events, _ = _parse(aside.read_bytes())
        _append(path, events)
        print(f"{path.name} was damaged. It is kept as {aside.name}; a new one goes on with what could be read.")
    return events


def _parse(content):
    """Return the events of a file, and whether it holds anything else; a last line may still be on its way."""
    *lines, _unfinished = content.split(b"\n")
    events, damaged = [], False
    for line in filter(None, lines):
        try:
            event = json.loads(line)
            if not (isinstance(event["lesson"], str) and isinstance(event.get("exercise", event.get("predict")), str)):
                raise TypeError
            events.append({**event, "right": event["right"] is True} if "exercise" in event else event)
        except (ValueError, KeyError, TypeError):
            damaged = True
    return events, damaged


def _append(path, events):
    """Append lines in one write; after a line that was cut off, begin a new one."""
    text = "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in events).encode()
    with open(path, "ab+", buffering=0) as file:
        if file.seek(0, os.SEEK_END):
            file.seek(-1, os.SEEK_END)
            text = text if file.read(1) == b"\n" else b"\n" + text
        file.write(text)


def _line(here, lessons, solved, exercise, right):
    """Return what the learner reads below the check's own line."""
    names, title = here["exercises"], here["title"]
    done = [name for name in names if (here["name"], name) in solved]
    if right and len(done) == len(names):
        text = f"{title}: all {len(names)} exercises solved."
        order = lessons[lessons.index(here) + 1 :] + lessons[: lessons.index(here)]
        later = [one for one in order if any((one["name"], name) not in solved for name in one["exercises"])]
        return text + (f" Next lesson: {later[0]['number']} {later[0]['title']}." if later else "")
    text = f"{title}: {len(done)} of {len(names)} exercises solved"
    if right:
        return f"{text}. Next: {following(names, done, exercise)}."
    return text + (f"; {exercise} stays solved." if exercise in done else f". Stuck? check.hint({exercise})")


def following(names, done, exercise):
    """Return the next exercise that is not solved, after `exercise` and from the beginning again."""
    place = names.index(exercise) + 1 if exercise in names else 0
    return next(name for name in names[place:] + names[:place] if name not in done)
