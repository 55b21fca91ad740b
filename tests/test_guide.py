"""Every command of the instructor's guide for one machine, a database and a cluster, run in order in a fresh copy.

It takes minutes. The commands for a hub are run by test_hub.py; those for Kubernetes are counted and not run.
"""

import collections
import csv
import json
import os
import re
import signal
import subprocess
import time
import urllib.request
import zipfile

import guide
import nbformat
import pytest
import yaml
from nbgrader.api import Gradebook
from test_batch import postgres  # noqa: F401 - a fixture
from test_grading import LESSON, POINTS, blank, cell, full, without_free_cells

from helpers import exercises

NAME = LESSON.folder
#: A usual slip of the lesson, and the words of the feedback that name it.
SLIP, HINT = next(
    (function, hint)
    for function, hint in exercises.load(LESSON.name).exercises["propagate"].mistakes
    if function.__name__ == "dw_without_mean"
)


def with_slip():
    """The right answers, but for one usual slip in `propagate`: the factor 1/m of dw is missing."""
    notebook = without_free_cells(full())
    answer = cell(notebook, "propagate")
    assert answer.source.count("dw = X @ dZ.T / m\n") == 1
    answer.source = answer.source.replace("dw = X @ dZ.T / m\n", "dw = X @ dZ.T\n")
    return notebook


def download(path, folders):
    """Write a zip file as a learning platform does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in folders.items():
            archive.writestr(name, content if isinstance(content, (str, bytes)) else nbformat.writes(content))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A HOME with the download of the guide, made like Moodle's."""
    home = tmp_path_factory.mktemp("home")
    moodle = {
        f"Ann Example_4711_assignsubmission_file/{NAME}.ipynb": with_slip(),
        f"Ben Sample_4712_assignsubmission_file/{NAME}.ipynb": without_free_cells(full()),
        f"Cléo d'Été_4713_assignsubmission_file/{NAME}.ipynb": without_free_cells(blank()),
        f"Dan Broken_4714_assignsubmission_file/{NAME}.ipynb": "no notebook at all",
        "Eve Empty_4715_assignsubmission_file/essay.txt": "see attachment",
    }
    download(home / "Downloads" / f"DL-{NAME}-815.zip", moodle)
    jupyter = home / ".jupyter"
    jupyter.mkdir()
    settings = {"open_browser": False, "allow_root": True, "port": 0}
    (jupyter / "jupyter_server_config.json").write_text(json.dumps({"ServerApp": settings}))
    return home


def test_every_block_is_run_or_marked_as_not_run(record_property):
    found = guide.blocks()
    counts = collections.Counter()
    for block in found:
        counts[guide.MARKERS[block.marker]] += len(block.commands)
        if "Kubernetes" in block.section:
            assert block.marker == "on paper: Kubernetes", block.line
        else:
            assert guide.MARKERS[block.marker] != "paper", block.line
    assert set(counts) == set(guide.MARKERS.values())
    record_property("commands of the guide", ", ".join(f"{number} {kind}" for kind, number in counts.items()))


