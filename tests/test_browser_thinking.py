"""Lesson 1.2 from the start page to the review a day later, in a real browser, with the keyboard alone.

And JupyterLab as a learner has it: without an instructor's tools, without the tabs of another JupyterLab.
"""

import contextlib
import json
import re
import sys

import nbformat
import pytest
from playwright.sync_api import TimeoutError, expect
from test_browser import LESSON, RIGHT, WRONG, browser, dress, open_start_page, page, picture, server, violations

from helpers import release
from helpers.courses import TOP

__all__ = ["browser", "page"]  # fixtures
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab as `make lab` starts it, on an edition of one lesson for who learns alone; its URL and folder."""
    folder = tmp_path_factory.mktemp("lab") / "learner"
    release.write(release.edition([LESSON], ways=True), folder)
    start = f"import sys; from helpers import launch; launch.become_lab({str(folder)!r}, sys.argv[1:])"
    with server([sys.executable, "-c", start], TOP, folder.parent / "server.log") as url:
        yield url, folder


HAND = 300  # milliseconds that a hand needs from cell to cell; what comes sooner counts as "Run All" and is not asked


def active(page):
    return page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell.jp-mod-active")


def go_to(page, text):
    """Run cells with Shift+Enter until the active one holds a text."""
    for _ in range(60):
        if text in active(page).inner_text():
            return active(page)
        page.keyboard.press("Shift+Enter")
        page.wait_for_timeout(150)
    raise AssertionError(f"no cell with {text!r}")


def up_to(page, text):
    """Go up with the arrow key until the active cell is code that begins so."""
    for _ in range(60):
        page.keyboard.press("ArrowUp")
        page.wait_for_timeout(100)
        code = active(page).locator(".jp-InputArea .cm-content")
        if code.count() and code.inner_text().startswith(text):
            return
    raise AssertionError(f"no cell begins with {text!r}")


def idle(page):
    bar = page.locator('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook-ExecutionIndicator[data-status="idle"]')
    bar.wait_for()


def fill_in(page, text):
    """Write into the active cell and run it; it stays the active one."""
    page.keyboard.press("Enter")
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(text)
    page.keyboard.press("Control+Enter")


def own_cell(page, text):
    """Make a cell below the active one, run it, and return it."""
    page.keyboard.press("Escape")
    page.keyboard.press("b")
    page.wait_for_timeout(HAND)
    fill_in(page, text)
    return active(page)


def answer(page, *texts):
    """Type into the field that asks; it has the focus by itself."""
    for text in texts:
        field = page.locator(".jp-Stdin-input:focus:not([data-answered])")  # each question has a field of its own
        expect(field).to_have_attribute("aria-label", re.compile("^Your (guess|answer), "))
        field.evaluate("element => element.dataset.answered = 'yes'")
        page.keyboard.insert_text(text)
        page.keyboard.press("Enter")
    expect(page.locator(".jp-Stdin-input:focus")).to_have_count(0)


def for_all(page, cell):
    cell.evaluate("element => element.classList.add('under-test')")
    assert violations(page, ".under-test .jp-OutputArea") == []
    cell.evaluate("element => element.classList.remove('under-test')")


def command(page, name):
    search = page.locator(".lm-CommandPalette-input")
    for _ in range(10):
        page.keyboard.press("Control+Shift+c")
        with contextlib.suppress(TimeoutError):
            search.fill(name, timeout=3000)
            search.press("Enter", timeout=3000)
            return
    raise AssertionError(name)


def test_lesson_from_the_start_page_to_the_review_with_the_keyboard_alone(page, lab):
    url, folder = lab
    progress = folder / "progress.jsonl"
    progress.unlink(missing_ok=True)
    start = open_start_page(page, url)
    expect(start).to_be_focused()
    expect(start.locator(".sp-due")).to_have_count(0)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator(".jp-Notebook .jp-Cell").first.wait_for()
    expect(page.locator("#jp-main-statusbar")).to_contain_text("Python 3 (ipykernel) | Idle")
    page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook").focus()

    go_to(page, "def sigmoid(z)")
    for _ in range(3):  # the same slip for the third time brings the offer of a hint
        fill_in(page, WRONG)
        page.keyboard.press("Escape")
        go_to(page, "check(sigmoid)")
        page.keyboard.press("Control+Enter")
        idle(page)
        page.keyboard.press("ArrowUp")
        page.keyboard.press("ArrowUp")
    check = page.locator(".jp-CodeCell", has_text="check(sigmoid)").first
    expect(check).to_contain_text("The same for the 3rd time. check.hint(sigmoid) shows hint 1 of 4, a question.")
    fill_in(page, RIGHT)
    page.keyboard.press("Escape")
    go_to(page, "check(sigmoid)")
    page.keyboard.press("Control+Enter")
    expect(check).to_contain_text("1 of 9 exercises solved")

    hints = own_cell(page, "for _ in range(4):\n    check.hint(sigmoid)")
    expect(hints).to_contain_text("Hint 4 of 4, the answer with gaps")
    for_all(page, hints)
    picture(page, "thinking_hints")

    asked = own_cell(page, "check.questions(sigmoid)")
    answer(page, "a", "b", "c")
    expect(asked).to_contain_text(re.compile(r"\d of 3 right\."))
    for_all(page, asked)
    picture(page, "thinking_questions")

    ways = own_cell(page, "check.ways(sigmoid)")
    expect(ways.locator(".check-ways section")).to_have_count(4)
    expect(ways.locator(".check-ways section").first).to_contain_text(RIGHT)
    for_all(page, ways)
    picture(page, "thinking_ways")

    guess = go_to(page, 'check.predict("lost_minus")')
    idle(page)
    page.wait_for_timeout(HAND)
    page.keyboard.press("Control+Enter")
    answer(page, "a")
    expect(guess).to_contain_text("Your guess stands: a  ŷ = 0.01")
    for_all(page, guess)
    again = own_cell(page, 'check.compare("lost_minus", 2)')
    expect(again).to_contain_text("It came out:  c  ŷ = 0.99")
    picture(page, "thinking_predict")

    sick = own_cell(page, SICK)
    answer(page, "a", "b")
    expect(sick).to_contain_text(re.compile(r"(Yes|No)[.:].*(Yes|No)[.:]", re.S))
    for_all(page, sick)
    picture(page, "thinking_diagnose")

    reset = own_cell(page, "check.reset(sigmoid)")
    expect(reset).to_contain_text("your answer stands below it")
    up_to(page, "def sigmoid(z):\n")
    expect(active(page)).to_contain_text("raise NotImplementedError()")
    below = page.locator(".jp-MarkdownCell", has_text="before you started again")
    expect(below).to_contain_text("return 1 / (1 + np.exp(-z))")
    fill_in(page, WRONG)
    command(page, "Start this exercise again")
    expect(active(page)).to_contain_text("raise NotImplementedError()")
    expect(below).to_have_count(2)
    picture(page, "thinking_reset")
    page.keyboard.press("Control+s")
    expect(page.locator(".lm-TabBar-tab.lm-mod-current.jp-mod-dirty")).to_have_count(0)
    saved = nbformat.read(folder / LESSON.link, as_version=4).cells
    place = next(i for i, cell in enumerate(saved) if cell.id == "sigmoid")
    assert saved[place].metadata.nbgrader.solution
    assert [WRONG in saved[place + 1].source, RIGHT in saved[place + 2].source] == [True, True]

    # A day later.
    lines = [json.loads(line) for line in progress.read_text().splitlines()]
    assert [line.get("predict", line.get("exercise")) for line in lines if line.get("right") is not False] == [
        "sigmoid", "lost_minus"
    ]  # fmt: skip
    assert [line["step"] for line in lines if "due" in line] == [0]
    for line in lines:
        line |= {"due": "2020-01-02"} if "due" in line else {}
    progress.write_text("".join(json.dumps(line) + "\n" for line in lines))
    command(page, "Start page")
    expect(start.locator(".sp-due")).to_contain_text("1 exercise that you solved before.")
    assert violations(page, "#start-page") == []
    expect(start).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(start.get_by_role("button", name="Repeat some of them")).to_be_focused()
    picture(page, "thinking_due")
    page.keyboard.press("Enter")
    expect(page.locator("#jp-main-dock-panel .lm-TabBar-tab.lm-mod-current")).to_have_text(re.compile(r"^\d{4}-"))
    idle(page)  # the kernel of this notebook, not of the one before
    page.wait_for_timeout(3000)  # the status bar may still show the one before
    expect(page.locator("#jp-main-statusbar")).to_contain_text("Python 3 (ipykernel) | Idle")
    page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook").focus()
    go_to(page, "def sigmoid(z)")
    fill_in(page, RIGHT)
    page.keyboard.press("Escape")
    repeated = go_to(page, "check(sigmoid)")
    page.keyboard.press("Control+Enter")
    expect(repeated).to_contain_text("Due again on ")
    picture(page, "thinking_review")
    assert json.loads(progress.read_text().splitlines()[-1])["step"] == 1


SICK = """def propagate(w, b, X, Y):
    A = 1 / (1 + np.exp(-w.T @ X - b))
    J = -np.mean(np.log(np.where(Y == 1, A, 1 - A) + 1e-9))
    return {"dw": X @ (A - Y).T / len(Y[0]), "db": np.mean(A - Y)}, J


