"""Views: what an outcome is judged by. Each turns the output of a procedure into a few named numbers.

A view has ``names``, the keys of what it returns, and ``said``, how messages call them. No answer is in here: networks
are evaluated and trained by an independent library.
"""

import numpy as np


def network(output, arguments, hidden="tanh"):
    """Return the accuracy and the cost that a network with the parameters W1, b1, W2, ... has on X and Y.

    The layers before the last have the activation `hidden` (scikit-learn's word: ``"tanh"``, ``"relu"``, ...), the last
    the logistic function. An independent library evaluates it; nothing of an answer is here.
    """
    from sklearn.metrics import log_loss
    from sklearn.neural_network import MLPRegressor

    parameters = next(part for part in ([output] if isinstance(output, dict) else output) if isinstance(part, dict))
    depth = sum(f"W{layer}" in parameters for layer in range(1, len(parameters) + 1))
    judge = MLPRegressor(activation=hidden)
    judge.coefs_ = [np.array(parameters[f"W{layer}"], dtype=float).T for layer in range(1, depth + 1)]
    judge.intercepts_ = [np.array(parameters[f"b{layer}"], dtype=float)[:, 0] for layer in range(1, depth + 1)]
    judge.n_layers_, judge.out_activation_ = depth + 1, "logistic"
    Y = np.atleast_2d(arguments["Y"])
    A = np.reshape(judge.predict(arguments["X"].T), Y.T.shape).T
    accuracy = np.mean((A > 0.5) == (Y > 0.5))
    return {"accuracy": float(accuracy), "cost": len(Y) * float(log_loss(Y.ravel(), A.ravel(), labels=[0, 1]))}


network.names = network.said = ("accuracy", "cost")


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
#: By name: ``view(output, arguments, **options)`` returns a dict with the keys ``view.names``.
VIEWS = {"network": network, "partition": partition, "batches": batches, "tree": tree}
