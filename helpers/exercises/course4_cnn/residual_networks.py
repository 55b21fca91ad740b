"""Lesson 4.5, residual networks: the catalogue of its ten exercises. Equations are those of the notebook."""

import functools

import numpy as np

from helpers.exercises import Lesson, case
from helpers.exercises.course4_cnn import conv_layer

lesson = Lesson("residual_networks")

# --- predictions -----------------------------------------------------------------------------------------------------

lesson.predict(
    "deeper",
    "Plain dense networks with 4, 8, 14, 22 and 32 layers learn the same 4000 digits for three epochs. Which number of "
    "layers has the highest training cost at the end?",
    ("4 layers", "14 layers", "32 layers"),
    "More layers could copy the shallower network and do nothing besides, but gradient descent does not find that.",
)
lesson.predict(
    "growth",
    "Dense residual blocks with He's weights: by how much is the mean square of the activations multiplied in one block?",
    ("by 1", "by about 1.5", "by about 2.3"),
    "Before the last ReLU it is three times as large, and the ReLU keeps about four fifths of the mean square.",
)
lesson.predict(
    "twins",
    "25 convolutional layers, 1400 small digits, four epochs: plain with He's weights, residual with W2 = 0, residual with "
    "He's weights. Which reads more than half of the test digits in every start?",
    ("all three", "both residual ones", "only the one with W2 = 0", "none"),
    "A block that starts as the identity lets everything through. With He's W2 the signal grows from block to block, and without a "
    "shortcut the start decides by luck.",
)


ONE = np.array([[1.0]])  # for cases that one can follow by hand


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


@lesson.exercise(
    points=1,
    topic=46,
    equation="(5.3)",
    cases=shortcut_cases,
    ask="The matrix may be there or not. Which question about Ws has one answer, whatever its entries are?",
    small={"A_prev": np.array([[1.0], [-2.0]]), "Ws": np.array([[1.0, 1], [0, 3], [2, 0]])},
    why={
        "question": "Why does the shortcut have no ReLU?",
        "choices": {
            "it would lose what is negative in its input, and with it a part of the gradient": "Yes: it has to let everything "
            "through.",
            "its input is never negative": "No: with a projection it can be, and the first block may get any input.",
            "a ReLU costs too much time": "No: it is cheap. It would stop the gradient.",
        },
    },
)
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


@projection_shortcut.mistake(
    "A square Ws is not used. Sizes may be equal and the matrix still be there: ask `Ws is None`, not for the sizes."
)
def shortcut_without_square_matrices(A_prev, Ws=None):
    return A_prev if Ws is None or Ws.shape[0] == Ws.shape[1] else Ws @ A_prev


@projection_shortcut.accept
def shortcut_with_dot(A_prev, Ws=None):
    if Ws is not None:
        return np.dot(Ws, A_prev)
    return A_prev.copy()


@projection_shortcut.accept(
    "The identity is a matrix, too: one formula for both cases, with the unit matrix for no Ws."
)
def shortcut_with_einsum(A_prev, Ws=None):
    return np.einsum("ij,jm->im", np.eye(len(A_prev)) if Ws is None else Ws, A_prev)


# --- residual_block_forward ------------------------------------------------------------------------------------------


def forward_cases(rng):
    return [case(A_prev=A_prev, parameters=parameters) for A_prev, parameters in blocks_of_all_sizes(rng)]


@lesson.exercise(
    points=2,
    topic=46,
    equation="(5.4)",
    returns=("A", "cache"),
    cases=forward_cases,
    ask="There are two ReLU in a block. Where do they stand, and before which of them does the shortcut arrive?",
    small={"A_prev": 2 * ONE, "parameters": {"W1": 2 * ONE, "b1": -ONE, "W2": 3 * ONE, "b2": 0.5 * ONE}},
)
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


@residual_block_forward.mistake(
    "The ReLU is taken before the sum: relu(Z) plus the shortcut. Add the shortcut first; then A = relu(Z)."
)
def forward_relu_before_the_sum(A_prev, parameters):
    _, cache = forward_variant(A_prev, parameters)
    S = parameters["Ws"] @ A_prev if "Ws" in parameters else A_prev
    return relu(cache[3] - S) + S, cache


@residual_block_forward.accept
def forward_in_parts(A_prev, parameters):
    W1, b1, W2, b2 = (parameters[name] for name in ("W1", "b1", "W2", "b2"))
    Z1 = np.dot(W1, A_prev) + b1
    A1 = Z1 * (Z1 > 0)
    Z = np.dot(W2, A1) + b2
    Z = Z + (np.dot(parameters["Ws"], A_prev) if "Ws" in parameters else A_prev)
    return np.where(Z > 0, Z, 0), (A_prev, Z1, A1, Z, parameters)


