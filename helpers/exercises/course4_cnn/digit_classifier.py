"""Lesson 4.4, a classifier of digits: the catalogue of its thirteen exercises. Equations are those of the notebook."""

import numpy as np

from helpers.exercises import Lesson, case
from helpers.exercises.course4_cnn import conv_layer
from helpers.widgets import digit_classifier as layers

lesson = Lesson("digit_classifier")

# --- predictions -----------------------------------------------------------------------------------------------------

lesson.predict(
    "most_parameters",
    "8 filters of 7 by 7, pooling, 16 filters of 5 by 5, pooling, then ten scores from 400 numbers. Which layer has the "
    "most parameters?",
    ("the first convolution", "the second convolution", "the dense layer"),
    "The dense layer has a weight for each pair of an input and an output; filters are shared by all places.",
)
lesson.predict(
    "moved",
    "The digits of the test are moved to the right by two pixels. Which network loses the fewest of them?",
    ("64 dense units", "convolutions with strides in place of pooling", "convolutions with max pooling"),
    "A window's largest entry often stays the largest when the image moves a little; a dense unit knows one place only.",
)
lesson.predict(
    "edges",
    "The straight step edge that fits a random 7 by 7 filter best explains about 9 % of its variance, in the median. And for the "
    "filters that the network learns with weight decay?",
    ("about 9 %, too", "15 to 30 %", "more than 35 %"),
    "Decay lets each weight stay only as far as the digits keep asking for it, and strokes ask for neighbours together.",
)


# --- layer_output_shapes ---------------------------------------------------------------------------------------------

LENET = [
    {"kind": "conv", "f": 5, "n_C": 6, "pad": 2, "stride": 1}, {"kind": "pool", "f": 2, "stride": 2},
    {"kind": "conv", "f": 5, "n_C": 16, "pad": 0, "stride": 1}, {"kind": "pool", "f": 2, "stride": 2},
    {"kind": "flatten"}, {"kind": "dense", "n": 120}, {"kind": "dense", "n": 84}, {"kind": "dense", "n": 10},
]  # fmt: skip


def shapes_cases(rng):
    def draw(low, high):
        return int(rng.integers(low, high))

    n_C, n = draw(5, 30), draw(40, 99)
    return [
        case(input_shape=(28, 28, 1), layers=LENET),
        case(input_shape=(draw(27, 36), draw(18, 26), 3), layers=[
            {"kind": "conv", "f": 4, "n_C": n_C, "pad": 1, "stride": 3}, {"kind": "pool", "f": 3, "stride": 2},
            {"kind": "flatten"}, {"kind": "dense", "n": n},
        ]),
        case(input_shape=(draw(10, 14), draw(15, 20), 2), layers=[
            {"kind": "pool", "f": 2, "stride": 3}, {"kind": "conv", "f": 2, "n_C": n_C + 1, "pad": 2, "stride": 2},
        ]),
        case(input_shape=(5, draw(3, 5), draw(2, 9)), layers=[{"kind": "flatten"}, {"kind": "dense", "n": n_C + 2}]),
    ]  # fmt: skip


