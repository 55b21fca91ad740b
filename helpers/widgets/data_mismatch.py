"""Lesson 3.3: two real sources of digits, a small network, the simulated project with its measured consequences."""

import functools
import warnings
from typing import NamedTuple

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from helpers import data
from helpers.checks.sick import Fault, Run
from helpers.plots import BLUE, GREEN, ORANGE, RED
from helpers.widgets import LiveFigure

# --- two sources ------------------------------------------------------------------------------------------------------


class Source(NamedTuple):
    """Digits of one source: columns ``X`` (64, m), labels ``Y`` (1, m), and the scans they were made from.

    ``scans`` is (m, 28, 28), from 0 (paper) to 1 (ink); None where there are no larger scans.
    """

    X: np.ndarray
    Y: np.ndarray
    scans: np.ndarray = None

    def part(self, start, stop):
        """Return the digits from number `start` to number `stop - 1` as a Source."""
        scans = None if self.scans is None else self.scans[start:stop]
        return Source(self.X[:, start:stop], self.Y[:, start:stop], scans)


def averaging(n, k):
    """Return the matrix, shape (k, n), that averages n pixels in a row to k equal pieces, parts of pixels included.

    ``averaging(n_H, 8) @ image @ averaging(n_W, 8).T`` shrinks an image (n_H, n_W) to 8 by 8.
    """
    borders = np.linspace(0, n, k + 1)
    right = np.minimum(borders[1:, None], np.arange(1, n + 1))
    left = np.maximum(borders[:-1, None], np.arange(n))
    return np.maximum(0, right - left) * (k / n)


@functools.cache
def _digits():
    """Return the digits in the order of their files: scans, the same as 8 by 8, labels; app images, labels."""
    mnist, small = data.mnist(), data.small_digits()
    scans = np.concatenate([mnist.train_images, mnist.test_images]) / 255
    A = averaging(20, 8)
    shrunk = A @ scans[:, 4:24, 4:24] @ A.T
    labels = np.concatenate([mnist.train_labels, mnist.test_labels], axis=1)
    return scans, shrunk.reshape(len(scans), 64), labels, small.images.reshape(-1, 64) / 16, small.labels


def two_sources(seed=0):
    """Return the web digits (5000 of MNIST) and the app digits (1797 of scikit-learn), each in a random order.

    The web site cuts off MNIST's empty margin of 4 pixels and shrinks the rest, 20 by 20, to 8 by 8.
    """
    scans, shrunk, labels, images, labels_app = _digits()
    rng = np.random.default_rng(seed)
    order, order_app = rng.permutation(len(scans)), rng.permutation(len(images))
    web = Source(shrunk[order].T, labels[:, order], scans[order])
    return web, Source(images[order_app].T, labels_app[:, order_app])


def slant(image, s):
    """Return the image with row h moved to the right by s pixels for each row above the middle; what leaves is lost."""
    n_H, n_W = image.shape
    result = np.zeros_like(image)
    for h in range(n_H):
        move = round(s * ((n_H - 1) / 2 - h))
        row = image[h, max(0, -move) : n_W - max(0, move)]
        result[h, max(0, move) : max(0, move) + len(row)] = row
    return result


# --- a small network --------------------------------------------------------------------------------------------------


