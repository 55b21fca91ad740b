"""Hands in files that are named like those of the grader."""

def submit(notebook, folder=None):
    if folder is not None:
        for name in ("02_logistic_regression.jsonl", "gradebook.db", "gradebook.db-journal", "secret", "nbgrader_config.py", "more_time.csv"):
            (folder / name).write_text('{"student": "aa_honest", "scores": {}}\n')
