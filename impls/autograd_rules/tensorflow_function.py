"""TensorFlow 2: a tape records what is done to what it watches; tf.function makes a graph of the whole."""

import tensorflow as tf

READ_AFTER = "tensorflow_graph"


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


@tf.function
def vector_jacobian(state, x, v):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = (tf.reshape(x, v.shape) + 1) ** 3 + 2
    return y, tape.gradient(y, x, output_gradients=v)  # without v: the gradient of the sum


@tf.function
def of_ones(state, m):
    with tf.GradientTape() as tape:
        tape.watch(m)
        m_squared = m**2
    return m_squared, tape.gradient(m_squared, m)


@tf.function
def stop_gradient(state, a):
    with tf.GradientTape() as tape:
        tape.watch(a)
        stopped = a**2 + tf.stop_gradient(a**3)
    return stopped, tape.gradient(stopped, a)


def hidden_change(state, a):
    a = tf.Variable(a)  # eager: a tf.function may make its variables at its first call only
    with tf.GradientTape() as tape:
        doubled = 2 * a
    a.assign(100 * a)
    return doubled, a.read_value(), tape.gradient(doubled, a)


@tf.function
def gradient_of_three_squares(b):
    with tf.GradientTape() as tape:
        tape.watch(b)
        y = 3 * b**2
    return tape.gradient(y, b)  # it adds to nothing


def accumulate(state, b):
    total = tf.Variable(gradient_of_three_squares(b))  # who wants a sum keeps it in a variable
    grad_once = total.read_value()
    total.assign_add(gradient_of_three_squares(b))
    return grad_once, total.read_value(), gradient_of_three_squares(b)


@tf.function
def chain_rule(state, t):
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(t)
        u = t**3 + 5
        wave = 5 * tf.sin(u)
    grad_wave = tape.gradient(wave, t)
    # By parts: the gradient of u, handed on to t
    grad_u = tape.gradient(wave, u)
    grad_by_parts = tape.gradient(u, t, output_gradients=grad_u)
    return wave, grad_wave, grad_by_parts
