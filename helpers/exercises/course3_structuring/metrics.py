"""Lesson 3.1, metrics: the catalogue of its ten exercises. Equations are those of the notebook."""

import numpy as np

from helpers.exercises import Lesson, case

lesson = Lesson("metrics")

# --- predictions -----------------------------------------------------------------------------------------------------

lesson.predict(
    "users_images",
    "Dev and test set are replaced by images that users send. Nothing else changes, and no link before them was broken. What "
    "does the error on the users' images in the real world do, in the mean of five runs?",
    ("it falls by more than 0.03", "it changes by less than 0.03", "it rises by more than 0.03"),
    "Another dev and test set measure something else. They train nothing.",
)
lesson.predict(
    "always_no",
    "A program says of every digit: this is no 5. On 2000 digits, what is its accuracy?",
    ("about 10 %", "about 50 %", "about 90 %"),
    "Nine of ten digits are no 5, and accuracy counts each of them as a success.",
)
lesson.predict(
    "small_dev_set",
    "Two classifiers have errors of 5 % and 4 %. On which share of dev sets of 100 examples is the better one ahead?",
    ("about 55 %", "about 65 %", "about 85 %", "about 98 %"),
    "The difference of one point is one example of 100, and chance moves the measured difference by three.",
)


# --- orthogonal_knob --------------------------------------------------------------------------------------------------

KNOBS = (
    "bigger network",
    "better optimiser",
    "regularization",
    "more training data",
    "bigger dev set",
    "other dev set",
    "other metric",
)
#: The knobs of each finding; a finding is the first broken link of the chain.
CURES = {
    "training": ("bigger network", "better optimiser"),
    "dev": ("regularization", "more training data"),
    "test": ("bigger dev set",),
    "real world": ("other dev set",),
    "users": ("other metric",),
    "nothing": (),
}


def problem_cases(rng):
    """Each finding at least twice, in any order; each link just broken and just not, and with a negative gap."""

    def one(gaps, users_content):
        wanted = float(rng.uniform(0.03, 0.06))
        errors = wanted + np.cumsum(gaps)
        names = ("training error", "dev error", "test error", "real-world error")
        return case(
            problem={
                "wanted error": wanted,
                **{name: float(error) for name, error in zip(names, errors, strict=True)},
                "users content": users_content,
            }
        )

    def near(value):
        return value + float(rng.uniform(-0.0003, 0.0003))

    def wide():
        return float(rng.uniform(0.04, 0.1))

    cases = []
    for link in range(4):
        holding = [near(0.0188) if i % 2 else float(rng.uniform(-0.03, 0.01)) for i in range(link)]
        others = [near(0.0188) for _ in range(link)]
        later = [float(rng.choice([wide(), near(0.0188), -0.03])) for _ in range(3 - link)]
        later[-1:] = [wide()] * len(later[-1:])
        cases.append(one([*holding, near(0.0212), *later], True))  # just broken, and so is the last
        cases.append(one([*others, near(0.0212), *(wide() for _ in later)], False))  # so are all after it
        cases.append(one([*others, wide(), *(near(0.0188) for _ in later)], True))
    for users_content in (True, False):
        cases.append(one([near(0.0188) for _ in range(4)], users_content))
        cases.append(one([-0.025, near(0.0188), -0.025, near(0.0188)], users_content))
        cases.append(one([near(0.0188), -0.025, float(rng.uniform(0.001, 0.01)), -0.03], users_content))
    return [cases[i] for i in rng.permutation(len(cases))]


@lesson.exercise(
    points=3,
    topic=28,
    equation="(1.1) and (1.2)",
    cases=problem_cases,
    ask="In which order do you go through the links, and what do you still look at once you have found a broken one?",
    small={
        "problem": {
            "wanted error": 0.03,
            "training error": 0.04,
            "dev error": 0.11,
            "test error": 0.12,
            "real-world error": 0.19,
            "users content": False,
        }
    },
    why={
        "question": "Why are the later links not looked at once a broken one is found?",
        "choices": {
            "their gaps may change when the first one is mended": "Yes: so they are measured again, after that.",
            "a network has at most one broken link": "No: in the example by hand there are two.",
            "the later links have no knobs": "No: each link has its knobs. When do they tell you something?",
        },
    },
)
def orthogonal_knob(problem):
    """Return for each knob whether to turn it now: the first broken link of the chain decides.

    Parameters
    ----------
    problem : dict
        Five errors, "wanted error", "training error", "dev error", "test error" and "real-world error", and
        "users content", True or False.

    Returns
    -------
    knobs : dict
        True or False for each of the seven knobs of the lesson's table.
    """
    names = ("wanted error", "training error", "dev error", "test error", "real-world error")
    errors = [problem[name] for name in names]
    links = ("training", "dev", "test", "real world")
    broken = [link for i, link in enumerate(links) if errors[i + 1] - errors[i] > 0.02]  # (1.1), (1.2)
    if not problem["users content"]:
        broken.append("users")
    return dict.fromkeys(KNOBS, False) | dict.fromkeys(CURES[broken[0]] if broken else (), True)


def turned(*knobs):
    """Return the dict in which these knobs are True."""
    return {knob: knob in knobs for knob in KNOBS}


def broken_links(problem):
    """Return the names of all broken links, the first one first."""
    errors = [problem[name] for name in list(problem)[:5]]
    found = [link for link, gap in zip(list(CURES), np.diff(errors), strict=False) if gap > 0.02]
    return found + ([] if problem["users content"] else ["users"])


def finding(problem):
    """Return the first broken link, or "nothing"."""
    return (broken_links(problem) or ["nothing"])[0]


# Whole answers come first, since each also holds single wrong choices.


@orthogonal_knob.mistake(
    "You turn the knobs of all broken links at once. Then you cannot tell which of them helped. "
    "Only the first broken link decides; measure again after that."
)
def all_broken_links_at_once(problem):
    return turned(*(knob for link in broken_links(problem) for knob in CURES[link]))


@orthogonal_knob.mistake(
    "You begin at the end of the chain. A link can only be judged when those before it hold: "
    "look for the first broken one, from the training set on."
)
def last_broken_link(problem):
    return turned(*CURES[(broken_links(problem) or ["nothing"])[-1]])


@orthogonal_knob.mistake(
    "You compare each error with the wanted error. A link is the step from one error to the *next* (1.1): "
    "training minus wanted, dev minus training, test minus dev, real world minus test."
)
def gaps_from_the_wanted_error(problem):
    for name, link in (
        ("training error", "training"), ("dev error", "dev"), ("test error", "test"), ("real-world error", "real world"),
    ):  # fmt: skip
        if problem[name] - problem["wanted error"] > 0.02:
            return turned(*CURES[link])
    return turned(*(() if problem["users content"] else CURES["users"]))


@orthogonal_knob.mistake(
    "You take the largest gap for the one to treat. Take the first that is above 0.02: "
    "the later ones may change when the earlier one is closed."
)
def largest_gap(problem):
    gaps = np.diff([problem[name] for name in list(problem)[:5]])
    if max(gaps) > 0.02:
        return turned(*CURES[list(CURES)[int(np.argmax(gaps))]])
    return turned(*(() if problem["users content"] else CURES["users"]))


@orthogonal_knob.mistake(
    "You look at the training error itself, not at its distance from the wanted error. "
    "What nobody can reach is no broken link."
)
def training_error_itself(problem):
    return orthogonal_knob({**problem, "wanted error": 0.0})


@orthogonal_knob.mistake(
    'You leave "users content" out. All errors can be fine and the users are not: then the metric does not '
    "measure what they want."
)
def users_never_asked(problem):
    return orthogonal_knob({**problem, "users content": True})


@orthogonal_knob.mistake(
    "You ask the users first. They are the last link: as long as an error of the chain is too high, treat that."
)
def users_asked_first(problem):
    return turned("other metric") if not problem["users content"] else orthogonal_knob(problem)


@orthogonal_knob.mistake(
    "You take the size of each gap. An error may be smaller than the one before it: then the gap is negative, and the "
    "link holds. Compare the difference itself, without `abs`."
)
def size_of_the_gaps(problem):
    errors = [problem[name] for name in list(problem)[:5]]
    broken = [link for link, gap in zip(list(CURES), np.diff(errors), strict=False) if abs(gap) > 0.02]
    return turned(*CURES[(broken + ([] if problem["users content"] else ["users"]) + ["nothing"])[0]])


@orthogonal_knob.mistake(
    "You ask the users although a link is broken: that is an `if` where `elif` is needed. Users come last, when all four hold."
)
def users_asked_beside_a_link(problem):
    right = orthogonal_knob(problem)
    return right | {"other metric": not problem["users content"]}


@orthogonal_knob.mistake(
    "Return a dict with True or False for each of the seven knobs, not a list of those to turn: "
    "each knob of the table is a key."
)
def list_of_knobs(problem):
    return list(CURES[finding(problem)])


