"""TensorFlow, one line for each neuron: under tf.function each line becomes nodes of one graph."""

import tensorflow as tf

READ_AFTER = "numpy_manual"


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


@tf.function
def forward(state, x):
    w1, w2, x1, x2 = state["w1"], state["w2"], x[0, 0], x[0, 1]
    h1 = x1 * w1[0, 0] + x2 * w1[1, 0]
    h2 = x1 * w1[0, 1] + x2 * w1[1, 1]
    h3 = x1 * w1[0, 2] + x2 * w1[1, 2]
    a1, a2, a3 = tf.nn.relu(h1), tf.nn.relu(h2), tf.nn.relu(h3)  # tf.maximum(h, 0) has slope 1 at 0
    y_in = a1 * w2[0, 0] + a2 * w2[1, 0] + a3 * w2[2, 0]
    return tf.reshape(tf.nn.relu(y_in), (1, 1))


@tf.function
def loss_and_grads(state, x, y):
    with tf.GradientTape() as tape:
        tape.watch(state)
        loss = tf.reduce_sum(tf.square(forward(state, x) - y))
    return loss, tape.gradient(loss, state)


@tf.function
def step(state, x, y, learning_rate):
    loss, grads = loss_and_grads(state, x, y)
    return {name: state[name] - learning_rate * grads[name] for name in state}, loss


def train_step(state, x, y, learning_rate):
    # As a Python number each new rate would be traced into a graph of its own
    return step(state, x, y, tf.constant(learning_rate, x.dtype))


@tf.function
def loop(state, x, y, learning_rate, steps):
    losses = tf.TensorArray(x.dtype, steps)
    for i in tf.range(steps):  # AutoGraph makes this loop a part of the graph
        state, loss = step(state, x, y, learning_rate)
        losses = losses.write(i, loss)
    return state, losses.stack()


def train(state, x, y, learning_rate, steps):
    return loop(state, x, y, tf.constant(learning_rate, x.dtype), tf.constant(steps))
