"""Course 1: answers in the words of learners."""

import math

import numpy as np

from helpers.exercises.course1_nn import introduction

from . import posted, right, solved

DEEP_NETWORK = solved("deep_network")
HYPERPARAMETERS = solved("hyperparameters")
LOGISTIC_REGRESSION = solved("logistic_regression")
SHALLOW_NETWORK = solved("shallow_network")


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


# --- mistakes --------------------------------------------------------------------------------------------------------


@posted("logistic_regression.propagate", "question", "cost_of_a_table")
def _(w, b, X, Y):
    m = X.shape[1]
    A = sigmoid(np.dot(w.T, X) + b)
    cost = -1 / m * np.sum(np.dot(Y.T, np.log(A)) + np.dot((1 - Y).T, np.log(1 - A)))
    return {"dw": np.dot(X, (A - Y).T) / m, "db": np.sum(A - Y) / m}, cost


@posted("logistic_regression.propagate", "question", "entrywise_product")
def _(w, b, X, Y):
    m = X.shape[1]
    A = sigmoid(np.dot(w.T, X) + b)
    cost = -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / m
    return {"dw": X * (A - Y) / m, "db": np.sum(A - Y) / m}, cost


@posted("logistic_regression.propagate", "question", "cost_not_summed")
def _(w, b, X, Y):
    m = X.shape[1]
    A = sigmoid(np.dot(w.T, X) + b)
    cost = -(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / m
    return {"dw": np.dot(X, (A - Y).T) / m, "db": np.sum(A - Y) / m}, cost


@posted("logistic_regression.propagate", "question", "db_without_mean")
def _(w, b, X, Y):
    m = X.shape[1]
    A = sigmoid(np.dot(w.T, X) + b)
    cost = -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / m
    return {"dw": np.dot(X, (A - Y).T) / m, "db": np.sum(A - Y)}, cost


@posted("logistic_regression.propagate", "question", "sign_of_the_second_term")
def _(w, b, X, Y):
    m = X.shape[1]
    A = sigmoid(np.dot(w.T, X) + b)
    cost = -np.sum(Y * np.log(A) - (1 - Y) * np.log(1 - A)) / m
    return {"dw": np.dot(X, (A - Y).T) / m, "db": np.sum(A - Y) / m}, cost


@posted("logistic_regression.propagate", "question", "features_for_m")
def _(w, b, X, Y):
    m = X.shape[0]
    A = sigmoid(np.dot(w.T, X) + b)
    cost = -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / m
    return {"dw": np.dot(X, (A - Y).T) / m, "db": np.sum(A - Y) / m}, cost


@posted("logistic_regression.propagate", "question", "parentheses_of_the_score_missing")
def _(w, b, X, Y):
    m = X.shape[1]
    A = 1 / (1 + np.exp(-np.dot(w.T, X) + b))
    cost = -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / m
    return {"dw": np.dot(X, (A - Y).T) / m, "db": np.sum(A - Y) / m}, cost


@posted("logistic_regression.propagate", "question", "cost_without_minus")
def _(w, b, X, Y):
    m = X.shape[1]
    A = sigmoid(np.dot(w.T, X) + b)
    cost = np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / m
    return {"dw": np.dot(X, (A - Y).T) / m, "db": np.sum(A - Y) / m}, cost


@posted("logistic_regression.propagate", "question", "dz_with_wrong_sign")
def _(w, b, X, Y):
    m = X.shape[1]
    A = sigmoid(np.dot(w.T, X) + b)
    cost = -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / m
    return {"dw": np.dot(X, (Y - A).T) / m, "db": np.sum(Y - A) / m}, cost


@posted("logistic_regression.propagate", "question", "w_not_transposed")
def _(w, b, X, Y):
    m = X.shape[1]
    A = sigmoid(np.dot(w, X) + b)
    cost = -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / m
    return {"dw": np.dot(X, (A - Y).T) / m, "db": np.sum(A - Y) / m}, cost


@posted("logistic_regression.sigmoid", "question", "missing_parentheses")
def _(z):
    return 1 / 1 + np.exp(-z)


@posted("logistic_regression.sigmoid", "question", "sign_in_the_exponent")
def _(z):
    return 1 / (1 + np.exp(z))


@posted("logistic_regression.sigmoid", "question", "quotient_that_overflows")
def _(z):
    return np.exp(z) / (1 + np.exp(z))


@posted("logistic_regression.initialize_with_zeros", "question", "one_axis")
def _(n_x):
    return np.zeros(n_x), 0.0


@posted("logistic_regression.initialize_with_zeros", "question", "row")
def _(n_x):
    return np.zeros((1, n_x)), 0.0


@posted("logistic_regression.optimize", "question", "uphill")
def _(w, b, X, Y, num_iterations=100, learning_rate=0.009):
    costs = []
    for _ in range(num_iterations):
        A = sigmoid(w.T @ X + b)
        cost = float(-np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A)))
        dw, db = X @ (A - Y).T / X.shape[1], float(np.mean(A - Y))
        w = w + learning_rate * dw
        b = b + learning_rate * db
        costs.append(cost)
    return {"w": w, "b": b}, {"dw": dw, "db": db}, costs


@posted("logistic_regression.optimize", "question", "gradient_computed_once")
def _(w, b, X, Y, num_iterations=100, learning_rate=0.009):
    costs = []
    A = sigmoid(w.T @ X + b)
    dw, db = X @ (A - Y).T / X.shape[1], float(np.mean(A - Y))
    for _ in range(num_iterations):
        w = w - learning_rate * dw
        b = b - learning_rate * db
        costs.append(float(-np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A))))
    return {"w": w, "b": b}, {"dw": dw, "db": db}, costs


