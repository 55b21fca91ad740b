"""Whether a notebook uses the `helpers` of the folder in which it lies, or another copy that Python found first."""

from pathlib import Path

HERE = Path(__file__).resolve().parents[2]


def say(folder="."):
    """Print two lines if the notebook's folder, or one above it, has a `helpers` of its own that is not this one."""
    try:
        folder = Path(folder).resolve()
        own = next((one for one in (folder, *folder.parents) if (one / "helpers/checks/__init__.py").is_file()), HERE)
        if own.samefile(HERE):
            return
    except OSError:
        return
    print(f"This notebook lies in {own}, but its `helpers` come from {HERE}: checks and lesson may not fit together.")
    print(f"Start JupyterLab in {own}, as the README there says.")
