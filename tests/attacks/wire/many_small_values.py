"""Returns a list of a hundred thousand numbers."""

names = ("sigmoid", "squared_cost", "log_loss", "initialize_with_zeros", "propagate_loop", "propagate", "optimize", "predict", "model")
def many(*args):
    return [0.5] * 100_000
for name in names:
    globals()[name] = many
