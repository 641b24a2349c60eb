"""TensorFlow 2: XLA compiles the graphs of the rung before, each into one program."""

from functools import partial

import tensorflow as tf

from . import tensorflow_function as before
from .tensorflow_function import adopt, export, remember, tensors

READ_AFTER = "tensorflow_function"

compiled = partial(tf.function, jit_compile=True)

forward = compiled(before.forward.python_function)
trace = compiled(before.trace)
loss_and_grads = compiled(before.loss_and_grads.python_function)
update = compiled(before.update.python_function)
adam_update = compiled(before.adam_update.python_function)


def train_step(state, x, y, learning_rate):
    return state, update(state, x, y, *tensors(state, learning_rate))


def adam_step(state, x, y, learning_rate, beta1, beta2, eps):
    remember(state, "adam_m", "adam_v")
    state.setdefault("adam_step", tf.Variable(0))
    return state, adam_update(state, x, y, *tensors(state, learning_rate), beta1, beta2, eps)
