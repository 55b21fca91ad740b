"""Fast recurrent layers and trainers, for the trainings of lessons 5.1 to 5.6; attention for those from 5.9 on.

Sequences are (n_x, m, T_x), states (n_a, m, T_x), scores (n_y, m, T_x). An input of whole numbers, shape (m, T_x),
means one-hot columns with n_x entries, which are never built. ``dV`` is the derivative of the cost J by V for every V;
the factor 1/m enters once, in the loss. A ``mask``, shape (m, T_x), is 1 at real steps and 0 at padding: there the
state stays as it was, so the state at the last step is the one after the last real step. Layers have ``forward``,
``backward``, and the dicts ``parameters`` and ``gradients``, as those of `helpers.widgets.fast_cnn` do.
"""

import numpy as np
from scipy.sparse import csr_matrix

from helpers.widgets import progress
from helpers.widgets.fast_cnn import Adam, Layer


def _swapped(array):
    """Return an array with its first and third axis swapped: (n, m, T) to (T, m, n) and back, without a copy."""
    return array.transpose(2, 1, 0)


class Recurrent(Layer):
    """What plain, GRU and LSTM layers share. Their units, times `blocks`, are stacked in three parameters.

    ``Wx`` (blocks·n_a, n_x) is drawn with standard deviation 1/√n_x, each block of ``Wa`` (blocks·n_a, n_a) is a
    random orthogonal matrix, ``b`` (blocks·n_a, 1) is 0. After `forward`, ``state`` is the last state, to go on with.
    After `backward`, ``da`` (n_a, m, T_x) holds the derivative of J by each state, with all that later steps add.

    Parameters
    ----------
    n_x, n_a : int
        Size of the input, where it is one-hot of the vocabulary, and of the state.
    rng : Generator
    first : bool
        True for the first layer of a network: the derivative by the input is not computed.
    dtype : type
        Of the parameters and so of all that is computed.
    """

    blocks = 1

    def __init__(self, n_x, n_a, rng, first=False, dtype=np.float32):
        super().__init__()
        self.n_x, self.n_a, self.first = n_x, n_a, first
        orthogonal = [np.linalg.qr(rng.standard_normal((n_a, n_a)))[0] for _ in range(self.blocks)]
        drawn = {
            "Wx": rng.standard_normal((self.blocks * n_a, n_x)) / np.sqrt(n_x),
            "Wa": np.concatenate(orthogonal),
            "b": np.zeros((self.blocks * n_a, 1)),
        }
        self.parameters = {name: V.astype(dtype) for name, V in drawn.items()}

    def forward(self, x, mask=None, state=None):
        """Return the states (n_a, m, T_x); `state` is an earlier ``state`` of the layer, at the start zeros."""
        Wx, b = self.parameters["Wx"], self.parameters["b"]
        if x.ndim == 2:  # whole numbers: each picks a column of Wx
            if np.min(x, initial=0) < 0:  # a sparse matrix would read what is not there
                raise IndexError(f"symbols have the numbers 0 to {self.n_x - 1}, one of these has {np.min(x)}")
            T, m = x.T.shape
            picks = (np.ones(T * m, dtype=Wx.dtype), x.T.ravel(), np.arange(T * m + 1))
            self.rows, Z = csr_matrix(picks, shape=(T * m, self.n_x)), np.ascontiguousarray(Wx.T)[x.T]
        else:
            _, m, T = x.shape
            self.rows = _swapped(x).reshape(T * m, self.n_x).astype(Wx.dtype, copy=False)
            Z = (self.rows @ Wx.T).reshape(T, m, len(b))
        Z += b.T
        self.real = [None] * T if mask is None else [self._real(mask[:, t], Wx.dtype) for t in range(T)]
        states = np.empty((T, m, self.n_a), dtype=Wx.dtype)
        self._run(Z, states, state)
        return _swapped(states)

    @staticmethod
    def _real(column, dtype):
        """Return one step of the mask, shape (m, 1), or None where all examples are real."""
        return None if np.all(column) else np.asarray(column, dtype=dtype)[:, None]

    def backward(self, da):
        Wx = self.parameters["Wx"]
        T, m = da.shape[2], da.shape[1]
        total = np.array(_swapped(da), dtype=Wx.dtype, order="C")
        dZ = np.empty((T, m, len(Wx)), dtype=Wx.dtype)
        dWa = self._run_back(total, dZ)
        self.da = _swapped(total)
        flat = dZ.reshape(T * m, -1)
        self.gradients = {"Wx": (self.rows.T @ flat).T, "Wa": dWa, "b": flat.sum(axis=0)[:, None]}
        return None if self.first else _swapped((flat @ Wx).reshape(T, m, self.n_x))

    def _start(self, state, m):
        """Return the state before the first step, shape (m, n_a)."""
        dtype = self.parameters["Wa"].dtype
        return np.zeros((m, self.n_a), dtype=dtype) if state is None else np.asarray(state, dtype=dtype).T

    def _shifted(self, start, states):
        """Return the states before each step, one row for each example and step."""
        return np.concatenate([start[None], states[:-1]]).reshape(-1, self.n_a)