@orthogonal_knob.mistake(
    "This is the name of the broken link. Return its knobs: a dict with True or False for each of the seven."
)
def name_of_the_link(problem):
    return finding(problem)


@orthogonal_knob.mistake("No knob is ever turned. Set those of the first broken link to True before you return.")
def nothing_turned(problem):
    return turned()


#: What is wrong with each single wrong choice, by the first broken link and the knob.
WRONG_CHOICES = {
    "training": {
        "bigger network": (
            "Training set not fitted: the network may be too small for the task. A bigger one is a knob of this link."
        ),
        "better optimiser": (
            "Training set not fitted: the training may have stopped short. A better optimiser is a knob of this link."
        ),
        "regularization": (
            "Training set not fitted: regularization holds the weights back, and the training error rises further."
        ),
        "more training data": (
            "Training set not fitted: the network cannot fit the examples it has. More of them are harder to fit."
        ),
        "bigger dev set": (
            "Training set not fitted: the dev set measures, it does not train. Its size changes no training error."
        ),
        "other dev set": (
            "Training set not fitted: another dev set is another target. You cannot hit the first one yet."
        ),
        "other metric": (
            "Training set not fitted: another metric does not make the fit better. Users are asked at the end."
        ),
    },
    "dev": {
        "bigger network": (
            "Dev error far above the training error: the training set is fitted already. "
            "A bigger network has nothing to gain there."
        ),
        "better optimiser": (
            "Dev error far above the training error: the optimiser has done its work. "
            "The training error is near the wanted one."
        ),
        "regularization": (
            "Dev error far above the training error: the network follows single training examples. "
            "Regularization is a knob of this link."
        ),
        "more training data": (
            "Dev error far above the training error: what was learned holds for too few examples. "
            "More training data is a knob of this link."
        ),
        "bigger dev set": (
            "Dev error far above the training error: a bigger dev set would measure the same gap more exactly, not close it."
        ),
        "other dev set": (
            "Dev error far above the training error: the target stays. Until it is hit, nothing shows that it is the wrong one."
        ),
        "other metric": (
            "Dev error far above the training error: another metric would measure other mistakes of the same network. "
            "Close the gap first."
        ),
    },
    "test": {
        "bigger network": (
            "Test error far above the dev error: training set and dev set are both fitted. The network is large enough."
        ),
        "better optimiser": (
            "Test error far above the dev error: training set and dev set are both fitted. The optimiser is not at fault."
        ),
        "regularization": (
            "Test error far above the dev error: it is your choices that are fitted to the dev set, not the weights. "
            "Regularization holds weights back."
        ),
        "more training data": (
            "Test error far above the dev error: the dev set was too small for all the choices that you made on it. "
            "It needs the data, not the training set."
        ),
        "bigger dev set": (
            "Test error far above the dev error: you have chosen what is lucky on this dev set. "
            "On a bigger one luck counts less: that is the knob."
        ),
        "other dev set": (
            "Test error far above the dev error: both sets come from the same source, so the source is not at fault. "
            "The dev set needs more of it."
        ),
        "other metric": (
            "Test error far above the dev error: the metric is the same on both sets. It cannot explain a gap between them."
        ),
    },
    "real world": {
        "bigger network": (
            "Real-world error far above the test error: the network does on the test set what is wanted. "
            "A bigger one would aim at the same target."
        ),
        "better optimiser": (
            "Real-world error far above the test error: the optimiser has hit the target. It is the target that is wrong."
        ),
        "regularization": (
            "Real-world error far above the test error: the step from training to dev and test is fine. "
            "Regularization works on that step."
        ),
        "more training data": (
            "Real-world error far above the test error: more of the same training data does not say what users send. "
            "First make the dev set show it."
        ),
        "bigger dev set": (
            "Real-world error far above the test error: more of the same kind is as far from the real world. "
            "Dev and test agree, so the dev set is large enough."
        ),
        "other dev set": (
            "Real-world error far above the test error: the dev and test sets hold other data than users send. "
            "Get new ones from the real world."
        ),
        "other metric": (
            "Real-world error far above the test error: the metric sees the trouble, for it is high on real data. "
            "Only your dev set does not."
        ),
    },
    "users": {
        "bigger network": (
            "Users not content, all errors fine: the network does what the metric asks. A bigger one does the same better."
        ),
        "better optimiser": (
            "Users not content, all errors fine: the optimiser has reached what was measured. Measure something else."
        ),
        "regularization": (
            "Users not content, all errors fine: there is no gap from training to dev that regularization could close."
        ),
        "more training data": (
            "Users not content, all errors fine: the errors are as low as wanted. More training data lower what is low already."
        ),
        "bigger dev set": (
            "Users not content, all errors fine: dev and test agree. A bigger dev set repeats the same answer."
        ),
        "other dev set": (
            "Users not content, all errors fine: the error is low on real data, too, so the data are the right ones."
        ),
        "other metric": (
            "Users not content, all errors fine: the metric counts mistakes alike that users do not find alike. Change it."
        ),
    },
    "nothing": {
        "bigger network": "Nothing is broken: the training error is near the wanted one. Leave the network as it is.",
        "better optimiser": "Nothing is broken: the training error is near the wanted one. Leave the optimiser as it is.",
        "regularization": "Nothing is broken: dev and training error are near each other. Leave the regularization as it is.",
        "more training data": "Nothing is broken: dev and training error are near each other. No more data are needed.",
        "bigger dev set": "Nothing is broken: test and dev error are near each other. The dev set is large enough.",
        "other dev set": "Nothing is broken: the real-world error is near the test error. The dev set shows the real world.",
        "other metric": "Nothing is broken, and the users are content: keep the metric.",
    },
}  # fmt: skip


def choose_wrongly(link, knob):
    """Return the mistake that decides this knob wrongly for this finding, and says nothing about the others."""

    def wrong_choice(problem):
        return {knob: not orthogonal_knob(problem)[knob]} if finding(problem) == link else {}

    wrong_choice.__name__ = f"{knob}_for_{link}".replace(" ", "_")
    return wrong_choice


for _link, _hints in WRONG_CHOICES.items():
    for _knob, _hint in _hints.items():
        orthogonal_knob.mistake(_hint, partial=True)(choose_wrongly(_link, _knob))


@orthogonal_knob.accept
def branch_by_branch(problem):
    knobs = dict.fromkeys(KNOBS, False)
    if problem["training error"] - problem["wanted error"] > 0.02:
        knobs["bigger network"] = knobs["better optimiser"] = True
    elif problem["dev error"] - problem["training error"] > 0.02:
        knobs["regularization"] = knobs["more training data"] = True
    elif problem["test error"] - problem["dev error"] > 0.02:
        knobs["bigger dev set"] = True
    elif problem["real-world error"] - problem["test error"] > 0.02:
        knobs["other dev set"] = True
    elif not problem["users content"]:
        knobs["other metric"] = True
    return knobs


@orthogonal_knob.accept
def differences_of_an_array(problem):
    errors = [problem[key] for key in problem if key.endswith("error")]
    broken = np.append(np.diff(errors) > 0.02, not problem["users content"])
    first = int(np.argmax(broken)) if broken.any() else 5
    return {knob: int(knob in list(CURES.values())[first]) for knob in reversed(KNOBS)}


@orthogonal_knob.accept("It returns as soon as a broken link is found, so no `elif` is needed.")
def returns_early(problem):
    wanted, train, dev, test, real = list(problem.values())[:5]
    if train - wanted >= 0.02:
        return turned("bigger network", "better optimiser")
    if dev - train >= 0.02:
        return turned("regularization", "more training data")
    if test - dev >= 0.02:
        return turned("bigger dev set")
    if real - test >= 0.02:
        return turned("other dev set") | {"a key of my own": None}
    return turned() if problem["users content"] else turned("other metric")


# --- confusion_matrix -------------------------------------------------------------------------------------------------


def label_cases(rng):
    def one(tn, fp, fn, tp, kind=int):
        """All four counts differ, so none can stand for another."""
        pairs = np.repeat([[0, 0], [0, 1], [1, 0], [1, 1]], [tn, fp, fn, tp], axis=0)
        y, y_hat = rng.permutation(pairs).T[:, None, :].astype(kind)
        return case(y=y, y_hat=y_hat)

    some = [int(count) for count in rng.permutation(np.arange(2, 12))[:4]]
    return [
        one(int(rng.integers(20, 30)), 3, 5, 9),
        one(*some),
        one(4, 2, 1, 6, bool),
        one(7, 0, 3, 0),  # no predicted positives
        one(0, 4, 0, 5, float),  # no negative answer at all
        one(0, 0, 1, 0),  # m = 1
    ]


