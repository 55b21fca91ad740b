"""Views: what an outcome is judged by. Each turns the output of a procedure into a few named numbers.

A view has ``names``, the keys of what it returns, and ``said``, how messages call them. No answer is in here: networks
are evaluated and trained by an independent library.
"""

import numpy as np


def descent(start, X, Y, learning_rate, steps, hidden):
    """Walk down the cost of a network; return ``{step: parameters}``, where one stands, and the cost before each step.

    An independent library computes the gradients; nothing of an answer is here.

    Parameters
    ----------
    start : dict
        ``"W1"``, ``"b1"``, ``"W2"``, ...: arrays (n, n_prev) and (n, 1).
    X, Y : ndarray, shape (n_x, m) and (n_y, m)
    learning_rate : float
    steps : int
    hidden : str
        The activation of the layers before the last, in scikit-learn's word: ``"tanh"``, ``"relu"``, ...; the last has
        the logistic function. The cost is the cross-entropy, added over the outputs, its mean over the examples.
    """
    from sklearn.neural_network import MLPClassifier

    network, depth = MLPClassifier(activation=hidden, alpha=0), len(start) // 2
    network.n_layers_, network.out_activation_ = depth + 1, "logistic"
    network.coefs_ = [start[f"W{layer}"].T.copy() for layer in range(1, depth + 1)]
    network.intercepts_ = [start[f"b{layer}"][:, 0].copy() for layer in range(1, depth + 1)]
    places, costs = {}, []
    for step in range(steps + 1):
        weights = {f"W{layer}": W.T.copy() for layer, W in enumerate(network.coefs_, start=1)}
        places[step] = weights | {
            f"b{layer}": b[:, None].copy() for layer, b in enumerate(network.intercepts_, start=1)
        }
        activations, deltas = [X.T, *[None] * depth], [None] * depth
        slopes = [np.empty_like(W) for W in network.coefs_], [np.empty_like(b) for b in network.intercepts_]
        cost, dW, db = network._backprop(X.T, Y.T, None, activations, deltas, *slopes)
        costs.append(float(cost))
        network.coefs_ = [W - learning_rate * d for W, d in zip(network.coefs_, dW, strict=True)]
        network.intercepts_ = [b - learning_rate * d for b, d in zip(network.intercepts_, db, strict=True)]
    return places, np.array(costs[:steps])


def partition(output, arguments):
    """Return how X and Y of three sets, six arrays side by side, hold the columns of the arguments X and Y.

    ``paired`` counts the columns that stand beside their own label, ``lost`` the columns of X that are in no set,
    ``repeated`` those that occur twice or more, ``neighbours`` those whose next one is in the same set; ``train``,
    ``dev`` and ``test`` say how often each column is in that set. The columns of X must differ. The order inside a set
    does not count.
    """
    X, Y = arguments["X"], arguments["Y"]
    same_x, same_y = (
        [np.all(np.asarray(part)[:, :, None] == whole[:, None, :], axis=0) for part in output[first::2]]
        for first, whole in ((0, X), (1, Y))
    )
    paired = sum(np.sum(x & y) for x, y in zip(same_x, same_y, strict=True))
    train, dev, test = sets = [np.sum(x, axis=0) for x in same_x]
    neighbours = sum(np.sum(one[1:] * one[:-1]) for one in sets)
    lost, repeated = np.sum(train + dev + test == 0), np.sum(train + dev + test > 1)
    return {
        "paired": paired, "lost": lost, "repeated": repeated, "train": train, "dev": dev, "test": test,
        "neighbours": neighbours,
    }  # fmt: skip


partition.names = ("paired", "lost", "repeated", "train", "dev", "test", "neighbours")
partition.said = (
    "number of columns beside their own label", "number of columns in no set", "number of columns that occur twice",
    "columns in the train set", "columns in the dev set", "columns in the test set",
    "number of columns in the set of the column before",
)  # fmt: skip


def batches(output, arguments):
    """Return how a list of pairs, batches of X and of Y, holds the columns of the arguments X and Y.

    ``paired`` counts the columns that stand beside their own label; ``times`` says how often each column of X occurs,
    ``place`` and ``label_place`` in which batch it and its label stand first, ``neighbours`` how many columns stand
    right before the next one. The first rows of X and Y must hold no number twice.
    """
    X, Y = arguments["X"], arguments["Y"]
    chosen, homes = [], []
    for side, whole in ((0, X), (1, Y)):
        parts = [np.asarray(pair[side]) for pair in output]
        found = np.concatenate(parts, axis=1)
        order = np.argsort(whole[0])
        columns = order[np.searchsorted(whole[0][order], found[0]).clip(max=whole.shape[1] - 1)]
        columns = np.where(np.all(whole[:, columns] == found, axis=0), columns, -1)
        home = np.repeat(np.arange(len(parts)), [part.shape[1] for part in parts])
        first = np.full(whole.shape[1] + 1, -1)
        first[columns[::-1]] = home[::-1]
        chosen.append(columns)
        homes.append(first[:-1])
    x, y = chosen
    return {
        "paired": np.sum((x == y) & (x >= 0)) if len(x) == len(y) else -1,
        "times": np.bincount(x[x >= 0], minlength=X.shape[1]), "place": homes[0], "label_place": homes[1],
        "neighbours": np.sum((x[1:] == x[:-1] + 1) & (x[:-1] >= 0)),
    }  # fmt: skip


