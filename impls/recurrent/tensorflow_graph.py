"""TensorFlow 1: the loop over the steps is an operation of the static graph, tf.while_loop."""

from functools import cache
from types import SimpleNamespace

import numpy as np
import tensorflow as tf
import tensorflow.compat.v1 as tf1

READ_AFTER = "numpy_manual"


def asarray(array):
    return np.array(array)  # a session is fed ndarrays


def gru(params, a_x, carry):
    (h,), w_h = carry, params["w_h"]
    rz = 2 * h.shape[1]  # the columns of r and z; those of n follow
    r, z = tf.split(tf.sigmoid(a_x[:, :rz] + h @ w_h[:, :rz]), 2, axis=1)
    n = tf.tanh(a_x[:, rz:] + (r * h) @ w_h[:, rz:])
    return ((1 - z) * n + z * h,)


def gru_reset_after(params, a_x, carry):
    (h,) = carry
    rz = 2 * h.shape[1]
    a_h = h @ params["w_h"] + params["b_h"]
    r, z = tf.split(tf.sigmoid(a_x[:, :rz] + a_h[:, :rz]), 2, axis=1)
    n = tf.tanh(a_x[:, rz:] + r * a_h[:, rz:])
    return ((1 - z) * n + z * h,)


def lstm(params, a_x, carry):
    h, c = carry
    a_i, a_f, a_g, a_o = tf.split(a_x + h @ params["w_h"], 4, axis=1)
    i, f, g, o = tf.sigmoid(a_i), tf.sigmoid(a_f), tf.tanh(a_g), tf.sigmoid(a_o)
    c = f * c + i * g
    return o * tf.tanh(c), c


def cell_of(params, carry):
    """The cell, by what there is: an LSTM has two carries, the later reset a bias b_h."""
    if carry.shape[0] == 2:
        return lstm
    return gru_reset_after if "b_h" in params else gru


def declare_forward(params, carry, x):
    cell, steps = cell_of(params, carry), tf.shape(x)[0]
    a_x = x @ params["w_x"] + params["b_x"]  # of all steps at once: no step of it waits for another
    a_x = tf.TensorArray(x.dtype, steps).unstack(a_x)  # the gradient of a_x[t] would be as large as a_x

    def step(t, carry, hidden):
        carry = cell(params, a_x.read(t), carry)
        return t + 1, carry, hidden.write(t, carry[0])

    start = 0, tuple(tf.unstack(carry)), tf.TensorArray(x.dtype, steps)
    _, carry, hidden = tf.while_loop(lambda t, *_: t < steps, step, start)
    h = hidden.stack()
    return {"h": h, "last_carry": tf.stack(carry), "y_pred": h @ params["w_y"] + params["b_y"]}


def declare_step(variables, x, y, learning_rate):
    # Forward pass: what is read here stays as it was read while the update is under way
    params = {name: tf.identity(w) for name, w in variables.items()}
    carry = params.pop("carry")
    seen = declare_forward(params, carry, x)

    # Loss
    seen["loss"] = tf.reduce_mean(tf.square(seen["y_pred"] - y))

    # Backward pass: tf.gradients adds a second loop to the graph, which runs from the last step to the first
    grads = dict(zip(params, tf.gradients(seen["loss"], list(params.values())), strict=True))

    descent = tf1.train.GradientDescentOptimizer(learning_rate)  # w -= rate * grad, in one kernel
    update = descent.apply_gradients((grads[name], variables[name]) for name in grads)
    return seen, grads, (update, variables["carry"].assign(seen["last_carry"]))


@cache
def declare(dtype, **shapes):
    with tf.Graph().as_default():
        start = {name: tf1.placeholder(dtype, shape) for name, shape in shapes.items()}
        variables = {name: tf1.Variable(value, use_resource=True) for name, value in start.items()}
        initialise = [variable.initializer for variable in variables.values()]

        batch = shapes["carry"][1]
        x = tf1.placeholder(dtype, (None, batch, shapes["w_x"][0]), "x")
        y = tf1.placeholder(dtype, (None, batch, shapes["w_y"][1]), "y")
        learning_rate = tf1.placeholder(dtype, (), "learning_rate")

        seen, grads, update = declare_step(variables, x, y, learning_rate)
        return SimpleNamespace(
            session=tf1.Session(), start=start, initialise=initialise, variables=variables, seen=seen,
            grads=grads, update=update,
        )  # fmt: skip


def adopt(params):
    state = declare(params["w_x"].dtype, **{name: value.shape for name, value in params.items()})
    state.session.run(state.initialise, {state.start[name]: value for name, value in params.items()})
    return state


def export(state):
    return state.session.run(state.variables)


def forward(state, x):
    return state.session.run(state.seen["y_pred"], {"x:0": x})


def trace(state, x, y):
    seen, grads = state.session.run((state.seen, state.grads), {"x:0": x, "y:0": y})
    return seen | {f"grad_{name}": grad for name, grad in grads.items()}


def loss_and_grads(state, x, y):
    return state.session.run((state.seen["loss"], state.grads), {"x:0": x, "y:0": y})


def train_step(state, x, y, learning_rate):
    feeds = {"x:0": x, "y:0": y, "learning_rate:0": learning_rate}
    loss, _ = state.session.run((state.seen["loss"], state.update), feeds)
    return state, loss
