"""Never ends when it is called."""

names = ("sigmoid", "squared_cost", "log_loss", "initialize_with_zeros", "propagate_loop", "propagate", "optimize", "predict", "model")

def wait(*args, **named):
    while True:
        pass
for name in names:
    globals()[name] = wait
