"""Lesson 5.5, bidirectional and deep networks: the catalogue of its seven exercises. Equations are those of the notebook."""

import numpy as np
from scipy.special import softmax

from helpers.exercises import Lesson, case
from helpers.widgets.bidirectional_and_deep import layer_backward, layer_forward

lesson = Lesson("bidirectional_and_deep")

lesson.predict(
    "window",
    'Network "right" has read all words up to the one that it labels. A logistic regression sees three words: the one '
    "before, the word, the one after. Which has the higher F1 of names, mean of five starts?",
    ("the network, by more than 0.02", "neither by more than 0.02", "the three words, by more than 0.02"),
    "Here the next word decides more often than any word further back, and the network has not read it.",
)
lesson.predict(
    "second_layer",
    'A second layer that reads to the right, too, is put on top of network "right". How does the share of right words '
    "change, mean of five starts?",
    ("it falls, or rises by less than 0.005", "it rises by 0.005 to 0.02", "it rises by more than 0.02"),
    'Depth shows the network no further word: at "teddy" both networks must give one number for both sentences.',
)
lesson.predict(
    "other",
    'Network "both" has an F1 near 1 on test sentences. What is its F1, mean of five starts, on 16 sentences written '
    "freely, with 10 names in them?",
    because="Training and test sentences share their patterns, and no part of the test has said what happens without them.",
)


def mask_for(T_x, lengths):
    """Return the mask (m, T_x) of sequences of these lengths."""
    return (np.arange(T_x) < np.array(lengths)[:, None]) * 1.0


def layer_for(rng, n_x, n_a):
    """Return random parameters of one recurrent layer."""
    return {
        "Wax": 0.6 * rng.normal(size=(n_a, n_x)),
        "Waa": 0.6 * rng.normal(size=(n_a, n_a)),
        "ba": rng.normal(size=(n_a, 1)),
    }


def output_of(a, parameters):
    """Return the softmax outputs of all steps for these states."""
    return softmax(np.tensordot(parameters["Wya"], a, axes=1) + parameters["by"][:, :, None], axis=0)


#: Small parameters and caches that one can follow by hand.
_ONE = {"Wax": np.array([[1.0]]), "Waa": np.array([[0.5]]), "ba": np.zeros((1, 1))}
_OUT = {"Wya": np.array([[0.0], [1.0]]), "by": np.zeros((2, 1))}
_WORDS = np.array([[[0.0, 1.0]]])
_STATES = {"right": np.array([[[0.0, 0.7616]]]), "left": np.array([[[0.7616, 0.3634]]])}  # the left one as it was read


# --- reverse_sequences -----------------------------------------------------------------------------------------------


def reverse_cases(rng):
    def one(n_x, T_x, *lengths):
        mask = mask_for(T_x, lengths)
        return case(x=rng.normal(size=(n_x, len(lengths), T_x)) * mask, mask=mask)

    silent = one(3, 6, 4, 6, 2)
    silent[1]["x"][:, 0, 3] = 0  # a real step whose features are all 0
    silent[1]["x"][:, 2, 0] = 0
    return [one(2, 5, 3, 5, 4, 2), one(3, 7, 4), silent, one(4, 1, 1, 1), one(2, 3, 1, 3)]


@lesson.exercise(
    points=2, topic=57, equation="(5.4)", cases=reverse_cases,
    ask="A sequence of length T has its real steps at 0 to T - 1. Which step stands at place 0 afterwards, and what "
    "happens to the places from T on?",
    small={"x": np.array([[[1.0, 2.0, 3.0], [4.0, 5.0, 0.0]]]), "mask": np.array([[1.0, 1.0, 1.0], [1.0, 1.0, 0.0]])},
)  # fmt: skip
def reverse_sequences(x, mask):
    """Reverse each sequence within its own length; the padding stays at the end.

    Parameters
    ----------
    x : ndarray, shape (n, m, T_x)
    mask : ndarray, shape (m, T_x)
        1 at real steps, 0 at padding, which stands at the end.

    Returns
    -------
    turned : ndarray, shape (n, m, T_x)
    """
    turned = x.copy()
    for i, T in enumerate(mask.sum(axis=1).astype(int)):
        turned[:, i, :T] = x[:, i, :T][:, ::-1]  # (5.4)
    return turned


def steps_read(mask):
    """Return the step that stands at each place after reversing, shape (m, T_x); at padding the step itself."""
    t = np.arange(mask.shape[1])
    return np.where(mask > 0, mask.sum(axis=1, keepdims=True).astype(int) - 1 - t, t)


def taken(x, steps):
    """Return x with these steps (m, T_x) at the places 0 to T_x - 1."""
    return np.take_along_axis(x, np.broadcast_to(steps, x.shape), axis=2)


def turned_by(x, lengths):
    """Return each sequence reversed within one of these lengths."""
    parts = [np.append(x[:, i, :T][:, ::-1], x[:, i, T:], axis=1) for i, T in enumerate(lengths)]
    return np.stack(parts, axis=1)


@reverse_sequences.mistake(
    "The whole array is turned, so the padding stands in front of the shorter sequences. Turn each sequence within its "
    "own length: `x[:, i, :T]`."
)
def whole_array_turned(x, mask):
    return x[:, :, ::-1].copy()


@reverse_sequences.mistake("The order of the examples is reversed. Time is the last axis: reverse that.")
def examples_turned(x, mask):
    if x.shape[1] == 1:
        return reverse_sequences(x, mask)
    return x[:, ::-1].copy()


@reverse_sequences.mistake("The order of the features is reversed. Time is the last axis: reverse that.")
def features_turned(x, mask):
    return x[::-1].copy()


@reverse_sequences.mistake("All sequences are turned as if they were as long as the first. Each has its own length.")
def length_of_the_first(x, mask):
    return turned_by(x, [int(mask[0].sum())] * len(mask))


@reverse_sequences.mistake(
    "Each sequence is turned without its last real word. A sequence of length T has steps 0 to T - 1."
)
def one_step_short(x, mask):
    return turned_by(x, mask.sum(axis=1).astype(int) - 1)


@reverse_sequences.mistake(
    "One step of padding is turned, too. A sequence of length T has the steps 0 to T - 1: `x[:, i, :T]`."
)
def one_step_long(x, mask):
    return turned_by(x, mask.sum(axis=1).astype(int) + 1)


@reverse_sequences.mistake(
    "The lengths are taken from x: a real step whose features are all 0 counts as padding. Take them from the mask."
)
def lengths_from_x(x, mask):
    return turned_by(x, np.any(x != 0, axis=0).sum(axis=1))


@reverse_sequences.mistake("Only the first example is turned. Do it for each example i.")
def first_example_only(x, mask):
    if x.shape[1] == 1:
        return reverse_sequences(x, mask)
    return np.concatenate([reverse_sequences(x, mask)[:, :1], x[:, 1:]], axis=1)


@reverse_sequences.mistake("Nothing is turned. Reverse the real steps of each sequence, `[:, ::-1]`.")
def nothing_turned(x, mask):
    return x.copy()


