"""Lesson 2.6, searching hyperparameters: the catalogue. Equations are those of the notebook."""

import numpy as np
from scipy.stats import loguniform

from helpers.exercises import Function, Lesson, case, draws
from helpers.widgets.hyperparameter_search import practice_error

lesson = Lesson("hyperparameter_search")

# --- predictions -----------------------------------------------------------------------------------------------------

lesson.predict(
    "weights",
    "Four hyperparameters that matter alike, 81 trials. How often does random search find a better trial than the grid?",
    ("nearly always", "about every second time", "in a third of the searches or less"),
    "Where all axes count, the grid's even spacing leaves no large hole; random trials do.",
)
lesson.predict(
    "scale",
    "The best learning rate is 0.3; ten trials from 0.0001 to 10. How many times as far above the lowest error is the "
    "median of 400 searches with uniform draws as that with log-uniform draws?",
    because="Nine of ten uniform draws lie above 1; only the tenth part can come near 0.3.",
)
lesson.predict(
    "hole",
    "A wide valley, and a narrow, deeper hole away from it. Which search gets into the hole more often: 15 coarse and 15 fine "
    "trials, or 30 at once?",
    ("coarse to fine", "both alike", "30 at once"),
    "The fine trials look around the best coarse one. With 15 coarse trials the hole is often missed, and then nobody looks "
    "there again.",
)
lesson.predict(
    "first",
    "Which share of the variance of the 180 dev errors lies between four groups of learning rates, from 0 to 1?",
    because="Over five decades of the learning rate many values hardly train the model. Three other hyperparameters and "
    "chance share the rest.",
)
lesson.predict(
    "finer",
    "60 finer trials around the best of 180 coarse ones. What is lower?",
    (
        "neither their median nor their best",
        "their median; their best is as good as the coarse best, within one percentage point",
        "their median, and their best by more than one percentage point",
    ),
    "The finer range is good, so its median is low. But the best coarse trial was the luckiest of 180, and luck does not "
    "repeat.",
)
lesson.predict(
    "luck",
    "100 dev digits, and the best of 240 trials wins. By how many percentage points is its error on other digits higher than "
    "its dev error, on average?",
    because="One dev error scatters by about 2.7 percentage points, and the smallest of many is more than one such step too "
    "low.",
)


# --- sample_log_uniform ----------------------------------------------------------------------------------------------


def log_uniform_cases(rng):
    def one(low, high, size):
        factor = rng.uniform(0.9, 1.1)
        return case(low=low * factor, high=high * factor, size=size, rng=np.random.default_rng(rng.integers(2**32)))

    return [one(3e-4, 0.7, 40), one(0.2, 30.0, 25), one(12.0, 400.0, 1), one(2e-3, 5e-3, 30)]


@lesson.exercise(
    points=2,
    topic=24,
    equation="(6.7)",
    cases=log_uniform_cases,
    judge=draws(400),
    ask="Which number is drawn uniformly in (6.7): the value or its exponent? Between which two exponents?",
    small={"low": 0.001, "high": 1.0, "size": 3, "rng": np.random.default_rng(0)},
    why={
        "question": "Why is the exponent drawn uniformly, and not the value?",
        "choices": {
            "each decade gets as many draws as any other": "Yes: uniform values would nearly all lie in the highest decade.",
            "it is faster": "No: it even needs two logarithms and a power more.",
            "the values stay within the range": "No: uniform values stay within it as well.",
        },
    },
)
def sample_log_uniform(low, high, size, rng):
    """Draw numbers that fall into each decade, each factor of 10, with equal probability.

    Parameters
    ----------
    low, high : float
        The ends of the range; 0 < low < high.
    size : int
        How many numbers.
    rng : Generator

    Returns
    -------
    values : ndarray, shape (size,)
    """
    return 10 ** rng.uniform(np.log10(low), np.log10(high), size)  # (6.7)


@sample_log_uniform.mistake(
    "This is uniform on the axis itself: nearly all numbers lie near high. Draw the exponent u uniformly, then 10 ** u."
)
def uniform_on_the_axis(low, high, size, rng):
    return rng.uniform(low, high, size)


@sample_log_uniform.mistake("These are the exponents u. Return 10 ** u.")
def exponents(low, high, size, rng):
    return rng.uniform(np.log10(low), np.log10(high), size)


@sample_log_uniform.mistake(
    "The bases differ: np.log goes with np.exp, and np.log10 with 10 ** u. You take np.log and 10 ** u."
)
def ten_to_natural_logarithms(low, high, size, rng):
    return 10 ** rng.uniform(np.log(low), np.log(high), size)


@sample_log_uniform.mistake(
    "The bases differ: np.log goes with np.exp, and np.log10 with 10 ** u. You take np.log10 and np.exp."
)
def exp_of_decimal_logarithms(low, high, size, rng):
    return np.exp(rng.uniform(np.log10(low), np.log10(high), size))


