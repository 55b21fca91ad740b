"""Course 3: answers in the words of learners."""

import numpy as np

from . import posted, right

# --- mistakes --------------------------------------------------------------------------------------------------------


@posted("metrics.confusion_matrix", "question", "diagonal_swapped")
def _(y, y_hat):
    return np.array([[np.sum((y == 1) & (y_hat == 1)), np.sum((y == 0) & (y_hat == 1))],
                     [np.sum((y == 1) & (y_hat == 0)), np.sum((y == 0) & (y_hat == 0))]])  # fmt: skip


@posted("metrics.confusion_matrix", "question", "transposed")
def _(y, y_hat):
    return np.array([[np.sum((y_hat == a) & (y == b)) for b in (0, 1)] for a in (0, 1)])


@posted("metrics.precision", "question")
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


@posted("human_level_performance.bayes_proxy", "question")
def _(levels):
    return np.mean([value for value in levels.values() if value is not None])


@posted("human_level_performance.error_analysis_table", "question", "divided_by_ticks")
def _(ticks, names):
    table = {name: float(ticks[:, j].sum() / ticks.sum()) for j, name in enumerate(names)}
    return {**table, "no category": float(1 - ticks.any(axis=1).mean())}


@posted("metrics.satisficing_choice", "question")
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
    proxy, rest = errors["proxy"], [errors[name] for name in ("train", "train-dev", "dev", "test")]
    names = np.array(["variance", "mismatch", "over-fitting of dev"])
    gaps = np.diff(rest)
    if proxy is not None and rest[0] >= proxy:
        names, gaps = np.append(names, "avoidable bias"), np.append(gaps, rest[0] - proxy)
    return {"avoidable bias": "undetermined"} | dict(zip(names, gaps, strict=True)) | {"largest": names[np.argmax(gaps)]}
