"""Lesson 4.1, convolution: the catalogue of its exercises, and the questions before its experiments."""

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.signal import correlate2d

from helpers.exercises import Lesson, case

lesson = Lesson("convolution")

lesson.predict(
    "point",
    "An image is 0 but for a single 1 in its middle. The filter has the rows 1 2 3, 4 5 6 and 7 8 9. Slide it over the image "
    "by (1.2). Which number stands at the upper left of the result?",
    ("1", "5", "9"),
    "The first window has the 1 at its lower right, where the weight 9 stands. So the result shows the filter turned around.",
)
lesson.predict(
    "grass",
    "The grass of the camera photograph has no contour. How large are the scores of the vertical filter there, compared with "
    "those of the whole photograph?",
    ("below a tenth", "about a third", "larger than in the whole photograph"),
    "Grass changes its brightness from pixel to pixel, and a filter sees changes, not things.",
)
lesson.predict(
    "frame",
    "Pad the photographs with one pixel of zeros, and slide the vertical filter. How large are the scores in the first and "
    "last column, compared with those between them?",
    ("about as large", "2 to 3 times as large", "more than 5 times as large"),
    "The frame is black. A bright image beside it makes an edge that is stronger than most edges of the scene.",
)

#: A bright and a dark half, and the vertical filter, to follow by hand.
SMALL_IMAGE = np.array([[10.0, 10, 0, 0]] * 3)
SMALL_FILTER = np.array([[1.0, 0, -1]] * 3)


# --- edge_detect -----------------------------------------------------------------------------------------------------


def edge_cases(rng):
    def one(n_H, n_W, f):
        return case(image=rng.normal(size=(n_H, n_W)), kernel=rng.normal(size=(f, f)))

    return [one(5, 7, 3), one(8, 5, 2), one(6, 6, 4), one(7, 9, 5)]


@lesson.exercise(
    points=2,
    topic=37,
    equation="(1.2)",
    cases=edge_cases,
    ask="At which rows can a window of f rows start, so that it lies in the image? The same for the columns: so which shape "
    "has Z, and which pixels belong to Z[h, w]?",
    small={"image": SMALL_IMAGE, "kernel": SMALL_FILTER},
    why={
        "question": "Why is Z smaller than the image?",
        "choices": {
            "a window has to lie inside the image as a whole": "Yes: so the last f - 1 rows and columns start none.",
            "the filter averages pixels away": "No: each score is a number of its own, and none is averaged.",
            "zeros at the border are cut off": "No: nothing has been padded yet.",
        },
    },
)
def edge_detect(image, kernel):
    """Slide a filter over a gray image and return the sum of products of each window.

    Parameters
    ----------
    image : ndarray, shape (n_H, n_W)
    kernel : ndarray, shape (f, f)
        The filter W.

    Returns
    -------
    Z : ndarray, shape (n_H - f + 1, n_W - f + 1)
        Entry (h, w) belongs to the window whose upper left pixel is (h, w).
    """
    f, _ = kernel.shape
    Z = np.zeros((image.shape[0] - f + 1, image.shape[1] - f + 1))  # (1.3)
    for h, w in np.ndindex(Z.shape):
        Z[h, w] = np.sum(image[h : h + f, w : w + f] * kernel)  # (1.2)
    return Z


def windows(image, f):
    """Return all windows of an image, shape (n_H - f + 1, n_W - f + 1, f, f)."""
    return sliding_window_view(image, (f, f))


@edge_detect.mistake(
    "Your filter is flipped, upside down and left to right. Here the upper left weight meets the upper left pixel."
)
def edges_flipped(image, kernel):
    return correlate2d(image, kernel[::-1, ::-1], mode="valid")


@edge_detect.mistake("Your filter is transposed: row j, column k of the window meets row j, column k of the filter.")
def edges_kernel_transposed(image, kernel):
    return correlate2d(image, kernel.T, mode="valid")


@edge_detect.mistake("Rows and columns of the output are swapped. Z[h, w] belongs to row h and column w of the image.")
def edges_transposed(image, kernel):
    return correlate2d(image, kernel, mode="valid").T


@edge_detect.mistake(
    "Height and width are mixed up: this works for square images only. Rows are counted by image.shape[0], columns by "
    "image.shape[1]."
)
def edges_height_and_width_swapped(image, kernel):
    f = len(kernel)
    n_W, n_H = image.shape
    Z = np.zeros((n_W - f + 1, n_H - f + 1))
    for h in range(n_H - f + 1):
        for w in range(n_W - f + 1):
            Z[h, w] = np.sum(image[h : h + f, w : w + f] * kernel)
    return Z


@edge_detect.mistake("Your windows start at row w and column h. A slice names the rows first: row h, column w.")
def edges_windows_swapped(image, kernel):
    f = len(kernel)
    Z = np.zeros((image.shape[0] - f + 1, image.shape[1] - f + 1))
    for h, w in np.ndindex(Z.shape):
        Z[h, w] = np.sum(image[w : w + f, h : h + f] * kernel)
    return Z


@edge_detect.mistake("`@` is the product of matrices. A window is multiplied with the filter entry by entry, with `*`.")
def edges_matrix_product(image, kernel):
    return (windows(image, len(kernel)) @ kernel).sum(axis=(2, 3))


@edge_detect.mistake("This is the mean of the products. Add them up: `np.sum`.")
def edges_mean(image, kernel):
    return correlate2d(image, kernel, mode="valid") / kernel.size


@edge_detect.mistake("Z holds whole numbers, so the sums are cut off. Make it with `np.zeros(...)`, without dtype=int.")
def edges_as_whole_numbers(image, kernel):
    return correlate2d(image, kernel, mode="valid").astype(int)


