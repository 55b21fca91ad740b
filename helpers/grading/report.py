"""What a class run shows: one self-contained page for the instructor, and tables as CSV.

All of it comes from the gradebook: scores, so that what a human changed counts, and what grading found out (`record`).
"""

import collections
import contextlib
import csv
import functools
import hashlib
import hmac
import html
import io
import math
import os
import statistics
import urllib.parse
from typing import NamedTuple

from nbgrader.api import MissingEntry

from helpers import exercises, notebooks
from helpers.checks.diagnose import SLIP_SENTENCES

from . import record, similar, text
from .batch import to_look_at
from .execute import Execute, secret_of
from .record import NotReady

#: Below this discrimination an exercise is marked, if it was neither solved nor missed by nearly all.
LOW_DISCRIMINATION, NEARLY_ALL = 0.2, 0.05
MISTAKES_SHOWN = 5


class Row(NamedTuple):
    """One student: points by exercise, what being late cost, and names as the gradebook has them.

    One that `waits` has a cell that only a human can grade, and no points for it yet.
    """

    student: str
    scores: dict
    penalty: float
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    lms_id: str = ""
    waits: bool = False

    @property
    def total(self):
        return max(0.0, sum(self.scores.values()) - self.penalty)


class Report(NamedTuple):
    """A graded class: `rows` in order of the students, `points` by exercise, `facts` by student, what to look at, and
    `pages`, the address of each student's feedback from the report."""

    title: str
    assignment: str
    points: dict
    rows: list
    facts: dict
    hints: dict
    known: set
    problems: list = ()
    pages: dict = {}


def collect(class_, anonymous=False):
    """Return the `Report` of a class.

    Parameters
    ----------
    class_ : batch.Class
    anonymous : bool
        Whether students get pseudonyms, made with the secret of the course: the same ones in each report.

    Raises
    ------
    NotReady
        If nothing was graded; the message says what to run.
    """
    rows, points, facts, problems = [], {}, {}, []
    with class_.gradebook() as gradebook:
        with contextlib.suppress(MissingEntry):
            (notebook,) = gradebook.find_assignment(class_.assignment).notebooks
            points = {cell.name.removeprefix("test_"): cell.max_score for cell in notebook.grade_cells}
            points |= {cell.name: cell.max_score for cell in notebook.task_cells}
            facts = record.entries(gradebook, class_.assignment)
        waiting = record.waiting(gradebook, class_.assignment) if facts else set()
        for student in [one["student"] for one in gradebook.submission_dicts(class_.assignment)] if facts else ():
            entry = gradebook.find_student(student)
            (graded,) = gradebook.find_submission(class_.assignment, student).notebooks
            scores = {grade.name.removeprefix("test_"): grade.score for grade in graded.grades}
            names = (entry.first_name or "", entry.last_name or "", entry.email or "", entry.lms_user_id or "")
            rows.append(Row(student, scores, graded.late_submission_penalty or 0.0, *names, student in waiting))
            gradebook.db.expunge_all()
        shown = str
        if anonymous:
            shown = functools.partial(pseudonym, secret_of(Execute(config=class_.config).secret_file))
        problems = to_look_at(gradebook, class_.assignment, shown) if facts else []
    if not rows:
        raise NotReady(
            f"No submission of {class_.assignment} is graded. Run: python -m helpers grade {class_.info.name}"
        )
    if anonymous:
        rows = [Row(shown(row.student), row.scores, row.penalty, waits=row.waits) for row in rows]
        facts = {shown(student): facts[student] | {"student": shown(student)} for student in facts}
        # What a learner wrote may name them: a file, an exception.
        problems = [f"{sentence.split(': ', 1)[0]}: a human should look" for sentence in problems]
    known = class_.info.name in exercises.lessons()
    catalogue = exercises.load(class_.info.name).exercises if known else {}
    hints = {(name, function.__name__): hint for name, one in catalogue.items() for function, hint in one.mistakes}
    rows.sort(key=lambda row: row.student)
    usual = similar.fingerprints_of(catalogue.values())
    if class_.info.done:
        usual |= {fingerprint for fingerprint, _ in similar.answers(notebooks.read(class_.info.path)).values()}
    return Report(class_.info.title, class_.assignment, points, rows, facts, hints, usual, problems)


