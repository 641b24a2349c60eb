"""JAX: grad and jit. The loop over the steps is Python's, so the compiled program has each step in it."""

import math
from functools import partial

import jax
import jax.numpy as jnp

READ_AFTER = "jax_manual"


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


def weights(state):
    return {name: value for name, value in state.items() if name[:2] in ("w_", "b_")}


def gru(state, a_x, carry):
    (h,), w_h = carry, state["w_h"]
    rz = 2 * h.shape[1]  # the columns of r and z; those of n follow
    r, z = jnp.split(jax.nn.sigmoid(a_x[:, :rz] + h @ w_h[:, :rz]), 2, axis=1)
    n = jnp.tanh(a_x[:, rz:] + (r * h) @ w_h[:, rz:])
    return ((1 - z) * n + z * h,)


def gru_reset_after(state, a_x, carry):
    (h,) = carry
    rz = 2 * h.shape[1]
    a_h = h @ state["w_h"] + state["b_h"]
    r, z = jnp.split(jax.nn.sigmoid(a_x[:, :rz] + a_h[:, :rz]), 2, axis=1)
    n = jnp.tanh(a_x[:, rz:] + r * a_h[:, rz:])
    return ((1 - z) * n + z * h,)


def lstm(state, a_x, carry):
    h, c = carry
    a_i, a_f, a_g, a_o = jnp.split(a_x + h @ state["w_h"], 4, axis=1)
    i, f, g, o = jax.nn.sigmoid(a_i), jax.nn.sigmoid(a_f), jnp.tanh(a_g), jax.nn.sigmoid(a_o)
    c = f * c + i * g
    return o * jnp.tanh(c), c


def cell_of(state, carry):
    """The cell, by what there is: an LSTM has two carries, the later reset a bias b_h."""
    if len(carry) == 2:
        return lstm
    return gru_reset_after if "b_h" in state else gru


def unrolled(params, carry, x):
    """Each step's h, and the last carry."""
    cell = cell_of(params, carry)
    a_x = x @ params["w_x"] + params["b_x"]  # of all steps at once: no step of it waits for another
    carry, hidden = tuple(carry), []
    for a in a_x:
        carry = cell(params, a, carry)
        hidden.append(carry[0])
    return jnp.stack(hidden), jnp.stack(carry)


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


train_step = jax.jit(descend, donate_argnames="state")  # the new weights take the place of the old


def adam(state, x, y, learning_rate, beta1, beta2, eps):
    loss, grads, carry = gradients(state, x, y)
    state, step = state | {"carry": carry}, state.get("adam_step", jnp.zeros((), int)) + 1
    state["adam_step"] = step
    correction1 = -jnp.expm1(step * math.log(beta1))  # 1 - beta1**step, with all of its digits
    correction2 = -jnp.expm1(step * math.log(beta2))
    for name, grad in grads.items():
        m = beta1 * state.get(f"adam_m/{name}", jnp.zeros_like(grad)) + (1 - beta1) * grad
        v = beta2 * state.get(f"adam_v/{name}", jnp.zeros_like(grad)) + (1 - beta2) * grad * grad
        state[f"adam_m/{name}"], state[f"adam_v/{name}"] = m, v
        m_hat, v_hat = m / correction1, v / correction2
        state[name] -= learning_rate * m_hat / (jnp.sqrt(v_hat) + eps)
    return state, loss


# The betas are compiled in: as float32 numbers they would lose half of the digits of 1 - beta2
adam_step = jax.jit(adam, donate_argnames="state", static_argnames=("beta1", "beta2"))
