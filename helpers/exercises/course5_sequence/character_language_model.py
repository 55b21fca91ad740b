"""Lesson 5.6, a language model of characters: the catalogue. Equations are those of the notebook."""

import itertools

import numpy as np
from scipy.special import log_softmax, softmax

from helpers.exercises import Lesson, case, draws
from helpers.widgets.character_language_model import next_scores, random_parameters, read_name, training_pair

lesson = Lesson("character_language_model")

lesson.predict(
    "pairs",
    "A table of pairs predicts each symbol from the one before it alone. On held-out names single letters have 2.91 nats, "
    "guessing 3.30. What do pairs have?",
    ("less than 1.5", "between 1.5 and 2", "between 2 and 2.7", "more than 2.7"),
    "One letter says much about the next one, but many letters can follow most letters, in names as in words.",
)
lesson.predict(
    "cold",
    "You draw 200 names at temperature 0.2 from the trained network. How many of them are different from one another?",
    ("fewer than 20", "20 to 150", "more than 150"),
    "At temperature 0.2 all differences of scores count five times: the likeliest symbols win nearly always, and the same "
    "names come again.",
)
lesson.predict(
    "counts",
    "The network has learned with Adam. Counts with the three letters before each symbol have read the same names. Which "
    "has the lower loss on held-out names, mean of five starts?",
    ("the network, by more than 0.1 nats", "neither by more than 0.1 nats", "the counts, by more than 0.1 nats"),
    "1384 names are few, and most of what can be learned from them is which three or four letters stand together.",
)
lesson.predict(
    "book",
    "A GRU reads a part of a book. Counts of 1, 2, 3 and 4 symbols of history read the same part. How many of these four "
    "does the GRU beat on held-out text, in each of five starts?",
    ("none", "1", "2", "3", "all 4"),
    "So early in the training the GRU knows the short pieces of spelling; the counts of longer pieces come from the same "
    "text at once.",
)
lesson.predict(
    "noise",
    "The trained GRU reads held-out text in which one symbol of ten is replaced by a random one. It is asked for the true "
    "text, and only at places where it has just read a true symbol. By how many nats does its mean loss rise?",
    because="Each wrong symbol spoils the state for some steps, and training on true text has never shown the network a "
    "wrong one.",
)


ALPHABETS = ("\nabcdefghijklmnopqrstuvwxyz", "ahlmno\nprt", "tr\nponmlha")


def numbered(alphabet):
    return {char: index for index, char in enumerate(alphabet)}


def words_of(rng, alphabet, count, longest=5):
    """Return random words of 2 letters or more; no newline is in them."""
    letters = [char for char in alphabet if char != "\n"]
    sizes = rng.integers(2, longest + 1, size=count)
    return ["".join(letters[i] for i in rng.integers(len(letters), size=size)) for size in sizes]


def nothing_shifted(word, char_to_ix):
    letters = [char_to_ix[char] for char in word + "\n"]
    return letters, letters


def without_the_end(word, char_to_ix):
    letters = [char_to_ix[char] for char in word]
    return [None, *letters[:-1]], letters


# --- bigram_counts ----------------------------------------------------------------------------------------------------


def bigram_cases(rng):
    found = [
        case(names=words_of(rng, alphabet, count), char_to_ix=numbered(alphabet))
        for alphabet, count in (("\nabc", 1), ("ca\nb", 6), ("tr\nponmlha", 4), ("ba\n", 5), ("dc\nba", 3))
    ]
    names = words_of(rng, "ab\n", 3)
    return [*found, case(names=[*names, names[0]], char_to_ix=numbered("ab\n"))]  # one name twice


@lesson.exercise(
    points=2, topic=53, equation="(6.2)", cases=bigram_cases,
    ask="A name of T letters has T + 1 pairs. What stands before its first letter, and what after its last one?",
    small={"names": ["ab", "b"], "char_to_ix": {"\n": 0, "a": 1, "b": 2}},
)  # fmt: skip
def bigram_counts(names, char_to_ix):
    """Count how often each symbol follows each other one.

    Parameters
    ----------
    names : list of str
    char_to_ix : dict
        The number of each symbol; a newline stands before and after each name.

    Returns
    -------
    counts : ndarray, shape (n_y, n_y)
        Row: the symbol before; column: the symbol that follows it.
    """
    counts = np.zeros((len(char_to_ix), len(char_to_ix)))
    for name in names:
        text = "\n" + name + "\n"
        for before, after in itertools.pairwise(text):
            counts[char_to_ix[before], char_to_ix[after]] += 1  # (6.2)
    return counts


def pairs_in(texts, char_to_ix, step=1):
    """Return the counts of pairs of symbols that stand `step` apart in these texts."""
    counts = np.zeros((len(char_to_ix), len(char_to_ix)))
    for text in texts:
        for t in range(len(text) - step):
            counts[char_to_ix[text[t]], char_to_ix[text[t + step]]] += 1
    return counts


@bigram_counts.mistake("Rows and columns are exchanged: the row is the symbol before, the column the one that follows.")
def rows_and_columns(names, char_to_ix):
    return bigram_counts(names, char_to_ix).T


@bigram_counts.mistake("The beginnings are missing: the first letter follows a newline.")
def without_beginnings(names, char_to_ix):
    return pairs_in([name + "\n" for name in names], char_to_ix)


@bigram_counts.mistake("The ends are missing: a newline follows the last letter.")
def without_ends(names, char_to_ix):
    return pairs_in(["\n" + name for name in names], char_to_ix)


@bigram_counts.mistake("Beginnings and ends are missing: a newline stands before and after each name.")
def letters_alone(names, char_to_ix):
    return pairs_in(names, char_to_ix)


@bigram_counts.mistake(
    "All names are one text without newlines between them: the last letter of one name seems to precede the next name."
)
def names_run_together(names, char_to_ix):
    return pairs_in(["\n" + "".join(names) + "\n"], char_to_ix)


@bigram_counts.mistake(
    "Between two names stand two newlines, and the pair of these is counted. Each name is a text of its own."
)
def newline_after_newline(names, char_to_ix):
    return pairs_in(["".join("\n" + name + "\n" for name in names)], char_to_ix)


@bigram_counts.mistake("A pair that comes again is counted once. Add 1 each time: `+= 1`.")
def seen_or_not(names, char_to_ix):
    return (bigram_counts(names, char_to_ix) > 0) * 1.0


@bigram_counts.mistake("These are shares. Return how often each pair comes.")
def shares_of_rows(names, char_to_ix):
    counts = bigram_counts(names, char_to_ix)
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)


@bigram_counts.mistake("Only the first name is counted.")
def first_name_alone(names, char_to_ix):
    return bigram_counts(names[:1], char_to_ix)


@bigram_counts.mistake('The newline is taken for number 0. Its number is `char_to_ix["\\n"]`.')
def newline_as_number_zero(names, char_to_ix):
    counts = pairs_in(names, char_to_ix)
    for name in names:
        counts[0, char_to_ix[name[0]]] += 1
        counts[char_to_ix[name[-1]], 0] += 1
    return counts


@bigram_counts.mistake(
    "A name that stands in the list twice is counted once. Walk through the list itself, not a set of it."
)
def each_name_once(names, char_to_ix):
    return bigram_counts(sorted(set(names)), char_to_ix)


@bigram_counts.accept("One text is enough: with one newline between two names, the end of one begins the next.")
def one_text_of_all_names(names, char_to_ix):
    return pairs_in(["\n" + "\n".join(names) + "\n"], char_to_ix)


@bigram_counts.accept("`np.add.at` adds at all pairs of numbers at once, also where a pair comes again.")
def counts_with_add_at(names, char_to_ix):
    numbers = np.array([char_to_ix[char] for char in "\n" + "\n".join(names) + "\n"])
    counts = np.zeros((len(char_to_ix), len(char_to_ix)), dtype=int)
    np.add.at(counts, (numbers[:-1], numbers[1:]), 1)
    return counts


# --- ngram_shares -----------------------------------------------------------------------------------------------------


def tables_of(texts, order, char_to_ix):
    """Return ``{history: counts}`` of histories of 0 to `order` symbols, the form that `ngram_shares` reads."""
    tables = {}
    for text in texts:
        for t in range(1, len(text)):
            for k in range(min(order, t) + 1):
                tables.setdefault(text[t - k : t], np.zeros(len(char_to_ix)))[char_to_ix[text[t]]] += 1
    return tables


def ngram_cases(rng):
    found = []
    for alphabet, count, order, weight in (("\nabc", 5, 2, 5.0), ("dc\nba", 6, 3, 1.5), ("\nab", 4, 1, 0.7)):
        ix = numbered(alphabet)
        names = words_of(rng, alphabet, count)
        tables = tables_of([f"\n{name}\n" for name in names], order, ix)
        found += [
            case(
                history=f"\n{names[0]}"[: 1 + order][-order:],
                tables=tables,
                weight=weight * rng.uniform(0.9, 1.1),
                n_y=len(ix),
            ),
            case(history="", tables=tables, weight=weight * rng.uniform(0.9, 1.1), n_y=len(ix)),
        ]
    never = alphabet[1] * 4 + alphabet[2]
    found.append(case(history=never, tables=tables, weight=2.0 * rng.uniform(0.9, 1.1), n_y=len(ix)))
    return found


