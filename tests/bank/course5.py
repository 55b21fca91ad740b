"""Course 5: answers in the words of learners."""

import math

import numpy as np

from helpers.exercises.course5_sequence import character_language_model

from . import posted, right, solved

BACKPROPAGATION_THROUGH_TIME = solved("backpropagation_through_time")
BIDIRECTIONAL_AND_DEEP = solved("bidirectional_and_deep")
CHARACTER_LANGUAGE_MODEL = solved("character_language_model")
GRU = solved("gru")
LSTM = solved("lstm")
RECURRENT_NETWORKS = solved("recurrent_networks")
WORD2VEC = solved("word2vec")
WORD_EMBEDDINGS = solved("word_embeddings")


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def _softmax(z):
    e = np.exp(z - z.max(axis=0))
    return e / e.sum(axis=0)


# --- mistakes --------------------------------------------------------------------------------------------------------


@posted("recurrent_networks.rnn_cell_forward", "question", "sigmoid_output")
def _(xt, a_prev, parameters):
    a_next = np.tanh(parameters["Wax"] @ xt + parameters["Waa"] @ a_prev + parameters["ba"])
    return a_next, sigmoid(parameters["Wya"] @ a_next + parameters["by"]), (a_next, a_prev, xt, parameters)


@posted("recurrent_networks.rnn_cell_forward", "question", "output_from_the_old_state")
def _(xt, a_prev, parameters):
    a_next = np.tanh(parameters["Wax"] @ xt + parameters["Waa"] @ a_prev + parameters["ba"])
    return a_next, _softmax(parameters["Wya"] @ a_prev + parameters["by"]), (a_next, a_prev, xt, parameters)


@posted("recurrent_networks.rnn_cell_forward", "question", "softmax_over_everything")
def _(xt, a_prev, parameters):
    a_next = np.tanh(parameters["Wax"] @ xt + parameters["Waa"] @ a_prev + parameters["ba"])
    e = np.exp(parameters["Wya"] @ a_next + parameters["by"])
    return a_next, e / e.sum(), (a_next, a_prev, xt, parameters)


@posted("backpropagation_through_time.rnn_cell_backward", "question", "tanh_twice")
def _(da_next, cache):
    a_next, a_prev, xt, P = cache
    dz = (1 - np.tanh(a_next) ** 2) * da_next
    return {
        "dxt": P["Wax"].T @ dz, "da_prev": P["Waa"].T @ dz, "dWax": dz @ xt.T, "dWaa": dz @ a_prev.T,
        "dba": dz.sum(axis=1, keepdims=True),
    }  # fmt: skip


@posted("backpropagation_through_time.rnn_cell_backward", "question", "dba_without_an_axis")
def _(da_next, cache):
    a_next, a_prev, xt, P = cache
    dz = (1 - a_next**2) * da_next
    return {
        "dxt": P["Wax"].T @ dz, "da_prev": P["Waa"].T @ dz, "dWax": dz @ xt.T, "dWaa": dz @ a_prev.T,
        "dba": dz.sum(axis=1),
    }  # fmt: skip


@posted("backpropagation_through_time.rnn_cell_backward", "question", "slope_alone")
def _(da_next, cache):
    a_next, a_prev, xt, P = cache
    dz = 1 - a_next**2
    return {
        "dxt": P["Wax"].T @ dz, "da_prev": P["Waa"].T @ dz, "dWax": dz @ xt.T, "dWaa": dz @ a_prev.T,
        "dba": dz.sum(axis=1, keepdims=True),
    }  # fmt: skip


@posted("backpropagation_through_time.clip", "question", "only_from_above")
def _(gradients, max_value):
    return {name: np.minimum(dV, max_value) for name, dV in gradients.items()}


@posted("backpropagation_through_time.clip", "repository", "clipped_in_place")
def _(gradients, max_value):
    for dV in gradients.values():
        np.clip(dV, -max_value, max_value, out=dV)
    return gradients


def _lstm(xt, a_prev, c_prev, P, forget=sigmoid, squash=np.tanh, order=None, keep=None):
    stacked = np.concatenate([a_prev, xt] if order is None else [xt, a_prev])
    f = forget(P["Wf"] @ stacked + P["bf"])
    u = sigmoid(P["Wu"] @ stacked + P["bu"])
    o = sigmoid(P["Wo"] @ stacked + P["bo"])
    cc = np.tanh(P["Wc"] @ stacked + P["bc"])
    c = u * cc + (f if keep is None else keep(u)) * c_prev
    a = o * squash(c)
    y = _softmax(P["Wy"] @ a + P["by"])
    return a, c, y, (a, c, a_prev, c_prev, f, u, o, cc, xt, P)


@posted("lstm.lstm_cell_forward", "question", "no_tanh_on_c")
def _(xt, a_prev, c_prev, parameters):
    return _lstm(xt, a_prev, c_prev, parameters, squash=lambda c: c)


@posted("lstm.lstm_cell_forward", "question", "one_minus_update_for_forget")
def _(xt, a_prev, c_prev, parameters):
    return _lstm(xt, a_prev, c_prev, parameters, keep=lambda u: 1 - u)


