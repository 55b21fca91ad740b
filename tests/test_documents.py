"""What the documents show works: exercise, lesson and widget of CONTRIBUTING, links, tables, credits."""

import ast
import base64
import os
import re
import shlex
import subprocess
import sys
import tomllib
import zipfile

import nbformat
import pytest
import yaml
from copies import copy_of_repository

from helpers import checks, cli, courses, data, exercises, release
from helpers.checks import packs
from helpers.courses import COURSES, LESSONS, TOP

DOCUMENTS = [
    *sorted(TOP.glob("*.md")),
    *(TOP / "docs" / name for name in ("data.md", "notes.md")),
    *sorted(TOP.glob("course*/README.md")),
]


def test_exercise_of_contributing_works(capsys):
    blocks = re.findall(r"```python\n(.*?)```", (TOP / "CONTRIBUTING.md").read_text(), re.S)
    lesson = exercises.Lesson("activations")
    namespace = {"lesson": lesson}
    exec("import numpy as np\nfrom helpers.exercises import case\n" + blocks[0], namespace)
    relu = lesson.exercises["relu"]
    assert len(relu.mistakes) >= 3
    assert len(relu.accepted) >= 2
    check = checks.Checks("activations", packs.read(lesson.pack(0)))
    for function, hint in relu.mistakes:
        with pytest.raises(checks.CheckFailed) as caught:
            check.__call__(named("relu", function))
        assert hint in str(caught.value)
    for function in [relu.reference, *relu.accepted]:
        check(named("relu", function))
    cells = {"np": namespace["np"], "check": check}
    exec(blocks[1] + blocks[2], cells)
    assert capsys.readouterr().out.count("relu: all checks passed") == 1 + 1 + len(relu.accepted)


# --- a lesson, made by following CONTRIBUTING ---------------------------------------------------------------------------

KINDS = {
    "Read-only": {"grade": False, "locked": True, "solution": False},
    "Autograded answer": {"grade": False, "locked": False, "solution": True},
    "Autograder tests": {"grade": True, "locked": True, "solution": False},
}


def cells_of(block):
    """Return the cells of a block in which each begins with ``# %%``, with the metadata of the Create Assignment panel."""
    for head, source in re.findall(r"^# %%(.*)\n((?:(?!# %%).*\n?)*)", block, re.M):
        if head.strip() == "[markdown]":
            yield nbformat.v4.new_markdown_cell(re.sub("^# ?", "", source, flags=re.M).strip())
            continue
        cell = nbformat.v4.new_code_cell(source.strip())
        named = re.fullmatch(r" (\w+): ([A-Za-z -]+)(?:, (\d) points?)?", head)
        if named:
            cell.metadata.nbgrader = {"grade_id": named[1], "schema_version": 3, "task": False, **KINDS[named[2]]}
            if named[3]:
                cell.metadata.nbgrader["points"] = int(named[3])
        yield cell


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the repository's files in which the lesson of CONTRIBUTING was added, block by block."""
    copy = tmp_path_factory.mktemp("copy")
    copy_of_repository(copy)
    guide = (TOP / "CONTRIBUTING.md").read_text().split("## Add a lesson")[1].split("## Second edition")[0]
    blocks = re.findall(r"`([\w/]+\.(?:py|ipynb))`[^`]*(?:`[^`\n]+`[^`]*)*```python\n(.*?)```", guide, re.S)
    assert len(blocks) == 5
    for name, block in blocks:
        path = copy / name
        if name == "helpers/courses.py":
            text = path.read_text()
            last = text.rindex("    LessonInfo(", 0, text.index('"course2_tuning", "01'))  # the first one of course 2
            path.write_text(f"{text[:last]}    {block.strip()}\n{text[last:]}")
        else:
            assert not path.exists()
            path.parent.mkdir(exist_ok=True)
            if path.suffix == ".ipynb":
                nbformat.write(nbformat.v4.new_notebook(cells=list(cells_of(block))), path)
            else:
                path.write_text(block)
    return copy


def in_copy(copy, command):
    command = command.replace(".venv/bin/python", sys.executable)
    return subprocess.run(
        shlex.split(command), cwd=copy, env={**os.environ, "PYTHONPATH": str(copy)}, capture_output=True, text=True
    )