@sample_log_uniform.mistake(
    "The exponent is drawn from low to high themselves. Take the logarithms of low and high first."
)
def ends_without_logarithm(low, high, size, rng):
    return 10 ** rng.uniform(low, high, size)


@sample_log_uniform.mistake(
    "The exponent is rounded to a whole number, so only powers of 10 come out. Do not round it."
)
def whole_exponents(low, high, size, rng):
    return 10.0 ** np.round(rng.uniform(np.log10(low), np.log10(high), size))


@sample_log_uniform.mistake("All numbers are one and the same draw. Draw size exponents.")
def one_number_repeated(low, high, size, rng):
    return np.full(size, 10 ** rng.uniform(np.log10(low), np.log10(high)))


@sample_log_uniform.mistake("Only one number comes back. Draw size exponents: the third argument of rng.uniform.")
def one_number(low, high, size, rng):
    return 10 ** rng.uniform(np.log10(low), np.log10(high))


@sample_log_uniform.mistake(
    "Your range always ends at 1: the exponent runs up to 0. It runs up to the logarithm of high."
)
def up_to_one(low, high, size, rng):
    return 10 ** (np.log10(low) * rng.random(size))


@sample_log_uniform.mistake(
    "Your range starts at 1, where the exponent is 0. Add the logarithm of low: the exponent runs from log10(low)."
)
def from_one(low, high, size, rng):
    return 10 ** ((np.log10(high) - np.log10(low)) * rng.random(size))


@sample_log_uniform.mistake("These numbers are spaced evenly, as a grid. Draw them at random, from rng.")
def geometric_grid(low, high, size, rng):
    return np.geomspace(low, high, size)


@sample_log_uniform.mistake("The exponents are normal, not uniform: some numbers leave the range. Use rng.uniform.")
def log_normal(low, high, size, rng):
    u = np.log10([low, high])
    return 10 ** (u.mean() + (u[1] - u[0]) / 2 * rng.standard_normal(size))


@sample_log_uniform.mistake("`np.random` draws from a generator that all code shares. Use `rng.uniform`.")
def shared_generator(low, high, size, rng):
    return 10 ** np.random.uniform(np.log10(low), np.log10(high), size)


@sample_log_uniform.mistake("You make a generator of your own, so each call gives the same numbers. Draw from rng.")
def own_generator(low, high, size, rng):
    return 10 ** np.random.default_rng(0).uniform(np.log10(low), np.log10(high), size)


@sample_log_uniform.mistake(
    "The exponents run from -4 to 0, whatever low and high are. Draw them between the logarithms."
)
def exponents_from_minus_four(low, high, size, rng):
    return 10 ** (-4 * rng.random(size))


@sample_log_uniform.accept
def with_natural_logarithms(low, high, size, rng):
    return np.exp(rng.uniform(np.log(low), np.log(high), size=size))


@sample_log_uniform.accept(
    "low times a random power of the ratio of the ends: the same distribution without a logarithm."
)
def power_of_the_ratio(low, high, size, rng):
    return low * (high / low) ** rng.random(size)


@sample_log_uniform.accept
def one_by_one(low, high, size, rng):
    values = []
    for _ in range(size):
        u = np.log2(high) - rng.random() * (np.log2(high) - np.log2(low))
        values.append(2.0**u)
    return np.array(values)


@sample_log_uniform.accept
def with_scipy(low, high, size, rng):
    return loguniform(low, high).rvs(size=size, random_state=rng)


# --- sample_beta -----------------------------------------------------------------------------------------------------


def beta_cases(rng):
    def one(low, high, size):
        factor = rng.uniform(0.95, 1.05)
        low, high = 1 - (1 - low) * factor, 1 - (1 - high) * factor
        return case(low=low, high=high, size=size, rng=np.random.default_rng(rng.integers(2**32)))

    return [one(0.3, 0.995, 40), one(0.9, 0.999, 30), one(0.7, 0.96, 1), one(0.15, 0.4, 50)]


@lesson.exercise(
    points=2,
    topic=24,
    equation="(6.12)",
    cases=beta_cases,
    judge=draws(400),
    ask="Which quantity is log-uniform here, and which of its two ends is the lower one?",
    small={"low": 0.9, "high": 0.999, "size": 3, "rng": np.random.default_rng(0)},
)
def sample_beta(low, high, size, rng):
    """Draw values of beta such that 1 - beta is log-uniform.

    Parameters
    ----------
    low, high : float
        The ends of the range of beta; 0 < low < high < 1.
    size : int
        How many numbers.
    rng : Generator

    Returns
    -------
    betas : ndarray, shape (size,)
    """
    return 1 - sample_log_uniform(1 - high, 1 - low, size, rng)  # (6.12)


