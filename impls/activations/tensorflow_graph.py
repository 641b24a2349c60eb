"""TensorFlow 1: the functions are declared as a static graph, and tf.gradients adds their derivatives."""

from functools import cache
from types import SimpleNamespace

import tensorflow as tf
import tensorflow.compat.v1 as tf1

READ_AFTER = "numpy_manual"


def asarray(array):
    return array.copy()  # a session is fed from NumPy, and answers in NumPy


@cache
def declare(dtype):
    """The graph and its session, once for each dtype."""
    with tf.Graph().as_default():
        x = tf1.placeholder(dtype)
        relu = tf.nn.relu(x)  # its derivative at 0 is 0; that of tf.maximum(x, 0) is 1
        sigmoid = tf.sigmoid(x)
        tanh = tf.tanh(x)
        # tf.gradients takes the sum over what it is given: here each element of the sum depends on its own x
        (grad_relu,) = tf.gradients(relu, x)
        (grad_sigmoid,) = tf.gradients(sigmoid, x)
        (grad_tanh,) = tf.gradients(tanh, x)
        return SimpleNamespace(
            x=x,
            values=(relu, sigmoid, tanh),
            grads=(grad_relu, grad_sigmoid, grad_tanh),
            session=tf1.Session(),
        )


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


def forward(state, x):
    graph = declare(x.dtype)
    return graph.session.run(graph.values, {graph.x: x})


def derivatives(state, x):
    graph = declare(x.dtype)
    return graph.session.run(graph.grads, {graph.x: x})