@reverse_sequences.mistake(
    "The sequences are moved to the end of the array, but each still runs in its old order. Leave the padding where it "
    "is and turn the real steps."
)
def moved_to_the_end(x, mask):
    return np.stack([np.roll(x[:, i], int(np.sum(mask[i] == 0)), axis=1) for i in range(len(mask))], axis=1)


@reverse_sequences.accept(
    "Which step stands where is worked out once, as an array of indices, and all examples are taken at once."
)
def turned_with_indices(x, mask):
    return taken(x, steps_read(mask))


@reverse_sequences.accept
def turned_with_fancy_indexing(x, mask):
    return x[:, np.arange(len(mask))[:, None], steps_read(mask)]


@reverse_sequences.accept
def turned_entry_by_entry(x, mask):
    turned = np.zeros(x.shape)
    for i in range(x.shape[1]):
        T = int(sum(mask[i]))
        for t in range(T):
            turned[:, i, t] = x[:, i, T - 1 - t]
    return turned


@reverse_sequences.accept("The whole array is turned, and each sequence is moved back to the front.")
def whole_array_turned_and_rolled(x, mask):
    """Turn everything and move each sequence back to the front."""
    back = -(mask.shape[1] - mask.sum(axis=1)).astype(int)
    return np.stack([np.roll(x[:, i, ::-1], shift, axis=1) for i, shift in enumerate(back)], axis=1)


# --- brnn_forward ----------------------------------------------------------------------------------------------------


def both_for(rng, n_x, n_a, n_y):
    """Return random parameters of a bidirectional network."""
    return {
        "right": layer_for(rng, n_x, n_a),
        "left": layer_for(rng, n_x, n_a),
        "Wya": rng.normal(size=(n_y, 2 * n_a)),
        "by": rng.normal(size=(n_y, 1)),
    }


def forward_cases(rng):
    def one(n_x, n_a, n_y, T_x, *lengths):
        mask = mask_for(T_x, lengths)
        x = rng.normal(size=(n_x, len(lengths), T_x)) * mask
        return case(x=x, mask=mask, parameters=both_for(rng, n_x, n_a, n_y))

    return [one(1, 2, 3, 4, 4, 2, 3), one(2, 3, 4, 3, 3), one(3, 1, 2, 1, 1, 1), one(2, 2, 2, 4, 2)]


@lesson.exercise(
    points=3, topic=57, equation="(5.5) to (5.8)", returns=("a", "y_pred", "caches"), cases=forward_cases,
    ask="The left layer reads reversed sequences, so its states come in the order of reading. What must be done with them "
    "before they can stand below the right states?",
    small={
        "x": _WORDS, "mask": np.ones((1, 2)),
        "parameters": {"right": _ONE, "left": _ONE, "Wya": np.array([[0.0, 0.0], [1.0, 1.0]]), "by": np.zeros((2, 1))},
    },
    why={
        "question": "Why are the states of the left layer reversed after it has run?",
        "choices": {
            "its first state belongs to the last word; stacked as it is, word 1 would get the state of the last word": "Yes: "
            "both halves of a column must belong to the same word.",
            "so that the padding stands at the end": "No: reversing within the length leaves the padding there anyway.",
            "the softmax needs them in the order of the words": "No: the softmax looks at one column at a time.",
        },
    },
)  # fmt: skip
def brnn_forward(x, mask, parameters):
    """Run a bidirectional network over whole sequences; both directions start from states 0.

    Parameters
    ----------
    x : ndarray, shape (n_x, m, T_x)
        Zeros at padding.
    mask : ndarray, shape (m, T_x)
        1 at real steps, 0 at padding.
    parameters : dict
        ``"right"`` and ``"left"``, each a dict of ``"Wax"`` (n_a, n_x), ``"Waa"`` (n_a, n_a), ``"ba"`` (n_a, 1);
        ``"Wya"`` (n_y, 2 n_a), ``"by"`` (n_y, 1).

    Returns
    -------
    a : ndarray, shape (2 n_a, m, T_x)
        The states of the layer that reads to the right, below them those of the layer that reads to the left, both in
        the order of the words; 0 at padding.
    y_pred : ndarray, shape (n_y, m, T_x)
        Softmax over the rows.
    caches : tuple
        The caches of both layers, and the mask.

    References
    ----------
    M. Schuster and K. K. Paliwal, "Bidirectional recurrent neural networks", 1997, doi:10.1109/78.650093.
    """
    a_right, cache_right = layer_forward(x, parameters["right"])  # (5.5)
    a_left, cache_left = layer_forward(reverse_sequences(x, mask), parameters["left"])  # (5.6)
    a = np.concatenate([a_right, reverse_sequences(a_left, mask)]) * mask  # (5.7)
    powers = np.exp(np.tensordot(parameters["Wya"], a, axes=1) + parameters["by"][:, :, None])
    y_pred = powers / powers.sum(axis=0)  # (5.8)
    return a, y_pred, (cache_right, cache_left, mask)


def flipped(x, mask):
    """Return the whole array turned, padding included: the usual slip."""
    return x[:, :, ::-1]


def untouched(x, mask):
    """Return x."""
    return x


def both_ways(x, mask, parameters, turn=None, back=None, left=None, stack=None, hide=True, output=output_of):
    """Return the results of a bidirectional network; options change one part."""
    turn, back = (
        turn or (lambda x, mask: taken(x, steps_read(mask))),
        back or (lambda x, mask: taken(x, steps_read(mask))),
    )
    a_right, cache_right = layer_forward(x, parameters["right"])
    a_left, cache_left = layer_forward(np.ascontiguousarray(turn(x, mask)), left or parameters["left"])
    a = (stack or (lambda *ways: np.vstack(ways)))(a_right, back(a_left, mask))
    if hide:
        a = np.where(mask > 0, a, 0)
    return a, output(a, parameters), (cache_right, cache_left, mask)


@brnn_forward.mistake(
    "The layer that reads to the left starts in the padding: you turn the whole array. Turn each sequence within its own "
    "length with `reverse_sequences`, before and after the layer."
)
def left_starts_in_the_padding(x, mask, parameters):
    return both_ways(x, mask, parameters, turn=flipped, back=flipped)


@brnn_forward.mistake(
    "Before the left layer you turn the whole array, so it starts in the padding. Turn each sequence within its own "
    "length with `reverse_sequences` there, as you do with its states."
)
def whole_array_turned_before_the_layer(x, mask, parameters):
    return both_ways(x, mask, parameters, turn=flipped)


@brnn_forward.mistake(
    "Both layers read to the right, so y_pred has two forward states and knows no later word. The second layer reads the "
    "reversed sequences."
)
def both_read_to_the_right(x, mask, parameters):
    return both_ways(x, mask, parameters, turn=untouched, back=untouched)


@brnn_forward.mistake(
    "The states of the left layer are not turned back. Its first state belongs to the last word: reverse them, too."
)
def states_not_turned_back(x, mask, parameters):
    return both_ways(x, mask, parameters, back=untouched)


@brnn_forward.mistake(
    "The states of the left layer are turned back over the whole array, and land at padding. Use `reverse_sequences` again."
)
def turned_back_over_the_whole_array(x, mask, parameters):
    return both_ways(x, mask, parameters, back=flipped)


