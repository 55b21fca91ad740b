"""Each person's JupyterLab on the hub starts as the learner's edition does, in the person's own home."""

import contextlib
import os

c = get_config()  # noqa: F821 - Jupyter Server defines it
EDITION = os.path.join(os.environ["HUB"], "edition")
load_subconfig("jupyter_lab_config.py", path=EDITION)  # noqa: F821 - Jupyter Server defines it
c.ServerApp.root_dir = os.path.expanduser("~")
c.LabApp.extra_labextensions_path = []  # the edition's start page knows the edition's folder alone
c.LabApp.workspaces_dir = os.path.expanduser("~/.jupyter/lab/workspaces")
c.ServerApp.terminado_settings = {"shell_command": ["bash"]}  # no login shell: it would set another PATH
# Lessons lie in ~/<course>/<lesson>/ and link to the table of symbols two folders up.
with contextlib.suppress(OSError):
    os.symlink(os.path.join(EDITION, "NOTATION.md"), os.path.expanduser("~/NOTATION.md"))
