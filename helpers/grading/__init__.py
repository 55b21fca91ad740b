"""What nbgrader does differently in this course, through its public plugin points; nbgrader_config.py names the parts.

A submission passes through these steps::

    prepare   links and pipes move aside; a folder without the released notebook is graded as such
    Reader    a file of any kind becomes a notebook; one that cannot be read becomes an empty one that says why
    Restore   every released cell is there once, in order, with the released tests; all else is plain cells
    Execute   runs the learner's cells in a box (`room`, `box`) and the tests in a trusted process (`rooms`, `wire`)
    Record    scores and comments go to the gradebook; what could not be read, or was not there, is marked for a human

A class of thousands takes the same steps in `batch`, on many workers with one writer; `report` says what it shows,
`similar` finds answers that are alike, `late` takes points for being late.

A room is forked, in some milliseconds, from a warm process that has imported what the lesson needs and holds nothing
that a learner must not see. The workers of one machine share it.

In a test cell the learner's functions are proxies. Values cross as plain data (JSON, bounded in size and depth, no
pickle), functions as call-backs; what a function changes in its arguments comes back; nothing else does. What the
learner's own cells show comes from a room of its own, in which no test runs and no hidden case exists. In the other one
the cells run once more, unseen, with the tests between them, as in a kernel; where a test ends that room, the next one
gets a new room in which all before it has run again.

When an exercise fails, the later ones whose reference uses it are judged again with the reference in its place.

What the box does not protect against is said in `box`. Grade on a machine that holds nothing else worth stealing, keep
its kernel up to date, and prefer an ordinary user to root.
"""

from .collect import Students, Unpack
from .execute import Execute
from .folder import prepare
from .late import LatePenalty
from .record import Record
from .submission import Reader, Restore
from .text import FILTERS, EscapeNames

__all__ = [
    "FILTERS", "EscapeNames", "Execute", "LatePenalty", "Reader", "Record", "Restore", "Students", "Unpack", "prepare",
]  # fmt: skip
