"""What nbgrader does differently in this course, through its public plugin points; nbgrader_config.py names the parts.

A submission passes through these steps::

    prepare   links and pipes move aside; a folder without the released notebook is graded as such
    Reader    a file of any kind becomes a notebook; one that cannot be read becomes an empty one that says why
    Restore   every released cell is there once, in order, with the released tests; all else is plain cells
    Execute   runs the learner's cells in a box (`room`, `box`) and the tests in a trusted process (`rooms`, `judge`),
              and gives each cell what it shows (`outputs`)
    Record    scores and comments go to the gradebook; what could not be read, or was not there, is marked for a human

A class of thousands takes the same steps in `batch`, on many workers with one writer; `downloads` and `collect` bring
submissions in, `status` says where the class stands, `report` what it shows, `feedback` writes the pages, `similar`
finds answers that are alike, `late` takes points for being late.

Theory of operation
-------------------

Which processes there are, and what connects them::

    grader ─────────────── reads submissions, writes the gradebook; knows the secret, all submissions, the environment
      │ fork, per submission                                                                            (`execute`)
      │   ◂── pipe: outputs of the cells, JSON
      ├── judge ────────── runs the released tests and compares values; knows the seed and the hidden cases  (`judge`)
      │     │ ▴
      │     │ │ socket, per room: requests and answers, plain data as JSON, bounded                    (`rooms`, `wire`)
      │     ▾ │
      │   room ─────────── runs the learner's cells and functions in a box; knows what its calls pass   (`room`, `box`)
      │     ▴ fork, per room
      └── warm ─────────── has imported what a lesson needs; knows nothing that a learner must not see (`warm`, `room`)
            ◂── socket: orders of rooms; with each go the room's end of its socket and of a pipe of life
            ──▸ number of the room, and a descriptor of its process

The *grader* is `nbgrader autograde`, formgrader or a worker of the class run. It has the rights of the one who started
it and reads nothing that comes out of a room but finished outputs.

The *warm* process is started, not forked: its memory, environment and open files begin empty but for an allow-list
(`warm.ENVIRONMENT`). Workers of one machine share it. It has the grader's rights and meets no submission. It is the
parent of all rooms, knows the end of each by a descriptor, adopts what a room leaves, ends it and removes its files. A
room lives as long as its orderer holds the other end of a pipe, so it ends with a judge that is killed; a second signal
of the kernel ends it with the warm process. Where no namespace ends what a room forked, in `landlock`, a guard is the
parent of the warm process and ends all that is left after it.

A *room* has no rights: a user of its own if the grader is root, no capability, no new privileges, an allow-list of
system calls, and the files that `readable` names. A second warm process forks rooms of the reference solutions,
for exercises that are judged again; learners' code never runs in one of those.

The *judge* is a fork of the grader for one submission, because what a learner's code returns decides how much work
judging is. The kernel limits its memory, a timer each test, and the grader waits so long and no longer. It ends with
the grader.

What crosses. In a test cell the learner's functions are proxies. Values cross as plain data (JSON, no pickle), bounded
in size, by what the reference gives and takes, before they are read. Functions cross as call-backs; what a function
changes in its arguments comes back; nothing else does. Nothing that a room says of itself is believed: not its ends,
not its errors. Of an exception that the learner's code raised, feedback names the kind, of a value what it is; neither
text, line, type nor size is said, for these could be a hidden case. Nor are the seconds that grading took.

The cells run twice. What they show comes from a room in which no test runs and no hidden case exists. In another one
they run once more, unseen, with the tests between them, as in a kernel; where a test ends that room, the next one gets
a new room in which all before it has run again. Each of the two has half of the submission's time: how long the tests
take cannot be seen in what is shown. After the end of its time, cells or bytes, nothing of a submission starts.

When an exercise fails, the later ones whose reference uses it are judged again with the reference in its place.

A graded sheet of questions about the learner's own code, if the course has one, is asked in the first of the two rooms,
which has no hidden case, and gets its points last (`sheet`). What is right there, the room says: of these points alone
it can have what it likes.

What is promised and what is not stands in SECURITY.md; what a box does not protect against, in `box`. Grade on a
machine that holds nothing else worth stealing, keep its kernel up to date, and prefer an ordinary user to root.
"""

from .collect import Collect
from .execute import Execute
from .folder import prepare
from .late import LatePenalty
from .record import Record
from .sheet import OwnCode
from .submission import Reader, Restore
from .text import FILTERS, EscapeNames, guard_formgrader

__all__ = [
    "FILTERS", "Collect", "EscapeNames", "Execute", "LatePenalty", "OwnCode", "Reader", "Record", "Restore",
    "guard_formgrader", "prepare",
]  # fmt: skip
