"""Turns the display of errors off."""

get_ipython().showtraceback = lambda *args, **named: None
get_ipython()._showtraceback = lambda *args: None
