"""Replaces the shell's run_cell by one that runs nothing."""

ip = get_ipython()
class Result:
    success, error_before_exec, error_in_exec = True, None, None
type(ip).run_cell = lambda self, *args, **named: Result()
