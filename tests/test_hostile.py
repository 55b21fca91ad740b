"""Hostile texts, records, folders and notebooks: a class run grades them, and they cost and change nothing elsewhere.

An attack in tests/attacks is the source of a submission's first answer, or has one of the functions ``submit``
(test_attacks.py), ``content(notebook)``, which returns the bytes of the file, or ``raw(notebook, folder)``, which writes
the folder itself.
"""

import contextlib
import csv
import io
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from bs4 import BeautifulSoup
from conftest import find_browser
from jinja2 import Environment, FileSystemLoader
from nbconvert.exporters import HTMLExporter
from nbgrader.server_extensions import formgrader
from test_attacks import ELSEWHERE, student
from test_attacks import submit as submit_attack
from test_batch import book, new_course, records, run
from test_grading import LESSON, POINTS, blank, full, nbgrader, without_free_cells
from tornado.web import HTTPError
from traitlets.config import Config

from helpers.courses import TOP
from helpers.grading import FILTERS, EscapeNames, batch, folder, report, text
from helpers.grading.execute import secret_of

ATTACKS = sorted(path for front in ELSEWHERE for path in (Path(__file__).parent / "attacks" / front).glob("*.py"))
HONEST = ("aa_honest", "zz_honest")
TOTAL = sum(POINTS.values())


def hand_in(path, top, place):
    source = path.read_text().replace("{top}", str(top))
    namespace = {}
    if "def raw(" in source or "def content(" in source:
        exec(compile(source, str(path), "exec"), namespace)
    notebook = without_free_cells(blank())
    if "raw" in namespace:
        namespace["raw"](notebook, place)
    elif "content" in namespace:
        (place / LESSON.path.name).write_bytes(namespace["content"](notebook))
    else:
        submit_attack(path, top, place)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """The class, graded, with feedback and report: its folder, what the run said, and how many seconds it took."""
    top = new_course(tmp_path_factory.mktemp("hostile") / "class", Execute__limits={"cell": 3.0, "call": 3.0})
    secret_of(top / "grading" / "secret")
    for name in [*HONEST, *map(student, ATTACKS)]:
        (top / "grading" / "submitted" / name / LESSON.folder).mkdir(parents=True)
    for name in HONEST:
        place = top / "grading" / "submitted" / name / LESSON.folder
        (place / LESSON.path.name).write_text(nbformat.writes(without_free_cells(full())))
    for path in ATTACKS:
        hand_in(path, top, top / "grading" / "submitted" / student(path) / LESSON.folder)
    start = time.monotonic()
    done = run(top)
    seconds = time.monotonic() - start
    report.write(batch.Class(LESSON, root=top / LESSON.course), top / "report")
    yield SimpleNamespace(top=top, done=done, seconds=seconds, book=book(top), records=records(top))
    for deep in (top / "grading").glob("*/folders_deep"):
        subprocess.run(["rm", "-rf", str(deep)])  # deeper than shutil goes


@pytest.fixture(scope="module")
def pages(hostile):
    """Feedback of all of them, and the seconds it took."""
    start = time.monotonic()
    done = nbgrader(hostile.top / LESSON.course, "generate_feedback", LESSON.folder)
    assert done.returncode == 0, done.stderr[-3000:]
    return time.monotonic() - start


def feedback_page(top, name):
    return top / "grading" / "feedback" / name / LESSON.folder / f"{LESSON.folder}.html"


def test_there_are_enough_attacks():
    assert len(ATTACKS) >= 50
    assert {path.parent.name for path in ATTACKS} == set(ELSEWHERE)


def test_every_submission_has_a_record_and_nobody_else_loses_anything(hostile, record_property):
    done = hostile.done
    assert done["failed"] == []
    assert done["graded"] == len(ATTACKS) + len(HONEST)
    assert set(hostile.records) == {*HONEST, *map(student, ATTACKS)}
    for name in HONEST:
        assert {test.removeprefix("test_"): score for test, (score, _) in hostile.book[name][0].items()} == POINTS
        assert hostile.records[name]["notes"] == []
    record_property("hostile texts, records, folders and notebooks that cost others nothing", [len(ATTACKS)] * 2)


