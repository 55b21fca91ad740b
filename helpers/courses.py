"""The five courses and their lessons: the one place for titles, times and prerequisites."""

import re
from pathlib import Path
from typing import NamedTuple

import nbformat

TOP = Path(__file__).resolve().parent.parent


class LessonInfo(NamedTuple):
    """A lesson: ``folder`` is ``NN_name``, in which ``name`` is unique across the courses; minutes for a learner.

    ``topics`` are numbers of `TOPICS`, counted from 1; those above `NOTES` are beyond the notes. ``edition`` is 2 where
    the lesson has all that makes one think before typing, which `helpers.notebooks.check` then demands.
    """

    course: str
    folder: str
    title: str
    topics: str
    minutes: int = 0
    prerequisites: str = ""
    edition: int = 1

    @property
    def name(self):
        return self.folder[3:]

    @property
    def path(self):
        """The source notebook."""
        return TOP / self.course / self.folder / f"{self.folder}.ipynb"

    @property
    def link(self):
        return f"{self.course}/{self.folder}/{self.folder}.ipynb"

    @property
    def number(self):
        """Course and lesson, such as "1.2"."""
        return f"{self.course[6]}.{int(self.folder[:2])}"

    @property
    def done(self):
        return self.path.exists()


COURSES = {
    "course1_nn": "Neural networks and deep learning",
    "course2_tuning": "Improving deep networks",
    "course3_structuring": "Structuring machine-learning projects",
    "course4_cnn": "Convolutional networks",
    "course5_sequence": "Sequence models",
}

#: So many topics are those of the notes, in their order. What follows goes on beyond them, by lesson.
NOTES = 68
#: All topics; `LessonInfo.topics` and the exercises count them from 1.
TOPICS = (
    "What a neural network is",
    "Supervised learning",
    "Why deep learning takes off",
    "Binary classification",
    "Logistic regression",
    "Loss and cost",
    "Gradient descent",
    "Gradient descent on m examples",
    "Representation of a network",
    "Derivatives of activation functions",
    "Notation of deep networks",
    "Forward propagation in a deep network",
    "Dimensions of the matrices",
    "Parameters and hyperparameters",
    "Sizes of training, dev and test set",
    "Bias and variance",
    "Remedies for bias and variance",
    "L2 regularisation",
    "Normalising inputs",
    "Dropout",
    "Mini-batches",
    "Momentum, RMSprop, Adam",
    "Learning-rate decay",
    "Tuning hyperparameters",
    "Batch normalisation",
    "Softmax and hardmax",
    "Loss of softmax regression",
    "Orthogonalisation",
    "A single number as the metric",
    "Confusion matrix, precision, recall",
    "Sizes of dev and test set for a metric",
    "When to change the metric",
    "Human-level performance and avoidable bias",
    "Surpassing human-level performance",
    "Remedies for avoidable bias and variance",
    "Mismatched training and dev data",
    "Convolution by hand",
    "Valid and same convolutions",
    "Padding",
    "Stride",
    "Convolutions over volumes",
    "One layer of a convolutional network",
    "Pooling",
    "A network that reads digits",
    "Why convolutions",
    "Residual networks",
    "Siamese networks",
    "Triplet loss",
    "Why recurrent networks",
    "Notation of sequences, one-hot vectors",
    "Forward propagation through time",
    "Backpropagation through time",
    "Types of recurrent networks",
    "Vanishing gradients over long distances",
    "GRU",
    "LSTM",
    "Bidirectional recurrent networks",
    "Deep recurrent networks",
    "Vocabulary of words",
    "Features of words",
    "Recognising names",
    "Analogies of words",
    "Cosine similarity",
    "Embedding matrix",
    "Skip-gram with softmax",
    "Hierarchical softmax",
    "Negative sampling",
    "Continuous bag of words",
    # beyond the notes
    "Computational graphs",
    "Reverse mode and topological order",
    "Broadcasting in reverse",
    "An engine that checks gradients derived by hand",
    "Queries, keys, values",
    "Why attention is scaled",
    "Masks",
    "Attention in reverse",
    "Several heads",
    "Layer normalisation",
    "GELU",
    "Positions",
    "The transformer block",
    "Causal masks",
    "Token and position embedding",
    "A language model of blocks",
    "Training on shifted targets",
    "Temperature, top-k, top-p",
    "The key-value cache",
    "Counts of n-grams as a yardstick",
    "Encoder and decoder",
    "Attention between encoder and decoder",
    "Teacher forcing",
    "Greedy and beam search",
    "BLEU",
    "AdamW: decay beside the gradient",
    "Warm-up and cosine",
    "Clipping by the global norm",
    "Label smoothing",
    "Augmentation by shifts",
    "A moving average of the weights",
    "Numbers of 16 bits and loss scaling",
)

