"""The network, triplets and pictures of lesson 4.6: embeddings of faces, and how well distances tell people apart.

The faces are shown in widgets, which no notebook stores: they belong to real people.
"""

import io
from typing import NamedTuple

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from helpers import data
from helpers.checks import sick
from helpers.plots import BLUE, GREEN, ORANGE, RED
from helpers.widgets import LiveFigure, fast_cnn, for_screen_readers

CREDIT = "ORL Database of Faces, AT&T Laboratories Cambridge"
SIZE, SMALL = (28, 23), 4  # pixels of a shrunken photograph, and how much it is shrunk
TRAIN_PEOPLE, DEV_PEOPLE = 20, 10


class Faces(NamedTuple):
    """Photographs from 0 to 1, (people, photographs, 28, 23): 20 people for training, 10 for dev, 10 for the test."""

    train: np.ndarray
    dev: np.ndarray
    test: np.ndarray


def faces(seed=0):
    """Return the photographs of 40 people, shrunk to 28 by 23 pixels; those of dev and test are `moved` a little.

    `seed` says who is in which part.
    """
    photos = data.faces()
    people, number = photos.shape[:2]
    height, width = SIZE
    blocks = photos[:, :, : SMALL * height, : SMALL * width].reshape(people, number, height, SMALL, width, SMALL)
    small = (blocks.mean(axis=(3, 5)) / 255).astype(np.float32)
    rng = np.random.default_rng(seed)
    small = small[rng.permutation(people)]
    rest = np.stack([moved(photos_of_one, rng) for photos_of_one in small[TRAIN_PEOPLE:]])
    return Faces(small[:TRAIN_PEOPLE], rest[:DEV_PEOPLE], rest[DEV_PEOPLE:])


def moved(images, rng, most=2):
    """Return images (m, n_H, n_W), each moved by up to `most` pixels, and with more or less contrast."""
    found = np.empty_like(images)
    for k, image in enumerate(images):
        shift = rng.integers(-most, most + 1, size=2)
        image = np.roll(image, shift, axis=(0, 1))
        found[k] = (image - image.mean()) * rng.uniform(0.7, 1.3) + image.mean()
    return found


def standard(images):
    """Return images (..., n_H, n_W) with mean 0 and variance 1 each: brightness and contrast are gone."""
    mean, spread = images.mean(axis=(-2, -1), keepdims=True), images.std(axis=(-2, -1), keepdims=True)
    return ((images - mean) / (spread + 1e-6)).astype(np.float32)


def new_network(seed=0, n_e=32):
    """Return a network that makes a row of n_e numbers from an image of 28 by 23 pixels."""
    rng = np.random.default_rng(seed)
    return fast_cnn.Chain(
        fast_cnn.Conv(3, 1, 8, rng, first=True), fast_cnn.ReLU(), fast_cnn.MaxPool(),
        fast_cnn.Conv(3, 8, 16, rng), fast_cnn.ReLU(), fast_cnn.MaxPool(),
        fast_cnn.Dense(5 * 4 * 16, n_e, rng),
    )  # fmt: skip


def rows(network, images):
    """Return the rows of numbers that a network makes of images (k, n_H, n_W), float64."""
    return network.predicts(standard(images)[..., None]).astype(float)


def batch(photos, rng, people=8, each=4):
    """Return `each` photographs of `people` people, moved a little and standardised, ready for the network."""
    chosen = rng.choice(len(photos), people, replace=False)
    images = [photos[one][rng.choice(photos.shape[1], each, replace=False)] for one in chosen]
    return standard(moved(np.concatenate(images), rng))[..., None]


def semi_hard_triplets(embeddings, labels):
    """Return for each ordered pair of images of one person the nearest negative that lies farther than the positive.

    If no image of another person lies farther, the farthest one is taken (Schroff and others, arXiv:1503.03832).
    """
    far = ((embeddings[:, None] - embeddings[None]) ** 2).sum(axis=2)
    rows = []
    for a, p in np.ndindex(far.shape):
        if a != p and labels[a] == labels[p]:
            others = np.flatnonzero(labels != labels[a])
            beyond = others[far[a, others] > far[a, p]]
            rows.append((a, p, beyond[far[a, beyond].argmin()] if len(beyond) else others[far[a, others].argmax()]))
    return np.array(rows)


