"""A learner and an instructor in a real browser: JupyterLab as `make lab` starts it, nbgrader's buttons, formgrader.

Screenshots go to screenshots/ (not in git), to be looked at.
"""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import find_browser
from playwright.sync_api import TimeoutError, expect, sync_playwright

from helpers import courses, notebooks, release
from helpers.courses import TOP

pytestmark = pytest.mark.browser
expect.set_options(timeout=60_000)  # a machine that runs other tests at the same time is slow
LESSON = courses.find("logistic_regression")
SCREENSHOTS = TOP / "screenshots"
#: What JupyterLab itself writes to the console in every session, with no notebook of ours open.
NOT_OURS = re.compile(
    r"favicon|ResizeObserver|WebSocket|Failed to load resource.*(404|403|502|409)|nbgrader|lsp|translation"
)


@contextlib.contextmanager
def server(command, folder, log):
    """Run a Jupyter server from this folder, wait until it answers, and give its URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = [
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        "--no-browser",
        "--IdentityProvider.token=test",
    ]
    with open(log, "w") as output:
        process = subprocess.Popen(
            [*command, *options],
            cwd=folder, env={**os.environ, "PYTHONPATH": str(TOP)}, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/api?token=test"):
                break
            assert process.poll() is None, log.read_text()
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:  # asked while a kernel is starting, Jupyter may wait for it for ever
            process.kill()
            process.wait(20)


@pytest.fixture(scope="module")
def browser():
    SCREENSHOTS.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
        browser = playwright.chromium.launch(executable_path=find_browser(), args=options)
        yield browser
        browser.close()


@pytest.fixture
def page(browser):
    """A page of a new session; errors that come up in its console while the test runs fail the test."""
    context = browser.new_context(viewport={"width": 1300, "height": 950})
    page, errors = context.new_page(), []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.set_default_timeout(60_000)
    yield page
    context.close()
    assert [error for error in errors if not NOT_OURS.search(error)] == []


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab on a fresh edition, started by the same function as `make lab`; its URL and folder."""
    folder = tmp_path_factory.mktemp("lab") / "learner"
    release.write(release.edition(), folder)
    solved = notebooks.read(LESSON.path)
    for cell in solved.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    nbformat.write(solved, folder / "solved.ipynb")
    start = f"import sys; from helpers import launch; launch.become_lab({str(folder)!r}, sys.argv[1:])"
    with server([sys.executable, "-c", start], TOP, folder.parent / "server.log") as url:
        yield url, folder


def open_notebook(page, url, path):
    page.goto(f"{url}/lab/tree/{path}?token=test&reset")
    page.locator(".jp-Notebook .jp-Cell").first.wait_for()
    expect(page.locator("#jp-main-statusbar")).to_contain_text("Python 3 (ipykernel) | Idle")


def menu(page, *entries):
    page.get_by_role("menuitem", name=entries[0], exact=True).click()
    page.locator(".lm-Menu-itemLabel", has_text=re.compile(f"^{re.escape(entries[1])}$")).click()


def bring(page, cell):
    """Scroll until a cell is there; JupyterLab keeps in the page only the cells that are near."""
    page.mouse.move(700, 500)
    for _ in range(150):
        if cell.count() and cell.first.is_visible():
            cell.first.scroll_into_view_if_needed()
            return cell.first
        page.mouse.wheel(0, 500)
        page.wait_for_timeout(60)
    raise AssertionError("there is no such cell")


def code_cell(page, text):
    return page.locator(".jp-CodeCell", has=page.locator(".jp-InputArea", has_text=text))


def write(page, cell, text):
    """Replace the source of a cell, as a learner who types it."""
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(text)


def run(page, cell):
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').wait_for()
    expect(cell.locator(".jp-InputPrompt")).to_have_text(re.compile(r"\[\d+\]:"))


