"""Lesson 4.6, face verification: the catalogue of its eleven exercises. Equations are those of the notebook."""

import numpy as np
from scipy.special import expit

from helpers.exercises import Lesson, case

lesson = Lesson("face_verification")
NOBODY = "nobody we know"

# --- predictions -----------------------------------------------------------------------------------------------------

lesson.predict(
    "scaled",
    "Three embeddings miss the margin 0.2: d(A, P) = 0.5 and d(A, N) = 0.6. A network learns nothing but to multiply all "
    "embeddings by 2. What is the loss then?",
    ("still 0.1", "0.2", "0"),
    "All squared distances are multiplied by 4, and so is their difference, 0.1; 0.4 is more than the margin.",
)
lesson.predict(
    "negatives",
    "200 steps each, five splits of the people. Which negatives give the larger area under the ROC curve on the people of "
    "the test, by more than two standard errors?",
    ("semi-hard ones", "neither", "random ones"),
    "Most random triplets are wasted at the end, but those that are active are enough. The difference is below its error.",
)
lesson.predict(
    "carries",
    "A threshold lets in 1 % of the pairs of two people on dev, ten people. On ten other people, the test part, five "
    "splits: which is the largest share of pairs of two people that it lets in?",
    ("at most 1 %", "above 1 % and below 10 %", "10 % or more"),
    "1 % of the 4500 pairs of two people are 45 pairs. Which photographs these are depends on the ten people.",
)

# --- embedding_distance ----------------------------------------------------------------------------------------------


def distance_cases(rng):
    return [
        case(E1=rng.normal(size=(m, n)), E2=rng.normal(size=(m, n)) + 0.3) for m, n in ((4, 3), (1, 5), (6, 2), (3, 3))
    ]


@lesson.exercise(
    points=1,
    topic=47,
    equation="(6.2)",
    cases=distance_cases,
    ask="E1 and E2 have two axes. Over which of them does the sum of (6.2) run?",
    small={"E1": np.array([[0.0, 0], [1, 1]]), "E2": np.array([[3.0, 4], [1, 1]])},
)
def embedding_distance(E1, E2):
    """Return how far embeddings lie apart, row by row.

    Parameters
    ----------
    E1, E2 : ndarray, shape (m, n_e)
        Embeddings of m pairs of images, one per row.

    Returns
    -------
    d : ndarray, shape (m, 1)
        Squared Euclidean distances.
    """
    return np.sum((E1 - E2) ** 2, axis=1, keepdims=True)  # (6.2)


@embedding_distance.mistake("This is the root of it. The distance of the lesson is the *squared* norm.")
def distance_root(E1, E2):
    return np.linalg.norm(E1 - E2, axis=1, keepdims=True)


@embedding_distance.mistake("This is one number for all pairs. Add up over axis 1 only.")
def distance_of_all(E1, E2):
    return np.sum((E1 - E2) ** 2)


@embedding_distance.mistake("The sum runs over the examples. Each row is a pair: add up over axis 1.")
def distance_over_examples(E1, E2):
    return np.sum((E1 - E2) ** 2, axis=0, keepdims=True)


@embedding_distance.mistake("This is the mean over the entries. Add them up.")
def distance_mean(E1, E2):
    return np.mean((E1 - E2) ** 2, axis=1, keepdims=True)


@embedding_distance.mistake("The differences are not squared: positive and negative ones cancel.")
def distance_not_squared(E1, E2):
    return np.sum(E1 - E2, axis=1, keepdims=True)


@embedding_distance.mistake("These are absolute differences. Square them.")
def distance_absolute(E1, E2):
    return np.sum(np.abs(E1 - E2), axis=1, keepdims=True)


@embedding_distance.mistake("The sum is squared. Square each difference first, then add up.")
def distance_square_of_sum(E1, E2):
    return np.sum(E1 - E2, axis=1, keepdims=True) ** 2


@embedding_distance.mistake("This is the inner product. It grows where embeddings are alike; a distance gets small.")
def distance_product(E1, E2):
    return np.sum(E1 * E2, axis=1, keepdims=True)


@embedding_distance.accept
def distance_by_norm(E1, E2):
    return np.linalg.norm(E1 - E2, axis=1).reshape(-1, 1) ** 2


@embedding_distance.accept
def distance_by_einsum(E1, E2):
    D = E1 - E2
    return np.einsum("ij,ij->i", D, D)[:, None]


@embedding_distance.accept(
    "The square multiplied out: fast for many pairs, and less exact where embeddings are nearly equal."
)
def distance_multiplied_out(E1, E2):
    return np.array([[e @ e - 2 * e @ f + f @ f] for e, f in zip(E1, E2, strict=True)])


# --- triplet_loss ----------------------------------------------------------------------------------------------------


def unit(rng, m, n):
    E = rng.normal(size=(m, n))
    return E / np.linalg.norm(E, axis=1, keepdims=True)


def triplets(rng, m, n, margin):
    """Return anchors, positives, negatives with active and inactive triplets (if m > 2), none within 0.02 of the hinge."""
    while True:
        A, P, N = unit(rng, m, n), unit(rng, m, n), unit(rng, m, n)
        P[::2] = A[::2] + 0.3 * P[::2]  # every other positive is close
        gap = np.sum((A - P) ** 2, axis=1) - np.sum((A - N) ** 2, axis=1)
        active = gap + margin > 0
        clear = np.all(np.abs(gap + margin) > 0.02) and np.all(np.abs(gap) > 0.02)
        if clear and (1 < active.sum() < m if m >= 3 else active.all()):
            return A, P, N


def loss_cases(rng):
    cases = []
    for m, n, margin in ((5, 3, 0.2), (4, 6, 0.5), (1, 4, 0.3), (7, 2, 0.1)):
        A, P, N = triplets(rng, m, n, margin)
        cases.append(case(anchor=A, positive=P, negative=N, margin=margin))
    # Losses of exactly 0, a little more and a little less; sums of powers of 1/2, so that rounding decides nothing.
    anchor = rng.integers(-8, 9, size=(5, 2)) / 4
    positive = anchor + np.array([[0.5, 0.0], [0.5, 0.125], [0.5, 0.0], [0.75, 0.5], [0.5, 0.0]])
    negative = anchor + np.array([[0.0, 0.75], [0.0, 0.75], [0.125, 0.75], [0.25, 0.0], [0.0, 0.625]])
    order = rng.permutation(5)
    return [*cases, case(anchor=anchor[order], positive=positive[order], negative=negative[order], margin=0.3125)]


@lesson.exercise(
    points=2,
    topic=48,
    equation="(6.4)",
    cases=loss_cases,
    ask="What comes first, the maximum with 0 or the mean? What would the other order do to a triplet that is far apart?",
    small={"anchor": np.zeros((2, 1)), "positive": np.array([[0.7], [0.7]]), "negative": np.array([[0.8], [1.0]])},
)
def triplet_loss(anchor, positive, negative, margin=0.2):
    """Return the triplet cost J.

    Parameters
    ----------
    anchor, positive, negative : ndarray, shape (m, n_e)
        Embeddings of m triplets: two images of one person, and one of another.
    margin : float
        How much farther the negative must lie.

    Returns
    -------
    J : float
        Mean over the triplets.

    References
    ----------
    F. Schroff, D. Kalenichenko, J. Philbin, "FaceNet", 2015, arXiv:1503.03832.
    """
    gap = np.sum((anchor - positive) ** 2, axis=1) - np.sum((anchor - negative) ** 2, axis=1)
    return np.mean(np.maximum(gap + margin, 0))  # (6.4)


def gaps(anchor, positive, negative, distance=lambda D: np.sum(D**2, axis=1)):
    return distance(anchor - positive) - distance(anchor - negative)