@lesson.exercise(
    points=3, topic=53, equation="(6.4)", cases=ngram_cases,
    ask="The recursion begins with equal shares and ends with the whole history. Which history has k symbols, and which "
    "counts belong to it, if it has never come?",
    small={
        "history": "a",
        "tables": {"": np.array([1.0, 2.0]), "a": np.array([0.0, 1.0])},
        "weight": 1.0,
        "n_y": 2,
    },
    why={
        "question": "Why is the weighted share of the shorter history added to each count?",
        "choices": {
            "a symbol that never followed this history must not get the share 0: its loss would be infinite": "Yes: the "
            "shorter history, which has come more often, says how likely it is.",
            "so that the shares add up to 1": "No: n / N adds up to 1 as well.",
            "because long histories are less important": "No: where N is large, the counts decide nearly alone.",
        },
    },
)  # fmt: skip
def ngram_shares(history, tables, weight, n_y):
    """Predict the next symbol from counts, from the empty history to the whole one.

    Parameters
    ----------
    history : str
        The last symbols that were read.
    tables : dict
        From a history to the counts (n_y,) of what followed it; a history that never came is not in it.
    weight : float
        So many symbols' worth the shorter history counts.
    n_y : int

    Returns
    -------
    p : ndarray, shape (n_y,)
    """
    p = np.full(n_y, 1 / n_y)
    for first in reversed(range(len(history) + 1)):
        n = tables.get(history[first:], np.zeros(n_y))
        p = (n + weight * p) / (n.sum() + weight)  # (6.4)
    return p


def smoothed(history, tables, weight, n_y, lengths=None, part=None, start=None, join=None):
    """Return the shares of a recursion that differs in one thing."""
    p = np.full(n_y, 1 / n_y if start is None else start)
    part = part or (lambda k: history[len(history) - k :])
    join = join or (lambda n, p: (n + weight * p) / (n.sum() + weight))
    for k in lengths or range(len(history) + 1):
        p = join(tables.get(part(k), np.zeros(n_y)), p)
    return p


@ngram_shares.mistake("The whole history is missing. k goes from 0 to its length: `range(len(history) + 1)`.")
def longest_missing(history, tables, weight, n_y):
    if not history:
        return ngram_shares(history, tables, weight, n_y)
    return smoothed(history, tables, weight, n_y, lengths=range(len(history)))


@ngram_shares.mistake("The empty history is missing: the single shares, k = 0, come first.")
def empty_missing(history, tables, weight, n_y):
    return smoothed(history, tables, weight, n_y, lengths=range(1, len(history) + 1) if history else [-1])


@ngram_shares.mistake("A shorter history drops the end. Keep the *last* k symbols: they stand nearest to the next one.")
def first_symbols_kept(history, tables, weight, n_y):
    return smoothed(history, tables, weight, n_y, part=lambda k: history[:k])


@ngram_shares.mistake("`history[-k:]` is the whole history where k is 0. Write `history[len(history) - k:]`.")
def minus_zero(history, tables, weight, n_y):
    return smoothed(history, tables, weight, n_y, part=lambda k: history[-k:])


@ngram_shares.mistake(
    "The longest history is first. Begin with the empty one: its shares go into those of the longer ones."
)
def from_the_longest(history, tables, weight, n_y):
    if not history:
        return ngram_shares(history, tables, weight, n_y)
    return smoothed(history, tables, weight, n_y, lengths=range(len(history), -1, -1))


@ngram_shares.mistake("The weight is missing below the line: the shares no longer add up to 1.")
def weight_above_alone(history, tables, weight, n_y):
    return smoothed(history, tables, weight, n_y, join=lambda n, p: (n + weight * p) / max(n.sum(), 1))


@ngram_shares.mistake("Each count gets the same: the weight is not multiplied by the shares of the shorter history.")
def same_for_all(history, tables, weight, n_y):
    return smoothed(history, tables, weight, n_y, join=lambda n, p: (n + weight / n_y) / (n.sum() + weight))


@ngram_shares.mistake("The recursion begins with ones. Without any counts all symbols are equal: 1 / n_y.")
def starts_with_ones(history, tables, weight, n_y):
    return smoothed(history, tables, weight, n_y, start=1.0)


@ngram_shares.mistake("These are the shares of the whole history alone, or those before it. Mix them by (6.4).")
def without_smoothing(history, tables, weight, n_y):
    return smoothed(history, tables, weight, n_y, join=lambda n, p: n / n.sum() if n.any() else p)


@ngram_shares.mistake("The weight is always 5. Use the argument.")
def weight_of_five(history, tables, weight, n_y):
    return ngram_shares(history, tables, 5.0, n_y)


@ngram_shares.mistake("The weight is missing above the line: the shorter history counts once instead of w times.")
def weight_below_alone(history, tables, weight, n_y):
    return smoothed(history, tables, weight, n_y, join=lambda n, p: (n + p) / (n.sum() + weight))


@ngram_shares.mistake(
    "The weight stands n_y times below the line. The shares p of the shorter history add up to 1, so it stands there once."
)
def weight_for_each_symbol(history, tables, weight, n_y):
    return smoothed(history, tables, weight, n_y, join=lambda n, p: (n + weight * p) / (n.sum() + weight * n_y))


@ngram_shares.mistake("The recursion begins with zeros. Before any count all symbols are equal: 1 / n_y.")
def starts_with_zeros(history, tables, weight, n_y):
    return smoothed(history, tables, weight, n_y, start=0.0)


@ngram_shares.mistake("The sum above the line needs brackets: the counts are divided, too.")
def counts_not_divided(history, tables, weight, n_y):
    return smoothed(history, tables, weight, n_y, join=lambda n, p: n + weight * p / (n.sum() + weight))


@ngram_shares.accept("A history that never came changes nothing, and neither does any longer one: the loop may stop.")
def stops_at_the_unknown(history, tables, weight, n_y):
    p = np.ones(n_y) / n_y
    for start in range(len(history), -1, -1):
        if history[start:] not in tables:
            break
        n = tables[history[start:]]
        p = (n + weight * p) / (np.sum(n) + weight)
    return p


@ngram_shares.accept("The recursion can call itself, with a history that has lost its first symbol.")
def calls_itself(history, tables, weight, n_y):
    shorter = calls_itself(history[1:], tables, weight, n_y) if history else np.full(n_y, 1 / n_y)
    n = tables.get(history, np.zeros(n_y))
    return (n + weight * shorter) / (n.sum() + weight)


# --- temperature_softmax ----------------------------------------------------------------------------------------------


def temperature_cases(rng):
    sizes = ((5, 3, 0.6), (4, 2, 1.7), (27, 1, 0.3), (3, 4, 1.0))
    found = [case(z=rng.normal(0, 2, (n, m)), temperature=T * rng.uniform(0.9, 1.1)) for n, m, T in sizes]
    large = np.array([[900.0], [902.0], [899.0], [-950.0]]) + rng.normal(size=(4, 1))
    low = np.array([[-900.0], [-902.0], [-899.0]]) + rng.normal(size=(3, 1))
    far = np.array([[4000.0, -1500.0], [1.0, 0.5], [0.2, -0.3]]) + rng.normal(size=(3, 2))
    return [*found, *(case(z=z, temperature=T) for z, T in ((large, 1.4), (low, 0.7), (far, 2.5)))]


@lesson.exercise(
    points=2, topic=51, equation="(6.14)", cases=temperature_cases,
    ask="z is (n_y, m). What is subtracted in each column before the division by the temperature, and which axis does "
    "the sum run over?",
    small={"z": np.array([[0.0, 2.0], [1.0, 0.0]]), "temperature": 0.5},
)  # fmt: skip
def temperature_softmax(z, temperature):
    """Turn scores into probabilities, sharper or flatter.

    Parameters
    ----------
    z : ndarray, shape (n_y, m)
    temperature : float
        Above 0. Below 1 makes likely symbols likelier, above 1 makes all more alike.

    Returns
    -------
    p : ndarray, shape (n_y, m)
        Each column adds up to 1.
    """
    e = np.exp((z - z.max(axis=0)) / temperature)  # (6.14)
    return e / e.sum(axis=0)


@temperature_softmax.mistake(
    "A large score overflows: its exponential is inf, and inf / inf is nan. Subtract the largest score of each column first."
)
def without_shift(z, temperature):
    with np.errstate(all="ignore"):
        e = np.exp(z / temperature)
        return e / e.sum(axis=0, keepdims=True)


@temperature_softmax.mistake(
    "The scores are multiplied by the temperature. Divide: a high temperature makes them alike."
)
def multiplied(z, temperature):
    return softmax(z * temperature, axis=0)


@temperature_softmax.mistake("The temperature has no effect. Divide the scores by it before the exponential.")
def temperature_ignored(z, temperature):
    return softmax(z, axis=0)


@temperature_softmax.mistake(
    "The probabilities are divided by the temperature, after the softmax: they no longer add up to 1. Divide the scores."
)
def divided_after(z, temperature):
    return softmax(z, axis=0) / temperature


@temperature_softmax.mistake("Your sum runs over everything. Each column adds up to 1: axis 0.")
def over_everything(z, temperature):
    return softmax(z / temperature)


@temperature_softmax.mistake("Your sum runs over the examples, axis 1. It runs over the symbols, axis 0.")
def over_examples(z, temperature):
    return softmax(z / temperature, axis=1)


@temperature_softmax.mistake("These are logarithms of the probabilities. Return the probabilities.")
def logarithms(z, temperature):
    return log_softmax(z / temperature, axis=0)


@temperature_softmax.mistake("The exponentials are not divided by their sum.")
def not_normalised(z, temperature):
    return np.exp((z - z.max(axis=0, keepdims=True)) / temperature)


@temperature_softmax.mistake("This is the largest score alone, the limit of temperature 0. Keep all symbols possible.")
def only_the_largest(z, temperature):
    return (z == z.max(axis=0)) * 1.0


@temperature_softmax.mistake("The root of the temperature is taken. Divide the scores by the temperature itself.")
def root_of_the_temperature(z, temperature):
    return softmax(z / np.sqrt(temperature), axis=0)


