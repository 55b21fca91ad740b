"""The pictures of lesson 5.7: a table of features, a map of words, typed analogies, and a direction of gender."""

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np

from helpers.plots import BLUE, GREEN, ORANGE, RED
from helpers.widgets import LiveFigure

#: A table of features made by hand: one column per word, one row per feature.
WORDS = ["man", "woman", "king", "queen", "apple", "orange"]
FEATURES = ["gender", "royal", "age", "food"]
TABLE = np.array(
    [
        [-1, 1, -0.95, 0.97, 0.00, 0.01],
        [0.01, 0.02, 0.93, 0.95, -0.01, 0.00],
        [0.03, 0.02, 0.70, 0.69, 0.03, -0.02],
        [0.04, 0.01, 0.02, 0.01, 0.95, 0.97],
    ]
)
#: Words for the map, by group.
GROUPS = {
    "numbers": ["one", "two", "three", "four", "five", "six", "seven", "eight"],
    "animals": ["dog", "cat", "horse", "pig", "cow", "sheep"],
    "cities": ["paris", "london", "berlin", "madrid", "rome", "vienna"],
    "food": ["bread", "rice", "sugar", "meat", "milk", "cheese"],
    "days": ["monday", "tuesday", "wednesday", "thursday", "friday", "sunday"],
}
#: Pairs whose difference is taken for the direction of gender.
PAIRS = ["man woman", "he she", "his her", "father mother", "son daughter", "boy girl", "male female"]
#: Pairs of words for analogies, by kind; every two pairs of a kind make a question.
KINDS = {
    "man is to woman": "man woman, king queen, father mother, son daughter, brother sister, husband wife, boy girl, "
    "uncle aunt, actor actress, he she, his her, prince princess, grandfather grandmother, men women",
    "capital is to country": "paris france, berlin germany, rome italy, madrid spain, tokyo japan, moscow russia, "
    "beijing china, athens greece, cairo egypt, london england, vienna austria, dublin ireland, baghdad iraq, "
    "havana cuba",
    "verb is to past": "walk walked, play played, look looked, call called, go went, take took, give gave, see saw, "
    "come came, make made, say said, win won, write wrote, speak spoke",
    "big is to bigger": "big bigger, small smaller, large larger, high higher, low lower, strong stronger, old older, "
    "young younger, fast faster, long longer, great greater, cheap cheaper, easy easier, hard harder",
    "one is to many": "car cars, house houses, dog dogs, child children, man men, woman women, country countries, "
    "city cities, year years, book books, student students, bird birds, tree trees, game games",
    "word is to opposite": "good bad, big small, hot cold, high low, old new, long short, strong weak, fast slow, "
    "rich poor, early late, happy sad, open closed, buy sell, win lose",
}
OCCUPATIONS = [
    "nurse",
    "dancer",
    "singer",
    "teacher",
    "doctor",
    "lawyer",
    "scientist",
    "secretary",
    "engineer",
    "architect",
    "boss",
    "captain",
]


def draw_table(ax):
    """Draw the table of features: blue for negative, red for positive entries, with the numbers."""
    ax.imshow(TABLE, cmap="RdBu_r", vmin=-1.6, vmax=1.6, aspect="auto")
    for (row, column), value in np.ndenumerate(TABLE):
        ax.text(column, row, f"{value:.2f}".replace("-", "−"), ha="center", va="center", fontsize=9)
    ax.set_xticks(range(len(WORDS)), WORDS)
    ax.set_yticks(range(len(FEATURES)), FEATURES)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)


def name_points(ax, x, y, names, color="#333333"):
    """Write a name beside each point, none over another; a thin line leads to a name that had to move up."""
    wide, high = np.ptp(x), np.ptp(y)
    placed = []
    for k in np.argsort(y):
        left, right, at = x[k] + 0.012 * wide, x[k] + (0.03 + 0.016 * len(names[k])) * wide, y[k]
        while any(abs(at - other) < 0.042 * high and left < end and start < right for start, end, other in placed):
            at += 0.008 * high
        placed.append((left, right, at))
        one = color if isinstance(color, str) else color[k]
        if at > y[k]:
            ax.plot([x[k], left], [y[k], at], "-", color=one, linewidth=0.5, alpha=0.6)
        ax.text(left, at, names[k], fontsize=7, color=one, va="center")


def draw_groups(ax, x, y, groups):
    """Draw words at their coordinates, group by group, each with its name; a group has one colour and mark."""
    place, colors = 0, []
    for color, mark, (name, words) in zip((BLUE, ORANGE, GREEN, RED, "#CC79A7"), "osD^v", groups.items(), strict=False):
        here = slice(place, place + len(words))
        ax.plot(x[here], y[here], mark, color=color, markersize=4, label=name)
        place, colors = place + len(words), colors + [color] * len(words)
    name_points(ax, x, y, [word for words in groups.values() for word in words], colors)
    ax.set(xlabel="first direction", ylabel="second direction")
    ax.margins(x=0.12, y=0.08)
    ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=8)


def draw_map(ax, projected):
    """Draw the words of `GROUPS` at their coordinates, (2, n)."""
    draw_groups(ax, *projected, GROUPS)


