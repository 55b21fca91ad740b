"""Lesson 4.4, a classifier of digits: the catalogue of its six exercises. Equations are those of the notebook."""

import numpy as np

from helpers.exercises import Lesson, case
from helpers.widgets import digit_classifier as layers

lesson = Lesson("digit_classifier")


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


@lesson.exercise(points=2, topic=44, equation="(4.1)", cases=shapes_cases)
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


@layer_output_shapes.accept
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


@lesson.exercise(points=1, topic=44, equation="(4.2)", cases=count_cases)
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


@count_conv_parameters.accept
def count_weights_then_biases(f, n_C_prev, n_C):
    weights, biases = f**2 * n_C_prev * n_C, n_C
    return weights + biases


@count_conv_parameters.accept
def count_of_arrays(f, n_C_prev, n_C):
    return np.zeros((f, f, n_C_prev, n_C)).size + np.zeros((1, 1, 1, n_C)).size


# --- as_dense_matrix -------------------------------------------------------------------------------------------------


def matrix_cases(rng):
    sizes = ((2, 3, 4, 1), (3, 4, 5, 1), (2, 5, 4, 2), (1, 2, 3, 1), (2, 5, 2, 3))
    return [case(W=rng.normal(size=(f, f)), n_H=n_H, n_W=n_W, stride=s) for f, n_H, n_W, s in sizes]


@lesson.exercise(points=3, topic=45, equation="(4.4)", cases=matrix_cases)
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


@as_dense_matrix.accept
def matrix_from_unit_images(W, n_H, n_W, stride=1):
    """Column by column: the output for an image with a single 1."""
    f = len(W)
    units = np.eye(n_H * n_W).reshape(-1, n_H, n_W)
    view = np.lib.stride_tricks.sliding_window_view(units, (f, f), axis=(1, 2))[:, ::stride, ::stride]
    return np.einsum("phwjk,jk->hwp", view, W).reshape(-1, n_H * n_W)


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


@lesson.exercise(points=3, topic=44, equation="(4.7)", returns=("scores", "cache"), cases=forward_cases)
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
    Z1 = layers.conv(X, W1, b1, len(W1) // 2)  # (f - 1) / 2 for odd f
    P1 = layers.pool(np.maximum(Z1, 0))  # (4.7)
    Z2 = layers.conv(P1, W2, b2, 0)
    P2 = layers.pool(np.maximum(Z2, 0))
    scores = P2.reshape(len(X), P2[0].size) @ W3 + b3
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


@cnn_forward.mistake("Windows are averaged. Use `layers.pool`, which takes the largest entry.")
def forward_with_average(X, parameters):
    return forward_variant(X, parameters, summary=mean_of_windows)


@cnn_forward.mistake("Each channel is flattened over all examples. Keep the examples apart: `P2.reshape(len(X), -1)`.")
def forward_examples_mixed(X, parameters):
    return forward_variant(X, parameters, flat=lambda P: P.transpose(1, 2, 3, 0).reshape(len(P), -1))


@cnn_forward.accept
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


@lesson.exercise(points=4, topic=44, equation="(4.8) to (4.12)", backward=True, cases=backward_cases)
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
    dW3 = P2.reshape(len(X), P2[0].size).T @ dscores  # (4.8)
    db3 = np.sum(dscores, axis=0, keepdims=True)
    dP2 = (dscores @ parameters["W3"].T).reshape(P2.shape)  # (4.9)
    dZ2 = layers.pool_back(dP2, np.maximum(Z2, 0)) * (Z2 > 0)  # (4.10)
    dP1, dW2, db2 = layers.conv_back(dZ2, P1, W2, b2, 0)  # (4.11)
    dZ1 = layers.pool_back(dP1, np.maximum(Z1, 0)) * (Z1 > 0)  # (4.12)
    _, dW1, db1 = layers.conv_back(dZ1, X, W1, b1, len(W1) // 2)
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


@cnn_backward.accept
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


@lesson.exercise(points=2, topic=44, equation="(4.13)", returns=("parameters", "costs"), cases=train_cases)
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
        cost, dscores = layers.loss(scores, labels)
        costs.append(cost)
        gradients = cnn_backward(dscores, parameters, cache)
        for name in parameters:
            parameters[name] = parameters[name] - learning_rate * gradients[f"d{name}"]  # (4.13)
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


@train_cnn.accept
def train_new_dicts(X, labels, parameters, learning_rate, num_iterations):
    costs = np.zeros(num_iterations)
    for step in range(num_iterations):
        scores, cache = cnn_forward.reference(X, parameters)
        costs[step], dscores = layers.loss(scores, labels)
        grads = cnn_backward.reference(dscores, parameters, cache)
        parameters = {name: array - learning_rate * grads["d" + name] for name, array in parameters.items()}
    return parameters, costs.tolist()
