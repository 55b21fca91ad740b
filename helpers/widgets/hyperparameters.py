"""Lesson 1.6: a training loop for networks of any depth, patches for experiments, and the control panel."""

import asyncio
import html
import time
from itertools import islice, pairwise

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from scipy.special import expit

from helpers import data
from helpers.checks.sick import Fault, Run
from helpers.plots import BLUE, GREEN, RED
from helpers.widgets import LiveFigure

# --- training ---------------------------------------------------------------------------------------------------------

#: Activation of the hidden layers: g(Z), and its derivative written with A = g(Z). Entry by entry.
ACTIVATIONS = {
    "tanh": (np.tanh, lambda A: 1 - A * A),
    "relu": (lambda Z: np.maximum(Z, 0), lambda A: (A > 0) * 1.0),
    "sigmoid": (expit, lambda A: A * (1 - A)),
}


def with_ones(A):
    """Return A with a row of ones below it, shape (n + 1, m): the inputs of a layer whose bias is its last column."""
    return np.vstack([A, np.ones((1, A.shape[1]))])


def start(layers_dims, seed=0):
    """Return the parameters before training: small random weights, biases 0.

    Weights are drawn with standard deviation ``1 / sqrt(n_prev)``; course 2, lesson 2 says why.

    Parameters
    ----------
    layers_dims : list of int
        ``[n_x, n1, ..., n_y]``.
    seed : int

    Returns
    -------
    parameters : list of ndarray
        One matrix per layer, shape (n, n_prev + 1): the weights and, as its last column, the biases.
    """
    rng = np.random.default_rng(seed)
    return [
        np.hstack([rng.standard_normal((n, n_prev)) / np.sqrt(n_prev), np.zeros((n, 1))])
        for n_prev, n in pairwise(layers_dims)
    ]


@np.errstate(all="ignore")  # a run may diverge
def forward(parameters, X, g):
    """Return the inputs of each layer, each with its row of ones, and Z of the last layer, shape (n_y, m).

    Parameters
    ----------
    parameters : list of ndarray, shape (n, n_prev + 1)
    X : ndarray, shape (n_x + 1, m)
        With its row of ones.
    g : callable
        Activation of the hidden layers.
    """
    inputs = [X]
    for V in parameters[:-1]:
        inputs.append(with_ones(g(V @ inputs[-1])))
    return inputs, parameters[-1] @ inputs[-1]


@np.errstate(all="ignore")
def cost_of(Z, Y):
    """Return the mean cross-entropy of the predictions expit(Z), a float; Z and Y have shape (n_y, m)."""
    return float(np.sum(np.logaddexp(0, Z) - Y * Z) / Y.shape[1])


@np.errstate(all="ignore")
def downhill(parameters, inputs, dZ, slope, learning_rate):
    """Return new parameters after one step of gradient descent; the old ones stay as they are.

    Parameters
    ----------
    parameters, inputs
        As `forward` takes and gives them.
    dZ : ndarray, shape (n_y, m)
        Of the last layer: derivative of each example's loss.
    slope : callable
        Derivative of the activation, written with A.
    learning_rate : float
    """
    stepped, m = [], dZ.shape[1]
    for V, A in zip(reversed(parameters), reversed(inputs), strict=True):
        stepped.append(V - learning_rate / m * dZ @ A.T)
        if A is not inputs[0]:
            dZ = V[:, :-1].T @ dZ * slope(A[:-1])
    return stepped[::-1]