def draw_sizes(ax, sizes, right):
    """Draw the share of right answers against the number of examples: a mean line per name, a dot per start."""
    for (name, table), color, mark in zip(right.items(), (RED, BLUE, ORANGE, GREEN), "osD^", strict=True):
        table = np.array(table)  # (sizes, starts)
        ax.plot(sizes, table.mean(axis=1), "-", color=color, linewidth=1.2)
        ax.plot(np.repeat(sizes, table.shape[1]), table.ravel(), mark, color=color, markersize=4, label=name, alpha=0.7)
    ax.set(xscale="log", xticks=sizes, xticklabels=sizes, xlabel="sentences", ylabel="share right")
    ax.minorticks_off()
    ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=8)


def draw_gender(ax, names, before, after):
    """Draw the part along the direction of gender of each word, as it was and neutralised."""
    rows = np.arange(len(names))
    ax.axvline(0, color="#999999", linewidth=0.8)
    ax.hlines(rows, before, after, color="#cccccc")
    ax.plot(before, rows, "o", color=ORANGE, label="as learned")
    ax.plot(after, rows, "D", color=BLUE, markersize=4, label="neutralised")
    ax.set_yticks(rows, names, fontsize=8)
    ax.set(xlabel="part along g (left: he, right: she)", xlim=(-0.6, 0.6))
    ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=8)


# --- analogies --------------------------------------------------------------------------------------------------------


class _Analogies:
    """The picture of one analogy on one axes; all answers come from the learner's functions."""

    def __init__(self, ax, functions, words, E, animated):
        self.complete, self.project = functions
        self.words, self.E = words, E
        self.number = {word: j for j, word in enumerate(words)}
        self.lengths = np.sqrt(np.einsum("ij,ij->j", E, E))
        (self.first,) = ax.plot([], [], "-", color=BLUE, linewidth=1.5, animated=animated)
        (self.second,) = ax.plot([], [], "--", color=BLUE, linewidth=1.5, animated=animated)
        (self.given,) = ax.plot([], [], "o", color=BLUE, animated=animated)
        (self.target,) = ax.plot([], [], "x", color=RED, markersize=9, animated=animated)
        (self.answer,) = ax.plot([], [], "o", color=ORANGE, animated=animated)
        (self.nearest,) = ax.plot([], [], "o", mfc="none", color=RED, markersize=13, animated=animated)
        self.labels = [ax.text(0, 0, "", fontsize=10, animated=animated, clip_on=True) for _ in range(5)]
        ax.set(xlim=(-1.45, 1.6), ylim=(-1.3, 1.3), xticks=[], yticks=[])

    def show(self, **given):
        """Show a is to b as c is to the answer, and return the sentence."""
        typed = [word.strip().lower() for word in given.values()]
        unknown = [word for word in typed if word not in self.number]
        if unknown:
            return f'"{unknown[0]}" is not among the {len(self.words)} words. The picture stays as it was.'
        found = self.complete(*typed, self.words, self.E)
        a, b, c, d = (self.E[:, self.number[word]] for word in (*typed, found))
        aim = b - a + c
        near = aim @ self.E / self.lengths / np.sqrt(aim @ aim)
        points = np.asarray(self.project(np.stack([a, b, c, d, aim], axis=1)))
        points = points / np.abs(points).max()
        for artist, places in (
            (self.first, [0, 1]), (self.second, [2, 4]), (self.given, [0, 1, 2]), (self.target, [4]), (self.answer, [3])
        ):  # fmt: skip
            artist.set_data(points[:, places])
        for k, (label, text) in enumerate(zip(self.labels, (*typed, found, "b − a + c"), strict=True)):
            down = k == 4 or (k == 3 and points[1, 3] < points[1, 4])
            down = not down if k == 4 and points[1, 3] < points[1, 4] else down
            label.set(position=points[:, k] + (0.04, -0.14 if down else 0.06), text=text)
        top = self.words[int(np.argmax(near))]
        there = [[*typed, found].index(top)] if top in (*typed, found) else []
        self.nearest.set_data(points[:, there])
        return (
            f"{typed[0]} is to {typed[1]} as {typed[2]} is to {found}: cosine {near[self.number[found]]:.2f} with "
            f"b − a + c. With the given words allowed, {top} (ring) would win with {near.max():.2f}."
        )


def draw_analogy(ax, complete_analogy, project_2d, words, E, word_a="man", word_b="woman", word_c="king"):
    """Draw one analogy on an axes and return the sentence that says what it shows."""
    picture = _Analogies(ax, (complete_analogy, project_2d), words, E, animated=False)
    return picture.show(word_a=word_a, word_b=word_b, word_c=word_c)


def analogies(complete_analogy, project_2d, words, E):
    """Return the interactive picture of an analogy whose three words are typed.

    Parameters
    ----------
    complete_analogy, project_2d : callable
        The learner's functions; answer and picture come from them.
    words : list of str
    E : ndarray, shape (n_e, n)
    """
    figure, ax = plt.subplots(figsize=(7, 3.4), layout="constrained")
    picture = _Analogies(ax, (complete_analogy, project_2d), words, E, animated=True)

    def box(word, description):
        return ipywidgets.Text(value=word, description=description, continuous_update=False)

    return LiveFigure(
        figure, picture.show, word_a=box("man", "a"), word_b=box("woman", "is to b"), word_c=box("king", "as c is to …")
    )