@edge_detect.mistake("Only the first entry is computed: `return` stands inside the loop. Move it behind the loop.")
def edges_returned_too_early(image, kernel):
    Z = correlate2d(image, kernel, mode="valid")
    first = np.zeros_like(Z)
    first[0, 0] = Z[0, 0]
    return first


@edge_detect.mistake("The absolute value is taken. The sign says which side of the edge is brighter: keep it.")
def edges_absolute(image, kernel):
    return np.abs(correlate2d(image, kernel, mode="valid"))


@edge_detect.mistake("The last row and the last column of windows are missing: there are n - f + 1 of them, not n - f.")
def edges_last_missing(image, kernel):
    return correlate2d(image, kernel, mode="valid")[:-1, :-1]


@edge_detect.mistake("The last row and the last column of Z stay 0. Each loop runs to n - f + 1, not n - f.")
def edges_last_not_filled(image, kernel):
    Z = correlate2d(image, kernel, mode="valid")
    Z[-1], Z[:, -1] = 0, 0
    return Z


@edge_detect.mistake("The output is as large as the image, with zeros at its end. Make it n - f + 1 long on each side.")
def edges_unfilled_margin(image, kernel):
    Z = np.zeros_like(image)
    found = correlate2d(image, kernel, mode="valid")
    Z[: len(found), : len(found[0])] = found
    return Z


@edge_detect.mistake("The image was padded first. Here each window lies inside the image.")
def edges_padded(image, kernel):
    return correlate2d(image, kernel, mode="same")


@edge_detect.mistake("Your windows do not overlap. The window moves by one pixel, not by its own size.")
def edges_in_jumps(image, kernel):
    return correlate2d(image, kernel, mode="valid")[:: len(kernel), :: len(kernel)]


@edge_detect.mistake("The size 3 is written into your function. Read it from the filter: `f = kernel.shape[0]`.")
def edges_three_fixed(image, kernel):
    Z = np.zeros((image.shape[0] - 2, image.shape[1] - 2))
    for h, w in np.ndindex(Z.shape):
        Z[h, w] = np.sum(image[h : h + 3, w : w + 3] * kernel)
    return Z


@edge_detect.mistake("The result is taken for a square. Height and width differ: count the windows along each.")
def edges_square(image, kernel):
    n = image.shape[0] - len(kernel) + 1
    Z = np.zeros((n, n))
    for h, w in np.ndindex(Z.shape):
        window = image[h : h + len(kernel), w : w + len(kernel)]
        Z[h, w] = np.sum(window * kernel[:, : window.shape[1]])
    return Z


@edge_detect.mistake(
    "The number of windows is that of the height, for both axes: where the image is lower than wide, windows are missing; "
    "where it is higher, they run out of the image. Count the windows along each axis."
)
def edges_height_for_both(image, kernel):
    f, n = len(kernel), image.shape[0] - len(kernel) + 1
    Z = np.zeros((n, n))
    for h, w in np.ndindex(n, n):
        Z[h, w] = np.sum(image[h : h + f, w : w + f] * kernel)
    return Z


@edge_detect.mistake(
    "Z has the shape of the image, so the last windows run out of it. A window starts at image.shape[0] - f + 1 rows only; "
    "likewise for the columns."
)
def edges_windows_outside(image, kernel):
    f, Z = len(kernel), np.zeros(image.shape)
    for h, w in np.ndindex(Z.shape):
        Z[h, w] = np.sum(image[h : h + f, w : w + f] * kernel)
    return Z


@edge_detect.mistake(
    "The number of windows is that of the shorter side, for both axes. Count the windows along each axis."
)
def edges_shorter_side_for_both(image, kernel):
    n = min(image.shape) - len(kernel) + 1
    return edge_detect.reference(image, kernel)[:n, :n]


@edge_detect.mistake(
    "Your windows have one row and one column too few: a slice ends before its second number. From h to h + f are f rows."
)
def edges_windows_too_small(image, kernel):
    f = len(kernel)
    padded = np.pad(kernel[:-1, :-1], ((0, 1), (0, 1)))
    return edge_detect.reference(image, padded) if f > 1 else np.zeros(image.shape)


@edge_detect.accept
def edges_four_loops(image, kernel):
    (n_H, n_W), f = image.shape, kernel.shape[0]
    Z = np.zeros((n_H - f + 1, n_W - f + 1))
    for h in range(n_H - f + 1):
        for w in range(n_W - f + 1):
            for j in range(f):
                for k in range(f):
                    Z[h, w] += image[h + j, w + k] * kernel[j, k]
    return Z


@edge_detect.accept
def edges_from_windows(image, kernel):
    return np.einsum("hwjk,jk->hw", windows(image, len(kernel)), kernel)


@edge_detect.accept
def edges_with_scipy(image, kernel):
    return correlate2d(image, kernel, mode="valid")


@edge_detect.accept("Loops over the f times f weights: each one times the whole image, moved.")
def edges_shifted_images(image, kernel):
    f = len(kernel)
    n_H, n_W = image.shape[0] - f + 1, image.shape[1] - f + 1
    return sum(kernel[j, k] * image[j : j + n_H, k : k + n_W] for j in range(f) for k in range(f))


# --- zero_pad --------------------------------------------------------------------------------------------------------


def pad_cases(rng):
    return [
        case(X=rng.normal(size=shape), pad=pad)
        for shape, pad in (((2, 3, 4, 1), 1), ((1, 1, 2, 1), 3), ((3, 2, 4, 1), 0), ((1, 2, 1, 3), 2))
    ]


