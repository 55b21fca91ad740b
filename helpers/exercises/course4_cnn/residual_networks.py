"""Lesson 4.5, residual networks: the catalogue of its four exercises. Equations are those of the notebook."""

import functools

import numpy as np

from helpers.exercises import Lesson, case

lesson = Lesson("residual_networks")


def relu(Z):
    return np.maximum(Z, 0)


def block_parameters(rng, n_prev, n_hidden, n, projection):
    """Return the parameters of one block, with biases of both signs and no zeros."""
    parameters = {
        "W1": rng.normal(size=(n_hidden, n_prev)), "b1": rng.normal(size=(n_hidden, 1)),
        "W2": rng.normal(size=(n, n_hidden)), "b2": rng.normal(size=(n, 1)),
    }  # fmt: skip
    if projection:
        parameters["Ws"] = rng.normal(size=(n, n_prev))
    return parameters


#: Sizes before, inside and after a block, examples, projection or not.
SIZES = ((4, 3, 4, 5, False), (3, 5, 2, 4, True), (4, 6, 4, 3, True), (5, 4, 5, 1, False), (2, 4, 3, 6, True))


def blocks_of_all_sizes(rng):
    for n_prev, n_hidden, n, m, projection in SIZES:
        yield rng.normal(size=(n_prev, m)) + 0.3, block_parameters(rng, n_prev, n_hidden, n, projection)


# --- projection_shortcut ---------------------------------------------------------------------------------------------


def shortcut_cases(rng):
    return [
        case(A_prev=rng.normal(size=(n_prev, m)), Ws=None if n is None else rng.normal(size=(n, n_prev)))
        for n_prev, n, m in ((4, None, 3), (3, 5, 4), (4, 4, 2), (5, 2, 1), (2, None, 1), (1, 1, 3))
    ]


@lesson.exercise(points=1, topic=46, equation="(5.3)", cases=shortcut_cases)
def projection_shortcut(A_prev, Ws=None):
    """Return what the shortcut of a block adds: its input, projected where the sizes differ.

    Parameters
    ----------
    A_prev : ndarray, shape (n_prev, m)
    Ws : ndarray, shape (n, n_prev), or None
        None: the sizes are equal, and the shortcut is the identity.

    Returns
    -------
    S : ndarray, shape (n, m)

    References
    ----------
    K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image recognition", 2016, arXiv:1512.03385.
    """
    return A_prev if Ws is None else Ws @ A_prev  # (5.3)


@projection_shortcut.mistake(
    "The matrix is not used: the shortcut is always the input. Where there is a Ws, multiply by it."
)
def shortcut_always_identity(A_prev, Ws=None):
    return A_prev


@projection_shortcut.mistake("Ws is transposed. It is (n, n_prev) and stands at the left: `Ws @ A_prev`.")
def shortcut_transposed(A_prev, Ws=None):
    return A_prev if Ws is None else Ws.T @ A_prev


@projection_shortcut.mistake("The product is the other way round. Examples are columns: Ws stands at the left.")
def shortcut_from_the_right(A_prev, Ws=None):
    return A_prev if Ws is None else A_prev @ Ws


@projection_shortcut.mistake("A ReLU is applied. The shortcut is linear: nothing is cut off on it.")
def shortcut_with_relu(A_prev, Ws=None):
    return relu(A_prev if Ws is None else Ws @ A_prev)


@projection_shortcut.mistake("Without Ws the shortcut is 0 here. It is the input itself.")
def shortcut_zero_without_matrix(A_prev, Ws=None):
    return 0 * A_prev if Ws is None else Ws @ A_prev


@projection_shortcut.mistake("The input is added to its projection. With a Ws the shortcut is Ws @ A_prev alone.")
def shortcut_both(A_prev, Ws=None):
    if Ws is None:
        return A_prev
    S = Ws @ A_prev
    return S + A_prev if S.shape == A_prev.shape else S


