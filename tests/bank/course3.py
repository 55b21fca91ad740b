"""Course 3: answers in the words of learners."""

import math

import numpy as np
from scipy import stats

from . import posted, right, solved

HUMAN = solved("human_level_performance")
METRICS = solved("metrics")
MISMATCH = solved("data_mismatch")

# --- mistakes --------------------------------------------------------------------------------------------------------


@posted("metrics.confusion_matrix", "question", "diagonal_swapped")
def _(y, y_hat):
    return np.array([[np.sum((y == 1) & (y_hat == 1)), np.sum((y == 0) & (y_hat == 1))],
                     [np.sum((y == 1) & (y_hat == 0)), np.sum((y == 0) & (y_hat == 0))]])  # fmt: skip


@posted("metrics.confusion_matrix", "question", "transposed")
def _(y, y_hat):
    return np.array([[np.sum((y_hat == a) & (y == b)) for b in (0, 1)] for a in (0, 1)])


@posted("metrics.precision", "question", "recall_for_precision_without_a_test")
def _(matrix):
    (tn, fp), (fn, tp) = matrix
    return tp / (tp + fn)


@posted("metrics.precision", "question", "precision_of_nothing_is_nan")
def _(matrix):
    (tn, fp), (fn, tp) = matrix
    return np.float64(tp) / (tp + fp)


@posted("metrics.recall", "question", "precision_for_recall")
def _(matrix):
    (tn, fp), (fn, tp) = matrix
    return tp / (tp + fp) if tp + fp else 0


@posted("metrics.f1_score", "question", "arithmetic_mean")
def _(P, R):
    return (P + R) / 2


@posted("metrics.f1_score", "question", "stops_at_two_zeros")
def _(P, R):
    return 2 * (P * R) / (P + R)


@posted("metrics.f1_score", "question", "parentheses_missing_where_p_is_0")
def _(P, R):
    return 2 * P * R / P + R if P + R else 0.0


@posted("metrics.weighted_error", "question", "divided_by_m")
def _(y, y_hat, w):
    return np.mean(w * (y_hat != y))


@posted("metrics.pick_classifier", "question", "by_arithmetic_mean")
def _(table):
    return max(table, key=lambda row: (row["precision"] + row["recall"]) / 2)["name"]


@posted("metrics.dev_set_size", "question", "rounded_down")
def _(difference, error=0.5):
    return int(8 * error * (1 - error) / difference**2)


@posted("bias_variance.diagnose", "question", "bias_without_bayes")
def _(train_error, dev_error, bayes_error):
    found = []
    if train_error > 0.02:
        found.append("high bias")
    if dev_error - train_error > 0.02:
        found.append("high variance")
    return found


@posted("human_level_performance.avoidable_bias", "question", "absolute_bias")
def _(train_error, bayes_error):
    if bayes_error is None:
        return "undetermined"
    return abs(train_error - bayes_error)


@posted("human_level_performance.variance_gap", "question", "train_minus_dev")
def _(train_error, dev_error):
    return train_error - dev_error


@posted("human_level_performance.bayes_proxy", "question", "mean_of_levels_or_nan")
def _(levels):
    return np.mean([value for value in levels.values() if value is not None])


@posted("human_level_performance.error_analysis_table", "question", "divided_by_ticks")
def _(ticks, names):
    table = {name: float(ticks[:, j].sum() / ticks.sum()) for j, name in enumerate(names)}
    return {**table, "no category": float(1 - ticks.any(axis=1).mean())}


@posted("metrics.satisficing_choice", "question", "empty_text_where_nobody_fits")
def _(table, optimising, limits):
    kept = [r for r in table if all((r[k] <= v for k, v in limits.items()))]
    return sorted(kept, key=lambda r: r[optimising])[-1]["name"] if kept else ""


@posted("human_level_performance.ceiling_gain", "question", "largest_column_only")
def _(ticks, columns, e):
    return float(max((ticks[:, c].mean() for c in columns), default=0) * e)