@lesson.exercise(
    points=1,
    topic=39,
    equation="(1.6)",
    cases=pad_cases,
    ask="X has four axes. Which two of them grow, by how much, and where in the new array does pixel (0, 0) stand?",
    small={"X": np.array([[1.0, 2], [3, 4]]).reshape(1, 2, 2, 1), "pad": 1},
)
def zero_pad(X, pad):
    """Put a frame of zeros around each image.

    Parameters
    ----------
    X : ndarray, shape (m, n_H, n_W, n_C)
    pad : int
        Rows and columns of zeros on each side.

    Returns
    -------
    X_pad : ndarray, shape (m, n_H + 2 pad, n_W + 2 pad, n_C)
    """
    return np.pad(X, ((0, 0), (pad, pad), (pad, pad), (0, 0)))  # (1.6)


@zero_pad.mistake("The channels are padded too. Axis 3 gets no zeros: `(0, 0)`.")
def channels_padded(X, pad):
    return np.pad(X, ((0, 0), (pad, pad), (pad, pad), (pad, pad)))


@zero_pad.mistake("All four axes are padded, which adds examples and channels of zeros. Pad axes 1 and 2 only.")
def all_axes_padded(X, pad):
    return np.pad(X, pad)


@zero_pad.mistake("Axes 0 and 1 are padded. Axis 0 counts the examples: height and width are axes 1 and 2.")
def examples_padded(X, pad):
    return np.pad(X, ((pad, pad), (pad, pad), (0, 0), (0, 0)))


@zero_pad.mistake("Axes 2 and 3 are padded, width and channels. Height and width are axes 1 and 2.")
def width_and_channels_padded(X, pad):
    return np.pad(X, ((0, 0), (0, 0), (pad, pad), (pad, pad)))


@zero_pad.mistake("Only the height is padded. The width, axis 2, gets zeros on both sides as well.")
def only_height_padded(X, pad):
    return np.pad(X, ((0, 0), (pad, pad), (0, 0), (0, 0)))


@zero_pad.mistake("Only the width is padded. The height, axis 1, gets zeros on both sides as well.")
def only_width_padded(X, pad):
    return np.pad(X, ((0, 0), (0, 0), (pad, pad), (0, 0)))


@zero_pad.mistake("The zeros stand only below and to the right. Put pad of them on each side.")
def padded_after_only(X, pad):
    return np.pad(X, ((0, 0), (0, pad), (0, pad), (0, 0)))


@zero_pad.mistake("The zeros stand only above and to the left. Put pad of them on each side.")
def padded_before_only(X, pad):
    return np.pad(X, ((0, 0), (pad, 0), (pad, 0), (0, 0)))


@zero_pad.mistake(
    "All zeros stand on one side of the height and the width. Put pad of them on each side: `(pad, pad)`."
)
def padded_on_one_side(X, pad):
    return np.pad(X, ((0, 0), (0, 2 * pad), (0, 2 * pad), (0, 0)))


@zero_pad.mistake("There are 2 pad zeros on each side. 2 pad is what both sides have together.")
def padded_twice(X, pad):
    return np.pad(X, ((0, 0), (2 * pad, 2 * pad), (2 * pad, 2 * pad), (0, 0)))


@zero_pad.mistake("The frame repeats the outermost pixels. It is made of zeros.")
def padded_with_edge(X, pad):
    return np.pad(X, ((0, 0), (pad, pad), (pad, pad), (0, 0)), mode="edge")


@zero_pad.mistake("The frame is made of ones. It is made of zeros.")
def padded_with_ones(X, pad):
    return np.pad(X, ((0, 0), (pad, pad), (pad, pad), (0, 0)), constant_values=1)


@zero_pad.mistake("With pad = 0 the slice `pad:-pad` is empty. End it at `pad + n_H` and `pad + n_W`.")
def empty_slice_without_padding(X, pad):
    m, n_H, n_W, n_C = X.shape
    X_pad = np.zeros((m, n_H + 2 * pad, n_W + 2 * pad, n_C))
    X_pad[:, pad:-pad, pad:-pad, :] = X
    return X_pad


@zero_pad.mistake(
    "All zeros stand before the image. Half of them belong behind it: (pad, pad) for rows and for columns."
)
def padded_before_with_all(X, pad):
    return np.pad(X, ((0, 0), (2 * pad, 0), (2 * pad, 0), (0, 0)))


@zero_pad.accept("Zeros of the new shape, then the images copied into the middle.")
def with_a_slice(X, pad):
    m, n_H, n_W, n_C = X.shape
    X_pad = np.zeros((m, n_H + 2 * pad, n_W + 2 * pad, n_C))
    X_pad[:, pad : pad + n_H, pad : pad + n_W] = X
    return X_pad


@zero_pad.accept
def with_named_mode(X, pad):
    return np.pad(X, ((0, 0), (pad, pad), (pad, pad), (0, 0)), mode="constant", constant_values=(0, 0))


@zero_pad.accept
def with_concatenate(X, pad):
    for axis in (1, 2):
        shape = list(X.shape)
        shape[axis] = pad
        X = np.concatenate([np.zeros(shape), X, np.zeros(shape)], axis=axis)
    return X


# --- same_padding ----------------------------------------------------------------------------------------------------


def same_cases(rng):
    drawn = [int(f) for f in rng.permutation(np.arange(5, 60))[:4]]
    odd = 2 * int(rng.integers(30, 90)) + 1
    return [case(f=f) for f in (3, 4, 1, 2, *drawn, odd, odd + 1 + 2 * int(rng.integers(20)))]


@lesson.exercise(
    points=1,
    topic=38,
    equation="(1.8)",
    cases=same_cases,
    ask="For which f is (1.8) a whole number, and which operator of Python divides whole numbers into a whole number?",
    small={"f": 5},
)
def same_padding(f):
    """Return the padding with which an output is as large as its input, at stride 1.

    Parameters
    ----------
    f : int
        Size of the filter.

    Returns
    -------
    p : int or None
        None for even f: then no equal padding of all sides does it.
    """
    p, rest = divmod(f - 1, 2)  # (1.8)
    return p if rest == 0 else None