@posted("lstm.lstm_cell_forward", "question", "gate_f_with_tanh")
def _(xt, a_prev, c_prev, parameters):
    return _lstm(xt, a_prev, c_prev, parameters, forget=np.tanh)


def _lstm_back(
    da_next, dc_next, cache, candidate=None, forget_slope=lambda f: f * (1 - f), dc_in=1.0, way=True, rows=None
):
    a_next, c_next, a_prev, c_prev, f, u, o, cc, xt, P = cache
    n = len(a_prev)
    t = np.tanh(c_next)
    do = da_next * t * o * (1 - o)
    dc = dc_in * dc_next + (o * (1 - t**2) * da_next if way else 0)
    dcc = candidate(dc_next, da_next, u, o, t, cc) if candidate else dc * u * (1 - cc**2)
    du, df = dc * cc * u * (1 - u), dc * c_prev * forget_slope(f)
    stacked = np.concatenate([a_prev, xt])
    parts = {"f": df, "u": du, "o": do, "c": dcc}
    back = sum(P[f"W{k}"].T @ d for k, d in parts.items())
    out = {"dc_prev": dc * f, "da_prev": back[:n], "dxt": back[n:] if rows is None else rows(back, n)}
    for k, d in parts.items():
        out |= {f"dW{k}": d @ stacked.T, f"db{k}": d.sum(axis=1, keepdims=True)}
    return out


@posted("lstm.lstm_cell_backward", "course", "bracket_missing")
def _(da_next, dc_next, cache):
    return _lstm_back(
        da_next, dc_next, cache, lambda dc, da, u, o, t, cc: dc * u + o * (1 - t**2) * u * da * (1 - cc**2)
    )


@posted("lstm.lstm_cell_backward", "question", "forget_gate_for_its_slope")
def _(da_next, dc_next, cache):
    return _lstm_back(da_next, dc_next, cache, forget_slope=lambda f: f)


@posted("lstm.lstm_cell_backward", "question", "dxt_with_the_state")
def _(da_next, dc_next, cache):
    return _lstm_back(da_next, dc_next, cache, rows=lambda back, n: back)


@posted("gru.gru_cell_forward", "question", "gamma_r_never_used")
def _(xt, c_prev, parameters):
    P, s = parameters, np.concatenate([c_prev, xt])
    u, r = sigmoid(P["Wu"] @ s + P["bu"]), sigmoid(P["Wr"] @ s + P["br"])
    cc = np.tanh(P["Wc"] @ s + P["bc"])
    c = u * cc + (1 - u) * c_prev
    return c, _softmax(P["Wy"] @ c + P["by"]), (c, c_prev, u, r, cc, xt, P)


@posted("gru.gru_cell_forward", "question", "gamma_u_on_the_wrong_term")
def _(xt, c_prev, parameters):
    P, s = parameters, np.concatenate([c_prev, xt])
    u, r = sigmoid(P["Wu"] @ s + P["bu"]), sigmoid(P["Wr"] @ s + P["br"])
    cc = np.tanh(P["Wc"] @ np.concatenate([r * c_prev, xt]) + P["bc"])
    c = (1 - u) * cc + u * c_prev
    return c, _softmax(P["Wy"] @ c + P["by"]), (c, c_prev, u, r, cc, xt, P)


@posted("word_embeddings.cosine_similarity", "question", "cosine_without_lengths")
def _(u, v):
    return np.dot(u.ravel(), v.ravel())


@posted("word_embeddings.cosine_similarity", "question", "cosine_squared_lengths")
def _(u, v):
    return np.sum(u * v) / np.sum(u**2) / np.sum(v**2)


@posted("word_embeddings.cosine_similarity", "repository", "cosine_length_of_u_twice")
def _(u, v):
    return np.sum(u * v) / (np.sqrt(np.sum(u**2)) * np.sqrt(np.sum(u**2)))


@posted("word_embeddings.neutralize", "question", "neutralize_projection")
def _(e, g):
    return np.sum(e * g) / np.sum(g * g) * g


@posted("word_embeddings.neutralize", "question", "neutralize_by_length")
def _(e, g):
    return e - np.sum(e * g) / np.linalg.norm(g) * g


@posted("word_embeddings.complete_analogy", "repository", "analogy_of_differences")
def _(word_a, word_b, word_c, words, E):
    a, b, c = (E[:, words.index(word)] for word in (word_a, word_b, word_c))
    best, found = -100, None
    for j, word in enumerate(words):
        if word in (word_a, word_b, word_c):
            continue
        d = E[:, j] - c
        cosine = np.dot(b - a, d) / (np.linalg.norm(b - a) * np.linalg.norm(d))
        if cosine > best:
            best, found = cosine, word
    return found


