"""Runs commands through IPython's magics."""

shell = get_ipython()
shell.system('touch "{top}/hacked"; cat "{top}/gradebook.db" "{top}/grading/secret"')
shell.run_cell_magic("bash", "", "cat {top}/grading/secret; touch {top}/hacked")
