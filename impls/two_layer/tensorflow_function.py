"""TensorFlow 2: a tape records the eager step, and tf.function makes a graph of what Python did."""

import tensorflow as tf

READ_AFTER = "tensorflow_graph"


def adopt(params):
    return {name: tf.Variable(value) for name, value in params.items()}


def export(state):
    return dict(state)


@tf.function  # traced once for each shape and dtype: variables are arguments, whichever they are
def forward(state, x):
    h_relu = tf.nn.relu(x @ state["w1"])
    return h_relu @ state["w2"]


def trace(state, x, y):
    w1, w2 = state["w1"], state["w2"]

    # Forward pass
    h = x @ w1
    h_relu = tf.nn.relu(h)  # its derivative at 0 is 0; that of tf.maximum(h, 0) is 1
    y_pred = h_relu @ w2

    # Loss
    loss = tf.reduce_sum(tf.square(y_pred - y))

    return {"h": h, "h_relu": h_relu, "y_pred": y_pred, "loss": loss}


@tf.function
def loss_and_grads(state, x, y):
    with tf.GradientTape() as tape:
        loss = trace(state, x, y)["loss"]

    # Backward pass: the tape is played back, and gives the gradients in the shape of the state
    return loss, tape.gradient(loss, state)


@tf.function
def update(state, x, y, learning_rate):
    loss, grads = loss_and_grads(state, x, y)
    for name, w in state.items():
        w.assign_sub(learning_rate * grads[name])
    return loss


def train_step(state, x, y, learning_rate):
    # As a tensor: a Python number would be part of the graph, and another rate would mean another trace.
    return state, update(state, x, y, tf.constant(learning_rate, x.dtype))


# A graph inside a graph is traced once, and keeps that trace's variables: the loop takes the Python itself.
step = update.python_function


@tf.function
def loop(state, x, y, learning_rate, steps):
    losses = tf.TensorArray(x.dtype, steps)
    for i in tf.range(steps):  # a loop of the graph, since it goes over a tensor
        losses = losses.write(i, step(state, x, y, learning_rate))
    return losses.stack()


def train(state, x, y, learning_rate, steps):
    return state, loop(state, x, y, tf.constant(learning_rate, x.dtype), tf.constant(steps))
