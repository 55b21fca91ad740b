"""The source of lessons for the checks in the repository: the catalogue, and hints made from the notebooks.

`helpers.source_of_lessons` hands this module to `helpers.checks`. No learner's edition has it.
"""

from helpers import exercises


def load(lesson, seed):
    """Return ``{name: packs.Exercise}`` of a lesson with the cases of this seed."""
    return exercises.drawn(lesson, seed)


def texts(lesson, exercise):
    """Return the texts in the open cases of an exercise: in its arguments and right outputs, keys included."""
    return exercises.load(lesson).exercises[exercise].texts


def hints(lesson, exercise):
    """Return the steps of the hint for an exercise."""
    from helpers import hints  # needs the notebooks, which few checks do

    return hints.make(lesson)[exercise]


def thinking(lesson):
    """Return what a lesson asks besides its exercises."""
    from helpers import thinking

    return thinking.make(lesson)


def ways(lesson):
    """Return the right answers of a lesson's exercises, side by side."""
    from helpers import thinking

    return thinking.ways(lesson)


def sheet(lesson):
    """Return the cases of a lesson's graded sheet of questions."""
    from helpers import thinking

    return thinking.sheet(lesson)