@posted("data_mismatch.make_splits", "question", "share_rounded_to_nearest")
def _(w, a):
    d = a // 4
    r = a - 2 * d
    x = round(d * r / (w + r))
    return {"train": (w - d + x, r - x), "train-dev": (d - x, x), "dev": (0, d), "test": (0, d)}


@posted("metrics.orthogonal_knob", "own", "bigger_dev_set_for_test", "bigger_network_for_dev", "bigger_network_for_test")
def _(problem):
    gaps = {
        "training": problem["training error"] / problem["wanted error"], "dev": problem["dev error"] / problem["training error"],
        "test": problem["test error"] / problem["dev error"], "real world": problem["real-world error"] / problem["test error"],
    }  # fmt: skip
    first = next((name for name, gap in gaps.items() if gap > 1.02), None if problem["users content"] else "users")
    cures = {
        "training": ("bigger network", "better optimiser"), "dev": ("regularization", "more training data"),
        "test": ("bigger dev set",), "real world": ("other dev set",), "users": ("other metric",),
    }  # fmt: skip
    return {knob: first is not None and knob in cures[first] for knobs in cures.values() for knob in knobs}


@posted("metrics.orthogonal_knob", "own", "bigger_network_for_training")
def _(problem):
    return METRICS.orthogonal_knob(problem | {"wanted error": problem["training error"]})


@posted("metrics.confusion_matrix", "own", "all_negatives_for_tn")
def _(y, y_hat):
    tp = np.sum((y == 1) & (y_hat == 1))
    return np.array([[np.sum(y == 0), np.sum(y_hat == 1) - tp], [np.sum(y == 1) - tp, tp]])


@posted("metrics.confusion_matrix", "own")
def _(y, y_hat):
    right, wrong = np.sum(y == y_hat), np.sum(y != y_hat)
    return np.array([[right, wrong], [wrong, right]])


@posted("metrics.precision", "own", "hits_of_labels_and_answers")
def _(matrix):
    (tn, fp), (fn, tp) = matrix
    return tp / (tp + fp + fn) if tp + fp + fn else 0


@posted("metrics.recall", "own", "precision_for_recall_without_a_test")
def _(matrix):
    (tn, fp), (fn, tp) = matrix
    return tp / (tp + fp)


@posted("metrics.recall", "own", "recall_of_nothing_is_nan")
def _(matrix):
    return matrix[1, 1] / (matrix[1, 1] + matrix[1, 0])


@posted("metrics.specificity", "own", "by_the_column")
def _(matrix):
    (tn, fp), (fn, tp) = matrix
    return tn / (tn + fn)


@posted("metrics.specificity", "own", "one_minus_recall")
def _(matrix):
    return 1 - METRICS.recall(matrix)


@posted("metrics.f1_score", "own", "f2_for_f1")
def _(P, R):
    if P == 0 and R == 0:
        return 0.0
    return 5 * P * R / (4 * P + R)


@posted("metrics.f1_score", "question", "parentheses_missing")
def _(P, R):
    return 2 * P * R / P + R if P else R


@posted("metrics.f1_score", "question", "parentheses_missing_and_stops")
def _(P, R):
    return 2 * P * R / P + R


@posted("metrics.pick_classifier", "own", "by_product")
def _(table):
    return max(table, key=lambda row: row["precision"] * row["recall"])["name"]


@posted("metrics.pick_classifier", "own", "stops_at_a_classifier_without_hits")
def _(table):
    scores = [2 * row["precision"] * row["recall"] / (row["precision"] + row["recall"]) for row in table]
    return table[int(np.argmax(scores))]["name"]


@posted("metrics.pick_classifier", "own", "lowest_f1")
def _(table):
    return sorted(table, key=lambda row: METRICS.f1_score(row["precision"], row["recall"]))[0]["name"]


@posted("metrics.satisficing_choice", "own")
def _(table, optimising, limits):
    kept = [row for row in table if all(row[name] <= limit for name, limit in limits.items())]
    return max(kept, key=lambda row: row[optimising])["name"] if kept else "none"


