"""The reading site: complete, without solutions, at home without a network, and usable by everyone.

It is built once, by the command that people use; pages are tried in Chromium, from a server and from the disk.
Screenshots go to screenshots/ (not in git), to be looked at. This file takes minutes: every lesson is opened.
"""

import functools
import html
import http.server
import json
import multiprocessing
import re
import signal
import subprocess
import sys
import threading
import time
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import find_browser
from playwright.sync_api import sync_playwright
from sphinx.cmd import build
from test_release import solutions

from helpers import exercises, notebooks, site
from helpers.courses import COURSES, LESSONS, NOTES, TOP, TOPICS
from helpers.grading import report

SCREENSHOTS = TOP / "screenshots"
DONE = [lesson for lesson in LESSONS if lesson.done]
DESKTOP, PHONE = {"width": 1300, "height": 950}, {"width": 390, "height": 844}
#: Pages for the checks of accessibility: the start, lessons, indexes, search.
PAGES = (
    "index.html",
    "course1_nn/02_logistic_regression/02_logistic_regression.html",
    "course4_cnn/02_conv_layer/02_conv_layer.html",
    "mistakes/course2_tuning.html",
    "topics.html",
    "NOTATION.html",
    "search.html?q=momentum",
)
#: Rules of axe-core, none of them serious, that the templates of others break, each with the reason to leave it.
NOT_OURS = {"page-has-heading-one": "the search page of Sphinx begins with a heading of level 2"}


@pytest.fixture(scope="session")
def built(tmp_path_factory, record_testsuite_property):
    """The site, built as people build it, and what the command said."""
    folder = tmp_path_factory.mktemp("site") / "site"
    command = [sys.executable, "-m", "helpers", "site", "--to", str(folder)]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, done.stdout


@pytest.fixture(scope="session")
def folder(built):
    return built[0]


def page_of(folder, lesson):
    return folder / lesson.link.replace(".ipynb", ".html")


class Page(HTMLParser):
    """What the tests ask of a page: its text, ids, links, images and what it loads."""

    def __init__(self, path):
        super().__init__()
        self.ids, self.links, self.images, self.loads, self.words, self._silent = set(), [], [], [], [], 0
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.ids.add(attributes.get("id"))
        self._silent += tag in ("script", "style")
        if tag == "a" and "href" in attributes:
            self.links.append(attributes["href"])
        if tag == "img":
            self.images.append(attributes)
        if tag in ("img", "script", "iframe", "source", "video", "audio") and "src" in attributes:
            self.loads.append(attributes["src"])
        if tag == "link" and attributes.get("rel") not in ("index", "search", "next", "prev", "author"):
            self.loads.append(attributes["href"])

    def handle_endtag(self, tag):
        self._silent -= tag in ("script", "style")

    def handle_data(self, data):
        if not self._silent:
            self.words.append(data)

    @property
    def text(self):
        return "".join(self.words)


@pytest.fixture(scope="session")
def pages(folder):
    return {path.relative_to(folder).as_posix(): Page(path) for path in sorted(folder.rglob("*.html"))}


# --- the files -------------------------------------------------------------------------------------------------------


def test_the_command_says_where_the_first_page_is_and_how_large_the_site_is(built, record_property):
    folder, said = built
    match = re.fullmatch(r"(.+): (\d+) pages, ([\d.]+) MB, built in (\d+) s\n", said)
    assert Path(match[1]) == folder / "index.html"
    assert (folder / "index.html").exists()
    assert int(match[2]) == len(list(folder.rglob("*.html")))
    assert float(match[3]) < 40
    assert int(match[4]) < 300  # it takes 20 s on an idle machine; other tests run at the same time
    record_property("reading site", said.split(": ")[1].strip())


def test_every_lesson_is_there_with_its_figures_and_exercises(folder, pages):
    assert len(DONE) > 20
    for lesson in DONE:
        page = pages[lesson.link.replace(".ipynb", ".html")]
        cells = notebooks.read(lesson.path).cells
        figures = sum("image/png" in output.get("data", {}) for cell in cells for output in cell.get("outputs", []))
        assert len(page.images) >= figures > 0, lesson.name
        assert page.text.split()[0] == site.number(lesson)  # the title in the browser's tab
        for name in exercises.load(lesson.name).exercises:
            assert f"def {name}(" in page.text or f"class {name}" in page.text, name


