"""Runs to diagnose: a training run with a planted fault, shown; the learner says the cause and what to try first."""

from typing import Any, NamedTuple

from . import ask, show


class Fault(NamedTuple):
    """A fault of a run: its cause, how a run with it looks (after "the cost" or the like), what to try first."""

    cause: str
    looks: str
    first: str


class Run(NamedTuple):
    """A run with the fault number ``which`` of ``faults``: its figure, and the same in words for who cannot see it."""

    figure: Any
    words: str
    faults: tuple
    which: int


def put(run, rng):
    """Show a run, ask for its cause and for the first thing to try, and explain each choice; return the right ones.

    Parameters
    ----------
    run : Run
    rng : Generator
        Gives the order of the choices.

    Returns
    -------
    int
        From 0 to 2.
    """
    if show.in_notebook():
        from IPython.display import display

        display(run.figure)
    print(ask.wrapped(run.words) + "\n")
    fault, right = run.faults[run.which], 0
    for question, word in (("What is the cause?", "cause"), ("What do you try first?", "first")):
        order = [int(i) for i in rng.permutation(len(run.faults))]
        choices = [getattr(run.faults[i], word) for i in order]
        ask.show(question, choices)
        given = ask.answer(choices)
        if given is None:
            print("No answer.")
            return right
        chosen = run.faults[order[given]]
        if chosen is fault:
            right += 1
            said = fault.looks if word == "cause" else f"here {fault.cause}"
            reply = f"Yes: {said}."
        elif word == "cause":
            reply = f"No. With that, {chosen.looks}. Here {fault.looks}. So {fault.cause}."
        else:
            reply = f"No. That helps where {chosen.cause}. Here {fault.cause}: {fault.first}."
        print(ask.wrapped(reply) + "\n")
    return right
