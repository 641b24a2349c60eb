"""TensorFlow 1: model and update are a static graph, declared once, which a session feeds and runs."""

from functools import cache
from types import SimpleNamespace

import numpy as np
import tensorflow as tf
import tensorflow.compat.v1 as tf1

READ_AFTER = "numpy_manual"


def asarray(array):
    return array.copy()  # a session is fed from NumPy, and answers in NumPy


@cache
def declare(dtype):
    with tf.Graph().as_default():
        x, y = tf1.placeholder(dtype, (None,), "x"), tf1.placeholder(dtype, (None,), "y")
        learning_rate = tf1.placeholder(dtype, (), "learning_rate")
        start = {name: tf1.placeholder(dtype, ()) for name in ("w", "b")}
        params = {name: tf1.Variable(value, use_resource=True) for name, value in start.items()}

        # Forward pass
        y_pred = params["w"] * x + params["b"]

        # Loss
        loss = tf.reduce_mean(tf.square(y_pred - y))

        # Backward pass: tf.gradients adds the operations of the chain rule to the graph
        grads = dict(zip(params, tf.gradients(loss, list(params.values())), strict=True))
        descent = tf1.train.GradientDescentOptimizer(learning_rate)
        update = descent.apply_gradients((grads[name], p) for name, p in params.items())

        return SimpleNamespace(
            session=tf1.Session(), start=start, params=params, y_pred=y_pred, loss=loss,
            grads=grads, update=update, initialise=[p.initializer for p in params.values()],
        )  # fmt: skip


def adopt(params):
    state = declare(params["w"].dtype)
    state.session.run(state.initialise, {state.start[name]: value for name, value in params.items()})
    return state


def export(state):
    return state.session.run(state.params)


def forward(state, x):
    return state.session.run(state.y_pred, {"x:0": x})


def loss_and_grads(state, x, y):
    return state.session.run((state.loss, state.grads), {"x:0": x, "y:0": y})


def train_step(state, x, y, learning_rate):
    feed = {"x:0": x, "y:0": y, "learning_rate:0": learning_rate}
    loss, _ = state.session.run((state.loss, state.update), feed)
    return state, loss


def train(state, x, y, learning_rate, steps):
    losses = []
    for _ in range(steps):
        state, loss = train_step(state, x, y, learning_rate)
        losses.append(loss)
    return state, np.stack(losses)