def easy_triplets(embeddings, labels):
    """Return for each ordered pair of images of one person the farthest image of another person."""
    far = ((embeddings[:, None] - embeddings[None]) ** 2).sum(axis=2)
    same = labels[:, None] == labels[None]
    farthest = np.where(same, -1.0, far).argmax(axis=1)
    return np.array([(a, p, farthest[a]) for a, p in np.argwhere(same & ~np.eye(len(labels), dtype=bool))])


def random_triplets(embeddings, labels, rng):
    """Return for each ordered pair of images of one person a triplet with any image of another person."""
    rows = []
    for a, p in np.ndindex(len(labels), len(labels)):
        if a != p and labels[a] == labels[p]:
            rows.append((a, p, rng.choice(np.flatnonzero(labels != labels[a]))))
    return np.array(rows)


# --- how well distances tell people apart -----------------------------------------------------------------------------


def pairs(embeddings):
    """Return the squared distances of all pairs of photographs, and whether they show one person.

    Parameters
    ----------
    embeddings : ndarray, shape (people, photographs, n_e)
    """
    people, number = embeddings.shape[:2]
    flat = embeddings.reshape(people * number, -1)
    far = ((flat[:, None] - flat[None]) ** 2).sum(axis=2)
    who = np.repeat(np.arange(people), number)
    upper = np.triu_indices(len(flat), 1)
    return far[upper], (who[:, None] == who[None])[upper]


def rates(distances, same, threshold):
    """Return the share of pairs of one person that are accepted, and of pairs of two people that are."""
    accepted = distances <= threshold
    return float(accepted[same].mean()), float(accepted[~same].mean())


def area(distances, same):
    """Return the area under the ROC curve: how often a pair of one person is nearer than a pair of two people."""
    order = np.argsort(np.concatenate([distances[same], distances[~same]]), kind="stable")
    ranks = np.empty(len(order))
    ranks[order] = np.arange(len(order))
    n, rest = same.sum(), (~same).sum()
    return float(1 - (ranks[:n].sum() - n * (n - 1) / 2) / (n * rest))


def draw_roc(ax, curves):
    """Draw ROC curves; ``curves`` is ``{label: (distances, same)}``."""
    styles = ((ORANGE, "-"), (GREEN, "--"), (BLUE, "-."), (RED, ":"))
    for (label, (distances, same)), (color, line) in zip(curves.items(), styles, strict=False):
        thresholds = np.quantile(distances, np.linspace(0, 1, 200))
        points = np.array([rates(distances, same, threshold) for threshold in thresholds])
        ax.plot(points[:, 1], points[:, 0], line, color=color, label=f"{label}: area {area(distances, same):.2f}")
    ax.plot([0, 1], [0, 1], "--", color="0.7", linewidth=0.8)
    ax.set(xlabel="two people, accepted", ylabel="one person, accepted", title="People the network has never seen")
    ax.legend(loc="lower right")


def draw_distances(ax, distances, same, threshold=None):
    """Draw how often which distance occurs, for pairs of one person and of two people; return the threshold's line."""
    bins = np.linspace(0, 4, 61)
    for mask, color, label in ((same, BLUE, "one person"), (~same, ORANGE, "two people")):
        ax.hist(distances[mask], bins, density=True, color=color, alpha=0.55, label=label)
    ax.set(xlabel="squared distance (4 is the most)", ylabel="density", yticks=[], title="Pairs of photographs")
    ax.legend(loc="upper right")
    return ax.axvline(threshold or 0, color=RED, animated=threshold is None)