def _keep(new, old, real):
    """Return the new values at real steps and the old ones at padding."""
    return new if real is None else old + real[:, :1] * (new - old)


class RNN(Recurrent):
    """A plain recurrent layer: a⟨t⟩ = tanh(Wx x⟨t⟩ + Wa a⟨t−1⟩ + b)."""

    def _run(self, Z, states, state):
        back = self.parameters["Wa"].T
        self.start, self.states = self._start(state, Z.shape[1]), states
        a = self.start
        for t, real in enumerate(self.real):
            z = Z[t]
            z += a @ back
            a = _keep(np.tanh(z, out=z), a, real)
            states[t] = a
        self.state = a.T

    def _run_back(self, total, dZ):
        Wa, slope = self.parameters["Wa"], 1 - self.states**2
        for t in reversed(range(len(total))):
            dz = np.multiply(total[t], slope[t], out=dZ[t])
            if self.real[t] is not None:
                dz *= self.real[t]
            if t:
                total[t - 1] += dz @ Wa
                if self.real[t] is not None:
                    total[t - 1] += (1 - self.real[t]) * total[t]
        return dZ.reshape(-1, self.n_a).T @ self._shifted(self.start, self.states)


class GRU(Recurrent):
    """A gated recurrent unit with full gates; the blocks are Γ_u, Γ_r and c̃, and the state is c = a.

    c̃ = tanh(W_c [Γ_r ∗ c⟨t−1⟩ ; x⟨t⟩] + b_c), c⟨t⟩ = Γ_u ∗ c̃ + (1 − Γ_u) ∗ c⟨t−1⟩.
    """

    blocks = 3

    def _run(self, Z, states, state):
        n, Wa = self.n_a, self.parameters["Wa"]
        both, candidate = Wa[: 2 * n].T, Wa[2 * n :].T
        self.start, self.states, self.Z = self._start(state, Z.shape[1]), states, Z
        self.reset = np.empty_like(states)
        a = self.start
        for t, real in enumerate(self.real):
            gates, new = Z[t, :, : 2 * n], Z[t, :, 2 * n :]
            gates += a @ both
            gates[...] = 0.5 + 0.5 * np.tanh(0.5 * gates)  # the logistic function
            reset = np.multiply(gates[:, n:], a, out=self.reset[t])
            new += reset @ candidate
            np.tanh(new, out=new)
            a = _keep(a + gates[:, :n] * (new - a), a, real)
            states[t] = a
        self.state = a.T

    def _run_back(self, total, dZ):
        n, Wa = self.n_a, self.parameters["Wa"]
        before = self._shifted(self.start, self.states).reshape(self.states.shape)
        for t in reversed(range(len(total))):
            update, reset, new = self.Z[t, :, :n], self.Z[t, :, n : 2 * n], self.Z[t, :, 2 * n :]
            da = total[t] if self.real[t] is None else total[t] * self.real[t]
            dZ[t, :, 2 * n :] = da * update * (1 - new**2)
            dreset = dZ[t, :, 2 * n :] @ Wa[2 * n :]
            dZ[t, :, :n] = da * (new - before[t]) * update * (1 - update)
            dZ[t, :, n : 2 * n] = dreset * before[t] * reset * (1 - reset)
            if t:
                total[t - 1] += total[t] - da * update + dreset * reset + dZ[t, :, : 2 * n] @ Wa[: 2 * n]
        flat = dZ.reshape(-1, 3 * n)
        gates = flat[:, : 2 * n].T @ before.reshape(-1, n)
        return np.concatenate([gates, flat[:, 2 * n :].T @ self.reset.reshape(-1, n)])


