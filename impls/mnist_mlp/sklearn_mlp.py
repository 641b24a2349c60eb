"""scikit-learn: an estimator in charge. partial_fit makes a step; the weights are its public attributes."""

from copy import deepcopy
from functools import cache

import numpy as np
import sklearn
from sklearn.neural_network import MLPClassifier

READ_AFTER = "numpy_manual"
DEPARTS = {
    "nan": "partial_fit raises where a weight would not be finite",
    "large_logits": "the loss clips probabilities at the dtype's eps",
}


@cache
def fitted(widths, dtype, learning_rate):
    """A classifier after its first partial_fit, which fixes shapes, classes, dtype and rate for good."""
    model = MLPClassifier(
        widths[1:-1],
        solver="sgd",
        alpha=0,
        momentum=0,
        nesterovs_momentum=False,
        shuffle=False,
        learning_rate_init=learning_rate,
    )
    return model.partial_fit(np.zeros((1, widths[0]), dtype), [0], classes=range(widths[-1]))


def with_weights(coefs, intercepts, learning_rate):
    widths = (*(len(w) for w in coefs), len(intercepts[-1]))
    model = deepcopy(fitted(widths, coefs[0].dtype, learning_rate))
    model.coefs_, model.intercepts_ = coefs, intercepts
    return model


def with_rate(model, learning_rate):
    if learning_rate == model.learning_rate_init:
        return model
    return with_weights(model.coefs_, model.intercepts_, learning_rate)


def adopt(params):
    layers = range(1, len(params) // 2 + 1)
    return with_weights([params[f"w{i}"] for i in layers], [params[f"b{i}"] for i in layers], 1.0)


def export(state):
    params = {}
    for i, (w, b) in enumerate(zip(state.coefs_, state.intercepts_, strict=True), start=1):
        params |= {f"w{i}": w, f"b{i}": b}
    return params


def normalise(images, state, mean, std):
    return (images.astype(state.coefs_[0].dtype) / 255 - mean) / std


def train_step(state, x, y, learning_rate):
    state = with_rate(state, learning_rate).partial_fit(x, y)
    return state, np.asarray(state.loss_)


def train_epoch(state, images, labels, order, learning_rate, mean, std):
    state = with_rate(state, learning_rate)
    # A partial_fit of all batches would tell their mean loss only
    with sklearn.config_context(assume_finite=True, skip_parameter_validation=True):
        for batch in order:
            state.partial_fit(normalise(images[batch], state, mean, std), labels[batch])
    return state, np.array(state.loss_curve_[-len(order) :])


def evaluate(state, images, labels, mean, std):
    log_p = state.predict_log_proba(normalise(images, state, mean, std))
    mean_loss = -log_p[np.arange(len(labels)), labels].mean()
    return mean_loss, (log_p.argmax(axis=1) == labels).sum()