def pseudonym(secret, student):
    """Return a name that says nothing about a student, and that only the course's secret leads to."""
    return "p" + hmac.new(secret, f"pseudonym\0{student}".encode(), hashlib.sha256).hexdigest()[:10]


# --- numbers ---------------------------------------------------------------------------------------------------------


class Item(NamedTuple):
    """One exercise in a class: share of the points, who solved it, how it discriminates, and its mistakes."""

    name: str
    points: float
    solved: float
    discrimination: float | None
    low: bool
    mistakes: list


def items(report):
    """Return an `Item` per exercise.

    The discrimination is the correlation of an exercise's points with the points of all *other* exercises over the
    class (the corrected item-total correlation): near 0, those who do well elsewhere do no better here, so the exercise
    may be unclear. It is None where everyone has the same points. A file that could not be read is no answer: it does
    not count here.
    """
    found = []
    rows = answered(report)
    for name, points in report.points.items():
        own = [row.scores.get(name, 0) for row in rows]
        rest = [sum(row.scores.values()) - row.scores.get(name, 0) for row in rows]
        solved = sum(score >= points for score in own) / max(len(own), 1)
        r = correlation(own, rest)
        low = r is not None and r < LOW_DISCRIMINATION and NEARLY_ALL < solved < 1 - NEARLY_ALL
        mistakes = collections.Counter(
            facts["mistakes"][name] for facts in report.facts.values() if name in facts["mistakes"]
        )
        found.append(Item(name, points, solved, r, low, mistakes.most_common()))
    return found


def answered(report):
    """Return the rows of those whose file could be read."""
    return [row for row in report.rows if not report.facts.get(row.student, {}).get("unreadable")]


def correlation(x, y):
    """Return the correlation of two lists of numbers, or None if one of them never varies."""
    if len(set(x)) < 2 or len(set(y)) < 2:
        return None
    return statistics.correlation(x, y)


def alike(report):
    """Return pairs of students with alike answers (`similar.pairs`); right answers of the course say nothing."""
    return similar.pairs({student: facts["answers"] for student, facts in report.facts.items()}, report.known)


# --- CSV -------------------------------------------------------------------------------------------------------------


def questions_csv(report):
    """Return a CSV with one line per student: points of each exercise, penalty, total, mistakes by exercise."""
    header = ["student", *report.points, "penalty", "total", *(f"{name}: mistake" for name in report.points)]
    lines = []
    for row in report.rows:
        mistakes = report.facts.get(row.student, {}).get("mistakes", {})
        scores = [_number(row.scores.get(name, 0)) for name in report.points]
        lines.append([row.student, *scores, _number(row.penalty), _total(row), *map(mistakes.get, report.points)])
    return as_csv([header, *lines])


def moodle_csv(report):
    """Return a CSV that Moodle's grade import takes: map "ID number" to the user, the last column to a grade item."""
    header = ["ID number", "First name", "Surname", "Email address", report.assignment]
    lines = [[row.lms_id or row.student, row.first_name, row.last_name, row.email, _total(row)] for row in report.rows]
    return as_csv([header, *lines])


def canvas_csv(report):
    """Return a CSV that Canvas's gradebook import takes; SIS Login ID is the student's id."""
    header = ["Student", "ID", "SIS Login ID", "Section", report.assignment]
    possible = ["    Points Possible", "", "", "", _number(sum(report.points.values()))]
    lines = [
        [
            f"{row.last_name}, {row.first_name}".strip(", ") or row.student,
            row.lms_id,
            row.student,
            "",
            _total(row),
        ]
        for row in report.rows
    ]
    return as_csv([header, possible, *lines])


def as_csv(lines):
    """Return a table as CSV in which no cell is a formula."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([[text.for_csv(cell) for cell in line] for line in lines])
    return out.getvalue()


def _total(row):
    """Return a row's points; nothing while some are missing, so that no platform takes them for final."""
    return "" if row.waits else _number(row.total)


def _number(value):
    return f"{value:.10g}"


# --- the page --------------------------------------------------------------------------------------------------------