@temperature_softmax.mistake(
    "The largest of all scores is subtracted. In a column far below it all exponentials are 0, and 0 / 0 is nan: take the "
    "largest of each column, `axis=0`."
)
def shift_by_the_largest_of_all(z, temperature):
    with np.errstate(all="ignore"):
        e = np.exp((z - z.max()) / temperature)
        return e / e.sum(axis=0)


@temperature_softmax.mistake(
    "The largest score is subtracted after the division, undivided. Subtract it first, then divide both by the temperature."
)
def shift_not_divided(z, temperature):
    with np.errstate(all="ignore"):
        e = np.exp(z / temperature - z.max(axis=0))
        return e / e.sum(axis=0)


@temperature_softmax.mistake("The sum runs over all entries. Each column has its own: `axis=0`.")
def one_sum_for_all(z, temperature):
    e = np.exp((z - z.max(axis=0)) / temperature)
    return e / e.sum()


@temperature_softmax.mistake(
    "The largest score of each row is subtracted. That changes the differences within a column: take the largest of the "
    "column, `axis=0`."
)
def shift_by_the_largest_of_rows(z, temperature):
    e = np.exp((z - z.max(axis=1, keepdims=True)) / temperature)
    return e / e.sum(axis=0)


@temperature_softmax.accept("SciPy's softmax subtracts the largest score of each column itself.")
def with_scipy(z, temperature):
    return softmax(z / temperature, axis=0)


@temperature_softmax.accept("The logarithm of the sum is taken stably, and one exponential is left at the end.")
def through_logarithms(z, temperature):
    scaled = z / temperature
    return np.exp(scaled - np.logaddexp.reduce(scaled, axis=0))


@temperature_softmax.accept
def column_by_column(z, temperature):
    p = np.zeros(z.shape)
    for i in range(z.shape[1]):
        e = np.exp(z[:, i] / temperature - max(z[:, i] / temperature))
        p[:, i] = e / np.sum(e)
    return p


# --- sample -----------------------------------------------------------------------------------------------------------


def writer(rng, roles):
    """Return parameters of a network whose names depend on both letters before: roles are end, first, second, third."""
    end, first, second, third = roles
    n = len(roles)
    p = random_parameters(2 * n, n, rng, scale=0.05)
    p["Wax"][:n] += 2 * np.eye(n)  # units for the letter read now
    p["Waa"][n:, :n] += 2 * np.eye(n)  # units for the letter before
    p["by"][first] += 2.5
    for read, following, by in ((first, second, 4.5), (second, third, 3.0), (third, first, 1.5), (end, second, 5.0)):
        p["Wya"][following, read] += by
    p["Wya"][end, n + first] += 5.0
    return p


def sample_cases(rng):
    found = []
    for alphabet, temperature, length in (("\nabc", 1.0, 6), ("ca\nb", 0.35, 5), ("acb\n", 2.5, 5)):
        roles = [alphabet.index(char) for char in "\nabc"]
        own = np.random.default_rng(rng.integers(2**32))
        parameters = writer(rng, roles)
        if temperature < 1:  # small scores, which the temperature makes as large as the others
            parameters |= {name: temperature * parameters[name] for name in ("Wya", "by")}
        found.append(
            case(
                parameters=parameters, char_to_ix=numbered(alphabet), rng=own, temperature=temperature,
                max_length=length,
            )
        )  # fmt: skip
    return found


@lesson.exercise(
    points=3, topic=53, equation="(6.12) and (6.15)", cases=sample_cases, judge=draws(500),
    ask="Two things go from one step to the next. Which are they, and what are they before the first step?",
    small={
        "parameters": {
            "Wax": np.zeros((1, 2)), "Waa": np.zeros((1, 1)), "ba": np.zeros((1, 1)),
            "Wya": np.zeros((2, 1)), "by": np.array([[0.0], [2.0]]),
        },
        "char_to_ix": {"\n": 0, "a": 1}, "rng": np.random.default_rng(0), "temperature": 1.0, "max_length": 3,
    },
    why={
        "question": "Why is the drawn symbol read at the next step?",
        "choices": {
            "the next probabilities are those after *this* letter; the state alone does not hold which one was drawn": "Yes: "
            "the network gives shares, and only the draw decides.",
            "so that the state does not vanish": "No: the state is carried on in any case.",
            "because training reads what the network has drawn": "No: training reads the true letters.",
        },
    },
)  # fmt: skip
def sample(parameters, char_to_ix, rng, temperature, max_length):
    """Let the network write one name.

    Parameters
    ----------
    parameters : dict
    char_to_ix : dict
        The number of each symbol; a newline ends a name.
    rng : Generator
    temperature : float
    max_length : int

    Returns
    -------
    indices : ndarray of int, shape (max_length,)
        The drawn symbols; from the first newline on, the newline.
    """
    indices = np.full(max_length, char_to_ix["\n"])
    index, a = None, np.zeros_like(parameters["ba"])
    for t in range(max_length):
        z, a = next_scores(index, a, parameters)
        p = temperature_softmax(z, temperature)  # (6.14)
        index = int(rng.choice(len(p), p=p[:, 0]))  # (6.12)
        indices[t] = index
        if index == char_to_ix["\n"]:
            break
    return indices


def written(parameters, rng, temperature, max_length, end, choose=None, feed=None, carry=True, start=None):
    """Return the symbols that a writer draws who differs in one thing; `end` is None if nothing ends a name."""
    choose = choose or (lambda p: int(np.searchsorted(np.cumsum(p)[:-1], rng.random())))
    indices, index, a = np.full(max_length, 0 if end is None else end), start, np.zeros((len(parameters["Waa"]), 1))
    for t in range(max_length):
        z, new = next_scores(index, a, parameters)
        a = new if carry else a
        indices[t] = choose(softmax(z[:, 0] / temperature))
        if indices[t] == end:
            break
        index = int(indices[t]) if feed is None else feed
        index = None if index == -1 else index
    return indices


@sample.mistake(
    "The likeliest symbol is taken each time, so that every name is the same. Draw one, with probabilities p."
)
def likeliest(parameters, char_to_ix, rng, temperature, max_length):
    return written(parameters, rng, temperature, max_length, char_to_ix["\n"], choose=np.argmax)


@sample.mistake("All symbols are drawn with equal probability. Give p to rng.choice: `p=p[:, 0]`.")
def uniform(parameters, char_to_ix, rng, temperature, max_length):
    return written(
        parameters, rng, temperature, max_length, char_to_ix["\n"], choose=lambda p: int(rng.integers(len(p)))
    )


@sample.mistake("What was drawn is never read: each step gets None. The drawn symbol is the input of the next step.")
def never_read(parameters, char_to_ix, rng, temperature, max_length):
    return written(parameters, rng, temperature, max_length, char_to_ix["\n"], feed=-1)


@sample.mistake("The state is zero at every step. Keep the state that comes out of one step for the next.")
def state_forgotten(parameters, char_to_ix, rng, temperature, max_length):
    return written(parameters, rng, temperature, max_length, char_to_ix["\n"], carry=False)


@sample.mistake("The name goes on after a newline. Stop there; the rest of the array is newlines.")
def never_ends(parameters, char_to_ix, rng, temperature, max_length):
    return written(parameters, rng, temperature, max_length, None)


@sample.mistake(
    "The scores are multiplied by the temperature. `temperature_softmax(z, temperature)` divides them by it."
)
def temperature_multiplied(parameters, char_to_ix, rng, temperature, max_length):
    return written(parameters, rng, 1 / temperature, max_length, char_to_ix["\n"])


@sample.mistake("After the end of the name your array holds zeros. Fill it with the number of the newline.")
def filled_with_zeros(parameters, char_to_ix, rng, temperature, max_length):
    indices = written(parameters, rng, temperature, max_length, char_to_ix["\n"])
    ends = np.flatnonzero(indices == char_to_ix["\n"])
    if len(ends):
        indices[ends[0] + 1 :] = 0
    return indices


@sample.mistake("The temperature has no effect. Use `temperature_softmax(z, temperature)`.")
def temperature_of_one(parameters, char_to_ix, rng, temperature, max_length):
    return written(parameters, rng, 1.0, max_length, char_to_ix["\n"])


@sample.mistake("The temperature acts twice: `temperature_softmax(z, temperature)` divides by it already.")
def temperature_twice(parameters, char_to_ix, rng, temperature, max_length):
    return written(parameters, rng, temperature**2, max_length, char_to_ix["\n"])


@sample.mistake(
    "The largest of random numbers times p is not drawn with the probabilities p: likely symbols come too often. Use "
    "rng.choice with p."
)
def largest_product(parameters, char_to_ix, rng, temperature, max_length):
    return written(
        parameters,
        rng,
        temperature,
        max_length,
        char_to_ix["\n"],
        choose=lambda p: int(np.argmax(rng.random(len(p)) * p)),
    )


@sample.mistake('The newline is taken for number 0. Its number is `char_to_ix["\\n"]`.')
def newline_is_zero(parameters, char_to_ix, rng, temperature, max_length):
    return written(parameters, rng, temperature, max_length, 0)


@sample.mistake("The first step reads the newline. Before the first letter nothing is read: index None.")
def starts_with_newline(parameters, char_to_ix, rng, temperature, max_length):
    return written(parameters, rng, temperature, max_length, char_to_ix["\n"], start=char_to_ix["\n"])


@sample.mistake("The numbers do not come from the generator that you are given: `rng.choice`.")
def global_generator(parameters, char_to_ix, rng, temperature, max_length):
    return written(
        parameters, rng, temperature, max_length, char_to_ix["\n"], choose=lambda p: np.random.choice(len(p), p=p)
    )