@brnn_forward.mistake(
    'Both layers use `parameters["right"]`. The layer that reads to the left has weights of its own, `parameters["left"]`.'
)
def one_set_of_weights(x, mask, parameters):
    return both_ways(x, mask, parameters, left=parameters["right"])


@brnn_forward.mistake(
    "The left states stand above the right ones. The columns of Wya are for [right; left]: right states first."
)
def left_states_on_top(x, mask, parameters):
    return both_ways(x, mask, parameters, stack=lambda right, left: np.vstack([left, right]))


@brnn_forward.mistake("The states of the right layer are stacked twice. The lower half comes from the left layer.")
def right_states_twice(x, mask, parameters):
    return both_ways(x, mask, parameters, stack=lambda right, left: np.vstack([right, right]))


@brnn_forward.mistake("The states of both layers are added. Stack them: a has 2 n_a rows.")
def states_added(x, mask, parameters):
    def half(a, parameters):
        return output_of(a, parameters | {"Wya": parameters["Wya"][:, : len(a)]})

    return both_ways(x, mask, parameters, stack=lambda right, left: right + left, output=half)


@brnn_forward.mistake("At padding your states are not 0. Multiply a by the mask: nothing is read there.")
def padding_not_hidden(x, mask, parameters):
    return both_ways(x, mask, parameters, hide=False)


