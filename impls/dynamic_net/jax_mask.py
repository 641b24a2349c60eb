"""JAX: always as many uses as there can be, and a mask keeps the first ones: one body for any depth."""

from functools import partial

import jax
import jax.numpy as jnp

from .jax_switch import adopt, export, remember, update, weights
from .spec import DEEPEST

READ_AFTER = "jax_switch"


def use(state, h_relu):
    return jax.nn.relu(h_relu @ state["w2"] + state["b2"])


@jax.jit
def forward(state, x, depth):
    h_relu = jax.nn.relu(x @ state["w1"] + state["b1"])
    # A loop of unknown length runs forward only: grad refuses it, as it cannot know what to keep
    h_relu = jax.lax.fori_loop(0, depth, lambda _, h_relu: use(state, h_relu), h_relu)
    return h_relu @ state["w3"] + state["b3"]


def loss_fn(params, x, y, depth):
    def masked(h_relu, i):
        return jnp.where(i < depth, use(params, h_relu), h_relu), None

    h_relu = jax.nn.relu(x @ params["w1"] + params["b1"])
    h_relu, _ = jax.lax.scan(masked, h_relu, jnp.arange(DEEPEST))
    y_pred = h_relu @ params["w3"] + params["b3"]
    return jnp.square(y_pred - y).sum()


@jax.jit
def loss_and_grads(state, x, y, depth):
    return jax.value_and_grad(loss_fn)(weights(state), x, y, depth)


@partial(jax.jit, donate_argnames="state")
def train_step(state, x, y, depth, learning_rate, momentum):
    loss, grads = loss_and_grads(state, x, y, depth)
    return update(state, grads, learning_rate, momentum), loss


@partial(jax.jit, donate_argnames="state")
def train(state, x, y, depths, learning_rate, momentum):
    def step(state, depth):
        return train_step(state, x, y, depth, learning_rate, momentum)

    return jax.lax.scan(step, remember(state), depths)