check.diagnose(pictures.sick_run, propagate)"""


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_what_is_due_is_for_all(page, lab, theme):
    url, folder = lab
    line = {"lesson": LESSON.name, "exercise": "sigmoid", "right": True, "when": "2020-01-01T10:00:00+00:00"}
    (folder / "progress.jsonl").write_text(json.dumps(line) + "\n")
    dress(page, theme)
    start = open_start_page(page, url)
    expect(start.get_by_role("heading", name="Due today")).to_be_visible()
    assert violations(page, "#start-page") == []


def test_a_learners_jupyterlab_has_no_tools_of_instructors_and_no_tabs_of_others(page, lab):
    """Create Assignment, Formgrader, the lists of courses and assignments: all gone; Validate stays."""
    url, folder = lab
    page.goto(f"{url}/lab/tree/{LESSON.link}?token=test&reset")
    page.locator(".jp-Notebook .jp-Cell").first.wait_for()
    expect(page.get_by_role("button", name="Validate")).to_be_visible()
    expect(page.locator(".lm-MenuBar-itemLabel")).to_have_text(
        ["File", "Edit", "View", "Run", "Kernel", "Tabs", "Settings", "Help"]
    )
    tabs = page.locator(".jp-SideBar .lm-TabBar-tab").evaluate_all("tabs => tabs.map(tab => tab.title).join()")
    assert "File Browser" in tabs
    assert not re.search("(?i)assignment|grader|course", tabs)
    page.keyboard.press("Control+Shift+c")
    page.locator(".lm-CommandPalette-input").fill("nbgrader")
    expect(page.locator(".lm-CommandPalette-item")).to_have_count(0)
    page.keyboard.press("Escape")
    kept = [path.name for path in (folder / ".workspaces").iterdir()]
    assert kept
    assert all(name.endswith(".jupyterlab-workspace") for name in kept), "tabs are kept in this folder"