@sample_beta.mistake(
    "beta is drawn uniformly. Between 0.999 and 0.9995 the memory doubles, near 0.9 it hardly changes: draw 1 - beta "
    "log-uniformly."
)
def uniform_beta(low, high, size, rng):
    return rng.uniform(low, high, size)


@sample_beta.mistake(
    "You draw beta itself log-uniformly. Draw 1 - beta log-uniformly: near 1 the logarithm of beta is level."
)
def log_uniform_beta(low, high, size, rng):
    return sample_log_uniform(low, high, size, rng)


@sample_beta.mistake("This is 1 - beta. Subtract it from 1.")
def one_minus_beta(low, high, size, rng):
    return sample_log_uniform(1 - high, 1 - low, size, rng)


@sample_beta.mistake("The ends are those of beta. 1 - beta runs from 1 - high to 1 - low.")
def ends_of_beta(low, high, size, rng):
    return 1 - sample_log_uniform(low, high, size, rng)


@sample_beta.mistake(
    "The ends are swapped: the lower end of 1 - beta belongs to the higher beta, so 1 - high comes first."
)
def ends_of_one_minus_beta_swapped(low, high, size, rng):
    return 1 - sample_log_uniform(1 - low, 1 - high, size, rng)


@sample_beta.mistake("Your range is always 0.9 to 0.999. Use low and high.")
def fixed_range(low, high, size, rng):
    return 1 - 10 ** rng.uniform(-3, -1, size)


@sample_beta.mistake(
    "The memory 1 / (1 - beta) is drawn uniformly: nearly all betas lie near high. Draw it log-uniformly."
)
def uniform_memory(low, high, size, rng):
    return 1 - 1 / rng.uniform(1 / (1 - low), 1 / (1 - high), size)


@sample_beta.mistake(
    "1 - beta is drawn uniformly, which makes beta uniform too. Draw the exponent of 1 - beta uniformly."
)
def upside_down_uniform(low, high, size, rng):
    return 1 - rng.uniform(1 - high, 1 - low, size) ** 2 / (1 - low)


@sample_beta.mistake("The numbers come sorted: the first is always the smallest beta. Leave them as they are drawn.")
def sorted_betas(low, high, size, rng):
    return np.sort(sample_beta(low, high, size, rng))


@sample_beta.mistake("Only one number comes back. Draw size numbers.")
def one_beta(low, high, size, rng):
    return 1 - float(np.ravel(sample_log_uniform(1 - high, 1 - low, 1, rng))[0])


@sample_beta.mistake("All betas are one and the same draw. Draw size numbers.")
def one_beta_repeated(low, high, size, rng):
    return np.repeat(1 - sample_log_uniform(1 - high, 1 - low, 1, rng), size)


@sample_beta.mistake("`np.random` draws from a generator that all code shares. Hand rng on to `sample_log_uniform`.")
def beta_of_the_shared_generator(low, high, size, rng):
    return 1 - 10 ** np.random.uniform(np.log10(1 - high), np.log10(1 - low), size)


@sample_beta.mistake("You make a generator of your own, so each call gives the same numbers. Hand rng on.")
def beta_of_an_own_generator(low, high, size, rng):
    return 1 - sample_log_uniform(1 - high, 1 - low, size, np.random.default_rng(0))


@sample_beta.accept
def without_the_first_function(low, high, size, rng):
    u = rng.uniform(np.log10(1 - high), np.log10(1 - low), size)
    return 1 - 10**u


@sample_beta.accept("The memory 1 / (1 - beta) is log-uniform as well, with its ends the other way round.")
def through_the_memory(low, high, size, rng):
    return 1 - 1 / sample_log_uniform(1 / (1 - low), 1 / (1 - high), size, rng)


@sample_beta.accept
def beta_by_beta(low, high, size, rng):
    betas = np.zeros(size)
    for i in range(size):
        betas[i] = 1 - np.exp(rng.uniform(np.log(1 - high), np.log(1 - low)))
    return betas


# --- random_search ---------------------------------------------------------------------------------------------------


def sample_uniform(low, high, size, rng):
    """Draw numbers uniformly; the lesson has this in a cell."""
    return rng.uniform(low, high, size)


def sample_integer(low, high, size, rng):
    """Draw whole numbers from low to high, both included; the lesson has this in a cell."""
    return rng.integers(low, high + 1, size)


def search_cases(rng):
    """Return searches with the lesson's dev error, and one with another: it depends on what is passed."""

    def one(num_trials, more=None, **space):
        return case(space=space, num_trials=num_trials, rng=np.random.default_rng(rng.integers(2**32)), **(more or {}))

    other = {"dev_error": Function("smooth", int(rng.integers(1, 100)))}
    return [
        one(3, learning_rate=("log", 2e-4, 0.8), beta=("beta", 0.5, 0.995)),
        one(2, keep_prob=("uniform", 0.3, 0.95), learning_rate=("log", 0.2, 20.0), more=other),
        one(2, hidden_units=("integer", 3, 60)),
        one(1, learning_rate=("log", 3e-3, 2.0), hidden_units=("integer", 2, 3)),
    ]