@brnn_forward.mistake(
    "y_pred comes from the right states alone. The output looks at both: Wya has a column for each of the 2 n_a states."
)
def output_from_the_right_only(x, mask, parameters):
    def right_only(a, parameters):
        return output_of(a[: len(a) // 2], parameters | {"Wya": parameters["Wya"][:, : len(a) // 2]})

    return both_ways(x, mask, parameters, output=right_only)


@brnn_forward.mistake("y_pred holds the scores. The softmax over the rows is missing.")
def scores_as_output(x, mask, parameters):
    def scores(a, parameters):
        return np.einsum("ya,amt->ymt", parameters["Wya"], a) + parameters["by"][:, :, None]

    return both_ways(x, mask, parameters, output=scores)


@brnn_forward.mistake("The bias `by` is missing in the scores.")
def without_output_bias(x, mask, parameters):
    return both_ways(x, mask, parameters, output=lambda a, p: output_of(a, p | {"by": 0 * p["by"]}))


@brnn_forward.mistake(
    "Your softmax adds up over all entries. Each example has at each step its own softmax: sum over the rows, `axis=0`."
)
def softmax_over_everything(x, mask, parameters):
    def shares(a, p):
        return softmax(np.tensordot(p["Wya"], a, axes=1) + p["by"][:, :, None])

    return both_ways(x, mask, parameters, output=shares)


@brnn_forward.mistake("Your softmax adds up over the examples, axis 1. Sum over the rows, `axis=0`.")
def softmax_over_the_examples(x, mask, parameters):
    def shares(a, p):
        return softmax(np.tensordot(p["Wya"], a, axes=1) + p["by"][:, :, None], axis=1)

    return both_ways(x, mask, parameters, output=shares)


@brnn_forward.mistake("Your softmax adds up over time. Sum over the rows, `axis=0`: one softmax for each word.")
def softmax_over_time(x, mask, parameters):
    def shares(a, p):
        return softmax(np.tensordot(p["Wya"], a, axes=1) + p["by"][:, :, None], axis=2)

    return both_ways(x, mask, parameters, output=shares)


@brnn_forward.accept
def with_index_arrays(x, mask, parameters):
    return both_ways(x, mask, parameters)


@brnn_forward.accept(
    "The output weights are cut into two blocks of columns, one for each direction: nothing is stacked for the scores."
)
def with_einsum_and_two_blocks_of_weights(x, mask, parameters):
    a, _, caches = both_ways(x, mask, parameters)
    n_a = len(a) // 2
    W = parameters["Wya"]
    scores = np.einsum("ya,amt->ymt", W[:, :n_a], a[:n_a]) + np.einsum("ya,amt->ymt", W[:, n_a:], a[n_a:])
    scores = scores + parameters["by"].reshape(-1, 1, 1)
    e = np.exp(scores - scores.max(axis=0, keepdims=True))
    return a, e / np.sum(e, axis=0, keepdims=True), caches


@brnn_forward.accept
def step_by_step_into_zeros(x, mask, parameters):
    caches = both_ways(x, mask, parameters)[2]
    n_a, m, T_x = caches[0][0].shape
    a = np.zeros((2 * n_a, m, T_x))
    y_pred = np.zeros((len(parameters["by"]), m, T_x))
    for i in range(m):
        T = int(mask[i].sum())
        for t in range(T_x):
            if t < T:
                a[:n_a, i, t] = caches[0][0][:, i, t]
                a[n_a:, i, t] = caches[1][0][:, i, T - 1 - t]
            y_pred[:, i, t] = softmax(parameters["Wya"] @ a[:, i, t] + parameters["by"][:, 0])
    return a, y_pred, caches


# --- brnn_backward ---------------------------------------------------------------------------------------------------


def backward_cases(rng):
    def one(n_x, n_a, T_x, *lengths):
        mask = mask_for(T_x, lengths)
        x = rng.normal(size=(n_x, len(lengths), T_x)) * mask
        caches = brnn_forward(x, mask, both_for(rng, n_x, n_a, 2))[2]
        return case(da=rng.normal(size=(2 * n_a, len(lengths), T_x)), caches=caches)

    return [one(1, 2, 4, 4, 2, 3), one(2, 3, 3, 3), one(3, 1, 1, 1, 1), one(2, 2, 4, 2)]


@lesson.exercise(
    points=4, topic=57, equation="(5.9) to (5.11)", cases=backward_cases, backward=True,
    ask="On the way forward the left layer had its input reversed and its output reversed. What is reversed on the way "
    "back, and where?",
    small={
        "da": np.array([[[0.0, 0.0]], [[1.0, 0.0]]]),
        "caches": (
            (_STATES["right"], _WORDS, _ONE), (_STATES["left"], _WORDS[:, :, ::-1].copy(), _ONE), np.ones((1, 2)),
        ),
    },
    why={
        "question": "Why are the two parts of dx added?",
        "choices": {
            "each word is read by both layers, and the chain rule adds what comes along both paths": "Yes: both are paths "
            "from the same word to the cost.",
            "because the states of both layers were added": "No: they were stacked. What they share is the word they read.",
            "to get the mean of both directions": "No: a sum, without a factor.",
        },
    },
)  # fmt: skip
def brnn_backward(da, caches):
    """Send the gradients back through a bidirectional network. Each ``dV`` is the derivative of the cost J by V.

    Parameters
    ----------
    da : ndarray, shape (2 n_a, m, T_x)
        What arrives at the stacked states; what stands at padding means nothing.
    caches : tuple
        From `brnn_forward`.

    Returns
    -------
    gradients : dict
        ``"dx"`` (n_x, m, T_x); ``"right"`` and ``"left"``, each a dict of ``"dWax"``, ``"dWaa"``, ``"dba"``.
    """
    cache_right, cache_left, mask = caches
    n_a = len(da) // 2
    da = da * mask  # (5.9)
    right = layer_backward(da[:n_a], cache_right)
    left = layer_backward(reverse_sequences(da[n_a:], mask), cache_left)  # (5.10)
    dx = right.pop("dx") + reverse_sequences(left.pop("dx"), mask)  # (5.11)
    return {"dx": dx, "right": right, "left": left}


def both_back(da, caches, hide=True, turn=None, back=None, swap=False, join=np.add, scale=1.0, keep=None):
    """Return the gradients of a bidirectional network; options change one part."""
    cache_right, cache_left, mask = caches
    turn, back = (
        turn or (lambda x, mask: taken(x, steps_read(mask))),
        back or (lambda x, mask: taken(x, steps_read(mask))),
    )
    halves = np.split(np.where(mask > 0, da, 0) if hide else da, 2)
    upper, lower = halves[::-1] if swap else halves
    right = layer_backward(upper, cache_right)
    left = layer_backward(turn(lower, mask), cache_left)
    gradients = {"dx": join(right["dx"], back(left["dx"], mask))}
    for way, found in (("right", right), ("left", left)):
        gradients[way] = {name: scale * dV for name, dV in found.items() if name != "dx"}
    return gradients


@brnn_backward.mistake("dx has the part of the right layer alone. Each word is read by both layers: add both parts.")
def dx_of_the_right_only(da, caches):
    return both_back(da, caches, join=lambda right, left: right)


@brnn_backward.mistake("dx has the part of the left layer alone. Each word is read by both layers: add both parts.")
def dx_of_the_left_only(da, caches):
    return both_back(da, caches, join=lambda right, left: left)


@brnn_backward.mistake(
    "The left layer's part of dx is not turned back. The layer has read the reversed words, so its gradients are in that "
    "order: reverse them before you add."
)
def dx_not_turned_back(da, caches):
    return both_back(da, caches, back=untouched)


@brnn_backward.mistake(
    "The gradients of the left states are not turned. The layer made these states in reversed order: reverse the lower "
    "half of da first."
)
def da_not_turned(da, caches):
    return both_back(da, caches, turn=untouched)


@brnn_backward.mistake("Nothing is turned on the way back. Reverse the lower half of da, and the left part of dx.")
def nothing_turned_on_the_way_back(da, caches):
    return both_back(da, caches, turn=untouched, back=untouched)


@brnn_backward.mistake(
    "The whole arrays are turned, so gradients of real words land at padding. Use `reverse_sequences` with the mask."
)
def gradients_turned_over_the_whole_array(da, caches):
    return both_back(da, caches, turn=flipped, back=flipped)


@brnn_backward.mistake(
    "Padding sends gradients. The forward pass multiplied a by the mask, so da is multiplied by the mask, too."
)
def padding_sends(da, caches):
    return both_back(da, caches, hide=False)


@brnn_backward.mistake(
    "Padding sends gradients into the right layer. Multiply the whole of da by the mask before you split it."
)
def padding_sends_to_the_right_layer(da, caches):
    def turn(lower, mask):
        return taken(np.where(mask > 0, lower, 0), steps_read(mask))

    return both_back(da, caches, hide=False, turn=turn)


@brnn_backward.mistake(
    "The halves of da are swapped. The upper half belongs to the right layer, the lower to the left."
)
def halves_swapped(da, caches):
    return both_back(da, caches, swap=True)


@brnn_backward.mistake('The gradients of the weights are under the wrong names: "right" and "left" are swapped.')
def names_swapped(da, caches):
    gradients = both_back(da, caches)
    return {"dx": gradients["dx"], "right": gradients["left"], "left": gradients["right"]}


@brnn_backward.mistake("The left part of dx is subtracted. Both layers read the same words: add.")
def parts_subtracted(da, caches):
    return both_back(da, caches, join=np.subtract)


@brnn_backward.mistake("dx is the mean of both parts. The chain rule adds them up.")
def mean_of_both_parts(da, caches):
    return both_back(da, caches, join=lambda right, left: (right + left) / 2)


@brnn_backward.mistake(
    "The gradients of the weights are divided by the number of directions. Each layer has weights of its own: no factor."
)
def divided_by_two(da, caches):
    return both_back(da, caches, scale=0.5)


@brnn_backward.accept
def both_back_with_index_arrays(da, caches):
    return both_back(da, caches)


@brnn_backward.accept(
    "Each direction is sent back by itself with zeros in the other half, and the parts of dx are added."
)
def both_back_one_direction_at_a_time(da, caches):
    """Send the upper half back with zeros below, then the lower half with zeros above, and add up dx."""
    n_a = da.shape[0] // 2
    upper, lower = da.copy(), da.copy()
    upper[n_a:], lower[:n_a] = 0, 0
    one, other = both_back(upper, caches), both_back(lower, caches)
    return {"dx": one["dx"] + other["dx"], "right": one["right"], "left": other["left"]}


@brnn_backward.accept
def both_back_example_by_example(da, caches):
    """Cut each example at its own end, so that no mask is needed, and add up."""
    (a_right, x, p_right), (a_left, x_left, p_left), mask = caches
    dx, total = np.zeros_like(x), None
    n_a = len(a_right)
    for i in range(x.shape[1]):
        own = slice(0, int(mask[i].sum()))
        right = layer_backward(da[:n_a, [i], own], (a_right[:, [i], own], x[:, [i], own], p_right))
        left = layer_backward(da[n_a:, [i], own][:, :, ::-1], (a_left[:, [i], own], x_left[:, [i], own], p_left))
        dx[:, [i], own] = right.pop("dx") + left.pop("dx")[:, :, ::-1]
        parts = {"right": right, "left": left}
        total = parts if total is None else {
            way: {name: total[way][name] + dV for name, dV in parts[way].items()} for way in parts
        }  # fmt: skip
    return {"dx": dx, **total}


# --- deep_rnn_forward ------------------------------------------------------------------------------------------------


def deep_for(rng, n_x, sizes, n_y):
    """Return random parameters of a deep network with layers of these sizes."""
    layers = [layer_for(rng, before, n_a) for before, n_a in zip([n_x, *sizes], sizes, strict=False)]
    return {"layers": layers, "Wya": rng.normal(size=(n_y, sizes[-1])), "by": rng.normal(size=(n_y, 1))}


def deep_cases(rng):
    def one(n_x, sizes, n_y, m, T_x):
        return case(x=rng.normal(size=(n_x, m, T_x)), parameters=deep_for(rng, n_x, sizes, n_y))

    # Equal sizes first, so that layers taken for one another are named; then sizes that all differ.
    return [one(2, [2, 2, 2], 3, 3, 4), one(3, [1, 2], 4, 2, 3), one(1, [2, 3, 4], 2, 1, 2), one(2, [3, 1], 2, 4, 1),
            one(3, [2], 2, 1, 2)]  # fmt: skip


@lesson.exercise(
    points=2, topic=58, equation="(5.14) and (5.15)", returns=("a", "y_pred", "caches"), cases=deep_cases,
    ask="What does layer 2 read in the place of the words?",
    small={"x": _WORDS, "parameters": {"layers": [_ONE, _ONE], **_OUT}},
)  # fmt: skip
def deep_rnn_forward(x, parameters):
    """Run a deep recurrent network over whole sequences; all layers start from states 0.

    Parameters
    ----------
    x : ndarray, shape (n_x, m, T_x)
    parameters : dict
        ``"layers"``, a list of L dicts, the lowest layer first, each of ``"Wax"`` (n_a[l], n_a[l-1]), ``"Waa"``
        (n_a[l], n_a[l]), ``"ba"`` (n_a[l], 1); ``"Wya"`` (n_y, n_a[L]), ``"by"`` (n_y, 1).

    Returns
    -------
    a : ndarray, shape (n_a[L], m, T_x)
        The states of the top layer.
    y_pred : ndarray, shape (n_y, m, T_x)
        Softmax over the rows.
    caches : list
        The caches of the layers, the lowest first.
    """
    a, caches = x, []
    for layer in parameters["layers"]:
        a, cache = layer_forward(a, layer)  # (5.14)
        caches.append(cache)
    powers = np.exp(np.tensordot(parameters["Wya"], a, axes=1) + parameters["by"][:, :, None])
    return a, powers / powers.sum(axis=0), caches  # (5.15)


def stacked(x, parameters, layers=None, between=lambda a: a, output=output_of):
    """Return the results of a deep network with other layers, or with something done between two layers."""
    a, caches = x, []
    for number, layer in enumerate(layers or parameters["layers"]):
        a, cache = layer_forward(between(a) if number else a, layer)
        caches.append(cache)
    return a, output(a, parameters), caches


def fit(layers, n_x, top):
    """Return whether these layers fit onto one another, onto x, and under the output."""
    sizes = [n_x, *(len(layer["Waa"]) for layer in layers)]
    return sizes[-1] == top and all(layer["Wax"].shape[1] == n for layer, n in zip(layers, sizes, strict=False))


def where_they_fit(x, parameters, layers):
    """Return the results with these layers where the sizes allow it, else the right ones."""
    fits = layers and fit(layers, len(x), parameters["Wya"].shape[1])
    return stacked(x, parameters, layers if fits else None)


@deep_rnn_forward.mistake(
    "Every layer uses the weights of the first. Each layer has its own: take the entry of the loop."
)
def weights_of_the_first_layer(x, parameters):
    return where_they_fit(x, parameters, parameters["layers"][:1] * len(parameters["layers"]))


@deep_rnn_forward.mistake('The layers are in the wrong order. `parameters["layers"]` has the lowest first.')
def layers_from_the_top(x, parameters):
    return where_they_fit(x, parameters, parameters["layers"][::-1])


@deep_rnn_forward.mistake("The top layer is missing. There are L layers; the output comes after the last of them.")
def top_layer_missing(x, parameters):
    return where_they_fit(x, parameters, parameters["layers"][:-1])


@deep_rnn_forward.mistake("The lowest layer is missing. The first entry of the list is a recurrent layer, too.")
def lowest_layer_missing(x, parameters):
    return where_they_fit(x, parameters, parameters["layers"][1:])


@deep_rnn_forward.mistake(
    "Each layer reads x. Layer l reads the states of layer l - 1: pass on what the layer below returns."
)
def every_layer_reads_x(x, parameters):
    right = stacked(x, parameters)
    if any(layer["Wax"].shape[1] != len(x) for layer in parameters["layers"]):
        return right
    caches = [layer_forward(x, layer)[1] for layer in parameters["layers"]]
    return caches[-1][0], output_of(caches[-1][0], parameters), caches


@deep_rnn_forward.mistake("`a` has the states of the lowest layer. Return those of the top layer.")
def states_of_the_lowest_layer(x, parameters):
    _, y_pred, caches = stacked(x, parameters)
    return caches[0][0], y_pred, caches


@deep_rnn_forward.mistake("y_pred comes from the lowest layer's states. The output stands on top of the last layer.")
def output_from_the_lowest_layer(x, parameters):
    a, y_pred, caches = stacked(x, parameters)
    return a, (output_of(caches[0][0], parameters) if len(caches[0][0]) == len(a) else y_pred), caches


@deep_rnn_forward.mistake(
    "A tanh stands between two layers. The states are made with tanh already: pass them on as they are."
)
def another_tanh_between(x, parameters):
    return stacked(x, parameters, between=np.tanh)


@deep_rnn_forward.mistake(
    "The states of a layer are passed on one step late. Layer l reads at step t what layer l - 1 has made at step t."
)
def one_step_late(x, parameters):
    def late(a):
        return np.concatenate([np.zeros_like(a[:, :, :1]), a[:, :, :-1]], axis=2)

    return stacked(x, parameters, between=late)


@deep_rnn_forward.mistake("A layer reads the states of the layer below in reversed order. Leave the order of time.")
def reversed_between(x, parameters):
    return stacked(x, parameters, between=lambda a: a[:, :, ::-1])


@deep_rnn_forward.mistake(
    "The layer above gets only the last states. It reads all T_x states, at each step those of that step."
)
def last_states_between(x, parameters):
    return stacked(x, parameters, between=lambda a: np.repeat(a[:, :, -1:], a.shape[2], axis=2))


@deep_rnn_forward.mistake("The list of caches has the top layer first. Append them as you go up.")
def caches_from_the_top(x, parameters):
    a, y_pred, caches = stacked(x, parameters)
    return a, y_pred, caches[::-1]


@deep_rnn_forward.mistake("y_pred holds the scores: the softmax over the rows is missing.")
def deep_scores_as_output(x, parameters):
    def scores(a, parameters):
        return np.einsum("ya,amt->ymt", parameters["Wya"], a) + parameters["by"][:, :, None]

    return stacked(x, parameters, output=scores)


@deep_rnn_forward.mistake("Your softmax adds up over all entries of the array. Sum over the rows only, `axis=0`.")
def deep_softmax_over_everything(x, parameters):
    return stacked(x, parameters, output=lambda a, p: softmax(np.tensordot(p["Wya"], a, axes=1) + p["by"][:, :, None]))


@deep_rnn_forward.mistake("Your softmax adds up over the examples, axis 1. Sum over the rows, `axis=0`.")
def deep_softmax_over_the_examples(x, parameters):
    return stacked(
        x, parameters, output=lambda a, p: softmax(np.tensordot(p["Wya"], a, axes=1) + p["by"][:, :, None], axis=1)
    )


@deep_rnn_forward.accept
def deep_by_the_rule(x, parameters):
    return stacked(x, parameters)


@deep_rnn_forward.accept("All layers at one step, then the next step: the same numbers in another order.")
def deep_step_by_step(x, parameters):
    """All layers at one step, then the next step: the same, in another order."""
    layers, m = parameters["layers"], x.shape[1]
    states = [np.zeros((len(p["Waa"]), m)) for p in layers]
    inputs, made = [[] for _ in layers], [[] for _ in layers]
    for t in range(x.shape[2]):
        below = x[:, :, t]
        for level, p in enumerate(layers):
            inputs[level].append(below)
            both = np.hstack([p["Waa"], p["Wax"]]) @ np.vstack([states[level], below])
            below = states[level] = np.tanh(both + p["ba"])
            made[level].append(below)
    caches = [(np.dstack(a), np.dstack(read), p) for a, read, p in zip(made, inputs, layers, strict=True)]
    return caches[-1][0], output_of(caches[-1][0], parameters), caches


@deep_rnn_forward.accept("A network of L layers is one of L - 1 layers with one more on top.")
def deep_by_recursion(x, parameters):
    def below(level):
        if level < 0:
            return x, []
        a, caches = below(level - 1)
        a, cache = layer_forward(a, parameters["layers"][level])
        return a, [*caches, cache]

    a, caches = below(len(parameters["layers"]) - 1)
    e = np.exp(np.einsum("ya,amt->ymt", parameters["Wya"], a) + parameters["by"][..., None])
    return a, e / np.sum(e, axis=0, keepdims=True), caches


# --- deep_rnn_backward -----------------------------------------------------------------------------------------------


def deep_backward_cases(rng):
    def one(n_x, sizes, T_x, *lengths):
        mask = mask_for(T_x, lengths)
        x = rng.normal(size=(n_x, len(lengths), T_x)) * mask
        caches = deep_rnn_forward(x, deep_for(rng, n_x, sizes, 2))[2]
        return case(da=rng.normal(size=(sizes[-1], len(lengths), T_x)) * mask, caches=caches)

    return [one(2, [2, 2, 2], 4, 4, 3, 1), one(3, [1, 2], 4, 4, 1), one(1, [2, 3, 4], 2, 2), one(2, [3, 1], 1, 1, 1),
            one(3, [2], 3, 2, 3)]  # fmt: skip


@lesson.exercise(
    points=4, topic=58, equation="(5.17) and (5.18)", cases=deep_backward_cases, backward=True,
    ask="Only one layer gets da from the outputs. Which one, and what arrives at the layer below it?",
    small={
        "da": np.ones((1, 1, 1)),
        "caches": [
            (np.array([[[0.7616]]]), np.ones((1, 1, 1)), _ONE), (np.array([[[0.642]]]), np.array([[[0.7616]]]), _ONE),
        ],
    },
)  # fmt: skip
def deep_rnn_backward(da, caches):
    """Send the gradients back through a deep recurrent network. Each ``dV`` is the derivative of the cost J by V.

    Parameters
    ----------
    da : ndarray, shape (n_a[L], m, T_x)
        What the outputs send to the states of the top layer; 0 at padding.
    caches : list
        From `deep_rnn_forward`.

    Returns
    -------
    gradients : dict
        ``"dx"`` (n_x, m, T_x); ``"layers"``, a list of dicts of ``"dWax"``, ``"dWaa"``, ``"dba"``, the lowest first.
    """
    layers = []
    for cache in reversed(caches):
        gradients = layer_backward(da, cache)  # (5.17)
        da = gradients.pop("dx")  # (5.18)
        layers.append(gradients)
    return {"dx": da, "layers": layers[::-1]}


def down(da, caches, order=None, through=lambda dx, arrived: dx, scale=1.0):
    """Return the gradients on the way down; ``through(dx, arrived)`` is what the layer below gets."""
    layers = [None] * len(caches)
    for level in order or range(len(caches) - 1, -1, -1):
        gradients = layer_backward(da, caches[level])
        da = through(gradients.pop("dx"), da)
        layers[level] = {name: scale * dV for name, dV in gradients.items()}
    return {"dx": da, "layers": layers}


def same_sizes(caches):
    """Return whether x and all layers have the same number of rows."""
    return len({len(part) for a, x, _ in caches for part in (a, x)}) == 1


@deep_rnn_backward.mistake(
    "Every layer gets the da of the top. What arrives at layer l - 1 is the dx that layer l sends down."
)
def da_for_every_layer(da, caches):
    if not same_sizes(caches):
        return down(da, caches)
    found = [layer_backward(da, cache) for cache in caches]
    return {"dx": found[0].pop("dx"), "layers": [{n: dV for n, dV in g.items() if n != "dx"} for g in found]}


@deep_rnn_backward.mistake(
    "da is added at each layer. Only the top layer has outputs: the others get nothing but the dx from above."
)
def da_added_at_each_layer(da, caches):
    return down(da, caches, through=lambda dx, arrived: dx + arrived if dx.shape == arrived.shape else dx)


@deep_rnn_backward.mistake("You go up from the lowest layer. Gradients come from the top: `reversed(caches)`.")
def from_the_lowest_layer(da, caches):
    return down(da, caches, order=range(len(caches)) if same_sizes(caches) else None)


@deep_rnn_backward.mistake(
    'The da of the top goes into every layer. Hand down what the layer above sends: `da = gradients.pop("dx")`.'
)
def dx_not_handed_down(da, caches):
    return down(da, caches, through=lambda dx, arrived: arrived) | {"dx": layer_backward(da, caches[0])["dx"]}


@deep_rnn_backward.mistake(
    "Your loop begins with the lowest layer, whose states have other sizes than da. da belongs to the top: walk "
    "`reversed(caches)`."
)
def up_from_the_bottom(da, caches):
    return down(da, caches, order=range(len(caches)))


@deep_rnn_backward.mistake('The list "layers" has the top layer first. Turn it: the lowest layer comes first.')
def layers_in_reversed_order(da, caches):
    gradients = down(da, caches)
    return {"dx": gradients["dx"], "layers": gradients["layers"][::-1]}


@deep_rnn_backward.mistake('"dx" is what the top layer sends down. It must have come through all layers.')
def dx_of_the_top_layer(da, caches):
    return {"dx": layer_backward(da, caches[-1])["dx"], "layers": down(da, caches)["layers"]}


@deep_rnn_backward.mistake(
    "A slope of tanh is multiplied in between two layers. `layer_backward` has it already: pass dx on as it is."
)
def slope_twice(da, caches):
    steps = iter(caches[-2::-1])

    def through(dx, arrived):
        below = next(steps, None)
        return dx if below is None else dx * (1 - below[0] ** 2)

    return down(da, caches, through=through)


@deep_rnn_backward.mistake(
    "Only the gradient of the last step goes down to the layer below. All T_x steps send: pass on the whole array."
)
def last_step_only(da, caches):
    steps = iter(range(len(caches) - 1, -1, -1))

    def through(dx, arrived):
        cut = np.zeros_like(dx)
        cut[:, :, -1] = dx[:, :, -1]
        return cut if next(steps) else dx

    return down(da, caches, through=through)


@deep_rnn_backward.mistake(
    "The order of time is turned between two layers. Pass dx on as it is: step t sends to step t."
)
def time_turned_between(da, caches):
    return down(da, caches, through=lambda dx, arrived: dx[:, :, ::-1])


@deep_rnn_backward.mistake("The gradients are divided by the number of layers. The chain rule has no such factor.")
def divided_by_layers(da, caches):
    return down(da, caches, scale=1 / len(caches))


@deep_rnn_backward.mistake(
    "The gradients of the weights are divided by m. The factor 1/m is already in what arrives: add up."
)
def divided_by_m(da, caches):
    return down(da, caches, scale=1 / da.shape[1])


@deep_rnn_backward.accept
def down_by_the_rule(da, caches):
    return down(da, caches)


@deep_rnn_backward.accept("The top layer goes back, and the rest is the same task with one layer less.")
def down_by_recursion(da, caches):
    *below, top = caches
    one = layer_backward(da, top)
    rest = down_by_recursion(one["dx"], below) if below else {"dx": one["dx"], "layers": []}
    return {"dx": rest["dx"], "layers": [*rest["layers"], {name: one[name] for name in ("dWax", "dWaa", "dba")}]}


@deep_rnn_backward.accept
def down_with_inserting(da, caches):
    gradients = {"layers": [], "dx": da}
    for level in range(len(caches))[::-1]:
        found = layer_backward(gradients["dx"], caches[level])
        gradients["dx"] = found["dx"]
        gradients["layers"].insert(0, found)  # more entries than asked for
    return gradients


# --- find_entities ---------------------------------------------------------------------------------------------------


def labels_cases(rng):
    def made(*runs):
        return case(y=np.repeat(np.arange(len(runs)) % 2, runs))

    def some(count):
        return [int(n) for n in rng.integers(1, 5, count)]

    return [
        case(y=np.array([1, 1, 0, 0, 0])),
        made(*some(2), 1, 2, 2, 1, 3),
        made(0, 2, *some(5)),  # a name at the start and one at the end
        made(*some(8)),
        made(*some(11)),
        made(3, 1),
        made(0, 1 + int(rng.integers(1, 9))),
        made(int(rng.integers(2, 9))),
    ]


@lesson.exercise(
    points=2, topic=61, equation="(5.20)", cases=labels_cases,
    ask="A run that reaches the last word has no 0 behind it. How does your loop close it?",
    small={"y": np.array([0, 1, 1])},
)  # fmt: skip
def find_entities(y):
    """Return where the names of one sentence are: the runs of label 1.

    Parameters
    ----------
    y : ndarray of int, shape (T,)
        1 for a word of a name, else 0.

    Returns
    -------
    entities : list of tuple
        ``(start, end)`` for each run, in order: its first word, and the first word after it.
    """
    entities, start = [], None
    for t, label in enumerate([*y, 0]):  # the 0 ends a run at the last word
        if label and start is None:
            start = t
        elif not label and start is not None:
            entities.append((start, t))
            start = None
    return entities


def runs_of(y, value=1):
    """Return the runs of this label, from the places where the labels change."""
    padded = np.concatenate([[False], np.asarray(y) == value, [False]])
    edges = np.flatnonzero(padded[1:] != padded[:-1]).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))


