"""Fast attention, and networks of transformer blocks whose passes are given, such as a learner's; from lesson 5.10 on.

Sequences are (n, m, T), tokens whole numbers (m, T), scores (n_y, m, T). ``dV`` is the derivative of the cost J by V
for every V; the factor 1/m enters once, in the loss. A ``mask`` is True where a query may look, and broadcasts to the
shape (m, T_q, T_k).
"""

from typing import NamedTuple

import numpy as np

from helpers.widgets.fast_cnn import Layer

_ATTENTION = [kind + name for name in "QKVO" for kind in "Wb"]


def dense(W, b, X):
    """Return W x + b for each example and step: (n, m, T) from X, (n_x, m, T)."""
    return (W @ X.reshape(len(X), -1) + b).reshape(-1, *X.shape[1:])


def dense_backward(dZ, W, X):
    """Return dX, dW and db of `dense`."""
    flat = dZ.reshape(len(dZ), -1)
    return (W.T @ flat).reshape(X.shape), flat @ X.reshape(len(X), -1).T, flat.sum(axis=1, keepdims=True)


def multi_head_attention(X_q, X_kv, parameters, num_heads, mask):
    """Return attention with several heads, Y (n, m, T_q), and a cache for the way back, as lesson 5.9 derives it.

    Parameters
    ----------
    X_q, X_kv : ndarray, shape (n_q, m, T_q) and (n_kv, m, T_k)
    parameters : dict
        ``WQ``, ``bQ``, ``WK``, ``bK``, ``WV``, ``bV``, ``WO``, ``bO``; others are left alone.
    num_heads : int
    mask : ndarray of bool
    """
    used = {name: parameters[name] for name in _ATTENTION}
    Q, K, V = (
        dense(used["W" + name], used["b" + name], X).reshape(num_heads, -1, *X.shape[1:])
        for name, X in (("Q", X_q), ("K", X_kv), ("V", X_kv))
    )
    mask = mask[:, None] if np.ndim(mask) == 3 else mask
    S = Q.transpose(2, 0, 3, 1) @ K.transpose(2, 0, 1, 3) / np.sqrt(Q.shape[1])
    S = np.where(mask, S, -1e9)
    E = np.exp(S - S.max(axis=-1, keepdims=True)) * mask
    A = E / np.maximum(1, E.sum(axis=-1, keepdims=True))
    H = (V.transpose(2, 0, 1, 3) @ A.swapaxes(2, 3)).transpose(1, 2, 0, 3).reshape(-1, *X_q.shape[1:])
    return dense(used["WO"], used["bO"], H), (X_q, X_kv, used, Q, K, V, A, H)


def multi_head_backward(dY, cache):
    """Return a dict with the gradients ``dX_q``, ``dX_kv``, ``dWQ``, ``dbQ``, ... ``dbO`` of `multi_head_attention`."""
    X_q, X_kv, parameters, Q, K, V, A, H = cache
    found = {}
    dH, found["dWO"], found["dbO"] = dense_backward(dY, parameters["WO"], H)
    dO = dH.reshape(len(V), -1, *dY.shape[1:]).transpose(2, 0, 1, 3)
    dA = dO.swapaxes(2, 3) @ V.transpose(2, 0, 1, 3)
    dP = A * (dA - np.sum(A * dA, axis=-1, keepdims=True)) / np.sqrt(Q.shape[1])
    dQ = K.transpose(2, 0, 1, 3) @ dP.swapaxes(2, 3)
    dK = Q.transpose(2, 0, 1, 3) @ dP
    for name, part, X in (("Q", dQ, X_q), ("K", dK, X_kv), ("V", dO @ A, X_kv)):
        flat = part.transpose(1, 2, 0, 3).reshape(-1, *X.shape[1:])
        dX, found["dW" + name], found["db" + name] = dense_backward(flat, parameters["W" + name], X)
        found["dX_q" if name == "Q" else "dX_kv"] = dX + (found["dX_kv"] if name == "V" else 0)
    return found


