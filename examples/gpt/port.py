"""The same GPT in JAX: pure functions of a tree of parameters."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

PAD = 0
Params = dict[str, Any]


def linear(p: Params, x: Array) -> Array:
    return x @ p["kernel"] + p["bias"]


def layer_norm(p: Params, x: Array) -> Array:
    mean = x.mean(-1, keepdims=True)
    variance = jnp.square(x - mean).mean(-1, keepdims=True)
    return (x - mean) * jax.lax.rsqrt(variance + 1e-5) * p["scale"] + p["bias"]


def attention(p: Params, x: Array, visible: Array, heads: int) -> Array:
    batch, length, width = x.shape
    qkv = linear(p["qkv"], x).reshape(batch, length, 3, heads, -1)
    q, k, v = jnp.moveaxis(qkv, 2, 0)
    scores = jnp.einsum("bqhd,bkhd->bhqk", q, k) / jnp.sqrt(width // heads)
    weights = jax.nn.softmax(scores, where=visible, axis=-1)
    return linear(p["out"], jnp.einsum("bhqk,bkhd->bqhd", weights, v).reshape(x.shape))


def block(p: Params, x: Array, visible: Array, heads: int) -> Array:
    x = x + attention(p["attention"], layer_norm(p["norm1"], x), visible, heads)
    hidden = jax.nn.gelu(linear(p["up"], layer_norm(p["norm2"], x)), approximate=False)
    return x + linear(p["down"], hidden)


@partial(jax.jit, static_argnames="heads")
def gpt(params: Params, tokens: Array, heads: int = 4) -> Array:
    """Return logits (batch, length, tokens) of token ids (batch, length), which are padded at the end."""
    length = tokens.shape[1]
    causal = jnp.tril(jnp.ones((length, length), bool))
    visible = causal & (tokens != PAD)[:, None, None, :]
    x = params["token"][tokens] + params["position"][:length]
    for p in params["blocks"]:
        x = block(p, x, visible, heads)
    return layer_norm(params["norm"], x) @ params["token"].T


def loss(logits: Array, targets: Array) -> Array:
    """The mean cross-entropy of the tokens that are no padding."""
    chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), targets[..., None], -1)[..., 0]
    return -jnp.mean(chosen, where=targets != PAD)


def from_torch(weights: Mapping[str, np.ndarray]) -> Params:
    """Return the port's parameters from those of the PyTorch model, by name."""

    def dense(name: str) -> Params:
        return {"kernel": weights[f"{name}.weight"].T, "bias": weights[f"{name}.bias"]}

    def norm(name: str) -> Params:
        return {"scale": weights[f"{name}.weight"], "bias": weights[f"{name}.bias"]}

    def one_block(name: str) -> Params:
        attention = {part: dense(f"{name}.attention.{part}") for part in ("qkv", "out")}
        return {
            "norm1": norm(f"{name}.norm1"), "attention": attention, "norm2": norm(f"{name}.norm2"),
            "up": dense(f"{name}.up"), "down": dense(f"{name}.down"),
        }  # fmt: skip

    blocks = len({name.split(".")[1] for name in weights if name.startswith("blocks.")})
    return {
        "token": weights["token.weight"], "position": weights["position.weight"],
        "blocks": [one_block(f"blocks.{i}") for i in range(blocks)], "norm": norm("norm"),
    }  # fmt: skip
