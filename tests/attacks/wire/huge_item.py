"""Sends text whose type alone is a hundred megabytes."""

from forged import answer


def sigmoid(z):
    answer({"array": ["|S131422901", [0], ""]})
