"""Lesson 3.4, a project of your own: the catalogue of its three exercises. Equations are those of the notebook."""

import numpy as np

from helpers import data
from helpers.exercises import Lesson, case, draws
from helpers.widgets.own_project import REPAIRS, draw_project, nearest, repaired

lesson = Lesson("own_project")

# --- predictions -----------------------------------------------------------------------------------------------------

lesson.predict(
    "largest",
    "A program learns from the web's images as they are. Its errors on train, train-dev, dev and blackbox stand in a row. "
    "Between which two neighbours is the largest step?",
    ("train to train-dev", "train-dev to dev", "dev to blackbox"),
    "Unseen images of the web are read well. What changes at the largest step is the source.",
)
lesson.predict(
    "as_they_are",
    "60 labelled app images alone, or together with 400 images of the web as they are. What do the web's images change in the "
    "share of new app images that is read right, on average over 10 projects?",
    ("it rises by more than 0.05", "it changes by less than 0.05", "it falls by more than 0.05"),
    "Images that look like nothing in the app are rarely the most similar ones, so they neither help nor hurt much.",
)
lesson.predict(
    "labels_left",
    "Now the images of the web are repaired, and its two exchanged labels are left as they are. Which share is read right?",
    ("about 0.95", "about 0.8", "about 0.5"),
    "Two of ten digits are read as each other, which is a fifth of all.",
)

# --- project_report --------------------------------------------------------------------------------------------------

SETS = ("train", "train-dev", "dev", "blackbox")
GAPS = ("avoidable bias", "generalisation gap", "mismatch", "over-fitting of dev")


def report_cases(rng):
    def one(*errors, proxy, costs=None):
        answers = {}
        for name, error in zip(SETS, errors, strict=True):
            y = rng.integers(10, size=(1, int(rng.integers(60, 140))))
            wrong = rng.random(y.shape) < error
            answers[name] = (y, np.where(wrong, (y + rng.integers(1, 10, size=y.shape)) % 10, y))
        costs = rng.choice([1.0, 2.0, 5.0], size=10) if costs is None else costs
        return case(answers=answers, costs=costs, proxy=proxy)

    heavy = np.where(np.arange(10) == rng.integers(10), 20.0, 1.0)
    return [
        one(0.4, 0.45, 0.5, 0.5, proxy=0.02),
        one(0.0, 0.4, 0.45, 0.5, proxy=0.05),
        one(0.1, 0.1, 0.6, 0.6, proxy=0.01, costs=heavy),
        one(0.1, 0.2, 0.1, 0.7, proxy=None),
        one(0.7, 0.5, 0.3, 0.2, proxy=0.1),
        one(0.0, 0.2, 0.35, 0.4, proxy=0.0),
        one(0.6, 0.4, 0.3, 0.1, proxy=0.9),
    ]


SMALL = {
    "answers": {
        "train": (np.array([[7, 1, 2]]), np.array([[7, 1, 2]])),
        "train-dev": (np.array([[7, 1]]), np.array([[7, 2]])),
        "dev": (np.array([[7, 1]]), np.array([[1, 1]])),
        "blackbox": (np.array([[7, 1, 3]]), np.array([[1, 1, 3]])),
    },
    "costs": np.array([1.0, 1, 1, 1, 1, 1, 1, 3, 1, 1]),
    "proxy": 0.05,
}


@lesson.exercise(
    points=3,
    topic=36,
    equation="(4.1) to (4.5)",
    cases=report_cases,
    ask="How much does each image count, by its label? Between which neighbours lies each gap, and when is the first unknown?",
    small=SMALL,
    why={
        "question": "Why are the costs taken by the label and not by the answer?",
        "where": "costs",
        "choices": {
            "the harm is done to the image that is read wrongly": "Yes: and what it really shows is its label.",
            "the answer may be no digit": "No: it is one. Which of the two says what the image shows?",
            "the sum below would be 0 otherwise": "No: costs are above 0. What does a mistake cost, and on which image?",
        },
    },
)
def project_report(answers, costs, proxy):
    """Return four weighted errors, the four gaps of their row, and the largest known gap.

    Parameters
    ----------
    answers : dict
        For "train", "train-dev", "dev" and "blackbox" a pair (y, y_hat), each (1, m): labels and answers, 0 to 9.
    costs : ndarray, shape (10,)
        What a wrong answer costs, by the *label* of the image; above 0.
    proxy : float or None
        The weighted error that is in reach on the training mixture, if anyone has measured it.

    Returns
    -------
    report : dict
        The errors by the four names; "avoidable bias", "generalisation gap", "mismatch", "over-fitting of dev"; and
        "largest", the name of a gap. The avoidable bias is "undetermined" without a proxy or with train below it.
    """
    report = {}
    for name, (y, y_hat) in answers.items():
        w = costs[y]
        report[name] = float(np.sum(w * (y_hat != y)) / np.sum(w))  # (4.1)
    known = proxy is not None and report["train"] >= proxy
    report["avoidable bias"] = report["train"] - proxy if known else "undetermined"  # (4.2)
    report["generalisation gap"] = report["train-dev"] - report["train"]  # (4.3)
    report["mismatch"] = report["dev"] - report["train-dev"]  # (4.4)
    report["over-fitting of dev"] = report["blackbox"] - report["dev"]  # (4.5)
    numbers = [gap for gap in GAPS if report[gap] != "undetermined"]
    return report | {"largest": max(numbers, key=report.get)}


