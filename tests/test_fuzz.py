"""A fuzzer: notebooks, folders, texts, answers and messages that nobody wrote down, made from numbers.

Each case follows from its kind and its number alone. ``FUZZ=20`` makes twenty times as many; a case that failed is
named with its number, and ``FUZZ_FIRST=number FUZZ=0`` runs it alone.
"""

import contextlib
import itertools
import json
import os
import random
import re
import shutil
import socket
import threading
import time
import types

import nbformat
import pytest
from bs4 import BeautifulSoup
from test_grading import LESSON, blank, full, without_free_cells
from test_hostile import UNSEEN, assert_harmless
from test_rooms import grade as grade_answer

from helpers.grading import batch, folder, record, rooms, submission, text, wire

FACTOR, FIRST = float(os.environ.get("FUZZ", "1")), int(os.environ.get("FUZZ_FIRST", "0"))
STRANGE = [
    None, True, False, 0, -1, 1e999, 10**30, "", "x", "\x00", "\ud800", "\u2028", "\u202e", "=1+1", "<script>x</script>",
    "\x1b[2K", [], {}, [[]], [None], {"": 1}, "a" * 5000, "](javascript&#58;x)", "${", "{x}", "sigmoid", "test_sigmoid", "setup",
]  # fmt: skip


def cases(kind, count):
    """Yield ``(number, random generator)`` of each case of a kind."""
    for number in range(FIRST, FIRST + max(int(count * FACTOR), 1)):
        yield number, random.Random(f"{kind} {number}")


@contextlib.contextmanager
def counted(kind, record_property):
    """Say how many cases a second there were, and the number of one that fails."""
    start, counter = time.monotonic(), types.SimpleNamespace(cases=0)
    try:
        yield counter
    except BaseException as error:
        error.add_note(f"FUZZ_FIRST={FIRST + counter.cases} FUZZ=0 pytest tests/test_fuzz.py -k {kind}")
        raise
    record_property(f"fuzzed {kind}, and per second", f"{counter.cases}, {counter.cases / (time.monotonic() - start):.0f}")


def changed(rng, value, depth=0):
    """Return a copy of plain data in which a part here and there is another one."""
    if rng.random() < 0.02 * (depth > 0):
        return rng.choice(STRANGE)
    if isinstance(value, dict):
        made = {key: changed(rng, one, depth + 1) for key, one in value.items() if rng.random() > 0.02}
        if rng.random() < 0.02:
            made[str(rng.choice(STRANGE))] = rng.choice(STRANGE)
        return made
    if isinstance(value, list):
        made = [changed(rng, one, depth + 1) for one in value if rng.random() > 0.03]
        if made and rng.random() < 0.15:
            made.insert(rng.randrange(len(made) + 1), rng.choice(made))
        if rng.random() < 0.1:
            rng.shuffle(made)
        return made
    if isinstance(value, str) and rng.random() < 0.02 and len(value) > 3:
        at = rng.randrange(len(value))
        return value[:at] + str(rng.choice(STRANGE)) + value[at + rng.randrange(5) :]
    return value


def damaged(rng, content):
    """Return bytes with some of them changed, left out or cut off."""
    content = bytearray(content)
    for _ in range(rng.randrange(1, 6)):
        at = rng.randrange(len(content))
        how = rng.randrange(4)
        if how == 0:
            content[at] = rng.randrange(256)
        elif how == 1:
            del content[at : at + rng.randrange(50)]
        elif how == 2:
            content[at:at] = rng.randbytes(rng.randrange(9))
        else:
            del content[at + rng.randrange(len(content)) :]
        content = content or bytearray(b"0")
    return bytes(content)


@pytest.fixture(scope="module")
def released():
    return [
        submission.Released(
            cell.metadata.nbgrader.grade_id, cell.cell_type, cell.source, cell.metadata.nbgrader.locked,
            cell.metadata.nbgrader.solution, False, cell.metadata.nbgrader.get("points"), "sum",
        )
        for cell in without_free_cells(blank()).cells
    ]  # fmt: skip