@posted("logistic_regression.optimize", "question", "costs_of_every_hundredth_step")
def _(w, b, X, Y, num_iterations=100, learning_rate=0.009):
    costs = []
    for i in range(num_iterations):
        A = sigmoid(w.T @ X + b)
        cost = float(-np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A)))
        dw, db = X @ (A - Y).T / X.shape[1], float(np.mean(A - Y))
        w, b = w - learning_rate * dw, b - learning_rate * db
        if i % 100 == 0:
            costs.append(cost)
    return {"w": w, "b": b}, {"dw": dw, "db": db}, costs


@posted("logistic_regression.predict", "question", "threshold_on_the_score")
def _(w, b, X):
    return np.round(np.dot(w.T, X) + b > 0.5) * 1.0


@posted("logistic_regression.predict", "question", "probabilities")
def _(w, b, X):
    return sigmoid(np.dot(w.T, X) + b)


@posted("logistic_regression.predict", "question", "predict_without_b")
def _(w, b, X):
    return (sigmoid(np.dot(w.T, X)) > 0.5) * 1


@posted("shallow_network.layer_sizes", "question", "columns_counted")
def _(X, Y):
    return X.shape[1], 4, Y.shape[1]


@posted("shallow_network.initialize_parameters", "question", "without_factor")
def _(n_x, n_h, n_y, rng):
    draw = rng.standard_normal
    return {"W1": draw((n_h, n_x)), "b1": np.zeros((n_h, 1)), "W2": draw((n_y, n_h)), "b2": np.zeros((n_y, 1))}


@posted("shallow_network.initialize_parameters", "question", "seed_inside")
def _(n_x, n_h, n_y, rng):
    np.random.seed(2)
    draw = np.random.randn
    return {
        "W1": draw(n_h, n_x) * 0.01, "b1": np.zeros((n_h, 1)), "W2": draw(n_y, n_h) * 0.01, "b2": np.zeros((n_y, 1))
    }  # fmt: skip


@posted("shallow_network.initialize_parameters", "question", "never_negative")
def _(n_x, n_h, n_y, rng):
    draw = rng.random
    return {
        "W1": draw((n_h, n_x)) * 0.01, "b1": np.zeros((n_h, 1)), "W2": draw((n_y, n_h)) * 0.01, "b2": np.zeros((n_y, 1))
    }  # fmt: skip


def _forward(X, P, hidden=np.tanh, out=sigmoid):
    Z1 = P["W1"] @ X + P["b1"]
    A1 = hidden(Z1)
    Z2 = P["W2"] @ A1 + P["b2"]
    A2 = out(Z2)
    return A2, {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2}


@posted("shallow_network.forward_propagation", "question", "sigmoid_in_the_hidden_layer")
def _(X, parameters):
    return _forward(X, parameters, sigmoid)


@posted("shallow_network.forward_propagation", "question", "tanh_at_the_output")
def _(X, parameters):
    return _forward(X, parameters, np.tanh, np.tanh)


@posted("shallow_network.compute_cost", "question", "cost_of_a_table")
def _(A2, Y):
    return -np.sum(np.dot(Y.T, np.log(A2)) + np.dot((1 - Y).T, np.log(1 - A2))) / Y.shape[1]


@posted("shallow_network.compute_cost", "question", "first_term_only")
def _(A2, Y):
    return -np.sum(np.multiply(np.log(A2), Y)) / Y.shape[1]


@posted("shallow_network.compute_cost", "question", "sum_of_losses")
def _(A2, Y):
    return -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2))


def _backward(P, cache, X, Y, slope=lambda A: 1 - A**2, m=None, db=lambda dZ: dZ.sum(axis=1, keepdims=True), first=1):
    m = X.shape[1] if m is None else m
    dZ2 = cache["A2"] - Y
    dZ1 = P["W2"].T @ dZ2 * slope(cache["A1"])
    return {"dW1": dZ1 @ X.T / m, "db1": first * db(dZ1) / m, "dW2": dZ2 @ cache["A1"].T / m, "db2": db(dZ2) / m}


@posted("shallow_network.backward_propagation", "question", "slope_of_the_logistic_function")
def _(parameters, cache, X, Y):
    return _backward(parameters, cache, X, Y, lambda A: A * (1 - A))


@posted("shallow_network.backward_propagation", "question", "bracket_squared")
def _(parameters, cache, X, Y):
    return _backward(parameters, cache, X, Y, lambda A: (1 - A) ** 2)


@posted("shallow_network.backward_propagation", "question", "biases_without_keepdims")
def _(parameters, cache, X, Y):
    return _backward(parameters, cache, X, Y, db=lambda dZ: dZ.sum(axis=1))


@posted("shallow_network.backward_propagation", "question", "biases_without_axis")
def _(parameters, cache, X, Y):
    return _backward(parameters, cache, X, Y, db=lambda dZ: np.sum(dZ))


@posted("shallow_network.backward_propagation", "question", "without_mean")
def _(parameters, cache, X, Y):
    return _backward(parameters, cache, X, Y, m=1)


@posted("shallow_network.backward_propagation", "course", "db1_times_four")
def _(parameters, cache, X, Y):
    return _backward(parameters, cache, X, Y, first=4)


@posted("shallow_network.update_parameters", "question", "rate_fixed")
def _(parameters, grads, learning_rate):
    return {name: parameters[name] - 1.2 * grads["d" + name] for name in parameters}


@posted("shallow_network.update_parameters", "question", "uphill")
def _(parameters, grads, learning_rate):
    return {name: parameters[name] + learning_rate * grads["d" + name] for name in parameters}


@posted("shallow_network.predict", "question", "probabilities")
def _(parameters, X):
    return _forward(X, parameters)[0]


@posted("shallow_network.predict", "question", "pair_not_unpacked")
def _(parameters, X):
    return _forward(X, parameters) > 0.5


@posted("deep_network.linear_backward", "question", "db_as_dW")
def _(dZ, cache):
    A_prev, W, b = cache
    m = A_prev.shape[1]
    return np.dot(W.T, dZ), np.dot(dZ, A_prev.T) / m, np.dot(dZ, A_prev.T) / m


