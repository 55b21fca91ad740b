"""Lesson 3.3: two real sources of digits, a small network, the simulated project with its measured consequences."""

import warnings
from typing import NamedTuple

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from helpers import data
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


def two_sources(seed=0):
    """Return the web digits (5000 of MNIST) and the app digits (1797 of scikit-learn), each in a random order.

    The web site cuts off MNIST's empty margin of 4 pixels and shrinks the rest, 20 by 20, to 8 by 8.
    """
    mnist, small = data.mnist(), data.small_digits()
    rng = np.random.default_rng(seed)
    scans = np.concatenate([mnist.train_images, mnist.test_images]) / 255
    labels = np.concatenate([mnist.train_labels, mnist.test_labels], axis=1)
    A = averaging(20, 8)
    shrunk = A @ scans[:, 4:24, 4:24] @ A.T
    order, order_app = rng.permutation(len(scans)), rng.permutation(len(small.images))
    web = Source(shrunk.reshape(len(scans), 64).T[:, order], labels[:, order], scans[order])
    app = Source(small.images.reshape(-1, 64).T[:, order_app] / 16, small.labels[:, order_app])
    return web, app


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
PROXY = 0.01  # nearest neighbours that know the other app digits do as well
PRICES = {
    "bigger network": 1, "more web images": 2, "fill the frame": 2, "30 images, many slants": 1, "50 app images": 4,
    "no tuning": 1,
}  # fmt: skip
BUDGET = 10
START = frozenset()  # a state is the set of what was bought
TRIES = 1000  # settings that are compared on the dev set
SLANTS = (-0.2, 0.0, 0.2)


def measure(bought, synthesize, seed=0, dev_sets=40, m_dev=30):
    """Train the network that a state of the project has, and return its four errors: train, train-dev, dev, test.

    Parameters
    ----------
    bought : set of str
        Keys of `PRICES`.
    synthesize : callable
        ``synthesize(images, Y, slants)`` as in the lesson.
    seed : int
        Which digits are where, and how the network starts.
    dev_sets : int
        The errors are means over so many dev sets, drawn from 600 app digits; each is tuned on by itself.
    m_dev : int
        Digits of a dev set.

    Returns
    -------
    errors : ndarray, shape (4,)
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
    rng = np.random.default_rng([seed, 1])
    rows = []
    for _ in range(dev_sets):
        i = rng.choice(600, size=m_dev, replace=False)
        tries = 1 if "no tuning" in bought else TRIES
        c = tuned_corrections(dev[:, i], Y_dev[:, i], tries, rng)
        train, train_dev = (
            sum(share * wrong(*pair[k], c) for share, pair in zip(shares, known, strict=True)) for k in (0, 1)
        )
        rows.append([train, train_dev, wrong(dev[:, i], Y_dev[:, i], c), wrong(test, Y_test, c)])
    return np.mean(rows, axis=0)


def wrong(scores, Y, corrections):
    """Return the share of wrong labels, with ten corrections added to the scores (10, m)."""
    return np.mean(np.argmax(scores + corrections, axis=0) != Y)


def code(state):
    """Return six letters, one per offer in the order of `PRICES`: x if it was bought."""
    return "".join("x" if name in state else "-" for name in PRICES)


#: Errors in thousandths: train, train-dev, dev, test. Means over 5 networks with 40 dev sets each, measured by
#: ``python -m helpers.figures.data_mismatch``. The six letters say which of the offers were bought (see `code`).
_MEASURED = """
------ 500 728 624 752
---x-- 463 727 581 728
-----x 268 689 771 766
---x-x 181 704 746 738
----x- 521 713 532 698
---xx- 505 714 523 689
----xx 335 676 686 687
---xxx 292 691 689 673
--x--- 482 695 542 693
--x--x 296 658 674 672
--x-x- 532 700 517 690
--x-xx 329 653 663 677
-x---- 564 573 419 607
-x-x-- 475 658 481 659
-x---x 344 368 578 578
-x-x-x 178 573 647 635
-x--x- 561 573 410 597
-x-xx- 467 653 472 652
-x--xx 344 369 558 560
-x-xxx 182 585 622 619
-xx--- 530 535 397 574
-xx--x 361 367 488 499
-xx-x- 528 533 397 572
-xx-xx 363 366 484 501
x-----  46 349 406 536
x--x--  32 371 338 461
x----x   0 283 546 551
x--x-x   0 335 486 482
x---x-  20 304 133 247
x--xx-  20 330 136 251
x---xx   0 274 227 223
x--xxx   0 306 234 241
x-x---  40 310 324 436
x-x--x   0 279 446 455
x-x-x-  23 285 142 252
x-x-xx   0 255 243 242
xx----  21  98 224 342
xx-x--  14 204 176 301
xx---x   0  79 337 352
xx-x-x   0 178 294 290
xx--x-  19  94 132 247
xx-xx-  11 199 114 237
xx--xx   0  73 236 247
xx-xxx   0 177 222 214
xxx---  21  81 100 181
xxx--x   0  63 180 166
xxx-x-  20  80  77 161
xxx-xx   0  64 148 144
"""
TABLE = {line[:6]: [int(error) / 1000 for error in line[6:].split()] for line in _MEASURED.strip().splitlines()}


def errors_of(state):
    """Return the five errors of a state, measured, as a dict: proxy, train, train-dev, dev, test."""
    return dict(zip(SETS, [PROXY, *TABLE[code(state)]], strict=True))


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
        The learner's function; all gaps come from it.
    """
    lines = []
    for number, one in enumerate(rounds, start=1):
        gaps = mismatch_report(one.errors)
        largest = gaps["largest"]
        test = one.errors["test"]
        lines.append(f"{number}. {one.left} weeks left. Largest gap: {largest}, {gaps[largest]:.2f}. Test {test:.2f}.")
        for offer, price in prices_of(one.state).items():
            state = after(one.state, offer)
            now = mismatch_report(errors_of(state))
            falls = {gap: gaps[gap] - now[gap] for gap in GAPS}
            most = max(falls, key=falls.get)
            mark = ">" if offer == one.answer["choice"] else "-"
            dear = ", too dear" if price > one.left else ""
            now_test = errors_of(state)["test"]
            lines.append(
                f"   {mark} {offer}, {price} w{dear}: {largest} to {now[largest]:.2f}, test to {now_test:.2f}."
            )
            lines.append(f"        {_judgement(largest, most, falls, test, state)}")
    return "\n".join(lines)


