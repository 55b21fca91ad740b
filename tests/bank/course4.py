"""Course 4: answers in the words of learners."""

import numpy as np

from helpers.exercises.course4_cnn import digit_classifier

from . import posted, right, solved

CONV_LAYER = solved("conv_layer")
DIGIT_CLASSIFIER = solved("digit_classifier")
RESIDUAL_NETWORKS = solved("residual_networks")


def _pad(X, pad):
    return np.pad(X, ((0, 0), (pad, pad), (pad, pad), (0, 0)), mode="constant", constant_values=0)


def _conv(
    A_prev, W, b, stride, pad, window=None, bias=None, size=lambda n, f, pad, stride: (n + 2 * pad - f) // stride + 1
):
    m, n_H, n_W, _ = A_prev.shape
    f, _, _, n_C = W.shape
    A_pad = _pad(A_prev, pad)
    Z = np.zeros((m, size(n_H, f, pad, stride), size(n_W, f, pad, stride), n_C))
    for i in range(m):
        for h in range(Z.shape[1]):
            for w in range(Z.shape[2]):
                for c in range(n_C):
                    part = A_pad[i, h * stride : h * stride + f, w * stride : w * stride + f, :]
                    if window:
                        part = window(A_pad, i, h, w, f)
                    Z[i, h, w, c] = (
                        bias(part, W[..., c], b[..., c]) if bias else np.sum(part * W[..., c]) + float(b[0, 0, 0, c])
                    )
    return Z


# --- mistakes --------------------------------------------------------------------------------------------------------


@posted("convolution.zero_pad", "question", "width_and_channels_padded")
def _(X, pad):
    return np.pad(X, ((0, 0), (0, 0), (pad, pad), (pad, pad)))


@posted("convolution.zero_pad", "question", "all_axes_padded")
def _(X, pad):
    return np.pad(X, pad)


@posted("convolution.conv_single_step", "question", "bias_inside_the_sum")
def _(a_slice_prev, W, b):
    return np.sum(a_slice_prev * W + b)


@posted("convolution.conv_single_step", "question")
def _(a_slice_prev, W, b):
    return np.sum(np.dot(a_slice_prev[..., 0], W[..., 0])) + b.item()


@posted("convolution.conv_single_step", "question", "step_as_an_array")
def _(a_slice_prev, W, b):
    return np.sum(a_slice_prev * W) + b


@posted("convolution.conv_output_size", "question", "size_without_floor")
def _(n, f, pad, stride):
    return (n - f + 2 * pad) / stride + 1


@posted("convolution.conv_output_size", "question", "size_rounded_up")
def _(n, f, pad, stride):
    return int(np.ceil((n - f + 2 * pad) / stride + 1))


@posted("conv_layer.conv_forward", "question", "forward_windows_without_stride")
def _(A_prev, W, b, hparameters):
    stride, pad = hparameters["stride"], hparameters["pad"]
    Z = _conv(A_prev, W, b, stride, pad, window=lambda A, i, h, w, f: A[i, h : h + f, w : w + f])
    return Z, (A_prev, W, b, hparameters)


@posted("conv_layer.conv_forward", "question", "forward_bias_inside")
def _(A_prev, W, b, hparameters):
    stride, pad = hparameters["stride"], hparameters["pad"]
    Z = _conv(A_prev, W, b, stride, pad, bias=lambda part, W, b: np.sum(part * W + b))
    return Z, (A_prev, W, b, hparameters)


@posted("conv_layer.conv_forward", "question")
def _(A_prev, W, b, hparameters):
    stride, pad = hparameters["stride"], hparameters["pad"]
    Z = _conv(
        A_prev,
        W,
        b,
        stride,
        pad,
        window=lambda A, i, h, w, f: A[0, h * stride : h * stride + f, w * stride : w * stride + f],
    )
    return Z, (A_prev, W, b, hparameters)


@posted("conv_layer.conv_forward", "question", "forward_first_channel")
def _(A_prev, W, b, hparameters):
    stride, pad = hparameters["stride"], hparameters["pad"]
    Z = _conv(A_prev, W, b, stride, pad, bias=lambda part, W, b: np.sum(part[..., 0] * W[..., 0]) + b.item())
    return Z, (A_prev, W, b, hparameters)


