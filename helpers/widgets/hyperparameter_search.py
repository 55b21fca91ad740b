"""Lesson 2.6: digits in four parts, workers for many trials at once, the pictures of grid, random and one model."""

import contextlib
import functools
import tempfile
from typing import NamedTuple

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from threadpoolctl import threadpool_limits

from helpers import data
from helpers.checks import sick
from helpers.plots import BLUE, ORANGE, RED
from helpers.widgets import LiveFigure, progress

# --- a practice problem -----------------------------------------------------------------------------------------------


def practice_error(settings):
    """Return a made-up dev error, quick to compute; each hyperparameter that `settings` lacks is at its best.

    It is 0.05 plus a parabola for each: 0.03 per squared decade of ``"learning_rate"`` from 0.3, 0.01 per squared
    decade of 1 - ``"beta"`` from 0.03, 0.2 times the square of ``"keep_prob"`` - 0.9, and 0.003 per squared doubling of
    ``"hidden_units"`` from 48.
    """
    error = 0.05 + 0.03 * np.log10(settings.get("learning_rate", 0.3) / 0.3) ** 2
    error += 0.01 * np.log10((1 - settings.get("beta", 0.97)) / 0.03) ** 2
    error += 0.2 * (settings.get("keep_prob", 0.9) - 0.9) ** 2
    return float(error + 0.003 * np.log2(settings.get("hidden_units", 48) / 48) ** 2)


# --- data -------------------------------------------------------------------------------------------------------------


class Parts(NamedTuple):
    """Digits of MNIST, 14 by 14 pixels, label 1 for 5 to 9, in four parts that share none: pairs (X, Y)."""

    train: tuple
    dev: tuple
    spare: tuple
    test: tuple


@functools.cache
def digits(m_train=1000, m_dev=500):
    """Return `Parts`: the training inputs have mean 0 and mean square 1; what is left of the 4000 is spare."""
    mnist = data.mnist()

    def shrunk(images):
        small = images.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)) / 255
        return small.reshape(len(small), -1).T

    X, Y = shrunk(mnist.train_images), (mnist.train_labels >= 5).astype(float)
    mean = X[:, :m_train].mean(axis=1, keepdims=True)
    size = np.sqrt(np.mean((X[:, :m_train] - mean) ** 2))
    X, X_test = (X - mean) / size, (shrunk(mnist.test_images) - mean) / size
    places = (slice(m_train), slice(m_train, m_train + m_dev), slice(m_train + m_dev, None))
    parts = [(X[:, place].copy(), Y[:, place]) for place in places]
    return Parts(*parts, (X_test, (mnist.test_labels >= 5).astype(float)))


# --- many at once -----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def workers(count=None):
    """Yield a `distributed.Client` of worker processes on this machine, one for each core; they end with the block.

    Nothing leaves the machine: the processes talk over 127.0.0.1.
    """
    from dask.system import CPU_COUNT
    from distributed import Client, LocalCluster

    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        LocalCluster(
            n_workers=count or min(CPU_COUNT, 8), threads_per_worker=1, memory_limit=0, host="127.0.0.1",
            dashboard_address="127.0.0.1:0", local_directory=folder,  # any free port: another cluster may run here
        ) as cluster,
        Client(cluster) as client,
    ):  # fmt: skip
        client.run(digits)  # on each worker; waits until it has started
        yield client


def watch(futures, description="in parallel"):
    """Wait until the workers have finished all `futures`; a progress bar shows how many have."""
    from distributed import as_completed

    for _ in progress(as_completed(futures), total=len(futures), desc=description):
        pass


# --- the picture of grid and random -----------------------------------------------------------------------------------

PLACES = 200  # of the best spot, for the shares in the caption


def grid_points(side, axes=2):
    """Return the points of a grid with `side` values on each axis, shape (side**axes, axes), from 0 to 1."""
    ticks = (np.arange(side) + 0.5) / side
    return np.stack(np.meshgrid(*[ticks] * axes), axis=-1).reshape(-1, axes)


def distance(points, spot, weights):
    """Return how bad points are: the squared distance from the spot, each axis times its weight."""
    return ((points - spot) ** 2) @ np.asarray(weights, dtype=float)


