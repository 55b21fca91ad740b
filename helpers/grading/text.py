"""Text of a submission is text: the one place where it is made harmless for a page, a terminal, a table, a record.

What a learner chose are sources, outputs, names of files and errors, and the student's name in a learning platform's
download. Whoever puts one of them into a sentence passes it through `line`; whoever shows it escapes it for where it is
shown: `markdown` for cells of the grader, `for_csv` for tables. Markdown of a submission becomes HTML in `rendered`,
which sanitises what the renderer made, so it does not matter what the renderer can be led to make.
"""

import functools
import re
import signal
import sys
import threading
import time
import unicodedata
from html import escape

from jinja2 import pass_context
from nbconvert.exporters import html as exporter
from nbconvert.preprocessors import Preprocessor

#: Seconds in which the Markdown of one page must be rendered; what is left then is shown as it was written.
PAGE_SECONDS = 5.0
#: Characters of a cell that are rendered as Markdown; a longer one is shown as it was written.
MAX_MARKDOWN = 50_000

#: Characters that change the direction of what follows them: what is read is not what stands there.
_DIRECTIONS = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_UNSEEN = re.compile(rf"[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f\u2028\u2029{_DIRECTIONS}\ufeff\ud800-\udfff]")
_TAGS = {
    "a", "b", "blockquote", "br", "caption", "code", "dd", "del", "details", "div", "dl", "dt", "em", "h1", "h2", "h3",
    "h4", "h5", "h6", "hr", "i", "kbd", "li", "ol", "p", "pre", "s", "span", "strong", "sub", "summary", "sup", "table",
    "tbody", "td", "th", "thead", "tr", "tt", "ul",
}  # fmt: skip
_COLOUR = re.compile(r"highlight|[a-z][a-z0-9]{0,2}")  # classes of highlighted code


