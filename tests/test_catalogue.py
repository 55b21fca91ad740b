"""The catalogue: each mistake fails with its own words, each other right answer passes, small slips do not pass."""

import contextlib
import inspect
import io
import time
import warnings

import machine
import matplotlib.pyplot as plt
import mutants
import numpy as np
import pytest
from test_bank import notebook_of

from helpers import checks, courses, exercises
from helpers.checks import packs

EXERCISES = [
    pytest.param(lesson, exercise, id=f"{lesson}.{exercise.name}")
    for lesson in exercises.lessons()
    for exercise in exercises.load(lesson).exercises.values()
]
MISTAKES = [
    pytest.param(lesson, exercise, function, hint, id=f"{lesson}.{exercise.name}.{function.__name__}")
    for lesson, exercise in (param.values for param in EXERCISES)
    for function, hint in exercise.mistakes
]
ACCEPTED = [
    pytest.param(lesson, exercise, function, id=f"{lesson}.{exercise.name}.{function.__name__}")
    for lesson, exercise in (param.values for param in EXERCISES)
    for function in exercise.accepted
]
# Besides the learner's seed 0: seeds as the grader draws them. A mistake must fail whatever the cases are.
SEEDS = (None, 1, 2**63 - 25, 987654321)


def seeds_of(exercise):
    """Return the seeds that a test tries: two where each case is judged over hundreds of calls or a training, else four."""
    return SEEDS[:2] if exercise.judged else SEEDS


