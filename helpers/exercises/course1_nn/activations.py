"""Lesson 1.3, activation functions: the catalogue of its seven exercises. Equations are those of the notebook.

No case holds z = 0: there ReLU and leaky ReLU have no derivative, and both one-sided slopes are right answers.
"""

import math

import numpy as np
from scipy.special import expit as sigmoid

from helpers.exercises import Lesson, case

lesson = Lesson("activations")

# --- predictions -----------------------------------------------------------------------------------------------------

lesson.predict(
    "slip",
    "At z = 10 the slope of the sigmoid is about 0.000045. What does sigmoid_derivative(a) give, with a = σ(10)?",
    ("about 0.000045, too", "about 0.05", "about 0.2"),
    "a is nearly 1, and the slope of the sigmoid at the score 1 is about 0.2. The function takes what it gets for a score.",
)
lesson.predict(
    "corner",
    "Measure the slope of ReLU at 0 with a small step h both ways: (ReLU(h) - ReLU(-h)) / (2h). Which number comes out?",
    because="ReLU(h) is h and ReLU(-h) is 0, so it is h / (2h): half of each side, which is the slope of neither.",
)
lesson.predict(
    "stuck",
    "All biases start at -10. With how many of the four functions is the cost after 1500 steps below 0.69, better than guessing?",
    ("none", "one", "two", "three", "all four"),
    "Sigmoid and tanh are flat there, ReLU has the slope 0 exactly; leaky ReLU has 0.01, and that is enough to move.",
)
lesson.predict(
    "four_times",
    "Compare the cost after 200 steps, mean of five starts: sigmoid at 1.2 with tanh at 0.3 and with tanh at 1.2.",
    (
        "the sigmoid at 1.2 is ahead of both",
        "the sigmoid at 1.2 is behind both",
        "it is about where tanh is at 0.3, and behind tanh at 1.2",
    ),
    "Four times the rate makes up for a quarter of the slope. But tanh can have the larger rate, too.",
)


#: Scores to follow by hand: sigmoid gives 1/2 and 3/4.
SMALL_SIGMOID = {"z": np.array([[0.0, math.log(3)]])}
#: tanh gives 0 and 0.6.
SMALL_TANH = {"z": np.array([[0.0, math.log(2)]])}
SMALL_RELU = {"z": np.array([[-2.0, 0.5, 3.0]])}
SMALL_LEAKY = {"z": np.array([[-2.0, 0.5, 3.0]]), "slope": 0.1}


def score_cases(rng):
    """Return scores of all sizes, from a number to the far ends; the curve has 160 points, so that none is 0."""
    return [
        case(z=float(rng.uniform(0.4, 0.9))),
        case(z=-float(rng.uniform(0.4, 0.9))),
        case(z=rng.normal(size=(3, 5))),
        case(z=rng.normal(size=(4, 1)) * 2),
        case(z=np.array([[-1000.0, -10.0, -2.5, 2.5, 10.0, 1000.0]])),
        case("curve", z=np.linspace(-6, 6, 160)),
    ]


def slope_cases(rng):
    """Return more scores than `score_cases`: where the slope is nearly 0, a difference quotient is off."""
    far = rng.uniform(17, 21, size=(2, 3)) * [[1, -1, 1], [1, 1, -1]]
    return [*score_cases(rng), case(z=far), case(z=far / 2)]


# --- sigmoid_derivative ----------------------------------------------------------------------------------------------


@lesson.exercise(
    points=2,
    topic=10,
    equation="(3.7)",
    backward=True,
    cases=slope_cases,
    rtol=1e-10,
    atol=1e-13,
    ask="(3.7) is written with a. The argument is z. What must be computed first, and how often may the sigmoid be applied?",
    small=SMALL_SIGMOID,
)
def sigmoid_derivative(z):
    """Return the slope of the logistic function at each entry of z.

    Parameters
    ----------
    z : float or ndarray of any shape
        The scores, not the activations.

    Returns
    -------
    slope : float or ndarray, shape of z
        Between 0 and 1/4.
    """
    a = sigmoid(z)
    return a * (1 - a)  # (3.7)


