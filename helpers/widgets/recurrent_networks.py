"""The pictures of lesson 5.1, five small networks of the five types, and sentences with a sentiment."""

import re
from typing import NamedTuple

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import FancyBboxPatch

from helpers.checks import sick
from helpers.plots import BLUE, GREEN, ORANGE
from helpers.widgets import LiveFigure
from helpers.widgets.fast_rnn import RNN, ClippedAdam, Network, train

_GRAY = "#555555"


# --- drawings of networks ---------------------------------------------------------------------------------------------


def _box(ax, x, y, text, color, width=0.62, height=0.5, fontsize=9):
    """Draw a box with its middle at (x, y)."""
    corner = (x - width / 2, y - height / 2)
    style = {"facecolor": color + "22", "edgecolor": color, "linewidth": 1.2}
    ax.add_patch(FancyBboxPatch(corner, width, height, boxstyle="round,pad=0,rounding_size=0.08", **style))
    ax.text(x, y, text, ha="center", va="center", fontsize=fontsize)


def _arrow(ax, start, end, color=_GRAY):
    ax.annotate(
        "", end, start, arrowprops={"arrowstyle": "-|>", "color": color, "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0}
    )


def draw_unrolled(ax, words, answers):
    """Draw a recurrent network along a sentence: a word and an answer for each step, the same weights at each."""
    step = 1.45
    for t, (word, answer) in enumerate(zip(words, answers, strict=True)):
        x = step * t
        _box(ax, x, 0, f"$a^{{\\langle {t + 1} \\rangle}}$", BLUE)
        _arrow(ax, (x - step + (0.31 if t else 0.41), 0), (x - 0.31, 0))
        _arrow(ax, (x, -0.85), (x, -0.25))
        _arrow(ax, (x, 0.25), (x, 0.85))
        ax.text(x - step / 2, 0.12, "$W_{aa}$", ha="center", fontsize=8, color=_GRAY)
        ax.text(x + 0.06, -0.6, "$W_{ax}$", fontsize=8, color=_GRAY)
        ax.text(x + 0.06, 0.45, "$W_{ya}$", fontsize=8, color=_GRAY)
        ax.text(x, -1.1, word, ha="center", va="center", fontsize=10)
        ax.text(x, -1.4, f"$x^{{\\langle {t + 1} \\rangle}}$", ha="center", va="center", fontsize=8, color=_GRAY)
        ax.text(
            x, 1.35, f"$\\hat{{y}}^{{\\langle {t + 1} \\rangle}}$", ha="center", va="center", fontsize=8, color=_GRAY
        )
        ax.text(x, 1.05, answer, ha="center", va="center", fontsize=10)
    _box(ax, -step, 0, "$a^{\\langle 0 \\rangle} = 0$", _GRAY, width=0.82)
    ax.set(xlim=(-step - 0.5, step * (len(words) - 1) + 0.6), ylim=(-1.6, 1.6))
    ax.set_axis_off()


def draw_loop(ax):
    """Draw a recurrent network as a loop: one box whose state goes back into itself."""
    _box(ax, 0, 0, "$a^{\\langle t \\rangle}$", BLUE)
    _arrow(ax, (0, -0.85), (0, -0.25))
    _arrow(ax, (0, 0.25), (0, 0.85))
    angle = np.linspace(2.5, -2.5, 40)
    x, y = 0.5 + 0.24 * np.cos(angle), 0.24 * np.sin(angle)
    ax.plot(x, y, color=_GRAY, linewidth=1.2)
    _arrow(ax, (x[-3], y[-3]), (0.31, -0.14))
    ax.text(0.8, 0, "$W_{aa}$", fontsize=8, color=_GRAY, va="center")
    ax.text(-0.1, -0.75, "$W_{ax}$", fontsize=8, color=_GRAY, ha="right")
    ax.text(0.06, 0.45, "$W_{ya}$", fontsize=8, color=_GRAY)
    ax.text(0, -1.1, "$x^{\\langle t \\rangle}$", ha="center", va="center")
    ax.text(0, 1.1, "$\\hat{y}^{\\langle t \\rangle}$", ha="center", va="center")
    ax.set(xlim=(-0.8, 1.2), ylim=(-1.6, 1.6))
    ax.set_axis_off()


#: The five types: which steps have an input and which an output counts, and what the small network of it does.
TYPES = {
    "one to one": ((1,), (1,), "the next digit"),
    "one to many": ((1, 0, 0, 0, 0, 0), (1, 1, 1, 1, 1, 1), "count down to 0"),
    "many to one": ((1, 1, 1, 1, 1, 1), (0, 0, 0, 0, 0, 1), "the largest digit"),
    "many to many, T_x = T_y": ((1, 1, 1, 1, 1, 1), (1, 1, 1, 1, 1, 1), "seen before? (1 is yes)"),
    "many to many": ((1, 1, 1, 0, 0, 0), (0, 0, 0, 1, 1, 1), "the three digits in reverse"),
}


def draw_types(ax):
    """Draw the five types: inputs below, states in the middle, outputs above. Long ones are shortened."""
    x = 0.0
    for name, (inputs, outputs, _) in TYPES.items():
        kept = slice(None) if len(inputs) == 1 or name == "many to many" else slice(-4, None)
        if name == "one to many":
            kept = slice(0, 4)
        start, steps = x, list(zip(inputs[kept], outputs[kept], strict=True))
        if name == "many to many":
            steps = [steps[0], steps[1], steps[3], steps[4]]
        for t, (has_input, has_output) in enumerate(steps):
            _box(ax, x, 0, "", BLUE, width=0.5, height=0.5)
            if t:
                _arrow(ax, (x - 0.55, 0), (x - 0.25, 0))
            if has_input:
                _box(ax, x, -1, "", GREEN, width=0.5, height=0.36)
                _arrow(ax, (x, -0.82), (x, -0.25))
            if has_output:
                _box(ax, x, 1, "", ORANGE, width=0.5, height=0.36)
                _arrow(ax, (x, 0.25), (x, 0.82))
            x += 0.8
        label = name.replace(", ", "\n").replace("T_x = T_y", "$T_x = T_y$")
        if name == "many to many":
            label += "\nread first, then write"
            for place, part in ((start + 0.4, "encoder"), (start + 2.0, "decoder")):
                ax.text(place, 1.35, part, ha="center", fontsize=8, color=_GRAY)
        ax.text((start + x - 0.8) / 2, -1.42, label, ha="center", va="top", fontsize=9)
        x += 0.65
    ax.text(-0.5, 1, "ŷ", ha="right", va="center", color=ORANGE)
    ax.text(-0.5, 0, "a", ha="right", va="center", color=BLUE)
    ax.text(-0.5, -1, "x", ha="right", va="center", color=GREEN)
    ax.set(xlim=(-1, x - 0.7), ylim=(-2.3, 1.6))
    ax.set_aspect("equal")
    ax.set_axis_off()


def draw_states(ax, a, words=None, limit=1.0):
    """Draw states (n_a, T) as cells, one column for each step, red above 0, blue below; return the image."""
    image = ax.imshow(a, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto")
    ax.set_yticks([])
    ax.set_ylabel("units of a")
    ax.set_xticks(range(a.shape[1]), words or range(1, a.shape[1] + 1))
    return image


# --- five small networks ----------------------------------------------------------------------------------------------

DIGITS = 6


class Trained(NamedTuple):
    """A trained network of one type: its parameters, new inputs ``x`` (6, m, T_x), right answers, which steps count."""

    parameters: dict
    digits: np.ndarray
    x: np.ndarray
    y: np.ndarray
    counted: np.ndarray


def _answers(name, digits):
    """Return the right answers of a task, one for each step; those at steps that do not count mean nothing."""
    steps = np.arange(digits.shape[1])
    if name == "one to one":
        return (digits + 1) % DIGITS
    if name == "one to many":
        return np.maximum(digits[:, :1] - steps, 0)
    if name == "many to one":
        return np.repeat(digits.max(axis=1, keepdims=True), len(steps), axis=1)
    if name == "many to many":
        return digits[:, ::-1]
    return np.array([[digit in row[:t] for t, digit in enumerate(row)] for row in digits.tolist()]) * 1


def as_parameters(network):
    """Return what a network of one plain layer has learned, under the names of the lesson, as float64."""
    layer = network.layers[0].parameters
    found = {"Wax": layer["Wx"], "Waa": layer["Wa"], "ba": layer["b"]}
    found |= {"Wya": network.parameters["W"], "by": network.parameters["b"]}
    return {name: found[name].astype(float) for name in ("Wax", "Waa", "Wya", "ba", "by")}


def train_type(name, rng, m=2000, n_a=32):
    """Train a small network of one of the `TYPES` and return it as `Trained`, with 500 examples it has not seen."""
    inputs, outputs, _ = TYPES[name]
    digits = rng.integers(0, DIGITS, (m + 500, len(inputs)))
    digits[:, ::2] //= 1 + (name == "many to one")  # smaller digits, so that the largest is not always 5
    x = np.moveaxis(np.eye(DIGITS)[digits], 2, 0) * np.array(inputs)
    y, counted = _answers(name, digits), np.repeat([outputs], m + 500, axis=0)
    network = Network([RNN(DIGITS, n_a, rng, first=True)], DIGITS, rng)
    optimizer = ClippedAdam(0.01)
    train(network, x[:, :m], y[:m], optimizer, rng, num_epochs=15, counted=counted[:m])
    return Trained(as_parameters(network), digits[m:], x[:, m:], y[m:], counted[m:])


def written(numbers, counted):
    """Return a row of numbers as text, with a dot where none counts."""
    return " ".join(str(int(number)) if one else "·" for number, one in zip(numbers, counted, strict=True))


# --- sentences --------------------------------------------------------------------------------------------------------

NOUNS = ("movie", "book", "hotel", "food", "service", "story", "song", "music", "restaurant", "game")
#: Patterns of sentences, each with a word w and a noun n: the plain one, and the one that says the opposite.
PATTERNS = (
    ("the {n} was {w}", "the {n} was not {w}"),
    ("i think the {n} is {w}", "i do not think the {n} is {w}"),
    ("it was a very {w} {n}", "it was not a very {w} {n}"),
    ("the {n} is always {w}", "the {n} is never {w}"),
    ("i saw it and it was really {w}", "i saw it and it was not really {w}"),
    ("everyone said the {n} was {w}", "nobody said the {n} was {w}"),
    ("i did not expect much but the {n} was {w}", "i did expect much but the {n} was not {w}"),
    ("i have never been there but the {n} is {w}", "i have been there but the {n} is never {w}"),
)
#: Patterns that are in no training sentence, with True where they turn the word round.
NEW_PATTERNS = (
    ("what a {w} {n}", False),
    ("the {n} was long and {w}", False),
    ("there was nothing {w} about the {n}", True),
    ("the {n} was far from {w}", True),
    ("the {n} was anything but {w}", True),
    ("it is not true that the {n} was not {w}", False),
)
_ADJECTIVE = re.compile(r".*(ful|ous|ive|able|ible|ing|ed|less|ant|ent|al|ic)")
_NOT_HERE = re.compile(r".*(ment|rap|kill|murder|tortur|abus|assault|sex|stabb|molest|suicid|terror|rac|fascis).*")


def describing_words(valences, words):
    """Return the words of the lexicon that look like adjectives, are among `words`, and have a clear valence.

    Clear is 1.5 or more away from 0. Words about crimes are left out. The ending decides, so that some words stand
    awkwardly in a sentence.
    """
    known = set(words)
    return [
        word
        for word, valence in valences.items()
        if abs(valence) >= 1.5 and word in known and _ADJECTIVE.fullmatch(word) and not _NOT_HERE.fullmatch(word)
    ]


class Sentences(NamedTuple):
    """Sentences (lists of words), their labels (1 is positive) (m,), and which of them are negated (m,)."""

    sentences: list
    y: np.ndarray
    negated: np.ndarray


def make_sentences(words, valences, rng, per_word=6):
    """Return `per_word` sentences with each word, half of them negated, in random patterns and with random nouns."""
    sentences, labels, turned = [], [], []
    for word in words:
        for number in range(per_word):
            negated = number % 2
            pattern = PATTERNS[rng.integers(len(PATTERNS))][negated]
            sentences.append(pattern.format(w=word, n=NOUNS[rng.integers(len(NOUNS))]).split())
            labels.append((valences[word] > 0) != bool(negated))
            turned.append(bool(negated))
    return Sentences(sentences, np.array(labels) * 1, np.array(turned))


def train_reader(x, mask, y, rng, n_a=16, num_epochs=12, test=None):
    """Train a many-to-one network on padded sentences and return its parameters and the history.

    Parameters
    ----------
    x : ndarray, shape (n_x, m, T_x)
    mask : ndarray, shape (m, T_x)
    y : ndarray of int, shape (m,)
    rng : Generator
    n_a, num_epochs : int
    test : tuple, optional
        x, mask and y of other sentences.
    """
    network = Network([RNN(len(x), n_a, rng, first=True, dtype=float)], 2, rng, last=True)
    optimizer = ClippedAdam(0.003, max_norm=1.0)
    if test is not None:
        test = {"x": test[0], "mask": test[1], "y": test[2][:, None]}
    history = train(network, x, y[:, None], optimizer, rng, num_epochs=num_epochs, batch_size=32, mask=mask, test=test)
    return as_parameters(network), history


# --- the interactive picture ------------------------------------------------------------------------------------------


def draw_reading(axes, words, positive, a):
    """Draw ŷ after each word and, below, the states (n_a, T); return the image of the states."""
    steps = np.arange(len(words))
    axes[0].bar(
        steps, np.asarray(positive) - 0.5, bottom=0.5, width=0.7, color=[ORANGE if p >= 0.5 else BLUE for p in positive]
    )
    axes[0].axhline(0.5, color=_GRAY, linewidth=0.8)
    axes[0].set(ylim=(0, 1), xticks=[], yticks=(0, 0.5, 1), ylabel="ŷ, positive", xlim=(-0.5, len(words) - 0.5))
    return draw_states(axes[1], np.asarray(a), words)


def reader(rnn_forward, parameters, vectors, words):
    """Return the interactive picture: choose a sentence and see state and answer after each word.

    Parameters
    ----------
    rnn_forward : callable
        The learner's function; all states and answers come from it.
    parameters : dict
        Of a trained network with two outputs, negative and positive.
    vectors : dict
        From word to its vector, shape (n_x, 1).
    words : list of str
        The describing words to choose from.
    """
    figure, axes = plt.subplots(2, 1, figsize=(7.2, 3.6), height_ratios=(1, 1.25))
    n_a, longest = len(parameters["Waa"]), 10
    bars = axes[0].bar(np.arange(longest), np.zeros(longest), bottom=0.5, width=0.7)
    axes[0].axhline(0.5, color=_GRAY, linewidth=0.8)
    axes[0].set(ylim=(0, 1), xticks=[], yticks=(0, 0.5, 1), ylabel="ŷ, positive", xlim=(-0.5, longest - 0.5))
    cells = axes[1].imshow(np.zeros((n_a, longest)), cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto")
    axes[1].set(yticks=[], ylabel="units of a", xlim=(-0.5, longest - 0.5))
    patterns = [pattern for pair in PATTERNS for pattern in pair] + [pattern for pattern, _ in NEW_PATTERNS]

    def run(x, start):
        a0 = np.zeros((n_a, 1))
        if start == "once":
            a, y_pred, _ = rnn_forward(x, a0, parameters)
            return np.asarray(a), np.asarray(y_pred)
        parts = [rnn_forward(x[:, :, [t]], a0, parameters)[:2] for t in range(x.shape[2])]
        return tuple(np.concatenate(part, axis=2) for part in zip(*parts, strict=True))

    def update(pattern, word, start):
        sentence = pattern.format(w=word, n="movie").split()
        a, y_pred = run(np.stack([vectors[one] for one in sentence], axis=2), start)
        positive, T = y_pred[1, 0], len(sentence)
        for t, bar in enumerate(bars):
            height = positive[t] - 0.5 if t < T else 0
            bar.set(height=height, color=ORANGE if height >= 0 else BLUE, visible=t < T)
        shown = np.full((n_a, longest), np.nan)
        shown[:, :T] = a[:, 0]
        cells.set_data(shown)
        axes[1].set_xticks(range(T), sentence, fontsize=8.5)
        steps = np.abs(np.diff(positive))
        turn = "" if T < 2 else f" The largest change comes with “{sentence[int(steps.argmax()) + 1]}”."
        verdict = "positive" if positive[-1] >= 0.5 else "negative"
        return f"“{' '.join(sentence)}”: {verdict}, ŷ = {positive[-1]:.2f} after the last word.{turn}"

    controls = {
        "pattern": ipywidgets.Dropdown(
            options=[(pattern.format(n="movie", w="…"), pattern) for pattern in patterns],
            value=PATTERNS[0][1],
            description="sentence",
            layout={"width": "min(40em, 100%)"},
        ),
        "word": ipywidgets.Dropdown(options=list(words), description="word w"),
        "start": ipywidgets.Dropdown(options=["once", "at every step"], description="a⟨0⟩ is used"),
    }
    return LiveFigure(figure, update, **controls)


# --- runs to diagnose -------------------------------------------------------------------------------------------------

FAULTS = (
    sick.Fault(
        "the first state is put in at every step",
        "the answers stay the same when all words but the last are dropped",
        "look at how the state goes from one step to the next",
    ),
    sick.Fault(
        "the answer is taken at the end of the array",
        "only the longest sentences are read well: the shorter ones end in padding",
        "take each sentence's answer where its mask ends",
    ),
    sick.Fault(
        "the two classes are exchanged",
        "far fewer than half are right, for all lengths: turning every answer round would be right nearly always",
        "look at some sentences together with their labels",
    ),
    sick.Fault(
        "the word vectors are those of other words",
        "about half are right, for all lengths, and all words before the last still matter",
        "compare the vector of one word with its column in the table",
    ),
)


def sick_run(rng, rnn_forward, last_outputs, reader, x, mask, y, which=None):
    """Read sentences with a trained network and one of `FAULTS` planted, and return the `sick.Run`.

    Parameters
    ----------
    rng : Generator
    rnn_forward, last_outputs : callable
        The learner's functions.
    reader : dict
        Parameters of a network with two outputs, negative and positive, which reads well.
    x, mask, y : ndarray
        Padded sentences (n_x, m, T_x), their mask (m, T_x), their labels (m,).
    which : int, optional
        The fault; by default `rng` chooses.
    """
    which = int(rng.integers(len(FAULTS))) if which is None else which
    chosen = rng.permutation(len(y))[:300]
    x, mask, y = x[:, chosen], mask[chosen], y[chosen]
    lengths = mask.sum(axis=1).astype(int)
    if which == 2:
        y = 1 - y
    if which == 3:
        x = x[rng.permutation(len(x))] * mask  # the same numbers, in other rows: vectors of no word of the text

    def answers(x, mask):
        a0 = np.zeros((len(reader["Waa"]), x.shape[1]))
        if which == 0:
            y_pred = np.concatenate([rnn_forward(x[:, :, [t]], a0, reader)[1] for t in range(x.shape[2])], axis=2)
        else:
            y_pred = rnn_forward(x, a0, reader)[1]
        return np.asarray(last_outputs(y_pred, np.ones_like(mask) if which == 1 else mask)).argmax(axis=0)

    found = answers(x, mask)
    last = x[:, np.arange(len(y)), lengths - 1][:, :, None]
    if which == 1:  # the word alone, with as much padding as the sentence had
        last = np.concatenate([last, np.zeros((len(x), len(y), x.shape[2] - 1))], axis=2)
    same = np.mean(answers(last, np.ones(last.shape[1:])) == found)
    longest = lengths == lengths.max()
    shares = [float(np.mean(part)) for part in (found == y, (found == y)[longest], (found == y)[~longest], same)]
    names = ("all", "the longest", "the others", "same from the last word alone")
    words = (
        f"A trained network reads 300 sentences. Right: {shares[0]:.0%} of all, {shares[1]:.0%} of the longest, "
        f"{shares[2]:.0%} of the others. If it gets only the last word of each sentence, {shares[3]:.0%} of its "
        "answers stay the same."
    )
    figure, ax = plt.subplots(figsize=(6, 2.2))
    ax.barh(names[::-1], shares[::-1], color=[ORANGE, BLUE, BLUE, BLUE])
    ax.axvline(0.5, color=_GRAY, linewidth=0.8, linestyle="--")
    ax.set(xlim=(0, 1), xlabel="share of sentences; dashed: one half", title="A network that reads badly")
    plt.close(figure)
    return sick.Run(figure, words, FAULTS, which)
