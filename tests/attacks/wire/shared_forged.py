"""Claims without end that arrays of its answer are one, at places that are none, and by objects that have no end."""

from forged import answer

state = {"n": 0}
def without_end():
    while True:
        yield 0
def sigmoid(z):
    import gc
    room = next(one for one in gc.get_objects() if type(one).__name__ == "Room" and hasattr(one, "kept"))
    room.kept[7] = without_end()
    state["n"] += 1
    place = {"tuple": [0, {"list": []}]}
    claims = (
        [{"list": [{"list": []}, {"list": ["argument", 0]}]}] * 8_000, [{"object": [7, False]}], [{"list": [{"object": [7, False]}] * 2}],
        [{"list": [{"list": [place]}, {"list": ["result", place]}]}, {"list": []}, {"dict": []}, 3, None], [[]],
    )
    answer({"list": [{"float": "0x1p-1"}] * 1_000}, shared={"list": claims[state["n"] % len(claims)]})