@triplet_loss.mistake("The hinge is missing: a triplet that is far enough apart counts 0, not less.")
def loss_without_hinge(anchor, positive, negative, margin=0.2):
    return np.mean(gaps(anchor, positive, negative) + margin)


@triplet_loss.mistake("The hinge is taken of the mean. Each triplet has its own: first max(..., 0), then the mean.")
def loss_hinge_of_mean(anchor, positive, negative, margin=0.2):
    return np.maximum(np.mean(gaps(anchor, positive, negative) + margin), 0)


@triplet_loss.mistake("The norms are not squared.")
def loss_of_norms(anchor, positive, negative, margin=0.2):
    return np.mean(np.maximum(gaps(anchor, positive, negative, lambda D: np.linalg.norm(D, axis=1)) + margin, 0))


@triplet_loss.mistake("The margin is missing: embeddings that are all equal would be perfect.")
def loss_without_margin(anchor, positive, negative, margin=0.2):
    return np.mean(np.maximum(gaps(anchor, positive, negative), 0))


@triplet_loss.mistake("The margin is subtracted. It is added: the negative must be farther by at least the margin.")
def loss_margin_subtracted(anchor, positive, negative, margin=0.2):
    return np.mean(np.maximum(gaps(anchor, positive, negative) - margin, 0))


@triplet_loss.mistake("Positive and negative are swapped: the loss must fall as the positive comes closer.")
def loss_swapped(anchor, positive, negative, margin=0.2):
    return np.mean(np.maximum(gaps(anchor, negative, positive) + margin, 0))


@triplet_loss.mistake("This is the sum over the triplets. J is their mean.")
def loss_sum(anchor, positive, negative, margin=0.2):
    return np.sum(np.maximum(gaps(anchor, positive, negative) + margin, 0))


@triplet_loss.mistake("The second distance runs from the positive to the negative. Both distances start at the anchor.")
def loss_from_positive(anchor, positive, negative, margin=0.2):
    gap = np.sum((anchor - positive) ** 2, axis=1) - np.sum((positive - negative) ** 2, axis=1)
    return np.mean(np.maximum(gap + margin, 0))


@triplet_loss.mistake("The mean runs over the active triplets only. It runs over all of them; the others count 0.")
def loss_mean_of_active(anchor, positive, negative, margin=0.2):
    losses = np.maximum(gaps(anchor, positive, negative) + margin, 0)
    return losses[losses > 0].mean()


@triplet_loss.mistake("The margin 0.2 is written into your function. Use the argument.")
def loss_margin_fixed(anchor, positive, negative, margin=0.2):
    return np.mean(np.maximum(gaps(anchor, positive, negative) + 0.2, 0))


@triplet_loss.mistake(
    "All triplets share one maximum with 0, and the sum is not divided. Each triplet has its own: sum over axis 1, take the "
    "maximum of each, then the mean."
)
def loss_one_hinge_for_all(anchor, positive, negative, margin=0.2):
    return np.maximum(np.sum(gaps(anchor, positive, negative)) + margin, 0)


@triplet_loss.mistake(
    "The squares are averaged over the entries of an embedding. A squared distance is their sum, over axis 1."
)
def loss_of_mean_squares(anchor, positive, negative, margin=0.2):
    return np.mean(np.maximum(gaps(anchor, positive, negative) / anchor.shape[1] + margin, 0))


@triplet_loss.mistake("The squares are summed over the triplets, axis 0. Sum over the entries of an embedding, axis 1.")
def loss_over_examples(anchor, positive, negative, margin=0.2):
    return np.mean(np.maximum(gaps(anchor, positive, negative, lambda D: np.sum(D**2, axis=0)) + margin, 0))


@triplet_loss.mistake("This is the largest loss of a triplet. J is their mean.")
def loss_largest(anchor, positive, negative, margin=0.2):
    return np.max(np.maximum(gaps(anchor, positive, negative) + margin, 0))


@triplet_loss.accept("One triplet at a time, as (6.4) reads.")
def loss_with_loop(anchor, positive, negative, margin=0.2):
    total = 0.0
    for a, p, n in zip(anchor, positive, negative, strict=True):
        total += max(float((a - p) @ (a - p) - (a - n) @ (a - n) + margin), 0.0)
    return total / len(anchor)


@triplet_loss.accept
def loss_with_where(anchor, positive, negative, margin=0.2):
    L = gaps(anchor, positive, negative, lambda D: np.linalg.norm(D, axis=1) ** 2) + margin
    return np.where(L > 0, L, 0.0).sum() / L.size


# --- triplet_loss_backward -------------------------------------------------------------------------------------------


@lesson.exercise(
    points=4,
    topic=48,
    equation="(6.6) to (6.8)",
    returns=("danchor", "dpositive", "dnegative"),
    backward=True,
    cases=loss_cases,
    ask="Which triplets have a gradient at all, and by which number is each one divided?",
    small={
        "anchor": np.array([[0.0], [0.0]]),
        "positive": np.array([[1.0], [0.1]]),
        "negative": np.array([[-0.5], [2.0]]),
    },
    why={
        "question": "Why is m the number of all triplets and not of the active ones?",
        "choices": {
            "J is the mean over all of them, and the others add 0 to it": "Yes: so an inactive triplet weakens the step.",
            "the number of active ones is not known": "No: it is, but J does not use it.",
            "it makes no difference": "No: the gradient would be larger where few are active.",
        },
    },
)
def triplet_loss_backward(anchor, positive, negative, margin=0.2):
    """Return the gradients of the triplet cost by the three embeddings.

    Parameters
    ----------
    anchor, positive, negative : ndarray, shape (m, n_e)
    margin : float

    Returns
    -------
    danchor, dpositive, dnegative : ndarray, shape (m, n_e)
        Of the cost J: the factor 1/m is in them. Rows of inactive triplets are 0.
    """
    gap = np.sum((anchor - positive) ** 2, axis=1, keepdims=True) - np.sum(
        (anchor - negative) ** 2, axis=1, keepdims=True
    )
    share = 2 / len(anchor) * (gap + margin > 0)
    danchor = share * (negative - positive)  # (6.6)
    dpositive = share * (positive - anchor)  # (6.7)
    dnegative = share * (anchor - negative)  # (6.8)
    return danchor, dpositive, dnegative


def back_variant(anchor, positive, negative, margin, factor=2.0, active=None, mean=True):
    on = gaps(anchor, positive, negative)[:, None] + margin > 0 if active is None else active
    share = factor * on / (len(anchor) if mean else 1)
    return share * (negative - positive), share * (positive - anchor), share * (anchor - negative)


@triplet_loss_backward.mistake("Inactive triplets get a gradient. Where the loss is 0, all three rows are 0.")
def back_of_inactive(anchor, positive, negative, margin=0.2):
    return back_variant(anchor, positive, negative, margin, active=np.ones((len(anchor), 1)))


@triplet_loss_backward.mistake("The factor 2 is missing: it comes from the square.")
def back_without_two(anchor, positive, negative, margin=0.2):
    return back_variant(anchor, positive, negative, margin, factor=1.0)


@triplet_loss_backward.mistake("The factor 1/m is missing: J is a mean over the triplets.")
def back_without_mean(anchor, positive, negative, margin=0.2):
    return back_variant(anchor, positive, negative, margin, mean=False)


@triplet_loss_backward.mistake("All signs are wrong: this gradient points downhill.")
def back_negative(anchor, positive, negative, margin=0.2):
    return back_variant(anchor, positive, negative, margin, factor=-2.0)