@same_padding.mistake("For even f this gives half a pixel, which no image has. Return None there.")
def same_half_pixels(f):
    return (f - 1) / 2


@same_padding.mistake("For even f this padding makes the output one pixel too small. Return None there.")
def same_rounded_down(f):
    return (f - 1) // 2


@same_padding.mistake("For even f this padding makes the output one pixel too large. Return None there.")
def same_rounded_up(f):
    return f // 2


@same_padding.mistake("For even f you return 0, which keeps no size but that of f = 1. Return None there.")
def same_zero_for_even(f):
    return (f - 1) // 2 if f % 2 else 0


@same_padding.mistake("f - 1 is the padding of both sides together. Each side gets half of it.")
def same_total(f):
    return f - 1 if f % 2 else None


@same_padding.mistake("This is (f + 1)/2, one pixel too many on each side. Look at the sign in 2p = f - 1.")
def same_one_too_many(f):
    return (f + 1) // 2 if f % 2 else None


@same_padding.mistake("The two kinds of f are mixed up: odd filters have a padding, even ones have None.")
def same_for_even_only(f):
    return None if f % 2 else (f - 1) // 2


@same_padding.accept("`divmod` gives quotient and remainder at once.")
def same_with_remainder(f):
    if f % 2 == 0:
        return None
    return (f - 1) // 2


@same_padding.accept
def same_by_trying(f):
    n = 50
    for p in range(f):
        if n + 2 * p - f + 1 == n:
            return p
    return None


@same_padding.accept
def same_as_float(f):
    p = (f - 1) / 2
    return int(p) if p.is_integer() else None


# --- conv_output_size ------------------------------------------------------------------------------------------------


def size_cases(rng):
    numbers = [(7, 3, 0, 2), (6, 3, 0, 2), (9, 4, 1, 3), (10, 2, 3, 5), (8, 5, 1, 1), (224, 7, 3, 2), (11, 4, 0, 4)]
    for _ in range(4):
        stride, f = (int(number) for number in rng.permutation(np.arange(2, 8))[:2])
        numbers.append((int(rng.integers(20, 90)), f, int(rng.integers(6)), stride))
    return [case(n=n, f=f, pad=pad, stride=stride) for n, f, pad, stride in numbers]


@lesson.exercise(
    points=1,
    topic=40,
    equation="(1.10)",
    cases=size_cases,
    ask="What is rounded down in (1.10), and what is added after that?",
    small={"n": 6, "f": 3, "pad": 0, "stride": 2},
)
def conv_output_size(n, f, pad, stride):
    """Return how many windows fit along one side of an image.

    Parameters
    ----------
    n : int
        Pixels along that side.
    f : int
        Size of the filter, at most n + 2 pad.
    pad : int
        Zeros on each side.
    stride : int
        Pixels from one window to the next.

    Returns
    -------
    n_out : int
    """
    return (n + 2 * pad - f) // stride + 1  # (1.10)


@conv_output_size.mistake(
    "Where the division leaves a remainder, your size is not a whole number. Round down: `//` in place of `/`."
)
def size_without_floor(n, f, pad, stride):
    return (n + 2 * pad - f) / stride + 1


@conv_output_size.mistake("You round up. A window that does not fit as a whole is left out: round down.")
def size_rounded_up(n, f, pad, stride):
    return math.ceil((n + 2 * pad - f) / stride) + 1


@conv_output_size.mistake("`round` of the quotient goes to the nearest whole number, up or down. Round down.")
def size_rounded(n, f, pad, stride):
    return round((n + 2 * pad - f) / stride) + 1


@conv_output_size.mistake("`round` of the whole sum goes to the nearest whole number, up or down. Round down.")
def size_rounded_after_adding(n, f, pad, stride):
    return round((n + 2 * pad - f) / stride + 1)


@conv_output_size.mistake("Only f is divided by the stride. Put parentheses around the difference.")
def size_without_parentheses(n, f, pad, stride):
    return n + 2 * pad - f // stride + 1


@conv_output_size.mistake("The window at the start is not counted: add 1 after the division.")
def size_without_the_first(n, f, pad, stride):
    return (n + 2 * pad - f) // stride


@conv_output_size.mistake("The 1 is added before the division. It is the window at the start: add it after rounding.")
def size_one_inside(n, f, pad, stride):
    return (n + 2 * pad - f + 1) // stride


@conv_output_size.mistake("Only one side is padded in your formula. Both sides have pad zeros: 2 pad.")
def size_padded_once(n, f, pad, stride):
    return (n + pad - f) // stride + 1


@conv_output_size.mistake("The padding is not in your formula. The image has n + 2 pad pixels.")
def size_without_padding(n, f, pad, stride):
    return (n - f) // stride + 1


@conv_output_size.mistake("The stride is not in your formula. The window moves by stride pixels: divide by it.")
def size_without_stride(n, f, pad, stride):
    return n + 2 * pad - f + 1


@conv_output_size.mistake("The padding is subtracted. It makes the image larger: plus 2 pad.")
def size_padding_subtracted(n, f, pad, stride):
    return (n - 2 * pad - f) // stride + 1


@conv_output_size.mistake(
    "The size of the filter is not in your formula. The first window leaves n + 2 pad - f pixels."
)
def size_without_filter(n, f, pad, stride):
    return (n + 2 * pad) // stride + 1


@conv_output_size.accept
def size_with_floor(n, f, pad, stride):
    return math.floor((n + 2 * pad - f) / stride) + 1


@conv_output_size.accept
def size_with_int(n, f, pad, stride):
    return int((n + 2 * pad - f) / stride + 1)


@conv_output_size.accept("Counts the windows one by one: slower, and no formula to get wrong.")
def size_by_counting(n, f, pad, stride):
    return len(range(0, n + 2 * pad - f + 1, stride))


# --- conv_single_step ------------------------------------------------------------------------------------------------


