"""Lesson 3.3, mismatched data: the catalogue of its nine exercises. Equations are those of the notebook."""

import numpy as np

from helpers.exercises import Lesson, case
from helpers.widgets.data_mismatch import GAPS, KNOWN, averaging, play, prices_of, slant, table_rows

lesson = Lesson("data_mismatch")

# --- predictions -----------------------------------------------------------------------------------------------------

lesson.predict(
    "pooled",
    "250 app digits are shuffled into 5000 web digits, and the whole is cut into training and dev set. The dev error is "
    "about 0.07. What error do the users of the app see?",
    ("about 0.03", "about 0.07", "about 0.13"),
    "Of the dev digits, one in twenty-one is from the app, so the dev error is that of the web.",
)
lesson.predict(
    "new_scans",
    "A network learns from 3000 made digits: 30 scans at 100 slants. On new slants of the same 30 scans its "
    "error is 0.00. What is its error on digits that are made from other scans?",
    ("below 0.05", "about 0.15", "above 0.3"),
    "There are only 30 handwritings in the 3000 digits, and the network has learned these by heart.",
)
lesson.predict(
    "best_of_many",
    "1000 settings have a true error of 0.30 each. You try all of them on 30 dev images and keep the best. Which error does "
    "it show there, in half of the cases?",
    ("0.07 or less", "about 0.2", "about 0.3"),
    "Of 1000 settings, some are lucky on 30 images, and you choose by luck.",
)
lesson.predict(
    "tuning_given_up",
    "The team tries 1000 settings on 30 dev images and keeps the best. Now it gives that up. What happens to the dev error, "
    "and what to the error on app images that nobody has chosen by?",
    ("both rise", "dev rises, the other hardly moves", "both fall"),
    "The tuning had won nothing but luck on 30 images. Without it the dev error says what the app would say.",
)


# --- make_splits ------------------------------------------------------------------------------------------------------

SETS = ("train", "train-dev", "dev", "test")


def source_cases(rng):
    return [
        case(n_web=int(rng.integers(150, 300)) * 1000 + 7, n_app=int(rng.integers(20, 40)) * 400 + 3),
        case(n_web=int(rng.integers(40, 60)) * 100, n_app=int(rng.integers(40, 50)) * 40 + 2),
        case(n_web=int(rng.integers(700, 900)), n_app=int(rng.integers(900, 1100)) * 4 + 1),
        case(n_web=int(rng.integers(20, 30)) * 1000, n_app=int(rng.integers(30, 60)) * 4),
    ]


@lesson.exercise(
    points=2,
    topic=36,
    equation="(3.3) to (3.6)",
    cases=source_cases,
    ask="Which images look like what the users send? And of the images that stay for training, which share is from the app?",
    small={"n_web": 90, "n_app": 40},
    why={
        "question": "Why does the train-dev set hold app images at all?",
        "choices": {
            "it must have the mixture that the training set has": "Yes: then only one thing changes, images become unseen.",
            "the app is what the classifier is for": "No: that is why dev and test hold app images alone. And train-dev?",
            "there are not enough web images for it": "No: there are many more of them than of the others.",
        },
    },
)
def make_splits(n_web, n_app):
    """Return how many web and app images go into each of four sets.

    Parameters
    ----------
    n_web, n_app : int
        Images of the two sources. The app is what the classifier is for.

    Returns
    -------
    sizes : dict
        ``{name: (web, app)}`` for the names "train", "train-dev", "dev", "test"; each image is counted once.
    """
    n_dev = n_app // 4  # (3.3)
    app_left = n_app - 2 * n_dev  # (3.4)
    app_train_dev = n_dev * app_left // (n_web + app_left)  # (3.5)
    web_train_dev = n_dev - app_train_dev
    return {
        "train": (n_web - web_train_dev, app_left - app_train_dev),  # (3.6)
        "train-dev": (web_train_dev, app_train_dev),
        "dev": (0, n_dev),
        "test": (0, n_dev),
    }


def split_in_shares(n_web, n_app, n_dev):
    """Return the split in which each set has the same shares of both sources, with `n_dev` images in each small set."""
    app = n_dev * n_app // (n_web + n_app)
    small = (n_dev - app, app)
    return {"train": (n_web - 3 * small[0], n_app - 3 * small[1]), "train-dev": small, "dev": small, "test": small}