@sigmoid_derivative.mistake("This is z (1 - z). The argument is the score z: compute a = sigmoid(z) first.")
def sigmoid_rule_on_z(z):
    return z * (1 - z)


@sigmoid_derivative.mistake("The sigmoid is applied twice, so this is the slope at a, not at z. Apply it once.")
def sigmoid_slope_at_a(z):
    a = sigmoid(sigmoid(z))
    return a * (1 - a)


@sigmoid_derivative.mistake("This is the sigmoid itself. Return its slope.")
def sigmoid_itself(z):
    return sigmoid(z)


@sigmoid_derivative.mistake("This is 1 - a. The factor a is missing.")
def one_minus_a(z):
    return 1 - sigmoid(z)


@sigmoid_derivative.mistake("`a * 1 - a` is read as `(a * 1) - a`, which is 0. Put 1 - a in parentheses.")
def parentheses_of_one_minus_a_missing(z):
    return sigmoid(z) * 1 - sigmoid(z)


@sigmoid_derivative.mistake("1 - a² is the rule of tanh. For the sigmoid the rule is a (1 - a).")
def tanh_rule_for_sigmoid(z):
    return 1 - sigmoid(z) ** 2


@sigmoid_derivative.mistake(
    "The sign is wrong: the sigmoid rises, so its slope is positive. The minus signs of -u^(-2) and -e^(-z) cancel."
)
def sigmoid_slope_negative(z):
    a = sigmoid(z)
    return a * (a - 1)


@sigmoid_derivative.mistake(
    "For a very negative z, e^(-z) is too large for a float, and inf / inf is nan. Compute a first, then a (1 - a)."
)
def sigmoid_slope_from_exp_of_minus_z(z):
    return np.exp(-z) / (1 + np.exp(-z)) ** 2


@sigmoid_derivative.mistake(
    "For a very large z, e^z is too large for a float, and inf / inf is nan. Compute a first, then a (1 - a)."
)
def sigmoid_slope_from_exp_of_z(z):
    return np.exp(z) / (1 + np.exp(z)) ** 2


@sigmoid_derivative.accept(
    "1 - a is σ(-z), so the slope is a product of two sigmoids: exact even where a is rounded to 1."
)
def both_probabilities(z):
    return sigmoid(z) * sigmoid(-np.asarray(z))


@sigmoid_derivative.accept("(3.8): a quarter minus the square of the distance from one half.")
def quarter_minus_square(z):
    return 0.25 - (sigmoid(z) - 0.5) ** 2


@sigmoid_derivative.accept
def through_cosh(z):
    return 1 / (2 * np.cosh(np.asarray(z) / 2)) ** 2


@sigmoid_derivative.accept
def sigmoid_slope_entry_by_entry(z):
    z = np.asarray(z)
    slope = np.empty(z.shape)
    for index in np.ndindex(z.shape):
        small = math.exp(-abs(z[index]))
        slope[index] = small / (1 + small) ** 2
    return slope


# --- tanh ------------------------------------------------------------------------------------------------------------


@lesson.exercise(
    points=1,
    topic=10,
    equation="(3.10)",
    cases=score_cases,
    ask="(3.9) gives infinity / infinity at z = 710. Which form of (3.10) contains no exponential that can overflow, and where in it does the factor 2 stand?",
    small=SMALL_TANH,
    why={
        "question": "Why is tanh built from the sigmoid here, and not from (3.9)?",
        "where": "sigmoid(",
        "choices": {
            "in (3.9) both exponentials overflow for large scores, and infinity / infinity is nan": "Yes. On paper both are the same function.",
            "(3.9) is another function": "No: (3.10) derives one from the other.",
            "(3.9) gives values between 0 and 1": "No: it runs from -1 to 1 as well. Try z = 710 in both.",
        },
    },
)
def tanh(z):
    """Return the hyperbolic tangent of each entry.

    Parameters
    ----------
    z : float or ndarray of any shape

    Returns
    -------
    a : float or ndarray, shape of z
        Between -1 and 1.
    """
    return 2 * sigmoid(2 * z) - 1  # (3.10)


