"""Lesson 3.2, human-level performance: the catalogue of its eight exercises. Equations are those of the notebook."""

import math

import numpy as np
from scipy import optimize, stats

from helpers.exercises import Lesson, case

lesson = Lesson("human_level_performance")

# --- predictions -----------------------------------------------------------------------------------------------------

lesson.predict(
    "none_of_fifty",
    "You label 50 digits, and none of your answers is wrong. Which of these true errors still fit that?",
    ("up to about 0.1 %", "up to about 2 %", "up to about 6 %"),
    "Whoever errs on one digit of 20 is right 50 times in a row in one case of 13.",
)
lesson.predict(
    "thirty_ones",
    "A quarter of the errors are 1s. You add 30 more 1s to the 100 training digits. What happens to the dev error of 0.09?",
    ("it falls by about a quarter", "it falls by less than 0.01 or rises", "it falls by more than a quarter"),
    "Nearly all wrong 1s are cured, but the network now expects a 1 more often, and other digits become wrong.",
)
lesson.predict(
    "shuffled",
    "One number tells faces from background with 2 % errors: the mean difference of neighbouring pixels. What does it call "
    "faces whose pixels are shuffled?",
    ("nearly always a face", "a face in half of the cases", "hardly ever a face"),
    "Shuffled pixels differ from their neighbours even more than those of a face.",
)


# --- count_wrong ------------------------------------------------------------------------------------------------------


def answer_cases(rng):
    def one(m, wrong, left_open):
        """Zeros are among the labels, the right answers and the wrong ones; gaps stand anywhere."""
        labels = rng.permutation(np.arange(m) % 10)
        answers = [int(label) for label in labels]
        places = rng.permutation(m)
        for i in places[:wrong]:
            answers[i] = int((labels[i] + rng.integers(1, 10)) % 10) if labels[i] == 0 else 0
        for i in places[wrong : wrong + left_open]:
            answers[i] = None
        return case(answers=answers, labels=labels[None, :])

    some, more, few = (int(number) for number in rng.permutation(np.arange(3, 12))[:3])
    return [
        one(int(rng.integers(22, 32)), some, more), one(int(rng.integers(12, 24)), few, 0),
        one(int(rng.integers(30, 44)), more, few), one(12, 0, 0),
        one(int(rng.integers(18, 26)), int(rng.integers(12, 15)), 3), one(11, 0, 11), one(1, 1, 0),
    ]  # fmt: skip


@lesson.exercise(
    points=1,
    topic=33,
    equation="(2.4)",
    returns=("number of wrong", "number of answered"),
    cases=answer_cases,
    ask="Which answers count as given, and is 0 one of them? Which of the given ones are wrong?",
    small={"answers": [0, None, 7, 1], "labels": np.array([[0, 5, 1, 1]])},
)
def count_wrong(answers, labels):
    """Return how many answers are wrong and how many were given.

    Parameters
    ----------
    answers : list of int or None
        One per example; None where nobody has answered.
    labels : ndarray, shape (1, m)

    Returns
    -------
    wrong, answered : int
    """
    wrong = answered = 0
    for i, answer in enumerate(answers):
        if answer is not None:
            answered += 1
            wrong += int(answer != labels[0, i])  # (2.4)
    return wrong, answered


@count_wrong.mistake(
    "The digit 0 is counted as no answer: `if answer` is False for 0, too. Ask `if answer is not None`."
)
def zero_taken_for_open(answers, labels):
    given = [(answer, label) for answer, label in zip(answers, labels[0], strict=True) if answer]
    return sum(answer != label for answer, label in given), len(given)


@count_wrong.mistake(
    "An open place is counted as a wrong answer. Nobody has answered there: it belongs to neither number."
)
def open_is_wrong(answers, labels):
    return sum(answer != label for answer, label in zip(answers, labels[0], strict=True)), len(answers)


@count_wrong.mistake(
    "Open places are counted among the wrong answers, though not among those given. Leave them out of both."
)
def open_wrong_but_not_answered(answers, labels):
    wrong, _ = open_is_wrong(answers, labels)
    return wrong, count_wrong(answers, labels)[1]


@count_wrong.mistake("The second number is that of all examples. It counts the answers: places with None do not count.")
def all_counted_as_answered(answers, labels):
    return count_wrong(answers, labels)[0], len(answers)


@count_wrong.mistake("The first number counts the right answers. Count the wrong ones: `answer != label`.")
def right_counted(answers, labels):
    wrong, answered = count_wrong(answers, labels)
    return answered - wrong, answered


@count_wrong.mistake("The order is wrong answers first, then all that were given.")
def numbers_swapped(answers, labels):
    return count_wrong(answers, labels)[::-1]


@count_wrong.mistake(
    "You return the error. Return the two counts: 0 of 5 and 0 of 500 are both 0, and mean different things."
)
def error_returned(answers, labels):
    wrong, answered = count_wrong(answers, labels)
    return wrong / answered if answered else None


@count_wrong.mistake("Return both numbers, wrong and answered, as a pair.")
def only_the_wrong(answers, labels):
    return count_wrong(answers, labels)[0]


@count_wrong.mistake(
    "Each answer is compared with the whole row of labels. `labels` has the shape (1, m): its row is `labels[0]`."
)
def row_of_labels_at_once(answers, labels):
    given = [answer for answer in answers if answer is not None]
    return sum(bool(np.any(answer != labels)) for answer in given), len(given)


@count_wrong.mistake(
    "The second number counts the open places. Count those where the answer is something else than None."
)
def open_counted(answers, labels):
    return count_wrong(answers, labels)[0], answers.count(None)


@count_wrong.mistake(
    "The answers slide to other labels: you drop the open places from `answers` alone, and the rest moves up. "
    "Drop answer and label together."
)
def answers_moved_up(answers, labels):
    given = [answer for answer in answers if answer is not None]
    return sum(answer != label for answer, label in zip(given, labels[0], strict=False)), len(given)


@count_wrong.mistake(
    "The second number is right. For the first, wrong answers of 0 are left out: `if answer` is False for 0, too. "
    "Ask `if answer is not None`."
)
def wrong_zeros_left_out(answers, labels):
    wrong = sum(answer != label for answer, label in zip(answers, labels[0], strict=True) if answer)
    return wrong, count_wrong(answers, labels)[1]


@count_wrong.mistake(
    "You stop at the first open place. Those behind it count, too: go on with `continue`, not `break`."
)
def stops_at_the_first_open(answers, labels):
    given = answers[: answers.index(None)] if None in answers else answers
    return sum(int(a != b) for a, b in zip(given, labels[0], strict=False)), len(given)


@count_wrong.accept
def pairs_that_are_given(answers, labels):
    given = [(answer, label) for answer, label in zip(answers, labels[0], strict=True) if answer is not None]
    return sum(answer != label for answer, label in given), len(given)


@count_wrong.accept
def with_masks(answers, labels):
    given = np.array([answer is not None for answer in answers])
    filled = np.array([-1 if answer is None else answer for answer in answers])
    return [int(np.sum(given & (filled != labels[0]))), int(given.sum())]


@count_wrong.accept("Open places become nan, and what is nan is not counted.")
def with_nan(answers, labels):
    values = np.array(answers, dtype=float)
    answered = np.count_nonzero(~np.isnan(values))
    return answered - np.count_nonzero(values == labels[0]), answered


# --- error_bound ------------------------------------------------------------------------------------------------------


def count_cases(rng):
    return [
        case(wrong=0, answered=50),
        case(wrong=0, answered=int(rng.integers(5, 30))),
        case(wrong=int(rng.integers(2, 5)), answered=int(rng.integers(45, 60))),
        case(wrong=int(rng.integers(6, 9)), answered=int(rng.integers(10, 16))),
        case(wrong=int(rng.integers(20, 30)), answered=int(rng.integers(600, 900))),
        case(wrong=1, answered=2),
        case(wrong=3, answered=3),
        case(wrong=0, answered=0),
    ]