@projection_shortcut.mistake(
    "Rows are cut off or filled with zeros. A projection multiplies by Ws, whose entries are learned."
)
def shortcut_padded(A_prev, Ws=None):
    if Ws is None:
        return A_prev
    S = np.zeros((len(Ws), A_prev.shape[1]))
    rows = min(len(Ws), len(A_prev))
    S[:rows] = A_prev[:rows]
    return S


@projection_shortcut.mistake(
    "`if Ws` and `Ws == None` ask every entry of the matrix, and many answers are no truth value. Ask `Ws is None`."
)
def shortcut_asks_the_matrix(A_prev, Ws=None):
    if not Ws:
        return A_prev
    return Ws @ A_prev


@projection_shortcut.accept
def shortcut_with_dot(A_prev, Ws=None):
    if Ws is not None:
        return np.dot(Ws, A_prev)
    return A_prev.copy()


@projection_shortcut.accept
def shortcut_with_einsum(A_prev, Ws=None):
    return np.einsum("ij,jm->im", np.eye(len(A_prev)) if Ws is None else Ws, A_prev)


# --- residual_block_forward ------------------------------------------------------------------------------------------


def forward_cases(rng):
    return [case(A_prev=A_prev, parameters=parameters) for A_prev, parameters in blocks_of_all_sizes(rng)]


@lesson.exercise(points=2, topic=46, equation="(5.4)", returns=("A", "cache"), cases=forward_cases)
def residual_block_forward(A_prev, parameters):
    """Compute one residual block of two dense layers.

    Parameters
    ----------
    A_prev : ndarray, shape (n_prev, m)
    parameters : dict
        ``W1`` (n_hidden, n_prev), ``b1`` (n_hidden, 1), ``W2`` (n, n_hidden), ``b2`` (n, 1), and, where n and n_prev
        differ, ``Ws`` (n, n_prev).

    Returns
    -------
    A : ndarray, shape (n, m)
    cache : tuple
        ``(A_prev, Z1, A1, Z, parameters)``; Z is the score with the shortcut in it.

    References
    ----------
    K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image recognition", 2016, arXiv:1512.03385.
    """
    Z1 = parameters["W1"] @ A_prev + parameters["b1"]
    A1 = np.maximum(Z1, 0)
    Z = parameters["W2"] @ A1 + parameters["b2"] + projection_shortcut(A_prev, parameters.get("Ws"))
    A = np.maximum(Z, 0)  # (5.4)
    return A, (A_prev, Z1, A1, Z, parameters)


def forward_variant(A_prev, parameters, hidden=relu, join=np.add, output=relu, b1=1, b2=1, source=None, inside=False):
    """Return what `residual_block_forward` does with other parts; `source` makes the shortcut of (A_prev, Z1, A1)."""
    p = parameters
    S = p["Ws"] @ A_prev if "Ws" in p else A_prev
    Z1 = p["W1"] @ A_prev + b1 * p["b1"]
    if inside and Z1.shape == S.shape:
        Z1 = Z1 + S
    A1 = hidden(Z1)
    Z = p["W2"] @ A1 + b2 * p["b2"]
    if not inside:
        Z = join(Z, S if source is None else source(A_prev, Z1, A1, S))
    return output(Z), (A_prev, Z1, A1, Z, parameters)


@residual_block_forward.mistake("The shortcut is added after the last ReLU. It is added to the score, before the ReLU.")
def forward_added_after_relu(A_prev, parameters):
    p = parameters
    Z1 = p["W1"] @ A_prev + p["b1"]
    Z = p["W2"] @ relu(Z1) + p["b2"]
    return relu(Z) + (p["Ws"] @ A_prev if "Ws" in p else A_prev), (A_prev, Z1, relu(Z1), Z, parameters)


@residual_block_forward.mistake("The shortcut is missing: this is a plain block of two layers.")
def forward_plain(A_prev, parameters):
    return forward_variant(A_prev, parameters, join=lambda Z, S: Z)


@residual_block_forward.mistake("The last ReLU is missing: A = relu(Z).")
def forward_without_last_relu(A_prev, parameters):
    return forward_variant(A_prev, parameters, output=lambda Z: Z)