def test_outputs_are_shown_and_answers_are_gaps(folder, pages):
    lesson = next(lesson for lesson in DONE if lesson.name == "logistic_regression")
    text = pages[lesson.link.replace(".ipynb", ".html")].text
    assert "sigmoid: all checks passed" in text
    assert text.count("raise NotImplementedError()") == len(exercises.load(lesson.name).exercises)
    assert "BEGIN SOLUTION" not in text


def test_what_a_prediction_is_about_is_folded_until_the_reader_has_guessed():
    """The question stands there with its choices; what came out, of all cells up to the comparison, is a fold."""
    lesson = next(lesson for lesson in DONE if lesson.name == "logistic_regression")
    cells = {cell["id"]: cell for cell in json.loads(site.lesson_page(lesson)[0])["cells"]}
    for asked, folded in {
        "predict_lost_minus": ["errata_minus_run"],
        "predict_walks": ["play_walks", "compare_walks"],
        "predict_rates": ["picture_rates"],
    }.items():
        said = str(cells[asked]["outputs"])
        assert "  a  " in said
        assert "No guess yet" not in said
        assert "hide-output" not in cells[asked]["metadata"].get("tags", [])
        for one in folded:
            assert "hide-output" in cells[one]["metadata"]["tags"]
            assert cells[one]["metadata"]["mystnb"]["code_prompt_show"].startswith("Guess first")
    assert "hide-output" not in cells["accuracy"]["metadata"].get("tags", [])


def squeezed(path):
    """The text of a file without white space: of a page what is read, of a notebook its sources."""
    if path.suffix == ".html":
        text = Page(path).text
    elif path.suffix == ".ipynb":
        text = "\n".join(cell.source for cell in notebooks.read(path).cells)
    else:
        text = path.read_text(encoding="utf-8")
    return "".join(text.split())


def test_no_file_of_the_site_holds_a_solution(folder):
    binary = (".png", ".woff", ".woff2", ".svg", ".inv")
    texts = {path: squeezed(path) for path in folder.rglob("*") if path.is_file() and path.suffix not in binary}
    given = "m=X.shape[1]mini_batches=[]#YOURCODEHERE"
    # The page and the notebook have what is given: code is found as it is written.
    assert sum(given in text for text in texts.values()) == 2
    tried = {(name, body) for name, body in solutions() if len(body) > 20}
    assert len(tried) > 500
    assert [(name, path.name) for name, body in tried for path, text in texts.items() if body in text] == []
    assert [path.name for path, text in texts.items() if "BEGINSOLUTION" in text] == []


def test_notebooks_to_download_are_those_of_the_edition(folder):
    downloads = {path.name: path for path in folder.glob("_downloads/*/*.ipynb")}
    assert sorted(downloads) == sorted(lesson.path.name for lesson in DONE)
    for lesson in DONE:
        released = notebooks.text(notebooks.student_version(notebooks.read(lesson.path)))
        assert downloads[lesson.path.name].read_text(encoding="utf-8") == released


def test_pages_load_nothing_from_elsewhere(pages):
    assert [(name, url) for name, page in pages.items() for url in page.loads if "//" in url] == []


def test_links_lead_to_pages_and_places_that_exist(folder, pages):
    broken = []
    for name, page in pages.items():
        for link in page.links:
            target = urlsplit(urljoin(f"http://site/{name}", link)) if "://" not in link else None
            if target is None or link.startswith("mailto:"):
                continue
            path = unquote(target.path).lstrip("/") or name
            lost = target.fragment and path in pages and unquote(target.fragment) not in pages[path].ids
            if lost or not (folder / path).is_file():
                broken.append((name, link))
    assert broken == []


def test_every_picture_is_described(pages):
    for name, page in pages.items():
        for image in page.images:
            assert len(image.get("alt", "")) > 8, (name, image)
            assert not re.search(r"[\\$]|\*\*", image["alt"]), (name, image["alt"])


def test_description_of_a_picture_is_what_the_text_before_it_says():
    before = "Words.\n\n**What you should see.** With $\\alpha = 0.1$ the *left* curve falls. The right one is flat.\n\nMore."
    seen = "With α = 0.1 the left curve falls. The right one is flat."
    assert site.picture_text(before, "", "The idea") == seen
    assert (
        site.picture_text("**The same without controls.** Two rows.", "", "x") == "The same without controls. Two rows."
    )
    code = 'ax.set_title("Costs fall")\nax.set(title="Rates rise")'
    assert site.picture_text("So $J$ is convex.", code, "The idea") == "Picture: The idea; Costs fall; Rates rise"
    assert len(site.picture_text("**What you should see.** " + "It is long. " * 60, "", "x")) <= 300


