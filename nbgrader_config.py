"""nbgrader's configuration for all five courses: one gradebook, products in grading/.

Each course folder is an nbgrader course; its own nbgrader_config.py loads this file.
"""

import os

from nbconvert.preprocessors import ClearMetadataPreprocessor
from nbgrader import preprocessors as stock

from helpers import grading

c = get_config()  # noqa: F821 - nbgrader defines it
TOP = os.path.dirname(os.path.abspath(__file__))

c.CourseDirectory.db_url = "sqlite:///" + os.path.join(TOP, "gradebook.db")
c.CourseDirectory.source_directory = "."
for step in ("release", "submitted", "autograded", "feedback", "solution", "source_with_tests"):
    setattr(c.CourseDirectory, f"{step}_directory", os.path.join(TOP, "grading", step))

c.Autograde.sanitize_preprocessors = [
    stock.ClearOutput,
    grading.DeduplicateIds,
    stock.OverwriteKernelspec,
    stock.OverwriteCells,
    grading.CheckCellMetadata,
]
c.Autograde.autograde_preprocessors = [
    grading.Execute,
    stock.IgnorePattern,
    ClearMetadataPreprocessor,
    stock.LimitOutput,
    stock.SaveAutoGrades,
    stock.AssignLatePenalties,
    grading.CheckCellMetadata,
]
# Feedback must not show hidden tests, which nbgrader puts back into the cells when it grades.
c.GenerateFeedback.preprocessors = [
    stock.GetGrades,
    stock.ClearHiddenTests,
    "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
]