def validate(page):
    """Save, press nbgrader's Validate, and return the dialog with its answer.

    Validate saves, too. Where that meets a save that is still under way, the autosave for one, JupyterLab finds the
    file changed by itself and asks; then overwrite and press again.
    """
    page.keyboard.press("Control+s")
    expect(page.locator(".lm-TabBar-tab.lm-mod-current.jp-mod-dirty")).to_have_count(0)
    button, dialog = page.locator(".validate-button"), page.locator(".jp-Dialog")
    button.get_by_role("button", name="Validate").click()
    dialog.wait_for(timeout=120_000)
    if "has changed on disk" in dialog.inner_text():
        dialog.get_by_role("button", name="Overwrite").click()
        expect(dialog.filter(has_text="has changed on disk")).to_have_count(0)
        dialog.or_(button.get_by_text("Validate", exact=True)).first.wait_for(timeout=120_000)
        if not dialog.count():
            button.get_by_role("button", name="Validate").click()
    return dialog


def picture(page, name):
    page.screenshot(path=SCREENSHOTS / f"{name}.png")


def dress(page, theme):
    """Give JupyterLab the Light or the Dark theme."""

    def themed(route):
        answer = route.fetch()
        body = answer.json()
        for setting in body.get("settings", [body]) if "id" not in body else [body]:
            if setting.get("id") == "@jupyterlab/apputils-extension:themes":
                setting["raw"] = json.dumps({"theme": f"JupyterLab {theme}"})
        route.fulfill(response=answer, json=body)

    page.route("**/lab/api/settings**", themed)


def open_start_page(page, url):
    page.goto(f"{url}/?token=test&reset")
    start = page.locator("#start-page")
    expect(start.get_by_role("heading", level=1)).to_have_text("Deep learning, piece by piece")
    return start


def current_tab(page):
    return page.locator("#jp-main-dock-panel .lm-TabBar-tab.lm-mod-current")


def violations(page, part):
    found = Axe().run(page, context=part).response["violations"]
    return [(problem["id"], problem["nodes"][0]["html"]) for problem in found]


def test_start_page_lists_the_lessons_and_leads_to_them(page, lab):
    url, folder = lab
    page.goto(f"{url}/?token=test")  # as `make lab` opens it
    start = page.locator("#start-page")
    expect(current_tab(page)).to_have_text("Start")
    released = [lesson for lesson in courses.LESSONS if (folder / lesson.link).exists()]
    expect(start.get_by_role("heading", level=3)).to_have_count(len(released))
    for lesson in released:
        name = f"{lesson.number} {lesson.title}"
        card = start.locator(".sp-card", has=page.get_by_role("heading", name=name, exact=True))
        cells = courses.test_cells(notebooks.read(folder / lesson.link))
        expect(card).to_contain_text(f"{lesson.minutes} minutes, {len(cells)} exercises")
        for choice in courses.needs(lesson):
            for need in choice:
                expect(card.locator(".sp-needs")).to_contain_text(f"{need.number} {need.title}")
    start.get_by_role("heading", name=f"1.2 {LESSON.title}").get_by_role("link").click()
    # Lessons that an earlier session left open stand in tabs behind it.
    page.locator(".jp-Notebook .jp-Cell:visible", has_text=LESSON.title).first.wait_for()
    expect(current_tab(page)).to_have_text(LESSON.path.name)


def test_start_page_by_keyboard_and_back_again(page, lab):
    url, folder = lab
    (folder / "progress.jsonl").unlink(missing_ok=True)
    start = open_start_page(page, url)
    expect(start).to_be_focused()
    page.keyboard.press("Tab")
    go = start.get_by_role("link", name="Begin: lesson 1.1 What a neural network is")
    expect(go).to_be_focused()
    page.keyboard.press("Enter")
    expect(current_tab(page)).to_have_text("01_introduction.ipynb")
    page.locator(".lm-TabBar-tab", has_text="Start").locator(".lm-TabBar-tabCloseIcon").click()
    expect(start).to_have_count(0)
    search = page.locator(".lm-CommandPalette-input")
    for _ in range(20):  # a notebook that is still opening takes the focus, which closes the list of commands
        page.keyboard.press("Control+Shift+c")
        with contextlib.suppress(TimeoutError):
            search.fill("Start page", timeout=3000)
            search.press("Enter", timeout=3000)
            start.wait_for(timeout=3000)
            break
    expect(start.get_by_role("heading", level=1)).to_be_visible()
    page.keyboard.press("Control+Shift+l")
    launcher = page.locator(".jp-LauncherCard", has_text="Start page")
    launcher.first.wait_for()
    picture(page, "start_launcher")
    launcher.first.click()
    expect(current_tab(page)).to_have_text("Start")


