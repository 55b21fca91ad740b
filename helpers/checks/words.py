"""The sentences of failed checks: made last, from data, all in this place.

Each form has two templates: one clause without any number of a case, which is all that graded feedback shows, and what
completes it for the learner. What only a hidden case has, `unseen` takes out of the clause.
"""

import numpy as np

from .views import VIEWS

SENTENCES = {
    "unwritten": ("{exercise} is not written yet", ""),
    "calls unwritten": ("{exercise} calls {got}, which is not written yet", ""),
    "exception": ("{exercise} stopped with {got}{place}", ""),
    "changed": ("{exercise} changed its argument {part}. Work on a copy", ""),
    "type": ("{part}: expected {expected}{keys}, got {got}", ""),
    "whole": ("{part}: a whole number is asked for, not a float", ": got {got}"),
    "passed in": (
        "{part}: it is the array that was passed in as {other}. Make a new one, which does not change with it", "",
    ),
    "one array": ("{part}: it is one array with {other}, and changes with it. Make an array for each", ""),
    "nothing": ("{part}: expected {expected}{keys}, got {got}", ". Does the function return it?"),
    "key": ("{part}: the key {missing} is missing", "; {has}"),
    "a key": ("{part}: a key is missing", ""),
    "extra key": ("{part}: it has a key that it must not have here", ": {extra}"),
    "count": ("{part}: wrong number of entries", ": expected {expected}, got {got}"),
    "shape": ("{part}: wrong shape", ": expected shape {expected}, got shape {got}"),
    "number": ("{part}: wrong shape", ": expected a number, got an array of shape {got}"),
    "finite": ("{part}: contains {word}", "{where}{count}"),
    "value": ("{part}: wrong", "{where}: expected {expected}, got {got}{count}"),
    "text": ("{part}: wrong", ": expected {expected}, got {got}"),
    # Random functions and procedures.
    "other structure": ("{part}: not every call gives an output of the same structure", ""),
    "unlike": ("{part}: wrong", ""),
    "repeats": (
        "{part}: called twice with equal arguments, it gives two outputs. Is each random number drawn from rng?", "",
    ),
    "global": ("{part}: np.random is used, which all code shares. Draw from rng", ""),
    "not moved": ("{part}: rng stands where it stood before the call. Draw from rng itself, not from a copy", ""),
    "moved": (
        "{part}: numbers are drawn from rng where nothing is random. What is drawn later comes out differently by it",
        "",
    ),
    "constant": ("{part}: the same in every call, whatever rng draws", ""),
    "mean": ("{part}: wrong mean of its entries", "{about}"),
    "deviation": ("{part}: wrong standard deviation of its entries", "{about}"),
    "average": ("{part}: wrong on average", "{where}{about}"),
    "mean square": ("{part}: wrong mean square", "{where}{about}"),
    "fixed": ("{part}: wrong", "{where}{about}"),
    "cut": ("{part}: its smallest or largest number occurs again and again. Is something cut off?", ""),
    "twice": ("{part}: a number occurs twice. Each entry needs a draw of its own", ""),
    "together": ("{part}: its entries depend on each other. Each one needs a draw of its own", ""),
    "rows": ("{part}: the entries of a row depend on each other. Each one needs a draw of its own", ""),
    "columns": ("{part}: the entries of a column depend on each other. Each one needs a draw of its own", ""),
    "shared": ("{part}: its numbers go together with those of {other}. Each needs draws of its own", ""),
    "pairs": ("{part}: some of its entries follow from others. Each one needs a draw of its own", ""),
    "shares": (
        "{part}: its values are spread in another way", ": up to {limit}, expected about {expected} of them, got {got}",
    ),
    "ends": ("{part}: its smallest or largest value is never drawn", ": expected values from {expected}, got {got}"),
    "beyond": ("{part}: it holds values beyond the ends", ": expected values from {expected}, got {got}"),
    "grid": ("{part}: it holds only a few different values", ": {got} different ones of {total}"),
    "other values": ("{part}: its entries take other values, and more of them", ""),
    "apart": ("{part}: it does not go with {other} as it must", ""),
    "different": ("{part}: wrong number of different values in a call", "{about}"),
    "other properties": ("{part}: wrong", ""),
    "called": ("{part}: it does not call {other} as often as asked", ": expected {expected} calls, got {got}"),
    "few steps": ("{part}: it cannot be called with a few steps, or with learning_rate 0", ""),
    "idle": ("{part}: the parameters move although learning_rate or num_iterations is 0. Are both arguments used?", ""),
    "stuck": ("{part} does not move in the {nth} step", ""),
    "step": ("{part}: wrong after the {nth} step", ": it moved {got} times as far as gradient descent does"),
    "off": ("{part}: wrong after the {nth} step: gradient descent from your start leads elsewhere", ""),
    "costs": (
        "{part}: wrong", "{where}: expected {expected}, got {got}. Each cost is that of the parameters before its step",
    ),
}  # fmt: skip