_STYLE = """
:root { color-scheme: light dark; --line: #8886; --bar: #0072b2; --mark: #b04a00; }
@media (prefers-color-scheme: dark) { :root { --bar: #56b4e9; --mark: #ff9a4d; } }
html { background: canvas; color: canvastext; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.share { display: inline-block; width: 7rem; height: .7rem; border: 1px solid var(--line); margin-right: .5rem; }
.share span { display: block; height: 100%; background: var(--bar); }
.mark { color: var(--mark); font-weight: 600; } ul { padding-left: 1.2rem; margin: 0; } svg text { fill: currentColor; }
@media (max-width: 40rem) { .wide td:last-child { min-width: 14rem; } svg text { font-size: 20px; } }
"""


def page(report):
    """Return the report as one HTML page, without scripts and without anything from elsewhere."""
    most = sum(report.points.values())
    rows = answered(report)
    totals = [row.total for row in rows] or [0.0]
    mean, median = statistics.mean(totals), statistics.median(totals)
    numbers = f"{len(report.rows)} submissions. Mean {mean:.1f}, median {median:g} of {most:g} points."
    unread = len(report.rows) - len(rows)
    numbers += f" {unread} could not be read and do not count in these numbers." if unread else ""
    waits = sum(row.waits for row in report.rows)
    numbers += f" {waits} wait for points by hand: the tables for platforms leave their totals out." if waits else ""
    late = sum(row.penalty > 0 for row in report.rows)
    numbers += f" {late} lost points for being late." if late else ""
    parts = [
        f"<h1>{_e(report.title)}: class report</h1><p>{numbers}</p>",
        f"<h2>Points</h2>{histogram(totals, most)}",
        "<h2>Exercises</h2>", _exercises(report),
        "<h2>To look at</h2>", _list(report.problems, "No submission hit a limit, and every one could be read."),
        "<h2>Answers that are alike</h2>", _alike(report),
        "<h2>Students</h2>", _students(report),
    ]  # fmt: skip
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{_e(report.title)}: class report</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>'
        f"<body><main>{''.join(parts)}</main></body></html>\n"
    )


def histogram(totals, most, bins=10):
    """Return an SVG of how many submissions got how many points; each bar says its number."""
    counts = [0] * bins
    for total in totals:
        counts[min(bins - 1, int(bins * total / most)) if most else 0] += 1
    width, height, top = 640, 180, max(counts)
    bars = []
    for i, count in enumerate(counts):
        tall = height * count / top
        x = i * width / bins
        low, high = (f"{most * edge / bins:g}" for edge in (i, i + 1))
        anchor = "start" if i == 0 else "middle"
        bars.append(
            f'<rect x="{x + 3:.0f}" y="{20 + height - tall:.1f}" width="{width / bins - 6:.0f}" height="{tall:.1f}" '
            f'fill="var(--bar)"><title>{low} to {high} points: {count}</title></rect>'
            f'<text x="{x + width / bins / 2:.0f}" y="{14 + height - tall:.1f}" text-anchor="middle" font-size="12">'
            f"{count or ''}</text>"
            f'<text x="{x:.0f}" y="{height + 38}" text-anchor="{anchor}" font-size="12">{low}</text>'
        )
    bars.append(f'<text x="{width}" y="{height + 38}" text-anchor="end" font-size="12">{most:g}</text>')
    bars.append(f'<text x="{width / 2:.0f}" y="{height + 60}" text-anchor="middle" font-size="12">points</text>')
    said = ", ".join(f"{most * i / bins:g} to {most * (i + 1) / bins:g}: {count}" for i, count in enumerate(counts))
    return (
        f'<svg role="img" aria-label="Submissions by points. {said}" viewBox="0 0 {width} {height + 66}" '
        f'style="max-width: 42rem; width: 100%">{"".join(bars)}</svg>'
    )


