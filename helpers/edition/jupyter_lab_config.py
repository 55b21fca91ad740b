"""JupyterLab, started in this folder, opens its start page, has no instructor's tools, asks nothing of other hosts."""

import os

here = os.path.dirname(os.path.abspath(__file__))
c = get_config()  # noqa: F821 - JupyterLab defines it
c.ServerApp.root_dir = here
c.LabApp.default_url = "/lab"
c.LabApp.extra_labextensions_path = [os.path.join(here, ".labextensions")]
c.LabApp.news_url = ""
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
c.LabApp.app_settings_dir = os.path.join(here, ".settings")
# Its own workspace: the tabs of another JupyterLab of the same user stay there.
c.LabApp.workspaces_dir = os.path.join(here, ".workspaces")