@lesson.exercise(
    points=2,
    topic=33,
    equation="(2.6)",
    cases=count_cases,
    rtol=1e-4,
    ask="Which probability must be 0.05 at the error that you look for, and for which counts does no error reach it?",
    small={"wrong": 1, "answered": 10},
)
def error_bound(wrong, answered):
    """Return the largest error that still fits the counts.

    Parameters
    ----------
    wrong, answered : int
        From `count_wrong`.

    Returns
    -------
    e : float
        With this error, so few wrong answers have the probability 0.05. It is 1 if all answers are wrong, or none was
        given.
    """
    if wrong == answered:
        return 1.0
    return optimize.brentq(lambda e: stats.binom.cdf(wrong, answered, e) - 0.05, 0, 1)  # (2.6)


def solved(wrong, answered, chance=0.05):
    """Return the error with which at most `wrong` of `answered` are wrong with this probability."""
    return 1.0 if wrong >= answered else float(stats.beta.ppf(1 - chance, wrong + 1, answered - wrong))


@error_bound.mistake(
    "Your error comes from a grid of thousandths. Search between its points: `optimize.brentq` finds the place where "
    "the probability is 0.05."
)
def error_from_a_grid(wrong, answered):
    if wrong == answered:
        return 1.0
    grid = np.linspace(0, 1, 1001)
    return float(grid[stats.binom.cdf(wrong, answered, grid) >= 0.05][-1])


@error_bound.mistake(
    "You return the measured error itself. The true error may well be larger: with 0 wrong of 50, so may 5 %."
)
def measured_error(wrong, answered):
    return wrong / answered if answered else 1.0


@error_bound.mistake(
    "You add a multiple of the standard deviation. With 0 wrong it is 0, so the bound would be 0 as well. "
    "Solve (2.6) instead."
)
def normal_approximation(wrong, answered):
    if wrong == answered:
        return 1.0
    e = wrong / answered
    return e + 1.96 * np.sqrt(e * (1 - e) / answered)


@error_bound.mistake(
    "You add 1.645 standard deviations. With 0 wrong they are 0, so the bound would be 0 as well. Solve (2.6) instead."
)
def one_sided_normal_approximation(wrong, answered):
    if wrong == answered:
        return 1.0
    e = wrong / answered
    return e + 1.645 * np.sqrt(e * (1 - e) / answered)


@error_bound.mistake("(2.5) is for 0 wrong answers. Here `wrong` may be larger: sum over 0, 1, ..., wrong as in (2.6).")
def as_if_none_were_wrong(wrong, answered):
    return 1.0 if wrong == answered else 1 - 0.05 ** (1 / answered)


@error_bound.mistake(
    "The rule of three, 3/m, is an approximation for 0 wrong answers and large m. Solve (2.6): it holds for all."
)
def rule_of_three(wrong, answered):
    return 1.0 if wrong == answered else (wrong + 3) / answered


@error_bound.mistake(
    "You solve for the probability of *exactly* `wrong` wrong answers (`pmf`). Fewer fit as well: "
    "add up 0, 1, ..., wrong, as `cdf` does."
)
def exactly_so_many(wrong, answered):
    if wrong == answered:
        return 1.0
    return optimize.brentq(lambda e: stats.binom.pmf(wrong, answered, e) - 0.05, wrong / answered, 1)


@error_bound.mistake("Your sum ends before `wrong`. (2.6) has the term k = wrong, too: `range(wrong + 1)`.")
def one_term_short(wrong, answered):
    if wrong == answered:
        return 1.0
    return solved(wrong - 1, answered) if wrong else 0.0


@error_bound.mistake("You solve for the probability 0.95. Few wrong answers must be *improbable*: 0.05.")
def chance_of_95(wrong, answered):
    return solved(wrong, answered, 0.95)


@error_bound.mistake("You solve for the probability 0.025, as for an interval with two ends. The bound has one: 0.05.")
def two_sided(wrong, answered):
    return solved(wrong, answered, 0.025)


@error_bound.mistake("This is the share of right answers. The error is 1 minus it.")
def accuracy_instead(wrong, answered):
    return 1 - solved(wrong, answered) if wrong != answered else 1.0


@error_bound.mistake("The error is a share from 0 to 1, not percent.")
def bound_in_percent(wrong, answered):
    return 100 * solved(wrong, answered)


@error_bound.mistake(
    "Where all answers are wrong, or none was given, every error up to 1 fits: return 1 before you solve."
)
def no_special_case(wrong, answered):
    if wrong == answered:
        return float("nan")
    return solved(wrong, answered)


@error_bound.mistake("Where nothing was answered, nothing is known: the largest error that fits is 1, not 0.")
def zero_without_answers(wrong, answered):
    return solved(wrong, answered) if answered else 0.0


@error_bound.mistake(
    "(2.6) has no solution where all answers are wrong or none was given: every error fits there. Return 1 for "
    "`wrong == answered` before you search."
)
def searched_where_every_error_fits(wrong, answered):
    return optimize.brentq(lambda e: stats.binom.cdf(wrong, answered, e) - 0.05, 0, 1)


@error_bound.mistake(
    "You catch 0 answers. Where all answers are *wrong*, every error fits, too: return 1 for `wrong == answered`."
)
def only_no_answers_caught(wrong, answered):
    return searched_where_every_error_fits(wrong, answered) if answered else 1.0


@error_bound.mistake(
    "(2.5) is for 0 wrong answers. Here `wrong` may be larger: solve (2.6). And return 1 for `wrong == answered` "
    "first, before you divide by `answered`."
)
def as_if_none_were_wrong_for_all(wrong, answered):
    return 1 - 0.05 ** (1 / answered)


@error_bound.mistake(
    "You return the measured error itself. The true error may well be larger: solve (2.6). And without an answer "
    "there is nothing to divide by: return 1 for `wrong == answered`."
)
def measured_error_for_all(wrong, answered):
    return wrong / answered


@error_bound.mistake(
    "This is the bound for a Poisson distribution. With so few answers the number of wrong ones is binomial: solve (2.6)."
)
def poisson_for_binomial(wrong, answered):
    return 1.0 if wrong == answered else float(stats.chi2.ppf(0.95, 2 * (wrong + 1)) / (2 * answered))


@error_bound.accept("The sum (2.6) is one minus the distribution of a beta, whose quantile SciPy has.")
def through_beta(wrong, answered):
    return stats.beta.ppf(0.95, wrong + 1, answered - wrong) if answered > wrong else 1


@error_bound.accept
def by_halving(wrong, answered):
    if answered == wrong:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(40):
        e = (low + high) / 2
        chance = sum(math.comb(answered, k) * e**k * (1 - e) ** (answered - k) for k in range(wrong + 1))
        low, high = (e, high) if chance > 0.05 else (low, e)
    return e


@error_bound.accept
def from_a_fine_grid(wrong, answered):
    e = np.linspace(0, 1, 1_000_001)
    fits = stats.binom.cdf(wrong, answered, e) >= 0.05
    return e[fits].max()


# --- bayes_proxy ------------------------------------------------------------------------------------------------------


def level_cases(rng):
    def draw(low, high):
        return float(rng.uniform(low, high))

    return [
        case(levels={"one human": draw(0.009, 0.012), "team of humans": draw(0.004, 0.006)}),
        case(
            levels={
                "typical person": draw(0.025, 0.035), "specialist": draw(0.009, 0.012),
                "team of specialists": draw(0.004, 0.005), "experienced specialist": draw(0.006, 0.008),
            }
        ),
        case(levels={"you": None, "a friend": draw(0.03, 0.05), "nearest neighbour": draw(0.01, 0.014)}),
        case(levels={"you": draw(0.01, 0.02), "a friend": draw(0.05, 0.09), "an expert": None}),
        case(levels={"a friend": draw(0.01, 0.02), "you": 0.0}),
        case(levels={"only one": draw(0.1, 0.2)}),
        case(levels={"you": None, "a friend": None}),
        case(levels={}),
    ]  # fmt: skip


