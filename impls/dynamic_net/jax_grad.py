"""JAX: grad and jit. The depth is static, so each has a program of its own, in which the loop is unrolled."""

from functools import partial

import jax
import jax.numpy as jnp

READ_AFTER = "numpy_manual"


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


def weights(state):
    return {name: w for name, w in state.items() if "/" not in name}


@partial(jax.jit, static_argnames="depth")  # a Python number, known when the program is compiled
def forward(state, x, depth):
    h_relu = jax.nn.relu(x @ state["w1"] + state["b1"])  # jnp.maximum has derivative 1/2 at 0
    for _ in range(depth):
        h_relu = jax.nn.relu(h_relu @ state["w2"] + state["b2"])
    return h_relu @ state["w3"] + state["b3"]


def loss_fn(params, x, y, depth):
    return jnp.square(forward(params, x, depth) - y).sum()


@partial(jax.jit, static_argnames="depth")
def loss_and_grads(state, x, y, depth):
    return jax.value_and_grad(loss_fn)(weights(state), x, y, depth)


def update(state, grads, learning_rate, momentum):
    state = dict(state)
    for name, grad in grads.items():
        velocity = momentum * state.get(f"momentum/{name}", jnp.zeros_like(grad)) + grad
        state[f"momentum/{name}"] = velocity
        state[name] -= learning_rate * velocity
    return state


@partial(jax.jit, static_argnames="depth", donate_argnames="state")  # the old weights make room
def train_step(state, x, y, depth, learning_rate, momentum):
    loss, grads = loss_and_grads(state, x, y, depth)
    return update(state, grads, learning_rate, momentum), loss


def train(state, x, y, depths, learning_rate, momentum):
    losses = []
    for depth in depths.tolist():  # a static argument is a Python number
        state, loss = train_step(state, x, y, depth, learning_rate, momentum)
        losses.append(loss)
    return state, jnp.stack(losses)