@posted("word_embeddings.equalize", "course", "equalize_other_norm")
def _(e_1, e_2, g):
    mu = (e_1 + e_2) / 2
    mu_B = np.sum(mu * g) / np.sum(g * g) * g
    nu = mu - mu_B
    out = []
    for e in (e_1, e_2):
        e_B = np.sum(e * g) / np.sum(g * g) * g
        out.append(np.sqrt(np.abs(1 - np.sum(nu**2))) * (e_B - mu_B) / np.linalg.norm(e - nu - mu_B) + nu)
    return tuple(out)


@posted("word2vec.naive_softmax_loss_and_gradient", "question", "softmax_without_y")
def _(e_c, t, Theta):
    p = _softmax(Theta.T @ e_c)
    loss = -np.log(p[t, 0])
    return loss, Theta @ p, e_c @ p.T


@posted("word2vec.naive_softmax_loss_and_gradient", "question", "softmax_log_without_minus")
def _(e_c, t, Theta):
    p = _softmax(Theta.T @ e_c)
    dz = p.copy()
    dz[t] -= 1
    return np.log(p[t, 0]), Theta @ dz, e_c @ dz.T


def _negative(e_c, t, negatives, Theta, sign=1.0, add=True, words=None):
    pos, dTheta = sigmoid(Theta[:, [t]].T @ e_c).item(), np.zeros(Theta.shape)
    loss, de = -np.log(pos), (pos - 1) * Theta[:, [t]]
    dTheta[:, [t]] += (pos - 1) * e_c
    for k in negatives if words is None else words:
        p = sigmoid(-Theta[:, [k]].T @ e_c).item()
        loss -= np.log(p)
        de = de + sign * (1 - p) * Theta[:, [k]]
        if add:
            dTheta[:, [k]] += sign * (1 - p) * e_c
        else:
            dTheta[:, [k]] = sign * (1 - p) * e_c
    return loss, de, dTheta


@posted("word2vec.neg_sampling_loss_and_gradient", "question", "sampling_sign_of_negatives")
def _(e_c, t, negatives, Theta):
    return _negative(e_c, t, negatives, Theta, sign=-1.0)


@posted("word2vec.neg_sampling_loss_and_gradient", "question", "sampling_overwritten")
def _(e_c, t, negatives, Theta):
    return _negative(e_c, t, negatives, Theta, add=False)


@posted("word2vec.neg_sampling_loss_and_gradient", "question", "sampling_target_twice")
def _(e_c, t, negatives, Theta):
    return _negative(e_c, t, negatives, Theta, words=[t, *negatives])


@posted("word2vec.neg_sampling_loss_and_gradient", "question", "sampling_unique")
def _(e_c, t, negatives, Theta):
    return _negative(e_c, t, negatives, Theta, words=set(np.ravel(negatives).tolist()))


@posted("word2vec.unigram_distribution", "question", "power_of_frequencies")
def _(counts):
    return (counts / counts.sum()) ** 0.75


@posted("word2vec.sample_negatives", "question", "negatives_with_target")
def _(t, P, K, rng):
    return rng.choice(len(P), size=K, p=P)


@posted("word2vec.sample_negatives", "question", "negatives_uniform")
def _(t, P, K, rng):
    others = np.array([j for j in range(len(P)) if j != t])
    return others[rng.integers(0, len(others), K)]


@posted("recurrent_networks.rnn_forward", "question", "zeros_for_a0")
def _(x, a0, p):
    T = x.shape[2]
    a = np.zeros((*a0.shape, T))
    y = []
    caches = []
    for t in range(T):
        an, yt, c = RECURRENT_NETWORKS.rnn_cell_forward(x[:, :, t], a[:, :, t - 1], p)
        a[:, :, t] = an
        y.append(yt)
        caches.append(c)
    return (a, np.stack(y, 2), (caches, x))


@posted("recurrent_networks.sequence_loss", "question", "mean_over_the_steps_of_the_array")
def _(yh, y, mask):
    return float(np.sum((-y * np.log(yh) - (1 - y) * np.log(1 - yh)) * mask) / y.shape[1])


@posted("backpropagation_through_time.rnn_backward", "question", "da0_without_later_steps")
def _(da, caches):
    steps, x = caches
    T = x.shape[2]
    prev = np.zeros(da.shape[:2])
    dx = np.zeros(x.shape)
    tot = None
    for t in reversed(range(T)):
        g = BACKPROPAGATION_THROUGH_TIME.rnn_cell_backward(da[:, :, t] * 1 + prev, steps[t])
        dx[:, :, t] = g["dxt"]
        prev = g["da_prev"]
        tot = {k: (0 if tot is None else tot[k]) + g[k] for k in ("dWax", "dWaa", "dba")}
    return {
        "dx": dx,
        "da0": prev * 0 + BACKPROPAGATION_THROUGH_TIME.rnn_cell_backward(da[:, :, 0], steps[0])["da_prev"],
        **tot,
    }


@posted("gru.gru_cell_forward", "question", "gamma_u_on_the_wrong_term")
def _(xt, c_prev, p):
    c, y, cache = GRU.gru_cell_forward(xt, c_prev, p)
    c_prev, gu, ct = (cache[1], cache[2], cache[4])
    c = (1 - gu) * ct + gu * c_prev
    z = p["Wy"] @ c + p["by"]
    e = np.exp(z - z.max(0))
    return (c, e / e.sum(0), (c, *cache[1:]))


