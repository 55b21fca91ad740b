"""Lesson 1.1, introduction: the catalogue of its five exercises. Equations are those of the notebook."""

import numpy as np
from scipy.special import expit

from helpers.exercises import Function, Lesson, case

lesson = Lesson("introduction")

# --- predictions -----------------------------------------------------------------------------------------------------

lesson.predict(
    "silent",
    "The houses have 30 to 150 m². Set w = 0.5 and b = -100. For how many of the eight houses does the neuron answer 0?",
    because="The largest score is 0.5 · 150 - 100 = -25, so all scores are negative.",
)
lesson.predict(
    "mixed",
    "X is made by images.reshape(n_x, m), which has the right shape. What stands in its first column?",
    ("the first patch", "another whole patch", "bits of all patches"),
    "reshape fills row by row: the first m numbers of patch 1 become the first row, one for each column.",
)
lesson.predict(
    "little_data",
    "With only 50 digits to learn from, how many of the three networks are as good as the nearest mean, or nearly so "
    "(no more than 3.5 points behind the best)?",
    ("none", "one", "two", "all three"),
    "With few digits the means of ten labels are hard to beat. Two of the networks come as far; the one with 4 hidden "
    "neurons does not.",
)
lesson.predict(
    "catch_up",
    "With 4000 digits, mean of five runs: is the small network, with 4 hidden neurons, ahead of the nearest mean?",
    ("no", "yes"),
    "Four hidden neurons have to tell ten digits apart, and many starts end badly. More digits help it, but not enough.",
)


#: A house of 60 m² with 2 bedrooms and a hut of 10 m² with 1: the scores are 180 and -30.
SMALL_HOUSES = {"x": np.array([[60.0, 10.0], [2.0, 1.0]]), "w": np.array([[4.0], [10.0]]), "b": -80.0}
#: Two pictures of 1 by 2 pixels.
SMALL_IMAGES = np.arange(12).reshape(2, 1, 2, 3)


# --- neuron ----------------------------------------------------------------------------------------------------------


def neuron_cases(rng):
    def one(n_x, b, scores):
        """Return x, w, b with these scores in some order: none so near to 0 that rounding decides."""
        w = rng.normal(size=(n_x, 1))
        x = rng.normal(size=(n_x, len(scores)))
        x = x + w @ (rng.permutation(scores)[None, :] - b - w.T @ x) / np.sum(w * w)
        return case(x=x, w=w, b=b)

    return [
        one(2, 0.9, [-1.5, -0.3, 0.3, 2.0]),
        one(3, -0.7, [-2.0, -1.1, -0.4, 0.2, 0.4, 1.3, 1.6]),
        one(5, 0.6, [1.8]),
        one(4, 1.4, [-0.8]),
        one(1, -20.0, [-1000.0, 1000.0, 30.0]),
    ]


@lesson.exercise(
    points=1,
    topic=1,
    equation="(1.3)",
    cases=neuron_cases,
    ask="w is (n_x, 1) and x is (n_x, m). Which product of the two has one score per example? And which of 0 and a score of -30 does the neuron return?",
    small=SMALL_HOUSES,
    why={
        "question": "Why is b added before the larger of 0 and the score is taken, and not after?",
        "choices": {
            "b belongs to the score: it decides where the line meets zero": "Yes. Added afterwards, it would lift the flat part as well, and the answer could be negative.",
            "both give the same numbers": "No: take the score -30 with b = -80 both ways.",
            "adding is faster than comparing": "No: it is not a matter of speed. Take the hut of 10 m² both ways.",
        },
    },
)
def neuron(x, w, b):
    """Return the activation of one neuron for each example.

    Parameters
    ----------
    x : ndarray, shape (n_x, m)
        One example per column; m = 1 for a single one.
    w : ndarray, shape (n_x, 1)
        Weights.
    b : float
        Bias.

    Returns
    -------
    a : ndarray, shape (1, m)
        The larger of 0 and the score.
    """
    return np.maximum(0, w.T @ x + b)  # (1.3)


@neuron.mistake("These are the scores, and some are negative. The neuron returns the larger of 0 and the score.")
def score_without_relu(x, w, b):
    return w.T @ x + b


@neuron.mistake("The smaller of 0 and the score is kept. Keep the larger.")
def smaller_kept(x, w, b):
    return np.minimum(0, w.T @ x + b)


@neuron.mistake("A negative score gives 0, not its absolute value.")
def absolute_score(x, w, b):
    return np.abs(w.T @ x + b)


@neuron.mistake("b is not in your score.")
def score_without_b(x, w, b):
    return np.maximum(0, w.T @ x)