def test_lesson_and_widget_of_contributing_are_made_checked_tested_and_released(copy):
    guide = (TOP / "CONTRIBUTING.md").read_text().split("## Add a lesson")[1].split("## Second edition")[0]
    commands = re.search(r"```\n(\.venv.*?)```", guide, re.S)[1].splitlines()
    said = {}
    for command in commands:
        done = in_copy(copy, command)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        said[command.split()[3]] = done.stdout
    assert said["check"] == "1 notebook: all right\n"
    assert "README.md: written" in said["tables"]
    assert (
        "Leaky ReLU](course1_nn/09_leaky_relu/09_leaky_relu.ipynb) | 10 | 15 | 1 | 1 |"
        in (copy / "README.md").read_text()
    )
    passed = next(text for text in said.values() if " passed" in text)
    assert int(re.search(r"(\d+) passed", passed)[1]) >= 2 + 4 * (3 + 2 + 1) + 2
    notebook = nbformat.read(copy / "course1_nn/09_leaky_relu/09_leaky_relu.ipynb", as_version=4)
    assert "leaky_relu: all checks passed" in str([cell.get("outputs") for cell in notebook.cells])
    assert sum("image/png" in str(cell.get("outputs")) for cell in notebook.cells) == 2
    with zipfile.ZipFile(copy / "dist/leaky_relu.zip") as archive:
        released = archive.read("leaky_relu/course1_nn/09_leaky_relu/09_leaky_relu.ipynb").decode()
        assert "leaky_relu/helpers/widgets/leaky_relu.py" in archive.namelist()
    assert "raise NotImplementedError" in released
    assert "np.where(z > 0" not in released


def test_code_of_contributing_is_formatted_as_all_code_is(copy):
    made = [
        "helpers/exercises/course1_nn/leaky_relu.py",
        "helpers/widgets/leaky_relu.py",
        "tests/lessons/test_leaky_relu.py",
    ]
    done = in_copy(
        copy, f".venv/bin/python -m ruff check {' '.join(made)} course1_nn/09_leaky_relu/09_leaky_relu.ipynb"
    )
    assert done.returncode == 0, done.stdout
    done = in_copy(copy, f".venv/bin/python -m ruff format --diff {' '.join(made)}")
    assert done.returncode == 0, done.stdout


def test_what_contributing_shows_of_the_second_edition_is_in_lesson_1_2():
    part = (TOP / "CONTRIBUTING.md").read_text().split("## Second edition")[1].split("\n## ")[0]
    lesson = courses.find("logistic_regression")
    assert lesson.edition == 2
    notebook = nbformat.read(lesson.path, as_version=4)
    there = "\n".join(cell.source for cell in notebook.cells)
    there += (TOP / "helpers" / "exercises" / "course1_nn" / "logistic_regression.py").read_text()
    shown = re.findall(r"```python\n(.*?)```", part, re.S) + re.findall(r"`(check\.\w+\(.*?\))`", part)
    assert len(shown) > 6
    assert [code for code in shown if code.strip() not in there and code != "check.reset"] == []
    for command in re.findall(r"`(python -c .*?)`", part):
        done = subprocess.run(shlex.split(command.replace("python", sys.executable, 1)), cwd=TOP, capture_output=True)
        assert b"dZ" in done.stdout, done.stderr


# --- what the README shows ---------------------------------------------------------------------------------------------


def test_picture_of_the_readme_is_what_the_lesson_draws():
    notebook = nbformat.read(courses.find("logistic_regression").path, as_version=4)
    (output,) = next(cell.outputs for cell in notebook.cells if cell.id == "play_walks")
    picture = TOP / re.search(r"!\[[^]]+\]\(([^)]+)\)", (TOP / "README.md").read_text())[1]
    assert base64.b64decode(output.data["image/png"]) == picture.read_bytes()


def test_message_of_the_readme_is_what_check_says():
    exercise = exercises.load("logistic_regression").exercises["propagate"]
    function = {mistake.__name__: mistake for mistake, _ in exercise.mistakes}["dw_without_mean"]
    with pytest.raises(checks.CheckFailed) as caught:
        checks.lesson("logistic_regression")(named("propagate", function))
    shown = re.search(r"```text\n(.*?)```", (TOP / "README.md").read_text(), re.S)[1]
    assert shown.split() == str(caught.value).split()