def report_of(errors, proxy):
    """Return the report of four errors."""
    steps = np.diff(errors).tolist()
    bias = errors[0] - proxy if proxy is not None and errors[0] >= proxy else "undetermined"
    gaps = dict(zip(GAPS, [bias, *steps], strict=True))
    known = [gap for gap in GAPS if gaps[gap] != "undetermined"]
    return dict(zip(SETS, errors, strict=True)) | gaps | {"largest": max(known, key=gaps.get)}


def errors_by(answers, weigh):
    """Return the four errors, with weights ``weigh(y, y_hat)``."""
    return [float(np.sum(weigh(y, h) * (y != h)) / np.sum(weigh(y, h))) for y, h in (answers[name] for name in SETS)]


@project_report.mistake("The costs play no part: these are plain shares of wrong answers. Weigh each image (4.1).")
def plain_errors(answers, costs, proxy):
    return report_of(errors_by(answers, lambda y, _: np.ones(y.shape)), proxy)


@project_report.mistake(
    "The weighted mistakes are divided by the number of images. Divide by the sum of the weights (4.1)."
)
def divided_by_m(answers, costs, proxy):
    errors = [float(np.mean(costs[y] * (y != h))) for y, h in (answers[name] for name in SETS)]
    return report_of(errors, proxy)


@project_report.mistake("Your weights are taken by the answers. A mistake costs what its *label* says: `costs[y]`.")
def costs_of_the_answers(answers, costs, proxy):
    return report_of(errors_by(answers, lambda _, h: costs[h]), proxy)


@project_report.mistake(
    "Your avoidable bias is negative where train is below the proxy. It is undetermined there (4.2)."
)
def negative_bias(answers, costs, proxy):
    right = project_report(answers, costs, proxy)
    return right | {"avoidable bias": right["avoidable bias"] if proxy is None else right["train"] - proxy}


@project_report.mistake("Without a proxy the code stops. Ask for None before you compare.")
def no_proxy_not_caught(answers, costs, proxy):
    return project_report(answers, costs, proxy) | {"avoidable bias": proxy + 0}


@project_report.mistake(
    "Where train equals the proxy, the bias is known: it is 0. Only below, `<`, it is undetermined (4.2)."
)
def undetermined_at_equality(answers, costs, proxy):
    right = project_report(answers, costs, proxy)
    return right | {"avoidable bias": right["avoidable bias"] or "undetermined"}


@project_report.mistake(
    "Your mismatch is dev − train, which holds the generalisation gap. It is dev − train-dev (4.4)."
)
def mismatch_from_train(answers, costs, proxy):
    right = project_report(answers, costs, proxy)
    gaps = {gap: right[gap] for gap in GAPS} | {"mismatch": right["dev"] - right["train"]}
    known = [gap for gap in GAPS if gaps[gap] != "undetermined"]
    return right | gaps | {"largest": max(known, key=gaps.get)}


@project_report.mistake(
    '"largest" is the set with the largest error. Name the largest *gap* among those that are numbers.'
)
def largest_error(answers, costs, proxy):
    right = project_report(answers, costs, proxy)
    return right | {"largest": max(SETS, key=right.get)}


@project_report.mistake(
    '"largest" takes the sizes of the gaps. A negative gap is no trouble: compare them with their sign.'
)
def largest_size(answers, costs, proxy):
    right = project_report(answers, costs, proxy)
    known = [gap for gap in GAPS if right[gap] != "undetermined"]
    return right | {"largest": max(known, key=lambda gap: abs(right[gap]))}


@project_report.accept("NumPy's weighted mean gives each error, and `np.diff` the three later gaps.")
def with_average_and_diff(answers, costs, proxy):
    errors = [float(np.average(answers[name][0] != answers[name][1], weights=costs[answers[name][0]])) for name in SETS]
    return report_of(errors, proxy)


@project_report.accept
def image_after_image(answers, costs, proxy):
    errors = []
    for name in SETS:
        lost = total = 0.0
        for label, said in zip(answers[name][0][0], answers[name][1][0], strict=True):
            total += costs[label]
            lost += costs[label] if label != said else 0.0
        errors.append(lost / total)
    return report_of(errors, proxy)