@triplet_loss_backward.mistake("A triplet is active if gap + margin is positive. You forgot the margin.")
def back_active_without_margin(anchor, positive, negative, margin=0.2):
    return back_variant(anchor, positive, negative, margin, active=gaps(anchor, positive, negative)[:, None] > 0)


@triplet_loss_backward.mistake("danchor lacks the part of the negative: the anchor stands in both distances.")
def back_anchor_positive_only(anchor, positive, negative, margin=0.2):
    dA, dP, dN = back_variant(anchor, positive, negative, margin)
    return -dP, dP, dN


@triplet_loss_backward.mistake("danchor lacks the part of the positive: the anchor stands in both distances.")
def back_anchor_negative_only(anchor, positive, negative, margin=0.2):
    dA, dP, dN = back_variant(anchor, positive, negative, margin)
    return -dN, dP, dN


@triplet_loss_backward.mistake("The sign of danchor is wrong: it is 2/m (negative - positive).")
def back_anchor_sign(anchor, positive, negative, margin=0.2):
    dA, dP, dN = back_variant(anchor, positive, negative, margin)
    return -dA, dP, dN


@triplet_loss_backward.mistake("The sign of dnegative is wrong: the distance to the negative enters J with a minus.")
def back_negative_sign(anchor, positive, negative, margin=0.2):
    dA, dP, dN = back_variant(anchor, positive, negative, margin)
    return dA, dP, -dN


@triplet_loss_backward.mistake("The order is danchor, dpositive, dnegative.")
def back_order(anchor, positive, negative, margin=0.2):
    dA, dP, dN = back_variant(anchor, positive, negative, margin)
    return dP, dN, dA


@triplet_loss_backward.mistake(
    "You divide by the number of active triplets. J is the mean over all m triplets; inactive ones count 0."
)
def back_mean_of_active(anchor, positive, negative, margin=0.2):
    active = gaps(anchor, positive, negative)[:, None] + margin > 0
    return back_variant(anchor, positive, negative, margin, factor=2.0 * len(anchor) / max(np.sum(active), 1))


@triplet_loss_backward.mistake(
    "Your factor has the shape (m,), one number per row, and does not fit the rows of (m, n_e). Keep the axis: "
    "`keepdims=True`."
)
def back_factor_without_axis(anchor, positive, negative, margin=0.2):
    share = 2 / len(anchor) * (gaps(anchor, positive, negative) + margin > 0)
    return share * (negative - positive), share * (positive - anchor), share * (anchor - negative)


@triplet_loss_backward.mistake(
    "A triplet with a loss of exactly 0 gets a gradient. It is inactive: gap + margin must be above 0."
)
def back_at_the_hinge(anchor, positive, negative, margin=0.2):
    return back_variant(
        anchor, positive, negative, margin, active=gaps(anchor, positive, negative)[:, None] + margin >= 0
    )


@triplet_loss_backward.mistake("dpositive and dnegative are swapped.")
def back_swapped(anchor, positive, negative, margin=0.2):
    dA, dP, dN = back_variant(anchor, positive, negative, margin)
    return dA, dN, dP


@triplet_loss_backward.mistake(
    "The gradients are multiplied by the loss. The slope of max(x, 0) is 1 where x is positive."
)
def back_times_loss(anchor, positive, negative, margin=0.2):
    loss = np.maximum(gaps(anchor, positive, negative) + margin, 0)[:, None]
    return back_variant(anchor, positive, negative, margin, active=loss)


@triplet_loss_backward.mistake("The margin is always 0.2. Take it from the argument.")
def back_margin_fixed(anchor, positive, negative, margin=0.2):
    return triplet_loss_backward.reference(anchor, positive, negative)


@triplet_loss_backward.accept
def back_with_loop(anchor, positive, negative, margin=0.2):
    dA, dP, dN = (np.zeros(anchor.shape) for _ in range(3))
    m = len(anchor)
    for i in range(m):
        to_p, to_n = anchor[i] - positive[i], anchor[i] - negative[i]
        if to_p @ to_p - to_n @ to_n + margin > 0:
            dA[i], dP[i], dN[i] = 2 * (to_p - to_n) / m, -2 * to_p / m, 2 * to_n / m
    return dA, dP, dN


@triplet_loss_backward.accept("The chain rule in two steps: first by the two distances, then by the embeddings.")
def back_in_two_steps(anchor, positive, negative, margin=0.2):
    gap = np.sum((anchor - positive) ** 2 - (anchor - negative) ** 2, axis=1)
    dgap = np.where(gap + margin > 0, 1.0, 0.0)[:, None] / anchor.shape[0]
    dP, dN = -2 * (anchor - positive) * dgap, 2 * (anchor - negative) * dgap
    return -(dP + dN), dP, dN


# --- hard_triplets ---------------------------------------------------------------------------------------------------


def hard_cases(rng):
    cases = []
    for people, photos, n in ((3, 3, 2), (4, 2, 5), (2, 4, 3)):
        labels = rng.permutation(np.repeat(np.arange(people) + 5, photos))
        cases.append(case(embeddings=rng.normal(size=(len(labels), n)), labels=labels))
    labels = np.array([1, 4, 1, 2])  # two people have one photo: they are negatives only
    return [*cases, case(embeddings=rng.normal(size=(4, 3)), labels=labels)]


@lesson.exercise(
    points=2,
    topic=48,
    equation="(6.15)",
    cases=hard_cases,
    ask="Whose distances may not win the search for the nearest image, and how can you keep them from winning?",
    small={"embeddings": np.array([[0.0], [1], [3], [10]]), "labels": np.array([7, 7, 8, 8])},
)
def hard_triplets(embeddings, labels):
    """Return for each pair of images of one person the triplet with the hardest negative.

    Parameters
    ----------
    embeddings : ndarray, shape (m, n_e)
    labels : ndarray of int, shape (m,)
        Who is on the image.

    Returns
    -------
    triplets : ndarray of int, shape (k, 3)
        Rows (anchor, positive, negative) of numbers of images, for all ordered pairs of two different images of one
        person, sorted by anchor, then positive. The negative is the nearest image of another person.

    References
    ----------
    A. Hermans, L. Beyer, B. Leibe, "In defense of the triplet loss for person re-identification", 2017,
    arXiv:1703.07737.
    """
    d = np.sum((embeddings[:, None] - embeddings[None]) ** 2, axis=2)
    same = labels[:, None] == labels[None]
    nearest = np.argmin(np.where(same, np.inf, d), axis=1)  # (6.15)
    return np.array([(a, p, nearest[a]) for a, p in np.ndindex(d.shape) if same[a, p] and a != p])


def hard_variant(embeddings, labels, choose=np.argmin, itself=False, ordered=True, others=True):
    d = np.sum((embeddings[:, None] - embeddings[None]) ** 2, axis=2)
    same = labels[:, None] == labels[None]
    blank = np.inf if choose is np.argmin else -np.inf
    hidden = same if others else np.eye(len(d), dtype=bool)
    chosen = choose(np.where(hidden, blank, d), axis=1)
    return np.array([
        (a, p, chosen[a]) for a, p in np.ndindex(d.shape) if same[a, p] and (itself or a != p) and (ordered or a < p)
    ])  # fmt: skip


@hard_triplets.mistake("The farthest image of another person is taken: the easiest negative. Take the nearest.")
def hard_easiest(embeddings, labels):
    return hard_variant(embeddings, labels, choose=np.argmax)


@hard_triplets.mistake("An image is paired with itself. Anchor and positive are different images.")
def hard_with_itself(embeddings, labels):
    return hard_variant(embeddings, labels, itself=True)


@hard_triplets.mistake("Each pair occurs once. It occurs twice: either image may be the anchor.")
def hard_each_pair_once(embeddings, labels):
    return hard_variant(embeddings, labels, ordered=False)


