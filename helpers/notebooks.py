"""Source notebooks: run them into their canonical form, check them, make the learner's version of them.

The canonical form has the outputs and counts of one clean run, and no metadata but nbgrader's and tags, so that running
an unchanged notebook again gives an empty diff.
"""

import ast
import base64
import io
import itertools
import json
import re
from pathlib import Path

import nbformat
from PIL import Image

from helpers import claims, courses, exercises

MAX_BYTES = 500_000
MAX_LINES = 25
MIN_PREDICTIONS = 3
#: A cell with this tag keeps its stored output when it is run: it shows times, which differ from run to run.
TIMING = "timing"
_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
_NBGRADER_KEYS = {"grade", "grade_id", "locked", "schema_version", "solution", "task"}
_TAG = re.compile(r"\\tag\{(\d+\.\d+)\}")
_WIDGET = "application/vnd.jupyter.widget-view+json"


class BadNotebook(Exception):
    """A notebook cannot be used; the message is one line that says which, why, and what to do."""


def read(path):
    """Return the notebook at `path`; raise `BadNotebook` if it is none."""
    try:
        content = Path(path).read_text(encoding="utf-8")
        ids = [cell.get("id") for cell in json.loads(content)["cells"]]
        notebook = nbformat.reads(content, as_version=nbformat.NO_CONVERT)
        nbformat.validate(notebook)
    except FileNotFoundError:
        raise BadNotebook(f"{path}: there is no such file") from None
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:100]
        raise BadNotebook(
            f"{path} is not a notebook ({reason}). Restore it from git or save it in JupyterLab"
        ) from None
    twice = sorted({str(cell_id) for cell_id in ids if ids.count(cell_id) > 1})
    if twice and None not in ids:
        raise BadNotebook(f"{path}: two cells have the id {', '.join(twice)}. Give one of them another")
    if (notebook.nbformat, notebook.nbformat_minor) < (4, 5):
        raise BadNotebook(f"{path} has notebook format {notebook.nbformat}.{notebook.nbformat_minor}. Save it as 4.5")
    return notebook


def text(notebook):
    """Return the notebook in canonical form, as the text of its file."""
    notebook = nbformat.from_dict(notebook)
    notebook.metadata = nbformat.from_dict(_METADATA)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    was_run = any(cell.execution_count for cell in code)  # nbval compares outputs of cells with a count only
    counts = itertools.count(1)
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({k: v for k, v in cell.metadata.items() if k in ("nbgrader", "tags") and v})
        if cell.cell_type != "code":
            cell.pop("attachments", None)
            continue
        cell.execution_count = next(counts) if was_run and cell.source.strip() else None
        cell.outputs = _one_stream_each([output for output in map(_canonical_output, cell.outputs) if output])
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = cell.execution_count
    return nbformat.writes(notebook) + "\n"


def _canonical_output(output):
    """Return an output without what changes from run to run: widget ids; None if nothing is left."""
    if "data" in output:
        is_widget = output.data.pop(_WIDGET, None) is not None
        if is_widget and "image/png" not in output.data:
            return None
        output.metadata = nbformat.from_dict({})
    return output


def _one_stream_each(outputs):
    """Join pieces of text that arrived one after the other: where they break depends on the machine's speed."""
    joined = []
    for output in outputs:
        last = joined[-1] if joined else {}
        if output.output_type == last.get("output_type") == "stream" and output.name == last["name"]:
            last["text"] += output.text
        else:
            joined.append(output)
    return joined