@find_entities.mistake("`end` is the last word of the name. Return the first word after it, as a slice wants it.")
def end_included(y):
    return [(start, end - 1) for start, end in runs_of(y)]


@find_entities.mistake("Each word is a name of its own. Words of label 1 in a row are one name.")
def each_word_by_itself(y):
    return [(t, t + 1) for t in np.flatnonzero(y).tolist()]


@find_entities.mistake("A name at the end of the sentence is lost. After the loop, a run may still be open.")
def last_run_lost(y):
    return [run for run in runs_of(y) if run[1] < len(y)]


@find_entities.mistake("A name at the start of the sentence is lost. A run may begin at word 0.")
def first_run_lost(y):
    return [run for run in runs_of(y) if run[0] > 0]


@find_entities.mistake("Names of one word are lost. A single 1 between zeros is a name, too.")
def single_words_lost(y):
    return [(start, end) for start, end in runs_of(y) if end > start + 1]


@find_entities.mistake("These are the runs of label 0. A name is a run of label 1.")
def runs_of_zeros(y):
    return runs_of(y, 0)


@find_entities.mistake("Only the first name is found. A sentence may have several.")
def first_name_only(y):
    return runs_of(y)[:1]


@find_entities.mistake("The second number is the length of the name. Return the first word after it.")
def start_and_length(y):
    return [(start, end - start) for start, end in runs_of(y)]


