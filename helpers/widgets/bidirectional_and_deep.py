"""The pictures of lesson 5.5: one layer, sentences with real names, taggers, and which words an answer sees."""

from typing import NamedTuple

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np

from helpers.checks import sick
from helpers.plots import BLUE, GREEN, ORANGE, RED
from helpers.widgets import LiveFigure
from helpers.widgets.fast_rnn import RNN, Bidirectional, ClippedAdam, Network, scores_of, train

_GRAY = "#999999"

# --- one layer of one direction ---------------------------------------------------------------------------------------


def layer_forward(x, parameters):
    """Return the states (n_a, m, T_x) of one recurrent layer that starts from state 0, and the cache for the way back.

    Parameters
    ----------
    x : ndarray, shape (n_x, m, T_x)
    parameters : dict
        ``"Wax"`` (n_a, n_x), ``"Waa"`` (n_a, n_a), ``"ba"`` (n_a, 1).

    Returns
    -------
    a : ndarray, shape (n_a, m, T_x)
    cache : tuple
        ``(a, x, parameters)``.
    """
    pushes = np.einsum("ax,xmt->tam", parameters["Wax"], x) + parameters["ba"]
    made = [np.tanh(pushes[0])]
    for push in pushes[1:]:
        made.append(np.tanh(parameters["Waa"] @ made[-1] + push))
    a = np.stack(made, axis=2)
    return a, (a, x, parameters)


def layer_backward(da, cache):
    """Return the gradients of one recurrent layer: a dict of ``"dx"``, ``"dWax"``, ``"dWaa"``, ``"dba"``.

    ``da`` (n_a, m, T_x) is what arrives at each state from outside the layer. Each ``dV`` is the derivative of the
    cost J by V.
    """
    a, x, parameters = cache
    scores, later = np.zeros_like(a), np.zeros_like(a[:, :, 0])
    for t in range(a.shape[2])[::-1]:
        scores[:, :, t] = (da[:, :, t] + later) * (1 - a[:, :, t] ** 2)
        later = parameters["Waa"].T @ scores[:, :, t]
    return {
        "dx": np.einsum("ax,amt->xmt", parameters["Wax"], scores),
        "dWax": np.einsum("amt,xmt->ax", scores, x),
        "dWaa": np.einsum("amt,bmt->ab", scores[:, :, 1:], a[:, :, :-1]),
        "dba": scores.sum(axis=(1, 2))[:, None],
    }


# --- sentences with real names ----------------------------------------------------------------------------------------

INTROS = ["he said", "she said", "we heard that", "i think", "they wrote that", "it is true that", "maybe", "now", ""]
THINGS = [
    "shirts",
    "guitars",
    "cookies",
    "shoes",
    "lamps",
    "knives",
    "boots",
    "dolls",
    "cars",
    "books",
    "coats",
    "toys",
]
ABOUT_THINGS = ["are on sale", "were sold out", "cost too much", "are made here", "look old", "are very popular"]
ABOUT_PEOPLE = [
    "was a great {job}",
    "has left the town",
    "is on the phone",
    "wrote a letter",
    "sings well",
    "is my friend",
]
JOBS = ["teacher", "doctor", "lawyer", "president", "singer", "farmer", "writer", "painter"]
TRADES = {
    "train": ["baker", "cook", "hunter", "mason", "cooper", "butler", "bishop", "walker", "page", "marshall", "weaver"],
    "test": ["potter", "miller", "fisher", "carpenter", "porter", "turner", "knight", "gardner", "parker", "king"],
}
#: Sentences with gaps: {p} is a person, {t} a trade that is a last name, too, {title} one of `TITLES`, {job} a job.
FRAMES = [
    "{p} invented a {made}",
    "{p} met {p} at the station",
    "the {job} asked {p} about the car",
    "the letter was sent to {p} in march",
    "my friend {p} plays the piano",
    "the winner is {p}",
    "the {job} invented a {made}",
    "the letter was sent to the {job} in march",
    "we met a {job} at the station",
    "{title} {t} was late again",
    "the old {t} was late again",
    "we saw {title} {t} at the market",
    "we saw the {t} at the market",
    "{title} {t} invented a {made}",
    "the {t} invented a {made}",
]
MADE = ["machine", "game", "dance", "recipe", "story", "language", "tool", "trick", "drink", "test"]
TITLES = ["mr", "mrs", "dr"]
#: Sentences that no frame makes, written for this lesson; the names are marked by *.
OTHER_SENTENCES = [
    "last summer *grace *kelly visited the old museum",
    "the song that *martin wrote is still sung in our school",
    "nobody believed *oscar when he told the story",
    "the red house near the river belongs to *emma *thompson",
    "in the evening the fisher came home with two boats",
    "a young king ruled the country for ten years",
    "do you know whether *helen has bought the tickets",
    "when *paul *carter opened the door the lights went out",
    "after the storm the roads were closed for a week",
    "the miller and his wife sold flour in the village",
    "thanks to *victoria *stone the team won the final",
    "our neighbours painted the fence green",
    "ask *walter if the train has arrived",
    "there is a new film about *alice *murphy and her dog",
    "the price of oil fell again on monday",
    "it was *henry who found the lost keys in the garden",
]
#: Kept out of all training: the words of the lesson's own sentences that should be recognised.
_HELD_OUT = {"harry", "potter", "teddy", "roosevelt"}


