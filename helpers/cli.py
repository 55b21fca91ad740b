"""The command line: ``python -m helpers VERB``; `make` calls it for the two main commands."""

import argparse
import collections
import functools
import re
import sys
from pathlib import Path

import tqdm

from helpers import claims, courses, doctor, launch, notebooks, release
from helpers.checks import packs
from helpers.courses import TOP


def main(arguments=None):
    """Run one verb. Bad input ends with one line on stderr that says what to do, and exit status 2."""
    parser = argparse.ArgumentParser(
        prog="python -m helpers", description="Tools of the course, for those who write and teach it."
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    verb = verbs.add_parser("run", help="run notebooks from top to bottom into their canonical form")
    verb.add_argument("lessons", nargs="*", help="lessons or paths of notebooks (default: all)")
    verb.set_defaults(action=run)

    verb = verbs.add_parser(
        "check", help="check form, exercises and equations of notebooks, and the tables of the READMEs"
    )
    verb.add_argument("lessons", nargs="*", help="lessons or paths of notebooks (default: all)")
    verb.add_argument(
        "--numbers", action="store_true", help="list the numbers of the prose that no output, code or test supports"
    )
    verb.set_defaults(action=check)

    verb = verbs.add_parser("tables", help="write the tables of lessons in the READMEs anew")
    verb.set_defaults(action=tables)

    verb = verbs.add_parser("release", help="write the learner's edition as a folder or a zip file")
    verb.add_argument("lessons", nargs="*", help="lessons (default: all that are done)")
    verb.add_argument("--to", metavar="FOLDER", help="the folder (default: learner/)")
    verb.add_argument("--zip", metavar="FILE", help="write this zip file instead")
    verb.add_argument("--wheel", metavar="FOLDER", help="write a wheel, whose command unpacks and starts it, instead")
    verb.add_argument("--update", action="store_true", help="bring it into a folder with work, and keep the work")
    verb.add_argument(
        "--answers", action="store_true", help="with other right answers, which learners see once they have solved"
    )
    verb.set_defaults(action=write_release)

    verb = verbs.add_parser(
        "collect", help="put submissions where the grader looks for them; run again, it takes what is new"
    )
    verb.add_argument("lesson")
    verb.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        help="what Moodle, Canvas, Blackboard or Brightspace gives out, or folders per student (default: the exchange)",
    )
    verb.add_argument(
        "--zone",
        help="the time zone in which the platform writes times, such as Europe/Berlin (default: this machine's)",
    )
    verb.add_argument("--db", metavar="URL", help="the gradebook (default: that of nbgrader_config.py)")
    verb.set_defaults(action=collect)

    verb = verbs.add_parser("grade", help="grade a lesson for a whole class, in parallel; run again, it goes on")
    verb.add_argument("lesson", help="the lesson; submissions lie where nbgrader looks for them")
    verb.add_argument("--workers", type=int, metavar="N", help="processes on this machine (default: one per core)")
    verb.add_argument("--scheduler", metavar="ADDRESS", help="a Dask scheduler instead, such as tcp://host:8786")
    verb.add_argument("--db", metavar="URL", help="the gradebook (default: that of nbgrader_config.py)")
    verb.add_argument("--again", action="store_true", help="grade what has not changed, too")
    verb.set_defaults(action=grade)

    verb = verbs.add_parser("status", help="say who handed in, what is graded, what waits for a human and why")
    verb.add_argument("lesson")
    verb.add_argument("--db", metavar="URL", help="the gradebook (default: that of nbgrader_config.py)")
    verb.set_defaults(action=status)

    verb = verbs.add_parser("feedback", help="write the pages of feedback that are older than the grades")
    verb.add_argument("lesson")
    verb.add_argument(
        "--zip", choices=["moodle", "canvas"], help="and a zip file of all pages as this platform takes it"
    )
    verb.add_argument("--to", metavar="FILE", help="the zip file (default: grading/feedback-<lesson>.zip)")
    verb.add_argument("--db", metavar="URL", help="the gradebook (default: that of nbgrader_config.py)")
    verb.set_defaults(action=feedback)

    verb = verbs.add_parser("export", help="write the points of all lessons, or of some, as one CSV table")
    verb.add_argument("lessons", nargs="*", help="lessons (default: all that the gradebook has)")
    verb.add_argument("--to", metavar="FILE", help="the table (default: grading/grades.csv)")
    verb.add_argument("--db", metavar="URL", help="the gradebook (default: that of nbgrader_config.py)")
    verb.set_defaults(action=export)

    verb = verbs.add_parser("report", help="write the class report of a graded lesson: a page, and tables as CSV")
    verb.add_argument("lesson")
    verb.add_argument("--to", metavar="FOLDER", help="the folder (default: grading/report/<lesson>)")
    verb.add_argument("--anonymous", action="store_true", help="pseudonyms in place of students")
    verb.add_argument("--db", metavar="URL", help="the gradebook (default: that of nbgrader_config.py)")
    verb.set_defaults(action=report)

    verb = verbs.add_parser("site", help="build the reading site: all lessons without solutions, and indexes")
    verb.add_argument("--to", metavar="FOLDER", help="the folder (default: build/site)")
    verb.set_defaults(action=build_site)

    verb = verbs.add_parser("doctor", help="say what works on this machine and what is missing", add_help=False)
    verb.add_argument("options", nargs=argparse.REMAINDER, help="--for learner, instructor or maintainer")
    verb.set_defaults(action=lambda options: doctor.main(options.options))

    verb = verbs.add_parser("lab", help="bring learner/ up to date and open JupyterLab on it", add_help=False)
    verb.set_defaults(action=lab)

    arguments = sys.argv[1:] if arguments is None else list(arguments)
    ours = arguments[:1] if arguments[:1] == ["lab"] else arguments  # what follows lab is for JupyterLab
    options = parser.parse_args(ours)
    options.jupyter = [word for word in arguments[len(ours) :] if word != "--"]
    try:
        code = options.action(options)
    except (notebooks.BadNotebook, release.ReleaseRefused, packs.UnknownExercise, LookupError, OSError) as error:
        print(f"helpers: {error.args[0] if isinstance(error, LookupError) else error}", file=sys.stderr)
        code = 2
    sys.exit(code)