@lesson.exercise(
    points=2,
    topic=30,
    equation="(1.4)",
    cases=label_cases,
    ask="Each of the four counts needs two conditions at once. Which ones are they for a false negative?",
    small={"y": np.array([[1, 1, 0, 0, 0]]), "y_hat": np.array([[1, 0, 0, 1, 0]])},
)
def confusion_matrix(y, y_hat):
    """Return how often each label met each answer.

    Parameters
    ----------
    y : ndarray, shape (1, m)
        Labels 0 or 1.
    y_hat : ndarray, shape (1, m)
        Answers 0 or 1.

    Returns
    -------
    matrix : ndarray, shape (2, 2)
        ``[[TN, FP], [FN, TP]]``: row is the label, column the answer.
    """
    TN = np.sum((y == 0) & (y_hat == 0))
    FP = np.sum((y == 0) & (y_hat == 1))
    FN = np.sum((y == 1) & (y_hat == 0))
    TP = np.sum((y == 1) & (y_hat == 1))
    return np.array([[TN, FP], [FN, TP]])  # (1.4)


@confusion_matrix.mistake(
    "FP and FN have changed places: your rows are answers and your columns labels. "
    "The label says the row: FP (label 0, answer 1) stands top right."
)
def transposed(y, y_hat):
    return confusion_matrix(y, y_hat).T


@confusion_matrix.mistake(
    "Your matrix begins with TP. Here it begins with label 0 and answer 0, as in the notes: [[TN, FP], [FN, TP]]."
)
def positives_first(y, y_hat):
    return confusion_matrix(y, y_hat)[::-1, ::-1]


@confusion_matrix.mistake(
    "Your matrix has the order [[TP, FP], [FN, TN]]: TN and TP have changed places. Count 0 comes before 1 in rows and columns."
)
def diagonal_swapped(y, y_hat):
    (tn, fp), (fn, tp) = confusion_matrix(y, y_hat)
    return np.array([[tp, fp], [fn, tn]])


@confusion_matrix.mistake("The rows have changed places: the first row is label 0, the second label 1.")
def rows_swapped(y, y_hat):
    return confusion_matrix(y, y_hat)[::-1]


@confusion_matrix.mistake("The columns have changed places: the first column is answer 0, the second answer 1.")
def columns_swapped(y, y_hat):
    return confusion_matrix(y, y_hat)[:, ::-1]


@confusion_matrix.mistake("These are shares of all examples. Return counts: do not divide by m.")
def shares_of_all(y, y_hat):
    return confusion_matrix(y, y_hat) / y.shape[1]


@confusion_matrix.mistake(
    "Each row is divided by its sum. Return counts; the shares come later and have names of their own."
)
def shares_of_rows(y, y_hat):
    matrix = confusion_matrix(y, y_hat)
    return matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)


@confusion_matrix.mistake("These are four numbers in a row. Return an array with two rows: [[TN, FP], [FN, TP]].")
def four_in_a_row(y, y_hat):
    return confusion_matrix(y, y_hat).ravel()


@confusion_matrix.mistake(
    "You count how often 0 and 1 occur in each array by itself. An entry counts *examples*: label and answer of the same "
    "example, joined by `&`."
)
def counted_apart(y, y_hat):
    return np.array([[np.sum(y == 0), np.sum(y_hat == 1)], [np.sum(y_hat == 0), np.sum(y == 1)]])


@confusion_matrix.mistake(
    "`and` joins two truth values, not two arrays; for arrays, write `&`, with each comparison in parentheses."
)
def and_between_arrays(y, y_hat):
    tn = np.sum(y == 0 and y_hat == 0)
    return np.array(
        [[tn, np.sum(y == 0 and y_hat == 1)], [np.sum(y == 1 and y_hat == 0), np.sum(y == 1 and y_hat == 1)]]
    )


@confusion_matrix.mistake(
    "The parentheses are missing: `&` binds more closely than `==`. Write `(y == 0) & (y_hat == 0)`."
)
def without_parentheses(y, y_hat):
    tn = np.sum(y == 0 & y_hat == 0)
    return np.array([[tn, np.sum(y == 0 & y_hat == 1)], [np.sum(y == 1 & y_hat == 0), np.sum(y == 1 & y_hat == 1)]])


@confusion_matrix.mistake(
    "Labels and answers can also be True and False or 0.0 and 1.0, and neither is an index of rows and columns. Write "
    "`matrix[int(label), int(answer)]`."
)
def labels_as_indices(y, y_hat):
    matrix = np.zeros((2, 2))
    for label, answer in zip(y.ravel(), y_hat.ravel(), strict=True):
        matrix[label, answer] += 1
    return matrix


@confusion_matrix.mistake(
    "You count the wrong answers together. A 1 where 0 is right (FP) and a 0 where 1 is right (FN) are two entries."
)
def wrong_answers_together(y, y_hat):
    wrong = np.sum(y != y_hat)
    return np.array([[np.sum((y == 0) & (y_hat == 0)), wrong], [wrong, np.sum((y == 1) & (y_hat == 1))]])


@confusion_matrix.mistake(
    "`matrix[y, y_hat] += 1` adds 1 to each place once, however often it occurs. Count with `np.add.at`, a loop, or sums."
)
def indexed_once(y, y_hat):
    matrix = np.zeros((2, 2))
    matrix[y.astype(int), y_hat.astype(int)] += 1
    return matrix


@confusion_matrix.mistake(
    "Your TN counts all labels 0, also those with the answer 1, which are false positives. It needs both conditions."
)
def all_negatives_for_tn(y, y_hat):
    matrix = confusion_matrix(y, y_hat)
    return matrix + np.array([[matrix[0, 1], 0], [0, 0]])


@confusion_matrix.accept
def with_a_loop(y, y_hat):
    matrix = np.zeros((2, 2))
    for label, answer in zip(y.ravel(), y_hat.ravel(), strict=True):
        matrix[int(label), int(answer)] += 1
    return matrix


@confusion_matrix.accept
def with_products(y, y_hat):
    y, y_hat = y.astype(float), y_hat.astype(float)
    return np.vstack([1 - y, y]) @ np.vstack([1 - y_hat, y_hat]).T


@confusion_matrix.accept("2 y + ŷ numbers the four cases from 0 to 3, and one count of these numbers is the matrix.")
def with_bincount(y, y_hat):
    return np.bincount((2 * y + y_hat).astype(int).ravel(), minlength=4).reshape(2, 2)


@confusion_matrix.accept
def from_the_sums(y, y_hat):
    y, y_hat = y == 1, y_hat == 1
    tp, positives, yes, m = np.sum(y & y_hat), y.sum(), y_hat.sum(), y.size
    return np.array([[m - positives - yes + tp, yes - tp], [positives - tp, tp]])


# --- precision, recall, specificity ---------------------------------------------------------------------------------


def matrix_cases(rng):
    counts = rng.permutation(np.arange(11, 60))
    return [
        case(matrix=np.array([[83, 7], [11, 40]])),
        case(matrix=counts[:4].reshape(2, 2)),
        case(matrix=counts[4:8].reshape(2, 2)),
        case(matrix=np.array([[int(rng.integers(20, 40)), 0], [7, 0]])),  # no predicted positives
        case(matrix=np.array([[int(rng.integers(20, 40)), 6], [0, 0]])),  # no positives
        case(matrix=np.array([[0, 0], [5, int(rng.integers(20, 40))]])),  # no negatives
        case(matrix=np.array([[9, 3], [8, 0]])),  # no hit
        case(matrix=np.array([[int(rng.integers(20, 40)), 0], [0, 0]])),  # neither labels 1 nor answers 1
        case(matrix=np.array([[int(rng.integers(20, 40)), 0], [0, 1]])),  # one label 1, found
        case(matrix=np.array([[1, 0], [6, 14]])),  # one label 0, found
    ]


@lesson.exercise(
    points=1,
    topic=30,
    equation="(1.6)",
    cases=matrix_cases,
    ask="Among which examples is precision a share: those with the answer 1, or those with the label 1? And what if there are none?",
    small={"matrix": np.array([[3, 1], [1, 2]])},
)
def precision(matrix):
    """Return the share of hits among the answers 1.

    Parameters
    ----------
    matrix : ndarray, shape (2, 2)
        From `confusion_matrix`.

    Returns
    -------
    P : float
        0 if there is no answer 1.
    """
    (_, FP), (_, TP) = matrix
    return TP / (TP + FP) if TP + FP > 0 else 0.0  # (1.6)


@lesson.exercise(
    points=1,
    topic=30,
    equation="(1.7)",
    cases=matrix_cases,
    ask="Among which examples is recall a share: those with the answer 1, or those with the label 1? And what if there are none?",
    small={"matrix": np.array([[3, 1], [1, 2]])},
)
def recall(matrix):
    """Return the share of hits among the labels 1.

    Parameters
    ----------
    matrix : ndarray, shape (2, 2)
        From `confusion_matrix`.

    Returns
    -------
    R : float
        0 if there is no label 1.
    """
    _, (FN, TP) = matrix
    return TP / (TP + FN) if TP + FN > 0 else 0.0  # (1.7)


