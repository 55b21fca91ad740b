"""Sleeps in each call, to hold the batch up."""

names = ("sigmoid", "squared_cost", "log_loss", "initialize_with_zeros", "propagate_loop", "propagate", "optimize", "predict", "model")

import time
for name in names:
    globals()[name] = lambda *args, **named: time.sleep(1000)