def share_of_wins(side, weights, places=PLACES, seed=0):
    """Return how often random search finds a better point than a grid with as many trials, over spots and draws."""
    rng, grid, wins = np.random.default_rng(seed), grid_points(side, len(weights)), 0
    for _ in range(places):
        spot, drawn = rng.random(len(weights)), rng.random(grid.shape)
        wins += distance(drawn, spot, weights).min() < distance(grid, spot, weights).min()
    return float(wins / places)


def grid_and_random():
    """Return the picture of two searches with as many trials, with controls for trials, weight and chance."""
    figure = plt.figure(figsize=(7.2, 3.7), dpi=100, layout="none")
    sides = figure.subplots(1, 2, gridspec_kw={"left": 0.08, "right": 0.98, "bottom": 0.14, "top": 0.9, "wspace": 0.16})
    fine = (np.arange(80) + 0.5) / 80
    plane = np.stack(np.meshgrid(fine, fine), axis=-1)
    drawn = []
    for ax, title in zip(sides, ("grid", "random"), strict=True):
        ax.set(xlim=(0, 1), ylim=(-0.1, 1), xticks=(0, 0.5, 1), yticks=(0, 1), title=title)
        ax.set_xlabel("first hyperparameter")
        image = ax.imshow(
            np.zeros((80, 80)), extent=(0, 1, 0, 1), origin="lower", cmap="Blues_r", vmin=0, vmax=1, alpha=0.6,
            aspect="auto", animated=True,
        )  # fmt: skip
        dots = ax.plot([], [], "o", color="black", markersize=4, animated=True)[0]
        marks = ax.plot([], [], "|", color=RED, markersize=12, markeredgewidth=1.5, animated=True)[0]
        best = ax.plot([], [], "o", color=ORANGE, markersize=9, markeredgecolor="black", animated=True)[0]
        drawn.append((image, dots, marks, best))
    sides[0].set_ylabel("second")

    def update(side, weight, chance):
        rng = np.random.default_rng(chance)
        spot = rng.uniform(0.05, 0.95, 2)
        landscape = np.sqrt(distance(plane, spot, (1, weight)))
        landscape /= landscape.max()
        found = []
        for points, (image, dots, marks, best) in zip(
            (grid_points(side), rng.random((side * side, 2))), drawn, strict=True
        ):
            image.set_data(landscape)
            dots.set_data(points.T)
            marks.set_data(points[:, 0], np.full(len(points), -0.05))
            nearest = distance(points, spot, (1, weight)).argmin()
            best.set_data(points[[nearest]].T)
            found.append(np.sqrt(distance(points[nearest], spot, (1, weight))))
        return (
            f"{side * side} trials each. The grid tries {side} values of the first hyperparameter, random search "
            f"{side * side} (red marks). Distance of the best trial (orange): grid {found[0]:.3f}, "
            f"random {found[1]:.3f}. "
            f"Over {PLACES} other spots, random is nearer in {share_of_wins(side, (1, weight)):.0%}."
        )

    return LiveFigure(
        figure,
        update,
        side=ipywidgets.IntSlider(value=4, min=2, max=8, description="trials per axis"),
        weight=ipywidgets.FloatSlider(value=0.0, min=0, max=1, step=0.05, description="weight of second"),
        chance=ipywidgets.IntSlider(value=0, min=0, max=20, description="spot and draw"),
    )


# --- one model, watched -----------------------------------------------------------------------------------------------

DAYS, EPOCHS_A_DAY = 6, 3


def draw_diary(ax, diary, learning_rates):
    """Draw the costs of a watched run, and the days with their learning rates.

    Parameters
    ----------
    ax : Axes
    diary : ndarray, shape (epochs + 1, 3)
        Training cost, dev cost and dev error, before training and after each epoch.
    learning_rates : sequence of float
        One for each day.
    """
    epochs = np.arange(len(diary))
    ax.semilogy(epochs, diary[:, 0], "o-", color=BLUE, markersize=3, label="training")
    ax.semilogy(epochs, diary[:, 1], "o-", color=ORANGE, markersize=3, label="dev")
    for day, learning_rate in enumerate(learning_rates):
        ax.axvline(day * EPOCHS_A_DAY, color="gray", linewidth=0.6, linestyle=":")
        middle = (day + 0.5) * EPOCHS_A_DAY
        ax.text(middle, 0.985, f"day {day + 1}\nα = {learning_rate:g}", transform=ax.get_xaxis_transform(),
                ha="center", va="top", fontsize=8)  # fmt: skip
    ax.set(
        xlabel="epoch", ylabel="cost J", ylim=(0.008, 3), xlim=(-0.3, len(epochs) - 0.7), xticks=epochs[::EPOCHS_A_DAY]
    )
    ax.legend(loc="lower left")