@residual_block_forward.mistake("The ReLU between the two layers is missing: A1 = relu(Z1).")
def forward_without_first_relu(A_prev, parameters):
    return forward_variant(A_prev, parameters, hidden=lambda Z: Z)


@residual_block_forward.mistake("The shortcut is subtracted. It is added.")
def forward_subtracted(A_prev, parameters):
    return forward_variant(A_prev, parameters, join=np.subtract)


@residual_block_forward.mistake("The shortcut is multiplied. It is added.")
def forward_multiplied(A_prev, parameters):
    return forward_variant(A_prev, parameters, join=np.multiply)


@residual_block_forward.mistake("b1 is missing: Z1 = W1 A_prev + b1.")
def forward_without_b1(A_prev, parameters):
    return forward_variant(A_prev, parameters, b1=0)


@residual_block_forward.mistake("b2 is missing: Z = W2 A1 + b2 + shortcut.")
def forward_without_b2(A_prev, parameters):
    return forward_variant(A_prev, parameters, b2=0)


@residual_block_forward.mistake(
    "The shortcut goes through a ReLU. It is linear: what is negative in the input stays negative."
)
def forward_relu_on_shortcut(A_prev, parameters):
    return forward_variant(A_prev, parameters, source=lambda A_prev, Z1, A1, S: relu(S))


@residual_block_forward.mistake("The shortcut is added twice. It is added once.")
def forward_added_twice(A_prev, parameters):
    return forward_variant(A_prev, parameters, join=lambda Z, S: Z + 2 * S)


@residual_block_forward.mistake('Ws is not used. Pass `parameters.get("Ws")` to projection_shortcut.')
def forward_without_projection(A_prev, parameters):
    return forward_variant(A_prev, parameters, source=lambda A_prev, Z1, A1, S: A_prev)


@residual_block_forward.mistake("tanh is used in place of ReLU.")
def forward_with_tanh(A_prev, parameters):
    return forward_variant(A_prev, parameters, hidden=np.tanh, output=np.tanh)


@residual_block_forward.accept
def forward_in_parts(A_prev, parameters):
    W1, b1, W2, b2 = (parameters[name] for name in ("W1", "b1", "W2", "b2"))
    Z1 = np.dot(W1, A_prev) + b1
    A1 = Z1 * (Z1 > 0)
    Z = np.dot(W2, A1) + b2
    Z = Z + (np.dot(parameters["Ws"], A_prev) if "Ws" in parameters else A_prev)
    return np.where(Z > 0, Z, 0), (A_prev, Z1, A1, Z, parameters)


@residual_block_forward.accept
def forward_as_one_matrix(A_prev, parameters):
    p = parameters
    Z1 = np.hstack([p["W1"], p["b1"]]) @ np.vstack([A_prev, np.ones((1, A_prev.shape[1]))])
    A1 = relu(Z1)
    Ws = p.get("Ws", np.eye(len(A_prev)))
    Z = np.hstack([p["W2"], Ws]) @ np.vstack([A1, A_prev]) + p["b2"]
    return relu(Z), (A_prev, Z1, A1, Z, parameters)


# --- residual_block_backward -----------------------------------------------------------------------------------------


def backward_cases(rng):
    cases = []
    for A_prev, parameters in blocks_of_all_sizes(rng):
        A, cache = residual_block_forward.reference(A_prev, parameters)
        cases.append(case(dA=rng.normal(size=A.shape) + 0.4, cache=cache))
    # Scores of exactly 0 and a little below: nothing goes back through them.
    A_prev, parameters = rng.normal(size=(2, 4)) + 0.3, block_parameters(rng, 2, 3, 2, False)
    A, (_, Z1, _, Z, _) = residual_block_forward.reference(A_prev, parameters)
    Z1[:, 0], Z[:, 0] = (0.0, -0.05, 0.05), (1.0, 2.0)
    Z1[:, 1], Z[:, 1] = 1.0, (0.0, -0.05)
    cases.append(case(dA=rng.normal(size=A.shape) + 0.4, cache=(A_prev, Z1, np.maximum(Z1, 0), Z, parameters)))
    return cases


