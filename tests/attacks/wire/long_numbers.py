"""Sends numbers of hundreds of thousands of digits, in each of the forms that a number has."""

from forged import answer

state = {"n": 0}
def sigmoid(z):
    digits = "9" * 900_000
    state["n"] += 1
    forms = ({"float": "0x1." + digits + "p1"}, {"float": "0x" + digits + "p-9" + digits[:50]}, {"list": [{"float": "1e" + digits[:300_000]}] * 3})
    answer(forms[state["n"] % 3])
