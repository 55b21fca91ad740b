"""Claims that an argument changed to a dict whose keys all have one hash."""

from forged import answer


def sigmoid(z):
    answer(0, {"dict": [[i * (2**61 - 1), 0] for i in range(1, 40_000)]})