class Checks:
    """What must be true after a section of the guide, besides the exit status of its commands."""

    def __init__(self, copy, home):
        self.copy, self.home, self.grading = copy, home, copy / "grading"

    def book(self, url=None):
        with Gradebook(url or f"sqlite:///{self.copy}/gradebook.db") as gradebook:
            return {
                one.student.id: (one.score, one.late_submission_penalty, one.needs_manual_grade)
                for one in gradebook.assignment_submissions(NAME)
            }

    def after_2_make_the_assignment(self):
        released = nbformat.read(self.grading / "release" / NAME / f"{NAME}.ipynb", as_version=4)
        assert "BEGIN SOLUTION" not in nbformat.writes(released)

    def after_3_hand_it_out(self):
        with zipfile.ZipFile(self.copy / "dist" / "logistic_regression.zip") as archive:
            assert f"logistic_regression/{LESSON.link}" in archive.namelist()

    def after_5_collect(self):
        students = sorted(folder.name for folder in (self.grading / "submitted").iterdir())
        assert students == ["Ann Example", "Ben Sample", "Cléo d'Été", "Dan Broken", "Eve Empty"]
        for student in students[:-1]:
            assert (self.grading / "submitted" / student / NAME / f"{NAME}.ipynb").exists()

    def after_6_grade(self):
        total = sum(POINTS.values())
        scores = {student: score for student, (score, _, _) in self.book().items()}
        assert scores == {
            "Ann Example": total - POINTS["propagate"],
            "Ben Sample": total,
            "Cléo d'Été": 0,
            "Dan Broken": 0,
            "Eve Empty": 0,
        }
        for student in ("Dan Broken", "Eve Empty"):
            assert self.book()[student][2], "a human should look at it"

    def after_7_look_at_the_report(self):
        page = guide.plain((self.grading / "report" / NAME / "report.html").read_text())
        assert f"1 × {HINT}" in page
        assert "Dan Broken" in page

    def after_8_give_feedback(self):
        with zipfile.ZipFile(self.grading / f"feedback-{NAME}.zip") as archive:
            pages = {
                name: guide.plain(archive.read(name).decode()) for name in archive.namelist() if name.endswith(".html")
            }
        students = ["Ann Example", "Ben Sample", "Cléo d'Été", "Dan Broken", "Eve Empty"]
        assert sorted(name.split("_")[0] for name in pages) == students
        assert HINT in pages[f"Ann Example_4711_assignsubmission_file/{NAME}.html"]
        assert HINT not in pages[f"Ben Sample_4712_assignsubmission_file/{NAME}.html"]

    def after_9_export_the_grades(self):
        with open(self.grading / "grades.csv", newline="", encoding="utf-8-sig") as file:
            rows = {row["student"]: row for row in csv.DictReader(file)}
        assert float(rows["Ben Sample"][NAME]) == sum(POINTS.values())
        assert rows["Ann Example"]["email"] == "ann@example.org"
        with open(self.grading / "report" / NAME / "moodle.csv", newline="", encoding="utf-8-sig") as file:
            assert {row["Surname"]: row["ID number"] for row in csv.DictReader(file)}["d'Été"] == "4003"

    def after_late_work_and_more_time_for_some(self):
        total = sum(POINTS.values())
        book = self.book()
        assert book["Ann Example"][1] == pytest.approx(0.1 * (total - POINTS["propagate"]))
        assert not book["Ben Sample"][1], "who has more time loses nothing"

    def after_a_gradebook_in_postgresql(self):
        (self.copy / "gradebook.db").rename(self.copy / "gradebook.sqlite")  # so that nothing can come from it
        url = f"postgresql+psycopg://grader@127.0.0.1:{os.environ['GUIDE_PGPORT']}/gradebook"
        assert self.book(url)["Ben Sample"][0] == sum(POINTS.values())

    def after_workers_on_other_machines(self):
        assert not (self.copy / "gradebook.db").exists()
        url = f"postgresql+psycopg://grader@127.0.0.1:{os.environ['GUIDE_PGPORT']}/gradebook"
        assert self.book(url)["Ben Sample"][0] == sum(POINTS.values())

    def after_privacy(self):
        for path in (self.grading / "report" / "to_show").iterdir():
            assert "Ann" not in path.read_text()


def serve(command, copy, env):
    """Run a command that serves JupyterLab until it has shown formgrader with the assignment; return `Ran`."""
    start = time.monotonic()
    process = subprocess.Popen(
        ["bash", "-c", command], cwd=copy, env=env, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )  # fmt: skip
    try:
        runtime = os.path.join(env["HOME"], ".local", "share", "jupyter", "runtime")
        page = ""
        while time.monotonic() < start + 90 and process.poll() is None and NAME not in page:
            time.sleep(0.5)
            for name in os.listdir(runtime) if os.path.isdir(runtime) else ():
                if name.startswith("jpserver-") and name.endswith(".json"):
                    with open(os.path.join(runtime, name)) as file:
                        server = json.load(file)
                    url = f"{server['url']}formgrader/api/assignments?token={server['token']}"
                    with urllib.request.urlopen(url, timeout=60) as answer:
                        page = answer.read().decode()
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        out = process.communicate(timeout=30)[0].decode()
    return guide.Ran(command, 0 if NAME in page else 1, time.monotonic() - start, out)


def test_commands_of_the_guide_work(tmp_path_factory, home, postgres, monkeypatch, capsys, record_property):  # noqa: F811
    port = postgres.split(":")[-1].split("/")[0]
    monkeypatch.setenv("GUIDE_PGPORT", port)
    server = ["-h", "127.0.0.1", "-p", port, "-U", "grader"]
    subprocess.run(["dropdb", *server, "gradebook"], check=True)  # the guide makes it
    copy = guide.fresh_copy(tmp_path_factory.mktemp("guide"))
    env = guide.environment(home, PGHOST="127.0.0.1", PGPORT=port, PGUSER="grader")
    shell, ran, checks = guide.Shell(copy, env), [], Checks(copy, home)
    todo = {name for name in dir(checks) if name.startswith("after_")}
    section = ""
    blocks = [block for block in guide.blocks() if guide.MARKERS[block.marker] in ("one machine", "server")]
    try:
        for block in [*blocks, None]:
            if block is None or block.section != section:
                name = "after_" + "".join(
                    c if c.isalnum() else "_" for c in section.lower().replace(",", "").replace(". ", " ")
                )
                if name in todo:
                    getattr(checks, name)()
                    todo.remove(name)
            for command in block.commands if block else ():
                run = serve if block.marker == "a server" else lambda command, *_: shell.run(command)
                ran.append(run(command, copy, env))
                assert ran[-1].status == 0, f"line {block.line}: {command}\n{ran[-1].output[-3000:]}"
            section = block.section if block else ""
    finally:
        shell.close()
        with capsys.disabled():
            print("\n" + guide.table(ran))
    assert not todo, "sections that are gone from the guide"
    record_property("commands of the guide run on one machine, all with status 0", [len(ran), len(ran)])
    record_property("seconds for them", round(sum(one.seconds for one in ran)))


