"""Lesson 4.6, face verification: the catalogue of its six exercises. Equations are those of the notebook."""

import numpy as np

from helpers.exercises import Lesson, case

lesson = Lesson("face_verification")
NOBODY = "nobody we know"


# --- embedding_distance ----------------------------------------------------------------------------------------------


def distance_cases(rng):
    return [
        case(E1=rng.normal(size=(m, n)), E2=rng.normal(size=(m, n)) + 0.3) for m, n in ((4, 3), (1, 5), (6, 2), (3, 3))
    ]


@lesson.exercise(points=1, topic=47, equation="(6.2)", cases=distance_cases)
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


@embedding_distance.accept
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
    anchor = rng.integers(-8, 9, size=(4, 2)) / 4
    positive = anchor + np.array([[0.5, 0.0], [0.5, 0.125], [0.5, 0.0], [0.75, 0.5]])
    negative = anchor + np.array([[0.0, 0.75], [0.0, 0.75], [0.125, 0.75], [0.25, 0.0]])
    order = rng.permutation(4)
    return [*cases, case(anchor=anchor[order], positive=positive[order], negative=negative[order], margin=0.3125)]


@lesson.exercise(points=2, topic=48, equation="(6.4)", cases=loss_cases)
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


@triplet_loss.accept
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


@triplet_loss_backward.accept
def back_with_loop(anchor, positive, negative, margin=0.2):
    dA, dP, dN = (np.zeros(anchor.shape) for _ in range(3))
    m = len(anchor)
    for i in range(m):
        to_p, to_n = anchor[i] - positive[i], anchor[i] - negative[i]
        if to_p @ to_p - to_n @ to_n + margin > 0:
            dA[i], dP[i], dN[i] = 2 * (to_p - to_n) / m, -2 * to_p / m, 2 * to_n / m
    return dA, dP, dN


@triplet_loss_backward.accept
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


@lesson.exercise(points=2, topic=48, equation="(6.9)", cases=hard_cases)
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
    nearest = np.argmin(np.where(same, np.inf, d), axis=1)  # (6.9)
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


@hard_triplets.accept
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


@lesson.exercise(points=1, topic=47, equation="(6.10)", returns=("accepted", "distance"), cases=verify_cases)
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
    return distance <= threshold, distance  # (6.10)


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


@verify.accept
def verify_plain_numbers(embedding, identity, database, threshold):
    difference = np.ravel(embedding) - np.ravel(database[identity])
    d = float(difference @ difference)
    return bool(d <= threshold), d


@verify.accept
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


@lesson.exercise(points=2, topic=47, equation="(6.11)", returns=("name", "distance"), cases=who_cases)
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
    name = min(distances, key=distances.get)  # (6.11)
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


@who_is_it.accept
def who_with_loop(embedding, database, threshold):
    best, smallest = NOBODY, float("inf")
    for name, other in database.items():
        d = float(np.sum((np.asarray(embedding) - other) ** 2))
        if d < smallest:
            best, smallest = name, d
    return (best, smallest) if smallest <= threshold else (NOBODY, smallest)


@who_is_it.accept
def who_with_arrays(embedding, database, threshold):
    names, known = list(database), np.concatenate(list(database.values()))
    d = ((known - embedding) ** 2).sum(axis=1)
    nearest = int(d.argmin())
    return names[nearest] if d[nearest] <= threshold else NOBODY, d[nearest]