@lesson.exercise(
    points=3,
    topic=24,
    equation="(6.13) and (6.14)",
    cases=search_cases,
    judge=draws(400, calls="dev_error"),
    ask="Which dict belongs to one trial alone, and where in your loops must it be made anew?",
    small={
        "space": {"learning_rate": ("log", 0.01, 1.0)},
        "num_trials": 2,
        "rng": np.random.default_rng(0),
        "dev_error": Function("smooth", 3),
    },
    why={
        "question": "Why is `dev_error(settings)` called once for each trial, and its result kept?",
        "choices": {
            "it trains a model: a second call costs as much as the first": "Yes: sorting by a kept number costs nothing.",
            "a second call would give another number": "Not here: this one gives the same. The time is the reason.",
            "a list can be sorted only once": "No: it can be sorted as often as you like.",
        },
    },
)
def random_search(space, num_trials, rng, dev_error=practice_error):
    """Try random settings and return the trials, the best one first.

    Parameters
    ----------
    space : dict
        ``{name: (kind, low, high)}``; kind is "log", "beta", "uniform" or "integer".
    num_trials : int
    rng : Generator
    dev_error : callable
        ``dev_error(settings)`` trains with settings such as ``{"learning_rate": 0.1}`` and returns the dev error.

    Returns
    -------
    trials : list of dict
        ``{"settings": ..., "dev_error": ...}`` for each trial, the lowest dev error first.
    """
    samplers = {"log": sample_log_uniform, "beta": sample_beta, "uniform": sample_uniform, "integer": sample_integer}
    trials = []
    for _ in range(num_trials):
        settings = {
            name: samplers[kind](low, high, 1, rng).item() for name, (kind, low, high) in space.items()
        }  # (6.13)
        trials.append({"settings": settings, "dev_error": dev_error(settings)})
    return sorted(trials, key=lambda trial: trial["dev_error"])  # (6.14)


SAMPLERS = {
    "log": lambda low, high, rng: 10 ** rng.uniform(np.log10(low), np.log10(high)),
    "beta": lambda low, high, rng: 1 - 10 ** rng.uniform(np.log10(1 - high), np.log10(1 - low)),
    "uniform": lambda low, high, rng: rng.uniform(low, high),
    "integer": lambda low, high, rng: int(rng.integers(low, high + 1)),
}


def setting_of(space, rng, samplers=SAMPLERS):
    return {name: samplers[kind](low, high, rng) for name, (kind, low, high) in space.items()}


def trial_of(settings, dev_error=practice_error):
    return {"settings": settings, "dev_error": dev_error(settings)}


def by_error(trials):
    return sorted(trials, key=lambda trial: trial["dev_error"])


@random_search.mistake(
    "The trials stand in the order in which they were drawn. Sort them by dev_error, the lowest first."
)
def not_sorted(space, num_trials, rng, dev_error=practice_error):
    return [trial_of(setting_of(space, rng), dev_error) for _ in range(num_trials)]


@random_search.mistake("The highest dev error comes first. An error should be low: sort upwards.")
def worst_first(space, num_trials, rng, dev_error=practice_error):
    return by_error(not_sorted(space, num_trials, rng, dev_error))[::-1]


@random_search.mistake("Only the best trial comes back. Return all of them, in a list.")
def best_alone(space, num_trials, rng, dev_error=practice_error):
    return by_error(not_sorted(space, num_trials, rng, dev_error))[0]


@random_search.mistake("All trials have the same settings: they are drawn once, before the loop. Draw inside the loop.")
def drawn_once(space, num_trials, rng, dev_error=practice_error):
    settings = setting_of(space, rng)
    return [trial_of(settings, dev_error) for _ in range(num_trials)]


@random_search.mistake(
    "Settings and dev errors do not belong together. Draw once for each trial, try and note the same settings, and sort "
    "whole trials, not the errors alone."
)
def drawn_twice(space, num_trials, rng, dev_error=practice_error):
    return [
        trial | {"settings": setting_of(space, rng)}
        for trial in by_error(not_sorted(space, num_trials, rng, dev_error))
    ]


@random_search.mistake(
    "All hyperparameters are drawn uniformly. Each has its own kind: look up its function in samplers."
)
def kind_ignored(space, num_trials, rng, dev_error=practice_error):
    samplers = dict.fromkeys(SAMPLERS, SAMPLERS["uniform"]) | {"integer": SAMPLERS["integer"]}
    return by_error(trial_of(setting_of(space, rng, samplers), dev_error) for _ in range(num_trials))


@random_search.mistake('beta is drawn log-uniformly itself. The kind "beta" goes with sample_beta.')
def beta_as_log(space, num_trials, rng, dev_error=practice_error):
    samplers = SAMPLERS | {"beta": SAMPLERS["log"]}
    return by_error(trial_of(setting_of(space, rng, samplers), dev_error) for _ in range(num_trials))


