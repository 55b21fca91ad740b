"""Numbers in a lesson's prose that nothing supports: no output of its notebook, no code, no test.

A number is supported if an output rounds to it ("about 81 %" and 0.8117), if it stands in the notebook's code or in
that of its pictures (40 steps), or if the lesson's test holds it, where a figure from a paper stands, too. That the
number belongs to *this* sentence is for the reader: the tool finds what was typed and never computed.
"""

import ast
import re
from typing import NamedTuple

from helpers import exercises
from helpers.courses import TOP

_NUMBER = re.compile(
    r"(?<![\w.,/^\d])[-+−]?(?P<digits>\d{1,3}(?:[,\u202f ]\d{3})+(?![\d.])|\d+(?:\.\d+)?)(?:e(?P<power>[-+]?\d+))?"
    r"(?P<percent>\s?\\?%|\sper ?cent|\sof 100\b)?(?![\w/]|\.\d)",
)
#: What holds numbers that claim nothing, in the order in which it is taken out.
_NO_CLAIMS = [
    re.compile(pattern, re.M | re.S)
    for pattern in (
        r"^## References.*",
        r"\$\$.*?\$\$",
        r"^```.*?^```",
        r"^#.*?$",
        r"^\*\*Time.*?$",
        r"`[^`]*`",
        r"\]\([^)]*\)",
        r"<[^>]+>",
        r"\(\d+\.\d+\)",
        r"^\s*(?:>\s*)?\d+\.\s",
        r"(?i)\b(?:lesson|course|section|exercise|step|question|topic|part|equation|chapter|seed|layer|unit|example|row"
        r"|column|panel|class|label)s?\s\d+(?:\.\d+)?(?:(?:,|,? and|,? or| to|–)\s?\d+(?:\.\d+)?)*(?![\d%])",
        r"\|\s*[1-5]\.1?\d(?:,\s[1-5]\.1?\d)*\s*(?=\|)",  # lessons in a table
        # years
        r"(?:\b(?:[Ii]n|[Ss]ince|until|before|after|from|to|of|and|others,?|[A-Z]\w+\)?,)\s|\()(?:1[6-9]|20)(?!00)\d\d\b",
        r"\b\d+(?:st|nd|rd|th)\b",
    )
]
_MATH = re.compile(r"\$([^$]+)\$")
_RIGHT_SIDE = re.compile(r"(?:^\$|=|\\approx|<|>|\\leq?|\\geq?|\\pm)\s*([-+]?\d[\d.,]*\s*(?:\\%)?)\s*$")
_ROUGHLY = re.compile(r"\b(?:about|nearly|almost|roughly|around|some|than)\s$")
#: Whole numbers up to this are counts that one sees: "2 of the 3 rows".
_SMALL = 2


class Number(NamedTuple):
    """A number: its size, the size of its last digit, whether it is a share; how it is written, between which words."""

    size: float
    digit: float
    percent: bool
    text: str
    words: str = ""


def unsupported(notebook, name):
    """Return the numbers of a lesson's prose that nothing supports.

    Parameters
    ----------
    notebook : NotebookNode
        The source, with outputs.
    name : str
        The lesson: its predictions are prose, too, and its test is ``tests/lessons/test_<name>.py``.

    Returns
    -------
    list of (str, str, str)
        "cell" or "prediction" with its name, the number as it is written, and the words around it.
    """
    predictions = exercises.load(name).predictions if name in exercises.lessons() else {}
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    said = [words for one in predictions.values() for words in (one.question, one.because, *one.choices)]
    shown = _shown(notebook, said)
    test = TOP / "tests" / "lessons" / f"test_{name}.py"
    tested = test.read_text(encoding="utf-8") if test.exists() else ""
    rounded = [*numbers(shown), *_constants(tested, strings=True)]
    exact = {one.size for source in [code, *_pictures(code)] for one in _constants(source)}
    prose = [(f"cell {cell.id}", cell.source) for cell in notebook.cells if cell.cell_type == "markdown"]
    prose += [(f"prediction {one}", asked.because) for one, asked in predictions.items()]
    return [
        (place, number.text, number.words)
        for place, text in prose
        for number in numbers(claiming(text), text)
        if not _supported(number, rounded, exact)
    ]


