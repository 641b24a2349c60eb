"""TensorFlow, static graph: tf.gradients declares the backward nodes, the check on the hand."""

from functools import cache
from types import SimpleNamespace

import tensorflow as tf

from .tensorflow_graph import asarray, export, forward, loss_and_grads, start, trace, train, train_step

READ_AFTER = "tensorflow_graph"
__all__ = ["adopt", "asarray", "export", "forward", "loss_and_grads", "trace", "train", "train_step"]


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

        # Backward pass: tf.gradients walks the nodes above and declares those that are missing. Asked for the
        # nodes in between as well, it names what the hand has to find on the way
        wanted = {"y_pred": y_pred, "y_in": y_in, "w2": w2, "h_sigmoid": h_sigmoid, "h": h, "w1": w1}
        grads = dict(zip(wanted, tf.gradients(loss, list(wanted.values())), strict=True))

        with tf.control_dependencies([grads["w1"], grads["w2"]]):
            updates = [
                variable.assign_sub(learning_rate * grads[name], read_value=False)
                for name, variable in zip(("w1", "w2"), variables, strict=True)
            ]

        nodes = {"h": h, "h_sigmoid": h_sigmoid, "y_in": y_in, "y_pred": y_pred, "loss": loss}
        return SimpleNamespace(
            session=tf.compat.v1.Session(), feeds=feeds, starts=starts, variables=variables,
            nodes=nodes | {f"grad_{name}": grad for name, grad in grads.items()}, update=tf.group(updates),
        )  # fmt: skip


def adopt(params):
    return start(build(params["w1"].dtype, params["w1"].shape, params["w2"].shape), params)