@make_splits.mistake(
    "You pool both sources and cut: dev and test hold mostly web images, so you would aim at the web. "
    "Dev and test consist of app images alone."
)
def pooled(n_web, n_app):
    return split_in_shares(n_web, n_app, n_app // 4)


@make_splits.mistake(
    "Your dev and test sets hold web images. They must look like what the users send: app images alone."
)
def dev_from_the_web(n_web, n_app):
    n_dev = n_app // 4
    return {"train": (n_web - 3 * n_dev, n_app), "train-dev": (n_dev, 0), "dev": (n_dev, 0), "test": (n_dev, 0)}


@make_splits.mistake(
    "No app image is left for training: each half of them is dev or test. A quarter of the app images is "
    "enough for each; the other half helps in training."
)
def no_app_in_training(n_web, n_app):
    half = n_app // 2
    quarter = n_app // 4
    return {"train": (n_web - quarter, 0), "train-dev": (quarter, 0), "dev": (0, half), "test": (0, n_app - half)}


@make_splits.mistake(
    "Your train-dev set has app images only, so it cannot tell the generalisation gap from mismatch. "
    "It must be drawn from the same mixture as the training set (3.5)."
)
def train_dev_from_the_app(n_web, n_app):
    n_dev = n_app // 4
    return make_splits(n_web, n_app) | {"train": (n_web, n_app - 3 * n_dev), "train-dev": (0, n_dev)}


@make_splits.mistake(
    "Your train-dev set has web images only. The training set holds app images, too, so the train-dev set needs "
    "their share (3.5)."
)
def train_dev_from_the_web(n_web, n_app):
    n_dev = n_app // 4
    return make_splits(n_web, n_app) | {"train": (n_web - n_dev, n_app - 2 * n_dev), "train-dev": (n_dev, 0)}


@make_splits.mistake(
    "Your train-dev set has web images only, and the sets do not add up to all images. It needs the app's share (3.5), "
    "and each image is in one set."
)
def train_dev_from_the_web_and_images_twice(n_web, n_app):
    right = make_splits(n_web, n_app)
    return right | {"train-dev": (n_app // 4, 0)}


@make_splits.mistake(
    "The train-dev images are still counted in training. What is trained on measures no generalisation gap: subtract them (3.6)."
)
def train_dev_also_trained_on(n_web, n_app):
    return make_splits(n_web, n_app) | {"train": (n_web, n_app - 2 * (n_app // 4))}


@make_splits.mistake(
    "The share of app images in your train-dev set is that of all images. Dev and test are taken out first: use what "
    "is left for training, n_web + app_left (3.5)."
)
def share_before_dev_and_test(n_web, n_app):
    n_dev = n_app // 4
    app = n_dev * n_app // (n_web + n_app)
    web = n_dev - app
    return make_splits(n_web, n_app) | {"train": (n_web - web, n_app - 2 * n_dev - app), "train-dev": (web, app)}


@make_splits.mistake(
    "The dev and test images are still counted in training. What is left of the app is n_app − m_dev − m_test (3.4)."
)
def dev_and_test_also_trained_on(n_web, n_app):
    n_dev = n_app // 4
    app = n_dev * n_app // (n_web + n_app)
    web = n_dev - app
    return make_splits(n_web, n_app) | {"train": (n_web - web, n_app - app), "train-dev": (web, app)}


@make_splits.mistake(
    "Half of your train-dev set is from each source. It needs the shares that the training images have (3.5)."
)
def train_dev_half_and_half(n_web, n_app):
    n_dev = n_app // 4
    app = n_dev // 2
    web = n_dev - app
    return make_splits(n_web, n_app) | {"train": (n_web - web, n_app - 2 * n_dev - app), "train-dev": (web, app)}


@make_splits.mistake("The two numbers of each set are swapped: web first, then app.")
def sources_swapped(n_web, n_app):
    return {name: sizes[::-1] for name, sizes in make_splits(n_web, n_app).items()}


@make_splits.mistake(
    "Your dev and test sets have half of the app images each, and the same images are in training, too. "
    "Each image belongs to one set."
)
def app_images_twice(n_web, n_app):
    return make_splits(n_web, n_app) | {"dev": (0, n_app // 2), "test": (0, n_app // 2)}


@make_splits.mistake("The sizes are not whole numbers. Divide with `//`, which rounds down.")
def not_whole(n_web, n_app):
    n_dev = n_app / 4
    left = n_app - 2 * n_dev
    app = n_dev * left / (n_web + left)
    web = n_dev - app
    return {"train": (n_web - web, left - app), "train-dev": (web, app), "dev": (0, n_dev), "test": (0, n_dev)}


@make_splits.mistake(
    "This is the total of each set. Say how many come from each source: a pair (web, app) per set, since the question "
    "is where the app images go."
)
def totals(n_web, n_app):
    return {name: sum(sizes) for name, sizes in make_splits(n_web, n_app).items()}


@make_splits.mistake(
    "Each set needs both numbers, also where one source gives nothing: (0, n_dev) for dev, not n_dev alone."
)
def single_number_for_dev(n_web, n_app):
    n_dev = n_app // 4
    return make_splits(n_web, n_app) | {"dev": n_dev, "test": n_dev}


@make_splits.mistake("The share is rounded to the nearest whole number. (3.4) rounds down: use `//`.")
def share_rounded_to_nearest(n_web, n_app):
    n_dev = n_app // 4
    left = n_app - 2 * n_dev
    app = round(n_dev * left / (n_web + left))
    return make_splits(n_web, n_app) | {"train": (n_web - n_dev + app, left - app), "train-dev": (n_dev - app, app)}


@make_splits.mistake(
    "Dev and test set have half of the app images each, so none are left for training. Each gets a quarter: `n_app // 4` (3.3)."
)
def half_each_for_dev_and_test(n_web, n_app):
    n_dev = n_app // 2
    left = n_app - 2 * n_dev
    app = n_dev * left // (n_web + left)
    sizes = {"train": (n_web - n_dev + app, left - app), "train-dev": (n_dev - app, app)}
    return sizes | {"dev": (0, n_dev), "test": (0, n_dev)}


@make_splits.mistake("The share is rounded up. (3.5) rounds down: use `//`.")
def share_rounded_up(n_web, n_app):
    n_dev = n_app // 4
    left = n_app - 2 * n_dev
    app = -(-n_dev * left // (n_web + left))
    return make_splits(n_web, n_app) | {"train": (n_web - n_dev + app, left - app), "train-dev": (n_dev - app, app)}


@make_splits.accept
def as_lists(n_web, n_app):
    quarter = n_app // 4
    left = n_app - quarter - quarter
    app = int(quarter * left // (n_web + left))
    sizes = {"test": [0, quarter], "dev": [0, quarter], "train-dev": [quarter - app, app]}
    sizes["train"] = [n_web - (quarter - app), left - app]
    return sizes


@make_splits.accept("What is taken is subtracted from what there is, set after set.")
def what_is_left_by_subtraction(n_web, n_app):
    web, app = n_web, n_app
    dev = (0, n_app // 4)
    app -= 2 * dev[1]
    share_app = (dev[1] * app) // (web + app)
    train_dev = (dev[1] - share_app, share_app)
    train = (web - train_dev[0], app - train_dev[1])
    return dict(zip(SETS, (train, train_dev, dev, dev), strict=True))


@make_splits.accept
def image_by_image(n_web, n_app):
    """Deal the app images in turn to training, dev, training, test."""
    deal = ["train", "dev", "train", "test"]
    counts = {name: [0, n_app // 4 * deal.count(name)] for name in SETS}
    counts["train"] = [n_web, n_app - counts["dev"][1] - counts["test"][1]]
    taken = int(np.floor(counts["dev"][1] * counts["train"][1] / sum(counts["train"])))
    counts["train-dev"] = [counts["dev"][1] - taken, taken]
    counts["train"] = [a - b for a, b in zip(counts["train"], counts["train-dev"], strict=True)]
    return counts


# --- error_table ------------------------------------------------------------------------------------------------------


def answer_cases(rng):
    def one(m, errors, shares, web_only=False):
        """Return m answers; `errors` and `shares` of the four cells: trained on web, app; unseen web, app."""
        cells = rng.choice(4, size=m, p=shares)
        y = rng.integers(10, size=(1, m))
        wrong = rng.random(m) < np.array(errors)[cells]
        y_hat = np.where(wrong, (y + rng.integers(1, 10, size=(1, m))) % 10, y)
        return case(y=y, y_hat=y_hat, from_app=(cells % 2 == 1)[None, :], trained_on=(cells < 2)[None, :])

    return [
        one(180, (0.1, 0.25, 0.4, 0.7), (0.4, 0.15, 0.25, 0.2)),
        one(150, (0.05, 0.5, 0.3, 0.6), (0.5, 0, 0.3, 0.2)),  # no app image was trained on
        one(120, (0.3, 0.5, 0.8, 0.5), (0.2, 0.5, 0, 0.3)),
        one(60, (0.3, 0.5, 0.8, 0.5), (0, 0, 0.6, 0.4)),
        one(70, (0.2, 0.5, 0.4, 0.5), (0.5, 0.3, 0.2, 0)),
        one(1, (0.2, 0.5, 0.4, 0.5), (1, 0, 0, 0)),
    ]


#: Six answers: two of the web that were trained on, two unseen ones, and two unseen ones of the app.
SMALL_ANSWERS = {
    "y": np.array([[3, 5, 8, 1, 7, 2]]),
    "y_hat": np.array([[3, 5, 8, 7, 1, 1]]),
    "from_app": np.array([[False, False, False, False, True, True]]),
    "trained_on": np.array([[True, True, False, False, False, False]]),
}


@lesson.exercise(
    points=2,
    topic=36,
    equation="(3.7)",
    cases=answer_cases,
    ask="A cell is an intersection of two groups. Among which images do you take the share of wrong answers, and what if "
    "there is none?",
    small=SMALL_ANSWERS,
)
def error_table(y, y_hat, from_app, trained_on):
    """Return the errors of a network by source and by whether it has seen the images.

    Parameters
    ----------
    y, y_hat : ndarray, shape (1, m)
        Labels and answers.
    from_app, trained_on : ndarray of bool, shape (1, m)
        Whether image i is from the app, and whether the network was trained on it.

    Returns
    -------
    table : dict
        ``{"trained on": {"web": error, "app": error}, "unseen": {"web": error, "app": error}}``; None for an empty cell.
    """
    table = {}
    for row, seen in (("trained on", trained_on), ("unseen", ~trained_on)):
        table[row] = {}
        for column, source in (("web", ~from_app), ("app", from_app)):
            chosen = seen & source
            table[row][column] = float(np.mean(y_hat[chosen] != y[chosen])) if np.any(chosen) else None  # (3.7)
    return table


def cells(y, y_hat, from_app, trained_on, cell):
    """Return a table whose entries are what ``cell(wrong, chosen)`` gives, both of shape (1, m)."""
    wrong = y_hat != y
    return {
        row: {column: cell(wrong, seen & source) for column, source in (("web", ~from_app), ("app", from_app))}
        for row, seen in (("trained on", trained_on), ("unseen", ~trained_on))
    }


def share(wrong, chosen):
    return float(wrong[chosen].mean()) if chosen.any() else None


@error_table.mistake("Each cell is divided by all images. Divide by the number of images of the cell (3.7).")
def share_of_all(y, y_hat, from_app, trained_on):
    return cells(
        y, y_hat, from_app, trained_on, lambda wrong, chosen: float((wrong & chosen).mean()) if chosen.any() else None
    )


@error_table.mistake(
    "The wrong answers of a cell are divided by the wrong answers of all cells. That says where the errors are. An error is "
    "a share of the images of the cell (3.7)."
)
def share_of_the_wrong(y, y_hat, from_app, trained_on):
    return cells(
        y, y_hat, from_app, trained_on,
        lambda wrong, chosen: float((wrong & chosen).sum() / max(wrong.sum(), 1)) if chosen.any() else None,
    )  # fmt: skip


@error_table.mistake("These are counts. An error is a share: divide by the number of images of the cell (3.7).")
def counted(y, y_hat, from_app, trained_on):
    return cells(
        y, y_hat, from_app, trained_on, lambda wrong, chosen: int(wrong[chosen].sum()) if chosen.any() else None
    )


@error_table.mistake("These are the shares of right answers. The table holds errors: compare with `!=`.")
def right_answers(y, y_hat, from_app, trained_on):
    return cells(
        y, y_hat, from_app, trained_on, lambda wrong, chosen: float((~wrong[chosen]).mean()) if chosen.any() else None
    )


@error_table.mistake("An empty cell has no error, and 0 would say that all is read right there. Put None.")
def empty_is_perfect(y, y_hat, from_app, trained_on):
    return cells(y, y_hat, from_app, trained_on, lambda wrong, chosen: share(wrong, chosen) or 0.0)


@error_table.mistake(
    "The mean over no images is nan, with a warning. Put None where a cell is empty: `np.any(chosen)` asks."
)
def mean_of_nothing(y, y_hat, from_app, trained_on):
    return cells(
        y,
        y_hat,
        from_app,
        trained_on,
        lambda wrong, chosen: float(wrong[chosen].mean()) if chosen.any() else float("nan"),
    )


@error_table.mistake("The columns are swapped: where `from_app` is True, the image is from the app.")
def sources_turned(y, y_hat, from_app, trained_on):
    return error_table(y, y_hat, ~from_app, trained_on)


@error_table.mistake("The rows are swapped: where `trained_on` is True, the network has seen the image.")
def rows_turned(y, y_hat, from_app, trained_on):
    return error_table(y, y_hat, from_app, ~trained_on)


@error_table.mistake(
    "Each cell takes its whole column: whether the network has seen the images plays no part. Both conditions must hold, "
    "joined by `&`."
)
def whole_columns(y, y_hat, from_app, trained_on):
    columns = {"web": share(y_hat != y, ~from_app), "app": share(y_hat != y, from_app)}
    return {"trained on": columns, "unseen": columns}


@error_table.mistake("A cell needs both conditions at once: `&`, not `|`, which takes images that meet one of them.")
def either(y, y_hat, from_app, trained_on):
    return {
        row: {column: share(y_hat != y, seen | source) for column, source in (("web", ~from_app), ("app", from_app))}
        for row, seen in (("trained on", trained_on), ("unseen", ~trained_on))
    }


@error_table.mistake(
    'Rows and columns are exchanged. The outer keys are "trained on" and "unseen", the inner ones "web" and "app".'
)
def transposed(y, y_hat, from_app, trained_on):
    right = error_table(y, y_hat, from_app, trained_on)
    return {column: {row: right[row][column] for row in right} for column in ("web", "app")}


@error_table.mistake("The distance of two labels is no error: 9 for 0 is as wrong as 1 for 0. Count `y_hat != y`.")
def distances(y, y_hat, from_app, trained_on):
    return cells(
        y, y_hat, from_app, trained_on,
        lambda _, chosen: float(np.abs(y_hat[chosen] - y[chosen]).mean()) if chosen.any() else None,
    )  # fmt: skip


@error_table.accept(
    "One pass over the images: each adds 1 to its cell's count, and, if it is wrong, to its wrong ones."
)
def image_after_image(y, y_hat, from_app, trained_on):
    wrong = {row: {"web": 0, "app": 0} for row in ("trained on", "unseen")}
    count = {row: {"web": 0, "app": 0} for row in ("trained on", "unseen")}
    for label, said, app, seen in zip(y[0], y_hat[0], from_app[0], trained_on[0], strict=True):
        row, column = "trained on" if seen else "unseen", "app" if app else "web"
        count[row][column] += 1
        wrong[row][column] += int(label != said)
    return {r: {c: wrong[r][c] / count[r][c] if count[r][c] else None for c in count[r]} for r in count}


@error_table.accept
def with_counts_of_bins(y, y_hat, from_app, trained_on):
    cell = (2 * (1 - trained_on.astype(int)) + from_app.astype(int))[0]
    count, wrong = np.bincount(cell, minlength=4), np.bincount(cell, weights=(y != y_hat)[0], minlength=4)
    errors = [w / n if n else None for w, n in zip(wrong, count, strict=True)]
    return {"unseen": {"app": errors[3], "web": errors[2]}, "trained on": {"app": errors[1], "web": errors[0]}}


# --- mixture_proxy ----------------------------------------------------------------------------------------------------


def mixture_cases(rng):
    def level():
        return float(rng.uniform(0.01, 0.2))

    def n():
        return int(rng.integers(50, 4000))

    return [
        case(counts={"web": n(), "app": n()}, levels={"web": level(), "app": level()}),
        case(counts={"app": n(), "made": n(), "web": n()}, levels={"web": level(), "app": level(), "made": level()}),
        case(counts={"web": n(), "app": 0}, levels={"web": level(), "app": None}),  # it takes no part in the mixture
        case(counts={"web": n(), "app": 0}, levels={"web": level(), "app": level()}),
        case(counts={"web": n(), "app": n()}, levels={"web": level(), "app": None}),
        case(counts={"web": n(), "app": n()}, levels={"web": 0.0, "app": level()}),
        case(counts={"web": n()}, levels={"web": level(), "app": level(), "made": None}),
    ]


@lesson.exercise(
    points=1,
    topic=36,
    equation="(3.8)",
    cases=mixture_cases,
    ask="One image of the mixture is drawn. With which probability is it from each source, and what is its error then?",
    small={"counts": {"web": 300, "app": 100}, "levels": {"web": 0.04, "app": 0.02}},
)
def mixture_proxy(counts, levels):
    """Return the proxy for a mixture of sources.

    Parameters
    ----------
    counts : dict
        How many images each source has in the mixture; some are above 0.
    levels : dict
        The proxy of each source, for all keys of counts and perhaps more; None where nobody has measured it.

    Returns
    -------
    proxy : float or None
        None if a source with images in the mixture has not been measured.
    """
    present = {name: n for name, n in counts.items() if n}
    if any(levels[name] is None for name in present):
        return None
    return sum(n * levels[name] for name, n in present.items()) / sum(present.values())  # (3.8)


def unmeasured(counts, levels):
    return any(levels[name] is None for name in counts if counts[name] > 0)


@mixture_proxy.mistake(
    "The levels are averaged as if each source had as many images. Weigh each with its share of the mixture (3.8)."
)
def plain_mean(counts, levels):
    return None if unmeasured(counts, levels) else float(np.mean([levels[name] for name in counts if counts[name] > 0]))


@mixture_proxy.mistake(
    "The smallest level is the proxy where several levels hold for the *same* images (lesson 2). Here each level holds for "
    "images of its own source: take their mean, weighed by shares (3.8)."
)
def smallest_level(counts, levels):
    return None if unmeasured(counts, levels) else min(levels[name] for name in counts if counts[name] > 0)


@mixture_proxy.mistake(
    "This is the app's level alone. The training error is measured on the mixture, and so must be its proxy (3.8)."
)
def level_of_the_app(counts, levels):
    return levels.get("app")


@mixture_proxy.mistake("The sum is not divided by the number of all images of the mixture (3.8).")
def not_divided(counts, levels):
    return None if unmeasured(counts, levels) else sum(n * levels[name] for name, n in counts.items() if n)


@mixture_proxy.mistake("A level that nobody has measured counts as 0 here. Return None: the mixture has no proxy then.")
def unknown_is_zero(counts, levels):
    return sum(n * (levels[name] or 0.0) for name, n in counts.items()) / sum(counts.values())


@mixture_proxy.mistake(
    "A source that nobody has measured is left out. Its images are in the mixture, so the mixture has no proxy: return None."
)
def unknown_left_out(counts, levels):
    known = {name: n for name, n in counts.items() if levels[name] is not None}
    return sum(n * levels[name] for name, n in known.items()) / sum(known.values())


@mixture_proxy.mistake(
    "You return None where a source *without* images has not been measured. It is no part of the mixture: ask only for "
    "sources with images."
)
def absent_source_counts(counts, levels):
    return None if any(levels[name] is None for name in counts) else mixture_proxy(counts, levels)


@mixture_proxy.mistake(
    "You ask for all of `levels`. Only the sources that have images in `counts` belong to the mixture."
)
def all_levels_asked(counts, levels):
    return None if None in levels.values() else mixture_proxy(counts, levels)


@mixture_proxy.mistake(
    "A level of 0 is a measured one. Ask `levels[name] is None`: `not levels[name]` is True for 0, too."
)
def zero_is_unknown(counts, levels):
    return None if any(n and not levels[name] for name, n in counts.items()) else mixture_proxy(counts, levels)


@mixture_proxy.accept("NumPy's weighted mean does it, once the sources without images are gone.")
def weighted_mean(counts, levels):
    names = [name for name in counts if counts[name]]
    found = [levels[name] for name in names]
    return None if None in found else float(np.average(found, weights=[counts[name] for name in names]))


@mixture_proxy.accept
def share_after_share(counts, levels):
    proxy, total = 0.0, sum(counts.values())
    for name in counts:
        if counts[name] == 0:
            continue
        if levels[name] is None:
            return None
        proxy += counts[name] / total * levels[name]
    return proxy


# --- mismatch_report --------------------------------------------------------------------------------------------------


def error_cases(rng):
    """Each gap is the largest once or twice; no two gaps are nearer than 0.01, so rounding decides nothing."""

    def one(*gaps, proxy=True):
        moved = [gap + float(rng.uniform(-0.004, 0.004)) for gap in gaps]
        sums = [float(value) for value in np.cumsum([0.23 + float(rng.uniform(-0.004, 0.004)), *moved])]
        errors = dict(zip(("proxy", *SETS), sums, strict=True))
        return case(errors=errors if proxy else errors | {"proxy": None})

    def tie(*gaps):
        sums = [0.375, *(0.375 + np.cumsum([gap + float(rng.uniform(-0.004, 0.004)) for gap in gaps])).tolist()]
        return case(errors=dict(zip(("proxy", *SETS), [0.375, *sums], strict=True)))

    return [
        one(0.12, 0.04, 0.07, 0.02),  # avoidable bias
        one(0.01, 0.15, 0.09, 0.05),  # variance
        one(0.03, 0.05, 0.21, 0.015),  # mismatch
        one(0.02, 0.06, 0.035, 0.11),  # over-fitting of dev
        one(0.08, 0.06, -0.13, 0.03),  # the app is easier than the web: the largest size is a negative gap
        one(-0.02, 0.13, 0.16, -0.05),  # train below the proxy, test easier than dev
        tie(-0.06, -0.13, -0.02),  # train equal to the proxy: a bias of 0, the largest of the known gaps
        one(-0.02, 0.16, 0.05, 0.03, proxy=False),
        one(0.3, 0.06, 0.15, 0.03, proxy=False),
        one(0.05, -0.02, 0.02, 0.03),  # train-dev easier than train
        one(-0.01, -0.06, -0.03, -0.02),  # every set is easier than the one before: the largest gap is negative, too
    ]


@lesson.exercise(
    points=2,
    topic=36,
    equation="(3.10) to (3.13)",
    cases=error_cases,
    ask="Between which two neighbours of the row lies each gap? When can the first one not be known, and what is left to "
    "compare then?",
    small={"errors": {"proxy": 0.05, "train": 0.01, "train-dev": 0.08, "dev": 0.14, "test": 0.15}},
    why={
        "question": "Why is the avoidable bias undetermined where the training error is below the proxy?",
        "where": "undetermined",
        "choices": {
            "the network has seen the training labels, or the proxy is too high": "Yes: and the errors do not say which.",
            "a gap is never negative": "No: the others may be. A negative mismatch says that the app is the easier source.",
            "the proxy belongs to other images": "No: it is the proxy of the training mixture. What has the network seen?",
        },
    },
)
def mismatch_report(errors):
    """Return four gaps between five errors, and which known one is the largest.

    Parameters
    ----------
    errors : dict
        ``{name: error}`` for the names "proxy", "train", "train-dev", "dev", "test"; errors from 0 to 1. The proxy is
        None if there is none.

    Returns
    -------
    report : dict
        The gaps "avoidable bias", "variance" (the generalisation gap), "mismatch", "over-fitting of dev", and "largest":
        the name of one. The avoidable bias is "undetermined" without a proxy and where train is below it; it is then not
        the largest.
    """
    known = errors["proxy"] is not None and errors["train"] >= errors["proxy"]
    gaps = {
        "avoidable bias": errors["train"] - errors["proxy"] if known else "undetermined",  # (3.10)
        "variance": errors["train-dev"] - errors["train"],  # (3.11)
        "mismatch": errors["dev"] - errors["train-dev"],  # (3.12)
        "over-fitting of dev": errors["test"] - errors["dev"],  # (3.13)
    }
    numbers = [name for name in gaps if gaps[name] != "undetermined"]
    return {**gaps, "largest": max(numbers, key=gaps.get)}


UNKNOWN = "undetermined"


def known_gaps(report):
    """Return the names of the gaps of a report that are numbers."""
    return [name for name in GAPS if report[name] not in (UNKNOWN, None)]


def with_largest(**gaps):
    """Return a report of four gaps, in the order of `GAPS`."""
    gaps = dict(zip(GAPS, gaps.values(), strict=True))
    return {**gaps, "largest": max(known_gaps(gaps), key=gaps.get)}


@mismatch_report.mistake(
    "Your avoidable bias is negative where train is below the proxy. An error cannot be avoided by less than nothing: it is "
    '"undetermined" there (3.10).'
)
def bias_below_zero(errors):
    right = mismatch_report(errors)
    return right | {
        "avoidable bias": right["avoidable bias"] if errors["proxy"] is None else errors["train"] - errors["proxy"]
    }


@mismatch_report.mistake(
    "Your avoidable bias is 0 where train is below the proxy. 0 would say that nothing can be avoided; nobody knows that. "
    'It is "undetermined" (3.10).'
)
def bias_of_zero(errors):
    right = mismatch_report(errors)
    return right | {"avoidable bias": 0.0 if right["avoidable bias"] == UNKNOWN else right["avoidable bias"]}


@mismatch_report.mistake(
    'Where the proxy is None, the avoidable bias is "undetermined", too: ask `errors["proxy"] is None` before you compare.'
)
def no_proxy_is_zero(errors):
    return mismatch_report(errors | {"proxy": 0.0}) if errors["proxy"] is None else mismatch_report(errors)


@mismatch_report.mistake("Without a proxy the code stops: None can be compared with no number. Ask for None first.")
def none_compared(errors):
    bias = errors["train"] - errors["proxy"] if errors["train"] >= errors["proxy"] else UNKNOWN
    return mismatch_report(errors) | {"avoidable bias": bias}


@mismatch_report.mistake(
    "Where train equals the proxy, the bias is known: it is 0. Undetermined is only what lies below, `<` (3.10)."
)
def undetermined_at_equality(errors):
    right = mismatch_report(errors)
    if right["avoidable bias"] != 0:
        return right
    return with_largest(
        bias=UNKNOWN, variance=right["variance"], mismatch=right["mismatch"], dev=right["over-fitting of dev"]
    )


@mismatch_report.mistake(
    'The gaps are right, but "largest" is never the avoidable bias in your answer. It takes part wherever it is a number.'
)
def bias_never_largest(errors):
    right = mismatch_report(errors)
    return right | {"largest": max(GAPS[1:], key=right.get)}


@mismatch_report.mistake(
    'The gaps are right, but "largest" is the undetermined bias. Name the largest of the gaps that are numbers.'
)
def undetermined_is_largest(errors):
    right = mismatch_report(errors)
    return right | {"largest": "avoidable bias" if right["avoidable bias"] == UNKNOWN else right["largest"]}


@mismatch_report.mistake(
    "A word and numbers cannot be compared, so `max` stops. Take the largest among the gaps that are numbers."
)
def word_among_numbers(errors):
    right = mismatch_report(errors)
    return right | {"largest": max(GAPS, key=right.get)}


@mismatch_report.mistake(
    "Your generalisation gap is dev − train, as in lesson 1 of course 2. There dev and train came from one source. "
    "Here the train-dev set stands between them: the gap is train-dev − train, mismatch is dev − train-dev."
)
def no_train_dev(errors):
    gap = errors["dev"] - errors["train"]
    return with_largest(
        bias=mismatch_report(errors)["avoidable bias"], variance=gap, mismatch=errors["dev"] - errors["train-dev"],
        dev=errors["test"] - errors["dev"],
    )  # fmt: skip


@mismatch_report.mistake(
    "Your mismatch is dev − train, which holds the generalisation gap, too. Mismatch is what is added from train-dev to dev."
)
def mismatch_from_train(errors):
    return with_largest(
        bias=mismatch_report(errors)["avoidable bias"], variance=errors["train-dev"] - errors["train"],
        mismatch=errors["dev"] - errors["train"], dev=errors["test"] - errors["dev"],
    )  # fmt: skip


@mismatch_report.mistake(
    "The generalisation gap and mismatch are swapped. The train-dev set has the training set's sources but unseen images, "
    "so train-dev − train is the generalisation gap."
)
def variance_and_mismatch_swapped(errors):
    right = mismatch_report(errors)
    return with_largest(
        bias=right["avoidable bias"], variance=right["mismatch"], mismatch=right["variance"],
        dev=right["over-fitting of dev"],
    )  # fmt: skip


@mismatch_report.mistake(
    "Your avoidable bias is the whole training error. Subtract the proxy of what is possible (3.10)."
)
def bias_without_proxy(errors):
    right = mismatch_report(errors)
    return with_largest(
        bias=errors["train"], variance=right["variance"], mismatch=right["mismatch"], dev=right["over-fitting of dev"]
    )


@mismatch_report.mistake(
    "Your over-fitting of dev is measured from the train-dev set, so it holds the mismatch. It is test − dev (3.13)."
)
def over_fitting_from_train_dev(errors):
    right = mismatch_report(errors)
    return with_largest(
        bias=right["avoidable bias"], variance=right["variance"], mismatch=right["mismatch"],
        dev=errors["test"] - errors["train-dev"],
    )  # fmt: skip


@mismatch_report.mistake(
    "All your gaps have the wrong sign: the later error minus the earlier one, such as dev − train-dev."
)
def signs_turned(errors):
    right = mismatch_report(errors)
    return with_largest(**{name: right[name] if right[name] == UNKNOWN else -right[name] for name in GAPS})


@mismatch_report.mistake(
    "The gaps are sizes without sign. Keep the sign: a negative mismatch says that the app is easier than the web."
)
def absolute_gaps(errors):
    right = mismatch_report(errors)
    return with_largest(**{name: right[name] if right[name] == UNKNOWN else abs(right[name]) for name in GAPS})


@mismatch_report.mistake(
    'The gaps are right, but "largest" takes their sizes without sign. A negative gap is no trouble: compare the gaps as '
    "they are."
)
def largest_by_size(errors):
    right = mismatch_report(errors)
    return right | {"largest": max(known_gaps(right), key=lambda name: abs(right[name]))}


@mismatch_report.mistake(
    'The gaps are right, but "largest" is the set with the largest error. Return the name of the largest gap.'
)
def largest_error(errors):
    return mismatch_report(errors) | {"largest": max(SETS, key=errors.get)}


@mismatch_report.mistake(
    'The gaps are right, but "largest" is "none" where none of them is positive. It is always the name of one of the four.'
)
def none_is_the_largest(errors):
    right = mismatch_report(errors)
    return right | {"largest": right["largest"] if right[right["largest"]] > 0 else "none"}


@mismatch_report.mistake(
    'The gaps are right, but your search for "largest" starts from 0: where no gap is positive it finds None. Start with '
    "the first gap."
)
def largest_from_zero(errors):
    right = mismatch_report(errors)
    return right | {"largest": right["largest"] if right[right["largest"]] > 0 else None}


@mismatch_report.mistake(
    'The gaps are right, but over-fitting of dev is never the "largest" in your answer. Compare all four.'
)
def never_over_fitting(errors):
    right = mismatch_report(errors)
    return right | {"largest": max([name for name in known_gaps(right) if name != GAPS[3]], key=right.get)}


@mismatch_report.mistake(
    'The gaps are right, but "largest" is a number. Return the name of the gap: `max(gaps, key=gaps.get)`.'
)
def largest_as_number(errors):
    right = mismatch_report(errors)
    return right | {"largest": right[right["largest"]]}


@mismatch_report.mistake(
    'The gaps are right, but "largest" is the name that comes last in the alphabet: `max(gaps)` compares names. '
    "`max(gaps, key=gaps.get)` compares their values."
)
def largest_name(errors):
    return mismatch_report(errors) | {"largest": max(GAPS)}


@mismatch_report.mistake('The gaps are right, but "largest" is the smallest one: `max`, not `min`.')
def smallest(errors):
    right = mismatch_report(errors)
    return right | {"largest": min(known_gaps(right), key=right.get)}


@mismatch_report.mistake("The gaps are in percentage points. The errors go from 0 to 1, and so do their gaps.")
def in_percent(errors):
    right = mismatch_report(errors)
    return right | {name: 100 * right[name] for name in known_gaps(right)}


@mismatch_report.accept("The names of the five errors stand in a list, and each gap lies between two neighbours.")
def pairs_of_neighbours(errors):
    order = ["proxy", *SETS]
    gaps = {}
    for name, before, after in zip(GAPS, order, order[1:], strict=False):
        gaps[name] = UNKNOWN if errors[before] is None else errors[after] - errors[before]
    if gaps["avoidable bias"] != UNKNOWN and gaps["avoidable bias"] < 0:
        gaps["avoidable bias"] = UNKNOWN
    return gaps | {"largest": sorted((name for name in gaps if gaps[name] != UNKNOWN), key=gaps.get)[-1]}


@mismatch_report.accept
def with_diff_and_argmax(errors):
    gaps = np.diff([np.nan if errors[name] is None else errors[name] for name in ("proxy", *SETS)])
    known = gaps[0] >= 0
    report = dict(zip(GAPS, gaps, strict=True)) | {"largest": GAPS[int(np.argmax(gaps))] if known else ""}
    return report if known else report | {GAPS[0]: UNKNOWN, "largest": GAPS[1 + int(np.argmax(gaps[1:]))]}


@mismatch_report.accept
def compared_one_by_one(errors):
    found = {"avoidable bias": UNKNOWN, "variance": errors["train-dev"] - errors["train"]}
    largest = "variance"
    for name, low, high in (
        ("mismatch", "train-dev", "dev"), ("over-fitting of dev", "dev", "test"), ("avoidable bias", "proxy", "train"),
    ):  # fmt: skip
        if low == "proxy" and (errors["proxy"] is None or errors["train"] < errors["proxy"]):
            continue
        found[name] = errors[high] - errors[low]
        if found[name] > found[largest]:
            largest = name
    found["largest"] = largest
    return found


# --- fill_frame -------------------------------------------------------------------------------------------------------


def scan_cases(rng):
    """Scans with unequal margins; inside the ink's box, one row and one column are empty; its edges are faint."""

    def one(n_H, n_W, top, bottom, left, right):
        image = np.zeros((n_H, n_W))
        box = rng.uniform(0.05, 1, size=(n_H - top - bottom, n_W - left - right))
        box[len(box) // 2] = 0
        box[:, box.shape[1] // 3] = 0
        for edge in (box[0], box[-1], box[:, 0], box[:, -1]):
            edge *= 0.05
        image[top : n_H - bottom, left : n_W - right] = box
        return case(image=image)

    return [one(14, 14, 1, 2, 3, 2), one(12, 9, 1, 3, 0, 2), one(7, 10, 2, 0, 1, 3), one(9, 5, 1, 2, 1, 1)]


#: A ring of 4 by 3 pixels in a scan of 6 by 6, with a faint corner.
SMALL_SCAN = np.zeros((6, 6))
SMALL_SCAN[1:5, 2:5] = 1
SMALL_SCAN[2:4, 3] = 0
SMALL_SCAN[1, 2] = 0.2


@lesson.exercise(
    points=2,
    topic=36,
    equation="(3.15) to (3.18)",
    cases=scan_cases,
    ask="Which rows have ink? What are the first and the last of them, and does a slice include its end?",
    small={"image": SMALL_SCAN},
)
def fill_frame(image):
    """Return a scan as the app would show it: the ink's box, 8 rows high and 6 columns wide, in an 8 by 8 image.

    Parameters
    ----------
    image : ndarray, shape (n_H, n_W)
        A scan with some ink: 0 is paper.

    Returns
    -------
    small : ndarray, shape (8, 8)
        Its first and its last column are empty.
    """
    rows = np.flatnonzero(np.any(image > 0, axis=1))  # (3.15)
    columns = np.flatnonzero(np.any(image > 0, axis=0))
    box = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    small = np.zeros((8, 8))
    small[:, 1:7] = averaging(box.shape[0], 8) @ box @ averaging(box.shape[1], 6).T  # (3.17), (3.18)
    return small


def ink_box(image):
    """Return first row, end of rows, first column, end of columns of the ink."""
    h, w = np.nonzero(image)
    return h.min(), h.max() + 1, w.min(), w.max() + 1


def framed(box, n_H=8, n_W=6, start=1):
    """Return the box averaged to n_H by n_W and put into an 8 by 8 image from column `start` on."""
    small = np.zeros((8, 8))
    small[:n_H, start : start + n_W] = averaging(box.shape[0], n_H) @ box @ averaging(box.shape[1], n_W).T
    return small


@fill_frame.mistake("The margin of the scan is still there. Cut the box of the ink out first (3.15).")
def whole_scan(image):
    return framed(image)


@fill_frame.mistake(
    "The last row and the last column of the box are lost: a slice ends before its end, so it goes to `rows[-1] + 1`."
)
def last_row_and_column_lost(image):
    top, bottom, left, right = ink_box(image)
    return framed(image[top : bottom - 1, left : right - 1])


@fill_frame.mistake("The last row of the box is lost: a slice ends before its end, so it goes to `rows[-1] + 1`.")
def last_row_lost(image):
    top, bottom, left, right = ink_box(image)
    return framed(image[top : bottom - 1, left:right])


@fill_frame.mistake("The last column of the box is lost: a slice ends before its end, so it goes to `columns[-1] + 1`.")
def last_column_lost(image):
    top, bottom, left, right = ink_box(image)
    return framed(image[top:bottom, left : right - 1])


@fill_frame.mistake(
    "You drop every empty row and column, also those inside the digit. Cut from the first row with ink to the last."
)
def inner_rows_dropped(image):
    return framed(image[np.any(image > 0, axis=1)][:, np.any(image > 0, axis=0)])


@fill_frame.mistake(
    "Your box fills all 8 columns. App digits are narrower: 6 columns, with an empty one on each side (3.18)."
)
def all_columns(image):
    top, bottom, left, right = ink_box(image)
    return framed(image[top:bottom, left:right], 8, 8, 0)


@fill_frame.mistake("Your digit begins at column 0. It stands in the columns 1 to 6, with an empty one on each side.")
def not_centred(image):
    top, bottom, left, right = ink_box(image)
    return framed(image[top:bottom, left:right], 8, 6, 0)


@fill_frame.mistake("You cut only above and below. Cut the empty columns, too.")
def rows_only(image):
    top, bottom, _, _ = ink_box(image)
    return framed(image[top:bottom])


@fill_frame.mistake("You cut only left and right. Cut the empty rows, too.")
def columns_only(image):
    _, _, left, right = ink_box(image)
    return framed(image[:, left:right])


@fill_frame.mistake(
    "The digit is turned on its side: rows and columns are swapped. The product is A @ box @ B.T, without `.T` on the "
    "box (3.17)."
)
def on_its_side(image):
    top, bottom, left, right = ink_box(image)
    return framed(image[top:bottom, left:right].T)


@fill_frame.mistake(
    "The axes of `any` are swapped: `np.any(image > 0, axis=1)` asks each row, `axis=0` each column (3.15)."
)
def axes_of_any_swapped(image):
    top, bottom, left, right = ink_box(image)
    return framed(image[left:right, top:bottom])


@fill_frame.mistake("Faint ink is cut off: your threshold is above 0. Every pixel above 0 is ink (3.15).")
def faint_ink_lost(image):
    top, bottom, left, right = ink_box(image > 0.5)
    return framed(image[top:bottom, left:right])


@fill_frame.mistake("This is the averaged box, (8, 6). Put it into an image of zeros, (8, 8), at the columns 1 to 6.")
def box_without_frame(image):
    return framed(image)[:, 1:7] * 0 + fill_frame(image)[:, 1:7]


@fill_frame.mistake("This takes single pixels of the box. Average all pixels that fall into each piece (3.16).")
def nearest_pixels(image):
    top, bottom, left, right = ink_box(image)
    box = image[top:bottom, left:right]
    small = np.zeros((8, 8))
    small[:, 1:7] = box[np.arange(8) * len(box) // 8][:, np.arange(6) * box.shape[1] // 6]
    return small


@fill_frame.mistake("One column of 64 numbers comes later. Return the image, shape (8, 8).")
def as_a_column(image):
    return fill_frame(image).reshape(64, 1)


@fill_frame.accept
def from_the_indices_of_ink(image):
    top, bottom, left, right = ink_box(image)
    box = image[top:bottom, left:right]
    return np.pad(averaging(len(box), 8) @ box @ averaging(box.shape[1], 6).T, ((0, 0), (1, 1)))


@fill_frame.accept
def with_loops(image):
    n_H, n_W = image.shape
    top, bottom, left, right = 0, n_H - 1, 0, n_W - 1
    while image[top].sum() == 0:
        top += 1
    while image[bottom].sum() == 0:
        bottom -= 1
    while image[:, left].sum() == 0:
        left += 1
    while image[:, right].sum() == 0:
        right -= 1
    box = image[top : bottom + 1, left : right + 1]
    A, B = averaging(box.shape[0], 8), averaging(box.shape[1], 6)
    small = np.zeros((8, 8))
    for h in range(8):
        for w in range(6):
            small[h, w + 1] = np.sum(np.outer(A[h], B[w]) * box)
    return small


@fill_frame.accept("Each pixel is repeated until the pieces consist of whole pixels; then their plain means are taken.")
def repeated_then_averaged(image):
    """Each pixel becomes 8 by 6 equal ones; then whole blocks are averaged."""
    top, bottom, left, right = ink_box(image)
    box = image[top:bottom, left:right]
    n_H, n_W = box.shape
    large = np.repeat(np.repeat(box, 8, axis=0), 6, axis=1)
    blocks = large.reshape(8, n_H, 6, n_W).mean(axis=(1, 3))
    return np.hstack([np.zeros((8, 1)), blocks, np.zeros((8, 1))])


# --- synthesize -------------------------------------------------------------------------------------------------------


def web_cases(rng):
    def one(m, slants, size):
        images = np.zeros((m, size, size))
        images[:, 3:-4, 4:-3] = rng.uniform(0.05, 1, size=(m, size - 7, size - 7))
        return case(images=images, Y=rng.permutation(10)[None, :m], slants=slants)

    return [
        one(2, [-0.3, 0.0, 0.4], 14), one(3, [float(rng.uniform(0.25, 0.4)), -0.2], 13), one(1, [-0.3, 0.3], 14),
        one(2, [0.3], 15),
    ]  # fmt: skip


@lesson.exercise(
    points=2,
    topic=36,
    equation="(3.19)",
    returns=("X_made", "Y_made"),
    cases=web_cases,
    ask="Two scans at three slants give six columns. Which scan and which slant does column 4 have, and which label?",
    small={"images": np.stack([SMALL_SCAN, SMALL_SCAN[::-1]]), "Y": np.array([[8, 5]]), "slants": [0.0, 0.5]},
)
def synthesize(images, Y, slants):
    """Return digits that look like the app's, made from scans: each scan at each slant.

    Parameters
    ----------
    images : ndarray, shape (m, n_H, n_W)
        Scans.
    Y : ndarray, shape (1, m)
        Their labels.
    slants : list of float
        For `slant`.

    Returns
    -------
    X_made : ndarray, shape (64, m * len(slants))
        One made digit per column, pixels row by row: first scan 0 at all slants, then scan 1, ...
    Y_made : ndarray, shape (1, m * len(slants))
        Labels of the columns.
    """
    made = [fill_frame(slant(image, s)).reshape(64, 1) for image in images for s in slants]
    return np.hstack(made), np.repeat(Y, len(slants), axis=1)  # (3.19)


@synthesize.mistake(
    "The labels do not belong to their columns. The columns hold scan 0 at all slants, then scan 1: so each label is "
    "repeated in place (`np.repeat`), while `np.tile` writes the whole row several times."
)
def labels_tiled(images, Y, slants):
    return synthesize(images, Y, slants)[0], np.tile(Y, len(slants))


@synthesize.mistake(
    "Your columns hold all scans at the first slant, then all at the second. Let the outer loop go over the scans."
)
def slant_by_slant(images, Y, slants):
    columns = [fill_frame(slant(image, s)).reshape(64) for s in slants for image in images]
    return np.stack(columns, axis=1), np.tile(Y, len(slants))


@synthesize.mistake(
    "Your columns hold all scans at the first slant, then all at the second, and the labels have another order. "
    "Let the outer loop go over the scans."
)
def slant_by_slant_with_wrong_labels(images, Y, slants):
    columns = [fill_frame(slant(image, s)).reshape(64) for s in slants for image in images]
    return np.stack(columns, axis=1), np.repeat(Y, len(slants), axis=1)


@synthesize.mistake("The frame is filled first and slanted afterwards. Slant the large scan, then fill the frame.")
def slanted_after_filling(images, Y, slants):
    columns = [slant(fill_frame(image), s).reshape(64) for image in images for s in slants]
    return np.stack(columns, axis=1), np.repeat(Y, len(slants), axis=1)


@synthesize.mistake("The digits are not slanted. Call `slant(image, s)` before you fill the frame.")
def not_slanted(images, Y, slants):
    return synthesize(images, Y, [0.0] * len(slants))


@synthesize.mistake("The digits lean the other way. `slant(image, s)` takes s with its sign.")
def leaning_the_other_way(images, Y, slants):
    return synthesize(images, Y, [-s for s in slants])


@synthesize.mistake("The digits do not fill the frame. Use your `fill_frame` after `slant`.")
def frame_not_filled(images, Y, slants):
    size = images.shape[1]
    A = averaging(size, 8)
    columns = [(A @ slant(image, s) @ A.T).reshape(64) for image in images for s in slants]
    return np.stack(columns, axis=1), np.repeat(Y, len(slants), axis=1)


@synthesize.mistake(
    "X_made has one made digit per row. In this course each example is a column: shape (64, m · slants)."
)
def examples_as_rows(images, Y, slants):
    X_made, Y_made = synthesize(images, Y, slants)
    return X_made.T, Y_made


@synthesize.mistake("The pixels stand column by column. Use `reshape` on the image as it is: row by row.")
def pixels_by_columns(images, Y, slants):
    columns = [fill_frame(slant(image, s)).T.reshape(64) for image in images for s in slants]
    return np.stack(columns, axis=1), np.repeat(Y, len(slants), axis=1)


@synthesize.mistake("Only the first slant is used. Make one digit of each scan at each slant.")
def first_slant_only(images, Y, slants):
    return synthesize(images, Y, slants[:1])


@synthesize.mistake("Slants add up: each starts from the scan that was slanted before. Start from the scan itself.")
def slants_add_up(images, Y, slants):
    columns = []
    for image in images:
        for s in slants:
            image = slant(image, s)
            columns.append(fill_frame(image).reshape(64))
    return np.stack(columns, axis=1), np.repeat(Y, len(slants), axis=1)


@synthesize.mistake("Y_made has one axis. Keep the row: shape (1, m · slants). `np.repeat` needs `axis=1`.")
def flat_labels(images, Y, slants):
    return synthesize(images, Y, slants)[0], np.repeat(Y[0], len(slants))


@synthesize.mistake("The labels are those of the scans, one per scan. Each made digit needs its own: repeat them.")
def labels_not_repeated(images, Y, slants):
    return synthesize(images, Y, slants)[0], Y


@synthesize.accept("Two loops, two lists that grow together: so each label stands beside its column.")
def with_append(images, Y, slants):
    columns, labels = [], []
    for i in range(len(images)):
        for s in slants:
            columns.append(fill_frame(slant(images[i], s)).ravel())
            labels.append(Y[0, i])
    return np.array(columns).T, np.array(labels)[None, :]


@synthesize.accept
def filled_into_zeros(images, Y, slants):
    m, k = len(images), len(slants)
    X_made, Y_made = np.zeros((64, m * k)), np.zeros((1, m * k), dtype=int)
    for i, image in enumerate(images):
        for j, s in enumerate(slants):
            X_made[:, i * k + j] = fill_frame(slant(image, s)).flatten()
            Y_made[0, i * k + j] = Y[0, i]
    return X_made, Y_made


@synthesize.accept
def with_one_large_array(images, Y, slants):
    made = np.array([[fill_frame(slant(image, s)) for s in slants] for image in images])
    return made.reshape(-1, 64).T, (Y.T @ np.ones((1, len(slants)), dtype=int)).reshape(1, -1)


# --- eyeball_and_blackbox ---------------------------------------------------------------------------------------------


def dev_cases(rng):
    def error():
        return float(rng.uniform(0.031, 0.2))

    cases = [case(m_dev=int(rng.integers(4000, 9000)), error=error(), wanted=100) for _ in range(2)]
    cases += [case(m_dev=int(rng.integers(2000, 9000)), error=error(), wanted=int(rng.integers(20, 60)))]
    cases += [case(m_dev=int(rng.integers(100, 300)), error=error(), wanted=100)]  # too few for a blackbox part
    cases += [case(m_dev=500, error=0.25, wanted=100), case(m_dev=400, error=0.25, wanted=100)]  # whole numbers
    cases += [case(m_dev=800, error=0.16, wanted=wanted) for wanted in (33, 31)]  # 206.25 and 193.75 images
    cases += [case(m_dev=399, error=0.25, wanted=100), case(m_dev=int(rng.integers(50, 90)), error=0.0, wanted=50)]
    return cases


@lesson.exercise(
    points=1,
    topic=36,
    equation="(3.22) and (3.23)",
    returns=("eyeball", "blackbox"),
    cases=dev_cases,
    ask="Of how many images is one wrong, at this error? How many do you need for the wrong ones that you want, and what if "
    "there are not so many?",
    small={"m_dev": 900, "error": 0.15, "wanted": 100},
)
def eyeball_and_blackbox(m_dev, error, wanted):
    """Return how many dev images you may look at, and how many nobody looks at.

    Parameters
    ----------
    m_dev : int
        Dev images.
    error : float
        The error of the classifier, 0 or more.
    wanted : int
        How many wrong answers you want to look at.

    Returns
    -------
    eyeball, blackbox : int
        They add up to m_dev.
    """
    eyeball = m_dev if error == 0 else min(m_dev, int(np.ceil(wanted / error)))  # (3.22)
    return eyeball, m_dev - eyeball  # (3.23)


@eyeball_and_blackbox.mistake("Rounded down, the part may hold one wrong answer too few. Round up (3.22).")
def rounded_down(m_dev, error, wanted):
    eyeball = m_dev if error == 0 else min(m_dev, int(wanted / error))
    return eyeball, m_dev - eyeball


@eyeball_and_blackbox.mistake(
    "This is one more than needed where the quotient is a whole number: `np.ceil`, not `int(...) + 1`."
)
def always_one_more(m_dev, error, wanted):
    eyeball = m_dev if error == 0 else min(m_dev, int(wanted / error) + 1)
    return eyeball, m_dev - eyeball


@eyeball_and_blackbox.mistake(
    "You look at more images than there are. The eyeball part has at most m_dev of them (3.22)."
)
def more_than_there_are(m_dev, error, wanted):
    eyeball = m_dev if error == 0 else int(np.ceil(wanted / error))
    return eyeball, m_dev - eyeball


@eyeball_and_blackbox.mistake("Both parts together are the dev set: the blackbox part is what is left (3.23).")
def all_in_the_blackbox(m_dev, error, wanted):
    return eyeball_and_blackbox(m_dev, error, wanted)[0], m_dev


@eyeball_and_blackbox.mistake("The two numbers are in the other order: eyeball first.")
def parts_swapped(m_dev, error, wanted):
    return eyeball_and_blackbox(m_dev, error, wanted)[::-1]


@eyeball_and_blackbox.mistake(
    "That is the number of images, not of wrong ones among them. To find so many wrong answers you need wanted / error images."
)
def so_many_images(m_dev, error, wanted):
    return min(m_dev, wanted), m_dev - min(m_dev, wanted)


@eyeball_and_blackbox.mistake(
    "You divide by the share of right answers. The images that you want to look at are the wrong ones (3.22)."
)
def by_the_right_ones(m_dev, error, wanted):
    eyeball = min(m_dev, int(np.ceil(wanted / (1 - error))))
    return eyeball, m_dev - eyeball


@eyeball_and_blackbox.mistake(
    "An error of 0 cannot be divided by. Then there is nothing wrong to find: all are for looking."
)
def divided_by_zero(m_dev, error, wanted):
    eyeball = min(m_dev, int(-(-wanted // float(error))))
    return eyeball, m_dev - eyeball


@eyeball_and_blackbox.mistake("The parts are whole numbers: `np.ceil` returns a float, `int(...)` makes it whole.")
def parts_as_floats(m_dev, error, wanted):
    eyeball = float(m_dev) if error == 0 else min(float(m_dev), float(np.ceil(wanted / error)))
    return eyeball, m_dev - eyeball


@eyeball_and_blackbox.mistake(
    "The eyeball part is larger than the dev set; only the blackbox part stops at 0. Cut the eyeball part at m_dev (3.22)."
)
def blackbox_cut_alone(m_dev, error, wanted):
    eyeball = m_dev if error == 0 else int(np.ceil(wanted / error))
    return eyeball, max(0, m_dev - eyeball)


@eyeball_and_blackbox.mistake(
    "Rounded to the nearest number, the part may hold one wrong answer too few. Round up (3.22)."
)
def rounded_to_nearest(m_dev, error, wanted):
    eyeball = m_dev if error == 0 else min(m_dev, round(wanted / error))
    return eyeball, m_dev - eyeball


@eyeball_and_blackbox.accept("First it asks whether the whole dev set holds as many wrong answers as are wanted.")
def asked_first(m_dev, error, wanted):
    if m_dev * error <= wanted:
        return m_dev, 0
    blackbox = int(np.floor(m_dev - wanted / error))
    return m_dev - blackbox, blackbox


@eyeball_and_blackbox.accept
def counted_up(m_dev, error, wanted):
    eyeball = 0
    while eyeball < m_dev and (error == 0 or eyeball < wanted / error):
        eyeball += 1
    return eyeball, m_dev - eyeball


# --- offer_effects ----------------------------------------------------------------------------------------------------


def row_cases(rng):
    names = sorted(["bigger network", "more web images", "fill the frame", "50 app images", "no tuning"])

    def rows_of(states):
        def errors():
            return dict(zip(KNOWN, rng.uniform(0.02, 0.8, size=5).tolist(), strict=True))

        rows = [{"bought": sorted(state, key=lambda _: rng.random()), "errors": errors()} for state in states]
        return [rows[i] for i in rng.permutation(len(rows))]

    def subsets(some):
        return [[name for i, name in enumerate(some) if number >> i & 1] for number in range(2 ** len(some))]

    three = [str(name) for name in rng.permutation(names)[:3]]
    lone = [["no tuning"], ["50 app images"], [], ["50 app images", "fill the frame"], ["fill the frame", "no tuning"]]
    measured = table_rows()
    able = [row for row in measured if "bigger network" in row["bought"]]
    return [
        case(rows=rows_of([*subsets(three), names[:4]]), offer=three[1]),
        case(rows=rows_of(lone), offer="fill the frame"),
        case(rows=rows_of([*subsets(three)[1:], names[1:]]), offer=three[2]),
        case(rows=able, offer="30 images, many slants"),
        case(rows=measured, offer="bigger network"),
    ]


#: Two offers, four states.
SMALL_ROWS = [
    {"bought": bought, "errors": dict(zip(KNOWN, errors, strict=True))}
    for bought, errors in (
        ([], (0.05, 0.02, 0.30, 0.40, 0.52)),
        (["A"], (0.05, 0.03, 0.10, 0.28, 0.40)),
        (["B"], (0.05, 0.02, 0.28, 0.30, 0.42)),
        (["A", "B"], (0.05, 0.05, 0.10, 0.20, 0.32)),
    )
]


@lesson.exercise(
    points=3,
    topic=36,
    equation="(3.24)",
    cases=row_cases,
    ask="Which row is the twin of a given one, with this offer bought and all else equal? And which error stands before each "
    "gap?",
    small={"rows": SMALL_ROWS, "offer": "A"},
)
def offer_effects(rows, offer):
    """Return what an offer changes on average.

    Parameters
    ----------
    rows : list of dict
        Measured states, in any order: ``{"bought": [offers], "errors": {name: error}}``. Each state stands there once. The
        errors are "proxy", "train", "train-dev", "dev", "blackbox".
    offer : str
        It is bought in one row of at least one pair.

    Returns
    -------
    effects : dict
        Mean changes, with their sign, over all pairs of rows that differ in this offer alone: of "train", of the gaps
        "variance", "mismatch" and "over-fitting of dev", and of "blackbox".
    """
    errors = {frozenset(row["bought"]): row["errors"] for row in rows}
    pairs = [
        (errors[bought - {offer}], errors[bought])
        for bought in errors
        if offer in bought and bought - {offer} in errors
    ]
    change = {name: np.mean([after[name] - before[name] for before, after in pairs]) for name in KNOWN[1:]}  # (3.24)
    return {
        "train": change["train"],
        "variance": change["train-dev"] - change["train"],
        "mismatch": change["dev"] - change["train-dev"],
        "over-fitting of dev": change["blackbox"] - change["dev"],
        "blackbox": change["blackbox"],
    }


def effects_of(before, after):
    """Return the effects between two lists of errors."""
    change = {name: float(np.mean([e[name] for e in after]) - np.mean([e[name] for e in before])) for name in KNOWN[1:]}
    return {
        "train": change["train"], "variance": change["train-dev"] - change["train"],
        "mismatch": change["dev"] - change["train-dev"], "over-fitting of dev": change["blackbox"] - change["dev"],
        "blackbox": change["blackbox"],
    }  # fmt: skip


def twins(rows, offer):
    """Return the errors before and after, of all pairs."""
    errors = {frozenset(row["bought"]): row["errors"] for row in rows}
    found = [(errors[b - {offer}], errors[b]) for b in errors if offer in b and b - {offer} in errors]
    return [one for one, _ in found], [one for _, one in found]


@offer_effects.mistake(
    "You compare all states with the offer and all without it. The two groups differ in other offers, too. Take pairs that "
    "differ in this offer alone (3.24)."
)
def two_groups(rows, offer):
    with_it = [row["errors"] for row in rows if offer in row["bought"]]
    return effects_of([row["errors"] for row in rows if offer not in row["bought"]], with_it)


@offer_effects.mistake(
    "Your changes have the wrong sign: after the purchase minus before it. Below 0 is a gap that gets smaller."
)
def before_minus_after(rows, offer):
    before, after = twins(rows, offer)
    return effects_of(after, before)


@offer_effects.mistake("These are sums over the pairs. Divide by how many pairs there are (3.24).")
def summed(rows, offer):
    before, after = twins(rows, offer)
    return {name: value * len(before) for name, value in effects_of(before, after).items()}


@offer_effects.mistake("Only one pair is used. Take the mean over all pairs that differ in this offer alone (3.24).")
def one_pair(rows, offer):
    before, after = twins(rows, offer)
    return effects_of(before[:1], after[:1])


@offer_effects.mistake(
    "The order of the names plays a part in your comparison of two states: [A, B] and [B, A] are the same purchases. Compare sets."
)
def order_of_names(rows, offer):
    pairs = [
        (before["errors"], after["errors"])
        for before in rows
        for after in rows
        if after["bought"] == [*before["bought"], offer]
    ]
    return (
        effects_of([one for one, _ in pairs], [one for _, one in pairs])
        if pairs
        else dict.fromkeys(effects_of(*twins(rows, offer)), 0.0)
    )


@offer_effects.mistake(
    "These are the changes of the errors. A gap is the difference of two neighbours: the change of mismatch is that of dev minus "
    "that of train-dev."
)
def changes_of_errors(rows, offer):
    before, after = twins(rows, offer)
    change = {
        name: float(np.mean([b[name] - a[name] for a, b in zip(before, after, strict=True)])) for name in KNOWN[1:]
    }
    return {
        "train": change["train"], "variance": change["train-dev"], "mismatch": change["dev"],
        "over-fitting of dev": change["blackbox"], "blackbox": change["blackbox"],
    }  # fmt: skip


@offer_effects.mistake(
    "These are the gaps after the purchase. The effect is by how much it changes them: subtract those before it."
)
def gaps_after(rows, offer):
    before, after = twins(rows, offer)
    return effects_of([dict.fromkeys(KNOWN, 0.0)] * len(before), after)


@offer_effects.mistake(
    "The change of the training error is asked for, not that of train − proxy: the bias may be undetermined, and it is never "
    "above the training error."
)
def change_of_the_bias(rows, offer):
    before, after = twins(rows, offer)
    moved = [(b["train"] - b["proxy"]) - (a["train"] - a["proxy"]) for a, b in zip(before, after, strict=True)]
    return effects_of(before, after) | {"train": float(np.mean(moved)) + 0.001}


@offer_effects.mistake(
    "You compare rows that stand beside each other. The rows come in any order: look for the twin of each by what was bought."
)
def neighbours_in_the_list(rows, offer):
    pairs = [(a["errors"], b["errors"]) for a, b in zip(rows, rows[1:], strict=False) if offer in b["bought"]]
    return effects_of([a for a, _ in pairs], [b for _, b in pairs]) if pairs else two_groups(rows, offer)


@offer_effects.accept("Two loops over the rows find the pairs; a set is compared with a set plus the offer.")
def two_loops(rows, offer):
    changes = []
    for before in rows:
        for after in rows:
            if offer not in before["bought"] and set(after["bought"]) == {*before["bought"], offer}:
                changes.append([after["errors"][name] - before["errors"][name] for name in KNOWN[1:]])
    change = np.mean(changes, axis=0)
    steps = np.diff([0.0, *change])
    return dict(zip(("train", *GAPS[1:], "blackbox"), [*steps, change[-1]], strict=True))


@offer_effects.accept
def gap_after_gap(rows, offer):
    effects, pairs = dict.fromkeys(("train", *GAPS[1:], "blackbox"), 0.0), 0
    for row in rows:
        rest = sorted(name for name in row["bought"] if name != offer)
        for other in rows:
            if len(rest) < len(row["bought"]) and sorted(other["bought"]) == rest:
                pairs += 1
                for sign, e in ((1, row["errors"]), (-1, other["errors"])):
                    effects["train"] += sign * e["train"]
                    effects["variance"] += sign * (e["train-dev"] - e["train"])
                    effects["mismatch"] += sign * (e["dev"] - e["train-dev"])
                    effects["over-fitting of dev"] += sign * (e["blackbox"] - e["dev"])
                    effects["blackbox"] += sign * e["blackbox"]
    return {name: value / pairs for name, value in effects.items()}


# --- project_plan -----------------------------------------------------------------------------------------------------

BIAS, VARIANCE, MISMATCH, DEV = GAPS
REMEDIES = {
    BIAS: ["bigger network"],
    VARIANCE: ["more web images"],
    MISMATCH: ["fill the frame", "50 app images"],
    DEV: ["no tuning"],
}
TRAP = "30 images, many slants"


def state_cases(rng):
    """The rounds of the plan's own road, then made-up projects: gaps near 0.02, other prices, what was bought."""

    def near(value):
        return value + float(rng.uniform(-0.0003, 0.0003))

    def errors_with(*gaps, proxy=None):
        """Return five errors with these four gaps, in the order of `GAPS`."""
        proxy = float(rng.uniform(0.13, 0.2)) if proxy is None else proxy
        sums = [float(value) for value in np.cumsum([proxy, *gaps])]
        return dict(zip(KNOWN, sums, strict=True))

    def one(gaps, *bought, budget=None, **proxy):
        """Return a project with these gaps in which some offers were bought, at prices that are drawn."""
        prices = {
            "bigger network": 1 + int(rng.integers(3)), "more web images": 2 + int(rng.integers(3)),
            "fill the frame": 2 + int(rng.integers(2)), TRAP: 1, "50 app images": 4 + int(rng.integers(3)),
            "no tuning": 1 + int(rng.integers(3)),
        }  # fmt: skip
        budget = 6 + int(rng.integers(6)) if budget is None else budget
        prices = {name: price for name, price in prices.items() if name not in bought}
        return case(errors=errors_with(*gaps, **proxy), prices=prices, budget=budget)

    def without_proxy(drawn):
        return drawn[0], drawn[1] | {"errors": drawn[1]["errors"] | {"proxy": None}}

    def large():
        return float(rng.uniform(0.1, 0.3))

    def small():
        return float(rng.choice([near(0.0188), near(0.0188), rng.uniform(-0.04, 0.01)]))

    def among(gap, size, others):
        return [size if name == gap else others() for name in GAPS]

    cases = []
    for gap in GAPS:
        second = GAPS[(GAPS.index(gap) + 1 + int(rng.integers(3))) % 4]
        two = [{gap: large() + 0.2, second: float(rng.uniform(0.03, 0.09))}.get(name, small()) for name in GAPS]
        cases.append(one(among(gap, large(), lambda: float(rng.uniform(0.03, 0.08)))))
        cases.append(one(among(gap, near(0.0212), small)))  # just large enough
        cases.append(one(among(gap, large(), small), *REMEDIES[gap]))  # nothing else treats it
        cases.append(one(two, *REMEDIES[gap]))
        dear = one(two, budget=4)  # the budget decides, to the week
        prices = dear[1]["prices"]
        cases.append(
            (dear[0], dear[1] | {"prices": prices | dict.fromkeys(REMEDIES[gap], 5) | {REMEDIES[second][0]: 4}})
        )
        exact = one(among(gap, large(), small), budget=3)
        cases.append((exact[0], exact[1] | {"prices": exact[1]["prices"] | {REMEDIES[gap][0]: 3}}))
    mismatch = among(MISMATCH, large(), small)
    dear_frame = one(mismatch)
    dear_frame = dear_frame[0], dear_frame[1] | {"prices": dear_frame[1]["prices"] | {"fill the frame": 7}}
    cases += [
        dear_frame,
        one(mismatch, "fill the frame", budget=7),
        one(mismatch, "50 app images"),
        one([near(0.0188), near(0.0188), near(0.0188), near(0.0188)]),  # no gap is large
        one([near(0.0188), -0.05, -0.3, 0.01], proxy=0.4),
        one([-0.01, -0.05, -0.3, -0.02], proxy=0.4),
        one([-0.05, large(), small(), small()]),  # an undetermined bias
        one([-0.05, small(), large(), 0.03], budget=1),
        without_proxy(one([-0.05, small(), small(), large()])),
        without_proxy(one([-0.05, small(), large(), small()], proxy=0.45)),
        one([0.02, near(0.0188), -0.03, near(0.0188)], proxy=0.0),  # exactly at the limit
        one([large(), large() + 0.25, large() + 0.5, large() + 0.75], budget=0),
    ]
    own = [case(errors=r.errors, prices=prices_of(r.state), budget=r.left) for r in play(project_plan)]
    return own + [cases[i] for i in rng.permutation(len(cases))]


@lesson.exercise(
    points=4,
    topic=36,
    equation="(3.25) to (3.27)",
    cases=state_cases,
    ask="In which order do you go through the known gaps, and what must hold for a gap and for an offer before you return?",
    small={
        "errors": {"proxy": 0.04, "train": 0.02, "train-dev": 0.12, "dev": 0.42, "blackbox": 0.45},
        "prices": {"bigger network": 1, "more web images": 2, "fill the frame": 3, "50 app images": 4},
        "budget": 2,
    },
    why={
        "question": "Why does the plan read the blackbox error where the report has the test error?",
        "where": "blackbox",
        "choices": {
            "a test set that decides what to buy has had a part in a choice": "Yes: it could not say at the end what you reach.",
            "the blackbox error is the more exact one": "No: the test set is larger. What is it for?",
            "the two are always equal": "No: they are two sets of images. Equal in the mean is not the reason.",
        },
    },
)
def project_plan(errors, prices, budget):
    """Return the next decision of a project and the gap that is its reason.

    Parameters
    ----------
    errors : dict
        What was measured now: "proxy", "train", "train-dev", "dev", "blackbox". There is no test error.
    prices : dict
        ``{offer: weeks}`` of the offers that are open.
    budget : int
        Weeks that are left.

    Returns
    -------
    decision : dict
        "reason" is one of the four gaps and "choice" an offer; "none" and "stop" if no large gap has a remedy.
    """
    report = report_on(errors)
    known = [gap for gap in GAPS if report[gap] != "undetermined"]
    for gap in sorted(known, key=report.get, reverse=True):  # (3.25)
        open_now = [offer for offer in REMEDIES[gap] if offer in prices and prices[offer] <= budget]  # (3.26)
        if report[gap] > 0.02 and open_now:
            return {"reason": gap, "choice": min(open_now, key=prices.get)}  # (3.27)
    return {"reason": "none", "choice": "stop"}


def report_on(errors):
    """Return the report of the errors that a plan gets."""
    return mismatch_report({**errors, "test": errors["blackbox"]})


def by_remedies(remedies, errors, prices, budget, threshold=0.02):
    """Return the decision of the rule with other remedies or another threshold."""
    report = report_on(errors)
    ranking = sorted(((report[gap], gap) for gap in known_gaps(report) if report[gap] > threshold), reverse=True)
    for _, gap in ranking:
        weeks = {offer: prices[offer] for offer in remedies[gap] if offer in prices}
        if weeks and min(weeks.values()) <= budget:
            return {"reason": gap, "choice": min(weeks, key=weeks.get)}
    return {"reason": "none", "choice": "stop"}


@project_plan.mistake(
    "You buy what the budget does not pay for. Only offers with a price of at most `budget` are possible (3.26)."
)
def without_budget(errors, prices, budget):
    return by_remedies(REMEDIES, errors, prices, 1000)


@project_plan.mistake(
    "You stop as soon as the largest gap has no remedy that is open. Go on with the next largest gap above 0.02; stop "
    "when none is left (3.25)."
)
def largest_gap_only(errors, prices, budget):
    largest = report_on(errors)["largest"]
    return by_remedies({gap: REMEDIES[gap] if gap == largest else [] for gap in GAPS}, errors, prices, budget)


@project_plan.mistake(
    "You take the gaps in a fixed order, bias first. Take the largest one first, whatever its name (3.25)."
)
def in_a_fixed_order(errors, prices, budget):
    report = report_on(errors)
    for gap in known_gaps(report):
        decision = by_remedies({name: REMEDIES[name] if name == gap else [] for name in GAPS}, errors, prices, budget)
        if report[gap] > 0.02 and decision["choice"] != "stop":
            return decision
    return {"reason": "none", "choice": "stop"}


@project_plan.mistake(
    "You spend weeks on gaps between 0 and 0.02. The rule treats gaps above 0.02 only (3.25): smaller ones may be chance."
)
def threshold_zero(errors, prices, budget):
    return by_remedies(REMEDIES, errors, prices, budget, threshold=0)


@project_plan.mistake(
    "You spend weeks on gaps below 0.02, negative ones, too. The rule treats gaps above 0.02 only (3.25). A negative "
    "mismatch says that the app is easier, and needs no cure."
)
def no_threshold(errors, prices, budget):
    return by_remedies(REMEDIES, errors, prices, budget, threshold=-1)


@project_plan.mistake(
    "Of several remedies for a gap you take the dearest. The rule takes the cheapest first, and measures again (3.27)."
)
def dearest_first(errors, prices, budget):
    report = report_on(errors)
    for gap in sorted(known_gaps(report), key=report.get, reverse=True):
        possible = [offer for offer in REMEDIES[gap] if offer in prices and prices[offer] <= budget]
        if report[gap] > 0.02 and possible:
            return {"reason": gap, "choice": max(possible, key=prices.get)}
    return {"reason": "none", "choice": "stop"}


@project_plan.mistake(
    "You always take the cheapest offer. A remedy for another gap is no bargain: first the gap, then its remedies."
)
def cheapest_of_all(errors, prices, budget):
    return {"choice": min(prices, key=prices.get)}


@project_plan.mistake(
    "For mismatch you buy '30 images, many slants'. Your effects say what it does: most of what mismatch loses comes back in "
    "the generalisation gap. Filling the frame gains more per week, and when it is bought the 30 images are thrown away."
)
def few_sources_for_mismatch(errors, prices, budget):
    return by_remedies(REMEDIES | {MISMATCH: [TRAP, *REMEDIES[MISMATCH]]}, errors, prices, budget)


@project_plan.mistake(
    "The choices are right, but your reason is always the largest gap. The reason is the gap that your choice treats, "
    "and that is a smaller one where the largest has no remedy that is open."
)
def reason_is_the_largest_gap(errors, prices, budget):
    return project_plan(errors, prices, budget) | {"reason": report_on(errors)["largest"]}


@project_plan.mistake(
    "The choices are right, but where the largest gap has no remedy that is open, you still give it as the reason. "
    "The reason is the gap that your choice treats."
)
def reason_is_the_largest_gap_unless_stopped(errors, prices, budget):
    decision = project_plan(errors, prices, budget)
    return decision | ({} if decision["choice"] == "stop" else {"reason": report_on(errors)["largest"]})


@project_plan.mistake('The choices are right. Where you stop, no gap is treated: the reason is "none".')
def reason_for_stopping(errors, prices, budget):
    decision = project_plan(errors, prices, budget)
    return decision | ({"reason": report_on(errors)["largest"]} if decision["choice"] == "stop" else {})


@project_plan.mistake(
    "Your reason is the set with the largest error. A large error says nothing yet; the gap between two neighbours does."
)
def reason_is_a_set(errors, prices, budget):
    return {"reason": max(KNOWN[1:], key=errors.get)}


@project_plan.mistake(
    "An offer that was bought is no key of `prices`, so `prices[offer]` stops with a KeyError. Ask `offer in prices` first."
)
def price_of_what_was_bought(errors, prices, budget):
    report = report_on(errors)
    for gap in sorted(known_gaps(report), key=report.get, reverse=True):
        possible = [offer for offer in REMEDIES[gap] if prices[offer] <= budget]
        if report[gap] > 0.02 and possible:
            return {"reason": gap, "choice": min(possible, key=prices.get)}
    return {"reason": "none", "choice": "stop"}


@project_plan.mistake(
    "An offer that costs exactly what is left can be paid for: compare `prices[offer] <= budget`, not `<` (3.26)."
)
def something_must_be_left(errors, prices, budget):
    return by_remedies(REMEDIES, errors, {name: price + 0.5 for name, price in prices.items()}, budget)


@project_plan.mistake(
    "A gap of exactly 0.02 is treated in your plan. The rule takes the gaps *above* 0.02: `>`, not `>=` (3.25)."
)
def at_the_limit(errors, prices, budget):
    return by_remedies(REMEDIES, errors, prices, budget, threshold=np.nextafter(0.02, 0))


@project_plan.mistake(
    "You take the sizes of the gaps. A negative gap says that the later set is the easier one, and needs no cure."
)
def sizes_of_the_gaps(errors, prices, budget):
    report = report_on(errors)
    for gap in sorted(known_gaps(report), key=lambda name: abs(report[name]), reverse=True):
        possible = [offer for offer in REMEDIES[gap] if offer in prices and prices[offer] <= budget]
        if abs(report[gap]) > 0.02 and possible:
            return {"reason": gap, "choice": min(possible, key=prices.get)}
    return {"reason": "none", "choice": "stop"}


@project_plan.mistake(
    "An undetermined bias is a word, and sorting it among numbers stops. Go through the gaps that are numbers (3.25)."
)
def word_sorted_among_numbers(errors, prices, budget):
    report = report_on(errors)
    sorted(GAPS, key=report.get)
    return project_plan(errors, prices, budget)


@project_plan.mistake('The choice alone is not enough: return a dict with "reason" and "choice".')
def choice_alone(errors, prices, budget):
    return project_plan(errors, prices, budget)["choice"]


@project_plan.mistake("You stop at once. There are weeks left and gaps above 0.02 with a remedy.")
def stop_at_once(errors, prices, budget):
    return {"reason": "none", "choice": "stop"}


#: What is wrong with each offer as the remedy of each gap.
WRONG_CHOICES = {
    BIAS: {
        "more web images": (
            "Avoidable bias: with 2 hidden units the network cannot fit what it has. More web images do not "
            "lower its training error: there is more to fit."
        ),
        "fill the frame": (
            "Avoidable bias: the made digits are more to fit for a network that cannot fit 80. Its training error "
            "hardly moves."
        ),
        TRAP: (
            "Avoidable bias: 30 images at many slants are easy to learn by heart, so the training error may even fall. "
            "Nothing is gained on the app: the network stays too small."
        ),
        "50 app images": (
            "Avoidable bias: the dearest offer, for a network that cannot even fit its training set. First make it "
            "able to learn."
        ),
        "no tuning": (
            "Avoidable bias: without tuning the errors become honest, and the network stays as small as it was. "
            "Tuning is not the largest gap here."
        ),
    },
    VARIANCE: {
        "bigger network": (
            "Generalisation gap: it opens between images that were trained on and unseen ones of the same sources. A bigger "
            "network fits the trained ones still better."
        ),
        "fill the frame": (
            "Generalisation gap: made digits come from the web images that you own. They are no new handwriting, so what is "
            "unseen stays unseen."
        ),
        TRAP: (
            "Generalisation gap: slants of 30 images are 30 images. They widen it: what is learned by heart is the 30."
        ),
        "50 app images": (
            "Generalisation gap: 50 images add little to what the training set lacks, at twice the price of thousands from the "
            "web. They are for mismatch."
        ),
        "no tuning": (
            "Generalisation gap: it lies between train and train-dev, and nobody tunes on these. Tuning concerns dev "
            "and blackbox."
        ),
    },
    MISMATCH: {
        "bigger network": (
            "Mismatch: unseen web images are read well, app images are not. A bigger network learns the web's "
            "images, and these are not the trouble."
        ),
        "more web images": (
            "Mismatch: more of the source that is not the app. It closes the gap from train to train-dev, which is "
            "not the largest one."
        ),
        "no tuning": (
            "Mismatch: the gap lies between train-dev and dev. Tuning on dev hides a part of it, so this offer makes "
            "it visible, but it cures the gap from dev to blackbox."
        ),
    },
    DEV: {
        "bigger network": (
            "Over-fitting of dev: the settings were chosen on 30 images. A bigger network leaves them chosen on 30 "
            "images."
        ),
        "more web images": (
            "Over-fitting of dev: dev and blackbox are both app images, so their difference is not a matter of the source. "
            "It is the choice among 1000 settings."
        ),
        "fill the frame": (
            "Over-fitting of dev: dev and blackbox are both app images. What makes dev look better is that the settings "
            "were chosen on it."
        ),
        TRAP: (
            "Over-fitting of dev: 30 dev images were learned by heart through 1000 settings. Slants of 30 web images "
            "only add a second case of the same trouble."
        ),
        "50 app images": (
            "Over-fitting of dev: training images do not undo a choice that was made on 30 dev images. The gap from dev "
            "to blackbox stays."
        ),
    },
}


def choose_wrongly(gap, offer):
    """Return the mistake that takes this offer for this gap, and says nothing about other decisions."""

    def wrong_choice(errors, prices, budget):
        asked = project_plan(errors, prices, budget)["reason"] == gap and prices.get(offer, budget + 1) <= budget
        return {"choice": offer} if asked else {}

    wrong_choice.__name__ = f"{offer}_for_{gap}".replace(" ", "_").replace(",", "").replace("-", "_")
    return wrong_choice


def list_wrongly(gap, offer):
    """Return the mistake of a plan that has this offer among the remedies of this gap, after the right ones."""

    def wrong_remedy(errors, prices, budget):
        return by_remedies(REMEDIES | {gap: [*REMEDIES[gap], offer]}, errors, prices, budget)

    wrong_remedy.__name__ = f"{offer} among the remedies of {gap}".replace(" ", "_").replace(",", "").replace("-", "_")
    return wrong_remedy


for _make, _before in ((list_wrongly, "Your plan has '{}' among the remedies of this gap. "), (choose_wrongly, "")):
    for _gap, _hints in WRONG_CHOICES.items():
        for _offer, _hint in _hints.items():
            _partial = _make is choose_wrongly
            project_plan.mistake(_before.format(_offer) + _hint, partial=_partial)(_make(_gap, _offer))


@project_plan.mistake(
    "Without a proxy you compute with 0, so the whole training error is taken for avoidable bias. Then it is undetermined."
)
def no_proxy_taken_for_zero(errors, prices, budget):
    return project_plan.reference(errors | {"proxy": errors["proxy"] or 0.0}, prices, budget)


@project_plan.accept
def with_a_table_of_remedies(errors, prices, budget):
    return by_remedies(REMEDIES, errors, prices, budget) | {"a key of my own": 1}


@project_plan.accept("It goes through the offers instead of the gaps, and keeps the best pair of gap and price.")
def offer_by_offer(errors, prices, budget):
    treats = {offer: gap for gap, offers in REMEDIES.items() for offer in offers}
    gaps = report_on(errors)
    best = ("none", "stop")
    for offer, price in prices.items():
        gap = treats.get(offer)
        if gap is None or price > budget or gaps[gap] == UNKNOWN or not gaps[gap] > 0.02:
            continue
        if best[1] == "stop" or (gaps[gap], -price) > (gaps[best[0]], -prices[best[1]]):
            best = (gap, offer)
    return dict(zip(("reason", "choice"), best, strict=True))


@project_plan.accept
def with_branches(errors, prices, budget):
    gaps = {name: value for name, value in report_on(errors).items() if name != "largest" and value != UNKNOWN}
    can = {name for name in prices if prices[name] <= budget}
    while gaps:
        gap = max(gaps, key=gaps.get)
        size = gaps.pop(gap)
        if size <= 0.02:
            break
        if gap == "avoidable bias" and "bigger network" in can:
            return {"reason": gap, "choice": "bigger network"}
        if gap == "variance" and "more web images" in can:
            return {"reason": gap, "choice": "more web images"}
        if gap == "over-fitting of dev" and "no tuning" in can:
            return {"reason": gap, "choice": "no tuning"}
        if gap == "mismatch":
            options = [name for name in ("50 app images", "fill the frame") if name in can]
            if options:
                return {"reason": gap, "choice": sorted(options, key=lambda name: prices[name])[0]}
    return {"reason": "none", "choice": "stop"}