def _judgement(largest, most, falls, test, state):
    """Return a short sentence about one offer, from the measured numbers alone."""
    gain = test - errors_of(state)["test"]
    opened = min(falls, key=falls.get)
    if falls[most] < 0.02:
        return "It narrows no gap by 0.02."
    sentence = "It narrows the largest gap most" if most == largest else f"It narrows {most} most, by {falls[most]:.2f}"
    if falls[opened] < -0.05:
        sentence += f"; {opened} opens by {-falls[opened]:.2f}"
    return sentence + (", and the app gains nothing." if gain < 0.01 else ".")


# --- pictures ---------------------------------------------------------------------------------------------------------


def draw_digits(axes, X, title):
    """Draw the first columns of X, shape (64, m), one per axes; black is ink."""
    for i, ax in enumerate(axes):
        ax.imshow(X[:, i].reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set(visible=True, color="#aaaaaa")
    axes[0].set_ylabel(title, rotation=0, ha="right", va="center")


def _ladder(ax, animated):
    """Prepare the axes of `draw_gaps` and return a function that places errors and gaps."""
    ax.set(xlim=(-0.5, 4.5), ylim=(-0.02, 1), xticks=range(5), xticklabels=SETS, ylabel="error")
    ax.grid(axis="y", alpha=0.3)
    bars = ax.bar(np.arange(4) + 0.5, np.zeros(4), width=0.5, animated=animated)
    (dots,) = ax.plot(range(5), np.zeros(5), "o", color="black", animated=animated)
    errors_text = [ax.text(i, 0, "", ha="center", va="bottom", fontsize=9, animated=animated) for i in range(5)]
    gaps_text = [ax.text(i + 0.5, 0, "", ha="center", va="bottom", fontsize=9, animated=animated) for i in range(4)]

    def show(errors, gaps):
        heights = [errors[name] for name in SETS]
        dots.set_ydata(heights)
        for text, height in zip(errors_text, heights, strict=True):
            text.set(text=f"{height:.2f}", y=height + 0.03)
        for i, (bar, text, name) in enumerate(zip(bars, gaps_text, GAPS, strict=True)):
            bar.set(y=heights[i], height=heights[i + 1] - heights[i])
            bar.set_color(ORANGE if name == gaps["largest"] else BLUE)
            bar.set_alpha(0.75 if heights[i + 1] >= heights[i] else 0.3)  # a gap below 0 is pale
            value = f"{gaps[name]:+.2f}".replace("-", "\u2212")
            value = "0.00" if value[1:] == "0.00" else value
            text.set(text=f"{name}\n{value}", y=max(heights[i : i + 2]) + 0.1)

    return show


def draw_gaps(ax, errors, gaps):
    """Draw five errors as dots and the four gaps between them as bars; the largest gap is orange.

    Parameters
    ----------
    errors, gaps : dict
        What `mismatch_report` takes and returns.
    """
    _ladder(ax, animated=False)(errors, gaps)


def what_if(mismatch_report):
    """Return the interactive picture: buy any of the offers and see the errors that were measured with them.

    Parameters
    ----------
    mismatch_report : callable
        The learner's function; all gaps of the picture come from it.
    """
    figure, ax = plt.subplots(figsize=(7.2, 3.6))
    show = _ladder(ax, animated=True)

    def update(units, web, fill, app, tuning):
        bought = [units and "bigger network", web and "more web images", fill, app and "50 app images"]
        state = frozenset(name for name in [*bought, not tuning and "no tuning"] if name)
        errors = errors_of(state)
        gaps = mismatch_report(errors)
        show(errors, gaps)
        largest = gaps["largest"]
        weeks = sum(PRICES[name] for name in state)
        over = f", {weeks - BUDGET} more than there are" if weeks > BUDGET else ""
        return (
            f"{weeks} weeks{over}. Train {errors['train']:.2f}, train-dev {errors['train-dev']:.2f}, "
            f"dev {errors['dev']:.2f}, test {errors['test']:.2f}. Largest gap: {largest}, {gaps[largest]:.2f}."
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
    colors = {"train": BLUE, "train-dev": GREEN, "dev": ORANGE, "test": RED}
    x = np.arange(1, len(rounds) + 1)
    for name, color in colors.items():
        ax.plot(x, [one.errors[name] for one in rounds], "o-", color=color, label=name)
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