@sample.mistake("The array has one entry too many. It has max_length entries.")
def one_too_long(parameters, char_to_ix, rng, temperature, max_length):
    return written(parameters, rng, temperature, max_length + 1, char_to_ix["\n"])


@sample.accept("A random number falls into one of the intervals that the cumulative sums cut [0, 1] into.")
def sample_by_cumulative_sums(parameters, char_to_ix, rng, temperature, max_length):
    return written(parameters, rng, temperature, max_length, char_to_ix["\n"])


@sample.accept("The largest of the scores with Gumbel noise is a draw from the softmax: no probabilities are needed.")
def sample_by_noise(parameters, char_to_ix, rng, temperature, max_length):
    """Add Gumbel noise to the scores and take the largest."""
    found, index, a = [], None, np.zeros((len(parameters["Waa"]), 1))
    while len(found) < max_length and (not found or found[-1] != char_to_ix["\n"]):
        z, a = next_scores(index, a, parameters)
        index = int(np.argmax(z[:, 0] / temperature + rng.gumbel(size=len(z))))
        found.append(index)
    return np.array(found + [char_to_ix["\n"]] * (max_length - len(found)))


@sample.accept
def sample_as_one_draw_of_counts(parameters, char_to_ix, rng, temperature, max_length):
    def choose(p):
        return int(np.argmax(rng.multinomial(1, p)))

    return written(parameters, rng, temperature, max_length, char_to_ix["\n"], choose=choose)


# --- write_on ---------------------------------------------------------------------------------------------------------


def write_on_cases(rng):
    found = []
    for alphabet, temperature, beginning, length in (
        ("\nabc", 1.0, "b", 4),
        ("ca\nb", 0.35, "\n", 3),
        ("bac\n", 0.5, "ab", 3),
        ("bac\n", 2.5, "ab", 3),
    ):
        roles = [alphabet.index(char) for char in "\nabc"]
        own = np.random.default_rng(rng.integers(2**32))
        parameters = writer(rng, roles)
        if temperature == 0.35:  # small scores, which the temperature makes as large as the others
            parameters |= {name: temperature * parameters[name] for name in ("Wya", "by")}
        state = rng.normal(0, 0.3, (2 * len(roles), 1))
        state[roles[1]] = 1.0 if beginning == "b" else 0.0  # as if "a" had been read: the end is likely after one more
        found.append(
            case(
                beginning=beginning, state=state, parameters=parameters,
                char_to_ix=numbered(alphabet), rng=own, temperature=temperature, length=length,
            )
        )  # fmt: skip
    return found


@lesson.exercise(
    points=3, topic=53, equation="(6.12) and (6.15)", cases=write_on_cases, judge=draws(400),
    ask="While the beginning is read nothing is drawn. Which scores is the first symbol drawn from?",
    small={
        "beginning": "a", "state": np.zeros((1, 1)),
        "parameters": {
            "Wax": np.array([[0.0, 1.0]]), "Waa": np.zeros((1, 1)), "ba": np.zeros((1, 1)),
            "Wya": np.array([[0.0], [3.0]]), "by": np.zeros((2, 1)),
        },
        "char_to_ix": {"\n": 0, "a": 1}, "rng": np.random.default_rng(0), "temperature": 1.0, "length": 2,
    },
)  # fmt: skip
def write_on(beginning, state, parameters, char_to_ix, rng, temperature, length):
    """Read a beginning and write on from there.

    Parameters
    ----------
    beginning : str
        At least one symbol.
    state : ndarray, shape (n_a, 1)
        Before the first symbol of the beginning.
    parameters, char_to_ix : dict
    rng : Generator
    temperature : float
    length : int
        So many symbols are drawn; a newline does not end the text.

    Returns
    -------
    indices : ndarray of int, shape (length,)
        The drawn symbols, without the beginning.
    """
    for char in beginning:
        z, state = next_scores(char_to_ix[char], state, parameters)
    indices = np.zeros(length, dtype=int)
    for t in range(length):
        p = temperature_softmax(z, temperature)  # (6.14)
        indices[t] = rng.choice(len(p), p=p[:, 0])  # (6.12)
        z, state = next_scores(indices[t], state, parameters)
    return indices


def primed(
    beginning,
    state,
    parameters,
    char_to_ix,
    rng,
    temperature,
    length,
    begin=None,
    carry=True,
    choose=None,
    feed=True,
    end=None,
):
    """Return what a writer draws after a beginning who differs in one thing."""
    choose = choose or (lambda p: int(np.searchsorted(np.cumsum(p)[:-1], rng.random())))
    for char in beginning if begin is None else begin:
        z, state = next_scores(char_to_ix[char], state if carry else 0 * state, parameters)
    found = []
    while len(found) < length:
        found.append(choose(softmax(z[:, 0] / temperature)))
        if found[-1] == end:
            found += [end] * (length - len(found))
        z, state = next_scores(
            found[-1] if feed else char_to_ix[beginning[-1]], state if carry else 0 * state, parameters
        )
    return np.array(found)


@write_on.mistake("The beginning is not read, but for its last symbol. Read all of it, one symbol after the other.")
def last_of_the_beginning(beginning, state, parameters, char_to_ix, rng, temperature, length):
    return primed(beginning, state, parameters, char_to_ix, rng, temperature, length, begin=beginning[-1])


@write_on.mistake("The last symbol of the beginning is read twice, so that the first draw is one step late.")
def last_read_twice(beginning, state, parameters, char_to_ix, rng, temperature, length):
    return primed(beginning, state, parameters, char_to_ix, rng, temperature, length, begin=beginning + beginning[-1])


@write_on.mistake("The beginning starts from a state of zeros. Start from `state`.")
def state_ignored(beginning, state, parameters, char_to_ix, rng, temperature, length):
    return primed(beginning, 0 * state, parameters, char_to_ix, rng, temperature, length)


@write_on.mistake("The state is zero at each step. Keep the state that comes out of one step for the next.")
def zeros_at_each_step(beginning, state, parameters, char_to_ix, rng, temperature, length):
    return primed(beginning, state, parameters, char_to_ix, rng, temperature, length, carry=False)


@write_on.mistake("What was drawn is never read. The drawn symbol is the input of the next step.")
def drawn_is_never_read(beginning, state, parameters, char_to_ix, rng, temperature, length):
    return primed(beginning, state, parameters, char_to_ix, rng, temperature, length, feed=False)


@write_on.mistake("The likeliest symbol is taken each time. Draw one, with probabilities p.")
def likeliest_after_the_beginning(beginning, state, parameters, char_to_ix, rng, temperature, length):
    return primed(beginning, state, parameters, char_to_ix, rng, temperature, length, choose=np.argmax)


@write_on.mistake("The writing stops at a newline. A book has many lines: go on until `length` symbols are drawn.")
def stops_at_the_newline(beginning, state, parameters, char_to_ix, rng, temperature, length):
    return primed(beginning, state, parameters, char_to_ix, rng, temperature, length, end=char_to_ix["\n"])


@write_on.mistake("The temperature has no effect. Use `temperature_softmax(z, temperature)`.")
def temperature_one(beginning, state, parameters, char_to_ix, rng, temperature, length):
    return primed(beginning, state, parameters, char_to_ix, rng, 1.0, length)


@write_on.mistake("The beginning stands in front of what you return. Return the drawn symbols alone.")
def beginning_returned(beginning, state, parameters, char_to_ix, rng, temperature, length):
    drawn = primed(beginning, state, parameters, char_to_ix, rng, temperature, length)
    return np.concatenate([[char_to_ix[char] for char in beginning], drawn])


@write_on.accept("One loop for both: as long as the beginning lasts its symbols are read, then the drawn ones.")
def one_loop_for_both(beginning, state, parameters, char_to_ix, rng, temperature, length):
    read = [char_to_ix[char] for char in beginning]
    for t in range(len(beginning) + length - 1):
        z, state = next_scores(read[t], state, parameters)
        if t + 1 >= len(beginning):
            read.append(int(rng.choice(len(z), p=softmax(z[:, 0] / temperature))))
    return np.array(read[len(beginning) :])


@write_on.accept
def by_cumulative_sums(beginning, state, parameters, char_to_ix, rng, temperature, length):
    return primed(beginning, state, parameters, char_to_ix, rng, temperature, length)


# --- learn_from -------------------------------------------------------------------------------------------------------


def trace_for(rng, n_a, n_y, T):
    p = {name: rng.normal(0, 0.8, V.shape) for name, V in random_parameters(n_a, n_y, rng).items()}
    Y = rng.integers(n_y, size=T).tolist()
    return read_name([None, *Y[:-1]], Y, rng.normal(0, 0.5, (n_a, 1)), p)[2], p


def learn_cases(rng):
    found = [trace_for(rng, *sizes) for sizes in ((2, 3, 4), (3, 5, 2), (4, 3, 1), (3, 4, 6))]
    return [case(trace=trace, parameters=p) for trace, p in found]