def steps(X, Y, layers_dims, activation="tanh", learning_rate=0.1, seed=0):
    """Yield ``(parameters, cost)`` at the start and after each step of gradient descent, without end.

    Each turn does one step on all examples. Take as many as you want, and look at each.

    Parameters
    ----------
    X : ndarray, shape (n_x, m)
    Y : ndarray, shape (1, m)
    layers_dims : list of int
        ``[n_x, n1, ..., 1]``; ``[n_x, 1]`` is logistic regression.
    activation : str
        Of the hidden layers: "tanh", "relu" or "sigmoid". The last layer has the logistic function.
    learning_rate : float
    seed : int
        Draws the first weights.

    Yields
    ------
    parameters : list of ndarray, shape (n, n_prev + 1)
        Weights and, in the last column, biases of each layer.
    cost : float
        The cross-entropy cost of these parameters.
    """
    g, slope = ACTIVATIONS[activation]
    parameters, X = start(layers_dims, seed), with_ones(X)
    while True:
        inputs, Z = forward(parameters, X, g)
        yield parameters, cost_of(Z, Y)
        parameters = downhill(parameters, inputs, expit(Z) - Y, slope, learning_rate)


def train(X, Y, layers_dims, activation="tanh", learning_rate=0.1, num_iterations=500, seed=0):
    """Train a network; arguments as in `steps`, ``num_iterations`` steps.

    Returns
    -------
    parameters : list of ndarray, shape (n, n_prev + 1)
        After the last step.
    costs : list of float
        ``num_iterations + 1`` costs: at the start and after each step. nan or infinity if the run diverged.
    """
    costs, run = [], steps(X, Y, layers_dims, activation, learning_rate, seed)
    for parameters, cost in islice(run, num_iterations + 1):  # noqa: B007 - the last parameters are returned
        costs.append(cost)
    return parameters, costs


def predict(parameters, X, activation="tanh"):
    """Return the predicted labels, zeros and ones of shape (1, m); ``activation`` is that of the training."""
    _, Z = forward(parameters, with_ones(X), ACTIVATIONS[activation][0])
    return (Z > 0).astype(int)  # Z > 0 where the probability is above 1/2


# --- data -------------------------------------------------------------------------------------------------------------


def three_parts(block=4):
    """Return ``X_train, Y_train, X_dev, Y_dev, X_test, Y_test`` of "cat or not": no two parts share a pixel.

    They are those of `data.cat_in_three_parts`. Each patch of 32 by 32 pixels is shrunk to the mean colours of blocks,
    and brought to the range from -0.5 to 0.5.

    Parameters
    ----------
    block : int
        Side of a block in pixels; 4 leaves 8 by 8 blocks in three colours, so n_x = 192.

    Returns
    -------
    X_train, X_dev, X_test : ndarray, shape (n_x, 391), (n_x, 97), (n_x, 97)
    Y_train, Y_dev, Y_test : ndarray, shape (1, 391), (1, 97), (1, 97)
    """
    parts = data.cat_in_three_parts()
    return tuple(columns(part, block) if part.ndim == 4 else part for part in parts)


def columns(patches, block=4):
    """Return the mean colours of the blocks of each patch, one patch per column, shape (n_x, m); -0.5 to 0.5."""
    m, size = patches.shape[0], patches.shape[1] // block
    means = patches.reshape(m, size, block, size, block, 3).mean(axis=(2, 4))
    return means.reshape(m, -1).T / 255 - 0.5


def as_images(X):
    """Return the columns of X as images of blocks, shape (m, size, size, 3), values 0 to 1."""
    size = round((len(X) / 3) ** 0.5)
    return X.T.reshape(-1, size, size, 3) + 0.5


# --- figures ----------------------------------------------------------------------------------------------------------


def draw_loop(ax):
    """Draw the empirical process: idea, code, experiment, and back to the idea."""
    corners = {"idea": (0, 1), "code": (0.9, -0.55), "experiment": (-0.9, -0.55)}
    names = list(corners)
    for here, there in zip(names, names[1:] + names[:1], strict=True):
        ax.annotate(
            "", corners[there], corners[here],
            arrowprops={"arrowstyle": "-|>", "color": BLUE, "lw": 2, "shrinkA": 34, "shrinkB": 34,
                        "connectionstyle": "arc3,rad=-0.25"},
        )  # fmt: skip
    for name, (x, y) in corners.items():
        ax.text(x, y, name, ha="center", va="center", fontsize=12)
    for text, x, y in (("choose settings", 1.25, 0.45), ("train", 0, -1.08), ("compare dev errors", -1.38, 0.45)):
        ax.text(x, y, text, ha="center", va="center", color="gray", fontsize=9)
    ax.set(xlim=(-2.2, 2.0), ylim=(-1.3, 1.3))
    ax.set_axis_off()