def step_cases(rng):
    return [
        case(a_slice_prev=rng.normal(size=(f, f, n_C)), W=rng.normal(size=(f, f, n_C)), b=rng.normal(size=(1, 1, 1)))
        for f, n_C in ((3, 2), (2, 5), (4, 1), (5, 3))
    ]


@lesson.exercise(
    points=1,
    topic=41,
    equation="(1.12)",
    cases=step_cases,
    ask="How many products are added up, and how often is the bias added? What turns an array with one entry into a number?",
    small={"a_slice_prev": np.array([[[1.0, 10], [2, 20]]]), "W": np.full((1, 2, 2), 2.0), "b": np.array([[[0.5]]])},
)
def conv_single_step(a_slice_prev, W, b):
    """Return the score of one filter in one window.

    Parameters
    ----------
    a_slice_prev : ndarray, shape (f, f, n_C_prev)
        The window.
    W : ndarray, shape (f, f, n_C_prev)
        One filter.
    b : ndarray, shape (1, 1, 1)
        Its bias.

    Returns
    -------
    z : float
    """
    return np.sum(a_slice_prev * W) + b.item()  # (1.12)


@conv_single_step.mistake("The bias is inside the sum, so it is added once per product. Add it once, after the sum.")
def bias_inside_the_sum(a_slice_prev, W, b):
    return np.sum(a_slice_prev * W + b)


@conv_single_step.mistake("The bias is missing: add b after the sum.")
def step_without_bias(a_slice_prev, W, b):
    return np.sum(a_slice_prev * W)


@conv_single_step.mistake("The bias is subtracted. Add it.")
def bias_subtracted(a_slice_prev, W, b):
    return np.sum(a_slice_prev * W) - b.item()


@conv_single_step.mistake(
    "You return one number per channel. A filter gives one number per window: add up over the channels too."
)
def sum_per_channel(a_slice_prev, W, b):
    return np.sum(a_slice_prev * W, axis=(0, 1)) + b.item()


@conv_single_step.mistake("Only the first channel is used. The sum runs over all channels, the last axis.")
def first_channel_only(a_slice_prev, W, b):
    return np.sum(a_slice_prev[:, :, 0] * W[:, :, 0]) + b.item()


@conv_single_step.mistake(
    "The result is an array of shape (1, 1, 1), because b is one. Take the number out of b: `b.item()`."
)
def step_as_an_array(a_slice_prev, W, b):
    return np.sum(a_slice_prev * W) + b


@conv_single_step.mistake(
    "Your filter is flipped, upside down and left to right. Here the upper left weight meets the upper left pixel."
)
def step_flipped(a_slice_prev, W, b):
    return np.sum(a_slice_prev * W[::-1, ::-1]) + b.item()


@conv_single_step.mistake("This is the mean of the products. Add them up: `np.sum`.")
def step_mean(a_slice_prev, W, b):
    return np.mean(a_slice_prev * W) + b.item()


@conv_single_step.mistake("You multiply the sum of the window by the sum of the filter. First multiply, then add up.")
def product_of_sums(a_slice_prev, W, b):
    return np.sum(a_slice_prev) * np.sum(W) + b.item()


@conv_single_step.mistake("Here you return the products themselves. Add them all up to one number, then add b.")
def products_not_added(a_slice_prev, W, b):
    return a_slice_prev * W + b


@conv_single_step.mistake(
    "The first channel alone is used, and as a product of matrices. Multiply entry by entry, with `*`, in all channels."
)
def product_of_matrices_of_the_first_channel(a_slice_prev, W, b):
    return np.sum(a_slice_prev[..., 0] @ W[..., 0]) + b.item()


@conv_single_step.mistake(
    "The first channel of the filter meets all channels of the window. Each channel has weights of its own: W as a whole."
)
def first_weights_for_all_channels(a_slice_prev, W, b):
    return np.sum(a_slice_prev * W[..., :1]) + b.item()


@conv_single_step.accept
def step_by_loops(a_slice_prev, W, b):
    z = b[0, 0, 0]
    for j, k, c in np.ndindex(W.shape):
        z += a_slice_prev[j, k, c] * W[j, k, c]
    return z


@conv_single_step.accept
def step_with_einsum(a_slice_prev, W, b):
    return np.einsum("jkc,jkc->", a_slice_prev, W) + b.item()


@conv_single_step.accept("A window and a filter as long vectors: the score is their dot product.")
def step_as_dot_product(a_slice_prev, W, b):
    return float(np.dot(a_slice_prev.ravel(), W.ravel()) + b.squeeze())


@conv_single_step.accept
def step_with_scipy(a_slice_prev, W, b):
    z = sum(correlate2d(a_slice_prev[:, :, c], W[:, :, c], mode="valid") for c in range(W.shape[2]))
    return np.squeeze(z + b[0])


# --- conv2d ----------------------------------------------------------------------------------------------------------


def conv2d_cases(rng):
    def one(m, n_H, n_W, n_C_prev, f, n_C, pad, stride):
        return case(
            A_prev=rng.normal(size=(m, n_H, n_W, n_C_prev)),
            W=rng.normal(size=(f, f, n_C_prev, n_C)),
            b=rng.normal(size=(1, 1, 1, n_C)),
            pad=pad,
            stride=stride,
        )

    return [
        one(2, 5, 8, 3, 2, 4, 1, 2),
        one(1, 7, 5, 2, 3, 3, 0, 1),
        one(3, 4, 9, 2, 3, 5, 2, 3),
        one(2, 6, 6, 4, 4, 3, 1, 1),  # square, and stride 1 with padding
        one(1, 7, 9, 2, 3, 2, 0, 2),  # a stride without padding
    ]