@tanh.mistake("For large |z| e^z or e^(-z) is too large for a float, and inf / inf is nan. Use (3.10).")
def tanh_that_overflows(z):
    return (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z))


@tanh.mistake("The sigmoid is taken at z. In (3.10) it is taken at 2 z.")
def sigmoid_at_z(z):
    return 2 * sigmoid(z) - 1


@tanh.mistake("The 1 is subtracted inside the sigmoid. In (3.10) it is subtracted at the end.")
def one_subtracted_inside(z):
    return 2 * sigmoid(2 * z - 1)


@tanh.mistake("Division comes before plus and minus: put numerator and denominator in parentheses. Or use (3.10).")
def parentheses_of_the_fraction_missing(z):
    return np.exp(z) - np.exp(-z) / np.exp(z) + np.exp(-z)


@tanh.mistake("Your curve runs from 0 to 2. The last term of (3.10) is missing.")
def not_shifted(z):
    return 2 * sigmoid(2 * z)


@tanh.mistake("Your curve runs from -1 to 0. Twice the sigmoid is wanted, minus 1.")
def not_scaled(z):
    return sigmoid(2 * z) - 1


@tanh.mistake("This is the sigmoid of 2 z, which runs from 0 to 1. Stretch it and shift it, as (3.10) says.")
def sigmoid_of_twice_z(z):
    return sigmoid(2 * z)


@tanh.mistake("This is the sigmoid, which runs from 0 to 1. tanh runs from -1 to 1.")
def sigmoid_for_tanh(z):
    return sigmoid(z)


@tanh.mistake("This is the derivative 1 - a². Return a itself.")
def tanh_derivative_instead(z):
    return 1 - np.tanh(z) ** 2


@tanh.mistake("The fraction is upside down: the difference of the powers stands above their sum.")
def tanh_upside_down(z):
    return 1 / np.tanh(z)


@tanh.mistake("Your curve falls as z grows. Look at the sign in front of 2 z.")
def tanh_of_minus_z(z):
    return 2 * sigmoid(-2 * z) - 1


@tanh.mistake("This is the tangent of an angle. The hyperbolic tangent is another function, see (3.9).")
def tangent_of_an_angle(z):
    return np.tan(z)


@tanh.accept
def tanh_of_numpy(z):
    return np.tanh(z)


@tanh.accept
def tanh_with_one_exponential(z):
    return 1 - 2 / (np.exp(2 * np.asarray(z)) + 1)


@tanh.accept("The exponent is never positive, so nothing overflows; the sign of z is put back at the end.")
def tanh_with_small_exponentials(z):
    small = np.exp(-2 * np.abs(z))
    return np.sign(z) * (1 - small) / (1 + small)


@tanh.accept
def tanh_entry_by_entry(z):
    if np.ndim(z) == 0:
        return math.tanh(z)
    return np.array([math.tanh(one) for one in z.ravel()]).reshape(z.shape)


# --- tanh_derivative -------------------------------------------------------------------------------------------------


@lesson.exercise(
    points=2,
    topic=10,
    equation="(3.11)",
    backward=True,
    cases=slope_cases,
    rtol=1e-10,
    atol=1e-13,
    ask="In (3.11), is the square that of z or that of a?",
    small=SMALL_TANH,
)
def tanh_derivative(z):
    """Return the slope of tanh at each entry of z.

    Parameters
    ----------
    z : float or ndarray of any shape
        The scores, not the activations.

    Returns
    -------
    slope : float or ndarray, shape of z
        Between 0 and 1.
    """
    return 1 - np.tanh(z) ** 2  # (3.11)


@tanh_derivative.mistake("This is 1 - tanh(z). The square is missing: 1 - a².")
def tanh_not_squared(z):
    return 1 - np.tanh(z)


@tanh_derivative.mistake("This is 1 - 2 a. In Python the square of a is `a ** 2`.")
def tanh_doubled(z):
    return 1 - np.tanh(z) * 2


@tanh_derivative.mistake("This is 1 - z². The argument is the score z: compute a = tanh(z) first.")
def tanh_rule_on_z(z):
    return 1 - np.asarray(z) ** 2


