"""The two-layer network in JAX: one jitted step, called in a Python loop."""

import jax
import jax.numpy as jnp


def prepare(params, arrays, numbers):
    w1, w2 = (jnp.array(params[name], "float32") for name in ("w1", "w2"))
    x, y = (jnp.array(arrays[name], "float32") for name in ("x", "y"))
    learning_rate, steps = numbers["learning_rate"], numbers["steps"]

    def loss_fn(weights, x, y):
        w1, w2 = weights
        return ((jax.nn.relu(x @ w1) @ w2 - y) ** 2).sum()

    def step(weights, x, y):
        loss, grads = jax.value_and_grad(loss_fn)(weights, x, y)
        return [w - learning_rate * g for w, g in zip(weights, grads, strict=True)], loss

    step = jax.jit(step, donate_argnums=0)
    weights = [w1, w2]

    def run():
        nonlocal weights
        losses = []
        for _ in range(steps):
            weights, loss = step(weights, x, y)
            losses.append(loss)
        jax.block_until_ready(weights)
        return jax.device_get(losses)

    return run