@lesson.exercise(
    points=1,
    topic=33,
    equation="(2.3)",
    cases=level_cases,
    ask="Which of the levels have been measured? What is there to return if none has?",
    small={"levels": {"team": 0.005, "one human": 0.01, "specialist": None}},
)
def bayes_proxy(levels):
    """Return the proxy for the Bayes error.

    Parameters
    ----------
    levels : dict
        ``{name: error}`` of all who have done the task on examples that were new to them; None for one who has not
        been measured.

    Returns
    -------
    proxy : float or None
        The smallest error; None if nobody has been measured.
    """
    proxy = None
    for error in levels.values():
        if error is not None and (proxy is None or error < proxy):
            proxy = error  # (2.3)
    return proxy


def measured_of(levels):
    """Return the errors that are there."""
    return [error for error in levels.values() if error is not None]


@bayes_proxy.mistake(
    "The largest error is the loosest bound. The Bayes error is below *each* level, so take the smallest."
)
def largest(levels):
    return max(measured_of(levels), default=None)


@bayes_proxy.mistake(
    "The mean of the levels is above the best one, and the best one shows already that less is possible. "
    "Take the smallest."
)
def mean_of_levels(levels):
    return float(np.mean(measured_of(levels))) if measured_of(levels) else None


@bayes_proxy.mistake("You take the level that stands first. Their order means nothing: take the smallest error.")
def first_level(levels):
    return next(iter(measured_of(levels)), None)


@bayes_proxy.mistake("You take the level that stands last. Their order means nothing: take the smallest error.")
def last_level(levels):
    return next(reversed(measured_of(levels)), None)


@bayes_proxy.mistake("You return the name of the best level. Return its error: `min(levels.values())` compares errors.")
def name_of_the_best(levels):
    named = {name: error for name, error in levels.items() if error is not None}
    return min(named, key=named.get) if named else None


@bayes_proxy.mistake("`min(levels)` compares the names. Compare the errors: `levels.values()`.")
def first_name(levels):
    return min(levels, default=None)


@bayes_proxy.mistake("None is taken for the error 0. It means that nobody has measured: leave it out.")
def none_taken_for_zero(levels):
    return min((error or 0.0 for error in levels.values()), default=None)


@bayes_proxy.mistake(
    "An error of 0 is left out: `if error` is False for 0, too. Ask `if error is not None`. "
    "(How far one can trust a 0 is the matter of (2.6).)"
)
def zero_left_out(levels):
    return min((error for error in levels.values() if error), default=None)


@bayes_proxy.mistake(
    "Without any measured level nothing is known. Return None, not 0: nobody has shown that 0 is possible."
)
def zero_if_nobody(levels):
    return min(measured_of(levels), default=0.0)


@bayes_proxy.mistake("Without any measured level nothing is known. Return None, not 1.")
def one_if_nobody(levels):
    return min(measured_of(levels), default=1.0)


@bayes_proxy.mistake("This is 1 minus the error, the share of right answers. The proxy is an error.")
def accuracy(levels):
    return 1 - min(measured_of(levels)) if measured_of(levels) else None


@bayes_proxy.mistake("You return the best level as a dict. Return its error alone, a number.")
def dict_returned(levels):
    named = {name: error for name, error in levels.items() if error is not None}
    return {min(named, key=named.get): min(named.values())} if named else None


@bayes_proxy.mistake(
    "You always return 0.005, the team of section 1. Take the smallest of the levels that the function is given."
)
def always_the_team_of_section_1(levels):
    return 0.005


@bayes_proxy.mistake(
    "None cannot be compared with a number. Leave out the levels that are None, then take the smallest."
)
def none_compared(levels):
    return min(levels.values())


@bayes_proxy.mistake("`min` of an empty list is an exception. If nobody has been measured, return None.")
def empty_not_caught(levels):
    return min(error for error in levels.values() if error is not None)


@bayes_proxy.mistake(
    "This is the mean of the levels, and of none it is nan. The best level shows already that less is possible: take the "
    "smallest, and return None where nobody has been measured."
)
def mean_of_levels_or_nan(levels):
    with np.errstate(all="ignore"):
        return np.mean(measured_of(levels)) if measured_of(levels) else np.nan


@bayes_proxy.mistake(
    "This is the mean of the levels, and it stops where nobody has been measured. The best level shows already that less is "
    "possible: take the smallest, and return None where there is none."
)
def mean_of_levels_that_stops(levels):
    known = measured_of(levels)
    return sum(known) / len(known)


@bayes_proxy.mistake(
    "This is the median of the levels. The best one shows already that less is possible: take the smallest."
)
def median_of_levels(levels):
    return float(np.median(measured_of(levels))) if measured_of(levels) else None


@bayes_proxy.accept
def smallest(levels):
    return min((error for error in levels.values() if error is not None), default=None)


@bayes_proxy.accept("The measured errors are sorted, and the first one is taken.")
def sorted_errors(levels):
    errors = sorted(levels[name] for name in levels if levels[name] is not None)
    return errors[0] if len(errors) else None


@bayes_proxy.accept
def with_infinity(levels):
    best = min([np.inf if error is None else error for error in levels.values()] + [np.inf])
    return None if best == np.inf else best


# --- avoidable_bias ---------------------------------------------------------------------------------------------------


def bias_cases(rng):
    def one(bayes, bias):
        bayes, bias = float(bayes + rng.uniform(-0.001, 0.001)), float(bias * rng.uniform(0.8, 1.2))
        return case(train_error=bayes + bias, bayes_error=bayes)

    return [
        one(0.02, 0.06), one(0.12, 0.003), one(0.3, 0.15), one(0.03, -0.02), one(0.08, -0.003),
        case(train_error=0.0625, bayes_error=0.0625),
        case(train_error=float(rng.uniform(0.02, 0.05)), bayes_error=0.0),
        case(train_error=float(rng.uniform(0.02, 0.05)), bayes_error=None),
        case(train_error=0.0, bayes_error=None),
    ]  # fmt: skip


@lesson.exercise(
    points=2,
    topic=33,
    equation="(2.8)",
    cases=bias_cases,
    ask="In which two cases is there no number to return? What if both errors are equal?",
    small={"train_error": 0.08, "bayes_error": 0.02},
    why={
        "question": "Why not return 0 where training beats the proxy?",
        "where": "undetermined",
        "choices": {
            "the Bayes error may lie far below the proxy": "Yes: then much can be avoided, and nobody has measured how much.",
            "0 is no error": "No: an error of 0 is possible. What would a bias of 0 say?",
            "the gap would be negative": "No: 0 is not negative. But would it be known?",
        },
    },
)
def avoidable_bias(train_error, bayes_error):
    """Return the part of the training error that could be avoided.

    Parameters
    ----------
    train_error : float
    bayes_error : float or None
        The proxy, from `bayes_proxy`.

    Returns
    -------
    bias : float or str
        "undetermined" where training beats the proxy, or where there is none.
    """
    if bayes_error is None or train_error < bayes_error:
        return "undetermined"
    return train_error - bayes_error  # (2.8)


def bias_or(word, train_error, bayes_error):
    """Return the difference, or `word` where it is undetermined."""
    gap = avoidable_bias.reference(train_error, bayes_error)
    return word if gap == "undetermined" else gap


@avoidable_bias.mistake(
    "Where training beats the proxy, you return a negative bias. An error cannot be avoided by less than nothing: "
    'the proxy is no bound there. Return "undetermined".'
)
def negative_bias(train_error, bayes_error):
    return "undetermined" if bayes_error is None else train_error - bayes_error


@avoidable_bias.mistake(
    "Where training beats the proxy, you return 0, which says that nothing can be avoided. Nobody knows: the Bayes "
    'error may lie far below. Return "undetermined".'
)
def clipped_at_zero(train_error, bayes_error):
    return bias_or(0.0, train_error, bayes_error)


@avoidable_bias.mistake(
    "You take the size of the gap without its sign, so a network that beats the proxy seems to have a bias. "
    'Return "undetermined" there.'
)
def absolute_bias(train_error, bayes_error):
    return "undetermined" if bayes_error is None else abs(train_error - bayes_error)


@avoidable_bias.mistake(
    "Your difference is turned round, or so is your comparison. The bias is train − proxy, and it is undetermined "
    "where train is the *smaller* one."
)
def turned_round(train_error, bayes_error):
    if bayes_error is None or train_error > bayes_error:
        return "undetermined"
    return bayes_error - train_error