@tanh_derivative.mistake("tanh is applied twice, so this is the slope at a, not at z. Apply it once.")
def tanh_slope_at_a(z):
    return 1 - np.tanh(np.tanh(z)) ** 2


@tanh_derivative.mistake("a (1 - a) is the rule of the sigmoid. For tanh the rule is 1 - a².")
def sigmoid_rule_for_tanh(z):
    return np.tanh(z) * (1 - np.tanh(z))


@tanh_derivative.mistake("This is (1 - a)². Only a is squared: 1 - a².")
def difference_squared(z):
    return (1 - np.tanh(z)) ** 2


@tanh_derivative.mistake("This is tanh of z². Square the activation, not the score: tanh(z) ** 2.")
def score_squared(z):
    return 1 - np.tanh(np.asarray(z) ** 2)


@tanh_derivative.mistake("The sign is wrong: tanh rises, so its slope is positive. It is 1 - a², not a² - 1.")
def tanh_slope_negative(z):
    return np.tanh(z) ** 2 - 1


@tanh_derivative.mistake("This is 1 + a². In the quotient rule the second product is subtracted.")
def plus_in_the_quotient_rule(z):
    return 1 + np.tanh(z) ** 2


@tanh_derivative.mistake("This is tanh itself. Return its slope.")
def tanh_itself(z):
    return np.tanh(z)


@tanh_derivative.mistake(
    "For large |z| e^z or e^(-z) is too large for a float, and inf / inf is nan. Use your tanh for a, then 1 - a²."
)
def tanh_slope_that_overflows(z):
    return 1 - ((np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z))) ** 2


@tanh_derivative.accept
def one_over_cosh_squared(z):
    return 1 / np.cosh(z) ** 2


@tanh_derivative.accept("(3.12): four times the sigmoid's slope at 2z.")
def through_the_slope_of_the_sigmoid(z):
    return 4 * sigmoid_derivative(2 * np.asarray(z))


@tanh_derivative.accept("1 - a² as (1 - a)(1 + a): one bracket is 0 on each side far out.")
def product_of_two_brackets(z):
    a = np.tanh(z)
    return (1 - a) * (1 + a)


@tanh_derivative.accept
def tanh_slope_entry_by_entry(z):
    z = np.asarray(z)
    slope = np.zeros(z.shape)
    for index in np.ndindex(z.shape):
        slope[index] = 1 - math.tanh(z[index]) ** 2
    return slope


# --- relu ------------------------------------------------------------------------------------------------------------


@lesson.exercise(
    points=1,
    topic=10,
    equation="(3.13)",
    cases=score_cases,
    ask="Does `max` compare entry by entry, or does it decide once for the whole array?",
    small=SMALL_RELU,
)
def relu(z):
    """Return the larger of 0 and z, entry by entry.

    Parameters
    ----------
    z : float or ndarray of any shape

    Returns
    -------
    a : float or ndarray, shape of z
    """
    return np.maximum(0, z)  # (3.13)


@relu.mistake("Negative scores must give 0, not their absolute value.")
def absolute_value(z):
    return np.abs(z)


@relu.mistake("This is the derivative of ReLU. Return the value itself where z is positive.")
def relu_derivative_instead(z):
    return (np.asarray(z) > 0) * 1.0


@relu.mistake("The smaller of 0 and z is kept. ReLU keeps the larger.")
def relu_with_minimum(z):
    return np.minimum(0, z)


@relu.mistake(
    "`max` and `if` decide once, for one number; an array has many. `np.maximum` and `np.where` decide for each entry."
)
def max_of_python(z):
    return max(0, z)


@relu.mistake("`np.max(0, z)` takes z for an axis. `np.maximum(0, z)` takes the larger of 0 and each entry of z.")
def max_with_two_arguments(z):
    return np.max(0, z)


@relu.mistake("One number comes back for the whole array. `np.maximum(0, z)`, not `np.max(z)`, goes entry by entry.")
def max_of_all_entries(z):
    return np.maximum(0, np.max(z))


@relu.mistake("`z[z < 0] = 0` changes the caller's array, and a number has no entries. `np.maximum` makes a new array.")
def relu_in_place(z):
    z[z < 0] = 0
    return z


