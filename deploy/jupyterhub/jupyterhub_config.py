"""JupyterHub for the five courses on one machine; docs/instructors.md says how to set it up.

Beside this folder, which is a copy of deploy/jupyterhub/, stand:

    env/       Python with everything in requirements.lock, without this repository
    edition/   the learner's edition
    exchange/  where nbgrader hands out lessons and takes submissions
    proxy/     configurable-http-proxy
    hub/       the hub's database, keys and local.py, for root alone

Settings of your own, passwords among them, go to hub/local.py, which is read last.
"""

import os
import pwd
import sys

c = get_config()  # noqa: F821 - JupyterHub defines it
CONFIG = os.path.dirname(os.path.abspath(__file__))
HUB = os.path.dirname(CONFIG)
#: The account that owns the repository, the gradebook and the secret. Everyone else is a learner.
TEACHER = "teacher"

c.JupyterHub.bind_url = "http://127.0.0.1:8000"  # put a web server with HTTPS in front
c.JupyterHub.db_url = f"sqlite:///{HUB}/hub/jupyterhub.sqlite"
c.JupyterHub.cookie_secret_file = f"{HUB}/hub/cookie_secret"
c.ConfigurableHTTPProxy.command = [f"{HUB}/proxy/node_modules/.bin/configurable-http-proxy"]
c.ConfigurableHTTPProxy.pid_file = f"{HUB}/hub/proxy.pid"
# Whoever has an account on this machine may log in, with the password of that account.
c.Authenticator.allow_all = True
c.Authenticator.allowed_users = {TEACHER}  # so that the hub knows this one before its first login

# Several instructors: their names in this group let them open /user/teacher/ under their own password.
c.JupyterHub.load_groups = {"instructors": {"users": []}}
c.JupyterHub.load_roles = [
    {
        "name": "instructors",
        "groups": ["instructors"],
        "scopes": [f"access:servers!user={TEACHER}", f"servers!user={TEACHER}", f"read:users!user={TEACHER}"],
    }
]


def repository(user):
    return os.path.join(pwd.getpwnam(user).pw_dir, "deep-learning")


def helpers_of(spawner):
    """Return the folder that holds `helpers`: learners get the one without catalogue and grader."""
    return repository(TEACHER) if spawner.user.name == TEACHER else f"{HUB}/edition"


def config_of(spawner):
    role = "teacher" if spawner.user.name == TEACHER else "learner"
    return os.pathsep.join([f"{CONFIG}/{role}", CONFIG])


c.Spawner.cmd = [f"{sys.prefix}/bin/jupyterhub-singleuser"]
c.Spawner.default_url = "/lab"
c.Spawner.environment = {
    "HUB": HUB,
    "PATH": os.pathsep.join([f"{sys.prefix}/bin", "/usr/local/bin", "/usr/bin", "/bin"]),
    "PYTHONPATH": helpers_of,
    "JUPYTER_CONFIG_PATH": config_of,
}
c.Spawner.start_timeout = c.Spawner.http_timeout = 120

if os.path.exists(f"{HUB}/hub/local.py"):
    load_subconfig("local.py", path=f"{HUB}/hub")  # noqa: F821 - JupyterHub defines it