@lesson.exercise(
    points=1,
    topic=30,
    equation="(1.8)",
    cases=matrix_cases,
    ask="Which row of the matrix holds the examples with the label 0, and which of its two entries are right?",
    small={"matrix": np.array([[3, 1], [1, 2]])},
)
def specificity(matrix):
    """Return the share of right answers among the labels 0.

    Parameters
    ----------
    matrix : ndarray, shape (2, 2)
        From `confusion_matrix`.

    Returns
    -------
    S : float
        0 if there is no label 0.
    """
    (TN, FP), _ = matrix
    return TN / (TN + FP) if TN + FP > 0 else 0.0  # (1.8)


def share(part, other):
    """Return part / (part + other), 0 where nothing is there."""
    return float(part) / float(part + other) if part + other else 0.0


def ratio(top, bottom):
    """Return the quotient of NumPy numbers: nan or infinity where the denominator is 0."""
    return np.float64(top) / np.float64(bottom)


def accuracy(matrix):
    return np.trace(matrix) / matrix.sum()


@precision.mistake(
    "This is the recall: TP divided by all *labels* 1. Precision divides by all *answers* 1: the column of TP, TP + FP."
)
def recall_for_precision(matrix):
    return share(matrix[1, 1], matrix[1, 0])


@precision.mistake(
    "With no answer 1, TP + FP is 0 and the quotient is nan. Return 0 in this case; see the convention below (1.6)."
)
def precision_of_nothing_is_nan(matrix):
    return ratio(matrix[1, 1], matrix[1, 1] + matrix[0, 1])


@precision.mistake(
    "With no answer 1, you return 1. The lesson's convention is 0: who never says yes must not look perfect."
)
def precision_of_nothing_is_1(matrix):
    return share(matrix[1, 1], matrix[0, 1]) if matrix[:, 1].sum() else 1.0


@precision.mistake("With no answer 1, you return None. Return the number 0, so that the result can be compared.")
def precision_of_nothing_is_none(matrix):
    return share(matrix[1, 1], matrix[0, 1]) if matrix[:, 1].sum() else None


@precision.mistake("You test the row of TP for 0. The denominator of the precision is the column: test TP + FP.")
def precision_tests_the_wrong_row(matrix):
    return ratio(matrix[1, 1], matrix[1, 1] + matrix[0, 1]) if matrix[1].sum() else 0.0


@precision.mistake("This is the accuracy, the right answers among all. Precision looks at the answers 1 alone.")
def accuracy_for_precision(matrix):
    return accuracy(matrix)


@precision.mistake(
    "You divide the answers 1 that are wrong, FP. The hits, TP, belong above: this is 1 minus the precision."
)
def false_share(matrix):
    return share(matrix[0, 1], matrix[1, 1])


@precision.mistake("This is TN / (TN + FN): the same question about the answers 0. Take the second column.")
def precision_of_negatives(matrix):
    return share(matrix[0, 0], matrix[1, 0])


@precision.mistake("You divide TP by all examples. Divide by the answers 1 alone, TP + FP.")
def hits_of_all(matrix):
    return matrix[1, 1] / matrix.sum()


@precision.mistake("`//` rounds the share down to 0 or 1. Write `/`.")
def precision_rounded_down(matrix):
    return matrix[1, 1] // max(matrix[1, 1] + matrix[0, 1], 1)


@precision.mistake(
    "You divide hits by false alarms, TP / FP. The hits themselves belong to the denominator, too: TP + FP."
)
def hits_per_false_alarm(matrix):
    return matrix[1, 1] / matrix[0, 1] if matrix[0, 1] else 0.0


@precision.mistake("This is the specificity, TN / (TN + FP). Precision asks about the answers 1: TP / (TP + FP).")
def specificity_for_precision(matrix):
    return share(matrix[0, 0], matrix[0, 1])


@precision.mistake(
    "This is the recall: TP divided by all *labels* 1. Precision divides by all *answers* 1, TP + FP; and where there are "
    "none, the quotient is nan: return 0 then."
)
def recall_for_precision_without_a_test(matrix):
    return ratio(matrix[1, 1], matrix[1, 1] + matrix[1, 0])


@precision.mistake(
    "FN stands in your denominator, too: this is the share among all that have a 1 as label or answer. Divide by the answers "
    "1 alone, TP + FP."
)
def hits_of_labels_and_answers(matrix):
    return share(matrix[1, 1], matrix[0, 1] + matrix[1, 0])


@precision.accept
def from_the_column(matrix):
    wrong, right = matrix[:, 1]
    return float(right) / max(float(wrong + right), 1.0)


@precision.accept("It divides, and takes the convention where division stops.")
def precision_by_try(matrix):
    try:
        return int(matrix[1, 1]) / int(matrix[0, 1] + matrix[1, 1])
    except ZeroDivisionError:
        return 0


@precision.accept
def precision_unpacked(matrix):
    tn, fp, fn, tp = matrix.ravel()
    if tp == 0:
        return 0
    return 1 / (1 + fp / tp)


@precision.accept
def precision_with_a_tiny_number(matrix):
    return matrix[1, 1] / (matrix[1, 1] + matrix[0, 1] + 1e-12)


@precision.accept
def precision_with_nan_to_num(matrix):
    return np.nan_to_num(matrix[1, 1] / matrix[:, 1].sum())


@recall.mistake(
    "This is the precision: TP divided by all *answers* 1. Recall divides by all *labels* 1: the row of TP, TP + FN."
)
def precision_for_recall(matrix):
    return share(matrix[1, 1], matrix[0, 1])


@recall.mistake("With no label 1, TP + FN is 0 and the quotient is nan. Return 0 in this case, as for the precision.")
def recall_of_nothing_is_nan(matrix):
    return ratio(matrix[1, 1], matrix[1, 1] + matrix[1, 0])


@recall.mistake("With no label 1, you return 1. By the lesson's convention a share of nothing is 0.")
def recall_of_nothing_is_1(matrix):
    return share(matrix[1, 1], matrix[1, 0]) if matrix[1].sum() else 1.0


@recall.mistake("With no label 1, you return None. Return the number 0, so that the result can be compared.")
def recall_of_nothing_is_none(matrix):
    return share(matrix[1, 1], matrix[1, 0]) if matrix[1].sum() else None


@recall.mistake("You test the column of TP for 0. The denominator of the recall is the row: test TP + FN.")
def recall_tests_the_column(matrix):
    return ratio(matrix[1, 1], matrix[1, 1] + matrix[1, 0]) if matrix[:, 1].sum() else 0.0


@recall.mistake("This is the accuracy, the right answers among all. Recall looks at the labels 1 alone.")
def accuracy_for_recall(matrix):
    return accuracy(matrix)


@recall.mistake("These are the missed ones, FN. The found ones, TP, belong above: this is 1 minus the recall.")
def missed_share(matrix):
    return share(matrix[1, 0], matrix[1, 1])


@recall.mistake("This is the specificity: it asks about the labels 0, the first row. Recall asks about the second row.")
def specificity_for_recall(matrix):
    return share(matrix[0, 0], matrix[0, 1])


@recall.mistake("`//` rounds the share of found positives down. Write `/`.")
def recall_rounded_down(matrix):
    return matrix[1, 1] // max(matrix[1, 1] + matrix[1, 0], 1)


@recall.mistake("You divide found by missed ones, TP / FN. The found ones belong to the denominator, too: TP + FN.")
def found_per_missed(matrix):
    return matrix[1, 1] / matrix[1, 0] if matrix[1, 0] else 0.0


@recall.mistake("You divide TP by all m examples. Divide by the labels 1 alone, TP + FN.")
def found_of_all(matrix):
    return matrix[1, 1] / matrix.sum()


@recall.mistake(
    "This is the precision: TP divided by all *answers* 1. Recall divides by all *labels* 1, TP + FN; and where there are "
    "none, the quotient is nan: return 0 then."
)
def precision_for_recall_without_a_test(matrix):
    return ratio(matrix[1, 1], matrix[1, 1] + matrix[0, 1])


@recall.mistake(
    "FP stands in your denominator, too: this is the share among all that have a 1 as label or answer. Divide by the labels "
    "1 alone, TP + FN."
)
def found_of_labels_and_answers(matrix):
    return share(matrix[1, 1], matrix[0, 1] + matrix[1, 0])


@recall.accept
def from_the_row(matrix):
    missed, found = matrix[1].tolist()
    return found / (missed + found) if missed or found else 0


@recall.accept
def recall_by_try(matrix):
    try:
        return int(matrix[1, 1]) / int(matrix[1].sum())
    except ZeroDivisionError:
        return 0.0


@recall.accept("It looks at what is missed, and subtracts its share from 1.")
def one_minus_missed(matrix):
    positives = matrix[1].sum()
    return 1 - matrix[1, 0] / positives if positives else 0.0


@recall.accept
def recall_with_maximum(matrix):
    return matrix[1, 1] / np.maximum(matrix[1].sum(), 1)


@specificity.mistake(
    "This is the recall: it asks about the labels 1, the second row. Specificity asks about the first row."
)
def recall_for_specificity(matrix):
    return share(matrix[1, 1], matrix[1, 0])


