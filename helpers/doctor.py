"""Say what works on this machine and what does not, one line each, with the cure: ``python -m helpers.doctor``.

It imports nothing but the standard library until a check needs more, so that it also runs where nothing is installed,
and with a Python that is too old. A check returns what it found, or raises `Problem` with a cure.
"""

import argparse
import importlib
import importlib.util
import inspect
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import webbrowser

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROLES = ("learner", "instructor", "maintainer")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
FREE_MEGABYTES = 500
PORT = 8888


class Problem(Exception):
    """Something is missing; the message says what, and how to mend it."""


def in_edition():
    """Return whether this is a learner's edition, which has no tools of instructors."""
    return not os.path.exists(os.path.join(TOP, "helpers", "cli.py"))


# --- Python and packages ---------------------------------------------------------------------------------------------


def _project():
    try:
        with open(os.path.join(TOP, "pyproject.toml"), encoding="utf-8") as file:
            return file.read()
    except OSError:
        raise Problem("pyproject.toml is missing here: unpack the zip, or clone the repository, again") from None


def python_version():
    """Compare this Python with what pyproject.toml asks for."""
    needed = re.search(r'requires-python = ">=(\d+)\.(\d+)"', _project())
    needed, found = tuple(map(int, needed.groups())), ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < needed:
        newer = "{}.{}".format(*needed)
        raise Problem(
            f"{found} is too old: install Python {newer} or newer, then "
            + (f"python{newer} -m venv .venv" if in_edition() else f"make PYTHON=python{newer} lab")
        )
    return found


#: Where the programs of this folder's environment are, as one types it.
BIN = ".venv\\Scripts\\" if os.name == "nt" else ".venv/bin/"


def _own_python():
    """Return the Python of the environment in this folder, as one types it, or None if there is none."""
    found = shutil.which(os.path.join(TOP, BIN, "python"))
    return f"{BIN}python" if found else None


def environment():
    """Find out whether the Python that runs is the one that the course was installed for."""
    own, prefix = _own_python(), os.path.realpath(sys.prefix)
    if prefix == os.path.realpath(os.path.join(TOP, ".venv")):
        return ".venv"
    conda = os.environ.get("CONDA_PREFIX")
    if conda and prefix == os.path.realpath(conda):
        return f"conda, {os.environ.get('CONDA_DEFAULT_ENV', conda)}"
    if sys.prefix != sys.base_prefix:
        return sys.prefix
    if own:
        raise Problem(f"{sys.executable} is not this folder's Python: use {own} instead of python3")
    if not any(_package_problems(dependencies())):
        return f"{sys.prefix}, which has all packages"
    raise Problem(f"none yet: {_set_up()}")


def _is_another_python():
    return bool(_own_python()) and os.path.realpath(sys.prefix) != os.path.realpath(os.path.join(TOP, ".venv"))


def _set_up(group=None):
    if group:
        return "make test installs them"
    if in_edition():
        return f"{'py' if os.name == 'nt' else 'python3'} -m venv .venv, then {BIN}pip install --editable ."
    return "make lab sets up .venv"


def dependencies(group=None):
    """Return ``{package: version}`` that pyproject.toml pins for learners, or for one of its dependency groups."""
    pattern = rf"^{group} = \[(.*?)\]" if group else r"^dependencies = \[(.*?)^\]"
    found = re.search(pattern, _project(), re.M | re.S)
    return dict(re.findall(r'"([A-Za-z0-9._-]+)==([^"]+)"', found.group(1))) if found else {}


def _package_problems(pinned):
    """Yield (package, what is wrong) for each package that is not there in its version."""
    from importlib import metadata

    for name, version in pinned.items():
        try:
            found = metadata.version(name)
        except metadata.PackageNotFoundError:
            yield name, f"is not installed: {_pip()} install {name}=={version}"
            continue
        if found != version:
            yield name, f"{found} is installed, {version} is needed: {_pip()} install {name}=={version}"


def _pip():
    return f"{_own_python() or os.path.basename(sys.executable or 'python3')} -m pip"


def packages(group=None):
    """Compare the packages that are installed with those that are pinned.

    Parameters
    ----------
    group : str, optional
        One of the dependency groups; by default what learners need.

    Returns
    -------
    str or list of (str, str)
        What was found, or the packages that are missing or differ, each with its cure.
    """
    pinned = dependencies(group)
    problems = list(_package_problems(pinned))
    if not problems:
        return f"{len(pinned)} of {len(pinned)} in the version that the course was made with"
    if all("is not installed" in sentence for _, sentence in problems) and len(problems) == len(pinned):
        cure = f"use {_own_python()} instead of python3" if _is_another_python() else _set_up(group)
        raise Problem(f"none of the {len(pinned)} is installed: {cure}")
    return problems


