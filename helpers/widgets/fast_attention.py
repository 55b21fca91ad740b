"""Fast attention, blocks, and networks of blocks whose passes are given, such as a learner's; from lesson 5.10 on.

Sequences are (n, m, T), tokens whole numbers (m, T), scores (n_y, m, T). ``dV`` is the derivative of the cost J by V
for every V; the factor 1/m enters once, in the loss. A ``mask`` is True where a query may look, and broadcasts to the
shape (m, T_q, T_k).
"""

import math
from typing import NamedTuple

import numpy as np
from scipy.special import erf

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
    S = Q.transpose(2, 0, 3, 1) @ K.transpose(2, 0, 1, 3) / math.sqrt(Q.shape[1])
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
    dP = A * (dA - np.sum(A * dA, axis=-1, keepdims=True)) / math.sqrt(Q.shape[1])
    dQ = K.transpose(2, 0, 1, 3) @ dP.swapaxes(2, 3)
    dK = Q.transpose(2, 0, 1, 3) @ dP
    for name, part, X in (("Q", dQ, X_q), ("K", dK, X_kv), ("V", dO @ A, X_kv)):
        flat = part.transpose(1, 2, 0, 3).reshape(-1, *X.shape[1:])
        dX, found["dW" + name], found["db" + name] = dense_backward(flat, parameters["W" + name], X)
        found["dX_q" if name == "Q" else "dX_kv"] = dX + (found["dX_kv"] if name == "V" else 0)
    return found


def causal_mask(T):
    """Return the mask (T, T) with which no step looks at a later one."""
    return np.tri(T, dtype=bool)


def layer_norm_forward(x, gamma, beta, epsilon):
    """Return layer normalisation, (n, m, T), and its cache ``(x_hat, s, gamma)``, as lesson 5.10 derives it."""
    centred = x - x.mean(axis=0, keepdims=True)
    s = np.sqrt(np.mean(centred**2, axis=0, keepdims=True) + epsilon)
    x_hat = centred / s
    return gamma[:, :, None] * x_hat + beta[:, :, None], (x_hat, s, gamma)


def layer_norm_backward(dy, cache):
    """Return dx, dgamma and dbeta of `layer_norm_forward`."""
    x_hat, s, gamma = cache
    product, d = dy * x_hat, dy * gamma[:, :, None]
    dx = (d - d.mean(axis=0, keepdims=True) - x_hat * np.mean(d * x_hat, axis=0, keepdims=True)) / s
    return dx, product.sum(axis=(1, 2))[:, None], dy.sum(axis=(1, 2))[:, None]


def transformer_block_forward(x, parameters, num_heads, mask):
    """Return what a pre-norm block makes of x, (n, m, T), and a cache for the way back, as lesson 5.10 derives it.

    Parameters
    ----------
    x : ndarray, shape (n, m, T)
    parameters : dict
        Those of `multi_head_attention`, ``W1``, ``b1``, ``W2``, ``b2``, ``gamma1``, ``beta1``, ``gamma2``, ``beta2``.
    num_heads : int
    mask : ndarray of bool
    """
    p = parameters
    u, norm1 = layer_norm_forward(x, p["gamma1"], p["beta1"], 1e-5)
    h, attention = multi_head_attention(u, u, p, num_heads, mask)
    a = x + h
    v, norm2 = layer_norm_forward(a, p["gamma2"], p["beta2"], 1e-5)
    z = dense(p["W1"], p["b1"], v)
    share = 0.5 * (1 + erf(z / math.sqrt(2)))
    y = a + dense(p["W2"], p["b2"], z * share)
    return y, (norm1, attention, norm2, (v, z, share, p["W1"], p["W2"]))


def transformer_block_backward(dy, cache):
    """Return dx and the dict of all gradients, ``dWQ`` to ``dbeta2``, of `transformer_block_forward`."""
    norm1, attention, norm2, (v, z, share, W1, W2) = cache
    found = {}
    da, found["dW2"], found["db2"] = dense_backward(dy, W2, z * share)
    dz = da * (share + z * np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi))
    dv, found["dW1"], found["db1"] = dense_backward(dz, W1, v)
    through, found["dgamma2"], found["dbeta2"] = layer_norm_backward(dv, norm2)
    da = dy + through
    found |= multi_head_backward(da, attention)
    through, found["dgamma1"], found["dbeta1"] = layer_norm_backward(found.pop("dX_q") + found.pop("dX_kv"), norm1)
    return da + through, found


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
        Whether positions are added: by `functions`, or from a learned table ``parameters["P"]`` where there is one.
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
        if "P" in p:
            a = a + p["P"][:, None, :T]
        elif self.positions:
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
        if "P" in self.parameters:
            found["P"] = np.zeros_like(self.parameters["P"])
            found["P"][:, : da.shape[2]] = da.sum(axis=1)
        self.gradients = found
        return da