@posted("deep_network.linear_backward", "repository", "slip: shape")
def _(dZ, cache):
    A_prev, W, b = cache
    m = A_prev.shape[1]
    return np.dot(W.T, dZ), np.dot(dZ, A_prev.T) / m, np.squeeze(np.sum(dZ, axis=1, keepdims=True)) / m


@posted("deep_network.linear_backward", "repository", "db_without_axis")
def _(dZ, cache):
    A_prev, W, b = cache
    m = A_prev.shape[1]
    return np.dot(W.T, dZ), np.dot(dZ, A_prev.T) / m, np.sum(dZ) / m


@posted("deep_network.linear_backward", "question", "W_not_transposed")
def _(dZ, cache):
    A_prev, W, b = cache
    m = A_prev.shape[1]
    return np.dot(W, dZ), np.dot(dZ, A_prev.T) / m, np.sum(dZ, axis=1, keepdims=True) / m


@posted("deep_network.linear_backward", "question", "rows_for_m")
def _(dZ, cache):
    A_prev, W, b = cache
    m = A_prev.shape[0]
    return np.dot(W.T, dZ), np.dot(dZ, A_prev.T) / m, np.sum(dZ, axis=1, keepdims=True) / m


@posted("deep_network.linear_forward", "question", "scores_with_transposed_weights")
def _(A, W, b):
    return np.dot(W.T, A) + b, (A, W, b)


@posted("deep_network.linear_forward", "question", "scores_without_b")
def _(A, W, b):
    return np.dot(W, A), (A, W, b)


@posted("deep_network.compute_cost", "question", "cost_with_log_of_zero")
def _(AL, Y):
    return -np.sum(Y * np.log(AL) + (1 - Y) * np.log(1 - AL)) / Y.shape[1]


@posted("deep_network.initialize_parameters_deep", "question", "weights_of_a_hundredth")
def _(layers_dims, rng):
    P = {}
    for l in range(1, len(layers_dims)):
        P[f"W{l}"] = rng.standard_normal((layers_dims[l], layers_dims[l - 1])) * 0.01
        P[f"b{l}"] = np.zeros((layers_dims[l], 1))
    return P


@posted("deep_network.update_parameters", "question", "last_layer_kept")
def _(parameters, grads, learning_rate):
    L = len(parameters) // 2
    new = dict(parameters)
    for l in range(L - 1):
        new[f"W{l + 1}"] = parameters[f"W{l + 1}"] - learning_rate * grads[f"dW{l + 1}"]
        new[f"b{l + 1}"] = parameters[f"b{l + 1}"] - learning_rate * grads[f"db{l + 1}"]
    return new


@posted("activations.relu", "question", "max_of_python")
def _(z):
    return max(0, z)


@posted("activations.tanh_derivative", "question", "tanh_rule_on_z")
def _(z):
    return 1 - z**2


@posted("activations.sigmoid_derivative", "question", "sigmoid_rule_on_z")
def _(z):
    return z * (1 - z)


@posted("activations.relu_derivative", "question", "relu_itself")
def _(z):
    return np.maximum(0, z)


@posted("introduction.image2vector", "question", "row_vector")
def _(image):
    return image.reshape(1, -1)


@posted("introduction.image2vector", "question", "three_sizes_two_names")
def _(image):
    n_H, n_W = image.shape
    return image.reshape(n_H * n_W, 1)


@posted("introduction.stack_examples", "question", "examples_mixed")
def _(images):
    return images.reshape(-1, images.shape[0])


@posted("shallow_network.backward_propagation", "question", "slip: mean")
def _(parameters, cache, X, Y):
    m = X.shape[1]
    dZ2 = cache["A2"] - Y
    dZ1 = parameters["W2"].T @ dZ2 * (1 - cache["A1"] ** 2) / m
    return {
        "dW2": dZ2 @ cache["A1"].T / m,
        "db2": dZ2.sum(1, keepdims=True) / m,
        "dW1": dZ1 @ X.T / m,
        "db1": dZ1.sum(1, keepdims=True) / m,
    }


@posted("shallow_network.backward_propagation", "question", "slope_from_the_output")
def _(parameters, cache, X, Y):
    m = X.shape[1]
    dZ2 = cache["A2"] - Y
    dZ1 = parameters["W2"].T @ dZ2 * (1 - cache["A2"] ** 2)
    return {
        "dW2": dZ2 @ cache["A1"].T / m,
        "db2": dZ2.sum(1, keepdims=True) / m,
        "dW1": dZ1 @ X.T / m,
        "db1": dZ1.sum(1, keepdims=True) / m,
    }


@posted("shallow_network.backward_propagation", "question", "bias_gradients_over_all")
def _(parameters, cache, X, Y):
    m = X.shape[1]
    dZ2 = cache["A2"] - Y
    dZ1 = parameters["W2"].T @ dZ2 * (1 - cache["A1"] ** 2)
    return {
        "dW2": dZ2 @ cache["A1"].T / m,
        "db2": np.sum(dZ2) / m * np.ones((len(Y), 1)),
        "dW1": dZ1 @ X.T / m,
        "db1": np.sum(dZ1) / m * np.ones((len(dZ1), 1)),
    }


@posted("shallow_network.forward_propagation", "question", "sigmoid_in_the_hidden_layer")
def _(X, p):
    Z1 = p["W1"] @ X + p["b1"]
    A1 = sigmoid(Z1)
    Z2 = p["W2"] @ A1 + p["b2"]
    A2 = sigmoid(Z2)
    return (A2, {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2})


@posted("shallow_network.forward_propagation", "question", "scores_to_the_second_layer")
def _(X, p):
    Z1 = p["W1"] @ X + p["b1"]
    A1 = np.tanh(Z1)
    Z2 = p["W2"] @ Z1 + p["b2"]
    A2 = sigmoid(Z2)
    return (A2, {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2})


@posted("shallow_network.compute_cost", "question", "first_term_only")
def _(A2, Y):
    return float(-np.sum(Y * np.log(A2)) / Y.shape[1])


