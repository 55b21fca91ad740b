"""Recurses until the interpreter's stack is full."""

import sys
sys.setrecursionlimit(10**9)
def sigmoid(z):
    return sigmoid(z)
