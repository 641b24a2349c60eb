"""JAX, grad derives the backward pass, the check on the hand; jit and scan make many steps one call."""

from functools import partial

import jax
import jax.numpy as jnp

READ_AFTER = "jax_manual"


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


@jax.jit
def forward(state, x, b1, b2):
    h_sigmoid = jax.nn.sigmoid(x @ state["w1"] + b1)
    return jax.nn.sigmoid(h_sigmoid @ state["w2"] + b2)


def loss_fn(state, x, y, b1, b2):
    y_pred = forward(state, x, b1, b2)
    return 0.5 * jnp.square(y_pred - y).sum()


loss_and_grads = jax.jit(jax.value_and_grad(loss_fn))


@partial(jax.jit, donate_argnames="state")
def train_step(state, x, y, b1, b2, learning_rate):
    loss, grads = loss_and_grads(state, x, y, b1, b2)
    return jax.tree.map(lambda w, g: w - learning_rate * g, state, grads), loss


@partial(jax.jit, static_argnames="steps", donate_argnames="state")
def train(state, x, y, b1, b2, learning_rate, steps):
    def step(state, _):
        return train_step(state, x, y, b1, b2, learning_rate)

    return jax.lax.scan(step, state, length=steps)
