"""Lesson 5.6, a language model of characters: the catalogue. Equations are those of the notebook."""

import numpy as np
from scipy.special import log_softmax, softmax

from helpers.exercises import Lesson, case, draws
from helpers.widgets.character_language_model import learn_from, next_scores, random_parameters, read_name

lesson = Lesson("character_language_model")


# --- training_pair ----------------------------------------------------------------------------------------------------

ALPHABETS = ("\nabcdefghijklmnopqrstuvwxyz", "ahlmno\nprt", "tr\nponmlha")


def numbered(alphabet):
    return {char: index for index, char in enumerate(alphabet)}


def pair_cases(rng):
    found = []
    for alphabet in ALPHABETS:
        letters = [char for char in alphabet if char != "\n"]
        for length in (1, 2 + int(rng.integers(3)), 6):
            word = "".join(letters[index] for index in rng.integers(len(letters), size=length))
            found.append(case(word=word, char_to_ix=numbered(alphabet)))
    return found


@lesson.exercise(points=1, topic=53, equation="(6.5)", returns=("X", "Y"), cases=pair_cases)
def training_pair(word, char_to_ix):
    """Turn a name into what is read at each step and what comes next.

    Parameters
    ----------
    word : str
        Letters only.
    char_to_ix : dict
        The number of each symbol; a newline ends a name.

    Returns
    -------
    X : list of int or None, length T + 1
        None, then the T letters.
    Y : list of int, length T + 1
        The T letters, then the newline.
    """
    Y = [char_to_ix[char] for char in word + "\n"]
    return [None] + Y[:-1], Y  # (6.5)


@training_pair.mistake(
    "X holds the answers themselves. At step t the network reads the letter before: X begins with None."
)
def nothing_shifted(word, char_to_ix):
    letters = [char_to_ix[char] for char in word + "\n"]
    return letters, letters


@training_pair.mistake(
    "The end is missing. The last answer is the newline; without it the network never learns to stop."
)
def without_the_end(word, char_to_ix):
    letters = [char_to_ix[char] for char in word]
    return [None, *letters[:-1]], letters


@training_pair.mistake("The first step is missing. The first letter is an answer too: to None.")
def without_the_start(word, char_to_ix):
    letters = [char_to_ix[char] for char in word]
    return letters, [*letters[1:], char_to_ix["\n"]]


@training_pair.mistake("X begins with the newline's number. At the first step nothing has been read: None.")
def newline_at_the_start(word, char_to_ix):
    letters = [char_to_ix[char] for char in word]
    return [char_to_ix["\n"], *letters], [*letters, char_to_ix["\n"]]


@training_pair.mistake("X and Y are swapped. X begins with None, Y ends with the newline.")
def pair_swapped(word, char_to_ix):
    return training_pair(word, char_to_ix)[::-1]


@training_pair.mistake("X has the newline at its end. Nothing is read after it: X has T + 1 entries, as Y.")
def end_is_read(word, char_to_ix):
    X, Y = training_pair(word, char_to_ix)
    return [*X, Y[-1]], Y


@training_pair.mistake('The newline is taken for number 0. Its number is `char_to_ix["\\n"]`.')
def newline_is_number_zero(word, char_to_ix):
    letters = [char_to_ix[letter] for letter in word]
    return [None, *letters], [*letters, 0]


@training_pair.accept
def pair_from_letters(word, char_to_ix):
    letters = list(map(char_to_ix.get, word))
    return [None, *letters], [*letters, char_to_ix["\n"]]


@training_pair.accept
def pair_by_a_loop(word, char_to_ix):
    X, Y = [None], []
    for char in word:
        X.append(char_to_ix[char])
        Y.append(char_to_ix[char])
    Y.append(char_to_ix["\n"])
    return X, Y


# --- temperature_softmax ----------------------------------------------------------------------------------------------


def temperature_cases(rng):
    sizes = ((5, 3, 0.6), (4, 2, 1.7), (27, 1, 0.3), (3, 4, 1.0))
    found = [case(z=rng.normal(0, 2, (n, m)), temperature=T * rng.uniform(0.9, 1.1)) for n, m, T in sizes]
    large = np.array([[900.0], [902.0], [899.0], [-950.0]]) + rng.normal(size=(4, 1))
    low = np.array([[-900.0], [-902.0], [-899.0]]) + rng.normal(size=(3, 1))
    far = np.array([[2000.0, -1500.0], [1.0, 0.5], [0.2, -0.3]]) + rng.normal(size=(3, 2))
    return [*found, *(case(z=z, temperature=T) for z, T in ((large, 1.4), (low, 0.7), (far, 2.5)))]


