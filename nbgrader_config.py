"""nbgrader's configuration for all five courses: one gradebook, products in grading/.

Each course folder is an nbgrader course; its own nbgrader_config.py loads this file.
"""

import os
import sys

from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbgrader import preprocessors as stock

from helpers import grading

c = get_config()  # noqa: F821 - nbgrader defines it
# nbgrader calls alembic by name, which PATH lacks where .venv is not activated.
os.environ["PATH"] = os.path.dirname(sys.executable) + os.pathsep + os.environ.get("PATH", os.defpath)
TOP = os.path.dirname(os.path.abspath(__file__))

# SQLite by default; another database by its URL, such as postgresql+psycopg://user:password@host/gradebook
c.CourseDirectory.db_url = os.environ.get("GRADEBOOK_URL", "sqlite:///" + os.path.join(TOP, "gradebook.db"))
c.CourseDirectory.source_directory = "."
for step in ("release", "submitted", "autograded", "feedback", "solution", "source_with_tests"):
    setattr(c.CourseDirectory, f"{step}_directory", os.path.join(TOP, "grading", step))

# From an exchange into which everyone may write, only what its owner handed in.
c.ExchangeFactory.collect = grading.Collect

# Questions about the student's own code at the end of a lesson, one point each, others for each student. Off until a
# course says so, before the lesson is generated and released: c.OwnCode.points = {"logistic_regression": 3}
c.GenerateAssignment.preprocessors = [
    stock.IncludeHeaderFooter,
    stock.InstantiateTests,
    stock.LockCells,
    stock.ClearSolutions,
    stock.ClearOutput,
    grading.OwnCode,
    stock.CheckCellMetadata,
    stock.ComputeChecksums,
    stock.SaveCells,
    stock.ClearHiddenTests,
    stock.ClearMarkScheme,
    stock.ComputeChecksums,
    stock.CheckCellMetadata,
]

c.Execute.secret_file = os.path.join(TOP, "grading", "secret")
c.Autograde.pre_convert_hook = grading.prepare
c.Autograde.exporter_class = grading.Reader
c.Autograde.sanitize_preprocessors = [grading.Restore]
c.Autograde.autograde_preprocessors = [
    grading.Execute,
    stock.LimitOutput,
    grading.Record,
    stock.AssignLatePenalties,
]
# Being late costs nothing until a course says so, such as c.LatePenalty.per_day = 0.1. Who has more time stands in
# grading/more_time.csv, with the columns student, assignment, hours.
more_time = os.path.join(TOP, "grading", "more_time.csv")
if os.path.exists(more_time):
    c.LatePenalty.extensions = more_time
c.AssignLatePenalties.plugin_class = grading.LatePenalty
# What learners wrote is sanitised after it was rendered, on the pages of feedback and in formgrader.
c.HTMLExporter.filters = grading.FILTERS
c.HTMLExporter.preprocessors = [grading.EscapeNames]
grading.guard_formgrader()
# Feedback must not show hidden tests, which nbgrader puts back into the cells when it grades.
c.GenerateFeedback.preprocessors = [stock.GetGrades, stock.ClearHiddenTests, CSSHTMLHeaderPreprocessor]
