"""Lesson 3.2: a ladder of errors, digits to label yourself, a sheet of errors, and faces told by one number."""

import base64
import io
import warnings
from typing import NamedTuple

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter
from scipy.spatial.distance import cdist
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from helpers import data
from helpers.checks.sick import Fault, Run
from helpers.plots import BLUE, GREEN, ORANGE, RED
from helpers.widgets import LiveFigure, for_screen_readers, progress

REMEDIES = (
    "bigger network", "longer training", "better optimizer", "architecture search", "more data", "regularization",
    "better proxy",
)  # fmt: skip


# --- digits and networks ----------------------------------------------------------------------------------------------


class Digits(NamedTuple):
    """Small digits as columns: X (64, m), from 0 (paper) to 1 (ink), and labels Y (1, m)."""

    X_train: np.ndarray
    Y_train: np.ndarray
    X_dev: np.ndarray
    Y_dev: np.ndarray


def small_digits():
    """Return the 1797 digits of `data.small_digits` in a random order: 1197 for training, 600 for dev."""
    found = data.small_digits()
    order = np.random.default_rng(0).permutation(len(found.images))
    X, Y = found.images.reshape(-1, 64)[order].T / 16, found.labels[:, order]
    return Digits(X[:, :1197], Y[:, :1197], X[:, 1197:], Y[:, 1197:])


def as_images(X):
    """Return columns (64, m) as images (m, 8, 8)."""
    return X.T.reshape(-1, 8, 8)


def nearest_labels(digits):
    """Return two rows of labels, each (1, 1797): those of the most similar other digit, and the right ones."""
    X, Y = np.hstack([digits.X_train, digits.X_dev]), np.hstack([digits.Y_train, digits.Y_dev])
    far = cdist(X.T, X.T)
    np.fill_diagonal(far, np.inf)  # a digit is not its own neighbour
    return Y[:, far.argmin(axis=1)], Y


