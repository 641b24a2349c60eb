"""JAX: functions that transform functions. grad derives the backward pass, jit compiles the step."""

from functools import partial

import jax
import jax.numpy as jnp

READ_AFTER = "jax_manual"


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


@jax.jit
def forward(state, x):
    h = x @ state["w1"]
    h_relu = jax.nn.relu(h)  # its derivative at 0 is 0; that of jnp.maximum(h, 0) is 1/2
    return h_relu @ state["w2"]


def loss_fn(state, x, y):
    y_pred = forward(state, x)
    return jnp.square(y_pred - y).sum()


loss_and_grads = jax.jit(jax.value_and_grad(loss_fn))


@partial(jax.jit, donate_argnames="state")  # the new weights take the place of the old
def train_step(state, x, y, learning_rate):
    loss, grads = loss_and_grads(state, x, y)
    return jax.tree.map(lambda w, grad: w - learning_rate * grad, state, grads), loss


def train(state, x, y, learning_rate, steps):
    losses = []
    for _ in range(steps):
        state, loss = train_step(state, x, y, learning_rate)
        losses.append(loss)
    return state, jnp.stack(losses)