@relu.mistake("This is leaky ReLU, which comes later in the lesson. ReLU is exactly 0 for negative scores.")
def leaky_relu_instead(z):
    return np.where(np.asarray(z) > 0, z, 0.01 * np.asarray(z))


@relu.mistake("The score itself comes back. Where z is negative, ReLU gives 0.")
def identity(z):
    return z


@relu.accept("True and False count as 1 and 0: the mask lets positive scores through.")
def product_with_mask(z):
    return z * (np.asarray(z) > 0)


@relu.accept
def relu_with_where(z):
    return np.where(np.asarray(z) >= 0, z, 0)


@relu.accept("(z + |z|) / 2: for positive z the two add up to 2z, for negative z to 0.")
def mean_of_score_and_size(z):
    return (z + np.abs(z)) / 2


@relu.accept
def relu_on_a_copy(z):
    a = np.array(z, copy=True)
    a[a < 0] = 0
    return a


@relu.accept
def relu_entry_by_entry(z):
    if np.ndim(z) == 0:
        return max(0, z)
    return np.array([max(0.0, one) for one in z.flat]).reshape(z.shape)


# --- relu_derivative -------------------------------------------------------------------------------------------------


@lesson.exercise(
    points=2,
    topic=10,
    equation="(3.14)",
    backward=True,
    cases=score_cases,
    ask="Which two values can the slope have, and does the size of z matter or only its sign? A plain number is a case, too: which of your calls works for it?",
    small=SMALL_RELU,
)
def relu_derivative(z):
    """Return the slope of ReLU at each entry of z: 1 or 0.

    Parameters
    ----------
    z : float or ndarray of any shape
        The scores. At exactly 0 there is no slope; this function says 0 there, and 1 is as good.

    Returns
    -------
    slope : float or ndarray, shape of z
    """
    return np.where(np.asarray(z) > 0, 1.0, 0.0)  # (3.14)


@relu_derivative.mistake("This is ReLU itself. Its slope is 1 wherever z is positive, however large z is.")
def relu_itself(z):
    return np.maximum(0, z)


@relu_derivative.mistake("This is the sign of z. For negative scores ReLU is flat: the slope is 0, not -1.")
def sign_of_z(z):
    return np.sign(z)


@relu_derivative.mistake("The two sides are swapped: the slope is 1 for positive scores and 0 for negative ones.")
def relu_sides_swapped(z):
    return np.where(np.asarray(z) > 0, 0.0, 1.0)


@relu_derivative.mistake("The slope is 1 everywhere. For negative scores ReLU is flat, with slope 0.")
def one_everywhere(z):
    return np.ones(np.shape(z))


@relu_derivative.mistake("The threshold is z = 0. Where does your comparison put it?")
def threshold_one(z):
    return np.where(np.asarray(z) > 1, 1.0, 0.0)


@relu_derivative.mistake("This is the slope of leaky ReLU. For negative scores ReLU has the slope 0 exactly.")
def leaky_slope_instead(z):
    return np.where(np.asarray(z) > 0, 1.0, 0.01)


@relu_derivative.mistake(
    "`z > 0` of a plain number is True or False and has no `.astype`. `np.asarray(z) > 0` and `np.where` take both, numbers "
    "and arrays."
)
def astype_of_a_number(z):
    return (z > 0).astype(float)


@relu_derivative.mistake("`if z > 0` decides once, for one number. `np.where` decides for each entry of an array.")
def relu_slope_with_if(z):
    return 1.0 if z > 0 else 0.0


@relu_derivative.mistake(
    "Assigning to z[...] changes the caller's array, and a number has no entries. Make a new array, as `np.where` does."
)
def relu_slope_in_place(z):
    z[z > 0] = 1
    z[z <= 0] = 0
    return z


@relu_derivative.accept("True and False are 1 and 0 in a product, so no numbers need to be made.")
def booleans(z):
    return np.asarray(z) > 0


@relu_derivative.accept
def one_at_zero(z):
    return (np.asarray(z) >= 0).astype(int)


@relu_derivative.accept("NumPy knows this step as `np.heaviside`; its second argument is the value at 0.")
def step_of_heaviside(z):
    return np.heaviside(z, 0.5)