@pytest.mark.parametrize("path", ATTACKS, ids=student)
def test_attack_gains_nothing(hostile, path):
    scores, comments, _ = hostile.book[student(path)]
    assert sum(score for score, _ in scores.values()) == 0
    facts = hostile.records[student(path)]
    assert "forged" not in str({key: facts[key] for key in facts if key != "student"})
    if facts["unreadable"] or facts["look"]:
        assert all(marked for _, marked in scores.values())
    assert all(comments.values()) or not facts["unreadable"]


def test_what_nobody_can_read_is_marked_with_its_reason(hostile):
    reasons = {
        "text_version_script": "a notebook without cells", "notebooks_deep_json": "no valid JSON",
        "notebooks_many_lists": "more numbers and lists than is read", "notebooks_many_cells": "more than 1000 cells",
        "folders_bomb_in_a_zip": "more than 64 MB", "folders_broken_zip": "damaged or has a password",
        "folders_only_a_name": "no valid JSON", "folders_links": "There is no readable file",
        "folders_folder_named_like_the_notebook": "There is no readable file", "folders_nothing": "There is no readable",
        "notebooks_worksheets": "cells are missing or have another form",
    }  # fmt: skip
    found = hostile.records
    for name, words in reasons.items():
        assert words in found[name]["unreadable"], name


def test_a_second_run_grades_nothing_anew(hostile):
    """No submission makes itself graded in each run, or hides from the report."""
    again = run(hostile.top)
    assert (again["graded"], again["failed"]) == (0, [])
    assert again["problems"] == hostile.done["problems"]


UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def test_nothing_that_a_terminal_obeys_is_said(hostile):
    top, done = hostile.top, hostile.done
    for sentence in done["problems"] + done["failed"]:
        assert not UNSEEN.search(sentence)
        assert len(sentence) < 1500
        assert "copied from Ben" not in sentence
    for path in (top / "report").iterdir():
        assert not UNSEEN.search(path.read_text("utf-8-sig").replace("\n", "")), path.name
    for facts in hostile.records.values():
        assert not UNSEEN.search(str({key: facts[key] for key in facts if key != "answers"}))


def test_no_cell_of_a_table_is_a_formula(hostile):
    for path in (hostile.top / "report").glob("*.csv"):
        for row in csv.reader(io.StringIO(path.read_text("utf-8-sig"))):
            assert not [
                value for value in row if re.match(r"\s*[=+@%|-]", value) and not re.fullmatch(r"-?[\d.]+", value)
            ]


def assert_harmless(container, where):
    """Assert that what stands in a part of a page executes nothing, loads nothing and imitates nothing."""
    for tag in container.find_all(True):
        assert tag.name not in {"script", "iframe", "style", "object", "embed", "base", "meta", "link", "svg", "math",
                                "video", "audio", "form", "select", "source", "applet", "frame"}, (where, tag.name)  # fmt: skip
        for name, value in tag.attrs.items():
            value = " ".join(value) if isinstance(value, list) else value
            assert not name.startswith("on"), (where, name)
            if name in ("href", "src", "action", "data"):
                assert re.match(r"https?://|mailto:|#|data:image/png;base64,", value), (where, value)
            if tag.name == "img":
                assert name != "src" or value.startswith("data:image/png"), (where, value)


def test_feedback_holds_nothing_that_a_page_executes(hostile, pages):
    for path in ATTACKS:
        page = feedback_page(hostile.top, student(path)).read_text()
        assert_harmless(BeautifulSoup(page, "html.parser").find(id="notebook-container"), student(path))
        assert not re.search("[\u202a-\u202e\u2066-\u2069]", page)


