"""TensorFlow 2: a tape records the functions, and is played back once for each derivative."""

import tensorflow as tf

READ_AFTER = "tensorflow_graph"


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


@tf.function
def forward(state, x):
    relu = tf.nn.relu(x)  # its derivative at 0 is 0; that of tf.maximum(x, 0) is 1
    sigmoid = tf.sigmoid(x)
    tanh = tf.tanh(x)
    return relu, sigmoid, tanh


@tf.function
def derivatives(state, x):
    with tf.GradientTape(persistent=True) as tape:  # persistent: it is played back more than once
        tape.watch(x)
        relu, sigmoid, tanh = forward(state, x)
    # The gradient of an array is that of its sum: here each element of the sum depends on its own x
    return tape.gradient(relu, x), tape.gradient(sigmoid, x), tape.gradient(tanh, x)