#: Slips that no input can show, because the result is the same function.
EQUIVALENT_MUTANTS = {
    # Differences that are squared: their order does not matter.
    ("face_verification", "embedding_distance"): {"E2 - E1", "_size(E1 - E2) * 1"},
    ("face_verification", "triplet_loss"): {
        "negative - anchor",
        "positive - anchor",
        "_size(anchor - positive) * 1",
        "_size(anchor - negative) * 1",
    },
    ("face_verification", "triplet_loss_backward"): {
        "negative - anchor",
        "positive - anchor",
        "_size(anchor - positive) * 1",
        "_size(anchor - negative) * 1",
    },
    # Which of two entries that are equally near comes first is left open.
    ("face_verification", "hard_triplets"): {
        "embeddings[None] - embeddings[:, None]",
        "_size(embeddings[:, None] - embeddings[None]) * 1",
        "_last_argmin(np.where(same, np.inf, d), axis=1)",
    },
    ("face_verification", "verify"): {"database[identity] - embedding", "_size(embedding - database[identity]) * 1"},
    ("face_verification", "who_is_it"): {
        "other - embedding",
        "_size(embedding - other) * 1",
        "min(list(distances)[::-1], key=distances.get)",
    },
    # Inside of a size, the order of a difference; a column times a row; a sign may divide; a loss is never negative.
    ("face_verification", "pair_loss"): {
        "E2 - E1",
        "_size(E1 - E2) * 1",
        "dz * w.T",
        "dz @ w.T / np.sign(E1 - E2)",
        "_size(np.logaddexp(0, z) - y * z) * 1",
    },
    # What is added to a root is far below it; a size of another example; where ReLU has two slopes; ties do not occur.
    ("conv_classifier", "cost_and_gradients"): {
        "Z[inside] >= 0",
        *("_size(X.shape[1] - f) * 1", "_size(X.shape[2] - f) * 1"),
    },
    ("conv_classifier", "train"): {
        "np.sqrt(corrected[1]) - 1e-08",
        "np.sqrt(corrected[1]) + 0",
        "1.1000000000000001e-08",
        "9.000000000000001e-09",
    },
    # Other starts and settings, with which it reads as well.
    ("conv_classifier", "read_sheets"): {
        "rng.normal(size=(5, 5, 1, 16)) + 0",
        "rng.normal(size=(256, 10)) + 0",
        "2 + 0",
        "1 + 0",
        *("2", "3", "16", "26", "33", "257", "0.0165", "0.0135", "0.016500000000000001", "0.013500000000000002"),
    },
    ("conv_classifier", "predict"): {
        "_last_argmax(P.reshape(len(X), P[0].size) @ net['W2'] + net['b2'], axis=1)",
        "1",
    },
    # A number of steps and a loss are never negative; a column times a row.
    ("verse_tagger", "cost_and_gradients"): {
        "_size(t - 1) * 1",
        "_size(np.logaddexp(0, S) - Y * S) * 1",
        "net['Wya'].T * dS.T[:, None]",
    },
    ("verse_tagger", "train"): {"1.1000000000000001e-08", "9.000000000000001e-09"},
    # Other settings, with which it labels as well; scores near 0 are few, and none is 0.
    ("verse_tagger", "tag"): {
        *("17", "7", "21", "0.033", "0.027", "1"),
        "(verses.scores_of(net, X_new) > 0) / 1.0",
        "(verses.scores_of(net, X_new) > 0) + 0",
        "verses.scores_of(net, X_new) >= 0",
        "verses.scores_of(net, X_new) > 0.1",
        "verses.scores_of(net, X_new) > -0.1",
    },
    # Sizes and counts that are never negative.
    ("conv_layer", "conv_forward"): {"_size(n_H_pad - f) * 1", "_size(n_W_pad - f) * 1"},
    ("conv_layer", "col2im"): {"_size(dA_pad.shape[1] - f) * 1", "_size(dA_pad.shape[2] - f) * 1"},
    ("convolution", "edge_detect"): {"_size(image.shape[0] - f) * 1", "_size(image.shape[1] - f) * 1"},
    ("convolution", "same_padding"): {"_size(f - 1) * 1"},
    ("convolution", "dilated_conv"): {
        "_size(f - 1) * 1",
        "_size(image.shape[0] - wide) * 1",
        "_size(image.shape[1] - wide) * 1",
    },
    ("convolution", "conv_output_size"): {"_size(n + 2 * pad - f) * 1"},
    ("digit_classifier", "layer_output_shapes"): {"_size(n + 2 * pad - layer['f']) * 1"},
    ("digit_classifier", "as_dense_matrix"): {"_size(n_H - f) * 1", "_size(n_W - f) * 1"},
    ("digit_classifier", "conv"): {"_size(n + 2 * pad - f) * 1"},
    ("digit_classifier", "saliency"): {"Z1 >= 0", "Z2 >= 0"},  # where ReLU has two slopes
    ("pooling", "pool_forward"): {"_size(n_H_prev - f) * 1", "_size(n_W_prev - f) * 1"},
    ("pooling", "receptive_field"): {"_size(layer['f'] - 1) * 1"},
    ("pooling", "pool_output_size"): {"_size(n - f) * 1", "_size(n_out - 1) * 1", "_size(n - 1) * 1"},
    ("recurrent_networks", "sequence_loss"): {"_size(-y * np.log(y_hat) - (1 - y) * np.log(1 - y_hat)) * 1"},
    ("recurrent_networks", "last_outputs"): {"_size(mask.sum(axis=1).astype(int) - 1) * 1"},
    # The sign of a Jacobian leaves its singular values.
    ("backpropagation_through_time", "stretch_by_lag"): {"a_next ** 2 - 1"},
    ("word2vec", "naive_softmax_loss_and_gradient"): {"e_c * dz.T", "_size(np.log(total) - shifted[t, 0]) * 1"},
    ("word2vec", "build_huffman_tree"): {"_size(n - 1) * 1"},
    ("word2vec", "skipgram_pairs"): {"_size(i - window) * 1"},
    ("word2vec", "cbow_pairs"): {"_size(i - window) * 1"},
    # Where only the numerator's count is 0, the quotient is 0, too.
    ("metrics", "precision"): {"TP + 0", "TP + FP > 0.1"},  # counts are whole
    ("metrics", "recall"): {"TP + 0", "TP + FN > 0.1"},
    ("metrics", "specificity"): {"TN + 0", "TN + FP > 0.1"},
    # The text says that no gap is so near to the limit, and that no two are equal at the top.
    ("metrics", "orthogonal_knob"): {"errors[i + 1] - errors[i] >= 0.02"},
    ("metrics", "pick_classifier"): {
        "f1_score(row['precision'], row['recall']) >= f1_score(best['precision'], best['recall'])"
    },
    ("metrics", "satisficing_choice"): {"max(list(kept)[::-1], key=lambda row: row[optimising])"},
    ("metrics", "f1_score"): {"P + 0"},
    ("logistic_regression", "squared_cost"): {"Y - A", "_size(A - Y) * 1"},  # its square is the same
    # Counts that are never negative; which of two equal gaps or prices comes first is left open.
    ("data_mismatch", "make_splits"): {
        "_size(n_app - 2 * n_dev) * 1",
        "_size(n_dev - app_train_dev) * 1",
        "_size(n_web - web_train_dev) * 1",
        "_size(app_left - app_train_dev) * 1",
    },
    ("data_mismatch", "mismatch_report"): {
        "_size(errors['train'] - errors['proxy']) * 1",
        "max(list(numbers)[::-1], key=gaps.get)",
    },
    ("data_mismatch", "eyeball_and_blackbox"): {"_size(m_dev - eyeball) * 1"},
    ("own_project", "project_report"): {  # it is not negative there; no two gaps are equal
        "_size(report['train'] - proxy) * 1",
        "max(list(numbers)[::-1], key=report.get)",
    },
    ("own_project", "find_trouble"): {"max(list(right)[::-1], key=right.get)"},  # the best guess leads by far
    ("data_mismatch", "project_plan"): {
        "sorted(list(known)[::-1], key=report.get, reverse=True)",
        "min(list(open_now)[::-1], key=prices.get)",
    },
    ("human_level_performance", "bayes_proxy"): {"error <= proxy"},  # equal numbers
    ("human_level_performance", "avoidable_bias"): {"_size(train_error - bayes_error) * 1"},  # it is not negative there
    ("human_level_performance", "error_bound"): {"0.05 - stats.binom.cdf(wrong, answered, e)"},  # its root is the same
    # Its norm is the same.
    ("normalization_and_gradient_checking", "gradient_check"): {
        "numerical - gradient",
        "_size(gradient - numerical) * 1",
    },
    ("normalization_and_gradient_checking", "gradient_check_n"): {"difference >= LIMIT"},  # rounding never gives 1e-6
    # Where the score is 0, ReLU has two slopes, and both are right; leaky ReLU is 0 there on both ways.
    ("activations", "relu_derivative"): {"np.asarray(z) >= 0"},
    ("activations", "leaky_relu"): {"z >= 0"},
    ("leaky_relu", "leaky_relu"): {"np.asarray(z) >= 0"},  # the example of CONTRIBUTING
    ("activations", "leaky_relu_derivative"): {"np.asarray(z) >= 0"},
    ("deep_network", "linear_activation_backward"): {"Z >= 0"},
    # Layers and sizes: a difference that is never negative.
    ("deep_network", "parameter_shapes"): {"_size(l - 1) * 1"},
    ("deep_network", "L_model_backward"): {"_size(L - 1) * 1", "_size(l - 1) * 1"},
    # Counts of axes that are never negative; a sum's slope of 1 may divide; the lists that are zipped are equally long.
    ("automatic_differentiation", "unbroadcast"): {"_size(np.ndim(gradient) - len(shape)) * 1"},
    ("automatic_differentiation", "sum_backward"): {"dout / np.ones(np.shape(a))"},
    ("automatic_differentiation", "elementwise_backward"): {"a >= 0"},
    ("automatic_differentiation", "backward"): {"strict=False"},
    ("automatic_differentiation", "compare_gradients"): {"engine - hand", "_size(hand - engine) * 1"},
    # Where a score is 0, ReLU has two slopes, and both are right; a loss is never negative.
    ("image_classifier", "train"): {"Z1 >= 0", "_size(np.logaddexp(0, Z2) - Y * Z2) * 1"},
    ("image_classifier", "predict"): {"_last_argmax(Z2, axis=0)"},  # the text: no two scores at the top are equal
    ("bias_variance", "split_sizes"): {"_size(m - m_dev - m_test) * 1", "_size(m - m_dev) * 1"},
    ("bias_variance", "error_parts"): {
        "g_bar - f",
        "g_bar - G",
        "_size(f - g_bar) * 1",
        "_size(G - g_bar) * 1",
    },
    ("hyperparameter_search", "refine_range"): {"_size(high - low) * 1"},
    ("initialization", "initialize_parameters_zeros"): {"_size(l - 1) * 1"},
    ("initialization", "initialize_parameters_random"): {"_size(l - 1) * 1"},
    ("initialization", "initialize_parameters_he"): {"_size(l - 1) * 1"},
    ("initialization", "initialize_parameters_xavier"): {"_size(l - 1) * 1"},
    ("softmax", "predict_classes"): {
        "_last_argmax(Z, axis=0)"
    },  # of classes with equal probabilities, either is largest
    # Of records or trials that are equal in all that counts, either may come first.
    ("hyperparameters", "best_run"): {
        "min(list((run for run in kept if run['dev_error'] == lowest))[::-1], key=lambda run: run['num_parameters'])",
    },
    ("hyperparameter_search", "random_search"): {"sorted(list(trials)[::-1], key=lambda trial: trial['dev_error'])"},
    # reshape takes -2 for -1: a negative size is the one to infer
    ("conv_layer", "im2col"): {"2"},
    ("conv_layer", "conv_forward_fast"): {
        "2",
        "_size(n_H_prev + 2 * pad - f) * 1",
        "_size(n_W_prev + 2 * pad - f) * 1",
    },
    ("conv_layer", "conv_backward_fast"): {"2"},
    ("conv_layer", "one_by_one_backward"): {"2"},
    ("residual_networks", "conv_forward_fast"): {"_size(n + 2 * pad - f) * 1"},  # a size is never negative
    # A row of column maxima or sums broadcasts alike with one axis, (m,), and with two, (1, m).
    ("softmax", "softmax"): {"keepdims=False"},
    ("recurrent_networks", "rnn_cell_forward"): {"keepdims=False"},
    ("gru", "gru_cell_forward"): {"keepdims=False"},
    ("lstm", "lstm_cell_forward"): {"keepdims=False"},
    # The sign of a principal direction is free, and the last line turns both; a sign may divide as well as multiply.
    ("word_embeddings", "project_2d"): {
        "projected / np.where(projected[:, :1] < 0, -1, 1)",
        "1",
        "-1",
        "np.mean(vectors, axis=1, keepdims=True) - vectors",
        "projected[:, :1] <= 0",
    },
    ("word_embeddings", "complete_analogy"): {"_last_argmax(similarity)"},  # which of two equal ones is left open
    ("word_embeddings", "equalize"): {"np.sqrt(1 - np.sum(nu ** 2)) / side"},
    ("softmax", "softmax_cross_entropy"): {
        "keepdims=False",
        "_size(largest + np.log(S) - np.sum(Y * Z, axis=0, keepdims=True)) * 1",  # a loss is never negative
    },
    ("training_loop", "cost_and_gradients"): {
        "_size(log_sum - np.sum(Y * S, axis=0)) * 1",  # likewise
        "Z_tilde >= 0",  # where ReLU has two slopes
    },
    # Other starts and settings, with which it reads as well; which of two equal probabilities is taken is left open.
    ("training_loop", "read_digits"): {
        "rng.normal(size=(n_h, X.shape[0])) / np.sqrt(2 / X.shape[0])",
        "rng.normal(size=(n_h, X.shape[0])) + np.sqrt(2 / X.shape[0])",
        "rng.normal(size=(n_h, X.shape[0])) + 0",
        "rng.normal(size=(10, n_h)) + np.sqrt(1 / n_h)",
        "rng.normal(size=(10, n_h)) + 0",
        "0 / ones",
        "0 + ones",
        "0 + 0",
        "1 + 0",
        "2 + 0",
        "2 * X.shape[0]",
        "X.shape[0] / 2",
        *("1", "2", "3", "16", "51", "0.011000000000000001", "0.009000000000000001"),
        "_last_argmax(predict(net, X_new), axis=0)",
    },
    ("softmax", "softmax_jacobian"): {"a * a.T"},  # column times row: the product entry by entry has the same entries
    # Where both branches meet they agree; the cosine is even; steps that are left are never negative; the end is lower.
    ("training_recipe", "learning_rate_at"): {
        "t < warmup_steps",
        "warmup_steps - t",
        "warmup_steps - num_steps",
        "_size(t - warmup_steps) * 1",
        "_size(num_steps - warmup_steps) * 1",
        "_size(peak - final) * 1",
    },
    ("training_recipe", "clip_by_global_norm"): {"norm >= max_norm"},  # there the factor is 1
    ("training_recipe", "random_shift"): {"1"},  # another empty image after the last one, which nobody takes
    # A difference that is squared; means along the first axis broadcast alike with it and without.
    ("transformer_block", "layer_norm_forward"): {"mu - x", "_size(x - mu) * 1", "keepdims=False"},
    ("transformer_block", "layer_norm_backward"): {"keepdims=False"},
    # A sum before a term, and a length, are never negative; reshape takes -2 for -1.
    ("tiny_gpt", "next_token_distribution"): {"_size(np.cumsum(ranked) - ranked) * 1"},
    ("tiny_gpt", "cached_attention_step"): {"2"},
    ("tiny_gpt", "interpolated_ngram"): {"_size(len(context) - k) * 1"},
    # A length is at least 1. Of equal tokens either is likeliest. The logarithm of 0 gives BLEU 0, too; under abs a
    # difference may be turned; the lists that are zipped are equally long.
    ("translation", "encode"): {"_size(lengths - 1) * 1"},
    ("translation", "seq2seq_backward"): {"_size(lengths - 1) * 1"},
    ("translation", "greedy_decode"): {"_last_argmax(log_probs)"},
    ("translation", "corpus_bleu"): {
        "matches == 0.1",
        "matches == -0.1",
        "strict=False",
        "len(one) - len(reference)",
        "_size(len(reference) - len(one)) * 1",
    },
    # Of hypotheses with equal scores either may come first; a count is left alone.
    ("translation", "modified_precision"): {"_size(len(tokens) - n) * 1"},
    ("translation", "beam_search"): {"sorted(list(finished)[::-1], key=lambda one: one[0], reverse=True)"},
    ("attention", "masked_softmax"): {"1100000000.0", "900000000.0", "1000000001.0"},  # any number as low as this
    # Likewise: a column times a row.
    ("word2vec", "neg_sampling_loss_and_gradient"): {"e_c * dz.T"},
    ("word2vec", "hierarchical_softmax_loss_and_gradient"): {"e_c * dz.T"},
}


