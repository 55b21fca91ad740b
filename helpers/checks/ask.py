"""Ask a learner a question, as text: with choices or for a number. It needs a keyboard and nothing else.

The question is printed and the answer typed, in JupyterLab as in a terminal. Where nobody can type, and where cells
run one right after the other ("Run All"), the question stands there alone and nothing waits.
"""

import math
import re
import sys
import textwrap
import time

LETTERS = "abcdefgh"
#: A cell that begins so soon after another ended, in seconds, was not started by a hand of its own.
AT_ONCE = 0.1
_ended, _pause = [None], [math.inf]  # when the last cell ended; how long after it this one began


def choices_text(choices):
    """Return the choices with their letters, one a line."""
    return "\n".join(
        wrapped(f"  {letter}  {choice}", "     ") for letter, choice in zip(LETTERS, choices, strict=False)
    )


def watch():
    """From here on, know of each cell of this notebook how long after the one before it begins."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is not None and _ended[0] is None:
        _ended[0] = -math.inf
        shell.events.register("pre_run_cell", _begin)
        shell.events.register("post_run_cell", _end)


def _begin(_):
    _pause[0] = time.monotonic() - _ended[0]


def _end(_):
    _ended[0] = time.monotonic()


def show(question, choices=()):
    """Print a question and its choices."""
    print(wrapped(question))
    if choices:
        print(choices_text(choices))


def answer(choices=(), word="answer"):
    """Ask for an answer and return it: the position of a choice, a float if there are none, or None without an answer.

    Parameters
    ----------
    choices : sequence of str
        At most eight.
    word : str
        What the answer is called: "guess" or "answer".
    """
    if _pause[0] < AT_ONCE:
        return None
    if "ipykernel" in sys.modules:  # what was printed goes another way than the question for an answer: let it arrive
        sys.stdout.flush()
        time.sleep(0.2)
    wanted = f"a letter from a to {LETTERS[len(choices) - 1]}" if choices else "a number"
    for _ in range(3):
        try:
            typed = input(f"Your {word}, {wanted} (Enter alone: no {word}): ").strip()
        except (EOFError, OSError, NotImplementedError):  # nobody is there; IPython raises the last one
            return None
        if not typed:
            return None
        found = _understood(typed, choices)
        if found is not None:
            return found
        print(f"Please type {wanted}.")
    return None


def _understood(typed, choices):
    if not choices:
        try:
            return float(typed.replace(",", ".").replace("−", "-").rstrip("%"))
        except ValueError:
            return None
    letter = typed.lower().strip("().")
    if len(letter) == 1 and letter in LETTERS[: len(choices)]:
        return LETTERS.index(letter)
    same = [i for i, choice in enumerate(choices) if choice.lower() == typed.lower()]
    return same[0] if same else None


def said(value, choices=()):
    """Return an answer as one reads it."""
    if choices:
        return f"{LETTERS[value]}  {choices[value]}"
    return re.sub(r"\.0$", "", f"{value:.4g}")


def ordinal(number):
    """Return "3rd" for 3, as far as anyone counts."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def wrapped(text, indent=""):
    """Return a text in lines that fit beside a notebook's cells; further lines begin with `indent`."""
    return textwrap.fill(text, 96, subsequent_indent=indent)