class LSTM(Recurrent):
    """Long short-term memory; the blocks are Γ_f, Γ_u, Γ_o and c̃. The biases of Γ_f start at `forget`.

    c⟨t⟩ = Γ_u ∗ c̃ + Γ_f ∗ c⟨t−1⟩, a⟨t⟩ = Γ_o ∗ tanh(c⟨t⟩). ``state`` is the pair of a and c; `backward` leaves
    ``dc`` too, the derivative of J by each c.
    """

    blocks = 4

    def __init__(self, n_x, n_a, rng, first=False, dtype=np.float32, forget=1.0):
        super().__init__(n_x, n_a, rng, first, dtype)
        self.parameters["b"][:n_a] = forget

    def _run(self, Z, states, state):
        n, back = self.n_a, self.parameters["Wa"].T
        a, c = (self._start(part, Z.shape[1]) for part in state or (None, None))
        self.start, self.start_c, self.states, self.Z = a, c, states, Z
        self.cells, self.squashed = np.empty_like(states), np.empty_like(states)
        for t, real in enumerate(self.real):
            z = Z[t]
            z += a @ back
            z[:, : 3 * n] *= 0.5
            np.tanh(z, out=z)  # all four blocks at once: the logistic function is 0.5 + 0.5 tanh(z/2)
            z[:, : 3 * n] *= 0.5
            z[:, : 3 * n] += 0.5
            c = _keep(z[:, :n] * c + z[:, n : 2 * n] * z[:, 3 * n :], c, real)
            squashed = np.tanh(c, out=self.squashed[t])
            a = _keep(z[:, 2 * n : 3 * n] * squashed, a, real)
            self.cells[t], states[t] = c, a
        self.state = a.T, c.T

    def _run_back(self, total, dZ):
        n, Wa = self.n_a, self.parameters["Wa"]
        self.dc = np.zeros_like(total)
        before = self._shifted(self.start_c, self.cells).reshape(self.cells.shape)
        for t in reversed(range(len(total))):
            forget, update, output, new = (self.Z[t, :, k * n : (k + 1) * n] for k in range(4))
            real, squashed, dc = self.real[t], self.squashed[t], self.dc[t]
            da = total[t] if real is None else total[t] * real
            dc += da * output * (1 - squashed**2)
            own = dc if real is None else dc * real
            dz = dZ[t]
            dz[:, :n] = own * before[t] * forget * (1 - forget)
            dz[:, n : 2 * n] = own * new * update * (1 - update)
            dz[:, 2 * n : 3 * n] = da * squashed * output * (1 - output)
            dz[:, 3 * n :] = own * update * (1 - new**2)
            if t:
                total[t - 1] += total[t] - da + dz @ Wa
                self.dc[t - 1] = dc - own + own * forget
        self.dc = _swapped(self.dc)
        return dZ.reshape(-1, 4 * n).T @ self._shifted(self.start, self.states)


class Bidirectional(Layer):
    """Two layers of the same kind, one of which reads from the end; their states are stacked, forward ones first."""

    def __init__(self, kind, n_x, n_a, rng, **options):
        super().__init__()
        self.ways = [kind(n_x, n_a, rng, **options), kind(n_x, n_a, rng, **options)]
        self.n_a = 2 * n_a

    def parts(self):
        return self.ways

    def forward(self, x, mask=None):
        there, back = self.ways
        turned = None if mask is None else mask[:, ::-1]
        return np.concatenate([there.forward(x, mask), back.forward(x[..., ::-1], turned)[..., ::-1]])

    def backward(self, da):
        there, back = self.ways
        half = len(da) // 2
        dx, turned = there.backward(da[:half]), back.backward(da[half:, :, ::-1])
        return None if dx is None else dx + turned[..., ::-1]


class Attention(Layer):
    """Attention with several heads, whose two passes are given, such as a learner's own.

    Parameters
    ----------
    functions : tuple
        ``forward(X_q, X_kv, parameters, num_heads, mask)`` returns the output (n, m, T_q) and a cache, which
        ``backward(dY, cache)`` turns into a dict with the gradients, ``"dWQ"`` and so on.
    n_q, n_kv, units, n : int
        Sizes of the two inputs, rows of Q, K and V (of all heads together), size of the output.
    rng : Generator
        Each matrix is drawn with standard deviation 1/√(its columns); biases are 0.
    num_heads : int
    """

    def __init__(self, functions, n_q, n_kv, units, n, rng, num_heads=1):
        super().__init__()
        self.functions, self.num_heads = functions, num_heads
        for name, shape in (("Q", (units, n_q)), ("K", (units, n_kv)), ("V", (units, n_kv)), ("O", (n, units))):
            self.parameters["W" + name] = rng.standard_normal(shape) / np.sqrt(shape[1])
            self.parameters["b" + name] = np.zeros((shape[0], 1))

    def forward(self, X_q, X_kv, mask):
        Y, self.cache = self.functions[0](X_q, X_kv, self.parameters, self.num_heads, mask)
        return Y

    def backward(self, dY):
        found = self.functions[1](dY, self.cache)
        self.gradients = {name: found["d" + name] for name in self.parameters}
        return found.get("dX_q"), found.get("dX_kv")