class Sentences(NamedTuple):
    """Sentences (lists of words in lower case) and their labels (lists of 0 and 1; 1 is a word of a name)."""

    words: list
    labels: list


def split_names(names, known, rng):
    """Return ``{"train": (first, last), "test": (first, last)}``: names of which a fifth is kept for testing.

    Parameters
    ----------
    names : dict
        Lists ``"first"`` and ``"last"``, from `helpers.data.names`.
    known : container of str
        Words that have a vector; other names are left out.
    rng : Generator
    """
    parts = {"train": [], "test": []}
    trades = {part: set(words) for part, words in TRADES.items()}
    for kind in ("first", "last"):
        found = sorted({name.lower() for name in names[kind]} & set(known))
        test = set(rng.choice(found, len(found) // 5, replace=False)) | _HELD_OUT | trades["test"]
        test -= trades["train"]
        parts["test"].append([name for name in found if name in test])
        parts["train"].append([name for name in found if name not in test])
    # A word that is a first name on one side and a last name on the other is nowhere in the training.
    tested = set(parts["test"][0]) | set(parts["test"][1])
    parts["train"] = [[name for name in part if name not in tested] for part in parts["train"]]
    return {part: tuple(lists) for part, lists in parts.items()}


def make_sentences(first, last, rng, m, part="train"):
    """Return m made-up sentences with these names; `part` says which trades are used, also as last names.

    A third is of the kind of "teddy bears" and "teddy roosevelt": a first name, then a thing (no name) or a person.
    """

    def pick(words):
        return words[rng.integers(len(words))]

    def person():
        family = pick(TRADES[part]) if rng.random() < 0.5 else pick(last)
        return [pick(first)] if rng.random() < 0.3 else [pick(first), family]

    sentences, labels = [], []
    for number in range(m):
        marked = []
        if number % 3 == 0:
            marked += [(word, 0) for word in pick(INTROS).split()]
            if rng.random() < 0.5:
                marked += [(pick(first), 0), (pick(THINGS), 0)]
                rest = pick(ABOUT_THINGS)
            else:
                marked += [(word, 1) for word in person()]
                rest = pick(ABOUT_PEOPLE).format(job=pick(JOBS))
            marked += [(word, 0) for word in rest.split()]
        else:
            for word in pick(FRAMES).split():
                if word == "{p}":
                    marked += [(name, 1) for name in person()]
                elif word == "{t}":
                    marked.append((pick(TRADES[part]), int(marked[-1][0] in TITLES)))
                else:
                    marked.append((pick({"{job}": JOBS, "{title}": TITLES, "{made}": MADE}.get(word, [word])), 0))
        sentences.append([word for word, _ in marked])
        labels.append([label for _, label in marked])
    return Sentences(sentences, labels)


def other_sentences():
    """Return the sentences that no frame makes."""
    rows = [sentence.split() for sentence in OTHER_SENTENCES]
    return Sentences(
        [[word.strip("*") for word in row] for row in rows], [[int(word[0] == "*") for word in row] for row in rows]
    )


def as_arrays(sentences, vectors):
    """Return x (n_x, m, T_x), labels y (m, T_x) and the mask (m, T_x), padded with zeros at the end.

    Parameters
    ----------
    sentences : Sentences
    vectors : dict
        From word to its vector, shape (n_x,); a word without one gets zeros.
    """
    n_x, m, T_x = len(next(iter(vectors.values()))), len(sentences.words), max(map(len, sentences.words))
    x, y, mask = np.zeros((n_x, m, T_x)), np.zeros((m, T_x), dtype=int), np.zeros((m, T_x))
    for i, (words, labels) in enumerate(zip(*sentences, strict=True)):
        for t, (word, label) in enumerate(zip(words, labels, strict=True)):
            x[:, i, t], y[i, t], mask[i, t] = vectors.get(word, 0), label, 1
    return x, y, mask


def marked(words, labels):
    """Return a sentence as text, with the words of label 1 in capital letters; labels at padding are left out."""
    return " ".join(word.upper() if label else word for word, label in zip(words, labels, strict=False))


def with_numbers(sentence, numbers):
    """Return a sentence as text, each word followed by its number."""
    return "  ".join(f"{word} {number:.2f}" for word, number in zip(sentence.split(), numbers, strict=True))


# --- taggers ----------------------------------------------------------------------------------------------------------

#: The networks of the comparison, from n_x inputs.
KINDS = {
    "right": lambda n_x, rng: [RNN(n_x, 32, rng, first=True)],
    "deep": lambda n_x, rng: [RNN(n_x, 32, rng, first=True), RNN(32, 32, rng)],
    "both": lambda n_x, rng: [Bidirectional(RNN, n_x, 16, rng, first=True)],
    "deep, both": lambda n_x, rng: [Bidirectional(RNN, n_x, 16, rng, first=True), Bidirectional(RNN, 32, 16, rng)],
}


def train_tagger(kind, x, y, mask, rng, num_epochs=4):
    """Train a network of one of the `KINDS` to tag names, with two outputs for each word: no name, name."""
    network = Network(KINDS[kind](len(x), rng), 2, rng)
    optimizer = ClippedAdam(0.01, max_norm=1.0)
    train(network, x.astype(np.float32), y, optimizer, rng, num_epochs=num_epochs, batch_size=32, mask=mask)
    return network


def new_both(n_x, n_a, rng):
    """Return the start of a bidirectional network with two outputs: Wax of size 1/√n_x, orthogonal Waa, biases 0."""

    def layer():
        orthogonal = np.linalg.qr(rng.standard_normal((n_a, n_a)))[0]
        return {"Wax": rng.standard_normal((n_a, n_x)) / np.sqrt(n_x), "Waa": orthogonal, "ba": np.zeros((n_a, 1))}

    output = {"Wya": rng.standard_normal((2, 2 * n_a)) / np.sqrt(2 * n_a), "by": np.zeros((2, 1))}
    return {"right": layer(), "left": layer(), **output}


def pairs_of(parameters, gradients):
    """Return a list of (V, dV) of all arrays in a dict of parameters, and in the dicts in it; both are the arrays."""
    found = []
    for name, V in parameters.items():
        found += pairs_of(V, gradients[name]) if isinstance(V, dict) else [(V, gradients[f"d{name}"])]
    return found


def with_neighbours(x):
    """Return the word before, the word, and the word after, stacked, (3 n_x, m, T_x); zeros where there is none."""
    nothing = np.zeros_like(x[:, :, :1])
    before = np.concatenate([nothing, x[:, :, :-1]], axis=2)
    return np.concatenate([before, x, np.concatenate([x[:, :, 1:], nothing], axis=2)])


def tag(network, x, mask):
    """Return the answers of a trained network, 0 or 1, shape (m, T_x)."""
    return scores_of(network, x, mask).argmax(axis=0)


def where_wrong(sentences, answers):
    """Return how many words of test sentences were answered wrong, in three groups, as text.

    Parameters
    ----------
    sentences : Sentences
        From `make_sentences`, of which every third is like Teddy's.
    answers : ndarray, shape (m, T_x)
    """
    counts = {"first names like teddy": 0, "trades after mr, the, ...": 0, "other words": 0}
    for i, (words, labels) in enumerate(zip(*sentences, strict=True)):
        for t in np.flatnonzero(np.asarray(labels) != answers[i, : len(words)]):
            starts = t == 0 or not labels[t - 1]  # a later word of a name follows a 1
            if i % 3 == 0 and starts and (labels[t] or words[t + 1] in THINGS):
                counts["first names like teddy"] += 1
            elif i % 3 and starts and t and words[t - 1] in (*TITLES, "the", "old"):
                counts["trades after mr, the, ..."] += 1
            else:
                counts["other words"] += 1
    return ", ".join(f"{kind}: {number}" for kind, number in counts.items())


def as_parameters(network):
    """Return the parameters of a trained network in the form of the lesson, in float64.

    A network of one bidirectional layer gives ``"right"`` and ``"left"``, any other ``"layers"``; both have ``"Wya"``
    and ``"by"``.
    """

    def of(layer):
        p = layer.parameters
        return {name: p[key].astype(float) for name, key in (("Wax", "Wx"), ("Waa", "Wa"), ("ba", "b"))}

    output = {"Wya": network.parameters["W"].astype(float), "by": network.parameters["b"].astype(float)}
    layers = [
        {"right": of(layer.ways[0]), "left": of(layer.ways[1])} if isinstance(layer, Bidirectional) else of(layer)
        for layer in network.layers
    ]
    return {**layers[0], **output} if "right" in layers[0] and len(layers) == 1 else {"layers": layers, **output}


def count(network):
    """Return the number of parameters of a network."""
    return sum(V.size for part in network.parts() for V in part.parameters.values())


# --- drawings ---------------------------------------------------------------------------------------------------------


def _box(ax, x, y, text, color):
    ax.text(
        x, y, text, ha="center", va="center", fontsize=9.5,
        bbox={"boxstyle": "round,pad=0.4", "facecolor": color, "edgecolor": "#444444"}, zorder=3,
    )  # fmt: skip


def _arrow(ax, start, end, color="#444444", bend=0.0):
    style = {"arrowstyle": "-|>", "color": color, "linewidth": 1.3, "connectionstyle": f"arc3,rad={bend}"}
    ax.annotate("", end, start, arrowprops=style | {"shrinkA": 13, "shrinkB": 13})


def _canvas(ax, width, height):
    ax.set(xlim=(-0.9, width - 0.1), ylim=(-0.45, height))
    ax.set_axis_off()


def draw_brnn(ax, words):
    """Draw a bidirectional network over a sentence: two rows of states, arrows in both directions, outputs on top."""
    T = len(words)
    _canvas(ax, T, 3.5)
    for t, word in enumerate(words):
        ax.text(t, -0.3, word, ha="center", fontsize=9)
        step = rf"\langle {t + 1} \rangle"
        _box(ax, t - 0.16, 1, rf"$\vec a^{{{step}}}$", "#cfe3f2")
        _box(ax, t + 0.16, 2, rf"$\overleftarrow{{a}}^{{{step}}}$", "#fbe7bf")
        ax.text(t, 3.15, rf"$\hat y^{{{step}}}$", ha="center", fontsize=11)
        _arrow(ax, (t - 0.16, -0.25), (t - 0.16, 1))
        _arrow(ax, (t + 0.16, -0.25), (t + 0.16, 2))
        _arrow(ax, (t - 0.16, 1), (t - 0.1, 3.3))
        _arrow(ax, (t + 0.16, 2), (t + 0.1, 3.3))
        if t:
            _arrow(ax, (t - 1.16, 1), (t - 0.16, 1), BLUE)
            _arrow(ax, (t + 0.16, 2), (t - 0.84, 2), ORANGE)
    ax.text(-0.88, 1, "reads to\nthe right", fontsize=8, color=BLUE, va="center")
    ax.text(-0.88, 2, "reads to\nthe left", fontsize=8, color="#9a6a00", va="center")


def draw_deep(ax, L=3, T=4):
    """Draw a deep recurrent network: layers above one another, time to the right, outputs on top."""
    _canvas(ax, T, L + 1.3)
    for t in range(T):
        ax.text(t, -0.3, rf"$x^{{\langle {t + 1} \rangle}}$", ha="center", fontsize=11)
        ax.text(t, L + 0.85, rf"$\hat y^{{\langle {t + 1} \rangle}}$", ha="center", fontsize=11)
        for level in range(L):
            chosen = (level, t) == (1, 2)
            text = rf"$a^{{[{level + 1}]\langle {t + 1} \rangle}}$"
            _box(ax, t, level + 0.8, text, "#fbe7bf" if chosen else "#cfe3f2")
            _arrow(ax, (t, level - 0.2), (t, level + 0.8), RED if chosen else "#444444")
            if t:
                _arrow(ax, (t - 1, level + 0.8), (t, level + 0.8), RED if chosen else "#444444")
        _arrow(ax, (t, L - 0.2), (t, L + 0.95))
    for level in range(L):
        ax.text(-0.88, level + 0.8, f"layer {level + 1}", fontsize=8, va="center")


def draw_scores(ax, results):
    """Draw F1 and the share of right words of several taggers, a dot for each start.

    ``results`` is ``{name: [(F1, accuracy), ...]}``.
    """
    for place, values in enumerate(list(results.values())[::-1]):
        f1, accuracy = np.transpose(values)
        ax.plot(accuracy, [place + 0.17] * len(f1), "s", color=BLUE, alpha=0.6, label=None if place else "right words")
        ax.plot(f1, [place - 0.17] * len(f1), "o", color=ORANGE, alpha=0.6, label=None if place else "F1 of names")
        ax.axhline(place + 0.5, color="#dddddd", linewidth=0.8)
    ax.set(xlim=(0.5, 1.01), ylim=(-0.5, len(results) - 0.5))
    ax.set_yticks(range(len(results)), list(results)[::-1])
    ax.set_xlabel("F1 of names and share of right words, on held-out names")
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8)


# --- the interactive picture: which words does an answer see? ---------------------------------------------------------

#: A usual example of two sentences with the same beginning, then one with a first and a last name and two like it.
SENTENCES = [
    "he said teddy bears are on sale",
    "he said teddy roosevelt was a great president",
    "harry potter invented a spell",
    "the potter invented a spell",
    "mr potter invented a spell",
]


def seen(functions, parameters, vectors, words, t):
    """Return the probability of "name" at each word, and how the answer at word t depends on each word.

    Parameters
    ----------
    functions : tuple of callables
        ``brnn_forward, brnn_backward, deep_rnn_forward, deep_rnn_backward``.
    parameters : dict
        Of a bidirectional or of a deep network.
    vectors : dict
    words : list of str
    t : int

    Returns
    -------
    names : ndarray, shape (T,)
    sizes : ndarray, shape (T,)
        Norm of the derivative of the probability at word t by each input.
    """
    both, both_back, deep, deep_back = functions
    x = np.stack([vectors[word] for word in words], axis=1)[:, None, :]
    bidirectional = "right" in parameters
    a, y_pred, caches = both(x, np.ones((1, len(words))), parameters) if bidirectional else deep(x, parameters)
    y = np.asarray(y_pred)[:, 0, t]
    da = np.zeros(np.shape(a))
    da[:, 0, t] = parameters["Wya"].T @ (y[1] * (np.array([0.0, 1.0]) - y))
    dx = (both_back if bidirectional else deep_back)(da, caches)["dx"]
    return np.asarray(y_pred)[1, 0], np.linalg.norm(dx[:, 0], axis=0)


def _prepare(axes, longest, animated):
    """Prepare two axes and return ``show(words, names, sizes, t)``."""
    top, bottom = axes
    place = np.arange(longest)
    bars = top.bar(place, np.zeros(longest), width=0.6, color=ORANGE, animated=animated)
    top.axhline(0.5, color=_GRAY, linewidth=0.8)
    top.set(ylim=(0, 1.05), yticks=(0, 0.5, 1), ylabel="ŷ, name", xlim=(-0.5, longest - 0.5), xticks=[])
    reach = bottom.bar(place, np.zeros(longest), width=0.6, color=BLUE, animated=animated)
    bottom.set(ylim=(0, 1.3), yticks=(0, 1), ylabel="depends on", xlim=(-0.5, longest - 0.5), xticks=[])
    labels = [bottom.text(t, -0.12, "", ha="center", va="top", fontsize=8.5, animated=animated) for t in place]
    zeros = [
        bottom.text(t, 0.05, "", ha="center", va="bottom", fontsize=8.5, color=RED, animated=animated) for t in place
    ]
    mark = top.axvspan(-0.4, 0.4, color=GREEN, alpha=0.18, animated=animated)

    def show(words, names, sizes, t):
        largest = max(float(sizes.max()), 1e-300)
        for k in range(longest):
            inside = k < len(words)
            bars[k].set_height(names[k] if inside else 0)
            reach[k].set_height(sizes[k] / largest if inside else 0)
            labels[k].set_text(words[k] if inside else "")
            labels[k].set_fontweight("bold" if k == t else "normal")
            zeros[k].set_text("0" if inside and sizes[k] == 0 else "")
        mark.set_x(t - 0.4)

    return show


def draw_seen(axes, functions, parameters, vectors, words, t):
    """Draw on two axes: the answers for all words, and how much the answer at word t depends on each word."""
    _prepare(axes, len(words), animated=False)(words, *seen(functions, parameters, vectors, words, t), t)


def who_sees_what(functions, networks, vectors):
    """Return the interactive picture: choose a sentence, a network and a word, and see what its answer depends on.

    Parameters
    ----------
    functions : tuple of callables
        ``brnn_forward, brnn_backward, deep_rnn_forward, deep_rnn_backward`` of the learner; all numbers come from them.
    networks : dict
        From a name to the parameters of a trained network.
    vectors : dict
        From word to its vector, shape (n_x,).
    """
    longest = max(len(sentence.split()) for sentence in SENTENCES)
    figure, axes = plt.subplots(2, 1, figsize=(7.2, 3.4), layout="constrained")
    axes[1].text(0, -0.35, " ", fontsize=8.5)  # room for the words
    show = _prepare(axes, longest, animated=True)

    def update(sentence, network, word):
        words = sentence.split()
        t = min(word, len(words)) - 1
        names, sizes = seen(functions, networks[network], vectors, words, t)
        show(words, names, sizes, t)
        blind = [words[k] for k in range(len(words)) if sizes[k] == 0]
        reach = f"It cannot see “{' '.join(blind)}”." if blind else "It depends on every word of the sentence."
        first = int(sizes.argmax())
        return (
            f"Network “{network}”: “{words[t]}” is a name with probability {names[t]:.2f}. {reach} "
            f"The largest derivative is that by “{words[first]}”."
        )

    sentences = ipywidgets.Dropdown(options=SENTENCES, description="sentence", layout={"width": "min(40em, 100%)"})
    words = ipywidgets.IntSlider(value=3, min=1, max=len(SENTENCES[0].split()), description="word")

    def end_with_the_sentence(_):
        words.max = len(sentences.value.split())

    sentences.observe(end_with_the_sentence, names="value")
    networks_there = ipywidgets.Dropdown(options=list(networks), description="network")
    return LiveFigure(figure, update, sentence=sentences, network=networks_there, word=words)


# --- a run to diagnose ------------------------------------------------------------------------------------------------

FAULTS = (
    sick.Fault(
        "the learning rate is too large",
        "the cost jumps about, above that of a constant answer, and the weights have become large",
        "divide the learning rate by 10 or more",
    ),
    sick.Fault(
        "the learning rate is too small",
        "the cost hardly falls and stays above that of a constant answer, and the weights have hardly moved",
        "multiply the learning rate by 10 or more",
    ),
    sick.Fault(
        "the labels stand one word too late",
        "the cost falls as it should, most words of new sentences are right, and hardly any name is: both ends of each "
        "answer are wrong",
        "print a sentence with its labels below it, as they go into the training",
    ),
    sick.Fault(
        "the layer that reads to the left is never updated",
        "the cost falls, F1 stays below that of a good run, and the weights of the left layer are those of the start",
        "print how far each array of the parameters has moved since the start",
    ),
)


def sick_run(rng, functions, data, which=None):
    """Train a bidirectional tagger with one of `FAULTS` planted, and return the `sick.Run`.

    Parameters
    ----------
    rng : Generator
    functions : tuple of callables
        ``brnn_forward, brnn_backward, f1_entities`` of the learner.
    data : tuple
        ``x, y, mask`` to learn from, and the same of new sentences.
    which : int, optional
        The fault; by default `rng` chooses.
    """
    which = int(rng.integers(len(FAULTS))) if which is None else which
    forward, backward, f1 = functions
    x, y, mask, *new = data
    if which == 2:
        y = np.concatenate([np.zeros_like(y[:, :1]), y[:, :-1]], axis=1)
    q = np.mean(y[mask > 0])
    constant = -q * np.log(q) - (1 - q) * np.log(1 - q)
    p = new_both(len(x), 8, rng)
    start = {way: {name: V.copy() for name, V in p[way].items()} for way in ("right", "left")}
    rate, costs = (rng.uniform(30, 60), rng.uniform(1e-5, 1e-4), 0.5, 0.5)[which], []
    for _ in range(200):
        batch = rng.integers(x.shape[1], size=32)
        a, y_pred, caches = forward(x[:, batch], mask[batch], p)
        right = np.stack([1 - y[batch], y[batch]])
        with np.errstate(divide="ignore"):
            losses = -np.log(np.maximum(np.sum(right * y_pred, axis=0), 1e-30))
        costs.append(float(np.sum(losses * mask[batch]) / mask[batch].sum()))
        dz = (y_pred - right) * mask[batch] / 32
        gradients = backward(np.einsum("ya,ymt->amt", p["Wya"], dz), caches)
        gradients = gradients | {"dWya": np.einsum("ymt,amt->ya", dz, a), "dby": dz.sum(axis=(1, 2))[:, None]}
        pairs = pairs_of(p, gradients)
        norm = np.sqrt(sum(np.sum(dV**2) for _, dV in pairs))
        kept = pairs_of(p["left"], gradients["left"]) if which == 3 else []
        for V, dV in pairs:
            if not any(V is other for other, _ in kept):
                V -= rate * dV * min(1, 1 / norm)
    answers = forward(new[0], new[2], p)[1].argmax(axis=0)
    F1, share = f1(new[1], answers, new[2]), np.mean((answers == new[1])[new[2] > 0])
    right, left = (
        np.sqrt(sum(np.sum((p[way][name] - V) ** 2) for name, V in start[way].items())) for way in ("right", "left")
    )
    parts = np.reshape(costs, (5, -1)).mean(axis=1)
    words = (
        f"The mean costs per word of five parts of the training are {', '.join(f'{part:.3g}' for part in parts)}; one "
        f"constant answer costs {constant:.2f}. On new sentences F1 is {F1:.2f} and {share:.3f} of the words are "
        f"right. The right layer has moved by {right:.3g}, the left one by {left:.3g}."
    )
    figure, ax = plt.subplots(figsize=(7.2, 2.4), layout="constrained")
    ax.plot(np.minimum(costs, 2), color=BLUE)
    ax.axhline(constant, color="gray", linestyle="--", linewidth=1)
    ax.set(xlabel="update", ylabel="cost (2: 2 or more)", ylim=(0, 2.05))
    ax.set_title("cost per word; dashed: constant answer")
    plt.close(figure)
    return sick.Run(figure, words, FAULTS, which)
