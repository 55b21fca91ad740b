"""What nbgrader does differently in this course, through its public plugin points; nbgrader_config.py names the parts.

A submission passes through these steps::

    prepare   links and pipes move aside; a folder without the released notebook is graded as such
    Reader    a file of any kind becomes a notebook; one that cannot be read becomes an empty one that says why
    Restore   every released cell is there once, in order, with the released tests; all else is plain cells
    Execute   runs the learner's cells in a box (`room`, `box`) and the tests in a trusted process (`rooms`, `wire`)
    Record    scores and comments go to the gradebook; what could not be read is marked for a human's eye
"""

from .execute import Execute, hidden_seed
from .record import Record
from .submission import Reader, Restore, prepare

__all__ = ["Execute", "Reader", "Record", "Restore", "hidden_seed", "prepare"]
