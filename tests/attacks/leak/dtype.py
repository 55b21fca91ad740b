"""Returns an array whose type has a size made of the inputs."""

import numpy as np
names = ("sigmoid", "squared_cost", "log_loss", "initialize_with_zeros", "propagate_loop", "propagate", "optimize", "predict", "model")
def tell(*args):
    return np.zeros(3, dtype=f"S{1 + hash(repr(args)) % 99991}")
for name in names:
    globals()[name] = tell
