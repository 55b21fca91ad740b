"""Lesson 5.11: texts as tokens, a GPT's first parameters and trainings, counts, pictures, runs with a fault."""

import re
import time
from itertools import pairwise

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from scipy.special import softmax

from helpers import data
from helpers.checks import sick
from helpers.plots import BLUE, GREEN, ORANGE
from helpers.widgets import LiveFigure, fast_attention, fast_cnn, fast_rnn
from helpers.widgets.character_language_model import SYMBOLS, losses_of, split_names, train_names
from helpers.widgets.fast_attention import layer_norm_forward, multi_head_attention, transformer_block_forward

_GRAY = "#bbbbbb"
#: Places for a name: the longest one and its end.
PLACES = 12
#: Characters of the Bible that are read at once, held out, and in each of the stretches that are taken in turn.
WINDOW, HELD_OUT, STRETCH = 32, 100_000, 10_000


# --- names ------------------------------------------------------------------------------------------------------------


def names():
    """Return names to learn from and 200 held out, split as in lesson 5.6, and the number of each symbol."""
    train, test = split_names(data.names(), np.random.default_rng(0))
    return train, test, {char: index for index, char in enumerate(SYMBOLS)}


def count_names(texts, char_to_ix, longest):
    """Return what followed each context of up to `longest` symbols in texts: a dict from str to counts (V,)."""
    counts = {}
    for text in texts:
        whole = "\n" + text + "\n"
        for t in range(1, len(whole)):
            for begin in range(max(0, t - longest), t + 1):
                counts.setdefault(whole[begin:t], np.zeros(len(char_to_ix), dtype=int))[char_to_ix[whole[t]]] += 1
    return counts


def cost_of_counts_on_names(interpolated_ngram, counts, texts, char_to_ix, longest):
    """Return the mean cost of a symbol of the texts, ends among them, with the learner's function."""
    costs, kept = [], {}
    for text in texts:
        whole = "\n" + text + "\n"
        for t in range(1, len(whole)):
            context = whole[max(0, t - longest) : t]
            if context not in kept:
                kept[context] = np.log(interpolated_ngram(counts, context, len(char_to_ix)))
            costs.append(-kept[context][char_to_ix[whole[t]]])
    return float(np.mean(costs))


def cost_of_rnn(train, test, seed):
    """Return the mean cost of a symbol of the names in `test` for the recurrent network of lesson 5.6."""
    return float(losses_of(test, train_names(train, np.random.default_rng(seed))).mean())


# --- parameters and steps ---------------------------------------------------------------------------------------------


def first_parameters(V, T_max, rng, n=32, blocks=1):
    """Return the parameters of an untrained GPT, its feed-forward layers with 4n units; its scores are near 0."""

    def block():
        found = {}
        for name, shape in (dict.fromkeys("QKVO", (n, n)) | {"1": (4 * n, n), "2": (n, 4 * n)}).items():
            found["W" + name] = rng.standard_normal(shape) / np.sqrt(shape[1])
            found["b" + name] = np.zeros((shape[0], 1))
        for number in "12":
            found |= {"gamma" + number: np.ones((n, 1)), "beta" + number: np.zeros((n, 1))}
        return found

    return {
        "E": 0.3 * rng.standard_normal((n, V)),
        "P": 0.3 * rng.standard_normal((n, T_max)),
        "blocks": [block() for _ in range(blocks)],
        "gamma": np.ones((n, 1)),
        "beta": np.zeros((n, 1)),
        "W": 0.01 * rng.standard_normal((V, n)),
        "b": np.zeros((V, 1)),
    }


def pairs(parameters, gradients):
    """Yield a name, an array of parameters and its gradient, for all arrays, those of the blocks among them."""
    for name, array in parameters.items():
        if name != "blocks":
            yield name, array, gradients["d" + name]
    for number, (block, found) in enumerate(zip(parameters["blocks"], gradients["blocks"], strict=True)):
        for name, array in block.items():
            yield f"{name} of block {number}", array, found["d" + name]


def number_of_weights(parameters):
    """Return how many numbers are learned."""
    whole = [array.size for name, array in parameters.items() if name != "blocks"]
    return sum(whole) + sum(array.size for block in parameters["blocks"] for array in block.values())


class Adam:
    """Adam for a dict of parameters with a list of blocks: ``step(parameters, gradients)`` changes them in place."""

    def __init__(self, learning_rate):
        self.rule = fast_cnn.Adam(learning_rate)

    def step(self, parameters, gradients):
        for name, array, gradient in pairs(parameters, gradients):
            array -= self.rule.change(name, np.asarray(gradient))