@neuron.mistake("b is added after the cut. It belongs to the score: add it first, then take the larger of 0 and that.")
def b_after_the_cut(x, w, b):
    return np.maximum(0, w.T @ x) + b


@neuron.mistake("b is subtracted. The score is the weighted sum plus b.")
def b_subtracted(x, w, b):
    return np.maximum(0, w.T @ x - b)


@neuron.mistake(
    "`*` multiplies entry by entry and does not add up over the features. "
    "The weighted sums of all examples are `w.T @ x`."
)
def entry_by_entry(x, w, b):
    return np.maximum(0, w * x + b)


@neuron.mistake(
    "You add up over all examples. Each column of x is one example with its own activation: use `w.T @ x`, "
    "or a sum over axis 0."
)
def summed_over_all(x, w, b):
    return np.maximum(0, np.sum(w * x) + b)


@neuron.mistake("Your activations stand below each other, shape (m, 1). They form a row: `w.T @ x`, not `x.T @ w`.")
def column_of_activations(x, w, b):
    return np.maximum(0, x.T @ w + b)


@neuron.mistake("Your activations have one axis, shape (m,). Keep the row: shape (1, m).")
def one_axis_of_activations(x, w, b):
    return np.maximum(0, w.T @ x + b)[0]


@neuron.mistake("`max` of Python compares two single numbers. `np.maximum` compares arrays entry by entry.")
def max_of_python(x, w, b):
    return max(0, w.T @ x + b)


@neuron.mistake("Without `.T` the shapes of w and x do not fit: (n_x, 1) times (n_x, m). Turn w into a row: `w.T @ x`.")
def without_transpose(x, w, b):
    return np.maximum(0, w @ x + b)


@neuron.mistake(
    "This says only whether the score is positive (1) or not (0). Where it is positive, return the score itself."
)
def step_function(x, w, b):
    return (w.T @ x + b > 0) * 1.0


@neuron.mistake(
    "This is the logistic function of the next lesson. Here the neuron returns the larger of 0 and the score."
)
def logistic_instead(x, w, b):
    return expit(w.T @ x + b)


@neuron.mistake("`if` decides once, for one score. There are m of them: `np.maximum(0, z)` decides for each.")
def score_with_if(x, w, b):
    z = w.T @ x + b
    if z < 0:
        return 0
    return z


@neuron.mistake("The products are averaged. The score is their sum, plus b.")
def products_averaged(x, w, b):
    return np.maximum(0, np.mean(w * x, axis=0, keepdims=True) + b)


@neuron.mistake("Each product is cut at 0 by itself. Add them up first, then take the larger of 0 and the score.")
def each_product_cut(x, w, b):
    return np.sum(np.maximum(0, w * x), axis=0, keepdims=True) + b


@neuron.mistake("Only the first feature counts. The score adds up all of them: `w.T @ x`.")
def first_feature_only(x, w, b):
    return np.maximum(0, w[0] * x[:1] + b)


@neuron.accept("(1.2) as it stands, one house and one feature at a time.")
def with_loops(x, w, b):
    n_x, m = x.shape
    a = np.zeros((1, m))
    for i in range(m):
        z = b
        for j in range(n_x):
            z += w[j, 0] * x[j, i]
        if z > 0:
            a[0, i] = z
    return a


@neuron.accept("True and False count as 1 and 0: the mask keeps positive scores and makes the others 0.")
def with_mask(x, w, b):
    z = np.dot(w.T, x) + b
    return z * (z > 0)


@neuron.accept
def with_einsum_and_clip(x, w, b):
    return np.clip(np.einsum("jk,ji->ki", w, x) + b, 0, None)


@neuron.accept
def with_sum_and_where(x, w, b):
    z = np.sum(w * x, axis=0, keepdims=True) + b
    return np.where(z > 0, z, 0)


@neuron.accept
def half_of_sum_and_size(x, w, b):
    z = w.T @ x + b
    return (z + np.abs(z)) / 2


# --- architecture_for ------------------------------------------------------------------------------------------------

KINDS = ("standard", "CNN", "RNN", "hybrid")
RIGHT = {
    "house price": "standard",
    "ad click": "standard",
    "photo tagging": "CNN",
    "speech recognition": "RNN",
    "machine translation": "RNN",
    "autonomous driving": "hybrid",
    "loan default": "standard",
    "x-ray screening": "CNN",
    "house advert": "hybrid",
}