def watched_model(first_day, look, one_day):
    """Return the live curve of one model: a slider for the learning rate of each day.

    Parameters
    ----------
    first_day : tuple
        The model before training; its first entry are its parameters.
    look, one_day : callable
        Of the notebook: ``look(parameters)`` returns training cost, dev cost and dev error, and
        ``one_day(model, learning_rate)`` the model after a day, and three looks.
    """

    @functools.lru_cache(maxsize=64)
    def after(learning_rates):  # the model and its looks so far: days that are as they were are not trained again
        if not learning_rates:
            return first_day, [look(first_day[0])]
        model, seen = after(learning_rates[:-1])
        model, more = one_day(model, learning_rates[-1])
        return model, seen + more

    figure = plt.figure(figsize=(7.2, 3.3), dpi=100, layout="none")
    ax = figure.add_axes((0.09, 0.15, 0.89, 0.8))
    last = DAYS * EPOCHS_A_DAY
    ax.set(xlabel="epoch", ylabel="cost J", yscale="log", ylim=(0.008, 8), xlim=(-0.3, last + 0.3))
    ax.set_xticks(range(0, last + 1, EPOCHS_A_DAY))
    for day in range(DAYS):
        ax.axvline(day * EPOCHS_A_DAY, color="gray", linewidth=0.6, linestyle=":")
        ax.text((day + 0.5) * EPOCHS_A_DAY, 0.98, f"day {day + 1}", transform=ax.get_xaxis_transform(), ha="center",
                va="top", fontsize=8)  # fmt: skip
    lines = [
        ax.plot([], [], "o-", color=color, markersize=3, animated=True, label=label)[0]
        for color, label in ((BLUE, "training"), (ORANGE, "dev"))
    ]
    ax.legend(loc="lower left")

    def update(**learning_rates):
        diary = np.array(after(tuple(learning_rates.values()))[1])
        for line, costs in zip(lines, diary.T, strict=False):
            line.set_data(range(last + 1), np.minimum(np.nan_to_num(costs, nan=7), 7))
        days = ", ".join(f"{error:.1%}" for error in diary[EPOCHS_A_DAY::EPOCHS_A_DAY, 2])
        return (
            f"Dev error at the end of each day: {days}. "
            f"Last costs: training {diary[-1, 0]:.3f}, dev {diary[-1, 1]:.3f}."
        )

    return LiveFigure(
        figure,
        update,
        **{
            f"day{day + 1}": ipywidgets.FloatLogSlider(
                value=0.03, base=10, min=-3, max=1, step=0.1, description=f"α on day {day + 1}", readout_format=".3f"
            )
            for day in range(DAYS)
        },
    )


# --- drawings ---------------------------------------------------------------------------------------------------------


def draw_trials(axes, trials, names):
    """Draw the dev error of each trial against each hyperparameter, one per axes; the best trial is orange."""
    errors = 100 * np.array([trial["dev_error"] for trial in trials])
    best = errors.argmin()
    for ax, name in zip(np.ravel(axes), names, strict=True):
        values = np.array([trial["settings"][name] for trial in trials], dtype=float)
        values = 1 - values if name == "beta" else values
        ax.plot(values, errors, "o", color=BLUE, markersize=4)
        ax.plot(values[best], errors[best], "o", color=ORANGE, markersize=8, markeredgecolor="black")
        ax.set_xscale("log" if name in ("beta", "learning_rate") else "linear")
        ax.set_xlabel({"beta": "1 - β", "learning_rate": "α"}.get(name, name.replace("_", " ")))


def explained(values, errors, groups=4):
    """Return the share of the errors' variance that lies between groups of trials with neighbouring values.

    With n trials it is about (groups - 1) / (n - 1) by chance alone.
    """
    errors = np.asarray(errors)[np.argsort(values)]
    parts = np.array_split(errors, groups)
    between = sum(len(part) * (part.mean() - errors.mean()) ** 2 for part in parts)
    return float(between / np.sum((errors - errors.mean()) ** 2))


# --- searches to diagnose ---------------------------------------------------------------------------------------------