@lesson.exercise(
    points=4, topic=46, equation="(5.6) to (5.12)", returns=("dA_prev", "grads"), backward=True, cases=backward_cases
)
def residual_block_backward(dA, cache):
    """Send the gradient back through `residual_block_forward`.

    Parameters
    ----------
    dA : ndarray, shape (n, m)
        Of the cost: dJ/dA, as every dV here.
    cache : tuple
        From `residual_block_forward`.

    Returns
    -------
    dA_prev : ndarray, shape (n_prev, m)
    grads : dict
        ``dW1``, ``db1``, ``dW2``, ``db2`` and, if there is a Ws, ``dWs``: of the cost, each of its parameter's shape.
    """
    A_prev, Z1, A1, Z, parameters = cache
    dZ = dA * (Z > 0)  # (5.6)
    grads = {"dW2": dZ @ A1.T, "db2": np.sum(dZ, axis=1, keepdims=True)}  # (5.7)
    dZ1 = (parameters["W2"].T @ dZ) * (Z1 > 0)  # (5.8)
    grads |= {"dW1": dZ1 @ A_prev.T, "db1": np.sum(dZ1, axis=1, keepdims=True)}  # (5.9)
    dA_prev = parameters["W1"].T @ dZ1  # (5.10)
    if "Ws" in parameters:
        grads["dWs"] = dZ @ A_prev.T  # (5.12)
        dA_prev = dA_prev + parameters["Ws"].T @ dZ  # (5.11)
    else:
        dA_prev = dA_prev + dZ  # (5.11)
    return dA_prev, grads


def backward_variant(
    dA, cache, outer=lambda dA, Z: dA * (Z > 0), inner=lambda d, Z1: d * (Z1 > 0), skip=lambda dA, dZ, S: dZ if S is None else S.T @ dZ,
    add=np.sum, factor=1.0, first=None, second=None,
):  # fmt: skip
    """Return what `residual_block_backward` does with other parts."""
    A_prev, Z1, A1, Z, p = cache
    dZ = outer(dA, Z)
    dZ1 = inner(p["W2"].T @ dZ, Z1)
    grads = {
        "dW2": factor * dZ @ (A1 if second is None else second(A1, Z1)).T, "db2": factor * add(dZ, axis=1, keepdims=True),
        "dW1": factor * dZ1 @ A_prev.T, "db1": factor * add(dZ1, axis=1, keepdims=True),
    }  # fmt: skip
    if "Ws" in p:
        grads["dWs"] = factor * dZ @ A_prev.T
    return p["W1"].T @ dZ1 + skip(dA, dZ, p.get("Ws")), grads


@residual_block_backward.mistake(
    "The gradient of the shortcut is lost. The input reaches Z on two ways: add what comes back on both."
)
def back_skip_lost(dA, cache):
    return backward_variant(dA, cache, skip=lambda dA, dZ, S: 0)


@residual_block_backward.mistake(
    "dA runs along the shortcut. The shortcut ends before the last ReLU: dZ runs along it."
)
def back_skip_of_dA(dA, cache):
    return backward_variant(dA, cache, skip=lambda dA, dZ, S: dA if S is None else S.T @ dA)


@residual_block_backward.mistake("The slope of the last ReLU is missing: dZ = dA where Z is positive, and 0 elsewhere.")
def back_without_outer_slope(dA, cache):
    return backward_variant(dA, cache, outer=lambda dA, Z: dA)


@residual_block_backward.mistake("The slope of the inner ReLU is missing: dZ1 is 0 where Z1 is negative.")
def back_without_inner_slope(dA, cache):
    return backward_variant(dA, cache, inner=lambda d, Z1: d)


@residual_block_backward.mistake("On the shortcut Ws is forgotten: dZ comes back as Ws.T @ dZ.")
def back_without_projection(dA, cache):
    return backward_variant(dA, cache, skip=lambda dA, dZ, S: dZ)


@residual_block_backward.mistake("Ws is not transposed on the way back: `Ws.T @ dZ`.")
def back_projection_not_transposed(dA, cache):
    return backward_variant(dA, cache, skip=lambda dA, dZ, S: dZ if S is None else S @ dZ)


