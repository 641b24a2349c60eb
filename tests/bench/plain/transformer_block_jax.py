"""One step of a transformer block in JAX: one jitted step, attention by dot_product_attention."""

import jax
import jax.numpy as jnp


def layer_norm(x, scale, shift):
    return jax.nn.standardize(x, epsilon=1e-5) * scale + shift


def network(w, x):
    t = x.shape[1]
    mask = (jnp.tril((x != 0)[:, None].repeat(t, axis=1)) | jnp.eye(t, dtype=bool))[:, None]
    h = w["embedding"][x] + w["positions"]

    a = layer_norm(h, w["attn_scale1"], w["attn_shift1"])
    q, k, v = jnp.einsum("ntd,dchk->cnthk", a, w["w_qkv1"]) + w["b_qkv1"][:, None, None]
    mixed = jax.nn.dot_product_attention(q, k, v, mask=mask)
    h = h + jnp.einsum("nthk,hkd->ntd", mixed, w["w_out1"]) + w["b_out1"]

    a = layer_norm(h, w["mlp_scale1"], w["mlp_shift1"])
    up = jax.nn.gelu(a @ w["w_up1"] + w["b_up1"], approximate=False)
    h = h + up @ w["w_down1"] + w["b_down1"]
    return layer_norm(h, w["scale"], w["shift"]) @ w["embedding"].T


def prepare(params, arrays, numbers):
    weights = {name: jnp.array(value, "float32") for name, value in params.items()}
    x, y = jnp.array(arrays["x"]), jnp.array(arrays["y"])
    learning_rate, smoothing = numbers["learning_rate"], numbers["smoothing"]

    def loss_fn(weights, x, y):
        log_p = jax.nn.log_softmax(network(weights, x))
        targets = (1 - smoothing) * jax.nn.one_hot(y, log_p.shape[-1]) + smoothing / log_p.shape[-1]
        return -(targets * log_p).sum(axis=-1).mean(where=y >= 0)

    def step(weights, x, y):
        loss, grads = jax.value_and_grad(loss_fn)(weights, x, y)
        return jax.tree.map(lambda w, g: w - learning_rate * g, weights, grads), loss

    step = jax.jit(step, donate_argnums=0)

    def run():
        nonlocal weights
        weights, loss = jax.block_until_ready(step(weights, x, y))
        return loss

    return run