LESSONS = [
    LessonInfo(
        "course1_nn", "01_introduction", "What a neural network is", "1–4", 75, "Python functions, NumPy arrays", 2
    ),
    LessonInfo(
        "course1_nn",
        "02_logistic_regression",
        "Logistic regression",
        "5–8",
        130,
        "derivatives, Python, NumPy arrays",
        2,
    ),
    LessonInfo("course1_nn", "03_activations", "Activation functions", "10", 110, "lesson 2", 2),
    LessonInfo("course1_nn", "04_shallow_network", "A network with one hidden layer", "9", 150, "lessons 2 and 3", 2),
    LessonInfo("course1_nn", "05_deep_network", "Deep networks", "11–13", 150, "lessons 2 to 4", 2),
    LessonInfo(
        "course1_nn", "06_hyperparameters", "Parameters and hyperparameters", "14", 120, "lessons 2, 3 and 5", 2
    ),
    LessonInfo(
        "course1_nn", "07_automatic_differentiation", "An engine that differentiates", "69–72", 130, "lessons 2 to 5", 2
    ),
    LessonInfo("course1_nn", "08_image_classifier", "A classifier of your own", "8, 12, 14", 75, "lessons 4 to 6", 2),
    LessonInfo(
        "course2_tuning", "01_bias_variance", "Splits, bias and variance", "15–17", 140, "course 1, lessons 2 and 4", 2
    ),
    LessonInfo(
        "course2_tuning", "02_initialization", "Initialisation", "19, 25", 100, "lesson 1; course 1, lessons 3 to 5", 2
    ),
    LessonInfo(
        "course2_tuning", "03_regularization", "L2 and dropout", "18, 20", 120, "lessons 1 and 2; course 1, lesson 5", 2
    ),
    LessonInfo(
        "course2_tuning",
        "04_normalization_and_gradient_checking",
        "Normalising inputs, checking gradients",
        "19",
        110,
        "course 1, lessons 2 and 5",
        2,
    ),
    LessonInfo(
        "course2_tuning",
        "05_optimizers",
        "Mini-batches, momentum, RMSprop, Adam",
        "21–23",
        150,
        "lesson 4; course 1, lesson 4 or 5",
        2,
    ),
    LessonInfo(
        "course2_tuning",
        "06_hyperparameter_search",
        "Searching hyperparameters",
        "24",
        100,
        "lessons 1 and 5; course 1, lesson 6",
        2,
    ),
    LessonInfo(
        "course2_tuning",
        "07_batch_normalization",
        "Batch normalisation",
        "25",
        180,
        "lessons 4 and 5; course 1, lesson 5",
        2,
    ),
    LessonInfo("course2_tuning", "08_softmax", "Softmax regression", "26, 27", 150, "course 1, lesson 2", 2),
    LessonInfo(
        "course2_tuning",
        "09_training_recipe",
        "A training recipe, measured",
        "94–100",
        120,
        "lessons 5 and 8; course 1, lesson 5",
        2,
    ),
    LessonInfo(
        "course2_tuning", "10_training_loop", "A training loop of your own", "22, 24, 25", 90, "lessons 5, 7, 8", 2
    ),
    LessonInfo(
        "course3_structuring", "01_metrics", "Metrics", "28–32", 130, "course 1, lesson 2; course 2, lesson 1", 2
    ),
    LessonInfo(
        "course3_structuring",
        "02_human_level_performance",
        "Human-level performance",
        "33–35",
        120,
        "course 2, lesson 1",
        2,
    ),
    LessonInfo(
        "course3_structuring", "03_data_mismatch", "Mismatched data", "36", 150, "lesson 2; course 2, lesson 1", 2
    ),
    LessonInfo("course3_structuring", "04_own_project", "A project of your own", "35, 36", 75, "lessons 1 to 3", 2),
    LessonInfo("course4_cnn", "01_convolution", "Convolution by hand", "37–41", 100, "course 1, lessons 1 and 2", 2),
    LessonInfo(
        "course4_cnn", "02_conv_layer", "The convolutional layer", "42", 130, "lesson 1; course 1, lessons 4, 5", 2
    ),
    LessonInfo("course4_cnn", "03_pooling", "Pooling", "43", 100, "lessons 1 and 2", 2),
    LessonInfo(
        "course4_cnn",
        "04_digit_classifier",
        "A classifier of digits",
        "44, 45",
        170,
        "lessons 1 to 3; course 2, lessons 5 and 8",
        2,
    ),
    LessonInfo(
        "course4_cnn",
        "05_residual_networks",
        "Residual networks",
        "46",
        150,
        "lesson 2; course 1, lesson 5; course 2, lessons 2 and 5",
        2,
    ),
    LessonInfo(
        "course4_cnn",
        "06_face_verification",
        "Face verification",
        "47, 48",
        150,
        "lessons 2 to 4; course 1, lesson 2",
        2,
    ),
    LessonInfo(
        "course4_cnn",
        "11_conv_classifier",
        "A convolutional network of your own",
        "22, 44",
        90,
        "lessons 2 to 4; course 2, lesson 5",
        2,
    ),
    LessonInfo(
        "course5_sequence",
        "01_recurrent_networks",
        "Recurrent networks",
        "49–51, 53",
        150,
        "course 1, lessons 2, 3 and 5; course 2, lesson 8",
        2,
    ),
    LessonInfo(
        "course5_sequence",
        "02_backpropagation_through_time",
        "Backpropagation through time",
        "52",
        150,
        "lesson 1; course 1, lesson 5; course 2, lesson 5",
        2,
    ),
    LessonInfo("course5_sequence", "03_gru", "GRU", "54, 55", 150, "lessons 1 and 2; course 2, lesson 5", 2),
    LessonInfo("course5_sequence", "04_lstm", "LSTM", "54, 56", 120, "lessons 1 to 3; course 2, lesson 5", 2),
    LessonInfo(
        "course5_sequence",
        "05_bidirectional_and_deep",
        "Bidirectional and deep RNNs",
        "57, 58, 61",
        150,
        "lessons 1 and 2; course 2, lesson 5; course 3, lesson 1",
        2,
    ),
    LessonInfo(
        "course5_sequence",
        "06_character_language_model",
        "A language model of characters",
        "51–53",
        150,
        "lessons 1 to 3; course 2, lesson 8",
        2,
    ),
    LessonInfo(
        "course5_sequence",
        "07_word_embeddings",
        "Word embeddings",
        "59, 60, 62–64",
        150,
        "lesson 1; course 1, lesson 2; course 2, lesson 5",
        2,
    ),
    LessonInfo("course5_sequence", "08_word2vec", "word2vec", "65–68", 170, "lesson 7; course 2, lesson 8", 2),
    LessonInfo("course5_sequence", "09_attention", "Attention", "73–77", 120, "lessons 1 to 3; course 2, lesson 8", 2),
    LessonInfo(
        "course5_sequence",
        "10_transformer_block",
        "The transformer block",
        "78–82",
        120,
        "lesson 9; course 2, lesson 7; course 4, lesson 5",
        2,
    ),
    LessonInfo(
        "course5_sequence", "11_tiny_gpt", "A tiny GPT", "83–88", 130, "lessons 6 and 10; course 2, lesson 5", 2
    ),
    LessonInfo(
        "course5_sequence", "12_translation", "Translation", "89–93", 120, "lessons 3 and 9; course 2, lesson 8", 2
    ),
    LessonInfo(
        "course5_sequence",
        "13_verse_tagger",
        "A tagger of your own",
        "22, 53, 57",
        90,
        "lessons 2 and 5; course 2, lesson 5",
        2,
    ),
]