def test_start_page_does_not_cover_a_lesson_opened_by_its_address(page, lab):
    url, folder = lab
    open_notebook(page, url, LESSON.link)
    expect(page.locator(".lm-TabBar-tab", has_text="Start")).to_have_count(1)
    expect(current_tab(page)).to_have_text(LESSON.path.name)
    expect(page.locator("#start-page")).to_be_hidden()


def test_a_check_that_passes_counts_on_the_start_page(page, lab):
    url, folder = lab
    progress = folder / "progress.jsonl"
    progress.write_text('{"lesson": "introduction", "exercise": "neuron", "right": true}\n')
    start = open_start_page(page, url)
    card = start.locator("#sp-logistic_regression")
    expect(start.locator(".sp-sum")).to_contain_text("1 of ")
    expect(card).to_contain_text("0 of 9 solved")
    card.get_by_role("heading").get_by_role("link").click()
    page.locator(".jp-Notebook .jp-Cell").first.wait_for()
    expect(page.locator("#jp-main-statusbar")).to_contain_text("Python 3 (ipykernel) | Idle")
    run(page, bring(page, code_cell(page, "import matplotlib.pyplot")))
    answer = bring(page, code_cell(page, "def sigmoid(z)"))
    write(page, answer, RIGHT)
    run(page, answer)
    check = bring(page, code_cell(page, "check(sigmoid)"))
    run(page, check)
    said = "sigmoid: all checks passed\nLogistic regression: 1 of 9 exercises solved. Next: squared_cost."
    expect(check.locator(".jp-OutputArea-output")).to_have_text(re.compile(re.escape(said)))

    page.keyboard.press("Escape")
    page.keyboard.press("b")
    own = page.locator(".jp-CodeCell.jp-mod-active")
    own.locator(".cm-content").click()
    page.keyboard.insert_text("check.hint('propagate')")
    for step in (1, 2, 3, 4):
        run(page, own)
        expect(own.locator(".jp-OutputArea")).to_contain_text(f"Hint {step} of 4")
        expect(own.locator(".jp-OutputArea strong")).to_have_count(step)
    expect(own.locator(".MathJax, mjx-container").first).to_be_visible()
    own.locator(".jp-OutputArea").scroll_into_view_if_needed()
    picture(page, "hints")

    page.locator(".lm-TabBar-tab", has_text="Start").click()
    expect(card).to_contain_text("1 of 9 solved")
    expect(card.get_by_role("progressbar", name="Solved in lesson 1.2")).to_have_js_property("value", 1)
    start.get_by_role("link", name="Go on: lesson 1.2 Logistic regression, squared_cost").click()
    expect(page.get_by_role("heading", name="Exercise 2: the squared cost")).to_be_in_viewport()
    picture(page, "start_went_on")
    assert [json.loads(line)["exercise"] for line in progress.read_text().splitlines()] == ["neuron", "sigmoid"]


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_start_page_is_for_all(page, lab, theme):
    """Names for screen readers, enough contrast on light and dark pages, no word cut off on a phone."""
    url, folder = lab
    lines = [{"lesson": "introduction", "exercise": name, "right": True} for name in INTRODUCTION]
    lines += [{"lesson": "logistic_regression", "exercise": "sigmoid", "right": True}]
    (folder / "progress.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    dress(page, theme)
    start = open_start_page(page, url)
    expect(page.locator("body")).to_have_attribute("data-jp-theme-light", "true" if theme == "Light" else "false")
    expect(start.locator("#sp-introduction")).to_contain_text(f"{len(INTRODUCTION)} of {len(INTRODUCTION)} solved ✓")
    for details in start.locator("details").all()[:3]:
        details.locator("summary").click()
    expect(start.locator("#sp-introduction li", has_text="solved: neuron")).to_be_visible()
    assert violations(page, "#start-page") == []
    picture(page, f"start_{theme}")
    page.set_viewport_size({"width": 390, "height": 844})
    start = open_start_page(page, url)
    expect(start.get_by_role("heading", level=2).first).to_be_visible()
    expect(page.locator("#jp-left-stack")).to_be_hidden()
    assert start.evaluate("element => element.scrollWidth <= element.clientWidth")
    assert violations(page, "#start-page") == []
    picture(page, f"start_{theme}_phone")


INTRODUCTION = [
    cell.metadata.nbgrader.grade_id.removeprefix("test_")
    for cell in courses.test_cells(notebooks.read(courses.find("introduction").path))
]


def test_solved_lesson_runs_and_its_picture_follows_the_slider(page, lab):
    open_notebook(page, lab[0], "solved.ipynb")
    menu(page, "Run", "Run All Cells")
    page.locator('.jp-Notebook-ExecutionIndicator[data-status="busy"]').wait_for()
    page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').wait_for(timeout=600_000)  # nothing asks
    cell = bring(page, code_cell(page, "pictures.two_walks"))
    image, slider = cell.locator(".widget-image"), cell.get_by_role("slider").nth(1)
    slider.scroll_into_view_if_needed()
    expect(image).to_have_js_property("complete", True)
    before = image.get_attribute("src")
    sentence = cell.get_by_role("status")
    said = sentence.inner_text()
    picture(page, "play_before")
    slider.focus()
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    expect(sentence).not_to_have_text(said)
    assert image.get_attribute("src") != before
    picture(page, "play_after")
    errors = page.locator(".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.error']")
    assert errors.count() == 0


#: One of each that a lesson shows: texts, a failed check, a picture that moves.
SHOWN = (
    "# A page\n\nText with [a link](README.md), `code` and $x^2$.\n\n| a | b |\n|---|--:|\n| one | 2 |\n| two | 3 |\n\n"
    "> Words of another.\n\n<details><summary>Hint</summary>Words</details>",
    "import numpy as np\nfrom helpers import checks\n"
    "def propagate(w, b, X, Y):\n    A = 1 / (1 + np.exp(-w.T @ X - b))\n"
    "    J = -np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A))\n"
    "    return {'dw': X @ (A - Y).T, 'db': np.mean(A - Y)}, J\n"
    "checks.lesson('logistic_regression')(propagate)",
    "from helpers.widgets import activations\n"
    "activations.function_and_slope({'tanh': (np.tanh, lambda z: 1 - np.tanh(z)**2)})",
)


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_texts_checks_and_pictures_are_for_all(page, lab, theme):
    """With the keyboard alone, with names for screen readers, with enough contrast, on light and dark pages."""
    url, folder = lab
    code = [nbformat.v4.new_code_cell(source, metadata={"tags": ["raises-exception"]}) for source in SHOWN[1:]]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(SHOWN[0]), *code])
    notebook.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    nbformat.write(notebook, folder / f"shown_{theme}.ipynb")

    dress(page, theme)
    open_notebook(page, url, f"shown_{theme}.ipynb")
    expect(page.locator("body")).to_have_attribute("data-jp-theme-light", "true" if theme == "Light" else "false")
    menu(page, "Run", "Run All Cells")
    picture_box = page.locator(".jp-OutputArea .widget-vbox").first
    slider = picture_box.get_by_role("slider", name="layers passed")
    image = picture_box.get_by_role("img", name="Picture; the text next to it says what it shows")
    sentence = picture_box.get_by_role("status")
    expect(sentence).to_contain_text("tanh at z = 2.0: the value is 0.964")
    expect(sentence).to_contain_text("after 5 layers")
    picture(page, f"shown_{theme}_picture")
    before = image.get_attribute("src")
    picture_box.get_by_role("combobox", name="function g").focus()
    for _ in range(4):  # z, its number, layers passed, its number
        page.keyboard.press("Tab")
        if slider.evaluate("element => element === document.activeElement"):
            break
    expect(slider).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(sentence).to_contain_text("after 6 layers")
    expect(slider).to_have_attribute("aria-valuetext", "6")
    assert image.get_attribute("src") != before
    picture_box.evaluate("element => element.classList.add('under-test')")
    for part in (".under-test", ".check-card", ".jp-RenderedMarkdown"):
        page.locator(part).first.scroll_into_view_if_needed()
        found = Axe().run(page, context=part).response["violations"]
        assert [(problem["id"], problem["nodes"][0]["html"]) for problem in found] == []
    picture(page, f"shown_{theme}_card")