@posted("lstm.lstm_backward", "question", "state_gradient_for_the_cell")
def _(da, caches):
    steps, x = caches
    T = x.shape[2]
    d = np.zeros(da.shape[:2])
    tot = {}
    dx = np.zeros(x.shape)
    for t in reversed(range(T)):
        g = LSTM.lstm_cell_backward(da[:, :, t] + d, d, steps[t])
        dx[:, :, t] = g.pop("dxt")
        d = g.pop("da_prev")
        g.pop("dc_prev")
        for k, v in g.items():
            tot[k] = tot.get(k, 0) + v
    return {"dx": dx, "da0": d, **tot}


@posted("bidirectional_and_deep.find_entities", "question", "last_run_lost")
def _(y):
    out = []
    for t in range(len(y)):
        if y[t] == 1 and (t == 0 or y[t - 1] == 0):
            s = t
        if y[t] == 1 and (t + 1 < len(y) and y[t + 1] == 0):
            out.append((s, t + 1))
    return out


@posted("character_language_model.temperature_softmax", "question", "shift_not_divided")
def _(z, T):
    e = np.exp(z / T - z.max(axis=0))
    return e / e.sum(axis=0)


@posted("character_language_model.sample", "question", "never_ends")
def _(p, cti, rng, T, n):
    out = np.full(n, cti["\n"])
    i, a = (None, np.zeros_like(p["ba"]))
    for t in range(n):
        z, a = character_language_model.next_scores(i, a, p)
        q = CHARACTER_LANGUAGE_MODEL.temperature_softmax(z, T)
        i = int(rng.choice(len(q), p=q[:, 0]))
        out[t] = i
    return out


@posted("word_embeddings.nearest_words", "question", "nearest_second_on")
def _(word, words, E, k):
    j = words.index(word)
    s = E[:, j] @ E / np.linalg.norm(E, axis=0)
    o = [i for i in np.argsort(-s) if words[i][0] != word[0] or i != j]
    return [words[i] for i in o][1 : k + 1]


@posted("word_embeddings.embedding_backward", "question", "backward_last_wins")
def _(de, idx, n):
    dE = np.zeros((de.shape[0], n))
    dE[:, idx] += de
    return dE


@posted("word2vec.neg_sampling_loss_and_gradient", "question", "sampling_loss_of_negatives")
def _(e, t, neg, Theta):
    l, de, dT = WORD2VEC.neg_sampling_loss_and_gradient(e, t, neg, Theta)
    z = Theta[:, neg].T @ e
    return (float(np.logaddexp(0, -(Theta[:, [t]].T @ e)).item() + np.sum(np.logaddexp(0, -z))), de, dT)


@posted("word2vec.sample_negatives", "question", "negatives_moved_on")
def _(t, P, K, rng):
    d = rng.choice(len(P), size=K, p=P)
    return np.where(d == t, (t + 1) % len(P), d)


@posted("word2vec.train_skipgram", "question", "skipgram_theta_half")
def _(pairs, E, Theta, P, K, lr, n, rng):
    E, Theta, costs = (E.copy(), Theta.copy(), [])
    for _ in range(n):
        tot = 0
        for c, t in pairs:
            l, de, dT = WORD2VEC.neg_sampling_loss_and_gradient(
                E[:, [c]], t, WORD2VEC.sample_negatives(t, P, K, rng), Theta
            )
            E[:, [c]] -= lr * de
            Theta -= lr / 2 * dT
            tot += l
        costs.append(tot / len(pairs))
    return (E, Theta, costs)


# --- right answers ---------------------------------------------------------------------------------------------------


@right("recurrent_networks.rnn_cell_forward")
def _(xt, a_prev, parameters):
    a_next = np.tanh(np.dot(parameters["Waa"], a_prev) + np.dot(parameters["Wax"], xt) + parameters["ba"])
    return a_next, _softmax(np.dot(parameters["Wya"], a_next) + parameters["by"]), (a_next, a_prev, xt, parameters)


@right("backpropagation_through_time.rnn_cell_backward")
def _(da_next, cache):
    a_next, a_prev, xt, P = cache
    dtanh = (1 - np.square(a_next)) * da_next
    return {
        "dxt": np.dot(P["Wax"].T, dtanh), "dWax": np.dot(dtanh, xt.T), "da_prev": np.dot(P["Waa"].T, dtanh),
        "dWaa": np.dot(dtanh, a_prev.T), "dba": np.sum(dtanh, axis=1, keepdims=1),
    }  # fmt: skip


@right("backpropagation_through_time.clip")
def _(gradients, max_value):
    gradients = {name: value.copy() for name, value in gradients.items()}
    for gradient in gradients.values():
        np.clip(gradient, -max_value, max_value, out=gradient)
    return gradients


@right("lstm.lstm_cell_forward")
def _(xt, a_prev, c_prev, parameters):
    return _lstm(xt, a_prev, c_prev, parameters)