def threshold_picture(distances, same):
    """Return the picture: a threshold on the distances of pairs, and the point of the ROC curve that belongs to it."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.4, 3.2))
    line = draw_distances(left, distances, same)
    thresholds = np.quantile(distances, np.linspace(0, 1, 200))
    curve = np.array([rates(distances, same, threshold) for threshold in thresholds])
    right.plot(curve[:, 1], curve[:, 0], color=BLUE)
    right.plot([0, 1], [0, 1], "--", color="0.7", linewidth=0.8)
    right.set(xlabel="two people, accepted", ylabel="one person, accepted")
    (dot,) = right.plot([], [], "o", color=RED, markersize=8, animated=True)

    def update(threshold):
        line.set_xdata([threshold, threshold])
        right_rate, wrong_rate = rates(distances, same, threshold)
        dot.set_data([wrong_rate], [right_rate])
        return (
            f"Threshold {threshold:.2f}: of 100 pairs of one person {100 * right_rate:.0f} are accepted, "
            f"of 100 pairs of two people {100 * wrong_rate:.0f}."
        )

    top = float(np.ceil(10 * distances.max()) / 10)
    control = ipywidgets.FloatSlider(value=round(top / 4, 2), min=0, max=top, step=0.02, description="threshold")
    return LiveFigure(figure, update, threshold=control)


def triangle_picture(triplet_loss, triplet_loss_backward):
    """Return the picture: an anchor, a positive and a negative in the plane, and where a step moves each.

    Parameters
    ----------
    triplet_loss, triplet_loss_backward : callable
        The learner's functions.
    """
    figure, ax = plt.subplots(figsize=(6.4, 3.6))
    ax.set(xlim=(-1.9, 1.9), ylim=(-1.1, 1.1))
    ax.set_aspect("equal")
    ax.set_axis_off()
    colors = {"A": BLUE, "P": GREEN, "N": RED}
    dots = {k: ax.plot([], [], "o", color=color, markersize=11, animated=True)[0] for k, color in colors.items()}
    steps = {k: ax.plot([], [], "-", color=color, linewidth=3, animated=True)[0] for k, color in colors.items()}
    names = {k: ax.text(0, 0, k, fontsize=11, animated=True, ha="center") for k in colors}
    ring = ax.plot([], [], "--", color="0.6", linewidth=1, animated=True)[0]
    angle = np.linspace(0, 2 * np.pi, 100)

    def update(near, far, direction, margin):
        turn = np.deg2rad(direction)
        points = {"A": np.zeros((1, 2)), "P": np.array([[-near, 0.0]])}
        points["N"] = far * np.array([[np.cos(turn), np.sin(turn)]])
        arrays = list(points.values())
        cost = float(triplet_loss(*arrays, margin))
        gradients = triplet_loss_backward(*arrays, margin)
        for (k, point), gradient in zip(points.items(), gradients, strict=True):
            end = point - 0.25 * np.asarray(gradient)
            dots[k].set_data(point[:, 0], point[:, 1])
            steps[k].set_data([point[0, 0], end[0, 0]], [point[0, 1], end[0, 1]])
            names[k].set_position((point[0, 0], point[0, 1] + 0.12))
        radius = np.sqrt(near**2 + margin)
        ring.set_data(radius * np.cos(angle), radius * np.sin(angle))
        state = "active: the step moves all three" if cost > 0 else "not active: nothing moves"
        return (
            f"d(A, P) = {near**2:.2f}, d(A, N) = {far**2:.2f}, margin {margin:.2f}: loss {cost:.2f}. "
            f"The triplet is {state}. The dashed ring is where the negative is just far enough."
        )

    controls = {
        "near": ipywidgets.FloatSlider(value=0.6, min=0, max=1, step=0.05, description="A to P"),
        "far": ipywidgets.FloatSlider(value=0.6, min=0.05, max=1.6, step=0.05, description="A to N"),
        "direction": ipywidgets.IntSlider(value=40, min=-180, max=180, step=10, description="direction of N"),
        "margin": ipywidgets.FloatSlider(value=0.2, min=0, max=1, step=0.05, description="margin"),
    }
    return LiveFigure(figure, update, **controls)


# --- faces, in widgets ------------------------------------------------------------------------------------------------


def gallery(rows, titles, says):
    """Return a widget that shows rows of faces; nothing of it is stored in a notebook.

    Parameters
    ----------
    rows : list of ndarray, each (k, n_H, n_W)
        Images from 0 to 1.
    titles : list of str
        One for each row.
    says : str
        A sentence that says what the picture shows, for who cannot see it.
    """
    parts = []
    for images, title in zip(rows, titles, strict=True):
        strip = np.concatenate([np.pad(np.clip(image, 0, 1), 1, constant_values=1) for image in images], axis=1)
        enlarged = np.kron((255 * strip).astype(np.uint8), np.ones((3, 3), dtype=np.uint8))
        buffer = io.BytesIO()
        Image.fromarray(enlarged).save(buffer, "png")
        parts += [
            ipywidgets.Label(title),
            ipywidgets.Image(value=buffer.getvalue(), format="png", layout={"width": "auto"}),
        ]
        parts[-1].layout.object_fit = "scale-down"
    return ipywidgets.VBox([for_screen_readers(), *parts, ipywidgets.HTML(f"<p>{says} {CREDIT}.</p>")])


# --- runs to diagnose -------------------------------------------------------------------------------------------------

FAULTS = (
    sick.Fault(
        "the learning rate is too small",
        "the weights move by next to nothing, and so do the distances",
        "multiply the learning rate by 10 or more",
    ),
    sick.Fault(
        "photographs and people are not in the same order",
        "not all triplets are active at first, then all are, and the distances of both kinds of pairs shrink together",
        "look at some photographs of a batch together with who they are said to show",
    ),
    sick.Fault(
        "the hardest negatives are taken from the first step on",
        "all triplets are active from the very first step on, and all distances shrink to almost nothing",
        "take random or semi-hard negatives",
    ),
    sick.Fault(
        "the easiest negatives are taken",
        "few triplets are active in the first steps, and hardly any soon after",
        "take random or semi-hard negatives",
    ),
    sick.Fault(
        "the embeddings have no unit length",
        "distances are far above 4, the most that embeddings of unit length can have",
        "divide each embedding by its length",
    ),
)


def sick_run(rng, unit_length, unit_length_backward, triplet_loss_backward, add_roles, which=None):
    """Train on faces for 80 steps with one of `FAULTS` planted, and return the `sick.Run`; it shows no face.

    Parameters
    ----------
    rng : Generator
    unit_length, unit_length_backward, triplet_loss_backward, add_roles : callable
        The learner's functions.
    which : int, optional
        The fault; by default `rng` chooses.
    """
    which = int(rng.integers(len(FAULTS))) if which is None else which
    photos, network = faces(int(rng.integers(1000))).train, new_network(int(rng.integers(1000)))
    adam = fast_cnn.Adam(rng.uniform(1e-8, 1e-7) if which == 0 else rng.uniform(0.0008, 0.0012))
    labels = np.repeat(np.arange(8), 4)
    choose = {2: _hardest, 3: easy_triplets}.get(which, lambda E, labels: random_triplets(E, labels, rng))
    before = network.parts()[-1].parameters["W"].copy()
    active, found = [], []
    for _ in range(80):
        V = network.forward(batch(photos, rng)).astype(float)
        E, length = (V, np.linalg.norm(V, axis=1, keepdims=True)) if which == 4 else unit_length(V)
        shown = rng.permutation(labels) if which == 1 else labels
        triplets = np.asarray(choose(E, shown))
        shares = triplet_loss_backward(*(E[triplets[:, role]] for role in range(3)), 0.2)
        active.append(float(np.mean(np.any(np.asarray(shares[1]) != 0, axis=1))))
        dE = add_roles(triplets, *shares, len(E))
        network.backward((dE if which == 4 else unit_length_backward(dE, E, length)).astype(np.float32))
        adam.step(network)
        far, same = pairs(E.reshape(8, 4, -1))
        found.append((np.median(far[same]), np.median(far[~same]), float(np.mean(length))))
    (one, two, long), (one_end, two_end, long_end) = np.mean(found[:5], axis=0), np.mean(found[-10:], axis=0)
    moved = float(np.max(np.abs(network.parts()[-1].parameters["W"] - before)))
    words = (
        f"Active triplets: {np.mean(active[:5]):.0%} in the first five steps, {np.mean(active[-10:]):.0%} in the last "
        f"ten. Median distance of pairs of one person: {one:.2g} at first, {one_end:.2g} at the end; of two people: "
        f"{two:.2g} at first, {two_end:.2g} at the end. Mean length of the rows of the network: {long:.2g} at first, "
        f"{long_end:.2g} at the end. The largest change of a weight of the last layer is {moved:.1e}."
    )
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 2.6))
    left.plot(active, color=BLUE)
    left.set(xlabel="step", ylim=(-0.03, 1.03), title="share of active triplets")
    distances = np.array(found)
    right.plot(distances[:, 0], color=BLUE, label="one person")
    right.plot(distances[:, 1], "--", color=ORANGE, label="two people")
    right.set(xlabel="step", yscale="log", title="median distance")
    right.legend()
    plt.close(figure)
    return sick.Run(figure, words, FAULTS, which)


def _hardest(embeddings, labels):
    """Return for each ordered pair of images of one person the nearest image of another person."""
    far = ((embeddings[:, None] - embeddings[None]) ** 2).sum(axis=2)
    same = labels[:, None] == labels[None]
    closest = np.where(same, np.inf, far).argmin(axis=1)
    return np.array([(a, p, closest[a]) for a, p in np.argwhere(same & ~np.eye(len(labels), dtype=bool))])
