"""Imports the reference solutions."""

names = ("sigmoid", "squared_cost", "log_loss", "initialize_with_zeros", "propagate_loop", "propagate", "optimize", "predict", "model")

import importlib
for module in ("helpers.exercises", "helpers.exercises.course1_nn.logistic_regression"):
    try:
        lesson = importlib.import_module(module).lesson
        globals().update(lesson.exercises)
    except ImportError as error:
        print(error)