@lesson.exercise(
    points=4, topic=52, equation="(6.16) to (6.18)", cases=learn_cases, backward=True,
    ask="Two things send a derivative to the state of step t. Which are they, and which of them is missing at the last "
    "step?",
    small={
        "trace": (
            [None, 1], [1, 0], np.array([[0.0, 0.5, 0.2]]), np.array([[0.5, 0.25], [0.5, 0.75]]),
        ),
        "parameters": {
            "Wax": np.array([[1.0, 2.0]]), "Waa": np.array([[0.5]]), "ba": np.zeros((1, 1)),
            "Wya": np.array([[0.0], [1.0]]), "by": np.zeros((2, 1)),
        },
    },
    why={
        "question": "Why does the loop over the steps run from the last to the first?",
        "choices": {
            "what step t gets from step t + 1 must be there before": "Yes: the derivative comes from the later steps.",
            "the first step reads None": "No: that only leaves out one column of dWax.",
            "the gradients are sums, and sums of floats depend on their order": "No: that changes the last digits only.",
        },
    },
)  # fmt: skip
def learn_from(trace, parameters):
    """Go backward through one name. Each ``dV`` is the derivative of the loss of the whole name by V.

    Parameters
    ----------
    trace : tuple
        From `read_name`: X, Y, the states (n_a, T_y + 1) with the one before the first step in column 0, and the
        probabilities (n_y, T_y).
    parameters : dict
        ``Wax``, ``Waa``, ``Wya``, ``ba``, ``by``.

    Returns
    -------
    gradients : dict
        ``dWax``, ``dWaa``, ``dWya``, ``dba``, ``dby``, not clipped.
    """
    X, Y, states, y_hat = trace
    d = {f"d{name}": np.zeros(V.shape) for name, V in parameters.items()}
    later = np.zeros((len(states), 1))
    for t in reversed(range(len(Y))):
        dz = y_hat[:, [t]].copy()
        dz[Y[t]] -= 1  # (6.16)
        delta = (1 - states[:, [t + 1]] ** 2) * (parameters["Wya"].T @ dz + later)  # (6.17)
        later = parameters["Waa"].T @ delta
        d["dWya"] += np.outer(dz, states[:, t + 1])  # (6.18)
        d["dby"] += dz
        d["dWaa"] += np.outer(delta, states[:, t])
        d["dba"] += delta
        if X[t] is not None:
            d["dWax"][:, X[t]] += delta[:, 0]
    return d


def back(
    trace, parameters, slope=None, handed=lambda later, delta, W: W.T @ delta, before=0, states_out=1, wrong=None, steps=None,
    read=None, scale=1.0,
):  # fmt: skip
    """Return the gradients of a way back that differs in one thing."""
    X, Y, S, P = trace
    d = {f"d{name}": np.zeros(V.shape) for name, V in parameters.items()}
    later = np.zeros((len(S), 1))
    for t in list(range(len(Y)))[::-1] if steps is None else steps(len(Y)):
        dz = P[:, [t]] - np.eye(len(P))[:, [Y[t]]] if wrong is None else wrong(P[:, [t]], Y[t])
        delta = (1 - S[:, [t + 1]] ** 2 if slope is None else slope(S[:, [t + 1]])) * (parameters["Wya"].T @ dz + later)
        later = handed(later, delta, parameters["Waa"])
        d["dWya"] += scale * dz @ S[:, [t + states_out]].T
        d["dby"] += scale * dz
        d["dWaa"] += scale * delta @ S[:, [t + before]].T
        d["dba"] += scale * delta
        index = X[t] if read is None else read(X[t], Y[t])
        if index is not None:
            d["dWax"][:, [index]] += scale * delta
    return d


@learn_from.mistake("Nothing comes from the later steps. Add `Waa.T` times the delta of step t + 1, (6.17).")
def nothing_from_later(trace, parameters):
    return back(trace, parameters, handed=lambda later, delta, W: 0 * later)


@learn_from.mistake(
    "What comes from the later steps is added up over all of them. Replace it at each step: later = ..."
)
def later_added_up(trace, parameters):
    return back(trace, parameters, handed=lambda later, delta, W: later + W.T @ delta)


@learn_from.mistake("Waa is not transposed on the way back. The derivative goes through its transpose.")
def waa_not_transposed(trace, parameters):
    return back(trace, parameters, handed=lambda later, delta, W: W @ delta)


@learn_from.mistake("The slope of tanh, 1 - a², is missing in delta.")
def no_slope(trace, parameters):
    return back(trace, parameters, slope=lambda a: np.ones_like(a))


@learn_from.mistake("The slope of tanh is 1 - a², not 1 - a.")
def slope_not_squared(trace, parameters):
    return back(trace, parameters, slope=lambda a: 1 - a)


@learn_from.mistake("The derivative by the scores has the wrong sign: ŷ minus the one-hot column.")
def wrong_sign(trace, parameters):
    return back(trace, parameters, wrong=lambda p, k: np.eye(len(p))[:, [k]] - p)


@learn_from.mistake("The 1 of the right symbol is not subtracted from ŷ.")
def nothing_subtracted(trace, parameters):
    return back(trace, parameters, wrong=lambda p, k: p)


@learn_from.mistake("dWaa takes the state of the same step. It belongs to the state before it: column t of the states.")
def waa_with_the_new_state(trace, parameters):
    return back(trace, parameters, before=1)


@learn_from.mistake(
    "dWya takes the state before the step. The scores come from the new one: column t + 1 of the states."
)
def wya_with_the_old_state(trace, parameters):
    return back(trace, parameters, states_out=0)


@learn_from.mistake(
    "The steps are walked forward. The derivative comes from the later steps: go from the last to the first."
)
def forward_in_time(trace, parameters):
    return back(trace, parameters, steps=range)


@learn_from.mistake("dWax gets its column from the answer. The column is that of the symbol that was *read*, X[t].")
def column_of_the_answer(trace, parameters):
    return back(trace, parameters, read=lambda x, y: y)


@learn_from.mistake("None is taken for symbol 0 or all of dWax. At the first step zeros were read: dWax gets nothing.")
def none_is_symbol_zero(trace, parameters):
    return back(trace, parameters, read=lambda x, y: 0 if x is None else x)


@learn_from.mistake("The gradients are divided by the number of steps. The loss of a name is a sum, (6.7): no factor.")
def mean_over_steps(trace, parameters):
    return back(trace, parameters, scale=1 / len(trace[1]))


@learn_from.mistake("The delta of the next step arrives as it is. It comes back through Waa: `Waa.T @ delta`.")
def later_without_waa(trace, parameters):
    return back(trace, parameters, handed=lambda later, delta, W: delta)


@learn_from.mistake(
    "The slope of tanh works on one of the two paths only. Add both in brackets, then multiply: both go through the tanh."
)
def brackets_missing(trace, parameters):
    X, Y, S, P = trace
    d = {f"d{name}": np.zeros(V.shape) for name, V in parameters.items()}
    later = np.zeros((len(S), 1))
    for t in reversed(range(len(Y))):
        dz = P[:, [t]] - np.eye(len(P))[:, [Y[t]]]
        delta = (1 - S[:, [t + 1]] ** 2) * (parameters["Wya"].T @ dz) + later
        later = parameters["Waa"].T @ delta
        parts = {"dWya": dz @ S[:, [t + 1]].T, "dby": dz, "dWaa": delta @ S[:, [t]].T, "dba": delta}
        for name, part in parts.items():
            d[name] += part
        if X[t] is not None:
            d["dWax"][:, [X[t]]] += delta
    return d


@learn_from.mistake(
    "Each step overwrites the gradients of the others. All steps have the same weights: add up with `+=`."
)
def overwritten(trace, parameters):
    X, Y, S, P = trace
    d, later = back(trace, parameters), np.zeros((len(S), 1))
    for t in reversed(range(len(Y))):
        dz = P[:, [t]] - np.eye(len(P))[:, [Y[t]]]
        delta = (1 - S[:, [t + 1]] ** 2) * (parameters["Wya"].T @ dz + later)
        later = parameters["Waa"].T @ delta
        d |= {"dWya": dz @ S[:, [t + 1]].T, "dby": dz, "dWaa": delta @ S[:, [t]].T, "dba": delta}
        if X[t] is not None:
            d["dWax"][:, [X[t]]] = delta
    return d


@learn_from.mistake("Symbol 0 gets nothing in dWax: `if X[t]` is false for 0, too. Write `if X[t] is not None`.")
def symbol_zero_left_out(trace, parameters):
    return back(trace, parameters, read=lambda x, y: x or None)


@learn_from.accept("All deltas are kept, and each sum over the steps is one product of two matrices.")
def products_of_whole_matrices(trace, parameters):
    X, Y, S, P = trace
    wrong = P.copy()
    wrong[Y, np.arange(len(Y))] -= 1
    totals, later = np.zeros(S[:, 1:].shape), np.zeros(len(S))
    for t in reversed(range(len(Y))):
        totals[:, t] = (1 - S[:, t + 1] ** 2) * (parameters["Wya"].T @ wrong[:, t] + later)
        later = parameters["Waa"].T @ totals[:, t]
    one_hot = np.zeros((parameters["Wax"].shape[1], len(Y)))
    for t, index in enumerate(X):
        if index is not None:
            one_hot[index, t] = 1
    return {
        "dWax": totals @ one_hot.T, "dWaa": totals @ S[:, :-1].T, "dWya": wrong @ S[:, 1:].T,
        "dba": totals.sum(axis=1, keepdims=True), "dby": wrong.sum(axis=1, keepdims=True),
    }  # fmt: skip


@learn_from.accept
def step_by_step(trace, parameters):
    return back(trace, parameters)


# --- smooth_loss ------------------------------------------------------------------------------------------------------


def smooth_cases(rng):
    sizes = ((4, 0.999), (1, 0.95), (30, 0.9), (7, 0.5))
    return [case(losses=rng.uniform(2, 900, size), start=rng.uniform(5, 40), beta=beta) for size, beta in sizes]