def application_cases(rng):
    """Return drawn selections of three in drawn orders, so that no case of another seed answers one; all occur."""
    names = np.array(list(RIGHT))
    while True:
        chosen = [[str(name) for name in rng.choice(names, 3, replace=False)] for _ in range(7)]
        if {name for some in chosen for name in some} == set(RIGHT):
            return [case(applications=some) for some in chosen]


@lesson.exercise(
    points=2,
    topic=2,
    cases=application_cases,
    ask="What goes in, not what comes out: is the input a list, a grid of neighbours, a sequence, or several of these?",
    small={"applications": ["house price", "photo tagging"]},
)
def architecture_for(applications):
    """Return the kind of network that suits each of some applications.

    Parameters
    ----------
    applications : list of str
        Some of the nine of the lesson's table, in any order.

    Returns
    -------
    kinds : dict
        ``{application: kind}`` for each of them; kind is "standard", "CNN", "RNN" or "hybrid".
    """
    kinds = {}
    for application in applications:
        kinds[application] = "standard"  # a fixed list of features
        if application == "photo tagging" or application == "x-ray screening":
            kinds[application] = "CNN"
        if application == "speech recognition" or application == "machine translation":
            kinds[application] = "RNN"
        if application == "autonomous driving" or application == "house advert":
            kinds[application] = "hybrid"
    return kinds


# One kind for all, and the notes' own slips: they come first, since each also holds single wrong choices.


@architecture_for.mistake(
    "You chose the CNN for everything, as the brace in the notes does. A CNN suits a grid such as a picture. "
    "Ask of each input: is it a list, a grid, a sequence, or several of these?"
)
def cnn_for_everything(applications):
    return dict.fromkeys(applications, "CNN")


@architecture_for.mistake(
    "You chose the standard network for everything. It can be fed with any numbers, "
    "but it uses neither the neighbours in a picture nor the order in a sequence."
)
def standard_for_everything(applications):
    return dict.fromkeys(applications, "standard")


@architecture_for.mistake(
    "You chose the RNN for everything. It reads a sequence step by step. Which of these inputs has an order in time?"
)
def rnn_for_everything(applications):
    return dict.fromkeys(applications, "RNN")


@architecture_for.mistake(
    "You chose a hybrid for everything. It is for inputs of several kinds at once. Most of these have one kind only."
)
def hybrid_for_everything(applications):
    return dict.fromkeys(applications, "hybrid")


@architecture_for.mistake(
    "Your inputs are one row too far up, as in the notes' table. An ad click has no image as its input: "
    "read the corrected table row by row."
)
def rows_of_the_notes(applications):
    shifted = RIGHT | {"ad click": "CNN", "photo tagging": "RNN", "machine translation": "hybrid"}
    return {application: shifted[application] for application in applications}


@architecture_for.mistake('The choices are right. Write the names as the table has them: "CNN" and "RNN" in capitals.')
def small_letters(applications):
    return {application: RIGHT[application].lower() for application in applications}


@architecture_for.mistake("Return a dict, {application: kind}, so that it is clear which kind belongs to which.")
def kinds_without_names(applications):
    return [RIGHT[application] for application in applications]