class Network(Layer):
    """Recurrent layers, one above the other, and a dense output for each step: scores W a⟨t⟩ + b, before g₂.

    Parameters
    ----------
    layers : list of Recurrent or Bidirectional
    n_y : int
        Number of scores.
    rng : Generator
        ``W`` (n_y, n_a) is drawn with standard deviation 1/√n_a.
    last : bool
        True for many-to-one: only the last state goes into the output, and the scores are (n_y, m, 1).
    """

    def __init__(self, layers, n_y, rng, last=False):
        super().__init__()
        if last and isinstance(layers[-1], Bidirectional):
            raise ValueError("the state at the last step of a bidirectional layer has read too little from the end")
        self.layers, self.last, n_a = list(layers), last, layers[-1].n_a
        dtype = self.layers[0].parts()[0].parameters["Wx"].dtype
        self.parameters["W"] = (rng.standard_normal((n_y, n_a)) / np.sqrt(n_a)).astype(dtype)
        self.parameters["b"] = np.zeros((n_y, 1), dtype=dtype)

    def parts(self):
        return [part for layer in self.layers for part in layer.parts()] + [self]

    def forward(self, x, mask=None):
        for layer in self.layers:
            x = layer.forward(x, mask)
        self.shape = x.shape
        self.used = x[:, :, -1:] if self.last else x
        return np.tensordot(self.parameters["W"], self.used, axes=1) + self.parameters["b"][:, :, None]

    def backward(self, dscores):
        dW = np.tensordot(dscores, self.used, axes=((1, 2), (1, 2)))
        self.gradients = {"W": dW, "b": dscores.sum(axis=(1, 2))[:, None]}
        da = np.tensordot(self.parameters["W"].T, dscores, axes=1)
        if self.last:
            da, used = np.zeros(self.shape, dtype=da.dtype), da
            da[:, :, -1:] = used
        for layer in reversed(self.layers):
            da = layer.backward(da)
        return da


def sigmoid_loss(scores, y, counted=None):
    """Return the cost J of scores behind which a logistic function stands, and its derivative by the scores.

    Parameters
    ----------
    scores : ndarray, shape (n_y, m, T_y)
    y : ndarray, shape (n_y, m, T_y)
        Labels 0 and 1.
    counted : ndarray, shape (m, T_y), optional
        1 at the steps that count, 0 at padding.

    Returns
    -------
    J : float
        Losses added up over the steps, mean over the m examples.
    dscores : ndarray, shape (n_y, m, T_y)
    """
    weight = (1 if counted is None else counted[None]) / np.array(scores.shape[1], dtype=scores.dtype)
    losses = np.logaddexp(0, scores) - y * scores
    return float(np.sum(losses * weight)), ((0.5 + 0.5 * np.tanh(0.5 * scores) - y) * weight).astype(scores.dtype)


def softmax_loss(scores, y, counted=None):
    """Return the cost J of scores behind which a softmax stands, and its derivative by the scores.

    As `sigmoid_loss`, with ``y`` of shape (m, T_y): the number of the right class, from 0.
    """
    weight = (1 if counted is None else counted[None]) / np.array(scores.shape[1], dtype=scores.dtype)
    shifted = scores - scores.max(axis=0)
    shares = np.exp(shifted)
    sums = shares.sum(axis=0)
    losses = np.log(sums) - np.take_along_axis(shifted, y[None], axis=0)
    shares /= sums
    np.put_along_axis(shares, y[None], np.take_along_axis(shares, y[None], axis=0) - 1, axis=0)
    return float(np.sum(losses * weight)), (shares * weight).astype(scores.dtype)


class ClippedAdam(Adam):
    """Adam that first shrinks all gradients together, where their common norm is above `max_norm`."""

    def __init__(self, learning_rate=0.001, max_norm=5.0, **options):
        super().__init__(learning_rate, **options)
        self.max_norm = max_norm

    def step(self, network):
        gradients = [gradient for part in network.parts() for gradient in part.gradients.values()]
        norm = np.sqrt(sum(float(np.vdot(gradient, gradient)) for gradient in gradients))
        if norm > self.max_norm:
            for gradient in gradients:
                gradient *= self.max_norm / norm
        super().step(network)


