"""Settings of the reading site; `python -m helpers site` builds it. Nothing on it comes from another host."""

import re
from importlib.util import find_spec
from pathlib import Path

from docutils import nodes
from sphinx.util.fileutil import copy_asset

from helpers import courses, site

project = "Deep learning, piece by piece"
language = "en-GB"
extensions = ["myst_nb", "sphinx.ext.mathjax"]
exclude_patterns = ["released"]

nb_execution_mode = "off"  # the stored outputs are shown
nb_number_source_lines = False
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
suppress_warnings = [
    "myst.header",  # sections of a notebook may begin below level 2
]

html_theme = "furo"
html_title = project
html_static_path = ["_static"]
html_favicon = "_static/favicon.svg"
html_css_files = ["site.css"]
html_js_files = [("site.js", {"defer": "defer"})]
html_copy_source = False  # sources of pages are no reading
html_show_copyright = False
html_show_sphinx = False
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"

#: MathJax 3 from the package sphinx-mathjax-offline: of its 15 MB, the one file that pages load, and its fonts.
_MATHJAX = Path(find_spec("sphinx-mathjax-offline").origin).parent / "static" / "mathjax"
mathjax_path = "mathjax/tex-chtml.js"
mathjax3_config = {"options": {"enableMenu": False}}  # with its menu, each formula is a stop of the tabulator key

_EQUATIONS = site.equations()
_EQUATION = r"\((?P<tag>\d\.\d+)\)"
_LESSON = (
    r"(?i:(?:course (?P<course>\d), )?lessons? (?P<numbers>\d(?:(?:, | and | or | to |, and )\d)*)"
    r"(?![.\d])(?: of course (?P<course_after>\d))?)"
)
_REFERENCE = re.compile(f"{_EQUATION}|{_LESSON}")
_LITERAL = (nodes.literal, nodes.literal_block, nodes.math, nodes.math_block, nodes.reference, nodes.title, nodes.raw)


def mark_equations(app, doctree):
    """Give each equation with a tag an id, and leave it to MathJax as it is: Sphinx's own wrapping forbids tags."""
    docname = app.env.docname
    labels = app.env.domains.standard_domain.anonlabels
    for node in doctree.findall(nodes.math_block):
        tag = re.search(r"\\tag\{(\d+\.\d+)\}", node.astext())
        node.children = [nodes.Text(rf"\[{node.astext()}\]")]
        node["no-wrap"] = node["nowrap"] = True
        if tag:
            label = site.anchor(Path(docname).parts[0], tag[1])
            node["ids"].append(label)
            labels[label] = (docname, label)


def link_references(app, doctree, docname):
    """Make links of "(5.7)" and of "course 1, lesson 5" in the text of a page."""
    course = next((part for part in Path(docname).parts if part in courses.COURSES), None)
    if course is None:
        return
    for text in list(doctree.findall(nodes.Text)):
        if text.parent is None or any(isinstance(parent, _LITERAL) for parent in _parents(text)):
            continue  # text without a parent is of a formula
        parts = list(_parts(app.builder, docname, course, str(text)))
        if len(parts) > 1:
            text.parent.replace(text, parts)


def _parents(node):
    while node.parent is not None:
        node = node.parent
        yield node


def _parts(builder, docname, course, text):
    end = 0
    for match in _REFERENCE.finditer(text):
        if match["tag"]:
            page, name = _EQUATIONS[course].get(match["tag"]), f"#{site.anchor(course, match['tag'])}"
            found = [(match.span(), page, name)]
        else:
            number = match["course"] or match["course_after"]
            home = list(courses.COURSES)[int(number) - 1] if number and int(number) <= 5 else course
            first = match.start("numbers")
            found = [((first + one.start(), first + one.end()), _page(home, one[0]), "")
                     for one in re.finditer(r"\d", match["numbers"])]  # fmt: skip
        for (start, stop), page, name in found:
            if page is None or (page == docname and not name):
                continue
            uri = name if page == docname else builder.get_relative_uri(docname, page) + name
            yield nodes.Text(text[end:start])
            yield nodes.reference("", text[start:stop], internal=True, refuri=uri)
            end = stop
    yield nodes.Text(text[end:])


def _page(course, number):
    for lesson in courses.LESSONS:
        if lesson.done and lesson.course == course and int(lesson.folder[:2]) == int(number):
            return lesson.link.removesuffix(".ipynb")
    return None


def give_captions_a_level(app, pagename, templatename, context, doctree):
    """Say which level the headings of the navigation have; Furo's templates leave it out."""
    if "furo_navigation_tree" in context:
        tree = context["furo_navigation_tree"].replace('role="heading"', 'role="heading" aria-level="2"')
        context["furo_navigation_tree"] = tree


def copy_mathjax(app, error):
    """Put what pages load of MathJax beside the pages."""
    if error is None:
        target = app.outdir / "_static" / "mathjax"
        copy_asset(_MATHJAX / "tex-chtml.js", target)
        copy_asset(_MATHJAX / "output" / "chtml" / "fonts", target / "output" / "chtml" / "fonts")


def setup(app):
    app.connect("doctree-read", mark_equations)
    app.connect("doctree-resolved", link_references)
    app.connect("html-page-context", give_captions_a_level, priority=900)  # after Furo's own
    app.connect("build-finished", copy_mathjax)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