@residual_block_backward.mistake("db1 and db2 are means. The bias acts on every example: add up the columns.")
def back_biases_mean(dA, cache):
    return backward_variant(dA, cache, add=np.mean)


@residual_block_backward.mistake(
    "There is a factor 1/m too much. Here dA is of the cost J, and the mean is in it already."
)
def back_divided_by_m(dA, cache):
    return backward_variant(dA, cache, factor=1 / dA.shape[1])


@residual_block_backward.mistake("dW2 is computed with Z1. W2 multiplies A1: dW2 = dZ @ A1.T.")
def back_with_scores(dA, cache):
    return backward_variant(dA, cache, second=lambda A1, Z1: Z1)


@residual_block_backward.mistake("The gradient of the shortcut is added twice.")
def back_skip_twice(dA, cache):
    return backward_variant(dA, cache, skip=lambda dA, dZ, S: 2 * (dZ if S is None else S.T @ dZ))


@residual_block_backward.mistake("The gradient of the shortcut is subtracted. Both ways lead to Z with a plus: add.")
def back_skip_subtracted(dA, cache):
    return backward_variant(dA, cache, skip=lambda dA, dZ, S: -(dZ if S is None else S.T @ dZ))


@residual_block_backward.mistake(
    "Only the shortcut comes back in dA_prev. Add what comes through the two layers: W1.T @ dZ1."
)
def back_skip_only(dA, cache):
    dA_prev, grads = backward_variant(dA, cache)
    dZ, Ws = dA * (cache[3] > 0), cache[4].get("Ws")
    return dZ if Ws is None else Ws.T @ dZ, grads


@residual_block_backward.mistake('Where there is a Ws, its gradient is missing or wrong: grads["dWs"] = dZ @ A_prev.T.')
def back_without_dWs(dA, cache):
    dA_prev, grads = backward_variant(dA, cache)
    return dA_prev, {name: grad for name, grad in grads.items() if name != "dWs"}


@residual_block_backward.mistake(
    "The masks ask whether the *gradient* is positive. The ReLU let through where Z and Z1 are positive."
)
def back_masks_of_gradients(dA, cache):
    return backward_variant(dA, cache, outer=lambda dA, Z: dA * (dA > 0), inner=lambda d, Z1: d * (d > 0))


@residual_block_backward.accept
def back_example_by_example(dA, cache):
    A_prev, Z1, A1, Z, p = cache
    grads = {f"d{name}": np.zeros(array.shape) for name, array in p.items()}
    dA_prev = np.zeros(A_prev.shape)
    for i in range(dA.shape[1]):
        column = slice(i, i + 1)
        dz = np.where(Z[:, column] > 0, dA[:, column], 0)
        dz1 = np.where(Z1[:, column] > 0, p["W2"].T @ dz, 0)
        grads["dW2"] += np.outer(dz, A1[:, column])
        grads["db2"] += dz
        grads["dW1"] += np.outer(dz1, A_prev[:, column])
        grads["db1"] += dz1
        if "Ws" in p:
            grads["dWs"] += np.outer(dz, A_prev[:, column])
        dA_prev[:, column] = p["W1"].T @ dz1 + p.get("Ws", np.eye(len(dz))).T @ dz
    return dA_prev, grads


@residual_block_backward.accept
def back_with_einsum(dA, cache):
    """The masks come from the activations, which is the same for ReLU."""
    A_prev, Z1, A1, Z, p = cache
    dZ = np.where(relu(Z) > 0, dA, 0.0)
    dZ1 = np.einsum("ij,im->jm", p["W2"], dZ) * np.sign(A1)
    grads = {
        "dW1": np.einsum("im,jm->ij", dZ1, A_prev), "db1": dZ1 @ np.ones((dZ1.shape[1], 1)),
        "dW2": np.einsum("im,jm->ij", dZ, A1), "db2": dZ @ np.ones((dZ.shape[1], 1)),
    }  # fmt: skip
    through = np.einsum("ij,im->jm", p["W1"], dZ1)
    if p.get("Ws") is None:
        return dZ + through, grads
    grads["dWs"] = np.einsum("im,jm->ij", dZ, A_prev)
    return np.einsum("ij,im->jm", p["Ws"], dZ) + through, grads


