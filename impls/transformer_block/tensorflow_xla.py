"""TensorFlow 2: XLA compiles the graphs of the rung before, and fuses what lies between the products."""

from functools import partial

import tensorflow as tf

from . import tensorflow_function as before
from .tensorflow_function import adopt, export, rate, remember

READ_AFTER = "tensorflow_function"

compiled = partial(tf.function, jit_compile=True)

forward = compiled(before.forward.python_function)
trace = compiled(before.trace)
loss_and_grads = compiled(before.loss_and_grads.python_function)
update = compiled(before.update.python_function)
adam_update = compiled(before.adam_update.python_function)


def train_step(state, x, y, tanh, smoothing, learning_rate):
    return state, update(state, x, y, tanh, smoothing, rate(state, learning_rate))


def adam_step(state, x, y, tanh, smoothing, learning_rate, beta1, beta2, eps):
    remember(state)
    rest = rate(state, learning_rate), beta1, beta2, eps
    return state, adam_update(state, x, y, tanh, smoothing, *rest)