@right("lstm.lstm_cell_backward")
def _(da_next, dc_next, cache):
    return _lstm_back(da_next, dc_next, cache)


@right("gru.gru_cell_forward")
def _(xt, c_prev, parameters):
    P, s = parameters, np.vstack((c_prev, xt))
    u, r = sigmoid(np.dot(P["Wu"], s) + P["bu"]), sigmoid(np.dot(P["Wr"], s) + P["br"])
    cc = np.tanh(np.dot(P["Wc"], np.vstack((r * c_prev, xt))) + P["bc"])
    c = np.multiply(u, cc) + np.multiply(1 - u, c_prev)
    return c, _softmax(np.dot(P["Wy"], c) + P["by"]), (c, c_prev, u, r, cc, xt, P)


@right("word_embeddings.cosine_similarity")
def _(u, v):
    u, v = u.ravel(), v.ravel()
    return np.dot(u, v) / (np.sqrt(np.sum(u**2)) * np.sqrt(np.sum(v**2)))


@right("word_embeddings.neutralize")
def _(e, g):
    return e - (np.sum(e * g) / np.linalg.norm(g) ** 2) * g


@right("word_embeddings.complete_analogy")
def _(word_a, word_b, word_c, words, E):
    a, b, c = (E[:, words.index(word)] for word in (word_a, word_b, word_c))
    best, found = -np.inf, None
    for j, word in enumerate(words):
        cosine = np.dot(b - a + c, E[:, j]) / np.linalg.norm(b - a + c) / np.linalg.norm(E[:, j])
        if word not in (word_a, word_b, word_c) and cosine > best:
            best, found = cosine, np.str_(word)
    return found


@right("word_embeddings.embedding_lookup")
def _(E, indices):
    return E[:, indices]


@right("word2vec.naive_softmax_loss_and_gradient")
def _(e_c, t, Theta):
    z = Theta.T @ e_c
    p = _softmax(z)
    loss = float(z.max() + np.log(np.sum(np.exp(z - z.max()))) - z[t, 0])
    y = np.zeros(p.shape)
    y[t] = 1
    return loss, np.dot(Theta, p - y), np.dot(e_c, (p - y).T)


@right("word2vec.neg_sampling_loss_and_gradient")
def _(e_c, t, negatives, Theta):
    def softplus(x):
        return np.logaddexp(0, x).item()

    z = (Theta[:, [t]].T @ e_c).item()
    loss, dTheta = softplus(-z), np.zeros_like(Theta)
    de = -(1 / (1 + np.exp(z))) * Theta[:, [t]] if z < 700 else 0 * Theta[:, [t]]
    dTheta[:, [t]] += -e_c / (1 + np.exp(min(z, 700)))
    for k in negatives:
        z = (Theta[:, [k]].T @ e_c).item()
        loss += softplus(z)
        share = 1 / (1 + np.exp(-max(z, -700)))
        de = de + share * Theta[:, [k]]
        dTheta[:, [k]] += share * e_c
    return loss, de, dTheta


@right("word2vec.unigram_distribution")
def _(counts):
    powered = np.power(counts, 3 / 4)
    return powered / powered.sum()


@right("word2vec.sample_negatives")
def _(t, P, K, rng):
    found = []
    while len(found) < K:
        k = int(rng.choice(len(P), p=P))
        if k != t:
            found.append(k)
    return found


@right("word2vec.skipgram_pairs")
def _(words, window):
    return [
        (words[i], words[j])
        for i in range(len(words))
        for j in range(i - window, i + window + 1)
        if j != i and 0 <= j < len(words)
    ]


# --- of our own: the kinds that were found, in exercises where they were not looked for --------------------------


@posted("recurrent_networks.one_hot_sequence", "own", "vocabulary_sorted")
def _(ws, v):
    v = sorted(v)
    x = np.zeros((len(v), len(ws)))
    for t, q in enumerate(ws):
        x[v.index(q) if q in v else v.index("<unk>"), t] = 1
    return x


@posted("recurrent_networks.one_hot_sequence", "own", "unknown_stops_the_dict")
def _(ws, v):
    d = {q: i for i, q in enumerate(v)}
    x = np.zeros((len(v), len(ws)))
    for t, q in enumerate(ws):
        x[d[q], t] = 1
    return x


@posted("recurrent_networks.one_hot_sequence", "own", "unknown_stops_the_list")
def _(ws, v):
    x = np.zeros((len(v), len(ws)))
    for t, q in enumerate(ws):
        x[v.index(q), t] = 1
    return x


@posted("recurrent_networks.pad_sequences", "own", "mask_from_zeros")
def _(s):
    T = max(q.shape[1] for q in s)
    x = np.zeros((s[0].shape[0], len(s), T))
    for i, q in enumerate(s):
        x[:, i, : q.shape[1]] = q
    return (x, (x[0] != 0) * 1.0)


