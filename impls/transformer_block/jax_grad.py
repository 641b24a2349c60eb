"""JAX: functions that transform functions. grad derives the backward pass, jit compiles the step."""

import math
from functools import partial

import jax
import jax.numpy as jnp

from .jax_manual import (
    IGNORED,
    adopt,
    attention,
    block,
    depth,
    export,
    gelu,
    layer_norm,
    of_block,
    visible,
)

READ_AFTER = "jax_manual"


def weights(state):
    return {name: value for name, value in state.items() if not name.startswith("adam")}


def network(state, x, tanh):
    mask = visible(x)
    h = state["embedding"][x] + state["positions"]
    seen = {"h0": h}
    for i in range(1, depth(state) + 1):
        values = block(of_block(state, i), h, mask, tanh)
        seen |= {f"{name}{i}": value for name, value in values.items()}
        h = seen[f"h{i}"]
    seen["norm"] = layer_norm(h, state["scale"], state["shift"])
    seen["logits"] = seen["norm"] @ state["embedding"].T
    return seen


def cross_entropy(logits, y, smoothing):
    log_p = jax.nn.log_softmax(logits)
    labelled = y != IGNORED
    # Every position is computed, since a compiled array has one size; the mean leaves out what has no label
    labels = jnp.where(labelled, y, 0)[..., None]
    at_label = jnp.take_along_axis(log_p, labels, axis=-1)[..., 0]
    losses = -(1 - smoothing) * at_label - smoothing * log_p.mean(axis=-1)
    return losses.mean(where=labelled)


@partial(jax.jit, static_argnames="tanh")  # each of GELU's forms is a program of its own
def forward(state, x, tanh):
    return network(state, x, tanh)["logits"]


@partial(jax.jit, static_argnames="tanh")
def trace(state, x, y, tanh, smoothing):
    seen = network(state, x, tanh)
    return seen | {"loss": cross_entropy(seen["logits"], y, smoothing)}


def loss_fn(params, x, y, tanh, smoothing):
    return cross_entropy(network(params, x, tanh)["logits"], y, smoothing)


@partial(jax.jit, static_argnames="tanh")
def loss_and_grads(state, x, y, tanh, smoothing):
    return jax.value_and_grad(loss_fn)(weights(state), x, y, tanh, smoothing)


@partial(jax.jit, static_argnames="tanh", donate_argnames="state")  # the new weights replace the old
def train_step(state, x, y, tanh, smoothing, learning_rate):
    loss, grads = loss_and_grads(state, x, y, tanh, smoothing)
    return state | {name: state[name] - learning_rate * grad for name, grad in grads.items()}, loss


# The betas are compiled in: as float32 numbers they would lose half of the digits of 1 - beta2
@partial(jax.jit, donate_argnames="state", static_argnames=("tanh", "beta1", "beta2"))
def adam_step(state, x, y, tanh, smoothing, learning_rate, beta1, beta2, eps):
    loss, grads = loss_and_grads(state, x, y, tanh, smoothing)
    return adam(state, grads, learning_rate, beta1, beta2, eps), loss


def adam(state, grads, learning_rate, beta1, beta2, eps):
    state, step = dict(state), state.get("adam_step", jnp.zeros((), int)) + 1
    state["adam_step"] = step
    correction1 = -jnp.expm1(step * math.log(beta1))  # 1 - beta1**step, with all of its digits
    correction2 = -jnp.expm1(step * math.log(beta2))
    for name, grad in grads.items():
        m = beta1 * state.get(f"adam_m/{name}", jnp.zeros_like(grad)) + (1 - beta1) * grad
        v = beta2 * state.get(f"adam_v/{name}", jnp.zeros_like(grad)) + (1 - beta2) * grad * grad
        state[f"adam_m/{name}"], state[f"adam_v/{name}"] = m, v
        m_hat, v_hat = m / correction1, v / correction2
        state[name] -= learning_rate * m_hat / (jnp.sqrt(v_hat) + eps)
    return state