@specificity.mistake(
    "This is FP / (TN + FP), the share of false alarms: 1 minus the specificity. The right answers, TN, belong above."
)
def false_alarm_rate(matrix):
    return share(matrix[0, 1], matrix[0, 0])


@specificity.mistake("You divide TN by all *answers* 0, its column. Divide by all *labels* 0, its row: TN + FP.")
def by_the_column(matrix):
    return share(matrix[0, 0], matrix[1, 0])


@specificity.mistake(
    "With no label 0, TN + FP is 0 and the quotient is nan. Return 0 in this case, as for precision and recall."
)
def specificity_of_nothing_is_nan(matrix):
    return ratio(matrix[0, 0], matrix[0, 0] + matrix[0, 1])


@specificity.mistake("With no label 0, you return 1. By the convention of the lesson a share of nothing is 0.")
def specificity_of_nothing_is_1(matrix):
    return share(matrix[0, 0], matrix[0, 1]) if matrix[0].sum() else 1.0


@specificity.mistake("With no label 0, you return None. Return the number 0: so the result can be compared.")
def specificity_of_nothing_is_none(matrix):
    return share(matrix[0, 0], matrix[0, 1]) if matrix[0].sum() else None


@specificity.mistake("This is the precision, TP / (TP + FP). Specificity is about the labels 0: TN / (TN + FP).")
def precision_for_specificity(matrix):
    return share(matrix[1, 1], matrix[0, 1])


@specificity.mistake("This is the accuracy, the right answers among all. Specificity looks at the labels 0 alone.")
def accuracy_for_specificity(matrix):
    return accuracy(matrix)


@specificity.mistake("You divide TN by all m examples. Divide by the labels 0 alone, TN + FP.")
def negatives_of_all(matrix):
    return matrix[0, 0] / matrix.sum()


@specificity.mistake("`//` rounds the share of right negatives down. Write `/`.")
def specificity_rounded_down(matrix):
    return matrix[0, 0] // max(matrix[0].sum(), 1)


@specificity.mistake(
    "This is 1 minus the recall, the share of the labels 1 that are missed. Specificity is about the labels 0: TN / (TN + FP)."
)
def one_minus_recall(matrix):
    return 1 - share(matrix[1, 1], matrix[1, 0])


@specificity.accept
def from_the_first_row(matrix):
    right, alarms = (float(count) for count in matrix[0])
    return right / (right + alarms) if right + alarms else 0


@specificity.accept("With the two labels exchanged, specificity is recall.")
def recall_of_the_turned_matrix(matrix):
    return recall(matrix[::-1, ::-1])


@specificity.accept
def one_minus_false_alarms(matrix):
    negatives = matrix[0].sum()
    return 0.0 if negatives == 0 else 1 - matrix[0, 1] / negatives


# --- f1_score -----------------------------------------------------------------------------------------------------------


def pair_cases(rng):
    one, other = rng.uniform(0.55, 0.95, size=2)
    return [
        case(P=0.95, R=0.9),
        case(P=float(one), R=float(rng.uniform(0.1, 0.4))),
        case(P=float(rng.uniform(0.05, 0.2)), R=float(other)),
        case(P=0.0, R=float(rng.uniform(0.2, 0.8))),
        case(P=float(rng.uniform(0.2, 0.8)), R=0.0),
        case(P=0.0, R=0.0),
        case(P=float(rng.uniform(0.01, 0.02)), R=float(rng.uniform(0.03, 0.05))),  # both small, but not 0
    ]


@lesson.exercise(
    points=1,
    topic=29,
    equation="(1.12)",
    cases=pair_cases,
    ask="Which values of P and R make the denominator 0, and what is F1 then?",
    small={"P": 0.5, "R": 0.8},
)
def f1_score(P, R):
    """Return the harmonic mean of precision and recall.

    Parameters
    ----------
    P, R : float
        Precision and recall, from 0 to 1.

    Returns
    -------
    F1 : float
        0 if both are 0.
    """
    return 2 * P * R / (P + R) if P + R > 0 else 0.0  # (1.12)


@f1_score.mistake("This is the arithmetic mean, (P + R) / 2. It rewards a classifier that says yes always. Use (1.12).")
def arithmetic_mean(P, R):
    return (P + R) / 2


@f1_score.mistake("This is the geometric mean, the root of P times R. F1 is the harmonic mean (1.12).")
def geometric_mean(P, R):
    return np.sqrt(P * R)


@f1_score.mistake("The factor 2 is missing. With P = R, the mean must be the same number.")
def factor_2_missing(P, R):
    return P * R / (P + R) if P + R else 0.0


@f1_score.mistake("With P = R = 0 the denominator P + R is 0. Return 0 in this case.")
def nan_for_two_zeros(P, R):
    return ratio(2 * P * R, P + R)


@f1_score.mistake(
    "With P = R = 0 the denominator P + R is 0, and Python stops with an error. Test P + R first and return 0."
)
def stops_at_two_zeros(P, R):
    return 2 * float(P) * float(R) / (float(P) + float(R))


@f1_score.mistake(
    "1/P and 1/R do not exist where P or R is 0. Use the form 2PR / (P + R) of (1.12), which needs no inverse of either."
)
def inverses_of_zero(P, R):
    return 2 / (1 / P + 1 / R)


@f1_score.mistake("This is the mean of the inverses, 1/F1. Take its inverse.")
def inverse_of_f1(P, R):
    return (P + R) / (2 * P * R) if P * R else 0.0


@f1_score.mistake("This is the smaller of the two. F1 is near it, but the larger one counts a little, too.")
def smaller_of_the_two(P, R):
    return min(P, R)


@f1_score.mistake("This is the product of P and R. Divide by their mean, (P + R) / 2.")
def product(P, R):
    return P * R


@f1_score.mistake("The parentheses are missing: 2 * P * R / P + R divides by P alone. Write (P + R).")
def parentheses_missing(P, R):
    return 2 * P * R / P + R if P else R


@f1_score.mistake(
    "2 * P * R / P + R divides by P alone, which can be 0. The denominator is the sum: write (P + R) in parentheses."
)
def parentheses_missing_where_p_is_0(P, R):
    return 2 * float(P) * R / float(P) + R if P + R > 0 else 0.0


@f1_score.mistake("A small sum P + R is taken for 0. Return 0 only where both are 0: `P + R > 0`.")
def small_sum_taken_for_zero(P, R):
    return 2 * P * R / (P + R) if P + R > 0.1 else 0.0


@f1_score.mistake("F1 is 0 where P or R is 0. You return nan: test P + R, then use 2PR / (P + R).")
def nan_where_one_is_zero(P, R):
    return 2 / (1 / P + 1 / R) if P and R else np.nan


@f1_score.mistake(
    "The parentheses are missing: 2 * P * R / P + R divides by P alone, and stops where P is 0. Write (P + R)."
)
def parentheses_missing_and_stops(P, R):
    return 2 * P * R / P + R


@f1_score.mistake("This is F2, in which recall counts more. F1 weighs both equally: 2 P R / (P + R).")
def f2_for_f1(P, R):
    return 5 * P * R / (4 * P + R) if P + R else 0.0


@f1_score.accept
def harmonic_where_possible(P, R):
    return 2 / (1 / P + 1 / R) if P and R else 0


@f1_score.accept
def by_try(P, R):
    try:
        return 2 * (P * R) / (P + R)
    except ZeroDivisionError:
        return 0.0


@f1_score.accept
def with_float64(P, R):
    return np.nan_to_num(np.float64(2 * P * R) / np.float64(P + R))


@f1_score.accept("The harmonic mean is the product, divided by the plain mean.")
def product_by_mean(P, R):
    mean = np.mean([P, R])
    return np.array(P * R / mean if mean > 0 else 0)


# --- pick_classifier ------------------------------------------------------------------------------------------------


def some_names(rng, count):
    """Return different letters as names; they say nothing about the place in a table."""
    return [chr(65 + int(i)) for i in rng.permutation(26)[:count]]


def table_cases(rng):
    def jitter(*pairs):
        """Small changes turn round no order of the numbers below."""
        return [tuple(float(value + rng.uniform(-0.003, 0.003)) for value in pair) for pair in pairs]

    def rows(*pairs):
        names = some_names(rng, len(pairs))
        return [{"name": name, "precision": P, "recall": R} for name, (P, R) in zip(names, pairs, strict=True)]

    def mixed(*pairs):
        return case(table=rows(*(pairs[i] for i in rng.permutation(len(pairs)))))

    some = jitter((0.55, 0.9), (0.72, 0.68), (0.99, 0.3), (0.2, 0.995), (0.63, 0.62), (0.15, 0.25))
    others = jitter((0.52, 0.51), (0.98, 0.36), (0.34, 0.99), (0.93, 0.43))
    return [
        case(table=rows((0.95, 0.90), (0.98, 0.85))),
        case(table=rows(some[2], some[4], some[1], some[3], some[0], some[5])),
        mixed(*others),
        case(table=rows((0.0, 0.0), *jitter((0.97, 0.02), (0.31, 0.22), (0.18, 0.8)), (0.0, 0.0))),
        case(table=rows((0.0, 0.0), (0.4, 0.31), (0.2, 0.2))),
        mixed(*jitter((0.5, 0.52), (0.09, 0.07), (0.61, 0.47), (0.68, 0.57))),
        case(table=rows((0.0, 0.0))),
    ]


