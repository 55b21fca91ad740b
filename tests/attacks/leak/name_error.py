"""Complains of a missing name that is the inputs."""

names = ("sigmoid", "squared_cost", "log_loss", "initialize_with_zeros", "propagate_loop", "propagate", "optimize", "predict", "model")
def tell(*args):
    raise NameError(f"name {args!r} is not defined", name=repr(args))
for name in names:
    globals()[name] = tell