@relu_derivative.accept
def from_the_activation(z):
    return np.sign(np.maximum(z, 0))


@relu_derivative.accept
def relu_slope_entry_by_entry(z):
    z = np.asarray(z)
    slope = np.zeros(z.shape)
    for index in np.ndindex(z.shape):
        if z[index] > 0:
            slope[index] = 1
    return slope


# --- leaky_relu ------------------------------------------------------------------------------------------------------


def leaky_cases(rng):
    """Return the cases of the others, with several slopes; the last is drawn with a slope that one can see."""

    def slope():
        return float(rng.uniform(0.05, 0.3))

    z = [arguments["z"] for _, arguments in score_cases(rng)]
    return [
        case(z=z[0], slope=slope()),
        case(z=z[1], slope=slope()),
        case(z=z[2], slope=slope()),
        case(z=z[3]),
        case(z=z[4], slope=slope()),
        case("curve", z=z[5], slope=0.1),
    ]


@lesson.exercise(
    points=1,
    topic=10,
    equation="(3.15)",
    cases=leaky_cases,
    ask="With slope 0.1, what becomes of -2, and what of 3? Which of z and 0.1 z is larger in each case?",
    small=SMALL_LEAKY,
)
def leaky_relu(z, slope=0.01):
    """Return z where it is positive and a small multiple of it elsewhere.

    Parameters
    ----------
    z : float or ndarray of any shape
    slope : float
        The slope for negative scores, between 0 and 1.

    Returns
    -------
    a : float or ndarray, shape of z
    """
    z = np.asarray(z)
    return np.where(z > 0, z, slope * z)  # (3.15)


@leaky_relu.mistake("The slope is fixed inside the function. Use the argument slope.")
def leaky_slope_fixed(z, slope=0.01):
    return np.where(np.asarray(z) > 0, z, 0.01 * np.asarray(z))


@leaky_relu.mistake("For negative scores you return the slope alone. Multiply it by z.")
def slope_without_z(z, slope=0.01):
    return np.where(np.asarray(z) > 0, z, slope)


@leaky_relu.mistake("`np.maximum(slope, z)` compares z with the slope. Compare z with slope * z.")
def maximum_of_slope_and_z(z, slope=0.01):
    return np.maximum(slope, z)


@leaky_relu.mistake("This is plain ReLU: negative scores give 0. They should leak through, times slope.")
def relu_without_leak(z, slope=0.01):
    return np.maximum(0, z)


@leaky_relu.mistake("The sides are swapped: the small slope belongs to the negative scores.")
def leaky_sides_swapped(z, slope=0.01):
    return np.where(np.asarray(z) > 0, slope * np.asarray(z), z)


@leaky_relu.mistake("Negative scores must stay negative: slope * z, without a minus sign.")
def leak_with_minus(z, slope=0.01):
    return np.where(np.asarray(z) > 0, z, -slope * np.asarray(z))


@leaky_relu.mistake("All scores are multiplied by slope. Positive ones stay as they are.")
def slope_on_both_sides(z, slope=0.01):
    return slope * np.asarray(z)


@leaky_relu.mistake("This is the derivative of leaky ReLU. Return the value.")
def leaky_derivative_instead(z, slope=0.01):
    return np.where(np.asarray(z) > 0, 1.0, slope)


@leaky_relu.mistake("`max` and `if` decide once, for one number. `np.where` and `np.maximum` decide for each entry.")
def leaky_with_if(z, slope=0.01):
    return z if z > 0 else slope * z


@leaky_relu.accept("For a slope between 0 and 1 the right piece is always the larger of the two lines z and s z.")
def maximum_of_two_lines(z, slope=0.01):
    return np.maximum(z, slope * np.asarray(z))


@leaky_relu.accept("ReLU plus slope times the negative part: the two pieces are added up.")
def two_halves(z, slope=0.01):
    return np.maximum(0, z) + slope * np.minimum(0, z)


@leaky_relu.accept
def leaky_with_mask(z, slope=0.01):
    positive = np.asarray(z) >= 0
    return positive * z + ~positive * (slope * np.asarray(z))