#: What is wrong with each wrong choice, by application and kind.
WRONG_CHOICES = {
    "house price": {
        "CNN": (
            "House price: a CNN looks for small patterns anywhere in a grid of neighbours. Size and bedrooms are a "
            "list: its neighbouring entries mean different things."
        ),
        "RNN": (
            "House price: an RNN reads a sequence of any length, step by step. A house has always the same features, "
            "and their order means nothing."
        ),
        "hybrid": (
            "House price: a hybrid joins parts for inputs of different kinds. A house comes as one list of numbers, "
            "and one kind of network reads it."
        ),
    },
    "ad click": {
        "CNN": (
            "Ad click: the input is a list of facts about the ad and the user, not a picture. There is no grid in "
            "which a CNN could look for patterns."
        ),
        "RNN": (
            "Ad click: the facts about the ad and the user are a list of fixed length, without order in time. An RNN "
            "has no steps to read here."
        ),
        "hybrid": (
            "Ad click: two lists, about the ad and about the user, are still one longer list. No part of it is a "
            "picture or a sequence, so nothing needs a part of its own."
        ),
    },
    "photo tagging": {
        "standard": (
            "Photo tagging: a standard network gives each pixel its own weights. What it learns about a dog on the "
            "left does not help it with a dog on the right."
        ),
        "RNN": (
            "Photo tagging: a photo is a grid, all of it there at once. An RNN would read it pixel after pixel and "
            "see neighbours above each other far apart."
        ),
        "hybrid": ("Photo tagging: the photo is the only input. A hybrid is for several kinds of input at once."),
    },
    "speech recognition": {
        "standard": (
            "Speech recognition: recordings have different lengths, and a standard network has a fixed number of "
            "inputs. It cannot share what it learns between moments either."
        ),
        "CNN": (
            "Speech recognition: audio is a sequence in time, and so is the text that comes out. In this course's "
            "table the CNN stands for pictures; which kind carries on what came before?"
        ),
        "hybrid": ("Speech recognition: audio is the only input. A hybrid is for several kinds of input at once."),
    },
    "machine translation": {
        "standard": (
            "Machine translation: sentences have different lengths and word order matters. A standard network takes a "
            "list of fixed length."
        ),
        "CNN": (
            "Machine translation: a sentence is a sequence of words, not a picture. A word may depend on one far "
            "back, which a search for small local patterns misses."
        ),
        "hybrid": (
            "Machine translation: English in, Chinese out, but both are sequences of words. Two languages are not two "
            "kinds of input."
        ),
    },
    "autonomous driving": {
        "standard": (
            "Autonomous driving: camera pictures are among the inputs, and a standard network does not use which "
            "pixels are neighbours. What about radar beside them?"
        ),
        "CNN": (
            "Autonomous driving: a CNN reads the camera's pictures. Who reads the radar's measurements, and who joins "
            "both?"
        ),
        "RNN": (
            "Autonomous driving: an RNN follows what changes in time, but somebody must first find the cars in a "
            "picture and join that with the radar."
        ),
    },
    "loan default": {
        "CNN": (
            "Loan default: the facts about the customer and the loan are a list. There is no grid of neighbours in "
            "which a CNN could look for patterns."
        ),
        "RNN": (
            "Loan default: the facts are always the same in number, without order in time. An RNN has no steps to "
            "read here."
        ),
        "hybrid": (
            "Loan default: facts about the customer and facts about the loan are one list of numbers together. One "
            "kind of network reads it."
        ),
    },
    "x-ray screening": {
        "standard": (
            "X-ray screening: a standard network gives each pixel its own weights. A shadow that it knows in one "
            "corner it does not find in another."
        ),
        "RNN": (
            "X-ray screening: the picture is there all at once, without order in time. An RNN would see neighbours "
            "above each other far apart."
        ),
        "hybrid": "X-ray screening: the picture is the only input. A hybrid is for several kinds of input at once.",
    },
    "house advert": {
        "standard": (
            "House advert: the facts are a list, but the photo is a grid. A standard network does not use which "
            "pixels are neighbours."
        ),
        "CNN": "House advert: a CNN reads the photo. Who reads the list of facts, and who joins both?",
        "RNN": (
            "House advert: neither the photo nor the list of facts has an order in time. Which kinds of input are "
            "here together?"
        ),
    },
}


def choose_wrongly(application, kind):
    """Return the mistake that gives this kind for this application, and is right about the others."""

    def wrong_choice(applications):
        return {one: kind if one == application else RIGHT[one] for one in applications}

    wrong_choice.__name__ = f"{kind}_for_{application.replace(' ', '_').replace('-', '_')}"
    return wrong_choice


for _application, _hints in WRONG_CHOICES.items():
    for _kind, _hint in _hints.items():
        architecture_for.mistake(_hint)(choose_wrongly(_application, _kind))


@architecture_for.accept
def from_a_dict(applications):
    return {application: RIGHT[application] for application in applications}


@architecture_for.accept
def all_choices_at_once(applications):
    return dict(RIGHT)


@architecture_for.accept("Two steps: each application has a kind of input, and each kind of input a kind of network.")
def by_the_kind_of_input(applications):
    inputs = {"photo tagging": "grid", "x-ray screening": "grid", "speech recognition": "sequence"}
    inputs |= {"machine translation": "sequence", "autonomous driving": "several", "house advert": "several"}
    kinds = {"list": "standard", "grid": "CNN", "sequence": "RNN", "several": "hybrid"}
    return {application: kinds[inputs.get(application, "list")] for application in sorted(applications)}


# --- image2vector ----------------------------------------------------------------------------------------------------


def distinct_pixels(rng, *shape):
    """Return pixels from 1 to 255, no two alike, so that each order of them is another output."""
    return (1 + rng.permutation(255)[: np.prod(shape)]).reshape(shape).astype(np.uint8)


def image_cases(rng):
    return [
        case(image=distinct_pixels(rng, 2, 4, 3)),
        case(image=distinct_pixels(rng, 7, 5, 3)),
        case(image=distinct_pixels(rng, 1, 6, 3)),
    ]