@lesson.exercise(
    points=3,
    topic=41,
    equation="(1.10), (1.6), (1.13)",
    cases=conv2d_cases,
    ask="Four indices name an entry of Z. Which of your three functions gives the sizes, which the images with their frame, "
    "and which one entry? What does each of the four indices choose for it?",
    small={
        "A_prev": SMALL_IMAGE[None, :, :, None],
        "W": SMALL_FILTER[:, :, None, None],
        "b": np.full((1, 1, 1, 1), 0.5),
        "pad": 0,
        "stride": 1,
    },
    why={
        "question": "Why does conv2d not loop over the channels of the input?",
        "choices": {
            "a window has them all, and the sum runs over them": "Yes: one filter gives one number for each window.",
            "only the first channel counts": "No: all of them are multiplied with their weights.",
            "c runs over them": "No: c counts the filters, the channels of the output.",
        },
    },
)
def conv2d(A_prev, W, b, pad, stride):
    """Slide all filters over all images.

    Parameters
    ----------
    A_prev : ndarray, shape (m, n_H_prev, n_W_prev, n_C_prev)
    W : ndarray, shape (f, f, n_C_prev, n_C)
        One filter per entry of the last axis.
    b : ndarray, shape (1, 1, 1, n_C)
        One bias per filter.
    pad, stride : int

    Returns
    -------
    Z : ndarray, shape (m, n_H, n_W, n_C)
        One channel per filter.
    """
    m, n_H_prev, n_W_prev, _ = A_prev.shape
    f, _, _, n_C = W.shape
    n_H = conv_output_size(n_H_prev, f, pad, stride)
    n_W = conv_output_size(n_W_prev, f, pad, stride)
    A_pad = zero_pad(A_prev, pad)
    Z = np.zeros((m, n_H, n_W, n_C))
    for i, h, w, c in np.ndindex(Z.shape):
        window = A_pad[i, h * stride : h * stride + f, w * stride : w * stride + f]
        Z[i, h, w, c] = conv_single_step(window, W[..., c], b[..., c])  # (1.13)
    return Z


def padded(A_prev, pad):
    return np.pad(A_prev, ((0, 0), (pad, pad), (pad, pad), (0, 0)))


def stacked(A_pad, W, b, stride=1):
    """Return the right scores of images that are already padded."""
    f = W.shape[0]
    all_windows = sliding_window_view(A_pad, (f, f), axis=(1, 2))[:, ::stride, ::stride]
    return np.einsum("ihwpjk,jkpc->ihwc", all_windows, W) + b


@conv2d.mistake("The bias is inside the sum, so it is added once per product. Add it once, after the sum.")
def conv2d_bias_inside(A_prev, W, b, pad, stride):
    return stacked(padded(A_prev, pad), W, b * W[..., 0].size, stride)


@conv2d.mistake("The bias is missing: each filter adds its own b[..., c].")
def conv2d_without_bias(A_prev, W, b, pad, stride):
    return stacked(padded(A_prev, pad), W, 0, stride)


@conv2d.mistake("All channels get the bias of the first filter. Filter c has the bias b[..., c].")
def conv2d_first_bias(A_prev, W, b, pad, stride):
    return stacked(padded(A_prev, pad), W, b[..., :1], stride)


@conv2d.mistake("All channels come from the first filter. Channel c of the output comes from W[..., c].")
def conv2d_first_filter(A_prev, W, b, pad, stride):
    return stacked(padded(A_prev, pad), np.repeat(W[..., :1], W.shape[3], axis=3), b, stride)


@conv2d.mistake(
    "Your filters are flipped, upside down and left to right. Here the upper left weight meets the upper left pixel."
)
def conv2d_flipped(A_prev, W, b, pad, stride):
    return stacked(padded(A_prev, pad), W[::-1, ::-1], b, stride)


@conv2d.mistake(
    "The size of the output is right, but your windows move by one pixel. Window h starts at row h * stride, "
    "window w at column w * stride."
)
def conv2d_windows_without_stride(A_prev, W, b, pad, stride):
    right = stacked(padded(A_prev, pad), W, b, stride)
    return stacked(padded(A_prev, pad), W, b)[:, : right.shape[1], : right.shape[2]]


@conv2d.mistake("The stride is forgotten: the window moves by stride pixels, and the output has fewer entries.")
def conv2d_without_stride(A_prev, W, b, pad, stride):
    return stacked(padded(A_prev, pad), W, b)


@conv2d.mistake("The stride is used for the rows only. Columns move by it as well.")
def conv2d_stride_of_rows(A_prev, W, b, pad, stride):
    return stacked(padded(A_prev, pad), W, b)[:, ::stride]


@conv2d.mistake("The images are not padded. Call `zero_pad` first, and take the windows from its result.")
def conv2d_without_padding(A_prev, W, b, pad, stride):
    return stacked(A_prev, W, b, stride)


@conv2d.mistake("Your windows come from A_prev, which has no frame. Take them from the result of `zero_pad`.")
def conv2d_windows_of_a_prev(A_prev, W, b, pad, stride):
    Z = np.zeros_like(stacked(padded(A_prev, pad), W, b, stride))
    f = W.shape[0]
    for i, h, w, c in np.ndindex(Z.shape):
        window = A_prev[i, h * stride : h * stride + f, w * stride : w * stride + f]
        Z[i, h, w, c] = np.sum(window * W[..., c]) + b[0, 0, 0, c]
    return Z


@conv2d.mistake(
    "Your windows shrink as they move. One that starts at row h * stride ends at h * stride + f, not at h + f."
)
def conv2d_windows_end_without_stride(A_prev, W, b, pad, stride):
    A_pad, f = padded(A_prev, pad), W.shape[0]
    Z = np.zeros_like(stacked(A_pad, W, b, stride))
    for i, h, w, c in np.ndindex(Z.shape):
        window = A_pad[i, h * stride : h + f, w * stride : w + f]
        Z[i, h, w, c] = np.sum(window * W[..., c]) + b[0, 0, 0, c]
    return Z


