"""TensorFlow, static graph: the same derivatives as nodes declared once, which a session feeds and runs."""

from functools import cache
from types import SimpleNamespace

import numpy as np
import tensorflow as tf

READ_AFTER = "numpy_manual"


def asarray(array):
    return array.copy()  # a session is fed from NumPy, and answers in NumPy


@cache
def build(dtype, **shapes):
    """The graph and its session, once for each dtype and size."""
    with tf.Graph().as_default():
        names = "x", "y", "b1", "b2", "learning_rate"
        x, y, b1, b2, learning_rate = (tf.compat.v1.placeholder(dtype, name=name) for name in names)
        starts = {name: tf.compat.v1.placeholder(dtype, shape) for name, shape in shapes.items()}
        variables = {name: tf.Variable(start) for name, start in starts.items()}
        w1, w2 = variables["w1"].read_value(), variables["w2"].read_value()

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
            update = tf.group(
                variables["w1"].assign_sub(learning_rate * grad_w1, read_value=False),
                variables["w2"].assign_sub(learning_rate * grad_w2, read_value=False),
            )

        nodes = {
            "h": h, "h_sigmoid": h_sigmoid, "y_in": y_in, "y_pred": y_pred, "loss": loss,
            "grad_y_pred": grad_y_pred, "grad_y_in": grad_y_in, "grad_w2": grad_w2,
            "grad_h_sigmoid": grad_h_sigmoid, "grad_h": grad_h, "grad_w1": grad_w1,
        }  # fmt: skip
        session = tf.compat.v1.Session()
    return SimpleNamespace(session=session, starts=starts, variables=variables, nodes=nodes, update=update)


def load(state, params):
    initializers = [variable.initializer for variable in state.variables.values()]
    state.session.run(initializers, {state.starts[name]: value for name, value in params.items()})
    return state


def adopt(params):
    return load(build(params["w1"].dtype, w1=params["w1"].shape, w2=params["w2"].shape), params)


def export(state):
    return state.session.run(state.variables)


def forward(state, x, b1, b2):
    return state.session.run(state.nodes["y_pred"], {"x:0": x, "b1:0": b1, "b2:0": b2})


def trace(state, x, y, b1, b2):
    return state.session.run(state.nodes, {"x:0": x, "y:0": y, "b1:0": b1, "b2:0": b2})


def loss_and_grads(state, x, y, b1, b2):
    nodes = state.nodes
    fetches = nodes["loss"], {"w1": nodes["grad_w1"], "w2": nodes["grad_w2"]}
    return state.session.run(fetches, {"x:0": x, "y:0": y, "b1:0": b1, "b2:0": b2})


def train_step(state, x, y, b1, b2, learning_rate):
    feeds = {"x:0": x, "y:0": y, "b1:0": b1, "b2:0": b2, "learning_rate:0": learning_rate}
    loss, _ = state.session.run((state.nodes["loss"], state.update), feeds)
    return state, loss


def train(state, x, y, b1, b2, learning_rate, steps):
    losses = []
    for _ in range(steps):
        state, loss = train_step(state, x, y, b1, b2, learning_rate)
        losses.append(loss)
    return state, np.stack(losses)