@lesson.exercise(
    points=1,
    topic=4,
    equation="(1.9)",
    cases=image_cases,
    ask="How many numbers has the picture, and how many axes has a column?",
    small={"image": np.arange(12).reshape(2, 2, 3)},
)
def image2vector(image):
    """Return the numbers of an image as one column.

    Parameters
    ----------
    image : ndarray, shape (n_H, n_W, 3)

    Returns
    -------
    x : ndarray, shape (n_H * n_W * 3, 1)
        Row by row from the top, each from the left, and red, green, blue of each pixel.
    """
    n_H, n_W, n_C = image.shape
    return image.reshape(n_H * n_W * n_C, 1)  # (1.9)


@image2vector.mistake("One axis, shape (n_x,), is no column. The column is `reshape(n_x, 1)`, with two axes.")
def flat_vector(image):
    return image.reshape(-1)


@image2vector.mistake("This is a row, shape (1, n_x). Turn the two sizes round.")
def row_vector(image):
    return image.reshape(1, -1)


@image2vector.mistake(
    "The column has another size than the image. Take n_H, n_W and the 3 colours from `image.shape`, all three; "
    "64 · 64 · 3 fits one size of image only."
)
def size_fixed(image):
    return image.reshape(64 * 64 * 3, 1)


@image2vector.mistake("You keep three columns, one per colour. All n_H · n_W · 3 numbers go into one column.")
def three_columns(image):
    return image.reshape(-1, 3)


@image2vector.mistake("Only red is left. The column holds the numbers of all three colours.")
def red_only(image):
    return image[:, :, 0].reshape(-1, 1)


@image2vector.mistake(
    "All red numbers come first, then green, then blue. The order of (1.9) keeps the three numbers of a pixel "
    "together: do not move the axes before `reshape`."
)
def colour_after_colour(image):
    return image.transpose(2, 0, 1).reshape(-1, 1)


@image2vector.mistake(
    "You go down the columns of the image first. The order of (1.9) goes row by row: do not swap height and width."
)
def column_by_column(image):
    return image.transpose(1, 0, 2).reshape(-1, 1)


@image2vector.mistake("The axes are read in reverse order (`.T` or order='F'). Use `reshape` on the image as it is.")
def axes_reversed(image):
    return image.T.reshape(-1, 1)


@image2vector.mistake("Leave the numbers as they are. Dividing by 255 is a later step.")
def divided_by_255(image):
    return image.reshape(-1, 1) / 255


@image2vector.mistake(
    "There are more values than your two names. `image.shape` has three: `n_H, n_W, n_C = image.shape`, and all three "
    "make the length of the column."
)
def three_sizes_two_names(image):
    n_H, n_W = image.shape
    return image.reshape(n_H * n_W, 1)


@image2vector.mistake("Only one size can be left open with -1. The column is `reshape(-1, 1)`.")
def two_sizes_open(image):
    return image.reshape(-1, -1)


@image2vector.accept("`-1` stands for the size that fits: NumPy counts the numbers itself.")
def minus_one_lets_numpy_count(image):
    return image.reshape(-1, 1)


@image2vector.accept
def flatten_and_new_axis(image):
    return image.flatten()[:, np.newaxis].astype(float)


@image2vector.accept("(1.9) as it stands: the place of each number is computed.")
def pixel_by_pixel(image):
    n_H, n_W, n_C = image.shape
    x = np.zeros((n_H * n_W * n_C, 1))
    for h in range(n_H):
        for w in range(n_W):
            for c in range(n_C):
                x[(h * n_W + w) * n_C + c, 0] = image[h, w, c]
    return x


@image2vector.accept
def row_then_transposed(image):
    return np.ravel(image).reshape(1, image.size).T


# --- stack_examples --------------------------------------------------------------------------------------------------


def images_cases(rng):
    return [
        case(images=distinct_pixels(rng, 3, 2, 4, 3)),
        case(images=distinct_pixels(rng, 5, 4, 2, 3)),
        case(images=distinct_pixels(rng, 1, 2, 5, 3)),
    ]


