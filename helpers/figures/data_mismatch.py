"""Measure all consequences of the project of lesson 3.3: ``python -m helpers.figures.data_mismatch``.

48 states, five networks each, forty dev sets for each network; it takes some minutes. It prints the table that stands
in `helpers.widgets.data_mismatch`.
"""

import itertools

import numpy as np

from helpers import exercises
from helpers.widgets import data_mismatch, progress

REPEATS = 5


def states():
    """Return all states of the project: sets of what was bought. Of the two ways to fill the frame, one is in use."""
    names = [name for name in data_mismatch.PRICES if name != "30 images, many slants"]
    found = []
    for chosen in itertools.product((False, True), repeat=len(names)):
        state = {name for name, taken in zip(names, chosen, strict=True) if taken}
        found.append(frozenset(state))
        if "fill the frame" not in state:
            found.append(frozenset(state | {"30 images, many slants"}))
    return found


def main():
    """Print one line per state: its code, then train, train-dev, dev, blackbox, test error, lowest and highest test
    error of the five networks, in thousandths.
    """
    synthesize = exercises.load("data_mismatch").exercises["synthesize"].reference
    for state in progress(states()):
        errors = np.array([data_mismatch.measure(state, synthesize, seed) for seed in range(REPEATS)])
        shown = [*errors.mean(axis=0), errors[:, -1].min(), errors[:, -1].max()]
        print(data_mismatch.code(state), *(f"{1000 * error:3.0f}" for error in shown), flush=True)


if __name__ == "__main__":
    main()
