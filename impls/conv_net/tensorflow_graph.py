"""TensorFlow 1: a static graph is declared first, once for training and once for evaluation."""

from functools import cache
from types import SimpleNamespace

import numpy as np
import tensorflow as tf
import tensorflow.compat.v1 as tf1

READ_AFTER = "numpy_manual"

EPS, MOMENTUM = 1e-5, 0.1
EVEN = [[0, 0], [1, 1], [1, 1], [0, 0]]  # "SAME" would add a row and a column on one side alone


def asarray(array):
    return np.array(array)  # a session is fed ndarrays


def declare_forward(params, x, training):
    seen, a = {}, x
    for i in (1, 2):
        conv = seen[f"conv{i}"] = tf.nn.conv2d(a, params[f"kernel{i}"], strides=2, padding=EVEN)
        mean, var = params[f"mean{i}"], params[f"var{i}"]
        if training:
            mean, var = seen[f"batch_mean{i}"], seen[f"batch_var{i}"] = tf.nn.moments(conv, axes=(0, 1, 2))
        scale, shift = params[f"scale{i}"], params[f"shift{i}"]
        seen[f"h{i}"] = tf.nn.batch_normalization(conv, mean, var, shift, scale, EPS)
        a = seen[f"h{i}_relu"] = tf.nn.relu(seen[f"h{i}"])  # tf.maximum(h, 0) has derivative 1 at 0
    seen["pooled"] = tf.nn.avg_pool2d(a, 3, strides=2, padding="SAME")  # of an odd size it is even
    flat = tf.reshape(seen["pooled"], (-1, params["w"].shape[0]))
    return seen | {"logits": tf.nn.bias_add(flat @ params["w"], params["b"])}


def declare_loss(logits, y):
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits))


def declare_renewal(params, seen):
    """The running statistics after a batch, whose variance is estimated with n - 1."""
    renewal = []
    for i in (1, 2):
        mean, var = params[f"mean{i}"], params[f"var{i}"]
        n = tf.cast(tf.size(seen[f"conv{i}"]) / mean.shape[0], mean.dtype)
        batch_var = seen[f"batch_var{i}"] * (n / (n - 1))
        renewal += [
            tf1.assign(mean, (1 - MOMENTUM) * mean + MOMENTUM * seen[f"batch_mean{i}"]),
            tf1.assign(var, (1 - MOMENTUM) * var + MOMENTUM * batch_var),
        ]
    return renewal


def declare_step(params, x, y, learning_rate):
    # Forward pass
    seen = declare_forward(params, x, training=True)

    # Loss
    seen["loss"] = declare_loss(seen["logits"], y)

    # Backward pass: tf.gradients adds the operations of the chain rule to the graph
    weights = {name: w for name, w in params.items() if not name.startswith(("mean", "var"))}
    grads = dict(zip(weights, tf.gradients(seen["loss"], list(weights.values())), strict=True))
    descent = tf1.train.GradientDescentOptimizer(learning_rate)  # w -= rate * grad, in one kernel
    update = descent.apply_gradients((grads[name], w) for name, w in weights.items())
    return seen, grads, (update, declare_renewal(params, seen))


@cache
def declare(dtype, **shapes):
    with tf.Graph().as_default():
        # A resource variable, once read, stays as it was read while the update is under way
        start = {name: tf1.placeholder(dtype, shape) for name, shape in shapes.items()}
        params = {name: tf1.Variable(value, use_resource=True) for name, value in start.items()}
        initialise = [w.initializer for w in params.values()]

        x = tf1.placeholder(dtype, (None, 28, 28, 1), "x")
        y = tf1.placeholder(tf.int32, (None,), "y")
        learning_rate = tf1.placeholder(dtype, (), "learning_rate")

        logits = declare_forward(params, x, training=False)["logits"]
        seen, grads, update = declare_step(params, x, y, learning_rate)
        return SimpleNamespace(
            session=tf1.Session(), start=start, initialise=initialise, params=params, logits=logits,
            seen=seen, grads=grads, update=update,
        )  # fmt: skip


def adopt(params):
    state = declare(params["w"].dtype, **{name: value.shape for name, value in params.items()})
    state.session.run(state.initialise, {state.start[name]: value for name, value in params.items()})
    return state


def export(state):
    return state.session.run(state.params)


def forward(state, x):
    return state.session.run(state.logits, {"x:0": x})


def trace(state, x, y):
    return state.session.run(state.seen, {"x:0": x, "y:0": y})


def loss_and_grads(state, x, y):
    return state.session.run((state.seen["loss"], state.grads), {"x:0": x, "y:0": y})


def train_step(state, x, y, learning_rate):
    feeds = {"x:0": x, "y:0": y, "learning_rate:0": learning_rate}
    loss, _ = state.session.run((state.seen["loss"], state.update), feeds)
    return state, loss