@posted("metrics.satisficing_choice", "own", "best_first_limits_then")
def _(table, optimising, limits):
    best = max(table, key=lambda row: row[optimising])
    return best["name"] if all(best[name] <= limit for name, limit in limits.items()) else None


@posted("metrics.satisficing_choice", "own", "sum_of_the_limits")
def _(table, optimising, limits):
    kept = [row for row in table if sum(row[name] for name in limits) <= sum(limits.values())]
    return max(kept, key=lambda row: row[optimising])["name"] if kept else None


@posted("metrics.dev_set_size", "own", "rounded_down")
def _(difference, error=0.5):
    return round(8 * error * (1 - error) / difference**2)


@posted("metrics.dev_set_size", "own", "with_1_96_deviations")
def _(difference, error=0.5):
    return math.ceil(2 * 1.96**2 * error * (1 - error) / difference**2)


@posted("metrics.dev_set_size", "own", "one_error_only_and_one_more")
def _(difference, error=0.5):
    return int(4 * error * (1 - error) / difference**2) + 1


@posted("metrics.dev_set_size", "own", "one_standard_deviation_and_one_more")
def _(difference, error=0.5):
    return int(2 * error * (1 - error) / difference**2) + 1


@posted("metrics.weighted_error", "own", "divided_by_right_weights")
def _(y, y_hat, w):
    return np.sum(w[y != y_hat]) / np.sum(w[y == y_hat])


@posted("metrics.weighted_error", "own", "squared_weights")
def _(y, y_hat, w):
    return np.sum(w**2 * (y != y_hat)) / np.sum(w**2)


@posted("metrics.weighted_error", "own", "square_of_the_difference_of_truth_values")
def _(y, y_hat, w):
    return np.sum(w * (y - y_hat) ** 2) / np.sum(w)


@posted("human_level_performance.count_wrong", "own", "stops_at_the_first_open")
def _(answers, labels):
    wrong = answered = 0
    for answer, label in zip(answers, labels[0], strict=True):
        if answer is None:
            break
        answered += 1
        wrong += answer != label
    return int(wrong), answered


@posted("human_level_performance.count_wrong", "own", "answers_moved_up")
def _(answers, labels):
    given = [a for a in answers if a is not None]
    return int(np.sum(np.array(given) != labels[0, : len(given)])), len(given)


@posted("human_level_performance.error_bound", "own", "poisson_for_binomial")
def _(wrong, answered):
    return 1.0 if wrong == answered else float(stats.chi2.ppf(0.95, 2 * (wrong + 1)) / (2 * answered))


@posted("human_level_performance.error_bound", "own")
def _(wrong, answered):
    return 1.0 if not answered else min(1.0, wrong / answered + math.sqrt(math.log(20) / (2 * answered)))


@posted("human_level_performance.error_bound", "own", "chance_of_95")
def _(wrong, answered):
    return 1.0 if wrong == answered else float(stats.beta.ppf(0.05, wrong + 1, answered - wrong))


@posted("human_level_performance.bayes_proxy", "own", "median_of_levels")
def _(levels):
    known = [e for e in levels.values() if e is not None]
    return float(np.median(known)) if known else None


@posted("human_level_performance.bayes_proxy", "own", "mean_of_levels_that_stops")
def _(levels):
    known = [e for e in levels.values() if e is not None]
    return sum(known) / len(known)


@posted("human_level_performance.bayes_proxy", "own", "empty_not_caught")
def _(levels):
    return min(e for e in levels.values() if e is not None)


@posted("human_level_performance.avoidable_bias", "own", "clipped_where_a_proxy_is")
def _(train_error, bayes_error):
    return "undetermined" if bayes_error is None else max(train_error - bayes_error, 0)


@posted("human_level_performance.variance_gap", "own", "gap_clipped")
def _(train_error, dev_error):
    return dev_error - train_error if dev_error >= train_error else 0.0


@posted("human_level_performance.recommend", "own", "negative_bias_compared")
def _(train_error, dev_error, bayes_error):
    bias = train_error - (bayes_error or 0)
    on_bias, on_variance = bias >= dev_error - train_error, bias < dev_error - train_error
    return {
        "bigger network": on_bias, "longer training": on_bias, "better optimizer": on_bias, "architecture search": True,
        "more data": on_variance, "regularization": on_variance, "better proxy": False,
    }  # fmt: skip