@avoidable_bias.mistake("The sign is turned: the bias is train − proxy (2.8), the larger one first.")
def sign_turned(train_error, bayes_error):
    gap = bias_or("undetermined", train_error, bayes_error)
    return gap if gap == "undetermined" else -gap


@avoidable_bias.mistake(
    "Your bias is the whole training error. The part below the proxy cannot be avoided, as far as anyone has shown: "
    "subtract it."
)
def whole_training_error(train_error, bayes_error):
    return "undetermined" if avoidable_bias.reference(train_error, bayes_error) == "undetermined" else train_error


@avoidable_bias.mistake(
    'Training that is *equal* to the proxy does not beat it: the bias is 0 then. Use `<`, not `<=`, for "undetermined".'
)
def equal_is_undetermined(train_error, bayes_error):
    if bayes_error is None or train_error <= bayes_error:
        return "undetermined"
    return train_error - bayes_error


@avoidable_bias.mistake(
    'Without a proxy (None) nothing is known about the bias. Return "undetermined"; 0 in its place would claim that '
    "all of the training error can be avoided."
)
def none_taken_for_zero_bayes(train_error, bayes_error):
    return bias_or("undetermined", train_error, bayes_error or 0.0)


@avoidable_bias.mistake(
    "A proxy of 0 is a number, not a missing one: `if not bayes_error` is true for both. Ask `bayes_error is None`."
)
def zero_bayes_taken_for_none(train_error, bayes_error):
    return bias_or("undetermined", train_error, bayes_error or None)


@avoidable_bias.mistake(
    'Return the text "undetermined", not None: a function that forgets its `return` gives None, too.'
)
def none_instead_of_the_word(train_error, bayes_error):
    return bias_or(None, train_error, bayes_error)


@avoidable_bias.mistake('Return the text "undetermined", in small letters.')
def another_word(train_error, bayes_error):
    return bias_or("Undetermined", train_error, bayes_error)


@avoidable_bias.mistake("The errors are shares from 0 to 1, and so is the bias: do not multiply by 100.")
def bias_in_percent(train_error, bayes_error):
    gap = bias_or("undetermined", train_error, bayes_error)
    return gap if gap == "undetermined" else 100 * gap


@avoidable_bias.mistake("This is a quotient. The bias is the difference train − proxy (2.8).")
def quotient(train_error, bayes_error):
    if bayes_error is None or train_error < bayes_error:
        return "undetermined"
    return train_error / bayes_error if bayes_error else 1.0


@avoidable_bias.mistake(
    "None cannot be subtracted, and where training beats the proxy the difference is negative. Ask for both first, and "
    'return "undetermined" there.'
)
def bare_difference(train_error, bayes_error):
    return train_error - bayes_error


@avoidable_bias.mistake(
    "None cannot be compared with a number. Ask `bayes_error is None or train_error < bayes_error`, in this order."
)
def none_not_caught(train_error, bayes_error):
    return "undetermined" if train_error < bayes_error else train_error - bayes_error


@avoidable_bias.mistake(
    "Where training beats the proxy, you return 0, which says that nothing can be avoided. Nobody knows: return "
    '"undetermined" there, too, as you do without a proxy.'
)
def clipped_where_a_proxy_is(train_error, bayes_error):
    return "undetermined" if bayes_error is None else max(train_error - bayes_error, 0.0)


@avoidable_bias.accept("It takes the difference first, and looks at its sign.")
def decided_by_the_gap(train_error, bayes_error):
    gap = np.nan if bayes_error is None else train_error - bayes_error
    return gap if gap >= 0 else "undetermined"


@avoidable_bias.accept
def with_a_flag(train_error, bayes_error):
    known = bayes_error is not None and bayes_error <= train_error
    if known:
        return train_error + (-bayes_error)
    return "undetermined"


@avoidable_bias.accept
def by_exception(train_error, bayes_error):
    try:
        gap = np.float64(train_error) - bayes_error
    except TypeError:
        return "undetermined"
    return "undetermined" if gap < 0 else gap


# --- variance_gap -----------------------------------------------------------------------------------------------------


def gap_cases(rng):
    def one(train, gap):
        train, gap = float(train + rng.uniform(-0.004, 0.004)), float(gap * rng.uniform(0.8, 1.2))
        return case(train_error=train, dev_error=train + gap)

    return [one(0.02, 0.08), one(0.2, 0.005), one(0.11, -0.03), one(0.4, 0.15), case(train_error=0.0, dev_error=0.09)]


@lesson.exercise(
    points=1,
    topic=33,
    equation="(2.9)",
    cases=gap_cases,
    ask="What is lost from the training examples to new ones, and may it be below 0?",
    small={"train_error": 0.02, "dev_error": 0.1},
)
def variance_gap(train_error, dev_error):
    """Return the generalisation gap: what is lost from training examples to new ones.

    Parameters
    ----------
    train_error, dev_error : float

    Returns
    -------
    gap : float
        Negative where the dev set happens to be the easier one.
    """
    return dev_error - train_error  # (2.9)


@variance_gap.mistake("The sign is turned: the generalisation gap is dev − train.")
def train_minus_dev(train_error, dev_error):
    return train_error - dev_error


@variance_gap.mistake(
    "Keep the sign. A dev error below the training error is a negative gap: chance, or an easier dev set."
)
def absolute_gap(train_error, dev_error):
    return abs(dev_error - train_error)


@variance_gap.mistake("A negative gap is cut off at 0. Keep it: it says that the dev set is the easier one.")
def gap_clipped(train_error, dev_error):
    return max(0.0, dev_error - train_error)


@variance_gap.mistake(
    "The generalisation gap is never undetermined. Train and dev error are both measured: no proxy is needed. Keep "
    "the sign."
)
def undetermined_below_zero(train_error, dev_error):
    return dev_error - train_error if dev_error >= train_error else "undetermined"


@variance_gap.mistake("Your gap is the whole dev error. Subtract what is wrong in training already.")
def whole_dev_error(train_error, dev_error):
    return dev_error


@variance_gap.mistake("This is the training error. The generalisation gap is what is added to it on the dev set.")
def training_error(train_error, dev_error):
    return train_error


@variance_gap.mistake("The gap is a share from 0 to 1, not percent.")
def gap_in_percent(train_error, dev_error):
    return 100 * (dev_error - train_error)


@variance_gap.mistake("The gap is not squared. A variance of statistics is another thing: (2.9).")
def squared(train_error, dev_error):
    return (dev_error - train_error) ** 2


@variance_gap.mistake(
    "You compute a variance of statistics. The generalisation gap is the step from training to dev error (2.9)."
)
def variance_of_statistics(train_error, dev_error):
    return float(np.var([train_error, dev_error]))


@variance_gap.mistake("The gap is not divided by the dev error: it is a difference of two errors.")
def relative_gap(train_error, dev_error):
    return (dev_error - train_error) / dev_error


@variance_gap.accept("NumPy takes the difference of two neighbours.")
def with_diff(train_error, dev_error):
    return np.diff([train_error, dev_error])[0]


@variance_gap.accept
def from_accuracies(train_error, dev_error):
    return (1 - train_error) - (1 - dev_error)


@variance_gap.accept
def added(train_error, dev_error):
    return sum([dev_error, -train_error])


# --- recommend --------------------------------------------------------------------------------------------------------

BIAS, VARIANCE = "the bias is larger", "the generalisation gap is larger"
UNKNOWN, ABOVE_ANY_BIAS = "nobody can tell", "the generalisation gap is above any bias"
REMEDIES = (
    "bigger network", "longer training", "better optimizer", "architecture search", "more data", "regularization",
    "better proxy",
)  # fmt: skip
FOR = {
    BIAS: ("bigger network", "longer training", "better optimizer", "architecture search"),
    VARIANCE: ("more data", "regularization", "architecture search"),
    UNKNOWN: ("better proxy",),
}
FOR[ABOVE_ANY_BIAS] = FOR[VARIANCE]