@posted("recurrent_networks.pad_sequences", "own")
def _(s):
    T = int(np.mean([q.shape[1] for q in s]))
    x = np.zeros((s[0].shape[0], len(s), T))
    M = np.zeros((len(s), T))
    for i, q in enumerate(s):
        k = min(T, q.shape[1])
        x[:, i, :k] = q[:, :k]
        M[i, :k] = 1
    return (x, M)


@posted("recurrent_networks.stack_recurrent_weights", "own", "stacked_transposed")
def _(a, x):
    return np.vstack([a.T, x.T])


@posted("recurrent_networks.last_outputs", "own", "last_step_of_the_array")
def _(y, m):
    return y[:, :, -1]


@posted("recurrent_networks.last_outputs", "own")
def _(y, m):
    return np.max(y * m, axis=2)


@posted("recurrent_networks.sequence_loss", "own")
def _(yh, y, m):
    yh = np.clip(yh, 0.001, 1 - 0.001)
    return np.sum(m * -(y * np.log(yh) + (1 - y) * np.log(1 - yh))) / yh.shape[1]


@posted("recurrent_networks.rnn_forward", "own", "states_as_whole_numbers")
def _(x, a0, p):
    a = np.zeros((*a0.shape, x.shape[2]), int)
    ys = []
    c = []
    n = a0
    for t in range(x.shape[2]):
        n, y, k = RECURRENT_NETWORKS.rnn_cell_forward(x[:, :, t], n, p)
        a[:, :, t] = n
        ys.append(y)
        c.append(k)
    return (a, np.stack(ys, 2), (c, x))


@posted("recurrent_networks.rnn_forward", "own", "read_backwards")
def _(x, a0, p):
    return RECURRENT_NETWORKS.rnn_forward(x[:, :, ::-1], a0, p)


@posted("backpropagation_through_time.clip", "own")
def _(g, M):
    return {k: v if np.abs(v).max() <= M else np.clip(v, -M, M) for k, v in g.items()}


@posted("backpropagation_through_time.clip", "own", "by_the_common_norm")
def _(g, M):
    n = np.sqrt(sum(np.sum(v**2) for v in g.values()))
    return {k: v * min(1, M / n) for k, v in g.items()}


@posted("backpropagation_through_time.clip", "own", "only_from_above")
def _(g, M):
    return {k: np.minimum(v, M) for k, v in g.items()}


@posted("backpropagation_through_time.clip", "own", "limit_fixed")
def _(g, M):
    return {k: np.clip(v, -5, 5) for k, v in g.items()}


@posted("gru.hold_at_padding", "own", "mask_inverted")
def _(cn, cp, m):
    return np.where(m > 0, cp, cn)


@posted("gru.hold_at_padding", "own", "zeros_at_padding")
def _(cn, cp, m):
    return cn * m


@posted("gru.gru_forward", "own", "read_backwards")
def _(x, c0, p):
    return GRU.gru_forward(x[:, :, ::-1], c0, p)


@posted("gru.gru_forward", "own", "zeros_for_c0")
def _(x, c0, p):
    return GRU.gru_forward(x, 0 * c0, p)


@posted("gru.gru_forward", "own", "c0_at_every_step")
def _(x, c0, p):
    o = [GRU.gru_cell_forward(x[:, :, t], c0, p) for t in range(x.shape[2])]
    return (np.stack([q[0] for q in o], 2), np.stack([q[1] for q in o], 2), ([q[2] for q in o], x))


@posted("lstm.lstm_forward", "own", "cell_of_zeros_at_every_step")
def _(x, a0, p):
    a = a0
    o = []
    for t in range(x.shape[2]):
        q = LSTM.lstm_cell_forward(x[:, :, t], a, np.zeros_like(a0), p)
        a = q[0]
        o.append(q)
    return (
        np.stack([q[0] for q in o], 2),
        np.stack([q[2] for q in o], 2),
        np.stack([q[1] for q in o], 2),
        ([q[3] for q in o], x),
    )


@posted("lstm.lstm_forward", "own", "cell_starts_as_a0")
def _(x, a0, p):
    a = c = a0
    o = []
    for t in range(x.shape[2]):
        q = LSTM.lstm_cell_forward(x[:, :, t], a, c, p)
        a, c = (q[0], q[1])
        o.append(q)
    return (
        np.stack([q[0] for q in o], 2),
        np.stack([q[2] for q in o], 2),
        np.stack([q[1] for q in o], 2),
        ([q[3] for q in o], x),
    )


@posted("bidirectional_and_deep.reverse_sequences", "own", "whole_array_turned")
def _(x, m):
    return x[:, :, ::-1]


@posted("bidirectional_and_deep.reverse_sequences", "own", "length_of_the_first")
def _(x, m):
    T = int(m[0].sum())
    y = x.copy()
    y[:, :, :T] = x[:, :, :T][:, :, ::-1]
    return y