# --- stack_blocks ----------------------------------------------------------------------------------------------------


def stack_cases(rng):
    cases = []
    for sizes, m in (((3, 3, 3), 4), ((4, 2, 5, 5), 3), ((3, 4), 1), ((2, 2, 3, 3, 2), 5)):
        blocks = [
            block_parameters(rng, n_prev, n_prev + 1, n, n != n_prev)
            for n_prev, n in zip(sizes[:-1], sizes[1:], strict=True)
        ]
        cases.append(case(A=rng.normal(size=(sizes[0], m)) + 0.5, blocks=blocks))
    return cases


@lesson.exercise(points=1, topic=46, equation="(5.13)", returns=("A", "caches"), cases=stack_cases)
def stack_blocks(A, blocks):
    """Send activations through residual blocks, one after the other.

    Parameters
    ----------
    A : ndarray, shape (n, m)
        The input of the first block.
    blocks : list of dict
        The parameters of each block, first to last.

    Returns
    -------
    A : ndarray
        The output of the last block.
    caches : list of tuple
        The cache of each block, first to last.
    """
    caches = [None] * len(blocks)
    for l, parameters in enumerate(blocks):
        A, caches[l] = residual_block_forward(A, parameters)  # (5.13)
    return A, caches


def one(A, parameters):
    return residual_block_forward.reference(A, parameters)


@stack_blocks.mistake("Every block gets the first input. A block gets the output of the block before.")
def stack_of_first_input(A, blocks):
    outputs = []
    for parameters in blocks:
        try:
            outputs.append(one(A, parameters))
        except ValueError:  # the sizes do not fit
            outputs.append((A, (A, A, A, A, parameters)))
    return outputs[-1][0], [cache for _, cache in outputs]


@stack_blocks.mistake("The caches are in reverse order. Append each one: first to last.")
def stack_caches_reversed(A, blocks):
    A, caches = stack_blocks.reference(A, blocks)
    return A, caches[::-1]


@stack_blocks.mistake("Only the cache of the last block is returned. Collect one for each block.")
def stack_last_cache_only(A, blocks):
    A, caches = stack_blocks.reference(A, blocks)
    return A, caches[-1]


@stack_blocks.mistake("The last block is left out.")
def stack_without_last(A, blocks):
    return stack_blocks.reference(A, blocks[:-1])


@stack_blocks.mistake("The first block is left out.")
def stack_without_first(A, blocks):
    return stack_blocks.reference(A, blocks[1:])


@stack_blocks.mistake(
    "The first input is added once more at the end. Each block has its own shortcut, and that is all."
)
def stack_with_long_shortcut(A, blocks):
    out, caches = stack_blocks.reference(A, blocks)
    return (out + A if out.shape == A.shape else out + A.sum()), caches


@stack_blocks.mistake("The outputs of all blocks are returned. Return the output of the last one.")
def stack_all_outputs(A, blocks):
    outputs, caches = [], []
    for parameters in blocks:
        A, cache = one(A, parameters)
        outputs.append(A)
        caches.append(cache)
    return outputs, caches


@stack_blocks.mistake("The input of a block is added once more. The block itself has the shortcut.")
def stack_with_another_shortcut(A, blocks):
    caches = []
    for parameters in blocks:
        found, cache = residual_block_forward(A, parameters)
        A = A + found if A.shape == found.shape else found
        caches.append(cache)
    return A, caches


@stack_blocks.accept
def stack_by_recursion(A, blocks):
    if not blocks:
        return A, []
    A, cache = one(A, blocks[0])
    A, caches = stack_by_recursion(A, blocks[1:])
    return A, [cache, *caches]


@stack_blocks.accept
def stack_with_reduce(A, blocks):
    def step(so_far, parameters):
        A, cache = one(so_far[0], parameters)
        return A, [*so_far[1], cache]

    return functools.reduce(step, blocks, (A, []))