def draw_errors(ax, x, runs, log=False):
    """Draw training and dev error of runs, one run for each entry of x.

    Parameters
    ----------
    ax : Axes
    x : list of float or str
        The value that was varied.
    runs : list of dict
        Records with "train_error", "dev_error" and "cost"; runs that diverged are left out.
    log : bool
        Whether the axis of x is logarithmic.
    """
    kept = [(value, run) for value, run in zip(x, runs, strict=True) if np.isfinite(run["cost"])]
    for key, color, mark, label in (("train_error", GREEN, "o", "training"), ("dev_error", RED, "s", "dev")):
        ax.plot([value for value, _ in kept], [run[key] for _, run in kept], mark + "-", color=color, label=label)
    if log:
        ax.set_xscale("log")
    ax.set(ylabel="error", ylim=(-0.02, 0.55))
    ax.legend()


# --- the control panel ------------------------------------------------------------------------------------------------

EVERY = 20  # steps between two measurements of the errors
CHUNK = 0.05  # seconds of training between two pictures
MOST_STEPS, GHOSTS = 2000, 6


class ControlPanel(LiveFigure):
    """A panel that trains while one looks: controls, a live cost curve, and a table of all finished runs.

    A run advances in chunks of about `CHUNK` seconds; between them the picture is drawn and the kernel answers other
    requests. Where no event loop runs (in scripts), pressing Train trains to the end at once.

    Parameters
    ----------
    count_parameters, best_run : callable
        The learner's functions.
    X_train, Y_train, X_dev, Y_dev : ndarray
        Of shape (n_x, m_train), (1, m_train), (n_x, m_dev) and (1, m_dev).
    steps, predict : callable
        The training loop and the answers of the network; the notebook hands in its own.
    """

    def __init__(self, count_parameters, best_run, X_train, Y_train, X_dev, Y_dev, steps=steps, predict=predict):
        self._count, self._best_run = count_parameters, best_run
        self._steps, self._predict = steps, predict
        self._training, self._dev = (X_train, Y_train), (X_dev, Y_dev)
        self.runs = []  # records of finished runs, with "seconds"
        self._curves = []  # their cost curves, to draw them in gray
        self._run = None  # the run that is under way or was last
        self._task = None
        self.train_button = ipywidgets.Button(description="Train", button_style="primary", tooltip="start a run")
        self.stop_button = ipywidgets.Button(description="Stop", disabled=True, tooltip="give up this run")
        self.table = ipywidgets.HTML()
        super().__init__(self._draw_axes(), self._show, **_controls())
        *controls, image, caption = self.children
        self.children = [*controls, ipywidgets.HBox([self.train_button, self.stop_button]), image, caption, self.table]
        self.train_button.on_click(self.start)
        self.stop_button.on_click(self.stop)
        self._begin()
        self._finish()

    # --- a run, from the outside ---

    def start(self, _=None):
        """Start a run with the values of the controls; one that is under way is given up."""
        self.stop()
        self._begin()
        try:
            self._task = asyncio.get_running_loop().create_task(self._train(self._run))
        except RuntimeError:  # no event loop: nobody is looking
            self._finish()

    def stop(self, _=None):
        """Give up the run that is under way; it adds no row to the table."""
        if self.training:
            self._run["training"], self._run["stopped"] = False, True
            self._redraw()

    @property
    def training(self):
        """Whether a run is under way."""
        return self._run is not None and self._run["training"]

    def advance(self, seconds=CHUNK):
        """Train for about so many seconds, then draw; return whether the run goes on."""
        run, deadline = self._run, time.perf_counter() + seconds
        began = time.perf_counter()
        while run["training"]:
            self._step(run)
            if time.perf_counter() >= deadline:
                break
        run["seconds"] += time.perf_counter() - began
        if not run["training"] and not run["stopped"]:
            self._record(run)
        self._redraw()
        return run["training"]

    # --- a run, from the inside ---

    def _begin(self):
        values = {name: control.value for name, control in self.controls.items()}
        settings = self._settings(**values)
        taken = {name: settings[name] for name in ("layers_dims", "activation", "learning_rate", "seed")}
        self._run = {
            "settings": settings, "steps": self._steps(*self._training, **taken), "costs": [], "measured": [],
            "training": True, "stopped": False, "seconds": 0.0,
        }  # fmt: skip
        self._redraw()

    async def _train(self, run):
        while run is self._run and self.advance():
            await asyncio.sleep(0.01)  # the kernel answers others meanwhile

    def _finish(self):
        while self.advance(seconds=1.0):
            pass

    def _step(self, run):
        parameters, cost = next(run["steps"])
        run["costs"].append(cost)
        done, last = len(run["costs"]) - 1, run["settings"]["num_iterations"]
        run["training"] = done < last and np.isfinite(cost)
        if done % EVERY == 0 or not run["training"]:
            g = run["settings"]["activation"]
            errors = [float(np.mean(self._predict(parameters, X, g) != Y)) for X, Y in (self._training, self._dev)]
            run["measured"].append((done, *errors))

    def _record(self, run):
        _, train_error, dev_error = run["measured"][-1]
        self.runs.append(
            {
                "settings": run["settings"],
                "num_parameters": int(self._count(run["settings"]["layers_dims"])),
                "cost": run["costs"][-1],
                "train_error": train_error,
                "dev_error": dev_error,
                "seconds": run["seconds"],
            }
        )
        self._curves.append(np.array(run["costs"]))
        self.table.value = table(self.runs, self._best()) + html.escape(self._trouble)

    def _best(self):
        """Return the number of the best run, counted from 0, by the learner's `best_run`; None if all diverged."""
        self._trouble = ""
        if not any(np.isfinite(run["cost"]) for run in self.runs):
            return None
        try:
            best = self._best_run(list(self.runs))
        except Exception as error:  # the learner's own; it must not end the panel
            self._trouble = f"best_run stopped with {type(error).__name__}: {error}"
            return None
        return next((i for i, run in enumerate(self.runs) if run is best or run == best), None)

    def _settings(self, learning_rate, num_iterations, layers, units, activation):
        n_x = len(self._training[0])
        return {
            "learning_rate": round(float(learning_rate), 6),
            "num_iterations": num_iterations,
            "layers_dims": [n_x, *[units] * layers, 1],
            "activation": activation,
            "seed": 0,
        }

    # --- the picture ---

    def _draw_axes(self):
        figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 3.2), dpi=100, layout="constrained")
        left.set(xlim=(0, MOST_STEPS), ylim=(5e-4, 20), yscale="log", xlabel="step", title="cost J, training part")
        left.axhline(np.log(2), color="gray", linestyle="--", linewidth=1)
        left.text(MOST_STEPS, np.log(2) * 1.15, "guessing", ha="right", color="gray", fontsize=8)
        right.set(xlim=(0, MOST_STEPS), ylim=(-0.02, 0.6), xlabel="step", title="error")
        self._ghosts = [left.plot([], [], color="#bbbbbb", linewidth=1, animated=True)[0] for _ in range(GHOSTS)]
        self._cost = left.plot([], [], color=BLUE, animated=True)[0]
        self._train_error = right.plot([], [], color=GREEN, animated=True, label="training part")[0]
        self._dev_error = right.plot([], [], "--", color=RED, animated=True, label="dev part")[0]
        right.legend(loc="upper right")
        return figure

    def _show(self, **values):
        """Put the state into the figure and return the sentence below it."""
        run = self._run
        chosen = self._settings(**values)
        ready = f"Chosen: {describe(chosen)}, {int(self._count(chosen['layers_dims']))} parameters."
        self.train_button.description = "Restart" if self.training else "Train"
        self.stop_button.disabled = not self.training
        if run is None or not run["costs"]:
            return ready
        finished = not run["training"] and not run["stopped"]
        earlier = self._curves[:-1] if finished else self._curves
        for i, ghost in enumerate(self._ghosts):
            curve = earlier[-1 - i] if i < len(earlier) else np.array([])
            ghost.set_data(np.arange(len(curve)), curve)
        self._cost.set_data(np.arange(len(run["costs"])), run["costs"])
        at, train_error, dev_error = np.array(run["measured"]).T
        self._train_error.set_data(at, train_error)
        self._dev_error.set_data(at, dev_error)
        return f"{state(run)} {ready}" if chosen != run["settings"] else state(run)