class Functions(NamedTuple):
    """The functions of a transformer, such as a learner's: two passes of a block, two of a layer norm, positions."""

    block_forward: callable
    block_backward: callable
    norm_forward: callable
    norm_backward: callable
    positions: callable


class Block(Layer):
    """A transformer block: ``forward(x, mask)``, by `functions`.

    Matrices are drawn with standard deviation 1/√(their columns), biases and beta are 0, gamma is 1.

    Parameters
    ----------
    functions : Functions
    n, n_h, num_heads : int
        Rows of the sequence, units of the feed-forward layer.
    rng : Generator
    """

    def __init__(self, functions, n, n_h, num_heads, rng):
        super().__init__()
        self.functions, self.num_heads = functions, num_heads
        shapes = dict.fromkeys("QKVO", (n, n)) | {"1": (n_h, n), "2": (n, n_h)}
        for name, shape in shapes.items():
            self.parameters["W" + name] = rng.standard_normal(shape) / np.sqrt(shape[1])
            self.parameters["b" + name] = np.zeros((shape[0], 1))
        for number in "12":
            self.parameters |= {"gamma" + number: np.ones((n, 1)), "beta" + number: np.zeros((n, 1))}

    def forward(self, x, mask):
        y, self.cache = self.functions.block_forward(x, self.parameters, self.num_heads, mask)
        return y

    def backward(self, dy):
        dx, found = self.functions.block_backward(dy, self.cache)
        self.gradients = {name: found["d" + name] for name in self.parameters}
        return dx


class Transformer(Layer):
    """Tokens, embedded, plus positions, then blocks, a layer norm and a dense output: scores (n_y, m, T).

    Parameters
    ----------
    functions : Functions
    n_tokens, n_y : int
        Sizes of the vocabulary and of the output.
    rng : Generator
    n, n_h, num_heads, blocks : int
    positions : bool
        Whether positions are added.
    causal : callable, optional
        ``causal(T)`` returns the mask of a sequence of length T; without it all may be looked at.
    final_norm : bool
    """

    def __init__(
        self, functions, n_tokens, n_y, rng, n=32, n_h=64, num_heads=4, blocks=1, positions=True, causal=None,
        final_norm=True,
    ):  # fmt: skip
        super().__init__()
        self.functions, self.causal, self.positions, self.final_norm = functions, causal, positions, final_norm
        self.parameters = {
            "E": rng.standard_normal((n, n_tokens)),
            "W": rng.standard_normal((n_y, n)) / np.sqrt(n),
            "b": np.zeros((n_y, 1)),
        }
        if final_norm:
            self.parameters |= {"gamma": np.ones((n, 1)), "beta": np.zeros((n, 1))}
        self.blocks = [Block(functions, n, n_h, num_heads, rng) for _ in range(blocks)]

    def parts(self):
        return [*self.blocks, self]

    def forward(self, tokens):
        T, p = tokens.shape[1], self.parameters
        self.tokens, a = tokens, p["E"][:, tokens]
        if self.positions:
            a = a + self.functions.positions(len(a), T)[:, None]
        mask = np.ones((T, T), dtype=bool) if self.causal is None else self.causal(T)
        for block in self.blocks:
            a = block.forward(a, mask)
        if self.final_norm:
            a, self.norm = self.functions.norm_forward(a, p["gamma"], p["beta"], 1e-5)
        self.last = a
        return dense(p["W"], p["b"], a)

    def backward(self, dscores):
        found = {}
        da, found["W"], found["b"] = dense_backward(dscores, self.parameters["W"], self.last)
        if self.final_norm:
            da, found["gamma"], found["beta"] = self.functions.norm_backward(da, self.norm)
        for block in reversed(self.blocks):
            da = block.backward(da)
        found["E"] = np.zeros_like(self.parameters["E"])
        np.add.at(found["E"].T, self.tokens.ravel(), da.reshape(len(da), -1).T)
        self.gradients = found
        return da