def copied(parameters, dtype=float):
    """Return a copy of the parameters with entries of this type."""
    whole = {name: V.astype(dtype) for name, V in parameters.items() if name != "blocks"}
    return whole | {"blocks": [{name: V.astype(dtype) for name, V in block.items()} for block in parameters["blocks"]]}


# --- the Bible --------------------------------------------------------------------------------------------------------


def bible():
    """Return the King James Bible, small letters, as tokens: to learn from and 100 000 held out; and its symbols.

    The first 90 % are to learn from; those held out follow them. Hyphens and brackets are left out: 34 symbols.
    """
    text = re.sub("[^a-z !',.:;?]", "", " ".join(data.kjv()).lower())
    codes = np.frombuffer(text.encode("ascii"), dtype=np.uint8)
    used = np.flatnonzero(np.bincount(codes, minlength=128))
    place = np.zeros(128, dtype=int)
    place[used] = np.arange(len(used))
    tokens, border = place[codes], len(codes) * 9 // 10
    return tokens[:border], tokens[border : border + HELD_OUT], "".join(map(chr, used))


def half(tokens):
    """Return every second stretch of 10 000 tokens, one after the other."""
    return np.concatenate([tokens[begin : begin + STRETCH] for begin in range(0, len(tokens), 2 * STRETCH)])