def test_formgrader_shows_nothing_that_a_page_executes(hostile):
    """Its exporter is nbconvert's own, with its template and the configuration of the course."""
    config = Config()
    config.HTMLExporter.filters, config.HTMLExporter.preprocessors = FILTERS, [EscapeNames]
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [str(Path(formgrader.__file__).parent / "templates")]
    exporter = HTMLExporter(config=config)
    for path in ATTACKS:
        graded = hostile.top / "grading" / "autograded" / student(path) / LESSON.folder / LESSON.path.name
        names = {
            "index": 0,
            "total": 1,
            "student": "<script>window.HACKED=1</script>",
            "first_name": "",
            "last_name": "",
        }
        page, _ = exporter.from_filename(str(graded), resources=names)
        soup = BeautifulSoup(page, "html.parser")
        assert_harmless(soup.find(id="notebook-container"), student(path))
        assert "<script>window.HACKED" not in page
        for one in soup.find(id="notebook-container").find_all(["input", "button"]):
            assert one.find_parent(class_="panel-heading"), "those of the page itself"


@pytest.fixture
def formgrader_page(monkeypatch):
    """A function that renders a page of formgrader as its server does."""
    from nbgrader.server_extensions.formgrader import base, handlers

    monkeypatch.setattr(base.BaseHandler, "render", base.BaseHandler.render)  # put back at the end
    text.guard_formgrader()
    text.guard_formgrader()
    loader = FileSystemLoader([handlers.template_path])
    handler = SimpleNamespace(settings={"nbgrader_jinja2_env": Environment(loader=loader)})
    return lambda page, **names: base.BaseHandler.render(handler, page, base_url="", **names)


@pytest.mark.parametrize("name", ["<script>", 'a";window.HACKED=1//', "a\\", "a\nb", "a\u2028b", "</li>"])
def test_formgrader_has_no_page_for_a_name_that_is_code(formgrader_page, name):
    """Its pages hold the names of their addresses as they are; a learner could send an instructor there."""
    for page, keys in (
        ("manage_students_assignments.tpl", ("student_id",)), ("manage_submissions.tpl", ("assignment_id",)),
        ("manage_students_notebook_submissions.tpl", ("student_id", "assignment_id")),
        ("gradebook_notebooks.tpl", ("assignment_id",)),
        ("gradebook_notebook_submissions.tpl", ("assignment_id", "notebook_id")),
    ):  # fmt: skip
        for key in keys:
            with pytest.raises(HTTPError, match="404"):
                formgrader_page(page, **(dict.fromkeys(keys, "fine") | {key: name}))


def test_formgrader_has_pages_for_names_that_people_have(formgrader_page):
    for name in ("Ann O'Brien", "Cléo d'Été (4711)", "a & b", "王芳", "02_logistic_regression"):
        assert f'var student_id = "{name}";' in formgrader_page("manage_students_assignments.tpl", student_id=name)


def test_pages_are_made_in_bounded_time(hostile, pages):
    assert hostile.seconds < 240
    assert pages < 300


@pytest.mark.browser
def test_feedback_executes_nothing_in_a_browser(hostile, pages):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=find_browser(), args=options)
        page, asked = browser.new_page(), []
        page.route("http*://**", lambda route: (asked.append(route.request.url), route.abort()))
        for path in ATTACKS:
            if path.parent.name in ("text", "folders"):
                page.goto(feedback_page(hostile.top, student(path)).as_uri())
                page.wait_for_timeout(100)
                for link in page.locator("#notebook-container a[href]:not([href^='#'])").all()[:40]:
                    link.evaluate("one => { one.target = '_blank'; one.click() }")
                assert page.evaluate("typeof window.HACKED") == "undefined", student(path)
        browser.close()
    assert not [url for url in asked if "127.0.0.1" in url], "no picture is asked for"