@leaky_relu.accept
def leaky_entry_by_entry(z, slope=0.01):
    z = np.asarray(z)
    a = np.zeros(z.shape)
    for index in np.ndindex(z.shape):
        a[index] = z[index] if z[index] > 0 else slope * z[index]
    return a


# --- leaky_relu_derivative -------------------------------------------------------------------------------------------


@lesson.exercise(
    points=2,
    topic=10,
    equation="(3.16)",
    backward=True,
    cases=leaky_cases,
    ask="On which side of 0 is the slope 1, and what is it on the other side: slope, or slope times z?",
    small=SMALL_LEAKY,
)
def leaky_relu_derivative(z, slope=0.01):
    """Return the slope of leaky ReLU at each entry of z: 1 or `slope`.

    Parameters
    ----------
    z : float or ndarray of any shape
        The scores. At exactly 0 there is no slope; this function says `slope` there, and 1 is as good.
    slope : float
        The slope for negative scores, between 0 and 1.

    Returns
    -------
    derivative : float or ndarray, shape of z
    """
    return np.where(np.asarray(z) > 0, 1.0, slope)  # (3.16)


@leaky_relu_derivative.mistake("This is the slope of plain ReLU. For negative scores return slope instead of 0.")
def relu_slope_instead(z, slope=0.01):
    return np.where(np.asarray(z) > 0, 1.0, 0.0)


@leaky_relu_derivative.mistake("The slope is fixed inside the function. Use the argument slope.")
def leaky_derivative_with_fixed_slope(z, slope=0.01):
    return np.where(np.asarray(z) > 0, 1.0, 0.01)


@leaky_relu_derivative.mistake(
    "For negative scores you return slope * z, a value. The slope of that line is slope alone."
)
def slope_times_z(z, slope=0.01):
    return np.where(np.asarray(z) > 0, 1.0, slope * np.asarray(z))


@leaky_relu_derivative.mistake("For positive scores you return z, a value. The slope of that line is 1.")
def z_for_one(z, slope=0.01):
    return np.where(np.asarray(z) > 0, z, slope)


@leaky_relu_derivative.mistake("This is leaky ReLU itself. Return its slope.")
def leaky_itself(z, slope=0.01):
    return np.where(np.asarray(z) > 0, z, slope * np.asarray(z))


@leaky_relu_derivative.mistake("The sides are swapped: the small slope belongs to the negative scores.")
def leaky_derivative_sides_swapped(z, slope=0.01):
    return np.where(np.asarray(z) > 0, slope, 1.0)


@leaky_relu_derivative.mistake("Leaky ReLU rises on both sides: the slope for negative scores is +slope.")
def leaky_derivative_with_minus(z, slope=0.01):
    return np.where(np.asarray(z) > 0, 1.0, -slope)


@leaky_relu_derivative.mistake(
    "`if z > 0` decides once, for one number. `np.where` decides for each entry of an array."
)
def leaky_derivative_with_if(z, slope=0.01):
    return 1.0 if z > 0 else slope


@leaky_relu_derivative.mistake("The threshold is z = 0. Your slope becomes 1 only above 1.")
def leaky_threshold_one(z, slope=0.01):
    return np.where(np.asarray(z) > 1, 1, slope)


@leaky_relu_derivative.accept("The slope everywhere, and what is missing to 1 where z is positive.")
def slope_plus_the_rest(z, slope=0.01):
    return slope + (1 - slope) * (np.asarray(z) > 0)


@leaky_relu_derivative.accept
def one_at_zero_leaky(z, slope=0.01):
    return np.where(np.asarray(z) >= 0, 1, slope)


@leaky_relu_derivative.accept("An array full of the slope, in which the positive places are set to 1.")
def filled_array(z, slope=0.01):
    derivative = np.full(np.shape(z), slope)
    derivative[np.asarray(z) > 0] = 1
    return derivative


@leaky_relu_derivative.accept
def leaky_derivative_entry_by_entry(z, slope=0.01):
    if np.ndim(z) == 0:
        return 1 if z > 0 else slope
    return np.array([1.0 if one > 0 else slope for one in z.ravel()]).reshape(z.shape)
