"""TensorFlow, static graph: tf.gradients declares the backward nodes, the check on the hand."""

from functools import cache
from types import SimpleNamespace

import tensorflow as tf

from .tensorflow_graph import asarray, export, forward, load, loss_and_grads, trace, train, train_step

READ_AFTER = "tensorflow_graph"


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

        # Backward pass: tf.gradients follows the edges back from the loss and declares what is missing
        grad_w1, grad_w2 = tf.gradients(loss, [w1, w2])

        with tf.control_dependencies([grad_w1, grad_w2]):
            update = tf.group(
                variables["w1"].assign_sub(learning_rate * grad_w1, read_value=False),
                variables["w2"].assign_sub(learning_rate * grad_w2, read_value=False),
            )

        nodes = {
            "h": h, "h_sigmoid": h_sigmoid, "y_in": y_in, "y_pred": y_pred, "loss": loss,
            "grad_w2": grad_w2, "grad_w1": grad_w1,
        }  # fmt: skip
        session = tf.compat.v1.Session()
    return SimpleNamespace(session=session, starts=starts, variables=variables, nodes=nodes, update=update)


def adopt(params):
    return load(build(params["w1"].dtype, w1=params["w1"].shape, w2=params["w2"].shape), params)
