"""Lesson 4.3, pooling: the catalogue of its exercises, and the questions before its experiments."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from helpers.exercises import Lesson, case

lesson = Lesson("pooling")

lesson.predict(
    "two_pixels",
    "A digit is moved to the right by 2 pixels, and pooled with f = 2 and s = 2. What happens to the output?",
    ("nothing: it stays as it is", "it moves by 1", "it moves by 2", "it is another one, not a moved one"),
    "The windows start 2 pixels apart, so after a shift by 2 each window holds what the one to its left held.",
)
lesson.predict(
    "blur",
    "The digits move by one pixel. Five ways to treat them: which changes most from before to after, measured as above?",
    (
        "every second pixel",
        "the mean of 2 by 2 pixels, at every place",
        "average pooling",
        "the maximum of 2 by 2 pixels, at every place",
        "max pooling",
    ),
    "Taking every second pixel drops three quarters of them and mixes nothing. The other four mix 2 by 2 pixels; that "
    "two of them drop pixels as well makes hardly a difference.",
)
lesson.predict(
    "lost_points",
    "A network with max pooling is trained on digits in the middle. Then the test digits move by two pixels. How much of "
    "its accuracy does it lose?",
    ("nothing: pooling takes it in", "about 10 points of 100", "about 20 points", "about 40 points"),
    "Pooling lowers the change by a fifth. The rest of it arrives in the dense layer, which never saw a moved digit.",
)
lesson.predict(
    "wide",
    "Convolution with f = 5, pooling with f = s = 2, and both again. How many pixels wide is the part of the image on "
    "which one entry of the last output depends?",
    (),
    "After the first pooling a step from one entry to the next is two pixels of the image, so each later window reaches "
    "twice as far.",
)

#: Examples, height, width, channels, size of the window, stride: overlaps, gaps, left-over rows, one example.
SHAPES = (((2, 3, 5, 1), 2, 2), ((1, 5, 7, 2), 3, 2), ((1, 3, 4, 3), 2, 1), ((3, 5, 2, 2), 2, 3), ((1, 4, 7, 1), 4, 3))


def volume(rng, shape):
    """Return a volume without ties, with negative numbers too, and another mean in each example and channel."""
    m, n_H, n_W, n_C = shape
    values = rng.permutation(m * n_H * n_W * n_C).reshape(shape) / (m * n_H * n_W * n_C) * 4 - 3
    return values + 0.37 * np.arange(m)[:, None, None, None] + 0.61 * np.arange(n_C)


def windows(A_prev, f, stride):
    """Return all windows, shape (m, n_H, n_W, n_C, f, f)."""
    return sliding_window_view(A_prev, (f, f), axis=(1, 2))[:, ::stride, ::stride]


# --- pool_forward ----------------------------------------------------------------------------------------------------


def forward_cases(rng):
    return [
        case(A_prev=volume(rng, shape), hparameters={"f": f, "stride": stride}, mode=mode)
        for mode in ("max", "average")
        for shape, f, stride in SHAPES
    ]


#: One image of 2 by 3 pixels, two overlapping windows, to follow by hand.
SMALL = np.array([[2.0, 5, 3], [1, 4, 0]]).reshape(1, 2, 3, 1)
SMALL_WINDOWS = {"f": 2, "stride": 1}


@lesson.exercise(
    points=2,
    topic=43,
    equation="(3.3)",
    returns=("A", "cache"),
    cases=forward_cases,
    ask="Which four numbers say which entry of A you fill, and which rows and columns of A_prev belong to it?",
    small={"A_prev": SMALL, "hparameters": SMALL_WINDOWS, "mode": "max"},
    why={
        "question": "Why does a window hold one channel, and not all of them?",
        "choices": {
            "each channel is a feature, and pooling asks for each by itself": "Yes: so the number of channels stays.",
            "the channels are added up later": "No: nothing adds them up here. The next convolution does.",
            "A_prev has only one channel": "No: it has n_C, here and in every layer.",
        },
    },
)
def pool_forward(A_prev, hparameters, mode="max"):
    """Summarise each window of each channel by its largest entry or by its mean.

    Parameters
    ----------
    A_prev : ndarray, shape (m, n_H_prev, n_W_prev, n_C)
    hparameters : dict
        ``"f"``, the size of the window, and ``"stride"``.
    mode : str
        ``"max"`` or ``"average"``.

    Returns
    -------
    A : ndarray, shape (m, n_H, n_W, n_C)
        ``n_H = (n_H_prev - f) // stride + 1``, and ``n_W`` likewise.
    cache : tuple
        ``(A_prev, hparameters)``, for the backward pass.
    """
    f, stride = hparameters["f"], hparameters["stride"]
    m, n_H_prev, n_W_prev, n_C = A_prev.shape
    n_H = (n_H_prev - f) // stride + 1  # (3.2)
    n_W = (n_W_prev - f) // stride + 1
    A = np.zeros((m, n_H, n_W, n_C))
    for i, h, w, c in np.ndindex(A.shape):
        window = A_prev[i, h * stride : h * stride + f, w * stride : w * stride + f, c]
        A[i, h, w, c] = np.max(window) if mode == "max" else np.mean(window)  # (3.3)
    return A, (A_prev, hparameters)


def pooled(A_prev, hparameters, mode, largest=np.max, mean=np.mean):
    """Return what `pool_forward` does with other functions of a window."""
    found = windows(A_prev, hparameters["f"], hparameters["stride"])
    return (largest if mode == "max" else mean)(found, axis=(4, 5)), (A_prev, hparameters)


@pool_forward.mistake("Your windows start at h and w. With a stride they start at `h * stride` and `w * stride`.")
def forward_without_stride(A_prev, hparameters, mode="max"):
    f, stride = hparameters["f"], hparameters["stride"]
    n_H, n_W = ((n - f) // stride + 1 for n in A_prev.shape[1:3])
    A, cache = pooled(A_prev, {"f": f, "stride": 1}, mode)
    return A[:, :n_H, :n_W], (A_prev, hparameters)


@pool_forward.mistake("Your windows move by their own size f. They move by the stride.")
def forward_in_steps_of_f(A_prev, hparameters, mode="max"):
    return pooled(A_prev, {"f": hparameters["f"], "stride": hparameters["f"]}, mode)[0], (A_prev, hparameters)


@pool_forward.mistake('The mode is not used: the mean is missing. With mode "average" take `np.mean` of the window.')
def forward_always_largest(A_prev, hparameters, mode="max"):
    return pooled(A_prev, hparameters, "max")


@pool_forward.mistake(
    'The mode is not used: the largest entry is missing. With mode "max" take `np.max` of the window.'
)
def forward_always_mean(A_prev, hparameters, mode="max"):
    return pooled(A_prev, hparameters, "average")


@pool_forward.mistake('The modes are swapped: "max" gives means, and "average" the largest entries.')
def forward_modes_swapped(A_prev, hparameters, mode="max"):
    return pooled(A_prev, hparameters, "average" if mode == "max" else "max")


@pool_forward.mistake(
    "Your window has all channels, and one number stands for them all. Each channel is summarised by itself: add `c` to "
    "the slice."
)
def forward_over_channels(A_prev, hparameters, mode="max"):
    A, cache = pooled(A_prev, hparameters, mode)
    summary = A.max(axis=3, keepdims=True) if mode == "max" else A.mean(axis=3, keepdims=True)
    return np.broadcast_to(summary, A.shape).copy(), cache


@pool_forward.mistake("Every example gives the result of example 0. Take the window from image `i`.")
def forward_first_example_only(A_prev, hparameters, mode="max"):
    A, cache = pooled(A_prev, hparameters, mode)
    return np.repeat(A[:1], len(A), axis=0), cache


@pool_forward.mistake(
    "Negative entries count as 0. Take the largest entry of the window itself, not the larger of it and 0."
)
def forward_starts_at_zero(A_prev, hparameters, mode="max"):
    return pooled(A_prev, hparameters, mode, lambda x, axis: np.maximum(x.max(axis), 0))


@pool_forward.mistake("The largest absolute value is taken. Take the largest value: -5 is smaller than 1.")
def forward_largest_absolute(A_prev, hparameters, mode="max"):
    return pooled(A_prev, hparameters, mode, lambda x, axis: np.abs(x).max(axis))


@pool_forward.mistake('With mode "max" this is the smallest entry of each window. Take the largest.')
def forward_smallest(A_prev, hparameters, mode="max"):
    return pooled(A_prev, hparameters, mode, np.min)


@pool_forward.mistake('With mode "average" this is the sum of the window. Divide by its f · f entries: `np.mean`.')
def forward_sum(A_prev, hparameters, mode="max"):
    return pooled(A_prev, hparameters, mode, mean=np.sum)


@pool_forward.mistake('With mode "average" the sum is divided by f. The window has f · f entries.')
def forward_divided_by_f(A_prev, hparameters, mode="max"):
    return pooled(A_prev, hparameters, mode, mean=lambda x, axis: x.sum(axis) / hparameters["f"])


@pool_forward.mistake("Your windows are 2 high and wide, whatever f is. Read the size from hparameters.")
def forward_two_fixed(A_prev, hparameters, mode="max"):
    A, cache = pooled(A_prev, {**hparameters, "f": 2}, mode)
    f, stride = hparameters["f"], hparameters["stride"]
    n_H, n_W = ((n - f) // stride + 1 for n in A_prev.shape[1:3])
    return A[:, :n_H, :n_W], (A_prev, hparameters)


@pool_forward.mistake("Rows and columns of the output are swapped: A is (m, n_H, n_W, n_C).")
def forward_transposed(A_prev, hparameters, mode="max"):
    A, cache = pooled(A_prev, hparameters, mode)
    return A.transpose(0, 2, 1, 3), cache


@pool_forward.mistake(
    "Each side of the output is one too small: the last window is missing. There are `(n - f) // stride + 1` of them."
)
def forward_last_missing(A_prev, hparameters, mode="max"):
    A, cache = pooled(A_prev, hparameters, mode)
    return A[:, :-1, :-1], cache


@pool_forward.mistake("Height and width are mixed up: your windows start at row w * stride and column h * stride.")
def forward_windows_swapped(A_prev, hparameters, mode="max"):
    f, s = hparameters["f"], hparameters["stride"]
    A = np.zeros(pooled(A_prev, hparameters, mode)[0].shape)
    for i, h, w, c in np.ndindex(A.shape):
        window = A_prev[i, w * s : w * s + f, h * s : h * s + f, c]
        A[i, h, w, c] = np.max(window) if mode == "max" else np.mean(window)
    return A, (A_prev, hparameters)


@pool_forward.mistake("Windows that hang over the border are counted. Only whole windows are: round down, `//`.")
def forward_rounded_up(A_prev, hparameters, mode="max"):
    f, s = hparameters["f"], hparameters["stride"]
    m, n_H_prev, n_W_prev, n_C = A_prev.shape
    A = np.zeros((m, -(-(n_H_prev - f) // s) + 1, -(-(n_W_prev - f) // s) + 1, n_C))
    for i, h, w, c in np.ndindex(A.shape):
        window = A_prev[i, h * s : h * s + f, w * s : w * s + f, c]
        A[i, h, w, c] = np.max(window) if mode == "max" else np.mean(window)
    return A, (A_prev, hparameters)


@pool_forward.mistake("The sum is divided by f + f. A window has f times f entries.")
def pool_divided_by_the_sides(A_prev, hparameters, mode):
    A, cache = pool_forward(A_prev, hparameters, mode)
    return A if mode == "max" else A * hparameters["f"] / 2, cache


@pool_forward.accept
def forward_with_views(A_prev, hparameters, mode="max"):
    return pooled(A_prev, hparameters, mode)


@pool_forward.accept(
    "Two loops, over the windows of one image: each step summarises this window in all images and channels."
)
def forward_two_loops(A_prev, hparameters, mode="max"):
    f, s = hparameters["f"], hparameters["stride"]
    n_H, n_W = 1 + (A_prev.shape[1] - f) // s, 1 + (A_prev.shape[2] - f) // s
    summary = {"max": np.amax, "average": np.average}[mode]
    rows = [
        [summary(A_prev[:, s * h : s * h + f, s * w : s * w + f], axis=(1, 2)) for w in range(n_W)] for h in range(n_H)
    ]
    return np.array(rows).transpose(2, 0, 1, 3), (A_prev, hparameters)


@pool_forward.accept
def forward_shifted_volumes(A_prev, hparameters, mode="max"):
    """Combine f · f shifted copies; the cache holds more than it must."""
    f, s = hparameters["f"], hparameters["stride"]
    n_H, n_W = ((n - f) // s + 1 for n in A_prev.shape[1:3])
    shifted = [A_prev[:, j : j + s * n_H : s, k : k + s * n_W : s][:, :n_H, :n_W] for j in range(f) for k in range(f)]
    A = np.maximum.reduce(shifted) if mode == "max" else sum(shifted) / f**2
    return A, (A_prev, hparameters)


# --- create_mask_from_window -----------------------------------------------------------------------------------------


def mask_cases(rng):
    shapes = (((2, 3), 0.0), ((3, 3), 5.0), ((4, 2), -5.0), ((1, 1), 0.7), ((5, 4), 0.0))
    windows = [volume(rng, (1, *shape, 1))[0, :, :, 0] - shift for shape, shift in shapes]
    order = np.unravel_index(np.argsort(windows[-1], axis=None), windows[-1].shape)
    windows[-1][order[0][-2], order[1][-2]] = windows[-1].max() - 1e-4  # almost as large as the largest
    return [case(x=window) for window in windows]


@lesson.exercise(
    points=1,
    topic=43,
    equation="(3.5)",
    cases=mask_cases,
    ask="Which one number of the window must an entry equal to be marked, and what does NumPy give for an array that is "
    "compared with a number?",
    small={"x": np.array([[1.0, 3.0], [2.0, 9.0]])},
)
def create_mask_from_window(x):
    """Mark the largest entry of a window.

    Parameters
    ----------
    x : ndarray, shape (f, f)
        One window of one channel.

    Returns
    -------
    mask : ndarray of bool, shape of x
        True where x has its largest entry, False elsewhere.
    """
    return x == np.max(x)  # (3.5)


@create_mask_from_window.mistake("The smallest entry is marked. Mark the largest one.")
def mask_of_smallest(x):
    return x == np.min(x)


@create_mask_from_window.mistake("The largest absolute value is marked. Mark the largest value.")
def mask_of_absolute(x):
    return np.abs(x) == np.max(np.abs(x))


@create_mask_from_window.mistake("All entries but the largest are marked: it is the other way round.")
def mask_inverted(x):
    return x != np.max(x)


@create_mask_from_window.mistake("The mask holds the largest entry itself. It holds True there, or 1.")
def mask_with_value(x):
    return np.where(x == np.max(x), x, 0.0)


@create_mask_from_window.mistake("The largest entry of each column is marked. There is one for the whole window.")
def mask_by_columns(x):
    return x == np.max(x, axis=0)


@create_mask_from_window.mistake("The largest entry of each row is marked. There is one for the whole window.")
def mask_by_rows(x):
    return x == np.max(x, axis=1, keepdims=True)


@create_mask_from_window.mistake(
    "This is the position of the largest entry. Return an array of the shape of x, True there."
)
def mask_position(x):
    return np.unravel_index(np.argmax(x), x.shape)


@create_mask_from_window.mistake(
    "This is the largest entry. Return an array of the shape of x that says where it stands."
)
def mask_largest(x):
    return np.max(x)


@create_mask_from_window.mistake("The positive entries are marked. Mark the largest one alone, whatever its sign.")
def mask_positive(x):
    return x > 0


@create_mask_from_window.mistake(
    "Entries that are almost as large as the largest are marked, too. Ask for the largest itself: `x == np.max(x)`."
)
def mask_nearly_largest(x):
    return x >= np.max(x) - 1e-3


@create_mask_from_window.accept(
    "Marks one entry even where several are equally large: `argmax` gives the first of them."
)
def mask_at_position(x):
    mask = np.zeros(x.shape)
    mask[np.unravel_index(np.argmax(x), x.shape)] = 1
    return mask


@create_mask_from_window.accept
def mask_not_below(x):
    return x >= np.amax(x)


@create_mask_from_window.accept
def mask_whole_numbers(x):
    return (np.arange(x.size).reshape(x.shape) == np.argmax(x)).astype(int)


# --- distribute_value ------------------------------------------------------------------------------------------------


def value_cases(rng):
    return [case(da=float(rng.normal() + 3), shape=shape) for shape in ((2, 2), (3, 3), (2, 5), (4, 3), (1, 1))]


@lesson.exercise(
    points=1,
    topic=43,
    equation="(3.7)",
    cases=value_cases,
    ask="How many entries does a window of this shape have, and what must all shares add up to?",
    small={"da": 12.0, "shape": (2, 3)},
)
def distribute_value(da, shape):
    """Share a number equally among the entries of a window.

    Parameters
    ----------
    da : float
        The gradient that arrived at the window's mean.
    shape : tuple of two int
        Height and width of the window.

    Returns
    -------
    ndarray of this shape
        All entries are equal, and they add up to da.
    """
    height, width = shape
    return np.full(shape, da / (height * width))  # (3.7)


@distribute_value.mistake("Every entry gets all of da. Divide by the number of entries: they add up to da.")
def value_not_divided(da, shape):
    return np.full(shape, da)


@distribute_value.mistake("da is divided by the height alone. Divide by height times width.")
def value_by_height(da, shape):
    return np.full(shape, da / shape[0])


@distribute_value.mistake("da is divided by the width alone. Divide by height times width.")
def value_by_width(da, shape):
    return np.full(shape, da / shape[1])


@distribute_value.mistake("da is divided by height plus width. The window has height times width entries.")
def value_by_sum(da, shape):
    return np.full(shape, da / sum(shape))


@distribute_value.mistake("da is divided by the square of the height. Divide by height times width.")
def value_by_height_squared(da, shape):
    return np.full(shape, da / shape[0] ** 2)


@distribute_value.mistake("da is multiplied by the number of entries. Divide by it.")
def value_multiplied(da, shape):
    return np.full(shape, da * shape[0] * shape[1])


@distribute_value.mistake("This is one number. Return a whole window of this shape.")
def value_number(da, shape):
    return da / (shape[0] * shape[1])


@distribute_value.mistake("Height and width are swapped in the shape of the result.")
def value_transposed(da, shape):
    return np.full(shape[::-1], da / (shape[0] * shape[1]))


@distribute_value.mistake("Only the upper left entry gets something. The mean depends on every entry alike.")
def value_in_one_place(da, shape):
    window = np.zeros(shape)
    window[0, 0] = da
    return window


@distribute_value.mistake("da itself is forgotten: these are the shares of 1. Multiply them by da.")
def value_of_one(da, shape):
    return np.full(shape, 1 / (shape[0] * shape[1]))


@distribute_value.accept("`np.prod(shape)` multiplies all sizes: it would take a window with three axes as well.")
def value_from_ones(da, shape):
    return np.ones(shape) * da / np.prod(shape)


@distribute_value.accept
def value_filled(da, shape):
    window = np.zeros(shape)
    window += da / window.size
    return window


# --- pool_backward ---------------------------------------------------------------------------------------------------


def backward_cases(rng):
    cases = []
    for mode in ("max", "average"):
        for shape, f, stride in SHAPES:
            A_prev, hparameters = volume(rng, shape), {"f": f, "stride": stride}
            A, cache = pool_forward.reference(A_prev, hparameters, mode)
            cases.append(case(dA=rng.normal(size=A.shape) + 0.8, cache=cache, mode=mode))
    return cases


@lesson.exercise(
    points=4,
    topic=43,
    equation="(3.6) and (3.8)",
    backward=True,
    cases=backward_cases,
    ask="Which window made A[i, h, w, c]? Where in dA_prev is it, and what if another window has been there before?",
    small={"dA": np.array([10.0, 1.0]).reshape(1, 1, 2, 1), "cache": (SMALL, SMALL_WINDOWS), "mode": "max"},
    why={
        "question": "Why `+=` and not `=`?",
        "where": "+=",
        "choices": {
            "windows overlap, and a pixel gets a share from each of its windows": "Yes: the chain rule adds them up.",
            "dA_prev starts with zeros, and = would keep them": "No: = would replace the zeros as well.",
            "+= is faster": "No: it does more. The question is what happens to the share that is already there.",
        },
    },
)
def pool_backward(dA, cache, mode="max"):
    """Send the gradient back through `pool_forward`.

    Parameters
    ----------
    dA : ndarray, shape (m, n_H, n_W, n_C)
        Of the cost: dJ/dA.
    cache : tuple
        ``(A_prev, hparameters)`` from `pool_forward`.
    mode : str
        ``"max"`` or ``"average"``.

    Returns
    -------
    dA_prev : ndarray, shape (m, n_H_prev, n_W_prev, n_C)
        Of the cost. Where windows overlap, their shares add up; what lies in no window gets 0.
    """
    A_prev, hparameters = cache
    f, stride = hparameters["f"], hparameters["stride"]
    dA_prev = np.zeros(A_prev.shape)
    for i, h, w, c in np.ndindex(dA.shape):
        window = (i, slice(h * stride, h * stride + f), slice(w * stride, w * stride + f), c)
        if mode == "max":
            dA_prev[window] += create_mask_from_window(A_prev[window]) * dA[i, h, w, c]  # (3.6)
        else:
            dA_prev[window] += distribute_value(dA[i, h, w, c], (f, f))  # (3.8)
    return dA_prev


def sent_back(dA, cache, share, add=True, start=None):
    """Send each entry of dA back to its window by ``share(window of A_prev, entry)``; with another start than zeros."""
    A_prev, hparameters = cache
    f, s = hparameters["f"], hparameters["stride"]
    dA_prev = np.zeros(A_prev.shape) if start is None else start(A_prev)
    for i, h, w, c in np.ndindex(dA.shape):
        place = (i, slice(h * s, h * s + f), slice(w * s, w * s + f), c)
        new = share(A_prev[place], dA[i, h, w, c])
        dA_prev[place] = dA_prev[place] + new if add else new
    return dA_prev


def right_share(mode):
    return lambda x, da: (x == x.max()) * da if mode == "max" else da / x.size


def by_mode(mode, dA, cache, wrong_mode, wrong, **options):
    """Return what is sent back if something is wrong in one mode only."""
    if mode != wrong_mode:
        return sent_back(dA, cache, right_share(mode))
    return sent_back(dA, cache, wrong, **options)


@pool_backward.mistake(
    'With mode "max" the last window overwrites the others where they overlap. Add the shares up in both modes: `+=`.'
)
def back_overwritten_for_max(dA, cache, mode="max"):
    return by_mode(mode, dA, cache, "max", right_share("max"), add=False)


@pool_backward.mistake(
    'With mode "average" the last window overwrites the others where they overlap. Add the shares up in both modes: `+=`.'
)
def back_overwritten_for_average(dA, cache, mode="max"):
    return by_mode(mode, dA, cache, "average", right_share("average"), add=False)


@pool_backward.mistake(
    'With mode "max" the mask alone is sent back. Multiply it by the gradient that arrived, `dA[i, h, w, c]`.'
)
def back_mask_alone(dA, cache, mode="max"):
    return by_mode(mode, dA, cache, "max", lambda x, da: x == x.max())


@pool_backward.mistake("Your windows start at h * f and w * f. They start at `h * stride` and `w * stride`.")
def back_in_steps_of_f(dA, cache, mode="max"):
    A_prev, f = cache[0], cache[1]["f"]
    dA_prev = np.zeros(A_prev.shape)
    for i, h, w, c in np.ndindex(dA.shape):
        window = (i, slice(h * f, h * f + f), slice(w * f, w * f + f), c)
        if A_prev[window].size:
            dA_prev[window] += right_share(mode)(A_prev[window], dA[i, h, w, c])
    return dA_prev


@pool_backward.mistake("Where windows overlap, the last one overwrites the others. Add the shares up: `+=`.")
def back_overwritten(dA, cache, mode="max"):
    return sent_back(dA, cache, right_share(mode), add=False)


@pool_backward.mistake(
    "Your windows start at h and w. They start at `h * stride` and `w * stride`, as in the forward pass."
)
def back_without_stride(dA, cache, mode="max"):
    A_prev, hparameters = cache
    return sent_back(dA, (A_prev, {**hparameters, "stride": 1}), right_share(mode))


@pool_backward.mistake(
    'With mode "max" every entry of the window gets the gradient. Only the largest one had a say: use the mask.'
)
def back_without_mask(dA, cache, mode="max"):
    return sent_back(dA, cache, lambda x, da: da if mode == "max" else da / x.size)


@pool_backward.mistake(
    'With mode "max" the gradient is shared among all entries, as for the mean. The largest one gets all of it.'
)
def back_always_average(dA, cache, mode="max"):
    return sent_back(dA, cache, right_share("average"))


@pool_backward.mistake(
    'With mode "average" the largest entry gets everything. Each of the f · f entries gets an equal share.'
)
def back_always_max(dA, cache, mode="max"):
    return sent_back(dA, cache, right_share("max"))


@pool_backward.mistake('With mode "average" each entry gets the whole gradient. It gets one share of f · f.')
def back_average_not_divided(dA, cache, mode="max"):
    return sent_back(dA, cache, lambda x, da: (x == x.max()) * da if mode == "max" else da)


@pool_backward.mistake(
    'With mode "max" the largest entry\'s share is divided by f · f. It gets the whole gradient: the slope is 1.'
)
def back_max_divided(dA, cache, mode="max"):
    return sent_back(dA, cache, lambda x, da: right_share(mode)(x, da) / (x.size if mode == "max" else 1))


@pool_backward.mistake(
    'With mode "max" the mask is multiplied by the entry itself. The slope is 1, whatever its value.'
)
def back_times_value(dA, cache, mode="max"):
    return sent_back(dA, cache, lambda x, da: (x == x.max()) * x * da if mode == "max" else da / x.size)


@pool_backward.mistake(
    'With mode "max" the smallest entry of each window gets the gradient. It goes to the largest one.'
)
def back_to_smallest(dA, cache, mode="max"):
    return sent_back(dA, cache, lambda x, da: (x == x.min()) * da if mode == "max" else da / x.size)


@pool_backward.mistake(
    "Every example gets the gradient of the last one. Keep `i` in `dA[i, h, w, c]` and in the window."
)
def back_examples_mixed(dA, cache, mode="max"):
    return sent_back(np.repeat(dA[-1:], len(dA), axis=0), cache, right_share(mode))


@pool_backward.mistake(
    "dA_prev starts as a copy of A_prev. It starts as zeros: what lies in no window has no influence."
)
def back_starts_with_values(dA, cache, mode="max"):
    return sent_back(dA, cache, right_share(mode), start=lambda A_prev: A_prev.astype(float))


@pool_backward.mistake(
    "The sign is wrong: a larger entry makes the output larger, so the slope is 1 or 1/(f · f), not its negative."
)
def back_negative(dA, cache, mode="max"):
    return -sent_back(dA, cache, right_share(mode))


@pool_backward.mistake(
    "The gradient of the cost by A is not used: every window sends back 1. Multiply by `dA[i, h, w, c]`."
)
def back_of_ones(dA, cache, mode="max"):
    return sent_back(np.ones_like(dA), cache, right_share(mode))


@pool_backward.mistake(
    "Only the first image gets a gradient: `return` stands inside the loop. Move it behind the loop."
)
def back_first_image_only(dA, cache, mode="max"):
    dA_prev = sent_back(dA, cache, right_share(mode))
    dA_prev[1:] = 0
    return dA_prev


@pool_backward.mistake("For the mean the gradient is divided by f. A window has f times f entries: divide by f².")
def back_average_by_f(dA, cache, mode="max"):
    share = dA if mode == "max" else dA * cache[1]["f"]
    return pool_backward.reference(share, cache, mode)


@pool_backward.accept
def back_with_argmax(dA, cache, mode="max"):
    A_prev, hparameters = cache
    f, s = hparameters["f"], hparameters["stride"]
    dA_prev = np.zeros_like(A_prev, dtype=float)
    m, n_H, n_W, n_C = dA.shape
    for i in range(m):
        for h in range(n_H):
            for w in range(n_W):
                for c in range(n_C):
                    top, left = h * s, w * s
                    if mode == "max":
                        j, k = divmod(int(np.argmax(A_prev[i, top : top + f, left : left + f, c])), f)
                        dA_prev[i, top + j, left + k, c] += dA[i, h, w, c]
                    else:
                        dA_prev[i, top : top + f, left : left + f, c] += dA[i, h, w, c] / f**2
    return dA_prev


@pool_backward.accept("Loops over the f times f places in a window, and treats all windows at once: much faster.")
def back_by_offsets(dA, cache, mode="max"):
    A_prev, hparameters = cache
    f, s = hparameters["f"], hparameters["stride"]
    A, _ = pool_forward.reference(A_prev, hparameters, "max")
    dA_prev = np.zeros(A_prev.shape)
    for j in range(f):
        for k in range(f):
            place = np.s_[:, j : j + s * dA.shape[1] : s, k : k + s * dA.shape[2] : s]
            size = dA_prev[place].shape
            share = (A_prev[place] == A[:, : size[1], : size[2]]) if mode == "max" else 1 / f**2
            dA_prev[place] += share * dA[:, : size[1], : size[2]]
    return dA_prev


@pool_backward.accept
def back_two_loops(dA, cache, mode="max"):
    A_prev, hparameters = cache
    f, s = hparameters["f"], hparameters["stride"]
    dA_prev = 0.0 * A_prev
    for h in range(dA.shape[1]):
        for w in range(dA.shape[2]):
            window = A_prev[:, h * s : h * s + f, w * s : w * s + f]
            one = dA[:, h : h + 1, w : w + 1]
            new = (window == window.max(axis=(1, 2), keepdims=True)) * one if mode == "max" else one / f**2
            dA_prev[:, h * s : h * s + f, w * s : w * s + f] += new
    return dA_prev


# --- receptive_field -------------------------------------------------------------------------------------------------


def field_cases(rng):
    """Return stacks of layers: no layer, one, several; sizes and strides that differ, a stride in the last layer, too."""

    def stack(depth):
        return [{"f": int(rng.integers(1, 8)), "stride": int(rng.integers(1, 5))} for _ in range(depth)]

    last = [{"f": 3, "stride": 2}, {"f": 5, "stride": 3}, {"f": 4, "stride": 2}]
    return [case(layers=layers) for layers in ([], *(stack(depth) for depth in (1, 2, 3, 3, 4, 5)), last)]


@lesson.exercise(
    points=3,
    topic=43,
    equation="(3.13), (3.14)",
    cases=field_cases,
    ask="Two numbers go from layer to layer: how wide one entry sees, and how far apart in the image two neighbours are. "
    "Which of them does f change, which does the stride change, and which of the two is needed first?",
    small={"layers": [{"f": 5, "stride": 1}, {"f": 2, "stride": 2}, {"f": 3, "stride": 1}]},
    why={
        "question": "Why does the stride of a layer not change the field of this layer itself?",
        "choices": {
            "it says where the next window starts, not how wide one window is": "Yes: so it shows from the next layer on.",
            "strides of pooling layers never count": "No: they count for all layers above.",
            "the padding makes up for it": "No: padding is not in (3.13) at all.",
        },
    },
)
def receptive_field(layers):
    """Return how many pixels wide an entry of each layer sees, along one side.

    Parameters
    ----------
    layers : list of dict
        From the image upwards, convolutions and pooling alike: ``"f"`` and ``"stride"``.

    Returns
    -------
    fields : list of int
        One number for each layer; an empty list if there is no layer.
    """
    r, d = 1, 1  # (3.12)
    fields = []
    for layer in layers:
        r = r + (layer["f"] - 1) * d  # (3.13)
        d = d * layer["stride"]  # (3.14)
        fields.append(r)
    return fields


def fields_with(layers, r=1, d=1, grow=lambda r, d, f, s: r + (f - 1) * d, step=lambda d, s: d * s, first=False):
    """Return the fields with another step of the recursion; with `first`, the stride of a layer counts for itself."""
    fields = []
    for layer in layers:
        f, s = layer["f"], layer["stride"]
        if first:
            d = step(d, s)
        r = grow(r, d, f, s)
        if not first:
            d = step(d, s)
        fields.append(r)
    return fields


@receptive_field.mistake("The strides below are forgotten: f - 1 counts entries of the layer below. Multiply by d.")
def field_without_strides(layers):
    return fields_with(layers, step=lambda d, s: 1)


@receptive_field.mistake(
    "The stride of a layer counts for the layer itself. It counts from the next layer on: compute r before d."
)
def field_stride_too_early(layers):
    return fields_with(layers, first=True)


@receptive_field.mistake(
    "Each layer adds f times d. It adds f - 1 steps: the first entry of the window is in r already."
)
def field_f_for_f_minus_one(layers):
    return fields_with(layers, grow=lambda r, d, f, s: r + f * d)


@receptive_field.mistake("The strides are added up. Steps inside of steps multiply: d times the stride.")
def field_strides_added(layers):
    return fields_with(layers, step=lambda d, s: d + s)


@receptive_field.mistake("Only the stride of the layer just below counts here. d is the product of all strides below.")
def field_last_stride_only(layers):
    return fields_with(layers, step=lambda d, s: s)


@receptive_field.mistake("r starts at 0. Without a layer, an entry is one pixel and sees one pixel: r is 1.")
def field_from_zero(layers):
    return fields_with(layers, r=0)


@receptive_field.mistake("The fields of the layers are multiplied. A wider window adds f - 1 steps to the field below.")
def field_multiplied(layers):
    return fields_with(layers, grow=lambda r, d, f, s: r * f)


@receptive_field.mistake("Only the field of the last layer is returned. Return a list with one number for each layer.")
def field_of_the_last(layers):
    return ([1] + fields_with(layers))[-1]


@receptive_field.mistake("The image itself is in your list. It begins with the first layer.")
def field_with_the_image(layers):
    return [1, *fields_with(layers)]


@receptive_field.mistake("You count pixels of both sides. The field is the width along one side.")
def field_squared(layers):
    return [r * r for r in fields_with(layers)]


@receptive_field.mistake("The list is the wrong way round: it begins with the layer next to the image.")
def field_backwards(layers):
    return fields_with(layers[::-1])


@receptive_field.mistake("These are the distances d between neighbours. Return the widths r.")
def field_distances(layers):
    return [int(np.prod([layer["stride"] for layer in layers[: l + 1]])) for l in range(len(layers))]


@receptive_field.mistake(
    "Each layer adds f - 1 steps of its own stride. A step is d, the product of the strides of all layers *below* it."
)
def field_own_stride_alone(layers):
    return fields_with(layers, grow=lambda r, d, f, s: r + (f - 1) * s)


@receptive_field.accept(
    "Walks down: an entry of layer l covers f entries below, and n entries there cover (n - 1) s + f."
)
def field_from_the_top(layers):
    fields = []
    for l in range(len(layers)):
        n = 1
        for layer in reversed(layers[: l + 1]):
            n = (n - 1) * layer["stride"] + layer["f"]
        fields.append(n)
    return fields


@receptive_field.accept
def field_by_products(layers):
    f = np.array([layer["f"] for layer in layers], dtype=int)
    d = np.cumprod([1, *(layer["stride"] for layer in layers)])[:-1]
    return [int(r) for r in 1 + np.cumsum((f - 1) * d)]


@receptive_field.accept
def field_as_array(layers):
    return np.array(field_by_products(layers), dtype=int)


# --- pool_output_size ------------------------------------------------------------------------------------------------


def size_cases(rng):
    numbers = [(7, 2, 2), (8, 2, 2), (5, 1, 3), (9, 2, 4), (3, 2, 2), (6, 6, 3), (10, 2, 5)]
    for _ in range(4):
        stride = int(rng.integers(2, 8))
        f = stride + int(rng.integers(-1, 2))
        numbers.append((int(rng.integers(12, 90)), max(f, 1), stride))
    n, f, stride = int(rng.integers(6, 30)), int(rng.integers(1, 4)), int(rng.integers(5, 9))
    numbers.append((n // stride * stride + f, f, stride))
    numbers.append((n // stride * stride + stride - 1, 1, stride + 1))
    return [case(n=n, f=f, stride=stride, ceil_mode=mode) for n, f, stride in numbers for mode in (True, False)]


@lesson.exercise(
    points=1,
    topic=43,
    equation="(3.2), (3.16), (3.17)",
    cases=size_cases,
    ask="Which windows does each mode count: those that lie inside as a whole, or those that have at least one pixel?",
    small={"n": 7, "f": 2, "stride": 2, "ceil_mode": True},
)
def pool_output_size(n, f, stride, ceil_mode):
    """Return how many windows there are along one side.

    Parameters
    ----------
    n, f, stride : int
        Pixels along that side, size of the window (at most n), pixels from one window to the next.
    ceil_mode : bool
        False: whole windows only. True: a window that hangs over the end counts, too, if it starts inside.

    Returns
    -------
    n_out : int
    """
    if not ceil_mode:
        return (n - f) // stride + 1  # (3.2)
    n_out = -(-(n - f) // stride) + 1  # (3.16)
    if (n_out - 1) * stride > n - 1:  # (3.17)
        n_out = n_out - 1
    return n_out


def rounded_up(n, f, stride):
    return -(-(n - f) // stride) + 1


@pool_output_size.mistake("Both modes round down. In ceil mode a window that hangs over the end counts: round up.")
def sizes_always_floor(n, f, stride, ceil_mode):
    return (n - f) // stride + 1


@pool_output_size.mistake("Both modes round up. Without ceil mode only whole windows count: round down.")
def sizes_always_ceil(n, f, stride, ceil_mode):
    return pool_output_size.reference(n, f, stride, True)


@pool_output_size.mistake("The modes are swapped: ceil mode rounds up.")
def sizes_swapped(n, f, stride, ceil_mode):
    return pool_output_size.reference(n, f, stride, not ceil_mode)


@pool_output_size.mistake(
    "With a stride larger than f, your last window can start behind the image, where nothing is. Leave it out (3.17)."
)
def sizes_outside(n, f, stride, ceil_mode):
    return rounded_up(n, f, stride) if ceil_mode else (n - f) // stride + 1


@pool_output_size.mistake("The window at the start is not counted: add 1 after rounding.")
def sizes_without_the_first(n, f, stride, ceil_mode):
    return pool_output_size.reference(n, f, stride, ceil_mode) - 1


@pool_output_size.mistake("f is not used: this counts the windows that start inside, of size 1. Take n - f.")
def sizes_without_f(n, f, stride, ceil_mode):
    return pool_output_size.reference(n, 1, stride, ceil_mode)


@pool_output_size.mistake("In ceil mode 1 is always added. Where the division leaves no remainder, both modes agree.")
def sizes_plus_one(n, f, stride, ceil_mode):
    return (n - f) // stride + 1 + bool(ceil_mode)


@pool_output_size.mistake(
    "You divide n by the stride. The windows start within n - f pixels, and the first is at 0: (3.2)."
)
def sizes_n_by_the_stride(n, f, stride, ceil_mode):
    return -(-n // stride) if ceil_mode else n // stride


@pool_output_size.accept("Counts: moves a window along for as long as it fits, or for as long as it starts inside.")
def sizes_counted(n, f, stride, ceil_mode):
    count, start = 0, 0
    while start + f <= n or (ceil_mode and start < n and start - stride + f < n):
        count, start = count + 1, start + stride
    return count


@pool_output_size.accept
def sizes_by_numpy(n, f, stride, ceil_mode):
    quotient = (n - f) / stride
    if not ceil_mode:
        return int(np.floor(quotient)) + 1
    return min(int(np.ceil(quotient)) + 1, int(np.ceil(n / stride)))


# --- global_average_pool, global_average_pool_backward ---------------------------------------------------------------

#: Examples, height, width, channels: no two equal but where there is one.
VOLUMES = ((2, 3, 5, 4), (1, 6, 2, 3), (4, 1, 3, 2), (3, 4, 5, 1))


def global_cases(rng):
    return [case(A_prev=volume(rng, shape)) for shape in VOLUMES]


@lesson.exercise(
    points=1,
    topic=43,
    equation="(3.18)",
    returns=("A", "cache"),
    cases=global_cases,
    ask="Which axes of A_prev are gone in A? Those are the ones that the mean runs over.",
    small={"A_prev": np.array([[[[1.0, 10], [2, 20]], [[3, 30], [6, 60]]]])},
)
def global_average_pool(A_prev):
    """Return the mean of each channel over all places.

    Parameters
    ----------
    A_prev : ndarray, shape (m, n_H, n_W, n_C)

    Returns
    -------
    A : ndarray, shape (m, n_C)
    cache : tuple of int
        The shape of A_prev.
    """
    A = np.mean(A_prev, axis=(1, 2))  # (3.18)
    return A, A_prev.shape


@global_average_pool.mistake("These are sums. Divide by the n_H · n_W places: `np.mean`.")
def global_sums(A_prev):
    return A_prev.sum(axis=(1, 2)), A_prev.shape


@global_average_pool.mistake("This is the largest entry of each channel. Take the mean.")
def global_largest(A_prev):
    return A_prev.max(axis=(1, 2)), A_prev.shape


@global_average_pool.mistake("The channels are averaged, too. Each channel keeps its own mean: leave axis 3 out.")
def global_over_channels(A_prev):
    return A_prev.mean(axis=(1, 2, 3)), A_prev.shape


@global_average_pool.mistake("Only the rows are averaged. The mean runs over axes 1 and 2.")
def global_over_rows(A_prev):
    return A_prev.mean(axis=1), A_prev.shape


@global_average_pool.mistake("The examples are averaged, too. Each example keeps its own means: leave axis 0 out.")
def global_over_examples(A_prev):
    return A_prev.mean(axis=(0, 1, 2)), A_prev.shape


@global_average_pool.mistake("Height and width are kept as axes of length 1. A has two axes, (m, n_C).")
def global_with_axes(A_prev):
    return A_prev.mean(axis=(1, 2), keepdims=True), A_prev.shape


@global_average_pool.mistake("One mean for each place, over the channels. It is one for each channel, over the places.")
def global_over_wrong_axes(A_prev):
    return A_prev.mean(axis=3), A_prev.shape


@global_average_pool.accept("A chain of two means: equal, since each row has equally many entries.")
def global_two_means(A_prev):
    return A_prev.mean(axis=2).mean(axis=1), A_prev.shape


@global_average_pool.accept
def global_flattened(A_prev):
    m, n_H, n_W, n_C = A_prev.shape
    return A_prev.reshape(m, n_H * n_W, n_C).sum(axis=1) / (n_H * n_W), A_prev.shape


@global_average_pool.accept
def global_einsum(A_prev):
    return np.einsum("ihwc->ic", A_prev) / (A_prev.shape[1] * A_prev.shape[2]), A_prev.shape


def global_backward_cases(rng):
    return [case(dA=rng.normal(size=(shape[0], shape[3])) + 0.8, shape=shape) for shape in VOLUMES]


@lesson.exercise(
    points=2,
    topic=43,
    equation="(3.19)",
    backward=True,
    cases=global_backward_cases,
    ask="dA has one number for each example and channel. To how many places does it go, and with which factor?",
    small={"dA": np.array([[8.0, 4.0]]), "shape": (1, 2, 2, 2)},
)
def global_average_pool_backward(dA, shape):
    """Send the gradient back through `global_average_pool`.

    Parameters
    ----------
    dA : ndarray, shape (m, n_C)
        Of the cost: dJ/dA.
    shape : tuple of int
        Of A_prev: (m, n_H, n_W, n_C).

    Returns
    -------
    dA_prev : ndarray of this shape
        Of the cost.
    """
    m, n_H, n_W, n_C = shape
    return np.ones(shape) * dA.reshape(m, 1, 1, n_C) / (n_H * n_W)  # (3.19)


def spread(dA, shape, divisor):
    return np.broadcast_to(dA[:, None, None, :], shape) / divisor


@global_average_pool_backward.mistake("Each place gets all of dA. It gets one share of n_H · n_W.")
def global_back_not_divided(dA, shape):
    return spread(dA, shape, 1)


@global_average_pool_backward.mistake("The share is that of a square of n_H · n_H places. Divide by n_H · n_W.")
def global_back_by_square(dA, shape):
    return spread(dA, shape, shape[1] ** 2)


@global_average_pool_backward.mistake(
    "The channels are counted, too. A mean runs over n_H · n_W places of one channel."
)
def global_back_by_all(dA, shape):
    return spread(dA, shape, shape[1] * shape[2] * shape[3])


@global_average_pool_backward.mistake(
    "You divide by m as well. dA is of the cost J: the factor 1/m is in it since the end of the network."
)
def global_back_by_m(dA, shape):
    return spread(dA, shape, shape[0] * shape[1] * shape[2])


@global_average_pool_backward.mistake("The whole gradient goes to one place. The mean depends on every place alike.")
def global_back_one_place(dA, shape):
    dA_prev = np.zeros(shape)
    dA_prev[:, 0, 0] = dA
    return dA_prev


@global_average_pool_backward.mistake("dA has no axes for height and width in your result. It has the shape of A_prev.")
def global_back_flat(dA, shape):
    return dA / (shape[1] * shape[2])


@global_average_pool_backward.mistake("These are the shares of 1. Multiply them by dA.")
def global_back_of_ones(dA, shape):
    return spread(np.ones_like(dA), shape, shape[1] * shape[2])


@global_average_pool_backward.mistake("dA is divided by the height alone. A channel has n_H · n_W places.")
def global_back_by_height(dA, shape):
    return spread(dA, shape, shape[1])


@global_average_pool_backward.mistake("You divide by height plus width. There are height times width places.")
def global_back_by_sum_of_sides(dA, shape):
    m, n_H, n_W, n_C = shape
    return np.ones(shape) * dA.reshape(m, 1, 1, n_C) / (n_H + n_W)


@global_average_pool_backward.accept("Copies along two new axes: `np.repeat` says how often.")
def global_back_repeated(dA, shape):
    share = dA[:, None, None, :] / (shape[1] * shape[2])
    return np.repeat(np.repeat(share, shape[1], axis=1), shape[2], axis=2)


@global_average_pool_backward.accept
def global_back_loops(dA, shape):
    dA_prev = np.zeros(shape)
    for i, c in np.ndindex(dA.shape):
        dA_prev[i, :, :, c] += distribute_value.reference(dA[i, c], shape[1:3])
    return dA_prev


@global_average_pool_backward.accept
def global_back_broadcast(dA, shape):
    return spread(dA, shape, shape[1] * shape[2]).copy()