@conv2d.mistake("Only the first channel of the images is used. A window has all channels of its input.")
def conv2d_first_channel(A_prev, W, b, pad, stride):
    return stacked(padded(A_prev[..., :1], pad), W[:, :, :1], b, stride)


@conv2d.mistake("Height and width of the output are swapped: axis 1 is the height, axis 2 the width.")
def conv2d_transposed(A_prev, W, b, pad, stride):
    return stacked(padded(A_prev, pad), W, b, stride).transpose(0, 2, 1, 3)


@conv2d.mistake(
    "Height and width are mixed up: this works for square images only. A_prev.shape is "
    "(m, n_H_prev, n_W_prev, n_C_prev), in this order."
)
def conv2d_height_and_width_swapped(A_prev, W, b, pad, stride):
    right = stacked(padded(A_prev, pad), W, b, stride)
    m, n_H, n_W, n_C = right.shape
    Z = np.zeros((m, n_W, n_H, n_C))
    for h, w in np.ndindex(n_H, n_W):
        Z[:, h, w] = right[:, h, w]
    return Z


@conv2d.mistake("Your windows start at row w and column h. A slice names the rows first: row h, column w.")
def conv2d_windows_swapped(A_prev, W, b, pad, stride):
    A_pad, f = padded(A_prev, pad), W.shape[0]
    Z = np.zeros_like(stacked(A_pad, W, b, stride))
    for i, h, w, c in np.ndindex(Z.shape):
        window = A_pad[i, w * stride : w * stride + f, h * stride : h * stride + f]
        Z[i, h, w, c] = np.sum(window * W[..., c]) + b[0, 0, 0, c]
    return Z


@conv2d.mistake("Only the first image is filtered. Loop over all m examples, axis 0.")
def conv2d_first_example(A_prev, W, b, pad, stride):
    Z = stacked(padded(A_prev, pad), W, b, stride)
    Z[1:] = 0
    return Z


@conv2d.mistake("All examples come from the first image. Take the window from image i.")
def conv2d_first_image(A_prev, W, b, pad, stride):
    return np.repeat(stacked(padded(A_prev[:1], pad), W, b, stride), len(A_prev), axis=0)


@conv2d.mistake("Negative scores are cut to 0. Here is no activation function yet: return the scores.")
def conv2d_with_relu(A_prev, W, b, pad, stride):
    return np.maximum(0, stacked(padded(A_prev, pad), W, b, stride))


@conv2d.mistake(
    "The first channel alone is used, and as a product of matrices. Multiply entry by entry, with `*`, in all channels."
)
def conv2d_product_of_matrices(A_prev, W, b, pad, stride):
    Z, A, f = conv2d.reference(A_prev, W, b, pad, stride), padded(A_prev, pad), len(W)
    for i, h, w, c in np.ndindex(Z.shape):
        window = A[i, h * stride : h * stride + f, w * stride : w * stride + f, 0]
        Z[i, h, w, c] = np.sum(window @ W[..., 0, c]) + b[0, 0, 0, c]
    return Z


@conv2d.mistake("Only the first score is computed. `return` stands inside the loop: move it out of it.")
def conv2d_returned_too_early(A_prev, W, b, pad, stride):
    Z = conv2d.reference(A_prev, W, b, pad, stride)
    return np.where(np.arange(Z.size).reshape(Z.shape) == 0, Z, 0.0)


@conv2d.accept
def conv2d_by_four_loops(A_prev, W, b, pad, stride):
    m, n_H_prev, n_W_prev, _ = A_prev.shape
    f, f, n_C_prev, n_C = W.shape
    n_H = int((n_H_prev + 2 * pad - f) / stride) + 1
    n_W = int((n_W_prev + 2 * pad - f) / stride) + 1
    A_prev_pad = zero_pad(A_prev, pad)
    Z = np.zeros((m, n_H, n_W, n_C))
    for i in range(m):
        a_prev_pad = A_prev_pad[i]
        for h in range(n_H):
            for w in range(n_W):
                for c in range(n_C):
                    a_slice = a_prev_pad[h * stride : h * stride + f, w * stride : w * stride + f, :]
                    Z[i, h, w, c] = conv_single_step(a_slice, W[:, :, :, c], b[:, :, :, c])
    return Z


@conv2d.accept("All windows as a view, then one `einsum` over the axes j, k and d.")
def conv2d_by_windows_and_einsum(A_prev, W, b, pad, stride):
    return stacked(padded(A_prev, pad), W, b, stride)


@conv2d.accept
def conv2d_by_scipy(A_prev, W, b, pad, stride):
    A_pad = padded(A_prev, pad)
    return np.stack(
        [
            sum(
                np.stack([correlate2d(image[..., p], W[..., p, c], mode="valid") for image in A_pad])
                for p in range(W.shape[2])
            )[:, ::stride, ::stride]
            + b[0, 0, 0, c]
            for c in range(W.shape[3])
        ],
        axis=-1,
    )


@conv2d.accept
def conv2d_window_by_window(A_prev, W, b, pad, stride):
    A_pad, f = padded(A_prev, pad), W.shape[0]
    rows = range(0, A_pad.shape[1] - f + 1, stride)
    columns = range(0, A_pad.shape[2] - f + 1, stride)
    return np.array(
        [
            [[np.tensordot(image[r : r + f, q : q + f], W, axes=3) + b[0, 0, 0] for q in columns] for r in rows]
            for image in A_pad
        ]
    )


# --- dilated_conv ----------------------------------------------------------------------------------------------------


