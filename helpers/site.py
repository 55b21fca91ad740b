"""The reading site: all lessons with their figures and without solutions, and indexes of topics, symbols and mistakes.

`sources` makes the pages as MyST Markdown and notebooks, in the layout of the repository, so that links between lessons
work as they stand; Sphinx with ``docs/conf.py`` makes HTML of them.
"""

import json
import multiprocessing
import re
import shutil
import tempfile
import time
from pathlib import Path

from helpers import exercises, notebooks
from helpers.courses import COURSES, LESSONS, NOTES, TOP, TOPICS, topic_numbers

_IMAGES = (".png", ".jpg", ".svg")
#: A link to a file, not what looks like one in a formula, ``a^{[2](i)}``.
_LINK = re.compile(r"(?<!!)\[([^\]]*)\]\((?!\w+:|#)([^)\s]*[./][^)\s]*)\)")
#: The left side of an equation, if it is one symbol: an optional d, a letter or Greek name, an accent, indices.
_SYMBOL = re.compile(
    r"d?(\\(hat|tilde|bar|mathcal)\s*\{?\s*)?(\\?[A-Za-z]+)\}?([_^](\{[^{}]*(\{[^{}]*\}[^{}]*)*\}|\\?\w))*"
)


#: What questions print in a run without a learner.
_NOBODY = re.compile(r"^(No guess yet\..*|You guessed:  nothing|No answer\.)\n", re.M)


class SiteFailed(Exception):
    """The site was not built; the message says why, and what to do. What was there before is as it was."""


def build(folder):
    """Build the site from nothing into a folder and return ``(pages, bytes, seconds)``.

    Parameters
    ----------
    folder : path
        A new folder, an empty one, or one that holds a site, which is replaced once the new one is complete.

    Raises
    ------
    SiteFailed
        If the folder holds other things, Sphinx is not installed, or it warns of anything.
    """
    started, folder = time.perf_counter(), Path(folder)
    if folder.exists() and not (folder.is_dir() and ((folder / ".buildinfo").exists() or not any(folder.iterdir()))):
        raise SiteFailed(f"{folder} is not empty and holds no site. Choose a new folder; nothing was written.")
    try:
        from sphinx.cmd.build import build_main
    except ModuleNotFoundError:
        raise SiteFailed("Sphinx is not installed. Run: make site") from None
    with tempfile.TemporaryDirectory(prefix="site-") as temporary:
        source, made = Path(temporary, "source"), Path(temporary, "site")
        for name, content in sources().items():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes(content)
        options = ["-q", "--fail-on-warning", "-j", "auto", "-c", TOP / "docs", "-d", Path(temporary, "doctrees")]
        if build_main([str(option) for option in (*options, source, made)]):
            for process in multiprocessing.active_children():  # Sphinx leaves them, and Python would wait for them
                process.terminate()
            raise SiteFailed("The site has problems, see the messages above. What was there before is as it was.")
        files = [path for path in made.rglob("*") if path.is_file()]
        facts = sum(path.suffix == ".html" for path in files), sum(path.stat().st_size for path in files)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(made, folder)
    return *facts, time.perf_counter() - started


def sources():
    """Return the sources of the site as ``{path: bytes}``, in the layout of the repository."""
    done = [lesson for lesson in LESSONS if lesson.done]
    files = {path.relative_to(TOP).as_posix(): path.read_bytes() for path in sorted(TOP.glob("docs/*.md"))}
    start = files.pop("docs/index.md").decode()
    if (TOP / "CHANGELOG.md").exists():  # CONTRIBUTING.md is no page: its example is an exercise with its answer
        files["CHANGELOG.md"] = (TOP / "CHANGELOG.md").read_bytes()
    guides = "\n".join(name.removesuffix(".md") for name in files)
    files["index.md"] = start.replace("{lessons}", _lessons()).replace("{guides}", guides).encode()
    files["NOTATION.md"] = symbols_page(done).encode()
    files["topics.md"] = topics_page(done).encode()
    files["mistakes.md"] = mistakes_start().encode()
    for course in COURSES:
        files[f"{course}/README.md"] = _course_page(course).encode()
        files[f"mistakes/{course}.md"] = mistakes_page(course).encode()
    for lesson in done:
        for path in lesson.path.parent.iterdir():
            if path.suffix in _IMAGES:
                files[path.relative_to(TOP).as_posix()] = path.read_bytes()
        page, released = lesson_page(lesson)
        files[lesson.link] = page.encode()
        files[f"released/{lesson.folder}.ipynb"] = released.encode()
    for path in [path for path in files if path.endswith(".md")]:
        files[path] = _without_dead_links(files[path].decode(), Path(path), files).encode()
    return files