def count_text(tokens, test, symbols, longest):
    """Return what followed each context, as `count_names` does, and for each length how many counts are stored.

    Contexts that do not occur in `test` are counted, but have no entry: nobody asks for them.
    """
    V, counts, stored = len(symbols), {}, []
    for k in range(longest + 1):
        numbers, asked = (_contexts(text, V, k) for text in (tokens, test))
        runs, times = np.unique(numbers * V + tokens[k:], return_counts=True)
        stored.append(len(runs))
        wanted = np.isin(runs // V, asked)
        for run, count in zip(runs[wanted], times[wanted], strict=True):
            text = _as_text(run // V, V, k, symbols)
            counts.setdefault(text, np.zeros(V, dtype=int))[run % V] = count
    return counts, stored


def _contexts(tokens, V, k):
    """Return the number of the k tokens before each token, from the k-th on."""
    numbers = np.zeros(len(tokens) - k, dtype=int)
    for j in range(k):
        numbers = numbers * V + tokens[j : len(tokens) - k + j]
    return numbers


def _as_text(number, V, k, symbols):
    return "".join(symbols[number // V**j % V] for j in reversed(range(k)))


def cost_of_counts(interpolated_ngram, counts, test, symbols, k):
    """Return the mean cost of a character of `test` from the k-th on, with k characters as the context."""
    V = len(symbols)
    numbers, rows = np.unique(_contexts(test, V, k), return_inverse=True)
    logs = np.log([interpolated_ngram(counts, _as_text(number, V, k, symbols), V) for number in numbers])
    return float(-logs[rows, test[k:]].mean())


def fast(parameters, num_heads=4, dtype=np.float32):
    """Return a network of the helpers with a copy of these parameters, to train for longer."""
    p = copied(parameters, dtype)
    functions = fast_attention.Functions(
        transformer_block_forward,
        fast_attention.transformer_block_backward,
        layer_norm_forward,
        fast_attention.layer_norm_backward,
        None,
    )
    n, V = p["E"].shape
    net = fast_attention.Transformer(
        functions, V, V, np.random.default_rng(0), n=n, n_h=1, num_heads=num_heads, blocks=len(p["blocks"]),
        causal=fast_attention.causal_mask,
    )  # fmt: skip
    for block, given in zip(net.blocks, p.pop("blocks"), strict=True):
        block.parameters = given
    net.parameters = p
    return net


def parameters_of(net):
    """Return the parameters of a network of `fast`, in the form of the lesson, float64."""
    return copied(net.parameters | {"blocks": [block.parameters for block in net.blocks]})


def per_symbol(scores, y):
    """Return the mean cost of a place, and its derivative by the scores."""
    J, dscores = fast_rnn.softmax_loss(scores, y)
    return J / y.shape[1], dscores / np.array(y.shape[1], dtype=scores.dtype)


def windows(tokens, rng, m=16):
    """Return m windows of the text: what is read and what comes next, (m, 32) each."""
    begins = rng.integers(len(tokens) - WINDOW, size=m)[:, None] + np.arange(WINDOW + 1)
    return (tokens[begins[:, :-1]],), tokens[begins[:, 1:]]


def read_bible(net, tokens, steps, seed=0, learning_rate=0.004):
    """Train a network of `fast` on windows of the text, at a rate that falls to 0; return the costs."""
    rng, optimizer = np.random.default_rng([seed, 3]), fast_rnn.ClippedAdam(learning_rate, max_norm=1.0)
    costs, parts = [], np.linspace(0, steps, 21).astype(int)
    for first, last in pairwise(parts):
        optimizer.learning_rate = learning_rate * (1 - first / steps)
        costs.extend(fast_rnn.train_on_fresh(net, lambda: windows(tokens, rng), optimizer, last - first, per_symbol))
    return np.array(costs)


def cost_on_text(net, test):
    """Return the mean cost of a character of `test`, for which 16 to 31 characters before it are read."""
    begins = np.arange(0, len(test) - WINDOW, WINDOW // 2)[:, None] + np.arange(WINDOW + 1)
    total = count = 0
    for rows in np.array_split(begins, 20):
        scores = net.forward(test[rows[:, :-1]]).astype(float)
        logs = scores - scores.max(axis=0)
        logs -= np.log(np.exp(logs).sum(axis=0))
        found = np.take_along_axis(logs, test[rows[:, 1:]][None], axis=0)[0][:, WINDOW // 2 :]
        total, count = total - found.sum(), count + found.size
    return float(total / count)


# --- writing ----------------------------------------------------------------------------------------------------------


def step_with_caches(cached_attention_step, token, place, caches, parameters, num_heads=4):
    """Return the scores (V, 1) after one more token, and the caches of all blocks with it; the learner's attention."""
    p, new = parameters, []
    a = (p["E"][:, token] + p["P"][:, place])[:, None, None]
    for block, cache in zip(p["blocks"], caches, strict=True):
        u = layer_norm_forward(a, block["gamma1"], block["beta1"], 1e-5)[0]
        h, cache = cached_attention_step(u, cache, block, num_heads)
        new.append(cache)
        silent = block | {"WO": 0 * block["WO"], "bO": 0 * block["bO"]}  # what is left of a block without attention
        a = transformer_block_forward(a + h, silent, num_heads, np.ones((1, 1), dtype=bool))[0]
    a = layer_norm_forward(a, p["gamma"], p["beta"], 1e-5)[0]
    return p["W"] @ a[:, :, 0] + p["b"], new


def no_caches(parameters):
    """Return the caches before the first token: arrays without steps."""
    n = len(parameters["E"])
    return [(np.zeros((n, 1, 0)), np.zeros((n, 1, 0))) for _ in parameters["blocks"]]


def words_of(tokens, symbols):
    """Return the set of words of a text: letters between what is none."""
    text = np.array([symbols.encode()], dtype="S").view("S1")[tokens].tobytes().decode()
    return set(re.findall("[a-z']+", text))


def share_known(lines, words, begin):
    """Return the share of the words of some lines, from place `begin` on, that are in `words`; a cut one is none."""
    found = [word for line in lines for word in re.findall("[a-z']+(?=[^a-z'])", line[begin:])]
    return float(np.mean([word in words for word in found]))


def time_attention(cached_attention_step, T, n=32, num_heads=4, repeats=3):
    """Return the seconds of T steps of attention without and with a cache, best of some, and the largest difference."""
    rng = np.random.default_rng(0)
    p = {"W" + name: rng.standard_normal((n, n)) / np.sqrt(n) for name in "QKVO"}
    p |= {"b" + name: np.zeros((n, 1)) for name in "QKVO"}
    x, best = rng.standard_normal((n, 1, T)), [np.inf, np.inf]
    for _ in range(repeats):
        start, without = time.process_time(), []
        for t in range(1, T + 1):
            mask = fast_attention.causal_mask(t)
            without.append(multi_head_attention(x[:, :, :t], x[:, :, :t], p, num_heads, mask)[0][:, :, -1:])
        best[0] = min(best[0], time.process_time() - start)
        start, cached, cache = time.process_time(), [], (np.zeros((n, 1, 0)), np.zeros((n, 1, 0)))
        for t in range(T):
            y, cache = cached_attention_step(x[:, :, t : t + 1], cache, p, num_heads)
            cached.append(y)
        best[1] = min(best[1], time.process_time() - start)
    return *best, float(np.abs(np.concatenate(without, axis=2) - np.concatenate(cached, axis=2)).max())


# --- the picture: what may come next ----------------------------------------------------------------------------------


def shown(symbols):
    """Return labels for symbols, those that cannot be seen as words."""
    return [{"\n": "end", " ": "space"}.get(char, char) for char in symbols]


def scores_after(gpt_forward, text, parameters, symbols, num_heads=4):
    """Return the scores (V, 1) of what comes after a text, of which the last places and known symbols are read."""
    known = [symbols.index(char) for char in "\n" + text.lower() if char in symbols]
    tokens = np.array([known[-parameters["P"].shape[1] :]])
    return np.asarray(gpt_forward(tokens, parameters, num_heads)[0])[:, :, -1]


def _bars(symbols, animated):
    figure, ax = plt.subplots(figsize=(8, 3.2), layout="constrained")
    ax.set_xticks(range(len(symbols)), [{"\n": "⏎", " ": "␣"}.get(char, char) for char in symbols], fontsize=8)
    ax.set(ylim=(0, 1), ylabel="share", xlabel="next symbol (␣ is a space, ⏎ an end)")
    ax.grid(axis="x", visible=False)
    V = range(len(symbols))
    before = ax.bar(V, np.zeros(len(symbols)), color=_GRAY, hatch="//", edgecolor="white", animated=animated)
    after = ax.bar(V, np.zeros(len(symbols)), color=BLUE, width=0.5, animated=animated)
    ax.legend([before, after], ["scores as they are (what is cut stays gray)", "what is drawn from"], loc="upper right")
    return figure, before, after


def _set(bars, heights):
    for bar, height in zip(bars, heights, strict=True):
        bar.set_height(height)


def draw_next(next_token_distribution, z, symbols, temperature, top_k, top_p):
    """Return the figure of one state of `next_letters`, without controls."""
    figure, before, after = _bars(symbols, False)
    _set(before, softmax(z[:, 0]))
    _set(after, np.asarray(next_token_distribution(z, temperature, top_k, top_p))[:, 0])
    return figure


def next_letters(gpt_forward, next_token_distribution, parameters, symbols, text="in the beginning god cr"):
    """Return the picture: type a beginning, move temperature, k and p, and see from what the next symbol is drawn.

    Parameters
    ----------
    gpt_forward, next_token_distribution : callable
        The learner's functions.
    parameters : dict
        Of a trained model.
    symbols : str
    text : str
        The beginning at first.
    """
    figure, before, after = _bars(symbols, True)
    names = shown(symbols)

    def update(text, temperature, top_k, top_p):
        z = scores_after(gpt_forward, text, parameters, symbols)
        p = np.asarray(next_token_distribution(z, temperature, top_k, top_p))[:, 0]
        _set(before, softmax(z[:, 0]))
        _set(after, p)
        best = np.argsort(-p)[:3]
        said = ", ".join(f"{names[i]} {p[i]:.2f}" for i in best if p[i] > 0)
        return (
            f"After “{text}”, temperature {temperature:.2f}, k = {top_k}, p = {top_p:.2f}: "
            f"{np.count_nonzero(p > 1e-12)} of {len(p)} symbols are left, {said}."
        )

    return LiveFigure(
        figure,
        update,
        text=ipywidgets.Text(value=text, description="beginning", continuous_update=True),
        temperature=ipywidgets.FloatSlider(value=1, min=0.1, max=3, step=0.05, description="temperature"),
        top_k=ipywidgets.IntSlider(value=len(symbols), min=1, max=len(symbols), description="k"),
        top_p=ipywidgets.FloatSlider(value=1, min=0.05, max=1, step=0.05, description="p"),
    )


def weights_of(text, parameters, symbols, num_heads=4):
    """Return the attention weights of each block and head over a text, each (T, T)."""
    tokens = np.array([[symbols.index(char) for char in text]])
    p, found = parameters, []
    a = p["E"][:, tokens] + p["P"][:, None, : tokens.shape[1]]
    for block in p["blocks"]:
        a, (_, attention, _, _) = transformer_block_forward(a, block, num_heads, fast_attention.causal_mask(len(text)))
        found.append(attention[-2][0])
    return found


def draw_heads(text, parameters, symbols, num_heads=4):
    """Return a figure with the weights of all heads, one row per block: where each place looks."""
    found = weights_of(text, parameters, symbols, num_heads)
    figure, axes = plt.subplots(
        len(found), num_heads, figsize=(9, 2.4 * len(found)), layout="constrained", squeeze=False
    )
    for l, heads in enumerate(found):
        for r, weights in enumerate(heads):
            ax = axes[l, r]
            ax.imshow(weights, cmap="Blues", vmin=0, vmax=1)
            ax.set_title(f"block {l + 1}, head {r + 1}", fontsize=9)
            ax.set_xticks(range(len(text)), list(text), fontsize=6)
            ax.set_yticks(range(len(text)), list(text), fontsize=6)
            ax.grid(visible=False)
    axes[0, 0].set_ylabel("place that looks")
    axes[-1, 0].set_xlabel("place that is looked at")
    return figure


# --- runs to diagnose -------------------------------------------------------------------------------------------------

FAULTS = (
    sick.Fault(
        "the learning rate is too large",
        "the cost leaps above guessing at once and stays near or above it",
        "divide the learning rate by 10 or more",
    ),
    sick.Fault(
        "the learning rate is too small",
        "the cost hardly moves from guessing, on both kinds of names",
        "multiply the learning rate by 10 or more",
    ),
    sick.Fault(
        "the targets are not shifted",
        "the cost falls to nearly 0 on names that are held out as well, which no model of names can do",
        "write one line of inputs under its targets, and look whether a target is the next symbol",
    ),
    sick.Fault(
        "there are far too few names to learn from",
        "the cost of the names it learns from falls far below that of the others, which rises above guessing",
        "compare with a training on more names, or stop as soon as the cost of held-out names rises",
    ),
    sick.Fault(
        "padding counts in the mean",
        "all places of a batch count, and the cost of training is far below that of the real places of held-out names",
        "add up the mask of one batch and compare it with the letters and ends in it",
    ),
)


def sick_run(rng, shifted_batch, gpt_forward, language_model_loss, gpt_backward, which=None):
    """Train for 150 steps on names with one of `FAULTS` planted, and return the `sick.Run`.

    Parameters
    ----------
    rng : Generator
    shifted_batch, gpt_forward, language_model_loss, gpt_backward : callable
        The learner's functions.
    which : int, optional
        The fault; by default `rng` chooses.
    """
    which = int(rng.integers(len(FAULTS))) if which is None else which
    train, test, char_to_ix = names()
    train = train[:16] if which == 3 else train
    optimizer = Adam((rng.uniform(1, 2), rng.uniform(1e-6, 3e-6), 0.01, 0.01, 0.01)[which])
    parameters = first_parameters(27, PLACES, rng, n=16)

    def batch(texts):
        inputs, targets, mask = map(np.asarray, shifted_batch(texts, char_to_ix, PLACES))
        return inputs, inputs if which == 2 else targets, np.ones_like(mask) if which == 4 else mask

    costs = []
    for _ in range(150):
        inputs, targets, mask = batch([train[i] for i in rng.integers(len(train), size=16)])
        Z, cache = gpt_forward(inputs, parameters, 4)
        J, dZ = language_model_loss(Z, targets, mask)
        optimizer.step(parameters, gpt_backward(dZ, cache))
        costs.append(J)
    inputs, targets, mask = batch(test)
    real = np.asarray(shifted_batch(test, char_to_ix, PLACES)[2])
    held_out = language_model_loss(gpt_forward(inputs, parameters, 4)[0], targets, real)[0]
    means = [float(one) for one in np.reshape(costs, (5, 30)).mean(axis=1)]
    said = ", ".join(f"{one:.3g}" for one in means)
    words = (
        f"The mean costs of five times 30 steps are {said}; guessing costs {np.log(27):.2f}. Names that are held out "
        f"cost {held_out:.3g} at their real places. Of the places of a batch {mask.mean():.0%} count, and "
        f"{real.mean():.0%} hold a letter or an end."
    )
    figure, ax = plt.subplots(figsize=(6, 2.6))
    ax.plot(np.minimum(costs, 8), color=BLUE, label="learned from")
    ax.axhline(min(held_out, 8), color=ORANGE, label="held out, at the end")
    ax.axhline(np.log(27), color="gray", linestyle="--", linewidth=1, label="guessing")
    ax.set(xlabel="step", ylabel="J (8: 8 or more)", ylim=(0, 8.1), title="cost of a place")
    ax.legend()
    plt.close(figure)
    return sick.Run(figure, words, FAULTS, which)


# --- curves -----------------------------------------------------------------------------------------------------------


def draw_names(ax, steps, trained, held_out, counted):
    """Draw the costs of names, learned from and held out, one thin line per seed, with the counts as a line."""
    for rows, color, style, name in ((trained, BLUE, "o-", "learned from"), (held_out, ORANGE, "s--", "held out")):
        for i, row in enumerate(rows):
            ax.plot(steps, row, style, color=color, markersize=3, linewidth=1, label=None if i else name)
    ax.axhline(counted, color=GREEN, linestyle=":", label="best counts, held out")
    ax.set(xlabel="steps", ylabel="nats per symbol")
    ax.legend()