def examples(x, chosen):
    """Return these examples of an input, (n_x, m, T_x) or whole numbers (m, T_x); None stays None."""
    if x is None:
        return None
    return x[chosen] if x.ndim == 2 else x[:, chosen]


def scores_of(network, x, mask=None, size=500):
    """Return the scores of all examples, worked out for `size` of them at a time to save memory."""
    m = x.shape[-2]
    starts = [slice(start, start + size) for start in range(0, m, size)]
    return np.concatenate([network.forward(examples(x, part), examples(mask, part)) for part in starts], axis=1)


def accuracy(network, x, y, mask=None, counted=None):
    """Return the share of right answers among the steps that count: of the largest score, or of score > 0 as label 1.

    ``y`` has the form that `softmax_loss` or `sigmoid_loss` wants; by default the real steps count.
    """
    scores = scores_of(network, x, mask)
    right = scores.argmax(axis=0) == y if y.ndim == 2 else np.all((scores > 0) == (y > 0.5), axis=0)
    if counted is None and not network.last:
        counted = mask
    return float(right.mean() if counted is None else right[np.asarray(counted) > 0].mean())


def train(
    network, x, y, optimizer, rng, loss=softmax_loss, num_epochs=10, batch_size=64, mask=None, counted=None, test=None
):
    """Train a network with mini-batches and return the history. A bar shows the progress.

    Parameters
    ----------
    network : Network
        Its parameters change.
    x : ndarray, shape (n_x, m, T_x), or whole numbers, shape (m, T_x)
    y : ndarray
        As `loss` wants it.
    optimizer : ClippedAdam
        Or another one of `helpers.widgets.fast_cnn`.
    rng : Generator
        Shuffles the examples of each epoch.
    loss : callable
        `softmax_loss` or `sigmoid_loss`.
    num_epochs, batch_size : int
    mask : ndarray, shape (m, T_x), optional
        1 at real steps. Steps at the end that are padding for a whole batch are left out, which saves time.
    counted : ndarray, shape (m, T_y), optional
        1 at the steps whose loss counts; by default the real steps, or the only one if the network is many-to-one.
    test : dict, optional
        ``x``, ``y``, ``mask`` and so on, for `accuracy`.

    Returns
    -------
    history : dict
        Lists with one number for each batch (``"batch_cost"``) and for each epoch: ``"cost"``, the mean over its
        batches, and, if there is a test set, ``"test_accuracy"``.
    """
    history = {"batch_cost": [], "cost": [], "test_accuracy": []}
    if counted is None and not network.last:
        counted = mask
    m = x.shape[-2]
    batches = -(-m // batch_size)
    for step in progress(range(num_epochs * batches), desc="training"):
        if step % batches == 0:
            order = rng.permutation(m)
        batch = [examples(part, order[step % batches :: batches]) for part in (x, mask, y, counted)]
        if mask is not None:
            T = max(1, np.flatnonzero(np.any(batch[1], axis=0)).max(initial=0) + 1)
            kept = 2 if network.last else 4  # the labels of many-to-one have no steps
            batch[:kept] = [part if part is None else part[..., :T] for part in batch[:kept]]
        scores = network.forward(*batch[:2])
        J, dscores = loss(scores, *batch[2:])
        network.backward(dscores)
        optimizer.step(network)
        history["batch_cost"].append(J)
        if (step + 1) % batches == 0:
            history["cost"].append(float(np.mean(history["batch_cost"][-batches:])))
            if test is not None:
                history["test_accuracy"].append(accuracy(network, **test))
    return history


def train_on_fresh(network, draw, optimizer, steps, loss=softmax_loss):
    """Train a network for some steps, each on new examples, and return the cost of each step, shape (steps,).

    Parameters
    ----------
    network : Layer
        Its parameters change.
    draw : callable
        ``draw()`` returns the inputs of ``network.forward``, a tuple, and the labels for `loss`.
    optimizer : Adam
    steps : int
    loss : callable
        `softmax_loss` or `sigmoid_loss`.
    """
    costs = []
    for _ in progress(range(steps), desc="training"):
        inputs, y = draw()
        J, dscores = loss(network.forward(*inputs), y)
        network.backward(dscores)
        optimizer.step(network)
        costs.append(J)
    return np.array(costs)