def course_module():
    """Find out whether a notebook's kernel, started in another folder, finds `helpers`."""
    from importlib import metadata

    elsewhere = [path for path in sys.path if os.path.realpath(path or os.curdir) != os.path.realpath(TOP)]
    if not any(metadata.distributions(name="deep-learning-notebooks", path=elsewhere)):
        paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
        if os.path.realpath(TOP) not in [os.path.realpath(path) for path in paths if path]:
            cure = f"{_pip()} install --editable ."
            if _is_another_python():
                cure = f"use {_own_python()} instead of python3"
            elif not in_edition():
                cure = f"{_pip()} install --no-deps --config-settings editable_mode=compat --editable ."
            raise Problem(f"notebooks do not find helpers: {cure}")
    return "notebooks find helpers"


def data_sets():
    """Load each data set of `helpers.data` and compare the files that packages ship with what the course knows.

    Returns
    -------
    str or list of (str, str)
        What was found, or the data sets that do not load, each with its cure.
    """
    try:
        data = importlib.import_module("helpers.data")
    except ImportError as error:
        raise Problem(f"cannot be looked at without the package {error.name}: install the packages first") from None
    loaders = [
        (name, function)
        for name, function in sorted(vars(data).items())
        if inspect.isfunction(function) and function.__module__ == data.__name__ and not name.startswith("_")
    ]
    problems = {}
    for name, function in loaders:
        try:
            function()
        except data.DataMissing as error:
            problems[name] = str(error)
        except ImportError as error:
            problems[name] = f"cannot be read without the package {error.name}: install the packages first"
    for package, path in data._HASHES:  # those that no function loads without arguments, too
        try:
            data._file(package, path)
        except data.DataMissing as error:
            if str(error) not in problems.values():
                problems[path] = str(error)
    return sorted(problems.items()) or f"{len(loaders)} data sets from {len(data._HASHES)} files, all as released"


# --- folders, Jupyter, browser ---------------------------------------------------------------------------------------


def _writable(folder):
    """Try to write to a folder, or to the nearest one above it that exists, where it would be made."""
    while not os.path.isdir(folder) and os.path.dirname(folder) != folder:
        folder = os.path.dirname(folder)
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x")
    except OSError as error:
        raise Problem(
            f"{folder} cannot be written to ({error.strerror}): make it yours, or move the course to a folder that is"
        ) from None


def work_folder():
    """Find out whether a learner's work can be saved: rights and space."""
    folder = TOP if in_edition() else os.path.join(TOP, "learner")
    _writable(folder)
    free = shutil.disk_usage(TOP).free // 10**6
    if free < FREE_MEGABYTES:
        raise Problem(f"{free} MB are free, {FREE_MEGABYTES} MB are needed: delete something on the disk of {TOP}")
    return f"{folder} can be written to, {free / 1000:.1f} GB are free"


def kernel():
    """Find out whether JupyterLab starts the Python that runs here, where the packages are."""
    try:
        from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
    except ImportError:
        raise Problem("cannot be looked at without JupyterLab: install the packages first") from None
    try:
        spec = KernelSpecManager().get_kernel_spec("python3")
    except NoSuchKernel:
        raise Problem(f"there is no kernel python3: {_pip()} install --force-reinstall ipykernel") from None
    started = spec.argv[0] if spec.argv else ""
    if re.fullmatch(r"python(3(\.\d+)?)?", started):  # JupyterLab takes its own Python for these
        return "python3, this Python"
    if os.path.dirname(os.path.abspath(started)) == os.path.dirname(os.path.abspath(sys.executable)):
        return "python3, this Python"
    raise Problem(f"JupyterLab would start {started}: delete {spec.resource_dir}, which stands before the right one")


def jupyter_folders():
    """Find out whether JupyterLab can keep its settings and its running servers."""
    try:
        from jupyter_core import paths
    except ImportError:
        raise Problem("cannot be looked at without JupyterLab: install the packages first") from None
    folders = [paths.jupyter_config_dir(), paths.jupyter_data_dir(), paths.jupyter_runtime_dir()]
    for folder in folders:
        _writable(folder)
    return f"{folders[0]} can be written to"


def port():
    """Find a port on which JupyterLab can listen: it tries 50 of them."""
    for number in range(PORT, PORT + 50):
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", number))
            except OSError as error:
                reason = error
                continue
        return f"{number} is free" + ("" if number == PORT else f", {PORT} is in use: JupyterLab takes another")
    raise Problem(
        f"none from {PORT} to {PORT + 49} can be used ({reason.strerror}): close other servers, or add --port=9999"
    )


