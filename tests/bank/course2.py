"""Course 2: answers in the words of learners."""

import math

import numpy as np

from helpers.exercises.course2_tuning import hyperparameter_search, normalization_and_gradient_checking

from . import posted, right, solved

HYPERPARAMETER_SEARCH = solved("hyperparameter_search")
REGULARIZATION = solved("regularization")
SOFTMAX = solved("softmax")


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


# --- mistakes --------------------------------------------------------------------------------------------------------


@posted("regularization.dropout_forward", "question", "dependent")
def _(A, keep_prob, mode, rng):
    if mode == "test":
        return A, np.ones(A.shape)
    mask = rng.random((A.shape[0], 1)) < keep_prob
    mask = mask * np.ones(A.shape)
    return A * mask / keep_prob, mask


@posted("regularization.dropout_forward", "question", "dependent")
def _(A, keep_prob, mode, rng):
    if mode == "test":
        return A, np.ones(A.shape)
    mask = np.tile(rng.random((1, A.shape[1])) < keep_prob, (len(A), 1)) * 1
    return A * mask / keep_prob, mask


@posted("regularization.dropout_forward", "question", "mode_ignored")
def _(A, keep_prob, mode, rng):
    mask = (rng.random(A.shape) < keep_prob) * 1
    return A * mask / keep_prob, mask


@posted("regularization.dropout_forward", "question", "global")
def _(A, keep_prob, mode, rng):
    if mode == "test":
        return A, np.ones(A.shape)
    mask = (np.random.rand(*A.shape) < keep_prob) * 1
    return A * mask / keep_prob, mask


@posted("regularization.dropout_forward", "repository", "mode_mask_scaled")
def _(A, keep_prob, mode, rng):
    if mode == "test":
        return A, np.ones(A.shape)
    mask = (rng.random(A.shape) < keep_prob) / keep_prob
    return A * mask, mask


@posted("regularization.dropout_forward", "question", "mode_not_inverted")
def _(A, keep_prob, mode, rng):
    if mode == "test":
        return A * keep_prob, np.ones(A.shape)
    mask = (rng.random(A.shape) < keep_prob) * 1
    return A * mask, mask


@posted("regularization.dropout_forward", "question", "dependent")
def _(A, keep_prob, mode, rng):
    if mode == "test":
        return A, np.ones(A.shape)
    mask = np.zeros(A.size)
    mask[rng.permutation(A.size)[: round(keep_prob * A.size)]] = 1
    mask = mask.reshape(A.shape)
    return A * mask / keep_prob, mask


@posted("regularization.dropout_forward", "question", "other values")
def _(A, keep_prob, mode, rng):
    if mode == "test":
        return A, np.ones(A.shape)
    mask = (rng.random(A.shape) < keep_prob) * 1
    return A * mask / max(mask.mean(), 1e-9), mask


def _net(X, P, keep_prob, mask):
    Z1 = P["W1"] @ X + P["b1"]
    D1 = mask(Z1.shape)
    A1 = np.maximum(0, Z1) * D1 / keep_prob
    Z2 = P["W2"] @ A1 + P["b2"]
    D2 = mask(Z2.shape)
    A2 = np.maximum(0, Z2) * D2 / keep_prob
    Z3 = P["W3"] @ A2 + P["b3"]
    A3 = sigmoid(Z3)
    return A3, {"Z1": Z1, "D1": D1, "A1": A1, "Z2": Z2, "D2": D2, "A2": A2, "Z3": Z3, "A3": A3, **P}


@posted("regularization.forward_propagation_with_dropout", "question", "dependent", "")
def _(X, parameters, keep_prob, rng):
    return _net(X, parameters, keep_prob, lambda shape: np.ones(shape) * (rng.random((shape[0], 1)) < keep_prob))


@posted("regularization.forward_propagation_with_dropout", "question", "forward_mask_from_normal")
def _(X, parameters, keep_prob, rng):
    return _net(X, parameters, keep_prob, lambda shape: rng.standard_normal(shape) < keep_prob)


@posted("regularization.forward_propagation_with_dropout", "question", "forward_swapped")
def _(X, parameters, keep_prob, rng):
    return _net(X, parameters, keep_prob, lambda shape: rng.random(shape) > keep_prob)


@posted("regularization.forward_propagation_with_dropout", "question", "global")
def _(X, parameters, keep_prob, rng):
    np.random.seed(1)
    return _net(X, parameters, keep_prob, lambda shape: np.random.rand(*shape) < keep_prob)


@posted("regularization.forward_propagation_with_dropout", "question", "dependent", "")
def _(X, parameters, keep_prob, rng):
    seed = int(rng.integers(2**31))
    return _net(X, parameters, keep_prob, lambda shape: np.random.default_rng(seed).random(shape) < keep_prob)


@posted("regularization.compute_cost_with_regularization", "question", "cost_without_two")
def _(A3, Y, parameters, lambd):
    m = Y.shape[1]
    cross = -np.sum(Y * np.log(A3) + (1 - Y) * np.log(1 - A3)) / m
    return cross + lambd / m * sum(np.sum(np.square(parameters[f"W{l}"])) for l in (1, 2, 3))


@posted("regularization.compute_cost_with_regularization", "question", "cost_penalty_without_m")
def _(A3, Y, parameters, lambd):
    m = Y.shape[1]
    cross = -np.sum(Y * np.log(A3) + (1 - Y) * np.log(1 - A3)) / m
    return cross + lambd / 2 * sum(np.sum(np.square(parameters[f"W{l}"])) for l in (1, 2, 3))


@posted("regularization.compute_cost_with_regularization", "question", "cost_square_of_the_sum")
def _(A3, Y, parameters, lambd):
    m = Y.shape[1]
    cross = -np.sum(Y * np.log(A3) + (1 - Y) * np.log(1 - A3)) / m
    return cross + lambd / (2 * m) * sum(np.square(np.sum(parameters[f"W{l}"])) for l in (1, 2, 3))