# --- find_trouble ----------------------------------------------------------------------------------------------------


def trouble_cases(rng):
    cases, seen = [], set()
    while len(cases) < 5:
        one = draw_project(int(rng.integers(2**32)))
        if one.change not in seen:
            seen.add(one.change)
            cases.append(case(**{name: getattr(one, name) for name in ("X_web", "digits_web", "X_app", "digits_app")}))
    return cases[:3]


def exchanged(digits, pair):
    """Return digits with the two of the pair exchanged."""
    a, b = pair
    return np.where(digits == a, b, np.where(digits == b, a, digits))


PAIRS = [(a, b) for a in range(10) for b in range(a + 1, 10)]
_TINY = np.zeros((64, 2))
_TINY[:8, 0], _TINY[::8, 1] = 1, 1


@lesson.exercise(
    points=4,
    topic=35,
    equation="(4.6) and (4.7)",
    returns=("change", "pair"),
    cases=trouble_cases,
    ask="For a guess of the change and of the pair, what can you measure on the labelled app images? How many guesses are there?",
    small={"X_web": _TINY, "digits_web": np.array([[1, 0]]), "X_app": 1 - _TINY, "digits_app": np.array([[0, 1]])},
)
def find_trouble(X_web, digits_web, X_app, digits_app):
    """Return what is wrong with the web: the change of its images, and the two digits whose labels are exchanged.

    Parameters
    ----------
    X_web, X_app : ndarray, shape (64, m_web) and (64, m_app)
        Images in columns.
    digits_web, digits_app : ndarray, shape (1, m_web) and (1, m_app)
        Labels; those of the app are right.

    Returns
    -------
    change : str
        A key of `pictures.REPAIRS`.
    pair : tuple of int
        The two digits, the smaller one first.
    """
    right = {}
    for change in REPAIRS:
        said = nearest(repaired(X_web, change), digits_web, X_app)
        for pair in PAIRS:
            right[change, pair] = np.sum(exchanged(said, pair) == digits_app)  # (4.6)
    return max(right, key=right.get)  # (4.7)


@find_trouble.mistake(
    "The images are taken as they are, so the change is never found. Try each repair on the web's images."
)
def without_repair(X_web, digits_web, X_app, digits_app):
    return "as they are", find_trouble(X_web, digits_web, X_app, digits_app)[1]


@find_trouble.mistake("You return the guess that reads the *fewest* app images right. Take the best one (4.7).")
def worst_guess(X_web, digits_web, X_app, digits_app):
    said = {change: nearest(repaired(X_web, change), digits_web, X_app) for change in REPAIRS}
    return min(said, key=lambda one: np.sum(said[one] == digits_app)), find_trouble(
        X_web, digits_web, X_app, digits_app
    )[1]


@find_trouble.mistake("The change is right. The pair has its larger digit first: return the smaller one first.")
def larger_first(X_web, digits_web, X_app, digits_app):
    change, pair = find_trouble(X_web, digits_web, X_app, digits_app)
    return change, pair[::-1]


@find_trouble.mistake("The change is right. The pair is always (0, 1): find which labels the web has exchanged.")
def always_the_first_pair(X_web, digits_web, X_app, digits_app):
    return find_trouble(X_web, digits_web, X_app, digits_app)[0], (0, 1)


@find_trouble.mistake(
    "The change is right. The pair are the two digits that are read right most often: look for mistakes."
)
def never_mixed_up(X_web, digits_web, X_app, digits_app):
    change, pair = find_trouble(X_web, digits_web, X_app, digits_app)
    said = nearest(repaired(X_web, change), digits_web, X_app)
    counts = [np.sum((said == d) & (digits_app == d)) - 100 * (d in pair) for d in range(10)]
    return change, tuple(sorted(int(d) for d in np.argsort(counts)[-2:]))


@find_trouble.mistake("The pair is missing. Return two things: the change, and the pair.")
def change_alone(X_web, digits_web, X_app, digits_app):
    return find_trouble(X_web, digits_web, X_app, digits_app)[0]


@find_trouble.accept(
    "First the change with the fewest mistakes, then a table of mistakes: its two largest entries face each other."
)
def with_a_table_of_mistakes(X_web, digits_web, X_app, digits_app):
    said = {change: nearest(repaired(X_web, change), digits_web, X_app)[0] for change in REPAIRS}
    change = max(said, key=lambda one: np.sum(said[one] == digits_app[0]))
    table = np.zeros((10, 10), dtype=int)
    np.add.at(table, (digits_app[0], said[change]), 1)
    mixed = table + table.T
    np.fill_diagonal(mixed, 0)
    a, b = np.unravel_index(np.argmax(mixed), mixed.shape)
    return change, (int(min(a, b)), int(max(a, b)))