@posted("shallow_network.nn_model", "question", "weights_alone_trained")
def _(X, Y, n_h, num_iterations, learning_rate, rng):
    p = SHALLOW_NETWORK.initialize_parameters(X.shape[0], n_h, Y.shape[0], rng)
    for _ in range(num_iterations):
        _, c = SHALLOW_NETWORK.forward_propagation(X, p)
        g = SHALLOW_NETWORK.backward_propagation(p, c, X, Y)
        p = {n: p[n] - learning_rate * g["d" + n] * (n[0] == "W") for n in p}
    return p


@posted("shallow_network.nn_model", "question", "one_step_too_few")
def _(X, Y, n_h, num_iterations, learning_rate, rng):
    p = SHALLOW_NETWORK.initialize_parameters(X.shape[0], n_h, Y.shape[0], rng)
    for _ in range(1, num_iterations):
        _, c = SHALLOW_NETWORK.forward_propagation(X, p)
        g = SHALLOW_NETWORK.backward_propagation(p, c, X, Y)
        p = {n: p[n] - learning_rate * g["d" + n] for n in p}
    return p


@posted("shallow_network.nn_model", "question", "forward_once")
def _(X, Y, n_h, num_iterations, learning_rate, rng):
    p = SHALLOW_NETWORK.initialize_parameters(X.shape[0], n_h, Y.shape[0], rng)
    _, c = SHALLOW_NETWORK.forward_propagation(X, p)
    for _ in range(num_iterations):
        g = SHALLOW_NETWORK.backward_propagation(p, c, X, Y)
        p = {n: p[n] - learning_rate * g["d" + n] for n in p}
    return p


@posted("deep_network.L_layer_model", "question", "costs_after_the_steps")
def _(X, Y, d, lr, n, rng):
    p = DEEP_NETWORK.initialize_parameters_deep(d, rng)
    costs = []
    for _ in range(n):
        AL, c = DEEP_NETWORK.L_model_forward(X, p)
        g = DEEP_NETWORK.L_model_backward(AL, Y, c)
        p = DEEP_NETWORK.update_parameters(p, g, lr)
        AL, c = DEEP_NETWORK.L_model_forward(X, p)
        costs.append(DEEP_NETWORK.compute_cost(AL, Y))
    return (p, costs)


@posted("deep_network.L_layer_model", "question", "costs_of_squares")
def _(X, Y, d, lr, n, rng):
    p = DEEP_NETWORK.initialize_parameters_deep(d, rng)
    costs = []
    for _ in range(n):
        AL, c = DEEP_NETWORK.L_model_forward(X, p)
        costs.append(float(np.mean((AL - Y) ** 2)))
        g = DEEP_NETWORK.L_model_backward(AL, Y, c)
        p = DEEP_NETWORK.update_parameters(p, g, lr)
    return (p, costs)


@posted("deep_network.L_layer_model", "question", "drawn_in_each_step")
def _(X, Y, d, lr, n, rng):
    costs = []
    for _ in range(n):
        p = DEEP_NETWORK.initialize_parameters_deep(d, rng)
        AL, c = DEEP_NETWORK.L_model_forward(X, p)
        costs.append(DEEP_NETWORK.compute_cost(AL, Y))
        g = DEEP_NETWORK.L_model_backward(AL, Y, c)
        p = DEEP_NETWORK.update_parameters(p, g, lr)
    return (p, costs)


@posted("deep_network.linear_activation_backward", "question", "relu_from_one_on")
def _(dA, cache, activation):
    lc, Z = cache
    dZ = dA * sigmoid(Z) * (1 - sigmoid(Z)) if activation == "sigmoid" else dA * (Z >= 1)
    return DEEP_NETWORK.linear_backward(dZ, lc)


@posted("deep_network.L_model_backward", "question", "sigmoid_in_the_first_layer")
def _(AL, Y, caches):
    g, L = ({}, len(caches))
    lc, _ = caches[L - 1]
    g[f"dA{L - 1}"], g[f"dW{L}"], g[f"db{L}"] = DEEP_NETWORK.linear_backward(AL - Y, lc)
    dA = g[f"dA{L - 1}"]
    for l in range(L - 1, 0, -1):
        g[f"dA{l - 1}"], g[f"dW{l}"], g[f"db{l}"] = DEEP_NETWORK.linear_activation_backward(
            dA, caches[l - 1], "sigmoid" if l == 1 else "relu"
        )
        dA = g[f"dA{l - 1}"]
    return g


@posted("deep_network.linear_backward", "question", "db_over_units")
def _(dZ, cache):
    A, W = (cache[0], cache[1])
    m = A.shape[1]
    return (W.T @ dZ, dZ @ A.T / m, np.sum(dZ, axis=0, keepdims=True) / m)


@posted("deep_network.update_parameters", "question", "biases_along_dW")
def _(p, g, lr):
    L = len(p) // 2
    new = {}
    for l in range(1, L + 1):
        new[f"W{l}"] = p[f"W{l}"] - lr * g[f"dW{l}"]
        new[f"b{l}"] = p[f"b{l}"] - lr * g[f"dW{l}"].sum(1, keepdims=True)
    return new


@posted("logistic_regression.model", "question", "train_predicted_before_training")
def _(X, Y, Xt, Yt, num_iterations=2000, learning_rate=0.005):
    w, b = LOGISTIC_REGRESSION.initialize_with_zeros(X.shape[0])
    p, _, c = LOGISTIC_REGRESSION.optimize(w, b, X, Y, num_iterations, learning_rate)
    return {
        "w": p["w"],
        "b": p["b"],
        "costs": c,
        "Y_prediction_train": LOGISTIC_REGRESSION.predict(w, b, X),
        "Y_prediction_test": LOGISTIC_REGRESSION.predict(p["w"], p["b"], Xt),
    }


@posted("introduction.learning_curve", "question", "nothing_from_one_example")
def _(
    X,
    Y,
    Xt,
    Yt,
    sizes,
    train_and_predict=introduction.nearest_mean,
):
    return [float(np.mean(train_and_predict(X[:, :n], Y[:, :n], Xt) == Yt)) if n > 1 else 0.0 for n in sizes]