def _without_dead_links(text, path, files):
    """Turn links to what the site does not have, such as Python files, into their text; README.md is the start."""

    def link(match):
        name, target = match.groups()
        target, _, part = target.partition("#")
        found = (TOP / path.parent / target).resolve()
        if found == TOP / "README.md":
            return f"[{name}]({'../' * (len(path.parts) - 1)}index.md)"
        known = found.is_relative_to(TOP) and found.relative_to(TOP).as_posix() in files
        return match[0] if known else name

    return _LINK.sub(link, text)


# --- lessons ---------------------------------------------------------------------------------------------------------


def number(lesson):
    """Return course and lesson as readers write it, such as ``2.5``."""
    return f"{list(COURSES).index(lesson.course) + 1}.{int(lesson.folder[:2])}"


def lesson_page(lesson):
    """Return a lesson as the site shows it and as learners get it, both as text.

    The page is the learner's version with the stored outputs of all cells that neither answer nor quote an answer, a
    description of each picture, a target for each exercise and entries for the index.
    """
    source = notebooks.read(lesson.path)
    released = notebooks.student_version(source)
    outputs = {cell.id: cell.get("outputs", []) for cell in source.cells}
    page = notebooks.student_version(source)
    known = exercises.load(lesson.name).exercises if lesson.name in exercises.lessons() else {}
    text, heading, asked = None, lesson.title, set()
    for cell in page.cells:
        if cell.cell_type == "markdown":
            text = cell
            heading = (re.findall(r"^#+ (?:\d+ )?(.*)", cell.source, re.M) or [heading])[-1]
            continue
        if cell.id in known:
            _mark_exercise(text, lesson, cell.id)
        quotes = "check.questions(" in cell.source  # lines of the answers
        if not quotes and not cell.metadata.get("nbgrader", {}).get("solution"):
            cell.outputs = outputs[cell.id]
        pictures = [output for output in cell.outputs if "image/png" in output.get("data", {})]
        options = _picture_options(cell, pictures, text.source, heading) if pictures else {}
        asked |= set(re.findall(r"check\.predict\(\"(\w+)\"\)", cell.source))
        folded = bool(asked and cell.outputs and "check.predict(" not in cell.source)
        if folded:  # what came out waits until the reader has guessed
            options["code_prompt_show"] = "Guess first, then show what came out"
            options["code_prompt_hide"] = "Hide what came out"
        asked -= set(re.findall(r"check\.compare\(\"(\w+)\"", cell.source))
        for output in cell.outputs:
            if "text" in output:
                output.text = _NOBODY.sub("", output.text)
        cell.metadata = {"mystnb": options} if options else {}
        if folded:
            cell.metadata["tags"] = ["hide-output"]
    title = re.sub(r"(?m)^# \d+ ", f"# {number(lesson)} ", page.cells[0].source, count=1)
    page.cells[0].source = (
        _index([*_topics_of(lesson), lesson.title])
        + title.replace("[NOTATION.md](", "[their index](")
        + f"\n\n{{download}}`Download this lesson as a notebook <../../released/{lesson.folder}.ipynb>`. "
        "It runs in the learner's edition.\n"
    )
    page.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return json.dumps(page, indent=1, ensure_ascii=False), notebooks.text(released)


def _mark_exercise(cell, lesson, name):
    """Put a target and an entry for the index before the last heading of the cell that sets an exercise."""
    target = f"({_target(lesson, name)})=\n"
    head, mark, rest = ("\n" + cell.source).rpartition("\n### ")
    cell.source = f"{head}\n\n{_index([name])}{target}{mark.lstrip()}{rest}" if mark else f"{target}\n{cell.source}"


def _target(lesson, exercise):
    return f"exercise-{lesson.name}-{exercise}".replace("_", "-").lower()


def _index(entries):
    """Return entries for Sphinx's index; a semicolon would make two levels, and an article does not count."""
    entries = dict.fromkeys(re.sub("^An? ", "", entry).replace(";", ",") for entry in entries)
    return "".join(f"```{{index}} single: {entry}\n```\n\n" for entry in entries)


def _picture_options(cell, pictures, before, heading):
    """Return what myst-nb needs to describe the pictures of a cell: what to see in them, or what they are."""
    if any("run the cell to" in output.data.get("text/plain", "") for output in pictures):  # see LiveFigure
        caption = "An interactive picture as it is at first. Run the lesson in JupyterLab to use it."
        alt = f"{heading}: the first state of an interactive picture."
        return {"image": {"alt": alt}, "figure": {"caption": caption}}
    return {"image": {"alt": picture_text(before, cell.source, heading)}}


