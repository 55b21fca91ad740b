"""What a room may read: Python, the distributions that a lesson needs, real data, the learner's `helpers`."""

import ast
import contextlib
import dis
import functools
import importlib.metadata
import os
import re
import sysconfig
import types
from pathlib import Path

from helpers.data import _HASHES as DATA_FILES

#: Distributions that every room has; `scipy.special` is another right way to write some functions. A lesson's locked
#: cells and pictures may import more.
ALWAYS = ("ipython", "ipywidgets", "matplotlib", "numpy", "pillow", "scipy", "tqdm")


def readable(folder, imports):
    """Return the paths that a room may read: Python, the distributions it needs, real data, the learner's `helpers`.

    Parameters
    ----------
    folder : path
        Holds the learner's edition.
    imports : iterable of str
        Names of modules that the lesson imports, such as ``"scipy.special"``.

    Returns
    -------
    list of str
        Real paths, and the symbolic links by which Python may know them.
    """
    paths = {str(folder)}
    for name in ("stdlib", "platstdlib"):
        library = Path(sysconfig.get_path(name))
        paths |= {str(path) for path in library.iterdir() if path.name not in ("site-packages", "dist-packages")}
    library = sysconfig.get_config_var("LIBDIR")
    if library:
        paths |= {str(path) for path in Path(library).glob("libpython*")}
    machine = sysconfig.get_config_var("MULTIARCH") or ""
    paths |= {f"/usr/lib/{machine}", f"/lib/{machine}", "/lib64", "/usr/lib64", "/etc/ld.so.cache", "/etc/localtime"}
    paths |= {"/usr/share/zoneinfo", "/etc/fonts", "/usr/share/fonts"}
    by_module = _distributions_of_modules()
    modules = {module.split(".")[0] for module in imports} - {"helpers"}
    wanted = {*ALWAYS, *(name for module in modules for name in by_module.get(module, ()))}
    for distribution in _with_requirements(wanted):
        paths |= _top_paths(distribution)
    for package, path in DATA_FILES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            distribution = importlib.metadata.distribution(package)
            paths |= {str(distribution.locate_file(path))}
            paths |= {path for path in _top_paths(distribution) if path.endswith(".dist-info")}
    paths = {path for path in paths if os.path.exists(path)}
    real = {os.path.realpath(path) for path in paths}
    links = {link for path in paths for link in _links(path)}
    return sorted(path for path in real | links if not any(path.startswith(other + "/") for other in real))


def _links(path):
    """Yield the symbolic links on the way to a path, each by the real path of the folder that it is in."""
    at = "/"
    todo = path.strip("/").split("/")[::-1]
    while todo:
        at = os.path.normpath(os.path.join(at, todo.pop()))
        if os.path.islink(at):
            yield at
            target = os.readlink(at)
            todo += target.strip("/").split("/")[::-1]
            at = "/" if target.startswith("/") else os.path.dirname(at)


@functools.cache
def _distributions_of_modules():
    return importlib.metadata.packages_distributions()


def _with_requirements(names):
    """Yield the installed distributions of these names and all that they require."""
    seen, todo = set(), [name.lower() for name in names]
    while todo:
        name = re.sub(r"[-_.]+", "-", todo.pop()).lower()
        if name in seen:
            continue
        seen.add(name)
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        yield distribution
        todo += [
            re.match(r"[\w.-]+", requirement)[0]
            for requirement in distribution.requires or ()
            if "extra ==" not in requirement
        ]


def _top_paths(distribution):
    """Return the folders and files of site-packages that belong to a distribution."""
    record = distribution.read_text("RECORD")
    files = record.splitlines() if record else map(str, distribution.files or ())  # a line of RECORD begins with a path
    tops = {re.split("[/,]", file.strip('"'), maxsplit=1)[0] for file in files} - {"", "..", "__pycache__"}
    return {str(distribution.locate_file(top)) for top in tops}


def imports_of(source):
    """Return the names of the modules that a source imports, those of a source that is no Python being none.

    It reads the compiled code, not a tree: a class is prepared in a thread, and CPython counts the depth of trees that
    two threads build at once together, and ends one of them with a SystemError.
    """
    try:
        todo = [compile(source, "<cell>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)]
    except SyntaxError:
        return
    for code in todo:
        todo += [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
        yield from (one.argval for one in dis.get_instructions(code) if one.opname == "IMPORT_NAME" and one.argval)