def _paths(names):
    """Return the notebooks that the words on the command line mean: a file as it is, else a lesson's name."""
    return [
        Path(name) if Path(name).suffix == ".ipynb" else courses.find(name).path for name in names
    ] or notebooks.sources()


def run(options):
    for path in _paths(options.lessons):
        notebooks.run(path)
        print(f"{path}: done")


def check(options):
    paths = _paths(options.lessons)
    if options.numbers:
        return _list_numbers(paths)
    problems = [problem for path in paths for problem in notebooks.check(path)]
    if not options.lessons:
        problems += [f"{path}: the table of lessons is old: python -m helpers tables" for path, _ in _old_tables()]
    print("\n".join(problems) or f"{len(paths)} notebook{'s' * (len(paths) != 1)}: all right")
    return 1 if problems else 0


def _list_numbers(paths):
    for path in paths:
        for place, number, words in claims.unsupported(notebooks.read(path), path.parent.name[3:]):
            print(f"{path.stem}, {place}: {number}, in: {words}")


def tables(options):
    for path, new in _old_tables():
        path.write_text(new, encoding="utf-8")
        print(f"{path}: written")


def _old_tables():
    """Yield the READMEs whose tables of lessons are not as the notebooks say, each with its new text."""
    for path in [TOP / "README.md"] + [TOP / course / "README.md" for course in courses.COURSES]:
        old = new = path.read_text(encoding="utf-8")
        for course in courses.COURSES:
            begin, end = f"<!-- lessons of {course} -->\n", "<!-- end -->"
            if begin in new:
                head, rest = new.split(begin)
                table = courses.table(course)
                if path.parent.name == course:
                    table = table.replace(f"]({course}/", "](")
                new = head + begin + table + "\n" + end + rest.split(end, 1)[1]
        if new != old:
            yield path, new
    path = TOP / "docs" / "notes.md"
    old = path.read_text(encoding="utf-8")
    new = courses.with_topics(old)
    if new != old:
        yield path, new


def write_release(options):
    chosen = [courses.find(name) for name in options.lessons] or None
    for lesson in chosen or []:
        if not lesson.done:
            raise notebooks.BadNotebook(f"The lesson {lesson.name} is not written yet")
    files = release.edition(chosen, options.answers, tell=_Progress(), sheets=_sheets(chosen))
    size = sum(map(len, files.values()))
    if options.wheel:
        name, content = release.wheel_bytes(files)
        path = Path(options.wheel) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        print(f"{path}: {len(files)} files, {len(content) / 1e6:.1f} MB")
    elif options.zip:
        path = Path(options.zip)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(release.zip_bytes(files, path.stem))
        print(f"{path}: {len(files)} files, {path.stat().st_size / 1000:.0f} kB")
    else:
        folder = Path(options.to or TOP / "learner")
        for line in release.write(files, folder, keep_work=options.update):
            print(line)
        print(f"{folder}: {len(files)} files, {size / 1000:.0f} kB")


def _sheets(chosen):
    """Return which lessons have a graded sheet of questions; without one, nothing of the grader is imported."""
    configs = [TOP / "nbgrader_config.py", *TOP.glob("course*/nbgrader_config.py")]
    if not any(re.search(r"^\s*c\.OwnCode\b", path.read_text("utf-8"), re.M) for path in configs if path.exists()):
        return {}
    from helpers.grading import sheet

    return sheet.configured(chosen or [lesson for lesson in courses.LESSONS if lesson.done])


def of_a_class(action):
    """Make a verb end with one line on stderr and exit status 2 where a class cannot be graded, collected or shown."""

    @functools.wraps(action)
    def verb(options):
        from helpers.grading.record import NotReady  # nbgrader takes seconds to import

        try:
            return action(options)
        except NotReady as error:
            print(f"helpers: {error}", file=sys.stderr)
            return 2

    return verb