@posted("human_level_performance.error_analysis_table", "own", "rows_with_a_tick_only")
def _(ticks, names):
    some = ticks[ticks.any(axis=1)]
    return {**{n: float(some[:, j].mean()) for j, n in enumerate(names)}, "no category": float(1 - ticks.any(axis=1).mean())}


@posted("human_level_performance.error_analysis_table", "own", "rows_with_one_tick_only")
def _(ticks, names):
    alone = ticks & (ticks.sum(axis=1, keepdims=True) == 1)
    return {**{n: float(alone[:, j].mean()) for j, n in enumerate(names)}, "no category": float(1 - ticks.any(axis=1).mean())}


@posted("human_level_performance.ceiling_gain", "own", "shares_added_and_cut")
def _(ticks, columns, dev_error):
    return float(min(1.0, sum(ticks[:, c].mean() for c in columns)) * dev_error)


@posted("human_level_performance.ceiling_gain", "own", "share_of_ticked_rows")
def _(ticks, columns, dev_error):
    return float(ticks[:, columns].any(axis=1).sum() / ticks.any(axis=1).sum() * dev_error)


@posted("data_mismatch.make_splits", "own", "half_each_for_dev_and_test")
def _(n_web, n_app):
    d = n_app // 2
    r = n_app - 2 * d
    x = d * r // (n_web + r)
    return {"train": (n_web - d + x, r - x), "train-dev": (d - x, x), "dev": (0, d), "test": (0, d)}


@posted("data_mismatch.make_splits", "own", "share_rounded_up")
def _(n_web, n_app):
    d = n_app // 4
    r = n_app - 2 * d
    x = math.ceil(d * r / (n_web + r))
    return {"train": (n_web - d + x, r - x), "train-dev": (d - x, x), "dev": (0, d), "test": (0, d)}


@posted("data_mismatch.error_table", "own", "empty_is_perfect")
def _(y, y_hat, from_app, trained_on):
    def one(chosen):
        return float(np.mean(y_hat[chosen] != y[chosen])) if chosen.any() else 0.0

    return {
        "trained on": {"web": one(trained_on & ~from_app), "app": one(trained_on & from_app)},
        "unseen": {"web": one(~trained_on & ~from_app), "app": one(~trained_on & from_app)},
    }


@posted("data_mismatch.mixture_proxy", "own", "all_levels_asked")
def _(counts, levels):
    if None in levels.values():
        return None
    return sum(counts[k] * levels[k] for k in counts) / sum(counts.values())


@posted("data_mismatch.mixture_proxy", "own", "unknown_left_out")
def _(counts, levels):
    return sum(n * (levels[k] or 0) for k, n in counts.items()) / sum(n for k, n in counts.items() if levels[k] is not None)


@posted("data_mismatch.mismatch_report", "own", "undetermined_at_equality")
def _(errors):
    names = ("avoidable bias", "variance", "mismatch", "over-fitting of dev")
    e = [errors[k] for k in ("proxy", "train", "train-dev", "dev", "test")]
    report = {names[0]: e[1] - e[0] if e[0] is not None and e[1] > e[0] else "undetermined"}
    report |= {n: e[i + 1] - e[i] for i, n in enumerate(names) if i}
    known = [n for n in names if report[n] != "undetermined"]
    return report | {"largest": max(known, key=report.get)}


@posted("data_mismatch.mismatch_report", "own", "none_is_the_largest")
def _(errors):
    report = MISMATCH.mismatch_report(errors)
    known = {k: v for k, v in report.items() if k != "largest" and v != "undetermined"}
    return report | {"largest": max(known, key=known.get) if max(known.values()) > 0 else "none"}


@posted("data_mismatch.fill_frame", "own", "slip: transposed")
def _(image):
    out = MISMATCH.fill_frame(image)
    return out.T


