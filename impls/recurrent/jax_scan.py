"""JAX: scan hands the carry on, so that the compiled program has one step in it, however many are run."""

import jax
import jax.numpy as jnp

from .jax_grad import adopt, cell_of, export, weights

__all__ = ["adopt", "export", "forward", "loss_and_grads", "train_step"]

READ_AFTER = "jax_grad"


def unrolled(params, carry, x):
    """Each step's h, and the last carry."""
    cell = cell_of(params, carry)

    def step(carry, a):
        carry = cell(params, a, carry)
        return carry, carry[0]  # what is handed on, and what is kept of the step

    a_x = x @ params["w_x"] + params["b_x"]  # of all steps at once: no step of it waits for another
    carry, hidden = jax.lax.scan(step, tuple(carry), a_x)
    return hidden, jnp.stack(carry)


def network(params, carry, x):
    h, carry = unrolled(params, carry, x)
    return h @ params["w_y"] + params["b_y"], carry


@jax.jit
def forward(state, x):
    y_pred, _ = network(state, state["carry"], x)
    return y_pred


def loss_fn(params, carry, x, y):
    """The loss, and beside it the last carry."""
    y_pred, carry = network(params, carry, x)
    return jnp.square(y_pred - y).mean(), carry


def gradients(state, x, y):
    (loss, carry), grads = jax.value_and_grad(loss_fn, has_aux=True)(weights(state), state["carry"], x, y)
    return loss, grads, carry


@jax.jit
def loss_and_grads(state, x, y):
    loss, grads, _ = gradients(state, x, y)
    return loss, grads


def descend(state, x, y, learning_rate):
    loss, grads, carry = gradients(state, x, y)
    new = {name: state[name] - learning_rate * grad for name, grad in grads.items()}
    return state | new | {"carry": carry}, loss


train_step = jax.jit(descend, donate_argnames="state")