def test_references_to_equations_and_lessons_are_links(pages):
    lesson = next(lesson for lesson in DONE if lesson.name == "optimizers")
    page = pages[lesson.link.replace(".ipynb", ".html")]
    tags = set(re.findall(r"\\tag\{(\d+\.\d+)\}", page.text))
    assert {f"equation-2-{tag.replace('.', '-')}" for tag in tags} <= page.ids
    assert "#equation-2-5-18" in page.links
    assert "../04_normalization_and_gradient_checking/04_normalization_and_gradient_checking.html" in page.links
    assert "../../course1_nn/05_deep_network/05_deep_network.html" in page.links


# --- the indexes -----------------------------------------------------------------------------------------------------


def letters(text):
    return re.sub(r"\W", "", html.unescape(text).replace("_", ""))


def test_index_of_mistakes_has_every_sentence_of_the_catalogue(pages, record_property):
    total = 0
    for lesson in DONE:
        text = letters(pages[f"mistakes/{lesson.course}.html"].text)
        for exercise in exercises.load(lesson.name).exercises.values():
            for _, hint in exercise.mistakes:
                assert letters(hint) in text, (exercise.name, hint)
                total += 1
    assert f"know {total} usual mistakes" in pages["mistakes.html"].text
    record_property("usual mistakes in the index", str(total))


def test_index_of_topics_has_all_topics_with_lessons_and_exercises(pages):
    page = pages["topics.html"]
    assert NOTES == 68
    notes, beyond = page.text.split("Beyond the notes:", 1)
    assert f"{NOTES} {TOPICS[NOTES - 1]}" in notes
    assert f"{NOTES + 1} {TOPICS[NOTES]}" in beyond
    for i, topic in enumerate(TOPICS, 1):
        assert f"{i} {topic}" in page.text
    assert "course2_tuning/05_optimizers/05_optimizers.html" in page.links
    assert {name.split("#")[1] for name in page.links if "#exercise-" in name} == {
        site._target(lesson, name) for lesson in DONE for name in exercises.load(lesson.name).exercises
    }


def test_every_topic_belongs_to_a_lesson_and_exercises_practise_what_their_lesson_teaches():
    assert {topic for lesson in LESSONS for topic in site.topic_numbers(lesson)} == set(range(1, len(TOPICS) + 1))
    for lesson in DONE:
        practised = {exercise.topic for exercise in exercises.load(lesson.name).exercises.values()}
        assert practised <= set(site.topic_numbers(lesson)), lesson.name


def test_index_of_symbols_has_the_notation_and_leads_to_equations(pages):
    page = pages["NOTATION.html"]
    notation = (TOP / "NOTATION.md").read_text(encoding="utf-8")
    for meaning in ("number of examples", "logistic function; any activation function", "product entry by entry"):
        assert meaning in notation
        assert meaning in page.text
    assert "course5_sequence/03_gru/03_gru.html#equation-5-3-3" in page.links  # the update gate


def test_general_index_has_topics_functions_and_symbols(pages):
    text = pages["genindex.html"].text
    for entry in ("Batch normalisation", "conv_backward", "n_x: number of features", "Dropout"):
        assert entry in text
    for topic in {topic for lesson in DONE for topic in site.topic_numbers(lesson)}:
        assert re.sub("^An? ", "", TOPICS[topic - 1]) in text


# --- bad input -------------------------------------------------------------------------------------------------------


def test_a_folder_with_other_things_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    command = [sys.executable, "-m", "helpers", "site", "--to", str(tmp_path)]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"helpers: {tmp_path} is not empty and holds no site.")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_warning_fails_the_build_and_the_old_site_stays(tmp_path, monkeypatch, capfd):
    good = {"index.md": b"# Start\n"}
    monkeypatch.setattr(site, "sources", lambda: good)
    pages, size, _ = site.build(tmp_path / "site")
    assert pages >= 3
    assert size > 100_000
    before = (tmp_path / "site" / "index.html").read_bytes()
    monkeypatch.setattr(site, "sources", lambda: {"index.md": b"# New\n\n[nowhere](nowhere.md)\n"})
    with pytest.raises(site.SiteFailed, match="What was there before is as it was"):
        site.build(tmp_path / "site")
    assert "nowhere.md" in capfd.readouterr().err
    assert (tmp_path / "site" / "index.html").read_bytes() == before


