"""Crashes the interpreter when it is called."""

import ctypes
def sigmoid(z):
    ctypes.string_at(0)