def decision_cases(rng):
    """Each kind of decision several times, in any order: far from its limit, near it, and exactly at it."""

    def draw(low, high):
        return float(rng.uniform(low, high))

    def one(train, variance, bayes):
        return case(train_error=train, dev_error=train + variance, bayes_error=bayes)

    def known(change):
        """The generalisation gap is the bias, changed; the numbers are sums of powers of 1/2, so a tie is exact."""
        bias = int(rng.integers(40, 120)) / 1024
        train = bias + int(rng.integers(20, 200)) / 1024
        return one(train, change(bias), train - bias)

    def unknown(change, proxy):
        """The generalisation gap is the training error, changed; `proxy` is a factor or None."""
        train = int(rng.integers(30, 150)) / 1024
        return one(train, change(train), proxy and train * draw(1.005, proxy))

    near = 1 / 1024
    cases = [
        known(lambda bias: bias),  # bias: a tie
        known(lambda bias: bias - near),
        known(lambda bias: bias * draw(0.1, 0.45)),
        known(lambda bias: -draw(0.003, 0.02)),  # the dev set is easier
        known(lambda bias: bias + near),  # variance
        known(lambda bias: bias * draw(1.2, 1.9)),
        known(lambda bias: 0.0),
        one(0.4, draw(0.06, 0.09), 0.36),  # the training error is larger than the gap
        one(0.02, draw(0.05, 0.07), 0.02 / 1.03),  # the bias is almost 0
        one(0.0625, draw(0.03, 0.05), 0.0625),  # and here it is 0
        unknown(lambda train: train, 1.5),  # unknown: a tie
        unknown(lambda train: train - near, 1.5),
        unknown(lambda train: train - near, None),  # no proxy
        unknown(lambda train: train * draw(0.55, 0.8), None),
        unknown(lambda train: train * draw(0.2, 0.4), 4.0),
        unknown(lambda train: -draw(0.003, 0.02), 3.0),
        unknown(lambda train: train + near, 1.01),  # above any bias; the proxy is nearly reached
        unknown(lambda train: train + near, 4.0),  # better than the proxy on both
        unknown(lambda train: train + near, None),
        unknown(lambda train: train * draw(2, 4), None),  # no proxy is needed
        unknown(lambda train: train * draw(1.1, 2), 1.04),
        case(train_error=0.0, dev_error=draw(0.06, 0.12), bayes_error=0.012),
        one(0.02, draw(0.04, 0.06), 0.09),
    ]
    return [cases[i] for i in rng.permutation(len(cases))]


@lesson.exercise(
    points=3,
    topic=35,
    equation="(2.11) to (2.13)",
    cases=decision_cases,
    ask="Is the bias known? What do you compare the generalisation gap with if it is, and with what if it is not?",
    small={"train_error": 0.06, "dev_error": 0.08, "bayes_error": 0.1},
)
def recommend(train_error, dev_error, bayes_error):
    """Return for each remedy whether it is a next step.

    Parameters
    ----------
    train_error, dev_error : float
    bayes_error : float or None
        The proxy, from `bayes_proxy`.

    Returns
    -------
    remedies : dict
        True or False for each of the seven remedies of the lesson's table.
    """
    bias, variance = avoidable_bias(train_error, bayes_error), variance_gap(train_error, dev_error)
    if bias == "undetermined":
        work_on_bias, work_on_variance = False, variance > train_error  # (2.13)
    else:
        work_on_bias, work_on_variance = bias >= variance, bias < variance  # (2.11), (2.12)
    return {
        "bigger network": work_on_bias,
        "longer training": work_on_bias,
        "better optimizer": work_on_bias,
        "architecture search": work_on_bias or work_on_variance,
        "more data": work_on_variance,
        "regularization": work_on_variance,
        "better proxy": not work_on_bias and not work_on_variance,
    }


def kind_of(train_error, dev_error, bayes_error):
    """Return which of the four decisions three errors ask for."""
    gap = dev_error - train_error
    if bayes_error is None or train_error < bayes_error:
        return ABOVE_ANY_BIAS if gap > train_error else UNKNOWN
    return VARIANCE if gap > train_error - bayes_error else BIAS


def remedies_for(kind):
    """Return the dict of one decision."""
    return {remedy: remedy in FOR[kind] for remedy in REMEDIES}


# Whole answers come first, since each also holds single wrong choices.


@recommend.mistake(
    "The remedies of bias and generalisation gap are swapped. A bigger network, longer training and a better "
    "optimiser lower the training error: they are for the bias. More data and regularisation close the gap to dev: "
    "they are for the generalisation gap."
)
def swapped(train_error, dev_error, bayes_error):
    turned = {BIAS: VARIANCE, VARIANCE: BIAS, ABOVE_ANY_BIAS: BIAS, UNKNOWN: UNKNOWN}
    return remedies_for(turned[kind_of(train_error, dev_error, bayes_error)])


@recommend.mistake(
    'You compare the text "undetermined" with a number, or treat it as a bias of 0, and so always work on the generalisation gap '
    "where training beats the proxy. The bias may be anything up to the training error there: compare with that (2.13)."
)
def undetermined_means_variance(train_error, dev_error, bayes_error):
    kind = kind_of(train_error, dev_error, bayes_error)
    return remedies_for(VARIANCE if kind == UNKNOWN else kind)


@recommend.mistake(
    "Where the bias is undetermined, you always ask for a better proxy. If the generalisation gap is above the "
    "training error, no proxy can change the decision: no bias is larger than the training error (2.13)."
)
def undetermined_means_better_proxy(train_error, dev_error, bayes_error):
    kind = kind_of(train_error, dev_error, bayes_error)
    return remedies_for(UNKNOWN if kind == ABOVE_ANY_BIAS else kind)


def tied(train_error, dev_error, bayes_error, kind, other):
    """Return the decision `other` where `kind` is right and the two numbers of its comparison are equal."""
    right = kind_of(train_error, dev_error, bayes_error)
    limit = train_error - (bayes_error if kind == BIAS and bayes_error is not None else 0)
    return remedies_for(other if right == kind and dev_error - train_error == limit else right)


@recommend.mistake(
    "Where bias and generalisation gap are equal, you work on the generalisation gap. (2.11) says `>=`: a tie goes "
    "to the bias, which comes first."
)
def tie_goes_to_the_variance(train_error, dev_error, bayes_error):
    return tied(train_error, dev_error, bayes_error, BIAS, VARIANCE)


@recommend.mistake(
    "Where bias and generalisation gap are equal, no remedy of either is a next step in your answer. (2.11) says "
    "`>=`: work on the bias."
)
def tie_goes_to_nobody(train_error, dev_error, bayes_error):
    return tied(train_error, dev_error, bayes_error, BIAS, UNKNOWN)


@recommend.mistake(
    "Where the generalisation gap equals the training error, the bias may still be as large: (2.13) says `>`, and a "
    "tie asks for a better proxy."
)
def tie_is_above_any_bias(train_error, dev_error, bayes_error):
    return tied(train_error, dev_error, bayes_error, UNKNOWN, ABOVE_ANY_BIAS)


@recommend.mistake(
    "Where the bias is undetermined, you compare the generalisation gap with half of the training error. All of the "
    "training error may be bias (2.13)."
)
def half_the_training_error(train_error, dev_error, bayes_error):
    kind = kind_of(train_error, dev_error, bayes_error)
    return remedies_for(ABOVE_ANY_BIAS if kind == UNKNOWN and dev_error - train_error > train_error / 2 else kind)


@recommend.mistake(
    "You work on the bias only where it is twice the generalisation gap. The larger of the two decides, however near "
    "they are (2.11)."
)
def bias_only_if_twice_as_large(train_error, dev_error, bayes_error):
    kind = kind_of(train_error, dev_error, bayes_error)
    if kind == BIAS and train_error - bayes_error < 2 * (dev_error - train_error):
        kind = VARIANCE
    return remedies_for(kind)


@recommend.mistake(
    "You compare the generalisation gap with the whole training error, although the proxy is known. Compare it with "
    "the avoidable bias: the rest cannot be avoided."
)
def compared_with_the_training_error(train_error, dev_error, bayes_error):
    kind = kind_of(train_error, dev_error, bayes_error)
    if kind in (BIAS, VARIANCE):
        kind = VARIANCE if dev_error - train_error > train_error else BIAS
    return remedies_for(kind)