def run(path):
    """Run a notebook from top to bottom and write it in canonical form; an error leaves the file as it was.

    Raises
    ------
    BadNotebook
        If it is no notebook, or a cell fails; the message names the cell and the error.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    path = Path(path)
    notebook = read(path)
    for cell in notebook.cells:  # JupyterLab's panel sets the one id, and nothing there sets the other
        cell.id = cell.metadata.get("nbgrader", {}).get("grade_id", cell.id)
    stored = {cell.id: cell.outputs for cell in notebook.cells if TIMING in cell.metadata.get("tags", [])}
    try:
        NotebookClient(
            notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}},
            extra_arguments=["--log-level=ERROR"],
        ).execute()  # fmt: skip
    except (CellExecutionError, DeadKernelError) as error:
        failed = next((cell.id for cell in notebook.cells if _errors(cell)), "?")
        reason = re.sub(r"\x1b\[[\d;]*m", "", str(error).strip().splitlines()[-1])
        raise BadNotebook(f"{path}: cell {failed} fails: {reason}") from None
    for cell in notebook.cells:
        if stored.get(cell.id):
            cell.outputs = stored[cell.id]
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                output.data["image/png"] = _small_png(output.data["image/png"])
    path.write_text(text(notebook), encoding="utf-8")


def _small_png(encoded):
    """Return a PNG in base64 with at most 256 colours: a third of the size, and figures look the same."""
    image = Image.open(io.BytesIO(base64.b64decode(encoded)))
    if image.mode != "P":
        image = image.convert("RGB").quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    image.save(buffer, "png", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()


def _errors(cell):
    return [output for output in cell.get("outputs", []) if output.output_type == "error"]


def check(path):
    """Return what is wrong with a source notebook, one line per problem, each with what to do; empty if it is right."""
    path = Path(path)
    try:
        notebook = read(path)
    except BadNotebook as error:
        return [str(error)]
    problems = []
    if path.stat().st_size > MAX_BYTES:
        problems.append(f"larger than {MAX_BYTES // 1000} kB: draw smaller figures")
    if text(notebook) != path.read_text(encoding="utf-8"):
        problems.append(f"not in canonical form: python -m helpers run {path}")
    for cell in notebook.cells:
        problems += [f"cell {cell.id}: {problem}" for problem in _cell_problems(cell)]
    problems += _equation_problems(notebook, path)
    problems += _exercise_problems(notebook, path.parent.name[3:])
    problems += _thinking_problems(notebook, path.parent.name[3:])
    return [f"{path}: {problem}" for problem in problems]


def _cell_problems(cell):
    if cell.cell_type != "code":
        return
    if len(cell.source.splitlines()) > MAX_LINES and "solution" not in str(cell.metadata.get("nbgrader", "")):
        yield f"more than {MAX_LINES} lines: split it"
    if cell.source.rstrip().endswith(";"):
        yield "ends in a semicolon, which nbval does not understand: end a plot with plt.show()"
    if _errors(cell) or any(output.get("name") == "stderr" for output in cell.outputs):
        yield "has an error or stderr in its outputs, which scores 0 under nbgrader: mend it and run again"
    if any("image/svg+xml" in output.get("data", {}) for output in cell.outputs):
        yield "stores SVG, whose ids change: draw PNG"


def _equation_problems(notebook, path):
    sources = _sources_joined(notebook)
    tags = _TAG.findall(sources)
    for tag in sorted({tag for tag in tags if tags.count(tag) > 1}):
        yield f"two equations are tagged {tag}: number them anew"
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    unknown = set(re.findall(r"\((\d+\.\d+)\)", text)) - set(tags)
    if unknown:  # it may stand in another lesson of the course
        for other in path.parent.parent.glob("[0-9][0-9]_*/*.ipynb"):
            if other.stem == other.parent.name:  # no copy of one
                unknown -= set(_TAG.findall(_sources_joined(read(other))))
    for reference in sorted(unknown):
        yield f"({reference}) is referred to, but no equation has \\tag{{{reference}}}"


def _sources_joined(notebook):
    return "\n".join(cell.source for cell in notebook.cells)


def _exercise_problems(notebook, lesson):
    """Each exercise of the catalogue needs its solution cell and its test cell, and the other way round."""
    graded = {cell.metadata.nbgrader.grade_id: cell for cell in notebook.cells if "nbgrader" in cell.metadata}
    known = exercises.load(lesson).exercises if lesson in exercises.lessons() else {}
    tags = set(_TAG.findall(_sources_joined(notebook)))
    for name, cell in graded.items():
        if cell.id != name:
            yield f"cell {cell.id}: its id is not its grade_id {name}"
        missing = _NBGRADER_KEYS - set(cell.metadata.nbgrader)
        if missing:
            yield f"cell {cell.id}: nbgrader metadata lacks {', '.join(sorted(missing))}"
        if name.startswith("test_") and name.removeprefix("test_") not in known:
            yield f"cell {name}: helpers/exercises has no exercise {name.removeprefix('test_')} for {lesson}"
    for name, exercise in known.items():
        solution, test = graded.get(name), graded.get(f"test_{name}")
        if solution is None or test is None:
            yield f"exercise {name} needs a solution cell {name!r} and a test cell 'test_{name}'"
            continue
        marked = "### BEGIN SOLUTION" in solution.source and "### END SOLUTION" in solution.source
        if not solution.metadata.nbgrader.solution or not marked:
            yield f"cell {name}: not a solution cell with ### BEGIN SOLUTION and ### END SOLUTION"
        graded_and_locked = test.metadata.nbgrader.grade and test.metadata.nbgrader.locked
        if not graded_and_locked or not test.source.startswith(f"check({name})"):
            yield f"cell test_{name}: not a locked, graded cell that begins with check({name})"
        if test.metadata.nbgrader.get("points") != exercise.points:
            yield f"cell test_{name}: its points are not the catalogue's {exercise.points}"
        for tag in set(re.findall(r"\d+\.\d+", exercise.equation)) - tags:
            yield f"exercise {name} points to equation ({tag}), which the notebook does not have"


def _thinking_problems(notebook, name):
    """What is asked besides the exercises must be known; a lesson in its second edition needs all of it."""
    catalogue = exercises.load(name) if name in exercises.lessons() else exercises.Lesson(name)
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    asked, compared = (re.findall(rf'check\.{verb}\("(\w+)"', code) for verb in ("predict", "compare"))
    for one in sorted({*asked, *compared, *catalogue.predictions}):
        if one not in catalogue.predictions:
            yield f"prediction {one} is not in helpers/exercises: add lesson.predict({one!r}, ...)"
        elif one not in asked or one not in compared or code.index(f'predict("{one}"') > code.index(f'compare("{one}"'):
            yield f'prediction {one}: check.predict("{one}") before its experiment, check.compare("{one}", ...) after'
    if next((lesson.edition for lesson in courses.LESSONS if lesson.name == name), 1) < 2:
        return
    if len(catalogue.predictions) < MIN_PREDICTIONS:
        yield f"a second edition has at least {MIN_PREDICTIONS} predictions: lesson.predict(...)"
    if "check.questions(" not in code or not any(one.why for one in catalogue.exercises.values()):
        yield "a second edition asks about the learner's code: a cell check.questions(...), and why=... of an exercise"
    for one in catalogue.exercises.values():
        missing = [what for what, there in (("ask", one.ask), ("small", one.small)) if not there]
        missing += [] if one.ways else ["a sentence to one of its other right answers, accept('...')"]
        if missing:
            yield f"exercise {one.name} lacks {', '.join(missing)}: a second edition needs it"
    for cell in notebook.cells:
        left = re.sub(r"\(The notes have [^)]*\)", "", cell.source) if cell.cell_type == "markdown" else ""
        if re.search(r"(?i)\bthe notes\b", left):
            yield f"cell {cell.id}: a box stands on its own; that the notes have the slip is one line in brackets"
    for place, number, words in claims.unsupported(notebook, name):
        yield f"{place}: print {number} or let the lesson's test hold it: {words}"


def student_version(notebook):
    """Return the learner's version, as `nbgrader generate_assignment` makes it: without solutions and outputs."""
    from nbgrader import preprocessors as steps

    notebook, resources = nbformat.from_dict(notebook), {}
    for step in (
        steps.LockCells,
        steps.ClearSolutions,
        steps.ClearOutput,
        steps.CheckCellMetadata,
        steps.ComputeChecksums,
        steps.ClearHiddenTests,
        steps.ClearMarkScheme,
        steps.ComputeChecksums,
    ):
        notebook, resources = step().preprocess(notebook, resources)
    return notebook


def function_bodies(source):
    """Yield the source of each function's body in `source`, without its docstring."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            yield node.name, "\n".join(ast.unparse(statement) for statement in body)


def sources():
    """Return the paths of all source notebooks, in the order of the courses."""
    return [lesson.path for lesson in courses.LESSONS if lesson.done]