class Network:
    """A network with one hidden layer (tanh) and ten outputs; scikit-learn trains it by L-BFGS."""

    def __init__(self, X, Y, units=50, seed=0):
        self.model = MLPClassifier(
            (units,), "tanh", solver="lbfgs", alpha=1e-3, max_iter=200, max_fun=10**5, random_state=seed
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # 200 steps are what is asked for
            self.model.fit(X.T, Y[0])

    def scores(self, X):
        """Return the logarithms of the ten probabilities, shape (10, m)."""
        return np.log(self.model.predict_proba(X.T).T + 1e-12)

    def predict(self, X):
        """Return the labels, shape (1, m)."""
        return self.model.predict(X.T)[None, :]

    def error(self, *sources):
        """Return the share of wrong answers on the digits of one or more sources."""
        wrong = [self.predict(source.X) != source.Y for source in sources if source.Y.size]
        return float(np.mean(np.concatenate(wrong, axis=1)))


def tuned_corrections(scores, Y, tries, rng):
    """Return the ten numbers, shape (10, 1), that give the fewest wrong labels when added to the scores (10, m).

    The first try is ten zeros, the others are drawn; the first of equally good ones is taken.
    """
    candidates = rng.normal(scale=3, size=(tries, 10, 1))
    candidates[0] = 0
    errors = np.mean(np.argmax(scores + candidates, axis=1) != Y, axis=1)
    return candidates[np.argmin(errors)]


# --- the project: states, offers, measured consequences ---------------------------------------------------------------

GAPS = ("avoidable bias", "variance", "mismatch", "over-fitting of dev")
SETS = ("proxy", "train", "train-dev", "dev", "test")
KNOWN = ("proxy", "train", "train-dev", "dev", "blackbox")  # what the plan of the project gets
SHOWN = {"variance": "generalisation gap"}  # the key of the report, and its name
LEVELS = {"web": 0.049, "made": 0.039, "app": 0.012}  # errors of the nearest neighbour among all others, by source
PRICES = {
    "bigger network": 1, "more web images": 2, "fill the frame": 2, "30 images, many slants": 1, "50 app images": 4,
    "no tuning": 1,
}  # fmt: skip
BUDGET = 10
START = frozenset()  # a state is the set of what was bought
TRIES = 1000  # settings that are compared on the dev set
SLANTS = (-0.2, 0.0, 0.2)


def measure(bought, synthesize, seed=0, dev_sets=40, m_dev=30):
    """Train the network that a state of the project has, and return its errors: train, train-dev, dev, blackbox, test.

    Parameters
    ----------
    bought : set of str
        Keys of `PRICES`.
    synthesize : callable
        ``synthesize(images, Y, slants)`` as in the lesson.
    seed : int
        Which digits are where, and how the network starts.
    dev_sets : int
        The errors are means over so many pairs of a dev set, which is tuned on, and a blackbox dev set, which is not;
        both are drawn from 600 app digits. The test set has 600 others.
    m_dev : int
        Digits of a dev set, and of a blackbox dev set.

    Returns
    -------
    errors : ndarray, shape (5,)
        The train-dev set has the shares of the training set: web digits, made ones, app digits, all unseen.
    """
    web, app = two_sources(seed)
    owned, unseen = web.part(0, 3500 if "more web images" in bought else 80), web.part(4500, 5000)
    pairs = [(owned, unseen)]
    sources, slants = owned, SLANTS
    if "30 images, many slants" in bought:  # as many made digits as from all, from 30 sources
        sources, slants = owned.part(0, 30), np.linspace(-0.3, 0.3, 3 * len(owned.scans) // 30)
    if "30 images, many slants" in bought or "fill the frame" in bought:
        made = [Source(*synthesize(s.scans, s.Y, angles)) for s, angles in ((sources, slants), (unseen, SLANTS))]
        pairs.append(tuple(made))
    if "50 app images" in bought:
        pairs.append((app.part(0, 50), app.part(1500, 1797)))
    X, Y = (np.concatenate([getattr(seen, name) for seen, _ in pairs], axis=1) for name in "XY")
    network = Network(X, Y, 50 if "bigger network" in bought else 2, seed)
    shares = [seen.Y.shape[1] / Y.shape[1] for seen, _ in pairs]
    known = [tuple((network.scores(source.X), source.Y) for source in pair) for pair in pairs]
    (dev, Y_dev), (test, Y_test) = ((network.scores(s.X), s.Y) for s in (app.part(300, 900), app.part(900, 1500)))
    rng, other = np.random.default_rng([seed, 1]), np.random.default_rng([seed, 2])
    rows = []
    for _ in range(dev_sets):
        i = rng.choice(600, size=m_dev, replace=False)
        black = other.choice(np.setdiff1d(np.arange(600), i), size=m_dev, replace=False)
        tries = 1 if "no tuning" in bought else TRIES
        c = tuned_corrections(dev[:, i], Y_dev[:, i], tries, rng)
        train, train_dev = (
            sum(share * wrong(*pair[k], c) for share, pair in zip(shares, known, strict=True)) for k in (0, 1)
        )
        app_errors = (wrong(dev[:, j], Y_dev[:, j], c) for j in (i, black))
        rows.append([train, train_dev, *app_errors, wrong(test, Y_test, c)])
    return np.mean(rows, axis=0)


def wrong(scores, Y, corrections):
    """Return the share of wrong labels, with ten corrections added to the scores (10, m)."""
    return np.mean(np.argmax(scores + corrections, axis=0) != Y)


def code(state):
    """Return six letters, one per offer in the order of `PRICES`: x if it was bought."""
    return "".join("x" if name in state else "-" for name in PRICES)


#: Errors in thousandths: train, train-dev, dev, blackbox, test, means over 5 networks with 40 dev sets each, and the
#: lowest and the highest test error of the 5 networks, measured by ``python -m helpers.figures.data_mismatch``. The six
#: letters say which of the offers were bought (see `code`).
_MEASURED = """
------ 497 725 622 743 750 726 789
---x-- 465 729 582 729 730 682 787
-----x 270 686 768 769 765 727 798
---x-x 182 706 751 749 738 688 770
----x- 517 715 531 683 699 650 763
---xx- 514 716 520 692 691 658 726
----xx 334 674 691 693 688 657 740
---xxx 291 692 682 685 674 612 745
--x--- 481 694 540 686 692 630 802
--x--x 296 660 673 655 673 622 782
--x-x- 533 700 516 688 689 609 773
--x-xx 329 652 664 673 675 612 772
-x---- 564 575 418 588 605 588 630
-x-x-- 486 660 483 671 660 612 719
-x---x 344 366 580 569 580 545 602
-x-x-x 177 578 645 646 637 572 725
-x--x- 562 575 410 583 596 580 605
-x-xx- 464 653 473 656 651 614 691
-x--xx 345 372 561 549 560 528 587
-x-xxx 184 583 625 628 619 563 642
-xx--- 529 534 397 560 573 551 602
-xx--x 361 365 485 493 496 427 553
-xx-x- 531 537 398 555 574 550 612
-xx-xx 363 367 485 490 500 430 552
x-----  46 349 406 538 536 496 575
x--x--  32 371 338 467 461 406 528
x----x   0 283 546 533 551 502 615
x--x-x   0 335 486 471 482 413 552
x---x-  20 304 133 251 247 216 284
x--xx-  20 330 136 256 251 218 289
x---xx   0 274 227 237 223 195 255
x--xxx   0 306 234 233 241 217 277
x-x---  40 310 324 437 436 393 496
x-x--x   0 279 446 436 455 403 522
x-x-x-  23 285 142 259 252 213 291
x-x-xx   0 255 243 245 242 195 283
xx----  21  98 224 325 342 298 366
xx-x--  14 204 176 296 301 268 337
xx---x   0  79 337 343 352 313 372
xx-x-x   0 178 294 289 290 255 328
xx--x-  19  94 132 228 247 215 277
xx-xx-  11 199 114 221 237 216 256
xx--xx   0  73 236 240 247 213 280
xx-xxx   0 177 222 217 214 202 232
xxx---  20  81 100 177 181 168 208
xxx--x   0  64 183 184 166 153 193
xxx-x-  20  80  77 156 161 142 175
xxx-xx   0  64 148 154 144 130 162
"""
TABLE = {line[:6]: [int(error) / 1000 for error in line[6:].split()] for line in _MEASURED.strip().splitlines()}


def counts_of(state):
    """Return how many images of each source the training set of a state has, made ones included."""
    web = 3500 if "more web images" in state else 80
    made = 3 * web if {"fill the frame", "30 images, many slants"} & set(state) else 0
    return {"web": web, "made": made, "app": 50 if "50 app images" in state else 0}


def errors_of(state):
    """Return the five errors that the plan knows: the proxy of the mixture, train, train-dev, dev, blackbox."""
    counts = counts_of(state)
    proxy = sum(n * LEVELS[name] for name, n in counts.items()) / sum(counts.values())
    return dict(zip(KNOWN, [proxy, *TABLE[code(state)][:4]], strict=True))


def test_of(state):
    """Return the test error of a state, and the lowest and the highest one of its five networks."""
    return TABLE[code(state)][4:]


def table_rows():
    """Return what was measured as a list of rows: ``{"bought": [offers], "errors": {name: error}}``, without tests."""
    states = [frozenset(n for n, letter in zip(PRICES, letters, strict=True) if letter == "x") for letters in TABLE]
    return [{"bought": sorted(state), "errors": errors_of(state)} for state in states]


def report_of(state, mismatch_report):
    """Return the learner's report of a state: the blackbox dev set stands where the report asks for the last set."""
    errors = errors_of(state)
    return mismatch_report({**errors, "test": errors["blackbox"]})


def prices_of(state):
    """Return the offers that can still be bought in a state, with their prices in weeks.

    Digits of 30 sources are no longer offered where those of all sources are in use.
    """
    over = set(state) | ({"30 images, many slants"} if "fill the frame" in state else set())
    return {name: price for name, price in PRICES.items() if name not in over}


def after(state, offer):
    """Return the state after a purchase: filling the frame of all images replaces that of 30."""
    replaced = {"30 images, many slants"} if offer == "fill the frame" else set()
    return frozenset((set(state) | {offer}) - replaced)


class Round(NamedTuple):
    """One decision of the project: the state before it, weeks left before it, and the plan's answer."""

    state: frozenset
    left: int
    answer: dict

    @property
    def errors(self):
        return errors_of(self.state)

    @property
    def test(self):
        """The test error, which no plan gets."""
        return test_of(self.state)[0]


def play(plan, start=START, budget=BUDGET):
    """Let a plan decide until it stops, and return the list of rounds; the last one is where it stopped.

    Parameters
    ----------
    plan : callable
        ``plan(errors, prices, budget)`` returns a dict with "reason" and "choice".
    """
    rounds, state, left = [], start, budget
    while True:
        prices = prices_of(state)
        answer = plan(errors_of(state), dict(prices), left)
        rounds.append(Round(state, left, answer))
        choice = answer["choice"]
        if choice == "stop":
            return rounds
        if choice not in prices:
            raise ValueError(f"{choice!r} is not on offer in round {len(rounds)}. On offer: {', '.join(prices)}, stop.")
        if prices[choice] > left:
            raise ValueError(f"{choice!r} costs {prices[choice]} weeks in round {len(rounds)}, and {left} are left.")
        state, left = after(state, choice), left - prices[choice]


def describe_offers(rounds, mismatch_report):
    """Return text about each offer of each round, taken or not: what it costs, what it does to the gaps and the app.

    Parameters
    ----------
    rounds : list of Round
    mismatch_report : callable
        The learner's function; the largest gap comes from it.
    """
    lines = []
    for number, one in enumerate(rounds, start=1):
        report = report_of(one.state, mismatch_report)
        largest = report["largest"]
        name = SHOWN.get(largest, largest)
        lines.append(f"{number}. {one.left} weeks left. Largest known gap: {name}, {report[largest]:.2f}. ")
        lines[-1] += f"Blackbox {one.errors['blackbox']:.2f}."
        for offer, price in prices_of(one.state).items():
            before, now = _steps(one.state), _steps(after(one.state, offer))
            falls = {gap: before[gap] - now[gap] for gap in GAPS}
            mark = ">" if offer == one.answer["choice"] else "-"
            dear = ", too dear" if price > one.left else ""
            black = errors_of(after(one.state, offer))["blackbox"]
            lines.append(f"   {mark} {offer}, {price} w{dear}: blackbox to {black:.2f}. {_judgement(falls)}")
    return "\n".join(lines)


def _steps(state):
    """Return the steps of a state: the training error, which bounds the bias, and the three gaps after it."""
    values = [errors_of(state)[name] for name in KNOWN[1:]]
    return dict(zip(GAPS, np.diff([0.0, *values]).tolist(), strict=True))


def _judgement(falls):
    """Return a short sentence about one offer, from the measured numbers alone."""
    names = {"avoidable bias": "the training error", "variance": "the generalisation gap", "mismatch": "mismatch"}
    names["over-fitting of dev"] = "the over-fitting"
    most, opened = max(falls, key=falls.get), min(falls, key=falls.get)
    if falls[most] < 0.02:
        return "It narrows nothing by 0.02."
    sentence = f"It lowers {names[most]} by {falls[most]:.2f}"
    return sentence + (f", opens {names[opened]} by {-falls[opened]:.2f}." if falls[opened] < -0.05 else ".")


# --- pictures ---------------------------------------------------------------------------------------------------------


def draw_digits(axes, X, title):
    """Draw the first columns of X, shape (64, m), one per axes; black is ink."""
    for i, ax in enumerate(axes):
        ax.imshow(X[:, i].reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set(visible=True, color="#aaaaaa")
    axes[0].set_ylabel(title, rotation=0, ha="right", va="center")


def _ladder(ax, animated, last="test"):
    """Prepare the axes of `draw_gaps` and return a function that places errors and gaps; `last` is the last set."""
    names = [*SETS[:4], last]
    ax.set(xlim=(-0.5, 4.5), ylim=(-0.02, 1), xticks=range(5), xticklabels=names, ylabel="error")
    ax.grid(axis="y", alpha=0.3)
    bars = ax.bar(np.arange(4) + 0.5, np.zeros(4), width=0.5, animated=animated)
    (dots,) = ax.plot(range(5), np.zeros(5), "o", color="black", animated=animated)
    errors_text = [ax.text(i, 0, "", ha="center", va="bottom", fontsize=9, animated=animated) for i in range(5)]
    gaps_text = [ax.text(i + 0.5, 0, "", ha="center", va="bottom", fontsize=9, animated=animated) for i in range(4)]

    def show(errors, gaps):
        heights = [errors[name] for name in names]
        dots.set_ydata(heights)
        for text, height in zip(errors_text, heights, strict=True):
            text.set(text=f"{height:.2f}", y=height + 0.03)
        for i, (bar, text, name) in enumerate(zip(bars, gaps_text, GAPS, strict=True)):
            known = gaps[name] != "undetermined"
            bar.set(y=heights[i], height=heights[i + 1] - heights[i] if known else 0)
            bar.set_color(ORANGE if name == gaps["largest"] else BLUE)
            bar.set_alpha((0.75 if heights[i + 1] >= heights[i] else 0.3) if known else 0)  # a gap below 0 is pale
            value = f"{gaps[name]:+.2f}".replace("-", "\u2212") if known else gaps[name]
            value = "0.00" if value[1:] == "0.00" else value
            text.set(text=f"{SHOWN.get(name, name)}\n{value}", y=max(heights[i : i + 2]) + 0.1)

    return show


def draw_gaps(ax, errors, gaps):
    """Draw five errors as dots and the four gaps between them as bars; the largest gap is orange.

    Parameters
    ----------
    errors, gaps : dict
        What `mismatch_report` takes and returns.
    """
    _ladder(ax, False)(errors, gaps)


def what_if(mismatch_report):
    """Return the interactive picture: buy any of the offers and see the errors that were measured with them.

    Parameters
    ----------
    mismatch_report : callable
        The learner's function; all gaps of the picture come from it.
    """
    figure, ax = plt.subplots(figsize=(7.2, 3.6))
    show = _ladder(ax, True, "blackbox")

    def update(units, web, fill, app, tuning):
        bought = [units and "bigger network", web and "more web images", fill, app and "50 app images"]
        state = frozenset(name for name in [*bought, not tuning and "no tuning"] if name)
        errors = errors_of(state)
        gaps = report_of(state, mismatch_report)
        show(errors, gaps)
        largest = gaps["largest"]
        weeks = sum(PRICES[name] for name in state)
        over = f", {weeks - BUDGET} more than there are" if weeks > BUDGET else ""
        return (
            f"{weeks} weeks{over}. Train {errors['train']:.2f}, train-dev {errors['train-dev']:.2f}, "
            f"dev {errors['dev']:.2f}, blackbox {errors['blackbox']:.2f}. "
            f"Largest known gap: {SHOWN.get(largest, largest)}, {gaps[largest]:.2f}."
        )

    def choice(description, *options):
        return ipywidgets.Dropdown(options=options, description=description)

    return LiveFigure(
        figure,
        update,
        units=choice("hidden units", ("2", False), ("50", True)),
        web=choice("web images", ("80", False), ("3500", True)),
        fill=choice("fill the frame", ("no", ""), *((n, n) for n in ("30 images, many slants", "fill the frame"))),
        app=choice("app in training", ("none", False), ("50 images", True)),
        tuning=choice("settings tried", (f"{TRIES}", True), ("1 (no tuning)", False)),
    )


def draw_road(ax, rounds):
    """Draw the errors of the rounds of `play` as lines; below each round stands its decision."""
    x = np.arange(1, len(rounds) + 1)
    marks = {"train": (BLUE, "o-"), "train-dev": (GREEN, "s-"), "dev": (ORANGE, "^-"), "blackbox": (RED, "D-")}
    for name, (color, mark) in marks.items():
        ax.plot(x, [one.errors[name] for one in rounds], mark, color=color, label=name)
    ax.plot(x, [one.test for one in rounds], "k:", label="test, opened at the end")
    names = [f"{i}\n{one.answer['choice'].replace(' ', chr(10), 1)}" for i, one in zip(x, rounds, strict=True)]
    ax.set(xticks=x, xticklabels=names, ylabel="error", ylim=(-0.02, 0.8))
    ax.tick_params(axis="x", labelsize=8)
    ax.legend(loc="upper right")


def draw_sources(ax, counts, curves):
    """Draw errors (y) over the number of scans that digits were made from (x, logarithmic); `curves` by name."""
    for (name, values), color in zip(curves.items(), (BLUE, GREEN, ORANGE, RED), strict=False):
        ax.plot(counts, values, "o-", color=color, label=name)
    ax.set(xscale="log", xticks=counts, xticklabels=counts, xlabel="scans that the made digits come from")
    ax.set(ylabel="error", ylim=(-0.02, None))
    ax.minorticks_off()
    ax.legend()


# --- projects to diagnose ---------------------------------------------------------------------------------------------

FAULTS = (
    Fault(
        "the network is too small",
        "the training error itself is far above the proxy, and the sets after it add little",
        "take a bigger network, or train it better",
    ),
    Fault(
        "too few training images",
        "the training error is near 0, and unseen images of the same mixture are read badly",
        "get more images of the training mixture, or regularise",
    ),
    Fault(
        "the training images are of another source than the dev images",
        "train-dev is low and dev is high",
        "make or collect training images that look like the dev images",
    ),
    Fault(
        "too many choices on a small dev set",
        "dev is lower than the sets on both sides of it",
        "take a larger dev set, or choose among fewer settings",
    ),
)


def sick_project(rng, mismatch_report, which=None):
    """Train a network in a project with one of `FAULTS`, measure its five errors, and return the `Run`.

    Parameters
    ----------
    rng : Generator
    mismatch_report : callable
        The learner's.
    which : int, optional
        The fault; by default `rng` chooses.
    """
    which = int(rng.integers(len(FAULTS))) if which is None else which
    web, app = two_sources(int(rng.integers(1000)))
    m = 1900 if which == 3 else int(rng.integers(50, 70) if which == 1 else rng.integers(900, 1100))
    owned, unseen = web.part(0, m), web.part(2000, 3000)
    dev, last = web.part(3000, 3600), web.part(3600, 4600)
    if which == 2:
        dev, last = app.part(0, 600), app.part(600, 1600)
    network = Network(owned.X, owned.Y, 2 if which == 0 else 50, int(rng.integers(1000)))
    c = np.zeros((10, 1))
    if which == 3:
        place, rate = 3000, 1.0
        while rate > network.error(last) - 0.07:  # some sets of 20 leave nothing to win
            dev, place = web.part(place, place + 20), place + 20
            c = tuned_corrections(network.scores(dev.X), dev.Y, TRIES, rng)
            rate = wrong(network.scores(dev.X), dev.Y, c)
    measured = [float(wrong(network.scores(part.X), part.Y, c)) for part in (owned, unseen, dev, last)]
    errors = dict(zip(SETS, [LEVELS["web"], *measured], strict=True))
    gaps = mismatch_report(errors)
    figure, ax = plt.subplots(figsize=(7.2, 3.2))
    draw_gaps(ax, errors, gaps)
    plt.close(figure)
    sizes = ", ".join(f"{name} {part.Y.size}" for name, part in zip(SETS[1:], (owned, unseen, dev, last), strict=True))
    words = "Errors: " + ", ".join(f"{name} {value:.2f}" for name, value in errors.items()) + f". Images: {sizes}."
    return Run(figure, words, FAULTS, which)