def train(X, Y, units=8, passes=20, optimizer="sgd", rate=0.1, activation="relu", penalty=0.0, seed=0):
    """Train a network with one hidden layer and return its `predict`; scikit-learn does the work.

    Parameters
    ----------
    X, Y : ndarray, shape (64, m) and (1, m)
    units, passes : int
        Units of the hidden layer, passes over the training set in batches of 50.
    optimizer : str
        "sgd" or "adam".
    rate : float
        The learning rate.
    activation : str
        Of the hidden layer: "relu", "tanh" or "logistic".
    penalty : float
        How strongly large weights are punished (L2).
    seed : int
        Of the first weights and the order of the examples.

    Returns
    -------
    predict : callable
        ``predict(X)`` returns labels of shape (1, m).
    """
    network = MLPClassifier(
        (units,), activation, solver=optimizer, alpha=penalty, batch_size=50, learning_rate_init=rate,
        max_iter=passes, momentum=0, n_iter_no_change=10**6, random_state=seed,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # so many passes are what is asked for
        network.fit(X.T, Y[0])
    return lambda X: network.predict(X.T)[None, :]


def _moved(X, Y):
    """Return the digits and, for each, four copies moved by one pixel to each side; what leaves is lost."""
    images = np.pad(as_images(X), ((0, 0), (1, 1), (1, 1)))
    places = ((1, 1), (0, 1), (2, 1), (1, 0), (1, 2))
    copies = [images[:, h : h + 8, w : w + 8].reshape(-1, 64) for h, w in places]
    return np.concatenate(copies).T, np.tile(Y, 5)


#: Two starting points and what is changed for each remedy; `m` is the number of training digits.
STARTS = {
    "small network": {"m": 600, "units": 8, "passes": 20},
    "few digits": {"m": 100, "units": 50, "passes": 200},
}
CHANGES = {
    "small network": {
        "bigger network": {"units": 50},
        "longer training": {"passes": 100},
        "better optimizer": {"optimizer": "adam", "rate": 0.01},
        "architecture search": [
            {"activation": name, "rate": rate} for name in ("relu", "tanh", "logistic") for rate in (0.1, 0.3)
        ],
        "more data": {"m": 1197, "passes": 10},
        "regularization": {"penalty": 0.1},
        "regularization (moved copies)": {"moved": True, "passes": 4},
    },
    "few digits": {
        "bigger network": {"units": 200},
        "longer training": {"passes": 600},
        "better optimizer": {"optimizer": "adam", "rate": 0.01},
        "architecture search": [
            {"activation": name, "rate": rate} for name in ("relu", "tanh", "logistic") for rate in (0.1, 0.3)
        ],
        "more data": {"m": 300, "passes": 67},
        "regularization": {"penalty": 1.0},
        "regularization (moved copies)": {"moved": True, "passes": 100},
    },
}


def try_remedies(digits, start, seeds=5):
    """Return ``{remedy: (train, dev, lowest dev, highest dev)}`` for a starting point, "start", and each change of it.

    The first two errors are means over several networks that differ in their seed. All changes keep the number of steps
    but for "longer training", and the moved copies of few digits, which get 2.5 times as many. The search takes the
    setting with the smallest dev error.
    """

    def measure(m, moved=False, **settings):
        X, Y = digits.X_train[:, :m], digits.Y_train[:, :m]
        shown = _moved(X, Y) if moved else (X, Y)
        found = []
        for seed in range(seeds):
            predict = train(*shown, **settings, seed=seed)
            found.append((np.mean(predict(X) != Y), np.mean(predict(digits.X_dev) != digits.Y_dev)))
        on_dev = [dev for _, dev in found]
        return (*np.mean(found, axis=0).tolist(), float(min(on_dev)), float(max(on_dev)))

    results = {"start": measure(**STARTS[start])}
    for remedy, change in progress(CHANGES[start].items(), desc=start):
        tries = change if isinstance(change, list) else [change]
        measured = [measure(**{**STARTS[start], **one}) for one in tries]
        results[remedy] = min(measured, key=lambda errors: errors[1])
    return results


# --- runs to diagnose -------------------------------------------------------------------------------------------------

FAULTS = (
    Fault(
        "the network is too small",
        "the training error is far above the proxy after many passes, and it falls slowly in the second half of them",
        "take more hidden units",
    ),
    Fault(
        "the training was stopped too early",
        "the training error is far above the proxy after few passes, and each pass still lowers it a lot",
        "train longer",
    ),
    Fault(
        "there are too few training digits",
        "the training error falls to about 0, and the dev error stays far above it",
        "get more training digits",
    ),
    Fault(
        "many training labels are wrong",
        "the training error stays far above the dev error: the answers are better than the training labels",
        "look at the training digits that are read wrongly, and correct their labels",
    ),
)


def sick_run(rng, digits, avoidable_bias, variance_gap, which=None):
    """Train a network on the small digits with one of `FAULTS`, follow its errors, and return the `Run`.

    Parameters
    ----------
    rng : Generator
    digits : Digits
    avoidable_bias, variance_gap : callable
        The learner's.
    which : int, optional
        The fault; by default `rng` chooses.
    """
    which = int(rng.integers(len(FAULTS))) if which is None else which
    m, units, passes = ((1000, 2, 60), (1000, 50, 3), (50, 50, 120), (1000, 50, 20))[which]
    chosen = rng.permutation(digits.X_train.shape[1])[:m]
    X, Y = digits.X_train[:, chosen], digits.Y_train[:, chosen]
    if which == 3:
        wrong = rng.random(Y.shape) < 0.3
        Y = np.where(wrong, (Y + rng.integers(1, 10, size=Y.shape)) % 10, Y)
    network = MLPClassifier(
        (units,), "tanh", solver="sgd", alpha=0, batch_size=50, learning_rate_init=0.1, momentum=0,
        random_state=int(rng.integers(1000)),
    )  # fmt: skip
    marks, errors = [round(k) for k in np.linspace(1, passes, min(passes, 20))], []
    for k in range(1, passes + 1):
        network.partial_fit(X.T, Y[0], classes=range(10))
        if k in marks:
            errors.append([np.mean(network.predict(A.T) != B[0]) for A, B in ((X, Y), (digits.X_dev, digits.Y_dev))])
    on_train, on_dev = (float(error) for error in errors[-1])
    middle = len(marks) // 2 - 1
    proxy = 0.012  # the nearest neighbour
    bias = avoidable_bias(on_train, proxy)
    figure, ax = plt.subplots(figsize=(6, 2.6))
    for values, name, look in zip(np.transpose(errors), ("train", "dev"), ("-", "--"), strict=True):
        ax.plot(marks, values, look, color=BLUE if name == "train" else ORANGE, label=name)
    ax.axhline(proxy, color="gray", linestyle=":", label="proxy")
    ax.set(xlabel="passes over the training digits", ylabel="error", ylim=(0, 1))
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.legend()
    plt.close(figure)
    words = (
        f"{m} training digits, {passes} passes. Proxy {proxy}, train {on_train:.2f}, dev {on_dev:.2f}: avoidable bias "
        f"{bias if isinstance(bias, str) else f'{bias:.2f}'}, generalisation gap {variance_gap(on_train, on_dev):.2f}. "
        f"After pass {marks[middle]} the training error was {errors[middle][0]:.2f}."
    )
    return Run(figure, words, FAULTS, which)


# --- the ladder -------------------------------------------------------------------------------------------------------

RUNGS = ("team of humans", "one human", "training error", "dev error")


def percent(value):
    """Return an error as text in percent, with a real minus sign."""
    text = f"{100 * value:.1f}"
    return ("0.0" if text == "-0.0" else text.replace("-", "−")) + " %"


def _ladder(ax, highest, animated):
    """Prepare an axes and return ``show(errors, proxy, bias, variance)``; errors in the order of `RUNGS`, or None."""
    ax.set(
        xlim=(-0.6, 4.25),
        ylim=(0, 100 * highest),
        xticks=range(4),
        xticklabels=[r.replace(" ", "\n", 1) for r in RUNGS],
    )
    ax.set_ylabel("error in %")
    (line,) = ax.plot([-0.6, 4.25], [0, 0], "--", color="#777777", linewidth=1, animated=animated)
    bars = ax.bar([2, 3], [0, 0], width=0.36, color=[BLUE, ORANGE], alpha=0.75, animated=animated)
    (dots,) = ax.plot(range(4), np.zeros(4), "o", color="black", animated=animated)
    style = {"fontsize": 9, "animated": animated}
    values = [ax.text(i - 0.2, 0, "", ha="right", va="bottom", **style) for i in range(4)]
    paper = {"facecolor": "white", "alpha": 0.85, "pad": 1, "linewidth": 0}  # over the dashed line
    gaps = [ax.text(i + 0.22, 0, "", ha="left", va="center", bbox=paper, **style) for i in (2, 3)]
    proxy_text = ax.text(-0.58, 0, "", va="bottom", color="#777777", **style)

    def show(errors, proxy, bias, variance):
        heights = [np.nan if error is None else 100 * error for error in errors]
        dots.set_ydata(heights)
        for text, height in zip(values, heights, strict=True):
            text.set(text="" if np.isnan(height) else f"{height:.1f}", y=0 if np.isnan(height) else height)
        line.set_ydata([np.nan if proxy is None else 100 * proxy] * 2)
        close = proxy is not None and any(abs(100 * proxy - height) < 6 * highest for height in heights[:1])
        proxy_text.set(text="" if proxy is None or close else "proxy", y=0 if proxy is None else 100 * proxy)
        known = not isinstance(bias, str)
        bars[0].set(y=heights[2], height=-100 * bias if known else 0)
        bars[1].set(y=heights[2], height=100 * variance)
        if known:
            gaps[0].set(text=f"bias\n{percent(bias)}", position=(2.22, heights[2] - 50 * bias), ha="left", va="center")
        else:
            low = heights[2] < 25 * highest  # too low for words below the dot
            place = (2, heights[2] + (7 if low else -4) * highest)
            gaps[0].set(text="bias\nundetermined", position=place, ha="center", va="bottom" if low else "top")
        gaps[1].set(text=f"generalisation\ngap {percent(variance)}", y=heights[2] + 50 * variance)

    return show


def draw_ladder(ax, errors, proxy, bias, variance, highest=0.012):
    """Draw four errors as dots, the proxy as a dashed line, avoidable bias and generalisation gap as bars.

    Parameters
    ----------
    ax : Axes
    errors : sequence of float or None
        In the order of `RUNGS`, from 0 to 1; None for one who has not been measured.
    proxy : float or None
    bias : float or str
    variance : float
    highest : float
        Where the axis ends.
    """
    _ladder(ax, highest, animated=False)(errors, proxy, bias, variance)


def ladder(bayes_proxy, avoidable_bias, variance_gap, recommend):
    """Return the picture: move four errors, choose who has been measured, and see gaps and remedies.

    Parameters
    ----------
    bayes_proxy, avoidable_bias, variance_gap, recommend : callable
        The learner's functions; the proxy, all gaps and all remedies of the picture come from them.
    """
    figure, (ax, side) = plt.subplots(1, 2, figsize=(7.2, 3.6), width_ratios=(2.6, 1))
    show = _ladder(ax, 0.031, animated=True)
    side.set(xlim=(0, 1), ylim=(len(REMEDIES) + 0.2, -1.2))
    side.set_axis_off()
    side.text(0, -0.7, "next steps", fontsize=10.5)
    lines = [side.text(0, i, "", fontsize=9.5, va="center", animated=True) for i in range(len(REMEDIES))]

    def update(who, team, human, train_error, dev_error):
        team, human, train_error, dev_error = (value / 100 for value in (team, human, train_error, dev_error))
        levels = {"team of humans": team if who == "both" else None, "one human": None if who == "nobody" else human}
        proxy = bayes_proxy(levels)
        bias, variance = avoidable_bias(train_error, proxy), variance_gap(train_error, dev_error)
        remedies = recommend(train_error, dev_error, proxy)
        show([*levels.values(), train_error, dev_error], proxy, bias, variance)
        for line, remedy in zip(lines, REMEDIES, strict=True):
            chosen = bool(remedies[remedy])
            line.set(text=("✓ " if chosen else "   ") + remedy, color="black" if chosen else "#aaaaaa")
        said = f"Proxy {percent(proxy)}" if proxy is not None else "No proxy"
        bias_said = bias if isinstance(bias, str) else percent(bias)
        names = ", ".join(remedy for remedy in REMEDIES if remedies[remedy])
        return f"{said}, avoidable bias {bias_said}, generalisation gap {percent(variance)}. Next steps: {names}."

    def slider(value, description, highest=3.0):
        return ipywidgets.FloatSlider(
            value=value, min=0, max=highest, step=0.1, description=description, readout_format=".1f"
        )

    return LiveFigure(
        figure,
        update,
        who=ipywidgets.Dropdown(
            options=[("team and one human", "both"), ("one human only", "one"), ("nobody", "nobody")],
            value="both", description="measured",
        ),
        team=slider(0.5, "team, %"),
        human=slider(1.0, "one human, %"),
        train_error=slider(0.6, "training error, %"),
        dev_error=slider(0.8, "dev error, %"),
    )  # fmt: skip


# --- you label --------------------------------------------------------------------------------------------------------


def _png(pixels):
    """Return gray values from 0 to 255, shape (n_H, n_W), as a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(np.asarray(pixels, dtype=np.uint8)).save(buffer, "png")
    return buffer.getvalue()


def _enlarged(image, k):
    """Return a digit as a PNG file in which each pixel is a square of k by k; ink is black."""
    return _png(np.kron(255 * (1 - image), np.ones((k, k))).round())


class _WithTwin(ipywidgets.VBox):
    """A widget that pages without a kernel show as a picture and a line of text; a subclass has `_twin`, a PNG file."""

    def _repr_mimebundle_(self, **kwargs):
        bundle = super()._repr_mimebundle_(**kwargs)
        bundle = dict(bundle[0] if isinstance(bundle, tuple) else bundle)
        bundle["text/plain"] = "Something to click; run the cell to use it."
        bundle["image/png"] = base64.b64encode(self._twin).decode()
        return bundle


class Labelling(_WithTwin):
    """Digits, one after the other, with a button for each label. It keeps what was clicked, and nothing else.

    Parameters
    ----------
    images : ndarray, shape (m, 8, 8)
        From 0 (paper) to 1 (ink).

    Attributes
    ----------
    answers : list of int or None
        One per image; None where nobody has clicked.
    """

    def __init__(self, images):
        self._images = images
        self.answers = [None] * len(images)
        self._place = 0
        self._twin = _enlarged(images[0], 20)
        self.picture = ipywidgets.Image(format="png", width=160, height=160)
        self.buttons = [
            ipywidgets.Button(description=str(label), layout={"width": "3em"}, tooltip=f"this is a {label}")
            for label in range(10)
        ]
        for label, button in enumerate(self.buttons):
            button.on_click(lambda _, label=label: self._answer(label))
        self.back = ipywidgets.Button(description="back", tooltip="answer the digit before once more")
        self.skip = ipywidgets.Button(description="skip", tooltip="leave this one open")
        self.back.on_click(lambda _: self._show(self._place - 1))
        self.skip.on_click(lambda _: self._answer(None))
        self.status = ipywidgets.HTML()
        rows = [ipywidgets.HBox(self.buttons[:5]), ipywidgets.HBox(self.buttons[5:])]
        children = [self.picture, *rows, ipywidgets.HBox([self.back, self.skip]), self.status]
        super().__init__([for_screen_readers(), *children])
        self._show(0)

    def _answer(self, label):
        self.answers[self._place] = label
        self._show(self._place + 1)

    def _show(self, place):
        """Show the digit at this place; after the last one, only the way back is open."""
        place = max(0, place)
        done = place >= len(self._images)
        self._place = min(place, len(self._images))
        for button in (*self.buttons, self.skip):
            button.disabled = done
        self.back.disabled = place == 0
        given = sum(answer is not None for answer in self.answers)
        if done:
            sentence = f"{given} of {len(self.answers)} labelled. Run the next cells."
        else:
            self.picture.value = _enlarged(self._images[place], 20)
            sentence = f"Digit {place + 1} of {len(self.answers)}. Labelled so far: {given}."
        self.status.value = f'<div role="status">{sentence}</div>'


# --- error analysis ---------------------------------------------------------------------------------------------------


class Sheet(_WithTwin):
    """A sheet with one row per wrong digit and one box to tick per category; above it, shares and ceilings.

    Parameters
    ----------
    images : ndarray, shape (r, 8, 8)
    labels, predictions : ndarray, shape (1, r)
    names : list of str
        The categories.
    error_analysis_table, ceiling_gain : callable
        The learner's functions; all numbers come from them.
    dev_error : float

    Attributes
    ----------
    ticks : ndarray of bool, shape (r, n_c)
    """

    def __init__(self, images, labels, predictions, names, error_analysis_table, ceiling_gain, dev_error):
        self.names, self._table, self._gain = list(names), error_analysis_table, ceiling_gain
        self._dev_error = dev_error
        self._twin = _mosaic_png(images)
        self.boxes = [
            [
                ipywidgets.Checkbox(False, indent=False, layout={"width": "auto"}, description=name)
                for name in self.names
            ]
            for _ in images
        ]
        self.summary = ipywidgets.HTML()
        rows = []
        for image, label, said, boxes in zip(images, labels[0], predictions[0], self.boxes, strict=True):
            for box in boxes:
                box.observe(self._tell, names="value")
            picture = ipywidgets.Image(value=_enlarged(image, 6), format="png", width=48, height=48)
            words = ipywidgets.HTML(f"label {label}, said {said}", layout={"width": "8em"})
            cells = [ipywidgets.HBox([box], layout={"width": "10em"}) for box in boxes]
            rows.append(ipywidgets.HBox([picture, words, *cells], layout={"align_items": "center", "flex": "0 0 auto"}))
        sheet = ipywidgets.VBox(rows, layout={"max_height": "26em", "overflow": "auto", "display": "block"})
        super().__init__([for_screen_readers(), self.summary, sheet])
        self._tell()

    @property
    def ticks(self):
        return np.array([[box.value for box in boxes] for boxes in self.boxes], dtype=bool)

    def _tell(self, _=None):
        ticks = self.ticks
        table = self._table(ticks, self.names)
        cells = [
            f"<tr><td>{name}</td><td>{100 * table[name]:.0f} %</td>"
            f"<td>{percent(self._gain(ticks, [j], self._dev_error))}</td></tr>"
            for j, name in enumerate(self.names)
        ]
        words = ("category", "of the errors", "dev error could fall by at most")
        head = "".join(f'<th scope="col" style="padding-right:1.5em;text-align:left">{word}</th>' for word in words)
        rest = f"no category: {100 * table['no category']:.0f} % of {len(ticks)} wrong digits."
        self.summary.value = f'<div role="status"><table><tr>{head}</tr>{"".join(cells)}</table>{rest}</div>'


def _mosaic_png(images, columns=8, k=6):
    """Return small images side by side as a PNG file."""
    rows = -(-len(images) // columns)
    page = np.full((rows * 10 * k, columns * 10 * k), 255.0)
    for i, image in enumerate(images):
        h, w = divmod(i, columns)
        page[(10 * h + 1) * k : (10 * h + 9) * k, (10 * w + 1) * k : (10 * w + 9) * k] = np.kron(
            255 * (1 - image), np.ones((k, k))
        )
    return _png(page.round())


def ticks_by_rule(images, labels, all_images):
    """Return names and ticks (r, 4) that three rules about the ink and one about the label give. No person looked.

    "thick" and "thin": among the tenth of `all_images` with the most and the least ink. "base line": among the tenth
    with the most ink in the lowest row. "a 1": the label is 1.
    """
    ink, base = all_images.sum(axis=(1, 2)), all_images[:, -1].sum(axis=1)
    own = images.sum(axis=(1, 2))
    names = ["thick", "thin", "base line", "a 1"]
    columns = [
        own >= np.quantile(ink, 0.9),
        own <= np.quantile(ink, 0.1),
        images[:, -1].sum(axis=1) >= np.quantile(base, 0.9),
        labels[0] == 1,
    ]
    return names, np.column_stack(columns)


def draw_digits(axes, images, labels, predictions):
    """Draw wrong digits, one per axes: ``1 > 2`` is a 1 that was called a 2."""
    for ax in np.ravel(axes):
        ax.set_axis_off()
    for ax, image, label, said in zip(np.ravel(axes), images, labels[0], predictions[0], strict=False):
        ax.imshow(image, cmap="gray_r", vmin=0, vmax=1)
        ax.set_title(f"{label} > {said}", loc="center", fontsize=9)


# --- faces or not -----------------------------------------------------------------------------------------------------


HIGHEST_BAR = 30  # higher ones are cut off


def one_number(images, labels, measures):
    """Return the picture: where two kinds of images lie on one number, and how many a threshold gets right.

    Parameters
    ----------
    images : ndarray, shape (m, n_H, n_W)
    labels : ndarray, shape (1, m)
        1 for a face.
    measures : dict
        ``{name: function}``; each takes the images and returns one number per image, shape (m,).
    """
    figure, ax = plt.subplots(figsize=(7.2, 3.2))
    ax.set(xlim=(0, 1), ylim=(0, HIGHEST_BAR), xlabel="the number, from its smallest value (0) to its largest (1)")
    ax.set_ylabel("images")
    edges = np.linspace(0, 1, 41)
    steps = [
        ax.stairs(np.zeros(40), edges, fill=True, color=color, alpha=0.6, label=name, animated=True)
        for color, name in ((BLUE, "label 0: something else"), (ORANGE, "label 1: face"))
    ]
    (line,) = ax.plot([0, 0], [0, HIGHEST_BAR], color="black", animated=True)
    ax.legend(loc="upper right")
    numbers = {}
    for name, measure in measures.items():
        found = np.asarray(measure(images), dtype=float).ravel()
        numbers[name] = (found - found.min()) / (np.ptp(found) or 1.0)

    def update(measure, threshold):
        place = numbers[measure]
        for label, step in enumerate(steps):
            step.set_data(np.minimum(HIGHEST_BAR, np.histogram(place[labels[0] == label], edges)[0]))
        line.set_xdata([threshold, threshold])
        right = int(np.sum((place > threshold) == (labels[0] == 1)))
        side = "above"
        if right < len(place) / 2:
            right, side = len(place) - right, "below"
        faces = int(np.sum((place[labels[0] == 1] > threshold) == (side == "above")))
        return (
            f'If "face" is said {side} {threshold:.2f} of {measure}, {right} of {len(place)} answers agree with the '
            f"labels ({100 * right / len(place):.1f} %), {faces} of {int(labels.sum())} faces among them."
        )

    return LiveFigure(
        figure,
        update,
        measure=ipywidgets.Dropdown(options=list(measures), description="number"),
        threshold=ipywidgets.FloatSlider(value=0.3, min=0, max=1, step=0.01, description="threshold"),
    )


def best_threshold(numbers, labels):
    """Return the threshold above which "face" agrees most often with the labels (1, m), and the share that agrees."""
    tries = np.sort(numbers) - 1e-9
    agree = np.mean((numbers > tries[:, None]) == (labels == 1), axis=1)
    return float(tries[np.argmax(agree)]), float(agree.max())


class PixelNetwork:
    """A network with 20 hidden units that reads all pixels of an image; scikit-learn trains it by L-BFGS."""

    def __init__(self, images, labels):
        self.model = MLPClassifier((20,), solver="lbfgs", alpha=0.01, max_iter=300, random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # 300 steps are what is asked for
            self.model.fit(images.reshape(len(images), -1), labels[0])

    def __call__(self, images):
        """Return True for each image that is called a face."""
        return self.model.predict(images.reshape(len(images), -1)) == 1


def other_pictures(faces):
    """Return ``{name: (images, is_face)}``: pictures on which two classifiers may differ, 25 by 25 pixels.

    Parameters
    ----------
    faces : ndarray, shape (m, 25, 25)
    """
    rng = np.random.default_rng(0)
    shuffled = rng.permuted(faces.reshape(len(faces), -1), axis=1).reshape(faces.shape)
    grass = data.photographs("grass")["grass"] / 255
    patches = [grass[h : h + 25, w : w + 25] for h in range(0, 488, 50) for w in range(0, 488, 50)]
    return {
        "the faces, slightly blurred": (gaussian_filter(faces, (0, 1, 1)), True),
        "the faces, upside down": (faces[:, ::-1], True),
        "40 other people": (shrunken_faces(), True),
        "the faces, pixels shuffled": (shuffled, False),
        "patches of grass": (np.array(patches), False),
    }


def shrunken_faces():
    """Return one photograph of each person of `data.faces`, its middle 92 by 92 pixels shrunk to 25 by 25, 0 to 1."""
    squares = data.faces()[:, 0, 10:102] / 255
    ends = np.linspace(0, 92, 26)
    pixel = np.arange(92)
    # Each small pixel is the mean of what it covers: shares of pixels at its ends.
    A = np.clip(np.minimum(pixel + 1, ends[1:, None]) - np.maximum(pixel, ends[:-1, None]), 0, 1) * 25 / 92
    return A @ squares @ A.T


def draw_numbered(ax, images, first=0, columns=20):
    """Draw images (m, n, n) side by side on one axes, each with its number, counted from `first`."""
    n = images.shape[1]
    rows = -(-len(images) // columns)
    page = np.ones((rows * (n + 9), columns * (n + 3)))
    for i, image in enumerate(images):
        h, w = divmod(i, columns)
        page[h * (n + 9) + 8 : h * (n + 9) + 8 + n, w * (n + 3) + 1 : w * (n + 3) + 1 + n] = image
        ax.text(w * (n + 3) + n / 2, h * (n + 9) + 3.5, str(first + i), fontsize=6, ha="center", va="center")
    ax.imshow(page, vmin=0, vmax=1)
    ax.set_axis_off()


def draw_bounds(ax, counts, bounds):
    """Draw the largest error that fits 0 wrong answers, and the rule of three, over the number of answers."""
    ax.plot(counts, 100 * np.asarray(bounds), "o-", color=BLUE, label="largest error that fits 0 wrong answers")
    ax.plot(counts, np.minimum(100, 300 / np.asarray(counts)), "--", color=RED, linewidth=1, label="3 / answers")
    ax.axhline(1, color=GREEN, linewidth=1)
    ax.text(counts[0], 1.1, "1 %", color=GREEN, va="bottom")
    ax.set(xscale="log", yscale="log", xticks=counts, xticklabels=counts, xlabel="answers", ylabel="error in %")
    ax.set(yticks=[1, 10, 100], yticklabels=["1", "10", "100"])
    ax.minorticks_off()
    ax.legend()
