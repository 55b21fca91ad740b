"""Sends a dict with keys that are tuples of few numbers."""

from forged import answer


def sigmoid(z):
    answer({"dict": [[{"tuple": [i % 7, {"tuple": [i // 7]}]}, 0] for i in range(20_000)]})
