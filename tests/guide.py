"""The instructor's guide as its tests see it: blocks of commands, a shell that runs them, a fresh copy to run them in."""

import html
import os
import re
import select
import shlex
import shutil
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

from helpers.courses import TOP

GUIDE = TOP / "docs" / "instructors.md"
#: What a comment before a block may say, and who runs the block then; without one, test_guide.py does.
MARKERS = {
    "": "one machine",
    "a server": "server",
    "hub: root": "hub",
    "hub: teacher": "hub",
    "on paper: Kubernetes": "paper",
}


class Block(NamedTuple):
    """A fenced block of commands: the marker of the comment before it, its section, its line in the guide."""

    marker: str
    section: str
    line: int
    commands: list


class Ran(NamedTuple):
    """A command that was run: its exit status, its seconds and what it printed."""

    command: str
    status: int
    seconds: float
    output: str


def blocks():
    """Return all fenced blocks of commands of the guide, in order; an unknown marker is an error."""
    found, lines, section, marker, fence, start, indent = [], [], "", "", None, 0, 0
    for number, line in enumerate(GUIDE.read_text(encoding="utf-8").splitlines(), start=1):
        if fence is not None:
            if line.strip() == "```":
                if fence in ("bash", "console", "sh", "shell"):
                    found.append(Block(marker, section, start, commands("\n".join(lines))))
                marker, fence = "", None
            else:
                lines.append(line[indent:])
        elif match := re.match(r"( *)```\{?(\w*)", line):
            indent, fence, start, lines = len(match[1]), match[2], number, []
        elif match := re.match(r" *<!-- (.*) -->$", line):
            marker = match[1]
            assert marker in MARKERS, f"{GUIDE}, line {number}: no test knows what to do with {marker!r}"
        elif line.startswith("#"):
            section = line.lstrip("# ")
    return found


def commands(text):
    """Split a block into commands, each as many lines as the shell needs to see its end."""
    found, lines, heredoc = [], [], None
    for line in text.splitlines():
        lines.append(line)
        if heredoc:
            heredoc = None if line == heredoc else heredoc
        elif match := re.search(r"<<'?(\w+)'?", line):
            heredoc = match[1]
        so_far = "\n".join(lines)
        complete = subprocess.run(["bash", "-n"], input=so_far, text=True, capture_output=True).returncode == 0
        if not heredoc and complete and not line.endswith("\\"):
            if re.sub(r"^\s*#.*$", "", so_far, flags=re.M).strip():
                found.append(so_far)
            lines = []
    assert not lines, f"no end of the command: {lines}"
    return found


def fresh_copy(folder):
    """Copy the repository as it is now, without what git ignores, into a folder; return the copy, a repository, too.

    Lessons that were made for an edition before come along: the copy makes them anew only where they have changed.
    """
    copy = folder / "deep-learning-notebooks"
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(listed, cwd=TOP, check=True, capture_output=True, text=True).stdout.split("\0"):
        if name and (TOP / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(TOP / name, copy / name)
    if (TOP / "build" / "lessons").is_dir():
        shutil.copytree(TOP / "build" / "lessons", copy / "build" / "lessons")
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "copy"]):
        subprocess.run([*git, *words], cwd=copy, check=True)
    return copy


def environment(home, **more):
    """Return the environment of someone new on this machine: a HOME of their own, and this user's caches of downloads."""
    ours = re.compile(
        "PYTHON|PYTEST|JUPYTER|IPYTHON|XDG_|VIRTUAL_ENV|CONDA|GRADEBOOK|PG|GIT_(DIR|WORK_TREE|INDEX_FILE)"
    )
    kept = {name: value for name, value in os.environ.items() if not ours.match(name)}
    real = Path.home()
    caches = {
        "PIP_CACHE_DIR": real / ".cache/pip",
        "UV_CACHE_DIR": real / ".cache/uv",
        "npm_config_cache": real / ".npm",
        "npm_config_userconfig": real / ".npmrc",
        "PIP_CONFIG_FILE": real / ".config/pip/pip.conf",
        "UV_CONFIG_FILE": real / ".config/uv/uv.toml",
    }
    caches = {name: str(path) for name, path in caches.items() if path.exists()}
    return {**caches, **kept, "HOME": str(home), "OPENBLAS_NUM_THREADS": "1", **more}


class Shell:
    """A bash that stays: what one command sets, the next one sees."""

    def __init__(self, folder, env):
        self.bash = subprocess.Popen(
            ["bash", "--noprofile", "--norc"], cwd=folder, env=env, start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def run(self, command, timeout=300):
        """Run a command and return `Ran`; what does not end in time has the status None."""
        mark, start, output = f"--end-{time.monotonic_ns()}", time.monotonic(), b""
        self.bash.stdin.write(f"eval {shlex.quote(command)} </dev/null\nprintf '\\n%s %d\\n' {mark} $?\n".encode())
        self.bash.stdin.flush()
        pattern = re.compile(rb"\n%s (\d+)\n" % mark.encode())
        while not (match := pattern.search(output)):
            left = start + timeout - time.monotonic()
            ready = left > 0 and select.select([self.bash.stdout], [], [], left)[0]
            chunk = os.read(self.bash.stdout.fileno(), 1 << 16) if ready else b""
            if not chunk:
                return Ran(command, None, time.monotonic() - start, output.decode(errors="replace"))
            output += chunk
        return Ran(command, int(match[1]), time.monotonic() - start, output[: match.start()].decode(errors="replace"))

    def close(self):
        self.bash.stdin.close()
        self.bash.terminate()
        self.bash.wait()


def plain(page):
    """Return the text of an HTML page without markup, each run of spaces and line ends as one space."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", page)).split())


def table(ran):
    """Return a table of what was run: status, seconds, the command's first line."""
    lines = [f"{'status':>6} {'seconds':>8}  command"]
    for one in ran:
        first = one.command.strip().splitlines()[0]
        lines.append(f"{one.status!s:>6} {one.seconds:8.1f}  {first}{' ...' if chr(10) in one.command.strip() else ''}")
    return "\n".join(lines)