@hard_triplets.mistake("The nearest other image is taken, whoever is on it. The negative shows another person.")
def hard_any_person(embeddings, labels):
    return hard_variant(embeddings, labels, others=False)


@hard_triplets.mistake(
    "Anchor and positive are swapped in the rows: the negative must be the one nearest to the *anchor*."
)
def hard_columns_swapped(embeddings, labels):
    found = hard_variant(embeddings, labels)
    return found[:, [1, 0, 2]]


@hard_triplets.mistake("The negative is the nearest to the positive. It is the nearest to the anchor.")
def hard_nearest_to_positive(embeddings, labels):
    found = hard_variant(embeddings, labels)
    nearest = dict(zip(found[:, 0].tolist(), found[:, 2].tolist(), strict=True))
    return np.array([(a, p, nearest[int(p)]) for a, p, _ in found])


@hard_triplets.mistake("These are labels. Return numbers of images, counted from 0.")
def hard_labels(embeddings, labels):
    return labels[hard_variant(embeddings, labels)]


@hard_triplets.mistake(
    "The negative is a number among the images of other people alone. It is the number of the image in the batch: look it up "
    "in the numbers of those others."
)
def hard_number_among_others(embeddings, labels):
    d = np.sum((embeddings[:, None] - embeddings[None]) ** 2, axis=2)
    pairs = [(a, p) for a, p in np.ndindex(d.shape) if labels[a] == labels[p] and a != p]
    return np.array([(a, p, np.argmin(d[a, labels != labels[a]])) for a, p in pairs])


@hard_triplets.mistake("The rows are sorted by positive, then anchor. Sort by anchor, then positive.")
def hard_sorted_by_positive(embeddings, labels):
    found = hard_triplets.reference(embeddings, labels)
    return found[np.lexsort((found[:, 0], found[:, 1]))]


@hard_triplets.accept("With loops, and no table of all distances.")
def hard_with_loops(embeddings, labels):
    rows = []
    for a in range(len(labels)):
        negatives = [n for n in range(len(labels)) if labels[n] != labels[a]]
        far = [float(np.sum((embeddings[a] - embeddings[n]) ** 2)) for n in negatives]
        for p in range(len(labels)):
            if p != a and labels[p] == labels[a]:
                rows.append([a, p, negatives[int(np.argmin(far))]])
    return np.array(rows)


@hard_triplets.accept
def hard_with_nonzero(embeddings, labels):
    norms = np.linalg.norm(embeddings[:, None, :] - embeddings[None, :, :], axis=-1)
    same = np.equal.outer(labels, labels)
    a, p = np.nonzero(same & ~np.eye(len(labels), dtype=bool))
    n = np.where(same, norms.max() + 1, norms).argmin(axis=1)[a]
    return np.stack([a, p, n], axis=1)


# --- verify ----------------------------------------------------------------------------------------------------------


def people(rng, count, n):
    names = rng.permutation(["Ada", "Ben", "Cleo", "Dan", "Eve", "Finn"])[:count]
    return {str(name): unit(rng, 1, n) for name in names}


def verify_cases(rng):
    """Near and far images, by half and twice the threshold, and an image of somebody else of the database."""
    cases = []
    for count, n, threshold, factor in (
        (3, 4, 0.5, 0.5),
        (4, 3, 0.3, 2.0),
        (2, 6, 1.4, 0.6),
        (5, 3, 0.09, 2.5),
        (3, 4, 0.6, 1.05),
    ):
        database = people(rng, count, n)
        name = sorted(database)[0]
        embedding = database[name] + np.sqrt(threshold * factor) * unit(rng, 1, n)
        cases.append(case(embedding=embedding, identity=name, database=database, threshold=threshold))
    database = {"Ada": unit(rng, 1, 4), "Ben": unit(rng, 1, 4)}
    database["Ben"] = -database["Ada"] + 0.1 * database["Ben"]
    cases.append(case(embedding=database["Ben"] + 0.1, identity="Ada", database=database, threshold=0.8))
    exact, embedding = database_at_the_limit(rng)  # exactly at the threshold
    cases.append(case(embedding=embedding, identity="Cleo", database=exact, threshold=25 / 64))
    # Near enough to the name that is claimed, and still nearer to another one.
    near = {"Dan": unit(rng, 1, 4), "Eve": unit(rng, 1, 4)}
    near["Eve"] = near["Dan"] + 0.3 * near["Eve"]
    cases.append(case(embedding=0.2 * near["Dan"] + 0.8 * near["Eve"], identity="Dan", database=near, threshold=0.25))
    return cases


def database_at_the_limit(rng):
    """Return a database and an embedding whose squared distance to "Cleo", the nearest, is exactly 25/64."""
    cleo = rng.integers(-8, 9, size=(1, 3)) / 8
    step = rng.permutation([3, 4, 0]) / 8
    return {"Finn": cleo + 2, "Cleo": cleo, "Ada": cleo - 3}, cleo + step


@lesson.exercise(
    points=1,
    topic=47,
    equation="(6.17)",
    returns=("accepted", "distance"),
    cases=verify_cases,
    ask="How many entries of the database does a claim ask about?",
    small={
        "embedding": np.array([[0.8, 0.6]]),
        "identity": "Ada",
        "database": {"Ada": np.array([[1.0, 0]]), "Ben": np.array([[0.0, 1]])},
        "threshold": 0.5,
    },
)
def verify(embedding, identity, database, threshold):
    """Say whether an image shows the person whose name is given.

    Parameters
    ----------
    embedding : ndarray, shape (1, n_e)
        Of the image.
    identity : str
        Who it is said to be; in the database.
    database : dict
        From name to one embedding (1, n_e).
    threshold : float
        Up to this distance, two images count as one person.

    Returns
    -------
    accepted : bool
    distance : float
    """
    distance = np.sum((embedding - database[identity]) ** 2)
    return distance <= threshold, distance  # (6.17)


@verify.mistake("The answer is turned round: a *small* distance means the same person.")
def verify_turned(embedding, identity, database, threshold):
    d = float(np.sum((embedding - database[identity]) ** 2))
    return d > threshold, d


@verify.mistake("The distance is not squared.")
def verify_root(embedding, identity, database, threshold):
    d = float(np.linalg.norm(embedding - database[identity]))
    return d <= threshold, d


@verify.mistake("The image is compared with everyone. Verification asks about one name: look at that entry alone.")
def verify_against_all(embedding, identity, database, threshold):
    d = min(float(np.sum((embedding - other) ** 2)) for other in database.values())
    return d <= threshold, d


@verify.mistake("The distance comes first here. Return accepted, then distance.")
def verify_order(embedding, identity, database, threshold):
    d = float(np.sum((embedding - database[identity]) ** 2))
    return d, d <= threshold


@verify.mistake("The threshold is written into your function. Use the argument.")
def verify_threshold_fixed(embedding, identity, database, threshold):
    d = float(np.sum((embedding - database[identity]) ** 2))
    return d <= 0.7, d


@verify.mistake("Everyone is accepted. Compare the distance with the threshold.")
def verify_everyone(embedding, identity, database, threshold):
    return True, float(np.sum((embedding - database[identity]) ** 2))


@verify.mistake("An image exactly at the threshold counts as the same person: compare with `<=`, not `<`.")
def verify_below_the_threshold(embedding, identity, database, threshold):
    d = float(np.sum((embedding - database[identity]) ** 2))
    return d < threshold, d


@verify.mistake(
    "You reject an image that is nearer to somebody else. That is recognition; verification asks only whether it is "
    "near enough to the one name."
)
def verify_by_recognition(embedding, identity, database, threshold):
    distances = {name: float(np.sum((embedding - other) ** 2)) for name, other in database.items()}
    nearest = min(distances, key=distances.get)
    return nearest == identity and distances[identity] <= threshold, distances[identity]


