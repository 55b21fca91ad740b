"""How a failed check looks in a notebook: a small card with what, where, expected beside got, the cause."""

import html
import sys

import numpy as np

from . import words
from .compare import describe
from .words import number

_MOST_ROWS, _MOST_COLUMNS = 6, 8
# Colours follow JupyterLab's theme, light or dark; the values after the commas serve pages without a theme.
_STYLE = {
    "card": "border:1px solid var(--jp-border-color2,#bdbdbd);border-left:4px solid #E69F00;border-radius:3px;"
    "padding:.5em .8em;max-width:52em;line-height:1.5;color:var(--jp-ui-font-color1,#212121);"
    "background:var(--jp-layout-color1,#fff);font-family:var(--jp-content-font-family,sans-serif);font-size:14px",
    "table": "border-collapse:collapse;margin:.3em 1.5em .3em 0;display:inline-block;vertical-align:top",
    "entry": "padding:.05em .6em;text-align:right;font-family:var(--jp-code-font-family,monospace);font-size:13px;"
    "border:0;color:inherit;background:none",
    "wrong": "font-weight:bold;outline:2px solid #D55E00;outline-offset:-1px",
    "quiet": "color:var(--jp-ui-font-color2,#616161)",
}


def card(exercise, position, what, cause):
    """Display the card of a failed check in a notebook; do nothing elsewhere (the exception's text says it all)."""
    if in_notebook():
        from IPython.display import HTML, display

        display(HTML(card_html(exercise, position, what, cause)))


STEPS = ("a question", "the equations", "a small case traced", "the answer with gaps")


def hints(name, steps, shown):
    """Display the first steps of a hint, in a notebook as Markdown with its formulas, elsewhere as text.

    Parameters
    ----------
    name : str
        The exercise.
    steps : sequence of str
        Its steps, as Markdown; empty where the pack is older than hints.
    shown : int
        How many of them to show.
    """
    parts = [f"**Hint {i + 1} of {len(steps)}, {STEPS[i]}**\n\n{steps[i]}" for i in range(shown)]
    if not steps:
        parts = [f"There is no hint for {name} here."]
    elif shown < len(steps):
        parts.append(f"*Next: {STEPS[shown]}. Call `check.hint({name})` once more.*")
    text = "\n\n".join(parts)
    if in_notebook():
        from IPython.display import Markdown, display

        display(Markdown(text))
    else:
        print(text)


def ways(name, own, found):
    """Display right answers side by side, in a notebook as columns that wrap, elsewhere one below the other.

    Parameters
    ----------
    name : str
        The exercise.
    own : str or None
        The learner's code.
    found : list of dict
        From `think.ways`.
    """
    titles = ["The reference", *(f"Another way{f' ({i})' if len(found) > 2 else ''}" for i in range(1, len(found)))]
    shown = [("Yours", "", own)] if own else []
    shown += [(title, way["differs"], way["code"]) for title, way in zip(titles, found, strict=True)]
    if not in_notebook():
        print(
            "\n\n".join(
                "\n".join(filter(None, [f"{title}. {differs}".rstrip(), code])) for title, differs, code in shown
            )
        )
        return
    from IPython.display import HTML, display

    columns = "".join(
        f'<section style="flex:1 1 24em;min-width:0" aria-label="{_text(title)}"><b>{_text(title)}</b>'
        f'<div style="{_STYLE["quiet"]}">{_text(differs)}</div>'
        f'<pre tabindex="0" style="overflow:auto;margin:.3em 0;font-size:13px;color:inherit">{_text(code)}</pre>'
        "</section>"
        for title, differs, code in shown
    )
    style = f"{_STYLE['card']};max-width:none;border-left-color:#009E73;display:flex;flex-wrap:wrap;gap:1.5em"
    display(HTML(f'<div class="check-ways" style="{style}">{columns}</div>'))


def in_notebook():
    """Return whether IPython runs, which can display more than text."""
    return "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None


def card_html(exercise, position, what, cause):
    """Return the card as HTML; every text in it is escaped."""
    case, equation = exercise.cases[position], exercise.equation_of(what.part)
    called = ", ".join(f"{name} = {short(value)}" for name, value in case.arguments.items())
    said = words.clause(what, exercise.name) + words.detail(what, exercise.name)
    said = said.removeprefix(f"{exercise.name}: ")
    rows = [
        f"<b>{_text(exercise.name)}</b>: {_text(said)}",
        _arrays(what),
        f"<b>Likely cause:</b> {_text(cause)}" if cause else "",
        f'<span style="{_STYLE["quiet"]}">Case {position + 1} of {len(exercise.cases)}: '
        f"<code>{_text(exercise.name)}</code> was called with {_text(called)}."
        + (f" {_text(words.see(equation))}" if equation else "")
        + f' The case itself: <code>check.reference("{_text(exercise.name)}", {position + 1})</code>.</span>',
    ]
    inner = "".join(f'<div style="margin:.15em 0">{row}</div>' for row in rows if row)
    return f'<div class="check-card" role="status" style="{_STYLE["card"]}">{inner}</div>'


def short(value):
    """Return a value in a few words: a number itself, an array by its shape."""
    if isinstance(value, (np.ndarray, type(None))):
        return describe(value)
    if isinstance(value, (bool, int, float, np.generic)):
        return number(value)
    if isinstance(value, dict):
        return "a dict with " + ", ".join(map(str, value))
    if isinstance(value, np.random.Generator):
        return "a random generator"
    text = repr(value)
    return text if len(text) <= 40 else describe(value)


def _text(text):
    return html.escape(str(text))


def _arrays(what):
    """Return expected and got side by side, wrong entries framed; empty for text, None and large arrays."""
    both = [
        np.asarray(value) for value in (what.expected, what.got) if isinstance(value, (np.ndarray, float, np.generic))
    ]
    if len(both) != 2 or any(a.dtype.kind not in "biuf" or a.ndim > 2 or a.ndim == 0 for a in both):
        return ""
    if any(a.shape[-1] > _MOST_COLUMNS or (a.ndim == 2 and a.shape[0] > _MOST_ROWS) for a in both):
        return ""
    wrong = (
        what.wrong if what.wrong is not None and what.wrong.shape == both[1].shape else np.zeros(both[1].shape, bool)
    )
    return _table("expected", both[0], np.zeros(both[0].shape, bool)) + _table("got", both[1], wrong)


def _table(title, array, wrong):
    rows = ""
    for values, marks in zip(np.atleast_2d(array), np.atleast_2d(wrong), strict=True):
        entries = "".join(
            f'<td style="{_STYLE["entry"]};{_STYLE["wrong"]}" aria-label="{number(value)}, wrong">{number(value)}</td>'
            if mark
            else f'<td style="{_STYLE["entry"]}">{number(value)}</td>'
            for value, mark in zip(values, marks, strict=True)
        )
        rows += f'<tr style="background:none">{entries}</tr>'
    caption = f'<caption style="text-align:left;white-space:nowrap;{_STYLE["quiet"]}">{title} {array.shape}</caption>'
    return f'<table style="{_STYLE["table"]}">{caption}<tbody>{rows}</tbody></table>'