@of_a_class
def collect(options):
    """Collect a class's submissions and print a line per student."""
    from helpers.grading import batch, downloads
    from helpers.grading import collect as exchange

    class_ = batch.Class(courses.find(options.lesson), options.db)
    found = downloads.collect(class_, options.files, options.zone) if options.files else exchange.from_exchange(class_)
    print(f"{'student':<28} {'':<10} {'handed in':<21} notes")
    for row in found.rows:
        print(f"{row.student:<28.28} {row.what:<10} {row.when:<21} {' '.join(row.notes)}".rstrip())
    for sentence in found.left_out[:20]:
        print(f"Left out: {sentence}")
    if len(found.left_out) > 20:
        print(f"Left out: {len(found.left_out) - 20} more")
    counts = collections.Counter(row.what for row in found.rows)
    print(", ".join(f"{number} {what}" for what, number in counts.items()) or "There was nothing to collect.")
    return 0


@of_a_class
def grade(options):
    """Grade a class and say where it stands then; exit status 1 if a submission could not be graded."""
    from helpers.grading import batch
    from helpers.grading import status as standing

    class_ = batch.Class(courses.find(options.lesson), options.db)
    done = batch.run(class_, options.workers, options.scheduler, options.again)
    for sentence in done["unknown"] + done["failed"]:
        print(sentence)
    print(f"{done['graded']} graded, {done['kept']} unchanged", end="")
    print(f", {len(done['failed'])} failed: run again" if done["failed"] else "")
    print("\n".join(standing.lines(class_)))
    return 1 if done["failed"] else 0


@of_a_class
def status(options):
    from helpers.grading import batch
    from helpers.grading import status as standing

    print("\n".join(standing.lines(batch.Class(courses.find(options.lesson), options.db))))
    return 0


@of_a_class
def feedback(options):
    from helpers.grading import batch
    from helpers.grading import feedback as pages_of

    class_ = batch.Class(courses.find(options.lesson), options.db)
    pages, written = pages_of.write(class_)
    print(f"{len(written)} pages written, {len(pages) - len(written)} as before")
    if options.zip:
        path = Path(options.to or TOP / "grading" / f"feedback-{class_.assignment}.zip")
        left_out = pages_of.archive(class_, pages, options.zip, path)
        print("\n".join([*left_out, f"{path}: {len(pages) - len(left_out)} pages, {path.stat().st_size / 1e6:.1f} MB"]))
    return 0


@of_a_class
def export(options):
    from helpers.grading import batch, report
    from helpers.grading import status as standing

    path = Path(options.to or TOP / "grading" / "grades.csv")
    chosen = [batch.Class(courses.find(name), options.db) for name in options.lessons]
    table, sentences = standing.export(chosen or standing.generated(options.db))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(report.as_csv(table), encoding="utf-8-sig")  # the mark tells Excel that it is UTF-8
    print("\n".join([*sentences, f"{path}: {len(table) - 1} students, {len(table[0]) - 6} lessons"]))
    return 0


@of_a_class
def report(options):
    from helpers.grading import batch
    from helpers.grading import report as made

    lesson = courses.find(options.lesson)
    folder = Path(options.to) if options.to else TOP / "grading" / "report" / lesson.folder
    print("\n".join(map(str, made.write(batch.Class(lesson, options.db), folder, options.anonymous))))
    return 0


def build_site(options):
    from helpers import site

    folder = Path(options.to or TOP / "build" / "site")
    try:
        pages, size, seconds = site.build(folder)
    except site.SiteFailed as error:
        print(f"helpers: {error}", file=sys.stderr)
        return 2
    print(f"{folder / 'index.html'}: {pages} pages, {size / 1e6:.1f} MB, built in {seconds:.0f} s")
    return 0


def lab(options):
    """Bring the learner's edition up to date, keep the learner's work, and become JupyterLab on it.

    What follows the verb is for JupyterLab, such as ``--no-browser``.
    """
    folder, built = TOP / "learner", TOP / "build" / "edition"
    sources = release.fingerprint()
    if not (folder / release.MANIFEST).exists() or not built.exists() or built.read_text() != sources:
        for line in release.write(release.edition(ways=True, tell=_Progress()), folder, keep_work=True):
            print(line)
        built.parent.mkdir(exist_ok=True)
        built.write_text(sources)
    print("Starting JupyterLab ...", flush=True)
    launch.become_lab(folder, options.jupyter)


class _Progress:
    """Shows how many lessons are made and which was the last; for ``tell=`` of `release.edition`."""

    def __call__(self, done, count, lesson):
        if lesson is None:
            self.bar = tqdm.tqdm(total=count, desc="Making the lessons", unit="lesson", ncols=100, mininterval=0.5)
            return
        self.bar.set_postfix_str(lesson.number, refresh=False)
        self.bar.update()
        if done == count:
            self.bar.close()