def control_panel(count_parameters, best_run, X_train, Y_train, X_dev, Y_dev, steps=steps, predict=predict):
    """Return the control panel, with one finished run; arguments as in `ControlPanel`."""
    return ControlPanel(count_parameters, best_run, X_train, Y_train, X_dev, Y_dev, steps, predict)


def _controls():
    return {
        "learning_rate": ipywidgets.FloatLogSlider(
            value=0.1, base=10, min=-3, max=3, step=0.25, description="learning rate α", readout_format=".3g",
        ),
        "num_iterations": ipywidgets.IntSlider(
            value=1000, min=100, max=MOST_STEPS, step=100, description="iterations"
        ),
        "layers": ipywidgets.IntSlider(value=1, min=0, max=4, description="hidden layers"),
        "units": ipywidgets.IntSlider(value=8, min=1, max=32, description="units in each"),
        "activation": ipywidgets.Dropdown(options=list(ACTIVATIONS), value="tanh", description="activation"),
    }  # fmt: skip


def describe(settings):
    """Return settings in a few words: ``"α = 0.1, 1000 steps, 192-8-1, tanh"``."""
    layers = "-".join(map(str, settings["layers_dims"]))
    return (
        f"α = {settings['learning_rate']:.3g}, {settings['num_iterations']} steps, {layers}, {settings['activation']}"
    )