def test_processes_that_a_failed_build_leaves_are_ended(tmp_path, monkeypatch):
    """When Sphinx fails, its processes wait for someone who reads; Python would wait for them at its end."""
    left = []

    def fails(options):
        left.append(multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,)))
        left[0].start()
        return 2

    monkeypatch.setattr(site, "sources", dict)
    monkeypatch.setattr(build, "build_main", fails)
    with pytest.raises(site.SiteFailed):
        site.build(tmp_path / "site")
    left[0].join(10)
    assert left[0].exitcode == -signal.SIGTERM


def test_links_to_files_that_the_site_lacks_become_text():
    text = "See [the box](../helpers/box.py), [the start](../README.md), [data](data.md) and $a^{[2](i)}$, [x](https://x.org/a.b)."
    made = site._without_dead_links(text, Path("docs/guide.md"), {"docs/data.md": b""})
    assert made == "See the box, [the start](../index.md), [data](data.md) and $a^{[2](i)}$, [x](https://x.org/a.b)."


# --- in the browser --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser():
    SCREENSHOTS.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
        browser = playwright.chromium.launch(executable_path=find_browser(), args=options)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def url(folder):
    handler = functools.partial(QuietHandler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture
def visit(browser):
    """A function that opens an address; what its page asks of another place, and its errors, fail the test."""
    contexts, bad = [], []

    def visit(address, viewport=DESKTOP, scheme="light"):
        context = browser.new_context(viewport=viewport, color_scheme=scheme)
        contexts.append(context)
        page, home = context.new_page(), address.split("/", 3)[:3]
        page.set_default_timeout(60_000)
        page.on("request", lambda request: None if at_home(request.url, home) else bad.append(request.url))
        page.on(
            "response", lambda answer: bad.append(f"{answer.status}: {answer.url}") if answer.status >= 400 else None
        )
        page.on("console", lambda message: bad.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: bad.append(str(error)))
        page.goto(address)
        page.evaluate("window.MathJax?.startup?.promise")
        return page

    yield visit
    for context in contexts:
        context.close()
    assert bad == []


def at_home(address, home):
    return address.split("/", 3)[:3] == home or address.startswith("data:")


def overflow(page):
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


@pytest.mark.browser
@pytest.mark.parametrize("course", COURSES)
def test_lessons_show_all_equations_and_fit_a_phone(visit, url, pages, course, record_property):
    for lesson in (lesson for lesson in DONE if lesson.course == course):
        name = lesson.link.replace(".ipynb", ".html")
        page = visit(url + name, PHONE)
        found = page.evaluate(
            "() => [document.querySelectorAll('.math').length, document.querySelectorAll('mjx-container').length,"
            " document.querySelectorAll('mjx-merror').length, document.querySelectorAll('mjx-container[tabindex]').length]"
        )
        assert found == [found[0], found[0], 0, 0], name
        tags = re.findall(r"\\tag\{(\d+\.\d+)\}", pages[name].text)
        shown = page.evaluate("[...document.querySelectorAll('mjx-labels mjx-mtext')].map(label => label.textContent)")
        assert len(shown) == len(tags) > 0
        assert overflow(page) <= 0, name
        loaded = page.evaluate("[...document.images].every(image => { image.loading = 'eager'; return true; })")
        assert loaded
        page.wait_for_function("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
        page.context.close()
        record_property("formulas drawn in lessons", [found[1], found[0]])


@pytest.mark.browser
def test_what_is_too_wide_scrolls_and_the_keyboard_reaches_it(visit, url):
    page = visit(url + "course2_tuning/05_optimizers/05_optimizers.html", PHONE)
    wide = page.locator("div.math[tabindex='0']")
    assert wide.count() > 3
    box = wide.first
    box.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("box => box.scrollLeft > 0", arg=box.element_handle())
    assert page.locator("pre[tabindex='0']").count() > 3


@pytest.mark.browser
def test_search_finds_the_lesson_on_momentum(visit, url):
    page = visit(url + "index.html")
    page.get_by_role("textbox", name="Search").fill("momentum")
    page.keyboard.press("Enter")
    first = page.locator("#search-results li a").first
    first.wait_for()
    assert first.inner_text() == "2.5 Mini-batches, momentum, RMSprop, Adam"
    page.get_by_text("Search finished").wait_for()
    page.wait_for_timeout(300)
    page.screenshot(path=SCREENSHOTS / "site_search.png")
    first.click()
    assert page.locator("h1").first.inner_text().startswith("2.5 Mini-batches")


@pytest.mark.browser
def test_answers_open_and_links_lead_to_equations(visit, url):
    page = visit(url + "course2_tuning/05_optimizers/05_optimizers.html")
    answers = page.locator("details", has=page.get_by_text("Answers", exact=True)).last
    assert not answers.locator("li").first.is_visible()
    answers.locator("summary").click()
    assert answers.locator("li").first.is_visible()
    link = page.get_by_role("link", name="(5.18)").first
    link.click()
    assert page.url.endswith("#equation-2-5-18")
    page.wait_for_function(
        "() => { const box = document.getElementById('equation-2-5-18').getBoundingClientRect();"
        " return box.top >= 0 && box.top < innerHeight; }"
    )


@pytest.mark.browser
def test_it_works_from_the_disk(visit, folder):
    page = visit((folder / "search.html").as_uri() + "?q=momentum")
    page.get_by_role("link", name="2.5 Mini-batches, momentum, RMSprop, Adam", exact=True).click()
    page.wait_for_function("document.querySelectorAll('mjx-container').length > 300")
    page.evaluate("document.fonts.ready")
    assert page.evaluate("[...document.fonts].some(font => font.family.includes('MJX') && font.status === 'loaded')")


@pytest.mark.browser
@pytest.mark.parametrize(("viewport", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")], ids=["desktop", "phone"])
def test_accessibility_of_the_site(visit, url, viewport, scheme, record_property):
    for name in PAGES:
        page = visit(url + name, viewport, scheme)
        if "search" in name:
            page.get_by_text("Search finished").wait_for()
        found = {one["id"]: one for one in Axe().run(page).response["violations"]}
        shot = re.sub(r"\W", "_", name.split("?")[0].split("/")[-1].removesuffix(".html"))
        page.screenshot(path=SCREENSHOTS / f"site_{shot}_{viewport['width']}_{scheme}.png")
        assert overflow(page) <= 0, name
        assert [rule for rule in found if rule not in NOT_OURS] == [], (name, json.dumps(list(found.values()))[:2000])
        assert not {found[rule]["impact"] for rule in found} & {"serious", "critical"}
        page.context.close()
        said = ", ".join(f"{rule} ({one['impact']})" for rule, one in found.items()) or "none"
        record_property(f"axe-core on {name}, {scheme}, {viewport['width']} pixels wide", f"violations: {said}")


@pytest.mark.browser
@pytest.mark.parametrize(("viewport", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")], ids=["desktop", "phone"])
def test_accessibility_of_the_class_report(visit, tmp_path, viewport, scheme):
    path = tmp_path / "report.html"
    path.write_text(report.page(class_report()), encoding="utf-8")
    page = visit(path.as_uri(), viewport, scheme)
    text = page.locator("body").inner_text()
    assert "low" in text
    assert "with less frequent mistakes" in text
    assert "s00 and s01: long_name_of_an_exercise, other" in text
    assert "stopped" in text
    found = Axe().run(page).response["violations"]
    page.screenshot(path=SCREENSHOTS / f"report_{viewport['width']}_{scheme}.png", full_page=True)
    assert [(one["id"], one["impact"], one["nodes"][0]["html"]) for one in found] == []
    assert overflow(page) <= 0


def class_report():
    """A report in which everything occurs that a page can show: low discrimination, limits, alike answers, lateness."""
    names = ("long_name_of_an_exercise", "other", "third")
    rows, facts = [], {}
    for i in range(20):
        student = f"s{i:02d}"
        scores = {names[0]: float(i % 3 > 0), names[1]: float(i % 2), names[2]: 2.0 * (i % 2)}
        rows.append(report.Row(student, scores, 0.5 * (i == 4)))
        mistakes = {name: f"mistake_{i % 7}" for name, points in scores.items() if not points}
        answers = {name: [f"{name}{max(i, 1)}", 100] for name in names[:2]}
        facts[student] = {
            "student": student, "scores": scores, "mistakes": mistakes, "answers": answers, "unreadable": "", "notes": [],
        }  # fmt: skip
    hints = {(name, "mistake_1"): "dW lacks the factor 1/m: see (2.27)." for name in names}
    points = dict(zip(names, (1, 1, 2), strict=True))
    problems = ["s05: stopped: took longer than 3 seconds"]
    return report.Report("Logistic regression", "02_logistic_regression", points, rows, facts, hints, set(), problems)