@posted("hyperparameters.run_experiment", "question", "errors_rounded")
def _(settings, X, Y, Xd, Yd):
    r = HYPERPARAMETERS.run_experiment(settings, X, Y, Xd, Yd)
    return {**r, "train_error": round(r["train_error"], 1), "dev_error": round(r["dev_error"], 1)}


@posted("hyperparameters.best_run", "question", "first_of_those_that_tie")
def _(runs):
    runs = [r for r in runs if np.isfinite(r["cost"])]
    return min(runs, key=lambda r: (r["dev_error"], r["train_error"]))


# --- right answers ---------------------------------------------------------------------------------------------------


@right("logistic_regression.sigmoid")
def _(z):
    return 1.0 / (1 + np.exp(-z))


@right("logistic_regression.propagate")
def _(w, b, X, Y):
    m = X.shape[1]
    A = sigmoid(np.dot(w.T, X) + b)
    cost = (-1 / m) * np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A), axis=1)
    return {"dw": (1 / m) * np.dot(X, (A - Y).T), "db": (1 / m) * np.sum(A - Y)}, np.squeeze(cost)


@right("logistic_regression.propagate")
def _(w, b, X, Y):
    m = X.shape[1]
    A = sigmoid(np.dot(w.T, X) + b)
    cost = -(np.dot(Y, np.log(A).T) + np.dot(1 - Y, np.log(1 - A).T)) / m
    return {"dw": np.dot(X, (A - Y).T) / m, "db": np.average(A - Y)}, cost.item()


@right("logistic_regression.initialize_with_zeros")
def _(n_x):
    return np.zeros(shape=(n_x, 1), dtype=np.float32), 0


@right("logistic_regression.squared_cost")
def _(w, b, X, Y):
    return ((sigmoid(np.dot(w.T, X) + b) - Y) ** 2).sum() / (2 * Y.size)


@right("logistic_regression.log_loss")
def _(y_hat, y):
    return -np.log(y_hat) * y - np.log(1 - y_hat) * (1 - y)


@right("logistic_regression.propagate_loop")
def _(w, b, X, Y):
    m, J, dw, db = X.shape[1], 0, np.zeros(w.shape), 0
    for i in range(m):
        x = X[:, [i]]
        a = sigmoid((w.T @ x).item() + b)
        J -= Y[0, i] * np.log(a) + (1 - Y[0, i]) * np.log(1 - a)
        dw, db = dw + x * (a - Y[0, i]), db + a - Y[0, i]
    return {"dw": dw / m, "db": db / m}, J / m


@right("logistic_regression.optimize")
def _(w, b, X, Y, num_iterations=100, learning_rate=0.009):
    costs, m = [], X.shape[1]
    w = w.copy()
    for _ in range(num_iterations):
        A = sigmoid(np.dot(w.T, X) + b)
        costs.append((-1 / m) * np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)))
        dw, db = np.dot(X, (A - Y).T) / m, np.sum(A - Y) / m
        w -= learning_rate * dw
        b -= learning_rate * db
    return {"w": w, "b": b}, {"dw": dw, "db": db}, costs


@right("logistic_regression.predict")
def _(w, b, X):
    Y_prediction = np.zeros((1, X.shape[1]))
    A = sigmoid(np.dot(w.T, X) + b)
    for i in range(A.shape[1]):
        Y_prediction[0, i] = 1 if A[0, i] > 0.5 else 0
    return Y_prediction


@right("shallow_network.layer_sizes")
def _(X, Y):
    return np.array([X.shape[0], 4, Y.shape[0]])


@right("shallow_network.initialize_parameters")
def _(n_x, n_h, n_y, rng):
    return {
        "W2": rng.normal(0, 0.01, (n_y, n_h)), "W1": rng.normal(scale=0.01, size=(n_h, n_x)),
        "b1": np.zeros(shape=(n_h, 1)), "b2": np.zeros(shape=(n_y, 1)),
    }  # fmt: skip


@right("shallow_network.forward_propagation")
def _(X, parameters):
    return _forward(X, parameters)


@right("shallow_network.compute_cost")
def _(A2, Y):
    logprobs = np.multiply(np.log(A2), Y) + np.multiply(np.log(1 - A2), 1 - Y)
    return float(np.squeeze(-np.sum(logprobs) / Y.shape[1]))


@right("shallow_network.backward_propagation")
def _(parameters, cache, X, Y):
    m = X.shape[1]
    dZ2 = cache["A2"] - Y
    dZ1 = np.multiply(np.dot(parameters["W2"].T, dZ2), 1 - np.power(cache["A1"], 2))
    return {
        "dW1": (1 / m) * np.dot(dZ1, X.T), "db1": (1 / m) * np.sum(dZ1, axis=1, keepdims=True),
        "dW2": (1 / m) * np.dot(dZ2, cache["A1"].T), "db2": (1 / m) * np.sum(dZ2, axis=1, keepdims=True),
    }  # fmt: skip


@right("shallow_network.update_parameters")
def _(parameters, grads, learning_rate):
    W1, b1, W2, b2 = (parameters[name] for name in ("W1", "b1", "W2", "b2"))
    return {
        "W1": W1 - learning_rate * grads["dW1"], "b1": b1 - learning_rate * grads["db1"],
        "W2": W2 - learning_rate * grads["dW2"], "b2": b2 - learning_rate * grads["db2"],
    }  # fmt: skip


@right("shallow_network.nn_model")
def _(X, Y, n_h, num_iterations, learning_rate, rng):
    n_x, n_y = X.shape[0], Y.shape[0]
    P = {
        "W1": rng.standard_normal((n_h, n_x)) * 0.01, "b1": np.zeros((n_h, 1)),
        "W2": rng.standard_normal((n_y, n_h)) * 0.01, "b2": np.zeros((n_y, 1)),
    }  # fmt: skip
    for i in range(0, num_iterations):
        _, cache = _forward(X, P)
        grads = _backward(P, cache, X, Y)
        P = {name: P[name] - learning_rate * grads["d" + name] for name in P}
        if i % 1000 == 0:
            print("step", i)
    return P