@posted("bidirectional_and_deep.f1_entities", "own", "one_set_for_all_sentences")
def _(y, yh, m):
    a, b = (set(), set())
    for i in range(len(y)):
        T = int(m[i].sum())
        a |= set(map(tuple, BIDIRECTIONAL_AND_DEEP.find_entities(y[i][:T])))
        b |= set(map(tuple, BIDIRECTIONAL_AND_DEEP.find_entities(yh[i][:T])))
    c = len(a & b)
    return 2 * c / (len(a) + len(b)) if a or b else 0.0


@posted("bidirectional_and_deep.f1_entities", "own", "padding_counted")
def _(y, yh, m):
    c = a = b = 0
    for i in range(len(y)):
        s, t = (
            set(map(tuple, BIDIRECTIONAL_AND_DEEP.find_entities(y[i]))),
            set(map(tuple, BIDIRECTIONAL_AND_DEEP.find_entities(yh[i]))),
        )
        c += len(s & t)
        a += len(s)
        b += len(t)
    return 2 * c / (a + b) if a + b else 0.0


@posted("bidirectional_and_deep.f1_entities", "own", "mean_over_sentences")
def _(y, yh, m):
    f = []
    for i in range(len(y)):
        T = int(m[i].sum())
        s, t = (
            set(map(tuple, BIDIRECTIONAL_AND_DEEP.find_entities(y[i][:T]))),
            set(map(tuple, BIDIRECTIONAL_AND_DEEP.find_entities(yh[i][:T]))),
        )
        f.append(2 * len(s & t) / (len(s) + len(t)) if s or t else 0.0)
    return float(np.mean(f))


@posted("word2vec.cbow_pairs", "own", "contexts_with_target")
def _(ws, n):
    return [(ws[max(0, i - n) : i + n + 1], t) for i, t in enumerate(ws) if len(ws) > 1]


@posted("word2vec.skipgram_pairs", "own", "pairs_with_negative_places")
def _(ws, n):
    return [(ws[i], ws[j]) for i in range(len(ws)) for j in range(i - n, min(len(ws), i + n + 1)) if j != i]


@posted("word2vec.neg_sampling_loss_and_gradient", "own", "slip: mean")
def _(e, t, neg, Th):
    l, de, dT = WORD2VEC.neg_sampling_loss_and_gradient(e, t, neg, Th)
    return (l / len(neg), de / len(neg), dT / len(neg))


@posted("word2vec.hierarchical_softmax_loss_and_gradient", "own", "path_labels_turned")
def _(e, nodes, s, Th):
    l, _, _ = WORD2VEC.hierarchical_softmax_loss_and_gradient(e, nodes, s, Th)
    z = Th[:, nodes].T @ e
    d = sigmoid(z) - (1 - np.asarray(s)[:, None]) / 2
    dT = np.zeros_like(Th)
    dT[:, nodes] = e @ d.T
    return (l, Th[:, nodes] @ d, dT)


@posted("word_embeddings.embedding_lookup", "own", "lookup_rows_as_they_are")
def _(E, i):
    return E[i]


@posted("word_embeddings.embedding_lookup", "own", "lookup_unique")
def _(E, i):
    return E[:, np.unique(i)]


@posted("word_embeddings.nearest_words", "own", "nearest_drops_the_first")
def _(wd, ws, E, k):
    j = ws.index(wd)
    e = E[:, j]
    s = e @ E / (np.linalg.norm(E, axis=0) * np.linalg.norm(e))
    return [ws[i] for i in np.argsort(-s)[1 : k + 1]]


@posted("word_embeddings.nearest_words", "own", "nearest_itself_gets_zero")
def _(wd, ws, E, k):
    j = ws.index(wd)
    e = E[:, j]
    s = e @ E / (np.linalg.norm(E, axis=0) * np.linalg.norm(e))
    s[j] = 0
    return [ws[i] for i in np.argsort(-s)[:k]]


@posted("word_embeddings.complete_analogy", "own", "analogy_given_words_get_zero")
def _(a, b, c, ws, E):
    i, j, k = (ws.index(q) for q in (a, b, c))
    v = E[:, j] - E[:, i] + E[:, k]
    s = v @ E / (np.linalg.norm(E, axis=0) * np.linalg.norm(v))
    s[[i, j, k]] = 0
    return ws[int(np.argmax(s))]


@posted("word_embeddings.complete_analogy", "own", "analogy_of_unit_vectors")
def _(a, b, c, ws, E):
    U = E / np.linalg.norm(E, axis=0)
    i, j, k = (ws.index(q) for q in (a, b, c))
    v = U[:, j] - U[:, i] + U[:, k]
    s = v @ U
    s[[i, j, k]] = -np.inf
    return ws[int(np.argmax(s))]


@posted("word_embeddings.complete_analogy", "own", "analogy_search_from_zero")
def _(a, b, c, ws, E):
    i, j, k = (ws.index(q) for q in (a, b, c))
    v = E[:, j] - E[:, i] + E[:, k]
    best, who = (0, None)
    for n, q in enumerate(ws):
        if q in (a, b, c):
            continue
        s = WORD_EMBEDDINGS.cosine_similarity(v, E[:, n])
        if s > best:
            best, who = (s, q)
    return who