@verify.mistake("The distance is the sum of the sizes of the differences. It is the sum of their squares.")
def verify_sum_of_sizes(embedding, identity, database, threshold):
    distance = float(np.sum(np.abs(embedding - database[identity])))
    return distance <= threshold, distance


@verify.accept
def verify_plain_numbers(embedding, identity, database, threshold):
    difference = np.ravel(embedding) - np.ravel(database[identity])
    d = float(difference @ difference)
    return bool(d <= threshold), d


@verify.accept("The norm and its square: a root more than needed.")
def verify_with_norm(embedding, identity, database, threshold):
    d = np.linalg.norm(embedding - database[identity]) ** 2
    return not d > threshold, d


# --- who_is_it -------------------------------------------------------------------------------------------------------


def who_cases(rng):
    cases = []
    for count, n, threshold, known in (
        (4, 3, 0.5, True),
        (5, 4, 0.4, False),
        (3, 6, 0.6, True),
        (6, 2, 0.01, False),
        (2, 5, 3.9, True),
    ):
        while True:
            database = people(rng, count, n)
            names = list(database)
            e = database[names[1]] + (0.3 if known else 1.2) * unit(rng, 1, n)
            d = np.array([np.sum((e - other) ** 2) for other in database.values()])
            clear = np.sort(d)[1] - d.min() > 0.05 and abs(d.min() - threshold) > 0.02
            if clear and abs(np.sqrt(d.min()) - threshold) > 0.02 and (d.min() <= threshold) == known:
                break
        cases.append(case(embedding=e, database=database, threshold=threshold))
    exact, embedding = database_at_the_limit(rng)  # exactly at the threshold
    cases.append(case(embedding=embedding, database=exact, threshold=25 / 64))
    cases.append(case(embedding=embedding, database=exact, threshold=24 / 64))
    far = {name: 10 * other for name, other in people(rng, 3, 4).items()}  # distances above 100
    cases.append(case(embedding=far[list(far)[1]] + 15 * unit(rng, 1, 4), database=far, threshold=250.0))
    cases.append(case(embedding=far[list(far)[2]] + 25 * unit(rng, 1, 4), database=far, threshold=150.0))
    return cases


@lesson.exercise(
    points=2,
    topic=47,
    equation="(6.18)",
    returns=("name", "distance"),
    cases=who_cases,
    ask="When is the threshold asked: for each entry, or for the nearest one alone?",
    small={
        "embedding": np.array([[0.8, 0.6]]),
        "database": {"Ada": np.array([[1.0, 0]]), "Ben": np.array([[0.0, 1]])},
        "threshold": 0.5,
    },
    why={
        "question": "Why is the nearest entry found first, and the threshold asked of it alone?",
        "choices": {
            "If the nearest one is too far, so are all the others": "Yes: every other entry is at least as far.",
            "It is quicker than to ask each entry": "No: all distances are needed either way.",
            "Any entry within the threshold would do as well": "No: the first one within it need not be the nearest.",
        },
    },
)
def who_is_it(embedding, database, threshold):
    """Say who is on an image, or that it is nobody we know.

    Parameters
    ----------
    embedding : ndarray, shape (1, n_e)
    database : dict
        From name to one embedding (1, n_e).
    threshold : float

    Returns
    -------
    name : str
        Of the nearest entry, or "nobody we know" if it is farther than the threshold.
    distance : float
        To the nearest entry.
    """
    distances = {name: np.sum((embedding - other) ** 2) for name, other in database.items()}
    name = min(distances, key=distances.get)  # (6.18)
    return (name if distances[name] <= threshold else NOBODY), distances[name]


def who_variant(embedding, database, threshold, distance=lambda D: float(np.sum(D**2)), choose=min, always=False):
    d = {name: distance(embedding - other) for name, other in database.items()}
    name = choose(d, key=d.get)
    return (name if always or d[name] <= threshold else NOBODY), d[name]


@who_is_it.mistake(
    "Somebody is named always. If the nearest entry is farther than the threshold, it is nobody we know."
)
def who_always_somebody(embedding, database, threshold):
    return who_variant(embedding, database, threshold, always=True)


@who_is_it.mistake("The farthest entry is named. Take the nearest.")
def who_farthest(embedding, database, threshold):
    return who_variant(embedding, database, threshold, choose=max)


@who_is_it.mistake("The distances are not squared.")
def who_root(embedding, database, threshold):
    return who_variant(embedding, database, threshold, lambda D: float(np.linalg.norm(D)))


@who_is_it.mistake("The first entry below the threshold is named. Look at all of them, and take the nearest.")
def who_first_below(embedding, database, threshold):
    for name, other in database.items():
        d = float(np.sum((embedding - other) ** 2))
        if d <= threshold:
            return name, d
    return who_variant(embedding, database, threshold)


@who_is_it.mistake("The threshold is turned round: a nearest distance *above* it means nobody we know.")
def who_turned(embedding, database, threshold):
    name, d = who_variant(embedding, database, threshold, always=True)
    return (name if d > threshold else NOBODY), d


@who_is_it.mistake('For strangers return the text "nobody we know" as the name, not None.')
def who_none(embedding, database, threshold):
    name, d = who_variant(embedding, database, threshold)
    return (None if name == NOBODY else name), d


@who_is_it.mistake("The distance is the mean over the database. Return that of the nearest entry.")
def who_mean_distance(embedding, database, threshold):
    name, _ = who_variant(embedding, database, threshold)
    return name, float(np.mean([np.sum((embedding - other) ** 2) for other in database.values()]))


@who_is_it.mistake(
    'An image exactly at the threshold is somebody we know: it is "nobody we know" only if it is *farther*.'
)
def who_below_the_threshold(embedding, database, threshold):
    name, d = who_variant(embedding, database, threshold, always=True)
    return (name if d < threshold else NOBODY), d


@who_is_it.mistake(
    "Your search starts from a best distance that can be too small, so nobody is ever nearer. Start from `np.inf`."
)
def who_starts_from_100(embedding, database, threshold):
    smallest = 100
    for other_name, other in database.items():
        d = float(np.sum((embedding - other) ** 2))
        if d < smallest:
            smallest, name = d, other_name
    return (name if smallest <= threshold else NOBODY), smallest


@who_is_it.mistake(
    "Two things. Your search starts from a best distance that can be too small: start from `np.inf`. And the threshold is "
    'never asked: where the nearest entry is farther, the name is "nobody we know".'
)
def who_starts_from_100_always_somebody(embedding, database, threshold):
    smallest, name = 100, None
    for other_name, other in database.items():
        d = float(np.sum((embedding - other) ** 2))
        if d < smallest:
            smallest, name = d, other_name
    return name, smallest


@who_is_it.mistake(
    "Your search starts from a best distance that can be too small, so the name stays None. Start from `np.inf`."
)
def who_starts_from_100_without_a_name(embedding, database, threshold):
    smallest, name = 100, None
    for other_name, other in database.items():
        d = float(np.sum((embedding - other) ** 2))
        if d < smallest:
            smallest, name = d, other_name
    return (name if smallest <= threshold else NOBODY), smallest


@who_is_it.mistake(
    "Where nobody is near enough, you return the threshold as the distance. Return the distance to the nearest entry."
)
def who_distance_of_the_threshold(embedding, database, threshold):
    name, d = who_variant(embedding, database, threshold)
    return name, min(d, threshold)


