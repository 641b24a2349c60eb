"""TensorFlow, tf.custom_gradient: each piece brings its own derivative by hand, and a tape joins them."""

import tensorflow as tf

READ_AFTER = "tensorflow_gradients"


@tf.custom_gradient
def sigmoid_layer(x, w, b):
    out = tf.sigmoid(x @ w + b)

    def backward(grad_out):
        grad_in = grad_out * out * (1 - out)
        # One gradient for each argument, asked for or not: what nobody uses, the graph prunes
        return (
            tf.matmul(grad_in, w, transpose_b=True),
            tf.matmul(x, grad_in, transpose_a=True),
            tf.reduce_sum(grad_in, axis=0),
        )

    return out, backward


@tf.custom_gradient
def half_squared_error(y_pred, y):
    error = y_pred - y
    return 0.5 * tf.reduce_sum(tf.square(error)), lambda grad_loss: (grad_loss * error, -grad_loss * error)


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


@tf.function
def forward(state, x, b1, b2):
    h_sigmoid = sigmoid_layer(x, state["w1"], b1)
    return sigmoid_layer(h_sigmoid, state["w2"], b2)


@tf.function
def loss_and_grads(state, x, y, b1, b2):
    with tf.GradientTape() as tape:
        tape.watch(state)
        loss = half_squared_error(forward(state, x, b1, b2), y)
    return loss, tape.gradient(loss, state)


@tf.function
def step(state, x, y, b1, b2, learning_rate):
    loss, grads = loss_and_grads(state, x, y, b1, b2)
    return {name: state[name] - learning_rate * grads[name] for name in state}, loss


def train_step(state, x, y, b1, b2, learning_rate):
    # As a Python number each new rate would be traced into a graph of its own
    return step(state, x, y, b1, b2, tf.constant(learning_rate, x.dtype))


@tf.function
def loop(state, x, y, b1, b2, learning_rate, steps):
    losses = tf.TensorArray(x.dtype, steps)
    for i in tf.range(steps):  # AutoGraph makes this loop a part of the graph
        state, loss = step(state, x, y, b1, b2, learning_rate)
        losses = losses.write(i, loss)
    return state, losses.stack()


def train(state, x, y, b1, b2, learning_rate, steps):
    return loop(state, x, y, b1, b2, tf.constant(learning_rate, x.dtype), tf.constant(steps))