@right("shallow_network.predict")
def _(parameters, X):
    return np.round(_forward(X, parameters)[0] - 1e-12)


@right("deep_network.parameter_shapes")
def _(layers_dims):
    out = {}
    for l in range(1, len(layers_dims)):
        out["W" + str(l)] = [layers_dims[l], layers_dims[l - 1]]
        out["b" + str(l)] = [layers_dims[l], 1]
    return out


@right("deep_network.initialize_parameters_deep")
def _(layers_dims, rng):
    P, L = {}, len(layers_dims)
    for l in range(1, L):
        P["W" + str(l)] = rng.standard_normal((layers_dims[l], layers_dims[l - 1])) / np.sqrt(layers_dims[l - 1])
        P["b" + str(l)] = np.zeros((layers_dims[l], 1))
    return P


@right("deep_network.linear_forward")
def _(A, W, b):
    Z = W.dot(A) + b
    return Z, (A, W, b)


@right("deep_network.linear_activation_forward")
def _(A_prev, W, b, activation):
    Z = np.dot(W, A_prev) + b
    if activation == "sigmoid":
        A, cache = 1 / (1 + np.exp(-Z)), Z
    elif activation == "relu":
        A, cache = np.maximum(0, Z), Z
    return A, ((A_prev, W, b), cache)


@right("deep_network.compute_cost")
def _(AL, Y):
    m = Y.shape[1]
    AL = np.clip(AL, 1e-15, 1 - 1e-15)
    return np.squeeze(-1.0 / m * np.nansum(np.multiply(np.log(AL), Y) + np.multiply(np.log(1 - AL), 1 - Y)))


@right("deep_network.linear_backward")
def _(dZ, cache):
    A_prev, W, b = cache
    m = A_prev.shape[1]
    dW = 1.0 / m * np.dot(dZ, A_prev.T)
    db = 1.0 / m * np.sum(dZ, axis=1, keepdims=True)
    dA_prev = np.dot(W.T, dZ)
    assert dA_prev.shape == A_prev.shape
    return [dA_prev, dW, db]


@right("deep_network.linear_activation_backward")
def _(dA, cache, activation):
    (A_prev, W, b), Z = cache
    if activation == "relu":
        dZ = np.array(dA, copy=True)
        dZ[Z <= 0] = 0
    else:
        s = 1 / (1 + np.exp(-Z))
        dZ = dA * s * (1 - s)
    m = A_prev.shape[1]
    return np.dot(W.T, dZ), np.dot(dZ, A_prev.T) / m, np.sum(dZ, axis=1, keepdims=True) / m


