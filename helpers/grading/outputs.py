"""What cells of a graded notebook show: of tests in the grader's words, of learners' cells what no page executes."""

import base64
import binascii
import textwrap

from nbformat.v4 import new_output

from helpers.checks import CheckFailed

from . import rooms, text
from .submission import STOPPED


def has_failed(cell):
    return any(output.output_type == "error" for output in cell.outputs)


def stopped_output(cell, sentence):
    """Mark a cell that was stopped, and return the output that says so."""
    cell.metadata[STOPPED] = sentence
    return [error_output("Stopped", sentence)]


def failure(error):
    """Return what is wrong in a test cell as data, without anything of its cases: kind, form, part, mistake.

    The kinds are those of `checks.CheckFailed.data`, and "missing" (no function of this name), "stopped" (by a limit),
    "assert" (an assert of the cell fails) and "error" (the test itself stops).
    """
    data = getattr(error, "data", None)
    if isinstance(error, CheckFailed) and isinstance(data, dict):
        return {key: data.get(key) for key in ("kind", "form", "part", "mistake")}
    kinds = {NameError: "missing", rooms.Stopped: "stopped", AssertionError: "assert"}
    kind = next((word for kind, word in kinds.items() if isinstance(error, kind)), "error")
    return {"kind": kind, "form": None, "part": None, "mistake": None}


def test_outputs(printed, value, error):
    outputs = []
    if printed:
        outputs.append(new_output("stream", name="stdout", text=printed))
    if error is not None:
        kind = "Stopped" if isinstance(error, rooms.Stopped) else type(error).__name__
        outputs.append(error_output(kind, _said(error)))
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        # nbgrader takes a number as the score.
        outputs.append(new_output("execute_result", data={"text/plain": repr(float(value))}, execution_count=1))
    return outputs


def _said(error):
    """Return the sentence of an error in a test cell, without our frames and without what a hidden test compares.

    What the learner's code raised, or put into a value, could be a hidden case: only its kind is said.
    """
    if isinstance(error, (rooms.Stopped, rooms.NotPlain)):
        return str(error)
    own = not hasattr(error, "learner_line")
    if own and isinstance(error, AssertionError):
        return str(error) or "A test of this cell fails."
    if own and isinstance(error, NameError):
        return f"{error}. Is the function defined in the cell above?"
    return f"The test stopped with {type(error).__name__}."


def error_output(kind, sentence):
    return new_output("error", ename=kind, evalue=sentence, traceback=textwrap.wrap(sentence, 80) or [kind])


def clean_outputs(items):
    """Yield what a learner's cell showed as outputs that no page executes; anything else is left out."""
    for item in items[:200] if isinstance(items, list) else ():
        if not isinstance(item, dict):
            continue
        kind = item.get("output_type")
        if kind == "stream" and item.get("name") in ("stdout", "stderr"):
            yield new_output("stream", name=item["name"], text=_text(item.get("text")))
        elif kind == "error":
            lines = item.get("traceback")
            lines = [_text(line, 2000) for line in lines[:100]] if isinstance(lines, list) else []
            name = text.line(_text(item.get("ename")), 80)
            yield new_output("error", ename=name, evalue=_text(item.get("evalue")), traceback=lines)
        elif kind in ("display_data", "execute_result") and isinstance(item.get("data"), dict):
            data = {}
            if "text/plain" in item["data"]:
                data["text/plain"] = _text(item["data"]["text/plain"])
            if _is_png(item["data"].get("image/png")):
                data["image/png"] = item["data"]["image/png"]
            if data:
                yield new_output("display_data", data=data)


def _text(value, limit=150_000):
    return text.block(value[:limit]) if isinstance(value, str) else ""


def _is_png(value):
    if not isinstance(value, str) or len(value) > 3_000_000:
        return False
    try:
        return base64.b64decode(value.replace("\n", ""), validate=True).startswith(b"\x89PNG")
    except (binascii.Error, ValueError):
        return False