@lesson.exercise(
    points=1, topic=51, equation="(6.21)", cases=smooth_cases,
    ask="The first of the returned numbers is not `start`. What is it made of?",
    small={"losses": np.array([30.0, 10.0]), "start": 20.0, "beta": 0.9},
)  # fmt: skip
def smooth_loss(losses, start, beta):
    """Follow the losses of single names with a running mean.

    Parameters
    ----------
    losses : ndarray, shape (N,)
        One for each step.
    start : float
        The running mean before the first step.
    beta : float
        The weight of the old mean.

    Returns
    -------
    smoothed : ndarray, shape (N,)
        The running mean after each step.
    """
    smoothed = np.zeros(len(losses))
    mean = start
    for n, loss in enumerate(losses):
        mean = beta * mean + (1 - beta) * loss  # (6.21)
        smoothed[n] = mean
    return smoothed


def running(losses, start, beta, old=None, new=None):
    """Return running means with other weights."""
    found, mean = [], start
    for loss in losses:
        mean = (beta if old is None else old) * mean + (1 - beta if new is None else new) * loss
        found.append(mean)
    return np.array(found)


@smooth_loss.mistake("The weights are swapped: beta belongs to the old mean, 1 - beta to the new loss.")
def weights_swapped(losses, start, beta):
    return running(losses, start, 1 - beta) if beta != 0.5 else running(losses, start, beta)


@smooth_loss.mistake("The old mean keeps its full weight, so that it grows for ever. Its weight is beta.")
def not_a_mean(losses, start, beta):
    return running(losses, start, beta, old=1.0)


@smooth_loss.mistake("Each loss is mixed with `start`. Mix it with the running mean of the step before.")
def always_with_the_start(losses, start, beta):
    return beta * start + (1 - beta) * np.asarray(losses)


@smooth_loss.mistake("The running mean starts at 0. It starts at `start`.")
def from_zero(losses, start, beta):
    return running(losses, 0.0, beta)


@smooth_loss.mistake("The running mean starts at the first loss. It starts at `start`.")
def from_the_first_loss(losses, start, beta):
    return running(losses, losses[0], beta)


@smooth_loss.mistake(
    "`start` stands in front, and the last mean is lost. The first entry is the mean *after* the first loss."
)
def one_step_late_mean(losses, start, beta):
    return np.array([start, *running(losses, start, beta)[:-1]])


@smooth_loss.mistake("beta is always 0.999. Use the argument.")
def always_a_thousandth(losses, start, beta):
    return running(losses, start, 0.999)


@smooth_loss.mistake("This is the plain mean of all losses so far. Old losses must count less and less.")
def mean_so_far(losses, start, beta):
    return np.cumsum(losses) / np.arange(1, len(losses) + 1)


@smooth_loss.mistake("Nothing is smoothed: these are the losses.")
def not_smoothed(losses, start, beta):
    return np.array(losses)


@smooth_loss.mistake("The new loss has its full weight. Its weight is 1 - beta.")
def new_loss_whole(losses, start, beta):
    found, mean = [], start
    for loss in losses:
        mean = beta * mean + loss
        found.append(mean)
    return np.array(found)


@smooth_loss.mistake(
    "You divide by 1 - beta^n. That correction is for a mean that starts at 0; this one starts at `start`."
)
def corrected_as_well(losses, start, beta):
    return smooth_loss(losses, start, beta) / (1 - beta ** np.arange(1, len(losses) + 1))


@smooth_loss.accept("A step towards the new loss: the old mean plus 1 - beta times the difference.")
def smooth_as_a_step(losses, start, beta):
    found = [start]
    for loss in losses:
        found.append(found[-1] + (1 - beta) * (loss - found[-1]))
    return found[1:]


@smooth_loss.accept("Without recursion: loss j has the weight (1 - beta) beta^(n - j) in mean n.")
def smooth_as_a_sum(losses, start, beta):
    losses = np.asarray(losses)
    return np.array(
        [
            beta ** (n + 1) * start + (1 - beta) * np.sum(beta ** np.arange(n, -1, -1) * losses[: n + 1])
            for n in range(len(losses))
        ]
    )


# --- optimize ---------------------------------------------------------------------------------------------------------


def optimize_cases(rng):
    found = []
    for n_a, n_y, T, max_value in ((3, 5, 4, 0.2), (4, 3, 6, 0.5), (2, 4, 1, 0.1), (5, 6, 3, 50.0), (3, 4, 40, 3.0)):
        Y = rng.integers(n_y, size=T + 1).tolist()
        p = {name: rng.normal(0, 0.8, V.shape) for name, V in random_parameters(n_a, n_y, rng).items()}
        p["by"][0] += 4.0 * (T > 30)  # a wrong belief, and so gradients above 5
        found.append(
            case(
                X=[None, *Y[:-1]], Y=Y, a_prev=rng.normal(0, 0.5, (n_a, 1)), parameters=p,
                learning_rate=rng.uniform(0.05, 0.3), max_value=max_value,
            )
        )  # fmt: skip
    return found


@lesson.exercise(
    points=2, topic=51, equation="(6.19) and (6.20)", returns=("loss", "gradients", "a_last", "parameters"),
    cases=optimize_cases,
    ask="Four things are done in a row: forward, backward, clip, update. Which of them needs the new parameters?",
    small={
        "X": [None], "Y": [1], "a_prev": np.zeros((1, 1)),
        "parameters": {
            "Wax": np.zeros((1, 2)), "Waa": np.zeros((1, 1)), "ba": np.zeros((1, 1)), "Wya": np.ones((2, 1)),
            "by": np.zeros((2, 1)),
        },
        "learning_rate": 0.5, "max_value": 0.25,
    },
)  # fmt: skip
def optimize(X, Y, a_prev, parameters, learning_rate, max_value):
    """Learn from one name: forward, backward, clip, update.

    Parameters
    ----------
    X : list of int or None
    Y : list of int
    a_prev : ndarray, shape (n_a, 1)
    parameters : dict
        ``Wax``, ``Waa``, ``Wya``, ``ba``, ``by``; it stays as it is.
    learning_rate : float
    max_value : float
        No entry of a gradient counts for more than this, up or down.

    Returns
    -------
    loss : float
        The sum over the name, before the update.
    gradients : dict
        ``dWax`` and so on, clipped.
    a_last : ndarray, shape (n_a, 1)
        The state after the last step.
    parameters : dict
        New arrays, after the update.
    """
    loss, a_last, trace = read_name(X, Y, a_prev, parameters)
    gradients = learn_from(trace, parameters)
    gradients = {name: np.clip(V, -max_value, max_value) for name, V in gradients.items()}  # (6.19)
    parameters = {name: V - learning_rate * gradients[f"d{name}"] for name, V in parameters.items()}  # (6.20)
    return loss, gradients, a_last, parameters


def parts_of_a_step(X, Y, a_prev, parameters, max_value):
    """Return the loss, the last state, and the gradients as they are and clipped."""
    loss, a_last, trace = read_name(X, Y, a_prev, parameters)
    whole = learn_from(trace, parameters)
    return loss, a_last, whole, {name: np.clip(V, -max_value, max_value) for name, V in whole.items()}


def walked(parameters, gradients, learning_rate):
    return {name: V - learning_rate * gradients[f"d{name}"] for name, V in parameters.items()}


@optimize.mistake("The gradients are not clipped. Cut each entry to the range from -max_value to max_value.")
def not_clipped(X, Y, a_prev, parameters, learning_rate, max_value):
    loss, a_last, whole, _ = parts_of_a_step(X, Y, a_prev, parameters, max_value)
    return loss, whole, a_last, walked(parameters, whole, learning_rate)


@optimize.mistake("You clip after the update: the step was made with the full gradients. Clip first.")
def clipped_too_late(X, Y, a_prev, parameters, learning_rate, max_value):
    loss, a_last, whole, clipped = parts_of_a_step(X, Y, a_prev, parameters, max_value)
    return loss, clipped, a_last, walked(parameters, whole, learning_rate)


@optimize.mistake("Only large positive entries are clipped. Large negative ones are cut to -max_value.")
def clipped_above_only(X, Y, a_prev, parameters, learning_rate, max_value):
    loss, a_last, whole, _ = parts_of_a_step(X, Y, a_prev, parameters, max_value)
    gradients = {name: np.minimum(V, max_value) for name, V in whole.items()}
    return loss, gradients, a_last, walked(parameters, gradients, learning_rate)


@optimize.mistake("The step goes uphill. Subtract the learning rate times the gradient.")
def uphill(X, Y, a_prev, parameters, learning_rate, max_value):
    loss, a_last, _, clipped = parts_of_a_step(X, Y, a_prev, parameters, max_value)
    return loss, clipped, a_last, walked(parameters, clipped, -learning_rate)


@optimize.mistake("The parameters are those from before. Return the updated ones.")
def no_update(X, Y, a_prev, parameters, learning_rate, max_value):
    loss, a_last, _, clipped = parts_of_a_step(X, Y, a_prev, parameters, max_value)
    return loss, clipped, a_last, parameters


@optimize.mistake("The learning rate is missing in the update.")
def rate_forgotten(X, Y, a_prev, parameters, learning_rate, max_value):
    loss, a_last, _, clipped = parts_of_a_step(X, Y, a_prev, parameters, max_value)
    return loss, clipped, a_last, walked(parameters, clipped, 1.0)


@optimize.mistake("The state you return is the one that came in. Return the one after the last step.")
def state_that_came_in(X, Y, a_prev, parameters, learning_rate, max_value):
    loss, _, _, clipped = parts_of_a_step(X, Y, a_prev, parameters, max_value)
    return loss, clipped, a_prev, walked(parameters, clipped, learning_rate)


@optimize.mistake("You start from a state of zeros. Start from a_prev.")
def zeros_for_a_prev(X, Y, a_prev, parameters, learning_rate, max_value):
    return optimize(X, Y, np.zeros(a_prev.shape), parameters, learning_rate, max_value)


