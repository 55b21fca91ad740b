"""The pictures of lesson 5.7: the notes' feature table, a map of words, typed analogies, and a direction of gender."""

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np

from helpers.plots import BLUE, GREEN, ORANGE, RED
from helpers.widgets import LiveFigure

#: The feature table of the notes: one column per word, one row per feature.
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
    """Draw the notes' table: blue for negative, red for positive entries, with the numbers."""
    ax.imshow(TABLE, cmap="RdBu_r", vmin=-1.6, vmax=1.6, aspect="auto")
    for (row, column), value in np.ndenumerate(TABLE):
        ax.text(column, row, f"{value:.2f}".replace("-", "−"), ha="center", va="center", fontsize=9)
    ax.set_xticks(range(len(WORDS)), WORDS)
    ax.set_yticks(range(len(FEATURES)), FEATURES)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)


def draw_map(ax, projected):
    """Draw the words of `GROUPS` at their coordinates, (2, n), each group in one colour; names where there is room."""
    place, named = 0, []
    for color, (name, words) in zip((BLUE, ORANGE, GREEN, RED, "#CC79A7"), GROUPS.items(), strict=True):
        x, y = projected[:, place : place + len(words)]
        ax.plot(x, y, "o", color=color, markersize=4, label=name)
        for word, at in zip(words, zip(x, y, strict=True), strict=True):
            if all(abs(at[0] - other[0]) > 0.16 or abs(at[1] - other[1]) > 0.035 for other in named):
                ax.annotate(word, at, (3, 2), textcoords="offset points", fontsize=7, color=color)
                named.append(at)
        place += len(words)
    ax.set(xlabel="first direction", ylabel="second direction")
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
        return (
            f"{typed[0]} is to {typed[1]} as {typed[2]} is to {found}: cosine {near[self.number[found]]:.2f} with "
            f"b − a + c. With the given words allowed, {top} would win with {near.max():.2f}."
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
