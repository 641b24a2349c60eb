"""TensorFlow 2: tensors never change, variables do; tf.function makes each function a graph of its shapes."""

import tensorflow as tf

READ_AFTER = "tensorflow_graph"


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


@tf.function
def create(state, a):
    zeros, ones, sevens = tf.zeros_like(a), tf.ones_like(a), tf.fill(a.shape, tf.constant(7, a.dtype))
    steps = tf.range(0, 10, 2)
    identity = tf.eye(3, dtype=a.dtype)
    return zeros, ones, sevens, steps, identity


@tf.function
def arithmetic(state, a, b):
    return a + b, a - b, a * b, a / b, a**2


@tf.function
def broadcast(state, row, column):
    table = row + column  # (1, n) + (m, 1): each is repeated along its axis of length 1
    repeated = tf.broadcast_to(row, table.shape)
    return table, repeated


@tf.function
def reshape(state, cube):
    flat = tf.reshape(cube, (-1, cube.shape[2]))  # -1: as many as there must be
    folded = tf.reshape(cube, (cube.shape[1], -1))  # the elements keep their order, whatever the shape
    turned = tf.transpose(cube, (1, 0, 2))
    swapped = tf.transpose(turned, (2, 1, 0))
    unsqueezed = tf.expand_dims(cube, 0)
    squeezed = tf.squeeze(unsqueezed, 0)
    return flat, folded, turned, swapped, unsqueezed, squeezed


@tf.function
def index(state, cube):
    corner, block = cube[:, 0, 0], cube[0]
    rows = tf.gather(cube, [0, 0, 1, 1])  # square brackets take no list
    is_large = cube > 2
    masked = tf.where(is_large, cube, 0)
    return corner, block, rows, masked, is_large


@tf.function
def join(state, a, b):
    three = [a, a, b]
    return tf.concat(three, axis=0), tf.concat(three, axis=1), tf.stack(three, axis=1)


@tf.function
def reduce(state, a):
    sums = tf.reduce_sum(a), tf.reduce_sum(a, axis=0), tf.reduce_sum(a, axis=1)
    means = tf.reduce_mean(a), tf.reduce_mean(a, axis=0), tf.reduce_mean(a, axis=1)
    stds = std(a, axis=0), std(a, axis=1)
    return *sums, *means, *stds, tf.reduce_max(a, axis=1), tf.argmax(a, axis=1)


def std(a, axis):
    squares = tf.square(a - tf.reduce_mean(a, axis, keepdims=True))
    return tf.sqrt(tf.reduce_sum(squares, axis) / (a.shape[axis] - 1))  # tf.math.reduce_std divides by n


@tf.function
def products(state, a, b, w, vector):
    return a @ w, a * b, tf.linalg.matvec(a, vector)


def in_place(state, a, b):
    total = tf.Variable(a)  # eager: a tf.function may make its variables at its first call only
    alias, copied, picked = total, tf.identity(a), tf.gather(a, [0, 0])
    total.assign_add(b)  # seen under the other name
    total[0].assign(tf.zeros_like(a[0]))  # a slice of a variable can be assigned, and is not a view otherwise
    total.assign(2 * total)
    row_of = total[0]  # so it is read anew
    copied -= 1  # another tensor under the old name
    picked *= 0
    return total, alias, row_of, copied, picked


@tf.function
def cast(state, a):
    whole, truth = tf.cast(a - 3.5, tf.int32), tf.cast(a > 2, tf.int32)
    half = tf.cast(tf.cast(a, tf.float16), a.dtype)  # eleven bits are left; float64 goes by way of float32
    precise = tf.cast(tf.cast(a, tf.float64), a.dtype)
    return whole, truth, half, precise


def bridge(state, a):
    host = a.numpy().copy()  # on the CPU numpy() alone may share the memory of a
    copied = tf.constant(host)  # tf.constant copies an array
    host += 1
    shared = tf.constant(host)  # so nothing is shared, and it is made anew
    returned = shared.numpy().astype("float64")  # back from the device, and into another dtype
    return shared, copied, tf.constant(returned, a.dtype), tf.constant(returned.itemsize)