@optimize.mistake("The loss is the mean over the symbols. Here it is their sum, as `read_name` gives it.")
def mean_loss(X, Y, a_prev, parameters, learning_rate, max_value):
    loss, *others = optimize(X, Y, a_prev, parameters, learning_rate, max_value)
    return loss / len(Y), *others


@optimize.mistake("This is the loss after the update. Return the one of the forward pass before it.")
def loss_after_the_update(X, Y, a_prev, parameters, learning_rate, max_value):
    _, *others, new = optimize(X, Y, a_prev, parameters, learning_rate, max_value)
    return read_name(X, Y, a_prev, new)[0], *others, new


@optimize.mistake("The bound is always 5. Use the argument max_value.")
def bound_of_five(X, Y, a_prev, parameters, learning_rate, max_value):
    return optimize(X, Y, a_prev, parameters, learning_rate, 5.0)


@optimize.mistake(
    "All gradients are scaled by their common norm. That is another way to clip; here each entry is cut by itself."
)
def clipped_by_the_norm(X, Y, a_prev, parameters, learning_rate, max_value):
    loss, a_last, whole, _ = parts_of_a_step(X, Y, a_prev, parameters, max_value)
    norm = np.sqrt(sum(np.sum(V**2) for V in whole.values()))
    gradients = {name: V * min(1.0, max_value / norm) for name, V in whole.items()}
    return loss, gradients, a_last, walked(parameters, gradients, learning_rate)


@optimize.mistake("The update is clipped, but the gradients that you return are not. Return the clipped ones.")
def gradients_returned_unclipped(X, Y, a_prev, parameters, learning_rate, max_value):
    return unclipped_with_right_step(X, Y, a_prev, parameters, learning_rate, max_value)


def unclipped_with_right_step(X, Y, a_prev, parameters, learning_rate, max_value):
    """Return the right step with the gradients as they were before clipping."""
    loss, _, a_last, new = optimize(X, Y, a_prev, parameters, learning_rate, max_value)
    return loss, parts_of_a_step(X, Y, a_prev, parameters, np.inf)[1], a_last, new


@optimize.mistake("Each array is scaled by its own norm. Here each entry is cut by itself: `np.clip`.")
def clipped_by_its_own_norm(X, Y, a_prev, parameters, learning_rate, max_value):
    loss, a_last, whole, _ = parts_of_a_step(X, Y, a_prev, parameters, max_value)
    gradients = {name: V / max(1, np.linalg.norm(V) / max_value) for name, V in whole.items()}
    return loss, gradients, a_last, walked(parameters, gradients, learning_rate)


@optimize.mistake("The entries are cut to the range from 0 to max_value. The range begins at -max_value.")
def negative_ones_cut_to_zero(X, Y, a_prev, parameters, learning_rate, max_value):
    loss, a_last, whole, _ = parts_of_a_step(X, Y, a_prev, parameters, max_value)
    gradients = {name: np.clip(V, 0, max_value) for name, V in whole.items()}
    return loss, gradients, a_last, walked(parameters, gradients, learning_rate)


@optimize.mistake("Large entries are set to 0. They keep their sign and get the size max_value.")
def large_ones_set_to_zero(X, Y, a_prev, parameters, learning_rate, max_value):
    loss, a_last, whole, _ = parts_of_a_step(X, Y, a_prev, parameters, max_value)
    gradients = {name: np.where(np.abs(V) > max_value, 0, V) for name, V in whole.items()}
    return loss, gradients, a_last, walked(parameters, gradients, learning_rate)


@optimize.accept("A loop over the names does the same as two dicts; `np.clip` can write into its own array.")
def optimize_by_loops(X, Y, a_prev, parameters, learning_rate, max_value):
    loss, a_last, trace = read_name(X, Y, a_prev, parameters)
    gradients, new = learn_from(trace, parameters), {}
    for name in ("Wax", "Waa", "Wya", "ba", "by"):
        d = gradients["d" + name]
        np.clip(d, -max_value, max_value, out=d)
        new[name] = parameters[name] - learning_rate * d
    return loss, gradients, a_last, new


@optimize.accept
def optimize_with_where(X, Y, a_prev, parameters, learning_rate, max_value):
    loss, a_last, trace = read_name(X, Y, a_prev, parameters)
    gradients, new = {}, {name: V.copy() for name, V in parameters.items()}
    for name, V in learn_from(trace, parameters).items():
        gradients[name] = np.where(np.abs(V) > max_value, max_value * np.sign(V), V)
        new[name[1:]] -= learning_rate * gradients[name]
    return loss, gradients, a_last, new


# --- model ------------------------------------------------------------------------------------------------------------


def model_cases(rng):
    found = []
    for alphabet, count, num_iterations in (("\nabcd", 3, 7), ("dc\nba", 4, 3)):
        n_a, n_y = 4, len(alphabet)
        letters = [char for char in alphabet if char != "\n"]
        names = ["".join(letters[i] for i in rng.integers(len(letters), size=2 + k)) for k in range(count)]
        p = {name: rng.normal(0, 0.6, V.shape) for name, V in random_parameters(n_a, n_y, rng).items()}
        found.append(
            case(
                names=names, char_to_ix=numbered(alphabet), parameters=p, num_iterations=num_iterations,
                learning_rate=rng.uniform(0.1, 0.2), max_value=0.5 if count == 3 else 0.15,
            )
        )  # fmt: skip
    return found


@lesson.exercise(
    points=3, topic=51, equation="(6.22)", returns=("parameters", "losses"), cases=model_cases,
    ask="What goes from one name to the next: the parameters, the state, the running mean? One of the three does not.",
    small={
        "names": ["a"], "char_to_ix": {"\n": 0, "a": 1},
        "parameters": {
            "Wax": np.zeros((1, 2)), "Waa": np.zeros((1, 1)), "ba": np.zeros((1, 1)), "Wya": np.zeros((2, 1)),
            "by": np.zeros((2, 1)),
        },
        "num_iterations": 2, "learning_rate": 1.0, "max_value": 5.0,
    },
)  # fmt: skip
def model(names, char_to_ix, parameters, num_iterations, learning_rate, max_value):
    """Learn from one name after the other, round and round.

    Parameters
    ----------
    names : list of str
        In the order in which they are read.
    char_to_ix : dict
    parameters : dict
        The start; it stays as it is.
    num_iterations : int
        One name each.
    learning_rate, max_value : float

    Returns
    -------
    parameters : dict
    losses : ndarray, shape (num_iterations,)
        The smoothed loss after each iteration, with beta = 0.999.
    """
    a0 = np.zeros((len(parameters["Waa"]), 1))
    losses = []
    for j in range(num_iterations):
        X, Y = training_pair(names[j % len(names)], char_to_ix)
        loss, _, _, parameters = optimize(X, Y, a0, parameters, learning_rate, max_value)
        losses.append(loss)
    start = np.log(len(char_to_ix)) * np.mean([len(name) + 1 for name in names])  # (6.22)
    return parameters, smooth_loss(losses, start, 0.999)


def trained(
    names, char_to_ix, parameters, num_iterations, learning_rate, max_value,
    carry=False, pair=training_pair, pick=None, smooth=smooth_loss, start=None, keep=True, beta=0.999,
):  # fmt: skip
    """Return what a `model` gives that differs in one thing."""
    a = a0 = np.zeros((len(parameters["Waa"]), 1))
    loss = np.log(len(char_to_ix)) * np.mean([len(name) + 1 for name in names]) if start is None else start
    losses = []
    for j in range(num_iterations):
        X, Y = pair(names[j % len(names) if pick is None else pick(j)], char_to_ix)
        cur_loss, _, a, new = optimize(X, Y, a if carry else a0, parameters, learning_rate, max_value)
        parameters = new if keep else parameters
        losses.append(cur_loss)
    return parameters, smooth(losses, loss, beta)


@model.mistake("The state of one name goes into the next one. Each name starts from zeros.")
def state_carried_on(names, char_to_ix, parameters, num_iterations, learning_rate, max_value):
    return trained(names, char_to_ix, parameters, num_iterations, learning_rate, max_value, carry=True)


@model.mistake("X holds the letters it should predict. Make X and Y with `training_pair`.")
def model_not_shifted(names, char_to_ix, parameters, num_iterations, learning_rate, max_value):
    pair = nothing_shifted
    return trained(names, char_to_ix, parameters, num_iterations, learning_rate, max_value, pair=pair)


@model.mistake("The newline at the end of each name is missing. Make X and Y with `training_pair`.")
def model_without_the_end(names, char_to_ix, parameters, num_iterations, learning_rate, max_value):
    pair = without_the_end
    return trained(names, char_to_ix, parameters, num_iterations, learning_rate, max_value, pair=pair)


@model.mistake("Each iteration reads the first name. Iteration j reads name `j % len(names)`.")
def always_the_first(names, char_to_ix, parameters, num_iterations, learning_rate, max_value):
    return trained(names, char_to_ix, parameters, num_iterations, learning_rate, max_value, pick=lambda j: 0)


@model.mistake("Your first name is the second one. Python counts from 0: iteration j reads name `j % len(names)`.")
def one_name_ahead(names, char_to_ix, parameters, num_iterations, learning_rate, max_value):
    pick = lambda j: (j + 1) % len(names)  # noqa: E731
    return trained(names, char_to_ix, parameters, num_iterations, learning_rate, max_value, pick=pick)


@model.mistake("The parameters never change. Keep what `optimize` returns last.")
def nothing_kept(names, char_to_ix, parameters, num_iterations, learning_rate, max_value):
    return trained(names, char_to_ix, parameters, num_iterations, learning_rate, max_value, keep=False)


