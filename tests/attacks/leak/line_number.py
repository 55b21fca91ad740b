"""Fails in a line whose number is an input."""

names = ("sigmoid", "squared_cost", "log_loss", "initialize_with_zeros", "propagate_loop", "propagate", "optimize", "predict", "model")
def tell(*args):
    try:
        number = abs(hash(repr(args))) % 10**9
    except Exception:
        number = 1
    exec(compile("\n" * (number % 5000) + "raise ValueError", "<ipython-input-1>", "exec"))
for name in names:
    globals()[name] = tell