def _conv_back(dZ, cache, cut=None, stride_used=True, add=True, loops=None):
    A_prev, W, b, hp = cache
    stride, pad = hp["stride"], hp["pad"]
    m, n_H, n_W, _ = A_prev.shape
    f = W.shape[0]
    A_pad, dA = _pad(A_prev, pad), np.zeros(A_prev.shape)
    dA_pad, dW, db = np.zeros(A_pad.shape), np.zeros(W.shape), np.zeros(b.shape)
    step = stride if stride_used else 1
    for i in range(m):
        for h in range(dZ.shape[1]):
            for w in range(dZ.shape[2]):
                for c in range(dZ.shape[3]):
                    at = (i, slice(h * step, h * step + f), slice(w * step, w * step + f))
                    if add:
                        dA_pad[at] += W[..., c] * dZ[i, h, w, c]
                    else:
                        dA_pad[at] = W[..., c] * dZ[i, h, w, c]
                    dW[..., c] += A_pad[at] * dZ[i, h, w, c]
                    db[..., c] += dZ[i, h, w, c]
        dA[i] = cut(dA_pad[i], pad) if cut else dA_pad[i, pad : pad + n_H, pad : pad + n_W]
    return dA, dW, db


@posted("conv_layer.conv_backward", "question", "backward_empty_slice_image_by_image")
def _(dZ, cache):
    return _conv_back(dZ, cache, cut=lambda dA, pad: dA[pad:-pad, pad:-pad, :])


@posted("conv_layer.conv_backward", "repository", "backward_without_stride")
def _(dZ, cache):
    return _conv_back(dZ, cache, stride_used=False)


@posted("conv_layer.conv_backward", "question", "backward_overwrites_filters")
def _(dZ, cache):
    return _conv_back(dZ, cache, add=False)


@posted("conv_layer.conv_backward", "question", "backward_db_mean")
def _(dZ, cache):
    dA, dW, db = _conv_back(dZ, cache)
    return dA, dW, np.mean(dZ, axis=(0, 1, 2)).reshape(db.shape)


@posted("conv_layer.conv_backward", "question", "backward_divided_by_m")
def _(dZ, cache):
    dA, dW, db = _conv_back(dZ, cache)
    m = dZ.shape[0]
    return dA, dW / m, db / m


