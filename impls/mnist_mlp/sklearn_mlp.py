"""scikit-learn: an estimator is in charge, partial_fit makes a step, and the weights are its attributes."""

from copy import deepcopy
from functools import cache

import numpy as np
from sklearn.neural_network import MLPClassifier

READ_AFTER = "numpy_manual"
DEPARTS = {
    "nan": "partial_fit refuses what is not finite",
    "nan_parameter": "partial_fit raises where a weight is no longer finite",
    "large_logits": "the loss clips probabilities at the dtype's eps",
}
MAY_DEPART = {"overflow": "partial_fit raises where a weight is no longer finite"}


@cache
def fitted(widths, dtype, learning_rate):
    """A classifier after its first partial_fit, which fixes shapes, classes, dtype and rate for good."""
    model = MLPClassifier(
        hidden_layer_sizes=widths[1:-1],
        solver="sgd",
        momentum=0,
        nesterovs_momentum=False,
        alpha=0,
        shuffle=False,
        learning_rate_init=learning_rate,
    )
    return model.partial_fit(np.zeros((1, widths[0]), dtype), [0], classes=range(widths[-1]))


def with_weights(coefs, intercepts, learning_rate):
    widths = (*(len(w) for w in coefs), len(intercepts[-1]))
    model = deepcopy(fitted(widths, coefs[0].dtype, learning_rate))
    model.coefs_, model.intercepts_ = coefs, intercepts
    return model


def adopt(params):
    layers = range(1, len(params) // 2 + 1)
    coefs, intercepts = [params[f"w{i}"] for i in layers], [params[f"b{i}"] for i in layers]
    return with_weights(coefs, intercepts, learning_rate=1.0)  # train_step brings the right one


def export(state):
    params = {}
    for i, (w, b) in enumerate(zip(state.coefs_, state.intercepts_, strict=True), start=1):
        params |= {f"w{i}": w, f"b{i}": b}
    return params


def normalise(images, state, mean, std):
    return (images.astype(state.coefs_[0].dtype) / 255 - mean) / std


def train_step(state, x, y, learning_rate):
    if learning_rate != state.learning_rate_init:
        state = with_weights(state.coefs_, state.intercepts_, learning_rate)
    state.batch_size = len(x)  # "auto" makes several steps of more than 200 rows
    state.partial_fit(x, y)
    return state, np.asarray(state.loss_, x.dtype)


def train_epoch(state, images, labels, order, learning_rate, mean, std):
    losses = []
    for batch in order:  # one partial_fit of all batches is faster, but tells their mean loss only
        x = normalise(images[batch], state, mean, std)
        state, loss = train_step(state, x, labels[batch], learning_rate)
        losses.append(loss)
    return state, np.stack(losses)


def evaluate(state, images, labels, mean, std):
    log_p = state.predict_log_proba(normalise(images, state, mean, std))
    mean_loss = -log_p[np.arange(len(labels)), labels].mean()
    return mean_loss, (log_p.argmax(axis=1) == labels).sum()