def judge(monkeypatch, lesson, name, function, seed=None):
    """Return the message of the check, or None if the function passes; None as seed is the learner's own check."""

    def answer(*args):
        return function(*args)

    answer.__name__ = name
    with monkeypatch.context() as patch:
        if seed is None:
            patch.delenv(packs.HIDDEN_SEED, raising=False)
        else:
            patch.setenv(packs.HIDDEN_SEED, str(seed))
        check = checks.lesson(lesson)
        if seed is not None:
            share_calls(patch, check.exercises[name], function)
        try:
            check(answer)
        except checks.CheckFailed as error:
            return str(error)
        except Exception as error:
            return f"{error} {' '.join(getattr(error, '__notes__', []))}"
    return None


def share_calls(monkeypatch, exercise, function):
    """Let a check of a known mistake take what the exercise has computed of it, or computes now, instead of calling it.

    The learner's own check, without a seed, calls it all the same.
    """
    if function not in [mistake for mistake, _ in exercise.mistakes.functions]:
        return
    really = checks.observe

    def observe(answer, arguments, *how):
        position = next(i for i, case in enumerate(exercise.cases) if case.arguments is arguments)
        outcome = exercise.mistakes.outcome(function, position)
        return really(answer, arguments, *how) if outcome.raised else (outcome, None)

    monkeypatch.setattr(checks, "observe", observe)