def picture_text(before, code, heading):
    """Return a description of a picture.

    It is what follows "What you should see" in the text before it; else the last paragraph, if it begins with a bold
    heading of its own; else the titles that the code gives the picture, below the heading of the section.
    """
    before = re.sub(r"<details>.*?</details>|\$\$.*?\$\$", "", before, flags=re.S)
    *_, last = parts = re.split(r"\*\*What you should see[.:]?\*\*[.:]?", before)
    no_prose = re.compile(r"\s*(#|\||>|- |\d+\. )")
    paragraphs = [part for part in re.split(r"\n\s*\n", last.strip()) if not no_prose.match(part)]
    if paragraphs and (len(parts) > 1 or paragraphs[-1].startswith("**")):
        return _shortened(plain_text(paragraphs[0 if len(parts) > 1 else -1]))
    titles = [title for _, title in re.findall(r"""title(?:=|\()(["'])(.*?)\1""", code)]
    return "; ".join([f"Picture: {heading}", *titles])


def _shortened(text, most=300):
    """Return the first sentences of a text, as many as fit; at least one."""
    sentences = re.split(r"(?<=[.!?]) (?=[A-Z\u0391-\u03a9])", text)
    kept = sentences[0]
    for sentence in sentences[1:]:
        if len(kept) + len(sentence) >= most:
            break
        kept += f" {sentence}"
    return kept


_NAMES = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "eta": "η", "theta": "θ", "kappa": "κ",
    "mu": "μ", "nu": "ν", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ", "Gamma": "Γ", "Delta": "Δ",
    "Theta": "Θ", "Sigma": "Σ", "cdot": "·", "times": "×", "to": "→", "ge": "≥", "le": "≤", "approx": "≈", "ne": "≠",
    "dots": "…", "infty": "∞", "partial": "∂", "sqrt": "√", "circ": "°", "langle": "⟨", "rangle": "⟩", "quad": " ",
    "qquad": " ", "lambda": "λ",
}  # fmt: skip


def plain_text(text):
    """Return Markdown with simple formulas as plain text, for where neither is drawn."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"\\(?:d|t)?frac\s*(?:\{([^{}]*)\}|(\w))\s*(?:\{([^{}]*)\}|(\w))", r"\1\2/\3\4", text)
    text = re.sub(r"\\(?:text|mathcal|hat|tilde|bar|mathrm)\s*\{?\s*(\w+)\}?", r"\1", text)
    text = re.sub(r"\\([A-Za-z]+)", lambda match: _NAMES.get(match[1], match[1]), text)
    text = re.sub(r"[_^]\{([^{}]*)\}", r"\1", text)
    text = re.sub(r"\\[,;!%\s]", " ", text).replace("\\", "")
    return " ".join(re.sub(r"[*`${}]|(?<=\w)[_^](?=\w)|<[^>]*>", "", text).split())


def _topics_of(lesson):
    return [TOPICS[topic - 1] for topic in topic_numbers(lesson)]


# --- pages -----------------------------------------------------------------------------------------------------------


def _lessons():
    """Return the Markdown list of all courses and lessons, for the start page."""
    parts = []
    for i, (course, title) in enumerate(COURSES.items()):
        rows = [f"- {_link(lesson)}" if lesson.done else f"- {_name(lesson)} *(to come)*"
                for lesson in LESSONS if lesson.course == course]  # fmt: skip
        parts.append(f"### [{i + 1} {title}]({course}/README.md)\n\n" + "\n".join(rows))
    return "\n\n".join(parts)


def _name(lesson):
    return f"{number(lesson)} {lesson.title}"


def _link(lesson, name=None, up=""):
    return f"[{name or _name(lesson)}]({up}{lesson.link})"


def _course_page(course):
    """Return a course's README up to its table, with its lessons for the navigation."""
    head = (TOP / course / "README.md").read_text(encoding="utf-8").split("<!-- end -->")[0]
    names = [f"{lesson.folder}/{lesson.folder}" for lesson in LESSONS if lesson.course == course and lesson.done]
    number_ = list(COURSES).index(course) + 1
    head = re.sub(r"^# ", f"# {number_} ", re.sub(r"<!--.*?-->\n", "", head))
    return head + "\n```{toctree}\n:hidden:\n\n" + "\n".join(names) + "\n```\n"


def topics_page(done):
    """Return the index of topics, those of the notes and those beyond: each with its lessons and its exercises."""
    lines = ["# Topics", "", "Each topic with the lessons that teach it and the exercises that practise it.", ""]
    practised = {}
    for lesson in done:
        for exercise in exercises.load(lesson.name).exercises.values() if lesson.name in exercises.lessons() else ():
            link = f"[`{exercise.name}`](#{_target(lesson, exercise.name)})"
            practised.setdefault(exercise.topic, []).append(link)
    teach = {}
    for lesson in LESSONS:
        for topic in topic_numbers(lesson):
            teach.setdefault(topic, []).append(lesson)
    part = None
    for i, title in enumerate(TOPICS, 1):
        heading = ("Beyond the notes: " if i > NOTES else "") + COURSES[teach[i][0].course]
        if heading != part:
            part = heading
            lines += ["", f"## {heading}", "", "| topic | lessons | exercises |", "|---|---|---|"]
        lessons = ", ".join(_link(lesson) if lesson.done else _name(lesson) for lesson in teach[i])
        lines.append(f"| {i} {title} | {lessons} | {', '.join(practised.get(i, []))} |")
    return "\n".join(lines) + "\n"