@posted("word_embeddings.equalize", "own", "equalize_sum")
def _(a, b, g):
    mu = a + b
    gh = g / np.linalg.norm(g)
    nu = mu - gh * (gh @ mu) if mu.ndim == 1 else mu - gh * (gh.T @ mu)
    d = np.sqrt(np.abs(1 - np.sum(nu**2))) * gh
    s = np.sign(np.sum((a - b) * gh))
    return (nu + s * d, nu - s * d)


@posted("word_embeddings.project_2d", "own", "project_without_mean")
def _(v):
    u, s, vt = np.linalg.svd(v, full_matrices=False)
    p = u[:, :2].T @ v
    return p * np.where(p[:, :1] < 0, -1, 1)


@right("recurrent_networks.one_hot_sequence", "own")
def _(ws, v):
    return np.eye(len(v))[[v.index(q if q in v else "<unk>") for q in ws]].T


@right("recurrent_networks.pad_sequences", "own")
def _(s):
    T = max(len(q[0]) for q in s)
    return (
        np.array([np.pad(q, ((0, 0), (0, T - len(q[0])))) for q in s]).transpose(1, 0, 2),
        [[1] * len(q[0]) + [0] * (T - len(q[0])) for q in s],
    )


@right("recurrent_networks.last_outputs", "own")
def _(y, m):
    return np.array([y[:, i, int(sum(m[i])) - 1].tolist() for i in range(len(m))]).T


@right("recurrent_networks.rnn_forward", "own")
def _(x, a0, p):
    R = RECURRENT_NETWORKS
    a = a0
    o = []
    for xt in np.moveaxis(x, 2, 0):
        q = R.rnn_cell_forward(xt, a, p)
        a = q[0]
        o.append(q)
    return (np.stack([q[0] for q in o], -1), np.stack([q[1] for q in o], -1), [[q[2] for q in o], x])


@right("recurrent_networks.sequence_loss", "own")
def _(yh, y, m):
    return sum(
        (-m[i, t] * (math.log(yh[i, t]) if y[i, t] else math.log(1 - yh[i, t])) for i, t in np.ndindex(m.shape))
    ) / len(m)


@right("backpropagation_through_time.clip", "own")
def _(g, M):
    return {k: np.where(v > M, M, np.where(v < -M, -M, v)) for k, v in g.items()}


@right("gru.hold_at_padding", "own")
def _(cn, cp, m):
    return cn * m + cp * (1 - m)


@right("bidirectional_and_deep.reverse_sequences", "own")
def _(x, m):
    y = np.copy(x)
    for i, T in enumerate(np.sum(m, axis=1).astype(int)):
        for t in range(T):
            y[:, i, t] = x[:, i, T - 1 - t]
    return y


@right("bidirectional_and_deep.find_entities", "own")
def _(y):
    o = []
    t = 0
    y = list(y)
    while t < len(y):
        if y[t]:
            s = t
            while t + 1 < len(y) and y[t + 1]:
                t += 1
            o.append((s, t + 1))
        t += 1
    return o


@right("word2vec.cbow_pairs", "own")
def _(ws, n):
    return [(list(ws[max(i - n, 0) : i]) + list(ws[i + 1 : i + n + 1]), ws[i]) for i in range(len(ws)) if len(ws) > 1]


@right("word2vec.hierarchical_softmax_loss_and_gradient", "own")
def _(e, nodes, s, Th):
    l = 0.0
    de = np.zeros_like(e)
    dT = np.zeros_like(Th)
    for v, q in zip(nodes, s, strict=True):
        z = float((Th[:, [v]].T @ e).item())
        l += np.logaddexp(0, -q * z)
        d = -q / (1 + np.exp(np.clip(q * z, -700, 700)))
        de += d * Th[:, [v]]
        dT[:, [v]] += d * e
    return (l, de, dT)


@right("word_embeddings.nearest_words", "own")
def _(wd, ws, E, k):
    e = E[:, ws.index(wd)]
    c = lambda n: float(E[:, n] @ e / np.linalg.norm(E[:, n]))
    return tuple(ws[n] for n in sorted((n for n in range(len(ws)) if ws[n] != wd), key=c, reverse=True)[:k])


@right("word_embeddings.embedding_backward", "own")
def _(de, i, n):
    dE = np.zeros((len(de), n))
    for k in np.ndindex(i.shape):
        dE[:, i[k]] = dE[:, i[k]] + de[slice(None), *k]
    return dE


@right("lstm.lstm_forward", "own")
def _(x, a0, p):
    L = LSTM
    a, c = (a0, a0 * 0)
    o = []
    for t in range(x.shape[-1]):
        q = L.lstm_cell_forward(x[..., t], a, c, p)
        a, c = q[:2]
        o.append(q)
    f = lambda k: np.dstack([q[k] for q in o])
    return (f(0), f(2), f(1), ([q[3] for q in o], x))


@right("character_language_model.temperature_softmax", "own")
def _(z, t):
    z = np.asarray(z) / t
    o = np.exp(z - z.max(axis=0))
    return np.divide(o, o.sum(axis=0))
