"""One step of an LSTM over time in JAX: lax.scan in a jitted step."""

import jax
import jax.numpy as jnp


def prepare(params, arrays, numbers):
    weights = {name: jnp.array(value, "float32") for name, value in params.items() if name != "carry"}
    h, c = jnp.array(params["carry"], "float32")
    x, y = (jnp.array(arrays[name], "float32") for name in ("x", "y"))
    learning_rate = numbers["learning_rate"]

    def loss_fn(w, carry, x, y):
        def cell(carry, a):
            h, c = carry
            i, f, g, o = jnp.split(a + h @ w["w_h"], 4, axis=1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            h = jax.nn.sigmoid(o) * jnp.tanh(c)
            return (h, c), h

        carry, h = jax.lax.scan(cell, carry, x @ w["w_x"] + w["b_x"])
        return jnp.mean((h @ w["w_y"] + w["b_y"] - y) ** 2), carry

    def step(w, carry, x, y):
        (loss, carry), grads = jax.value_and_grad(loss_fn, has_aux=True)(w, carry, x, y)
        return jax.tree.map(lambda w, g: w - learning_rate * g, w, grads), carry, loss

    step = jax.jit(step, donate_argnums=(0, 1))
    carry = h, c

    def run():
        nonlocal weights, carry
        weights, carry, loss = jax.block_until_ready(step(weights, carry, x, y))
        return float(loss)

    return run