batches.names = ("paired", "times", "place", "label_place", "neighbours")
batches.said = (
    "number of columns beside their own label", "how often each column occurs", "batch of each column of X",
    "batch of each column of Y", "number of columns that follow the one before",
)  # fmt: skip


def tree(output, arguments):
    """Return what a binary tree over the words of the argument counts is good for, whatever its shape.

    The output has one row per inner node, ``(n - 1, 2)``: its children, j < n being word j and n + u inner node u.
    The first number counts the nodes that are the child of exactly one node, the second the rows whose children were
    all made earlier. Where both are full it is one tree with the words as its leaves, so no code is the beginning of
    another one. The third is the mean depth of the words, weighted by the counts; -1 if it is no such tree.
    """
    counts, children = np.asarray(arguments["counts"]), np.asarray(output)
    n = len(counts)
    times = np.bincount(children[(children >= 0) & (children < 2 * n - 2)].astype(int), minlength=2 * n - 2)
    parents, order = np.sum(times == 1), np.sum(np.all(children < n + np.arange(n - 1)[:, None], axis=1))
    length = -1.0
    if parents == 2 * n - 2 and order == n - 1:
        depth = np.zeros(2 * n - 1)
        for v in range(n - 2, -1, -1):
            depth[children[v].astype(int)] = depth[n + v] + 1
        length = np.sum(depth[:n] * counts) / np.sum(counts)
    return dict(zip(tree.names, (parents, order, length), strict=True))


tree.names = tree.said = (
    "number of nodes with one parent", "number of rows whose children were made earlier", "mean length of a code",
)  # fmt: skip


def walks(output, arguments, ends, batch, kind):
    """Return which of the possible walks a training of the argument net took: its output is ``(net, costs)``.

    Which mini-batches the epochs have decides where a training ends. ``weights`` is the kind of the walk at whose end
    what is trained stands: 1 for a right one, 0 where none is found; ``averages`` is 1 where the running averages stand
    there, too; ``batch`` says in which mini-batch each example of each epoch was, -1 where no walk is found.

    Parameters
    ----------
    ends : ndarray, shape (walks, n)
        The numbers of the net after each walk, array by array in the order of their names, the averages
        ``"mean"`` and ``"var"`` last.
    batch : ndarray, shape (walks, epochs, m)
    kind : ndarray of int, shape (walks,)
        1 for right walks; other numbers for walks of usual mistakes.
    """
    net, averages = output[0], ("mean", "var")
    found = {name: np.shape(net[name]) for name in arguments["net"]}
    if found != {name: np.shape(array) for name, array in arguments["net"].items()}:
        raise ValueError("other arrays than those of the net")
    names = sorted(name for name in found if name not in averages)
    trained = sum(np.size(net[name]) for name in names)
    place = np.concatenate([np.ravel(net[name]) for name in (*names, *averages)])
    near = np.isclose(place, ends, rtol=1e-5, atol=1e-7)
    weights = np.all(near[:, :trained], axis=1)
    taken = int(np.argmax(weights))
    return {
        "weights": int(weights[taken] * kind[taken]), "averages": int(weights[taken] and np.all(near[taken, trained:])),
        "batch": np.array(batch[taken]) if weights[taken] else np.full(np.shape(batch)[1:], -1),
    }  # fmt: skip


walks.names = ("weights", "averages", "batch")
walks.said = (
    "weights at the end of a possible walk (1 yes, another number no)",
    "averages at the end of that walk (1 yes, 0 no)", "mini-batch of each example",
)  # fmt: skip


def share(output, arguments, labels, levels):
    """Return the share of predicted labels that are right, rounded down to one of the levels.

    Parameters
    ----------
    labels : ndarray, shape (1, k)
    levels : list of float
        In rising order; the first is 0, and a share counts as enough from the last on.
    """
    if np.shape(output) != np.shape(labels):
        raise ValueError("another shape than the labels")
    right = np.mean(np.asarray(output) == labels)
    return {"right": max(level for level in levels if level <= right)}


share.names, share.said = ("right",), ("share of new labels that are right, rounded down",)


def order(output, arguments):
    """Return how a list orders what the name ``output`` of the argument ``graph`` needs, whichever right order it is.

    A graph has for each name None or a tuple: the operation, the names it is made from, and options that are no text.
    ``unknown`` counts what is no name of the graph; for each name of the graph, sorted, ``times`` says how often it
    stands in the list, and ``late`` how many of the names that it is made from do not stand before it.
    """
    graph, found = arguments["graph"], [str(name) for name in output]
    first = {name: place for place, name in reversed(list(enumerate(found)))}
    parts = {name: {part for part in (node or ())[1:] if isinstance(part, str)} for name, node in graph.items()}
    late = [
        sum(first.get(part, len(found)) > first[name] for part in parts[name]) if name in first else 0
        for name in sorted(graph)
    ]
    return {
        "unknown": sum(name not in graph for name in found),
        "times": np.array([found.count(name) for name in sorted(graph)]), "late": np.array(late),
    }  # fmt: skip


order.names = ("unknown", "times", "late")
order.said = (
    "number of entries that are no names of the graph", "how often each name stands in the list, names sorted",
    "how many of its parts each name stands before, names sorted",
)  # fmt: skip
#: By name: ``view(output, arguments, **options)`` returns a dict with the keys ``view.names``.
VIEWS = {"partition": partition, "batches": batches, "tree": tree, "walks": walks, "share": share, "order": order}
