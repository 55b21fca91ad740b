"""Lesson 4.3, pooling: the catalogue of its four exercises. Equations are those of the notebook."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from helpers.exercises import Lesson, case

lesson = Lesson("pooling")

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


@lesson.exercise(points=2, topic=43, equation="(3.3)", returns=("A", "cache"), cases=forward_cases)
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


@pool_forward.accept
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
    return [case(x=volume(rng, (1, *shape, 1))[0, :, :, 0] - shift) for shape, shift in
            (((2, 3), 0.0), ((3, 3), 5.0), ((4, 2), -5.0), ((1, 1), 0.7), ((5, 4), 0.0))]  # fmt: skip


@lesson.exercise(points=1, topic=43, equation="(3.5)", cases=mask_cases)
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


@create_mask_from_window.accept
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


@lesson.exercise(points=1, topic=43, equation="(3.7)", cases=value_cases)
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


@distribute_value.accept
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


@lesson.exercise(points=4, topic=43, equation="(3.6) and (3.8)", backward=True, cases=backward_cases)
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


@pool_backward.accept
def back_by_offsets(dA, cache, mode="max"):
    """One loop over the places in a window; all windows at once."""
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