@lesson.exercise(
    points=2,
    topic=29,
    equation="(1.12)",
    cases=table_cases,
    ask="What do you compute for each row before you compare, and what of the best row do you return?",
    small={"table": [{"name": "A", "precision": 0.5, "recall": 1.0}, {"name": "B", "precision": 0.8, "recall": 0.7}]},
)
def pick_classifier(table):
    """Return the name of the classifier with the highest F1 score.

    Parameters
    ----------
    table : list of dict
        One per classifier, with the keys "name", "precision" and "recall". No two have the same F1 at the top.

    Returns
    -------
    name : str
    """
    best = table[0]
    for row in table:
        if f1_score(row["precision"], row["recall"]) > f1_score(best["precision"], best["recall"]):  # (1.12)
            best = row
    return best["name"]


def best_by(score):
    """Return a function that picks the name of the row whose score is highest."""
    return lambda table: max(table, key=lambda row: score(row["precision"], row["recall"]))["name"]


@pick_classifier.mistake(
    "You choose by precision alone. A classifier that dares one sure yes wins that way: choose by F1."
)
def by_precision(table):
    return best_by(lambda P, R: P)(table)


@pick_classifier.mistake("You choose by recall alone. A classifier that says yes always wins that way: choose by F1.")
def by_recall(table):
    return best_by(lambda P, R: R)(table)


@pick_classifier.mistake(
    "You choose by the arithmetic mean. It likes one high number beside a low one; the harmonic mean F1 does not."
)
def by_arithmetic_mean(table):
    return best_by(lambda P, R: P + R)(table)


@pick_classifier.mistake("You choose by the smaller of the two alone. F1 counts the larger one a little, too.")
def by_minimum(table):
    return best_by(min)(table)


@pick_classifier.mistake("You choose by the higher of the two numbers. F1 is near the lower one.")
def by_maximum(table):
    return best_by(max)(table)


@pick_classifier.mistake("This is the lowest F1. A high F1 is good: take the largest.")
def lowest_f1(table):
    return best_by(lambda P, R: -f1_score(P, R))(table)


@pick_classifier.mistake("This is the F1 score of the best. Return the name of the classifier that has it.")
def score_returned(table):
    return max(f1_score(row["precision"], row["recall"]) for row in table)


@pick_classifier.mistake('This is the place of the best in the list. Return its name: `table[place]["name"]`.')
def place_returned(table):
    return int(np.argmax([f1_score(row["precision"], row["recall"]) for row in table]))


@pick_classifier.mistake('This is the whole row. Return its name alone: `row["name"]`.')
def row_returned(table):
    return max(table, key=lambda row: f1_score(row["precision"], row["recall"]))


@pick_classifier.mistake("This is the first classifier of the list. Compare it with all others.")
def first_of_the_list(table):
    return table[0]["name"]


@pick_classifier.mistake("This is the last classifier of the list. A later one wins only if its F1 is higher.")
def last_of_the_list(table):
    return table[-1]["name"]


@pick_classifier.mistake("Only the first two rows are compared. The table can have any number of classifiers.")
def first_two_only(table):
    return pick_classifier(table[:2])


@pick_classifier.mistake(
    "A classifier whose F1 is 0 never becomes the best in your loop, not even if it is the only one. "
    "Start with the first row, or from a number below 0."
)
def starts_from_zero(table):
    name, highest = None, 0
    for row in table:
        if f1_score(row["precision"], row["recall"]) > highest:
            name, highest = row["name"], f1_score(row["precision"], row["recall"])
    return name


@pick_classifier.mistake("You compare the products P R. F1 divides them by P + R, which can turn the order round.")
def by_product(table):
    return best_by(lambda P, R: P * R)(table)


@pick_classifier.mistake("Your F1 stops where precision and recall are both 0. It is 0 there (1.12): call `f1_score`.")
def stops_at_a_classifier_without_hits(table):
    scores = [2 * row["precision"] * row["recall"] / (row["precision"] + row["recall"]) for row in table]
    return table[int(np.argmax(scores))]["name"]


@pick_classifier.accept
def maximum_with_a_key(table):
    return max(table, key=lambda row: f1_score(row["precision"], row["recall"]))["name"]


@pick_classifier.accept
def with_argmax(table):
    P, R = (np.array([row[key] for row in table]) for key in ("precision", "recall"))
    return table[np.argmax(P * R / np.maximum(P + R, 1e-12))]["name"]


@pick_classifier.accept("All rows are sorted by F1; the last one is the best.")
def sorted_by_f1(table):
    return sorted(table, key=lambda row: f1_score(row["precision"], row["recall"]))[-1]["name"]


# --- satisficing_choice ---------------------------------------------------------------------------------------------


def limit_cases(rng):
    def row(name, f1, milliseconds, megabytes):
        return {"name": name, "f1": f1, "milliseconds": milliseconds, "megabytes": megabytes}

    def some(*values):
        """The F1 scores are moved together: their order stays."""
        shift, names = float(rng.uniform(-0.02, 0.02)), some_names(rng, len(values))
        return [row(name, f1 + shift, *rest) for name, (f1, *rest) in zip(names, values, strict=True)]

    def likely(*values):
        """Another metric, which is negative or 0."""
        names = some_names(rng, len(values))
        return [
            {"name": name, "log likelihood": value, "seconds": seconds}
            for name, (value, seconds) in zip(names, values, strict=True)
        ]

    first = some(
        (0.86, 40, 30), (0.90, 80, 25), (0.93, 100, 50), (0.95, 160, 20), (0.97, 1500, 700), (0.94, 50, 900),
        (0.88, 20, 8),
    )  # fmt: skip
    order = [int(i) for i in rng.permutation(len(first))]
    return [
        case(table=first, optimising="f1", limits={"milliseconds": 100, "megabytes": 50}),  # C: at both limits
        case(table=[first[i] for i in order], optimising="f1", limits={"milliseconds": 90}),  # F
        case(table=first[::-1], optimising="f1", limits={"milliseconds": 10, "megabytes": 5}),  # nobody
        case(table=first, optimising="f1", limits={}),  # no limit
        case(table=first[:3], optimising="megabytes", limits={"milliseconds": 90}),  # another optimising metric
        case(table=first, optimising="f1", limits={"megabytes": 28, "milliseconds": 90}),  # B
        case(table=first, optimising="f1", limits={"megabytes": 12, "milliseconds": 110}),  # G: the others' sums are lower
        case(table=first, optimising="f1", limits={"milliseconds": 2000}),  # E: all are within
        case(
            table=likely((-3.5, 2), (-float(rng.uniform(0.5, 2)), 1), (0.0, 9), (-0.25, 8)),
            optimising="log likelihood", limits={"seconds": 5},
        ),
        case(table=likely((-2.0, 7), (0.0, 1), (-1.5, 2)), optimising="log likelihood", limits={"seconds": 3}),
    ]  # fmt: skip


@lesson.exercise(
    points=2,
    topic=29,
    equation="(1.14)",
    cases=limit_cases,
    ask="Which rows may be chosen at all? Among these, what do you compare, and what if there are none?",
    small={
        "table": [
            {"name": "A", "f1": 0.9, "ms": 80},
            {"name": "B", "f1": 0.92, "ms": 95},
            {"name": "C", "f1": 0.95, "ms": 1500},
        ],
        "optimising": "f1",
        "limits": {"ms": 100},
    },
)
def satisficing_choice(table, optimising, limits):
    """Return the name of the classifier that is best in one metric among those within all limits.

    Parameters
    ----------
    table : list of dict
        One per classifier: its "name" and its metrics by name.
    optimising : str
        The metric to maximise. No two classifiers are equal in it.
    limits : dict
        ``{metric: largest value that is still good enough}`` for each satisficing metric; may be empty.

    Returns
    -------
    name : str or None
        None if no classifier is within all limits.
    """
    kept = [row for row in table if all(row[metric] <= limit for metric, limit in limits.items())]
    return max(kept, key=lambda row: row[optimising])["name"] if kept else None  # (1.14)


def within(table, limits, good=lambda value, limit: value <= limit, join=all):
    return [row for row in table if join([good(row[metric], limit) for metric, limit in limits.items()])]


def top(kept, optimising):
    return max(kept, key=lambda row: row[optimising])["name"] if kept else None


@satisficing_choice.mistake(
    "The limits play no part: the best of all is chosen, also where it is too slow or too large. Leave those out first."
)
def limits_ignored(table, optimising, limits):
    return top(table, optimising)


@satisficing_choice.mistake("A classifier exactly at a limit is good enough: compare with `<=`, not `<`.")
def strictly_below(table, optimising, limits):
    return top(within(table, limits, lambda value, limit: value < limit), optimising)


