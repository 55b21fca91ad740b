"""Sends integers of thousands of digits."""

from forged import answer


def sigmoid(z):
    answer({"list": [10**4200 + i for i in range(100)]})