@lesson.exercise(
    points=1,
    topic=4,
    equation="(1.10)",
    cases=images_cases,
    ask="In `images` the examples are the first axis. Which axis are they in X? What stands in column 0?",
    small={"images": SMALL_IMAGES},
    why={
        "question": "Why is `images.reshape(n_x, m)` wrong, though its shape is right?",
        "choices": {
            "it fills row by row, so each column gets numbers of all pictures": "Yes: the shape alone does not say where the numbers stand.",
            "reshape changes the numbers": "No: it keeps all of them. Ask where they stand.",
            "m must come first": "No: X is (n_x, m).",
        },
    },
)
def stack_examples(images):
    """Return all images as the columns of one matrix.

    Parameters
    ----------
    images : ndarray, shape (m, n_H, n_W, 3)

    Returns
    -------
    X : ndarray, shape (n_H * n_W * 3, m)
        Column i is `image2vector` of image i.
    """
    m, n_H, n_W, n_C = images.shape
    return images.reshape(m, n_H * n_W * n_C).T  # (1.10)


@stack_examples.mistake("The examples are the rows, shape (m, n_x). In this course they are the columns: transpose.")
def examples_as_rows(images):
    return images.reshape(len(images), -1)


@stack_examples.mistake(
    "The shape is right, but the examples are mixed: `reshape` to (n_x, m) fills row by row and tears each image "
    "apart. Reshape to (m, n_x) first, so that each row is one image, then transpose."
)
def examples_mixed(images):
    return images.reshape(-1, len(images))


@stack_examples.mistake(
    "Each column is one image, but its numbers stand in another order than in `image2vector`: "
    "`.T` on all four axes turns each image round, too. Reshape first, then transpose."
)
def transposed_before_reshape(images):
    return images.T.reshape(-1, len(images))


@stack_examples.mistake(
    "Each column is one image, but red, green and blue are separated. Column i is `image2vector` of image i."
)
def colours_separated(images):
    return images.transpose(0, 3, 1, 2).reshape(len(images), -1).T


@stack_examples.mistake("The columns stand below each other in one long column. Put them side by side: `np.hstack`.")
def one_long_column(images):
    return images.reshape(-1, 1)


@stack_examples.mistake("There are three axes, (m, n_x, 1). Put the columns side by side in one matrix: `np.hstack`.")
def stacked_along_a_new_axis(images):
    return images.reshape(len(images), -1, 1)


@stack_examples.mistake("Only the first image is here. X has a column for each of the m images.")
def first_image_only(images):
    return images[0].reshape(-1, 1)


@stack_examples.mistake("The examples come in reverse order. Column i is image i.")
def examples_reversed(images):
    return images[::-1].reshape(len(images), -1).T


@stack_examples.mistake("Only one size can be left open with -1: `images.reshape(m, -1).T`.")
def two_sizes_open_in_the_stack(images):
    return images.reshape(-1, -1).T


@stack_examples.accept
def columns_side_by_side(images):
    return np.hstack([image2vector(image) for image in images])


@stack_examples.accept
def column_stack(images):
    return np.column_stack([image.flatten() for image in images]).astype(float)


@stack_examples.accept("A matrix of zeros, filled one column after the other.")
def column_by_column_in_a_loop(images):
    X = np.zeros((images[0].size, len(images)))
    for i in range(len(images)):
        X[:, [i]] = image2vector(images[i])
    return X


@stack_examples.accept
def examples_moved_to_the_end(images):
    return np.moveaxis(images, 0, -1).reshape(-1, len(images))


# --- learning_curve --------------------------------------------------------------------------------------------------


def nearest_mean(X, Y, X_test):
    """Learn the mean example of each label and answer the label of the nearest mean; the lesson has this in a cell.

    Parameters
    ----------
    X, Y : ndarray, shape (n_x, m) and (1, m)
        The examples to learn from.
    X_test : ndarray, shape (n_x, m_test)
        The questions.

    Returns
    -------
    Y_hat : ndarray, shape (1, m_test)
    """
    labels = np.unique(Y)
    means = [X[:, Y[0] == label].mean(axis=1, keepdims=True) for label in labels]
    distances = [np.sum((X_test - mean) ** 2, axis=0) for mean in means]
    return labels[np.argmin(distances, axis=0)][None, :]