@who_is_it.accept
def who_with_loop(embedding, database, threshold):
    best, smallest = NOBODY, float("inf")
    for name, other in database.items():
        d = float(np.sum((np.asarray(embedding) - other) ** 2))
        if d < smallest:
            best, smallest = name, d
    return (best, smallest) if smallest <= threshold else (NOBODY, smallest)


@who_is_it.accept("All distances at once: the database as one array.")
def who_with_arrays(embedding, database, threshold):
    names, known = list(database), np.concatenate(list(database.values()))
    d = ((known - embedding) ** 2).sum(axis=1)
    nearest = int(d.argmin())
    return names[nearest] if d[nearest] <= threshold else NOBODY, d[nearest]


# --- unit_length -----------------------------------------------------------------------------------------------------


def length_cases(rng):
    return [
        case(V=scale * rng.normal(size=(m, n))) for m, n, scale in ((4, 3, 1.0), (1, 5, 3.0), (3, 3, 0.2), (6, 2, 40.0))
    ]


@lesson.exercise(
    points=1,
    topic=47,
    equation="(6.9)",
    returns=("E", "length"),
    cases=length_cases,
    ask="Each row has its own length. Which axis must the lengths keep, so that the division meets the right rows?",
    small={"V": np.array([[3.0, 4.0], [0.0, -2.0]])},
)
def unit_length(V):
    """Divide each row by its length.

    Parameters
    ----------
    V : ndarray, shape (m, n_e)
        No row is 0.

    Returns
    -------
    E : ndarray, shape (m, n_e)
    length : ndarray, shape (m, 1)
    """
    length = np.sqrt(np.sum(V**2, axis=1, keepdims=True))
    return V / length, length  # (6.9)


@unit_length.mistake("The lengths are squared here: the root is missing.")
def length_squared(V):
    length = np.sum(V**2, axis=1, keepdims=True)
    return V / length, length


@unit_length.mistake("One length for all rows: add up over axis 1 only.")
def length_of_all(V):
    length = np.sqrt(np.sum(V**2))
    return V / length, np.full((len(V), 1), length)


@unit_length.mistake("These are the lengths of the columns. A row is one image: add up over axis 1.")
def length_of_columns(V):
    length = np.sqrt(np.sum(V**2, axis=0, keepdims=True))
    return V / length, length


@unit_length.mistake("This is the sum of the sizes of the entries. The length is the root of the sum of squares.")
def length_of_sizes(V):
    length = np.sum(np.abs(V), axis=1, keepdims=True)
    return V / length, length


@unit_length.mistake("The rows are multiplied by their length. Divide.")
def length_multiplied(V):
    length = np.linalg.norm(V, axis=1, keepdims=True)
    return V * length, length


@unit_length.mistake("The length has lost its axis. It is (m, 1): `keepdims=True`.")
def length_flat(V):
    length = np.linalg.norm(V, axis=1)
    return V / length[:, None], length


@unit_length.mistake("You divide by the largest entry of a row. The length is the root of the sum of squares.")
def length_largest_entry(V):
    length = np.max(np.abs(V), axis=1, keepdims=True)
    return V / length, length


@unit_length.accept("NumPy has the length of rows: np.linalg.norm with an axis.")
def length_by_norm(V):
    length = np.linalg.norm(V, axis=1, keepdims=True)
    return V / length, length


@unit_length.accept
def length_row_by_row(V):
    length = np.array([[np.sqrt(row @ row)] for row in V])
    return np.array([row / n for row, n in zip(V, length, strict=True)]), length


def length_back_cases(rng):
    cases = []
    for (_, arguments), scale in zip(length_cases(rng), (1.0, 2.0, 0.5, 1.0), strict=True):
        E, length = unit_length.reference(**arguments)
        cases.append(case(dE=scale * rng.normal(size=E.shape), E=E, length=length))
    return cases


@lesson.exercise(
    points=3,
    topic=47,
    equation="(6.12)",
    backward=True,
    cases=length_back_cases,
    ask="Which part of dE can change no entry of E, because a step along the embedding changes its length alone?",
    small={"dE": np.array([[1.0, 2.0]]), "E": np.array([[0.6, 0.8]]), "length": np.array([[5.0]])},
)
def unit_length_backward(dE, E, length):
    """Send the gradient back through `unit_length`.

    Parameters
    ----------
    dE : ndarray, shape (m, n_e)
        Of the cost J.
    E : ndarray, shape (m, n_e)
        Rows of length 1, from `unit_length`.
    length : ndarray, shape (m, 1)

    Returns
    -------
    dV : ndarray, shape (m, n_e)
    """
    along = np.sum(dE * E, axis=1, keepdims=True)
    return (dE - along * E) / length  # (6.12)


def length_back(dE, E, length, axis=1, sign=-1.0, divide=True):
    along = np.sum(dE * E, axis=axis, keepdims=True)
    dV = dE + sign * along * E
    return dV / length if divide else dV


@unit_length_backward.mistake("The part along the embedding is missing: the length depends on every entry of v.")
def length_back_only_divided(dE, E, length):
    return dE / length


@unit_length_backward.mistake("The division by the length is missing: a long v is turned less by the same step.")
def length_back_not_divided(dE, E, length):
    return length_back(dE, E, length, divide=False)


@unit_length_backward.mistake("The part along the embedding is added. It is taken away.")
def length_back_added(dE, E, length):
    return length_back(dE, E, length, sign=1.0)


@unit_length_backward.mistake("The products are added up over the examples. Each row has its own: axis 1.")
def length_back_over_examples(dE, E, length):
    return length_back(dE, E, length, axis=0)


@unit_length_backward.mistake("The products are added up over everything. Each row has its own: axis 1.")
def length_back_over_all(dE, E, length):
    return length_back(dE, E, length, axis=None)


@unit_length_backward.mistake("The gradient is multiplied by the length. Divide by it.")
def length_back_multiplied(dE, E, length):
    return length_back(dE, E, length, divide=False) * length


@unit_length_backward.mistake("The products are not added up: e · de is one number for each row.")
def length_back_entry_by_entry(dE, E, length):
    return (dE - dE * E * E) / length


@unit_length_backward.mistake("You divide by the square of the length. (6.12) divides by the length once.")
def length_back_divided_twice(dE, E, length):
    return (dE - np.sum(dE * E, axis=1, keepdims=True) * E) / length**2


@unit_length_backward.accept("The matrix (6.11) itself, for each row: the unit matrix minus e times e.")
def length_back_by_matrix(dE, E, length):
    rows = [(np.eye(E.shape[1]) - np.outer(e, e)) @ de / n for de, e, n in zip(dE, E, length, strict=True)]
    return np.array(rows)


@unit_length_backward.accept
def length_back_by_einsum(dE, E, length):
    return dE / length - np.einsum("ij,ij->i", dE, E)[:, None] * E / length


# --- add_roles -------------------------------------------------------------------------------------------------------


def roles_cases(rng):
    cases = []
    for m, n, k in ((5, 3, 8), (3, 2, 6), (6, 4, 3), (4, 1, 1)):
        anchors = rng.integers(0, m, size=k)
        triplets = np.stack([anchors, (anchors + 1) % m, rng.integers(0, m, size=k)], axis=1)
        if k > 2:
            triplets[1] = triplets[0]  # twice the same
            triplets[2, 1] = triplets[0, 1]
        else:
            triplets %= m - 1  # the last image is in no triplet
        gradients = {name: rng.normal(size=(k, n)) for name in ("danchor", "dpositive", "dnegative")}
        cases.append(case(triplets=triplets, **gradients, m=m))
    return cases