def claiming(text):
    """Return a text of Markdown with blanks for what claims nothing: equations, headings, references, code."""
    for pattern in _NO_CLAIMS:
        text = pattern.sub(_blank, text)
    return _MATH.sub(_value_of_equation, text)


def _blank(found):
    """Return as many spaces, so that what is left stays where it was."""
    return re.sub(r"[^\n]", " ", found[0])


def _value_of_equation(found):
    """Keep only the right side of an equation in a line, and that only if it is a number: $\\alpha = 7$."""
    right = _RIGHT_SIDE.search(found[0], 0, len(found[0]) - 1)
    start, end = right.span(1) if right else (0, 0)
    return " " * start + found[0][start:end].replace("\\%", " %") + " " * (len(found[0]) - end)


def numbers(text, prose=None):
    """Return each `Number` of a text; with `prose`, which it was before `claiming`, only those that claim something."""
    found = []
    for match in _NUMBER.finditer(text):
        digits = re.sub(r"[^\d.]", "", match["digits"])
        power, whole = int(match["power"] or 0), "." not in digits
        size, last = float(digits) * 10.0**power, 10.0 ** (power - len(digits.partition(".")[2]))
        if prose is not None and whole and not match["percent"] and size <= _SMALL:
            continue
        if prose is not None and whole and _ROUGHLY.search(text[: match.start()]):
            last = 10.0 ** (len(digits) - len(digits.rstrip("0") or "0"))
        words = " ".join((prose or text)[max(0, match.start() - 40) : match.end() + 30].split())
        found.append(Number(size, last, bool(match["percent"]), match[0].strip(), words))
    return found


def _supported(number, rounded, exact):
    size = number.size
    if size in exact or (number.percent and any(abs(size / 100 - one) < 1e-9 for one in exact)):
        return True
    for one in rounded:
        sizes = [one.size]
        if number.percent and not one.percent and one.size <= 1:
            sizes.append(100 * one.size)
        if one.percent and not number.percent:
            sizes.append(one.size / 100)
        if any(abs(each - size) <= number.digit / 2 * (1 + 1e-9) + 1e-12 for each in sizes):
            return True
    return False


def _shown(notebook, said):
    """Return all text that cells print or show, without the words of predictions, which are typed and not computed."""
    shown = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            html = re.sub(r"<style.*?</style>|<[^>]+>", " ", data.get("text/html", ""), flags=re.S)
            shown.append(output.get("text", "") + "\n" + data.get("text/plain", "") + "\n" + html)
    text = " ".join("\n".join(shown).split())
    for words in sorted(said, key=len, reverse=True):
        words = " ".join(words.split())
        text = text.replace(words, " ") if len(words) > 12 else text
    return text


def _constants(source, strings=False):
    """Return the numbers in a source; with `strings`, those in its texts, too, but not in docstrings."""
    try:
        tree = ast.parse(re.sub(r"(?m)^\s*[%!].*$", "", source))
    except SyntaxError:
        return []
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node) is not None
    }
    found = []
    for node in ast.walk(tree):
        value = getattr(node, "value", None) if isinstance(node, ast.Constant) else None
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            found.append(Number(float(abs(value)), 0.0, False, str(value)))
        elif strings and isinstance(value, str) and id(node) not in docstrings:
            found += numbers(value)
    return found


def _pictures(code):
    """Return the sources of the lesson's pictures, whose numbers are the experiment's."""
    names = re.findall(r"^from helpers\.widgets import (\w+) as pictures", code, re.M)
    paths = [TOP / "helpers" / "widgets" / f"{name}.py" for name in names]
    return [path.read_text(encoding="utf-8") for path in paths if path.exists()]
