"""JAX: Flax's cells."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import linen as nn


def gru(x: jax.Array, w_ih: jax.Array, w_hh: jax.Array, b_ih: jax.Array, b_hh: jax.Array) -> jax.Array:
    inputs, states = jnp.split(w_ih.T, 3, axis=1), jnp.split(w_hh.T, 3, axis=1)
    r, z, n = jnp.split(b_ih + b_hh, 3)  # all added up
    params = {
        "ir": {"kernel": inputs[0], "bias": r}, "hr": {"kernel": states[0]},
        "iz": {"kernel": inputs[1], "bias": z}, "hz": {"kernel": states[1]},
        "in": {"kernel": inputs[2], "bias": n}, "hn": {"kernel": states[2], "bias": jnp.zeros(4)},
    }  # fmt: skip
    return nn.RNN(nn.GRUCell(4)).apply({"params": {"cell": params}}, x)


def gru_matched(
    x: jax.Array, w_ih: jax.Array, w_hh: jax.Array, b_ih: jax.Array, b_hh: jax.Array
) -> jax.Array:
    inputs, states = jnp.split(w_ih.T, 3, axis=1), jnp.split(w_hh.T, 3, axis=1)
    r, z, _ = jnp.split(b_ih + b_hh, 3)
    params = {
        "ir": {"kernel": inputs[0], "bias": r}, "hr": {"kernel": states[0]},
        "iz": {"kernel": inputs[1], "bias": z}, "hz": {"kernel": states[1]},
        "in": {"kernel": inputs[2], "bias": b_ih[8:]}, "hn": {"kernel": states[2], "bias": b_hh[8:]},
    }  # fmt: skip
    return nn.RNN(nn.GRUCell(4)).apply({"params": {"cell": params}}, x)


def gru_reset_before(x: jax.Array, w_ih: jax.Array, w_hh: jax.Array, b: jax.Array) -> jax.Array:
    return gru_matched(x, w_ih, w_hh, b, jnp.zeros(12))


def gru_reset_before_matched(x: jax.Array, w_ih: jax.Array, w_hh: jax.Array, b: jax.Array) -> jax.Array:
    def step(h: jax.Array, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        r_x, z_x, n_x = jnp.split(x @ w_ih.T + b, 3, axis=1)
        r, z = jax.nn.sigmoid(r_x + h @ w_hh[:4].T), jax.nn.sigmoid(z_x + h @ w_hh[4:8].T)
        h = (1 - z) * jnp.tanh(n_x + (r * h) @ w_hh[8:].T) + z * h
        return h, h

    return jax.lax.scan(step, jnp.zeros((2, 4)), x.swapaxes(0, 1))[1].swapaxes(0, 1)


def lstm(x: jax.Array, w_ih: jax.Array, w_hh: jax.Array, b_ih: jax.Array, b_hh: jax.Array) -> jax.Array:
    return lstm_matched(x, w_ih, w_hh, b_ih, jnp.zeros_like(b_hh))  # b_hh has no place of its own


def lstm_matched(
    x: jax.Array, w_ih: jax.Array, w_hh: jax.Array, b_ih: jax.Array, b_hh: jax.Array
) -> jax.Array:
    inputs, states = jnp.split(w_ih.T, 4, axis=1), jnp.split(w_hh.T, 4, axis=1)
    biases = jnp.split(b_ih + b_hh, 4)
    params = {f"i{gate}": {"kernel": kernel} for gate, kernel in zip("ifgo", inputs, strict=True)}
    for gate, kernel, bias in zip("ifgo", states, biases, strict=True):
        params[f"h{gate}"] = {"kernel": kernel, "bias": bias}
    return nn.RNN(nn.LSTMCell(4)).apply({"params": {"cell": params}}, x)
