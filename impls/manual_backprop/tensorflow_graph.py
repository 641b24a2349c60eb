"""TensorFlow, static graph: the same derivatives as nodes declared once, which a session feeds and runs."""

from functools import cache
from types import SimpleNamespace

import numpy as np
import tensorflow as tf

READ_AFTER = "numpy_manual"


def asarray(array):
    return array.copy()  # a session is fed from NumPy, and answers in NumPy


@cache
def build(dtype, w1_shape, w2_shape):
    """The graph and its session, once for each dtype and size."""
    with tf.Graph().as_default():
        feeds = {name: tf.compat.v1.placeholder(dtype) for name in ("x", "y", "b1", "b2", "learning_rate")}
        x, y, b1, b2, learning_rate = feeds.values()
        starts = [tf.compat.v1.placeholder(dtype, shape) for shape in (w1_shape, w2_shape)]
        variables = [tf.Variable(start) for start in starts]
        w1, w2 = (variable.read_value() for variable in variables)

        # Forward pass
        h = x @ w1 + b1
        h_sigmoid = tf.sigmoid(h)
        y_in = h_sigmoid @ w2 + b2
        y_pred = tf.sigmoid(y_in)

        # Loss
        loss = 0.5 * tf.reduce_sum(tf.square(y_pred - y))

        # Backward pass: with s = sigmoid(h), sigmoid'(h) = s (1 - s), so the net input is not needed again
        grad_y_pred = y_pred - y
        grad_y_in = grad_y_pred * y_pred * (1 - y_pred)
        grad_w2 = tf.matmul(h_sigmoid, grad_y_in, transpose_a=True)
        grad_h_sigmoid = tf.matmul(grad_y_in, w2, transpose_b=True)
        grad_h = grad_h_sigmoid * h_sigmoid * (1 - h_sigmoid)
        grad_w1 = tf.matmul(x, grad_h, transpose_a=True)

        # A graph knows no order but that of its edges: both gradients first, only then both weights
        with tf.control_dependencies([grad_w1, grad_w2]):
            updates = [
                variable.assign_sub(learning_rate * grad, read_value=False)
                for variable, grad in zip(variables, (grad_w1, grad_w2), strict=True)
            ]

        nodes = {
            "h": h, "h_sigmoid": h_sigmoid, "y_in": y_in, "y_pred": y_pred, "loss": loss,
            "grad_y_pred": grad_y_pred, "grad_y_in": grad_y_in, "grad_w2": grad_w2,
            "grad_h_sigmoid": grad_h_sigmoid, "grad_h": grad_h, "grad_w1": grad_w1,
        }  # fmt: skip
        return SimpleNamespace(
            session=tf.compat.v1.Session(), feeds=feeds, starts=starts, variables=variables,
            nodes=nodes, update=tf.group(updates),
        )  # fmt: skip


def start(state, params):
    initializers = [variable.initializer for variable in state.variables]
    state.session.run(initializers, dict(zip(state.starts, (params["w1"], params["w2"]), strict=True)))
    return state


def adopt(params):
    return start(build(params["w1"].dtype, params["w1"].shape, params["w2"].shape), params)


def export(state):
    return dict(zip(("w1", "w2"), state.session.run(state.variables), strict=True))


def run(state, fetches, **values):
    return state.session.run(fetches, {state.feeds[name]: value for name, value in values.items()})


def forward(state, x, b1, b2):
    return run(state, state.nodes["y_pred"], x=x, b1=b1, b2=b2)


def trace(state, x, y, b1, b2):
    return run(state, state.nodes, x=x, y=y, b1=b1, b2=b2)


def loss_and_grads(state, x, y, b1, b2):
    fetches = state.nodes["loss"], {name: state.nodes[f"grad_{name}"] for name in ("w1", "w2")}
    return run(state, fetches, x=x, y=y, b1=b1, b2=b2)


def train_step(state, x, y, b1, b2, learning_rate):
    fetches = state.nodes["loss"], state.update
    loss, _ = run(state, fetches, x=x, y=y, b1=b1, b2=b2, learning_rate=learning_rate)
    return state, loss


def train(state, x, y, b1, b2, learning_rate, steps):
    losses = []
    for _ in range(steps):
        state, loss = train_step(state, x, y, b1, b2, learning_rate)
        losses.append(loss)
    return state, np.stack(losses)
