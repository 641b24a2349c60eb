"""JAX: NumPy's functions on arrays that never change; a change is a new array, jit spares most of them."""

import jax
import jax.numpy as jnp

READ_AFTER = "numpy_manual"


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


@jax.jit
def create(state, a):
    zeros, ones, sevens = jnp.zeros_like(a), jnp.ones_like(a), jnp.full_like(a, 7)
    steps = jnp.arange(0, 10, 2)
    identity = jnp.eye(3, dtype=a.dtype)
    return zeros, ones, sevens, steps, identity


@jax.jit
def arithmetic(state, a, b):
    return a + b, a - b, a * b, a / b, a**2


@jax.jit
def broadcast(state, row, column):
    table = row + column  # (1, n) + (m, 1): each is repeated along its axis of length 1
    repeated = jnp.broadcast_to(row, table.shape)
    return table, repeated


@jax.jit
def reshape(state, cube):
    flat = cube.reshape(-1, cube.shape[2])  # -1: as many as there must be
    folded = cube.reshape(cube.shape[1], -1)  # the elements keep their order, whatever the shape
    turned = cube.transpose(1, 0, 2)
    swapped = turned.swapaxes(0, 2)
    unsqueezed = cube[None]
    squeezed = unsqueezed.squeeze(0)
    return flat, folded, turned, swapped, unsqueezed, squeezed


@jax.jit
def index(state, cube):
    corner, block = cube[:, 0, 0], cube[0]
    rows = cube[jnp.array([0, 0, 1, 1])]  # a plain list is refused
    is_large = cube > 2
    masked = jnp.where(is_large, cube, 0)
    return corner, block, rows, masked, is_large


@jax.jit
def join(state, a, b):
    three = [a, a, b]
    return jnp.concatenate(three, axis=0), jnp.concatenate(three, axis=1), jnp.stack(three, axis=1)


@jax.jit
def reduce(state, a):
    sums = a.sum(), a.sum(axis=0), a.sum(axis=1)
    means = a.mean(), a.mean(axis=0), a.mean(axis=1)
    stds = a.std(axis=0, ddof=1), a.std(axis=1, ddof=1)  # n - 1; JAX's own choice would be n
    return *sums, *means, *stds, a.max(axis=1), a.argmax(axis=1)


@jax.jit
def products(state, a, b, w, vector):
    return a @ w, a * b, a @ vector


@jax.jit
def in_place(state, a, b):
    copied, picked = a - 1, a[jnp.array([0, 0])] * 0
    total = a + b  # a new array: there is nothing that others could see change
    total = total.at[0].set(0)
    total = 2 * total
    alias, row_of = total, total[0]  # so whoever is to see it is named after the change
    return total, alias, row_of, copied, picked


@jax.jit
def cast(state, a):
    whole, truth = (a - 3.5).astype("int32"), (a > 2).astype("int32")
    # Eleven bits are left; by way of float32, since float64 is rounded twice in PyTorch and TensorFlow
    half = a.astype("float32").astype("float16").astype(a.dtype)
    precise = a.astype("float64").astype(a.dtype)  # float64 is float32 here, unless jax_enable_x64 is set
    return whole, truth, half, precise


def bridge(state, a):
    host = jax.device_get(a).copy()  # what device_get gives may be the memory of a, and is read-only
    copied = jnp.array(host)  # jnp.asarray may share the memory of host, and nothing says whether it does
    host += 1
    shared = jnp.array(host)  # so it is made anew
    returned = jax.device_get(shared).astype("float64")  # back from the device; NumPy has float64 always
    return shared, copied, jnp.array(returned, a.dtype), jnp.array(returned.itemsize)
