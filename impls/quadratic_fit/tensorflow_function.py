"""TensorFlow 2: a tape under tf.function, and a loop of the graph makes many steps one call."""

import tensorflow as tf

READ_AFTER = "tensorflow_graph"


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


@tf.function
def forward(state, x):
    return state["w"] * x**2


@tf.function
def loss_and_grads(state, x, y):
    with tf.GradientTape() as tape:
        tape.watch(state)
        loss = 0.5 * tf.reduce_mean(tf.square(forward(state, x) - y))
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