@find_entities.mistake("All words from the first name to the last are one entity. A 0 between them ends a name.")
def from_first_to_last(y):
    runs = runs_of(y)
    return [(runs[0][0], runs[-1][1])] if runs else []


@find_entities.mistake("Words are counted from 1. Count them from 0, as Python does.")
def counted_from_one(y):
    return [(start + 1, end + 1) for start, end in runs_of(y)]


@find_entities.accept("Runs begin and end where the label changes: every second change is a start.")
def where_labels_change(y):
    return runs_of(y)


@find_entities.accept("itertools.groupby cuts the labels into runs of equal ones.")
def with_groupby(y):
    from itertools import groupby

    found, t = [], 0
    for label, group in groupby(y.tolist()):
        n = len(list(group))
        if label:
            found.append((t, t + n))
        t += n
    return found


@find_entities.accept
def starts_and_ends(y):
    T = len(y)
    starts = [t for t in range(T) if y[t] == 1 and (t == 0 or y[t - 1] == 0)]
    ends = [t + 1 for t in range(T) if y[t] == 1 and (t == T - 1 or y[t + 1] == 0)]
    return [[start, end] for start, end in zip(starts, ends, strict=True)]


# --- f1_entities -----------------------------------------------------------------------------------------------------


def f1_cases(rng):
    def one(rows, answers):
        """Rows are texts such as "01100--"; each - is padding, where labels and answers mean nothing."""
        mask = np.array([[label != "-" for label in row] for row in rows]) * 1.0
        y, y_hat = (
            np.array([[int(rng.integers(2)) if t == "-" else int(t) for t in row] for row in text])
            for text in (rows, answers)
        )
        return case(y=y, y_hat=y_hat, mask=mask)

    def drawn(m, T):
        y = np.repeat(rng.integers(0, 2, (m, T)), 2, axis=1)
        y[0, :2], y[0, 2:4], y[1, :2], y[-1, -2:] = 1, 0, 1, 1
        y_hat = np.where(rng.random(y.shape) < 0.15, 1 - y, y)
        y_hat[0, :4] = [1, 1, 0, 1]
        y_hat[1, 0] = 0  # a name of which only the second word is found
        y_hat[-1, -2:] = 1, 1
        lengths = rng.integers(4, 2 * T, m)
        lengths[-1] = 2 * T
        return case(y=y, y_hat=y_hat, mask=mask_for(2 * T, lengths))

    return [
        one(["11000--", "0011010", "1------"], ["11000--", "0010010", "1------"]),
        one(["0110110----", "00110001101", "01010101---"], ["0110110----", "01110001101", "01110100---"]),
        drawn(5, 4),
        drawn(4, 5),
        one(["0000", "000-"], ["0000", "000-"]),
        one(["0110"], ["0000"]),
        one(["1"], ["1"]),
        one(["110000", "11001-"], ["110011", "00101-"]),
        one(["01100", "11000"], ["11000", "01101"]),  # the same places, in the other sentence
        one(["0011", "1000", "01--", "1000"], ["0011", "0000", "01--", "1000"]),  # names at ends of whole rows
    ]