def curve_cases(rng):
    def clouds(n_x, m):
        """Return three overlapping clouds, labels 0, 1, 2 in a mixed order."""
        Y = rng.permutation(np.arange(m) % 3)[None, :]
        corners = np.eye(3, n_x).T * 1.8
        return corners[:, Y[0]] + rng.normal(size=(n_x, m)), Y

    def drawn(n_x, m, m_test, sizes):
        X, Y = clouds(n_x, m)
        X_test, Y_test = clouds(n_x, m_test)
        return {"X": X, "Y": Y, "X_test": X_test, "Y_test": Y_test, "sizes": sizes}

    def telling(*sizes_of_the_case, **more):
        """Draw until the right curve and those of the usual mistakes all differ on this very case."""
        others = [scored_on_training_examples, last_examples, all_examples, new_examples_each_time,
                  trained_on_the_test_set, first_example_skipped, one_example_too_few, one_example_too_many]  # fmt: skip
        others += [always_nearest_mean] if more else []
        while True:
            arguments = drawn(*sizes_of_the_case) | more
            curves = [np.round(curve(**arguments), 9).tolist() for curve in (learning_curve, *others)]
            if all(curve not in curves[:i] for i, curve in enumerate(curves)) and 0 not in curves[0]:
                return arguments

    return [
        case(**telling(3, 40, 17, [4, 9, 22])),
        case(**telling(5, 60, 13, [2, 6, 15, 29])),
        case(**drawn(4, 50, 23, [1, 35])),
        case(**telling(3, 30, 11, [5, 12], train_and_predict=Function("nearest", int(rng.integers(1, 4))))),
    ]


@lesson.exercise(
    points=2,
    topic=3,
    equation="(1.12)",
    cases=curve_cases,
    ask="Which axis of X are the examples on, and how do you take the first n of them? Which part of the data stays the same for each n?",
    small={
        "X": np.array([[1.0, 3.0, 8.0]]),
        "Y": np.array([[0, 0, 1]]),
        "X_test": np.array([[2.0, 7.0]]),
        "Y_test": np.array([[0, 1]]),
        "sizes": [1, 3],
        "train_and_predict": Function("nearest", 1),
    },
)
def learning_curve(X, Y, X_test, Y_test, sizes, train_and_predict=nearest_mean):
    """Return the accuracy on the test set after training on the first n examples, for each n.

    Parameters
    ----------
    X, Y : ndarray, shape (n_x, m) and (1, m)
        The training set.
    X_test, Y_test : ndarray, shape (n_x, m_test) and (1, m_test)
        The test set, always all of it.
    sizes : list of int
        The numbers n.
    train_and_predict : callable
        ``train_and_predict(X, Y, X_test)`` returns labels of shape (1, m_test).

    Returns
    -------
    accuracies : list of float
        As many as `sizes`.
    """
    accuracies = []
    for n in sizes:
        Y_hat = train_and_predict(X[:, :n], Y[:, :n], X_test)
        accuracies.append(float(np.mean(Y_hat == Y_test)))  # (1.12)
    return accuracies


@learning_curve.mistake(
    "This is the accuracy on the examples that it learned from. Let it answer X_test, and compare with Y_test."
)
def scored_on_training_examples(X, Y, X_test, Y_test, sizes, train_and_predict=nearest_mean):
    return [float(np.mean(train_and_predict(X[:, :n], Y[:, :n], X[:, :n]) == Y[:, :n])) for n in sizes]


@learning_curve.mistake("It learns from the test set. Learn from X and Y; X_test and Y_test are for testing only.")
def trained_on_the_test_set(X, Y, X_test, Y_test, sizes, train_and_predict=nearest_mean):
    return [float(np.mean(train_and_predict(X_test[:, :n], Y_test[:, :n], X_test) == Y_test)) for n in sizes]


@learning_curve.mistake(
    "Every entry comes from the whole training set: n is not used. Pass only the first n columns of X and Y."
)
def all_examples(X, Y, X_test, Y_test, sizes, train_and_predict=nearest_mean):
    return [float(np.mean(train_and_predict(X, Y, X_test) == Y_test)) for n in sizes]


@learning_curve.mistake("You take the last n examples. The first n columns are `X[:, :n]`.")
def last_examples(X, Y, X_test, Y_test, sizes, train_and_predict=nearest_mean):
    return [float(np.mean(train_and_predict(X[:, -n:], Y[:, -n:], X_test) == Y_test)) for n in sizes]


@learning_curve.mistake("The first example is missing: columns are counted from 0, so the first n are `X[:, :n]`.")
def first_example_skipped(X, Y, X_test, Y_test, sizes, train_and_predict=nearest_mean):
    return [float(np.mean(train_and_predict(X[:, 1:n], Y[:, 1:n], X_test) == Y_test)) for n in sizes]


@learning_curve.mistake("Each size goes on where the one before ended. Every size starts anew at the first example.")
def new_examples_each_time(X, Y, X_test, Y_test, sizes, train_and_predict=nearest_mean):
    starts = np.cumsum([0, *sizes[:-1]]) + (len(sizes) == 1)
    parts = [slice(start, start + n) for start, n in zip(starts, sizes, strict=True)]
    return [float(np.mean(train_and_predict(X[:, part], Y[:, part], X_test) == Y_test)) for part in parts]


