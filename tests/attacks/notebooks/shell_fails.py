"""The shell itself raises when it runs a cell."""

get_ipython().run_cell = lambda *a, **k: (_ for _ in ()).throw(RecursionError("x"))