@posted("data_mismatch.eyeball_and_blackbox", "own", "rounded_to_nearest")
def _(m_dev, error, wanted):
    eyeball = round(wanted / error) if error else m_dev
    return min(eyeball, m_dev), m_dev - min(eyeball, m_dev)


@posted("data_mismatch.eyeball_and_blackbox", "own", "blackbox_cut_alone")
def _(m_dev, error, wanted):
    eyeball = math.ceil(wanted / error) if error else m_dev
    return eyeball, max(0, m_dev - eyeball)


@posted("data_mismatch.offer_effects", "own")
def _(rows, offer):
    base = next(row for row in rows if not row["bought"])["errors"] if any(not r["bought"] for r in rows) else rows[0]["errors"]
    with_it = [row["errors"] for row in rows if offer in row["bought"]]
    e = {k: float(np.mean([one[k] - base[k] for one in with_it])) for k in ("train", "train-dev", "dev", "blackbox")}
    return {
        "train": e["train"], "variance": e["train-dev"] - e["train"], "mismatch": e["dev"] - e["train-dev"],
        "over-fitting of dev": e["blackbox"] - e["dev"], "blackbox": e["blackbox"],
    }  # fmt: skip


@posted("data_mismatch.project_plan", "own", "without_budget")
def _(errors, prices, budget):
    return MISMATCH.project_plan(errors, prices, sum(prices.values()))


@posted("data_mismatch.project_plan", "own", "no_proxy_taken_for_zero")
def _(errors, prices, budget):
    return MISMATCH.project_plan(errors | {"proxy": errors["proxy"] or 0.0}, prices, budget)


@posted("data_mismatch.synthesize", "own", "labels_tiled")
def _(images, Y, slants):
    X, labels = MISMATCH.synthesize(images, Y, slants)
    return X, np.tile(Y, len(slants))


@posted("metrics.confusion_matrix", "question", "labels_as_indices")
def _(y, y_hat):
    table = np.zeros((2, 2))
    for i in range(y.shape[1]):
        table[y[0, i], y_hat[0, i]] += 1
    return table


# --- right answers ---------------------------------------------------------------------------------------------------


@right("metrics.confusion_matrix")
def _(y, y_hat):
    table = [[0, 0], [0, 0]]
    for truth, said in zip(np.ravel(y), np.ravel(y_hat), strict=True):
        table[int(truth)][int(said)] += 1
    return table


@right("metrics.precision")
def _(matrix):
    tp, fp = matrix[1][1], matrix[0][1]
    try:
        return float(tp) / float(tp + fp)
    except ZeroDivisionError:
        return 0


@right("metrics.recall")
def _(matrix):
    tp, fn = matrix[1, 1], matrix[1, 0]
    return tp / (tp + fn) if (tp + fn) != 0 else 0


@right("metrics.f1_score")
def _(P, R):
    if P + R == 0:
        return 0
    return 2 * (P * R) / (P + R)


@right("metrics.weighted_error")
def _(y, y_hat, w):
    return np.average(np.ravel(y != y_hat), weights=np.ravel(w))


@right("metrics.pick_classifier")
def _(table):
    scores = [2 * r["precision"] * r["recall"] / (r["precision"] + r["recall"] or 1) for r in table]
    return np.array([row["name"] for row in table])[int(np.argmax(scores))]


@right("human_level_performance.variance_gap")
def _(train_error, dev_error):
    return np.float64(dev_error) - np.float64(train_error)


@right("human_level_performance.bayes_proxy")
def _(levels):
    known = [value for value in levels.values() if value is not None]
    return min(known) if len(known) > 0 else None


@right("human_level_performance.count_wrong")
def _(answers, labels):
    pairs = [(a, labels[0, i]) for i, a in enumerate(answers) if a is not None]
    return np.array([sum(a != b for a, b in pairs), len(pairs)])


@right("data_mismatch.mismatch_report")
def _(errors):
    out = {
        "variance": errors["train-dev"] - errors["train"], "mismatch": errors["dev"] - errors["train-dev"],
        "over-fitting of dev": errors["test"] - errors["dev"],
    }  # fmt: skip
    if errors["proxy"] is not None and errors["train"] >= errors["proxy"]:
        out["avoidable bias"] = errors["train"] - errors["proxy"]
    names = np.array(list(out))
    largest = names[np.argmax(list(out.values()))]
    return {"avoidable bias": "undetermined"} | out | {"largest": largest}


