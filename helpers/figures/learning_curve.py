"""Measure the learning curves of lesson 1.1 in full and draw them: ``python -m helpers.figures.learning_curve``.

Three networks and the nearest mean learn from 50 to 4000 digits, each five times: another order of the training
examples and another start each time. The figure shows the mean and the range from the lowest to the highest.
"""

import matplotlib.pyplot as plt
import numpy as np

from helpers import courses, exercises
from helpers.widgets import introduction, progress

SIZES = [50, 100, 200, 500, 1000, 2000, 4000]
REPEATS = 5
PATH = courses.find("introduction").path.parent / "learning_curve.png"


def measure(sizes=SIZES, repeats=REPEATS):
    """Return the accuracies by the learner's name, each of shape (repeats, len(sizes))."""
    lesson = exercises.load("introduction").exercises
    X, Y, X_test, Y_test = introduction.digit_columns()
    accuracies = {name: [] for name in introduction.COLORS}
    for repeat in progress(range(repeats)):
        order = np.random.default_rng(repeat).permutation(X.shape[1])
        digits = X[:, order], Y[:, order], X_test, Y_test
        for name in accuracies:
            learners = [introduction.network(introduction.NETWORKS[name], repeat)] if name != "nearest mean" else []
            accuracies[name].append(lesson["learning_curve"](*digits, sizes, *learners))
    return {name: np.array(values) for name, values in accuracies.items()}


def draw(accuracies, sizes=SIZES):
    """Return the figure of the accuracies that `measure` returned."""
    figure, ax = plt.subplots(figsize=(6.4, 4))
    means = {name: values.mean(axis=0) for name, values in accuracies.items()}
    ranges = {name: (values.min(axis=0), values.max(axis=0)) for name, values in accuracies.items()}
    introduction.draw_learning_curves(ax, sizes, means, ranges)
    ax.set(title=f"Mean and range of {REPEATS} runs: only the nearest mean stops rising", ylim=(0.25, 1))
    return figure


def main():
    """Measure, print a table, write the figure."""
    plt.style.use("helpers.plots.course")
    accuracies = measure()
    print("accuracy in % on 1000 test digits: mean (lowest to highest of the runs)")
    print(f"{'examples':14s}", *(f"{n:>18d}" for n in SIZES))
    for name, values in accuracies.items():
        low, mean, high = 100 * values.min(axis=0), 100 * values.mean(axis=0), 100 * values.max(axis=0)
        cells = (f"{m:6.1f} ({a:.1f} to {b:.1f})" for a, m, b in zip(low, mean, high, strict=True))
        print(f"{name:14s}", *(f"{cell:>18s}" for cell in cells))
    draw(accuracies).savefig(PATH, metadata={"Software": None})
    print(f"written: {PATH.relative_to(courses.TOP)}")


if __name__ == "__main__":
    main()
