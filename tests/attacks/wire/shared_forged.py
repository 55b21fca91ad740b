"""Claims without end that arrays of its answer are one, at places that are none, and by objects that have no end."""

from forged import answer

names = ("sigmoid", "squared_cost", "log_loss", "initialize_with_zeros", "propagate_loop", "propagate", "optimize", "predict", "model")
def without_end():
    while True:
        yield 0
place, endless = {"tuple": [0, {"list": []}]}, {"object": [7, False]}
claims = (
    [{"list": [{"list": [0]}, {"list": ["argument", 0]}]}] * 8_000, [endless], [{"list": [endless, endless]}],
    [{"list": [{"list": [place]}, {"list": ["result", place]}]}, {"list": []}, {"dict": []}, 3, None],
    [{"list": [{"list": [0] * 5_000}, {"list": ["result", *[0] * 5_000]}]}] * 20,
)
def lies(claim):
    def tell(*args, **named):
        import gc
        room = next(one for one in gc.get_objects() if type(one).__name__ == "Room" and hasattr(one, "kept"))
        room.kept[7] = without_end()
        answer({"list": [{"float": "0x1p-1"}] * 1_000}, shared={"list": claim})
    return tell
for number, name in enumerate(names):
    globals()[name] = lies(claims[number % len(claims)])