@satisficing_choice.mistake(
    "It is enough for you that one limit holds. A classifier must be within *all* of them: `all(...)`, not `any(...)`."
)
def one_limit_is_enough(table, optimising, limits):
    return top(within(table, limits, join=any) if limits else table, optimising)


@satisficing_choice.mistake("Only the first limit is applied. Go through all of them.")
def first_limit_only(table, optimising, limits):
    return top(within(table, dict(list(limits.items())[:1])), optimising)


@satisficing_choice.mistake("Only the last limit is applied. Go through all of them before you decide.")
def last_limit_only(table, optimising, limits):
    return top(within(table, dict(list(limits.items())[-1:])), optimising)


@satisficing_choice.mistake(
    "Where nobody is within the limits, you choose all the same. Return None: then nothing can be released, "
    "or the limits have to change."
)
def best_of_all_where_nobody_fits(table, optimising, limits):
    return top(within(table, limits) or table, optimising)


@satisficing_choice.mistake(
    "Your function stops with an error where nobody is within the limits. Test for an empty list and return None."
)
def error_where_nobody_fits(table, optimising, limits):
    return max(within(table, limits), key=lambda row: row[optimising])["name"]


@satisficing_choice.mistake(
    "Two things: a classifier exactly at a limit is good enough (`<=`), and where nobody is within the limits "
    "the answer is None, not an error."
)
def strict_and_error_where_nobody_fits(table, optimising, limits):
    kept = within(table, limits, lambda value, limit: value < limit)
    return max(kept, key=lambda row: row[optimising])["name"]


@satisficing_choice.mistake(
    "The limits are turned round: large values are kept. A limit is the *largest* that is good enough."
)
def limits_turned_round(table, optimising, limits):
    return top(within(table, limits, lambda value, limit: value >= limit), optimising)


@satisficing_choice.mistake("This is the lowest value of the optimising metric. It is to be as high as possible.")
def lowest_of_the_kept(table, optimising, limits):
    kept = within(table, limits)
    return min(kept, key=lambda row: row[optimising])["name"] if kept else None


@satisficing_choice.mistake(
    "You take the one that is furthest below its limit. Within the limits, a satisficing metric counts no more: "
    "only the optimising metric does."
)
def furthest_below_the_limit(table, optimising, limits):
    kept = within(table, limits)
    if not limits:
        return top(kept, optimising)
    metric = next(iter(limits))
    return min(kept, key=lambda row: row[metric])["name"] if kept else None


@satisficing_choice.mistake(
    "Your search starts from 0, so a metric that is negative or 0 never wins. Start without a best: the first "
    "classifier within the limits is the best so far."
)
def best_starts_from_zero(table, optimising, limits):
    best, name = 0, None
    for row in within(table, limits):
        if row[optimising] > best:
            best, name = row[optimising], row["name"]
    return name


@satisficing_choice.mistake("This is the first one within the limits. Compare it with the others that are.")
def first_within_limits(table, optimising, limits):
    kept = within(table, limits)
    return kept[0]["name"] if kept else None


@satisficing_choice.mistake('The metric is always "f1" in your function. It is given by the argument `optimising`.')
def always_f1(table, optimising, limits):
    return top(within(table, limits), "f1")


@satisficing_choice.mistake('This is the whole row of the best. Return its name alone, `row["name"]`.')
def whole_row(table, optimising, limits):
    kept = within(table, limits)
    return max(kept, key=lambda row: row[optimising]) if kept else None


@satisficing_choice.mistake(
    "These are the names of all within the limits. Return the one with the highest optimising metric."
)
def names_of_all_within(table, optimising, limits):
    return [row["name"] for row in within(table, limits)]


@satisficing_choice.mistake(
    "Where nobody is within the limits you return an empty text. Return None: an empty text could be a name."
)
def empty_text_where_nobody_fits(table, optimising, limits):
    kept = within(table, limits)
    return top(kept, optimising) if kept else ""


@satisficing_choice.mistake(
    "You take the best of all and ask for the limits afterwards. If it is outside, another one may be inside: leave out who "
    "is outside first, then take the best."
)
def best_first_limits_then(table, optimising, limits):
    return top(within([max(table, key=lambda row: row[optimising])], limits), optimising)


@satisficing_choice.mistake(
    "You add the metrics up and compare with the sum of the limits. One that is far below would pay for one that is above: "
    "each metric has a limit of its own."
)
def sum_of_the_limits(table, optimising, limits):
    return top([row for row in table if sum(row[name] for name in limits) <= sum(limits.values())], optimising)


@satisficing_choice.accept(
    "One loop, without a list of those within the limits: a row must pass and beat the best so far."
)
def one_loop(table, optimising, limits):
    best = None
    for row in table:
        good = True
        for metric in limits:
            if row[metric] > limits[metric]:
                good = False
        if good and (best is None or row[optimising] > best[optimising]):
            best = row
    return best["name"] if best else None


@satisficing_choice.accept
def with_default_of_max(table, optimising, limits):
    kept = [row for row in table if not any(row[metric] > limit for metric, limit in limits.items())]
    return max(kept, key=lambda row: row[optimising], default={"name": None})["name"]


@satisficing_choice.accept
def with_arrays(table, optimising, limits):
    score = np.array([row[optimising] for row in table], dtype=float)
    for metric, limit in limits.items():
        score[np.array([row[metric] for row in table]) > limit] = -np.inf
    return table[np.argmax(score)]["name"] if np.isfinite(score).any() else None


# --- dev_set_size -----------------------------------------------------------------------------------------------------


def difference_cases(rng):
    def far_from_whole(low, high, e=0.5):
        """A difference whose number of examples has a fraction of 0.2 to 0.4: rounding errors decide nothing."""
        m = int(rng.integers(low, high)) + float(rng.uniform(0.2, 0.4))
        return float(np.sqrt(8 * e * (1 - e) / m))

    e, other = (float(value) for value in rng.uniform(0.03, 0.2, size=2))
    return [
        case(difference=far_from_whole(1500, 2500)),
        case(difference=far_from_whole(100, 200)),
        case(difference=far_from_whole(4000, 6000, e), error=e),
        case(difference=far_from_whole(300, 500, other), error=other),
        case(difference=far_from_whole(30_000, 40_000, 0.8), error=0.8),
        case(difference=float(rng.choice([0.125, 0.25])), error=0.25),  # powers of 2: exactly 96 or 24
    ]


@lesson.exercise(
    points=2,
    topic=31,
    equation="(1.19)",
    cases=difference_cases,
    ask="Solve (1.18) for m. In which direction must the result be rounded so that (1.18) still holds?",
    small={"difference": 0.1, "error": 0.2},
)
def dev_set_size(difference, error=0.5):
    """Return how many dev examples tell two classifiers apart.

    Parameters
    ----------
    difference : float
        Of the two errors, between 0 and 1.
    error : float
        About the error of both; 0.5, the worst case, if it is not known.

    Returns
    -------
    m_dev : int
        The smallest number of examples for which the difference is at least two standard deviations.
    """
    return int(np.ceil(8 * error * (1 - error) / difference**2))  # (1.19)


def needed(difference, error, factor=8):
    return factor * error * (1 - error) / difference**2


@dev_set_size.mistake("The number is rounded down: one example is missing. Round up, with `np.ceil` or `math.ceil`.")
def rounded_down(difference, error=0.5):
    return int(needed(difference, error))


@dev_set_size.mistake("The number is not whole. Examples come one by one: round up, with `np.ceil` or `math.ceil`.")
def not_rounded(difference, error=0.5):
    return needed(difference, error)


@dev_set_size.mistake(
    "This is half of what is needed. Two measured errors vary, so the variance of their difference is 2e(1 − e)/m; "
    "and two standard deviations, squared, are a factor of 4."
)
def one_error_only(difference, error=0.5):
    return int(np.ceil(needed(difference, error, 4)))


@dev_set_size.mistake("You ask for one standard deviation. The lesson asks for two (1.18), and two squared is 4.")
def one_standard_deviation(difference, error=0.5):
    return int(np.ceil(needed(difference, error, 2)))


@dev_set_size.mistake("The difference is not squared. To halve the difference, you need four times the examples.")
def difference_not_squared(difference, error=0.5):
    return int(np.ceil(8 * error * (1 - error) / difference))


@dev_set_size.mistake("The variance is e(1 − e), not e: the factor 1 − e is missing.")
def factor_missing(difference, error=0.5):
    return int(np.ceil(8 * error / difference**2))


@dev_set_size.mistake(
    "You take the standard deviation for the variance: there is no root over e(1 − e) after squaring."
)
def root_of_the_variance(difference, error=0.5):
    return int(np.ceil(8 * np.sqrt(error * (1 - error)) / difference**2))


@dev_set_size.mistake("The argument `error` plays no part: your number is always that of the worst case, 2 / d².")
def always_worst_case(difference, error=0.5):
    return int(np.ceil(2 / difference**2))