def _reg(X, Y, cache, W_part, slope=lambda A: A > 0):
    m, grads, dZ = X.shape[1], {}, cache["A3"] - Y
    for l, A in ((3, cache["A2"]), (2, cache["A1"]), (1, X)):
        if l < 3:
            dZ = cache[f"W{l + 1}"].T @ dZ * slope(cache[f"A{l}"])
        grads[f"dW{l}"] = dZ @ A.T / m + W_part(cache[f"W{l}"], m)
        grads[f"db{l}"] = np.sum(dZ, axis=1, keepdims=True) / m
    return grads


@posted("regularization.backward_propagation_with_regularization", "question", "gradients_penalty_without_m")
def _(X, Y, cache, lambd):
    return _reg(X, Y, cache, lambda W, m: lambd * W)


@posted("regularization.backward_propagation_with_regularization", "question", "gradients_with_half_penalty")
def _(X, Y, cache, lambd):
    return _reg(X, Y, cache, lambda W, m: lambd * W / (2 * m))


@posted("regularization.backward_propagation_with_regularization", "question", "gradients_with_sum_of_weights")
def _(X, Y, cache, lambd):
    return _reg(X, Y, cache, lambda W, m: lambd / m * np.sum(W))


@posted("initialization.initialize_parameters_he", "question", "he_with_fan_out")
def _(layers_dims, rng):
    P = {}
    for l in range(1, len(layers_dims)):
        P[f"W{l}"] = rng.standard_normal((layers_dims[l], layers_dims[l - 1])) * np.sqrt(2 / layers_dims[l])
        P[f"b{l}"] = np.zeros((layers_dims[l], 1))
    return P


@posted("initialization.initialize_parameters_he", "question", "he_root_of_two_alone")
def _(layers_dims, rng):
    P = {}
    for l in range(1, len(layers_dims)):
        P[f"W{l}"] = rng.standard_normal((layers_dims[l], layers_dims[l - 1])) * np.sqrt(2) / layers_dims[l - 1]
        P[f"b{l}"] = np.zeros((layers_dims[l], 1))
    return P


@posted("initialization.initialize_parameters_he", "repository", "dependent")
def _(layers_dims, rng):
    seed = int(rng.integers(2**31))
    P = {}
    for l in range(1, len(layers_dims)):
        again = np.random.default_rng(seed)
        shape = (layers_dims[l], layers_dims[l - 1])
        P[f"W{l}"] = again.standard_normal(shape) * np.sqrt(2 / layers_dims[l - 1])
        P[f"b{l}"] = np.zeros((layers_dims[l], 1))
    return P


@posted("initialization.initialize_parameters_random", "question", "scale_fixed_at_ten")
def _(layers_dims, rng, scale):
    P = {}
    for l in range(1, len(layers_dims)):
        P[f"W{l}"] = rng.standard_normal((layers_dims[l], layers_dims[l - 1])) * 10
        P[f"b{l}"] = np.zeros((layers_dims[l], 1))
    return P


@posted("initialization.initialize_parameters_xavier", "question", "xavier_forward_only")
def _(layers_dims, rng):
    P = {}
    for l in range(1, len(layers_dims)):
        P[f"W{l}"] = rng.standard_normal((layers_dims[l], layers_dims[l - 1])) * np.sqrt(1 / layers_dims[l - 1])
        P[f"b{l}"] = np.zeros((layers_dims[l], 1))
    return P


@posted("initialization.initialize_parameters_he", "question", "dependent")
def _(layers_dims, rng):
    P = {}
    for l in range(1, len(layers_dims)):
        z = rng.standard_normal((layers_dims[l], 1)) * rng.standard_normal((1, layers_dims[l - 1]))
        P[f"W{l}"] = z * np.sqrt(2 / layers_dims[l - 1])
        P[f"b{l}"] = np.zeros((layers_dims[l], 1))
    return P


@posted("initialization.initialize_parameters_he", "question", "cut")
def _(layers_dims, rng):
    P = {}
    for l in range(1, len(layers_dims)):
        z = np.clip(rng.standard_normal((layers_dims[l], layers_dims[l - 1])), -2, 2)
        P[f"W{l}"] = z * np.sqrt(2 / layers_dims[l - 1])
        P[f"b{l}"] = np.zeros((layers_dims[l], 1))
    return P


@posted("normalization_and_gradient_checking.gradient_check", "question", "precedence_of_epsilon_and_zero_by_zero")
def _(theta, gradient, epsilon=1e-5, cost=lambda theta: np.sum(theta**3) + np.sum(theta) ** 2):
    numerical = np.zeros(theta.shape)
    for index in np.ndindex(theta.shape):
        step = np.zeros(theta.shape)
        step[index] = epsilon
        numerical[index] = (cost(theta + step) - cost(theta - step)) / 2 * epsilon
    return np.linalg.norm(gradient - numerical) / (np.linalg.norm(gradient) + np.linalg.norm(numerical))


@posted("normalization_and_gradient_checking.fit_normalizer", "question", "mean_of_squares")
def _(X):
    return np.mean(X, axis=1, keepdims=True), np.mean(X**2, axis=1, keepdims=True)


@posted("normalization_and_gradient_checking.fit_normalizer", "question", "variance_of_equal_values_too")
def _(X):
    mu = np.mean(X, axis=1, keepdims=True)
    return mu, np.mean((X - mu) ** 2, axis=1, keepdims=True)


@posted("normalization_and_gradient_checking.fit_normalizer", "question", "sigma_zero")
def _(X):
    return np.mean(X, axis=1, keepdims=True), np.std(X, axis=1, keepdims=True)


