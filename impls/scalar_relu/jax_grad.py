"""JAX, one line for each neuron: grad of a plain Python function, and jit fuses the lines into one kernel."""

from functools import partial

import jax
import jax.numpy as jnp

READ_AFTER = "numpy_manual"


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


@jax.jit
def forward(state, x):
    w1, w2, x1, x2 = state["w1"], state["w2"], x[0, 0], x[0, 1]
    h1 = x1 * w1[0, 0] + x2 * w1[1, 0]
    h2 = x1 * w1[0, 1] + x2 * w1[1, 1]
    h3 = x1 * w1[0, 2] + x2 * w1[1, 2]
    a1, a2, a3 = jax.nn.relu(h1), jax.nn.relu(h2), jax.nn.relu(h3)  # jnp.maximum(h, 0) has slope 1/2 at 0
    y_in = a1 * w2[0, 0] + a2 * w2[1, 0] + a3 * w2[2, 0]
    return jax.nn.relu(y_in).reshape(1, 1)


def loss_fn(state, x, y):
    return jnp.square(forward(state, x) - y).sum()


loss_and_grads = jax.jit(jax.value_and_grad(loss_fn))


@partial(jax.jit, donate_argnames="state")
def train_step(state, x, y, learning_rate):
    loss, grads = loss_and_grads(state, x, y)
    return jax.tree.map(lambda w, g: w - learning_rate * g, state, grads), loss


@partial(jax.jit, static_argnames="steps", donate_argnames="state")
def train(state, x, y, learning_rate, steps):
    def step(state, _):
        return train_step(state, x, y, learning_rate)

    return jax.lax.scan(step, state, length=steps)
