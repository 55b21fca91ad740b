"""A GRU and attention as pairs of functions, for a model that translates; lesson 5.12.

They compute what lessons 5.3 and 5.9 derive. Tokens are whole numbers (m, T), which stand for one-hot columns that are
never built; states are (n_a, m, T). ``dV`` is the derivative of the cost J by V for every V; the factor 1/m enters
once, in the loss. A ``mask`` is True where a query may look, and broadcasts to the shape (m, T_q, T_k).
"""

import math

import numpy as np


def gru_forward(tokens, c0, parameters):
    """Return the states c (n_a, m, T) of a GRU and a cache for the way back, as lesson 5.3 derives it.

    Parameters
    ----------
    tokens : ndarray of int, shape (m, T)
        The input of each step is the one-hot column of its token.
    c0 : ndarray, shape (n_a, m)
        The state before the first step.
    parameters : dict
        ``Wu``, ``Wr``, ``Wc`` (n_a, n_a + n_x), state first, then input; ``bu``, ``br``, ``bc`` (n_a, 1).
    """
    n, (m, T) = len(c0), tokens.shape
    W = np.concatenate([parameters["W" + name] for name in "urc"])
    b = np.concatenate([parameters["b" + name] for name in "urc"])
    both, candidate = W[: 2 * n, :n].T, W[2 * n :, :n].T
    Z = (W[:, n:] + b).T[tokens.T]  # (T, m, 3n): what the token of each step adds, and the biases
    states, reset = np.empty((T + 1, m, n)), np.empty((T, m, n))
    states[0] = c0.T
    for t in range(T):
        gates, new = Z[t, :, : 2 * n], Z[t, :, 2 * n :]
        gates += states[t] @ both
        gates[...] = 0.5 + 0.5 * np.tanh(0.5 * gates)  # the logistic function
        np.multiply(gates[:, n:], states[t], out=reset[t])
        new += reset[t] @ candidate
        np.tanh(new, out=new)
        states[t + 1] = states[t] + gates[:, :n] * (new - states[t])
    return states[1:].transpose(2, 1, 0), (tokens, W, Z, states, reset)


def gru_backward(dc, cache):
    """Send the gradient back through `gru_forward`.

    Parameters
    ----------
    dc : ndarray, shape (n_a, m, T)
        Derivative of J by each state, without what later steps add.
    cache : tuple
        From `gru_forward`.

    Returns
    -------
    dc0 : ndarray, shape (n_a, m)
    gradients : dict
        ``dWu``, ``dbu``, ``dWr``, ``dbr``, ``dWc``, ``dbc``.
    """
    tokens, W, Z, states, reset = cache
    n, (m, T) = W.shape[0] // 3, tokens.shape
    both, candidate = W[: 2 * n, :n], W[2 * n :, :n]
    arrived, dZ, total = dc.transpose(2, 1, 0), np.empty_like(Z), np.zeros((m, n))
    for t in reversed(range(T)):
        total = total + arrived[t]
        update, open_, new = Z[t, :, :n], Z[t, :, n : 2 * n], Z[t, :, 2 * n :]
        through = total * update
        np.multiply(through, 1 - new**2, out=dZ[t, :, 2 * n :])
        dreset = dZ[t, :, 2 * n :] @ candidate
        dZ[t, :, :n] = through * (new - states[t]) * (1 - update)
        dZ[t, :, n : 2 * n] = dreset * reset[t] * (1 - open_)
        total = total - through + dreset * open_ + dZ[t, :, : 2 * n] @ both
    flat = dZ.reshape(T * m, -1)
    before = states[:-1].reshape(T * m, n)
    picks = np.zeros((T * m, W.shape[1] - n))
    picks[np.arange(T * m), tokens.T.ravel()] = 1
    dWx, db = flat.T @ picks, flat.sum(axis=0)[:, None]
    gradients = {}
    for place, (name, old) in enumerate((("u", before), ("r", before), ("c", reset.reshape(T * m, n)))):
        rows = slice(place * n, (place + 1) * n)
        gradients["dW" + name] = np.concatenate([flat[:, rows].T @ old, dWx[rows]], axis=1)
        gradients["db" + name] = db[rows]
    return total.T, gradients


def padding_mask(lengths, T_k):
    """Return where a query may look if example i has `lengths[i]` real steps: bool, (m, 1, T_k)."""
    return np.arange(T_k) < np.asarray(lengths)[:, None, None]


def scaled_dot_product_attention(Q, K, V, mask):
    """Return O (d_v, m, T_q) and the cache ``(Q, K, V, A)``, weights A (m, T_q, T_k), as lesson 5.9 derives it.

    Parameters
    ----------
    Q : ndarray, shape (d_k, m, T_q)
    K : ndarray, shape (d_k, m, T_k)
    V : ndarray, shape (d_v, m, T_k)
    mask : ndarray of bool
    """
    S = Q.transpose(1, 2, 0) @ K.transpose(1, 0, 2) / math.sqrt(len(Q))
    S = np.where(mask, S, -1e9)
    E = np.exp(S - S.max(axis=-1, keepdims=True)) * mask
    A = E / np.maximum(1, E.sum(axis=-1, keepdims=True))
    return (A @ V.transpose(1, 2, 0)).transpose(2, 0, 1), (Q, K, V, A)


def attention_backward(dO, cache):
    """Return dQ, dK and dV of `scaled_dot_product_attention`, each in the shape of what it belongs to."""
    Q, K, V, A = cache
    dO = dO.transpose(1, 2, 0)
    dA = dO @ V.transpose(1, 0, 2)
    dS = A * (dA - np.sum(A * dA, axis=-1, keepdims=True)) / math.sqrt(len(Q))
    dQ = (dS @ K.transpose(1, 2, 0)).transpose(2, 0, 1)
    dK = (dS.swapaxes(1, 2) @ Q.transpose(1, 2, 0)).transpose(2, 0, 1)
    dV = (A.swapaxes(1, 2) @ dO).transpose(2, 0, 1)
    return dQ, dK, dV