@random_search.mistake("There is one trial fewer than num_trials. range(num_trials) runs from 0 to num_trials - 1.")
def one_trial_fewer(space, num_trials, rng, dev_error=practice_error):
    return by_error(not_sorted(space, num_trials - 1, rng, dev_error))


@random_search.mistake("Only one trial comes back: `return` stands inside the loop. Collect all trials first.")
def returned_inside_the_loop(space, num_trials, rng, dev_error=practice_error):
    return not_sorted(space, 1, rng, dev_error)


@random_search.mistake(
    "Each setting is an array with one entry. The functions return arrays: take the entry, with [0] or .item()."
)
def arrays_as_settings(space, num_trials, rng, dev_error=practice_error):
    trials = by_error(not_sorted(space, num_trials, rng, dev_error))
    return [
        trial | {"settings": {name: np.array([value]) for name, value in trial["settings"].items()}} for trial in trials
    ]


@random_search.mistake('These are pairs. Each trial is a dict with the keys "settings" and "dev_error".')
def pairs(space, num_trials, rng, dev_error=practice_error):
    return [
        (trial["settings"], trial["dev_error"]) for trial in by_error(not_sorted(space, num_trials, rng, dev_error))
    ]


@random_search.mistake(
    "`np.random` draws from a generator that all code shares. Hand rng to the functions in samplers."
)
def search_with_the_shared_generator(space, num_trials, rng, dev_error=practice_error):
    return by_error(not_sorted(space, num_trials, np.random, dev_error))


@random_search.mistake("You make a generator of your own, so each search tries the same settings. Hand rng on.")
def search_with_an_own_generator(space, num_trials, rng, dev_error=practice_error):
    return by_error(not_sorted(space, num_trials, np.random.default_rng(0), dev_error))


@random_search.mistake(
    "The argument dev_error is not called. Another function, or made-up numbers, stands in its place: the search must try "
    "what the caller hands over."
)
def dev_error_not_called(space, num_trials, rng, dev_error=practice_error):
    return by_error(not_sorted(space, num_trials, rng, practice_error))


@random_search.mistake(
    "Each trial is trained twice: dev_error is called for the order, and once more for the result. Call it once for each "
    "trial, keep what it gives, and sort by what you have kept."
)
def trained_twice(space, num_trials, rng, dev_error=practice_error):
    all_settings = sorted((setting_of(space, rng) for _ in range(num_trials)), key=dev_error)
    return [trial_of(settings, dev_error) for settings in all_settings]


@random_search.mistake(
    "All trials hold one and the same dict, which each turn of the loop fills anew: in the end all show the settings of "
    "the last one. Make a new dict, `settings = {}`, inside the loop."
)
def one_dict_for_all(space, num_trials, rng, dev_error=practice_error):
    settings, trials = {}, []
    for _ in range(num_trials):
        settings.update(setting_of(space, rng))
        trials.append({"settings": settings, "dev_error": dev_error(settings)})
    return by_error(trials)


@random_search.mistake(
    "Nothing is drawn: these settings are the points of a grid. Draw each setting from rng, with the function of its kind."
)
def grid_of_settings(space, num_trials, rng, dev_error=practice_error):
    shares = np.linspace(0, 1, num_trials)
    points = {
        "log": lambda low, high, share: low * (high / low) ** share,
        "beta": lambda low, high, share: 1 - (1 - low) * ((1 - high) / (1 - low)) ** share,
        "uniform": lambda low, high, share: low + (high - low) * share,
        "integer": lambda low, high, share: round(low + (high - low) * share),
    }
    return by_error(
        trial_of({name: points[kind](low, high, share) for name, (kind, low, high) in space.items()}, dev_error)
        for share in shares
    )


@random_search.mistake("Only the best trial stands in its place. Sort all trials, the lowest error first.")
def best_first_only(space, num_trials, rng, dev_error=practice_error):
    best, *others = random_search(space, num_trials, rng, dev_error)
    return [best, *others[::-1]]


@random_search.accept("Each hyperparameter is drawn for all trials at once, and the columns are then taken apart.")
def all_values_first(space, num_trials, rng, dev_error=practice_error):
    columns = {}
    for name, (kind, low, high) in space.items():
        if kind == "log":
            columns[name] = sample_log_uniform(low, high, num_trials, rng)
        elif kind == "beta":
            columns[name] = sample_beta(low, high, num_trials, rng)
        elif kind == "uniform":
            columns[name] = sample_uniform(low, high, num_trials, rng)
        else:
            columns[name] = sample_integer(low, high, num_trials, rng)
    all_settings = [{name: values[i] for name, values in columns.items()} for i in range(num_trials)]
    trials = [trial_of(settings, dev_error) for settings in all_settings]
    trials.sort(key=lambda trial: trial["dev_error"])
    return trials


