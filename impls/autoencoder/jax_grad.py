"""JAX, grad derives the backward pass; Adam's memory is a part of the state, which scan carries along."""

import math
from functools import partial

import jax
import jax.numpy as jnp

READ_AFTER = "numpy_manual"


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


def weights(state):
    return {name: state[name] for name in ("w1", "b1", "w2", "b2")}


def remember(state):
    """Adam's memory: zeros at the start."""
    zeros = {f"adam_{kind}/{name}": jnp.zeros_like(w) for kind in "mv" for name, w in weights(state).items()}
    return zeros | {"adam_step": jnp.zeros((), int)} | state


def network(state, x):
    h_relu = jax.nn.relu(x @ state["w1"] + state["b1"])  # jnp.maximum has derivative 1/2 at 0
    return h_relu @ state["w2"] + state["b2"]


@jax.jit
def forward(state, x):
    return jax.nn.sigmoid(network(state, x))


def loss_fn(params, x, y):
    logits = network(params, x)
    return ((1 - y) * logits + jax.nn.softplus(-logits)).mean()


@jax.jit
def loss_and_grads(state, x, y):
    return jax.value_and_grad(loss_fn)(weights(state), x, y)


# The betas are compiled in: as float32 numbers they would lose half of the digits of 1 - beta2
@partial(jax.jit, donate_argnames="state", static_argnames=("beta1", "beta2"))
def train_step(state, x, y, learning_rate, beta1, beta2, eps):
    loss, grads = loss_and_grads(state, x, y)
    state = remember(state)
    step = state["adam_step"] = state["adam_step"] + 1
    correction1 = -jnp.expm1(step * math.log(beta1))  # 1 - beta1**step, with all of its digits
    correction2 = -jnp.expm1(step * math.log(beta2))
    for name, grad in grads.items():
        m = beta1 * state[f"adam_m/{name}"] + (1 - beta1) * grad
        v = beta2 * state[f"adam_v/{name}"] + (1 - beta2) * grad * grad
        state[f"adam_m/{name}"], state[f"adam_v/{name}"] = m, v
        m_hat, v_hat = m / correction1, v / correction2
        state[name] -= learning_rate * m_hat / (jnp.sqrt(v_hat) + eps)
    return state, loss


@partial(jax.jit, donate_argnames="state", static_argnames=("beta1", "beta2", "steps"))
def train(state, x, y, learning_rate, beta1, beta2, eps, steps):
    def step(state, _):
        return train_step(state, x, y, learning_rate, beta1, beta2, eps)

    return jax.lax.scan(step, remember(state), length=steps)
