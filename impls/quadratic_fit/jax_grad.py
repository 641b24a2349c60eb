"""JAX, grad derives the backward pass; jit compiles the step, and scan makes many steps one call."""

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
    return state["w"] * x**2


def loss_fn(state, x, y):
    return 0.5 * jnp.square(forward(state, x) - y).mean()


loss_and_grads = jax.jit(jax.value_and_grad(loss_fn))


@partial(jax.jit, donate_argnames="state")
def train_step(state, x, y, learning_rate):
    loss, grads = loss_and_grads(state, x, y)
    return jax.tree.map(lambda p, g: p - learning_rate * g, state, grads), loss


@partial(jax.jit, static_argnames="steps", donate_argnames="state")
def train(state, x, y, learning_rate, steps):
    def step(state, _):
        return train_step(state, x, y, learning_rate)

    return jax.lax.scan(step, state, length=steps)
