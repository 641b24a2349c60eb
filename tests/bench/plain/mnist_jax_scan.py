"""One epoch of MNIST in JAX: an epoch in one compiled call, by lax.scan, on images normalised beforehand."""

import jax
import jax.numpy as jnp


def prepare(params, arrays, numbers):
    images = jnp.array((arrays["images"] / 255 - numbers["mean"]) / numbers["std"], "float32")
    labels, order = jnp.array(arrays["labels"]), jnp.array(arrays["order"])
    learning_rate = numbers["learning_rate"]

    def loss_fn(layers, x, y):
        *hidden, (w, b) = layers
        for w_hidden, b_hidden in hidden:
            x = jax.nn.relu(x @ w_hidden + b_hidden)
        log_p = jax.nn.log_softmax(x @ w + b)
        return -log_p[jnp.arange(len(y)), y].mean()

    def epoch(layers, images, labels, order):
        def step(layers, batch):
            loss, grads = jax.value_and_grad(loss_fn)(layers, images[batch], labels[batch])
            return jax.tree.map(lambda w, g: w - learning_rate * g, layers, grads), loss

        return jax.lax.scan(step, layers, order)

    epoch = jax.jit(epoch, donate_argnums=0)
    layers = [
        (jnp.array(params[f"w{i}"], "float32"), jnp.array(params[f"b{i}"], "float32"))
        for i in range(1, len(params) // 2 + 1)
    ]

    def run():
        nonlocal layers
        layers, losses = jax.block_until_ready(epoch(layers, images, labels, order))
        return losses

    return run