@residual_block_forward.accept(
    "W2 and the shortcut side by side are one matrix, which meets A1 and A_prev one above the other."
)
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
    points=4,
    topic=46,
    equation="(5.6) to (5.12)",
    returns=("dA_prev", "grads"),
    backward=True,
    cases=backward_cases,
    ask="On how many ways does A_prev reach Z, and what has to be done with what comes back on them?",
    small={
        "dA": ONE,
        "cache": (2 * ONE, 3 * ONE, 3 * ONE, 11.5 * ONE, {"W1": 2 * ONE, "b1": -ONE, "W2": 3 * ONE, "b2": 0.5 * ONE}),
    },
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


@residual_block_backward.mistake(
    'Where there is no Ws, grads has a "dWs" all the same. Leave the key out: nobody has such a parameter.'
)
def back_dWs_without_Ws(dA, cache):
    dA_prev, grads = backward_variant(dA, cache)
    return dA_prev, {"dWs": None} | grads


@residual_block_backward.mistake(
    "dWs is computed with dA. The shortcut ends before the last ReLU: dWs = dZ @ A_prev.T."
)
def back_dWs_of_dA(dA, cache):
    dA_prev, grads = backward_variant(dA, cache)
    return dA_prev, grads | ({"dWs": dA @ cache[0].T} if "Ws" in cache[4] else {})


@residual_block_backward.accept(
    "One example at a time, with outer products: what the products of matrices add up, in loops."
)
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


@lesson.exercise(
    points=1,
    topic=46,
    equation="(5.13)",
    returns=("A", "caches"),
    cases=stack_cases,
    ask="What does block 2 get as its input, and who made it?",
    small={"A": 5 * ONE, "blocks": [{"W1": 0 * ONE, "b1": 0 * ONE, "W2": 0 * ONE, "b2": ONE}] * 2},
)
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


@stack_blocks.mistake(
    "Every block gets the first input, whose size may not fit. A block gets the output of the block before."
)
def stack_of_first_input_that_stops(A, blocks):
    outputs = [one(A, parameters) for parameters in blocks]
    return outputs[-1][0], [cache for _, cache in outputs]


@stack_blocks.accept("The first block, then a stack of one block less.")
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


# --- convolutions ----------------------------------------------------------------------------------------------------


def bring(made, known):
    """Give an exercise that repeats one of lesson 2 the mistakes and other right answers of that one."""
    made.mistakes += known.mistakes
    made.accepted += known.accepted
    return made


SMALL_IMAGE = np.arange(1.0, 10).reshape(1, 3, 3, 1)
SMALL_FILTER = np.array([[1.0, 2], [3, 4]]).reshape(2, 2, 1, 1)


