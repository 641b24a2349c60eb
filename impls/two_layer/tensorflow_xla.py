"""TensorFlow 2: XLA compiles the graphs of the rung before, and fuses what lies between the products."""

from functools import partial

import tensorflow as tf

from . import tensorflow_function as before
from .tensorflow_function import adopt, export

READ_AFTER = "tensorflow_function"

compiled = partial(tf.function, jit_compile=True)

forward = compiled(before.forward.python_function)
trace = compiled(before.trace)
loss_and_grads = compiled(before.loss_and_grads.python_function)
update = compiled(before.update.python_function)
loop = compiled(before.loop.python_function)


def train_step(state, x, y, learning_rate):
    return state, update(state, x, y, tf.constant(learning_rate, x.dtype))


def train(state, x, y, learning_rate, steps):
    # XLA fixes the size of every array when it compiles: another number of steps is compiled anew.
    return state, loop(state, x, y, tf.constant(learning_rate, x.dtype), tf.constant(steps))
