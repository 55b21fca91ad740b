"""The pictures of lesson 5.6, names as text, both passes through time for one name, and faster trainings."""

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np

from helpers.plots import BLUE, GREEN, ORANGE
from helpers.widgets import LiveFigure
from helpers.widgets.fast_rnn import RNN, ClippedAdam, Network, scores_of, softmax_loss, train

_GRAY = "#555555"
#: The symbols in order: the end of a name first, then the letters.
SYMBOLS = "\n" + "abcdefghijklmnopqrstuvwxyz"


# --- one name at a time: what the exercises build on ------------------------------------------------------------------


def next_scores(index, a_prev, parameters):
    """Take one step of the network of lesson 1, without its softmax.

    Parameters
    ----------
    index : int or None
        The symbol that is read; None for the zeros of the first step.
    a_prev : ndarray, shape (n_a, 1)
    parameters : dict
        ``Wax``, ``Waa``, ``Wya``, ``ba``, ``by``.

    Returns
    -------
    z : ndarray, shape (n_y, 1)
        The scores of the next symbol.
    a : ndarray, shape (n_a, 1)
        The new state.
    """
    total = parameters["ba"] + parameters["Waa"] @ a_prev
    if index is not None:
        total = total + parameters["Wax"][:, index : index + 1]
    a = np.tanh(total)
    return parameters["by"] + parameters["Wya"] @ a, a


def read_name(X, Y, a_prev, parameters):
    """Go forward through one name.

    Parameters
    ----------
    X : list of int or None
        What is read at each step; None stands for zeros.
    Y : list of int
        What comes next.
    a_prev : ndarray, shape (n_a, 1)
    parameters : dict

    Returns
    -------
    loss : float
        The sum of -log ŷ of the right symbols.
    a_last : ndarray, shape (n_a, 1)
    trace : tuple
        For `learn_from`.
    """
    states, scores = [a_prev], []
    for index in X:
        z, a = next_scores(index, states[-1], parameters)
        states.append(a)
        scores.append(z)
    Z, S = np.hstack(scores), np.hstack(states)
    logs = Z - Z.max(axis=0)
    logs -= np.log(np.exp(logs).sum(axis=0))
    loss = -float(logs[Y, np.arange(len(Y))].sum())
    return loss, states[-1], (X, Y, S, np.exp(logs))


def learn_from(trace, parameters):
    """Go backward through the name of a `trace`: return dWax, dWaa, dWya, dba and dby of its loss, not clipped."""
    X, Y, S, wrong = trace
    wrong = wrong.copy()
    wrong[Y, np.arange(len(Y))] -= 1
    from_scores = parameters["Wya"].T @ wrong
    slopes = 1 - S[:, 1:] ** 2
    totals = np.zeros(slopes.shape)
    later = np.zeros(len(S))
    for t in reversed(range(len(Y))):
        totals[:, t] = slopes[:, t] * (from_scores[:, t] + later)
        later = parameters["Waa"].T @ totals[:, t]
    dWax = np.zeros(parameters["Wax"].shape)
    for t, index in enumerate(X):
        if index is not None:
            dWax[:, index] += totals[:, t]
    return {
        "dWax": dWax,
        "dWaa": totals @ S[:, :-1].T,
        "dWya": wrong @ S[:, 1:].T,
        "dba": totals.sum(axis=1, keepdims=True),
        "dby": wrong.sum(axis=1, keepdims=True),
    }


def random_parameters(n_a, n_y, rng, scale=0.01):
    """Return small random weights and zero biases."""
    sizes = {"Wax": (n_a, n_y), "Waa": (n_a, n_a), "Wya": (n_y, n_a)}
    drawn = {name: scale * rng.standard_normal(size) for name, size in sizes.items()}
    return drawn | {"ba": np.zeros((n_a, 1)), "by": np.zeros((n_y, 1))}