@pytest.mark.parametrize(("lesson", "exercise"), EXERCISES)
def test_exercise_is_complete(lesson, exercise):
    assert exercise.points >= 1
    assert 1 <= exercise.topic <= len(courses.TOPICS)
    assert inspect.getdoc(exercise.reference), "a reference needs a docstring"
    assert len(exercise.mistakes) >= 3
    assert len(exercise.accepted) >= 2
    assert len({function.__name__ for function, _ in exercise.mistakes}) == len(exercise.mistakes)
    assert len({hint for _, hint in exercise.mistakes}) == len(exercise.mistakes)


@pytest.mark.parametrize(("lesson", "exercise", "function", "hint"), MISTAKES)
def test_mistake_fails_with_its_own_words(monkeypatch, record_property, lesson, exercise, function, hint):
    for seed in seeds_of(exercise):
        message = judge(monkeypatch, lesson, exercise.name, function, seed)
        assert message is not None, f"this mistake passes with seed {seed}"
        assert hint in message, f"seed {seed}"
        record_property("verdicts on mistakes, caught and named", [1, 1])


@pytest.mark.parametrize(("lesson", "exercise"), [one for one in EXERCISES if one.values[1].partial])
def test_of_two_wrong_choices_at_once_one_is_explained(monkeypatch, lesson, exercise):
    """A choice is explained whatever else an answer has wrong; 40 pairs of choices, drawn."""
    rng = np.random.default_rng(0)
    for _ in range(40):
        two = [exercise.partial[i] for i in rng.choice(len(exercise.partial), 2, replace=False)]

        def answer(*given, two=two):
            return exercise.reference(*given) | two[0](*given) | two[1](*given)

        message = judge(monkeypatch, lesson, exercise.name, answer, None)
        assert message is None or any(hint in message for _, hint in exercise.mistakes), message
        assert message is not None or not any(matters(exercise, one) for one in two), "a wrong choice passes"