def state(run):
    """Return the sentence that says how far a run is."""
    done, train_error, dev_error = run["measured"][-1]
    cost = run["costs"][-1]
    name = describe(run["settings"])
    if not np.isfinite(cost):
        return f"The run ({name}) diverged at step {len(run['costs']) - 1}: its cost is no longer a finite number."
    word = "Training" if run["training"] else "Stopped" if run["stopped"] else "Finished"
    return (
        f"{word} ({name}): after step {len(run['costs']) - 1} the cost is {cost:.3f}, "
        f"the training error {train_error:.1%}, the dev error {dev_error:.1%}."
    )


def table(runs, best=None):
    """Return the runs as an HTML table, one row each; row ``best`` is marked in words and in bold."""
    heads = ["run", "α", "steps", "layers", "activation", "parameters"]
    heads += ["training error", "dev error", "seconds", "note"]
    rows = ""
    for i, run in enumerate(runs):
        settings, finite = run["settings"], np.isfinite(run["cost"])
        entries = [
            i + 1, f"{settings['learning_rate']:.3g}", settings["num_iterations"],
            "-".join(map(str, settings["layers_dims"])), settings["activation"], run["num_parameters"],
            f"{run['train_error']:.1%}" if finite else "diverged", f"{run['dev_error']:.1%}" if finite else "diverged",
            f"{run['seconds']:.1f}", "best" if i == best else "",
        ]  # fmt: skip
        style = ' style="font-weight:bold"' if i == best else ""
        rows += (
            f"<tr{style}>"
            + "".join(f'<td style="padding:0 .7em;white-space:nowrap">{entry}</td>' for entry in entries)
            + "</tr>"
        )
    head = "".join(
        f'<th scope="col" style="padding:0 .7em;text-align:left;white-space:nowrap">{word}</th>' for word in heads
    )
    caption = '<caption style="text-align:left">Your experiments</caption>'
    return f'<table style="line-height:1.5">{caption}<tr>{head}</tr>{rows}</table>'


