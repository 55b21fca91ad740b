"""Lesson 5.12: dates in two forms, first parameters and trainings, a model's steps, pictures, runs with a fault."""

import datetime

import numpy as np

from helpers.widgets import fast_cnn, fast_translation

FORMS = 13
#: What a written date is made of, and what its translation is; the number after those is the end, the next the start.
SOURCE = " ',-./0123456789abcdefghijklmnopqrstuvwxyz"
TARGET = "0123456789-"
END, START = len(TARGET), len(TARGET) + 1
MONTHS = [datetime.date(2000, month, 1).strftime("%B").lower() for month in range(1, 13)]