@lesson.exercise(
    points=3,
    topic=48,
    equation="(6.14)",
    backward=True,
    cases=roles_cases,
    ask="One image is the anchor of many triplets, the positive of others, the negative of others. What happens to all that "
    "comes back to it?",
    small={
        "triplets": np.array([[0, 1, 2], [1, 0, 2]]),
        "danchor": np.array([[1.0], [10.0]]),
        "dpositive": np.array([[2.0], [20.0]]),
        "dnegative": np.array([[4.0], [40.0]]),
        "m": 4,
    },
    why={
        "question": "Why not `dE[triplets[:, 0]] += danchor`?",
        "choices": {
            "an image that stands there several times would get only one of its shares": "Yes: `+=` with an array of numbers "
            "reads once, adds, and writes once. np.add.at adds each share.",
            "`+=` changes danchor": "No: it changes dE.",
            "the shapes do not fit": "No: they do, and that is why it is so easy to overlook.",
        },
    },
)
def add_roles(triplets, danchor, dpositive, dnegative, m):
    """Add up what comes back to each image in its three roles.

    Parameters
    ----------
    triplets : ndarray of int, shape (k, 3)
        Numbers of images: anchor, positive, negative.
    danchor, dpositive, dnegative : ndarray, shape (k, n_e)
        Of the cost J.
    m : int
        How many images the batch has.

    Returns
    -------
    dE : ndarray, shape (m, n_e)
        Of the cost J; 0 for images in no triplet.
    """
    dE = np.zeros((m, danchor.shape[1]))
    for role, gradient in enumerate((danchor, dpositive, dnegative)):
        np.add.at(dE, triplets[:, role], gradient)  # (6.14)
    return dE


def roles_variant(triplets, danchor, dpositive, dnegative, m, roles=(0, 1, 2), columns=(0, 1, 2), mean=False):
    dE, counts = np.zeros((m, danchor.shape[1])), np.zeros((m, 1))
    gradients = (danchor, dpositive, dnegative)
    for role in roles:
        np.add.at(dE, triplets[:, columns[role]], gradients[role])
        np.add.at(counts, triplets[:, columns[role]], 1.0)
    return dE / np.maximum(counts, 1) if mean else dE


@add_roles.mistake("`dE[numbers] += ...` adds one share to each image, however often it stands there. Use `np.add.at`.")
def roles_by_index(triplets, danchor, dpositive, dnegative, m):
    dE = np.zeros((m, danchor.shape[1]))
    for role, gradient in enumerate((danchor, dpositive, dnegative)):
        dE[triplets[:, role]] += gradient
    return dE


@add_roles.mistake("The last share overwrites the others: `=`. All of them add up.")
def roles_overwritten(triplets, danchor, dpositive, dnegative, m):
    dE = np.zeros((m, danchor.shape[1]))
    for role, gradient in enumerate((danchor, dpositive, dnegative)):
        dE[triplets[:, role]] = gradient
    return dE


@add_roles.mistake("Only the anchors get a gradient. Positives and negatives are embeddings, too.")
def roles_anchor_only(*arguments):
    return roles_variant(*arguments, roles=(0,))


@add_roles.mistake("The negatives get no gradient: their part is missing.")
def roles_without_negative(*arguments):
    return roles_variant(*arguments, roles=(0, 1))


@add_roles.mistake(
    "Shares are averaged over the triplets of an image. They add up: the mean is in the gradients already."
)
def roles_averaged(*arguments):
    return roles_variant(*arguments, mean=True)


@add_roles.mistake(
    "Positive and negative are swapped: column 1 of the triplets is the positive, column 2 the negative."
)
def roles_swapped(*arguments):
    return roles_variant(*arguments, columns=(0, 2, 1))


@add_roles.mistake("All three gradients go to the anchor. Each goes to the image in its own role.")
def roles_all_to_anchor(*arguments):
    return roles_variant(*arguments, columns=(0, 0, 0))


@add_roles.mistake("dE has a row for each triplet. It has one for each image: start with zeros of shape (m, n_e).")
def roles_by_triplet(triplets, danchor, dpositive, dnegative, m):
    return danchor + dpositive + dnegative


@add_roles.mistake(
    "What comes back to the negative is subtracted. Its sign is in dnegative already: shares are added in all three roles."
)
def roles_negative_subtracted(triplets, danchor, dpositive, dnegative, m):
    return add_roles.reference(triplets, danchor, dpositive, -dnegative, m)


@add_roles.mistake("dE ends with the last image that is in a triplet. It has m rows; images in no triplet get 0.")
def roles_rows_of_triplets(triplets, danchor, dpositive, dnegative, m):
    return add_roles.reference(triplets, danchor, dpositive, dnegative, triplets.max() + 1)


@add_roles.accept("A loop over the triplets: three lines, each with +=.")
def roles_by_loop(triplets, danchor, dpositive, dnegative, m):
    dE = np.zeros((m, danchor.shape[1]))
    for k, (a, p, n) in enumerate(triplets):
        dE[a] += danchor[k]
        dE[p] += dpositive[k]
        dE[n] += dnegative[k]
    return dE


@add_roles.accept("A matrix with a 1 where image and triplet meet: the sum is a product.")
def roles_by_matrix(triplets, danchor, dpositive, dnegative, m):
    gradients = (danchor, dpositive, dnegative)
    return sum((np.arange(m)[:, None] == triplets[:, role]) @ gradients[role] for role in range(3))


# --- choose_threshold ------------------------------------------------------------------------------------------------


def threshold_cases(rng):
    cases = []
    for count, rate in ((60, 0.1), (40, 0.05), (30, 0.03), (25, 0.5), (26, 0.05)):  # the last: 20 pairs, 1 may get in
        number = 6 if count == 26 else count // 4
        nearest = rng.permutation(np.arange(3, count))[: number - 3]
        same = np.isin(np.arange(count), [0, 1, 2, *nearest])  # the three nearest pairs show one person each
        distances = rng.uniform(0.01, 0.1) + np.cumsum(rng.uniform(0.02, 0.1, size=count))
        order = rng.permutation(count)
        cases.append(case(distances=distances[order], same=same[order], rate=rate))
    return cases


@lesson.exercise(
    points=2,
    topic=47,
    equation="(6.16)",
    cases=threshold_cases,
    ask="Of the thresholds in question, which are allowed, and which of these accepts the most pairs of one person?",
    small={
        "distances": np.array([0.2, 0.9, 0.5, 1.5, 0.7, 1.1]),
        "same": np.array([True, True, False, False, False, False]),
        "rate": 0.5,
    },
)
def choose_threshold(distances, same, rate):
    """Choose the threshold for a wanted rate of false acceptance.

    Parameters
    ----------
    distances : ndarray, shape (k,)
        Of pairs of the dev part, all different.
    same : ndarray of bool, shape (k,)
        Whether a pair shows one person.
    rate : float

    Returns
    -------
    threshold : float
        The largest of the distances at which at most `rate` of the pairs of two people are accepted.
    """
    allowed = [d for d in distances if np.mean(distances[~same] <= d) <= rate]
    return max(allowed)  # (6.16)


@choose_threshold.mistake(
    "The rate is taken of the pairs of one person. False acceptance is about pairs of two people."
)
def threshold_of_same(distances, same, rate):
    allowed = [d for d in distances if np.mean(distances[same] <= d) <= rate]
    return max(allowed, default=distances.min())


@choose_threshold.mistake("The rate is taken of all pairs. False acceptance is a share of the pairs of two people.")
def threshold_of_all(distances, same, rate):
    return max([d for d in distances if np.mean(distances <= d) <= rate], default=distances.min())


@choose_threshold.mistake("The share is below the rate, not at most the rate: exactly the rate is allowed.")
def threshold_below_the_rate(distances, same, rate):
    return max([d for d in distances if np.mean(distances[~same] <= d) < rate], default=distances.min())