@lesson.exercise(
    points=3, topic=61, equation="(5.22)", returns=("F1",), cases=f1_cases,
    ask="The same pair of places in two different sentences is not the same name. How do you keep the sentences apart, and "
    "what is at padding?",
    small={"y": np.array([[1, 1, 0], [0, 1, 1]]), "y_hat": np.array([[1, 1, 0], [0, 1, 0]]), "mask": np.ones((2, 3))},
)  # fmt: skip
def f1_entities(y, y_hat, mask):
    """Return the entity F1 of answers: a name counts as found where its first and its last word are right.

    Parameters
    ----------
    y, y_hat : ndarray of int, shape (m, T_x)
        Labels and answers, 1 for a word of a name, else 0; what stands at padding means nothing.
    mask : ndarray, shape (m, T_x)
        1 at real steps, 0 at padding.

    Returns
    -------
    F1 : float
        2 TP / (2 TP + FP + FN) over the names of all sentences; 0 where there is no name and none is answered.
    """
    TP = names = answered = 0
    for i, T in enumerate(mask.sum(axis=1).astype(int)):
        real, found = find_entities(y[i, :T]), find_entities(y_hat[i, :T])
        TP += len(set(real) & set(found))
        names += len(real)
        answered += len(found)
    return 2 * TP / (names + answered) if TP else 0.0  # (5.22)


