"""Fast layers of convolutional networks, for the trainings of lessons 4.2 to 4.6.

Images are (m, n_H, n_W, n_C): the examples are the first axis, in the dense layers too. ``dV`` is the derivative of the
cost J by V for every V; the factor 1/m enters once, in `softmax_cross_entropy`. Each layer has ``forward(A_prev)``,
``backward(dA)``, the dict ``parameters`` and, after the backward pass, the dict ``gradients`` with the same keys.
Numbers are float32 or float64, as the weights and images are given.
"""

import numpy as np

from helpers.widgets import progress


class Layer:
    """What all layers share: a layer without parameters has empty dicts."""

    def __init__(self):
        self.parameters, self.gradients = {}, {}

    def parts(self):
        """Return the layers in this one that may hold parameters, as a list."""
        return [self]

    def predicts(self, batch):
        """Return what `forward` returns, when no backward pass follows."""
        return self.forward(batch)


class Conv(Layer):
    """A convolutional layer: Z = the sum of window times filter, plus b.

    Parameters
    ----------
    f, n_C_prev, n_C : int
        Size of the filters, channels of the input, number of filters.
    rng : Generator
        The weights are drawn by He's rule.
    stride, pad : int
    first : bool
        True for the first layer of a network: the derivative by the images is not computed.
    dtype : type
        Of the weights.
    """

    def __init__(self, f, n_C_prev, n_C, rng, stride=1, pad=0, first=False, dtype=np.float32):
        super().__init__()
        self.stride, self.pad, self.first = stride, pad, first
        scale = np.sqrt(2 / (f * f * n_C_prev))
        self.parameters["W"] = (rng.standard_normal((f, f, n_C_prev, n_C)) * scale).astype(dtype)
        self.parameters["b"] = np.zeros(n_C, dtype=dtype)

    def _covered(self, images, k, l):
        """Return the view of the padded images under entry (k, l) of the filter, one pixel for each output."""
        n_H, n_W = self.size
        return images[:, k : k + self.stride * n_H : self.stride, l : l + self.stride * n_W : self.stride]

    def forward(self, A_prev):
        W, b = self.parameters["W"], self.parameters["b"]
        f, _, n_C_prev, n_C = W.shape
        frame = (self.pad, self.pad)
        images = np.pad(A_prev, ((0, 0), frame, frame, (0, 0))) if self.pad else A_prev
        self.size = tuple((n - f) // self.stride + 1 for n in images.shape[1:3])
        # One row for each window, one column for each weight of a filter: the layer is one product of matrices.
        rows = np.empty((len(images), *self.size, f, f, n_C_prev), dtype=A_prev.dtype)
        for k, l in np.ndindex(f, f):
            rows[:, :, :, k, l] = self._covered(images, k, l)
        self.rows, self.padded = rows.reshape(-1, f * f * n_C_prev), images.shape
        return (self.rows @ W.reshape(-1, n_C) + b).reshape(len(images), *self.size, n_C)

    def backward(self, dZ):
        W = self.parameters["W"]
        flat = dZ.reshape(-1, dZ.shape[-1])
        self.gradients = {"W": (self.rows.T @ flat).reshape(W.shape), "b": flat.sum(axis=0)}
        if self.first:
            return None
        images = np.zeros(self.padded, dtype=dZ.dtype)
        back = (flat @ W.reshape(-1, W.shape[-1]).T).reshape(*dZ.shape[:3], *W.shape[:3])
        for k, l in np.ndindex(W.shape[:2]):
            self._covered(images, k, l)[...] += back[:, :, :, k, l]
        inner = slice(self.pad, -self.pad or None)
        return images[:, inner, inner]


class MaxPool(Layer):
    """Max pooling with windows of f by f; of equal values the first one, row by row, counts as the largest."""

    def __init__(self, f=2, stride=2):
        super().__init__()
        self.f, self.stride = f, stride

    def _shifted(self, images):
        """Yield the views of the images under each entry of the window, one pixel for each window."""
        n_H, n_W = ((n - self.f) // self.stride + 1 for n in images.shape[1:3])
        for k, l in np.ndindex(self.f, self.f):
            yield images[:, k : k + self.stride * n_H : self.stride, l : l + self.stride * n_W : self.stride]

    def forward(self, A_prev):
        views = self._shifted(A_prev)
        best = next(views).copy()
        self.winner, self.shape = np.zeros(best.shape, dtype=np.int8), A_prev.shape
        for number, view in enumerate(views, start=1):
            self.winner[view > best] = number
            np.maximum(best, view, out=best)
        return best

    def backward(self, dA):
        dA_prev = np.zeros(self.shape, dtype=dA.dtype)
        for number, view in enumerate(self._shifted(dA_prev)):
            view += dA * (self.winner == number)
        return dA_prev


class ReLU(Layer):
    """max(0, Z), entry by entry."""

    def forward(self, Z):
        self.on = Z > 0
        return Z * self.on

    def backward(self, dA):
        return dA * self.on


class Dense(Layer):
    """A dense layer; volumes are flattened first. W is (n_prev, n): here each example is a row."""

    def __init__(self, n_prev, n, rng, dtype=np.float32):
        super().__init__()
        self.parameters["W"] = (rng.standard_normal((n_prev, n)) * np.sqrt(2 / n_prev)).astype(dtype)
        self.parameters["b"] = np.zeros(n, dtype=dtype)

    def forward(self, A_prev):
        self.shape, self.flat = A_prev.shape, A_prev.reshape(len(A_prev), -1)
        return self.flat @ self.parameters["W"] + self.parameters["b"]

    def backward(self, dZ):
        self.gradients = {"W": self.flat.T @ dZ, "b": dZ.sum(axis=0)}
        return (dZ @ self.parameters["W"].T).reshape(self.shape)


class Chain(Layer):
    """Layers one after the other; it is a layer itself, so that chains can be parts of chains."""

    def __init__(self, *layers):
        super().__init__()
        self.layers = layers

    def parts(self):
        return [part for layer in self.layers for part in layer.parts()]

    def forward(self, A):
        for layer in self.layers:
            A = layer.forward(A)
        return A

    def backward(self, dA):
        for layer in reversed(self.layers):
            dA = layer.backward(dA)
        return dA

    def predicts(self, batch, size=500):
        """Return what `forward` returns, worked out for `size` examples at a time to save memory."""
        return np.concatenate([self.forward(batch[start : start + size]) for start in range(0, len(batch), size)])


def softmax_cross_entropy(scores, labels):
    """Return the cost J and its derivative by the scores.

    Parameters
    ----------
    scores : ndarray, shape (m, n_y)
    labels : ndarray of int, shape (m,)
        Classes, from 0.

    Returns
    -------
    J : float
        Mean of the losses of the m examples.
    dscores : ndarray, shape (m, n_y)
        Of J: the factor 1/m is in it.
    """
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_share = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    chosen = np.arange(len(scores)), labels
    dscores = np.exp(log_share)
    dscores[chosen] -= 1
    return float(-log_share[chosen].mean()), dscores / len(scores)


def accuracy(network, images, labels):
    """Return the share of images whose largest score is that of their class, from 0 to 1."""
    return float(np.mean(network.predicts(images).argmax(axis=1) == labels))


class Momentum:
    """Gradient descent with momentum; `step` changes the parameters of a network in place."""

    def __init__(self, learning_rate=0.1, beta=0.9):
        self.learning_rate, self.beta, self.kept = learning_rate, beta, {}

    def change(self, key, gradient):
        """Return what the step takes away from the parameter."""
        self.kept[key] = self.beta * self.kept.get(key, 0) + (1 - self.beta) * gradient
        return self.learning_rate * self.kept[key]

    def step(self, network):
        for number, part in enumerate(network.parts()):
            for name, parameter in part.parameters.items():
                parameter -= self.change((number, name), part.gradients[name]).astype(parameter.dtype)


class Adam(Momentum):
    """Adam, with the bias of both averages corrected."""

    def __init__(self, learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8):
        super().__init__(learning_rate)
        self.betas, self.epsilon = (beta1, beta2), epsilon

    def change(self, key, gradient):
        t, *averages = self.kept.get(key, (0, 0, 0))
        powers = (gradient, gradient**2)
        averages = [beta * v + (1 - beta) * g for beta, v, g in zip(self.betas, averages, powers, strict=True)]
        self.kept[key] = (t + 1, *averages)
        mean, square = (v / (1 - beta ** (t + 1)) for beta, v in zip(self.betas, averages, strict=True))
        return self.learning_rate * mean / (np.sqrt(square) + self.epsilon)


def train(network, images, labels, optimizer, rng, num_epochs=5, batch_size=64, test=None, loss=softmax_cross_entropy):
    """Train a network with mini-batches and return the history. A bar shows the progress.

    Parameters
    ----------
    network : Layer
        Its parameters change.
    images : ndarray, shape (m, n_H, n_W, n_C)
    labels : ndarray of int, shape (m,)
    optimizer : Momentum or Adam
    rng : Generator
        Shuffles the examples of each epoch.
    num_epochs : int
    batch_size : int
        At most so many examples each; the batches of an epoch differ by one example at most.
    test : tuple, optional
        Images and labels of the test set.
    loss : callable
        ``loss(output, labels)`` returns the cost of a batch and its derivative by the output.

    Returns
    -------
    history : dict
        Lists with one number for each batch (``"batch_cost"``) and for each epoch: ``"cost"``, the mean over its
        batches, and, if there is a test set, ``"test_accuracy"``.
    """
    history = {"batch_cost": [], "cost": [], "test_accuracy": []}
    batches = -(-len(images) // batch_size)
    for step in progress(range(num_epochs * batches), desc="training"):
        if step % batches == 0:
            order = rng.permutation(len(images))
        chosen = order[step % batches :: batches]
        J, doutput = loss(network.forward(images[chosen]), labels[chosen])
        network.backward(doutput)
        optimizer.step(network)
        history["batch_cost"].append(J)
        if (step + 1) % batches == 0:
            history["cost"].append(float(np.mean(history["batch_cost"][-batches:])))
            if test is not None:
                history["test_accuracy"].append(accuracy(network, *test))
    return history


def lenet(n_H, n_W, n_C, n_y, rng, dtype=np.float32):
    """Return a network like LeNet-5: convolutional layers with 6 and 16 filters, then 120, 84 and n_y units.

    Max pooling follows each convolutional layer, of which the first keeps the size (pad 2).
    ``n_H`` and ``n_W`` are multiples of 4.

    References
    ----------
    LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition", 1998,
    doi:10.1109/5.726791. The original has other activations and other last layers.
    """
    n = (n_H // 2 - 4) // 2 * ((n_W // 2 - 4) // 2) * 16
    return Chain(
        Conv(5, n_C, 6, rng, pad=2, first=True, dtype=dtype),
        ReLU(),
        MaxPool(),
        Conv(5, 6, 16, rng, dtype=dtype),
        ReLU(),
        MaxPool(),
        Dense(n, 120, rng, dtype),
        ReLU(),
        Dense(120, 84, rng, dtype),
        ReLU(),
        Dense(84, n_y, rng, dtype),
    )
