"""JAX: custom_vjp, a loop that brings its own way back: a second scan, from the last step to the first.

The cells and their gradients are those of jax_manual; what scan stacks for each step, the carries and the
gates, is what the second one reads.
"""

import jax
import jax.numpy as jnp

from .jax_manual import adopt, cell_of, export, flat

__all__ = ["adopt", "export", "forward", "loss_and_grads", "train_step"]

READ_AFTER = "jax_scan"


def weights(state):
    return {name: value for name, value in state.items() if name[:2] in ("w_", "b_")}


@jax.custom_vjp
def unrolled(params, carry, x):
    """Each step's h, and the last carry."""
    return unrolled_forward(params, carry, x)[0]


def unrolled_forward(params, carry, x):
    cell, _ = cell_of(params | {"carry": carry})

    def step(carry, a):
        new_carry, gates = cell(params, a, carry)
        return new_carry, (carry, new_carry, gates)

    a_x = x @ params["w_x"] + params["b_x"]  # of all steps at once: no step of it waits for another
    last, kept = jax.lax.scan(step, tuple(carry), a_x)
    _, (h, *_), _ = kept
    return (h, jnp.stack(last)), (params, carry, x, kept)  # the second is kept for the way back


def unrolled_backward(given, grads):
    params, carry, x, kept = given
    grad_read, _ = grads  # the last carry is no part of the loss
    _, back = cell_of(params | {"carry": carry})

    def step(so_far, seen):
        (grad_h, *others), total = so_far
        (carry, new_carry, gates), grad = seen
        grad_carry, grad_a, grads = back(params, carry, new_carry, gates, (grad_h + grad, *others))
        return (grad_carry, {name: total[name] + grads[name] for name in total}), grad_a

    nothing = tuple(jnp.zeros_like(carry)), {n: jnp.zeros_like(params[n]) for n in params if n.endswith("_h")}
    (grad_carry, total), grad_a_x = jax.lax.scan(step, nothing, (kept, grad_read), reverse=True)
    total |= {"w_x": flat(x).T @ flat(grad_a_x), "b_x": flat(grad_a_x).sum(axis=0)}
    return total, jnp.stack(grad_carry), grad_a_x @ params["w_x"].T


unrolled.defvjp(unrolled_forward, unrolled_backward)


def network(params, carry, x):
    of_the_loop = {name: w for name, w in params.items() if name[-2:] in ("_x", "_h")}
    h, carry = unrolled(of_the_loop, carry, x)
    return h @ params["w_y"] + params["b_y"], carry


@jax.jit
def forward(state, x):
    y_pred, _ = network(state, state["carry"], x)
    return y_pred


def loss_fn(params, carry, x, y):
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