def numbered(y, mask, find=runs_of):
    """Return the set of all names, each with the number of its sentence."""
    return {(i, *run) for i, row in enumerate(y) for run in find(np.where(mask[i] > 0, row, 0))}


def f1_of(real, found):
    """Return F1 from two sets."""
    return 2 * len(real & found) / max(1, len(real) + len(found))


@f1_entities.mistake("These are single words, not names. Compare whole runs: first word and last word must be right.")
def f1_of_words(y, y_hat, mask):
    real, found = (numbered(rows, mask, each_word_by_itself) for rows in (y, y_hat))
    return f1_of(real, found)


@f1_entities.mistake("This is the share of right words. It counts all the words that are no names.")
def accuracy_of_words(y, y_hat, mask):
    return float(np.sum((y == y_hat) * mask) / np.sum(mask))


@f1_entities.mistake("Padding is counted: runs at padded steps are no names. Cut each row at its own length.")
def padding_counted(y, y_hat, mask):
    return f1_of(numbered(y, np.ones_like(mask)), numbered(y_hat, np.ones_like(mask)))


@f1_entities.mistake(
    "All sentences are read as one: a name at the end of one and a name at the start of the next become a single run. Find "
    "the names of each row by itself."
)
def sentences_joined(y, y_hat, mask):
    real, found = ({(0, *run) for run in runs_of((rows * (mask > 0)).ravel())} for rows in (y, y_hat))
    return f1_of(real, found)


@f1_entities.mistake("A name that is found in part counts as found. Both ends must be right.")
def overlap_is_enough(y, y_hat, mask):
    real, found = numbered(y, mask), numbered(y_hat, mask)
    hit = [r for r in real if any(r[0] == g[0] and r[1] < g[2] and g[1] < r[2] for g in found)]
    return 2 * len(hit) / max(1, len(real) + len(found))


@f1_entities.mistake("Only the first word of a name is compared. Its end must be right, too.")
def starts_only(y, y_hat, mask):
    return f1_of(*({run[:2] for run in numbered(rows, mask)} for rows in (y, y_hat)))


@f1_entities.mistake("Only the end of a name is compared. Its first word must be right, too.")
def ends_only(y, y_hat, mask):
    return f1_of(*({run[::2] for run in numbered(rows, mask)} for rows in (y, y_hat)))


@f1_entities.mistake("This is the precision: hits among the answered names. F1 asks for the missed names as well.")
def precision_instead(y, y_hat, mask):
    real, found = numbered(y, mask), numbered(y_hat, mask)
    return len(real & found) / max(1, len(found))


@f1_entities.mistake("This is the recall: hits among the real names. F1 asks for the false alarms as well.")
def recall_instead(y, y_hat, mask):
    real, found = numbered(y, mask), numbered(y_hat, mask)
    return len(real & found) / max(1, len(real))


@f1_entities.mistake(
    "The factor 2 is missing in the denominator: this is TP / (TP + FP + FN). In F1 each hit counts twice."
)
def hits_of_all(y, y_hat, mask):
    real, found = numbered(y, mask), numbered(y_hat, mask)
    return len(real & found) / max(1, len(real | found))


@f1_entities.mistake("The factor 2 of the numerator is missing: F1 is 2 TP / (2 TP + FP + FN).")
def factor_2_missing(y, y_hat, mask):
    real, found = numbered(y, mask), numbered(y_hat, mask)
    return len(real & found) / max(1, len(real) + len(found))


@f1_entities.mistake("This is the mean of each sentence's F1. Count over all sentences first, then divide once.")
def mean_over_sentences(y, y_hat, mask):
    return float(np.mean([f1_entities(y[[i]], y_hat[[i]], mask[[i]]) for i in range(len(y))]))


@f1_entities.mistake(
    "Names of different sentences are taken for one another: a name at the same place of another sentence is no hit. "
    "Compare sentence by sentence."
)
def sentences_mixed(y, y_hat, mask):
    real, found = numbered(y, mask), numbered(y_hat, mask)
    hits = [g for g in found if g[1:] in {r[1:] for r in real}]
    return 2 * len(hits) / max(1, len(real) + len(found))


@f1_entities.mistake("Where there is no name and none is answered, you divide 0 by 0. Return 0 there.")
def nan_without_names(y, y_hat, mask):
    real, found = numbered(y, mask), numbered(y_hat, mask)
    return f1_of(real, found) if real or found else np.nan


@f1_entities.mistake(
    "Where there is no name and none is answered, you return 1. In this course it is 0, as in course 3."
)
def one_without_names(y, y_hat, mask):
    real, found = numbered(y, mask), numbered(y_hat, mask)
    return f1_of(real, found) if real or found else 1.0


@f1_entities.mistake(
    "The names of all sentences are in one set, so names of different sentences at the same places count once, or as found. "
    "Count sentence by sentence."
)
def one_set_for_all_sentences(y, y_hat, mask):
    right, found = set(), set()
    for i, T in enumerate(mask.sum(axis=1).astype(int)):
        right |= set(map(tuple, find_entities.reference(y[i][:T])))
        found |= set(map(tuple, find_entities.reference(y_hat[i][:T])))
    return 2 * len(right & found) / (len(right) + len(found)) if right or found else 0.0


@f1_entities.accept(
    "The names of all sentences go into two sets, each with the number of its sentence: one intersection is enough."
)
def with_sets(y, y_hat, mask):
    return f1_of(numbered(y, mask), numbered(y_hat, mask))


@f1_entities.accept
def from_precision_and_recall(y, y_hat, mask):
    real, found = numbered(y, mask), numbered(y_hat, mask)
    TP = len(real & found)
    if TP == 0:
        return 0
    P, R = TP / len(found), TP / len(real)
    return 2 / (1 / P + 1 / R)


@f1_entities.accept
def by_counting_errors(y, y_hat, mask):
    TP = FP = FN = 0
    for i in range(len(y)):
        T = int(np.sum(mask[i]))
        real, found = runs_of(y[i, :T]), runs_of(y_hat[i, :T])
        for run in found:
            if run in real:
                TP += 1
            else:
                FP += 1
        FN += sum(run not in found for run in real)
    return np.float64(0) if TP + FP + FN == 0 else np.float64(2 * TP) / (2 * TP + FP + FN)