def find(name):
    """Return the lesson called `name` (with or without number, or the path of its notebook or folder)."""
    stem = Path(str(name)).name.removesuffix(".ipynb")
    for lesson in LESSONS:
        if stem in (lesson.name, lesson.folder):
            return lesson
    names = ", ".join(lesson.name for lesson in LESSONS if lesson.done)
    raise LookupError(f"There is no lesson {str(name)!r}. Finished lessons: {names}.")


def needs(lesson):
    """Return the lessons that the words of `prerequisites` mean: a list of lists, each of which is a choice.

    "lessons 1 and 2; course 1, lesson 4 or 5" in course 2 gives ``[[2.1], [2.2], [1.4, 1.5]]``.
    """
    by_number = {one.number: one for one in LESSONS}
    found = []
    for part in lesson.prerequisites.split(";"):
        course = re.search(r"course (\d)", part)
        words = re.search(r"lessons? ([\d, toandr]+)", part)
        if not words:
            continue
        numbers = []
        for first, last in re.findall(r"(\d+)(?: to (\d+))?", words[1]):
            numbers += range(int(first), int(last or first) + 1)
        choice = [by_number[f"{course[1] if course else lesson.course[6]}.{number}"] for number in numbers]
        found += [choice] if " or " in words[1] else [[one] for one in choice]
    return found


