"""Predict first: a question before an experiment, and the guess beside what came out. Never graded.

A guess is kept in the learner's progress file, so that it still stands when the notebook is opened again.
"""

from typing import NamedTuple

from . import ask, progress

_guesses = {}  # of this session; where progress is kept, those of earlier ones are there


class Prediction(NamedTuple):
    """A question before an experiment: with choices, or for a number if there are none; why it came out as it did."""

    question: str
    choices: tuple
    because: str


def predict(lesson, name, prediction, again=False):
    """Ask the question of a prediction and keep the guess; who has guessed already sees question and guess.

    Parameters
    ----------
    lesson, name : str
    prediction : Prediction
    again : bool
        Whether to ask once more.
    """
    ask.show(prediction.question, prediction.choices)
    guess = None if again else _guess(lesson, name, prediction)
    if guess is None:
        guess = ask.answer(prediction.choices, "guess")
        if guess is None:
            print("No guess yet. Make one before you run what follows: that is where you learn.")
            return
        _guesses[lesson, name] = guess
        progress.keep(lesson=lesson, predict=name, guess=guess)
    print(f"Your guess stands: {ask.said(guess, prediction.choices)}")


def compare(lesson, name, prediction, came_out):
    """Print the guess beside what came out, and why.

    Parameters
    ----------
    lesson, name : str
    prediction : Prediction
    came_out : int or float
        The position of a choice, or the number; the experiment computes it.
    """
    guess = _guess(lesson, name, prediction)
    came_out = int(came_out) if prediction.choices else float(came_out)
    print(f"You guessed:  {'nothing' if guess is None else ask.said(guess, prediction.choices)}")
    print(f"It came out:  {ask.said(came_out, prediction.choices)}")
    print(ask.wrapped(prediction.because))


def _guess(lesson, name, prediction):
    """Return the last guess, or None; one that is no answer to the question as it is now does not count."""
    kept = [
        event.get("guess") for event in progress.events() if (event["lesson"], event.get("predict")) == (lesson, name)
    ]
    guess = _guesses.get((lesson, name), kept[-1] if kept else None)
    if isinstance(guess, bool) or not isinstance(guess, (int, float)):
        return None
    if prediction.choices and (not isinstance(guess, int) or not 0 <= guess < len(prediction.choices)):
        return None
    return guess