@lesson.exercise(
    points=1,
    topic=46,
    equation="(5.16)",
    returns=("Z", "cache"),
    cases=conv_layer.forward_cases,
    ask="Your lesson 2 has this function. What does it call that must come along?",
    small={
        "A_prev": SMALL_IMAGE,
        "W": SMALL_FILTER,
        "b": np.zeros((1, 1, 1, 1)),
        "hparameters": {"stride": 1, "pad": 0},
    },
)
def conv_forward_fast(A_prev, W, b, hparameters):
    """Compute the scores of a convolutional layer as one product of matrices; the function of lesson 2.

    Parameters
    ----------
    A_prev : ndarray, shape (m, n_H_prev, n_W_prev, n_C_prev)
    W : ndarray, shape (f, f, n_C_prev, n_C)
    b : ndarray, shape (1, 1, 1, n_C)
    hparameters : dict
        ``"stride"`` and ``"pad"``.

    Returns
    -------
    Z : ndarray, shape (m, n_H, n_W, n_C)
    cache : tuple
        ``(columns, A_prev.shape, W, hparameters)``.
    """
    f, _, _, n_C = W.shape
    pad, stride = hparameters["pad"], hparameters["stride"]
    n_H, n_W = ((n + 2 * pad - f) // stride + 1 for n in A_prev.shape[1:3])
    columns = conv_layer.im2col(A_prev, f, pad, stride)
    Z = columns @ W.reshape(f * f * A_prev.shape[3], n_C) + b.reshape(n_C)  # (5.16)
    return Z.reshape(len(A_prev), n_H, n_W, n_C), (columns, A_prev.shape, W, hparameters)


bring(conv_forward_fast, conv_layer.conv_forward_fast)


@conv_forward_fast.accept(
    "One einsum over all windows in place of the table: slower, and nearer to the sum of lesson 2."
)
def conv_by_einsum(A_prev, W, b, hparameters):
    return conv_layer.scores(A_prev, W, b, hparameters), conv_layer.fast_cache(A_prev, W, hparameters)


@lesson.exercise(
    points=1,
    topic=46,
    equation="(5.17) and (5.18)",
    returns=("dA_prev", "dW", "db"),
    backward=True,
    cases=conv_layer.fast_backward_cases,
    ask="Your lesson 2 has this function. What does it call that must come along?",
    small={
        "dZ": np.array([[1.0, 10], [100, 1000]]).reshape(1, 2, 2, 1),
        "cache": (
            np.array([[1.0, 2, 4, 5], [2, 3, 5, 6], [4, 5, 7, 8], [5, 6, 8, 9]]),
            (1, 3, 3, 1),
            SMALL_FILTER,
            {"stride": 1, "pad": 0},
        ),
    },
)
def conv_backward_fast(dZ, cache):
    """Send the gradient back through `conv_forward_fast`; the function of lesson 2.

    Parameters
    ----------
    dZ : ndarray, shape (m, n_H, n_W, n_C)
        Of the cost J.
    cache : tuple

    Returns
    -------
    dA_prev, dW, db : ndarray
        Of the cost J, each of the shape of its array.
    """
    columns, shape, W, hparameters = cache
    f, _, _, n_C = W.shape
    dZ_rows = dZ.reshape(len(columns), n_C)
    dW = (columns.T @ dZ_rows).reshape(W.shape)  # (5.17)
    db = np.sum(dZ_rows, axis=0).reshape(1, 1, 1, n_C)
    dcolumns = dZ_rows @ W.reshape(columns.shape[1], n_C).T  # (5.18)
    return conv_layer.col2im(dcolumns, shape, f, hparameters["pad"], hparameters["stride"]), dW, db


bring(conv_backward_fast, conv_layer.conv_backward_fast)


@conv_backward_fast.accept("The loops of lesson 2 over the windows: the same sums, in another order.")
def conv_back_window_by_window(dZ, cache):
    columns, shape, W, hparameters = cache
    f, pad, stride = len(W), hparameters["pad"], hparameters["stride"]
    dA_pad = np.pad(np.zeros(shape), ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    for i, h, w, c in np.ndindex(dZ.shape):
        dA_pad[i, h * stride : h * stride + f, w * stride : w * stride + f] += dZ[i, h, w, c] * W[..., c]
    dW = np.einsum("rk,rc->kc", columns, dZ.reshape(-1, dZ.shape[3])).reshape(W.shape)
    return conv_layer.cut(dA_pad, shape, pad), dW, dZ.sum(axis=(0, 1, 2)).reshape(1, 1, 1, -1)


# --- pixel_projection ------------------------------------------------------------------------------------------------

#: Examples, height, width, channels before and after, stride.
PIXELS = ((2, 4, 6, 2, 3, 2), (3, 3, 5, 3, 2, 2), (1, 4, 4, 2, 2, 1), (2, 5, 4, 2, 2, 3))


def pixel_cases(rng):
    return [
        case(A_prev=rng.normal(size=(m, n_H, n_W, n_prev)), Ws=rng.normal(size=(n_prev, n)), stride=stride)
        for m, n_H, n_W, n_prev, n, stride in PIXELS
    ]


SMALL_PIXELS = np.array([[1.0, 2], [3, 4]])[None, :, :, None] * np.array([1.0, 10])


@lesson.exercise(
    points=2,
    topic=46,
    equation="(5.20)",
    cases=pixel_cases,
    ask="Which pixels does a window of 1 by 1 with stride 2 meet, and what does a dense layer do to each of them?",
    small={"A_prev": SMALL_PIXELS, "Ws": np.array([[1.0, 0, 2], [0, 1, 1]]), "stride": 2},
)
def pixel_projection(A_prev, Ws, stride):
    """Project the channels of every stride-th pixel: a 1 by 1 convolution without bias.

    Parameters
    ----------
    A_prev : ndarray, shape (m, n_H_prev, n_W_prev, n_C_prev)
    Ws : ndarray, shape (n_C_prev, n_C)
    stride : int

    Returns
    -------
    S : ndarray, shape (m, n_H, n_W, n_C)
    """
    return A_prev[:, ::stride, ::stride] @ Ws  # (5.20)


@pixel_projection.mistake("The stride is forgotten: only every stride-th row and column of pixels is projected.")
def pixels_without_stride(A_prev, Ws, stride):
    return A_prev @ Ws


@pixel_projection.mistake("The stride is taken in the rows only. Columns of pixels are left out, too.")
def pixels_stride_in_rows(A_prev, Ws, stride):
    return A_prev[:, ::stride] @ Ws


@pixel_projection.mistake("Pixels are averaged before the projection. A window of 1 by 1 sees one pixel.")
def pixels_averaged(A_prev, Ws, stride):
    m, n_H, n_W, n_C = A_prev.shape
    rows, columns = (len(range(0, n, stride)) for n in (n_H, n_W))
    found = np.zeros((m, rows, columns, n_C))
    for h, w in np.ndindex(rows, columns):
        found[:, h, w] = A_prev[:, h * stride : (h + 1) * stride, w * stride : (w + 1) * stride].mean(axis=(1, 2))
    return found @ Ws


@pixel_projection.mistake("The first pixel is left out: the windows start at row 0 and column 0.")
def pixels_from_the_second(A_prev, Ws, stride):
    return A_prev[:, stride - 1 :: stride, stride - 1 :: stride] @ Ws


@pixel_projection.mistake("Ws is transposed. Its rows are the channels before, its columns those after: `pixels @ Ws`.")
def pixels_transposed(A_prev, Ws, stride):
    return A_prev[:, ::stride, ::stride] @ Ws.T


@pixel_projection.mistake("A ReLU is applied. The shortcut is linear: nothing is cut off on it.")
def pixels_with_relu(A_prev, Ws, stride):
    return relu(A_prev[:, ::stride, ::stride] @ Ws)


@pixel_projection.mistake(
    "The examples are left out by the stride. Axis 0 holds the examples: `A_prev[:, ::stride, ::stride]`."
)
def pixels_of_some_examples(A_prev, Ws, stride):
    return A_prev[::stride, ::stride] @ Ws


@pixel_projection.mistake(
    "You take the pixels of one corner. A stride takes every stride-th row and column of the whole: `[:, ::stride, ::stride]`."
)
def pixels_of_one_corner(A_prev, Ws, stride):
    n_H, n_W = pixel_projection.reference(A_prev, Ws, stride).shape[1:3]
    return A_prev[:, :n_H, :n_W] @ Ws


@pixel_projection.accept("The convolution of lesson 2 with f = 1: the 1 by 1 filters are the columns of Ws.")
def pixels_by_convolution(A_prev, Ws, stride):
    return conv_layer.scores(A_prev, Ws[None, None], 0.0, {"stride": stride, "pad": 0})


@pixel_projection.accept
def pixels_by_rows(A_prev, Ws, stride):
    kept = A_prev[:, ::stride, ::stride, :]
    return np.dot(kept.reshape(-1, len(Ws)), Ws).reshape(*kept.shape[:3], Ws.shape[1])


def pixel_back_cases(rng):
    cases = []
    for arguments in (one for _, one in pixel_cases(rng)):
        S = pixel_projection.reference(**arguments)
        cases.append(case(dS=rng.normal(size=S.shape), **arguments))
    return cases


@lesson.exercise(
    points=3,
    topic=46,
    equation="(5.21) and (5.22)",
    returns=("dA_prev", "dWs"),
    backward=True,
    cases=pixel_back_cases,
    ask="Which pixels did S never see, and what is their derivative?",
    small={
        "dS": np.array([[[[1.0, 0, 2]]]]),
        "A_prev": SMALL_PIXELS,
        "Ws": np.array([[1.0, 0, 2], [0, 1, 1]]),
        "stride": 2,
    },
)
def pixel_projection_backward(dS, A_prev, Ws, stride):
    """Send the gradient back through `pixel_projection`.

    Parameters
    ----------
    dS : ndarray, shape (m, n_H, n_W, n_C)
        Of the cost J.
    A_prev : ndarray, shape (m, n_H_prev, n_W_prev, n_C_prev)
    Ws : ndarray, shape (n_C_prev, n_C)
    stride : int

    Returns
    -------
    dA_prev, dWs : ndarray
        Of the cost J, of the shapes of A_prev and Ws.
    """
    seen = A_prev[:, ::stride, ::stride]
    dWs = np.einsum("mhwd,mhwc->dc", seen, dS)  # (5.21)
    dA_prev = np.zeros(A_prev.shape)
    dA_prev[:, ::stride, ::stride] = dS @ Ws.T  # (5.22)
    return dA_prev, dWs


def pixel_back(dS, A_prev, Ws, stride, sums=np.sum, factor=1.0, matrix=None, rest=0.0):
    seen = A_prev[:, ::stride, ::stride]
    dWs = factor * sums(seen[..., None] * dS[..., None, :], axis=(0, 1, 2))
    dA_prev = np.full(A_prev.shape, rest)
    dA_prev[:, ::stride, ::stride] = dS @ (Ws.T if matrix is None else matrix)
    return dA_prev, dWs


@pixel_projection_backward.mistake("dWs is a mean over the pixels. Each pixel uses Ws, so their shares add up.")
def pixel_back_mean(*arguments):
    return pixel_back(*arguments, sums=np.mean)


@pixel_projection_backward.mistake(
    "There is a factor 1/m too much. dS is of the cost J, and the mean is in it already."
)
def pixel_back_divided(dS, A_prev, Ws, stride):
    return pixel_back(dS, A_prev, Ws, stride, factor=1 / len(A_prev))


@pixel_projection_backward.mistake(
    "dWs is transposed. Its rows are the channels before, its columns those after, as in Ws."
)
def pixel_back_transposed(*arguments):
    dA_prev, dWs = pixel_back(*arguments)
    return dA_prev, dWs.T


@pixel_projection_backward.mistake("Ws is not transposed on the way back: `dS @ Ws.T`.")
def pixel_back_matrix(dS, A_prev, Ws, stride):
    return pixel_back(dS, A_prev, Ws, stride, matrix=Ws)


@pixel_projection_backward.mistake(
    "Only the pixels that were seen get a gradient here. dA_prev has the shape of A_prev, with zeros for the others."
)
def pixel_back_small(dS, A_prev, Ws, stride):
    return dS @ Ws.T, pixel_back(dS, A_prev, Ws, stride)[1]


@pixel_projection_backward.mistake(
    "Pixels that no window sees get a gradient here, a copy of their neighbour's. They change nothing: 0."
)
def pixel_back_repeated(dS, A_prev, Ws, stride):
    spread = np.repeat(np.repeat(dS @ Ws.T, stride, axis=1), stride, axis=2)
    return spread[:, : A_prev.shape[1], : A_prev.shape[2]], pixel_back(dS, A_prev, Ws, stride)[1]


@pixel_projection_backward.mistake("The order is dA_prev, dWs.")
def pixel_back_order(*arguments):
    return pixel_back(*arguments)[::-1]


@pixel_projection_backward.mistake("dWs is that of the first image alone. Ws acts on every image: add them up.")
def pixel_back_first_image(dS, A_prev, Ws, stride):
    dA_prev, _ = pixel_projection_backward.reference(dS, A_prev, Ws, stride)
    return dA_prev, pixel_projection_backward.reference(dS[:1], A_prev[:1], Ws, stride)[1]


@pixel_projection_backward.accept(
    "One pixel at a time: a dense layer with its outer product, as often as there are pixels."
)
def pixel_back_by_loops(dS, A_prev, Ws, stride):
    dA_prev, dWs = np.zeros(A_prev.shape), np.zeros(Ws.shape)
    for i, h, w in np.ndindex(dS.shape[:3]):
        dA_prev[i, h * stride, w * stride] += Ws @ dS[i, h, w]
        dWs += np.outer(A_prev[i, h * stride, w * stride], dS[i, h, w])
    return dA_prev, dWs


@pixel_projection_backward.accept
def pixel_back_by_rows(dS, A_prev, Ws, stride):
    rows = dS.reshape(-1, Ws.shape[1])
    dA_prev = np.zeros_like(A_prev)
    dA_prev[:, ::stride, ::stride] += (rows @ Ws.T).reshape(*dS.shape[:3], len(Ws))
    return dA_prev, A_prev[:, ::stride, ::stride].reshape(-1, len(Ws)).T @ rows


# --- conv_block_forward ----------------------------------------------------------------------------------------------

#: Examples, height, width, channels before and after, stride; a block whose sizes change has a Ws.
BLOCKS = ((2, 3, 4, 2, 2, 1), (2, 4, 5, 2, 3, 2), (1, 3, 2, 2, 3, 1), (1, 4, 3, 2, 2, 2))


def conv_blocks(rng):
    for m, n_H, n_W, n_prev, n, stride in BLOCKS:
        parameters = {
            "W1": rng.normal(size=(3, 3, n_prev, n)), "b1": rng.normal(size=(1, 1, 1, n)),
            "W2": rng.normal(size=(3, 3, n, n)) / 2, "b2": rng.normal(size=(1, 1, 1, n)),
        }  # fmt: skip
        if stride > 1 or n != n_prev:
            parameters["Ws"] = 2 * rng.normal(size=(n_prev, n))
        yield {"A_prev": rng.normal(size=(m, n_H, n_W, n_prev)), "parameters": parameters, "stride": stride}


def conv_block_cases(rng):
    return [case(**arguments) for arguments in conv_blocks(rng)]


CELL = np.ones((1, 1, 1, 1))
CENTRE = np.zeros((3, 3, 1, 1))
CENTRE[1, 1] = 1.0
SMALL_BLOCK = {"W1": 2 * CENTRE, "b1": -CELL, "W2": 3 * CENTRE, "b2": 0.5 * CELL}


@lesson.exercise(
    points=3,
    topic=46,
    equation="(5.19)",
    returns=("A", "cache"),
    cases=conv_block_cases,
    ask="Which of the two convolutions has the stride, and where must the shortcut have it, too?",
    small={"A_prev": 2 * CELL, "parameters": SMALL_BLOCK},
    why={
        "question": "Why does the second convolution always have stride 1?",
        "choices": {
            "the size is changed once, by the first one, and the shortcut changes it once, too": "Yes: the two sums must have "
            "one shape.",
            "a stride of 2 has no backward pass": "No: lesson 2 derives it for every stride.",
            "its filters are smaller": "No: both are 3 by 3.",
        },
    },
)
def conv_block_forward(A_prev, parameters, stride=1):
    """Compute a residual block of two same convolutions of 3 by 3.

    Parameters
    ----------
    A_prev : ndarray, shape (m, n_H_prev, n_W_prev, n_C_prev)
    parameters : dict
        ``W1`` (3, 3, n_C_prev, n_C), ``b1``, ``b2`` (1, 1, 1, n_C), ``W2`` (3, 3, n_C, n_C), and, where the sizes change,
        ``Ws`` (n_C_prev, n_C).
    stride : int
        Of the first convolution and of the projection.

    Returns
    -------
    A : ndarray, shape (m, n_H, n_W, n_C)
    cache : tuple
        ``(A_prev, cache1, Z1, cache2, Z, parameters, stride)``; cache1 and cache2 come from `conv_forward_fast`.
    """
    Z1, cache1 = conv_forward_fast(A_prev, parameters["W1"], parameters["b1"], {"stride": stride, "pad": 1})
    A1 = np.maximum(Z1, 0)
    Z, cache2 = conv_forward_fast(A1, parameters["W2"], parameters["b2"], {"stride": 1, "pad": 1})
    Z = Z + (pixel_projection(A_prev, parameters["Ws"], stride) if "Ws" in parameters else A_prev)
    A = np.maximum(Z, 0)  # (5.19)
    return A, (A_prev, cache1, Z1, cache2, Z, parameters, stride)


def conv_variant(A_prev, p, stride, inner=relu, outer=relu, join=np.add, skip=None, strides=None):
    """Return what `conv_block_forward` does with other parts."""
    first, second = strides or (stride, 1)
    Z1, cache1 = conv_forward_fast.reference(A_prev, p["W1"], p["b1"], {"stride": first, "pad": 1})
    Z, cache2 = conv_forward_fast.reference(inner(Z1), p["W2"], p["b2"], {"stride": second, "pad": 1})
    S = pixel_projection.reference(A_prev, p["Ws"], stride) if "Ws" in p else A_prev
    S = S if skip is None else skip(S)
    Z = join(Z, S) if S is not None else Z
    return outer(Z), (A_prev, cache1, Z1, cache2, Z, p, stride)


@conv_block_forward.mistake("The shortcut is missing: this is a plain pair of convolutions.")
def conv_plain(A_prev, parameters, stride=1):
    return conv_variant(A_prev, parameters, stride, join=lambda Z, S: Z)


@conv_block_forward.mistake("The ReLU between the two convolutions is missing: the second one gets relu(Z1).")
def conv_without_inner_relu(A_prev, parameters, stride=1):
    return conv_variant(A_prev, parameters, stride, inner=lambda Z: Z)


@conv_block_forward.mistake("The last ReLU is missing: A = relu(Z).")
def conv_without_outer_relu(A_prev, parameters, stride=1):
    return conv_variant(A_prev, parameters, stride, outer=lambda Z: Z)


@conv_block_forward.mistake("The shortcut is added after the last ReLU. It is added to the score, before it.")
def conv_added_after_relu(A_prev, parameters, stride=1):
    A, cache = conv_variant(A_prev, parameters, stride, join=lambda Z, S: Z)
    S = pixel_projection.reference(A_prev, parameters["Ws"], stride) if "Ws" in parameters else A_prev
    return A + S, cache


@conv_block_forward.mistake("The shortcut goes through a ReLU. It is linear: what is negative stays negative.")
def conv_relu_on_shortcut(A_prev, parameters, stride=1):
    return conv_variant(A_prev, parameters, stride, skip=relu)


@conv_block_forward.mistake(
    "The second convolution has the stride. The first one has it: the second works on the smaller volume."
)
def conv_stride_in_second(A_prev, parameters, stride=1):
    return conv_variant(A_prev, parameters, stride, strides=(1, stride))


@conv_block_forward.mistake("The shortcut is added twice. It is added once.")
def conv_added_twice(A_prev, parameters, stride=1):
    return conv_variant(A_prev, parameters, stride, join=lambda Z, S: Z + 2 * S)


@conv_block_forward.mistake(
    "Input and projection are both added. Where there is a Ws, the projection alone is the shortcut."
)
def conv_both(A_prev, parameters, stride=1):
    if "Ws" in parameters:
        cut = A_prev[:, ::stride, ::stride]
        return conv_variant(
            A_prev, parameters, stride, skip=lambda S: S + cut if S.shape == cut.shape else S + cut.sum()
        )
    return conv_variant(A_prev, parameters, stride)


@conv_block_forward.mistake(
    "The ReLU is taken before the sum: relu(Z) plus the shortcut. Add the shortcut first; then A = relu(Z)."
)
def conv_relu_before_the_sum(A_prev, parameters, stride=1):
    _, cache = conv_block_forward.reference(A_prev, parameters, stride)
    S = pixel_projection.reference(A_prev, parameters["Ws"], stride) if "Ws" in parameters else A_prev
    return relu(cache[4] - S) + S, cache


@conv_block_forward.mistake("The stride is not used. The first convolution and the projection have it.")
def conv_stride_not_used(A_prev, parameters, stride=1):
    return conv_block_forward.reference(A_prev, parameters)


@conv_block_forward.accept("The projection is a convolution with f = 1 and bias 0, so one function makes all three.")
def conv_of_three_convolutions(A_prev, parameters, stride=1):
    p = parameters
    Z1, cache1 = conv_forward_fast.reference(A_prev, p["W1"], p["b1"], {"stride": stride, "pad": 1})
    Z, cache2 = conv_forward_fast.reference(Z1 * (Z1 > 0), p["W2"], p["b2"], {"stride": 1, "pad": 1})
    S = A_prev
    if p.get("Ws") is not None:
        none = np.zeros((1, 1, 1, p["Ws"].shape[1]))
        S, _ = conv_forward_fast.reference(A_prev, p["Ws"][None, None], none, {"stride": stride, "pad": 0})
    Z = Z + S
    return np.where(Z > 0, Z, 0), (A_prev, cache1, Z1, cache2, Z, p, stride)


@conv_block_forward.accept
def conv_unit_matrix(A_prev, parameters, stride=1):
    Ws = parameters.get("Ws", np.eye(A_prev.shape[3]))
    A, cache = conv_variant(A_prev, parameters, stride, skip=lambda S: A_prev[:, ::stride, ::stride] @ Ws)
    return A.copy(), cache


# --- conv_block_backward ---------------------------------------------------------------------------------------------


def conv_block_back_cases(rng):
    cases = []
    for arguments in conv_blocks(rng):
        A, cache = conv_block_forward.reference(**arguments)
        cases.append(case(dA=rng.normal(size=A.shape) + 0.3, cache=cache))
    # Scores of exactly 0, a little below and a little above: the ReLU lets back only the last.
    A, (A_prev, cache1, Z1, cache2, Z, parameters, stride) = conv_block_forward.reference(**next(conv_blocks(rng)))
    for scores in (Z1, Z):
        scores[0, 0, :3, 0] = 0.0, -0.05, 0.05
    _, cache2 = conv_forward_fast.reference(relu(Z1), parameters["W2"], parameters["b2"], {"stride": 1, "pad": 1})
    cases.append(case(dA=rng.normal(size=A.shape) + 0.3, cache=(A_prev, cache1, Z1, cache2, Z, parameters, stride)))
    return cases


@lesson.exercise(
    points=4,
    topic=46,
    equation="(5.23)",
    returns=("dA_prev", "grads"),
    backward=True,
    cases=conv_block_back_cases,
    ask="It is the dense block again. Which line of its backward pass does each of your convolutional functions replace?",
    small={"dA": CELL, "cache": conv_block_forward.reference(2 * CELL, SMALL_BLOCK)[1]},
)
def conv_block_backward(dA, cache):
    """Send the gradient back through `conv_block_forward`.

    Parameters
    ----------
    dA : ndarray, shape (m, n_H, n_W, n_C)
        Of the cost J.
    cache : tuple
        From `conv_block_forward`.

    Returns
    -------
    dA_prev : ndarray, shape (m, n_H_prev, n_W_prev, n_C_prev)
    grads : dict
        ``dW1``, ``db1``, ``dW2``, ``db2`` and, if there is a Ws, ``dWs``.
    """
    A_prev, cache1, Z1, cache2, Z, parameters, stride = cache
    dZ = dA * (Z > 0)
    dA1, dW2, db2 = conv_backward_fast(dZ, cache2)
    dA_prev, dW1, db1 = conv_backward_fast(dA1 * (Z1 > 0), cache1)
    grads = {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}
    if "Ws" in parameters:
        through, grads["dWs"] = pixel_projection_backward(dZ, A_prev, parameters["Ws"], stride)
    else:
        through = dZ
    dA_prev = dA_prev + through  # (5.23)
    return dA_prev, grads


def conv_back_variant(dA, cache, outer=True, inner=True, skip=1.0, skip_of_dA=False, layers=1.0, factor=1.0):
    """Return what `conv_block_backward` does with other parts."""
    A_prev, cache1, Z1, cache2, Z, p, stride = cache
    dZ = dA * (Z > 0) if outer else dA
    dA1, dW2, db2 = conv_backward_fast.reference(dZ, cache2)
    dA_prev, dW1, db1 = conv_backward_fast.reference(dA1 * (Z1 > 0) if inner else dA1, cache1)
    grads = {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}
    through = dA if skip_of_dA else dZ
    if "Ws" in p:
        _, grads["dWs"] = pixel_projection_backward.reference(dZ, A_prev, p["Ws"], stride)
        through, _ = pixel_projection_backward.reference(through, A_prev, p["Ws"], stride)
    return layers * dA_prev + skip * through, {name: factor * grad for name, grad in grads.items()}


@conv_block_backward.mistake("The gradient of the shortcut is lost. The input reaches Z on two ways: add both.")
def conv_back_skip_lost(dA, cache):
    return conv_back_variant(dA, cache, skip=0.0)


@conv_block_backward.mistake("Only the shortcut comes back in dA_prev. Add what comes through the two convolutions.")
def conv_back_skip_only(dA, cache):
    return conv_back_variant(dA, cache, layers=0.0)


@conv_block_backward.mistake("dA runs along the shortcut. It ends before the last ReLU: dZ runs along it.")
def conv_back_skip_of_dA(dA, cache):
    return conv_back_variant(dA, cache, skip_of_dA=True)


@conv_block_backward.mistake("The slope of the last ReLU is missing: dZ = dA where Z is positive, and 0 elsewhere.")
def conv_back_without_outer(dA, cache):
    return conv_back_variant(dA, cache, outer=False)


@conv_block_backward.mistake("The slope of the inner ReLU is missing: nothing goes back where Z1 is negative.")
def conv_back_without_inner(dA, cache):
    return conv_back_variant(dA, cache, inner=False)


@conv_block_backward.mistake("There is a factor 1/m too much. dA is of the cost J, and the mean is in it already.")
def conv_back_divided(dA, cache):
    return conv_back_variant(dA, cache, factor=1 / len(dA))


@conv_block_backward.mistake("The gradient of the shortcut is subtracted. Both ways lead to Z with a plus: add.")
def conv_back_subtracted(dA, cache):
    return conv_back_variant(dA, cache, skip=-1.0)


@conv_block_backward.mistake(
    'Where there is a Ws, its gradient is missing: grads["dWs"] from `pixel_projection_backward`.'
)
def conv_back_without_dWs(dA, cache):
    dA_prev, grads = conv_back_variant(dA, cache)
    return dA_prev, {name: grad for name, grad in grads.items() if name != "dWs"}


@conv_block_backward.mistake(
    'Where there is no Ws, grads has a "dWs" all the same. Leave the key out: nobody has such a parameter.'
)
def conv_back_dWs_without_Ws(dA, cache):
    dA_prev, grads = conv_back_variant(dA, cache)
    return dA_prev, {"dWs": None} | grads


@conv_block_backward.accept("The ways in the other order: the shortcut first, and the layers are added to it.")
def conv_back_shortcut_first(dA, cache):
    A_prev, cache1, Z1, cache2, Z, p, stride = cache
    dZ, grads = np.where(Z > 0, dA, 0.0), {}
    dA_prev = dZ.copy()
    if "Ws" in p:
        dA_prev, grads["dWs"] = pixel_projection_backward.reference(dZ, A_prev, p["Ws"], stride)
    dA1, grads["dW2"], grads["db2"] = conv_backward_fast.reference(dZ, cache2)
    layers, grads["dW1"], grads["db1"] = conv_backward_fast.reference(np.where(Z1 > 0, dA1, 0.0), cache1)
    dA_prev += layers
    return dA_prev, grads


@conv_block_backward.accept
def conv_back_example_by_example(dA, cache):
    A_prev, _, _, _, _, p, stride = cache
    parts, total = [], None
    for i in range(len(dA)):
        _, one = conv_block_forward.reference(A_prev[i : i + 1], p, stride)
        one = (*one[:2], cache[2][i : i + 1], *one[3:4], cache[4][i : i + 1], p, stride)
        windows = cache[3][0].reshape(len(dA), -1, cache[3][0].shape[1])[i]
        dA_one, grads = conv_back_variant(
            dA[i : i + 1], (*one[:3], (windows, (1, *cache[3][1][1:]), *cache[3][2:]), *one[4:])
        )
        parts.append(dA_one)
        total = grads if total is None else {name: total[name] + grads[name] for name in grads}
    return np.concatenate(parts), total