# --- runs to diagnose -------------------------------------------------------------------------------------------------

FAULTS = (
    Fault(
        "the learning rate is too large",
        "the cost rises in many steps",
        "divide the learning rate by 10",
    ),
    Fault(
        "the learning rate is too small",
        "the cost falls in every step, at the end as slowly as at the start, and both errors are still high",
        "multiply the learning rate by 10",
    ),
    Fault(
        "the network is too small",
        "the cost has come to rest far above 0, and both errors stay high",
        "add a hidden layer, or units",
    ),
    Fault(
        "there are too few training examples",
        "the training error goes to 0, and the dev error stops far above it, though far below one half",
        "collect more training examples, or stop where the dev error is lowest",
    ),
    Fault(
        "the labels of the dev part are in another order than its examples",
        "the training error falls far, and the dev error stays near one half from the first step to the last",
        "look at some dev examples together with their labels",
    ),
)


def sick_run(rng, steps=steps, predict=predict, which=None):
    """Train on new data with one of `FAULTS` planted, and return the `Run`.

    Parameters
    ----------
    rng : Generator
    steps, predict : callable
        As in `ControlPanel`.
    which : int, optional
        The fault; by default `rng` chooses.
    """
    which = int(rng.integers(len(FAULTS))) if which is None else which
    m, noise, n_x = (80, 0.1, 20) if which == 3 else (300, 0.0, 8)
    parts = []
    for count in (m, 400):
        X = rng.standard_normal((n_x, count))
        label = X[:1] + X[1:2] > 0 if which == 3 else X[:1] * X[1:2] > 0
        parts += [X, (label ^ (rng.random((1, count)) < noise)).astype(int)]
    X_train, Y_train, X_dev, Y_dev = parts
    if which == 4:
        Y_dev = rng.permutation(Y_dev, axis=1)
    layers_dims = [n_x, 1] if which == 2 else [n_x, 16, 1]
    rate = (rng.uniform(60, 90), rng.uniform(0.001, 0.002), 0.5, 1.0, 1.0)[which]
    last, costs, at, errors = 600, [], [], []
    seed = int(rng.integers(1000))
    for step, (parameters, cost) in enumerate(
        islice(steps(X_train, Y_train, layers_dims, "tanh", rate, seed), last + 1)
    ):
        costs.append(cost)
        if step % 20 == 0:
            at.append(step)
            errors.append([np.mean(predict(parameters, X) != Y) for X, Y in ((X_train, Y_train), (X_dev, Y_dev))])
    errors = np.array(errors)
    lowest = int(np.argmin(errors[:, 1]))
    words = (
        f"The cost is {costs[0]:.3f} at the start, {costs[last // 2]:.3f} after {last // 2} steps and {costs[-1]:.3f} "
        f"after {last}; it rose in {np.sum(np.diff(costs) > 1e-9)} of them. Training error: {errors[0, 0]:.1%} "
        f"at the start, {errors[-1, 0]:.1%} at the end. Dev error: {errors[0, 1]:.1%} at the start, "
        f"{errors[lowest, 1]:.1%} at its lowest, after {at[lowest]} steps, and {errors[-1, 1]:.1%} at the end."
    )
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 2.6))
    left.plot(costs, color=BLUE)
    left.axhline(np.log(2), color="gray", linestyle="--", linewidth=1)
    left.set(xlabel="step", ylabel="J", ylim=(0, min(3.0, 1.1 * max(costs))), title="cost; dashed: guessing")
    right.plot(at, errors[:, 0], color=GREEN)
    right.plot(at, errors[:, 1], "--", color=RED)
    right.set(xlabel="step", ylim=(-0.02, 0.65), title="error; dashed: dev part")
    plt.close(figure)
    return Run(figure, words, FAULTS, which)
