"""One step of conv_net in JAX: one compiled function, the running statistics beside the loss."""

import jax
import jax.numpy as jnp
from jax import lax


def prepare(params, arrays, numbers):
    running = {name: jnp.array(p, "float32") for name, p in params.items() if name[:3] in ("mea", "var")}
    weights = {name: jnp.array(p, "float32") for name, p in params.items() if name not in running}
    x, y, learning_rate = jnp.array(arrays["x"], "float32"), jnp.array(arrays["y"]), numbers["learning_rate"]
    window, strides, pads = (1, 3, 3, 1), (1, 2, 2, 1), ((0, 0), (1, 1), (1, 1), (0, 0))

    def loss_fn(weights, running, x, y):
        renewed = {}
        for i in (1, 2):
            kernel, axes = weights[f"kernel{i}"], ("NHWC", "HWIO", "NHWC")
            x = lax.conv_general_dilated(x, kernel, (2, 2), ((1, 1), (1, 1)), dimension_numbers=axes)
            mean, var, n = x.mean((0, 1, 2)), x.var((0, 1, 2)), x[..., 0].size
            renewed[f"mean{i}"] = 0.9 * running[f"mean{i}"] + 0.1 * mean
            renewed[f"var{i}"] = 0.9 * running[f"var{i}"] + 0.1 * var * n / (n - 1)
            x = (x - mean) * lax.rsqrt(var + 1e-5) * weights[f"scale{i}"] + weights[f"shift{i}"]
            x = jax.nn.relu(x)
        counts = lax.reduce_window(jnp.ones((1, 7, 7, 1)), 0.0, lax.add, window, strides, pads)
        x = lax.reduce_window(x, 0.0, lax.add, window, strides, pads) / counts
        log_p = jax.nn.log_softmax(x.reshape(len(x), -1) @ weights["w"] + weights["b"])
        return -log_p[jnp.arange(len(y)), y].mean(), renewed

    def step(weights, running, x, y):
        (loss, running), grads = jax.value_and_grad(loss_fn, has_aux=True)(weights, running, x, y)
        return jax.tree.map(lambda w, g: w - learning_rate * g, weights, grads), running, loss

    step = jax.jit(step, donate_argnums=(0, 1))

    def run():
        nonlocal weights, running
        weights, running, loss = jax.block_until_ready(step(weights, running, x, y))
        return float(loss)

    return run