WRONG = "def sigmoid(z):\n    return 1 / (1 + np.exp(z))"
RIGHT = "def sigmoid(z):\n    return 1 / (1 + np.exp(-z))"


def test_check_answers_and_validate_works(page, lab):
    url, folder = lab
    shutil.copy(folder / LESSON.link, folder / LESSON.course / "answers.ipynb")
    open_notebook(page, url, f"{LESSON.course}/answers.ipynb")
    run(page, bring(page, code_cell(page, "import matplotlib.pyplot")))
    answer = bring(page, code_cell(page, "def sigmoid(z)"))
    run(page, answer)
    check = bring(page, code_cell(page, "check(sigmoid)"))
    run(page, check)
    expect(check).to_contain_text("sigmoid is not written yet.")
    picture(page, "check_missing")

    write(page, answer, WRONG)
    run(page, answer)
    run(page, check)
    expect(check).to_contain_text("Your output falls as z grows. Look at the sign in the exponent.")
    check.locator(".jp-OutputArea").scroll_into_view_if_needed()
    picture(page, "check_wrong")

    write(page, answer, RIGHT)
    run(page, answer)
    run(page, check)
    expect(check.locator(".jp-OutputArea")).to_contain_text("sigmoid: all checks passed")
    picture(page, "check_right")

    own = page.locator(".jp-CodeCell").first
    page.keyboard.press("Escape")
    page.keyboard.press("b")
    own = page.locator(".jp-CodeCell.jp-mod-active")
    own.locator(".cm-content").click()
    page.keyboard.insert_text("import helpers.exercises")
    run(page, own)
    expect(own).to_contain_text("No module named 'helpers.exercises'")

    dialog = validate(page)
    expect(dialog).to_contain_text("squared_cost is not written yet.", timeout=120_000)
    expect(dialog).not_to_contain_text("sigmoid is not written yet.")
    picture(page, "validate")
    dialog.get_by_role("button").last.click()


def test_formgrader_shows_the_course(page, tmp_path):
    """As an instructor opens it: JupyterLab in a folder of the course with nbgrader's configuration."""
    course = tmp_path / LESSON.course
    course.mkdir()
    shutil.copy(TOP / "nbgrader_config.py", tmp_path)
    shutil.copy(TOP / LESSON.course / "nbgrader_config.py", course)
    shutil.copytree(LESSON.path.parent, course / LESSON.folder)
    command = [sys.executable, "-m", "jupyterlab", "--allow-root"]
    with server(command, course, tmp_path / "server.log") as url:
        page.goto(f"{url}/formgrader?token=test")
        expect(page.locator("body")).to_contain_text(LESSON.folder, timeout=60_000)
        row = page.locator("tr", has_text=LESSON.folder)
        row.locator(".assign a").click()
        expect(page.locator(".modal.in, .modal.show")).to_contain_text("Success", timeout=120_000)
        picture(page, "formgrader")
    assert (tmp_path / "grading" / "release" / LESSON.folder / LESSON.path.name).exists()
