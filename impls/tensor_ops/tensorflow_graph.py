"""TensorFlow 1: operations are declared for placeholders, and a session computes those that are asked for."""

from functools import cache

import numpy as np
import tensorflow as tf
import tensorflow.compat.v1 as tf1

READ_AFTER = "numpy_manual"


def asarray(array):
    return array.copy()  # a session is fed from NumPy, and answers in NumPy


def in_session(operations):
    """A task that feeds its arrays to a graph of these operations, declared once for each dtype and shape."""

    @cache
    def declare(dtype, *shapes):
        with tf.Graph().as_default():
            inputs = [tf1.placeholder(dtype, shape) for shape in shapes]
            return inputs, operations(None, *inputs), tf1.Session()

    def task(state, *arrays):
        inputs, outputs, session = declare(arrays[0].dtype, *(array.shape for array in arrays))
        return session.run(outputs, dict(zip(inputs, arrays, strict=True)))

    return task


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


@in_session
def create(state, a):
    zeros, ones, sevens = tf.zeros_like(a), tf.ones_like(a), tf.fill(a.shape, tf.constant(7, a.dtype))
    steps = tf.range(0, 10, 2)
    identity = tf.eye(3, dtype=a.dtype)
    return zeros, ones, sevens, steps, identity


@in_session
def arithmetic(state, a, b):
    return a + b, a - b, a * b, a / b, a**2


@in_session
def broadcast(state, row, column):
    table = row + column  # (1, n) + (m, 1): each is repeated along its axis of length 1
    repeated = tf.broadcast_to(row, table.shape)
    return table, repeated


@in_session
def reshape(state, cube):
    flat = tf.reshape(cube, (-1, cube.shape[2]))  # -1: as many as there must be
    folded = tf.reshape(cube, (cube.shape[1], -1))  # the elements keep their order, whatever the shape
    turned = tf.transpose(cube, (1, 0, 2))
    swapped = tf.transpose(turned, (2, 1, 0))
    unsqueezed = tf.expand_dims(cube, 0)
    squeezed = tf.squeeze(unsqueezed, 0)
    return flat, folded, turned, swapped, unsqueezed, squeezed


@in_session
def index(state, cube):
    corner, block = cube[:, 0, 0], cube[0]
    rows = tf.gather(cube, [0, 0, 1, 1])  # square brackets take no list
    is_large = cube > 2
    masked = tf.where(is_large, cube, 0)
    return corner, block, rows, masked, is_large


@in_session
def join(state, a, b):
    three = [a, a, b]
    return tf.concat(three, axis=0), tf.concat(three, axis=1), tf.stack(three, axis=1)


@in_session
def reduce(state, a):
    sums = tf.reduce_sum(a), tf.reduce_sum(a, axis=0), tf.reduce_sum(a, axis=1)
    means = tf.reduce_mean(a), tf.reduce_mean(a, axis=0), tf.reduce_mean(a, axis=1)
    stds = std(a, axis=0), std(a, axis=1)
    return *sums, *means, *stds, tf.reduce_max(a, axis=1), tf.argmax(a, axis=1)


def std(a, axis):
    squares = tf.square(a - tf.reduce_mean(a, axis, keepdims=True))
    return tf.sqrt(tf.reduce_sum(squares, axis) / (a.shape[axis] - 1))  # tf.math.reduce_std divides by n


@in_session
def products(state, a, b, w, vector):
    return a @ w, a * b, tf.linalg.matvec(a, vector)


@in_session
def in_place(state, a, b):
    total = tf1.Variable(a, use_resource=True)
    # A graph knows no order but that of its edges: each change waits for the one before
    with tf.control_dependencies([total.initializer]):
        added = total.assign_add(b, read_value=False)
    with tf.control_dependencies([added]):
        zeroed = total[0].assign(tf.zeros_like(a[0]))
    with tf.control_dependencies([zeroed]):
        doubled = total.assign(2 * total.read_value(), read_value=False)
    with tf.control_dependencies([doubled]):
        alias, row_of = total.read_value(), total[0]  # a variable has no views: each is read when all is done
    return alias, alias, row_of, a - 1, tf.gather(a, [0, 0]) * 0


@in_session
def cast(state, a):
    whole, truth = tf.cast(a - 3.5, tf.int32), tf.cast(a > 2, tf.int32)
    half = tf.cast(tf.cast(a, tf.float16), a.dtype)  # eleven bits are left; float64 goes by way of float32
    precise = tf.cast(tf.cast(a, tf.float64), a.dtype)
    return whole, truth, half, precise


@in_session
def fed(state, a):
    return tf.identity(a)


def bridge(state, a):
    host = a.copy()
    copied = fed(state, host)  # a feed is copied into the graph, and a fetch out of it
    host += 1
    shared = fed(state, host)  # so nothing is shared, and it is fed anew
    returned = shared.astype(np.float64)
    return shared, copied, returned.astype(a.dtype), np.asarray(returned.itemsize)