@random_search.accept
def sorted_by_argsort(space, num_trials, rng, dev_error=practice_error):
    settings = [setting_of(space, rng) for _ in range(num_trials)]
    errors = np.array([dev_error(one) for one in settings])
    return tuple({"dev_error": errors[i], "settings": settings[i]} for i in np.argsort(errors))


@random_search.accept
def inserted_in_place(space, num_trials, rng, dev_error=practice_error):
    trials = []
    while len(trials) < num_trials:
        new = trial_of(setting_of(space, rng), dev_error)
        place = sum(trial["dev_error"] <= new["dev_error"] for trial in trials)
        trials.insert(place, new)
    return trials


# --- refine_range ----------------------------------------------------------------------------------------------------


def refine_cases(rng):
    def one(low, high, where, shrink):
        """Return a case whose best value lies at this share of the logarithmic axis."""
        low, high = low * rng.uniform(0.9, 1.1), high * rng.uniform(0.9, 1.1)
        return case(low=low, high=high, best=float(low * (high / low) ** where), shrink=shrink)

    return [
        one(2e-4, 0.6, 0.37, 0.25),
        one(3.0, 700.0, 0.6, 0.3),
        one(5e-3, 40.0, 0.03, 0.4),
        one(7e-4, 3e-2, 0.95, 0.2),
        one(0.2, 9.0, 0.45, 0.6),
        one(1e-5, 2.0, 1.0, 0.35),
    ]


@lesson.exercise(
    points=2,
    topic=24,
    equation="(6.15) and (6.16)",
    returns=("new_low", "new_high"),
    cases=refine_cases,
    ask="On which axis is the range shrunk? Compute the width there, then the start, and take powers of 10 last.",
    small={"low": 0.0001, "high": 1.0, "best": 1.0, "shrink": 0.5},
)
def refine_range(low, high, best, shrink):
    """Return the range for the next, finer search.

    Parameters
    ----------
    low, high : float
        The range so far; 0 < low < high.
    best : float
        The best value found; low <= best <= high.
    shrink : float
        Between 0 and 1: the width of the new range as a share of the old one, both in decades.

    Returns
    -------
    new_low, new_high : float
        Around `best` on the logarithmic axis, but shifted inwards where it would leave the old range.
    """
    low, high, best = np.log10(low), np.log10(high), np.log10(best)
    width = shrink * (high - low)  # (6.15)
    start = np.clip(best - width / 2, low, high - width)  # (6.16)
    return 10**start, 10 ** (start + width)


def logarithmic(of):
    """Return the powers of 10 of what ``of(low, high, best, shrink)`` gives for the three logarithms."""
    return lambda low, high, best, shrink: tuple(10**end for end in of(*np.log10([low, high, best]), shrink))


@refine_range.mistake(
    "The range is cut where it would leave the old one, so it becomes too narrow. Shift it inwards and keep its width."
)
def cut_at_the_edge(low, high, best, shrink):
    def ends(low, high, best, shrink):
        half = shrink * (high - low) / 2
        return max(low, best - half), min(high, best + half)

    return logarithmic(ends)(low, high, best, shrink)


@refine_range.mistake("Near an end, your range leaves the old one. Shift it inwards: see (6.16).")
def beyond_the_edge(low, high, best, shrink):
    def ends(low, high, best, shrink):
        half = shrink * (high - low) / 2
        return best - half, best + half

    return logarithmic(ends)(low, high, best, shrink)


@refine_range.mistake(
    "You compute with the values themselves. Take the logarithms of low, high and best first, and powers of 10 at the end."
)
def on_the_linear_axis(low, high, best, shrink):
    width = shrink * (high - low)
    start = np.clip(best - width / 2, low, high - width)
    return start, start + width


@refine_range.mistake("The range is twice as wide as it should be. From best, go half of the width to each side.")
def twice_as_wide(low, high, best, shrink):
    def ends(low, high, best, shrink):
        width = 2 * shrink * (high - low)
        start = np.clip(best - width / 2, low, max(low, high - width))
        return start, start + width

    return logarithmic(ends)(low, high, best, shrink)


@refine_range.mistake("The range starts at best. best belongs in the middle: start half of the width below it.")
def starts_at_best(low, high, best, shrink):
    def ends(low, high, best, shrink):
        width = shrink * (high - low)
        start = np.clip(best, low, high - width)
        return start, start + width

    return logarithmic(ends)(low, high, best, shrink)


@refine_range.mistake("These are exponents. Return powers of 10, values of the hyperparameter.")
def logarithms_returned(low, high, best, shrink):
    return tuple(np.log10(refine_range(low, high, best, shrink)))


@refine_range.mistake("The range has become narrower by the share shrink. Its new width is shrink times the old one.")
def narrower_by_the_share(low, high, best, shrink):
    return refine_range(low, high, best, 1 - shrink)