@lesson.exercise(points=2, topic=51, equation="(6.10)", cases=temperature_cases)
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
    e = np.exp((z - z.max(axis=0)) / temperature)  # (6.10)
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


@temperature_softmax.accept
def with_scipy(z, temperature):
    return softmax(z / temperature, axis=0)


@temperature_softmax.accept
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
    for alphabet, temperature, length in (("\nabc", 1.0, 6), ("ca\nb", 0.6, 5), ("bac\n", 2.5, 5)):
        roles = [alphabet.index(char) for char in "\nabc"]
        own = np.random.default_rng(rng.integers(2**32))
        found.append(
            case(
                parameters=writer(rng, roles), char_to_ix=numbered(alphabet), rng=own, temperature=temperature,
                max_length=length,
            )
        )  # fmt: skip
    return found


@lesson.exercise(points=3, topic=53, equation="(6.8) and (6.11)", cases=sample_cases, judge=draws(300))
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
        p = temperature_softmax(z, temperature)  # (6.10)
        index = int(rng.choice(len(p), p=p[:, 0]))  # (6.8)
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


@sample.mistake('The newline is taken for number 0. Its number is `char_to_ix["\\n"]`.')
def newline_is_zero(parameters, char_to_ix, rng, temperature, max_length):
    return written(parameters, rng, temperature, max_length, 0)


@sample.mistake("The first step reads the newline. Before the first letter nothing is read: index None.")
def starts_with_newline(parameters, char_to_ix, rng, temperature, max_length):
    return written(parameters, rng, temperature, max_length, char_to_ix["\n"], start=char_to_ix["\n"])


@sample.mistake("np.random is used, which all code shares. Draw with rng.")
def global_generator(parameters, char_to_ix, rng, temperature, max_length):
    return written(
        parameters, rng, temperature, max_length, char_to_ix["\n"], choose=lambda p: np.random.choice(len(p), p=p)
    )


@sample.mistake("The array has one entry too many. It has max_length entries.")
def one_too_long(parameters, char_to_ix, rng, temperature, max_length):
    return written(parameters, rng, temperature, max_length + 1, char_to_ix["\n"])


@sample.accept
def sample_by_cumulative_sums(parameters, char_to_ix, rng, temperature, max_length):
    return written(parameters, rng, temperature, max_length, char_to_ix["\n"])


@sample.accept
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


# --- smooth_loss ------------------------------------------------------------------------------------------------------


def smooth_cases(rng):
    return [case(loss=rng.uniform(5, 40), cur_loss=rng.uniform(50, 900)) for _ in range(4)] + [
        case(loss=rng.uniform(500, 900), cur_loss=rng.uniform(2, 9))
    ]


@lesson.exercise(points=1, topic=51, equation="(6.15)", cases=smooth_cases)
def smooth_loss(loss, cur_loss):
    """Move a running mean of the loss a little towards the current one.

    Parameters
    ----------
    loss : float
        The running mean so far.
    cur_loss : float
        The loss of this step.

    Returns
    -------
    loss : float
    """
    return 0.999 * loss + 0.001 * cur_loss  # (6.15)


@smooth_loss.mistake("The weights are swapped: 0.999 belongs to the old mean, 0.001 to the new loss.")
def weights_swapped(loss, cur_loss):
    return 0.001 * loss + 0.999 * cur_loss


@smooth_loss.mistake("The old mean keeps its full weight, so that it grows for ever. Its weight is 0.999.")
def not_a_mean(loss, cur_loss):
    return loss + 0.001 * cur_loss


@smooth_loss.mistake("This is the plain mean of the two. The weights are 0.999 and 0.001.")
def plain_mean(loss, cur_loss):
    return (loss + cur_loss) / 2


@smooth_loss.mistake("The current loss has no effect.")
def current_loss_ignored(loss, cur_loss):
    return loss


@smooth_loss.mistake("The weights are 0.99 and 0.01. Here they are 0.999 and 0.001.")
def weight_of_a_hundredth(loss, cur_loss):
    return 0.99 * loss + 0.01 * cur_loss


@smooth_loss.mistake("This is the current loss alone: nothing is smoothed.")
def not_smoothed(loss, cur_loss):
    return cur_loss


@smooth_loss.accept
def smooth_as_a_step(loss, cur_loss):
    return loss + 0.001 * (cur_loss - loss)