@recommend.mistake(
    "Where the bias is undetermined, you compare the generalisation gap with the proxy. What the bias cannot exceed "
    "is the training error (2.13)."
)
def variance_against_the_proxy(train_error, dev_error, bayes_error):
    kind = kind_of(train_error, dev_error, bayes_error)
    if kind in (UNKNOWN, ABOVE_ANY_BIAS):
        kind = ABOVE_ANY_BIAS if dev_error - train_error > (bayes_error or 0) else UNKNOWN
    return remedies_for(kind)


@recommend.mistake(
    "A proxy above the training error gives a negative bias in your comparison, so the generalisation gap always wins. "
    "Ask for the undetermined case first."
)
def negative_bias_compared(train_error, dev_error, bayes_error):
    return remedies_for(VARIANCE if dev_error - train_error > train_error - (bayes_error or 0.0) else BIAS)


@recommend.mistake(
    "You work on bias and generalisation gap at once. Name the remedies of the larger gap only; then measure again: "
    "a remedy for one may open the other."
)
def both_at_once(train_error, dev_error, bayes_error):
    kind = kind_of(train_error, dev_error, bayes_error)
    both = {remedy: remedy in FOR[BIAS] + FOR[VARIANCE] for remedy in REMEDIES}
    return remedies_for(kind) if kind == UNKNOWN else both


@recommend.mistake("You work on the smaller gap. The larger one has more to gain.")
def smaller_gap(train_error, dev_error, bayes_error):
    turned = {BIAS: VARIANCE, VARIANCE: BIAS}
    kind = kind_of(train_error, dev_error, bayes_error)
    return remedies_for(turned.get(kind, kind))


@recommend.mistake(
    "Your gap is dev − proxy, which holds the bias, too: so it always wins. The generalisation gap is dev − train."
)
def variance_from_the_proxy(train_error, dev_error, bayes_error):
    kind = kind_of(train_error, dev_error, bayes_error)
    return remedies_for(kind if kind in (UNKNOWN, ABOVE_ANY_BIAS) or dev_error < train_error else VARIANCE)


@recommend.mistake("Return a dict with True or False for each of the seven remedies, not a list of the right ones.")
def list_of_remedies(train_error, dev_error, bayes_error):
    return list(FOR[kind_of(train_error, dev_error, bayes_error)])


@recommend.mistake(
    "Return a dict with True or False for each of the seven remedies, not the name of what is to be lowered."
)
def one_word(train_error, dev_error, bayes_error):
    kind = kind_of(train_error, dev_error, bayes_error)
    return {BIAS: "bias", VARIANCE: "variance", ABOVE_ANY_BIAS: "variance", UNKNOWN: "undetermined"}[kind]


#: What is wrong with each single wrong choice, by decision and remedy.
WRONG_CHOICES = {
    BIAS: {
        "bigger network": (
            "The bias is larger: the network cannot do what others have shown to be possible. A bigger one can fit "
            "more."
        ),
        "longer training": (
            "The bias is larger: training may have stopped before the network fits its examples. Longer training is a "
            "remedy; in the lesson's table it is the strongest."
        ),
        "better optimizer": (
            "The bias is larger: a better optimiser gets further in the same number of steps. It is what the notes "
            "mean by their slip of the pen."
        ),
        "architecture search": (
            "The bias is larger: another architecture may fit what this one cannot. It is a remedy a star, "
            "for bias and for variance."
        ),
        "more data": (
            "The bias is larger: the network does not fit the examples it has. More of them leave the training error "
            "where it is, as the lesson's table shows."
        ),
        "regularization": (
            "The bias is larger: regularisation holds the weights back, so the training error cannot fall by it."
        ),
        "better proxy": (
            "The bias is larger: the proxy is below the training error already. A better one lies lower still and "
            "makes the bias larger; the decision stays."
        ),
    },
    VARIANCE: {
        "bigger network": (
            "The generalisation gap is larger: the training error is near the proxy. A bigger network has little "
            "left to gain there."
        ),
        "longer training": (
            "The generalisation gap is larger: longer training lowers the training error, and that is not what is "
            "wrong."
        ),
        "better optimizer": (
            "The generalisation gap is larger: a better optimiser lowers the training error faster. The gap to dev "
            "is not its business."
        ),
        "architecture search": (
            "The generalisation gap is larger: an architecture that suits the data needs fewer weights. It is a remedy "
            "for both gaps."
        ),
        "more data": (
            "The generalisation gap is larger: what is learned depends too much on which examples were there. More "
            "data are the first remedy."
        ),
        "regularization": (
            "The generalisation gap is larger: L2, dropout and data augmentation keep the network from following "
            "every example. They belong to the remedies, even where they gain little."
        ),
        "better proxy": (
            "The generalisation gap is larger: bias and generalisation gap are both known, so act on the larger one. "
            "The rule asks for a better proxy where the bias is undetermined."
        ),
    },
    UNKNOWN: {
        "bigger network": (
            "Undetermined: whether the network misses anything is not known. A bigger network treats a bias that may "
            "not exist."
        ),
        "longer training": (
            "Undetermined: training is better than the best level known. Whether longer training can gain anything, "
            "only a better proxy tells."
        ),
        "better optimizer": (
            "Undetermined: a better optimiser treats a bias, and here nobody knows whether there is one."
        ),
        "architecture search": (
            "Undetermined: a search is for bias or generalisation gap. Find out first which of them is larger."
        ),
        "more data": (
            "Undetermined: the generalisation gap is below the training error, so the bias may be the larger of the "
            "two. More data treat the generalisation gap."
        ),
        "regularization": (
            "Undetermined: regularisation treats the generalisation gap, and the bias may be the larger of the two."
        ),
        "better proxy": (
            "Undetermined: without a proxy below the training error the larger gap is unknown. Measure a better one: "
            "a team, a specialist, more labels."
        ),
    },
    ABOVE_ANY_BIAS: {
        "bigger network": (
            "Above any bias: the bias is at most the training error, and the generalisation gap exceeds that. A "
            "bigger network works on the smaller of the two."
        ),
        "longer training": (
            "Above any bias: the training error has little left to lose, however low the Bayes error may be."
        ),
        "better optimizer": (
            "Above any bias: a better optimiser lowers the training error, which is smaller than the generalisation "
            "gap already."
        ),
        "architecture search": (
            "Above any bias: the generalisation gap is the larger gap for certain, and a search may lower it."
        ),
        "more data": (
            "Above any bias: the generalisation gap is the larger gap whatever the proxy is. More data are its first "
            "remedy."
        ),
        "regularization": (
            "Above any bias: the generalisation gap is the larger gap whatever the proxy is. Regularisation is one "
            "of its remedies."
        ),
        "better proxy": (
            "Above any bias: no proxy can change the decision, since no bias exceeds the training error. Save the "
            "labels."
        ),
    },
}  # fmt: skip


def choose_wrongly(kind, remedy):
    """Return the mistake that decides this remedy wrongly for this kind of decision, and says nothing about the others."""

    def wrong_choice(train_error, dev_error, bayes_error):
        asked = kind_of(train_error, dev_error, bayes_error) == kind
        return {remedy: remedy not in FOR[kind]} if asked else {}

    wrong_choice.__name__ = f"{remedy}_where_{kind}".replace(" ", "_")
    return wrong_choice


for _kind, _hints in WRONG_CHOICES.items():
    for _remedy, _hint in _hints.items():
        recommend.mistake(_hint, partial=True)(choose_wrongly(_kind, _remedy))


@recommend.accept("It first says which of four situations holds, and looks the remedies up in a table.")
def looked_up(train_error, dev_error, bayes_error):
    return remedies_for(kind_of(train_error, dev_error, bayes_error))