@refine_range.mistake("You divide by shrink, so the range grows. Multiply.")
def divided_by_shrink(low, high, best, shrink):
    def ends(low, high, best, shrink):
        half = (high - low) / shrink / 2
        return best - half, best + half

    return logarithmic(ends)(low, high, best, shrink)


@refine_range.mistake("The middle is that of the old range. Put best in the middle.")
def around_the_middle(low, high, best, shrink):
    return refine_range(low, high, float(np.sqrt(low * high)), shrink)


@refine_range.mistake("The two ends are swapped: return the lower one first.")
def ends_swapped(low, high, best, shrink):
    return refine_range(low, high, best, shrink)[::-1]


@refine_range.mistake("The same factor 1 / shrink, up and down, ignores how wide the old range is. See (6.15).")
def factor_up_and_down(low, high, best, shrink):
    return best * shrink, best / shrink


@refine_range.mistake("The bases differ: np.log goes with np.exp, and np.log10 with 10 ** u. Use one pair.")
def refined_with_two_bases(low, high, best, shrink):
    low, high, best = np.log([low, high, best])
    width = shrink * (high - low)
    start = np.clip(best - width / 2, low, high - width)
    return 10**start, 10 ** (start + width)


@refine_range.accept("Ratios in place of logarithms: the width is a factor, and the range is shifted by dividing.")
def with_ratios(low, high, best, shrink):
    ratio = (high / low) ** shrink
    new_low = best / ratio**0.5
    if new_low < low:
        new_low = low
    if new_low * ratio > high:
        new_low = high / ratio
    return new_low, new_low * ratio


@refine_range.accept
def with_natural_logarithms_and_a_shift(low, high, best, shrink):
    u_low, u_high, middle = np.log(low), np.log(high), np.log(best)
    half = shrink * (u_high - u_low) / 2
    middle = min(max(middle, u_low + half), u_high - half)
    return [np.exp(middle - half), np.exp(middle + half)]


@refine_range.accept
def in_an_array(low, high, best, shrink):
    u = np.log2([low, high])
    ends = np.log2(best) + shrink * np.ptp(u) * np.array([-0.5, 0.5])
    ends += max(0, u[0] - ends[0]) - max(0, ends[1] - u[1])
    return tuple(2**ends)


# --- tuning_priority -------------------------------------------------------------------------------------------------

PRIORITIES = ("first", "second", "third", "default")
RIGHT = {
    "alpha": "first",
    "beta": "second",
    "mini-batch size": "second",
    "hidden units": "second",
    "layers": "third",
    "learning-rate decay": "third",
    "beta1": "default",
    "beta2": "default",
    "epsilon": "default",
}


def priority_cases(rng):
    """Return drawn selections of four in drawn orders, so that no case of another seed answers one; all occur."""
    while True:
        chosen = [[str(name) for name in rng.choice(list(RIGHT), 4, replace=False)] for _ in range(6)]
        if {name for some in chosen for name in some} == set(RIGHT):
            return [case(hyperparameters=some) for some in chosen]


@lesson.exercise(
    points=2,
    topic=24,
    cases=priority_cases,
    ask="Which one decides whether anything trains at all? Which three belong to Adam and are left as they are?",
    small={"hyperparameters": ["alpha", "layers"]},
)
def tuning_priority(hyperparameters):
    """Return when to tune each of some hyperparameters.

    Parameters
    ----------
    hyperparameters : list of str
        Some of the nine of the lesson's list, in any order.

    Returns
    -------
    priorities : dict
        ``{hyperparameter: priority}`` for each of them; priority is "first", "second", "third", or "default" for one
        that is usually left at its default.
    """
    priorities = {}
    for name in hyperparameters:
        priorities[name] = "default"
        if name == "alpha":
            priorities[name] = "first"
        if name == "beta" or name == "mini-batch size" or name == "hidden units":
            priorities[name] = "second"
        if name == "layers" or name == "learning-rate decay":
            priorities[name] = "third"
    return priorities


# One answer for all, and slips with a pattern: they come first, since each also holds single wrong choices.


@tuning_priority.mistake(
    "You want to tune everything first. With every further axis, the same trials cover less: which one comes before all?"
)
def everything_first(hyperparameters):
    return dict.fromkeys(hyperparameters, "first")


@tuning_priority.mistake("Everything is second. One hyperparameter comes before all others, some come later.")
def everything_second(hyperparameters):
    return dict.fromkeys(hyperparameters, "second")


@tuning_priority.mistake("Everything is third. One hyperparameter comes before all others, three more come second.")
def everything_third(hyperparameters):
    return dict.fromkeys(hyperparameters, "third")


@tuning_priority.mistake(
    "You leave everything at its default. Six of the nine have no default that suits all problems."
)
def everything_default(hyperparameters):
    return dict.fromkeys(hyperparameters, "default")


