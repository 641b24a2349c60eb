"""NumPy: a slice is a view on the same numbers, and a reshape where it can; a list of indices copies."""

import numpy as np

READ_AFTER = None


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


def create(state, a):
    zeros, ones, sevens = np.zeros(a.shape, a.dtype), np.ones(a.shape, a.dtype), np.full(a.shape, 7, a.dtype)
    steps = np.arange(0, 10, 2)
    identity = np.eye(3, dtype=a.dtype)  # NumPy's own choice would be float64, whatever the others are
    return zeros, ones, sevens, steps, identity


def arithmetic(state, a, b):
    return a + b, a - b, a * b, a / b, a**2


def broadcast(state, row, column):
    table = row + column  # (1, n) + (m, 1): each is repeated along its axis of length 1
    repeated = np.broadcast_to(row, table.shape)
    return table, repeated


def reshape(state, cube):
    flat = cube.reshape(-1, cube.shape[2])  # -1: as many as there must be
    folded = cube.reshape(cube.shape[1], -1)  # the elements keep their order, whatever the shape
    turned = cube.transpose(1, 0, 2)
    swapped = turned.swapaxes(0, 2)
    unsqueezed = cube[None]
    squeezed = unsqueezed.squeeze(0)
    return flat, folded, turned, swapped, unsqueezed, squeezed


def index(state, cube):
    corner, block = cube[:, 0, 0], cube[0]
    rows = cube[[0, 0, 1, 1]]
    is_large = cube > 2
    masked = np.where(is_large, cube, 0)
    return corner, block, rows, masked, is_large


def join(state, a, b):
    three = [a, a, b]
    return np.concatenate(three, axis=0), np.concatenate(three, axis=1), np.stack(three, axis=1)


def reduce(state, a):
    sums = a.sum(), a.sum(axis=0), a.sum(axis=1)
    means = a.mean(), a.mean(axis=0), a.mean(axis=1)
    stds = a.std(axis=0, ddof=1), a.std(axis=1, ddof=1)  # n - 1; NumPy's own choice would be n
    return *sums, *means, *stds, a.max(axis=1), a.argmax(axis=1)


def products(state, a, b, w, vector):
    return a @ w, a * b, a @ vector


def in_place(state, a, b):
    total = a.copy()  # the caller's own stays as it is
    alias, row_of, copied, picked = total, total[0], total.copy(), total[[0, 0]]
    total += b  # seen by all who share the storage: the other name, and the view
    row_of[:] = 0  # and back: a view writes through
    np.multiply(total, 2, out=total)
    copied -= 1  # a copy is alone, and so is what a list of indices picked
    picked *= 0
    return total, alias, row_of, copied, picked


def cast(state, a):
    whole, truth = (a - 3.5).astype(np.int32), (a > 2).astype(np.int32)
    # Eleven bits are left; by way of float32, since float64 is rounded twice in PyTorch and TensorFlow
    half = a.astype(np.float32).astype(np.float16).astype(a.dtype)
    precise = a.astype(np.float64).astype(a.dtype)
    return whole, truth, half, precise


def bridge(state, a):
    host = a.copy()
    shared, copied = host[:], host.copy()
    host += 1  # seen through what shares the memory, not by the copy
    returned = host.astype(np.float64)  # there is no device to bring it back from
    return shared, copied, returned.astype(a.dtype), np.asarray(returned.dtype.itemsize)