@learning_curve.mistake("`X[:n]` takes n rows, which are features. The examples are the columns: `X[:, :n]`.")
def rows_instead_of_columns(X, Y, X_test, Y_test, sizes, train_and_predict=nearest_mean):
    return [float(np.mean(train_and_predict(X[:n], Y[:n], X_test) == Y_test)) for n in sizes]


@learning_curve.mistake("This is the part that is wrong. The accuracy (1.12) is the part that is right.")
def error_rates(X, Y, X_test, Y_test, sizes, train_and_predict=nearest_mean):
    return [1 - right for right in learning_curve(X, Y, X_test, Y_test, sizes, train_and_predict)]


@learning_curve.mistake("These are numbers of right answers. Divide by the number of test examples, or take the mean.")
def counts_instead_of_parts(X, Y, X_test, Y_test, sizes, train_and_predict=nearest_mean):
    return [right * Y_test.shape[1] for right in learning_curve(X, Y, X_test, Y_test, sizes, train_and_predict)]


@learning_curve.mistake("These are percent. Return parts between 0 and 1.")
def percent(X, Y, X_test, Y_test, sizes, train_and_predict=nearest_mean):
    return [100 * right for right in learning_curve(X, Y, X_test, Y_test, sizes, train_and_predict)]


@learning_curve.mistake(
    "Only the first size is done: `return` stands inside the loop. Collect all, then return the list."
)
def returned_inside_the_loop(X, Y, X_test, Y_test, sizes, train_and_predict=nearest_mean):
    return learning_curve(X, Y, X_test, Y_test, sizes[:1], train_and_predict)


@learning_curve.mistake("Only the last size comes back. Collect the accuracies of all sizes in a list.")
def last_size_only(X, Y, X_test, Y_test, sizes, train_and_predict=nearest_mean):
    return learning_curve(X, Y, X_test, Y_test, sizes, train_and_predict)[-1]


@learning_curve.mistake(
    "The argument train_and_predict is not called: nearest_mean stands in its place. Call what the caller hands over."
)
def always_nearest_mean(X, Y, X_test, Y_test, sizes, train_and_predict=nearest_mean):
    return learning_curve(X, Y, X_test, Y_test, sizes, nearest_mean)


@learning_curve.mistake("There is one example too few: `X[:, :n]` has n columns, from 0 to n - 1.")
def one_example_too_few(X, Y, X_test, Y_test, sizes, train_and_predict=nearest_mean):
    return learning_curve(X, Y, X_test, Y_test, [n - 1 for n in sizes], train_and_predict)


@learning_curve.mistake(
    "There is one example too many: a slice ends before its second number, so `X[:, :n]` has n columns."
)
def one_example_too_many(X, Y, X_test, Y_test, sizes, train_and_predict=nearest_mean):
    return learning_curve(X, Y, X_test, Y_test, [n + 1 for n in sizes], train_and_predict)


@learning_curve.mistake("For n = 1 you return 0 without learning. Call train_and_predict for every n, for 1 as well.")
def nothing_from_one_example(X, Y, X_test, Y_test, sizes, train_and_predict=nearest_mean):
    found = learning_curve(X, Y, X_test, Y_test, sizes, train_and_predict)
    return [right if n > 1 else 0.0 for n, right in zip(sizes, found, strict=True)]


@learning_curve.accept("A list in one line: the learner is called and judged for each n inside the brackets.")
def in_one_line(X, Y, X_test, Y_test, sizes, train_and_predict=nearest_mean):
    return [np.mean(train_and_predict(X[:, :n], Y[:, :n], X_test) == Y_test) for n in sizes]


@learning_curve.accept
def counted_in_an_array(X, Y, X_test, Y_test, sizes, train_and_predict=nearest_mean):
    accuracies = np.zeros(len(sizes))
    for k in range(len(sizes)):
        Y_hat = train_and_predict(X[:, 0 : sizes[k]], Y[:, 0 : sizes[k]], X_test)
        accuracies[k] = sum(1 for i in range(Y_test.shape[1]) if Y_hat[0, i] == Y_test[0, i]) / Y_test.shape[1]
    return accuracies


@learning_curve.accept
def one_minus_the_errors(X, Y, X_test, Y_test, sizes, train_and_predict=nearest_mean):
    answers = (train_and_predict(X[:, np.arange(n)], Y[:, np.arange(n)], X_test) for n in sizes)
    return tuple(1 - np.count_nonzero(Y_hat - Y_test) / Y_test.size for Y_hat in answers)