def topic_numbers(lesson):
    """Return the numbers of a lesson's topics: ``"19, 25"`` and ``"15–17"`` are both written."""
    found = []
    for part in lesson.topics.split(", "):
        first, _, last = part.partition("–")
        found += range(int(first), int(last or first) + 1)
    return found


def said_topics(lesson):
    """Return a lesson's topics for a table: "15–17", or "beyond them: 69–72" where they are not those of the notes."""
    parts = lesson.topics.split(", ")
    beyond = [part for part in parts if int(part.partition("–")[0]) > NOTES]
    notes = ", ".join(part for part in parts if part not in beyond)
    return "; ".join(filter(None, [notes, f"beyond them: {', '.join(beyond)}" if beyond else ""]))


def topics_table(only=None):
    """Return the Markdown tables of the topics and their lessons, with links from docs/: of the notes, and beyond them.

    With `only`, a list of lessons, the others have no link.
    """
    rows = []
    for number, title in enumerate(TOPICS, 1):
        if number == 1:
            rows += ["| topic of the notes | lessons |", "|---|---|"]
        elif number == NOTES + 1:
            rows += ["", "| topic beyond the notes | lessons |", "|---|---|"]
        there = [lesson for lesson in LESSONS if number in topic_numbers(lesson)]
        linked = [lesson for lesson in there if lesson.done and (only is None or lesson in only)]
        names = {lesson: f"{lesson.number} {lesson.title}" for lesson in there}
        rows.append(
            f"| {number} {title} | "
            + ", ".join(f"[{names[one]}](../{one.link})" if one in linked else names[one] for one in there)
            + " |"
        )
    return "\n".join(rows)


def with_topics(text, only=None):
    """Return the text of docs/notes.md with the table of topics as it is now."""
    head, rest = text.split("<!-- topics -->\n")
    return f"{head}<!-- topics -->\n{topics_table(only)}\n<!-- end -->{rest.split('<!-- end -->', 1)[1]}"


def test_cells(notebook):
    """Return the graded cells of a notebook."""
    return [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade")]


def table(course, only=None):
    """Return the Markdown table of a course's lessons, with links from the top of the repository or edition.

    With `only`, a list of lessons, the others are left out instead of marked as to come.
    """
    rows = ["| lesson | topics of the notes | minutes | exercises | points | you need |", "|---|---|--:|--:|--:|---|"]
    for lesson in LESSONS:
        if lesson.course != course or (only is not None and lesson not in only):
            continue
        title = f"{int(lesson.folder[:2])} {lesson.title}"
        if lesson.done:
            cells = test_cells(nbformat.read(lesson.path, as_version=4))
            points = sum(cell.metadata.nbgrader.points for cell in cells)
            rows.append(
                f"| [{title}]({lesson.link}) | {said_topics(lesson)} | {lesson.minutes} | {len(cells)} | {points:g} "
                f"| {lesson.prerequisites} |"
            )
        else:
            rows.append(f"| {title} | {said_topics(lesson)} | | | | *to come* |")
    return "\n".join(rows)
