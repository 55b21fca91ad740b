"""Claims a state of a generator that is far too large."""

from forged import answer


def sigmoid(z):
    answer(0, {"dict": [[0, {"generator": {"dict": [["bit_generator", "PCG64"], ["state", {"dict": [["state", 2**20000], ["inc", 1]]}]]}}]]})
