"""TensorFlow 1: the step is declared as a static graph first, then a session runs the parts asked for."""

from functools import cache
from types import SimpleNamespace

import numpy as np
import tensorflow as tf
import tensorflow.compat.v1 as tf1

READ_AFTER = "numpy_manual"


def asarray(array):
    return np.array(array)  # a session is fed ndarrays


def declare_step(x, y, w1, w2, learning_rate):
    # Forward pass
    h = x @ w1
    h_relu = tf.nn.relu(h)  # its derivative at 0 is 0; that of tf.maximum(h, 0) is 1
    y_pred = h_relu @ w2

    # Loss
    loss = tf.reduce_sum(tf.square(y_pred - y))

    # Backward pass: tf.gradients adds the operations of the chain rule to the graph
    wanted = {"y_pred": y_pred, "w2": w2, "h_relu": h_relu, "h": h, "w1": w1}
    grads = dict(zip(wanted, tf.gradients(loss, list(wanted.values())), strict=True))
    update = [w1.assign_sub(learning_rate * grads["w1"]), w2.assign_sub(learning_rate * grads["w2"])]
    return {"h": h, "h_relu": h_relu, "y_pred": y_pred, "loss": loss}, grads, tf.group(update)


@cache
def declare(d_in, width, d_out, dtype):
    with tf.Graph().as_default():
        x, y = tf1.placeholder(dtype, (None, d_in)), tf1.placeholder(dtype, (None, d_out))
        learning_rate, steps = tf1.placeholder(dtype, ()), tf1.placeholder(tf.int32, ())
        start = {"w1": tf1.placeholder(dtype, (d_in, width)), "w2": tf1.placeholder(dtype, (width, d_out))}
        # A resource variable, once read, stays as it was read while the update is under way.
        params = {name: tf1.Variable(value, use_resource=True) for name, value in start.items()}
        seen, grads, update = declare_step(x, y, **params, learning_rate=learning_rate)

        def one_more(i, losses):
            seen, _, update = declare_step(x, y, **params, learning_rate=learning_rate)
            with tf.control_dependencies([update]):  # or the next step might not wait for this one
                return i + 1, losses.write(i, seen["loss"])

        # A loop inside the graph: x and y are fed once, and Python is not asked between the steps.
        loop = (0, tf.TensorArray(dtype, steps))
        _, losses = tf1.while_loop(lambda i, _: i < steps, one_more, loop, parallel_iterations=1)
        return SimpleNamespace(
            x=x, y=y, learning_rate=learning_rate, steps=steps, start=start, params=params,
            initialise=[w.initializer for w in params.values()],
            seen=seen, grads=grads, update=update, losses=losses.stack(), session=tf1.Session(),
        )  # fmt: skip


def adopt(params):
    (d_in, width), (_, d_out) = params["w1"].shape, params["w2"].shape
    state = declare(d_in, width, d_out, params["w1"].dtype)
    state.session.run(state.initialise, {state.start[name]: value for name, value in params.items()})
    return state


def export(state):
    return state.session.run(state.params)


def forward(state, x):
    return state.session.run(state.seen["y_pred"], {state.x: x})


def trace(state, x, y):
    seen, grads = state.session.run((state.seen, state.grads), {state.x: x, state.y: y})
    return seen | {f"grad_{name}": grad for name, grad in grads.items()}


def loss_and_grads(state, x, y):
    wanted = state.seen["loss"], {name: state.grads[name] for name in state.params}
    return state.session.run(wanted, {state.x: x, state.y: y})


def train_step(state, x, y, learning_rate):
    feed = {state.x: x, state.y: y, state.learning_rate: learning_rate}
    loss, _ = state.session.run((state.seen["loss"], state.update), feed)
    return state, loss


def train(state, x, y, learning_rate, steps):
    feed = {state.x: x, state.y: y, state.learning_rate: learning_rate, state.steps: steps}
    return state, state.session.run(state.losses, feed)
