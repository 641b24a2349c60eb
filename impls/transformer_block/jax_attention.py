"""JAX: dot_product_attention takes queries, keys and values as they lie, and chooses the kernel."""

from functools import partial

import jax
import jax.numpy as jnp

from .jax_grad import (
    adam,
    adopt,
    attention,
    cross_entropy,
    depth,
    export,
    gelu,
    layer_norm,
    of_block,
    visible,
    weights,
)

READ_AFTER = "jax_grad"


def mixture(qkv, mask):
    if qkv.dtype == jnp.float64:  # whatever it is given, the softmax of dot_product_attention is float32's
        _, mixed = attention(qkv, mask)
        return mixed
    q, k, v = qkv[:, :, 0], qkv[:, :, 1], qkv[:, :, 2]
    return jax.nn.dot_product_attention(q, k, v, mask=mask)


def block(w, h, mask, tanh, mixture):
    d = h.shape[-1]

    # Attention
    attn_norm = layer_norm(h, w["attn_scale"], w["attn_shift"])
    qkv = attn_norm @ w["w_qkv"].reshape(d, -1)
    qkv = qkv.reshape(*h.shape[:2], *w["b_qkv"].shape) + w["b_qkv"]
    mixed = mixture(qkv, mask)
    attended = h + mixed.reshape(h.shape) @ w["w_out"].reshape(d, d) + w["b_out"]

    # MLP
    mlp_norm = layer_norm(attended, w["mlp_scale"], w["mlp_shift"])
    up = mlp_norm @ w["w_up"] + w["b_up"]
    return attended + gelu(up, tanh) @ w["w_down"] + w["b_down"]


def network(state, x, tanh, mixture=mixture):
    mask, seen = visible(x), {}
    h = seen["h0"] = state["embedding"][x] + state["positions"]
    for i in range(1, depth(state) + 1):
        h = seen[f"h{i}"] = block(of_block(state, i), h, mask, tanh, mixture)
    seen["norm"] = layer_norm(h, state["scale"], state["shift"])
    seen["logits"] = seen["norm"] @ state["embedding"].T
    return seen


@partial(jax.jit, static_argnames="tanh")
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


@partial(jax.jit, static_argnames="tanh", donate_argnames="state")
def train_step(state, x, y, tanh, smoothing, learning_rate):
    loss, grads = loss_and_grads(state, x, y, tanh, smoothing)
    return state | {name: state[name] - learning_rate * grad for name, grad in grads.items()}, loss


@partial(jax.jit, donate_argnames="state", static_argnames=("tanh", "beta1", "beta2"))
def adam_step(state, x, y, tanh, smoothing, learning_rate, beta1, beta2, eps):
    loss, grads = loss_and_grads(state, x, y, tanh, smoothing)
    return adam(state, grads, learning_rate, beta1, beta2, eps), loss