def _exercises(report):
    rows = []
    for item in items(report):
        share = f'<span class="share" aria-hidden="true"><span style="width: {100 * item.solved:.0f}%"></span></span>'
        r = "–" if item.discrimination is None else f"{item.discrimination:.2f}"
        r = f'<span class="mark">{r}: low</span>' if item.low else r
        shown = [_mistake(report, item.name, name, count) for name, count in item.mistakes[:MISTAKES_SHOWN]]
        rest = sum(count for _, count in item.mistakes[MISTAKES_SHOWN:])
        shown += [f"<li>{rest} with less frequent mistakes</li>"] if rest else []
        rows.append(
            f'<tr><th scope="row">{_e(item.name)}</th><td class="n">{item.points:g}</td>'
            f'<td class="n">{share}{item.solved:.0%}</td><td class="n">{r}</td><td><ul>{"".join(shown)}</ul></td></tr>'
        )
    return (
        '<div class="wide" role="region" tabindex="0" aria-label="Exercises"><table><thead><tr>'
        '<th scope="col">exercise</th>'
        '<th scope="col" class="n">points</th><th scope="col" class="n">solved</th>'
        '<th scope="col" class="n">discrimination</th><th scope="col">mistakes made</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
        "<p>Discrimination: correlation with the points of the other exercises. "
        f"Below {LOW_DISCRIMINATION} it is marked, where the exercise was neither solved nor missed by nearly all: "
        "read the exercise again.</p>"
    )


def _mistake(report, exercise, name, count):
    hint = report.hints.get((exercise, name)) or SLIP_SENTENCES.get(name)
    words = {"not written": "not written", "other": "another mistake, which has no name"}
    who = [student for student, facts in sorted(report.facts.items()) if facts["mistakes"].get(exercise) == name]
    who = ", ".join(_linked(report, student) for student in who)
    return f"<li><details><summary>{count} × {_e(hint or words.get(name, name))}</summary>{who}</details></li>"


def _linked(report, student):
    """Return a student's name, as a link to the feedback if a page of it is there."""
    page = report.pages.get(student)
    return f'<a href="{_e(page)}">{_e(student)}</a>' if page else _e(student)


def _students(report):
    rows = []
    for row in report.rows:
        mistakes = report.facts.get(row.student, {}).get("mistakes", {})
        total = "waits for points by hand" if row.waits else f"{row.total:g}"
        rows.append(
            f'<tr><th scope="row">{_linked(report, row.student)}</th><td class="n">{total}</td>'
            f'<td class="n">{f"{row.penalty:g}" if row.penalty else ""}</td><td>{_e(", ".join(mistakes))}</td></tr>'
        )
    return (
        '<div class="wide" role="region" tabindex="0" aria-label="Students"><table><thead><tr>'
        '<th scope="col">student</th><th scope="col" class="n">points</th><th scope="col" class="n">late</th>'
        f'<th scope="col">exercises not solved</th></tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
    )


def _list(sentences, otherwise):
    return (
        f"<ul>{''.join(f'<li>{_e(sentence)}</li>' for sentence in sentences)}</ul>"
        if sentences
        else f"<p>{otherwise}</p>"
    )


def _alike(report):
    limit = max(similar.MAX_GROUP, math.floor(similar.MAX_SHARE * len(report.facts)))
    rule = (
        f"<p>Pairs with the same syntax tree in {similar.MIN_SHARED} answers or more, once names, comments and layout "
        f"are taken away. Not counted: answers of fewer than {similar.MIN_NODES} nodes, right answers of the "
        f"course, and answers that more than {limit} people gave. Look at these; they are no verdict.</p>"
    )
    sentences = [f"{one} and {other}: {', '.join(names)}" for (one, other), names in alike(report)]
    return rule + _list(sentences, "There are none.")


def _e(value):
    return html.escape(text.line(value, 2000))


def write(class_, folder, anonymous=False):
    """Write the report of a class into a folder and return the paths: page, questions, Moodle, Canvas."""
    report = collect(class_, anonymous)
    folder.mkdir(parents=True, exist_ok=True)
    if not anonymous:
        report = report._replace(pages=_pages(class_, folder, [row.student for row in report.rows]))
    files = {"report.html": page(report), "questions.csv": questions_csv(report)}
    if not anonymous:
        files |= {"moodle.csv": moodle_csv(report), "canvas.csv": canvas_csv(report)}
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8-sig" if name.endswith(".csv") else "utf-8")
    return [folder / name for name in files]


def _pages(class_, folder, students):
    """Return ``{student: address}`` of the pages of feedback that are there, as seen from the folder of the report."""
    directory, found = class_.directory, {}
    for student in students:
        place = directory.format_path(directory.feedback_directory, student, class_.assignment)
        page = os.path.join(place, f"{class_.assignment}.html")
        if os.path.exists(page):
            found[student] = urllib.parse.quote(os.path.relpath(page, folder))
    return found