# --- the parts -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "hostile_text", ["a\x00b", "a\u2028b", "\x1b[2Ka", "\u202ea", "\ud800", b"\xff\xfe", "x" * 10**6, ""]
)
def test_a_line_is_one_line_of_text(hostile_text):
    made = text.line(hostile_text)
    assert len(made) <= 300
    assert not UNSEEN.search(made)
    assert "\n" not in made
    made.encode()


def test_numbers_stay_numbers_and_formulas_become_text():
    assert [text.for_csv(value) for value in (None, 1.5, "-3", "1e-05", "-")] == ["", 1.5, "-3", "1e-05", "'-"]
    for formula in ("=1", "@SUM(1)", "+1+1", "-1+1", "\t=1", "＝1", " =1", "%0A=1", "|x"):
        assert text.for_csv(formula).startswith("'")


def test_the_markdown_of_honest_text_is_shown_as_it_should():
    exporter = HTMLExporter(config=Config({"HTMLExporter": {"filters": FILTERS, "template_name": "classic"}}))
    source = "# T\n\n**b** `c` $a_b$ [l](https://example.org/x?a=1&b=2)\n\n| a |\n|---|\n| 1 |\n\n<details><summary>s</summary>x<sub>1</sub></details>"
    page, _ = exporter.from_notebook_node(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(source)]))
    for part in ("<h1>T</h1>", "<strong>b</strong>", "<code>c</code>", "$a_b$", 'href="https://example.org/x?a=1&amp;b=2"',
                 "<td>1</td>", "<summary>s</summary>", "<sub>1</sub>"):  # fmt: skip
        assert part in page, part


def test_what_is_put_aside_is_not_lost(tmp_path):
    """A second submission whose parts move aside does not take the place of the first one's."""
    place = tmp_path / "submitted" / "ann" / LESSON.folder
    for number in range(3):
        place.mkdir(parents=True, exist_ok=True)
        (place / "link").symlink_to(TOP)
        (place / "timestamp.txt").write_text(f"yesterday {number}")
        (place / "timestamp.txt").is_file()
        notes = folder.prepare(LESSON.folder, "ann", [str(place / LESSON.path.name)])
        assert len(notes) == 2
        shutil.rmtree(place)
    kept = sorted(path.name for path in (tmp_path / "refused" / "ann" / LESSON.folder).iterdir())
    assert kept == ["link", "link.2", "link.3", "timestamp.txt", "timestamp.txt.2", "timestamp.txt.3"]


@pytest.mark.parametrize(
    ("words", "read"),
    [
        ("2027-01-31 23:59 UTC", True), ("2027-01-31 12:00:00.000000 UTC", True), ("2027-1-3", True),
        ("01.02.2027", False), ("02/01/2027", False), ("yesterday", False), ("", False), ("2027-13-45", False),
    ],
)  # fmt: skip
def test_a_time_is_believed_only_where_no_number_is_in_doubt(tmp_path, words, read):
    (tmp_path / "timestamp.txt").write_text(words)
    assert (folder.time_of(tmp_path) is not None) == read
    place = tmp_path / "submitted" / "ann" / LESSON.folder
    place.mkdir(parents=True)
    shutil.move(tmp_path / "timestamp.txt", place)
    notes = folder.prepare(LESSON.folder, "ann", [str(place / LESSON.path.name)])
    said = ["timestamp.txt was put aside: it holds no time such as 2027-01-31 23:59 UTC."]
    assert notes == (said if words and not read else [])


def test_a_class_name_that_no_gradebook_holds_stops_nobody(tmp_path):
    top = new_course(tmp_path / "class")
    for name in ("a\nb", "x" * 200, "good"):
        place = top / "grading" / "submitted" / name / LESSON.folder
        place.mkdir(parents=True)
        (place / LESSON.path.name).write_bytes(b"no notebook")
    done = run(top)
    assert done["graded"] == 1
    assert len(done["failed"]) == 2
    with contextlib.suppress(OSError):
        sys.stdout.flush()