def _pool(A_prev, hp, mode, start=lambda k, stride, f: k * stride, kinds=(np.max, np.mean)):
    f, stride = hp["f"], hp["stride"]
    m, n_H, n_W, n_C = A_prev.shape
    A = np.zeros((m, 1 + (n_H - f) // stride, 1 + (n_W - f) // stride, n_C))
    for i, h, w, c in np.ndindex(A.shape):
        y, x = start(h, stride, f), start(w, stride, f)
        part = A_prev[i, y : y + f, x : x + f, c]
        A[i, h, w, c] = kinds[0 if mode == "max" else 1](part)
    return A


@posted("pooling.pool_forward", "question", "forward_without_stride")
def _(A_prev, hparameters, mode="max"):
    return _pool(A_prev, hparameters, mode, start=lambda k, stride, f: k), (A_prev, hparameters)


@posted("pooling.pool_forward", "question", "forward_always_largest")
def _(A_prev, hparameters, mode="max"):
    return _pool(A_prev, hparameters, "max"), (A_prev, hparameters)


@posted("pooling.pool_forward", "question", "forward_sum")
def _(A_prev, hparameters, mode="max"):
    return _pool(A_prev, hparameters, mode, kinds=(np.max, np.sum)), (A_prev, hparameters)


def _pool_back(dA, cache, mode, add=True, start=lambda k, stride, f: k * stride, share=None, images=None):
    A_prev, hp = cache
    f, stride = hp["f"], hp["stride"]
    out = np.zeros(A_prev.shape)
    for i, h, w, c in np.ndindex(dA.shape):
        if images and i >= images:
            break
        y, x = start(h, stride, f), start(w, stride, f)
        at = (i, slice(y, y + f), slice(x, x + f), c)
        part = A_prev[at]
        if mode == "max":
            value = (part == part.max()) * dA[i, h, w, c]
        else:
            value = np.ones(part.shape) * (dA[i, h, w, c] if share is None else share) / (f * f)
        out[at] = out[at] + value if add else value
    return out


@posted("pooling.pool_backward", "question", "back_overwritten_for_max")
def _(dA, cache, mode="max"):
    return _pool_back(dA, cache, mode, add=mode != "max")


@posted("pooling.pool_backward", "question", "back_first_image_only")
def _(dA, cache, mode="max"):
    return _pool_back(dA, cache, mode, images=1)


@posted("pooling.pool_backward", "question", "back_of_ones")
def _(dA, cache, mode="max"):
    return _pool_back(dA, cache, mode, share=1.0)


@posted("pooling.distribute_value", "question", "value_of_one")
def _(da, shape):
    return np.ones(shape) / (shape[0] * shape[1])


@posted("pooling.create_mask_from_window", "question", "mask_largest")
def _(x):
    return np.max(x)


@posted("face_verification.triplet_loss", "question")
def _(anchor, positive, negative, margin=0.2):
    near, far = np.sum((anchor - positive) ** 2), np.sum((anchor - negative) ** 2)
    return np.maximum(near - far + margin, 0)


@posted("face_verification.triplet_loss", "question", "loss_sum")
def _(anchor, positive, negative, margin=0.2):
    near, far = np.sum((anchor - positive) ** 2, axis=1), np.sum((anchor - negative) ** 2, axis=1)
    return np.sum(np.maximum(near - far + margin, 0))


@posted("face_verification.verify", "question", "verify_root")
def _(embedding, identity, database, threshold):
    distance = np.linalg.norm(embedding - database[identity])
    return distance < threshold, distance


@posted("face_verification.who_is_it", "question")
def _(embedding, database, threshold):
    best, who = 100, None
    for name, other in database.items():
        distance = np.sum((embedding - other) ** 2)
        if distance < best:
            best, who = distance, name
    return who, best


@posted("residual_networks.residual_block_forward", "question")
def _(A_prev, parameters):
    Z1 = parameters["W1"] @ A_prev + parameters["b1"]
    A1 = np.maximum(Z1, 0)
    Z = parameters["W2"] @ A1 + parameters["b2"]
    skip = parameters["Ws"] @ A_prev if "Ws" in parameters else A_prev
    return np.maximum(Z, 0) + skip, (A_prev, Z1, A1, Z + skip, parameters)


@posted("digit_classifier.count_conv_parameters", "question", "count_one_bias")
def _(f, n_C_prev, n_C):
    return f * f * n_C_prev * n_C + 1


@posted("digit_classifier.count_conv_parameters", "question", "count_flat_filters")
def _(f, n_C_prev, n_C):
    return (f * f + 1) * n_C


@posted("convolution.edge_detect", "question")
def _(image, k):
    f = len(k)
    n = image.shape[0] - f + 1
    Z = np.zeros((n, n))
    for h in range(n):
        for w in range(n):
            Z[h, w] = np.sum(image[h : h + f, w : w + f] * k)
    return Z


@posted("conv_layer.conv_backward", "question", "slip: mean")
def _(dZ, cache):
    dA, dW, db = CONV_LAYER.conv_backward(dZ, cache)
    return (dA, dW, db / len(dZ))


@posted("pooling.distribute_value", "question", "value_by_sum")
def _(dz, shape):
    return np.ones(shape) / (shape[0] + shape[1]) * dz


@posted("pooling.pool_forward", "question", "pool_divided_by_the_sides")
def _(A, hp, mode):
    f, s = (hp["f"], hp["stride"])
    m, H, W, C = A.shape
    h, w = ((H - f) // s + 1, (W - f) // s + 1)
    Z = np.zeros((m, h, w, C))
    for i in range(h):
        for j in range(w):
            x = A[:, i * s : i * s + f, j * s : j * s + f]
            Z[:, i, j] = x.max(axis=(1, 2)) if mode == "max" else x.sum(axis=(1, 2)) / (f + f)
    return (Z, (A, hp))


@posted("digit_classifier.train_cnn", "question")
def _(X, labels, p, lr, n):
    p, costs = (dict(p), [])
    for _ in range(n):
        s, c = DIGIT_CLASSIFIER.cnn_forward(X, p)
        cost, ds = digit_classifier.layers.loss(s, labels)
        costs.append(cost)
        g = DIGIT_CLASSIFIER.cnn_backward(ds, p, c)
        for k in p:
            p[k] = p[k] - lr * np.sign(g["d" + k])
    return (p, costs)


@posted("residual_networks.stack_blocks", "question", "stack_with_another_shortcut")
def _(A, blocks):
    caches = []
    for p in blocks:
        A2, c = RESIDUAL_NETWORKS.residual_block_forward(A, p)
        caches.append(c)
        A = A + A2 if A.shape == A2.shape else A2
    return (A, caches)


@posted("face_verification.triplet_loss", "question", "loss_hinge_of_mean")
def _(a, p, n, alpha):
    return float(max(np.mean(np.sum((a - p) ** 2, axis=1) - np.sum((a - n) ** 2, axis=1) + alpha), 0))


# --- right answers ---------------------------------------------------------------------------------------------------


@right("convolution.zero_pad")
def _(X, pad):
    return _pad(X, pad)


@right("convolution.conv_single_step")
def _(a_slice_prev, W, b):
    s = np.multiply(a_slice_prev, W)
    return np.sum(s) + float(np.squeeze(b))


@right("convolution.conv_output_size")
def _(n, f, pad, stride):
    return int((n - f + 2 * pad) / stride) + 1


@right("convolution.conv2d")
def _(A_prev, W, b, pad, stride):
    return _conv(A_prev, W, b, stride, pad)


@right("conv_layer.conv_forward")
def _(A_prev, W, b, hparameters):
    return _conv(A_prev, W, b, hparameters["stride"], hparameters["pad"]), (A_prev, W, b, hparameters)


@right("conv_layer.conv_backward")
def _(dZ, cache):
    return _conv_back(dZ, cache)


@right("conv_layer.conv_backward")
def _(dZ, cache):
    return _conv_back(dZ, cache, cut=lambda dA, pad: dA[pad:-pad, pad:-pad] if pad else dA)


@right("pooling.pool_forward")
def _(A_prev, hparameters, mode="max"):
    return _pool(A_prev, hparameters, mode), (A_prev, hparameters)


@right("pooling.pool_backward")
def _(dA, cache, mode="max"):
    return _pool_back(dA, cache, mode)


@right("pooling.create_mask_from_window")
def _(x):
    return (x == x.max()).astype(float)


@right("pooling.distribute_value")
def _(da, shape):
    n_H, n_W = shape
    return np.ones((n_H, n_W)) * da / (n_H * n_W)


@right("face_verification.triplet_loss")
def _(anchor, positive, negative, margin=0.2):
    near = np.sum(np.square(anchor - positive), axis=-1)
    far = np.sum(np.square(anchor - negative), axis=-1)
    return np.maximum(near - far + margin, 0.0).mean()


@right("face_verification.verify")
def _(embedding, identity, database, threshold):
    distance = np.linalg.norm(embedding - database[identity]) ** 2
    return bool(distance <= threshold), distance


@right("face_verification.embedding_distance")
def _(E1, E2):
    return np.linalg.norm(E1 - E2, axis=1).reshape(-1, 1) ** 2


@right("face_verification.hard_triplets")
def _(embeddings, labels):
    rows, m = [], len(labels)
    for a in range(m):
        others = [n for n in range(m) if labels[n] != labels[a]]
        n = min(others, key=lambda n: np.sum((embeddings[a] - embeddings[n]) ** 2))
        rows += [[a, p, n] for p in range(m) if p != a and labels[p] == labels[a]]
    return rows


@right("residual_networks.residual_block_forward")
def _(A_prev, parameters):
    Z1 = np.dot(parameters["W1"], A_prev) + parameters["b1"]
    A1 = np.maximum(0, Z1)
    shortcut = A_prev if "Ws" not in parameters else np.dot(parameters["Ws"], A_prev)
    Z = np.dot(parameters["W2"], A1) + parameters["b2"] + shortcut
    return np.maximum(0, Z), (A_prev, Z1, A1, Z, parameters)


@right("digit_classifier.count_conv_parameters")
def _(f, n_C_prev, n_C):
    return (f**2 * n_C_prev) * n_C + n_C