def test_tables_of_the_readmes_are_what_the_notebooks_say():
    assert [path for path, _ in cli._old_tables()] == []


def named(name, function):
    def answer(*args):
        return function(*args)

    answer.__name__ = name
    return answer


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(TOP)))
def test_links_lead_somewhere(path):
    text = re.sub("^```.*?^```", "", path.read_text(), flags=re.M | re.S)  # a block is another file's text
    for target in re.findall(r"\]\(([^)#\s]+\.\w+)\)", text):
        if "://" not in target:
            assert (path.parent / target).exists(), target


def test_lesson_names_are_unique_across_the_courses():
    assert len({lesson.name for lesson in LESSONS}) == len(LESSONS) >= 31
    assert {lesson.course for lesson in LESSONS} == set(COURSES)


def test_readme_lists_all_courses_and_lessons():
    text = (TOP / "README.md").read_text()
    for lesson in LESSONS:
        assert lesson.title in text


# --- citation, licences, changelog, credits ----------------------------------------------------------------------------

PROJECT = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
HOLDER = "the Deep learning notebooks contributors"
#: Of the schema of the Citation File Format 1.2.0: what must be there, and what else may be.
CFF_REQUIRED = {"authors", "cff-version", "message", "title"}
CFF_OPTIONAL = """abstract commit contact date-released doi identifiers keywords license license-url preferred-citation
references repository repository-artifact repository-code type url version"""


def test_citation_is_valid_and_says_what_the_project_says():
    citation = yaml.safe_load((TOP / "CITATION.cff").read_text())
    assert CFF_REQUIRED <= set(citation) <= CFF_REQUIRED | set(CFF_OPTIONAL.split())
    assert citation["cff-version"] == "1.2.0"
    assert citation["type"] in ("software", "dataset")
    assert citation["authors"] == [{"name": HOLDER}] == PROJECT["authors"]
    assert str(citation["version"]) == PROJECT["version"]
    assert all(isinstance(word, str) for word in citation["keywords"])
    assert len(set(citation["keywords"])) == len(citation["keywords"])
    assert citation["license"] == PROJECT["license"].split(" AND ")[0]
    assert citation["title"] == (TOP / "README.md").read_text().splitlines()[0].removeprefix("# ")


def test_licences_are_named_alike_everywhere_and_go_with_the_edition():
    assert PROJECT["license"] == "BSD-3-Clause AND CC-BY-4.0"
    assert (TOP / "LICENSE").read_text().startswith("BSD 3-Clause License\n\nCopyright (c) ")
    texts = (TOP / "LICENSE-text.md").read_text()
    for part in ("`BSD-3-Clause`", "`CC-BY-4.0`", "<https://creativecommons.org/licenses/by/4.0/legalcode>"):
        assert part in texts
    for name in PROJECT["license-files"]:
        assert HOLDER in (TOP / name).read_text()
        assert name in release.SHIPPED
    assert "docs/data.md" in release.SHIPPED


