"""The shell raises what is no error."""

def _run(*a, **k):
    raise [KeyboardInterrupt, SystemExit, GeneratorExit][len(str(a)) % 3]("x")
get_ipython().run_cell = _run