@recommend.accept
def with_bounds_of_the_bias(train_error, dev_error, bayes_error):
    """The bias lies between two bounds; decide where both say the same."""
    low = high = train_error - (bayes_error if bayes_error is not None else 2)
    if low < 0:
        low, high = 0, train_error
    variance = dev_error - train_error
    on_variance = variance > high
    on_bias = variance <= low and low == high
    cures = dict.fromkeys(REMEDIES, 0)
    cures.update(dict.fromkeys(FOR[BIAS][:3], int(on_bias)))
    cures.update(dict.fromkeys(FOR[VARIANCE][:2], int(on_variance)))
    cures["architecture search"] = int(on_bias or on_variance)
    cures["better proxy"] = int(not (on_bias or on_variance))
    return cures


@recommend.accept
def branch_by_branch(train_error, dev_error, bayes_error):
    cures = dict.fromkeys(REMEDIES, False)
    known = bayes_error is not None and train_error >= bayes_error
    limit = train_error - bayes_error if known else train_error
    if dev_error - train_error > limit:
        names = ["more data", "regularization", "architecture search"]
    elif known:
        names = ["bigger network", "longer training", "better optimizer", "architecture search"]
    else:
        names = ["better proxy"]
    for name in names:
        cures[name] = True
    return cures


# --- error_analysis_table ---------------------------------------------------------------------------------------------

OTHER = "no category"


