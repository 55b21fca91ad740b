"""Lesson 4.2, the convolutional layer: the catalogue of its exercises, and the questions before its experiments."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.signal import correlate, fftconvolve

from helpers.exercises import Lesson, case

lesson = Lesson("conv_layer")

lesson.predict(
    "middle",
    "An image of 7 by 7 pixels, f = 3, stride 1, no padding. All weights are 1 and all dz are 1. What is the derivative by "
    "the pixel in the middle?",
    (),
    "Each window that holds the pixel sends back 1 times 1. The pixel stands at each of the 9 places of a window once.",
)
lesson.predict(
    "come_back",
    "im2col writes the windows of 2 by 2 of an image of 3 by 3 into a table, col2im adds the table back into an image. The "
    "pixel in the middle is 5. As what does it come back?",
    ("5", "10", "20"),
    "The middle lies in four windows, so it stands in the table four times, and col2im adds the four copies up.",
)
lesson.predict(
    "gain",
    "A network of 8 filters and a softmax reads digits. Once the filters stay random, once they learn. How many points of "
    "100 does learning add to its accuracy on the test digits?",
    ("about 0: the softmax makes up for it", "1 to 2", "about 5", "more than 10"),
    "Eight random filters and ReLU already give the softmax more to choose from than the pixels do. Learning adds a little "
    "to that.",
)

#: The image, filter and bias of the numbers by hand.
SMALL_A = np.arange(1.0, 10).reshape(1, 3, 3, 1)
SMALL_W = np.array([[1.0, 2], [3, 4]]).reshape(2, 2, 1, 1)
SMALL_B = np.zeros((1, 1, 1, 1))
SMALL_DZ = np.array([[1.0, 10], [100, 1000]]).reshape(1, 2, 2, 1)
SMALL_HOW = {"stride": 1, "pad": 0}
SMALL_TABLE = np.array([[1.0, 2, 4, 5], [2, 3, 5, 6], [4, 5, 7, 8], [5, 6, 8, 9]])

# (m, n_H, n_W, n_C_prev, f, n_C, pad, stride): no two sizes of a case are equal where they could be mixed up.
SHAPES = (
    (1, 4, 6, 2, 3, 2, 1, 2),  # windows overlap, with padding and a stride
    (2, 4, 3, 2, 2, 3, 0, 1),  # no padding: a slice that ends at -pad is empty
    (1, 6, 7, 1, 3, 2, 0, 2),  # no padding and a stride; a row is left over
    (2, 3, 6, 1, 2, 3, 1, 3),  # windows with gaps between them
    (1, 2, 4, 3, 3, 1, 2, 2),  # padding of two, one filter
    (1, 3, 3, 2, 2, 3, 1, 1),  # square images
)


def framed(A_prev, pad):
    return np.pad(A_prev, ((0, 0), (pad, pad), (pad, pad), (0, 0)))


def view(A_prev, f, hparameters):
    """Return all windows of the padded images, shape (m, n_H, n_W, n_C_prev, f, f)."""
    stride, pad = hparameters["stride"], hparameters["pad"]
    return sliding_window_view(framed(A_prev, pad), (f, f), axis=(1, 2))[:, ::stride, ::stride]


def scores(A_prev, W, b, hparameters):
    """Return the right scores, by one einsum."""
    return np.einsum("ihwdjk,jkdc->ihwc", view(A_prev, len(W), hparameters), W) + b


# --- conv_forward ----------------------------------------------------------------------------------------------------


def forward_cases(rng):
    return [case(**layer(rng, *sizes)) for sizes in SHAPES]


def layer(rng, m, n_H_prev, n_W_prev, n_C_prev, f, n_C, pad, stride):
    return {
        "A_prev": rng.normal(size=(m, n_H_prev, n_W_prev, n_C_prev)),
        "W": rng.normal(size=(f, f, n_C_prev, n_C)),
        "b": rng.normal(size=(1, 1, 1, n_C)),
        "hparameters": {"stride": stride, "pad": pad},
    }


@lesson.exercise(
    points=3,
    topic=42,
    equation="(2.2)",
    returns=("Z", "cache"),
    cases=forward_cases,
    ask="Four indices name a score. Which of them choose the image, the window and the filter, and at which row and column "
    "of the padded image does the window start?",
    small={"A_prev": SMALL_A, "W": SMALL_W, "b": SMALL_B, "hparameters": SMALL_HOW},
)
def conv_forward(A_prev, W, b, hparameters):
    """Compute the scores of a convolutional layer.

    Parameters
    ----------
    A_prev : ndarray, shape (m, n_H_prev, n_W_prev, n_C_prev)
        Activations of the layer before, or images.
    W : ndarray, shape (f, f, n_C_prev, n_C)
        One filter per entry of the last axis.
    b : ndarray, shape (1, 1, 1, n_C)
        One bias per filter.
    hparameters : dict
        ``"stride"`` and ``"pad"``, whole numbers.

    Returns
    -------
    Z : ndarray, shape (m, n_H, n_W, n_C)
    cache : tuple
        ``(A_prev, W, b, hparameters)``, for `conv_backward`.
    """
    stride, pad = hparameters["stride"], hparameters["pad"]
    A_pad = np.pad(A_prev, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    m, n_H_pad, n_W_pad, _ = A_pad.shape
    f, _, _, n_C = W.shape
    Z = np.zeros((m, (n_H_pad - f) // stride + 1, (n_W_pad - f) // stride + 1, n_C))  # (2.1)
    for i, h, w, c in np.ndindex(Z.shape):
        window = A_pad[i, h * stride : h * stride + f, w * stride : w * stride + f]
        Z[i, h, w, c] = np.sum(window * W[..., c]) + b[0, 0, 0, c]  # (2.2)
    return Z, (A_prev, W, b, hparameters)


@conv_forward.mistake(
    "The size of the output is right, but your windows move by one pixel: the stride is forgotten. Window h starts at "
    "row h * stride, window w at column w * stride."
)
def forward_windows_without_stride(A_prev, W, b, hparameters):
    n_H, n_W = scores(A_prev, W, b, hparameters).shape[1:3]
    Z = scores(A_prev, W, b, {**hparameters, "stride": 1})[:, :n_H, :n_W]
    return Z, (A_prev, W, b, hparameters)


@conv_forward.mistake("The stride is forgotten: the window moves by stride pixels, and the output has fewer entries.")
def forward_without_stride(A_prev, W, b, hparameters):
    return scores(A_prev, W, b, {**hparameters, "stride": 1}), (A_prev, W, b, hparameters)


@conv_forward.mistake(
    "The windows move by stride to the right, but by one pixel down. Window h starts at row h * stride."
)
def forward_windows_stride_of_columns(A_prev, W, b, hparameters):
    n_H = scores(A_prev, W, b, hparameters).shape[1]
    Z = scores(A_prev, W, b, {**hparameters, "stride": 1})[:, :n_H, :: hparameters["stride"]]
    return Z, (A_prev, W, b, hparameters)


@conv_forward.mistake(
    "The windows move by stride down, but by one pixel to the right. Window w starts at column w * stride."
)
def forward_windows_stride_of_rows(A_prev, W, b, hparameters):
    n_W = scores(A_prev, W, b, hparameters).shape[2]
    Z = scores(A_prev, W, b, {**hparameters, "stride": 1})[:, :: hparameters["stride"], :n_W]
    return Z, (A_prev, W, b, hparameters)


@conv_forward.mistake("The stride is used for the rows only. Columns move by it as well.")
def forward_stride_of_rows(A_prev, W, b, hparameters):
    every = scores(A_prev, W, b, {**hparameters, "stride": 1})
    return every[:, :: hparameters["stride"]], (A_prev, W, b, hparameters)


@conv_forward.mistake('`"stride"` and `"pad"` are mixed up. Read both from hparameters by their names.')
def forward_stride_and_pad_swapped(A_prev, W, b, hparameters):
    swapped = {"stride": hparameters["pad"], "pad": hparameters["stride"]}
    return scores(A_prev, W, b, swapped), (A_prev, W, b, hparameters)


@conv_forward.mistake("Height and width of the output are swapped: axis 1 is the height, axis 2 the width.")
def forward_transposed(A_prev, W, b, hparameters):
    return scores(A_prev, W, b, hparameters).transpose(0, 2, 1, 3), (A_prev, W, b, hparameters)


@conv_forward.mistake(
    "H and W are swapped in the size of the output. n_H comes from n_H_prev, axis 1 of A_prev, and n_W from n_W_prev, "
    "axis 2."
)
def forward_sizes_swapped(A_prev, W, b, hparameters):
    m, n_H, n_W, n_C = scores(A_prev, W, b, hparameters).shape
    A_pad, stride, f = framed(A_prev, hparameters["pad"]), hparameters["stride"], len(W)
    Z = np.zeros((m, n_W, n_H, n_C))
    for i, h, w, c in np.ndindex(Z.shape):
        window = A_pad[i, h * stride : h * stride + f, w * stride : w * stride + f]
        Z[i, h, w, c] = np.sum(window * W[: window.shape[0], : window.shape[1], :, c]) + b[0, 0, 0, c]
    return Z, (A_prev, W, b, hparameters)


@conv_forward.mistake("Your windows start at row w and column h. A slice names the rows first: row h, column w.")
def forward_windows_swapped(A_prev, W, b, hparameters):
    Z = np.zeros_like(scores(A_prev, W, b, hparameters))
    A_pad, stride, f = framed(A_prev, hparameters["pad"]), hparameters["stride"], len(W)
    for i, h, w, c in np.ndindex(Z.shape):
        window = A_pad[i, w * stride : w * stride + f, h * stride : h * stride + f]
        Z[i, h, w, c] = np.sum(window * W[..., c]) + b[0, 0, 0, c]
    return Z, (A_prev, W, b, hparameters)


@conv_forward.mistake("The images are not padded. Put the frame of zeros around them first.")
def forward_without_padding(A_prev, W, b, hparameters):
    return conv_forward.reference(A_prev, W, b, hparameters | {"pad": 0})[0], (A_prev, W, b, hparameters)


@conv_forward.mistake("Your windows come from A_prev, which has no frame. Take them from the padded images.")
def forward_windows_of_a_prev(A_prev, W, b, hparameters):
    Z = np.zeros_like(scores(A_prev, W, b, hparameters))
    stride, f = hparameters["stride"], len(W)
    for i, h, w, c in np.ndindex(Z.shape):
        window = A_prev[i, h * stride : h * stride + f, w * stride : w * stride + f]
        Z[i, h, w, c] = np.sum(window * W[..., c]) + b[0, 0, 0, c]
    return Z, (A_prev, W, b, hparameters)


@conv_forward.mistake(
    "Your windows shrink as they move. One that starts at row h * stride ends at h * stride + f, not at h + f."
)
def forward_windows_end_without_stride(A_prev, W, b, hparameters):
    Z = np.zeros_like(scores(A_prev, W, b, hparameters))
    A_pad, stride, f = framed(A_prev, hparameters["pad"]), hparameters["stride"], len(W)
    for i, h, w, c in np.ndindex(Z.shape):
        window = A_pad[i, h * stride : h + f, w * stride : w + f]
        Z[i, h, w, c] = np.sum(window * W[..., c]) + b[0, 0, 0, c]
    return Z, (A_prev, W, b, hparameters)


@conv_forward.mistake("Windows that hang over the border are counted: the size is rounded up. Round down, `//` (2.1).")
def forward_rounded_up(A_prev, W, b, hparameters):
    stride, f = hparameters["stride"], len(W)
    A_pad = framed(A_prev, hparameters["pad"])
    n_H, n_W = (-(-(n - f) // stride) + 1 for n in A_pad.shape[1:3])
    Z = np.zeros((len(A_pad), n_H, n_W, W.shape[3]))
    for i, h, w, c in np.ndindex(Z.shape):
        window = A_pad[i, h * stride : h * stride + f, w * stride : w * stride + f]
        Z[i, h, w, c] = np.sum(window * W[: window.shape[0], : window.shape[1], :, c]) + b[0, 0, 0, c]
    return Z, (A_prev, W, b, hparameters)


@conv_forward.mistake("The bias is missing: filter c adds its own b[0, 0, 0, c].")
def forward_without_bias(A_prev, W, b, hparameters):
    return scores(A_prev, W, 0, hparameters), (A_prev, W, b, hparameters)


@conv_forward.mistake("The bias is inside the sum, so it is added once per product. Add it once, after the sum.")
def forward_bias_inside(A_prev, W, b, hparameters):
    return scores(A_prev, W, b * W[..., 0].size, hparameters), (A_prev, W, b, hparameters)


@conv_forward.mistake("All channels get the bias of the first filter. Filter c has the bias b[0, 0, 0, c].")
def forward_first_bias(A_prev, W, b, hparameters):
    return scores(A_prev, W, b[..., :1], hparameters), (A_prev, W, b, hparameters)


@conv_forward.mistake(
    "Your filters are flipped, upside down and left to right. Here the upper left weight meets the upper left pixel."
)
def forward_flipped(A_prev, W, b, hparameters):
    return scores(A_prev, W[::-1, ::-1], b, hparameters), (A_prev, W, b, hparameters)


@conv_forward.mistake("Only the first channel of the images is used. A window has all channels of its input.")
def forward_first_channel(A_prev, W, b, hparameters):
    return scores(A_prev[..., :1], W[:, :, :1], b, hparameters), (A_prev, W, b, hparameters)


@conv_forward.mistake("All channels come from the first filter. Channel c of the output comes from W[..., c].")
def forward_first_filter(A_prev, W, b, hparameters):
    W_first = np.repeat(W[..., :1], W.shape[3], axis=3)
    return scores(A_prev, W_first, b, hparameters), (A_prev, W, b, hparameters)


@conv_forward.mistake("Only the first image is filtered. Loop over all m examples, axis 0.")
def forward_first_example(A_prev, W, b, hparameters):
    Z = scores(A_prev, W, b, hparameters)
    Z[1:] = 0
    return Z, (A_prev, W, b, hparameters)


@conv_forward.mistake("Here you return the activations. Z holds the scores; g is applied after this function.")
def forward_with_activation(A_prev, W, b, hparameters):
    return np.maximum(0, scores(A_prev, W, b, hparameters)), (A_prev, W, b, hparameters)


@conv_forward.mistake(
    "The cache holds the padded images. Put in A_prev as it came: its shape is needed on the way back."
)
def forward_padded_in_cache(A_prev, W, b, hparameters):
    Z = scores(A_prev, W, b, hparameters)
    return Z, (framed(A_prev, hparameters["pad"]), W, b, hparameters)


@conv_forward.mistake("Only Z is returned. Return two things: Z, and the cache (A_prev, W, b, hparameters).")
def forward_without_cache(A_prev, W, b, hparameters):
    return scores(A_prev, W, b, hparameters)


@conv_forward.mistake("All examples come from the first image. Take the window from image i, axis 0 of A_prev.")
def forward_always_first_image(A_prev, W, b, hparameters):
    Z = scores(A_prev[:1], W, b, hparameters)
    return np.repeat(Z, len(A_prev), axis=0), (A_prev, W, b, hparameters)


@conv_forward.mistake(
    "The first channel alone is used, and as a product of matrices. Multiply entry by entry, with `*`, in all channels."
)
def forward_product_of_matrices(A_prev, W, b, hparameters):
    Z, stride, pad, f = scores(A_prev, W, b, hparameters), hparameters["stride"], hparameters["pad"], len(W)
    A = np.pad(A_prev[..., 0], ((0, 0), (pad, pad), (pad, pad)))
    for i, h, w, c in np.ndindex(Z.shape):
        window = A[i, h * stride : h * stride + f, w * stride : w * stride + f]
        Z[i, h, w, c] = np.sum(window @ W[..., 0, c]) + b[0, 0, 0, c]
    return Z, (A_prev, W, b, hparameters)


@conv_forward.mistake("The cache lacks the hyperparameters: it is (A_prev, W, b, hparameters).")
def forward_cache_of_three(A_prev, W, b, hparameters):
    return scores(A_prev, W, b, hparameters), (A_prev, W, b)


@conv_forward.mistake("Only the first score is computed. `return` stands inside the loop: move it out of it.")
def forward_returned_too_early(A_prev, W, b, hparameters):
    Z = scores(A_prev, W, b, hparameters)
    return np.where(np.arange(Z.size).reshape(Z.shape) == 0, Z, 0.0), (A_prev, W, b, hparameters)


@conv_forward.accept
def forward_seven_loops(A_prev, W, b, hparameters):
    stride = hparameters["stride"]
    A_pad = framed(A_prev, hparameters["pad"])
    f, _, n_C_prev, n_C = W.shape
    m, n_H, n_W = len(A_pad), (A_pad.shape[1] - f) // stride + 1, (A_pad.shape[2] - f) // stride + 1
    Z = np.zeros((m, n_H, n_W, n_C))
    for i in range(m):
        for h in range(n_H):
            for w in range(n_W):
                for c in range(n_C):
                    Z[i, h, w, c] = b[0, 0, 0, c]
                    for j, k, d in np.ndindex(f, f, n_C_prev):
                        Z[i, h, w, c] += A_pad[i, h * stride + j, w * stride + k, d] * W[j, k, d, c]
    return Z, (A_prev, W, b, hparameters)


@conv_forward.accept
def forward_windows_view_and_einsum(A_prev, W, b, hparameters):
    return scores(A_prev, W, b, hparameters), (A_prev, W, b, hparameters)


@conv_forward.accept("`np.tensordot` multiplies and adds over the named axes: one product for all filters.")
def forward_tensordot(A_prev, W, b, hparameters):
    Z = np.tensordot(view(A_prev, len(W), hparameters), W, axes=([4, 5, 3], [0, 1, 2])) + b
    return Z, (A_prev, W, b, hparameters)


@conv_forward.accept
def forward_by_im2col(A_prev, W, b, hparameters):
    windows = np.moveaxis(view(A_prev, len(W), hparameters), 3, -1)
    Z = windows.reshape(-1, W[..., 0].size) @ W.reshape(-1, W.shape[3]) + b[0, 0]
    return Z.reshape(*windows.shape[:3], -1), (A_prev, W, b, hparameters)


@conv_forward.accept
def forward_shifted_images(A_prev, W, b, hparameters):
    stride, pad = hparameters["stride"], hparameters["pad"]
    A_pad, f = framed(A_prev, pad), len(W)
    n_H, n_W = ((n - f) // stride + 1 for n in A_pad.shape[1:3])
    Z = b
    for j, k in np.ndindex(f, f):
        Z = Z + A_pad[:, j : j + stride * n_H : stride, k : k + stride * n_W : stride] @ W[j, k]
    return Z, (A_prev, W, b, hparameters)


@conv_forward.accept
def forward_with_fft(A_prev, W, b, hparameters):
    stride, n_C = hparameters["stride"], W.shape[3]
    A_pad = framed(A_prev, hparameters["pad"])
    flipped = W[None, ::-1, ::-1, ::-1]
    Z = [fftconvolve(A_pad, flipped[..., c], mode="valid")[:, ::stride, ::stride, 0] for c in range(n_C)]
    return np.stack(Z, axis=-1) + b, (A_prev, W, b, hparameters)


@conv_forward.accept
def forward_with_scipy(A_prev, W, b, hparameters):
    stride = hparameters["stride"]
    A_pad = framed(A_prev, hparameters["pad"])
    Z = [
        [correlate(image, W[..., c], mode="valid")[::stride, ::stride, 0] for c in range(W.shape[3])] for image in A_pad
    ]
    return np.moveaxis(np.array(Z), 1, -1) + b, (A_prev, W, b, hparameters)


# --- conv_backward ---------------------------------------------------------------------------------------------------


def backward_cases(rng):
    made = []
    for sizes in SHAPES:
        arguments = layer(rng, *sizes)
        dZ = rng.normal(size=scores(**arguments).shape)
        made.append(case(dZ=dZ, cache=tuple(arguments.values())))
    return made


@lesson.exercise(
    points=4,
    topic=42,
    equation="(2.10) to (2.13)",
    returns=("dA_prev", "dW", "db"),
    backward=True,
    cases=backward_cases,
    ask="One score was made of one window, one filter and one bias. Which entries of dA_pad, dW and db get a share of its dz, "
    "and what is each share multiplied by?",
    small={"dZ": SMALL_DZ, "cache": (SMALL_A, SMALL_W, SMALL_B, SMALL_HOW)},
    why={
        "question": "Why does nothing here divide by m?",
        "choices": {
            "dZ is the derivative of the cost, and has the factor 1/m already": "Yes: it enters once, at the losses.",
            "the images do not share their filters": "No: they do, and so the shares of all images add up in dW.",
            "m is always 1 in this lesson": "No: dZ holds m images.",
        },
    },
)
def conv_backward(dZ, cache):
    """Send the gradient back through `conv_forward`.

    Parameters
    ----------
    dZ : ndarray, shape (m, n_H, n_W, n_C)
        Derivative of the cost J; a factor 1/m of the cost is in it already.
    cache : tuple
        ``(A_prev, W, b, hparameters)`` from `conv_forward`.

    Returns
    -------
    dA_prev : ndarray, shape (m, n_H_prev, n_W_prev, n_C_prev)
        Of the cost J, like all three.
    dW : ndarray, shape (f, f, n_C_prev, n_C)
    db : ndarray, shape (1, 1, 1, n_C)
    """
    A_prev, W, b, hparameters = cache
    stride, pad = hparameters["stride"], hparameters["pad"]
    _, n_H_prev, n_W_prev, _ = A_prev.shape
    f, _, _, _ = W.shape
    A_pad = np.pad(A_prev, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    dA_pad, dW, db = np.zeros_like(A_pad), np.zeros_like(W), np.zeros_like(b)
    for i, h, w, c in np.ndindex(dZ.shape):
        window = (i, slice(h * stride, h * stride + f), slice(w * stride, w * stride + f))
        dA_pad[window] += W[..., c] * dZ[i, h, w, c]  # (2.12)
        dW[..., c] += A_pad[window] * dZ[i, h, w, c]  # (2.10)
        db[..., c] += dZ[i, h, w, c]  # (2.11)
    dA_prev = dA_pad[:, pad : pad + n_H_prev, pad : pad + n_W_prev]  # (2.13)
    return dA_prev, dW, db


def places(dZ, cache):
    """Yield ``(window, i, h, w, c)`` for each entry of dZ; `window` indexes the padded images."""
    stride, f = cache[3]["stride"], len(cache[1])
    for i, h, w, c in np.ndindex(dZ.shape):
        yield (i, slice(h * stride, h * stride + f), slice(w * stride, w * stride + f)), i, h, w, c


def inner(dA_pad, cache):
    """Cut the frame off."""
    (_, n_H_prev, n_W_prev, _), pad = cache[0].shape, cache[3]["pad"]
    return dA_pad[:, pad : pad + n_H_prev, pad : pad + n_W_prev]


def padded_gradient(dZ, cache):
    dA_pad = framed(np.zeros_like(cache[0]), cache[3]["pad"])
    for window, i, h, w, c in places(dZ, cache):
        dA_pad[window] += cache[1][..., c] * dZ[i, h, w, c]
    return dA_pad


def gradients(dZ, cache):
    """Return the right dA_prev, dW, db."""
    A_prev, W, _, hparameters = cache
    dW = np.einsum("ihwdjk,ihwc->jkdc", view(A_prev, len(W), hparameters), dZ)
    return inner(padded_gradient(dZ, cache), cache), dW, dZ.sum(axis=(0, 1, 2), keepdims=True)


@conv_backward.mistake(
    "dA_prev keeps only what the last window wrote: `=` in place of `+=`. A pixel lies in several windows, and their "
    "shares add up."
)
def backward_overwrites_overlaps(dZ, cache):
    _, dW, db = gradients(dZ, cache)
    dA_pad = framed(np.zeros_like(cache[0]), cache[3]["pad"])
    for window, i, h, w, _ in places(dZ, cache):
        dA_pad[window] = cache[1] @ dZ[i, h, w]
    return inner(dA_pad, cache), dW, db


@conv_backward.mistake(
    "dA_prev keeps only the share of the last filter and the last window. Each filter and each window adds its share: "
    "`+=`."
)
def backward_overwrites_filters(dZ, cache):
    _, dW, db = gradients(dZ, cache)
    dA_pad = framed(np.zeros_like(cache[0]), cache[3]["pad"])
    for window, i, h, w, c in places(dZ, cache):
        dA_pad[window] = cache[1][..., c] * dZ[i, h, w, c]
    return inner(dA_pad, cache), dW, db


@conv_backward.mistake("dW keeps only what the last window of the last image gave. All windows add up: `+=`.")
def backward_dw_of_last_window(dZ, cache):
    dA_prev, dW, db = gradients(dZ, cache)
    A_pad = framed(cache[0], cache[3]["pad"])
    for window, i, h, w, c in places(dZ, cache):
        dW[..., c] = A_pad[window] * dZ[i, h, w, c]
    return dA_prev, dW, db


@conv_backward.mistake(
    "With pad = 0 the slice `pad:-pad` is empty. End it at `pad + n_H_prev` and `pad + n_W_prev`, and it works for "
    "every pad."
)
def backward_empty_slice(dZ, cache):
    _, dW, db = gradients(dZ, cache)
    pad = cache[3]["pad"]
    return padded_gradient(dZ, cache)[:, pad:-pad, pad:-pad], dW, db


@conv_backward.mistake("dA_prev still has the frame. Cut it off: A_prev itself has no frame.")
def backward_with_frame(dZ, cache):
    _, dW, db = gradients(dZ, cache)
    return padded_gradient(dZ, cache), dW, db


@conv_backward.mistake(
    "dA_prev is cut from the wrong place: pixel (0, 0) of the image is pixel (pad, pad) of the padded image."
)
def backward_cut_at_the_corner(dZ, cache):
    _, dW, db = gradients(dZ, cache)
    _, n_H_prev, n_W_prev, _ = cache[0].shape
    return padded_gradient(dZ, cache)[:, :n_H_prev, :n_W_prev], dW, db


def unstrided(dZ, cache):
    """Return dA_prev and dW as they are if windows start at (h, w)."""
    A_prev, W, b, hparameters = cache
    near = (A_prev, W, b, {**hparameters, "stride": 1})
    A_pad, dW = framed(A_prev, hparameters["pad"]), np.zeros_like(W)
    for window, i, h, w, c in places(dZ, near):
        dW[..., c] += A_pad[window] * dZ[i, h, w, c]
    return inner(padded_gradient(dZ, near), near), dW


@conv_backward.mistake(
    "The stride is forgotten: your windows move by one pixel. Window h starts at row h * stride, window w at column "
    "w * stride, as on the way forward."
)
def backward_without_stride(dZ, cache):
    return *unstrided(dZ, cache), gradients(dZ, cache)[2]


@conv_backward.mistake(
    "dA_prev is right, but dW takes its windows without the stride. Both use the same window of the padded images."
)
def backward_dw_without_stride(dZ, cache):
    dA_prev, _, db = gradients(dZ, cache)
    return dA_prev, unstrided(dZ, cache)[1], db


@conv_backward.mistake(
    "H and W are swapped: your windows start at row w and column h. Rows come first: row h, column w."
)
def backward_windows_swapped(dZ, cache):
    A_prev, W, b, hparameters = cache
    stride, f = hparameters["stride"], len(W)
    A_pad = framed(A_prev, hparameters["pad"])
    dA_pad, dW = np.zeros_like(A_pad), np.zeros_like(W)
    for i, h, w, c in np.ndindex(dZ.shape):
        window = (i, slice(w * stride, w * stride + f), slice(h * stride, h * stride + f))
        dA_pad[window] += W[..., c] * dZ[i, h, w, c]
        dW[..., c] += A_pad[window] * dZ[i, h, w, c]
    return inner(dA_pad, cache), dW, gradients(dZ, cache)[2]


@conv_backward.mistake(
    "H and W are swapped in your loops: n_H is axis 1 of dZ and n_W is axis 2. With square images this goes unnoticed."
)
def backward_loops_swapped(dZ, cache):
    m, n_W, n_H, n_C = dZ.shape
    A_pad = framed(cache[0], cache[3]["pad"])
    dA_pad, dW, db = np.zeros_like(A_pad), np.zeros_like(cache[1]), np.zeros_like(cache[2])
    stride, f = cache[3]["stride"], len(cache[1])
    for i, h, w, c in np.ndindex(m, n_H, n_W, n_C):
        window = (i, slice(h * stride, h * stride + f), slice(w * stride, w * stride + f))
        dA_pad[window] += cache[1][..., c] * dZ[i, h, w, c]
        dW[..., c] += A_pad[window] * dZ[i, h, w, c]
        db[..., c] += dZ[i, h, w, c]
    return inner(dA_pad, cache), dW, db


@conv_backward.mistake(
    "dW is flipped, upside down and left to right. Weight (j, k) met pixel (j, k) of each window, so this pixel is its "
    "factor."
)
def backward_dw_flipped(dZ, cache):
    dA_prev, dW, db = gradients(dZ, cache)
    return dA_prev, dW[::-1, ::-1], db


@conv_backward.mistake(
    "The filters are flipped in dA_prev. In a loop over windows no flip is needed: pixel (j, k) of the window gets "
    "weight (j, k)."
)
def backward_da_flipped(dZ, cache):
    A_prev, W, b, hparameters = cache
    _, dW, db = gradients(dZ, cache)
    return gradients(dZ, (A_prev, W[::-1, ::-1], b, hparameters))[0], dW, db


@conv_backward.mistake(
    "dW takes its windows from A_prev, which has no frame. On the way forward they came from the padded images."
)
def backward_dw_without_padding(dZ, cache):
    dA_prev, dW, db = gradients(dZ, cache)
    dW = np.zeros_like(dW)
    for window, i, h, w, c in places(dZ, cache):
        dW[..., c] += cache[0][window] * dZ[i, h, w, c]
    return dA_prev, dW, db


@conv_backward.mistake(
    "db lacks the sums. b_c is added in every window of every image, so db_c is the sum of dZ over axes 0, 1 and 2."
)
def backward_db_without_sums(dZ, cache):
    dA_prev, dW, _ = gradients(dZ, cache)
    return dA_prev, dW, dZ


@conv_backward.mistake("db keeps only the last entry of dZ for each filter: `=` in place of `+=`.")
def backward_db_of_last_entry(dZ, cache):
    dA_prev, dW, _ = gradients(dZ, cache)
    return dA_prev, dW, dZ[-1:, -1:, -1:]


@conv_backward.mistake(
    "db is summed over the images only, or only over the windows. It has one entry per filter: sum over axes 0, 1 and 2."
)
def backward_db_over_examples(dZ, cache):
    dA_prev, dW, _ = gradients(dZ, cache)
    return dA_prev, dW, dZ.sum(axis=0, keepdims=True)


@conv_backward.mistake("db is the mean of dZ. Each window uses b once, so its shares are added up, not averaged.")
def backward_db_mean(dZ, cache):
    dA_prev, dW, db = gradients(dZ, cache)
    return dA_prev, dW, dZ.mean(axis=(0, 1, 2), keepdims=True)


@conv_backward.mistake("db has lost its axes. It has the shape of b, (1, 1, 1, n_C): `keepdims=True`.")
def backward_db_flat(dZ, cache):
    dA_prev, dW, db = gradients(dZ, cache)
    return dA_prev, dW, db.ravel()


@conv_backward.mistake(
    "You divide dW and db by m. From course 4 on dZ is the derivative of the cost J, with the factor 1/m inside."
)
def backward_divided_by_m(dZ, cache):
    dA_prev, dW, db = gradients(dZ, cache)
    return dA_prev, dW / len(dZ), db / len(dZ)


@conv_backward.mistake("Only the first image is used. All m images use the same W and b: loop over all of axis 0.")
def backward_first_example(dZ, cache):
    only = np.zeros_like(dZ)
    only[0] = dZ[0]
    return gradients(only, cache)


@conv_backward.mistake("The order is dA_prev, dW, db.")
def backward_order(dZ, cache):
    dA_prev, dW, db = gradients(dZ, cache)
    return dW, db, dA_prev


@conv_backward.mistake(
    "Image by image, the slice `pad:-pad` is empty where pad is 0, and an empty array does not fit into dA_prev[i]. End "
    "the slice at `pad + n_H_prev` and `pad + n_W_prev`."
)
def backward_empty_slice_image_by_image(dZ, cache):
    _, dW, db = gradients(dZ, cache)
    dA_pad, pad = padded_gradient(dZ, cache), cache[3]["pad"]
    dA_prev = np.zeros_like(cache[0])
    for i in range(len(dA_prev)):
        dA_prev[i] = dA_pad[i, pad:-pad, pad:-pad]
    return dA_prev, dW, db


@conv_backward.mistake("Rows and columns of dW are exchanged. Weight (j, k) meets pixel (j, k) of the window.")
def backward_dw_rows_and_columns(dZ, cache):
    dA_prev, dW, db = conv_backward.reference(dZ, cache)
    return dA_prev, np.swapaxes(dW, 0, 1), db


@conv_backward.accept
def backward_seven_loops(dZ, cache):
    A_prev, W, b, hparameters = cache
    stride, pad = hparameters["stride"], hparameters["pad"]
    dA_prev, dW, db = np.zeros_like(A_prev), np.zeros_like(W), np.zeros_like(b)
    _, n_H_prev, n_W_prev, _ = A_prev.shape
    for i, h, w, c in np.ndindex(dZ.shape):
        db[0, 0, 0, c] += dZ[i, h, w, c]
        for j, k, d in np.ndindex(W.shape[:3]):
            row, column = h * stride + j - pad, w * stride + k - pad
            if 0 <= row < n_H_prev and 0 <= column < n_W_prev:
                dA_prev[i, row, column, d] += dZ[i, h, w, c] * W[j, k, d, c]
                dW[j, k, d, c] += dZ[i, h, w, c] * A_prev[i, row, column, d]
    return dA_prev, dW, db


@conv_backward.accept("Two loops, over the windows: each step treats all images and all filters at once.")
def backward_all_examples_at_once(dZ, cache):
    A_prev, W, b, hparameters = cache
    stride, f = hparameters["stride"], len(W)
    A_pad = framed(A_prev, hparameters["pad"])
    dA_pad, dW = np.zeros_like(A_pad), np.zeros_like(W)
    for h, w in np.ndindex(dZ.shape[1:3]):
        rows, columns = slice(h * stride, h * stride + f), slice(w * stride, w * stride + f)
        dA_pad[:, rows, columns] += np.einsum("ic,jkdc->ijkd", dZ[:, h, w], W)
        dW += np.einsum("ijkd,ic->jkdc", A_pad[:, rows, columns], dZ[:, h, w])
    return inner(dA_pad, cache), dW, np.sum(dZ, axis=(0, 1, 2)).reshape(b.shape)


@conv_backward.accept
def backward_shifted_images(dZ, cache):
    A_prev, W, b, hparameters = cache
    stride, (_, n_H, n_W, _) = hparameters["stride"], dZ.shape
    A_pad = framed(A_prev, hparameters["pad"])
    dA_pad, dW = np.zeros_like(A_pad), np.zeros_like(W)
    for j, k in np.ndindex(W.shape[:2]):
        met = np.s_[:, j : j + stride * n_H : stride, k : k + stride * n_W : stride]
        dW[j, k] = np.tensordot(A_pad[met], dZ, axes=([0, 1, 2], [0, 1, 2]))
        dA_pad[met] += dZ @ W[j, k].T
    return inner(dA_pad, cache), dW, dZ.sum(axis=(0, 1, 2), keepdims=True)


@conv_backward.accept
def backward_by_im2col(dZ, cache):
    A_prev, W, b, hparameters = cache
    windows = np.moveaxis(view(A_prev, len(W), hparameters), 3, -1)
    flat = dZ.reshape(-1, dZ.shape[3])
    dW = (windows.reshape(len(flat), -1).T @ flat).reshape(W.shape)
    shares = (flat @ W.reshape(-1, W.shape[3]).T).reshape(windows.shape)
    dA_pad = framed(np.zeros_like(A_prev), hparameters["pad"])
    into = sliding_window_view(dA_pad, W.shape[:2], axis=(1, 2), writeable=True)
    into = np.moveaxis(into[:, :: hparameters["stride"], :: hparameters["stride"]], 3, -1)
    for h, w in np.ndindex(dZ.shape[1:3]):
        into[:, h, w] += shares[:, h, w]
    return inner(dA_pad, cache), dW, flat.sum(axis=0).reshape(b.shape)


@conv_backward.accept
def backward_full_convolution_with_fft(dZ, cache):
    """Put stride - 1 zeros between the entries of dZ; then dA_pad is a full convolution with the filters."""
    A_prev, W, b, hparameters = cache
    stride, f = hparameters["stride"], len(W)
    A_pad = framed(A_prev, hparameters["pad"])
    m, n_H, n_W, n_C = A_pad.shape[0], A_pad.shape[1] - f + 1, A_pad.shape[2] - f + 1, W.shape[3]
    spread = np.zeros((m, n_H, n_W, n_C))
    spread[:, ::stride, ::stride] = dZ
    dA_pad = sum(fftconvolve(spread[..., c, None], W[None, ..., c], mode="full") for c in range(n_C))
    dW = [
        [fftconvolve(A_pad[..., d], spread[::-1, ::-1, ::-1, c], mode="valid")[0] for c in range(n_C)]
        for d in range(A_pad.shape[3])
    ]
    return inner(dA_pad, cache), np.transpose(dW, (2, 3, 0, 1)), dZ.sum(axis=(0, 1, 2), keepdims=True)


# --- im2col ----------------------------------------------------------------------------------------------------------


def columns_cases(rng):
    return [
        case(A_prev=rng.normal(size=sizes[:4]), f=f, pad=pad, stride=stride) for *sizes, f, _, pad, stride in SHAPES
    ]


@lesson.exercise(
    points=2,
    topic=42,
    equation="(2.15)",
    cases=columns_cases,
    ask="Which window stands in the first row of the table, which in the second, and in which order do the entries of one "
    "window stand?",
    small={"A_prev": SMALL_A, "f": 2, "pad": 0, "stride": 1},
)
def im2col(A_prev, f, pad, stride):
    """Write all windows below one another, one per row.

    Parameters
    ----------
    A_prev : ndarray, shape (m, n_H_prev, n_W_prev, n_C_prev)
    f, pad, stride : int

    Returns
    -------
    columns : ndarray, shape (m n_H n_W, f f n_C_prev)
        Row ``(i n_H + h) n_W + w`` is window (h, w) of image i, in the order (j, k, d) of its entries.
    """
    A_pad = np.pad(A_prev, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    windows = sliding_window_view(A_pad, (f, f), axis=(1, 2))[:, ::stride, ::stride]
    return windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, f * f * A_prev.shape[3])  # (2.15)


def windows_in_order(A_prev, f, pad, stride):
    """Return all windows, shape (m, n_H, n_W, f, f, n_C_prev)."""
    return np.moveaxis(view(A_prev, f, {"stride": stride, "pad": pad}), 3, -1)


@im2col.mistake("The stride is forgotten. Only every stride-th row and column of windows belongs into the table.")
def columns_without_stride(A_prev, f, pad, stride):
    return windows_in_order(A_prev, f, pad, 1).reshape(-1, f * f * A_prev.shape[3])


@im2col.mistake("The number of rows is right, but your windows move by one pixel. Window (h, w) starts at (h s, w s).")
def columns_windows_without_stride(A_prev, f, pad, stride):
    _, n_H, n_W = windows_in_order(A_prev, f, pad, stride).shape[:3]
    return windows_in_order(A_prev, f, pad, 1)[:, :n_H, :n_W].reshape(-1, f * f * A_prev.shape[3])


@im2col.mistake("H and W are swapped in the order of the windows: w runs faster than h, so go through a row first.")
def columns_windows_by_column(A_prev, f, pad, stride):
    return windows_in_order(A_prev, f, pad, stride).swapaxes(1, 2).reshape(-1, f * f * A_prev.shape[3])


@im2col.mistake("Each window is transposed: in the order (j, k, d) the column k runs faster than the row j.")
def columns_window_transposed(A_prev, f, pad, stride):
    return windows_in_order(A_prev, f, pad, stride).swapaxes(3, 4).reshape(-1, f * f * A_prev.shape[3])


@im2col.mistake(
    "The channel comes first in your rows. The order is (j, k, d), as in W: move the channels to the end before you "
    "reshape."
)
def columns_channel_first(A_prev, f, pad, stride):
    return view(A_prev, f, {"stride": stride, "pad": pad}).reshape(-1, f * f * A_prev.shape[3])


@im2col.mistake("The table is transposed. Here each window is a row, and each entry of a window a column.")
def columns_transposed(A_prev, f, pad, stride):
    return windows_in_order(A_prev, f, pad, stride).reshape(-1, f * f * A_prev.shape[3]).T


@im2col.mistake("The example runs fastest in your rows. It runs slowest: first all windows of image 0.")
def columns_example_last(A_prev, f, pad, stride):
    return np.moveaxis(windows_in_order(A_prev, f, pad, stride), 0, 2).reshape(-1, f * f * A_prev.shape[3])


@im2col.mistake(
    "The numbers are all there but stand in wrong rows: `reshape` alone never swaps axes. Bring them into the order "
    "(i, h, w, j, k, d) first, with `transpose`."
)
def columns_reshaped_only(A_prev, f, pad, stride):
    windows = windows_in_order(A_prev, f, pad, stride)
    return np.moveaxis(windows, (3, 4), (0, 1)).reshape(-1, f * f * A_prev.shape[3])


@im2col.mistake("The images are not padded. The windows come from the padded images.")
def columns_without_padding(A_prev, f, pad, stride):
    m, n_H_prev, n_W_prev, n_C_prev = A_prev.shape
    if f > min(n_H_prev, n_W_prev):
        return np.zeros((0, f * f * n_C_prev))
    return im2col.reference(A_prev, f, 0, stride)


@im2col.mistake("pad and stride are mixed up. The order of the arguments is f, pad, stride.")
def columns_pad_and_stride_swapped(A_prev, f, pad, stride):
    return windows_in_order(A_prev, f, stride, pad).reshape(-1, f * f * A_prev.shape[3])


@im2col.mistake("Each window is flipped. Entry (j, k) of a window stands below weight (j, k): no flip.")
def columns_flipped(A_prev, f, pad, stride):
    windows = windows_in_order(A_prev, f, pad, stride)[:, :, :, ::-1, ::-1]
    return windows.reshape(-1, f * f * A_prev.shape[3])


@im2col.mistake(
    "Your table has three axes, one of them for the images. It has two: all windows of all images below one another."
)
def columns_not_flat(A_prev, f, pad, stride):
    windows = windows_in_order(A_prev, f, pad, stride)
    return windows.reshape(len(A_prev), -1, f * f * A_prev.shape[3])


@im2col.mistake("Only the first image is in the table. All m images follow one another.")
def columns_first_example(A_prev, f, pad, stride):
    return windows_in_order(A_prev[:1], f, pad, stride).reshape(-1, f * f * A_prev.shape[3])


@im2col.accept("Loops over images and windows: `ravel` writes a window in the order (j, k, d).")
def columns_by_loops(A_prev, f, pad, stride):
    A_pad = framed(A_prev, pad)
    m, n_H, n_W, n_C_prev = A_pad.shape
    rows = []
    for i in range(m):
        for h in range((n_H - f) // stride + 1):
            for w in range((n_W - f) // stride + 1):
                rows.append(A_pad[i, h * stride : h * stride + f, w * stride : w * stride + f].ravel())
    return np.array(rows)


@im2col.accept
def columns_by_index_arrays(A_prev, f, pad, stride):
    A_pad = framed(A_prev, pad)
    n_H, n_W = ((n - f) // stride + 1 for n in A_pad.shape[1:3])
    rows = stride * np.arange(n_H)[:, None, None, None] + np.arange(f)[:, None]
    places = stride * np.arange(n_W)[:, None, None] + np.arange(f)
    return A_pad[:, rows, places].reshape(-1, f * f * A_prev.shape[3])


@im2col.accept
def columns_by_shifted_images(A_prev, f, pad, stride):
    A_pad = framed(A_prev, pad)
    n_H, n_W = ((n - f) // stride + 1 for n in A_pad.shape[1:3])
    table = np.zeros((len(A_pad), n_H, n_W, f, f, A_pad.shape[3]))
    for j in range(f):
        for k in range(f):
            table[:, :, :, j, k] = A_pad[:, j : j + stride * n_H : stride, k : k + stride * n_W : stride]
    return table.reshape(len(A_pad) * n_H * n_W, -1)


# --- col2im ----------------------------------------------------------------------------------------------------------


def images_cases(rng):
    made = []
    for *sizes, f, _, pad, stride in SHAPES:
        table = windows_in_order(np.zeros(sizes), f, pad, stride).reshape(-1, f * f * sizes[3])
        made.append(case(dcolumns=rng.normal(size=table.shape), shape=tuple(sizes), f=f, pad=pad, stride=stride))
    return made


@lesson.exercise(
    points=3,
    topic=42,
    equation="(2.19), (2.13)",
    backward=True,
    cases=images_cases,
    ask="Each entry of the table was copied from one pixel. Which rows of the table hold a copy of one pixel, and what happens "
    "to their derivatives?",
    small={"dcolumns": SMALL_TABLE, "shape": (1, 3, 3, 1), "f": 2, "pad": 0, "stride": 1},
    why={
        "question": "Why is col2im not the inverse of im2col?",
        "choices": {
            "a pixel comes back as often as windows hold it, added up": "Yes: derivatives of copies add up.",
            "it mixes up the order of the pixels": "No: each copy goes back to where it came from.",
            "the padding is lost": "No: the frame is cut off on purpose, and the image itself is all there.",
        },
    },
)
def col2im(dcolumns, shape, f, pad, stride):
    """Send the gradient back through `im2col`: add each entry to the pixel that it came from.

    Parameters
    ----------
    dcolumns : ndarray, shape (m n_H n_W, f f n_C_prev)
        Derivative of the cost J by the table of windows.
    shape : tuple
        ``(m, n_H_prev, n_W_prev, n_C_prev)``, the shape of A_prev.
    f, pad, stride : int

    Returns
    -------
    dA_prev : ndarray, shape (m, n_H_prev, n_W_prev, n_C_prev)
        Of the cost J.
    """
    m, n_H_prev, n_W_prev, n_C_prev = shape
    dA_pad = np.pad(np.zeros(shape), ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    n_H, n_W = (dA_pad.shape[1] - f) // stride + 1, (dA_pad.shape[2] - f) // stride + 1
    shares = dcolumns.reshape(m, n_H, n_W, f, f, n_C_prev)
    for h, w in np.ndindex(n_H, n_W):
        dA_pad[:, h * stride : h * stride + f, w * stride : w * stride + f] += shares[:, h, w]  # (2.19)
    return dA_pad[:, pad : pad + n_H_prev, pad : pad + n_W_prev]  # (2.13)


def as_windows(dcolumns, shape, f, pad, stride):
    """Return the entries as windows, shape (m, n_H, n_W, f, f, n_C_prev)."""
    m, n_H_prev, n_W_prev, n_C_prev = shape
    n_H, n_W = ((n + 2 * pad - f) // stride + 1 for n in (n_H_prev, n_W_prev))
    return dcolumns.reshape(m, n_H, n_W, f, f, n_C_prev)


def added(windows, shape, pad, stride, add=True):
    """Return the padded images to which the windows are added; without `add`, the last one counts."""
    m, n_H_prev, n_W_prev, n_C_prev = shape
    dA_pad = np.zeros((m, n_H_prev + 2 * pad, n_W_prev + 2 * pad, n_C_prev))
    _, n_H, n_W, f, _, _ = windows.shape
    for h, w in np.ndindex(n_H, n_W):
        place = np.s_[:, h * stride : h * stride + f, w * stride : w * stride + f]
        dA_pad[place] = windows[:, h, w] + (dA_pad[place] if add else 0)
    return dA_pad


def cut(dA_pad, shape, pad):
    return dA_pad[:, pad : pad + shape[1], pad : pad + shape[2]]


@col2im.mistake(
    "Where windows overlap, only one of the shares is kept. They add up: `+=`; with arrays of indices `np.add.at`, since "
    "there `+=` counts each place once."
)
def images_overwrite(dcolumns, shape, f, pad, stride):
    return cut(added(as_windows(dcolumns, shape, f, pad, stride), shape, pad, stride, add=False), shape, pad)


@col2im.mistake(
    "This is the mean of the shares: you divide by the number of windows that a pixel lies in. That would undo `im2col`. "
    "A gradient is the sum."
)
def images_mean(dcolumns, shape, f, pad, stride):
    windows = as_windows(dcolumns, shape, f, pad, stride)
    counts = added(np.ones_like(windows), shape, pad, stride)
    return cut(added(windows, shape, pad, stride) / np.maximum(counts, 1), shape, pad)


@col2im.mistake(
    "With pad = 0 the slice `pad:-pad` is empty. End it at `pad + n_H_prev` and `pad + n_W_prev`, and it works for "
    "every pad."
)
def images_empty_slice(dcolumns, shape, f, pad, stride):
    return added(as_windows(dcolumns, shape, f, pad, stride), shape, pad, stride)[:, pad:-pad, pad:-pad]


@col2im.mistake("The frame is still there. Cut it off: the result has the shape that the argument `shape` says.")
def images_with_frame(dcolumns, shape, f, pad, stride):
    return added(as_windows(dcolumns, shape, f, pad, stride), shape, pad, stride)


@col2im.mistake("The result is cut from the wrong place: pixel (0, 0) is pixel (pad, pad) of the padded image.")
def images_cut_at_the_corner(dcolumns, shape, f, pad, stride):
    return added(as_windows(dcolumns, shape, f, pad, stride), shape, pad, stride)[:, : shape[1], : shape[2]]


@col2im.mistake("The stride is forgotten: the windows are added one pixel apart. Window (h, w) starts at (h s, w s).")
def images_without_stride(dcolumns, shape, f, pad, stride):
    return cut(added(as_windows(dcolumns, shape, f, pad, stride), shape, pad, 1), shape, pad)


@col2im.mistake("H and W are swapped: with i from 0, row (i n_H + h) n_W + w of the table is window (h, w).")
def images_windows_by_column(dcolumns, shape, f, pad, stride):
    m, n_H, n_W, *window = as_windows(dcolumns, shape, f, pad, stride).shape
    windows = dcolumns.reshape(m, n_W, n_H, *window).swapaxes(1, 2)
    return cut(added(windows, shape, pad, stride), shape, pad)


@col2im.mistake(
    "H and W are swapped: window (h, w) starts at row h s and column w s, and a slice names the rows first."
)
def images_windows_swapped(dcolumns, shape, f, pad, stride):
    windows = as_windows(dcolumns, shape, f, pad, stride)
    dA_pad = framed(np.zeros(shape), pad)
    for h, w in np.ndindex(windows.shape[1:3]):
        dA_pad[:, w * stride : w * stride + f, h * stride : h * stride + f] += windows[:, h, w]
    return cut(dA_pad, shape, pad)


@col2im.mistake("Each window is transposed: in a row of the table the column k runs faster than the row j.")
def images_window_transposed(dcolumns, shape, f, pad, stride):
    windows = as_windows(dcolumns, shape, f, pad, stride).swapaxes(3, 4)
    return cut(added(windows, shape, pad, stride), shape, pad)


@col2im.mistake("You read the channel first. A row of the table is in the order (j, k, d): reshape to f, f, n_C_prev.")
def images_channel_first(dcolumns, shape, f, pad, stride):
    m, n_H, n_W, *_ = as_windows(dcolumns, shape, f, pad, stride).shape
    windows = np.moveaxis(dcolumns.reshape(m, n_H, n_W, shape[3], f, f), 3, -1)
    return cut(added(windows, shape, pad, stride), shape, pad)


@col2im.mistake("Each window is flipped. Entry (j, k) goes back to where it came from: no flip.")
def images_flipped(dcolumns, shape, f, pad, stride):
    windows = as_windows(dcolumns, shape, f, pad, stride)[:, :, :, ::-1, ::-1]
    return cut(added(windows, shape, pad, stride), shape, pad)


@col2im.mistake("You read the example as if it ran fastest. It runs slowest: first come all windows of image 0.")
def images_example_last(dcolumns, shape, f, pad, stride):
    m, n_H, n_W, *window = as_windows(dcolumns, shape, f, pad, stride).shape
    windows = np.moveaxis(dcolumns.reshape(n_H, n_W, m, *window), 2, 0)
    return cut(added(windows, shape, pad, stride), shape, pad)


@col2im.mistake("Only the first image gets a gradient. All m images have windows in the table.")
def images_first_example(dcolumns, shape, f, pad, stride):
    dA_prev = cut(added(as_windows(dcolumns, shape, f, pad, stride), shape, pad, stride), shape, pad)
    dA_prev[1:] = 0
    return dA_prev


@col2im.mistake("Everything is divided by the size of a window. Shares of copies are added up, not averaged.")
def images_divided_by_window(dcolumns, shape, f, pad, stride):
    return col2im.reference(dcolumns, shape, f, pad, stride) / f**2


@col2im.accept("Loops over the f times f places of a window: each step adds one column block to all windows at once.")
def images_by_shifted_images(dcolumns, shape, f, pad, stride):
    m, n_H_prev, n_W_prev, n_C_prev = shape
    windows = as_windows(dcolumns, shape, f, pad, stride)
    _, n_H, n_W, *_ = windows.shape
    dA_pad = np.zeros((m, n_H_prev + 2 * pad, n_W_prev + 2 * pad, n_C_prev))
    for j in range(f):
        for k in range(f):
            dA_pad[:, j : j + stride * n_H : stride, k : k + stride * n_W : stride] += windows[:, :, :, j, k]
    return dA_pad[:, pad : pad + n_H_prev, pad : pad + n_W_prev]


@col2im.accept
def images_by_add_at(dcolumns, shape, f, pad, stride):
    m, n_H_prev, n_W_prev, n_C_prev = shape
    numbers = np.arange(m * n_H_prev * n_W_prev * n_C_prev).reshape(shape) + 1
    sent = windows_in_order(numbers, f, pad, stride)  # 0 is the frame
    total = np.zeros(numbers.size + 1)
    np.add.at(total, sent.ravel(), dcolumns.ravel())
    return total[1:].reshape(shape)


@col2im.accept
def images_by_counting(dcolumns, shape, f, pad, stride):
    numbers = np.arange(np.prod(shape)).reshape(shape) + 1
    sent = windows_in_order(numbers, f, pad, stride)
    return np.bincount(sent.ravel(), dcolumns.ravel(), numbers.size + 1)[1:].reshape(shape)


@col2im.accept
def images_by_row(dcolumns, shape, f, pad, stride):
    m, n_H_prev, n_W_prev, n_C_prev = shape
    n_H, n_W = ((n + 2 * pad - f) // stride + 1 for n in (n_H_prev, n_W_prev))
    dA_pad = np.zeros((m, n_H_prev + 2 * pad, n_W_prev + 2 * pad, n_C_prev))
    for row, share in enumerate(dcolumns):
        i, place = divmod(row, n_H * n_W)
        h, w = divmod(place, n_W)
        dA_pad[i, h * stride : h * stride + f, w * stride : w * stride + f] += share.reshape(f, f, n_C_prev)
    return dA_pad[:, pad : dA_pad.shape[1] - pad, pad : dA_pad.shape[2] - pad]


# --- conv_forward_fast -----------------------------------------------------------------------------------------------


@lesson.exercise(
    points=2,
    topic=42,
    equation="(2.16)",
    returns=("Z", "cache"),
    cases=forward_cases,
    ask="The table has one row for each window. What shape must W have to be multiplied with it, and which shape has the "
    "product?",
    small={"A_prev": SMALL_A, "W": SMALL_W, "b": SMALL_B, "hparameters": SMALL_HOW},
)
def conv_forward_fast(A_prev, W, b, hparameters):
    """Compute the scores of a convolutional layer with one product of matrices.

    Parameters
    ----------
    A_prev : ndarray, shape (m, n_H_prev, n_W_prev, n_C_prev)
    W : ndarray, shape (f, f, n_C_prev, n_C)
    b : ndarray, shape (1, 1, 1, n_C)
    hparameters : dict
        ``"stride"`` and ``"pad"``, whole numbers.

    Returns
    -------
    Z : ndarray, shape (m, n_H, n_W, n_C)
    cache : tuple
        ``(columns, A_prev.shape, W, hparameters)``, for `conv_backward_fast`.
    """
    stride, pad = hparameters["stride"], hparameters["pad"]
    m, n_H_prev, n_W_prev, _ = A_prev.shape
    f, _, _, n_C = W.shape
    n_H = (n_H_prev + 2 * pad - f) // stride + 1
    n_W = (n_W_prev + 2 * pad - f) // stride + 1
    columns = im2col(A_prev, f, pad, stride)
    Z = columns @ W.reshape(-1, n_C) + b.reshape(1, n_C)  # (2.16)
    return Z.reshape(m, n_H, n_W, n_C), (columns, A_prev.shape, W, hparameters)


def table(A_prev, W, hparameters):
    """Return the right table of windows, shape (m n_H n_W, f f n_C_prev)."""
    return windows_in_order(A_prev, len(W), hparameters["pad"], hparameters["stride"]).reshape(-1, W[..., 0].size)


def fast_cache(A_prev, W, hparameters):
    return table(A_prev, W, hparameters), A_prev.shape, W, hparameters


@conv_forward_fast.mistake("The bias is missing: filter c adds its own b[0, 0, 0, c], column c of b.reshape(1, n_C).")
def fast_without_bias(A_prev, W, b, hparameters):
    return scores(A_prev, W, 0, hparameters), fast_cache(A_prev, W, hparameters)


@conv_forward_fast.mistake(
    "`W.reshape(n_C, -1).T` does not put filter c into column c: reshape swaps no axes. The last axis is the filter "
    "already: `W.reshape(-1, n_C)`."
)
def fast_filters_as_rows(A_prev, W, b, hparameters):
    Z = table(A_prev, W, hparameters) @ W.reshape(W.shape[3], -1).T + b[0, 0]
    return Z.reshape(scores(A_prev, W, b, hparameters).shape), fast_cache(A_prev, W, hparameters)


@conv_forward_fast.mistake("The channels come first in your Z before you reshape. Row by row, the filter runs fastest.")
def fast_channels_first(A_prev, W, b, hparameters):
    Z = scores(A_prev, W, b, hparameters)
    return Z.reshape(-1, Z.shape[3]).T.reshape(Z.shape), fast_cache(A_prev, W, hparameters)


@conv_forward_fast.mistake("H and W are swapped: reshape to (m, n_H, n_W, n_C), height before width.")
def fast_sizes_swapped(A_prev, W, b, hparameters):
    Z = scores(A_prev, W, b, hparameters)
    m, n_H, n_W, n_C = Z.shape
    return Z.reshape(m, n_W, n_H, n_C), fast_cache(A_prev, W, hparameters)


@conv_forward_fast.mistake("Z is still a table, one row per window. Reshape it to (m, n_H, n_W, n_C).")
def fast_not_reshaped(A_prev, W, b, hparameters):
    Z = scores(A_prev, W, b, hparameters)
    return Z.reshape(-1, W.shape[3]), fast_cache(A_prev, W, hparameters)


@conv_forward_fast.mistake("pad and stride are mixed up in the call of `im2col`: its order is f, pad, stride.")
def fast_pad_and_stride_swapped(A_prev, W, b, hparameters):
    swapped = {"stride": hparameters["pad"], "pad": hparameters["stride"]}
    return scores(A_prev, W, b, swapped), fast_cache(A_prev, W, hparameters)


@conv_forward_fast.mistake(
    "The cache is that of `conv_forward`. Keep the table of windows: (columns, A_prev.shape, W, hparameters)."
)
def fast_with_the_other_cache(A_prev, W, b, hparameters):
    return scores(A_prev, W, b, hparameters), (A_prev, W, b, hparameters)


@conv_forward_fast.mistake("The second entry of the cache is A_prev itself. Its shape is enough: A_prev.shape.")
def fast_images_in_cache(A_prev, W, b, hparameters):
    return scores(A_prev, W, b, hparameters), (table(A_prev, W, hparameters), A_prev, W, hparameters)


@conv_forward_fast.mistake("The cache holds W as a matrix. Keep W as it came, (f, f, n_C_prev, n_C).")
def fast_matrix_in_cache(A_prev, W, b, hparameters):
    columns, shape, _, _ = fast_cache(A_prev, W, hparameters)
    return scores(A_prev, W, b, hparameters), (columns, shape, W.reshape(-1, W.shape[3]), hparameters)


@conv_forward_fast.mistake("Here you return the activations. Z holds the scores; g is applied after this function.")
def fast_with_activation(A_prev, W, b, hparameters):
    return np.maximum(0, scores(A_prev, W, b, hparameters)), fast_cache(A_prev, W, hparameters)


@conv_forward_fast.accept
def fast_with_windows_view(A_prev, W, b, hparameters):
    return scores(A_prev, W, b, hparameters), fast_cache(A_prev, W, hparameters)


@conv_forward_fast.accept("Multiplies the other way round, with transposes: the same numbers in another order.")
def fast_transposed_product(A_prev, W, b, hparameters):
    columns, *rest = fast_cache(A_prev, W, hparameters)
    n_C = W.shape[3]
    Z = (W.reshape(-1, n_C).T @ columns.T + b.reshape(n_C, 1)).T
    _, n_H, n_W = view(A_prev, len(W), hparameters).shape[:3]
    return Z.reshape(-1, n_H, n_W, n_C), (columns, *rest)


@conv_forward_fast.accept
def fast_bias_after_reshaping(A_prev, W, b, hparameters):
    columns = im2col(A_prev, len(W), hparameters["pad"], hparameters["stride"])
    _, n_H, n_W = view(A_prev, len(W), hparameters).shape[:3]
    Z = np.dot(columns, W.reshape(columns.shape[1], W.shape[3])).reshape(len(A_prev), n_H, n_W, W.shape[3]) + b
    return Z, (columns, A_prev.shape, W, hparameters)


# --- conv_backward_fast ----------------------------------------------------------------------------------------------


def fast_backward_cases(rng):
    made = []
    for sizes in SHAPES:
        arguments = layer(rng, *sizes)
        Z = scores(**arguments)
        cache = fast_cache(arguments["A_prev"], arguments["W"], arguments["hparameters"])
        made.append(case(dZ=rng.normal(size=Z.shape), cache=cache))
    return made


@lesson.exercise(
    points=3,
    topic=42,
    equation="(2.17), (2.11), (2.18), (2.19)",
    returns=("dA_prev", "dW", "db"),
    backward=True,
    cases=fast_backward_cases,
    ask="Write down the shapes of columns, of dZ with one row for each window, and of W as a matrix. Which product has the "
    "shape of W, and which the shape of columns?",
    small={"dZ": SMALL_DZ, "cache": (SMALL_TABLE, (1, 3, 3, 1), SMALL_W, SMALL_HOW)},
)
def conv_backward_fast(dZ, cache):
    """Send the gradient back through `conv_forward_fast`.

    Parameters
    ----------
    dZ : ndarray, shape (m, n_H, n_W, n_C)
        Derivative of the cost J; a factor 1/m of the cost is in it already.
    cache : tuple
        ``(columns, A_prev.shape, W, hparameters)`` from `conv_forward_fast`.

    Returns
    -------
    dA_prev : ndarray, shape (m, n_H_prev, n_W_prev, n_C_prev)
        Of the cost J, like all three.
    dW : ndarray, shape (f, f, n_C_prev, n_C)
    db : ndarray, shape (1, 1, 1, n_C)
    """
    columns, shape, W, hparameters = cache
    f, _, _, n_C = W.shape
    dZ_rows = dZ.reshape(-1, n_C)
    dW = (columns.T @ dZ_rows).reshape(W.shape)  # (2.17)
    db = np.sum(dZ_rows, axis=0).reshape(1, 1, 1, n_C)  # (2.11)
    dcolumns = dZ_rows @ W.reshape(-1, n_C).T  # (2.18)
    dA_prev = col2im(dcolumns, shape, f, hparameters["pad"], hparameters["stride"])  # (2.19)
    return dA_prev, dW, db


def fast_gradients(dZ, cache):
    """Return the right dA_prev, dW, db."""
    columns, shape, W, hparameters = cache
    rows = dZ.reshape(len(columns), -1)
    dcolumns = np.einsum("rc,qc->rq", rows, W.reshape(-1, W.shape[3]))
    pad, stride = hparameters["pad"], hparameters["stride"]
    dA_prev = cut(added(as_windows(dcolumns, shape, len(W), pad, stride), shape, pad, stride), shape, pad)
    return dA_prev, np.einsum("rq,rc->qc", columns, rows).reshape(W.shape), dZ.sum(axis=(0, 1, 2), keepdims=True)


@conv_backward_fast.mistake(
    "You divide dW and db by m. From course 4 on dZ is the derivative of the cost J, with the factor 1/m inside."
)
def fast_divided_by_m(dZ, cache):
    dA_prev, dW, db = fast_gradients(dZ, cache)
    return dA_prev, dW / len(dZ), db / len(dZ)


@conv_backward_fast.mistake("db is the mean over the rows. Each window uses b once, so its shares are added up.")
def fast_db_mean(dZ, cache):
    dA_prev, dW, db = fast_gradients(dZ, cache)
    return dA_prev, dW, dZ.mean(axis=(0, 1, 2), keepdims=True)


@conv_backward_fast.mistake("db lacks the sum over the rows. It has the shape (1, 1, 1, n_C).")
def fast_db_without_sum(dZ, cache):
    dA_prev, dW, _ = fast_gradients(dZ, cache)
    return dA_prev, dW, dZ


@conv_backward_fast.mistake("db has lost its axes. It has the shape of b, (1, 1, 1, n_C).")
def fast_db_flat(dZ, cache):
    dA_prev, dW, db = fast_gradients(dZ, cache)
    return dA_prev, dW, db.ravel()


@conv_backward_fast.mistake("dW is still a matrix. Reshape it to the shape of W, (f, f, n_C_prev, n_C).")
def fast_dw_as_matrix(dZ, cache):
    dA_prev, dW, db = fast_gradients(dZ, cache)
    return dA_prev, dW.reshape(-1, dW.shape[3]), db


@conv_backward_fast.mistake(
    "The rows of your dZ are mixed up: `dZ.reshape(n_C, -1)` does not move the filters to the front. Use "
    "`dZ.reshape(-1, n_C)`, and transpose the product if need be."
)
def fast_dz_reshaped_wrongly(dZ, cache):
    dA_prev, dW, db = fast_gradients(dZ, cache)
    mixed = dZ.reshape(dZ.shape[3], -1).T.reshape(dZ.shape)
    return *fast_gradients(mixed, cache)[:2], db


@conv_backward_fast.mistake(
    "dW is transposed before it is reshaped. `dZ_rows.T @ columns` has one row per filter; W has the filter last."
)
def fast_dw_transposed(dZ, cache):
    dA_prev, dW, db = fast_gradients(dZ, cache)
    return dA_prev, dW.reshape(-1, dW.shape[3]).T.reshape(dW.shape), db


@conv_backward_fast.mistake("dA_prev is still the table dcolumns. `col2im` makes images of it.")
def fast_dcolumns_returned(dZ, cache):
    _, dW, db = fast_gradients(dZ, cache)
    return dZ.reshape(-1, dZ.shape[3]) @ cache[2].reshape(-1, dZ.shape[3]).T, dW, db


@conv_backward_fast.mistake("`col2im` was given pad and stride in the wrong order: its order is f, pad, stride.")
def fast_col2im_swapped(dZ, cache):
    columns, shape, W, hparameters = cache
    _, dW, db = fast_gradients(dZ, cache)
    swapped = (columns, shape, W, {"stride": hparameters["pad"], "pad": hparameters["stride"]})
    return fast_gradients(dZ, swapped)[0], dW, db


@conv_backward_fast.mistake("The order is dA_prev, dW, db.")
def fast_order(dZ, cache):
    dA_prev, dW, db = fast_gradients(dZ, cache)
    return dW, db, dA_prev


@conv_backward_fast.accept
def fast_backward_with_einsum(dZ, cache):
    return fast_gradients(dZ, cache)


@conv_backward_fast.accept
def fast_backward_transposed_products(dZ, cache):
    columns, shape, W, hparameters = cache
    rows = dZ.reshape(len(columns), W.shape[3])
    dW = (rows.T @ columns).T.reshape(W.shape)
    dcolumns = (W.reshape(columns.shape[1], -1) @ rows.T).T
    dA_prev = col2im(dcolumns, shape, len(W), hparameters["pad"], hparameters["stride"])
    return dA_prev, dW, np.ones((1, len(rows))) @ rows[None, None]


@conv_backward_fast.accept("One filter after the other: the loop shows that filters do not mix in dW.")
def fast_backward_filter_by_filter(dZ, cache):
    columns, shape, W, hparameters = cache
    dW, dcolumns = np.zeros_like(W), np.zeros_like(columns)
    for c in range(W.shape[3]):
        one = dZ[..., c].reshape(-1, 1)
        dW[..., c] = np.sum(columns * one, axis=0).reshape(W.shape[:3])
        dcolumns += one * W[..., c].reshape(1, -1)
    dA_prev = col2im(dcolumns, shape, len(W), hparameters["pad"], hparameters["stride"])
    return dA_prev, dW, np.sum(dZ, axis=(0, 1, 2), keepdims=True)


# --- one_by_one_forward, one_by_one_backward -------------------------------------------------------------------------

# (m, n_H, n_W, n_C_prev, n_C, stride): pixels left over, one image, one filter, one channel.
PIXELS = ((2, 3, 5, 4, 3, 1), (1, 5, 4, 2, 3, 2), (3, 4, 7, 1, 2, 3), (2, 6, 3, 3, 1, 2))


def pixel_arguments(rng, m, n_H, n_W, n_C_prev, n_C, stride):
    return {
        "A_prev": rng.normal(size=(m, n_H, n_W, n_C_prev)),
        "W": rng.normal(size=(1, 1, n_C_prev, n_C)),
        "b": rng.normal(size=(1, 1, 1, n_C)),
        "stride": stride,
    }


def pixel_cases(rng):
    return [case(**pixel_arguments(rng, *sizes)) for sizes in PIXELS]


@lesson.exercise(
    points=2,
    topic=42,
    equation="(2.22)",
    returns=("Z", "cache"),
    cases=pixel_cases,
    ask="The filter has one pixel. Which pixels of A_prev does the stride keep, and which sum is left of the three in (2.2)?",
    small={
        "A_prev": np.array([[[[2.0, 3.0], [1.0, 0.0]]]]),
        "W": np.array([[1.0, 10.0], [0.0, 100.0]]).reshape(1, 1, 2, 2),
        "b": np.zeros((1, 1, 1, 2)),
        "stride": 1,
    },
    why={
        "question": "Why does a 1 by 1 convolution not need im2col?",
        "choices": {
            "the table would be the pixels themselves": "Yes: a window is one pixel, so nothing is copied.",
            "it has no weights": "No: it has n_C_prev for each of its n_C filters.",
            "it does not mix the channels": "No: that is the one thing it does.",
        },
    },
)
def one_by_one_forward(A_prev, W, b, stride):
    """Compute a convolution with filters of one pixel, without padding.

    Parameters
    ----------
    A_prev : ndarray, shape (m, n_H_prev, n_W_prev, n_C_prev)
    W : ndarray, shape (1, 1, n_C_prev, n_C)
    b : ndarray, shape (1, 1, 1, n_C)
    stride : int

    Returns
    -------
    Z : ndarray, shape (m, n_H, n_W, n_C)
    cache : tuple
        ``(A_prev, W, stride)``
    """
    kept = A_prev[:, ::stride, ::stride]
    Z = kept @ W[0, 0] + b  # (2.22)
    return Z, (A_prev, W, stride)


@one_by_one_forward.mistake("The stride is forgotten: it keeps every stride-th row and column of pixels.")
def pixel_without_stride(A_prev, W, b, stride):
    return A_prev @ W[0, 0] + b, (A_prev, W, stride)


@one_by_one_forward.mistake("The stride is used for the rows only. Columns are left out as well.")
def pixel_stride_of_rows(A_prev, W, b, stride):
    return A_prev[:, ::stride] @ W[0, 0] + b, (A_prev, W, stride)


@one_by_one_forward.mistake("The bias is missing: filter c adds its own b[0, 0, 0, c].")
def pixel_without_bias(A_prev, W, b, stride):
    return A_prev[:, ::stride, ::stride] @ W[0, 0], (A_prev, W, stride)


@one_by_one_forward.mistake(
    "The last pixel of each group is kept. Window (h, w) starts at (h s, w s), so it is the first one."
)
def pixel_last_of_group(A_prev, W, b, stride):
    n_H, n_W = ((n - 1) // stride + 1 for n in A_prev.shape[1:3])
    rows, columns = (
        np.minimum(np.arange(k) * stride + stride - 1, n - 1)
        for k, n in zip((n_H, n_W), A_prev.shape[1:3], strict=True)
    )
    return A_prev[:, rows][:, :, columns] @ W[0, 0] + b, (A_prev, W, stride)


@one_by_one_forward.mistake("Pixels are averaged in groups. A stride leaves pixels out: it does not mix them.")
def pixel_means(A_prev, W, b, stride):
    n_H, n_W = ((n - 1) // stride + 1 for n in A_prev.shape[1:3])
    means = np.array(
        [
            [
                A_prev[:, h * stride : (h + 1) * stride, w * stride : (w + 1) * stride].mean(axis=(1, 2))
                for w in range(n_W)
            ]
            for h in range(n_H)
        ]
    ).transpose(2, 0, 1, 3)
    return means @ W[0, 0] + b, (A_prev, W, stride)


@one_by_one_forward.mistake("Only the first channel is used. Each filter sums over all channels of a pixel.")
def pixel_first_channel(A_prev, W, b, stride):
    first = A_prev.copy()
    first[..., 1:] = 0
    return first[:, ::stride, ::stride] @ W[0, 0] + b, (A_prev, W, stride)


@one_by_one_forward.mistake("Here you return the activations. Z holds the scores; g is applied after this function.")
def pixel_with_activation(A_prev, W, b, stride):
    return np.maximum(0, A_prev[:, ::stride, ::stride] @ W[0, 0] + b), (A_prev, W, stride)


@one_by_one_forward.mistake("The cache holds the kept pixels only. The way back needs A_prev as it came in.")
def pixel_kept_in_cache(A_prev, W, b, stride):
    kept = A_prev[:, ::stride, ::stride]
    return kept @ W[0, 0] + b, (kept, W, stride)


@one_by_one_forward.mistake("The output has lost its places: Z is (m, n_H, n_W, n_C), not one row for each pixel.")
def pixel_rows(A_prev, W, b, stride):
    Z = A_prev[:, ::stride, ::stride] @ W[0, 0] + b
    return Z.reshape(-1, Z.shape[3]), (A_prev, W, stride)


@one_by_one_forward.accept("Names the axes: the channel d is summed over, all others stay.")
def pixel_einsum(A_prev, W, b, stride):
    return np.einsum("ihwd,dc->ihwc", A_prev[:, ::stride, ::stride], W[0, 0]) + b, (A_prev, W, stride)


@one_by_one_forward.accept("Your layer of exercise 4 with f = 1: the general way gives the same.")
def pixel_by_the_layer(A_prev, W, b, stride):
    return conv_forward_fast.reference(A_prev, W, b, {"stride": stride, "pad": 0})[0], (A_prev, W, stride)


@one_by_one_forward.accept
def pixel_one_channel_at_a_time(A_prev, W, b, stride):
    Z = b + np.zeros((*A_prev[:, ::stride, ::stride].shape[:3], W.shape[3]))
    for d in range(W.shape[2]):
        Z = Z + A_prev[:, ::stride, ::stride, d : d + 1] * W[0, 0, d]
    return Z, (A_prev, W, stride)


def pixel_backward_cases(rng):
    made = []
    for sizes in PIXELS:
        arguments = pixel_arguments(rng, *sizes)
        Z, cache = one_by_one_forward.reference(**arguments)
        made.append(case(dZ=rng.normal(size=Z.shape), cache=cache))
    return made


@lesson.exercise(
    points=3,
    topic=42,
    equation="(2.23) to (2.25)",
    returns=("dA_prev", "dW", "db"),
    backward=True,
    cases=pixel_backward_cases,
    ask="Take the kept pixels as the rows of a table. Which products has a dense layer on its way back, and what comes back to "
    "a pixel that the stride left out?",
    small={
        "dZ": np.array([[[[1.0, 2.0]]]]),
        "cache": (np.array([[[[2.0, 3.0], [1.0, 0.0]]]]), np.array([[1.0, 10.0], [0.0, 100.0]]).reshape(1, 1, 2, 2), 2),
    },
)
def one_by_one_backward(dZ, cache):
    """Send the gradient back through `one_by_one_forward`.

    Parameters
    ----------
    dZ : ndarray, shape (m, n_H, n_W, n_C)
        Derivative of the cost J; a factor 1/m of the cost is in it already.
    cache : tuple
        ``(A_prev, W, stride)`` from `one_by_one_forward`.

    Returns
    -------
    dA_prev : ndarray, shape of A_prev
        Of the cost J, like all three.
    dW : ndarray, shape (1, 1, n_C_prev, n_C)
    db : ndarray, shape (1, 1, 1, n_C)
    """
    A_prev, W, stride = cache
    _, _, n_C_prev, n_C = W.shape
    kept = A_prev[:, ::stride, ::stride].reshape(-1, n_C_prev)
    dZ_rows = dZ.reshape(-1, n_C)
    dW = (kept.T @ dZ_rows).reshape(W.shape)  # (2.23)
    db = np.sum(dZ_rows, axis=0).reshape(1, 1, 1, n_C)  # (2.24)
    dA_prev = np.zeros(A_prev.shape)
    dA_prev[:, ::stride, ::stride] = dZ @ W[0, 0].T  # (2.25)
    return dA_prev, dW, db


def pixel_gradients(dZ, cache):
    """Return the right dA_prev, dW, db."""
    return one_by_one_backward.reference(dZ, cache)


@one_by_one_backward.mistake("You divide by m. dZ is of the cost J: the factor 1/m is in it already.")
def pixel_back_by_m(dZ, cache):
    dA_prev, dW, db = pixel_gradients(dZ, cache)
    return dA_prev, dW / len(dZ), db / len(dZ)


@one_by_one_backward.mistake("dA_prev has the size of dZ. It has the shape of A_prev; left out pixels get 0.")
def pixel_back_small(dZ, cache):
    _, dW, db = pixel_gradients(dZ, cache)
    return dZ @ cache[1][0, 0].T, dW, db


@one_by_one_backward.mistake(
    "Pixels that the stride left out get a share, too. They are in no window: their derivative is 0."
)
def pixel_back_repeated(dZ, cache):
    A_prev, W, stride = cache
    _, dW, db = pixel_gradients(dZ, cache)
    back = np.repeat(np.repeat(dZ @ W[0, 0].T, stride, axis=1), stride, axis=2)
    return back[:, : A_prev.shape[1], : A_prev.shape[2]], dW, db


@one_by_one_backward.mistake("db has lost its axes. It has the shape of b, (1, 1, 1, n_C).")
def pixel_back_db_flat(dZ, cache):
    dA_prev, dW, db = pixel_gradients(dZ, cache)
    return dA_prev, dW, db.ravel()


@one_by_one_backward.mistake("dW is a matrix. It has the shape of W, (1, 1, n_C_prev, n_C).")
def pixel_back_dw_matrix(dZ, cache):
    dA_prev, dW, db = pixel_gradients(dZ, cache)
    return dA_prev, dW[0, 0], db


@one_by_one_backward.mistake("db is a mean. Each place uses b once, so its shares are added up.")
def pixel_back_db_mean(dZ, cache):
    dA_prev, dW, db = pixel_gradients(dZ, cache)
    return dA_prev, dW, db / dZ[..., 0].size


@one_by_one_backward.mistake("dW uses only the first image. All m images use the same W.")
def pixel_back_first_image(dZ, cache):
    A_prev, W, stride = cache
    dA_prev, _, db = pixel_gradients(dZ, cache)
    return dA_prev, pixel_gradients(dZ[:1], (A_prev[:1], W, stride))[1], db


@one_by_one_backward.mistake("The order is dA_prev, dW, db.")
def pixel_back_order(dZ, cache):
    dA_prev, dW, db = pixel_gradients(dZ, cache)
    return dW, db, dA_prev


@one_by_one_backward.accept("Your layer of exercise 6 with f = 1: `col2im` puts the zeros in.")
def pixel_back_by_the_layer(dZ, cache):
    A_prev, W, stride = cache
    fast = fast_cache(A_prev, W, {"stride": stride, "pad": 0})
    return conv_backward_fast.reference(dZ, fast)


@one_by_one_backward.accept
def pixel_back_einsum(dZ, cache):
    A_prev, W, stride = cache
    dA_prev = np.zeros_like(A_prev)
    dA_prev[:, ::stride, ::stride] = np.einsum("ihwc,dc->ihwd", dZ, W[0, 0])
    dW = np.einsum("ihwd,ihwc->dc", A_prev[:, ::stride, ::stride], dZ)[None, None]
    return dA_prev, dW, dZ.sum(axis=(0, 1, 2), keepdims=True)


@one_by_one_backward.accept
def pixel_back_loops(dZ, cache):
    A_prev, W, stride = cache
    dA_prev, dW, db = np.zeros(A_prev.shape), np.zeros(W.shape), np.zeros((1, 1, 1, W.shape[3]))
    for i, h, w, c in np.ndindex(dZ.shape):
        dA_prev[i, h * stride, w * stride] += dZ[i, h, w, c] * W[0, 0, :, c]
        dW[0, 0, :, c] += dZ[i, h, w, c] * A_prev[i, h * stride, w * stride]
        db[0, 0, 0, c] += dZ[i, h, w, c]
    return dA_prev, dW, db