def symbols_page(done):
    """Return NOTATION.md with entries for the index, and for each lesson the symbols that its equations give."""
    text = (TOP / "NOTATION.md").read_text(encoding="utf-8").replace("# Notation", "# Symbols", 1)
    parts = re.split(r"(?m)^(?=## )", text)
    for i, part in enumerate(parts):
        entries = []
        for row in re.findall(r"^\| (.*) \|$", part, re.M)[1:]:
            cells = [cell.strip() for cell in row.split(" | ")]
            codes = re.findall(r"`(\w+)`", cells[1]) if len(cells) > 2 else []
            entries += [f"{code}: {plain_text(cells[-1])}" for code in codes]
        if entries:
            parts[i] = _index(entries) + part
    lines = ["## Symbols of the lessons", "", "The equations that say what a symbol is equal to.", ""]
    for lesson in done:
        found = ", ".join(
            f"${symbol}$ [({tag})](#{anchor(lesson.course, tag)})" for symbol, tag in _symbols(lesson).items()
        )
        if found:
            lines += [f"**{_link(lesson)}**", "", found, ""]
    return "".join(parts) + "\n" + "\n".join(lines)


def _symbols(lesson):
    """Return the symbols that stand alone on the left of a lesson's equations, each with the first equation's tag."""
    found = {}
    for cell in notebooks.read(lesson.path).cells:
        for equation in re.findall(r"\$\$(.*?)\$\$", cell.source, re.S) if cell.cell_type == "markdown" else ():
            tag = re.search(r"\\tag\{(.*?)\}", equation)
            for part in re.split(r"\\q?quad|\\\\|\\begin\{\w+\}", equation) if tag else ():
                left, equal, _ = part.partition("=")
                left = re.sub(r"\\[,;!]", "", left.rstrip(": ").replace("&", "")).strip()
                if equal and _SYMBOL.fullmatch(left):
                    found.setdefault(left, tag[1])
    return found


def anchor(course, tag):
    """Return the id of an equation, such as ``equation-1-2-5`` for (2.5) of course 1."""
    return f"equation-{list(COURSES).index(course) + 1}-{tag.replace('.', '-')}"


def equations():
    """Return ``{course: {tag: page}}`` for the equations of all lessons that are done."""
    found = {course: {} for course in COURSES}
    for lesson in LESSONS:
        if lesson.done:
            for tag in re.findall(r"\\\\tag\{(\d+\.\d+)\}", lesson.path.read_text(encoding="utf-8")):
                found[lesson.course][tag] = lesson.link.removesuffix(".ipynb")
    return found


def mistakes_start():
    """Return the start of the index of mistakes."""
    total = sum(len(one.mistakes) for name in exercises.lessons() for one in exercises.load(name).exercises.values())
    lines = [
        "# Mistakes",
        "",
        f"The checks know {total} usual mistakes. If your function makes one of them, `check` says so in these words.",
        "",
        "```{toctree}",
        "",
        *(f"mistakes/{course}" for course in COURSES),
        "```",
        "",
    ]
    return "\n".join(lines)


def mistakes_page(course):
    """Return the index of mistakes of a course: the sentences alone, by lesson and exercise."""
    lines = [f"# Mistakes in course {list(COURSES).index(course) + 1}", ""]
    for lesson in LESSONS:
        if lesson.course != course or not lesson.done or lesson.name not in exercises.lessons():
            continue
        lines += [f"## {_name(lesson)}", ""]
        for exercise in exercises.load(lesson.name).exercises.values():
            lines += [f"### {exercise.name}", ""]
            where = f"[the exercise](#{_target(lesson, exercise.name)})"
            if exercise.equation:
                where += f", {exercise.equation}"
            lines += [f"Go to {where}.", ""]
            lines += [f"- {_escaped(hint)}" for hint in dict.fromkeys(hint for _, hint in exercise.mistakes)] + [""]
    return "\n".join(lines)


def _escaped(hint):
    """Return a sentence as Markdown: code between backticks stays, every other sign is itself."""
    parts = re.split(r"(`[^`]*`)", hint)
    return "".join(part if part[:1] == "`" else re.sub(r"([\\*_<>\[\]{}$|#~^])", r"\\\1", part) for part in parts)