def sheet_cases(rng):
    def one(rows, names, *counts, both):
        """`counts` ticks per column; `both` rows have ticks in the first two columns; some rows have none."""
        ticks = np.zeros((rows, len(names)), dtype=bool)
        first = 0
        for column, count in enumerate(counts):
            start = first - (both if column == 1 else 0)
            ticks[start : start + count, column] = True
            first = start + count
        assert first < rows, "some row has no tick"
        order = rng.permutation(rows)
        return case(ticks=ticks[order], names=list(names))

    k, n = int(rng.integers(0, 5)), int(rng.integers(12, 30))
    return [
        one(10 + k, ("faint", "open stroke", "slanted"), 4, 3, 2, both=2),
        one(n, ("blurred", "label wrong"), n // 2 - k % 3, n // 4, both=1 + k % 3),
        one(5 + int(rng.integers(4)), ("a", "b", "c", "d"), 1, 2, 0, 1, both=1),
        one(6 + k, ("dark",), 1 + k, both=0),
    ]


@lesson.exercise(
    points=2,
    topic=35,
    equation="(2.14) and (2.15)",
    cases=sheet_cases,
    ask="Along which axis do you take the mean for the shares of the columns, and what do you ask each row for the last share?",
    small={"ticks": np.array([[True, False], [True, True], [False, False], [True, False]]), "names": ["A", "B"]},
)
def error_analysis_table(ticks, names):
    """Return which share of the errors has which category.

    Parameters
    ----------
    ticks : ndarray, shape (r, n_c)
        True where row i, one wrong example, belongs to category j. A row may have several ticks or none.
    names : list of str
        The n_c categories.

    Returns
    -------
    table : dict
        ``{name: share of the r rows}``, and "no category": the share of the rows without any tick.
    """
    table = {name: float(ticks[:, j].mean()) for j, name in enumerate(names)}  # (2.14)
    return {**table, OTHER: float(1 - ticks.any(axis=1).mean())}  # (2.15)


def with_other(ticks, names, shares, other=None):
    """Return a table of these shares."""
    other = float(np.mean(~ticks.any(axis=1))) if other is None else other
    return {**dict(zip(names, map(float, shares), strict=True)), OTHER: float(other)}


@error_analysis_table.mistake(
    "You divide by the number of ticks, so the shares add up to 1. A row may have several ticks or none: divide by "
    "the number of rows (2.14)."
)
def divided_by_ticks(ticks, names):
    return with_other(ticks, names, ticks.sum(axis=0) / ticks.sum())


@error_analysis_table.mistake("These are counts. Divide by the number of rows (2.14).")
def counts(ticks, names):
    return with_other(ticks, names, ticks.sum(axis=0), np.sum(~ticks.any(axis=1)))


@error_analysis_table.mistake(
    "The shares are right. For the rows without a tick you count; divide by the number of rows there, too (2.15)."
)
def other_as_count(ticks, names):
    return with_other(ticks, names, ticks.mean(axis=0), np.sum(~ticks.any(axis=1)))


@error_analysis_table.mistake(
    'You take "no category" as 1 minus the sum of the shares. A row with two ticks is in two shares: count the rows '
    "without any tick (2.15)."
)
def other_as_rest(ticks, names):
    return with_other(ticks, names, ticks.mean(axis=0), 1 - ticks.mean(axis=0).sum())


@error_analysis_table.mistake(
    '"no category" is the share of rows *with* a tick. Turn it round: 1 minus it, or `~ticks.any(axis=1)`.'
)
def other_turned(ticks, names):
    return with_other(ticks, names, ticks.mean(axis=0), ticks.any(axis=1).mean())


@error_analysis_table.mistake(
    '"no category" must ask each row whether it has *any* tick. With `all`, a row with one tick counts as empty.'
)
def other_with_all(ticks, names):
    return with_other(ticks, names, ticks.mean(axis=0), 1 - ticks.all(axis=1).mean())


@error_analysis_table.mistake(
    "The mean is taken along the rows' own direction, `axis=1`, so it belongs to the rows. One share per column: "
    "`axis=0`."
)
def means_of_rows(ticks, names):
    return {**dict(zip(names, ticks.mean(axis=1).tolist(), strict=False)), OTHER: float(1 - ticks.any(axis=1).mean())}


@error_analysis_table.mistake(
    '"no category" is computed from the columns, `axis=0`: that is the share of empty columns. Ask the rows: `axis=1`.'
)
def other_of_columns(ticks, names):
    return with_other(ticks, names, ticks.mean(axis=0), 1 - ticks.any(axis=0).mean())


@error_analysis_table.mistake("You divide by the number of categories. Divide by the number of rows, `len(ticks)`.")
def divided_by_categories(ticks, names):
    return with_other(ticks, names, ticks.sum(axis=0) / len(names))


@error_analysis_table.mistake("The shares go from 0 to 1, not to 100.")
def table_in_percent(ticks, names):
    return {name: 100 * share for name, share in error_analysis_table.reference(ticks, names).items()}


@error_analysis_table.mistake(
    "You share a row with two ticks between its categories. Each category gets the whole row: the question is what "
    "would be gained if *this* category were cured."
)
def rows_shared_out(ticks, names):
    weights = ticks / np.maximum(1, ticks.sum(axis=1, keepdims=True))
    return with_other(ticks, names, weights.mean(axis=0))


@error_analysis_table.mistake(
    "Only the first tick of each row is counted. A row belongs to every category that is ticked in it."
)
def first_tick_only(ticks, names):
    first = ticks & (np.cumsum(ticks, axis=1) == 1)
    return with_other(ticks, names, first.mean(axis=0))


@error_analysis_table.mistake("Return a dict with the names as keys, so that one can read the table.")
def without_names(ticks, names):
    return [*ticks.mean(axis=0).tolist(), float(1 - ticks.any(axis=1).mean())]


@error_analysis_table.mistake(
    'The shares of the categories are right. The key "no category" is missing or wrong: it is the share of the rows '
    "without any tick (2.15)."
)
def other_missing(ticks, names):
    # Last, since it is part of each answer that has the right shares.
    return dict(zip(names, ticks.mean(axis=0).tolist(), strict=True))


@error_analysis_table.mistake(
    "You divide by the number of rows that have a tick. The shares are of all rows, also those without one (2.14)."
)
def rows_with_a_tick_only(ticks, names):
    return with_other(ticks, names, ticks.sum(axis=0) / max(ticks.any(axis=1).sum(), 1))


@error_analysis_table.mistake(
    "Rows with several ticks count for none of their categories. A row belongs to every category that is ticked in it."
)
def rows_with_one_tick_only(ticks, names):
    return with_other(ticks, names, (ticks & (ticks.sum(axis=1, keepdims=True) == 1)).mean(axis=0))


@error_analysis_table.accept("Loops over rows and columns, with counters.")
def cell_by_cell(ticks, names):
    table = dict.fromkeys(names, 0)
    table[OTHER] = 0
    for row in ticks:
        for name, tick in zip(names, row, strict=True):
            table[name] += bool(tick)
        table[OTHER] += not any(row)
    return {name: count / len(ticks) for name, count in table.items()}


@error_analysis_table.accept
def column_by_column(ticks, names):
    r = ticks.shape[0]
    table = {names[j]: np.count_nonzero(ticks[:, j]) / r for j in range(len(names))}
    table["no category"] = np.count_nonzero(ticks.sum(axis=1) == 0) / r
    return table


@error_analysis_table.accept
def one_more_column(ticks, names):
    empty = np.logical_not(np.logical_or.reduce(ticks, axis=1))
    return dict(zip([*names, "no category"], np.column_stack([ticks, empty]).mean(axis=0), strict=True))


# --- ceiling_gain -----------------------------------------------------------------------------------------------------


def ceiling_cases(rng):
    def one(rows, n_c, columns):
        """Rows with ticks in several columns, rows with none; each number of ticked rows is another."""
        ticks = rng.random((rows, n_c)) < 0.3
        ticks[:2] = False
        ticks[2:4] = True
        ticks[4, 0], ticks[4, 1:] = True, False
        ticks[5, 1], ticks[5, 2:], ticks[5, 0] = True, False, False
        if len(columns) > 1:  # the first of the columns is not the largest
            ticks[6:11, columns[0]], ticks[6:11, columns[1]] = False, True
        order = rng.permutation(rows)
        return case(ticks=ticks[order], columns=columns, dev_error=float(rng.uniform(0.05, 0.2)))

    columns = ((20, 3, [0]), (13, 4, [0, 1]), (31, 3, [2, 0, 1]), (17, 5, [3]), (11, 3, []), (7, 3, [1, 0, 2]))
    return [one(*sizes) for sizes in columns]  # in the last, the shares add up to more than 1


@lesson.exercise(
    points=2,
    topic=35,
    equation="(2.17)",
    cases=ceiling_cases,
    ask="Which rows are cured if these categories are, and how often does a row with two ticks count?",
    small={
        "ticks": np.array([[True, False], [True, True], [False, False], [True, False]]),
        "columns": [0, 1],
        "dev_error": 0.08,
    },
)
def ceiling_gain(ticks, columns, dev_error):
    """Return by how much the dev error falls if all errors of some categories are cured.

    Parameters
    ----------
    ticks : ndarray, shape (r, n_c)
        As in `error_analysis_table`.
    columns : list of int
        The categories that are cured together.
    dev_error : float

    Returns
    -------
    gain : float
        An upper bound: a row that has a tick in one of the columns counts as cured, once.
    """
    return float(ticks[:, columns].any(axis=1).mean() * dev_error)  # (2.17)


@ceiling_gain.mistake(
    "`columns` may be empty, and there is no maximum of nothing. `any(axis=1)` is False for a row without columns."
)
def maximum_over_no_column(ticks, columns, dev_error):
    return float(np.mean(np.max(ticks[:, columns], axis=1)) * dev_error)


@ceiling_gain.mistake(
    "You add up the shares of the categories. A row with two of them is cured once, not twice: count the rows that "
    "have a tick in *any* of the columns."
)
def shares_added(ticks, columns, dev_error):
    return float(ticks[:, columns].mean(axis=0).sum() * dev_error)


@ceiling_gain.mistake(
    "You count only rows with a tick in *all* of the columns. As a ceiling, one tick is enough: `any`."
)
def ticked_in_all(ticks, columns, dev_error):
    return float(ticks[:, columns].all(axis=1).mean() * dev_error)


@ceiling_gain.mistake(
    "This is the share of the errors that is cured. The dev error falls by this share of itself: multiply by it (2.17)."
)
def share_only(ticks, columns, dev_error):
    return float(ticks[:, columns].any(axis=1).mean())


@ceiling_gain.mistake("This is the error that is left. Return what is gained: dev error minus that.")
def error_left(ticks, columns, dev_error):
    return float(dev_error * (1 - ticks[:, columns].any(axis=1).mean()))


@ceiling_gain.mistake("You subtract the share from the dev error. The gain is their product (2.17).")
def share_subtracted(ticks, columns, dev_error):
    return float(dev_error - ticks[:, columns].any(axis=1).mean())


@ceiling_gain.mistake("This counts rows. Divide by the number of rows, and multiply by the dev error.")
def rows_counted(ticks, columns, dev_error):
    return float(ticks[:, columns].any(axis=1).sum())


@ceiling_gain.mistake("You divide by the number of ticks. Divide by the number of rows, `len(ticks)`.")
def divided_by_number_of_ticks(ticks, columns, dev_error):
    return float(ticks[:, columns].any(axis=1).sum() / ticks.sum() * dev_error)


@ceiling_gain.mistake("All categories are counted. Take the columns that are asked for: `ticks[:, columns]`.")
def all_categories(ticks, columns, dev_error):
    return float(ticks.any(axis=1).mean() * dev_error)


@ceiling_gain.mistake("Only the first of the columns is counted. Several may be cured together.")
def first_column_only(ticks, columns, dev_error):
    return float(ticks[:, columns[:1]].any(axis=1).mean() * dev_error)


@ceiling_gain.mistake("`ticks[columns]` picks rows. The categories are columns: `ticks[:, columns]`.")
def rows_picked(ticks, columns, dev_error):
    return float(ticks[columns].any(axis=1).sum() / len(ticks) * dev_error)


@ceiling_gain.mistake("`any(axis=0)` asks whether a column has a tick anywhere. Ask each row: `axis=1`.")
def any_of_columns(ticks, columns, dev_error):
    return float(ticks[:, columns].any(axis=0).sum() / max(1, len(columns)) * dev_error)


@ceiling_gain.mistake("The gain is a difference of errors from 0 to 1, not percent.")
def gain_in_percent(ticks, columns, dev_error):
    return float(100 * ticks[:, columns].any(axis=1).mean() * dev_error)


@ceiling_gain.mistake(
    "You divide by the dev error. The share refers to the errors; times the dev error it refers to all dev examples."
)
def divided_by_dev_error(ticks, columns, dev_error):
    return float(ticks[:, columns].any(axis=1).mean() / dev_error)


@ceiling_gain.mistake("You take the mean over all cells of the columns. Count rows: one tick in a row is enough.")
def mean_of_cells(ticks, columns, dev_error):
    return float(ticks[:, columns].mean() * dev_error)


@ceiling_gain.mistake("The largest of the columns is taken alone. Count the rows that have a tick in any of them.")
def largest_column_only(ticks, columns, dev_error):
    return float(max((ticks[:, column].mean() for column in columns), default=0.0) * dev_error)


@ceiling_gain.mistake(
    "You divide by the rows that have a tick. The dev error is that of all rows, so the share is one of all of them."
)
def share_of_ticked_rows(ticks, columns, dev_error):
    return float(ticks[:, columns].any(axis=1).sum() / ticks.any(axis=1).sum() * dev_error)


@ceiling_gain.mistake(
    "The shares are added up, and cut at 1. A row with two ticks is cured once: ask each row whether it has any."
)
def shares_added_and_cut(ticks, columns, dev_error):
    return float(min(1.0, sum(ticks[:, c].mean() for c in columns)) * dev_error)


@ceiling_gain.accept("One row after the other: is one of its ticks in the chosen columns?")
def row_by_row(ticks, columns, dev_error):
    cured = 0
    for row in ticks:
        if any(row[j] for j in columns):
            cured += 1
    return cured / len(ticks) * dev_error


@ceiling_gain.accept
def difference_of_errors(ticks, columns, dev_error):
    left = np.sum(np.sum(ticks[:, columns], axis=1) == 0)
    return dev_error - dev_error * left / ticks.shape[0]


@ceiling_gain.accept
def with_sets(ticks, columns, dev_error):
    rows = set()
    for j in columns:
        rows |= set(np.flatnonzero(ticks[:, j]).tolist())
    return dev_error * len(rows) / ticks.shape[0]


@ceiling_gain.accept
def with_logical_or(ticks, columns, dev_error):
    cured = np.zeros(len(ticks), dtype=bool)
    for j in columns:
        cured = np.logical_or(cured, ticks[:, j])
    return cured.mean() * dev_error