def matters(exercise, function):
    """Tell whether a partial mistake is wrong in some open case."""
    return any(
        function(**arguments).items() - exercise.reference(**arguments).items() for _, arguments in exercise.cases(0)
    )


@pytest.mark.parametrize(("lesson", "exercise", "function"), ACCEPTED)
def test_other_right_answer_passes(monkeypatch, record_property, lesson, exercise, function):
    for seed in seeds_of(exercise):
        assert judge(monkeypatch, lesson, exercise.name, function, seed) is None, f"seed {seed}"
        record_property("verdicts on other right answers, accepted", [1, 1])


@pytest.mark.parametrize(("lesson", "exercise"), EXERCISES)
def test_reference_passes(monkeypatch, lesson, exercise):
    for seed in seeds_of(exercise):
        assert judge(monkeypatch, lesson, exercise.name, exercise.reference, seed) is None, f"seed {seed}"


@pytest.mark.parametrize(("lesson", "exercise"), EXERCISES)
def test_check_answers_within_a_second(capsys, monkeypatch, record_property, lesson, exercise):
    """Seconds of computing, as a learner waits for them: the cases, and what mistakes give for them, are there before."""
    check, limit = checks.lesson(lesson), machine.seconds(1)
    assert check.exercises[exercise.name].cases
    before = time.process_time()
    check(exercise.reference)
    taken = time.process_time() - before
    assert taken < limit
    record_property("slowest check, seconds of computing", taken)
    if exercise.judged:  # the time is that of the learner's own training or draws
        return
    mistake, _ = exercise.mistakes[-1]
    judge(monkeypatch, lesson, exercise.name, mistake)
    before = time.process_time()
    assert judge(monkeypatch, lesson, exercise.name, mistake) is not None
    taken = time.process_time() - before
    assert taken < limit
    record_property("slowest check of a wrong answer, seconds of computing", taken)