@dev_set_size.mistake("This is the variance of one example divided by d, both under a root. Square it, and see (1.19).")
def root_of_the_size(difference, error=0.5):
    return int(np.ceil(np.sqrt(needed(difference, error))))


@dev_set_size.mistake(
    "You compute with a difference in percent. Here 0.01 is one percent: do not multiply or divide by 100."
)
def difference_in_percent(difference, error=0.5):
    return int(np.ceil(needed(100 * difference, error)))


@dev_set_size.mistake("One is added after rounding up. Rounding up is enough.")
def one_more(difference, error=0.5):
    return int(np.ceil(needed(difference, error))) + 1


@dev_set_size.mistake(
    "Where the number is whole already, this is one more than needed. Round up with `np.ceil` or `math.ceil`."
)
def rounded_down_and_one_more(difference, error=0.5):
    return int(needed(difference, error)) + 1


@dev_set_size.mistake(
    "You take 1.96 standard deviations. The lesson asks for two (1.18), and two squared is 4: so 8 e (1 − e) / d²."
)
def with_1_96_deviations(difference, error=0.5):
    return int(np.ceil(needed(difference, error, 2 * 1.96**2)))


@dev_set_size.mistake(
    "This is half of what is needed, rounded down, plus 1. Both errors vary, so the variance of the difference is "
    "2e(1 − e)/m; and round up with `np.ceil`."
)
def one_error_only_and_one_more(difference, error=0.5):
    return int(needed(difference, error, 4)) + 1


@dev_set_size.mistake(
    "You ask for one standard deviation, round down and add 1. The lesson asks for two (1.18), and two squared is 4; and "
    "round up with `np.ceil`."
)
def one_standard_deviation_and_one_more(difference, error=0.5):
    return int(needed(difference, error, 2)) + 1


@dev_set_size.accept
def with_math(difference, error=0.5):
    deviation = (2 * error * (1 - error)) ** 0.5
    return -int(-((2 * deviation / difference) ** 2) // 1)


@dev_set_size.accept(
    "It does not solve for m: it halves an interval until the smallest m is found that fulfils (1.18)."
)
def searched_by_halving(difference, error=0.5):
    low, high = 0, 10**9
    while high - low > 1:
        middle = (low + high) // 2
        if 2 * np.sqrt(2 * error * (1 - error) / middle) <= difference:
            high = middle
        else:
            low = middle
    return high


# --- weighted_error -----------------------------------------------------------------------------------------------------


def weight_cases(rng):
    def one(m, classes, weights, kind=int):
        y, y_hat = (rng.integers(0, classes, size=(1, m)) for _ in range(2))
        # At least one heavy and one light example are wrong, and one is right.
        y_hat[:, :2], y_hat[:, 2:4] = (y[:, :2] + 1) % classes, y[:, 2:4]
        w = rng.choice(weights, size=(1, m))
        w[0, :4] = weights[0], weights[-1], weights[0], weights[-1]
        order = rng.permutation(m)
        return case(y=y[:, order].astype(kind), y_hat=y_hat[:, order].astype(kind), w=w[:, order])

    return [
        one(13, 2, [1.0, 10.0]),
        one(17, 4, [1.0, 10.0]),
        one(9, 2, [0.3, 1.7, 4.1], bool),
        one(11, 3, [2, 5]),
        case(y=np.array([[3]]), y_hat=np.array([[1]]), w=np.array([[float(rng.uniform(2, 5))]])),
    ]


@lesson.exercise(
    points=2,
    topic=32,
    equation="(1.21)",
    cases=weight_cases,
    ask="How much does a wrong answer count above, and what must stand below so that all wrong gives 1?",
    small={"y": np.array([[0, 1, 1, 2]]), "y_hat": np.array([[1, 1, 0, 2]]), "w": np.array([[10.0, 1.0, 1.0, 4.0]])},
)
def weighted_error(y, y_hat, w):
    """Return the weight of the wrong answers as a share of the weight of all.

    Parameters
    ----------
    y, y_hat : ndarray, shape (1, m)
        Labels and answers: 0 or 1, or the numbers of more classes.
    w : ndarray, shape (1, m)
        Weights, at least 0; their sum is above 0.

    Returns
    -------
    error : float
    """
    return np.sum(w * (y_hat != y)) / np.sum(w)  # (1.21)


@weighted_error.mistake(
    "You divide by m, the number of examples. Divide by the sum of the weights: then all wrong is an error of 1."
)
def divided_by_m(y, y_hat, w):
    return np.sum(w * (y != y_hat)) / y.shape[1]


@weighted_error.mistake("The weighted mistakes are summed up, but not divided by the sum of the weights.")
def not_divided(y, y_hat, w):
    return np.sum(w * (y != y_hat))


@weighted_error.mistake("The weights play no part: this is the plain share of wrong answers.")
def without_weights(y, y_hat, w):
    return np.mean(y != y_hat)


@weighted_error.mistake(
    "The wrong answers are counted without weights above. Each counts w: multiply before you sum up."
)
def weights_below_only(y, y_hat, w):
    return np.sum(y != y_hat) / np.sum(w)


@weighted_error.mistake("This is the weight of the *right* answers, 1 minus the error. Write `!=` for `==`.")
def weight_of_right_answers(y, y_hat, w):
    return np.sum(w * (y == y_hat)) / np.sum(w)


@weighted_error.mistake("You divide by the weight of the wrong answers alone. Divide by the weight of all examples.")
def divided_by_wrong_weights(y, y_hat, w):
    return np.sum(w * (y != y_hat)) / np.sum(w[y != y_hat])


@weighted_error.mistake(
    "You divide by the number of wrong answers: this is the mean weight of a mistake. Divide by the sum of all w."
)
def divided_by_wrong_answers(y, y_hat, w):
    return np.sum(w * (y != y_hat)) / np.sum(y != y_hat)


@weighted_error.mistake(
    "The size of y − ŷ counts in your sum. With more than two classes it says nothing: wrong is wrong. Use `!=`."
)
def size_of_the_difference(y, y_hat, w):
    return np.sum(w * np.abs(y.astype(float) - y_hat.astype(float))) / np.sum(w)


@weighted_error.mistake(
    "`y - y_hat` stops for True and False, and with more than two classes its size says nothing. Compare: `y_hat != y`."
)
def size_of_the_difference_of_truth_values(y, y_hat, w):
    return np.sum(w * np.abs(y - y_hat)) / np.sum(w)


@weighted_error.mistake("The square of y − ŷ counts in your sum. With more than two classes it says nothing. Use `!=`.")
def square_of_the_difference(y, y_hat, w):
    return np.sum(w * (y.astype(float) - y_hat.astype(float)) ** 2) / np.sum(w)


@weighted_error.mistake("The weight of every example is 1 or 10 in your function. Take it from the argument w.")
def weights_of_its_own(y, y_hat, w):
    own = np.where(y == 1, 10.0, 1.0)
    return np.sum(own * (y != y_hat)) / np.sum(own)


@weighted_error.mistake(
    "The mean error is multiplied by the mean weight. Multiply example by example, before you sum up."
)
def product_of_means(y, y_hat, w):
    return np.mean(y != y_hat) * np.mean(w)


@weighted_error.mistake("You divide by the largest weight. Divide by the sum of all weights.")
def divided_by_largest(y, y_hat, w):
    return np.mean(w * (y != y_hat)) / np.max(w)


@weighted_error.mistake("This is one number per example. Sum up over the examples, above and below.")
def one_per_example(y, y_hat, w):
    return w * (y != y_hat) / np.sum(w)


@weighted_error.mistake(
    "You divide the weight of the wrong answers by that of the right ones. Divide by the weight of all examples."
)
def divided_by_right_weights(y, y_hat, w):
    return ratio(np.sum(w[y != y_hat]), np.sum(w[y == y_hat]))


@weighted_error.mistake("The weights are squared, above and below. Each example counts w.")
def squared_weights(y, y_hat, w):
    return np.sum(w**2 * (y != y_hat)) / np.sum(w**2)


@weighted_error.mistake(
    "`y - y_hat` stops for True and False, and with more than two classes its square says nothing. Compare: `y_hat != y`."
)
def square_of_the_difference_of_truth_values(y, y_hat, w):
    return np.sum(w * (y - y_hat) ** 2) / np.sum(w)


@weighted_error.accept
def with_average(y, y_hat, w):
    return np.average(y != y_hat, weights=w)


@weighted_error.accept
def with_selection(y, y_hat, w):
    return float(w[y != y_hat].sum() / w.sum())


@weighted_error.accept
def loop_over_examples(y, y_hat, w):
    wrong = total = 0.0
    for i in range(y.shape[1]):
        total += w[0, i]
        if y[0, i] != y_hat[0, i]:
            wrong += w[0, i]
    return wrong / total


@weighted_error.accept("The weighted sum is a row times a column.")
def as_a_product_of_matrices(y, y_hat, w):
    return ((w @ (y != y_hat).T) / w.sum()).item()