def test_changelog_keeps_its_form_and_knows_the_version():
    text = (TOP / "CHANGELOG.md").read_text()
    versions = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - (\d{4}-\d{2}-\d{2}|unreleased)$", text, re.M)
    assert len(versions) == text.count("\n## ")
    assert versions[0][0] == PROJECT["version"]
    kinds = re.findall(r"^### (.*)$", text, re.M)
    assert kinds
    assert set(kinds) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_credits_name_every_file_loader_and_package_of_the_data():
    text = (TOP / "docs" / "data.md").read_text()
    rows = [
        [entry.strip() for entry in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")
    ]
    files = {row[0]: row for row in rows if len(row) == 6 and "`" in row[0]}
    assert set(files) == {f"{package}: `{path}`" for package, path in data._HASHES}
    for (package, path), row in zip(data._HASHES, files.values(), strict=True):
        found = data._file(package, path)
        size = sum(part.stat().st_size for part in ([found] if found.is_file() else found.rglob("*")) if part.is_file())
        assert row[5] == str(round(size / 1000)), path
        assert all(row), "each cell says something, if only that the package does not state it"
    packages = [row[:2] for row in rows if len(row) == 3 and row[0] in data.VERSIONS]
    assert packages == [list(pair) for pair in data.VERSIONS.items()]
    module = ast.parse((TOP / "helpers" / "data.py").read_text())
    loaders = {node.name for node in module.body if isinstance(node, ast.FunctionDef) and node.name[0] != "_"}
    assert {name for row in files.values() for name in re.findall(r"`(\w+)`", row[1])} == loaders
    assert set(re.findall(r"^- \*\*`(\w+)`\*\*:", text, re.M)) == loaders


# --- symbols of course 5 ----------------------------------------------------------------------------------------------

#: An arrow or bar over any letter, a letter with a tilde, a Greek letter, or a capital; small letters are none of these.
ACCENTED = r"\\(?:bar|overrightarrow|overleftarrow)(?![A-Za-z])|\\(?:tilde|mathcal)\s*\{?\s*\w"
GREEK = (
    r"\\(?:Gamma|Delta|Theta|Lambda|Sigma|Phi|Psi|Omega|alpha|beta|gamma|delta|epsilon|theta|lambda|mu|nu|sigma|tau|"
    r"varphi|phi|psi|omega)(?![A-Za-z])"
)
SYMBOL = re.compile(rf"{ACCENTED}|{GREEK}|(?<![A-Za-z\\])d?[A-Z](?![A-Za-z])")


def symbols_of(formulas):
    """Return the symbols of some formulas: ``\\tilde c``, ``\\Gamma``, ``W``; derivatives dV count as V."""
    found = set()
    for formula in formulas:
        formula = re.sub(r"\\(?:text|texttt|tag|begin|end)\{[^}]*\}", " ", formula)
        formula = re.sub(r"\^\{?(?:[^}$]*\s)?T\b", " ", formula)  # the transpose
        found |= {re.sub(r"^d(?=[A-Z])", "", re.sub(r"[\s{]+", " ", one)) for one in SYMBOL.findall(formula)}
    return found


def texts_of_course_5():
    """Return ``{number: text}`` of its lessons."""
    texts = {}
    for lesson in LESSONS:
        if lesson.course == "course5_sequence" and lesson.done:
            cells = nbformat.read(lesson.path, as_version=4).cells
            texts[lesson.number] = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    return texts


def test_symbols_of_course_5_are_those_of_the_notation_page():
    page = (TOP / "NOTATION.md").read_text()
    listed = symbols_of(re.findall(r"\$(.+?)\$", page)) | {"T"}  # T_x and T_y are lengths
    shown = {}
    for number, text in texts_of_course_5().items():
        inline = symbols_of(re.findall(r"(?<!\$)\$([^$]+)\$(?!\$)", text))
        for symbol in symbols_of(re.findall(r"\$\$(.*?)\$\$", text, re.S)) - listed:
            shown.setdefault(symbol, []).append(number)
            assert symbol in inline, f"lesson {number} displays {symbol}: say in the text, or on the page, what it is"
    several = {symbol: numbers for symbol, numbers in shown.items() if len(numbers) > 1}
    assert not several, "a symbol of several lessons belongs on the page"


def test_the_notation_page_lists_no_symbol_of_course_5_that_no_lesson_shows():
    parts = re.findall(r"## (?:Sequences|Words as vectors)\n(.*?)(?=\n## )", (TOP / "NOTATION.md").read_text(), re.S)
    assert len(parts) == 2
    everywhere = symbols_of(re.findall(r"\$+([^$]+)\$+", "\n".join(texts_of_course_5().values())))
    listed = symbols_of(one for part in parts for one in re.findall(r"^\| (\$.*?) \|", part, re.M))
    assert listed <= everywhere


def test_course_5_has_one_transpose_and_one_name_for_the_output_weights():
    for number, text in texts_of_course_5().items():
        assert r"\top" not in text, f"lesson {number}: the transpose is ^T"
        assert not re.search(r"W_\{?y\}?(?![A-Za-z])", "".join(re.findall(r"\$+([^$]+)\$+", text))), number