def _adam(parameters, grads, v, s, t, rate, b1, b2, eps, step):
    new, v, s = {}, dict(v), dict(s)
    for name in parameters:
        g = grads["d" + name]
        v["d" + name] = b1 * v["d" + name] + (1 - b1) * g
        s["d" + name] = b2 * s["d" + name] + (1 - b2) * g**2
        new[name] = parameters[name] - rate * step(v["d" + name], s["d" + name])
    return new, v, s


@posted("optimizers.update_parameters_with_adam", "question", "adam_uncorrected")
def _(parameters, grads, v, s, t, learning_rate=0.01, beta1=0.9, beta2=0.999, epsilon=1e-8):
    how = (learning_rate, beta1, beta2, epsilon)
    return _adam(parameters, grads, v, s, t, *how, lambda v, s: v / (np.sqrt(s) + epsilon))


@posted("optimizers.update_parameters_with_adam", "question", "adam_epsilon_under_root")
def _(parameters, grads, v, s, t, learning_rate=0.01, beta1=0.9, beta2=0.999, epsilon=1e-8):
    def step(v, s):
        return v / (1 - beta1**t) / np.sqrt(s / (1 - beta2**t) + epsilon)

    return _adam(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, step)


@posted("optimizers.update_parameters_with_adam", "question", "adam_power_of_two")
def _(parameters, grads, v, s, t, learning_rate=0.01, beta1=0.9, beta2=0.999, epsilon=1e-8):
    def step(v, s):
        return v / (1 - beta1**2) / (np.sqrt(s / (1 - beta2**2)) + epsilon)

    return _adam(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, step)


@posted("optimizers.update_parameters_with_adam", "question", "adam_without_root")
def _(parameters, grads, v, s, t, learning_rate=0.01, beta1=0.9, beta2=0.999, epsilon=1e-8):
    def step(v, s):
        return v / (1 - beta1**t) / (s / (1 - beta2**t) + epsilon)

    return _adam(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, step)


@posted("optimizers.update_parameters_with_momentum", "repository", "momentum_classical")
def _(parameters, grads, v, beta, learning_rate):
    v = {key: beta * v[key] - learning_rate * grads[key] for key in v}
    return {name: parameters[name] + v["d" + name] for name in parameters}, v


@posted("optimizers.update_parameters_with_momentum", "repository", "momentum_without_weight")
def _(parameters, grads, v, beta, learning_rate):
    v = {key: beta * v[key] + grads[key] for key in v}
    return {name: parameters[name] - learning_rate * v["d" + name] for name in parameters}, v