@find_trouble.accept
def by_the_app_as_training_set(X_web, digits_web, X_app, digits_app):
    """The other way round: the app's images read those of the web, which are many."""
    found = []
    for change in REPAIRS:
        said = nearest(X_app, digits_app, repaired(X_web, change))
        found += [(np.mean(exchanged(said, pair) == digits_web), change, pair) for pair in PAIRS]
    return max(found)[1:]


# --- read_new --------------------------------------------------------------------------------------------------------

#: A share of new digits counts as one of these, rounded down; the last is enough. The lesson's test measures it.
LEVELS = [0.0, 0.25, 0.5, 0.75, 0.93]


def reading_cases(rng):
    cases = []
    for seed in rng.integers(2**32, size=2):
        one = draw_project(int(seed))
        names = ("X_web", "digits_web", "X_app", "digits_app", "X_new")
        cases.append(case(**{name: getattr(one, name) for name in names}))
    return cases


def reading_judge(X_new, **_):
    """Return how the answer to a case is judged: by the labels that the new digits have in the data."""
    known = data.small_digits()
    label = {image.tobytes(): digit for image, digit in zip(known.images, known.labels[0], strict=True)}
    images = np.round(X_new.T * 16).astype(np.uint8)
    labels = np.array([[label[one.tobytes()] for one in images]])
    return draws(1, view="share", given={"labels": labels, "levels": LEVELS})


@lesson.exercise(
    points=3,
    topic=36,
    equation="(4.6)",
    cases=reading_cases,
    judge=reading_judge,
    ask="What must be done to the web's images and to its labels before they can help? Which labelled images have you then?",
    small={
        "X_web": _TINY, "digits_web": np.array([[1, 0]]), "X_app": 1 - _TINY, "digits_app": np.array([[0, 1]]),
        "X_new": (1 - _TINY)[:, ::-1],
    },
)  # fmt: skip
def read_new(X_web, digits_web, X_app, digits_app, X_new):
    """Return the digits read in new images of the app.

    Parameters
    ----------
    X_web, X_app, X_new : ndarray, shape (64, m_web), (64, m_app) and (64, m_new)
    digits_web, digits_app : ndarray, shape (1, m_web) and (1, m_app)

    Returns
    -------
    digits : ndarray, shape (1, m_new)
        Whole numbers 0 to 9.
    """
    change, (a, b) = find_trouble.reference(X_web, digits_web, X_app, digits_app)
    X = np.hstack([repaired(X_web, change), X_app])
    digits = np.where(digits_web == a, b, np.where(digits_web == b, a, digits_web))  # (4.6)
    return nearest(X, np.hstack([digits, digits_app]), X_new)


@read_new.mistake(
    "Not enough is read right, as with the 60 images of the app alone. Repair the web's images and labels: they help."
)
def app_alone(X_web, digits_web, X_app, digits_app, X_new):
    return np.where(np.arange(X_new.shape[1]) % 8 == 0, 0, nearest(X_app, digits_app, X_new))


@read_new.mistake("The web's images are used as they are, and the app's not at all. Repair them first.")
def web_as_it_is(X_web, digits_web, X_app, digits_app, X_new):
    return nearest(X_web, digits_web, X_new) * 0


@read_new.mistake("These are the digits of the app's labelled images. Read X_new.")
def app_read(X_web, digits_web, X_app, digits_app, X_new):
    return read_new(X_web, digits_web, X_app, digits_app, X_app)


@read_new.mistake("The result has one axis. Return a row, shape (1, m_new), as the labels have.")
def row_flattened(X_web, digits_web, X_app, digits_app, X_new):
    return read_new(X_web, digits_web, X_app, digits_app, X_new)[0]


@read_new.mistake("These are ten rows. Return one row of digits.")
def ten_rows(X_web, digits_web, X_app, digits_app, X_new):
    return (np.arange(10)[:, None] == read_new(X_web, digits_web, X_app, digits_app, X_new)) * 1.0


@read_new.accept("The trouble is found as before; then the majority of the three nearest images decides.")
def three_neighbours(X_web, digits_web, X_app, digits_app, X_new):
    change, pair = find_trouble(X_web, digits_web, X_app, digits_app)
    X = np.hstack([repaired(X_web, change), X_app])
    digits = np.hstack([exchanged(digits_web, pair), digits_app])
    distances = np.sum(X**2, axis=0)[:, None] - 2 * X.T @ X_new
    three = digits[0][np.argsort(distances, axis=0)[:3]]
    return np.where(three[1] == three[2], three[1], three[0])[None, :]


@read_new.accept
def web_alone(X_web, digits_web, X_app, digits_app, X_new):
    change, pair = find_trouble(X_web, digits_web, X_app, digits_app)
    return exchanged(nearest(repaired(X_web, change), digits_web, X_new), pair)