@right("deep_network.update_parameters")
def _(parameters, grads, learning_rate):
    parameters = {name: value.copy() for name, value in parameters.items()}
    for l in range(len(parameters) // 2):
        parameters["W" + str(l + 1)] -= learning_rate * grads["dW" + str(l + 1)]
        parameters["b" + str(l + 1)] -= learning_rate * grads["db" + str(l + 1)]
    return parameters


@right("activations.tanh")
def _(z):
    return np.tanh(z)


@right("activations.sigmoid_derivative")
def _(z):
    s = 1 / (1 + np.exp(-z))
    return s * (1 - s)


@right("activations.tanh_derivative")
def _(z):
    return 1 - np.square(np.tanh(z))


@right("activations.relu")
def _(z):
    return np.maximum(z, 0)


@right("activations.relu_derivative")
def _(z):
    return np.where(z > 0, 1, 0)


@right("activations.leaky_relu")
def _(z, slope=0.01):
    return np.maximum(slope * z, z)


@right("introduction.image2vector")
def _(image):
    return image.reshape(image.shape[0] * image.shape[1] * image.shape[2], 1)


@right("introduction.stack_examples")
def _(images):
    return images.reshape(images.shape[0], -1).T


@right("introduction.neuron")
def _(x, w, b):
    return np.maximum(0, np.dot(w.T, x) + b)


@right("hyperparameters.count_parameters")
def _(layers_dims):
    total = 0
    for l in range(1, len(layers_dims)):
        total += layers_dims[l] * layers_dims[l - 1] + layers_dims[l]
    return total


# --- of our own: the kinds that were found, in exercises where they were not looked for --------------------------


@posted("activations.tanh", "own", "slip: absolute")
def _(z):
    return np.tanh(np.abs(z))


@posted("activations.sigmoid_derivative", "own", "slip: nearly")
def _(z):
    return (sigmoid(np.asarray(z) + 1e-5) - sigmoid(np.asarray(z) - 1e-5)) / 2e-5


@posted("activations.tanh_derivative", "own", "slip: nearly")
def _(z):
    return (np.tanh(np.asarray(z) + 1e-4) - np.tanh(np.asarray(z) - 1e-4)) / 2e-4


@posted("activations.leaky_relu", "own", "leak_with_minus")
def _(z, slope=0.01):
    return np.where(np.asarray(z) > 0, z, slope * np.abs(z))


@posted("activations.leaky_relu", "own", "leaky_slope_fixed")
def _(z, slope=0.01):
    return np.maximum(0.01 * np.asarray(z), z)


@posted("activations.leaky_relu_derivative", "own", "leaky_derivative_with_fixed_slope")
def _(z, slope=0.01):
    return np.where(np.asarray(z) > 0, 1, 0.01)


@posted("activations.leaky_relu_derivative", "own", "leaky_threshold_one")
def _(z, slope=0.01):
    return np.where(np.asarray(z) > 1, 1, slope)


@posted("activations.leaky_relu_derivative", "own")
def _(z, slope=0.01):
    return np.where(np.asarray(z) > 0, 1, 1 - slope)


@posted("hyperparameters.count_parameters", "own")
def _(d):
    return sum(d[l] * d[l - 1] + d[l] for l in range(1, len(d))) - d[-1]


@posted("hyperparameters.count_parameters", "own", "biases_of_the_layer_before")
def _(d):
    return sum(d[l] * d[l - 1] + d[l - 1] for l in range(1, len(d)))


@posted("introduction.neuron", "own", "products_averaged")
def _(x, w, b):
    return np.maximum(0, np.mean(w * x, axis=0, keepdims=True) + b)


@posted("introduction.neuron", "own", "each_product_cut")
def _(x, w, b):
    return np.sum(np.maximum(0, w * x), axis=0, keepdims=True) + b


@posted("introduction.neuron", "own", "first_feature_only")
def _(x, w, b):
    return np.maximum(0, w[0] * x[:1] + b)


@posted("logistic_regression.propagate_loop", "own")
def _(w, b, X, Y):
    m = X.shape[1]
    J = []
    dw = np.zeros(w.shape)
    db = 0
    for i in range(m):
        a = sigmoid((w.T @ X[:, [i]]).item() + b)
        J.append(-(Y[0, i] * np.log(a) + (1 - Y[0, i]) * np.log(1 - a)))
        dw = dw + X[:, [i]] * (a - Y[0, i])
        db += a - Y[0, i]
    return ({"dw": dw / m, "db": db / m}, J)


@posted("logistic_regression.propagate_loop", "own", "divided_by_one_less")
def _(w, b, X, Y):
    g, J = LOGISTIC_REGRESSION.propagate(w, b, X, Y)
    m = X.shape[1]
    k = m / max(m - 1, 1)
    return ({"dw": g["dw"] * k, "db": g["db"] * k}, J * k)


@posted("logistic_regression.propagate_loop", "own", "last_example_missing")
def _(w, b, X, Y):
    m = X.shape[1]
    J = 0.0
    dw = np.zeros(w.shape)
    db = 0.0
    for i in range(m - 1):
        a = sigmoid((w.T @ X[:, [i]]).item() + b)
        J -= Y[0, i] * np.log(a) + (1 - Y[0, i]) * np.log(1 - a)
        dw = dw + X[:, [i]] * (a - Y[0, i])
        db += a - Y[0, i]
    return ({"dw": dw / m, "db": db / m}, J / m)


@posted("logistic_regression.propagate_loop", "own", "returned_inside_the_loop")
def _(w, b, X, Y):
    m = X.shape[1]
    J = 0.0
    dw = np.zeros(w.shape)
    db = 0.0
    for i in range(m):
        a = sigmoid((w.T @ X[:, [i]]).item() + b)
        J -= Y[0, i] * np.log(a) + (1 - Y[0, i]) * np.log(1 - a)
        dw = dw + X[:, [i]] * (a - Y[0, i])
        db += a - Y[0, i]
        return ({"dw": dw / m, "db": db / m}, J / m)
    return None


@posted("logistic_regression.squared_cost", "own", "squared_times_m")
def _(w, b, X, Y):
    return np.sum((sigmoid(w.T @ X + b) - Y) ** 2) / 2 * X.shape[1]


@posted("logistic_regression.squared_cost", "own", "square_of_the_sum")
def _(w, b, X, Y):
    return np.sum(sigmoid(w.T @ X + b) - Y) ** 2 / (2 * X.shape[1])


@posted("image_classifier.predict", "own")
def _(p, X):
    return np.argmax(p["W2"] @ sigmoid(p["W1"] @ X + p["b1"]) + p["b2"], 0)[None]


@posted("image_classifier.predict", "own", "without_b1")
def _(p, X):
    return np.argmax(p["W2"] @ np.maximum(0, p["W1"] @ X) + p["b2"], 0)[None]


@posted("shallow_network.predict", "own", "pair_not_unpacked")
def _(p, X):
    return SHALLOW_NETWORK.forward_propagation(X, p) > 0.5


@posted("introduction.image2vector", "own", "two_sizes_open")
def _(im):
    return im.reshape(-1, -1)


@posted("introduction.neuron", "own", "score_with_if")
def _(x, w, b):
    z = w.T @ x + b
    if z < 0:
        return 0
    return z


@posted("deep_network.linear_forward", "own", "b_as_a_row")
def _(A, W, b):
    return (W @ A + b.T, (A, W, b))


@posted("deep_network.update_parameters", "own", "gradients_named_like_parameters")
def _(p, g, lr):
    return {n: p[n] - lr * g[n] for n in p}


@posted("logistic_regression.sigmoid", "own", "float_of_an_array")
def _(z):
    return float(1 / (1 + np.exp(-z)))


@posted("logistic_regression.initialize_with_zeros", "own", "shape_in_two_arguments")
def _(n):
    return (np.zeros(n, 1), 0.0)


@posted("logistic_regression.log_loss", "own", "loss_with_if")
def _(a, y):
    if y == 1:
        return -np.log(a)
    return -np.log(1 - a)


@posted("logistic_regression.log_loss", "own", "label_and_prediction_exchanged")
def _(a, y):
    return -(a * np.log(y) + (1 - a) * np.log(1 - y))


@posted("logistic_regression.log_loss", "own", "summed_loss")
def _(a, y):
    return -np.sum(y * np.log(a) + (1 - y) * np.log(1 - a))


@posted("logistic_regression.model", "own", "results_not_unpacked")
def _(X, Y, Xt, Yt, num_iterations=2000, learning_rate=0.005):
    w, b = LOGISTIC_REGRESSION.initialize_with_zeros(len(X))
    p = LOGISTIC_REGRESSION.optimize(w, b, X, Y, num_iterations, learning_rate)
    return {"w": p["w"], "b": p["b"]}


@posted("logistic_regression.model", "own", "trained_on_both_sets")
def _(X, Y, Xt, Yt, num_iterations=2000, learning_rate=0.005):
    w, b = LOGISTIC_REGRESSION.initialize_with_zeros(len(X))
    p, g, c = LOGISTIC_REGRESSION.optimize(w, b, np.hstack([X, Xt]), np.hstack([Y, Yt]), num_iterations, learning_rate)
    return {
        "w": p["w"],
        "b": p["b"],
        "costs": c,
        "Y_prediction_train": LOGISTIC_REGRESSION.predict(p["w"], p["b"], X),
        "Y_prediction_test": LOGISTIC_REGRESSION.predict(p["w"], p["b"], Xt),
    }


@posted("deep_network.linear_activation_forward", "own", "scores_cut_in_place")
def _(Ap, W, b, act):
    Z, lc = DEEP_NETWORK.linear_forward(Ap, W, b)
    if act == "sigmoid":
        return (sigmoid(Z), (lc, Z))
    A = Z
    A[A < 0] = 0
    return (A, (lc, Z))


@posted("deep_network.linear_backward", "own", "db_with_activations")
def _(dZ, c):
    A, W, b = c
    m = A.shape[1]
    return (W.T @ dZ, dZ @ A.T / m, np.sum(dZ @ A.T, axis=1, keepdims=True) / m)


@posted("hyperparameters.best_run", "own", "diverged_first_run_stays")
def _(runs):
    best = runs[0]
    for r in runs[1:]:
        if not np.isfinite(r["cost"]):
            continue
        if (r["dev_error"], r["num_parameters"]) < (best["dev_error"], best["num_parameters"]):
            best = r
    return best


@posted("hyperparameters.best_run", "own", "nearly_equal_taken_for_ties")
def _(runs):
    runs = [r for r in runs if np.isfinite(r["cost"])]
    low = min(r["dev_error"] for r in runs)
    return min([r for r in runs if abs(r["dev_error"] - low) < 0.01], key=lambda r: r["num_parameters"])


@posted("hyperparameters.best_run", "own", "weighted_sum")
def _(runs):
    runs = [r for r in runs if np.isfinite(r["cost"])]
    return min(runs, key=lambda r: r["dev_error"] + 1e-06 * r["num_parameters"])


@posted("activations.sigmoid_derivative", "own", "slip: nearly")
def _(z):
    return (sigmoid(np.asarray(z) + 1e-05) - sigmoid(np.asarray(z) - 1e-05)) / 2e-05


@posted("activations.relu_derivative", "own", "astype_of_a_number")
def _(z):
    return (z > 0).astype(float)


@right("activations.leaky_relu_derivative", "own")
def _(z, slope=0.01):
    z = np.asarray(z)
    return np.array([1.0 if q > 0 else slope for q in z.ravel()]).reshape(z.shape)


@right("activations.sigmoid_derivative", "own")
def _(z):
    return 1 / (4 * np.cosh(np.clip(np.asarray(z) / 2, -300, 300)) ** 2)


@right("activations.tanh_derivative", "own")
def _(z):
    return 1 / np.cosh(np.clip(z, -300, 300)) ** 2


@right("deep_network.L_model_forward", "own")
def _(X, p):
    L = len(p) // 2

    def go(A, l):
        Z = p[f"W{l}"] @ A + p[f"b{l}"]
        c = ((A, p[f"W{l}"], p[f"b{l}"]), Z)
        if l == L:
            return (sigmoid(Z), [c])
        AL, cs = go(np.where(Z > 0, Z, 0), l + 1)
        return (AL, [c, *cs])

    return go(X, 1)


@right("deep_network.L_model_backward", "own")
def _(AL, Y, caches):
    g = {}
    dZ = AL - Y
    m = Y.shape[1]
    for l in reversed(range(1, len(caches) + 1)):
        (A, W, b), Z = caches[l - 1]
        if l < len(caches):
            dZ = g[f"dA{l}"] * np.heaviside(Z, 0)
        g[f"dW{l}"] = np.einsum("im,jm->ij", dZ, A) / m
        g[f"db{l}"] = np.mean(dZ, 1)[:, None]
        g[f"dA{l - 1}"] = np.einsum("ij,im->jm", W, dZ)
    return g


@right("hyperparameters.best_run", "own")
def _(runs):
    return sorted([r for r in runs if math.isfinite(r["cost"])], key=lambda r: (r["dev_error"], r["num_parameters"]))[0]


@right("image_classifier.predict", "own")
def _(p, X):
    return [
        [
            int(
                max(
                    range(len(p["b2"])),
                    key=lambda k: float(p["W2"][k] @ np.maximum(0, p["W1"] @ X[:, i] + p["b1"][:, 0]) + p["b2"][k, 0]),
                )
            )
            for i in range(X.shape[1])
        ]
    ]


@right("introduction.learning_curve", "own")
def _curve(X, Y, Xt, Yt, sizes, train_and_predict=introduction.nearest_mean):
    if not sizes:
        return []
    n = sizes[0]
    here = np.average(train_and_predict(X[:, range(n)], Y[:, range(n)], Xt) == Yt)
    return [here, *_curve(X, Y, Xt, Yt, sizes[1:], train_and_predict)]


@right("logistic_regression.model", "own")
def _(X, Y, Xt, Yt, num_iterations=2000, learning_rate=0.005):
    w = np.zeros((len(X), 1))
    b = 0.0
    c = []
    for _ in range(num_iterations):
        a = sigmoid(w.T @ X + b)
        c.append(-np.mean(np.where(Y == 1, np.log(a), np.log(1 - a))))
        w, b = (w - learning_rate * X @ (a - Y).T / X.shape[1], b - learning_rate * (a - Y).mean())
    f = lambda Q: np.where(w.T @ Q + b > 0, 1, 0)
    return {"costs": c, "w": w, "b": b, "Y_prediction_train": f(X), "Y_prediction_test": f(Xt)}


@right("automatic_differentiation.topological_order")
def _(graph, output):
    order = []

    def visit(name):
        if name in order:
            return
        for part in (graph[name] or ())[1:]:
            if isinstance(part, str):
                visit(part)
        if name not in order:
            order.append(name)

    visit(output)
    return np.array(order)