def clause(what, exercise):
    """Return the clause of a `Difference`, without any number of a case."""
    return SENTENCES[what.form][0].format(**_fields(what, exercise))


def unseen(what, exercise, known):
    """Return a `Difference` in a hidden case without what only that case has, for its clause.

    A learner's function can choose by a hidden case what is wrong. So its clause names a part of the output, never the
    place in a list; a key of a dict only if an open case has it, and one missing key of several; no line.

    Parameters
    ----------
    what : Difference
    exercise : packs.Exercise
    known : callable
        ``known(text)`` tells whether a text stands in an open case.
    """
    own = {exercise.name, *exercise.returns, *exercise.cases[0].arguments}
    for case in exercise.cases:
        if case.judge and case.judge["view"]:
            own.update(VIEWS[case.judge["view"]].said)

    def said(part):
        part = part.partition("[")[0]
        return part if part in own or known(part) else exercise.name

    parts = ", ".join(map(said, what.part.split(", "))) if what.form == "changed" else said(what.part)
    form, more = what.form, {key: value for key, value in what.more.items() if key not in ("place", "keys", "has")}
    if "other" in more:
        more["other"] = said(more["other"])
    if form == "key":
        missing = [key for key in what.expected if key not in what.got and isinstance(key, str) and known(key)]
        form, more = ("key", {"missing": repr(missing[0])}) if missing else ("a key", {})
    return what._replace(part=parts, form=form, more=more)


def detail(what, exercise):
    """Return what completes the clause for the learner: where, expected and got."""
    return SENTENCES[what.form][1].format(**_fields(what, exercise))


def message(clause, detail="", cause="", equation=""):
    """Join the parts of a message into sentences."""
    text = clause + detail
    sentences = [text if text.endswith("?") else text + "."]
    sentences += [cause] if cause else []
    sentences += [see(equation)] if equation else []
    return " ".join(sentences)


def see(equation):
    """Return the sentence that names an equation, "(7.10)", or several, "(7.6) and (7.7)"."""
    return f"See equation{'s' * (equation.count('(') > 1)} {equation}."


def _fields(what, exercise):
    fields = {
        "exercise": exercise,
        "part": what.part,
        "place": "",
        "keys": "",
        "where": "",
        "count": "",
        "about": "",
    } | what.more
    expected, got = at(what)
    if what.form in ("mean", "deviation", "average", "mean square", "fixed", "different", "shares"):
        fields["expected"], fields["got"] = numbers(expected, got, 2)
        over = f" (over {what.more['calls']} calls)" if what.more.get("calls", 1) > 1 else ""
        fields["about"] = f": expected about {fields['expected']}, got about {fields['got']}{over}"
    elif what.form == "whole":
        fields["got"] = repr(got)
    elif _is_number(expected) and _is_number(got):
        fields["expected"], fields["got"] = numbers(expected, got)
    elif what.form == "text":
        fields["expected"], fields["got"] = repr(expected), repr(got)
    else:
        fields["expected"], fields["got"] = (number(x) if _is_number(x) else x for x in (expected, got))
    if what.index:
        fields["where"] = f" at index {what.index if len(what.index) > 1 else what.index[0]}"
    if what.wrong is not None and what.wrong.size > 1:
        fields["count"] = f" ({int(what.wrong.sum())} of {what.wrong.size} entries)"
    return fields


def at(what):
    """Return what was expected and got as one reads them: the numbers at the index, the shapes, the descriptions."""
    if what.form in ("shape", "number"):
        return np.shape(what.expected), np.shape(what.got)
    if what.form in ("value", "finite"):
        return tuple(float(np.asarray(side, dtype=float)[what.index]) for side in (what.expected, what.got))
    return what.expected, what.got


def _is_number(value):
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)


def number(value, digits=6):
    """Return a number as a short text: ``"6"``, ``"0.7311"``, ``"1.2e-05"``."""
    value = float(value)
    if not np.isfinite(value):
        return str(value)
    return f"{value:.0f}" if value == round(value) and abs(value) < 1e6 else f"{value:.{digits}g}"


def numbers(expected, got, digits=6):
    """Return two numbers as texts with as many digits as it takes to tell them apart."""
    expected, got = float(expected), float(got)
    for precision in range(digits, 18):
        texts = number(expected, precision), number(got, precision)
        if texts[0] != texts[1] or expected == got:
            break
    return texts