@choose_threshold.mistake("This is the smallest allowed threshold. The largest accepts the most pairs of one person.")
def threshold_smallest(distances, same, rate):
    return min(d for d in distances if np.mean(distances[~same] <= d) <= rate)


@choose_threshold.mistake("Pairs that lie *farther* than the threshold are counted. Accepted are those up to it.")
def threshold_turned(distances, same, rate):
    return max([d for d in distances if np.mean(distances[~same] >= d) <= rate], default=distances.min())


@choose_threshold.mistake(
    "The distance is that of a pair of two people. A pair of one person may lie farther and cost no false acceptance."
)
def threshold_of_a_wrong_pair(distances, same, rate):
    others = distances[~same]
    return max([d for d in others if np.mean(others <= d) <= rate], default=others.min())


@choose_threshold.mistake(
    "You divide by all pairs. The rate of false acceptance is a share of the pairs of two people alone."
)
def threshold_share_of_all_pairs(distances, same, rate):
    return max(d for d in distances if np.sum(distances[~same] <= d) / len(distances) <= rate)


@choose_threshold.mistake(
    "A quantile lies between two distances in general. Take the largest of the distances that is still allowed."
)
def threshold_quantile(distances, same, rate):
    return np.quantile(distances[~same], rate)


@choose_threshold.accept("Sorted once: walk outwards and stop before there are too many.")
def threshold_by_walking(distances, same, rate):
    order, wrong, best, others = np.argsort(distances), 0, None, np.sum(~same)
    for number in order:
        wrong += not same[number]
        if wrong / others > rate:
            break
        best = distances[number]
    return best


@choose_threshold.accept
def threshold_by_table(distances, same, rate):
    shares = np.mean(distances[~same][None] <= distances[:, None], axis=1)
    return np.max(np.where(shares <= rate, distances, -np.inf))


# --- pair_loss -------------------------------------------------------------------------------------------------------


def pair_cases(rng):
    cases = []
    for m, n, scale in ((5, 3, 1.0), (1, 4, 1.0), (6, 2, 0.5), (3, 2, 400.0)):
        arguments = {"E1": rng.normal(size=(m, n)), "E2": rng.normal(size=(m, n))}
        y = (np.arange(m) % 2)[:, None].astype(float)
        w, b = scale * rng.normal(size=(n, 1)), float(rng.normal())
        cases.append(case(**arguments, y=rng.permutation(y), w=w, b=b))
    return cases


@lesson.exercise(
    points=3,
    topic=47,
    equation="(6.20) and (6.21)",
    returns=("J", "dE1", "dE2", "dw", "db"),
    backward=True,
    cases=pair_cases,
    ask="The score is a neuron whose input is |e1 - e2|. What is the derivative of |x|, and with which sign does each "
    "embedding stand in x?",
    small={
        "E1": np.array([[1.0, 2.0]]),
        "E2": np.array([[3.0, 1.0]]),
        "y": np.array([[1.0]]),
        "w": np.array([[-1.0], [2.0]]),
        "b": 0.0,
    },
)
def pair_loss(E1, E2, y, w, b):
    """Return the logistic cost of pairs and its gradients.

    Parameters
    ----------
    E1, E2 : ndarray, shape (m, n_e)
    y : ndarray, shape (m, 1)
        1 for one person, 0 for two.
    w : ndarray, shape (n_e, 1)
    b : float

    Returns
    -------
    J : float
    dE1, dE2 : ndarray, shape (m, n_e)
        All gradients are of the cost J.
    dw : ndarray, shape (n_e, 1)
    db : float
    """
    D = np.abs(E1 - E2)
    z = D @ w + b
    J = np.mean(np.logaddexp(0, z) - y * z)  # (6.20)
    dz = (expit(z) - y) / len(y)  # (6.21)
    dE1 = dz @ w.T * np.sign(E1 - E2)  # (6.21)
    return J, dE1, -dE1, D.T @ dz, np.sum(dz)


def pair_variant(E1, E2, y, w, b, mean=True, sign=np.sign, both=-1.0, D=None, back=None):
    D = np.abs(E1 - E2) if D is None else D
    z = D @ w + b
    J = np.mean(np.logaddexp(0, z) - y * z)
    dz = (expit(z) - y) / (len(y) if mean else 1) if back is None else back(z)
    dE1 = dz @ w.T * sign(E1 - E2)
    return J, dE1, both * dE1, D.T @ dz, np.sum(dz)


@pair_loss.mistake("The factor 1/m is missing in the gradients: J is a mean over the pairs.")
def pair_without_mean(*arguments):
    return pair_variant(*arguments, mean=False)


@pair_loss.mistake("The sign of the difference is missing: |x| falls where x is negative.")
def pair_without_sign(*arguments):
    return pair_variant(*arguments, sign=np.ones_like)


@pair_loss.mistake("dE2 has the sign of dE1. E2 stands in the difference with a minus.")
def pair_same_sign(*arguments):
    return pair_variant(*arguments, both=1.0)


@pair_loss.mistake("The difference is squared. Here its size |e1 - e2| goes in, entry by entry.")
def pair_squared(E1, E2, y, w, b):
    return pair_variant(E1, E2, y, w, b, D=(E1 - E2) ** 2, sign=lambda x: 2 * x)


@pair_loss.mistake(
    "The difference goes in with its sign: then the order of the two images would matter. Take |e1 - e2|."
)
def pair_with_sign(E1, E2, y, w, b):
    return pair_variant(E1, E2, y, w, b, D=E1 - E2, sign=np.ones_like)


@pair_loss.mistake("Labels are turned round: y = 1 is one person, and dz = ŷ - y.")
def pair_labels_turned(E1, E2, y, w, b):
    return pair_variant(E1, E2, 1 - y, w, b)


@pair_loss.mistake("All gradients have the wrong sign: dz = ŷ - y.")
def pair_downhill(E1, E2, y, w, b):
    return pair_variant(E1, E2, y, w, b, back=lambda z: (y - expit(z)) / len(y))


@pair_loss.mistake(
    "The logarithm of a rounded probability: for large scores the cost is not finite. Take it from the score."
)
def pair_log_of_rounded(E1, E2, y, w, b):
    _, *gradients = pair_variant(E1, E2, y, w, b)
    with np.errstate(all="ignore"):
        p = expit(np.abs(E1 - E2) @ w + b)
        return (-np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)), *gradients)


@pair_loss.mistake("b is not used: the score is D @ w + b.")
def pair_without_b(E1, E2, y, w, b):
    return pair_loss.reference(E1, E2, y, w, 0.0)


@pair_loss.accept("A loss for each kind of pair: log(1 + e^z) for two people, log(1 + e^-z) for one.")
def pair_by_kinds(E1, E2, y, w, b):
    _, *gradients = pair_variant(E1, E2, y, w, b)
    z = np.abs(E1 - E2) @ w + b
    return (np.mean(np.where(y == 1, np.logaddexp(0, -z), np.logaddexp(0, z))), *gradients)


@pair_loss.accept
def pair_with_loop(E1, E2, y, w, b):
    m, J, db = len(y), 0.0, 0.0
    dE1, dE2, dw = np.zeros(E1.shape), np.zeros(E1.shape), np.zeros(w.shape)
    for i in range(m):
        x = E1[i] - E2[i]
        z = np.abs(x) @ w[:, 0] + b
        dz = (expit(z) - y[i, 0]) / m
        J += (np.logaddexp(0, z) - y[i, 0] * z) / m
        dE1[i], dE2[i] = dz * w[:, 0] * np.sign(x), -dz * w[:, 0] * np.sign(x)
        dw += dz * np.abs(x)[:, None]
        db += dz
    return J, dE1, dE2, dw, db