@right("metrics.orthogonal_knob", "own")
def _(problem):
    e = [problem[k] for k in ("wanted error", "training error", "dev error", "test error", "real-world error")]
    table = [
        ["bigger network", "better optimiser"], ["regularization", "more training data"], ["bigger dev set"], ["other dev set"],
        ["other metric"],
    ]  # fmt: skip
    broken = [b - a > 0.02 for a, b in zip(e, e[1:], strict=False)] + [not problem["users content"]]
    first = broken.index(True) if any(broken) else None
    return {knob: i == first for i, knobs in enumerate(table) for knob in knobs}


@right("metrics.specificity", "own")
def _(matrix):
    return METRICS.recall(np.asarray(matrix)[::-1, ::-1])


@right("metrics.f1_score", "own")
def _(P, R):
    return 0 if not (P and R) else 1 / np.mean([1 / P, 1 / R])


@right("metrics.satisficing_choice", "own")
def _(table, optimising, limits):
    rows = sorted(table, key=lambda r: -r[optimising])
    return next((r["name"] for r in rows if not [k for k in limits if r[k] > limits[k]]), None)


@right("metrics.dev_set_size", "own")
def _(difference, error=0.5):
    m = 8 * error * (1 - error) / difference**2
    return int(m) if m == int(m) else int(m) + 1


@right("metrics.weighted_error", "own")
def _(y, y_hat, w):
    return 1 - np.einsum("ij,ij->", w, (y == y_hat) * 1.0) / w.sum()


@right("human_level_performance.error_bound", "own")
def _(wrong, answered):
    if answered == wrong:
        return 1
    low, high = 0.0, 1.0
    for _ in range(60):
        e = (low + high) / 2
        tail = sum(math.comb(answered, k) * e**k * (1 - e) ** (answered - k) for k in range(wrong + 1))
        low, high = (e, high) if tail > 0.05 else (low, e)
    return low


@right("human_level_performance.avoidable_bias", "own")
def _(train_error, bayes_error):
    return train_error - bayes_error if bayes_error is not None and train_error >= bayes_error else "undetermined"


@right("human_level_performance.error_analysis_table", "own")
def _(ticks, names):
    shares = np.append(ticks.mean(0), np.mean(~ticks.any(1)))
    return dict(zip([*names, "no category"], shares, strict=True))


@right("human_level_performance.ceiling_gain", "own")
def _(ticks, columns, dev_error):
    return dev_error * np.mean(ticks[:, columns].sum(axis=1) > 0)


@right("data_mismatch.mixture_proxy", "own")
def _(counts, levels):
    names = [k for k in counts if counts[k] > 0]
    if any(levels[k] is None for k in names):
        return None
    return np.average([levels[k] for k in names], weights=[counts[k] for k in names])


@right("data_mismatch.make_splits", "own")
def _(n_web, n_app):
    d = int(n_app / 4)
    r = n_app - d - d
    x = int(np.floor(d * (r / (n_web + r)) + 1e-9))
    return {"test": [0, d], "dev": [0, d], "train-dev": [d - x, x], "train": [n_web - (d - x), r - x]}


@right("data_mismatch.eyeball_and_blackbox", "own")
def _(m_dev, error, wanted):
    eyeball = m_dev if error * m_dev <= wanted else -int(-wanted // error)
    return np.array([eyeball, m_dev - eyeball])


@right("data_mismatch.error_table", "own")
def _(y, y_hat, from_app, trained_on):
    table = {"trained on": {}, "unseen": {}}
    for i, row in ((True, "trained on"), (False, "unseen")):
        for j, source in ((False, "web"), (True, "app")):
            wrong = (y != y_hat)[(trained_on == i) & (from_app == j)]
            table[row][source] = wrong.mean() if len(wrong) else None
    return table
