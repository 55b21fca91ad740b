"""Raises exceptions whose text and type misbehave."""

names = ("sigmoid", "squared_cost", "log_loss", "initialize_with_zeros", "propagate_loop", "propagate", "optimize", "predict", "model")

class CheckPassed(Exception):
    __str__ = __repr__ = lambda self: 1 / 0
    args = property(lambda self: exit())
CheckPassed.__name__ = "NotImplementedError" * 10
def answer(*args, **named):
    raise CheckPassed
for name in names:
    globals()[name] = answer