def a_browser():
    """Find a browser in which JupyterLab can open."""
    try:
        webbrowser.get()
    except webbrowser.Error:
        raise Problem("none found: open the address that JupyterLab prints in any browser") from None
    return "there is one"


# --- what instructors and maintainers need ---------------------------------------------------------------------------


def box():
    """Find the strongest box in which the grader can run submissions."""
    path = os.path.join(TOP, "helpers", "grading", "box.py")
    spec = importlib.util.spec_from_file_location("helpers_doctor_box", path)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        strength = module.strongest()
    except (ImportError, OSError, TypeError, AttributeError):
        raise Problem("submissions cannot be boxed on this system: grade on Linux") from None
    except module.NoBox as error:
        raise Problem(f"{error}: grade on Linux") from None
    if strength == "namespaces":
        return "namespaces, the strongest"
    if strength == "bubblewrap":
        return f"bubblewrap; as strong as namespaces, and many times slower. For these: {_cure_of_namespaces()}"
    cure = _cure_of_namespaces()
    if strength == "landlock":
        weaker = f"it holds attacks back, but {module.WEAKER[strength]}"
        return f"landlock; {weaker}. For the stronger one, namespaces: {cure}, or install bubblewrap"
    seccomp = "" if module.pyseccomp else f"{_pip()} install pyseccomp, with the system's libseccomp; "
    raise Problem(f"only limits, which stop accidents and no attack: {seccomp}{cure}")


def _cure_of_namespaces():
    """Return what allows an ordinary user own namespaces here."""
    for path, bad, cure in (
        ("/proc/sys/user/max_user_namespaces", "0", "sysctl user.max_user_namespaces=10000"),
        ("/proc/sys/kernel/unprivileged_userns_clone", "0", "sysctl kernel.unprivileged_userns_clone=1"),
        (
            "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
            "1",
            "sysctl kernel.apparmor_restrict_unprivileged_userns=0",
        ),
    ):
        try:
            with open(path) as file:
                if file.read().strip() == bad:
                    return f"{cure} (as root)"
        except OSError:
            continue
    return "in a container, start it with --cap-add SYS_ADMIN and a seccomp profile that allows unshare and mount"


def trial():
    """Grade a right and a hostile submission in the box that submissions get."""
    path = os.path.join(TOP, "helpers", "grading", "trial.py")
    environment = {**os.environ, "PYTHONPATH": TOP, "OPENBLAS_NUM_THREADS": "1"}
    try:
        done = subprocess.run([sys.executable, path], capture_output=True, text=True, env=environment, timeout=120)
    except subprocess.TimeoutExpired:
        raise Problem("it takes more than two minutes: look at what else this machine does") from None
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["it stops"])[-1]
        raise Problem(f"it does not work: {reason}")
    found = done.stdout.split("\n") if done.stdout.strip() else []
    if found:
        raise Problem(f"{', '.join(filter(None, found))}: do not grade here before that is mended; see SECURITY.md")
    return "a right answer gets its point; a hostile one reads, writes and signals nothing, has no network, and ends"


def alembic():
    """Find alembic, which nbgrader calls by name when it makes or updates the gradebook."""
    folder = os.path.dirname(os.path.abspath(sys.executable))
    found = shutil.which("alembic", path=folder) or shutil.which("alembic")
    if not found:
        raise Problem(f"nbgrader does not find it: {_pip()} install --force-reinstall alembic")
    return found


def gradebook():
    """Open the database that GRADEBOOK_URL names; without it, see whether this folder can hold one."""
    url = os.environ.get("GRADEBOOK_URL")
    if not url or url.startswith("sqlite:///"):
        path = url[len("sqlite:///") :] if url else os.path.join(TOP, "gradebook.db")
        if os.path.exists(path) and not os.access(path, os.W_OK):
            raise Problem(f"{path} cannot be written to: make it yours")
        _writable(os.path.dirname(os.path.abspath(path)))
        return path
    try:
        import sqlalchemy
    except ImportError:
        raise Problem("cannot be looked at without nbgrader: install the packages first") from None
    try:
        shown = sqlalchemy.engine.make_url(url).render_as_string(hide_password=True)
        engine = sqlalchemy.create_engine(url, connect_args={"connect_timeout": 5})
        with engine.connect() as connection:
            connection.execute(sqlalchemy.text("SELECT 1"))
    except sqlalchemy.exc.ArgumentError:
        raise Problem(
            "GRADEBOOK_URL is no address of a database: write postgresql+psycopg://user:password@host/gradebook"
        ) from None
    except ImportError as error:
        raise Problem(f"{shown} needs the package {error.name}: make test installs it") from None
    except Exception as error:  # each driver has its own
        lines = str(getattr(error, "orig", error)).strip().splitlines() or [type(error).__name__]
        raise Problem(f"{shown} does not answer ({lines[-1].strip()}): start it, or mend GRADEBOOK_URL") from None
    return f"{shown} answers"


