"""Grade a right and a hostile submission of a made-up exercise here; print what the hostile one reaches, a line each.

``python -m helpers doctor --for instructor`` runs this file: it tries what `box` promises on the machine as it is. An
argument names another box than the strongest.
"""

import os
import socket
import sys
import tempfile
import time
from pathlib import Path

from nbformat.v4 import new_code_cell, new_notebook

from helpers.grading import box, execute, rooms, submission, warm

RIGHT = "def double(x):\n    return 2 * x"
#: Each line prints its words if it succeeds.
HOSTILE = """
import ctypes, os, socket, time
def tries(words, do):
    try:
        do()
        print(words)
    except Exception:
        pass
tries("reads the grader's files", lambda: open({canary!r}).read())
tries("writes among the grader's files", lambda: open({canary!r} + "2", "w"))
tries("reads the grader's environment", lambda: open("/proc/{grader}/environ").read())
tries("signals the grader", lambda: os.kill({grader}, 0))
tries("uses the network", lambda: socket.create_connection(("127.0.0.1", {port}), 1))
ctypes.CDLL(None).prctl(15, b"{name}")
if os.fork() == 0:
    os.setsid()
    time.sleep(60)
def double(x):
    return 42
"""


def graded(source, strength):
    """Return whether an answer gets its point, and what its cell printed."""
    kinds = {"answer": (RIGHT.replace("2 * x", "None"), False), "test_double": ("assert double(3) == 6", True)}
    released = [
        submission.Released(name, "code", text, locked, not locked, False, 1.0 if locked else None, "")
        for name, (text, locked) in kinds.items()
    ]
    sources = {"answer": source, "test_double": kinds["test_double"][0]}
    nb = new_notebook(
        cells=[new_code_cell(text, metadata={"nbgrader": {"grade_id": name}}) for name, text in sources.items()]
    )
    execute.execute(nb, released, "trial", "nobody", os.urandom(32), strength, {"call": 5.0, "cell": 10.0})
    answer, test = nb.cells[:2]
    return not test.outputs, "".join(output.get("text", "") for output in answer.outputs)


def left(name):
    """Return whether a process of this name is there."""
    found = []
    for path in Path("/proc").glob("[0-9]*/comm"):
        try:
            found.append(path.read_text().strip())
        except OSError:
            continue
    return name in found


def main(strength="strongest"):
    name = f"trial{os.getpid()}"
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as server:
        canary = os.path.join(folder, "canary")
        Path(canary).write_text("canary")
        fields = {"canary": canary, "grader": os.getpid(), "port": server.getsockname()[1], "name": name}
        try:
            passes, _ = graded(RIGHT, strength)
            gains, printed = graded(HOSTILE.format(**fields), strength)
        except (box.NoBox, rooms.ReferenceFailed, warm.NoWarm) as error:
            sys.exit(f"{error}")
        end = time.monotonic() + 3
        while left(name) and time.monotonic() < end:
            time.sleep(0.05)
        words = [] if passes else ["a right answer loses its point"]
        words += ["a hostile one gains a point"] if gains else []
        words += [f"a hostile one {line}" for line in printed.splitlines()]
        words += ["a hostile one goes on after it was graded"] if left(name) else []
    print("\n".join(words))


if __name__ == "__main__":
    main(*sys.argv[1:])