def line(text, limit=300):
    """Return one line of text: no control characters, none that change the direction, no half of a character.

    Parameters
    ----------
    text : object
        Its `str` is taken, of bytes the part that is UTF-8.
    limit : int
        The length from which on it is cut.
    """
    text = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    text = " ".join(block(text[: 4 * limit]).replace("\x1b", " ").split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def block(text):
    """Return text of several lines without control characters but tabs, line ends and those of colours."""
    return _UNSEEN.sub("", re.sub(r"\r\n?|[\u0085\u2028\u2029\x0b\x0c]", "\n", text))


def markdown(text):
    """Return Markdown that shows one line of text as it is."""
    return re.sub(r"([\\`*_\[\]#|~$^])", r"\\\1", line(text)).replace("&", "&amp;").replace("<", "&lt;")


def name(text):
    """Return a name that a learner chose so that it means nothing anywhere: letters, digits and a few signs."""
    return re.sub(r"[^\w .,()+-]", "·", line(text, 80))


def file_name(name):
    """Return a part of a path without what means something on a page, in a terminal or in a pattern of file names."""
    name = re.sub(r"[<>\"\\&`|/*?\[\]]", "_", line(name)).strip(". ") or "_"
    while len(name.encode()) > 200:
        stem, dot, ending = name.rpartition(".")
        name = f"{stem[:-1]}{dot}{ending}" if stem and len(ending) < 12 else name[:-1]
    return name


def for_csv(value):
    """Return a cell of a table that no spreadsheet takes for a formula; numbers stay numbers."""
    if value is None or isinstance(value, (int, float)):
        return "" if value is None else value
    value = re.sub(r"[\n\t\x1b]", " ", block(str(value)))
    starts = unicodedata.normalize("NFKC", value.lstrip())[:1]
    return f"'{value}" if starts in ("=", "+", "-", "@", "|", "%") and not _is_number(value) else value


def _is_number(value):
    return re.fullmatch(r"[+-]?\d+(\.\d+)?(e[+-]?\d+)?", value) is not None


# --- pages -----------------------------------------------------------------------------------------------------------


def clean(html):
    """Return HTML of which a page executes nothing, loads nothing, and which cannot pass for a part of the page.

    Links lead to other sites or write an e-mail. Pictures, forms, identifiers and addresses within the site, which an
    instructor's browser would ask for with the instructor's rights, are left out.
    """
    import nh3  # only who grades needs it

    return nh3.clean(
        html, tags=_TAGS, attributes={"a": {"href"}, "div": {"class"}, "span": {"class"}, "pre": {"class"}},
        attribute_filter=_attribute, url_schemes={"http", "https", "mailto"}, link_rel="noopener noreferrer nofollow",
    )  # fmt: skip


def _attribute(tag, name, value):
    if name == "class":
        return " ".join(one for one in value.split() if _COLOUR.fullmatch(one)) or None
    if name == "href":
        return value if re.match(r"(?i)(https?://|mailto:)", value) else None
    return None


@pass_context
def rendered(context, source):
    """Return the HTML of a cell's Markdown, sanitised: nbconvert's filter ``markdown2html`` for the pages of graders.

    All Markdown of a page has `PAGE_SECONDS`; what a renderer cannot do in that time is shown as it was written.
    """
    source = block(source or "").replace("attachment:", "attachment ")
    resources = context.get("resources", {})
    left = resources.setdefault("markdown_seconds", PAGE_SECONDS)
    start = time.monotonic()
    try:
        if len(source) > MAX_MARKDOWN or left <= 0:
            raise _TooSlow
        with _at_most(left):
            renderer = exporter.IPythonRenderer(escape=False, exclude_anchor_links=True)
            html = clean(exporter.MarkdownWithMath(renderer=renderer).render(source))
    except (_TooSlow, RecursionError):
        html = f"<pre>{escape(source)}</pre>"
    resources["markdown_seconds"] = left - (time.monotonic() - start)
    return html


def unchanged(html):
    """Return its argument: it takes the place of a filter that changes addresses after they were sanitised."""
    return html


class EscapeNames(Preprocessor):
    """Escapes students' names, which formgrader's template puts into its page as they are.

    In code, characters that nobody sees or that turn the direction of what is read are written out.
    """

    enabled = True

    def preprocess(self, nb, resources):
        for key in ("student", "first_name", "last_name"):
            if isinstance(resources.get(key), str):
                resources[key] = escape(line(resources[key]))
        for cell in nb.cells:
            if cell.cell_type == "code":
                cell.source = _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", cell.source)
        return nb, resources


def guard_formgrader():
    """Let formgrader know no page whose address holds markup or code in the place of a name; nbgrader_config.py asks.

    nbgrader puts the names of an address into its pages as they are, so a link could run a script with the rights of
    the instructor who follows it. No name that collecting makes has such characters.
    """
    base = sys.modules.get("nbgrader.server_extensions.formgrader.base")
    if base is None or hasattr(base.BaseHandler.render, "__wrapped__"):  # no server, or done: it reads this often
        return
    render = base.BaseHandler.render

    @functools.wraps(render)
    def guarded(self, name, **names):
        for key in ("student_id", "assignment_id", "notebook_id"):
            if re.search(r"""[<>"\\\x00-\x1f\u2028\u2029]""", str(names.get(key, ""))):
                raise base.web.HTTPError(404)
        return render(self, name, **names)

    base.BaseHandler.render = guarded


class _TooSlow(Exception):
    """The time of a page is over."""


class _at_most:  # noqa: N801 - used like a function
    """Raises `_TooSlow` inside its block after so many seconds; elsewhere than in the main thread it does not."""

    def __init__(self, seconds):
        self.seconds = seconds

    def __enter__(self):
        self.here = threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer")
        if self.here:
            self.before = signal.signal(signal.SIGALRM, self._late)
            signal.setitimer(signal.ITIMER_REAL, self.seconds)

    def __exit__(self, *error):
        if self.here:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, self.before)

    def _late(self, number, frame):
        raise _TooSlow


#: nbconvert's filters on the pages of feedback and formgrader: in nbgrader_config.py, ``c.HTMLExporter.filters``.
FILTERS = {"markdown2html": rendered, "strip_files_prefix": unchanged}
