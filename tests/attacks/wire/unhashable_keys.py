"""Sends dicts whose keys are no keys, or are equal to each other, or to nothing."""

from forged import answer

state = {"n": 0}
def sigmoid(z):
    state["n"] += 1
    nan, one = {"float": "nan"}, {"array": ["<f8", [1], "AAAAAAAA8D8="]}
    keys = ([nan] * 20_000, [one], [{"list": []}], [{"dict": []}], [{"tuple": [one]}], [1, True, {"float": "0x1p0"}], [{"object": [1, True]}])
    answer({"dict": [[key, 0] for key in keys[state["n"] % len(keys)]]}, {"dict": [[key, 0] for key in keys[(state["n"] + 1) % len(keys)]]})