@pytest.mark.parametrize(("lesson", "exercise"), EXERCISES)
def test_no_small_slip_passes(record_property, lesson, exercise):
    """Mutants of the reference are the wrong answers that nobody thought of."""
    survivors, accepted, tried, check = [], [], 0, checks.lesson(lesson)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for what, function in mutants.mutants(exercise.reference):
            tried += 1
            if check.passes(function, exercise.name):
                survivors.append(what)
                accepted.append(function)
    assert tried > 0
    assert set(survivors) <= EQUIVALENT_MUTANTS.get((lesson, exercise.name), set())
    names, tests = notebook_of(lesson)
    for function in accepted:  # what `check` accepts, the asserts of the test cell accept, too
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            exec(tests[exercise.name], names | {exercise.name: function})
        plt.close("all")
    record_property("mutants", [tried - len(survivors), tried])


#: Arguments that no right answer needs, and what stands for them without a difference.
IGNORED_ARGUMENTS = {
    ("digit_classifier", "conv_back"): ("b",),  # its shape alone counts
    ("logistic_regression", "model"): ("Y_test",),  # the text: it is not used for training; nothing of it is returned
    ("shallow_network", "layer_sizes"): ("X", "Y"),  # their shapes alone count
    ("automatic_differentiation", "sum_backward"): ("a",),  # its shape alone counts
    ("optimizers", "initialize_velocity"): ("parameters",),  # likewise
    ("optimizers", "initialize_adam"): ("parameters",),
    # A step a tenth larger moves no verdict, since no difference is near the limit; a fixed one is a known mistake.
    ("normalization_and_gradient_checking", "gradient_check_n"): ("epsilon",),
    # 150 steps without a look read as many as runs that are stopped on the dev part (test of the lesson), so no share
    # tells them apart, and the text says it; a dev part with other labels, where it would show, is not what the text
    # promises. To train to the end without a look is a known mistake.
    ("image_classifier", "read_digits"): ("X_dev", "digits_dev"),
    # Of the numbers of the symbols, that of the newline alone counts. A tenth of the temperature is within chance; one
    # that is ignored, multiplied or fixed at 1 is a known mistake.
    ("character_language_model", "sample"): (
        "char_to_ix['a']",
        "char_to_ix['b']",
        "char_to_ix['c']",
        "temperature",
    ),
    # A symbol that one beginning alone holds, or none, may have a fixed number; the dict as a whole counts. The
    # temperature as in `sample`.
    ("character_language_model", "write_on"): (
        "char_to_ix['\\n']",
        "char_to_ix['a']",
        "char_to_ix['c']",
        "temperature",
    ),
}


@pytest.mark.parametrize(("lesson", "exercise"), EXERCISES)
def test_no_answer_that_ignores_an_argument_passes(record_property, lesson, exercise):
    """Every argument, and every setting inside of one, matters in some case; a generator is the one that was passed."""
    check = checks.lesson(lesson)
    allowed, survivors, tried = IGNORED_ARGUMENTS.get((lesson, exercise.name), ()), [], 0
    for what, function in mutants.ignoring(exercise, exercise.cases(0)):
        tried += 1
        if check.passes(function, exercise.name) and what.split(":")[0] not in allowed:
            survivors.append(what)
    assert not survivors
    record_property("answers that ignore an argument", [tried - len(survivors), tried])
