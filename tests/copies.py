"""A copy of the repository for tests that change it."""

import shutil
import subprocess

from helpers.courses import TOP


def copy_of_repository(folder):
    """Copy all files into a folder but those that git ignores, and return their paths from the top."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=True).stdout
    paths = [path for path in listed.split("\0") if path and (TOP / path).is_file()]
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(TOP / path, folder / path)
    return paths