def dilated_cases(rng):
    def one(n_H, n_W, f, dilation):
        return case(image=rng.normal(size=(n_H, n_W)), kernel=rng.normal(size=(f, f)), dilation=dilation)

    return [one(7, 9, 3, 2), one(8, 6, 2, 3), one(5, 7, 3, 1), one(11, 8, 2, 4), one(9, 9, 3, 3), one(6, 5, 1, 4)]


@lesson.exercise(
    points=2,
    topic=40,
    equation="(1.14), (1.16)",
    cases=dilated_cases,
    ask="Weights that were neighbours are now `dilation` pixels apart. How many pixels does the filter cover, and which pixels "
    "of the window does it read?",
    small={"image": np.arange(1.0, 13).reshape(3, 4), "kernel": np.array([[1.0, 2], [3, 4]]), "dilation": 2},
)
def dilated_conv(image, kernel, dilation):
    """Slide a filter with holes over a gray image.

    Parameters
    ----------
    image : ndarray, shape (n_H, n_W)
    kernel : ndarray, shape (f, f)
    dilation : int
        Pixels from one weight of the filter to the next; 1 is a filter without holes.

    Returns
    -------
    Z : ndarray, shape (n_H - d (f - 1), n_W - d (f - 1))
        With d for the dilation.
    """
    f, _ = kernel.shape
    wide = dilation * (f - 1) + 1  # (1.15)
    Z = np.zeros((image.shape[0] - wide + 1, image.shape[1] - wide + 1))  # (1.16)
    for h, w in np.ndindex(Z.shape):
        Z[h, w] = np.sum(image[h : h + wide : dilation, w : w + wide : dilation] * kernel)  # (1.14)
    return Z


def with_holes(kernel, dilation, columns=None):
    """Return the filter with zeros between its weights."""
    columns = dilation if columns is None else columns
    f = len(kernel)
    wide = np.zeros((dilation * (f - 1) + 1, columns * (f - 1) + 1))
    wide[::dilation, ::columns] = kernel
    return wide


def correlated(image, kernel):
    """Return the scores of a filter that need not be square."""
    return np.einsum("hwjk,jk->hw", sliding_window_view(image, kernel.shape), kernel)


@dilated_conv.mistake("The dilation is not used: your filter has no holes. Take every dilation-th pixel of a window.")
def dilated_not_at_all(image, kernel, dilation):
    return correlated(image, kernel)


@dilated_conv.mistake(
    "This is a stride: the windows move by `dilation`. Here they move by 1, and the weights are apart."
)
def dilated_as_stride(image, kernel, dilation):
    return correlated(image, kernel)[::dilation, ::dilation]


@dilated_conv.mistake(
    "Between two weights you leave `dilation` pixels out. It is the distance from weight to weight: 1 leaves none out."
)
def dilated_counts_zeros(image, kernel, dilation):
    frame = (len(kernel) - 1) * (dilation + 1) + 1
    return correlated(
        np.pad(image, ((0, max(0, frame - image.shape[0])), (0, max(0, frame - image.shape[1])))),
        with_holes(kernel, dilation + 1),
    )


@dilated_conv.mistake("Only the rows have holes. The columns are `dilation` apart as well.")
def dilated_rows_only(image, kernel, dilation):
    return correlated(image, with_holes(kernel, dilation, 1))


@dilated_conv.mistake("Only the columns have holes. The rows are `dilation` apart as well.")
def dilated_columns_only(image, kernel, dilation):
    return correlated(image, with_holes(kernel, 1, dilation))


@dilated_conv.mistake("The filter is flipped. Here the upper left weight meets the upper left pixel of the window.")
def dilated_flipped(image, kernel, dilation):
    return correlated(image, with_holes(kernel[::-1, ::-1], dilation))


@dilated_conv.mistake("The filter is transposed: row j, column k of the filter meets pixel (h + d j, w + d k).")
def dilated_transposed(image, kernel, dilation):
    return correlated(image, with_holes(kernel.T, dilation))


@dilated_conv.mistake("The last row and column of scores are missing: there are n - d (f - 1) of them along a side.")
def dilated_last_missing(image, kernel, dilation):
    return correlated(image, with_holes(kernel, dilation))[:-1, :-1]


@dilated_conv.mistake(
    "Your filter is taken to cover d · f pixels. From the first to the last weight it is d (f - 1) + 1."
)
def dilated_too_wide(image, kernel, dilation):
    wide = dilation * len(kernel)
    right = correlated(image, with_holes(kernel, dilation))
    return right[: max(0, image.shape[0] - wide + 1), : max(0, image.shape[1] - wide + 1)]


@dilated_conv.mistake(
    "Your Z holds whole numbers: what stands behind the point is lost. `np.zeros` without dtype has floats."
)
def dilated_whole_numbers(image, kernel, dilation):
    return correlated(image, with_holes(kernel, dilation)).astype(int)


@dilated_conv.mistake("The dilation is always 2. Take it from the argument.")
def dilated_by_two(image, kernel, dilation):
    return dilated_conv.reference(image, kernel, 2)


@dilated_conv.accept("Writes the zeros between the weights, and then uses `edge_detect`.")
def dilated_by_zeros(image, kernel, dilation):
    return edge_detect.reference(image, with_holes(kernel, dilation))


@dilated_conv.accept("Loops over the weights: each one times the image, moved by d j and d k.")
def dilated_shifted_images(image, kernel, dilation):
    f = len(kernel)
    n_H, n_W = (n - dilation * (f - 1) for n in image.shape)
    Z = np.zeros((n_H, n_W))
    for j, k in np.ndindex(f, f):
        Z += kernel[j, k] * image[dilation * j : dilation * j + n_H, dilation * k : dilation * k + n_W]
    return Z


@dilated_conv.accept
def dilated_from_windows(image, kernel, dilation):
    wide = dilation * (len(kernel) - 1) + 1
    return np.sum(windows(image, wide)[:, :, ::dilation, ::dilation] * kernel, axis=(2, 3))