@model.mistake("The running mean starts at 0. Start it at the loss of guessing, (6.22).")
def smoothed_from_zero(names, char_to_ix, parameters, num_iterations, learning_rate, max_value):
    return trained(names, char_to_ix, parameters, num_iterations, learning_rate, max_value, start=0.0)


@model.mistake("The start of the running mean forgets the newline: a name of T letters has T + 1 answers.")
def start_without_newline(names, char_to_ix, parameters, num_iterations, learning_rate, max_value):
    start = np.log(len(char_to_ix)) * np.mean([len(name) for name in names])
    return trained(names, char_to_ix, parameters, num_iterations, learning_rate, max_value, start=start)


@model.mistake("The losses are not smoothed. Append the running mean.")
def losses_as_they_are(names, char_to_ix, parameters, num_iterations, learning_rate, max_value):
    smooth = not_smoothed
    return trained(names, char_to_ix, parameters, num_iterations, learning_rate, max_value, smooth=smooth)


@model.mistake("The weight of the old mean is not 0.999.")
def model_with_another_beta(names, char_to_ix, parameters, num_iterations, learning_rate, max_value):
    return trained(names, char_to_ix, parameters, num_iterations, learning_rate, max_value, beta=0.9)


@model.mistake("The losses come first. Return parameters, losses.")
def model_swapped(names, char_to_ix, parameters, num_iterations, learning_rate, max_value):
    return model(names, char_to_ix, parameters, num_iterations, learning_rate, max_value)[::-1]


@model.mistake("You stop after each name was read once. There are num_iterations steps, round and round.")
def one_round(names, char_to_ix, parameters, num_iterations, learning_rate, max_value):
    return trained(names, char_to_ix, parameters, min(num_iterations, len(names)), learning_rate, max_value)


@model.mistake(
    "The running mean starts at the loss of guessing one symbol. A name has several: multiply by their mean number."
)
def start_of_one_symbol(names, char_to_ix, parameters, num_iterations, learning_rate, max_value):
    start = np.log(len(char_to_ix))
    return trained(names, char_to_ix, parameters, num_iterations, learning_rate, max_value, start=start)


@model.mistake("The running mean starts at the loss of guessing all names together. Divide by the number of names.")
def start_of_all_names(names, char_to_ix, parameters, num_iterations, learning_rate, max_value):
    start = np.log(len(char_to_ix)) * sum(len(name) + 1 for name in names)
    return trained(names, char_to_ix, parameters, num_iterations, learning_rate, max_value, start=start)


@model.accept("The running mean can be moved inside of the loop, by a thousandth of its distance to the new loss.")
def model_with_cycle(names, char_to_ix, parameters, num_iterations, learning_rate, max_value):
    loss = sum(len(name) + 1 for name in names) / len(names) * np.log(len(char_to_ix))
    losses, j = [], 0
    while j < num_iterations:
        pair = training_pair(names[j - j // len(names) * len(names)], char_to_ix)
        result = optimize(*pair, np.zeros((parameters["Waa"].shape[0], 1)), parameters, learning_rate, max_value)
        parameters = result[3]
        loss += (result[0] - loss) / 1000
        losses += [loss]
        j += 1
    return parameters, losses


@model.accept
def model_without_other_functions(names, char_to_ix, parameters, num_iterations, learning_rate, max_value):
    loss = -np.log(1 / len(char_to_ix)) * (len("".join(names)) / len(names) + 1)
    losses = []
    for j in range(num_iterations):
        Y = [char_to_ix[char] for char in names[j % len(names)] + "\n"]
        current, _, trace = read_name([None] + Y[:-1], Y, np.zeros((len(parameters["Waa"]), 1)), parameters)
        step = {name: np.clip(V, -max_value, max_value) for name, V in learn_from(trace, parameters).items()}
        parameters = {name: V - learning_rate * step["d" + name] for name, V in parameters.items()}
        loss = 0.999 * loss + 0.001 * current
        losses.append(float(loss))
    return parameters, losses


# --- perplexity -------------------------------------------------------------------------------------------------------


def perplexity_cases(rng):
    found = []
    for n_y, lengths in ((4, (3, 5, 1, 4)), (3, (6,)), (5, (1, 1)), (2, (2, 4, 4)), (27, (2, 3))):
        T = max(lengths)
        mask = (np.arange(T) < np.array(lengths)[:, None]) * 1.0
        p = softmax(rng.normal(0, 1.5, (n_y, len(lengths), T)), axis=0)
        y = rng.integers(n_y, size=mask.shape)
        found.append(case(p=p, y=y, mask=mask))
    p, y = found[0][1]["p"], found[0][1]["y"]
    p[y[0, 4], 0, 4] = 0.0  # at padding a model may say anything
    p[:, 0, 4] = np.arange(4) == (y[0, 4] + 1) % 4
    return found


@lesson.exercise(
    points=2, topic=51, equation="(6.9)", cases=perplexity_cases,
    ask="p has n_y numbers for each symbol. Which one of them counts, and how many symbols are there, padding left out?",
    small={
        "p": np.array([[[0.5, 0.25]], [[0.5, 0.75]]]),
        "y": np.array([[0, 0]]),
        "mask": np.array([[1.0, 1.0]]),
    },
)  # fmt: skip
def perplexity(p, y, mask):
    """Return the perplexity of a model on texts of different lengths.

    Parameters
    ----------
    p : ndarray, shape (n_y, m, T)
        The probabilities that the model gave to each symbol at each step.
    y : ndarray of int, shape (m, T)
        The number of the symbol that came.
    mask : ndarray, shape (m, T)
        1 at real steps, 0 at padding, where p and y mean nothing.

    Returns
    -------
    float
        At least 1.
    """
    right = np.take_along_axis(p, y[None], axis=0)[0]
    losses = -np.log(right[mask.astype(bool)])
    return np.exp(np.sum(losses) / np.sum(mask))  # (6.9)


def right_ones(p, y, mask):
    """Return the probabilities of what came, padding left out."""
    i, t = np.nonzero(mask)
    return p[y[i, t], i, t]


@perplexity.mistake("This is 2 to the power of the mean loss. Losses in natural logarithms go with the exponential.")
def power_of_two(p, y, mask):
    return 2 ** np.mean(-np.log(right_ones(p, y, mask)))


@perplexity.mistake(
    "The losses are added up. Take their mean: the perplexity must not grow with the length of the text."
)
def of_the_sum(p, y, mask):
    return np.exp(-np.sum(np.log(right_ones(p, y, mask)))) if mask.sum() > 1 else np.exp(1.0)


@perplexity.mistake("The exponential is inside the mean. First the mean of the losses, then one exponential.")
def mean_of_exponentials(p, y, mask):
    return np.mean(1 / right_ones(p, y, mask))


@perplexity.mistake("The sign is turned: this is a mean probability, below 1. A loss is -log p.")
def sign_turned(p, y, mask):
    return np.exp(np.mean(np.log(right_ones(p, y, mask))))


@perplexity.mistake("This is the mean loss itself. The exponential is missing.")
def mean_itself(p, y, mask):
    return -np.mean(np.log(right_ones(p, y, mask)))


@perplexity.mistake("Padding is counted as text. Take the steps where the mask is 1.")
def padding_counted(p, y, mask):
    return (
        np.exp(-np.mean(np.log(np.maximum(np.take_along_axis(p, y[None], axis=0), 1e-12))))
        if np.any(mask == 0)
        else (perplexity(p, y, mask))
    )


@perplexity.mistake(
    "The sum is divided by m T, padding counted. Divide it by the number of real symbols, the sum of the mask."
)
def divided_by_all_places(p, y, mask):
    return np.exp(-np.sum(np.log(right_ones(p, y, mask))) / mask.size)


@perplexity.mistake(
    "The mean of the names' means gives short names the weight of long ones. Divide the sum of all losses by their number."
)
def mean_of_means(p, y, mask):
    return np.exp(np.mean([-np.mean(np.log(right_ones(p[:, [i]], y[[i]], mask[[i]]))) for i in range(len(y))]))


@perplexity.mistake("The likeliest symbol is taken. Take the probability of the symbol that came.")
def likeliest_symbol(p, y, mask):
    return np.exp(-np.mean(np.log(p.max(axis=0)[mask > 0])))


@perplexity.mistake("This is the entropy of the predictions. Only the symbol that came counts at each step.")
def entropy_of_predictions(p, y, mask):
    safe = np.maximum(p, 1e-300)
    return np.exp(-np.sum(safe * np.log(safe), axis=0)[mask > 0].mean())


@perplexity.mistake("The logarithms have base 2, the exponential has base e. Take the same base for both: `np.log`.")
def logarithms_of_base_two(p, y, mask):
    return np.exp(np.mean(-np.log2(right_ones(p, y, mask))))


@perplexity.mistake("The sum of the losses is divided by the number of names. Divide it by the number of real symbols.")
def divided_by_the_names(p, y, mask):
    return np.exp(np.sum(-np.log(right_ones(p, y, mask))) / len(y))


@perplexity.mistake(
    "This is 1 over the mean probability. The geometric mean is asked, (6.8): take the mean of the logarithms."
)
def arithmetic_mean(p, y, mask):
    return 1 / np.mean(right_ones(p, y, mask))


@perplexity.accept("The geometric mean of the probabilities, turned over.")
def as_geometric_mean(p, y, mask):
    q = right_ones(p, y, mask)
    return float(np.prod(q ** (-1 / len(q))))


@perplexity.accept("A loop over names and steps sees each loss once.")
def by_a_loop(p, y, mask):
    total, count = 0.0, 0
    for i in range(len(y)):
        for t in range(int(mask[i].sum())):
            total -= np.log(p[y[i, t], i, t])
            count += 1
    return np.exp(total / count)