FAULTS = (
    sick.Fault(
        "the learning rate is drawn uniformly, over several decades",
        "nearly all trials have a learning rate of the highest decade, and most of them fail",
        "draw the exponent uniformly: the kind log",
    ),
    sick.Fault(
        "the range of the learning rate ends too low",
        "the best trial lies near the upper end of the range, and no trial is good",
        "move the range upwards, beyond that end",
    ),
    sick.Fault(
        "the dev set is tiny",
        "there are few dev digits, only few different dev errors occur, and several trials share the lowest",
        "take more digits for the dev set",
    ),
    sick.Fault(
        "all trials have the same settings",
        "lowest and highest learning rate are the same number, and all dev errors are equal",
        "draw the settings inside the loop over the trials, each in a new dict",
    ),
    sick.Fault(
        "the models have trained on the dev digits",
        "the dev set is large and the learning rates are spread, but its best error is far below that on other digits",
        "take the dev digits out of the training set, and train anew",
    ),
)
_LONG = 15  # epochs of a trial of a sick search


def sick_search(rng, random_search, new_model, one_epoch, wrong, which=None):
    """Search with one of `FAULTS` planted, 24 short trials, and return the `sick.Run`.

    Parameters
    ----------
    rng : Generator
    random_search : callable
        The learner's.
    new_model, one_epoch, wrong : callable
        The model and the loop of the notebook.
    which : int, optional
        The fault; by default `rng` chooses.
    """
    which = int(rng.integers(len(FAULTS))) if which is None else which
    (X, Y), (X_dev, Y_dev), (X_new, Y_new), _ = digits()
    first, count = int(rng.integers(4)) * 200, 20 if which == 2 else 500
    X, Y, X_dev, Y_dev = X[:, first : first + 200], Y[:, first : first + 200], X_dev[:, :count], Y_dev[:, :count]
    if which == 4:
        X, Y = np.hstack([X, X_dev]), np.hstack([Y, Y_dev])
    kind, low, high = (("uniform", 1e-4, 100.0), ("log", 1e-6, 3e-3))[which] if which < 2 else ("log", 0.01, 1.0)
    models = []

    def dev_error(settings):
        order = np.random.default_rng(0)
        parameters, v = new_model(24, order)
        with threadpool_limits(1), np.errstate(all="ignore"):
            for _ in range(_LONG):
                parameters, v = one_epoch(parameters, v, X, Y, settings | {"beta": 0.9, "batch_size": 25}, order)
            models.append((settings["learning_rate"], parameters))
            return float(np.mean(wrong(parameters, X_dev, Y_dev)))

    space = {"learning_rate": (kind, low, high)}
    found = 24 * random_search(space, 1, rng, dev_error) if which == 3 else random_search(space, 24, rng, dev_error)
    rates = np.array([trial["settings"]["learning_rate"] for trial in found])
    errors = np.array([trial["dev_error"] for trial in found])
    winner = next(parameters for rate, parameters in models if rate == rates[0])
    with np.errstate(all="ignore"):
        elsewhere = np.mean(wrong(winner, X_new, Y_new))
    words = (
        f"24 trials on {count} dev digits, and the winner on {Y_new.size} other digits. Learning rates asked for: from "
        f"{low:g} to {high:g}; drawn: lowest {rates.min():.2g}, middle {np.median(rates):.2g}, highest "
        f"{rates.max():.2g}; that of the winner: {rates[0]:.2g}. Dev errors: lowest {errors[0]:.1%}, middle "
        f"{np.median(errors):.1%}, highest {errors.max():.1%}; {len(set(errors))} different ones; the lowest occurs "
        f"{np.sum(errors == errors[0])} times. The winner's error on the other digits: {elsewhere:.1%}."
    )
    figure, ax = plt.subplots(figsize=(5.5, 2.6))
    ax.semilogx(rates, 100 * errors, "o", color=BLUE, label="dev")
    ax.semilogx(rates[:1], [100 * elsewhere], "D", color=ORANGE, label="the winner on other digits")
    ax.axhline(50, color="gray", linestyle="--", linewidth=1)
    ax.set(xlabel="learning rate", ylabel="error (%)", ylim=(-2, 60), xlim=(low / 1.5, high * 1.5))
    ax.set_title("24 trials; dashed: guessing")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=8)
    plt.close(figure)
    return sick.Run(figure, words, FAULTS, which)