@lesson.exercise(
    points=2,
    topic=44,
    equation="(4.1)",
    cases=shapes_cases,
    ask="Which layers change the channels, and which of them the height and the width?",
    small={
        "input_shape": (14, 14, 8),
        "layers": [{"kind": "conv", "f": 5, "n_C": 16, "pad": 0, "stride": 1}, {"kind": "pool", "f": 2, "stride": 2}],
    },
)
def layer_output_shapes(input_shape, layers):
    """Return the shape of the volume after each layer, for one example.

    Parameters
    ----------
    input_shape : tuple of int
        (n_H, n_W, n_C).
    layers : list of dict
        ``kind`` is "conv" (with ``f``, ``n_C``, ``pad``, ``stride``), "pool" (``f``, ``stride``), "flatten" or "dense"
        (``n``).

    Returns
    -------
    list of tuple
        One for each layer: (n_H, n_W, n_C), or (n,) after "flatten" and "dense".
    """
    shapes, shape = [], tuple(input_shape)
    for layer in layers:
        if layer["kind"] in ("conv", "pool"):
            pad = layer.get("pad", 0)
            sides = [(n + 2 * pad - layer["f"]) // layer["stride"] + 1 for n in shape[:2]]  # (4.1)
            shape = (*sides, layer.get("n_C", shape[-1]))
        elif layer["kind"] == "flatten":
            shape = (shape[0] * shape[1] * shape[2],)
        else:
            shape = (layer["n"],)
        shapes.append(shape)
    return shapes


def shapes_variant(
    input_shape, layers, side=lambda n, f, pad, stride: (n + 2 * pad - f) // stride + 1, flat=lambda s: (s[0] * s[1] * s[2],),
    conv_channels=lambda layer, s: layer["n_C"], pool_channels=lambda s: s[2],
):  # fmt: skip
    shapes, shape = [], tuple(input_shape)
    for layer in layers:
        if layer["kind"] in ("conv", "pool"):
            sides = tuple(side(n, layer["f"], layer.get("pad", 0), layer["stride"]) for n in shape[:2])
            shape = (*sides, conv_channels(layer, shape) if layer["kind"] == "conv" else pool_channels(shape))
        else:
            shape = flat(shape) if layer["kind"] == "flatten" else (layer["n"],)
        shapes.append(shape)
    return shapes


@layer_output_shapes.mistake(
    "The padding is forgotten. It adds 2 pad pixels to each side's length before the filter slides."
)
def shapes_without_padding(input_shape, layers):
    return shapes_variant(input_shape, layers, lambda n, f, pad, stride: (n - f) // stride + 1)


@layer_output_shapes.mistake("The padding is counted once. There are pad pixels on *both* ends of a side: 2 pad.")
def shapes_padding_once(input_shape, layers):
    return shapes_variant(input_shape, layers, lambda n, f, pad, stride: (n + pad - f) // stride + 1)


@layer_output_shapes.mistake("The stride is forgotten. Divide by it, rounding down, before adding 1.")
def shapes_without_stride(input_shape, layers):
    return shapes_variant(input_shape, layers, lambda n, f, pad, stride: n + 2 * pad - f + 1)


@layer_output_shapes.mistake("The + 1 is missing: the first window counts, too.")
def shapes_without_one(input_shape, layers):
    return shapes_variant(input_shape, layers, lambda n, f, pad, stride: (n + 2 * pad - f) // stride)


@layer_output_shapes.mistake("A window that hangs over the border was counted. Round down: `//`.")
def shapes_rounded_up(input_shape, layers):
    return shapes_variant(input_shape, layers, lambda n, f, pad, stride: -(-(n + 2 * pad - f) // stride) + 1)


@layer_output_shapes.mistake("The sizes are not whole numbers. Use `//`, which rounds down.")
def shapes_not_whole(input_shape, layers):
    return shapes_variant(input_shape, layers, lambda n, f, pad, stride: (n + 2 * pad - f) / stride + 1)


@layer_output_shapes.mistake("After a convolution the channels are those of its input. They count its filters: `n_C`.")
def shapes_channels_of_input(input_shape, layers):
    return shapes_variant(input_shape, layers, conv_channels=lambda layer, s: s[2])


@layer_output_shapes.mistake(
    "After a convolution the channels are multiplied. A filter sums over the channels of its input."
)
def shapes_channels_multiplied(input_shape, layers):
    return shapes_variant(input_shape, layers, conv_channels=lambda layer, s: layer["n_C"] * s[2])


@layer_output_shapes.mistake("Pooling leaves one channel here. It treats each channel by itself: their number stays.")
def shapes_pool_one_channel(input_shape, layers):
    return shapes_variant(input_shape, layers, pool_channels=lambda s: 1)


@layer_output_shapes.mistake("Flattening forgets the channels: height times width times channels.")
def shapes_flat_without_channels(input_shape, layers):
    return shapes_variant(input_shape, layers, flat=lambda s: (s[0] * s[1],))


@layer_output_shapes.mistake("The input's shape stands in the list. Give one shape for each layer, after it.")
def shapes_with_input(input_shape, layers):
    return [tuple(input_shape), *shapes_variant(input_shape, layers)]


@layer_output_shapes.mistake(
    "Both sides come from the height. The width has its own length: the second number of the shape."
)
def shapes_height_twice(input_shape, layers):
    n_H, _, n_C = input_shape
    return shapes_variant((n_H, n_H, n_C), layers)


@layer_output_shapes.mistake("Only the last shape is returned. Give one for each layer.")
def shapes_last_only(input_shape, layers):
    return shapes_variant(input_shape, layers)[-1]


@layer_output_shapes.mistake(
    "Behind a convolution or pooling both sides come from the height. The width has its own length, the second number."
)
def shapes_height_for_the_width(input_shape, layers):
    shapes, shape = [], tuple(input_shape)
    for layer in layers:
        (shape,) = shapes_variant(
            (shape[0], *shape[:1], *shape[2:]) if layer["kind"] in ("conv", "pool") else shape, [layer]
        )
        shapes.append(shape)
    return shapes


@layer_output_shapes.accept
def shapes_step_by_step(input_shape, layers):
    found = [tuple(input_shape)]
    for layer in layers:
        before = found[-1]
        match layer["kind"]:
            case "conv" | "pool" as kind:
                pad, channels = (layer["pad"], layer["n_C"]) if kind == "conv" else (0, before[2])
                found.append((*((n + 2 * pad - layer["f"]) // layer["stride"] + 1 for n in before[:2]), channels))
            case "flatten":
                found.append((int(np.prod(before)),))
            case _:
                found.append((layer["n"],))
    return found[1:]


@layer_output_shapes.accept("Count the places where a window fits: a range with the stride as its step.")
def shapes_by_counting(input_shape, layers):
    """Count the places where a window fits."""
    shapes, shape = [], list(input_shape)
    for layer in layers:
        if "f" in layer:
            fits = [len(range(0, n + 2 * layer.get("pad", 0) - layer["f"] + 1, layer["stride"])) for n in shape[:2]]
            shape = [*fits, layer["n_C"] if layer["kind"] == "conv" else shape[2]]
        else:
            shape = [layer["n"]] if layer["kind"] == "dense" else [shape[0] * shape[1] * shape[2]]
        shapes.append(tuple(shape))
    return shapes


# --- count_conv_parameters -------------------------------------------------------------------------------------------


def count_cases(rng):
    drawn = [
        case(f=int(rng.integers(2, 8)), n_C_prev=int(rng.integers(3, 20)), n_C=int(rng.integers(21, 70)))
        for _ in range(3)
    ]
    return [case(f=5, n_C_prev=1, n_C=6), case(f=5, n_C_prev=6, n_C=16), *drawn]


@lesson.exercise(
    points=1,
    topic=44,
    equation="(4.2)",
    cases=count_cases,
    ask="How many numbers does one filter hold, with its bias?",
    small={"f": 7, "n_C_prev": 1, "n_C": 8},
)
def count_conv_parameters(f, n_C_prev, n_C):
    """Return how many parameters a convolutional layer has.

    Parameters
    ----------
    f : int
        Size of the filters.
    n_C_prev, n_C : int
        Channels of the input, number of filters.

    Returns
    -------
    int
    """
    return (f * f * n_C_prev + 1) * n_C  # (4.2)


@count_conv_parameters.mistake("The biases are missing: one for each filter.")
def count_without_bias(f, n_C_prev, n_C):
    return f * f * n_C_prev * n_C


@count_conv_parameters.mistake("There is one bias for the whole layer here. Each filter has its own.")
def count_one_bias(f, n_C_prev, n_C):
    return f * f * n_C_prev * n_C + 1


@count_conv_parameters.mistake("A filter has as many channels as its input: the factor n_C_prev is missing.")
def count_flat_filters(f, n_C_prev, n_C):
    return (f * f + 1) * n_C


@count_conv_parameters.mistake("A filter has f · f weights in each channel, not f.")
def count_f_once(f, n_C_prev, n_C):
    return (f * n_C_prev + 1) * n_C


@count_conv_parameters.mistake("There is a bias for each channel of each filter here. A filter has one bias.")
def count_bias_per_channel(f, n_C_prev, n_C):
    return (f * f + 1) * n_C_prev * n_C


@count_conv_parameters.mistake("This counts one filter. The layer has n_C of them.")
def count_one_filter(f, n_C_prev, n_C):
    return f * f * n_C_prev + 1


@count_conv_parameters.mistake("A filter has f times f weights for each channel, not f plus f.")
def count_f_plus_f(f, n_C_prev, n_C):
    return (2 * f * n_C_prev + 1) * n_C


@count_conv_parameters.accept
def count_weights_then_biases(f, n_C_prev, n_C):
    weights, biases = f**2 * n_C_prev * n_C, n_C
    return weights + biases


@count_conv_parameters.accept("Make the arrays and ask for their sizes.")
def count_of_arrays(f, n_C_prev, n_C):
    return np.zeros((f, f, n_C_prev, n_C)).size + np.zeros((1, 1, 1, n_C)).size


# --- as_dense_matrix -------------------------------------------------------------------------------------------------


def matrix_cases(rng):
    sizes = ((2, 3, 4, 1), (3, 4, 5, 1), (2, 5, 4, 2), (1, 2, 3, 1), (2, 5, 2, 3))
    return [case(W=rng.normal(size=(f, f)), n_H=n_H, n_W=n_W, stride=s) for f, n_H, n_W, s in sizes]


@lesson.exercise(
    points=3,
    topic=45,
    equation="(4.4)",
    cases=matrix_cases,
    ask="Entry (h, w) of the output meets which pixels? What are their numbers if you count row by row?",
    small={"W": np.array([[1.0, 2], [3, 4]]), "n_H": 2, "n_W": 3},
)
def as_dense_matrix(W, n_H, n_W, stride=1):
    """Write a convolution without padding as one matrix.

    Parameters
    ----------
    W : ndarray, shape (f, f)
        One filter, for images with one channel.
    n_H, n_W : int
        Height and width of the image.
    stride : int

    Returns
    -------
    M : ndarray, shape (n_H_out · n_W_out, n_H · n_W)
        ``M @ image.ravel()`` is the output, row by row.
    """
    f = len(W)
    rows, columns = (n_H - f) // stride + 1, (n_W - f) // stride + 1
    M = np.zeros((rows * columns, n_H * n_W))
    for h, w in np.ndindex(rows, columns):
        for j, k in np.ndindex(f, f):
            M[h * columns + w, (h * stride + j) * n_W + w * stride + k] = W[j, k]  # (4.4)
    return M


def matrix_variant(W, n_H, n_W, stride, row=None, column=None, weight=lambda W, j, k: W[j, k], out_stride=None):
    f, s = len(W), stride
    rows, columns = (n_H - f) // s + 1, (n_W - f) // s + 1
    row = row or (lambda h, w: h * columns + w)
    column = column or (lambda y, x: y * n_W + x)
    step = s if out_stride is None else out_stride
    M = np.zeros((rows * columns, n_H * n_W))
    for h, w in np.ndindex(rows, columns):
        for j, k in np.ndindex(f, f):
            M[row(h, w), column(h * step + j, w * step + k) % (n_H * n_W)] = weight(W, j, k)
    return M


@as_dense_matrix.mistake("The filter is flipped. Weight (j, k) meets pixel (j, k) of the window.")
def matrix_flipped(W, n_H, n_W, stride=1):
    return matrix_variant(W, n_H, n_W, stride, weight=lambda W, j, k: W[::-1, ::-1][j, k])


@as_dense_matrix.mistake("The filter is transposed: rows of the window meet columns of the filter.")
def matrix_filter_transposed(W, n_H, n_W, stride=1):
    return matrix_variant(W, n_H, n_W, stride, weight=lambda W, j, k: W[k, j])


@as_dense_matrix.mistake("M is transposed: a row for each entry of the output, a column for each pixel.")
def matrix_transposed(W, n_H, n_W, stride=1):
    return matrix_variant(W, n_H, n_W, stride).T


@as_dense_matrix.mistake("The windows do not move by the stride: they start at row h · stride and column w · stride.")
def matrix_without_stride(W, n_H, n_W, stride=1):
    return matrix_variant(W, n_H, n_W, stride, out_stride=1)


@as_dense_matrix.mistake("A row of the image has n_W pixels: pixel (y, x) is number y · n_W + x. You counted with n_H.")
def matrix_counts_with_height(W, n_H, n_W, stride=1):
    return matrix_variant(W, n_H, n_W, stride, column=lambda y, x: y * n_H + x)


@as_dense_matrix.mistake(
    "Entries of the output are numbered with n_H_out. A row of the output has n_W_out entries: h · n_W_out + w."
)
def matrix_output_counts_with_height(W, n_H, n_W, stride=1):
    rows = (n_H - len(W)) // stride + 1
    f = len(W)
    columns = (n_W - f) // stride + 1
    M = np.zeros((rows * columns, n_H * n_W))
    for h, w in np.ndindex(rows, columns):
        for j, k in np.ndindex(f, f):
            M[h * rows + w, (h * stride + j) * n_W + w * stride + k] = W[j, k]
    return M


@as_dense_matrix.mistake("Pixels are counted column by column. `ravel` counts row by row: number y · n_W + x.")
def matrix_column_by_column(W, n_H, n_W, stride=1):
    return matrix_variant(W, n_H, n_W, stride, column=lambda y, x: x * n_H + y)


@as_dense_matrix.mistake("Entries of the output are counted column by column. Count row by row: h · n_W_out + w.")
def matrix_output_by_columns(W, n_H, n_W, stride=1):
    rows = (n_H - len(W)) // stride + 1
    return matrix_variant(W, n_H, n_W, stride, row=lambda h, w: w * rows + h)


@as_dense_matrix.mistake(
    "M has a row for every pixel, and windows run over the right border into the next row. Make rows for windows that fit."
)
def matrix_square(W, n_H, n_W, stride=1):
    f, size = len(W), n_H * n_W
    M = np.zeros((size, size))
    for start in range(size):
        for j, k in np.ndindex(f, f):
            M[start, (start + j * n_W + k) % size] = W[j, k]
    return M


@as_dense_matrix.mistake("Each row holds all weights side by side. Between two rows of the filter lie n_W - f zeros.")
def matrix_weights_side_by_side(W, n_H, n_W, stride=1):
    M = matrix_variant(W, n_H, n_W, stride)
    flat = np.zeros_like(M)
    for row, first in enumerate(np.argmax(M != 0, axis=1)):
        places = np.arange(first, first + W.size)
        flat[row, places[places < n_H * n_W]] = W.ravel()[: np.sum(places < n_H * n_W)]
    return flat


def numbered_matrix(W, n_H, n_W, stride, output_row=None, image_row=None):
    """Return the matrix of one who counts so many entries in a row of the output, and pixels in one of the image."""
    f, rows, columns = len(W), (n_H - len(W)) // stride + 1, (n_W - len(W)) // stride + 1
    M = np.zeros((rows * columns, n_H * n_W))
    for h, w in np.ndindex(rows, columns):
        for j, k in np.ndindex(f, f):
            pixel = (h * stride + j) * (image_row or n_W) + w * stride + k
            M[h * (output_row or columns) + w, pixel] = W[j, k]
    return M


@as_dense_matrix.mistake(
    "A row of the image has n_W pixels: pixel (y, x) is number y · n_W + x. You counted with n_H, and there is no such pixel."
)
def matrix_counts_with_height_and_stops(W, n_H, n_W, stride=1):
    return numbered_matrix(W, n_H, n_W, stride, image_row=n_H)


@as_dense_matrix.mistake(
    "Entries of the output are numbered with n_H, the height of the image. A row of the output has n_W_out entries: "
    "h · n_W_out + w."
)
def matrix_output_counts_with_the_image_height(W, n_H, n_W, stride=1):
    return numbered_matrix(W, n_H, n_W, stride, output_row=n_H)


@as_dense_matrix.mistake(
    "Entries of the output are numbered with n_W, the width of the image. A row of the output has n_W_out entries: "
    "h · n_W_out + w."
)
def matrix_output_counts_with_the_image_width(W, n_H, n_W, stride=1):
    return numbered_matrix(W, n_H, n_W, stride, output_row=n_W)


@as_dense_matrix.accept
def matrix_from_pictures(W, n_H, n_W, stride=1):
    """Row by row: an image that is 0 but for the filter in one place."""
    f, found = len(W), []
    for top in range(0, n_H - f + 1, stride):
        for left in range(0, n_W - f + 1, stride):
            image = np.zeros((n_H, n_W))
            image[top : top + f, left : left + f] = W
            found.append(image.ravel())
    return np.array(found)


@as_dense_matrix.accept("Column by column: what the convolution makes of an image with a single 1.")
def matrix_from_unit_images(W, n_H, n_W, stride=1):
    """Column by column: the output for an image with a single 1."""
    f = len(W)
    units = np.eye(n_H * n_W).reshape(-1, n_H, n_W)
    view = np.lib.stride_tricks.sliding_window_view(units, (f, f), axis=(1, 2))[:, ::stride, ::stride]
    return np.einsum("phwjk,jk->hwp", view, W).reshape(-1, n_H * n_W)


SMALL_NET = {
    "W1": np.ones((1, 1, 1, 1)),
    "b1": np.zeros((1, 1, 1, 1)),
    "W2": np.ones((1, 1, 1, 1)),
    "b2": np.full((1, 1, 1, 1), -2.0),
    "W3": np.array([[1.0, -1]]),
    "b3": np.array([[0.0, 10]]),
}


# --- conv, conv_back -------------------------------------------------------------------------------------------------

#: Examples, height, width, channels before, size of the filter, filters, padding.
CONVS = (
    (2, 5, 4, 2, 3, 3, 1),
    (1, 4, 6, 3, 2, 2, 0),
    (3, 3, 5, 1, 5, 2, 2),
    (2, 4, 4, 2, 2, 3, 1),
    (2, 3, 4, 2, 2, 1, 0),
)
SMALL_IMAGE = np.arange(1.0, 10).reshape(1, 3, 3, 1)
SMALL_FILTER = np.array([[1.0, 2], [3, 4]]).reshape(2, 2, 1, 1)


def conv_cases(rng):
    found = []
    for m, n_H, n_W, n_prev, f, n_C, pad in CONVS:
        arrays = {"A_prev": rng.normal(size=(m, n_H, n_W, n_prev)), "W": rng.normal(size=(f, f, n_prev, n_C))}
        found.append(case(**arrays, b=rng.normal(size=(1, 1, 1, n_C)), pad=pad))
    return found


@lesson.exercise(
    points=2,
    topic=44,
    equation="(4.5)",
    cases=conv_cases,
    ask="It is your fast layer of lesson 2 with stride 1. Which of its arguments come from where here?",
    small={"A_prev": SMALL_IMAGE, "W": SMALL_FILTER, "b": np.zeros((1, 1, 1, 1)), "pad": 0},
)
def conv(A_prev, W, b, pad):
    """Compute the scores of a convolutional layer with stride 1.

    Parameters
    ----------
    A_prev : ndarray, shape (m, n_H_prev, n_W_prev, n_C_prev)
    W : ndarray, shape (f, f, n_C_prev, n_C)
    b : ndarray, shape (1, 1, 1, n_C)
    pad : int

    Returns
    -------
    Z : ndarray, shape (m, n_H, n_W, n_C)
    """
    f, _, _, n_C = W.shape
    n_H, n_W = (n + 2 * pad - f + 1 for n in A_prev.shape[1:3])
    columns = conv_layer.im2col(A_prev, f, pad, 1)
    return (columns @ W.reshape(columns.shape[1], n_C)).reshape(len(A_prev), n_H, n_W, n_C) + b  # (4.5)


def conv_scores(A_prev, W, b, pad):
    return conv_layer.scores(A_prev, W, b, {"stride": 1, "pad": pad})


@conv.mistake("The bias is missing: each filter adds its own.")
def conv_without_bias(A_prev, W, b, pad):
    return conv_scores(A_prev, W, 0 * b, pad)


@conv.mistake("The padding is not used. Put a frame of `pad` zeros around each image.")
def conv_without_padding(A_prev, W, b, pad):
    return conv_layer.conv_forward.reference(A_prev, W, b, {"stride": 1, "pad": 0})[0]


@conv.mistake("The filters are flipped. Weight (j, k) meets pixel (j, k) of the window.")
def conv_flipped(A_prev, W, b, pad):
    return conv_scores(A_prev, W[::-1, ::-1], b, pad)


@conv.mistake("The filters are transposed: rows of the window meet columns of the filter.")
def conv_transposed(A_prev, W, b, pad):
    return conv_scores(A_prev, W.transpose(1, 0, 2, 3), b, pad)


@conv.mistake("These are activations. Return the scores: the ReLU comes after this function.")
def conv_with_relu(A_prev, W, b, pad):
    return np.maximum(conv_scores(A_prev, W, b, pad), 0)


@conv.mistake("The cache is returned, too. Here the scores are all: `conv_back` gets what it needs as arguments.")
def conv_with_cache(A_prev, W, b, pad):
    return conv_scores(A_prev, W, b, pad), (A_prev, W, b, pad)


@conv.accept("One sum of shifted images for each weight of a filter: no table, and f times f products.")
def conv_by_shifts(A_prev, W, b, pad):
    f, _, _, n_C = W.shape
    A = np.pad(A_prev, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    n_H, n_W = A.shape[1] - f + 1, A.shape[2] - f + 1
    return b + sum(A[:, j : j + n_H, k : k + n_W] @ W[j, k] for j, k in np.ndindex(f, f))


@conv.accept
def conv_by_einsum(A_prev, W, b, pad):
    return conv_scores(A_prev, W, b, pad)


def conv_back_cases(rng):
    return [
        case(dZ=rng.normal(size=conv_scores(**one).shape), **one)
        for one in (arguments for _, arguments in conv_cases(rng))
    ]


@lesson.exercise(
    points=2,
    topic=44,
    equation="(4.6) and (4.7)",
    returns=("dA_prev", "dW", "db"),
    backward=True,
    cases=conv_back_cases,
    ask="Which pixels did a score meet, and through which weights? Your lesson 2 adds all of that up.",
    small={
        "dZ": np.array([[1.0, 10], [100, 1000]]).reshape(1, 2, 2, 1),
        "A_prev": SMALL_IMAGE,
        "W": SMALL_FILTER,
        "b": np.zeros((1, 1, 1, 1)),
        "pad": 0,
    },
)
def conv_back(dZ, A_prev, W, b, pad):
    """Send the gradient back through `conv`.

    Parameters
    ----------
    dZ : ndarray, shape (m, n_H, n_W, n_C)
        Of the cost J.
    A_prev, W, b, pad
        As they went into `conv`.

    Returns
    -------
    dA_prev, dW, db : ndarray
        Of the cost J, each of the shape of its array.
    """
    f, n_C = len(W), W.shape[3]
    columns, rows = conv_layer.im2col(A_prev, f, pad, 1), dZ.reshape(dZ[..., 0].size, n_C)
    dW = (columns.T @ rows).reshape(W.shape)  # (4.6)
    db = np.sum(rows, axis=0).reshape(b.shape)  # (4.6)
    dA_prev = conv_layer.col2im(rows @ W.reshape(columns.shape[1], n_C).T, A_prev.shape, f, pad, 1)  # (4.7)
    return dA_prev, dW, db


def conv_back_variant(dZ, A_prev, W, b, pad, flip=False, sums=np.sum, factor=1.0):
    """Return what `conv_back` does with other parts; W flipped on the way to the images."""
    f = len(W)
    columns, rows = conv_layer.im2col.reference(A_prev, f, pad, 1), dZ.reshape(-1, W.shape[3])
    V = W[::-1, ::-1] if flip else W
    dA_prev = conv_layer.col2im.reference(rows @ V.reshape(-1, W.shape[3]).T, A_prev.shape, f, pad, 1)
    return dA_prev, factor * (columns.T @ rows).reshape(W.shape), factor * sums(rows, axis=0).reshape(b.shape)


@conv_back.mistake(
    "The filters are flipped on the way back. Scatter puts each weight where it belongs, without a flip."
)
def conv_back_flipped(*arguments):
    return conv_back_variant(*arguments, flip=True)


@conv_back.mistake("db is a mean. Each window of each image uses b once: add up.")
def conv_back_bias_mean(*arguments):
    return conv_back_variant(*arguments, sums=np.mean)


@conv_back.mistake("There is a factor 1/m too much. dZ is of the cost J, and the mean is in it already.")
def conv_back_divided(dZ, A_prev, W, b, pad):
    return conv_back_variant(dZ, A_prev, W, b, pad, factor=1 / len(A_prev))


@conv_back.mistake("The order is dA_prev, dW, db.")
def conv_back_order(*arguments):
    dA_prev, dW, db = conv_back_variant(*arguments)
    return dW, db, dA_prev


@conv_back.mistake("db has lost its axes. It has the shape of b, (1, 1, 1, n_C).")
def conv_back_bias_flat(*arguments):
    dA_prev, dW, db = conv_back_variant(*arguments)
    return dA_prev, dW, db.ravel()


@conv_back.mistake("The frame is still around dA_prev. Cut it off: dA_prev has the shape of A_prev.")
def conv_back_with_frame(dZ, A_prev, W, b, pad):
    framed = np.pad(A_prev, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    return conv_back_variant(dZ, framed, W, b, 0)


@conv_back.mistake("db is one sum over everything. Each filter has its own bias: keep the last axis.")
def conv_back_bias_of_all_filters(dZ, A_prev, W, b, pad):
    dA_prev, dW, db = conv_back.reference(dZ, A_prev, W, b, pad)
    return dA_prev, dW, np.full(db.shape, dZ.sum())


@conv_back.accept("By shifted images: each weight has its own product, and its own place to add to.")
def conv_back_by_shifts(dZ, A_prev, W, b, pad):
    f, (n_H, n_W) = len(W), dZ.shape[1:3]
    A = np.pad(A_prev, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    dA, dW = np.zeros(A.shape), np.zeros(W.shape)
    for j, k in np.ndindex(f, f):
        dW[j, k] = np.einsum("mhwd,mhwc->dc", A[:, j : j + n_H, k : k + n_W], dZ)
        dA[:, j : j + n_H, k : k + n_W] += dZ @ W[j, k].T
    inner = slice(pad, -pad or None)
    return dA[:, inner, inner], dW, dZ.sum(axis=(0, 1, 2)).reshape(b.shape)


@conv_back.accept
def conv_back_of_lesson_2(dZ, A_prev, W, b, pad):
    return conv_layer.conv_backward.reference(dZ, (A_prev, W, b, {"stride": 1, "pad": pad}))


# --- pool, pool_back -------------------------------------------------------------------------------------------------

POOLS = ((2, 4, 6, 3), (1, 7, 4, 2), (3, 2, 7, 1), (2, 5, 3, 2))
SMALL_WINDOWS = np.array([[1.0, 5, 2, 0], [3, 4, 8, 7]]).reshape(1, 2, 4, 1)


def pool_cases(rng):
    return [case(A=rng.normal(size=sizes)) for sizes in POOLS]


@lesson.exercise(
    points=2,
    topic=44,
    equation="(4.8)",
    cases=pool_cases,
    ask="Into which axes can you cut height and width, so that a window is two axes of its own?",
    small={"A": SMALL_WINDOWS},
)
def pool(A):
    """Take the largest entry of each 2 by 2 window.

    Parameters
    ----------
    A : ndarray, shape (m, n_H, n_W, n_C)

    Returns
    -------
    P : ndarray, shape (m, n_H // 2, n_W // 2, n_C)
        A row or column that is left over is in no window.
    """
    m, n_H, n_W, n_C = A.shape
    kept = A[:, : n_H // 2 * 2, : n_W // 2 * 2]
    return kept.reshape(m, n_H // 2, 2, n_W // 2, 2, n_C).max(axis=(2, 4))  # (4.8)


@pool.mistake("Windows are averaged. Take the largest entry.")
def pool_mean(A):
    return mean_of_windows(A)


@pool.mistake("This is the smallest entry of each window. Take the largest.")
def pool_smallest(A):
    return -pool.reference(-A)


@pool.mistake("One pixel of each window is taken, whatever stands in it. Take the largest.")
def pool_first_pixel(A):
    m, n_H, n_W, n_C = A.shape
    return A[:, : n_H // 2 * 2 : 2, : n_W // 2 * 2 : 2]


@pool.mistake(
    "The axes of the windows are mixed: reshape to (m, n_H // 2, 2, n_W // 2, 2, n_C), and take axes 2 and 4."
)
def pool_axes_mixed(A):
    m, n_H, n_W, n_C = A.shape
    kept = A[:, : n_H // 2 * 2, : n_W // 2 * 2]
    return kept.reshape(m, 2, n_H // 2, 2, n_W // 2, n_C).max(axis=(1, 3))


@pool.mistake("The window moves by one pixel. Its stride is 2.")
def pool_stride_1(A):
    view = np.lib.stride_tricks.sliding_window_view(A, (2, 2), axis=(1, 2))
    return view.max(axis=(4, 5))


@pool.mistake("The channels are pooled, too. Each channel has its own largest entry.")
def pool_over_channels(A):
    P = pool.reference(A)
    return np.broadcast_to(P.max(axis=3, keepdims=True), P.shape) if P.shape[3] > 1 else P


@pool.accept("The larger of neighbours, twice: first of two rows, then of two columns.")
def pool_by_maximum(A):
    n_H, n_W = A.shape[1] // 2 * 2, A.shape[2] // 2 * 2
    rows = np.maximum(A[:, 0:n_H:2], A[:, 1:n_H:2])
    return np.maximum(rows[:, :, 0:n_W:2], rows[:, :, 1:n_W:2])


@pool.accept
def pool_with_loops(A):
    m, n_H, n_W, n_C = A.shape
    P = np.zeros((m, n_H // 2, n_W // 2, n_C))
    for h, w in np.ndindex(n_H // 2, n_W // 2):
        P[:, h, w] = A[:, 2 * h : 2 * h + 2, 2 * w : 2 * w + 2].max(axis=(1, 2))
    return P


def pool_back_cases(rng):
    return [
        case(dP=rng.normal(size=(m, n_H // 2, n_W // 2, n_C)), A=rng.normal(size=(m, n_H, n_W, n_C)))
        for m, n_H, n_W, n_C in POOLS
    ]


@lesson.exercise(
    points=3,
    topic=44,
    equation="(4.9)",
    backward=True,
    cases=pool_back_cases,
    ask="Which of the four entries of a window made its output, and what do the other three get?",
    small={"dP": np.array([10.0, 20]).reshape(1, 1, 2, 1), "A": SMALL_WINDOWS},
)
def pool_back(dP, A):
    """Send the gradient back through `pool`.

    Parameters
    ----------
    dP : ndarray, shape (m, n_H // 2, n_W // 2, n_C)
        Of the cost J.
    A : ndarray, shape (m, n_H, n_W, n_C)
        What was pooled; each window has one largest entry.

    Returns
    -------
    dA : ndarray, shape (m, n_H, n_W, n_C)
    """
    dA = np.zeros(A.shape)
    P = pool(A)
    n_H, n_W = P.shape[1:3]
    for j, k in np.ndindex(2, 2):
        entries = A[:, j : 2 * n_H : 2, k : 2 * n_W : 2]
        dA[:, j : 2 * n_H : 2, k : 2 * n_W : 2] = dP * (entries == P)  # (4.9)
    return dA


def spread(P, shape):
    """Return each entry of P (m, n_H, n_W, n_C) in all places of its window, in an array of this shape, else 0."""
    found = np.zeros(shape)
    wide = np.repeat(np.repeat(P, 2, axis=1), 2, axis=2)
    found[:, : wide.shape[1], : wide.shape[2]] = wide
    return found


@pool_back.mistake("All four entries of a window get the gradient. Only the largest made the output.")
def pool_back_to_all(dP, A):
    return spread(dP, A.shape)


@pool_back.mistake("Each entry of a window gets a quarter. That is average pooling; here the largest gets all.")
def pool_back_quarters(dP, A):
    return spread(dP, A.shape) / 4


@pool_back.mistake("This is the mask alone. Multiply it with dP.")
def pool_back_mask(dP, A):
    return (spread(pool.reference(A), A.shape) == A) * 1.0


@pool_back.mistake("The first pixel of each window gets the gradient, whatever stands in it. The largest gets it.")
def pool_back_first(dP, A):
    dA = np.zeros(A.shape)
    n_H, n_W = dP.shape[1:3]
    dA[:, : 2 * n_H : 2, : 2 * n_W : 2] = dP
    return dA


@pool_back.mistake("The smallest entries get the gradient. The largest made the output.")
def pool_back_smallest(dP, A):
    return pool_back.reference(dP, -A)


@pool_back.mistake("The mask is multiplied with A, not with dP: what comes back is a derivative, not a value.")
def pool_back_values(dP, A):
    return A * (spread(pool.reference(A), A.shape) == A)


@pool_back.mistake("The largest entry gets a quarter. It alone made the output, so it gets all of dP.")
def pool_back_quarter_to_the_largest(dP, A):
    return pool_back.reference(dP, A) / 4


@pool_back.accept("P and dP are repeated to the size of the image, and compared there.")
def pool_back_by_repeat(dP, A):
    inside = spread(np.ones(dP.shape), A.shape)
    return spread(dP, A.shape) * (spread(pool.reference(A), A.shape) == A) * inside


@pool_back.accept
def pool_back_with_loops(dP, A):
    dA = np.zeros(A.shape)
    for i, h, w, c in np.ndindex(dP.shape):
        window = A[i, 2 * h : 2 * h + 2, 2 * w : 2 * w + 2, c]
        j, k = np.unravel_index(window.argmax(), (2, 2))
        dA[i, 2 * h + j, 2 * w + k, c] += dP[i, h, w, c]
    return dA


# --- softmax_loss ----------------------------------------------------------------------------------------------------


def softmax_cases(rng):
    found = []
    for m, n_y, above in ((4, 3, 0.0), (1, 5, 0.0), (5, 4, 1000.0), (3, 3, -1000.0)):
        scores = above + rng.normal(size=(m, n_y))
        found.append(case(scores=scores, labels=rng.permutation(np.arange(m) % n_y)))
    return found


@lesson.exercise(
    points=2,
    topic=44,
    equation="(4.12) and (4.13)",
    returns=("J", "dscores"),
    backward=True,
    cases=softmax_cases,
    ask="Here an example is a row. Which axis do the sums of softmax run over, and where does the mean enter?",
    small={"scores": np.array([[0.0, 0.0], [1.0, 1.0]]), "labels": np.array([0, 1])},
    why={
        "question": "Why is the largest score of each row subtracted first?",
        "choices": {
            "large scores would overflow in the exponential, and the probabilities are the same": "Yes: the factor cancels.",
            "it makes the cost smaller": "No: the cost is the same.",
            "probabilities would not add up to 1 without it": "No: they do, as long as no exponential overflows.",
        },
    },
)
def softmax_loss(scores, labels):
    """Return the cost of softmax and cross-entropy, and its derivative by the scores.

    Parameters
    ----------
    scores : ndarray, shape (m, n_y)
    labels : ndarray of int, shape (m,)
        Classes, from 0.

    Returns
    -------
    J : float
    dscores : ndarray, shape (m, n_y)
        Of J: the factor 1/m is in it.
    """
    m = len(scores)
    shifted = scores - np.max(scores, axis=1, keepdims=True)
    log_p = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
    J = -np.mean(log_p[np.arange(m), labels])  # (4.12)
    Y = np.arange(scores.shape[1]) == labels[:, None]
    dscores = (np.exp(log_p) - Y) / m  # (4.13)
    return J, dscores


def softmax_variant(scores, labels, mean=True, axis=1, sign=1.0, add=np.mean):
    m = len(scores)
    shifted = scores - scores.max(axis=axis, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))
    Y = np.eye(scores.shape[1])[labels]
    return -add(log_p[np.arange(m), labels]), sign * (np.exp(log_p) - Y) / (m if mean else 1)


@softmax_loss.mistake("The factor 1/m is missing in dscores: in this course every derivative is of the cost J.")
def softmax_without_mean(scores, labels):
    return softmax_variant(scores, labels, mean=False)


@softmax_loss.mistake("Softmax runs over the examples. An example is a row here: axis 1.")
def softmax_over_examples(scores, labels):
    return softmax_variant(scores, labels, axis=0)


@softmax_loss.mistake("The gradient has the wrong sign: it is probability minus label.")
def softmax_wrong_sign(scores, labels):
    return softmax_variant(scores, labels, sign=-1.0)


@softmax_loss.mistake("J is the sum of the losses. It is their mean.")
def softmax_sum(scores, labels):
    return softmax_variant(scores, labels, add=np.sum)


@softmax_loss.mistake("The exponential of a large score overflows. Subtract the largest score of each row first.")
def softmax_overflow(scores, labels):
    with np.errstate(all="ignore"):
        p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        J = -np.mean(np.log(p[np.arange(len(p)), labels]))
    return J, (p - np.eye(p.shape[1])[labels]) / len(p)


@softmax_loss.mistake("dscores holds the probabilities only. Subtract 1 at the label of each example.")
def softmax_probabilities_only(scores, labels):
    J, dscores = softmax_variant(scores, labels)
    return J, dscores + np.eye(scores.shape[1])[labels] / len(scores)


@softmax_loss.accept("Probabilities first, and 1 is subtracted in place at the labels.")
def softmax_in_place(scores, labels):
    m = len(scores)
    J, _ = softmax_variant(scores, labels)
    e = np.exp(scores - scores.max(axis=1)[:, None])
    p = e / e.sum(axis=1)[:, None]
    p[range(m), labels] -= 1
    return J, p / m


@softmax_loss.accept
def softmax_with_loop(scores, labels):
    J, dscores = 0.0, np.zeros(scores.shape)
    for i, label in enumerate(labels):
        row = scores[i] - scores[i].max()
        total = np.exp(row).sum()
        J += (np.log(total) - row[label]) / len(scores)
        dscores[i] = np.exp(row) / total / len(scores)
        dscores[i, label] -= 1 / len(scores)
    return J, dscores


# --- cnn_forward -----------------------------------------------------------------------------------------------------


def small_network(rng, n=10, n_C=(1, 2, 3), f=(3, 2), n_y=4):
    """Return parameters of the lesson's network for small images, with biases."""
    parameters = layers.new_parameters(rng, n, n_C, f, n_y)
    for name in ("b1", "b2", "b3"):
        parameters[name] = rng.normal(size=parameters[name].shape) * 0.5
    return parameters


NETWORKS = (
    ({"n": 10, "n_C": (1, 2, 3)}, 1),
    ({"n": 8, "n_C": (2, 1, 3), "f": (5, 3), "n_y": 3}, 2),
    ({"n": 6, "n_C": (1, 3, 2)}, 3),
)


def forward_cases(rng):
    return [
        case(X=rng.normal(size=(m, o["n"], o["n"], o.get("n_C", (1,))[0])), parameters=small_network(rng, **o))
        for o, m in NETWORKS
    ]


@lesson.exercise(
    points=3,
    topic=44,
    equation="(4.16)",
    returns=("scores", "cache"),
    cases=forward_cases,
    ask="Which of your functions stand between X and P1, in which order, and with which padding?",
    small={"X": np.arange(16.0).reshape(1, 4, 4, 1), "parameters": SMALL_NET},
)
def cnn_forward(X, parameters):
    """Compute the scores of the lesson's network: twice convolution, ReLU and pooling, then a dense layer.

    Parameters
    ----------
    X : ndarray, shape (m, n_H, n_W, n_C)
    parameters : dict
        ``W1`` (f, f, n_C, n_C1), ``b1`` (1, 1, 1, n_C1), ``W2``, ``b2`` likewise; ``W3`` (n, n_y), ``b3`` (1, n_y). The
        first layer keeps the size (f is odd), the second has no padding.

    Returns
    -------
    scores : ndarray, shape (m, n_y)
        Before softmax.
    cache : tuple
        ``(X, Z1, P1, Z2, P2)``: input, scores and pooled activations of both convolutional layers.

    References
    ----------
    Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document recognition", 1998.
    """
    W1, b1, W2, b2, W3, b3 = (parameters[name] for name in ("W1", "b1", "W2", "b2", "W3", "b3"))
    Z1 = conv(X, W1, b1, len(W1) // 2)  # (f - 1) / 2 for odd f
    P1 = pool(np.maximum(Z1, 0))  # (4.14)
    Z2 = conv(P1, W2, b2, 0)
    P2 = pool(np.maximum(Z2, 0))  # (4.15)
    scores = P2.reshape(len(X), P2[0].size) @ W3 + b3  # (4.16)
    return scores, (X, Z1, P1, Z2, P2)


def forward_variant(X, p, relu1=True, relu2=True, pad=None, flat=lambda P: P.reshape(len(P), -1), bias=1.0, last=lambda s: s,
                    summary=layers.pool):  # fmt: skip
    def g(Z, on):
        return np.maximum(Z, 0) if on else Z

    Z1 = layers.conv(X, p["W1"], p["b1"], (len(p["W1"]) - 1) // 2 if pad is None else pad)
    P1 = summary(g(Z1, relu1))
    Z2 = layers.conv(P1, p["W2"], p["b2"], 0)
    P2 = summary(g(Z2, relu2))
    return last(flat(P2) @ p["W3"] + bias * p["b3"]), (X, Z1, P1, Z2, P2)


def mean_of_windows(A):
    m, n_H, n_W, n_C = A.shape
    return A[:, : n_H // 2 * 2, : n_W // 2 * 2].reshape(m, n_H // 2, 2, n_W // 2, 2, n_C).mean(axis=(2, 4))


def softmax_rows(scores):
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


@cnn_forward.mistake("The ReLU after the first convolution is missing.")
def forward_without_first_relu(X, parameters):
    return forward_variant(X, parameters, relu1=False)


@cnn_forward.mistake("The ReLU after the second convolution is missing.")
def forward_without_second_relu(X, parameters):
    return forward_variant(X, parameters, relu2=False)


@cnn_forward.mistake("There is no ReLU. Without it the two convolutions are as good as one.")
def forward_without_relu(X, parameters):
    return forward_variant(X, parameters, relu1=False, relu2=False)


@cnn_forward.mistake("The first layer keeps the size of the image: its padding is (f - 1) / 2, with f from W1.")
def forward_without_padding(X, parameters):
    return forward_variant(X, parameters, pad=0)


@cnn_forward.mistake(
    "The padding is the number 2 in your first layer. It depends on the filter: (f - 1) / 2, with f from W1."
)
def forward_padding_of_two(X, parameters):
    return forward_variant(X, parameters, pad=2)


@cnn_forward.mistake("Your cache holds A1 and A2 in place of Z1 and Z2. Keep the scores as they were before the ReLU.")
def forward_activations_in_cache(X, parameters):
    scores, (X, Z1, P1, Z2, P2) = forward_variant(X, parameters)
    return scores, (X, np.maximum(Z1, 0), P1, np.maximum(Z2, 0), P2)


@cnn_forward.mistake("P2 has four axes, W3 two. Flatten each example first: `P2.reshape(len(X), -1)`.")
def forward_not_flattened(X, parameters):
    return forward_variant(X, parameters, flat=lambda P: P)


@cnn_forward.mistake("b3 is missing in the scores.")
def forward_without_last_bias(X, parameters):
    return forward_variant(X, parameters, bias=0.0)


@cnn_forward.mistake("These are probabilities. Return the scores, before softmax: the loss computes softmax itself.")
def forward_with_softmax(X, parameters):
    return forward_variant(X, parameters, last=softmax_rows)


@cnn_forward.mistake("The scores went through a ReLU. The last layer has none: scores may be negative.")
def forward_with_last_relu(X, parameters):
    return forward_variant(X, parameters, last=lambda s: np.maximum(s, 0))


@cnn_forward.mistake(
    "The volume is flattened in another order. `reshape(m, -1)` of the volume as it is: row, column, channel."
)
def forward_channels_first(X, parameters):
    return forward_variant(X, parameters, flat=lambda P: P.transpose(0, 3, 1, 2).reshape(len(P), -1))


@cnn_forward.mistake("Windows are averaged. Use `pool`, which takes the largest entry.")
def forward_with_average(X, parameters):
    return forward_variant(X, parameters, summary=mean_of_windows)


@cnn_forward.mistake("Each channel is flattened over all examples. Keep the examples apart: `P2.reshape(len(X), -1)`.")
def forward_examples_mixed(X, parameters):
    return forward_variant(X, parameters, flat=lambda P: P.transpose(1, 2, 3, 0).reshape(len(P), -1))


@cnn_forward.accept("ReLU never falls, so the largest entry may be taken first: a quarter of the work.")
def forward_pool_before_relu(X, parameters):
    """ReLU never falls, so the largest entry may be taken first."""
    p = parameters
    Z1 = layers.conv(X, p["W1"], p["b1"], p["W1"].shape[0] // 2)
    P1 = np.maximum(layers.pool(Z1), 0)
    Z2 = layers.conv(P1, p["W2"], p["b2"], 0)
    P2 = np.maximum(layers.pool(Z2), 0)
    return P2.reshape(P2.shape[0], -1).dot(p["W3"]) + p["b3"], (X, Z1, P1, Z2, P2)


@cnn_forward.accept
def forward_with_einsum(X, parameters):
    p = parameters

    def layer(A, W, b, pad):
        A = np.pad(A, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
        view = np.lib.stride_tricks.sliding_window_view(A, W.shape[:2], axis=(1, 2))
        return np.einsum("mhwcjk,jkcd->mhwd", view, W) + b

    Z1 = layer(X, p["W1"], p["b1"], (len(p["W1"]) - 1) // 2)
    P1 = layers.pool(Z1 * (Z1 > 0))
    Z2 = layer(P1, p["W2"], p["b2"], 0)
    P2 = layers.pool(Z2 * (Z2 > 0))
    W3 = p["W3"].reshape(*P2.shape[1:], -1)
    return np.einsum("mhwc,hwcy->my", P2, W3) + p["b3"], (X, Z1, P1, Z2, P2)


# --- cnn_backward ----------------------------------------------------------------------------------------------------


def backward_cases(rng):
    cases = []
    for o, m in NETWORKS:
        X, parameters = rng.normal(size=(m, o["n"], o["n"], o.get("n_C", (1,))[0])), small_network(rng, **o)
        scores, cache = cnn_forward.reference(X, parameters)
        X, Z1, P1, Z2, P2 = cache
        if len(cases) == 0:
            Z1, Z2 = at_the_bend(Z1, 4), at_the_bend(Z2, 0)
            P1, P2 = layers.pool(np.maximum(Z1, 0)), layers.pool(np.maximum(Z2, 0))
        cases.append(
            case(dscores=rng.normal(size=scores.shape) + 0.2, parameters=parameters, cache=(X, Z1, P1, Z2, P2))
        )
    return cases


def at_the_bend(Z, first):
    """Return the scores with three windows, from row and column `first` on, whose largest entry is 0, a little less and a little more."""
    Z = Z.copy()
    for top, left, largest in ((0, 0, 0.0), (0, 2, -0.05), (2, 0, 0.05)):
        window = Z[0, first + top : first + top + 2, first + left : first + left + 2, 0]
        window[:] = -1.0
        window[0, 0] = largest
    return Z


@lesson.exercise(
    points=4,
    topic=44,
    equation="(4.17) to (4.21)",
    backward=True,
    cases=backward_cases,
    ask="Walk from the scores back to the image. Which of your backward functions belongs to each step forward, and what "
    "did that step get as its input?",
    small={
        "dscores": np.array([[1.0, 0.0]]),
        "parameters": SMALL_NET,
        "cache": (
            np.arange(16.0).reshape(1, 4, 4, 1),
            np.arange(16.0).reshape(1, 4, 4, 1),
            np.array([5.0, 7, 13, 15]).reshape(1, 2, 2, 1),
            np.array([3.0, 5, 11, 13]).reshape(1, 2, 2, 1),
            np.full((1, 1, 1, 1), 13.0),
        ),
    },
)
def cnn_backward(dscores, parameters, cache):
    """Send the gradient back through `cnn_forward`.

    Parameters
    ----------
    dscores : ndarray, shape (m, n_y)
        Of the cost: dJ/dscores, as every dV here.
    parameters : dict
    cache : tuple
        From `cnn_forward`.

    Returns
    -------
    gradients : dict
        ``dW1``, ``db1``, ``dW2``, ``db2``, ``dW3``, ``db3``: of the cost, each of its parameter's shape.
    """
    X, Z1, P1, Z2, P2 = cache
    W1, b1, W2, b2 = (parameters[name] for name in ("W1", "b1", "W2", "b2"))
    dW3 = P2.reshape(len(X), P2[0].size).T @ dscores  # (4.17)
    db3 = np.sum(dscores, axis=0, keepdims=True)  # (4.17)
    dP2 = (dscores @ parameters["W3"].T).reshape(P2.shape)  # (4.18)
    dZ2 = pool_back(dP2, np.maximum(Z2, 0)) * (Z2 > 0)  # (4.19)
    dP1, dW2, db2 = conv_back(dZ2, P1, W2, b2, 0)  # (4.20)
    dZ1 = pool_back(dP1, np.maximum(Z1, 0)) * (Z1 > 0)  # (4.21)
    _, dW1, db1 = conv_back(dZ1, X, W1, b1, len(W1) // 2)  # (4.21)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2, "dW3": dW3, "db3": db3}


def backward_variant(
    dscores, p, cache, slope1=True, slope2=True, last=None, sums=np.sum, order=None, factor=1.0, swap=False, negative=1.0
):  # fmt: skip
    X, Z1, P1, Z2, P2 = cache
    dW3 = factor * (P2.reshape(len(X), -1) if last is None else last(P2, Z2)).T @ dscores
    db3 = factor * sums(dscores, axis=0, keepdims=True)
    back = dscores @ p["W3"].T
    dP2 = back.reshape(P2.shape) if order is None else order(back, P2)
    dZ2 = negative * layers.pool_back(dP2, np.maximum(Z2, 0)) * ((Z2 > 0) if slope2 else 1.0)
    dP1, dW2, db2 = layers.conv_back(dZ2, P1, p["W2"], p["b2"], 0)
    dZ1 = layers.pool_back(dP1, np.maximum(Z1, 0)) * ((Z1 > 0) if slope1 else 1.0)
    _, dW1, db1 = layers.conv_back(dZ1, X, p["W1"], p["b1"], 0 if swap else (len(p["W1"]) - 1) // 2)
    return {"dW1": factor * dW1, "db1": factor * db1, "dW2": factor * dW2, "db2": factor * db2, "dW3": dW3, "db3": db3}


@cnn_backward.mistake("The slope of the first ReLU is missing: dZ1 is 0 where Z1 is negative.")
def back_without_first_slope(dscores, parameters, cache):
    return backward_variant(dscores, parameters, cache, slope1=False)


@cnn_backward.mistake("The slope of the second ReLU is missing: dZ2 is 0 where Z2 is negative.")
def back_without_second_slope(dscores, parameters, cache):
    return backward_variant(dscores, parameters, cache, slope2=False)


@cnn_backward.mistake("The slopes of both ReLU layers are missing: dZ is 0 where Z is negative.")
def back_without_slopes(dscores, parameters, cache):
    return backward_variant(dscores, parameters, cache, slope1=False, slope2=False)


@cnn_backward.mistake("db3 is a mean. b3 acts on every example: add up over axis 0.")
def back_bias_mean(dscores, parameters, cache):
    return backward_variant(dscores, parameters, cache, sums=np.mean)


@cnn_backward.mistake("There is a factor 1/m too much. Here dscores is of the cost J, and the mean is in it already.")
def back_divided_by_m(dscores, parameters, cache):
    return backward_variant(dscores, parameters, cache, factor=1 / len(dscores))


@cnn_backward.mistake("dW3 is transposed. W3 is (n, n_y): the flattened volume, transposed, times dscores.")
def back_last_transposed(dscores, parameters, cache):
    gradients = backward_variant(dscores, parameters, cache)
    return gradients | {"dW3": gradients["dW3"].T}


@cnn_backward.mistake(
    "dP2 is brought into shape in another order than it was flattened. `reshape(P2.shape)` undoes it."
)
def back_other_order(dscores, parameters, cache):
    def order(back, P2):
        m, n_H, n_W, n_C = P2.shape
        return back.reshape(m, n_C, n_H, n_W).transpose(0, 2, 3, 1)

    return backward_variant(dscores, parameters, cache, order=order)


@cnn_backward.mistake("The first layer has a padding on the way back, too: the same as in the forward pass.")
def back_without_padding(dscores, parameters, cache):
    return backward_variant(dscores, parameters, cache, swap=True)


@cnn_backward.mistake("The gradients of the convolutional layers have the wrong sign.")
def back_negative(dscores, parameters, cache):
    return backward_variant(dscores, parameters, cache, negative=-1.0)


@cnn_backward.mistake("The gradients by the biases of the convolutional layers are missing or 0.")
def back_without_conv_biases(dscores, parameters, cache):
    gradients = backward_variant(dscores, parameters, cache)
    return gradients | {name: 0 * gradients[name] for name in ("db1", "db2")}


@cnn_backward.mistake("The keys are those of the parameters. Gradients are named with a d: `dW1`.")
def back_without_d(dscores, parameters, cache):
    return {name[1:]: gradient for name, gradient in backward_variant(dscores, parameters, cache).items()}


@cnn_backward.accept
def back_with_masks_of_activations(dscores, parameters, cache):
    X, Z1, P1, Z2, P2 = cache
    p, m = parameters, dscores.shape[0]
    gradients = {"dW3": np.einsum("mn,my->ny", P2.reshape(m, -1), dscores), "db3": dscores.sum(axis=0)[None]}
    dA2 = layers.pool_back(np.einsum("my,ny->mn", dscores, p["W3"]).reshape(P2.shape), Z2 * (Z2 > 0))
    dP1, gradients["dW2"], gradients["db2"] = layers.conv_back(np.where(Z2 > 0, dA2, 0), P1, p["W2"], p["b2"], 0)
    dA1 = layers.pool_back(dP1, Z1 * (Z1 > 0))
    same = p["W1"].shape[0] // 2
    _, gradients["dW1"], gradients["db1"] = layers.conv_back(np.where(Z1 > 0, dA1, 0), X, p["W1"], p["b1"], same)
    return gradients


@cnn_backward.accept("One example at a time: gradients by the parameters add up over the examples.")
def back_example_by_example(dscores, parameters, cache):
    total = None
    for i in range(len(dscores)):
        one = backward_variant(dscores[i : i + 1], parameters, tuple(part[i : i + 1] for part in cache))
        total = one if total is None else {name: total[name] + one[name] for name in one}
    return total


# --- train_cnn -------------------------------------------------------------------------------------------------------


def train_cases(rng):
    cases = []
    for m, rate, steps in ((5, 0.05, 3), (3, 0.2, 2), (1, 0.1, 4)):
        cases.append(
            case(
                X=rng.normal(size=(m, 8, 8, 1)), labels=rng.integers(0, 4, m), parameters=small_network(rng, 8),
                learning_rate=rate, num_iterations=steps,
            )
        )  # fmt: skip
    return cases


@lesson.exercise(
    points=2,
    topic=44,
    equation="(4.22)",
    returns=("parameters", "costs"),
    cases=train_cases,
    ask="What has to be computed anew in each turn of the loop, and what may stay outside of it?",
    small={
        "X": np.arange(16.0).reshape(1, 4, 4, 1) / 16,
        "labels": np.array([0]),
        "parameters": SMALL_NET,
        "learning_rate": 0.1,
        "num_iterations": 1,
    },
)
def train_cnn(X, labels, parameters, learning_rate, num_iterations):
    """Train the network by gradient descent on all examples at once.

    Parameters
    ----------
    X : ndarray, shape (m, n_H, n_W, n_C)
    labels : ndarray of int, shape (m,)
    parameters : dict
        Of the start; it stays as it is.
    learning_rate : float
    num_iterations : int

    Returns
    -------
    parameters : dict
        After the last step.
    costs : list of float
        The cost before each step.
    """
    parameters, costs = dict(parameters), []
    for _ in range(num_iterations):
        scores, cache = cnn_forward(X, parameters)
        cost, dscores = softmax_loss(scores, labels)
        costs.append(cost)
        gradients = cnn_backward(dscores, parameters, cache)
        for name in parameters:
            parameters[name] = parameters[name] - learning_rate * gradients[f"d{name}"]  # (4.22)
    return parameters, costs


def train_variant(
    X, labels, parameters, learning_rate, num_iterations, sign=-1.0, names=None, after=False, factor=1.0, refresh=True
):
    p, costs = dict(parameters), []
    gradients = None
    for _ in range(num_iterations):
        scores, cache = cnn_forward.reference(X, p)
        cost, dscores = layers.loss(scores, labels)
        costs.append(cost)
        if refresh or gradients is None:
            gradients = cnn_backward.reference(dscores, p, cache)
        for name in names or list(p):
            p[name] = p[name] + sign * factor * learning_rate * gradients[f"d{name}"]
    if after:
        costs = [*costs[1:], layers.loss(cnn_forward.reference(X, p)[0], labels)[0]]
    return p, costs


@train_cnn.mistake("The parameters go uphill: subtract the gradient.")
def train_uphill(*arguments):
    return train_variant(*arguments, sign=1.0)


@train_cnn.mistake("Scores and cache are computed once, before the loop. Compute them anew in each iteration.")
def train_forward_once(X, labels, parameters, learning_rate, num_iterations):
    p, costs = dict(parameters), []
    scores, cache = cnn_forward.reference(X, p)
    for _ in range(num_iterations):
        cost, dscores = layers.loss(scores, labels)
        costs.append(cost)
        gradients = cnn_backward.reference(dscores, p, cache)
        p = {name: array - learning_rate * gradients[f"d{name}"] for name, array in p.items()}
    return p, costs


@train_cnn.mistake("The learning rate is not used.")
def train_without_rate(X, labels, parameters, learning_rate, num_iterations):
    return train_variant(X, labels, parameters, 1.0, num_iterations)


@train_cnn.mistake("Only the weights are changed. The biases learn, too.")
def train_weights_only(*arguments):
    return train_variant(*arguments, names=("W1", "W2", "W3"))


@train_cnn.mistake("Only the dense layer learns. Change the parameters of all layers.")
def train_last_layer_only(*arguments):
    return train_variant(*arguments, names=("W3", "b3"))


@train_cnn.mistake("The gradient is computed once. Compute it anew in each iteration, at the new parameters.")
def train_same_gradient(*arguments):
    return train_variant(*arguments, refresh=False)


@train_cnn.mistake("The costs are those after each step. Keep the cost before each step.")
def train_costs_after(*arguments):
    return train_variant(*arguments, after=True)


@train_cnn.mistake("The step is divided by m once more. The mean is in the cost already.")
def train_divided_by_m(X, labels, parameters, learning_rate, num_iterations):
    return train_variant(X, labels, parameters, learning_rate, num_iterations, factor=1 / len(X))


@train_cnn.mistake("There is one step too few.")
def train_one_step_less(X, labels, parameters, learning_rate, num_iterations):
    return train_variant(X, labels, parameters, learning_rate, num_iterations - 1)


@train_cnn.mistake(
    "The parameters of the start are changed in place. Make a new array: `parameters[name] - ...`, without `-=`."
)
def train_in_place(X, labels, parameters, learning_rate, num_iterations):
    found, costs = train_variant(X, labels, parameters, learning_rate, num_iterations)
    for name, array in parameters.items():
        array[...] = found[name]
    return found, costs


@train_cnn.mistake(
    "Each step takes the sign of the gradient, so all entries move equally far. Subtract learning_rate times the gradient."
)
def train_by_signs(X, labels, parameters, learning_rate, num_iterations):
    p, costs = dict(parameters), []
    for _ in range(num_iterations):
        scores, cache = cnn_forward.reference(X, p)
        cost, dscores = layers.loss(scores, labels)
        costs.append(cost)
        gradients = cnn_backward.reference(dscores, p, cache)
        p = {name: array - learning_rate * np.sign(gradients[f"d{name}"]) for name, array in p.items()}
    return p, costs


@train_cnn.mistake("There is one step too many.")
def train_one_step_more(X, labels, parameters, learning_rate, num_iterations):
    return train_variant(X, labels, parameters, learning_rate, num_iterations + 1)


@train_cnn.accept
def train_copies(X, labels, parameters, learning_rate, num_iterations):
    p = {name: array.copy() for name, array in parameters.items()}
    costs = []
    while len(costs) < num_iterations:
        scores, cache = cnn_forward.reference(X, p)
        J, dscores = layers.loss(scores, labels)
        for name, gradient in cnn_backward.reference(dscores, p, cache).items():
            p[name[1:]] -= learning_rate * gradient
        costs += [J]
    return p, costs


@train_cnn.accept("A new dict in each step, and the old ones stay as they are.")
def train_new_dicts(X, labels, parameters, learning_rate, num_iterations):
    costs = np.zeros(num_iterations)
    for step in range(num_iterations):
        scores, cache = cnn_forward.reference(X, parameters)
        costs[step], dscores = layers.loss(scores, labels)
        grads = cnn_backward.reference(dscores, parameters, cache)
        parameters = {name: array - learning_rate * grads["d" + name] for name, array in parameters.items()}
    return parameters, costs.tolist()


# --- adam_step -------------------------------------------------------------------------------------------------------


def adam_cases(rng):
    found = []
    sizes = (((3, 2), 0, 0.1, 0.0), ((2, 2, 1, 3), 3, 0.02, 4.0), ((4,), 7, 0.3, 0.5), ((1, 5), 1, 0.05, 2.0))
    for shape, t, rate, decay in sizes:
        state = (t, rng.normal(size=shape) * min(t, 1), rng.uniform(0.1, 1, size=shape) * min(t, 1))
        found.append(
            case(V=rng.normal(size=shape), dV=rng.normal(size=shape), state=state, learning_rate=rate, decay=decay)
        )
    tiny = 1e-8 * rng.uniform(0.5, 2, size=3)  # as small as what is added to the root
    return [
        *found,
        case(V=rng.normal(size=3), dV=tiny, state=(0, np.zeros(3), np.zeros(3)), learning_rate=0.3, decay=0.5),
    ]


@lesson.exercise(
    points=2,
    topic=44,
    equation="(4.23) and (4.24)",
    returns=("V", "state"),
    cases=adam_cases,
    ask="Two averages are kept. Which of them are corrected for the step, and which go into the next state?",
    small={
        "V": np.array([1.0]),
        "dV": np.array([2.0]),
        "state": (0, np.array([0.0]), np.array([0.0])),
        "learning_rate": 0.1,
        "decay": 1.0,
    },
)
def adam_step(V, dV, state, learning_rate, decay):
    """Do one step of Adam with decoupled weight decay on one parameter.

    Parameters
    ----------
    V, dV : ndarray
        The parameter and its gradient.
    state : tuple
        ``(t, v, s)``: steps so far, and the averages of the gradients and of their squares; all 0 at the start.
    learning_rate, decay : float

    Returns
    -------
    V : ndarray
        A new array.
    state : tuple
        The next state.

    References
    ----------
    I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", 2017, arXiv:1711.05101.
    """
    t, v, s = state
    t = t + 1
    v = 0.9 * v + 0.1 * dV  # (4.23)
    s = 0.999 * s + 0.001 * dV**2  # (4.23)
    step = v / (1 - 0.9**t) / (np.sqrt(s / (1 - 0.999**t)) + 1e-8)
    V = (1 - learning_rate * decay) * V - learning_rate * step  # (4.24)
    return V, (t, v, s)


def adam_variant(
    V,
    dV,
    state,
    learning_rate,
    decay,
    correct=True,
    shrink=None,
    kept_corrected=False,
    first=None,
    root=np.sqrt,
    count=1,
):
    t, v, s = state
    t = t + count
    if first is not None:
        dV = first(V, dV)
    v, s = 0.9 * v + 0.1 * dV, 0.999 * s + 0.001 * dV**2
    v_hat, s_hat = (v / (1 - 0.9**t), s / (1 - 0.999**t)) if correct and t else (v, s)
    keep = 1 - learning_rate * decay if shrink is None else shrink
    V = keep * V - learning_rate * v_hat / (root(s_hat) + 1e-8)
    return V, (t, *((v_hat, s_hat) if kept_corrected else (v, s)))


@adam_step.mistake("The averages are not corrected: divide v by 1 - 0.9^t and s by 1 - 0.999^t.")
def adam_not_corrected(*arguments):
    return adam_variant(*arguments, correct=False)


@adam_step.mistake("The decay is missing: the parameter shrinks by the factor 1 - αλ.")
def adam_without_decay(*arguments):
    return adam_variant(*arguments, shrink=1.0)


@adam_step.mistake("The decay went into the gradient, and through both averages. It is decoupled: it shrinks V itself.")
def adam_coupled(V, dV, state, learning_rate, decay):
    return adam_variant(V, dV, state, learning_rate, decay, shrink=1.0, first=lambda V, dV: dV + decay * V)


@adam_step.mistake("The learning rate is missing in the decay: the factor is 1 - αλ, not 1 - λ.")
def adam_decay_without_rate(V, dV, state, learning_rate, decay):
    return adam_variant(V, dV, state, learning_rate, decay, shrink=1 - decay)


@adam_step.mistake("The state holds the corrected averages. The recursion goes on with v and s as they are.")
def adam_keeps_corrected(*arguments):
    return adam_variant(*arguments, kept_corrected=True)


@adam_step.mistake("The root is missing: divide by √ŝ.")
def adam_without_root(*arguments):
    return adam_variant(*arguments, root=lambda s: s)


@adam_step.mistake("V is changed in place. Return a new array.")
def adam_in_place(V, dV, state, learning_rate, decay):
    found, state = adam_variant(V, dV, state, learning_rate, decay)
    V[...] = found
    return V, state


@adam_step.mistake("The average of the squares forgets too fast: its factors are 0.999 and 0.001 (4.23).")
def adam_squares_with_0_99(V, dV, state, learning_rate, decay):
    t, v, s = state
    t, v, s = t + 1, 0.9 * v + 0.1 * dV, 0.99 * s + 0.01 * dV**2
    step = v / (1 - 0.9**t) / (np.sqrt(s / (1 - 0.99**t)) + 1e-8)
    return (1 - learning_rate * decay) * V - learning_rate * step, (t, v, s)


@adam_step.mistake("The next state has the old number of steps. Return t + 1: the corrections depend on it.")
def adam_step_not_counted(V, dV, state, learning_rate, decay):
    V, (_, v, s) = adam_step.reference(V, dV, state, learning_rate, decay)
    return V, (state[0], v, s)


@adam_step.accept("The correction of both averages is one factor of the learning rate.")
def adam_one_factor(V, dV, state, learning_rate, decay):
    t, v, s = state[0] + 1, 0.9 * state[1] + 0.1 * dV, 0.999 * state[2] + 0.001 * dV * dV
    root = np.sqrt(1 - 0.999**t)
    step = root / (1 - 0.9**t) * v / (np.sqrt(s) + 1e-8 * root)
    return V - learning_rate * decay * V - learning_rate * step, (t, v, s)


@adam_step.accept
def adam_decay_first(V, dV, state, learning_rate, decay):
    found, state = adam_variant((1 - learning_rate * decay) * V, dV, state, learning_rate, decay, shrink=1.0)
    return found, state


# --- saliency --------------------------------------------------------------------------------------------------------


def saliency_cases(rng):
    found = []
    for o, m in NETWORKS:
        X, parameters = rng.normal(size=(m, o["n"], o["n"], o.get("n_C", (1,))[0])), small_network(rng, **o)
        found.append(case(X=X, labels=rng.integers(0, o.get("n_y", 4), m), parameters=parameters))
    # Channels whose scores all lie a little below 0: nothing comes back through them.
    for layer in (1, 2):
        parameters = small_network(rng)
        parameters[f"W{layer}"][..., 0] *= 0.001
        parameters[f"b{layer}"][..., 0] = -0.05
        found.append(case(X=rng.normal(size=(1, 10, 10, 1)), labels=np.array([layer]), parameters=parameters))
    return found


@lesson.exercise(
    points=3,
    topic=44,
    equation="(4.26)",
    backward=True,
    cases=saliency_cases,
    ask="What is the derivative of one score by all the scores? Send that back, and do not stop at the first layer.",
    small={"X": np.arange(16.0).reshape(1, 4, 4, 1), "labels": np.array([1]), "parameters": SMALL_NET},
)
def saliency(X, labels, parameters):
    """Return the derivative of the score of a class by the image.

    Parameters
    ----------
    X : ndarray, shape (m, n_H, n_W, n_C)
    labels : ndarray of int, shape (m,)
        For each image the class whose score is meant.
    parameters : dict

    Returns
    -------
    dX : ndarray, shape (m, n_H, n_W, n_C)
    """
    W1, b1, W2, b2, W3 = (parameters[name] for name in ("W1", "b1", "W2", "b2", "W3"))
    _, (_, Z1, P1, Z2, P2) = cnn_forward(X, parameters)
    dP2 = W3.T[labels].reshape(P2.shape)  # (4.25)
    dP1, _, _ = conv_back(pool_back(dP2, np.maximum(Z2, 0)) * (Z2 > 0), P1, W2, b2, 0)
    dZ1 = pool_back(dP1, np.maximum(Z1, 0)) * (Z1 > 0)
    dX, _, _ = conv_back(dZ1, X, W1, b1, len(W1) // 2)  # (4.26)
    return dX


def saliency_variant(X, labels, p, start=None, slopes=True):
    _, (_, Z1, P1, Z2, P2) = cnn_forward.reference(X, p)
    dP2 = (p["W3"].T[labels] if start is None else start).reshape(P2.shape)
    back = layers.pool_back(dP2, np.maximum(Z2, 0))
    dP1, _, _ = layers.conv_back(back * (Z2 > 0) if slopes else back, P1, p["W2"], p["b2"], 0)
    back = layers.pool_back(dP1, np.maximum(Z1, 0))
    return layers.conv_back(back * (Z1 > 0) if slopes else back, X, p["W1"], p["b1"], len(p["W1"]) // 2)[0]


@saliency.mistake("The gradient of the *cost* is sent back. Here it is that of one score: 1 at the class, 0 elsewhere.")
def saliency_of_the_cost(X, labels, parameters):
    scores, _ = cnn_forward.reference(X, parameters)
    return saliency_variant(X, labels, parameters, start=layers.loss(scores, labels)[1] @ parameters["W3"].T)


@saliency.mistake("All scores are sent back at once. Only the score of the class is meant.")
def saliency_of_all(X, labels, parameters):
    start = np.tile(parameters["W3"].sum(axis=1), (len(X), 1))
    return saliency_variant(X, labels, parameters, start=start)


@saliency.mistake("It is divided by m. Each image has its own score: there is no mean here.")
def saliency_mean(X, labels, parameters):
    dX = saliency_variant(X, labels, parameters)
    return dX / len(X) if len(X) > 1 else dX


@saliency.mistake("The slopes of the ReLU are missing: nothing comes back where Z1 or Z2 is negative.")
def saliency_without_slopes(X, labels, parameters):
    return saliency_variant(X, labels, parameters, slopes=False)


@saliency.mistake("These are sizes. Return the derivative with its sign; the picture takes its size.")
def saliency_sizes(X, labels, parameters):
    return np.abs(saliency_variant(X, labels, parameters))


@saliency.mistake(
    "It stops before the image: this is the derivative by P1. Go back through the first convolution, too."
)
def saliency_of_P1(X, labels, parameters):
    p = parameters
    _, (_, Z1, P1, Z2, P2) = cnn_forward.reference(X, p)
    back = layers.pool_back(p["W3"].T[labels].reshape(P2.shape), np.maximum(Z2, 0)) * (Z2 > 0)
    return layers.conv_back(back, P1, p["W2"], p["b2"], 0)[0]


@saliency.accept("A one-hot row for dS, and the whole way back as in exercise 10.")
def saliency_one_hot(X, labels, parameters):
    p = parameters
    dscores = np.eye(p["W3"].shape[1])[labels]
    return saliency_variant(X, labels, p, start=dscores @ p["W3"].T)


@saliency.accept
def saliency_image_by_image(X, labels, parameters):
    return np.concatenate([saliency_variant(X[i : i + 1], labels[i : i + 1], parameters) for i in range(len(X))])
