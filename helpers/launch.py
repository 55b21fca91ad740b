"""Start JupyterLab on a learner's edition; in a wheel, the command that first unpacks or updates it.

A wheel, from ``python -m helpers release --wheel``, holds this file as its only module, and the edition beside it. It
needs nothing but Python's own library and what is in the edition.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

NAME = "deep-learning-notebooks"


def become_lab(folder, options):
    """Turn this process into JupyterLab on an edition; its kernels find the edition's `helpers`, without catalogue."""
    command = [sys.executable, "-m", "jupyterlab", "--config=jupyter_lab_config.py", *options]
    if hasattr(os, "getuid") and os.getuid() == 0:
        command.append("--allow-root")  # JupyterLab refuses to start as root without it
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    os.chdir(folder)
    if os.name == "nt":  # Windows would give the terminal back at once
        sys.exit(subprocess.call(command, env=environment))
    os.execve(sys.executable, command, environment)


def main(arguments=None):
    """Unpack the course into a folder, or bring it up to date there, and open JupyterLab on it.

    Bad input ends with one line on stderr, and exit status 2; the folder is as it was then.
    """
    parser = argparse.ArgumentParser(
        prog=NAME,
        description="Unpack the course into a folder, or bring a new release into it and keep your work, and open "
        "JupyterLab on its start page. What is not known here goes to JupyterLab, such as --no-browser.",
    )
    parser.add_argument("folder", nargs="?", default=NAME, help=f"the folder of your work (default: {NAME})")
    parser.add_argument("--unpack", action="store_true", help="do not open JupyterLab")
    options, others = parser.parse_known_args(arguments)
    edition = Path(__file__).with_name("edition.zip")
    folder = Path(options.folder).expanduser().resolve()
    sys.path.insert(0, str(edition / NAME))
    from helpers import update  # the edition's own

    try:
        files, there = update.read_edition(edition), folder / update.MANIFEST
        if not there.exists() or there.read_bytes() != files[update.MANIFEST]:
            print(f"{'Updating' if there.exists() else 'Unpacking the course into'} {folder} ...", flush=True)
            print("".join(f"{line}\n" for line in update.write(files, folder, keep_work=True)), end="")
    except (update.ReleaseRefused, OSError) as error:
        print(f"{NAME}: {error}", file=sys.stderr)
        sys.exit(2)
    if not options.unpack:
        print("Starting JupyterLab ...", flush=True)
        become_lab(folder, others)