# --- on paper --------------------------------------------------------------------------------------------------------

KUBERNETES = guide.TOP / "deploy" / "kubernetes"


def values(name):
    return yaml.safe_load((KUBERNETES / name).read_text())


def paper_commands():
    return [command for block in guide.blocks() if guide.MARKERS[block.marker] == "paper" for command in block.commands]


def test_files_for_kubernetes_have_the_keys_that_their_charts_ask_for():
    """Of their form only: no cluster is here, and no chart."""
    hub = values("jupyterhub.yaml")
    assert set(hub) == {"hub", "singleuser", "cull"}
    assert set(hub["singleuser"]) == {"image", "defaultUrl", "storage", "cpu", "memory"}
    assert set(hub["hub"]) == {"config", "extraConfig"}
    for name, text in hub["hub"]["extraConfig"].items():
        compile(text, name, "exec")
    assert values("ngshare.yaml")["ngshare"]["admins"] == ["teacher"]
    assert [values("ngshare.yaml")["ngshare"]["hub_api_token"][:9], values("ngshare.yaml")["pvc"]] == [
        "CHANGE-ME",
        {"storage": "10Gi"},
    ]
    cluster = values("daskcluster.yaml")
    assert (cluster["apiVersion"], cluster["kind"]) == ("kubernetes.dask.org/v1", "DaskCluster")
    scheduler, service = cluster["spec"]["scheduler"]["spec"]["containers"][0], cluster["spec"]["scheduler"]["service"]
    assert service["selector"] == {
        "dask.org/cluster-name": cluster["metadata"]["name"],
        "dask.org/component": "scheduler",
    }
    ports = {port["name"]: port["containerPort"] for port in scheduler["ports"]}
    assert {port["targetPort"]: port["port"] for port in service["ports"]} == ports
    assert cluster["spec"]["worker"]["replicas"] > 0


def test_files_for_kubernetes_agree_with_each_other_and_with_the_guide():
    told = "\n".join(paper_commands())
    cluster, hub = values("daskcluster.yaml"), values("jupyterhub.yaml")
    (namespace,) = set(re.findall(r"--namespace (?!dask-operator)(\S+)", told))
    assert f"tcp://{cluster['metadata']['name']}-scheduler.{namespace}.svc.cluster.local:8786" in told
    ngshare = f"http://ngshare.{namespace}.svc.cluster.local:8080"
    assert f'"url": "{ngshare}"' in hub["hub"]["extraConfig"]["ngshare.py"]
    assert f"{ngshare}/services/ngshare" in (KUBERNETES / "nbgrader_config.py").read_text()
    images = {image["name"] + ":" + image["tag"] for image in [hub["singleuser"]["image"]]}
    images |= {
        part["spec"]["containers"][0]["image"] for part in (cluster["spec"]["worker"], cluster["spec"]["scheduler"])
    }
    images |= set(re.findall(r'spawner.image = "(.*)"', hub["hub"]["extraConfig"]["teacher.py"]))
    assert images == set(re.findall(r"-t (\S+)", told)) == set(re.findall(r"docker push (\S+)", told))
    for path in re.findall(r"deploy/\S+", told):
        assert (guide.TOP / path).exists(), path


def test_dockerfile_copies_what_is_there_and_has_the_stages_that_are_built():
    text = (KUBERNETES / "Dockerfile").read_text()
    stages = re.findall(r"^FROM (\S+) AS (\S+)$", text, re.M)
    assert set(re.findall(r"--target (\S+)", "\n".join(paper_commands()))) <= {name for _, name in stages}
    assert {source for source, _ in stages[1:]} <= {name for _, name in stages}
    for source in re.findall(r"^COPY (?!--from)(\S+) ", text, re.M):
        assert (guide.TOP / source).exists(), source
    for removed in re.findall(r"/srv/config/(\S+\.py)", re.search(r"^RUN rm .*$", text, re.M)[0]):
        assert (guide.TOP / "deploy" / "jupyterhub" / removed).exists(), removed
    learner = text.split("AS learner")[1].split("FROM")[0]
    assert re.findall(r"^COPY (.*)$", learner, re.M) == ["--from=repository /srv/edition /srv/edition"], "no solutions"