@posted("optimizers.random_mini_batches", "question", "batches_start_at_k")
def _(X, Y, mini_batch_size, rng):
    order = rng.permutation(X.shape[1])
    X, Y = X[:, order], Y[:, order]
    return [
        (X[:, k : k + mini_batch_size], Y[:, k : k + mini_batch_size]) for k in range(X.shape[1] // mini_batch_size)
    ]


@posted("optimizers.random_mini_batches", "question", "last_batch_dropped")
def _(X, Y, mini_batch_size, rng):
    m = X.shape[1]
    order = rng.permutation(m)
    X, Y = X[:, order], Y[:, order]
    full = m // mini_batch_size
    return [
        (X[:, k * mini_batch_size : (k + 1) * mini_batch_size], Y[:, k * mini_batch_size : (k + 1) * mini_batch_size])
        for k in range(full)
    ]


@posted("optimizers.exponentially_weighted_average", "question", "average_t_from_zero")
def _(values, beta, bias_correction=False):
    v, out = 0, []
    for t, value in enumerate(values):
        v = beta * v + (1 - beta) * value
        out.append(v / (1 - beta**t) if bias_correction else v)
    return out


@posted("optimizers.update_lr", "question", "lr_parentheses_of_both_missing")
def _(learning_rate0, epoch_num, decay_rate):
    return 1 / 1 + decay_rate * epoch_num * learning_rate0


@posted("hyperparameter_search.sample_log_uniform", "question", "uniform_on_the_axis")
def _(low, high, size, rng):
    return rng.uniform(low, high, size)


@posted("hyperparameter_search.sample_log_uniform", "question", "exponents_from_minus_four")
def _(low, high, size, rng):
    r = -4 * rng.random(size)
    return 10**r


@posted("hyperparameter_search.sample_beta", "question", "log_uniform_beta")
def _(low, high, size, rng):
    return 10 ** rng.uniform(np.log10(low), np.log10(high), size)


@posted("batch_normalization.batchnorm_backward", "repository", "diagonal_of_the_jacobian")
def _(dZ_tilde, cache):
    C, s, Z_norm, gamma = cache
    m = C.shape[1]
    dZ = gamma * dZ_tilde / s * (1 - 1 / m - C**2 / (m * s**2))
    return dZ, np.mean(dZ_tilde * Z_norm, axis=1, keepdims=True), np.mean(dZ_tilde, axis=1, keepdims=True)


@posted("batch_normalization.batchnorm_backward_alt", "question", "parameters_without_mean")
def _(dZ_tilde, cache):
    C, s, Z_norm, gamma = cache
    dgamma = np.sum(dZ_tilde * Z_norm, axis=1, keepdims=True)
    dbeta = np.sum(dZ_tilde, axis=1, keepdims=True)
    m = C.shape[1]
    return gamma / (m * s) * (m * dZ_tilde - dbeta - Z_norm * dgamma), dgamma, dbeta


@posted("batch_normalization.update_running_statistics", "question", "momentum_swapped")
def _(running_mean, running_var, Z, momentum=0.9):
    mu, var = np.mean(Z, axis=1, keepdims=True), np.var(Z, axis=1, keepdims=True)
    return (1 - momentum) * running_mean + momentum * mu, (1 - momentum) * running_var + momentum * var


@posted("batch_normalization.update_running_statistics", "repository", "unbiased_running_variance")
def _(running_mean, running_var, Z, momentum=0.9):
    mu, var = np.mean(Z, axis=1, keepdims=True), np.var(Z, axis=1, keepdims=True, ddof=1)
    return momentum * running_mean + (1 - momentum) * mu, momentum * running_var + (1 - momentum) * var


@posted("softmax.softmax", "question", "over_everything_without_shift")
def _(Z):
    return np.exp(Z) / np.sum(np.exp(Z))


@posted("softmax.softmax", "question", "softmax_over_everything")
def _(Z):
    e = np.exp(Z - np.max(Z))
    return e / e.sum()


@posted("softmax.softmax", "question", "shifted_columns_summed_rows")
def _(Z):
    e = np.exp(Z - np.max(Z, axis=0))
    return e / e.sum(axis=1, keepdims=True)


@posted("softmax.softmax", "repository", "quotient_in_the_exponent_that_overflows")
def _(Z):
    return np.exp(Z / np.sum(np.exp(Z), axis=0, keepdims=True))


@posted("softmax.softmax_jacobian", "question", "diagonal_alone")
def _(a):
    return np.diagflat(a * (1 - a))


@posted("softmax.softmax_jacobian", "question", "diag_of_a_column")
def _(a):
    return np.diag(a) - a @ a.T


@posted(
    "softmax.softmax_cross_entropy", "question",
    "logarithm_of_the_softmax", "dZ_with_the_slope_of_the_logistic_function",
)  # fmt: skip
def _(Z, Y):
    e = np.exp(Z - Z.max(axis=0, keepdims=True))
    A = e / e.sum(axis=0, keepdims=True)
    return float(-np.mean(np.sum(Y * np.log(A), axis=0))), (A - Y) * A * (1 - A)


@posted("softmax.one_hot_matrix", "question", "one_hot_rows")
def _(labels, C):
    return np.eye(C)[labels.ravel()]


@posted("bias_variance.train_dev_test_split", "question", "test_labels_by_another_order")
def _(X, Y, sizes, rng):
    a, b, c = sizes
    i = rng.permutation(X.shape[1])
    j = rng.permutation(X.shape[1])
    return (X[:, i[:a]], Y[:, i[:a]], X[:, i[a : a + b]], Y[:, i[a : a + b]], X[:, i[a + b :]], Y[:, j[a + b :]])


@posted("bias_variance.train_dev_test_split", "question", "first_columns_to_train")
def _(X, Y, sizes, rng):
    a, b, c = sizes
    k = rng.permutation(a)
    tr = np.arange(a)[k]
    rest = a + rng.permutation(b + c)
    return (X[:, tr], Y[:, tr], X[:, rest[:b]], Y[:, rest[:b]], X[:, rest[b:]], Y[:, rest[b:]])


@posted("initialization.initialize_parameters_he", "question", "he_with_fan_out")
def _(d, rng):
    p = {}
    for l in range(1, len(d)):
        p[f"W{l}"] = rng.standard_normal((d[l], d[l - 1])) * np.sqrt(2 / d[l])
        p[f"b{l}"] = np.zeros((d[l], 1))
    return p


@posted("initialization.initialize_parameters_he", "question", "he_random_biases")
def _(d, rng):
    p = {}
    for l in range(1, len(d)):
        p[f"W{l}"] = rng.standard_normal((d[l], d[l - 1])) * np.sqrt(2 / d[l - 1])
        p[f"b{l}"] = rng.standard_normal((d[l], 1)) * 0.01
    return p


@posted("initialization.initialize_parameters_he", "question", "weights_never_negative")
def _(d, rng):
    p = {}
    for l in range(1, len(d)):
        p[f"W{l}"] = rng.random((d[l], d[l - 1])) * np.sqrt(2 / d[l - 1])
        p[f"b{l}"] = np.zeros((d[l], 1))
    return p


@posted("initialization.initialize_parameters_xavier", "question", "xavier_forward_only")
def _(d, rng):
    p = {}
    for l in range(1, len(d)):
        p[f"W{l}"] = rng.standard_normal((d[l], d[l - 1])) * np.sqrt(1 / d[l - 1])
        p[f"b{l}"] = np.zeros((d[l], 1))
    return p


@posted("regularization.dropout_forward", "question", "mode_without_rescale")
def _(A, keep_prob, mode, rng):
    if mode == "test":
        return (A, np.ones(A.shape))
    D = rng.random(A.shape) < keep_prob
    return (A * D, D * 1.0)


@posted("regularization.dropout_forward", "question", "mode_ignored")
def _(A, keep_prob, mode, rng):
    D = rng.random(A.shape) < keep_prob
    return (A * D / keep_prob, D * 1.0)


@posted("regularization.forward_propagation_with_dropout", "question", "forward_second_layer_not_divided")
def _(X, p, keep_prob, rng):
    A3, c = REGULARIZATION.forward_propagation_with_dropout(X, p, keep_prob, rng)
    A2 = c["A2"] * keep_prob
    Z3 = p["W3"] @ A2 + p["b3"]
    return (sigmoid(Z3), {**c, "A2": A2, "Z3": Z3, "A3": sigmoid(Z3)})


@posted("optimizers.random_mini_batches", "question", "last_batch_dropped")
def _(X, Y, size, rng):
    i = rng.permutation(X.shape[1])
    X, Y = (X[:, i], Y[:, i])
    return [(X[:, k * size : (k + 1) * size], Y[:, k * size : (k + 1) * size]) for k in range(X.shape[1] // size)]


@posted("optimizers.random_mini_batches", "question", "labels_not_shuffled")
def _(X, Y, size, rng):
    i = rng.permutation(X.shape[1])
    X = X[:, i]
    return [(X[:, k : k + size], Y[:, k : k + size]) for k in range(0, X.shape[1], size)]


@posted("optimizers.update_parameters_with_rmsprop", "question", "rmsprop_size_averaged")
def _(p, g, s, beta, lr, eps):
    s = {k: beta * s[k] + (1 - beta) * np.abs(g[k]) for k in s}
    return ({n: p[n] - lr * g["d" + n] / (np.sqrt(s["d" + n]) + eps) for n in p}, s)


@posted("optimizers.exponentially_weighted_average", "question", "average_correction_stored")
def _(theta, beta, correct=False):
    v, out = (0, [])
    for t, x in enumerate(theta, 1):
        v = beta * v + (1 - beta) * x
        if correct:
            v = v / (1 - beta**t)
        out.append(v)
    return np.array(out)


@posted("hyperparameter_search.sample_log_uniform", "question", "uniform_on_the_axis")
def _(low, high, size, rng):
    return rng.uniform(low, high, size)


@posted("hyperparameter_search.random_search", "question", "best_first_only")
def _(
    space,
    num_trials,
    rng,
    dev_error=hyperparameter_search.practice_error,
):
    t = HYPERPARAMETER_SEARCH.random_search(space, num_trials, rng, dev_error)
    return t[:-1] + t[-1:] if len(t) < 2 else [t[0], *sorted(t[1:], key=lambda r: -r["dev_error"])]


@posted("batch_normalization.batchnorm_forward", "question", "batch_variance_at_test")
def _(Z, gamma, beta, rm, rv, mode, epsilon=1e-05):
    mu = Z.mean(1, keepdims=True) if mode == "train" else rm
    C = Z - mu
    var = (C**2).mean(1, keepdims=True)
    s = np.sqrt(var + epsilon)
    return (gamma * C / s + beta, (C, s, C / s, gamma))


@posted("softmax.softmax_cross_entropy", "question", "J_over_all_entries")
def _(Z, Y):
    shifted = Z - Z.max(axis=0)
    logs = shifted - np.log(np.exp(shifted).sum(axis=0))
    return (float(-np.sum(Y * logs) / Y.size), np.exp(logs) - Y)


@posted("softmax.softmax_regression_model", "question", "bias_after_the_weights")
def _(X, Y, lr, n):
    (nx, m), C = (X.shape, len(Y))
    W, b = (np.zeros((C, nx)), np.zeros((C, 1)))
    costs = []
    for _ in range(n):
        J, dZ = SOFTMAX.softmax_cross_entropy(W @ X + b, Y)
        costs.append(J)
        W = W - lr * dZ @ X.T / m
        J, dZ = SOFTMAX.softmax_cross_entropy(W @ X + b, Y)
        b = b - lr * dZ.mean(1, keepdims=True)
    return ({"W": W, "b": b}, costs)


@posted("hyperparameter_search.random_search", "question", "trained_twice")
def _(space, num_trials, rng, dev_error=hyperparameter_search.practice_error):
    trials = HYPERPARAMETER_SEARCH.random_search(space, num_trials, rng, dev_error)
    return [{"settings": t["settings"], "dev_error": dev_error(t["settings"])} for t in trials]


# --- right answers ---------------------------------------------------------------------------------------------------


@right("regularization.compute_cost_with_regularization")
def _(A3, Y, parameters, lambd):
    m = Y.shape[1]
    logprobs = np.multiply(-np.log(A3), Y) + np.multiply(-np.log(1 - A3), 1 - Y)
    cross = 1.0 / m * np.nansum(logprobs)
    W1, W2, W3 = parameters["W1"], parameters["W2"], parameters["W3"]
    return cross + lambd * (np.sum(np.square(W1)) + np.sum(np.square(W2)) + np.sum(np.square(W3))) / (2 * m)


@right("regularization.backward_propagation_with_regularization")
def _(X, Y, cache, lambd):
    return _reg(X, Y, cache, lambda W, m: lambd / m * W, lambda A: np.int64(A > 0))


@right("regularization.forward_propagation_with_dropout")
def _(X, parameters, keep_prob, rng):
    return _net(X, parameters, keep_prob, lambda shape: (rng.random(shape) < keep_prob).astype(int))


@right("regularization.dropout_forward")
def _(A, keep_prob, mode, rng):
    if mode == "train":
        mask = rng.random(A.shape) < keep_prob
        return A * mask / keep_prob, mask
    return A, np.ones_like(A)


@right("initialization.initialize_parameters_zeros")
def _(layers_dims):
    P, L = {}, len(layers_dims)
    for l in range(1, L):
        P["W" + str(l)] = np.zeros((layers_dims[l], layers_dims[l - 1]))
        P["b" + str(l)] = np.zeros((layers_dims[l], 1))
    return P


@right("initialization.initialize_parameters_random")
def _(layers_dims, rng, scale):
    P, L = {}, len(layers_dims)
    for l in range(1, L):
        P["W" + str(l)] = scale * rng.normal(size=(layers_dims[l], layers_dims[l - 1]))
        P["b" + str(l)] = np.zeros((layers_dims[l], 1))
    return P


@right("initialization.initialize_parameters_he")
def _(layers_dims, rng):
    P, L = {}, len(layers_dims) - 1
    for l in range(1, L + 1):
        P["W" + str(l)] = rng.normal(size=(layers_dims[l], layers_dims[l - 1])) * np.sqrt(2.0 / layers_dims[l - 1])
        P["b" + str(l)] = np.zeros((layers_dims[l], 1))
    return P


@right("initialization.initialize_parameters_xavier")
def _(layers_dims, rng):
    P = {}
    for l, (n_prev, n) in enumerate(zip(layers_dims, layers_dims[1:], strict=False), 1):
        P[f"W{l}"] = rng.normal(0, np.sqrt(2 / (n + n_prev)), (n, n_prev))
        P[f"b{l}"] = np.zeros((n, 1))
    return P


@right("normalization_and_gradient_checking.apply_normalizer")
def _(X, mu, sigma):
    return np.divide(np.subtract(X, mu), sigma)


@right("normalization_and_gradient_checking.fit_normalizer")
def _(X):
    mu, sigma = X.mean(axis=1)[:, None], X.std(axis=1)[:, None]
    sigma[np.all(X[:, :1] == X, axis=1)] = 1
    return mu, sigma


@right("optimizers.update_parameters_with_gd")
def _(parameters, grads, learning_rate):
    parameters = {name: value.copy() for name, value in parameters.items()}
    for l in range(len(parameters) // 2):
        parameters["W" + str(l + 1)] = parameters["W" + str(l + 1)] - learning_rate * grads["dW" + str(l + 1)]
        parameters["b" + str(l + 1)] = parameters["b" + str(l + 1)] - learning_rate * grads["db" + str(l + 1)]
    return parameters


@right("optimizers.random_mini_batches")
def _(X, Y, mini_batch_size, rng):
    m, out = X.shape[1], []
    permutation = list(rng.permutation(m))
    X, Y = X[:, permutation], Y[:, permutation].reshape((Y.shape[0], m))
    full = m // mini_batch_size
    for k in range(full):
        part = slice(k * mini_batch_size, (k + 1) * mini_batch_size)
        out.append((X[:, part], Y[:, part]))
    if m % mini_batch_size != 0:
        out.append((X[:, full * mini_batch_size :], Y[:, full * mini_batch_size :]))
    return out


@right("optimizers.initialize_velocity")
def _(parameters):
    v = {}
    for l in range(len(parameters) // 2):
        v["dW" + str(l + 1)] = np.zeros_like(parameters["W" + str(l + 1)])
        v["db" + str(l + 1)] = np.zeros_like(parameters["b" + str(l + 1)])
    return v


@right("optimizers.initialize_adam")
def _(parameters):
    v, s = {}, {}
    for name in parameters:
        v["d" + name] = np.zeros(parameters[name].shape)
        s["d" + name] = np.zeros(parameters[name].shape)
    return v, s


@right("optimizers.update_parameters_with_momentum")
def _(parameters, grads, v, beta, learning_rate):
    parameters, v = dict(parameters), dict(v)
    for l in range(1, len(parameters) // 2 + 1):
        for n in "Wb":
            v[f"d{n}{l}"] = beta * v[f"d{n}{l}"] + (1 - beta) * grads[f"d{n}{l}"]
            parameters[f"{n}{l}"] = parameters[f"{n}{l}"] - learning_rate * v[f"d{n}{l}"]
    return parameters, v


@right("optimizers.update_parameters_with_adam")
def _(parameters, grads, v, s, t, learning_rate=0.01, beta1=0.9, beta2=0.999, epsilon=1e-8):
    def step(v, s):
        return (v / (1 - np.power(beta1, t))) / (np.sqrt(s / (1 - np.power(beta2, t))) + epsilon)

    return _adam(parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon, step)


@right("optimizers.update_lr")
def _(learning_rate0, epoch_num, decay_rate):
    return (1 / (1 + decay_rate * epoch_num)) * learning_rate0


@right("optimizers.schedule_lr_decay")
def _(learning_rate0, epoch_num, decay_rate, time_interval=1000):
    return 1 / (1 + decay_rate * np.floor(epoch_num / time_interval)) * learning_rate0


@right("hyperparameter_search.sample_log_uniform")
def _(low, high, size, rng):
    return np.exp(rng.uniform(np.log(low), np.log(high), size))


@right("hyperparameter_search.sample_beta")
def _(low, high, size, rng):
    r = rng.uniform(np.log10(1 - high), np.log10(1 - low), size)
    return [1 - 10**one for one in r]


@right("batch_normalization.batchnorm_backward_alt")
def _(dZ_tilde, cache):
    _, s, x_hat, gamma = cache
    m = x_hat.shape[1]
    dx_hat = dZ_tilde * gamma
    dZ = (m * dx_hat - dx_hat.sum(axis=1, keepdims=True) - x_hat * (dx_hat * x_hat).sum(axis=1, keepdims=True)) / (
        m * s
    )
    return dZ, (dZ_tilde * x_hat).sum(axis=1, keepdims=True) / m, dZ_tilde.sum(axis=1, keepdims=True) / m


@right("batch_normalization.batchnorm_backward")
def _(dZ_tilde, cache):
    C, s, x_hat, gamma = cache
    m = C.shape[1]
    dx_hat = dZ_tilde * gamma
    dvar = np.sum(dx_hat * C * -0.5 * s**-3, axis=1, keepdims=True)
    dmu = np.sum(-dx_hat / s, axis=1, keepdims=True) + dvar * np.mean(-2 * C, axis=1, keepdims=True)
    dZ = dx_hat / s + dvar * 2 * C / m + dmu / m
    return dZ, np.mean(dZ_tilde * x_hat, axis=1, keepdims=True), np.mean(dZ_tilde, axis=1, keepdims=True)


@right("softmax.softmax")
def _(Z):
    e = np.exp(Z - Z.max(axis=0))
    return e / e.sum(axis=0)


@right("softmax.one_hot_matrix")
def _(labels, C):
    return np.eye(C)[labels.reshape(-1)].T


@right("softmax.softmax_jacobian")
def _(a):
    s = a.reshape(-1, 1)
    return np.diagflat(s) - np.dot(s, s.T)


@right("softmax.predict_classes")
def _(X, parameters):
    return np.argmax(np.dot(parameters["W"], X) + parameters["b"], axis=0).reshape(1, -1)


@right("softmax.hardmax")
def _(Z):
    out = np.zeros_like(Z)
    for i in range(Z.shape[1]):
        out[Z[:, i].argmax(), i] = 1
    return out


@right("bias_variance.split_sizes")
def _(m):
    dev = int(m // 100) if m >= 10**6 else int(m // 5)
    return np.array([m - 2 * dev, dev, dev])


@right("bias_variance.train_dev_test_split")
def _(X, Y, sizes, rng):
    order = np.arange(sum(sizes))
    rng.shuffle(order)
    parts = np.split(order, np.cumsum(sizes)[:-1])
    return [array[:, part] for part in parts for array in (X, Y)]


# --- of our own: the kinds that were found, in exercises where they were not looked for --------------------------


@posted("regularization.dropout_forward", "own", "mode_drawn_in_test")
def _(A, keep_prob, mode, rng):
    mask = rng.random(A.shape) < keep_prob
    if mode == "test":
        return A, np.ones(A.shape)
    return A * mask / keep_prob, mask


@posted("bias_variance.error_parts", "own")
def _(G, f):
    g = G.mean(0)
    return (np.mean(np.abs(g - f)) ** 2, np.mean((G - g) ** 2))


@posted("bias_variance.error_parts", "own")
def _(G, f):
    g = G.mean(0)
    return (np.mean((g - f) ** 2), np.mean((G[0] - g) ** 2))


@posted("bias_variance.error_parts", "own", "variance_over_everything")
def _(G, f):
    g = G.mean(0)
    return (np.mean((g - f) ** 2), np.var(G))


@posted("bias_variance.error_parts", "own")
def _(G, f):
    g = np.median(G, 0)
    return (np.mean((g - f) ** 2), np.mean((G - g) ** 2))


@posted("bias_variance.split_sizes", "own")
def _(m):
    return (round(m * 0.6), round(m * 0.2), round(m * 0.2))


@posted("bias_variance.split_sizes", "own", "always_60_20_20")
def _(m):
    a = m // 5
    return (m - 2 * a, a, a)


@posted("hyperparameter_search.refine_range", "own", "around_the_middle")
def _(lo, hi, best, shrink):
    c = np.sqrt(lo * hi)
    r = (hi / lo) ** (shrink / 2)
    return (c / r, c * r)


@posted("hyperparameter_search.refine_range", "own", "beyond_the_edge")
def _(lo, hi, best, shrink):

    a, b, c = np.log10([lo, hi, best])
    h = (b - a) * shrink / 2
    return (10 ** (c - h), 10 ** (c + h))


@posted("hyperparameter_search.refine_range", "own")
def _(lo, hi, best, shrink):
    h = (hi - lo) * shrink / 2
    return (max(lo, best - h), min(hi, best + h))


@posted("initialization.activation_scales", "own")
def _(X, p, act):
    g = np.tanh if act == "tanh" else lambda z: np.maximum(0, z)
    s, q = ([np.std(X)], [np.mean(X**2)])
    A = X
    for l in range(1, len(p) // 2 + 1):
        A = g(p[f"W{l}"] @ A + p[f"b{l}"])
        s.append(np.mean(np.std(A, axis=1)))
        q.append(np.mean(A**2))
    return (s, q)


@posted("initialization.activation_scales", "own")
def _(X, p, act):
    g = np.tanh if act == "tanh" else lambda z: np.maximum(0, z)
    s, q = ([np.std(X)], [np.mean(X**2)])
    A = X
    for l in range(1, len(p) // 2 + 1):
        A = g(p[f"W{l}"] @ A + p[f"b{l}"])
        s.append(np.std(A))
        q.append(np.std(A) ** 2)
    return (s, q)


@posted("normalization_and_gradient_checking.apply_normalizer", "own")
def _(X, mu, s):
    return (X - np.mean(mu)) / s


@posted("normalization_and_gradient_checking.apply_normalizer", "own")
def _(X, mu, s):
    return (X - X.min(1, keepdims=True)) / (np.ptp(X, 1, keepdims=True) + 1e-300)


@posted("normalization_and_gradient_checking.apply_normalizer", "own", "slip: absolute")
def _(X, mu, s):
    return np.abs(X - mu) / s


@posted("optimizers.initialize_velocity", "own", "velocity_ones")
def _(p):
    return {"d" + k: np.ones_like(v) for k, v in p.items()}


@posted("optimizers.initialize_velocity", "own", "velocity_numbers")
def _(p):
    return {"d" + k: 0.0 for k in p}


@posted("optimizers.initialize_velocity", "own", "velocity_weights_only")
def _(p):
    return {"d" + k: np.zeros_like(v) for k, v in p.items() if k[0] == "W"}


@posted("optimizers.schedule_lr_decay", "own", "schedule_without_floor")
def _(a, e, d, t=1000):
    return a / (1 + d * e / t)


@posted("optimizers.schedule_lr_decay", "own", "schedule_rounded_up")
def _(a, e, d, t=1000):
    return a / (1 + d * np.ceil(e / t))


@posted("optimizers.schedule_lr_decay", "own", "schedule_interval_fixed")
def _(a, e, d, t=1000):
    return a / (1 + d * (e // 1000))


@posted("optimizers.update_lr", "own", "lr_exponential")
def _(a, e, d):
    return a * np.exp(-d * e)


@posted("optimizers.update_lr", "own", "lr_times_the_epoch")
def _(a, e, d):
    return a / (1 + d) * e


@posted("optimizers.update_lr", "own", "lr_power")
def _(a, e, d):
    return a / (1 + d) ** e


@posted("softmax.hardmax", "own", "rounded_probabilities")
def _(Z):
    return (SOFTMAX.softmax(Z) > 0.5).astype(float)


@posted("softmax.hardmax", "own", "ones_at_all_ties")
def _(Z):
    return (Z.max(0, keepdims=True) == Z) * 1.0


@posted("softmax.hardmax", "own", "largest_of_each_row")
def _(Z):
    return (Z.max(1, keepdims=True) == Z) * 1.0


@posted("softmax.softmax_cross_entropy", "own", "cross_entropy_shifted_by_the_largest_of_all")
def _(Z, Y):
    E = np.exp(Z - Z.max())
    S = E.sum(0)
    return (np.mean(Z.max() + np.log(S) - np.sum(Y * Z, 0)), E / S - Y)


@posted("softmax.softmax_cross_entropy", "own", "dZ_with_the_slope_of_the_logistic_function")
def _(Z, Y):
    J, d = SOFTMAX.softmax_cross_entropy(Z, Y)
    a = SOFTMAX.softmax(Z)
    return (J, (a - Y) * a * (1 - a))


@posted("optimizers.exponentially_weighted_average", "own", "average_t_from_zero")
def _(v, b, c=False):
    s = 0
    out = []
    for t, x in enumerate(v):
        s = b * s + (1 - b) * x
        out.append(s / (1 - b**t) if c else s)
    return np.array(out)


@posted("optimizers.exponentially_weighted_average", "own", "average_from_first_value")
def _(v, b, c=False):
    s = v[0]
    out = []
    for t, x in enumerate(v, 1):
        s = b * s + (1 - b) * x
        out.append(s / (1 - b**t) if c else s)
    return np.array(out)


@posted("optimizers.update_parameters_with_momentum", "own", "momentum_classical")
def _(p, g, v, b, lr):
    V = {k: b * v[k] - lr * g[k] for k in v}
    return ({k: p[k] + V["d" + k] for k in p}, V)


@posted("optimizers.update_parameters_with_momentum", "own", "momentum_without_weight")
def _(p, g, v, b, lr):
    V = {k: b * v[k] + g[k] for k in v}
    return ({k: p[k] - lr * V["d" + k] for k in p}, V)


@posted("optimizers.update_parameters_with_rmsprop", "own", "rmsprop_epsilon_outside")
def _(p, g, s, b, lr, e):
    S = {k: b * s[k] + (1 - b) * g[k] ** 2 for k in s}
    return ({k: p[k] - lr * (g["d" + k] / np.sqrt(S["d" + k]) + e) for k in p}, S)


@right("batch_normalization.update_running_statistics", "own")
def _(m, v, Z, momentum=0.9):
    mu = Z.mean(1)[:, None]
    va = (Z**2).mean(1)[:, None] - mu**2
    return (momentum * m + (1 - momentum) * mu, momentum * v + (1 - momentum) * va)


@right("bias_variance.error_parts", "own")
def _(G, f):
    f = np.ravel(f)
    R, n = G.shape
    g = [sum(G[r][i] for r in range(R)) / R for i in range(n)]
    return (
        sum((g[i] - f[i]) ** 2 for i in range(n)) / n,
        sum((G[r][i] - g[i]) ** 2 for r in range(R) for i in range(n)) / (R * n),
    )


@right("hyperparameter_search.refine_range", "own")
def _(lo, hi, best, shrink):
    a, b, c = map(math.log, (lo, hi, best))
    h = (b - a) * shrink
    s = min(max(c - h / 2, a), b - h)
    return (math.exp(s), math.exp(s + h))


@right("initialization.activation_scales", "own")
def _(X, p, act):
    g = {"tanh": np.tanh, "relu": lambda z: np.maximum(z, 0)}[act]

    def go(A, l):
        here = [(A.std(), (A * A).mean())]
        return here if f"W{l}" not in p else here + go(g(p[f"W{l}"].dot(A) + p[f"b{l}"]), l + 1)

    s = go(X, 1)
    return (tuple((a for a, _ in s)), [b for _, b in s])


@right("normalization_and_gradient_checking.gradient_check_n", "own")
def _(p, g, X, Y, epsilon=1e-05, cost=None):
    cost = cost or normalization_and_gradient_checking.network_cost
    out = []
    for k, v in p.items():
        num = []
        for i in range(v.size):
            e = np.zeros(v.size)
            e[i] = epsilon
            e = e.reshape(v.shape)
            num.append((cost({**p, k: v + e}, X, Y) - cost({**p, k: v - e}, X, Y)) / (2 * epsilon))
        num = np.array(num)
        q = g["d" + k].ravel()
        d = np.linalg.norm(num) + np.linalg.norm(q)
        if d and np.linalg.norm(num - q) / d > 1e-06:
            out.append(k)
    return out


@right("optimizers.exponentially_weighted_average", "own")
def _(v, beta, bias_correction=False):
    n = len(v)
    W = np.array([[beta ** (t - j) if j <= t else 0.0 for j in range(n)] for t in range(n)]) * (1 - beta)
    o = W @ np.asarray(v, float)
    return o / (1 - beta ** np.arange(1, n + 1)) if bias_correction else o


@right("regularization.backward_propagation_with_dropout", "own")
def _(X, Y, c, k):
    m = X.shape[1]
    d3 = c["A3"] - Y
    d2 = np.dot(c["W3"].T, d3) * c["D2"] / k * (c["A2"] > 0)
    d1 = np.dot(c["W2"].T, d2) * c["D1"] / k * (c["A1"] > 0)
    o = {}
    for l, (d, a) in enumerate(((d1, X), (d2, c["A1"]), (d3, c["A2"])), 1):
        o[f"dW{l}"] = d @ a.T / m
        o[f"db{l}"] = d.mean(1, keepdims=True)
    return o


@right("softmax.softmax_regression_model", "own")
def _(X, Y, lr, n):
    V = np.zeros((len(Y), len(X) + 1))
    X1 = np.vstack([X, np.ones((1, X.shape[1]))])
    c = []
    for _ in range(n):
        Z = V @ X1
        Z = Z - Z.max(0)
        l = np.log(np.exp(Z).sum(0))
        c.append(float(np.mean(l - (Y * Z).sum(0))))
        V = V - lr * (np.exp(Z - l) - Y) @ X1.T / X.shape[1]
    return ({"W": V[:, :-1], "b": V[:, -1:]}, tuple(c))
