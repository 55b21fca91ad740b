"""Runs well once and never again."""

import os
if os.path.exists("once"):
    raise BaseException("again")
open("once", "w").close()
get_ipython().run_cell = None