def test_fuzzed_notebooks(released, record_property):
    """Whatever a file holds, it becomes the released cells, each once and in order, and a record that is text."""
    base = json.loads(nbformat.writes(without_free_cells(full())))
    for one in base["cells"]:
        one["source"] = "".join(one["source"])
    locked = {one.name: one.source for one in released if one.locked}
    with counted("notebooks", record_property) as counter:
        for _, rng in cases("notebooks", 800):
            notebook = changed(rng, base)
            content = json.dumps(notebook, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")
            content = damaged(rng, content) if rng.random() < 0.4 else content
            handed = folder.Handed(content, "", tuple(map(str, rng.sample(STRANGE, 2))) if rng.random() < 0.1 else ())
            nb = submission.read_handed(handed)
            submission.restore_notebook(nb, released)
            names = [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in nb.cells]
            assert [name for name in names if name] == [one.name for one in released]
            assert all(cell.source == locked[name] for cell, name in zip(nb.cells, names, strict=True) if name in locked)
            assert len({cell.id for cell in nb.cells}) == len(nb.cells)
            nbformat.validate(nb)
            nbformat.writes(nb).encode()
            facts = record.facts_of(nb, "ann", "d")
            assert not UNSEEN.search(str({key: value for key, value in facts.items() if key != "comments"}))
            json.dumps(facts).encode()
            assert not facts["unreadable"] or not any(facts["scores"].values())
            counter.cases += 1


def test_fuzzed_folders(tmp_path, record_property):
    """Whatever a folder holds, one file is taken or a reason is given, and nothing is lost."""
    names = [LESSON.path.name, "a.ipynb", "A.IPYNB", "w.zip", "timestamp.txt", "=x", "\x1b[2K", "\u202e", "a\nb", "d" * 200,
             ".hidden", "__MACOSX", os.fsdecode(b"\xff.ipynb"), "<b>.ipynb", "x.ipynb.txt"]  # fmt: skip
    contents = [b"", b"{}", b"PK\x05\x06" + bytes(18), b"2027-01-01", b"\xff" * 100, b'{"cells": [], "nbformat": 4}']
    with counted("folders", record_property) as counter:
        for number, rng in cases("folders", 200):
            place = tmp_path / "submitted" / f"s{number}" / LESSON.folder
            place.mkdir(parents=True)
            made = 0
            for _ in range(rng.randrange(7)):
                path = place / "/".join(rng.choices(names, k=rng.choice((1, 1, 2, 4))))
                with contextlib.suppress(OSError):
                    path.parent.mkdir(parents=True, exist_ok=True)
                    how = rng.randrange(5)
                    if os.path.lexists(path) or not path.parent.resolve().is_relative_to(place.resolve()):
                        continue  # nothing is written through a link or into a pipe
                    if how == 0:
                        path.mkdir()
                    elif how == 1:
                        path.symlink_to(rng.choice(["/etc/passwd", ".", "nowhere", "/dev/zero"]))
                    elif how == 2:
                        os.mkfifo(path)
                    else:
                        path.write_bytes(rng.choice(contents))
                        made += path.is_file()
            before = plain_files(tmp_path, number)
            notes = folder.prepare(LESSON.folder, f"s{number}", [str(place / LESSON.path.name)])
            handed = folder.handed_in(place, LESSON.path.name)
            assert (handed.content is None) == bool(handed.reason)
            assert not UNSEEN.search(" ".join([*notes, *handed.notes, *handed.others, handed.reason]))
            assert plain_files(tmp_path, number) == before
            for parent, folders, files in os.walk(place):
                assert not [one for one in (*folders, *files) if os.path.islink(os.path.join(parent, one))]
            submission.read_handed(handed)
            counter.cases += 1
            shutil.rmtree(tmp_path / "submitted")


def plain_files(top, number):
    """How many plain files there are of a student, handed in and put aside."""
    return sum(
        os.path.isfile(os.path.join(parent, name)) and not os.path.islink(os.path.join(parent, name))
        for step in ("submitted", "refused")
        for parent, _, files in os.walk(top / step / f"s{number}")
        for name in files
    )


WORDS = ["<", ">", "&", "#", "x3a;", "script", "javascript:", "img src=x onerror=", "[a](", ")", "![", "](", "`", "```", "$$", "\\begin{a}",
         "\\end{a}", "<svg>", "<math>", "<style>", "</style>", "<!--", "-->", "<![CDATA[", "'", '"', "=", "\n", "\n\n", "> ", "- ", "|", "*", "_",
         "&#58;", "&colon;", "data:", "http://x.org", "mailto:a@b.c", "<a href=", "</a>", "<details>", "\x00", "\u2028", "\u202e", "\ud800", "é", "1", "\\",
         "<template>", "<noscript>", "<textarea>", "<title>", "files/", "//", "attachment:", "<table><tr>", "id=x", "class=score", "onclick=", "\t", "@"]  # fmt: skip


def test_fuzzed_texts(record_property):
    """Whatever Markdown becomes, a page executes and loads nothing; a line is a line; no cell is a formula."""
    with counted("texts", record_property) as counter:
        for number, rng in cases("texts", 500):
            given = "".join(rng.choices(WORDS, k=rng.randrange(1, 40)))
            html = text.rendered({}, given)
            assert_harmless(BeautifulSoup(html, "html.parser"), number)
            assert text.clean(html) == text.clean(text.clean(html))
            shown = text.rendered({}, text.markdown(given))
            assert {one.name for one in BeautifulSoup(shown, "html.parser").find_all(True)} <= {
                "p", "ul", "ol", "li", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "hr", "a", "pre", "code", "span", "div",
            }  # fmt: skip
            for made in (text.line(given), text.name(given)):
                assert not UNSEEN.search(made)
                assert "\n" not in made
            assert not re.match(r"\s*[=@|%]", str(text.for_csv(given)))
            counter.cases += 1


def message(rng, depth=0):
    """Return random plain data that is nearly a message or an encoded value."""
    keys = ["id", "do", "value", "error", "callback", "arguments", "result", "changed", "there", "outputs", "kinds", "text", "line",
            "list", "tuple", "dict", "array", "scalar", "float", "generator", "object", "function"]  # fmt: skip
    kind = rng.randrange(9 if depth < 5 else 4)
    if kind < 3:
        return rng.choice(STRANGE)
    if kind == 3:
        return rng.choice(["0x1p4", "nan", "<f8", "|b1", "<U9", "PCG64", "AAAA", "ValueError", "BaseException", 2**62, 1.5])
    if kind < 6:
        return [message(rng, depth + 1) for _ in range(rng.randrange(4))]
    return {rng.choice(keys): message(rng, depth + 1) for _ in range(rng.choice((1, 1, 1, 2, 3)))}


def test_fuzzed_values(record_property):
    """Whatever claims to be a value is plain data, or is refused."""
    with counted("values", record_property) as counter:
        for _, rng in cases("values", 600):
            with contextlib.suppress(wire.Refused):
                wire.value(json.loads(json.dumps(message(rng))))
            ours, theirs = socket.socketpair()
            theirs.sendall(rng.randbytes(rng.randrange(12)) if rng.random() < 0.5 else b"\x05\0\0\0" + rng.randbytes(5))
            theirs.close()
            with contextlib.suppress(wire.Refused, wire.Gone, wire.Late):
                wire.Channel(ours).receive(time.monotonic() + 1)
            ours.close()
            counter.cases += 1


def test_fuzzed_replies(record_property):
    """Whatever a room answers, the trusted side goes on: with a value, an error of the learner's, or a stopped room."""
    with counted("replies", record_property) as counter:
        for _, rng in cases("replies", 400):
            ours, theirs = socket.socketpair()
            peer = wire.Channel(theirs, patient=True)
            thread = threading.Thread(target=answer, args=(peer, rng))
            thread.start()
            room = Talk(ours, 1 << 22, None, None, "", rooms.LIMITS | {"call": 1.0, "notebook": 5.0})
            try:
                for ask in (lambda f: f(1), lambda f: list(itertools.islice(f, 5)), len, repr, lambda f: f.x, lambda f: f[0]):
                    with contextlib.suppress(Exception, rooms.Stopped, wire.Refused):
                        ask(room.get("f")[1])
            finally:
                room.channel.close()
                with contextlib.suppress(OSError):
                    theirs.shutdown(socket.SHUT_RDWR)
                thread.join(10)
                theirs.close()
            assert not thread.is_alive()
            counter.cases += 1


class Talk(rooms.Room):
    """The trusted side's end, without a process behind it."""

    def close(self, reason="was closed"):
        self.dead = self.dead or reason
        self.channel.close()


def answer(peer, rng):
    """Play a hostile room: answer requests with messages that are nearly right."""
    with contextlib.suppress(wire.Gone, wire.Refused, OSError):
        peer.send({"ready": True})
        for _ in range(40):
            asked = peer.receive()
            reply = message(rng)
            if rng.random() < 0.8 and isinstance(asked, dict):
                value = {"there": True, "value": {"object": [1, "f", True]}, "changed": {"dict": []}, "result": message(rng)}
                reply = {"id": asked.get("id"), rng.choice(("value", "error")): rng.choice((value, message(rng)))}
            peer.send(reply)


PARTS = ["x", "z", "1", "None", "[]", "{}", "f", "f(x)", "lambda: f", "x + 1", "x[0]", "1/0", "'a' * 9", "np", "float('nan')", "object()",
         "(i for i in range(3))", "open('x', 'w')", "__import__('os').getpid()", "type(x)", "...", "x @ x", "exit()", "raise_()", "*[1]", "b'x'"]  # fmt: skip
SHAPES = ["def f(x):\n    return {}", "f = {}", "class f:\n    y = {}", "def f(x, *a, **k):\n    yield {}\n    yield {}", "f = lambda x: {}",
          "async def f(x):\n    return {}", "def f(x):\n    x.append({})\n    return x", "def f({}):\n    pass", "import {}", "%time f = {}",
          "class f(float):\n    def __float__(self):\n        return {}", "def f(x):\n    raise ValueError({})", "del {}", "f: int = {}\n{}"]  # fmt: skip


def test_fuzzed_answers(record_property):
    """Whatever an answer is, its test passes or fails with a sentence, and the next test has its room."""
    with counted("answers", record_property) as counter:
        for _, rng in cases("answers", 40):
            source = "\n".join(
                shape.format(*rng.choices(PARTS, k=shape.count("{}"))) for shape in rng.choices(SHAPES, k=rng.randrange(1, 4))
            )
            outcomes = grade_answer(source, "assert f([1.0]) == 12345", "'no name of the learner'", stub="def f(x):\n    pass")
            assert outcomes[0], source
            assert outcomes[1] == "", source
            counter.cases += 1


def test_a_failure_of_the_grader_is_a_record(released, monkeypatch):
    """Whatever goes wrong inside, that student gets 0 points, the reason and the mark, and is tried again."""
    lesson = batch.Lesson(LESSON.folder, released, b"s", "limits", {})
    for error in (RecursionError("x"), MemoryError(), KeyError("\x1b[2K"), rooms.Dead("y"), SystemExit(1), AssertionError()):

        def fails(*_, error=error):
            raise error

        monkeypatch.setattr(batch, "execute", fails)
        facts = batch.grade(lesson, batch.Task("ann", folder.Handed(nbformat.writes(full()).encode()), "digest")).facts
        assert facts["unreadable"].startswith(f"It could not be graded ({type(error).__name__}")
        assert not UNSEEN.search(facts["unreadable"])
        assert facts["digest"] == ""
        assert not any(facts["scores"].values())
