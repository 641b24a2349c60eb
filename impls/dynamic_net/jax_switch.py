"""JAX: lax.switch has a branch for each depth, so that the depth is data, and scan can run all the steps."""

from functools import partial

import jax
import jax.numpy as jnp

from .jax_grad import adopt, export, update, weights
from .spec import DEEPEST

READ_AFTER = "jax_grad"


def chain(times, state, h_relu):
    for _ in range(times):
        h_relu = jax.nn.relu(h_relu @ state["w2"] + state["b2"])
    return h_relu


BRANCHES = [partial(chain, times) for times in range(DEEPEST + 1)]


@jax.jit
def forward(state, x, depth):
    h_relu = jax.nn.relu(x @ state["w1"] + state["b1"])
    h_relu = jax.lax.switch(depth, BRANCHES, state, h_relu)  # a depth beyond the last branch takes the last
    return h_relu @ state["w3"] + state["b3"]


def loss_fn(params, x, y, depth):
    return jnp.square(forward(params, x, depth) - y).sum()


@jax.jit
def loss_and_grads(state, x, y, depth):
    return jax.value_and_grad(loss_fn)(weights(state), x, y, depth)


@partial(jax.jit, donate_argnames="state")
def train_step(state, x, y, depth, learning_rate, momentum):
    loss, grads = loss_and_grads(state, x, y, depth)
    return update(state, grads, learning_rate, momentum), loss


def remember(state):
    """The velocities: zeros at the start, as what scan carries has the same parts before and after."""
    return {f"momentum/{name}": jnp.zeros_like(w) for name, w in weights(state).items()} | state


@partial(jax.jit, donate_argnames="state")
def train(state, x, y, depths, learning_rate, momentum):
    def step(state, depth):
        return train_step(state, x, y, depth, learning_rate, momentum)

    return jax.lax.scan(step, remember(state), depths)