def grading_folder():
    """Find out whether the products of grading can be written."""
    folder = os.path.join(TOP, "grading")
    _writable(folder)
    return f"{folder} can be written to"


def find_browser():
    """Return the path of a Chromium or Chrome, or None; the environment variable CHROMIUM names another one."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)


def chromium():
    """Find the Chromium that the browser tests drive."""
    path = find_browser()
    if path is None:
        raise Problem("none found: install it (Debian: apt-get install chromium), or set CHROMIUM=/path/to/it")
    if shutil.which(path) is None:
        raise Problem(f"CHROMIUM names {path}, which cannot be run: set it to the path of Chromium")
    return path


def make():
    """Find make, which the two main commands use."""
    found = shutil.which("make")
    if not found:
        raise Problem(
            "not found: install it (Debian: apt-get install make), or go without: "
            "python3 -m venv .venv, .venv/bin/pip install --editable ., .venv/bin/python -m helpers lab"
        )
    return found


# --- the report ------------------------------------------------------------------------------------------------------

#: Title, who needs it, the check. What nobody needs is None: the cure says how to go without.
CHECKS = (
    ("Python", "learner", python_version),
    ("environment", "learner", environment),
    ("packages", "learner", packages),
    ("course", "learner", course_module),
    ("data", "learner", data_sets),
    ("folder", "learner", work_folder),
    ("kernel", "learner", kernel),
    ("Jupyter's folders", "learner", jupyter_folders),
    ("port", "learner", port),
    ("browser", None, a_browser),
    ("packages to grade", "instructor", lambda: packages("grade")),
    ("box", "instructor", box),
    ("grading", "instructor", trial),
    ("alembic", "instructor", alembic),
    ("gradebook", "instructor", gradebook),
    ("grading folder", "instructor", grading_folder),
    ("packages to test", "maintainer", lambda: packages("test")),
    ("packages of the site", "maintainer", lambda: packages("site")),
    ("Chromium", "maintainer", chromium),
    ("make", "maintainer", make),
)
_WIDTH = max(len(title) for title, _, _ in CHECKS)


def examine(role="learner"):
    """Yield what each check found, as (mark, title, sentence): "ok", "--" for what `role` lacks, else "no".

    Parameters
    ----------
    role : str
        One of ROLES. An instructor needs what a learner needs, too, and a maintainer needs all.
    """
    needed = ROLES[: ROLES.index(role) + 1]
    for title, who, check in CHECKS:
        if (in_edition() and who in ROLES[1:]) or (check is trial and who not in needed):  # it takes seconds
            continue
        whose = "" if who in ("learner", None) else f"{who}s: "
        bad = "--" if who in needed else "no"
        try:
            found = check()
        except Problem as problem:
            yield bad, title, f"{whose}{problem}"
        except Exception as error:  # a broken installation breaks in ways of its own
            reason = (str(error).splitlines() or [""])[0]
            yield bad, title, f"{whose}{type(error).__name__}: {reason}. Set the environment up anew: {_anew()}"
        else:
            if isinstance(found, str):
                yield "ok", title, whose + found
            elif bad == "no" and len(found) > 1:
                yield bad, title, f"{whose}{len(found)} are missing or differ: {', '.join(name for name, _ in found)}"
            else:
                for name, sentence in found:
                    yield bad, title, f"{whose}{name} {sentence}" if title != "data" else f"{name}: {sentence}"


def _anew():
    return "delete .venv, then " + _set_up()


def main(arguments=None):
    """Print a line per check; exit status 0 if nothing that is needed is missing, otherwise 1."""
    parser = argparse.ArgumentParser(
        prog="python -m helpers" + (".doctor" if in_edition() else " doctor"),
        description="Say what works on this machine and what does not, with the cure.",
    )
    roles = ROLES[:1] if in_edition() else ROLES
    parser.add_argument("--for", dest="role", choices=roles, default="learner", help="who needs it (default: learner)")
    role = parser.parse_args(arguments).role
    missing = 0
    if TOP not in sys.path:
        sys.path.insert(0, TOP)
    for mark, title, sentence in examine(role):
        missing += mark == "--"
        print(f"{mark}  {title:<{_WIDTH}}  {sentence}", flush=True)
    print()
    if missing:
        print(f"{missing} thing{'s' * (missing != 1)} that you need {'is' if missing == 1 else 'are'} missing: see --.")
    else:
        article = "an" if role == "instructor" else "a"
        print(f"All that {article} {role} needs is there.")
    sys.exit(1 if missing else 0)


if __name__ == "__main__":
    main()