@smooth_loss.accept
def smooth_as_a_product(loss, cur_loss):
    return float(np.dot([0.999, 0.001], [loss, cur_loss]))


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
    points=2, topic=51, equation="(6.12) to (6.14)", returns=("loss", "gradients", "a_last", "parameters"),
    cases=optimize_cases,
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
    gradients = {name: np.clip(V, -max_value, max_value) for name, V in gradients.items()}  # (6.13)
    parameters = {name: V - learning_rate * gradients[f"d{name}"] for name, V in parameters.items()}  # (6.14)
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


@optimize.accept
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


@lesson.exercise(points=3, topic=51, equation="(6.16)", returns=("parameters", "losses"), cases=model_cases)
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
    losses : list of float
        The smoothed loss after each iteration; ``num_iterations`` numbers.
    """
    a0 = np.zeros((len(parameters["Waa"]), 1))
    loss = np.log(len(char_to_ix)) * np.mean([len(name) + 1 for name in names])  # (6.16)
    losses = []
    for j in range(num_iterations):
        X, Y = training_pair(names[j % len(names)], char_to_ix)
        cur_loss, _, _, parameters = optimize(X, Y, a0, parameters, learning_rate, max_value)
        loss = smooth_loss(loss, cur_loss)
        losses.append(loss)
    return parameters, losses


def trained(
    names, char_to_ix, parameters, num_iterations, learning_rate, max_value,
    carry=False, pair=training_pair, pick=None, smooth=smooth_loss, start=None, keep=True,
):  # fmt: skip
    """Return what a `model` gives that differs in one thing."""
    a = a0 = np.zeros((len(parameters["Waa"]), 1))
    loss = np.log(len(char_to_ix)) * np.mean([len(name) + 1 for name in names]) if start is None else start
    losses = []
    for j in range(num_iterations):
        X, Y = pair(names[j % len(names) if pick is None else pick(j)], char_to_ix)
        cur_loss, _, a, new = optimize(X, Y, a if carry else a0, parameters, learning_rate, max_value)
        parameters = new if keep else parameters
        loss = smooth(loss, cur_loss)
        losses.append(loss)
    return parameters, losses


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


@model.mistake("The running mean starts at 0. Start it at the loss of guessing, (6.16).")
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


@model.mistake("The losses come first. Return parameters, losses.")
def model_swapped(names, char_to_ix, parameters, num_iterations, learning_rate, max_value):
    return model(names, char_to_ix, parameters, num_iterations, learning_rate, max_value)[::-1]


@model.mistake("You stop after each name was read once. There are num_iterations steps, round and round.")
def one_round(names, char_to_ix, parameters, num_iterations, learning_rate, max_value):
    return trained(names, char_to_ix, parameters, min(num_iterations, len(names)), learning_rate, max_value)


@model.accept
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
    return [case(losses=rng.exponential(2.0, size)) for size in (1, 5, 12, 30)]


@lesson.exercise(points=1, topic=51, equation="(6.7)", cases=perplexity_cases)
def perplexity(losses):
    """Return the perplexity of a model.

    Parameters
    ----------
    losses : ndarray, shape (N,)
        -log ŷ of each right symbol, in nats.

    Returns
    -------
    float
        At least 1.
    """
    return np.exp(np.mean(losses))  # (6.7)


@perplexity.mistake("This is 2 to the power of the mean loss. Losses in natural logarithms go with the exponential.")
def power_of_two(losses):
    return 2 ** np.mean(losses)


@perplexity.mistake(
    "The losses are added up. Take their mean: the perplexity must not grow with the length of the text."
)
def of_the_sum(losses):
    return np.exp(np.sum(losses))


@perplexity.mistake("The exponential is inside the mean. First the mean of the losses, then one exponential.")
def mean_of_exponentials(losses):
    return np.mean(np.exp(losses))


@perplexity.mistake("The sign is turned: this is a mean probability, below 1. Losses are positive already.")
def sign_turned(losses):
    return np.exp(-np.mean(losses))


@perplexity.mistake("This is the mean loss itself. The exponential is missing.")
def mean_itself(losses):
    return np.mean(losses)


@perplexity.mistake("Each exponential is kept. Return one number for all symbols.")
def one_for_each(losses):
    return np.exp(losses)


@perplexity.mistake("This is the logarithm of the mean. The perplexity is its exponential.")
def logarithm_of_the_mean(losses):
    return np.log(np.mean(losses))


@perplexity.accept
def as_geometric_mean(losses):
    return float(np.prod(np.exp(losses) ** (1 / len(losses))))


@perplexity.accept
def by_a_sum(losses):
    total = 0.0
    for loss in losses:
        total += loss
    return np.e ** (total / len(losses))