@tuning_priority.mistake('The choices are right. Write the words of the list: "first", "second", "third", "default".')
def numbers(hyperparameters):
    return {name: PRIORITIES.index(RIGHT[name]) + 1 for name in hyperparameters}


@tuning_priority.mistake("Return a dict, {hyperparameter: priority}, so that it is clear which belongs to which.")
def priorities_without_names(hyperparameters):
    return [RIGHT[name] for name in hyperparameters]


@tuning_priority.mistake(
    "Layers and decay come before units, batch size and beta in your list. It is the other way round."
)
def second_and_third_swapped(hyperparameters):
    swapped = {"second": "third", "third": "second"}
    return {name: swapped.get(RIGHT[name], RIGHT[name]) for name in hyperparameters}


#: What is wrong with each wrong choice, by hyperparameter and priority.
WRONG_CHOICES = {
    "alpha": {
        "second": "alpha: with a wrong step size nothing else can be judged. Does anything come before it?",
        "third": "alpha: a factor of 10 in the step size decides whether training crawls, works or explodes. It is not late.",
        "default": "alpha: the best step size changes from problem to problem by factors of 10. No default suits all.",
    },
    "beta": {
        "first": "beta: with alpha right, momentum with a middling beta trains well. Something else comes before it.",
        "third": "beta: the memory of momentum changes the path of every step, and it works together with alpha. Tune it earlier.",
        "default": "beta: 0.9 is where to start with momentum, but the list has it among those you tune.",
    },
    "mini-batch size": {
        "first": "mini-batch size: it changes noise and speed, but it saves no training whose step size is wrong.",
        "third": "mini-batch size: it sets how noisy a step is and how many steps an epoch has. Tune it before the depth.",
        "default": "mini-batch size: it depends on the data and on the machine's memory, so it has no default for all.",
    },
    "hidden units": {
        "first": "hidden units: a network of a good size learns nothing with a wrong step size. What comes before?",
        "third": "hidden units: they set what each layer can express, and too few show as bias. Tune them before the depth.",
        "default": "hidden units: how many a problem needs depends on the problem. There is no default.",
    },
    "layers": {
        "first": "layers: a deeper network with a wrong step size trains worse still. The number of layers comes late.",
        "second": "layers: in the list units come before layers; another layer changes the search for all the rest.",
        "default": "layers: how deep to go depends on the problem. It is tuned, though late.",
    },
    "learning-rate decay": {
        "first": "learning-rate decay: it shrinks alpha over time. First you need an alpha to shrink.",
        "second": "learning-rate decay: it refines the end of a training that already works. It can wait.",
        "default": "learning-rate decay: how fast to shrink depends on how long you train. It is tuned, though late.",
    },
    "beta1": {
        "first": "beta1: in Adam, 0.9 works nearly always. Do not spend your first trials on it.",
        "second": "beta1: this is the beta1 of Adam, which stays at 0.9. The beta of plain momentum is another entry.",
        "third": "beta1: the list does not tune it at all. Which value does it give?",
    },
    "beta2": {
        "first": "beta2: in Adam, 0.999 works nearly always. Do not spend your first trials on it.",
        "second": "beta2: it is the memory for squared gradients, and it stays at 0.999.",
        "third": "beta2: the list does not tune it at all. It stays at 0.999.",
    },
    "epsilon": {
        "first": "epsilon: it only keeps Adam from dividing by 0. Do not spend your first trials on it.",
        "second": "epsilon: between 1e-8 and nothing there is hardly a difference, as long as gradients are far larger.",
        "third": "epsilon: the list does not tune it at all. It stays at 1e-8.",
    },
}


def choose_wrongly(hyperparameter, priority):
    """Return the mistake that gives this priority for this hyperparameter, and says nothing about the others."""

    def wrong_choice(hyperparameters):
        return {hyperparameter: priority} if hyperparameter in hyperparameters else {}

    wrong_choice.__name__ = f"{priority}_for_{hyperparameter.replace(' ', '_').replace('-', '_')}"
    return wrong_choice


for _hyperparameter, _hints in WRONG_CHOICES.items():
    for _priority, _hint in _hints.items():
        tuning_priority.mistake(_hint, partial=True)(choose_wrongly(_hyperparameter, _priority))


@tuning_priority.accept("The list as a dict: looking up needs no if.")
def from_a_dict(hyperparameters):
    return {name: RIGHT[name] for name in hyperparameters}


@tuning_priority.accept
def all_priorities_at_once(hyperparameters):
    return dict(RIGHT)


@tuning_priority.accept
def by_groups(hyperparameters):
    groups = {
        "first": ["alpha"],
        "second": ["hidden units", "beta", "mini-batch size"],
        "third": ["learning-rate decay", "layers"],
        "default": ["epsilon", "beta1", "beta2"],
    }
    return {name: priority for priority, names in groups.items() for name in names if name in hyperparameters}
